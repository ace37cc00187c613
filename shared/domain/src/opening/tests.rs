#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
use super::*;
use crate::account::Status;
use crate::code::Secrets;
use crate::ledger::{AccountChange, Entry, PointsChange};
use crate::money::Currency;
use crate::schedule::{Activation, Schedule};
use serde_json::json;
use std::sync::Arc;

const NOW: &str = "2011-03-15T12:00:00Z";

fn schedule(shortfall: &str) -> Schedule {
    reviewed(shortfall, None)
}

/// The same with reviews, after so many months and days of grace.
fn reviewed(shortfall: &str, review: Option<(u16, u16)>) -> Schedule {
    let mut document = document(shortfall);
    if let Some((hold_months, grace_days)) = review {
        document["tiers"]["review"] =
            json!({ "hold_months": hold_months, "grace_days": grace_days, "downgrade": "to_earned" });
    }
    schedule_of(&document)
}

fn document(shortfall: &str) -> serde_json::Value {
    json!({
        "name": "wholesale", "currency": "GBP", "time_zone": "Europe/London",
        "enrolment": { "unknown_account": "enrol" },
        "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1.00" }],
        "points": { "validity_months": 24, "shortfall": shortfall },
        "tiers": { "window_months": 12, "levels": [
            { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
            { "id": "gold", "name": "Gold", "threshold": "5000", "multiplier": "1.5" },
        ]},
        "discounts": [],
    })
}

fn schedule_of(document: &serde_json::Value) -> Schedule {
    let program = Arc::new(Program::from_json(document).unwrap());
    Schedule::new(vec![Activation { from: Instant::MIN, version: 1, program }]).unwrap()
}

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn opening(lots: &[(&str, i64)]) -> Opening {
    let lot = |(day, points): &(&str, i64)| OpeningLot { expires_on: Day::parse(day), points: Points(*points) };
    Opening {
        account_id: AccountId::parse("acme").unwrap(),
        lots: lots.iter().map(lot).collect(),
        tier: None,
        tier_since: None,
        joined_on: None,
        first_purchase: None,
        last_purchase: None,
        past: PastTotals::none(Currency::GBP),
        points_earned: None,
    }
}

/// What an opening writes at [`NOW`]: the account, its entry, the record of the command.
struct Opened {
    account: Account,
    entry: Entry,
    record: CommandRecord,
    receipt: OpeningReceipt,
}

fn open_at(account: Option<&Account>, opening: &Opening, shortfall: &str) -> Result<Opened, Rejection> {
    open_under(&schedule(shortfall), account, opening)
}

fn open_under(schedule: &Schedule, account: Option<&Account>, opening: &Opening) -> Result<Opened, Rejection> {
    let secrets = Secrets::parse("1:sixteen bytes long").unwrap();
    let (now, wall_day) = (at(NOW), at(NOW).utc_day());
    let context = Context { schedule, secrets: &secrets, by: "test", now, wall_day, collisions: 0 };
    let decision = open(account, opening, &context)?;
    let [record, account, entry] = <[Write; 3]>::try_from(decision.writes).unwrap();
    let Write::Put(Record::Command(record), Guard::Absent) = record else { panic!("{record:?}") };
    let (Write::Put(Record::Account(account), _), Write::Put(Record::Entry(entry), Guard::Absent)) = (account, entry)
    else {
        panic!("an account and its entry")
    };
    Ok(Opened { account: *account, entry: *entry, record: *record, receipt: decision.answer })
}

fn opened(opening: &Opening) -> Opened {
    open_at(None, opening, "owe").unwrap()
}

#[test]
fn an_account_opens_with_its_tier_its_past_and_its_lots() {
    let money = |amount| Money { amount: Minor(amount), currency: Currency::GBP };
    let opening = Opening {
        tier: Some(TierId::parse("gold").unwrap()),
        tier_since: Day::parse("2010-07-01"),
        joined_on: Day::parse("2008-01-10"),
        first_purchase: Day::parse("2008-01-11"),
        last_purchase: Day::parse("2011-03-15"),
        past: PastTotals { orders: 40, units: 900, revenue: money(1_234_567), eligible_spend: money(1_200_000) },
        points_earned: Some(Points(9_000)),
        ..opening(&[("2011-12-31", 100), ("", 7)])
    };
    let Opened { account, entry, receipt, .. } = opened(&opening);
    assert_eq!((account.tier.as_str(), account.tier_since), ("gold", at("2010-06-30T23:00:00Z")));
    assert_eq!((account.joined_at, account.version), (at("2008-01-10T00:00:00Z"), 1));
    assert_eq!(account.first_purchase.zip(account.last_purchase), opening.first_purchase.zip(opening.last_purchase));
    let life = &account.lifetime;
    assert_eq!((life.orders, life.units, life.revenue, life.eligible), (40, 900, Minor(1_234_567), Minor(1_200_000)));
    assert_eq!((life.earned, life.gone_before, life.upgrades), (Points(9_000), Points(8_893), 0));
    assert_eq!((life.purchase_days, life.downgrades), (40, 0));
    let lot = |end, points| Lot::until(at(end), Points(points));
    // What has no end of its own lasts as long as points earned now.
    assert_eq!(account.holdings.lots(), [lot("2012-01-01T00:00:00Z", 100), lot("2013-03-31T23:00:00Z", 7)]);
    assert_eq!((entry.points, entry.balance, entry.cause), (Points(107), Points(107), Cause::Opening));
    assert_eq!((receipt.points, receipt.lapsed, receipt.owed), (Points(107), Points::ZERO, Points::ZERO));
    assert_eq!(account.due.unwrap().at, at("2012-01-01T00:00:00Z"));
}

#[test]
fn points_without_an_end_of_their_own_last_as_the_program_says_from_the_opening_on() {
    let mut document = document("owe");
    for (expiry, end) in [
        (json!({ "kind": "inactivity", "months": 6 }), (at("2011-09-30T23:00:00Z"), Some(6))),
        (json!({ "kind": "never" }), (Instant::NEVER, None)),
    ] {
        document["points"] = json!({ "expiry": expiry });
        // However long ago the last order was.
        let last_purchase = Day::parse("2009-01-01");
        let opening = Opening { last_purchase, ..opening(&[("2011-07-31", 100), ("", 7)]) };
        let Opened { account, .. } = open_under(&schedule_of(&document), None, &opening).unwrap();
        let lots: Vec<_> = account.holdings.lots().iter().map(|lot| (lot.expires_at, lot.inactivity_months)).collect();
        assert_eq!(lots, [(at("2011-07-31T23:00:00Z"), None), end]);
        assert_eq!(account.due.unwrap().at, at("2011-07-31T23:00:00Z"));
    }
}

#[test]
fn orders_of_before_are_a_day_each_unless_there_are_fewer_days() {
    for (orders, first, last, days) in [
        (40, None, None, 40),
        (40, Some("2011-01-01"), None, 40),
        (40, Some("2011-01-01"), Some("2011-01-10"), 10),
        (40, Some("2011-01-10"), Some("2011-01-10"), 1),
        (3, Some("2011-01-01"), Some("2011-01-10"), 3),
        (0, Some("2011-01-01"), Some("2011-01-10"), 0),
    ] {
        let past = PastTotals { orders, ..PastTotals::none(Currency::GBP) };
        let (first_purchase, last_purchase) = (first.and_then(Day::parse), last.and_then(Day::parse));
        let brought = Opening { past, first_purchase, last_purchase, ..opening(&[]) };
        assert_eq!(opened(&brought).account.lifetime.purchase_days, days, "{brought:?}");
    }
}

#[test]
fn a_tier_whose_review_would_lie_in_the_past_is_held_anew_from_the_opening() {
    for (name, since, review, expected) in [
        ("long past", Some("2004-03-01"), (12, 0), "2012-04-01T00:00:00+01:00"),
        ("past by a day", Some("2010-02-28"), (12, 14), "2012-04-15T00:00:00+01:00"),
        ("to come", Some("2010-03-01"), (12, 14), "2011-04-15T00:00:00+01:00"),
        ("not stated", None, (12, 0), "2012-04-01T00:00:00+01:00"),
    ] {
        let schedule = reviewed("owe", Some(review));
        let tier_since = since.and_then(Day::parse);
        let brought = Opening { tier: TierId::parse("gold").ok(), tier_since, ..opening(&[("", 500)]) };
        let opened = open_under(&schedule, None, &brought).unwrap();
        let kinds: Vec<_> = opened.entry.changes.iter().map(|change| serde_json::to_value(change).unwrap()).collect();
        let kinds: Vec<_> = kinds.iter().map(|change| change["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["account.enrolled", "account.opened", "points.opened"], "{name}");
        assert_eq!(opened.account.tier.as_str(), "gold", "{name}");
        let start = |day| schedule.at(at(NOW)).program.calendar.start_of_day(day);
        assert_eq!(opened.account.tier_since, tier_since.map_or(at(NOW), start), "{name}");
        let next = review::next(&opened.account, &schedule).unwrap();
        assert_eq!(next.at, at(expected), "{name}");
        let (reviewed, _) = advance::advance(&schedule, &opened.account, next.at).unwrap();
        assert_eq!(reviewed.tier.as_str(), "member", "{name}: nothing was spent here");
    }
}

#[test]
fn points_end_with_the_month_of_their_last_day_and_never_before_it() {
    let opening = opening(&[("2011-03-15", 1), ("2011-03-31", 10), ("2011-04-01", 100), ("2011-06-30", 1_000)]);
    let lots = opened(&opening).account.holdings;
    let lots: Vec<_> = lots.lots().iter().map(|lot| (lot.expires_at.to_string(), lot.points.0)).collect();
    let ends = ["2011-03-31T23:00:00Z", "2011-04-30T23:00:00Z", "2011-06-30T23:00:00Z"].map(str::to_owned);
    assert_eq!(lots, ends.into_iter().zip([11, 100, 1_000]).collect::<Vec<_>>());
}

#[test]
fn points_whose_last_day_has_gone_by_are_issued_and_lapse_in_the_same_entry() {
    let Opened { account, entry, receipt, .. } = opened(&opening(&[("2011-03-14", 30), ("2011-03-15", 5)]));
    assert_eq!((account.points(), account.lifetime.expired), (Ok(Points(5)), Points(30)));
    assert_eq!((account.lifetime.earned, account.lifetime.gone_before), (Points(35), Points::ZERO));
    assert_eq!((entry.points, entry.balance, receipt.points, receipt.lapsed), {
        (Points(5), Points(5), Points(35), Points(30))
    });
    let ended = Change::Points(PointsChange::Expired { points: Points(30), expired_at: at("2011-03-15T00:00:00Z") });
    assert!(entry.changes.contains(&ended), "{:?}", entry.changes);
}

#[test]
fn whatever_days_points_end_on_there_are_as_many_lots_as_months() {
    let days = (0..i32::try_from(LOTS_MAX).unwrap()).map(|n| at(NOW).utc_day().0 + n * 3);
    let days: Vec<_> = days.map(|day| Day(day).to_string()).collect();
    let lots: Vec<_> = days.iter().map(|day| (day.as_str(), 1)).collect();
    let Opened { account, .. } = opened(&opening(&lots));
    assert_eq!(account.points(), Ok(Points(500)));
    assert_eq!(account.holdings.lots().len(), 50);
}

#[test]
fn a_debt_is_taken_over_where_the_program_lets_an_account_owe() {
    let Opened { account, entry, receipt, .. } = opened(&opening(&[("", -50)]));
    assert_eq!((account.holdings.debt(), account.lifetime.reversed), (Points(50), Points(50)));
    assert_eq!((entry.points, entry.balance, receipt.owed), (Points(-50), Points(-50), Points(50)));
    assert!(matches!(open_at(None, &opening(&[("", -50)]), "write_off"), Err(Rejection::Invalid(_))));
    let Opened { account, entry, .. } = open_at(None, &opening(&[("", -50)]), "owe_pending").unwrap();
    assert_eq!((account.holdings.debt(), account.holdings.pending_debt()), (Points(50), Points(50)));
    assert_eq!((entry.points, entry.balance, entry.pending), (Points(-50), Points(0), Points(-50)));
}

#[test]
fn an_enrolled_account_without_history_may_be_opened_and_keeps_what_is_not_stated() {
    let schedule = schedule("owe");
    let (enrolled, _) =
        Account::enrol(AccountId::parse("acme").unwrap(), &schedule.at(at(NOW)).program, at("2011-02-01T00:00:00Z"));
    let enrolled = Account { version: 1, ..enrolled };
    let stated = Opening { tier: Some(TierId::parse("member").unwrap()), ..opening(&[("", 5)]) };
    let Opened { account, entry, .. } = open_at(Some(&enrolled), &stated, "owe").unwrap();
    assert_eq!((account.tier_since, account.joined_at), (enrolled.tier_since, enrolled.joined_at));
    assert_eq!((account.version, account.last_decided), (2, at(NOW)));
    assert!(!entry.changes.iter().any(|change| matches!(change, Change::Account(AccountChange::Enrolled { .. }))));

    let mut busy = enrolled.clone();
    busy.lifetime.credited = Points(1);
    let refused = open_at(Some(&busy), &stated, "owe").map(|_| ());
    assert_eq!(refused, Err(Rejection::HasHistory));
    let closed = Account { status: Status::Closed, ..enrolled };
    let refused = open_at(Some(&closed), &stated, "owe").map(|_| ());
    assert_eq!(refused, Err(Rejection::AccountNotActive(Status::Closed)));
}

#[test]
fn the_same_content_in_another_order_is_a_repeat_and_other_content_is_named() {
    let first = opening(&[("2012-01-31", 1), ("", 2), ("2011-12-31", 0)]);
    let Opened { record, receipt, .. } = opened(&first);
    assert_eq!(repeat(&record, &first), Ok(receipt.clone()));
    assert_eq!(repeat(&record, &opening(&[("", 2), ("2012-01-31", 1)])), Ok(receipt));
    let gold = Some(TierId::parse("gold").unwrap());
    let mut past = first.past;
    past.orders = 1;
    for (other, path) in [
        (opening(&[("2012-01-30", 1), ("", 2)]), "$.lots"),
        (opening(&[("", 2)]), "$.lots"),
        (Opening { tier: gold, ..first.clone() }, "$.tier"),
        (Opening { joined_on: Day::parse("2010-01-01"), ..first.clone() }, "$.joined_on"),
        (Opening { tier_since: Day::parse("2010-01-01"), ..first.clone() }, "$.tier_since"),
        (Opening { first_purchase: Day::parse("2010-01-01"), ..first.clone() }, "$.first_purchase"),
        (Opening { last_purchase: Day::parse("2010-01-01"), ..first.clone() }, "$.last_purchase"),
        (Opening { past, ..first.clone() }, "$.past"),
        (Opening { points_earned: Some(Points(3)), ..first.clone() }, "$.points_earned"),
    ] {
        let expected = Err(Rejection::ContentDiffers { paths: vec![path.to_owned()] });
        assert_eq!(repeat(&record, &other), expected, "{path}");
    }
}

#[test]
fn every_flaw_is_named_at_once() {
    let tier = |id| Some(TierId::parse(id).unwrap());
    let plain = || opening(&[("", 1)]);
    let past = |change: fn(&mut PastTotals)| {
        let mut opening = plain();
        change(&mut opening.past);
        opening
    };
    type Row = (Opening, &'static [(Option<usize>, &'static str)]);
    let rows: [Row; 17] = [
        (plain(), &[]),
        (Opening { tier: tier("bronze"), ..plain() }, &[(None, "tier")]),
        (Opening { tier_since: Day::parse("2011-03-16"), ..plain() }, &[(None, "tier_since")]),
        (Opening { joined_on: Day::parse("2011-03-16"), ..plain() }, &[(None, "joined_on")]),
        (Opening { last_purchase: Day::parse("2011-03-16"), ..plain() }, &[(None, "last_purchase")]),
        (
            Opening { first_purchase: Day::parse("2011-03-02"), last_purchase: Day::parse("2011-03-01"), ..plain() },
            &[(None, "first_purchase")],
        ),
        (past(|past| past.orders = TOTAL_MAX.unsigned_abs() + 1), &[(None, "orders")]),
        (past(|past| past.revenue.amount = Minor(-1)), &[(None, "revenue")]),
        (past(|past| past.eligible_spend.currency = Currency::EUR), &[(None, "eligible_spend")]),
        (Opening { points_earned: Some(Points(-1)), ..plain() }, &[(None, "points_earned")]),
        (opening(&[("2011-05-01", 1), ("2011-05-01", 2)]), &[(Some(1), "expires_on")]),
        (opening(&[("", POINTS_MAX), ("2012-01-01", POINTS_MAX + 1)]), &[(Some(1), "points")]),
        (opening(&[("2016-03-31", 1), ("2016-04-01", 1)]), &[(Some(1), "expires_on")]),
        (opening(&[("2012-01-01", -1)]), &[(Some(0), "expires_on")]),
        (opening(&[("2012-01-01", 1), ("", -1)]), &[(Some(1), "points")]),
        (opening(&[("", i64::MIN)]), &[(Some(0), "points")]),
        (
            Opening { tier: tier("tin"), ..opening(&[("", 1), ("", 1), ("2999-12-31", 1)]) },
            &[(None, "tier"), (Some(1), "expires_on"), (Some(2), "expires_on")],
        ),
    ];
    let schedule = schedule("owe");
    for (opening, expected) in rows {
        let flaws = opening.flaws(&schedule.at(at(NOW)).program, at(NOW));
        let found: Vec<_> = flaws.iter().map(|flaw| (flaw.lot, flaw.field)).collect();
        assert_eq!(found, expected, "{opening:?}");
        let refused = open_at(None, &opening, "owe").map(|_| ());
        match expected {
            [] => assert_eq!(refused, Ok(())),
            _ => assert!(matches!(refused, Err(Rejection::Invalid(_))), "{refused:?}"),
        }
    }
    let many: Vec<_> = (0..=LOTS_MAX).map(|n| Day(i32::try_from(n).unwrap()).to_string()).collect();
    let many: Vec<_> = many.iter().map(|day| (day.as_str(), 1)).collect();
    let flaws = opening(&many).flaws(&schedule.at(at(NOW)).program, at(NOW));
    assert_eq!(flaws.iter().map(|flaw| flaw.field).collect::<Vec<_>>(), ["lots"]);
}
