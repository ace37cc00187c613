//! The answer about a credit note, rendered from its record.

use super::{CreditNote, MatchedOrder, State};
use crate::id::{AccountId, OrderKey, ReturnId, Sku};
use crate::money::{Currency, Money, Points};
use crate::time::Instant;
use serde::Serialize;

/// What a credit note took back, so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreditNoteReceipt {
    /// Whose it is.
    pub account_id: AccountId,
    /// Which credit note.
    pub return_id: ReturnId,
    /// `waiting`, `open` or `done`: nothing changes any more.
    pub state: State,
    /// When the goods came back.
    pub returned_at: Instant,
    /// When the latest step was decided.
    pub decided_at: Instant,
    /// Sequence of the ledger entry of the latest step; absent while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    /// Units stated.
    pub units: u64,
    /// Units that orders gave.
    pub units_matched: u64,
    /// Units that no order gave, so far.
    pub units_unmatched: u64,
    /// The same by line, where there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmatched: Vec<UnmatchedLine>,
    /// The orders that gave something, the first hundred.
    pub orders: Vec<OrderReceipt>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_none")]
    pub orders_unlisted: u64,
    /// By how much the eligible totals of all of them fell.
    pub eligible: Money,
    /// Points taken back, owed ones included.
    pub points_reversed: Points,
    /// Points the account owes: its next earnings repay them.
    pub points_owed: Points,
    /// Points that could not be taken and were written off.
    pub points_unrecovered: Points,
    /// Points that had ended already, so that nothing was taken for them.
    pub points_lapsed: Points,
    /// Points given back that had paid for what came back.
    #[serde(skip_serializing_if = "is_nothing")]
    pub points_restored: Points,
    /// The account's spendable points right after the latest step; absent while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<Points>,
    /// The same in plain English.
    pub text: String,
}

/// Units of a line that no order gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnmatchedLine {
    /// The line's place, from 1.
    pub line: usize,
    /// What came back.
    pub sku: Sku,
    /// How many units of it.
    pub quantity: u64,
}

/// What one order gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderReceipt {
    /// Which order.
    #[serde(flatten)]
    pub order: OrderKey,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// Units that came off it.
    pub units: u64,
    /// By how much its eligible total fell.
    pub eligible: Money,
    /// Points taken back for it, owed ones included.
    pub points_reversed: Points,
}

fn is_nothing(points: &Points) -> bool {
    *points == Points::ZERO
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Renders the receipt of a credit note, in the program's currency.
pub fn receipt(note: &CreditNote, currency: Currency) -> CreditNoteReceipt {
    let outcome = &note.outcome;
    let money = |amount| Money { amount, currency };
    let order = |matched: &MatchedOrder| OrderReceipt {
        order: matched.order.clone(),
        entry: matched.entry,
        units: matched.units,
        eligible: money(matched.eligible),
        points_reversed: matched.reversed,
    };
    let begun = note.state != State::Waiting;
    let unmatched = note.lines.iter().zip(1..).filter(|(line, _)| line.left > 0);
    let unmatched =
        unmatched.map(|(line, place)| UnmatchedLine { line: place, sku: line.sku.clone(), quantity: line.left });
    let units_unmatched = note.units_left();
    CreditNoteReceipt {
        account_id: note.account_id.clone(),
        return_id: note.return_id.clone(),
        state: note.state,
        returned_at: note.returned_at,
        decided_at: note.decided_at,
        entry: begun.then_some(outcome.entry),
        units: note.units(),
        units_matched: note.units().saturating_sub(units_unmatched),
        units_unmatched,
        unmatched: unmatched.collect(),
        orders: outcome.orders.iter().map(order).collect(),
        orders_unlisted: outcome.orders_unlisted,
        eligible: money(outcome.eligible),
        points_reversed: outcome.reversed,
        points_owed: outcome.owed,
        points_unrecovered: outcome.unrecovered,
        points_lapsed: outcome.lapsed,
        points_restored: outcome.restored,
        balance: begun.then_some(outcome.balance),
        text: text(note),
    }
}

fn text(note: &CreditNote) -> String {
    let (units, left) = (note.units(), note.units_left());
    let matched = units.saturating_sub(left);
    let outcome = &note.outcome;
    let orders = u64::try_from(outcome.orders.len()).unwrap_or(u64::MAX).saturating_add(outcome.orders_unlisted);
    match note.state {
        State::Waiting => "Another credit note of the account is being matched; this one comes next.".to_owned(),
        State::Open => format!("{matched} of {units} units are matched so far, to {orders} orders; it goes on."),
        State::Done => {
            let (reversed, lapsed) = (outcome.reversed, outcome.lapsed);
            let mut text = format!(
                "{matched} of {units} units were matched to {orders} orders: {reversed} points were taken back"
            );
            for (points, words) in [
                (outcome.owed, "of them are owed and will be repaid by the next earnings"),
                (outcome.unrecovered, "were spent already and are written off"),
                (lapsed, "had ended already, so nothing was taken for them"),
            ] {
                if points > Points::ZERO {
                    text = format!("{text}; {points} {words}");
                }
            }
            if outcome.restored > Points::ZERO {
                text = format!("{text}; {} points that had paid for them were given back", outcome.restored);
            }
            if left > 0 {
                text = format!("{text}; {left} units match no earlier order");
            }
            format!("{text}.")
        }
    }
}
