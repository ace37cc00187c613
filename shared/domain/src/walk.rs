//! One account on which something has fallen due: what time has made true is written down, and what is about to come
//! is said.

use crate::account::Account;
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Write};
use crate::due::Due;
use crate::id::ContactId;
use crate::ledger::{Cause, Change};
use crate::membership::Contact;
use crate::money::Overflow;
use crate::occasions::{self, Gifts, Past};
use crate::referral::{self, ErrandTask, Settled};
use crate::schedule::Schedule;
use crate::tier::entry;
use crate::time::Instant;
use crate::warning::{self, Walk, WarningRules};

/// The walk that carries errands out.
const ERRANDS: Walk = Walk::Review;
/// The walk that gives what occasions bring.
const OCCASIONS: Walk = Walk::Review;

/// What a walk did to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walked {
    /// Something had fallen due: it is written down.
    Written,
    /// Nothing had, but it is to be looked at later than it was filed for.
    Filed,
    /// Nothing had fallen due for this walk.
    Nothing,
    /// Something is to be done on another account first: what came of it, the account is to be walked again with.
    Errand,
}

/// Whether a walk would warn the account at `now`: then somebody is to be named whom it concerns.
pub fn warns(account: &Account, walk: Walk, schedule: &Schedule, now: Instant) -> Result<bool, Overflow> {
    if schedule.at(now).program.warnings == WarningRules::default() {
        return Ok(false);
    }
    let (_, _, warnings) = pass(account, walk, None, schedule, now)?;
    Ok(!warnings.is_empty())
}

/// Whether a walk looks at the people of the account at `now`: then all of them are to be read whose birthday is known.
pub fn reads_contacts(account: &Account, walk: Walk, schedule: &Schedule, now: Instant) -> bool {
    walk == OCCASIONS && occasions::read_contacts(account, schedule, now)
}

/// Whom a walk has read of an account's people.
#[derive(Debug, Clone, Copy, Default)]
pub struct People<'a> {
    /// Whom a warning concerns.
    pub warned: Option<&'a ContactId>,
    /// All whose birthday is known; `None`: they were not asked for.
    pub contacts: Option<&'a [Contact]>,
}

/// The account once a walk has passed, what has come due on it, and the warnings given.
pub(crate) fn pass(
    account: &Account,
    walk: Walk,
    contact: Option<&ContactId>,
    schedule: &Schedule,
    now: Instant,
) -> Result<(Account, Vec<Change>, Vec<Change>), Overflow> {
    let (mut passed, changes) = advance::advance(schedule, account, now)?;
    let warnings = warning::give(&mut passed, schedule, walk, contact, now)?;
    Ok((passed, changes, warnings))
}

/// Writes down all that has come due on an account, gives the warnings of this walk, and files the account under the
/// earliest instant that is left of any kind: the other walk's work stays filed.
///
/// An errand that is due comes first; `settled` is what it came to. A warning is given now, and so is what an occasion
/// brings. What came due was true already: it is written down as of the latest instant of it, so that a history that
/// is still being imported goes on as if nobody had walked.
pub fn decide(
    account: &Account,
    walk: Walk,
    people: People<'_>,
    settled: Option<Settled>,
    context: &Context<'_>,
) -> Result<Decision<Walked>, Overflow> {
    let Context { schedule, now, .. } = *context;
    let (mut passed, mut changes, warnings) = pass(account, walk, people.warned, schedule, now)?;
    let concluded = settled.and_then(|settled| referral::conclude(&mut passed, settled));
    // Unless there is something else to be done meanwhile: what was given is to be taken back.
    let is_reward = |errand: referral::Errand| errand.task == ErrandTask::Reward;
    let waits = settled == Some(Settled::Later) && referral::errand(&passed).is_some_and(is_reward);
    if walk == ERRANDS && !waits && referral::errand(&passed).is_some_and(|errand| errand.due_at <= now) {
        return Ok(Decision { writes: Vec::new(), answer: Walked::Errand });
    }
    let gifts = match walk {
        OCCASIONS => {
            let owed = entry::issue_owed(&mut passed, context);
            occasions::pass(&mut passed, people.contacts, context)?.after(owed)
        }
        _ => Gifts::default(),
    };
    let at = match warnings.is_empty() && concluded.is_none() && gifts.changes.is_empty() {
        true => advance::changed_at(schedule, account, now)?,
        false => now,
    };
    changes.extend(warnings.into_iter().chain(concluded).chain(gifts.changes));
    if !changes.is_empty() {
        passed.due = None;
        let version = schedule.at(at).version;
        let mut writes = decision::commit_at(at, passed, Cause::Walked, changes, version, context)?.to_vec();
        writes.extend(gifts.writes);
        return Ok(Decision { writes, answer: Walked::Written });
    }
    let next = match waits {
        true => tomorrow_or_before(&passed, context)?,
        false => passed.next_change(schedule, now)?,
    };
    Ok(file(account, Due::file(None, next, context.wall_day), passed.occasions))
}

/// When an account is walked next whose errand waits: what waits elsewhere is looked at again tomorrow, which is nothing
/// for the history of this account, and whatever else falls due in its time.
fn tomorrow_or_before(account: &Account, context: &Context<'_>) -> Result<Option<Instant>, Overflow> {
    let without = Account { referral: None, ..account.clone() };
    let tomorrow = context.now.plus_ms(Instant::DAY_MS);
    Ok(without.next_change(context.schedule, context.now)?.into_iter().chain([tomorrow]).min())
}

/// Files an account earlier where the version in force makes something of it due that it was not filed for: a version
/// may bring in reviews or warnings, and an account that orders nothing more is never filed by a commit.
pub fn refile(account: &Account, context: &Context<'_>) -> Result<Decision<Walked>, Overflow> {
    let next = account.next_change(context.schedule, context.now)?;
    Ok(file(account, Due::file(account.due, next, context.wall_day), account.occasions))
}

/// Files an account, and notes the occasions that passed it by.
fn file(account: &Account, due: Option<Due>, occasions: Past) -> Decision<Walked> {
    if due == account.due && occasions == account.occasions {
        return Decision { writes: Vec::new(), answer: Walked::Nothing };
    }
    // Where it is filed is no part of its history: no entry, and no new version. A commit that was decided before this
    // puts its own filing in its place, which is under a day that is still open, and no later: the walker files under a
    // version only when every commit that was decided before it came into force is over.
    // The same of the occasions: what such a commit puts in their place, they pass by once more.
    let filed = Account { due, occasions, ..account.clone() };
    let write = Write::Put(Record::Account(Box::new(filed)), Guard::Version(account.version));
    Decision { writes: vec![write], answer: Walked::Filed }
}
