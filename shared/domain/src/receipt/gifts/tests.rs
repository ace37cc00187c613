#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
use crate::account::Account;
use crate::amendment;
use crate::code::{Code, Secrets};
use crate::decision::{Context, Record, Write};
use crate::discount::{Discount, OpenDiscount};
use crate::id::RuleId;
use crate::money::Points;
use crate::named_code::NamedCode;
use crate::order::Order;
use crate::program::{Program, sample};
use crate::receipt::{Receipt, receipt};
use crate::schedule::{Activation, Schedule};
use crate::score::{self, ScoredOrder};
use crate::time::Instant;
use serde_json::{Value, json};
use std::sync::Arc;

fn off(id: &str) -> Value {
    json!({"id": id, "name": "For you", "percent": "5", "validity_days": 30})
}

/// Silver brings a discount, gold points and one; whoever comes is welcomed, and every second order brings something.
fn document() -> Value {
    let mut document = sample::with(
        "occasions",
        &json!([
            {"id": "welcome", "name": "Welcome!", "on": "welcome", "give": {"points": 40}},
            {"id": "second", "name": "Every second order", "on": "nth_order", "every_orders": 2,
             "give": {"points": 25, "discount": off("again")}},
        ]),
    );
    document["points"]["pending_days"] = json!(14);
    document["tiers"]["levels"] = json!([
        {"id": "member", "name": "Member", "threshold": "0", "multiplier": "1"},
        {"id": "silver", "name": "Silver", "threshold": "100", "multiplier": "1",
         "on_entry": {"discount": off("for-silver")}},
        {"id": "gold", "name": "Gold", "threshold": "1000", "multiplier": "1",
         "on_entry": {"points": 250, "discount": off("for-gold")}},
        {"id": "platinum", "name": "Platinum", "threshold": "5000", "multiplier": "1", "on_entry": {"points": 7}},
    ]);
    document
}

struct Shop {
    schedule: Schedule,
    secrets: Secrets,
    account: Option<Account>,
    orders: Vec<Arc<ScoredOrder>>,
    discounts: Vec<Discount>,
}

impl Shop {
    fn of(document: &Value) -> Self {
        let program = Arc::new(Program::from_json(document).unwrap());
        let schedule = Schedule::only(Activation { from: Instant::MIN, version: 1, program });
        let secrets = Secrets::parse("1:a secret for receipts").unwrap();
        Self { schedule, secrets, account: None, orders: Vec::new(), discounts: Vec::new() }
    }

    /// States an order of so many pounds, for the first time or anew.
    fn order(&mut self, id: &str, revision: u32, pounds: u32) -> Receipt {
        let now = "2030-01-02T12:00:00Z";
        let order = Order::from_json(&json!({
            "source": "shop", "order_id": id, "account_id": "acme", "placed_at": now, "currency": "GBP",
            "revision": revision,
            "lines": [{"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": pounds.to_string()}],
        }));
        let (order, now) = (Arc::new(order.unwrap()), Instant::parse(now).unwrap());
        let (schedule, secrets, hash) = (&self.schedule, &self.secrets, order.content_hash());
        let context = Context { schedule, secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        let stored = self.orders.iter().rev().find(|scored| scored.order.key == order.key);
        let account = self.account.as_ref();
        let found = NamedCode::of_own(&self.discounts);
        let decided = match stored {
            None => score::decide(account, &[], None, &order, hash, &context),
            Some(stored) => amendment::decide(account.unwrap(), &found, stored, &order, hash, None, &context),
        };
        let decided = decided.unwrap();
        for write in decided.writes {
            match write {
                Write::Put(Record::Account(account), _) => self.account = Some(*account),
                Write::Put(Record::Discount(discount), _) => self.discounts.push(*discount),
                Write::Put(Record::Order(scored), _) => self.orders.push(scored),
                _ => {}
            }
        }
        receipt(&decided.answer, &self.schedule.at(now).program).unwrap()
    }

    /// Has its account as many discounts open as it can have.
    fn fill(&mut self) {
        let open = |number: u64| OpenDiscount {
            rule: RuleId::parse("other").unwrap(),
            code: Code::of_bits(number),
            expires_at: Instant::NEVER,
            told_days: 0,
            terms: None,
        };
        self.account.as_mut().unwrap().discounts = (0..10).map(open).collect();
    }
}

/// What a receipt says of everything but the earning rules.
fn besides(receipt: &Receipt) -> Vec<String> {
    let besides = receipt.reasons.iter().filter(|reason| !reason.id.starts_with("earning."));
    besides.map(|reason| format!("{} {}: {}", reason.id, reason.rule, reason.text)).collect()
}

/// Points that its reasons tell of.
fn told(receipt: &Receipt) -> Points {
    Points::sum(receipt.reasons.iter().filter_map(|reason| reason.points)).unwrap()
}

#[test]
fn all_that_an_order_brings_is_told_with_the_points_that_wait() {
    let mut shop = Shop::of(&document());
    let first = shop.order("o-1", 1, 10);
    assert_eq!(
        besides(&first),
        [
            "occasion.given welcome: Welcome: 40 points.",
            "points.pending points: The points can be spent from 2030-01-16T00:00:00Z.",
        ]
    );
    assert_eq!((first.points, first.balance, told(&first)), (Points(10), Points(40), Points(50)));
    let second = shop.order("o-2", 1, 1_000);
    let code = |rule: &str| {
        let issued = shop.discounts.iter().find(|discount| discount.rule.as_str() == rule).unwrap();
        issued.code.clone()
    };
    let [silver, gold, again] = ["for-silver", "for-gold", "again"].map(code);
    assert_eq!(
        besides(&second),
        [
            "tier.raised gold: Gold reached: 1010.00 GBP in 12 months; it takes 1000.00 GBP.".to_owned(),
            format!("tier.entered silver: For becoming Silver: a discount, code {silver}."),
            format!("tier.entered gold: For becoming Gold: 250 points and a discount, code {gold}."),
            format!("occasion.given second: Every second order: 25 points and a discount, code {again}."),
            "points.pending points: The points can be spent from 2030-01-16T00:00:00Z.".to_owned(),
        ]
    );
    assert_eq!((second.points, second.balance, told(&second)), (Points(1_000), Points(40 + 275), Points(1_275)));
    let entered = serde_json::to_value(&second.reasons[2]).unwrap();
    let expected = json!({"id": "tier.entered", "rule": "silver", "fired": true, "discount": silver,
        "text": format!("For becoming Silver: a discount, code {silver}.")});
    assert_eq!(entered, expected, "no points, no word of points");
    // What was given once is not given by the next order, and not told of it.
    assert_eq!(besides(&shop.order("o-3", 1, 10)).len(), 1);
}

#[test]
fn what_there_was_no_room_for_is_told_too() {
    let mut shop = Shop::of(&document());
    shop.order("o-1", 1, 10);
    shop.fill();
    let receipt = shop.order("o-2", 1, 1_000);
    let gifts = &receipt.reasons[2..5];
    let texts: Vec<_> = gifts.iter().map(|reason| (reason.text.as_str(), reason.fired)).collect();
    assert_eq!(
        texts,
        [
            ("For becoming Silver: its discount was not issued.", false),
            ("For becoming Gold: 250 points; its discount was not issued.", true),
            ("Every second order: 25 points; its discount was not issued.", true),
        ]
    );
    assert!(gifts.iter().all(|reason| reason.discount.is_none()));
}

#[test]
fn what_amendments_bring_is_told_by_every_statement_after_them() {
    let mut shop = Shop::of(&document());
    let first = besides(&shop.order("o-1", 1, 10));
    let raised = shop.order("o-1", 2, 1_000);
    assert_eq!((raised.points, raised.balance, told(&raised)), (Points(1_000), Points(290), Points(1_290)));
    let ids = |receipt: &Receipt| -> Vec<String> {
        let gifts = receipt.reasons.iter().filter(|reason| ["tier.entered", "occasion.given"].contains(&reason.id));
        gifts.map(|reason| reason.rule.clone()).collect()
    };
    assert_eq!(ids(&raised), ["welcome", "silver", "gold"]);
    // Undone, the gifts stay its account's; raised further, it brings what it had not.
    assert_eq!(ids(&shop.order("o-1", 3, 20)), ["welcome", "silver", "gold"]);
    let further = shop.order("o-1", 4, 5_000);
    assert_eq!(ids(&further), ["welcome", "silver", "gold", "platinum"]);
    assert_eq!((further.balance, told(&further)), (Points(297), Points(5_297)));
    let undone = shop.order("o-1", 5, 10);
    assert_eq!(first, [&besides(&undone)[..1], &besides(&undone)[4..]].concat(), "but for what it has brought since");
}

#[test]
fn points_that_wait_for_payment_or_for_nothing_are_not_pending_until_a_day() {
    for (until, days, expected) in
        [(Some("paid"), 14, &["points.until_paid"][..]), (None, 14, &["points.pending"]), (None, 0, &[])]
    {
        let mut document = document();
        document["points"]["pending_days"] = json!(days);
        document["points"]["pending_until"] = json!(until);
        let receipt = Shop::of(&document).order("o-1", 1, 10);
        let ids: Vec<_> =
            receipt.reasons.iter().map(|reason| reason.id).filter(|id| id.starts_with("points.")).collect();
        assert_eq!(ids, expected);
        let nothing = Shop::of(&document).order("o-1", 1, 0);
        assert!(nothing.reasons.iter().all(|reason| !reason.id.starts_with("points.")), "nothing waits");
    }
}
