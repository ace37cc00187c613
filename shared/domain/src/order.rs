//! An order as the shop or ERP states it, checked once and kept whole.

mod hash;
mod quick;
pub(crate) mod read;

use crate::code::Code;
use crate::document::{self, Unread};
use crate::id::{AccountId, ContactId, LineId, OrderKey, ReservationId, Sku};
use crate::money::{Currency, Minor, Overflow, Points, UnitPrice};
use crate::payment::PaymentState;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use read::{DISCOUNT_CODES_MAX, LABEL_CHARS_MAX, LINES_MAX, POINTS_MAX, QUANTITY_MAX, REVISION_MAX};
pub(crate) use read::{cart_line, check_whole};

/// A purchase placed in the merchant's shop or ERP. Identity: [`Order::key`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// `(source, order_id)`.
    #[serde(flatten)]
    pub key: OrderKey,
    /// The account that bought.
    pub account_id: AccountId,
    /// The person who ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<ContactId>,
    /// When it was placed, by the shop's clock.
    pub placed_at: Instant,
    /// Currency of every amount in it.
    pub currency: Currency,
    /// 1 to 5,000 lines with distinct ids (an imported order may have none left).
    pub lines: Vec<OrderLine>,
    /// Shipping charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Minor>,
    /// Codes of the account's discounts that the customer used, each once, in the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discount_codes: Vec<Code>,
    /// It says that it uses no codes: not even those of its reservation. Whoever names none does not say so.
    #[serde(skip)]
    pub no_codes: bool,
    /// The reservation that it uses.
    #[serde(default, rename = "reservation_id", skip_serializing_if = "Option::is_none")]
    pub reservation: Option<ReservationId>,
    /// How many of the account's points pay a part of it; nothing: as many as its reservation holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<Points>,
    /// Which statement of the order this is: a higher one replaces a lower one. 0 where the shop counts none.
    #[serde(default, skip_serializing_if = "is_first")]
    pub revision: u64,
    /// Whether it is paid, if the shop says so here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_state: Option<PaymentState>,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// Its number in the order.
    pub line_id: LineId,
    /// What was bought.
    pub sku: Sku,
    /// Units, more than zero.
    pub quantity: u64,
    /// What it cost before its discount.
    #[serde(flatten)]
    pub price: LinePrice,
    /// What was taken off the line, not negative.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub discount: Minor,
    /// What of its discount is by the program: by the tier's standing discount and by codes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub program_discount: Minor,
    /// What of its discount was paid with points.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub paid_with_points: Minor,
    /// Tax contained in or added to the line, as the shop states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Minor>,
    /// The shop's category of the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The product's brand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// At most 8 labels, sorted and distinct.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// How a line states its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinePrice {
    /// Per unit, up to six decimals.
    UnitPrice(UnitPrice),
    /// For the whole line.
    Amount(Minor),
}

fn is_zero(amount: &Minor) -> bool {
    *amount == Minor::ZERO
}

fn is_first(revision: &u64) -> bool {
    *revision == 0
}

impl OrderLine {
    /// Whether what is said of its discount fits into that.
    fn is_discounted_enough(&self) -> bool {
        self.program_discount.plus(self.paid_with_points).is_ok_and(|parts| parts <= self.discount)
    }

    /// What of its discount points pay and the program takes off, never more than all of it: what may be eligible beyond
    /// what the line comes to.
    fn paid_besides(&self) -> Minor {
        self.program_discount.plus(self.paid_with_points).map_or(self.discount, |parts| parts.min(self.discount))
    }

    /// What the line came to: the stated amount, or quantity × unit price rounded half up to the minor unit
    /// (once, for the line), less the line's discount.
    pub fn amount(&self, currency: Currency) -> Result<Minor, Overflow> {
        let gross = match self.price {
            LinePrice::UnitPrice(price) => price.times(self.quantity, currency)?,
            LinePrice::Amount(amount) => amount,
        };
        gross.minus(self.discount)
    }
}

impl Order {
    /// Reads an order from its JSON document; every fault at once. Amounts are checked to fit 64 bits in total.
    pub fn from_json(document: &Value) -> Result<Self, document::Faults> {
        read::order(document)
    }

    /// Reads an order from the text of its document, as [`Self::from_json`] does from the document.
    pub fn from_text(text: &[u8]) -> Result<Self, Unread> {
        match quick::order(text) {
            Some(order) => Ok(order),
            None => Ok(Self::from_json(&document::parse(text).map_err(Unread::NotJson)?)?),
        }
    }

    /// Reads the document that amends the order of a key, which it need not repeat; it must say its revision.
    pub fn amendment_from_json(key: &OrderKey, document: &Value) -> Result<Self, crate::document::Faults> {
        read::amendment(key, document)
    }

    /// Reads the detail of an `OrderAmended` event: an order that must say its revision.
    pub fn amendment_from_event(document: &Value) -> Result<Self, crate::document::Faults> {
        read::announced_amendment(document)
    }

    /// Whether another statement of the order says the same, whatever their revisions, and whether they say that it is
    /// paid: that is a fact of its own ([`crate::payment`]).
    pub fn says_the_same(&self, other: &Self) -> bool {
        let Self {
            key,
            account_id,
            contact_id,
            placed_at,
            currency,
            lines,
            shipping,
            discount_codes,
            no_codes: _,
            reservation,
            points,
            revision: _,
            payment_state: _,
        } = self;
        (key, account_id, contact_id, placed_at) == (&other.key, &other.account_id, &other.contact_id, &other.placed_at)
            && (currency, lines, shipping) == (&other.currency, &other.lines, &other.shipping)
            && (discount_codes, reservation, points) == (&other.discount_codes, &other.reservation, &other.points)
    }

    /// Whether it leaves the codes that it uses to its reservation.
    pub(crate) fn leaves_codes(&self) -> bool {
        self.discount_codes.is_empty() && !self.no_codes
    }

    /// What all lines came to.
    pub fn total(&self) -> Result<Minor, Overflow> {
        self.lines.iter().try_fold(Minor::ZERO, |sum, line| sum.plus(line.amount(self.currency)?))
    }

    /// SHA-256 over the parsed value, so that spelling (field order, `1.50` or `1.5`, offset) makes no difference.
    pub fn content_hash(&self) -> [u8; 32] {
        hash::of(self)
    }

    /// Whether this is the hash that it has, or had by the first release.
    pub fn has_hash(&self, hash: &[u8; 32], stored: &[u8; 32]) -> bool {
        hash == stored || hash::first(self) == *stored
    }

    /// The JSON paths at which two orders differ, at most 20.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let value = |order: &Self| serde_json::to_value(order).unwrap_or_default();
        compare("$", &value(self), &value(other), &mut found);
        found.truncate(20);
        found
    }
}

fn compare(path: &str, one: &Value, two: &Value, found: &mut Vec<String>) {
    match (one, two) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let nothing = Value::Null;
                let pair = (a.get(key).unwrap_or(&nothing), b.get(key).unwrap_or(&nothing));
                compare(&format!("{path}.{key}"), pair.0, pair.1, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (x, y)) in a.iter().zip(b).enumerate() {
                compare(&format!("{path}[{index}]"), x, y, found);
            }
        }
        _ if one == two => {}
        _ => found.push(path.to_owned()),
    }
}
