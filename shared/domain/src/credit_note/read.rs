//! The documents about credit notes, read.

use super::{CreditNoteDocument, CreditedLine};
use crate::document::{self, Faults, Object, Path};
use crate::id::{AccountId, ReturnId, Sku};
use crate::order::QUANTITY_MAX;
use crate::returns;
use crate::schema::{self, Schema};
use serde_json::Value;

/// Most bytes of the SKUs of all lines together: it bounds the record.
pub const SKU_BYTES_MAX: usize = 300_000;

/// Reads the body of `POST /v1/accounts/{account_id}/returns`; every fault at once.
pub fn credit_note_document(value: &Value) -> Result<CreditNoteDocument, Faults> {
    let mut faults = Faults::default();
    let document = read(value, &mut faults);
    faults.into_result(document)
}

fn read(value: &Value, faults: &mut Faults) -> Option<CreditNoteDocument> {
    let (return_id, returned_at, lines) = returns::came_back(value, faults, line)?;
    let sku_bytes = lines.iter().map(|line| line.sku.as_str().len()).fold(0, usize::saturating_add);
    if sku_bytes > SKU_BYTES_MAX {
        let message = format!("the SKUs must have at most {SKU_BYTES_MAX} bytes together, not {sku_bytes}");
        faults.add(&Path::Key(&Path::Root, "lines"), "too_large", message);
    }
    Some(CreditNoteDocument { return_id: return_id?, returned_at: returned_at?, lines })
}

fn line(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<CreditedLine> {
    let line = Object::open(value, path, &["sku", "quantity"], faults)?;
    let sku = line.required("sku", faults, document::id(Sku::parse));
    let quantity = line.required("quantity", faults, document::whole(1..=QUANTITY_MAX));
    Some(CreditedLine { sku: sku?, quantity: quantity? })
}

/// Reads the detail of an `AccountReturned` event: the `account_id` beside the fields of the document.
pub fn event_document(detail: &Value) -> Result<(AccountId, CreditNoteDocument), Faults> {
    let mut rest = detail.clone();
    let account_id = rest.as_object_mut().and_then(|fields| fields.remove("account_id"));
    let identity = serde_json::json!({ "account_id": account_id });
    let mut faults = Faults::default();
    let account_id = Object::open(&identity, &Path::Root, &["account_id"], &mut faults)
        .and_then(|root| root.required("account_id", &mut faults, document::id(AccountId::parse)));
    let document = read(&rest, &mut faults);
    faults.into_result(account_id.zip(document))
}

/// Reads the detail of an `AccountReturnContinued` event: which credit note of which account is to be carried on.
pub fn continuation(detail: &Value) -> Result<(AccountId, ReturnId), Faults> {
    let mut faults = Faults::default();
    let found = Object::open(detail, &Path::Root, &["account_id", "return_id"], &mut faults).and_then(|root| {
        let account_id = root.required("account_id", &mut faults, document::id(AccountId::parse));
        let return_id = root.required("return_id", &mut faults, document::id(ReturnId::parse));
        account_id.zip(return_id)
    });
    faults.into_result(found)
}

/// What [`credit_note_document`] reads.
pub(crate) fn schema() -> Schema {
    let line = schema::object("CreditNoteLine").required("sku", schema::sku(), "What came back.").required(
        "quantity",
        schema::whole(1..=QUANTITY_MAX),
        "How many units.",
    );
    returns::read::came_back_schema("CreditNote", line)
}
