//! The price list of an item for one account, as a shop shows it: quantity, price of an item, what is saved.

use super::{Item, Price, PriceTable, Step, StepPrice, price, table_for};
use crate::account::Account;
use crate::advance;
use crate::audience::Buyer;
use crate::id::{AccountId, RuleId, Sku, TierId};
use crate::money::{self, Currency, Minor, Money, Overflow, Percent, UnitPrice};
use crate::schedule::Schedule;
use crate::time::Instant;
use serde::Serialize;

/// What is asked for. A table is found by the SKU, the category or both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The item's SKU.
    pub sku: Option<Sku>,
    /// The shop's category of it.
    pub category: Option<String>,
    /// What one costs in the shop without any table.
    pub list_price: Option<UnitPrice>,
    /// How many are to be bought.
    pub quantity: Option<u64>,
}

/// The answer of `GET /v1/accounts/{id}/prices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceList {
    /// Whose prices.
    pub account_id: AccountId,
    /// The instant they are true at.
    pub as_of: Instant,
    /// The program version that says so.
    pub program_version: u32,
    /// The tier that the account holds.
    pub tier: TierId,
    /// Currency of every price.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub currency: Currency,
    /// The item's SKU, as asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// Its category, as asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Its list price, as asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_price: Option<String>,
    /// The table that holds; absent: none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<TableName>,
    /// The prices, quantities ascending. Empty: neither a table nor a list price is known.
    pub rows: Vec<Row>,
    /// What the quantity asked for costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<QuantityPrice>,
}

/// Which table holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TableName {
    /// Its id.
    pub id: RuleId,
    /// Its name for customers.
    pub name: String,
}

/// One row of a price list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Row {
    /// The smallest quantity.
    pub from: u64,
    /// The largest; absent in the last row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// What the table takes off the list price, in percent, if it states that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<String>,
    /// What an item costs; absent where only a percentage is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<String>,
    /// How much less that is than the list price, if one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_per_item: Option<String>,
}

/// What a quantity costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuantityPrice {
    /// How many.
    pub units: u64,
    /// Where the row starts that applies; absent: none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// What it comes to, as far as that is known.
    #[serde(flatten)]
    pub price: Option<PriceAnswer>,
    /// The next step; absent at the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<NextStep>,
}

/// The step that a larger quantity would reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NextStep {
    /// Where it starts.
    pub from: u64,
    /// How many items are missing.
    pub units_missing: u64,
    /// What that quantity would come to. It may be less than what the smaller one does.
    #[serde(flatten)]
    pub price: Option<PriceAnswer>,
}

/// A [`Price`] with its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceAnswer {
    unit_price: String,
    total: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<Money>,
}

impl PriceAnswer {
    fn of(price: Price, currency: Currency) -> Self {
        let money = |amount: Minor| Money { amount, currency };
        Self {
            unit_price: unit_price_text(price.unit_price, currency),
            total: money(price.total),
            saved: price.saved.map(money),
        }
    }
}

/// The price list of what is asked for, for an account at `now`. `now` is not before its last decided instant.
pub fn price_list(account: &Account, asked: Asked, schedule: &Schedule, now: Instant) -> Result<PriceList, Overflow> {
    let (account, _) = advance::advance(schedule, account, now)?;
    let activation = schedule.at(now);
    let program = &*activation.program;
    let item = Item { sku: asked.sku.as_ref(), category: asked.category.as_deref() };
    let table = table_for(&program.price_tables, &item, &Buyer::of(&account, account.member_state(program, now)));
    let (list, currency) = (asked.list_price, program.currency);
    let quantity = asked.quantity.map(|units| quantity_price(table, units, list, currency)).transpose()?;
    Ok(PriceList {
        account_id: account.id,
        as_of: now,
        program_version: activation.version,
        tier: account.tier,
        currency,
        list_price: list.map(|price| unit_price_text(price, currency)),
        table: table.map(|table| TableName { id: table.id.clone(), name: table.name.clone() }),
        rows: rows(table, list, currency)?,
        quantity,
        sku: asked.sku,
        category: asked.category,
    })
}

/// The steps of a table, before them the list price where they begin with more than one item.
fn rows(table: Option<&PriceTable>, list: Option<UnitPrice>, currency: Currency) -> Result<Vec<Row>, Overflow> {
    let steps = table.map_or(&[][..], |table| &table.steps);
    let plain = list.filter(|_| steps.first().is_none_or(|step| step.from > 1));
    let plain = plain.map(|price| Step { from: 1, price: StepPrice::Unit(price) });
    let shown: Vec<_> = plain.into_iter().chain(steps.iter().copied()).collect();
    let ends = shown.iter().skip(1).map(|next| Some(next.from.saturating_sub(1))).chain([None]);
    shown.iter().zip(ends).map(|(step, to)| row(step, to, list, currency)).collect()
}

fn row(step: &Step, to: Option<u64>, list: Option<UnitPrice>, currency: Currency) -> Result<Row, Overflow> {
    let percent = match step.price {
        StepPrice::Off(percent) => Some(money::format_trimmed(percent.0, Percent::DECIMALS)),
        StepPrice::Unit(_) => None,
    };
    let price = step.price.unit_price(list)?;
    // Never more than the list price, so the difference is none below zero.
    let saved = price.zip(list).map(|(price, list)| UnitPrice(list.0.saturating_sub(price.0)));
    let text = |price| unit_price_text(price, currency);
    Ok(Row { from: step.from, to, percent, unit_price: price.map(text), saved_per_item: saved.map(text) })
}

fn quantity_price(
    table: Option<&PriceTable>,
    units: u64,
    list: Option<UnitPrice>,
    currency: Currency,
) -> Result<QuantityPrice, Overflow> {
    let answer = |units| {
        let price = price(table, units, list, currency)?;
        Ok::<_, Overflow>(price.map(|price| PriceAnswer::of(price, currency)))
    };
    let from = table.and_then(|table| table.step(units)).map(|step| step.from).or(list.map(|_| 1));
    let steps = table.map_or(&[][..], |table| &table.steps);
    let next = steps.iter().find(|step| step.from > units).map(|step| {
        let units_missing = step.from.saturating_sub(units);
        Ok::<_, Overflow>(NextStep { from: step.from, units_missing, price: answer(step.from)? })
    });
    Ok(QuantityPrice { units, from, price: answer(units)?, next: next.transpose()? })
}

/// A unit price with the decimals of its currency, and more where it has them: `2.50`, `0.0375`.
pub(crate) fn unit_price_text(price: UnitPrice, currency: Currency) -> String {
    let full = money::format_decimal(price.0, UnitPrice::DECIMALS_MAX);
    let (whole, fraction) = full.split_once('.').unwrap_or((&full, ""));
    let fraction = fraction.trim_end_matches('0');
    let width = usize::try_from(money::decimals(currency)).unwrap_or(0).max(fraction.len());
    if width == 0 { whole.to_owned() } else { format!("{whole}.{fraction:0<width$}") }
}
