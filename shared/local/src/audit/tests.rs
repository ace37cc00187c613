use super::*;
use crate::cloud::{Cloud, Options, Storage};
use crate::program;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::order::Order;
use domain::time::Instant;
use runtime::{Caller, Clock};
use serde_json::json;

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
    let report = run(cloud.app("accounts").unwrap().store(), domain::time::Instant::MAX).await.unwrap();
    report.findings.iter().map(ToString::to_string).collect()
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// Changes one stored item behind the program's back; without a change it is removed.
async fn tamper(cloud: &Cloud, table: &str, keys: &[(&str, &str)], change: Option<(&str, AttributeValue)>) {
    let key: HashMap<_, _> = keys.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
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

#[tokio::test]
async fn books_that_are_in_order_are_said_to_be() {
    let cloud = cloud().await;
    let report = run(cloud.app("accounts").unwrap().store(), domain::time::Instant::MAX).await.unwrap();
    let expected = "2 accounts, 4 orders, 4 entries, 3 discounts\n\
        points: 2550 issued = 2550 outstanding + 0 expired + 0 reversed\nnothing found\n";
    assert_eq!(report.to_string(), expected);
}

/// A table, the key of one of its items, what becomes of that, and what the audit says.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<(&'a str, AttributeValue)>, &'a [&'a str]);

#[tokio::test]
async fn whatever_was_changed_is_found() {
    let (entry, acme) = ("E#0000000000000000002", ("account_id", "acme"));
    let number = |value: &str| AttributeValue::N(value.to_owned());
    let lots = {
        let other = cloud().await;
        let found = other.client().get_item().table_name("accounts").key("account_id", text("other")).send().await;
        found.unwrap().item.unwrap()["lots"].clone()
    };
    let rows: [Row<'_>; 6] = [
        ("ledger", &[acme, ("sk", entry)], None, &["account acme: 1 entries are missing, the first is 2"]),
        (
            "ledger",
            &[acme, ("sk", entry)],
            Some(("points", number("601"))),
            &["account acme: entry 2: 601 points, its changes make 600"],
        ),
        (
            "ledger",
            &[acme, ("sk", entry)],
            Some(("balance", number("1201"))),
            &["account acme: entry 2: balance 1201, the sum so far is 1200"],
        ),
        (
            "accounts",
            &[acme],
            Some(("lots", lots)),
            &[
                "account acme: points held: 600 stored, 1950 by its entries",
                "program: points issued differ from outstanding + expired + reversed",
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
    tamper(&cloud, "ledger", &[("account_id", "acme"), ("sk", &open_key)], None).await;
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
