//! Counting one segment: page after page, with checkpoints.

use crate::task::{Scan, day_of};
use crate::{SEGMENTS, bytes_of, is_current, night, too_large};
use analytics::night::kept::{Unreadable, read};
use analytics::rollup::Partial;
use domain::id::AccountId;
use runtime::{App, Deadline, Fault};
use serde::{Deserialize, Serialize};
use store::{Kept, Segment, Stamp, Store};

/// Accounts between two checkpoints: about a minute of counting.
const CHECKPOINT_ACCOUNTS: u64 = 200_000;
/// Most accounts of one page: so many that its megabyte ends it, unless they are very small. On a laptop each page costs
/// the embedded database a walk through its index, and without a bound it would read the rest of the segment for each.
const PAGE: u16 = 4_000;
/// How far a part has come that is finished: further than accounts are counted.
pub(crate) const FINISHED: u64 = 1 << 62;
/// The part after those of all segments: the answers to surveys.
pub(crate) const ANSWERS: i32 = SEGMENTS;

/// What is kept of a segment under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// The account after which to go on.
    after: Option<AccountId>,
    /// All accounts of the segment are counted.
    pub done: bool,
    /// How many are.
    pub counted: u64,
    /// What they come to.
    pub partial: Partial,
}

impl Part {
    /// The part of a segment, as far as it has come.
    pub async fn load(store: &Store, kept: Kept<'_>) -> Result<Option<Self>, Fault> {
        // One of another format was begun by another version of this function: the segment is counted anew.
        Ok(store.kept_as(kept, |bytes| Ok::<_, Unreadable>(read(bytes).ok())).await?.flatten())
    }

    async fn keep(&self, store: &Store, kept: Kept<'_>, night: (domain::time::Day, u32)) -> Result<(), Fault> {
        let bytes = bytes_of(self)?;
        // A finished part is further than any checkpoint of whoever else counts the segment.
        let progress = if self.done { FINISHED } else { self.counted };
        let stamp = Stamp { night: night.0, revision: night.1, progress };
        // Who has come as far or further keeps what it has.
        store.keep_part(kept, stamp, &bytes).await?;
        Ok(())
    }
}

/// Counts on from the last checkpoint, until the segment or the time is at its end.
pub(crate) async fn scan(app: &App, mut scan: Scan) -> Result<Scan, Fault> {
    let day = day_of(&scan.date)?;
    if scan.of != SEGMENTS || !(0..SEGMENTS).contains(&scan.segment) {
        return Err(Fault::BadTask(format!("there is no segment {} of {}", scan.segment, scan.of)));
    }
    is_current(app, day, scan.revision).await?;
    let (night, store) = (night(app, day).await?, app.store());
    let kept = Kept::Part { day, revision: scan.revision, segment: scan.segment };
    let mut part = Part::load(store, kept).await?.unwrap_or_default();
    let segment = Segment { index: scan.segment, of: scan.of };
    let deadline = Deadline::after(app.patience().walk);
    let mut saved = part.counted;
    let mut upcoming = (!part.done).then(|| fetch(store, segment, part.after.clone()));
    while let Some(page) = upcoming.take() {
        let page = page.await.map_err(|lost| Fault::Panicked(lost.to_string()))??;
        // The next page is on its way while this one is counted.
        upcoming = page.next.as_ref().map(|next| fetch(store, segment, Some(next.clone())));
        for account in &page.accounts {
            match account {
                Ok(account) => part.partial.record(&night, account).map_err(too_large)?,
                Err((id, what)) => part.partial.flaw(id, &format!("cannot be read: {what}")).map_err(too_large)?,
            }
        }
        part.counted = part.counted.saturating_add(u64::try_from(page.accounts.len()).unwrap_or(u64::MAX));
        part.done = page.next.is_none();
        part.after = page.next;
        let over = deadline.is_over() && !part.done;
        if over || part.done || part.counted.saturating_sub(saved) >= CHECKPOINT_ACCOUNTS {
            part.keep(store, kept, (day, scan.revision)).await?;
            saved = part.counted;
        }
        if over {
            break;
        }
    }
    if let Some(unused) = upcoming {
        unused.abort();
    }
    scan.counted = part.counted;
    scan.cursor = (!part.done).then_some(part.counted);
    tracing::info!(night = %day, revision = scan.revision, segment = scan.segment, counted = part.counted,
        "counted {} accounts of segment {} of {day}", part.counted, scan.segment);
    Ok(scan)
}

type Page = tokio::task::JoinHandle<Result<store::CountedPage, store::Fault>>;

fn fetch(store: &Store, segment: Segment, after: Option<AccountId>) -> Page {
    let store = store.clone();
    tokio::spawn(async move { store.accounts_to_count(segment, after.as_ref(), PAGE).await })
}
