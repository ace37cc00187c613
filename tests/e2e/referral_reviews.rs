//! Redemptions that somebody is to look at: who they are, and what an approval or a rejection does.

use crate::referral_life::REWARD_AT;
use serde_json::{Value, json};
use tests::{Cloud, Prospect, Redemption, ReferralCode, Reply};

async fn with_approval() -> (Cloud, ReferralCode) {
    let cloud = Cloud::with(|program| program["referral"]["enrolment"] = json!("approval")).await;
    let code = cloud.referrer("acme").await;
    (cloud, code)
}

/// The redemptions that wait, in pages of this size.
async fn waiting(cloud: &Cloud, limit: usize) -> Vec<Value> {
    let mut reviews = Vec::new();
    let mut query = format!("?limit={limit}");
    loop {
        let page = cloud.get(&format!("/v1/referrals/reviews{query}")).await.expect(200).json();
        let listed = page["reviews"].as_array().unwrap();
        assert!(listed.len() <= limit);
        reviews.extend(listed.clone());
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit={limit}&cursor={cursor}"),
            None => return reviews,
        }
    }
}

/// Redeems and waits.
async fn pending(prospect: &Prospect, code: &ReferralCode) -> Redemption {
    let reply = prospect.redeem().await.expect(201);
    assert_eq!((&reply["account_status"], &reply["welcome"]), (&json!("pending"), &Value::Null));
    let id = reply["redemption_id"].as_str().unwrap();
    code.redemption(id).of(reply["account_id"].as_str().unwrap())
}

#[tokio::test]
async fn where_the_program_says_so_everybody_waits_for_approval() {
    let (cloud, code) = with_approval().await;
    let mut redemptions = Vec::new();
    for number in 1..=5 {
        cloud.set_clock(&format!("2011-03-01T12:00:0{number}Z"));
        redemptions.push(pending(&code.prospect(number), &code).await);
    }
    let listed = waiting(&cloud, 2).await;
    assert_eq!(listed, waiting(&cloud, 100).await);
    let whose: Vec<_> = listed.iter().map(|review| review["referee"].as_str().unwrap()).collect();
    assert_eq!(whose, ["p-1", "p-2", "p-3", "p-4", "p-5"], "the oldest first");
    let first = json!({
        "referral_code": code.text(), "redemption_id": redemptions[0].id(), "referrer": "acme", "referee": "p-1",
        "redeemed_at": "2011-03-01T12:00:01Z", "reasons": ["approval"],
    });
    assert_eq!(listed[0], first);
    let tracked = code.tracking().await;
    assert_eq!((&tracked["redeemed"], &tracked["under_review"]), (&json!(5), &json!(5)));
    assert_eq!(tracked["cost"], json!({"points": 0, "discounts": 0}));
    redemptions[1].approve(None).await.expect(200);
    redemptions[3].reject(None).await.expect(200);
    let whose: Vec<_> = waiting(&cloud, 1).await.iter().map(|review| review["referee"].clone()).collect();
    assert_eq!(whose, ["p-1", "p-3", "p-5"]);
    cloud.audit().await;
}

#[tokio::test]
async fn an_approval_welcomes_and_orders_count_from_then() {
    let (cloud, code) = with_approval().await;
    let redemption = pending(&code.prospect(1), &code).await;
    let account = redemption.account();
    let standing = account.standing().await.expect(200);
    assert_eq!((&standing["status"], &standing["referral"]["stage"]), (&json!("pending"), &json!("under_review")));
    assert_eq!((&standing["points"]["balance"], &standing["discounts"]), (&json!(0), &json!([])));
    let order = redemption.order("o-1", "300.00");
    let before = cloud.tables().await;
    order.send().await.expect_problem(409, "account-not-active");
    for status in ["active", "suspended", "closed"] {
        account.put(json!({"name": "Prospect", "status": status})).await.expect_problem(409, "under-review");
    }
    assert_eq!(cloud.tables().await, before);
    // Its days begin when it is let in.
    cloud.set_clock("2011-04-01T12:00:00Z");
    let approved = redemption.approve(Some("a friend of the house")).await.expect(200);
    let review = json!({
        "reasons": ["approval"], "approved": true, "by": "operator", "at": "2011-04-01T12:00:00Z",
        "note": "a friend of the house",
    });
    assert_eq!((&approved["state"], &approved["review"]), (&json!("redeemed"), &review));
    assert_eq!((&approved["until"], &approved["welcome"]["points"]), (&json!("2011-09-28T12:00:00Z"), &json!(100)));
    let standing = account.standing().await.expect(200);
    assert_eq!((&standing["status"], &standing["referral"]["stage"]), (&json!("active"), &json!("open")));
    assert_eq!(standing["points"]["balance"], 100);
    let mut listed = standing["discounts"].clone();
    assert!(listed[0].as_object_mut().unwrap().remove("name").is_some());
    assert_eq!(listed, json!([approved["welcome"]["discount"]]));
    assert!(waiting(&cloud, 100).await.is_empty());
    // Whoever redeemed hears what it heard first.
    let again = code.prospect(1).redeem().await.expect(200);
    assert_eq!((&again["account_status"], &again["welcome"]), (&json!("pending"), &Value::Null));

    let settled = cloud.tables().await;
    assert_eq!(redemption.approve(None).await.expect(200).body(), approved.body(), "twice the same");
    redemption.reject(None).await.expect_problem(409, "reviewed-otherwise");
    assert_eq!(cloud.tables().await, settled);

    order.send().await.expect(201);
    assert_eq!(redemption.state().await, "qualified");
    cloud.set_clock("2011-05-01T12:00:00Z");
    redemption.walk().await;
    assert_eq!((redemption.state().await.as_str(), cloud.account("acme").balance().await), ("rewarded", 500));
    account.put(json!({"name": "Prospect", "status": "suspended"})).await.expect(200);
    cloud.audit().await;
}

#[tokio::test]
async fn a_rejection_closes_the_account_and_the_company_stays_known() {
    let (cloud, code) = with_approval().await;
    let other = cloud.referrer("beta").await;
    let prospect = code.prospect(1);
    let redemption = pending(&prospect, &code).await;
    prospect.clone().by(&other).set("account_id", json!("p-2")).redeem().await.expect_problem(409, "not-new");
    let rejected = redemption.reject(Some("a double")).await.expect(200);
    assert_eq!((&rejected["state"], &rejected["review"]["note"]), (&json!("rejected"), &json!("a double")));
    let ended = json!({"outcome": "rejected", "at": "2011-03-01T12:00:00Z", "reason": "review"});
    assert_eq!(rejected["ended"], ended);
    let standing = redemption.account().standing().await.expect(200);
    assert_eq!((&standing["status"], &standing["referral"]["stage"]), (&json!("closed"), &json!("over")));
    assert_eq!(standing["points"]["balance"], 0);
    redemption.order("o-1", "300.00").send().await.expect_problem(409, "account-not-active");
    let settled = cloud.tables().await;
    assert_eq!(redemption.reject(None).await.expect(200).body(), rejected.body(), "twice the same");
    redemption.approve(None).await.expect_problem(409, "reviewed-otherwise");
    assert_eq!(cloud.tables().await, settled);
    // Not by another code either, whatever it leaves out the second time.
    prospect.by(&other).set("account_id", json!("p-2")).redeem().await.expect_problem(409, "not-new");
    cloud.set_clock(REWARD_AT);
    redemption.walk().await;
    assert_eq!((cloud.account("acme").balance().await, cloud.account("beta").balance().await), (0, 0));
    // The merchant may let it in without one.
    let account = redemption.account();
    account.put(json!({"name": "Prospect", "status": "active"})).await.expect(200);
    redemption.order("o-1", "300.00").send().await.expect(201);
    assert_eq!(redemption.state().await, "rejected");
    let tracked = code.tracking().await;
    assert_eq!(
        (&tracked["rejected"], &tracked["under_review"], &tracked["rewarded"]),
        (&json!(1), &json!(0), &json!(0))
    );
    cloud.audit().await;
}

#[tokio::test]
async fn what_a_prospect_shares_with_its_referrer_is_looked_at_but_no_free_providers_domain() {
    const ADDRESS: [&str; 3] = ["12 High Street", "SW1A 1AA", "London"];
    let address = |street: &str| json!({"street": street, "postal_code": ADDRESS[1], "city": ADDRESS[2]});
    let referrer = json!({
        "name": "Acme", "email": "office@acme.example", "country": "GB", "vat_id": "GB999999973", "phone": "+44 20 7946 0958",
        "address": address(ADDRESS[0]),
    });
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    acme.put(referrer.clone()).await.expect(201);
    let code = acme.refers().await;
    let rows = [
        ("nothing", json!({}), json!([]), ["differs", "unknown", "unknown"]),
        ("another phone", json!({"phone": "020 7946 0999"}), json!([]), ["differs", "differs", "unknown"]),
        (
            "another address",
            json!({"address": address("14 High Street")}),
            json!([]),
            ["differs", "unknown", "differs"],
        ),
        ("the domain", json!({"email": "x@ACME.example"}), json!(["email_domain"]), ["same", "unknown", "unknown"]),
        ("the phone", json!({"phone": "(020) 7946-0958"}), json!(["phone"]), ["differs", "same", "unknown"]),
        (
            "the address",
            json!({"address": address("12, HIGH ST.")}),
            json!(["address"]),
            ["differs", "unknown", "same"],
        ),
        (
            "everything",
            json!({"email": "y@acme.example", "phone": "02079460958", "address": address(ADDRESS[0])}),
            json!(["email_domain", "phone", "address"]),
            ["same", "same", "same"],
        ),
    ];
    for (number, (name, fields, reasons, [domain, phone, address])) in (1..).zip(rows) {
        let fields = fields.as_object().unwrap().clone();
        let prospect =
            fields.into_iter().fold(code.prospect(number), |prospect, (field, value)| prospect.set(&field, value));
        let reply: Reply = prospect.redeem().await.expect(201);
        let shown = code.redemption(reply["redemption_id"].as_str().unwrap()).shown().await.expect(200);
        let checks = json!({
            "vat_id": "new", "email": "new", "email_domain": domain, "phone": phone, "address": address,
        });
        assert_eq!(shown["checks"], checks, "{name}");
        let waits = reasons != json!([]);
        assert_eq!(shown["review"]["reasons"], if waits { reasons } else { Value::Null }, "{name}");
        assert_eq!(reply["account_status"], if waits { "pending" } else { "active" }, "{name}");
    }
    assert_eq!(waiting(&cloud, 100).await.len(), 4);

    // At a free provider everybody has the same domain.
    let mut at_gmail = referrer.clone();
    at_gmail["email"] = json!("acme@gmail.com");
    acme.put(at_gmail).await.expect(200);
    let free = code.prospect(20).set("email", json!("somebody.else@gmail.com")).redeem().await.expect(201);
    assert_eq!(free["account_status"], "active");
    let shown = code.redemption(free["redemption_id"].as_str().unwrap()).shown().await.expect(200);
    assert_eq!(shown["checks"]["email_domain"], "free_provider");
    // A referrer of whom nothing is known.
    let unknown = cloud.referrer("beta").await.prospect(21).redeem().await.expect(201);
    assert_eq!(unknown["account_status"], "active");
    cloud.audit().await;
}

#[tokio::test]
async fn an_account_that_was_there_before_stays_as_it_is_whatever_the_review_says() {
    let (cloud, code) = with_approval().await;
    for (number, approve) in [(1, true), (2, false)] {
        let account = cloud.account(&format!("p-{number}"));
        account.put(json!({"name": "Known before"})).await.expect(201);
        let reply = code.prospect(number).redeem().await.expect(201);
        assert_eq!(reply["account_status"], "active");
        let redemption = code.redemption(reply["redemption_id"].as_str().unwrap()).of(account.id());
        // An order while nobody has looked at it is one like any other.
        redemption.order(&format!("early-{number}"), "300.00").send().await.expect(201);
        assert_eq!(redemption.state().await, "redeemed");
        let verdict = if approve { redemption.approve(None).await } else { redemption.reject(None).await };
        verdict.expect(200);
        redemption.order(&format!("late-{number}"), "300.00").send().await.expect(201);
        assert_eq!(redemption.state().await, if approve { "qualified" } else { "rejected" });
        let standing = account.standing().await.expect(200);
        assert_eq!((&standing["status"], &standing["orders"]), (&json!("active"), &json!(2)));
        let same = json!({"name": "Other", "vat_id": format!("GB{}", 100_000_000 + number)});
        cloud.account("other").put(same).await.expect_problem(409, "taken");
    }
    cloud.audit().await;
}

#[tokio::test]
async fn what_waits_for_nobody_cannot_be_reviewed() {
    let cloud = Cloud::start().await;
    let code = cloud.referrer("acme").await;
    let other = cloud.referrer("beta").await;
    let redemption = code.redeemed_by(1).await;
    let before = cloud.tables().await;
    redemption.approve(None).await.expect_problem(409, "nothing-to-review");
    redemption.reject(None).await.expect_problem(409, "nothing-to-review");
    code.redemption("0123456789abcdef").approve(None).await.expect_problem(404, "unknown-redemption");
    other.redemption(redemption.id()).approve(None).await.expect_problem(404, "unknown-redemption");
    let target = redemption.path("/approval");
    for (body, status, kind) in [
        ("{", 400, "not-json"),
        ("[]", 422, "invalid-document"),
        (r#"{"note": ""}"#, 422, "invalid-document"),
        (r#"{"reason": "none"}"#, 422, "invalid-document"),
    ] {
        cloud.request("POST", &target, body).await.expect_problem(status, kind);
    }
    let long = json!({"note": "x".repeat(10_000)}).to_string();
    assert_eq!(cloud.request("POST", &target, long).await.expect(422).fault_paths(), ["$.note"]);
    cloud.get("/v1/referrals/reviews?cursor=%21").await.expect_problem(400, "invalid-parameter");
    cloud.get("/v1/referrals/reviews?limit=0").await.expect_problem(400, "invalid-parameter");
    cloud.get("/v1/referrals/reviews?status=open").await.expect_problem(400, "invalid-parameter");
    assert_eq!(cloud.tables().await, before);
    cloud.audit().await;
}
