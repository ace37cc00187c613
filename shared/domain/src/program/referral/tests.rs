#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use crate::program::Program;
use serde_json::json;

fn program() -> Value {
    json!({
        "name": "referring", "currency": "GBP", "time_zone": "Europe/London",
        "enrolment": { "unknown_account": "enrol" },
        "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1.00" }],
        "points": { "validity_months": 24 },
        "tiers": { "window_months": 12, "levels": [
            { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
        ]},
        "discounts": [{ "id": "next", "name": "Next", "kind": "next_purchase",
            "minimum_total": "500", "percent": "5", "validity_days": 30 }],
        "referral": {
            "link": "https://shop.example/join/{code}", "enrolment": "approval", "consent": "required",
            "welcome": { "points": 10, "discount": discount("welcome") },
            "qualifying": { "minimum_total": "250.50", "within_days": 180 },
            "return_window_days": 30,
            "rewards": [{ "from": 1, "points": 500 }, { "from": 3, "discount": discount("thanks") }, { "from": 10 }],
            "after_return": "keep",
        },
    })
}

fn discount(id: &str) -> Value {
    json!({ "id": id, "name": "Off", "percent": "12.5", "validity_days": 60 })
}

#[test]
fn all_that_it_says_is_read() {
    let rules = Program::from_json(&program()).unwrap().referral.unwrap();
    let discount = |id: &str| GiftDiscount {
        id: RuleId::parse(id).unwrap(),
        name: "Off".to_owned(),
        percent: crate::money::Percent(1_250),
        validity_days: 60,
        group: None,
    };
    let gift = |points, discount| Gift { points: Points(points), discount };
    let steps = vec![
        Step { from: 1, gift: gift(500, None) },
        Step { from: 3, gift: gift(0, Some(discount("thanks"))) },
        Step { from: 10, gift: gift(0, None) },
    ];
    assert_eq!(
        rules,
        ReferralRules {
            link: Some("https://shop.example/join/{code}".to_owned()),
            enrolment: Enrolment::Approval,
            consent_required: true,
            welcome: gift(10, Some(discount("welcome"))),
            minimum_total: Minor(25_050),
            within_days: 180,
            return_window_days: 30,
            steps,
            after_return: AfterReturn::Keep,
        }
    );
}

#[test]
fn what_may_be_left_out_is_nothing() {
    let mut document = program();
    let section = document["referral"].as_object_mut().unwrap();
    section.remove("link");
    section.remove("welcome");
    section["enrolment"] = json!("open");
    section["consent"] = json!("optional");
    section["after_return"] = json!("take_back");
    let rules = Program::from_json(&document).unwrap().referral.unwrap();
    assert_eq!((rules.link, rules.welcome, rules.enrolment), (None, Gift::default(), Enrolment::Open));
    assert_eq!((rules.consent_required, rules.after_return), (false, AfterReturn::TakeBack));
    document.as_object_mut().unwrap().remove("referral");
    assert_eq!(Program::from_json(&document).unwrap().referral, None);
}

type Row = (&'static str, fn(&mut Value), &'static [(&'static str, &'static str)]);

fn bad_terms() -> Vec<Row> {
    vec![
        ("no section", |r| *r = json!([]), &[("$.referral", "wrong_type")]),
        (
            "nothing",
            |r| *r = json!({}),
            &[
                ("$.referral.enrolment", "missing"),
                ("$.referral.consent", "missing"),
                ("$.referral.qualifying", "missing"),
                ("$.referral.return_window_days", "missing"),
                ("$.referral.after_return", "missing"),
                ("$.referral.rewards", "missing"),
            ],
        ),
        ("unknown field", |r| r["reward"] = json!({}), &[("$.referral.reward", "unknown_field")]),
        (
            "a link without its code",
            |r| r["link"] = json!("https://a.example/"),
            &[("$.referral.link", "invalid_link")],
        ),
        (
            "a link with two codes",
            |r| r["link"] = json!("https://a.example/{code}{code}"),
            &[("$.referral.link", "invalid_link")],
        ),
        (
            "a link that anybody can read on its way",
            |r| r["link"] = json!("http://a.example/{code}"),
            &[("$.referral.link", "invalid_link")],
        ),
        (
            "a link with a space",
            |r| r["link"] = json!("https://a.example/ {code}"),
            &[("$.referral.link", "invalid_link")],
        ),
        (
            "a link of 501 bytes",
            |r| r["link"] = json!(format!("https://{{code}}{}", "a".repeat(487))),
            &[("$.referral.link", "invalid_link")],
        ),
        ("a link that is a number", |r| r["link"] = json!(1), &[("$.referral.link", "wrong_type")]),
        ("an unknown enrolment", |r| r["enrolment"] = json!("closed"), &[("$.referral.enrolment", "unknown_value")]),
        ("an unknown consent", |r| r["consent"] = json!(true), &[("$.referral.consent", "wrong_type")]),
        ("an unknown policy", |r| r["after_return"] = json!("ask"), &[("$.referral.after_return", "unknown_value")]),
        (
            "qualifying by nothing",
            |r| r["qualifying"] = json!({ "days": 1 }),
            &[
                ("$.referral.qualifying.days", "unknown_field"),
                ("$.referral.qualifying.minimum_total", "missing"),
                ("$.referral.qualifying.within_days", "missing"),
            ],
        ),
        (
            "a minimum of nothing",
            |r| r["qualifying"]["minimum_total"] = json!("0.00"),
            &[("$.referral.qualifying.minimum_total", "out_of_range")],
        ),
        (
            "a minimum of a third of a penny",
            |r| r["qualifying"]["minimum_total"] = json!("1.003"),
            &[("$.referral.qualifying.minimum_total", "too_many_decimals")],
        ),
        (
            "no day to order in",
            |r| r["qualifying"]["within_days"] = json!(0),
            &[("$.referral.qualifying.within_days", "out_of_range")],
        ),
        (
            "days without end",
            |r| r["qualifying"]["within_days"] = json!(1_001),
            &[("$.referral.qualifying.within_days", "out_of_range")],
        ),
        (
            "a window beyond a year",
            |r| r["return_window_days"] = json!(366),
            &[("$.referral.return_window_days", "out_of_range")],
        ),
        (
            "a window before the order",
            |r| r["return_window_days"] = json!(-1),
            &[("$.referral.return_window_days", "out_of_range")],
        ),
    ]
}

fn bad_gifts() -> Vec<Row> {
    vec![
        ("no reward", |r| r["rewards"] = json!([]), &[("$.referral.rewards", "wrong_length")]),
        ("rewards that are none", |r| r["rewards"] = json!({}), &[("$.referral.rewards", "wrong_type")]),
        (
            "eleven steps",
            |r| r["rewards"] = (1..=11).map(|from| json!({ "from": from })).collect(),
            &[("$.referral.rewards", "wrong_length")],
        ),
        ("a step from nowhere", |r| r["rewards"][1] = json!({}), &[("$.referral.rewards[1].from", "missing")]),
        (
            "a first step that is none",
            |r| r["rewards"][0]["from"] = json!(2),
            &[("$.referral.rewards[0].from", "out_of_range")],
        ),
        ("a step twice", |r| r["rewards"][2]["from"] = json!(3), &[("$.referral.rewards[2].from", "out_of_order")]),
        (
            "steps out of order",
            |r| r["rewards"][1]["from"] = json!(11),
            &[("$.referral.rewards[2].from", "out_of_order")],
        ),
        (
            "a step beyond all numbers",
            |r| r["rewards"][2]["from"] = json!(10_001),
            &[("$.referral.rewards[2].from", "out_of_range")],
        ),
        (
            "points taken",
            |r| r["rewards"][0]["points"] = json!(-1),
            &[("$.referral.rewards[0].points", "out_of_range")],
        ),
        (
            "points beyond all numbers",
            |r| r["welcome"]["points"] = json!(1_000_000_001),
            &[("$.referral.welcome.points", "out_of_range")],
        ),
        (
            "a gift of something else",
            |r| r["welcome"] = json!({ "mug": 1 }),
            &[("$.referral.welcome.mug", "unknown_field")],
        ),
        (
            "a discount of nothing",
            |r| r["welcome"]["discount"] = json!({}),
            &[
                ("$.referral.welcome.discount.id", "missing"),
                ("$.referral.welcome.discount.name", "missing"),
                ("$.referral.welcome.discount.percent", "missing"),
                ("$.referral.welcome.discount.validity_days", "missing"),
            ],
        ),
        (
            "a discount beyond all",
            |r| r["welcome"]["discount"] = json!({ "id": "a b", "name": "", "percent": "101", "validity_days": 1_001 }),
            &[
                ("$.referral.welcome.discount.id", "invalid_id"),
                ("$.referral.welcome.discount.name", "invalid_text"),
                ("$.referral.welcome.discount.percent", "out_of_range"),
                ("$.referral.welcome.discount.validity_days", "out_of_range"),
            ],
        ),
        (
            "a discount of nothing for the first",
            |r| r["rewards"][0]["discount"] = json!({ "id": "a", "name": "A", "percent": "0", "validity_days": 1 }),
            &[("$.referral.rewards[0].discount.percent", "out_of_range")],
        ),
        (
            "the rule id of another discount",
            |r| r["welcome"]["discount"]["id"] = json!("next"),
            &[("$.referral.welcome.discount.id", "duplicate")],
        ),
        (
            "the rule id of the welcome",
            |r| r["rewards"][1]["discount"]["id"] = json!("welcome"),
            &[("$.referral.rewards[1].discount.id", "duplicate")],
        ),
        (
            "the rule id of another step",
            |r| r["rewards"][2]["discount"] = r["rewards"][1]["discount"].clone(),
            &[("$.referral.rewards[2].discount.id", "duplicate")],
        ),
    ]
}

#[test]
fn every_fault_is_named_where_it_stands() {
    for (name, change, expected) in bad_terms().into_iter().chain(bad_gifts()) {
        let mut document = program();
        change(&mut document["referral"]);
        let faults = Program::from_json(&document).unwrap_err();
        let mut found: Vec<_> = faults.listed().iter().map(|fault| (fault.path.as_str(), fault.code)).collect();
        let mut expected = expected.to_vec();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn bounds_are_good_themselves() {
    type Row = (&'static str, fn(&mut Value));
    let rows: [Row; 6] = [
        ("a penny", |r| r["qualifying"]["minimum_total"] = json!("0.01")),
        ("days", |r| r["qualifying"]["within_days"] = json!(1_000)),
        ("no window", |r| r["return_window_days"] = json!(0)),
        ("a year", |r| r["return_window_days"] = json!(365)),
        ("ten steps", |r| r["rewards"] = (1..=10).map(|from| json!({ "from": from })).collect()),
        ("a link of 500 bytes", |r| r["link"] = json!(format!("https://{{code}}{}", "a".repeat(486)))),
    ];
    for (name, change) in rows {
        let mut document = program();
        change(&mut document["referral"]);
        assert!(Program::from_json(&document).is_ok(), "{name}");
    }
}
