#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use crate::lots::{End, Holdings, Lot, Pending};
use crate::membership::club::{Club, at};
use serde_json::json;

fn enrolled() -> (Club, Account) {
    let mut club = Club::with(json!({"kind": "open"}));
    club.order("2030-01-01T10:00:00Z", "50.00").unwrap();
    let account = club.account.clone().unwrap();
    (club, account)
}

/// What an account has in lots, waiting and unpaid, and what it owes of either kind: what is deducted and credited.
#[test]
fn what_is_there_is_written_off_and_what_is_owed_is_forgiven() {
    for (lots, waiting, unpaid, debt, pending_debt, deducted, credited) in [
        (0, 0, 0, 0, 0, 0, 0),
        (30, 0, 0, 0, 0, 30, 0),
        (30, 12, 0, 0, 0, 42, 0),
        (30, 12, 7, 0, 0, 42, 0),
        (0, 0, 7, 25, 0, 0, 25),
        (5, 0, 0, 25, 20, 5, 25),
    ] {
        let (_, mut account) = enrolled();
        let lot = Lot::until(Instant::MAX, Points(lots));
        let wait = Pending::new(at("2031-01-01T00:00:00Z"), End::NEVER, Points(waiting));
        let some = |points: i64| points > 0;
        let lots: Vec<_> = [lot].into_iter().filter(|lot| some(lot.points.0)).collect();
        let waits: Vec<_> = [wait].into_iter().filter(|wait| some(wait.points.0)).collect();
        let holdings = Holdings::of(lots, waits, Points(debt)).with_pending_debt(Points(pending_debt));
        account.holdings = holdings.with_unpaid(Points(unpaid));
        let before = account.clone();
        let changes = write_off(&mut account).unwrap();
        let sum = changes.iter().map(|change| change.points().unwrap().0).sum::<i64>();
        assert_eq!(
            account.points().unwrap().0 - before.points().unwrap().0,
            sum,
            "what the entry says is what changed"
        );
        assert_eq!(account.points(), Ok(Points(unpaid)), "what waits for a payment waits on");
        assert_eq!(account.lifetime.deducted.0 - before.lifetime.deducted.0, deducted);
        assert_eq!(account.lifetime.credited.0 - before.lifetime.credited.0, credited);
        assert_eq!(write_off(&mut account), Ok(Vec::new()), "once");
    }
}

#[test]
fn an_account_ends_with_all_that_it_had_open_and_ends_once() {
    let (club, account) = enrolled();
    assert_eq!(account.discounts.len(), 1);
    let known = Known { account: Some(account), discounts: club.discounts.clone(), ..Known::default() };
    let secrets = crate::code::Secrets::parse("1:sixteen bytes long").unwrap();
    let now = at("2030-01-02T00:00:00Z");
    let context = Context {
        schedule: &club.schedule,
        secrets: &secrets,
        by: "test",
        now,
        wall_day: now.utc_day(),
        collisions: 0,
    };
    let Decision { writes, answer } = begin(&known, &context).unwrap();
    let ended = writes.iter().find_map(|write| match write {
        Write::Put(Record::Account(account), _) => Some(account),
        _ => None,
    });
    let ended = ended.unwrap();
    assert_eq!((ended.status, ended.points(), ended.discounts.len()), (Status::Erased, Ok(Points::ZERO), 0));
    let withdrawn = |write: &&Write| matches!(write, Write::Put(Record::Discount(discount), _) if discount.void);
    assert_eq!(writes.iter().filter(withdrawn).count(), 1);
    assert_eq!((answer.entry, answer.erased_at), (ended.version, None));
    // Begun is begun, and done is done.
    let known = Known { account: Some((**ended).clone()), erasure: Some(answer.clone()), ..Known::default() };
    assert_eq!(begin(&known, &context).unwrap(), Decision { writes: Vec::new(), answer: answer.clone() });
    let done = finish(&answer, now).unwrap().answer;
    assert_eq!((done.erased_at, finish(&done, now).unwrap().writes), (Some(now), Vec::new()));
    assert_eq!(begin(&Known::default(), &context).unwrap_err(), Rejection::UnknownAccount);
}

#[test]
fn an_answer_keeps_what_counts_and_loses_its_words() {
    let answer = |comment: Option<&str>, tags: &[&str]| -> Answer {
        serde_json::from_value(json!({
            "survey_id": "nps", "account_id": "acme", "contact_id": "ann", "score": 3, "comment": comment, "tags": tags,
            "tier": "member", "answered_at": "2030-01-01T10:00:00Z", "changed_at": "2030-01-01T10:00:00Z", "version": 4,
        }))
        .unwrap()
    };
    for (given, expected) in [
        (answer(Some("late"), &["parcel"]), Some(answer(None, &[]))),
        (answer(None, &["parcel"]), Some(answer(None, &[]))),
        (answer(None, &[]), None),
    ] {
        let writes = forget_answers(&[given]);
        let expected = expected.map(|answer| Answer { version: 5, ..answer });
        let expected = expected.map(|answer| Write::Put(Record::SurveyAnswer(Box::new(answer)), Guard::Version(4)));
        assert_eq!(writes, Vec::from_iter(expected));
    }
}
