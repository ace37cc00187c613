//! Discounts on entering a tier, from outside: with an order, by invitation, and by time.

use crate::simulate::check_reproduced;
use crate::walks::walk_daily;
use serde_json::{Value, json};
use tests::{Cloud, WHOLESALE};

fn off(id: &str, percent: &str) -> Value {
    json!({"id": id, "name": "For you", "percent": percent, "validity_days": 30})
}

/// A partner is who has bought 100 units in a year.
pub fn by_units(program: &mut Value) {
    program["tiers"] = json!({
        "metric": "units", "window": {"kind": "calendar_year"},
        "levels": [
            {"id": "dealer", "name": "Dealer", "threshold": 0, "multiplier": "1"},
            {"id": "partner", "name": "Partner", "threshold": 100, "multiplier": "1",
             "on_entry": {"points": 200, "discount": off("for-partners", "10")}},
            {"id": "circle", "name": "Circle", "by_invitation": true, "multiplier": "1",
             "on_entry": {"discount": off("for-the-circle", "20")}},
        ],
    });
}

/// A partner is who has been a member for a month.
fn by_months(program: &mut Value) {
    program["tiers"] = json!({
        "metric": "membership_months",
        "levels": [
            {"id": "dealer", "name": "Dealer", "threshold": 0, "multiplier": "1"},
            {"id": "partner", "name": "Partner", "threshold": 1, "multiplier": "1",
             "on_entry": {"discount": off("for-partners", "10")}},
        ],
    });
}

fn program(change: fn(&mut Value)) -> Value {
    let mut program = serde_json::from_str(WHOLESALE).unwrap();
    change(&mut program);
    program
}

/// The open discounts of `acme`, by rule and end.
async fn open(cloud: &Cloud) -> Vec<(String, String)> {
    let discounts = cloud.account("acme").standing().await.expect(200)["discounts"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |discount: &Value| (text(&discount["rule"]), text(&discount["expires_at"]));
    discounts.as_array().unwrap().iter().map(of).collect()
}

fn pair(rule: &str, end: &str) -> (String, String) {
    (rule.to_owned(), end.to_owned())
}

#[tokio::test]
async fn an_order_and_an_invitation_bring_the_discount_of_the_tier_once_and_an_order_uses_it() {
    let cloud = Cloud::with(by_units).await;
    let order = |id: &str, units: u64, when: &str| {
        cloud.set_clock(when);
        cloud.order(id).placed(when).line("MUG", units, "1.00")
    };
    let first = order("o-1", 100, "2011-03-01T12:00:00Z");
    let receipt = first.send().await.expect(201);
    assert_eq!(open(&cloud).await, [pair("for-partners", "2011-03-31T11:00:00Z")]);
    let entered = receipt["reasons"].as_array().unwrap().iter().find(|reason| reason["id"] == "tier.entered").unwrap();
    let own = cloud.account("acme").standing().await.expect(200)["discounts"][0]["code"].clone();
    assert_eq!((&entered["points"], &entered["discount"]), (&json!(200), &own));
    // All of it comes back and is bought again: nothing is taken, and nothing comes twice.
    first.returned("r-1").units("1", 100).at("2011-03-02T12:00:00Z").send().await.expect(201);
    order("o-2", 100, "2011-03-03T12:00:00Z").send().await.expect(201);
    let acme = cloud.account("acme");
    let discounts = acme.standing().await.expect(200)["discounts"].clone();
    let code = discounts[0]["code"].as_str().unwrap();
    assert_eq!((discounts.as_array().unwrap().len(), &discounts[0]["percent"]), (1, &json!("10")));
    order("o-3", 9, "2011-03-04T12:00:00Z").code(code).send().await.expect(201);
    assert_eq!(open(&cloud).await, []);
    for tier in [json!("circle"), Value::Null, json!("circle")] {
        acme.put_tier(json!({"tier": tier, "reason": "A key account."})).await.expect(200);
    }
    assert_eq!(open(&cloud).await, [pair("for-the-circle", "2011-04-03T11:00:00Z")]);
    let history = acme.history().await;
    let told = |text: &str| history.iter().filter(|entry| entry["text"].as_str().unwrap().contains(text)).count();
    assert_eq!(told("There is a discount for becoming Partner."), 1);
    assert_eq!(told("There is a discount for becoming Circle."), 1);
    check_reproduced(&cloud, &program(by_units)).await;
}

#[tokio::test]
async fn a_tier_that_comes_with_time_brings_its_discount_with_the_walk() {
    let cloud = Cloud::with(by_months).await;
    cloud.set_clock("2011-03-10T12:00:00Z");
    cloud.order("o-1").placed("2011-03-10T12:00:00Z").line("MUG", 1, "1.00").send().await.expect(201);
    walk_daily(&cloud, "acme", "2011-03-11", "2011-03-11").await;
    // An order writes the tier down before any walk does: the discount does not come by that.
    cloud.set_clock("2011-04-01T00:30:00Z");
    cloud.order("o-2").placed("2011-04-01T00:30:00Z").line("MUG", 1, "1.00").send().await.expect(201);
    assert_eq!(open(&cloud).await, []);
    walk_daily(&cloud, "acme", "2011-04-01", "2011-04-02").await;
    assert_eq!(open(&cloud).await, [pair("for-partners", "2011-05-01T02:00:00Z")]);
    walk_daily(&cloud, "acme", "2011-04-03", "2011-05-02").await;
    assert_eq!(open(&cloud).await, []);
    check_reproduced(&cloud, &program(by_months)).await;
}
