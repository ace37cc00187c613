//! Points that end once nothing was ordered for long, and points that never end.

use domain::time::Day;
use local::due::forecast;
use serde_json::{Value, json};
use tests::{Cloud, Order, WHOLESALE};

async fn lasting(expiry: Value) -> Cloud {
    Cloud::with(|program| {
        program["points"] = json!({"expiry": expiry});
        program["warnings"] = json!({"points_expiring_days": [30]});
    })
    .await
}

async fn two_months_of_inactivity() -> Cloud {
    lasting(json!({"kind": "inactivity", "months": 2})).await
}

/// Places an order of so many pounds, now.
async fn order(cloud: &Cloud, id: &str, pounds: u32) -> Order {
    let order = cloud.order(id).placed(&cloud.now().to_string()).line("MUG", 1, &format!("{pounds}.00"));
    order.send().await.expect(201);
    order
}

async fn next_expiry(cloud: &Cloud) -> Value {
    let standing = cloud.account("acme").standing().await.expect(200);
    standing["points"].get("next_expiry").cloned().unwrap_or(Value::Null)
}

/// The newest entry of the account: its changes of this type, and what it says.
async fn newest(cloud: &Cloud, kind: &str) -> (Vec<Value>, String) {
    let entry = cloud.account("acme").history().await[0].clone();
    let changes = entry["changes"].as_array().unwrap().iter().filter(|change| change["type"] == kind);
    (changes.cloned().collect(), entry["text"].as_str().unwrap().to_owned())
}

fn until(at: &str, points: u32) -> Value {
    json!({"at": at, "points": points, "if_inactive": true})
}

#[tokio::test]
async fn an_order_moves_the_end_of_all_points_on_and_a_late_one_does_not() {
    let cloud = two_months_of_inactivity().await;
    let first = cloud.order("o-1").line("MUG", 1, "100.00").send().await.expect(201);
    assert_eq!(first["expires_at"], "2011-05-31T23:00:00Z");
    assert_eq!(next_expiry(&cloud).await, until("2011-05-31T23:00:00Z", 100));
    cloud.set_clock("2011-03-31T12:00:00Z");
    order(&cloud, "o-2", 10).await;
    assert!(newest(&cloud, "points.prolonged").await.0.is_empty(), "the same month");
    cloud.set_clock("2011-04-10T12:00:00Z");
    order(&cloud, "o-3", 50).await;
    let prolonged = json!({"type": "points.prolonged", "points": 110, "expires_at": "2011-06-30T23:00:00Z"});
    let (changes, text) = newest(&cloud, "points.prolonged").await;
    assert_eq!(changes, [prolonged]);
    assert!(text.contains("110 points from before stay until 2011-06-30 now."), "{text}");
    assert_eq!(next_expiry(&cloud).await, until("2011-06-30T23:00:00Z", 160));
    let late = cloud.order("o-4").placed("2011-03-05T12:00:00Z").line("MUG", 1, "5.00").send().await.expect(201);
    assert_eq!(late["expires_at"], "2011-06-30T23:00:00Z", "with all others");
    assert_eq!(next_expiry(&cloud).await, until("2011-06-30T23:00:00Z", 165));
    // Points that are given are an activity, too.
    cloud.set_clock("2011-05-03T12:00:00Z");
    let given = cloud.account("acme").give(7).await.expect(201);
    assert_eq!(given["expires_at"], "2011-07-31T23:00:00Z");
    assert_eq!(next_expiry(&cloud).await, until("2011-07-31T23:00:00Z", 172));
    cloud.audit().await;
}

#[tokio::test]
async fn a_return_of_an_order_whose_points_have_ended_takes_nothing() {
    let cloud = two_months_of_inactivity().await;
    let first = order(&cloud, "o-1", 100).await;
    cloud.set_clock("2011-04-10T12:00:00Z");
    let second = order(&cloud, "o-2", 50).await;
    // The first order's own end has passed; but it was moved on.
    cloud.set_clock("2011-06-30T22:59:59.999Z");
    let back = first.returned("r-1").units("1", 1).at("2011-06-30T12:00:00Z").send().await.expect(201);
    assert_eq!((back.number("points_reversed"), back.number("points_lapsed")), (100, 0));
    assert_eq!(back["taken"]["own_lot"], 100);
    cloud.set_clock("2011-06-30T23:00:00Z");
    assert_eq!(cloud.account("acme").standing().await.expect(200)["points"]["balance"], 0);
    // The next order begins anew: what ended before stays ended, and its return takes none of the new points.
    order(&cloud, "o-3", 80).await;
    let back = second.cancelled().at("2011-06-30T23:00:00Z").send().await.expect(201);
    assert_eq!((back.number("points_reversed"), back.number("points_lapsed")), (0, 50));
    // An order of April that is known only now had ended with June.
    let late = cloud.order("o-4").placed("2011-04-11T12:00:00Z").line("MUG", 1, "20.00").send().await.expect(201);
    assert_eq!((late.number("points"), late.number("balance")), (20, 80));
    // It may be stated anew, which gives nothing back.
    let amended = cloud.order("o-4").placed("2011-04-11T12:00:00Z").amended(1).line("MUG", 1, "30.00");
    amended.put().await.expect(200);
    assert_eq!(next_expiry(&cloud).await, until("2011-09-30T23:00:00Z", 80));
    cloud.audit().await;
}

#[tokio::test]
async fn a_warning_waits_for_inactivity_and_costs_no_order_a_filing() {
    let cloud = two_months_of_inactivity().await;
    order(&cloud, "o-1", 100).await;
    cloud.set_clock("2011-04-10T12:00:00Z");
    order(&cloud, "o-2", 50).await;
    let foreseen = forecast(cloud.app(), Day::parse("2011-07-01").unwrap(), cloud.now()).await.unwrap();
    assert_eq!((foreseen.points_expired.count, foreseen.points_expired.points.0), (1, 150));
    assert_eq!(foreseen.points_expiring_warnings.points.0, 150);
    // It was filed for a warning of the end that the first order had.
    cloud.set_clock("2011-05-02T02:00:00Z");
    let entries = cloud.account("acme").history().await.len();
    cloud.sweep(Some("2011-05-01")).await;
    assert_eq!(cloud.account("acme").history().await.len(), entries, "nothing is to be said yet");
    cloud.set_clock("2011-06-01T02:00:00Z");
    cloud.sweep(Some("2011-05-31")).await;
    let (warned, text) = newest(&cloud, "points.expiring").await;
    let warning = json!({
        "type": "points.expiring", "points": 150, "expires_at": "2011-06-30T23:00:00Z", "if_inactive": true,
    });
    assert_eq!(warned, [warning]);
    assert!(text.contains("will end after 2011-06-30, unless something is ordered until then."), "{text}");
    cloud.set_clock("2011-07-01T02:00:00Z");
    cloud.sweep(Some("2011-06-30")).await;
    let (ended, _) = newest(&cloud, "points.expired").await;
    assert_eq!(ended, [json!({"type": "points.expired", "points": 150, "expired_at": "2011-06-30T23:00:00Z"})]);
    cloud.audit().await;
}

#[tokio::test]
async fn points_without_an_end_are_said_to_have_none() {
    let cloud = lasting(json!({"kind": "never"})).await;
    let receipt = cloud.order("o-1").line("MUG", 1, "100.00").send().await.expect(201);
    assert_eq!((receipt.number("points"), receipt.json().get("expires_at")), (100, None));
    assert!(newest(&cloud, "points.earned").await.1.contains("They can be spent at any time."));
    let acme = cloud.account("acme");
    let given = acme.give(5).await.expect(201);
    assert_eq!((given.number("balance"), given.json().get("expires_at")), (105, None));
    assert_eq!(newest(&cloud, "points.credited").await.0[0].get("expires_at"), None);
    // What is given until a date ends then all the same.
    let until_june = json!({"points": 3, "reason": "a test", "expires_at": "2011-06-15T00:00:00Z"});
    acme.adjust("key-1", until_june).await.expect(201);
    assert_eq!(next_expiry(&cloud).await, json!({"at": "2011-06-30T23:00:00Z", "points": 3}));
    cloud.set_clock("2899-12-31T00:00:00Z");
    let standing = acme.standing().await.expect(200);
    assert_eq!((&standing["points"]["balance"], next_expiry(&cloud).await), (&json!(105), Value::Null));
    let back = cloud.order("o-1").cancelled().at("2899-12-30T00:00:00Z").send().await.expect(201);
    assert_eq!((back.number("points_reversed"), back["taken"]["own_lot"].as_i64()), (100, Some(100)));
    cloud.audit().await;
}

#[tokio::test]
async fn points_keep_the_terms_of_the_version_they_were_earned_under() {
    let cloud = two_months_of_inactivity().await;
    order(&cloud, "o-1", 100).await;
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    document["points"] = json!({"expiry": {"kind": "fixed", "months": 1}});
    cloud.activate_from(document, "2011-04-01T00:00:00Z").await;
    cloud.set_clock("2011-04-10T12:00:00Z");
    order(&cloud, "o-2", 50).await;
    // The order moves on what ends with inactivity, by two months, and not its own.
    assert_eq!(next_expiry(&cloud).await, json!({"at": "2011-05-31T23:00:00Z", "points": 50}));
    cloud.set_clock("2011-06-01T12:00:00Z");
    assert_eq!(next_expiry(&cloud).await, until("2011-06-30T23:00:00Z", 100));
    cloud.audit().await;
}
