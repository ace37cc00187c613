//! The yardstick of the models: the 2,357 customers of CDNOW give the figures that the papers publish, from wherever
//! the search starts; and what was predicted of them is held against what they did in the 39 weeks after.
//!
//! The files are read from `GUILDER_DATA`. Where they are missing this passes with a word about it, unless `CI` is
//! set.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods
)]

use analytics::bg_nbd::{self, BgNbd, Horizon};
use analytics::calibration::{Calibration, Trial};
use analytics::gamma_gamma::{self, GammaGamma};
use analytics::histogram::Histogram;
use analytics::history::History;
use analytics::lifetime_value::{Forecast, Valuation};
use analytics::spend::{CORRELATION_MAX, Spend};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// The file has weeks with two decimals.
const TICKS: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// The file, if it is there. CI must have it.
fn file(name: &str) -> Option<PathBuf> {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("GUILDER_DATA").filter(|value| !value.is_empty()).map_or_else(usual, PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing; set GUILDER_DATA", path.display());
    println!("skipped: {} is missing; set GUILDER_DATA", path.display());
    None
}

struct Customer {
    id: u32,
    history: History,
    /// Of all repeat purchases, in cents.
    spend: i64,
}

/// `1.50` as 150.
fn hundredths(text: &str) -> u32 {
    text.replace('.', "").parse().unwrap()
}

fn customers() -> Option<Vec<Customer>> {
    let path = file("cdnow-summary.csv")?;
    let rows = csv::Reader::from_path(path).unwrap().into_records().map(|row| {
        let row = row.unwrap();
        let frequency: u32 = row[1].parse().unwrap();
        let history = History::new(frequency, hundredths(&row[2]), hundredths(&row[3])).unwrap();
        Customer { id: row[0].parse().unwrap(), history, spend: i64::from(hundredths(&row[4]) * frequency) }
    });
    let customers: Vec<_> = rows.collect();
    assert_eq!(customers.len(), 2_357);
    Some(customers)
}

fn histories(customers: &[Customer]) -> Histogram<History> {
    let mut histogram = Histogram::default();
    customers.iter().for_each(|customer| histogram.record(customer.history, 1).unwrap());
    histogram
}

fn spend(customers: &[Customer]) -> Spend {
    let mut spend = Spend::default();
    customers.iter().for_each(|customer| spend.record(customer.history.frequency(), customer.spend).unwrap());
    spend
}

/// To as many decimals as are published.
fn assert_published(ours: f64, published: &str) {
    let decimals = published.split_once('.').unwrap().1.len();
    assert_eq!(format!("{ours:.decimals$}"), published);
}

#[test]
fn purchases_of_cdnow() {
    let Some(customers) = customers() else { return };
    let fit = BgNbd::fit(&histories(&customers), TICKS).unwrap();
    let bg_nbd::Parameters { r, alpha, a, b } = fit.model.parameters();
    println!("r {r} α {alpha} a {a} b {b} ln L {} in {} steps", fit.log_likelihood, fit.steps);
    for (ours, published) in [(r, "0.243"), (alpha, "4.414"), (a, "0.793"), (b, "2.426")] {
        assert_published(ours, published);
    }
    assert_published(fit.log_likelihood, "-9582.4");
    let expected = fit.model.expected_purchases(History::new(2, 3_043, 3_886).unwrap(), 39.0);
    println!("purchases in the next 39 weeks: {expected}");
    assert_published(expected, "1.226");
}

/// 625 starts over four orders of magnitude in each parameter.
#[test]
fn purchases_of_cdnow_from_anywhere() {
    let Some(customers) = customers() else { return };
    let histories = histories(&customers);
    let best = BgNbd::fit(&histories, TICKS).unwrap().model.parameters();
    let scale = [0.01, 0.1, 1.0, 10.0, 100.0];
    let (mut apart, mut steps) = (0.0_f64, 0);
    for r in scale {
        for alpha in scale {
            for (a, b) in scale.iter().flat_map(|a| scale.map(|b| (*a, b))) {
                let start = bg_nbd::Parameters { r, alpha, a, b };
                let fit = BgNbd::fit_from(&histories, TICKS, start).unwrap();
                let found = fit.model.parameters();
                let pairs = [(found.r, best.r), (found.alpha, best.alpha), (found.a, best.a), (found.b, best.b)];
                apart = pairs.iter().fold(apart, |apart, (one, other)| apart.max((one / other - 1.0).abs()));
                steps = steps.max(fit.steps);
                assert!(apart < 1e-5, "{start:?}: {fit:?}");
            }
        }
    }
    println!("625 starts: parameters within {apart:.1e} of each other, at most {steps} steps");
}

#[test]
fn spend_of_cdnow() {
    let Some(customers) = customers() else { return };
    let spend = spend(&customers);
    assert_eq!((spend.buyers(), spend.left_out()), (946, 2_357 - 946));
    let fit = GammaGamma::fit(&spend).unwrap();
    let gamma_gamma::Parameters { p, q, gamma } = fit.model.parameters();
    println!("p {p} q {q} γ {} in {} steps", gamma / 100.0, fit.steps);
    for (ours, published) in [(p, "6.25"), (q, "3.74"), (gamma / 100.0, "15.45")] {
        assert_published(ours, published);
    }
    let alone = |customer: &Customer| fit.model.log_likelihood(&self::spend(std::slice::from_ref(customer)));
    let one_by_one: f64 = customers.iter().map(alone).sum();
    println!("ln L {} by cells, {one_by_one} one by one", fit.log_likelihood);
    assert!((fit.log_likelihood - one_by_one).abs() < 946.0 * 1e-5);
    let correlation = spend.correlation().unwrap();
    assert_published(correlation, "0.11");
    assert!(correlation < CORRELATION_MAX);
}

#[test]
fn spend_of_cdnow_from_anywhere() {
    let Some(customers) = customers() else { return };
    let spend = spend(&customers);
    let best = GammaGamma::fit(&spend).unwrap().model.parameters();
    let scale = [0.01, 0.1, 1.0, 10.0, 100.0];
    let (mut apart, mut steps) = (0.0_f64, 0);
    for p in scale {
        for (q, dollars) in scale.iter().flat_map(|q| scale.map(|dollars| (*q, dollars))) {
            let start = gamma_gamma::Parameters { p, q, gamma: 100.0 * dollars };
            let fit = GammaGamma::fit_from(&spend, start);
            let found = fit.unwrap_or_else(|error| panic!("{start:?}: {error}")).model.parameters();
            let pairs = [(found.p, best.p), (found.q, best.q), (found.gamma, best.gamma)];
            apart = pairs.iter().fold(apart, |apart, (one, other)| apart.max((one / other - 1.0).abs()));
            steps = steps.max(fit.unwrap().steps);
            assert!(apart < 1e-5, "{start:?}: {fit:?}");
        }
    }
    println!("125 starts: parameters within {apart:.1e} of each other, at most {steps} steps");
}

/// Purchases of each customer on the days after the 39 weeks that the models are fitted on.
fn purchases_after(cut: u32) -> Option<BTreeMap<u32, u32>> {
    let text = std::fs::read_to_string(file("cdnow-sample.txt")?).unwrap();
    let mut days = BTreeSet::new();
    for line in text.lines() {
        let fields: Vec<u32> = line.split_whitespace().take(3).map(|field| field.parse().unwrap()).collect();
        days.insert((fields[1], fields[2]));
    }
    let mut purchases = BTreeMap::new();
    days.into_iter().filter(|(_, day)| *day > cut).for_each(|(id, _)| *purchases.entry(id).or_default() += 1);
    Some(purchases)
}

#[test]
fn what_was_predicted_of_cdnow_came_about() {
    let (Some(customers), Some(purchases)) = (customers(), purchases_after(19_970_930)) else { return };
    let model = BgNbd::fit(&histories(&customers), TICKS).unwrap().model;
    let mut trials = Histogram::default();
    for customer in &customers {
        let actual = purchases.get(&customer.id).copied().unwrap_or(0);
        trials.record(Trial { history: customer.history, actual }, 1).unwrap();
    }
    let calibration = Calibration::new(&model, &trials, 39.0).unwrap();
    println!("{calibration:#?}\ntotal error {:?}", calibration.total_error());
    assert_eq!(calibration.actual, 1_882);
    // The model itself falls short here: by week 78 by 4 % of all 4,339 repeat purchases, taken over the whole cohort
    // without regard to what each had done.
    let after = |more: f64| {
        let ages = customers.iter().map(|customer| f64::from(customer.history.age()) / 100.0);
        ages.map(|age| model.expected_purchases_of_newcomer(age + more)).sum::<f64>()
    };
    assert_published(after(39.0) / 4_339.0 - 1.0, "-0.04");
    let cohort = after(39.0) - after(0.0);
    assert!((calibration.predicted / cohort - 1.0).abs() < 0.02, "{cohort}");
    assert_published(calibration.total_error().unwrap(), "-0.12");
    let last = calibration.deciles.last().unwrap();
    assert!((last.predicted / last.actual - 1.0).abs() < 0.1, "{last:?}");
}

#[test]
fn the_lifetime_value_of_cdnow_is_finite_and_above_that_of_a_year() {
    let Some(customers) = customers() else { return };
    let forecast = Forecast {
        purchases: BgNbd::fit(&histories(&customers), TICKS).unwrap().model,
        spend: GammaGamma::fit(&spend(&customers)).unwrap().model,
        horizon: Horizon::new(120, 365.25 / 12.0 / 7.0, 0.1).unwrap(),
    };
    let mut valuation = Valuation::new(forecast);
    for customer in &customers {
        let value = valuation.value(customer.history, customer.history.frequency(), customer.spend as f64).unwrap();
        assert!(
            0.0 < value.of_year() && value.of_year() < value.of_lifetime() && value.of_lifetime() < 1e7,
            "{value:?}"
        );
    }
}
