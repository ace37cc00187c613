#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
use super::*;
use crate::spend::Cell;
use proptest::prelude::*;

const CDNOW: Parameters = Parameters { p: 6.25, q: 3.74, gamma: 1_545.0 };

fn model(parameters: Parameters) -> GammaGamma {
    GammaGamma::new(parameters).unwrap()
}

fn close(ours: f64, theirs: f64, relative: f64) -> bool {
    (ours - theirs).abs() <= relative * theirs.abs()
}

/// Over all rates ν there may be, by brute force: the density of a mean spend `z` of `x` purchases, and the mean
/// `p/ν` to expect after it.
fn by_brute_force(Parameters { p, q, gamma }: Parameters, x: f64, z: f64) -> (f64, f64) {
    let shape = p * x;
    // Γ(shape) as an integral of its own, not by the code under test.
    let grid = || (-40_000..4_000).map(|i| f64::from(i) * 0.002);
    let ln_factorial = grid().map(|u| (shape * u - u.exp()).exp()).sum::<f64>().ln() + 0.002_f64.ln();
    let (mut weights, mut density, mut means) = (0.0, 0.0, 0.0);
    for u in grid() {
        let rate = u.exp();
        let weight = (q * u - gamma * rate).exp();
        // The mean of x purchases is gamma distributed with the shape px and the rate xν.
        let given = (shape * (x * rate).ln() + (shape - 1.0) * z.ln() - x * rate * z - ln_factorial).exp();
        weights += weight;
        density += weight * given;
        means += weight * given * p / rate;
    }
    (density / weights, means / density)
}

#[test]
fn likelihood_and_expectation_are_the_integrals_they_stand_for() {
    for (parameters, frequency, spend) in [
        (Parameters { p: 6.25, q: 3.74, gamma: 15.45 }, 2, 70_u32),
        (Parameters { p: 0.8, q: 1.4, gamma: 3.0 }, 1, 9),
        (Parameters { p: 2.0, q: 6.0, gamma: 40.0 }, 7, 90),
    ] {
        let (density, mean) = by_brute_force(parameters, f64::from(frequency), f64::from(spend) / f64::from(frequency));
        let mut one = Spend::default();
        one.add(&Cell { frequency, buyers: 1, spend: spend.into() }).unwrap();
        let model = model(parameters);
        assert!(close(model.log_likelihood(&one), density.ln(), 1e-7), "{density}");
        assert!(close(model.expected_spend(frequency, f64::from(spend)).unwrap(), mean, 1e-7), "{mean}");
    }
}

#[test]
fn without_repeat_purchase_only_the_mean_of_all_is_known() {
    let model = model(CDNOW);
    assert!(close(model.population_mean().unwrap(), 6.25 * 1_545.0 / 2.74, 1e-12));
    assert_eq!(model.expected_spend(0, 99_999.0), model.population_mean());
    assert_eq!(model.expected_spend(3, -5.0), model.expected_spend(3, 0.0));
}

#[test]
fn an_infinite_mean_is_no_answer() {
    let model = model(Parameters { p: 0.5, q: 0.9, gamma: 3.0 });
    assert_eq!(model.population_mean(), None);
    assert!(model.expected_spend(1, 10.0).is_some());
}

/// Spend at the quantiles of its distribution, 25 purchases each so that the shapes are told apart.
fn spread(p: f64) -> Spend {
    let mut spend = Spend::default();
    for buyer in 0..400_u32 {
        let share = (f64::from(buyer) + 0.5) / 400.0;
        // Log-logistic: heavy on the right, as spend is.
        let mean = 5_000.0 * (share / (1.0 - share)).powf(p);
        let frequency = 1 + buyer * 7 % 5;
        spend.record(frequency, (mean * f64::from(frequency)) as i64).unwrap();
    }
    spend
}

#[test]
fn the_currencys_minor_unit_changes_the_unit_only() {
    let cents = spread(0.5);
    let mut mills = Spend::default();
    cents.iter().for_each(|cell| mills.add(&Cell { spend: cell.spend * 1_000, ..cell }).unwrap());
    let (fine, coarse) = (GammaGamma::fit(&mills).unwrap(), GammaGamma::fit(&cents).unwrap());
    let (fine_mean, coarse_mean) =
        (fine.model.expected_spend(2, 9_000_000.0).unwrap(), coarse.model.expected_spend(2, 9_000.0).unwrap());
    assert!(close(fine_mean, 1_000.0 * coarse_mean, 1e-3), "{fine:?} {coarse:?}");
}

#[test]
fn limits_of_the_model_and_too_few_buyers_are_named() {
    let mut same = Spend::default();
    same.add(&Cell { frequency: 2, buyers: 500, spend: 500_000 }).unwrap();
    assert!(GammaGamma::fit(&same).is_err());
    let mut few = Spend::default();
    (1..50).for_each(|spend| few.record(1, spend).unwrap());
    assert_eq!(GammaGamma::fit(&few), Err(FitError::TooFewRepeatBuyers { found: 49 }));
    assert_eq!(GammaGamma::fit(&Spend::default()), Err(FitError::TooFewRepeatBuyers { found: 0 }));
    let start = Parameters { p: -1.0, ..CDNOW };
    assert_eq!(GammaGamma::fit_from(&spread(0.5), start), Err(FitError::RanAway));
}

proptest! {
    #[test]
    fn slope_and_curvature_are_those_of_the_likelihood(
        logs in [-2.0_f64..2.0, -2.0_f64..2.0, -2.0_f64..2.0],
        customers in prop::collection::vec((1_u32..9, 1_i64..99_999), 1..20),
    ) {
        let mut spend = Spend::default();
        customers.iter().for_each(|(frequency, minor)| spend.record(*frequency, *minor).unwrap());
        let likelihood = Likelihood::new(&spend);
        let here = likelihood.negative(&logs);
        let scale = 1.0 + here.value.abs();
        for along in 0..3 {
            let beside = |step: f64| {
                let mut logs = logs;
                logs[along] += step;
                likelihood.negative(&logs)
            };
            let (before, after) = (beside(-1e-4), beside(1e-4));
            let slope = (after.value - before.value) / 2e-4;
            prop_assert!((slope - here.gradient[along]).abs() < 1e-6 * scale, "{} {}", slope, here.gradient[along]);
            for other in 0..3 {
                let bent = (after.gradient[other] - before.gradient[other]) / 2e-4;
                prop_assert!((bent - here.hessian[along][other]).abs() < 1e-6 * scale);
            }
        }
    }

    #[test]
    fn the_expectation_lies_between_the_customers_own_mean_and_that_of_all(
        frequency in 1_u32..50, spend in 1_u32..10_000_000,
    ) {
        let model = model(CDNOW);
        let spend = f64::from(spend);
        let (own, all) = (spend / f64::from(frequency), model.population_mean().unwrap());
        let expected = model.expected_spend(frequency, spend).unwrap();
        prop_assert!(own.min(all) <= expected * (1.0 + 1e-12) && expected <= own.max(all) * (1.0 + 1e-12));
        prop_assert!(model.expected_spend(frequency, spend + 1.0).unwrap() > expected);
    }
}
