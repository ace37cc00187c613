//! What a million orders cost: `guilder cost`.
//!
//! A sample of each operation is carried out against an embedded cloud ([`sample`]), which reports the request units as
//! DynamoDB does; payloads and log lines are counted, and prices come from a file with its date ([`prices`]). All
//! arithmetic is exact, in billionths of a dollar, each amount rounded once ([`bill`]). How long an invocation takes is
//! the one thing that cannot be told from here: it is measured in this process, or stated.

pub mod bill;
mod meter;
pub mod prices;
pub mod sample;
mod text;

#[cfg(test)]
mod tests;

use bill::{Bill, Overflow, Standing, Usage};
use prices::Prices;
use sample::{Measured, OPERATIONS, Operation, Sampled};
use serde::Serialize;
use std::collections::BTreeMap;

pub use text::text;

/// A million: what costs are told for.
pub const MILLION: u64 = 1_000_000;

/// What a mix is stated for.
pub const MIX_ORDERS: u64 = 1_000;

/// Why there is no cost.
#[derive(Debug, thiserror::Error)]
pub enum CostError {
    /// The price file cannot be used.
    #[error(transparent)]
    Prices(#[from] prices::PricesError),
    /// The mix is none.
    #[error("--mix {0}")]
    Mix(String),
    /// A sample could not be carried out.
    #[error(transparent)]
    Sample(#[from] sample::SampleError),
    /// A sum is too large.
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

/// How often each operation happens while a thousand orders are placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mix(BTreeMap<&'static str, u64>);

impl Default for Mix {
    fn default() -> Self {
        Self(OPERATIONS.iter().map(|operation| (operation.name, operation.usual)).collect())
    }
}

impl Mix {
    /// Reads `order=950,first-order=50,quote=3000`; what is not named does not happen. Orders add up to a thousand.
    pub fn parse(text: &str) -> Result<Self, CostError> {
        let mut mix = BTreeMap::new();
        for part in text.split(',') {
            let (name, count) =
                part.split_once('=').ok_or_else(|| CostError::Mix(format!("{part:?} is no NAME=COUNT")))?;
            let known = OPERATIONS.iter().find(|operation| operation.name == name.trim());
            let names = || OPERATIONS.map(|operation| operation.name).join(", ");
            let operation = known.ok_or_else(|| CostError::Mix(format!("{name:?} is none of {}", names())))?;
            let count = count.trim().parse::<u32>();
            let count = count.map_err(|_| CostError::Mix(format!("{part:?}: the count must be a whole number")))?;
            if mix.insert(operation.name, u64::from(count)).is_some() {
                return Err(CostError::Mix(format!("{} is named twice", operation.name)));
            }
        }
        let mix = Self(mix);
        let orders = OPERATIONS.iter().filter(|operation| operation.is_order).map(|operation| mix.of(operation));
        match orders.sum::<u64>() {
            MIX_ORDERS => Ok(mix),
            other => Err(CostError::Mix(format!("has {other} orders; those of its kinds must add up to {MIX_ORDERS}"))),
        }
    }

    /// How often an operation happens per thousand orders.
    pub fn of(&self, operation: &Operation) -> u64 {
        self.0.get(operation.name).copied().unwrap_or_default()
    }
}

/// What users say that cannot be measured here.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stated {
    /// How long an invocation is billed for.
    pub duration_ms: Option<u64>,
    /// The memory of every function.
    pub memory_mb: Option<u64>,
}

/// What operations cost, and a million orders of a mix.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// The region of the prices.
    pub region: String,
    /// Their date.
    pub prices_date: String,
    /// How often each operation was carried out.
    pub samples: u64,
    /// Whether durations were stated; otherwise they are this process's.
    pub duration_is_stated: bool,
    /// Each operation.
    pub operations: Vec<OperationCost>,
    /// A million orders, each with what comes along.
    pub million_orders: Bill,
    /// What stands there, whoever orders.
    pub standing: Standing,
    /// What that costs every month.
    pub standing_cost: Bill,
    /// What has no price, and so is in no amount.
    pub left_out: Vec<&'static str>,
}

/// What one operation costs.
#[derive(Debug, Serialize)]
pub struct OperationCost {
    /// Its name in a mix.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// How often it happens per thousand orders.
    pub per_thousand_orders: u64,
    /// What all samples of it used.
    pub sampled: Usage,
    /// A million of it.
    pub million: Bill,
    /// Its part of a million orders.
    pub of_million_orders: Bill,
}

/// The cost of what was measured.
pub fn cost(sampled: &Sampled, mix: &Mix, prices: &Prices, stated: Stated) -> Result<Cost, CostError> {
    let mut operations = Vec::new();
    let mut million_orders = Bill::default();
    let mut samples = 0;
    for Measured { operation, samples: count, usage, memory_mb } in &sampled.operations {
        let usage = usage.in_memory(*memory_mb, stated)?;
        let per_thousand_orders = mix.of(operation);
        let million = Bill::of(&usage, *count, MILLION, prices)?;
        // A million orders are a thousand times a thousand.
        let times = per_thousand_orders.checked_mul(MILLION / MIX_ORDERS).ok_or(Overflow)?;
        let of_million_orders = Bill::of(&usage, *count, times, prices)?;
        million_orders = million_orders.plus(&of_million_orders)?;
        samples = *count;
        let (name, title) = (operation.name, operation.title);
        operations.push(OperationCost { name, title, per_thousand_orders, sampled: usage, million, of_million_orders });
    }
    Ok(Cost {
        region: prices.region.clone(),
        prices_date: prices.date.clone(),
        samples,
        duration_is_stated: stated.duration_ms.is_some(),
        operations,
        million_orders,
        standing: sampled.standing,
        standing_cost: Bill::of_standing(&sampled.standing, prices)?,
        left_out: prices.left_out(),
    })
}
