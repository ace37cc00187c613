//! Shared codes at the till.

use super::*;

/// What the answer says of a code, under one of its lists.
fn of(quote: &Value, list: &str, code: &Code) -> Value {
    let found = quote[list].as_array().into_iter().flatten().find(|one| one["code"] == json!(code));
    found.cloned().unwrap_or_default()
}

#[test]
fn a_shared_code_is_applied_as_an_own_one_and_earns_on_what_is_left() {
    let mut till = Till::gold(0);
    let own = till.hold("next", 500, 30);
    let season = json!({ "name": "Spring fair", "percent": "10", "until": "2030-05-31", "uses": 3 });
    let fair = till.share(&season, 0, 2);
    let off = till.share(&json!({ "name": "Ten off", "amount": "10.00", "minimum_order": "158.00" }), 0, 0);
    let quote = till.quote(&wishing(&json!([fair, off, own]), &Value::Null)).unwrap();
    // 158.00 − 2 % = 154.84, − 10 % (it ends first) = 139.36, − 5 % = 132.39, − 10.00.
    assert_eq!(quote["discount_codes"], json!([fair, own, off]));
    assert_eq!(of(&quote, "discounts", &own)["expires_at"], "2030-06-09T12:00:00Z");
    let expected = json!({
        "code": fair, "shared": true, "name": "Spring fair", "percent": "10", "expires_at": "2030-05-31T23:00:00Z",
        "applied": true, "value": { "amount": "15.48", "currency": "GBP" },
    });
    assert_eq!(of(&quote, "discounts", &fair), expected);
    let expected = json!({
        "code": off, "shared": true, "name": "Ten off", "amount": { "amount": "10.00", "currency": "GBP" },
        "minimum_order": { "amount": "158.00", "currency": "GBP" }, "applied": true,
        "value": { "amount": "10.00", "currency": "GBP" },
    });
    assert_eq!(of(&quote, "discounts", &off), expected, "it has no end, and says none");
    assert_eq!(quote["totals"]["to_pay"]["amount"], "137.38", "with postage and shipping");
    assert_eq!(quote["earns"]["eligible_total"]["amount"], "122.39");
    assert!(quote["codes_refused"].is_null(), "{quote}");
}

#[test]
fn a_shared_code_shows_to_whoever_names_it_and_to_nobody_else() {
    let mut till = Till::gold(0);
    till.share(&json!({ "name": "Half", "percent": "50" }), 0, 0);
    for codes in [json!("best"), json!([])] {
        let quote = till.quote(&wishing(&codes, &Value::Null)).unwrap();
        assert_eq!((&quote["discounts"], &quote["discount_codes"]), (&json!([]), &json!([])), "{codes}");
    }
}

#[test]
fn a_shared_code_of_a_group_goes_with_no_other_of_it() {
    let document = program(|program| {
        program["occasions"][0]["give"]["discount"]["group"] = json!("season");
        program["discounts"][0]["group"] = json!("season");
    });
    let mut till = Till::under(&document, 0);
    let own = till.hold("thanks", 1_000, 30);
    let shared = |percent: &str| json!({ "name": "Spring", "percent": percent, "group": "season" });
    let (less, more) = (till.share(&shared("9"), 0, 0), till.share(&shared("11"), 0, 0));
    let quote = |named: Value| till.quote(&wishing(&named, &Value::Null)).unwrap();
    let (with_less, with_more) = (quote(json!([less, own])), quote(json!([more, own])));
    assert_eq!((&with_less["discount_codes"], &with_more["discount_codes"]), (&json!([own]), &json!([more])));
    let told = of(&with_less, "discounts", &less);
    assert_eq!((&told["applied"], &told["reason"]), (&json!(false), &json!("group")));
    assert_eq!(of(&with_more, "discounts", &own)["reason"], "group");
}

#[test]
fn a_shared_code_that_cannot_be_used_says_why() {
    let mut till = Till::gold(0);
    let mut share = |more: Value, own, all| {
        let mut document = json!({ "name": "Spring", "percent": "5" });
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        till.share(&document, own, all)
    };
    let codes = [
        (share(json!({}), 1, 0), "used"),
        (share(json!({ "uses": 9, "uses_per_account": 2 }), 1, 9), "used_up"),
        (share(json!({ "from": "2030-05-11" }), 0, 0), "not_yet_valid"),
        (share(json!({ "until": "2030-05-09" }), 0, 0), "expired"),
        (share(json!({ "tiers": ["member"] }), 0, 0), "not_for_account"),
        (Code::of_bits(7), "unknown"),
    ];
    let named: Vec<_> = codes.iter().map(|(code, _)| code).collect();
    let quote = till.quote(&wishing(&json!(named), &Value::Null)).unwrap();
    let refused: Vec<_> = codes.iter().map(|(code, reason)| (json!(code), json!(reason))).collect();
    let told = quote["codes_refused"].as_array().unwrap();
    assert_eq!(told.iter().map(|one| (one["code"].clone(), one["reason"].clone())).collect::<Vec<_>>(), refused);
    assert!(told.iter().all(|one| one["text"].as_str().unwrap().ends_with('.')));
    assert_eq!((&quote["discounts"], &quote["totals"]["discounts"]["amount"]), (&json!([]), &json!("0.00")));
    let minimum = till.share(&json!({ "name": "Large", "percent": "5", "minimum_order": "158.01" }), 0, 0);
    let quote = till.quote(&wishing(&json!([minimum]), &Value::Null)).unwrap();
    assert_eq!(of(&quote, "discounts", &minimum)["reason"], "below_minimum");
}

#[test]
fn a_code_of_the_account_goes_before_a_shared_one_of_the_same_text() {
    let mut till = Till::gold(0);
    let own = till.hold("next", 500, 30);
    let shared = till.share(&json!({ "name": "Half", "percent": "50" }), 0, 0);
    till.change(&own, |record| Discount { code: shared.clone(), ..record.clone() });
    let quote = till.quote(&wishing(&json!([shared]), &Value::Null)).unwrap();
    assert_eq!(of(&quote, "discounts", &shared)["rule"], "next");
}
