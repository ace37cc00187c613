//! What accounts redeemed points for.

use crate::keys;
use crate::page::Listed;
use crate::read::Consistency;
use crate::{Fault, Store};
use domain::id::AccountId;
use domain::rewards::{RewardRedemption, RewardUses};

/// Redemptions of an account, a page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewardRedemptionsPage {
    /// The redemptions, the newest first.
    pub redemptions: Vec<RewardRedemption>,
    /// Whether older ones exist.
    pub more: bool,
}

impl Store {
    /// How often an account had the rewards that are limited; `None`: it never had one of these. 0.5 read units, or 1
    /// strong.
    pub async fn reward_uses(&self, id: &AccountId, consistency: Consistency) -> Result<Option<RewardUses>, Fault> {
        self.ledger_record(keys::reward_uses(id), consistency).await
    }

    /// What an account redeemed points for by an entry. 0.5 read units per started KB, or 1 strong.
    pub async fn reward_redemption(
        &self,
        id: &AccountId,
        entry: u64,
        consistency: Consistency,
    ) -> Result<Option<RewardRedemption>, Fault> {
        self.ledger_record(keys::reward_redemption(id, entry), consistency).await
    }

    /// What an account redeemed points for before one of its entries (all, where `None`), newest first, at most
    /// `limit`, read strongly.
    pub async fn reward_redemptions(
        &self,
        id: &AccountId,
        before: Option<u64>,
        limit: u16,
    ) -> Result<RewardRedemptionsPage, Fault> {
        let before = before.map(|entry| keys::reward_redemption(id, entry));
        let (redemptions, more) =
            self.page_back(Listed::Ledger, keys::reward_redemptions_of(id), before, limit).await?;
        Ok(RewardRedemptionsPage { redemptions, more })
    }
}
