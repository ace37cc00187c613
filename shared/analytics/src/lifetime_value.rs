//! Customer lifetime value: the purchases to expect times what each is expected to bring.
//!
//! Revenue, not margin: the margin rate is the program's and applied by the caller. The two factors are taken as
//! independent, see [`crate::spend::CORRELATION_MAX`].

use crate::bg_nbd::{BgNbd, Horizon};
use crate::gamma_gamma::GammaGamma;
use crate::histogram::Overflow;
use crate::history::History;
use std::collections::BTreeMap;

/// What is needed to value a customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// How often customers buy.
    pub purchases: BgNbd,
    /// What they spend.
    pub spend: GammaGamma,
    /// How far a lifetime is counted.
    pub horizon: Horizon,
}

/// A customer's value and what it comes from. Amounts are minor units, unrounded; see [`minor`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LifetimeValue {
    /// The probability, 0 to 1, that it has not left for good.
    pub probability_alive: f64,
    /// Purchases to expect in the next 12 months.
    pub purchases_of_year: f64,
    /// Purchases to expect within the horizon, each discounted to today.
    pub purchases_discounted: f64,
    /// What to expect per purchase.
    pub mean_spend: f64,
}

impl LifetimeValue {
    /// Revenue to expect in the next 12 months, not discounted.
    pub fn of_year(&self) -> f64 {
        self.purchases_of_year * self.mean_spend
    }

    /// Revenue to expect within the horizon, discounted to today.
    pub fn of_lifetime(&self) -> f64 {
        self.purchases_discounted * self.mean_spend
    }
}

impl Forecast {
    /// The value of a customer whose spend is known of `purchases` purchases: `spend` minor units for all of them. They
    /// are to be those that the model of spend was fitted on, such as the repeat purchases. Nothing where the model
    /// gives its spend no finite mean. For many customers see [`Valuation`].
    pub fn value(&self, history: History, purchases: u32, spend: f64) -> Option<LifetimeValue> {
        self.value_with(&self.if_alive(history), history, purchases, spend)
    }

    fn if_alive(&self, history: History) -> IfAlive {
        IfAlive {
            of_year: self.purchases.expected_purchases_if_alive(history, self.horizon.year()),
            discounted: self.purchases.discounted_purchases_if_alive(history, &self.horizon),
        }
    }

    fn value_with(&self, if_alive: &IfAlive, history: History, purchases: u32, spend: f64) -> Option<LifetimeValue> {
        let probability_alive = self.purchases.probability_alive(history);
        Some(LifetimeValue {
            probability_alive,
            purchases_of_year: probability_alive * if_alive.of_year,
            purchases_discounted: probability_alive * if_alive.discounted,
            mean_spend: self.spend.expected_spend(purchases, spend)?,
        })
    }
}

/// Purchases to expect of whoever, with one frequency and age, is alive.
#[derive(Debug, Clone, Copy)]
struct IfAlive {
    of_year: f64,
    discounted: f64,
}

/// The values of many customers. The costly part depends on frequency and age only, so it is kept: the cost grows
/// with the combinations of these, of which there are far fewer than customers.
#[derive(Debug, Clone)]
pub struct Valuation {
    forecast: Forecast,
    kept: BTreeMap<(u32, u32), IfAlive>,
}

impl Valuation {
    /// One that has valued nobody yet.
    pub const fn new(forecast: Forecast) -> Self {
        Self { forecast, kept: BTreeMap::new() }
    }

    /// The same as [`Forecast::value`], to the last bit. What is to expect per purchase is linear in the spend: of
    /// customers with one history, the mean spend gives the mean value.
    pub fn value(&mut self, history: History, purchases: u32, spend: f64) -> Option<LifetimeValue> {
        let forecast = self.forecast;
        let if_alive =
            self.kept.entry((history.frequency(), history.age())).or_insert_with(|| forecast.if_alive(history));
        forecast.value_with(if_alive, history, purchases, spend)
    }
}

/// An amount in whole minor units, rounded half away from zero.
///
/// Fails with [`Overflow`] for what is not a number or beyond `2^53`, where floats no longer tell whole numbers
/// apart.
pub fn minor(amount: f64) -> Result<i64, Overflow> {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    let rounded = amount.round();
    // A float within these bounds is a whole number that fits.
    (rounded.abs() <= WHOLE).then_some(rounded as i64).ok_or(Overflow)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{bg_nbd, gamma_gamma};
    use std::num::NonZeroU32;

    fn forecast(yearly_discount: f64) -> Forecast {
        let purchases = bg_nbd::Parameters { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };
        let spend = gamma_gamma::Parameters { p: 6.25, q: 3.74, gamma: 1_545.0 };
        Forecast {
            purchases: BgNbd::new(purchases, NonZeroU32::new(7).unwrap()).unwrap(),
            spend: GammaGamma::new(spend).unwrap(),
            horizon: Horizon::new(24, 52.0 / 12.0, yearly_discount).unwrap(),
        }
    }

    #[test]
    fn value_is_purchases_times_spend() {
        let forecast = forecast(0.1);
        let history = History::new(2, 213, 272).unwrap();
        let value = forecast.value(history, 2, 4_470.0).unwrap();
        let purchases = forecast.purchases.expected_purchases(history, 52.0);
        assert!((value.purchases_of_year / purchases - 1.0).abs() < 1e-9);
        assert!((value.mean_spend - 6.25 * (1_545.0 + 4_470.0) / (6.25 * 2.0 + 2.74)).abs() < 1e-9);
        assert!((value.of_year() - purchases * value.mean_spend).abs() < 1e-6);
        assert!(value.of_lifetime() > value.of_year());
    }

    #[test]
    fn a_lifetime_is_the_sum_of_its_months_each_discounted_at_its_end() {
        let history = History::new(5, 200, 250).unwrap();
        let undiscounted = forecast(0.0).value(history, 5, 9_000.0).unwrap().purchases_discounted;
        let plain = forecast(0.0).purchases.expected_purchases(history, 104.0);
        assert!((undiscounted / plain - 1.0).abs() < 1e-9);
        let forecast = forecast(0.21);
        let within = |months: f64| forecast.purchases.expected_purchases(history, months * 52.0 / 12.0);
        let months = (1..=24).map(f64::from);
        let direct: f64 = months.map(|k| (within(k) - within(k - 1.0)) / 1.21_f64.powf(k / 12.0)).sum();
        let discounted = forecast.value(history, 5, 9_000.0).unwrap().purchases_discounted;
        assert!((discounted / direct - 1.0).abs() < 1e-9);
        assert!(discounted < undiscounted);
    }

    #[test]
    fn many_are_valued_as_each_alone() {
        let forecast = forecast(0.1);
        let mut valuation = Valuation::new(forecast);
        for (frequency, recency, age, spend) in
            [(2, 213, 272, 4_470.0), (2, 9, 272, 70.0), (0, 0, 272, 0.0), (2, 213, 280, 9.0)]
        {
            let history = History::new(frequency, recency, age).unwrap();
            assert_eq!(valuation.value(history, frequency, spend), forecast.value(history, frequency, spend));
        }
        assert_eq!(valuation.kept.len(), 3);
    }

    #[test]
    fn amounts_are_rounded_half_away_from_zero_and_bounded() {
        for (amount, rounded) in [(0.5, Ok(1)), (-0.5, Ok(-1)), (2.49, Ok(2)), (f64::NAN, Err(Overflow))] {
            assert_eq!(minor(amount), rounded);
        }
        assert_eq!(minor(9_007_199_254_740_992.0), Ok(1 << 53));
        assert_eq!(minor(-9_007_199_254_740_994.0), Err(Overflow));
        assert_eq!(minor(f64::INFINITY), Err(Overflow));
    }
}
