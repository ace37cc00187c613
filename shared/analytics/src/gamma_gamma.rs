//! The gamma-gamma model: what customers spend per purchase.
//!
//! P. S. Fader, B. G. S. Hardie, "The Gamma-Gamma Model of Monetary Value" (2013). Each purchase of a customer is
//! gamma distributed (shape p, rate ν); over the customers, ν is gamma distributed (shape q, rate γ). How much is
//! taken as independent of how often: [`Spend::correlation`] says whether it is. Fitted on repeat buyers and their
//! repeat purchases only, as in the paper. Amounts are minor units, and so is γ.

mod likelihood;
#[cfg(test)]
mod tests;

use crate::fit::{Fit, FitError, ParameterError, REPEAT_BUYERS_MIN, checked};
use crate::newton::minimise;
use crate::spend::Spend;
use likelihood::Likelihood;

/// The parameters of the model, each above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Shape of the distribution of one customer's purchases.
    pub p: f64,
    /// Shape of the distribution of the customers' rates.
    pub q: f64,
    /// Rate of the distribution of the customers' rates, in minor units.
    pub gamma: f64,
}

impl Parameters {
    const fn array(self) -> [f64; 3] {
        [self.p, self.q, self.gamma]
    }
}

/// The model with its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GammaGamma {
    parameters: Parameters,
}

impl GammaGamma {
    /// The model with known parameters. Fails with [`ParameterError`] where one is outside `1e-12..=1e12`.
    pub fn new(parameters: Parameters) -> Result<Self, ParameterError> {
        checked(parameters.array()).map(|_| Self { parameters })
    }

    /// The model under which the spend is the likeliest.
    ///
    /// Starts from the mean spend and, should the search fail from there, from three other places. Converged: within
    /// 1e-5 standard errors of the maximum.
    ///
    /// Fails with [`FitError`] where there are fewer than [`REPEAT_BUYERS_MIN`] buyers, or no maximum was found.
    pub fn fit(spend: &Spend) -> Result<Fit<Self>, FitError> {
        let likelihood = Likelihood::new(spend);
        let mut outcome = Err(FitError::RanAway);
        for [p, q] in [[2.0, 3.0], [8.0, 4.0], [1.0, 10.0], [0.5, 1.5]] {
            // The γ with which customers spend what they spend on average.
            outcome = Self::search(&likelihood, spend, [p, q, (q - 1.0) / p]);
            if matches!(outcome, Ok(_) | Err(FitError::TooFewRepeatBuyers { .. })) {
                break;
            }
        }
        outcome
    }

    /// The same from one start of the caller's: the local maximum uphill from it. Fails as [`Self::fit`] does; with
    /// [`FitError::RanAway`], too, where the start is out of all bounds.
    pub fn fit_from(spend: &Spend, start: Parameters) -> Result<Fit<Self>, FitError> {
        let likelihood = Likelihood::new(spend);
        let [p, q, gamma] = checked(start.array()).map_err(|_| FitError::RanAway)?;
        Self::search(&likelihood, spend, [p, q, gamma / likelihood.scale()])
    }

    /// The search in units of the mean spend, from `start` in these units.
    fn search(likelihood: &Likelihood, spend: &Spend, start: [f64; 3]) -> Result<Fit<Self>, FitError> {
        if spend.buyers() < REPEAT_BUYERS_MIN {
            return Err(FitError::TooFewRepeatBuyers { found: spend.buyers() });
        }
        let minimum = minimise(start.map(f64::ln), |logs| likelihood.negative(logs))?;
        let [p, q, gamma] = minimum.point.map(f64::exp);
        let model = Self { parameters: Parameters { p, q, gamma: gamma * likelihood.scale() } };
        let log_likelihood = likelihood.in_minor_units(-minimum.value);
        Ok(Fit { model, log_likelihood, customers: spend.buyers(), steps: minimum.steps })
    }

    /// Its parameters.
    pub const fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// The natural logarithm of the likelihood of this spend, as a density per minor unit (equation 1a of the paper).
    pub fn log_likelihood(&self, spend: &Spend) -> f64 {
        let likelihood = Likelihood::new(spend);
        let Parameters { p, q, gamma } = self.parameters;
        let logs = [p, q, gamma / likelihood.scale()].map(f64::ln);
        likelihood.in_minor_units(-likelihood.negative(&logs).value)
    }

    /// What customers spend per purchase on average, in minor units: `p γ / (q − 1)`. Nothing where `q ≤ 1`: the mean
    /// is then infinite.
    pub fn population_mean(&self) -> Option<f64> {
        self.expected_spend(0, 0.0)
    }

    /// What to expect of a customer per purchase, in minor units, after it spent `spend` minor units over `frequency`
    /// repeat purchases: `p (γ + spend) / (p x + q − 1)` (equation 5 of the paper), its own mean drawn towards that
    /// of all. A spend below zero counts as zero, and without a repeat purchase only the mean of all is known.
    /// Nothing where `p x + q ≤ 1`.
    pub fn expected_spend(&self, frequency: u32, spend: f64) -> Option<f64> {
        let Parameters { p, q, gamma } = self.parameters;
        let spend = if frequency == 0 { 0.0 } else { spend.max(0.0) };
        let divisor = p * f64::from(frequency) + q - 1.0;
        (divisor > 0.0).then(|| p * (gamma + spend) / divisor)
    }
}
