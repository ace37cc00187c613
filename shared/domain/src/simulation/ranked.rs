//! Who gains most and who loses most.

use super::Compared;
use super::report::{Group, Worth, cost};
use crate::id::{AccountId, TierId};
use crate::money::{Minor, Overflow, Points};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Most accounts that are listed as gaining most, and as losing most.
pub const RANKED_MAX: usize = 20;

/// One account among those that gain or lose most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    /// Which.
    pub account_id: AccountId,
    /// Points that it has more.
    pub points: Points,
    /// What discounts take off more.
    pub discount_value: Minor,
    /// Both in money, where both versions say what a point costs.
    pub value: Option<Minor>,
    /// Its tier under the versions that were in force.
    pub tier_in_force: Option<TierId>,
    /// Its tier under the draft.
    pub tier_draft: Option<TierId>,
}

impl Ranked {
    /// What an account gains or loses.
    pub(super) fn of(compared: &Compared, group: &Group, worth: Worth) -> Result<Self, Overflow> {
        let (before, after) = (&group.in_force, &group.draft);
        let costs = cost(&before.figures, worth.in_force)?.zip(cost(&after.figures, worth.draft)?);
        Ok(Self {
            account_id: compared.account_id.clone(),
            points: after.outstanding.minus(before.outstanding)?,
            discount_value: after.figures.discount_value.minus(before.figures.discount_value)?,
            value: costs.map(|(before, after)| after.minus(before)).transpose()?,
            tier_in_force: compared.in_force.outcome.tier.clone(),
            tier_draft: compared.draft.outcome.tier.clone(),
        })
    }

    /// What it gains: money where that is known, points otherwise.
    pub(super) fn gain(&self) -> i64 {
        self.value.map_or(self.points.0, |value| value.0)
    }
}

/// Lists more accounts among those that gain most; of equals those with the smaller ids.
pub(super) fn list_gains(listed: &mut Vec<Ranked>, more: &[Ranked]) {
    merge(listed, more, RANKED_MAX, |one, other| {
        (Reverse(one.gain()), &one.account_id).cmp(&(Reverse(other.gain()), &other.account_id))
    });
}

/// The same of those that lose most.
pub(super) fn list_losses(listed: &mut Vec<Ranked>, more: &[Ranked]) {
    merge(listed, more, RANKED_MAX, |one, other| (one.gain(), &one.account_id).cmp(&(other.gain(), &other.account_id)));
}

/// Lists more values among the first of an order. What falls off the end of a part would fall off that of the whole.
pub(super) fn merge<T: Clone>(
    listed: &mut Vec<T>,
    more: &[T],
    most: usize,
    order: impl Fn(&T, &T) -> std::cmp::Ordering,
) {
    if !more.is_empty() {
        listed.extend_from_slice(more);
        listed.sort_by(order);
        listed.truncate(most);
    }
}
