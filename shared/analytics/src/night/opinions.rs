//! Answers to surveys, counted by when they were given and by whom.

use crate::nps::{AnswerError, Answers};
use crate::rollup::{By, Night, Period};
use domain::time::Day;
use std::collections::BTreeMap;

/// Answers by group and period of a night. A customer counts by the tier and the segments that it had when it answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opinions {
    counts: BTreeMap<(By, String, usize), Answers>,
}

impl Opinions {
    /// Counts one answer, 0 to 10, given on a day. One given after the night's day is not counted. Fails with
    /// [`AnswerError`].
    pub fn record<'a>(
        &mut self,
        night: &Night,
        day: Day,
        tier: &str,
        segments: impl IntoIterator<Item = &'a str>,
        score: u8,
    ) -> Result<(), AnswerError> {
        if day > night.day() {
            return Ok(());
        }
        let segments = segments.into_iter().map(|segment| (By::Segment, segment));
        let groups: Vec<_> = [(By::Total, "total"), (By::Tier, tier)].into_iter().chain(segments).collect();
        for (place, period) in night.periods().enumerate() {
            if !holds(period, day) {
                continue;
            }
            for (by, group) in &groups {
                self.counts.entry((*by, (*group).to_owned(), place)).or_default().record(score)?;
            }
        }
        Ok(())
    }

    /// The answers of a group in the period at a place.
    pub(super) fn of(&self, by: By, group: &str, place: usize) -> Answers {
        self.counts.get(&(by, group.to_owned(), place)).copied().unwrap_or_default()
    }
}

fn holds(period: Period, day: Day) -> bool {
    period.months().is_none_or(|months| months.contains(&day.month()))
}
