//! What comes back of the order that qualified a referral: before the reward it cancels it, after it the program says.

use crate::referral_life::REWARD_AT;
use domain::walk::Walked;
use serde_json::{Value, json};
use tests::{Cloud, Redemption, at};

/// Takes the rules for referrals alone, changed: no discount for the next purchase that comes with orders.
async fn cloud_with(change: impl FnOnce(&mut Value)) -> Cloud {
    Cloud::with(|program| {
        program["discounts"] = json!([]);
        change(&mut program["referral"]);
    })
    .await
}

/// A referral by `acme`, as the rules of the sample have it.
async fn referral() -> (Cloud, Redemption) {
    let cloud = cloud_with(|_| {}).await;
    let redemption = cloud.referrer("acme").await.redeemed_by(1).await;
    (cloud, redemption)
}

/// The same once its referrer is rewarded for the order `o-1` over 300.00.
async fn rewarded(cloud: &Cloud) -> Redemption {
    let redemption = cloud.referrer("acme").await.redeemed_by(1).await;
    redemption.order("o-1", "300.00").send().await.expect(201);
    cloud.set_clock(REWARD_AT);
    assert_eq!(redemption.walk().await, Walked::Written);
    assert_eq!(redemption.state().await, "rewarded");
    redemption
}

/// Nothing came of it, and nothing will.
async fn assert_revoked_without_reward(cloud: &Cloud, redemption: &Redemption) {
    let shown = redemption.shown().await.expect(200);
    assert_eq!((&shown["state"], &shown["ended"]["reason"]), (&json!("revoked"), &json!("too_little_kept")));
    assert_eq!(redemption.account().standing().await.expect(200)["referral"]["stage"], "over");
    // Another order does not begin it anew.
    let again = redemption.order("again", "900.00").placed(&cloud.now().to_string());
    again.send().await.expect(201);
    cloud.set_clock("2011-05-31T12:00:00Z");
    assert_ne!(redemption.walk().await, Walked::Errand);
    assert_eq!(
        (redemption.state().await.as_str(), cloud.account("acme").times("referral.rewarded").await),
        ("revoked", 0)
    );
    assert_eq!(cloud.account("acme").balance().await, 0);
    cloud.audit().await;
}

#[tokio::test]
async fn whatever_comes_back_before_the_reward_cancels_it_at_once() {
    for way in ["return", "cancellation", "credit note", "amendment", "return in the last millisecond", "part"] {
        let (cloud, redemption) = referral().await;
        let order = redemption.order("o-1", "200.00").line("CUP", 10, "10.00");
        order.send().await.expect(201);
        assert_eq!(redemption.state().await, "qualified", "{way}");
        match way {
            "return" => order.returned("r-1").units("1", 1).units("2", 10).send().await.expect(201),
            "cancellation" => order.cancelled().send().await.expect(201),
            "credit note" => redemption.account().credit_note("c-1").units("CUP", 6).send().await.expect(201),
            "amendment" => order.amended(1).line("MUG", 1, "249.99").put().await.expect(200),
            // What is kept is a penny too little.
            "part" => order.amended(1).line("MUG", 1, "200.00").line("CUP", 1, "49.99").put().await.expect(200),
            _ => {
                cloud.set_instant(at(REWARD_AT).plus_ms(-1));
                order.returned("r-1").at("2011-03-31T10:00:00Z").units("2", 6).send().await.expect(201)
            }
        };
        assert_revoked_without_reward(&cloud, &redemption).await;
        // The amount that is left of it is what is tracked.
        let kept = redemption.shown().await.expect(200)["qualified"]["revenue"]["amount"].clone();
        let expected = match way {
            "return" | "cancellation" => "0.00",
            "amendment" | "part" => "249.99",
            _ => "240.00",
        };
        assert_eq!(kept, expected, "{way}");
    }
}

#[tokio::test]
async fn a_return_that_leaves_enough_lowers_the_revenue_alone() {
    let (cloud, redemption) = referral().await;
    let order = redemption.order("o-1", "200.00").line("CUP", 10, "10.00");
    order.send().await.expect(201);
    order.returned("r-1").units("2", 5).send().await.expect(201);
    let shown = redemption.shown().await.expect(200);
    assert_eq!((&shown["state"], &shown["qualified"]["revenue"]["amount"]), (&json!("qualified"), &json!("250.00")));
    assert_eq!(shown["qualified"]["reward_at"], REWARD_AT, "the window does not begin anew");
    cloud.set_clock(REWARD_AT);
    redemption.walk().await;
    assert_eq!((redemption.state().await.as_str(), cloud.account("acme").balance().await), ("rewarded", 500));
    // Some of another order is none of its business.
    let other = redemption.order("o-2", "900.00").placed(REWARD_AT);
    other.send().await.expect(201);
    other.cancelled().at(REWARD_AT).send().await.expect(201);
    assert_eq!(redemption.state().await, "rewarded");
    // Nor is it for an amendment upwards, but for the revenue.
    let amended = order.amended(1).line("MUG", 1, "200.00").line("CUP", 30, "10.00");
    amended.put().await.expect(200);
    let shown = redemption.shown().await.expect(200);
    assert_eq!((&shown["state"], &shown["qualified"]["revenue"]["amount"]), (&json!("rewarded"), &json!("450.00")));
    cloud.audit().await;
}

#[tokio::test]
async fn after_the_reward_it_is_taken_back_once() {
    let cloud = cloud_with(|referral| {
        let discount = json!({"id": "thanks", "name": "Thanks", "percent": "15", "validity_days": 90});
        referral["rewards"] = json!([{"from": 1, "points": 500, "discount": discount}]);
    })
    .await;
    let redemption = rewarded(&cloud).await;
    let acme = cloud.account("acme");
    let code = acme.standing().await.expect(200)["discounts"][0]["code"].as_str().unwrap().to_owned();
    let back = cloud.order("o-1").returned("r-1").at(REWARD_AT).units("1", 1);
    back.send().await.expect(201);
    let revoked = redemption.shown().await.expect(200);
    assert_eq!((&revoked["state"], &revoked["taken_back"]), (&json!("revoked"), &Value::Null));
    assert_eq!(acme.balance().await, 500, "it is the walk that takes it");
    assert_eq!(redemption.walk().await, Walked::Written);
    let taken = json!({"at": REWARD_AT, "points": 500, "unrecovered": 0, "discount": true});
    assert_eq!(redemption.shown().await.expect(200)["taken_back"], taken);
    let standing = acme.standing().await.expect(200);
    assert_eq!((&standing["points"]["balance"], &standing["discounts"]), (&json!(0), &json!([])));
    let order = acme.order("own").placed(REWARD_AT).line("MUG", 1, "10.00").code(&code);
    order.send().await.expect_problem(422, "discount-void");
    let settled = cloud.tables().await;
    back.send().await.expect(200);
    assert_ne!(redemption.walk().await, Walked::Written);
    assert_eq!(cloud.tables().await, settled);
    let tracked = cloud.referral_code(revoked["referral_code"].as_str().unwrap()).tracking().await;
    assert_eq!((&tracked["rewarded"], &tracked["revoked"]), (&json!(0), &json!(1)));
    assert_eq!(tracked["cost"], json!({"points": 100, "discounts": 1}));
    // The next one is the first again.
    let next = cloud.referral_code(revoked["referral_code"].as_str().unwrap()).redeemed_by(2).await;
    next.order("o-2", "300.00").placed(REWARD_AT).send().await.expect(201);
    cloud.set_clock("2011-04-30T12:00:00Z");
    next.walk().await;
    assert_eq!(next.shown().await.expect(200)["rewarded"]["number"], 1);
    cloud.audit().await;
}

#[tokio::test]
async fn a_reward_that_was_spent_is_owed_or_written_off_and_a_used_discount_stays_used() {
    for (shortfall, balance, unrecovered) in [("owe", 0, 0), ("write_off", 0, 200)] {
        let cloud = Cloud::with(|program| {
            program["discounts"] = json!([]);
            program["points"]["shortfall"] = json!(shortfall);
            program["referral"]["rewards"] = json!([{
                "from": 1, "points": 500,
                "discount": {"id": "thanks", "name": "Thanks", "percent": "15", "validity_days": 90},
            }]);
        })
        .await;
        let redemption = rewarded(&cloud).await;
        let acme = cloud.account("acme");
        let code = acme.standing().await.expect(200)["discounts"][0]["code"].as_str().unwrap().to_owned();
        acme.order("own").placed(REWARD_AT).line("POST", 1, "10.00").code(&code).send().await.expect(201);
        acme.give(-200).await.expect(201);
        cloud.order("o-1").cancelled().at(REWARD_AT).send().await.expect(201);
        redemption.walk().await;
        let taken = redemption.shown().await.expect(200)["taken_back"].clone();
        let expected =
            json!({"at": REWARD_AT, "points": 500 - unrecovered, "unrecovered": unrecovered, "discount": false});
        assert_eq!(taken, expected, "{shortfall}");
        assert_eq!(acme.balance().await, balance, "{shortfall}");
        let debt = acme.standing().await.expect(200)["points"]["debt"].as_i64().unwrap_or(0);
        assert_eq!(debt, 200 - unrecovered, "{shortfall}");
        acme.order("own").cancelled().at(REWARD_AT).send().await.expect(201);
        cloud.audit().await;
    }
}

#[tokio::test]
async fn a_program_may_let_the_reward_stay() {
    let cloud = cloud_with(|referral| referral["after_return"] = json!("keep")).await;
    let redemption = rewarded(&cloud).await;
    cloud.order("o-1").cancelled().at(REWARD_AT).send().await.expect(201);
    redemption.walk().await;
    let shown = redemption.shown().await.expect(200);
    assert_eq!((&shown["state"], &shown["qualified"]["revenue"]["amount"]), (&json!("rewarded"), &json!("0.00")));
    assert_eq!(cloud.account("acme").balance().await, 500);
    // Before the reward it is cancelled all the same.
    let code = cloud.referral_code(shown["referral_code"].as_str().unwrap());
    let early = code.redeemed_by(2).await;
    early.order("o-2", "300.00").placed(REWARD_AT).send().await.expect(201);
    cloud.order("o-2").cancelled().at(REWARD_AT).send().await.expect(201);
    assert_eq!(early.state().await, "revoked");
    cloud.audit().await;
}

#[tokio::test]
async fn an_amendment_can_make_an_order_qualify_and_what_came_before_its_order_counts() {
    let (cloud, redemption) = referral().await;
    let order = redemption.order("o-1", "100.00");
    order.send().await.expect(201);
    order.amended(1).line("MUG", 1, "249.99").put().await.expect(200);
    assert_eq!(redemption.state().await, "redeemed");
    cloud.set_clock("2011-03-02T12:00:00Z");
    let amended = order.amended(2).line("MUG", 10, "30.00");
    amended.put().await.expect(200);
    let shown = redemption.shown().await.expect(200);
    assert_eq!((&shown["state"], &shown["qualified"]["at"]), (&json!("qualified"), &json!("2011-03-02T12:00:00Z")));
    assert_eq!(shown["qualified"]["reward_at"], "2011-04-01T11:00:00Z");
    amended.put().await.expect(200);
    order.returned("r-1").units("1", 2).send().await.expect(201);
    assert_eq!(redemption.state().await, "revoked");
    assert_revoked_without_reward(&cloud, &redemption).await;

    // What is parked comes off before it is looked at.
    let (cloud, redemption) = referral().await;
    let order = redemption.account().order("o-1").line("MUG", 10, "30.00");
    order.returned("r-1").units("1", 2).send().await.expect(202);
    order.send().await.expect(201);
    assert_eq!(redemption.state().await, "redeemed");
    let enough = redemption.account().order("o-2").line("MUG", 10, "30.00");
    enough.returned("r-1").units("1", 1).send().await.expect(202);
    enough.send().await.expect(201);
    let shown = redemption.shown().await.expect(200);
    assert_eq!((&shown["state"], &shown["qualified"]["revenue"]["amount"]), (&json!("qualified"), &json!("270.00")));
    enough.returned("r-2").units("1", 2).send().await.expect(201);
    assert_revoked_without_reward(&cloud, &redemption).await;
}

#[tokio::test]
async fn an_order_over_the_bus_qualifies_and_its_return_revokes_likewise() {
    let (cloud, redemption) = referral().await;
    let order = redemption.order("o-1", "300.00");
    order.announce().await;
    cloud.drain().await;
    assert_eq!(redemption.state().await, "qualified");
    order.returned("r-1").units("1", 1).announce().await;
    cloud.drain().await;
    assert_revoked_without_reward(&cloud, &redemption).await;
}

#[tokio::test]
async fn a_redemption_ends_when_its_days_are_over() {
    const END: &str = "2011-08-28T11:00:00Z";
    for (early_ms, expected) in [(1, "qualified"), (0, "expired")] {
        let (cloud, redemption) = referral().await;
        cloud.set_instant(at(END).plus_ms(-early_ms));
        let stage = redemption.account().standing().await.expect(200)["referral"]["stage"].clone();
        assert_eq!(stage, if early_ms > 0 { "open" } else { "over" });
        redemption.order("o-1", "300.00").placed("2011-08-28T09:00:00Z").send().await.expect(201);
        assert_eq!(redemption.state().await, expected);
        cloud.set_clock("2011-12-01T12:00:00Z");
        redemption.walk().await;
        let rewarded = usize::from(expected == "qualified");
        assert_eq!(cloud.account("acme").times("referral.rewarded").await, rewarded);
        assert_eq!(redemption.account().times("referral.expired").await, 1 - rewarded);
        cloud.audit().await;
    }
}

#[tokio::test]
async fn a_redemption_that_expires_is_written_down_by_the_walk() {
    let (cloud, redemption) = referral().await;
    cloud.set_clock("2011-08-28T12:00:00Z");
    assert_eq!(redemption.state().await, "expired", "before anybody walked");
    // Where it was filed for the end of its welcome, it is filed on.
    for day in ["2011-04-30", "2011-08-28", "2011-08-28"] {
        cloud.sweep(Some(day)).await;
    }
    assert_eq!(redemption.account().times("referral.expired").await, 1);
    let standing = redemption.account().standing().await.expect(200);
    assert_eq!(standing["referral"]["stage"], "over");
    cloud.audit().await;
}

#[tokio::test]
async fn a_referrer_who_has_left_gets_nothing_and_one_who_is_suspended_its_reward() {
    for (status, state, balance) in [("closed", "revoked", 0), ("suspended", "rewarded", 500)] {
        let (cloud, redemption) = referral().await;
        redemption.order("o-1", "300.00").send().await.expect(201);
        cloud.account("acme").put(json!({"name": "acme", "status": status})).await.expect(200);
        cloud.set_clock(REWARD_AT);
        redemption.walk().await;
        assert_eq!((redemption.state().await.as_str(), cloud.account("acme").balance().await), (state, balance));
        let ended = redemption.shown().await.expect(200)["ended"]["reason"].clone();
        assert_eq!(ended, if status == "closed" { json!("referrer_left") } else { json!(null) });
        // What comes back of it now takes nothing that was not given.
        cloud.order("o-1").cancelled().at(REWARD_AT).send().await.expect(201);
        redemption.walk().await;
        assert_eq!((redemption.state().await.as_str(), cloud.account("acme").balance().await), ("revoked", 0));
        cloud.audit().await;
    }
}

#[tokio::test]
async fn a_reward_waits_for_room_among_the_open_discounts() {
    let cloud = Cloud::with(|program| {
        let rule = program["discounts"][0].clone();
        let rules = (0..10).map(|n| {
            let mut rule = rule.clone();
            (rule["id"], rule["minimum_total"]) = (json!(format!("rule-{n}")), json!("1.00"));
            rule["validity_days"] = json!(31);
            rule
        });
        program["discounts"] = rules.collect::<Value>();
        let gift = json!({"id": "thanks", "name": "Thanks", "percent": "15", "validity_days": 90});
        program["referral"]["rewards"] = json!([{"from": 1, "discount": gift}]);
        program["referral"]["welcome"] = json!({});
    })
    .await;
    let redemption = cloud.referrer("acme").await.redeemed_by(1).await;
    redemption.order("o-1", "300.00").send().await.expect(201);
    cloud.account("acme").order("own").line("MUG", 1, "20.00").send().await.expect(201);
    let acme = cloud.account("acme");
    assert_eq!(acme.standing().await.expect(200)["discounts"].as_array().unwrap().len(), 10);
    cloud.set_clock(REWARD_AT);
    redemption.walk().await;
    assert_eq!((redemption.state().await.as_str(), acme.times("referral.rewarded").await), ("rewarded", 1));
    assert_eq!(redemption.shown().await.expect(200)["rewarded"]["discount"], Value::Null);
    assert_eq!(redemption.account().times("referral.concluded").await, 0);
    // A day later there is room.
    cloud.set_clock("2011-04-01T11:00:00Z");
    redemption.walk().await;
    assert_eq!(redemption.shown().await.expect(200)["rewarded"]["discount"]["rule"], "thanks");
    assert_eq!(redemption.account().times("referral.concluded").await, 1);
    let open = acme.standing().await.expect(200)["discounts"].clone();
    assert_eq!((open.as_array().unwrap().len(), &open[0]["rule"]), (1, &json!("thanks")));
    cloud.audit().await;
}
