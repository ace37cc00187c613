//! The reasons of a quote, in plain English.

use super::answer::ReasonQuote;
use super::points::PointsLimit;
use super::pricing::Why;
use crate::account::Status;
use crate::code::Code;
use crate::discount::Unusable;
use crate::membership::{self, MemberState};
use crate::money::{Currency, Minor, Money};

fn reason(reason: &'static str, text: impl Into<String>) -> ReasonQuote {
    ReasonQuote { reason, text: text.into() }
}

/// Why a code cannot be used that is of no open discount.
pub(super) fn unusable(why: Unusable) -> &'static str {
    match why {
        Unusable::Unknown => "The account has no discount of this code.",
        Unusable::Used => "The account has used it as often as it may.",
        Unusable::UsedUp => "All accounts together have used it as often as they may.",
        Unusable::NotYetValid => "Its validity has not begun.",
        Unusable::Expired => "Its validity is over.",
        Unusable::NotForAccount => "It is for other accounts.",
        Unusable::Void => "It was withdrawn: the order that had brought it about was changed or undone.",
        Unusable::Held => "It is held for another cart.",
    }
}

/// Why orders of an account are refused.
pub(super) fn not_active(status: Status) -> ReasonQuote {
    match status {
        Status::Suspended => {
            reason("account_suspended", "The account is suspended: its orders are refused until it is active again.")
        }
        Status::Closed => reason("account_closed", "The account is closed: its orders are refused."),
        Status::Erased => reason("account_erased", "The account was erased: its orders are refused."),
        Status::Pending => {
            reason("account_pending", "The account waits for its review: its orders are refused until then.")
        }
        Status::Active => reason("account_active", "The account is active."),
    }
}

/// Why an account that takes part has nothing of its tier.
pub(super) fn no_member(state: MemberState) -> ReasonQuote {
    let why = state.condition().and_then(membership::why_not).unwrap_or("the account is no member");
    reason("not_a_member", format!("None, because {why}."))
}

/// That another discount of the group is applied.
pub(super) fn excluded(by: Option<&Code>) -> ReasonQuote {
    let by = by.map_or_else(|| "the tier's own discount".to_owned(), |code| format!("{code}"));
    reason("group", format!("It does not go with {by}, which is as good or better here."))
}

/// Why an open discount is not applied.
pub(super) fn why_not(why: &Why, currency: Currency) -> ReasonQuote {
    let money = |amount: Minor| Money { amount, currency };
    match why {
        Why::AccountNotActive(status) => not_active(*status),
        Why::Held { until } => reason("held", format!("It is held for another cart until {until}.")),
        Why::BelowMinimum { minimum, missing } => {
            let (minimum, missing) = (money(*minimum), money(*missing));
            reason("below_minimum", format!("It is for goods of {minimum} or more: {missing} are missing."))
        }
        Why::Excluded(by) => excluded(by.as_ref()),
        Why::TakesOffNothing => reason("takes_off_nothing", "It would take nothing more off this cart."),
    }
}

/// Why fewer points are spent than are wished.
pub(super) fn limit(limit: PointsLimit) -> ReasonQuote {
    match limit {
        PointsLimit::NoExchange => reason("no_exchange", "The program does not say what points are worth."),
        PointsLimit::Balance => reason("balance", "The account has no more."),
        PointsLimit::Maximum(maximum) => reason("maximum", format!("One order takes at most {maximum} points.")),
        PointsLimit::Goods => reason("goods", "What is left to pay of the goods is worth no more."),
        PointsLimit::Minimum(minimum) => reason("minimum", format!("One order takes at least {minimum} points.")),
        PointsLimit::Rounding => reason("rounding", "More of them would pay no more."),
    }
}
