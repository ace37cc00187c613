#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
use super::super::club::{ALWAYS, Club, at};
use super::*;
use crate::account::Status;
use crate::ledger::MembershipChange;
use crate::membership::MemberState;
use crate::money::Points;
use proptest::prelude::*;
use serde_json::json;

fn club() -> Club {
    let mut club = Club::with(json!({"kind": "paid", "months": 1, "grace_days": 10}));
    club.order("2030-01-01T00:00:00Z", "1.00").unwrap();
    club
}

#[test]
fn a_payment_in_time_goes_on_where_the_last_one_ended_and_a_later_one_begins_anew() {
    // When it is recorded, when it was paid, and since when, until when, and when the membership lapses.
    let rows = [
        ("2030-01-31T12:00:00Z", None, ["2030-01-31T12:00:00Z", "2030-02-28T12:00:00Z", "2030-03-10T12:00:00Z"]),
        // Early, and in the time of grace: on the last day of a shorter month, and on its own again of a longer one.
        ("2030-02-01T00:00:00Z", None, ["2030-01-31T12:00:00Z", "2030-03-31T11:00:00Z", "2030-04-10T11:00:00Z"]),
        ("2030-04-10T10:59:59Z", None, ["2030-01-31T12:00:00Z", "2030-04-30T11:00:00Z", "2030-05-10T11:00:00Z"]),
        // At the very instant at which it lapses it is too late.
        ("2030-05-10T11:00:00Z", None, ["2030-05-10T11:00:00Z", "2030-06-10T11:00:00Z", "2030-06-20T11:00:00Z"]),
        // Paid in time, and recorded long after it had lapsed.
        (
            "2030-07-05T00:00:00Z",
            Some("2030-06-20T10:59:59Z"),
            ["2030-05-10T11:00:00Z", "2030-07-10T11:00:00Z", "2030-07-20T11:00:00Z"],
        ),
        // Paid long ago, so that it is over already.
        (
            "2031-01-01T00:00:00Z",
            Some("2030-09-01T00:00:00Z"),
            ["2030-09-01T00:00:00Z", "2030-10-01T00:00:00Z", "2030-10-11T00:00:00Z"],
        ),
    ];
    let mut club = club();
    assert_eq!(club.standing("2030-01-02T00:00:00Z"), json!({"state": "unpaid"}));
    for (now, paid_at, expected) in rows {
        assert_eq!(club.pay(now, paid_at).unwrap(), expected, "{now}");
        let [since, until, lapses_at] = expected;
        let lapsed = at(lapses_at) <= at(now);
        let running = json!({"state": "member", "since": since, "until": until, "lapses_at": lapses_at});
        let over = json!({"state": "lapsed", "since": lapses_at, "until": until});
        assert_eq!(club.standing(now), if lapsed { over.clone() } else { running.clone() }, "{now}");
        let last = at(lapses_at).plus_ms(-1).to_string();
        assert_eq!(club.standing(&last)["state"], "member", "{now}");
        assert_eq!(club.standing(lapses_at), over, "{now}");
    }
}

/// The ends of payments in a row, each at the end of the one before.
fn ends(club: &mut Club, first: &str, count: usize) -> Vec<String> {
    let mut now = first.to_owned();
    let pays = |_| {
        let [_, until, _] = club.pay(&now, None).unwrap();
        now.clone_from(&until);
        until[..10].to_owned()
    };
    (0..count).map(pays).collect()
}

#[test]
fn what_began_at_the_end_of_a_month_ends_there_whatever_shorter_ones_lie_between() {
    let mut monthly = club();
    let expected = ["2030-02-28", "2030-03-31", "2030-04-30", "2030-05-31", "2030-06-30", "2030-07-31", "2030-08-31"];
    assert_eq!(ends(&mut monthly, "2030-01-31T12:00:00Z", 7), expected);
    let mut yearly = Club::with(json!({"kind": "paid", "months": 12, "grace_days": 10}));
    yearly.order("2028-01-01T00:00:00Z", "1.00").unwrap();
    let expected = ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29", "2033-02-28"];
    assert_eq!(ends(&mut yearly, "2028-02-29T12:00:00Z", 5), expected);
}

#[test]
fn what_was_paid_before_the_day_was_kept_goes_on_from_its_end() {
    let mut club = club();
    club.pay("2030-01-31T12:00:00Z", None).unwrap();
    // As it was stored after two payments: on the 28th, since that was the last day of February.
    let drifted = at("2030-03-28T12:00:00Z");
    let paid = club.account.as_mut().unwrap().membership.paid.as_mut().unwrap();
    (paid.until, paid.lapses_at) = (drifted, drifted);
    assert_eq!(ends(&mut club, "2030-03-01T00:00:00Z", 2), ["2030-04-28", "2030-05-28"]);
}

#[test]
fn who_has_not_paid_earns_nothing_and_comes_back_with_the_next_payment() {
    let mut club = club();
    let points = |club: &mut Club, now: &str| club.order(now, "3.00").unwrap().score.points.0;
    assert_eq!(points(&mut club, "2030-01-02T00:00:00Z"), 0);
    club.pay("2030-01-03T00:00:00Z", None).unwrap();
    assert_eq!(club.told(), "The membership is paid for until 2030-02-02.");
    assert_eq!(points(&mut club, "2030-01-03T00:00:00Z"), 3);
    assert_eq!(points(&mut club, "2030-02-12T23:59:59Z"), 3, "in the time of grace");
    let lapsed = club.order("2030-02-13T00:00:00Z", "3.00").unwrap();
    assert_eq!(club.newest(), ["membership.lapsed", "order.scored"]);
    assert!(club.told().starts_with("The membership ended after 2030-02-12."), "{}", club.told());
    assert_eq!(club.reasons(&lapsed)[0], "Points: no points, because its membership has lapsed.");
    // What it has stays its own.
    assert_eq!(club.account.as_ref().unwrap().points(), Ok(Points(6)));
    club.pay("2030-03-01T00:00:00Z", None).unwrap();
    assert_eq!(points(&mut club, "2030-03-01T00:00:00Z"), 3);
}

#[test]
fn the_walk_says_ahead_that_it_ends_and_writes_down_that_it_has() {
    let mut club = club();
    club.pay("2030-01-03T12:00:00Z", None).unwrap();
    let due = |club: &Club| club.account.as_ref().unwrap().due.map(|due| due.at.to_string());
    // Thirty days ahead is the day after the payment.
    assert_eq!(due(&club).as_deref(), Some("2030-01-04T00:00:00Z"));
    for (now, told) in [
        (
            "2030-01-05T00:00:00Z",
            "The membership is paid for until 2030-02-03; it will end after 2030-02-13, unless it is paid for again.",
        ),
        (
            "2030-01-27T00:00:00Z",
            "The membership is paid for until 2030-02-03; it will end after 2030-02-13, unless it is paid for again.",
        ),
        ("2030-02-13T12:00:00Z", "The membership ended after 2030-02-13."),
    ] {
        let before = club.entries.len();
        club.walk(now);
        assert_eq!((club.entries.len() - before, club.told().as_str()), (1, told), "{now}");
        club.walk(now);
        assert_eq!(club.entries.len() - before, 1, "once: {now}");
    }
    assert_eq!(due(&club), None);
    // Paid for again, it is said again.
    club.pay("2030-03-01T00:00:00Z", None).unwrap();
    club.walk("2030-03-25T00:00:00Z");
    assert_eq!(club.newest(), ["membership.ending"]);
}

#[test]
fn a_membership_lapses_once_a_version_asks_for_a_fee() {
    let (paid, open) = (json!({"kind": "paid", "months": 1}), json!({"kind": "open"}));
    let mut club = Club::of(&[(ALWAYS, paid.clone()), ("2030-02-01T00:00:00Z", open), ("2030-06-01T00:00:00Z", paid)]);
    club.order("2030-01-01T00:00:00Z", "1.00").unwrap();
    club.pay("2030-01-05T00:00:00Z", None).unwrap();
    for (now, state) in [("2030-01-31T23:59:59Z", "member"), ("2030-06-01T00:00:00Z", "lapsed")] {
        assert_eq!(club.standing(now)["state"], state, "{now}");
    }
    assert_eq!(club.standing("2030-05-31T00:00:00Z"), json!(null));
    assert_eq!(club.standing("2030-07-01T00:00:00Z")["since"], "2030-06-01T00:00:00Z");
    club.walk("2030-06-02T00:00:00Z");
    assert_eq!(club.newest(), ["membership.lapsed"]);
    let state = club
        .account
        .as_ref()
        .unwrap()
        .membership
        .state(crate::membership::MembershipRules::Open, at("2030-07-01T00:00:00Z"));
    assert_eq!(state, MemberState::Member);
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    let mut club = club();
    assert_eq!(club.pay("2030-01-02T00:00:00Z", Some("2030-01-02T00:00:00.001Z")), Err(Rejection::FeePaidInFuture));
    let mut months = 0;
    let refused = loop {
        match club.pay("2030-01-02T00:00:00Z", None) {
            Ok(_) => months += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!((months, refused), (120, Rejection::PaidTooFarAhead));
    club.account.as_mut().unwrap().status = Status::Closed;
    assert_eq!(club.pay("2030-01-02T00:00:00Z", None), Err(Rejection::AccountNotActive(Status::Closed)));
    club.account = None;
    assert_eq!(club.pay("2030-01-02T00:00:00Z", None), Err(Rejection::UnknownAccount));
    let mut open = Club::with(json!({"kind": "open"}));
    open.order("2030-01-01T00:00:00Z", "1.00").unwrap();
    assert_eq!(open.pay("2030-01-02T00:00:00Z", None), Err(Rejection::NoMembershipFee));

    for (document, expected) in [
        (json!("paid"), &["$ wrong_type"][..]),
        (
            json!({"paid_at": "yesterday", "reference": "", "amount": "99"}),
            &["$.amount unknown_field", "$.paid_at invalid_time", "$.reference invalid_text"],
        ),
    ] {
        let faults = payment_document(&document).unwrap_err();
        let told: Vec<_> = faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect();
        assert_eq!(told, expected, "{document}");
    }
}

proptest! {
    #[test]
    fn who_pays_in_time_is_a_member_without_a_gap_for_as_long_as_was_paid_for(
        // Hours before the end, or in the time of grace after it, at which the next period is paid.
        payments in prop::collection::vec(-24_i64 * 20..24 * 9, 1..30),
        // From the second of January on: the last days of months included.
        first in 0_i64..400,
    ) {
        let mut club = club();
        let start = at("2030-01-02T00:00:00Z").plus_ms(first * Instant::DAY_MS);
        let mut paid = club.pay(&start.to_string(), None).unwrap();
        let mut now = start;
        for hours in &payments {
            now = at(&paid[1]).plus_ms(hours * 3_600_000).max(now);
            paid = match club.pay(&now.to_string(), None) {
                Ok(paid) => paid,
                Err(refused) => {
                    prop_assert_eq!(refused, Rejection::PaidTooFarAhead);
                    break;
                }
            };
            prop_assert_eq!(&paid[0], &start.to_string());
            let lapsed = |entry: &crate::ledger::Entry| {
                entry.changes.iter().any(|change| matches!(change, Change::Membership(MembershipChange::Lapsed { .. })))
            };
            prop_assert!(!club.entries.iter().any(lapsed));
        }
        let months = club.entries.iter().filter(|entry| entry.cause == Cause::MembershipPayment).count();
        let calendar = &club.schedule.at(start).program.calendar;
        let months = u16::try_from(months).unwrap();
        prop_assert_eq!(&paid[1], &calendar.same_time_after_months(start, months).to_string());
    }
}
