//! What is to be said of one account, by the models of a night and its own item.

use super::document::{CountedBy, Named};
use super::unknown::{NO_MARGIN_RATE, NOBODY_LEAVES, Unknown};
use super::value::{Decimal, Worth};
use crate::histogram::Overflow;
use crate::history::History;
use crate::night::{Forecasts, Purchases, Segmented, SpendModel};
use crate::rollup::{history, purchases, recent};
use domain::account::Account;
use domain::money::Money;
use domain::time::Day;
use serde::Serialize;

/// How lately, how often and for how much a customer bought in the trailing twelve months, 1 to 5 each; 5 is the best.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// What is not known.
    pub unknown: Vec<Unknown>,
    /// How to read what is.
    pub notes: Vec<&'static str>,
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
        let seen = (history.is_some(), recent(account, day).is_some());
        let insight = Self {
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
            unknown: reasons(account, known.map(|known| &known.value), seen, worth),
            notes: notes(known.zip(history).map(|(known, history)| (&known.value, history))),
        };
        Ok(insight.without_reasons_for_what_is_known())
    }

    fn without_reasons_for_what_is_known(mut self) -> Self {
        let is_missing = [
            ("counted", self.counted.is_none()),
            ("first_order", self.first_order.is_none()),
            ("last_order", self.last_order.is_none()),
            ("days_since_last_order", self.days_since_last_order.is_none()),
            ("usual_gap_days", self.usual_gap_days.is_none()),
            ("rfm", self.rfm.is_none()),
            ("probability_alive", self.probability_alive.is_none()),
            ("expected_orders", self.expected_orders.is_none()),
            ("historic_margin", self.historic_margin.is_none()),
            ("predicted_value_12_months", self.predicted_value_12_months.is_none()),
            ("predicted_lifetime_value", self.predicted_lifetime_value.is_none()),
            ("predicted_lifetime_margin", self.predicted_lifetime_margin.is_none()),
        ];
        self.retain_reasons(|figure| is_missing.contains(&(figure, true)));
        self
    }

    fn retain_reasons(&mut self, for_figure: impl Fn(&'static str) -> bool) {
        self.unknown.iter_mut().for_each(|unknown| unknown.figures.retain(|figure| for_figure(figure)));
        self.unknown.retain(|unknown| !unknown.figures.is_empty());
    }

    /// The same as the account's own people may see it.
    #[must_use]
    pub fn without_margins(mut self) -> Self {
        self.retain_reasons(|figure| !MARGINS.contains(&figure));
        Self { historic_margin: None, predicted_lifetime_margin: None, ..self }
    }
}

/// What is the merchant's to know.
const MARGINS: [&str; 2] = ["historic_margin", "predicted_lifetime_margin"];
/// What a model of purchases tells.
const ALIVE: [&str; 2] = ["probability_alive", "expected_orders"];
/// What it tells together with one of spend.
const VALUE: [&str; 3] = ["predicted_value_12_months", "predicted_lifetime_value", "predicted_lifetime_margin"];
/// What days with an order tell.
const DAYS: [&str; 4] = ["first_order", "last_order", "days_since_last_order", "usual_gap_days"];

const ONCE: &str = "It ordered on one day only. By the model a customer can leave for good only after it has come back once, \
    so everyone who has not counts as alive, however long ago that was: probability_alive is 1. Whether it comes back \
    is what expected_orders tells.";
const NOBODY_LEFT: &str = "The history of all customers shows nobody who left for good, so every one of them counts as \
    alive: probability_alive is 1.";

/// Why figures of an account are not known: each reason, with all that it may be one for.
fn reasons(account: &Account, known: Option<&Known>, seen: (bool, bool), worth: &Worth) -> Vec<Unknown> {
    let (has_history, lately) = seen;
    let mut reasons = Vec::new();
    let mut add = |figures: &[&[&'static str]], why: &str| reasons.push(Unknown::new(&figures.concat(), why));
    if account.lifetime.orders == 0 {
        add(&[&DAYS, &["rfm"], &ALIVE, &VALUE], "the account has not ordered yet");
    } else {
        if account.lifetime.purchase_days < 2 {
            add(&[&["usual_gap_days"]], "the account has ordered on one day only");
        }
        if !has_history {
            add(&[&DAYS, &ALIVE, &VALUE], "the account brought orders, and nobody stated when they were placed");
        }
        if !lately {
            add(&[&["rfm"]], "the account did not order in the trailing twelve months");
        }
    }
    if !worth.knows_margin() {
        add(&[&MARGINS], NO_MARGIN_RATE);
    }
    let Some(known) = known else {
        add(&[&["counted", "rfm"], &ALIVE, &VALUE], "no night has been counted yet");
        return reasons;
    };
    if account.lifetime.orders == 0 {
        return reasons;
    }
    let beliefs = &known.forecasts.beliefs;
    match &beliefs.purchases {
        Purchases::Unknown(why) => add(&[&ALIVE, &VALUE], &format!("no model of purchases: {why}")),
        Purchases::Fitted { a, .. } if *a <= 0.0 => {
            add(&[&["predicted_lifetime_value", "predicted_lifetime_margin"]], NOBODY_LEAVES);
        }
        Purchases::Fitted { .. } => {}
    }
    if let SpendModel::Unknown(why) = &beliefs.spend {
        add(&[&VALUE], &format!("no model of spend: {why}"));
    }
    reasons
}

fn notes(seen: Option<(&Known, History)>) -> Vec<&'static str> {
    let Some((known, history)) = seen else { return Vec::new() };
    match &known.forecasts.beliefs.purchases {
        Purchases::Fitted { a, .. } if *a <= 0.0 => vec![NOBODY_LEFT],
        Purchases::Fitted { .. } if history.frequency() == 0 => vec![ONCE],
        _ => Vec::new(),
    }
}
