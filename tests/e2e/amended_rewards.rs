//! What an amendment makes of the tier that its order had raised, and of the discounts it issued or named.

use domain::account::Account;
use domain::id::AccountId;
use serde_json::{Value, json};
use store::Consistency;
use tests::{Cloud, Order, Reply};

/// An order of this worth.
fn worth(cloud: &Cloud, id: &str, amount: &str) -> Order {
    cloud.order(id).line("MUG", 1, amount)
}

/// Amends it to this worth.
async fn amend(cloud: &Cloud, id: &str, revision: u64, amount: &str) -> Reply {
    cloud.order(id).amended(revision).line("MUG", 1, amount).put().await.expect(200)
}

async fn stored(cloud: &Cloud) -> Account {
    let id = AccountId::parse("acme").unwrap();
    cloud.app().store().account(&id, Consistency::Strong).await.unwrap().unwrap()
}

/// The tier held, since when, and how often it was raised.
async fn tier(cloud: &Cloud) -> (String, String, u64) {
    cloud.audit().await;
    let account = stored(cloud).await;
    (account.tier.to_string(), account.tier_since.to_string(), account.lifetime.upgrades)
}

fn held(tier: &str, since: &str, upgrades: u64) -> (String, String, u64) {
    (tier.to_owned(), format!("2011-03-{since}T12:00:00Z"), upgrades)
}

#[tokio::test]
async fn an_amendment_raises_the_tier_and_undoes_what_its_order_had_raised() {
    let cloud = Cloud::start().await;
    worth(&cloud, "o-1", "900.00").send().await.expect(201);
    cloud.set_clock("2011-03-02T12:00:00Z");
    let raised = amend(&cloud, "o-1", 1, "1200.00").await;
    assert_eq!((&raised["tier"]["before"], &raised["tier"]["after"]), (&json!("member"), &json!("silver")));
    assert_eq!(raised["tier"]["qualifying_spend"]["amount"], "1200.00");
    assert_eq!(raised.number("points"), 1_200, "the tier held before it counts");
    assert!(raised["reasons"].as_array().unwrap().iter().any(|reason| reason["id"] == "tier.raised"));
    assert_eq!(tier(&cloud).await, held("silver", "02", 1));
    cloud.set_clock("2011-03-03T12:00:00Z");
    let undone = amend(&cloud, "o-1", 2, "999.99").await;
    assert_eq!(undone["tier"]["after"], "member");
    assert!(undone["reasons"].as_array().unwrap().iter().all(|reason| reason["id"] != "tier.raised"));
    let changes = cloud.account("acme").history().await[0]["changes"].clone();
    let lowered = changes.as_array().unwrap().iter().find(|change| change["type"] == "tier.changed").unwrap();
    assert_eq!((&lowered["from"], &lowered["to"]), (&json!("silver"), &json!("member")));
    assert_eq!(tier(&cloud).await, held("member", "01", 0));
    amend(&cloud, "o-1", 3, "1000.00").await;
    assert_eq!(tier(&cloud).await, held("silver", "03", 1));
    amend(&cloud, "o-1", 4, "5000.00").await;
    assert_eq!(tier(&cloud).await, held("gold", "03", 1));
    amend(&cloud, "o-1", 5, "1.00").await;
    assert_eq!(tier(&cloud).await, held("member", "01", 0));
}

/// A name, what others buy before, what the order is worth at first, what others buy after, and what it is worth then;
/// the tier in the end and how often it was raised.
type Raises = (&'static str, &'static [&'static str], &'static str, &'static [&'static str], &'static str, End);
type End = (&'static str, u64);

const RAISES: [Raises; 8] = [
    ("nothing else", &[], "1200.00", &[], "900.00", ("member", 0)),
    ("others had brought it close", &["900.00"], "200.00", &[], "50.00", ("member", 0)),
    ("others had brought it there", &["1100.00"], "200.00", &[], "50.00", ("silver", 1)),
    ("another has since raised it further", &[], "1200.00", &["4000.00"], "10.00", ("gold", 2)),
    ("another would have raised it by now", &[], "1200.00", &["950.00"], "60.00", ("silver", 1)),
    ("another would not have", &[], "1200.00", &["900.00"], "60.00", ("member", 0)),
    ("another raised it, with its help", &[], "600.00", &["600.00"], "10.00", ("silver", 1)),
    ("two steps become one", &[], "6000.00", &[], "1500.00", ("silver", 1)),
];

#[tokio::test]
async fn a_raise_is_undone_where_the_order_had_no_right_to_it_and_nothing_changed_it_since() {
    for (name, before, first, after, then, expected) in RAISES {
        let cloud = Cloud::start().await;
        for (n, amount) in before.iter().enumerate() {
            worth(&cloud, &format!("before-{n}"), amount).send().await.expect(201);
        }
        worth(&cloud, "o-1", first).send().await.expect(201);
        cloud.set_clock("2011-03-02T12:00:00Z");
        for (n, amount) in after.iter().enumerate() {
            worth(&cloud, &format!("after-{n}"), amount).send().await.expect(201);
        }
        amend(&cloud, "o-1", 1, then).await;
        let (tier, _, times) = tier(&cloud).await;
        assert_eq!((tier.as_str(), times), expected, "{name}");
    }
}

#[tokio::test]
async fn a_raise_that_is_undone_leaves_the_date_of_the_review_where_it_was() {
    let cloud = Cloud::with(|program| {
        program["tiers"]["review"] = json!({"hold_months": 3, "grace_days": 10, "downgrade": "to_earned"});
    })
    .await;
    worth(&cloud, "o-1", "1200.00").send().await.expect(201);
    let review = async || cloud.account("acme").standing().await.expect(200)["tier"]["review"]["at"].clone();
    assert_eq!(review().await, "2011-07-10T23:00:00Z");
    // Kept in July and in October, by what was bought in March.
    for (now, first, next) in [
        ("2011-07-02T12:00:00Z", "2011-07-10T23:00:00Z", "2011-07-10T23:00:00Z"),
        ("2011-08-01T12:00:00Z", "2011-10-10T23:00:00Z", "2011-10-10T23:00:00Z"),
        // The review of the silver tier fell due while gold was held: it starts anew with the raise.
        ("2011-09-01T12:00:00Z", "2011-10-10T23:00:00Z", "2012-01-11T00:00:00Z"),
    ] {
        cloud.set_clock(now);
        assert_eq!(review().await, first);
        let id = format!("o-{now}");
        worth(&cloud, &id, "5000.00").send().await.expect(201);
        assert_eq!(cloud.account("acme").standing().await.expect(200)["tier"]["id"], "gold");
        if first != next {
            cloud.set_clock("2011-10-20T12:00:00Z");
        }
        amend(&cloud, &id, 1, "1.00").await;
        assert_eq!(cloud.account("acme").standing().await.expect(200)["tier"]["id"], "silver");
        assert_eq!(review().await, next, "raised and undone at {now}");
    }
    cloud.audit().await;
}

#[tokio::test]
async fn what_is_undone_ends_at_the_tier_that_others_had_raised_before() {
    let cloud = Cloud::start().await;
    worth(&cloud, "o-1", "1200.00").send().await.expect(201);
    cloud.set_clock("2011-03-02T12:00:00Z");
    worth(&cloud, "o-2", "4000.00").send().await.expect(201);
    assert_eq!(tier(&cloud).await, held("gold", "02", 2));
    cloud.set_clock("2011-03-03T12:00:00Z");
    amend(&cloud, "o-1", 1, "30000.00").await;
    assert_eq!(tier(&cloud).await, held("platinum", "03", 3));
    // As if it had never been stated so.
    let receipt = amend(&cloud, "o-1", 2, "10.00").await;
    assert_eq!(tier(&cloud).await, held("gold", "02", 2));
    assert!(receipt["reasons"].as_array().unwrap().iter().all(|reason| reason["id"] != "tier.raised"));
    // And what the other had raised can still be undone.
    amend(&cloud, "o-2", 1, "10.00").await;
    assert_eq!(tier(&cloud).await, held("silver", "01", 1));
}

#[tokio::test]
async fn what_came_back_lowers_no_tier_when_the_order_is_amended() {
    let cloud = Cloud::start().await;
    let order = cloud.order("o-1").line("MUG", 12, "100.00");
    order.send().await.expect(201);
    order.returned("r-1").units("1", 5).send().await.expect(201);
    order.amended(1).line("MUG", 11, "100.00").put().await.expect(200);
    assert_eq!(tier(&cloud).await, held("silver", "01", 1));
    let qualifying = cloud.account("acme").standing().await.expect(200)["tier"]["qualifying_spend"].clone();
    assert_eq!(qualifying["amount"], "600.00");
    // But what was never bought does not count.
    order.amended(2).line("MUG", 9, "100.00").put().await.expect(200);
    assert_eq!(tier(&cloud).await, held("member", "01", 0));
}

#[tokio::test]
async fn what_others_earned_by_a_raise_that_is_undone_stays_theirs() {
    let cloud = Cloud::start().await;
    worth(&cloud, "o-1", "1200.00").send().await.expect(201);
    assert_eq!(worth(&cloud, "o-2", "100.00").send().await.expect(201).number("points"), 125);
    amend(&cloud, "o-1", 1, "10.00").await;
    assert_eq!(tier(&cloud).await, held("member", "01", 0));
    assert_eq!(cloud.order("o-2").score().await.expect(200).number("points"), 125);
    assert_eq!(cloud.account("acme").standing().await.expect(200)["points"]["balance"], 135);
}

/// The codes of a receipt's discounts, or a standing's.
fn codes(of: &Value) -> Vec<String> {
    of.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

/// The account's open discounts; and the books balance.
async fn open(cloud: &Cloud) -> Vec<String> {
    cloud.audit().await;
    codes(&cloud.account("acme").standing().await.expect(200)["discounts"])
}

/// How many discounts were issued and used, less those withdrawn and given back.
async fn counted(cloud: &Cloud) -> (u64, u64) {
    let lifetime = stored(cloud).await.lifetime;
    (lifetime.discounts_issued, lifetime.discounts_used)
}

#[tokio::test]
async fn a_discount_is_withdrawn_and_made_valid_again_under_the_same_code() {
    let cloud = Cloud::start().await;
    let issued = worth(&cloud, "o-1", "600.00").send().await.expect(201);
    let code = codes(&issued["discounts_issued"]).remove(0);
    let below = amend(&cloud, "o-1", 1, "499.99").await;
    assert_eq!(below["discounts_issued"], json!([]));
    let reason = below["reasons"][1].clone();
    assert_eq!((&reason["id"], &reason["fired"]), (&json!("discount.missed"), &json!(false)), "{reason}");
    assert_eq!((open(&cloud).await, counted(&cloud).await), (vec![], (0, 0)));
    let using = worth(&cloud, "o-2", "10.00").code(&code);
    assert_eq!(using.send().await.expect_problem(422, "discount-void").fault_paths(), ["$.discount_codes[0]"]);
    // Still withdrawn; then as it was.
    amend(&cloud, "o-1", 2, "300.00").await;
    let above = amend(&cloud, "o-1", 3, "500.00").await;
    assert_eq!(above["discounts_issued"], issued["discounts_issued"]);
    assert_eq!((open(&cloud).await, counted(&cloud).await), (vec![code.clone()], (1, 0)));
    using.send().await.expect(201);
    assert_eq!((open(&cloud).await, counted(&cloud).await), (vec![], (1, 1)));
}

#[tokio::test]
async fn an_amendment_issues_the_discount_that_the_order_itself_would_have() {
    let cloud = Cloud::start().await;
    worth(&cloud, "o-1", "499.99").send().await.expect(201);
    cloud.set_clock("2011-03-10T12:00:00Z");
    let issued = amend(&cloud, "o-1", 1, "500.00").await;
    assert_eq!(issued["discounts_issued"][0]["expires_at"], "2011-03-31T11:00:00Z");
    let fresh = Cloud::start().await;
    let direct = worth(&fresh, "o-1", "500.00").send().await.expect(201);
    assert_eq!(issued["discounts_issued"], direct["discounts_issued"]);
    // One whose validity is over by then is none.
    worth(&cloud, "o-2", "10.00").code(&codes(&issued["discounts_issued"])[0]).send().await.expect(201);
    worth(&cloud, "o-3", "10.00").send().await.expect(201);
    cloud.set_clock("2011-03-31T11:00:00Z");
    assert_eq!(amend(&cloud, "o-3", 1, "900.00").await["discounts_issued"], json!([]));
}

#[tokio::test]
async fn a_discount_that_was_used_or_has_ended_is_not_withdrawn() {
    let cloud = Cloud::start().await;
    let issued = worth(&cloud, "o-1", "600.00").send().await.expect(201)["discounts_issued"].clone();
    let using = worth(&cloud, "o-2", "10.00").code(&codes(&issued)[0]);
    let used = using.send().await.expect(201);
    let receipt = amend(&cloud, "o-1", 1, "10.00").await;
    assert_eq!(receipt["discounts_issued"], issued);
    assert_eq!((open(&cloud).await, counted(&cloud).await), (vec![], (1, 1)));
    assert_eq!(using.send().await.expect(200).body(), used.body());
    let issued = worth(&cloud, "o-3", "600.00").send().await.expect(201)["discounts_issued"].clone();
    cloud.set_clock("2011-03-31T11:00:00Z");
    assert_eq!(amend(&cloud, "o-3", 1, "10.00").await["discounts_issued"], issued);
    assert_eq!((open(&cloud).await, counted(&cloud).await), (vec![], (2, 1)));
}

#[tokio::test]
async fn a_withdrawn_discount_stays_so_while_another_is_open_or_when_its_time_is_over() {
    let cloud = Cloud::start().await;
    worth(&cloud, "o-1", "600.00").send().await.expect(201);
    amend(&cloud, "o-1", 1, "10.00").await;
    let other = codes(&worth(&cloud, "o-2", "600.00").send().await.expect(201)["discounts_issued"]);
    let still = amend(&cloud, "o-1", 2, "600.00").await;
    assert_eq!(still["discounts_issued"], json!([]));
    assert_eq!(open(&cloud).await, other);
    cloud.set_clock("2011-03-31T11:00:00Z");
    let over = amend(&cloud, "o-1", 3, "700.00").await;
    assert_eq!(over["discounts_issued"], json!([]));
    assert_eq!(open(&cloud).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_order_cannot_use_the_discount_that_it_brought_about() {
    let cloud = Cloud::start().await;
    let order = worth(&cloud, "o-1", "600.00");
    let code = codes(&order.send().await.expect(201)["discounts_issued"]).remove(0);
    let before = cloud.tables().await;
    let own = order.amended(1).line("MUG", 1, "600.00").code(&code).put().await;
    assert_eq!(own.expect_problem(422, "discount-unknown").fault_paths(), ["$.discount_codes[0]"]);
    assert_eq!(cloud.tables().await, before);
}

/// Two discounts with each large order.
async fn with_two_rules() -> Cloud {
    Cloud::with(|program| {
        let mut second = program["discounts"][0].clone();
        second["id"] = json!("large-order");
        program["discounts"].as_array_mut().unwrap().push(second);
    })
    .await
}

#[tokio::test]
async fn codes_are_exchanged_and_what_is_not_named_any_more_is_given_back_once() {
    let cloud = with_two_rules().await;
    let both = codes(&worth(&cloud, "o-1", "500.00").send().await.expect(201)["discounts_issued"]);
    let (first, second) = (both[0].as_str(), both[1].as_str());
    let order = worth(&cloud, "o-2", "20.00");
    order.clone().code(first).send().await.expect(201);
    assert_eq!((open(&cloud).await, counted(&cloud).await), (vec![second.to_owned()], (2, 1)));
    let amended = |revision| order.amended(revision).line("MUG", 1, "20.00");
    let exchanged = amended(1).code(second).put().await.expect(200);
    assert_eq!(exchanged["discounts_used"], json!([second]));
    assert_eq!((open(&cloud).await, counted(&cloud).await), (vec![first.to_owned()], (2, 1)));
    let kinds = cloud.account("acme").history().await[0]["changes"].clone();
    let told = kinds.as_array().unwrap();
    assert!(told.contains(&json!({"type": "discount.used", "code": second})), "{kinds}");
    assert!(told.contains(&json!({"type": "discount.released", "code": first})), "{kinds}");
    amended(2).code(second).code(first).put().await.expect(200);
    assert_eq!((open(&cloud).await, counted(&cloud).await), (vec![], (2, 2)));
    amended(3).put().await.expect(200);
    assert_eq!((open(&cloud).await.len(), counted(&cloud).await), (2, (2, 0)));
    // Somebody else's use of it is not given back by those who had named it.
    worth(&cloud, "o-3", "20.00").code(first).send().await.expect(201);
    amended(4).line("CUP", 1, "1.00").put().await.expect(200);
    assert_eq!((open(&cloud).await, counted(&cloud).await), (vec![second.to_owned()], (2, 1)));
    let before = cloud.tables().await;
    let taken = amended(5).code(second).code(first).put().await.expect_problem(422, "discount-used");
    assert_eq!(taken.fault_paths(), ["$.discount_codes[1]"]);
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn a_discount_given_back_after_its_end_is_not_open_again() {
    let cloud = Cloud::start().await;
    let code = codes(&worth(&cloud, "o-1", "600.00").send().await.expect(201)["discounts_issued"]).remove(0);
    worth(&cloud, "o-2", "20.00").code(&code).send().await.expect(201);
    cloud.set_clock("2011-03-31T11:00:00Z");
    // As long as it is named, that it has ended makes no difference.
    cloud.order("o-2").amended(1).line("MUG", 1, "21.00").code(&code).put().await.expect(200);
    assert_eq!(counted(&cloud).await, (1, 1));
    amend(&cloud, "o-2", 2, "20.00").await;
    assert_eq!((open(&cloud).await, counted(&cloud).await), (vec![], (1, 0)));
    let using = worth(&cloud, "o-3", "20.00").code(&code).send().await;
    using.expect_problem(422, "discount-expired");
}

#[tokio::test]
async fn giving_a_discount_back_withdraws_the_one_that_its_use_had_made_room_for() {
    let cloud = Cloud::start().await;
    let first = codes(&worth(&cloud, "o-1", "600.00").send().await.expect(201)["discounts_issued"]);
    let order = worth(&cloud, "o-2", "700.00").code(&first[0]);
    let second = codes(&order.send().await.expect(201)["discounts_issued"]);
    // Had it never named the first, it would not have issued the second.
    let without = amend(&cloud, "o-2", 1, "700.00").await;
    assert_eq!((&without["discounts_issued"], open(&cloud).await), (&json!([]), first));
    order.revision(2).put().await.expect(200);
    assert_eq!(open(&cloud).await, second);
}
