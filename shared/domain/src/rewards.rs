//! Rewards: what points buy.
//!
//! A reward has a price in points, by tier if the program says so; an account gets it by a redemption ([`redeem`]),
//! which spends the points and gives a discount, uses of a perk, or the right to goods that the shop hands over.
//! Whether an account may have one now is decided in one place ([`Reward::check`]), for the catalogue that it sees and
//! for the redemption alike.

mod answer;
pub(crate) mod cancel;
pub(crate) mod redeem;
mod uses;

use crate::account::{Account, Status};
use crate::audience::{Audience, Buyer};
use crate::discount::OPEN_DISCOUNTS_MAX;
use crate::id::{AccountId, RuleId, Sku, TierId};
use crate::limit::{Limit, LimitId, LimitKind};
use crate::lots::SpentLot;
use crate::money::{Overflow, Percent, Points};
use crate::program::Program;
use crate::schedule::Schedule;
use crate::time::{Calendar, Day, Instant, Month};
use serde::{Deserialize, Serialize};

pub use answer::{Catalogue, GiftAnswer, Redeemed, RedemptionAnswer, RedemptionStatus, RewardStanding, catalogue};
pub use cancel::{CancelDocument, CancelReceipt, CancelState, cancel, cancel_document};
pub use redeem::{RedeemDocument, RedeemReceipt, RedeemState, redeem, redeem_document};
pub use uses::{RewardCount, RewardCounter, RewardUses};

/// Something that points buy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reward {
    /// Its id, stable over versions.
    pub id: RuleId,
    /// Its name for customers.
    pub name: String,
    /// What it is, for customers.
    pub description: Option<String>,
    /// What is got for the points.
    pub kind: RewardKind,
    /// What it costs.
    pub price: RewardPrice,
    /// How many there are over all accounts; `None`: as many as are wanted.
    pub stock: Option<u64>,
    /// Only from this instant on.
    pub from: Option<Instant>,
    /// Only before this instant.
    pub until: Option<Instant>,
    /// How often one account may have it; `None`: as often as it can pay for it.
    pub per_account: Option<PerAccount>,
    /// Whom it is for.
    pub audience: Audience,
}

/// What is got for the points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RewardKind {
    /// A discount of the account's own, for an order to come.
    Discount {
        /// What it takes off.
        percent: Percent,
        /// Days it is valid, to the same local wall time.
        validity_days: u16,
        /// Of the discounts of a group one at most is applied to a cart.
        group: Option<RuleId>,
    },
    /// One product.
    Product(Goods),
    /// Several products together, each SKU once.
    Pack(Vec<Goods>),
    /// Uses of a perk, beyond those that the account has anyway.
    Perk(PerkUsesBought),
}

/// So many of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Goods {
    /// Which product.
    pub sku: Sku,
    /// How many, at least 1.
    pub quantity: u64,
}

/// So many uses of a perk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PerkUsesBought {
    /// Which perk.
    pub perk: RuleId,
    /// How many uses, at least 1.
    pub uses: u32,
}

/// What a reward costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewardPrice {
    /// Points, at least 1.
    pub points: Points,
    /// What it costs instead for those who hold one of these tiers, each listed once.
    pub by_tier: Vec<(TierId, Points)>,
}

/// How often one account may have a reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerAccount {
    /// Times in each period, at least 1.
    pub count: u32,
    /// How long a period is.
    pub period: RewardPeriod,
}

/// A stretch of time that redemptions are counted in, in the program's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardPeriod {
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
    /// All time.
    Ever,
}

impl RewardPeriod {
    /// Every period by its name.
    pub const ALL: [(&'static str, Self); 3] = [("month", Self::Month), ("year", Self::Year), ("ever", Self::Ever)];

    /// The first day of the period that a day lies in, and the first day after it.
    fn around(self, day: Day) -> Option<(Day, Day)> {
        let month = day.month();
        let (first, months) = match self {
            Self::Month => (month, 1),
            Self::Year => (month.plus(month.0.rem_euclid(12).saturating_neg()), 12),
            Self::Ever => return None,
        };
        Some((Month::first(first), first.plus(months).first()))
    }

    /// Whether two days lie in one period.
    fn joins(self, one: Day, other: Day) -> bool {
        self.around(one) == self.around(other)
    }
}

/// What an account got for its points, and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewardRedemption {
    /// Whose.
    pub account_id: AccountId,
    /// Which of its redemptions: the sequence of the entry that it was made by.
    pub redemption_id: u64,
    /// Which reward.
    pub reward: RuleId,
    /// Its name then.
    pub name: String,
    /// What was given.
    pub given: Given,
    /// What it cost.
    pub points: Points,
    /// The lots that the points came out of, the earliest end first.
    pub spent: Vec<SpentLot>,
    /// When.
    pub redeemed_at: Instant,
    /// The month that it counts in.
    pub month: i32,
    /// The period that it is counted in, where the account's redemptions of the reward were limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<RewardPeriod>,
    /// It was taken from a stock over all accounts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_stock: bool,
    /// A cart, a delivery or the like, as stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What was given back, if it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<CancelReceipt>,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// What was given for points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Given {
    /// A discount.
    Discount {
        /// Its code.
        code: crate::code::Code,
        /// What it takes off.
        percent: Percent,
        /// The first instant at which it is void.
        expires_at: Instant,
    },
    /// The right to a product.
    Product(Goods),
    /// The right to several products.
    Pack(Vec<Goods>),
    /// Uses of a perk.
    Perk(PerkUsesBought),
}

/// Why an account cannot have a reward now: the first condition that fails, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Unavailable {
    /// It is not offered yet.
    NotYet {
        /// From when it is.
        from: Instant,
    },
    /// It is not offered any more.
    Over {
        /// Since when it is not.
        until: Instant,
    },
    /// It is for other tiers or segments.
    NotForAccount,
    /// The account has had it as often as it may.
    LimitReached {
        /// How often, and when there are more.
        #[serde(flatten)]
        count: RewardCount,
    },
    /// Nothing of it is left.
    OutOfStock,
    /// The account has as many open discounts as it can.
    TooManyDiscounts,
    /// The account has the perk and uses it as often as it likes: uses that it bought would never be used.
    PerkNotCounted,
    /// The account has too few points that it can spend.
    NotEnoughPoints {
        /// How many are missing, those included that it owes.
        missing: Points,
    },
}

impl Unavailable {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotYet { .. } => "not_yet",
            Self::Over { .. } => "over",
            Self::NotForAccount => "not_for_account",
            Self::LimitReached { .. } => "limit_reached",
            Self::OutOfStock => "out_of_stock",
            Self::TooManyDiscounts => "too_many_discounts",
            Self::PerkNotCounted => "perk_not_counted",
            Self::NotEnoughPoints { .. } => "not_enough_points",
        }
    }
}

impl RewardPrice {
    /// What it costs for a buyer.
    pub fn of(&self, buyer: &Buyer<'_>) -> Points {
        let own = self.by_tier.iter().find(|(tier, _)| buyer.tier == Some(tier));
        own.map_or(self.points, |(_, points)| *points)
    }
}

impl Reward {
    /// What it costs an account at `now`. One that is no member pays what everybody does.
    pub fn price(&self, account: &Account, program: &Program, now: Instant) -> Points {
        self.price.of(&Buyer::of(account, account.member_state(program, now)))
    }

    /// Whether an account that takes part, already at `now`, may have it then for its price; otherwise why not. `uses`
    /// is how often it had what is limited, `stock` what is left over all accounts (`None`: nobody has had any yet).
    pub fn check(
        &self,
        account: &Account,
        uses: Option<&RewardUses>,
        stock: Option<&Limit>,
        program: &Program,
        now: Instant,
    ) -> Result<Result<(), Unavailable>, Overflow> {
        if let Some(from) = self.from.filter(|from| now < *from) {
            return Ok(Err(Unavailable::NotYet { from }));
        }
        if let Some(until) = self.until.filter(|until| now >= *until) {
            return Ok(Err(Unavailable::Over { until }));
        }
        if !self.audience.includes(&Buyer::of(account, account.member_state(program, now))) {
            return Ok(Err(Unavailable::NotForAccount));
        }
        if let Some(count) = self.count(uses, &program.calendar, now).filter(|count| count.left == 0) {
            return Ok(Err(Unavailable::LimitReached { count }));
        }
        if self.stock_left(stock)? == Some(0) {
            return Ok(Err(Unavailable::OutOfStock));
        }
        if matches!(self.kind, RewardKind::Discount { .. }) && account.discounts.len() >= OPEN_DISCOUNTS_MAX {
            return Ok(Err(Unavailable::TooManyDiscounts));
        }
        if self.is_had_anyway(account, program, now) {
            return Ok(Err(Unavailable::PerkNotCounted));
        }
        let (price, balance) = (self.price(account, program, now), account.spendable()?);
        if balance < price {
            return Ok(Err(Unavailable::NotEnoughPoints { missing: price.minus(balance)? }));
        }
        Ok(Ok(()))
    }

    /// Whether it is uses of a perk that an account has now without counting them.
    fn is_had_anyway(&self, account: &Account, program: &Program, now: Instant) -> bool {
        let RewardKind::Perk(bought) = &self.kind else { return false };
        let perk = program.perks.iter().find(|perk| perk.id == bought.perk);
        perk.is_some_and(|perk| perk.allowance.is_none() && perk.check(account, program, now).is_ok())
    }

    /// The limit that its stock is counted by.
    pub fn stock_id(&self) -> LimitId {
        stock_id(&self.id)
    }

    /// How many are left over all accounts; `None`: that is not limited.
    pub fn stock_left(&self, stock: Option<&Limit>) -> Result<Option<u64>, Overflow> {
        let left = |total| stock.map_or(Ok(total), |stock| stock.left(total));
        self.stock.map(left).transpose()
    }

    /// How often an account had it in the period that `now` lies in; `None`: it is not limited.
    pub fn count(&self, uses: Option<&RewardUses>, calendar: &Calendar, now: Instant) -> Option<RewardCount> {
        let limit = self.per_account?;
        let today = calendar.day(now);
        let counters = uses.map_or(&[][..], |uses| &uses.counters);
        let counter = counters.iter().find(|counter| counter.reward == self.id);
        let used =
            counter.filter(|counter| limit.period.joins(counter.latest, today)).map_or(0, |counter| counter.used);
        let next = limit.period.around(today).map(|(_, next)| calendar.start_of_day(next));
        // What is not offered any more by then is not to be had again.
        let renews_at = next.filter(|next| self.until.is_none_or(|until| *next < until));
        Some(RewardCount { count: limit.count, used, left: limit.count.saturating_sub(used), renews_at })
    }
}

/// Whether an account may be shown what points buy: whoever has left, or waits to be let in, is not.
fn takes_part(account: &Account) -> bool {
    account.status == Status::Active
}

/// Whether any reward of a program is limited for each account, so that what was had must be known.
pub fn are_counted(program: &Program) -> bool {
    program.rewards.iter().any(|reward| reward.per_account.is_some())
}

/// The limit that the stock of a reward is counted by.
pub fn stock_id(reward: &RuleId) -> LimitId {
    LimitId::of(LimitKind::RewardStock, reward)
}

/// What must be known, besides its account, to decide whether a reward can be had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// How often the account had what is limited.
    pub uses: bool,
    /// What the account has used of its perks.
    pub perk_uses: bool,
    /// What is left over all accounts.
    pub stock: bool,
}

impl Needs {
    /// What any version says of a reward: whichever is in force when it is decided. Where one comes along that needs
    /// more, the decision takes it for untouched, and its guards fail unless it is.
    pub fn of(reward: &RuleId, schedule: &Schedule) -> Self {
        let versions = schedule.from(Instant::MIN).map(|span| span.program);
        let rewards = versions.flat_map(|program| &program.rewards);
        rewards.filter(|own| own.id == *reward).fold(Self::default(), |needs, own| Self {
            uses: needs.uses || own.per_account.is_some(),
            perk_uses: needs.perk_uses || matches!(own.kind, RewardKind::Perk(_)),
            stock: needs.stock || own.stock.is_some(),
        })
    }
}

/// Whether any reward of a program is uses of a perk.
pub(crate) fn give_perks(program: &Program) -> bool {
    program.rewards.iter().any(|reward| matches!(reward.kind, RewardKind::Perk(_)))
}

#[cfg(test)]
mod tests;
