//! Points that end when the account was inactive for long enough.
//!
//! All of them that last so many months end together, with the month so many months after that of the account's latest
//! activity. A streak is the time from an activity on in which that never came: an order, or points that are given,
//! moves its end on, and with it the ends of the lots. So a lot's end is as good as a date at any instant, and nothing
//! but a commit of the account changes it; what has ended stays ended, whatever order becomes known later.

use super::{End, Holdings, Lot};
use crate::money::{Overflow, Points};
use crate::time::{Calendar, Day, Instant};

/// A time in which an account was never inactive for as long as some of its points last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streak {
    /// How long these last: months without activity after which they end.
    pub months: u16,
    /// `now` of the decision that began it: points that were decided on earlier ended with an earlier one.
    pub since: Instant,
    /// Day of its earliest activity that is known: what it brought may have other terms, or have ended by itself.
    pub first: Day,
    /// When it ends, as things stand.
    pub ends_at: Instant,
}

impl Holdings {
    /// The same, with these streaks, each of its own number of months.
    #[must_use]
    pub fn with_streaks(self, mut streaks: Vec<Streak>) -> Self {
        streaks.sort_by_key(|streak| streak.months);
        Self { streaks, ..self }
    }

    /// Its streaks, ascending by months. One that has ended holds no points, and goes with the next activity.
    pub fn streaks(&self) -> &[Streak] {
        &self.streaks
    }

    /// The streak of so many months that goes on at `now`.
    pub(crate) fn streak(&self, months: u16, now: Instant) -> Option<&Streak> {
        self.streaks.iter().find(|streak| streak.months == months && streak.ends_at > now)
    }

    /// Notes that the account was active on `day`, which moves the ends on that hang on it, never back. Answers what
    /// lasts longer now, and how long.
    pub(crate) fn prolong(&mut self, day: Day, calendar: &Calendar, now: Instant) -> Result<Vec<Lot>, Overflow> {
        self.streaks.retain(|streak| streak.ends_at > now);
        let mut prolonged = Vec::new();
        for streak in &mut self.streaks {
            let ends_at = calendar.end_of_month_after_day(day, streak.months);
            if ends_at <= streak.ends_at {
                continue;
            }
            streak.ends_at = ends_at;
            let (months, mut points) = (Some(streak.months), Points::ZERO);
            let lots = self.lots.iter_mut().map(|lot| (lot.inactivity_months, &mut lot.expires_at, lot.points));
            let waits = self.pending.iter_mut().map(|wait| (wait.inactivity_months, &mut wait.expires_at, wait.points));
            for (_, expires_at, moved) in lots.chain(waits).filter(|(of, ..)| *of == months) {
                *expires_at = ends_at;
                points = points.plus(moved)?;
            }
            if points > Points::ZERO {
                prolonged.push(Lot { expires_at: ends_at, inactivity_months: months, points });
            }
        }
        if !prolonged.is_empty() {
            self.sort();
        }
        Ok(prolonged)
    }

    /// Where points go that last so many months without activity, and that an activity on `day` brings, once that has
    /// been noted. `latest` is the latest order known before.
    ///
    /// Those of a late order may have ended before the streak began: then they end in the past, as if it had come in
    /// time.
    pub(crate) fn join(
        &mut self,
        months: u16,
        day: Day,
        latest: Option<Day>,
        calendar: &Calendar,
        now: Instant,
    ) -> End {
        let alone = calendar.end_of_month_after_day(day, months);
        let reaches = |other: Day| alone > now || alone > calendar.start_of_day(other);
        let end = |expires_at| End { expires_at, inactivity_months: Some(months) };
        if let Some(streak) = self.streaks.iter_mut().find(|streak| streak.months == months) {
            if !reaches(streak.first) {
                return end(alone);
            }
            streak.first = streak.first.min(day);
            return end(streak.ends_at);
        }
        let last = latest.filter(|latest| reaches(*latest)).map_or(day, |latest| latest.max(day));
        let ends_at = calendar.end_of_month_after_day(last, months);
        if ends_at > now {
            // What was placed before that order, and would still have lived then, would have lived until this day.
            let leads_here =
                |before: &Day| calendar.end_of_month_after_day(*before, months) > calendar.start_of_day(day);
            let first = latest.filter(leads_here).map_or(day, |latest| latest.min(day));
            let place = self.streaks.partition_point(|streak| streak.months < months);
            self.streaks.insert(place, Streak { months, since: now, first, ends_at });
        }
        end(ends_at)
    }
}

#[cfg(test)]
mod tests;
