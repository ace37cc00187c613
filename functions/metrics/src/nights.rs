//! What nights kept, found and rendered.

use analytics::histogram::Overflow;
use analytics::night::kept::{
    self, BELIEFS, COHORTS, FINDINGS, Findings, LISTED, NIGHT, NightRecord, SEGMENTED, standing,
};
use analytics::night::{Beliefs, Books, Forecasts, Listed, PeriodResult, Segmented, StandingResult};
use analytics::report::{
    AccountsReport, CountedBy, Insight, Known, MetricsReport, Named, NightReport, RetentionReport, Stood, Worth,
};
use analytics::rollup::{By, Cohorts, Period};
use domain::account::Account;
use domain::schedule::Activation;
use domain::time::Day;
use runtime::http::parameter;
use runtime::{App, Error, Fault, RequestFault};
use store::{Kept, Store};

/// Records of nights that are looked at in one read for one that came to its end: usually the first did.
const LOOKED_AT: u16 = 4;

/// A night that came to its end.
struct Reduced {
    day: Day,
    revision: u32,
    books: Books,
}

/// The day of the newest night that came to its end, if any did.
pub async fn newest_night(app: &App) -> Result<Option<Day>, Error> {
    let today = today(app).await?;
    Ok(newest(app.store(), today).await?.map(|night| night.day))
}

/// The metrics of a period (the month of the night) by groups of one kind: how things stood is by the last of its nights
/// up to `asked`, or up to the newest.
pub async fn metrics(app: &App, period: Option<Period>, by: By, asked: Option<Day>) -> Result<MetricsReport, Error> {
    let (store, today) = (app.store(), today(app).await?);
    let last = night_of(app, asked).await?;
    let period = period.unwrap_or(Period::Month(last.day.month()));
    if asked.is_some() && period.first_day().is_some_and(|first| last.day < first) {
        return parameter("night", Err(format!("must not lie before the period, {period}")));
    }
    let counted = counted(store, period, by).await?;
    let until = period.last_day().map_or(today, |last| last.min(today));
    let until = asked.map_or(until, |asked| asked.min(until));
    let stood = if until < last.day { newest(store, until).await? } else { Some(last) };
    // How things stood before the period began says nothing of it.
    let stood = stood.filter(|night| period.first_day().is_none_or(|first| night.day >= first));
    let groups = match &stood {
        Some(night) => of_night::<StandingResult>(store, &standing(by.name()), night.day).await?,
        None => None,
    };
    let beliefs = match &stood {
        Some(night) => of_night::<Beliefs>(store, BELIEFS, night.day).await?,
        None => None,
    };
    // What changed is told in total only.
    let first_day = period.first_day().filter(|_| by == By::Total);
    let before = match first_day {
        Some(first) => newest(store, first.plus(-1)).await?,
        None => None,
    };
    let before = before.as_ref().map(|night| Named { night: night.day, revision: night.revision, value: &night.books });
    let stood = stood.as_ref().zip(groups.as_ref()).map(|(night, groups)| Stood {
        groups: Named { night: groups.night, revision: groups.revision, value: &groups.value },
        books: &night.books,
        beliefs: beliefs.as_ref().map(|beliefs| &beliefs.value),
        before,
    });
    let activation = program_at_end_of(app, until).await?;
    let worth = (&Worth::by(&activation.program), activation.version);
    Ok(MetricsReport::of((period, by), &counted, stood, worth).map_err(too_large)?)
}

/// What the groups of one kind did in a period. Where there are none of that kind, that is no reason to know of none.
async fn counted(store: &Store, period: Period, by: By) -> Result<Named<PeriodResult>, Error> {
    let name = period.to_string();
    let of = async |by: By| {
        let value = store.kept(Kept::Period { by: by.name(), period: &name }).await?;
        let read = |value: store::KeptValue| {
            let result = value.read(kept::read::<PeriodResult>)?;
            Ok::<_, store::Fault>(Named { night: value.stamp.night, revision: value.stamp.revision, value: result })
        };
        value.map(read).transpose()
    };
    if let Some(result) = of(by).await? {
        return Ok(result);
    }
    let total = of(By::Total).await?.ok_or_else(|| not_counted(format!("Nothing was counted for {period}.")))?;
    Ok(Named { value: PeriodResult { groups: Default::default(), ..total.value }, ..total })
}

/// A night, and whether its figures can be trusted.
pub async fn night(app: &App, day: Day) -> Result<NightReport, Error> {
    let store = app.store();
    let record = of_night::<NightRecord>(store, NIGHT, day).await?;
    let record = record.ok_or_else(|| not_counted(format!("No night of {day} was counted.")))?;
    let beliefs = of_night::<Beliefs>(store, BELIEFS, day).await?;
    let begun = CountedBy::from(&record);
    let beliefs = beliefs.as_ref().map(|beliefs| &beliefs.value);
    let findings = of_night::<Findings>(store, FINDINGS, day).await?.map(|findings| findings.value);
    let report = NightReport::of(begun, &record.value, beliefs, findings.as_ref());
    Ok(report.map_err(too_large)?)
}

/// Who stays, by the night that is asked for, or the newest.
pub async fn retention(app: &App, asked: Option<Day>) -> Result<RetentionReport, Error> {
    let Reduced { day, .. } = night_of(app, asked).await?;
    let cohorts = of_night::<Cohorts>(app.store(), COHORTS, day).await?.ok_or_else(no_night)?;
    let activation = program_at_end_of(app, day).await?;
    Ok(RetentionReport::of(&cohorts, &Worth::by(&activation.program)).map_err(too_large)?)
}

/// Accounts to look at, by the night that is asked for, or the newest.
pub async fn accounts(app: &App, asked: Option<Day>) -> Result<AccountsReport, Error> {
    let (store, Reduced { day, .. }) = (app.store(), night_of(app, asked).await?);
    let listed = of_night::<Listed>(store, LISTED, day).await?.ok_or_else(no_night)?;
    let segmented = of_night::<Segmented>(store, SEGMENTED, day).await?.ok_or_else(no_night)?;
    let activation = program_at_end_of(app, day).await?;
    Ok(AccountsReport::of(&listed, &segmented.value, &Worth::by(&activation.program)).map_err(too_large)?)
}

/// What is to be said of an account, by the newest night.
pub async fn insight(app: &App, account: &Account) -> Result<Insight, Error> {
    let (store, today) = (app.store(), today(app).await?);
    let night = newest(store, today).await?;
    let known = match night {
        Some(night) => known(store, &night).await?,
        None => None,
    };
    let activation = program_at_end_of(app, today).await?;
    Ok(Insight::of(account, known.as_ref(), today, &Worth::by(&activation.program)).map_err(too_large)?)
}

async fn known(store: &Store, night: &Reduced) -> Result<Option<Named<Known>>, Error> {
    let beliefs = of_night::<Beliefs>(store, BELIEFS, night.day).await?;
    let segmented = of_night::<Segmented>(store, SEGMENTED, night.day).await?;
    Ok(beliefs.zip(segmented).map(|(beliefs, segmented)| Named {
        night: beliefs.night,
        revision: beliefs.revision,
        value: Known { forecasts: Forecasts::of(beliefs.value), segmented: segmented.value },
    }))
}

/// The night that is asked for, or the newest one. Not counted where it did not come to its end.
async fn night_of(app: &App, asked: Option<Day>) -> Result<Reduced, Error> {
    let store = app.store();
    let Some(day) = asked else { return newest(store, today(app).await?).await?.ok_or_else(no_night) };
    let record = of_night::<NightRecord>(store, NIGHT, day).await?;
    let reduced = record.and_then(|record| record.value.reduced.zip(record.value.books));
    let reduced = reduced.map(|(revision, books)| Reduced { day, revision, books });
    reduced.ok_or_else(|| not_counted(format!("The night of {day} was not counted.")))
}

/// The newest night of a day up to this one that came to its end: those that are under way, or failed, are passed over.
async fn newest(store: &Store, until: Day) -> Result<Option<Reduced>, Error> {
    let mut until = until;
    loop {
        let nights = store.newest_of(NIGHT, until, LOOKED_AT).await?;
        for night in &nights {
            let NightRecord { reduced, books, .. } = night.read(kept::read)?;
            if let Some((revision, books)) = reduced.zip(books) {
                return Ok(Some(Reduced { day: night.stamp.night, revision, books }));
            }
        }
        let Some(last) = nights.last() else { return Ok(None) };
        until = last.stamp.night.plus(-1);
    }
}

/// A value of a night.
async fn of_night<T: serde::de::DeserializeOwned>(
    store: &Store,
    what: &str,
    day: Day,
) -> Result<Option<Named<T>>, Error> {
    let Some(value) = store.kept(Kept::Night { what, day }).await? else { return Ok(None) };
    let (night, revision) = (value.stamp.night, value.stamp.revision);
    Ok(Some(Named { night, revision, value: value.read(kept::read)? }))
}

/// Today, in the program's time zone.
async fn today(app: &App) -> Result<Day, Error> {
    let now = app.clock().now();
    Ok(app.schedule().await?.at(now).program.calendar.day(now))
}

/// The version of the program in force at the end of a day, or now where that is to come.
async fn program_at_end_of(app: &App, day: Day) -> Result<Activation, Error> {
    let (schedule, now) = (app.schedule().await?, app.clock().now());
    let calendar = &schedule.at(now).program.calendar;
    let end = calendar.start_of_day(day.plus(1)).plus_ms(-1).min(now);
    Ok(schedule.at(end).clone())
}

fn no_night() -> Error {
    not_counted("No night has been counted yet.".to_owned())
}

fn not_counted(detail: String) -> Error {
    RequestFault::NotCounted(detail).into()
}

fn too_large(Overflow: Overflow) -> Fault {
    Fault::Incomplete("a total of all accounts fits no integer".to_owned())
}
