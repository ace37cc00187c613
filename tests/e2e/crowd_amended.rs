//! Many clients at once who state, amend, return and cancel one order.

use crate::crowd::{CLIENTS, Sent, all_at_once, count};
use serde_json::json;
use std::collections::BTreeSet;
use tests::{Cloud, Order, Reply, each_seed, skips_concurrency};

/// Ten mugs at 12.50: 125 points.
fn ten_mugs(cloud: &Cloud) -> Order {
    cloud.order("o-1").line("MUG", 10, "12.50")
}

/// The same order with so many mugs: 12.5 points each.
fn mugs(cloud: &Cloud, revision: u64, quantity: u64) -> Sent {
    Sent::Amendment(cloud.order("o-1").amended(revision).line("MUG", quantity, "12.50"))
}

fn is_first(reply: &Reply) -> bool {
    reply.status() < 300 && reply.header("idempotent-replayed").is_none()
}

async fn balance(cloud: &Cloud) -> i64 {
    cloud.audit().await;
    cloud.account("acme").standing().await.expect(200)["points"]["balance"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_amendment_from_many_clients_is_carried_out_once() {
    if skips_concurrency() {
        return;
    }
    // With the order there, and as its first statement.
    for (is_known, entries, status) in [(true, 2, 200), (false, 1, 201)] {
        let cloud = Cloud::start().await;
        if is_known {
            ten_mugs(&cloud).send().await.expect(201);
        }
        let replies = all_at_once(std::iter::repeat_n(mugs(&cloud, 3, 12), CLIENTS)).await;
        assert_eq!(replies.iter().filter(|reply| is_first(reply)).count(), 1);
        assert!(replies.iter().all(|reply| [200, status].contains(&reply.status())));
        assert!(replies.iter().all(|reply| reply.body() == replies[0].body()));
        assert_eq!(balance(&cloud).await, 150);
        assert_eq!(cloud.account("acme").history().await.len(), entries);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_amendments_of_the_same_revision_one_wins() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    ten_mugs(&cloud).send().await.expect(201);
    let replies = all_at_once((0..CLIENTS).map(|n| mugs(&cloud, 1, 11 + n as u64 % 2))).await;
    let (won, lost): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status() == 200);
    assert_eq!((won.len(), lost.len()), (CLIENTS / 2, CLIENTS / 2));
    assert_eq!(won.iter().filter(|reply| is_first(reply)).count(), 1);
    assert!(won.iter().all(|reply| reply.body() == won[0].body()));
    for reply in lost {
        assert_eq!(reply.expect_problem(409, "content-differs")["differences"], json!(["$.lines[0].quantity"]));
    }
    assert_eq!(balance(&cloud).await, won[0].number("points"));
    assert_eq!(cloud.account("acme").history().await.len(), 2);
}

async fn many_revisions_at_once(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let cloud = Cloud::start().await;
    // Now and then one of them is the first statement.
    if !seed.is_multiple_of(4) {
        ten_mugs(&cloud).send().await.expect(201);
    }
    let mut revisions: Vec<_> = (1..=CLIENTS as u64).collect();
    random.shuffle(&mut revisions);
    // None is worth as much as the first statement: one that changes nothing but its number leaves no entry.
    let worth = |revision: u64| revision * 37 % 90 + 11;
    let replies = all_at_once(revisions.iter().map(|revision| mugs(&cloud, *revision, worth(*revision)))).await;
    assert_eq!(count(&replies, 200) + count(&replies, 201), CLIENTS);
    let highest = CLIENTS as u64;
    let score = ten_mugs(&cloud).score().await.expect(200);
    assert_eq!(score.number("revision"), highest as i64);
    assert_eq!(balance(&cloud).await, worth(highest) as i64 * 25 / 2);
    // Those that were taken in came in ascending order, each once.
    let mut history = cloud.account("acme").history().await;
    history.reverse();
    let taken: Vec<_> = history.iter().filter_map(|entry| entry["cause"]["revision"].as_u64()).collect();
    assert!(taken.is_sorted_by(|one, next| one < next), "{taken:?}");
    // None is an amendment where the highest came first of all and created the order.
    assert!(taken.last().is_none_or(|last| *last == highest), "{taken:?}");
    let superseded = replies.iter().filter(|reply| reply["state"] == "superseded").count();
    let created = count(&replies, 201);
    assert_eq!(taken.len() + created + superseded, CLIENTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_revisions_at_once_the_highest_wins() {
    if skips_concurrency() {
        return;
    }
    each_seed(4, many_revisions_at_once).await;
}

async fn a_return_an_amendment_and_the_cancellation_at_once(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let cloud = Cloud::with(|program| {
        program["points"]["shortfall"] = json!(if seed.is_multiple_of(2) { "owe" } else { "write_off" });
        program["points"]["pending_days"] = json!(if seed.is_multiple_of(3) { 14 } else { 0 });
    })
    .await;
    let order = ten_mugs(&cloud);
    if random.bool() {
        order.send().await.expect(201);
    }
    // Returns fit every revision, whose worths cross the minimum of a discount and a tier; some are not cancelled.
    let cancels = random.bool();
    let (back, highest) = (random.u64(1..=4), random.u64(1..=6));
    let worth = |revision: u64| 8 + (revision + seed) * 29 % 90;
    let mut draw = || match random.u64(0..8) {
        0..=3 => {
            let revision = random.u64(0..=highest);
            if revision == 0 { Sent::Order(order.clone()) } else { mugs(&cloud, revision, worth(revision)) }
        }
        4 if cancels => Sent::TakeBack(order.cancelled()),
        _ => Sent::TakeBack(order.returned(&format!("r-{}", random.u64(1..=back))).units("1", 2)),
    };
    let mut sent: Vec<_> = (0..CLIENTS - 7).map(|_| draw()).collect();
    sent.extend((1..=back).map(|n| Sent::TakeBack(order.returned(&format!("r-{n}")).units("1", 2))));
    sent.push(mugs(&cloud, highest, worth(highest)));
    if cancels {
        sent.push(Sent::TakeBack(order.cancelled()));
    }
    random.shuffle(&mut sent);
    let replies = all_at_once(sent.into_iter()).await;
    assert!(replies.iter().all(|reply| reply.status() < 300), "{replies:?}");
    let standing = cloud.account("acme").standing().await.expect(200);
    let kept = if cancels { 0 } else { worth(highest) - 2 * back };
    let points = |name: &str| standing["points"][name].as_i64().unwrap_or(0);
    assert_eq!(points("balance") + points("pending"), kept as i64 * 25 / 2);
    assert_eq!(standing["revenue"]["amount"], format!("{}.{:02}", kept * 1250 / 100, kept * 1250 % 100));
    assert_eq!(points("debt"), 0);
    let silver = worth(highest) * 1250 >= 100_000;
    assert_eq!(standing["tier"]["id"], if silver { "silver" } else { "member" });
    let discounts: BTreeSet<_> = standing["discounts"].as_array().unwrap().iter().map(|d| d["code"].as_str()).collect();
    assert_eq!(discounts.len(), usize::from(worth(highest) * 1250 >= 50_000));
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_return_against_an_amendment_against_the_cancellation_ends_as_one_after_the_other() {
    if skips_concurrency() {
        return;
    }
    each_seed(8, a_return_an_amendment_and_the_cancellation_at_once).await;
}
