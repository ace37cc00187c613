//! Reducing a run: its parts merged, the answers to surveys counted, the results kept.

use crate::part::{ANSWERS, FINISHED, Part};
use crate::task::{Reduce, Summary, Task, day_of};
use crate::{SEGMENTS, bytes_of, forget_parts, is_current, night, too_large};
use analytics::night::kept::{self, BELIEFS, COHORTS, LISTED, NIGHT, NightRecord, SEGMENTED, Unreadable, standing};
use analytics::night::{Opinions, PeriodResult, Results};
use analytics::rollup::{By, Night, Partial, Period};
use runtime::{App, Fault};
use serde::Serialize;
use std::collections::BTreeSet;
use store::{Kept, Stamp, Store};

/// Surveys, or answers, that are read at once.
const PAGE: u16 = 500;
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
    keep(store, &night, stamp, &results).await?;
    if let Some(before) = run.revision.checked_sub(1).filter(|before| *before > 0) {
        forget_parts(app, day, before).await?;
    }
    conclude(&run, &results)
}

/// Fails where an account is not right.
fn conclude(run: &Reduce, results: &Results) -> Result<Summary, Fault> {
    let books = &results.books;
    let off = books.totals.imbalance();
    if books.flawed > 0 || off != 0 {
        let named = books.flaws.iter().take(NAMED_MAX).map(|flaw| format!("{}: {}", flaw.account_id, flaw.what));
        let named = named.collect::<Vec<_>>().join("; ");
        return Err(Fault::Unbalanced(format!(
            "{} of {} accounts are not right, the trial balance is off by {off} points; {named}",
            books.flawed, books.totals.accounts
        )));
    }
    Ok(Summary {
        date: run.date.clone(),
        revision: run.revision,
        accounts: books.totals.accounts,
        decided_later: books.decided_later,
        points_outstanding: books.totals.points_outstanding(),
    })
}

/// Keeps the results; the record last, so that a night is said to be reduced when all of it is there.
async fn keep(store: &Store, night: &Night, stamp: Stamp, results: &Results) -> Result<(), Fault> {
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

/// The answers to surveys, as they stood when the run was reduced first.
async fn opinions(app: &App, night: &Night, revision: u32) -> Result<Opinions, Fault> {
    let (store, day) = (app.store(), night.day());
    let key = Kept::Part { day, revision, segment: ANSWERS };
    if let Some(kept) = store.kept_as(key, kept::read::<Opinions>).await? {
        return Ok(kept);
    }
    let counted = count_answers(app, night).await?;
    store.keep_part(key, Stamp { night: day, revision, progress: FINISHED }, &bytes_of(&counted)?).await?;
    Ok(counted)
}

/// The answers to all surveys, each by the tier and the segments that its account had when it was given.
async fn count_answers(app: &App, night: &Night) -> Result<Opinions, Fault> {
    let (store, mut opinions) = (app.store(), Opinions::default());
    let calendar = &night.program().calendar;
    let mut after = None;
    loop {
        let page = store.surveys_page(after.as_ref(), PAGE).await?;
        for survey in &page.surveys {
            let mut after = None;
            loop {
                let page = store.answers_page(&survey.survey_id, after.as_ref(), PAGE).await?;
                for answer in &page.answers {
                    let (day, score) = (calendar.day(answer.answered_at), answer.said.score.as_u8());
                    let segments = answer.segments.iter().map(|segment| segment.as_str());
                    let counted = opinions.record(night, day, answer.tier.as_str(), segments, score);
                    counted.map_err(|error| Fault::Incomplete(error.to_string()))?;
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(opinions);
        }
    }
}
