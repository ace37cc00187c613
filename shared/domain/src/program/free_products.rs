//! The free products of the program document.

use super::Ladder;
use super::read::{NAME_CHARS_MAX, label};
use crate::audience::{self, Audience};
use crate::document::{self, Faults, Object, Path};
use crate::earning::Reading;
use crate::free_products::FreeProduct;
use crate::id::{RuleId, Sku};
use crate::money::{self, Minor};
use crate::order::QUANTITY_MAX;
use crate::schema::{self, Schema};
use crate::validity;
use serde_json::{Value, json};

/// Most free products of a program.
pub(super) const FREE_PRODUCTS_MAX: usize = 50;

pub(super) fn free_product(
    value: &Value,
    path: &Path<'_>,
    reading: &Reading<'_>,
    faults: &mut Faults,
) -> Option<FreeProduct> {
    let known = ["id", "name", "sku", "quantity", "minimum_total", "tiers", "segments", "from", "until"];
    let rule = Object::open(value, path, &known, faults)?;
    let id = rule.required("id", faults, document::id(RuleId::parse));
    let name = rule.required("name", faults, label());
    let sku = rule.required("sku", faults, document::id(Sku::parse));
    let quantity = rule.required("quantity", faults, document::whole(1..=QUANTITY_MAX));
    let minimum_total = rule.required("minimum_total", faults, document::decimal(money::decimals(reading.currency), 1));
    let audience = Audience::read(&rule, faults);
    let (from, until) = validity::read(&rule, reading.calendar, faults);
    Some(FreeProduct {
        id: id?,
        name: name?,
        sku: sku?,
        quantity: quantity?,
        minimum_total: Minor(minimum_total?),
        audience,
        from,
        until,
    })
}

/// Notes free products for tiers that nobody holds, or for all of them.
pub(super) fn sense(rules: &[FreeProduct], levels: Option<&Ladder>, faults: &mut Faults) {
    let list = Path::Key(&Path::Root, "free_products");
    for (index, rule) in rules.iter().enumerate() {
        audience::check_tiers_of_members(&rule.audience.tiers, &Path::Index(&list, index), levels, faults);
    }
}

/// What the section may say.
pub(super) fn schema() -> Schema {
    let rule = schema::object("Free product")
        .required("id", schema::id(RuleId::parse), "Once in the list, and the same over versions.")
        .required("name", schema::label(NAME_CHARS_MAX), "For customers.")
        .required("sku", schema::sku(), "What the shop puts into the parcel.")
        .required("quantity", schema::whole(1..=QUANTITY_MAX), "How many of it.")
        .required("minimum_total", schema::money(1), "The eligible total of the order from which on it is free.");
    let rule = Audience::schema(validity::schema(rule, "The order is placed"));
    schema::list(0..=FREE_PRODUCTS_MAX, rule).examples([json!([
        { "id": "mug", "name": "A mug on us", "sku": "MUG", "quantity": 2, "minimum_total": "500.00" },
        { "id": "jug", "name": "A jug for gold", "sku": "JUG", "quantity": 1, "minimum_total": "100.00",
          "tiers": ["gold"], "segments": ["hotels"], "from": "2030-05-01", "until": "2030-05-31" },
    ])])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::id::{ProgramName, Segment, TierId};
    use crate::program::{Program, sample};
    use crate::time::Instant;
    use serde_json::json;

    fn document(rules: &Value) -> Value {
        sample::with("free_products", rules)
    }

    fn mug() -> Value {
        json!({
            "id": "mug", "name": "A mug on us", "sku": "MUG", "quantity": 2, "minimum_total": "500.00", "tiers": ["gold"],
            "segments": ["hotels"], "from": "2030-05-01T00:00:00+01:00", "until": "2030-06-01T00:00:00+01:00",
        })
    }

    fn faults(read: Result<Program, Faults>) -> Vec<String> {
        let faults = read.err().unwrap_or_default();
        faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect()
    }

    #[test]
    fn free_products_are_read_as_stated() {
        let program = Program::from_json(&document(&json!([mug()]))).unwrap();
        let expected = FreeProduct {
            id: RuleId::parse("mug").unwrap(),
            name: "A mug on us".to_owned(),
            sku: Sku::parse("MUG").unwrap(),
            quantity: 2,
            minimum_total: Minor(50_000),
            audience: Audience {
                tiers: vec![TierId::parse("gold").unwrap()],
                segments: vec![Segment::parse("hotels").unwrap()],
            },
            from: Instant::parse("2030-04-30T23:00:00Z"),
            until: Instant::parse("2030-05-31T23:00:00Z"),
        };
        assert_eq!(program.free_products, [expected]);
        let mut by_date = mug();
        (by_date["from"], by_date["until"]) = (json!("2030-05-01"), json!("2030-05-31"));
        assert_eq!(Program::from_json(&document(&json!([by_date]))).unwrap().free_products, program.free_products);
        let bare = json!({"id": "a", "name": "A", "sku": "A", "quantity": 1, "minimum_total": "0.01"});
        let program = Program::from_json(&document(&json!([bare]))).unwrap();
        assert_eq!((program.free_products[0].from, &program.free_products[0].audience), (None, &Audience::default()));
        for none in [json!(null), json!([])] {
            assert_eq!(Program::from_json(&document(&none)).unwrap().free_products, []);
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_every_fault_by_its_path() {
        type Row = (&'static str, fn(&mut Value), &'static [&'static str]);
        let rows: [Row; 10] = [
            (
                "nothing",
                |r| *r = json!({}),
                &[".id missing", ".name missing", ".sku missing", ".quantity missing", ".minimum_total missing"],
            ),
            ("an unknown field", |r| r["skus"] = json!(["MUG"]), &[".skus unknown_field"]),
            ("none of it", |r| r["quantity"] = json!(0), &[".quantity out_of_range"]),
            ("for nothing", |r| r["minimum_total"] = json!("0.00"), &[".minimum_total out_of_range"]),
            ("a fraction of a penny", |r| r["minimum_total"] = json!("0.001"), &[".minimum_total too_many_decimals"]),
            ("a tier twice", |r| r["tiers"] = json!(["gold", "gold"]), &[".tiers[1] duplicate"]),
            ("a segment twice", |r| r["segments"] = json!(["uk", "uk"]), &[".segments[1] duplicate"]),
            ("no offset", |r| r["from"] = json!("2030-05-01T00:00:00"), &[".from invalid_time"]),
            ("over before it begins", |r| r["until"] = r["from"].clone(), &[".until out_of_order"]),
            (
                "everything at once",
                |r| {
                    r["sku"] = json!("");
                    r["quantity"] = json!("2");
                    r["until"] = json!("2030-04-01T00:00:00Z");
                },
                &[".sku invalid_id", ".quantity wrong_type", ".until out_of_order"],
            ),
        ];
        for (name, change, expected) in rows {
            let mut rule = mug();
            change(&mut rule);
            let expected: Vec<_> = expected.iter().map(|fault| format!("$.free_products[0]{fault}")).collect();
            assert_eq!(faults(Program::from_json(&document(&json!([rule])))), expected, "{name}");
        }
        let twice = faults(Program::from_json(&document(&json!([mug(), mug()]))));
        assert_eq!(twice, ["$.free_products[1].id duplicate"]);
    }

    #[test]
    fn free_products_move_nothing_that_falls_due() {
        let plain = Program::from_json(&document(&json!([]))).unwrap();
        let giving = Program::from_json(&document(&json!([mug()]))).unwrap();
        assert!(plain.decides_like(&giving) && giving.decides_like(&plain) && plain != giving);
    }

    #[test]
    fn one_for_a_tier_that_nobody_holds_is_refused_in_new_versions_alone() {
        let mut rule = mug();
        rule["tiers"] = json!(["golden"]);
        let document = document(&json!([rule]));
        let told = faults(Program::from_new(&document, &ProgramName::parse("p").unwrap()));
        assert_eq!(told, ["$.free_products[0].tiers[0] never_fires"]);
        assert!(Program::from_json(&document).is_ok());
    }

    #[test]
    fn one_for_all_tiers_or_listed_twice_is_refused_in_new_versions_alone() {
        type Row = (fn(&mut Value), &'static [&'static str]);
        let rows: [Row; 5] = [
            (|r| r["name"] = json!("Two mugs"), &["$.free_products[1] same_terms"]),
            (|r| r["tiers"] = json!(["gold", "member"]), &["$.free_products[1].tiers no_effect"]),
            (|r| r["quantity"] = json!(3), &[]),
            (|r| r["until"] = Value::Null, &[]),
            (|r| r["minimum_total"] = json!("500.01"), &[]),
        ];
        for (change, expected) in rows {
            let mut rule = mug();
            rule["id"] = json!("again");
            change(&mut rule);
            let document = document(&json!([mug(), rule]));
            assert_eq!(faults(Program::from_new(&document, &ProgramName::parse("p").unwrap())), expected);
            assert!(Program::from_json(&document).is_ok());
        }
    }
}
