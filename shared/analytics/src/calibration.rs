//! How well a model fitted on the past predicted what came after: the customers' histories at the cut, what to expect
//! of them, and what they did.

use crate::bg_nbd::BgNbd;
use crate::histogram::Histogram;
use crate::history::History;
use serde::{Deserialize, Serialize};

/// A customer at the cut, and how many purchases it made after it. Counted in a [`Histogram`], it merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Trial {
    /// What was known at the cut.
    pub history: History,
    /// Purchases after the cut.
    pub actual: u32,
}

/// Predicted against actual purchases of a tenth of the customers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Decile {
    /// How many customers it has: a tenth of all, to within one.
    pub customers: u64,
    /// Purchases that were predicted of them.
    pub predicted: f64,
    /// Purchases that they made. Not whole where customers of whom the same was predicted fell into two tenths: each
    /// then has its share of what they did.
    pub actual: f64,
}

/// How a model held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// From the tenth of whom the least was predicted to that of whom the most was.
    pub deciles: [Decile; 10],
    /// Customers.
    pub customers: u64,
    /// Purchases that were predicted.
    pub predicted: f64,
    /// Purchases that were made.
    pub actual: u128,
    /// Mean over the customers of how far the prediction was off, in purchases.
    pub mean_absolute_error: f64,
    /// Square root of the mean over the customers of the square of how far the prediction was off, in purchases.
    pub root_mean_square_error: f64,
}

impl Calibration {
    /// Holds the model against what happened within `time` units after the cut. Nothing without customers.
    pub fn new(model: &BgNbd, trials: &Histogram<Trial>, time: f64) -> Option<Self> {
        let mut groups = predicted(model, trials, time);
        let (mut off, mut off_square, mut actual) = (0.0, 0.0, 0_u128);
        for (trial, customers) in trials.iter() {
            // The groups are in the order of the histories still.
            let place = groups.binary_search_by(|group| group.history.cmp(&trial.history)).ok();
            let prediction = groups.get(place?)?.prediction;
            let error = prediction - f64::from(trial.actual);
            off += customers as f64 * error.abs();
            off_square += customers as f64 * error * error;
            actual = actual.saturating_add(u128::from(customers).saturating_mul(trial.actual.into()));
        }
        groups.sort_by(|one, other| one.prediction.total_cmp(&other.prediction));
        let total = trials.total();
        let deciles = deciles(&groups, total);
        (total > 0).then(|| Self {
            deciles,
            customers: total,
            predicted: groups.iter().map(|group| group.customers as f64 * group.prediction).sum(),
            actual,
            mean_absolute_error: off / total as f64,
            root_mean_square_error: (off_square / total as f64).sqrt(),
        })
    }

    /// How far the total was off, as a share of what happened: 0.05 is 5 % too many predicted. Nothing where nothing
    /// happened.
    pub fn total_error(&self) -> Option<f64> {
        (self.actual > 0).then(|| self.predicted / self.actual as f64 - 1.0)
    }
}

/// Customers with one history, of whom the same is predicted.
struct Group {
    history: History,
    prediction: f64,
    customers: u64,
    actual: f64,
}

/// The histories in their order, each with what is predicted of it.
fn predicted(model: &BgNbd, trials: &Histogram<Trial>, time: f64) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut shared = (None, 0.0);
    for (trial, customers) in trials.iter() {
        let history = trial.history;
        let actual = customers as f64 * f64::from(trial.actual);
        if let Some(group) = groups.last_mut().filter(|group| group.history == history) {
            group.customers = group.customers.saturating_add(customers);
            group.actual += actual;
            continue;
        }
        // Histories with the same frequency and age stand together and share the costly part.
        let key = Some((history.frequency(), history.age()));
        if shared.0 != key {
            shared = (key, model.expected_purchases_if_alive(history, time));
        }
        let prediction = model.probability_alive(history) * shared.1;
        groups.push(Group { history, prediction, customers, actual });
    }
    groups
}

/// The groups, in the order of what is predicted of them, dealt out to tenths of `total` customers.
fn deciles(groups: &[Group], total: u64) -> [Decile; 10] {
    let mut deciles = [Decile::default(); 10];
    let mut dealt = 0_u64;
    let mut upper = 0_u128;
    let mut groups = groups.iter().map(|group| (group, group.customers));
    let mut open = groups.next();
    for decile in &mut deciles {
        upper = upper.saturating_add(u128::from(total));
        let end = u64::try_from(upper / 10).unwrap_or(u64::MAX);
        while let Some((group, left)) = open.filter(|_| dealt < end) {
            let taken = left.min(end.saturating_sub(dealt));
            decile.customers = decile.customers.saturating_add(taken);
            decile.predicted += taken as f64 * group.prediction;
            decile.actual += group.actual * (taken as f64 / group.customers as f64);
            dealt = dealt.saturating_add(taken);
            open = if taken == left { groups.next() } else { Some((group, left.saturating_sub(taken))) };
        }
    }
    deciles
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
    use super::*;
    use crate::bg_nbd::Parameters;
    use proptest::prelude::*;
    use std::num::NonZeroU32;

    fn model() -> BgNbd {
        let parameters = Parameters { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };
        BgNbd::new(parameters, NonZeroU32::new(7).unwrap()).unwrap()
    }

    fn counted(trials: &[(u32, u32, u32)]) -> Histogram<Trial> {
        let mut histogram = Histogram::default();
        for (frequency, recency, actual) in trials {
            let recency = if *frequency == 0 { 0 } else { *recency };
            let history = History::new(*frequency, recency, 300).unwrap();
            histogram.record(Trial { history, actual: *actual }, 1).unwrap();
        }
        histogram
    }

    #[test]
    fn customers_of_whom_the_same_is_predicted_share_what_they_did() {
        // Fifteen alike, of whom three bought twice: every tenth has one and a half of them, to within one.
        let trials: Vec<_> = (0..15).map(|customer| (2, 200, if customer < 3 { 2 } else { 0 })).collect();
        let calibration = Calibration::new(&model(), &counted(&trials), 39.0).unwrap();
        assert_eq!(calibration.deciles.map(|decile| decile.customers), [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]);
        for decile in calibration.deciles {
            assert!((decile.actual / decile.customers as f64 - 0.4).abs() < 1e-12, "{decile:?}");
        }
        assert_eq!(calibration.actual, 6);
    }

    #[test]
    fn nobody_is_no_trial_and_no_purchase_no_error() {
        assert_eq!(Calibration::new(&model(), &Histogram::default(), 39.0), None);
        let idle = Calibration::new(&model(), &counted(&[(1, 20, 0)]), 39.0).unwrap();
        assert_eq!(idle.total_error(), None);
        assert!((idle.mean_absolute_error - idle.predicted).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_figures_are_those_of_the_customers_one_by_one(
            trials in prop::collection::vec((0_u32..6, 0_u32..300, 0_u32..5), 1..60),
        ) {
            let model = model();
            let calibration = Calibration::new(&model, &counted(&trials), 26.0).unwrap();
            let mut pairs: Vec<(f64, f64)> = trials.iter().map(|(frequency, recency, actual)| {
                let recency = if *frequency == 0 { 0 } else { *recency };
                let history = History::new(*frequency, recency, 300).unwrap();
                (model.expected_purchases(history, 26.0), f64::from(*actual))
            }).collect();
            pairs.sort_by(|one, other| one.partial_cmp(other).unwrap());
            let n = pairs.len();
            let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n as f64;
            let near = |ours: f64, theirs: f64| (ours - theirs).abs() < 1e-9 * (1.0 + theirs.abs());
            prop_assert!(near(calibration.predicted, n as f64 * mean(|pair| pair.0)));
            prop_assert!(near(calibration.actual as f64, n as f64 * mean(|pair| pair.1)));
            prop_assert!(near(calibration.mean_absolute_error, mean(|pair| (pair.0 - pair.1).abs())));
            let square = calibration.root_mean_square_error.powi(2);
            prop_assert!(near(square, mean(|pair| (pair.0 - pair.1).powi(2))));
            prop_assert_eq!(calibration.customers, n as u64);
            prop_assert!(near(calibration.deciles.iter().map(|decile| decile.actual).sum(), calibration.actual as f64));
            for (index, decile) in calibration.deciles.iter().enumerate() {
                let mine = &pairs[n * index / 10..n * (index + 1) / 10];
                prop_assert_eq!(decile.customers, mine.len() as u64);
                prop_assert!(near(decile.predicted, mine.iter().map(|pair| pair.0).sum()));
            }
        }
    }
}
