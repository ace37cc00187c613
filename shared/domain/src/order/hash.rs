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
        canon.optional(points.as_ref(), |canon, points| canon.signed(points.0));
        canon.list(lines, |canon, line| {
            canon.amount(&line.program_discount);
            canon.amount(&line.paid_with_points);
        });
    }
    Sha256::digest(canon.0).into()
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
