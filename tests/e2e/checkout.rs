//! From the quote to the order by way of a reservation: what is held, for how long, and what the order makes of it.

use serde_json::{Value, json};
use tests::actor::NOON;
use tests::network::Staleness;
use tests::{Account, Cart, Cloud, authorizer, with_checkout};

/// `acme` with 3,000 points that end in two years, and a discount of 3 % that ends in twenty days; its code.
pub async fn start() -> (Cloud, Account, String) {
    start_with(|_| ()).await
}

/// The same under a program with some of it changed.
pub async fn start_with(change: impl FnOnce(&mut Value)) -> (Cloud, Account, String) {
    let cloud = Cloud::with(|program| {
        with_checkout(program);
        change(program);
    })
    .await;
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    acme.give(3_001).await.expect(201);
    let code = acme.coupon("first").await;
    (cloud, acme, code)
}

/// Twenty mugs, 194.00 with the discount, and postage, delivered for 5.00.
pub fn mugs(acme: &Account) -> Cart {
    acme.cart().line("MUG", 20, "10.00").line("POST", 1, "9.99").set("shipping", json!("5.00"))
}

/// Mugs that a discount and 1,000 points pay in part.
pub fn paid_in_part(acme: &Account, code: &str) -> Cart {
    mugs(acme).codes(&[code]).points(1_000)
}

/// The changes of these that are of a kind.
pub fn of_kind(changes: &[Value], kind: &str) -> Vec<Value> {
    changes.iter().filter(|change| change["type"] == kind).cloned().collect()
}

/// Whether a quote applies a code, or why not.
async fn in_a_quote(cart: &Cart, code: &str) -> Value {
    let told = cart.clone().codes(&[code]).quote().await.expect(200);
    let discounts = told["discounts"].as_array().unwrap();
    let discount = discounts.iter().find(|discount| discount["code"] == code).unwrap();
    if discount["applied"] == true { json!("applied") } else { discount["reason"].clone() }
}

#[tokio::test]
async fn quote_reservation_and_order_have_the_same_numbers() {
    let (cloud, acme, code) = start().await;
    let cart = mugs(&acme).codes(&[&code]).points("max");
    let told = cart.quote().await.expect(200).json();
    let held = cart.reserve("cart-1").await.expect(201);
    assert_eq!((&held["totals"], &held["discount_codes"]), (&told["totals"], &told["discount_codes"]));
    assert_eq!((&held["points"], &held["points_value"]), (&told["points"]["used"], &told["points"]["value"]));
    assert_eq!((&held["points"], &told["totals"]["to_pay"]["amount"]), (&json!(1_000), &json!("198.99")));
    assert_eq!((&held["reserved_at"], &held["expires_at"]), (&json!(NOON), &json!("2011-03-01T12:30:00Z")));
    let id = held["reservation_id"].as_str().unwrap();
    assert_eq!(held.header("location"), Some(&*format!("/v1/reservations/{id}")));
    let mut shown = held.json();
    shown["state"] = json!("open");
    assert_eq!(cloud.reservation(id).await.expect(200).json(), shown);

    // The order names the reservation, and neither codes nor points.
    let order = cart.ordered("o-1", &told).reservation(id);
    for query in ["", "&version=1"] {
        assert_eq!(order.tried(query).await.expect(201)["points"], told["earns"]["points"]);
    }
    let scored = order.send().await.expect(201);
    for key in ["points", "eligible_total", "expires_at", "tier"] {
        assert_eq!(scored[key], told["earns"][key], "{key}");
    }
    assert_eq!((&scored["discounts_used"], scored.number("points")), (&json!([code]), 184));
    assert_eq!((acme.balance().await, acme.open_discounts().await), (2_184, vec![]));
    let (changes, text) = acme.newest().await;
    assert_eq!(of_kind(&changes, "points.spent"), [json!({"type": "points.spent", "points": 1_000})]);
    assert_eq!(of_kind(&changes, "discount.used"), [json!({"type": "discount.used", "code": code})]);
    let used = &of_kind(&changes, "hold.used")[0];
    assert_eq!((&used["quoted"], &used["ordered"]), (&told["totals"]["to_pay"], &told["totals"]["to_pay"]));
    assert!(text.contains("The reservation of its cart was used."), "{text}");
    shown["state"] = json!("ended");
    assert_eq!(cloud.reservation(id).await.expect(200).json(), shown);
    cloud.audit().await;
}

#[tokio::test]
async fn the_same_cart_under_the_same_key_gets_the_first_answer_and_another_is_refused() {
    let (cloud, acme, code) = start().await;
    let cart = paid_in_part(&acme, &code);
    let first = cart.reserve("cart-1").await.expect(201);
    let again = async |before: &str| {
        let stored = cloud.tables().await;
        for staleness in [Staleness::None, Staleness::Behind(1), Staleness::Oldest] {
            cloud.stale_reads(staleness);
            let again = cart.reserve("cart-1").await.expect(200);
            assert_eq!(again.header("idempotent-replayed"), Some("true"), "{before}");
            assert_eq!(again.body(), first.body(), "{before}");
            let other = cart.clone().line("MUG", 1, "1.00").reserve("cart-1").await;
            other.expect_problem(409, "idempotency-key-reused");
            let other = mugs(&acme).codes(&[&code]).points(999).reserve("cart-1").await;
            other.expect_problem(409, "idempotency-key-reused");
        }
        cloud.stale_reads(Staleness::None);
        assert_eq!(cloud.tables().await, stored, "{before}");
    };
    again("while it holds").await;
    let id = first["reservation_id"].as_str().unwrap();
    cart.ordered("o-1", &cart.quote().await.json()).reservation(id).send().await.expect(201);
    again("after its order").await;
    cloud.set_clock("2011-03-02T12:00:00Z");
    acme.put(json!({"name": "Acme", "status": "suspended"})).await.expect(200);
    again("after its end").await;
}

#[tokio::test]
async fn what_is_held_is_kept_from_everything_else_until_it_is_given_up() {
    let (cloud, acme, code) = start().await;
    let id = paid_in_part(&acme, &code).reserved("cart-1").await;
    let other = mugs(&acme);
    assert_eq!(in_a_quote(&other, &code).await, "held");
    let told = other.clone().points("max").quote().await.expect(200);
    assert_eq!((&told["points"]["balance"], &told["discount_codes"]), (&json!(2_000), &json!([])));
    let best = other.clone().set("discount_codes", json!("best")).quote().await.expect(200);
    assert_eq!(best["discount_codes"], json!([]));
    let with_code = other.ordered("o-1", &told.json()).code(&code);
    let refused = with_code.send().await.expect_problem(422, "discount-held");
    assert_eq!(refused.fault_paths(), ["$.discount_codes[0]"]);
    // What is held stays the account's: 2,000 points can buy four mugs, and not five.
    assert_eq!((acme.balance().await, acme.open_discounts().await), (3_000, vec![code.clone()]));
    for number in 0..4 {
        acme.redeems(&format!("mug-{number}"), "mug").await.expect(201);
    }
    let before = cloud.tables().await;
    acme.redeems("mug-4", "mug").await.expect_problem(422, "not-enough-points");
    with_code
        .clone()
        .set("discount_codes", json!([]))
        .points(100)
        .send()
        .await
        .expect_problem(422, "not-enough-points");
    assert_eq!(cloud.tables().await, before);
    assert_eq!(acme.balance().await, 1_000);

    let ended = cloud.release(&id).await.expect(200);
    assert_eq!(ended["state"], "ended");
    assert_eq!(of_kind(&acme.newest().await.0, "hold.released")[0]["points"], 1_000);
    let before = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Behind(1), Staleness::Oldest] {
        cloud.stale_reads(staleness);
        assert_eq!(cloud.release(&id).await.expect(200).json(), ended.json());
    }
    cloud.stale_reads(Staleness::None);
    assert_eq!(cloud.tables().await, before);
    assert_eq!(in_a_quote(&other, &code).await, "applied");
    acme.redeems("mug-4", "mug").await.expect(201);
    with_code.send().await.expect(201);
    cloud.audit().await;
}

#[tokio::test]
async fn a_reservation_is_over_by_time_alone_and_what_it_held_is_free_again() {
    let (cloud, acme, code) = start().await;
    let cart = paid_in_part(&acme, &code);
    let id = cart.reserved("cart-1").await;
    let told = mugs(&acme).quote().await.expect(200).json();
    cloud.set_clock("2011-03-01T12:29:59.999Z");
    assert_eq!(in_a_quote(&cart, &code).await, "held");
    assert_eq!(cloud.reservation(&id).await.expect(200)["state"], "open");
    cloud.set_clock("2011-03-01T12:30:00Z");
    assert_eq!(in_a_quote(&cart, &code).await, "applied");
    assert_eq!(cloud.reservation(&id).await.expect(200)["state"], "ended");
    let before = cloud.tables().await;
    let order = mugs(&acme).ordered("o-1", &told);
    order.clone().reservation(&id).send().await.expect_problem(409, "reservation-ended");
    cloud.release(&id).await.expect(200);
    assert_eq!(cloud.tables().await, before, "nothing is written for that");
    let scored = order.code(&code).points(1_000).send().await.expect(201);
    assert_eq!(scored["discounts_used"], json!([code]));
    let (changes, text) = acme.newest().await;
    let ended = &of_kind(&changes, "hold.ended")[0];
    assert_eq!((&ended["points"], &ended["ended_at"]), (&json!(1_000), &json!("2011-03-01T12:30:00Z")));
    assert!(text.contains("The time of a reservation was over."), "{text}");
    cloud.audit().await;
}

#[tokio::test]
async fn a_repeated_order_gets_its_first_answer_whatever_became_of_its_reservation() {
    let (cloud, acme, code) = start().await;
    let cart = paid_in_part(&acme, &code);
    let told = cart.quote().await.expect(200).json();
    let id = cart.reserved("cart-1").await;
    let order = cart.ordered("o-1", &told).reservation(&id);
    let first = order.send().await.expect(201);
    for now in [NOON, "2011-03-01T12:30:00Z", "2013-06-01T00:00:00Z"] {
        cloud.set_clock(now);
        for staleness in [Staleness::None, Staleness::Behind(1), Staleness::Oldest] {
            cloud.stale_reads(staleness);
            let again = order.send().await.expect(200);
            assert_eq!((again.header("idempotent-replayed"), again.body()), (Some("true"), first.body()), "{now}");
            // Of another order it holds nothing any more, and the same number for something else is no repeat.
            let second = cart.ordered("o-2", &told).reservation(&id).send().await;
            second.expect_problem(409, "reservation-ended");
            order.clone().points(999).send().await.expect_problem(409, "content-differs");
        }
        cloud.stale_reads(Staleness::None);
    }
    cloud.audit().await;
}

#[tokio::test]
async fn an_order_that_comes_to_something_else_counts_and_the_entry_tells_both() {
    let (cloud, acme, code) = start().await;
    let cart = paid_in_part(&acme, &code);
    let id = cart.reserved("cart-1").await;
    let order = acme.order("o-1").line("MUG", 20, "8.00").reservation(&id);
    assert_eq!(order.send().await.expect(201)["eligible_total"]["amount"], "160.00");
    let (changes, text) = acme.newest().await;
    let used = &of_kind(&changes, "hold.used")[0];
    assert_eq!((&used["quoted"]["amount"], &used["ordered"]["amount"]), (&json!("198.99"), &json!("160.00")));
    assert!(text.contains("which had come to 198.99 GBP: the order comes to 160.00 GBP"), "{text}");
    assert_eq!((acme.balance().await, acme.open_discounts().await), (2_160, vec![]));
    cloud.audit().await;
}

#[tokio::test]
async fn what_an_order_states_itself_goes_before_what_its_reservation_holds() {
    let (cloud, acme, code) = start().await;
    let other = acme.coupon("second").await;
    let id = paid_in_part(&acme, &code).reserved("cart-1").await;
    // Two other orders cannot have what is held, this one may have less of it and something else.
    let order = acme.order("o-1").line("MUG", 20, "8.00").reservation(&id).code(&other).points(250);
    assert_eq!(order.send().await.expect(201)["discounts_used"], json!([other]));
    assert_eq!((acme.balance().await, acme.open_discounts().await), (2_999 - 250 + 160, vec![code.clone()]));
    // None at all, and the discount that was held: what the reservation kept back is free again.
    let id = paid_in_part(&acme, &code).reserved("cart-2").await;
    let order = acme.order("o-2").line("MUG", 1, "8.00").reservation(&id).points(0);
    assert_eq!(order.send().await.expect(201)["discounts_used"], json!([code]));
    assert_eq!(acme.balance().await, 2_909 + 8);
    // More than was held, if there are so many; the program's bounds are for them all the same.
    let id = mugs(&acme).points(500).reserved("cart-3").await;
    let order = acme.order("o-3").line("MUG", 2, "8.00").reservation(&id);
    for points in [99, 1_001] {
        let refused = order.clone().points(points).send().await.expect_problem(422, "points-unusable");
        assert_eq!(refused.fault_paths(), ["$.points"]);
    }
    order.points(1_000).send().await.expect(201);
    assert_eq!(acme.balance().await, 2_917 - 1_000 + 16);
    // Nor more than the goods cost that points may pay for.
    let cheap = acme.order("o-4").line("MUG", 1, "1.00").line("POST", 1, "9.00");
    let refused = cheap.clone().points(101).send().await.expect_problem(422, "points-unusable");
    assert_eq!(refused.fault_paths(), ["$.points"]);
    cheap.points(100).send().await.expect(201);
    cloud.audit().await;
}

#[tokio::test]
async fn a_reservation_ends_no_later_than_what_it_holds() {
    let (cloud, acme, code) = start().await;
    // They end with March in London.
    let gift = json!({"points": 400, "reason": "A test", "expires_at": "2011-03-31T00:00:00Z"});
    acme.adjust("gift", gift).await.expect(201);
    cloud.set_clock("2011-03-21T11:45:00Z");
    let held = async |cart: Cart, key: &str| cart.reserve(key).await.expect(201)["expires_at"].clone();
    assert_eq!(held(mugs(&acme).codes(&[&code]), "discount").await, "2011-03-21T12:00:00Z");
    assert_eq!(held(mugs(&acme).points(100), "points").await, "2011-03-21T12:15:00Z");
    cloud.set_clock("2011-03-21T12:00:00Z");
    let refused = mugs(&acme).codes(&[&code]).reserve("too late").await;
    refused.expect_problem(422, "discount-expired");

    cloud.set_clock("2011-03-31T22:50:00Z");
    let usual = "2011-03-31T23:20:00Z";
    for (key, points, end) in [("a", 1_000, usual), ("b", 1_000, usual), ("c", 1_000, usual)] {
        assert_eq!(held(mugs(&acme).points(points), key).await, end, "there are 3,000 others");
    }
    let last = mugs(&acme).points(400).reserve("d").await.expect(201);
    assert_eq!(last["expires_at"], "2011-03-31T23:00:00Z");
    let order = acme.order("o-1").line("MUG", 20, "8.00").reservation(last["reservation_id"].as_str().unwrap());
    cloud.set_clock("2011-03-31T23:00:00Z");
    order.send().await.expect_problem(409, "reservation-ended");
    // The others still have theirs.
    for (number, key) in ["a", "b", "c"].into_iter().enumerate() {
        let id = tests::reservation_id(key);
        let order = acme.order(&format!("o-{}", number + 2)).line("POST", 1, "9.00").reservation(&id);
        order.send().await.expect(201);
    }
    assert_eq!(acme.balance().await, 0);
    cloud.audit().await;
}

#[tokio::test]
async fn an_account_has_eight_reservations_at_once() {
    let (cloud, acme, _) = start().await;
    let cart = mugs(&acme).points(100);
    for number in 0..8 {
        cloud.set_instant(tests::at(NOON).plus_ms(number * 60_000));
        cart.reserved(&format!("cart-{number}")).await;
    }
    let before = cloud.tables().await;
    let refused = cart.reserve("cart-8").await.expect_problem(409, "too-many-reservations");
    assert!(refused["detail"].as_str().unwrap().contains("2011-03-01T12:30:00Z"), "{}", refused.json());
    assert_eq!(cloud.tables().await, before);
    // There is room once one is given up, used, or over.
    cloud.release(&tests::reservation_id("cart-3")).await.expect(200);
    cart.reserved("cart-8").await;
    let order = acme.order("o-1").line("MUG", 1, "8.00").reservation(&tests::reservation_id("cart-4"));
    order.send().await.expect(201);
    cart.reserved("cart-9").await;
    cart.reserve("cart-10").await.expect_problem(409, "too-many-reservations");
    cloud.set_clock("2011-03-01T12:30:00Z");
    cart.reserved("cart-10").await;
    cloud.audit().await;
}

#[tokio::test]
async fn an_order_spends_points_without_a_reservation() {
    let (cloud, acme, code) = start().await;
    let cart = paid_in_part(&acme, &code);
    let told = cart.quote().await.expect(200).json();
    let order = cart.ordered("o-1", &told).code(&code).points(1_000);
    let scored = order.send().await.expect(201);
    assert_eq!((&scored["points"], acme.balance().await), (&told["earns"]["points"], 2_184));
    assert_eq!(order.send().await.expect(200).body(), scored.body());
    for (points, problem) in [(99, "points-unusable"), (1_001, "points-unusable")] {
        let order = acme.order("o-2").line("MUG", 1, "20.00").points(points);
        assert_eq!(order.send().await.expect_problem(422, problem).fault_paths(), ["$.points"]);
    }
    acme.give(-1_784).await.expect(201);
    let order = acme.order("o-2").line("MUG", 1, "20.00");
    order.clone().points(401).send().await.expect_problem(422, "not-enough-points");
    order.points(400).send().await.expect(201);
    assert_eq!(acme.balance().await, 20);
    // An account that the order would make has none.
    let stranger = cloud.order("o-3").account("stranger").line("MUG", 1, "20.00").points(100);
    stranger.send().await.expect_problem(422, "not-enough-points");
    cloud.audit().await;

    let plain = Cloud::start().await;
    plain.account("acme").put(json!({"name": "Acme"})).await.expect(201);
    plain.account("acme").give(500).await.expect(201);
    let refused = plain.order("o-1").line("MUG", 1, "20.00").points(100).send().await;
    assert_eq!(refused.expect_problem(422, "points-unusable").fault_paths(), ["$.points"]);
}

#[tokio::test]
async fn the_merchant_may_take_points_that_are_held_and_the_order_is_told() {
    let (cloud, acme, code) = start().await;
    let id = paid_in_part(&acme, &code).reserved("cart-1").await;
    acme.give(-2_500).await.expect(201);
    let before = cloud.tables().await;
    let order = acme.order("o-1").line("MUG", 20, "8.00").reservation(&id);
    order.send().await.expect_problem(422, "not-enough-points");
    assert_eq!(cloud.tables().await, before);
    // With as many as there are it goes.
    order.points(500).send().await.expect(201);
    assert_eq!(acme.balance().await, 160);
    cloud.audit().await;
}

#[tokio::test]
async fn an_order_on_the_bus_uses_its_reservation() {
    let (cloud, acme, code) = start().await;
    let cart = paid_in_part(&acme, &code);
    let told = cart.quote().await.expect(200).json();
    let id = cart.reserved("cart-1").await;
    let order = cart.ordered("o-1", &told).reservation(&id);
    for _ in 0..3 {
        order.announce().await;
    }
    cloud.drain().await;
    assert_eq!((acme.balance().await, acme.open_discounts().await), (2_184, vec![]));
    // The same over HTTP is a repeat; an order whose reservation is over is not scored, and waits for a person.
    assert_eq!(order.send().await.expect(200)["discounts_used"], json!([code]));
    let late = acme.order("o-2").line("MUG", 1, "8.00").reservation(&id);
    late.announce().await;
    cloud.drain().await;
    late.score().await.expect(404);
    assert_eq!(acme.balance().await, 2_184);
    cloud.audit().await;
}

#[tokio::test]
async fn somebody_elses_reservation_looks_like_none_at_all() {
    let (cloud, acme, code) = start().await;
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    let cart = paid_in_part(&acme, &code);
    let id = cart.reserved("cart-1").await;
    let none = tests::reservation_id("never made");
    let token = |account: &str| {
        let claims = json!({"sub": account, "account_id": account});
        Some(authorizer(claims, &["orders:write", "accounts:read"]))
    };
    let before = cloud.tables().await;
    for method in ["GET", "DELETE"] {
        let ask = async |id: &str| {
            let reply = cloud.request_as(token("beta"), method, &format!("/v1/reservations/{id}"), "").await;
            reply.expect_problem(404, "unknown-reservation").json()
        };
        assert_eq!(ask(&id).await, ask(&none).await, "{method}");
        assert_eq!(ask(&id).await, ask("no id at all").await, "{method}");
    }
    let ask = async |account: &str, id: &str| {
        let order = cloud.account(account).order("o-1").line("MUG", 1, "8.00").reservation(id);
        let body = order.document().to_string();
        let reply = cloud.request_as(token(account), "POST", "/v1/orders", &body).await;
        reply.expect_problem(404, "unknown-reservation").json()
    };
    assert_eq!(ask("beta", &id).await, ask("beta", &none).await);
    assert_eq!(ask("stranger", &id).await, ask("stranger", &none).await);
    let reserve = async |who: &str| {
        let body = cart.document().to_string();
        cloud.request_with_key(token(who), "POST", "/v1/reservations", &body, Some("cart-2")).await
    };
    reserve("beta").await.expect_problem(403, "forbidden");
    assert_eq!(cloud.tables().await, before);
    // Its own may see it, and give it up.
    let place = format!("/v1/reservations/{id}");
    assert_eq!(cloud.request_as(token("acme"), "GET", &place, "").await.expect(200)["state"], "open");
    assert_eq!(cloud.request_as(token("acme"), "DELETE", &place, "").await.expect(200)["state"], "ended");
    reserve("acme").await.expect(201);
    cloud.audit().await;
}
