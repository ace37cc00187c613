//! What is to be said of one account, by the models of a night and its own item.

use super::document::{CountedBy, Named};
use super::value::{Decimal, Worth};
use crate::histogram::Overflow;
use crate::night::{Forecasts, Purchases, Segmented, SpendModel};
use crate::rollup::{history, purchases, recent};
use domain::account::Account;
use domain::money::Money;
use domain::time::Day;
use serde::Serialize;

/// How lately, how often and for how much a customer bought in the trailing twelve months, 1 to 5 each; 5 is the best.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rfm {
    /// How lately.
    pub recency: u8,
    /// How often.
    pub frequency: u8,
    /// For how much.
    pub money: u8,
    /// What that makes it.
    pub segment: &'static str,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Insight {
    /// Which.
    pub account_id: String,
    /// The night whose models and bands it is held against; nothing before the first one.
    pub counted: Option<CountedBy>,
    /// The day it is seen at, in the program's time zone: that of the night, or of a later order.
    pub as_of_day: String,
    /// Orders so far.
    pub orders: u64,
    /// Days with an order so far.
    pub purchase_days: u64,
    /// Day of its first order.
    pub first_order: Option<String>,
    /// Day of its last order.
    pub last_order: Option<String>,
    /// Days since then.
    pub days_since_last_order: Option<i32>,
    /// Days that lay between its days with an order on average; nothing where there is one.
    pub usual_gap_days: Option<Decimal<1>>,
    /// How it compares with the others; nothing where it did not buy in the trailing twelve months.
    pub rfm: Option<Rfm>,
    /// The probability that it is still a customer, 0 to 1.
    pub probability_alive: Option<Decimal<4>>,
    /// Orders of the next 12 months: days with an order, to be exact.
    pub expected_orders: Option<Decimal<2>>,
    /// What its orders came to so far.
    pub historic_value: Money,
    /// `historic_value × margin rate`; the merchant's to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub historic_margin: Option<Money>,
    /// Revenue of the next 12 months.
    pub predicted_value_12_months: Option<Money>,
    /// Revenue of its lifetime from now on, discounted.
    pub predicted_lifetime_value: Option<Money>,
    /// The same × margin rate; the merchant's to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted_lifetime_margin: Option<Money>,
    /// Why something is not known.
    pub unknown: Vec<String>,
}

/// What a night knows of customers at large.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its models.
    pub forecasts: Forecasts,
    /// Its bands.
    pub segmented: Segmented,
}

impl Insight {
    /// What is to be said of an account, by a night where there is one; else as of `today`. Fails with [`Overflow`]
    /// where an amount does not fit.
    pub fn of(account: &Account, known: Option<&Named<Known>>, today: Day, worth: &Worth) -> Result<Self, Overflow> {
        let night = known.map_or(today, |known| known.night);
        let day = account.last_purchase.map_or(night, |last| last.max(night));
        let days = purchases(account);
        let span = account.last_purchase.zip(account.first_purchase);
        let span = span.map(|(last, first)| last.0.saturating_sub(first.0));
        let gaps = f64::from(days.saturating_sub(1));
        let historic_value = worth.money(account.lifetime.revenue.0.into())?;
        let history = history(account, day);
        let expected = known
            .zip(history)
            .and_then(|(known, history)| known.value.forecasts.customer(history, account.lifetime.revenue.0));
        let modelled = |amount: Option<f64>| amount.map(|amount| worth.modelled(amount)).transpose();
        let predicted_lifetime_value = modelled(expected.and_then(|expected| expected.lifetime))?;
        let margin = predicted_lifetime_value.map(|revenue| worth.margin(revenue)).transpose()?;
        let lately = known.zip(recent(account, day));
        Ok(Self {
            account_id: account.id.to_string(),
            counted: known.map(CountedBy::from),
            as_of_day: day.to_string(),
            orders: account.lifetime.orders,
            purchase_days: account.lifetime.purchase_days,
            first_order: account.first_purchase.map(|day| day.to_string()),
            last_order: account.last_purchase.map(|day| day.to_string()),
            days_since_last_order: account.last_purchase.map(|last| day.0.saturating_sub(last.0)),
            usual_gap_days: span.filter(|_| gaps > 0.0).map(|span| Decimal(f64::from(span) / gaps)),
            rfm: lately.map(|(known, recent)| {
                let scales = &known.value.segmented.scales;
                let [recency, frequency, money] = scales.bands(&recent);
                Rfm { recency, frequency, money, segment: scales.segment(&recent).name() }
            }),
            probability_alive: expected.map(|expected| Decimal(expected.alive)),
            expected_orders: expected.map(|expected| Decimal(expected.orders)),
            historic_value,
            historic_margin: worth.margin(historic_value)?,
            predicted_value_12_months: modelled(expected.and_then(|expected| expected.year))?,
            predicted_lifetime_value,
            predicted_lifetime_margin: margin.flatten(),
            unknown: unknown(known.map(|known| &known.value), history.is_some(), lately.is_some()),
        })
    }

    /// The same as the account's own people may see it.
    #[must_use]
    pub fn without_margins(self) -> Self {
        Self { historic_margin: None, predicted_lifetime_margin: None, ..self }
    }
}

fn unknown(known: Option<&Known>, has_bought: bool, lately: bool) -> Vec<String> {
    let Some(known) = known else { return vec!["no night has been counted yet".to_owned()] };
    let mut unknown = Vec::new();
    if !has_bought {
        return vec!["the account has not ordered yet".to_owned()];
    }
    if !lately {
        unknown.push("rfm: the account did not order in the trailing twelve months".to_owned());
    }
    let beliefs = &known.forecasts.beliefs;
    match &beliefs.purchases {
        Purchases::Unknown(why) => unknown.push(format!("no model of purchases: {why}")),
        Purchases::Fitted { a, .. } if *a <= 0.0 => {
            unknown.push("lifetime: the history shows nobody who left for good".to_owned());
        }
        Purchases::Fitted { .. } => {}
    }
    if let SpendModel::Unknown(why) = &beliefs.spend {
        unknown.push(format!("no model of spend: {why}"));
    }
    unknown
}
