//! Conditions on what the account has done before the order, as far as it was known then.

use super::{AccountFacts, Reading, Test};
use crate::document::{self, Faults, Object, Path};
use crate::money::{self, Minor, Money, Overflow};
use crate::program::{Program, small};
use crate::schema::{self, Schema};
use crate::time::Month;
use serde_json::Value;
use std::ops::RangeInclusive;

/// Highest number of an order that a rule may name.
const NUMBER_MAX: u64 = 1_000_000;
/// Longest that a window may be: as long as a tier's.
const MONTHS_MAX: u16 = 24;

/// It is the account's first order; or, where false, it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstOrder(pub bool);

impl Test for FirstOrder {
    type Facts<'a> = AccountFacts<'a>;

    fn read(value: &Value, path: &Path<'_>, _: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        document::noted(document::truth(value), path, faults).map(Self)
    }

    fn schema() -> Schema {
        schema::truth().about("Whether it is the account's first order.")
    }

    fn holds(&self, facts: &AccountFacts<'_>) -> Result<bool, Overflow> {
        Ok((facts.orders == 0) == self.0)
    }

    fn terms(&self, _: &Program) -> String {
        let is = if self.0 { "is" } else { "is not" };
        format!("it {is} the account's first order")
    }

    fn why_not(&self, _: &Program) -> String {
        let is = if self.0 { "is not" } else { "is" };
        format!("it {is} the account's first order")
    }
}

/// Which order of the account it is, counted from 1 as they became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderNumber {
    /// That one.
    Is(u64),
    /// Every so many.
    Every(u64),
}

impl Test for OrderNumber {
    type Facts<'a> = AccountFacts<'a>;

    fn read(value: &Value, path: &Path<'_>, _: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        if value.is_object() {
            let every = Object::open(value, path, &["every"], faults)?;
            return every.required("every", faults, document::whole(2..=NUMBER_MAX)).map(Self::Every);
        }
        document::noted(document::whole(1..=NUMBER_MAX)(value), path, faults).map(Self::Is)
    }

    fn schema() -> Schema {
        let every = schema::object("Every").required("every", schema::whole(2..=NUMBER_MAX), "Every so many orders.");
        schema::any_of([schema::whole(1..=NUMBER_MAX), every])
            .about("It is that order of the account, or every so many; counted as they became known.")
    }

    fn holds(&self, facts: &AccountFacts<'_>) -> Result<bool, Overflow> {
        let number = facts.orders.checked_add(1).ok_or(Overflow)?;
        Ok(match self {
            Self::Is(one) => number == *one,
            Self::Every(many) => number.checked_rem(*many) == Some(0),
        })
    }

    fn terms(&self, _: &Program) -> String {
        match self {
            Self::Is(one) => format!("it is order number {one} of the account"),
            Self::Every(many) => format!("the order's number is a multiple of {many}"),
        }
    }

    fn why_not(&self, _: &Program) -> String {
        match self {
            Self::Is(one) => format!("it is not order number {one} of the account"),
            Self::Every(many) => format!("the order's number is no multiple of {many}"),
        }
    }
}

/// Months that end with the one of the order.
fn window(last: Month, months: u16) -> RangeInclusive<Month> {
    last.plus(1_i32.saturating_sub(i32::from(months)))..=last
}

fn in_months(months: u16) -> String {
    if months == 1 { "in its month".to_owned() } else { format!("in {months} months, its own included") }
}

/// The account placed so many orders in the months that end with the order's, this one not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrdersAtLeast {
    /// How many.
    pub orders: u64,
    /// In how many months.
    pub months: u16,
}

impl Test for OrdersAtLeast {
    type Facts<'a> = AccountFacts<'a>;

    fn read(value: &Value, path: &Path<'_>, _: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        let least = Object::open(value, path, &["orders", "months"], faults)?;
        let orders = least.required("orders", faults, document::whole(1..=NUMBER_MAX));
        let months = least.required("months", faults, |v| small(v, 1, MONTHS_MAX));
        Some(Self { orders: orders?, months: months? })
    }

    fn schema() -> Schema {
        schema::object("Orders before")
            .required("orders", schema::whole(1..=NUMBER_MAX), "How many.")
            .required("months", schema::small(1, MONTHS_MAX), "In the months that end with the order's.")
            .about("The account had placed so many orders before it.")
    }

    fn holds(&self, facts: &AccountFacts<'_>) -> Result<bool, Overflow> {
        Ok(facts.activity.orders_in(&window(facts.month, self.months)) >= self.orders)
    }

    fn terms(&self, _: &Program) -> String {
        let orders = if self.orders == 1 { "an order".to_owned() } else { format!("{} orders", self.orders) };
        format!("the account has placed {orders} or more before it {}", in_months(self.months))
    }

    fn why_not(&self, _: &Program) -> String {
        match self.orders {
            1 => format!("the account had placed no order before it {}", in_months(self.months)),
            many => format!("the account had placed fewer than {many} orders before it {}", in_months(self.months)),
        }
    }
}

/// The account's eligible spend in the months that end with the order's is so much, this order not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpendAtLeast {
    /// How much.
    pub amount: Minor,
    /// In how many months.
    pub months: u16,
}

impl Test for SpendAtLeast {
    type Facts<'a> = AccountFacts<'a>;

    fn read(value: &Value, path: &Path<'_>, reading: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        let least = Object::open(value, path, &["amount", "months"], faults)?;
        let amount = least.required("amount", faults, document::decimal(money::decimals(reading.currency), 1));
        let months = least.required("months", faults, |v| small(v, 1, MONTHS_MAX));
        Some(Self { amount: Minor(amount?), months: months? })
    }

    fn schema() -> Schema {
        schema::object("Spend before")
            .required("amount", schema::money(1), "How much.")
            .required("months", schema::small(1, MONTHS_MAX), "In the months that end with the order's.")
            .about("The account's eligible spend before it is so much.")
    }

    fn holds(&self, facts: &AccountFacts<'_>) -> Result<bool, Overflow> {
        Ok(facts.activity.eligible_in(&window(facts.month, self.months))? >= self.amount)
    }

    fn terms(&self, program: &Program) -> String {
        let amount = Money { amount: self.amount, currency: program.currency };
        format!("the account has spent {amount} or more before it {}", in_months(self.months))
    }

    fn why_not(&self, program: &Program) -> String {
        let amount = Money { amount: self.amount, currency: program.currency };
        format!("the account had spent less than {amount} before it {}", in_months(self.months))
    }
}
