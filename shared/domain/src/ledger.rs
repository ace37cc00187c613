//! Ledger entries: history, audit log and outbox in one. One commit to an account writes exactly one.

mod change;

use crate::code::Code;
use crate::id::{AccountId, ContactId, OrderKey, ReservationId, ReturnId, RuleId};
use crate::money::Points;
use crate::referral::RedemptionKey;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

pub use change::{
    AccountChange, Change, DiscountChange, HoldChange, MembershipChange, OrderChange, PerkChange, PointsChange,
    ReferralChange, RewardChange, TierChange,
};

/// By whom imported history is written. No caller of the API is called so.
pub const IMPORTER: &str = "import";

/// One immutable ledger line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entry {
    /// The account committed to.
    pub account_id: AccountId,
    /// 1, 2, 3 ... without gaps: the account's version after the commit.
    pub sequence: u64,
    /// `now` of the decision.
    pub at: Instant,
    /// What it was for.
    pub cause: Cause,
    /// Who asked for it.
    pub by: String,
    /// The program version it was decided under.
    pub program_version: u32,
    /// By how much the account's points changed in total.
    pub points: Points,
    /// The account's spendable points after it, less what it owes out of them.
    pub balance: Points,
    /// Its points that wait, after it, less what it owes out of what orders earn.
    #[serde(default, skip_serializing_if = "is_no_points")]
    pub pending: Points,
    /// What changed, in the order it happened.
    pub changes: Vec<Change>,
}

impl Entry {
    /// Whether it came by an import: it tells of the past, and is no news to anybody.
    pub fn is_imported(&self) -> bool {
        self.by == IMPORTER
    }
}

/// What a commit was for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// An order was placed.
    OrderPlaced {
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
    },
    /// Goods of an order came back.
    OrderReturned {
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
        /// Which return.
        return_id: ReturnId,
    },
    /// An order was cancelled.
    OrderCancelled {
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
    },
    /// An order was changed by its shop.
    OrderAmended {
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
        /// By which statement of it.
        revision: u64,
    },
    /// An order was paid.
    OrderPaid {
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
    },
    /// Goods came back with a credit note that names no order.
    CreditNote {
        /// Which credit note.
        credit_note_id: ReturnId,
    },
    /// Points were given or taken by hand.
    Adjustment,
    /// The account's balance in another product was taken over.
    Opening,
    /// The account was enrolled or its data changed.
    AccountPut,
    /// An operator decided about its membership.
    Membership,
    /// The fee of its membership was paid.
    MembershipPayment,
    /// A contact was added or changed.
    ContactPut {
        /// Which contact.
        contact_id: ContactId,
    },
    /// The company's personal data were to be erased.
    Erasure,
    /// A perk was used.
    PerkUse {
        /// Which perk.
        perk: RuleId,
    },
    /// The account was put into a tier by invitation, or taken out of it.
    TierPut,
    /// Points were redeemed for a reward.
    RewardRedeemed {
        /// Which reward.
        reward: RuleId,
    },
    /// A redemption of a reward was cancelled.
    RewardCancelled {
        /// Which: the sequence of the entry that it was made by.
        redemption: u64,
    },
    /// Discounts and points were reserved for a cart.
    Reserved {
        /// Under which reservation.
        reservation_id: ReservationId,
    },
    /// A reservation was given up.
    ReservationReleased {
        /// Which.
        reservation_id: ReservationId,
    },
    /// Something had fallen due.
    Walked,
    /// A referral code was issued or changed.
    ReferralCode {
        /// Which code.
        code: Code,
    },
    /// A referral code was redeemed, or something came of that.
    Referral {
        /// Which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
    },
}

fn is_no_points(points: &Points) -> bool {
    *points == Points::ZERO
}
