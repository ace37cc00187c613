#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
use super::*;
use crate::activity::{Activity, MonthActivity};
use crate::amendment;
use crate::code::{Code, Secrets};
use crate::discount::Discount;
use crate::ledger::{DiscountChange, OrderChange, PointsChange};
use crate::returns::{CancellationDocument, Reversing};
use crate::schedule::{Activation, Schedule};
use crate::walk::{self, People};
use crate::warning::Walk;
use serde_json::{Value, json};

fn wholesale() -> Value {
    json!({
        "name": "wholesale", "currency": "GBP", "time_zone": "Europe/London",
        "enrolment": { "unknown_account": "enrol" },
        "eligibility": { "excluded_skus": ["POST"] },
        "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1.00" }],
        "points": { "validity_months": 24 },
        "tiers": { "window_months": 12, "levels": [
            { "id": "member", "name": "Member", "threshold": "0", "multiplier": "0" },
            { "id": "silver", "name": "Silver", "threshold": "1000", "multiplier": "1.25" },
            { "id": "gold", "name": "Gold", "threshold": "5000", "multiplier": "1.5" },
        ]},
        "discounts": [{ "id": "next", "name": "Next", "kind": "next_purchase",
            "minimum_total": "500", "percent": "5", "validity_days": 30 }],
    })
}

/// One account under one or more versions of a program.
struct Shop {
    schedule: Schedule,
    secrets: Secrets,
    account: Option<Account>,
    discounts: Vec<Discount>,
    changes: Vec<Change>,
    orders: usize,
}

impl Shop {
    fn new(versions: &[(&str, Value)]) -> Self {
        let activation = |(index, (from, document)): (usize, &(&str, Value))| Activation {
            from: Instant::parse(from).unwrap(),
            version: u32::try_from(index + 1).unwrap(),
            program: Arc::new(Program::from_json(document).unwrap()),
        };
        let schedule = Schedule::new(versions.iter().enumerate().map(activation).collect()).unwrap();
        let secrets = Secrets::parse("1:sixteen bytes long").unwrap();
        Self { schedule, secrets, account: None, discounts: vec![], changes: vec![], orders: 0 }
    }

    fn wholesale() -> Self {
        Self::new(&[("1970-01-01T00:00:00Z", wholesale())])
    }

    fn sell(&mut self, placed_at: &str, pounds: &str) -> Score {
        self.sell_at(placed_at, placed_at, pounds, &[]).unwrap()
    }

    fn sell_at(&mut self, placed_at: &str, now: &str, pounds: &str, codes: &[Code]) -> Result<Score, Rejection> {
        Ok(self.sell_order(placed_at, now, pounds, codes)?.score.clone())
    }

    fn sell_order(
        &mut self,
        placed_at: &str,
        now: &str,
        pounds: &str,
        codes: &[Code],
    ) -> Result<Arc<ScoredOrder>, Rejection> {
        self.orders += 1;
        let order = Order::from_json(&json!({
            "source": "shop", "order_id": self.orders.to_string(), "account_id": "acme",
            "placed_at": placed_at, "currency": "GBP", "discount_codes": codes,
            "lines": [
                { "line_id": "1", "sku": "TEA", "quantity": 1, "unit_price": pounds },
                { "line_id": "2", "sku": "POST", "quantity": 1, "unit_price": "9.99" },
            ],
        }))
        .unwrap();
        let now = Instant::parse(now).unwrap();
        let now = self.account.as_ref().map_or(now, |account| account.last_decided.max(now));
        let context = Context {
            schedule: &self.schedule,
            secrets: &self.secrets,
            by: "test",
            now,
            wall_day: now.utc_day(),
            collisions: 0,
        };
        let named = NamedCode::of_own(&self.discounts);
        let decision =
            decide(self.account.as_ref(), &named, None, &Arc::new(order.clone()), order.content_hash(), &context)?;
        for write in decision.writes {
            match write {
                Write::Put(Record::Account(account), _) => self.account = Some(*account),
                Write::Put(Record::Entry(entry), _) => self.changes = entry.changes,
                Write::Put(Record::Discount(discount), _) => {
                    self.discounts.retain(|held| held.code != discount.code);
                    self.discounts.push(*discount);
                }
                _ => {}
            }
        }
        Ok(decision.answer)
    }

    /// Walks the account, as somebody does who sweeps at that instant.
    fn walk(&mut self, now: &str) {
        let now = Instant::parse(now).unwrap();
        let (schedule, secrets) = (&self.schedule, &self.secrets);
        let context = Context { schedule, secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        let account = self.account.as_ref().unwrap();
        for write in walk::decide(account, Walk::Review, People::default(), None, &context).unwrap().writes {
            match write {
                Write::Put(Record::Account(account), _) => self.account = Some(*account),
                Write::Put(Record::Entry(entry), _) => self.changes = entry.changes,
                _ => {}
            }
        }
    }

    fn tier(&self) -> &str {
        self.account.as_ref().unwrap().tier.as_str()
    }

    fn balance(&self) -> i64 {
        self.account.as_ref().unwrap().holdings.available().unwrap().0
    }
}

#[test]
fn the_tier_held_before_the_order_multiplies_and_the_order_raises_it() {
    let mut shop = Shop::wholesale();
    let first = shop.sell("2011-01-10T10:00:00Z", "999.99");
    assert_eq!((first.points, shop.tier()), (Points(0), "member"));
    let second = shop.sell("2011-01-11T10:00:00Z", "0.01");
    assert_eq!((second.points, shop.tier()), (Points(0), "silver"));
    let third = shop.sell("2011-01-12T10:00:00Z", "4000.00");
    assert_eq!((third.points, shop.tier()), (Points(5_000), "gold"));
    assert_eq!(shop.account.as_ref().unwrap().lifetime.upgrades, 2);
}

#[test]
fn one_order_may_climb_several_levels_in_one_upgrade() {
    let mut shop = Shop::wholesale();
    shop.sell("2011-01-10T10:00:00Z", "6000.00");
    assert_eq!((shop.tier(), shop.account.as_ref().unwrap().lifetime.upgrades), ("gold", 1));
}

#[test]
fn the_window_is_twelve_calendar_months_of_the_programs_zone() {
    // The first order is placed at 2011-06-30 23:30 UTC, which is already July in London.
    for (later, tier) in [("2012-06-30T22:59:59Z", "silver"), ("2012-06-30T23:00:00Z", "member")] {
        let mut shop = Shop::wholesale();
        shop.sell("2011-06-30T23:30:00Z", "600.00");
        shop.sell(later, "400.00");
        assert_eq!(shop.tier(), tier, "{later}");
    }
}

#[test]
fn a_tier_is_never_lowered_by_an_order() {
    let mut shop = Shop::wholesale();
    shop.sell("2011-01-10T10:00:00Z", "1000.00");
    shop.sell("2013-01-10T10:00:00Z", "1.00");
    assert_eq!(shop.tier(), "silver");
}

#[test]
fn a_raise_since_the_review_does_not_bring_back_what_the_review_has_judged() {
    let mut document = wholesale();
    document["tiers"]["review"] = json!({ "hold_months": 1, "grace_days": 0, "downgrade": "to_earned" });
    let mut shop = Shop::new(&[("1970-01-01T00:00:00Z", document)]);
    shop.sell("2010-06-10T12:00:00Z", "6000.00");
    assert_eq!(shop.tier(), "gold");
    shop.sell("2011-08-10T12:00:00Z", "10.00");
    assert_eq!(shop.tier(), "member", "nothing was spent in a year");
    shop.sell("2011-11-10T12:00:00Z", "1200.00");
    assert_eq!(shop.tier(), "silver");
    let late = shop.sell_at("2010-07-01T12:00:00Z", "2011-11-11T12:00:00Z", "10.00", &[]).unwrap();
    assert_eq!((shop.tier(), late.qualifying), ("silver", Measure(121_000)));
    // In a window that no review has judged, a late order counts.
    shop.sell_at("2011-09-01T12:00:00Z", "2011-11-12T12:00:00Z", "3800.00", &[]).unwrap();
    assert_eq!(shop.tier(), "gold");
}

#[test]
fn a_history_goes_on_after_a_sweep_in_the_midst_of_its_import_as_if_there_had_been_none() {
    let mut document = wholesale();
    document["tiers"]["review"] = json!({ "hold_months": 1, "grace_days": 0, "downgrade": "to_earned" });
    let ended = [false, true].map(|swept| {
        let mut shop = Shop::new(&[("1970-01-01T00:00:00Z", document.clone())]);
        shop.sell("2010-12-10T12:00:00Z", "600.00");
        if swept {
            shop.walk("2012-11-22T12:00:00Z");
            assert!(
                matches!(shop.changes[..], [Change::Discount(DiscountChange::Expired { .. })]),
                "{:?}",
                shop.changes
            );
            let decided = shop.account.as_ref().unwrap().last_decided;
            assert_eq!(decided.to_string(), "2011-01-09T12:00:00Z", "when it fell due");
        }
        shop.sell("2011-01-10T12:00:00Z", "6000.00");
        shop.walk("2012-11-22T12:00:00Z");
        Account { version: 0, due: None, ..shop.account.unwrap() }
    });
    assert_eq!(ended[0].tier.as_str(), "member", "nothing was spent in a year");
    assert_eq!(ended[0], ended[1]);
}

#[test]
fn points_end_with_their_last_instant() {
    let mut shop = Shop::wholesale();
    shop.sell("2010-12-01T08:00:00Z", "1000.00");
    shop.sell("2010-12-02T08:00:00Z", "100.00");
    assert_eq!(shop.balance(), 125);
    shop.sell("2012-12-31T23:59:59.999Z", "0.10");
    assert_eq!(shop.balance(), 125);
    shop.sell("2013-01-01T00:00:00Z", "0.10");
    assert_eq!(shop.balance(), 0);
    assert!(
        shop.changes
            .iter()
            .any(|change| matches!(change, Change::Points(PointsChange::Expired { points: Points(125), .. })))
    );
}

#[test]
fn points_of_an_order_that_comes_after_their_end_are_earned_and_expired_at_once() {
    let mut shop = Shop::wholesale();
    shop.sell("2013-02-01T08:00:00Z", "1000.00");
    let late = shop.sell("2010-12-15T08:00:00Z", "100.00");
    assert_eq!((late.points, shop.balance()), (Points(125), 0));
    let account = shop.account.as_ref().unwrap();
    assert_eq!((account.lifetime.earned, account.lifetime.expired), (Points(125), Points(125)));
    assert!(late.expires_at <= late.decided_at);
}

#[test]
fn an_order_older_than_the_months_kept_counts_in_the_lifetime_and_is_flagged() {
    let mut shop = Shop::wholesale();
    shop.sell("2013-02-01T08:00:00Z", "1.00");
    shop.sell("2011-01-31T08:00:00Z", "1000.00");
    assert!(
        shop.changes
            .iter()
            .any(|change| matches!(change, Change::Order(OrderChange::Scored { beyond_kept_months: true, .. })))
    );
    assert_eq!((shop.tier(), shop.account.as_ref().unwrap().lifetime.orders), ("member", 2));
}

#[test]
fn pending_points_wait_for_their_day() {
    let mut document = wholesale();
    document["points"]["pending_days"] = json!(14);
    let mut shop = Shop::new(&[("1970-01-01T00:00:00Z", document)]);
    shop.sell("2011-03-01T10:00:00Z", "1000.00");
    let scored = shop.sell("2011-03-20T10:00:00Z", "100.00");
    assert_eq!((scored.points, shop.balance()), (Points(125), 0));
    // 14 days later summer time has begun: the local midnight is an hour earlier in UTC.
    assert_eq!(scored.available_at, Instant::parse("2011-04-02T23:00:00Z"));
    shop.sell("2011-04-02T22:59:59Z", "0.10");
    assert_eq!(shop.balance(), 0);
    shop.sell("2011-04-02T23:00:00Z", "0.10");
    assert_eq!(shop.balance(), 125);
}

#[test]
fn a_discount_is_issued_from_the_minimum_unless_one_is_open() {
    let mut shop = Shop::wholesale();
    assert_eq!(shop.sell("2011-01-01T10:00:00Z", "499.99").outcomes[1], Outcome::Missed(Condition::BelowMinimum));
    let issuing = shop.sell("2011-01-01T10:00:00Z", "500.00");
    assert_eq!(issuing.issued[0].expires_at, Instant::parse("2011-01-31T10:00:00Z").unwrap());
    let during = shop.sell("2011-01-31T09:59:59.999Z", "500.00");
    assert_eq!(during.outcomes[1], Outcome::Missed(Condition::AlreadyOpen));
    let after = shop.sell("2011-01-31T10:00:00Z", "500.00");
    assert_eq!(after.outcomes[1], Outcome::Fired);
}

#[test]
fn a_discount_is_issued_with_as_many_days_told_as_it_has_left_then() {
    for (placed_at, now, validity_days, told_days) in [
        ("2011-03-01T12:00:00Z", "2011-03-01T12:00:00Z", 30, 30),
        ("2011-03-01T12:00:00Z", "2011-03-01T12:00:00Z", 7, 7),
        ("2011-03-01T23:59:00Z", "2011-03-02T00:01:00Z", 7, 6),
        ("2011-03-01T12:00:00Z", "2011-03-26T09:00:00Z", 30, 5), // the order came late
        ("2011-03-01T12:00:00Z", "2011-03-31T10:00:00Z", 30, 0),
    ] {
        let mut document = wholesale();
        document["discounts"][0]["validity_days"] = json!(validity_days);
        let mut shop = Shop::new(&[("1970-01-01T00:00:00Z", document)]);
        shop.sell_at(placed_at, now, "600.00", &[]).unwrap();
        assert_eq!(shop.account.unwrap().discounts[0].told_days, told_days, "{placed_at}, known at {now}");
    }
}

#[test]
fn a_discount_is_used_once_and_only_before_its_end() {
    let end = "2011-01-31T10:00:00Z";
    for (now, expected) in [("2011-01-31T09:59:59.999Z", None), (end, Some(Unusable::Expired))] {
        let mut shop = Shop::wholesale();
        let code = shop.sell("2011-01-01T10:00:00Z", "500.00").issued[0].code.clone();
        let used = shop.sell_at(now, now, "10.00", std::slice::from_ref(&code));
        let reason = match used {
            Err(Rejection::DiscountUnusable { reason, .. }) => Some(reason),
            _ => None,
        };
        assert_eq!(reason, expected);
        if expected.is_none() {
            let again = shop.sell_at(now, now, "10.00", std::slice::from_ref(&code));
            assert_eq!(again, Err(Rejection::DiscountUnusable { index: Some(0), code, reason: Unusable::Used }));
        }
    }
}

#[test]
fn an_order_that_uses_the_open_discount_may_issue_the_next() {
    let mut shop = Shop::wholesale();
    let code = shop.sell("2011-01-01T10:00:00Z", "500.00").issued[0].code.clone();
    let next =
        shop.sell_at("2011-01-02T10:00:00Z", "2011-01-02T10:00:00Z", "500.00", std::slice::from_ref(&code)).unwrap();
    assert_eq!(next.issued.len(), 1);
    assert_ne!(next.issued[0].code, code);
}

#[test]
fn a_discount_that_would_have_ended_already_is_not_issued() {
    let mut shop = Shop::wholesale();
    let late = shop.sell_at("2011-01-01T10:00:00Z", "2011-01-31T10:00:00Z", "500.00", &[]).unwrap();
    assert_eq!(late.outcomes[1], Outcome::Missed(Condition::ValidityOver));
}

#[test]
fn the_version_is_that_of_the_order_but_never_one_to_come() {
    let mut generous = wholesale();
    generous["tiers"]["levels"][0]["multiplier"] = json!("3");
    let versions = [("2011-01-01T00:00:00Z", wholesale()), ("2011-02-01T00:00:00Z", generous)];
    for (placed_at, now, points) in [
        ("2010-01-15T00:00:00Z", "2011-02-15T00:00:00Z", 0), // the first version is in force since ever
        ("2011-01-31T23:59:59Z", "2011-02-15T00:00:00Z", 0),
        ("2011-02-01T00:00:00Z", "2011-02-15T00:00:00Z", 30),
        ("2011-02-01T06:00:00Z", "2011-01-31T23:00:00Z", 0), // placed by a clock that runs ahead
    ] {
        let mut shop = Shop::new(&versions);
        assert_eq!(shop.sell_at(placed_at, now, "10.00", &[]).unwrap().points, Points(points), "{placed_at}");
    }
}

#[test]
fn what_cannot_be_scored_is_refused() {
    let mut closed = wholesale();
    closed["enrolment"]["unknown_account"] = json!("reject");
    let mut shop = Shop::new(&[("1970-01-01T00:00:00Z", closed)]);
    let now = "2011-01-01T00:00:00Z";
    assert_eq!(shop.sell_at(now, now, "1.00", &[]), Err(Rejection::NotEnrolled));
    let mut shop = Shop::wholesale();
    assert_eq!(shop.sell_at("2011-01-02T00:00:00.001Z", now, "1.00", &[]), Err(Rejection::PlacedInFuture));
    assert!(shop.sell_at("2011-01-02T00:00:00Z", now, "1.00", &[]).is_ok());
    for status in [Status::Suspended, Status::Closed, Status::Pending] {
        shop.account.as_mut().unwrap().status = status;
        assert_eq!(shop.sell_at(now, now, "1.00", &[]), Err(Rejection::AccountNotActive(status)));
    }
}

#[test]
fn the_receipt_gives_every_reason_in_words() {
    let mut shop = Shop::wholesale();
    let mut told = Vec::new();
    for (placed_at, pounds) in
        [("2011-01-10T10:00:00Z", "1200.00"), ("2011-01-11T10:00:00Z", "80.79"), ("2011-03-12T10:00:00Z", "4000.00")]
    {
        let scored = shop.sell_order(placed_at, placed_at, pounds, &[]).unwrap();
        let receipt = crate::receipt::receipt(&scored, &shop.schedule.at(Instant::MIN).program).unwrap();
        assert_eq!(receipt.points, Points::sum(receipt.reasons.iter().filter_map(|reason| reason.points)).unwrap());
        told.extend(receipt.reasons.into_iter().map(|reason| format!("{}: {}", reason.id, reason.text)));
        told.extend(receipt.ineligible_lines.into_iter().map(|line| format!("{}: {}", line.sku, line.reason)));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    earning.missed: Points: no points, because the tier held before the order earns none (1200.00 GBP × 1 per 1.00 GBP × 0 (Member)).
    discount.issued: Next: code B9NQDYYJMA~, until 2011-02-09T10:00:00Z.
    tier.raised: Silver reached: 1200.00 GBP in 12 months; it takes 1000.00 GBP.
    POST: excluded_sku
    earning.fired: Points: 80.79 GBP × 1 per 1.00 GBP × 1.25 (Silver), rounded down = 100 points.
    discount.missed: Next: none issued, because the eligible total is below 500.00 GBP.
    POST: excluded_sku
    earning.fired: Points: 4000.00 GBP × 1 per 1.00 GBP × 1.25 (Silver), rounded down = 5000 points.
    discount.issued: Next: code ERJ4V1T82P$, until 2011-04-11T09:00:00Z.
    tier.raised: Gold reached: 5280.79 GBP in 12 months; it takes 5000.00 GBP.
    POST: excluded_sku
    ");
}

/// Orders were scored before it was noted what their discounts take off: these count for none.
#[test]
fn what_was_not_noted_of_discounts_is_counted_once_the_order_is_amended() {
    let mut shop = Shop::wholesale();
    shop.sell("2011-01-10T10:00:00Z", "500.00");
    let codes = [shop.discounts[0].code.clone()];
    let placed_at = "2011-01-11T10:00:00Z";
    let mut scored = ScoredOrder::clone(&shop.sell_order(placed_at, placed_at, "95.00", &codes).unwrap());
    let mut account = shop.account.clone().unwrap();
    let figures = |account: &Account| {
        let month = account.activity.months()[0];
        (month.discounts_used, month.discount_value, account.lifetime.discount_value, account.lifetime.discounts_used)
    };
    assert_eq!(figures(&account), (1, Minor(500), Minor(500), 1));
    scored.score.taken_off.clear();
    let month = MonthActivity { discounts_used: 0, discount_value: Minor::ZERO, ..account.activity.months()[0] };
    account.activity = Activity::of(vec![month]);
    account.lifetime.discount_value = Minor::ZERO;

    let now = Instant::parse(placed_at).unwrap();
    let (schedule, secrets) = (&shop.schedule, &shop.secrets);
    let context = Context { schedule, secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
    let after = |writes: Vec<Write>| {
        let account = writes.into_iter().find_map(|write| match write {
            Write::Put(Record::Account(account), _) => Some(*account),
            _ => None,
        });
        figures(&account.unwrap())
    };
    let cancelled = Reversing::Cancellation(CancellationDocument { cancelled_at: now });
    let returned = returns::decide(&account, &scored, &cancelled, &[], None, &context).unwrap();
    assert_eq!(after(returned.writes), (0, Minor::ZERO, Minor::ZERO, 1));
    let mut order = Order::clone(&scored.order);
    (order.revision, order.lines[0].quantity) = (1, 2);
    let (hash, order) = (order.content_hash(), Arc::new(order));
    let amended =
        amendment::decide(&account, &NamedCode::of_own(&shop.discounts), &scored, &order, hash, None, &context)
            .unwrap();
    assert_eq!(after(amended.writes), (1, Minor(1_000), Minor(1_000), 1));
}
