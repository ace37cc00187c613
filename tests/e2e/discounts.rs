//! Discounts for the next purchase: issued by a large order, used once, in the order's own transaction.

use domain::code::Code;
use domain::id::AccountId;
use serde_json::{Value, json};
use tests::Account;
use tests::Cloud;
use tests::network::Staleness;

/// An order that is large enough; the code it issued.
async fn issued(account: &Account, id: &str) -> String {
    let reply = account.order(id).line("MUG", 1, "500.00").send().await.expect(201);
    reply["discounts_issued"][0]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_order_of_at_least_five_hundred_issues_one_discount() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    let below = acme.order("o-1").line("MUG", 1, "499.99").line("POST", 1, "50.00").send().await.expect(201);
    assert_eq!(below["discounts_issued"], json!([]));
    let reply = acme.order("o-2").line("MUG", 1, "500.00").send().await.expect(201);
    let discount = &reply["discounts_issued"][0];
    // Thirty days to the same wall time, and summer time begins between.
    assert_eq!(discount["expires_at"], "2011-03-31T11:00:00Z");
    assert_eq!((&discount["percent"], &discount["rule"]), (&json!("5"), &json!("next-purchase")));
    Code::parse(discount["code"].as_str().unwrap()).unwrap();
    let mut listed = acme.standing().await.expect(200)["discounts"].clone();
    assert_eq!(listed[0].as_object_mut().unwrap().remove("name"), Some(json!("5 % off your next purchase")));
    assert_eq!(listed, reply["discounts_issued"]);

    let while_open = acme.order("o-3").line("MUG", 1, "900.00").send().await.expect(201);
    assert_eq!(while_open["discounts_issued"], json!([]));
    cloud.set_clock("2011-03-31T11:00:00Z");
    let after = acme.order("o-4").placed("2011-03-31T11:00:00Z").line("MUG", 1, "900.00").send().await.expect(201);
    assert_eq!(after["discounts_issued"].as_array().unwrap().len(), 1);
    assert_ne!(after["discounts_issued"][0]["code"], discount["code"]);
}

#[tokio::test]
async fn a_discount_is_used_once_in_the_transaction_of_its_order() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    let code = issued(&acme, "o-1").await;
    let typed = format!("{}-{}", &code[..5].to_lowercase(), &code[5..]);
    let using = acme.order("o-2").line("MUG", 1, "20.00").code(&typed);
    let reply = using.send().await.expect(201);
    assert_eq!(reply["discounts_used"], json!([code]));
    assert_eq!(acme.standing().await.expect(200)["discounts"], json!([]));
    let changes = acme.history().await[0]["changes"].clone();
    assert!(changes.as_array().unwrap().contains(&json!({"type": "discount.used", "code": code})), "{changes}");

    let before = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Behind(1), Staleness::Oldest] {
        cloud.stale_reads(staleness);
        let second = acme.order("o-3").line("MUG", 1, "20.00").code(&code).send().await;
        assert_eq!(second.expect_problem(422, "discount-used").fault_paths(), ["$.discount_codes[0]"]);
        // The order that used it gets its first answer, whatever has become of the discount.
        assert_eq!(using.send().await.expect(200).body(), reply.body());
    }
    cloud.stale_reads(Staleness::None);
    assert_eq!(cloud.tables().await, before);
    acme.order("o-3").line("MUG", 1, "20.00").send().await.expect(201);
}

#[tokio::test]
async fn a_retry_still_gets_the_first_answer_after_its_discount_expired() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    let code = issued(&acme, "o-1").await;
    let using = acme.order("o-2").line("MUG", 1, "20.00").code(&code);
    let first = using.send().await.expect(201);
    cloud.set_clock("2012-01-01T00:00:00Z");
    acme.put(json!({"name": "Acme", "status": "suspended"})).await.expect(200);
    for staleness in [Staleness::None, Staleness::Behind(1), Staleness::Oldest] {
        cloud.stale_reads(staleness);
        assert_eq!(using.send().await.expect(200).body(), first.body());
    }
}

#[tokio::test]
async fn a_discount_is_void_from_the_very_instant_of_its_expiry() {
    let cloud = Cloud::start().await;
    let (early, late) = (cloud.account("early"), cloud.account("late"));
    let (in_time, expired) = (issued(&early, "o-1").await, issued(&late, "o-2").await);
    cloud.set_clock("2011-03-31T10:59:59.999Z");
    early.order("o-3").line("MUG", 1, "20.00").code(&in_time).send().await.expect(201);
    cloud.set_clock("2011-03-31T11:00:00Z");
    assert_eq!(late.standing().await.expect(200)["discounts"], json!([]));
    let before = cloud.tables().await;
    // When the order was placed makes no difference: it is now that a discount is used.
    let order = late.order("o-4").line("MUG", 1, "20.00").code(&expired);
    let refused = order.send().await.expect_problem(422, "discount-expired");
    assert_eq!(refused.fault_paths(), ["$.discount_codes[0]"]);
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn nothing_reveals_whether_somebody_elses_code_exists() {
    let cloud = Cloud::start().await;
    let foreign = issued(&cloud.account("acme"), "o-1").await;
    let used = issued(&cloud.account("user"), "o-2").await;
    cloud.account("user").order("o-3").line("MUG", 1, "20.00").code(&used).send().await.expect(201);
    let unknown = Code::of_bits(1_234_567).to_string();
    cloud.account("known").put(json!({"name": "Known"})).await.expect(201);
    let before = cloud.tables().await;
    for account in ["known", "unknown"] {
        let mut answers = Vec::new();
        for code in [&unknown, &foreign, &used] {
            let order = cloud.order("o-9").account(account).line("MUG", 1, "20.00").code(code);
            let reply = order.send().await.expect_problem(422, "discount-unknown");
            assert_eq!(reply.fault_paths(), ["$.discount_codes[0]"]);
            answers.push(reply.body().to_vec());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn one_unusable_code_refuses_the_order_and_leaves_the_others_open() {
    let two_rules = |program: &mut Value| {
        let mut second = program["discounts"][0].clone();
        second["id"] = json!("large-order");
        program["discounts"].as_array_mut().unwrap().push(second);
    };
    let cloud = Cloud::with(two_rules).await;
    let acme = cloud.account("acme");
    let reply = acme.order("o-1").line("MUG", 1, "500.00").send().await.expect(201);
    let codes: Vec<_> = reply["discounts_issued"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    let codes: Vec<_> = codes.iter().map(|code| code.as_str().unwrap()).collect();
    let unknown = Code::of_bits(1_234_567).to_string();
    let before = cloud.tables().await;
    let mixed = acme.order("o-2").line("MUG", 1, "20.00").code(codes[0]).code(&unknown);
    assert_eq!(mixed.send().await.expect_problem(422, "discount-unknown").fault_paths(), ["$.discount_codes[1]"]);
    assert_eq!(cloud.tables().await, before);
    let both = acme.order("o-2").line("MUG", 1, "20.00").code(codes[0]).code(codes[1]);
    assert_eq!(both.send().await.expect(201)["discounts_used"], json!(codes));
}

#[tokio::test]
async fn an_order_may_use_one_discount_and_issue_the_next() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    let code = issued(&acme, "o-1").await;
    let reply = acme.order("o-2").line("MUG", 1, "700.00").code(&code).send().await.expect(201);
    let next = reply["discounts_issued"][0]["code"].as_str().unwrap();
    assert_ne!(next, code);
    assert_eq!(acme.standing().await.expect(200)["discounts"].as_array().unwrap().len(), 1);
}

/// How many discounts an account's newest month knows, and what they took off in it and ever; and the books balance.
async fn taken_off(cloud: &Cloud, id: &str) -> (u64, i64, i64) {
    cloud.audit().await;
    let id = AccountId::parse(id).unwrap();
    let account = cloud.app().store().account(&id, store::Consistency::Strong).await.unwrap().unwrap();
    let month = account.activity.months().last().unwrap();
    (month.discounts_used, month.discount_value.0, account.lifetime.discount_value.0)
}

#[tokio::test]
async fn what_discounts_took_off_is_counted_and_falls_with_what_comes_back() {
    let cloud = Cloud::with(|program| {
        let mut second = program["discounts"][0].clone();
        (second["id"], second["percent"]) = (json!("large-order"), json!("10"));
        program["discounts"].as_array_mut().unwrap().push(second);
    })
    .await;
    let acme = cloud.account("acme");
    let reply = acme.order("o-1").line("MUG", 1, "500.00").send().await.expect(201);
    let codes: Vec<_> = reply["discounts_issued"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    let codes: Vec<_> = codes.iter().map(|code| code.as_str().unwrap()).collect();
    assert_eq!(taken_off(&cloud, "acme").await, (0, 0, 0));
    // 95 % of 90 % of 100.00 are paid; postage is none of it.
    let order = acme.order("o-2");
    let lines = |revision| order.amended(revision).line("MUG", 10, "8.55").line("POST", 1, "5.00");
    lines(0).code(codes[0]).code(codes[1]).send().await.expect(201);
    assert_eq!(taken_off(&cloud, "acme").await, (2, 1_450, 1_450));
    order.returned("r-1").units("1", 3).send().await.expect(201);
    assert_eq!(taken_off(&cloud, "acme").await, (2, 1_015, 1_015), "59.85 of 70.00");
    // Without the first it is 90 % of what it was, and then 95 %.
    lines(1).code(codes[1]).put().await.expect(200);
    assert_eq!(taken_off(&cloud, "acme").await, (1, 665, 665), "59.85 of 66.50");
    lines(2).code(codes[0]).put().await.expect(200);
    assert_eq!(taken_off(&cloud, "acme").await, (1, 315, 315), "59.85 of 63.00");
    lines(3).put().await.expect(200);
    assert_eq!(taken_off(&cloud, "acme").await, (0, 0, 0));
    lines(4).code(codes[1]).code(codes[0]).put().await.expect(200);
    assert_eq!(taken_off(&cloud, "acme").await, (2, 1_015, 1_015));
    let note = acme.credit_note("c-1").units("MUG", 2);
    note.at(&cloud.now().to_string()).send().await.expect(201);
    assert_eq!(taken_off(&cloud, "acme").await, (2, 725, 725), "42.75 of 50.00");
    order.cancelled().send().await.expect(201);
    assert_eq!(taken_off(&cloud, "acme").await, (0, 0, 0), "they came back");
}
