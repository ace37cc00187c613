//! What functions count, as CloudWatch would show it, and what their lines of the log carry.

use crate::events::logged;
use local::cloudwatch;
use runtime::metrics::Metric;
use serde_json::{Value, json};
use tests::Cloud;
use tracing::Level;

/// What was counted since a cloud was opened.
#[derive(Debug)]
pub struct Counted(Vec<cloudwatch::Counted>);

pub fn counted(cloud: &Cloud) -> Counted {
    Counted(cloud.local().metrics().counted())
}

impl Counted {
    /// What a function counted of a metric.
    pub fn of(&self, metric: &str, function: &str) -> u64 {
        self.sum(metric, "Function", Some(function))
    }

    /// What all functions did.
    pub fn total(&self, metric: &str) -> u64 {
        self.sum(metric, "Function", None)
    }

    /// How much was refused for a reason.
    pub fn rejected(&self, reason: &str) -> u64 {
        self.sum("Rejected", "Reason", Some(reason))
    }

    fn sum(&self, metric: &str, dimension: &str, value: Option<&str>) -> u64 {
        let of = |counted: &&cloudwatch::Counted| {
            let found = counted.series.dimensions.get(dimension);
            counted.series.name == metric
                && found.is_some_and(|found| value.is_none_or(|value| found == value))
                && counted.series.dimensions["Stage"] == "dev"
        };
        self.0.iter().filter(of).map(|counted| counted.datum.sum).sum()
    }
}

#[tokio::test]
async fn orders_commands_and_points_are_counted_once_for_each_that_was_written() {
    let cloud = Cloud::start().await;
    let order = cloud.order("o-1").line("MUG", 10, "10.00");
    order.send().await.expect(201);
    order.send().await.expect(200);
    let told = counted(&cloud);
    let of = |metric| told.of(metric, "order-placed");
    assert_eq!((of("OrdersScored"), of("Commands"), of("PointsIssued")), (1, 1, 100));
    cloud.account("acme").give(7).await.expect(201);
    // What comes into being otherwise, and what is only taken back, or given back.
    order.amended(1).line("MUG", 12, "10.00").put().await.expect(200);
    order.amended(2).line("MUG", 11, "10.00").put().await.expect(200);
    order.returned("r-1").units("1", 1).send().await.expect(201);
    let told = counted(&cloud);
    assert_eq!((told.of("OrdersScored", "order-placed"), told.of("Commands", "order-placed")), (1, 3));
    assert_eq!((told.of("PointsIssued", "accounts"), told.of("PointsIssued", "order-returned")), (7, 0));
    assert_eq!(told.total("PointsIssued"), 100 + 7 + 20);
    assert_eq!(told.total("Commands"), 5);
    // What is only read is counted nowhere.
    cloud.account("acme").standing().await.expect(200);
    assert_eq!(counted(&cloud).0, told.0);
}

#[tokio::test]
async fn refusals_are_counted_by_reason_and_faults_by_function() {
    let cloud = Cloud::start().await;
    cloud.request("POST", "/v1/orders", "{").await.expect_problem(400, "not-json");
    cloud.order("o-1").line("MUG", 0, "1.00").send().await.expect_problem(422, "invalid-document");
    cloud.order("o-1").line("MUG", 0, "1.00").announce().await;
    cloud.drain().await;
    cloud.account("nobody").standing().await.expect_problem(404, "unknown-account");
    let told = counted(&cloud);
    assert_eq!((told.rejected("not-json"), told.rejected("unknown-account")), (1, 1));
    // A message is refused each time that it comes.
    assert_eq!(told.rejected("invalid-document"), 1 + 5);
    assert_eq!((told.of("Rejected", "order-placed"), told.of("Rejected", "accounts")), (7, 1));
    assert_eq!(told.total("Faults"), 0);
    let age = told.0.iter().find(|counted| counted.series.name == "MessageAge").unwrap();
    assert_eq!(age.datum.unit, "Milliseconds");
    assert!(age.datum.maximum < 600_000, "{age:?}");
    // An event that nobody can serve fails the invocation.
    cloud.local().invoke("order-placed", json!({})).await.unwrap_err();
    let Some(network) = cloud.network() else { return };
    network.refuse_about("acme", u32::MAX);
    cloud.account("acme").standing().await.expect_problem(500, "internal");
    network.calm();
    let told = counted(&cloud);
    assert_eq!((told.of("Faults", "order-placed"), told.of("Faults", "accounts")), (1, 1));
    assert_eq!(told.total("Rejected"), 8);
}

#[tokio::test]
async fn races_are_counted_where_they_are_lost() {
    let cloud = Cloud::start().await;
    let Some(network) = cloud.network() else { return };
    network.cross_transactions(2);
    cloud.order("o-1").line("MUG", 1, "1.00").send().await.expect(201);
    let told = counted(&cloud);
    assert_eq!((told.of("RacesRetried", "order-placed"), told.of("Commands", "order-placed")), (2, 1));
}

#[tokio::test]
async fn the_sums_are_shown_locally_and_tell_nobody_apart() {
    let cloud = crate::requests::start().await;
    cloud.order("o-9").line("MUG", 1, "1.00").announce().await;
    cloud.drain().await;
    cloud.account("acme").put_contact("ann", json!({})).await.expect(422);
    cloud.sweep(None).await;
    let shown = cloud.get("/_local/metrics").await.expect(200).json();
    let rows = shown["metrics"].as_array().unwrap();
    assert_eq!(rows.len(), counted(&cloud).0.len());
    let known = Metric::ALL.map(Metric::name);
    let functions = local::cloud::function_names();
    assert!(rows.len() > 10, "{shown}");
    for row in rows {
        assert!(row["namespace"] == "Guilder" && known.contains(&row["name"].as_str().unwrap()), "{row}");
        for (dimension, value) in row["dimensions"].as_object().unwrap() {
            match dimension.as_str() {
                "Stage" => assert_eq!(value, "dev"),
                "Function" => assert!(functions.contains(&value.as_str().unwrap()), "{row}"),
                "Reason" => assert!(value.as_str().unwrap().bytes().all(|b| b == b'-' || b.is_ascii_lowercase())),
                _ => panic!("{row}"),
            }
        }
    }
    cloud.request("POST", "/_local/metrics", "").await.expect_problem(405, "method-not-allowed");
}

/// The lines of a log.
fn lines(logged: &str) -> Vec<Value> {
    logged.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_line_of_an_invocation_names_it_and_what_it_is_about() {
    let cloud = Cloud::start().await;
    let Some(network) = cloud.network() else { return };
    let order = cloud.order("o-1").line("MUG", 1, "1.00");
    let logged = logged(Level::INFO, async {
        network.cross_transactions(1);
        order.send().await.expect(201);
        order.clone().line("CUP", 1, "1.00").send().await.expect_problem(409, "content-differs");
        network.cross_transactions(1);
        order.returned("r-1").units("1", 1).send().await.expect(201);
        cloud.account("acme").put_contact("ann", json!({})).await.expect(422);
        cloud.order("o-2").line("MUG", 1, "-1").announce().await;
        cloud.order("o-3").line("MUG", 1, "1.00").announce().await;
        cloud.local().pump().await.unwrap();
    });
    let lines = lines(&logged.await);
    let with = |message: &str| -> Vec<&Value> {
        lines.iter().filter(|line| line["message"].as_str().unwrap().starts_with(message)).collect()
    };
    for line in &lines {
        assert!(line["requestId"].is_string() && line["function"].is_string(), "{line}");
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }
    let lost = with("lost the commit");
    assert_eq!(lost.len(), 2);
    for (line, function) in lost.iter().zip(["order-placed", "order-returned"]) {
        assert_eq!((&line["account.id"], &line["order.id"]), (&json!("acme"), &json!("shop#o-1")), "{line}");
        assert_eq!(line["function"], function);
        assert!(line["request.id"].is_string(), "{line}");
    }
    assert_eq!(lost[0]["requestId"], with("scored order shop#o-1")[0]["requestId"]);
    assert_ne!(lost[0]["requestId"], lost[1]["requestId"]);
    let refused = with("request refused");
    assert_eq!(
        (&refused[0]["problem.type"], &refused[0]["order.id"]),
        (&json!("/problems/content-differs"), &json!("shop#o-1"))
    );
    assert_eq!((&refused[1]["account.id"], refused[1].get("order.id")), (&json!("acme"), None));
    // Of one batch: each line has its own message, and nothing of another's.
    let (failed, scored) = (with("message "), with("scored order shop#o-3"));
    assert_eq!((failed.len(), scored.len()), (1, 1));
    assert_eq!(failed[0]["requestId"], scored[0]["requestId"]);
    assert_ne!(failed[0]["message.id"], scored[0]["message.id"]);
    assert!(failed[0].get("order.id").is_none(), "{}", failed[0]);
}

#[tokio::test]
async fn a_function_that_fails_or_panics_says_so_within_its_invocation() {
    let cloud = Cloud::start().await;
    let Some(network) = cloud.network() else { return };
    let logged = logged(Level::ERROR, async {
        cloud.local().invoke("accounts", json!({})).await.unwrap_err();
        network.panic_about("acme", 1);
        cloud.account("acme").standing().await.expect_problem(500, "internal");
    });
    let lines = lines(&logged.await);
    let kinds: Vec<_> = lines.iter().map(|line| line["fault.kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["UnknownEvent", "Panicked"]);
    for line in &lines {
        assert!(line["requestId"].is_string() && line["function"] == "accounts" && line["level"] == "ERROR", "{line}");
    }
    assert_eq!(lines[1]["account.id"], "acme");
}

#[test]
fn the_guide_tells_every_metric_and_every_alarm() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/monitoring.md");
    let guide = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = guide.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    let (_, alarms) = guide.split_once("## Alarms").unwrap();
    let (metrics, named) = (Metric::ALL, alarms.lines().filter_map(|line| line.strip_prefix("| `")));
    for metric in metrics {
        let dimensions: Vec<_> = metric.dimensions().iter().map(|set| set.join(", ")).collect();
        let row = rows.iter().find(|row| row.get(1) == Some(&&*format!("`{}`", metric.name())));
        let row = row.unwrap_or_else(|| panic!("docs/monitoring.md does not tell of {}", metric.name()));
        assert_eq!((row[2], row[3]), (metric.unit(), &*dimensions.join("; ")), "{}", metric.name());
    }
    let named: Vec<_> = named.flat_map(|line| line.split('|').next().unwrap().split('`').step_by(2)).collect();
    let template = local::template::Template::embedded().unwrap();
    for alarm in &template.alarms {
        let is_told = |name: &&str| match name.strip_prefix("...") {
            Some(end) => alarm.id.ends_with(end),
            None => alarm.id == **name,
        };
        assert!(named.iter().any(is_told), "docs/monitoring.md does not tell of {}: {named:?}", alarm.id);
    }
}
