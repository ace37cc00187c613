//! Orders that name shared codes.

use super::*;
use crate::decision::{Decision, Record, Write};
use crate::limit::ShardChange;
use crate::money::Percent;
use crate::named_code::NamedCode;
use crate::order::Order;
use crate::parked::{ParkedOrder, Waiting};
use crate::returns::{CancellationDocument, Reversing};
use crate::score::{self, ScoredOrder};
use std::sync::Arc;

/// An order of 50.00 that names these codes, after what waits for it.
fn ordered(till: &Till, codes: &[Code], parked: Option<&ParkedOrder>) -> Result<Decision<Arc<ScoredOrder>>, Rejection> {
    let order = Order::from_json(&json!({
        "source": "shop", "order_id": "1", "account_id": "acme", "placed_at": NOW, "currency": "GBP",
        "discount_codes": codes, "lines": [{ "line_id": "1", "sku": "TEA", "quantity": 5, "unit_price": "10.00" }],
    }));
    let order = Arc::new(order.unwrap());
    let (found, hash) = (till.found(), order.content_hash());
    till.decide(|context| score::decide(Some(&till.account), &found, parked, &order, hash, context))
}

/// The writes of shared codes.
fn of_codes(writes: &[Write]) -> (Vec<u32>, usize) {
    let uses = writes.iter().filter_map(|write| match write {
        Write::Put(Record::SharedUses(uses), _) => Some(uses.used),
        _ => None,
    });
    (uses.collect(), writes.iter().filter(|write| matches!(write, Write::Shard(_))).count())
}

#[test]
fn an_order_is_refused_with_the_reason_of_the_first_code_that_it_cannot_use() {
    let mut till = Till::gold(0);
    let mut share = |more: Value, own, all| {
        let mut document = json!({ "name": "Spring", "percent": "5" });
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        till.share(&document, own, all)
    };
    let fine = share(json!({ "uses_per_account": 2, "tiers": ["gold"] }), 1, 0);
    let codes = [
        (share(json!({}), 1, 0), Unusable::Used),
        (share(json!({ "uses": 9, "uses_per_account": 2 }), 1, 9), Unusable::UsedUp),
        (share(json!({ "from": "2030-05-11" }), 0, 0), Unusable::NotYetValid),
        (share(json!({ "until": "2030-05-09" }), 0, 0), Unusable::Expired),
        (share(json!({ "segments": ["hotels"] }), 0, 0), Unusable::NotForAccount),
        (Code::of_bits(7), Unusable::Unknown),
    ];
    for (code, reason) in codes {
        let refused = Rejection::DiscountUnusable { index: Some(1), code: code.clone(), reason };
        assert_eq!(ordered(&till, &[fine.clone(), code], None).unwrap_err(), refused);
    }
    let held = till.shared.iter_mut().find(|shared| shared.code.code == fine).unwrap();
    held.code.ended_at = Some(Instant::parse(NOW).unwrap());
    let refused = Rejection::DiscountUnusable { index: Some(0), code: fine.clone(), reason: Unusable::Expired };
    assert_eq!(ordered(&till, &[fine], None).unwrap_err(), refused);
}

/// What its goods came to before anything was taken off is not an order's to know.
#[test]
fn an_order_says_itself_what_its_goods_came_to() {
    let mut till = Till::gold(0);
    let own = till.hold("next", 500, 30);
    let large = till.share(&json!({ "name": "Large", "amount": "9.00", "minimum_order": "1000.00", "uses": 3 }), 0, 1);
    let decision = ordered(&till, &[large.clone(), own.clone()], None).unwrap();
    let scored = &decision.answer;
    assert_eq!(scored.score.taken_off, [TakesOff::Amount(Minor(900)), TakesOff::Percent(Percent(500))]);
    assert_eq!(scored.codes_used(), [large, own]);
    assert_eq!(of_codes(&decision.writes).0, [1]);
}

#[test]
fn a_use_takes_one_shard_of_a_limit_that_was_laid_out() {
    let mut till = Till::gold(0);
    let free = till.share(&json!({ "name": "Free", "percent": "5", "uses_per_account": 2 }), 1, 0);
    let counted = till.share(&json!({ "name": "Counted", "percent": "5", "uses": 20 }), 0, 0);
    let held = till.shared.iter_mut().find(|shared| shared.code.code == counted).unwrap();
    let issued = held.limit.as_ref().unwrap().lay_out(20).unwrap();
    let shards = std::array::from_fn(|place| match &issued[place] {
        Write::Shard(write) => match write.change {
            ShardChange::LayOut(shard, _) => Some(shard),
            _ => None,
        },
        _ => None,
    });
    held.limit = Some(Limit::of(held.code.limit_id().unwrap(), shards));
    for (codes, expected) in [
        (vec![free.clone()], (vec![2], 0)),
        (vec![counted.clone()], (vec![1], 1)),
        (vec![free, counted], (vec![2, 1], 1)),
    ] {
        assert_eq!(of_codes(&ordered(&till, &codes, None).unwrap().writes), expected, "{codes:?}");
    }
}

#[test]
fn an_order_that_was_cancelled_before_it_came_writes_nothing_of_its_codes() {
    let mut till = Till::gold(0);
    let code = till.share(&json!({ "name": "Spring", "percent": "5", "uses": 3 }), 0, 0);
    let now = Instant::parse(NOW).unwrap();
    let reversing = Reversing::Cancellation(CancellationDocument { cancelled_at: now });
    let key = ordered(&till, &[], None).unwrap().answer.order.key.clone();
    let waiting = vec![Waiting { reversing, parked_at: now, by: "shop".to_owned() }];
    let parked = ParkedOrder { key, waiting, payment: None, version: 1 };
    let codes = std::slice::from_ref(&code);
    let decision = ordered(&till, codes, Some(&parked)).unwrap();
    assert_eq!(of_codes(&decision.writes), (vec![], 0));
    assert_eq!((decision.answer.codes_used(), decision.answer.codes_in_use()), (codes, &[][..]));
    assert_eq!(decision.answer.history.returns[0].came_back.codes, codes);
    let account = decision.writes.iter().find_map(|write| match write {
        Write::Put(Record::Account(account), _) => Some(account),
        _ => None,
    });
    assert_eq!(account.unwrap().lifetime.discounts_used, 0);
}

#[test]
fn the_own_discount_goes_before_a_shared_code_of_the_same_text() {
    let mut till = Till::gold(0);
    let own = till.hold("next", 500, 30);
    let shared = till.share(&json!({ "name": "Half", "percent": "50" }), 0, 0);
    till.shared[0].code.code = own.clone();
    let found = till.found();
    for found in [found.clone(), found.into_iter().rev().collect()] {
        assert!(matches!(NamedCode::find(&found, &own), Some(NamedCode::Own(_))));
        assert_eq!(NamedCode::find(&found, &shared), None);
    }
}
