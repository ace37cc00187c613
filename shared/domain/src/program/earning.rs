//! The program document's earning rules.

use super::read::{self, label, multiplier};
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::earning::{
    AccountCap, CapPeriod, Earning, EarningRule, Effect, LineFilter, Reading, RoundedPer, Rounding, When,
};
use crate::id::RuleId;
use crate::money::{self, Factor, Minor, Points};
use crate::schema::{self, Schema};
use serde_json::{Value, json};
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

const ROUNDINGS: [(&str, Rounding); 2] = [("floor", Rounding::Floor), ("half_up", Rounding::HalfUp)];
const PARTS: [(&str, RoundedPer); 2] = [("order", RoundedPer::Order), ("line", RoundedPer::Line)];

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
    let rounding = rule.optional("rounding", faults, document::one_of(&ROUNDINGS));
    let rounded_per = rule.optional("rounded_per", faults, document::one_of(&PARTS));
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

fn caps_schema() -> Schema {
    let cap = schema::object("Cap")
        .optional("points", schema::whole(1..=MAXIMUM_POINTS_MAX), "So many points in each period.")
        .optional("times", schema::whole(1..=TIMES_MAX), "For so many orders in each period.")
        .required("period", schema::one_of(&CapPeriod::ALL), "By the calendar, or once for all.")
        .some_of_fields(&["points", "times"]);
    schema::object("Caps").required("per_account", cap, "What it is held to for each account.")
}

/// What the section may say.
pub(super) fn schema() -> Schema {
    let rule = schema::object("Earning rule")
        .required("id", schema::id(RuleId::parse), "Once in the list, and the same over versions.")
        .required("name", schema::label(read::NAME_CHARS_MAX), "For customers.")
        .optional(
            "points",
            schema::whole(1..=POINTS_MAX),
            "Points for each per, for every full per_units, or else once per order.",
        )
        .optional("per", schema::money(1), "The amount of the lines that count that earns points, fractions included.")
        .optional("per_units", schema::whole(1..=PER_UNITS_MAX), "So many units of the lines that count earn points.")
        .optional(
            "multiplier",
            schema::above_one(read::multiplier_schema()),
            "So many times what the points-per-amount rules before it give for the lines that count.",
        )
        .optional("lines", LineFilter::schema(), "Which eligible lines count; left out, all do.")
        .optional("when", When::schema(), "Conditions, all of which must hold.")
        .optional(
            "group",
            schema::id(RuleId::parse),
            "Of the rules of a group only the one that gives most fires. They stand one after the other.",
        )
        .optional("stop", schema::truth().or(false), "Whether no later rule fires where this one does.")
        .optional("maximum_points", schema::whole(1..=MAXIMUM_POINTS_MAX), "The most that it gives for one order.")
        .optional("budget", schema::whole(1..=MAXIMUM_POINTS_MAX), "The most that it gives over all accounts, ever.")
        .optional("caps", caps_schema(), "The most that it gives one account.")
        .optional("rounding", schema::one_of(&ROUNDINGS).or("floor"), "Of fractions of a point.")
        .optional(
            "rounded_per",
            schema::one_of(&PARTS).or("order"),
            "What is rounded: all that counts at once, or each line.",
        )
        .optional(
            "tier_multiplier",
            schema::truth(),
            "Whether the tier's multiplier applies. Left out: to points per amount only.",
        )
        .one_of_fields(&["points", "multiplier"])
        .not_both("multiplier", "per")
        .not_both("multiplier", "per_units")
        .not_both("per", "per_units");
    schema::list(1..=read::EARNING_RULES_MAX, rule).examples([examples()])
}

fn examples() -> Value {
    json!([
        { "id": "base", "name": "Points", "points": 1, "per": "1.00", "tier_multiplier": true },
        { "id": "cases", "name": "5 points a case", "points": 5, "per_units": 12, "rounded_per": "line",
          "lines": { "categories": { "include": ["tea"], "exclude": ["tea bags"] },
                     "tags": { "include": ["new"], "exclude": ["sale"] }, "minimum_quantity": 12 } },
        { "id": "leaf", "name": "Double points on Leaf", "multiplier": "2", "rounding": "half_up",
          "maximum_points": 500, "budget": 100_000,
          "caps": { "per_account": { "points": 1000, "times": 3, "period": "quarter" } }, "lines": { "brands": { "include": ["Leaf"] }, "skus": { "exclude": ["LEAF-SAMPLE"] } } },
        { "id": "teapots", "name": "10 points a teapot", "points": 10, "per_units": 1,
          "lines": { "brands": { "exclude": ["Leaf"] }, "skus": { "include": ["TEAPOT-BLUE", "TEAPOT-RED"] } } },
        { "id": "hello", "name": "Welcome", "points": 100, "group": "bonus", "stop": true,
          "when": { "first_order": true, "minimum_total": "50.00", "contact_roles": ["buyer"],
                    "sources": { "include": ["web", "app"], "exclude": ["erp"] } } },
        { "id": "resale", "name": "Resellers in May", "points": 50, "group": "bonus",
          "when": { "segments": { "include": ["reseller"], "exclude": ["hotels"] },
                    "tiers": { "include": ["gold"], "exclude": ["member"] }, "minimum_units": 100,
                    "from": "2030-05-01", "until": "2030-05-31", "weekdays": ["saturday", "sunday"],
                    "hours": { "from": "22:00", "until": "06:00" }, "order_number": { "every": 10 } } },
        { "id": "loyal", "name": "Come again", "points": 25,
          "when": { "order_number": 5, "orders_at_least": { "orders": 3, "months": 3 },
                    "spend_at_least": { "amount": "1000.00", "months": 12 } } },
    ])
}
