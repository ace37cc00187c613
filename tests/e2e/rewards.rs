//! What points buy: each kind from the catalogue to its use, cancelled and raced for.

use crate::crowd::{CLIENTS, count};
use serde_json::{Value, json};
use tests::network::{Staleness, Units};
use tests::{Account, Cloud, Reply, WHOLESALE, skips_concurrency};

fn with_rewards(program: &mut Value) {
    program["perks"] = json!([{"id": "training", "name": "Training", "kind": "training", "tiers": ["gold"]}]);
    program["rewards"] = json!([
        {"id": "mug", "name": "The mug", "points": 500, "points_by_tier": [{"tier": "silver", "points": 400}],
         "product": {"sku": "MUG", "quantity": 1}},
        {"id": "off", "name": "Five off", "points": 200, "discount": {"percent": "5", "validity_days": 30}},
        {"id": "box", "name": "A box", "points": 300,
         "pack": [{"sku": "MUG", "quantity": 1}, {"sku": "TEA", "quantity": 3}]},
        {"id": "day", "name": "A day", "points": 100, "perk": {"perk": "training", "uses": 1}},
        {"id": "rare", "name": "Rare", "points": 50, "product": {"sku": "RARE", "quantity": 1}, "stock": 10},
        {"id": "once", "name": "Once", "points": 50, "product": {"sku": "ONE", "quantity": 1},
         "per_account": {"count": 1, "period": "ever"}},
        {"id": "soon", "name": "Soon", "points": 1, "product": {"sku": "A", "quantity": 1},
         "from": "2011-04-01T00:00:00Z"},
        {"id": "past", "name": "Past", "points": 1, "product": {"sku": "A", "quantity": 1},
         "until": "2011-03-01T00:00:00Z"},
        {"id": "gold", "name": "Gold", "points": 1, "product": {"sku": "A", "quantity": 1}, "tiers": ["gold"]},
    ]);
}

/// `acme` with this many points.
async fn start(points: i64) -> (Cloud, Account) {
    let cloud = Cloud::with(with_rewards).await;
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    acme.give(points).await.expect(201);
    (cloud, acme)
}

async fn redeem(cloud: &Cloud, account: &Account, key: &str, reward: &str) -> Reply {
    let target = format!("/v1/accounts/{}/redemptions", account.id());
    cloud.request_keyed(&target, key, &json!({"reward": reward})).await
}

async fn cancel(cloud: &Cloud, id: u64, reason: &str) -> Reply {
    let body = json!({"reason": reason}).to_string();
    cloud.request("POST", &format!("/v1/accounts/acme/redemptions/{id}/cancellation"), body).await
}

async fn balance(account: &Account) -> i64 {
    account.standing().await.expect(200)["points"]["balance"].as_i64().unwrap()
}

#[tokio::test]
async fn a_discount_is_redeemed_used_in_an_order_and_cannot_be_taken_back_then() {
    let (cloud, acme) = start(1_000).await;
    let receipt = redeem(&cloud, &acme, "key-1", "off").await.expect(201);
    let expected = json!({
        "account_id": "acme", "redemption_id": 3, "reward": "off", "name": "Five off", "points": 200, "balance": 800,
        "discount": receipt["discount"], "redeemed_at": "2011-03-01T12:00:00Z",
    });
    assert_eq!(receipt.json(), expected);
    let code = receipt["discount"]["code"].as_str().unwrap().to_owned();
    let discount = json!({"code": code, "percent": "5", "expires_at": "2011-03-31T11:00:00Z"});
    assert_eq!(receipt["discount"], discount);
    let standing = acme.standing().await.expect(200);
    assert_eq!(standing["discounts"][0]["rule"], "off");
    acme.order("o-1").line("MUG", 1, "95.00").code(&code).send().await.expect(201);
    cancel(&cloud, 3, "Not wanted").await.expect_problem(409, "redemption-used");
    let shown = cloud.get("/v1/accounts/acme/redemptions").await.expect(200);
    assert_eq!(shown["redemptions"][0]["status"], "redeemed");
    // One that was not used is withdrawn.
    redeem(&cloud, &acme, "key-2", "off").await.expect(201);
    let before = balance(&acme).await;
    let cancelled = cancel(&cloud, 5, "Not wanted").await.expect(200);
    assert_eq!((cancelled.number("points"), cancelled.number("balance")), (200, before + 200));
    assert_eq!(acme.standing().await["discounts"], json!([]));
    cloud.audit().await;
}

#[tokio::test]
async fn goods_are_listed_for_the_shop_and_come_back_once() {
    let (cloud, acme) = start(1_000).await;
    let mug = redeem(&cloud, &acme, "key-1", "mug").await.expect(201);
    assert_eq!((&mug["product"], mug.number("balance")), (&json!({"sku": "MUG", "quantity": 1}), 500));
    let boxed = redeem(&cloud, &acme, "key-2", "box").await.expect(201);
    assert_eq!(boxed["pack"][1], json!({"sku": "TEA", "quantity": 3}));
    let page = |query: &str| {
        let (cloud, target) = (cloud.clone(), format!("/v1/accounts/acme/redemptions{query}"));
        async move { cloud.get(&target).await.expect(200).json() }
    };
    let first = page("?limit=1").await;
    assert_eq!(first["redemptions"][0]["reward"], "box", "the newest first");
    let second = page(&format!("?limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((&second["redemptions"][0]["redemption_id"], &second["next_cursor"]), (&json!(3), &Value::Null));

    let expected = json!({
        "account_id": "acme", "redemption_id": 3, "reward": "mug", "reason": "Damaged", "entry": 5,
        "cancelled_at": "2011-03-01T12:00:00Z", "points": 500, "points_expired": 0, "points_repaid": 0, "balance": 700,
    });
    for staleness in [Staleness::None, Staleness::Behind(1), Staleness::Oldest] {
        cloud.stale_reads(staleness);
        assert_eq!(cancel(&cloud, 3, "Damaged").await.expect(200).json(), expected);
    }
    cloud.stale_reads(Staleness::None);
    let differs = cancel(&cloud, 3, "Lost").await.expect_problem(409, "content-differs");
    assert_eq!(differs["differences"], json!(["$.reason"]));
    cancel(&cloud, 99, "Damaged").await.expect_problem(404, "unknown-redemption");
    let listed = page("").await;
    assert_eq!(
        (&listed["redemptions"][1]["status"], &listed["redemptions"][1]["cancellation"]),
        (&json!("cancelled"), &expected)
    );
    // What ended meanwhile comes back ended.
    cloud.set_clock("2013-04-01T00:00:00Z");
    let late = cancel(&cloud, 4, "Never sent").await.expect(200);
    assert_eq!((late.number("points"), late.number("points_expired"), late.number("balance")), (300, 300, 0));
    let texts: Vec<_> = acme.history().await.iter().map(|entry| entry["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts[1], "Redemption 3 was cancelled: Damaged. 500 points were given back.");
    assert_eq!(texts[2], "Reward “A box” was redeemed. 300 points were spent on it.");
    let report = cloud.audit().await.to_string();
    let books = "points: 1000 issued + 800 restored = 0 outstanding + 800 spent + 1000 expired + 0 reversed";
    assert!(report.contains(books), "{report}");
    let id = domain::id::AccountId::parse("acme").unwrap();
    let shown = local::show::account(cloud.app(), &id, 9).await.unwrap();
    for line in ["redemptions: 800 points spent, 800 given back", "mug  500 points  1 × MUG  cancelled: Damaged"] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
}

#[tokio::test]
async fn a_perk_is_bought_and_used_whatever_the_tier() {
    let (cloud, acme) = start(1_000).await;
    acme.use_perk("key-1", "training", &json!({})).await.expect_problem(409, "perk-not-held");
    let day = redeem(&cloud, &acme, "key-2", "day").await.expect(201);
    assert_eq!(day["perk"], json!({"perk": "training", "uses": 1}));
    assert_eq!(acme.standing().await["perks"][0]["bought_left"], 1);
    assert_eq!(acme.use_perk("key-1", "training", &json!({})).await.expect(201)["bought_left"], 0);
    cancel(&cloud, 3, "Not wanted").await.expect_problem(409, "redemption-used");
    acme.use_perk("key-3", "training", &json!({})).await.expect_problem(409, "perk-not-held");
    redeem(&cloud, &acme, "key-4", "day").await.expect(201);
    cancel(&cloud, 5, "Not wanted").await.expect(200);
    assert_eq!(acme.standing().await["perks"], Value::Null);
    cloud.audit().await;
}

#[tokio::test]
async fn uses_of_a_perk_that_is_not_counted_are_sold_to_those_alone_who_have_it_not() {
    let (cloud, acme) = start(1_000).await;
    redeem(&cloud, &acme, "key-1", "day").await.expect(201);
    assert_eq!(acme.use_perk("key-2", "training", &json!({})).await.expect(201)["bought_left"], 0);
    acme.order("o-1").line("MUG", 1, "5000.00").send().await.expect(201);
    assert_eq!(acme.standing().await["tier"]["id"], "gold");
    acme.use_perk("key-3", "training", &json!({})).await.expect_problem(409, "perk-not-counted");
    let shown = cloud.get("/v1/accounts/acme/rewards").await.expect(200)["rewards"][3].clone();
    let unavailable = json!({"reason": "perk_not_counted"});
    assert_eq!((&shown["available"], &shown["unavailable"]), (&json!(false), &unavailable));
    let before = cloud.tables().await;
    redeem(&cloud, &acme, "key-4", "day").await.expect_problem(422, "reward-perk-not-counted");
    assert_eq!(cloud.tables().await, before);
    // A version in which nobody could buy it is refused.
    let mut program: Value = serde_json::from_str(WHOLESALE).unwrap();
    with_rewards(&mut program);
    program["perks"][0].as_object_mut().unwrap().remove("tiers");
    let refused = cloud.request("POST", "/v1/program/versions", program.to_string()).await;
    let refused = refused.expect_problem(422, "invalid-document");
    assert_eq!(refused.fault_paths(), ["$.rewards[3].perk.perk"]);
}

#[tokio::test]
async fn what_cannot_be_had_is_refused_by_its_own_type_and_spends_nothing() {
    let (cloud, acme) = start(449).await;
    redeem(&cloud, &acme, "key-0", "once").await.expect(201);
    let before = cloud.tables().await;
    for (reward, kind) in [
        ("cup", "unknown-reward"),
        ("soon", "reward-not-yet"),
        ("past", "reward-over"),
        ("gold", "reward-not-for-account"),
        ("mug", "not-enough-points"),
    ] {
        redeem(&cloud, &acme, "key-1", reward).await.expect_problem(422, kind);
    }
    redeem(&cloud, &acme, "key-1", "once").await.expect_problem(409, "reward-limit-reached");
    let detail = redeem(&cloud, &acme, "key-1", "mug").await["detail"].clone();
    assert_eq!(detail, "101 points are missing. Points that wait cannot be spent, nor can those owed.");
    let target = "/v1/accounts/acme/redemptions";
    let faulty = cloud.request_keyed(target, "key-1", &json!({"times": 2, "reference": ""})).await;
    assert_eq!(faulty.expect_problem(422, "invalid-document").fault_paths(), ["$.times", "$.reward", "$.reference"]);
    redeem(&cloud, &acme, "", "off").await.expect_problem(400, "idempotency-key-missing");
    redeem(&cloud, &cloud.account("nobody"), "key-1", "off").await.expect_problem(404, "unknown-account");
    cloud.get("/v1/accounts/nobody/rewards").await.expect_problem(404, "unknown-account");
    cloud.get("/v1/accounts/nobody/redemptions").await.expect_problem(404, "unknown-account");
    cloud.get("/v1/accounts/acme/rewards?limit=1").await.expect_problem(400, "invalid-parameter");
    let odd = cloud.request("POST", &format!("{target}/x/cancellation"), r#"{"reason": "x"}"#).await;
    odd.expect_problem(400, "invalid-parameter");
    let unsaid = cloud.request("POST", &format!("{target}/3/cancellation"), "{}").await;
    assert_eq!(unsaid.expect_problem(422, "invalid-document").fault_paths(), ["$.reason"]);
    assert_eq!(cloud.tables().await, before);
    // A refusal has kept nothing under its key; the same key for something else is refused.
    let first = redeem(&cloud, &acme, "key-1", "off").await.expect(201);
    let again = redeem(&cloud, &acme, "key-1", "off").await.expect(200);
    assert_eq!((again.body(), again.header("idempotent-replayed")), (first.body(), Some("true")));
    redeem(&cloud, &acme, "key-1", "box").await.expect_problem(409, "idempotency-key-reused");
    acme.put(json!({"name": "Acme", "status": "suspended"})).await.expect(200);
    redeem(&cloud, &acme, "key-2", "off").await.expect_problem(409, "account-not-active");
    cloud.get("/v1/accounts/acme/rewards").await.expect_problem(409, "account-not-active");
    cloud.audit().await;
}

#[tokio::test]
async fn an_order_that_came_back_leaves_nothing_to_redeem() {
    let cloud = Cloud::with(with_rewards).await;
    let acme = cloud.account("acme");
    let order = acme.order("o-1").line("JUG", 1, "600.00");
    order.send().await.expect(201);
    redeem(&cloud, &acme, "key-1", "mug").await.expect(201);
    order.cancelled().send().await.expect(201);
    let standing = acme.standing().await.expect(200);
    assert_eq!((&standing["points"]["balance"], &standing["points"]["debt"]), (&json!(0), &json!(500)));
    redeem(&cloud, &acme, "key-2", "once").await.expect_problem(422, "not-enough-points");
    assert_eq!(cancel(&cloud, 2, "Not sent").await.expect(200).number("points_repaid"), 500);
    cloud.audit().await;
}

#[tokio::test]
async fn the_catalogue_has_the_accounts_own_prices_and_reasons() {
    let (cloud, acme) = start(1_000).await;
    acme.order("o-1").line("JUG", 1, "1000.00").send().await.expect(201);
    redeem(&cloud, &acme, "key-1", "once").await.expect(201);
    let shown = cloud.get("/v1/accounts/acme/rewards").await.expect(200);
    let rewards = shown["rewards"].as_array().unwrap();
    let told: Vec<_> = rewards
        .iter()
        .map(|reward| {
            (reward["id"].as_str().unwrap(), reward["points"].as_i64().unwrap(), &reward["unavailable"]["reason"])
        })
        .collect();
    assert_eq!(told[..2], [("mug", 400, &Value::Null), ("off", 200, &Value::Null)]);
    let reasons: Vec<_> = told[5..].iter().map(|(_, _, reason)| reason.as_str().unwrap()).collect();
    assert_eq!(reasons, ["limit_reached", "not_yet", "over", "not_for_account"]);
    assert_eq!((&rewards[4]["stock_left"], &rewards[5]["uses"]["left"]), (&json!(10), &json!(0)));
    let program = local::program::show(cloud.app(), cloud.now()).await.unwrap();
    assert!(
        program.contains("\n  mug: The mug\n      1 × MUG, 500 points, 400 for the tier silver, for all"),
        "{program}"
    );
}

async fn all_at_once(requests: impl Iterator<Item = (Account, String, &'static str)>, cloud: &Cloud) -> Vec<Reply> {
    let clients: Vec<_> = requests
        .map(|(account, key, reward)| {
            let cloud = cloud.clone();
            tokio::spawn(async move {
                loop {
                    let reply = redeem(&cloud, &account, &key, reward).await;
                    if reply.status() < 500 {
                        return reply;
                    }
                }
            })
        })
        .collect();
    let mut replies = Vec::new();
    for client in clients {
        replies.push(client.await.unwrap());
    }
    replies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_spend_the_last_points_at_once_one_does() {
    if skips_concurrency() {
        return;
    }
    let (cloud, acme) = start(500).await;
    let clients = (0..CLIENTS).map(|client| (acme.clone(), format!("key-{client}"), "mug"));
    let replies = all_at_once(clients, &cloud).await;
    assert_eq!((count(&replies, 201), count(&replies, 422)), (1, CLIENTS - 1));
    assert_eq!(balance(&acme).await, 0);
    assert_eq!(cloud.get("/v1/accounts/acme/redemptions").await["redemptions"].as_array().unwrap().len(), 1);
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_stock_of_ten_exactly_ten_are_had_whoever_wants_them() {
    if skips_concurrency() {
        return;
    }
    let (cloud, _) = start(1).await;
    let mut accounts = Vec::new();
    for number in 0..40 {
        let account = cloud.account(&format!("shop-{number}"));
        account.put(json!({"name": "Shop"})).await.expect(201);
        account.give(100).await.expect(201);
        accounts.push(account);
    }
    let clients = accounts.iter().map(|account| (account.clone(), "key-1".to_owned(), "rare"));
    let replies = all_at_once(clients, &cloud).await;
    assert_eq!((count(&replies, 201), count(&replies, 409)), (10, 30));
    for refused in replies.iter().filter(|reply| reply.status() == 409) {
        assert_eq!(refused["type"], "/problems/reward-out-of-stock");
    }
    let rare = |account: &Account| {
        let (cloud, target) = (cloud.clone(), format!("/v1/accounts/{}/rewards", account.id()));
        async move { cloud.get(&target).await.expect(200)["rewards"][4].clone() }
    };
    let shown = rare(&accounts[0]).await;
    assert_eq!((&shown["stock_left"], &shown["unavailable"]["reason"]), (&json!(0), &json!("out_of_stock")));
    // What one gives back, another has: one, once.
    let had = replies.iter().position(|reply| reply.status() == 201).unwrap();
    let target = format!("/v1/accounts/shop-{had}/redemptions/3/cancellation");
    for _ in 0..2 {
        cloud.request("POST", &target, r#"{"reason": "Not wanted"}"#).await.expect(200);
    }
    assert_eq!(rare(&accounts[0]).await["stock_left"], 1);
    let clients = accounts.iter().map(|account| (account.clone(), "key-2".to_owned(), "rare"));
    let again = all_at_once(clients, &cloud).await;
    assert_eq!((count(&again, 201), count(&again, 409)), (1, 39));
    cloud.audit().await;
}

fn of(units: Units) -> (f64, f64) {
    (units.read_halves as f64 / 2.0, units.write_halves as f64 / 2.0)
}

#[tokio::test]
async fn a_redemption_costs_ten_write_units_at_most() {
    let (cloud, acme) = start(100_000).await;
    if !cloud.is_embedded() {
        return;
    }
    // The program is cached, and the stock laid out.
    acme.standing().await.expect(200);
    redeem(&cloud, &acme, "key-0", "rare").await.expect(201);
    // Account, entry, what was redeemed and the record of the key, twice each; and the one thing more that there is: a
    // piece of the stock, the account's own count, uses of a perk. A discount is filed for its end, too.
    for (number, (reward, expected)) in
        [("mug", (0.5, 8.0)), ("box", (0.5, 8.0)), ("rare", (1.0, 10.0)), ("once", (1.0, 10.0)), ("day", (1.0, 10.0))]
            .into_iter()
            .enumerate()
    {
        let (reply, cost) = cloud.units(redeem(&cloud, &acme, &format!("key-{}", number + 1), reward)).await;
        reply.expect(201);
        assert_eq!(of(cost), expected, "{reward}");
    }
    let (reply, cost) = cloud.units(redeem(&cloud, &acme, "key-9", "off")).await;
    reply.expect(201);
    println!("a discount: {:?}", of(cost));
    assert!(of(cost).1 <= 14.0);
    let (_, cost) = cloud.units(redeem(&cloud, &acme, "key-9", "off")).await;
    assert_eq!(cost.write_halves, 0);
}
