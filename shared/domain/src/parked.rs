//! Returns and cancellations that came before their order, and its payment, if that did.
//!
//! They wait under the order's own key. The order's put then finds them there, and all are decided together.

use crate::decision::{Decision, Guard, Record, Rejection, Write};
use crate::id::OrderKey;
use crate::money::Overflow;
use crate::payment::PaymentDocument;
use crate::returns::{RETURNS_MAX, ReturnKey, Reversing};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What waits for one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedOrder {
    /// Which order.
    #[serde(flatten)]
    pub key: OrderKey,
    /// Returns and the cancellation, in the order they came.
    pub waiting: Vec<Waiting>,
    /// Its payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<WaitingPayment>,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// The answer to what came before its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ParkedAnswer<'a> {
    /// Which order it waits for.
    #[serde(flatten)]
    order: &'a OrderKey,
    /// `parked`.
    state: &'static str,
}

impl<'a> ParkedAnswer<'a> {
    /// That it waits for this order.
    pub fn of(order: &'a OrderKey) -> Self {
        Self { order, state: "parked" }
    }
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

/// A payment that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingPayment {
    /// What was stated.
    pub document: PaymentDocument,
    /// Since when it waits.
    pub parked_at: Instant,
    /// Who stated it.
    pub by: String,
}

impl ParkedOrder {
    /// Nothing, for that order.
    fn nothing(key: &OrderKey) -> Self {
        Self { key: key.clone(), waiting: Vec::new(), payment: None, version: 0 }
    }

    /// The write of what waits once `change` has added to it.
    fn changed(key: &OrderKey, held: Option<&Self>, change: impl FnOnce(&mut Self)) -> Result<Write, Overflow> {
        let mut parked = held.cloned().unwrap_or_else(|| Self::nothing(key));
        change(&mut parked);
        let guard = held.map_or(Guard::Absent, |held| Guard::Version(held.version));
        parked.version = parked.version.checked_add(1).ok_or(Overflow)?;
        Ok(Write::Put(Record::Parked(Box::new(parked)), guard))
    }
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
    let waits = Waiting { reversing: reversing.clone(), parked_at: now, by: by.to_owned() };
    let write = ParkedOrder::changed(key, parked, |parked| parked.waiting.push(waits))?;
    Ok(Decision { writes: vec![write], answer: () })
}

/// Parks the payment of an order that is not known. The same again writes nothing.
pub fn park_payment(
    key: &OrderKey,
    parked: Option<&ParkedOrder>,
    document: &PaymentDocument,
    now: Instant,
    by: &str,
) -> Result<Decision<()>, Rejection> {
    if let Some(earlier) = parked.and_then(|parked| parked.payment.as_ref()) {
        let paths = document.differences(&earlier.document);
        return match paths.is_empty() {
            true => Ok(Decision { writes: Vec::new(), answer: () }),
            false => Err(Rejection::ContentDiffers { paths }),
        };
    }
    document.check_date(now)?;
    let waits = WaitingPayment { document: document.clone(), parked_at: now, by: by.to_owned() };
    let write = ParkedOrder::changed(key, parked, |parked| parked.payment = Some(waits))?;
    Ok(Decision { writes: vec![write], answer: () })
}
