//! At the checkout: what a cart costs an account and what its order would earn, `POST /v1/quotes`; what of that is held
//! while the buyer pays, `/v1/reservations/...`; and the codes that accounts share, `/v1/shared-codes/...`.

#[cfg(feature = "schema")]
pub mod api;
mod quote;
mod reservations;
mod shared_codes;

use runtime::http::{self, Answer, Request};
use runtime::{App, Error, Fault, RequestFault, Trigger};
use serde_json::Value;

/// One Lambda invocation: an HTTP request.
pub async fn handle(app: &App, event: Value) -> Result<Value, Fault> {
    let request = Trigger::of(event)?.http()?;
    Ok(http::respond(&request, over_http(app, &request).await))
}

async fn over_http(app: &App, request: &Request) -> Result<Answer, Error> {
    let (method, path) = request.route();
    match (method, path.as_slice()) {
        ("POST", ["v1", "quotes"]) => quote::post(app, request).await,
        ("POST", ["v1", "reservations"]) => reservations::post(app, request).await,
        ("GET", ["v1", "reservations", id]) => reservations::get(app, &request.caller()?, id).await,
        ("DELETE", ["v1", "reservations", id]) => reservations::delete(app, &request.caller()?, id, request).await,
        ("POST", ["v1", "shared-codes"]) => shared_codes::post(app, &request.caller()?, request).await,
        ("GET", ["v1", "shared-codes"]) => shared_codes::list(app, &request.caller()?, request).await,
        ("GET", ["v1", "shared-codes", code]) => shared_codes::get(app, &request.caller()?, code).await,
        ("DELETE", ["v1", "shared-codes", code]) => shared_codes::delete(app, &request.caller()?, code, request).await,
        _ => Err(RequestFault::NoSuchRoute.into()),
    }
}
