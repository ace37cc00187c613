mod gifts;
mod shared_codes;
mod uses;

use super::*;
use crate::cloud::{Cloud, Options, Storage};
use crate::import::balances;
use crate::program;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::activity::{Activity, MonthActivity};
use domain::decision::{Guard, Record, Write};
use domain::id::{OrderId, Source};
use domain::money::Minor;
use domain::order::Order;
use domain::score::{Condition, Outcome};
use domain::time::Instant;
use runtime::{Caller, Clock};
use serde_json::json;
use std::sync::Arc;

/// Three orders of `acme`, each large enough for a discount: the second uses the first's, the third comes when the
/// second's is still open. And one order of `other`.
async fn cloud() -> Cloud {
    let cloud = Cloud::open(Options::new(Storage::Memory)).await.unwrap();
    program::ensure(cloud.app("order-placed").unwrap()).await.unwrap();
    let code = order(&cloud, "acme", "1", "2011-01-10T09:00:00Z", &[]).await.unwrap();
    order(&cloud, "acme", "2", "2011-01-11T09:00:00Z", &[code]).await;
    order(&cloud, "acme", "3", "2011-01-12T09:00:00Z", &[]).await;
    order(&cloud, "other", "4", "2011-01-12T09:00:00Z", &[]).await;
    cloud
}

/// Places an order and answers the code of the discount that it issued.
async fn order(cloud: &Cloud, account: &str, id: &str, at: &str, codes: &[String]) -> Option<String> {
    let line = json!({"line_id": "1", "sku": "MUG", "quantity": 600, "unit_price": "1.00"});
    let document = json!({"source": "shop", "order_id": id, "account_id": account, "placed_at": at,
        "currency": "GBP", "lines": [line], "discount_codes": codes});
    let app = cloud.app("order-placed").unwrap().with_clock(Clock::Replay(Instant::parse(at).unwrap()));
    let placed = order_placed::place(&app, &Caller::operator("test"), Order::from_json(&document).unwrap()).await;
    placed.ok().unwrap().scored.score.issued.first().map(|issued| issued.code.to_string())
}

async fn audited(cloud: &Cloud) -> Vec<String> {
    let report = run(cloud.app("accounts").unwrap(), domain::time::Instant::MAX).await.unwrap();
    report.findings.iter().map(ToString::to_string).collect()
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

type Item = HashMap<String, AttributeValue>;

fn key(keys: &[(&str, &str)]) -> Item {
    keys.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

async fn stored(cloud: &Cloud, table: &str, keys: &[(&str, &str)]) -> Item {
    let found = cloud.client().get_item().table_name(table).set_key(Some(key(keys))).send().await;
    found.unwrap().item.unwrap()
}

async fn plant(cloud: &Cloud, table: &str, item: Item) {
    cloud.client().put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
}

/// Changes one stored item behind the program's back; without a change it is removed.
async fn tamper(cloud: &Cloud, table: &str, keys: &[(&str, &str)], change: Option<(&str, AttributeValue)>) {
    let key = key(keys);
    match change {
        None => {
            cloud.client().delete_item().table_name(table).set_key(Some(key)).send().await.unwrap();
        }
        Some((name, value)) => {
            let update = cloud.client().update_item().table_name(table).set_key(Some(key));
            let update = update.update_expression("SET #name = :value").expression_attribute_names("#name", name);
            update.expression_attribute_values(":value", value).send().await.unwrap();
        }
    }
}

/// An entry's text with one thing in it changed.
fn altered(entry: &str, from: &str, to: &str) -> String {
    assert!(entry.contains(from), "{entry}");
    entry.replacen(from, to, 1)
}

/// Carries out a return, or a cancellation, of one of those orders.
async fn take_back(cloud: &Cloud, order_id: &str, return_id: Option<&str>) {
    let at = "2011-01-13T09:00:00Z";
    let (kind, mut detail) = match return_id {
        Some(id) => {
            let lines = json!([{"line_id": "1", "quantity": 100}]);
            ("OrderReturned", json!({"return_id": id, "returned_at": at, "lines": lines}))
        }
        None => ("OrderCancelled", json!({"cancelled_at": at})),
    };
    detail["source"] = json!("shop");
    detail["order_id"] = json!(order_id);
    let (key, reversing) = domain::returns::event_document(kind, &detail).unwrap();
    let app = cloud.app("order-returned").unwrap().with_clock(Clock::Replay(Instant::parse(at).unwrap()));
    assert!(order_returned::take_back(&app, &Caller::operator("test"), key, reversing).await.is_ok());
}

/// Carries out a credit note of `acme` for mugs, and one jug that nobody bought.
async fn credit(cloud: &Cloud, id: &str, units: u64) {
    let at = "2011-01-14T09:00:00Z";
    let lines = json!([{"sku": "MUG", "quantity": units}, {"sku": "JUG", "quantity": 1}]);
    let document = json!({"return_id": id, "returned_at": at, "lines": lines});
    let which = order_returned::Which::Stated(domain::credit_note::credit_note_document(&document).unwrap());
    let app = cloud.app("order-returned").unwrap().with_clock(Clock::Replay(Instant::parse(at).unwrap()));
    let (caller, account) = (Caller::operator("test"), AccountId::parse("acme").unwrap());
    let never = runtime::Deadline::NEVER;
    assert!(order_returned::carry_on(&app, &caller, &account, &which, never).await.ok().unwrap().is_done());
}

#[tokio::test]
async fn what_was_changed_about_a_credit_note_is_found() {
    // Entries 4, 5 and 6 are its steps: the third order gives all, the second some, nobody the jug.
    const NOTE: &[(&str, &str)] = &[("account_id", "acme"), ("sk", "R#c-1")];
    const STEP: &[(&str, &str)] = &[("account_id", "acme"), ("sk", "E#0000000000000000005")];
    const ACCOUNT: &[(&str, &str)] = &[("account_id", "acme")];
    let made = async || {
        let cloud = cloud().await;
        credit(&cloud, "c-1", 700).await;
        cloud
    };
    let whole = made().await;
    assert_eq!(audited(&whole).await, [""; 0]);
    let note = stored(&whole, "ledger", NOTE).await["note"].as_s().unwrap().clone();
    let step = stored(&whole, "ledger", STEP).await["entry"].as_s().unwrap().clone();
    let said = |from: &str, to: &str| Some(("note", text(&altered(&note, from, to))));
    let told = |from: &str, to: &str| Some(("entry", text(&altered(&step, from, to))));
    let rows: [Row<'_>; 5] = [
        ("ledger", NOTE, None, &["account acme: credit note c-1 is told of and has no record"]),
        (
            "ledger",
            NOTE,
            said("\"entry\":6", "\"entry\":5"),
            &["account acme: credit note c-1 names another entry as its latest"],
        ),
        (
            "ledger",
            NOTE,
            said("\"state\":\"done\"", "\"state\":\"open\""),
            &[
                "account acme: credit note c-1 and the account differ on whether it is open",
                "account acme: credit note c-1 says something else than its entries of whether it is done, and how",
            ],
        ),
        (
            "ledger",
            STEP,
            told("\"credit_note_id\":\"c-1\",\"eligible\"", "\"credit_note_id\":\"c-2\",\"eligible\""),
            &[
                "account acme: credit note c-1 names other orders than its entries",
                "order shop#2: no entry 5 of account acme is for its credit note c-1",
            ],
        ),
        (
            "accounts",
            ACCOUNT,
            Some(("note", text("c-9"))),
            &["account acme: credit note c-9 is open and has no record"],
        ),
    ];
    for (table, keys, change, findings) in rows {
        let cloud = made().await;
        tamper(&cloud, table, keys, change).await;
        assert_eq!(audited(&cloud).await, findings);
    }
}

#[tokio::test]
async fn books_that_are_in_order_are_said_to_be() {
    let cloud = cloud().await;
    let report = run(cloud.app("accounts").unwrap(), domain::time::Instant::MAX).await.unwrap();
    let expected = "2 accounts, 4 orders, 4 entries, 3 discounts\n\
        points: 2550 issued = 2550 outstanding + 0 expired + 0 reversed\nnothing found\n";
    assert_eq!(report.to_string(), expected);
}

/// A table, the key of one of its items, what becomes of that, and what the audit says.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<(&'a str, AttributeValue)>, &'a [&'a str]);

#[tokio::test]
async fn whatever_was_changed_is_found() {
    let (entry, acme) = ("E#0000000000000000002", ("account_id", "acme"));
    let second = stored(&cloud().await, "ledger", &[acme, ("sk", entry)]).await["entry"].as_s().unwrap().clone();
    let altered = |from: &str, to: &str| Some(("entry", text(&altered(&second, from, to))));
    let lots = stored(&cloud().await, "accounts", &[("account_id", "other")]).await["lots"].clone();
    let rows: [Row<'_>; 6] = [
        (
            "ledger",
            &[acme, ("sk", entry)],
            None,
            &[
                "account acme: 1 entries are missing, the first is 2",
                "order shop#2: no entry 2 of account acme is for it",
            ],
        ),
        (
            "ledger",
            &[acme, ("sk", entry)],
            altered("\"points\":600,", "\"points\":601,"),
            &["account acme: entry 2: 601 points, its changes make 600"],
        ),
        (
            "ledger",
            &[acme, ("sk", entry)],
            altered("\"balance\":1200,", "\"balance\":1201,"),
            &["account acme: entry 2: balance and pending 1201, the sum so far is 1200"],
        ),
        (
            "accounts",
            &[acme],
            Some(("lots", lots)),
            &[
                "account acme: points held: 600 stored, 1950 by its entries",
                "program: points issued and restored differ from outstanding + spent + expired + reversed",
            ],
        ),
        ("orders", &[("order_key", "shop#3")], None, &["account acme: order shop#3 of entry 3 has no record"]),
        ("accounts", &[("account_id", "other")], None, &["order shop#4: its account other does not exist"]),
    ];
    for (table, keys, change, expected) in rows {
        let cloud = cloud().await;
        tamper(&cloud, table, keys, change).await;
        let found = audited(&cloud).await;
        for finding in expected {
            assert!(found.iter().any(|line| line == finding), "{finding:?} is not in {found:#?}");
        }
    }
}

#[tokio::test]
async fn points_that_no_line_earns_are_found() {
    type Wrong = fn(&mut ScoredOrder);
    let rows: [(Wrong, &[&str]); 3] = [
        (|order| order.score.points = Points(601), &["order shop#3: 601 points stored, its lines earn 750"]),
        (
            |order| order.score.outcomes[0] = Outcome::Missed(Condition::Stopped),
            &["order shop#3: what became of its earning rules is not what its lines come to"],
        ),
        (
            |order| order.history.tally.reversed = Points(126),
            &["order shop#3: 624 points of it are credited, what is kept of it earns 625"],
        ),
    ];
    for (wrong, expected) in rows {
        let cloud = cloud().await;
        take_back(&cloud, "3", Some("r-1")).await;
        let store = cloud.app("accounts").unwrap().store();
        let key = OrderKey { source: Source::parse("shop").unwrap(), order_id: OrderId::parse("3").unwrap() };
        let Some(StoredOrder::Scored(scored)) = store.order(&key, Consistency::Strong).await.unwrap() else {
            panic!("it was scored")
        };
        let mut order = ScoredOrder::clone(&scored);
        wrong(&mut order);
        let guard = Guard::Version(order.version);
        store.commit(&[Write::Put(Record::Order(Arc::new(order)), guard)]).await.unwrap();
        let found = audited(&cloud).await;
        for finding in expected {
            assert!(found.iter().any(|line| line.contains(finding)), "{finding:?} is not in {found:#?}");
        }
    }
}

#[tokio::test]
async fn a_discount_without_its_record_or_its_place_is_found() {
    let cloud = cloud().await;
    let store = cloud.app("accounts").unwrap().store();
    let records = store.ledger_of(&AccountId::parse("acme").unwrap()).await.unwrap();
    let discounts: Vec<_> = records
        .iter()
        .filter_map(|record| match record {
            LedgerRecord::Discount(discount) => Some((discount.code.to_string(), discount.used_by.is_some())),
            _ => None,
        })
        .collect();
    let (used, open) = (
        discounts.iter().find(|(_, used)| *used).unwrap().0.clone(),
        discounts.iter().find(|(_, used)| !*used).unwrap().0.clone(),
    );
    let (used_key, open_key) = (format!("D#{used}"), format!("D#{open}"));
    let keys = [("account_id", "acme"), ("sk", open_key.as_str())];
    let before = stored(&cloud, "ledger", &keys).await;
    tamper(&cloud, "ledger", &keys, Some(("percent", AttributeValue::N("600".to_owned())))).await;
    let differs = format!("account acme: discount {open}: the account and its record differ on what it takes off");
    assert_eq!(audited(&cloud).await, [differs]);
    plant(&cloud, "ledger", before).await;
    tamper(&cloud, "ledger", &keys, None).await;
    let other = json!({"source": "shop", "order_id": "3"});
    let other =
        HashMap::from(["source", "order_id"].map(|name| (name.to_owned(), text(other[name].as_str().unwrap()))));
    let keys = [("account_id", "acme"), ("sk", used_key.as_str())];
    tamper(&cloud, "ledger", &keys, Some(("used_by", AttributeValue::M(other)))).await;
    let expected = [
        format!("account acme: discount {open} was issued and has no record"),
        format!("account acme: discount {used}: order shop#3, which used it, does not name it"),
        format!("account acme: order shop#2 names discount {used}, which it did not use"),
    ];
    assert_eq!(audited(&cloud).await, expected);
}

#[tokio::test]
async fn an_order_that_no_entry_is_for_is_found() {
    let cloud = cloud().await;
    let mut item = stored(&cloud, "orders", &[("order_key", "shop#3")]).await;
    item.insert("order_key".to_owned(), text("shop#9"));
    plant(&cloud, "orders", item).await;
    assert_eq!(audited(&cloud).await, ["order shop#9: no entry 3 of account acme is for it"]);
}

#[tokio::test]
async fn returns_stand_at_their_order_and_in_its_entry() {
    let cloud = cloud().await;
    // One waits for its order, and both are one entry.
    take_back(&cloud, "5", Some("r-0")).await;
    order(&cloud, "other", "5", "2011-01-12T10:00:00Z", &[]).await;
    let before = stored(&cloud, "orders", &[("order_key", "shop#3")]).await;
    take_back(&cloud, "3", Some("r-1")).await;
    take_back(&cloud, "3", None).await;
    assert_eq!(audited(&cloud).await, [""; 0]);

    let after = stored(&cloud, "orders", &[("order_key", "shop#3")]).await;
    plant(&cloud, "orders", before).await;
    let expected = [
        "account acme: cancellation of order shop#3 in entry 5 has no record",
        "account acme: order shop#3: its entries make 750 earned, 750 reversed, 0 written off, 0 lapsed, its record \
             does not",
        "account acme: return r-1 of order shop#3 in entry 4 has no record",
    ];
    assert_eq!(audited(&cloud).await, expected);

    plant(&cloud, "orders", after).await;
    let last = [("account_id", "acme"), ("sk", "E#0000000000000000005")];
    let entry = stored(&cloud, "ledger", &last).await["entry"].as_s().unwrap().clone();
    let other = altered(&entry, "\"kind\":\"order_cancelled\"", "\"kind\":\"adjustment\"");
    tamper(&cloud, "ledger", &last, Some(("entry", text(&other)))).await;
    assert_eq!(audited(&cloud).await, ["order shop#3: no entry 5 of account acme is for its cancellation"]);
}

/// An account with points, a past and a past tier, and one that owes.
async fn opened() -> Cloud {
    let cloud = Cloud::open(Options::new(Storage::Memory)).await.unwrap();
    program::ensure(cloud.app("order-placed").unwrap()).await.unwrap();
    let name = format!("guilder-audit-{}-{:016x}.csv", std::process::id(), fastrand::u64(..));
    let file = std::env::temp_dir().join(name);
    let rows = "account_id,points,expires_on,orders,points_earned\nacme,70,2012-06-30,3,100\nother,-5,,,\n";
    std::fs::write(&file, rows).unwrap();
    let as_of = Some(Instant::parse("2011-01-01T00:00:00Z").unwrap());
    let plan = balances::Plan { file: file.clone(), as_of, check_only: false, workers: 1 };
    balances::run(cloud.app("order-placed").unwrap(), &plan, std::sync::Arc::new(|_, _| {})).await.unwrap();
    std::fs::remove_file(file).unwrap();
    order(&cloud, "acme", "1", "2011-01-10T09:00:00Z", &[]).await;
    cloud
}

#[tokio::test]
async fn what_was_opened_is_part_of_the_books() {
    let cloud = opened().await;
    let report = run(cloud.app("accounts").unwrap(), Instant::parse("2011-02-01T00:00:00Z").unwrap());
    let expected = "2 accounts, 1 orders, 3 entries, 1 discounts\n\
        points: 670 issued = 665 outstanding + 0 expired + 5 reversed\nnothing found\n";
    assert_eq!(report.await.unwrap().to_string(), expected);

    let first = [("account_id", "acme"), ("sk", "E#0000000000000000001")];
    for (from, to, expected) in [
        ("\"orders\":3", "\"orders\":4", "account acme: 4 orders stored, 5 by its entries"),
        (
            "\"points_earned\":100",
            "\"points_earned\":99",
            "account acme: lifetime points earned: 700 stored, 699 by its entries",
        ),
        (
            "\"points\":70,\"expires_at\"",
            "\"points\":71,\"expires_at\"",
            "account acme: entry 1: 70 points, its changes make 71",
        ),
        (
            "\"points\":70,\"expires_at\"",
            "\"points\":71,\"expires_at\"",
            "account acme: lifetime points gone before: 30 stored, 29 by its entries",
        ),
    ] {
        let cloud = opened().await;
        let entry = stored(&cloud, "ledger", &first).await["entry"].as_s().unwrap().clone();
        tamper(&cloud, "ledger", &first, Some(("entry", text(&altered(&entry, from, to))))).await;
        let found = audited(&cloud).await;
        assert!(found.iter().any(|line| line == expected), "{expected:?} is not in {found:#?}");
    }
}

#[tokio::test]
async fn an_account_that_no_walk_would_come_by_is_found() {
    const ACCOUNT: &[(&str, &str)] = &[("account_id", "acme")];
    let (cloud, walks) = (cloud().await, domain::warning::Walk::ALL);
    let store = cloud.app("accounts").unwrap().store().clone();
    let item = stored(&cloud, "accounts", ACCOUNT).await;
    let filed = Instant::from_ms(item["due_at"].as_n().unwrap().parse().unwrap());
    let day = domain::time::Day::parse(&item["due"].as_s().unwrap()[..10]).unwrap();
    assert_eq!(audited(&cloud).await, [""; 0]);

    let mut unfiled = item.clone();
    unfiled.retain(|name, _| !name.starts_with("due"));
    plant(&cloud, "accounts", unfiled).await;
    let found = audited(&cloud).await;
    assert!(
        found.len() == 1 && found[0].starts_with("account acme: is filed nowhere, and something falls"),
        "{found:?}"
    );

    let mut late = item.clone();
    let later = filed.plus_ms(60 * Instant::DAY_MS);
    late.insert("due_at".to_owned(), AttributeValue::N(later.as_ms().to_string()));
    plant(&cloud, "accounts", late).await;
    let found = audited(&cloud).await;
    let expected = format!("account acme: is filed for {later}, and something falls due at ");
    assert!(found.len() == 1 && found[0].starts_with(&expected), "{found:?}");

    // One walk has come by and left it for the other; then both are past it.
    plant(&cloud, "accounts", item).await;
    for (walk, expected) in walks.into_iter().zip([vec![], vec!["acme", "other"]]) {
        store.set_first_open_day(walk, day.plus(1)).await.unwrap();
        let expected = expected.into_iter();
        let expected: Vec<_> = expected
            .map(|id| format!("account {id}: is filed under {day}, which is closed, and not set aside"))
            .collect();
        assert_eq!(audited(&cloud).await, expected);
    }
    let account_id = AccountId::parse("acme").unwrap();
    store.set_aside(walks[1], &store::SetAside { account_id, reason: "a test".to_owned(), at: filed }).await.unwrap();
    assert_eq!(
        audited(&cloud).await,
        [format!("account other: is filed under {day}, which is closed, and not set aside")]
    );
}

/// What is done to an account, and what is found of it.
type Wrong = (fn(&mut Account), &'static [&'static str]);

const WRONG: [Wrong; 8] = [
    (|_| {}, &[]),
    (|acme| acme.lifetime.purchase_days = 4, &["lifetime purchase days: 4 stored, 3 by its orders"]),
    (|acme| acme.lifetime.purchase_days = 2, &["lifetime purchase days: 2 stored, 3 by its orders"]),
    (|acme| acme.lifetime.downgrades = 1, &["lifetime downgrades: 1 stored, 0 by its entries"]),
    (|acme| acme.lifetime.discount_value = Minor(2_631), &["lifetime discount value: 2631 stored, 2632 by its orders"]),
    (|acme| acme.lifetime.units = 1_701, &["lifetime units: 1701 stored, 1700 by its orders"]),
    (
        |acme| {
            let mut month = acme.activity.months()[0];
            (month.discounts_used, month.discount_value) = (2, Minor(3_158));
            (month.orders, month.purchase_days) = (4, month.purchase_days | 1);
            acme.activity = Activity::of(vec![month]);
        },
        &[
            "discount value of 2011-01: 3158 stored, 2632 by its orders",
            "discounts used of 2011-01: 2 stored, 1 by its orders",
            "orders of 2011-01: 4 stored, 3 by its orders",
            "purchase days, the last first, of 2011-01: 0000000000000000000111000000001 stored, \
             0000000000000000000111000000000 by its orders",
        ],
    ),
    (
        |acme| {
            let month = acme.activity.months()[0];
            acme.activity = Activity::of(vec![MonthActivity { month: month.month.plus(1), ..month }]);
        },
        &["2011-01 has orders and is not kept", "2011-02 is kept and has no order"],
    ),
];

#[tokio::test]
async fn months_and_totals_that_are_not_those_of_the_orders_are_found() {
    for (wrong, findings) in WRONG {
        let cloud = cloud().await;
        // A sixth of what the second order had bought with its discount comes back.
        take_back(&cloud, "2", Some("r-1")).await;
        let (store, id) = (cloud.app("accounts").unwrap().store(), AccountId::parse("acme").unwrap());
        let mut acme = store.account(&id, Consistency::Strong).await.unwrap().unwrap();
        let guard = Guard::Version(acme.version);
        wrong(&mut acme);
        store.commit(&[Write::Put(Record::Account(Box::new(acme)), guard)]).await.unwrap();
        let findings: Vec<_> = findings.iter().map(|what| format!("account acme: {what}")).collect();
        assert_eq!(audited(&cloud).await, findings);
    }
}
