//! Referrals with many clients at once.

use crate::crowd::{CLIENTS, count};
use crate::referral_life::{REWARD_AT, program};
use serde_json::json;
use tests::referral::company;
use tests::{Cloud, Order, Prospect, Redemption, ReferralCode, Reply, TakeBack, each_seed, skips_concurrency};
use tokio::task::JoinHandle;

/// Whatever a client does at the same time as others, again while it is told that it may.
async fn insist<F: Future<Output = Reply>>(send: impl Fn() -> F) -> Reply {
    loop {
        let reply = send().await;
        if reply.status() < 500 {
            return reply;
        }
    }
}

fn redeeming(prospect: Prospect) -> JoinHandle<Reply> {
    tokio::spawn(async move { insist(|| prospect.redeem()).await })
}

fn ordering(order: Order) -> JoinHandle<Reply> {
    tokio::spawn(async move { insist(|| order.send()).await })
}

fn returning(back: TakeBack) -> JoinHandle<Reply> {
    tokio::spawn(async move { insist(|| back.send()).await })
}

fn walking(redemption: &Redemption) -> JoinHandle<()> {
    let redemption = redemption.clone();
    tokio::spawn(async move {
        redemption.walk().await;
    })
}

async fn all<T>(clients: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut replies = Vec::new();
    for client in clients {
        replies.push(client.await.unwrap());
    }
    replies
}

/// All of them redeem this code at once.
async fn redeemed_at_once(code: &ReferralCode) -> Vec<Reply> {
    all((1..=CLIENTS as u32).map(|number| redeeming(code.prospect(number))).collect()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_is_redeemed_as_often_as_it_may_be_and_one_without_limit_by_all() {
    if skips_concurrency() {
        return;
    }
    for limit in [Some(1), Some(5), None] {
        let cloud = Cloud::start().await;
        let acme = cloud.account("acme");
        acme.put(json!({"name": "Acme"})).await.expect(201);
        let code = acme.refers_with(json!({"redemptions_left": limit})).await;
        let replies = redeemed_at_once(&code).await;
        let expected = limit.unwrap_or(CLIENTS);
        assert_eq!((count(&replies, 201), count(&replies, 409)), (expected, CLIENTS - expected), "{limit:?}");
        for refused in replies.into_iter().filter(|reply| reply.status() == 409) {
            refused.expect_problem(409, "code-exhausted");
        }
        let shown = code.shown().await.expect(200);
        assert_eq!(
            (&shown["tracking"]["redeemed"], shown["redemptions_left"].as_u64()),
            (&json!(expected), limit.map(|_| 0))
        );
        let mut enrolled = 0;
        for number in 1..=CLIENTS {
            enrolled += usize::from(cloud.account(&format!("p-{number}")).standing().await.status() == 200);
        }
        assert_eq!(enrolled, expected);
        program(&cloud).await;
        cloud.audit().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_company_through_several_codes_comes_in_once() {
    if skips_concurrency() {
        return;
    }
    // As one account, as accounts of its own, and by its VAT id or its e-mail address alone.
    for same in ["all", "identity", "vat_id", "email"] {
        let cloud = Cloud::start().await;
        let codes = [cloud.referrer("acme").await, cloud.referrer("beta").await];
        let prospect = |n: usize| {
            let number = if same == "all" { 1 } else { n as u32 + 1 };
            let prospect = codes[n % 2].prospect(number).key(&format!("key-{n}"));
            let prospect = match same {
                "email" => prospect,
                _ => prospect.set("vat_id", json!("GB123456789")),
            };
            if same == "vat_id" { prospect } else { prospect.set("email", json!("pat@prospect.example")) }
        };
        let replies = all((0..CLIENTS).map(|n| redeeming(prospect(n))).collect()).await;
        assert_eq!((count(&replies, 201), count(&replies, 409)), (1, CLIENTS - 1), "{same}");
        let refused: Vec<_> = replies.into_iter().filter(|reply| reply.status() == 409).collect();
        let first = refused[0].clone().expect_problem(409, "not-new");
        assert!(refused.iter().all(|reply| reply.body() == first.body()));
        assert_eq!(program(&cloud).await["redeemed"], 1);
        cloud.audit().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_redemption_from_many_clients_is_one() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    let code = acme.refers_with(json!({"redemptions_left": 3})).await;
    for prospect in [code.prospect(1), code.prospect(2).without("account_id")] {
        let replies = all((0..CLIENTS).map(|_| redeeming(prospect.clone())).collect()).await;
        assert_eq!((count(&replies, 201), count(&replies, 200)), (1, CLIENTS - 1));
        assert!(replies.iter().all(|reply| reply.body() == replies[0].body()));
    }
    assert_eq!(code.shown().await.expect(200)["redemptions_left"], 1);
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_that_is_asked_for_by_many_is_issued_once() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    cloud.account("acme").put(company("acme")).await.expect(201);
    let ask = |_| {
        let acme = cloud.account("acme");
        tokio::spawn(async move { insist(|| acme.issue_code(json!({}))).await })
    };
    let replies = all((0..CLIENTS).map(ask).collect()).await;
    assert_eq!((count(&replies, 201), count(&replies, 200)), (1, CLIENTS - 1));
    assert!(replies.iter().all(|reply| reply.body() == replies[0].body()));
    assert_eq!(cloud.account("acme").times("referral.code_issued").await, 1);
    cloud.audit().await;
}

/// Whoever is issued a code and redeems one at the same time does one of both.
async fn a_code_or_a_redemption(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let cloud = Cloud::start().await;
    let code = cloud.referrer("acme").await;
    let account = cloud.account("p-1");
    account.put(json!({"name": "Prospect"})).await.expect(201);
    let mut clients = Vec::new();
    for _ in 0..8 {
        let account = account.clone();
        clients.push(match random.bool() {
            true => redeeming(code.prospect(1)),
            false => tokio::spawn(async move { insist(|| account.issue_code(json!({}))).await }),
        });
    }
    all(clients).await;
    let standing = account.standing().await.expect(200);
    let (redeemed, issued) = (account.times("referral.redeemed").await, account.times("referral.code_issued").await);
    assert!(redeemed <= 1 && issued <= 1, "{standing:?}");
    // A code after the redemption is no ring; the other way round it would be.
    let changes = account.changes().await;
    let place = |kind: &str| changes.iter().position(|change| change == kind);
    if let (Some(issued), Some(redeemed)) = (place("referral.code_issued"), place("referral.redeemed")) {
        assert!(redeemed < issued, "{changes:?}");
    }
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_has_a_code_does_not_redeem_one_even_at_the_same_time() {
    if skips_concurrency() {
        return;
    }
    each_seed(8, a_code_or_a_redemption).await;
}

/// What became of the redemption, and of the points of the referrer: never anything in between.
async fn assert_settled(cloud: &Cloud, redemption: &Redemption, kept: bool) {
    cloud.set_clock("2011-06-01T12:00:00Z");
    for _ in 0..2 {
        redemption.walk().await;
    }
    let acme = cloud.account("acme");
    let (rewarded, back) = (acme.times("referral.rewarded").await, acme.times("referral.taken_back").await);
    let shown = redemption.shown().await.expect(200).json();
    if kept {
        assert_eq!((rewarded, back, acme.balance().await), (1, 0, 500), "{shown}");
        assert_eq!(shown["state"], "rewarded");
    } else {
        assert!(rewarded <= 1 && back == rewarded, "rewarded {rewarded}, taken back {back}: {shown}");
        // What came back before its order has kept that from qualifying.
        let state = if shown["qualified"].is_null() { "redeemed" } else { "revoked" };
        assert_eq!((acme.balance().await, &shown["state"]), (0, &json!(state)), "{shown}");
        assert_eq!(shown["taken_back"].is_null(), back == 0, "{shown}");
    }
    let tracked = program(cloud).await;
    assert_eq!(tracked["cost"]["points"], 100 + acme.balance().await);
    cloud.audit().await;
}

async fn a_qualification_against_its_return(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let cloud = Cloud::start().await;
    let redemption = cloud.referrer("acme").await.redeemed_by(1).await;
    let order = redemption.account().order("o-1").line("MUG", 10, "30.00");
    // One unit may come back, of two it is too little.
    let returns = random.usize(0..=3);
    let mut clients: Vec<_> = (0..8).map(|_| ordering(order.clone())).collect();
    clients.extend(
        (0..CLIENTS - 8)
            .filter(|_| returns > 0)
            .map(|n| returning(order.returned(&format!("r-{}", n % returns)).units("1", 1))),
    );
    random.shuffle(&mut clients);
    let replies = all(clients).await;
    assert!(replies.iter().all(|reply| reply.status() < 300), "{replies:?}");
    assert_settled(&cloud, &redemption, returns < 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_qualification_against_its_return_ends_in_one_reward_or_none() {
    if skips_concurrency() {
        return;
    }
    each_seed(8, a_qualification_against_its_return).await;
}

async fn a_reward_against_a_return(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let cloud = Cloud::start().await;
    let redemption = cloud.referrer("acme").await.redeemed_by(1).await;
    let order = redemption.account().order("o-1").line("MUG", 10, "30.00");
    order.send().await.expect(201);
    cloud.set_clock(REWARD_AT);
    let units = random.u64(1..=2);
    let back = order.returned("r-1").at(REWARD_AT).units("1", units);
    let (mut walks, mut returns) = (Vec::new(), Vec::new());
    for _ in 0..random.usize(2..16) {
        match random.bool() {
            true => walks.push(walking(&redemption)),
            false => returns.push(returning(back.clone())),
        }
        // Which of them is first is to be anybody's.
        for _ in 0..random.u8(0..6) {
            tokio::task::yield_now().await;
        }
    }
    returns.push(returning(back));
    all(walks).await;
    let replies = all(returns).await;
    assert!(replies.iter().all(|reply| reply.status() < 300), "{replies:?}");
    assert_settled(&cloud, &redemption, units < 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reward_against_a_return_ends_in_one_reward_or_none() {
    if skips_concurrency() {
        return;
    }
    each_seed(40, a_reward_against_a_return).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_orders_of_many_referees_qualify_at_once_and_their_rewards_come_at_once() {
    if skips_concurrency() {
        return;
    }
    // Points alone: there is no room for sixty open discounts.
    let rewards = json!([{"from": 1, "points": 500}, {"from": 3, "points": 750}, {"from": 10, "points": 1_000}]);
    let cloud = Cloud::with(|program| program["referral"]["rewards"] = rewards).await;
    let code = cloud.referrer("acme").await;
    redeemed_at_once(&code).await;
    let redemptions: Vec<_> = {
        let mut listed = code.redemptions("?limit=100").await.expect(200)["redemptions"].as_array().unwrap().clone();
        assert_eq!(listed.len(), CLIENTS);
        let of = |shown: &serde_json::Value| {
            code.redemption(shown["redemption_id"].as_str().unwrap()).of(shown["referee"].as_str().unwrap())
        };
        listed.drain(..).map(|shown| of(&shown)).collect()
    };
    let order = |redemption: &Redemption| redemption.order(&format!("o-{}", redemption.id()), "300.00");
    let replies = all(redemptions.iter().map(|redemption| ordering(order(redemption))).collect()).await;
    // No transaction writes two accounts: nobody waits for anybody.
    assert_eq!(count(&replies, 201), CLIENTS);
    assert_eq!(cloud.account("acme").history().await.len(), 2, "what others order is not written to the referrer");
    assert_eq!(code.tracking().await["qualified"], CLIENTS);
    cloud.set_clock(REWARD_AT);
    let swept = cloud.sweep(Some("2011-03-31")).await;
    assert!(swept.iter().all(|machine| machine.is_complete()), "{swept:?}");
    let acme = cloud.account("acme");
    assert_eq!(acme.times("referral.rewarded").await, CLIENTS);
    // Two at 500, then 750 each, from the tenth on 1,000.
    assert_eq!(acme.balance().await, 2 * 500 + 7 * 750 + (CLIENTS as i64 - 9) * 1_000);
    assert_eq!(code.tracking().await["rewarded"], CLIENTS);
    cloud.audit().await;
}
