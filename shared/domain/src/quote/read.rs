//! The cart document, read into a [`Cart`].

use super::points::PointsWished;
use super::{Cart, CodesWished};
use crate::code::Code;
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::id::{AccountId, ContactId, OrderId, OrderKey, Source};
use crate::money::{self, Currency, Minor, Points};
use crate::order::{self, DISCOUNT_CODES_MAX, LINES_MAX, Order, POINTS_MAX};
use crate::schema::{self, Schema};
use crate::time::Instant;
use serde_json::Value;

const FIELDS: [&str; 8] =
    ["account_id", "contact_id", "source", "currency", "lines", "shipping", "discount_codes", "points"];

/// The source and the number of an order that has none yet.
const UNPLACED: &str = "quote";

pub(super) fn cart(value: &Value) -> Result<Cart, Faults> {
    let mut faults = Faults::default();
    let cart = read_cart(value, &mut faults);
    faults.into_result(cart)
}

fn read_cart(value: &Value, faults: &mut Faults) -> Option<Cart> {
    let root = Object::open(value, &Path::Root, &FIELDS, faults)?;
    let account_id = root.required("account_id", faults, document::id(AccountId::parse));
    let contact_id = root.optional("contact_id", faults, document::id(ContactId::parse));
    let source = root.optional("source", faults, document::id(Source::parse));
    let currency = root.required("currency", faults, document::currency);
    // As in an order: the widest minor unit keeps the other checks going.
    let money = currency.unwrap_or(Currency::CLF);
    let shipping = root.optional("shipping", faults, document::decimal(money::decimals(money), 0)).map(Minor);
    if !root.has("lines") {
        faults.add(&root.at("lines"), "missing", "is required");
    }
    let lines = root.list("lines", 1..=LINES_MAX, faults, |v, p, f| order::cart_line(v, p, money, f));
    let codes = root.nested("discount_codes", faults, codes).unwrap_or(CodesWished::Named(Vec::new()));
    let points = root.optional("points", faults, points);
    let named = match &codes {
        CodesWished::Named(named) => named.clone(),
        CodesWished::Best => Vec::new(),
    };
    let order = Order {
        key: OrderKey { source: source.or(Source::parse(UNPLACED).ok())?, order_id: OrderId::parse(UNPLACED).ok()? },
        account_id: account_id?,
        contact_id,
        placed_at: Instant::MIN,
        currency: currency?,
        lines: lines?,
        shipping,
        discount_codes: named,
        no_codes: false,
        reservation: None,
        points: None,
        revision: 0,
        payment_state: None,
    };
    order::check_whole(&order, faults);
    Some(Cart { order: Order { discount_codes: Vec::new(), ..order }, codes, points })
}

fn codes(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<CodesWished> {
    match value.as_str() {
        Some("best") => Some(CodesWished::Best),
        Some(_) => {
            faults.add(path, "unknown_value", "must be a list of codes, or \"best\"");
            None
        }
        None => {
            let code = document::id(Code::parse);
            let read = |value: &Value, path: &Path<'_>, faults: &mut Faults| document::noted(code(value), path, faults);
            document::list(value, path, 0..=DISCOUNT_CODES_MAX, faults, read).map(CodesWished::Named)
        }
    }
}

fn points(value: &Value) -> Leaf<PointsWished> {
    match value.as_str() {
        Some("max") => Ok(PointsWished::Most),
        Some(_) => Err(("unknown_value", "must be a whole number, or \"max\"".to_owned())),
        None => {
            let points = document::whole(0..=POINTS_MAX)(value)?;
            Ok(PointsWished::Number(Points::of(points)))
        }
    }
}

/// What [`cart`] reads.
pub(crate) fn schema() -> Schema {
    let lines = schema::list(1..=LINES_MAX, order::read::cart_line_schema());
    let codes = schema::any_of([order::read::codes_schema(), schema::words(["best"])]);
    let points = schema::any_of([schema::whole(0..=POINTS_MAX), schema::words(["max"])]);
    schema::object("Cart")
        .required("account_id", schema::id(AccountId::parse), "The company that buys.")
        .optional("contact_id", schema::id(ContactId::parse), "The person who orders.")
        .optional("source", schema::id(Source::parse), "The shop or ERP that the order will come from.")
        .required("currency", schema::currency(), "The currency of its amounts, ISO 4217: the program's.")
        .required("lines", lines, "What is in the cart; line ids are distinct.")
        .optional("shipping", schema::money(0), "What is charged for shipping beside the lines.")
        .optional("discount_codes", codes, "The codes to use, each once, or `best`: those that take off most.")
        .optional("points", points, "The points that are to pay a part of it, or `max`: as many as can.")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use serde_json::json;

    fn cart_with(change: impl Fn(&mut Value)) -> Value {
        let mut document = json!({
            "account_id": "acme", "currency": "GBP",
            "lines": [{ "line_id": "1", "sku": "MUG", "quantity": 2, "unit_price": "2.50" }],
        });
        change(&mut document);
        document
    }

    #[test]
    fn codes_and_points_are_stated_or_left_to_the_program() {
        let read = |key: &str, value: Value| cart(&cart_with(|cart| cart[key] = value.clone())).unwrap();
        assert_eq!(read("points", json!("max")).points, Some(PointsWished::Most));
        assert_eq!(read("points", json!(0)).points, Some(PointsWished::Number(Points(0))));
        assert_eq!(read("points", Value::Null).points, None);
        assert_eq!(read("discount_codes", json!("best")).codes, CodesWished::Best);
        assert_eq!(read("discount_codes", json!([])).codes, CodesWished::Named(Vec::new()));
    }

    #[test]
    fn every_fault_is_told_where_it_stands() {
        let everything = cart_with(|cart| {
            cart["account_id"] = json!("a/b");
            cart["contact_id"] = json!(7);
            cart["source"] = json!("");
            cart["shipping"] = json!("-1");
            cart["order_id"] = json!("1");
            cart["lines"][0]["quantity"] = json!(-1);
            cart["discount_codes"] = json!(["nonsense", 5]);
            cart["points"] = json!(-1);
        });
        let rows: [(Value, &[&str]); 10] = [
            (json!([]), &["$ wrong_type"]),
            (json!({}), &["$.account_id missing", "$.currency missing", "$.lines missing"]),
            (
                everything,
                &[
                    "$.order_id unknown_field",
                    "$.account_id invalid_id",
                    "$.contact_id wrong_type",
                    "$.source invalid_id",
                    "$.shipping out_of_range",
                    "$.lines[0].quantity out_of_range",
                    "$.discount_codes[0] invalid_id",
                    "$.discount_codes[1] wrong_type",
                    "$.points out_of_range",
                ],
            ),
            (cart_with(|cart| cart["lines"] = json!([])), &["$.lines wrong_length"]),
            (cart_with(|cart| cart["lines"] = json!(vec![0; 5_001])), &["$.lines wrong_length"]),
            (cart_with(|cart| cart["lines"][0]["quantity"] = json!(0)), &["$.lines[0].quantity out_of_range"]),
            (
                cart_with(|cart| cart["lines"] = json!([cart["lines"][0], cart["lines"][0]])),
                &["$.lines[1].line_id duplicate"],
            ),
            (cart_with(|cart| cart["discount_codes"] = json!("worst")), &["$.discount_codes unknown_value"]),
            (cart_with(|cart| cart["discount_codes"] = json!(vec!["x"; 11])), &["$.discount_codes wrong_length"]),
            (cart_with(|cart| cart["points"] = json!("all")), &["$.points unknown_value"]),
        ];
        for (document, expected) in rows {
            let faults = cart(&document).unwrap_err();
            let told: Vec<_> = faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect();
            assert_eq!(told, expected, "{document}");
        }
    }
}
