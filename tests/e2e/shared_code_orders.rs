//! Orders that use shared codes: so many uses in all and of each account, and no more, whoever comes at once.

use crate::crowd::{CLIENTS, Sent, all_at_once, count};
use crate::shared_codes::{issued, unusable};
use crate::simulate::check_reproduced;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::network::Staleness;
use tests::{Cloud, Order, Reply, WHOLESALE, skips_concurrency};

/// How often a code was used over all accounts.
async fn used(cloud: &Cloud, code: &str) -> Value {
    cloud.get(&format!("/v1/shared-codes/{code}")).await.expect(200)["used"].clone()
}

fn order(cloud: &Cloud, account: &str, id: &str, code: &str) -> Order {
    cloud.order(id).account(account).line("MUG", 1, "95.00").code(code)
}

fn refused(reply: Reply, kind: &str) {
    assert_eq!(reply.expect_problem(422, kind).fault_paths(), ["$.discount_codes[0]"]);
}

#[tokio::test]
async fn an_order_uses_a_shared_code_and_its_cancellation_gives_it_back_once() {
    for staleness in [Staleness::None, Staleness::Oldest] {
        let cloud = Cloud::start().await;
        let code = issued(&cloud, "key-1", json!({"percent": "5", "uses": 2})).await;
        cloud.stale_reads(staleness);
        let first = order(&cloud, "acme", "o-1", &code);
        let scored = first.send().await.expect(201);
        assert_eq!((&scored["discounts_used"], &scored["points"]), (&json!([code]), &json!(95)));
        assert_eq!(first.send().await.expect(200).body(), scored.body());
        let before = cloud.tables().await;
        refused(order(&cloud, "acme", "o-2", &code).send().await, "discount-used");
        assert_eq!(cloud.tables().await, before, "a refused order leaves nothing");
        order(&cloud, "beta", "o-3", &code).send().await.expect(201);
        refused(order(&cloud, "gamma", "o-4", &code).send().await, "discount-used-up");
        assert_eq!(used(&cloud, &code).await, 2);
        let standing = cloud.account("acme").standing().await.expect(200);
        assert_eq!(standing["discounts"], json!([]), "a shared code is nobody's own");
        let history = cloud.account("acme").history().await;
        let told = json!({"type": "discount.used", "code": code, "shared": true});
        assert!(history[0]["changes"].as_array().unwrap().contains(&told), "{history:?}");

        let cancelled = first.cancelled();
        let back = cancelled.send().await.expect(201);
        assert_eq!(back["discounts_restored"], json!([code]));
        assert_eq!(cancelled.send().await.expect(200).body(), back.body());
        assert_eq!(used(&cloud, &code).await, 1);
        order(&cloud, "acme", "o-2", &code).send().await.expect(201);
        // One that was cancelled before it came uses nothing, though a use must be left for it.
        cloud.order("o-3").cancelled().send().await.expect(201);
        order(&cloud, "delta", "o-5", &code).cancelled().send().await.expect(202);
        order(&cloud, "delta", "o-5", &code).send().await.expect(201);
        assert_eq!(used(&cloud, &code).await, 1);
        cloud.audit().await;
    }
}

#[tokio::test]
async fn a_code_that_cannot_be_used_refuses_an_order_and_nothing_is_written() {
    let cloud = Cloud::start().await;
    cloud.account("acme").put(json!({"name": "Acme"})).await.expect(201);
    let open = issued(&cloud, "open", json!({"percent": "5", "uses": 1})).await;
    let codes = unusable(&cloud).await;
    let before = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Oldest] {
        cloud.stale_reads(staleness);
        for (number, (code, kind)) in codes.iter().enumerate() {
            println!("{number}: {kind}");
            let one = order(&cloud, "acme", &format!("one-{number}"), code);
            refused(one.send().await, kind);
            one.tried("").await.expect_problem(422, kind);
            let two = order(&cloud, "acme", &format!("two-{number}"), &open).code(code);
            let reply = two.send().await.expect_problem(422, kind);
            assert_eq!(reply.fault_paths(), ["$.discount_codes[1]"], "{kind}");
            assert_eq!(cloud.tables().await, before, "{kind}");
        }
    }
    // Nor does an amendment use it.
    cloud.stale_reads(Staleness::None);
    let first = order(&cloud, "acme", "o-1", &open);
    first.send().await.expect(201);
    let before = cloud.tables().await;
    for (code, kind) in &codes {
        refused(first.amended(1).line("MUG", 1, "90.00").code(code).put().await, kind);
        assert_eq!(cloud.tables().await, before, "{kind}");
    }
    assert_eq!(used(&cloud, &open).await, 1);
    cloud.audit().await;
}

#[tokio::test]
async fn a_code_that_was_just_ended_is_not_used_on_a_stale_read() {
    let cloud = Cloud::start().await;
    let code = issued(&cloud, "key-1", json!({"percent": "5"})).await;
    let first = order(&cloud, "acme", "o-1", &code);
    first.send().await.expect(201);
    cloud.request("DELETE", &format!("/v1/shared-codes/{code}"), "").await.expect(200);
    cloud.stale_reads(Staleness::Oldest);
    refused(order(&cloud, "beta", "o-2", &code).send().await, "discount-expired");
    // What took off before stays, and comes back ended.
    first.amended(1).line("MUG", 2, "95.00").code(&code).put().await.expect(200);
    let back = first.cancelled().send().await.expect(201);
    assert_eq!((&back["discounts_restored_ended"], &back["discounts_restored"]), (&json!([code]), &Value::Null));
    cloud.audit().await;
}

#[tokio::test]
async fn an_amendment_uses_the_codes_that_it_names_anew_and_gives_back_the_others() {
    let cloud = Cloud::start().await;
    let five = issued(&cloud, "key-1", json!({"percent": "5", "uses": 1})).await;
    let ten = issued(&cloud, "key-2", json!({"amount": "10.00", "uses": 1})).await;
    let first = order(&cloud, "acme", "o-1", &five);
    first.send().await.expect(201);
    let amended = |revision: u64| first.amended(revision).line("MUG", 1, "90.00");
    amended(1).code(&ten).put().await.expect(200);
    assert_eq!((used(&cloud, &five).await, used(&cloud, &ten).await), (json!(0), json!(1)));
    order(&cloud, "beta", "o-2", &five).send().await.expect(201);
    refused(amended(2).code(&five).code(&ten).put().await, "discount-used-up");
    amended(2).put().await.expect(200);
    assert_eq!(used(&cloud, &ten).await, 0);
    let changes = cloud.account("acme").history().await[0]["changes"].clone();
    let told = json!({"type": "discount.released", "code": ten, "shared": true});
    assert!(changes.as_array().unwrap().contains(&told), "{changes}");
    cloud.audit().await;
}

#[tokio::test]
async fn what_comes_back_of_all_gives_the_code_back_where_the_program_says_so() {
    let cloud = Cloud::with(|program| program["checkout"] = json!({"discounts_given_back": "returned"})).await;
    let code = issued(&cloud, "key-1", json!({"percent": "5", "uses": 5, "uses_per_account": 2})).await;
    for id in ["o-1", "o-2"] {
        order(&cloud, "acme", id, &code).line("CUP", 1, "5.00").send().await.expect(201);
    }
    let back = cloud.order("o-1").returned("r-1").units("1", 1).send().await.expect(201);
    assert_eq!((&back["discounts_restored"], used(&cloud, &code).await), (&Value::Null, json!(2)));
    let back = cloud.order("o-1").returned("r-2").units("2", 1).send().await.expect(201);
    assert_eq!((&back["discounts_restored"], used(&cloud, &code).await), (&json!([code]), json!(1)));
    // A credit note finds the other.
    cloud.account("acme").credit_note("c-1").units("MUG", 1).units("CUP", 1).send().await.expect(201);
    assert_eq!(used(&cloud, &code).await, 0);
    cloud.audit().await;
}

#[tokio::test]
async fn a_reservation_notes_a_shared_code_and_its_order_takes_it_or_is_refused() {
    let cloud = Cloud::start().await;
    cloud.account("acme").put(json!({"name": "Acme"})).await.expect(201);
    let code = issued(&cloud, "key-1", json!({"percent": "5", "uses": 1})).await;
    let line = json!({"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": "100.00"});
    let cart = json!({"account_id": "acme", "currency": "GBP", "lines": [line], "discount_codes": [code]});
    let reserved = cloud.request_keyed("/v1/reservations", "key-2", &cart).await.expect(201);
    assert_eq!((&reserved["discount_codes"], used(&cloud, &code).await), (&json!([code]), json!(0)));
    let other = order(&cloud, "beta", "o-1", &code);
    other.send().await.expect(201);
    let of_cart = cloud.order("o-2").line("MUG", 1, "95.00").set("reservation_id", reserved["reservation_id"].clone());
    let before = cloud.tables().await;
    let reply = of_cart.send().await.expect_problem(422, "discount-used-up");
    assert_eq!(reply.fault_paths(), ["$.reservation_id"], "the order names no code itself");
    assert_eq!(cloud.tables().await, before, "and the reservation holds what it held");
    // Without the code it goes.
    let target = "/v1/orders?dry_run=true";
    let without = of_cart.clone().set("discount_codes", json!([])).document();
    let reply = cloud.request("POST", target, without.to_string()).await.expect(201);
    assert_eq!(reply["discounts_used"], json!([]));
    other.cancelled().send().await.expect(201);
    let scored = of_cart.send().await.expect(201);
    assert_eq!((&scored["discounts_used"], used(&cloud, &code).await), (&json!([code]), json!(1)));
    let back = of_cart.cancelled().send().await.expect(201);
    assert_eq!((&back["discounts_restored"], used(&cloud, &code).await), (&json!([code]), json!(0)));
    cloud.audit().await;
}

#[tokio::test]
async fn simulated_orders_use_the_shared_codes_that_they_used() {
    let cloud = Cloud::start().await;
    let percent = issued(&cloud, "key-1", json!({"percent": "5", "uses": 9, "uses_per_account": 3})).await;
    let amount = issued(&cloud, "key-2", json!({"amount": "5.00", "uses_per_account": 3})).await;
    for id in ["o-1", "o-2", "o-3"] {
        order(&cloud, "acme", id, &percent).code(&amount).send().await.expect(201);
    }
    cloud.order("o-2").cancelled().send().await.expect(201);
    let report = check_reproduced(&cloud, &serde_json::from_str(WHOLESALE).unwrap()).await;
    // Of what is kept of two orders: 95.00 paid, 100.00 after the amount, 105.26 before both.
    let total = serde_json::to_value(&report.total.draft).unwrap();
    assert_eq!((&total["discounts_used"], &total["discount_value"]["amount"]), (&json!(4), &json!("20.52")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_accounts_at_once_exactly_as_many_use_a_code_as_it_states() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let code = issued(&cloud, "key-1", json!({"percent": "5", "uses": 100})).await;
    // Each client orders twice, for one new account after the other.
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let orders = [0, 1].map(|turn| {
                let number = client * 2 + turn;
                order(&cloud, &format!("a-{number}"), &format!("o-{number}"), &code)
            });
            tokio::spawn(async move {
                let [first, second] = orders.map(|order| Sent::Order(order).until_answered());
                [first.await, second.await]
            })
        })
        .collect();
    let mut replies = Vec::new();
    for client in clients {
        replies.extend(client.await.unwrap());
    }
    assert_eq!((replies.len(), count(&replies, 201)), (CLIENTS * 2, 100));
    let ordered: BTreeSet<_> = replies.iter().filter(|reply| reply.status() == 201).map(Reply::body).collect();
    assert_eq!(ordered.len(), 100);
    for (number, reply) in replies.into_iter().enumerate() {
        let standing = cloud.account(&format!("a-{number}")).standing().await;
        if reply.status() == 201 {
            assert_eq!(standing.expect(200)["orders"], 1);
        } else {
            refused(reply, "discount-used-up");
            standing.expect_problem(404, "unknown-account");
        }
    }
    assert_eq!(used(&cloud, &code).await, 100);
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_accounts_at_once_exactly_one_uses_a_code_that_is_used_once() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let code = issued(&cloud, "key-1", json!({"percent": "5", "uses": 1})).await;
    let of_account = |n: usize| order(&cloud, &format!("a-{n}"), &format!("o-{n}"), &code);
    let replies = all_at_once((0..CLIENTS).map(|n| Sent::Order(of_account(n)))).await;
    assert_eq!((replies.len(), count(&replies, 201)), (CLIENTS, 1));
    for (number, reply) in replies.into_iter().enumerate() {
        if reply.status() == 201 {
            assert_eq!(reply["discounts_used"], json!([code]));
            assert_eq!(of_account(number).send().await.expect(200).body(), reply.body());
        } else {
            refused(reply, "discount-used-up");
            cloud.account(&format!("a-{number}")).standing().await.expect_problem(404, "unknown-account");
        }
    }
    assert_eq!(used(&cloud, &code).await, 1);
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_orders_of_an_account_at_once_exactly_as_many_use_a_code_as_each_may() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let code = issued(&cloud, "key-1", json!({"percent": "5", "uses": 1_000, "uses_per_account": 5})).await;
    let orders = (0..CLIENTS).map(|n| Sent::Order(order(&cloud, "acme", &format!("o-{n}"), &code)));
    let replies = all_at_once(orders).await;
    assert_eq!(count(&replies, 201), 5);
    replies.into_iter().filter(|reply| reply.status() != 201).for_each(|reply| refused(reply, "discount-used"));
    let standing = cloud.account("acme").standing().await.expect(200);
    assert_eq!((&standing["orders"], used(&cloud, &code).await), (&json!(5), json!(5)));
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_cancellations_at_once_one_gives_the_code_back() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let code = issued(&cloud, "key-1", json!({"percent": "5", "uses": 3, "uses_per_account": 2})).await;
    let first = order(&cloud, "acme", "o-1", &code);
    for order in [&first, &order(&cloud, "acme", "o-2", &code), &order(&cloud, "beta", "o-3", &code)] {
        order.send().await.expect(201);
    }
    let replies = all_at_once(std::iter::repeat_n(Sent::TakeBack(first.cancelled()), CLIENTS)).await;
    assert_eq!((count(&replies, 201), count(&replies, 200)), (1, CLIENTS - 1));
    assert!(replies.iter().all(|reply| reply["discounts_restored"] == json!([code])));
    assert_eq!(used(&cloud, &code).await, 2);
    // Exactly one more than before, for either.
    order(&cloud, "acme", "o-4", &code).send().await.expect(201);
    refused(order(&cloud, "acme", "o-5", &code).send().await, "discount-used");
    refused(order(&cloud, "gamma", "o-6", &code).send().await, "discount-used-up");
    cloud.audit().await;
}
