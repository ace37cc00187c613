//! The order document, read into an [`Order`].

use super::{LinePrice, Order, OrderLine};
use crate::code::Code;
use crate::document::{self, Faults, Object, Path};
use crate::id::{AccountId, ContactId, LineId, OrderId, OrderKey, ReservationId, Sku, Source};
use crate::money::{self, Currency, Minor, Overflow, Points, UnitPrice};
use crate::payment::PaymentState;
use serde_json::Value;
use std::collections::BTreeSet;

/// Most lines of an order.
pub const LINES_MAX: usize = 5_000;
/// Most units of a line.
pub const QUANTITY_MAX: u64 = 1_000_000_000;
/// Most codes an order may name.
pub const DISCOUNT_CODES_MAX: usize = 10;
/// Most points that an order may state.
pub const POINTS_MAX: u64 = 1_000_000_000_000;
/// The highest revision: what every JSON reader holds exactly, so that a time in milliseconds may serve as one.
pub const REVISION_MAX: u64 = (1 << 53) - 1;
pub(super) const TAGS_MAX: usize = 8;
/// Most characters of a category, a brand or a tag.
pub const LABEL_CHARS_MAX: usize = 64;

const ORDER_FIELDS: [&str; 13] = [
    "source",
    "order_id",
    "account_id",
    "contact_id",
    "placed_at",
    "currency",
    "lines",
    "shipping",
    "discount_codes",
    "reservation_id",
    "points",
    "revision",
    "payment_state",
];
/// What a line says of the discount that the program gives it: nothing in a cart, which has none yet.
const DISCOUNT_FIELDS: [&str; 2] = ["program_discount", "paid_with_points"];
const LINE_FIELDS: [&str; 12] = [
    "line_id",
    "sku",
    "quantity",
    "unit_price",
    "amount",
    "discount",
    DISCOUNT_FIELDS[0],
    DISCOUNT_FIELDS[1],
    "tax",
    "category",
    "brand",
    "tags",
];

pub(super) fn order(value: &Value) -> Result<Order, Faults> {
    let mut faults = Faults::default();
    let order = read_order(value, &mut faults);
    faults.into_result(order)
}

pub(super) fn amendment(key: &OrderKey, value: &Value) -> Result<Order, Faults> {
    let mut faults = Faults::default();
    let mut whole = value.clone();
    if let Some(fields) = whole.as_object_mut() {
        for (name, own) in [("source", key.source.as_str()), ("order_id", key.order_id.as_str())] {
            let stated = fields.entry(name).or_insert_with(|| own.into());
            if stated != own {
                let message = format!("must be {own}, as in the address, or be left out");
                faults.add(&Path::Key(&Path::Root, name), "conflict", message);
            }
        }
    }
    let order = read_amendment(&whole, &mut faults);
    faults.into_result(order)
}

pub(super) fn announced_amendment(value: &Value) -> Result<Order, Faults> {
    let mut faults = Faults::default();
    let order = read_amendment(value, &mut faults);
    faults.into_result(order)
}

fn read_amendment(value: &Value, faults: &mut Faults) -> Option<Order> {
    if value.is_object() && value.get("revision").is_none_or(Value::is_null) {
        faults.add(&Path::Key(&Path::Root, "revision"), "missing", "is required, to tell which statement is newer");
    }
    read_order(value, faults)
}

fn read_order(value: &Value, faults: &mut Faults) -> Option<Order> {
    let root = Object::open(value, &Path::Root, &ORDER_FIELDS, faults)?;
    let source = root.required("source", faults, document::id(Source::parse));
    let order_id = root.required("order_id", faults, document::id(OrderId::parse));
    let account_id = root.required("account_id", faults, document::id(AccountId::parse));
    let contact_id = root.optional("contact_id", faults, document::id(ContactId::parse));
    let placed_at = root.required("placed_at", faults, document::instant);
    let currency = root.required("currency", faults, document::currency);
    // Decimals depend on the currency; without one, the widest minor unit keeps the other checks going.
    let money = currency.unwrap_or(Currency::CLF);
    let shipping = root.optional("shipping", faults, document::decimal(money::decimals(money), 0)).map(Minor);
    if !root.has("lines") {
        faults.add(&root.at("lines"), "missing", "is required");
    }
    let lines = root.list("lines", 1..=LINES_MAX, faults, |value, path, faults| line(value, path, money, faults));
    let codes = root.list_of("discount_codes", 0..=DISCOUNT_CODES_MAX, faults, document::id(Code::parse));
    let reservation = root.optional("reservation_id", faults, document::id(ReservationId::parse));
    let points = root.optional("points", faults, document::digits(0..=POINTS_MAX));
    let revision = root.optional("revision", faults, document::digits(0..=REVISION_MAX));
    let payment_state = root.optional("payment_state", faults, document::one_of(&PaymentState::ALL));
    let order = Order {
        key: OrderKey { source: source?, order_id: order_id? },
        account_id: account_id?,
        contact_id,
        placed_at: placed_at?,
        currency: currency?,
        lines: lines?,
        shipping,
        discount_codes: codes.unwrap_or_default(),
        reservation,
        points: points.map(Points::of),
        revision: revision.unwrap_or(0),
        payment_state,
    };
    check_whole(&order, faults);
    Some(order)
}

/// Reads a line of a cart: nothing but the shop's own discount has been taken off it.
pub(crate) fn cart_line(value: &Value, path: &Path<'_>, currency: Currency, faults: &mut Faults) -> Option<OrderLine> {
    for field in DISCOUNT_FIELDS.iter().filter(|field| value.get(field).is_some_and(|stated| !stated.is_null())) {
        faults.add(
            &Path::Key(path, field),
            "conflict",
            "is what the answer tells; a cart states its own discount only",
        );
    }
    line(value, path, currency, faults)
}

fn line(value: &Value, path: &Path<'_>, currency: Currency, faults: &mut Faults) -> Option<OrderLine> {
    let line = Object::open(value, path, &LINE_FIELDS, faults)?;
    let decimals = money::decimals(currency);
    let line_id = line.required("line_id", faults, document::id(LineId::parse));
    let sku = line.required("sku", faults, document::id(Sku::parse));
    let quantity = line.required("quantity", faults, document::digits(1..=QUANTITY_MAX));
    let price = line_price(&line, path, decimals, faults);
    let discount = line.optional("discount", faults, document::decimal(decimals, 0)).map_or(Minor::ZERO, Minor);
    let mut part = |name| line.optional(name, faults, document::decimal(decimals, 0)).map_or(Minor::ZERO, Minor);
    let [program_discount, paid_with_points] = DISCOUNT_FIELDS.map(&mut part);
    let tax = line.optional("tax", faults, document::decimal(decimals, 0)).map(Minor);
    let category = line.optional("category", faults, document::label(LABEL_CHARS_MAX));
    let brand = line.optional("brand", faults, document::label(LABEL_CHARS_MAX));
    let tags = line.list_of("tags", 0..=TAGS_MAX, faults, document::label(LABEL_CHARS_MAX)).unwrap_or_default();
    let tags: BTreeSet<String> = tags.into_iter().collect();
    let line = OrderLine {
        line_id: line_id?,
        sku: sku?,
        quantity: quantity?,
        price: price?,
        discount,
        program_discount,
        paid_with_points,
        tax,
        category,
        brand,
        tags: tags.into_iter().collect(),
    };
    if !line.is_discounted_enough() {
        let message = "the line's program_discount and paid_with_points are parts of it: it is less than them";
        faults.add(&Path::Key(path, "discount"), "out_of_range", message);
    }
    match line.amount(currency) {
        Err(overflow) => faults.add(path, "out_of_range", overflow.to_string()),
        Ok(amount) if amount < Minor::ZERO => {
            faults.add(&Path::Key(path, "discount"), "out_of_range", "is more than the line's amount");
        }
        Ok(_) => {}
    }
    Some(line)
}

fn line_price(line: &Object<'_>, path: &Path<'_>, decimals: u32, faults: &mut Faults) -> Option<LinePrice> {
    let unit = document::decimal(UnitPrice::DECIMALS_MAX, 0);
    match (line.has("unit_price"), line.has("amount")) {
        (true, false) => line.optional("unit_price", faults, unit).map(|p| LinePrice::UnitPrice(UnitPrice(p))),
        (false, true) => {
            line.optional("amount", faults, document::decimal(decimals, 0)).map(|a| LinePrice::Amount(Minor(a)))
        }
        (false, false) => {
            faults.add(&Path::Key(path, "unit_price"), "missing", "either unit_price or amount is required");
            None
        }
        (true, true) => {
            faults.add(&Path::Key(path, "amount"), "conflict", "give unit_price or amount, not both");
            None
        }
    }
}

/// What only the whole order shows: repeated line ids and codes, a total beyond 64 bits.
pub(crate) fn check_whole(order: &Order, faults: &mut Faults) {
    let root = Path::Root;
    if !are_numbered(&order.lines) {
        let mut ids = BTreeSet::new();
        for (index, line) in order.lines.iter().enumerate().filter(|(_, line)| !ids.insert(&line.line_id)) {
            let lines = Path::Key(&root, "lines");
            let at = Path::Index(&lines, index);
            faults.add(&Path::Key(&at, "line_id"), "duplicate", format!("line id {} is used twice", line.line_id));
        }
    }
    let mut codes = BTreeSet::new();
    for (index, code) in order.discount_codes.iter().enumerate().filter(|(_, code)| !codes.insert(*code)) {
        let list = Path::Key(&root, "discount_codes");
        faults.add(&Path::Index(&list, index), "duplicate", format!("code {code} is named twice"));
    }
    let total = order.total().and_then(|total| total.plus(order.shipping.unwrap_or(Minor::ZERO)));
    if total.and_then(|total| with_tax(order, total, faults)).is_err() {
        let message = "the order's total with its tax does not fit a 64-bit integer";
        faults.add(&Path::Key(&root, "lines"), "out_of_range", message);
    }
}

/// A total and the tax of all lines. What is eligible may be less the tax, or with it: both must fit, of each line, too.
fn with_tax(order: &Order, mut total: Minor, faults: &mut Faults) -> Result<Minor, Overflow> {
    for (index, line) in order.lines.iter().enumerate() {
        let Some(tax) = line.tax else { continue };
        let fits = line.amount(order.currency)?.plus(tax).and(line.discount.plus(tax));
        match fits {
            Ok(_) => total = total.plus(tax)?,
            Err(overflow) => {
                let lines = Path::Key(&Path::Root, "lines");
                faults.add(&Path::Key(&Path::Index(&lines, index), "tax"), "out_of_range", overflow.to_string());
            }
        }
    }
    Ok(total)
}

/// Whether lines are numbered upwards, as most are: then it takes no set to see that they are distinct.
fn are_numbered(lines: &[OrderLine]) -> bool {
    let below = |(one, next): (&OrderLine, &OrderLine)| {
        let (one, next) = (one.line_id.as_str(), next.line_id.as_str());
        (one.len(), one) < (next.len(), next)
    };
    lines.iter().zip(lines.iter().skip(1)).all(below)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_and_tax_that_do_not_fit_are_named_where_they_stand() {
        const MOST: &str = "92233720368547758.07";
        for (lines, expected) in [
            (json!([{"amount": MOST, "tax": "0"}]), ""),
            (json!([{"amount": "1", "tax": MOST}]), "$.lines[0].tax"),
            (json!([{"amount": "0.00", "tax": MOST}]), ""),
            // Where tax is subtracted, it goes with the discount.
            (json!([{"amount": "5.00", "discount": "5.00", "tax": MOST}]), "$.lines[0].tax"),
            (
                json!([{"amount": "1", "tax": "90000000000000000"}, {"amount": "1", "tax": "90000000000000000"}]),
                "$.lines",
            ),
            (json!([{"amount": "1", "tax": "90000000000000000"}, {"amount": "90000000000000000"}]), "$.lines"),
            (json!([{"amount": "1", "tax": "40000000000000000"}, {"amount": "50000000000000000"}]), ""),
            (json!([{"amount": MOST}, {"amount": "0.01"}]), "$.lines"),
            (json!([{"amount": MOST}, {"amount": "0.01", "tax": "0.01"}]), "$.lines"),
        ] {
            let mut document = json!({
                "source": "shop", "order_id": "1", "account_id": "acme", "placed_at": "2030-05-01T12:00:00Z",
                "currency": "GBP", "lines": lines,
            });
            for (index, line) in document["lines"].as_array_mut().into_iter().flatten().enumerate() {
                line["line_id"] = json!(index.to_string());
                line["sku"] = json!("MUG");
                line["quantity"] = json!(1);
            }
            let told = Order::from_json(&document).err().unwrap_or_default();
            let paths: Vec<_> = told.listed().iter().map(|fault| fault.path.as_str()).collect();
            assert_eq!(paths.join(" "), expected, "{document}");
            assert!(Order::from_text(document.to_string().as_bytes()).is_ok() == expected.is_empty(), "{document}");
        }
    }
}
