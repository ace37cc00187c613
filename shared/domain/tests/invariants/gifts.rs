//! What orders bring besides their own points: what an account has after an order is what it had before and what the
//! receipt says.

use super::*;
use crate::world::World;
use domain::discount::Issuer;
use domain::ledger::{Change, PointsChange};
use domain::money::Points;
use domain::receipt::{Receipt, receipt};
use domain::score::GivenFor;

/// What a tier or an occasion gives: points, a discount or both.
fn give(id: &str, (points, discount): (i64, bool)) -> serde_json::Value {
    let terms = json!({ "id": id, "name": "For you", "percent": "5", "validity_days": 400 });
    match (points, discount) {
        (0, _) => json!({ "discount": terms }),
        (points, true) => json!({ "points": points, "discount": terms }),
        (points, false) => json!({ "points": points }),
    }
}

/// Everything that an order can bring, each with terms of its own.
fn program_of(pending_days: u16, every: u32, terms: &[(i64, bool); 6]) -> Program {
    let mut document = super::document(pending_days, 60);
    let [silver, gold, platinum, welcome, nth, second] = *terms;
    for (place, (id, terms)) in [("silver", silver), ("gold", gold), ("platinum", platinum)].into_iter().enumerate() {
        document["tiers"]["levels"][place + 1]["on_entry"] = give(id, terms);
    }
    document["occasions"] = json!([
        { "id": "welcome", "name": "Welcome!", "on": "welcome", "give": give("for-coming", welcome) },
        { "id": "nth", "name": "Thank you", "on": "nth_order", "every_orders": every, "give": give("again", nth) },
        { "id": "second", "name": "Twice", "on": "nth_order", "orders": [2], "give": give("twice", second) },
    ]);
    Program::from_json(&document).unwrap()
}

fn told(receipt: &Receipt) -> Points {
    Points::sum(receipt.reasons.iter().filter_map(|reason| reason.points)).unwrap()
}

/// What the receipt says of an order: by it alone, its own points, and whether they wait.
fn own(receipt: &Receipt) -> (Points, bool) {
    let earned = receipt.reasons.iter().filter(|reason| reason.id.starts_with("earning."));
    let waits = receipt.reasons.iter().any(|reason| ["points.pending", "points.until_paid"].contains(&reason.id));
    (Points::sum(earned.filter_map(|reason| reason.points)).unwrap(), waits)
}

/// Places an order and compares what the account has with what it is told.
fn place(world: &mut World, order: &Order, context: &Context<'_>, program: &Program) {
    let before = world.account.as_ref().map(|account| advance(context.schedule, account, context.now).unwrap().0);
    let (owned, spendable) = before.map_or((Points::ZERO, Points::ZERO), |account| {
        (account.points().unwrap(), account.holdings.available().unwrap())
    });
    let scored = world.place(order, context).unwrap();
    let after = world.account.as_ref().unwrap();
    let receipt = receipt(&scored, program).unwrap();
    let (earned, waits) = own(&receipt);
    assert_eq!((earned, receipt.balance), (scored.score.points, after.holdings.available().unwrap()));
    assert_eq!(after.points().unwrap().minus(owned).unwrap(), told(&receipt), "{:#?}", receipt.reasons);
    let gifts = told(&receipt).minus(earned).unwrap();
    let expected = if waits { gifts } else { told(&receipt) };
    assert_eq!(receipt.balance.minus(spendable).unwrap(), expected, "{:#?}", receipt.reasons);
}

/// The same for a new statement of an order: what it says of gifts only grows.
fn amend(world: &mut World, stored: &ScoredOrder, order: Order, context: &Context<'_>) {
    let before = advance(context.schedule, world.account.as_ref().unwrap(), context.now).unwrap().0;
    let gifts = |scored: &ScoredOrder| scored.gifts().cloned().collect::<Vec<_>>();
    let scored = world.amend(stored, order, context).unwrap();
    assert!(gifts(&scored).starts_with(&gifts(stored)), "what it brought before stays told");
    let more = Points::sum(gifts(&scored).iter().skip(gifts(stored).len()).map(|gift| gift.points)).unwrap();
    let change = |scored: &ScoredOrder| scored.history.tally.credited().unwrap();
    let own = change(&scored).minus(change(stored)).unwrap();
    let after = world.account.as_ref().unwrap();
    let changed = after.points().unwrap().minus(before.points().unwrap()).unwrap();
    assert_eq!(changed, own.plus(more).unwrap());
}

/// What entries and discounts tell of gifts is what the orders tell, each once.
fn check_told(world: &World) {
    let mut by_entries: Vec<(String, Points)> = Vec::new();
    for change in world.entries.iter().flat_map(|entry| &entry.changes) {
        match change {
            Change::OccasionGiven(given) if given.points > Points::ZERO => {
                by_entries.push((format!("occasion {}", given.occasion.rule), given.points));
            }
            Change::Points(PointsChange::ForTier { tier, points, .. }) => {
                by_entries.push((format!("tier {tier}"), *points));
            }
            _ => {}
        }
    }
    let name = |given_for: &GivenFor| match given_for {
        GivenFor::Tier(tier) => format!("tier {tier}"),
        GivenFor::Occasion(rule) => format!("occasion {rule}"),
    };
    let gifts = || world.orders.values().flat_map(|scored| scored.gifts());
    let with_points = gifts().filter(|gift| gift.points > Points::ZERO);
    let mut by_orders: Vec<_> = with_points.map(|gift| (name(&gift.given_for), gift.points)).collect();
    (by_entries.sort(), by_orders.sort());
    assert_eq!(by_entries, by_orders);
    let given = |discount: &&domain::discount::Discount| !matches!(discount.issued_by, Issuer::Order(_));
    let mut issued: Vec<_> = world.discounts.values().filter(given).map(|discount| discount.code.clone()).collect();
    let mut codes: Vec<_> = gifts().filter_map(|gift| gift.discount.clone()).collect();
    (issued.sort(), codes.sort());
    assert_eq!(issued, codes);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_an_account_has_after_an_order_is_what_it_had_and_what_the_receipt_says(
        steps in prop::collection::vec((step(), 0_i64..24 * 40, 0_i64..24 * 3), 1..20),
        pending_days in prop_oneof![Just(0_u16), 1_u16..31],
        every in 2_u32..5,
        terms in prop::array::uniform6((prop_oneof![Just(0_i64), 1_i64..500], any::<bool>())),
    ) {
        let program = program_of(pending_days, every, &terms);
        let (schedule, secrets) = (schedule(program.clone()), secrets());
        let mut world = World::new();
        let mut now = Instant::parse(START).unwrap();
        for (number, (step, hours, late_hours)) in steps.iter().enumerate() {
            now = now.plus_ms(hours * HOUR_MS);
            let wall_day = now.utc_day();
            let context =
                Context { schedule: &schedule, secrets: &secrets, by: "test", now, wall_day, collisions: 0 };
            let order = order(number, step, now.plus_ms(-late_hours * HOUR_MS), None);
            match step.amend.filter(|_| number > 0) {
                None => place(&mut world, &order, &context, &program),
                Some((place, _)) => {
                    let place = place % world.orders.len();
                    let stored = world.orders.values().nth(place).unwrap().clone();
                    let (key, placed_at) = (stored.order.key.clone(), stored.order.placed_at);
                    amend(&mut world, &stored, Order { key, placed_at, ..order }, &context);
                }
            }
            check_told(&world);
        }
    }
}
