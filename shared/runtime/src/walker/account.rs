//! One account on which something falls due: load, decide, commit, like any other command.

use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, Fault};
use crate::logs;
use crate::metrics;
use crate::patience::{Deadline, jittered};
use crate::transact::Command;
use crate::walker::errand;
use domain::account::Account;
use domain::decision::{Context, Decision, Rejection};
use domain::id::{AccountId, ContactId};
use domain::membership::Contact;
use domain::referral::{self, Errand, Settled};
use domain::schedule::Schedule;
use domain::time::Instant;
use domain::walk::{self, People, Walked};
use domain::warning::Walk;
use std::collections::HashMap;
use std::sync::Arc;
use store::{Consistency, Store};
use tokio::task::{JoinError, JoinSet};
use tracing::Instrument;

/// Accounts walked at once.
const AT_ONCE: usize = 8;
/// Times that an account is tried while what fails may pass; the SDK and the commit's own loop have their tries below.
const TRIES_MAX: u32 = 4;
const PAUSE_MS_FIRST: u64 = 50;
const PAUSE_MS_MAX: u64 = 2_000;

/// What is done with an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// What has fallen due is written down, and warnings are given.
    Walk,
    /// It is filed under what the version in force makes of it.
    File,
}

/// What became of an account.
pub(super) type Outcome = (AccountId, Result<Walked, Error>);

/// Walks accounts in their order, some at once, until the deadline, or until more than `spare` of them fail for a reason
/// that may pass: the outcomes of those it came to, at least one of them.
pub(super) async fn all(
    app: &App,
    walk: Walk,
    work: Work,
    ids: &[AccountId],
    deadline: Deadline,
    spare: usize,
) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(ids.len());
    let mut waiting = ids.iter();
    let (mut running, mut whose) = (JoinSet::new(), HashMap::new());
    let (mut has_begun, mut passing) = (false, 0_usize);
    loop {
        while running.len() < AT_ONCE
            && !(has_begun && (deadline.is_over() || passing > spare))
            && let Some(id) = waiting.next()
        {
            let (app, own) = (app.clone(), id.clone());
            let span = logs::account(&own);
            let work = async move { with_tries(&app, walk, work, &own, deadline).await };
            let task = running.spawn(metrics::within(work).instrument(span));
            whose.insert(task.id(), id);
            has_begun = true;
        }
        let Some(ended) = running.join_next_with_id().await else { return outcomes };
        // A panic is a failure of its account like any other.
        let panicked = |lost: &JoinError| Err(Fault::Panicked(lost.to_string()).into());
        let (task, walked) = ended.unwrap_or_else(|lost| (lost.id(), panicked(&lost)));
        passing = passing.saturating_add(usize::from(walked.as_ref().is_err_and(Error::may_pass)));
        outcomes.extend(whose.remove(&task).map(|id| (id.clone(), walked)));
    }
}

async fn with_tries(app: &App, walk: Walk, work: Work, id: &AccountId, deadline: Deadline) -> Result<Walked, Error> {
    let mut tries = 1_u32;
    loop {
        match one(app, walk, work, id).await {
            Err(error) if error.may_pass() && tries < TRIES_MAX && !deadline.is_over() => {
                tracing::warn!(account.id = %id, tries, "account {id} could not be walked: {}", error.cause());
                tokio::time::sleep(jittered(tries, PAUSE_MS_FIRST, PAUSE_MS_MAX)).await;
                tries = tries.saturating_add(1);
            }
            outcome => return outcome,
        }
    }
}

/// Writes down what has come due on one account, once, whoever walks it how often.
pub async fn walk_account(app: &App, walk: Walk, id: &AccountId) -> Result<Walked, Error> {
    one(app, walk, Work::Walk, id).await
}

async fn one(app: &App, walk: Walk, work: Work, id: &AccountId) -> Result<Walked, Error> {
    let caller = Caller::of_event(walk.name());
    let (schedule, now) = (app.schedule().await?, app.clock().now());
    let mut command = WalkAccount { id, walk, work, schedule, now, settled: None };
    loop {
        match app.transact(&caller, &command).await? {
            (Walked::Errand, Some(errand)) => command.settled = Some(errand::carry_out(app, &caller, &errand).await?),
            (walked, _) => return Ok(walked),
        }
    }
}

struct WalkAccount<'a> {
    id: &'a AccountId,
    walk: Walk,
    work: Work,
    schedule: Arc<Schedule>,
    /// The instant it is walked at: what is to be said by then is known before anything is read.
    now: Instant,
    /// What its errand came to.
    settled: Option<Settled>,
}

struct State {
    account: Option<Account>,
    /// Whom a warning concerns.
    warned: Option<ContactId>,
    /// Its people, where one of them may have a birthday.
    contacts: Option<Vec<Contact>>,
}

impl WalkAccount<'_> {
    /// Whether somebody is to be named whom a warning concerns. What does not fit says so when it is decided.
    fn warns(&self, account: &Account) -> bool {
        walk::warns(account, self.walk, &self.schedule, self.now_of(account)).unwrap_or(false)
    }

    fn now_of(&self, account: &Account) -> Instant {
        self.now.max(account.last_decided)
    }
}

impl Command for WalkAccount<'_> {
    type State = State;
    /// What was done; where something is to be done on another account first, what that is.
    type Answer = (Walked, Option<Errand>);

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<State, store::Fault> {
        let account = store.account(self.id, consistency).await?;
        let (mut warned, mut contacts) = (None, None);
        if let Some(account) = account.as_ref().filter(|_| self.work == Work::Walk) {
            if self.warns(account) {
                warned = store.contact_for_warnings(self.id).await?;
            }
            if walk::reads_contacts(account, self.walk, &self.schedule, self.now_of(account)) {
                contacts = Some(store.contacts_with_birthday(self.id).await?);
            }
        }
        Ok(State { account, warned, contacts })
    }

    fn last_decided(state: &State) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &State, context: &Context<'_>) -> Result<Decision<Self::Answer>, Rejection> {
        // An account is never removed: only a read that lags behind does not show it.
        let account = state.account.as_ref().ok_or(Rejection::UnknownAccount)?;
        // Not later: a warning that has come due since would name nobody.
        let context = Context { now: self.now_of(account), ..*context };
        let decision = match self.work {
            Work::Walk => {
                let people = People { warned: state.warned.as_ref(), contacts: state.contacts.as_deref() };
                walk::decide(account, self.walk, people, self.settled, &context)?
            }
            Work::File => walk::refile(account, &context)?,
        };
        Ok(Decision { writes: decision.writes, answer: (decision.answer, referral::errand(account)) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use domain::code::Secrets;
    use domain::decision::{Record, Write};
    use domain::lots::Lot;
    use domain::money::Points;
    use domain::program::Program;
    use domain::schedule::Activation;
    use serde_json::json;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    #[test]
    fn what_comes_due_between_reading_and_deciding_waits_for_who_is_to_be_named() {
        let program = json!({
            "name": "warned", "currency": "GBP", "time_zone": "Europe/London",
            "enrolment": { "unknown_account": "enrol" },
            "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1.00" }],
            "points": { "validity_months": 24 },
            "tiers": { "window_months": 12, "levels": [
                { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
            ]},
            "warnings": { "points_expiring_days": [1] },
        });
        let program = Arc::new(Program::from_json(&program).unwrap());
        let id = AccountId::parse("acme").unwrap();
        let (mut account, _) = Account::enrol(id.clone(), &program, at("2011-01-01T00:00:00Z"));
        account.version = 1;
        account.holdings.add(Lot::until(at("2011-02-02T00:00:00Z"), Points(5))).unwrap();
        let schedule = Arc::new(Schedule::new(vec![Activation { from: Instant::MIN, version: 1, program }]).unwrap());
        let secrets = Secrets::parse("1:sixteen bytes long").unwrap();
        let now = at("2011-02-01T00:00:01Z");
        let context =
            Context { schedule: &schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        for (walked_at, expected) in
            [("2011-01-31T23:59:59Z", Walked::Filed), ("2011-02-01T00:00:00Z", Walked::Written)]
        {
            let (walk, work, schedule) = (Walk::Expiry, Work::Walk, schedule.clone());
            let command = WalkAccount { id: &id, walk, work, schedule, now: at(walked_at), settled: None };
            let warned = command.warns(&account).then(|| ContactId::parse("ann").unwrap());
            let state = State { account: Some(account.clone()), warned, contacts: None };
            let decision = command.decide(&state, &context).unwrap();
            assert_eq!(decision.answer, (expected, None), "{walked_at}");
            for write in decision.writes {
                if let Write::Put(Record::Entry(entry), _) = write {
                    let entry = serde_json::to_value(&entry.changes).unwrap();
                    assert_eq!(entry.pointer("/0/contact_id"), Some(&json!("ann")));
                }
            }
        }
    }
}
