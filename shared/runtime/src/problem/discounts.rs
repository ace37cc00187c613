//! What may be said of discounts that an order names, and of shared codes.

use super::Problem;
use domain::discount::Unusable;

pub(super) fn unknown_shared_code() -> Problem {
    Problem::new("unknown-shared-code", "Unknown shared code", 404, "There is no such shared code.")
}

pub(super) fn of_discount(index: usize, reason: Unusable) -> Problem {
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
        Unusable::NotForAccount => {
            ("discount-not-for-account", "Discount for others", "not_for_account", "is for other accounts")
        }
    };
    Problem::new(kind, title, 422, "The order was not scored; send it again without the code.").with_fault(
        format!("$.discount_codes[{index}]"),
        code,
        message,
    )
}
