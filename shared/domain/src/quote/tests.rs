#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
mod again;
mod agreement;
mod holding;
mod ordered;
mod shared;
mod till;

use super::*;
use crate::account::Status;
use crate::discount::{TakesOff, Terms};
use crate::money::Minor;
use serde_json::{Value, json};
use till::{NOW, Till, program};

/// A value of an answer by its pointer, as text.
fn texts<'a>(list: &'a Value, keys: &[&str]) -> Vec<Vec<&'a str>> {
    let row = |line: &'a Value| keys.iter().map(|key| line[*key].as_str().unwrap_or("-")).collect();
    list.as_array().unwrap().iter().map(row).collect()
}

fn amounts(totals: &Value) -> Vec<(&str, &str)> {
    let keys = ["list", "price_tables", "own_discounts", "tier_discount", "discounts", "points", "shipping", "to_pay"];
    keys.into_iter().map(|key| (key, totals[key]["amount"].as_str().unwrap())).collect()
}

fn reasons(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(|limit| limit["reason"].as_str().unwrap()).collect()
}

fn cart() -> Value {
    json!({
        "account_id": "acme", "currency": "GBP", "shipping": "5.00",
        "lines": [
            { "line_id": "1", "sku": "MUG", "quantity": 12, "unit_price": "10.00" },
            { "line_id": "2", "sku": "TEA", "quantity": 1, "amount": "50.00", "tax": "10.00" },
            { "line_id": "3", "sku": "POST", "quantity": 1, "unit_price": "9.99" },
        ],
    })
}

fn wishing(codes: &Value, points: &Value) -> Value {
    let mut cart = cart();
    (cart["discount_codes"], cart["points"]) = (codes.clone(), points.clone());
    cart
}

#[test]
fn a_cart_is_priced_step_by_step_and_each_step_is_shared_among_its_lines() {
    let mut till = Till::gold(5_000);
    let code = till.hold("next", 500, 30);
    let quote = till.quote(&wishing(&json!([code]), &json!(1_000))).unwrap();
    assert_eq!(
        amounts(&quote["totals"]),
        [
            ("list", "179.99"),
            ("price_tables", "12.00"),
            ("own_discounts", "0.00"),
            ("tier_discount", "3.16"), // 2 % of 158.00
            ("discounts", "7.74"),     // 5 % of 154.84
            ("points", "10.00"),
            ("shipping", "5.00"),
            ("to_pay", "152.09"),
        ]
    );
    let keys = [
        "list_amount",
        "unit_price",
        "amount",
        "price_table",
        "tier_discount",
        "program_discount",
        "paid_with_points",
        "discount",
        "to_pay",
    ];
    assert_eq!(
        texts(&quote["lines"], &keys),
        [
            ["120.00", "9.00", "-", "mugs", "2.16", "7.45", "6.84", "14.29", "93.71"],
            ["50.00", "-", "50.00", "-", "1.00", "3.45", "3.16", "6.61", "43.39"],
            ["9.99", "9.99", "-", "-", "0.00", "0.00", "0.00", "0.00", "9.99"],
        ]
    );
    let shares = |line: usize| texts(&quote["lines"][line]["discounts"], &["code", "value"]);
    assert_eq!((shares(0), shares(1)), (vec![vec![code.as_str(), "5.29"]], vec![vec![code.as_str(), "2.45"]]));
    assert_eq!(quote["lines"][1]["tax"], "8.68", "of 50.00 are left 43.39");
    assert_eq!(quote["discount_codes"], json!([code]));
    let expected = json!({
        "tier": "gold", "percent": "2", "applied": true, "value": { "amount": "3.16", "currency": "GBP" },
    });
    assert_eq!(quote["tier_discount"], expected);
    let earns = &quote["earns"];
    assert_eq!((&earns["eligible_total"]["amount"], &earns["points"]), (&json!("137.10"), &json!(274)));
    assert_eq!(quote["free_products"], json!([{ "rule": "mug", "sku": "MUG", "quantity": 1 }]));
    assert_eq!(quote["points"]["used"], 1_000);
}

#[test]
fn without_codes_each_open_discount_says_what_it_would_be_worth_alone() {
    let mut till = Till::gold(0);
    let (ten, all) = (till.hold("next", 1_000, 40), till.hold("thanks", 10_000, 30));
    let quote = till.quote(&cart()).unwrap();
    let row = |discount: &Value| {
        let worth = discount["worth_alone"]["amount"].as_str().unwrap().to_owned();
        (discount["code"].clone(), discount["name"].clone(), worth, discount["applied"].clone())
    };
    let rows: Vec<_> = quote["discounts"].as_array().unwrap().iter().map(row).collect();
    // Of 154.84, which the tier leaves; the earliest end first.
    assert_eq!(
        rows,
        [
            (json!(all), json!("With our thanks"), "154.84".to_owned(), json!(false)),
            (json!(ten), json!("Next"), "15.48".to_owned(), json!(false)),
        ]
    );
    assert_eq!((&quote["discount_codes"], &quote["totals"]["discounts"]["amount"]), (&json!([]), &json!("0.00")));
    // Named, both are applied, the first to end first: what is left for the other is nothing.
    let named = till.quote(&wishing(&json!([ten, all]), &Value::Null)).unwrap();
    assert_eq!(named["discount_codes"], json!([all]));
    assert_eq!(named["discounts"][1]["reason"], "takes_off_nothing");
    // Postage and shipping are paid in any case.
    assert_eq!(named["totals"]["to_pay"]["amount"], "14.99");
    let best = till.quote(&wishing(&json!("best"), &Value::Null)).unwrap();
    assert_eq!(best["discount_codes"], json!([all]));
}

#[test]
fn a_code_that_cannot_be_used_is_told_why_and_the_cart_still_sees_its_prices() {
    let mut till = Till::gold(0);
    let open = till.hold("next", 500, 30);
    let [used, expired, void] = [till.hold("next", 500, 20), till.hold("next", 500, 0), till.hold("next", 500, 10)];
    let order = crate::id::OrderKey {
        source: crate::id::Source::parse("shop").unwrap(),
        order_id: crate::id::OrderId::parse("1").unwrap(),
    };
    till.change(&used, |record| record.used(&order));
    till.change(&void, |record| record.voided(true));
    let foreign = Code::of_bits(77);
    let codes = json!([void, open, foreign, used, expired]);
    let quote = till.quote(&wishing(&codes, &Value::Null)).unwrap();
    assert_eq!(
        texts(&quote["codes_refused"], &["code", "reason"]),
        [
            [void.as_str(), "void"],
            [foreign.as_str(), "unknown"],
            [used.as_str(), "used"],
            [expired.as_str(), "expired"],
        ]
    );
    assert_eq!((&quote["discount_codes"], &quote["totals"]["discounts"]["amount"]), (&json!([open]), &json!("7.74")));
}

#[test]
fn points_pay_up_to_what_there_is_and_is_allowed_with_the_reason() {
    let till = Till::gold(3_000);
    for (wished, used, value, limited_by) in [
        (json!(200), 200, "2.00", &[][..]),
        (json!("max"), 2_000, "20.00", &["maximum"]),
        (json!(5_000), 2_000, "20.00", &["maximum"]),
        (json!(99), 0, "0.00", &["minimum"]),
        (Value::Null, 0, "0.00", &[]),
    ] {
        let points = till.quote(&wishing(&json!([]), &wished)).unwrap()["points"].clone();
        assert_eq!((&points["used"], &points["value"]["amount"]), (&json!(used), &json!(value)), "{wished}");
        assert_eq!(reasons(&points["limited_by"]), limited_by, "{wished}");
        assert_eq!((&points["usable"], &points["usable_value"]["amount"]), (&json!(2_000), &json!("20.00")));
        assert_eq!((&points["balance"], &points["rate"]), (&json!(3_000), &json!("0.01")));
    }
    let poor = Till::gold(150);
    let points = poor.quote(&wishing(&json!([]), &json!(160))).unwrap()["points"].clone();
    assert_eq!((&points["used"], reasons(&points["limited_by"])), (&json!(150), vec!["balance"]));
    let worthless = Till::under(&program(|program| program["points"]["exchange"] = Value::Null), 500);
    let points = worthless.quote(&wishing(&json!([]), &json!(5))).unwrap()["points"].clone();
    assert_eq!((&points["used"], reasons(&points["limited_by"])), (&json!(0), vec!["no_exchange"]));
    assert_eq!(worthless.quote(&cart()).unwrap()["points"], Value::Null);
}

#[test]
fn what_the_shop_takes_off_itself_goes_first_and_never_below_zero() {
    let till = Till::gold(0);
    let line = |discount: &str| {
        let mut cart = cart();
        cart["lines"] = json!([{ "line_id": "1", "sku": "MUG", "quantity": 12, "unit_price": "10.00",
                                 "discount": discount }]);
        let quote = till.quote(&cart).unwrap();
        texts(&quote["lines"], &["own_discount", "tier_discount", "discount", "to_pay"])[0].join(" ")
    };
    assert_eq!(line("8.00"), "8.00 2.00 10.00 98.00");
    // The table leaves 108.00 of the 120.00 that the discount was for.
    assert_eq!(line("119.00"), "108.00 0.00 108.00 0.00");
}

#[test]
fn who_does_not_take_part_sees_the_prices_and_why_nothing_else_applies() {
    for (status, reason) in [
        (Status::Suspended, "account_suspended"),
        (Status::Closed, "account_closed"),
        (Status::Pending, "account_pending"),
    ] {
        let mut till = Till::gold(500);
        let code = till.hold("next", 500, 30);
        till.account.status = status;
        let quote = till.quote(&wishing(&json!([code]), &json!("max"))).unwrap();
        assert_eq!(quote["order_refused"]["reason"], reason);
        assert_eq!(
            (&quote["tier_discount"]["applied"], &quote["tier_discount"]["reason"]),
            (&json!(false), &json!(reason))
        );
        assert_eq!(quote["discounts"][0]["reason"], reason);
        assert_eq!((&quote["points"]["used"], reasons(&quote["points"]["limited_by"])), (&json!(0), vec![reason]));
        assert_eq!((&quote["earns"], &quote["free_products"]), (&Value::Null, &json!([])));
        // The table for everybody holds all the same.
        assert_eq!(quote["totals"]["to_pay"]["amount"], "172.99");
    }
}

#[test]
fn who_is_no_member_keeps_discounts_and_points_and_has_nothing_of_the_tier() {
    let paid = program(|program| program["membership"] = json!({ "kind": "paid", "months": 12 }));
    let mut till = Till::under(&paid, 500);
    let code = till.hold("next", 500, 30);
    let quote = till.quote(&wishing(&json!([code]), &json!("max"))).unwrap();
    assert_eq!((&quote["tier_discount"]["reason"], &quote["earns"]["points"]), (&json!("not_a_member"), &json!(0)));
    assert_eq!((&quote["discount_codes"], &quote["points"]["used"]), (&json!([code]), &json!(500)));
    assert_eq!(quote["free_products"], json!([]));
}

#[test]
fn what_no_cart_is_quoted_for() {
    let till = Till::gold(0);
    let mut foreign = cart();
    foreign["currency"] = json!("EUR");
    let refused = till.quote(&foreign);
    assert!(matches!(refused, Err(Rejection::ForeignCurrency { .. })), "{refused:?}");
    let cart = Cart::from_json(&cart()).unwrap();
    let nobody = till.decide(|context| quote(&QuoteState::default(), &cart, context));
    assert_eq!(nobody.err(), Some(Rejection::UnknownAccount));
}

#[test]
fn only_what_the_account_does_not_tell_is_read() {
    let mut till = Till::gold(0);
    let open = till.hold("next", 500, 30);
    let elsewhere = Code::of_bits(77);
    let unread = |till: &Till, codes: Value| {
        let cart = Cart::from_json(&wishing(&codes, &Value::Null)).unwrap();
        cart.unread(&till.account, &till.schedule, Instant::parse(NOW).unwrap()).unwrap()
    };
    assert_eq!(unread(&till, json!([elsewhere, open])), std::slice::from_ref(&elsewhere));
    assert_eq!(unread(&till, json!("best")), []);
    // An account of earlier days does not know what its discounts take off.
    till.account.discounts[0].terms = None;
    assert_eq!(unread(&till, json!([])), std::slice::from_ref(&open));
    let quote = till.quote(&wishing(&json!([open]), &Value::Null)).unwrap();
    assert_eq!(quote["totals"]["discounts"]["amount"], "7.74");
}

/// Both discounts and the tier's own are of one group.
fn grouped(tier: &str) -> Value {
    program(|program| {
        program["discounts"][0]["group"] = json!("season");
        program["occasions"][0]["give"]["discount"]["group"] = json!("season");
        program["tiers"]["discount_group"] = json!("season");
        program["tiers"]["levels"][1]["discount"] = json!(tier);
    })
}

#[test]
fn of_a_group_only_the_best_is_applied_and_the_others_say_which() {
    let mut till = Till::under(&grouped("2"), 0);
    let (five, ten) = (till.hold("next", 500, 40), till.hold("thanks", 1_000, 30));
    let quote = till.quote(&wishing(&json!([five, ten]), &Value::Null)).unwrap();
    // 10 % of 158.00: neither the tier nor the other code is applied.
    let totals = &quote["totals"];
    assert_eq!((&totals["tier_discount"]["amount"], &totals["discounts"]["amount"]), (&json!("0.00"), &json!("15.80")));
    assert_eq!(quote["discount_codes"], json!([ten]));
    let rows = texts(&quote["discounts"], &["code", "group", "reason"]);
    assert_eq!(rows, [[ten.as_str(), "season", "-"], [five.as_str(), "season", "group"]]);
    assert!(quote["discounts"][1]["text"].as_str().unwrap().contains(ten.as_str()), "{}", quote["discounts"][1]);
    let tier = &quote["tier_discount"];
    assert_eq!((&tier["applied"], &tier["reason"]), (&json!(false), &json!("group")));
    assert!(tier["text"].as_str().unwrap().contains(ten.as_str()), "{tier}");
    assert_eq!(till.quote(&wishing(&json!("best"), &Value::Null)).unwrap()["totals"], quote["totals"]);
    // Alone each is worth what it takes off beyond the tier's own.
    let alone = till.quote(&cart()).unwrap();
    let worth = |place: usize| alone["discounts"][place]["worth_alone"]["amount"].clone();
    assert_eq!((worth(0), worth(1)), (json!("12.64"), json!("4.74")));
}

#[test]
fn a_code_that_the_tier_outdoes_is_not_used_up() {
    let mut till = Till::under(&grouped("5"), 0);
    let (five, ten) = (till.hold("next", 500, 40), till.hold("thanks", 499, 30));
    for codes in [json!([five, ten]), json!("best"), json!([])] {
        let quote = till.quote(&wishing(&codes, &Value::Null)).unwrap();
        assert_eq!((&quote["tier_discount"]["applied"], &quote["discount_codes"]), (&json!(true), &json!([])));
        assert_eq!(texts(&quote["discounts"], &["reason"]), [["group"], ["group"]], "{codes}");
    }
}

#[test]
fn an_amount_off_and_a_minimum_are_of_the_goods_that_can_be_discounted() {
    let mut till = Till::gold(0);
    let (off, from) = (till.hold("next", 500, 30), till.hold("thanks", 500, 40));
    let of = |amount, minimum| Some(Terms { takes_off: TakesOff::Amount(Minor(amount)), minimum: Minor(minimum) });
    till.account.discounts[0].terms = of(2_000, 15_800);
    till.account.discounts[1].terms = of(1_000, 15_801);
    let quote = till.quote(&wishing(&json!([off, from]), &Value::Null)).unwrap();
    assert_eq!((&quote["discount_codes"], &quote["totals"]["discounts"]["amount"]), (&json!([off]), &json!("20.00")));
    assert_eq!(quote["discounts"][0]["amount"]["amount"], "20.00");
    let missed = &quote["discounts"][1];
    assert_eq!((&missed["reason"], &missed["minimum_order"]["amount"]), (&json!("below_minimum"), &json!("158.01")));
    assert!(missed["text"].as_str().unwrap().contains("0.01 GBP are missing"), "{missed}");
}

#[test]
fn what_the_order_would_bring_is_told_without_codes_that_nobody_has_yet() {
    let bringing = program(|program| {
        program["discounts"][0]["minimum_total"] = json!("100");
        program["tiers"]["levels"][1]["on_entry"] = json!({ "discount": {
            "id": "for-gold", "name": "For gold", "percent": "10", "validity_days": 60 } });
    });
    let mut till = Till::under(&bringing, 0);
    till.account.tier = crate::id::TierId::parse("member").unwrap();
    let earns = till.quote(&cart()).unwrap()["earns"].clone();
    assert_eq!((&earns["discounts"], &earns["tier"]["after"]), (&json!(["next"]), &json!("gold")));
    let told: Vec<_> = earns["reasons"].as_array().unwrap().iter().map(|reason| reason["text"].to_string()).collect();
    assert!(told.iter().any(|text| text.contains("the order will issue one")), "{told:?}");
    assert!(told.iter().all(|text| !text.contains("code ")), "{told:?}");
    assert!(earns["reasons"].as_array().unwrap().iter().all(|reason| reason["discount"].is_null()));
}
