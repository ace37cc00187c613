//! Birthdays of an account's people.
//!
//! The account remembers before which day none of them has one that is not over ([`Birthdays`]), so its contacts are read on
//! that day only. A contact remembers the year of the latest birthday that is over: it has one in a calendar year, however its
//! date is changed; and a date that is entered after its day counts from the next year on. How many of an account's people
//! bring it something in a calendar year is bounded by the rule.

use super::give::{self, Gifts};
use super::walk::Window;
use super::{Birthdays, Celebrated, On, Which};
use crate::account::Account;
use crate::decision::{Context, Guard, Record, Write};
use crate::membership::{Contact, ContactDocument};
use crate::money::Overflow;
use crate::program::Program;
use crate::schedule::Schedule;
use crate::time::{Day, DayOfYear, Instant};

/// Whether a program gives anything on birthdays.
fn are_celebrated(program: &Program) -> bool {
    program.occasions.iter().any(|rule| rule.on.is_birthday())
}

fn birthday(document: &ContactDocument) -> Option<DayOfYear> {
    // Whatever the year: it may be one before those of the program's days.
    DayOfYear::parse(document.birthday.as_ref()?.get("YYYY-".len()..)?)
}

/// The first birthday of a contact that is not over, on a given day or later.
fn next_of(contact: &Contact, from: Day) -> Option<Day> {
    let next_year = contact.celebrated.map(|year| DayOfYear::NEW_YEAR.in_year(year.saturating_add(1)));
    Some(birthday(&contact.document)?.on_or_after(next_year.map_or(from, |first| from.max(first))))
}

/// The earliest instant in a window at which contacts are to be looked at.
pub(super) fn next(account: &Account, window: &Window<'_>, now: Instant) -> Option<Instant> {
    let span = &window.span;
    let from = match account.occasions.birthdays {
        Birthdays::Unknown => now,
        Birthdays::Nobody => return None,
        Birthdays::From(day) => span.program.calendar.start_of_day(day),
    };
    // What a version of the past would look for, the one in force does.
    let at = from.max(span.from);
    (are_celebrated(span.program) && at < span.until).then_some(at)
}

/// Whether an account's contacts are to be read for a walk at `now`: somebody may have a birthday.
pub fn read_contacts(account: &Account, schedule: &Schedule, now: Instant) -> bool {
    Window::all(account, schedule, now).any(|window| next(account, &window, now).is_some_and(|at| at <= now))
}

/// Gives what the birthdays bring that have come, and notes when there is one again.
pub(super) fn celebrate(
    account: &mut Account,
    contacts: &[Contact],
    program: &Program,
    context: &Context<'_>,
    gifts: &mut Gifts,
) -> Result<(), Overflow> {
    let Context { schedule, now, .. } = *context;
    if !read_contacts(account, schedule, now) {
        return Ok(());
    }
    let windows: Vec<_> = Window::all(account, schedule, now).collect();
    let mut come: Vec<_> = contacts.iter().filter_map(|contact| come(account, contact, &windows, now)).collect();
    come.sort_by(|one, other| (one.0, &one.1.contact_id).cmp(&(other.0, &other.1.contact_id)));
    let mut celebrated = Vec::new();
    for (day, contact, window) in come {
        let known = account.occasions.celebrated.filter(|known| known.year >= day.year());
        let Celebrated { year, contacts } = known.unwrap_or(Celebrated { year: day.year(), contacts: 0 });
        let mut is_given = false;
        for rule in &window.span.program.occasions {
            let On::Birthday { contacts_per_year } = rule.on else { continue };
            if contacts < contacts_per_year && rule.is_for(account, program, now) {
                let which = Which::Birthday { contact_id: contact.contact_id.clone(), day };
                give::give(account, rule, which, program, context, gifts)?;
                is_given = true;
            }
        }
        if is_given {
            account.occasions.celebrated = Some(Celebrated { year, contacts: contacts.saturating_add(1) });
            celebrated.push(Contact {
                celebrated: Some(day.year()),
                version: contact.version.saturating_add(1),
                ..contact.clone()
            });
        }
    }
    let tomorrow = program.calendar.day(now).plus(1);
    let after = |contact: &Contact| celebrated.iter().find(|after| after.contact_id == contact.contact_id).cloned();
    let next = contacts.iter().filter_map(|contact| next_of(&after(contact).unwrap_or(contact.clone()), tomorrow));
    account.occasions.birthdays = next.min().map_or(Birthdays::Nobody, Birthdays::From);
    let put = |contact: Contact| {
        let guard = Guard::Version(contact.version.saturating_sub(1));
        Write::Put(Record::Contact(Box::new(contact)), guard)
    };
    gifts.writes.extend(celebrated.into_iter().map(put));
    Ok(())
}

/// The birthday of a contact that has come by `now` and is not over, and the window that it lies in.
fn come<'a>(
    account: &Account,
    contact: &'a Contact,
    windows: &'a [Window<'a>],
    now: Instant,
) -> Option<(Day, &'a Contact, &'a Window<'a>)> {
    windows.iter().filter(|window| are_celebrated(window.span.program)).find_map(|window| {
        let from = match account.occasions.birthdays {
            Birthdays::From(day) => window.first.max(day),
            Birthdays::Unknown | Birthdays::Nobody => window.first,
        };
        let day = next_of(contact, from)?;
        window.start(day).filter(|start| *start <= now).map(|_| (day, contact, window))
    })
}

/// The year of the latest birthday of a contact that is over, once it is stated so on a day.
pub(crate) fn celebrated_after(
    before: Option<&Contact>,
    document: &ContactDocument,
    program: &Program,
    today: Day,
) -> Option<i32> {
    let over = before.and_then(|contact| contact.celebrated);
    let is_new = before.is_none_or(|contact| contact.document.birthday != document.birthday);
    let entered = birthday(document).filter(|_| is_new && are_celebrated(program));
    over.max(entered.filter(|entered| entered.in_year(today.year()) < today).map(|_| today.year()))
}

/// Notes at an account that a contact of it was added or changed on a day.
pub(crate) fn note_birthday(account: &mut Account, contact: &Contact, program: &Program, today: Day) {
    let birthdays = &mut account.occasions.birthdays;
    let next = next_of(contact, today);
    *birthdays = match *birthdays {
        // What is noted under a version that gives nothing is known to nobody later.
        _ if !are_celebrated(program) => Birthdays::Unknown,
        Birthdays::Unknown => Birthdays::Unknown,
        Birthdays::Nobody => next.map_or(Birthdays::Nobody, Birthdays::From),
        Birthdays::From(day) => Birthdays::From(next.map_or(day, |next| next.min(day))),
    };
}

/// What is known of the birthdays of an account that has no contacts yet.
pub(crate) fn of_nobody(program: &Program) -> Birthdays {
    if are_celebrated(program) { Birthdays::Nobody } else { Birthdays::Unknown }
}

/// Notes at an account that nobody is known of it any more.
pub(crate) fn forget_people(account: &mut Account) {
    account.occasions.birthdays = Birthdays::Nobody;
}

/// Leaves the birthdays of an account out of what is foreseen.
pub(super) fn leave_out(account: &mut Account) {
    account.occasions.birthdays = Birthdays::Nobody;
}
