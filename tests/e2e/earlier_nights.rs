//! What earlier nights counted, read over HTTP once there are newer ones.

use crate::metrics::rows;
use crate::rollup::traded;
use analytics::rollup::Period;
use serde_json::{Value, json};
use tests::Cloud;

/// A cloud after the night of the last of April, and that of the third of May: in between a company came, and another
/// ordered again.
async fn two_nights() -> Cloud {
    let cloud = traded().await;
    cloud.night("2011-04-30").await;
    for (account, order, placed) in [("cube", "c-1", "2011-05-02T10:00:00Z"), ("bolt", "b-3", "2011-05-03T10:00:00Z")] {
        cloud.set_clock(placed);
        cloud.account(account).order(order).placed(placed).line("lamp", 10, "100.00").send().await.expect(201);
    }
    cloud.set_clock("2011-05-04T09:00:00Z");
    cloud.night("2011-05-03").await;
    cloud
}

async fn get(cloud: &Cloud, target: &str) -> Value {
    cloud.get(&format!("/v1/metrics{target}")).await.expect(200).json()
}

#[tokio::test]
async fn who_stayed_and_whom_to_look_at_is_told_as_an_earlier_night_counted_it() {
    let cloud = traded().await;
    cloud.night("2011-04-30").await;
    let (retention, accounts) = (get(&cloud, "/retention").await, get(&cloud, "/accounts").await);
    let cloud = two_nights().await;
    assert_eq!(get(&cloud, "/retention?night=2011-04-30").await, retention);
    assert_eq!(get(&cloud, "/accounts?night=2011-04-30").await, accounts);
    for target in ["/retention", "/accounts"] {
        let newest = get(&cloud, target).await;
        assert_eq!(newest["counted"]["night"], "2011-05-03");
        assert_eq!(get(&cloud, &format!("{target}?night=2011-05-03")).await, newest);
    }
}

#[tokio::test]
async fn how_things_stood_is_told_as_of_an_earlier_night() {
    let cloud = two_nights().await;
    let stood = async |target: &str| {
        let report = get(&cloud, target).await;
        let group = &report["groups"][0];
        let accounts = group["stands"]["membership"]["accounts"].as_u64();
        (report["period"].clone(), report["stood"]["night"].clone(), accounts)
    };
    // The month of the night, where none is asked for.
    assert_eq!(stood("?night=2011-04-30").await, (json!("2011-04"), json!("2011-04-30"), Some(2)));
    assert_eq!(stood("?night=2011-05-03").await, stood("").await);
    assert_eq!(stood("?period=2011&night=2011-04-30").await, (json!("2011"), json!("2011-04-30"), Some(2)));
    assert_eq!(stood("?period=2011").await, (json!("2011"), json!("2011-05-03"), Some(3)));
    assert_eq!(stood("?period=lifetime&night=2011-04-30").await.2, Some(2));
    // A period that had ended by then stood as it did at its own end.
    assert_eq!(stood("?period=2011-04&night=2011-05-03").await, (json!("2011-04"), json!("2011-04-30"), Some(2)));
    // What was done is by whichever night counted it last, and it says which.
    assert_eq!(get(&cloud, "?period=2011&night=2011-04-30").await["counted"]["night"], "2011-05-03");
}

#[tokio::test]
async fn the_dashboard_of_an_earlier_period_tells_how_things_stood_by_one_night() {
    let cloud = two_nights().await;
    let nights = async |period: &str| {
        let dashboard = local::report::gather(cloud.app(), Period::parse(period)).await.unwrap();
        let stood = dashboard.metrics.stood.unwrap().counted.night;
        [stood, dashboard.night.begun.night, dashboard.retention.counted.night, dashboard.accounts.counted.night]
    };
    assert_eq!(nights("2011-04").await, ["2011-04-30"; 4]);
    assert_eq!(nights("2011-05").await, ["2011-05-03"; 4]);
}

#[tokio::test]
async fn who_stays_is_had_as_a_table() {
    let cloud = two_nights().await;
    let document = get(&cloud, "/retention").await;
    let rows = rows(&cloud.get("/v1/metrics/retention?format=csv").await.expect(200));
    let cohorts = document["cohorts"].as_array().unwrap();
    let months =
        cohorts.iter().flat_map(|cohort| cohort["months"].as_array().unwrap().iter().map(move |m| (cohort, m)));
    let text = |value: &Value| value.to_string().trim_matches('"').to_owned();
    let mut compared = 0;
    for (row, (cohort, month)) in rows.iter().zip(months) {
        assert_eq!((&row["counted_night"], &row["counted_revision"]), (&"2011-05-03".to_owned(), &"1".to_owned()));
        assert_eq!(row["first_month"], text(&cohort["first_month"]));
        assert_eq!(row["cohort_customers"], text(&cohort["customers"]));
        for name in ["months_since", "month", "customers", "retention_rate"] {
            assert_eq!(row[name], text(&month[name]), "{name}");
        }
        assert_eq!((&row["revenue"], &row["currency"]), (&text(&month["revenue"]["amount"]), &"GBP".to_owned()));
        compared += 1;
    }
    assert_eq!((compared, rows.len()), (8, 8));
}
