//! An order straight from its text, without a document in between: most orders, since most have nothing wrong.
//!
//! It knows no faults. What it does not read is left to [`super::read`], which says what is wrong with it; so it may
//! refuse more than that one, and must never accept what that one refuses, nor read it differently.

use super::read::{
    self, DISCOUNT_CODES_MAX, LABEL_CHARS_MAX, LINES_MAX, POINTS_MAX, QUANTITY_MAX, REVISION_MAX, TAGS_MAX,
};
use super::{LinePrice, Order, OrderLine};
use crate::code::Code;
use crate::document;
use crate::id::{AccountId, ContactId, LineId, OrderId, OrderKey, ReservationId, Sku, Source};
use crate::money::{self, Currency, Minor, Points, UnitPrice};
use crate::payment::PaymentState;
use crate::time::Instant;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

/// Lines that a usual order has at most.
const USUAL_LINES: usize = 32;

/// The order of a text; `None` where something is wrong with it.
pub(super) fn order(text: &[u8]) -> Option<Order> {
    // UTF-8 is checked once for the text instead of for each string in it.
    let Object(document): Object<Document<'_>> = serde_json::from_str(std::str::from_utf8(text).ok()?).ok()?;
    document.order()
}

/// A string that is copied only where the text spells it with escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    fn optional<T>(text: Option<&Self>, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
        match text {
            Some(Text(text)) => read(text).map(Some),
            None => Some(None),
        }
    }
}

/// An object. A derived reader alone would take an array of the fields' values for one, too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
    }
}

/// The lines, in a list that has room for those of a usual order from the start: it would be moved at each growth.
struct Lines<'a>(Vec<Object<Line<'a>>>);

impl<'de: 'a, 'a> Deserialize<'de> for Lines<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(LinesVisitor(PhantomData))
    }
}

struct LinesVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for LinesVisitor<'a> {
    type Value = Lines<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Lines<'a>, A::Error> {
        let mut lines = Vec::with_capacity(USUAL_LINES);
        while let Some(line) = items.next_element()? {
            lines.push(line);
        }
        Ok(Lines(lines))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(borrow)]
    source: Text<'a>,
    #[serde(borrow)]
    order_id: Text<'a>,
    #[serde(borrow)]
    account_id: Text<'a>,
    #[serde(borrow)]
    contact_id: Option<Text<'a>>,
    #[serde(borrow)]
    placed_at: Text<'a>,
    #[serde(borrow)]
    currency: Text<'a>,
    #[serde(borrow)]
    lines: Lines<'a>,
    #[serde(borrow)]
    shipping: Option<Text<'a>>,
    #[serde(borrow)]
    discount_codes: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    reservation_id: Option<Text<'a>>,
    points: Option<u64>,
    revision: Option<u64>,
    #[serde(borrow)]
    payment_state: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    line_id: Text<'a>,
    #[serde(borrow)]
    sku: Text<'a>,
    quantity: u64,
    #[serde(borrow)]
    unit_price: Option<Text<'a>>,
    #[serde(borrow)]
    amount: Option<Text<'a>>,
    #[serde(borrow)]
    discount: Option<Text<'a>>,
    #[serde(borrow)]
    program_discount: Option<Text<'a>>,
    #[serde(borrow)]
    paid_with_points: Option<Text<'a>>,
    #[serde(borrow)]
    tax: Option<Text<'a>>,
    #[serde(borrow)]
    category: Option<Text<'a>>,
    #[serde(borrow)]
    brand: Option<Text<'a>>,
    #[serde(borrow)]
    tags: Option<Vec<Text<'a>>>,
}

impl Document<'_> {
    fn order(&self) -> Option<Order> {
        let currency = Currency::from_code(&self.currency.0)?;
        let codes = self.discount_codes.as_deref().unwrap_or_default();
        if !(1..=LINES_MAX).contains(&self.lines.0.len()) || codes.len() > DISCOUNT_CODES_MAX {
            return None;
        }
        let is_beyond = |stated: Option<u64>, most| stated.is_some_and(|stated| stated > most);
        if is_beyond(self.revision, REVISION_MAX) || is_beyond(self.points, POINTS_MAX) {
            return None;
        }
        let order = Order {
            key: OrderKey {
                source: Source::parse(&self.source.0).ok()?,
                order_id: OrderId::parse(&self.order_id.0).ok()?,
            },
            account_id: AccountId::parse(&self.account_id.0).ok()?,
            contact_id: Text::optional(self.contact_id.as_ref(), |id| ContactId::parse(id).ok())?,
            placed_at: Instant::parse(&self.placed_at.0)?,
            currency,
            lines: self.lines.0.iter().map(|Object(line)| line.read(currency)).collect::<Option<_>>()?,
            shipping: Text::optional(self.shipping.as_ref(), |text| minor(text, currency))?,
            discount_codes: codes.iter().map(|Text(code)| Code::parse(code).ok()).collect::<Option<_>>()?,
            no_codes: self.discount_codes.is_some() && codes.is_empty(),
            reservation: Text::optional(self.reservation_id.as_ref(), |id| ReservationId::parse(id).ok())?,
            points: self.points.map(Points::of),
            revision: self.revision.unwrap_or(0),
            payment_state: Text::optional(self.payment_state.as_ref(), PaymentState::parse)?,
        };
        let mut faults = document::Faults::default();
        read::check_whole(&order, &mut faults);
        faults.is_empty().then_some(order)
    }
}

impl Line<'_> {
    fn read(&self, currency: Currency) -> Option<OrderLine> {
        let money = |text: &Option<Text<'_>>| Text::optional(text.as_ref(), |text| minor(text, currency));
        let label = |text: &Option<Text<'_>>| Text::optional(text.as_ref(), label);
        let tags = self.tags.as_deref().unwrap_or_default();
        if !(1..=QUANTITY_MAX).contains(&self.quantity) || tags.len() > TAGS_MAX {
            return None;
        }
        let tags: BTreeSet<_> = tags.iter().map(|Text(tag)| self::label(tag)).collect::<Option<_>>()?;
        let price = match (&self.unit_price, &self.amount) {
            (Some(Text(price)), None) => {
                LinePrice::UnitPrice(UnitPrice(document::decimal_of(price, UnitPrice::DECIMALS_MAX, 0).ok()?))
            }
            (None, Some(Text(amount))) => LinePrice::Amount(minor(amount, currency)?),
            _ => return None,
        };
        let line = OrderLine {
            line_id: LineId::parse(&self.line_id.0).ok()?,
            sku: Sku::parse(&self.sku.0).ok()?,
            quantity: self.quantity,
            price,
            discount: money(&self.discount)?.unwrap_or(Minor::ZERO),
            program_discount: money(&self.program_discount)?.unwrap_or(Minor::ZERO),
            paid_with_points: money(&self.paid_with_points)?.unwrap_or(Minor::ZERO),
            tax: money(&self.tax)?,
            category: label(&self.category)?,
            brand: label(&self.brand)?,
            tags: tags.into_iter().collect(),
        };
        (line.is_discounted_enough() && line.amount(currency).ok()? >= Minor::ZERO).then_some(line)
    }
}

fn minor(text: &str, currency: Currency) -> Option<Minor> {
    document::decimal_of(text, money::decimals(currency), 0).ok().map(Minor)
}

fn label(text: &str) -> Option<String> {
    document::label_of(text, LABEL_CHARS_MAX).ok()
}

#[cfg(test)]
mod tests;
