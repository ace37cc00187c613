//! Credit notes that name no order: goods came back, and the orders they were bought with are found by SKU.
//!
//! Units are matched to the account's orders, the last one processed first, within an order in line order, up to what
//! is still kept of each line. What no order has left is counted as unmatched, and nothing else becomes of it.
//!
//! The first step fixes the horizon: only orders committed by then are looked at, so that later ones cannot change the
//! match. It goes order by order. Each step is one commit guarded by the account, the order and the credit note's own
//! record, so whoever carries it on, however often, takes nothing twice; what changes any order of the account
//! changes the account, too, so a step that was decided on an order's older state cannot be committed. One credit
//! note of an account is open at a time: the account names it, and the next one waits.

pub(crate) mod read;
mod receipt;
mod step;

use crate::account::Account;
use crate::id::{AccountId, LineId, OrderKey, ReturnId, Sku};
use crate::ledger::{Cause, Entry};
use crate::money::{Minor, Overflow, Points};
use crate::returns::{RETURNS_MAX, Returned};
use crate::schedule::Activation;
use crate::score::{FUTURE_MS_MAX, ScoredOrder};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

pub use read::{SKU_BYTES_MAX, continuation, credit_note_document, event_document};
pub use receipt::{CreditNoteReceipt, receipt};
pub use step::{Found, Next, Progress, step};

/// Most orders that a credit note's record lists; the rest are counted. All of them stand in the entries.
pub const ORDERS_LISTED_MAX: usize = 100;

/// Goods that came back with no word of their order: `POST /v1/accounts/{account_id}/returns`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreditNoteDocument {
    /// Its number, the account's own; a repeat of it is harmless.
    pub return_id: ReturnId,
    /// When they came back, by the clock of whoever says so. Orders placed later have not given them.
    pub returned_at: Instant,
    /// What came back (an imported one may have no line left). A SKU may stand in several lines.
    pub lines: Vec<CreditedLine>,
}

/// Units of one SKU that came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreditedLine {
    /// What it was.
    pub sku: Sku,
    /// Units, more than zero.
    pub quantity: u64,
}

impl CreditNoteDocument {
    /// SHA-256 over what is stated.
    pub fn content_hash(&self) -> [u8; 32] {
        Sha256::digest(serde_json::to_vec(self).unwrap_or_default()).into()
    }
}

/// A credit note as far as it was carried out: its own record, kept for good. What the store packs by itself is left
/// out of its JSON form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditNote {
    /// Whose it is.
    pub account_id: AccountId,
    /// Its number, the account's own.
    pub return_id: ReturnId,
    /// Hash of what was stated.
    #[serde(skip)]
    pub content_hash: [u8; 32],
    /// When the goods came back.
    pub returned_at: Instant,
    /// When it was first heard of.
    pub stated_at: Instant,
    /// Who stated it: every entry says so, whoever carries it on.
    pub by: String,
    /// How far it has come.
    pub state: State,
    /// When its latest step was decided.
    pub decided_at: Instant,
    /// Where it looks for orders; `None` while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
    /// What it took back so far.
    pub outcome: Outcome,
    /// What came back, and what of it is still to be matched.
    #[serde(skip)]
    pub lines: Vec<NoteLine>,
    /// Counts changes of the record, from 1.
    #[serde(skip)]
    pub version: u64,
}

/// How far a credit note has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CreditNoteState"))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Another credit note of the account is open: it begins after that one.
    Waiting,
    /// It is being matched.
    Open,
    /// Nothing more will happen to it.
    Done,
}

/// One line of a credit note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteLine {
    /// What came back.
    pub sku: Sku,
    /// Units that came back.
    pub quantity: u64,
    /// Units that no order has given yet.
    pub left: u64,
}

/// Which orders a credit note is matched to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// The account's version when it began: orders of later entries are not looked at.
    pub horizon: u64,
    /// Entries before this sequence are still to be looked at; none where it is 1 or less.
    pub before: u64,
    /// Orders placed before this are too old.
    pub not_placed_before: Instant,
    /// The program version that says so.
    pub program_version: u32,
}

/// What a credit note took back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Outcome {
    /// The orders that gave something, in the order they were found, at most [`ORDERS_LISTED_MAX`].
    pub orders: Vec<MatchedOrder>,
    /// How many more there are.
    #[serde(default)]
    pub orders_unlisted: u64,
    /// By how much the eligible totals of all of them fell.
    pub eligible: Minor,
    /// Points taken back, owed ones included.
    pub reversed: Points,
    /// Of those, points the account owes.
    pub owed: Points,
    /// Points that were written off.
    pub unrecovered: Points,
    /// Points that had ended already.
    pub lapsed: Points,
    /// Points given back that had paid for what came back.
    #[serde(default)]
    pub restored: Points,
    /// The account's spendable points after the latest step.
    pub balance: Points,
    /// Sequence of the entry of the latest step that had one.
    pub entry: u64,
}

/// What one order gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MatchedOrder {
    /// Which order.
    #[serde(flatten)]
    pub order: OrderKey,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// Units that came off it.
    pub units: u64,
    /// By how much its eligible total fell.
    pub eligible: Minor,
    /// Points taken back for it, owed ones included.
    pub reversed: Points,
}

impl Search {
    /// A search that begins now: over the orders of all entries so far, as far back as the program says.
    pub fn begin(account: Option<&Account>, returned_at: Instant, activation: &Activation) -> Self {
        let horizon = account.map_or(0, |account| account.version);
        let program = &activation.program;
        let earliest = program.returns.match_months.map(|months| {
            let own = program.calendar.month(returned_at);
            program.calendar.month_start(own.plus(1_i32.saturating_sub(i32::from(months))))
        });
        Self {
            horizon,
            before: horizon.saturating_add(1),
            not_placed_before: earliest.unwrap_or(Instant::MIN),
            program_version: activation.version,
        }
    }

    /// Whether there is nothing left to look at.
    pub fn is_over(&self) -> bool {
        self.before <= 1
    }

    /// Whether every order of this entry and of those before it is too old. An order is decided a day before it is
    /// placed at the earliest.
    pub fn ends_at(&self, entry: &Entry) -> bool {
        entry.at.plus_ms(FUTURE_MS_MAX) < self.not_placed_before
    }
}

/// The order that an entry brought about.
pub fn order_of(entry: &Entry) -> Option<&OrderKey> {
    match &entry.cause {
        Cause::OrderPlaced { order } => Some(order),
        _ => None,
    }
}

impl CreditNote {
    /// A credit note that was just stated.
    pub fn stated(account_id: AccountId, document: &CreditNoteDocument, by: &str, now: Instant) -> Self {
        let line =
            |line: &CreditedLine| NoteLine { sku: line.sku.clone(), quantity: line.quantity, left: line.quantity };
        Self {
            account_id,
            return_id: document.return_id.clone(),
            content_hash: document.content_hash(),
            returned_at: document.returned_at,
            stated_at: now,
            by: by.to_owned(),
            state: State::Waiting,
            search: None,
            decided_at: now,
            outcome: Outcome::default(),
            lines: document.lines.iter().map(line).collect(),
            version: 0,
        }
    }

    /// Units stated.
    pub fn units(&self) -> u64 {
        self.lines.iter().map(|line| line.quantity).fold(0, u64::saturating_add)
    }

    /// Units that no order has given, so far.
    pub fn units_left(&self) -> u64 {
        self.lines.iter().map(|line| line.left).fold(0, u64::saturating_add)
    }

    /// Units that an order gives under this search, by its lines in their order; empty where it gives none: it is of
    /// another time, has none of the SKUs left, or holds as many returns as it can.
    pub fn taken_from(&self, scored: &ScoredOrder, search: &Search) -> Vec<(LineId, u64)> {
        let order = &scored.order;
        let in_time = (search.not_placed_before..=self.returned_at).contains(&order.placed_at);
        if !in_time || order.account_id != self.account_id || scored.history.returns.len() >= RETURNS_MAX {
            return Vec::new();
        }
        let mut wanted: BTreeMap<&Sku, u64> = BTreeMap::new();
        for line in self.lines.iter().filter(|line| line.left > 0) {
            let units = wanted.entry(&line.sku).or_default();
            *units = units.saturating_add(line.left);
        }
        let mut taken = Vec::new();
        for (line, kept) in order.lines.iter().zip(scored.kept_units()) {
            let Some(left) = wanted.get_mut(&line.sku) else { continue };
            let units = kept.min(*left);
            *left = left.saturating_sub(units);
            if units > 0 {
                taken.push((line.line_id.clone(), units));
            }
        }
        taken
    }

    /// Notes what an order gave: its units come off the lines in their order.
    fn credit(&mut self, scored: &ScoredOrder, returned: &Returned) -> Result<(), Overflow> {
        let of_line: BTreeMap<&LineId, u64> = returned.lines.iter().map(|(id, units)| (id, *units)).collect();
        let mut given: BTreeMap<&Sku, u64> = BTreeMap::new();
        for line in &scored.order.lines {
            let units = given.entry(&line.sku).or_default();
            *units = units.saturating_add(of_line.get(&line.line_id).copied().unwrap_or(0));
        }
        for line in &mut self.lines {
            let Some(units) = given.get_mut(&line.sku) else { continue };
            let drawn = line.left.min(*units);
            (line.left, *units) = (line.left.saturating_sub(drawn), units.saturating_sub(drawn));
        }
        self.outcome.add(scored, returned)
    }
}

impl Outcome {
    fn add(&mut self, scored: &ScoredOrder, returned: &Returned) -> Result<(), Overflow> {
        let reversal = &returned.reversal;
        self.eligible = self.eligible.plus(returned.eligible)?;
        self.reversed = self.reversed.plus(reversal.reversed()?)?;
        self.owed = self.owed.plus(reversal.owed)?;
        self.unrecovered = self.unrecovered.plus(reversal.unrecovered)?;
        self.lapsed = self.lapsed.plus(reversal.lapsed)?;
        self.restored = self.restored.plus(returned.came_back.points)?;
        if self.orders.len() >= ORDERS_LISTED_MAX {
            self.orders_unlisted = self.orders_unlisted.saturating_add(1);
            return Ok(());
        }
        self.orders.push(MatchedOrder {
            order: scored.order.key.clone(),
            entry: returned.entry,
            units: returned.lines.iter().map(|(_, units)| *units).fold(0, u64::saturating_add),
            eligible: returned.eligible,
            reversed: reversal.reversed()?,
        });
        Ok(())
    }
}
