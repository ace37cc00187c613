//! Shared codes: one discount code of the merchant for many accounts.

use domain::code::Code;
use domain::decision::{Guard, Record, Write};
use domain::idempotency::CommandKey;
use domain::shared_code::SharedCode;
use serde_json::{Value, json};
use store::{Commit, Consistency};
use tests::network::Staleness;
use tests::{Cloud, Reply};

const SHARED_CODES: &str = "/v1/shared-codes";

async fn start() -> Cloud {
    let cloud = Cloud::with(|program| {
        program["discounts"][0]["group"] = json!("season");
    })
    .await;
    cloud.account("acme").put(json!({"name": "Acme", "segments": ["hotels"]})).await.expect(201);
    cloud
}

/// Issues a code that says this besides its name.
pub async fn issued(cloud: &Cloud, key: &str, more: Value) -> String {
    let mut document = json!({"name": "Spring fair"});
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let reply = cloud.request_keyed(SHARED_CODES, key, &document).await.expect(201);
    reply["code"].as_str().unwrap().to_owned()
}

/// Codes that `acme` cannot use on 3 March 2011, which it is now, each with the kind of problem that it is.
pub async fn unusable(cloud: &Cloud) -> Vec<(String, &'static str)> {
    let mut codes = Vec::new();
    for (terms, kind) in [
        (json!({"percent": "5", "from": "2011-03-04"}), "discount-not-yet-valid"),
        (json!({"percent": "5", "segments": ["hotels"]}), "discount-not-for-account"),
        (json!({"percent": "5", "tiers": ["gold"]}), "discount-not-for-account"),
        (json!({"percent": "5", "until": "2011-03-02"}), "discount-expired"),
        (json!({"percent": "5", "uses": 9}), "discount-used"),
        (json!({"percent": "5", "uses_per_account": 2}), "discount-used"),
        (json!({"percent": "5", "uses": 1}), "discount-used-up"),
        (json!({"amount": "5.00"}), "discount-expired"),
    ] {
        codes.push((issued(cloud, &terms.to_string(), terms.clone()).await, kind));
    }
    for (account, number) in [("acme", 4), ("acme", 5), ("acme", 5), ("beta", 6)] {
        used(cloud, account, &codes[number].0).await;
    }
    let ended = &codes.last().unwrap().0;
    cloud.request("DELETE", &format!("{SHARED_CODES}/{ended}"), "").await.expect(200);
    cloud.set_clock("2011-03-03T12:00:00Z");
    codes
}

/// Goods of 200.00, and postage.
async fn quoted(cloud: &Cloud, account: &str, codes: Value) -> Reply {
    let cart = json!({
        "account_id": account, "currency": "GBP", "discount_codes": codes, "lines": [
            {"line_id": "1", "sku": "MUG", "quantity": 20, "unit_price": "10.00"},
            {"line_id": "2", "sku": "POST", "quantity": 1, "unit_price": "9.99"}],
    });
    cloud.request("POST", "/v1/quotes", cart.to_string()).await.expect(200)
}

/// Why a code is refused.
async fn refused(cloud: &Cloud, account: &str, code: &str) -> Value {
    let quote = quoted(cloud, account, json!([code])).await;
    assert_eq!((&quote["discounts"], &quote["discount_codes"]), (&json!([]), &json!([])), "{code}");
    let refused = &quote["codes_refused"][0];
    assert_eq!(refused["code"], json!(Code::parse(code).unwrap()));
    refused["reason"].clone()
}

/// An order that names a code.
async fn used(cloud: &Cloud, account: &str, code: &str) {
    let id = format!("o-{:016x}", fastrand::u64(..));
    let order = cloud.order(&id).account(account).line("MUG", 1, "10.00").code(code);
    order.send().await.expect(201);
}

#[tokio::test]
async fn a_shared_code_is_issued_once_listed_and_ended() {
    let cloud = start().await;
    let document = json!({
        "name": "Spring fair", "amount": "10.00", "minimum_order": "150", "group": "season", "from": "2011-03-01",
        "until": "2011-03-31", "uses": 500, "uses_per_account": 2, "tiers": ["member", "gold"], "segments": ["hotels"],
    });
    let first = cloud.request_keyed(SHARED_CODES, "key-1", &document).await.expect(201);
    let code = first["code"].as_str().unwrap().to_owned();
    let place = format!("{SHARED_CODES}/{code}");
    assert_eq!(first.header("location"), Some(&*place));
    let mut expected = json!({
        "code": code, "name": "Spring fair", "amount": {"amount": "10.00", "currency": "GBP"},
        "minimum_order": {"amount": "150.00", "currency": "GBP"}, "group": "season", "from": "2011-03-01T00:00:00Z",
        "until": "2011-03-31T23:00:00Z", "uses": 500, "uses_per_account": 2, "tiers": ["member", "gold"],
        "segments": ["hotels"], "issued_at": "2011-03-01T12:00:00Z",
    });
    assert_eq!(first.json(), expected);
    for staleness in [Staleness::None, Staleness::Oldest] {
        cloud.stale_reads(staleness);
        let again = cloud.request_keyed(SHARED_CODES, "key-1", &document).await.expect(200);
        assert_eq!((again.body(), again.header("idempotent-replayed")), (first.body(), Some("true")));
        let other = cloud.request_keyed(SHARED_CODES, "key-1", &json!({"name": "Spring", "percent": "5"})).await;
        other.expect_problem(409, "idempotency-key-reused");
    }
    cloud.stale_reads(Staleness::None);

    let second = issued(&cloud, "key-2", json!({"percent": "7.5"})).await;
    let listed = |reply: &Reply| {
        let all = reply["shared_codes"].as_array().unwrap().clone();
        all.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut both = vec![code.clone(), second.clone()];
    both.sort();
    assert_eq!(listed(&cloud.get(SHARED_CODES).await.expect(200)), both);
    let page = cloud.get(&format!("{SHARED_CODES}?limit=1")).await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = cloud.get(&format!("{SHARED_CODES}?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!(
        (listed(&page), listed(&rest), &rest["next_cursor"]),
        (both[..1].into(), both[1..].into(), &Value::Null)
    );

    used(&cloud, "acme", &code).await;
    expected["used"] = json!(1);
    assert_eq!(cloud.get(&place).await.expect(200).json(), expected);
    let unlimited = cloud.get(&format!("{SHARED_CODES}/{second}")).await.expect(200);
    assert_eq!((&unlimited["percent"], &unlimited["used"]), (&json!("7.5"), &Value::Null), "nobody counts that");

    cloud.set_clock("2011-03-02T12:00:00Z");
    let ended = cloud.request("DELETE", &place, "").await.expect(200);
    assert_eq!(ended["ended_at"], "2011-03-02T12:00:00Z");
    cloud.set_clock("2011-03-03T12:00:00Z");
    assert_eq!(cloud.request("DELETE", &place, "").await.expect(200).json(), ended.json());
    expected["ended_at"] = json!("2011-03-02T12:00:00Z");
    assert_eq!(cloud.get(&place).await.expect(200).json(), expected);
    assert_eq!(refused(&cloud, "acme", &code).await, "expired");
    cloud.audit().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_shared_code_is_told_at_once_and_where() {
    let cloud = start().await;
    let before = cloud.tables().await;
    for (document, paths) in [
        (json!({}), &["$.name", "$.percent"][..]),
        (
            json!({"name": "", "percent": "5", "amount": "1", "uses": 0, "uses_per_account": 0, "from": "x", "code": "A"}),
            &["$.code", "$.name", "$.amount", "$.from", "$.uses", "$.uses_per_account"],
        ),
        (json!({"name": "x", "percent": "5", "until": "2011-02-28", "tiers": ["nickel"]}), &["$.until", "$.tiers[0]"]),
    ] {
        let reply = cloud.request_keyed(SHARED_CODES, "key-1", &document).await;
        assert_eq!(reply.expect_problem(422, "invalid-document").fault_paths(), paths, "{document}");
    }
    let keyless = cloud.request("POST", SHARED_CODES, json!({"name": "x", "percent": "5"}).to_string()).await;
    assert_eq!(keyless.status(), 400);
    let unknown = Code::of_bits(5).to_string();
    for (method, code) in [("GET", &*unknown), ("DELETE", &*unknown), ("GET", "x"), ("DELETE", "x")] {
        let target = format!("{SHARED_CODES}/{code}");
        cloud.request(method, &target, "").await.expect_problem(404, "unknown-shared-code");
    }
    cloud.get(&format!("{SHARED_CODES}?cursor=x")).await.expect_problem(400, "invalid-parameter");
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn a_cart_that_names_shared_codes_sees_what_they_take_off() {
    let cloud = start().await;
    let own = cloud.order("o-1").line("MUG", 1, "600.00").send().await.expect(201);
    let own = own["discounts_issued"][0]["code"].as_str().unwrap().to_owned();
    let percent = issued(&cloud, "key-1", json!({"percent": "10", "uses": 2, "group": "season"})).await;
    let amount = issued(&cloud, "key-2", json!({"amount": "15.00", "until": "2011-03-31"})).await;
    let large = issued(&cloud, "key-3", json!({"amount": "50.00", "minimum_order": "200.01"})).await;
    let before = cloud.tables().await;
    // As a person types it; the account's own is of the same group, and takes off less.
    let typed = format!("{}-{}", &percent[..5].to_lowercase(), &percent[5..]);
    let quote = quoted(&cloud, "acme", json!([large, amount, typed, own])).await;
    assert_eq!(quote["discount_codes"], json!([percent, amount]));
    let told = |code: &str| {
        let all = quote["discounts"].as_array().unwrap();
        all.iter().find(|one| one["code"] == *code).unwrap().clone()
    };
    assert_eq!(
        (&told(&percent)["value"]["amount"], &told(&amount)["value"]["amount"]),
        (&json!("20.00"), &json!("15.00"))
    );
    assert_eq!(
        (&told(&amount)["shared"], &told(&amount)["expires_at"]),
        (&json!(true), &json!("2011-03-31T23:00:00Z"))
    );
    assert_eq!((&told(&percent)["name"], &told(&percent)["rule"]), (&json!("Spring fair"), &Value::Null));
    assert_eq!((&told(&own)["reason"], &told(&own)["shared"]), (&json!("group"), &Value::Null));
    assert_eq!(told(&large)["reason"], "below_minimum");
    assert_eq!((&quote["totals"]["to_pay"]["amount"], &quote["earns"]["points"]), (&json!("174.99"), &json!(165)));
    assert_eq!(cloud.tables().await, before, "a quote was written");
    // What "best" chooses among is the account's own.
    assert_eq!(quoted(&cloud, "acme", json!("best")).await["discount_codes"], json!([own]));
}

#[tokio::test]
async fn a_shared_code_that_an_account_cannot_use_says_why() {
    let cloud = start().await;
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    let twice = issued(&cloud, "key-1", json!({"percent": "5", "uses": 3, "uses_per_account": 2})).await;
    let later = issued(&cloud, "key-2", json!({"percent": "5", "from": "2011-03-02", "until": "2011-03-02"})).await;
    let hotels = issued(&cloud, "key-3", json!({"percent": "5", "segments": ["hotels"]})).await;
    let gold = issued(&cloud, "key-4", json!({"percent": "5", "tiers": ["gold"]})).await;
    for _ in 0..2 {
        assert_eq!(quoted(&cloud, "acme", json!([twice])).await["discount_codes"], json!([twice]));
        used(&cloud, "acme", &twice).await;
    }
    assert_eq!(refused(&cloud, "acme", &twice).await, "used");
    assert_eq!(quoted(&cloud, "beta", json!([twice])).await["discount_codes"], json!([twice]));
    used(&cloud, "beta", &twice).await;
    assert_eq!(refused(&cloud, "beta", &twice).await, "used_up");
    assert_eq!(refused(&cloud, "acme", &twice).await, "used");
    assert_eq!(cloud.get(&format!("{SHARED_CODES}/{twice}")).await.expect(200)["used"], 3);

    assert_eq!(quoted(&cloud, "acme", json!([hotels])).await["discount_codes"], json!([hotels]));
    assert_eq!(refused(&cloud, "beta", &hotels).await, "not_for_account");
    assert_eq!(refused(&cloud, "acme", &gold).await, "not_for_account");
    assert_eq!(refused(&cloud, "acme", &later).await, "not_yet_valid");
    cloud.set_clock("2011-03-02T00:00:00Z");
    assert_eq!(quoted(&cloud, "acme", json!([later])).await["discount_codes"], json!([later]));
    cloud.set_clock("2011-03-03T00:00:00Z");
    assert_eq!(refused(&cloud, "acme", &later).await, "expired");
    cloud.audit().await;
}

#[tokio::test]
async fn a_quote_reads_a_shared_code_its_uses_and_its_limit() {
    let cloud = start().await;
    if !cloud.is_embedded() {
        return;
    }
    let limited = issued(&cloud, "key-1", json!({"percent": "5", "uses": 3})).await;
    let free = issued(&cloud, "key-2", json!({"percent": "5"})).await;
    cloud.local().app("checkout").unwrap().schedule().await.unwrap();
    // The account and the look for its own, then the code, what the account has used of it, and what all have.
    for (codes, read_halves) in [(json!([limited]), 10), (json!([free]), 8), (json!([limited, free]), 16)] {
        let (quote, cost) = cloud.units(quoted(&cloud, "acme", codes.clone())).await;
        assert_eq!(quote["discount_codes"].as_array().unwrap().len(), codes.as_array().unwrap().len());
        assert_eq!((cost.read_halves, cost.write_halves), (read_halves, 0), "{codes}");
    }
}

#[tokio::test]
async fn a_repeat_finds_its_code_after_a_change_of_the_secret() {
    let cloud = start().await;
    let document = json!({"name": "Spring", "percent": "5"});
    let first = cloud.request_keyed(SHARED_CODES, "key-1", &document).await.expect(201);
    if !cloud.is_embedded() {
        return;
    }
    let changed = cloud.with_other_secrets("1:a secret for tests only,2:another for tests only").await;
    let again = changed.request_keyed(SHARED_CODES, "key-1", &document).await.expect(200);
    assert_eq!(again.body(), first.body());
}

#[tokio::test]
async fn a_code_that_is_taken_is_not_issued_again() {
    let cloud = start().await;
    let document = json!({"name": "Spring", "percent": "5"});
    let first = issued(&cloud, "key-1", json!({"percent": "5"})).await;
    let store = cloud.app().store();
    let held = store.shared_code(&Code::parse(&first).unwrap(), Consistency::Strong).await.unwrap().unwrap();
    // Under the code that the next key stands for.
    let key = CommandKey::new("operator", &format!("POST {SHARED_CODES}"), "key-2").unwrap();
    let taken = SharedCode { code: cloud.app().secrets().shared_code(key.as_str(), 0), ..held };
    let write = Write::Put(Record::SharedCode(Box::new(taken.clone())), Guard::Absent);
    assert!(matches!(store.commit(&[write]).await.unwrap(), Commit::Done));
    let second = cloud.request_keyed(SHARED_CODES, "key-2", &document).await.expect(201);
    assert_ne!(second["code"], json!(taken.code));
    let again = cloud.request_keyed(SHARED_CODES, "key-2", &document).await.expect(200);
    assert_eq!(again.body(), second.body());
    let stored = store.shared_code(&taken.code, Consistency::Strong).await.unwrap();
    assert_eq!(stored, Some(taken), "whoever has it keeps it");
}
