//! Budgets over all accounts, caps per account and period, and conditions on the contact, over HTTP.

use crate::crowd::{CLIENTS, Sent, all_at_once};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::id::RuleId;
use domain::limit::{LimitId, LimitKind};
use local::simulate::{self, Asked};
use serde_json::{Value, json};
use store::Consistency;
use tests::actor::NOON;
use tests::{Cloud, Order, Reply, skips_concurrency};

/// The sample program with these rules after its own.
async fn cloud_with(rules: Value) -> Cloud {
    Cloud::with(|program| {
        program["earning_rules"].as_array_mut().unwrap().extend(rules.as_array().unwrap().iter().cloned());
    })
    .await
}

fn spring(more: Value) -> Value {
    let mut rule = json!({"id": "spring", "name": "Spring", "points": 2, "per": "1.00", "tier_multiplier": false});
    rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!([rule])
}

fn per_account(cap: Value) -> Value {
    spring(json!({"caps": {"per_account": cap}}))
}

fn reason(reply: &Reply) -> Value {
    let reasons = reply["reasons"].as_array().unwrap();
    reasons.iter().find(|reason| reason["rule"] == "spring").unwrap().clone()
}

/// What the rule gave, and the condition that failed where that is nothing.
fn gave(reply: &Reply) -> (i64, Option<String>) {
    let reason = reason(reply);
    (reason["points"].as_i64().unwrap(), reason["condition"].as_str().map(str::to_owned))
}

fn nothing(condition: &str) -> (i64, Option<String>) {
    (0, Some(condition.to_owned()))
}

fn worth(cloud: &Cloud, id: &str, pounds: u64) -> Order {
    cloud.order(id).line("MUG", 1, &format!("{pounds}.00"))
}

async fn used(cloud: &Cloud) -> u64 {
    let id = LimitId::of(LimitKind::EarningBudget, &RuleId::parse("spring").unwrap());
    cloud.app().store().limit(id, Consistency::Strong).await.unwrap().used().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_accounts_at_once_are_given_exactly_the_budget() {
    if skips_concurrency() {
        return;
    }
    let cloud = cloud_with(spring(json!({"budget": 501}))).await;
    // Each wants 20 points: 1,280 in all.
    let orders = (1..=CLIENTS).map(|n| worth(&cloud, &format!("o-{n}"), 10).account(&format!("acme-{n}")));
    let replies = all_at_once(orders.map(Sent::Order)).await;
    let mut given: Vec<_> = replies.iter().map(gave).collect();
    given.sort();
    let full = std::iter::repeat_n((20, None), 25);
    let none = std::iter::repeat_n(nothing("budget_spent"), CLIENTS - 26);
    assert_eq!(given, none.chain([(1, None)]).chain(full).collect::<Vec<_>>());
    assert_eq!(used(&cloud).await, 501);
    let last = replies.iter().find(|reply| gave(reply) == (1, None)).unwrap();
    let text = "Spring: 10.00 GBP × 2 per 1.00 GBP, rounded down = 20, of which its budget of 501 over all accounts had \
                1 left: 1 point.";
    assert_eq!((reason(last)["id"].as_str(), reason(last)["text"].as_str()), (Some("earning.limited"), Some(text)));
    assert_eq!(reason(last)["arithmetic"]["limited_by"], json!({"limit": "budget", "of": 501, "left": 1}));
    // Afterwards the same is said by whoever reads it.
    let (number, _) = (1..).zip(&replies).find(|(_, reply)| gave(reply) == (1, None)).unwrap();
    let read = cloud.order(&format!("o-{number}")).score().await.expect(200);
    assert_eq!(reason(&read), reason(last));
    assert!(cloud.audit().await.findings.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cap_of_three_is_never_four_however_many_come_at_once() {
    if skips_concurrency() {
        return;
    }
    let cloud = cloud_with(per_account(json!({"times": 3, "points": 50, "period": "month"}))).await;
    let orders = (1..=16).map(|n| worth(&cloud, &format!("o-{n}"), 10));
    let replies = all_at_once(orders.map(Sent::Order)).await;
    let mut given: Vec<_> = replies.iter().map(gave).collect();
    given.sort();
    let none = std::iter::repeat_n(nothing("times_cap_reached"), 13);
    assert_eq!(given, none.chain([(10, None), (20, None), (20, None)]).collect::<Vec<_>>());
    // Another account has its own.
    let other = worth(&cloud, "other", 10).account("beta").send().await.expect(201);
    assert_eq!(gave(&other), (20, None));
    assert!(cloud.audit().await.findings.is_empty());
}

#[tokio::test]
async fn what_comes_back_or_is_amended_frees_nothing_and_gets_no_more() {
    let cloud = cloud_with(spring(json!({"budget": 100}))).await;
    let first = worth(&cloud, "o-1", 30);
    assert_eq!(gave(&first.tried("").await.expect(201)), (60, None));
    assert_eq!(used(&cloud).await, 0);
    assert_eq!(gave(&first.send().await.expect(201)), (60, None));
    assert_eq!(gave(&first.send().await.expect(200)), (60, None));
    // Larger: no more than at first. Smaller, and large again: as at first.
    for (revision, pounds, points) in [(1, 40, 60), (2, 10, 20), (3, 35, 60)] {
        let amended = first.amended(revision).line("MUG", 1, &format!("{pounds}.00")).put().await.expect(200);
        assert_eq!(gave(&amended), (points, None), "{pounds}");
    }
    let held = first.amended(4).line("MUG", 1, "50.00").put().await.expect(200);
    let text = "Spring: 50.00 GBP × 2 per 1.00 GBP, rounded down = 100, of which 60 were given when the order was first \
                scored: 60 points.";
    assert_eq!(reason(&held)["text"], text);
    assert_eq!(reason(&held)["arithmetic"]["limited_by"], json!({"limit": "first_score", "left": 60}));
    first.cancelled().send().await.expect(201);
    assert_eq!(used(&cloud).await, 60);
    assert_eq!(gave(&worth(&cloud, "o-2", 30).account("beta").send().await.expect(201)), (40, None));
    let spent = worth(&cloud, "o-3", 30);
    let tried = spent.tried("").await.expect(201);
    let spent = spent.send().await.expect(201);
    assert_eq!(tried.json(), spent.json());
    assert_eq!(gave(&spent), nothing("budget_spent"));
    let text = "Spring: no points, because its budget of 100 points over all accounts is spent.";
    assert_eq!(reason(&spent)["text"], text);
    // What was given nothing then is given nothing later.
    let amended = worth(&cloud, "o-3", 30).amended(1).line("MUG", 1, "31.00").put().await.expect(200);
    assert_eq!(gave(&amended), nothing("budget_spent"));
    assert!(cloud.audit().await.findings.is_empty());
}

#[tokio::test]
async fn another_version_may_raise_or_lower_a_budget_and_what_was_used_counts() {
    let cloud = cloud_with(spring(json!({"budget": 100}))).await;
    assert_eq!(gave(&worth(&cloud, "o-1", 40).send().await.expect(201)), (80, None));
    for (budget, id, given) in [(90, "o-2", 10), (130, "o-3", 40), (50, "o-4", 0)] {
        let mut document: Value = serde_json::from_str(tests::WHOLESALE).unwrap();
        document["earning_rules"]
            .as_array_mut()
            .unwrap()
            .extend(spring(json!({"budget": budget})).as_array().cloned().unwrap());
        cloud.activate(document).await;
        assert_eq!(gave(&worth(&cloud, id, 40).account(id).send().await.expect(201)).0, given, "{budget}");
    }
    assert_eq!(used(&cloud).await, 130);
}

#[tokio::test]
async fn a_cap_counts_by_the_month_that_an_order_was_placed_in() {
    let cloud = cloud_with(per_account(json!({"points": 50, "period": "month"}))).await;
    let order = |id: &str, placed: &str, pounds: u64| worth(&cloud, id, pounds).placed(placed);
    assert_eq!(gave(&order("o-1", NOON, 20).send().await.expect(201)), (40, None));
    let cut = order("o-2", NOON, 20).send().await.expect(201);
    let text = "Spring: 20.00 GBP × 2 per 1.00 GBP, rounded down = 40, of which 10 were left of the 50 per month that one \
                account is given: 10 points.";
    assert_eq!((gave(&cut), reason(&cut)["text"].as_str()), ((10, None), Some(text)));
    assert_eq!(reason(&cut)["arithmetic"]["limited_by"], json!({"limit": "per_account", "of": 50, "left": 10}));
    assert_eq!(gave(&order("o-3", NOON, 20).send().await.expect(201)), nothing("points_cap_reached"));
    // In London's April it is April, and March is counted on.
    cloud.set_clock("2011-04-20T12:00:00Z");
    assert_eq!(gave(&order("o-4", "2011-03-31T22:59:59Z", 20).send().await.expect(201)), nothing("points_cap_reached"));
    assert_eq!(gave(&order("o-5", "2011-03-31T23:00:00Z", 20).send().await.expect(201)), (40, None));
    assert_eq!(gave(&order("o-6", "2011-04-20T12:00:00Z", 20).send().await.expect(201)), (10, None));
    // Of February nothing is known any more; it was not used, but nobody can tell.
    let late = order("o-7", "2011-02-20T12:00:00Z", 20).send().await.expect(201);
    assert_eq!(gave(&late), nothing("cap_period_over"));
    cloud.set_clock("2011-05-02T12:00:00Z");
    assert_eq!(gave(&order("o-8", NOON, 20).send().await.expect(201)), nothing("cap_period_over"));
    assert_eq!(gave(&order("o-9", "2011-05-02T12:00:00Z", 30).send().await.expect(201)), (50, None));
    assert!(cloud.audit().await.findings.is_empty());
}

#[tokio::test]
async fn a_cap_counts_by_the_quarter_that_an_order_was_placed_in() {
    let cloud = cloud_with(per_account(json!({"points": 50, "period": "quarter"}))).await;
    for (id, placed, given) in [
        ("o-1", "2011-03-01T12:00:00Z", (40, None)),
        ("o-2", "2011-03-31T22:59:59Z", (10, None)),
        ("o-3", "2011-03-31T23:00:00Z", (40, None)),
        ("o-4", "2011-05-20T12:00:00Z", (10, None)),
        ("o-5", "2011-06-30T22:59:59Z", nothing("points_cap_reached")),
        ("o-6", "2011-06-30T23:00:00Z", (40, None)),
    ] {
        cloud.set_clock(placed);
        assert_eq!(gave(&worth(&cloud, id, 20).placed(placed).send().await.expect(201)), given, "{id}");
    }
    assert!(cloud.audit().await.findings.is_empty());
}

#[tokio::test]
async fn a_rule_may_ask_for_the_role_of_the_contact_and_shipping_may_be_eligible() {
    let cloud = Cloud::with(|program| {
        program["eligibility"]["shipping"] = json!("include");
        let mut rule = spring(json!({"when": {"contact_roles": ["buyer"]}}));
        program["earning_rules"].as_array_mut().unwrap().push(rule[0].take());
    })
    .await;
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    for (id, role) in [("ann", "buyer"), ("ben", "approver")] {
        acme.put_contact(id, json!({"name": id, "role": role, "locale": "en"})).await.expect(201);
    }
    let order = |id: &str| worth(&cloud, id, 10).set("shipping", json!("2.50"));
    let of = |id: &str, contact: &str| order(id).set("contact_id", json!(contact));
    let by_ann = of("o-1", "ann").send().await.expect(201);
    assert_eq!((gave(&by_ann), by_ann["eligible_total"]["amount"].as_str()), ((25, None), Some("12.50")));
    for refused in [of("o-2", "ben"), of("o-3", "nobody"), order("o-4")] {
        let refused = refused.send().await.expect(201);
        assert_eq!((gave(&refused), refused.number("points")), (nothing("contact_roles"), 12));
        assert_eq!(
            reason(&refused)["text"],
            "Spring: no points, because the role of the order's contact must be buyer."
        );
    }
    // What she does later changes nothing about her order.
    acme.put_contact("ann", json!({"name": "Ann", "role": "approver", "locale": "en"})).await.expect(200);
    let amended = of("o-1", "ann").amended(1).line("MUG", 1, "11.00").put().await.expect(200);
    assert_eq!(gave(&amended), (27, None));
    assert_eq!(gave(&of("o-5", "ann").send().await.expect(201)), nothing("contact_roles"));
    // All that is left of the order is kept with its shipping, and goes with it.
    let back = of("o-1", "ann").returned("r-1").units("1", 1).send().await.expect(201);
    assert_eq!(back["eligible"]["amount"], "13.50");
    assert!(cloud.audit().await.findings.is_empty());
}

#[tokio::test]
async fn a_budget_costs_one_read_and_one_write_and_only_while_it_may_be_used() {
    let when = json!({"from": "2011-03-01", "until": "2011-03-10"});
    let cloud = cloud_with(spring(json!({"budget": 100_000, "when": when}))).await;
    if !cloud.is_embedded() {
        return;
    }
    let of = |units: tests::network::Units| (units.read_halves, units.write_halves, units.requests);
    cloud.order("o-1").lines(20).send().await.expect(201);
    let (_, cost) = cloud.units(cloud.order("o-2").lines(20).send()).await;
    assert_eq!(of(cost), (1 + 1, 12 + 4, 3));
    cloud.set_clock("2011-03-15T12:00:00Z");
    let over = cloud.order("o-3").lines(20).placed("2011-03-15T12:00:00Z");
    let (_, cost) = cloud.units(over.send()).await;
    assert_eq!(of(cost), (1, 12, 2));
}

#[tokio::test]
async fn the_role_of_the_contact_costs_one_read_of_an_order_that_names_one() {
    let cloud = cloud_with(spring(json!({"when": {"contact_roles": ["buyer"]}}))).await;
    if !cloud.is_embedded() {
        return;
    }
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    acme.put_contact("ann", json!({"name": "Ann", "role": "buyer", "locale": "en"})).await.expect(201);
    cloud.order("o-1").lines(20).send().await.expect(201);
    let of = |units: tests::network::Units| (units.read_halves, units.write_halves);
    let (_, cost) = cloud.units(cloud.order("o-2").lines(20).set("contact_id", json!("ann")).send()).await;
    assert_eq!(of(cost), (1 + 2, 12));
    let (_, cost) = cloud.units(cloud.order("o-3").lines(20).send()).await;
    assert_eq!(of(cost), (1, 12));
}

/// A draft's points and the version's in force, and how many accounts do not end where they stand.
async fn simulated(cloud: &Cloud, draft: Value) -> (Value, Value, Value) {
    let asked = Asked { draft, as_of: None, workers: 2 };
    let simulated = simulate::run(cloud.app(), asked, |_, _| ()).await.unwrap();
    let shown = serde_json::to_value(simulate::document(&simulated).unwrap()).unwrap();
    let points = |side: &str| shown["total"][side]["points_issued"].clone();
    (points("in_force"), points("draft"), shown["not_reproduced"]["accounts"].clone())
}

#[tokio::test]
async fn a_simulation_shares_a_budget_among_all_accounts_in_the_sequence_of_their_orders() {
    let with = |budget: u64| {
        let mut document: Value = serde_json::from_str(tests::WHOLESALE).unwrap();
        document["earning_rules"]
            .as_array_mut()
            .unwrap()
            .extend(spring(json!({"budget": budget})).as_array().cloned().unwrap());
        document
    };
    let cloud = cloud_with(spring(json!({"budget": 100}))).await;
    // 30 points by the base rule each, and 60, 40, 0 of the budget; the last comes first by its id.
    for (minute, id) in [(1, "gamma"), (2, "beta"), (3, "alpha")] {
        cloud.set_clock(&format!("2011-03-01T12:0{minute}:00Z"));
        worth(&cloud, id, 30).account(id).send().await.expect(201);
    }
    for (budget, points) in [(100, 190), (50, 140), (130, 220), (1_000, 270)] {
        let (in_force, draft, others) = simulated(&cloud, with(budget)).await;
        assert_eq!((in_force, draft), (json!(190), json!(points)), "{budget}");
        assert_eq!(others, json!(0));
    }
}

#[tokio::test]
async fn what_is_counted_otherwise_than_orders_were_given_is_found() {
    let cloud =
        cloud_with(spring(json!({"budget": 1_000, "caps": {"per_account": {"times": 3, "period": "ever"}}}))).await;
    worth(&cloud, "o-1", 30).send().await.expect(201);
    assert!(cloud.audit().await.findings.is_empty());
    let tables = &cloud.app().config().tables;
    for used in [70, 50] {
        let id = LimitId::of(LimitKind::EarningBudget, &RuleId::parse("spring").unwrap());
        let limit = cloud.app().store().limit(id, Consistency::Strong).await.unwrap();
        let (place, shard) = limit.shards().iter().enumerate().find(|(_, shard)| shard.unwrap().used > 0).unwrap();
        let update = cloud.local().client().update_item().table_name(&tables.limits);
        let update = update.key("limit", AttributeValue::S("budget#spring".to_owned()));
        let update = update.key("shard", AttributeValue::S(place.to_string())).update_expression("SET used = :used");
        let changed = shard.unwrap().used + used - limit.used().unwrap();
        update.expression_attribute_values(":used", AttributeValue::N(changed.to_string())).send().await.unwrap();
        let report = local::audit::run(cloud.app(), cloud.now()).await.unwrap();
        let found: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
        let expected = format!("program: {used} points of the budget of spring are used, orders were given 60");
        assert_eq!(found, [expected]);
    }
}

#[tokio::test]
async fn limits_that_make_no_sense_are_refused_with_their_place() {
    let cloud = Cloud::start().await;
    let mut document: Value = serde_json::from_str(tests::WHOLESALE).unwrap();
    let senseless = spring(json!({"budget": 50, "caps": {"per_account": {"points": 60, "period": "year"}}}));
    document["earning_rules"].as_array_mut().unwrap().extend(senseless.as_array().unwrap().iter().cloned());
    document["earning_rules"][0]["budget"] = json!(0);
    let refused = cloud.request("POST", "/v1/program/versions", document.to_string()).await;
    let refused = refused.expect_problem(422, "invalid-document");
    let paths = ["$.earning_rules[0].budget", "$.earning_rules[1].caps.per_account.points"];
    assert_eq!(refused.fault_paths(), paths);
    assert_eq!(refused["faults"][1]["code"], "no_effect");
}
