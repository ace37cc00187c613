use super::*;
use crate::cloud::{Cloud, Options, Storage};
use crate::{audit, export, program};
use domain::time::Instant;
use serde_json::json;

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

fn file(rows: &[String]) -> File {
    let name = format!("guilder-import-{}-{:016x}.csv", std::process::id(), fastrand::u64(..));
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, format!("{HEADER}\n{}\n", rows.join("\n"))).unwrap();
    File(path)
}

fn plan(file: &File) -> Plan {
    let mapping = Mapping::open("online-retail").unwrap();
    Plan { mapping, files: vec![file.0.clone()], skip_returns: true, from_start: false, workers: 3 }
}

async fn cloud() -> Cloud {
    let cloud = Cloud::open(Options::new(Storage::Memory)).await.unwrap();
    program::ensure(app(&cloud)).await.unwrap();
    cloud
}

fn app(cloud: &Cloud) -> &App {
    cloud.app("order-placed").unwrap()
}

fn silent() -> Progress {
    Arc::new(|_, _| {})
}

/// `count` orders of 100 pounds and a penny's half, round robin over seven accounts, a day apart.
fn rows(count: usize) -> Vec<String> {
    let row = |n: usize| {
        let (month, day) = (1 + n / 28, 1 + n % 28);
        format!("{},MUG,,1,2011-{month:02}-{day:02} 09:00:00,100.005,{}.0,UK", 1000 + n, n % 7)
    };
    (0..count).map(row).collect()
}

async fn exported(app: &App) -> Vec<String> {
    let rows =
        export::accounts(app.store(), &app.schedule().await.unwrap(), Instant::parse("2012-01-01T00:00:00Z").unwrap())
            .await
            .unwrap();
    rows.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn the_same_file_again_changes_nothing() {
    let (cloud, file) = (cloud().await, file(&rows(80)));
    let app = app(&cloud);
    let first = run(app, &plan(&file), silent()).await.unwrap();
    assert_eq!((first.orders_read, first.orders_scored, first.orders_known), (80, 80, 0));
    assert_eq!((first.program.accounts, first.program.orders, first.program.repeat_customers), (7, 80, 7));
    let before = exported(app).await;
    // 12 orders of 100.01: silver with the tenth, which itself earns as before.
    assert_eq!(before[0], "0,1250,silver,12");

    for from_start in [false, true] {
        let again = run(app, &Plan { from_start, ..plan(&file) }, silent()).await.unwrap();
        assert_eq!((again.orders_scored, again.orders_known), (0, 80));
        assert_eq!(again.program, first.program);
    }
    assert_eq!(exported(app).await, before);
    let report = audit::run(app, domain::time::Instant::MAX).await.unwrap();
    assert!(report.findings.is_empty(), "{report}");
}

#[tokio::test]
async fn what_is_scored_does_not_depend_on_the_workers_or_on_an_interruption() {
    let file = file(&rows(60));
    let mut results = Vec::new();
    for workers in [1, 5] {
        let cloud = cloud().await;
        run(app(&cloud), &Plan { workers, ..plan(&file) }, silent()).await.unwrap();
        results.push(exported(app(&cloud)).await);
    }
    let cloud = cloud().await;
    let app = app(&cloud).clone();
    let progress: Progress = Arc::new(|done, _| assert!(done < 20, "a worker dies here"));
    assert!(matches!(run(&app, &plan(&file), progress).await, Err(ImportError::Worker)));
    let rest = run(&app, &plan(&file), silent()).await.unwrap();
    assert_eq!(rest.orders_scored + rest.orders_known, 60);
    results.push(exported(&app).await);
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}

#[tokio::test]
async fn a_refused_order_is_listed_and_stops_no_other() {
    let (cloud, file) = (cloud().await, file(&rows(3)));
    let mapping = Mapping::open("online-retail").unwrap();
    let euros = Mapping::parse(&mapping.text.replace("GBP", "EUR")).unwrap();
    let plan = Plan { mapping: euros, ..plan(&file) };
    for _ in 0..2 {
        let summary = run(app(&cloud), &plan, silent()).await.unwrap();
        assert_eq!((summary.orders_scored, summary.orders_known, summary.program.accounts), (0, 0, 0));
        let refused = serde_json::to_value(&summary.rejected).unwrap();
        let reason = "Foreign currency; $.currency foreign_currency";
        let expected = ["1000", "1001", "1002"].map(|id| json!({"order_id": id, "reason": reason}));
        assert_eq!(refused, json!(expected));
    }
}

#[tokio::test]
async fn an_invoice_of_the_future_stops_everything_before_it_begins() {
    let mut rows = rows(2);
    rows.push("2000,MUG,,1,2990-01-01 09:00:00,1,7.0,UK".to_owned());
    let (cloud, file) = (cloud().await, file(&rows));
    let refused = run(app(&cloud), &plan(&file), silent()).await.unwrap_err().to_string();
    assert!(refused.contains(".csv:4: InvoiceDate \"2990-01-01 09:00:00\" is in the future"), "{refused}");
    assert!(exported(app(&cloud)).await.is_empty());
}

/// Rows of returns: two orders of account 1, then what comes back, and returns of others.
fn with_returns() -> Vec<String> {
    let row = |number: &str, sku: &str, quantity: i64, day: u32, account: &str| {
        format!("{number},{sku},,{quantity},2011-01-{day:02} 09:00:00,1.50,{account},UK")
    };
    vec![
        row("1", "MUG", 10, 3, "1.0"),
        row("2", "MUG", 4, 4, "1.0"),
        row("2", "CUP", 4, 4, "1.0"),
        row("C3", "MUG", -6, 5, "1.0"),
        row("C3", "JUG", -1, 5, "1.0"),
        row("C4", "MUG", -2, 6, "2.0"), // the first sign of account 2
        row("C5", "MUG", -2, 7, ""),
        row("C6", "MUG", 2, 8, "1.0"), // nothing of it is left
        row("7", "MUG", 1, 9, "2.0"),
    ]
}

#[tokio::test]
async fn returns_are_matched_to_what_was_bought_before() {
    let (cloud, file) = (cloud().await, file(&with_returns()));
    let app = app(&cloud);
    let plan = Plan { skip_returns: false, ..plan(&file) };
    let first = run(app, &plan, silent()).await.unwrap();
    assert_eq!((first.invoices_read, first.orders_read, first.orders_scored), (7, 3, 3));
    assert_eq!((first.returns_read, first.returns_imported, first.returns_known), (3, 3, 0));
    assert_eq!((first.guest_invoices, first.returns_skipped, first.lines_ignored), (1, 0, 1));
    let program = &first.program;
    // The second order gives its four mugs, the first the other two: 12 + 15 points were earned and 9 are taken back.
    // The jug and what came back before anything was bought match nothing.
    assert_eq!((program.accounts, program.units_returned, program.units_unmatched), (2, 6, 3));
    assert_eq!((program.points_earned.0, program.points_reversed.0, program.points_outstanding.0), (28, 9, 19));
    let before = exported(app).await;
    assert_eq!(before, ["1,18,member,2", "2,1,member,1"]);
    for from_start in [false, true] {
        let again = run(app, &Plan { from_start, ..plan.clone() }, silent()).await.unwrap();
        assert_eq!((again.orders_scored, again.orders_known), (0, 3));
        assert_eq!((again.returns_imported, again.returns_known), (0, 3));
        assert_eq!(again.program, first.program);
        assert_eq!(exported(app).await, before);
    }
    let report = audit::run(app, Instant::MAX).await.unwrap();
    assert!(report.findings.is_empty() && report.notes.is_empty(), "{report}");
}

#[tokio::test]
async fn a_refused_return_is_listed_and_stops_no_other() {
    let (cloud, file) = (Cloud::open(Options::new(Storage::Memory)).await.unwrap(), file(&with_returns()));
    let mut document: serde_json::Value = serde_json::from_str(include_str!("../../programs/wholesale.json")).unwrap();
    document["enrolment"]["unknown_account"] = json!("reject");
    program::activate(app(&cloud), document, None, Instant::MIN).await.unwrap();
    let plan = Plan { skip_returns: false, ..plan(&file) };
    for _ in 0..2 {
        let summary = run(app(&cloud), &plan, silent()).await.unwrap();
        assert_eq!((summary.orders_scored, summary.returns_imported, summary.rejected.len()), (0, 0, 6));
        let refused = serde_json::to_value(&summary.rejected[2]).unwrap();
        assert_eq!(refused, json!({"return_id": "C3", "reason": "Unknown account"}));
    }
}

#[tokio::test]
async fn returns_are_left_out_where_that_is_asked_for() {
    let (cloud, file) = (cloud().await, file(&with_returns()));
    let summary = run(app(&cloud), &plan(&file), silent()).await.unwrap();
    assert_eq!((summary.invoices_read, summary.orders_scored, summary.returns_imported), (7, 3, 0));
    assert_eq!((summary.guest_invoices, summary.returns_skipped, summary.lines_ignored), (0, 4, 0));
    assert_eq!(exported(app(&cloud)).await, ["1,27,member,2", "2,1,member,1"]);
}
