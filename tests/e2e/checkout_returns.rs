//! What comes back of the discounts and points that an order used, when it is returned, cancelled or changed.

use crate::checkout::{mugs, of_kind, paid_in_part, start, start_with};
use domain::id::AccountId;
use serde_json::{Value, json};
use store::Consistency;
use tests::actor::NOON;
use tests::network::Staleness;
use tests::{Account, Cloud, Order};

/// The lots of an account: when each ends, and its points.
async fn lots(cloud: &Cloud, id: &str) -> Vec<(String, i64)> {
    let id = AccountId::parse(id).unwrap();
    let account = cloud.app().store().account(&id, Consistency::Strong).await.unwrap().unwrap();
    account.holdings.lots().iter().map(|lot| (lot.expires_at.to_string(), lot.points.0)).collect()
}

/// 300 points that end with March in London.
async fn give_until_april(acme: &Account) {
    let gift = json!({"points": 300, "reason": "A test", "expires_at": "2011-03-31T00:00:00Z"});
    acme.adjust("gift", gift).await.expect(201);
}

/// The order of a cart that a discount and 1,000 points pay in part, by its reservation.
async fn ordered(cloud: &Cloud, acme: &Account, code: &str, id: &str) -> Order {
    let cart = paid_in_part(acme, code);
    let told = cart.quote().await.expect(200).json();
    let order = cart.ordered(id, &told).reservation(&cart.reserved(&format!("cart of {id}")).await);
    order.send().await.expect(201);
    cloud.audit().await;
    order
}

/// The sum of what entries of an account say of points by changes of a kind.
async fn sum(acme: &Account, kind: &str) -> i64 {
    let history = acme.history().await;
    let changes = history.iter().flat_map(|entry| of_kind(entry["changes"].as_array().unwrap(), kind));
    changes.map(|change| change["points"].as_i64().unwrap()).sum()
}

#[tokio::test]
async fn a_cancellation_gives_the_discount_and_the_points_back_into_their_lots() {
    let (cloud, acme, code) = start().await;
    give_until_april(&acme).await;
    let before = lots(&cloud, "acme").await;
    assert_eq!(before.iter().map(|lot| lot.1).collect::<Vec<_>>(), [300, 3_000]);
    let order = ordered(&cloud, &acme, &code, "o-1").await;
    assert_eq!(lots(&cloud, "acme").await, [(before[1].0.clone(), 2_300 + 184)]);
    let first = order.cancelled().send().await.expect(201);
    assert_eq!((lots(&cloud, "acme").await, acme.open_discounts().await), (before, vec![code.clone()]));
    assert_eq!((&first["points_restored"], &first["discounts_restored"]), (&json!(1_000), &json!([code])));
    let (changes, text) = acme.newest().await;
    assert_eq!(of_kind(&changes, "points.restored"), [json!({"type": "points.restored", "points": 1_000})]);
    assert_eq!(of_kind(&changes, "discount.released").len(), 1);
    assert!(text.contains("1000 points were given back."), "{text}");
    cloud.audit().await;

    // Another order uses both; that the first is cancelled, said once more, does not take them from it.
    let second = ordered(&cloud, &acme, &code, "o-2").await;
    let settled = cloud.tables().await;
    assert_eq!(order.cancelled().send().await.expect(200).body(), first.body());
    assert_eq!(order.send().await.expect(200)["discounts_used"], json!([code]), "its first answer");
    assert_eq!(cloud.tables().await, settled);
    second.cancelled().send().await.expect(201);
    assert_eq!((acme.balance().await, acme.open_discounts().await), (3_300, vec![code]));
    cloud.audit().await;
}

#[tokio::test]
async fn returns_in_parts_give_back_exactly_what_was_spent_and_repeats_change_nothing() {
    for parts in [vec![20], vec![7, 6, 4, 3], vec![1; 20], vec![19, 1], vec![3; 6], vec![13, 7]] {
        let (cloud, acme, code) = start().await;
        let order = ordered(&cloud, &acme, &code, "o-1").await;
        let (mut kept, mut spent) = (20, 1_000);
        for (number, units) in parts.iter().enumerate() {
            let back = order.returned(&format!("r-{number}")).units("1", *units);
            let first = back.send().await.expect(201);
            kept -= units;
            // Fifty points paid each mug.
            assert_eq!(first.number("points_restored"), *units as i64 * 50);
            assert_eq!(sum(&acme, "points.restored").await, 1_000 - kept as i64 * 50, "{parts:?}");
            spent = kept as i64 * 50;
            let settled = cloud.tables().await;
            assert_eq!(back.send().await.expect(200).body(), first.body());
            assert_eq!(cloud.tables().await, settled);
            cloud.audit().await;
        }
        assert!(acme.open_discounts().await.is_empty(), "the discount comes back with the cancellation alone");
        order.cancelled().send().await.expect(201);
        assert_eq!((sum(&acme, "points.restored").await, spent), (1_000, kept as i64 * 50));
        assert_eq!((acme.balance().await, acme.open_discounts().await), (3_000, vec![code]));
        cloud.audit().await;
    }
}

#[tokio::test]
async fn points_that_do_not_divide_come_back_whole_in_the_end() {
    let (cloud, acme, _) = start().await;
    // 101 points pay three things at odd prices, and none of the postage.
    let order = |number: u32| {
        let order = acme.order(&format!("o-{number}")).line("MUG", 7, "0.33").line("CUP", 3, "1.01");
        order.line("POST", 1, "9.99").points(101)
    };
    let steps = [("1", 2), ("2", 1), ("3", 1), ("1", 4), ("2", 2), ("1", 1)];
    for (number, first) in (0..6).enumerate() {
        let order = order(number as u32);
        let before = acme.balance().await;
        order.send().await.expect(201);
        let mut so_far = 0;
        for (place, (line, units)) in steps.iter().cycle().skip(first).take(6).enumerate() {
            order.returned(&format!("r-{place}")).units(line, *units).send().await.expect(201);
            let restored = sum(&acme, "points.restored").await - 101 * number as i64;
            assert!((so_far..=101).contains(&restored), "{so_far}, then {restored}");
            so_far = restored;
        }
        assert_eq!((so_far, acme.balance().await), (101, before));
        let settled = acme.balance().await;
        order.cancelled().send().await.expect(201);
        assert_eq!(acme.balance().await, settled);
        cloud.audit().await;
    }
}

#[tokio::test]
async fn points_whose_end_has_gone_by_come_back_expired_and_the_entry_says_so() {
    let (cloud, acme, code) = start().await;
    give_until_april(&acme).await;
    let order = ordered(&cloud, &acme, &code, "o-1").await;
    cloud.set_clock("2011-04-02T12:00:00Z");
    // The last that were taken come first: of 700 that end later, and of 300 that have ended.
    order.returned("r-1").units("1", 10).send().await.expect(201);
    assert!(of_kind(&acme.newest().await.0, "points.expired").is_empty());
    let back = order.cancelled().send().await.expect(201);
    assert_eq!((back.number("points_restored"), back.number("points_restored_expired")), (500, 300));
    assert_eq!((&back["discounts_restored"], &back["discounts_restored_ended"]), (&Value::Null, &json!([code])));
    let (changes, text) = acme.newest().await;
    let expired = json!({"type": "points.expired", "points": 300, "expired_at": "2011-03-31T23:00:00Z"});
    assert_eq!(of_kind(&changes, "points.expired"), [expired]);
    assert_eq!(of_kind(&changes, "points.restored")[0]["points"], 500);
    assert!(text.contains("500 points were given back.") && text.contains("300 points"), "{text}");
    assert_eq!(acme.balance().await, 3_000);
    // So has the discount.
    assert!(acme.open_discounts().await.is_empty());
    acme.order("o-2").line("MUG", 1, "1.00").code(&code).send().await.expect_problem(422, "discount-expired");
    cloud.audit().await;
}

#[tokio::test]
async fn the_program_says_when_discounts_come_back() {
    let policy =
        |name: &'static str| start_with(move |program| program["checkout"]["discounts_given_back"] = json!(name));
    let (cloud, acme, code) = policy("returned").await;
    let order = ordered(&cloud, &acme, &code, "o-1").await;
    for (number, (line, units)) in [("1", 19), ("2", 1), ("1", 1)].into_iter().enumerate() {
        assert!(acme.open_discounts().await.is_empty(), "{number}");
        order.returned(&format!("r-{number}")).units(line, units).send().await.expect(201);
    }
    assert_eq!((acme.balance().await, acme.open_discounts().await), (3_000, vec![code.clone()]));
    // It stays another order's that uses it then, whatever else is said of this one.
    let second = ordered(&cloud, &acme, &code, "o-2").await;
    order.cancelled().send().await.expect(201);
    assert!(acme.open_discounts().await.is_empty());
    let note = acme.credit_note("c-1").units("MUG", 20).units("POST", 1).at(NOON);
    note.send().await.expect(201);
    assert_eq!((acme.balance().await, acme.open_discounts().await), (3_000, vec![code]), "a credit note says the same");
    second.cancelled().send().await.expect(201);
    cloud.audit().await;

    let (cloud, acme, code) = policy("never").await;
    let order = ordered(&cloud, &acme, &code, "o-1").await;
    order.cancelled().send().await.expect(201);
    assert_eq!((acme.balance().await, acme.open_discounts().await), (3_000, vec![]), "points do come back");
    acme.order("o-2").line("MUG", 1, "1.00").code(&code).send().await.expect_problem(422, "discount-used");
    cloud.audit().await;
}

#[tokio::test]
async fn what_is_given_back_is_free_whatever_a_lagging_replica_shows() {
    for policy in ["cancelled", "returned"] {
        let (cloud, _, _) = start_with(|program| program["checkout"]["discounts_given_back"] = json!(policy)).await;
        // Each account is new, so that a read of any version of it shows the newest often enough.
        for round in 0..40 {
            let account = cloud.account(&format!("account-{round}"));
            account.put(json!({"name": "New"})).await.expect(201);
            account.give(101).await.expect(201);
            let code = account.coupon("coupon").await;
            let order = account.order(&format!("o-{round}")).line("MUG", 1, "2.00").code(&code).points(100);
            order.send().await.expect(201);
            cloud.stale_reads(Staleness::Any);
            let back = match policy {
                "cancelled" => order.cancelled().send().await.expect(201),
                _ => order.returned("r-1").units("1", 1).send().await.expect(201),
            };
            cloud.stale_reads(Staleness::None);
            assert_eq!((account.balance().await, account.open_discounts().await), (100, vec![code.clone()]), "{round}");
            assert_eq!((&back["points_restored"], &back["discounts_restored"]), (&json!(100), &json!([code])));
        }
        cloud.audit().await;
    }
}

/// The order stated anew, without its reservation and its points unless these are said again.
fn changed(order: &Order, revision: u64, quantity: u64, more: &Value) -> Order {
    let mut document = order.amended(revision).line("MUG", quantity, "9.20").document();
    document.as_object_mut().unwrap().retain(|field, _| !["reservation_id", "points"].contains(&field.as_str()));
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let fields = document.as_object().unwrap().clone();
    let bare = order.clone().amended(revision).set("reservation_id", Value::Null).set("points", Value::Null);
    fields.into_iter().fold(bare, |order, (field, value)| order.set(&field, value))
}

#[tokio::test]
async fn an_amendment_keeps_what_was_reserved_or_says_how_many_points_pay() {
    let (cloud, acme, code) = start().await;
    let cart = mugs(&acme).codes(&[&code]).points(500);
    let id = cart.reserved("cart-1").await;
    let order = cart.ordered("o-1", &cart.quote().await.json()).reservation(&id);
    order.send().await.expect(201);
    // But for the point that the discount cost.
    let spent = async || sum(&acme, "points.spent").await - sum(&acme, "points.restored").await - 1;
    assert_eq!(spent().await, 500);
    let rows = [
        // Says nothing of points or codes: the reservation's stay.
        (json!({}), 500),
        (json!({"reservation_id": id}), 500),
        (json!({"points": 800}), 800),
        (json!({"points": 200}), 200),
        (json!({"points": 1_000, "reservation_id": id}), 1_000),
        (json!({"points": 0}), 0),
        (json!({"points": 150}), 150),
    ];
    let mut revision = 0;
    for (more, expected) in &rows {
        revision += 1;
        let reply = changed(&order, revision, 20, more).put().await.expect(200);
        assert_eq!((spent().await, &reply["discounts_used"]), (*expected, &json!([code])), "{more}");
        cloud.audit().await;
    }
    let before = cloud.tables().await;
    let other = mugs(&acme).points(100);
    for id in [tests::reservation_id("none"), tests::reservation_id("cart-1").replace(|_| true, "f")] {
        let refused = changed(&order, 90, 20, &json!({"reservation_id": id})).put().await;
        assert_eq!(refused.expect_problem(422, "invalid-document").fault_paths(), ["$.reservation_id"]);
    }
    for (points, problem) in [(99, "points-unusable"), (1_001, "points-unusable")] {
        changed(&order, 90, 20, &json!({"points": points})).put().await.expect_problem(422, problem);
    }
    assert_eq!(cloud.tables().await, before);
    // What is held for another cart is not there for it; nor can it take another's reservation over.
    acme.give(-(acme.balance().await - 200)).await.expect(201);
    let held = other.reserved("cart-2").await;
    changed(&order, 90, 20, &json!({"points": 251})).put().await.expect_problem(422, "not-enough-points");
    let refused = changed(&order, 90, 20, &json!({"reservation_id": held})).put().await;
    assert_eq!(refused.expect_problem(422, "invalid-document").fault_paths(), ["$.reservation_id"]);
    changed(&order, 90, 20, &json!({"points": 250})).put().await.expect(200);
    assert_eq!((spent().await, acme.balance().await), (250, 100));

    // Half of it comes back, then it is stated anew: half of what pays it stays spent. An order that was placed without a
    // reservation takes none later.
    order.returned("r-1").units("1", 10).send().await.expect(201);
    assert_eq!(spent().await, 125);
    changed(&order, 91, 20, &json!({"points": 200})).put().await.expect(200);
    assert_eq!(spent().await, 100);
    order.cancelled().send().await.expect(201);
    assert_eq!((spent().await, acme.open_discounts().await), (0, vec![code]));
    let plain = acme.order("o-2").line("MUG", 1, "1.00");
    plain.send().await.expect(201);
    let refused = changed(&plain, 1, 1, &json!({"reservation_id": held})).put().await;
    assert_eq!(refused.expect_problem(422, "invalid-document").fault_paths(), ["$.reservation_id"]);
    cloud.audit().await;
}

#[tokio::test]
async fn of_an_order_that_was_cancelled_before_it_came_nothing_stays_used() {
    for way in ["http", "bus"] {
        let (cloud, acme, code) = start().await;
        give_until_april(&acme).await;
        let before = lots(&cloud, "acme").await;
        let cart = paid_in_part(&acme, &code);
        let order = cart.ordered("o-1", &cart.quote().await.json()).reservation(&cart.reserved("cart-1").await);
        match way {
            "http" => {
                order.cancelled().send().await.expect(202);
                order.send().await.expect(201);
            }
            _ => {
                order.cancelled().announce().await;
                cloud.drain().await;
                order.announce().await;
                cloud.drain().await;
            }
        }
        assert_eq!((lots(&cloud, "acme").await, acme.open_discounts().await), (before, vec![code.clone()]), "{way}");
        assert_eq!(cloud.reservation(&tests::reservation_id("cart-1")).await.expect(200)["state"], "ended");
        cloud.audit().await;
        ordered(&cloud, &acme, &code, "o-2").await;
        // A return of a part that came first leaves the rest.
        let third = acme.order("o-3").line("MUG", 4, "5.00").points(400);
        third.returned("r-1").units("1", 3).send().await.expect(202);
        let balance = acme.balance().await;
        third.send().await.expect(201);
        assert_eq!(acme.balance().await, balance - 100 + 5, "{way}");
        cloud.audit().await;
    }
}

#[tokio::test]
async fn what_bought_a_discount_cannot_be_cancelled_while_a_cart_holds_that() {
    let (cloud, acme, code) = start().await;
    let bought = acme.redeems("second", "off").await.expect(201);
    let second = bought["discount"]["code"].as_str().unwrap();
    let id = mugs(&acme).codes(&[&code, second]).reserved("cart-1").await;
    let target = format!("/v1/accounts/acme/redemptions/{}/cancellation", bought.number("redemption_id"));
    let reason = json!({"reason": "A test"}).to_string();
    let before = cloud.tables().await;
    cloud.request("POST", &target, reason.clone()).await.expect_problem(409, "redemption-used");
    assert_eq!(cloud.tables().await, before);
    cloud.release(&id).await.expect(200);
    cloud.request("POST", &target, reason).await.expect(200);
    assert_eq!(acme.open_discounts().await, [&*code]);
    let refused = mugs(&acme).codes(&[second]).reserve("cart-2").await;
    refused.expect_problem(422, "discount-void");
    cloud.audit().await;
}
