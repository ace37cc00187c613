//! Rights to a price reduction.

use crate::code::Code;
use crate::decision::Context;
use crate::id::{AccountId, OrderKey, RuleId};
use crate::money::Percent;
use crate::program::Program;
use crate::referral::RedemptionKey;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most discounts an account can have open: it bounds the hot item.
pub const OPEN_DISCOUNTS_MAX: usize = 10;

/// An open discount as the account's hot item knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDiscount {
    /// The rule that issued it.
    pub rule: RuleId,
    /// Its code.
    pub code: Code,
    /// The first instant at which it is void.
    pub expires_at: Instant,
    /// The fewest days ahead at which that was told; at first, those that it was issued with.
    pub told_days: u16,
}

/// A discount as it was issued, and its use. Whether it has expired is a matter of the clock, so it is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    /// Whose it is.
    pub account_id: AccountId,
    /// Its code.
    pub code: Code,
    /// The number of the secret its code was made with.
    pub secret: u16,
    /// The rule that issued it.
    pub rule: RuleId,
    /// What it takes off.
    pub percent: Percent,
    /// What brought it about.
    pub issued_by: Issuer,
    /// When it was issued.
    pub issued_at: Instant,
    /// The first instant at which it is void.
    pub expires_at: Instant,
    /// The fewest days ahead at which its end was told, as of when it was issued or was open last.
    pub told_days: u16,
    /// The order that used it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<OrderKey>,
    /// It was withdrawn: what had brought it about was changed or undone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub void: bool,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// What brings a discount about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Issuer {
    /// An order.
    Order(OrderKey),
    /// A referral: the redemption of a code.
    Referral(RedemptionKey),
}

impl Issuer {
    /// Whether it is this order.
    pub fn is(&self, order: &OrderKey) -> bool {
        matches!(self, Self::Order(own) if own == order)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(order) => order.fmt(f),
            Self::Referral(redemption) => write!(f, "referral {redemption}"),
        }
    }
}

/// Why a discount cannot be used. Unknown codes and other accounts' codes are one and the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unusable {
    /// The account has no discount of this code.
    Unknown,
    /// An order has used it.
    Used,
    /// Its validity is over.
    Expired,
    /// It was withdrawn: what had brought it about was changed or undone.
    Void,
}

/// What a rule gives a right to.
pub(crate) struct Right<'a> {
    /// Which rule.
    pub rule: &'a RuleId,
    /// What it takes off.
    pub percent: Percent,
    /// The first instant at which it is void.
    pub expires_at: Instant,
}

impl Discount {
    /// A discount of an account as it is issued: its code is made from its rule and what brings it about.
    pub(crate) fn issue(
        account_id: &AccountId,
        right: Right<'_>,
        issued_by: Issuer,
        program: &Program,
        context: &Context<'_>,
    ) -> Self {
        let cause = match &issued_by {
            Issuer::Order(order) => format!("{}/{order}", right.rule),
            Issuer::Referral(redemption) => format!("{}/{redemption}", right.rule),
        };
        Self {
            account_id: account_id.clone(),
            code: context.secrets.discount_code(&cause, context.collisions),
            secret: context.secrets.current(),
            rule: right.rule.clone(),
            percent: right.percent,
            issued_by,
            issued_at: context.now,
            expires_at: right.expires_at,
            // Its issue tells of its end: a lead as long as that would come with it.
            told_days: program.calendar.days_until(context.now, right.expires_at),
            used_by: None,
            void: false,
            version: 1,
        }
    }

    /// Whether it can be used at `now`.
    pub fn check(&self, now: Instant) -> Result<(), Unusable> {
        if self.used_by.is_some() {
            return Err(Unusable::Used);
        }
        if self.void {
            return Err(Unusable::Void);
        }
        if self.expires_at <= now {
            return Err(Unusable::Expired);
        }
        Ok(())
    }

    /// The same discount, used by an order.
    pub fn used(&self, order: &OrderKey) -> Self {
        Self { used_by: Some(order.clone()), ..self.next() }
    }

    /// The same discount, given back by the order that had used it.
    pub fn unused(&self) -> Self {
        Self { used_by: None, ..self.next() }
    }

    /// The same discount, withdrawn or valid again.
    pub fn voided(&self, void: bool) -> Self {
        Self { void, ..self.next() }
    }

    fn next(&self) -> Self {
        Self { version: self.version.saturating_add(1), ..self.clone() }
    }

    /// As the account's hot item knows it.
    pub fn open(&self) -> OpenDiscount {
        let Self { rule, code, expires_at, told_days, .. } = self.clone();
        OpenDiscount { rule, code, expires_at, told_days }
    }
}
