//! Payments: whenever an order is paid, what waited for that becomes the account's, once.

use super::*;
use crate::world::World;
use domain::account::Account;
use domain::ledger::{Change, OrderChange, PointsChange};
use domain::lots::Holdings;
use domain::money::Points;
use domain::payment::{self, PaymentDocument};
use domain::returns::Tally;

/// What waits for payment is all that the unpaid orders have, and each payment is told of once.
pub fn check_payments(world: &World, account: &Account, program: &Program) {
    let waits = Points::sum(world.orders.values().map(|scored| scored.unpaid(program).unwrap())).unwrap();
    assert_eq!(account.holdings.unpaid(), waits, "the total is that of the orders");
    let mut told: BTreeMap<&OrderKey, u64> = BTreeMap::new();
    for entry in &world.entries {
        for change in &entry.changes {
            let Change::Order(OrderChange::Paid(paid)) = change else { continue };
            assert_eq!(told.insert(&paid.order, entry.sequence), None, "an order is paid once");
        }
    }
    let entry = |scored: &ScoredOrder| scored.history.payment.as_ref().map(|payment| payment.entry);
    assert!(world.orders.iter().all(|(key, scored)| told.get(key).copied() == entry(scored)));
}

fn document(paid_at: Instant) -> PaymentDocument {
    PaymentDocument { paid_at, reference: Some("INV-7".to_owned()) }
}

impl World {
    /// Says that one of its orders is paid; then the same again, which must change nothing, and something else.
    pub fn pay_one(&mut self, place: usize, context: &Context<'_>) {
        let scored = self.orders.values().nth(place % self.orders.len()).unwrap().clone();
        let document = document(context.now);
        if let Some(repeated) = payment::repeat(&scored, &document) {
            assert!(matches!(repeated, Ok(()) | Err(Rejection::ContentDiffers { .. })));
            return;
        }
        let before = self.account.as_ref().unwrap().points().unwrap();
        let decision = payment::decide(self.account.as_ref().unwrap(), &scored, &document, context).unwrap();
        decision.writes.into_iter().for_each(|write| self.apply(write));
        assert_eq!(payment::repeat(&decision.answer, &document), Some(Ok(())), "a repeat is recognised");
        let other = PaymentDocument { reference: None, ..document };
        let paths = vec!["$.reference".to_owned()];
        assert_eq!(payment::repeat(&decision.answer, &other), Some(Err(Rejection::ContentDiffers { paths })));
        let entry = self.entries.last().unwrap();
        assert!(entry.changes.iter().all(|change| {
            matches!(change, Change::Points(PointsChange::Expired { .. })) || change.points() == Ok(Points::ZERO)
        }));
        assert_eq!(self.account.as_ref().unwrap().points(), before.plus(entry.points), "nothing is earned by it");
    }
}

/// What happens to one order: so many units of a line come back, or all of it, or it is stated anew.
#[derive(Debug, Clone)]
enum Event {
    Undo(usize, Option<u64>),
    Amend(Step),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (any::<usize>(), prop::option::weighted(0.9, 0_u64..40)).prop_map(|(line, units)| Event::Undo(line, units)),
        2 => step().prop_map(|step| Event::Amend(Step { code: None, paid: false, ..step })),
    ]
}

/// Where the points are in the end, if the order is paid after so many of what happens to it.
fn paid_after(count: usize, first: &Step, events: &[Event], pending_days: u16) -> (Holdings, Tally) {
    let mut document = super::document(pending_days, 12);
    document["points"]["pending_until"] = json!("paid");
    document["points"]["shortfall"] = json!("owe");
    let schedule = schedule(Program::from_json(&document).unwrap());
    let mut history = History { world: World::new(), schedule, secrets: secrets() };
    let plain = Step { code: None, paid: false, ..first.clone() };
    let scored = history.place(&plain).unwrap();
    for (number, event) in events.iter().enumerate() {
        if number == count {
            history.now(|world, context| world.pay_one(0, context));
        }
        match event {
            Event::Undo(line, units) => {
                history.now(|world, context| world.undo(number, (0, *line, *units), context));
            }
            Event::Amend(step) => history.amend(&scored, order(0, step, scored.order.placed_at, None)),
        }
    }
    if count >= events.len() {
        history.now(|world, context| world.pay_one(0, context));
    }
    let World { account, orders, .. } = history.world;
    (account.unwrap().holdings, orders[&scored.order.key].history.tally)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn paid_early_or_late_an_order_ends_with_the_same_points(
        first in step(),
        events in prop::collection::vec(event(), 0..8),
        (one, other) in (0_usize..9, 0_usize..9),
        pending_days in 0_u16..31,
    ) {
        let early = paid_after(one, &first, &events, pending_days);
        prop_assert_eq!(early, paid_after(other, &first, &events, pending_days));
    }
}
