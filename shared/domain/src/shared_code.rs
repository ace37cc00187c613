//! Shared codes: a discount that the merchant gives to many accounts under one code, so many uses in all, so many of each
//! account.
//!
//! What a code says never changes; it can be ended. How often an account has used it stands in a record of that account,
//! under a guard of its own, and how often it was used over all accounts in a [`Limit`], where the code states a number
//! for that: both are written in the transaction of the order that uses it, so neither is ever exceeded. A code that is
//! used as often as anybody likes writes no limit.

mod answer;
pub(crate) mod read;

use crate::account::Account;
use crate::audience::{self, Audience, Buyer};
use crate::code::Code;
use crate::decision::{Context, Decision, Guard, Record, Rejection, Write};
use crate::discount::{TakesOff, Terms, Unusable};
use crate::document::{Faults, Path};
use crate::id::{AccountId, RuleId};
use crate::idempotency::{self, CommandKey};
use crate::limit::{Limit, LimitId, LimitKind};
use crate::money::{Currency, Minor, Overflow};
use crate::program::Program;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use answer::{SharedCodeAnswer, SharedCodesAnswer};

/// What a shared code says: `POST /v1/shared-codes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedCodeDocument {
    /// Its name for customers.
    pub name: String,
    /// What it takes off.
    pub takes_off: TakesOff,
    /// What the goods must come to; zero: anything.
    pub minimum_order: Minor,
    /// The currency of both.
    pub currency: Currency,
    /// Of the discounts of this group one at most is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<RuleId>,
    /// The first instant at which it can be used; `None`: it can be at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Instant>,
    /// The first instant at which it cannot be used any more; `None`: it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// How often it can be used over all accounts; `None`: as often as they like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u64>,
    /// How often each account can use it, at least once.
    pub uses_per_account: u32,
    /// Whom it is for.
    #[serde(flatten)]
    pub audience: Audience,
}

/// A shared code that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedCode {
    /// Its text.
    pub code: Code,
    /// The number of the secret it was made with.
    pub secret: u16,
    /// The key of the request that it was issued for.
    pub key: CommandKey,
    /// Hash of what was asked for, in hexadecimal.
    pub content_hash: String,
    /// What it says.
    #[serde(flatten)]
    pub terms: SharedCodeDocument,
    /// When it was issued.
    pub issued_at: Instant,
    /// By whom.
    pub issued_by: String,
    /// When it was ended before its time, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Instant>,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// How often an account has used a shared code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedUses {
    /// The account.
    pub account_id: AccountId,
    /// The code.
    pub code: Code,
    /// How often, less what was given back.
    pub used: u32,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// A shared code that an account names, with what was used of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedFound {
    /// The code.
    pub code: SharedCode,
    /// How often the account has used it; `None`: it never did.
    pub uses: Option<SharedUses>,
    /// How often all have; `None`: nobody counts that.
    pub limit: Option<Limit>,
}

impl SharedCodeDocument {
    /// Reads it from its JSON document, with the currency and the days of this program; every fault at once.
    pub fn from_json(value: &Value, program: &Program) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let document = read::document(value, program, &mut faults);
        faults.into_result(document)
    }

    /// SHA-256 over what is asked for.
    pub fn content_hash(&self) -> [u8; 32] {
        Sha256::digest(serde_json::to_vec(self).unwrap_or_default()).into()
    }

    /// What is wrong with it at this instant, though it can be read.
    fn check(&self, program: &Program, now: Instant) -> Result<(), Faults> {
        let (mut faults, root) = (Faults::default(), Path::Root);
        if self.until.is_some_and(|until| until <= now) {
            faults.add(&Path::Key(&root, "until"), "out_of_range", "must be to come");
        }
        audience::check_tiers(&self.audience.tiers, &root, Some(&program.tiers.levels), &mut faults);
        faults.into_result(Some(()))
    }
}

impl SharedCode {
    /// The same code, if the same was asked for; otherwise that the key was used for something else.
    pub fn repeat(&self, document: &SharedCodeDocument) -> Result<Self, Rejection> {
        match self.content_hash == idempotency::hexadecimal(document.content_hash()) {
            true => Ok(self.clone()),
            false => Err(Rejection::KeyReused),
        }
    }

    /// What it takes off, and from which goods.
    pub fn terms(&self) -> Terms {
        Terms { takes_off: self.terms.takes_off, minimum: self.terms.minimum_order }
    }

    /// What counts its uses over all accounts; `None`: nothing does.
    pub fn limit_id(&self) -> Option<LimitId> {
        self.terms.uses.map(|_| LimitId::of(LimitKind::SharedCode, &self.code))
    }

    /// Whether an account that has used it so often can use it at `now`, as far as the account is concerned. Whether any
    /// use is left over all accounts is [`Self::is_left`]'s to tell.
    pub fn check(
        &self,
        uses: Option<&SharedUses>,
        account: &Account,
        program: &Program,
        now: Instant,
    ) -> Result<(), Unusable> {
        let SharedCodeDocument { from, currency, audience, .. } = &self.terms;
        match () {
            // What it says is of a currency that the program runs in no more.
            () if self.is_over(now) || *currency != program.currency => Err(Unusable::Expired),
            () if from.is_some_and(|from| now < from) => Err(Unusable::NotYetValid),
            () if !audience.includes(&Buyer::of(account, account.member_state(program, now))) => {
                Err(Unusable::NotForAccount)
            }
            () if !self.is_left_to_account(uses) => Err(Unusable::Used),
            () => Ok(()),
        }
    }

    /// Whether nobody can use it any more at `now`, however often it was used.
    pub fn is_over(&self, now: Instant) -> bool {
        self.ended_at.is_some() || self.terms.until.is_some_and(|until| until <= now)
    }

    /// Whether any use is left over all accounts; `None`: nobody has used it yet.
    pub fn is_left(&self, limit: Option<&Limit>) -> bool {
        let total = self.terms.uses.zip(limit);
        // What cannot be counted is more than any code states.
        total.is_none_or(|(total, limit)| limit.left(total).is_ok_and(|left| left > 0))
    }

    fn is_left_to_account(&self, uses: Option<&SharedUses>) -> bool {
        uses.is_none_or(|uses| uses.used < self.terms.uses_per_account)
    }

    /// The writes of one use by an account. A commit of them is lost where somebody else was faster.
    pub fn use_once(
        &self,
        uses: Option<&SharedUses>,
        limit: Option<&Limit>,
        by: &AccountId,
    ) -> Result<Vec<Write>, Unusable> {
        if !self.is_left_to_account(uses) {
            return Err(Unusable::Used);
        }
        let used = uses.map_or(0, |uses| uses.used);
        let mut writes = vec![self.put_uses(uses, by, used.saturating_add(1))];
        if let Some((total, id)) = self.terms.uses.zip(self.limit_id()) {
            let untouched = Limit::untouched(id);
            let taken = limit.unwrap_or(&untouched).take(total, 1, by);
            // What cannot be counted is more than any code states.
            writes.extend(taken.ok().flatten().ok_or(Unusable::UsedUp)?);
        }
        Ok(writes)
    }

    /// The writes by which one use of an account counts as never made; none where it has made none.
    pub fn give_back_once(&self, uses: Option<&SharedUses>, limit: Option<&Limit>, by: &AccountId) -> Vec<Write> {
        let Some(used) = uses.and_then(|uses| uses.used.checked_sub(1)) else { return Vec::new() };
        let limit = limit.filter(|_| self.terms.uses.is_some());
        let back = limit.and_then(|limit| limit.give_back(1, by));
        std::iter::once(self.put_uses(uses, by, used)).chain(back).collect()
    }

    fn put_uses(&self, held: Option<&SharedUses>, by: &AccountId, used: u32) -> Write {
        let (version, guard) = match held {
            Some(held) => (held.version.saturating_add(1), Guard::Version(held.version)),
            None => (1, Guard::Absent),
        };
        let after = SharedUses { account_id: by.clone(), code: self.code.clone(), used, version };
        Write::Put(Record::SharedUses(Box::new(after)), guard)
    }
}

impl SharedFound {
    /// Whether an account can use it at `now`, by what was used of it so far.
    pub fn check(&self, account: &Account, program: &Program, now: Instant) -> Result<(), Unusable> {
        self.code.check(self.uses.as_ref(), account, program, now)?;
        if self.code.is_left(self.limit.as_ref()) { Ok(()) } else { Err(Unusable::UsedUp) }
    }
}

/// Issues a shared code, once per key: `held` is the one that was issued for it already.
pub fn issue(
    document: &SharedCodeDocument,
    key: &CommandKey,
    held: Option<&SharedCode>,
    context: &Context<'_>,
) -> Result<Decision<SharedCode>, Rejection> {
    if let Some(held) = held {
        return Ok(Decision { writes: Vec::new(), answer: held.repeat(document)? });
    }
    document.check(&context.schedule.at(context.now).program, context.now)?;
    let issued = SharedCode {
        code: context.secrets.shared_code(key.as_str(), context.collisions),
        secret: context.secrets.current(),
        key: key.clone(),
        content_hash: idempotency::hexadecimal(document.content_hash()),
        terms: document.clone(),
        issued_at: context.now,
        issued_by: context.by.to_owned(),
        ended_at: None,
        version: 1,
    };
    let mut writes = vec![Write::Put(Record::SharedCode(Box::new(issued.clone())), Guard::Absent)];
    if let Some((total, id)) = issued.terms.uses.zip(issued.limit_id()) {
        // Here, so that each order that uses it changes one shard and no more.
        writes.extend(Limit::untouched(id).lay_out(total)?);
    }
    Ok(Decision { writes, answer: issued })
}

/// Ends a shared code: no order uses it any more, and those that have keep what it took off. Ended already, it stays as
/// it is.
pub fn end(held: Option<&SharedCode>, context: &Context<'_>) -> Result<Decision<SharedCode>, Rejection> {
    let held = held.ok_or(Rejection::UnknownSharedCode)?;
    if held.ended_at.is_some() {
        return Ok(Decision { writes: Vec::new(), answer: held.clone() });
    }
    let version = held.version.checked_add(1).ok_or(Overflow)?;
    let ended = SharedCode { ended_at: Some(context.now), version, ..held.clone() };
    let write = Write::Put(Record::SharedCode(Box::new(ended.clone())), Guard::Version(held.version));
    Ok(Decision { writes: vec![write], answer: ended })
}

#[cfg(test)]
mod tests;
