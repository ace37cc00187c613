//! Scoring an order: once, with reasons, whatever is repeated.

use serde_json::json;
use tests::Cloud;
use tests::network::Staleness;

#[tokio::test]
async fn an_order_is_scored_with_its_reasons() {
    let cloud = Cloud::start().await;
    let order = cloud.order("o-1").line("MUG", 10, "12.505").line("POST", 1, "9.00");
    let reply = order.send().await.expect(201);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("idempotent-replayed"), None);
    assert_eq!(reply["total"], json!({"amount": "134.05", "currency": "GBP"}));
    assert_eq!(reply["eligible_total"], json!({"amount": "125.05", "currency": "GBP"}));
    assert_eq!((&reply["points"], &reply["balance"]), (&json!(125), &json!(125)));
    assert_eq!((&reply["entry"], &reply["program_version"]), (&json!(1), &json!(1)));
    assert_eq!(reply["expires_at"], "2013-03-31T23:00:00Z");
    assert_eq!(reply["ineligible_lines"], json!([{"line_id": "2", "sku": "POST", "reason": "excluded_sku"}]));
    let reasons = reply["reasons"].as_array().unwrap();
    let fired: Vec<_> = reasons.iter().map(|reason| (reason["id"].as_str().unwrap(), &reason["fired"])).collect();
    assert_eq!(fired, [("earning.fired", &json!(true)), ("discount.missed", &json!(false))]);
    let text = reasons[0]["text"].as_str().unwrap();
    assert!(text.contains("125.05 GBP × 1 per 1.00 GBP × 1 (Member)") && text.ends_with("= 125 points."), "{text}");
}

#[tokio::test]
async fn the_tier_held_before_the_order_multiplies_and_the_order_raises_it() {
    let cloud = Cloud::start().await;
    let reaching = cloud.order("o-1").line("MUG", 1, "1000.00").send().await.expect(201);
    assert_eq!((&reaching["points"], &reaching["tier"]["before"]), (&json!(1000), &json!("member")));
    assert_eq!(reaching["tier"]["after"], "silver");
    let raised = reaching["reasons"].as_array().unwrap().iter().find(|reason| reason["id"] == "tier.raised").unwrap();
    assert_eq!(raised["text"], "Silver reached: 1000.00 GBP in 12 months; it takes 1000.00 GBP.");
    let next = cloud.order("o-2").line("MUG", 1, "100.00").send().await.expect(201);
    assert_eq!((&next["points"], &next["balance"]), (&json!(125), &json!(1125)));
    assert_eq!((&next["tier"]["before"], &next["tier"]["multiplier"]), (&json!("silver"), &json!("1.25")));
}

#[tokio::test]
async fn the_same_order_again_gets_the_first_answer_and_writes_nothing() {
    let cloud = Cloud::start().await;
    let order = cloud.order("o-1").line("MUG", 50, "12.50");
    let first = order.send().await.expect(201);
    cloud.order("o-2").line("MUG", 1, "12.50").send().await.expect(201);
    let before = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Oldest, Staleness::Behind(1), Staleness::Behind(2)] {
        cloud.stale_reads(staleness);
        cloud.set_clock("2011-06-01T00:00:00Z");
        let again = order.send().await.expect(200);
        assert_eq!(again.body(), first.body());
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    }
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn spelling_makes_no_other_order() {
    let cloud = Cloud::start().await;
    let first = cloud.order("o-1").line("MUG", 2, "1.5").send().await.expect(201);
    let other_spelling = cloud.order("o-1").line("MUG", 2, "1.500000").placed("2011-03-01T13:00:00+01:00");
    assert_eq!(other_spelling.send().await.expect(200).body(), first.body());
}

#[tokio::test]
async fn the_same_identity_with_other_content_is_refused_naming_what_differs() {
    let cloud = Cloud::start().await;
    let order = cloud.order("o-1").line("MUG", 2, "12.50").line("CUP", 1, "3.00");
    let first = order.send().await.expect(201);
    let before = cloud.tables().await;
    let mut document = order.document();
    document["lines"][1]["quantity"] = json!(2);
    document["shipping"] = json!("1.00");
    let other = cloud.request("POST", "/v1/orders", document.to_string()).await.expect_problem(409, "content-differs");
    assert_eq!(other["differences"], json!(["$.lines[1].quantity", "$.shipping"]));
    // To another account no more is told than that it is not the one.
    document["account_id"] = json!("beta");
    let other = cloud.request("POST", "/v1/orders", document.to_string()).await.expect_problem(409, "content-differs");
    assert_eq!(other["differences"], json!(["$.account_id"]));
    assert_eq!(cloud.tables().await, before);
    // Another source is another order.
    order.clone().set("source", json!("erp")).send().await.expect(201);
    assert_eq!(order.send().await.expect(200).body(), first.body());
}

#[tokio::test]
async fn an_unknown_account_is_enrolled_or_refused_as_the_program_says() {
    let cloud = Cloud::start().await;
    cloud.order("o-1").account("new").line("MUG", 1, "5.00").send().await.expect(201);
    let history = cloud.account("new").history().await;
    assert_eq!(history[0]["changes"][0], json!({"type": "account.enrolled", "tier": "member"}));

    let strict = Cloud::with(|program| program["enrolment"]["unknown_account"] = json!("reject")).await;
    let order = strict.order("o-1").account("new").line("MUG", 1, "5.00");
    let before = strict.tables().await;
    order.send().await.expect_problem(404, "unknown-account");
    assert_eq!(strict.tables().await, before);
    // A refused order keeps nothing under its key: it may be sent again.
    strict.account("new").put(json!({"name": "New Ltd"})).await.expect(201);
    order.send().await.expect(201);
}

#[tokio::test]
async fn a_suspended_account_earns_nothing_until_it_is_active_again() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    for (status, order) in [("suspended", "o-1"), ("closed", "o-2")] {
        acme.put(json!({"name": "Acme", "status": status})).await;
        let before = cloud.tables().await;
        let refused = acme.order(order).line("MUG", 1, "5.00").send().await;
        let refused = refused.expect_problem(409, "account-not-active");
        assert_eq!(refused["detail"], format!("The account is {status}."));
        assert_eq!(cloud.tables().await, before);
    }
    acme.put(json!({"name": "Acme", "status": "active"})).await.expect(200);
    acme.order("o-1").line("MUG", 1, "5.00").send().await.expect(201);
}

#[tokio::test]
async fn a_retry_of_an_accepted_order_gets_the_first_answer_after_the_account_was_suspended() {
    let cloud = Cloud::start().await;
    let order = cloud.order("o-1").line("MUG", 50, "12.50");
    let first = order.send().await.expect(201);
    cloud.account("acme").put(json!({"name": "Acme", "status": "suspended"})).await.expect(200);
    for staleness in [Staleness::None, Staleness::Oldest, Staleness::Behind(1)] {
        cloud.stale_reads(staleness);
        assert_eq!(order.send().await.expect(200).body(), first.body());
        let differing = order.clone().line("CUP", 1, "1.00");
        differing.send().await.expect_problem(409, "content-differs");
        cloud.order("o-2").line("MUG", 1, "5.00").send().await.expect_problem(409, "account-not-active");
    }
}

#[tokio::test]
async fn a_stale_read_never_lets_an_order_through_or_turns_one_away() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    acme.put(json!({"name": "Acme", "status": "suspended"})).await.expect(200);
    cloud.stale_reads(Staleness::Behind(1)); // still active, it says
    acme.order("o-1").line("MUG", 1, "5.00").send().await.expect_problem(409, "account-not-active");
    acme.put(json!({"name": "Acme", "status": "active"})).await.expect(200);
    cloud.stale_reads(Staleness::Behind(1)); // still suspended, it says
    acme.order("o-1").line("MUG", 1, "5.00").send().await.expect(201);
    cloud.stale_reads(Staleness::Oldest); // there is no such account, it says
    let second = acme.order("o-2").line("MUG", 1, "5.00").send().await.expect(201);
    assert_eq!((&second["entry"], &second["balance"]), (&json!(5), &json!(10)));
    assert!(cloud.network().unwrap().stale_reads_shown() >= 3);
}

#[tokio::test]
async fn points_wait_their_days_and_then_can_be_spent() {
    let cloud = Cloud::with(|program| program["points"]["pending_days"] = json!(14)).await;
    let reply = cloud.order("o-1").line("MUG", 1, "80.00").send().await.expect(201);
    assert_eq!((&reply["points"], &reply["balance"]), (&json!(80), &json!(0)));
    assert_eq!(reply["available_at"], "2011-03-15T00:00:00Z");
    let acme = cloud.account("acme");
    let waiting = acme.standing().await.expect(200)["points"].clone();
    assert_eq!((&waiting["balance"], &waiting["pending"]), (&json!(0), &json!(80)));
    assert_eq!(waiting["next_available"], json!({"at": "2011-03-15T00:00:00Z", "points": 80}));
    cloud.set_clock("2011-03-14T23:59:59.999Z");
    assert_eq!(acme.standing().await.expect(200)["points"]["balance"], 0);
    // No sweep has run: the read alone knows what time it is.
    cloud.set_clock("2011-03-15T00:00:00Z");
    let available = acme.standing().await.expect(200)["points"].clone();
    assert_eq!((&available["balance"], &available["pending"]), (&json!(80), &json!(0)));
    assert_eq!(available["next_expiry"], json!({"at": "2013-03-31T23:00:00Z", "points": 80}));
}

#[tokio::test]
async fn points_end_at_the_first_instant_after_their_last_month() {
    let cloud = Cloud::start().await;
    cloud.order("o-1").line("MUG", 1, "80.00").send().await.expect(201);
    let balance = async || cloud.account("acme").standing().await.expect(200)["points"]["balance"].clone();
    cloud.set_clock("2013-03-31T22:59:59.999Z");
    assert_eq!(balance().await, 80);
    cloud.set_clock("2013-03-31T23:00:00Z");
    assert_eq!(balance().await, 0);
    let next = cloud.order("o-2").placed("2013-03-31T23:00:00Z").line("MUG", 1, "10.00").send().await.expect(201);
    assert_eq!(next["balance"], 10);
    let entry = &cloud.account("acme").history().await[0];
    assert_eq!((&entry["points"], &entry["balance"]), (&json!(-70), &json!(10)));
    assert_eq!(entry["changes"][0]["type"], "points.expired");
}

#[tokio::test]
async fn every_score_names_the_version_of_the_program_it_was_made_under() {
    let cloud = Cloud::start().await;
    let old = cloud.order("o-1").line("MUG", 1, "100.00");
    let first = old.send().await.expect(201);
    let mut richer: serde_json::Value = serde_json::from_str(tests::WHOLESALE).unwrap();
    richer["earning_rules"][0]["points"] = json!(3);
    richer["earning_rules"][0]["name"] = json!("Three points for every pound");
    cloud.activate_from(richer, "2011-03-02T00:00:00Z").await;
    cloud.set_clock("2011-03-05T12:00:00Z");
    // The version follows the order's own time, the wording of an old score its own version.
    let late = cloud.order("o-2").placed("2011-03-01T23:59:59.999Z").line("MUG", 1, "100.00");
    let new = cloud.order("o-3").placed("2011-03-02T00:00:00Z").line("MUG", 1, "100.00");
    let (late, new) = (late.send().await.expect(201), new.send().await.expect(201));
    assert_eq!((&late["program_version"], &late["points"]), (&json!(1), &json!(100)));
    assert_eq!((&new["program_version"], &new["points"]), (&json!(2), &json!(300)));
    assert_eq!(old.send().await.expect(200).body(), first.body());
}

#[tokio::test]
async fn a_late_order_leads_to_the_tier_that_it_would_have_led_to_in_time() {
    for days in [["2011-01-10", "2011-02-10"], ["2011-02-10", "2011-01-10"]] {
        let cloud = Cloud::start().await;
        for (n, day) in days.iter().enumerate() {
            let order = cloud.order(&format!("o-{n}")).placed(&format!("{day}T12:00:00Z")).line("MUG", 1, "600.00");
            order.send().await.expect(201);
        }
        let standing = cloud.account("acme").standing().await.expect(200).json();
        assert_eq!(standing["tier"]["id"], "silver", "{days:?}");
    }
}
