//! Tiers by units of the calendar year, and by invitation: a dealer's four years, from outside.

use crate::simulate::check_reproduced;
use crate::walks::{walk_daily, walked};
use serde_json::{Value, json};
use tests::{Cloud, Order, WHOLESALE};

/// A dealer with 100 units in a year is a partner, with 5 % on everything and 200 points on becoming one.
fn ladder(program: &mut Value) {
    program["tiers"] = json!({
        "metric": "units", "window": {"kind": "calendar_year"},
        "levels": [
            {"id": "dealer", "name": "Dealer", "threshold": 0, "multiplier": "1"},
            {"id": "partner", "name": "Partner", "threshold": 100, "multiplier": "1", "discount": "5",
             "on_entry": {"points": 200}},
            {"id": "premier", "name": "Premier", "threshold": 500, "multiplier": "2", "discount": "7.5"},
            {"id": "circle", "name": "Circle", "by_invitation": true, "multiplier": "2", "discount": "10"},
        ],
        "review": {"grace_days": 31, "downgrade": "one_step"},
    });
    program["warnings"] = json!({"tier_at_risk_days": [60, 7]});
}

fn order(cloud: &Cloud, id: &str, units: u64, when: &str) -> Order {
    cloud.set_clock(when);
    cloud.order(id).placed(when).line("MUG", units, "1.00")
}

/// The tier of `acme` as its account shows it.
async fn tier(cloud: &Cloud) -> Value {
    cloud.account("acme").standing().await.expect(200)["tier"].clone()
}

fn invited(until: &str) -> Value {
    json!({"tier": "circle", "until": until, "reason": "Opens the north for us."})
}

#[tokio::test]
async fn a_dealer_reaches_keeps_and_loses_a_tier_by_the_units_of_a_year() {
    let cloud = Cloud::with(ladder).await;
    // Postage is no unit that counts.
    order(&cloud, "o-1", 60, "2011-03-01T12:00:00Z").line("POST", 1, "9.00").send().await.expect(201);
    let dealer = tier(&cloud).await;
    assert_eq!(dealer["qualifying"], json!({"units": 60}));
    assert_eq!((&dealer["window"], &dealer["review"]), (&json!(["2011-01", "2011-12"]), &Value::Null));
    let partner = json!({"id": "partner", "name": "Partner", "threshold": {"units": 100}, "missing": {"units": 40}});
    assert_eq!(dealer["next"], partner);
    let second = order(&cloud, "o-2", 40, "2011-03-02T12:00:00Z");
    let receipt = second.send().await.expect(201);
    let reasons = receipt["reasons"].as_array().unwrap();
    let raised = reasons.iter().find(|reason| reason["id"] == "tier.raised").unwrap();
    assert_eq!(raised["text"], "Partner reached: 100 units of 100 units in the calendar year.");
    assert_eq!((&receipt["points"], &receipt["balance"]), (&json!(40), &json!(60 + 40 + 200)));
    let entered = reasons.iter().find(|reason| reason["id"] == "tier.entered").unwrap();
    let text = "For becoming Partner: 200 points.";
    assert_eq!(*entered, json!({"id": "tier.entered", "rule": "partner", "fired": true, "points": 200, "text": text}));
    // Every point that the balance has grown by has its reason.
    let told: i64 = reasons.iter().filter_map(|reason| reason["points"].as_i64()).sum();
    assert_eq!(told, 40 + 200);
    let partner = tier(&cloud).await;
    assert_eq!((&partner["id"], &partner["discount"]), (&json!("partner"), &json!("5")));
    assert_eq!(partner["review"], json!({"at": "2013-02-01T00:00:00Z", "missing": {"units": 100}}));
    // What comes back lowers no tier and counts no more; bought again, it brings no points twice.
    second.returned("r-1").units("1", 40).at("2011-03-03T12:00:00Z").send().await.expect(201);
    assert_eq!(tier(&cloud).await["qualifying"], json!({"units": 60}));
    order(&cloud, "o-3", 40, "2011-03-04T12:00:00Z").send().await.expect(201);
    let entries = cloud.account("acme").history().await;
    let changes: Vec<_> = entries.iter().flat_map(|entry| entry["changes"].as_array().unwrap()).collect();
    let given: Vec<_> = changes.iter().filter(|change| change["type"] == "points.for_tier").collect();
    assert_eq!(given.len(), 1);
    assert_eq!((&given[0]["tier"], &given[0]["points"]), (&json!("partner"), &json!(200)));
    let told = entries.iter().find(|entry| entry["text"].as_str().unwrap().contains("for becoming partner"));
    assert!(told.is_some(), "{entries:?}");
    // 70 units in the next year, and 30 in the grace of it.
    order(&cloud, "o-4", 70, "2012-12-20T12:00:00Z").send().await.expect(201);
    walk_daily(&cloud, "acme", "2012-12-21", "2012-12-21").await;
    walk_daily(&cloud, "acme", "2013-01-24", "2013-01-26").await;
    order(&cloud, "o-5", 30, "2013-01-26T12:00:00Z").send().await.expect(201);
    walk_daily(&cloud, "acme", "2013-01-31", "2013-02-02").await;
    let kept = tier(&cloud).await;
    assert_eq!((&kept["id"], &kept["review"]["at"]), (&json!("partner"), &json!("2014-02-01T00:00:00Z")));
    assert_eq!(kept["review"]["missing"], json!({"units": 70}));
    // The points of the first year end; sixty days before the next review, and seven, it is told; then the tier is lost,
    // whoever asks first.
    walk_daily(&cloud, "acme", "2013-04-01", "2013-04-01").await;
    walk_daily(&cloud, "acme", "2013-12-02", "2013-12-05").await;
    walk_daily(&cloud, "acme", "2014-01-24", "2014-01-26").await;
    cloud.set_clock("2014-02-01T00:00:00Z");
    let lost = tier(&cloud).await;
    assert_eq!((&lost["id"], &lost["since"]), (&json!("dealer"), &json!("2014-02-01T00:00:00Z")));
    walk_daily(&cloud, "acme", "2014-02-01", "2014-02-02").await;
    let found = walked(&cloud, "acme").await.into_iter().filter(|(kind, _)| kind.starts_with("tier."));
    let found: Vec<_> = found.map(|(kind, day)| format!("{kind} {day}")).collect();
    let expected = [
        "tier.at_risk 2012-12-21",
        "tier.at_risk 2013-01-25",
        "tier.kept 2013-02-01",
        "tier.at_risk 2013-12-03",
        "tier.at_risk 2014-01-25",
        "tier.lowered 2014-02-01",
    ];
    assert_eq!(found, expected);
    cloud.audit().await;
    check_reproduced(&cloud, &program()).await;
}

#[tokio::test]
async fn who_is_invited_is_in_the_tier_until_then_and_again_what_it_was() {
    let cloud = Cloud::with(ladder).await;
    let acme = cloud.account("acme");
    acme.put_tier(invited("2012-01-01T00:00:00Z")).await.expect_problem(404, "unknown-account");
    order(&cloud, "o-1", 100, "2011-03-01T12:00:00Z").send().await.expect(201);
    let before = acme.standing().await.expect(200)["version"].as_u64().unwrap();
    let put = acme.put_tier(invited("2012-01-01T00:00:00Z")).await.expect(200);
    assert_eq!((&put["tier"]["id"], &put["tier"]["discount"]), (&json!("circle"), &json!("10")));
    assert_eq!(put["tier"]["by_invitation"], json!({"until": "2012-01-01T00:00:00Z"}));
    assert_eq!((&put["tier"]["next"], &put["tier"]["review"]), (&Value::Null, &Value::Null));
    // Said again, nothing is written.
    let again = acme.put_tier(invited("2012-01-01T00:00:00Z")).await.expect(200);
    assert_eq!((&again["version"], &put["version"]), (&json!(before + 1), &json!(before + 1)));
    for (document, path) in [
        (json!({"tier": "premier", "reason": "x"}), "$.tier"),
        (json!({"tier": "moon", "reason": "x"}), "$.tier"),
        (json!({"reason": "x"}), "$.tier"),
        (invited("2011-03-01T12:00:00Z"), "$.until"),
    ] {
        let refused = acme.put_tier(document).await.expect_problem(422, "invalid-document");
        assert_eq!(refused["faults"][0]["path"], path);
    }
    // Its orders earn with the tier, and raise no other.
    let receipt = order(&cloud, "o-2", 500, "2011-05-01T12:00:00Z").send().await.expect(201);
    assert_eq!((&receipt["points"], &receipt["tier"]["after"]), (&json!(1_000), &json!("circle")));
    walk_daily(&cloud, "acme", "2012-01-01", "2012-01-01").await;
    // It had reached more meanwhile.
    let fallen = tier(&cloud).await;
    assert_eq!((&fallen["id"], &fallen["since"]), (&json!("premier"), &json!("2012-01-01T00:00:00Z")));
    acme.put_tier(json!({"tier": "circle", "reason": "Again"})).await.expect(200);
    let ended = acme.put_tier(json!({"tier": null, "reason": "Sold its shops."})).await.expect(200);
    assert_eq!((&ended["tier"]["id"], &ended["tier"]["since"]), (&fallen["id"], &fallen["since"]));
    let history = acme.history().await;
    let invitations = history.iter().filter(|entry| entry["cause"]["kind"] == "tier_put");
    assert_eq!(invitations.count(), 3);
    let ended = history[0]["text"].as_str().unwrap();
    assert!(ended.contains("The invitation to be circle ended (Sold its shops). The tier is premier now"), "{ended}");
    cloud.audit().await;
    check_reproduced(&cloud, &program()).await;
}

fn program() -> Value {
    let mut program = serde_json::from_str(WHOLESALE).unwrap();
    ladder(&mut program);
    program
}
