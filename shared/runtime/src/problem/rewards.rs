//! What may be said of rewards and what points were redeemed for.

use super::Problem;
use domain::decision::Rejection;
use domain::rewards::{RewardCount, Unavailable};

pub(super) fn of_reward(rejection: &Rejection) -> Problem {
    match rejection {
        Rejection::RewardUnavailable(why) => unavailable(why),
        Rejection::UnknownReward => {
            let detail = "The program in force has no reward of that id.";
            Problem::new("unknown-reward", "Unknown reward", 422, detail).with_fault(
                "$.reward".to_owned(),
                "unknown_reward",
                "is no reward of this program",
            )
        }
        Rejection::RedemptionUsed => {
            let detail = "What was given was used, is held for a cart, or has ended, so that it cannot be taken back; nothing was \
                          changed.";
            Problem::new("redemption-used", "Redemption used", 409, detail)
        }
        _ => {
            let detail = "The account has no such redemption of a reward.";
            Problem::new("unknown-redemption", "Unknown redemption", 404, detail)
        }
    }
}

/// Why an account cannot have a reward now. Nothing was spent.
fn unavailable(why: &Unavailable) -> Problem {
    // What is used up may be there again, as with perks and codes.
    let status = match why {
        Unavailable::LimitReached { .. } | Unavailable::OutOfStock => 409,
        _ => 422,
    };
    let (kind, title, detail) = match why {
        Unavailable::NotYet { from } => {
            ("reward-not-yet", "Reward not offered yet", format!("It is offered from {from} on."))
        }
        Unavailable::Over { until } => {
            ("reward-over", "Reward not offered any more", format!("It was offered until {until}."))
        }
        Unavailable::NotForAccount => (
            "reward-not-for-account",
            "Reward for others",
            "It is for other tiers or groups than those of the account.".to_owned(),
        ),
        Unavailable::LimitReached { count } => ("reward-limit-reached", "Reward limit reached", limit(count)),
        Unavailable::OutOfStock => ("reward-out-of-stock", "Reward out of stock", "Nothing of it is left.".to_owned()),
        Unavailable::TooManyDiscounts => (
            "too-many-discounts",
            "Too many discounts",
            "The account has as many open discounts as it can; once it has used one there is room.".to_owned(),
        ),
        Unavailable::PerkNotCounted => (
            "reward-perk-not-counted",
            "Perk held, and not counted",
            "The account has this perk and may use it as often as it likes: it would pay for nothing.".to_owned(),
        ),
        Unavailable::NotEnoughPoints { missing } => {
            let detail = format!("{missing} points are missing. Points that wait cannot be spent, nor can those owed.");
            ("not-enough-points", "Not enough points", detail)
        }
    };
    Problem::new(kind, title, status, detail)
}

fn limit(count: &RewardCount) -> String {
    let RewardCount { count, used, renews_at, .. } = count;
    let had = format!("The account had it {used} of {count} times.");
    match renews_at {
        Some(renews_at) => format!("{had} There are more from {renews_at} on."),
        None => had,
    }
}
