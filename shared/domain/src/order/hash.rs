//! The hash of an order: what tells a repeat from another order under the same key.

use super::{LinePrice, Order, OrderLine};
use crate::id::OrderKey;
use crate::money::Minor;
use sha2::{Digest, Sha256};

/// Bytes that a usual line and the rest of an order take: a guess that saves growing.
const LINE_BYTES: usize = 32;
const HEAD_BYTES: usize = 128;

/// SHA-256 over all that an order says.
///
/// Every part ends where its own bytes say, so different orders never come to the same bytes. Values are taken apart
/// without `..`: a field that is added later cannot be left out by oversight.
pub(super) fn of(order: &Order) -> [u8; 32] {
    let Order {
        key,
        account_id,
        contact_id,
        placed_at,
        currency,
        lines,
        shipping,
        discount_codes,
        no_codes,
        reservation,
        points,
        revision,
        payment_state,
    } = order;
    let OrderKey { source, order_id } = key;
    let mut canon = Canon(Vec::with_capacity(lines.len().saturating_mul(LINE_BYTES).saturating_add(HEAD_BYTES)));
    for text in [source.as_str(), order_id.as_str(), account_id.as_str(), currency.code()] {
        canon.text(text);
    }
    canon.optional(contact_id.as_ref(), |canon, id| canon.text(id.as_str()));
    canon.signed(placed_at.as_ms());
    canon.list(lines, line);
    canon.optional(shipping.as_ref(), Canon::amount);
    canon.list(discount_codes, |canon, code| canon.text(code.as_str()));
    canon.number(*revision);
    // Orders that say nothing of it have the hash that they had before there was such a field.
    if let Some(state) = payment_state {
        canon.text(state.name());
    }
    // Nor do those that use no points. No payment state has this name.
    let parts = |line: &OrderLine| line.program_discount != Minor::ZERO || line.paid_with_points != Minor::ZERO;
    if reservation.is_some() || points.is_some() || lines.iter().any(parts) {
        canon.text("uses");
        canon.optional(reservation.as_ref(), |canon, id| canon.number(id.bits()));
        if reservation.is_some() && *no_codes {
            canon.text("no codes");
        }
        canon.optional(points.as_ref(), |canon, points| canon.signed(points.0));
        canon.list(lines, |canon, line| {
            canon.amount(&line.program_discount);
            canon.amount(&line.paid_with_points);
        });
    }
    Sha256::digest(canon.0).into()
}

/// The same as the first release took it: over the order as JSON. What has come since changes it, so that an order which
/// says any of that is never taken for one of then.
pub(super) fn first(order: &Order) -> [u8; 32] {
    Sha256::digest(serde_json::to_vec(order).unwrap_or_default()).into()
}

fn line(canon: &mut Canon, line: &OrderLine) {
    let OrderLine {
        line_id,
        sku,
        quantity,
        price,
        discount,
        // These two are told apart after the order's own parts.
        program_discount: _,
        paid_with_points: _,
        tax,
        category,
        brand,
        tags,
    } = line;
    canon.text(line_id.as_str());
    canon.text(sku.as_str());
    canon.number(*quantity);
    let (kind, price) = match price {
        LinePrice::UnitPrice(price) => (0, price.0),
        LinePrice::Amount(amount) => (1, amount.0),
    };
    canon.number(kind);
    canon.signed(price);
    canon.amount(discount);
    canon.optional(tax.as_ref(), Canon::amount);
    canon.optional(category.as_ref(), |canon, text| canon.text(text));
    canon.optional(brand.as_ref(), |canon, text| canon.text(text));
    canon.list(tags, |canon, tag| canon.text(tag));
}

/// The bytes that are hashed: numbers seven bits to the byte, texts and lists after their length.
struct Canon(Vec<u8>);

impl Canon {
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(low_bits(value) | 0x80);
            value >>= 7;
        }
        self.0.push(low_bits(value));
    }

    fn signed(&mut self, value: i64) {
        self.number((value.wrapping_shl(1) ^ value.wrapping_shr(63)).cast_unsigned());
    }

    fn amount(&mut self, amount: &Minor) {
        self.signed(amount.0);
    }

    fn count(&mut self, length: usize) {
        self.number(u64::try_from(length).unwrap_or(u64::MAX));
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn optional<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.number(u64::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.count(items.len());
        items.iter().for_each(|item| write(self, item));
    }
}

fn low_bits(value: u64) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
    use crate::order::Order;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    /// An order that says nothing of what it uses.
    fn plain() -> Value {
        json!({
            "source": "shop", "order_id": "1", "account_id": "acme", "contact_id": "buyer", "currency": "GBP",
            "placed_at": "2030-05-01T12:00:00Z", "shipping": "4.50", "revision": 3,
            "lines": [
                {"line_id": "1", "sku": "MUG", "quantity": 20, "unit_price": "9.50", "discount": "23.11", "tax": "27.81",
                 "category": "mugs", "tags": ["blue"]},
                {"line_id": "2", "sku": "JUG", "quantity": 1, "amount": "50.00", "discount": "5.00"},
            ],
        })
    }

    /// The same with all of it.
    fn using() -> Value {
        let mut document = plain();
        (document["reservation_id"], document["points"]) = (json!("0123456789abcdef"), json!(1_000));
        for (line, program, points) in [(0, "13.11", "10.00"), (1, "2.00", "3.00")] {
            document["lines"][line]["program_discount"] = json!(program);
            document["lines"][line]["paid_with_points"] = json!(points);
        }
        document
    }

    fn hash(document: &Value) -> String {
        let order = Order::from_json(document).unwrap();
        order.content_hash().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reckoned by another program from what stands at the top of this file.
    #[test]
    fn an_order_keeps_the_hash_that_it_had_before_orders_could_say_more() {
        let mut document = plain();
        assert_eq!(hash(&document), "f07261a16da6cce038d2d4cf3b9010fa6199b98c5b38f68cb1e5186e37be564d");
        for (field, nothing) in [("reservation_id", Value::Null), ("points", Value::Null)] {
            document[field] = nothing;
        }
        document["lines"][0]["program_discount"] = json!("0.00");
        document["lines"][1]["paid_with_points"] = json!(null);
        assert_eq!(hash(&document), hash(&plain()));
        document["payment_state"] = json!("paid");
        assert_eq!(hash(&document), "56c78892ebcdc8f713d8e2c08a2f3e1069ce20954e9ad05611b1bb8c7a5ce1f7");
        assert_eq!(hash(&using()), "3f05bf01229d047f8120be35945c43413c8321dc7b8a247e570685dc5183a0c7");
    }

    /// As the first release stored it, for an order that is in `tests/e2e/first_slice`.
    #[test]
    fn an_order_that_the_first_release_stored_is_known_again() {
        let stored = "b471a28e84541448b9bf0f3992dbb69695045d1ae110be78a7aae17fe5a4d3b8";
        let stored: Vec<u8> = (0..32).map(|n| u8::from_str_radix(&stored[2 * n..2 * n + 2], 16).unwrap()).collect();
        let stored = stored.try_into().unwrap();
        let document = json!({
            "source": "shop", "order_id": "o-2", "account_id": "acme", "currency": "GBP",
            "placed_at": "2011-03-02T10:00:00+01:00", "discount_codes": ["M4QQ146BQQ$"],
            "lines": [{"line_id": "1", "sku": "LAMP", "quantity": 10, "unit_price": "450"}],
        });
        let known = |document: &Value| {
            let order = Order::from_json(document).unwrap();
            (
                order.has_hash(&order.content_hash(), &order.content_hash()),
                order.has_hash(&order.content_hash(), &stored),
            )
        };
        assert_eq!(known(&document), (true, true));
        for (field, value) in [
            ("payment_state", json!("paid")),
            ("revision", json!(1)),
            ("points", json!(5)),
            ("shipping", json!("0.00")),
            ("discount_codes", json!([])),
        ] {
            let mut other = document.clone();
            other[field] = value;
            assert_eq!(known(&other), (true, false), "{field}");
        }
    }

    #[test]
    fn whatever_an_order_says_of_what_it_uses_changes_its_hash() {
        type Row = (&'static str, fn(&mut Value));
        let rows: [Row; 15] = [
            ("all", |_| {}),
            ("nothing", |o| *o = plain()),
            ("another reservation", |o| o["reservation_id"] = json!("0123456789abcdee")),
            ("none", |o| o["reservation_id"] = json!(null)),
            ("a point less", |o| o["points"] = json!(999)),
            ("no points", |o| o["points"] = json!(0)),
            ("as many as are held", |o| o["points"] = json!(null)),
            ("less by the program", |o| o["lines"][0]["program_discount"] = json!("13.10")),
            ("less with points", |o| o["lines"][0]["paid_with_points"] = json!("9.99")),
            ("from points to the program", |o| {
                o["lines"][0]["program_discount"] = json!("13.12");
                o["lines"][0]["paid_with_points"] = json!("9.99");
            }),
            ("each for the other", |o| {
                o["lines"][0]["program_discount"] = json!("10.00");
                o["lines"][0]["paid_with_points"] = json!("13.11");
            }),
            ("from one line to the other", |o| {
                o["lines"][0]["program_discount"] = json!("12.11");
                o["lines"][1]["program_discount"] = json!("3.00");
                o["lines"][1]["paid_with_points"] = json!("2.00");
                o["lines"][0]["paid_with_points"] = json!("11.00");
            }),
            ("only the parts", |o| (o["reservation_id"], o["points"]) = (json!(null), json!(null))),
            ("only the points", |o| {
                let lines = plain()["lines"].take();
                (o["reservation_id"], o["lines"]) = (json!(null), lines);
            }),
            ("paid", |o| o["payment_state"] = json!("paid")),
        ];
        let mut found = BTreeMap::new();
        for (name, change) in rows {
            let mut document = using();
            change(&mut document);
            let same = found.insert(hash(&document), name);
            assert_eq!(same, None, "{name}");
        }
    }
}
