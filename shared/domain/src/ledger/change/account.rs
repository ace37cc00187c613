//! What changes about the account itself: that it is one, its data, its people.

use crate::account::Status;
use crate::id::{ContactId, TierId};
use crate::money::Points;
use crate::opening::PastTotals;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What changed about the account itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type")]
pub enum AccountChange {
    /// The account became a member.
    #[serde(rename = "account.enrolled")]
    Enrolled {
        /// Its first tier.
        tier: TierId,
    },
    /// What another product knew of the account was taken over: its tier, and its past as totals.
    #[serde(rename = "account.opened")]
    Opened {
        /// The tier it holds.
        tier: TierId,
        /// Since when it holds it.
        tier_since: Instant,
        /// What it did before, which no entry tells of.
        #[serde(flatten)]
        past: PastTotals,
        /// Points earned before, whatever became of them.
        points_earned: Points,
    },
    /// The account's own data changed.
    #[serde(rename = "account.changed")]
    Changed {
        /// Which fields, never their content.
        fields: Vec<String>,
    },
    /// The account's status changed.
    #[serde(rename = "account.status_changed")]
    StatusChanged {
        /// Before.
        from: Status,
        /// After.
        to: Status,
    },
    /// The personal data of the company and its people are erased from here on: what is left of it in other records is
    /// removed by what follows this commit.
    #[serde(rename = "account.erased")]
    Erased,
    /// A contact was added or changed.
    #[serde(rename = "contact.changed")]
    ContactChanged {
        /// Which contact.
        contact_id: ContactId,
    },
}
