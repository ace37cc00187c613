//! What differs between two documents of the program, by path: what they say, and not how they spell it.
//!
//! Lists of things that have an `id` are compared thing by thing, wherever they stand: a rule that is put before
//! another leaves that as it was. Lists of plain values are compared as sets, anything else by position. Within a list, what is
//! named by its `id` has it in its path: `$.tiers.levels["gold"].threshold`.

use super::Program;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What one version says and another does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Difference {
    /// What only the second says.
    pub added: Vec<Stated>,
    /// What only the first says.
    pub removed: Vec<Stated>,
    /// What both say otherwise.
    pub changed: Vec<Changed>,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stated {
    /// Its JSON path, with the `id` of a list's element in the place of its position.
    pub path: String,
    /// The value.
    pub value: Value,
}

/// Two values of the same path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Changed {
    /// The path.
    pub path: String,
    /// What the first says.
    pub before: Value,
    /// What the second says.
    pub after: Value,
}

impl Difference {
    /// What differs from the rules of the first document to those of the second. A section that only spells its rules
    /// otherwise is none; in a section that says something else, every other spelling is told with it.
    ///
    /// Documents that are not readable any more are compared as they are spelt.
    pub fn of_rules(first: &Value, second: &Value) -> Self {
        let (Ok(before), Ok(after)) = (Program::from_json(first), Program::from_json(second)) else {
            return Self::between(first, second);
        };
        if before == after {
            return Self::default();
        }
        let difference = Self::between(&respelt(first, second, &after), second);
        // What only several sections say together is told as it is spelt.
        if difference == Self::default() { Self::between(first, second) } else { difference }
    }

    /// What differs from the first document to the second.
    fn between(first: &Value, second: &Value) -> Self {
        let mut difference = Self::default();
        difference.compare("$", first, second);
        difference
    }

    fn compare(&mut self, path: &str, before: &Value, after: &Value) {
        match (before, after) {
            (Value::Object(before), Value::Object(after)) => self.compare_objects(path, before, after),
            (Value::Array(before), Value::Array(after)) => self.compare_lists(path, before, after),
            _ if before != after => {
                let (before, after) = (before.clone(), after.clone());
                self.changed.push(Changed { path: path.to_owned(), before, after });
            }
            _ => {}
        }
    }

    fn compare_objects(&mut self, path: &str, before: &Map<String, Value>, after: &Map<String, Value>) {
        let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for key in keys {
            self.compare_stated(format!("{path}.{key}"), before.get(key), after.get(key));
        }
    }

    fn compare_stated(&mut self, path: String, before: Option<&Value>, after: Option<&Value>) {
        match (before, after) {
            (Some(before), Some(after)) => self.compare(&path, before, after),
            (Some(before), None) => self.removed.push(Stated { path, value: before.clone() }),
            (None, Some(after)) => self.added.push(Stated { path, value: after.clone() }),
            (None, None) => {}
        }
    }

    fn compare_lists(&mut self, path: &str, before: &[Value], after: &[Value]) {
        if let (Some(held), Some(now)) = (ids(before), ids(after)) {
            return self.compare_named(path, (&held, before), (&now, after));
        }
        if before.iter().chain(after).all(|value| !value.is_object() && !value.is_array()) {
            return self.compare_plain(path, before, after);
        }
        for index in 0..before.len().max(after.len()) {
            self.compare_stated(format!("{path}[{index}]"), before.get(index), after.get(index));
        }
    }

    fn compare_named(&mut self, path: &str, before: (&[&str], &[Value]), after: (&[&str], &[Value])) {
        let find = |(ids, values): (&[&str], &'_ [Value]), id: &str| {
            ids.iter().zip(values).find(|(named, _)| **named == id).map(|(_, value)| value.clone())
        };
        let added = after.0.iter().filter(|id| !before.0.contains(id));
        for id in before.0.iter().chain(added) {
            let element = format!("{path}[{}]", Value::from(*id));
            self.compare_stated(element, find(before, id).as_ref(), find(after, id).as_ref());
        }
        let kept = |ids: &[&str], others: &[&str]| -> Vec<String> {
            ids.iter().filter(|id| others.contains(id)).map(|id| (*id).to_owned()).collect()
        };
        if kept(before.0, after.0) != kept(after.0, before.0) {
            let (before, after) = (Value::from(before.0.to_vec()), Value::from(after.0.to_vec()));
            self.changed.push(Changed { path: format!("{path}[*].id"), before, after });
        }
    }

    fn compare_plain(&mut self, path: &str, before: &[Value], after: &[Value]) {
        let stated = |values: &[Value], others: &[Value]| -> Vec<Stated> {
            let only = values.iter().enumerate().filter(|(_, value)| !others.contains(value));
            only.map(|(index, value)| Stated { path: format!("{path}[{index}]"), value: value.clone() }).collect()
        };
        self.removed.extend(stated(before, after));
        self.added.extend(stated(after, before));
    }
}

/// The first document, with those of its sections as the second spells them that could stand in its place there: its
/// rules would be the same.
fn respelt(first: &Value, second: &Value, rules: &Program) -> Value {
    let (Value::Object(before), Value::Object(after)) = (first, second) else { return first.clone() };
    let mut respelt = before.clone();
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for key in keys.into_iter().filter(|key| before.get(*key) != after.get(*key)) {
        let mut tried = after.clone();
        put(&mut tried, key, before.get(key));
        if Program::from_json(&Value::Object(tried)).as_ref() == Ok(rules) {
            put(&mut respelt, key, after.get(key));
        }
    }
    Value::Object(respelt)
}

fn put(document: &mut Map<String, Value>, key: &str, value: Option<&Value>) {
    match value {
        Some(value) => drop(document.insert(key.to_owned(), value.clone())),
        None => drop(document.remove(key)),
    }
}

/// The ids of a list's elements, if each has one of its own.
fn ids(list: &[Value]) -> Option<Vec<&str>> {
    let ids: Vec<_> = list.iter().map(|element| element.get("id")?.as_str()).collect::<Option<_>>()?;
    let distinct: BTreeSet<_> = ids.iter().collect();
    (distinct.len() == ids.len()).then_some(ids)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use serde_json::json;

    fn paths(first: Value, second: Value) -> [Vec<String>; 3] {
        let Difference { added, removed, changed } = Difference::between(&first, &second);
        let stated = |list: Vec<Stated>| list.into_iter().map(|stated| stated.path).collect();
        [stated(added), stated(removed), changed.into_iter().map(|changed| changed.path).collect()]
    }

    #[test]
    fn what_differs_is_named_where_it_stands() {
        let tier = |id: &str, threshold: &str| json!({"id": id, "threshold": threshold});
        for (first, second, expected) in [
            (json!({"a": 1}), json!({"a": 1}), [&[][..], &[], &[]]),
            (json!({"a": 1}), json!({"a": "1"}), [&[], &[], &["$.a"]]),
            (json!({"a": {"b": 1}}), json!({"a": {"c": 1}}), [&["$.a.c"], &["$.a.b"], &[]]),
            (json!({"a": []}), json!({"a": {}}), [&[], &[], &["$.a"]]),
            (json!({"a": null}), json!({}), [&[], &["$.a"], &[]]),
            // Plain values are a set.
            (json!([1, 2, 3]), json!([3, 1]), [&[], &["$[1]"], &[]]),
            (json!([1]), json!([2, 1]), [&["$[0]"], &[], &[]]),
            // What has an id is found by it.
            (
                json!([tier("silver", "10"), tier("gold", "20")]),
                json!([tier("member", "0"), tier("silver", "10"), tier("gold", "30")]),
                [&["$[\"member\"]"], &[], &["$[\"gold\"].threshold"]],
            ),
            (json!([tier("a", "1"), tier("b", "1")]), json!([tier("b", "1")]), [&[], &["$[\"a\"]"], &[]]),
            (
                json!([tier("a", "1"), tier("b", "1")]),
                json!([tier("b", "1"), tier("a", "1")]),
                [&[], &[], &["$[*].id"]],
            ),
            // What has none, or the same twice, is where it stands.
            (
                json!([{"from": 1, "points": 5}]),
                json!([{"from": 1, "points": 6}, {"from": 2}]),
                [&["$[1]"], &[], &["$[0].points"]],
            ),
            (json!([tier("a", "1"), tier("a", "2")]), json!([tier("a", "1")]), [&[], &["$[1]"], &[]]),
        ] {
            let expected = expected.map(|paths| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>());
            assert_eq!(paths(first.clone(), second.clone()), expected, "{first} → {second}");
            let [added, removed, changed] = paths(second.clone(), first.clone());
            assert_eq!([removed, added, changed], expected, "{second} → {first}");
        }
    }

    #[test]
    fn both_values_are_told() {
        let difference = Difference::between(&json!({"a": 1, "b": 2}), &json!({"a": 3, "c": [4]}));
        let expected = json!({
            "added": [{"path": "$.c", "value": [4]}],
            "removed": [{"path": "$.b", "value": 2}],
            "changed": [{"path": "$.a", "before": 1, "after": 3}],
        });
        assert_eq!(serde_json::to_value(difference).ok(), Some(expected));
    }

    fn program() -> Value {
        json!({
            "name": "p", "currency": "GBP", "time_zone": "UTC", "enrolment": {"unknown_account": "enrol"},
            "earning_rules": [{"id": "base", "name": "Points", "points": 1, "per": "1.00"}],
            "points": {"validity_months": 24},
            "tiers": {"window_months": 12, "levels": [
                {"id": "member", "name": "Member", "threshold": "0", "multiplier": "1"},
            ]},
        })
    }

    fn told(first: &Value, second: &Value) -> Vec<String> {
        let Difference { added, removed, changed } = Difference::of_rules(first, second);
        let stated = added.into_iter().chain(removed).map(|stated| stated.path);
        stated.chain(changed.into_iter().map(|changed| changed.path)).collect()
    }

    #[test]
    fn another_spelling_of_the_same_rules_is_no_difference() {
        let (plain, mut respelt) = (program(), program());
        respelt["$schema"] = json!("https://example.com/program.schema.json");
        respelt["earning_rules"][0]["per"] = json!("1");
        respelt["perks"] = json!(null);
        respelt["eligibility"] = json!({"paid_with": ["money"]});
        respelt["checkout"] = json!({"hold_minutes": 30, "discounts_given_back": "cancelled"});
        respelt["tiers"]["window_months"] = json!(null);
        respelt["tiers"]["window"] = json!({"kind": "rolling", "months": 12});
        assert_eq!(told(&plain, &respelt), Vec::<String>::new());
        assert_eq!(told(&respelt, &plain), Vec::<String>::new());
        // Beside a rule that is another, what is only spelt otherwise is told of its own section alone.
        respelt["tiers"]["levels"][0]["multiplier"] = json!("2");
        let levels = "$.tiers.levels[\"member\"].multiplier";
        assert_eq!(told(&plain, &respelt), ["$.tiers.window", levels, "$.tiers.window_months"]);
        respelt["earning_rules"][0]["points"] = json!(2);
        respelt["tiers"] = plain["tiers"].clone();
        let base = "$.earning_rules[\"base\"]";
        assert_eq!(told(&plain, &respelt), [format!("{base}.per"), format!("{base}.points")]);
    }

    #[test]
    fn what_counts_as_paid_and_how_carts_are_held_is_told_by_its_path() {
        let (mut one, mut other) = (program(), program());
        one["eligibility"] = json!({"paid_with": ["money", "points"]});
        one["checkout"] = json!({"hold_minutes": 20});
        other["eligibility"] = json!({"paid_with": ["discounts", "points", "money"]});
        other["checkout"] = json!({"hold_minutes": 40, "discounts_given_back": "never"});
        let checkout = ["$.checkout.discounts_given_back", "$.eligibility.paid_with[0]", "$.checkout.hold_minutes"];
        assert_eq!(told(&one, &other), checkout);
        // The order in which they are named makes no difference.
        other["eligibility"] = json!({"paid_with": ["points", "money"]});
        other["checkout"] = one["checkout"].clone();
        assert_eq!(told(&one, &other), Vec::<String>::new());
        assert_eq!(told(&program(), &one), ["$.checkout", "$.eligibility"]);
    }

    #[test]
    fn what_is_not_readable_any_more_is_compared_as_it_is_spelt() {
        let (mut old, mut new) = (program(), program());
        new["earning_rules"][0]["per"] = json!("1");
        old["forgotten"] = json!(true);
        assert_eq!(told(&old, &new), ["$.forgotten", "$.earning_rules[\"base\"].per"]);
    }
}
