//! The DynamoDB tables: keys, items, load and commit. The only package that names the DynamoDB SDK.
//!
//! Reads are single `GetItem`s (eventually consistent unless asked otherwise); a decision is written as exactly one
//! `TransactWriteItems`, every write of it guarded. A lost guard is an answer ([`Commit::Lost`]), not an error: the
//! one retry loop in `runtime` loads and decides again.
//!
//! Costs, as DynamoDB counts them: a plain order of 20 lines is 0.5 read units (the account, eventually consistent)
//! and 6 write units (account, order and entry within 1 KB each, doubled by the transaction).

mod claim;
mod commit;
mod corrupt;
mod due;
mod erasure;
mod facts;
mod invitation;
mod item;
mod keys;
mod limit;
mod nightly;
mod pack;
mod page;
pub mod personal;
mod program;
mod read;
mod referral;
mod reservation;
mod reward;
mod scan;
mod shared_code;
mod simulation;
mod stream;
mod survey;

pub use commit::{Commit, Conflict};
pub use corrupt::without_values;
pub use due::{AccountsPage, AsidePage, AsidePosition, DUE_SHARDS, DuePosition, SetAside};
pub use invitation::InvitationsPage;
pub use nightly::{CountedPage, Kept, KeptValue, Stamp};
pub use program::{Planned, VersionsPage};
pub use read::{Consistency, EntriesPage, StoredOrder};
pub use referral::{RedemptionsPage, ReviewsPage};
pub use reward::RewardRedemptionsPage;
pub use scan::{CodeRecord, LedgerRecord, Page, PageKey, Segment};
pub use shared_code::SharedCodesPage;
pub use stream::{StreamRecord, Streamed, Unstreamed};
pub use survey::{AnswersPage, Score, ScoresPage, SurveysPage};

/// What faults call the table of the program.
pub const PROGRAMS: &str = "programs";

pub use aws_sdk_dynamodb;
use aws_sdk_dynamodb::Client;

/// The names of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// Hot state of accounts.
    pub accounts: String,
    /// Orders and their scores.
    pub orders: String,
    /// Entries, profiles, contacts, discounts.
    pub ledger: String,
    /// Uniqueness claims.
    pub codes: String,
    /// Versions of the program and their activation.
    pub programs: String,
    /// Checkpoints of imports and walks, what nights keep, surveys and their answers.
    pub metrics: String,
    /// Exact limits over all accounts.
    pub limits: String,
}

/// What went wrong between here and DynamoDB. No business answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// DynamoDB refused or could not be reached.
    #[error("DynamoDB: {0}")]
    Service(String),
    /// A stored item cannot be read.
    #[error("item {key} in {table} cannot be read: {what}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which item.
        key: String,
        /// What is wrong.
        what: String,
    },
    /// An order does not fit an item.
    #[error("an order takes {bytes} bytes packed; an item holds {}", commit::ORDER_BYTES_MAX)]
    OrderTooLarge {
        /// How large it is.
        bytes: usize,
    },
}

impl Fault {
    fn service<E: std::error::Error + 'static>(error: E) -> Self {
        Self::Service(causes(&error))
    }
}

/// An error and what caused it, as they put it themselves. Never what they hold besides: a response may hold what is
/// stored.
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text
}

/// The tables, ready to read and write. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    tables: std::sync::Arc<Tables>,
}

impl Store {
    /// The store over a client.
    pub fn new(client: Client, tables: Tables) -> Self {
        Self { client, tables: std::sync::Arc::new(tables) }
    }

    /// The client, for start-up code that warms its connection.
    pub fn client(&self) -> &Client {
        &self.client
    }
}
