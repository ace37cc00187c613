//! Request units, as the endpoint reports them. A change of these figures is a change of what an order costs.

use serde_json::{Value, json};
use tests::actor::NOON;
use tests::network::Units;
use tests::{Cloud, Prospect, ReferralCode};

fn units(read: f64, write: f64) -> (f64, f64) {
    (read, write)
}

fn of(units: Units) -> (f64, f64) {
    (units.read_halves as f64 / 2.0, units.write_halves as f64 / 2.0)
}

#[tokio::test]
async fn a_plain_order_costs_six_write_units_and_half_a_read_unit() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    // A known account, of an ordinary age.
    for n in 0..30 {
        cloud.order(&format!("old-{n}")).lines(20).send().await.expect(201);
    }
    let order = cloud.order("o-1").lines(20);
    let (reply, cost) = cloud.units(order.send()).await;
    assert_eq!(reply.expect(201)["discounts_issued"], json!([]));
    assert_eq!((of(cost), cost.requests), (units(0.5, 6.0), 2));
}

#[tokio::test]
async fn a_dry_run_costs_two_read_units_and_writes_nothing() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    for n in 0..30 {
        cloud.order(&format!("old-{n}")).lines(20).send().await.expect(201);
    }
    // The account and what stands under the order's key, both strongly.
    let (reply, cost) = cloud.units(cloud.order("o-1").lines(20).tried("")).await;
    assert_eq!(reply.expect(201)["discounts_issued"], json!([]));
    assert_eq!((of(cost), cost.requests), (units(2.0, 0.0), 2));
}

#[tokio::test]
async fn an_order_of_three_hundred_lines_costs_two_units_more_per_kilobyte() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    for n in 0..30 {
        cloud.order(&format!("old-{n}")).lines(20).send().await.expect(201);
    }
    let (reply, cost) = cloud.units(cloud.order("o-1").lines(300).send()).await;
    reply.expect(201);
    assert_eq!(of(cost), units(0.5, 10.0));
}

#[tokio::test]
async fn a_repeat_writes_nothing() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    let order = cloud.order("o-1").lines(20);
    order.send().await.expect(201);
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(200);
    let (_, cost) = cloud.units(acme.put(json!({"name": "Acme"}))).await;
    assert_eq!(cost.write_halves, 0);
    let (_, cost) = cloud.units(async { (acme.standing().await, acme.entries("").await, order.score().await) }).await;
    assert_eq!(cost.write_halves, 0);
}

#[tokio::test]
async fn a_return_costs_six_write_units_and_one_read_unit() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    for n in 0..30 {
        cloud.order(&format!("old-{n}")).lines(20).send().await.expect(201);
    }
    let order = cloud.order("o-1").lines(20);
    order.send().await.expect(201);
    let back = order.returned("r-1").units("1", 1).units("2", 2);
    // The program is cached, as in any instance that is warm.
    cloud.local().app("order-returned").unwrap().schedule().await.unwrap();
    let (reply, cost) = cloud.units(back.send()).await;
    assert_eq!(reply.expect(201)["excess_units"], json!(0));
    assert_eq!((of(cost), cost.requests), (units(1.0, 6.0), 3));
    let (reply, cost) = cloud.units(order.cancelled().send()).await;
    reply.expect(201);
    assert_eq!((of(cost), cost.requests), (units(1.0, 6.0), 3));
    // The same again: read once as it came, once strongly.
    let (reply, cost) = cloud.units(back.send()).await;
    reply.expect(200);
    assert_eq!((of(cost), cost.requests), (units(3.0, 0.0), 4));
}

#[tokio::test]
async fn an_amendment_costs_six_write_units_and_one_read_unit() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    for n in 0..30 {
        cloud.order(&format!("old-{n}")).lines(20).send().await.expect(201);
    }
    let order = cloud.order("o-1").lines(20);
    order.send().await.expect(201);
    let amended = |revision| order.amended(revision).lines(20).line("MUG", 1, "1.00");
    let (reply, cost) = cloud.units(amended(1).put()).await;
    reply.expect(200);
    assert_eq!((of(cost), cost.requests), (units(1.0, 6.0), 3));
    // One that changes nothing but its number: nothing to the account or its history.
    let (reply, cost) = cloud.units(amended(2).put()).await;
    reply.expect(200);
    assert_eq!((of(cost), cost.requests), (units(1.0, 2.0), 3));
    // The same again, or a late one: read once as it came, once strongly. A late first one: the refused transaction
    // hands the order back.
    for (late, read, requests) in [(amended(2), 3.0, 4), (amended(1), 3.0, 4), (amended(1).revision(0), 0.5, 2)] {
        let (reply, cost) = cloud.units(late.put()).await;
        reply.expect(200);
        assert_eq!((of(cost), cost.requests), (units(read, 0.0), requests));
    }
}

#[tokio::test]
async fn a_first_statement_with_a_revision_costs_half_a_read_unit_more() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    for n in 0..30 {
        cloud.order(&format!("old-{n}")).lines(20).send().await.expect(201);
    }
    // Whether the order is there already has to be looked up.
    let (reply, cost) = cloud.units(cloud.order("o-1").lines(20).revision(1).send()).await;
    reply.expect(201);
    assert_eq!((of(cost), cost.requests), (units(1.0, 6.0), 3));
}

#[tokio::test]
async fn a_step_of_a_credit_note_costs_eight_write_units_and_one_read_unit_per_order_looked_at() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    cloud.order("o-1").lines(20).line("MUG", 5, "1.00").send().await.expect(201);
    for n in 0..9 {
        cloud.order(&format!("new-{n}")).lines(20).send().await.expect(201);
    }
    cloud.local().app("order-returned").unwrap().schedule().await.unwrap();
    let note = cloud.account("acme").credit_note("c-1").units("MUG", 5);
    let (reply, cost) = cloud.units(note.send()).await;
    assert_eq!(reply.expect(201).number("units_matched"), 5);
    // Account, order, entry and its own record. The account and the record are read as they come, then ten entries
    // (2 units) and the ten orders strongly, the oldest of which has what came back.
    assert_eq!((of(cost), cost.requests), (units(13.0, 8.0), 14));
    // Known and done: read once as it came, once strongly.
    let (reply, cost) = cloud.units(note.send()).await;
    reply.expect(200);
    assert_eq!((of(cost), cost.requests), (units(3.0, 0.0), 4));
}

#[tokio::test]
async fn a_repeated_order_costs_one_read_and_one_refused_transaction() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    let order = cloud.order("o-1").lines(20);
    order.send().await.expect(201);
    let (reply, cost) = cloud.units(order.send()).await;
    reply.expect(200);
    // The account is read and the transaction refused, with the order in the refusal. DynamoDB bills a refused
    // transaction like one that writes, and like the endpoint here reports no units for it: the requests are pinned.
    assert_eq!((of(cost), cost.requests), (units(0.5, 0.0), 2));
    // Differing content is found the same way, and looked for once more before it is refused.
    let (reply, cost) = cloud.units(order.clone().line("CUP", 1, "1.00").send()).await;
    reply.expect(409);
    assert_eq!((of(cost), cost.requests), (units(0.5, 0.0), 2));
}

#[tokio::test]
async fn an_adjustment_costs_six_write_units_and_half_a_read_unit() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    cloud.order("o-1").lines(20).send().await.expect(201);
    let acme = cloud.account("acme");
    cloud.local().app("accounts").unwrap().schedule().await.unwrap();
    let (reply, cost) = cloud.units(acme.give(5)).await;
    reply.expect(201);
    // Account, entry, and the record under its key.
    assert_eq!((of(cost), cost.requests), (units(0.5, 6.0), 2));
}

#[tokio::test]
async fn an_order_of_a_shared_code_costs_four_write_units_more_and_two_where_nobody_counts_its_uses() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    for n in 0..30 {
        cloud.order(&format!("old-{n}")).lines(20).send().await.expect(201);
    }
    warm(&cloud).await;
    let issue = async |key: &str, uses: Value| {
        let document = json!({"name": "Spring", "percent": "5", "uses": uses, "uses_per_account": 9});
        let (reply, cost) = cloud.units(cloud.request_keyed("/v1/shared-codes", key, &document)).await;
        (reply.expect(201)["code"].as_str().unwrap().to_owned(), of(cost).1)
    };
    // What counts its uses is laid out with it, once.
    let ((counted, of_counted), (free, of_free)) = (issue("key-1", json!(9)).await, issue("key-2", json!(null)).await);
    assert_eq!((of_counted, of_free), (18.0, 2.0));
    // Beyond the account: whether it is an own discount, the code strongly, what the account and what all have used.
    for (id, code, of_order, of_cancellation) in [
        ("o-1", &counted, (units(3.0, 10.0), 6), (units(5.0, 10.0), 7)),
        ("o-2", &counted, (units(3.0, 10.0), 6), (units(5.0, 10.0), 7)),
        ("o-3", &free, (units(2.5, 8.0), 5), (units(4.0, 8.0), 6)),
    ] {
        let order = cloud.order(id).lines(20).code(code);
        let (reply, cost) = cloud.units(order.send()).await;
        assert_eq!(reply.expect(201)["discounts_used"], json!([code]));
        assert_eq!((of(cost), cost.requests), of_order, "{id}");
        let (reply, cost) = cloud.units(order.cancelled().send()).await;
        assert_eq!(reply.expect(201)["discounts_restored"], json!([code]));
        assert_eq!((of(cost), cost.requests), of_cancellation, "{id}");
    }
}

#[tokio::test]
async fn an_order_of_a_reservation_costs_two_write_units_more_for_a_discount_and_nothing_for_points() {
    let cloud = Cloud::with(|program| {
        program["metrics"]["point_value"] = Value::Null;
        program["points"]["exchange"] = json!({"value": "0.01", "spend": {"minimum": 100, "maximum": 1_000}});
    })
    .await;
    if !cloud.is_embedded() {
        return;
    }
    let first = cloud.order("old").line("MUG", 1, "600.00").send().await.expect(201);
    let code = first["discounts_issued"][0]["code"].clone();
    for n in 0..30 {
        cloud.order(&format!("old-{n}")).line("MUG", 1, "10.00").send().await.expect(201);
    }
    warm(&cloud).await;
    let line = json!({"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": "50.00"});
    let cart =
        json!({"account_id": "acme", "currency": "GBP", "lines": [line], "discount_codes": [code], "points": 200});
    let (reserved, cost) = cloud.units(cloud.request_keyed("/v1/reservations", "key-1", &cart)).await;
    let reserved = reserved.expect(201);
    assert_eq!(of(cost).1, 6.0);
    let order = cloud.order("o-1").line("MUG", 1, "50.00").set("reservation_id", reserved["reservation_id"].clone());
    let (reply, cost) = cloud.units(order.send()).await;
    let told = reply.expect(201);
    assert_eq!((&told["discounts_used"], &told["points_used"]["points"]), (&json!([code]), &json!(200)));
    // The account, the reservation and the discount; nobody shares that.
    assert_eq!((of(cost), cost.requests), (units(1.5, 8.0), 4));
}

/// Warms up what referrals pass through: the program is cached, as in any instance that is warm.
async fn warm(cloud: &Cloud) {
    for function in local::cloud::function_names() {
        cloud.local().app(function).unwrap().schedule().await.unwrap();
    }
}

/// An account that has and states all there is, with a limited code.
async fn limited_code(cloud: &Cloud) -> ReferralCode {
    let address = json!({"street": "12 High Street", "postal_code": "SW1A 1AA", "city": "London"});
    let acme = cloud.account("acme");
    let document = json!({
        "name": "Acme", "email": "office@acme.example", "country": "GB", "vat_id": "GB999999973",
        "phone": "+44 20 7946 0958", "address": address,
    });
    acme.put(document).await.expect(201);
    acme.refers_with(json!({"redemptions_left": 1_000})).await
}

/// A prospect that states all there is, the wording of its consent as long as it may be.
fn full_prospect(code: &ReferralCode, number: u32) -> Prospect {
    let address = json!({"street": "14 Low Street", "postal_code": "SW1A 2AA", "city": "London"});
    let contact = json!({"contact_id": "pat", "name": "Pat", "role": "admin", "locale": "en-GB"});
    let prospect = code.prospect(number).set("phone", json!("+44 20 7946 0999")).set("address", address);
    prospect.set("contact", contact).set("consent", json!({"wording": "x".repeat(500), "at": NOON}))
}

#[tokio::test]
async fn redeeming_a_code_costs_at_most_twenty_one_write_units_and_three_read_units() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    let code = limited_code(&cloud).await;
    warm(&cloud).await;
    cloud.account("p-4").put(json!({"name": "Prospect 4"})).await.expect(201);
    for (name, prospect, cost_expected) in [
        ("an account that the redemption makes", code.prospect(1).without("account_id"), (units(2.0, 19.0), 4)),
        ("the same under an id of the shop", code.prospect(2), (units(2.5, 19.0), 5)),
        // What is kept of it takes more than a kilobyte.
        ("all there is to state", full_prospect(&code, 3).without("account_id"), (units(2.0, 21.0), 4)),
        ("an account that was there, without a person", full_prospect(&code, 4), (units(3.0, 19.0), 6)),
    ] {
        let (reply, cost) = cloud.units(prospect.redeem()).await;
        assert_eq!(reply.expect(201)["welcome"]["points"], 100);
        let (read, write) = of(cost);
        assert!(read <= 3.0 && write <= 21.0, "{name}: {read} read units, {write} write units");
        assert_eq!((of(cost), cost.requests), cost_expected, "{name}");
    }
    // The same again: as it came, the record and, since that is all there is to say, nothing else.
    let (reply, cost) = cloud.units(code.prospect(2).redeem()).await;
    reply.expect(200);
    assert_eq!((of(cost), cost.requests), (units(4.0, 0.0), 6));
}

#[tokio::test]
async fn a_referred_accounts_order_costs_more_only_where_it_qualifies() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    let code = limited_code(&cloud).await;
    let redemption = code.redeemed_by(1).await;
    for n in 0..30 {
        redemption.account().order(&format!("old-{n}")).line("MUG", 1, "1.00").send().await.expect(201);
    }
    warm(&cloud).await;
    let order =
        |id: &str| (0..20).fold(redemption.account().order(id), |order, n| order.line(&format!("S{n}"), 1, "2.00"));
    let (reply, cost) = cloud.units(order("below").send()).await;
    reply.expect(201);
    assert_eq!((of(cost), cost.requests), (units(0.5, 6.0), 2));
    // Two more for the record of the redemption, two since the account is filed for an earlier day.
    let qualifying = order("qualifies").line("MUG", 1, "300.00");
    let (reply, cost) = cloud.units(qualifying.send()).await;
    reply.expect(201);
    assert_eq!((of(cost), cost.requests), (units(0.5, 10.0), 2));
    assert_eq!(redemption.state().await, "qualified");
    let (reply, cost) = cloud.units(order("after").send()).await;
    reply.expect(201);
    assert_eq!((of(cost), cost.requests), (units(0.5, 6.0), 2));
    // The referee's account, as it came and strongly, then the redemption and the referrer's account strongly, which is
    // written with both its entry and the redemption (6); then the referee's account again, with its entry and where it
    // is filed, and the referrer is filed for the first time.
    cloud.set_clock("2011-03-31T11:00:00Z");
    let (_, cost) = cloud.units(redemption.walk()).await;
    assert_eq!((of(cost), cost.requests), (units(4.0, 13.0), 7));
    assert_eq!(redemption.state().await, "rewarded");
    let (reply, cost) = cloud.units(cloud.order("after").cancelled().at("2011-03-31T11:00:00Z").send()).await;
    reply.expect(201);
    assert_eq!((of(cost), cost.requests), (units(1.0, 6.0), 3));
    let (reply, cost) = cloud.units(cloud.order("qualifies").cancelled().at("2011-03-31T11:00:00Z").send()).await;
    reply.expect(201);
    assert_eq!((of(cost), cost.requests), (units(2.0, 10.0), 4));
    let (_, cost) = cloud.units(redemption.walk()).await;
    assert_eq!((of(cost), cost.requests), (units(4.0, 12.0), 7));
    cloud.audit().await;
}

#[tokio::test]
async fn an_answer_to_a_survey_costs_four_write_units_and_two_and_a_half_read_units() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    cloud.people("acme", &["ann"]).await;
    let survey = cloud.survey("nps").opened().await;
    let answer = survey.answer("acme", "ann", 9).comment("Always in time.").set("tags", json!(["delivery", "mugs"]));
    // The survey strongly, then whether there is an answer, the account and the contact as they come.
    let (reply, cost) = cloud.units(answer.send()).await;
    reply.expect(201);
    assert_eq!((of(cost), cost.requests), (units(2.5, 4.0), 5), "two of them that the contact is there");
    // One that is there says that account and contact are.
    let (reply, cost) = cloud.units(survey.answer("acme", "ann", 8).send()).await;
    reply.expect(200);
    assert_eq!((of(cost), cost.requests), (units(1.5, 4.0), 3));
    // The same again: read once as it came, once strongly.
    let (reply, cost) = cloud.units(survey.answer("acme", "ann", 8).send()).await;
    reply.expect(200);
    assert_eq!((of(cost), cost.requests), (units(3.5, 0.0), 4));
    // One with all that can be said, in four bytes a character.
    let tags: Vec<_> = (0..8).map(|n| format!("{n}{}", "😀".repeat(63))).collect();
    let full = survey.answer("acme", "ann", 8).comment(&"😀".repeat(2_000)).set("tags", json!(tags));
    let (reply, cost) = cloud.units(full.send()).await;
    reply.expect(200);
    assert_eq!((of(cost), cost.requests), (units(1.5, 22.0), 3));
    for (read, write, requests) in [(0.5, 2.0, 2), (1.5, 0.0, 2)] {
        let (_, cost) = cloud.units(survey.close()).await;
        assert_eq!((of(cost), cost.requests), (units(read, write), requests));
    }
}

/// `acme`, of an ordinary age, with 5,000 points more and so many discounts that it has bought, in a program where points
/// pay; their codes.
async fn shopper(discounts: usize) -> (Cloud, Vec<String>) {
    let cloud = Cloud::with(tests::with_checkout).await;
    let acme = cloud.account("acme");
    for n in 0..30 {
        cloud.order(&format!("old-{n}")).lines(20).send().await.expect(201);
    }
    acme.give(5_000).await.expect(201);
    let mut codes = Vec::new();
    for n in 0..discounts {
        codes.push(acme.coupon(&format!("coupon {n}")).await);
    }
    warm(&cloud).await;
    (cloud, codes)
}

#[tokio::test]
async fn a_reservation_costs_six_write_units_and_its_order_two_more_than_one_that_uses_nothing() {
    let (cloud, codes) = shopper(3).await;
    if !cloud.is_embedded() {
        return;
    }
    let acme = cloud.account("acme");
    let cart = |code: &str| acme.cart().lines(20).codes(&[code]).points(500);
    // Account, entry, and its own record.
    let (reply, cost) = cloud.units(cart(&codes[0]).reserve("cart-1")).await;
    assert_eq!(reply.expect(201)["points"], 500);
    assert_eq!((of(cost), cost.requests), (units(0.5, 6.0), 2));
    // Two to show it, however often: the record and the account strongly.
    let id = tests::reservation_id("cart-1");
    let (reply, cost) = cloud.units(cloud.reservation(&id)).await;
    assert_eq!(reply.expect(200)["state"], "open");
    assert_eq!((of(cost), cost.requests), (units(2.0, 0.0), 2));

    let order = |id: &str| acme.order(id).lines(20);
    let (reply, cost) = cloud.units(order("uses-nothing").send()).await;
    assert_eq!(reply.expect(201)["discounts_issued"], json!([]));
    assert_eq!((of(cost), cost.requests), (units(0.5, 6.0), 2));
    // The discount's record more; it and the reservation are read besides the account.
    let (reply, cost) = cloud.units(order("reserved").reservation(&id).send()).await;
    assert_eq!(reply.expect(201)["discounts_used"], json!([codes[0]]));
    assert_eq!((of(cost), cost.requests), (units(1.5, 8.0), 4));
    let (reply, cost) = cloud.units(order("stated").code(&codes[1]).points(500).send()).await;
    assert_eq!(reply.expect(201)["discounts_used"], json!([codes[1]]));
    assert_eq!((of(cost), cost.requests), (units(1.0, 8.0), 3));
    // Points alone are in the account, the order and the entry, which are written anyway.
    let id = acme.cart().lines(20).points(500).reserved("cart-2").await;
    let (reply, cost) = cloud.units(order("points-reserved").reservation(&id).send()).await;
    reply.expect(201);
    assert_eq!((of(cost), cost.requests), (units(1.0, 6.0), 3));
    let (reply, cost) = cloud.units(order("points-stated").points(500).send()).await;
    reply.expect(201);
    assert_eq!((of(cost), cost.requests), (units(0.5, 6.0), 2));

    // What comes back: the discount's record is read strongly, and written.
    let (reply, cost) = cloud.units(order("reserved").cancelled().send()).await;
    assert_eq!(reply.expect(201)["discounts_restored"], json!([codes[0]]));
    assert_eq!((of(cost), cost.requests), (units(2.0, 8.0), 4));
    let (reply, cost) = cloud.units(order("points-stated").cancelled().send()).await;
    assert_eq!(reply.expect(201)["points_restored"], 500);
    assert_eq!((of(cost), cost.requests), (units(1.0, 6.0), 3));
    // One that is given up: account and entry; read strongly, since nothing guards that there is nothing to give up.
    let id = cart(&codes[2]).reserved("cart-3").await;
    let (reply, cost) = cloud.units(cloud.release(&id)).await;
    reply.expect(200);
    assert_eq!((of(cost), cost.requests), (units(2.0, 4.0), 3));
    cloud.audit().await;
}

#[tokio::test]
async fn a_quote_costs_one_read_unit_whatever_is_open_and_held() {
    // One that its orders brought is open besides.
    let (cloud, codes) = shopper(9).await;
    if !cloud.is_embedded() {
        return;
    }
    let acme = cloud.account("acme");
    acme.cart().lines(20).codes(&[&codes[0], &codes[1]]).points(500).reserved("cart-1").await;
    for (codes, points) in
        [(json!([]), json!(0)), (json!([codes[0], codes[5]]), json!(700)), (json!("best"), json!("max"))]
    {
        let cart = acme.cart().lines(20).set("discount_codes", codes).points(points);
        let (told, cost) = cloud.units(cart.quote()).await;
        assert_eq!(told.expect(200)["discounts"].as_array().unwrap().len(), 10);
        assert_eq!((of(cost), cost.requests), (units(1.0, 0.0), 1));
    }
}
