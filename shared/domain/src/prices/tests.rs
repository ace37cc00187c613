#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
use super::*;
use crate::account::{Account, Status};
use crate::id::{AccountId, Segment, TierId};
use crate::program::Program;
use crate::schedule::{Activation, Schedule};
use crate::time::Instant;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

const GBP: Currency = Currency::GBP;

fn program(tables: Value) -> Program {
    let document = json!({
        "name": "p", "currency": "GBP", "time_zone": "UTC", "enrolment": {"unknown_account": "enrol"},
        "earning_rules": [{"id": "base", "name": "Points", "points": 1, "per": "1"}],
        "points": {"validity_months": 24},
        "tiers": {"window_months": 12, "levels": [
            {"id": "member", "name": "Member", "threshold": "0", "multiplier": "1"},
            {"id": "gold", "name": "Gold", "threshold": "10", "multiplier": "1"},
        ]},
        "price_tables": tables,
    });
    Program::from_json(&document).unwrap()
}

/// A table of one step, with more fields.
fn table(id: &str, mut fields: Value) -> Value {
    let steps = json!([{"from": 10, "percent": "5"}]);
    for (name, value) in [("id", json!(id)), ("name", json!(id)), ("steps", steps)] {
        fields.as_object_mut().unwrap().entry(name).or_insert(value);
    }
    fields
}

fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

#[test]
fn the_most_specific_table_holds() {
    let everywhere = json!([
        table("cups", json!({"categories": ["cups"]})),
        table("mug", json!({"skus": ["MUG", "JUG"]})),
        table("mug-gold", json!({"skus": ["MUG"], "tiers": ["gold"]})),
        table("mug-uk", json!({"skus": ["MUG"], "segments": ["uk"]})),
        table("mug-eu", json!({"skus": ["MUG"], "segments": ["eu"]})),
        table("mug-gold-uk", json!({"skus": ["MUG"], "tiers": ["gold"], "segments": ["uk"]})),
        table("cups-gold-uk", json!({"categories": ["cups"], "tiers": ["gold"], "segments": ["uk"]})),
        table("plates-gold", json!({"categories": ["plates"], "tiers": ["gold"]})),
    ]);
    let tables = program(everywhere).price_tables;
    // SKU, category, tier, segments, the table that holds.
    type Row<'a> = (&'a str, &'a str, Option<&'a str>, &'a [&'a str], Option<&'a str>);
    let rows: [Row<'_>; 15] = [
        // The SKU before its category, whoever buys.
        ("MUG", "cups", Some("member"), &[], Some("mug")),
        ("JUG", "cups", Some("gold"), &["uk"], Some("mug")),
        ("CUP", "cups", Some("member"), &["uk"], Some("cups")),
        ("CUP", "cups", Some("gold"), &["uk"], Some("cups-gold-uk")),
        // Segment and tier before a segment, that before a tier, that before all.
        ("MUG", "cups", Some("gold"), &["uk"], Some("mug-gold-uk")),
        ("MUG", "cups", Some("member"), &["uk"], Some("mug-uk")),
        ("MUG", "cups", Some("gold"), &["eu"], Some("mug-eu")),
        ("MUG", "cups", Some("gold"), &["us"], Some("mug-gold")),
        // Of two segments' tables the one listed first.
        ("MUG", "cups", Some("member"), &["eu", "uk"], Some("mug-uk")),
        // Without a tier, as an account that does not take part.
        ("MUG", "cups", None, &[], Some("mug")),
        ("PLATE", "plates", None, &[], None),
        ("PLATE", "plates", Some("member"), &[], None),
        ("PLATE", "plates", Some("gold"), &[], Some("plates-gold")),
        // As they are written, byte for byte.
        ("mug", "cups", Some("member"), &[], Some("cups")),
        ("mug", "Cups", Some("member"), &[], None),
    ];
    for (text, category, tier, segments, expected) in rows {
        let tier = tier.map(|tier| TierId::parse(tier).unwrap());
        let segments: Vec<_> = segments.iter().map(|segment| Segment::parse(segment).unwrap()).collect();
        let buyer = Buyer { tier: tier.as_ref(), segments: &segments };
        let item = Item { sku: Some(&sku(text)), category: Some(category) };
        let found = table_for(&tables, &item, &buyer).map(|table| table.id.as_str());
        assert_eq!(found, expected, "{text} of {category} for {buyer:?}");
    }
    let gold = TierId::parse("gold").unwrap();
    let buyer = Buyer { tier: Some(&gold), segments: &[] };
    let mug = sku("MUG");
    for (item, expected) in [
        (Item { sku: Some(&mug), category: None }, Some("mug-gold")),
        (Item { sku: None, category: Some("cups") }, Some("cups")),
        (Item::default(), None),
    ] {
        assert_eq!(table_for(&tables, &item, &buyer).map(|table| table.id.as_str()), expected, "{item:?}");
    }
}

#[test]
fn the_order_of_tables_decides_between_segments_alone() {
    let uk = table("uk", json!({"skus": ["MUG"], "segments": ["uk"]}));
    let eu = table("eu", json!({"skus": ["MUG"], "segments": ["eu"]}));
    let all = table("all", json!({"skus": ["MUG"]}));
    let segments = [Segment::parse("eu").unwrap(), Segment::parse("uk").unwrap()];
    let buyer = Buyer { tier: None, segments: &segments };
    for (tables, expected) in [(json!([uk, eu, all]), "uk"), (json!([eu, uk, all]), "eu"), (json!([all, eu, uk]), "eu")]
    {
        let tables = program(tables).price_tables;
        let item = Item { sku: Some(&sku("MUG")), category: None };
        assert_eq!(table_for(&tables, &item, &buyer).unwrap().id.as_str(), expected);
    }
}

fn steps(steps: &[(u64, StepPrice)]) -> PriceTable {
    PriceTable {
        id: RuleId::parse("t").unwrap(),
        name: "Table".to_owned(),
        goods: Goods::Skus(BTreeSet::from([sku("MUG")])),
        audience: Audience::default(),
        steps: steps.iter().map(|(from, price)| Step { from: *from, price: *price }).collect(),
    }
}

#[test]
fn a_quantity_costs_what_the_last_step_it_reaches_says_rounded_once() {
    let unit = |price| StepPrice::Unit(UnitPrice(price));
    let off = |percent| StepPrice::Off(Percent(percent));
    // From 10 on 2.25, from 100 on 1.999999.
    let fixed = steps(&[(10, unit(2_250_000)), (100, unit(1_999_999))]);
    // 5 % from 10 on, a third from 1,000 on, all of it from a million on.
    let relative = steps(&[(10, off(500)), (1_000, off(3_333)), (1_000_000, off(10_000))]);
    let list = |price| Some(UnitPrice(price));
    // Quantity, list price → unit price, total, saved.
    type Row = (u64, Option<UnitPrice>, Option<(i64, i64, Option<i64>)>);
    let of_fixed: [Row; 11] = [
        (1, None, None),
        (9, None, None),
        (9, list(2_500_000), Some((2_500_000, 2_250, Some(0)))),
        (10, None, Some((2_250_000, 2_250, None))),
        (10, list(2_500_000), Some((2_250_000, 2_250, Some(250)))),
        (99, list(2_500_000), Some((2_250_000, 22_275, Some(2_475)))),
        (100, list(2_500_000), Some((1_999_999, 20_000, Some(5_000)))), // 199.9999
        (101, None, Some((1_999_999, 20_200, None))),
        // The list price is lower already.
        (10, list(2_000_000), Some((2_000_000, 2_000, Some(0)))),
        (100, list(2_000_000), Some((1_999_999, 20_000, Some(0)))),
        (100, list(0), Some((0, 0, Some(0)))),
    ];
    let of_relative: [Row; 9] = [
        (10, None, None),
        (1_000_000, None, None),
        (9, list(100_000), Some((100_000, 90, Some(0)))),
        (10, list(100_000), Some((95_000, 95, Some(5)))),
        (1_000, list(100_000), Some((66_670, 6_667, Some(3_333)))),
        // Beyond six decimals half up: 0.01 less 5 % of 0.000001 more.
        (10, list(10_001), Some((9_501, 10, Some(0)))), // 0.00950095
        (10, list(10), Some((10, 0, Some(0)))),         // 0.0000095 is 0.00001
        (1_000, list(1), Some((1, 0, Some(0)))),        // 0.0000006667
        (1_000_000, list(123), Some((0, 0, Some(12_300)))),
    ];
    for (table, rows) in [(&fixed, &of_fixed[..]), (&relative, &of_relative[..])] {
        for (quantity, list, expected) in rows {
            let found = price(Some(table), *quantity, *list, GBP).unwrap();
            let found = found.map(|p| (p.unit_price.0, p.total.0, p.saved.map(|saved| saved.0)));
            assert_eq!(found, *expected, "{quantity} at {list:?}");
        }
    }
    assert_eq!(price(None, 3, None, GBP), Ok(None));
    let plain = Price { unit_price: UnitPrice(5_000), total: Minor(2), saved: Some(Minor(0)) };
    assert_eq!(price(None, 3, list(5_000), GBP), Ok(Some(plain)), "without a table the list price holds");
    assert_eq!(price(Some(&fixed), u64::MAX, list(i64::MAX), GBP), Err(Overflow));
    assert_eq!(price(Some(&relative), 2_000, list(i64::MAX), Currency::KWD), Err(Overflow));
    let yen = price(Some(&fixed), 10, list(2_500_000), Currency::JPY).unwrap().unwrap();
    assert_eq!((yen.total, yen.saved), (Minor(23), Some(Minor(2))), "22.5 and 25 yen");
}

#[test]
fn the_lines_of_an_order_are_priced_by_the_same_functions() {
    let order = json!({
        "source": "shop", "order_id": "o", "account_id": "acme", "placed_at": "2030-01-01T00:00:00Z", "currency": "GBP",
        "lines": [
            {"line_id": "1", "sku": "MUG", "quantity": 12, "unit_price": "2.50", "category": "cups"},
            {"line_id": "2", "sku": "CUP", "quantity": 12, "unit_price": "2.50", "category": "cups"},
            {"line_id": "3", "sku": "CUP", "quantity": 12, "unit_price": "2.50"},
        ],
    });
    let order = crate::order::Order::from_json(&order).unwrap();
    let tables = program(json!([
        table("mug", json!({"skus": ["MUG"], "steps": [{"from": 12, "unit_price": "2.00"}]})),
        table("cups", json!({"categories": ["cups"], "steps": [{"from": 12, "percent": "10"}]})),
    ]));
    let buyer = Buyer { tier: None, segments: &[] };
    let totals: Vec<_> = order
        .lines
        .iter()
        .map(|line| {
            let list = match line.price {
                crate::order::LinePrice::UnitPrice(price) => Some(price),
                crate::order::LinePrice::Amount(_) => None,
            };
            let table = table_for(&tables.price_tables, &line.into(), &buyer);
            price(table, line.quantity, list, GBP).unwrap().unwrap().total.0
        })
        .collect();
    assert_eq!(totals, [2_400, 2_700, 3_000]);
}

fn schedule(tables: Value) -> Schedule {
    let activation = Activation { from: Instant::MIN, version: 7, program: Arc::new(program(tables)) };
    Schedule::new(vec![activation]).unwrap()
}

fn now() -> Instant {
    Instant::parse("2030-05-20T12:00:00Z").unwrap()
}

fn member(schedule: &Schedule, status: Status) -> Account {
    let id = AccountId::parse("acme").unwrap();
    let (account, _) = Account::enrol(id, &schedule.at(now()).program, now());
    Account { status, tier: TierId::parse("gold").unwrap(), ..account }
}

fn listed(schedule: &Schedule, status: Status, asked: Asked) -> Value {
    let list = price_list(&member(schedule, status), asked, schedule, now()).unwrap();
    serde_json::to_value(list).unwrap()
}

fn mugs() -> Value {
    json!([
        table(
            "mug-gold",
            json!({"name": "Mugs by the box", "skus": ["MUG"], "tiers": ["gold"], "steps": [
                {"from": 12, "unit_price": "2.25"}, {"from": 48, "unit_price": "2.0375"},
            ]})
        ),
        table(
            "cups",
            json!({"categories": ["cups"], "steps": [{"from": 1, "percent": "2.5"}, {"from": 6, "percent": "10"}]})
        ),
    ])
}

#[test]
fn a_shop_is_answered_the_table_that_it_shows() {
    let schedule = schedule(mugs());
    let asked = Asked {
        sku: Some(sku("MUG")),
        category: Some("cups".to_owned()),
        list_price: Some(UnitPrice(2_500_000)),
        quantity: Some(47),
    };
    let money = |amount: &str| json!({"amount": amount, "currency": "GBP"});
    let expected = json!({
        "account_id": "acme", "as_of": "2030-05-20T12:00:00Z", "program_version": 7, "tier": "gold", "currency": "GBP",
        "sku": "MUG", "category": "cups", "list_price": "2.50",
        "table": {"id": "mug-gold", "name": "Mugs by the box"},
        "rows": [
            {"from": 1, "to": 11, "unit_price": "2.50", "saved_per_item": "0.00"},
            {"from": 12, "to": 47, "unit_price": "2.25", "saved_per_item": "0.25"},
            {"from": 48, "unit_price": "2.0375", "saved_per_item": "0.4625"},
        ],
        "quantity": {
            "units": 47, "from": 12, "unit_price": "2.25", "total": money("105.75"), "saved": money("11.75"),
            "next": {
                "from": 48, "units_missing": 1, "unit_price": "2.0375", "total": money("97.80"), "saved": money("22.20"),
            },
        },
    });
    assert_eq!(listed(&schedule, Status::Active, asked.clone()), expected);
    // Who does not take part has what everybody has.
    for status in [Status::Suspended, Status::Closed, Status::Pending] {
        assert_eq!(listed(&schedule, status, asked.clone())["table"]["id"], "cups", "{status:?}");
    }
}

#[test]
fn what_is_not_known_is_left_out() {
    let schedule = schedule(mugs());
    let list = |sku: Option<&str>, category: Option<&str>, quantity| {
        let (sku, category) = (sku.map(self::sku), category.map(str::to_owned));
        let asked = Asked { sku, category, list_price: None, quantity };
        let list = listed(&schedule, Status::Active, asked);
        (list["table"]["id"].clone(), list["rows"].clone(), list["quantity"].clone())
    };
    let gold_rows = json!([{"from": 12, "to": 47, "unit_price": "2.25"}, {"from": 48, "unit_price": "2.0375"}]);
    let below = json!({"units": 11, "next": {
        "from": 12, "units_missing": 1, "unit_price": "2.25", "total": {"amount": "27.00", "currency": "GBP"},
    }});
    assert_eq!(list(Some("MUG"), None, Some(11)), (json!("mug-gold"), gold_rows.clone(), below));
    assert_eq!(list(Some("MUG"), None, None), (json!("mug-gold"), gold_rows, Value::Null));
    let percents = json!([{"from": 1, "to": 5, "percent": "2.5"}, {"from": 6, "percent": "10"}]);
    let last = json!({"units": 6, "from": 6});
    assert_eq!(list(None, Some("cups"), Some(6)), (json!("cups"), percents, last));
    assert_eq!(list(Some("PLATE"), None, Some(6)), (Value::Null, json!([]), json!({"units": 6})));
    // With a list price but no table, that is the table.
    let asked =
        Asked { sku: Some(sku("PLATE")), list_price: Some(UnitPrice(37_500)), quantity: Some(6), ..Asked::default() };
    let plain = listed(&schedule, Status::Active, asked);
    assert_eq!(plain["rows"], json!([{"from": 1, "unit_price": "0.0375", "saved_per_item": "0.00"}]));
    let money = |amount: &str| json!({"amount": amount, "currency": "GBP"});
    let expected =
        json!({"units": 6, "from": 1, "unit_price": "0.0375", "total": money("0.23"), "saved": money("0.00")});
    assert_eq!(plain["quantity"], expected);
}

/// Steps as a document may have them.
fn any_steps() -> impl Strategy<Value = PriceTable> {
    let froms = prop::collection::btree_set(1_u64..2_000, 1..8);
    let prices = prop::collection::btree_set(1_i64..20_000_000, 8);
    let percents = prop::collection::btree_set(1_i64..=10_000, 8);
    (froms, prices, percents, any::<bool>()).prop_map(|(froms, prices, percents, relative)| {
        let falling = prices.into_iter().rev().map(|price| StepPrice::Unit(UnitPrice(price)));
        let rising = percents.into_iter().map(|percent| StepPrice::Off(Percent(percent)));
        let prices: Vec<_> = if relative { rising.collect() } else { falling.collect() };
        steps(&froms.into_iter().zip(prices).collect::<Vec<_>>())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_price_of_an_item_never_rises_with_the_quantity_and_is_never_above_the_list(
        table in any_steps(), list in 0_i64..20_000_000, quantities in prop::array::uniform2(1_u64..3_000),
    ) {
        let [fewer, more] = [quantities[0].min(quantities[1]), quantities[0].max(quantities[1])];
        let of = |quantity| price(Some(&table), quantity, Some(UnitPrice(list)), GBP).unwrap().unwrap();
        let (few, many) = (of(fewer), of(more));
        prop_assert!(many.unit_price <= few.unit_price);
        prop_assert!(few.unit_price <= UnitPrice(list));
        prop_assert!(few.saved >= Some(Minor::ZERO));
        prop_assert_eq!(few.total.plus(few.saved.unwrap()), UnitPrice(list).times(fewer, GBP));
        // What the row shows is what is charged.
        prop_assert_eq!(Ok(few.total), few.unit_price.times(fewer, GBP));
        // Within a step more never come to less; into the next they may.
        if table.step(fewer) == table.step(more) {
            prop_assert!(few.total <= many.total);
        }
    }

    #[test]
    fn without_a_list_price_the_price_of_an_item_never_rises_either(
        table in any_steps(), quantities in prop::array::uniform2(1_u64..3_000),
    ) {
        let [fewer, more] = [quantities[0].min(quantities[1]), quantities[0].max(quantities[1])];
        let of = |quantity| price(Some(&table), quantity, None, GBP).unwrap();
        let is_stated = table.step(fewer).is_some_and(|step| matches!(step.price, StepPrice::Unit(_)));
        prop_assert_eq!(of(fewer).is_some(), is_stated);
        if let Some(few) = of(fewer) {
            prop_assert!(of(more).unwrap().unit_price <= few.unit_price);
            prop_assert_eq!(few.saved, None);
        }
    }
}
