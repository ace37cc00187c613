#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
use super::*;
use crate::code::Secrets;
use crate::decision::{Context, Decision};
use crate::ledger::{Entry, OrderChange};
use crate::parked;
use crate::returns::{CancellationDocument, Reversing};
use crate::schedule::{Activation, Schedule};
use crate::score;
use serde_json::{Value, json};

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

/// One account under one version whose points are as given.
struct Shop {
    schedule: Schedule,
    secrets: Secrets,
    account: Option<Account>,
    entries: Vec<Entry>,
}

impl Shop {
    fn new(points: &Value) -> Self {
        let document = json!({
            "name": "paid", "currency": "GBP", "time_zone": "Europe/London",
            "enrolment": { "unknown_account": "enrol" },
            "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1.00" }],
            "points": points,
            "tiers": { "window_months": 12, "levels": [
                { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
            ]},
        });
        let program = Arc::new(Program::from_json(&document).unwrap());
        let schedule = Schedule::new(vec![Activation { from: Instant::MIN, version: 1, program }]).unwrap();
        let secrets = Secrets::parse("1:sixteen bytes long").unwrap();
        Self { schedule, secrets, account: None, entries: Vec::new() }
    }

    fn take<T>(&mut self, now: &str, act: impl FnOnce(Option<&Account>, &Context<'_>) -> Decision<T>) -> T {
        let (schedule, secrets, now) = (&self.schedule, &self.secrets, at(now));
        let context = Context { schedule, secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        let Decision { writes, answer } = act(self.account.as_ref(), &context);
        for write in writes {
            match write {
                Write::Put(Record::Account(account), _) => self.account = Some(*account),
                Write::Put(Record::Entry(entry), _) => self.entries.push(*entry),
                _ => {}
            }
        }
        answer
    }

    /// An order over 100 pounds, placed and decided then.
    fn sell(&mut self, id: &str, placed_at: &str, more: &Value, parked: Option<&ParkedOrder>) -> Arc<ScoredOrder> {
        let order = order(id, placed_at, more);
        self.take(placed_at, |account, context| {
            score::decide(account, &[], parked, &order, order.content_hash(), context).unwrap()
        })
    }

    fn pay(&mut self, scored: &ScoredOrder, now: &str) -> Arc<ScoredOrder> {
        let document = PaymentDocument { paid_at: at(now), reference: None };
        self.take(now, |account, context| decide(account.unwrap(), scored, &document, context).unwrap())
    }

    fn cancel(&mut self, scored: &ScoredOrder, now: &str) -> Arc<ScoredOrder> {
        let reversing = Reversing::Cancellation(CancellationDocument { cancelled_at: at(now) });
        self.take(now, |account, context| {
            returns::decide(account.unwrap(), scored, &reversing, &[], None, context).unwrap()
        })
    }

    /// What can be spent, what waits for a day and what for payment, then what is owed.
    fn figures(&self) -> [i64; 4] {
        let holdings = &self.account.as_ref().unwrap().holdings;
        let dated: i64 = holdings.pending().iter().map(|wait| wait.points.0).sum();
        [holdings.available().unwrap().0, dated, holdings.unpaid().0, holdings.debt().0]
    }
}

fn order(id: &str, placed_at: &str, more: &Value) -> Arc<Order> {
    let mut document = json!({
        "source": "shop", "order_id": id, "account_id": "acme", "placed_at": placed_at, "currency": "GBP",
        "lines": [{ "line_id": "1", "sku": "TEA", "quantity": 10, "unit_price": "10.00" }],
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        document[field] = value.clone();
    }
    Arc::new(Order::from_json(&document).unwrap())
}

fn until_paid() -> Value {
    json!({ "validity_months": 3, "pending_until": "paid" })
}

const MARCH: &str = "2030-03-01T12:00:00Z";

#[test]
fn points_wait_for_the_payment_of_their_order_and_keep_their_end() {
    let mut shop = Shop::new(&until_paid());
    let scored = shop.sell("1", MARCH, &json!({}), None);
    assert_eq!((shop.figures(), scored.score.available_at), ([0, 0, 100, 0], None));
    assert_eq!(shop.entries[0].pending, Points(100));
    let paid = shop.pay(&scored, "2030-05-20T12:00:00Z");
    assert_eq!(shop.figures(), [100, 0, 0, 0]);
    let lots = shop.account.as_ref().unwrap().holdings.lots();
    assert_eq!(lots[0].expires_at, scored.score.expires_at, "counted from the order");
    let payment = paid.history.payment.clone().unwrap();
    assert_eq!((payment.points, payment.balance, payment.entry), (Points(100), Points(100), 2));
    assert_eq!(shop.entries[1].points, Points::ZERO, "they were earned with the order");
}

#[test]
fn the_return_window_counts_from_the_order_and_is_waited_for_too() {
    let mut points = until_paid();
    points["pending_days"] = json!(14);
    for (paid_at, figures, available_at) in [
        ("2030-03-04T12:00:00Z", [0, 100, 0, 0], Some("2030-03-15T00:00:00Z")),
        ("2030-03-15T00:00:00Z", [100, 0, 0, 0], None),
    ] {
        let mut shop = Shop::new(&points);
        let scored = shop.sell("1", MARCH, &json!({}), None);
        let paid = shop.pay(&scored, paid_at);
        assert_eq!(shop.figures(), figures, "{paid_at}");
        assert_eq!(paid.history.payment.as_ref().unwrap().available_at, available_at.map(at));
    }
}

#[test]
fn points_whose_end_has_passed_end_with_the_payment() {
    let mut shop = Shop::new(&until_paid());
    let scored = shop.sell("1", MARCH, &json!({}), None);
    let paid = shop.pay(&scored, "2030-07-01T12:00:00Z");
    assert_eq!(shop.figures(), [0; 4]);
    assert_eq!(shop.account.as_ref().unwrap().lifetime.expired, Points(100));
    assert!(receipt(&paid).unwrap().text.contains("had ended"));
    // As with any order whose points have ended, nothing is taken back then.
    assert_eq!(shop.cancel(&paid, "2030-07-02T12:00:00Z").history.tally.lapsed, Points(100));
}

#[test]
fn an_order_that_says_that_it_is_paid_waits_for_nothing() {
    for (more, figures) in
        [(json!({ "payment_state": "paid" }), [100, 0, 0, 0]), (json!({ "payment_state": "unpaid" }), [0, 0, 100, 0])]
    {
        let mut shop = Shop::new(&until_paid());
        let scored = shop.sell("1", MARCH, &more, None);
        assert_eq!(shop.figures(), figures, "{more}");
        // Whatever is stated of it now says no other thing.
        let stated = PaymentDocument { paid_at: at("2030-02-01T00:00:00Z"), reference: Some("INV-1".to_owned()) };
        let is_paid = figures[0] > 0;
        assert_eq!(repeat(&scored, &stated), is_paid.then_some(Ok(())));
    }
}

#[test]
fn a_payment_that_came_before_its_order_is_taken_in_with_it() {
    let mut shop = Shop::new(&until_paid());
    let key = order("1", MARCH, &json!({})).key.clone();
    let document = PaymentDocument { paid_at: at("2030-02-20T12:00:00Z"), reference: Some("INV-1".to_owned()) };
    let early = at("2030-02-20T13:00:00Z");
    let parked = match parked::park_payment(&key, None, &document, early, "bank").unwrap().writes.remove(0) {
        Write::Put(Record::Parked(parked), Guard::Absent) => *parked,
        other => unreachable!("{other:?}"),
    };
    assert!(parked::park_payment(&key, Some(&parked), &document, early, "bank").unwrap().writes.is_empty());
    let other = PaymentDocument { reference: None, ..document.clone() };
    let paths = vec!["$.reference".to_owned()];
    let differs = parked::park_payment(&key, Some(&parked), &other, early, "bank");
    assert_eq!(differs.map(drop), Err(Rejection::ContentDiffers { paths }));
    let scored = shop.sell("1", MARCH, &json!({}), Some(&parked));
    assert_eq!(shop.figures(), [100, 0, 0, 0]);
    assert_eq!(repeat(&scored, &document), Some(Ok(())));
    let told = shop.entries[0].changes.iter().find_map(|change| match change {
        Change::Order(OrderChange::Paid(told)) => Some((told.paid_at, told.reference.clone(), told.stated_by.clone())),
        _ => None,
    });
    assert_eq!(told, Some((document.paid_at, document.reference, Some("bank".to_owned()))));
}

#[test]
fn what_waits_repays_what_is_owed_once_it_is_paid_and_not_before() {
    let mut shop = Shop::new(&until_paid());
    let spent = shop.sell("1", MARCH, &json!({ "payment_state": "paid" }), None);
    shop.account.as_mut().unwrap().holdings.take(Points(60), None).unwrap();
    let waits = shop.sell("2", "2030-03-02T12:00:00Z", &json!({}), None);
    shop.cancel(&spent, "2030-03-03T12:00:00Z");
    assert_eq!(shop.figures(), [0, 0, 100, 60], "nothing is taken of what another order waits for");
    let paid = shop.pay(&waits, "2030-03-04T12:00:00Z");
    assert_eq!((shop.figures(), paid.history.payment.as_ref().unwrap().points), ([40, 0, 0, 0], Points(100)));
}

#[test]
fn of_an_order_that_is_not_paid_what_comes_off_it_is_what_waits() {
    let mut shop = Shop::new(&until_paid());
    let paid = shop.sell("1", MARCH, &json!({ "payment_state": "paid" }), None);
    let unpaid = shop.sell("2", "2030-03-02T12:00:00Z", &json!({}), None);
    assert_eq!(shop.figures(), [100, 0, 100, 0]);
    let cancelled = shop.cancel(&unpaid, "2030-03-03T12:00:00Z");
    assert_eq!(shop.figures(), [100, 0, 0, 0]);
    assert_eq!(cancelled.history.returns[0].reversal.taken.pending, Points(100));
    let nothing = shop.pay(&cancelled, "2030-03-04T12:00:00Z");
    assert_eq!((shop.figures(), nothing.history.payment.as_ref().unwrap().points), ([100, 0, 0, 0], Points::ZERO));
    shop.cancel(&paid, "2030-03-05T12:00:00Z");
    assert_eq!(shop.figures(), [0; 4]);
}

#[test]
fn where_nothing_waits_for_payment_it_is_noted_and_moves_nothing() {
    let mut shop = Shop::new(&json!({ "validity_months": 3 }));
    let scored = shop.sell("1", MARCH, &json!({ "payment_state": "unpaid" }), None);
    assert_eq!(shop.figures(), [100, 0, 0, 0]);
    let paid = shop.pay(&scored, "2030-03-02T12:00:00Z");
    assert_eq!(shop.figures(), [100, 0, 0, 0]);
    assert_eq!(receipt(&paid).unwrap().text, "The order is paid; no points waited for that.");
}

#[test]
fn a_payment_of_tomorrow_is_taken_and_none_of_the_day_after() {
    let mut shop = Shop::new(&until_paid());
    let scored = shop.sell("1", MARCH, &json!({}), None);
    let decided = |paid_at: &str| {
        let (schedule, secrets, now) = (&shop.schedule, &shop.secrets, at(MARCH));
        let context = Context { schedule, secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        let document = PaymentDocument { paid_at: at(paid_at), reference: None };
        decide(shop.account.as_ref().unwrap(), &scored, &document, &context).map(drop)
    };
    assert_eq!(decided("2030-03-02T12:00:00Z"), Ok(()));
    assert_eq!(decided("2030-03-02T12:00:00.001Z"), Err(Rejection::PaidInFuture));
}

#[test]
fn what_is_wrong_with_a_payment_is_said_at_once() {
    let paths = |document: Value| {
        let faults = payment_document(&document).unwrap_err();
        faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect::<Vec<_>>()
    };
    for (document, expected) in [
        (json!([]), &["$ wrong_type"][..]),
        (json!({}), &["$.paid_at missing"]),
        (json!({ "paid_at": "2030-03-01" }), &["$.paid_at invalid_time"]),
        (
            json!({ "paid_at": 1, "reference": "x".repeat(65), "state": "paid" }),
            &["$.state unknown_field", "$.paid_at wrong_type", "$.reference invalid_text"],
        ),
    ] {
        assert_eq!(paths(document.clone()), expected, "{document}");
    }
    let detail = json!({ "source": "erp", "order_id": "a b", "paid_at": "2030-03-01T12:00:00Z" });
    assert!(event_document(&detail).is_err());
}

#[test]
fn an_event_about_an_order_may_name_the_account_in_whose_name_it_waits() {
    let of = |account: serde_json::Value| {
        event_document(&json!({
            "source": "erp", "order_id": "7", "account_id": account, "paid_at": "2030-03-01T12:00:00Z",
        }))
    };
    let named = of(json!("acme")).unwrap();
    assert_eq!(named, of(json!(null)).unwrap());
    assert_eq!(named.0.order_id.as_str(), "7");
    for account in [json!("a b"), json!(""), json!(7), json!({})] {
        let faults = of(account.clone()).unwrap_err();
        assert_eq!(
            faults.listed().iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(),
            ["$.account_id"],
            "{account}"
        );
    }
}
