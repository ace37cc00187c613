//! What an order keeps of what became of it after it was scored.

use crate::amendment::Amended;
use crate::id::{LineId, ReturnId};
use crate::ledger::{Change, PointsChange};
use crate::lots::Taken;
use crate::money::{Minor, Overflow, Points};
use crate::payment::Payment;
use crate::time::Instant;
use crate::uses::{CameBack, Uses};
use serde::{Deserialize, Serialize};

/// What took something of an order back. An order's own returns and the credit notes of its account are numbered by
/// different hands, so the same number in both means two things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "KeyFields", into = "KeyFields")]
pub enum ReturnKey {
    /// A return of this order.
    Return(ReturnId),
    /// A credit note that named no order.
    CreditNote(ReturnId),
    /// The cancellation of the order.
    Cancellation,
}

/// How a [`ReturnKey`] is written: one field or none.
#[derive(Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct KeyFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    return_id: Option<ReturnId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credit_note_id: Option<ReturnId>,
}

impl From<KeyFields> for ReturnKey {
    fn from(fields: KeyFields) -> Self {
        match (fields.return_id, fields.credit_note_id) {
            (Some(id), _) => Self::Return(id),
            (None, Some(id)) => Self::CreditNote(id),
            (None, None) => Self::Cancellation,
        }
    }
}

impl From<ReturnKey> for KeyFields {
    fn from(key: ReturnKey) -> Self {
        match key {
            ReturnKey::Return(id) => Self { return_id: Some(id), ..Self::default() },
            ReturnKey::CreditNote(id) => Self { credit_note_id: Some(id), ..Self::default() },
            ReturnKey::Cancellation => Self::default(),
        }
    }
}

impl ReturnKey {
    /// The number that the shop gave it; a cancellation has none.
    pub fn return_id(&self) -> Option<&ReturnId> {
        match self {
            Self::Return(id) | Self::CreditNote(id) => Some(id),
            Self::Cancellation => None,
        }
    }
}

/// A return or a cancellation as it was carried out; kept with its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// Which return, or the cancellation.
    pub key: ReturnKey,
    /// Hash of what was stated.
    pub content_hash: [u8; 32],
    /// `now` of the decision.
    pub decided_at: Instant,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// Units that came off each line: by id, since an amendment may move or drop lines.
    /// None for the cancellation, which takes all that is left.
    pub lines: Vec<(LineId, u64)>,
    /// Units that came off in all.
    pub units: u64,
    /// Units stated beyond what the order had left.
    pub excess_units: u64,
    /// By how much the order's eligible total fell.
    pub eligible: Minor,
    /// What became of the points.
    pub reversal: Reversal,
    /// What of what the order had used came back.
    pub came_back: CameBack,
    /// The account's spendable points after it.
    pub balance: Points,
}

/// The points of one order so far: earned = still credited + reversed + unrecovered + lapsed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// What the order earned.
    pub earned: Points,
    /// What was taken back, or is owed.
    pub reversed: Points,
    /// What was written off.
    pub unrecovered: Points,
    /// What had ended before it was to be taken back.
    pub lapsed: Points,
}

impl Tally {
    /// What the order's account still has of it, spent or not.
    pub fn credited(&self) -> Result<Points, Overflow> {
        self.earned.minus(self.reversed)?.minus(self.unrecovered)?.minus(self.lapsed)
    }

    /// Adds what became of points that were to be taken back.
    pub(crate) fn settle(&mut self, reversal: &Reversal) -> Result<(), Overflow> {
        self.reversed = self.reversed.plus(reversal.reversed()?)?;
        self.unrecovered = self.unrecovered.plus(reversal.unrecovered)?;
        self.lapsed = self.lapsed.plus(reversal.lapsed)?;
        Ok(())
    }
}

/// What became of an order after it was scored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Its points.
    pub tally: Tally,
    /// Returns and the cancellation, in the order they were carried out.
    pub returns: Vec<Returned>,
    /// The latest amendment.
    pub amended: Option<Amended>,
    /// Its payment.
    pub payment: Option<Payment>,
    /// What it used, beyond the codes that it names.
    pub uses: Option<Uses>,
}

impl History {
    /// Of an order that has just earned so many points.
    pub fn start(earned: Points) -> Self {
        let tally = Tally { earned, ..Tally::default() };
        Self { tally, returns: Vec::new(), amended: None, payment: None, uses: None }
    }

    /// Nothing has become of it yet.
    pub fn is_blank(&self) -> bool {
        self.returns.is_empty() && self.amended.is_none() && self.payment.is_none()
    }
}

/// What became of points that were to be taken back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reversal {
    /// What was taken, and from where.
    pub taken: Taken,
    /// What the account owes instead.
    pub owed: Points,
    /// What was written off.
    pub unrecovered: Points,
    /// What had ended already, spent or not: nothing was taken for it.
    pub lapsed: Points,
}

impl Reversal {
    /// By how much the account's points fell.
    pub fn reversed(&self) -> Result<Points, Overflow> {
        self.taken.total()?.plus(self.owed)
    }

    /// What the entry says of it, if there is anything to say.
    pub(super) fn change(&self) -> Result<Option<Change>, Overflow> {
        if *self == Self::default() {
            return Ok(None);
        }
        let Self { taken, owed, unrecovered, lapsed } = *self;
        Ok(Some(Change::Points(PointsChange::Reversed { points: self.reversed()?, taken, owed, unrecovered, lapsed })))
    }
}
