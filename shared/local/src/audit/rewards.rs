//! What an account redeemed its points for: the records against the entries that they come from.

use super::account::{order_of, placed_in};
use domain::account::Account;
use domain::id::OrderKey;
use domain::ledger::{Cause, Change, Entry, PointsChange, RewardChange};
use domain::money::{Overflow, Points};
use domain::rewards::{RewardRedemption, RewardUses};
use domain::schedule::Schedule;
use domain::time::Month;
use std::collections::BTreeMap;

/// Redemptions by the sequence of their entry, and what is counted of them.
#[derive(Default)]
pub(super) struct Redeemed<'a> {
    pub redemptions: BTreeMap<u64, &'a RewardRedemption>,
    pub uses: Option<&'a RewardUses>,
}

/// Checks what is stored by the entries up to the account's version. What came of it later is left alone.
pub(super) fn check(
    account: &Account,
    entries: &[&Entry],
    stored: &Redeemed<'_>,
    schedule: &Schedule,
    found: &mut Vec<String>,
) {
    for (id, redemption) in stored.redemptions.iter().filter(|(id, _)| **id <= account.version) {
        let is_its = |entry: &&&Entry| entry.sequence == *id && matches!(entry.cause, Cause::RewardRedeemed { .. });
        match entries.iter().find(is_its) {
            None => found.push(format!("no entry is for redemption {id}")),
            Some(entry) if spent(entry) != Ok(redemption.points) => {
                found.push(format!("redemption {id} cost {}, which its entry does not say", redemption.points));
            }
            Some(_) => {}
        }
        if Points::sum(redemption.spent.iter().map(|part| part.points)) != Ok(redemption.points) {
            found.push(format!("redemption {id} cost {}, which its lots do not come to", redemption.points));
        }
        let cancelled = redemption.cancelled.as_ref().map(|receipt| receipt.entry);
        let told = entries.iter().find_map(|entry| (cancelled_by(entry) == Some(*id)).then_some(entry.sequence));
        if cancelled.filter(|entry| *entry <= account.version) != told {
            found.push(format!("redemption {id}: its record and the entries differ on its cancellation"));
        }
    }
    for entry in entries {
        let is_redeemed = matches!(entry.cause, Cause::RewardRedeemed { .. });
        if is_redeemed && !stored.redemptions.contains_key(&entry.sequence) {
            found.push(format!("redemption {} has no record", entry.sequence));
        }
        let is_beyond = |change: &Change| match change {
            Change::Reward(RewardChange::Redeemed { uses: Some(uses), .. }) => uses.used > uses.count,
            _ => false,
        };
        if entry.changes.iter().any(is_beyond) {
            found.push(format!("entry {} redeems a reward more often than may be", entry.sequence));
        }
    }
    check_counts(account, entries, stored.uses, found);
    check_months(account, entries, stored, schedule, found);
}

fn spent(entry: &Entry) -> Result<Points, Overflow> {
    Points::sum(entry.changes.iter().filter_map(|change| match change {
        Change::Points(PointsChange::Spent { points }) => Some(*points),
        _ => None,
    }))
}

fn cancelled_by(entry: &Entry) -> Option<u64> {
    match entry.cause {
        Cause::RewardCancelled { redemption } => Some(redemption),
        _ => None,
    }
}

/// How often a reward was had is what the newest entry of it says.
fn check_counts(account: &Account, entries: &[&Entry], uses: Option<&RewardUses>, found: &mut Vec<String>) {
    let counted = |entry: &&Entry, reward: Option<&str>| {
        entry.changes.iter().find_map(|change| match change {
            Change::Reward(
                RewardChange::Redeemed { reward: own, uses: Some(uses) }
                | RewardChange::Cancelled { reward: own, uses: Some(uses), .. },
            ) if reward.is_none_or(|reward| reward == own.as_str()) => Some(uses.used),
            _ => None,
        })
    };
    let Some(record) = uses else {
        let first = entries.iter().find(|entry| counted(entry, None).is_some());
        found.extend(first.map(|entry| format!("entry {} counts a reward, and no count is kept", entry.sequence)));
        return;
    };
    if record.entry > account.version {
        return;
    }
    for counter in &record.counters {
        let told = entries.iter().rev().find_map(|entry| counted(entry, Some(counter.reward.as_str())));
        if told != Some(counter.used) {
            let (reward, used) = (&counter.reward, counter.used);
            found.push(format!("reward {reward} is counted as had {used} times, which its newest entry does not say"));
        }
    }
}

/// Each month that is kept has what was spent in it and not given back. What an order spends is of the month that it was
/// first decided in, however often it is stated anew, and leaves that where it comes back.
fn check_months(
    account: &Account,
    entries: &[&Entry],
    stored: &Redeemed<'_>,
    schedule: &Schedule,
    found: &mut Vec<String>,
) {
    let placed = entries.iter().filter_map(|entry| Some((placed_in(entry)?, *entry)));
    let placed: BTreeMap<&OrderKey, &Entry> = placed.collect();
    let mut months: BTreeMap<Month, i128> = BTreeMap::new();
    for entry in entries {
        let decided = order_of(entry).and_then(|order| placed.get(order)).unwrap_or(entry);
        let Some(version) = schedule.version(decided.program_version) else { continue };
        let own = version.program.calendar.month(decided.at);
        for change in &entry.changes {
            let (month, points) = match (change, &entry.cause) {
                (Change::Points(PointsChange::Spent { points }), _) => (own, i128::from(points.0)),
                (Change::Points(PointsChange::Restored { points }), Cause::RewardCancelled { redemption }) => {
                    let Some(redemption) = stored.redemptions.get(redemption) else { continue };
                    (Month(redemption.month), i128::from(points.0).saturating_neg())
                }
                (Change::Points(PointsChange::Restored { points }), _) => (own, i128::from(points.0).saturating_neg()),
                _ => continue,
            };
            let sum = months.entry(month).or_default();
            *sum = sum.saturating_add(points);
        }
    }
    for kept in account.spending.months() {
        let counted = months.get(&kept.month).copied().unwrap_or(0);
        if i128::from(kept.points.0) != counted {
            found.push(format!("points spent in {}: {} stored, {counted} by its entries", kept.month, kept.points));
        }
    }
    // Months from the first that is kept on are all there.
    let first = account.spending.months().first().map(|first| first.month);
    let is_kept = |month: &Month| account.spending.months().iter().any(|kept| kept.month == *month);
    for (month, points) in
        months.iter().filter(|(month, points)| first.is_some_and(|first| **month > first) && **points != 0)
    {
        if !is_kept(month) {
            found.push(format!("points spent in {month}: none stored, {points} by its entries"));
        }
    }
}
