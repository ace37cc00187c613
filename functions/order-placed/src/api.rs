//! What the routes of this function take and answer, for the description of the API.

use crate::Superseded;
use domain::parked::ParkedAnswer;
use domain::payment::PaymentReceipt;
use domain::receipt::Receipt;
use domain::requests;
use runtime::Scope::OrdersWrite;
use runtime::api::{Header, Operation, number, words};
use schemars::JsonSchema;
use serde::Serialize;

/// What a statement of an order is answered that was known, or is newer.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only what it looks like matters")]
enum StatedAnswer<'a> {
    /// The order's score, as it stands.
    Receipt(Box<Receipt>),
    /// A newer statement was taken in before.
    Superseded(Superseded<'a>),
}

/// An operation for each route.
pub fn operations() -> Vec<Operation> {
    vec![
        order(Operation::new("POST /v1/orders", "postOrder", "Scores an order, once.").takes(requests::ORDER)),
        order(
            Operation::new("PUT /v1/orders/{source}/{order_id}", "putOrder", "States an order anew, or first.")
                .takes(requests::AMENDMENT),
        ),
        Operation::new(
            "POST /v1/orders/{source}/{order_id}/payment",
            "postPayment",
            "Takes in that an order was paid.",
        )
        .by_account(OrdersWrite)
        .takes(requests::PAYMENT)
        .once::<PaymentReceipt>("What became of the points that waited.")
        .answers::<ParkedAnswer<'_>>(202, "The order is not known yet: this waits for it.")
        .problems(404, &["unknown-account", "unknown-order"])
        .problems(409, &["content-differs"])
        .problems(422, &["order-too-large", "overflow", "paid-in-future"]),
    ]
}

fn order(operation: Operation) -> Operation {
    operation
        .by_account(OrdersWrite)
        .query("dry_run", words(&["true", "false"]), "Whether to say what it would come to, and do nothing.")
        .query("version", number(u64::from(u32::MAX)), "Of a dry run: under which version, in force or not.")
        .answers::<Receipt>(201, "The order's score, with a reason for each rule.")
        .answers::<StatedAnswer<'_>>(200, "It was stated before, or anew: its score as it stands.")
        .with(Header::Replayed)
        .all_with(Header::Location)
        .always_with(Header::DryRun)
        .problems(404, &["unknown-account", "unknown-order", "unknown-reservation", "unknown-version"])
        .problems(409, &["account-not-active", "cannot-follow", "content-differs", "reservation-ended"])
        .problems(422, &["foreign-currency", "order-too-large", "overflow", "placed-in-future"])
        .problems(422, &["discount-expired", "discount-held", "discount-not-for-account", "discount-not-yet-valid"])
        .problems(422, &["discount-unknown", "discount-used", "discount-used-up", "discount-void"])
        .problems(422, &["not-enough-points", "points-unusable"])
}
