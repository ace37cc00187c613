//! What the models, the segmentation and the lists are made of, person by person.

use crate::Terms;
use crate::brute::{Bought, Person, TOLD};
use crate::calendar::first_day;
use analytics::bg_nbd::{BgNbd, Parameters};
use analytics::calibration::Trial;
use analytics::histogram::Histogram;
use analytics::history::History;
use analytics::night::{Band, Segmented};
use analytics::rollup::{Candidate, Lists, Mover, Near, Recent, TICKS_PER_WEEK, Totals, at_stake};
use analytics::rollup::{Cohorts, Standing};
use analytics::spend::Spend;
use domain::account::Status;
use domain::qualification::Metric;
use domain::referral::State;
use domain::time::Month;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// How one group stands: totals, points by the month of their end, revenue of each customer.
pub fn standing<'a>(people: impl Iterator<Item = &'a Person>) -> (Totals, BTreeMap<i32, i128>, Vec<i64>) {
    let (mut sum, mut expiring, mut revenues) = (Totals::default(), BTreeMap::<i32, i128>::new(), Vec::new());
    for person in people {
        let (one, is) = (totals(person), |status| u64::from(person.status == status));
        assert_eq!(one.imbalance(), 0, "the books of {} balance", person.id);
        sum.add(&Totals {
            accounts: 1,
            active: is(Status::Active),
            suspended: is(Status::Suspended),
            closed: is(Status::Closed),
            pending: is(Status::Pending),
            ..one
        })
        .unwrap();
        for (month, points) in person.wallet.expiring() {
            *expiring.entry(month).or_default() += points;
        }
        if !person.bought.is_empty() {
            revenues.push(i64::try_from(person.lifetime_revenue()).unwrap());
        }
    }
    revenues.sort_unstable();
    (sum, expiring, revenues)
}

fn totals(person: &Person) -> Totals {
    let (wallet, came) = (&person.wallet, person.referral);
    let count = |is: &[State], waits: bool| u64::from(came.is_some_and(|(state, w)| is.contains(&state) && w == waits));
    Totals {
        customers: u64::from(!person.bought.is_empty()),
        points_available: wallet.available().into(),
        points_waiting: wallet.waits().into(),
        points_owed: wallet.debt.into(),
        points_earned: person.bought.iter().map(|one| one.earned).sum(),
        points_credited: wallet.credited.into(),
        points_expired: wallet.expired.into(),
        points_reversed: wallet.reversed.into(),
        points_deducted: wallet.deducted.into(),
        points_unrecovered: wallet.unrecovered.into(),
        tier_upgrades: person.upgrades,
        tier_downgrades: person.lowered,
        discounts_issued: person.discounts_issued,
        discounts_used: person.bought.iter().map(|one| one.codes).sum(),
        discount_value: taken_off(person),
        discounts_open: person.discounts_open,
        referrers: person.has_code.into(),
        referred: came.is_some().into(),
        referred_under_review: count(&[State::Redeemed], true),
        referred_open: count(&[State::Redeemed], false),
        referred_qualified: count(&[State::Qualified], false),
        referred_rewarded: count(&[State::Rewarded], false),
        referred_over: count(&[State::Rejected, State::Expired, State::Revoked], false),
        ..Totals::default()
    }
}

fn taken_off(person: &Person) -> i128 {
    let sum = person.bought.iter().map(|one| one.taken_off).sum();
    if crate::DISCOUNTS_BY_MONTH { sum } else { 0 }
}

/// Compares a standing with what was added up.
pub fn same(standing: &Standing, brute: &(Totals, BTreeMap<i32, i128>, Vec<i64>)) -> Result<(), String> {
    let (totals, expiring, revenues) = brute;
    let by_month: BTreeMap<_, _> = standing.expiring.iter().map(|(month, points)| (month.0, *points)).collect();
    let lifetime = &standing.lifetime_revenue;
    let bounds = revenues.first().copied().zip(revenues.last().copied());
    let told = (lifetime.total(), lifetime.sum(), lifetime.bounds());
    let sum = revenues.iter().map(|one| i128::from(*one)).sum::<i128>();
    let differs = [
        standing.totals != *totals,
        by_month != *expiring,
        told != (revenues.len() as u64, sum, bounds),
        totals.points_available + totals.points_waiting != expiring.values().sum::<i128>(),
    ];
    if differs.contains(&true) {
        return Err(format!("{differs:?}: {standing:?} instead of {brute:?}"));
    }
    Ok(())
}

/// Who stays, by the month of the first order.
pub fn cohorts(people: &[Person], last: i32) -> Cohorts {
    let mut cohorts = Cohorts::default();
    for person in people {
        let Some(first) = person.bought.iter().map(|one| one.month).min() else { continue };
        *cohorts.sizes.entry(Month(first)).or_default() += 1;
        for month in last - TOLD + 1..=last {
            let bought: Vec<_> = person.kept().filter(|one| one.month == month).collect();
            if bought.is_empty() {
                continue;
            }
            let since = u16::try_from(month - first).unwrap();
            let retained = cohorts.retained.entry((Month(first), since)).or_default();
            retained.customers += 1;
            retained.revenue += bought.iter().map(|one| one.revenue).sum::<i128>();
        }
    }
    cohorts
}

/// Days as whole weeks: to the nearest.
fn weeks(days: i32) -> u32 {
    (f64::from(days) / 7.0).round() as u32
}

/// A history of purchases on so many days.
fn history_of(days: usize, first: i32, last: i32, until: i32) -> History {
    let frequency = u32::try_from(days - 1).unwrap();
    let recency = if frequency == 0 { 0 } else { weeks(last - first) };
    History::new(frequency, recency, weeks(until - first)).unwrap()
}

/// The history of a person as of a day.
pub fn history(person: &Person, day: i32) -> Option<History> {
    let (first, last) = (person.first_day()?, person.last_day()?);
    Some(history_of(person.purchase_days(), first, last, day.max(last)))
}

/// What customers with each history spent in all.
pub fn customers<'a>(people: impl Iterator<Item = &'a Person>, day: i32) -> BTreeMap<History, (u64, u128)> {
    let mut cells = BTreeMap::<_, (u64, u128)>::new();
    for person in people {
        let Some(history) = history(person, day) else { continue };
        let cell = cells.entry(history).or_default();
        cell.0 += 1;
        cell.1 += u128::try_from(person.lifetime_revenue()).unwrap();
    }
    cells
}

pub fn spend(people: &[Person]) -> Spend {
    let mut spend = Spend::default();
    for person in people.iter().filter(|person| !person.bought.is_empty()) {
        let (days, revenue) = (person.purchase_days(), person.lifetime_revenue());
        if days < 2 {
            spend.leave_out(1).unwrap();
        } else {
            spend.record(u32::try_from(days).unwrap(), i64::try_from(revenue).unwrap()).unwrap();
        }
    }
    spend
}

/// Each person as it was at the end of the day 13 weeks before, and on how many days it has bought since; and how many
/// there are of whom that is not known.
pub fn trials(people: &[Person], day: i32) -> (Histogram<Trial>, u64) {
    let (cut, mut trials, mut unknown) = (day - 91, Histogram::default(), 0);
    for person in people.iter().filter(|person| person.first_day().is_some_and(|first| first <= cut)) {
        let first = person.first_day().unwrap();
        let days: BTreeSet<_> = person.kept().map(|one| one.day).collect();
        let actual = days.iter().filter(|one| **one > cut && **one <= day).count();
        let before = person.purchase_days() - days.iter().filter(|one| **one > cut).count();
        let last = days.into_iter().rfind(|day| *day <= cut);
        let ever = person.last_day().filter(|last| *last <= cut);
        // One purchase is the first and the last.
        match last.or((before == 1).then_some(first)).or(ever) {
            Some(last) => {
                let trial = Trial { history: history_of(before, first, last, cut), actual: actual as u32 };
                trials.record(trial, 1).unwrap();
            }
            None => unknown += 1,
        }
    }
    (trials, unknown)
}

/// What a person did in the months from `from` to `to`.
fn between(person: &Person, from: i32, to: i32) -> Vec<&Bought> {
    person.kept().filter(|one| (from..=to).contains(&one.month)).collect()
}

fn revenue(bought: &[&Bought]) -> i128 {
    bought.iter().map(|one| one.revenue).sum()
}

/// Customers of the trailing twelve months: weeks since the last order, orders, revenue.
fn recents(people: &[Person], day: i32, last: i32) -> Vec<(i32, u64, i128)> {
    let mut recents = Vec::new();
    for person in people {
        let year = between(person, last - 11, last);
        if !year.is_empty() {
            let since = (day - person.last_day().unwrap()).max(0) / 7;
            recents.push((since, year.len() as u64, revenue(&year)));
        }
    }
    recents
}

/// Eight steps for each doubling.
fn step(revenue: i128) -> u16 {
    let (mut rest, mut step) = (revenue.max(0), 0);
    while rest >= 256 {
        (rest, step) = (rest / 2, step + 8);
    }
    step + u16::try_from(rest / 16).unwrap()
}

pub fn recent_cells(people: &[Person], day: i32, last: i32) -> BTreeMap<Recent, (u64, u128)> {
    let mut cells = BTreeMap::<_, (u64, u128)>::new();
    for (weeks, orders, revenue) in recents(people, day, last) {
        let recency_weeks = u16::try_from(weeks).unwrap();
        let orders = u16::try_from(orders.min(1_000)).unwrap();
        let cell = cells.entry(Recent { recency_weeks, orders, revenue_step: step(revenue) }).or_default();
        *cell = (cell.0 + 1, cell.1 + u128::try_from(revenue).unwrap());
    }
    cells
}

/// The band of a value among all, 1 to 5: how many fifths of them are surely below it, and one more.
fn band<V: Ord + Copy>(all: &[V], value: V) -> usize {
    let starts = (1..=4).filter(|fifths| {
        let below = |than: V| all.iter().filter(|other| **other < than).count();
        all.iter().any(|start| *start <= value && below(*start) * 5 >= all.len() * fifths)
    });
    starts.count() + 1
}

/// Customers by what their bands make them.
pub fn segmented(people: &[Person], day: i32, last: i32) -> BTreeMap<Band, (u64, u128)> {
    let all = recents(people, day, last);
    let (weeks, orders): (Vec<_>, Vec<_>) = all.iter().map(|(weeks, orders, _)| (*weeks, *orders)).unzip();
    let steps: Vec<_> = all.iter().map(|(_, _, revenue)| step(*revenue)).collect();
    let mut segments = BTreeMap::<_, (u64, u128)>::new();
    for (since, times, revenue) in &all {
        let (r, f, m) = (6 - band(&weeks, *since), band(&orders, *times), band(&steps, step(*revenue)));
        let band = match (r, f) {
            _ if r >= 4 && f >= 4 => Band::Champions,
            _ if r >= 4 && f >= 2 => Band::Promising,
            _ if r >= 4 => Band::New,
            _ if r == 3 && f >= 4 => Band::Loyal,
            _ if r == 3 => Band::NeedsAttention,
            _ if f >= 4 && m == 5 => Band::CannotLose,
            _ if f >= 4 => Band::AtRisk,
            _ if f >= 2 => Band::Hibernating,
            _ => Band::Lost,
        };
        let sum = segments.entry(band).or_default();
        *sum = (sum.0 + 1, sum.1 + u128::try_from(*revenue).unwrap());
    }
    segments
}

/// The same as it was published.
pub fn published(segmented: &Segmented) -> BTreeMap<Band, (u64, u128)> {
    segmented.segments.iter().map(|(band, alike)| (*band, (alike.customers, alike.spend))).collect()
}

/// Accounts to look at, at most 20 of each kind; who may be leaving by the prior that CDNOW gives.
pub fn lists(people: &[Person], terms: &Terms, day: i32, last: i32) -> Lists {
    let prior = Parameters { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };
    let prior = BgNbd::new(prior, TICKS_PER_WEEK).unwrap();
    let mut lists = Lists::default();
    for person in people {
        let account_id = person.id.clone();
        let whole = if first_day(last + 1) - 1 == day { last } else { last - 1 };
        let (before, after) =
            (revenue(&between(person, whole - 5, whole - 3)), revenue(&between(person, whole - 2, whole)));
        let change = if person.status == Status::Closed { 0 } else { after - before };
        if change > 0 {
            lists.rising.offer(Mover { change: Reverse(change), account_id: account_id.clone(), before, after });
        } else if change < 0 {
            lists.falling.offer(Mover { change, account_id: account_id.clone(), before, after });
        }
        near(person, terms, last).into_iter().for_each(|near| lists.near_next_tier.offer(near));
        let Some(history) = history(person, day) else { continue };
        let revenue = revenue(&between(person, last - 11, last));
        let stake = Reverse(at_stake(&prior, history, revenue));
        let days_since = day - person.last_day().unwrap();
        let span = person.last_day().unwrap() - person.first_day().unwrap();
        let gaps = i32::try_from(person.purchase_days() - 1).unwrap();
        let gap_days = if gaps == 0 { 0 } else { span / gaps };
        if stake.0 > 0 && person.status != Status::Closed {
            lists.candidates.offer(Candidate { stake, account_id, history, days_since, gap_days, revenue });
        }
    }
    lists
}

fn near(person: &Person, terms: &Terms, last: i32) -> Option<Near> {
    let spend: i128 = between(person, last - 11, last).iter().map(|one| one.eligible).sum();
    let held = terms.tiers.iter().position(|(tier, _)| *tier == person.tier).unwrap();
    let (next, threshold) = terms.tiers.get(held + 1)?;
    let missing = (threshold - i64::try_from(spend).unwrap()).max(0);
    (spend > 0 && person.status == Status::Active).then(|| Near {
        missing_ppm: u32::try_from(
            (i128::from(missing) * 2_000_000 + i128::from(*threshold)) / i128::from(threshold * 2),
        )
        .unwrap(),
        account_id: person.id.clone(),
        tier: person.tier.clone(),
        next_tier: (*next).to_owned(),
        missing,
        metric: Metric::Spend,
    })
}
