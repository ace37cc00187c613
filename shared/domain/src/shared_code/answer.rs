//! A shared code as its merchant sees it.

use super::SharedCode;
use crate::code::Code;
use crate::discount::TakesOff;
use crate::id::{RuleId, Segment, TierId};
use crate::money::{self, Minor, Money, Percent};
use crate::time::Instant;
use serde::Serialize;

/// A shared code, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SharedCodeAnswer {
    /// What customers type.
    pub code: Code,
    /// Its name for customers.
    pub name: String,
    /// What it takes off, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<String>,
    /// What it takes off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// What the goods must come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_order: Option<Money>,
    /// Of the discounts of this group one at most is applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<RuleId>,
    /// The first instant at which it can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Instant>,
    /// The first instant at which it cannot be used any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// How often it can be used over all accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses: Option<u64>,
    /// How often it was, where that is counted and was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
    /// How often each account can use it.
    pub uses_per_account: u32,
    /// Only for accounts that hold one of these tiers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<TierId>,
    /// Only for accounts that are in one of these segments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
    /// When it was issued.
    pub issued_at: Instant,
    /// When it was ended before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Instant>,
}

/// One page of the shared codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SharedCodesAnswer {
    /// The codes.
    pub shared_codes: Vec<SharedCodeAnswer>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl SharedCodeAnswer {
    /// The answer about a code; `used`: how often it was over all accounts, where that is known.
    pub fn of(code: SharedCode, used: Option<u64>) -> Self {
        let SharedCode { code, terms, issued_at, ended_at, .. } = code;
        let money = |amount| Money { amount, currency: terms.currency };
        let (percent, amount) = match terms.takes_off {
            TakesOff::Percent(percent) => (Some(money::format_trimmed(percent.0, Percent::DECIMALS)), None),
            TakesOff::Amount(amount) => (None, Some(money(amount))),
        };
        Self {
            code,
            name: terms.name,
            percent,
            amount,
            minimum_order: Some(terms.minimum_order).filter(|minimum| *minimum > Minor::ZERO).map(money),
            group: terms.group,
            from: terms.from,
            until: terms.until,
            uses: terms.uses,
            used,
            uses_per_account: terms.uses_per_account,
            tiers: terms.audience.tiers,
            segments: terms.audience.segments,
            issued_at,
            ended_at,
        }
    }
}
