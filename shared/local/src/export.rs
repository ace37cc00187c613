//! Accounts as rows: id, points, tier and orders, as of an instant.

use crate::walk;
use domain::account::Account;
use domain::advance;
use domain::id::{AccountId, TierId};
use domain::money::{Overflow, Points};
use domain::schedule::Schedule;
use domain::time::Instant;
use std::fmt;
use store::Store;

/// The header of the exported file.
pub const HEADER: &str = "account_id,points,tier,orders";

/// One account, as exported: `12346,77183,platinum,1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Which account.
    pub account_id: AccountId,
    /// What it owns, waiting points included.
    pub points: Points,
    /// The tier it holds.
    pub tier: TierId,
    /// Orders so far.
    pub orders: u64,
}

impl fmt::Display for AccountRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ids have no character that CSV would have to quote.
        write!(f, "{},{},{},{}", self.account_id, self.points, self.tier, self.orders)
    }
}

/// Why accounts cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// An account has moved on since then; what it was is not known any more.
    #[error("account {account_id} was last decided at {last_decided}; choose that instant or a later one")]
    TooEarly {
        /// Which account; of several, the one decided last.
        account_id: AccountId,
        /// The earliest instant it can be shown at.
        last_decided: Instant,
    },
    /// A sum does not fit.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// The tables could not be read.
    #[error(transparent)]
    Fault(#[from] store::Fault),
}

/// All accounts as of an instant, sorted by id in byte order. Fails where any of them was decided on later.
pub async fn accounts(store: &Store, schedule: &Schedule, as_of: Instant) -> Result<Vec<AccountRow>, ExportError> {
    let mut rows = Vec::new();
    let mut latest: Option<Account> = None;
    walk::accounts(store, |account| {
        if account.last_decided <= as_of {
            rows.push(row(&account, schedule, as_of)?);
        } else if latest.as_ref().is_none_or(|other| other.last_decided < account.last_decided) {
            latest = Some(account);
        }
        Ok::<_, ExportError>(())
    })
    .await?;
    if let Some(Account { id, last_decided, .. }) = latest {
        return Err(ExportError::TooEarly { account_id: id, last_decided });
    }
    rows.sort_by(|a, b| a.account_id.cmp(&b.account_id));
    Ok(rows)
}

fn row(account: &Account, schedule: &Schedule, as_of: Instant) -> Result<AccountRow, Overflow> {
    let (account, _) = advance::advance(schedule, account, as_of)?;
    let points = account.points()?;
    Ok(AccountRow { account_id: account.id, points, tier: account.tier, orders: account.lifetime.orders })
}
