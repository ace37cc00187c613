//! Rewards, redeemed once more.
//!
//! What was asked for is asked again: at the draft's price, within its limits. An account that has too few points for
//! it there, or finds no such reward, goes without, and so does whatever became of it. Stock over all accounts is
//! there as it was: what was had could be had.

use super::replay::{Replay, add_one};
use crate::discount::Discount;
use crate::id::RuleId;
use crate::idempotency::CommandKey;
use crate::ledger::{Change, Entry, RewardChange};
use crate::money::Overflow;
use crate::perks::PerkUses;
use crate::rewards::{
    self, CancelDocument, CancelState, Given, RedeemDocument, RedeemState, RewardRedemption, RewardUses,
};
use std::collections::BTreeMap;

/// What an account had for its points, as far as a replay has come.
#[derive(Default)]
pub(super) struct Redeemed {
    /// By the sequence of the stored entry.
    pub redemptions: BTreeMap<u64, RewardRedemption>,
    pub uses: Option<RewardUses>,
    /// Those that were bought: no use is replayed, so that all of them are left.
    pub perk_uses: Option<PerkUses>,
}

impl Replay<'_> {
    /// Redeems points for a reward.
    pub fn redeem(&mut self, entry: &Entry, reward: &RuleId) -> Result<(), Overflow> {
        self.number(entry);
        let state = RedeemState {
            account: self.account.clone(),
            uses: self.redeemed.uses.clone(),
            perk_uses: self.redeemed.perk_uses.clone(),
            stock: None,
        };
        let document = RedeemDocument { reward: reward.clone(), reference: None };
        // Its record is not kept here, so that any key is as good.
        let decided = rewards::redeem(&state, &document, &CommandKey::opening(), &self.context(entry));
        if self.apply(decided)?.is_none() {
            add_one(&mut self.left_out.redemptions_refused);
        }
        Ok(())
    }

    /// Cancels a redemption.
    pub fn cancel(&mut self, entry: &Entry, redemption: u64) -> Result<(), Overflow> {
        self.number(entry);
        let Some(redemption) = self.redeemed.redemptions.get(&redemption).cloned() else {
            add_one(&mut self.left_out.redemptions_refused);
            return Ok(());
        };
        let state = CancelState {
            account: self.account.clone(),
            uses: self.redeemed.uses.clone(),
            perk_uses: self.redeemed.perk_uses.clone(),
            discount: self.given(&redemption).cloned(),
            stock: None,
            redemption: Some(redemption),
        };
        let stated = entry.changes.iter().find_map(|change| match change {
            Change::Reward(RewardChange::Cancelled { reason, .. }) => Some(reason.clone()),
            _ => None,
        });
        let document = CancelDocument { reason: stated.unwrap_or_default() };
        let decided = rewards::cancel(&state, &document, &self.context(entry));
        if self.apply(decided)?.is_none() {
            add_one(&mut self.left_out.redemptions_refused);
        }
        Ok(())
    }

    /// A redemption is known by the sequence of its entry, and so is the discount that it brings: it has the same here.
    fn number(&mut self, entry: &Entry) {
        let account = self.account.iter_mut();
        account.for_each(|account| account.version = entry.sequence.saturating_sub(1));
    }

    fn given(&self, redemption: &RewardRedemption) -> Option<&Discount> {
        let Given::Discount { code, .. } = &redemption.given else { return None };
        self.discounts.iter().find(|discount| discount.code == *code)
    }
}
