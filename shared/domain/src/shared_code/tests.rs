#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
use super::*;
use crate::code::Secrets;
use crate::id::{Segment, TierId};
use crate::limit::{SHARDS, Shard, ShardChange};
use crate::program::sample;
use crate::schedule::{Activation, Schedule};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

const NOW: &str = "2030-05-10T12:00:00Z";

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn program() -> Program {
    Program::from_json(&sample::with("discounts", &json!([]))).unwrap()
}

fn read(document: &Value) -> Result<SharedCodeDocument, Vec<String>> {
    SharedCodeDocument::from_json(document, &program()).map_err(told)
}

fn told(faults: Faults) -> Vec<String> {
    faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect()
}

/// Five percent off with so many uses in all and of each account, and what else is said.
fn terms(uses: Option<u64>, each: u32, more: &Value) -> SharedCodeDocument {
    let mut document = json!({ "name": "Spring", "percent": "5", "uses": uses, "uses_per_account": each });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    read(&document).unwrap()
}

fn decide<T>(now: &str, decide: impl FnOnce(&Context<'_>) -> T) -> T {
    let secrets = Secrets::parse("1:sixteen bytes long").unwrap();
    let activation = Activation { from: Instant::MIN, version: 1, program: Arc::new(program()) };
    let (schedule, now) = (Schedule::only(activation), at(now));
    let context =
        Context { schedule: &schedule, secrets: &secrets, by: "shop", now, wall_day: now.utc_day(), collisions: 0 };
    decide(&context)
}

fn key(text: &str) -> CommandKey {
    CommandKey::new("shop", "POST /v1/shared-codes", text).unwrap()
}

fn code(terms: &SharedCodeDocument) -> SharedCode {
    decide(NOW, |context| issue(terms, &key("1"), None, context).unwrap().answer)
}

fn account(id: &str) -> Account {
    Account::enrol(AccountId::parse(id).unwrap(), &program(), at(NOW)).0
}

fn uses(of: &SharedCode, by: &str, used: u32) -> SharedUses {
    SharedUses { account_id: AccountId::parse(by).unwrap(), code: of.code.clone(), used, version: 7 }
}

#[test]
fn a_document_is_read_with_the_days_and_the_currency_of_the_program() {
    let everything = json!({
        "name": "Spring fair", "amount": "10.00", "minimum_order": "150", "group": "season", "from": "2030-03-01",
        "until": "2030-03-31", "uses": 500, "uses_per_account": 2, "tiers": ["gold"], "segments": ["hotels"],
    });
    let (gold, hotels) = (TierId::parse("gold").unwrap(), Segment::parse("hotels").unwrap());
    let expected = SharedCodeDocument {
        name: "Spring fair".to_owned(),
        takes_off: TakesOff::Amount(Minor(1_000)),
        minimum_order: Minor(15_000),
        currency: program().currency,
        group: Some(RuleId::parse("season").unwrap()),
        from: Some(at("2030-03-01T00:00:00Z")),
        until: Some(at("2030-03-31T23:00:00Z")),
        uses: Some(500),
        uses_per_account: 2,
        audience: Audience { tiers: vec![gold], segments: vec![hotels] },
    };
    assert_eq!(read(&everything), Ok(expected.clone()));
    let stored: SharedCodeDocument = serde_json::from_value(serde_json::to_value(&expected).unwrap()).unwrap();
    assert_eq!(stored, expected);
    let least = read(&json!({ "name": "Five", "percent": "5" })).unwrap();
    assert_eq!((least.minimum_order, least.uses, least.uses_per_account), (Minor::ZERO, None, 1));
    assert_eq!((least.from, least.until, least.audience), (None, None, Audience::default()));
}

#[test]
fn every_fault_of_a_document_is_told_where_it_stands() {
    let rows: [(Value, &[&str]); 7] = [
        (json!([]), &["$ wrong_type"]),
        (json!({}), &["$.name missing", "$.percent missing"]),
        (json!({ "name": "x", "percent": "5", "amount": "1.00" }), &["$.amount conflict"]),
        (json!({ "name": "x", "percent": "100.01" }), &["$.percent out_of_range"]),
        (json!({ "name": "x", "amount": "0.00" }), &["$.amount out_of_range"]),
        (
            json!({ "name": "x", "percent": "5", "from": "2030-05-02", "until": "2030-05-01" }),
            &["$.until out_of_order"],
        ),
        (
            json!({
                "name": "", "percent": 5, "minimum_order": "1.001", "group": "a b", "from": "soon", "until": 7,
                "uses": 0, "uses_per_account": 1_001, "tiers": [], "segments": ["hotels", "hotels"], "code": "SPRING",
            }),
            &[
                "$.code unknown_field",
                "$.name invalid_text",
                "$.percent wrong_type",
                "$.minimum_order too_many_decimals",
                "$.group invalid_id",
                "$.from invalid_time",
                "$.until wrong_type",
                "$.uses out_of_range",
                "$.uses_per_account out_of_range",
                "$.tiers wrong_length",
                "$.segments[1] duplicate",
            ],
        ),
    ];
    for (document, expected) in rows {
        assert_eq!(read(&document).unwrap_err(), expected, "{document}");
    }
}

#[test]
fn what_can_never_be_used_is_not_issued() {
    let never = terms(None, 1, &json!({ "until": NOW, "tiers": ["gold", "nickel"] }));
    let refused = decide(NOW, |context| issue(&never, &key("1"), None, context)).unwrap_err();
    let Rejection::Invalid(faults) = refused else { panic!("{refused:?}") };
    assert_eq!(told(faults), ["$.until out_of_range", "$.tiers[1] never_fires"]);
    let soon = terms(None, 1, &json!({ "until": "2030-05-10T12:00:00.001Z" }));
    assert!(decide(NOW, |context| issue(&soon, &key("1"), None, context)).is_ok());
}

#[test]
fn a_code_is_issued_once_per_key_and_ended_once() {
    let (spring, other) = (terms(Some(3), 1, &json!({})), terms(Some(4), 1, &json!({})));
    let issued = code(&spring);
    let again = |document| decide("2031-01-01T00:00:00Z", |context| issue(document, &key("1"), Some(&issued), context));
    assert_eq!(again(&spring), Ok(Decision { writes: Vec::new(), answer: issued.clone() }));
    assert_eq!(again(&other), Err(Rejection::KeyReused));
    let second = decide(NOW, |context| issue(&spring, &key("2"), None, context)).unwrap();
    assert_ne!(second.answer.code, issued.code);
    assert_eq!(second.writes[0], Write::Put(Record::SharedCode(Box::new(second.answer)), Guard::Absent));
    let remaining = second.writes[1..].iter().map(|write| match write {
        Write::Shard(write) => match write.change {
            ShardChange::LayOut(Shard { laid_out: 3, layout: 1, used: 0, remaining, version: 1 }, Guard::Absent) => {
                remaining
            }
            change => panic!("{change:?}"),
        },
        other => panic!("{other:?}"),
    });
    assert_eq!(remaining.collect::<Vec<_>>(), [1, 1, 1, 0, 0, 0, 0, 0], "its uses are laid out with it");
    let free = terms(None, 1, &json!({}));
    assert_eq!(decide(NOW, |context| issue(&free, &key("3"), None, context)).unwrap().writes.len(), 1);

    let later = "2030-05-11T12:00:00Z";
    let ended = decide(later, |context| end(Some(&issued), context)).unwrap();
    assert_eq!((ended.answer.ended_at, ended.answer.version), (Some(at(later)), 2));
    assert_eq!(ended.writes, [Write::Put(Record::SharedCode(Box::new(ended.answer.clone())), Guard::Version(1))]);
    let repeated = decide("2030-05-12T12:00:00Z", |context| end(Some(&ended.answer), context)).unwrap();
    assert_eq!(repeated, Decision { writes: Vec::new(), answer: ended.answer });
    assert_eq!(decide(NOW, |context| end(None, context)), Err(Rejection::UnknownSharedCode));
}

#[test]
fn an_account_is_told_the_first_reason_why_it_cannot_use_a_code() {
    let season = json!({ "from": "2030-05-11", "until": "2030-05-20", "segments": ["hotels"] });
    let mut spring = code(&terms(Some(3), 2, &season));
    let (mut hotel, other) = (account("hotel"), account("other"));
    hotel.segments = vec![Segment::parse("hotels").unwrap()];
    let used = |used| Some(uses(&spring, "hotel", used));
    let (begun, over) = ("2030-05-10T23:00:00Z", "2030-05-20T23:00:00Z");
    for (account, uses, now, expected) in [
        (&hotel, None, begun, Ok(())),
        (&hotel, used(1), begun, Ok(())),
        (&hotel, used(2), begun, Err(Unusable::Used)),
        (&hotel, used(2), "2030-05-10T22:59:59.999Z", Err(Unusable::NotYetValid)),
        (&hotel, None, "2030-05-20T22:59:59.999Z", Ok(())),
        (&hotel, used(2), over, Err(Unusable::Expired)),
        (&other, None, begun, Err(Unusable::NotForAccount)),
        (&other, None, "2030-05-10T22:00:00Z", Err(Unusable::NotYetValid)),
        (&other, None, over, Err(Unusable::Expired)),
    ] {
        assert_eq!(spring.check(uses.as_ref(), account, &program(), at(now)), expected, "{} {now}", account.id);
    }
    let mut foreign = program();
    foreign.currency = Currency::EUR;
    assert_eq!(spring.check(None, &hotel, &foreign, at(begun)), Err(Unusable::Expired));

    let limit = Limit::used_up_to(spring.limit_id().unwrap(), 3);
    let found = |uses, limit| SharedFound { code: spring.clone(), uses, limit };
    let check = |found: SharedFound| found.check(&hotel, &program(), at(begun));
    assert_eq!(check(found(None, None)), Ok(()), "nobody has used it");
    assert_eq!(check(found(None, Some(limit.clone()))), Err(Unusable::UsedUp));
    assert_eq!(check(found(used(2), Some(limit))), Err(Unusable::Used));
    spring.ended_at = Some(at(begun));
    assert_eq!(spring.check(None, &hotel, &program(), at(begun)), Err(Unusable::Expired));
}

#[test]
fn a_use_is_written_at_the_account_and_where_it_is_counted_over_all() {
    let own = |uses: SharedUses, guard| Write::Put(Record::SharedUses(Box::new(uses)), guard);
    let free = code(&terms(None, 2, &json!({})));
    let acme = AccountId::parse("acme").unwrap();
    let first = SharedUses { version: 1, ..uses(&free, "acme", 1) };
    assert_eq!(free.use_once(None, None, &acme), Ok(vec![own(first, Guard::Absent)]));
    let second = SharedUses { version: 8, ..uses(&free, "acme", 2) };
    let once = uses(&free, "acme", 1);
    assert_eq!(free.use_once(Some(&once), None, &acme), Ok(vec![own(second.clone(), Guard::Version(7))]));
    assert_eq!(free.use_once(Some(&second), None, &acme), Err(Unusable::Used));
    let back = SharedUses { version: 9, ..uses(&free, "acme", 1) };
    assert_eq!(free.give_back_once(Some(&second), None, &acme), [own(back, Guard::Version(8))]);
    assert_eq!(free.give_back_once(None, None, &acme), []);
    assert_eq!(free.give_back_once(Some(&uses(&free, "acme", 0)), None, &acme), []);
    assert_eq!((free.limit_id(), free.is_left(None)), (None, true));

    let counted = code(&terms(Some(3), 1, &json!({})));
    assert_eq!(
        counted.use_once(None, None, &acme).unwrap().len(),
        1 + SHARDS,
        "a limit that was not laid out is by its first use"
    );
    let limit = Limit::used_up_to(counted.limit_id().unwrap(), 3);
    assert_eq!(counted.use_once(None, Some(&limit), &acme), Err(Unusable::UsedUp));
    assert_eq!(counted.use_once(Some(&uses(&counted, "acme", 1)), Some(&limit), &acme), Err(Unusable::Used));
    assert_eq!(counted.give_back_once(Some(&uses(&counted, "acme", 1)), Some(&limit), &acme).len(), 2);
    assert_eq!(counted.limit_id().unwrap().as_str(), format!("code#{}", counted.code));
}

/// What is stored of a code: by account, and over all.
#[derive(Clone)]
struct Stored {
    uses: Vec<Option<SharedUses>>,
    limit: Limit,
}

impl Stored {
    /// Writes as the store does: all or nothing. Answers whether every guard held.
    fn commit(&mut self, account: usize, writes: &[Write]) -> bool {
        let (mut uses, mut shards) = (self.uses.clone(), *self.limit.shards());
        let all = writes.iter().all(|write| match write {
            Write::Put(Record::SharedUses(after), guard) => {
                let held = match &uses[account] {
                    Some(held) => Guard::Version(held.version),
                    None => Guard::Absent,
                };
                uses[account] = Some(SharedUses::clone(after));
                held == *guard
            }
            Write::Shard(write) => change(&mut shards[write.shard], write.change),
            other => panic!("{other:?}"),
        });
        if all {
            *self = Self { uses, limit: Limit::of(self.limit.id().clone(), shards) };
        }
        all
    }
}

fn change(held: &mut Option<Shard>, change: ShardChange) -> bool {
    match (change, held) {
        (ShardChange::LayOut(shard, guard), held) => {
            let is = held.map_or(Guard::Absent, |held| Guard::Version(held.version)) == guard;
            *held = Some(shard);
            is
        }
        (ShardChange::Take { amount, layout }, Some(held)) if held.layout == layout && held.remaining >= amount => {
            (held.used, held.remaining, held.version) = (held.used + amount, held.remaining - amount, held.version + 1);
            true
        }
        (ShardChange::GiveBack { amount }, Some(held)) if held.used >= amount => {
            (held.used, held.remaining, held.version) = (held.used - amount, held.remaining + amount, held.version + 1);
            true
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Accounts use a code and give it back, each on what it read some commits ago. However they cross, no more than the
    /// code states are used in all and by each, what all have is what the limit says, and nobody goes without a use that
    /// is left for it.
    #[test]
    fn never_more_uses_than_a_code_states(
        total in 1_u64..12, each in 1_u32..4,
        steps in prop::collection::vec((0_usize..6, 0_usize..4, prop::bool::weighted(0.3)), 1..80),
    ) {
        let spring = code(&terms(Some(total), each, &json!({})));
        let limit = Limit::untouched(spring.limit_id().unwrap());
        let mut past = vec![Stored { uses: vec![None; 6], limit }];
        for (account, behind, is_back) in steps {
            let mut now = past.last().unwrap().clone();
            let by = AccountId::parse(&format!("acme-{account}")).unwrap();
            let seen = &past[past.len().saturating_sub(1 + behind)];
            let uses = seen.uses[account].as_ref();
            let sum: u64 = now.uses.iter().flatten().map(|uses| u64::from(uses.used)).sum();
            let own = now.uses[account].as_ref().map_or(0, |uses| uses.used);
            let writes = match is_back {
                true => spring.give_back_once(uses, Some(&seen.limit), &by),
                false => spring.use_once(uses, Some(&seen.limit), &by).unwrap_or_default(),
            };
            let committed = !writes.is_empty() && now.commit(account, &writes);
            if behind == 0 && !is_back {
                prop_assert_eq!(committed, sum < total && own < each);
            }
            if behind == 0 && is_back {
                prop_assert_eq!(committed, own > 0);
            }
            let sum: u64 = now.uses.iter().flatten().map(|uses| u64::from(uses.used)).sum();
            prop_assert_eq!(now.limit.used(), Ok(sum));
            prop_assert_eq!(now.limit.left(total), Ok(total - sum));
            prop_assert!(now.uses.iter().flatten().all(|uses| uses.used <= each));
            past.push(now);
        }
    }
}
