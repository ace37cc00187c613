//! An account's months and totals, counted again from its orders as they are now.

use super::OrderFacts;
use domain::account::Account;
use domain::activity::{Activity, Counted, Lifetime, MonthActivity, Purchase};
use domain::id::OrderKey;
use domain::ledger::{AccountChange, Change, Entry, TierChange};
use domain::money::Overflow;
use domain::qualification;
use domain::returns;
use domain::schedule::Schedule;
use domain::score::ScoredOrder;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;

/// What an order counts for in its account, less what came back of it.
pub(super) struct Share {
    purchase: Purchase,
    is_late: bool,
}

impl Share {
    /// `None`: the program version that it was scored under is not there.
    pub(super) fn of(scored: &ScoredOrder, schedule: &Schedule) -> Option<Result<Self, Overflow>> {
        let program = &schedule.version(scored.score.program_version)?.program;
        let count = || {
            let kept = returns::totals(scored, program)?;
            let placed_at = scored.order.placed_at;
            let purchase = Purchase {
                month: program.calendar.month(placed_at),
                day_of_month: program.calendar.day_of_month(placed_at),
                units: scored.units_kept(),
                revenue: kept.total,
                eligible: kept.eligible,
                earned: scored.history.tally.earned,
                discounts_used: scored.discounts_counted(),
                discount_value: scored.discount_value(&kept, program)?,
                aside: qualification::aside(scored, program)?,
            };
            Ok(Self { purchase, is_late: scored.score.beyond_kept_months })
        };
        Some(count())
    }
}

/// Compares months and totals with what the account's orders come to. Where one of them has changed since the account
/// was read, or has no record, which is a finding of its own, there is nothing to compare.
pub(super) fn check<'a>(
    account: &Account,
    entries: &[&Entry],
    placed: impl Iterator<Item = &'a OrderKey>,
    orders: &HashMap<OrderKey, OrderFacts>,
    found: &mut Vec<String>,
) {
    let mut shares = Vec::new();
    for key in placed {
        let Some(order) = orders.get(key).filter(|order| order.account_id == account.id) else { return };
        if order.touched_in > account.version {
            return;
        }
        match &order.share {
            Some(Ok(share)) => shares.push(share),
            Some(Err(overflow)) => return found.push(format!("order {key}: {overflow}")),
            None => return found.push(format!("order {key}: its program version is not there")),
        }
    }
    let (mut activity, mut lifetime) = (Activity::default(), Lifetime::default());
    if let Err(overflow) = count(&mut shares, &mut activity, &mut lifetime) {
        return found.push(format!("its orders: {overflow}"));
    }
    compare_months(account.activity.months(), activity.months(), found);
    compare_totals(account, entries, &lifetime, found);
}

/// Counts the orders as if they had come in the sequence of their months. Those that came too late for theirs are not
/// among the months; every other was, while it was new.
fn count(shares: &mut [&Share], activity: &mut Activity, lifetime: &mut Lifetime) -> Result<(), Overflow> {
    shares.sort_by_key(|share| share.purchase.month);
    for Share { purchase, is_late } in shares {
        let counted = if *is_late { Counted::BeyondKeptMonths } else { activity.add(purchase)? };
        lifetime.add(purchase, counted)?;
    }
    Ok(())
}

fn compare_months(stored: &[MonthActivity], counted: &[MonthActivity], found: &mut Vec<String>) {
    let months: BTreeSet<_> = stored.iter().chain(counted).map(|month| month.month).collect();
    for month in months {
        let of = |months: &[MonthActivity]| months.iter().find(|one| one.month == month).copied();
        let (Some(stored), Some(counted)) = (of(stored), of(counted)) else {
            let is = if of(stored).is_some() { "is kept and has no order" } else { "has orders and is not kept" };
            found.push(format!("{month} {is}"));
            continue;
        };
        let mut compare = |name: &str, stored: &dyn Display, counted: &dyn Display| {
            let (stored, counted) = (stored.to_string(), counted.to_string());
            if stored != counted {
                found.push(format!("{name} of {month}: {stored} stored, {counted} by its orders"));
            }
        };
        compare("orders", &stored.orders, &counted.orders);
        compare("units", &stored.units, &counted.units);
        compare("revenue", &stored.revenue, &counted.revenue);
        compare("eligible revenue", &stored.eligible, &counted.eligible);
        let days = |month: &MonthActivity| format!("{:031b}", month.purchase_days);
        compare("purchase days, the last first,", &days(&stored), &days(&counted));
        compare("points earned", &stored.earned, &counted.earned);
        compare("discounts used", &stored.discounts_used, &counted.discounts_used);
        compare("discount value", &stored.discount_value, &counted.discount_value);
        compare("units that count for no tier", &stored.aside.units, &counted.aside.units);
        compare("points that count for no tier", &stored.aside.points, &counted.aside.points);
    }
}

fn compare_totals(account: &Account, entries: &[&Entry], counted: &Lifetime, found: &mut Vec<String>) {
    let stored = &account.lifetime;
    let changes = || entries.iter().flat_map(|entry| &entry.changes);
    let past = changes().find_map(|change| match change {
        Change::Account(AccountChange::Opened { past, .. }) => Some(*past),
        _ => None,
    });
    let (past_units, past_revenue, past_eligible) =
        past.map_or((0, 0, 0), |past| (past.units, past.revenue.amount.0, past.eligible_spend.amount.0));
    for (name, stored, counted, past) in [
        ("units", i128::from(stored.units), i128::from(counted.units), i128::from(past_units)),
        ("revenue", stored.revenue.0.into(), counted.revenue.0.into(), past_revenue.into()),
        ("eligible revenue", stored.eligible.0.into(), counted.eligible.0.into(), past_eligible.into()),
        ("discount value", stored.discount_value.0.into(), counted.discount_value.0.into(), 0),
        ("units that count for no tier", stored.aside.units.into(), counted.aside.units.into(), 0),
        ("points that count for no tier", stored.aside.points.0.into(), counted.aside.points.0.into(), 0),
    ] {
        let counted = counted.saturating_add(past);
        if stored != counted {
            found.push(format!("lifetime {name}: {stored} stored, {counted} by its orders"));
        }
    }
    // Orders of before are a day each at most. So are those of months that were dropped before days were counted.
    let dropped = counted.orders.saturating_sub(account.activity.orders());
    let most = account.activity.purchase_days().saturating_add(dropped);
    let most = most.saturating_add(past.map_or(0, |past| past.orders));
    if !(counted.purchase_days..=most).contains(&stored.purchase_days) {
        let (days, least) = (stored.purchase_days, counted.purchase_days);
        let counted = if least == most { least.to_string() } else { format!("{least} to {most}") };
        found.push(format!("lifetime purchase days: {days} stored, {counted} by its orders"));
    }
    // Of before they were counted, entries tell of more.
    let lowered = changes().filter(|change| matches!(change, Change::Tier(TierChange::Lowered { .. }))).count();
    if stored.downgrades > u64::try_from(lowered).unwrap_or(u64::MAX) {
        found.push(format!("lifetime downgrades: {} stored, {lowered} by its entries", stored.downgrades));
    }
}
