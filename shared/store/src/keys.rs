//! Keys. The only file that builds or parses one.

mod personal;
mod shared_code;
mod simulation;

use crate::nightly::{Kept, Stamp};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::code::Code;
use domain::due::Due;
use domain::id::{AccountId, ContactId, OrderKey, ProgramName, ReservationId, ReturnId, SurveyId};
use domain::idempotency::CommandKey;
use domain::limit::LimitId;
use domain::membership::ClaimKey;
use domain::referral::RedemptionKey;
use domain::survey::Respondent;
use domain::time::{Day, Instant};
use domain::warning::Walk;
use std::collections::HashMap;

pub use personal::{claimed, erasure, personal};
pub use shared_code::{all_shared_codes, shared_code, shared_uses};
pub use simulation::simulation_parts;

/// A primary key, or a whole item.
pub type Item = HashMap<String, AttributeValue>;

/// Most attributes of a usual item, by its kind: growing the map would cost more than making it, and so would a map
/// larger than it need be.
const ACCOUNT_ATTRIBUTES: usize = 18;
const ORDER_ATTRIBUTES: usize = 14;
const OTHER_ATTRIBUTES: usize = 7;
/// Shards of one due day. Part of the key format: fixed.
pub const DUE_SHARDS: u64 = 64;
/// The index by due day and shard.
pub const DUE_INDEX: &str = "due";
/// Digits of an entry's sequence in its key: as many as an `i64` needs.
const SEQUENCE_DIGITS: usize = 19;

const ENTRY: &str = "E#";
const CONTACT: &str = "C#";
pub(crate) const DISCOUNT: &str = "D#";
const COMMAND: &str = "K#";
const CREDIT_NOTE: &str = "R#";
const CODE_HOLDER: &str = "F#";
const NIGHT: &str = "night#";
const PERIOD: &str = "period#";
const PART: &str = "part#";
const PROFILE: &str = "PROFILE";
const PERKS: &str = "PERKS";
const REWARDS: &str = "REWARDS";
/// Begins the redemptions of rewards.
const REDEEMED: &str = "W#";
const DAY: &str = "DAY#";
const ASIDE: &str = "ASIDE#";
const FILING: &str = "FILING#";
const CLAIM: &str = "CLAIM";
const RESERVATION: &str = "RESERVATION";
const REFERRAL: &str = "REFERRAL";
const REDEMPTION: &str = "R#";
/// Where the redemptions that somebody is to look at are listed. No code: those have eleven characters.
const REVIEWS: &str = "REVIEWS";
/// Where invitations stand, each under its code: they are listed together.
const INVITATIONS: &str = "INVITATIONS";
const SCHEDULE: &str = "SCHEDULE";
const VERSION: &str = "V#";
const SURVEYS: &str = "surveys";
/// Begins the partitions of the answers to a survey.
pub const ANSWERS: &str = "answers#";

/// What a sort key of the ledger table stands for.
pub enum LedgerKind {
    Entry,
    Profile,
    Contact,
    Erasure,
    Discount,
    Command,
    CreditNote,
    CodeHolder,
    PerkUses,
    RewardUses,
    SharedUses,
    RewardRedemption,
}

/// What the keys of the codes table stand for.
pub enum CodeKind {
    ReferralCode,
    Redemption,
    WaitingReview,
    Invitation,
    SharedCode,
    Claim,
    Reservation,
}

pub fn code_kind(code: &str, sort: &str) -> Option<CodeKind> {
    match sort {
        _ if code == REVIEWS => Some(CodeKind::WaitingReview),
        _ if code == INVITATIONS => Some(CodeKind::Invitation),
        _ if code == shared_code::SHARED_CODES => Some(CodeKind::SharedCode),
        CLAIM => Some(CodeKind::Claim),
        RESERVATION => Some(CodeKind::Reservation),
        REFERRAL => Some(CodeKind::ReferralCode),
        _ if sort.starts_with(REDEMPTION) => Some(CodeKind::Redemption),
        _ => None,
    }
}

pub fn ledger_kind(sort: &str) -> Option<LedgerKind> {
    match sort {
        PROFILE => Some(LedgerKind::Profile),
        personal::ERASURE => Some(LedgerKind::Erasure),
        PERKS => Some(LedgerKind::PerkUses),
        REWARDS => Some(LedgerKind::RewardUses),
        _ if sort.starts_with(ENTRY) => Some(LedgerKind::Entry),
        _ if sort.starts_with(CONTACT) => Some(LedgerKind::Contact),
        _ if sort.starts_with(DISCOUNT) => Some(LedgerKind::Discount),
        _ if sort.starts_with(COMMAND) => Some(LedgerKind::Command),
        _ if sort.starts_with(CREDIT_NOTE) => Some(LedgerKind::CreditNote),
        _ if sort.starts_with(REDEEMED) => Some(LedgerKind::RewardRedemption),
        _ if sort.starts_with(shared_code::SHARED_USES) => Some(LedgerKind::SharedUses),
        _ if sort.starts_with(CODE_HOLDER) => Some(LedgerKind::CodeHolder),
        _ => None,
    }
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A key with room for the attributes of its item.
fn key(attributes: usize, parts: impl IntoIterator<Item = (&'static str, String)>) -> Item {
    let mut key = HashMap::with_capacity(attributes);
    key.extend(parts.into_iter().map(|(name, value)| (name.to_owned(), text(value))));
    key
}

pub fn account(id: &AccountId) -> Item {
    key(ACCOUNT_ATTRIBUTES, [("account_id", id.to_string())])
}

pub fn order(key: &OrderKey) -> Item {
    self::key(ORDER_ATTRIBUTES, [("order_key", key.to_string())])
}

fn ledger(id: &AccountId, sort: String) -> Item {
    self::key(OTHER_ATTRIBUTES, [("account_id", id.to_string()), ("sk", sort)])
}

pub fn entry(id: &AccountId, sequence: u64) -> Item {
    ledger(id, entry_sort(sequence))
}

pub fn entry_sort(sequence: u64) -> String {
    format!("{ENTRY}{sequence:0SEQUENCE_DIGITS$}")
}

pub fn profile(id: &AccountId) -> Item {
    ledger(id, PROFILE.to_owned())
}

pub fn perk_uses(id: &AccountId) -> Item {
    ledger(id, PERKS.to_owned())
}

pub fn reward_uses(id: &AccountId) -> Item {
    ledger(id, REWARDS.to_owned())
}

/// The key of what an account redeemed points for by an entry: as the entry's, so that they are listed as they came.
pub fn reward_redemption(id: &AccountId, entry: u64) -> Item {
    ledger(id, format!("{REDEEMED}{entry:0SEQUENCE_DIGITS$}"))
}

/// The condition, and its values, that an account's redemptions of rewards are queried with.
pub fn reward_redemptions_of(id: &AccountId) -> (&'static str, Item) {
    of_kind(id, REDEEMED)
}

pub fn contact(id: &AccountId, contact: &ContactId) -> Item {
    ledger(id, format!("{CONTACT}{contact}"))
}

pub fn discount(id: &AccountId, code: &Code) -> Item {
    ledger(id, format!("{DISCOUNT}{code}"))
}

pub fn command(id: &AccountId, key: &CommandKey) -> Item {
    ledger(id, format!("{COMMAND}{}", key.as_str()))
}

pub fn credit_note(id: &AccountId, return_id: &ReturnId) -> Item {
    ledger(id, format!("{CREDIT_NOTE}{return_id}"))
}

pub fn code_holder(id: &AccountId, contact: Option<&ContactId>) -> Item {
    ledger(id, format!("{CODE_HOLDER}{}", contact.map_or("", ContactId::as_str)))
}

/// The condition, and its values, that an account's referral codes are queried with.
pub fn code_holders_of(id: &AccountId) -> (&'static str, Item) {
    of_kind(id, CODE_HOLDER)
}

fn in_codes(code: String, sort: String) -> Item {
    self::key(OTHER_ATTRIBUTES, [("code", code), ("sk", sort)])
}

pub fn referral_code(code: &Code) -> Item {
    in_codes(code.to_string(), REFERRAL.to_owned())
}

pub fn redemption(key: &RedemptionKey) -> Item {
    in_codes(key.code.to_string(), format!("{REDEMPTION}{}", key.redemption_id))
}

/// The condition, and its values, that the redemptions of a code are queried with.
pub fn redemptions_of(code: &Code) -> (&'static str, Item) {
    let values = [(":code".to_owned(), text(code.to_string())), (":kind".to_owned(), text(REDEMPTION))];
    ("code = :code AND begins_with(sk, :kind)", values.into())
}

/// The key of a redemption that somebody is to look at, by its place among them.
pub fn waiting_review(place: &str) -> Item {
    in_codes(REVIEWS.to_owned(), place.to_owned())
}

/// The condition, and its values, that the redemptions that somebody is to look at are queried with.
pub fn waiting_reviews() -> (&'static str, Item) {
    ("code = :code", [(":code".to_owned(), text(REVIEWS))].into())
}

pub fn invitation(code: &Code) -> Item {
    in_codes(INVITATIONS.to_owned(), code.to_string())
}

/// The condition, and its values, that all invitations are queried with.
pub fn all_invitations() -> (&'static str, Item) {
    ("code = :code", [(":code".to_owned(), text(INVITATIONS))].into())
}

/// By its id alone: whoever names a reservation need not say whose it is.
pub fn reservation(id: ReservationId) -> Item {
    in_codes(format!("reservation#{id}"), RESERVATION.to_owned())
}

pub fn claim(key: &ClaimKey) -> Item {
    in_codes(personal::claim_code(key), CLAIM.to_owned())
}

pub fn schedule(program: &ProgramName) -> Item {
    self::key(OTHER_ATTRIBUTES, [("program", program.to_string()), ("sk", SCHEDULE.to_owned())])
}

/// The program whose schedule an item is.
pub fn scheduled_program(found: &Item) -> Option<ProgramName> {
    found.get("sk")?.as_s().ok().filter(|sort| *sort == SCHEDULE)?;
    ProgramName::parse(found.get("program")?.as_s().ok()?).ok()
}

pub fn program_version(program: &ProgramName, version: u32) -> Item {
    self::key(OTHER_ATTRIBUTES, [("program", program.to_string()), ("sk", version_sort(version))])
}

/// The partition of all versions of a program, in force or not. No program's own: its name holds no `#`. The other has
/// those that the schedule names, and is read whole with it.
fn versions(program: &ProgramName, sort: String) -> Item {
    self::key(OTHER_ATTRIBUTES, [("program", format!("{program}#versions")), ("sk", sort)])
}

pub fn stored_version(program: &ProgramName, version: u32) -> Item {
    versions(program, version_sort(version))
}

pub fn version_key(program: &ProgramName, key: &CommandKey) -> Item {
    versions(program, format!("{COMMAND}{}", key.as_str()))
}

/// The condition, and its values, that versions up to a number are queried with in the partition of this one.
pub fn versions_beside(version: &Item, up_to: u32) -> (&'static str, Item) {
    let partition = version.get("program").cloned().unwrap_or_else(|| text(""));
    let (first, last) = (text(version_sort(0)), text(version_sort(up_to)));
    let values = [(":program".to_owned(), partition), (":first".to_owned(), first), (":last".to_owned(), last)];
    ("program = :program AND sk BETWEEN :first AND :last", values.into())
}

fn version_sort(version: u32) -> String {
    format!("{VERSION}{version:010}")
}

/// The number of a version's key.
pub fn version_number(item: &Item) -> Option<u32> {
    item.get("sk")?.as_s().ok()?.strip_prefix(VERSION)?.parse().ok()
}

pub fn checkpoint(of: &str) -> Item {
    in_metrics(format!("import#{of}"), "CHECKPOINT".to_owned())
}

fn in_metrics(metric: String, period: String) -> Item {
    self::key(OTHER_ATTRIBUTES, [("metric", metric), ("period", period)])
}

pub fn limit_shard(id: &LimitId, shard: usize) -> Item {
    self::key(OTHER_ATTRIBUTES, [("limit", id.to_string()), ("shard", shard.to_string())])
}

/// The condition, its names and its values, that all shards of a limit are queried with.
pub fn shards_of(id: &LimitId) -> (&'static str, HashMap<String, String>, Item) {
    // `limit` is a word of the expressions' language.
    let names = [("#limit".to_owned(), "limit".to_owned())];
    ("#limit = :limit", names.into(), [(":limit".to_owned(), text(id.to_string()))].into())
}

/// Which limit's shard an item is, by the text of its id, and which of them.
pub fn shard_place(item: &Item) -> Option<(&str, usize)> {
    let text = |name| item.get(name)?.as_s().ok();
    Some((text("limit")?, text("shard")?.parse().ok()?))
}

pub fn survey(id: &SurveyId) -> Item {
    in_metrics(SURVEYS.to_owned(), id.to_string())
}

/// The condition, and its values, that all surveys are queried with.
pub fn surveys() -> (&'static str, Item) {
    ("metric = :metric", [(":metric".to_owned(), text(SURVEYS))].into())
}

pub fn survey_answer(survey: &SurveyId, respondent: &Respondent) -> Item {
    answer_place(survey, &respondent.to_string())
}

/// A place among the answers to a survey, whether or not anybody is called so.
pub fn answer_place(survey: &SurveyId, place: &str) -> Item {
    in_metrics(format!("{ANSWERS}{survey}"), place.to_owned())
}

/// What an item of the metrics' table is called within its partition.
pub fn period(item: &Item) -> Option<String> {
    item.get("period")?.as_s().ok().cloned()
}

/// The condition, and its values, that the answers to a survey are queried with.
pub fn answers_to(survey: &SurveyId) -> (&'static str, Item) {
    ("metric = :metric", [(":metric".to_owned(), text(format!("{ANSWERS}{survey}")))].into())
}

/// The same of the people of one account, whose keys begin with it and a `#`, which no account has in its id.
pub fn answers_of(survey: &SurveyId, account: &AccountId) -> (&'static str, Item) {
    let (_, mut values) = answers_to(survey);
    values.insert(":account".to_owned(), text(format!("{account}#")));
    ("metric = :metric AND begins_with(period, :account)", values)
}

/// The key attributes of the `due` index: the bucket is the day and one of 64 shards of accounts.
pub fn due(id: &AccountId, due: Due) -> [(String, AttributeValue); 2] {
    let shard = id.spread().checked_rem(DUE_SHARDS).unwrap_or(0);
    let bucket = due_bucket(due.day, shard);
    [("due".to_owned(), text(bucket)), ("due_at".to_owned(), AttributeValue::N(due.at.as_ms().to_string()))]
}

/// What a shard of a day is filed under.
pub fn due_bucket(day: Day, shard: u64) -> String {
    format!("{day}#{shard:02}")
}

/// A place in the `due` index of accounts.
pub fn due_place(bucket: &str, at: Instant, id: &AccountId) -> Item {
    let mut place = account(id);
    place.insert("due".to_owned(), text(bucket));
    place.insert("due_at".to_owned(), AttributeValue::N(at.as_ms().to_string()));
    place
}

/// The condition, and its values, that an account's contacts are queried with.
pub fn contacts_of(id: &AccountId) -> (&'static str, Item) {
    of_kind(id, CONTACT)
}

fn of_kind(id: &AccountId, kind: &str) -> (&'static str, Item) {
    let values = [(":id".to_owned(), text(id.to_string())), (":kind".to_owned(), text(kind))];
    ("account_id = :id AND begins_with(sk, :kind)", values.into())
}

fn walk(walk: Walk, period: String) -> Item {
    in_metrics(format!("walk#{}", walk.name()), period)
}

pub fn walk_open(of: Walk) -> Item {
    walk(of, "OPEN".to_owned())
}

pub fn walk_day(of: Walk, day: Day) -> Item {
    walk(of, format!("{DAY}{day}"))
}

pub fn walk_filed(of: Walk) -> Item {
    walk(of, "FILED".to_owned())
}

pub fn walk_filing(of: Walk, activation: u32) -> Item {
    walk(of, format!("{FILING}{activation:010}"))
}

pub fn walk_aside(of: Walk, name: &str) -> Item {
    walk(of, format!("{ASIDE}{name}"))
}

/// The name of what [`walk_aside`] is a key of.
pub fn aside_name(item: &Item) -> Option<String> {
    Some(item.get("period")?.as_s().ok()?.strip_prefix(ASIDE)?.to_owned())
}

/// The condition, and its values, that what a walk has set aside is queried with.
pub fn asides_of(of: Walk) -> (&'static str, Item) {
    let mut values = walk(of, ASIDE.to_owned());
    let mut value = |name: &str| values.remove(name).unwrap_or_else(|| text(""));
    let values = [(":metric".to_owned(), value("metric")), (":kind".to_owned(), value("period"))];
    ("metric = :metric AND begins_with(period, :kind)", values.into())
}

/// What a night keeps something under.
pub fn kept(kept: &Kept<'_>) -> Item {
    let (metric, period) = match kept {
        Kept::Night { what, day } => (format!("{NIGHT}{what}"), day.to_string()),
        Kept::Period { by, period } => (format!("{PERIOD}{by}"), (*period).to_owned()),
        Kept::Part { day, revision, segment } => (format!("{PART}{day}#{revision}"), format!("{segment:04}")),
        Kept::Simulation { id, part } => simulation::place(id, *part),
    };
    key(OTHER_ATTRIBUTES, [("metric", metric), ("period", period)])
}

/// A piece of it, from 1, of the value of a stamp and a content.
pub fn kept_piece(of: &Kept<'_>, stamp: Stamp, content: &str, piece: usize) -> Item {
    let mut key = kept(of);
    if let Some(AttributeValue::S(period)) = key.get_mut("period") {
        let Stamp { night, revision, .. } = stamp;
        period.push_str(&format!("#{night}.{revision}.{content}#{piece:04}"));
    }
    key
}

/// The condition, and its values, that all that is kept of the parts of a run is queried with.
pub fn parts_of(day: Day, revision: u32) -> (&'static str, Item) {
    let part = kept(&Kept::Part { day, revision, segment: 0 });
    let metric = part.get("metric").cloned().unwrap_or_else(|| text(""));
    ("metric = :metric", [(":metric".to_owned(), metric)].into())
}

/// The condition, and its values, that the pieces of all values that were ever kept under a key are queried with.
pub fn pieces_of(of: &Kept<'_>) -> (&'static str, Item) {
    let mut key = kept(of);
    let mut value = |name: &str| key.remove(name).unwrap_or_else(|| text(""));
    let metric = value("metric");
    let pieces = match value("period") {
        AttributeValue::S(period) => text(format!("{period}#")),
        other => other,
    };
    let values = [(":metric".to_owned(), metric), (":pieces".to_owned(), pieces)];
    ("metric = :metric AND begins_with(period, :pieces)", values.into())
}

/// The night and the revision of a piece, as [`kept_piece`] wrote them.
pub fn piece_run(item: &Item) -> Option<(Day, u32)> {
    let period = period(item)?;
    let (rest, _) = period.rsplit_once('#')?;
    let (_, run) = rest.rsplit_once('#')?;
    let mut parts = run.split('.');
    Some((Day::parse(parts.next()?)?, parts.next()?.parse().ok()?))
}

/// The condition, and its values, that what nights kept by one name up to a day, that day's included, is queried with.
pub fn kept_until(what: &str, until: Day) -> (&'static str, Item) {
    let values =
        [(":metric".to_owned(), text(format!("{NIGHT}{what}"))), (":until".to_owned(), text(until.to_string()))];
    ("metric = :metric AND period <= :until", values.into())
}

/// The day whose night kept a value by name.
pub fn kept_day(head: &Item) -> Option<Day> {
    Day::parse(head.get("period")?.as_s().ok()?)
}

/// The day of a `due` bucket, as written by [`due`].
pub fn due_day(bucket: &str) -> Option<&str> {
    bucket.split_once('#').map(|(day, _)| day)
}

#[cfg(test)]
mod tests;
