#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use crate::id::{ProgramName, TierId};
use crate::program::{Program, sample};
use crate::time::{Day, DayOfYear};
use serde_json::json;

fn document(rules: &Value) -> Value {
    sample::with("occasions", rules)
}

fn rule(on: &str) -> Value {
    json!({"id": "a", "name": "A", "on": on, "give": {"points": 1}})
}

fn with(on: &str, key: &str, value: Value) -> Value {
    let mut rule = rule(on);
    rule[key] = value;
    rule
}

fn faults(read: Result<Program, Faults>) -> Vec<String> {
    let faults = read.err().unwrap_or_default();
    faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect()
}

#[test]
fn occasions_are_read_as_stated() {
    let date = |text: &str| Date::parse(text).unwrap();
    for (stated, expected) in [
        (rule("welcome"), On::Welcome),
        (rule("birthday"), On::Birthday { contacts_per_year: 5 }),
        (with("birthday", "contacts_per_year", json!(20)), On::Birthday { contacts_per_year: 20 }),
        (rule("anniversary"), On::Anniversary { years: vec![] }),
        (with("anniversary", "years", json!([5, 1, 100])), On::Anniversary { years: vec![1, 5, 100] }),
        (
            with("date", "dates", json!(["12-24", "02-29", "2026-05-14"])),
            On::Date(vec![date("2026-05-14"), date("02-29"), date("12-24")]),
        ),
        (with("nth_order", "orders", json!([10, 1])), On::NthOrder(Orders::Listed(vec![1, 10]))),
        (with("nth_order", "every_orders", json!(2)), On::NthOrder(Orders::Every(2))),
        (with("inactivity", "days", json!(1_095)), On::Inactivity { days: 1_095 }),
    ] {
        let program = Program::from_new(&document(&json!([stated])), &ProgramName::parse("p").unwrap()).unwrap();
        assert_eq!(program.occasions[0].on, expected, "{stated}");
    }
    assert_eq!(date("2026-05-14"), Date::Once(Day::parse("2026-05-14").unwrap()));
    assert_eq!(date("02-29"), Date::Yearly(DayOfYear::parse("02-29").unwrap()));
    let mut whole = with("welcome", "tiers", json!(["member"]));
    whole["segments"] = json!(["shops"]);
    whole["give"] = json!({"discount": {"id": "d", "name": "D", "percent": "5", "validity_days": 14}});
    let program = Program::from_json(&document(&json!([whole]))).unwrap();
    let OccasionRule { name, audience, gift, .. } = &program.occasions[0];
    assert_eq!((name.as_str(), &audience.tiers), ("A", &vec![TierId::parse("member").unwrap()]));
    assert_eq!((gift.points, gift.discount.as_ref().unwrap().validity_days), (Points::ZERO, 14));
    for none in [json!(null), json!([])] {
        assert_eq!(Program::from_json(&document(&none)).unwrap().occasions, []);
    }
}

#[test]
fn an_occasion_that_cannot_be_read_is_refused_with_every_fault_by_its_path() {
    let both = {
        let mut rule = with("nth_order", "orders", json!([1]));
        rule["every_orders"] = json!(2);
        rule
    };
    let rows: [(Value, &[&str]); 21] = [
        (json!("welcome"), &[" wrong_type"]),
        (json!({}), &[".id missing", ".name missing", ".on missing", ".give missing"]),
        (rule("easter"), &[".on unknown_value"]),
        (with("welcome", "date", json!("12-24")), &[".date unknown_field"]),
        (with("welcome", "days", json!(3)), &[".days conflict"]),
        (with("birthday", "years", json!([1])), &[".years conflict"]),
        (with("birthday", "contacts_per_year", json!(0)), &[".contacts_per_year out_of_range"]),
        (with("birthday", "contacts_per_year", json!(21)), &[".contacts_per_year out_of_range"]),
        (
            with("anniversary", "years", json!([1, 0, 1, 101])),
            &[".years[1] out_of_range", ".years[2] duplicate", ".years[3] out_of_range"],
        ),
        (rule("date"), &[".dates missing"]),
        (with("date", "dates", json!([])), &[".dates wrong_length"]),
        (
            with("date", "dates", json!(["02-30", "2027-02-29", "24.12.", 1, "12-24", "12-24"])),
            &[
                ".dates[0] invalid_date",
                ".dates[1] invalid_date",
                ".dates[2] invalid_date",
                ".dates[3] wrong_type",
                ".dates[5] duplicate",
            ],
        ),
        (rule("nth_order"), &[".orders missing"]),
        (both, &[".every_orders conflict"]),
        (with("nth_order", "orders", json!([0])), &[".orders[0] out_of_range"]),
        (with("nth_order", "every_orders", json!(1)), &[".every_orders out_of_range"]),
        (rule("inactivity"), &[".days missing"]),
        (with("inactivity", "days", json!(1_096)), &[".days out_of_range"]),
        (with("inactivity", "days", json!(0)), &[".days out_of_range"]),
        (with("welcome", "give", json!({"points": -1})), &[".give.points out_of_range"]),
        (
            with("welcome", "give", json!({"discount": {"percent": "0"}})),
            &[
                ".give.discount.id missing",
                ".give.discount.name missing",
                ".give.discount.percent out_of_range",
                ".give.discount.validity_days missing",
            ],
        ),
    ];
    for (stated, expected) in rows {
        let mut other = rule("welcome");
        other["id"] = json!("b");
        let document = document(&json!([other, stated]));
        let expected: Vec<_> = expected.iter().map(|fault| format!("$.occasions[1]{fault}")).collect();
        assert_eq!(faults(Program::from_json(&document)), expected, "{stated}");
    }
    let many = (0..21).map(|n| json!({"id": n.to_string(), "name": "A", "on": "welcome", "give": {"points": 1}}));
    assert_eq!(faults(Program::from_json(&document(&json!(many.collect::<Vec<_>>())))), ["$.occasions wrong_length"]);
}

#[test]
fn ids_of_rules_and_of_discounts_are_used_once() {
    let twice = document(&json!([rule("welcome"), rule("birthday")]));
    assert_eq!(faults(Program::from_json(&twice)), ["$.occasions[1].id duplicate"]);
    let gives = |id: &str, discount: &str| {
        json!({"id": id, "name": "A", "on": "welcome",
               "give": {"discount": {"id": discount, "name": "D", "percent": "5", "validity_days": 14}}})
    };
    let mut same = document(&json!([gives("a", "thanks"), gives("b", "next"), gives("c", "thanks")]));
    same["discounts"] = json!([{
        "id": "next", "name": "N", "kind": "next_purchase", "minimum_total": "1", "percent": "5", "validity_days": 30,
    }]);
    let expected = ["$.occasions[1].give.discount.id duplicate", "$.occasions[2].give.discount.id duplicate"];
    assert_eq!(faults(Program::from_json(&same)), expected);
}

#[test]
fn occasions_that_never_do_anything_are_refused_in_new_versions_alone() {
    for (stated, expected) in [
        (with("birthday", "tiers", json!(["diamond", "gold"])), &["$.occasions[0].tiers[0] never_fires"][..]),
        (with("welcome", "tiers", json!(["gold"])), &["$.occasions[0].tiers never_fires"]),
        (with("welcome", "tiers", json!(["member"])), &[]),
        (with("welcome", "tiers", json!(["gold", "member"])), &["$.occasions[0].tiers no_effect"]),
        (with("birthday", "give", json!({})), &["$.occasions[0].give never_fires"]),
        (with("birthday", "give", json!({"points": 0})), &["$.occasions[0].give never_fires"]),
    ] {
        let document = document(&json!([stated]));
        assert_eq!(faults(Program::from_new(&document, &ProgramName::parse("p").unwrap())), expected, "{stated}");
        assert!(Program::from_json(&document).is_ok());
    }
}

#[test]
fn an_occasion_that_is_listed_twice_is_refused_in_new_versions_alone() {
    let discount = |id: &str, percent: &str| json!({"id": id, "name": id, "percent": percent, "validity_days": 9});
    let stated = |dates: Value, give: Value| {
        let mut rule = with("date", "dates", dates);
        rule["give"] = give;
        rule
    };
    let first = stated(json!(["12-24", "12-06"]), json!({"points": 5, "discount": discount("d", "5")}));
    for (mut second, expected) in [
        (
            stated(json!(["12-06", "12-24"]), json!({"points": 5, "discount": discount("e", "5")})),
            &["$.occasions[1] same_terms"][..],
        ),
        (stated(json!(["12-06", "12-24"]), json!({"points": 5, "discount": discount("e", "6")})), &[]),
        (stated(json!(["12-06", "12-24"]), json!({"points": 5})), &[]),
        (stated(json!(["12-06"]), json!({"points": 5, "discount": discount("e", "5")})), &[]),
    ] {
        second["id"] = json!("again");
        let document = document(&json!([first, second]));
        assert_eq!(faults(Program::from_new(&document, &ProgramName::parse("p").unwrap())), expected, "{second}");
        assert!(Program::from_json(&document).is_ok());
    }
}

#[test]
fn a_gift_that_cannot_be_read_is_not_said_to_be_none() {
    let discount = json!({"id": "d", "name": "D", "percent": "0", "validity_days": 14});
    for (give, expected) in [
        (json!({"discount": discount}), "$.occasions[0].give.discount.percent out_of_range"),
        (json!({"discount": "5"}), "$.occasions[0].give.discount wrong_type"),
        (json!({"points": -1}), "$.occasions[0].give.points out_of_range"),
    ] {
        let document = document(&json!([with("birthday", "give", give)]));
        assert_eq!(faults(Program::from_new(&document, &ProgramName::parse("p").unwrap())), [expected]);
    }
}

#[test]
fn a_version_with_other_occasions_files_accounts_anew() {
    let [plain, other] =
        [json!([]), json!([rule("welcome")])].map(|rules| Program::from_json(&document(&rules)).unwrap());
    assert!(!plain.decides_like(&other));
}
