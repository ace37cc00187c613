//! What an order says of what it uses, in its item and in its packed lines.

use super::*;
use domain::decision::{Context, Record, Write};
use domain::id::ReservationId;
use domain::order::{Order, OrderLine};
use domain::schedule::{Activation, Schedule};
use domain::score::{self, ScoredOrder};
use std::sync::Arc;

/// What the release before wrote.
const WRITTEN: &str = include_str!("plain.txt");

/// An order that says nothing of what it uses.
fn plain() -> Order {
    let document = json!({
        "source": "shop", "order_id": "1", "account_id": "acme", "contact_id": "buyer", "currency": "GBP",
        "placed_at": "2030-03-01T12:00:00Z", "shipping": "4.50", "lines": [
            {"line_id": "1", "sku": "TEAPOT-BLUE", "quantity": 12, "unit_price": "12.50", "discount": "1.00"},
            {"line_id": "2", "sku": "POST", "quantity": 1, "amount": "9.99", "tax": "1.67"},
            {"line_id": "3", "sku": "MUG", "quantity": 3, "unit_price": "2.05", "category": "mugs", "brand": "Leaf",
             "tags": ["new", "blue"]},
        ],
    });
    Order::from_json(&document).unwrap()
}

fn scored(order: Order) -> ScoredOrder {
    let program = Arc::new(a_program());
    let schedule = Schedule::only(Activation { from: Instant::MIN, version: 1, program });
    let (secrets, now) = (Secrets::parse("1:sixteen bytes long").unwrap(), order.placed_at);
    let wall_day = now.utc_day();
    let context = Context { schedule: &schedule, secrets: &secrets, by: "shop", now, wall_day, collisions: 0 };
    let decided = score::decide(None, &[], None, &Arc::new(order.clone()), order.content_hash(), &context).unwrap();
    let stored = decided.writes.into_iter().find_map(|write| match write {
        Write::Put(Record::Order(order), _) => Some(order),
        _ => None,
    });
    ScoredOrder::clone(&stored.unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_an_order_uses_survives_storing(
        reservation in prop::option::of(any::<u64>()), points in prop::option::of(0_i64..=1_000_000_000_000),
        parts in prop::collection::vec((0_i64..1_000_000, 0_i64..1_000_000), 3),
    ) {
        let before = scored(plain());
        let mut order = Order::clone(&before.order);
        order.reservation = reservation.map(ReservationId::of_bits);
        order.points = points.map(Points);
        for (line, (program_discount, paid_with_points)) in order.lines.iter_mut().zip(parts) {
            let (program_discount, paid_with_points) = (Minor(program_discount), Minor(paid_with_points));
            let discount = program_discount.plus(paid_with_points).unwrap();
            *line = OrderLine { discount, program_discount, paid_with_points, ..line.clone() };
        }
        let before = ScoredOrder { content_hash: order.content_hash(), order: Arc::new(order), ..before };
        let item = of_order(&before);
        prop_assert_eq!(item.contains_key("reservation"), reservation.is_some());
        prop_assert_eq!(item.contains_key("points"), points.is_some());
        prop_assert_eq!(super::super::order(&item), Ok(before));
    }
}

#[test]
fn lines_of_the_release_before_say_nothing_of_what_they_use() {
    let written = WRITTEN.lines().find_map(|line| line.strip_prefix("lines ")).unwrap();
    let bytes: Vec<_> =
        (0..written.len()).step_by(2).map(|at| u8::from_str_radix(&written[at..at + 2], 16).unwrap()).collect();
    assert_eq!(pack::lines(&bytes), Ok(plain().lines));
    assert_eq!(
        pack::pack_lines(&plain().lines),
        bytes,
        "nor do those of an order that uses nothing take more room now"
    );
}

#[test]
fn a_reservation_that_is_none_is_said() {
    let mut item = of_order(&scored(plain()));
    assert!(!item.contains_key("reservation") && !item.contains_key("points"));
    item.insert("reservation".to_owned(), AttributeValue::S("0123".to_owned()));
    assert_eq!(super::super::order(&item), Err("must be 16 hexadecimal digits in lower case".to_owned()));
}
