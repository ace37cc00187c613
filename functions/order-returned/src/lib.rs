//! Takes back what orders gave: returns and cancellations of one order, and credit notes that name none, over HTTP and
//! from the bus.
//!
//! Both ways are one: parse the document, then [`take_back`] or [`carry_on`].

#[cfg(feature = "schema")]
pub mod api;
mod credit_note;
mod order;

use domain::credit_note::{continuation, credit_note_document, event_document};
use domain::document::{Faults, Path};
use domain::id::{AccountId, OrderId, OrderKey, ReturnId, Source};
use domain::returns::{self, Reversing, cancellation_document, return_document};
use runtime::batch::BusEvent;
use runtime::http::{self, Answer, Request, parameter};
use runtime::{App, Error, Fault, RequestFault, Scope, Trigger};
use serde_json::Value;

pub use credit_note::{CarriedOn, Which, carry_on};
pub use order::{TakenBack, take_back};

/// One Lambda invocation: an HTTP request or a batch of messages.
pub async fn handle(app: &App, event: Value) -> Result<Value, Fault> {
    match Trigger::of(event)? {
        Trigger::Http(request) => Ok(http::respond(&request, over_http(app, &request).await)),
        Trigger::Queue(batch) => Ok(batch.each(app, over_bus).await),
    }
}

async fn over_http(app: &App, request: &Request) -> Result<Answer, Error> {
    let caller = request.caller()?;
    let (method, path) = request.route();
    match (method, path.as_slice()) {
        ("POST", ["v1", "orders", source, order_id, what]) => {
            caller.require_any(Scope::OrdersWrite)?;
            let source = parameter("source", Source::parse(source))?;
            let key = OrderKey { source, order_id: parameter("order_id", OrderId::parse(order_id))? };
            let reversing = match *what {
                "returns" => Reversing::Return(return_document(&request.document()?)?),
                "cancellation" => Reversing::Cancellation(cancellation_document(&request.document()?)?),
                _ => return Err(RequestFault::NoSuchRoute.into()),
            };
            order::answer(app, &caller, key, reversing).await
        }
        ("POST", ["v1", "accounts", account_id, "returns"]) => {
            let account_id = parameter("account_id", AccountId::parse(account_id))?;
            caller.require_for(Scope::OrdersWrite, &account_id)?;
            let document = credit_note_document(&request.document()?)?;
            credit_note::answer(app, &caller, account_id, document).await
        }
        ("GET", ["v1", "accounts", account_id, "returns", return_id]) => {
            let account_id = parameter("account_id", AccountId::parse(account_id))?;
            caller.require_for(Scope::AccountsRead, &account_id)?;
            credit_note::show(app, &account_id, &parameter("return_id", ReturnId::parse(return_id))?).await
        }
        _ => Err(RequestFault::NoSuchRoute.into()),
    }
}

async fn over_bus(app: &App, event: BusEvent) -> Result<(), Error> {
    let BusEvent { detail_type, caller, detail, deadline } = event;
    match detail_type.as_str() {
        "OrderReturned" | "OrderCancelled" => {
            let (key, reversing) = returns::event_document(&detail_type, &detail)?;
            take_back(app, &caller, key, reversing).await?;
        }
        "AccountReturned" => {
            let (account_id, document) = event_document(&detail)?;
            credit_note::within(app, &caller, &account_id, &Which::Stated(document), deadline).await?;
        }
        credit_note::CONTINUED => {
            let (account_id, return_id) = continuation(&detail)?;
            credit_note::within(app, &caller, &account_id, &Which::Known(return_id), deadline).await?;
        }
        _ => {
            let mut faults = Faults::default();
            let message = "must be OrderReturned, OrderCancelled or AccountReturned";
            faults.add(&Path::Key(&Path::Root, "detail-type"), "unknown_value", message);
            return Err(faults.into());
        }
    }
    Ok(())
}
