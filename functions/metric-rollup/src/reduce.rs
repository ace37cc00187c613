//! Reducing a run: its parts merged, the answers to surveys counted, the results kept.

use crate::answers::opinions;
use crate::part::Part;
use crate::task::{Reduce, Summary, Task, day_of};
use crate::{SEGMENTS, bytes_of, forget_parts, is_current, night, too_large};
use analytics::night::kept::{
    self, BELIEFS, COHORTS, FINDINGS, Findings, LISTED, NIGHT, NightRecord, SEGMENTED, Unreadable, standing,
};
use analytics::night::{PeriodResult, Results};
use analytics::rollup::{By, Night, Partial, Period};
use domain::time::Calendar;
use runtime::{App, Fault};
use serde::Serialize;
use std::collections::BTreeSet;
use store::{Kept, Stamp, Store};

/// How far the record of a night has come that was reduced.
const REDUCED: u64 = 1;
/// Names of flawed accounts in the message of a run that fails; the record has more.
const NAMED_MAX: usize = 5;

/// Merges the parts of a run and keeps what they come to.
pub(crate) async fn reduce(app: &App, run: Reduce) -> Result<Summary, Fault> {
    let day = day_of(&run.date)?;
    let named = run.segments.iter().map(|task| match task {
        Task::Scan(scan) => Ok(scan.segment),
        _ => Err(Fault::BadTask("a segment is no scan".to_owned())),
    });
    let named = named.collect::<Result<BTreeSet<_>, _>>()?;
    if !named.iter().copied().eq(0..SEGMENTS) || run.segments.len() != named.len() {
        return Err(Fault::BadTask(format!("the segments must be 0 to {}", SEGMENTS.saturating_sub(1))));
    }
    is_current(app, day, run.revision).await?;
    let (night, store) = (night(app, day).await?, app.store());
    let mut whole = Partial::default();
    for segment in 0..SEGMENTS {
        let key = Kept::Part { day, revision: run.revision, segment };
        let part = Part::load(store, key).await?.filter(|part| part.done);
        let part = part.ok_or_else(|| Fault::BadTask(format!("segment {segment} was not counted whole")))?;
        whole.merge(part.partial).map_err(too_large)?;
    }
    let opinions = opinions(app, &night, run.revision).await?;
    let results = analytics::night::reduce(&night, whole, &opinions).map_err(too_large)?;
    let stamp = Stamp { night: day, revision: run.revision, progress: 0 };
    let findings = Findings { warnings: wrong_clock(app, &night).into_iter().collect(), ..opinions.findings() };
    findings.warnings.iter().for_each(|warning| tracing::error!(night = %day, "the night of {day}: {warning}"));
    keep(store, &night, stamp, (&results, &findings)).await?;
    forget_parts(app, day, 1..=run.revision.saturating_sub(1)).await?;
    conclude(&run, &results, findings)
}

/// Says so where nights are run by the clock of another time zone than the program's: the scheduled one is then counted
/// hours after its day, and accounts have moved on.
fn wrong_clock(app: &App, night: &Night) -> Option<String> {
    let (stated, program) = (app.config().time_zone.as_deref()?, &night.program().calendar);
    let agrees = Calendar::of(stated).is_some_and(|clock| clock.agrees_with(program, night.day()));
    (!agrees).then(|| {
        let zone = program.zone_name();
        format!(
            "nights are run by the clock of {stated}, but the program's days are those of {zone}: set TimeZone to it"
        )
    })
}

/// Fails where an account is not right, or an answer cannot be read: the figures are there, and somebody has to look.
fn conclude(run: &Reduce, results: &Results, findings: Findings) -> Result<Summary, Fault> {
    let books = &results.books;
    let off = books.totals.imbalance();
    let mut wrong = Vec::new();
    if books.flawed > 0 || off != 0 {
        wrong.push(format!(
            "{} accounts are not right ({} were counted), the trial balance is off by {off} points",
            books.flawed, books.totals.accounts
        ));
        let named = books.flaws.iter().take(NAMED_MAX);
        wrong.extend(named.map(|flaw| format!("{}: {}", flaw.account_id, flaw.what)));
    }
    if findings.answers_flawed > 0 {
        let all = findings.answers.saturating_add(findings.answers_flawed);
        wrong.push(format!("{} of {all} answers to surveys cannot be read", findings.answers_flawed));
        let named = findings.flawed_answers.iter().take(NAMED_MAX);
        wrong.extend(named.map(|flaw| format!("{} {}: {}", flaw.survey_id, flaw.respondent, flaw.what)));
    }
    if !wrong.is_empty() {
        return Err(Fault::Unbalanced(wrong.join("; ")));
    }
    Ok(Summary {
        date: run.date.clone(),
        revision: run.revision,
        accounts: books.totals.accounts,
        decided_later: books.decided_later,
        points_outstanding: books.totals.points_outstanding(),
        warnings: findings.warnings,
    })
}

/// Keeps the results; the record last, so that a night is said to be reduced when all of it is there.
async fn keep(
    store: &Store,
    night: &Night,
    stamp: Stamp,
    (results, findings): (&Results, &Findings),
) -> Result<(), Fault> {
    // Of its own periods a night tells even that nobody did anything.
    let own = Period::of_month(night.day().month()).into_iter().chain([Period::Lifetime]);
    let own: Vec<_> = own.map(|period| period.to_string()).collect();
    for (period, by, result) in &results.periods {
        let key = Kept::Period { by, period };
        let mut result = result.clone();
        if result.is_empty() && !own.contains(period) {
            continue;
        }
        // What an earlier night still knew of who stayed and was lost; nothing, where it was kept in another format.
        if !result.knows_previous && keeps_members(by) {
            let before =
                store.kept_as(key, |bytes| Ok::<_, Unreadable>(kept::read::<PeriodResult>(bytes).ok())).await?;
            before.flatten().into_iter().for_each(|before| result.inherit(&before));
        }
        put(store, key, stamp, &result).await?;
    }
    let day = night.day();
    for (by, result) in &results.standings {
        put(store, Kept::Night { what: &standing(by), day }, stamp, result).await?;
    }
    put(store, Kept::Night { what: BELIEFS, day }, stamp, &results.beliefs).await?;
    put(store, Kept::Night { what: COHORTS, day }, stamp, &results.cohorts).await?;
    put(store, Kept::Night { what: SEGMENTED, day }, stamp, &results.segmented).await?;
    put(store, Kept::Night { what: LISTED, day }, stamp, &results.listed).await?;
    put(store, Kept::Night { what: FINDINGS, day }, stamp, findings).await?;
    let record = NightRecord {
        as_of: Some(results.as_of),
        program_version: Some(results.program_version),
        reduced: Some(stamp.revision),
        books: Some(results.books.clone()),
    };
    let stamp = Stamp { progress: REDUCED, ..stamp };
    match store.keep(Kept::Night { what: NIGHT, day }, stamp, &bytes_of(&record)?).await? {
        true => Ok(()),
        false => Err(Fault::BadTask(format!("another run of {day} has begun since"))),
    }
}

async fn put<T: Serialize>(store: &Store, key: Kept<'_>, stamp: Stamp, value: &T) -> Result<(), Fault> {
    let bytes = bytes_of(value)?;
    // What a newer night or run keeps stands.
    store.keep(key, stamp, &bytes).await?;
    Ok(())
}

/// Whether accounts stay in the groups of a kind: then who was in one before is who is in it now.
fn keeps_members(by: &str) -> bool {
    matches!(By::parse(by), Some(By::Total | By::Joined | By::Referral))
}
