//! What changes about what an account holds for its carts.

use crate::code::Code;
use crate::id::{OrderKey, ReservationId};
use crate::money::{Money, Points};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What changed about a hold. Points that are held stay the account's: none of these changes how many it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type")]
pub enum HoldChange {
    /// Discounts and points were reserved for a cart.
    #[serde(rename = "hold.made")]
    Made {
        /// Under which reservation.
        reservation_id: ReservationId,
        /// Discounts of the account that are held.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        codes: Vec<Code>,
        /// Points that are held.
        points: Points,
        /// The first instant at which they are not any more.
        until: Instant,
    },
    /// A reservation was given up.
    #[serde(rename = "hold.released")]
    Released {
        /// Which.
        reservation_id: ReservationId,
        /// Points that it had held.
        points: Points,
    },
    /// An order used a reservation.
    #[serde(rename = "hold.used")]
    Used {
        /// Which.
        reservation_id: ReservationId,
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
        /// What there was to pay by the quote that it was made for, shipping included.
        quoted: Money,
        /// What there is to pay by the order, which is what counts.
        ordered: Money,
    },
    /// A hold was over before anything used it.
    #[serde(rename = "hold.ended")]
    Ended {
        /// Which: the sequence of the entry that made it.
        hold: u64,
        /// Points that it had held.
        points: Points,
        /// When.
        ended_at: Instant,
    },
}
