//! How often an account had the rewards that are limited.

use super::{Reward, RewardPeriod};
use crate::id::{AccountId, RuleId};
use crate::money::Overflow;
use crate::time::{Day, Instant};
use serde::{Deserialize, Serialize};

/// Days after which a count lies in no period that is running, but for one that never ends.
const PERIOD_DAYS_MAX: i32 = 366;

/// How often an account had the rewards that are limited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewardUses {
    /// Whose.
    pub account_id: AccountId,
    /// By reward.
    pub counters: Vec<RewardCounter>,
    /// Sequence of the newest entry that changed a count.
    pub entry: u64,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// How often it had one reward in the period of its latest redemption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewardCounter {
    /// Which reward.
    pub reward: RuleId,
    /// How often, less those that were cancelled.
    pub used: u32,
    /// The day of the latest redemption, in the program's time zone.
    pub latest: Day,
    /// The period that it is counted in.
    pub period: RewardPeriod,
}

/// How often an account had a reward, and may have it, in the period that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RewardCount {
    /// Times in each period.
    pub count: u32,
    /// Had in this one. It may be more than the count where a version has lowered that.
    pub used: u32,
    /// Left in this one.
    pub left: u32,
    /// When the next period begins, and with it the count; absent where none does while the reward is offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews_at: Option<Instant>,
}

impl RewardUses {
    /// Nothing counted yet.
    pub(super) fn none_of(account_id: AccountId) -> Self {
        Self { account_id, counters: Vec::new(), entry: 0, version: 0 }
    }

    /// The same with a reward had so often in the period of today, by an entry. Counts of which no period can be
    /// running are forgotten.
    pub(super) fn counting(
        self,
        reward: &Reward,
        period: RewardPeriod,
        used: u32,
        today: Day,
        entry: u64,
    ) -> Result<Self, Overflow> {
        let Self { account_id, mut counters, version, .. } = self;
        let is_running = |counter: &RewardCounter| {
            counter.period == RewardPeriod::Ever || counter.latest.plus(PERIOD_DAYS_MAX) > today
        };
        counters.retain(|counter| counter.reward != reward.id && is_running(counter));
        let place = counters.partition_point(|counter| counter.reward < reward.id);
        counters.insert(place, RewardCounter { reward: reward.id.clone(), used, latest: today, period });
        Ok(Self { account_id, counters, entry, version: version.checked_add(1).ok_or(Overflow)? })
    }

    /// The same with one redemption of a day less, if it is counted in the period that its counter is of; `None`: it is
    /// not.
    pub(super) fn giving_back(
        &self,
        reward: &RuleId,
        period: RewardPeriod,
        day: Day,
        entry: u64,
    ) -> Result<Option<Self>, Overflow> {
        let mut less = self.clone();
        let is_its = |counter: &&mut RewardCounter| counter.reward == *reward && period.joins(counter.latest, day);
        let Some(counter) = less.counters.iter_mut().find(is_its) else { return Ok(None) };
        counter.used = counter.used.saturating_sub(1);
        (less.entry, less.version) = (entry, self.version.checked_add(1).ok_or(Overflow)?);
        Ok(Some(less))
    }
}
