//! Many clients at once.

use serde_json::json;
use std::collections::BTreeSet;
use tests::actor::{Order, Reply};
use tests::{Cloud, skips_concurrency};

const CLIENTS: usize = 64;

/// Sends them all at once; each client tries again while it is told that it may.
async fn at_once(orders: impl Iterator<Item = Order>) -> Vec<Reply> {
    let send = |order: Order| tokio::spawn(async move { order.send_until_answered().await });
    let clients: Vec<_> = orders.map(send).collect();
    let mut replies = Vec::new();
    for client in clients {
        replies.push(client.await.unwrap());
    }
    replies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_order_from_many_clients_is_scored_once_and_all_get_the_same_answer() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let order = cloud.order("o-1").line("MUG", 1, "600.00");
    let replies = at_once(std::iter::repeat_n(order, CLIENTS)).await;
    assert_eq!(replies.iter().filter(|reply| reply.status() == 201).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.status() == 200).count(), CLIENTS - 1);
    assert!(replies.iter().all(|reply| reply.body() == replies[0].body()));
    let standing = cloud.account("acme").standing().await.expect(200);
    assert_eq!((&standing["orders"], &standing["points"]["balance"]), (&json!(1), &json!(600)));
    assert_eq!(cloud.account("acme").history().await.len(), 1);
    assert_eq!(standing["discounts"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn different_orders_of_one_account_at_once_are_all_scored() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let orders = (1..=CLIENTS).map(|n| cloud.order(&format!("o-{n}")).line("MUG", 1, &format!("{n}.00")));
    let replies = at_once(orders).await;
    assert!(replies.iter().all(|reply| reply.status() == 201));
    let entries: BTreeSet<_> = replies.iter().map(|reply| reply["entry"].as_u64().unwrap()).collect();
    assert_eq!(entries, (1..=CLIENTS as u64).collect());

    // 1 + 2 + … + 64 = 2,080 pounds: the tier changes on the way, and each answer says what it was then.
    let points: i64 = replies.iter().map(|reply| reply["points"].as_i64().unwrap()).sum();
    let standing = cloud.account("acme").standing().await.expect(200);
    assert_eq!((&standing["orders"], &standing["points"]["balance"]), (&json!(64), &json!(points)));
    assert_eq!(standing["revenue"]["amount"], "2080.00");
    assert_eq!(standing["tier"]["id"], "silver");
    let history = cloud.account("acme").history().await;
    let sequences: Vec<_> = history.iter().map(|entry| entry["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (1..=CLIENTS as u64).rev().collect::<Vec<_>>());
    let mut balance = 0;
    for entry in history.iter().rev() {
        balance += entry["points"].as_i64().unwrap();
        assert_eq!(entry["balance"], balance);
    }
    assert_eq!(balance, points);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_orders_with_the_same_discount_exactly_one_gets_it() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let issuing = cloud.order("o-0").line("MUG", 1, "500.00").send().await.expect(201);
    let code = issuing["discounts_issued"][0]["code"].as_str().unwrap();
    let orders = (1..=CLIENTS).map(|n| cloud.order(&format!("o-{n}")).line("MUG", 1, "10.00").code(code));
    let replies = at_once(orders).await;
    assert_eq!(replies.iter().filter(|reply| reply.status() == 201).count(), 1);
    let refused = replies.into_iter().filter(|reply| reply.status() != 201);
    for reply in refused {
        reply.expect_problem(422, "discount-used");
    }
    let standing = cloud.account("acme").standing().await.expect(200);
    assert_eq!((&standing["orders"], &standing["points"]["balance"]), (&json!(2), &json!(510)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_accounts_with_the_same_vat_id_exactly_one_gets_it() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let put = |n: usize| {
        let account = cloud.account(&format!("a-{n}"));
        tokio::spawn(async move { account.put(json!({"name": "One of many", "vat_id": "GB 123 4567 89"})).await })
    };
    let clients: Vec<_> = (0..CLIENTS).map(put).collect();
    let mut created = 0;
    for client in clients {
        let reply = client.await.unwrap();
        match reply.status() {
            201 => created += 1,
            _ => drop(reply.expect_problem(409, "taken")),
        }
    }
    assert_eq!(created, 1);
}
