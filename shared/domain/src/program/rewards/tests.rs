#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use crate::document::Faults;
use crate::id::ProgramName;
use crate::program::{Program, sample};
use crate::time::Instant;

fn mug() -> Value {
    json!({
        "id": "mug", "name": "A mug", "description": "Blue.", "points": 500,
        "points_by_tier": [{"tier": "gold", "points": 400}], "product": {"sku": "MUG", "quantity": 2},
        "from": "2030-05-01T00:00:00+01:00", "until": "2030-06-01T00:00:00+01:00",
        "stock": 7, "per_account": {"count": 2, "period": "month"}, "tiers": ["gold"], "segments": ["uk"],
    })
}

fn document(rewards: &Value) -> Value {
    let mut document = sample::with("rewards", rewards);
    document["perks"] = json!([{"id": "training", "name": "Training", "kind": "training"}]);
    document["discounts"] = json!([{"id": "thanks", "name": "Thanks", "kind": "next_purchase", "minimum_total": "5",
                                    "percent": "5", "validity_days": 30}]);
    document
}

fn faults(read: Result<Program, Faults>) -> Vec<String> {
    let faults = read.err().unwrap_or_default();
    faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect()
}

#[test]
fn rewards_are_read_as_stated() {
    let program = Program::from_json(&document(&json!([mug()]))).unwrap();
    let expected = Reward {
        id: RuleId::parse("mug").unwrap(),
        name: "A mug".to_owned(),
        description: Some("Blue.".to_owned()),
        kind: RewardKind::Product(Goods { sku: Sku::parse("MUG").unwrap(), quantity: 2 }),
        price: RewardPrice { points: Points(500), by_tier: vec![(TierId::parse("gold").unwrap(), Points(400))] },
        stock: Some(7),
        from: Instant::parse("2030-04-30T23:00:00Z"),
        until: Instant::parse("2030-05-31T23:00:00Z"),
        per_account: Some(PerAccount { count: 2, period: RewardPeriod::Month }),
        audience: program.rewards[0].audience.clone(),
    };
    assert_eq!(program.rewards, [expected]);
    let mut by_date = mug();
    (by_date["from"], by_date["until"]) = (json!("2030-05-01"), json!("2030-05-31"));
    assert_eq!(Program::from_json(&document(&json!([by_date]))).unwrap().rewards, program.rewards);
    let audience = &program.rewards[0].audience;
    assert_eq!((audience.tiers.len(), audience.segments.len()), (1, 1));
    for none in [json!(null), json!([])] {
        assert_eq!(Program::from_json(&document(&none)).unwrap().rewards, []);
    }
    let plain = Program::from_json(&document(&json!([]))).unwrap();
    assert!(plain.decides_like(&program) && program.decides_like(&plain) && plain != program);
}

#[test]
fn what_cannot_be_read_is_refused_with_every_fault_by_its_path() {
    type Row = (&'static str, fn(&mut Value), &'static [&'static str]);
    let rows: [Row; 14] = [
        ("nothing", |r| *r = json!({}), &[".id missing", ".name missing", ".discount missing", ".points missing"]),
        ("an unknown field", |r| r["price"] = json!(5), &[".price unknown_field"]),
        ("for nothing", |r| r["points"] = json!(0), &[".points out_of_range"]),
        ("too much", |r| r["points"] = json!(1_000_000_001), &[".points out_of_range"]),
        ("money", |r| r["points"] = json!("500"), &[".points wrong_type"]),
        (
            "a tier twice",
            |r| r["points_by_tier"] = json!([{"tier": "gold", "points": 1}, {"tier": "gold", "points": 2}]),
            &[".points_by_tier[1].tier duplicate"],
        ),
        (
            "a price without its tier",
            |r| r["points_by_tier"] = json!([{"points": 0}]),
            &[".points_by_tier[0].tier missing", ".points_by_tier[0].points out_of_range"],
        ),
        ("two things", |r| r["discount"] = json!({"percent": "5", "validity_days": 3}), &[".product conflict"]),
        (
            "no goods",
            |r| r["product"] = json!({"sku": "", "quantity": 0}),
            &[".product.sku invalid_id", ".product.quantity out_of_range"],
        ),
        ("over before it begins", |r| r["until"] = r["from"].clone(), &[".until out_of_order"]),
        (
            "never",
            |r| r["per_account"] = json!({"count": 0, "period": "week"}),
            &[".per_account.count out_of_range", ".per_account.period unknown_value"],
        ),
        (
            "a pack with one thing twice",
            |r| {
                r.as_object_mut().unwrap().remove("product");
                r["pack"] = json!([{"sku": "A", "quantity": 1}, {"sku": "A", "quantity": 2}]);
            },
            &[".pack[1].sku duplicate"],
        ),
        (
            "an empty pack",
            |r| {
                r.as_object_mut().unwrap().remove("product");
                r["pack"] = json!([]);
            },
            &[".pack wrong_length"],
        ),
        (
            "a perk without uses",
            |r| {
                r.as_object_mut().unwrap().remove("product");
                r["perk"] = json!({"perk": "training", "uses": 0});
            },
            &[".perk.uses out_of_range"],
        ),
    ];
    for (name, change, expected) in rows {
        let mut reward = mug();
        change(&mut reward);
        let expected: Vec<_> = expected.iter().map(|fault| format!("$.rewards[0]{fault}")).collect();
        assert_eq!(faults(Program::from_json(&document(&json!([reward])))), expected, "{name}");
    }
    let twice = faults(Program::from_json(&document(&json!([mug(), mug()]))));
    assert_eq!(twice, ["$.rewards[1].id duplicate"]);
    // A discount is found by its id, whoever issues it.
    let thanks = json!({"id": "thanks", "name": "T", "points": 1, "discount": {"percent": "5", "validity_days": 3}});
    assert_eq!(faults(Program::from_json(&document(&json!([thanks])))), ["$.rewards[0].id duplicate"]);
}

#[test]
fn uses_of_a_perk_that_all_buyers_have_uncounted_are_refused_in_new_versions_alone() {
    type Row = (fn(&mut Value), &'static [&'static str]);
    let refused = &["$.rewards[0].perk.perk never_fires"][..];
    let rows: [Row; 10] = [
        (|_| (), refused),
        (|p| p["rewards"][0]["tiers"] = json!(["gold"]), refused),
        (|p| p["perks"][0]["count_per"] = json!({"count": 1, "months": 1}), &[]),
        (|p| p["perks"][0]["tiers"] = json!(["gold"]), &[]),
        (|p| p["perks"][0]["segments"] = json!(["uk"]), &[]),
        (|p| p["perks"][0]["after_days"] = json!(30), &[]),
        (|p| p["perks"][0]["activity_days"] = json!(30), &[]),
        (
            |p| {
                p["perks"][0]["tiers"] = json!(["gold"]);
                p["rewards"][0]["tiers"] = json!(["gold"]);
            },
            refused,
        ),
        // Who has not paid can buy what members have.
        (|p| p["membership"] = json!({"kind": "paid", "months": 12}), &[]),
        (
            |p| {
                p["membership"] = json!({"kind": "paid", "months": 12});
                p["rewards"][0]["tiers"] = json!(["gold"]);
            },
            refused,
        ),
    ];
    for (place, (change, expected)) in rows.into_iter().enumerate() {
        let day = json!({"id": "day", "name": "A day", "points": 5, "perk": {"perk": "training", "uses": 1}});
        let mut document = document(&json!([day]));
        change(&mut document);
        let told = faults(Program::from_new(&document, &ProgramName::parse("p").unwrap()));
        assert_eq!(told, expected, "row {place}");
        assert!(Program::from_json(&document).is_ok());
    }
}

#[test]
fn what_makes_no_sense_is_refused_in_new_versions_alone() {
    type Row = (fn(&mut Value), &'static [&'static str]);
    let rows: [Row; 8] = [
        (|_| (), &[]),
        (|r| r["stock"] = json!(2), &[]),
        (|r| r["stock"] = json!(1), &[".per_account.count no_effect"]),
        (|r| r["points_by_tier"][0]["points"] = json!(500), &[".points_by_tier[0].points no_effect"]),
        (
            |r| r["points_by_tier"] = json!([{"tier": "golden", "points": 500}]),
            &[".points_by_tier[0].tier never_fires", ".points_by_tier[0].points no_effect"],
        ),
        (|r| r["tiers"] = json!(["golden"]), &[".tiers[0] never_fires", ".points_by_tier[0].tier never_fires"]),
        (|r| r["points_by_tier"][0]["tier"] = json!("member"), &[".points_by_tier[0].tier never_fires"]),
        (
            |r| {
                r.as_object_mut().unwrap().remove("product");
                r["perk"] = json!({"perk": "teaching", "uses": 1});
            },
            &[".perk.perk never_fires"],
        ),
    ];
    for (change, expected) in rows {
        let mut reward = mug();
        change(&mut reward);
        let document = document(&json!([reward]));
        let expected: Vec<_> = expected.iter().map(|fault| format!("$.rewards[0]{fault}")).collect();
        assert_eq!(faults(Program::from_new(&document, &ProgramName::parse("p").unwrap())), expected);
        assert!(Program::from_json(&document).is_ok());
    }
}
