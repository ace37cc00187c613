//! Accounts to look at, and how many customers there are of each kind.

use super::document::{CountedBy, Named};
use super::value::{Decimal, Percent, Worth};
use crate::histogram::Overflow;
use crate::night::{AtRisk, Band, Listed, Segmented};
use crate::rollup::{Alike, Near};
use domain::money::{Measure, Money};
use domain::qualification::Measured;
use serde::Serialize;

/// Accounts to look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountsReport {
    /// Which night it is of.
    pub counted: CountedBy,
    /// The program's currency.
    pub currency: &'static str,
    /// Who may be leaving, the most at stake first.
    pub at_risk: Vec<AtRiskAccount>,
    /// Whose revenue rose most: the trailing three months against the three before.
    pub rising: Vec<MovedAccount>,
    /// Whose revenue fell most.
    pub falling: Vec<MovedAccount>,
    /// Nearest to the next tier.
    pub near_next_tier: Vec<NearAccount>,
    /// Customers of the trailing twelve months by how lately, how often and for how much they bought.
    pub rfm_segments: Vec<RfmSegment>,
}

/// An account that may be leaving.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AtRiskAccount {
    /// Which.
    pub account_id: String,
    /// The probability that it is alive, 0 to 1.
    pub probability_alive: Option<Decimal<4>>,
    /// By how much that fell in the last four weeks.
    pub fell_by: Option<Decimal<4>>,
    /// Days since its last order.
    pub days_since_last_order: i32,
    /// Days that lay between its orders on average; nothing where it ordered on one day.
    pub usual_gap_days: Option<i32>,
    /// Its revenue of the trailing twelve months.
    pub revenue_12_months: Money,
    /// The part of it that the fall puts at stake; without a model all of it.
    pub at_stake: Money,
}

/// An account whose revenue changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MovedAccount {
    /// Which.
    pub account_id: String,
    /// Revenue of the three months before.
    pub before: Money,
    /// Revenue of the trailing three months.
    pub after: Money,
    /// `after − before`.
    pub change: Money,
}

/// An account that has nearly reached the next tier.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NearAccount {
    /// Which.
    pub account_id: String,
    /// The tier it holds.
    pub tier: String,
    /// The next one.
    pub next_tier: String,
    /// What is missing, in the unit of the program's metric.
    pub missing: Measured,
    /// `missing ÷ threshold`, in percent.
    pub missing_rate: Option<Percent>,
}

/// Customers of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RfmSegment {
    /// Which kind.
    pub segment: &'static str,
    /// How many.
    pub customers: u64,
    /// Of all that bought in the twelve months.
    pub customer_rate: Option<Percent>,
    /// Their revenue of the twelve months, those below zero taken as zero.
    pub revenue_12_months: Money,
}

impl AccountsReport {
    /// Renders the lists of a night. Fails with [`Overflow`] where a sum fits no amount of money.
    pub fn of(listed: &Named<Listed>, segmented: &Segmented, worth: &Worth) -> Result<Self, Overflow> {
        let Listed { at_risk, rising, falling, near_next_tier } = &listed.value;
        let moved = |account_id: &str, before: i128, after: i128| {
            let change = worth.money(after.saturating_sub(before))?;
            let (before, after) = (worth.money(before)?, worth.money(after)?);
            Ok::<_, Overflow>(MovedAccount { account_id: account_id.to_owned(), before, after, change })
        };
        let rising = rising.iter().map(|mover| moved(&mover.account_id, mover.before, mover.after));
        let falling = falling.iter().map(|mover| moved(&mover.account_id, mover.before, mover.after));
        Ok(Self {
            counted: listed.into(),
            currency: worth.currency().code(),
            at_risk: at_risk.iter().map(|account| leaving(account, worth)).collect::<Result<_, _>>()?,
            rising: rising.collect::<Result<_, _>>()?,
            falling: falling.collect::<Result<_, _>>()?,
            near_next_tier: near_next_tier.iter().map(|account| near(account, worth)).collect::<Result<_, _>>()?,
            rfm_segments: segments(segmented, worth)?,
        })
    }
}

fn leaving(account: &AtRisk, worth: &Worth) -> Result<AtRiskAccount, Overflow> {
    Ok(AtRiskAccount {
        account_id: account.account_id.clone(),
        probability_alive: account.probability_alive.map(Decimal),
        fell_by: account.fell_by.map(Decimal),
        days_since_last_order: account.days_since,
        usual_gap_days: Some(account.gap_days).filter(|gap| *gap > 0),
        revenue_12_months: worth.money(account.revenue)?,
        at_stake: worth.money(account.at_stake)?,
    })
}

fn near(account: &Near, worth: &Worth) -> Result<NearAccount, Overflow> {
    Ok(NearAccount {
        account_id: account.account_id.clone(),
        tier: account.tier.clone(),
        next_tier: account.next_tier.clone(),
        missing: account.metric.measured(Measure(account.missing), worth.currency()),
        missing_rate: Percent::of(account.missing_ppm.into(), 1_000_000),
    })
}

fn segments(segmented: &Segmented, worth: &Worth) -> Result<Vec<RfmSegment>, Overflow> {
    let of = |band: &Band| segmented.segments.get(band).copied().unwrap_or_default();
    let all = Band::ALL.iter().fold(0_u64, |sum, (_, band)| sum.saturating_add(of(band).customers));
    let segment = |(name, band): &(&'static str, Band)| {
        let Alike { customers, spend } = of(band);
        Ok(RfmSegment {
            segment: name,
            customers,
            customer_rate: Percent::of(customers, all),
            revenue_12_months: worth.money(i128::try_from(spend).map_err(|_| Overflow)?)?,
        })
    };
    Band::ALL.iter().map(segment).collect()
}
