//! The answer about a payment, rendered from what its order keeps of it.

use super::Payment;
use crate::id::{AccountId, OrderKey};
use crate::money::Points;
use crate::score::ScoredOrder;
use crate::time::Instant;
use serde::Serialize;

/// What a payment made of the points of its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PaymentReceipt {
    /// Which order.
    #[serde(flatten)]
    pub order: OrderKey,
    /// Whose order.
    pub account_id: AccountId,
    /// When it was paid.
    pub paid_at: Instant,
    /// The number of the payment, of an invoice or the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// When that was taken in.
    pub decided_at: Instant,
    /// The program version of the order: it is the one that counts.
    pub program_version: u32,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// Points that had waited for it; what the account owed is repaid out of them.
    pub points: Points,
    /// From when they can be spent, if not at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_at: Option<Instant>,
    /// When they end, as things stood then; absent where they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// The account's spendable points right after it.
    pub balance: Points,
    /// The same in plain English.
    pub text: String,
}

/// Renders the receipt of the payment of an order. `None`: it is not paid.
pub fn receipt(scored: &ScoredOrder) -> Option<PaymentReceipt> {
    let payment = scored.history.payment.as_ref()?;
    let Payment { paid_at, decided_at, entry, points, available_at, expires_at, balance, .. } = *payment;
    Some(PaymentReceipt {
        order: scored.order.key.clone(),
        account_id: scored.order.account_id.clone(),
        paid_at,
        reference: payment.reference.clone(),
        decided_at,
        program_version: scored.score.program_version,
        entry,
        points,
        available_at,
        expires_at: Some(expires_at).filter(|end| points > Points::ZERO && !end.is_never()),
        balance,
        text: text(payment),
    })
}

fn text(payment: &Payment) -> String {
    let Payment { points, available_at, expires_at, decided_at, .. } = *payment;
    match available_at {
        _ if points == Points::ZERO => "The order is paid; no points waited for that.".to_owned(),
        _ if expires_at <= decided_at => {
            format!("The order is paid: the {points} points that waited for that had ended at {expires_at}.")
        }
        None => format!("The order is paid: {points} points do not wait any more."),
        Some(at) => format!("The order is paid: {points} points can be spent from {at}."),
    }
}
