//! The documents about returns and cancellations, read.

use super::{CancellationDocument, ReturnDocument, ReturnLine, Reversing};
use crate::document::{self, Faults, Object, Path};
use crate::id::{AccountId, LineId, OrderId, OrderKey, ReturnId, Source};
use crate::order::{LINES_MAX, QUANTITY_MAX};
use crate::schema::{self, Schema};
use crate::time::Instant;
use serde_json::Value;
use std::collections::BTreeSet;

/// Reads the body of `POST /v1/orders/{source}/{order_id}/returns`; every fault at once.
pub fn return_document(value: &Value) -> Result<ReturnDocument, Faults> {
    let mut faults = Faults::default();
    let document = read_return(value, &mut faults);
    faults.into_result(document)
}

fn read_return(value: &Value, faults: &mut Faults) -> Option<ReturnDocument> {
    let (return_id, returned_at, lines) = came_back(value, faults, line)?;
    let mut seen = BTreeSet::new();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !seen.insert(&line.line_id)) {
        let list = Path::Key(&Path::Root, "lines");
        let at = Path::Index(&list, index);
        faults.add(&Path::Key(&at, "line_id"), "duplicate", format!("line id {} is used twice", line.line_id));
    }
    Some(ReturnDocument { return_id: return_id?, returned_at: returned_at?, lines })
}

/// What every document about goods that came back says: its number, when, and lines that `line` reads.
pub(crate) fn came_back<T>(
    value: &Value,
    faults: &mut Faults,
    line: impl FnMut(&Value, &Path<'_>, &mut Faults) -> Option<T>,
) -> Option<(Option<ReturnId>, Option<Instant>, Vec<T>)> {
    let root = Object::open(value, &Path::Root, &["return_id", "returned_at", "lines"], faults)?;
    let return_id = root.required("return_id", faults, document::id(ReturnId::parse));
    let returned_at = root.required("returned_at", faults, document::instant);
    if !root.has("lines") {
        faults.add(&root.at("lines"), "missing", "is required");
    }
    let lines = root.list("lines", 1..=LINES_MAX, faults, line)?;
    Some((return_id, returned_at, lines))
}

fn line(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<ReturnLine> {
    let line = Object::open(value, path, &["line_id", "quantity"], faults)?;
    let line_id = line.required("line_id", faults, document::id(LineId::parse));
    let quantity = line.required("quantity", faults, document::whole(1..=QUANTITY_MAX));
    Some(ReturnLine { line_id: line_id?, quantity: quantity? })
}

/// Reads the body of `POST /v1/orders/{source}/{order_id}/cancellation`; every fault at once.
pub fn cancellation_document(value: &Value) -> Result<CancellationDocument, Faults> {
    let mut faults = Faults::default();
    let document = Object::open(value, &Path::Root, &["cancelled_at"], &mut faults).and_then(|root| {
        let cancelled_at = root.required("cancelled_at", &mut faults, document::instant)?;
        Some(CancellationDocument { cancelled_at })
    });
    faults.into_result(document)
}

/// Which order the detail of an event is about, by its `source` and `order_id`, and the fields beside those.
///
/// An `account_id` beside them says in whose name the event waits for its turn in the queue. The order knows its account
/// by itself, so it is read as an id and used for nothing.
pub(crate) fn order_of_event(detail: &Value) -> Result<(OrderKey, Value), Faults> {
    const IDENTITY: [&str; 3] = ["source", "order_id", "account_id"];
    let mut faults = Faults::default();
    let mut rest = detail.clone();
    let mut identity = serde_json::Map::new();
    for name in IDENTITY {
        if let Some(part) = rest.as_object_mut().and_then(|fields| fields.remove(name)) {
            identity.insert(name.to_owned(), part);
        }
    }
    let key = Object::open(&Value::Object(identity), &Path::Root, &IDENTITY, &mut faults).and_then(|root| {
        let source = root.required("source", &mut faults, document::id(Source::parse));
        let order_id = root.required("order_id", &mut faults, document::id(OrderId::parse));
        root.optional("account_id", &mut faults, document::id(AccountId::parse));
        Some(OrderKey { source: source?, order_id: order_id? })
    });
    Ok((faults.into_result(key)?, rest))
}

/// Reads the detail of an `OrderReturned` or `OrderCancelled` event: the order's `source` and `order_id` beside the
/// fields of the document.
pub fn event_document(detail_type: &str, detail: &Value) -> Result<(OrderKey, Reversing), Faults> {
    let (key, rest) = order_of_event(detail)?;
    match detail_type {
        "OrderReturned" => Ok((key, Reversing::Return(return_document(&rest)?))),
        "OrderCancelled" => Ok((key, Reversing::Cancellation(cancellation_document(&rest)?))),
        _ => {
            let mut faults = Faults::default();
            let message = "must be OrderReturned or OrderCancelled";
            faults.add(&Path::Key(&Path::Root, "detail-type"), "unknown_value", message);
            Err(faults)
        }
    }
}

/// Lines of a return that the order cannot give.
pub(super) struct LineFaults(Faults);

pub(super) fn line_faults() -> LineFaults {
    LineFaults(Faults::default())
}

impl LineFaults {
    pub(super) fn note(&mut self, index: usize, known: bool, left: u64) {
        let list = Path::Key(&Path::Root, "lines");
        let at = Path::Index(&list, index);
        if known {
            self.0.add(
                &Path::Key(&at, "quantity"),
                "more_than_bought",
                format!("only {left} units are left to return"),
            );
        } else {
            self.0.add(&Path::Key(&at, "line_id"), "unknown_line", "the order has no such line");
        }
    }

    pub(super) fn into_result(self) -> Result<(), Faults> {
        self.0.into_result(Some(()))
    }
}

/// What [`return_document`] reads.
pub(crate) fn return_schema() -> Schema {
    let line = schema::object("ReturnLine")
        .required("line_id", schema::id(LineId::parse), "The line of the order.")
        .required("quantity", schema::whole(1..=QUANTITY_MAX), "How many units of it came back.");
    came_back_schema("Return", line)
}

/// What [`came_back`] reads.
pub(crate) fn came_back_schema(title: &str, line: Schema) -> Schema {
    schema::object(title)
        .required("return_id", schema::id(ReturnId::parse), "Its number where the goods came back.")
        .required("returned_at", schema::instant(), "When they came back: up to a day ahead of the clock here.")
        .required("lines", schema::list(1..=LINES_MAX, line), "What came back.")
}

/// What [`cancellation_document`] reads.
pub(crate) fn cancellation_schema() -> Schema {
    let about = "When it was cancelled: up to a day ahead of the clock here.";
    schema::object("Cancellation").required("cancelled_at", schema::instant(), about)
}
