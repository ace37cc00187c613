//! Answers to surveys, counted by when they were given and by whom.

use super::kept::Findings;
use crate::histogram::Overflow;
use crate::nps::{AnswerError, Answers};
use crate::rollup::{By, LISTED_MAX, Night, Period, Ranking};
use domain::time::Day;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Answers by group and period of a night. A customer counts by the tier and the segments that it had when it answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinions {
    counts: BTreeMap<(By, String, usize), Answers>,
    counted: u64,
    flawed: u64,
    flaws: Ranking<FlawedAnswer, LISTED_MAX>,
}

/// An answer that was not counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FlawedAnswer {
    /// To which survey.
    pub survey_id: String,
    /// Whose it is: the account and its contact. Empty where no answer to the survey can be found.
    pub respondent: String,
    /// What is wrong with it.
    pub what: String,
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
        self.counted = self.counted.checked_add(1).ok_or(Overflow)?;
        Ok(())
    }

    /// Notes an answer that cannot be read.
    pub fn flaw(&mut self, answer: FlawedAnswer) -> Result<(), Overflow> {
        self.flawed = self.flawed.checked_add(1).ok_or(Overflow)?;
        self.flaws.offer(answer);
        Ok(())
    }

    /// What is to be said of them beside what they came to.
    pub fn findings(&self) -> Findings {
        let flawed_answers = self.flaws.iter().cloned().collect();
        Findings { answers: self.counted, answers_flawed: self.flawed, flawed_answers, warnings: Vec::new() }
    }

    /// The groups of a kind that gave any.
    pub(super) fn groups(&self, by: By) -> BTreeSet<&str> {
        self.counts.keys().filter(|(of, ..)| *of == by).map(|(_, group, _)| group.as_str()).collect()
    }

    /// The answers of a group in the period at a place.
    pub(super) fn of(&self, by: By, group: &str, place: usize) -> Answers {
        self.counts.get(&(by, group.to_owned(), place)).copied().unwrap_or_default()
    }
}

fn holds(period: Period, day: Day) -> bool {
    period.months().is_none_or(|months| months.contains(&day.month()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rollup::tests::{day, night};

    #[test]
    fn an_answer_counts_in_the_periods_of_its_day_and_for_the_groups_of_then() {
        let night = night("2012-05-10");
        let mut opinions = Opinions::default();
        for (text, tier, segments, score) in [
            ("2012-05-10", "silver", &["trade", "hotel"][..], 10),
            ("2012-05-11", "silver", &["trade"], 10), // after the night
            ("2012-04-30", "member", &["trade"], 0),
            ("2011-05-31", "member", &[], 8), // before the trailing year
            ("2010-07-01", "member", &[], 9), // the first day of a month and quarter
            ("2010-03-31", "gold", &["hotel"], 6),
        ] {
            opinions.record(&night, day(text), tier, segments.iter().copied(), score).unwrap();
        }
        let told = |by: By, group: &str, period: &str| {
            let place = night.periods().position(|kept| kept.to_string() == period).unwrap();
            let Answers { promoters, passives, detractors } = opinions.of(by, group, place);
            [promoters, passives, detractors]
        };
        for (by, group, period, answers) in [
            (By::Total, "total", "2012-05", [1, 0, 0]),
            (By::Total, "total", "2012-04", [0, 0, 1]),
            (By::Total, "total", "2012-Q2", [1, 0, 1]),
            (By::Total, "total", "2012-05-T12M", [1, 0, 1]),
            (By::Total, "total", "2011", [0, 1, 0]),
            (By::Total, "total", "2010-07", [1, 0, 0]),
            (By::Total, "total", "2010-Q3", [1, 0, 0]),
            (By::Total, "total", "lifetime", [2, 1, 2]),
            (By::Tier, "silver", "lifetime", [1, 0, 0]),
            (By::Tier, "member", "lifetime", [1, 1, 1]),
            (By::Tier, "gold", "lifetime", [0, 0, 1]),
            (By::Segment, "trade", "2012", [1, 0, 1]),
            (By::Segment, "hotel", "lifetime", [1, 0, 1]),
            (By::Segment, "silver", "lifetime", [0, 0, 0]),
            (By::Joined, "2012-05", "lifetime", [0, 0, 0]),
        ] {
            assert_eq!(told(by, group, period), answers, "{} {group} {period}", by.name());
        }
        assert_eq!(opinions.record(&night, day("2012-05-10"), "gold", [], 11), Err(AnswerError::OutOfRange(11)));
    }
}
