//! Reducing a run: its parts merged, the answers to surveys counted, the results kept.

use crate::part::Part;
use crate::task::{Reduce, Summary, Task, day_of};
use crate::{SEGMENTS, night, too_large};
use analytics::night::{Books, Opinions, PeriodResult, Results};
use analytics::rollup::{Night, Partial};
use domain::time::Instant;
use runtime::{App, Fault};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use store::{Kept, Stamp, Store};

/// What nights keep, by name: their records,
pub const NIGHT: &str = "night";
/// what the models say,
pub(crate) const BELIEFS: &str = "beliefs";
/// who stays,
const COHORTS: &str = "cohorts";
/// customers by how lately, how often and for how much they bought,
const SEGMENTED: &str = "segmented";
/// and accounts to look at.
const LISTED: &str = "listed";

/// Surveys, or answers, that are read at once.
const PAGE: u16 = 500;
/// Names of flawed accounts in the message of a run that fails; the record has more.
const NAMED_MAX: usize = 5;

/// The record of a night.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NightRecord {
    /// Its last instant; nothing until its first run was reduced.
    pub as_of: Option<Instant>,
    /// The version of the program in force then.
    pub program_version: Option<u32>,
    /// The run whose results are kept; nothing until one was reduced.
    pub reduced: Option<u32>,
    /// Its books.
    pub books: Option<Books>,
}

impl NightRecord {
    /// A run begins: what the one before came to stands until this one is reduced.
    pub(crate) fn begun(before: Option<Self>) -> Self {
        before.unwrap_or_default()
    }

    /// Reads a kept record.
    pub fn read(bytes: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(bytes)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        // Integers and text only: it cannot fail.
        postcard::to_stdvec(self).unwrap_or_default()
    }
}

/// What the groups of a kind are kept under.
pub fn standing(by: &str) -> String {
    format!("standing#{by}")
}

/// A value that a night kept.
pub async fn kept<T: DeserializeOwned>(store: &Store, key: Kept<'_>) -> Result<Option<T>, Fault> {
    match store.kept(key).await? {
        Some(value) => Ok(Some(read(&value.bytes, key)?)),
        None => Ok(None),
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8], key: Kept<'_>) -> Result<T, Fault> {
    let corrupt = |error: postcard::Error| store::Fault::Corrupt {
        table: "metrics",
        key: format!("{key:?}"),
        what: error.to_string(),
    };
    Ok(postcard::from_bytes(bytes).map_err(corrupt)?)
}

/// Merges the parts of a run and keeps what they come to.
pub(crate) async fn reduce(app: &App, run: Reduce) -> Result<Summary, Fault> {
    let day = day_of(&run.date)?;
    let (night, store) = (night(app, day).await?, app.store());
    let mut whole = Partial::default();
    let named = run.segments.iter().map(|task| match task {
        Task::Scan(scan) => Ok(scan.segment),
        _ => Err(Fault::BadTask("a segment is no scan".to_owned())),
    });
    let named = named.collect::<Result<BTreeSet<_>, _>>()?;
    if !named.iter().copied().eq(0..SEGMENTS) || run.segments.len() != named.len() {
        return Err(Fault::BadTask(format!("the segments must be 0 to {}", SEGMENTS.saturating_sub(1))));
    }
    for segment in 0..SEGMENTS {
        let key = Kept::Part { day, revision: run.revision, segment };
        let part = Part::load(store, key).await?.filter(|part| part.done);
        let part = part.ok_or_else(|| Fault::BadTask(format!("segment {segment} was not counted whole")))?;
        whole.merge(part.partial).map_err(too_large)?;
    }
    let results = analytics::night::reduce(&night, whole, &opinions(app, &night).await?).map_err(too_large)?;
    let stamp = Stamp { night: day, revision: run.revision, progress: 0 };
    keep(store, &night, stamp, &results).await?;
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
    for (period, by, result) in &results.periods {
        let key = Kept::Period { by, period };
        let mut result = result.clone();
        if result.is_empty() {
            continue;
        }
        // What an earlier night still knew of who stayed and was lost.
        if !result.knows_previous
            && let Some(before) = kept::<PeriodResult>(store, key).await?
        {
            result.inherit(&before);
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
    put(store, Kept::Night { what: NIGHT, day }, stamp, &record).await
}

async fn put<T: Serialize>(store: &Store, key: Kept<'_>, stamp: Stamp, value: &T) -> Result<(), Fault> {
    let bytes = postcard::to_stdvec(value).map_err(|error| Fault::Incomplete(error.to_string()))?;
    // What a newer night or run keeps stands.
    store.keep(key, stamp, &bytes).await?;
    Ok(())
}

/// The answers to all surveys, each by the tier and the segments that its account had when it was given.
async fn opinions(app: &App, night: &Night) -> Result<Opinions, Fault> {
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
