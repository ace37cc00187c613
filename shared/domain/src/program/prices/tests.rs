#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use crate::id::{ProgramName, Segment, TierId};
use crate::money::Percent;
use crate::program::{Program, sample};
use serde_json::json;

fn document(tables: &Value) -> Value {
    sample::with("price_tables", tables)
}

fn mugs() -> Value {
    json!({
        "id": "mugs", "name": " Mugs by the box ", "skus": ["MUG", "BIG MUG"], "tiers": ["gold"], "segments": ["uk", "eu"],
        "steps": [{"from": 1, "unit_price": "2.50"}, {"from": 12, "unit_price": "2.345678"}],
    })
}

fn cups() -> Value {
    json!({
        "id": "cups", "name": "Cups", "categories": ["cups & mugs"],
        "steps": [{"from": 2, "percent": "0.01"}, {"from": 1_000_000_000, "percent": "100"}],
    })
}

#[test]
fn tables_are_read_as_stated() {
    let program = Program::from_json(&document(&json!([mugs(), cups()]))).unwrap();
    let [mugs, cups] = &program.price_tables[..] else { unreachable!() };
    let skus = ["BIG MUG", "MUG"].map(|sku| Sku::parse(sku).unwrap());
    assert_eq!((mugs.id.as_str(), mugs.name.as_str()), ("mugs", "Mugs by the box"));
    assert_eq!(mugs.goods, Goods::Skus(skus.into()));
    let audience = Audience {
        tiers: vec![TierId::parse("gold").unwrap()],
        segments: ["uk", "eu"].map(|segment| Segment::parse(segment).unwrap()).into(),
    };
    assert_eq!(mugs.audience, audience);
    let step = |from, price| Step { from, price };
    let unit = |price| StepPrice::Unit(UnitPrice(price));
    assert_eq!(mugs.steps, [step(1, unit(2_500_000)), step(12, unit(2_345_678))]);
    assert_eq!(
        (&cups.goods, &cups.audience),
        (&Goods::Categories(["cups & mugs".to_owned()].into()), &Audience::default())
    );
    let off = |percent| StepPrice::Off(Percent(percent));
    assert_eq!(cups.steps, [step(2, off(1)), step(1_000_000_000, off(10_000))]);
    for none in [json!(null), json!([])] {
        assert_eq!(Program::from_json(&document(&none)).unwrap().price_tables, []);
    }
}

type Row = (&'static str, fn(&mut Value), &'static [&'static str]);

/// What cannot be read: changes of the table [`mugs`], and the faults of it.
fn unreadable() -> Vec<Row> {
    vec![
        ("no object", |t| *t = json!("mugs"), &[" wrong_type"]),
        ("nothing", |t| *t = json!({}), &[".id missing", ".name missing", ".skus missing", ".steps missing"]),
        ("an unknown field", |t| t["sku"] = json!("MUG"), &[".sku unknown_field"]),
        ("SKUs and categories", |t| t["categories"] = json!(["cups"]), &[".categories conflict"]),
        ("no SKUs", |t| t["skus"] = json!([]), &[".skus wrong_length"]),
        ("a SKU twice", |t| t["skus"] = json!(["MUG", "JUG", "MUG"]), &[".skus[2] duplicate"]),
        ("a SKU that is none", |t| t["skus"] = json!(["", "JUG"]), &[".skus[0] invalid_id"]),
        ("no tiers", |t| t["tiers"] = json!([]), &[".tiers wrong_length"]),
        ("a tier twice", |t| t["tiers"] = json!(["gold", "gold"]), &[".tiers[1] duplicate"]),
        ("a segment that is none", |t| t["segments"] = json!(["u k"]), &[".segments[0] invalid_id"]),
        ("no steps", |t| t["steps"] = json!([]), &[".steps wrong_length"]),
        ("21 steps", |t| t["steps"] = json!(vec![json!({}); 21]), &[".steps wrong_length"]),
        (
            "a step without anything",
            |t| t["steps"] = json!([{}]),
            &[".steps[0].from missing", ".steps[0].unit_price missing"],
        ),
        ("no quantity", |t| t["steps"][0]["from"] = json!(0), &[".steps[0].from out_of_range"]),
        ("half a quantity", |t| t["steps"][0]["from"] = json!(1.5), &[".steps[0].from out_of_range"]),
        ("more than an order has", |t| t["steps"][1]["from"] = json!(1_000_000_001), &[".steps[1].from out_of_range"]),
        ("a price of nothing", |t| t["steps"][1]["unit_price"] = json!("0"), &[".steps[1].unit_price out_of_range"]),
        (
            "seven decimals",
            |t| t["steps"][1]["unit_price"] = json!("0.0000001"),
            &[".steps[1].unit_price too_many_decimals"],
        ),
        ("a number", |t| t["steps"][1]["unit_price"] = json!(1), &[".steps[1].unit_price wrong_type"]),
        ("both", |t| t["steps"][1]["percent"] = json!("5"), &[".steps[1].percent conflict"]),
        (
            "more than all",
            |t| t["steps"] = json!([{"from": 1, "percent": "100.01"}]),
            &[".steps[0].percent out_of_range"],
        ),
        ("nothing off", |t| t["steps"] = json!([{"from": 1, "percent": "0"}]), &[".steps[0].percent out_of_range"]),
        ("the same quantity", |t| t["steps"][1]["from"] = json!(1), &[".steps[1].from out_of_order"]),
        ("quantities falling", |t| t["steps"][0]["from"] = json!(13), &[".steps[1].from out_of_order"]),
        ("the same price", |t| t["steps"][1]["unit_price"] = json!("2.5"), &[".steps[1].unit_price out_of_order"]),
        ("a price that rises", |t| t["steps"][1]["unit_price"] = json!("2.51"), &[".steps[1].unit_price out_of_order"]),
        (
            "percentages that do not rise",
            |t| {
                t["steps"] =
                    json!([{"from": 1, "percent": "5"}, {"from": 2, "percent": "5.00"}, {"from": 3, "percent": "4"}])
            },
            &[".steps[1].percent out_of_order", ".steps[2].percent out_of_order"],
        ),
        ("prices and percentages", |t| t["steps"][1] = json!({"from": 2, "percent": "5"}), &[".steps[1] conflict"]),
        (
            "everything at once",
            |t| {
                t["id"] = json!("a b");
                t["skus"] = json!("MUG");
                t["steps"][0]["from"] = json!(99);
                t["steps"][1]["unit_price"] = json!("3");
            },
            &[".id invalid_id", ".skus wrong_type", ".steps[1].from out_of_order", ".steps[1].unit_price out_of_order"],
        ),
    ]
}

fn faults(read: Result<Program, Faults>) -> Vec<String> {
    let faults = read.err().unwrap_or_default();
    faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect()
}

#[test]
fn a_table_that_cannot_be_read_is_refused_with_every_fault_by_its_path() {
    for (name, change, expected) in unreadable() {
        let mut table = mugs();
        change(&mut table);
        let document = document(&json!([cups(), table]));
        let expected: Vec<_> = expected.iter().map(|fault| format!("$.price_tables[1]{fault}")).collect();
        assert_eq!(faults(Program::from_json(&document)), expected, "{name}");
    }
    let twice = document(&json!([mugs(), cups(), cups()]));
    assert_eq!(faults(Program::from_json(&twice)), ["$.price_tables[2].id duplicate"]);
    let many: Vec<_> = (0..201).map(|_| cups()).collect();
    assert_eq!(faults(Program::from_json(&document(&json!(many)))), ["$.price_tables wrong_length"]);
}

/// Each with two tables of the SKU MUG for some accounts, and what is wrong with the second.
#[test]
fn tables_that_contradict_each_other_and_tables_for_nobody_are_refused_in_new_versions_alone() {
    let rows: [(&str, Value, Value, &[&str]); 12] = [
        ("both for all", json!({}), json!({}), &["$.price_tables[1] same_scope"]),
        ("other SKUs", json!({}), json!({"skus": ["JUG"]}), &[]),
        ("one SKU among others", json!({}), json!({"skus": ["JUG", "MUG"]}), &["$.price_tables[1] same_scope"]),
        ("a category", json!({}), json!({"skus": null, "categories": ["MUG"]}), &[]),
        (
            "the same category",
            json!({"skus": null, "categories": ["a", "b"]}),
            json!({"skus": null, "categories": ["b"]}),
            &["$.price_tables[1] same_scope"],
        ),
        ("a tier and all", json!({}), json!({"tiers": ["gold"]}), &[]),
        ("two tiers", json!({"tiers": ["member"]}), json!({"tiers": ["gold"]}), &[]),
        (
            "a tier twice",
            json!({"tiers": ["member", "gold"]}),
            json!({"tiers": ["gold"]}),
            &["$.price_tables[1] same_scope"],
        ),
        ("two segments", json!({"segments": ["uk"]}), json!({"segments": ["eu"]}), &[]),
        (
            "a segment twice",
            json!({"segments": ["uk"]}),
            json!({"segments": ["eu", "uk"]}),
            &["$.price_tables[1] same_scope"],
        ),
        (
            "a segment of two tiers",
            json!({"segments": ["uk"], "tiers": ["gold"]}),
            json!({"segments": ["uk"], "tiers": ["member"]}),
            &[],
        ),
        (
            "a tier that is none",
            json!({}),
            json!({"tiers": ["gold", "golden"]}),
            &["$.price_tables[1].tiers[1] never_fires"],
        ),
    ];
    for (name, first, second, expected) in rows {
        let table = |id: &str, fields: &Value| {
            let mut table = json!({"id": id, "name": id, "skus": ["MUG"], "steps": [{"from": 1, "unit_price": "1"}]});
            for (field, value) in fields.as_object().unwrap() {
                table[field] = value.clone();
            }
            table
        };
        let document = document(&json!([table("a", &first), table("b", &second)]));
        assert_eq!(faults(Program::from_new(&document, &ProgramName::parse("p").unwrap())), expected, "{name}");
        assert!(Program::from_json(&document).is_ok(), "{name}: what is stored stays readable");
    }
}

#[test]
fn a_list_that_is_not_read_whole_is_not_compared() {
    let mut faulty = mugs();
    faulty["name"] = json!("");
    let mut again = mugs();
    again["id"] = json!("again");
    let document = document(&json!([faulty, mugs(), again]));
    let told = faults(Program::from_new(&document, &ProgramName::parse("p").unwrap()));
    assert_eq!(told, ["$.price_tables[0].name invalid_text"]);
}

#[test]
fn prices_by_quantity_move_nothing_that_falls_due() {
    let plain = Program::from_json(&document(&json!([]))).unwrap();
    let priced = Program::from_json(&document(&json!([mugs()]))).unwrap();
    assert!(plain.decides_like(&priced) && priced.decides_like(&plain) && plain != priced);
}
