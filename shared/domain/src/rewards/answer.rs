//! What callers see of rewards: the catalogue of an account, and its redemptions.

use super::{CancelReceipt, takes_part};
use super::{Given, Goods, PerkUsesBought, Reward, RewardCount, RewardKind, RewardRedemption, RewardUses, Unavailable};
use crate::account::Account;
use crate::advance;
use crate::code::Code;
use crate::decision::Rejection;
use crate::id::{AccountId, RuleId};
use crate::limit::Limit;
use crate::money::{self, Overflow, Percent, Points};
use crate::schedule::Schedule;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What an account can get for its points: `GET /v1/accounts/{account_id}/rewards`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Catalogue {
    /// Which account.
    pub account_id: AccountId,
    /// The instant it is true at.
    pub as_of: Instant,
    /// The account's spendable points, below zero where it owes more.
    pub balance: Points,
    /// Every reward of the program, as listed there.
    pub rewards: Vec<RewardStanding>,
}

/// A reward as an account sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RewardStanding {
    /// Its id.
    pub id: RuleId,
    /// Its name for customers.
    pub name: String,
    /// What it is, for customers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is got.
    #[serde(flatten)]
    pub gift: OfferAnswer,
    /// What it costs this account.
    pub points: Points,
    /// From when it is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Instant>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// How often the account had it and may have it; absent: that is not limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses: Option<RewardCount>,
    /// How many are left over all accounts; absent: that is not limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock_left: Option<u64>,
    /// Whether the account can have it now.
    pub available: bool,
    /// Why it cannot: the first condition that fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<Unavailable>,
}

/// What a reward gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OfferAnswer {
    /// A discount.
    Discount {
        /// What it takes off, in percent.
        percent: String,
        /// Days it is valid.
        validity_days: u16,
    },
    /// A product.
    Product(Goods),
    /// Several products.
    Pack(Vec<Goods>),
    /// Uses of a perk.
    Perk(PerkUsesBought),
}

/// What was given for points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GiftAnswer {
    /// A discount, named in an order by its code.
    Discount {
        /// Its code.
        code: Code,
        /// What it takes off, in percent.
        percent: String,
        /// The first instant at which it is void.
        expires_at: Instant,
    },
    /// A product, for the shop to hand over.
    Product(Goods),
    /// Several products, for the shop to hand over.
    Pack(Vec<Goods>),
    /// Uses of a perk.
    Perk(PerkUsesBought),
}

/// What was had for points: what the answer to a redemption and its place in a list have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Redeemed {
    /// Which of the account's redemptions: what it is fulfilled, and cancelled, by.
    pub redemption_id: u64,
    /// Of which reward.
    pub reward: RuleId,
    /// Its name for customers then.
    pub name: String,
    /// What was given.
    #[serde(flatten)]
    pub gift: GiftAnswer,
    /// What it cost.
    pub points: Points,
    /// When it was decided.
    pub redeemed_at: Instant,
    /// As stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// A redemption as callers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RedemptionAnswer {
    /// What was had for points.
    #[serde(flatten)]
    pub redeemed: Redeemed,
    /// Whether it still stands.
    pub status: RedemptionStatus,
    /// What was given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancellation: Option<CancelReceipt>,
}

/// Whether a redemption still stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RedemptionStatus {
    /// It does.
    Redeemed,
    /// It was cancelled.
    Cancelled,
}

fn percent_text(percent: Percent) -> String {
    money::format_trimmed(percent.0, Percent::DECIMALS)
}

impl OfferAnswer {
    fn of(kind: &RewardKind) -> Self {
        match kind {
            RewardKind::Discount { percent, validity_days, .. } => {
                Self::Discount { percent: percent_text(*percent), validity_days: *validity_days }
            }
            RewardKind::Product(goods) => Self::Product(goods.clone()),
            RewardKind::Pack(items) => Self::Pack(items.clone()),
            RewardKind::Perk(bought) => Self::Perk(bought.clone()),
        }
    }
}

impl GiftAnswer {
    /// What was given, as callers see it.
    fn of(given: &Given) -> Self {
        match given {
            Given::Discount { code, percent, expires_at } => {
                Self::Discount { code: code.clone(), percent: percent_text(*percent), expires_at: *expires_at }
            }
            Given::Product(goods) => Self::Product(goods.clone()),
            Given::Pack(items) => Self::Pack(items.clone()),
            Given::Perk(bought) => Self::Perk(bought.clone()),
        }
    }
}

impl Redeemed {
    pub(super) fn of(redemption: &RewardRedemption) -> Self {
        Self {
            redemption_id: redemption.redemption_id,
            reward: redemption.reward.clone(),
            name: redemption.name.clone(),
            gift: GiftAnswer::of(&redemption.given),
            points: redemption.points,
            redeemed_at: redemption.redeemed_at,
            reference: redemption.reference.clone(),
        }
    }
}

impl From<RewardRedemption> for RedemptionAnswer {
    fn from(redemption: RewardRedemption) -> Self {
        let status = match redemption.cancelled {
            Some(_) => RedemptionStatus::Cancelled,
            None => RedemptionStatus::Redeemed,
        };
        Self { redeemed: Redeemed::of(&redemption), status, cancellation: redemption.cancelled }
    }
}

/// What an account can get for its points at `now`, and why not what it cannot; `stocks` are those that anybody has had
/// something of. One that does not take part gets nothing.
pub fn catalogue(
    account: &Account,
    uses: Option<&RewardUses>,
    stocks: &[Limit],
    schedule: &Schedule,
    now: Instant,
) -> Result<Catalogue, Rejection> {
    if !takes_part(account) {
        return Err(Rejection::AccountNotActive(account.status));
    }
    let (account, _) = advance::advance(schedule, account, now)?;
    let program = &*schedule.at(now).program;
    let standing = |reward: &Reward| {
        let stock = stocks.iter().find(|stock| *stock.id() == reward.stock_id());
        let checked = reward.check(&account, uses, stock, program, now)?;
        Ok::<_, Overflow>(RewardStanding {
            id: reward.id.clone(),
            name: reward.name.clone(),
            description: reward.description.clone(),
            gift: OfferAnswer::of(&reward.kind),
            points: reward.price(&account, program, now),
            from: reward.from,
            until: reward.until,
            uses: reward.count(uses, &program.calendar, now),
            stock_left: reward.stock_left(stock)?,
            available: checked.is_ok(),
            unavailable: checked.err(),
        })
    };
    Ok(Catalogue {
        account_id: account.id.clone(),
        as_of: now,
        balance: account.spendable()?,
        rewards: program.rewards.iter().map(standing).collect::<Result<_, _>>()?,
    })
}
