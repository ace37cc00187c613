#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use crate::id::AccountId;
use crate::membership::{Admission, PaidPeriod};
use crate::program::sample;
use crate::time::Day;
use serde_json::{Value, json};

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

/// A perk for everybody who orders within thirty days, and one for gold accounts.
fn program(membership: &Value) -> Program {
    let perks = json!([
        {"id": "early", "name": "Early", "kind": "early_access", "activity_days": 30},
        {"id": "training", "name": "Training", "kind": "training", "tiers": ["gold"]},
    ]);
    let mut document = sample::with("perks", &perks);
    document["membership"] = membership.clone();
    Program::from_json(&document).unwrap()
}

/// An account that joined on the first of January, by London's clocks.
fn account(program: &Program) -> Account {
    Account::enrol(AccountId::parse("acme").unwrap(), program, at("2030-01-01T09:00:00Z")).0
}

/// The perks that it has, and those that it has lost and why.
fn perks(account: &Account, program: &Program, now: &str) -> (Vec<String>, Value) {
    let held = program.perks.iter().filter(|perk| perk.check(account, program, at(now)).is_ok());
    let lost = serde_json::to_value(lost(account, program, at(now))).unwrap();
    (held.map(|perk| perk.id.to_string()).collect(), lost)
}

#[test]
fn a_perk_is_there_from_the_first_day_lost_without_orders_and_back_with_the_next() {
    let program = program(&json!(null));
    let mut account = account(&program);
    let lost = |since: &str| json!([{"id": "early", "name": "Early", "reason": "no_order", "since": since}]);
    // Thirty days after the day of joining.
    assert_eq!(perks(&account, &program, "2030-01-01T09:00:00Z").0, ["early"]);
    assert_eq!(perks(&account, &program, "2030-01-31T23:59:59Z"), (vec!["early".to_owned()], json!([])));
    assert_eq!(perks(&account, &program, "2030-02-01T00:00:00Z"), (vec![], lost("2030-02-01T00:00:00Z")));
    // And of the latest order; in London the thirty-first day begins an hour earlier by then.
    account.last_purchase = Day::parse("2030-03-05");
    assert_eq!(perks(&account, &program, "2030-03-05T00:00:00Z").0, ["early"]);
    assert_eq!(perks(&account, &program, "2030-04-04T22:59:59Z").0, ["early"]);
    assert_eq!(perks(&account, &program, "2030-04-04T23:00:00Z"), (vec![], lost("2030-04-04T23:00:00Z")));
    // An order of before it joined makes nothing worse.
    account.last_purchase = Day::parse("2029-01-01");
    assert_eq!(perks(&account, &program, "2030-01-31T23:59:59Z").0, ["early"]);
}

#[test]
fn who_is_no_member_or_excluded_has_none_and_is_told_why() {
    let (now, since) = ("2030-01-15T00:00:00Z", at("2030-01-10T00:00:00Z"));
    let (approval, paid) = (json!({"kind": "approval"}), json!({"kind": "paid", "months": 1}));
    let period = PaidPeriod { since, until: since, lapses_at: since, lapsed_at: None, told_days: None };
    type Change = fn(&mut Account, PaidPeriod);
    let rows: [(&Value, Change, Value); 6] = [
        (&approval, |_, _| {}, json!([])),
        (
            &approval,
            |a, p| a.membership.admission = Admission::Applied { since: p.since },
            json!([{"id": "early", "name": "Early", "reason": "not_a_member", "since": "2030-01-10T00:00:00Z"}]),
        ),
        (
            &approval,
            |a, p| a.membership.admission = Admission::Rejected { since: p.since },
            json!([{"id": "early", "name": "Early", "reason": "not_a_member", "since": "2030-01-10T00:00:00Z"}]),
        ),
        (&paid, |_, _| {}, json!([{"id": "early", "name": "Early", "reason": "not_a_member"}])),
        (
            &paid,
            |a, p| a.membership.paid = Some(p),
            json!([{"id": "early", "name": "Early", "reason": "membership_lapsed", "since": "2030-01-10T00:00:00Z"}]),
        ),
        (
            &approval,
            |a, _| a.membership.excluded_from = vec![Exclusion::Perks],
            json!([{"id": "early", "name": "Early", "reason": "excluded"}]),
        ),
    ];
    for (membership, change, expected) in rows {
        let program = program(membership);
        let mut account = account(&program);
        change(&mut account, period);
        let held = if expected == json!([]) { vec!["early".to_owned()] } else { vec![] };
        // What is for another tier is not lost.
        assert_eq!(perks(&account, &program, now), (held, expected), "{membership} {:?}", account.membership);
        // Who does not take part has lost nothing either: it is told that it is suspended.
        account.status = Status::Suspended;
        assert_eq!(perks(&account, &program, now), (vec![], json!([])));
    }
}
