//! What changes about an account being a member: how it comes in, pays, and goes.

use crate::code::Code;
use crate::id::ContactId;
use crate::membership::Exclusion;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What changed about the membership.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type")]
pub enum MembershipChange {
    /// The account has applied: it is a member once it is let in.
    #[serde(rename = "membership.applied")]
    Applied,
    /// The account was let in: it is a member.
    #[serde(rename = "membership.admitted")]
    Admitted {
        /// By which invitation, if it was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invitation: Option<Code>,
        /// Why, where an operator did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The account was turned away: it is no member.
    #[serde(rename = "membership.rejected")]
    Rejected {
        /// Why.
        reason: String,
    },
    /// What the account is excluded from changed.
    #[serde(rename = "membership.exclusions_changed")]
    ExclusionsChanged {
        /// Before.
        from: Vec<Exclusion>,
        /// After.
        to: Vec<Exclusion>,
        /// Why.
        reason: String,
    },
    /// The fee of the membership was paid.
    #[serde(rename = "membership.paid")]
    Paid {
        /// When.
        paid_at: Instant,
        /// Since when the membership goes on without a gap.
        since: Instant,
        /// The first instant that is not paid for any more.
        until: Instant,
        /// The first instant at which the account is no member any more, unless it pays again before.
        lapses_at: Instant,
        /// An invoice or the like.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// What is paid for of the membership will end.
    #[serde(rename = "membership.ending")]
    Ending {
        /// The first instant that is not paid for any more.
        until: Instant,
        /// The first instant at which the account is no member any more, unless it pays again before.
        lapses_at: Instant,
        /// Whom it concerns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact_id: Option<ContactId>,
    },
    /// The membership has lapsed.
    #[serde(rename = "membership.lapsed")]
    Lapsed {
        /// When.
        lapsed_at: Instant,
    },
}
