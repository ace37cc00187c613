//! Quantity prices: what an item costs, by how many are bought and by whom.
//!
//! A table is for some SKUs or categories and for some accounts; of those that fit, one holds alone ([`table_for`]), and
//! its last step that a quantity reaches says the price of each item ([`price`]). Both are functions over values, for a
//! price list and for the lines of an order alike. A table makes nothing dearer: where the list price is lower, that
//! holds.

mod list;

use crate::audience::{Audience, Buyer};
use crate::id::{RuleId, Sku};
use crate::money::{self, Currency, Minor, Overflow, Percent, UnitPrice};
use crate::order::OrderLine;
use std::collections::BTreeSet;

pub(crate) use list::unit_price_text;
pub use list::{Asked, NextStep, PriceList, QuantityPrice, Row, TableName, price_list};

/// Prices by quantity of some goods for some accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTable {
    /// Its id, stable over versions.
    pub id: RuleId,
    /// Its name for customers.
    pub name: String,
    /// What it prices.
    pub goods: Goods,
    /// Whom for.
    pub audience: Audience,
    /// At least one, quantities ascending, the price of an item falling. All state prices, or all percentages.
    pub steps: Vec<Step>,
}

/// What a table prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goods {
    /// These SKUs.
    Skus(BTreeSet<Sku>),
    /// Everything of these categories of the shop.
    Categories(BTreeSet<String>),
}

/// From which quantity on an item costs how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The smallest quantity, at least 1.
    pub from: u64,
    /// What an item costs then.
    pub price: StepPrice,
}

/// What an item costs by a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepPrice {
    /// This much.
    Unit(UnitPrice),
    /// So much less than the list price.
    Off(Percent),
}

/// What is bought, as far as tables ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Item<'a> {
    /// Its SKU.
    pub sku: Option<&'a Sku>,
    /// The shop's category of it.
    pub category: Option<&'a str>,
}

impl<'a> From<&'a OrderLine> for Item<'a> {
    fn from(line: &'a OrderLine) -> Self {
        Self { sku: Some(&line.sku), category: line.category.as_deref() }
    }
}

/// What a quantity costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Each item, up to six decimals.
    pub unit_price: UnitPrice,
    /// All of them: quantity × unit price, rounded half up to the minor unit once.
    pub total: Minor,
    /// How much less that is than at the list price, never negative; `None`: no list price is known.
    pub saved: Option<Minor>,
}

impl Goods {
    fn includes(&self, item: &Item<'_>) -> bool {
        match self {
            Self::Skus(skus) => item.sku.is_some_and(|sku| skus.contains(sku)),
            Self::Categories(categories) => item.category.is_some_and(|category| categories.contains(category)),
        }
    }
}

impl StepPrice {
    /// What an item costs where its list price is `list`, never more than that; `None`: nobody knows, since it is so
    /// much less than a list price that is not known.
    ///
    /// Six decimals: a percentage of a price with more than two is rounded half up to them.
    fn unit_price(self, list: Option<UnitPrice>) -> Result<Option<UnitPrice>, Overflow> {
        match (self, list) {
            (Self::Unit(price), list) => Ok(Some(list.map_or(price, |list| list.min(price)))),
            (Self::Off(percent), Some(list)) => less(list, percent).map(Some),
            (Self::Off(_), None) => Ok(None),
        }
    }
}

fn less(list: UnitPrice, percent: Percent) -> Result<UnitPrice, Overflow> {
    let left = Percent::HUNDRED.0.checked_sub(percent.0).ok_or(Overflow)?;
    let product = i128::from(list.0).checked_mul(left.into()).ok_or(Overflow)?;
    let rounded = money::div_half_up(product, Percent::HUNDRED.0.into())?;
    i64::try_from(rounded).map(UnitPrice).map_err(|_| Overflow)
}

impl PriceTable {
    /// The step that a quantity reaches; `None`: it is below all of them.
    pub fn step(&self, quantity: u64) -> Option<&Step> {
        self.steps.iter().rev().find(|step| step.from <= quantity)
    }

    /// Tables that name SKUs go before those that name categories; of these, those for segments before those that are
    /// not, then those for tiers.
    fn rank(&self) -> (bool, (bool, bool)) {
        (matches!(self.goods, Goods::Skus(_)), self.audience.narrowness())
    }

    /// What both tables price for the same accounts by the same right, so that one of them never holds there. The first
    /// of it, to be named.
    pub(crate) fn contradicts<'a>(&'a self, other: &'a Self) -> Option<&'a str> {
        if self.rank() != other.rank() || !self.audience.shares_a_group(&other.audience) {
            return None;
        }
        match (&self.goods, &other.goods) {
            (Goods::Skus(own), Goods::Skus(others)) => own.intersection(others).next().map(Sku::as_str),
            (Goods::Categories(own), Goods::Categories(others)) => own.intersection(others).next().map(String::as_str),
            _ => None,
        }
    }
}

/// The one table that holds for an item and a buyer, if any fits: the most specific, and of several alike the one listed
/// first.
///
/// A table that names the SKU is more specific than one that names its category. Of those, one for segments is more
/// specific than one that is not, and then one for tiers than one for all; a contract with some accounts goes before what
/// a tier brings. An account of two segments may find two tables alike.
pub fn table_for<'a>(tables: &'a [PriceTable], item: &Item<'_>, buyer: &Buyer<'_>) -> Option<&'a PriceTable> {
    let fitting = tables.iter().filter(|table| table.goods.includes(item) && table.audience.includes(buyer));
    // Of equals the last is taken, which is the first from behind.
    fitting.rev().max_by_key(|table| table.rank())
}

/// What so many cost by a table. Below its steps, and without a table, the list price holds; `None`: nobody knows it.
pub fn price(
    table: Option<&PriceTable>,
    quantity: u64,
    list: Option<UnitPrice>,
    currency: Currency,
) -> Result<Option<Price>, Overflow> {
    let unit_price = match table.and_then(|table| table.step(quantity)) {
        Some(step) => step.price.unit_price(list)?,
        None => list,
    };
    let Some(unit_price) = unit_price else { return Ok(None) };
    let total = unit_price.times(quantity, currency)?;
    let saved = list.map(|list| list.times(quantity, currency)?.minus(total)).transpose()?;
    Ok(Some(Price { unit_price, total, saved }))
}

/// What so many cost by a table that come to `list` together, where the shop does not say what one of them costs. As
/// [`price`], but a percentage is of all of them, rounded half up once.
pub fn amount(table: Option<&PriceTable>, quantity: u64, list: Minor, currency: Currency) -> Result<Minor, Overflow> {
    match table.and_then(|table| table.step(quantity)).map(|step| step.price) {
        Some(StepPrice::Unit(price)) => Ok(price.times(quantity, currency)?.min(list)),
        Some(StepPrice::Off(percent)) => {
            let product = i128::from(list.0).checked_mul(percent.0.into()).ok_or(Overflow)?;
            list.minus(Minor::narrow(money::div_half_up(product, Percent::HUNDRED.0.into())?)?)
        }
        None => Ok(list),
    }
}

#[cfg(test)]
mod tests;
