//! Occasions over HTTP and on walks: each once, in its time, and told in words.

use crate::walker::shard_of;
use domain::account::Account;
use domain::id::AccountId;
use domain::time::{Day, Instant};
use domain::warning::Walk;
use local::due::forecast;
use local::simulate::{self, Asked};
use serde_json::{Value, json};
use store::Consistency;
use tests::{Cloud, WHOLESALE, at};

fn discount(id: &str, percent: &str) -> Value {
    json!({"id": id, "name": "For you", "percent": percent, "validity_days": 14})
}

fn occasions() -> Value {
    json!([
        {"id": "welcome", "name": "Welcome!", "on": "welcome", "give": {"points": 100}},
        {"id": "birthday", "name": "Happy birthday!", "on": "birthday", "contacts_per_year": 2,
         "give": {"points": 50, "discount": discount("cake", "5")}},
        {"id": "years", "name": "Thank you for the years with us", "on": "anniversary", "give": {"points": 500}},
        {"id": "christmas", "name": "Season's greetings", "on": "date", "dates": ["12-06"],
         "give": {"discount": discount("christmas", "10")}},
        {"id": "second", "name": "Your second order", "on": "nth_order", "orders": [2], "give": {"points": 25}},
        {"id": "back", "name": "We miss you", "on": "inactivity", "days": 90, "give": {"points": 10}},
    ])
}

fn wholesale(occasions: &Value) -> Value {
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    document["occasions"] = occasions.clone();
    document
}

/// `acme`, enrolled at noon of 1 March 2011, and ann, born on a leap day.
async fn start() -> (Cloud, tests::Account) {
    let cloud = Cloud::with_program(wholesale(&occasions())).await;
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    acme.put_contact("ann", person(Some("1964-02-29"))).await.expect(201);
    (cloud, acme)
}

fn person(birthday: Option<&str>) -> Value {
    let mut person = json!({"name": "Ann", "role": "buyer", "locale": "en"});
    if let Some(birthday) = birthday {
        person["birthday"] = json!(birthday);
    }
    person
}

async fn stored(cloud: &Cloud) -> Account {
    let id = AccountId::parse("acme").unwrap();
    cloud.app().store().account(&id, Consistency::Strong).await.unwrap().unwrap()
}

/// One invocation of each walk over the shard that `acme` is filed under, if it is due.
async fn walk(cloud: &Cloud) {
    for walk in Walk::ALL {
        // The walk before may have filed it under today.
        let Some(due) = stored(cloud).await.due.filter(|due| due.at <= cloud.now()) else { return };
        let task = json!({"task": "walk", "day": due.day.to_string(), "shard": shard_of("acme")});
        cloud.local().invoke(walk.function(), task).await.unwrap();
    }
}

/// Walks whenever something is due, until an instant, two hours after it is.
async fn walk_until(cloud: &Cloud, until: &str) {
    while let Some(due) = stored(cloud).await.due.filter(|due| due.at < at(until)) {
        cloud.set_instant(due.at.max(cloud.now()).plus_ms(2 * 3_600_000));
        walk(cloud).await;
        let left = stored(cloud).await.due;
        assert!(left.is_none_or(|left| left.at > due.at), "it stays filed for {left:?}");
    }
    cloud.set_clock(until);
}

/// What was given: by which rule, when, and how many points; the oldest first.
async fn given(cloud: &Cloud) -> Vec<(String, String, i64)> {
    let mut given = Vec::new();
    for entry in cloud.account("acme").history().await.into_iter().rev() {
        let changes = entry["changes"].as_array().unwrap();
        for change in changes.iter().filter(|change| change["type"] == "occasion.given") {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            given.push((text(&change["occasion"]), text(&entry["at"]), change["points"].as_i64().unwrap()));
        }
    }
    given
}

fn rows(expected: &[(&str, &str, i64)]) -> Vec<(String, String, i64)> {
    expected.iter().map(|(rule, at, points)| ((*rule).to_owned(), (*at).to_owned(), *points)).collect()
}

#[tokio::test]
async fn two_years_of_an_account_with_every_occasion_there_is() {
    let (cloud, acme) = start().await;
    assert_eq!(acme.standing().await.expect(200)["points"]["balance"], 100);
    let receipt = cloud.order("o-1").placed("2011-03-01T12:00:00Z").line("MUG", 1, "100.00").send().await.expect(201);
    assert_eq!((receipt.number("points"), receipt.number("balance")), (100, 200));
    cloud.set_clock("2011-03-05T12:00:00Z");
    let second = cloud.order("o-2").placed("2011-03-05T12:00:00Z").line("MUG", 1, "10.00");
    let tried = second.tried("").await.expect(201);
    let receipt = second.send().await.expect(201);
    assert_eq!((receipt.number("points"), receipt.number("balance")), (10, 235));
    let mut reasons = receipt["reasons"].as_array().unwrap().iter();
    let told = reasons.find(|reason| reason["id"] == "occasion.given").unwrap();
    let text = "Your second order: 25 points.";
    assert_eq!(*told, json!({"id": "occasion.given", "rule": "second", "fired": true, "points": 25, "text": text}));
    assert_eq!(tried.body(), receipt.body(), "a dry run says so, too");
    assert_eq!(second.send().await.expect(200).body(), receipt.body());
    assert_eq!(second.score().await.expect(200).json(), receipt.json());
    let foreseen = forecast(cloud.app(), Day::parse("2012-03-10").unwrap(), cloud.now()).await.unwrap();
    assert_eq!((foreseen.occasions_given.count, foreseen.occasions_given.points.0), (3, 510), "but birthdays");
    walk_until(&cloud, "2013-03-02T00:00:00Z").await;
    let expected = rows(&[
        ("welcome", "2011-03-01T12:00:00Z", 100),
        ("second", "2011-03-05T12:00:00Z", 25),
        ("back", "2011-06-03T01:00:00Z", 10), // since 5 March, by days of London
        ("christmas", "2011-12-06T02:00:00Z", 0),
        ("birthday", "2012-02-29T02:00:00Z", 50),
        ("years", "2012-03-01T02:00:00Z", 500),
        ("christmas", "2012-12-06T02:00:00Z", 0),
        ("birthday", "2013-02-28T02:00:00Z", 50),
        ("years", "2013-03-01T02:00:00Z", 500),
    ]);
    assert_eq!(given(&cloud).await, expected);
    let history = acme.history().await;
    let texts: Vec<_> = history.iter().map(|entry| entry["text"].as_str().unwrap()).collect();
    let said = |part: &str| texts.iter().filter(|text| text.contains(part)).count();
    assert_eq!(said("Happy birthday: 50 points were given. They can be spent until 2014-02-28."), 1, "{texts:#?}");
    assert_eq!(said("Season's greetings. Discount "), 2);
    // What it was given is used like any other.
    let standing = acme.standing().await.expect(200);
    let cake = &standing["discounts"][0];
    assert_eq!((&cake["rule"], &cake["percent"]), (&json!("cake"), &json!("5")));
    let third = cloud.order("o-3").placed("2013-03-02T00:00:00Z").line("MUG", 1, "9.50");
    third.code(cake["code"].as_str().unwrap()).send().await.expect(201);
    cloud.audit().await;
    let shown = local::show::account(cloud.app(), &AccountId::parse("acme").unwrap(), 30).await.unwrap();
    for part in ["occasions over       up to 2013-03-01", "the next on 2014-02-28", "up to that of 2013", "1 of 2013"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(shown.contains("occasion birthday/birthday/2013-02-28/ann, 50 points, end at"), "{shown}");
    let draft = || wholesale(&occasions());
    let simulated = simulate::run(cloud.app(), Asked { draft: draft(), as_of: None, workers: 2 }, |_, _| ()).await;
    let report = simulated.unwrap().report;
    assert_eq!((report.not_reproduced, report.total.in_force.figures), (0, report.total.draft.figures));
}

#[tokio::test]
async fn walkers_at_once_and_contacts_that_change_meanwhile_give_it_once() {
    let (cloud, acme) = start().await;
    cloud.set_clock("2012-02-28T23:00:00Z");
    walk(&cloud).await;
    cloud.set_clock("2012-02-29T00:00:01Z");
    let task = json!({"task": "walk", "day": "2012-02-29", "shard": shard_of("acme")});
    let walking = || cloud.local().invoke("account-review", task.clone());
    let renamed =
        acme.put_contact("ann", json!({"name": "Anna", "role": "buyer", "locale": "en", "birthday": "1964-02-29"}));
    let (walks, renamed) = tokio::join!(async { tokio::join!(walking(), walking(), walking(), walking()) }, renamed);
    renamed.expect(200);
    for walked in [walks.0, walks.1, walks.2, walks.3] {
        walked.unwrap();
    }
    walk(&cloud).await;
    let birthdays = given(&cloud).await.into_iter().filter(|(rule, ..)| rule == "birthday").count();
    assert_eq!(birthdays, 1);
    // Stated anew as of tomorrow: it has had its birthday of this year.
    acme.put_contact("ann", person(Some("1964-03-01"))).await.expect(200);
    acme.put_contact("ben", person(Some("1964-03-01"))).await.expect(201);
    cloud.set_clock("2012-03-01T00:00:01Z");
    walk(&cloud).await;
    let told = given(&cloud).await;
    assert_eq!(told.iter().filter(|(rule, ..)| rule == "birthday").count(), 2, "ben's: {told:?}");
    assert_eq!(told.last().unwrap().0, "birthday", "a birthday is given after what the day brings: {told:?}");
    cloud.audit().await;
}

#[tokio::test]
async fn a_version_with_new_occasions_finds_accounts_that_order_nothing() {
    let cloud = Cloud::with_program(wholesale(&json!([]))).await;
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    acme.put_contact("ann", person(Some("1964-03-20"))).await.expect(201);
    assert_eq!(stored(&cloud).await.due, None);
    cloud.activate_from(wholesale(&occasions()), "2011-03-10T00:00:00Z").await;
    cloud.set_clock("2011-03-10T02:00:00Z");
    cloud.sweep(None).await;
    let next = stored(&cloud).await.due.unwrap().at;
    assert_eq!(next, at("2011-03-20T00:00:00Z"), "its people were looked at");
    walk_until(&cloud, "2011-03-21T00:00:00Z").await;
    assert_eq!(given(&cloud).await, rows(&[("birthday", "2011-03-20T02:00:00Z", 50)]), "and nobody is welcomed late");
    cloud.audit().await;
}

#[tokio::test]
async fn an_order_costs_what_it_costs_without_occasions() {
    let (cloud, acme) = start().await;
    if !cloud.is_embedded() {
        return;
    }
    let order = |n: u32, now: Instant| {
        cloud.set_instant(now);
        cloud.order(&format!("o-{n}")).placed(&now.to_string()).lines(20)
    };
    for n in 1..=2 {
        order(n, at("2011-03-02T12:00:00Z").plus_ms(i64::from(n))).send().await.expect(201);
    }
    let (reply, cost) = cloud.units(order(3, at("2011-03-09T12:00:00Z")).send()).await;
    reply.expect(201);
    assert_eq!((cost.read_halves, cost.write_halves), (1, 12), "the silence it breaks moves no filing");
    assert_eq!(acme.standing().await.expect(200)["orders"], 3);
}

#[tokio::test]
async fn a_version_whose_occasions_make_no_sense_is_refused_with_every_reason() {
    let cloud = Cloud::start().await;
    let document = wholesale(&json!([
        {"id": "a", "name": "A", "on": "welcome", "tiers": ["gold"], "give": {"points": 1}},
        {"id": "b", "name": "B", "on": "birthday", "tiers": ["diamond"], "give": {}},
    ]));
    let refused = cloud.request("POST", "/v1/program/versions", document.to_string()).await;
    let expected = ["$.occasions[0].tiers", "$.occasions[1].tiers[0]", "$.occasions[1].give"];
    assert_eq!(refused.fault_paths(), expected);
    let faulty = wholesale(&json!([
        {"id": "a", "name": "A", "on": "date", "dates": ["02-30"], "give": {"points": 1}},
        {"id": "a", "name": "B", "on": "nth_order", "days": 3, "give": {"points": -1}},
    ]));
    let refused = cloud.request("POST", "/v1/program/versions", faulty.to_string()).await;
    let mut paths = refused.fault_paths();
    paths.sort();
    let expected =
        ["$.occasions[0].dates[0]", "$.occasions[1].days", "$.occasions[1].give.points", "$.occasions[1].orders"];
    assert_eq!(paths, expected);
}

#[tokio::test]
async fn the_rules_in_force_are_shown_with_what_they_give() {
    let cloud = Cloud::with_program(wholesale(&occasions())).await;
    let shown = local::program::show(cloud.app(), cloud.now()).await.unwrap();
    for line in [
        "  welcome: Welcome!, welcome, for all: 100 points",
        "  birthday: Happy birthday!, birthdays of 2 contacts a year, for all: 50 points and 5 % for 14 days (cake)",
        "  years: Thank you for the years with us, every anniversary, for all: 500 points",
        "  christmas: Season's greetings, on 12-06, for all: 10 % for 14 days (christmas)",
        "  second: Your second order, order 2, for all: 25 points",
        "  back: We miss you, 90 days without an order, for all: 10 points",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} in {shown}");
    }
}
