//! What an account was given by rules that are capped per account and period.
//!
//! Part of the hot item, and only there where a program has such rules. A counter is kept while its period runs and one
//! period longer, for orders that come late; whatever is older is over ([`CounterKey::is_over`]) and can be forgotten:
//! nothing is given for it any more. So there are three counters of a rule at most (the third of an order that is a day
//! ahead of its time), and [`COUNTERS_MAX`] in all.

use crate::id::RuleId;
use crate::money::{Overflow, Points};
use crate::time::Month;

/// Most counters of an account: it bounds the hot item.
pub const COUNTERS_MAX: usize = 16;

/// What a counter counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CounterKey {
    /// What which rule gives.
    pub rule: RuleId,
    /// In how many months; 0: ever.
    pub months: u16,
    /// In which of all such periods.
    pub period: i32,
}

/// What a rule gave an account in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// What it counts.
    pub key: CounterKey,
    /// How much.
    pub used: Used,
}

/// How much a rule gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Points.
    pub points: Points,
    /// On how many orders.
    pub times: u64,
}

impl CounterKey {
    /// The counter of a rule for a month.
    pub fn of(rule: RuleId, months: u16, month: Month) -> Self {
        Self { rule, months, period: period(months, month) }
    }

    /// Whether it counts what a rule gives by such periods.
    pub fn is_of(&self, rule: &RuleId, months: u16) -> bool {
        (&self.rule, self.months) == (rule, months)
    }

    /// Whether it is of a period before the last one, as seen from a month.
    pub fn is_over(&self, now: Month) -> bool {
        self.months > 0 && self.period < period(self.months, now).saturating_sub(1)
    }
}

fn period(months: u16, month: Month) -> i32 {
    month.0.checked_div_euclid(months.into()).unwrap_or(0)
}

/// The counters of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters(Vec<Counter>);

impl Counters {
    /// These counters, in any order.
    pub fn of(mut counters: Vec<Counter>) -> Self {
        counters.sort_by(|one, other| one.key.cmp(&other.key));
        Self(counters)
    }

    /// All of them, by rule and period.
    pub fn all(&self) -> &[Counter] {
        &self.0
    }

    /// What was given so far.
    pub fn get(&self, key: &CounterKey) -> Used {
        self.place(key).ok().and_then(|place| self.0.get(place)).map_or_else(Used::default, |counter| counter.used)
    }

    /// Whether that can be counted here: what cannot, cannot be given.
    pub fn has_room(&self, key: &CounterKey, now: Month, is_kept: impl Fn(&CounterKey) -> bool) -> bool {
        let others = self.0.iter().filter(|counter| !counter.key.is_over(now) && is_kept(&counter.key));
        self.place(key).is_ok() || others.count() < COUNTERS_MAX
    }

    /// Adds what a rule gave once more, and forgets what is over at `now`. Where that leaves no room, counters go that
    /// no rule of now is capped by (`is_kept`).
    pub fn count(
        &mut self,
        key: CounterKey,
        points: Points,
        now: Month,
        is_kept: impl Fn(&CounterKey) -> bool,
    ) -> Result<(), Overflow> {
        self.0.retain(|counter| !counter.key.is_over(now));
        if self.0.len() >= COUNTERS_MAX {
            self.0.retain(|counter| is_kept(&counter.key));
        }
        let place = match self.place(&key) {
            Ok(place) => place,
            Err(place) => {
                self.0.insert(place, Counter { key, used: Used::default() });
                place
            }
        };
        if let Some(Counter { used, .. }) = self.0.get_mut(place) {
            used.points = used.points.plus(points)?;
            used.times = used.times.checked_add(1).ok_or(Overflow)?;
        }
        Ok(())
    }

    fn place(&self, key: &CounterKey) -> Result<usize, usize> {
        self.0.binary_search_by(|counter| counter.key.cmp(key))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    use super::*;

    fn key(rule: &str, months: u16, month: &str) -> CounterKey {
        CounterKey::of(RuleId::parse(rule).unwrap(), months, Month::parse(month).unwrap())
    }

    fn month(text: &str) -> Month {
        Month::parse(text).unwrap()
    }

    #[test]
    fn a_period_is_over_once_the_one_after_it_is() {
        for (months, of, last) in [
            (1, "2026-01", "2026-02"),
            (3, "2026-01", "2026-06"),
            (3, "2026-03", "2026-06"),
            (12, "2026-12", "2027-12"),
        ] {
            let key = key("r", months, of);
            assert!(!key.is_over(month(of)) && !key.is_over(month(last)), "{key:?}");
            assert!(key.is_over(month(last).plus(1)), "{key:?}");
        }
        assert!(!key("r", 0, "2026-01").is_over(month("2200-01")));
        assert_eq!(key("r", 0, "2026-01"), key("r", 0, "2031-05"));
        assert_eq!(key("r", 3, "2026-04"), key("r", 3, "2026-06"));
        assert_ne!(key("r", 3, "2026-03"), key("r", 3, "2026-04"));
    }

    #[test]
    fn what_is_over_is_forgotten_and_nothing_else_while_there_is_room() {
        let mut counters = Counters::default();
        let mut count = |key: CounterKey, now: &str| counters.count(key, Points(5), month(now), |_| false).unwrap();
        count(key("a", 1, "2026-01"), "2026-01");
        count(key("a", 1, "2026-01"), "2026-02");
        count(key("ever", 0, "2026-02"), "2026-02");
        count(key("a", 1, "2026-02"), "2026-02");
        assert_eq!(counters.get(&key("a", 1, "2026-01")), Used { points: Points(10), times: 2 });
        assert_eq!(counters.all().len(), 3);
        counters.count(key("b", 1, "2026-03"), Points(1), month("2026-03"), |_| false).unwrap();
        assert_eq!(counters.get(&key("a", 1, "2026-01")), Used::default());
        assert_eq!(counters.get(&key("a", 1, "2026-02")), Used { points: Points(5), times: 1 });
        assert_eq!(counters.all().len(), 3);
    }

    #[test]
    fn where_there_is_no_room_what_no_rule_is_capped_by_goes() {
        let now = month("2026-01");
        let mut counters = Counters::default();
        for number in 0..COUNTERS_MAX {
            counters.count(key(&format!("r-{number:02}"), 0, "2026-01"), Points(5), now, |_| true).unwrap();
        }
        let new = key("new", 0, "2026-01");
        assert!(!counters.has_room(&new, now, |_| true));
        assert!(counters.has_room(&key("r-03", 0, "2026-01"), now, |_| true), "it stands there");
        let is_kept = |key: &CounterKey| key.rule.as_str() != "r-03";
        assert!(counters.has_room(&new, now, is_kept));
        counters.count(new.clone(), Points(5), now, is_kept).unwrap();
        assert_eq!(counters.all().len(), COUNTERS_MAX);
        assert_eq!(counters.get(&new), Used { points: Points(5), times: 1 });
        assert_eq!(counters.get(&key("r-03", 0, "2026-01")), Used::default());
    }
}
