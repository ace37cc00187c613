//! What rules of the program say besides what they give, in a few words; nothing where they leave it as it usually is.

use domain::earning::{
    AccountCap, AccountTest, CapPeriod, Condition, EarningRule, Effect, OrderTest, RoundedPer, Rounding, When,
};
use domain::free_products::FreeProduct;
use domain::program::Shortfall;
use domain::review::{Downgrade, Hold, ReviewRules};
use domain::time::Instant;
use domain::warning::WarningRules;

/// What an earning rule says besides its effect. Of its conditions only the names: its document says what they ask.
pub(super) fn of_rule(rule: &EarningRule) -> String {
    let EarningRule { group, stop, maximum_points, rounding, rounded_per, tier_multiplier, effect, .. } = rule;
    let rounded = match (rounding, rounded_per) {
        (Rounding::Floor, RoundedPer::Order) => None,
        (Rounding::Floor, RoundedPer::Line) => Some("rounded down per line"),
        (Rounding::HalfUp, RoundedPer::Order) => Some("rounded half up"),
        (Rounding::HalfUp, RoundedPer::Line) => Some("rounded half up per line"),
    };
    let multiplied = match (matches!(effect, Effect::PerAmount { .. }), tier_multiplier) {
        (true, false) => Some("whatever the tier"),
        (false, true) => Some("times the tier's multiplier"),
        _ => None,
    };
    let terms = [
        conditions(rule),
        maximum_points.map(|most| format!("at most {most} points")),
        rule.budget.map(|budget| format!("{budget} in all")),
        rule.cap.map(of_cap),
        rounded.map(str::to_owned),
        multiplied.map(str::to_owned),
        group.as_ref().map(|group| format!("the best of {group}")),
        stop.then(|| "and no later rule".to_owned()),
    ];
    terms.into_iter().flatten().map(|term| format!("; {term}")).collect()
}

fn of_cap(cap: AccountCap) -> String {
    let AccountCap { points, times, period } = cap;
    let most = points.map(|points| format!("{points} points")).into_iter();
    let most: Vec<_> = most.chain(times.map(|times| format!("{times} orders"))).collect();
    let named = CapPeriod::ALL.iter().find(|(_, own)| *own == period).map_or("", |(name, _)| name);
    format!("{} per account, by {named}", most.join(" and "))
}

fn conditions(rule: &EarningRule) -> Option<String> {
    let When { account, order } = &rule.when;
    let of_account = account.iter().map(AccountTest::condition);
    let named = of_account.chain(order.iter().map(OrderTest::condition)).map(Condition::name);
    let lines = (!rule.lines.is_all()).then_some("lines");
    let named: Vec<_> = lines.into_iter().chain(named).collect();
    (!named.is_empty()).then(|| format!("by {}", named.join(", ")))
}

/// For whom a free product is, and when.
pub(super) fn of_free_product(rule: &FreeProduct) -> String {
    let tiers = rule.audience.tiers.iter().map(ToString::to_string);
    let named: Vec<_> = tiers.chain(rule.audience.segments.iter().map(ToString::to_string)).collect();
    let named = (!named.is_empty()).then(|| format!("for {}", named.join(", ")));
    let day = |word: &str, at: Option<Instant>| at.map(|at| format!("{word} {at}"));
    let terms = [named, day("from", rule.from), day("until", rule.until)];
    terms.into_iter().flatten().map(|term| format!(", {term}")).collect()
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
        Hold::Months(months) => format!("for {months} months"),
        Hold::Year => "to the end of the next year".to_owned(),
    };
    let lost = match downgrade {
        Downgrade::Never => "never lowered",
        Downgrade::OneStep => "lowered by one step",
        Downgrade::ToEarned => "lowered to what is earned",
    };
    format!("held {held} and {grace_days} days, then reviewed: {lost}")
}

/// How many days ahead is warned of what; `None`: never.
pub(super) fn of_warnings(rules: &WarningRules) -> Option<String> {
    let ahead = |what: &str, days: &[u16]| {
        let days: Vec<_> = days.iter().rev().map(ToString::to_string).collect();
        (!days.is_empty()).then(|| format!("{what} {}", days.join(", ")))
    };
    let warned = [
        ahead("discounts", &rules.discount_expiring_days),
        ahead("points", &rules.points_expiring_days),
        ahead("tiers", &rules.tier_at_risk_days),
    ];
    let warned: Vec<_> = warned.into_iter().flatten().collect();
    (!warned.is_empty()).then(|| format!("warned of days ahead: {}", warned.join("; ")))
}

#[cfg(test)]
mod tests {
    use crate::program::{SAMPLE, rules};
    use domain::program::Program;
    use serde_json::{Value, json};

    #[test]
    fn what_rules_say_besides_what_they_give_is_shown() {
        let mut document: Value = serde_json::from_str(SAMPLE).unwrap();
        document["earning_rules"] = json!([
            {"id": "plain", "name": "Plain", "points": 1, "per": "1.00"},
            {"id": "one", "name": "One", "points": 1, "per": "2.00", "group": "best", "tier_multiplier": false,
             "rounding": "half_up", "rounded_per": "line", "maximum_points": 500, "budget": 9000,
             "caps": {"per_account": {"points": 700, "times": 3, "period": "month"}}},
            {"id": "two", "name": "Two", "points": 5, "group": "best", "stop": true, "tier_multiplier": true,
             "when": {"first_order": true}},
            {"id": "three", "name": "Three", "points": 3, "per_units": 1, "rounded_per": "line"},
        ]);
        document["points"] = json!({"validity_months": 24, "pending_days": 14, "shortfall": "owe_pending"});
        document["tiers"]["review"] = json!({"hold_months": 12, "grace_days": 30, "downgrade": "one_step"});
        document["tiers"]["levels"][1]["on_entry"] = json!({"points": 500, "discount": {
            "id": "for-silver", "name": "For silver", "percent": "7.5", "validity_days": 60}});
        document["warnings"] = json!({"points_expiring_days": [7, 30], "tier_at_risk_days": [14]});
        document["free_products"] = json!([
            {"id": "mug", "name": "A mug", "sku": "MUG", "quantity": 2, "minimum_total": "500.00"},
            {"id": "jug", "name": "A jug", "sku": "JUG", "quantity": 1, "minimum_total": "100.00", "tiers": ["gold"],
             "segments": ["hotels"], "from": "2030-05-01T00:00:00+01:00", "until": "2030-06-01T00:00:00+01:00"},
        ]);
        let mut text = String::new();
        rules(&mut text, &Program::from_json(&document).unwrap());
        for expected in [
            "plain: Plain (1 per 1.00 GBP)",
            "one: One (1 per 2.00 GBP; at most 500 points; 9000 in all; 700 points and 3 orders per account, by month; rounded half up per line; whatever the tier; the best of best)",
            "two: Two (5 per order; by first_order; times the tier's multiplier; the best of best; and no later rule)",
            "three: Three (3 per unit; rounded down per line)",
            "points that a return finds spent are owed out of what orders earn",
            "held for 12 months and 30 days, then reviewed: lowered by one step",
            "warned of days ahead: points 30, 7; tiers 14",
            "mug: A mug, 2 × MUG free from 500.00 GBP",
            "jug: A jug, 1 × JUG free from 100.00 GBP, for gold, hotels, from 2030-04-30T23:00:00Z, until 2030-05-31T23:00:00Z",
        ] {
            assert!(text.lines().any(|line| line.trim() == expected), "{expected}\n{text}");
        }
        assert!(text.contains(", 500 points and 7.5 % for 60 days (for-silver) on entering\n"), "{text}");
    }
}
