#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects)]

use super::*;
use crate::activity::Lifetime;
use crate::adjustment::{self, adjustment_document};
use crate::decision::{Context, Decision, Record, Rejection, Write};
use crate::id::TierId;
use crate::idempotency::CommandKey;
use crate::money::{Minor, Points};
use crate::named_code::NamedCode;
use crate::order::Order;
use crate::program::Program;
use crate::returns::{self, Reversing, return_document};
use crate::schedule::Activation;
use crate::score;
use serde_json::{Value, json};

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn in_force() -> Value {
    json!({
        "name": "p", "currency": "GBP", "time_zone": "UTC", "enrolment": { "unknown_account": "enrol" },
        "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1" }],
        "points": { "validity_months": 2 },
        "tiers": { "window_months": 12, "levels": [
            { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
            { "id": "silver", "name": "Silver", "threshold": "500", "multiplier": "2" },
        ]},
        "discounts": [{
            "id": "next", "name": "Next", "kind": "next_purchase",
            "minimum_total": "300", "percent": "10", "validity_days": 30,
        }],
        "metrics": { "point_value": "0.01" },
    })
}

/// Twice the points, silver out of reach, twice the discount.
fn generous() -> Value {
    let mut draft = in_force();
    draft["earning_rules"][0]["points"] = json!(2);
    draft["tiers"]["levels"][1]["threshold"] = json!("700");
    draft["discounts"][0]["percent"] = json!("20");
    draft
}

fn schedule(document: &Value) -> Schedule {
    let program = Arc::new(Program::from_json(document).unwrap());
    Schedule::new(vec![Activation { from: Instant::MIN, version: 1, program }]).unwrap()
}

fn secrets() -> Secrets {
    Secrets::parse("1:a secret for simulations").unwrap()
}

/// A history as it is stored.
struct History {
    schedule: Schedule,
    secrets: Secrets,
    account: Option<Account>,
    entries: Vec<Entry>,
    orders: BTreeMap<OrderKey, Arc<ScoredOrder>>,
    discounts: BTreeMap<Code, Discount>,
}

impl History {
    fn under(document: &Value) -> Self {
        Self {
            schedule: schedule(document),
            secrets: secrets(),
            account: None,
            entries: Vec::new(),
            orders: BTreeMap::new(),
            discounts: BTreeMap::new(),
        }
    }

    fn decide<T>(&mut self, now: &str, decide: impl FnOnce(&Self, &Context<'_>) -> Result<Decision<T>, Rejection>) {
        let (now, schedule, secrets) = (at(now), &self.schedule, &self.secrets);
        let context = Context { schedule, secrets, by: "shop", now, wall_day: now.utc_day(), collisions: 0 };
        for write in decide(self, &context).unwrap_or_else(|why| panic!("{why:?}")).writes {
            match write {
                Write::Put(Record::Account(account), _) => self.account = Some(*account),
                Write::Put(Record::Entry(entry), _) => self.entries.push(*entry),
                Write::Put(Record::Order(scored), _) => drop(self.orders.insert(scored.order.key.clone(), scored)),
                Write::Put(Record::Discount(discount), _) => {
                    drop(self.discounts.insert(discount.code.clone(), *discount));
                }
                _ => {}
            }
        }
    }

    /// An order of so many units at a price, which uses all discounts that are open.
    fn order(&mut self, id: &str, now: &str, units: u64, price: &str) {
        self.decide(now, |history, context| {
            let open = history.account.iter().flat_map(|account| &account.discounts);
            let codes: Vec<_> = open.map(|open| open.code.clone()).collect();
            let order = Order::from_json(&json!({
                "source": "shop", "order_id": id, "account_id": "acme", "placed_at": now, "currency": "GBP",
                "lines": [{ "line_id": "1", "sku": "MUG", "quantity": units, "unit_price": price }],
                "discount_codes": codes,
            }));
            let named = NamedCode::of_own(codes.iter().filter_map(|code| history.discounts.get(code)));
            score::decide(history.account.as_ref(), &named, None, &Arc::new(order.unwrap()), [0; 32], context)
        });
    }

    fn returned(&mut self, id: &str, now: &str, units: u64) {
        self.decide(now, |history, context| {
            let scored = history.orders.values().find(|scored| scored.order.key.order_id.as_str() == id).unwrap();
            let lines = json!([{ "line_id": "1", "quantity": units }]);
            let document = json!({ "return_id": format!("r-{id}-{now}"), "returned_at": now, "lines": lines });
            let reversing = Reversing::Return(return_document(&document).unwrap());
            returns::decide(history.account.as_ref().unwrap(), scored, &reversing, &[], None, context)
        });
    }

    fn adjusted(&mut self, now: &str, document: &Value) {
        self.decide(now, |history, context| {
            let document = adjustment_document(document).unwrap();
            adjustment::adjust(history.account.as_ref(), &document, &CommandKey::opening(), context)
        });
    }

    fn facts(&self) -> Facts {
        Facts {
            account: self.account.clone().unwrap(),
            entries: self.entries.clone(),
            orders: self.orders.clone(),
            discounts: self.discounts.clone(),
            credit_notes: BTreeMap::new(),
            opening: None,
            roles: BTreeMap::new(),
        }
    }

    fn simulated(&self, draft: &Value, as_of: &str) -> (Compared, Report) {
        let (draft, secrets) = (schedule(draft), secrets());
        let plan = Plan { in_force: &self.schedule, draft: &draft, secrets: &secrets, as_of: at(as_of), assumed: None };
        let compared = simulate(&self.facts(), &plan).unwrap();
        let mut report = Report::new(Worth::of(&plan));
        report.add(&compared).unwrap();
        (compared, report)
    }
}

/// Three orders and a return.
fn three_orders() -> History {
    let mut history = History::under(&in_force());
    history.order("o-1", "2030-01-10T12:00:00Z", 2, "100.00");
    history.order("o-2", "2030-02-10T12:00:00Z", 4, "100.00");
    history.order("o-3", "2030-02-20T12:00:00Z", 1, "90.00");
    history.returned("o-2", "2030-02-25T12:00:00Z", 2);
    history
}

fn points(figures: &Figures) -> [i64; 4] {
    let kept = figures.points_kept().unwrap();
    [figures.points_issued, figures.points_reversed, figures.points_expired, kept].map(|points| points.0)
}

/// The second order (400.00) makes silver (600.00 in all) and issues 10 %, which the third (90.00) uses: it was 100.00
/// before. Half of the second comes back, and in April the points of January end. Under the draft nobody is silver
/// (690.00 at most), so the third order counts once; its 20 % come from 112.50.
#[test]
fn three_orders_worked_out_by_hand() {
    let (compared, report) = three_orders().simulated(&generous(), "2030-04-15T12:00:00Z");
    assert!(compared.is_reproduced());
    let (before, after) = (&report.total.in_force, &report.total.draft);
    assert_eq!(points(&before.figures), [200 + 400 + 180, 200, 200, 380]);
    assert_eq!(points(&after.figures), [400 + 800 + 180, 400, 400, 580]);
    assert_eq!((before.outstanding, after.outstanding), (Points(380), Points(580)));
    let discounts = |figures: &Figures| (figures.discounts_issued, figures.discounts_used, figures.discount_value.0);
    assert_eq!(discounts(&before.figures), (1, 1, 10_00));
    assert_eq!(discounts(&after.figures), (1, 1, 22_50));
    let cost = |side: &Side, worth| cost(&side.figures, worth).unwrap();
    assert_eq!(cost(before, report.worth().in_force), Some(Minor(3_80 + 10_00)));
    assert_eq!(cost(after, report.worth().draft), Some(Minor(5_80 + 22_50)));
    let months: Vec<_> = report.months.iter().map(|(month, (before, after))| (month, before, after)).collect();
    let shown: Vec<_> =
        months.iter().map(|(month, before, after)| (month.to_string(), points(before), points(after))).collect();
    let month = |month: &str, before, after| (month.to_owned(), before, after);
    let expected = [
        month("2030-01", [200, 0, 0, 200], [400, 0, 0, 400]),
        month("2030-02", [580, 200, 0, 380], [980, 400, 0, 580]),
        month("2030-04", [0, 0, 200, -200], [0, 0, 400, -400]),
    ];
    assert_eq!(shown, expected);
    let [silver, member] = ["silver", "member"].map(|tier| Some(TierId::parse(tier).unwrap()));
    assert_eq!(report.tier_moves, BTreeMap::from([((silver.clone(), member.clone()), 1)]));
    assert_eq!((before.upgrades, after.upgrades), (1, 0));
    let ranked = &report.gains[0];
    assert_eq!((ranked.points, ranked.discount_value, ranked.value), (Points(200), Minor(12_50), Some(Minor(14_50))));
    assert_eq!((&ranked.tier_in_force, &ranked.tier_draft), (&silver, &member));
    assert_eq!(report.losses, []);
    assert_eq!((report.orders, report.left_out_draft), (3, LeftOut::default()));
}

#[test]
fn the_version_in_force_differs_in_nothing() {
    let mut history = three_orders();
    history.adjusted("2030-03-01T12:00:00Z", &json!({ "points": 70, "reason": "a fair" }));
    let kept = json!({ "points": 30, "reason": "a fair", "expires_at": "2031-03-31T00:00:00Z" });
    history.adjusted("2030-03-02T12:00:00Z", &kept);
    history.adjusted("2030-03-03T12:00:00Z", &json!({ "points": -45, "reason": "a mistake", "reference": "T-1" }));
    for as_of in ["2030-03-03T12:00:00Z", "2030-04-01T00:00:00Z", "2031-06-01T00:00:00Z"] {
        let (compared, report) = history.simulated(&in_force(), as_of);
        assert!(compared.is_reproduced(), "{compared:#?}");
        assert_eq!(compared.in_force, compared.draft);
        let kept = compared.draft.outcome.total().unwrap().points_kept();
        assert_eq!(kept, Ok(compared.draft.outcome.outstanding));
        assert_eq!((report.gains, report.losses, report.not_reproduced), (vec![], vec![], 0));
        let life = |replayed: &Replayed| Lifetime { ..replayed.account.as_ref().unwrap().lifetime };
        let (stored, _) = crate::advance::advance(&history.schedule, &history.facts().account, at(as_of)).unwrap();
        assert_eq!(life(&compared.draft), stored.lifetime);
    }
}

#[test]
fn points_given_by_hand_last_as_the_draft_says_unless_their_end_was_stated() {
    let mut history = three_orders();
    history.adjusted("2030-03-01T12:00:00Z", &json!({ "points": 70, "reason": "a fair" }));
    let kept = json!({ "points": 30, "reason": "a fair", "expires_at": "2030-07-31T00:00:00Z" });
    history.adjusted("2030-03-02T12:00:00Z", &kept);
    let mut draft = in_force();
    draft["points"]["validity_months"] = json!(12);
    let (compared, _) = history.simulated(&draft, "2030-09-01T00:00:00Z");
    let expired = |replayed: &Replayed| replayed.outcome.total().unwrap().points_expired;
    assert_eq!((expired(&compared.in_force), expired(&compared.draft)), (Points(580 + 100), Points(30)));
}

#[test]
fn what_the_draft_refuses_has_not_happened_and_is_counted() {
    let mut history = three_orders();
    history.adjusted("2030-03-01T12:00:00Z", &json!({ "points": -1_000, "reason": "a mistake" }));
    let mut draft = in_force();
    draft["enrolment"]["unknown_account"] = json!("reject");
    let (compared, report) = history.simulated(&draft, "2030-03-01T12:00:00Z");
    let left_out = LeftOut { orders_refused: 3, returns_refused: 1, adjustments_refused: 1, ..LeftOut::default() };
    // The third order names a discount that nothing has issued.
    assert_eq!(report.left_out_draft, LeftOut { discounts_not_issued: 1, ..left_out });
    assert_eq!((&compared.draft.account, &compared.draft.outcome), (&None, &Outcome::default()));
    let lost = (report.losses[0].points, report.losses[0].discount_value, report.losses[0].value);
    assert_eq!(lost, (Points(-(580 - 1_000)), Minor(-10_00), Some(Minor(4_20 - 10_00))));

    let mut draft = in_force();
    draft["points"]["shortfall"] = json!("write_off");
    let (_, report) = history.simulated(&draft, "2030-03-01T12:00:00Z");
    assert_eq!(report.left_out_draft, LeftOut { adjustments_refused: 1, ..LeftOut::default() });
}

#[test]
fn a_discount_that_the_draft_does_not_issue_is_left_off_its_order() {
    let mut draft = in_force();
    draft["discounts"][0]["minimum_total"] = json!("400.01");
    let (compared, report) = three_orders().simulated(&draft, "2030-03-01T12:00:00Z");
    assert_eq!(report.left_out_draft, LeftOut { discounts_not_issued: 1, ..LeftOut::default() });
    let total = compared.draft.outcome.total().unwrap();
    assert_eq!((total.discounts_issued, total.discounts_used, total.discount_value), (0, 0, Minor(0)));
    assert_eq!(points(&total), [780, 200, 0, 580], "the order itself stays");
}

#[test]
fn of_a_history_that_goes_on_only_what_the_account_knows_of_counts() {
    let mut history = three_orders();
    let known = history.facts();
    history.order("o-4", "2030-02-26T12:00:00Z", 1, "1.00");
    let facts = Facts { account: known.account.clone(), ..history.facts() };
    let plan_of = |facts: &Facts| {
        let secrets = secrets();
        let as_of = at("2030-02-28T12:00:00Z");
        let plan =
            Plan { in_force: &history.schedule, draft: &history.schedule, secrets: &secrets, as_of, assumed: None };
        simulate(facts, &plan).unwrap()
    };
    assert_eq!(plan_of(&facts), plan_of(&known));
}

#[test]
fn the_checksum_hangs_on_every_account_and_not_on_their_sequence() {
    let (compared, report) = three_orders().simulated(&generous(), "2030-04-15T12:00:00Z");
    let other = Compared { account_id: AccountId::parse("beta").unwrap(), ..compared.clone() };
    let checksum = |accounts: &[&Compared]| {
        let mut report = Report::new(Worth::default());
        accounts.iter().for_each(|compared| report.add(compared).unwrap());
        report.checksum()
    };
    let one = checksum(&[&compared]);
    assert_eq!(one, report.checksum());
    assert_eq!(checksum(&[&compared, &other]), checksum(&[&other, &compared]));
    let others = [checksum(&[]), checksum(&[&other]), checksum(&[&compared, &other])];
    assert!(others.iter().all(|other| *other != one));
    let mut less = compared.clone();
    less.draft.outcome.outstanding = Points(579);
    assert_ne!(checksum(&[&less]), one);
}

#[test]
fn those_that_gain_and_lose_most_are_listed_by_what_it_is_worth() {
    let (compared, _) = three_orders().simulated(&in_force(), "2030-03-01T12:00:00Z");
    let mut report = Report::new(Worth::default());
    for n in 0..60_i64 {
        let mut one = Compared { account_id: AccountId::parse(&format!("a{n:02}")).unwrap(), ..compared.clone() };
        // -30, 1, -29, 2, … 30: one for each but for two that are equal.
        let gain = if n % 2 == 0 { n / 2 - 30 } else { n / 2 + 1 };
        let gain = if gain == 29 { 30 } else { gain };
        one.draft.outcome.outstanding = Points(one.draft.outcome.outstanding.0 + gain);
        report.add(&one).unwrap();
    }
    let listed = |ranked: &[Ranked]| {
        ranked.iter().map(|ranked| (ranked.account_id.to_string(), ranked.points.0)).collect::<Vec<_>>()
    };
    let (gains, losses) = (listed(&report.gains), listed(&report.losses));
    assert_eq!((gains.len(), losses.len()), (RANKED_MAX, RANKED_MAX));
    let named = |names: [(&str, i64); 3]| names.map(|(id, points)| (id.to_owned(), points));
    assert_eq!(gains[..3], named([("a57", 30), ("a59", 30), ("a55", 28)]));
    assert_eq!(losses[..3], named([("a00", -30), ("a02", -29), ("a04", -28)]));
}
