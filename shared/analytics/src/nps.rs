//! The Net Promoter Score of survey answers, with how far it can be trusted.

use crate::histogram::Overflow;
use crate::rate::Change;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

/// Of the standard normal distribution: 95 % lie within this many standard deviations.
pub const NORMAL_95: f64 = 1.959_963_984_540_054;

/// Survey answers from 0 to 10, as counts that merge in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// Answers of 9 and 10.
    pub promoters: u64,
    /// Answers of 7 and 8.
    pub passives: u64,
    /// Answers of 0 to 6.
    pub detractors: u64,
}

/// An answer that cannot be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Answers are 0 to 10.
    #[error("{0} is no answer: it must be 0 to 10")]
    OutOfRange(u8),
    /// Too many.
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

/// An interval, in points of the score, −100 to 100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Answers {
    /// Counts one answer, 0 to 10. Fails with [`AnswerError`], having counted nothing.
    pub fn record(&mut self, answer: u8) -> Result<(), AnswerError> {
        let count = match answer {
            0..=6 => &mut self.detractors,
            7..=8 => &mut self.passives,
            9..=10 => &mut self.promoters,
            _ => return Err(AnswerError::OutOfRange(answer)),
        };
        *count = count.checked_add(1).ok_or(Overflow)?;
        Ok(())
    }

    /// The answers of both. Fails with [`Overflow`].
    pub fn merged(&self, other: &Self) -> Result<Self, Overflow> {
        let sum = |of: fn(&Self) -> u64| of(self).checked_add(of(other)).ok_or(Overflow);
        Ok(Self {
            promoters: sum(|answers| answers.promoters)?,
            passives: sum(|answers| answers.passives)?,
            detractors: sum(|answers| answers.detractors)?,
        })
    }

    /// All answers; nothing where there are none, or more than fit a `u64`.
    fn total(&self) -> Option<NonZeroU64> {
        NonZeroU64::new(self.promoters.checked_add(self.passives)?.checked_add(self.detractors)?)
    }

    /// `(promoters − detractors) / answers`, exact; the score is that times 100, which [`Change::percent`] renders
    /// without a sign of percent: 70, 10 and 20 answers give `50`. Nothing without answers.
    pub fn score(&self) -> Option<Change> {
        let numerator = i128::from(self.promoters).saturating_sub(self.detractors.into());
        self.total().map(|denominator| Change { numerator, denominator })
    }

    /// The interval that holds the score of all customers with the confidence of `deviations` standard deviations of
    /// the normal distribution ([`NORMAL_95`] for 95 %). Nothing without answers.
    ///
    /// The adjusted Wald interval of B. Rocks, "Interval Estimation for the Net Promoter Score", The American
    /// Statistician 70 (2016): to promoters, passives and detractors are added ¾, 1½ and ¾; with the shares `p` and
    /// `d` of the `n` answers that makes, it is `p − d ± z · sqrt((p + d − (p − d)²) / n)`, cut to −1..1, times 100.
    /// Unlike the plain one it holds what it promises for few answers, and for answers that all agree.
    pub fn interval(&self, deviations: f64) -> Option<Interval> {
        self.total()?;
        let (promoters, detractors) = (self.promoters as f64 + 0.75, self.detractors as f64 + 0.75);
        let n = promoters + detractors + self.passives as f64 + 1.5;
        let (p, d) = (promoters / n, detractors / n);
        let deviation = deviations * ((p + d - (p - d) * (p - d)) / n).sqrt();
        let end = |score: f64| 100.0 * score.clamp(-1.0, 1.0);
        Some(Interval { low: end(p - d - deviation), high: end(p - d + deviation) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_worked_example_is_fifty() {
        let answers = Answers { promoters: 70, passives: 10, detractors: 20 };
        assert_eq!(answers.score().unwrap().percent(0), "50");
        // By hand: (70.75 − 20.75) / 103 ± 1.959964 · sqrt((91.5/103 − (50/103)²) / 103).
        let interval = answers.interval(NORMAL_95).unwrap();
        assert!((interval.low - 32.941_5).abs() < 1e-4, "{interval:?}");
        assert!((interval.high - 64.145_9).abs() < 1e-4, "{interval:?}");
    }

    #[test]
    fn each_answer_counts_where_it_belongs() {
        let mut answers = Answers::default();
        (0..=10).for_each(|answer| answers.record(answer).unwrap());
        assert_eq!(answers, Answers { promoters: 2, passives: 2, detractors: 7 });
        assert_eq!(answers.record(11), Err(AnswerError::OutOfRange(11)));
        assert_eq!(answers.score().unwrap().percent(1), "-45.5");
    }

    #[test]
    fn without_answers_there_is_no_score() {
        assert_eq!(Answers::default().score(), None);
        assert_eq!(Answers::default().interval(NORMAL_95), None);
        let many = Answers { promoters: u64::MAX, passives: 1, detractors: 0 };
        assert_eq!(many.score(), None);
        assert_eq!(many.merged(&many), Err(Overflow));
    }

    /// Covers the true score as often as it says, for few answers: every outcome of 12 answers, weighted by how
    /// likely it is.
    #[test]
    fn the_interval_holds_what_it_promises_for_few_answers() {
        const N: u64 = 12;
        let ln_factorial = |n: u64| (1..=n).map(|k| (k as f64).ln()).sum::<f64>();
        for (p, d) in [(0.5_f64, 0.2_f64), (0.3, 0.3), (0.6, 0.1), (0.8, 0.1)] {
            let mut covered = 0.0;
            for promoters in 0..=N {
                for detractors in 0..=N.saturating_sub(promoters) {
                    let passives = N.saturating_sub(promoters).saturating_sub(detractors);
                    let ways = ln_factorial(N)
                        - [promoters, passives, detractors].iter().map(|count| ln_factorial(*count)).sum::<f64>();
                    let shares =
                        promoters as f64 * p.ln() + detractors as f64 * d.ln() + passives as f64 * (1.0 - p - d).ln();
                    let interval = Answers { promoters, passives, detractors }.interval(NORMAL_95).unwrap();
                    if interval.low <= 100.0 * (p - d) && 100.0 * (p - d) <= interval.high {
                        covered += (ways + shares).exp();
                    }
                }
            }
            assert!((0.92..=0.99).contains(&covered), "{p} {d}: {covered}");
        }
    }

    proptest! {
        #[test]
        fn the_interval_lies_on_the_scale_and_narrows_with_answers(
            promoters in 0_u64..500, passives in 0_u64..500, detractors in 0_u64..500,
        ) {
            let answers = Answers { promoters, passives, detractors };
            prop_assume!(answers.total().is_some());
            let width = |answers: &Answers| {
                let interval = answers.interval(NORMAL_95).unwrap();
                assert!(-100.0 <= interval.low && interval.low <= interval.high && interval.high <= 100.0);
                interval.high - interval.low
            };
            let twice = answers.merged(&answers).unwrap();
            prop_assert_eq!(twice.score().unwrap().percent(9), answers.score().unwrap().percent(9));
            let four = twice.merged(&twice).unwrap();
            prop_assert!(width(&four) < width(&answers) + 1e-9);
        }
    }
}
