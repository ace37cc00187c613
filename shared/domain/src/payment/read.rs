//! The document about a payment, read.

use super::PaymentDocument;
use crate::document::{self, Faults, Object, Path};
use crate::id::OrderKey;
use crate::returns;
use crate::schema::{self, Schema};
use serde_json::Value;

/// Most characters of the reference of a payment.
const REFERENCE_CHARS_MAX: usize = 64;

/// Reads the body of `POST /v1/orders/{source}/{order_id}/payment`; every fault at once.
pub fn payment_document(value: &Value) -> Result<PaymentDocument, Faults> {
    let mut faults = Faults::default();
    let document = Object::open(value, &Path::Root, &["paid_at", "reference"], &mut faults).and_then(|root| {
        let paid_at = root.required("paid_at", &mut faults, document::instant);
        let reference = root.optional("reference", &mut faults, document::remark(REFERENCE_CHARS_MAX));
        Some(PaymentDocument { paid_at: paid_at?, reference })
    });
    faults.into_result(document)
}

/// Reads the detail of an `OrderPaid` event: the order's `source` and `order_id` beside the fields of the document.
pub fn event_document(detail: &Value) -> Result<(OrderKey, PaymentDocument), Faults> {
    let (key, rest) = returns::order_of_event(detail)?;
    Ok((key, payment_document(&rest)?))
}

/// What [`payment_document`] reads.
pub(crate) fn schema() -> Schema {
    let paid_at = "When the order was paid: up to a day ahead of the clock here.";
    schema::object("Payment").required("paid_at", schema::instant(), paid_at).optional(
        "reference",
        schema::label(REFERENCE_CHARS_MAX),
        "What it is known by where it was paid.",
    )
}
