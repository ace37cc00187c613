//! The uses of perks: made, bought, taken back.

use crate::id::RuleId;
use crate::perks::Uses;
use serde::{Deserialize, Serialize};

/// What changed about the uses of a perk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type")]
pub enum PerkChange {
    /// A perk was used.
    #[serde(rename = "perk.used")]
    Used {
        /// Which perk.
        perk: RuleId,
        /// What is used and left of it then, if it is counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uses: Option<Uses>,
        /// Uses bought with points that are left, where it was one of these.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bought_left: Option<u32>,
        /// A booking, a ticket or the like.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// Uses of a perk were bought with points.
    #[serde(rename = "perk.uses_bought")]
    UsesBought {
        /// Which perk.
        perk: RuleId,
        /// How many uses.
        uses: u32,
        /// How many that were bought are left then.
        left: u32,
    },
    /// Uses of a perk that were bought were taken back.
    #[serde(rename = "perk.uses_returned")]
    UsesReturned {
        /// Which perk.
        perk: RuleId,
        /// How many uses.
        uses: u32,
        /// How many that were bought are left then.
        left: u32,
    },
}
