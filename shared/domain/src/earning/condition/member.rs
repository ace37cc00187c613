//! Conditions on what kind of customer the account is.

use super::{AccountFacts, Nonsense, Reading, Test};
use crate::document::{self, Faults, Path};
use crate::earning::choice::{self, Choice};
use crate::id::{Segment, TierId};
use crate::money::Overflow;
use crate::program::{Ladder, Program};
use crate::schema::{self, Schema};
use serde_json::Value;

/// The account is in one of these segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segments(pub Choice<Segment>);

impl Test for Segments {
    type Facts<'a> = AccountFacts<'a>;

    fn read(value: &Value, path: &Path<'_>, _: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        Choice::read(value, path, faults, document::id(Segment::parse)).map(Self)
    }

    fn schema() -> Schema {
        choice::schema(&schema::id(Segment::parse))
            .about("The account's segments: one that is included is enough, and so is one that is excluded.")
    }

    fn holds(&self, facts: &AccountFacts<'_>) -> Result<bool, Overflow> {
        Ok(self.0.admits_any(facts.segments))
    }

    fn terms(&self, _: &Program) -> String {
        format!("the account's segment is {}", self.0.in_words())
    }

    fn why_not(&self, _: &Program) -> String {
        format!("the account's segment must be {}", self.0.in_words())
    }
}

/// The account held one of these tiers before the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierHeld(pub Choice<TierId>);

impl Test for TierHeld {
    type Facts<'a> = AccountFacts<'a>;

    fn read(value: &Value, path: &Path<'_>, _: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        Choice::read(value, path, faults, document::id(TierId::parse)).map(Self)
    }

    fn schema() -> Schema {
        choice::schema(&schema::id(TierId::parse)).about("The tier held before the order.")
    }

    fn holds(&self, facts: &AccountFacts<'_>) -> Result<bool, Overflow> {
        Ok(self.0.admits(Some(facts.tier)))
    }

    fn terms(&self, _: &Program) -> String {
        format!("the tier held before it is {}", self.0.in_words())
    }

    fn why_not(&self, program: &Program) -> String {
        let named = self.0.listed(|tier| program.tiers.name(tier).to_owned());
        format!("the tier held before the order must be {named}")
    }

    fn nonsense(&self, tiers: Option<&Ladder>) -> Option<Nonsense> {
        let tiers = tiers?;
        let named = self.0.include.iter().flatten().chain(&self.0.exclude);
        let unknown = named.clone().find(|named| !tiers.knows(named));
        if let Some(unknown) = unknown {
            return Some(("unknown_tier", format!("names {unknown}, which the program does not have")));
        }
        let admitted = tiers.iter().filter(|tier| self.0.admits(Some(&tier.id))).count();
        match admitted {
            0 => Some(("never_fires", "leaves no tier of the program".to_owned())),
            _ if admitted == tiers.iter().count() => Some(("no_effect", "admits every tier of the program".to_owned())),
            _ => None,
        }
    }
}
