//! Returns and cancellations that came before their order.
//!
//! They wait under the order's own key. The order's put then finds them there, and both are decided together.

use crate::decision::{Decision, Guard, Record, Rejection, Write};
use crate::id::OrderKey;
use crate::money::Overflow;
use crate::returns::{RETURNS_MAX, ReturnKey, Reversing};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What waits for one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedOrder {
    /// Which order.
    #[serde(flatten)]
    pub key: OrderKey,
    /// In the order they came.
    pub waiting: Vec<Waiting>,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// One return or cancellation that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What was stated.
    pub reversing: Reversing,
    /// Since when it waits.
    pub parked_at: Instant,
    /// Who stated it.
    pub by: String,
}

/// Parks a return or cancellation whose order is not known. The same again writes nothing.
pub fn park(
    key: &OrderKey,
    parked: Option<&ParkedOrder>,
    reversing: &Reversing,
    now: Instant,
    by: &str,
) -> Result<Decision<()>, Rejection> {
    let waiting = parked.map_or(&[][..], |parked| &parked.waiting);
    if let Some(earlier) = waiting.iter().find(|earlier| earlier.reversing.key() == reversing.key()) {
        if earlier.reversing.content_hash() == reversing.content_hash() {
            return Ok(Decision { writes: Vec::new(), answer: () });
        }
        return Err(Rejection::ContentDiffers { paths: vec!["$".to_owned()] });
    }
    reversing.check_date(now)?;
    // The cancellation ends an order, whatever came before it.
    if waiting.len() >= RETURNS_MAX && reversing.key() != ReturnKey::Cancellation {
        return Err(Rejection::TooManyReturns);
    }
    let mut waiting = waiting.to_vec();
    waiting.push(Waiting { reversing: reversing.clone(), parked_at: now, by: by.to_owned() });
    let (guard, held) = parked.map_or((Guard::Absent, 0), |parked| (Guard::Version(parked.version), parked.version));
    let version = held.checked_add(1).ok_or(Overflow)?;
    let record = Record::Parked(Box::new(ParkedOrder { key: key.clone(), waiting, version }));
    Ok(Decision { writes: vec![Write::Put(record, guard)], answer: () })
}
