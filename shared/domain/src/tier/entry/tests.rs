#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
use super::*;
use crate::account::Status;
use crate::amendment;
use crate::code::{Code, Secrets};
use crate::decision::{Record, Write};
use crate::discount::{Discount, OpenDiscount};
use crate::document::Faults;
use crate::forecast::Forecast;
use crate::id::{ProgramName, RuleId};
use crate::ledger::Entry;
use crate::named_code::NamedCode;
use crate::order::Order;
use crate::schedule::Activation;
use crate::score::{self, ScoredOrder};
use crate::walk::{self, People};
use crate::warning::Walk;
use crate::{invitation, time::Instant};
use serde_json::{Value, json};
use std::sync::Arc;

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn off(id: &str) -> Value {
    json!({"id": id, "name": "For you", "percent": "5", "validity_days": 30})
}

/// Silver from 1,000 brings a discount, gold from 5,000 points and one; so does a circle above them.
fn document() -> Value {
    json!({
        "name": "p", "currency": "GBP", "time_zone": "UTC", "enrolment": {"unknown_account": "enrol"},
        "earning_rules": [{"id": "base", "name": "Points", "points": 1, "per": "1.00"}],
        "points": {"validity_months": 24},
        "tiers": {"window_months": 12, "levels": [
            {"id": "member", "name": "Member", "threshold": "0", "multiplier": "1"},
            {"id": "silver", "name": "Silver", "threshold": "1000", "multiplier": "1",
             "on_entry": {"discount": off("for-silver")}},
            {"id": "gold", "name": "Gold", "threshold": "5000", "multiplier": "1",
             "on_entry": {"points": 500, "discount": off("for-gold")}},
            {"id": "circle", "name": "Circle", "by_invitation": true, "multiplier": "2",
             "on_entry": {"discount": off("for-circle")}},
        ]},
    })
}

/// Silver after a month of membership.
fn by_months() -> Value {
    let mut document = document();
    document["tiers"] = json!({"metric": "membership_months", "levels": [
        {"id": "member", "name": "Member", "threshold": 0, "multiplier": "1"},
        {"id": "silver", "name": "Silver", "threshold": 1, "multiplier": "1",
         "on_entry": {"points": 70, "discount": off("for-silver")}},
    ]});
    document
}

struct Shop {
    schedule: Schedule,
    secrets: Secrets,
    account: Option<Account>,
    orders: Vec<Arc<ScoredOrder>>,
    discounts: Vec<Discount>,
    entries: Vec<Entry>,
}

impl Shop {
    fn of(document: &Value) -> Self {
        let program = Arc::new(Program::from_new(document, &ProgramName::parse("p").unwrap()).unwrap());
        let schedule = Schedule::only(Activation { from: Instant::MIN, version: 1, program });
        let secrets = Secrets::parse("1:a secret for discounts").unwrap();
        Self { schedule, secrets, account: None, orders: Vec::new(), discounts: Vec::new(), entries: Vec::new() }
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
                Write::Put(Record::Discount(discount), _) => self.discounts.push(*discount),
                Write::Put(Record::Order(scored), _) => self.orders.push(scored),
                _ => {}
            }
        }
        count
    }

    fn order(&mut self, id: &str, revision: u32, pounds: u32, when: &str) -> &mut Self {
        let order = Order::from_json(&json!({
            "source": "shop", "order_id": id, "account_id": "acme", "placed_at": when, "currency": "GBP",
            "revision": revision,
            "lines": [{"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": pounds.to_string()}],
        }));
        let order = Arc::new(order.unwrap());
        let hash = order.content_hash();
        let stored = self.orders.iter().rev().find(|scored| scored.order.key == order.key);
        let context = self.context(when);
        let decided = match stored {
            None => score::decide(self.account.as_ref(), &[], None, &order, hash, &context),
            Some(stored) => {
                let account = self.account.as_ref().unwrap();
                let found = NamedCode::of_own(&self.discounts);
                amendment::decide(account, &found, stored, &order, hash, None, &context)
            }
        };
        self.write(decided.unwrap().writes);
        self
    }

    fn walk(&mut self, now: &str) -> usize {
        let context = self.context(now);
        let account = self.account.as_ref().unwrap();
        let decided = walk::decide(account, Walk::Review, People::default(), None, &context).unwrap();
        self.write(decided.writes)
    }

    fn issued(&self) -> Vec<String> {
        self.discounts.iter().map(|discount| format!("{} by {}", discount.rule, discount.issued_by)).collect()
    }

    /// What entries say of entering tiers.
    fn told(&self) -> Vec<String> {
        let changes = self.entries.iter().flat_map(|entry| &entry.changes);
        changes
            .filter_map(|change| match change {
                Change::Points(PointsChange::ForTier { tier, points, .. }) => Some(format!("{tier}: {points}")),
                Change::Discount(DiscountChange::ForTier { tier, rule, withheld, .. }) => {
                    Some(format!("{tier}: {rule}{}", if *withheld { " withheld" } else { "" }))
                }
                _ => None,
            })
            .collect()
    }

    fn account(&self) -> &Account {
        self.account.as_ref().unwrap()
    }
}

#[test]
fn each_tier_that_an_order_passes_brings_its_discount_once() {
    let mut shop = Shop::of(&document());
    shop.order("o-1", 1, 5_000, "2030-01-01T00:00:00Z");
    assert_eq!(shop.issued(), ["for-silver by tier silver", "for-gold by tier gold"]);
    assert_eq!(shop.told(), ["silver: for-silver", "gold: 500", "gold: for-gold"]);
    let [silver, gold] = &shop.discounts[..] else { panic!("two") };
    assert_ne!(silver.code, gold.code);
    assert_eq!((silver.expires_at, silver.percent.0), (at("2030-01-31T00:00:00Z"), 500));
    assert_eq!((shop.account().discounts.len(), shop.account().lifetime.discounts_issued), (2, 2));
    // Undone and reached again, it brings nothing more, and what it brought stays.
    shop.order("o-1", 2, 10, "2030-01-01T00:00:00Z").order("o-1", 3, 5_000, "2030-01-01T00:00:00Z");
    assert_eq!((shop.account().tier.as_str(), shop.discounts.len(), shop.told().len()), ("gold", 2, 3));
    assert_eq!(shop.account().discounts.len(), 2);
}

#[test]
fn an_amendment_that_raises_the_tier_brings_it_too() {
    let mut shop = Shop::of(&document());
    shop.order("o-1", 1, 999, "2030-01-01T00:00:00Z");
    assert_eq!(shop.issued(), Vec::<String>::new());
    shop.order("o-1", 2, 1_000, "2030-01-01T00:00:00Z");
    assert_eq!(shop.issued(), ["for-silver by tier silver"]);
}

#[test]
fn an_invitation_brings_the_discount_of_its_own_tier_alone() {
    let mut shop = Shop::of(&document());
    shop.order("o-1", 1, 10, "2030-01-01T00:00:00Z");
    for (tier, when) in [(json!("circle"), 2), (json!(null), 3), (json!("circle"), 4)] {
        let document = invitation::invitation_document(&json!({"tier": tier, "reason": "Key account"})).unwrap();
        let now = format!("2030-01-0{when}T00:00:00Z");
        let decided = invitation::decide(shop.account.as_ref(), &document, &shop.context(&now)).unwrap();
        shop.write(decided.writes);
    }
    assert_eq!(shop.issued(), ["for-circle by tier circle"]);
    let code = &shop.discounts[0].code;
    assert!(shop.account().discounts.iter().any(|open| open.code == *code));
}

#[test]
fn with_no_room_for_one_more_it_is_withheld_for_good() {
    let mut shop = Shop::of(&document());
    shop.order("o-1", 1, 10, "2030-01-01T00:00:00Z");
    let open = |number: u64| OpenDiscount {
        rule: RuleId::parse("other").unwrap(),
        code: Code::of_bits(number),
        expires_at: Instant::NEVER,
        told_days: 0,
        terms: None,
    };
    shop.account.as_mut().unwrap().discounts = (0..9).map(open).collect();
    shop.order("o-2", 1, 5_000, "2030-01-02T00:00:00Z");
    assert_eq!(shop.issued(), ["for-silver by tier silver"]);
    assert_eq!(shop.told(), ["silver: for-silver", "gold: 500", "gold: for-gold withheld"]);
    shop.account.as_mut().unwrap().discounts.clear();
    shop.order("o-3", 1, 10, "2030-01-03T00:00:00Z");
    shop.walk("2030-01-04T00:00:00Z");
    assert_eq!(shop.discounts.len(), 1);
}

#[test]
fn what_time_alone_leads_to_brings_points_at_once_and_the_discount_with_the_next_walk() {
    let mut shop = Shop::of(&by_months());
    shop.order("o-1", 1, 10, "2030-01-10T00:00:00Z");
    let entered_at = at("2030-02-01T00:00:00Z");
    let mut forecast = Forecast::default();
    forecast.add(shop.account(), &shop.schedule, at("2030-01-11T00:00:00Z"), at("2030-03-01T00:00:00Z")).unwrap();
    assert_eq!((forecast.tier_points.points, forecast.tier_discounts), (Points(70), 1));
    // Another command writes the tier down first; the discount is still owed, and the account is due for it.
    shop.order("o-2", 1, 10, "2030-02-03T00:00:00Z");
    assert_eq!((shop.told(), shop.discounts.len()), (vec!["silver: 70".to_owned()], 0));
    assert_eq!(shop.account().owed, [OwedDiscount { tier: TierId::parse("silver").unwrap(), entered_at }]);
    let now = at("2030-02-03T00:00:00Z");
    assert_eq!(shop.account().next_change(&shop.schedule, now), Ok(Some(entered_at)));
    assert_eq!(shop.walk("2030-02-04T00:00:00Z"), 3, "the account, its entry and the discount");
    assert_eq!((shop.issued(), shop.account().owed.len()), (vec!["for-silver by tier silver".to_owned()], 0));
    assert_eq!(shop.discounts[0].expires_at, at("2030-03-06T00:00:00Z"));
    assert_eq!(shop.walk("2030-02-05T00:00:00Z"), 0);
}

#[test]
fn who_has_left_by_then_is_issued_none() {
    let mut shop = Shop::of(&by_months());
    shop.order("o-1", 1, 10, "2030-01-10T00:00:00Z");
    shop.account.as_mut().unwrap().status = Status::Closed;
    shop.walk("2030-02-01T00:00:00Z");
    assert_eq!(shop.told(), ["silver: 70", "silver: for-silver withheld"]);
    assert_eq!((shop.discounts.len(), shop.account().owed.len()), (0, 0));
}

#[test]
fn a_walk_that_writes_the_tier_down_issues_its_discount_itself() {
    let mut shop = Shop::of(&by_months());
    shop.order("o-1", 1, 10, "2030-01-10T00:00:00Z");
    assert_eq!(shop.walk("2030-02-01T00:00:00Z"), 3);
    assert_eq!(shop.told(), ["silver: 70", "silver: for-silver"]);
}

#[test]
fn what_a_tier_brings_is_read_or_refused_by_its_path() {
    type Row = (fn(&mut Value), &'static [&'static str]);
    let rows: [Row; 6] = [
        (|on_entry| *on_entry = json!({}), &[".points missing"]),
        (|on_entry| *on_entry = json!({"points": 0, "discount": null}), &[".points out_of_range"]),
        (|on_entry| on_entry["discount"]["percent"] = json!("101"), &[".discount.percent out_of_range"]),
        (|on_entry| on_entry["discount"]["name"] = json!(null), &[".discount.name missing"]),
        (|on_entry| on_entry["discount"]["id"] = json!("for-silver"), &[".discount.id duplicate"]),
        (|on_entry| on_entry["perk"] = json!("x"), &[".perk unknown_field"]),
    ];
    for (change, expected) in rows {
        let mut document = document();
        change(&mut document["tiers"]["levels"][2]["on_entry"]);
        let expected: Vec<_> = expected.iter().map(|fault| format!("$.tiers.levels[2].on_entry{fault}")).collect();
        assert_eq!(faults(&document), expected);
    }
    let mut idle = document();
    idle["tiers"]["levels"][0]["on_entry"] = json!({"points": 5});
    assert_eq!(faults(&idle), ["$.tiers.levels[0].on_entry never_fires"]);
}

fn faults(document: &Value) -> Vec<String> {
    let faults: Faults = Program::from_new(document, &ProgramName::parse("p").unwrap()).err().unwrap_or_default();
    faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect()
}
