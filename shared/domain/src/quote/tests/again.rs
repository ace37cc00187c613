//! Goods that came back and are bought again with points: these are spent again, in whatever sequence that is stated.

use super::holding::Held;
use super::*;
use crate::order::Order;
use crate::returns::{self, Reversing};
use crate::score::ScoredOrder;
use std::sync::Arc;

/// What happens to the order, by its first statement.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// All of its first line comes back.
    Return,
    /// A newer statement drops what is paid for the first line with points, and pays a second line with them.
    Restate,
}

fn order(revision: u64, paid: &[bool]) -> Value {
    let line = |(number, paid): (usize, &bool)| {
        let off = if *paid { "10.00" } else { "0.00" };
        json!({ "line_id": (number + 1).to_string(), "sku": "MUG", "quantity": 1, "unit_price": "20.00",
                "discount": off, "paid_with_points": off })
    };
    let lines: Vec<_> = paid.iter().enumerate().map(line).collect();
    json!({ "source": "shop", "order_id": "1", "account_id": "acme", "placed_at": NOW, "currency": "GBP",
            "lines": lines, "points": 1_000, "revision": revision })
}

fn happen(held: &mut Held, then: Then) {
    let (account, stored) = (held.till.account.clone(), held.order.clone().unwrap());
    let writes = match then {
        Then::Return => {
            let document =
                json!({ "return_id": "r-1", "returned_at": NOW, "lines": [{ "line_id": "1", "quantity": 1 }] });
            let reversing = Reversing::Return(returns::return_document(&document).unwrap());
            held.till
                .decide(|context| returns::decide(&account, &stored, &reversing, &[], None, context))
                .unwrap()
                .writes
        }
        Then::Restate => {
            let newer = Arc::new(Order::from_json(&order(1, &[false, true])).unwrap());
            let hash = newer.content_hash();
            let decided = held
                .till
                .decide(|context| crate::amendment::decide(&account, &[], &stored, &newer, hash, None, context));
            decided.unwrap().writes
        }
    };
    held.apply(writes);
}

fn after(all: &[Then]) -> (i64, Arc<ScoredOrder>) {
    let mut held = Held { till: Till::gold(1_000), reservation: None, order: None };
    held.place(&order(0, &[true])).unwrap();
    all.iter().for_each(|then| happen(&mut held, *then));
    (held.spendable(), held.order.unwrap())
}

#[test]
fn what_came_back_and_is_bought_again_is_paid_again() {
    let (balance, scored) = after(&[Then::Return]);
    assert_eq!((balance, scored.points_spent()), (1_000, Ok(Points::ZERO)), "all of it came back");
    let (balance, scored) = after(&[Then::Return, Then::Restate]);
    assert_eq!(scored.points_spent(), Ok(Points(1_000)), "and pays for something else");
    let (other, turned) = after(&[Then::Restate, Then::Return]);
    assert_eq!((balance, scored.points_spent()), (other, turned.points_spent()), "in whatever sequence it is stated");
}
