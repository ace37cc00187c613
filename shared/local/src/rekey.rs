//! Rewriting what was made with older secrets: what `guilder rekey` does, so that those can be removed.
//!
//! It looks at the profiles of all accounts, moves the claims of those that have some under an older number, one account
//! a transaction (`domain::membership::rekey`), and counts what is left under each number. It may end anywhere: what was
//! moved is as good as new, and the next run looks at everything again. What nobody knows the value of any more cannot be
//! rewritten and is counted: claims on what accounts stated before, phone numbers, addresses, what was stated with
//! redemptions, codes of which the issuing requests may be repeated.

mod count;
mod judgement;
mod text;

use crate::import::Progress;
use domain::decision::{Context, Decision, Rejection};
use domain::id::AccountId;
use domain::membership::rekey::{self, Known, Rekeyed, Standing, StatedValue};
use domain::membership::{Profile, UniqueField};
use domain::time::Instant;
use runtime::{App, Caller, Command, Error, Fault};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use store::{Consistency, Segment, Store};
use tokio::task::JoinSet;

pub use count::UnderSecret;
use judgement::Unclaimed;
pub use judgement::{Doubt, Judgement, Unfit, Why, judge};

/// Parts of the table of accounts that are read at once.
const SEGMENTS: i32 = 8;
/// Accounts that are worked on at once.
const WORKERS: usize = 8;

/// Why a run came to no end.
#[derive(Debug, thiserror::Error)]
pub enum RekeyError {
    /// What is configured here is not what the claims were made with.
    #[error(
        "secret {0} is not the one that claims were made with: of those that accounts list under this number, none is on \
         what they state. Nothing was written; give GUILDER_SECRETS the very text that the functions have"
    )]
    WrongSecret(u16),
    /// The tables failed.
    #[error("{0}; what was rewritten stays so, and the same command goes on")]
    Fault(#[from] Fault),
    /// A part of the work broke down.
    #[error("a part of the work broke down; what was rewritten stays so, and the same command goes on")]
    Broken,
}

impl From<store::Fault> for RekeyError {
    fn from(fault: store::Fault) -> Self {
        Self::Fault(fault.into())
    }
}

/// What a run did, and what stands under each secret after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Accounts that were looked at.
    pub accounts: u64,
    /// Those of which claims were rewritten.
    pub accounts_rewritten: u64,
    /// Claims that were.
    pub claims_rewritten: u64,
    /// What is not as it should be, by account.
    pub troubles: Vec<Trouble>,
    /// What stands under each secret that is configured or was, the newest first.
    pub secrets: Vec<UnderSecret>,
}

impl Report {
    /// Whether nothing is left that should not be.
    pub fn is_complete(&self) -> bool {
        self.troubles.is_empty() && self.secrets.iter().all(|secret| secret.claims_needed == 0)
    }
}

/// Why an account's claims are not as they should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Trouble {
    /// Whose.
    pub account_id: AccountId,
    /// What is the matter.
    #[serde(flatten)]
    pub what: What,
}

/// What is the matter with an account's claims.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "trouble")]
pub enum What {
    /// Another account has claimed the same value.
    Conflict {
        /// What kind of value.
        field: UniqueField,
        /// Who has.
        held_by: AccountId,
        /// The number of that claim's secret.
        secret: u16,
    },
    /// It lists no claim on what it states that any of the secrets makes.
    Unclaimed {
        /// What kind of value.
        field: UniqueField,
        /// The numbers under which it lists claims of this kind.
        listed: Vec<u16>,
    },
    /// It could not be read or written.
    Failed {
        /// Why.
        why: String,
    },
}

/// How many stand under each number.
type Counts = BTreeMap<u16, u64>;

fn count(counts: &mut Counts, number: u16) {
    let counted = counts.entry(number).or_default();
    *counted = counted.saturating_add(1);
}

/// What the profiles of accounts say before anything is written.
#[derive(Default)]
struct Seen {
    accounts: u64,
    /// Those with claims under an older number.
    older: Vec<AccountId>,
    judgement: Judgement,
    phones: Counts,
    addresses: Counts,
    troubles: Vec<Trouble>,
}

/// Rewrites what can be, and counts what stands under each secret then.
pub async fn run(app: &App, caller: &Caller, progress: Progress) -> Result<Report, RekeyError> {
    let seen = look(app).await?;
    for doubt in seen.judgement.doubts(app.secrets()) {
        if let Why::Wrong(number) = doubt.why {
            return Err(RekeyError::WrongSecret(number));
        }
    }
    let Seen { accounts, older, phones, addresses, mut troubles, .. } = seen;
    let done = rewrite(app, caller, older, progress).await?;
    troubles.extend(done.troubles);
    troubles.sort();
    let secrets = count::count(app, phones, addresses).await?;
    let Done { accounts_rewritten, claims_rewritten, .. } = done;
    Ok(Report { accounts, accounts_rewritten, claims_rewritten, troubles, secrets })
}

/// What every worker came to. All are waited for even where one failed: nothing may still be writing when this returns.
async fn all<T: 'static>(mut running: JoinSet<Result<T, RekeyError>>) -> Result<Vec<T>, RekeyError> {
    let mut done = Vec::new();
    while let Some(ended) = running.join_next().await {
        done.push(ended.unwrap_or(Err(RekeyError::Broken)));
    }
    done.into_iter().collect()
}

/// Looks at the profiles of all accounts.
async fn look(app: &App) -> Result<Seen, RekeyError> {
    let mut readers = JoinSet::new();
    for index in 0..SEGMENTS {
        let app = app.clone();
        readers.spawn(async move { look_at(&app, Segment { index, of: SEGMENTS }).await });
    }
    let mut all_seen = Seen::default();
    for seen in all(readers).await? {
        all_seen.accounts = all_seen.accounts.saturating_add(seen.accounts);
        all_seen.older.extend(seen.older);
        all_seen.troubles.extend(seen.troubles);
        all_seen.judgement.add(seen.judgement);
        for (sum, part) in [(&mut all_seen.phones, seen.phones), (&mut all_seen.addresses, seen.addresses)] {
            for (number, count) in part {
                let counted = sum.entry(number).or_default();
                *counted = counted.saturating_add(count);
            }
        }
    }
    Ok(all_seen)
}

async fn look_at(app: &App, segment: Segment) -> Result<Seen, RekeyError> {
    let (mut seen, mut after) = (Seen::default(), None);
    loop {
        let page = app.store().account_ids_page(segment, after).await?;
        for id in page.records {
            seen.accounts = seen.accounts.saturating_add(1);
            match app.store().profile(&id, Consistency::Strong).await {
                Ok(Some(profile)) => seen.note(app, &profile),
                Ok(None) => {}
                Err(fault) => seen.troubles.push(failed(id, fault.into())?),
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(seen);
        }
    }
}

impl Seen {
    fn note(&mut self, app: &App, profile: &Profile) {
        let secrets = app.secrets();
        profile.phone.iter().for_each(|kept| count(&mut self.phones, kept.secret));
        profile.address.iter().for_each(|kept| count(&mut self.addresses, kept.secret));
        let is_older = |value: &StatedValue| value.standing() == Standing::Older;
        if StatedValue::all(profile, secrets).iter().any(is_older) {
            self.older.push(profile.account_id.clone());
        }
        for Unclaimed { field, listed } in self.judgement.note_values(profile, secrets) {
            let what = What::Unclaimed { field, listed: listed.into_iter().collect() };
            self.troubles.push(Trouble { account_id: profile.account_id.clone(), what });
        }
    }
}

/// What came of the accounts that had anything to rewrite.
#[derive(Default)]
struct Done {
    accounts_rewritten: u64,
    claims_rewritten: u64,
    troubles: Vec<Trouble>,
}

async fn rewrite(app: &App, caller: &Caller, ids: Vec<AccountId>, progress: Progress) -> Result<Done, RekeyError> {
    let (total, ended) = (u64::try_from(ids.len()).unwrap_or(u64::MAX), Arc::new(AtomicU64::new(0)));
    let waiting = Arc::new(Mutex::new(ids.into_iter()));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (app, caller, waiting) = (app.clone(), caller.clone(), Arc::clone(&waiting));
        let (ended, progress) = (Arc::clone(&ended), Arc::clone(&progress));
        workers.spawn(async move {
            let mut done = Done::default();
            let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            while let Some(id) = next() {
                done.note(id.clone(), one(&app, &caller, &id).await)?;
                progress(ended.fetch_add(1, Ordering::Relaxed).saturating_add(1), total);
            }
            Ok(done)
        });
    }
    let mut sum = Done::default();
    for Done { accounts_rewritten, claims_rewritten, troubles } in all(workers).await? {
        sum.accounts_rewritten = sum.accounts_rewritten.saturating_add(accounts_rewritten);
        sum.claims_rewritten = sum.claims_rewritten.saturating_add(claims_rewritten);
        sum.troubles.extend(troubles);
    }
    Ok(sum)
}

/// Rewrites the claims of one account.
pub async fn one(app: &App, caller: &Caller, id: &AccountId) -> Result<Rekeyed, Fault> {
    let rekeyed = app.transact(caller, &Rekey { app, id }).await;
    rekeyed.map_err(|error| match error {
        Error::Fault(fault) => fault,
        // Nothing is refused here.
        other => Fault::Store(store::Fault::Service(format!("{other:?}"))),
    })
}

impl Done {
    fn note(&mut self, id: AccountId, rekeyed: Result<Rekeyed, Fault>) -> Result<(), RekeyError> {
        let Rekeyed { moved, conflicts } = match rekeyed {
            Ok(rekeyed) => rekeyed,
            Err(fault) => {
                self.troubles.push(failed(id, fault)?);
                return Ok(());
            }
        };
        self.accounts_rewritten = self.accounts_rewritten.saturating_add(u64::from(!moved.is_empty()));
        self.claims_rewritten = self.claims_rewritten.saturating_add(u64::try_from(moved.len()).unwrap_or(u64::MAX));
        self.troubles.extend(conflicts.into_iter().map(|claim| {
            let (field, secret, held_by) = (claim.key.field, claim.key.keyed.secret, claim.account_id);
            Trouble { account_id: id.clone(), what: What::Conflict { field, held_by, secret } }
        }));
        Ok(())
    }
}

/// What failed with this account alone; anything else ends the run.
fn failed(account_id: AccountId, fault: Fault) -> Result<Trouble, Fault> {
    match fault {
        Fault::Contended(_) | Fault::Store(store::Fault::Corrupt { .. }) => {
            Ok(Trouble { account_id, what: What::Failed { why: fault.to_string() } })
        }
        other => Err(other),
    }
}

/// Moves an account's claims to the newest secret.
struct Rekey<'a> {
    app: &'a App,
    id: &'a AccountId,
}

impl Command for Rekey<'_> {
    type State = Known;
    type Answer = Rekeyed;

    /// The profile first: whoever changes any of the account's claims after that has changed the profile, too, which the
    /// decision is guarded by.
    async fn load(&self, store: &Store, _: Consistency) -> Result<Known, store::Fault> {
        let profile = store.profile(self.id, Consistency::Strong).await?;
        let asked = profile.as_ref().map(|profile| rekey::asked(profile, self.app.secrets()));
        let claims = store.claims(&asked.unwrap_or_default()).await?;
        Ok(Known { profile, claims })
    }

    fn last_decided(_: &Known) -> Option<Instant> {
        None
    }

    fn decide(&self, state: &Known, context: &Context<'_>) -> Result<Decision<Rekeyed>, Rejection> {
        Ok(rekey::rekey(state, context.secrets))
    }
}
