#![allow(clippy::unwrap_used)]
use super::*;
use crate::id::ProgramName;
use crate::program::{Program, sample};
use serde_json::json;

fn faults(membership: &Value, change: impl Fn(&mut Value)) -> Vec<String> {
    let mut document = sample::with("membership", membership);
    change(&mut document);
    let told = Program::from_new(&document, &ProgramName::parse("p").unwrap()).err();
    let listed = told.iter().flat_map(|faults| faults.listed());
    listed.map(|fault| format!("{} {}", fault.path, fault.code)).collect()
}

#[test]
fn a_membership_is_read_as_it_is_stated() {
    let read = |membership: &Value| Program::from_json(&sample::with("membership", membership)).unwrap().membership;
    for (membership, expected) in [
        (json!(null), MembershipRules::Open),
        (json!({"kind": "open"}), MembershipRules::Open),
        (json!({"kind": "approval"}), MembershipRules::Approval),
        (json!({"kind": "invitation"}), MembershipRules::Invitation),
        (json!({"kind": "paid", "months": 12}), MembershipRules::Paid(Fee { months: 12, grace_days: 0 })),
        (
            json!({"kind": "paid", "months": 60, "grace_days": 180}),
            MembershipRules::Paid(Fee { months: 60, grace_days: 180 }),
        ),
    ] {
        assert_eq!(read(&membership), expected, "{membership}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_its_path() {
    let rows = [
        (json!([]), &["$.membership wrong_type"][..]),
        (json!({}), &["$.membership.kind missing"]),
        (json!({"kind": "secret"}), &["$.membership.kind unknown_value"]),
        (json!({"kind": "open", "fee": "9"}), &["$.membership.fee unknown_field"]),
        (json!({"kind": "paid"}), &["$.membership.months missing"]),
        (
            json!({"kind": "paid", "months": 0, "grace_days": 181}),
            &["$.membership.months out_of_range", "$.membership.grace_days out_of_range"],
        ),
        (
            json!({"kind": "approval", "months": 12, "grace_days": 3}),
            &["$.membership.months conflict", "$.membership.grace_days conflict"],
        ),
        (json!({"kind": "invitation"}), &["$.enrolment.unknown_account conflict"]),
    ];
    for (membership, expected) in rows {
        assert_eq!(faults(&membership, |_| {}), expected, "{membership}");
    }
    let rejects = |program: &mut Value| program["enrolment"] = json!({"unknown_account": "reject"});
    assert!(faults(&json!({"kind": "invitation"}), rejects).is_empty());
    let warns = |program: &mut Value| program["warnings"] = json!({"membership_ending_days": [30]});
    assert!(faults(&json!({"kind": "paid", "months": 1}), warns).is_empty());
    let welcomes = |program: &mut Value| {
        program["occasions"] = json!([{"id": "hello", "name": "Hello", "on": "welcome", "give": {"points": 5}}]);
    };
    assert_eq!(faults(&json!({"kind": "paid", "months": 1}), welcomes), ["$.occasions[0].on never_fires"]);
    assert!(faults(&json!({"kind": "approval"}), welcomes).is_empty());
    for kind in ["open", "approval"] {
        let expected = ["$.warnings.membership_ending_days never_fires"];
        assert_eq!(faults(&json!({"kind": kind}), warns), expected, "{kind}");
    }
}
