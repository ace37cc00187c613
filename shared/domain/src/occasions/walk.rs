//! What is given when an account is walked: anniversaries, dates and win-backs, and when the next of them comes.

use super::give::{self, Gifts};
use super::{GRACE_DAYS, OccasionRule, Which, birthdays};
use crate::account::Account;
use crate::decision::Context;
use crate::forecast::Forecast;
use crate::membership::Contact;
use crate::money::Overflow;
use crate::schedule::{Schedule, Span};
use crate::time::{Day, Instant};

/// The days of an account that a version of the program decides on: those that begin while it is in force, once the account
/// has joined, and within the grace.
#[derive(Clone, Copy)]
pub(super) struct Window<'a> {
    /// The version while it is in force.
    pub span: Span<'a>,
    /// The first of the days.
    pub first: Day,
}

impl<'a> Window<'a> {
    /// The windows of an account, ascending, those of versions to come included.
    pub fn all(account: &Account, schedule: &'a Schedule, now: Instant) -> impl Iterator<Item = Self> {
        let (joined_at, grace_ms) = (account.joined_at, Instant::DAY_MS.saturating_mul(GRACE_DAYS.into()));
        // A day more: days may be longer than others.
        let since = now.plus_ms(grace_ms.saturating_add(Instant::DAY_MS).saturating_neg());
        let spans = schedule.from(since).filter(|span| !span.program.occasions.is_empty());
        spans.map(move |span| {
            let calendar = &span.program.calendar;
            let begun = calendar.day(span.from);
            let late = i32::from(calendar.start_of_day(begun) < span.from);
            let joined = calendar.day(joined_at).plus(1);
            Self { span, first: begun.plus(late).max(joined).max(calendar.day(now).plus(-GRACE_DAYS)) }
        })
    }

    /// When a day begins, if the version is in force then.
    pub fn start(&self, day: Day) -> Option<Instant> {
        let start = self.span.program.calendar.start_of_day(day);
        (day >= self.first && start < self.span.until).then_some(start)
    }
}

/// An occasion that has come, and is not over yet.
struct Come<'a> {
    day: Day,
    rule: &'a OccasionRule,
    which: Which,
}

/// The first of a rule's occasions in a window that is not over yet, and when it comes.
fn first<'a>(rule: &'a OccasionRule, window: &Window<'_>, account: &Account, from: Day) -> Option<(Instant, Come<'a>)> {
    let over = account.occasions.through.map_or(from, |through| through.plus(1));
    let which = rule.on.on_or_after(account, &window.span.program.calendar, from.max(over))?;
    let day = which.day()?;
    Some((window.start(day)?, Come { day, rule, which }))
}

/// All that have come by `now`, in their order.
fn come<'a>(account: &Account, schedule: &'a Schedule, now: Instant) -> Vec<Come<'a>> {
    let mut come: Vec<Come<'a>> = Vec::new();
    for window in Window::all(account, schedule, now).take_while(|window| window.span.from <= now) {
        for rule in &window.span.program.occasions {
            let mut from = window.first;
            while let Some((_, found)) = first(rule, &window, account, from).filter(|(at, _)| *at <= now) {
                from = found.day.plus(1);
                // Where the time zone changes, a day may begin twice.
                if !come.iter().any(|known| known.day == found.day && known.rule.id == found.rule.id) {
                    come.push(found);
                }
            }
        }
    }
    come.sort_by_key(|come| come.day);
    come
}

/// The earliest instant at which an account is to be walked for an occasion: now, where that has passed.
pub(crate) fn next(account: &Account, schedule: &Schedule, now: Instant) -> Option<Instant> {
    let mut earliest: Option<Instant> = None;
    for window in Window::all(account, schedule, now) {
        if earliest.is_some_and(|earliest| earliest <= window.span.from) {
            break;
        }
        let rules = window.span.program.occasions.iter();
        let dated = rules.filter_map(|rule| first(rule, &window, account, window.first).map(|(at, _)| at));
        earliest = dated.chain(birthdays::next(account, &window, now)).chain(earliest).min();
    }
    earliest
}

/// Gives an account that is already at `now` what its occasions bring, and notes that they are over, given or not. `contacts`
/// are its people, if they were read.
pub(crate) fn pass(
    account: &mut Account,
    contacts: Option<&[Contact]>,
    context: &Context<'_>,
) -> Result<Gifts, Overflow> {
    let Context { schedule, now, .. } = *context;
    let (program, mut gifts) = (&*schedule.at(now).program, Gifts::default());
    for Come { day, rule, which } in come(account, schedule, now) {
        account.occasions.through = Some(day);
        if rule.is_for(account, program, now) {
            give::give(account, rule, which, program, context, &mut gifts)?;
        }
    }
    if let Some(contacts) = contacts {
        birthdays::celebrate(account, contacts, program, context, &mut gifts)?;
    }
    Ok(gifts)
}

/// Adds what occasions will bring an account that is already at `now` to what falls due, and notes that they are over. Whose
/// birthday it is nobody knows who has not read the contacts: birthdays are not told.
pub(crate) fn foresee(
    account: &mut Account,
    schedule: &Schedule,
    now: Instant,
    forecast: &mut Forecast,
) -> Result<bool, Overflow> {
    let (program, mut anything) = (&*schedule.at(now).program, false);
    for Come { day, rule, .. } in come(account, schedule, now) {
        account.occasions.through = Some(day);
        if rule.is_for(account, program, now) {
            anything = true;
            forecast.occasions_given.add(rule.gift.points)?;
        }
    }
    birthdays::leave_out(account);
    Ok(anything)
}
