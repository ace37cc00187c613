//! Opening balances: what companies bring from another product, from a file, once.

use domain::id::AccountId;
use flate2::Compression;
use flate2::write::GzEncoder;
use local::import::balances::{self, Plan, Summary};
use local::import::{ImportError, Progress};
use serde_json::json;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::Consistency;
use tests::network::Staleness;
use tests::size::item_bytes;
use tests::{Cloud, Folder, at};
use tokio::sync::Notify;

const AS_OF: &str = "2011-03-01T00:00:00Z";

/// Two lots and a past, points that ended the day before, and a tier without points.
const FILE: &str = "\
account_id,points,expires_on,tier,tier_since,joined_on,first_purchase,last_purchase,orders,units,revenue,\
eligible_spend,points_earned
acme,1200,2011-12-31,gold,2010-07-01,2008-01-10,2008-01-11,2011-02-20,40,900,12345.60,12000,9000
acme,300,2012-06-15,,,,,,,,,,
beta,70,2011-02-28,,,,,,,,,,
beta,30,,silver,,,,,,,,,
gamma,0,,silver,,,,,,,,,
";

fn silent() -> Progress {
    Arc::new(|_, _| {})
}

/// Writes a file and answers the plan to import it.
fn plan(folder: &Folder, content: impl AsRef<[u8]>) -> Plan {
    let file = folder.join("balances.csv");
    std::fs::write(&file, content).unwrap();
    Plan { file, as_of: Some(at(AS_OF)), check_only: false, workers: 3 }
}

async fn import(cloud: &Cloud, plan: &Plan) -> Result<Summary, ImportError> {
    balances::run(cloud.app(), plan, silent()).await
}

fn counts(summary: &Summary) -> (u64, u64, Vec<&str>) {
    let refused = summary.refused.iter().map(|refused| refused.account_id.as_str()).collect();
    (summary.accounts_opened, summary.accounts_known, refused)
}

#[tokio::test]
async fn accounts_open_with_what_they_bring() {
    let (cloud, folder) = (Cloud::start().await, Folder::new());
    let summary = import(&cloud, &plan(&folder, FILE)).await.unwrap();
    assert_eq!(
        serde_json::to_value(&summary).unwrap(),
        json!({
            "as_of": AS_OF, "check_only": false, "rows_read": 5, "accounts_read": 3, "accounts_opened": 3,
            "accounts_known": 0, "points_opened": 1600, "points_lapsed": 70, "points_owed": 0, "refused": [],
        })
    );
    let acme = cloud.account("acme").standing().await.expect(200);
    assert_eq!(
        (&acme["points"]["balance"], &acme["points"]["next_expiry"], &acme["orders"], &acme["joined_at"]),
        (
            &json!(1500),
            &json!({"at": "2012-01-01T00:00:00Z", "points": 1200}),
            &json!(40),
            &json!("2008-01-10T00:00:00Z")
        )
    );
    assert_eq!((&acme["tier"]["id"], &acme["tier"]["since"]), (&json!("gold"), &json!("2010-06-30T23:00:00Z")));
    assert_eq!(acme["revenue"], json!({"amount": "12345.60", "currency": "GBP"}));
    assert_eq!(acme["purchases"], json!({"first": "2008-01-11", "latest": "2011-02-20"}));

    let beta = cloud.account("beta").history().await;
    assert_eq!((&beta[0]["cause"], &beta[0]["by"]), (&json!({"kind": "opening"}), &json!("import")));
    let nothing = json!({"amount": "0.00", "currency": "GBP"});
    assert_eq!(
        beta[0]["changes"],
        json!([
            {"type": "account.enrolled", "tier": "member"},
            {"type": "account.opened", "tier": "silver", "tier_since": AS_OF, "orders": 0, "units": 0,
                "revenue": nothing, "eligible_spend": nothing, "points_earned": 100},
            {"type": "points.opened", "points": 70, "expires_at": AS_OF},
            {"type": "points.opened", "points": 30, "expires_at": "2013-03-31T23:00:00Z"},
            {"type": "points.expired", "points": 70, "expired_at": AS_OF},
        ])
    );
    let report = cloud.audit().await;
    assert_eq!((report.issued, report.outstanding, report.expired), (1600, 1530, 70));
    let shown = local::show::account(cloud.app(), &AccountId::parse("acme").unwrap(), 5).await.unwrap();
    let past = "with 40 orders, 900 units, 12345.60 GBP (12000.00 GBP eligible), 9000 points earned before";
    for text in ["opening balance", past, "1200 points taken over, end at 2012-01-01T00:00:00Z"] {
        assert!(shown.contains(text), "{text:?} is not in {shown}");
    }
}

#[tokio::test]
async fn the_same_file_again_writes_nothing_and_other_content_is_refused() {
    let (cloud, folder) = (Cloud::start().await, Folder::new());
    let plan = plan(&folder, FILE);
    let first = import(&cloud, &plan).await.unwrap();
    let before = cloud.tables().await;
    for (staleness, as_of) in [
        (Staleness::None, AS_OF),
        (Staleness::Behind(1), AS_OF),
        (Staleness::Oldest, AS_OF),
        // A year later one lot has ended: the file still says what it said.
        (Staleness::None, "2012-03-01T00:00:00Z"),
    ] {
        cloud.stale_reads(staleness);
        let again = import(&cloud, &Plan { as_of: Some(at(as_of)), ..plan.clone() }).await.unwrap();
        assert_eq!(counts(&again), (0, 3, vec![]));
        assert_eq!(again.points_opened, first.points_opened);
    }
    let other = FILE.replace("beta,30", "beta,31").replace("gamma,0,,silver", "gamma,0,,gold");
    std::fs::write(&plan.file, other).unwrap();
    let again = import(&cloud, &plan).await.unwrap();
    let reasons: Vec<_> = again.refused.iter().map(|r| format!("{}: {}", r.account_id, r.reason)).collect();
    assert_eq!(reasons, ["beta: Same identity, other content; $.lots", "gamma: Same identity, other content; $.tier"]);
    assert_eq!(again.accounts_known, 1);
    assert_eq!(cloud.tables().await, before);
}

/// Two hundred accounts of two lots each.
fn many() -> String {
    let rows = (0..200).map(|n| format!("a{n},{n},2012-01-31,silver\na{n},1,2012-02-29,\n"));
    format!("account_id,points,expires_on,tier\n{}", rows.collect::<String>())
}

#[tokio::test]
async fn an_import_that_is_killed_goes_on_where_it_was_and_adds_nothing_twice() {
    let folder = Folder::new();
    let plan = plan(&folder, many());
    let whole = Cloud::start().await;
    import(&whole, &plan).await.unwrap();
    let cloud = Cloud::start().await;
    for kill_after in [1, 7, 60] {
        let (finished, reached) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
        let (count, told) = (finished.clone(), reached.clone());
        let progress: Progress = Arc::new(move |_, _| {
            if count.fetch_add(1, Ordering::SeqCst) + 1 == kill_after {
                told.notify_one();
            }
        });
        tokio::select! {
            biased;
            () = reached.notified() => {}
            done = balances::run(cloud.app(), &plan, progress) => panic!("was to be killed: {done:?}"),
        }
        assert!(finished.load(Ordering::SeqCst) >= kill_after);
    }
    let rest = import(&cloud, &plan).await.unwrap();
    assert_eq!((rest.accounts_opened + rest.accounts_known, rest.refused.len()), (200, 0));
    assert!(rest.accounts_known >= 60, "{rest:?}");
    assert_eq!(rest.points_opened.0, 199 * 100 + 200);
    // Due items are filed under the day of their commit: today, in both.
    assert_eq!(cloud.tables().await, whole.tables().await);
    cloud.audit().await;
}

#[tokio::test]
async fn two_imports_at_once_open_every_account_once() {
    if tests::skips_concurrency() {
        return;
    }
    let (cloud, folder) = (Cloud::start().await, Folder::new());
    let plan = plan(&folder, many());
    let (one, two) = tokio::join!(import(&cloud, &plan), import(&cloud, &plan));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.accounts_opened + two.accounts_opened, one.accounts_known + two.accounts_known), (200, 200));
    let report = cloud.audit().await;
    assert_eq!((report.accounts, report.entries, report.issued), (200, 200, 199 * 100 + 200));
}

#[tokio::test]
async fn orders_afterwards_earn_with_the_tier_opened_and_never_lower_it() {
    let (cloud, folder) = (Cloud::start().await, Folder::new());
    import(&cloud, &plan(&folder, FILE)).await.unwrap();
    let score = cloud.order("o-1").account("acme").line("MUG", 1, "100.00").send().await.expect(201);
    assert_eq!((&score["points"], &score["balance"]), (&json!(150), &json!(1650)));
    assert_eq!((&score["tier"]["before"], &score["tier"]["after"]), (&json!("gold"), &json!("gold")));
    // What it bought before is in no month here: silver until 5,000 of this year's.
    let score = cloud.order("o-2").account("gamma").line("MUG", 1, "4999.00").send().await.expect(201);
    assert_eq!((&score["points"], &score["tier"]["after"]), (&json!(6248), &json!("silver")));
    let score = cloud.order("o-3").account("gamma").line("MUG", 1, "1.00").send().await.expect(201);
    assert_eq!((&score["tier"]["before"], &score["tier"]["after"]), (&json!("silver"), &json!("gold")));
    assert_eq!(cloud.account("acme").standing().await.expect(200)["orders"], 41);
    let report = cloud.audit().await;
    assert_eq!((report.issued, report.expired), (1600 + 150 + 6248 + 1, 70));
}

#[tokio::test]
async fn an_account_enrolled_before_is_opened_and_one_with_history_is_left_alone() {
    let (cloud, folder) = (Cloud::start().await, Folder::new());
    cloud.set_clock("2011-02-10T12:00:00Z");
    cloud.account("acme").put(json!({"name": "Acme", "segments": ["key"]})).await.expect(201);
    let order = cloud.order("o-1").account("beta").placed("2011-02-10T12:00:00Z");
    order.line("MUG", 1, "10.00").send().await.expect(201);
    let gamma = cloud.account("gamma");
    gamma.put(json!({"name": "Gamma"})).await.expect(201);
    gamma.put(json!({"name": "Gamma", "status": "closed"})).await.expect(200);
    let (beta, closed) = (cloud.account("beta").history().await, gamma.history().await);
    let summary = import(&cloud, &plan(&folder, FILE)).await.unwrap();
    let reasons: Vec<_> = summary.refused.iter().map(|r| format!("{}: {}", r.account_id, r.reason)).collect();
    assert_eq!(reasons, ["beta: Account has history", "gamma: Account not active"]);
    assert_eq!((summary.accounts_opened, summary.points_opened.0), (1, 1500));
    let acme = cloud.account("acme").standing().await.expect(200);
    assert_eq!(
        (&acme["name"], &acme["segments"], &acme["points"]["balance"]),
        (&json!("Acme"), &json!(["key"]), &json!(1500))
    );
    assert_eq!((cloud.account("beta").history().await, gamma.history().await), (beta, closed));
    cloud.audit().await;
}

#[tokio::test]
async fn a_debt_is_taken_over_where_the_program_says_owe() {
    let folder = Folder::new();
    let plan = plan(&folder, "account_id,points\nacme,-40\n");
    let with = async |shortfall| Cloud::with(|program| program["points"]["shortfall"] = json!(shortfall)).await;
    let refused = import(&with("write_off").await, &plan).await.unwrap_err().to_string();
    assert!(refused.ends_with(":2: points: the program lets no account owe points"), "{refused}");
    let cloud = with("owe").await;
    assert_eq!(import(&cloud, &plan).await.unwrap().points_owed.0, 40);
    assert_eq!(cloud.account("acme").standing().await.expect(200)["points"]["debt"], 40);
    let score = cloud.order("o-1").account("acme").line("MUG", 1, "50.00").send().await.expect(201);
    assert_eq!((&score["points"], &score["balance"]), (&json!(50), &json!(10)));
    let report = cloud.audit().await;
    assert_eq!((report.issued, report.outstanding, report.reversed), (50, 10, 40));
}

#[tokio::test]
async fn compression_line_ends_and_the_order_of_columns_make_no_difference() {
    let (cloud, folder) = (Cloud::start().await, Folder::new());
    import(&cloud, &plan(&folder, "account_id,points,expires_on,tier\nacme,5,2011-12-31,gold\n")).await.unwrap();
    let windows = "\u{feff}tier,expires_on,points,account_id\r\n gold ,2011-12-31,5.0,acme";
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(windows.as_bytes()).unwrap();
    for content in [windows.as_bytes(), &gzip.finish().unwrap()] {
        assert_eq!(counts(&import(&cloud, &plan(&folder, content)).await.unwrap()), (0, 1, vec![]));
    }
}

#[tokio::test]
async fn a_check_says_what_the_file_comes_to_and_writes_nothing() {
    let (cloud, folder) = (Cloud::start().await, Folder::new());
    let before = cloud.tables().await;
    let plan = Plan { check_only: true, ..plan(&folder, FILE) };
    let summary = import(&cloud, &plan).await.unwrap();
    assert_eq!(counts(&summary), (0, 0, vec![]));
    assert_eq!((summary.accounts_read, summary.points_opened.0, summary.points_lapsed.0), (3, 1600, 70));
    assert_eq!(cloud.tables().await, before);
    let future = Plan { as_of: Some(at("2990-01-01T00:00:00Z")), ..plan };
    assert_eq!(import(&cloud, &future).await.unwrap_err().to_string(), "2990-01-01T00:00:00Z is in the future");
}

#[tokio::test]
async fn a_bad_file_is_refused_as_a_whole_with_every_fault_of_it() {
    let cloud = Cloud::start().await;
    let folder = Folder::new();
    let before = cloud.tables().await;
    let table: [(&str, &[u8], &[&str]); 22] = [
        ("an empty file", b"", &["FILE: there is no row in it"]),
        ("a header alone", b"account_id,points\n", &["FILE: there is no row in it"]),
        ("no header", b"acme,100\nbeta,200\n", &["FILE: the header has no column account_id, points"]),
        ("another separator", b"account_id;points\nacme;1\n", &["FILE: the header has no column account_id, points"]),
        (
            "an unknown column",
            b"account_id,points,teir\nacme,1,gold\n",
            &["the header has unknown columns \"teir\"; known are"],
        ),
        ("a column twice", b"account_id,points,points\nacme,1,1\n", &["the header has column \"points\" twice"]),
        (
            "a bad account id",
            b"account_id,points\na b,1\n,1\n",
            &["FILE:2: account_id \"a b\" must be 1 to 40 bytes", "FILE:3: account_id is blank"],
        ),
        (
            "points that are none",
            b"account_id,points\na,1.5\nb,\nc,1e3\nd,\"1,000\"\ne,9999999999999999999\n",
            &[
                "FILE:2: points \"1.5\" is no whole number",
                "FILE:3: points is blank",
                "FILE:4: points \"1e3\" is no number",
                "FILE:5: points \"1,000\" is no number",
                "FILE:6: points \"9999999999999999999\" is too large",
            ],
        ),
        (
            "huge points",
            b"account_id,points\na,1000000000001\nb,1000000000000\n",
            &["FILE:2: points: must be from -1000000000000 to 1000000000000"],
        ),
        (
            "dates that are none",
            b"account_id,points,expires_on,joined_on\na,1,31/12/2011,2011-02-30\nb,1,2011-12,\n",
            &[
                "FILE:2: expires_on \"31/12/2011\" is no date",
                "FILE:2: joined_on \"2011-02-30\" is no date",
                "FILE:3: expires_on \"2011-12\" is no date",
            ],
        ),
        (
            "dates to come",
            b"account_id,points,tier_since\na,1,2011-03-02\n",
            &["FILE:2: tier_since: is after the day of the opening, 2011-03-01"],
        ),
        (
            "an end too far away",
            b"account_id,points,expires_on\na,1,2016-03-31\nb,1,2016-04-01\n",
            &["FILE:3: expires_on: is more than 60 months ahead"],
        ),
        (
            "a lot twice",
            b"account_id,points,expires_on\na,1,2011-12-31\nb,1,\na,1,2011-12-31\nb,2,\n",
            &["FILE:4: expires_on: stands twice for this account", "FILE:5: expires_on: stands twice for this account"],
        ),
        (
            "an unknown tier",
            b"account_id,points,tier\na,1,gold\nb,1,bronze\n",
            &["FILE:3: tier: bronze is no tier of the program: member, silver, gold, platinum"],
        ),
        ("a tier of another case", b"account_id,points,tier\na,1,Gold\n", &["FILE:2: tier: Gold is no tier"]),
        (
            "two tiers",
            b"account_id,points,expires_on,tier\na,1,2011-12-31,\na,1,2011-11-30,gold\na,1,,silver\n",
            &["FILE:4: tier differs from line 3, of the same account"],
        ),
        (
            "two totals",
            b"account_id,points,expires_on,revenue\na,1,2011-12-31,1.50\na,1,,1.5\na,0,2011-10-31,1.51\n",
            &["FILE:4: revenue differs from line 2, of the same account"],
        ),
        (
            "bad totals",
            b"account_id,points,orders,units,revenue,eligible_spend\na,1,-1,1.5,1.005,-1\n",
            &[
                "FILE:2: orders \"-1\" is below zero",
                "FILE:2: units \"1.5\" is no whole number",
                "FILE:2: revenue \"1.005\" has more than 2 decimals",
                "FILE:2: eligible_spend: must be from 0",
            ],
        ),
        (
            "a debt beside points",
            b"account_id,points,expires_on\na,-1,\na,5,2011-12-31\n",
            &["FILE:2: points: an account that owes points holds none"],
        ),
        (
            "a debt that ends",
            b"account_id,points,expires_on\na,-1,2011-12-31\n",
            &["FILE:2: expires_on: points that are owed do not end"],
        ),
        ("no UTF-8", b"account_id,points,tier\nacme,1,g\xf6ld\n", &["FILE:2: tier is not UTF-8"]),
        (
            "rows of other lengths",
            b"account_id,points\na,1,2\nb\nc,x\n",
            &[
                "FILE:2: has 3 columns, the header has 2",
                "FILE:3: has 1 columns, the header has 2",
                "FILE:4: points \"x\" is no number",
            ],
        ),
    ];
    for (name, content, expected) in table {
        let plan = plan(&folder, content);
        let refused = import(&cloud, &plan).await.unwrap_err().to_string();
        let refused = refused.replace(&plan.file.display().to_string(), "FILE");
        let faults: Vec<_> = refused.lines().filter(|line| !line.starts_with("nothing was imported")).collect();
        assert_eq!(faults.len(), expected.len(), "{name}: {refused}");
        for (fault, expected) in faults.iter().zip(expected) {
            assert!(fault.contains(expected), "{name}: {fault:?} does not say {expected:?}");
        }
        assert_eq!(cloud.tables().await, before, "{name} was written");
    }
    let missing = Plan { file: folder.join("none.csv"), ..plan(&folder, FILE) };
    assert!(matches!(import(&cloud, &missing).await.unwrap_err(), ImportError::File(_)));
}

#[tokio::test]
async fn the_hot_item_stays_small_whatever_days_points_end_on() {
    let (cloud, folder) = (Cloud::start().await, Folder::new());
    let day = |n: i64| at(AS_OF).plus_ms((n * 4 - 40) * 86_400_000).to_string()[..10].to_owned();
    let rows: String = (0..450).map(|n| format!("acme,{},{},platinum\n", 1_000 + n, day(n))).collect();
    import(&cloud, &plan(&folder, format!("account_id,points,expires_on,tier\n{rows}"))).await.unwrap();
    let id = AccountId::parse("acme").unwrap();
    let account = cloud.app().store().account(&id, Consistency::Strong).await.unwrap().unwrap();
    assert_eq!(account.holdings.lots().len(), 58);
    let key = aws_sdk_dynamodb::types::AttributeValue::S("acme".to_owned());
    let table = &cloud.app().config().tables.accounts;
    let found = cloud.local().client().get_item().table_name(table).key("account_id", key).send().await.unwrap();
    let bytes = item_bytes(&found.item.unwrap());
    assert!(bytes <= 1_024, "{bytes} bytes");
    cloud.audit().await;
}

#[tokio::test]
async fn a_field_of_an_account_may_be_stated_on_any_of_its_rows() {
    let (cloud, folder) = (Cloud::start().await, Folder::new());
    let content = "account_id,points,expires_on,tier,orders\na,1,2011-12-31,,\na,1,,gold,7\na,0,2011-11-30,gold,\n";
    import(&cloud, &plan(&folder, content)).await.unwrap();
    let standing = cloud.account("a").standing().await.expect(200);
    let found = (&standing["tier"]["id"], &standing["orders"], &standing["points"]["balance"]);
    assert_eq!(found, (&json!("gold"), &json!(7), &json!(2)));
    assert_eq!(cloud.account("a").history().await[0]["changes"].as_array().map(Vec::len), Some(4));
}
