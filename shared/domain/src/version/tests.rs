#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
use super::*;
use crate::schedule;
use serde_json::json;

fn name() -> ProgramName {
    ProgramName::parse("p").unwrap()
}

fn at(ms: i64) -> Instant {
    Instant::from_ms(ms)
}

/// A document with these tiers in this currency.
fn document(currency: &str, tiers: &[&str]) -> Value {
    let level = |(index, id): (usize, &&str)| {
        let threshold = format!("{index}00");
        json!({"id": id, "name": id, "threshold": threshold, "multiplier": "1"})
    };
    json!({
        "name": "p", "currency": currency, "time_zone": "UTC", "enrolment": {"unknown_account": "enrol"},
        "earning_rules": [{"id": "base", "name": "Points", "points": 1, "per": "1"}],
        "points": {"validity_months": 24},
        "tiers": {"window_months": 12, "levels": tiers.iter().enumerate().map(level).collect::<Vec<_>>()},
    })
}

fn stored(number: u32, document: &Value) -> Version {
    Version { number, document: document.to_string(), created_at: Some(at(1)), created_by: Some("ann".to_owned()) }
}

/// What is stored, as a test decides on it: versions by their place, and what was activated.
struct World {
    documents: Vec<Value>,
    timeline: Timeline,
}

impl World {
    fn of(documents: &[Value]) -> Self {
        Self { documents: documents.to_vec(), timeline: Timeline::default() }
    }

    fn state(&self, number: u32) -> Activating {
        let rules = |number: u32| {
            let document = self.documents.get(usize::try_from(number).unwrap().checked_sub(1)?)?;
            Some((stored(number, document), Arc::new(Program::from_json(document).unwrap())))
        };
        let activated = self.timeline.activations.iter().map(|activation| schedule::Activation {
            from: activation.from,
            version: activation.version,
            program: rules(activation.version).unwrap().1,
        });
        let schedule = Schedule::new(activated.collect());
        Activating { timeline: self.timeline.clone(), schedule, version: rules(number) }
    }

    fn put(&mut self, number: u32, from: Option<i64>, now: i64) -> Result<(i64, bool), Rejection> {
        let asked = Asked { version: number, from: from.map(at) };
        let decision = activate(&name(), &asked, &self.state(number), at(now))?;
        let (activation, was_there) = decision.answer;
        assert_eq!((activation.version, decision.writes.is_empty()), (number, was_there));
        for write in decision.writes {
            if let Write::Put(Record::Timeline(_, next), guard) = write {
                let held = self.timeline.version;
                assert_eq!(guard, if held == 0 { Guard::Absent } else { Guard::Version(held) });
                self.timeline = *next;
            }
        }
        Ok((activation.from.as_ms(), was_there))
    }

    fn plan(&self) -> Vec<(i64, u32)> {
        self.timeline.effective().iter().map(|activation| (activation.from.as_ms(), activation.version)).collect()
    }
}

const NOW: i64 = 1_000_000;
const SOON: i64 = NOW + AHEAD_MS;

#[test]
fn the_first_is_in_force_from_the_beginning_of_time_and_later_ones_two_minutes_ahead() {
    let plain = document("GBP", &["member"]);
    let mut world = World::of(&vec![plain; 4]);
    assert_eq!(world.put(1, Some(5 * SOON), NOW), Ok((0, false)));
    // Said again, with an instant or without one: nothing else was ever in force.
    assert_eq!(world.put(1, Some(5 * SOON), NOW + 9), Ok((0, true)));
    assert_eq!(world.put(1, None, NOW), Ok((0, true)));
    assert_eq!(world.put(2, Some(SOON - 1), NOW), Err(Rejection::TooEarly { earliest: at(SOON) }));
    assert_eq!(world.put(2, Some(0), NOW), Err(Rejection::TooEarly { earliest: at(SOON) }));
    assert_eq!(world.put(2, Some(SOON), NOW), Ok((SOON, false)));
    assert_eq!(world.put(3, None, NOW + 5), Ok((SOON + 5, false)));
    assert_eq!(world.put(9, None, NOW), Err(Rejection::UnknownVersion));
    assert_eq!(world.plan(), [(0, 1), (SOON, 2), (SOON + 5, 3)]);
}

#[test]
fn a_repeat_is_answered_the_same_however_late_it_comes() {
    let plain = document("GBP", &["member"]);
    let mut world = World::of(&vec![plain; 3]);
    world.put(1, None, NOW).unwrap();
    assert_eq!(world.put(2, None, NOW), Ok((SOON, false)));
    for later in [1, AHEAD_MS - 1, AHEAD_MS, 100 * AHEAD_MS] {
        assert_eq!(world.put(2, None, NOW + later), Ok((SOON, true)), "{later}");
        assert_eq!(world.put(2, Some(SOON), NOW + later), Ok((SOON, true)), "{later}");
    }
    // Once another has come in between, it is a wish of its own: this is the way back.
    assert_eq!(world.put(3, None, 2 * SOON), Ok((2 * SOON + AHEAD_MS, false)));
    assert_eq!(world.put(2, None, 4 * SOON), Ok((4 * SOON + AHEAD_MS, false)));
    assert_eq!(world.put(1, Some(9 * SOON), 4 * SOON), Ok((9 * SOON, false)));
    let expected = [(0, 1), (SOON, 2), (2 * SOON + AHEAD_MS, 3), (4 * SOON + AHEAD_MS, 2), (9 * SOON, 1)];
    assert_eq!(world.plan(), expected);
}

#[test]
fn a_version_that_comes_too_late_can_be_had_earlier_and_one_to_come_be_called_off() {
    let plain = document("GBP", &["member"]);
    let mut world = World::of(&vec![plain; 2]);
    world.put(1, None, NOW).unwrap();
    assert_eq!(world.put(2, Some(9 * SOON), NOW), Ok((9 * SOON, false)));
    assert_eq!(world.put(2, None, NOW), Ok((SOON, false)));
    assert_eq!(world.put(1, Some(SOON), NOW), Ok((SOON, false)));
    assert_eq!(world.plan(), [(0, 1), (SOON, 1), (9 * SOON, 2)]);
    assert_eq!(world.timeline.activations.len(), 4, "what was decided stays noted");
    assert_eq!(world.timeline.at(at(SOON)).map(|held| held.version), Some(1));
}

#[test]
fn a_version_takes_nothing_away_and_the_one_after_it_neither() {
    let (short, long) = (document("GBP", &["member", "silver"]), document("GBP", &["member", "silver", "gold"]));
    let mut world = World::of(&[short.clone(), long, short, document("EUR", &["member", "silver"])]);
    world.put(1, None, NOW).unwrap();
    let refused = |result: Result<(i64, bool), Rejection>| match result {
        Err(Rejection::CannotFollow { before, after, faults }) => {
            let paths: Vec<_> = faults.listed().iter().map(|fault| fault.path.clone()).collect();
            (before, after, paths.join(" "))
        }
        other => panic!("{other:?}"),
    };
    let tiers = || "$.tiers.levels".to_owned();
    assert_eq!(refused(world.put(4, None, NOW)), (1, 4, "$.currency".to_owned()));
    world.put(2, Some(5 * SOON), NOW).unwrap();
    // After gold came in, no version does without; before it one may.
    assert_eq!(refused(world.put(1, Some(9 * SOON), NOW)), (2, 1, tiers()));
    assert_eq!(refused(world.put(3, Some(9 * SOON), NOW)), (2, 3, tiers()));
    assert_eq!(world.put(3, Some(2 * SOON), NOW), Ok((2 * SOON, false)));
    // Nor can gold come in before one that is planned without it, unless it comes in that one's place.
    assert_eq!(refused(world.put(2, Some(SOON), NOW)), (2, 3, tiers()));
    assert_eq!(world.put(2, Some(2 * SOON), NOW), Ok((2 * SOON, false)));
    assert_eq!(world.plan(), [(0, 1), (2 * SOON, 2), (5 * SOON, 2)]);
}

#[test]
fn a_schedule_has_a_bound() {
    let plain = document("GBP", &["member"]);
    let mut world = World::of(&vec![plain; 2]);
    let activation = |n: usize| Activation { from: at(i64::try_from(n).unwrap()), version: 1 };
    world.timeline = Timeline { version: 7, activations: (0..ACTIVATIONS_MAX).map(activation).collect() };
    assert_eq!(world.put(2, None, NOW), Err(Rejection::TooManyActivations));
    assert_eq!(world.put(1, None, NOW).map(|(_, was_there)| was_there), Ok(true), "what is so already needs no room");
    world.timeline.activations.pop();
    assert_eq!(world.put(2, None, NOW), Ok((SOON, false)));
}

#[test]
fn a_copy_of_a_version_is_put_beside_the_schedule_once() {
    let plain = document("GBP", &["member"]);
    let world = World::of(std::slice::from_ref(&plain));
    let first = put_in_force(&name(), &world.timeline, &stored(1, &plain), at(0)).unwrap();
    assert!(matches!(&first[0], Write::Put(Record::ActiveVersion(_, copy), Guard::Absent) if copy.number == 1));
    let again = Timeline { version: 1, activations: vec![Activation { from: at(0), version: 1 }] };
    let again = put_in_force(&name(), &again, &stored(1, &plain), at(5)).unwrap();
    assert!(matches!(&again[..], [Write::Put(Record::Timeline(_, next), Guard::Version(1))] if next.version == 2));
}

fn key(text: &str) -> CommandKey {
    CommandKey::new("ann", "POST /v1/program/versions", text).unwrap()
}

fn draft(document: &Value) -> Draft {
    Draft::read(document.clone(), &name()).unwrap()
}

#[test]
fn a_document_is_stored_under_the_next_number_once() {
    let (one, two) = (document("GBP", &["member"]), document("GBP", &["member", "silver"]));
    let by_key = |document: &Value, number: u32| {
        let content_hash = draft(document).content_hash();
        Some((KeyUse { key: key("k"), content_hash, number }, stored(number, document)))
    };
    let versions = |newest: Option<(u32, &Value)>, by_key| Versions {
        newest: newest.map(|(number, document)| stored(number, document)),
        by_key,
    };
    let decide = |document: &Value, keyed: bool, versions: &Versions| {
        let key = keyed.then(|| key("k"));
        let decision = store(&name(), &draft(document), key.as_ref(), versions, "bob", at(NOW))?;
        let (version, was_there) = decision.answer;
        assert_eq!(decision.writes.len(), if was_there { 0 } else { 1 + usize::from(keyed) });
        assert_eq!(version.created_by.as_deref(), Some(if was_there { "ann" } else { "bob" }));
        Ok((version.number, was_there))
    };
    for keyed in [false, true] {
        assert_eq!(decide(&one, keyed, &versions(None, None)), Ok((1, false)));
        assert_eq!(decide(&two, keyed, &versions(Some((1, &one)), None)), Ok((2, false)));
        // What the newest says; what an older one says is new again.
        assert_eq!(decide(&two, keyed, &versions(Some((2, &two)), None)), Ok((2, true)));
        assert_eq!(decide(&one, keyed, &versions(Some((2, &two)), None)), Ok((3, false)));
    }
    // What a key was used for is known however many came after.
    assert_eq!(decide(&one, true, &versions(Some((5, &two)), by_key(&one, 3))), Ok((3, true)));
    assert_eq!(decide(&two, true, &versions(Some((5, &two)), by_key(&one, 3))), Err(Rejection::KeyReused));
    let full = versions(Some((u32::MAX, &one)), None);
    assert_eq!(decide(&two, false, &full), Err(Rejection::Overflow));
}

#[test]
fn equal_content_is_the_same_document_however_it_is_spelt() {
    let one = document("GBP", &["member"]);
    let newest = Version { document: serde_json::to_string_pretty(&one).unwrap(), ..stored(1, &one) };
    let versions = Versions { newest: Some(newest), by_key: None };
    let again = |document: &Value| {
        let decision = store(&name(), &draft(document), None, &versions, "bob", at(NOW)).unwrap();
        assert_eq!(decision.writes.is_empty(), decision.answer.1);
        decision.answer.1
    };
    assert!(again(&one));
    type Change = fn(&mut Value);
    let respellings: [(&str, Change); 7] = [
        ("an amount", |p| p["earning_rules"][0]["per"] = json!("1.00")),
        ("a threshold", |p| p["tiers"]["levels"][0]["threshold"] = json!("0.00")),
        ("what holds anyway", |p| p["eligibility"] = json!({"tax": "as_stated"})),
        ("an empty list", |p| p["discounts"] = json!([])),
        ("nothing", |p| p["perks"] = json!(null)),
        ("a window", |p| {
            p["tiers"]["window_months"] = json!(null);
            p["tiers"]["window"] = json!({"kind": "rolling", "months": 12});
        }),
        ("what editors look at", |p| p["$schema"] = json!("./program.schema.json")),
    ];
    for (name, change) in respellings {
        let mut respelt = one.clone();
        change(&mut respelt);
        assert!(again(&respelt), "{name}");
    }
    let mut other = one.clone();
    other["earning_rules"][0]["per"] = json!("1.01");
    assert!(!again(&other));
}

#[test]
fn a_version_that_is_not_readable_any_more_is_repeated_by_no_other_document() {
    let one = document("GBP", &["member"]);
    let mut old = one.clone();
    old["forgotten"] = json!(true);
    let versions = Versions { newest: Some(stored(1, &old)), by_key: None };
    let stored = store(&name(), &draft(&one), None, &versions, "bob", at(NOW)).unwrap();
    assert!(!stored.answer.1);
}

#[test]
fn a_document_that_no_item_holds_is_refused() {
    let mut large = document("GBP", &["member"]);
    large["earning_rules"][0]["name"] = json!(format!("{}x", " ".repeat(DOCUMENT_BYTES_MAX)));
    let faults = Draft::read(large, &name()).unwrap_err();
    assert_eq!((faults.listed()[0].path.as_str(), faults.listed()[0].code), ("$", "too_large"));
}

#[test]
fn what_is_asked_for_is_read_with_every_fault_at_once() {
    for (document, expected) in [
        (json!({"version": 2}), Ok(Asked { version: 2, from: None })),
        (json!({"version": 2, "from": "1970-01-01T00:00:01Z"}), Ok(Asked { version: 2, from: Some(at(1_000)) })),
        (json!([]), Err(vec!["$"])),
        (json!({}), Err(vec!["$.version"])),
        (json!({"version": 0, "from": 5, "until": 6}), Err(vec!["$.until", "$.version", "$.from"])),
        (json!({"version": 4_294_967_296_u64}), Err(vec!["$.version"])),
    ] {
        let paths = |faults: Faults| faults.listed().iter().map(|fault| fault.path.clone()).collect::<Vec<_>>();
        let expected = expected.map_err(|paths| paths.into_iter().map(str::to_owned).collect());
        assert_eq!(asked(&document).map_err(paths), expected, "{document}");
    }
}
