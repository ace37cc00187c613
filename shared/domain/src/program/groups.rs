//! Groups of discounts that do not go together: the field `group` of whatever issues them.
//!
//! A group is there because something names it, as with earning rules; it has no document of its own.

use super::sense::Sections;
use crate::document::{self, Faults, Object, Path};
use crate::id::RuleId;
use crate::rewards::RewardKind;
use crate::schema::{self, Schema};

/// The group that a section names, if any; `None`: it cannot be read.
pub(super) fn group(section: &Object<'_>, key: &'static str, faults: &mut Faults) -> Option<Option<RuleId>> {
    match section.has(key) {
        true => section.optional(key, faults, document::id(RuleId::parse)).map(Some),
        false => Some(None),
    }
}

/// What [`group`] reads, added to what the section says besides.
pub(super) fn with_group(section: Schema) -> Schema {
    let about = "Of the discounts of a group one at most is applied to a cart: the best for the customer.";
    section.optional("group", schema::id(RuleId::parse), about)
}

/// Notes groups that keep nothing apart. A gift or a reward may be there several times at once, so that its group says
/// something where no other rule is of it.
pub(super) fn check(sections: &Sections<'_>, faults: &mut Faults) {
    let Some(of_tiers) = sections.tiers.map(|tiers| tiers.discount_group.as_ref()) else { return };
    let none_has_any = sections.levels.is_some_and(|levels| levels.iter().all(|tier| tier.discount.is_none()));
    let tiers = Path::Key(&Path::Root, "tiers");
    if of_tiers.is_some() && none_has_any {
        let message = "no tier has a standing discount";
        return faults.add(&Path::Key(&tiers, "discount_group"), "no_effect", message);
    }
    let (Some(rules), Some(gifts), Some(rewards)) = (sections.discounts, sections.gifts(), sections.rewards) else {
        return;
    };
    let gifts = gifts.filter_map(|gift| gift.discount.as_ref()?.group.as_ref());
    let bought = rewards.iter().filter_map(|reward| match &reward.kind {
        RewardKind::Discount { group, .. } => group.as_ref(),
        _ => None,
    });
    let repeated: Vec<_> = gifts.chain(bought).collect();
    let of_rules = || rules.iter().map(|rule| rule.group.as_ref());
    let is_alone = |group: &RuleId| {
        let named = of_rules().chain([of_tiers]).filter(|other| *other == Some(group)).count();
        named < 2 && !repeated.contains(&group)
    };
    let message = "keeps nothing apart: no other discount is of this group";
    let list = Path::Key(&Path::Root, "discounts");
    let alone = of_rules().enumerate().filter(|(_, group)| group.is_some_and(is_alone));
    for (index, _) in alone {
        faults.add(&Path::Key(&Path::Index(&list, index), "group"), "no_effect", message);
    }
    if of_tiers.is_some_and(is_alone) {
        faults.add(&Path::Key(&tiers, "discount_group"), "no_effect", message);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use crate::id::ProgramName;
    use crate::program::{Program, sample};
    use serde_json::{Value, json};

    fn document(change: impl Fn(&mut Value)) -> Value {
        let rule = |id: &str, percent: &str| {
            json!({"id": id, "name": id, "kind": "next_purchase", "minimum_total": "500", "percent": percent,
                   "validity_days": 30})
        };
        let mut document = sample::with("discounts", &json!([rule("five", "5"), rule("ten", "10")]));
        document["tiers"]["levels"][1]["discount"] = json!("2");
        document["occasions"] = json!([{ "id": "hello", "name": "Hello", "on": "welcome", "give": {
            "discount": { "id": "thanks", "name": "Thanks", "percent": "15", "validity_days": 30 } } }]);
        document["rewards"] = json!([{ "id": "off", "name": "Off", "points": 50,
                                       "discount": { "percent": "5", "validity_days": 30 } }]);
        change(&mut document);
        document
    }

    fn faults(document: &Value) -> Vec<String> {
        let faults = Program::from_new(document, &ProgramName::parse("p").unwrap()).err().unwrap_or_default();
        faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect()
    }

    #[test]
    fn whatever_issues_discounts_may_name_a_group() {
        let grouped = document(|program| {
            program["discounts"][0]["group"] = json!("season");
            program["occasions"][0]["give"]["discount"]["group"] = json!("season");
            program["rewards"][0]["discount"]["group"] = json!("bought");
            program["tiers"]["discount_group"] = json!("season");
        });
        assert_eq!(faults(&grouped), Vec::<String>::new());
        let program = Program::from_json(&grouped).unwrap();
        let groups: Vec<_> =
            program.issuing_rules().map(|rule| rule.group.map_or("-", |group| group.as_str())).collect();
        assert_eq!(groups, ["season", "-", "season", "bought"]);
        assert_eq!(program.tiers.discount_group.unwrap().as_str(), "season");
    }

    #[test]
    fn a_group_that_keeps_nothing_apart_is_refused() {
        type Change = fn(&mut Value);
        let rows: [(Change, &[&str]); 7] = [
            (|program| program["discounts"][1]["group"] = json!("a"), &["$.discounts[1].group no_effect"]),
            (|program| program["tiers"]["discount_group"] = json!("a"), &["$.tiers.discount_group no_effect"]),
            // Several of a gift or of a reward may be open at once.
            (|program| program["occasions"][0]["give"]["discount"]["group"] = json!("a"), &[]),
            (|program| program["rewards"][0]["discount"]["group"] = json!("a"), &[]),
            (
                |program| {
                    program["discounts"][1]["group"] = json!("a");
                    program["tiers"]["discount_group"] = json!("a");
                },
                &[],
            ),
            (
                |program| {
                    program["discounts"][1]["group"] = json!("a");
                    program["tiers"]["discount_group"] = json!("a");
                    program["tiers"]["levels"][1]["discount"] = Value::Null;
                },
                &["$.tiers.discount_group no_effect"],
            ),
            (|program| program["discounts"][1]["group"] = json!("a b"), &["$.discounts[1].group invalid_id"]),
        ];
        for (change, expected) in rows {
            assert_eq!(faults(&document(change)), expected, "{}", document(change));
        }
    }
}
