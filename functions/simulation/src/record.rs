//! The record of a simulation: what was asked for, how far it has come, and what that is so far.
//!
//! It is one value, kept at the number of its step: each step is one guarded write of it, so that whoever makes the
//! same step late or twice writes nothing.

use crate::id::SimulationId;
use domain::id::AccountId;
use domain::simulation::{Asked, Report};
use domain::time::Instant;
use runtime::App;
use serde::{Deserialize, Serialize};
use store::{Fault, Kept, Stamp};

/// The first byte of a record: how the rest is written. What a later format writes otherwise needs a number of its own,
/// and readers of those before.
const FORMAT: u8 = 1;

/// A simulation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// What was asked for.
    pub asked: Asked,
    /// By whom.
    pub by: String,
    /// When.
    pub asked_at: Instant,
    /// When it came as far as it has.
    pub changed_at: Instant,
    /// How many activations of versions had been decided by then: later ones are no part of it.
    pub activations: u32,
    /// How far it has come.
    pub stage: Stage,
}

/// How far a simulation has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// All accounts are counted, and the last commit of any of them is looked for.
    Counting(Counting),
    /// What orders want of budgets over all accounts is gathered.
    Wanting(Walk, Wanted),
    /// All histories are replayed.
    Replaying(Walk, Wanted, Box<Replaying>),
    /// It has come to its end: the document, as JSON.
    Done { accounts: u64, document: String },
    /// It cannot be carried out; why.
    Failed { reason: String },
}

/// A count of all accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counting {
    /// The account after which to go on.
    pub after: Option<AccountId>,
    /// How many there are so far.
    pub accounts: u64,
    /// Which of them was decided last, and when.
    pub latest: Option<(AccountId, Instant)>,
}

/// A way through all accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Walk {
    /// When all are looked at.
    pub as_of: Instant,
    /// How many accounts there were when they were counted.
    pub accounts: u64,
    /// The account after which to go on.
    pub after: Option<AccountId>,
    /// How many accounts were come by.
    pub done: u64,
}

/// What orders want of budgets, as it is kept: the names of its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// The parts.
    pub parts: Vec<String>,
    /// How many wants they are in all.
    pub count: u64,
}

/// What the histories so far came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replaying {
    /// The report of them.
    pub report: Report,
    /// Accounts that went on after the simulation had begun.
    pub moved_on: u64,
}

/// Bytes that are not what they should be, or a value that has none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// The bytes, or the value, cannot be understood.
    #[error("{0}")]
    Bytes(#[from] postcard::Error),
    /// They are of a format that this version does not know.
    #[error("it is kept in format {0}, and this version knows format {FORMAT}")]
    Format(u8),
    /// There are none.
    #[error("nothing is kept")]
    Nothing,
}

/// What is kept of a value, as bytes.
pub(crate) fn bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, Fault> {
    postcard::to_extend(value, vec![FORMAT]).map_err(|error| Fault::Service(format!("cannot be kept: {error}")))
}

/// Reads what was kept.
pub(crate) fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    match bytes.split_first() {
        Some((&FORMAT, rest)) => Ok(postcard::from_bytes(rest)?),
        Some((&other, _)) => Err(Unreadable::Format(other)),
        None => Err(Unreadable::Nothing),
    }
}

/// A record as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At {
    /// The record.
    pub record: Record,
    stamp: Stamp,
}

impl At {
    /// The record of a simulation.
    pub async fn load(app: &App, id: &SimulationId) -> Result<Option<Self>, Fault> {
        let Some(kept) = app.store().kept(place(id)).await? else { return Ok(None) };
        Ok(Some(Self { record: kept.read(read)?, stamp: kept.stamp }))
    }

    /// A record that is not kept yet.
    pub fn first(app: &App, record: Record) -> Self {
        // Simulations are kept as what nights keep is: of the day on which they were asked for, in one run.
        Self { record, stamp: Stamp { night: app.clock().wall_day(), revision: 1, progress: 1 } }
    }

    /// The same simulation a step later.
    pub fn next(&self, stage: Stage, now: Instant) -> Self {
        let stamp = Stamp { progress: self.step().saturating_add(1), ..self.stamp };
        Self { record: Record { stage, changed_at: now, ..self.record.clone() }, stamp }
    }

    /// The step that comes next, from 1.
    pub fn step(&self) -> u64 {
        self.stamp.progress
    }

    /// What its parts are kept at, too: they are named by what they hold.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Whether nothing more will happen to it.
    pub fn is_over(&self) -> bool {
        matches!(self.record.stage, Stage::Done { .. } | Stage::Failed { .. })
    }

    /// Keeps it in the place of exactly the record before it, or of none; says whether it is kept. What was kept but
    /// not answered, as when the connection was lost, is found again: two who make the same step do not keep it at the
    /// same instant.
    pub async fn keep(&self, app: &App, id: &SimulationId, before: Option<&Self>) -> Result<bool, Fault> {
        let before = before.map(|before| before.stamp);
        if app.store().begin(place(id), self.stamp, &bytes(&self.record)?, before).await? {
            return Ok(true);
        }
        Ok(Self::load(app, id).await?.as_ref() == Some(self))
    }
}

fn place(id: &SimulationId) -> Kept<'_> {
    Kept::Simulation { id: id.as_str(), part: None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
    use super::*;
    use domain::id::{Segment, TierId};
    use domain::money::{Minor, Points};
    use domain::simulation::{Figures, Group, RANKED_MAX, Ranked, Side};
    use domain::time::Month;

    fn figures() -> Figures {
        let points = Points(-9_000_000_000);
        Figures {
            points_issued: points,
            points_reversed: points,
            points_expired: points,
            points_spent: points,
            points_unrecovered: points,
            discounts_issued: 90_000_000,
            discounts_used: -90_000_000,
            discount_value: Minor(9_000_000_000_000),
        }
    }

    /// A report of a large program: ten years, twelve tiers, as many segments as anybody names.
    fn large() -> Report {
        let side = Side { figures: figures(), outstanding: Points(1 << 40), upgrades: 1 << 30, downgrades: 1 << 30 };
        let group = Group { accounts: 1 << 30, happened: side, in_force: side, draft: side };
        let tiers: Vec<_> = (0..12).map(|n| Some(TierId::parse(&format!("a-tier-of-{n}")).unwrap())).collect();
        let mut report = Report::default();
        (report.orders, report.total) = (1 << 40, group);
        report.tiers = tiers.iter().map(|tier| (tier.clone(), group)).collect();
        let segment = |n| Some(Segment::parse(&format!("segment-no-{n}")).unwrap());
        report.segments = (0..500).map(|n| (segment(n), group)).collect();
        report.months = (0..120).map(|n| (Month(24_000 + n), (figures(), figures()))).collect();
        report.tier_moves =
            tiers.iter().flat_map(|from| tiers.iter().map(|to| ((from.clone(), to.clone()), 1 << 30))).collect();
        let ranked = |n: usize| Ranked {
            account_id: AccountId::parse(&format!("an-account-with-such-a-long-id-{n}")).unwrap(),
            points: Points(1 << 40),
            discount_value: Minor(1 << 40),
            value: Some(Minor(1 << 40)),
            tier_in_force: tiers.first().cloned().flatten(),
            tier_draft: None,
        };
        report.gains = (0..RANKED_MAX).map(ranked).collect();
        report
    }

    fn record(stage: Stage) -> Record {
        let at = Instant::parse("2030-02-28T12:00:00.123Z").unwrap();
        let asked = Asked { version: 7, as_of: Some(at) };
        Record { asked, by: "ann".to_owned(), asked_at: at, changed_at: Instant::MIN, activations: 3, stage }
    }

    fn walk() -> Walk {
        Walk { as_of: Instant::MIN, accounts: 9, after: AccountId::parse("acme").ok(), done: 4 }
    }

    #[test]
    fn a_record_is_read_as_it_was_kept() {
        let wanted = Wanted { parts: vec!["wants#0000000002#c0ffee".to_owned()], count: 70_000 };
        let latest = AccountId::parse("acme").ok().zip(Some(Instant::MIN));
        for stage in [
            Stage::Counting(Counting { after: None, accounts: 7, latest }),
            Stage::Wanting(walk(), wanted.clone()),
            Stage::Replaying(walk(), wanted, Box::new(Replaying { report: large(), moved_on: 1 })),
            Stage::Done { accounts: 9, document: "{}".to_owned() },
            Stage::Failed { reason: "because".to_owned() },
        ] {
            let record = record(stage);
            let kept = bytes(&record).unwrap();
            assert_eq!(kept.first(), Some(&FORMAT));
            assert_eq!(read::<Record>(&kept).unwrap(), record);
            assert!(read::<Record>(&kept[..kept.len() - 1]).is_err());
        }
        assert!(matches!(read::<Record>(&[]), Err(Unreadable::Nothing)));
        assert!(matches!(read::<Record>(&[9, 1]), Err(Unreadable::Format(9))));
    }

    #[test]
    fn the_record_of_a_large_program_is_one_item() {
        let replaying = Replaying { report: large(), moved_on: 1 };
        let kept = bytes(&record(Stage::Replaying(walk(), Wanted::default(), Box::new(replaying)))).unwrap();
        assert!(kept.len() < 150_000, "{} bytes", kept.len());
    }
}
