//! The hot item of an account stays small: it is what every order pays for.

use domain::account::Account;
use domain::code::Code;
use domain::decision::{Guard, Record, Write};
use domain::hold::{HOLDS_MAX, Hold};
use domain::id::AccountId;
use domain::money::Points;
use domain::referral::{RedemptionId, RedemptionKey, Referral, Stage};
use domain::review::Reviewed;
use domain::time::{Instant, Month};
use domain::warning::{Subject, Told};
use serde_json::{Value, json};
use store::Consistency;
use tests::size::item_bytes;
use tests::{Cloud, Order, at};

/// The account as stored, once it was reviewed and walked for everything: its size in bytes, and what is in it.
async fn hot_item(cloud: &Cloud, id: &str) -> (usize, Account) {
    let app = cloud.app();
    let account = app.store().account(&AccountId::parse(id).unwrap(), Consistency::Strong).await.unwrap().unwrap();
    let (version, at) = (account.version, account.last_decided);
    // Told of every lot that ends within the longest lead, and of a review.
    let ends = account.holdings.lots().iter().map(|lot| lot.expires_at);
    let soon = ends.filter(|end| *end <= at.plus_ms(366 * 24 * HOUR_MS));
    let mut told: Vec<_> = soon.map(|ends_at| Told { subject: Subject::Points, ends_at, days: 365 }).collect();
    told.push(Told { subject: Subject::Tier, ends_at: at.plus_ms(300 * 24 * HOUR_MS), days: 365 });
    let reviewed = Some(Reviewed { at, held_through: Some(Month(24_000)) });
    let walked = Record::Account(Box::new(Account { reviewed, told, ..account }));
    app.store().commit(&[Write::Put(walked.clone(), Guard::Version(version))]).await.unwrap();
    let (bytes, account) = stored(cloud, id).await;
    assert_eq!(Record::Account(Box::new(account.clone())), walked, "it is read as it was written");
    (bytes, account)
}

async fn stored(cloud: &Cloud, id: &str) -> (usize, Account) {
    let app = cloud.app();
    let key = aws_sdk_dynamodb::types::AttributeValue::S(id.to_owned());
    let table = &app.config().tables.accounts;
    let found = cloud.local().client().get_item().table_name(table).key("account_id", key).send().await.unwrap();
    let account = app.store().account(&AccountId::parse(id).unwrap(), Consistency::Strong).await.unwrap().unwrap();
    (item_bytes(&found.item.unwrap()), account)
}

/// The bytes that the item has once it shares a code and was rewarded often, and once it came by one, too.
async fn with_referrals(cloud: &Cloud, id: &str, account: &Account) -> (usize, usize) {
    let mut sizes = Vec::new();
    let key = RedemptionKey { code: Code::of_bits(u64::MAX), redemption_id: RedemptionId::of_bits(u64::MAX) };
    let stage = Stage::Qualified { reward_at: account.last_decided.plus_ms(30 * 24 * HOUR_MS) };
    let came = Referral { key, version: 2, program_version: 100, redeemed_at: None, stage };
    for referral in [None, Some(came)] {
        let shares = Account { has_referral_code: true, referrals_rewarded: 1_000, referral, ..account.clone() };
        let put = Write::Put(Record::Account(Box::new(shares.clone())), Guard::Version(account.version));
        cloud.app().store().commit(&[put]).await.unwrap();
        let (bytes, stored) = stored(cloud, id).await;
        assert_eq!(stored, shares, "it is read as it was written");
        sizes.push(bytes);
    }
    (sizes[0], sizes[1])
}

/// The bytes that the item as it is stored has once the account holds something for as many carts as it can, every open
/// discount among it.
async fn with_holds(cloud: &Cloud, id: &str, each: usize) -> usize {
    let (_, account) = stored(cloud, id).await;
    let mut codes = account.discounts.iter().map(|open| open.code.clone());
    let hold = |n: usize| Hold {
        entry: account.version - HOLDS_MAX as u64 + n as u64,
        until: account.last_decided.plus_ms(1_800_000 + 7_777 * n as i64),
        points: Points(50_000),
        codes: codes.by_ref().take(each).collect(),
    };
    let holds: Vec<_> = (0..HOLDS_MAX).map(hold).collect();
    let holds = Account { holds, ..account.clone() };
    let put = Write::Put(Record::Account(Box::new(holds.clone())), Guard::Version(account.version));
    cloud.app().store().commit(&[put]).await.unwrap();
    let (bytes, stored) = stored(cloud, id).await;
    assert_eq!(stored, holds, "it is read as it was written");
    bytes
}

/// The first of a month, `months` after January 2010, at noon.
fn month(months: u32) -> Instant {
    at(&format!("{}-{:02}-01T12:00:00Z", 2010 + months / 12, months % 12 + 1))
}

const HOUR_MS: i64 = 3_600_000;

/// An order at an instant that is also now.
fn order(cloud: &Cloud, account: &str, when: Instant) -> Order {
    cloud.set_instant(when);
    cloud.order(&format!("o-{}", when.as_ms())).account(account).placed(&when.to_string())
}

/// Places an order; answers the codes of the discounts that it issued.
async fn issued(order: Order) -> Vec<String> {
    let receipt = order.send().await.expect(201);
    let discounts = receipt["discounts_issued"].as_array().unwrap().iter();
    discounts.map(|discount| discount["code"].as_str().unwrap().to_owned()).collect()
}

/// Places an order that uses so many of the open discounts, and answers those that are open then. It issues them again;
/// more than three at once, and an old DynamoDB Local would not take all that the order writes.
async fn exchanged(order: Order, mut codes: Vec<String>, using: usize) -> Vec<String> {
    let left = codes.split_off(using.min(codes.len()));
    let issued = issued(codes.iter().fold(order, |order, code| order.code(code))).await;
    left.into_iter().chain(issued).collect()
}

#[tokio::test]
async fn the_item_of_an_ordinary_full_account_stays_within_a_kilobyte() {
    let cloud = Cloud::with(|program| {
        let mut welcome = program["discounts"][0].clone();
        welcome["id"] = json!("large-order-thanks");
        welcome["percent"] = json!("7.5");
        program["discounts"].as_array_mut().unwrap().push(welcome);
    })
    .await;
    let id = "customer-0012345-north";
    cloud.set_instant(month(0));
    let document = json!({"name": "Acme", "segments": ["wholesale", "uk-north", "key-account"]});
    cloud.account(id).put(document).await.expect(201);
    // Some 15,000 pounds on every second day of 25 months, more than the largest customer of the sample data; twice on
    // one day of each month, once with postage, and twice a month with the discounts that are open.
    let mut codes = Vec::new();
    for n in 0..25 {
        for day in 0..14 {
            let amount = format!("{}.{:02}", 28 + day % 7, 13 + (n * 7 + day) % 80);
            let when = month(n).plus_ms(i64::from(day) * 48 * HOUR_MS);
            let mut placed = order(&cloud, id, when).line("MUG", 480, &amount);
            if day == 9 {
                order(&cloud, id, when.plus_ms(-HOUR_MS)).line("MUG", 1, &amount).send().await.expect(201);
                placed = placed.line("POST", 1, "39.50");
            }
            if day == 2 || day == 9 {
                placed = codes.drain(..).fold(placed, |placed, code: String| placed.code(&code));
            }
            let issued = issued(placed).await;
            codes = if issued.is_empty() { codes } else { issued };
        }
    }
    let (bytes, account) = hot_item(&cloud, id).await;
    assert_eq!(account.activity.months().len(), 25);
    assert_eq!(account.holdings.lots().len(), 25);
    assert_eq!(account.discounts.len(), 2);
    assert_eq!((account.tier.as_str(), account.version), ("platinum", 376));
    assert!(account.activity.months().iter().all(|month| {
        let whole = (month.orders, month.purchase_days.count_ones(), month.discounts_used) == (15, 14, 4);
        whole && month.revenue.0 > 10_000_000 && month.units > 5_000 && month.discount_value.0 > 100_000
    }));
    assert!(account.due.is_some());
    assert!(bytes <= 1_024, "{bytes} bytes");
    println!("an ordinary full account takes {bytes} bytes");
    let (shares, came) = with_referrals(&cloud, id, &account).await;
    assert!(shares <= 1_024, "{shares} bytes");
    // Who came by a code may need some of the second kilobyte: what is known of that takes this much.
    assert!(came - bytes <= 38, "{came} bytes instead of {bytes}");
    println!("one that shares a code {shares} bytes, one that came by a code, too, {came}");
}

#[tokio::test]
async fn the_item_stays_within_two_kilobytes_with_every_list_at_its_bound() {
    let long = |prefix: &str, bytes: usize| format!("{prefix:-<bytes$}");
    let cloud = Cloud::with(|program| {
        program["points"] = json!({"validity_months": 60, "pending_days": 30});
        for (n, level) in program["tiers"]["levels"].as_array_mut().unwrap().iter_mut().enumerate() {
            level["id"] = json!(long(&format!("tier-{n}"), 16));
        }
        let rule = program["discounts"][0].clone();
        let rules = (0..10).map(|n| {
            let mut rule = rule.clone();
            rule["id"] = json!(long(&format!("discount-rule-{n}"), 32));
            rule["validity_days"] = json!(1_000);
            // Two orders issue them: an old DynamoDB Local takes no more than ten writes at once.
            rule["minimum_total"] = json!(if n < 5 { "500.00" } else { "5000000.00" });
            rule
        });
        program["discounts"] = rules.collect::<Value>();
    })
    .await;
    let id = &long("customer", 40);
    cloud.set_instant(month(0));
    let segments: Vec<_> = (0..8).map(|n| long(&format!("segment-{n}"), 16)).collect();
    cloud.account(id).put(json!({"name": "Acme", "segments": segments})).await.expect(201);
    let mut codes = Vec::new();
    for n in 0..61 {
        for day in [0, 9, 27] {
            let placed = order(&cloud, id, month(n).plus_ms(day * 24 * HOUR_MS)).line("MUG", 4_800, "731.27");
            let using = if day == 9 { 3 } else { 0 };
            codes = exchanged(placed, codes, using).await;
        }
    }
    // A day's orders for every day that points wait, after the last month that has a lot.
    for day in 0..31 {
        let amount = if day == 30 { "1200.00" } else { "731.27" };
        let placed = order(&cloud, id, month(61).plus_ms(day * 24 * HOUR_MS - HOUR_MS)).line("MUG", 4_800, amount);
        let using = if day == 1 || day == 29 { 3 } else { 0 };
        codes = exchanged(placed, codes, using).await;
    }
    // And a credit note on its way, of which nothing has been found yet.
    let note = cloud.hurried().await.account(id).credit_note(&long("credit-note", 64)).units("JUG", 1);
    note.at(&cloud.now().to_string()).send().await.expect(202);
    let (bytes, account) = hot_item(&cloud, id).await;
    assert!(account.credit_note.is_some());
    assert_eq!(account.activity.months().len(), 25);
    let used = account.activity.months().iter().filter(|month| month.discounts_used == 3);
    assert_eq!(used.filter(|month| month.discount_value.0 > 10_000_000).count(), 25);
    assert!(account.holdings.lots().len() >= 60, "{} lots", account.holdings.lots().len());
    assert!(account.holdings.pending().len() >= 30, "{} days", account.holdings.pending().len());
    assert_eq!((account.discounts.len(), account.segments.len()), (10, 8));
    assert!(bytes <= 2_048, "{bytes} bytes");
    println!("an account with every list at its bound takes {bytes} bytes");
    let (_, bytes) = with_referrals(&cloud, id, &account).await;
    assert!(bytes <= 2_048, "{bytes} bytes");
    println!("one that shares a code and came by one {bytes} bytes");
    let bytes = with_holds(&cloud, id, 2).await;
    assert!(bytes <= 2_048, "{bytes} bytes");
    println!("one that is at eight checkouts besides {bytes} bytes");
}
