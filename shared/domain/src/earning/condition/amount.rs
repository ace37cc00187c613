//! Conditions on what the order comes to.

use super::{Nonsense, OrderFacts, Reading, Test};
use crate::document::{self, Faults, Path};
use crate::money::{self, Minor, Money, Overflow};
use crate::program::{Ladder, Program};
use crate::schema::{self, Schema};
use serde_json::Value;

/// Most units that a condition asks for.
const UNITS_MAX: u64 = 1_000_000_000;

/// The eligible lines come to so much at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinimumTotal(pub Minor);

impl Test for MinimumTotal {
    type Facts<'a> = OrderFacts<'a>;

    fn read(value: &Value, path: &Path<'_>, reading: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        let least = document::decimal(money::decimals(reading.currency), 1)(value);
        document::noted(least, path, faults).map(|least| Self(Minor(least)))
    }

    fn schema() -> Schema {
        schema::money(1).about("From that eligible total on.")
    }

    fn holds(&self, facts: &OrderFacts<'_>) -> Result<bool, Overflow> {
        Ok(facts.eligible >= self.0)
    }

    fn terms(&self, program: &Program) -> String {
        format!("the eligible total is {} or more", Money { amount: self.0, currency: program.currency })
    }

    fn why_not(&self, program: &Program) -> String {
        format!("the eligible total is below {}", Money { amount: self.0, currency: program.currency })
    }
}

/// The eligible lines have so many units at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinimumUnits(pub u64);

impl Test for MinimumUnits {
    type Facts<'a> = OrderFacts<'a>;

    fn read(value: &Value, path: &Path<'_>, _: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        document::noted(document::whole(1..=UNITS_MAX)(value), path, faults).map(Self)
    }

    fn schema() -> Schema {
        // One unit is asked of no new rule: every order that earns anything has it.
        schema::whole(2..=UNITS_MAX).about("From so many units of the eligible lines on.")
    }

    fn holds(&self, facts: &OrderFacts<'_>) -> Result<bool, Overflow> {
        Ok(facts.units >= self.0)
    }

    fn terms(&self, _: &Program) -> String {
        format!("the eligible lines have {} units or more", self.0)
    }

    fn why_not(&self, _: &Program) -> String {
        format!("the eligible lines have fewer than {} units", self.0)
    }

    fn nonsense(&self, _: Option<&Ladder>) -> Option<Nonsense> {
        (self.0 == 1).then(|| ("no_effect", "is true of every order that earns anything".to_owned()))
    }
}
