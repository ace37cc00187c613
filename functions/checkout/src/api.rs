//! What the routes of this function take and answer, for the description of the API.

use crate::shared_codes::{LISTED_MAX, LISTED_USUAL};
use domain::quote::Quote;
use domain::requests;
use domain::reservation::{ReservationAnswer, ReservationReceipt};
use domain::shared_code::{SharedCodeAnswer, SharedCodesAnswer};
use runtime::Scope::{AccountsRead, MetricsRead, OrdersWrite, ProgramWrite};
use runtime::api::{Header, Operation, text};

/// An operation for each route.
pub fn operations() -> Vec<Operation> {
    reservations().into_iter().chain(shared_codes()).collect()
}

/// What a cart may be refused for.
fn of_cart(operation: Operation) -> Operation {
    operation
        .takes(requests::CART)
        .problems(404, &["unknown-account"])
        .problems(422, &["foreign-currency", "not-enough-points", "overflow", "points-unusable"])
        .problems(422, &["discount-expired", "discount-held", "discount-not-for-account", "discount-not-yet-valid"])
        .problems(422, &["discount-unknown", "discount-used", "discount-used-up", "discount-void"])
}

fn reservations() -> Vec<Operation> {
    // One that cannot be understood is unknown, too.
    let id = || text(64);
    vec![
        of_cart(
            Operation::new("POST /v1/quotes", "postQuote", "What a cart costs, and what its order would earn.")
                .by_account(AccountsRead)
                .answers::<Quote>(200, "Prices, discounts and earnings; nothing is written."),
        ),
        of_cart(
            Operation::new("POST /v1/reservations", "postReservation", "Holds what a cart is to use.")
                .by_account(OrdersWrite)
                .keyed()
                .once::<ReservationReceipt>("What is held, and until when.")
                .all_with(Header::Location)
                .problems(409, &["account-not-active", "too-many-reservations"])
                .problems(422, &["nothing-to-reserve"]),
        ),
        Operation::new("GET /v1/reservations/{reservation_id}", "getReservation", "A reservation, as it stands.")
            .by_account(AccountsRead)
            .path("reservation_id", id())
            .answers::<ReservationAnswer>(200, "The reservation.")
            .problems(404, &["unknown-reservation"])
            .problems(422, &["overflow"]),
        Operation::new("DELETE /v1/reservations/{reservation_id}", "deleteReservation", "Gives a reservation up.")
            .by_account(OrdersWrite)
            .path("reservation_id", id())
            .answers::<ReservationAnswer>(200, "The reservation, which holds nothing any more.")
            .problems(404, &["unknown-reservation"])
            .problems(422, &["overflow"]),
    ]
}

fn shared_codes() -> Vec<Operation> {
    vec![
        Operation::new("POST /v1/shared-codes", "postSharedCode", "Issues a code that accounts share.")
            .by_merchant(ProgramWrite)
            .keyed()
            .takes(requests::SHARED_CODE)
            .once::<SharedCodeAnswer>("The code and its terms.")
            .all_with(Header::Location),
        Operation::new("GET /v1/shared-codes", "getSharedCodes", "The shared codes.")
            .by_merchant(MetricsRead)
            .paged(LISTED_USUAL, LISTED_MAX)
            .answers::<SharedCodesAnswer>(200, "One page."),
        Operation::new("GET /v1/shared-codes/{code}", "getSharedCode", "A shared code, and how often it was used.")
            .by_merchant(MetricsRead)
            .answers::<SharedCodeAnswer>(200, "The code.")
            .problems(404, &["unknown-shared-code"]),
        Operation::new("DELETE /v1/shared-codes/{code}", "deleteSharedCode", "Ends a shared code.")
            .by_merchant(ProgramWrite)
            .answers::<SharedCodeAnswer>(200, "The code, ended.")
            .conditional()
            .problems(404, &["unknown-shared-code"]),
    ]
}
