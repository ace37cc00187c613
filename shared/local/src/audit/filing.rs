//! Where accounts are filed for the walks: none must be left where no walk comes by in time.

use super::{Report, Subject};
use domain::account::Account;
use domain::id::AccountId;
use domain::schedule::Schedule;
use domain::time::{Day, Instant};
use domain::warning::Walk;
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{Fault, Store};

/// Records of one page.
const PAGE: u16 = 100;

/// How far the walks have come.
pub(super) struct Walks {
    schedule: Arc<Schedule>,
    now: Instant,
    /// The first day that is open for any of them: an account that one of them has left for another stays filed where
    /// it was. `None`: nobody noted one.
    open: Option<Day>,
}

impl Walks {
    /// Read before the accounts: a day that is closed later is none that an account was left under.
    pub(super) async fn read(store: &Store, schedule: Arc<Schedule>, now: Instant) -> Result<Self, Fault> {
        let mut open: Option<Day> = None;
        for walk in Walk::ALL {
            let Some(first) = store.first_open_day(walk).await? else { return Ok(Self { schedule, now, open: None }) };
            open = Some(open.map_or(first, |open| open.min(first)));
        }
        Ok(Self { schedule, now, open })
    }

    /// Checks where the accounts are filed.
    pub(super) async fn check<'a>(
        &self,
        store: &Store,
        accounts: impl Iterator<Item = &'a Account>,
        report: &mut Report,
    ) -> Result<(), Fault> {
        let set_aside = set_aside(store).await?;
        for account in accounts {
            if let Some(what) = self.misfiled(account, set_aside.contains(&account.id)) {
                report.find(Subject::Account(account.id.clone()), what);
            }
        }
        Ok(())
    }

    fn misfiled(&self, account: &Account, is_set_aside: bool) -> Option<String> {
        match (account.due, self.next_change(account)) {
            (None, Some(next)) => Some(format!("is filed nowhere, and something falls due at {next}")),
            (Some(due), Some(next)) if due.at > next => {
                Some(format!("is filed for {}, and something falls due at {next}", due.at))
            }
            (Some(due), _) if self.open.is_some_and(|open| due.day < open) && !is_set_aside => {
                Some(format!("is filed under {}, which is closed, and not set aside", due.day))
            }
            _ => None,
        }
    }

    /// What an account must be filed for: by the versions that had come into force when it was last decided, or by all
    /// that are known, whichever asks for less, since a version files accounts anew some time after it came into force.
    fn next_change(&self, account: &Account) -> Option<Instant> {
        let (decided, known) = (account.last_decided, self.schedule.until(account.last_decided));
        let next = |schedule, at| account.next_change(schedule, at).ok().flatten();
        Some(next(&known, decided)?.max(next(&self.schedule, self.now.max(decided))?))
    }
}

/// What any walk has set aside.
async fn set_aside(store: &Store) -> Result<BTreeSet<AccountId>, Fault> {
    let mut ids = BTreeSet::new();
    for walk in Walk::ALL {
        let mut after = None;
        loop {
            let page = store.aside_page(walk, after.as_ref(), PAGE).await?;
            ids.extend(page.accounts.into_iter().map(|aside| aside.account_id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(ids)
}
