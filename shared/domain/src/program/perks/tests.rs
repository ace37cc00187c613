#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use crate::id::{ProgramName, Segment, TierId};
use crate::program::{Program, sample};
use serde_json::json;

fn document(perks: &Value) -> Value {
    sample::with("perks", perks)
}

fn training() -> Value {
    json!({
        "id": "training", "name": "Training days", "kind": "training", "description": "At your place or ours.",
        "tiers": ["gold"], "segments": ["uk"], "after_days": 3_650, "activity_days": 1_096, "count_per": {"count": 1_000, "months": 3},
    })
}

fn plain(id: &str) -> Value {
    json!({"id": id, "name": id, "kind": "other"})
}

#[test]
fn perks_are_read_as_stated() {
    let program = Program::from_json(&document(&json!([training(), plain("gift")]))).unwrap();
    let audience =
        Audience { tiers: vec![TierId::parse("gold").unwrap()], segments: vec![Segment::parse("uk").unwrap()] };
    let expected = Perk {
        id: RuleId::parse("training").unwrap(),
        name: "Training days".to_owned(),
        kind: PerkKind::Training,
        description: Some("At your place or ours.".to_owned()),
        audience,
        after_days: 3_650,
        activity_days: Some(1_096),
        allowance: Some(Allowance { count: 1_000, per: Period::Months(3) }),
    };
    assert_eq!(program.perks[0], expected);
    let bare = &program.perks[1];
    assert_eq!((bare.after_days, &bare.description, bare.allowance), (0, &None, None));
    assert_eq!(bare.activity_days, None);
    assert_eq!(bare.audience, Audience::default());
    for (per, expected) in [
        (json!({"count": 1, "year": "calendar"}), Period::Months(12)),
        (json!({"count": 1, "months": 12}), Period::Months(12)),
        (json!({"count": 1, "year": "membership"}), Period::MembershipYear),
    ] {
        let mut perk = plain("gift");
        perk["count_per"] = per;
        let program = Program::from_json(&document(&json!([perk]))).unwrap();
        assert_eq!(program.perks[0].allowance, Some(Allowance { count: 1, per: expected }));
    }
    for none in [json!(null), json!([])] {
        assert_eq!(Program::from_json(&document(&none)).unwrap().perks, []);
    }
}

type Row = (&'static str, fn(&mut Value), &'static [&'static str]);

/// What cannot be read: changes of the perk [`training`], and the faults of it.
fn unreadable() -> Vec<Row> {
    vec![
        ("no object", |p| *p = json!("training"), &[" wrong_type"]),
        ("nothing", |p| *p = json!({}), &[".id missing", ".name missing", ".kind missing"]),
        ("an unknown field", |p| p["count"] = json!(2), &[".count unknown_field"]),
        ("an unknown kind", |p| p["kind"] = json!("gift"), &[".kind unknown_value"]),
        ("a description of 501", |p| p["description"] = json!("x".repeat(501)), &[".description invalid_text"]),
        ("a tier twice", |p| p["tiers"] = json!(["gold", "gold"]), &[".tiers[1] duplicate"]),
        ("more than ten years", |p| p["after_days"] = json!(3_651), &[".after_days out_of_range"]),
        ("active for no day", |p| p["activity_days"] = json!(0), &[".activity_days out_of_range"]),
        ("more than three years", |p| p["activity_days"] = json!(1_097), &[".activity_days out_of_range"]),
        ("days below zero", |p| p["after_days"] = json!(-1), &[".after_days out_of_range"]),
        ("an empty count", |p| p["count_per"] = json!({}), &[".count_per.count missing", ".count_per.months missing"]),
        ("a count of none", |p| p["count_per"]["count"] = json!(0), &[".count_per.count out_of_range"]),
        ("a count of too many", |p| p["count_per"]["count"] = json!(1_001), &[".count_per.count out_of_range"]),
        ("both periods", |p| p["count_per"]["year"] = json!("calendar"), &[".count_per.year conflict"]),
        ("no months", |p| p["count_per"]["months"] = json!(0), &[".count_per.months out_of_range"]),
        ("five months", |p| p["count_per"]["months"] = json!(5), &[".count_per.months out_of_range"]),
        ("13 months", |p| p["count_per"]["months"] = json!(13), &[".count_per.months out_of_range"]),
        (
            "another year",
            |p| p["count_per"] = json!({"count": 1, "year": "fiscal"}),
            &[".count_per.year unknown_value"],
        ),
        (
            "everything at once",
            |p| {
                p["id"] = json!("a b");
                p["kind"] = json!(1);
                p["count_per"] = json!({"count": "2", "months": 7});
            },
            &[".id invalid_id", ".kind wrong_type", ".count_per.count wrong_type", ".count_per.months out_of_range"],
        ),
    ]
}

fn faults(read: Result<Program, Faults>) -> Vec<String> {
    let faults = read.err().unwrap_or_default();
    faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect()
}

#[test]
fn a_perk_that_cannot_be_read_is_refused_with_every_fault_by_its_path() {
    for (name, change, expected) in unreadable() {
        let mut perk = training();
        change(&mut perk);
        let document = document(&json!([plain("gift"), perk]));
        let expected: Vec<_> = expected.iter().map(|fault| format!("$.perks[1]{fault}")).collect();
        assert_eq!(faults(Program::from_json(&document)), expected, "{name}");
    }
    let twice = document(&json!([plain("gift"), plain("gift")]));
    assert_eq!(faults(Program::from_json(&twice)), ["$.perks[1].id duplicate"]);
    let many: Vec<_> = (0..51).map(|n| plain(&format!("gift-{n}"))).collect();
    assert_eq!(faults(Program::from_json(&document(&json!(many)))), ["$.perks wrong_length"]);
}

#[test]
fn a_perk_for_a_tier_that_nobody_holds_is_refused_in_new_versions_alone() {
    let mut perk = training();
    perk["tiers"] = json!(["gold", "diamond"]);
    let document = document(&json!([perk]));
    let told = faults(Program::from_new(&document, &ProgramName::parse("p").unwrap()));
    assert_eq!(told, ["$.perks[0].tiers[1] never_fires"]);
    assert!(Program::from_json(&document).is_ok());
}

#[test]
fn a_perk_for_all_tiers_or_listed_twice_is_refused_in_new_versions_alone() {
    type Row = (fn(&mut Value), &'static [&'static str]);
    let rows: [Row; 6] = [
        (|p| p["tiers"] = json!(["member", "gold"]), &["$.perks[1].tiers no_effect"]),
        (|p| p["tiers"] = json!(["gold"]), &["$.perks[1] same_terms"]),
        (|p| p["name"] = json!("Days of training"), &[]),
        (|p| p["segments"] = json!(["eu"]), &[]),
        (|p| p["count_per"]["count"] = json!(1), &[]),
        (|p| p["description"] = Value::Null, &[]),
    ];
    for (change, expected) in rows {
        let mut perk = training();
        perk["id"] = json!("again");
        change(&mut perk);
        let document = document(&json!([training(), perk]));
        assert_eq!(faults(Program::from_new(&document, &ProgramName::parse("p").unwrap())), expected);
        assert!(Program::from_json(&document).is_ok());
    }
}

#[test]
fn perks_move_nothing_that_falls_due() {
    let plain = Program::from_json(&document(&json!([]))).unwrap();
    let with_perks = Program::from_json(&document(&json!([training()]))).unwrap();
    assert!(plain.decides_like(&with_perks) && with_perks.decides_like(&plain) && plain != with_perks);
}
