#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
use super::*;
use crate::account::Status;
use crate::advance::advance;
use crate::code::Secrets;
use crate::decision::{Record, Write};
use crate::id::AccountId;
use crate::ledger::{Entry, PointsChange};
use crate::money::Points;
use crate::opening::{self, Opening, PastTotals};
use crate::order::Order;
use crate::schedule::Activation;
use crate::score;
use serde_json::json;
use std::sync::Arc;

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

/// Silver from 1,000 and gold from 5,000 in a year, with points for entering each, and a circle above them.
fn document() -> Value {
    json!({
        "name": "p", "currency": "GBP", "time_zone": "UTC", "enrolment": {"unknown_account": "enrol"},
        "earning_rules": [{"id": "base", "name": "Points", "points": 1, "per": "1.00"}],
        "points": {"validity_months": 24},
        "tiers": {"window": {"kind": "calendar_year"}, "levels": [
            {"id": "member", "name": "Member", "threshold": "0", "multiplier": "1"},
            {"id": "silver", "name": "Silver", "threshold": "1000", "multiplier": "1", "on_entry": {"points": 100}},
            {"id": "gold", "name": "Gold", "threshold": "5000", "multiplier": "1", "on_entry": {"points": 500}},
            {"id": "circle", "name": "Circle", "by_invitation": true, "multiplier": "2", "on_entry": {"points": 9}},
        ], "review": {"grace_days": 0, "downgrade": "to_earned"}},
    })
}

struct Shop {
    schedule: Schedule,
    secrets: Secrets,
    account: Option<Account>,
    entries: Vec<Entry>,
}

impl Shop {
    fn new() -> Self {
        Self::of(&document())
    }

    fn of(document: &Value) -> Self {
        let program = Arc::new(Program::from_json(document).unwrap());
        let schedule = Schedule::only(Activation { from: Instant::MIN, version: 1, program });
        Self {
            schedule,
            secrets: Secrets::parse("1:a secret for invitations").unwrap(),
            account: None,
            entries: Vec::new(),
        }
    }

    fn context(&self, now: &str) -> Context<'_> {
        let (now, schedule, secrets) = (at(now), &self.schedule, &self.secrets);
        Context { schedule, secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 }
    }

    fn write(&mut self, writes: Vec<Write>) -> usize {
        let count = writes.len();
        for write in writes {
            match write {
                Write::Put(Record::Account(account), _) => self.account = Some(*account),
                Write::Put(Record::Entry(entry), _) => self.entries.push(*entry),
                _ => {}
            }
        }
        let sum = Points::sum(self.entries.iter().map(|entry| entry.points)).unwrap();
        assert_eq!(self.account.as_ref().unwrap().points(), Ok(sum));
        count
    }

    fn order(&mut self, id: &str, pounds: u32, when: &str) -> &mut Self {
        let order = Order::from_json(&json!({
            "source": "shop", "order_id": id, "account_id": "acme", "placed_at": when, "currency": "GBP",
            "lines": [{"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": pounds.to_string()}],
        }));
        let order = Arc::new(order.unwrap());
        let decided =
            score::decide(self.account.as_ref(), &[], None, &order, order.content_hash(), &self.context(when));
        self.write(decided.unwrap().writes);
        self
    }

    fn ask(&mut self, document: &Value, now: &str) -> Result<usize, Rejection> {
        let document = invitation_document(document)?;
        let decided = decide(self.account.as_ref(), &document, &self.context(now))?;
        if decided.writes.is_empty() { Ok(0) } else { Ok(self.write(decided.writes)) }
    }

    fn invite(&mut self, until: Option<&str>, now: &str) -> &mut Self {
        let mut document = json!({"tier": "circle", "reason": "A key account."});
        if let Some(until) = until {
            document["until"] = json!(until);
        }
        assert_eq!(self.ask(&document, now), Ok(2), "the account and its entry");
        self
    }

    /// The tier at an instant, and since when it is held.
    fn tier(&self, now: &str) -> (String, String) {
        let (account, _) = advance(&self.schedule, self.account.as_ref().unwrap(), at(now)).unwrap();
        (account.tier.to_string(), account.tier_since.to_string())
    }

    fn gifts(&self) -> Vec<String> {
        let changes = self.entries.iter().flat_map(|entry| &entry.changes);
        let gift = |change: &Change| match change {
            Change::Points(PointsChange::ForTier { tier, points, .. }) => Some(format!("{tier} {points}")),
            _ => None,
        };
        changes.filter_map(gift).collect()
    }
}

#[test]
fn an_account_is_invited_and_holds_again_what_it_held_or_what_it_has_reached() {
    for (name, until, orders, expected) in [
        ("held before, and to be reviewed later", "2030-09-01T00:00:00Z", vec![], ("silver", "2030-03-01T12:00:00Z")),
        (
            "reviewed meanwhile, and not earned again",
            "2032-02-01T00:00:00Z",
            vec![],
            ("member", "2032-02-01T00:00:00Z"),
        ),
        (
            "reviewed meanwhile, and earned again",
            "2032-02-01T00:00:00Z",
            vec![("o-2", 1_000, "2031-11-30T12:00:00Z")],
            ("silver", "2032-02-01T00:00:00Z"),
        ),
        (
            "reached more meanwhile",
            "2030-09-01T00:00:00Z",
            vec![("o-2", 4_000, "2030-08-31T23:59:59.999Z")],
            ("gold", "2030-09-01T00:00:00Z"),
        ),
        (
            "what comes later leads up as it always does",
            "2030-09-01T00:00:00Z",
            vec![("o-2", 4_000, "2030-09-01T00:00:00Z")],
            ("gold", "2030-09-01T00:00:00Z"),
        ),
    ] {
        let mut shop = Shop::new();
        shop.order("o-1", 1_000, "2030-03-01T12:00:00Z").invite(Some(until), "2030-04-01T12:00:00Z");
        assert_eq!(shop.tier("2030-04-01T12:00:00Z"), ("circle".into(), "2030-04-01T12:00:00Z".into()));
        for (id, pounds, when) in orders {
            shop.order(id, pounds, when);
        }
        let last = at(until).plus_ms(-1).to_string();
        if shop.account.as_ref().unwrap().last_decided < at(until) {
            assert_eq!(shop.tier(&last).0, "circle", "{name}");
        }
        assert_eq!(shop.tier(until), (expected.0.to_owned(), expected.1.to_owned()), "{name}");
    }
}

#[test]
fn nothing_is_written_where_nothing_changes() {
    let mut shop = Shop::new();
    shop.order("o-1", 10, "2030-03-01T12:00:00Z");
    let out = json!({"tier": null, "reason": "Over"});
    assert_eq!(shop.ask(&out, "2030-03-02T00:00:00Z"), Ok(0), "it was in none");
    shop.invite(None, "2030-03-02T00:00:00Z");
    let invited = json!({"tier": "circle", "reason": "Said again, in other words"});
    assert_eq!(shop.ask(&invited, "2030-03-03T00:00:00Z"), Ok(0));
    let since = shop.tier("2030-03-03T00:00:00Z");
    shop.invite(Some("2030-05-01T00:00:00Z"), "2030-03-03T00:00:00Z");
    assert_eq!(shop.tier("2030-04-30T23:59:59Z"), since, "a new end leaves the tier as it is");
    assert_eq!(shop.ask(&out, "2030-03-04T00:00:00Z"), Ok(2));
    assert_eq!(shop.ask(&out, "2030-03-05T00:00:00Z"), Ok(0));
    assert_eq!(shop.tier("2030-03-05T00:00:00Z"), ("member".into(), "2030-03-01T12:00:00Z".into()));
    assert_eq!(shop.gifts(), ["circle 9"]);
}

#[test]
fn what_cannot_be_asked_for_is_refused_with_every_reason() {
    let mut shop = Shop::new();
    let asked = json!({"tier": "circle", "reason": "Why not"});
    assert_eq!(shop.ask(&asked, "2030-03-01T12:00:00Z"), Err(Rejection::UnknownAccount));
    shop.order("o-1", 10, "2030-03-01T12:00:00Z");
    for (document, expected) in [
        (json!({}), vec!["$.tier missing", "$.reason missing"]),
        (json!({"tier": "gold", "reason": "x"}), vec!["$.tier conflict"]),
        (
            json!({"tier": "moon", "reason": "x", "until": "2030-03-01T12:00:00Z"}),
            vec!["$.tier unknown_value", "$.until out_of_range"],
        ),
        (json!({"tier": null, "reason": "x", "until": "2031-01-01T00:00:00Z"}), vec!["$.until conflict"]),
    ] {
        let Err(Rejection::Invalid(faults)) = shop.ask(&document, "2030-03-01T12:00:00Z") else { panic!("{document}") };
        let told: Vec<_> = faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect();
        assert_eq!(told, expected, "{document}");
    }
    shop.account.as_mut().unwrap().status = Status::Closed;
    assert_eq!(shop.ask(&asked, "2030-03-02T12:00:00Z"), Err(Rejection::AccountNotActive(Status::Closed)));
}

#[test]
fn a_tier_brings_its_points_once_however_it_is_reached() {
    let mut shop = Shop::new();
    // Both that one large order passes, as two would.
    shop.order("o-1", 6_000, "2030-03-01T12:00:00Z");
    assert_eq!(shop.gifts(), ["silver 100", "gold 500"]);
    // Lost at the end of 2031, reached again, and lost again: nothing more.
    shop.order("o-2", 6_000, "2032-03-01T12:00:00Z");
    assert_eq!(shop.tier("2032-03-01T12:00:00Z").0, "gold");
    shop.order("o-3", 1_500, "2034-03-01T12:00:00Z");
    assert_eq!(shop.gifts(), ["silver 100", "gold 500"]);
    let mut two = Shop::new();
    two.order("o-1", 1_000, "2030-03-01T12:00:00Z").order("o-2", 5_000, "2030-03-02T12:00:00Z");
    assert_eq!(two.gifts(), ["silver 100", "gold 500"]);
    let life = two.account.unwrap().lifetime;
    assert_eq!((life.earned, life.credited), (Points(6_000), Points(600)));
}

#[test]
fn a_tier_that_was_brought_along_brings_nothing() {
    let mut shop = Shop::new();
    let brought = |tier: &str| Opening {
        account_id: AccountId::parse("acme").unwrap(),
        lots: Vec::new(),
        tier: Some(TierId::parse(tier).unwrap()),
        tier_since: None,
        joined_on: None,
        first_purchase: None,
        last_purchase: None,
        past: PastTotals::none(crate::money::Currency::GBP),
        points_earned: None,
    };
    let opened = opening::open(None, &brought("silver"), &shop.context("2030-01-01T00:00:00Z")).unwrap();
    shop.write(opened.writes);
    shop.order("o-1", 1_000, "2030-03-01T12:00:00Z");
    assert_eq!(shop.gifts(), Vec::<String>::new());
    shop.order("o-2", 4_000, "2030-03-02T12:00:00Z");
    assert_eq!(shop.gifts(), ["gold 500"]);
    // One by invitation is one by invitation here, too.
    let mut other = Shop::new();
    let opened = opening::open(None, &brought("circle"), &other.context("2030-01-01T00:00:00Z")).unwrap();
    other.write(opened.writes);
    assert_eq!(other.tier("2040-01-01T00:00:00Z").0, "circle");
    assert_eq!(other.ask(&json!({"tier": null, "reason": "Over"}), "2030-02-01T00:00:00Z"), Ok(2));
    assert_eq!((other.tier("2030-02-01T00:00:00Z").0.as_str(), other.gifts()), ("member", vec![]));
}

#[test]
fn points_of_a_tier_that_a_review_brings_come_at_its_instant_whoever_asks_when() {
    let mut document = document();
    document["tiers"]["upgrade"] = json!("at_review");
    document["points"] = json!({"expiry": {"kind": "inactivity", "months": 2}});
    let mut shop = Shop::of(&document);
    // 1,000 points that would end with February, and are moved on by the 100 of the first of January.
    shop.order("o-1", 1_000, "2030-12-10T12:00:00Z");
    let account = shop.account.as_ref().unwrap();
    let (mut stepped, mut now) = (account.clone(), at("2030-12-10T12:00:00Z"));
    while now < at("2031-06-01T00:00:00Z") {
        now = now.plus_ms(Instant::DAY_MS * 5);
        stepped = advance(&shop.schedule, &stepped, now).unwrap().0;
        let (at_once, _) = advance(&shop.schedule, account, now).unwrap();
        assert_eq!(at_once, stepped, "{now}");
    }
    let points = |now: &str| advance(&shop.schedule, account, at(now)).unwrap().0.points().unwrap();
    assert_eq!(points("2030-12-31T23:59:59.999Z"), Points(1_000));
    assert_eq!(points("2031-01-01T00:00:00Z"), Points(1_100));
    assert_eq!(points("2031-03-31T23:59:59.999Z"), Points(1_100));
    assert_eq!(points("2031-04-01T00:00:00Z"), Points::ZERO);
}

#[test]
fn tiers_by_invitation_stand_above_the_others_and_ask_for_nothing() {
    type Row = (fn(&mut Value), &'static [&'static str]);
    let rows: [Row; 5] = [
        (|_| {}, &[]),
        (|levels| levels.as_array_mut().unwrap().swap(2, 3), &["$.tiers.levels[3] out_of_order"]),
        (
            |levels| levels.as_array_mut().unwrap().swap(0, 3),
            &[
                "$.tiers.levels[0].by_invitation out_of_order",
                // What was the first stands last now.
                "$.tiers.levels[3].threshold out_of_order",
            ],
        ),
        (|levels| levels[3]["threshold"] = json!("9"), &["$.tiers.levels[3].threshold conflict"]),
        (|levels| levels[3]["on_entry"] = json!({"points": 0}), &["$.tiers.levels[3].on_entry.points out_of_range"]),
    ];
    for (change, expected) in rows {
        let mut document = document();
        change(&mut document["tiers"]["levels"]);
        let read = Program::from_json(&document);
        let faults: Vec<_> = read.err().iter().flat_map(|faults| faults.listed()).cloned().collect();
        let told: Vec<_> = faults.iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect();
        assert_eq!(told, expected);
    }
}
