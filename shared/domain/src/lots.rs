//! Points an account holds: lots that expire together, and points that still wait.

use crate::money::{Overflow, Points};
use crate::time::Instant;

/// Points that became available together and expire together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lot {
    /// The first instant at which they are gone.
    pub expires_at: Instant,
    /// How many, more than zero.
    pub points: Points,
}

/// Points that become available on a day to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// The first instant at which they can be spent.
    pub available_at: Instant,
    /// When they will expire.
    pub expires_at: Instant,
    /// How many, more than zero.
    pub points: Points,
}

/// The points of an account, lots ascending by expiry, pending ascending by day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    lots: Vec<Lot>,
    pending: Vec<Pending>,
}

impl Holdings {
    /// These lots and pending points, in any order given.
    pub fn of(mut lots: Vec<Lot>, mut pending: Vec<Pending>) -> Self {
        lots.sort_by_key(|lot| lot.expires_at);
        pending.sort_by_key(|wait| (wait.available_at, wait.expires_at));
        Self { lots, pending }
    }

    /// The lots, earliest expiry first.
    pub fn lots(&self) -> &[Lot] {
        &self.lots
    }

    /// The points that wait, earliest first.
    pub fn pending(&self) -> &[Pending] {
        &self.pending
    }

    /// Points that can be spent.
    pub fn available(&self) -> Result<Points, Overflow> {
        Points::sum(self.lots.iter().map(|lot| lot.points))
    }

    /// Points that wait.
    pub fn waiting(&self) -> Result<Points, Overflow> {
        Points::sum(self.pending.iter().map(|wait| wait.points))
    }

    /// The earliest instant at which time changes anything here.
    pub fn next_change(&self) -> Option<Instant> {
        let expiry = self.lots.first().map(|lot| lot.expires_at);
        let available = self.pending.first().map(|wait| wait.available_at);
        expiry.into_iter().chain(available).min()
    }

    /// Adds points that can be spent at once.
    pub fn add(&mut self, lot: Lot) -> Result<(), Overflow> {
        if lot.points <= Points::ZERO {
            return Ok(());
        }
        match self.lots.binary_search_by_key(&lot.expires_at, |held| held.expires_at) {
            Ok(place) => {
                if let Some(held) = self.lots.get_mut(place) {
                    held.points = held.points.plus(lot.points)?;
                }
            }
            Err(place) => self.lots.insert(place, lot),
        }
        Ok(())
    }

    /// Adds points that wait.
    pub fn add_pending(&mut self, wait: Pending) -> Result<(), Overflow> {
        if wait.points <= Points::ZERO {
            return Ok(());
        }
        let key = |held: &Pending| (held.available_at, held.expires_at);
        match self.pending.binary_search_by_key(&key(&wait), key) {
            Ok(place) => {
                if let Some(held) = self.pending.get_mut(place) {
                    held.points = held.points.plus(wait.points)?;
                }
            }
            Err(place) => self.pending.insert(place, wait),
        }
        Ok(())
    }

    /// Moves what became available by `now` into its lots, and answers what moved.
    pub fn mature(&mut self, now: Instant) -> Result<Vec<Pending>, Overflow> {
        let ready = self.pending.partition_point(|wait| wait.available_at <= now);
        let moved: Vec<_> = self.pending.drain(..ready).collect();
        for wait in &moved {
            self.add(Lot { expires_at: wait.expires_at, points: wait.points })?;
        }
        Ok(moved)
    }

    /// Takes out the lots that have ended by `now`, and answers them.
    pub fn lapse(&mut self, now: Instant) -> Vec<Lot> {
        let ended = self.lots.partition_point(|lot| lot.expires_at <= now);
        self.lots.drain(..ended).collect()
    }
}
