//! Versions of the program: stored, compared, put in force, and which order is treated under which.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::warning::Walk;
use local::cloud::Storage;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use tests::network::Network;
use tests::{Cloud, Reply, WHOLESALE, skips_concurrency};

const VERSIONS: &str = "/v1/program/versions";
const ACTIVE: &str = "/v1/program/active";

fn wholesale() -> Value {
    serde_json::from_str(WHOLESALE).unwrap()
}

/// The sample program with so many points per pound.
fn generous(points: u64) -> Value {
    let mut document = wholesale();
    document["earning_rules"][0]["points"] = json!(points);
    document
}

async fn post(cloud: &Cloud, document: &Value) -> Reply {
    cloud.request("POST", VERSIONS, document.to_string()).await
}

async fn put(cloud: &Cloud, version: u64) -> Reply {
    cloud.put(ACTIVE, &json!({"version": version})).await
}

async fn put_from(cloud: &Cloud, version: u64, from: &str) -> Reply {
    cloud.put(ACTIVE, &json!({"version": version, "from": from})).await
}

#[tokio::test]
async fn a_version_is_stored_first_and_in_force_when_it_is_asked_for() {
    let cloud = Cloud::start().await;
    let before = cloud.order("before").line("MUG", 2, "50.00");
    before.send().await.expect(201);
    let stored = post(&cloud, &generous(3)).await.expect(201);
    let expected =
        json!({"program": "wholesale", "version": 2, "created_at": "2011-03-01T12:00:00Z", "created_by": "operator"});
    assert_eq!((stored.json(), stored.header("location")), (expected.clone(), Some("/v1/program/versions/2")));
    let mut shown = expected;
    (shown["activations"], shown["document"]) = (json!([]), generous(3));
    assert_eq!(cloud.get(stored.header("location").unwrap()).await.expect(200).json(), shown);
    let always = json!({"version": 1, "from": null});
    let plan = async || cloud.get(ACTIVE).await.expect(200).json();
    assert_eq!(plan().await, json!({"program": "wholesale", "in_force": always, "to_come": []}));

    let soon = json!({"version": 2, "from": "2011-03-01T12:02:00Z"});
    let active = put(&cloud, 2).await.expect(200);
    assert_eq!(active.json(), json!({"program": "wholesale", "version": 2, "from": "2011-03-01T12:02:00Z"}));
    assert_eq!(plan().await, json!({"program": "wholesale", "in_force": always, "to_come": [soon]}));
    cloud.minute_passes().await;
    cloud.set_clock("2011-03-01T12:02:00Z");
    assert_eq!(plan().await, json!({"program": "wholesale", "in_force": soon, "to_come": []}));
    let points = async |id: &str, placed: &str| {
        let scored = cloud.order(id).placed(placed).line("MUG", 2, "50.00").send().await.expect(201);
        (scored.number("points"), scored["program_version"].as_u64().unwrap())
    };
    assert_eq!(points("late", "2011-03-01T12:01:59Z").await, (100, 1));
    assert_eq!(points("new", "2011-03-01T12:02:00Z").await, (300, 2));
    // What came before is returned under the version that it was scored under.
    let back = before.returned("r-1").units("1", 1).send().await.expect(201);
    assert_eq!(back.number("points_reversed"), 50);
    let shown = cloud.get("/v1/program/versions/1").await.expect(200);
    assert_eq!(shown["activations"], json!([{"from": null, "until": "2011-03-01T12:02:00Z"}]));
    cloud.audit().await;
}

#[tokio::test]
async fn the_same_again_writes_nothing_and_is_answered_the_same() {
    let cloud = Cloud::start().await;
    let keyed = async |key: &str, document: &Value| cloud.request_keyed(VERSIONS, key, document).await;
    let first = keyed("k-1", &generous(2)).await.expect(201);
    keyed("k-2", &generous(3)).await.expect(201);
    let active = put(&cloud, 2).await.expect(200);
    let later = put_from(&cloud, 3, "2012-01-01T00:00:00Z").await.expect(200);
    let before = cloud.programs().await;
    for clock in ["2011-03-01T12:00:01Z", "2011-06-01T12:00:00Z", "2012-06-01T12:00:00Z"] {
        cloud.set_clock(clock);
        for (again, expected) in [
            (keyed("k-1", &generous(2)).await.expect(200), &first),
            (put_from(&cloud, 2, "2011-03-01T12:02:00Z").await.expect(200), &active),
            (put_from(&cloud, 3, "2012-01-01T00:00:00Z").await.expect(200), &later),
        ] {
            assert_eq!((again.body(), again.header("idempotent-replayed")), (expected.body(), Some("true")), "{clock}");
        }
        // The newest is known without a key, however it is spelt.
        let spelt = serde_json::to_string_pretty(&generous(3)).unwrap();
        let newest = cloud.request("POST", VERSIONS, spelt).await.expect(200);
        assert_eq!((newest.number("version"), newest.header("location")), (3, Some("/v1/program/versions/3")));
        keyed("k-1", &generous(4)).await.expect_problem(409, "idempotency-key-reused");
        keyed(&"k".repeat(256), &generous(4)).await.expect_problem(400, "invalid-parameter");
    }
    assert_eq!(cloud.programs().await, before);
    // An older one is new again.
    assert_eq!(post(&cloud, &wholesale()).await.expect(201).number("version"), 4);
}

#[tokio::test]
async fn what_is_wrong_with_a_document_is_told_at_once_and_nothing_is_stored() {
    let cloud = Cloud::start().await;
    let before = cloud.programs().await;
    let mut faulty = wholesale();
    faulty["name"] = json!("retail");
    faulty["points"]["validity_months"] = json!(0);
    faulty["warnings"] = json!({"tier_at_risk_days": [7]});
    let again = faulty["discounts"][0].clone();
    faulty["discounts"].as_array_mut().unwrap().push(again);
    faulty["discounts"][1]["id"] = json!("again");
    let refused = post(&cloud, &faulty).await.expect_problem(422, "invalid-document");
    let expected = ["$.points.validity_months", "$.name", "$.discounts[1]", "$.warnings.tier_at_risk_days"];
    assert_eq!(refused.fault_paths(), expected);
    let reason = refused["faults"][2]["message"].as_str().unwrap();
    assert_eq!(reason, "has the terms of next-purchase, listed before it: minimum, percent and validity");
    cloud.request("POST", VERSIONS, "{").await.expect_problem(400, "not-json");
    for (body, paths) in
        [(json!({}), vec!["$.version"]), (json!({"version": 0, "from": "now"}), vec!["$.version", "$.from"])]
    {
        let refused = cloud.put(ACTIVE, &body).await.expect_problem(422, "invalid-document");
        assert_eq!(refused.fault_paths(), paths);
    }
    for (version, from, status, kind) in [
        (7, None, 404, "unknown-version"),
        (1, Some("2011-03-01T12:01:59.999Z"), 422, "too-early"),
        (1, Some("1999-01-01T00:00:00Z"), 422, "too-early"),
    ] {
        cloud.activate_from(generous(9), "2030-01-01T00:00:00Z").await;
        let before = cloud.programs().await;
        let document = json!({"version": version, "from": from});
        let refused = cloud.put(ACTIVE, &document).await.expect_problem(status, kind);
        if kind == "too-early" {
            assert_eq!(refused.fault_paths(), ["$.from"]);
            assert!(refused["detail"].as_str().unwrap().contains("2011-03-01T12:02:00Z"), "{}", refused.json());
        }
        assert_eq!(cloud.programs().await, before);
    }
    for path in ["7", "0", "01x", "+1", "4294967296"] {
        let status = cloud.get(&format!("{VERSIONS}/{path}")).await.status();
        assert_eq!(status, if path == "7" { 404 } else { 400 }, "{path}");
    }
    assert_ne!(cloud.programs().await, before);
}

#[tokio::test]
async fn no_version_takes_away_what_accounts_hold() {
    let cloud = Cloud::start().await;
    let mut short = wholesale();
    short["tiers"]["levels"].as_array_mut().unwrap().pop();
    let mut euros = wholesale();
    euros["currency"] = json!("EUR");
    for (version, document, path) in [(2, &short, "$.tiers.levels"), (3, &euros, "$.currency")] {
        post(&cloud, document).await.expect(201);
        let before = cloud.programs().await;
        let refused = put(&cloud, version).await.expect_problem(409, "cannot-follow");
        assert_eq!(refused.fault_paths(), [path]);
        assert_eq!(cloud.programs().await, before);
    }
}

#[tokio::test]
async fn a_version_may_come_back_and_one_to_come_be_called_off() {
    let cloud = Cloud::start().await;
    post(&cloud, &generous(2)).await.expect(201);
    put(&cloud, 2).await.expect(200);
    put_from(&cloud, 1, "2011-03-02T00:00:00Z").await.expect(200);
    put_from(&cloud, 2, "2011-03-03T00:00:00Z").await.expect(200);
    // Called off.
    put_from(&cloud, 1, "2011-03-03T00:00:00Z").await.expect(200);
    cloud.minute_passes().await;
    for (clock, version, points) in [
        ("2011-03-01T12:01:59Z", 1, 10),
        ("2011-03-01T12:02:00Z", 2, 20),
        ("2011-03-02T00:00:00Z", 1, 10),
        ("2011-03-04T00:00:00Z", 1, 10),
    ] {
        cloud.set_clock(clock);
        let scored = cloud.order(&clock.replace([':', 'T'], "-")).placed(clock).line("MUG", 1, "10.00").send().await;
        let scored = scored.expect(201);
        assert_eq!((scored.number("points"), scored.number("program_version")), (points, version), "{clock}");
    }
    let second = cloud.get("/v1/program/versions/2").await.expect(200);
    assert_eq!(second["activations"], json!([{"from": "2011-03-01T12:02:00Z", "until": "2011-03-02T00:00:00Z"}]));
    // Every account is filed for the version that is back as for one that is new.
    cloud.set_clock("2011-03-05T02:00:00Z");
    for _ in 0..2 {
        cloud.sweep(None).await;
    }
    for walk in Walk::ALL {
        assert_eq!(cloud.app().store().filed_activation(walk).await.unwrap(), Some(5), "{}", walk.name());
    }
    cloud.audit().await;
}

#[tokio::test]
async fn the_first_version_of_a_deployment_comes_over_http_as_well() {
    let network = Network::new();
    let storage = Storage::Endpoint { client: network.client(), prefix: String::new() };
    let cloud = Cloud::open(storage, Some(network)).await;
    assert_eq!(cloud.get(ACTIVE).await.expect(200).json(), json!({"program": "wholesale", "to_come": []}));
    assert_eq!(cloud.get(VERSIONS).await.expect(200).json(), json!({"versions": []}));
    put(&cloud, 1).await.expect_problem(404, "unknown-version");
    post(&cloud, &wholesale()).await.expect(201);
    cloud.order("o-1").line("MUG", 1, "10.00").send().await.expect(500);
    for replayed in [None, Some("true")] {
        let active = put_from(&cloud, 1, "2030-01-01T00:00:00Z").await.expect(200);
        assert_eq!(active.json(), json!({"program": "wholesale", "version": 1, "from": null}));
        assert_eq!(active.header("idempotent-replayed"), replayed);
    }
    let old = cloud.order("o-1").placed("1990-01-01T00:00:00Z").line("MUG", 1, "10.00").send().await.expect(201);
    assert_eq!(old["program_version"], 1);
}

#[tokio::test]
async fn versions_are_listed_newest_first_in_pages() {
    let cloud = Cloud::start().await;
    for points in 2..=7 {
        post(&cloud, &generous(points)).await.expect(201);
    }
    put(&cloud, 4).await.expect(200);
    for limit in [1, 2, 3, 6, 7, 8] {
        let (mut numbers, mut query) = (Vec::new(), format!("?limit={limit}"));
        loop {
            let page = cloud.get(&format!("{VERSIONS}{query}")).await.expect(200).json();
            let versions = page["versions"].as_array().unwrap();
            assert!(!versions.is_empty() && versions.len() <= limit);
            numbers.extend(versions.iter().map(|version| version["version"].as_u64().unwrap()));
            match page["next_cursor"].as_str() {
                Some(cursor) => query = format!("?limit={limit}&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(numbers, [7, 6, 5, 4, 3, 2, 1], "{limit}");
    }
    let page = cloud.get(&format!("{VERSIONS}?limit=4")).await.expect(200);
    let soon = "2011-03-01T12:02:00Z";
    assert_eq!(page["versions"][3]["activations"], json!([{"from": soon}]));
    assert_eq!(
        page["versions"][0].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["activations", "created_at", "created_by", "program", "version",]
    );
    for query in ["?limit=0", "?limit=101", "?cursor=x"] {
        cloud.get(&format!("{VERSIONS}{query}")).await.expect_problem(400, "invalid-parameter");
    }
    for route in [ACTIVE, "/v1/program/versions/1", "/v1/program/versions/1/diff/2"] {
        cloud.get(route).await.expect(200);
        cloud.get(&format!("{route}?at=2030-01-01T00:00:00Z")).await.expect_problem(400, "invalid-parameter");
    }
}

#[tokio::test]
async fn two_versions_are_compared_path_by_path() {
    let cloud = Cloud::start().await;
    let mut document = generous(2);
    document["tiers"]["levels"][2]["threshold"] = json!("6000.00");
    document["points"].as_object_mut().unwrap().remove("pending_days");
    document["warnings"] = json!({"points_expiring_days": [30]});
    post(&cloud, &document).await.expect(201);
    let expected = json!({
        "program": "wholesale", "from": 1, "to": 2,
        "added": [{"path": "$.warnings", "value": {"points_expiring_days": [30]}}],
        // Without `pending_days` it is 0, as before: that is no difference.
        "removed": [],
        "changed": [
            {"path": "$.earning_rules[\"base\"].points", "before": 1, "after": 2},
            {"path": "$.tiers.levels[\"gold\"].threshold", "before": "5000.00", "after": "6000.00"},
        ],
    });
    assert_eq!(cloud.get(&format!("{VERSIONS}/1/diff/2")).await.expect(200).json(), expected);
    let same = cloud.get(&format!("{VERSIONS}/2/diff/2")).await.expect(200).json();
    assert_eq!(same, json!({"program": "wholesale", "from": 2, "to": 2, "added": [], "removed": [], "changed": []}));
    for (first, second) in [(1, 3), (3, 1)] {
        cloud.get(&format!("{VERSIONS}/{first}/diff/{second}")).await.expect_problem(404, "unknown-version");
    }
}

#[tokio::test]
async fn of_many_at_once_each_has_a_number_and_an_activation_of_its_own() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let many = async |documents: Vec<Value>| {
        let send = |document: Value| {
            let cloud = cloud.clone();
            tokio::spawn(async move { post(&cloud, &document).await })
        };
        let sent: Vec<_> = documents.into_iter().map(send).collect();
        let mut replies = Vec::new();
        for reply in sent {
            replies.push(reply.await.unwrap());
        }
        replies
    };
    let numbers = |replies: &[Reply]| replies.iter().map(|reply| reply.number("version")).collect::<BTreeSet<_>>();
    let same = many(vec![generous(2); 6]).await;
    assert_eq!(numbers(&same), BTreeSet::from([2]));
    assert_eq!(same.iter().filter(|reply| reply.status() == 201).count(), 1);
    let others = many((3..9).map(generous).collect()).await;
    assert_eq!(numbers(&others), (3..9).collect());

    let mut sent = Vec::new();
    for version in [2, 2, 2, 3, 3, 4] {
        let cloud = cloud.clone();
        sent.push(tokio::spawn(async move { put(&cloud, version).await.expect(200) }));
    }
    for reply in sent {
        assert_eq!(reply.await.unwrap()["from"], "2011-03-01T12:02:00Z");
    }
    // Whichever was last: all wanted the same instant, and one has it.
    let plan = cloud.get(ACTIVE).await.expect(200);
    assert_eq!(plan["to_come"].as_array().unwrap().len(), 1);
    let last = u64::try_from(plan["to_come"][0]["version"].as_i64().unwrap()).unwrap();
    let before = cloud.programs().await;
    put(&cloud, last).await.expect(200);
    assert_eq!(cloud.programs().await, before);
}

#[tokio::test]
async fn a_schedule_from_before_versions_were_stored_apart_is_read() {
    let network = Network::new();
    let storage = Storage::Endpoint { client: network.client(), prefix: String::new() };
    let cloud = Cloud::open(storage, Some(network)).await;
    let (client, table) = (cloud.local().client(), &cloud.app().config().tables.programs);
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let number = |value: u32| AttributeValue::N(value.to_string());
    let put_item = async |sort: &str, rest: Vec<(&str, AttributeValue)>| {
        let key = [("program", text("wholesale")), ("sk", text(sort)), ("v", number(1))];
        let item: HashMap<_, _> = key.into_iter().chain(rest).map(|(name, value)| (name.to_owned(), value)).collect();
        client.put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
    };
    // As it would be refused today: the two discounts have the same terms.
    let mut old = wholesale();
    let again = old["discounts"][0].clone();
    old["discounts"].as_array_mut().unwrap().push(again);
    old["discounts"][1]["id"] = json!("again");
    put_item("V#0000000001", vec![("document", text(&wholesale().to_string()))]).await;
    put_item("V#0000000002", vec![("document", text(&old.to_string()))]).await;
    let activation = |from: &str, version: u32| {
        AttributeValue::M([("from".to_owned(), text(from)), ("version".to_owned(), number(version))].into())
    };
    let activations = vec![activation("1970-01-01T00:00:00Z", 1), activation("2011-02-01T00:00:00Z", 2)];
    put_item("SCHEDULE", vec![("version", number(2)), ("activations", AttributeValue::L(activations))]).await;

    let scored = cloud.order("o-1").line("MUG", 1, "600.00").send().await.expect(201);
    assert_eq!((&scored["program_version"], scored["discounts_issued"].as_array().unwrap().len()), (&json!(2), 2));
    assert_eq!(post(&cloud, &old).await.expect_problem(422, "invalid-document").fault_paths(), ["$.discounts[1]"]);
    assert_eq!(post(&cloud, &generous(2)).await.expect(201).number("version"), 3);
    let shown = cloud.get(&format!("{VERSIONS}/1")).await.expect(200);
    assert_eq!((&shown["created_at"], &shown["document"]), (&json!(null), &wholesale()));
    for limit in [1, 2, 5] {
        let first = cloud.get(&format!("{VERSIONS}?limit={limit}")).await.expect(200);
        assert_eq!(first["versions"][0]["version"], 3);
        assert_eq!(first["versions"].as_array().unwrap().len(), limit.min(3));
    }
    // Back to the first of all, of which there is a copy already; then on.
    put(&cloud, 1).await.expect(200);
    put_from(&cloud, 3, "2011-04-01T00:00:00Z").await.expect(200);
    cloud.minute_passes().await;
    cloud.set_clock("2011-03-05T00:00:00Z");
    let scored = cloud.order("o-2").placed("2011-03-05T00:00:00Z").line("MUG", 1, "1.00").send().await.expect(201);
    assert_eq!(scored["program_version"], 1);
}
