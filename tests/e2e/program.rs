//! The program as a document: every fault at once, each with its path.

use domain::program::Program;
use serde_json::{Value, json};
use tests::{Cloud, WHOLESALE};

fn wholesale() -> Value {
    serde_json::from_str(WHOLESALE).unwrap()
}

#[test]
fn the_sample_program_has_no_fault() {
    let program = Program::from_json(&wholesale()).unwrap();
    let multipliers: Vec<_> = program.tiers.levels.iter().map(|tier| tier.multiplier.0).collect();
    assert_eq!(multipliers, [10_000, 12_500, 15_000, 20_000]);
}

type Row = (&'static str, fn(&mut Value), &'static [&'static str]);

fn bad_rules() -> Vec<Row> {
    vec![
        (
            "nothing",
            |p| *p = json!({}),
            &["$.name", "$.currency", "$.time_zone", "$.enrolment", "$.earning_rules", "$.tiers", "$.points"],
        ),
        ("no object", |p| *p = json!([]), &["$"]),
        ("unknown field", |p| p["tier"] = json!({}), &["$.tier"]),
        ("name with a space", |p| p["name"] = json!("whole sale"), &["$.name"]),
        ("unknown currency", |p| p["currency"] = json!("gbp"), &["$.currency"]),
        ("unknown time zone", |p| p["time_zone"] = json!("Europe/Atlantis"), &["$.time_zone"]),
        ("unknown enrolment", |p| p["enrolment"]["unknown_account"] = json!("ask"), &["$.enrolment.unknown_account"]),
        ("SKU empty", |p| p["eligibility"]["excluded_skus"][1] = json!(""), &["$.eligibility.excluded_skus[1]"]),
        (
            "what is eligible besides money",
            |p| p["eligibility"]["paid_with"] = json!(["points", "vouchers"]),
            &["$.eligibility.paid_with[1]"],
        ),
        ("points without money", |p| p["eligibility"]["paid_with"] = json!(["points"]), &["$.eligibility.paid_with"]),
        (
            "points twice",
            |p| p["eligibility"]["paid_with"] = json!(["money", "points", "points"]),
            &["$.eligibility.paid_with"],
        ),
        (
            "a cart held for ever",
            |p| p["checkout"] = json!({"hold_minutes": 1_441, "discounts_given_back": "perhaps", "points": 1}),
            &["$.checkout.points", "$.checkout.hold_minutes", "$.checkout.discounts_given_back"],
        ),
        ("a cart held for no time", |p| p["checkout"] = json!({"hold_minutes": 0}), &["$.checkout.hold_minutes"]),
        ("no earning rule", |p| p["earning_rules"] = json!([]), &["$.earning_rules"]),
        ("points of nothing", |p| p["earning_rules"][0]["points"] = json!(0), &["$.earning_rules[0].points"]),
        ("points a text", |p| p["earning_rules"][0]["points"] = json!("1"), &["$.earning_rules[0].points"]),
        ("per nothing", |p| p["earning_rules"][0]["per"] = json!("0.00"), &["$.earning_rules[0].per"]),
        ("per a third of a penny", |p| p["earning_rules"][0]["per"] = json!("0.003"), &["$.earning_rules[0].per"]),
        (
            "rule id twice",
            |p| {
                let rule = p["earning_rules"][0].clone();
                p["earning_rules"].as_array_mut().unwrap().push(rule);
            },
            &["$.earning_rules[1].id"],
        ),
    ]
}

fn bad_points_tiers_and_discounts() -> Vec<Row> {
    vec![
        ("validity of no month", |p| p["points"]["validity_months"] = json!(0), &["$.points.validity_months"]),
        ("validity for ever", |p| p["points"]["validity_months"] = json!(61), &["$.points.validity_months"]),
        ("no validity at all", |p| p["points"] = json!({}), &["$.points.validity_months"]),
        (
            "two validities",
            |p| p["points"]["expiry"] = json!({"kind": "inactivity", "months": 12}),
            &["$.points.expiry"],
        ),
        (
            "inactivity of no length",
            |p| p["points"] = json!({"expiry": {"kind": "inactivity"}}),
            &["$.points.expiry.months"],
        ),
        (
            "inactivity for ever",
            |p| p["points"] = json!({"expiry": {"kind": "inactivity", "months": 61}}),
            &["$.points.expiry.months"],
        ),
        (
            "never, after some months",
            |p| p["points"] = json!({"expiry": {"kind": "never", "months": 12}}),
            &["$.points.expiry.months"],
        ),
        (
            "an end that nobody knows",
            |p| p["points"] = json!({"expiry": {"kind": "rolling", "days": 90}}),
            &["$.points.expiry.days", "$.points.expiry.kind", "$.points.expiry.months"],
        ),
        (
            "a wait longer than the only month of inactivity",
            |p| p["points"] = json!({"expiry": {"kind": "inactivity", "months": 1}, "pending_days": 29}),
            &["$.points.pending_days"],
        ),
        (
            "a wait for what never comes",
            |p| p["points"]["pending_until"] = json!("shipped"),
            &["$.points.pending_until"],
        ),
        ("two values of a point", |p| p["points"]["exchange"] = json!({"value": "0.01"}), &["$.metrics.point_value"]),
        ("a wait beyond its bound", |p| p["points"]["pending_days"] = json!(31), &["$.points.pending_days"]),
        ("no month to match", |p| p["returns"] = json!({"match_months": 0}), &["$.returns.match_months"]),
        ("more months than there are", |p| p["returns"] = json!({"match_months": 121}), &["$.returns.match_months"]),
        ("an unknown rule of returns", |p| p["returns"] = json!({"months": 1}), &["$.returns.months"]),
        ("a window beyond what is kept", |p| p["tiers"]["window_months"] = json!(25), &["$.tiers.window_months"]),
        ("no tiers", |p| p["tiers"]["levels"] = json!([]), &["$.tiers.levels"]),
        (
            "first tier above zero",
            |p| p["tiers"]["levels"][0]["threshold"] = json!("1"),
            &["$.tiers.levels[0].threshold"],
        ),
        (
            "tiers out of order",
            |p| p["tiers"]["levels"][2]["threshold"] = json!("1000.00"),
            &["$.tiers.levels[2].threshold"],
        ),
        ("tier id twice", |p| p["tiers"]["levels"][3]["id"] = json!("gold"), &["$.tiers.levels[3].id"]),
        (
            "a wait longer than the only month",
            |p| p["points"] = json!({"validity_months": 1, "pending_days": 29}),
            &["$.points.pending_days"],
        ),
        (
            "multiplier above a thousand",
            |p| p["tiers"]["levels"][1]["multiplier"] = json!("1000.0001"),
            &["$.tiers.levels[1].multiplier"],
        ),
        (
            "multiplier negative",
            |p| p["tiers"]["levels"][1]["multiplier"] = json!("-1"),
            &["$.tiers.levels[1].multiplier"],
        ),
        (
            "a review without a hold",
            |p| p["tiers"]["review"] = json!({"grace_days": 181, "downgrade": "sometimes"}),
            &["$.tiers.review.hold_months", "$.tiers.review.grace_days", "$.tiers.review.downgrade"],
        ),
        (
            "a review that nobody knows",
            |p| p["tiers"]["review"] = json!({"hold_months": 0, "downgrade": "one_step", "months": 1}),
            &["$.tiers.review.months", "$.tiers.review.hold_months"],
        ),
        (
            "a grace that outlasts what is kept",
            |p| {
                p["tiers"]["window_months"] = json!(24);
                p["tiers"]["review"] = json!({"hold_months": 12, "grace_days": 1, "downgrade": "one_step"});
            },
            &["$.tiers.review.grace_days"],
        ),
        (
            "warnings",
            |p| {
                p["warnings"] = json!({
                    "discount_expiring_days": [0], "points_expiring_days": [30, 7, 30],
                    "tier_at_risk_days": [1, 2, 3, 4, 5, 6], "birthday_days": [1],
                });
            },
            &[
                "$.warnings.birthday_days",
                "$.warnings.discount_expiring_days[0]",
                "$.warnings.points_expiring_days",
                "$.warnings.tier_at_risk_days",
            ],
        ),
        ("discount of another kind", |p| p["discounts"][0]["kind"] = json!("free_lunch"), &["$.discounts[0].kind"]),
        (
            "many at once",
            |p| {
                p["currency"] = json!(5);
                p["tiers"]["levels"][1]["name"] = json!("");
                p["discounts"][0]["percent"] = json!("100.01");
                p["discounts"][0]["validity_days"] = json!(0);
                p["discounts"][0]["minimum_total"] = json!("-1");
            },
            &[
                "$.currency",
                "$.tiers.levels[1].name",
                "$.discounts[0].minimum_total",
                "$.discounts[0].percent",
                "$.discounts[0].validity_days",
            ],
        ),
    ]
}

#[test]
fn a_bad_program_is_refused_with_every_fault_and_its_path() {
    for (name, change, expected) in bad_rules().into_iter().chain(bad_points_tiers_and_discounts()) {
        let mut document = wholesale();
        change(&mut document);
        let faults = Program::from_json(&document).expect_err(name);
        let paths: Vec<_> = faults.listed().iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, expected, "{name}: {:?}", faults.listed());
        assert!(faults.listed().iter().all(|fault| !fault.message.is_empty() && !fault.code.is_empty()));
    }
}

#[tokio::test]
async fn an_order_under_a_version_that_does_not_know_the_tier_held_leaves_it() {
    let cloud = Cloud::start().await;
    let mut document = wholesale();
    let diamond = json!({"id": "diamond", "name": "Diamond", "threshold": "100000.00", "multiplier": "3"});
    document["tiers"]["levels"].as_array_mut().unwrap().push(diamond);
    cloud.activate_from(document, "2011-03-02T00:00:00Z").await;
    let early = cloud.order("early").line("MUG", 1, "2000.00");
    early.send().await.expect(201);
    cloud.set_clock("2011-03-03T12:00:00Z");
    let order = |id: &str| cloud.order(id).placed("2011-03-03T11:00:00Z");
    assert_eq!(order("large").line("MUG", 1, "150000.00").send().await.expect(201)["tier"]["after"], "diamond");
    cloud.order("late").line("MUG", 1, "1.00").send().await.expect(201);
    early.amended(1).line("MUG", 1, "2000.00").line("MUG", 1, "50.00").put().await.expect(200);
    assert_eq!(cloud.account("acme").standing().await.expect(200)["tier"]["id"], "diamond");
}
