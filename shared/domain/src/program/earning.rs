//! The program document's earning rules.

use super::read::{label, multiplier};
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::earning::{
    AccountCap, CapPeriod, Earning, EarningRule, Effect, LineFilter, Reading, RoundedPer, Rounding, When,
};
use crate::id::RuleId;
use crate::money::{self, Factor, Minor, Points};
use serde_json::Value;
use std::collections::BTreeSet;

/// Most points that one rule states.
const POINTS_MAX: u64 = 1_000_000;
/// Most that a rule may give for one order: far from what sums could overflow by.
const MAXIMUM_POINTS_MAX: u64 = 1_000_000_000_000;
/// Most orders that a cap names.
const TIMES_MAX: u64 = 1_000_000;
/// Most rules with a budget: what they write must fit one transaction with all else that an order brings about.
pub const BUDGETS_MAX: usize = 6;
/// Most rules that are capped per account: an account keeps up to three counters of each.
pub const CAPPED_RULES_MAX: usize = 5;
/// Most units that a rule counts by.
const PER_UNITS_MAX: u64 = 1_000_000;

const FIELDS: [&str; 16] = [
    "id",
    "name",
    "points",
    "per",
    "per_units",
    "multiplier",
    "lines",
    "when",
    "group",
    "stop",
    "maximum_points",
    "budget",
    "caps",
    "rounding",
    "rounded_per",
    "tier_multiplier",
];

/// Reads one rule. `{id, name, points, per}` is all that it takes.
pub(super) fn rule(value: &Value, path: &Path<'_>, reading: &Reading<'_>, faults: &mut Faults) -> Option<EarningRule> {
    let rule = Object::open(value, path, &FIELDS, faults)?;
    let id = rule.required("id", faults, document::id(RuleId::parse));
    let name = rule.required("name", faults, label());
    let effect = effect(&rule, path, reading, faults);
    let lines = rule.nested("lines", faults, LineFilter::read);
    let when = rule.nested("when", faults, |v, p, f| When::read(v, p, reading, f));
    let group = rule.optional("group", faults, document::id(RuleId::parse));
    let stop = rule.optional("stop", faults, document::truth);
    let most = rule.optional("maximum_points", faults, points_to(MAXIMUM_POINTS_MAX));
    let budget = rule.optional("budget", faults, points_to(MAXIMUM_POINTS_MAX));
    let cap = rule.nested("caps", faults, caps);
    let roundings = [("floor", Rounding::Floor), ("half_up", Rounding::HalfUp)];
    let rounding = rule.optional("rounding", faults, document::one_of(&roundings));
    let parts = [("order", RoundedPer::Order), ("line", RoundedPer::Line)];
    let rounded_per = rule.optional("rounded_per", faults, document::one_of(&parts));
    let tier_multiplier = rule.optional("tier_multiplier", faults, document::truth);
    let effect = effect?;
    let fixed = matches!(effect, Effect::Fixed { .. });
    if fixed && rounded_per == Some(RoundedPer::Line) {
        faults.add(&rule.at("rounded_per"), "conflict", "points that are given once per order are of no line");
    }
    if matches!(effect, Effect::Multiplier(_)) && tier_multiplier == Some(true) {
        let message = "what it multiplies has the tier's multiplier already";
        faults.add(&rule.at("tier_multiplier"), "conflict", message);
    }
    Some(EarningRule {
        id: id?,
        name: name?,
        effect,
        lines: lines.unwrap_or_default(),
        when: when.unwrap_or_default(),
        group,
        stop: stop.unwrap_or(false),
        maximum_points: most,
        budget,
        cap,
        rounding: rounding.unwrap_or_default(),
        rounded_per: rounded_per.unwrap_or_default(),
        tier_multiplier: tier_multiplier.unwrap_or(matches!(effect, Effect::PerAmount { .. })),
    })
}

/// What one account is given at most: `{"per_account": {"points"?, "times"?, "period"}}`.
fn caps(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<AccountCap> {
    let caps = Object::open(value, path, &["per_account"], faults)?;
    caps.required_nested("per_account", faults, |value, path, faults| {
        let cap = Object::open(value, path, &["points", "times", "period"], faults)?;
        if !cap.has("points") && !cap.has("times") {
            faults.add(path, "missing", "either points or times is required");
        }
        let points = cap.optional("points", faults, points_to(MAXIMUM_POINTS_MAX));
        let times = cap.optional("times", faults, document::whole(1..=TIMES_MAX));
        let period = cap.required("period", faults, document::one_of(&CapPeriod::ALL));
        Some(AccountCap { points, times, period: period? })
    })
}

/// Exactly one effect: points per amount, per units, or once; or a multiplier.
fn effect(rule: &Object<'_>, path: &Path<'_>, reading: &Reading<'_>, faults: &mut Faults) -> Option<Effect> {
    let others = ["points", "per", "per_units"];
    if rule.has("multiplier") {
        for other in others.into_iter().filter(|other| rule.has(other)) {
            faults.add(&Path::Key(path, other), "conflict", "give points or a multiplier, not both");
        }
        return rule.optional("multiplier", faults, above_one).map(Effect::Multiplier);
    }
    let points = rule.required("points", faults, points_to(POINTS_MAX));
    let per = rule.optional("per", faults, document::decimal(money::decimals(reading.currency), 1));
    let units = rule.optional("per_units", faults, document::whole(1..=PER_UNITS_MAX));
    match (rule.has("per"), rule.has("per_units")) {
        (true, true) => {
            faults.add(&rule.at("per_units"), "conflict", "give per or per_units, not both");
            None
        }
        (true, false) => Some(Effect::PerAmount { points: points?, per: Minor(per?) }),
        (false, true) => Some(Effect::PerUnits { points: points?, units: units? }),
        (false, false) => Some(Effect::Fixed { points: points? }),
    }
}

fn points_to(most: u64) -> impl Fn(&Value) -> Leaf<Points> {
    move |value| document::whole(1..=most)(value).map(|points| Points(i64::try_from(points).unwrap_or(i64::MAX)))
}

fn above_one(value: &Value) -> Leaf<Factor> {
    let factor = multiplier(value)?;
    if factor <= Factor::ONE {
        return Err(("out_of_range", "must be more than 1: it adds what is more than once".to_owned()));
    }
    Ok(factor)
}

/// All rules in their order: those of a group stand together, and what is multiplied can be added up.
pub(super) fn in_order(rules: Vec<EarningRule>, faults: &mut Faults) -> Option<Earning> {
    let list = Path::Key(&Path::Root, "earning_rules");
    let mut closed = BTreeSet::new();
    let mut current: Option<&RuleId> = None;
    for (index, rule) in rules.iter().enumerate() {
        let group = rule.group.as_ref();
        if group == current {
            continue;
        }
        closed.extend(current);
        current = group;
        if group.is_some_and(|group| closed.contains(group)) {
            let message = "the rules of a group must stand one after the other";
            faults.add(&Path::Key(&Path::Index(&list, index), "group"), "out_of_order", message);
        }
    }
    let most_of = |most: usize, field: &'static str, has: fn(&EarningRule) -> bool, faults: &mut Faults| {
        if let Some((index, _)) = rules.iter().enumerate().filter(|(_, rule)| has(rule)).nth(most) {
            let message = format!("at most {most} rules of a program may have one");
            faults.add(&Path::Key(&Path::Index(&list, index), field), "too_many", message);
        }
    };
    most_of(BUDGETS_MAX, "budget", |rule| rule.budget.is_some(), faults);
    most_of(CAPPED_RULES_MAX, "caps", |rule| rule.cap.is_some(), faults);
    let multiplier = rules.iter().position(|rule| matches!(rule.effect, Effect::Multiplier(_)));
    let earning = Earning::of(rules);
    if let (None, Some(index)) = (&earning, multiplier) {
        let message = "the amounts that points are given per have no common multiple small enough to add them up over";
        faults.add(&Path::Key(&Path::Index(&list, index), "multiplier"), "conflict", message);
    }
    earning
}
