//! The sample program `distributor`, and the figures that its guide tells (docs/program.md).

use domain::id::ProgramName;
use domain::program::Program;
use serde_json::{Value, json};
use tests::{Cloud, Order};

const DISTRIBUTOR: &str = include_str!("../../shared/local/programs/distributor.json");

fn document() -> Value {
    serde_json::from_str(DISTRIBUTOR).unwrap()
}

#[test]
fn it_is_one_that_can_be_put_in_force() {
    let read = Program::from_new(&document(), &ProgramName::parse("distributor").unwrap());
    assert!(read.is_ok(), "{read:?}");
}

/// A cloud that runs it, with a dealer who was let in.
async fn start() -> Cloud {
    let mut program = document();
    program["name"] = json!("wholesale");
    let cloud = Cloud::with_program(program).await;
    cloud.set_clock("2031-01-15T09:00:00Z");
    cloud.account("acme").put(json!({"name": "Acme"})).await.expect(201);
    cloud
}

fn order(cloud: &Cloud, id: &str, when: &str) -> Order {
    cloud.set_clock(when);
    cloud.order(id).set("currency", json!("EUR")).placed(when)
}

/// An order of the new season.
fn season(order: Order, units: u64, price: &str) -> Order {
    let line = json!([{"line_id": "1", "sku": "VASE", "quantity": units, "unit_price": price,
                       "category": "season-2031", "tags": ["season-2031"]}]);
    order.set("lines", line)
}

#[tokio::test]
async fn a_dealer_sells_in_the_season_and_becomes_a_partner() {
    let cloud = start().await;
    let acme = cloud.account("acme");
    // 240 vases at 12.50 less 7.5 %: 2,775.00 in all. 277 points for the euros, and 5 × 25 for the sell-in.
    let prices = acme.prices("?sku=VASE&category=season-2031&list_price=12.50&quantity=240").await.expect(200);
    assert_eq!(prices["quantity"]["total"], json!({"amount": "2775.00", "currency": "EUR"}), "{}", prices.json());
    let first = season(order(&cloud, "o-1", "2031-01-20T09:00:00Z"), 240, "11.5625").send().await.expect(201);
    assert_eq!((&first["points"], &first["balance"]), (&json!(277 + 125), &json!(0)));
    // 1,000 vases: 25 × 20 is the most that the sell-in gives for one order. They are a partner with these.
    let second = season(order(&cloud, "o-2", "2031-02-10T09:00:00Z"), 1_000, "11.5625").send().await.expect(201);
    assert_eq!(second["points"], json!(1_156 + 500));
    let standing = acme.standing().await.expect(200);
    let tier = &standing["tier"];
    assert_eq!((&tier["id"], &tier["discount"]), (&json!("partner"), &json!("5")));
    assert_eq!((&tier["qualifying"], &tier["next"]["missing"]), (&json!({"units": 1240}), &json!({"units": 3760})));
    // Reached in 2031: held through 2032, with a month of grace.
    assert_eq!(tier["review"]["at"], json!("2033-01-31T23:00:00Z"));
    // The 250 of the tier can be spent at once, as can those of January by now.
    assert_eq!((&standing["points"]["balance"], &standing["points"]["pending"]), (&json!(652), &json!(1_656)));
    assert_eq!(standing["perks"][0]["id"], json!("training"));
    // The lamps of a partner.
    let lamps = acme.prices("?sku=LAMP&list_price=21.00&quantity=12").await.expect(200);
    assert_eq!(lamps["table"]["id"], json!("partner-lamps"));
    // After the season there is no sell-in, and the multiplier of a partner: 48 × 12.50 ÷ 10 × 1.2.
    let third = season(order(&cloud, "o-3", "2031-04-01T09:00:00Z"), 48, "12.50").send().await.expect(201);
    assert_eq!(third["points"], json!(72));
    cloud.audit().await;
}

#[tokio::test]
async fn freight_is_no_unit_and_what_comes_back_waits_with_the_points() {
    let cloud = start().await;
    let first = season(order(&cloud, "o-1", "2031-01-20T09:00:00Z"), 240, "11.5625");
    let freight = first.line("FREIGHT", 1, "90.00");
    freight.send().await.expect(201);
    cloud.set_clock("2031-01-22T09:00:00Z");
    freight.returned("r-1").units("1", 200).at("2031-01-22T09:00:00Z").send().await.expect(201);
    let standing = cloud.account("acme").standing().await.expect(200);
    assert_eq!(standing["tier"]["qualifying"], json!({"units": 40}));
    // 40 × 11.5625 is 462.50; too few for the sell-in.
    assert_eq!((&standing["points"]["balance"], &standing["points"]["pending"]), (&json!(0), &json!(46)));
    cloud.audit().await;
}
