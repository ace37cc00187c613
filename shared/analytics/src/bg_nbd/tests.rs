#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
use super::*;
use crate::histogram::Histogram;
use proptest::prelude::*;

const DAYS: NonZeroU32 = NonZeroU32::new(7).unwrap();
const CDNOW: Parameters = Parameters { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };

fn model(parameters: Parameters) -> BgNbd {
    BgNbd::new(parameters, DAYS).unwrap()
}

fn history(frequency: u32, recency: u32, age: u32) -> History {
    History::new(frequency, recency, age).unwrap()
}

fn histogram(cells: &[(u32, u32, u32, u64)]) -> Histogram<History> {
    let mut histogram = Histogram::default();
    for (frequency, recency, age, customers) in cells {
        histogram.record(history(*frequency, *recency, *age), *customers).unwrap();
    }
    histogram
}

fn close(ours: f64, theirs: f64, relative: f64) -> bool {
    (ours - theirs).abs() <= relative * theirs.abs()
}

/// Uniform numbers in 0..1: the same on every run.
struct Chance(u64);

impl Chance {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (((self.0 >> 11) as f64) + 0.5) / (1_u64 << 53) as f64
    }

    fn waiting(&mut self, rate: f64) -> f64 {
        -self.uniform().ln() / rate
    }

    /// Gamma distributed with a whole shape: the sum of as many waiting times.
    fn gamma(&mut self, shape: u32) -> f64 {
        (0..shape).map(|_| self.waiting(1.0)).sum()
    }
}

/// What happens to customers of the model with `r` = 2, `a` = 1, `b` = 3 within `age` days.
fn simulated(customers: u32, alpha: f64, leaving: bool) -> Histogram<History> {
    let mut chance = Chance(7);
    let mut histogram = Histogram::default();
    for customer in 0..customers {
        let rate = chance.gamma(2) / alpha;
        let (one, other) = (chance.gamma(1), chance.gamma(3));
        let p = if leaving { one / (one + other) } else { 0.0 };
        let age = 200 + customer % 365;
        let (mut frequency, mut recency) = (0, 0.0);
        loop {
            let next = recency + chance.waiting(rate) * 7.0;
            if next > f64::from(age) {
                break;
            }
            (frequency, recency) = (frequency + 1, next);
            if chance.uniform() < p {
                break;
            }
        }
        histogram.record(history(frequency, recency as u32, age), 1).unwrap();
    }
    histogram
}

/// Integrals over all customers there may be, by brute force on a grid: the likelihood of a history, the part of it
/// where the customer is alive, and the purchases to expect of that part.
fn by_brute_force(Parameters { r, alpha, a, b }: Parameters, history: History, time: f64) -> (f64, f64, f64) {
    let (x, recency, age) =
        (f64::from(history.frequency()), f64::from(history.recency()) / 7.0, f64::from(history.age()) / 7.0);
    let (mut weights, mut all, mut alive, mut expected) = (0.0, 0.0, 0.0, 0.0);
    for i in -900..100 {
        let rate = (f64::from(i) * 0.1).exp();
        for j in -300..200 {
            let p = 1.0 / (1.0 + (-f64::from(j) * 0.2_f64).exp());
            let q = 1.0 / (1.0 + (f64::from(j) * 0.2_f64).exp());
            let weight = rate.powf(r) * (-alpha * rate).exp() * p.powf(a) * q.powf(b);
            let stays = weight * q.powf(x) * rate.powf(x) * (-rate * age).exp();
            let leaves =
                if x > 0.0 { weight * p * q.powf(x - 1.0) * rate.powf(x) * (-rate * recency).exp() } else { 0.0 };
            weights += weight;
            all += stays + leaves;
            alive += stays;
            expected += stays * -(-rate * p * time).exp_m1() / p;
        }
    }
    (all / weights, alive / all, expected / all)
}

#[test]
fn likelihood_probability_and_expectation_are_the_integrals_they_stand_for() {
    for (parameters, (frequency, recency, age)) in [
        (CDNOW, (2, 213, 272)),
        (CDNOW, (0, 0, 272)),
        (Parameters { r: 1.7, alpha: 9.0, a: 1.0, b: 0.6 }, (1, 3, 400)),
        (Parameters { r: 3.0, alpha: 12.0, a: 2.5, b: 8.0 }, (9, 350, 360)),
    ] {
        let history = history(frequency, recency, age);
        let model = model(parameters);
        let (likelihood, alive, expected) = by_brute_force(parameters, history, 39.0);
        let ours = model.log_likelihood(&histogram(&[(frequency, recency, age, 1)])).exp();
        assert!(close(ours, likelihood, 1e-6), "{ours} {likelihood}");
        assert!(close(model.probability_alive(history), alive, 1e-6), "{alive}");
        assert!(close(model.expected_purchases(history, 39.0), expected, 1e-6), "{expected}");
    }
}

#[test]
fn the_expectation_agrees_with_the_closed_form_in_sixty_digit_arithmetic() {
    // ρ, β, a, b, time and equation 10 without the probability alive (its limit where a = 1).
    for (rho, beta, a, b, time, expected) in [
        (0.243, 4.414, 0.793, 2.426, 39.0, 1.196723193320817),
        (0.243, 4.414, 0.793, 2.426, 520.0, 4.9746178618496595),
        (2.243, 43.274, 0.793, 4.426, 39.0, 1.687399305805313),
        (1.0, 1.0, 1.0, 1.0, 1.0, std::f64::consts::LN_2),
        (3.5, 20.0, 1.0, 7.0, 100.0, 8.526014148663142),
        (3.5, 20.0, 1.0000001, 7.0, 100.0, 8.526013652796095),
        (0.01, 0.01, 0.05, 0.1, 5000.0, 1840.1839616175232),
        (0.5, 0.001, 0.3, 0.7, 520.0, 5716.863641645078),
        (1000.2, 56.0, 0.79, 1002.4, 52.0, 704.6701993976675),
        (30.2, 56.0, 12.0, 400.0, 260.0, 35.68535118724175),
        (5.0, 10.0, 2000.0, 3000.0, 50.0, 2.490428280803034),
        (200.0, 4.0, 0.01, 300.0, 520.0, 25099.40136381801),
        (0.3, 0.0001, 5.0, 50.0, 520.0, 13.200961558999195),
        (2.0, 50.0, 0.8, 5.0, 0.001, 3.999983448392697e-05),
        (0.3, 2.0, 0.8, 1e-09, 5000.0, 0.9043762348584586),
        (0.3, 2.0, 1e-09, 0.5, 5000.0, 749.9999935389671),
        (3.0, 0.02, 1e-07, 1e-07, 5000.0, 375000.0026553805),
        (40.5, 0.5, 100000.0, 2e-06, 5000.0, 1.0000000000200002),
        (3.0, 0.02, 2.0, 10000000.0, 1000000000.0, 9999001.199582329),
        (20000.0, 5000.0, 80.0, 90000.0, 600.0, 997.3884519457143),
    ] {
        let purchases = Purchases { rho, beta, a, b };
        assert!(close(purchases.within(time), expected, 1e-9), "{purchases:?}: {}", purchases.within(time));
        let integral = purchases.by_integral(time / beta);
        assert!(close(integral, expected, 1e-9), "{purchases:?}: {integral}");
    }
}

#[test]
fn no_time_brings_no_purchase_and_endless_time_finitely_many() {
    assert_eq!(model(CDNOW).expected_purchases(history(2, 213, 272), 0.0), 0.0);
    assert_eq!(model(CDNOW).expected_purchases(history(2, 213, 272), -5.0), 0.0);
    assert_eq!(Purchases { rho: 1.0, beta: 1.0, a: 1.0, b: 1.0 }.by_integral(0.0), 0.0);
    let model = model(CDNOW);
    let endless = model.expected_purchases_of_newcomer(f64::INFINITY);
    assert!(endless.is_finite() && endless > model.expected_purchases_of_newcomer(1e6));
}

#[test]
fn a_fit_recovers_what_customers_were_made_of() {
    let fit = BgNbd::fit(&simulated(40_000, 10.0, true), DAYS).unwrap();
    let Parameters { r, alpha, a, b } = fit.model.parameters();
    for (ours, theirs) in [(r, 2.0), (alpha, 10.0), (a, 1.0), (b, 3.0)] {
        assert!(close(ours, theirs, 0.1), "{fit:?}");
    }
    assert_eq!(fit.customers, 40_000);
}

#[test]
fn a_history_where_nobody_leaves_is_named() {
    assert_eq!(BgNbd::fit(&simulated(2_000, 10.0, false), DAYS), Err(FitError::NobodyLeaves));
}

#[test]
fn where_nobody_leaves_the_limit_of_the_model_is_fitted() {
    let histories = simulated(40_000, 10.0, false);
    let fit = BgNbd::fit_without_leaving(&histories, DAYS).unwrap();
    let Parameters { r, alpha, a, .. } = fit.model.parameters();
    assert!(close(r, 2.0, 0.05) && close(alpha, 10.0, 0.05) && a == 0.0, "{fit:?}");
    assert!(close(fit.model.log_likelihood(&histories), fit.log_likelihood, 1e-12));
    // What hardly anyone leaves comes near it.
    let near = model(Parameters { r, alpha, a: 1e-9, b: 1.0 });
    assert!(close(near.log_likelihood(&histories), fit.log_likelihood, 1e-6));
    let regular = history(5, 200, 210);
    assert_eq!(fit.model.probability_alive(history(5, 20, 900)), 1.0);
    assert!(close(fit.model.expected_purchases(regular, 52.0), (r + 5.0) * 52.0 / (alpha + 30.0), 1e-12));
    assert!(close(near.expected_purchases(regular, 52.0), fit.model.expected_purchases(regular, 52.0), 1e-6));
    let few = BgNbd::fit_without_leaving(&histogram(&[(1, 3, 90, 49)]), DAYS);
    assert_eq!(few, Err(FitError::TooFewRepeatBuyers { found: 49 }));
}

#[test]
fn too_few_repeat_buyers_are_not_fitted() {
    for (cells, found) in [(vec![], 0), (vec![(0, 0, 90, 5_000)], 0), (vec![(0, 0, 9, 8), (1, 3, 90, 49)], 49)] {
        assert_eq!(BgNbd::fit(&histogram(&cells), DAYS), Err(FitError::TooFewRepeatBuyers { found }));
    }
}

#[test]
fn identical_customers_are_not_fitted_but_answered() {
    assert!(BgNbd::fit(&histogram(&[(3, 80, 90, 1_000)]), DAYS).is_err());
    assert!(BgNbd::fit(&histogram(&[(1, 0, 0, 1_000)]), DAYS).is_err());
}

#[test]
fn a_start_out_of_all_bounds_is_refused() {
    let start = Parameters { r: 1.0, alpha: f64::NAN, a: 1.0, b: 1.0 };
    assert_eq!(BgNbd::fit_from(&simulated(2_000, 10.0, true), DAYS, start), Err(FitError::RanAway));
    assert!(BgNbd::new(start, DAYS).is_err());
    assert!(BgNbd::new(Parameters { r: 0.0, ..CDNOW }, DAYS).is_err());
    assert!(BgNbd::new(Parameters { a: -1.0, ..CDNOW }, DAYS).is_err());
    assert!(BgNbd::new(Parameters { a: 0.0, ..CDNOW }, DAYS).is_ok());
}

#[test]
fn the_unit_of_time_changes_the_unit_only() {
    let histories = simulated(3_000, 10.0, true);
    let weeks = BgNbd::fit(&histories, DAYS).unwrap().model;
    let days = BgNbd::fit(&histories, NonZeroU32::MIN).unwrap().model;
    assert!(close(days.parameters().alpha, 7.0 * weeks.parameters().alpha, 1e-6));
    let history = history(3, 100, 300);
    assert!(close(days.expected_purchases(history, 91.0), weeks.expected_purchases(history, 13.0), 1e-6));
}

#[test]
fn weights_stand_for_customers() {
    let histories = simulated(1_000, 10.0, true);
    let one = BgNbd::fit(&histories, DAYS).unwrap();
    for weight in [10, 1_000_000_000] {
        let mut heavy = Histogram::default();
        histories.iter().for_each(|(history, customers)| heavy.record(history, weight * customers).unwrap());
        let many = BgNbd::fit(&heavy, DAYS).unwrap();
        assert!(close(many.log_likelihood, weight as f64 * one.log_likelihood, 1e-9));
        assert!(close(many.model.parameters().r, one.model.parameters().r, 1e-6));
    }
}

#[test]
fn horizons_out_of_bounds_are_refused() {
    for (months, month, discount) in
        [(0, 4.0, 0.1), (601, 4.0, 0.1), (12, 0.0, 0.1), (12, f64::NAN, 0.1), (12, 4.0, -0.1)]
    {
        assert_eq!(Horizon::new(months, month, discount), Err(HorizonError));
    }
}

fn parameters() -> impl Strategy<Value = Parameters> {
    let log = || (-3.0_f64..3.0).prop_map(f64::exp);
    (log(), log(), log(), log()).prop_map(|(r, alpha, a, b)| Parameters { r, alpha, a, b })
}

fn histories() -> impl Strategy<Value = History> {
    (0_u32..60, 0_u32..800, 0_u32..800).prop_map(|(frequency, one, other)| {
        let recency = if frequency == 0 { 0 } else { one.min(other) };
        history(frequency, recency, one.max(other))
    })
}

proptest! {
    #[test]
    fn slope_and_curvature_are_those_of_the_likelihood(parameters in parameters(), histories in
        prop::collection::vec((histories(), 1_u64..9), 1..9))
    {
        let mut histogram = Histogram::default();
        histories.iter().for_each(|(history, customers)| histogram.record(*history, *customers).unwrap());
        let likelihood = Likelihood::new(&histogram, DAYS);
        let logs = parameters.array().map(f64::ln);
        let here = likelihood.negative(&logs);
        for along in 0..4 {
            let beside = |step: f64| {
                let mut logs = logs;
                logs[along] += step;
                likelihood.negative(&logs)
            };
            let (before, after) = (beside(-1e-4), beside(1e-4));
            let slope = (after.value - before.value) / 2e-4;
            let scale = 1.0 + here.value.abs();
            prop_assert!((slope - here.gradient[along]).abs() < 1e-6 * scale, "{} {}", slope, here.gradient[along]);
            for other in 0..4 {
                let bent = (after.gradient[other] - before.gradient[other]) / 2e-4;
                let ours = here.hessian[along][other];
                prop_assert!((bent - ours).abs() < 1e-6 * scale, "{} {}: {} {}", along, other, bent, ours);
            }
        }
    }

    #[test]
    fn series_and_integral_agree(parameters in parameters(), history in histories(), time in 0.0_f64..400.0) {
        let purchases = model(parameters).purchases(history);
        let tau = time / purchases.beta;
        prop_assume!(purchases.rho * tau.ln_1p() < 600.0 && (1.0 + tau) * (purchases.rho + 35.0) < 9_000.0);
        let (series, integral) = (purchases.by_series(tau), purchases.by_integral(tau));
        prop_assert!(close(series, integral, 1e-9), "{} {}", series, integral);
    }

    #[test]
    fn the_probability_alive_is_one_and_rises_with_the_last_purchase(
        parameters in parameters(), history in histories(),
    ) {
        let model = model(parameters);
        let alive = model.probability_alive(history);
        prop_assert!((0.0..=1.0).contains(&alive));
        if history.frequency() > 0 && history.recency() < history.age() {
            let later = History::new(history.frequency(), history.recency() + 1, history.age()).unwrap();
            prop_assert!(model.probability_alive(later) >= alive);
        }
        let silent = History::new(history.frequency(), history.recency(), history.age() + 100).unwrap();
        prop_assert!(model.probability_alive(silent) <= alive);
    }

    #[test]
    fn expectations_rise_with_time_and_stay_below_those_of_the_immortal(
        parameters in parameters(), history in histories(), time in 0.01_f64..500.0, more in 0.01_f64..100.0,
    ) {
        let model = model(parameters);
        let (sooner, later) = (model.expected_purchases(history, time), model.expected_purchases(history, time + more));
        prop_assert!(0.0 < sooner && sooner < later * (1.0 + 1e-9), "{} {}", sooner, later);
        let immortal = (parameters.r + f64::from(history.frequency())) * time
            / (parameters.alpha + f64::from(history.age()) / 7.0);
        prop_assert!(model.expected_purchases_if_alive(history, time) <= immortal * (1.0 + 1e-9));
        let newcomer = model.expected_purchases_of_newcomer(time);
        prop_assert!(close(newcomer, model.expected_purchases(History::new(0, 0, 0).unwrap(), time), 1e-12));
    }

    #[test]
    fn discounting_takes_away_and_never_adds(history in histories(), months in 1_u16..40, rate in 0.0_f64..1.0) {
        let model = model(CDNOW);
        let horizon = |rate: f64| Horizon::new(months, 4.348, rate).unwrap();
        let plain = model.discounted_purchases_if_alive(history, &horizon(0.0));
        let discounted = model.discounted_purchases_if_alive(history, &horizon(rate));
        let least = plain * (1.0 + rate).powf(-f64::from(months) / 12.0);
        prop_assert!(least * (1.0 - 1e-9) <= discounted && discounted <= plain * (1.0 + 1e-9));
    }
}
