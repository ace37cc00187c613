//! Earning rules that can never fire, say nothing, or leave others no room.

mod outdone;

use crate::document::{Faults, Path};
use crate::earning::{Earning, EarningRule, Effect, Rounding};
use crate::id::Sku;
use crate::money::{Factor, Minor, Points};
use crate::program::Ladder;
use crate::time::Calendar;
use std::collections::BTreeSet;

/// What a program says that its earning rules are held against.
pub(super) struct Surroundings<'a> {
    /// `None`: they could not be read.
    pub levels: Option<&'a Ladder>,
    pub excluded_skus: &'a BTreeSet<Sku>,
    /// `None`: nobody knows which it is.
    pub calendar: Option<&'a Calendar>,
}

/// A field of a rule, below its place in the list; what is wrong with it; why.
type Finding = (&'static [&'static str], &'static str, String);

/// Notes every rule that makes no sense.
pub(super) fn check(earning: &Earning, around: &Surroundings<'_>, faults: &mut Faults) {
    let multipliers = || around.levels.into_iter().flat_map(Ladder::iter).map(|tier| tier.multiplier);
    let (lowest, highest) = (multipliers().min(), multipliers().max());
    if highest == Some(Factor(0)) && earning.rules().iter().all(|rule| rule.depends_on_tier(earning)) {
        let section = Path::Key(&Path::Root, "tiers");
        let message = "no order earns anything: every tier multiplies its points by 0";
        faults.add(&Path::Key(&section, "levels"), "never_fires", message);
        return;
    }
    let list = Path::Key(&Path::Root, "earning_rules");
    let rules = earning.rules();
    for (index, rule) in rules.iter().enumerate() {
        let (before, after) = (rules.get(..index).unwrap_or_default(), rules.get(index.saturating_add(1)..));
        let mut found = of_terms(rule, highest);
        found.extend(of_limits(rule));
        found.extend(of_conditions(rule, around));
        found.extend(of_history(rule));
        found.extend(of_place(rule, before, lowest));
        found.extend(of_group(rule, before, after.unwrap_or_default()));
        found.extend(outdone::check(rule, before, after.unwrap_or_default(), around.levels));
        let at = Path::Index(&list, index);
        for (fields, code, message) in found {
            match fields {
                [one, two, three] => {
                    faults.add(&Path::Key(&Path::Key(&Path::Key(&at, one), two), three), code, message);
                }
                [one, two] => faults.add(&Path::Key(&Path::Key(&at, one), two), code, message),
                [one] => faults.add(&Path::Key(&at, one), code, message),
                _ => faults.add(&at, code, message),
            }
        }
    }
}

/// What the rule itself says.
fn of_terms(rule: &EarningRule, highest: Option<Factor>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    if highest.is_some_and(|highest| rule.at_most(Minor(i64::MAX), highest) == Ok(Points::ZERO)) {
        let message = "is more than any order comes to, for a single point in any tier";
        found.push((&["per"], "never_fires", message.to_owned()));
    }
    let is_whole = matches!(rule.effect, Effect::Fixed { .. } | Effect::PerUnits { .. }) && !rule.tier_multiplier;
    if is_whole && rule.rounding == Rounding::HalfUp {
        found.push((&["rounding"], "no_effect", "there are no fractions of points to round".to_owned()));
    }
    match (rule.effect, rule.maximum_points) {
        (Effect::Fixed { .. }, Some(_)) if is_whole => {
            let message = "points that are given once per order are their own maximum";
            found.push((&["maximum_points"], "no_effect", message.to_owned()));
        }
        _ => {}
    }
    found
}

/// Limits that can never be reached, because another one is reached before.
fn of_limits(rule: &EarningRule) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let cap = rule.cap.map(|cap| (cap.points, cap.times)).unwrap_or_default();
    let fixed = match rule.effect {
        Effect::Fixed { points } if !rule.tier_multiplier => Some(points),
        _ => None,
    };
    let per_order = rule.maximum_points.or(fixed);
    if let (Some(points), Some(budget)) = (cap.0, rule.budget)
        && points >= budget
    {
        let message = format!("is never reached: the budget for all accounts is {budget}");
        found.push((&["caps", "per_account", "points"], "no_effect", message));
    }
    if let (Some(points), (Some(each), Some(times))) = (cap.0, (per_order, cap.1))
        && i128::from(each.0).checked_mul(times.into()).is_some_and(|most| most <= points.0.into())
    {
        let message = format!("is never reached: {times} orders are given {each} each at most");
        found.push((&["caps", "per_account", "points"], "no_effect", message));
    }
    let least = cap.0.into_iter().chain(rule.budget).min();
    if let (Some(most), Some(least)) = (rule.maximum_points, least)
        && most > least
    {
        let message = format!("is never reached: no account is given more than {least}");
        found.push((&["maximum_points"], "no_effect", message));
    }
    if let (Some(points), Some(least)) = (fixed, least)
        && points > least
    {
        let message = format!("is never given: no account is given more than {least}");
        found.push((&["points"], "never_fires", message));
    }
    if cap.1.is_some() && rule.when.holds_once() {
        let message = "is never reached: the rule holds for one order of an account at most";
        found.push((&["caps", "per_account", "times"], "no_effect", message.to_owned()));
    }
    found
}

/// Conditions that can never hold, or hold of every order; lines that are none.
fn of_conditions(rule: &EarningRule, around: &Surroundings<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for (field, (code, message)) in rule.when.nonsense(around.levels) {
        found.push((field, code, message));
    }
    if let (Some(from), Some(until)) = rule.when.validity()
        && from >= until
    {
        found.push((&["when", "until"], "never_fires", format!("is not after from, which is {from}")));
    }
    if around.calendar.is_some_and(|calendar| rule.when.misses_its_weekdays(calendar)) {
        let message = "names days of the week none of which comes between from and until";
        found.push((&["when", "weekdays"], "never_fires", message.to_owned()));
    }
    let included = rule.lines.skus.include.as_ref();
    if included.is_some_and(|skus| skus.is_subset(around.excluded_skus)) {
        let message = "includes only SKUs that eligibility.excluded_skus excludes";
        found.push((&["lines", "skus"], "never_fires", message.to_owned()));
    }
    found
}

/// Conditions on the account's orders that no order fulfils all of.
fn of_history(rule: &EarningRule) -> Vec<Finding> {
    let message = "an order of that number has too few before it for the rule's other conditions";
    if rule.when.wants_more_orders_than_there_are() {
        return vec![(&["when"], "never_fires", message.to_owned())];
    }
    Vec::new()
}

/// What rules before it leave it.
fn of_place(rule: &EarningRule, before: &[EarningRule], lowest: Option<Factor>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let is_apart = |other: &EarningRule| rule.group.is_none() || other.group != rule.group;
    let is_of_its_lines = |other: &EarningRule| !other.lines.is_apart_from(&rule.lines);
    let is_base = |other: &EarningRule| matches!(other.effect, Effect::PerAmount { .. }) && is_apart(other);
    if matches!(rule.effect, Effect::Multiplier(_)) && !before.iter().any(|one| is_base(one) && is_of_its_lines(one)) {
        let message = "no rule before it gives points per amount, for lines that it counts, that it could multiply";
        found.push((&["multiplier"], "never_fires", message.to_owned()));
    }
    let fires = |other: &EarningRule| lowest.is_some_and(|lowest| other.fires_where(rule, lowest));
    let stops = |other: &EarningRule| other.stop && other.group.is_none() && fires(other);
    if let Some(stop) = before.iter().find(|other| stops(other)) {
        found.push((
            &[],
            "never_fires",
            format!("{}, before it, fires wherever it would and stops what comes after", stop.id),
        ));
    }
    found
}

/// What rules of its group leave it.
fn of_group(rule: &EarningRule, before: &[EarningRule], after: &[EarningRule]) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let Some(group) = &rule.group else { return found };
    let is_in = |other: &&EarningRule| other.group.as_ref() == Some(group);
    if !before.iter().chain(after).any(|other| is_in(&other)) {
        found.push((&["group"], "no_effect", "it is the only rule of its group".to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use crate::id::ProgramName;
    use crate::program::Program;
    use serde_json::{Value, json};

    /// What is said of these rules, after a plain one of points per amount.
    pub(super) fn told(rules: &[Value], multipliers: [&str; 2]) -> Vec<String> {
        let mut listed = vec![json!({"points": 1, "per": "1"})];
        listed.extend_from_slice(rules);
        for (rule, place) in listed.iter_mut().zip(0..) {
            (rule["id"], rule["name"]) = (json!(format!("r-{place}")), json!("Rule"));
        }
        let document = json!({
            "name": "p", "currency": "GBP", "time_zone": "Europe/London", "enrolment": {"unknown_account": "enrol"},
            "eligibility": {"excluded_skus": ["POST", "FEE"]}, "earning_rules": listed,
            "points": {"validity_months": 24},
            "tiers": {"window_months": 12, "levels": [
                {"id": "member", "name": "Member", "threshold": "0", "multiplier": multipliers[0]},
                {"id": "silver", "name": "Silver", "threshold": "10", "multiplier": multipliers[1]},
            ]},
        });
        let faults = Program::from_new(&document, &ProgramName::parse("p").unwrap()).err();
        // What makes no sense is no fault of what is stored.
        let is_senseless = faults.as_ref().is_none_or(|faults| {
            faults
                .listed()
                .iter()
                .all(|fault| ["never_fires", "no_effect", "unknown_tier", "same_terms"].contains(&fault.code))
        });
        assert_eq!(Program::from_json(&document).is_ok(), is_senseless);
        let listed = faults.iter().flat_map(|faults| faults.listed());
        let path = |path: &str| path.trim_start_matches("$.earning_rules").to_owned();
        listed.map(|fault| format!("{} {}", path(&fault.path), fault.code)).collect()
    }

    fn when(conditions: Value) -> Value {
        json!({"points": 1, "when": conditions})
    }

    #[test]
    fn what_a_rule_says_of_itself_makes_sense() {
        for (rule, expected) in [
            (json!({"points": 5}), None),
            (json!({"points": 5, "rounding": "half_up"}), Some("[1].rounding no_effect")),
            (json!({"points": 5, "rounding": "half_up", "tier_multiplier": true}), None),
            (json!({"points": 5, "per_units": 2, "rounding": "half_up"}), Some("[1].rounding no_effect")),
            (json!({"points": 5, "maximum_points": 4}), Some("[1].maximum_points no_effect")),
            (json!({"points": 5, "maximum_points": 6}), Some("[1].maximum_points no_effect")),
            (json!({"points": 5, "maximum_points": 6, "tier_multiplier": true}), None),
            (json!({"points": 5, "per_units": 2, "maximum_points": 50}), None),
            (json!({"points": 5, "rounded_per": "line"}), Some("[1].rounded_per conflict")),
            (json!({"multiplier": "2"}), None),
            (json!({"multiplier": "2", "tier_multiplier": false}), None),
            (json!({"multiplier": "2", "tier_multiplier": true}), Some("[1].tier_multiplier conflict")),
            (json!({"multiplier": "2", "points": 1}), Some("[1].points conflict")),
            (json!({"points": 1, "per": "1", "per_units": 1}), Some("[1].per_units conflict")),
            (json!({"points": 1, "lines": {"skus": {"include": ["POST"]}}}), Some("[1].lines.skus never_fires")),
            (json!({"points": 1, "lines": {"skus": {"include": ["POST", "TEA"]}}}), None),
            (json!({"points": 1, "lines": {"skus": {"exclude": ["POST"]}}}), None),
            (json!({"points": 1, "lines": {"skus": {}}}), Some("[1].lines.skus missing")),
            (json!({"points": 1, "lines": {"tags": {"include": []}}}), Some("[1].lines.tags.include wrong_length")),
            (
                json!({"points": 1, "lines": {"brands": {"include": ["a"], "exclude": ["b", "a"]}}}),
                Some("[1].lines.brands.exclude[1] conflict"),
            ),
        ] {
            let expected: Vec<_> = expected.into_iter().collect();
            assert_eq!(told(std::slice::from_ref(&rule), ["1", "2"]), expected, "{rule}");
        }
    }

    #[test]
    fn limits_can_be_reached() {
        let caps = |cap: Value| json!({"points": 5, "caps": {"per_account": cap}});
        let month = |points: u64| json!({"points": points, "period": "month"});
        let with = |mut rule: Value, field: &str, value: Value| {
            rule[field] = value;
            rule
        };
        for (rule, expected) in [
            (json!({"points": 5, "budget": 1_000}), &[][..]),
            (json!({"points": 5, "budget": 5}), &[]),
            (json!({"points": 5, "budget": 0}), &["[1].budget out_of_range"]),
            (json!({"points": 5, "budget": "1"}), &["[1].budget wrong_type"]),
            (json!({"points": 5, "budget": 4}), &["[1].points never_fires"]),
            (json!({"points": 5, "per_units": 1, "budget": 4}), &[]),
            (json!({"points": 5, "per_units": 1, "budget": 9, "maximum_points": 9}), &[]),
            (
                json!({"points": 5, "per_units": 1, "budget": 9, "maximum_points": 10}),
                &["[1].maximum_points no_effect"],
            ),
            (caps(month(500)), &[]),
            (caps(month(4)), &["[1].points never_fires"]),
            (caps(json!({"times": 3, "period": "ever"})), &[]),
            (caps(json!({"times": 3, "points": 14, "period": "year"})), &[]),
            (caps(json!({"times": 3, "points": 15, "period": "quarter"})), &["[1].caps.per_account.points no_effect"]),
            (caps(json!({"period": "month"})), &["[1].caps.per_account missing"]),
            (caps(json!({"points": 5})), &["[1].caps.per_account.period missing"]),
            (caps(json!({"points": 5, "period": "week"})), &["[1].caps.per_account.period unknown_value"]),
            (json!({"points": 5, "caps": {}}), &["[1].caps.per_account missing"]),
            (with(caps(month(500)), "budget", json!(501)), &[]),
            (with(caps(month(500)), "budget", json!(500)), &["[1].caps.per_account.points no_effect"]),
            (
                with(caps(json!({"times": 2, "period": "ever"})), "when", json!({"first_order": true})),
                &["[1].caps.per_account.times no_effect"],
            ),
            (with(caps(json!({"times": 2, "period": "ever"})), "when", json!({"first_order": false})), &[]),
        ] {
            assert_eq!(told(std::slice::from_ref(&rule), ["1", "2"]), expected, "{rule}");
        }
        let budgets = vec![json!({"points": 5, "per_units": 3, "budget": 9}); 7];
        assert_eq!(told(&budgets, ["1", "2"]), ["[7].budget too_many"]);
        let capped = vec![caps(month(500)); 6];
        assert_eq!(told(&capped, ["1", "2"]), ["[6].caps too_many"]);
        // A rule that may be cut short neither stops others for good nor outdoes them.
        let stops = json!({"points": 5, "stop": true, "budget": 1_000});
        assert!(told(&[stops, json!({"points": 1})], ["1", "2"]).is_empty());
        let best = json!({"points": 5, "group": "g", "budget": 1_000});
        assert!(told(&[best, json!({"points": 1, "group": "g"})], ["1", "2"]).is_empty());
    }

    #[test]
    fn conditions_can_hold_and_can_fail() {
        for (conditions, expected) in [
            (json!({}), None),
            (json!({"minimum_units": 1}), Some("minimum_units no_effect")),
            (json!({"minimum_units": 2}), None),
            (json!({"from": "2030-06-01", "until": "2030-06-01"}), None), // that day
            (json!({"from": "2030-06-02", "until": "2030-06-01"}), Some("until never_fires")),
            (json!({"from": "2030-06-01T00:00:00Z", "until": "2030-06-01T01:00:00+01:00"}), Some("until never_fires")),
            (json!({"hours": {"from": "00:00", "until": "24:00"}}), Some("hours no_effect")),
            (json!({"hours": {"from": "00:01", "until": "24:00"}}), None),
            (json!({"hours": {"from": "10:00", "until": "10:00"}}), Some("hours conflict")),
            (
                json!({"weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]}),
                Some("weekdays no_effect"),
            ),
            (json!({"weekdays": ["monday"]}), None),
            // A Wednesday and a Thursday by the clocks of the program, an hour ahead of UTC.
            (json!({"from": "2030-05-01", "until": "2030-05-02", "weekdays": ["thursday"]}), None),
            (
                json!({"from": "2030-05-01", "until": "2030-05-02", "weekdays": ["friday"]}),
                Some("weekdays never_fires"),
            ),
            (json!({"from": "2030-05-01", "until": "2030-05-07", "weekdays": ["tuesday"]}), None),
            (
                json!({"from": "2030-05-01", "until": "2030-05-06", "weekdays": ["tuesday"]}),
                Some("weekdays never_fires"),
            ),
            (json!({"from": "2030-05-01", "until": "2040-05-01", "weekdays": ["tuesday"]}), None),
            (json!({"from": "2030-04-30T22:59:59Z", "until": "2030-05-01T00:00:00Z", "weekdays": ["tuesday"]}), None),
            (
                json!({"from": "2030-04-30T23:00:00Z", "until": "2030-05-01T00:00:00Z", "weekdays": ["tuesday"]}),
                Some("weekdays never_fires"),
            ),
            (json!({"weekdays": []}), Some("weekdays wrong_length")),
            (json!({"contact_roles": ["buyer", "approver"]}), None),
            (json!({"contact_roles": ["boss"]}), Some("contact_roles[0] unknown_value")),
            (json!({"tiers": {"include": ["gold"]}}), Some("tiers unknown_tier")),
            (json!({"tiers": {"exclude": ["gold"]}}), Some("tiers unknown_tier")),
            (json!({"tiers": {"include": ["member", "silver"]}}), Some("tiers no_effect")),
            (json!({"tiers": {"exclude": ["member", "silver"]}}), Some("tiers never_fires")),
            (json!({"tiers": {"exclude": ["member"]}}), None),
            (json!({"first_order": true, "order_number": 1}), None),
            (json!({"first_order": true, "order_number": 2}), Some(" never_fires")),
            (json!({"first_order": true, "order_number": {"every": 2}}), Some(" never_fires")),
            (json!({"first_order": false, "order_number": 1}), Some(" never_fires")),
            (json!({"first_order": true, "spend_at_least": {"amount": "1", "months": 1}}), Some(" never_fires")),
            (json!({"order_number": 3, "orders_at_least": {"orders": 2, "months": 1}}), None),
            (json!({"order_number": 3, "orders_at_least": {"orders": 3, "months": 1}}), Some(" never_fires")),
            (json!({"orders_at_least": {"orders": 3, "months": 25}}), Some("orders_at_least.months out_of_range")),
        ] {
            let path = |field: &str| format!("[1].when{}{field}", if field.starts_with(' ') { "" } else { "." });
            let expected: Vec<_> = expected.into_iter().map(path).collect();
            assert_eq!(told(&[when(conditions.clone())], ["1", "2"]), expected, "{conditions}");
        }
    }

    #[test]
    fn rules_leave_each_other_room() {
        let far = json!({"minimum_total": "10"});
        let (vip, tea) = (json!({"segments": {"include": ["vip"]}}), json!({"skus": {"include": ["TEA"]}}));
        let grouped = |points: u64, more: Value| {
            let mut rule = json!({"points": points, "group": "g"});
            rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            rule
        };
        let none = || json!({});
        for (rules, expected) in [
            (vec![json!({"points": 5, "stop": true}), json!({"points": 1})], &["[2] never_fires"][..]),
            (vec![json!({"points": 5, "stop": true, "when": vip}), json!({"points": 1})], &[]),
            (
                vec![json!({"points": 5, "stop": true, "when": vip}), json!({"points": 1, "when": vip})],
                &["[2] never_fires"],
            ),
            (
                vec![json!({"points": 5, "stop": true, "lines": tea}), json!({"points": 1, "lines": tea, "when": far})],
                &["[2] never_fires"],
            ),
            (vec![json!({"points": 5, "stop": true, "lines": tea}), json!({"points": 1, "when": far})], &[]),
            // A small order passes it.
            (vec![json!({"points": 1, "per": "1", "stop": true}), json!({"points": 1})], &[]),
            (vec![json!({"points": 1, "per": "0.01", "stop": true}), json!({"points": 1})], &["[2] never_fires"]),
            (vec![json!({"points": 1, "per_units": 2, "stop": true}), json!({"points": 1})], &[]),
            (vec![json!({"points": 1, "per_units": 1, "stop": true}), json!({"points": 1})], &["[2] never_fires"]),
            // Groups.
            (vec![grouped(1, none())], &["[1].group no_effect"]),
            (vec![grouped(1, none()), grouped(2, none())], &["[1] never_fires"]),
            (vec![grouped(2, none()), grouped(2, none())], &["[2] never_fires"]),
            (vec![grouped(2, none()), grouped(1, json!({"when": vip}))], &["[2] never_fires"]),
            (vec![grouped(2, json!({"when": vip})), grouped(1, none())], &[]),
            (vec![grouped(2, json!({"per": "3"})), grouped(1, json!({"per": "2"}))], &["[2] never_fires"]),
            (vec![grouped(2, json!({"per": "4"})), grouped(1, json!({"per": "2"}))], &["[2] never_fires"]),
            (vec![grouped(1, json!({"per": "2"})), grouped(2, json!({"per": "3"}))], &[]),
            (vec![grouped(2, json!({"per": "3", "maximum_points": 9})), grouped(1, json!({"per": "2"}))], &[]),
            (
                vec![grouped(2, none()), json!({"points": 1}), grouped(3, json!({"when": vip}))],
                &["[3].group out_of_order"],
            ),
        ] {
            // Every order would find the plain rule first, which stops none.
            assert_eq!(told(&rules, ["1", "2"]), expected, "{rules:?}");
        }
    }

    #[test]
    fn a_multiplier_has_something_to_multiply() {
        let multiplier = json!({"multiplier": "2"});
        let grouped = |rule: Value| {
            let mut rule = rule;
            rule["group"] = json!("g");
            rule
        };
        assert!(told(std::slice::from_ref(&multiplier), ["1", "2"]).is_empty());
        let twice = [grouped(json!({"points": 2, "per": "1"})), grouped(multiplier.clone())];
        assert!(told(&twice, ["1", "2"]).is_empty());
        // Rules whose amounts have no common multiple that sums can be taken over.
        let per = |per: &str| json!({"points": 1, "per": per});
        let primes = [per("99.91"), per("99.73"), multiplier.clone()];
        assert!(told(&primes, ["1", "2"]).is_empty());
        let primes = [per("99.91"), per("99.73"), per("0.89"), multiplier];
        assert_eq!(told(&primes, ["1", "2"]), ["[4].multiplier conflict"]);
    }

    #[test]
    fn tiers_that_earn_nothing_are_told_where_nothing_else_gives_points() {
        let levels = "$.tiers.levels never_fires";
        for (rules, expected) in [
            (vec![], vec![levels]),
            (vec![json!({"multiplier": "2"})], vec![levels]),
            (vec![json!({"points": 1})], vec!["[0].per never_fires"]),
        ] {
            assert_eq!(told(&rules, ["0", "0"]), expected, "{rules:?}");
        }
    }
}
