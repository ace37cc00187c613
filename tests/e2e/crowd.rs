//! Many clients at once.

use serde_json::json;
use std::collections::BTreeSet;
use tests::{Account, Cart, Cloud, Order, Reply, TakeBack, each_seed, skips_concurrency};

pub const CLIENTS: usize = 64;

/// What a client sends.
#[derive(Clone)]
pub enum Sent {
    Order(Order),
    /// The order, to its own address.
    Amendment(Order),
    TakeBack(TakeBack),
    /// So many points, under this key.
    Adjustment(Account, String, i64),
    /// What a cart is to use is to be held, under this key.
    Reservation(Cart, String),
    /// A reservation is given up.
    Release(Cloud, String),
}

impl Sent {
    /// Sends it.
    pub async fn once(&self) -> Reply {
        match self {
            Self::Order(order) => order.send().await,
            Self::Amendment(order) => order.put().await,
            Self::TakeBack(back) => back.send().await,
            Self::Adjustment(account, key, points) => {
                account.adjust(key, json!({"points": points, "reason": "A test"})).await
            }
            Self::Reservation(cart, key) => cart.reserve(key).await,
            Self::Release(cloud, id) => cloud.release(id).await,
        }
    }

    /// Sends it again while the answer is that it may.
    pub async fn until_answered(self) -> Reply {
        loop {
            let reply = self.once().await;
            if reply.status() < 500 {
                return reply;
            }
        }
    }
}

/// Sends them all at once; each client tries again while it is told that it may.
pub async fn all_at_once(sent: impl Iterator<Item = Sent>) -> Vec<Reply> {
    let clients: Vec<_> = sent.map(|sent| tokio::spawn(sent.until_answered())).collect();
    let mut replies = Vec::new();
    for client in clients {
        replies.push(client.await.unwrap());
    }
    replies
}

async fn at_once(orders: impl Iterator<Item = Order>) -> Vec<Reply> {
    all_at_once(orders.map(Sent::Order)).await
}

pub fn count(replies: &[Reply], status: u16) -> usize {
    replies.iter().filter(|reply| reply.status() == status).count()
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_return_from_many_clients_is_carried_out_once() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let order = cloud.order("o-1").line("MUG", 10, "12.50");
    order.send().await.expect(201);
    let back = Sent::TakeBack(order.returned("r-1").units("1", 3));
    let replies = all_at_once(std::iter::repeat_n(back, CLIENTS)).await;
    assert_eq!((count(&replies, 201), count(&replies, 200)), (1, CLIENTS - 1));
    assert!(replies.iter().all(|reply| reply.body() == replies[0].body()));
    assert_eq!(cloud.account("acme").standing().await.expect(200)["points"]["balance"], 87);
    assert_eq!(cloud.account("acme").history().await.len(), 2);
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_returns_of_the_last_unit_one_wins() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let order = cloud.order("o-1").line("MUG", 10, "12.50");
    order.send().await.expect(201);
    order.returned("r-0").units("1", 9).send().await.expect(201);
    // Both of them many times.
    let back = |n: usize| Sent::TakeBack(order.returned(&format!("r-{}", n % 2 + 1)).units("1", 1));
    let replies = all_at_once((0..CLIENTS).map(back)).await;
    assert_eq!((count(&replies, 201), count(&replies, 200)), (1, CLIENTS / 2 - 1));
    for refused in replies.into_iter().filter(|reply| reply.status() >= 300) {
        assert_eq!(refused.expect_problem(422, "invalid-document").fault_paths(), ["$.lines[0].quantity"]);
    }
    assert_eq!(cloud.account("acme").standing().await.expect(200)["points"]["balance"], 0);
    assert_eq!(cloud.account("acme").history().await.len(), 3);
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn returns_against_the_cancellation_and_the_order_itself_take_everything_back_once() {
    if skips_concurrency() {
        return;
    }
    for round in 0..4 {
        let cloud = Cloud::start().await;
        let order = cloud.order("o-1").line("MUG", 10, "12.50");
        // In every other round they come before the order or with it.
        if round % 2 == 0 {
            order.send().await.expect(201);
        }
        let sent = |n: usize| match n % 4 {
            0 => Sent::Order(order.clone()),
            1 => Sent::TakeBack(order.cancelled()),
            _ => Sent::TakeBack(order.returned(&format!("r-{}", n % 8)).units("1", 2)),
        };
        let replies = all_at_once((0..CLIENTS).map(sent)).await;
        assert!(replies.iter().all(|reply| reply.status() < 300), "{replies:?}");
        let standing = cloud.account("acme").standing().await.expect(200);
        assert_eq!((&standing["points"]["balance"], &standing["revenue"]["amount"]), (&json!(0), &json!("0.00")));
        let history = cloud.account("acme").history().await;
        let changes = history.iter().flat_map(|entry| entry["changes"].as_array().unwrap());
        let reversed = changes.filter(|change| change["type"] == "points.reversed");
        assert_eq!(reversed.map(|change| change["points"].as_i64().unwrap()).sum::<i64>(), 125);
        cloud.audit().await;
    }
}

/// Something of everything on one account, many of it more than once; some of it must be refused.
fn anything(cloud: &Cloud, random: &mut fastrand::Rng) -> Sent {
    let number = random.u64(0..5);
    let order = cloud.order(&format!("o-{number}")).line("MUG", 10, "33.335").line("CUP", number + 1, "60.00");
    match random.u8(0..12) {
        0..=3 => Sent::Order(order),
        10.. => {
            // One content per revision.
            let revision = random.u64(1..4);
            Sent::Amendment(order.amended(revision).line("MUG", 7 + revision, "33.335").line("CUP", 5, "59.00"))
        }
        4..=6 => {
            let part = random.u64(0..5);
            let back = order.returned(&format!("r-{part}")).units("1", part + 1);
            Sent::TakeBack(if part.is_multiple_of(2) { back.units("2", 1) } else { back })
        }
        7 => Sent::TakeBack(order.cancelled()),
        _ => {
            let part = random.u16(0..6);
            let points = [500, -700, 40, -300, 1, -1][usize::from(part)];
            Sent::Adjustment(cloud.account("acme"), format!("key-{part}"), points)
        }
    }
}

async fn everything_at_once(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let cloud = Cloud::with(|program| {
        program["points"]["shortfall"] = json!(if seed.is_multiple_of(2) { "owe" } else { "write_off" });
        program["points"]["pending_days"] = json!(if seed.is_multiple_of(3) { 14 } else { 0 });
    })
    .await;
    cloud.account("acme").put(json!({"name": "Acme"})).await.expect(201);
    let sent: Vec<_> = (0..CLIENTS).map(|_| anything(&cloud, &mut random)).collect();
    let replies = all_at_once(sent.clone().into_iter()).await;
    let allowed = [200, 201, 202, 409, 422];
    assert!(replies.iter().all(|reply| allowed.contains(&reply.status())), "{replies:?}");
    cloud.audit().await;
    // Whoever asks again hears what was said, and nothing moves.
    let settled = cloud.tables().await;
    for (sent, reply) in sent.iter().zip(&replies).filter(|(_, reply)| [200, 201].contains(&reply.status())) {
        let again = sent.once().await.expect(200);
        // But where a newer statement of the order came since.
        assert!(again.body() == reply.body() || again["state"] == "superseded", "{}", again.json());
    }
    assert_eq!(cloud.tables().await, settled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_on_one_account_at_once_keeps_the_books_right() {
    if skips_concurrency() {
        return;
    }
    each_seed(20, everything_at_once).await;
}
