//! Which discounts do not go together, a line for each group.

use super::line;
use domain::id::RuleId;
use domain::program::Program;
use std::collections::BTreeMap;

pub(super) fn groups(text: &mut String, program: &Program) {
    let mut groups: BTreeMap<&RuleId, Vec<&str>> = BTreeMap::new();
    for rule in program.issuing_rules() {
        if let Some(group) = rule.group {
            groups.entry(group).or_default().push(rule.id.as_str());
        }
    }
    if let Some(group) = &program.tiers.discount_group {
        groups.entry(group).or_default().push("what the tier takes off");
    }
    for (group, members) in groups {
        let members = members.join(", ");
        line(text, format_args!("  {group}: of these at most one discount is applied to a cart: {members}"));
    }
}
