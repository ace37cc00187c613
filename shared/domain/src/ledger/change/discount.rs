//! The way of a discount: issued, used, given back, withdrawn, ended.

use crate::code::Code;
use crate::id::{ContactId, RuleId, TierId};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What became of a discount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type")]
pub enum DiscountChange {
    /// A discount was issued.
    #[serde(rename = "discount.issued")]
    Issued {
        /// By which rule.
        rule: RuleId,
        /// Its code.
        code: Code,
        /// When it ends.
        expires_at: Instant,
    },
    /// A discount was used.
    #[serde(rename = "discount.used")]
    Used {
        /// Its code.
        code: Code,
        /// It is one that many accounts share.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shared: bool,
    },
    /// A discount was given back: its order was amended and does not name it any more, or was undone.
    #[serde(rename = "discount.released")]
    Released {
        /// Its code.
        code: Code,
        /// It is one that many accounts share.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shared: bool,
    },
    /// A discount was withdrawn: what had brought it about was changed or undone.
    #[serde(rename = "discount.voided")]
    Voided {
        /// Its code.
        code: Code,
    },
    /// A discount will end.
    #[serde(rename = "discount.expiring")]
    Expiring {
        /// By which rule it was issued.
        rule: RuleId,
        /// Its code.
        code: Code,
        /// When.
        expires_at: Instant,
        /// Whom it concerns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact_id: Option<ContactId>,
    },
    /// A discount ended unused.
    #[serde(rename = "discount.expired")]
    Expired {
        /// By which rule it was issued.
        rule: RuleId,
        /// Its code.
        code: Code,
        /// When it ended.
        expired_at: Instant,
    },
    /// A discount was issued for entering a tier, once for each; a change of its own tells its code.
    #[serde(rename = "discount.for_tier")]
    ForTier {
        /// Which tier.
        tier: TierId,
        /// By which rule.
        rule: RuleId,
        /// When it was entered, where time alone led there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entered_at: Option<Instant>,
        /// It was not issued: the account had as many open as it can have, or is given none.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        withheld: bool,
    },
}
