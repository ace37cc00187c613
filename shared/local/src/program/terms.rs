//! What earning rules, reviews and returns say, in a few words.

use super::words::listed;
use domain::earning::{AccountCap, CapPeriod, EarningRule, Effect, RoundedPer, Rounding};
use domain::program::{Program, Shortfall};
use domain::review::{Downgrade, Hold, ReviewRules};
use domain::words::counted;

/// What an earning rule gives, for what, when, and within which limits; nothing is said of what it leaves as it
/// usually is.
pub(super) fn of_rule(rule: &EarningRule, program: &Program) -> String {
    let EarningRule {
        id: _,
        name: _,
        effect,
        lines,
        when,
        group,
        stop,
        maximum_points,
        budget,
        cap,
        rounding,
        rounded_per,
        tier_multiplier,
    } = rule;
    let rounded = match (rounding, rounded_per) {
        (Rounding::Floor, RoundedPer::Order) => None,
        (Rounding::Floor, RoundedPer::Line) => Some("rounded down line by line"),
        (Rounding::HalfUp, RoundedPer::Order) => Some("rounded half up"),
        (Rounding::HalfUp, RoundedPer::Line) => Some("rounded half up line by line"),
    };
    let multiplied = match (matches!(effect, Effect::PerAmount { .. }), tier_multiplier) {
        (true, false) => Some("whatever the tier"),
        (false, true) => Some("times the tier's multiplier"),
        _ => None,
    };
    let conditions = when.in_words(program);
    let terms = [
        Some(given(*effect, program)),
        lines.in_words().map(|lines| format!("on lines with {lines}")),
        (!conditions.is_empty()).then(|| format!("if {}", conditions.join(" and "))),
        maximum_points.map(|most| format!("at most {} for an order", counted(most, "point"))),
        budget.map(|budget| format!("at most {} over all accounts", counted(budget, "point"))),
        cap.map(of_cap),
        rounded.map(str::to_owned),
        multiplied.map(str::to_owned),
        group.as_ref().map(|group| format!("only the best of the group {group}")),
        stop.then(|| "no later rule fires after it".to_owned()),
    ];
    terms.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What a rule gives: `1 point per 10.00 EUR`.
fn given(effect: Effect, program: &Program) -> String {
    let terms = effect.terms(program.currency);
    match (effect, terms.split_once(' ')) {
        (Effect::Multiplier(_), _) | (_, None) => format!("{terms} of the points per amount before it"),
        (_, Some((points, rest))) => format!("{} {rest}", counted(points, "point")),
    }
}

fn of_cap(cap: AccountCap) -> String {
    let AccountCap { points, times, period } = cap;
    let most = [points.map(|points| counted(points, "point")), times.map(|times| counted(times, "order"))];
    let most = most.into_iter().flatten().collect::<Vec<_>>().join(" and ");
    match CapPeriod::ALL.iter().find(|(_, own)| *own == period) {
        Some((named, _)) if period != CapPeriod::Ever => format!("at most {most} a {named} for each account"),
        _ => format!("at most {most} ever for each account"),
    }
}

/// What becomes of points that should be taken back and are gone.
pub(super) fn of_shortfall(shortfall: Shortfall) -> &'static str {
    match shortfall {
        Shortfall::Owe => "are owed",
        Shortfall::OwePending => "are owed out of what orders earn",
        Shortfall::WriteOff => "are written off",
    }
}

/// How tiers are reviewed.
pub(super) fn of_review(review: Option<ReviewRules>) -> String {
    let Some(ReviewRules { hold, grace_days, downgrade }) = review else {
        return "never lost".to_owned();
    };
    let held = match hold {
        Hold::Months(months) => format!("for {}", counted(months, "month")),
        Hold::Year => "to the end of the next year".to_owned(),
    };
    let grace = (grace_days > 0).then(|| format!("{} of grace", counted(grace_days, "day")));
    let lost = match downgrade {
        Downgrade::Never => "never lowered",
        Downgrade::OneStep => "lowered by one step where they are not earned again",
        Downgrade::ToEarned => "lowered to what is earned",
    };
    format!("held {}, then reviewed: {lost}", listed([Some(held), grace].into_iter().flatten()))
}
