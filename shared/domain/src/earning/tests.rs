#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod conditions;
mod effects;
mod eligible;
mod limits;
mod paid_with;
mod stacking;

use super::*;
use crate::activity::{Activity, Purchase};
use crate::id::{Segment, TierId};
use crate::membership::Role;
use crate::money::Minor;
use crate::order::Order;
use crate::program::Program;
use crate::score::Outcome;
use crate::time::Instant;
use serde_json::{Value, json};

/// A program of these rules: the member's tier multiplies by 1, silver's by 1.25, none by 0.
pub(super) fn program(rules: &Value) -> Program {
    let tier = |id: &str, threshold: &str, multiplier: &str| json!({"id": id, "name": id, "threshold": threshold, "multiplier": multiplier});
    Program::from_json(&json!({
        "name": "earning", "currency": "GBP", "time_zone": "Europe/London",
        "enrolment": { "unknown_account": "enrol" }, "eligibility": { "excluded_skus": ["POST"] },
        "earning_rules": rules, "points": { "validity_months": 24 },
        "tiers": { "window_months": 12, "levels": [
            tier("member", "0", "1"), tier("silver", "1000", "1.25"), tier("none", "5000", "0"),
        ]},
    }))
    .unwrap()
}

/// One rule with an id, and what else it says.
pub(super) fn rule(id: &str, more: Value) -> Value {
    let mut rule = json!({"id": id, "name": id});
    rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rule
}

/// A line: SKU, units, what it comes to; more of it.
pub(super) fn line(sku: &str, units: u64, amount: &str, more: Value) -> Value {
    let mut line = json!({"sku": sku, "quantity": units, "amount": amount});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

pub(super) fn plain(sku: &str, units: u64, amount: &str) -> Value {
    line(sku, units, amount, json!({}))
}

pub(super) fn order(placed_at: &str, lines: &[Value]) -> Order {
    let mut lines = lines.to_vec();
    for (line, number) in lines.iter_mut().zip(1..) {
        line["line_id"] = json!(number.to_string());
    }
    Order::from_json(&json!({
        "source": "shop", "order_id": "1", "account_id": "acme", "placed_at": placed_at, "currency": "GBP",
        "lines": lines,
    }))
    .unwrap()
}

/// An account before an order.
pub(super) struct Buyer {
    pub tier: TierId,
    pub segments: Vec<Segment>,
    pub orders: u64,
    pub activity: Activity,
    pub role: Option<Role>,
    pub left: Vec<Left>,
}

impl Buyer {
    pub fn of(tier: &str) -> Self {
        let tier = TierId::parse(tier).unwrap();
        Self { tier, segments: Vec::new(), orders: 0, activity: Activity::default(), role: None, left: Vec::new() }
    }

    /// It has ordered in that month before, for so many pence.
    pub fn ordered(mut self, month: &str, pence: i64) -> Self {
        let purchase = Purchase {
            month: crate::time::Month::parse(month).unwrap(),
            day_of_month: 1,
            units: 1,
            revenue: Minor(pence),
            eligible: Minor(pence),
            earned: Points::ZERO,
            discounts_used: 0,
            discount_value: Minor::ZERO,
            aside: crate::activity::Aside::NONE,
        };
        self.activity.add(&purchase).unwrap();
        self.orders += 1;
        self
    }

    /// What is known of it for an order that is scored for the first time.
    pub fn known<'a>(&'a self, program: &Program, order: &Order) -> Known<'a> {
        Known::Account(AccountFacts {
            earns_nothing: None,
            tier: &self.tier,
            segments: &self.segments,
            orders: self.orders,
            activity: &self.activity,
            month: program.calendar.month(order.placed_at),
            role: self.role,
            left: &self.left,
        })
    }
}

/// What every rule comes to for an order: its points, or the condition that failed.
pub(super) fn judged(program: &Program, order: &Order, buyer: &Buyer) -> Vec<Result<i64, Condition>> {
    let known = buyer.known(program, order);
    let mut found = Vec::new();
    let basket = Basket::whole(program, order).unwrap();
    let total = judge(program, &basket, &known, |ruling| {
        found.push(match ruling.outcome {
            Outcome::Fired => Ok(ruling.points.0),
            Outcome::Missed(condition) => Err(condition),
        });
    });
    let sum: i64 = found.iter().flatten().sum();
    assert_eq!(total, Ok(Points(sum)));
    found
}

pub(super) const NOON: &str = "2011-03-01T12:00:00Z";

/// The same of a member's order of these lines at noon.
pub(super) fn earned(rules: &Value, lines: &[Value]) -> Vec<Result<i64, Condition>> {
    judged(&program(rules), &order(NOON, lines), &Buyer::of("member"))
}

#[test]
fn every_condition_has_a_number_and_a_name_of_its_own() {
    let numbers: Vec<_> = Condition::ALL.iter().map(|condition| *condition as u8).collect();
    // They are stored: whatever is added, these stay.
    let stored = [
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 40, 41, 42, 43, 44, 112, 113, 114, 115, 64, 65, 66, 67, 68, 69, 80, 128,
        129, 130, 131, 132, 133, 134,
    ];
    assert_eq!(numbers[..stored.len()], stored);
    let distinct = |mut all: Vec<&str>| {
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        all.len() == count
    };
    assert!(distinct(Condition::ALL.iter().map(|condition| condition.name()).collect()));
    let of_account: Vec<_> = Condition::ALL.iter().filter(|condition| condition.is_of_account()).collect();
    assert!(of_account.iter().all(|condition| (64..128).contains(&(**condition as u8))));
    assert_eq!(of_account.len(), 11);
}

#[test]
fn what_the_account_decided_is_read_from_the_score_ever_after() {
    let rules = json!([
        rule("all", json!({"points": 1, "per": "1"})),
        rule("vip", json!({"points": 10, "when": {"segments": {"include": ["vip"]}}})),
    ]);
    let program = program(&rules);
    let order = order(NOON, &[plain("TEA", 1, "5.00")]);
    let mut buyer = Buyer::of("member");
    assert_eq!(judged(&program, &order, &buyer), [Ok(5), Err(Condition::Segments)]);
    buyer.segments = vec![Segment::parse("vip").unwrap()];
    assert_eq!(judged(&program, &order, &buyer), [Ok(5), Ok(10)]);
    for (outcomes, points) in [
        (vec![Outcome::Fired, Outcome::Missed(Condition::Segments)], 5),
        (vec![Outcome::Fired, Outcome::Fired], 15),
        // What failed by the order then may hold of it now.
        (vec![Outcome::Fired, Outcome::Missed(Condition::NothingEligible)], 15),
        // Of before there were conditions.
        (vec![], 15),
    ] {
        let score = score(&program, outcomes.clone());
        let basket = Basket::whole(&program, &order).unwrap();
        assert_eq!(super::points(&program, &basket, &Known::Scored(&score)), Ok(Points(points)), "{outcomes:?}");
    }
}

fn score(program: &Program, outcomes: Vec<Outcome>) -> crate::score::Score {
    let tier = program.tiers.levels.lowest.id.clone();
    crate::score::Score {
        program_version: 1,
        decided_at: Instant::MIN,
        entry: 1,
        tier: tier.clone(),
        tier_after: tier,
        raise: None,
        qualifying: crate::money::Measure::ZERO,
        beyond_kept_months: false,
        eligible: Minor::ZERO,
        points: Points::ZERO,
        available_at: None,
        expires_at: Instant::MAX,
        balance: Points::ZERO,
        outcomes,
        issued: Vec::new(),
        taken_off: Vec::new(),
        qualified_referral: false,
        granted: Vec::new(),
        gifts: Vec::new(),
    }
}
