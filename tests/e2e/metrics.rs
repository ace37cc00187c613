//! What nights counted, read over HTTP.

use crate::rollup::traded;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::{Cloud, Reply, authorizer};

fn token(scopes: &[&str], account: Option<&str>) -> Option<Value> {
    let mut claims = json!({"sub": "somebody"});
    account.into_iter().for_each(|account| claims["account_id"] = json!(account));
    Some(authorizer(claims, scopes))
}

fn pounds(amount: &str) -> Value {
    json!({"amount": amount, "currency": "GBP"})
}

/// Asserts some fields of a part of a document.
#[track_caller]
fn expect(part: &Value, expected: Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&part[name], value, "{name} of {part}");
    }
}

/// The metrics of the one group of a period that is not grouped.
async fn total(cloud: &Cloud, period: &str) -> (Value, Value) {
    let reply = cloud.get(&format!("/v1/metrics?period={period}")).await.expect(200).json();
    assert_eq!((&reply["by"], reply["groups"].as_array().unwrap().len()), (&json!("total"), 1));
    (reply.clone(), reply["groups"][0].clone())
}

#[tokio::test]
async fn a_month_reads_as_it_was_traded() {
    let cloud = traded().await;
    cloud.night("2011-04-30").await;
    let (report, group) = total(&cloud, "2011-04").await;
    expect(&report, json!({"first_day": "2011-04-01", "last_day": "2011-04-30", "complete": true, "currency": "GBP"}));
    assert_eq!(report["counted"], json!({"night": "2011-04-30", "revision": 1}));
    assert_eq!(report["stood"]["night"], "2011-04-30");
    let did = &group["did"];
    expect(
        &did["customers"],
        json!({
            "customers": 2, "repeat_customers": 0, "repeat_customer_rate": "0.0000", "new_customers": 0,
            "returning_customer_rate": "100.0000", "retention_rate": "100.0000", "churn_rate": "0.0000",
            "reactivated_customers": 0,
        }),
    );
    expect(
        &did["sales"],
        json!({
            "orders": 2, "units": 16, "revenue": pounds("1600.00"), "previous_revenue": pounds("2000.00"),
            "revenue_growth": "-20.0000", "average_order_value": pounds("800.00"), "units_per_order": "8.0000",
        }),
    );
    // 1,250 points for each of two orders of a silver account.
    expect(&did["participation"], json!({"points_earned": 2_500, "earning_revenue_rate": "100.0000"}));
    expect(
        &did["economics"],
        json!({
            "discount_cost": pounds("0.00"), "points_cost": pounds("25.00"), "program_cost": pounds("25.00"),
            "attributed_margin": pounds("0.00"), "return_on_investment": "-100.0000",
        }),
    );
    let stands = &group["stands"];
    expect(&stands["membership"], json!({"accounts": 2, "accounts_active": 2, "total_tier_upgrades": 2}));
    expect(
        &stands["points"],
        json!({"points_outstanding": 5_250, "total_points_earned": 5_750, "total_points_reversed": 500}),
    );
    expect(&stands["liability"], json!({"liability": pounds("52.50"), "liability_expected": pounds("52.50")}));
    let ageing = [("2013-02", 1_000, "10.00"), ("2013-03", 2_250, "22.50"), ("2013-04", 2_000, "20.00")];
    let ageing = ageing.map(|(month, points, value)| json!({"month": month, "points": points, "value": pounds(value)}));
    assert_eq!(stands["ageing"], json!(ageing));
    expect(&stands["discounts"], json!({"total_discounts_issued": 3, "discount_redemption_rate": "0.0000"}));
    expect(
        &stands["value"],
        json!({
            "historic_value": pounds("4600.00"), "historic_value_average": pounds("2300.00"),
            "historic_margin": pounds("1610.00"), "probability_alive": null, "predicted_lifetime_value": null,
            "customer_lifetime_value": pounds("2300.00"), "customer_lifetime_value_basis": "historic",
        }),
    );
    let whys: Vec<_> = report["unknown"].as_array().unwrap().iter().map(|one| one["why"].as_str().unwrap()).collect();
    assert!(whys.contains(&"2 repeat buyers are fewer than the 50 that a fit needs"), "{whys:?}");
}

#[tokio::test]
async fn every_kind_of_period_and_group_is_there() {
    let cloud = traded().await;
    cloud.night("2011-04-30").await;
    for (period, orders, complete) in [
        ("2011-03", 2, true),
        ("2011-Q1", 3, true),
        ("2011-Q2", 2, false),
        ("2011", 5, false),
        ("2011-04-T12M", 5, true),
        ("lifetime", 5, false),
    ] {
        for (by, names) in [
            ("total", &["total"][..]),
            ("tier", &["silver"]),
            ("segment", &[]),
            ("joined", &["2011-02", "2011-03"]),
            ("referral", &["others"]),
        ] {
            let reply = cloud.get(&format!("/v1/metrics?period={period}&by={by}")).await.expect(200);
            expect(&reply.json(), json!({"period": period, "by": by, "complete": complete}));
            let groups = reply["groups"].as_array().unwrap();
            let found: Vec<_> = groups.iter().map(|group| group["group"].as_str().unwrap()).collect();
            assert_eq!(found, names, "{period} by {by}");
            let sum: u64 = groups.iter().map(|group| group["did"]["sales"]["orders"].as_u64().unwrap()).sum();
            assert_eq!(sum, if names.is_empty() { 0 } else { orders }, "{period} by {by}");
            let counted = !matches!(by, "joined" | "referral");
            assert!(groups.iter().all(|group| group["did"]["survey"].is_object() == counted), "{period} by {by}");
        }
    }
    // The month of the newest night, where none is asked for.
    assert_eq!(cloud.get("/v1/metrics").await.expect(200)["period"], "2011-04");
    let (_, lifetime) = total(&cloud, "lifetime").await;
    expect(
        &lifetime["did"]["customers"],
        json!({"customers": 2, "repeat_customer_rate": "100.0000", "returning_customers": null, "churn_rate": null}),
    );
}

#[tokio::test]
async fn what_changed_in_a_month_is_told_from_night_to_night() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    let order = |id: &str, placed: &str| acme.order(id).placed(placed).line("lamp", 12, "100.00");
    cloud.set_clock("2011-03-10T10:00:00Z");
    order("o-1", "2011-03-10T10:00:00Z").send().await.expect(201);
    cloud.night("2011-03-30").await;
    cloud.set_clock("2011-04-10T10:00:00Z");
    let second = order("o-2", "2011-04-10T10:00:00Z");
    second.send().await.expect(201);
    second.returned("r-1").units("1", 2).at("2011-04-10T10:00:00Z").send().await.expect(201);
    acme.adjust("key-1", json!({"points": 70, "reason": "A test"})).await.expect(201);
    acme.adjust("key-2", json!({"points": -20, "reason": "A test"})).await.expect(201);
    cloud.night("2011-04-30").await;
    cloud.set_clock("2011-05-01T10:00:00Z");

    let (april, _) = total(&cloud, "2011-04").await;
    expect(
        &april["changes"],
        json!({
            "changes_after_night": "2011-03-30", "changes_until_night": "2011-04-30", "points_issued": 1_570,
            "points_credited": 70, "points_deducted": 20, "points_reversed": 250, "points_expired": 0,
            "tier_upgrades": 0, "discounts_issued": 1,
        }),
    );
    let (march, group) = total(&cloud, "2011-03").await;
    assert_eq!((&march["changes"], &march["stood"]["night"]), (&json!(null), &json!("2011-03-30")));
    assert_eq!(group["stands"]["points"]["points_outstanding"], 1_200, "as it stood at the month's end");
    let (lifetime, group) = total(&cloud, "lifetime").await;
    expect(&lifetime["changes"], json!({"changes_after_night": null, "points_issued": 2_770, "tier_upgrades": 1}));
    // Of what ended, all was taken by hand: nothing broke away.
    expect(&group["stands"]["points"], json!({"points_outstanding": 2_500, "breakage_rate": "0.0000"}));
    let by_tier = cloud.get("/v1/metrics?period=2011-04&by=tier").await.expect(200);
    assert_eq!(by_tier["changes"], json!(null));
    // A month before the first night's was counted, yet nobody knows how things stood then.
    let (february, group) = total(&cloud, "2011-Q1").await;
    assert_eq!((&february["changes"], group["did"]["sales"]["orders"].as_u64()), (&json!(null), Some(1)));
}

/// The rows of a table by their columns.
pub fn rows(reply: &Reply) -> Vec<BTreeMap<String, String>> {
    assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8"));
    let mut reader = csv::Reader::from_reader(reply.body());
    let header = reader.headers().unwrap().clone();
    let row = |row: csv::StringRecord| {
        header.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect::<BTreeMap<_, _>>()
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

#[tokio::test]
async fn the_same_is_had_as_a_table() {
    let cloud = traded().await;
    cloud.account("acme").put(json!({"name": "Acme", "segments": ["key", "retail"]})).await.expect(200);
    cloud.night("2011-04-30").await;
    let target = "/v1/metrics?period=2011-04&by=segment";
    let document = cloud.get(target).await.expect(200);
    let accepted = cloud.local().http("GET", target, &[("Accept", "text/csv, application/json;q=0.5")], "").await;
    let table = cloud.get(&format!("{target}&format=csv")).await.expect(200);
    assert_eq!(accepted.body, table.body());
    let rows = rows(&table);
    assert_eq!(rows.len(), 2);
    for (row, group) in rows.iter().zip(document["groups"].as_array().unwrap()) {
        // What holds for the whole document is in every row, under the names it has there.
        for (name, value) in document.json().as_object().unwrap() {
            match value {
                Value::Object(night) => night.iter().for_each(|(part, value)| {
                    assert_eq!(row[&format!("{name}_{part}")], value.to_string().trim_matches('"'), "{name}.{part}");
                }),
                Value::Array(_) | Value::Null => {}
                value => assert_eq!(row[name], value.to_string().trim_matches('"'), "{name}"),
            }
        }
        assert_eq!(row["group"], group["group"].as_str().unwrap());
        // Every figure of the document is in the table, under its name.
        let mut compared = 0;
        for section in [&group["did"], &group["stands"]].into_iter().flat_map(|half| half.as_object().unwrap().values())
        {
            for (name, value) in section.as_object().into_iter().flatten() {
                let text = match value {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    Value::Object(money) => money["amount"].as_str().unwrap().to_owned(),
                    number => number.to_string(),
                };
                assert_eq!(row[name], text, "{name}");
                compared += 1;
            }
        }
        assert!(compared > 90, "{compared}");
    }
    // Who asks for JSON first, or for nothing in particular, gets it.
    for accept in ["application/json, text/csv", "*/*", "text/html", ""] {
        let reply = cloud.local().http("GET", target, &[("Accept", accept)], "").await;
        assert_eq!(reply.header("content-type"), Some("application/json"), "{accept}");
    }
    let json = [("Accept", "text/csv")];
    let reply = cloud.local().http("GET", &format!("{target}&format=json"), &json, "").await;
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_and_what_was_not_counted_is_not_there() {
    let cloud = traded().await;
    for target in ["", "?period=2011-04", "/retention", "/accounts", "/nights/2011-04-30"] {
        cloud.get(&format!("/v1/metrics{target}")).await.expect_problem(404, "not-counted");
    }
    cloud.night("2011-04-30").await;
    for (target, status, kind, about) in [
        ("?period=May", 400, "invalid-parameter", "period"),
        ("?period=2011-13", 400, "invalid-parameter", "period"),
        ("?period=2011-Q5", 400, "invalid-parameter", "period"),
        ("?period=", 400, "invalid-parameter", "period"),
        ("?period=2011-04&by=country", 400, "invalid-parameter", "by"),
        ("?by=", 400, "invalid-parameter", "by"),
        ("?by=Tier", 400, "invalid-parameter", "by"),
        ("?format=xml", 400, "invalid-parameter", "format"),
        ("?perod=2011-03", 400, "invalid-parameter", "perod"),
        ("?night=today", 400, "invalid-parameter", "night"),
        ("?period=2011-05&night=2011-04-30", 400, "invalid-parameter", "night"),
        ("?night=2011-04-29", 404, "not-counted", ""),
        ("/retention?night=2011-04-29", 404, "not-counted", ""),
        ("/retention?night=2011-02-30", 400, "invalid-parameter", "night"),
        ("/accounts?night=2011-04-29", 404, "not-counted", ""),
        ("/retention?by=tier", 400, "invalid-parameter", "by"),
        ("/accounts?limit=5", 400, "invalid-parameter", "limit"),
        ("/nights/2011-04-30?format=csv", 400, "invalid-parameter", "format"),
        ("/nights/yesterday", 400, "invalid-parameter", "date"),
        ("/nights/2011-02-30", 400, "invalid-parameter", "date"),
        ("/nights/2011-04-29", 404, "not-counted", ""),
        ("?period=2011-05", 404, "not-counted", ""),
        ("?period=2009-01", 404, "not-counted", ""),
        ("?period=2010-12&by=tier", 404, "not-counted", ""),
        ("?period=2011-03-T12M", 404, "not-counted", ""),
    ] {
        let reply = cloud.get(&format!("/v1/metrics{target}")).await.expect_problem(status, kind);
        let paths = if about.is_empty() { vec![] } else { vec![about.to_owned()] };
        assert_eq!(reply.fault_paths(), paths, "{target}");
    }
    cloud.get("/v1/accounts/acme/insights?night=2011-04-30").await.expect_problem(400, "invalid-parameter");
    cloud.get("/v1/accounts/a%23b/insights").await.expect_problem(400, "invalid-parameter");
    cloud.get("/v1/accounts/nobody/insights").await.expect_problem(404, "unknown-account");
}

#[tokio::test]
async fn a_night_run_again_says_so_and_one_under_way_is_passed_over() {
    let cloud = traded().await;
    cloud.night("2011-04-30").await;
    cloud.account("cube").order("c-1").placed("2011-04-30T12:00:00Z").line("lamp", 1, "5.00").send().await.expect(201);
    cloud.night("2011-04-30").await;
    let (report, group) = total(&cloud, "2011-04").await;
    assert_eq!(report["counted"], json!({"night": "2011-04-30", "revision": 2}));
    expect(&report["stood"], json!({"night": "2011-04-30", "revision": 2}));
    assert_eq!(group["did"]["sales"]["revenue"], pounds("1605.00"));

    cloud.set_clock("2011-05-02T09:00:00Z");
    let plan = json!({"task": "plan"});
    assert_eq!(cloud.local().invoke("metric-rollup", plan).await.unwrap()["date"], "2011-05-01");
    let begun = cloud.get("/v1/metrics/nights/2011-05-01").await.expect(200);
    expect(&begun.json(), json!({"revision": 1, "revision_kept": null, "trial_balance": null, "models": null}));
    let (report, _) = total(&cloud, "2011-04").await;
    assert_eq!(report["stood"]["night"], "2011-04-30");
    assert_eq!(cloud.get("/v1/metrics").await.expect(200)["period"], "2011-04");
    assert_eq!(cloud.get("/v1/metrics/retention").await.expect(200)["counted"]["night"], "2011-04-30");
}

#[tokio::test]
async fn a_night_proves_what_it_says() {
    let cloud = traded().await;
    cloud.night("2011-04-30").await;
    let night = cloud.get("/v1/metrics/nights/2011-04-30").await.expect(200);
    expect(
        &night.json(),
        json!({
            "night": "2011-04-30", "revision": 1, "revision_kept": 1, "as_of": "2011-04-30T22:59:59.999Z",
            "program_version": 1, "accounts": 2, "accounts_flawed": 0, "flaws": [], "calibration": null,
        }),
    );
    expect(
        &night["trial_balance"],
        json!({
            "points_issued": 5_750, "points_outstanding": 5_250, "points_reversed": 500, "imbalance": 0,
            "balances": true,
        }),
    );
    expect(&night["models"], json!({"customers": 2, "purchases": null, "spend": null}));
    let failed: Vec<_> = night["assumptions"].as_array().unwrap().iter().filter(|one| one["holds"] == false).collect();
    assert_eq!(failed[0]["id"], "purchases_fit");
    assert_eq!(failed[0]["text"], "no model of purchases: 2 repeat buyers are fewer than the 50 that a fit needs");
}

#[tokio::test]
async fn who_stays_and_whom_to_look_at() {
    let cloud = traded().await;
    for day in ["01", "03", "05"] {
        let placed = format!("2011-03-{day}T10:00:00Z");
        cloud.set_clock(&placed);
        cloud.account("cube").order(day).placed(&placed).line("lamp", 1, "10.00").send().await.expect(201);
    }
    cloud.set_clock("2011-05-01T09:00:00Z");
    cloud.night("2011-04-30").await;
    let retention = cloud.get("/v1/metrics/retention").await.expect(200);
    let cohorts = retention["cohorts"].as_array().unwrap();
    assert_eq!((&cohorts[0]["first_month"], &cohorts[0]["customers"]), (&json!("2011-02"), &json!(1)));
    let april = json!({
        "months_since": 2, "month": "2011-04", "customers": 1, "retention_rate": "100.0000",
        "revenue": pounds("600.00"),
    });
    assert_eq!(cohorts[0]["months"][2], april);
    assert_eq!(cohorts[1]["months"].as_array().unwrap().len(), 2);

    let accounts = cloud.get("/v1/metrics/accounts").await.expect(200);
    assert_eq!(accounts["falling"], json!([]));
    // It bought every other day, and not for 56 days; no model tells what that means. Of bolt only one gap is known.
    let cube = json!({
        "account_id": "cube", "probability_alive": null, "fell_by": null, "days_since_last_order": 56,
        "usual_gap_days": 2, "revenue_12_months": pounds("30.00"), "at_stake": pounds("30.00"),
    });
    assert_eq!(accounts["at_risk"], json!([cube]));
    expect(&accounts["rising"][0], json!({"account_id": "acme", "change": pounds("2600.00")}));
    expect(
        &accounts["near_next_tier"][0],
        json!({
            "account_id": "acme", "tier": "silver", "next_tier": "gold", "missing": pounds("2400.00"),
            "missing_rate": "48.0000",
        }),
    );
    let segments = accounts["rfm_segments"].as_array().unwrap();
    assert_eq!(segments.iter().map(|one| one["customers"].as_u64().unwrap()).sum::<u64>(), 3);
}

#[tokio::test]
async fn an_account_is_told_of_itself_alone() {
    let cloud = traded().await;
    let target = "/v1/accounts/acme/insights";
    let early = cloud.get(target).await.expect(200);
    expect(&early.json(), json!({"counted": null, "rfm": null}));
    let why = |insight: &Value, figure: &str| {
        let reasons = insight["unknown"].as_array().unwrap().iter();
        let about = reasons.filter(|one| one["figures"].as_array().unwrap().contains(&json!(figure)));
        about.map(|one| one["why"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(why(&early.json(), "rfm"), ["no night has been counted yet"]);
    assert_eq!(early["days_since_last_order"], 11, "as of today");
    cloud.night("2011-04-30").await;
    let insight = cloud.get(target).await.expect(200);
    expect(
        &insight.json(),
        json!({
            "account_id": "acme", "counted": {"night": "2011-04-30", "revision": 1}, "as_of_day": "2011-04-30",
            "orders": 3, "purchase_days": 3, "first_order": "2011-02-10", "last_order": "2011-04-20",
            "days_since_last_order": 10, "usual_gap_days": "34.5", "historic_value": pounds("2600.00"),
            "historic_margin": pounds("910.00"), "probability_alive": null, "predicted_lifetime_value": null,
        }),
    );
    let too_few = "no model of purchases: 2 repeat buyers are fewer than the 50 that a fit needs";
    assert_eq!(why(&insight.json(), "probability_alive"), [too_few]);
    assert!(insight["rfm"]["segment"].is_string(), "{}", insight["rfm"]);

    let own = cloud.request_as(token(&["accounts:read"], Some("acme")), "GET", target, "").await.expect(200);
    assert_eq!((own.json().get("historic_margin"), &own["historic_value"]), (None, &pounds("2600.00")));
    for (scopes, account, status) in
        [(&["accounts:read"][..], Some("bolt"), 403), (&["metrics:read"], None, 403), (&["accounts:read"], None, 200)]
    {
        cloud.request_as(token(scopes, account), "GET", target, "").await.expect(status);
    }
    for target in ["/v1/metrics", "/v1/metrics/accounts", "/v1/metrics/retention", "/v1/metrics/nights/2011-04-30"] {
        let reply = cloud.request_as(token(&["metrics:read"], Some("acme")), "GET", target, "").await;
        reply.expect_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn what_the_program_does_not_value_is_null_with_a_reason() {
    let cloud = Cloud::with(|program| drop(program.as_object_mut().unwrap().remove("metrics"))).await;
    cloud.order("o-1").line("lamp", 1, "100.00").send().await.expect(201);
    cloud.night("2011-03-01").await;
    cloud.set_clock("2011-03-02T12:00:00Z");
    let (report, group) = total(&cloud, "2011-03").await;
    expect(&group["stands"]["liability"], json!({"liability": null, "liability_expected": null}));
    expect(&group["did"]["economics"], json!({"program_cost": null, "return_on_investment": null}));
    let unknown = report["unknown"].as_array().unwrap();
    let why = |figure: &str| {
        let about = unknown.iter().find(|one| one["figures"].as_array().unwrap().contains(&json!(figure)));
        about.unwrap_or_else(|| panic!("{figure}"))["why"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        why("liability"),
        "the program does not say what a point is worth (points.exchange or metrics.point_value)"
    );
    assert_eq!(why("historic_margin"), "the program does not say what of revenue is left (metrics.margin_rate)");
    let of_group = group["unknown"].as_array().unwrap();
    assert!(
        of_group.contains(&json!({"figures": ["breakage_rate"], "why": "no points have expired or been deducted yet"}))
    );
    // A month that runs is told as far as it has come.
    expect(&report, json!({"complete": false, "last_day": "2011-03-31"}));
}

#[tokio::test]
async fn answers_to_surveys_make_a_score_by_tier_and_segment() {
    let cloud = traded().await;
    cloud.people("acme", &["ann", "bob", "cid"]).await;
    let survey = cloud.survey("nps").opened().await;
    for (contact, score) in [("ann", 10), ("bob", 9), ("cid", 3)] {
        survey.answer("acme", contact, score).send().await.expect(201);
    }
    cloud.night("2011-05-01").await;
    cloud.set_clock("2011-05-02T09:00:00Z");
    // Nobody ordered in May, but two had in April.
    let (_, may) = total(&cloud, "2011-05").await;
    expect(&may["did"]["survey"], json!({"answers": 3, "promoters": 2, "detractors": 1, "net_promoter_score": "33.3"}));
    expect(&may["did"]["customers"], json!({"customers": 0, "churned_customers": 2, "churn_rate": "100.0000"}));
    let by_tier = cloud.get("/v1/metrics?period=2011-05&by=tier").await.expect(200);
    assert_eq!(by_tier["groups"][0]["did"]["survey"]["answers"], 3);
}

#[tokio::test]
async fn the_dashboard_shows_the_same() {
    let cloud = traded().await;
    let none = local::report::gather(cloud.app(), None).await.unwrap_err().to_string();
    assert_eq!(none, "No night has been counted yet. `guilder rollup` counts a night.");
    cloud.night("2011-04-30").await;
    let dashboard = local::report::gather(cloud.app(), None).await.unwrap();
    let text = local::report::dashboard(&dashboard);
    let line = |start: &str| {
        text.lines().find(|line| line.trim_start().starts_with(start)).unwrap_or_else(|| panic!("{text}"))
    };
    let revenue: Vec<_> = line("revenue").split_whitespace().collect();
    assert_eq!(revenue[..5], ["revenue", "1,600.00", "2,000.00", "-20.0", "%"]);
    // Nothing was bought before February, and nothing is known of before the program.
    assert!(revenue[5].ends_with("·▅█▇"), "{revenue:?}");
    assert!(line("liability").contains("52.50"), "{text}");
    assert!(text.lines().count() <= 64 && text.lines().all(|line| line.chars().count() <= 100), "{text}");
}
