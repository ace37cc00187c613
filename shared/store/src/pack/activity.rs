//! What an account did, packed: the months of activity, and the totals over the whole relationship.

use super::bytes::{DENSE, PLAIN, Reader, Unpacked, Writer};
use domain::activity::{Activity, Aside, Lifetime, MonthActivity};
use domain::money::{Minor, Points};
use domain::time::Month;

// What a month starts with: which of its figures are not what they are as a rule and so are stated, and above these
// bits how many discounts it used.
/// It is not the month after the one before.
const GAP: u64 = 1;
/// Not all of its revenue is eligible.
const INELIGIBLE: u64 = 2;
/// It has not as many orders as days with one.
const ORDERS: u64 = 4;
/// Discounts took something off.
const DISCOUNT_VALUE: u64 = 8;
const USED_SHIFT: u32 = 4;
/// So many discounts or more are stated by themselves, so that the rest fits one byte.
const USED_STATED: u64 = 7;
/// Above them: some of its units or points count for no tier. Only programs that go by these have that.
const ASIDE: u64 = 128;

/// Packs the months of activity.
pub fn pack_activity(activity: &Activity) -> Vec<u8> {
    let mut out = Writer::of(DENSE);
    out.count(activity.months().len());
    let mut before = 0;
    for month in activity.months() {
        pack_month(&mut out, before, month);
        before = month.month.0;
    }
    out.0
}

fn pack_month(out: &mut Writer, before: i32, month: &MonthActivity) {
    let step = month.month.0.wrapping_sub(before);
    let ineligible = month.eligible.0.wrapping_sub(month.revenue.0);
    let days = u64::from(month.purchase_days);
    let parts = [
        (step != 1, GAP),
        (ineligible != 0, INELIGIBLE),
        (month.orders != u64::from(month.purchase_days.count_ones()), ORDERS),
        (month.discount_value != Minor::ZERO, DISCOUNT_VALUE),
        (month.aside != Aside::NONE, ASIDE),
    ];
    let flags = parts.iter().filter(|(is, _)| *is).fold(0, |flags, (_, flag)| flags | flag);
    let used = month.discounts_used.min(USED_STATED);
    out.number(flags | used.wrapping_shl(USED_SHIFT));
    if flags & GAP != 0 {
        out.signed(step.into());
    }
    if flags & ORDERS != 0 {
        out.number(month.orders);
    }
    out.number(month.units);
    out.signed(month.revenue.0);
    if flags & INELIGIBLE != 0 {
        out.signed(ineligible);
    }
    out.number(days);
    out.signed(month.earned.0);
    if used == USED_STATED {
        out.number(month.discounts_used);
    }
    if flags & DISCOUNT_VALUE != 0 {
        out.signed(month.discount_value.0);
    }
    if flags & ASIDE != 0 {
        pack_aside(out, month.aside);
    }
}

fn pack_aside(out: &mut Writer, aside: Aside) {
    out.number(aside.units);
    out.signed(aside.points.0);
}

fn aside(input: &mut Reader<'_>) -> Unpacked<Aside> {
    Ok(Aside { units: input.number()?, points: Points(input.signed()?) })
}

/// Reads the months of activity.
pub fn activity(bytes: &[u8]) -> Unpacked<Activity> {
    let (format, mut input) = Reader::start_of(bytes)?;
    let read = if format == PLAIN { first_month } else { month };
    let mut before = 0_i32;
    let months = input.list(|input| {
        let month = read(input, before)?;
        before = month.month.0;
        Ok(month)
    })?;
    input.end()?;
    Ok(Activity::of(months))
}

fn stepped(before: i32, step: i64) -> Unpacked<Month> {
    let step = i32::try_from(step).map_err(|_| "month too large")?;
    before.checked_add(step).map(Month).ok_or("month too large")
}

fn month(input: &mut Reader<'_>, before: i32) -> Unpacked<MonthActivity> {
    let first = input.number()?;
    let has = |flag: u64| first & flag != 0;
    let used = (first & !ASIDE).wrapping_shr(USED_SHIFT);
    let month = stepped(before, if has(GAP) { input.signed()? } else { 1 })?;
    let orders = if has(ORDERS) { Some(input.number()?) } else { None };
    let (units, revenue) = (input.number()?, input.signed()?);
    let ineligible = if has(INELIGIBLE) { input.signed()? } else { 0 };
    let purchase_days = u32::try_from(input.number()?).map_err(|_| "more than 32 days")?;
    let earned = Points(input.signed()?);
    let discounts_used = match used {
        USED_STATED => input.number()?,
        fewer @ 0..USED_STATED => fewer,
        _ => return Err("unknown figures"),
    };
    Ok(MonthActivity {
        month,
        orders: orders.unwrap_or(purchase_days.count_ones().into()),
        units,
        revenue: Minor(revenue),
        eligible: Minor(ineligible.wrapping_add(revenue)),
        purchase_days,
        earned,
        discounts_used,
        discount_value: Minor(if has(DISCOUNT_VALUE) { input.signed()? } else { 0 }),
        aside: if has(ASIDE) { aside(input)? } else { Aside::NONE },
    })
}

/// A month as it was written before discounts were counted.
fn first_month(input: &mut Reader<'_>, before: i32) -> Unpacked<MonthActivity> {
    let month = stepped(before, input.signed()?)?;
    let (orders, units, revenue) = (input.number()?, input.number()?, input.signed()?);
    Ok(MonthActivity {
        month,
        orders,
        units,
        revenue: Minor(revenue),
        eligible: Minor(input.signed()?.wrapping_add(revenue)),
        purchase_days: u32::try_from(input.number()?).map_err(|_| "more than 32 days")?,
        earned: Points(input.signed()?),
        discounts_used: 0,
        discount_value: Minor::ZERO,
        aside: Aside::NONE,
    })
}

/// Packs the lifetime totals. New totals are added at the end.
pub fn pack_lifetime(lifetime: &Lifetime) -> Vec<u8> {
    let mut out = Writer::start();
    out.number(lifetime.orders);
    out.number(lifetime.units);
    for amount in [lifetime.revenue.0, lifetime.eligible.0, lifetime.earned.0, lifetime.expired.0] {
        out.signed(amount);
    }
    for count in [lifetime.discounts_issued, lifetime.discounts_used, lifetime.upgrades] {
        out.number(count);
    }
    out.signed(lifetime.reversed.0);
    out.signed(lifetime.unrecovered.0);
    out.number(lifetime.returned_units);
    out.signed(lifetime.credited.0);
    out.signed(lifetime.deducted.0);
    out.number(lifetime.unmatched_units);
    out.signed(lifetime.gone_before.0);
    out.number(lifetime.purchase_days);
    out.number(lifetime.downgrades);
    out.signed(lifetime.discount_value.0);
    if lifetime.aside != Aside::NONE {
        pack_aside(&mut out, lifetime.aside);
    }
    out.0
}

/// Reads the lifetime totals of an account with these months of activity.
pub fn lifetime(bytes: &[u8], activity: &Activity) -> Unpacked<Lifetime> {
    let mut input = Reader::start(bytes)?;
    let mut lifetime = Lifetime {
        orders: input.number()?,
        units: input.number()?,
        revenue: Minor(input.signed()?),
        eligible: Minor(input.signed()?),
        earned: Points(input.signed()?),
        expired: Points(input.signed()?),
        discounts_issued: input.number()?,
        discounts_used: input.number()?,
        upgrades: input.number()?,
        ..Lifetime::default()
    };
    // Totals that later shapes added: an item of an earlier one ends here.
    if !input.0.is_empty() {
        lifetime.reversed = Points(input.signed()?);
        lifetime.unrecovered = Points(input.signed()?);
        lifetime.returned_units = input.number()?;
        lifetime.credited = Points(input.signed()?);
        lifetime.deducted = Points(input.signed()?);
    }
    if !input.0.is_empty() {
        lifetime.unmatched_units = input.number()?;
    }
    if !input.0.is_empty() {
        lifetime.gone_before = Points(input.signed()?);
    }
    if input.0.is_empty() {
        // Days were not counted yet: those of the months kept are known, and an order older than that is a day.
        let older = lifetime.orders.saturating_sub(activity.orders());
        lifetime.purchase_days = activity.purchase_days().saturating_add(older);
    } else {
        lifetime.purchase_days = input.number()?;
        lifetime.downgrades = input.number()?;
        lifetime.discount_value = Minor(input.signed()?);
    }
    if !input.0.is_empty() {
        lifetime.aside = aside(&mut input)?;
    }
    input.end()?;
    Ok(lifetime)
}
