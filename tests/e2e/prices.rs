//! What an account pays for a quantity: the table a shop shows.

use serde_json::{Value, json};
use tests::network::Staleness;
use tests::{Cloud, WHOLESALE};

/// `wholesale` with tables: mugs for gold accounts and for hotels, all crockery for everybody.
fn with_tables(program: &mut Value) {
    program["price_tables"] = json!([
        {"id": "crockery", "name": "Crockery by the case", "categories": ["crockery & glass"],
         "steps": [{"from": 24, "percent": "5"}, {"from": 96, "percent": "12.5"}]},
        {"id": "mugs-gold", "name": "Mugs for gold", "skus": ["MUG"], "tiers": ["gold", "platinum"],
         "steps": [{"from": 12, "unit_price": "2.25"}, {"from": 48, "unit_price": "2.0375"}]},
        {"id": "mugs-hotels", "name": "Mugs for hotels", "skus": ["MUG"], "segments": ["hospitality"],
         "steps": [{"from": 1, "unit_price": "2.10"}]},
    ]);
}

fn money(amount: &str) -> Value {
    json!({"amount": amount, "currency": "GBP"})
}

/// The rows of a list as a shop shows them: quantity, price of an item, what is saved.
fn shown(list: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let row = |row: &Value| {
        let to = row["to"].as_u64().map_or("+".to_owned(), |to| format!("-{to}"));
        format!("{}{to}: {} saves {}", row["from"], text(&row["unit_price"]), text(&row["saved_per_item"]))
    };
    list["rows"].as_array().unwrap().iter().map(row).collect()
}

const MUG: &str = "?sku=MUG&category=crockery%20%26%20glass&list_price=2.50";

#[tokio::test]
async fn a_shop_is_told_the_table_that_holds_for_the_account() {
    let cloud = Cloud::with(with_tables).await;
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    let list = acme.prices(MUG).await.expect(200).json();
    assert_eq!(list["table"], json!({"id": "crockery", "name": "Crockery by the case"}));
    let rows = ["1-23: 2.50 saves 0.00", "24-95: 2.375 saves 0.125", "96+: 2.1875 saves 0.3125"];
    assert_eq!(shown(&list), rows);
    assert_eq!((&list["rows"][1]["percent"], &list["quantity"]), (&json!("5"), &Value::Null));

    // An order raises the tier: it has the prices of that at once, whatever reads are stale.
    acme.order("o-1").line("MUG", 1, "5000.00").send().await.expect(201);
    for staleness in [Staleness::None, Staleness::Oldest] {
        cloud.stale_reads(staleness);
        let list = acme.prices(MUG).await.expect(200).json();
        assert_eq!((&list["tier"], &list["table"]["id"]), (&json!("gold"), &json!("mugs-gold")));
        let rows = ["1-11: 2.50 saves 0.00", "12-47: 2.25 saves 0.25", "48+: 2.0375 saves 0.4625"];
        assert_eq!(shown(&list), rows);
    }
    cloud.stale_reads(Staleness::None);
    // A contract with a group of customers goes before what a tier brings.
    acme.put(json!({"name": "Acme", "segments": ["hospitality"]})).await.expect(200);
    let list = acme.prices(MUG).await.expect(200).json();
    assert_eq!((&list["table"]["id"], shown(&list)), (&json!("mugs-hotels"), vec!["1+: 2.10 saves 0.40".to_owned()]));
    // Who does not take part has what everybody has.
    acme.put(json!({"name": "Acme", "segments": ["hospitality"], "status": "suspended"})).await.expect(200);
    assert_eq!(acme.prices(MUG).await.expect(200)["table"]["id"], "crockery");
}

#[tokio::test]
async fn a_quantity_is_told_what_it_costs_and_where_the_next_step_is() {
    let cloud = Cloud::with(with_tables).await;
    let acme = cloud.account("acme");
    acme.order("o-1").line("MUG", 1, "5000.00").send().await.expect(201);
    let before = cloud.tables().await;
    let rows = [
        (
            "11",
            json!({
                "units": 11, "from": 1, "unit_price": "2.50", "total": money("27.50"), "saved": money("0.00"),
                // A dozen costs less than eleven.
                "next": {"from": 12, "units_missing": 1, "unit_price": "2.25", "total": money("27.00"), "saved": money("3.00")},
            }),
        ),
        (
            "12",
            json!({
                "units": 12, "from": 12, "unit_price": "2.25", "total": money("27.00"), "saved": money("3.00"),
                "next": {
                    "from": 48, "units_missing": 36, "unit_price": "2.0375", "total": money("97.80"), "saved": money("22.20"),
                },
            }),
        ),
        (
            "1000000000",
            json!({
                "units": 1_000_000_000, "from": 48, "unit_price": "2.0375", "total": money("2037500000.00"),
                "saved": money("462500000.00"),
            }),
        ),
        // 2.0375 × 49 = 99.8375, rounded once.
        (
            "49",
            json!({
                "units": 49, "from": 48, "unit_price": "2.0375", "total": money("99.84"), "saved": money("22.66"),
            }),
        ),
    ];
    for (quantity, expected) in rows {
        let list = acme.prices(&format!("{MUG}&quantity={quantity}")).await.expect(200);
        assert_eq!(list["quantity"], expected, "{quantity}");
    }
    // Whole answers, with as little as can be asked and known.
    let list = acme.prices("?sku=JUG").await.expect(200).json();
    let expected = json!({
        "account_id": "acme", "as_of": "2011-03-01T12:00:00Z", "program_version": 1, "tier": "gold", "currency": "GBP",
        "sku": "JUG", "rows": [],
    });
    assert_eq!(list, expected);
    let list = acme.prices("?category=crockery+%26+glass&quantity=24").await.expect(200).json();
    let percent_only = json!([{"from": 24, "to": 95, "percent": "5"}, {"from": 96, "percent": "12.5"}]);
    assert_eq!(list["rows"], percent_only);
    assert_eq!(list["quantity"], json!({"units": 24, "from": 24, "next": {"from": 96, "units_missing": 72}}));
    assert_eq!(cloud.tables().await, before, "a question writes nothing");
}

#[tokio::test]
async fn prices_are_those_of_the_version_in_force() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    with_tables(&mut document);
    cloud.activate_from(document, "2011-03-02T00:00:00Z").await;
    let ids = async || {
        let list = acme.prices(MUG).await.expect(200);
        (list["program_version"].clone(), list["table"]["id"].clone())
    };
    assert_eq!(ids().await, (json!(1), Value::Null));
    cloud.set_clock("2011-03-02T00:00:00Z");
    assert_eq!(ids().await, (json!(2), json!("crockery")));
}

#[tokio::test]
async fn the_command_line_shows_the_tables_of_the_program() {
    let cloud = Cloud::with(with_tables).await;
    let shown = local::program::show(cloud.app(), cloud.now()).await.unwrap();
    let lines = [
        "  crockery: Crockery by the case",
        "      the category crockery & glass, for all",
        "      from        24   5 % off",
        "      from        96   12.5 % off",
        "  mugs-gold: Mugs for gold",
        "      the SKU MUG, for the tiers gold, platinum",
        "      from        12   2.25 GBP",
        "      from        48   2.0375 GBP",
        "  mugs-hotels: Mugs for hotels",
        "      the SKU MUG, for the segment hospitality",
    ];
    assert!(shown.contains(&lines.join("\n")), "{shown}");
}

#[tokio::test]
async fn what_cannot_be_asked_is_named() {
    let cloud = Cloud::with(with_tables).await;
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    let long = "x".repeat(65);
    let rows = [
        ("", "sku"),
        ("?quantity=5", "sku"),
        ("?sku=", "sku"),
        ("?sku=%07", "sku"),
        (&format!("?sku={long}"), "sku"),
        ("?category=", "category"),
        (&format!("?category={long}"), "category"),
        ("?sku=MUG&quantity=0", "quantity"),
        ("?sku=MUG&quantity=1.5", "quantity"),
        ("?sku=MUG&quantity=-1", "quantity"),
        ("?sku=MUG&quantity=1000000001", "quantity"),
        ("?sku=MUG&list_price=-0.01", "list_price"),
        ("?sku=MUG&list_price=1.2345678", "list_price"),
        ("?sku=MUG&list_price=1,50", "list_price"),
        ("?sku=MUG&list_price=", "list_price"),
    ];
    for (query, name) in rows {
        let reply = acme.prices(query).await.expect_problem(400, "invalid-parameter");
        assert_eq!(reply.fault_paths(), [name], "{query}");
    }
    let several = acme.prices("?list_price=x&quantity=0&category=").await.expect_problem(400, "invalid-parameter");
    assert_eq!(several.fault_paths(), ["category", "list_price", "quantity"]);
    let told = acme.prices("?quantity=0").await;
    assert_eq!(told["detail"], "sku or category is required. quantity must be a whole number from 1 to 1000000000.");
    acme.prices("?sku=MUG&list-price=2.50").await.expect_problem(400, "invalid-parameter");
    let sum = "?sku=MUG&quantity=1000000000&list_price=9223372036854.775807";
    acme.prices(sum).await.expect_problem(422, "overflow");
    cloud.account("nobody").prices(MUG).await.expect_problem(404, "unknown-account");
}

#[tokio::test]
async fn a_version_with_tables_that_contradict_each_other_is_refused_with_the_reason() {
    let cloud = Cloud::start().await;
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    with_tables(&mut document);
    let mut again = document["price_tables"][1].clone();
    again["id"] = json!("mugs-platinum");
    again["tiers"] = json!(["platinum", "diamond"]);
    document["price_tables"].as_array_mut().unwrap().push(again);
    let refused = cloud.request("POST", "/v1/program/versions", document.to_string()).await;
    let refused = refused.expect_problem(422, "invalid-document");
    assert_eq!(refused.fault_paths(), ["$.price_tables[3].tiers[1]", "$.price_tables[3]"]);
    let reason = "prices MUG for accounts for which mugs-gold does, which is as specific";
    assert_eq!(refused["faults"][1]["message"], reason);
    document["price_tables"][3]["tiers"] = json!(["silver"]);
    cloud.request("POST", "/v1/program/versions", document.to_string()).await.expect(201);
}
