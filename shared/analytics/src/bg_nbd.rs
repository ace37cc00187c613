//! The BG/NBD model: how often customers buy, and when they stop.
//!
//! P. S. Fader, B. G. S. Hardie, K. L. Lee, "Counting Your Customers the Easy Way: An Alternative to the Pareto/NBD
//! Model", Marketing Science 24 (2005). While alive, a customer buys at random at a rate λ; after each repeat
//! purchase it leaves for good with probability p. Over all customers, λ is gamma distributed (shape r, rate α) and p
//! is beta distributed (a, b). A customer that never bought again cannot have left: its probability alive is 1 by
//! construction.

mod expectation;
mod likelihood;
#[cfg(test)]
mod tests;

use crate::fit::{Fit, FitError, ParameterError, REPEAT_BUYERS_MIN, checked};
use crate::histogram::Histogram;
use crate::history::History;
use crate::newton::{Stray, minimise};
use expectation::Purchases;
use likelihood::Likelihood;
use std::num::NonZeroU32;

/// The logarithm of a probability to leave that is none: one in 100,000 repeat purchases.
const NEVER: f64 = -11.5;

/// The parameters of the model, each above zero; only `a` may be zero, which means that nobody ever leaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Shape of the distribution of purchase rates.
    pub r: f64,
    /// Rate of the distribution of purchase rates, in units of time.
    pub alpha: f64,
    /// First shape of the distribution of the probability to leave; 0 where nobody does, whatever `b` is.
    pub a: f64,
    /// Second shape of the distribution of the probability to leave.
    pub b: f64,
}

impl Parameters {
    const fn array(self) -> [f64; 4] {
        [self.r, self.alpha, self.a, self.b]
    }

    const fn from_array([r, alpha, a, b]: [f64; 4]) -> Self {
        Self { r, alpha, a, b }
    }
}

/// The model with its parameters. Its unit of time is `ticks_per_unit` ticks of a [`History`] (7 days to the week,
/// say).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BgNbd {
    parameters: Parameters,
    ticks_per_unit: NonZeroU32,
}

impl BgNbd {
    /// The model with known parameters. Fails with [`ParameterError`] where one is outside `1e-12..=1e12` (`a` may be
    /// 0).
    pub fn new(parameters: Parameters, ticks_per_unit: NonZeroU32) -> Result<Self, ParameterError> {
        let Parameters { r, alpha, a, b } = parameters;
        checked([r, alpha, if a == 0.0 { 1.0 } else { a }, b]).map(|_| Self { parameters, ticks_per_unit })
    }

    /// The model under which the histories are the likeliest.
    ///
    /// Starts from the mean purchase rate and, should the search fail from there, from three other places; so the
    /// answer is a function of the histogram alone. Costs about ten passes over its cells. Converged: gradient and
    /// curvature say that the maximum is within 1e-5 standard errors.
    ///
    /// Fails with [`FitError`] where fewer than [`REPEAT_BUYERS_MIN`] bought again, nobody seems to have left, or no
    /// maximum was found.
    pub fn fit(histories: &Histogram<History>, ticks_per_unit: NonZeroU32) -> Result<Fit<Self>, FitError> {
        let likelihood = Likelihood::new(histories, ticks_per_unit);
        let rate = likelihood.mean_rate();
        let starts = [(0.5, 1.0, 2.0), (2.0, 1.0, 10.0), (0.1, 0.2, 0.5), (10.0, 5.0, 50.0)];
        let starts = starts.map(|(r, a, b)| Parameters { r, alpha: r / rate, a, b });
        let mut failure = FitError::RanAway;
        for start in starts {
            match Self::search(&likelihood, histories, ticks_per_unit, start) {
                // That nobody leaves says more than where another search got lost.
                Err(error) if failure != FitError::NobodyLeaves => failure = error,
                Err(_) => {}
                found => return found,
            }
        }
        Err(failure)
    }

    /// The same from one start of the caller's: the local maximum uphill from it.
    ///
    /// Fails with [`FitError`], see [`Self::fit`]; with [`FitError::RanAway`], too, where the start is out of all
    /// bounds.
    pub fn fit_from(
        histories: &Histogram<History>,
        ticks_per_unit: NonZeroU32,
        start: Parameters,
    ) -> Result<Fit<Self>, FitError> {
        Self::search(&Likelihood::new(histories, ticks_per_unit), histories, ticks_per_unit, start)
    }

    /// The limit of the model where nobody ever leaves (`a` is 0: the NBD model of Ehrenberg 1959), for histories
    /// that [`Self::fit`] answers with [`FitError::NobodyLeaves`]. All are alive; purchases to expect are
    /// `(r + x) t / (α + T)`. It says how often, and nothing of for how long, so it serves for the near future.
    ///
    /// Fails with [`FitError`] as the other does.
    pub fn fit_without_leaving(
        histories: &Histogram<History>,
        ticks_per_unit: NonZeroU32,
    ) -> Result<Fit<Self>, FitError> {
        repeat_buyers(histories)?;
        let likelihood = Likelihood::new(histories, ticks_per_unit);
        let start = [1.0, 1.0 / likelihood.mean_rate()].map(f64::ln);
        let minimum = minimise(start, |logs| likelihood.negative_without_leaving(logs))?;
        let [r, alpha] = minimum.point.map(f64::exp);
        let model = Self { parameters: Parameters { r, alpha, a: 0.0, b: 1.0 }, ticks_per_unit };
        Ok(Fit { model, log_likelihood: -minimum.value, customers: histories.total(), steps: minimum.steps })
    }

    fn search(
        likelihood: &Likelihood,
        histories: &Histogram<History>,
        ticks_per_unit: NonZeroU32,
        start: Parameters,
    ) -> Result<Fit<Self>, FitError> {
        repeat_buyers(histories)?;
        let start = checked(start.array()).map_err(|_| FitError::RanAway)?;
        let minimum = minimise(start.map(f64::ln), |logs| likelihood.negative(logs)).map_err(|stray| match stray {
            // The mean probability to leave is a/(a + b).
            Stray::RanAway([_, _, a, b]) if a - b < NEVER => FitError::NobodyLeaves,
            stray => stray.into(),
        })?;
        let parameters = Parameters::from_array(minimum.point.map(f64::exp));
        let model = Self { parameters, ticks_per_unit };
        Ok(Fit { model, log_likelihood: -minimum.value, customers: histories.total(), steps: minimum.steps })
    }

    /// Its parameters.
    pub const fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// How many ticks of a [`History`] make up its unit of time.
    pub const fn ticks_per_unit(&self) -> NonZeroU32 {
        self.ticks_per_unit
    }

    /// The natural logarithm of the likelihood of these histories (equation 6 of the paper, summed).
    pub fn log_likelihood(&self, histories: &Histogram<History>) -> f64 {
        let likelihood = Likelihood::new(histories, self.ticks_per_unit);
        -likelihood.negative(&self.parameters.array().map(f64::ln)).value
    }

    fn units(&self, ticks: u32) -> f64 {
        f64::from(ticks) / f64::from(self.ticks_per_unit.get())
    }

    /// The probability, 0 to 1, that the customer has not left for good; 1 where it never bought again or nobody
    /// leaves.
    ///
    /// `1 / (1 + a/(b + x − 1) · ((α + T)/(α + t_x))^(r + x))`, taken in logarithms so that nothing overflows.
    pub fn probability_alive(&self, history: History) -> f64 {
        let Parameters { r, alpha, a, b } = self.parameters;
        if history.frequency() == 0 || a == 0.0 {
            return 1.0;
        }
        let x = f64::from(history.frequency());
        let silence = ((alpha + self.units(history.age())) / (alpha + self.units(history.recency()))).ln();
        1.0 / (1.0 + (a.ln() - (b + x - 1.0).ln() + (r + x) * silence).exp())
    }

    /// Purchases to expect of a customer within `time` units after its first one (equation 9 of the paper).
    ///
    /// `time` below zero counts as zero, above a billion as that. Relative error at most 1e-9.
    pub fn expected_purchases_of_newcomer(&self, time: f64) -> f64 {
        let Parameters { r, alpha, a, b } = self.parameters;
        Purchases { rho: r, beta: alpha, a, b }.within(time)
    }

    /// Purchases to expect of the customer within the next `time` units (equation 10 of the paper).
    ///
    /// The product of [`Self::probability_alive`] and [`Self::expected_purchases_if_alive`].
    pub fn expected_purchases(&self, history: History, time: f64) -> f64 {
        self.probability_alive(history) * self.expected_purchases_if_alive(history, time)
    }

    /// Purchases to expect within the next `time` units of a customer that is known to be alive. Depends on frequency
    /// and age only, so a caller with many customers may compute it once for all that share these.
    ///
    /// `time` below zero counts as zero, above a billion as that. Relative error at most 1e-9.
    pub fn expected_purchases_if_alive(&self, history: History, time: f64) -> f64 {
        self.purchases(history).within(time)
    }

    /// The same, each purchase discounted to today: `Σ_k (1 + d)^(−k/12) · (F(k·m) − F((k−1)·m))` over the months
    /// `k = 1..=H` of the horizon, where `F` is [`Self::expected_purchases_if_alive`], `d` the yearly discount rate
    /// and `m` the length of a month. So a purchase is discounted as of the end of its month.
    ///
    /// Costs `H` times as much.
    pub fn discounted_purchases_if_alive(&self, history: History, horizon: &Horizon) -> f64 {
        let purchases = self.purchases(history);
        let mut sum = 0.0;
        let mut before = 0.0;
        for month in 1..=horizon.months {
            let until = purchases.within(f64::from(month) * horizon.month);
            sum += horizon.discount(month) * (until - before);
            before = until;
        }
        sum
    }

    fn purchases(&self, history: History) -> Purchases {
        let Parameters { r, alpha, a, b } = self.parameters;
        let x = f64::from(history.frequency());
        Purchases { rho: r + x, beta: alpha + self.units(history.age()), a, b: b + x }
    }
}

/// Fails where too few bought again.
fn repeat_buyers(histories: &Histogram<History>) -> Result<(), FitError> {
    let repeated = histories.iter().filter(|(history, _)| history.frequency() > 0);
    let found = repeated.fold(0_u64, |sum, (_, customers)| sum.saturating_add(customers));
    if found < REPEAT_BUYERS_MIN { Err(FitError::TooFewRepeatBuyers { found }) } else { Ok(()) }
}

/// How far ahead a lifetime is counted, and how the future is discounted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Horizon {
    months: u16,
    month: f64,
    yearly_discount: f64,
}

/// A horizon out of its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a horizon is 1 to 600 months, a month of above zero units, and a yearly discount of 0 to 10")]
pub struct HorizonError;

/// Weeks of a year: the Gregorian calendar's mean.
pub const YEAR_WEEKS: f64 = 365.2425 / 7.0;

impl Horizon {
    /// One of a model whose unit of time is a week.
    pub(crate) const fn of_weeks(months: u16, yearly_discount: f64) -> Self {
        Self { months, month: YEAR_WEEKS / 12.0, yearly_discount }
    }

    /// `months` months (1 to 600) of `month` units of the model's time each (above zero), discounted by
    /// `yearly_discount` (0.1 is 10 % a year; 0 to 10). Fails with [`HorizonError`] outside of these.
    pub fn new(months: u16, month: f64, yearly_discount: f64) -> Result<Self, HorizonError> {
        let fits = (1..=600).contains(&months) && month > 0.0 && month <= 1e6;
        let fits = fits && (0.0..=10.0).contains(&yearly_discount);
        fits.then_some(Self { months, month, yearly_discount }).ok_or(HorizonError)
    }

    /// Units of time of 12 months.
    pub fn year(&self) -> f64 {
        12.0 * self.month
    }

    /// What counts today of something `month` months ahead: `(1 + d)^(−month/12)`.
    fn discount(&self, month: u16) -> f64 {
        (-f64::from(month) / 12.0 * self.yearly_discount.ln_1p()).exp()
    }
}
