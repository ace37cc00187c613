//! Using a perk: once per key, never more often than the program allows.

use super::{Perk, PerkCounter, PerkUses, Unheld, Uses};
use crate::account::{Account, Status};
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::document::{self, Faults, Object, Path};
use crate::id::{AccountId, RuleId};
use crate::idempotency::{CommandKey, CommandRecord};
use crate::ledger::{Cause, Change, PerkChange};
use crate::money::Overflow;
use crate::program::Program;
use crate::schema::{self, Schema};
use crate::time::{Day, Instant};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

const REFERENCE_CHARS_MAX: usize = 64;
/// Days after which a use lies in no period that is running: none is longer than a year.
const PERIOD_DAYS_MAX: i32 = 366;

/// What is asked for: `POST /v1/accounts/{account_id}/perks/{perk}/uses`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseDocument {
    /// A booking, a ticket or the like. No personal data belongs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// The answer to a use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PerkReceipt {
    /// Who used it.
    pub account_id: AccountId,
    /// Which perk.
    pub perk: RuleId,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// When it was decided.
    pub decided_at: Instant,
    /// As stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What is used and left after it; absent where the account has bought uses of it only, and in what was given while
    /// perks that are not counted could be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<Uses>,
    /// Uses bought with points that are left; where it was one of these, even if none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bought_left: Option<u32>,
}

/// What a use is decided on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PerkState {
    /// The account.
    pub account: Option<Account>,
    /// What it has used.
    pub uses: Option<PerkUses>,
}

/// Reads the document of a use; every fault at once.
pub fn use_document(value: &Value) -> Result<UseDocument, Faults> {
    let mut faults = Faults::default();
    let root = Object::open(value, &Path::Root, &["reference"], &mut faults);
    let document = root.map(|root| {
        let reference = root.optional("reference", &mut faults, document::remark(REFERENCE_CHARS_MAX));
        UseDocument { reference }
    });
    faults.into_result(document)
}

/// What [`use_document`] reads.
pub(crate) fn schema() -> Schema {
    let about = "What the use is known by elsewhere.";
    schema::object("PerkUse").optional("reference", schema::label(REFERENCE_CHARS_MAX), about)
}

impl UseDocument {
    /// SHA-256 over what is asked for.
    pub fn content_hash(&self) -> [u8; 32] {
        Sha256::digest(serde_json::to_vec(self).unwrap_or_default()).into()
    }
}

/// Uses a perk once: one of those that the account has anyway, and where none of these is left, one that it bought. The
/// count is kept under a guard of its own, in the transaction that moves the account on: of two
/// uses at once one is decided again, and knows of the other.
///
/// A perk that is not counted needs no leave, so nothing is written: otherwise an account's own people could fill its
/// history without end.
pub fn use_perk(
    state: &PerkState,
    perk: &RuleId,
    document: &UseDocument,
    key: &CommandKey,
    context: &Context<'_>,
) -> Result<Decision<PerkReceipt>, Rejection> {
    let account = state.account.as_ref().ok_or(Rejection::UnknownAccount)?;
    let activation = context.schedule.at(context.now);
    let program = &*activation.program;
    let perk = program.perks.iter().find(|own| own.id == *perk).ok_or(Rejection::UnknownPerk)?;
    if account.status != Status::Active {
        return Err(Rejection::AccountNotActive(account.status));
    }
    let (account, mut changes) = advance::advance(context.schedule, account, context.now)?;
    let entry = account.version.checked_add(1).ok_or(Overflow)?;
    let Used { uses, was_bought, bought_left, mut writes } =
        take_one(perk, &account, state.uses.as_ref(), program, context, entry)?;
    let reference = document.reference.clone();
    let left_of_own_kind = bought_left.filter(|_| was_bought);
    changes.push(Change::Perk(PerkChange::Used {
        perk: perk.id.clone(),
        uses,
        bought_left: left_of_own_kind,
        reference: reference.clone(),
    }));
    let receipt = PerkReceipt {
        account_id: account.id.clone(),
        perk: perk.id.clone(),
        entry,
        decided_at: context.now,
        reference,
        uses,
        bought_left,
    };
    let record = CommandRecord::new(account.id.clone(), key.clone(), document.content_hash(), &receipt);
    writes.push(Write::Put(Record::Command(Box::new(record)), Guard::Absent));
    let cause = Cause::PerkUse { perk: perk.id.clone() };
    writes.extend(decision::commit(account, cause, changes, activation.version, context)?);
    Ok(Decision { writes, answer: receipt })
}

/// What a use took.
struct Used {
    uses: Option<Uses>,
    /// It was one of those that were bought.
    was_bought: bool,
    /// How many of these are left.
    bought_left: Option<u32>,
    writes: Vec<Write>,
}

/// Takes one use of a perk for an entry.
fn take_one(
    perk: &Perk,
    account: &Account,
    used: Option<&PerkUses>,
    program: &Program,
    context: &Context<'_>,
    entry: u64,
) -> Result<Used, Rejection> {
    let held_now = perk.check(account, program, context.now);
    let is_held = held_now.is_ok();
    let uses = perk.uses(account, used, &program.calendar, context.now).filter(|_| is_held);
    let (held, guard) = PerkUses::or_none(used, &account.id);
    let bought = perk.bought(account, used);
    match uses {
        None if is_held => Err(Rejection::PerkNotCounted),
        Some(before) if before.left > 0 || bought.is_none() => {
            let uses = after(before)?;
            let counted = count(held, perk, uses.used, program.calendar.day(context.now), entry)?;
            let writes = vec![Write::Put(Record::PerkUses(Box::new(counted)), guard)];
            Ok(Used { uses: Some(uses), was_bought: false, bought_left: bought, writes })
        }
        _ => {
            let left = bought.and_then(|bought| bought.checked_sub(1)).ok_or_else(|| not_held(held_now))?;
            let less = held.leaving(&perk.id, left, entry)?;
            let writes = vec![Write::Put(Record::PerkUses(Box::new(less)), guard)];
            Ok(Used { uses, was_bought: true, bought_left: Some(left), writes })
        }
    }
}

/// Why a perk cannot be used that an account has not, and of which it has bought nothing.
fn not_held(held: Result<(), Unheld>) -> Rejection {
    match held {
        Err(Unheld::Lost(loss)) => Rejection::PerkLost(loss),
        Err(Unheld::NotForIt) | Ok(()) => Rejection::PerkNotHeld,
    }
}

/// One use more.
fn after(uses: Uses) -> Result<Uses, Rejection> {
    if uses.left == 0 {
        return Err(Rejection::PerkUsedUp { uses });
    }
    let used = uses.used.checked_add(1).ok_or(Overflow)?;
    Ok(Uses { used, left: uses.left.saturating_sub(1), ..uses })
}

/// Notes how often a perk is used now, and forgets those of which no period can be running: the next version may count
/// by a longer one than this, or by one again.
fn count(held: PerkUses, perk: &Perk, used: u32, today: Day, entry: u64) -> Result<PerkUses, Overflow> {
    let mut counters = held.counters.clone();
    counters.retain(|counter| counter.perk != perk.id && counter.latest.plus(PERIOD_DAYS_MAX) > today);
    let place = counters.partition_point(|counter| counter.perk < perk.id);
    counters.insert(place, PerkCounter { perk: perk.id.clone(), used, latest: today });
    let version = held.version.checked_add(1).ok_or(Overflow)?;
    Ok(PerkUses { counters, entry, version, ..held })
}
