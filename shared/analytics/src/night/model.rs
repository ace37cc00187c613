//! What the models make of a night's customers: what to expect of them, and how well that held so far.

use crate::bg_nbd::{self, BgNbd, Horizon};
use crate::calibration::Calibration;
use crate::fit::FitError;
use crate::gamma_gamma::{self, GammaGamma};
use crate::histogram::{Histogram, Overflow};
use crate::history::History;
use crate::lifetime_value::{Forecast, Valuation};
use crate::rollup::{Customers, Evidence, HOLD_OUT_WEEKS, TICKS_PER_WEEK};
use crate::spend::CORRELATION_MAX;
use serde::{Deserialize, Serialize};

/// Weeks of a year: the Gregorian calendar's mean.
pub const YEAR_WEEKS: f64 = bg_nbd::YEAR_WEEKS;
/// Months that a lifetime is counted for.
pub const LIFETIME_MONTHS: u16 = 60;
/// What a year takes off a lifetime's future.
pub const YEARLY_DISCOUNT: f64 = 0.10;

/// A lifetime in weeks.
const HORIZON: Horizon = Horizon::of_weeks(LIFETIME_MONTHS, YEARLY_DISCOUNT);

/// How often customers buy, and until when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Purchases {
    /// BG/NBD.
    Fitted {
        /// `r`.
        r: f64,
        /// `α`, in weeks.
        alpha: f64,
        /// `a`; 0 in the limit where nobody leaves, which serves for the near future only.
        a: f64,
        /// `b`.
        b: f64,
        /// The natural logarithm of the likelihood.
        log_likelihood: f64,
    },
    /// No model, and why.
    Unknown(String),
}

/// What customers spend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SpendModel {
    /// Gamma-gamma.
    Fitted(FittedSpend),
    /// No model, and why.
    Unknown(String),
}

/// Parameters of gamma-gamma.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FittedSpend {
    /// `p`.
    pub p: f64,
    /// `q`.
    pub q: f64,
    /// `γ`, in minor units.
    pub gamma: f64,
    /// The natural logarithm of the likelihood.
    pub log_likelihood: f64,
}

/// How a model fitted on all but the last quarter of a year predicted that quarter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Held {
    /// What was predicted and what happened.
    Against(Box<Calibration>),
    /// There was no model to hold against it, and why.
    Unknown(String),
}

/// What the models say, and how far they can be trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beliefs {
    /// Customers.
    pub customers: u64,
    /// How often they buy.
    pub purchases: Purchases,
    /// What they spend.
    pub spend: SpendModel,
    /// Pearson's correlation of the number of purchases and the mean spend; nothing where there is none.
    pub correlation: Option<f64>,
    /// How well it predicted the last quarter.
    pub held: Held,
    /// Customers whose history before that quarter is not known any more.
    pub left_out: u64,
}

/// What is to be expected of the customers of a group. Amounts in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Customers.
    pub customers: u64,
    /// Of them, how many are to be expected to be alive.
    pub alive: f64,
    /// Orders of the next 12 months: days with an order, to be exact.
    pub orders: f64,
    /// Revenue of the next 12 months; nothing where no model tells the spend.
    pub year: Option<f64>,
    /// Revenue of the lifetime, discounted; nothing where a model is missing, or nobody seems to leave.
    pub lifetime: Option<f64>,
}

/// The models of a night.
#[derive(Debug, Clone)]
pub struct Forecasts {
    purchases: Option<BgNbd>,
    spend: Option<GammaGamma>,
    /// What is kept of them.
    pub beliefs: Beliefs,
}

impl Forecasts {
    /// Fits the models on the customers.
    pub(super) fn fit(customers: &Customers, evidence: &Evidence) -> Result<Self, Overflow> {
        let histories = customers.histories()?;
        let (model, purchases) = purchases(&histories);
        let correlation = evidence.spend.correlation();
        let spend = match correlation {
            Some(correlation) if correlation.abs() > CORRELATION_MAX => SpendModel::Unknown(format!(
                "spend and frequency are correlated by {correlation:.2}, beyond the bound of {CORRELATION_MAX}"
            )),
            _ => match GammaGamma::fit(&evidence.spend) {
                Ok(fit) => {
                    let gamma_gamma::Parameters { p, q, gamma } = fit.model.parameters();
                    SpendModel::Fitted(FittedSpend { p, q, gamma, log_likelihood: fit.log_likelihood })
                }
                Err(error) => SpendModel::Unknown(error.to_string()),
            },
        };
        let held = held(evidence)?;
        let left_out = evidence.trials_unknown;
        let beliefs = Beliefs { customers: histories.total(), purchases, spend, correlation, held, left_out };
        Ok(Self { purchases: model, spend: beliefs.spend_model(), beliefs })
    }

    /// The models that a night kept.
    pub fn of(beliefs: Beliefs) -> Self {
        Self { purchases: beliefs.purchases_model(), spend: beliefs.spend_model(), beliefs }
    }

    /// The model of purchases.
    pub const fn purchases(&self) -> Option<&BgNbd> {
        self.purchases.as_ref()
    }

    /// The model of spend.
    pub const fn spend(&self) -> Option<&GammaGamma> {
        self.spend.as_ref()
    }

    /// The model of purchases, if it knows that customers leave.
    pub fn leaving(&self) -> Option<&BgNbd> {
        self.purchases.as_ref().filter(|model| model.parameters().a > 0.0)
    }

    /// What is to be expected of customers; nothing without a model of purchases.
    pub fn expected(&self, customers: &Customers) -> Option<Expected> {
        let model = self.purchases?;
        let mut valuation = self.spend.map(|spend| Valuation::new(forecast(model, spend)));
        let leaves = model.parameters().a > 0.0;
        let mut sum = Expected {
            year: valuation.as_ref().map(|_| 0.0),
            lifetime: valuation.as_ref().filter(|_| leaves).map(|_| 0.0),
            ..Expected::default()
        };
        for (history, alike) in customers.iter() {
            let count = alike.customers as f64;
            let mean = alike.spend as f64 / count;
            let value = valuation.as_mut().and_then(|valuation| valuation.value(history, bought(history), mean));
            let (alive, orders) = match &value {
                Some(value) => (value.probability_alive, value.purchases_of_year),
                None => (model.probability_alive(history), model.expected_purchases(history, YEAR_WEEKS)),
            };
            sum.customers = sum.customers.saturating_add(alike.customers);
            sum.alive += count * alive;
            sum.orders += count * orders;
            sum.year = sum.year.zip(value).map(|(sum, value)| sum + count * value.of_year());
            sum.lifetime = sum.lifetime.zip(value).map(|(sum, value)| sum + count * value.of_lifetime());
        }
        Some(sum)
    }

    /// What is to be expected of one customer that spent `spend` minor units in all; nothing without a model of
    /// purchases.
    pub fn customer(&self, history: History, spend: i64) -> Option<Expected> {
        let model = self.purchases?;
        let leaves = model.parameters().a > 0.0;
        let value =
            self.spend.and_then(|gamma| forecast(model, gamma).value(history, bought(history), spend.max(0) as f64));
        Some(Expected {
            customers: 1,
            alive: model.probability_alive(history),
            orders: model.expected_purchases(history, YEAR_WEEKS),
            year: value.map(|value| value.of_year()),
            lifetime: value.filter(|_| leaves).map(|value| value.of_lifetime()),
        })
    }
}

/// Purchases whose spend is known: all of them, the first included, since an account keeps what they came to together.
fn bought(history: History) -> u32 {
    history.frequency().saturating_add(1)
}

fn forecast(purchases: BgNbd, spend: GammaGamma) -> Forecast {
    Forecast { purchases, spend, horizon: HORIZON }
}

impl Beliefs {
    /// The model of purchases, for whoever looks at one customer.
    fn purchases_model(&self) -> Option<BgNbd> {
        let Purchases::Fitted { r, alpha, a, b, .. } = self.purchases else { return None };
        BgNbd::new(bg_nbd::Parameters { r, alpha, a, b }, TICKS_PER_WEEK).ok()
    }

    fn spend_model(&self) -> Option<GammaGamma> {
        let SpendModel::Fitted(FittedSpend { p, q, gamma, .. }) = self.spend else { return None };
        GammaGamma::new(gamma_gamma::Parameters { p, q, gamma }).ok()
    }

    /// Parameters for the next night to propose accounts at risk by; nothing where nobody seems to leave.
    pub fn prior(&self) -> Option<bg_nbd::Parameters> {
        self.purchases_model().map(|model| model.parameters()).filter(|parameters| parameters.a > 0.0)
    }
}

/// The model of purchases; the limit of it where nobody seems to leave.
fn purchases(histories: &Histogram<History>) -> (Option<BgNbd>, Purchases) {
    let fit = BgNbd::fit(histories, TICKS_PER_WEEK).or_else(|error| match error {
        FitError::NobodyLeaves => BgNbd::fit_without_leaving(histories, TICKS_PER_WEEK),
        other => Err(other),
    });
    match fit {
        Ok(fit) => {
            let bg_nbd::Parameters { r, alpha, a, b } = fit.model.parameters();
            (Some(fit.model), Purchases::Fitted { r, alpha, a, b, log_likelihood: fit.log_likelihood })
        }
        Err(error) => (None, Purchases::Unknown(error.to_string())),
    }
}

fn held(evidence: &Evidence) -> Result<Held, Overflow> {
    let mut before = Histogram::default();
    evidence.trials.iter().try_for_each(|(trial, customers)| before.record(trial.history, customers))?;
    let (model, purchases) = purchases(&before);
    Ok(match (model, purchases) {
        (Some(model), _) => Calibration::new(&model, &evidence.trials, HOLD_OUT_WEEKS).map_or_else(
            || Held::Unknown("there were no customers then".to_owned()),
            |held| Held::Against(Box::new(held)),
        ),
        (None, Purchases::Unknown(why)) => Held::Unknown(why),
        (None, Purchases::Fitted { .. }) => Held::Unknown(String::new()),
    })
}
