//! What may be said of what carts and orders are to use.

use super::Problem;
use domain::decision::Rejection;
use domain::discount::Unusable;
use domain::hold::HOLDS_MAX;
use domain::uses::PointsUnusable;

pub(super) fn of_checkout(rejection: &Rejection) -> Problem {
    match rejection {
        Rejection::DiscountUnusable { index, reason, .. } => of_discount(*index, *reason),
        Rejection::PointsUnusable(why) => of_points(*why),
        Rejection::ReservationEnded => {
            let detail = "The reservation holds nothing any more: it was used by another order, given up, or its time is \
                          over. Nothing was done; send the order again without it, with the codes and points themselves.";
            Problem::new("reservation-ended", "Reservation ended", 409, detail)
        }
        Rejection::NothingToReserve => {
            let detail = "The cart would use none of the account's discounts and points, so there is nothing to hold.";
            Problem::new("nothing-to-reserve", "Nothing to reserve", 422, detail)
        }
        Rejection::TooManyReservations { until } => {
            let detail = format!(
                "The account has {HOLDS_MAX} reservations, as many as it can: the first of them ends at {until}, unless \
                 one is given up or used before."
            );
            Problem::new("too-many-reservations", "Too many reservations", 409, detail)
        }
        _ => Problem::new("unknown-reservation", "Unknown reservation", 404, "The account has no such reservation."),
    }
}

fn of_points(why: PointsUnusable) -> Problem {
    let detail = match why {
        PointsUnusable::NoExchange => "The program does not say what points are worth.".to_owned(),
        PointsUnusable::BelowMinimum { minimum } => format!("One order takes at least {minimum} points."),
        PointsUnusable::AboveMaximum { maximum } => format!("One order takes at most {maximum} points."),
    };
    let problem = Problem::new("points-unusable", "Points cannot be used", 422, detail.clone());
    problem.with_fault("$.points".to_owned(), "unusable", &detail)
}

fn of_discount(index: usize, reason: Unusable) -> Problem {
    let (kind, title, code, message) = match reason {
        Unusable::Unknown => {
            ("discount-unknown", "Unknown discount code", "unknown_code", "is no discount of this account")
        }
        Unusable::Used => ("discount-used", "Discount already used", "used", "was used by another order"),
        Unusable::Expired => ("discount-expired", "Discount expired", "expired", "is not valid any more"),
        Unusable::Void => {
            ("discount-void", "Discount withdrawn", "void", "was withdrawn: what it came with was changed or undone")
        }
        Unusable::Held => ("discount-held", "Discount held", "held", "is held for another cart that is being paid"),
    };
    Problem::new(kind, title, 422, "Nothing was done; send it again without the code.").with_fault(
        format!("$.discount_codes[{index}]"),
        code,
        message,
    )
}
