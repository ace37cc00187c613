//! Which tier an account has reached.

pub(crate) mod entry;
pub(crate) mod seniority;

use crate::account::Account;
use crate::ledger::{Change, TierChange};
use crate::money::{Measure, Overflow};
use crate::program::{Program, Tier, Tiers, Upgrade};
use crate::qualification::{self, Measured, Metric};
use crate::time::{Instant, Month};

pub use crate::qualification::qualifying;
pub use entry::OwedDiscount;

/// The highest tier whose threshold the figure reaches (at or above).
pub fn reached(tiers: &Tiers, qualifying: Measure) -> &Tier {
    let is_reached = |tier: &&Tier| tier.threshold.is_some_and(|threshold| threshold <= qualifying);
    tiers.levels.iter().rev().find(is_reached).unwrap_or(&tiers.levels.lowest)
}

/// A tier to come, and what leads there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next<'a> {
    /// Which tier.
    pub tier: &'a Tier,
    /// At which figure it is reached.
    pub threshold: Measure,
    /// What is missing to it.
    pub missing: Measure,
}

/// The next tier above the one held that a figure leads to, and what is missing.
pub fn next<'a>(tiers: &'a Tiers, held: &Tier, qualifying: Measure) -> Result<Option<Next<'a>>, Overflow> {
    let above = tiers.levels.iter().skip(tiers.place(&held.id).saturating_add(1));
    let Some((tier, threshold)) = above.filter_map(|tier| Some((tier, tier.threshold?))).next() else {
        return Ok(None);
    };
    Ok(Some(Next { tier, threshold, missing: threshold.minus(qualifying)?.max(Measure::ZERO) }))
}

/// The most that qualifies in a window of `month` or of a later month of the account: what an order of that month leads
/// to, in whatever sequence orders come. Windows that ended before the latest review were judged by it: a late order
/// does not bring a tier back that was lost there. `came_back` is what was returned of that order, which lowers no tier.
pub(crate) fn highest(
    program: &Program,
    account: &Account,
    month: Month,
    came_back: Measure,
) -> Result<Measure, Overflow> {
    let reviewed = account.reviewed.map(|review| program.calendar.month(review.at.plus_ms(-1)));
    let first = reviewed.map_or(month, |reviewed| reviewed.max(month));
    let later = account.activity.months().iter().map(|kept| kept.month).filter(|kept| *kept > first);
    let joined = qualification::joined(program, account);
    let mut highest = Measure::ZERO;
    for last in std::iter::once(first).chain(later) {
        let figure = qualifying(program, account, last)?;
        let window = program.tiers.window.months(last, joined);
        let counts = window.is_none_or(|window| window.contains(&month));
        highest = highest.max(if counts { figure.plus(came_back)? } else { figure });
    }
    Ok(highest)
}

impl Tiers {
    /// Whether an order raises the tier of its account by what it adds to the figure.
    pub(crate) fn rise_with_orders(&self) -> bool {
        self.upgrade == Upgrade::AtOnce && self.metric != Metric::MembershipMonths
    }
}

/// Raises the account's tier to what an order has led to; an order never lowers one.
pub(crate) fn raise(account: &mut Account, tiers: &Tiers, qualifying: Measured, now: Instant) -> Option<Change> {
    let target = reached(tiers, qualifying.amount());
    let is_higher = tiers.knows(&account.tier) && tiers.place(&target.id) > tiers.place(&account.tier);
    if !is_higher || !tiers.rise_with_orders() || account.invitation.is_some() {
        return None;
    }
    Some(enter(account, target, qualifying, now))
}

/// Takes a higher tier on.
pub(crate) fn enter(account: &mut Account, tier: &Tier, qualifying: Measured, now: Instant) -> Change {
    let from = account.tier.clone();
    account.reach_tier(tier.id.clone(), now);
    account.lifetime.upgrades = account.lifetime.upgrades.saturating_add(1);
    Change::Tier(TierChange::Changed { from, to: tier.id.clone(), qualifying, reviewed_at: None })
}
