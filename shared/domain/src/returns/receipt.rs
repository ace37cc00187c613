//! The answer about a return or a cancellation, rendered from what its order keeps of it.

use super::{ReturnKey, Returned, Reversal};
use crate::code::Code;
use crate::id::{AccountId, LineId, OrderKey};
use crate::lots::Taken;
use crate::money::{Money, Overflow, Points};
use crate::score::ScoredOrder;
use crate::time::Instant;
use serde::Serialize;

/// What a return took back, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReturnReceipt {
    /// Which order.
    #[serde(flatten)]
    pub order: OrderKey,
    /// Which return; nothing for the cancellation.
    #[serde(flatten)]
    pub by: ReturnKey,
    /// Whose order.
    pub account_id: AccountId,
    /// When it was carried out.
    pub decided_at: Instant,
    /// The program version of the order: it is the one that counts.
    pub program_version: u32,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// Units that came off each line; none for the cancellation, which takes all that is left.
    pub lines: Vec<ReturnedLine>,
    /// Units that came off in all.
    pub units: u64,
    /// Units stated beyond what the order had left.
    pub excess_units: u64,
    /// By how much the order's eligible total fell.
    pub eligible: Money,
    /// Points taken back, owed ones included.
    pub points_reversed: Points,
    /// Where they were taken from.
    pub taken: Taken,
    /// Points the account owes: its next earnings repay them.
    pub points_owed: Points,
    /// Points that could not be taken and were written off.
    pub points_unrecovered: Points,
    /// Points that had ended already, so that nothing was taken for them.
    pub points_lapsed: Points,
    /// Points given back that had paid for what came back, those included that came back ended.
    #[serde(skip_serializing_if = "is_nothing")]
    pub points_restored: Points,
    /// How many of them came back ended: their end has gone by.
    #[serde(skip_serializing_if = "is_nothing")]
    pub points_restored_expired: Points,
    /// How many of them repaid what the account owes.
    #[serde(skip_serializing_if = "is_nothing")]
    pub points_restored_repaid: Points,
    /// Codes that it had used and that can be used again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discounts_restored: Vec<Code>,
    /// Codes that it had used and that came back ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discounts_restored_ended: Vec<Code>,
    /// The account's spendable points right after it.
    pub balance: Points,
    /// The same in plain English.
    pub text: String,
}

fn is_nothing(points: &Points) -> bool {
    *points == Points::ZERO
}

/// Units that came off one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReturnedLine {
    /// The order's line.
    pub line_id: LineId,
    /// Units that came back with this return.
    pub quantity: u64,
}

/// Renders the receipt of one return of an order, or of its cancellation. `None` where it has none such.
pub fn receipt(scored: &ScoredOrder, key: &ReturnKey) -> Result<Option<ReturnReceipt>, Overflow> {
    let Some(returned) = scored.returned(key) else { return Ok(None) };
    let line = |(id, units): &(LineId, u64)| ReturnedLine { line_id: id.clone(), quantity: *units };
    let eligible = Money { amount: returned.eligible, currency: scored.order.currency };
    let reversal = returned.reversal;
    Ok(Some(ReturnReceipt {
        order: scored.order.key.clone(),
        by: returned.key.clone(),
        account_id: scored.order.account_id.clone(),
        decided_at: returned.decided_at,
        program_version: scored.score.program_version,
        entry: returned.entry,
        lines: returned.lines.iter().map(line).collect(),
        units: returned.units,
        excess_units: returned.excess_units,
        eligible,
        points_reversed: reversal.reversed()?,
        taken: reversal.taken,
        points_owed: reversal.owed,
        points_unrecovered: reversal.unrecovered,
        points_lapsed: reversal.lapsed,
        points_restored: returned.came_back.points,
        points_restored_expired: returned.came_back.points_expired,
        points_restored_repaid: returned.came_back.points_repaid,
        discounts_restored: returned.came_back.codes.clone(),
        discounts_restored_ended: returned.came_back.codes_ended.clone(),
        balance: returned.balance,
        text: text(returned, eligible)?,
    }))
}

fn text(returned: &Returned, eligible: Money) -> Result<String, Overflow> {
    let reversal = &returned.reversal;
    let reversed = reversal.reversed()?;
    let mut parts = vec![format!("{eligible} of the order came back: {reversed} points were taken back")];
    parts.extend(reversal.sources());
    parts.extend(returned.came_back.sentences());
    if returned.excess_units > 0 {
        parts.push(format!("{} units more were stated than the order had left", returned.excess_units));
    }
    Ok(format!("{}.", parts.join("; ")))
}

impl Reversal {
    /// Where its points came from and what became of those that were not there, in plain English.
    pub(crate) fn sources(&self) -> impl Iterator<Item = String> {
        let parts = [
            (self.taken.pending, "of them still waited"),
            (self.taken.own_lot, "came from those the order had earned"),
            (self.taken.other_lots, "came from other points, the earliest to end first"),
            (self.owed, "are owed and will be repaid by the next earnings"),
            (self.unrecovered, "were spent already and are written off"),
            (self.lapsed, "had ended already, so nothing was taken for them"),
        ];
        parts
            .into_iter()
            .filter(|(points, _)| *points > Points::ZERO)
            .map(|(points, words)| format!("{points} {words}"))
    }
}
