//! What may be said of what carts and orders are to use.

use super::Problem;
use domain::code::Code;
use domain::decision::Rejection;
use domain::discount::Unusable;
use domain::hold::HOLDS_MAX;
use domain::uses::PointsUnusable;

pub(super) fn of_checkout(rejection: &Rejection) -> Problem {
    match rejection {
        Rejection::DiscountUnusable { index, code, reason } => of_discount(*index, code, *reason),
        Rejection::PointsUnusable(why) => of_points(*why),
        Rejection::UnknownSharedCode => {
            Problem::new("unknown-shared-code", "Unknown shared code", 404, "There is no such shared code.")
        }
        Rejection::ReservationEnded => {
            let detail = "The reservation holds nothing any more: it was used by another order, given up, or its time is \
                          over. Nothing was done; send the order again without it, with the codes and points themselves.";
            let problem = Problem::new("reservation-ended", "Reservation ended", 409, detail);
            problem.with_fault("$.reservation_id".to_owned(), "ended", "holds nothing any more")
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
        PointsUnusable::AboveGoods => "They are worth more than the goods that points may pay for.".to_owned(),
        PointsUnusable::AboveMaximum { maximum } => format!("One order takes at most {maximum} points."),
    };
    let problem = Problem::new("points-unusable", "Points cannot be used", 422, detail.clone());
    problem.with_fault("$.points".to_owned(), "unusable", &detail)
}

fn of_discount(index: Option<usize>, discount: &Code, reason: Unusable) -> Problem {
    let (kind, title, code, message) = match reason {
        Unusable::Unknown => {
            ("discount-unknown", "Unknown discount code", "unknown_code", "is no discount of this account")
        }
        Unusable::Used => ("discount-used", "Discount already used", "used", "was used by another order"),
        Unusable::UsedUp => {
            ("discount-used-up", "Discount used up", "used_up", "was used as often as all accounts together may")
        }
        Unusable::NotYetValid => {
            ("discount-not-yet-valid", "Discount not yet valid", "not_yet_valid", "is not valid yet")
        }
        Unusable::Expired => ("discount-expired", "Discount expired", "expired", "is not valid any more"),
        Unusable::Void => {
            ("discount-void", "Discount withdrawn", "void", "was withdrawn: what it came with was changed or undone")
        }
        Unusable::Held => ("discount-held", "Discount held", "held", "is held for another cart that is being paid"),
        Unusable::NotForAccount => {
            ("discount-not-for-account", "Discount for others", "not_for_account", "is for other accounts")
        }
    };
    // The document does not name it: it is of the reservation.
    let (path, message) = match index {
        Some(index) => (format!("$.discount_codes[{index}]"), message.to_owned()),
        None => ("$.reservation_id".to_owned(), format!("{discount} {message}")),
    };
    Problem::new(kind, title, 422, "Nothing was done; send it again without the code.").with_fault(path, code, &message)
}
