//! What a receipt says of gifts: what the order brought its account besides its own points.

use super::Reason;
use crate::money::Points;
use crate::program::Program;
use crate::referral::rules::GiftDiscount;
use crate::score::{GivenFor, OrderGift, ScoredOrder};
use crate::statement::clause;

/// What an order brought by all of its statements. It was given under the version that the order was scored with.
pub(super) fn reasons(scored: &ScoredOrder, program: &Program) -> impl Iterator<Item = Reason> {
    scored.gifts().map(|gift| reason(gift, program))
}

fn reason(gift: &OrderGift, program: &Program) -> Reason {
    let (id, rule, why, terms) = match &gift.given_for {
        GivenFor::Tier(tier) => {
            let entered = program.tiers.get(tier);
            let why = format!("For becoming {}", entered.name);
            ("tier.entered", tier.as_str(), why, entered.on_entry.discount.as_ref())
        }
        GivenFor::Occasion(id) => {
            let rule = program.occasions.iter().find(|rule| rule.id == *id);
            let why = rule.map_or(id.as_str(), |rule| clause(&rule.name)).to_owned();
            ("occasion.given", id.as_str(), why, rule.and_then(|rule| rule.gift.discount.as_ref()))
        }
    };
    let points = Some(gift.points).filter(|points| *points > Points::ZERO);
    let text = format!("{why}: {}.", in_words(gift, points, terms));
    let (fired, discount) = (points.is_some() || gift.discount.is_some(), gift.discount.clone());
    Reason { fired, points, discount, ..Reason::fired(id, rule, text) }
}

fn in_words(gift: &OrderGift, points: Option<Points>, terms: Option<&GiftDiscount>) -> String {
    let given = points.map(|points| format!("{points} points"));
    match (given, &gift.discount, terms) {
        (Some(points), Some(code), _) => format!("{points} and a discount, code {code}"),
        (Some(points), None, Some(_)) => format!("{points}; its discount was not issued"),
        (Some(points), None, None) => points,
        (None, Some(code), _) => format!("a discount, code {code}"),
        (None, None, _) => "its discount was not issued".to_owned(),
    }
}

#[cfg(test)]
mod tests;
