#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
use super::*;
use crate::account::Status;
use crate::code::Secrets;
use crate::decision::{Context, Decision, Guard, Record, Rejection, Write};
use crate::id::{Segment, TierId};
use crate::idempotency::CommandKey;
use crate::ledger::{Cause, Change, Entry, PerkChange};
use crate::program::sample;
use crate::schedule::{Activation, Schedule};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn document(perks: &Value) -> Value {
    sample::with("perks", perks)
}

/// Versions that are in force one after the other.
fn schedule(versions: &[(&str, Value)]) -> Schedule {
    let activation = |(number, (from, perks)): (usize, &(&str, Value))| Activation {
        from: at(from),
        version: u32::try_from(number + 1).unwrap(),
        program: Arc::new(Program::from_json(&document(perks)).unwrap()),
    };
    Schedule::new(versions.iter().enumerate().map(activation).collect()).unwrap()
}

const ALWAYS: &str = "1970-01-01T00:00:00Z";

fn training(count: u32, per: Value) -> Value {
    let mut count_per = json!({"count": count});
    count_per.as_object_mut().unwrap().extend(per.as_object().unwrap().clone());
    json!({"id": "training", "name": "Training", "kind": "training", "count_per": count_per})
}

/// An account that joined at an instant.
fn member(joined: &str) -> Account {
    let program = Program::from_json(&document(&json!([]))).unwrap();
    Account::enrol(AccountId::parse("acme").unwrap(), &program, at(joined)).0
}

/// What is stored of an account and its uses, and what its entries say.
struct World {
    state: PerkState,
    entries: Vec<Entry>,
}

impl World {
    fn of(account: Account) -> Self {
        let state = PerkState { account: Some(Account { version: 1, ..account }), uses: None };
        Self { state, entries: Vec::new() }
    }

    fn decide(
        state: &PerkState,
        perk: &str,
        schedule: &Schedule,
        now: Instant,
    ) -> Result<Decision<PerkReceipt>, Rejection> {
        let secrets = Secrets::parse("1:sixteen bytes long").unwrap();
        let context = Context { schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        let key = CommandKey::new("test", "use", "key").unwrap();
        let perk = RuleId::parse(perk).unwrap();
        use_perk(state, &perk, &UseDocument::default(), &key, &context)
    }

    /// Carries a decision out if every guard holds; whether they did.
    fn commit(&mut self, writes: Vec<Write>) -> bool {
        let version = |record: &Record| match record {
            Record::Account(_) => self.state.account.as_ref().map(|account| account.version),
            Record::PerkUses(_) => self.state.uses.as_ref().map(|uses| uses.version),
            _ => None,
        };
        let holds = |write: &Write| match write {
            Write::Put(record, Guard::Absent) => version(record).is_none(),
            Write::Put(record, Guard::Version(held)) => version(record) == Some(*held),
            other => panic!("{other:?}"),
        };
        if !writes.iter().all(holds) {
            return false;
        }
        for write in writes {
            match write {
                Write::Put(Record::Account(account), _) => self.state.account = Some(*account),
                Write::Put(Record::PerkUses(uses), _) => self.state.uses = Some(*uses),
                Write::Put(Record::Entry(entry), _) => self.entries.push(*entry),
                _ => {}
            }
        }
        true
    }

    /// Uses a perk; answers what is used and left.
    fn uses(&mut self, perk: &str, schedule: &Schedule, now: &str) -> Result<Option<Uses>, Rejection> {
        let decision = Self::decide(&self.state, perk, schedule, at(now))?;
        assert!(self.commit(decision.writes));
        Ok(decision.answer.uses)
    }

    fn left(&mut self, schedule: &Schedule, now: &str) -> Result<u32, Rejection> {
        self.uses("training", schedule, now).map(|uses| uses.unwrap().left)
    }
}

#[test]
fn a_period_begins_with_its_month_or_with_the_day_of_joining() {
    let months = Period::Months;
    let rows = [
        (months(1), "2030-05-31", "2030-05-01", "2030-06-01"),
        (months(3), "2030-03-31", "2030-01-01", "2030-04-01"),
        (months(3), "2030-04-01", "2030-04-01", "2030-07-01"),
        (months(4), "2030-12-31", "2030-09-01", "2031-01-01"),
        (months(6), "2030-06-30", "2030-01-01", "2030-07-01"),
        (months(12), "2030-02-28", "2030-01-01", "2031-01-01"),
        (Period::MembershipYear, "2028-02-29", "2028-02-29", "2029-02-28"),
        (Period::MembershipYear, "2029-02-27", "2028-02-29", "2029-02-28"),
        (Period::MembershipYear, "2029-02-28", "2029-02-28", "2030-02-28"),
        (Period::MembershipYear, "2032-02-28", "2031-02-28", "2032-02-29"),
        (Period::MembershipYear, "2032-02-29", "2032-02-29", "2033-02-28"),
        (Period::MembershipYear, "2032-12-31", "2032-02-29", "2033-02-28"),
        // Before joining, as a version in another time zone may see it.
        (Period::MembershipYear, "2028-02-28", "2027-02-28", "2028-02-29"),
    ];
    for (period, today, start, end) in rows {
        let found = period.around(day(today), day("2028-02-29"));
        assert_eq!(found, (day(start), day(end)), "{period:?} around {today}");
    }
    let joined = day("2028-12-31");
    assert_eq!(Period::MembershipYear.around(day("2030-06-15"), joined), (day("2029-12-31"), day("2030-12-31")));
}

#[test]
fn perks_are_had_by_tier_segment_and_length_of_membership_while_the_account_takes_part() {
    let perks = json!([
        {"id": "early", "name": "Early access", "kind": "early_access"},
        {"id": "support", "name": "Support", "kind": "priority_support", "tiers": ["gold"]},
        {"id": "ads", "name": "Ads", "kind": "co_marketing", "segments": ["uk"], "description": "Half the cost."},
        {"id": "visit", "name": "A visit", "kind": "other", "after_days": 30},
    ]);
    let schedule = schedule(&[(ALWAYS, perks)]);
    // 1 May at 00:30 in London.
    let joined = "2030-04-30T23:30:00Z";
    let had = |status, tier: &str, segments: &[&str], now: &str| {
        let segments = segments.iter().map(|segment| Segment::parse(segment).unwrap()).collect();
        let account = Account { status, tier: TierId::parse(tier).unwrap(), segments, ..member(joined) };
        let program = &schedule.at(at(now)).program;
        let ids: Vec<_> =
            standing(&account, None, program, at(now)).into_iter().map(|perk| perk.id.to_string()).collect();
        ids.join(" ")
    };
    let (first, before, on) = (joined, "2030-05-30T22:59:59Z", "2030-05-30T23:00:00Z");
    for (tier, segments, now, expected) in [
        ("member", &[][..], first, "early"),
        ("gold", &[], first, "early support"),
        ("member", &["b2b", "uk"], first, "early ads"),
        ("gold", &["uk"], first, "early support ads"),
        ("gold", &["uk"], before, "early support ads"),
        ("gold", &["uk"], on, "early support ads visit"),
    ] {
        assert_eq!(had(Status::Active, tier, segments, now), expected, "{tier} {segments:?} at {now}");
        for status in [Status::Suspended, Status::Closed, Status::Pending] {
            assert_eq!(had(status, tier, segments, now), "", "{status:?}");
        }
    }
}

#[test]
fn a_counted_perk_is_used_so_often_in_each_period_and_no_more() {
    let schedule = schedule(&[(ALWAYS, json!([training(2, json!({"months": 3}))]))]);
    let mut world = World::of(member("2030-01-15T12:00:00Z"));
    let uses = |used, left, renews_at| Uses { count: 2, used, left, renews_at: at(renews_at) };
    let summer = "2030-03-31T23:00:00Z";
    assert_eq!(world.uses("training", &schedule, "2030-03-01T12:00:00Z"), Ok(Some(uses(1, 1, summer))));
    assert_eq!(world.uses("training", &schedule, "2030-03-31T22:59:59.999Z"), Ok(Some(uses(2, 0, summer))));
    let (last, used_up) = (world.entries.len(), Rejection::PerkUsedUp { uses: uses(2, 0, summer) });
    assert_eq!(world.uses("training", &schedule, "2030-03-31T22:59:59.999Z"), Err(used_up));
    assert_eq!(world.entries.len(), last);
    // April in London.
    let autumn = "2030-06-30T23:00:00Z";
    assert_eq!(world.uses("training", &schedule, summer), Ok(Some(uses(1, 1, autumn))));
    // Periods without uses are not carried over.
    assert_eq!(world.left(&schedule, "2031-01-05T12:00:00Z"), Ok(1));
    assert_eq!(world.state.uses.as_ref().unwrap().counters.len(), 1);

    let entry = world.entries.last().unwrap();
    assert_eq!(entry.cause, Cause::PerkUse { perk: RuleId::parse("training").unwrap() });
    let uses = Uses { count: 2, used: 1, left: 1, renews_at: at("2031-03-31T23:00:00Z") };
    let expected = [Change::Perk(PerkChange::Used {
        perk: RuleId::parse("training").unwrap(),
        uses: Some(uses),
        bought_left: None,
        reference: None,
    })];
    assert_eq!(entry.changes, expected);
    assert_eq!(world.state.uses.unwrap().entry, entry.sequence);
}

#[test]
fn what_is_not_counted_is_not_written_down() {
    let perk = json!({"id": "early", "name": "Early access", "kind": "early_access"});
    let schedule = schedule(&[(ALWAYS, json!([perk]))]);
    let mut world = World::of(member("2030-01-15T12:00:00Z"));
    assert_eq!(world.uses("early", &schedule, "2030-03-01T12:00:00Z"), Err(Rejection::PerkNotCounted));
    assert_eq!((world.state.uses, world.entries.len()), (None, 0));
}

#[test]
fn what_cannot_be_used_is_refused_with_the_reason() {
    let mut gold = training(1, json!({"year": "calendar"}));
    gold["tiers"] = json!(["gold"]);
    let schedule = schedule(&[(ALWAYS, json!([gold]))]);
    let account = Account { tier: TierId::parse("gold").unwrap(), ..member("2030-01-15T12:00:00Z") };
    let silver = Account { tier: TierId::parse("member").unwrap(), ..account.clone() };
    let closed = Account { status: Status::Closed, ..account.clone() };
    let state = |account| PerkState { account, uses: None };
    let now = at("2030-03-01T12:00:00Z");
    for (state, perk, expected) in [
        (state(None), "training", Rejection::UnknownAccount),
        (state(Some(account.clone())), "teaching", Rejection::UnknownPerk),
        (state(Some(closed)), "training", Rejection::AccountNotActive(Status::Closed)),
        (state(Some(silver)), "training", Rejection::PerkNotHeld),
    ] {
        assert_eq!(World::decide(&state, perk, &schedule, now).err(), Some(expected));
    }
    assert!(World::decide(&state(Some(account)), "training", &schedule, now).is_ok());
}

#[test]
fn a_version_that_changes_the_count_or_the_periods_forgives_nothing_that_was_used() {
    let (quarter, year) = (json!({"months": 3}), json!({"year": "calendar"}));
    let from = "2030-05-01T00:00:00Z";
    // Count and period before and after; uses before, in April; what may still be used in May.
    let rows = [
        ((2, &quarter), (3, &quarter), 2, 1),
        ((3, &quarter), (2, &quarter), 3, 0),
        ((2, &quarter), (2, &year), 2, 0),
        ((2, &quarter), (5, &year), 2, 3),
        ((5, &year), (2, &quarter), 3, 0),
        ((5, &year), (4, &quarter), 3, 1),
        // A month of its own begins with May.
        ((2, &quarter), (1, &json!({"months": 1})), 2, 1),
    ];
    for (before, after, used, more) in rows {
        let version = |(count, per): (u32, &Value)| json!([training(count, per.clone())]);
        let schedule = schedule(&[(ALWAYS, version(before)), (from, version(after))]);
        let mut world = World::of(member("2030-01-15T12:00:00Z"));
        for _ in 0..used {
            world.left(&schedule, "2030-04-20T12:00:00Z").unwrap();
        }
        let mut may = 0;
        while world.left(&schedule, "2030-05-20T12:00:00Z").is_ok() {
            may += 1;
        }
        assert_eq!(may, more, "{before:?} → {after:?}");
    }
}

#[test]
fn a_perk_that_was_not_counted_for_a_while_is_counted_on() {
    let counted = json!([training(1, json!({"year": "membership"})), {
        "id": "visit", "name": "A visit", "kind": "other", "count_per": {"count": 9, "months": 1},
    }]);
    let mut uncounted = counted.clone();
    uncounted[0].as_object_mut().unwrap().remove("count_per");
    let (away, back) = ("2030-03-01T00:00:00Z", "2030-05-01T00:00:00Z");
    let schedule = schedule(&[(ALWAYS, counted.clone()), (away, uncounted), (back, counted)]);
    let mut world = World::of(member("2030-01-15T12:00:00Z"));
    world.left(&schedule, "2030-02-20T12:00:00Z").unwrap();
    assert_eq!(world.uses("training", &schedule, "2030-03-20T12:00:00Z"), Err(Rejection::PerkNotCounted));
    // What is not counted now is kept while it may be counted again, and not for good.
    world.uses("visit", &schedule, "2030-03-21T12:00:00Z").unwrap();
    assert!(matches!(world.left(&schedule, "2030-06-01T12:00:00Z"), Err(Rejection::PerkUsedUp { .. })));
    world.uses("visit", &schedule, "2031-01-14T12:00:00Z").unwrap();
    assert_eq!(world.state.uses.as_ref().unwrap().counters.len(), 2);
    assert_eq!(world.left(&schedule, "2031-01-15T12:00:00Z"), Ok(0));
    world.uses("visit", &schedule, "2032-01-20T12:00:00Z").unwrap();
    assert_eq!(world.state.uses.as_ref().unwrap().counters.len(), 1);
}

#[test]
fn a_mistaken_version_that_is_taken_back_gives_no_uses_back() {
    let visit = json!({"id": "visit", "name": "A visit", "kind": "other", "count_per": {"count": 9, "months": 1}});
    let by = |per: Value| json!([training(2, per), visit.clone()]);
    let (away, back) = ("2030-03-01T00:00:00Z", "2030-05-01T00:00:00Z");
    let (year, month) = (json!({"year": "calendar"}), json!({"months": 1}));
    let schedule = schedule(&[(ALWAYS, by(year.clone())), (away, by(month)), (back, by(year))]);
    let mut world = World::of(member("2030-01-15T12:00:00Z"));
    assert_eq!(world.left(&schedule, "2030-01-20T12:00:00Z"), Ok(1));
    assert_eq!(world.left(&schedule, "2030-01-21T12:00:00Z"), Ok(0));
    // Another perk is used while this one is counted by months of which none is running.
    world.uses("visit", &schedule, "2030-03-20T12:00:00Z").unwrap();
    assert!(matches!(world.left(&schedule, "2030-05-02T12:00:00Z"), Err(Rejection::PerkUsedUp { .. })));
}

#[test]
fn documents_are_read_with_every_fault() {
    let faults = |value: &Value| -> Vec<String> {
        let told = use_document(value).err().unwrap_or_default();
        told.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect()
    };
    let stated = UseDocument { reference: Some("T-17".to_owned()) };
    assert_eq!(use_document(&json!({"reference": " T-17 "})), Ok(stated));
    assert_eq!(use_document(&json!({})), Ok(UseDocument::default()));
    for (document, expected) in [
        (json!([]), &["$ wrong_type"][..]),
        (json!({"reference": ""}), &["$.reference invalid_text"]),
        (json!({"reference": "x".repeat(65)}), &["$.reference invalid_text"]),
        (json!({"reference": 1, "count": 2}), &["$.count unknown_field", "$.reference wrong_type"]),
    ] {
        assert_eq!(faults(&document), expected, "{document}");
    }
}

/// A step of one of several clients: it reads, or it sends what it decided on what it had read.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Read(usize),
    Send(usize),
}

fn turns() -> impl Strategy<Value = Vec<(Turn, i64)>> {
    let turn = (0_usize..4, any::<bool>())
        .prop_map(|(client, reads)| if reads { Turn::Read(client) } else { Turn::Send(client) });
    prop::collection::vec((turn, 0_i64..40), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is read when, and whatever was changed meanwhile: in no period is a perk used more often than it may be,
    /// and every use is one entry.
    #[test]
    fn a_count_is_never_exceeded_in_any_interleaving(turns in turns(), count in 1_u32..4, by_year in any::<bool>()) {
        let per = if by_year { json!({"year": "membership"}) } else { json!({"months": 1}) };
        let schedule = schedule(&[(ALWAYS, json!([training(count, per)]))]);
        let allowance = schedule.at(Instant::MIN).program.perks[0].allowance.unwrap();
        let calendar = Calendar::of("Europe/London").unwrap();
        let mut world = World::of(member("2028-02-29T12:00:00Z"));
        let mut seen: [Option<PerkState>; 4] = [const { None }; 4];
        let (mut now, mut used) = (at("2028-03-01T00:00:00Z"), Vec::new());
        for (turn, days) in turns {
            now = now.plus_ms(days * Instant::DAY_MS / 8);
            match turn {
                Turn::Read(client) => seen[client] = Some(world.state.clone()),
                Turn::Send(client) => {
                    let Some(state) = &seen[client] else { continue };
                    let Ok(decision) = World::decide(state, "training", &schedule, now) else { continue };
                    if world.commit(decision.writes) {
                        used.push(calendar.day(now));
                    }
                }
            }
        }
        prop_assert_eq!(world.entries.len(), used.len());
        let joined = day("2028-02-29");
        for today in &used {
            let (start, end) = allowance.per.around(*today, joined);
            let of_it = used.iter().filter(|day| (start..end).contains(*day)).count();
            prop_assert!(of_it <= usize::try_from(count).unwrap(), "{} uses from {} to {}", of_it, start, end);
        }
        // And none is withheld.
        let state = world.state.clone();
        let left = standing(state.account.as_ref().unwrap(), state.uses.as_ref(), &schedule.at(now).program, now);
        let (start, end) = allowance.per.around(calendar.day(now), joined);
        let of_it = u32::try_from(used.iter().filter(|day| (start..end).contains(*day)).count()).unwrap();
        prop_assert_eq!(left[0].uses.unwrap().left, count - of_it);
    }

    #[test]
    fn a_day_lies_in_its_own_period_and_periods_follow_each_other(
        joined in 10_000_i32..40_000, after in 0_i32..20_000, months in prop::sample::select(&[0_u16, 1, 2, 3, 4, 6, 12]),
    ) {
        let period = if months == 0 { Period::MembershipYear } else { Period::Months(months) };
        let (joined, today) = (Day(joined), Day(joined + after));
        let (start, end) = period.around(today, joined);
        prop_assert!(start <= today && today < end && end.0 - start.0 <= 366);
        prop_assert_eq!(period.around(end, joined).0, end);
        prop_assert_eq!(period.around(end.plus(-1), joined), (start, end));
        if months == 0 {
            prop_assert!(start >= joined);
        }
    }
}
