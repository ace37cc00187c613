//! The order document, read into an [`Order`].

use super::{LinePrice, Order, OrderLine};
use crate::code::Code;
use crate::document::{self, Faults, Object, Path};
use crate::id::{AccountId, ContactId, LineId, OrderId, OrderKey, ReservationId, Sku, Source};
use crate::money::{self, Currency, Minor, Overflow, Points, UnitPrice};
use crate::payment::PaymentState;
use crate::schema::{self, Schema};
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
            let stated = fields.entry(name).or_insert(Value::Null);
            if stated.is_null() {
                *stated = own.into();
            } else if stated != own {
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
        no_codes: codes.as_ref().is_some_and(Vec::is_empty),
        discount_codes: codes.unwrap_or_default(),
        reservation,
        points: points.map(Points::of),
        revision: revision.unwrap_or(0),
        payment_state,
    };
    check_whole(&order, faults);
    Some(order)
}

/// What [`order`] reads.
pub(crate) fn schema() -> Schema {
    let order = schema::object("Order")
        .required("source", schema::id(Source::parse), "The shop or ERP that it comes from.")
        .required("order_id", schema::id(OrderId::parse), "Its number there.");
    let revision = "Which statement of the order it is: a higher one is newer. Left out it is 0.";
    stated(order).optional("revision", schema::whole(0..=REVISION_MAX), revision)
}

/// What [`amendment`] reads.
pub(crate) fn amendment_schema() -> Schema {
    let order = schema::object("Amendment")
        .optional("source", schema::id(Source::parse), "As in the address.")
        .optional("order_id", schema::id(OrderId::parse), "As in the address.");
    let revision = "Which statement of the order it is: a higher one is newer.";
    stated(order).required("revision", schema::whole(0..=REVISION_MAX), revision)
}

/// What every statement of an order says besides.
fn stated(order: Schema) -> Schema {
    let reservation = schema::shape("^[0-9a-f]{16}$");
    order
        .required("account_id", schema::id(AccountId::parse), "The company that buys.")
        .optional("contact_id", schema::id(ContactId::parse), "The person who ordered.")
        .required("placed_at", schema::instant(), "When it was placed: up to a day ahead of the clock here.")
        .required("currency", schema::currency(), "The currency of its amounts, ISO 4217: the program's.")
        .required("lines", schema::list(1..=LINES_MAX, line_schema()), "What was ordered; line ids are distinct.")
        .optional("shipping", schema::money(0), "What is charged for shipping beside the lines.")
        .optional("discount_codes", codes_schema(), "The codes of the discounts that it uses, each once.")
        .optional("reservation_id", reservation, "The reservation whose discounts and points it uses.")
        .optional("points", schema::whole(0..=POINTS_MAX), "The points that pay a part of it.")
        .optional("payment_state", schema::one_of(&PaymentState::ALL), "Whether it was paid, where that is told.")
}

/// Codes that a document names.
pub(crate) fn codes_schema() -> Schema {
    schema::list(0..=DISCOUNT_CODES_MAX, schema::code())
}

fn line_schema() -> Schema {
    let taken_off = "What of the discount the program's own discounts took off.";
    let paid = "What of the discount was paid with points.";
    priced_line("OrderLine").optional(DISCOUNT_FIELDS[0], schema::money(0), taken_off).optional(
        DISCOUNT_FIELDS[1],
        schema::money(0),
        paid,
    )
}

/// What [`cart_line`] reads.
pub(crate) fn cart_line_schema() -> Schema {
    let none = || Schema::null();
    priced_line("CartLine")
        .field(DISCOUNT_FIELDS[0], none().about("What the answer tells: a cart states its own discount only."))
        .field(DISCOUNT_FIELDS[1], none().about("What the answer tells: a cart states its own discount only."))
}

fn priced_line(title: &str) -> Schema {
    let label = || schema::label(LABEL_CHARS_MAX);
    let price = schema::decimal(UnitPrice::DECIMALS_MAX, 0);
    schema::object(title)
        .required("line_id", schema::id(LineId::parse), "The line's number in the order.")
        .required("sku", schema::sku(), "What was ordered.")
        .required("quantity", schema::whole(1..=QUANTITY_MAX), "How many units.")
        .optional("unit_price", price, "The price of one, before the discount; or the amount is stated.")
        .optional("amount", schema::money(0), "The price of all, before the discount; or the unit price is stated.")
        .optional("discount", schema::money(0), "What is taken off the line, in all.")
        .optional("tax", schema::money(0), "The line's tax, beside its amount.")
        .optional("category", label(), "The category of the goods.")
        .optional("brand", label(), "The brand of the goods.")
        .optional("tags", schema::list(0..=TAGS_MAX, label()), "What else is to be told apart by.")
        .one_of_fields(&["unit_price", "amount"])
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
    if total.and_then(|total| at_most_eligible(order, total, faults)).is_err() {
        let message = "the order's total with its tax, and with what is paid with points and taken off by the program, \
                       does not fit a 64-bit integer";
        faults.add(&Path::Key(&root, "lines"), "out_of_range", message);
    }
}

/// A total, what was paid of all lines besides money, and their tax. What is eligible may be less the tax, or with it, and
/// with what was paid besides: all must fit, of each line, too.
fn at_most_eligible(order: &Order, mut total: Minor, faults: &mut Faults) -> Result<Minor, Overflow> {
    for (index, line) in order.lines.iter().enumerate() {
        let besides = line.paid_besides();
        total = total.plus(besides)?;
        let Some(tax) = line.tax else { continue };
        let fits = line.amount(order.currency)?.plus(besides)?.plus(tax).and(line.discount.plus(tax));
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
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
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
            // What is paid with points, or taken off by the program, may be eligible, too.
            (json!([{"amount": MOST, "discount": MOST, "paid_with_points": MOST}]), ""),
            (json!([{"amount": MOST, "discount": MOST, "paid_with_points": MOST}, {"amount": "0.01"}]), "$.lines"),
            (json!([{"amount": MOST, "discount": MOST}, {"amount": MOST}]), ""),
            (json!([{"amount": MOST, "discount": MOST, "program_discount": MOST}, {"amount": MOST}]), "$.lines"),
            (
                json!([{"amount": MOST, "discount": "46000000000000000", "program_discount": "46000000000000000",
                        "tax": "46000000000000000"}]),
                "$.lines[0].tax",
            ),
            (json!([{"amount": MOST, "discount": "46000000000000000", "tax": "46000000000000000"}]), ""),
        ] {
            let mut document = good(&lines);
            for (index, line) in document["lines"].as_array_mut().into_iter().flatten().enumerate() {
                line["line_id"] = json!(index.to_string());
                line["sku"] = json!("MUG");
                line["quantity"] = json!(1);
            }
            assert_eq!(told(&document, |fault| fault.path.clone()), expected, "{document}");
            assert!(Order::from_text(document.to_string().as_bytes()).is_ok() == expected.is_empty(), "{document}");
        }
    }

    fn good(lines: &Value) -> Value {
        json!({
            "source": "shop", "order_id": "1", "account_id": "acme", "placed_at": "2030-05-01T12:00:00Z",
            "currency": "GBP", "lines": lines,
        })
    }

    /// Something of each fault of a document.
    fn told(document: &Value, of: impl Fn(&document::Fault) -> String) -> String {
        let faults = Order::from_json(document).err().unwrap_or_default();
        faults.listed().iter().map(of).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_an_order_uses_is_read_or_refused_where_it_stands() {
        const ID: &str = "0123456789abcdef";
        let rows: [(&str, Value, &str); 15] = [
            ("reservation_id", json!(ID), ""),
            ("reservation_id", json!(null), ""),
            ("reservation_id", json!(""), "$.reservation_id invalid_id"),
            ("reservation_id", json!("0123456789abcde"), "$.reservation_id invalid_id"),
            ("reservation_id", json!("0123456789abcdef0"), "$.reservation_id invalid_id"),
            ("reservation_id", json!("0123456789ABCDEF"), "$.reservation_id invalid_id"),
            ("reservation_id", json!("+123456789abcdef"), "$.reservation_id invalid_id"),
            ("reservation_id", json!(81_985_529_216_486_895_u64), "$.reservation_id wrong_type"),
            ("points", json!(0), ""),
            ("points", json!(POINTS_MAX), ""),
            ("points", json!(null), ""),
            ("points", json!(POINTS_MAX + 1), "$.points out_of_range"),
            ("points", json!(-1), "$.points out_of_range"),
            ("points", json!(1.5), "$.points out_of_range"),
            ("points", json!("1000"), "$.points wrong_type"),
        ];
        for (field, value, expected) in rows {
            let mut document = good(&json!([{"line_id": "1", "sku": "MUG", "quantity": 1, "amount": "1.00"}]));
            document[field] = value;
            assert_eq!(told(&document, |fault| format!("{} {}", fault.path, fault.code)), expected, "{document}");
            assert!(Order::from_text(document.to_string().as_bytes()).is_ok() == expected.is_empty(), "{document}");
        }
        let mut document = good(&json!([{"line_id": "1", "sku": "MUG", "quantity": 1, "amount": "1.00"}]));
        let plain = Order::from_json(&document).unwrap();
        assert_eq!((plain.reservation, plain.points), (None, None));
        (document["reservation_id"], document["points"]) = (json!(ID), json!(0));
        let order = Order::from_json(&document).unwrap();
        assert_eq!(
            order.reservation.map(|id| (id.bits(), id.to_string())),
            Some((0x0123_4567_89ab_cdef, ID.to_owned()))
        );
        // None are not the same as what a reservation holds.
        assert_eq!(order.points, Some(Points::ZERO));
    }

    #[test]
    fn a_cart_states_nothing_that_only_its_quote_tells() {
        let line = |more: Value| {
            let mut line = json!({"line_id": "1", "sku": "MUG", "quantity": 1, "amount": "5.00", "discount": "1.00"});
            line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            line
        };
        for (line, expected) in [
            (line(json!({})), &[][..]),
            (line(json!({"program_discount": null, "paid_with_points": null})), &[]),
            (line(json!({"program_discount": "0.50"})), &["$.lines[2].program_discount conflict"]),
            // It says so even where it states none.
            (line(json!({"paid_with_points": "0.00"})), &["$.lines[2].paid_with_points conflict"]),
            (
                line(json!({"program_discount": "0.50", "paid_with_points": 5, "quantity": 0})),
                &[
                    "$.lines[2].program_discount conflict",
                    "$.lines[2].paid_with_points conflict",
                    "$.lines[2].quantity out_of_range",
                    "$.lines[2].paid_with_points wrong_type",
                ],
            ),
        ] {
            let (lines, mut faults) = (Path::Key(&Path::Root, "lines"), Faults::default());
            let read = cart_line(&line, &Path::Index(&lines, 2), Currency::GBP, &mut faults);
            let told: Vec<_> = faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect();
            assert_eq!(told, expected, "{line}");
            assert!(read.is_some_and(|read| read.discount == Minor(100)) || expected.len() > 1, "{line}");
        }
    }

    #[test]
    fn parts_of_a_lines_discount_fit_into_it() {
        let line = |discount: Value, program: Value, points: Value| {
            json!({"line_id": "1", "sku": "MUG", "quantity": 2, "unit_price": "12.50", "discount": discount,
                   "program_discount": program, "paid_with_points": points})
        };
        const DISCOUNT: &str = "$.lines[0].discount out_of_range";
        const PROGRAM: &str = "$.lines[0].program_discount";
        const POINTS: &str = "$.lines[0].paid_with_points";
        const MOST: &str = "92233720368547758.07";
        for (line, expected) in [
            (line(json!("10.00"), json!("3.00"), json!("7.00")), "".to_owned()),
            (line(json!("10.00"), json!("10.00"), json!(null)), "".to_owned()),
            (line(json!("25.00"), json!(null), json!("25.00")), "".to_owned()),
            (line(json!(null), json!("0.00"), json!("0")), "".to_owned()),
            (line(json!("10.00"), json!("3.00"), json!("7.01")), DISCOUNT.to_owned()),
            (line(json!("10.00"), json!("10.01"), json!(null)), DISCOUNT.to_owned()),
            (line(json!(null), json!(null), json!("0.01")), DISCOUNT.to_owned()),
            // Nothing else is said of parts that do not fit anywhere.
            (line(json!("10.00"), json!(MOST), json!(MOST)), DISCOUNT.to_owned()),
            (
                line(json!("1.00"), json!("-0.01"), json!("1.001")),
                format!("{PROGRAM} out_of_range {POINTS} too_many_decimals"),
            ),
            (line(json!("1.00"), json!(0.01), json!(["1"])), format!("{PROGRAM} wrong_type {POINTS} wrong_type")),
        ] {
            let document = good(&json!([line]));
            assert_eq!(told(&document, |fault| format!("{} {}", fault.path, fault.code)), expected, "{document}");
            assert!(Order::from_text(document.to_string().as_bytes()).is_ok() == expected.is_empty(), "{document}");
        }
    }
}
