//! What falls due, from outside: written down once, said once, whatever fails meanwhile.

use crate::walker::shard_of;
use domain::time::Day;
use domain::warning::Walk;
use runtime::walker::Counts;
use serde_json::{Value, json};
use tests::{Cloud, at};

/// Reviews after one month with ten days of grace, and warnings of every kind.
pub fn with_reviews(program: &mut Value) {
    program["tiers"]["review"] = json!({"hold_months": 1, "grace_days": 10, "downgrade": "one_step"});
    program["tiers"]["window_months"] = json!(1);
    program["warnings"] = json!({
        "discount_expiring_days": [7, 1], "points_expiring_days": [30], "tier_at_risk_days": [14, 3],
    });
}

/// The changes of an account's history that walks wrote, oldest first, as type and day of the entry.
pub async fn walked(cloud: &Cloud, id: &str) -> Vec<(String, String)> {
    let history = cloud.account(id).history().await;
    let entries = history.iter().rev().filter(|entry| entry["cause"]["kind"] == "walked");
    let of = |entry: &Value| {
        let day = entry["at"].as_str().unwrap()[..10].to_owned();
        let changes = entry["changes"].as_array().unwrap().clone();
        changes.into_iter().map(move |change| (change["type"].as_str().unwrap().to_owned(), day.clone()))
    };
    entries.flat_map(of).collect()
}

/// Walks what is filed for an account at two in the morning of every day, as the state machines do.
pub async fn walk_daily(cloud: &Cloud, id: &str, first: &str, last: &str) {
    let (first, last) = (Day::parse(first).unwrap(), Day::parse(last).unwrap());
    for day in first.0..=last.0 {
        cloud.set_instant(Day(day - 1).end().plus_ms(2 * 3_600_000));
        for (walk, filed) in Walk::ALL.into_iter().flat_map(|walk| [(walk, day - 1), (walk, day)]) {
            let task = json!({"task": "walk", "day": Day(filed).to_string(), "shard": shard_of(id)});
            let answer = cloud.local().invoke(walk.function(), task).await.unwrap();
            assert_eq!(answer["done"].get("set_aside").unwrap_or(&json!(0)), 0);
        }
    }
}

/// Runs both state machines for each of these days.
async fn sweep_days(cloud: &Cloud, days: &[&str]) {
    for day in days {
        cloud.sweep(Some(day)).await;
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(kind, day)| ((*kind).to_owned(), (*day).to_owned())).collect()
}

#[tokio::test]
async fn every_kind_of_due_thing_is_said_ahead_and_written_down_on_its_day_and_once() {
    let cloud = Cloud::with(with_reviews).await;
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme", "email": "acme@acme.example"})).await.expect(201);
    for (id, role) in [("ann", "approver"), ("bob", "buyer"), ("cat", "admin"), ("dan", "admin")] {
        let contact = json!({"name": id, "role": role, "locale": "en", "email": format!("{id}@acme.example")});
        acme.put_contact(id, contact).await.expect(201);
    }
    cloud.order("o-1").line("MUG", 1, "1200.00").send().await.expect(201);
    assert_eq!(acme.standing().await.expect(200)["tier"]["id"], "silver");
    walk_daily(&cloud, "acme", "2011-03-02", "2011-05-20").await;
    // Silver since the 1st of March: held to the end of April, ten days of grace, reviewed on the 11th of May.
    let expected = pairs(&[
        ("discount.expiring", "2011-03-24"),
        ("discount.expiring", "2011-03-30"),
        ("discount.expired", "2011-03-31"),
        ("tier.at_risk", "2011-04-27"),
        ("tier.at_risk", "2011-05-08"),
        ("tier.lowered", "2011-05-10"),
    ]);
    // A warning is given when the account is walked, what fell due is written down as of its own instant: in London the
    // 11th of May begins on the 10th.
    let found = walked(&cloud, "acme").await;
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert_eq!(
        found.iter().map(|(kind, _)| kind).collect::<Vec<_>>(),
        expected.iter().map(|(kind, _)| kind).collect::<Vec<_>>()
    );
    assert_eq!(found, expected);
    let entry = acme.history().await.into_iter().find(|entry| entry["changes"][0]["type"] == "tier.at_risk").unwrap();
    assert_eq!(entry["changes"][0]["contact_id"], "cat");
    assert_eq!(entry["changes"][0]["missing"], json!({"amount": "1000.00", "currency": "GBP"}));
    assert_eq!(entry["by"], "event:review");
    assert!(!serde_json::to_string(&acme.history().await).unwrap().contains('@'), "no address in any entry");
    assert_eq!(acme.standing().await.expect(200)["tier"]["id"], "member");
    // Later, nothing but the points is left: they end with March 2013.
    walk_daily(&cloud, "acme", "2013-02-27", "2013-04-03").await;
    let found = walked(&cloud, "acme").await.split_off(expected.len());
    assert_eq!(found, pairs(&[("points.expiring", "2013-03-02"), ("points.expired", "2013-03-31")]));
    cloud.audit().await;
}

#[tokio::test]
async fn after_a_long_time_off_only_the_latest_warning_is_given() {
    let cloud = Cloud::with(with_reviews).await;
    cloud.order("o-1").line("MUG", 1, "1200.00").send().await.expect(201);
    // Until a day before the discount ends: what was due 7 days before is passed over.
    cloud.set_clock("2011-03-30T13:00:00Z");
    sweep_days(&cloud, &["2011-03-24"]).await;
    assert_eq!(walked(&cloud, "acme").await, pairs(&[("discount.expiring", "2011-03-30")]));
    // A month later everything is over: nothing is announced that is gone already.
    cloud.set_clock("2011-06-01T02:00:00Z");
    sweep_days(&cloud, &["2011-03-31", "2011-06-01"]).await;
    let found = walked(&cloud, "acme").await.split_off(1);
    assert_eq!(found, pairs(&[("discount.expired", "2011-05-10"), ("tier.lowered", "2011-05-10")]));
    sweep_days(&cloud, &["2011-03-31", "2011-06-01"]).await;
    assert_eq!(walked(&cloud, "acme").await.len(), 3);
}

#[tokio::test]
async fn a_month_without_walks_changes_no_answer() {
    let (on, off) = (Cloud::with(with_reviews).await, Cloud::with(with_reviews).await);
    for cloud in [&on, &off] {
        for (n, amount) in ["300.00", "1200.00", "6000.00"].into_iter().enumerate() {
            cloud.order(&format!("o-{n}")).account(&format!("a-{n}")).line("MUG", 1, amount).send().await.expect(201);
        }
    }
    for day in Day::parse("2011-03-02").unwrap().0..Day::parse("2011-06-20").unwrap().0 {
        for cloud in [&on, &off] {
            cloud.set_instant(Day(day).end());
        }
        for n in 0..3 {
            let shard = shard_of(&format!("a-{n}"));
            for (walk, filed) in Walk::ALL.into_iter().flat_map(|walk| [(walk, day), (walk, day + 1)]) {
                let task = json!({"task": "walk", "day": Day(filed).to_string(), "shard": shard});
                on.local().invoke(walk.function(), task).await.unwrap();
            }
        }
        if day % 7 > 0 {
            continue;
        }
        for n in 0..3 {
            let mut standings = Vec::new();
            for cloud in [&on, &off] {
                let late = cloud.order(&format!("late-{day}-{n}")).account(&format!("a-{n}"));
                let late = late.placed(&Day(day - 25).end().to_string()).line("CUP", 1, "90.00");
                let score = late.send().await.expect(201).json();
                let mut standing = cloud.account(&format!("a-{n}")).standing().await.expect(200).json();
                standing["version"] = Value::Null;
                standings.push((score["points"].clone(), score["balance"].clone(), score["tier"].clone(), standing));
            }
            assert_eq!(standings[0], standings[1], "account a-{n} on day {}", Day(day));
        }
    }
    on.audit().await;
    off.audit().await;
}

#[tokio::test]
async fn a_version_that_changes_validity_and_reviews_moves_no_date_already_given() {
    let cloud = Cloud::with(with_reviews).await;
    cloud.order("o-1").line("MUG", 1, "1200.00").send().await.expect(201);
    let before = cloud.account("acme").standing().await.expect(200).json();
    let mut shorter: Value = serde_json::from_str(tests::WHOLESALE).unwrap();
    with_reviews(&mut shorter);
    shorter["points"]["validity_months"] = json!(1);
    shorter["discounts"][0]["validity_days"] = json!(2);
    shorter["tiers"]["review"] = json!({"hold_months": 6, "grace_days": 0, "downgrade": "to_earned"});
    shorter["time_zone"] = json!("Asia/Tokyo");
    cloud.activate_from(shorter, "2011-03-02T00:00:00Z").await;
    cloud.set_clock("2011-03-20T12:00:00Z");
    sweep_days(&cloud, &["2011-03-03", "2011-03-20"]).await;
    let after = cloud.account("acme").standing().await.expect(200).json();
    for (path, from) in
        [("/discounts/0/expires_at", &before), ("/points/next_expiry", &before), ("/tier/review/at", &before)]
    {
        assert_eq!(after.pointer(path), from.pointer(path), "{path}");
        assert!(after.pointer(path).is_some(), "{path}");
    }
    walk_daily(&cloud, "acme", "2011-03-24", "2011-05-12").await;
    let found = walked(&cloud, "acme").await;
    let expected = pairs(&[
        ("discount.expiring", "2011-03-24"),
        ("discount.expiring", "2011-03-30"),
        ("discount.expired", "2011-03-31"),
        ("tier.at_risk", "2011-04-27"),
        ("tier.at_risk", "2011-05-08"),
        ("tier.lowered", "2011-05-10"),
    ]);
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_a_late_order_brings_about_is_filed_under_a_day_that_is_still_walked() {
    let cloud = Cloud::with(|program| program["points"]["pending_days"] = json!(3)).await;
    cloud.set_clock("2011-03-03T02:00:00Z");
    cloud.sweep(None).await;
    let store = cloud.app().store();
    assert_eq!(store.first_open_day(Walk::Expiry).await.unwrap(), Day::parse("2011-03-01"), "since its activation");
    cloud.sweep(None).await;
    let today = Day::parse("2011-03-03");
    assert_eq!(store.first_open_day(Walk::Expiry).await.unwrap(), today, "all days before are closed now");
    // Its points were available a week ago, and its discount has a day left.
    let late = cloud.order("late").placed("2011-02-02T12:00:00Z").line("MUG", 1, "600.00");
    late.send().await.expect(201);
    let filed = store.account(&domain::id::AccountId::parse("acme").unwrap(), store::Consistency::Strong).await;
    assert!(filed.unwrap().unwrap().due.unwrap().day >= today.unwrap());
    walk_daily(&cloud, "acme", "2011-03-04", "2011-03-06").await;
    let found = walked(&cloud, "acme").await;
    assert!(found.contains(&("discount.expired".to_owned(), "2011-03-04".to_owned())), "{found:?}");
    cloud.audit().await;
}

#[tokio::test]
async fn each_walk_leaves_the_work_of_the_other() {
    let cloud = Cloud::with(with_reviews).await;
    cloud.order("o-1").line("MUG", 1, "1200.00").send().await.expect(201);
    // Both have something to say by now: the discount has ended, and the tier is at risk.
    cloud.set_clock("2011-05-01T02:00:00Z");
    let run =
        async |machine, day| drop(cloud.local().execute(machine, json!({"task": "plan", "day": day})).await.unwrap());
    run("ExpirySweep", "2011-03-24").await;
    cloud.set_clock("2011-05-02T02:00:00Z");
    run("ExpirySweep", "2011-05-01").await;
    assert_eq!(walked(&cloud, "acme").await, pairs(&[("discount.expired", "2011-03-31")]));
    run("ReviewSweep", "2011-05-02").await;
    let found = walked(&cloud, "acme").await.split_off(1);
    assert_eq!(found, pairs(&[("tier.at_risk", "2011-05-02")]));
}

#[tokio::test]
async fn who_has_left_is_not_warned_and_still_loses_what_ends() {
    let cloud = Cloud::with(with_reviews).await;
    cloud.order("o-1").line("MUG", 1, "1200.00").send().await.expect(201);
    cloud.account("acme").put(json!({"name": "Acme", "status": "closed"})).await.expect(200);
    walk_daily(&cloud, "acme", "2011-03-02", "2011-05-20").await;
    let found = walked(&cloud, "acme").await;
    assert_eq!(found, pairs(&[("discount.expired", "2011-03-31"), ("tier.lowered", "2011-05-10")]));
}

#[tokio::test]
async fn who_manages_an_account_is_named_however_many_people_it_has() {
    let cloud = Cloud::with(with_reviews).await;
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    for n in 0..101 {
        acme.put_contact(&format!("buyer-{n}"), json!({"name": "Bob", "role": "buyer", "locale": "en"}))
            .await
            .expect(201);
    }
    acme.put_contact("manager", json!({"name": "Ann", "role": "admin", "locale": "en"})).await.expect(201);
    cloud.order("o-1").line("MUG", 1, "1200.00").send().await.expect(201);
    walk_daily(&cloud, "acme", "2011-03-24", "2011-03-24").await;
    let entry = acme.history().await.into_iter().next().unwrap();
    assert_eq!(entry["changes"][0]["type"], "discount.expiring");
    assert_eq!(entry["changes"][0]["contact_id"], "manager");
}

#[tokio::test]
async fn a_discount_that_is_given_back_is_warned_of_by_no_lead_twice() {
    let cloud = Cloud::with(with_reviews).await;
    let first = cloud.order("o-1").line("MUG", 1, "600.00").send().await.expect(201).json();
    let code = first["discounts_issued"][0]["code"].clone();
    walk_daily(&cloud, "acme", "2011-03-02", "2011-03-25").await;
    assert_eq!(walked(&cloud, "acme").await, pairs(&[("discount.expiring", "2011-03-24")]));
    let use_it = cloud.order("o-2").line("MUG", 1, "20.00");
    let unused = use_it.clone().set("revision", json!(1));
    use_it.set("discount_codes", json!([code])).send().await.expect(201);
    cloud.put("/v1/orders/shop/o-2", &unused.document()).await.expect(200);
    walk_daily(&cloud, "acme", "2011-03-25", "2011-04-02").await;
    let found = walked(&cloud, "acme").await.split_off(1);
    assert_eq!(found, pairs(&[("discount.expiring", "2011-03-30"), ("discount.expired", "2011-03-31")]));
    cloud.audit().await;
}

#[tokio::test]
async fn the_schedules_of_the_template_run_the_machines() {
    let cloud = Cloud::with(|program| program["discounts"][0]["validity_days"] = json!(1)).await;
    cloud.order("o-1").line("MUG", 1, "1200.00").send().await.expect(201);
    cloud.set_clock("2011-03-03T01:20:00Z");
    let fire = async |since, until| cloud.local().fire(at(since), at(until)).await;
    fire("2011-03-03T00:00:00Z", "2011-03-03T01:14:59Z").await;
    assert_eq!(walked(&cloud, "acme").await, []);
    fire("2011-03-03T01:14:59Z", "2011-03-03T01:15:00Z").await;
    assert_eq!(walked(&cloud, "acme").await, pairs(&[("discount.expired", "2011-03-02")]));
    let open = async |walk| cloud.app().store().first_open_day(walk).await.unwrap();
    // A machine that slept over a week runs once: the days it walked now are closed by the next run.
    fire("2011-03-03T01:15:00Z", "2011-03-10T02:00:00Z").await;
    assert_eq!(
        (open(Walk::Expiry).await, open(Walk::Review).await),
        (Day::parse("2011-03-03"), Day::parse("2011-03-01"))
    );
}

#[tokio::test]
async fn what_will_fall_due_is_told_by_kind_before_it_does() {
    let cloud = Cloud::with(|program| {
        with_reviews(program);
        program["points"]["validity_months"] = json!(2);
    })
    .await;
    for n in 0..3 {
        cloud.order(&format!("o-{n}")).account(&format!("a-{n}")).line("MUG", 1, "1200.00").send().await.expect(201);
    }
    cloud.order("small").account("small").line("MUG", 1, "20.00").send().await.expect(201);
    let forecast = async |day| local::due::forecast(cloud.app(), Day::parse(day).unwrap(), cloud.now()).await.unwrap();
    assert_eq!(forecast("2011-03-23").await, domain::forecast::Forecast::default());
    let april = forecast("2011-04-30").await;
    assert_eq!((april.accounts, april.discounts_expired, april.tiers_lowered), (3, 3, 0));
    assert_eq!((april.discount_expiring_warnings, april.tier_at_risk_warnings), (6, 3));
    assert_eq!(april.tier_at_risk_missing.unwrap().to_string(), "3000.00 GBP");
    let all = forecast("2011-06-01").await;
    assert_eq!((all.accounts, all.tiers_lowered, all.tiers_kept), (4, 3, 0));
    assert_eq!((all.points_expired.count, all.points_expired.points.0), (4, 3 * 1_200 + 20));
    assert_eq!(all.points_expiring_warnings, all.points_expired);
    // What is written down is no longer due.
    cloud.set_clock("2011-06-02T02:00:00Z");
    sweep_days(&cloud, &["2011-03-24"]).await;
    let swept = cloud.sweep(Some("2011-05-01")).await;
    assert_eq!(swept[0].counts, Counts { walked: 1, written: 1, set_aside: 0 });
    assert_eq!(forecast("2011-06-02").await, domain::forecast::Forecast::default());
}

#[tokio::test]
async fn what_a_version_to_come_asks_for_is_told_before_and_no_audit_misses_it() {
    let short = |program: &mut Value| program["points"]["validity_months"] = json!(2);
    let cloud = Cloud::with(short).await;
    cloud.order("o-1").line("MUG", 1, "20.00").send().await.expect(201);
    let mut warning: Value = serde_json::from_str(tests::WHOLESALE).unwrap();
    short(&mut warning);
    with_reviews(&mut warning);
    cloud.activate_from(warning, "2011-04-15T00:00:00Z").await;
    let forecast = async || {
        let day = Day::parse("2011-05-15").unwrap();
        let found = local::due::forecast(cloud.app(), day, cloud.now()).await.unwrap();
        (found.accounts, found.points_expiring_warnings.count, found.points_expired.count)
    };
    let audit = async || local::audit::run(cloud.app(), cloud.now()).await.unwrap().findings;
    // Before it is in force, before and after the account is filed for it.
    for now in ["2011-04-14T12:00:00Z", "2011-04-15T00:30:00Z", "2011-04-15T01:15:00Z"] {
        cloud.set_clock(now);
        assert_eq!(forecast().await, (1, 1, 0), "{now}");
        assert!(audit().await.is_empty());
        cloud.sweep(None).await;
    }
    // The plan after the one that filed them notes that all are.
    cloud.sweep(None).await;
    for walk in Walk::ALL {
        assert_eq!(cloud.app().store().filed_activation(walk).await.unwrap(), Some(2), "{}", walk.name());
    }
    assert_eq!(forecast().await, (1, 1, 0));
    assert!(audit().await.is_empty());
}

#[tokio::test]
async fn a_version_that_changes_the_metrics_alone_files_nothing_anew() {
    let cloud = Cloud::start().await;
    cloud.order("o-1").line("MUG", 1, "1200.00").send().await.expect(201);
    let mut document: Value = serde_json::from_str(tests::WHOLESALE).unwrap();
    // The first changes the metrics. The second brings in reviews, and gives way to the third within the hour.
    for (point_value, reviews, from) in [
        ("0.02", false, "2011-03-02T00:00:00Z"),
        ("0.02", true, "2011-03-03T00:00:00Z"),
        ("0.03", true, "2011-03-03T00:30:00Z"),
    ] {
        document["metrics"]["point_value"] = json!(point_value);
        if reviews {
            with_reviews(&mut document);
        }
        cloud.activate_from(document.clone(), from).await;
    }
    for (now, version, files) in [("2011-03-02T02:00:00Z", 2, 0), ("2011-03-03T02:00:00Z", 4, 16)] {
        cloud.set_clock(now);
        for walk in Walk::ALL {
            let plan = runtime::walker::handle(cloud.app(), walk, json!({"task": "plan"})).await.unwrap();
            assert_eq!(crate::walker::tasks(&plan).filter(|task| task["task"] == "file").count(), files, "{now}");
            let filed = cloud.app().store().filed_activation(walk).await.unwrap();
            assert_eq!(filed, Some(if files == 0 { version } else { 2 }), "{now}");
        }
    }
}
