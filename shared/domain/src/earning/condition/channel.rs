//! Conditions on where the order comes from.

use super::{OrderFacts, Reading, Test};
use crate::document::{self, Faults, Path};
use crate::earning::choice::{self, Choice};
use crate::id::Source;
use crate::money::Overflow;
use crate::program::Program;
use crate::schema::{self, Schema};
use serde_json::Value;

/// The order comes from one of these sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources(pub Choice<Source>);

impl Test for Sources {
    type Facts<'a> = OrderFacts<'a>;

    fn read(value: &Value, path: &Path<'_>, _: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        Choice::read(value, path, faults, document::id(Source::parse)).map(Self)
    }

    fn schema() -> Schema {
        choice::schema(&schema::id(Source::parse)).about("Where the order comes from.")
    }

    fn holds(&self, facts: &OrderFacts<'_>) -> Result<bool, Overflow> {
        Ok(self.0.admits(Some(facts.source)))
    }

    fn terms(&self, _: &Program) -> String {
        format!("its source is {}", self.0.in_words())
    }

    fn why_not(&self, _: &Program) -> String {
        format!("the order's source must be {}", self.0.in_words())
    }
}
