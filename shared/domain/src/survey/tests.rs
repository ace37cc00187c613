#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

use super::*;
use crate::account::Account;
use crate::code::Secrets;
use crate::id::AccountId;
use crate::program::Program;
use crate::schedule::{Activation, Schedule};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

const NOON: &str = "2011-03-01T12:00:00Z";

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn schedule() -> Schedule {
    let document = json!({
        "name": "asking", "currency": "GBP", "time_zone": "Europe/London",
        "enrolment": { "unknown_account": "enrol" },
        "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1.00" }],
        "points": { "validity_months": 24, "shortfall": "owe" },
        "tiers": {
            "window_months": 12, "review": { "hold_months": 1, "grace_days": 0, "downgrade": "to_earned" },
            "levels": [
                { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
                { "id": "silver", "name": "Silver", "threshold": "1000", "multiplier": "1" },
            ],
        },
    });
    let program = Arc::new(Program::from_json(&document).unwrap_or_else(|faults| panic!("{faults:?}")));
    Schedule::new(vec![Activation { from: Instant::MIN, version: 1, program }]).unwrap()
}

/// A survey, the account `acme` with its contact `ann`, and what they have said.
#[derive(Clone)]
struct World {
    schedule: Arc<Schedule>,
    now: Instant,
    asked: Asked,
}

impl World {
    fn new() -> Self {
        let (schedule, now) = (Arc::new(schedule()), at(NOON));
        let id = AccountId::parse("acme").unwrap();
        let (mut account, _) = Account::enrol(id, &schedule.at(now).program, now);
        account.segments = vec![crate::id::Segment::parse("retail").unwrap()];
        Self { schedule, now, asked: Asked { account: Some(account), contact_known: Some(true), ..Asked::default() } }
    }

    fn open() -> Self {
        let mut world = Self::new();
        world.put(json!({ "name": "Spring" })).unwrap();
        world
    }

    fn decide<T>(
        &self,
        decide: impl FnOnce(&Context<'_>) -> Result<Decision<T>, Rejection>,
    ) -> Result<Decision<T>, Rejection> {
        let secrets = Secrets::parse("1:sixteen bytes at least").unwrap();
        decide(&Context {
            schedule: &self.schedule,
            secrets: &secrets,
            by: "test",
            now: self.now,
            wall_day: self.now.utc_day(),
            collisions: 0,
        })
    }

    /// Applies what was decided, each write under its guard; answers how many there were.
    fn apply(&mut self, writes: Vec<Write>) -> usize {
        let count = writes.iter().filter(|write| matches!(write, Write::Put(..))).count();
        for write in writes {
            match write {
                Write::Put(Record::Survey(survey), guard) => {
                    assert_eq!(guard, held(self.asked.survey.as_ref().map(|held| held.version)));
                    self.asked.survey = Some(*survey);
                }
                Write::Put(Record::SurveyAnswer(answer), guard) => {
                    assert_eq!(guard, held(self.asked.held.as_ref().map(|held| held.version)));
                    self.asked.held = Some(*answer);
                }
                Write::ExpectContact(whose) => {
                    assert_eq!((whose.0.as_str(), whose.1.as_str()), ("acme", "ann"));
                    assert_eq!(self.asked.contact_known, Some(true));
                }
                other => panic!("nobody here writes {other:?}"),
            }
        }
        count
    }

    /// Whether it is new, and how much was written.
    fn put(&mut self, document: Value) -> Result<(Put, usize), Rejection> {
        let (id, document) = (SurveyId::parse("nps").unwrap(), survey_document(&document)?);
        let decision = self.decide(|context| put_survey(&id, self.asked.survey.as_ref(), &document, context))?;
        let (survey, put) = decision.answer;
        let written = self.apply(decision.writes);
        assert_eq!(self.asked.survey, Some(survey), "what is answered is what is stored");
        Ok((put, written))
    }

    fn say(&mut self, score: u64, comment: Option<&str>) -> Result<(Outcome, usize), Rejection> {
        let document = json!({ "account_id": "acme", "contact_id": "ann", "score": score, "comment": comment });
        let document = answer_document(&document)?;
        let decision = self.decide(|context| give_answer(&document, &self.asked, context))?;
        let (answer, outcome) = decision.answer;
        let written = self.apply(decision.writes);
        assert_eq!(self.asked.held, Some(answer), "what is answered is what is stored");
        Ok((outcome, written))
    }

    fn held(&self) -> &Answer {
        self.asked.held.as_ref().unwrap()
    }
}

fn held(version: Option<u64>) -> Guard {
    version.map_or(Guard::Absent, Guard::Version)
}

fn paths(faults: &crate::document::Faults) -> Vec<(&str, &str)> {
    faults.listed().iter().map(|fault| (fault.path.as_str(), fault.code)).collect()
}

#[test]
fn a_survey_is_opened_closed_and_opened_again_and_the_same_again_writes_nothing() {
    let mut world = World::new();
    let open = json!({ "name": "Spring", "question": "Would you recommend us?" });
    assert_eq!(world.put(open.clone()), Ok((Put::Created, 1)));
    assert_eq!(world.put(open.clone()), Ok((Put::Stored, 0)));
    let closed = json!({ "name": "Spring", "status": "closed" });
    world.now = world.now.plus_ms(1);
    assert_eq!((world.put(closed.clone()), world.put(closed)), (Ok((Put::Stored, 1)), Ok((Put::Stored, 0))));
    let survey = world.asked.survey.clone().unwrap();
    assert_eq!((survey.terms.question.as_ref(), survey.takes_answers(world.now)), (None, false));
    // A status that is left out stays as it is.
    assert_eq!(world.put(open), Ok((Put::Stored, 1)));
    assert_eq!(world.asked.survey.as_ref().unwrap().terms.status, Status::Closed);
    assert_eq!(world.put(json!({ "name": "Spring", "status": "open" })), Ok((Put::Stored, 1)));
    let survey = world.asked.survey.unwrap();
    assert_eq!((survey.created_at, survey.changed_at, survey.version), (at(NOON), at(NOON).plus_ms(1), 4));
}

#[test]
fn a_survey_is_open_up_to_its_end_and_not_at_it() {
    let mut world = World::new();
    world.put(json!({ "name": "Spring", "closes_at": "2011-03-01T13:00:00Z" })).unwrap();
    let survey = world.asked.survey.clone().unwrap();
    for (instant, takes) in [(NOON, true), ("2011-03-01T12:59:59.999Z", true), ("2011-03-01T13:00:00Z", false)] {
        assert_eq!(survey.takes_answers(at(instant)), takes, "{instant}");
    }
}

#[test]
fn what_opens_a_survey_needs_an_end_ahead_and_the_rest_can_be_corrected_after_it() {
    let (past, ahead) = ("2011-03-01T12:00:00Z", "2011-03-01T12:00:00.001Z");
    let ended = || {
        let mut world = World::new();
        world.now = at("2011-02-01T00:00:00Z");
        world.put(json!({ "name": "Spring", "closes_at": past })).unwrap();
        world.now = at(NOON);
        world
    };
    let closed = || {
        let mut world = World::open();
        world.put(json!({ "name": "Spring", "status": "closed", "closes_at": past })).unwrap();
        world
    };
    type Row<'a> = (&'a str, World, Value, Result<bool, Rejection>);
    let refused = || Err(Rejection::ClosesInPast);
    let rows: [Row<'_>; 10] = [
        ("a new one", World::new(), json!({ "closes_at": past }), refused()),
        ("a new one, open", World::new(), json!({ "closes_at": past, "status": "open" }), refused()),
        ("a new one, closed", World::new(), json!({ "closes_at": past, "status": "closed" }), Ok(false)),
        ("ended with the past", World::open(), json!({ "closes_at": past }), refused()),
        ("opened again", closed(), json!({ "closes_at": past, "status": "open" }), refused()),
        ("opened again, longer", closed(), json!({ "closes_at": ahead, "status": "open" }), Ok(true)),
        ("over, and renamed", ended(), json!({ "closes_at": past, "status": "open" }), Ok(false)),
        ("over, and closed", ended(), json!({ "closes_at": past, "status": "closed" }), Ok(false)),
        ("over, and longer", ended(), json!({ "closes_at": ahead }), Ok(true)),
        ("over, and without end", ended(), json!({}), Ok(true)),
    ];
    for (name, mut world, mut document, expected) in rows {
        document["name"] = json!("Autumn");
        let before = world.asked.clone();
        let put = world.put(document).map(|_| world.asked.survey.as_ref().unwrap().takes_answers(world.now));
        assert_eq!(put, expected, "{name}");
        assert_eq!(world.asked == before, expected.is_err(), "{name}");
    }
}

#[test]
fn an_answer_is_changed_until_the_survey_is_over_and_a_repeat_is_answered_even_then() {
    let mut world = World::open();
    assert_eq!(world.say(3, Some("slow")), Ok((Outcome::New, 1)));
    world.now = world.now.plus_ms(5);
    assert_eq!(world.say(3, Some(" slow\n")), Ok((Outcome::Repeated, 0)));
    assert_eq!(world.held().changed_at, at(NOON));
    assert_eq!(world.say(9, None), Ok((Outcome::Changed, 1)));
    let answer = world.held().clone();
    assert_eq!((answer.answered_at, answer.changed_at, answer.version), (at(NOON), at(NOON).plus_ms(5), 2));
    assert_eq!((answer.said.score.as_u8(), &answer.said.comment), (9, &None));
    world.put(json!({ "name": "Spring", "status": "closed" })).unwrap();
    assert_eq!(world.say(3, Some("slow")), Err(Rejection::SurveyClosed));
    assert_eq!(world.say(9, None), Ok((Outcome::Repeated, 0)));
    assert_eq!(*world.held(), answer);
    world.put(json!({ "name": "Spring", "status": "open" })).unwrap();
    assert_eq!(world.say(10, None), Ok((Outcome::Changed, 1)));
}

#[test]
fn an_answer_keeps_what_the_account_was_when_it_was_given_first() {
    let mut world = World::open();
    // A tier that the review of the months since has taken already, though nothing has written that down.
    world.asked.account.as_mut().unwrap().tier = crate::id::TierId::parse("silver").unwrap();
    let mut later = world.clone();
    world.say(9, None).unwrap();
    assert_eq!((world.held().tier.as_str(), world.held().segments[0].as_str()), ("silver", "retail"));
    later.now = at("2013-01-01T00:00:00Z");
    later.say(9, None).unwrap();
    assert_eq!(later.held().tier.as_str(), "member");
    world.now = later.now;
    world.asked.account = None;
    world.say(8, None).unwrap();
    assert_eq!((world.held().tier.as_str(), world.held().segments.len()), ("silver", 1));
}

#[test]
fn who_was_removed_says_nothing_more() {
    let mut world = World::open();
    world.say(3, Some("late")).unwrap();
    world.asked.contact_known = Some(false);
    assert_eq!(world.say(4, Some("later")), Err(Rejection::UnknownContact));
    assert_eq!(world.say(3, Some("late")), Ok((Outcome::Repeated, 0)), "what is stored is answered");
}

#[test]
fn what_is_missing_is_told_in_a_fixed_order() {
    let mut world = World::open();
    let survey = world.asked.survey.take();
    let account = world.asked.account.take();
    world.asked.contact_known = Some(false);
    assert_eq!(world.say(9, None), Err(Rejection::UnknownSurvey));
    world.asked.survey = survey;
    assert_eq!(world.say(9, None), Err(Rejection::UnknownAccount));
    world.asked.account = account;
    assert_eq!(world.say(9, None), Err(Rejection::UnknownContact));
    world.put(json!({ "name": "Spring", "status": "closed" })).unwrap();
    assert_eq!(world.say(9, None), Err(Rejection::SurveyClosed));
}

#[test]
fn every_fault_of_a_document_is_told_at_once() {
    let survey = json!({
        "name": " ", "question": "é".repeat(501), "status": "ended", "closes_at": "tomorrow", "title": "Spring",
    });
    let faults = survey_document(&survey).unwrap_err();
    assert_eq!(
        paths(&faults),
        [
            ("$.title", "unknown_field"),
            ("$.name", "invalid_text"),
            ("$.question", "invalid_text"),
            ("$.status", "unknown_value"),
            ("$.closes_at", "invalid_time"),
        ]
    );
    let answer = json!({
        "account_id": "a/b", "score": 11, "comment": "é".repeat(2_001), "tags": ["a", "", 1, "x".repeat(65)],
    });
    let faults = answer_document(&answer).unwrap_err();
    assert_eq!(
        paths(&faults),
        [
            ("$.account_id", "invalid_id"),
            ("$.contact_id", "missing"),
            ("$.score", "out_of_range"),
            ("$.comment", "invalid_text"),
            ("$.tags[1]", "invalid_text"),
            ("$.tags[2]", "wrong_type"),
            ("$.tags[3]", "invalid_text"),
        ]
    );
}

#[test]
fn a_score_is_a_whole_number_from_0_to_10() {
    let read = |score: Value| {
        let read = answer_document(&json!({ "account_id": "acme", "contact_id": "ann", "score": score }));
        read.map(|document| document.said.score.as_u8()).map_err(|faults| faults.listed()[0].code)
    };
    for score in 0..=10_u8 {
        assert_eq!(read(json!(score)), Ok(score));
    }
    for (score, code) in [
        (json!(-1), "out_of_range"),
        (json!(11), "out_of_range"),
        (json!(256), "out_of_range"),
        (json!(9.5), "out_of_range"),
        (json!("9"), "wrong_type"),
        (json!(true), "wrong_type"),
        (json!(null), "missing"),
    ] {
        assert_eq!(read(score.clone()), Err(code), "{score}");
    }
    assert_eq!(Rating::try_from(11), Err(InvalidRating));
    assert!(serde_json::from_str::<Rating>("11").is_err(), "nor is it read from the tables");
}

#[test]
fn a_comment_is_what_somebody_typed() {
    let read = |comment: &str| {
        let document = json!({ "account_id": "acme", "contact_id": "ann", "score": 9, "comment": comment });
        answer_document(&document).ok()?.said.comment
    };
    assert_eq!(read(" Slow,\r\n\tbut kind \n").as_deref(), Some("Slow,\n\tbut kind"));
    // A family joined of three, and the joiner of Persian.
    for joined in ["👨\u{200d}👩\u{200d}👧", "می\u{200c}خواهم"] {
        assert_eq!(read(joined).as_deref(), Some(joined));
    }
    assert_eq!(read(&"é".repeat(2_000)).map(|comment| comment.len()), Some(4_000));
    for refused in ["", " \n", "a\u{0}b", "a\u{202e}b", "a\rb", "\u{feff}x"] {
        assert_eq!(read(refused), None, "{refused:?}");
    }
}

#[test]
fn tags_are_sorted_and_distinct() {
    let read = |tags: &[&str]| {
        answer_document(&json!({ "account_id": "acme", "contact_id": "ann", "score": 9, "tags": tags }))
            .map(|document| document.said.tags)
    };
    assert_eq!(read(&["price", "delivery", "price "]).unwrap(), ["delivery", "price"]);
    let nine: Vec<_> = ["a"; 9].into();
    assert_eq!(paths(&read(&nine).unwrap_err()), [("$.tags", "wrong_length")]);
    assert!(read(&nine[..TAGS_MAX]).is_ok());
}

#[test]
fn what_somebody_said_is_not_in_the_debug_text() {
    let mut world = World::open();
    world.say(9, Some("call me on 0117 496 0000")).unwrap();
    let shown = format!("{:?}", world.asked);
    assert!(shown.contains("comment_chars") && !shown.contains("0117"), "{shown}");
}

#[test]
fn a_respondent_reads_back() {
    let ann = Respondent::parse("acme#ann").unwrap();
    assert_eq!((ann.account_id.as_str(), ann.contact_id.as_str(), ann.to_string()), ("acme", "ann", "acme#ann".into()));
    for wrong in ["", "acme", "#", "acme#", "#ann", "acme#ann#b", "a/b#ann"] {
        assert!(Respondent::parse(wrong).is_err(), "{wrong:?}");
    }
}

/// Something that happens to a survey and to one contact of it.
#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    Put { status: Option<&'static str>, closes_in_ms: Option<i64> },
    Say(u64, Option<&'static str>),
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop::sample::select(vec![None, Some("open"), Some("closed")]);
    let ends = prop::option::of(-5_i64..20);
    prop_oneof![
        (0_i64..10).prop_map(Step::Wait),
        (status, ends).prop_map(|(status, closes_in_ms)| Step::Put { status, closes_in_ms }),
        (0_u64..=10, prop::sample::select(vec![None, Some("good"), Some("slow")]))
            .prop_map(|(score, comment)| Step::Say(score, comment)),
    ]
}

proptest! {
    /// Held against the plainest model: the last thing said while the survey took answers stands.
    #[test]
    fn the_last_answer_before_the_end_stands(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::open();
        let (mut stands, mut changes, mut first_at) = (None, 0, None);
        for step in steps {
            let before = world.asked.clone();
            match step {
                Step::Wait(ms) => world.now = world.now.plus_ms(ms),
                Step::Put { status, closes_in_ms } => {
                    let closes_at = closes_in_ms.map(|ms| world.now.plus_ms(ms).to_string());
                    let document = json!({ "name": "Spring", "status": status, "closes_at": closes_at });
                    match world.put(document.clone()) {
                        Ok(_) => prop_assert_eq!(world.put(document).unwrap(), (Put::Stored, 0)),
                        Err(rejection) => {
                            prop_assert_eq!(rejection, Rejection::ClosesInPast);
                            prop_assert_eq!(&world.asked, &before);
                        }
                    }
                    prop_assert_eq!(&world.asked.held, &before.held);
                }
                Step::Say(score, comment) => {
                    let open = world.asked.survey.as_ref().unwrap().takes_answers(world.now);
                    let said = world.say(score, comment);
                    if stands == Some((score, comment)) {
                        prop_assert_eq!(said, Ok((Outcome::Repeated, 0)));
                    } else if open {
                        let outcome = if stands.is_some() { Outcome::Changed } else { Outcome::New };
                        prop_assert_eq!(said, Ok((outcome, 1)));
                        (stands, changes) = (Some((score, comment)), changes + 1);
                        first_at.get_or_insert(world.now);
                    } else {
                        prop_assert_eq!(said, Err(Rejection::SurveyClosed));
                        prop_assert_eq!(&world.asked, &before);
                    }
                }
            }
        }
        let held = world.asked.held.as_ref();
        prop_assert_eq!(
            held.map(|answer| (u64::from(answer.said.score.as_u8()), answer.said.comment.as_deref())), stands
        );
        prop_assert_eq!((held.map_or(0, |a| a.version), held.map(|a| a.answered_at)), (changes, first_at));
    }
}
