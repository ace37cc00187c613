//! What a draft would have come to: `guilder simulate` over what came in through the API.

use domain::money::Points;
use domain::simulation::Report;
use fastrand::Rng;
use local::program::ProgramError;
use local::simulate::{self, Asked, Document, SimulateError, Simulated};
use serde_json::{Value, json};
use tests::{Cloud, Folder, WHOLESALE, at, each_seed};

const DAY_MS: i64 = 86_400_000;

/// The report of two customers, but for its last line.
const TEXT: &str = "\
What the draft would have come to: wholesale, as of 2011-03-10T12:00:00Z
2 accounts, 3 orders

                                      in force             draft        difference
points issued                            1,300             2,850            +1,550
points reversed                            300               600              +300
points expired                               0                 0                 0
points spent                                 0                 0                 0
points written off                           0                 0                 0
points outstanding                       1,000             2,250            +1,250
  what they cost, GBP                    10.00             22.50            +12.50
discounts issued                             2                 1                -1
discounts used                               1                 1                 0
  what they took off, GBP                26.32             55.56            +29.24
cost in all, GBP                         36.32             78.06            +41.74
tiers raised                                 1                 2                +1
tiers lowered by reviews                     0                 0                 0

by tier                   accounts points in force           draft      difference difference cost
member                           1             200             400            +200           +2.00
silver                           1             800           1,850          +1,050          +39.74

by segment                accounts points in force           draft      difference difference cost
none                             1             800           1,850          +1,050          +39.74
retail                           1             200             400            +200           +2.00

by month     issued in force           draft      difference       discounts difference cost
2011-03                1,300           2,850          +1,550          +29.24          +41.74

tiers, to:            silver
member                     1
silver                     1

gain most                                 points       discounts           worth              tier
acme                                      +1,050          +29.24          +39.74            silver
beta                                        +200            0.00           +2.00          → silver

2 of 2 accounts end where they stand when replayed under the versions in force
";

fn wholesale(change: impl FnOnce(&mut Value)) -> Value {
    let mut document = serde_json::from_str(WHOLESALE).unwrap();
    change(&mut document);
    document
}

/// Everything stored.
async fn stored(cloud: &Cloud) -> impl PartialEq + std::fmt::Debug + use<> {
    (cloud.tables().await, cloud.metrics().await, cloud.programs().await)
}

/// Simulates a draft, which writes nothing.
async fn simulated(cloud: &Cloud, draft: Value, workers: usize) -> Result<Simulated, SimulateError> {
    let before = stored(cloud).await;
    let done = simulate::run(cloud.app(), Asked { draft, as_of: None, workers }, |_, _| ()).await;
    assert!(stored(cloud).await == before, "it writes something");
    done
}

async fn shown(cloud: &Cloud, draft: Value) -> Value {
    serde_json::to_value(simulate::document(&simulated(cloud, draft, 3).await.unwrap()).unwrap()).unwrap()
}

fn picked(of: &Value, fields: &[&str]) -> Vec<Value> {
    fields.iter().map(|field| of[field].clone()).collect()
}

/// `acme` orders 600.00, which issues a discount, and uses that for 500.00, which makes it silver; half of the first
/// order comes back. `beta` orders 200.00.
async fn two_customers(cloud: &Cloud) {
    let first = cloud.order("o-1").line("MUG", 2, "300.00");
    let issued = first.send().await.expect(201);
    let code = issued["discounts_issued"][0]["code"].as_str().unwrap().to_owned();
    cloud.account("beta").put(json!({"name": "Beta", "segments": ["retail"]})).await.expect(201);
    cloud.order("o-2").account("beta").line("CUP", 2, "100.00").send().await.expect(201);
    cloud.set_clock("2011-03-10T12:00:00Z");
    let second = cloud.order("o-3").placed("2011-03-10T12:00:00Z").line("MUG", 5, "100.00").code(&code);
    second.send().await.expect(201);
    first.returned("r-1").units("1", 1).at("2011-03-10T12:00:00Z").send().await.expect(201);
}

#[tokio::test]
async fn a_draft_is_told_by_what_it_would_have_cost() {
    let cloud = Cloud::start().await;
    two_customers(&cloud).await;
    let draft = wholesale(|draft| {
        draft["earning_rules"][0]["points"] = json!(2);
        draft["tiers"]["levels"][1]["threshold"] = json!("200.00");
        draft["discounts"][0]["percent"] = json!("10");
        draft["discounts"][0]["minimum_total"] = json!("600.00");
    });
    let simulated = simulated(&cloud, draft, 3).await.unwrap();
    let document = simulate::document(&simulated).unwrap();
    let text = simulate::text(&document);
    assert_eq!(text.strip_suffix(&format!("checksum {}\n", document.checksum)), Some(TEXT));
    let shown = serde_json::to_value(document).unwrap();
    let sums = ["points_issued", "points_reversed", "points_expired", "points_outstanding", "discounts_issued"];
    let money = |amount: &str| json!({"amount": amount, "currency": "GBP"});
    for (side, points, value, cost, raised) in [
        // 600 + 500 + 200; 500.00 ÷ 0.95 is 526.32.
        ("happened", json!([1_300, 300, 0, 1_000, 2]), "26.32", "36.32", 1),
        ("in_force", json!([1_300, 300, 0, 1_000, 2]), "26.32", "36.32", 1),
        // 1,200 + 500.00 × 2 × 1.25 + 400; 500.00 ÷ 0.9 is 555.56.
        ("draft", json!([2_850, 600, 0, 2_250, 1]), "55.56", "78.06", 2),
        ("difference", json!([1_550, 300, 0, 1_250, -1]), "29.24", "41.74", 1),
    ] {
        let total = &shown["total"][side];
        assert_eq!(json!(picked(total, &sums)), points, "{side}");
        let rest = ["discounts_used", "discount_value", "cost", "tiers_raised"];
        let used = if side == "difference" { 0 } else { 1 };
        assert_eq!(picked(total, &rest), [json!(used), money(value), money(cost), json!(raised)], "{side}");
    }
    assert_eq!(
        shown["tier_moves"],
        json!([{"from": "member", "to": "silver", "accounts": 1}, {"from": "silver", "to": "silver", "accounts": 1}])
    );
    let gains = json!([
        {"account_id": "acme", "points": 1_050, "discount_value": money("29.24"), "value": money("39.74"),
         "tier_in_force": "silver", "tier_draft": "silver"},
        {"account_id": "beta", "points": 200, "discount_value": money("0.00"), "value": money("2.00"),
         "tier_in_force": "member", "tier_draft": "silver"},
    ]);
    assert_eq!((&shown["gains"], &shown["losses"]), (&gains, &json!([])));
    let of = |group: &Value, name: &str| json!([group[name], group["accounts"], group["difference"]["cost"]["amount"]]);
    let groups = |groups: &Value, name: &str| groups.as_array().unwrap().iter().map(|g| of(g, name)).collect::<Value>();
    assert_eq!(groups(&shown["tiers"], "tier"), json!([["member", 1, "2.00"], ["silver", 1, "39.74"]]));
    assert_eq!(groups(&shown["segments"], "segment"), json!([[null, 1, "39.74"], ["retail", 1, "2.00"]]));
    let months = shown["months"].as_array().unwrap();
    assert_eq!(
        (months.len(), &months[0]["month"], &months[0]["difference"]["cost"]),
        (1, &json!("2011-03"), &money("41.74"))
    );
    assert_eq!(
        (&shown["accounts"], &shown["orders"], &shown["as_of"]),
        (&json!(2), &json!(3), &json!("2011-03-10T12:00:00Z"))
    );
    assert_eq!(shown["not_reproduced"], json!({"accounts": 0, "first": []}));
}

#[tokio::test]
async fn points_that_end_by_an_instant_are_told_and_none_before_the_last_commit() {
    let cloud = Cloud::start().await;
    two_customers(&cloud).await;
    let draft = || wholesale(|draft| draft["points"]["validity_months"] = json!(3));
    let asked = |as_of| Asked { draft: draft(), as_of: Some(at(as_of)), workers: 2 };
    let run = |as_of| simulate::run(cloud.app(), asked(as_of), |_, _| ());
    for (as_of, expired) in [("2011-06-30T22:59:59Z", 0), ("2011-06-30T23:00:00Z", 1_000)] {
        let simulated = run(as_of).await.unwrap();
        let Report { total, not_reproduced, .. } = &simulated.report;
        let told = (total.in_force.figures.points_expired, total.draft.figures.points_expired, *not_reproduced);
        assert_eq!(told, (Points(0), Points(expired), 0), "{as_of}");
    }
    let refused = run("2011-03-10T11:59:59Z").await.unwrap_err().to_string();
    assert_eq!(refused, "account acme was last decided at 2011-03-10T12:00:00Z; choose that instant or a later one");
}

#[tokio::test]
async fn a_draft_that_could_not_be_put_in_force_is_refused_with_all_its_faults() {
    let cloud = Cloud::start().await;
    two_customers(&cloud).await;
    let faulty = wholesale(|draft| {
        draft["earning_rules"][0]["per"] = json!(1);
        draft["tiers"]["levels"][0]["threshold"] = json!("5.00");
        draft["name"] = json!("retail");
    });
    let stranger = wholesale(|draft| {
        draft["currency"] = json!("EUR");
        draft["tiers"]["levels"].as_array_mut().unwrap().remove(1);
    });
    for (draft, paths) in [
        (faulty, vec!["$.earning_rules[0].per", "$.tiers.levels[0].threshold", "$.name"]),
        (stranger, vec!["$.currency", "$.tiers.levels"]),
    ] {
        let refused = simulated(&cloud, draft, 1).await.unwrap_err();
        let SimulateError::Program(ProgramError::Faulty(faults)) = refused else { panic!("{refused}") };
        let mut told: Vec<_> = faults.listed().iter().map(|fault| fault.path.as_str()).collect();
        told.sort_unstable();
        let mut paths = paths;
        paths.sort_unstable();
        assert_eq!(told, paths);
    }
}

/// Fails unless the version in force differs in nothing from itself, however many work on it.
pub async fn check_reproduced(cloud: &Cloud, program: &Value) -> Document {
    let mut documents = Vec::new();
    for workers in [1, 7] {
        let simulated = simulated(cloud, program.clone(), workers).await.unwrap();
        let report = &simulated.report;
        assert_eq!(report.not_reproduced_first, [], "{:?}", report.left_out_in_force);
        assert_eq!((report.gains.len(), report.losses.len()), (0, 0));
        assert_eq!(report.total.in_force, report.total.draft);
        assert_eq!(report.total.happened, report.total.draft);
        assert_eq!(report.left_out_draft, Default::default());
        documents.push(simulate::document(&simulated).unwrap());
    }
    let audited = cloud.audit().await;
    let figures = &documents[0].total.happened;
    let audited = [audited.issued, audited.reversed, audited.expired, audited.outstanding];
    // What the last commit of any account leaves to time is not written down yet.
    let told = &figures.points;
    let told = [told.points_issued, told.points_reversed, told.points_expired, figures.points_outstanding];
    let [issued, reversed, expired, outstanding] = told.map(|points| i128::from(points.0));
    assert_eq!((issued, reversed, expired + outstanding), (audited[0], audited[1], audited[2] + audited[3]));
    let [one, other] = [&documents[0], &documents[1]].map(|document| serde_json::to_value(document).unwrap());
    assert_eq!(one, other, "the workers do not show");
    documents.remove(0)
}

#[tokio::test]
async fn whatever_came_in_the_version_in_force_differs_in_nothing() {
    let program = wholesale(|program| {
        crate::walks::with_reviews(program);
        program["points"]["validity_months"] = json!(3);
    });
    let (cloud, folder) = (Cloud::with_program(program.clone()).await, Folder::new());
    // What was brought along.
    let file = folder.join("balances.csv");
    std::fs::write(&file, "account_id,points,expires_on,tier\nbeta,700,2011-12-31,gold\nbeta,30,2011-02-01,\n")
        .unwrap();
    let as_of = Some(at("2011-03-01T12:00:00Z"));
    let plan = local::import::balances::Plan { file, as_of, check_only: false, workers: 1 };
    local::import::balances::run(cloud.app(), &plan, std::sync::Arc::new(|_, _| {})).await.unwrap();
    // Referrals: one that is rewarded and taken back, one that waits.
    let code = cloud.referrer("acme").await;
    let redeemed = code.redeemed_by(1).await;
    let qualifying = redeemed.order("q-1", "300.00");
    qualifying.send().await.expect(201);
    code.redeemed_by(2).await;
    cloud.set_clock("2011-04-02T12:00:00Z");
    redeemed.walk().await;
    assert_eq!(redeemed.state().await, "rewarded");
    qualifying.cancelled().at("2011-04-02T12:00:00Z").send().await.expect(201);
    cloud.set_clock("2011-04-04T12:00:00Z");
    redeemed.walk().await;
    assert_eq!(redeemed.state().await, "revoked");
    // A return and a cancellation that came before their orders.
    let parked = cloud.order("p-1").account("beta").line("MUG", 4, "150.00").line("CUP", 2, "1.99");
    parked.returned("r-1").units("1", 3).at("2011-04-04T12:00:00Z").send().await.expect(202);
    parked.send().await.expect(201);
    // By hand.
    cloud.account("beta").give(70).await.expect(201);
    cloud.account("beta").give(-35).await.expect(201);
    // A credit note over several orders, and units that no order has.
    for n in 0..3 {
        cloud.order(&format!("c-{n}")).account("gamma").line("MUG", 5, "120.00").send().await.expect(201);
    }
    cloud.account("gamma").credit_note("cn-1").units("MUG", 12).units("CUP", 1).at("2011-04-04T12:00:00Z").send().await;
    cloud.drain().await;
    let shown = check_reproduced(&cloud, &program).await;
    assert_eq!(shown.accounts, 5);
    assert!(shown.total.happened.points.points_reversed > Points(0));
    // Points end, and tiers are reviewed: written down by a walk, by an order, or not yet.
    cloud.set_clock("2011-09-01T12:00:00Z");
    cloud.walk_errand("beta").await;
    cloud.order("c-4").account("gamma").placed("2011-09-01T12:00:00Z").line("MUG", 1, "1.00").send().await.expect(201);
    let shown = check_reproduced(&cloud, &program).await;
    assert!(shown.total.happened.points.points_expired > Points(0) && shown.total.happened.tiers_lowered > 0);
}

/// A random history of some accounts.
async fn history(seed: u64) {
    let program = wholesale(crate::walks::with_reviews);
    let cloud = Cloud::with_program(program.clone()).await;
    let (mut rng, mut codes, mut now) = (Rng::with_seed(seed), Vec::<String>::new(), at("2011-03-01T12:00:00Z"));
    for account in 0..4 {
        cloud.account(&format!("a-{account}")).put(json!({"name": "Company"})).await.expect(201);
    }
    for step in 0..40 {
        now = now.plus_ms(rng.i64(0..30 * DAY_MS));
        cloud.set_instant(now);
        let account = format!("a-{}", rng.u8(0..4));
        let sku = rng.choice(["MUG", "CUP", "POST"]).unwrap();
        match rng.u8(0..10) {
            0 => drop(cloud.walk_errand(&account).await),
            1 => drop(cloud.account(&account).give(rng.i64(1..300) - 100).await),
            2 => {
                let note = cloud.account(&account).credit_note(&format!("cn-{step}")).units(sku, rng.u64(1..60));
                note.at(&now.to_string()).send().await;
                cloud.drain().await;
            }
            _ => {
                let placed_at = now.plus_ms(-rng.i64(0..60 * DAY_MS)).to_string();
                let order = cloud.order(&format!("o-{step}")).account(&account).placed(&placed_at);
                let mut order = order.line(sku, rng.u64(1..40), "30.00").line("BOX", rng.u64(1..9), "9.99");
                if let Some(code) = rng.choice(&codes).filter(|_| rng.bool()) {
                    order = order.code(code);
                }
                let reply = order.send().await;
                let issued = reply["discounts_issued"].as_array().into_iter().flatten();
                codes.extend(issued.map(|issued| issued["code"].as_str().unwrap().to_owned()));
                if reply.status() == 201 && rng.u8(0..3) == 0 {
                    order.returned(&format!("r-{step}")).units("1", 1).at(&now.to_string()).send().await.expect(201);
                }
                if reply.status() == 201 && rng.u8(0..8) == 0 {
                    order.cancelled().at(&now.to_string()).send().await.expect(201);
                }
            }
        }
    }
    check_reproduced(&cloud, &program).await;
}

#[tokio::test]
async fn the_version_in_force_differs_in_nothing_over_any_history() {
    each_seed(4, history).await;
}

#[tokio::test]
async fn an_amended_order_is_taken_as_it_stands_and_counted() {
    let cloud = Cloud::start().await;
    let order = cloud.order("o-1").line("MUG", 1, "1200.00");
    order.send().await.expect(201);
    // Silver for what the first order said then.
    assert_eq!(cloud.order("o-2").line("MUG", 1, "100.00").send().await.expect(201).number("points"), 125);
    order.amended(1).line("MUG", 1, "200.00").put().await.expect(200);
    let shown = shown(&cloud, wholesale(|draft| draft["earning_rules"][0]["points"] = json!(3))).await;
    let of =
        |field: &str| ["happened", "in_force", "draft", "difference"].map(|side| shown["total"][side][field].clone());
    // That is not known any more.
    assert_eq!(of("points_issued"), [325, 300, 900, 600]);
    assert_eq!(of("points_outstanding"), [325, 300, 900, 600]);
    assert_eq!(of("discounts_issued"), [0, 0, 0, 0]);
    assert_eq!(shown["left_out"]["draft"]["orders_amended"], 1);
    assert_eq!(shown["not_reproduced"], json!({"accounts": 1, "first": ["acme"]}));
}
