//! Conditions on the person that an order is of.

use super::{AccountFacts, Reading, Test};
use crate::document::{self, Faults, Path};
use crate::earning::choice::one_of;
use crate::membership::Role;
use crate::money::Overflow;
use crate::program::Program;
use crate::schema::{self, Schema};
use serde_json::Value;

/// The order's contact does one of these for the account, as was known when the order was first scored. An order
/// without a contact, or with one that nobody has stated, has none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactRoles(pub Vec<Role>);

impl ContactRoles {
    fn in_words(&self) -> String {
        let named: Vec<_> =
            Role::ALL.iter().filter(|(_, role)| self.0.contains(role)).map(|(name, _)| (*name).to_owned()).collect();
        one_of(&named)
    }
}

impl Test for ContactRoles {
    type Facts<'a> = AccountFacts<'a>;

    fn read(value: &Value, path: &Path<'_>, _: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        let role = |value: &Value, path: &Path<'_>, faults: &mut Faults| {
            document::noted(document::one_of(&Role::ALL)(value), path, faults)
        };
        document::list(value, path, 1..=Role::ALL.len(), faults, role).map(Self)
    }

    fn schema() -> Schema {
        schema::list(1..=Role::ALL.len(), schema::one_of(&Role::ALL))
            .about("What the order's contact does for the account.")
    }

    fn holds(&self, facts: &AccountFacts<'_>) -> Result<bool, Overflow> {
        Ok(facts.role.is_some_and(|role| self.0.contains(&role)))
    }

    fn terms(&self, _: &Program) -> String {
        format!("its contact's role is {}", self.in_words())
    }

    fn why_not(&self, _: &Program) -> String {
        format!("the role of the order's contact must be {}", self.in_words())
    }
}
