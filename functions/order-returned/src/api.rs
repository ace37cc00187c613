//! What the routes of this function take and answer, for the description of the API.

use domain::credit_note::CreditNoteReceipt;
use domain::parked::ParkedAnswer;
use domain::requests::{self, Request};
use domain::returns::ReturnReceipt;
use runtime::Scope::{AccountsRead, OrdersWrite};
use runtime::api::{Header, Operation};

/// An operation for each route.
pub fn operations() -> Vec<Operation> {
    let of_order = |route, id, summary, request: Request| {
        Operation::new(route, id, summary)
            .by_account(OrdersWrite)
            .takes(request)
            .once::<ReturnReceipt>("What was taken back.")
            .answers::<ParkedAnswer<'_>>(202, "The order is not known yet: this waits for it.")
            .problems(404, &["unknown-account", "unknown-order"])
            .problems(409, &["content-differs"])
            .problems(422, &["order-too-large", "overflow", "returned-before-order", "returned-in-future"])
            .problems(422, &["too-many-returns"])
    };
    vec![
        of_order(
            "POST /v1/orders/{source}/{order_id}/returns",
            "postReturn",
            "Takes back what goods gave that came back.",
            requests::RETURN,
        ),
        of_order(
            "POST /v1/orders/{source}/{order_id}/cancellation",
            "postCancellation",
            "Takes back what an order gave.",
            requests::CANCELLATION,
        ),
        Operation::new(
            "POST /v1/accounts/{account_id}/returns",
            "postCreditNote",
            "Takes back what goods gave that came back without an order number.",
        )
        .by_account(OrdersWrite)
        .takes(requests::CREDIT_NOTE)
        .once::<CreditNoteReceipt>("What was taken back, from which orders.")
        .answers::<CreditNoteReceipt>(202, "It takes longer, and goes on by itself.")
        .with(Header::RetryAfter)
        .all_with(Header::Location)
        .problems(404, &["unknown-account"])
        .problems(409, &["content-differs"])
        .problems(422, &["order-too-large", "overflow", "returned-in-future"]),
        Operation::new("GET /v1/accounts/{account_id}/returns/{return_id}", "getCreditNote", "A credit note so far.")
            .by_account(AccountsRead)
            .answers::<CreditNoteReceipt>(200, "How far it has come.")
            .problems(404, &["unknown-return"]),
    ]
}
