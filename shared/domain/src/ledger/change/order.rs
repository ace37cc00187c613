//! What happens to orders, and to the goods that come back. What that earns or costs is a change of the points.

use crate::id::OrderKey;
use crate::money::{Money, Points};
use crate::payment::OrderPaid;
use crate::returns::ReturnKey;
use serde::{Deserialize, Serialize};

/// What happened to an order, or to goods that came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type")]
pub enum OrderChange {
    /// An order was scored.
    #[serde(rename = "order.scored")]
    Scored {
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
        /// What it earned.
        points: Points,
        /// What its eligible lines came to.
        eligible_total: Money,
        /// It is older than the months kept and counts in the lifetime totals only.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        beyond_kept_months: bool,
    },
    /// An order is paid: what had waited for that does so no more.
    #[serde(rename = "order.paid")]
    Paid(OrderPaid),
    /// Goods of an order came back, or the order was cancelled.
    #[serde(rename = "order.returned")]
    Returned {
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
        /// By which return; nothing for a cancellation.
        #[serde(flatten)]
        by: ReturnKey,
        /// By how much the order's eligible total fell.
        eligible: Money,
        /// Units that came off. The first release noted neither these nor what is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        units: Option<u64>,
        /// What is kept of the eligible total.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kept: Option<Money>,
        /// Points that what is kept earns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keeps: Option<Points>,
        /// Units stated beyond what the order had left.
        #[serde(default, skip_serializing_if = "is_zero")]
        excess_units: u64,
        /// Who stated it, where it had waited for its order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stated_by: Option<String>,
    },
    /// An order was changed by its shop, and scored again.
    #[serde(rename = "order.amended")]
    Amended {
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
        /// By which statement of it.
        revision: u64,
        /// What its eligible lines came to before.
        eligible_before: Money,
        /// What they come to now.
        eligible: Money,
        /// What it earns now, before anything is taken back for returns.
        points: Points,
    },
    /// A return or cancellation that had waited for its order was not carried out: it is dated before it.
    #[serde(rename = "return.refused")]
    ReturnRefused {
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
        /// Which return; nothing for a cancellation.
        #[serde(flatten)]
        by: ReturnKey,
        /// Who had stated it.
        stated_by: String,
    },
    /// A credit note that names no order began to be matched.
    #[serde(rename = "credit_note.opened")]
    CreditNoteOpened {
        /// Units stated.
        units: u64,
    },
    /// All that a credit note can take back was taken back.
    #[serde(rename = "credit_note.closed")]
    CreditNoteClosed {
        /// Units that orders gave.
        units_matched: u64,
        /// Units that no order gave: they are counted, nothing else.
        units_unmatched: u64,
    },
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
