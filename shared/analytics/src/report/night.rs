//! The proof of a night: its trial balance, what its models are, and how well they predicted.

use super::document::CountedBy;
use super::value::{Cell, Decimal};
use crate::calibration::{Calibration, Decile};
use crate::fit::REPEAT_BUYERS_MIN;
use crate::histogram::Overflow;
use crate::night::kept::{Findings, NightRecord};
use crate::night::{Beliefs, Books, FittedSpend, FlawedAnswer, Held, Purchases, SpendModel};
use crate::rollup::{Flaw, HOLD_OUT_DAYS, Totals};
use crate::spend::CORRELATION_MAX;
use domain::money::Points;
use domain::time::Instant;
use serde::Serialize;

/// A night, and whether its figures can be trusted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NightReport {
    /// Which night; `revision` is the newest run that began.
    #[serde(flatten)]
    pub begun: CountedBy,
    /// The run whose results are kept; nothing until one came to its end.
    pub revision_kept: Option<u32>,
    /// Its last instant.
    pub as_of: Option<Instant>,
    /// The version of the program in force then.
    pub program_version: Option<u32>,
    /// Accounts counted.
    pub accounts: Option<u64>,
    /// Accounts that were decided after the night's end: they are counted as they stood when they were.
    pub accounts_decided_later: Option<u64>,
    /// How many accounts are not right.
    pub accounts_flawed: Option<u64>,
    /// The first of them.
    pub flaws: Vec<Flaw>,
    /// Answers to surveys that were counted; nothing of a night before they were.
    pub answers: Option<u64>,
    /// How many answers could not be read.
    pub answers_flawed: Option<u64>,
    /// The first of them.
    pub flawed_answers: Vec<FlawedAnswer>,
    /// What else is not as it should be, in words.
    pub warnings: Vec<String>,
    /// Whether all points are accounted for.
    pub trial_balance: Option<TrialBalance>,
    /// The models.
    pub models: Option<ModelsReport>,
    /// What they take for granted, and whether it holds.
    pub assumptions: Vec<Assumption>,
    /// How well they predicted the last quarter.
    pub calibration: Option<CalibrationReport>,
}

/// Points that came to be, and what became of them: `points_issued + points_restored = points_outstanding +
/// points_spent + points_expired + points_reversed + points_deducted + points_gone_before`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TrialBalance {
    /// Points that orders earned.
    pub points_earned: Points,
    /// Points given by hand or for referrals.
    pub points_credited: Points,
    /// Both.
    pub points_issued: Points,
    /// Points held, less those owed.
    pub points_outstanding: Points,
    /// Points expired.
    pub points_expired: Points,
    /// Points reversed.
    pub points_reversed: Points,
    /// Points taken by hand or for referrals.
    pub points_deducted: Points,
    /// Points spent on rewards.
    pub points_spent: Points,
    /// Points of these that were given back.
    pub points_restored: Points,
    /// Points that were gone before the accounts were opened here.
    pub points_gone_before: Points,
    /// By how much it is off.
    pub imbalance: Points,
    /// Whether it is off by nothing.
    pub balances: bool,
}

impl TrialBalance {
    fn of(totals: &Totals) -> Result<Self, Overflow> {
        let points = |wide: i128| Points::narrow(wide).map_err(Overflow::from);
        Ok(Self {
            points_earned: points(totals.points_earned)?,
            points_credited: points(totals.points_credited)?,
            points_issued: points(totals.points_issued())?,
            points_outstanding: points(totals.points_outstanding())?,
            points_expired: points(totals.points_expired)?,
            points_reversed: points(totals.points_reversed)?,
            points_deducted: points(totals.points_deducted)?,
            points_spent: points(totals.points_spent)?,
            points_restored: points(totals.points_restored)?,
            points_gone_before: points(totals.points_gone_before)?,
            imbalance: points(totals.imbalance())?,
            balances: totals.imbalance() == 0,
        })
    }
}

/// The models with their parameters, each null where there is no such model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelsReport {
    /// Customers they are fitted on.
    pub customers: u64,
    /// How often customers buy: BG/NBD, in weeks.
    pub purchases: Option<PurchasesReport>,
    /// What customers spend: gamma-gamma, in minor units.
    pub spend: Option<SpendReport>,
    /// Pearson's correlation of the number of purchases and the mean spend.
    pub correlation: Option<Decimal<4>>,
}

/// Parameters of BG/NBD.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PurchasesReport {
    /// `r`.
    pub r: Decimal<6>,
    /// `α`, in weeks.
    pub alpha: Decimal<6>,
    /// `a`; 0 where nobody seems to leave.
    pub a: Decimal<6>,
    /// `b`.
    pub b: Decimal<6>,
    /// The natural logarithm of the likelihood.
    pub log_likelihood: Decimal<3>,
}

/// Parameters of gamma-gamma.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SpendReport {
    /// `p`.
    pub p: Decimal<6>,
    /// `q`.
    pub q: Decimal<6>,
    /// `γ`, in minor units.
    pub gamma: Decimal<3>,
    /// The natural logarithm of the likelihood.
    pub log_likelihood: Decimal<3>,
}

/// Something that the models take for granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Assumption {
    /// Which.
    pub id: &'static str,
    /// Whether it holds; nothing where that cannot be told.
    pub holds: Option<bool>,
    /// What it is, and how it came out.
    pub text: String,
}

/// Predicted against actual purchases of the last quarter, by a model fitted on all before it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CalibrationReport {
    /// Days of the quarter.
    pub hold_out_days: i32,
    /// Customers by then.
    pub customers: u64,
    /// Customers whose history before it is not known any more.
    pub customers_left_out: u64,
    /// Purchases that were predicted: days with an order.
    pub predicted: Decimal<1>,
    /// Purchases that were made.
    pub actual: u64,
    /// `predicted ÷ actual − 1`, in percent.
    pub total_error: Option<Decimal<4>>,
    /// Mean of how far the prediction was off per customer, in purchases.
    pub mean_absolute_error: Decimal<4>,
    /// Square root of the mean square of the same.
    pub root_mean_square_error: Decimal<4>,
    /// By tenths of the customers, from those of whom the least was predicted.
    pub deciles: Vec<DecileReport>,
}

/// Predicted against actual purchases of a tenth of the customers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DecileReport {
    /// Which tenth, 1 to 10.
    pub decile: u8,
    /// Customers.
    pub customers: u64,
    /// Purchases that were predicted of them.
    pub predicted: Decimal<1>,
    /// Purchases that they made.
    pub actual: Decimal<1>,
}

impl NightReport {
    /// Renders the record of a night with what its models say and what was found. Fails with [`Overflow`] where a total
    /// fits no integer.
    pub fn of(
        begun: CountedBy,
        record: &NightRecord,
        beliefs: Option<&Beliefs>,
        findings: Option<&Findings>,
    ) -> Result<Self, Overflow> {
        let books = record.books.as_ref();
        let count = |of: fn(&Books) -> u64| books.map(of);
        Ok(Self {
            begun,
            revision_kept: record.reduced,
            as_of: record.as_of,
            program_version: record.program_version,
            accounts: count(|books| books.totals.accounts),
            accounts_decided_later: count(|books| books.decided_later),
            accounts_flawed: count(|books| books.flawed),
            flaws: books.map(|books| books.flaws.clone()).unwrap_or_default(),
            answers: findings.map(|findings| findings.answers),
            answers_flawed: findings.map(|findings| findings.answers_flawed),
            flawed_answers: findings.map(|findings| findings.flawed_answers.clone()).unwrap_or_default(),
            warnings: findings.map(|findings| findings.warnings.clone()).unwrap_or_default(),
            trial_balance: books.map(|books| TrialBalance::of(&books.totals)).transpose()?,
            models: beliefs.map(ModelsReport::of),
            assumptions: beliefs.map(assumptions).unwrap_or_default(),
            calibration: beliefs.and_then(CalibrationReport::of),
        })
    }
}

impl ModelsReport {
    fn of(beliefs: &Beliefs) -> Self {
        let purchases = match &beliefs.purchases {
            Purchases::Fitted { r, alpha, a, b, log_likelihood } => Some(PurchasesReport {
                r: Decimal(*r),
                alpha: Decimal(*alpha),
                a: Decimal(*a),
                b: Decimal(*b),
                log_likelihood: Decimal(*log_likelihood),
            }),
            Purchases::Unknown(_) => None,
        };
        let spend = match &beliefs.spend {
            SpendModel::Fitted(FittedSpend { p, q, gamma, log_likelihood }) => Some(SpendReport {
                p: Decimal(*p),
                q: Decimal(*q),
                gamma: Decimal(*gamma),
                log_likelihood: Decimal(*log_likelihood),
            }),
            SpendModel::Unknown(_) => None,
        };
        Self { customers: beliefs.customers, purchases, spend, correlation: beliefs.correlation.map(Decimal) }
    }
}

/// What the models take for granted, and what became of it.
fn assumptions(beliefs: &Beliefs) -> Vec<Assumption> {
    let assumption = |id, holds, text: String| Assumption { id, holds, text };
    let purchases = match &beliefs.purchases {
        Purchases::Fitted { .. } => assumption(
            "purchases_fit",
            Some(true),
            format!("at least {REPEAT_BUYERS_MIN} repeat buyers, and a likelihood with a maximum: fitted"),
        ),
        Purchases::Unknown(why) => assumption("purchases_fit", Some(false), format!("no model of purchases: {why}")),
    };
    let leaves = match &beliefs.purchases {
        Purchases::Fitted { a, .. } if *a > 0.0 => {
            assumption("customers_leave", Some(true), "the history shows customers who left for good".to_owned())
        }
        Purchases::Fitted { .. } => {
            let text = "the history shows nobody who left for good: all count as alive, and a lifetime has no end";
            assumption("customers_leave", Some(false), text.to_owned())
        }
        Purchases::Unknown(_) => assumption("customers_leave", None, "no model of purchases tells".to_owned()),
    };
    let independent = match beliefs.correlation {
        Some(correlation) => {
            let (holds, by) = (correlation.abs() <= CORRELATION_MAX, Decimal::<4>(correlation).cell());
            let text = if holds {
                format!("what customers spend does not depend on how often they buy: correlated by {by}")
            } else {
                format!(
                    "what customers spend depends on how often they buy, so no model of it is used: correlated by {by}"
                )
            };
            assumption("spend_is_independent", Some(holds), format!("{text}, the bound is {CORRELATION_MAX}"))
        }
        None => {
            let text = "there is no correlation of spend and frequency: all buy alike, or nobody bought twice";
            assumption("spend_is_independent", None, text.to_owned())
        }
    };
    let spend = match &beliefs.spend {
        SpendModel::Fitted(_) => assumption("spend_fit", Some(true), "the model of spend is fitted".to_owned()),
        SpendModel::Unknown(why) => assumption("spend_fit", Some(false), format!("no model of spend: {why}")),
    };
    let held = match &beliefs.held {
        Held::Against(_) => None,
        Held::Unknown(why) => {
            Some(assumption("calibration", None, format!("not held against the last quarter: {why}")))
        }
    };
    // Where the two are not independent there is no such model, for that reason.
    let spend = (independent.holds != Some(false)).then_some(spend);
    [purchases, leaves, independent].into_iter().chain(spend).chain(held).collect()
}

impl CalibrationReport {
    fn of(beliefs: &Beliefs) -> Option<Self> {
        let Held::Against(held) = &beliefs.held else { return None };
        let Calibration { deciles, customers, predicted, actual, .. } = &**held;
        let tenth = |(decile, place): (&Decile, u8)| DecileReport {
            decile: place,
            customers: decile.customers,
            predicted: Decimal(decile.predicted),
            actual: Decimal(decile.actual),
        };
        Some(Self {
            hold_out_days: HOLD_OUT_DAYS,
            customers: *customers,
            customers_left_out: beliefs.left_out,
            predicted: Decimal(*predicted),
            actual: u64::try_from(*actual).unwrap_or(u64::MAX),
            total_error: held.total_error().map(|error| Decimal(100.0 * error)),
            mean_absolute_error: Decimal(held.mean_absolute_error),
            root_mean_square_error: Decimal(held.root_mean_square_error),
            deciles: deciles.iter().zip(1..).map(tenth).collect(),
        })
    }
}
