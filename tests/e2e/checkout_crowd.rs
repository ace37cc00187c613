//! Many clients at the checkout of one account: what is held or used is held or used once, and never more than there is.

use crate::checkout::{mugs, of_kind, start};
use crate::crowd::{CLIENTS, Sent, all_at_once, count};
use crate::shared_codes::issued;
use domain::time::Instant;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use tests::actor::NOON;
use tests::{
    Account, Cart, Cloud, Order, Reply, at, each_seed, reservation_id, seeds, skips_concurrency, with_checkout,
};

/// Those that were not carried out are problems of these kinds.
fn refused_as(replies: &[Reply], kinds: &[&str]) {
    for reply in replies.iter().filter(|reply| reply.status() >= 300) {
        let kind = reply["type"].as_str().unwrap().trim_start_matches("/problems/");
        assert!(kinds.contains(&kind), "{}", reply.json());
    }
}

fn kinds(replies: &[Reply], kind: &str) -> usize {
    replies.iter().filter(|reply| reply["type"] == format!("/problems/{kind}")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_orders_one_uses_the_discount_that_one_of_many_reservations_holds() {
    if skips_concurrency() {
        return;
    }
    let (cloud, acme, code) = start().await;
    let cart = mugs(&acme).codes(&[&code]);
    // Each in a cart of its own; one gets it.
    let holds = (0..CLIENTS).map(|n| Sent::Reservation(cart.clone(), format!("cart-{n}")));
    let held = all_at_once(holds).await;
    assert_eq!((count(&held, 201), kinds(&held, "discount-held")), (1, CLIENTS - 1));
    // Orders with the reservation, with another, and with the code alone.
    let order = |n: usize| {
        let order = acme.order(&format!("o-{n}")).line("MUG", 1, "10.00");
        if n.is_multiple_of(4) { order.code(&code) } else { order.reservation(&reservation_id(&format!("cart-{n}"))) }
    };
    let id = held.iter().find(|reply| reply.status() == 201).unwrap()["reservation_id"].as_str().unwrap().to_owned();
    let orders = (0..CLIENTS).map(|n| if n % 4 == 1 { order(n).reservation(&id) } else { order(n) });
    let replies = all_at_once(orders.map(Sent::Order)).await;
    assert_eq!(count(&replies, 201), 1);
    refused_as(&replies, &["reservation-ended", "unknown-reservation", "discount-held", "discount-used"]);
    assert!(acme.open_discounts().await.is_empty());
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_reservation_from_many_clients_holds_once() {
    if skips_concurrency() {
        return;
    }
    let (cloud, acme, code) = start().await;
    let cart = mugs(&acme).codes(&[&code]).points(1_000);
    let replies = all_at_once(std::iter::repeat_n(Sent::Reservation(cart, "cart".to_owned()), CLIENTS)).await;
    assert_eq!((count(&replies, 201), count(&replies, 200)), (1, CLIENTS - 1));
    assert!(replies.iter().all(|reply| reply.body() == replies[0].body()));
    // And one order, by as many.
    let order = acme.order("o-1").line("MUG", 1, "10.00").reservation(&reservation_id("cart"));
    let replies = all_at_once(std::iter::repeat_n(Sent::Order(order), CLIENTS)).await;
    assert_eq!((count(&replies, 201), count(&replies, 200)), (1, CLIENTS - 1));
    assert!(replies.iter().all(|reply| reply.body() == replies[0].body()));
    assert_eq!(acme.balance().await, 2_000 + 10);
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_points_are_spent_or_held_once() {
    if skips_concurrency() {
        return;
    }
    let (cloud, acme, _) = start().await;
    acme.give(-2_500).await.expect(201);
    // Each order earns nothing, since points pay all of it: what it brought could be spent by the next.
    let paid = json!([{"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": "5.00", "discount": "5.00",
                       "paid_with_points": "5.00"}]);
    let paying = |n: usize| acme.order(&format!("o-{n}")).set("lines", paid.clone());
    let orders = (0..CLIENTS).map(|n| paying(n).points(500));
    let replies = all_at_once(orders.clone().map(Sent::Order)).await;
    assert_eq!((count(&replies, 201), kinds(&replies, "not-enough-points")), (1, CLIENTS - 1));
    assert_eq!(acme.balance().await, 0);
    cloud.audit().await;

    acme.give(500).await.expect(201);
    let cart = mugs(&acme).points(500);
    let holds = (0..CLIENTS).map(|n| Sent::Reservation(cart.clone(), format!("cart-{n}")));
    let replies = all_at_once(holds).await;
    assert_eq!((count(&replies, 201), kinds(&replies, "not-enough-points")), (1, CLIENTS - 1));
    assert_eq!((acme.balance().await, cart.quote().await.expect(200)["points"]["balance"].as_i64()), (500, Some(0)));
    // Beside it, orders without a reservation, the one with it, and rewards.
    let id = replies.iter().find(|reply| reply.status() == 201).unwrap()["reservation_id"].as_str().unwrap().to_owned();
    let orders = (CLIENTS..2 * CLIENTS).map(|n| {
        let order = paying(n);
        Sent::Order(if n.is_multiple_of(2) { order.reservation(&id) } else { order.points(500) })
    });
    let replies = all_at_once(orders).await;
    assert_eq!(count(&replies, 201), 1);
    refused_as(&replies, &["not-enough-points", "reservation-ended"]);
    assert_eq!(acme.balance().await, 0);
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_and_whoever_gives_its_reservation_up_do_not_both_win() {
    if skips_concurrency() {
        return;
    }
    let (cloud, acme, code) = start().await;
    for round in 0..4_u32 {
        let key = format!("cart-{round}");
        let points = if round.is_multiple_of(2) { 1_000 } else { 100 };
        let id = mugs(&acme).codes(&[&code]).points(points).reserved(&key).await;
        let order = acme.order(&format!("o-{round}")).line("POST", 1, "9.00").reservation(&id);
        let before = acme.balance().await;
        let sent = (0..CLIENTS / 2).map(|n| match n % 2 {
            0 => Sent::Order(order.clone()),
            _ => Sent::Release(cloud.clone(), id.clone()),
        });
        let replies = all_at_once(sent).await;
        refused_as(&replies, &["reservation-ended"]);
        let placed = order.score().await.status() == 200;
        assert_eq!(placed, kinds(&replies, "reservation-ended") == 0);
        assert_eq!(acme.balance().await, before - if placed { points } else { 0 });
        assert_eq!(acme.open_discounts().await.is_empty(), placed);
        if placed {
            order.cancelled().send().await.expect(201);
        }
        assert_eq!((acme.balance().await, acme.open_discounts().await), (before, vec![code.clone()]));
        cloud.audit().await;
    }
}

/// How many accounts share one cloud.
const ACCOUNTS: u64 = 5;
/// What is sent of each at once.
const SENT: usize = 16;

/// The shared codes of a cloud: one that all accounts together use once, and one that each of them does.
#[derive(Clone)]
struct Shared {
    once: String,
    each: String,
}

/// The account of a seed: 400 points that end within March, 700 that end later, two discounts, and shared codes.
struct Scene {
    cloud: Cloud,
    account: Account,
    codes: Vec<String>,
    shared: Shared,
    begins: Instant,
}

/// One thing that is done to it.
enum Deed {
    Sent(Sent),
    /// The clock shows this many minutes more than in the beginning.
    Clock(i64),
}

impl Shared {
    async fn issued(cloud: &Cloud) -> Self {
        Self {
            once: issued(cloud, "once", json!({"percent": "5", "uses": 1, "uses_per_account": 1})).await,
            each: issued(cloud, "each", json!({"amount": "2.00", "uses_per_account": 1})).await,
        }
    }
}

impl Scene {
    async fn set(cloud: &Cloud, shared: &Shared, seed: u64) -> Self {
        // Ever later: no clock goes back. The last seconds of March are among the days.
        let begins = match seed % ACCOUNTS {
            0 => at("2011-03-31T22:40:00Z"),
            number => at(NOON).plus_ms(2 * 3_600_000 * number as i64),
        };
        cloud.set_instant(begins);
        let account = cloud.account(&format!("acme-{seed}"));
        account.put(json!({"name": "Acme"})).await.expect(201);
        let gift = json!({"points": 402, "reason": "A test", "expires_at": "2011-03-31T23:00:00Z"});
        account.adjust(&format!("gift-{seed}"), gift).await.expect(201);
        account.adjust(&format!("more-{seed}"), json!({"points": 700, "reason": "A test"})).await.expect(201);
        let codes = vec![account.coupon("a").await, account.coupon("b").await];
        Self { cloud: cloud.clone(), account, codes, shared: shared.clone(), begins }
    }

    fn key(&self, number: u64) -> String {
        format!("{}-{number}", self.account.id())
    }

    /// A cart: what it wishes follows from its number.
    fn cart(&self, number: u64) -> Cart {
        let cart = self.account.cart().line("MUG", 10, "10.00");
        let (a, b) = (&*self.codes[0], &*self.codes[1]);
        let (once, each) = (&*self.shared.once, &*self.shared.each);
        match number {
            0 => cart.codes(&[a]).points(500),
            1 => cart.codes(&[a, b]),
            2 => cart.points("max"),
            3 => cart.set("discount_codes", json!("best")).points(300),
            4 => cart.codes(&[b]).points(600),
            5 => cart.codes(&[once]),
            _ => cart.codes(&[each, a]),
        }
    }

    /// An order: what it uses follows from its number.
    fn order(&self, number: u64) -> Order {
        let order = self.account.order(&format!("{}-{number}", self.account.id()));
        let order = order.placed(&self.begins.to_string()).line("MUG", 10, "9.00");
        let (a, b) = (&*self.codes[0], &*self.codes[1]);
        let (once, each) = (&*self.shared.once, &*self.shared.each);
        let held = |cart| reservation_id(&self.key(cart));
        match number {
            0 => order.reservation(&held(0)),
            1 => order.reservation(&held(1)).points(200),
            2 => order.reservation(&held(0)),
            3 => order.code(a).points(500),
            4 => order.reservation(&held(4)).code(a),
            5 => order.points(700),
            6 => order.reservation(&held(2)),
            7 => order.code(b),
            8 => order.code(once),
            9 => order.code(each).points(100),
            10 => order.reservation(&held(5)),
            11 => order.reservation(&held(6)),
            12 => order.code(once).code(each),
            _ => order.code(each),
        }
    }

    fn deed(&self, random: &mut fastrand::Rng) -> Deed {
        let order = self.order(random.u64(0..14));
        let at = self.begins.to_string();
        Deed::Sent(match random.u8(0..20) {
            0..=4 => {
                let number = random.u64(0..7);
                Sent::Reservation(self.cart(number), self.key(number))
            }
            5..=10 => Sent::Order(order),
            11..=12 => Sent::TakeBack(order.cancelled().at(&at)),
            13..=14 => Sent::TakeBack(order.returned("r-1").units("1", random.u64(1..3) * 4).at(&at)),
            15 => Sent::Amendment(order.amended(1).line("MUG", 6, "9.00").points(100)),
            16..=17 => Sent::Release(self.cloud.clone(), reservation_id(&self.key(random.u64(0..7)))),
            18 => Sent::Adjustment(self.account.clone(), "taken".to_owned(), -300),
            _ => return Deed::Clock(random.i64(10..40)),
        })
    }
}

/// What a deed may be answered: a status, and the kind of problem.
fn allowed(what: &Sent) -> &'static [&'static str] {
    match what {
        Sent::Reservation(..) => &[
            "200",
            "201",
            "422 discount-held",
            "422 discount-used",
            "422 discount-used-up",
            "422 not-enough-points",
            "422 nothing-to-reserve",
        ],
        // An amendment may be the first that is heard of its order.
        Sent::Order(_) | Sent::Amendment(_) => &[
            "200",
            "201",
            "404 unknown-reservation",
            "409 reservation-ended",
            "422 discount-held",
            "422 discount-used",
            "422 discount-used-up",
            "422 not-enough-points",
        ],
        // Goods that the order has no more, a return under the name of another, and one before its order.
        Sent::TakeBack(_) => &["200", "201", "202", "409 content-differs", "422 invalid-document"],
        Sent::Release(..) => &["200", "404 unknown-reservation"],
        Sent::Adjustment(..) => &["200", "201", "422 not-enough-points"],
    }
}

fn check_answer(what: &Sent, reply: &Reply) {
    let kind = reply["type"].as_str().map_or(String::new(), |kind| kind.replace("/problems/", " "));
    let told = format!("{}{kind}", reply.status());
    assert!(allowed(what).contains(&&*told), "{told}: {}", reply.json());
}

/// What the entries of an account tell of its discounts and points, one after the other, oldest first: a discount is used
/// by one order at a time, what is held is used by nobody else, and what is spent was there. A shared code is as little
/// used twice: not by this account, nor where others use it that may only be used once in all. Answers what is in use.
fn follow(history: &[Value], elsewhere: &[Value]) -> Vec<Value> {
    let (mut balance, mut holds) = (0, BTreeMap::<String, (i64, Vec<Value>)>::new());
    let mut made = BTreeMap::<u64, String>::new();
    let mut in_use = elsewhere.to_vec();
    for entry in history.iter().rev() {
        let changes = entry["changes"].as_array().unwrap();
        let expired: i64 =
            of_kind(changes, "points.expired").iter().map(|change| change["points"].as_i64().unwrap()).sum();
        let restores = !of_kind(changes, "points.restored").is_empty();
        // What comes back ended was none of the balance.
        let there = balance - if restores { 0 } else { expired };
        for change in changes {
            let points = change["points"].as_i64().unwrap_or(0);
            let id = change["reservation_id"].as_str().unwrap_or_default().to_owned();
            match change["type"].as_str().unwrap() {
                "hold.made" => {
                    let codes: Vec<_> = change["codes"].as_array().into_iter().flatten().cloned().collect();
                    let held = |code: &Value| holds.values().any(|(_, codes)| codes.contains(code));
                    assert!(!codes.iter().any(|code| held(code) || in_use.contains(code)), "{change}");
                    holds.insert(id.clone(), (points, codes));
                    made.insert(entry["sequence"].as_u64().unwrap(), id);
                    let all: i64 = holds.values().map(|(points, _)| points).sum();
                    assert!(points == 0 || there >= all, "{there} points, {all} of them held: {entry}");
                }
                "hold.used" | "hold.released" => drop(holds.remove(&id).unwrap()),
                "hold.ended" => drop(holds.remove(&made[&change["hold"].as_u64().unwrap()]).unwrap()),
                "points.spent" => {
                    let held: i64 = holds.values().map(|(points, _)| points).sum();
                    assert!(there - held >= points, "{there} points, {held} of them held: {entry}");
                }
                "discount.used" => {
                    let code = &change["code"];
                    assert!(
                        !in_use.contains(code) && !holds.values().any(|(_, codes)| codes.contains(code)),
                        "{entry}"
                    );
                    in_use.push(code.clone());
                }
                "discount.released" => {
                    let before = in_use.len();
                    in_use.retain(|code| *code != change["code"]);
                    assert_eq!(in_use.len(), before - 1, "{entry}");
                }
                _ => {}
            }
        }
        balance += entry["points"].as_i64().unwrap();
        assert_eq!(entry["balance"], balance, "{entry}");
    }
    in_use
}

/// What became of the seeds so far.
#[derive(Clone, Default)]
struct Sum {
    /// How many changes of each kind entries tell.
    changes: BTreeMap<String, usize>,
    /// The code that is used once in all, if an account uses it that came before in the same cloud.
    elsewhere: Vec<Value>,
}

impl Sum {
    /// Adds the entries of an account, which are all that it will have.
    async fn add(&mut self, scene: &Scene) {
        let history = scene.account.history().await;
        for change in history.iter().flat_map(|entry| entry["changes"].as_array().unwrap()) {
            let shared = if change["shared"] == true { " shared" } else { "" };
            *self.changes.entry(format!("{}{shared}", change["type"].as_str().unwrap())).or_default() += 1;
        }
        let once = json!(scene.shared.once);
        self.elsewhere = follow(&history, &self.elsewhere);
        self.elsewhere.retain(|code| *code == once);
        let counted = scene.cloud.get(&format!("/v1/shared-codes/{}", scene.shared.once)).await.expect(200);
        assert_eq!(counted["used"], self.elsewhere.len(), "as often as the entries of all tell");
    }
}

/// A seed replays the deeds, not their interleaving: one that failed may pass when it is run again.
async fn checkout_at_once(cloud: Cloud, shared: Shared, seed: u64, mut sum: Sum) -> Sum {
    let scene = Scene::set(&cloud, &shared, seed).await;
    let mut random = fastrand::Rng::with_seed(seed);
    let deeds: Vec<_> = (0..SENT).map(|_| scene.deed(&mut random)).collect();
    let mut sent = Vec::new();
    let clients = deeds.into_iter().map(|deed| match deed {
        Deed::Sent(what) => {
            sent.push(what.clone());
            tokio::spawn(async move { check_answer(&what, &what.clone().until_answered().await) })
        }
        Deed::Clock(minutes) => {
            let (cloud, then) = (cloud.clone(), scene.begins.plus_ms(minutes * 60_000));
            tokio::spawn(async move { cloud.set_instant(then.max(cloud.now())) })
        }
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    cloud.audit().await;
    follow(&scene.account.history().await, &sum.elsewhere);
    // What is left of it in the end is what its entries come to.
    cloud.set_instant(cloud.now().max(scene.begins.plus_ms(40 * 60_000)));
    for what in &sent {
        check_answer(what, &what.once().await);
    }
    cloud.audit().await;
    follow(&scene.account.history().await, &sum.elsewhere);
    // And nothing stays held.
    cloud.set_instant(scene.begins.plus_ms(71 * 60_000));
    let told = scene.account.cart().line("MUG", 1, "1.00").quote().await.expect(200);
    assert!(told["discounts"].as_array().unwrap().iter().all(|discount| discount["reason"] != "held"));
    let (free, balance) = (told["points"]["balance"].as_i64().unwrap(), scene.account.balance().await);
    assert_eq!(free, balance.max(0));
    sum.add(&scene).await;
    sum
}

/// All that a history came to: what each deed was answered, and what is stored in the end.
type Outcome = (Vec<(u16, Value)>, BTreeMap<String, Vec<String>>);

/// The deeds of a seed one after the other, through a network that behaves or does not.
async fn one_after_the_other(seed: u64, troubled: bool) -> Outcome {
    let cloud = Cloud::with(with_checkout).await;
    let scene = Scene::set(&cloud, &Shared::issued(&cloud).await, seed).await;
    let mut random = fastrand::Rng::with_seed(seed);
    if troubled {
        cloud.network().unwrap().trouble(seed, 60);
    }
    let mut answers = Vec::new();
    for _ in 0..3 * SENT {
        match scene.deed(&mut random) {
            Deed::Clock(minutes) => cloud.set_instant(scene.begins.plus_ms(minutes * 60_000).max(cloud.now())),
            Deed::Sent(what) => {
                let reply = what.clone().until_answered().await;
                check_answer(&what, &reply);
                // Who asks again after a lost answer hears that it was done before.
                let status = if reply.status() == 201 { 200 } else { reply.status() };
                answers.push((status, reply.json()));
            }
        }
    }
    cloud.network().unwrap().calm();
    cloud.audit().await;
    follow(&scene.account.history().await, &[]);
    (answers, cloud.tables().await)
}

#[tokio::test]
async fn whatever_the_network_does_carts_and_orders_come_to_the_same() {
    if !Cloud::start().await.is_embedded() {
        return;
    }
    each_seed(12, |seed| async move {
        let (troubled, calm) = (one_after_the_other(seed, true).await, one_after_the_other(seed, false).await);
        for (number, (one, other)) in troubled.0.iter().zip(&calm.0).enumerate() {
            assert_eq!(one, other, "answer {number}");
        }
        assert_eq!(troubled, calm);
    })
    .await;
}

/// As many as there are seeds by default: each is small.
fn all_seeds() -> RangeInclusive<u64> {
    seeds(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn holds_orders_returns_and_the_clock_at_once_keep_the_books_right() {
    if skips_concurrency() {
        return;
    }
    let (mut place, mut sum) = (None, Sum::default());
    for seed in all_seeds() {
        if seed % ACCOUNTS == 1 || place.is_none() {
            let shortfall = if ((seed - 1) / ACCOUNTS).is_multiple_of(2) { "owe" } else { "write_off" };
            let cloud = Cloud::with(|program| {
                with_checkout(program);
                program["points"]["shortfall"] = json!(shortfall);
            });
            let cloud = cloud.await;
            place = Some((cloud.clone(), Shared::issued(&cloud).await));
            sum.elsewhere.clear();
        }
        let (cloud, shared) = place.clone().unwrap();
        let run = tokio::spawn(checkout_at_once(cloud, shared, seed, sum.clone())).await;
        assert!(run.is_ok(), "seed {seed}: set GUILDER_TEST_SEED={seed} for it alone");
        sum = run.unwrap();
    }
    // One seed alone need not come to all of it.
    let holds = ["hold.made", "hold.used", "hold.released", "hold.ended"];
    let uses = ["discount.used", "discount.used shared", "discount.released", "points.spent", "points.restored"];
    for kind in holds.into_iter().chain(uses).filter(|_| all_seeds().count() > 1) {
        assert!(sum.changes.contains_key(kind), "no {kind}: {:?}", sum.changes);
    }
}
