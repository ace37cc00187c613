//! Points an account holds: lots that expire together, and points that still wait.

mod spent;
mod streak;

use crate::money::{Overflow, Points};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

pub(crate) use spent::Restored;
pub use spent::SpentLot;
pub use streak::Streak;

/// When points end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// The first instant at which they are gone, as things stand; [`Instant::NEVER`]: they do not end.
    pub expires_at: Instant,
    /// The months without activity after which that is: activity moves it on. `None`: it stays.
    pub inactivity_months: Option<u16>,
}

/// Points that became available together and expire together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lot {
    /// The first instant at which they are gone, as things stand; [`Instant::NEVER`]: they do not end.
    pub expires_at: Instant,
    /// The months without activity after which that is: activity moves it on. `None`: it stays.
    pub inactivity_months: Option<u16>,
    /// How many, more than zero.
    pub points: Points,
}

/// Points that become available on a day to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// The first instant at which they can be spent.
    pub available_at: Instant,
    /// When they will expire, as of a lot.
    pub expires_at: Instant,
    /// After how many months without activity that is, as of a lot.
    pub inactivity_months: Option<u16>,
    /// How many, more than zero.
    pub points: Points,
}

/// Where the points of one order are, as far as that can be told: with those of the same days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// Until when they wait, or waited.
    pub available_at: Instant,
    /// When they end.
    pub end: End,
}

/// The points of an account, lots ascending by expiry, pending ascending by day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    lots: Vec<Lot>,
    pending: Vec<Pending>,
    debt: Points,
    pending_debt: Points,
    unpaid: Points,
    streaks: Vec<Streak>,
}

/// Where the points of a reversal came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Taken {
    /// Points that waited.
    pub pending: Points,
    /// Points of the order's own lot.
    pub own_lot: Points,
    /// Points of other lots, the earliest end first.
    pub other_lots: Points,
}

impl End {
    /// They do not end.
    pub const NEVER: Self = Self::at(Instant::NEVER);

    /// A date that stays.
    pub const fn at(expires_at: Instant) -> Self {
        Self { expires_at, inactivity_months: None }
    }
}

impl Lot {
    /// So many points that end so.
    pub fn new(end: End, points: Points) -> Self {
        Self { expires_at: end.expires_at, inactivity_months: end.inactivity_months, points }
    }

    /// So many points that end at an instant that stays.
    pub fn until(expires_at: Instant, points: Points) -> Self {
        Self::new(End::at(expires_at), points)
    }

    /// When they end.
    pub fn end(&self) -> End {
        End { expires_at: self.expires_at, inactivity_months: self.inactivity_months }
    }
}

impl Pending {
    /// So many points that wait until then and end so.
    pub fn new(available_at: Instant, end: End, points: Points) -> Self {
        Self { available_at, expires_at: end.expires_at, inactivity_months: end.inactivity_months, points }
    }

    /// When they end.
    pub fn end(&self) -> End {
        End { expires_at: self.expires_at, inactivity_months: self.inactivity_months }
    }

    /// Where they are found.
    fn place(&self) -> (Instant, End) {
        (self.available_at, self.end())
    }
}

impl Taken {
    /// All of it.
    pub fn total(&self) -> Result<Points, Overflow> {
        Points::sum([self.pending, self.own_lot, self.other_lots])
    }
}

impl Holdings {
    /// These lots and pending points, in any order given.
    pub fn of(lots: Vec<Lot>, pending: Vec<Pending>, debt: Points) -> Self {
        let mut holdings = Self { lots, pending, debt, ..Self::default() };
        holdings.sort();
        holdings
    }

    fn sort(&mut self) {
        self.lots.sort_by_key(Lot::end);
        self.pending.sort_by_key(Pending::place);
    }

    /// The same, with so many points of what is owed owed out of what orders earn.
    #[must_use]
    pub fn with_pending_debt(self, points: Points) -> Self {
        Self { pending_debt: points.max(Points::ZERO).min(self.debt), ..self }
    }

    /// The same, with so many points that wait for the payment of their orders.
    #[must_use]
    pub fn with_unpaid(self, points: Points) -> Self {
        Self { unpaid: points.max(Points::ZERO), ..self }
    }

    /// Points that wait for the payment of their orders: which order has how many of them stands on the orders.
    pub fn unpaid(&self) -> Points {
        self.unpaid
    }

    /// Adds points that wait for the payment of their order.
    pub(crate) fn add_unpaid(&mut self, points: Points) -> Result<(), Overflow> {
        self.unpaid = self.unpaid.plus(points)?;
        Ok(())
    }

    /// Takes points that wait for the payment of their order, which has as many.
    pub(crate) fn take_unpaid(&mut self, points: Points) -> Result<(), Overflow> {
        self.unpaid = self.unpaid.minus(points)?;
        Ok(())
    }

    /// Points it owes in all, which the next earnings repay.
    pub fn debt(&self) -> Points {
        self.debt
    }

    /// Points of these that only what orders earn repays: the others take its balance below zero, these take what waits
    /// below zero.
    pub fn pending_debt(&self) -> Points {
        self.pending_debt
    }

    /// Owes more, out of all that it is given.
    pub fn owe(&mut self, points: Points) -> Result<(), Overflow> {
        self.debt = self.debt.plus(points)?;
        Ok(())
    }

    /// Owes more, out of what orders earn.
    pub fn owe_pending(&mut self, points: Points) -> Result<(), Overflow> {
        self.pending_debt = self.pending_debt.plus(points)?;
        self.owe(points)
    }

    /// Repays what is owed out of points that an order earns; answers how much that took. What takes the balance below
    /// zero is repaid first.
    pub fn repay_from_order(&mut self, earned: Points) -> Result<Points, Overflow> {
        let repaid = earned.min(self.debt).max(Points::ZERO);
        self.debt = self.debt.minus(repaid)?;
        self.pending_debt = self.pending_debt.min(self.debt);
        Ok(repaid)
    }

    /// Repays what is owed out of points that are given otherwise: all but what only orders repay.
    pub fn repay_from_gift(&mut self, given: Points) -> Result<Points, Overflow> {
        self.repay_from_order(given.min(self.debt.minus(self.pending_debt)?))
    }

    /// Lots and what waits, less the debt: what the sum of the account's entries must be.
    pub fn net(&self) -> Result<Points, Overflow> {
        self.balance()?.plus(self.pending_balance()?)
    }

    /// Points that can be spent, less what is owed out of them.
    pub fn balance(&self) -> Result<Points, Overflow> {
        self.available()?.minus(self.debt.minus(self.pending_debt)?)
    }

    /// Points that wait, less what is owed out of what orders earn.
    pub fn pending_balance(&self) -> Result<Points, Overflow> {
        self.waiting()?.minus(self.pending_debt)
    }

    /// Takes up to `points`: an order's own that wait, then its own lot, then the other lots, the earliest end first,
    /// and last what waits of others: taking an old order back frees nothing of a new one.
    pub fn take(&mut self, points: Points, own: Option<Own>) -> Result<Taken, Overflow> {
        let (mut left, mut taken) = (points.max(Points::ZERO), Taken::default());
        let is_own = |wait: &Pending| own.is_some_and(|own| wait.place() == (own.available_at, own.end));
        for wait in self.pending.iter_mut().filter(|wait| is_own(wait)) {
            taken.pending = taken.pending.plus(draw(&mut wait.points, &mut left)?)?;
        }
        for lot in self.lots.iter_mut().filter(|lot| own.is_some_and(|own| lot.end() == own.end)) {
            taken.own_lot = taken.own_lot.plus(draw(&mut lot.points, &mut left)?)?;
        }
        for lot in &mut self.lots {
            taken.other_lots = taken.other_lots.plus(draw(&mut lot.points, &mut left)?)?;
        }
        for wait in &mut self.pending {
            taken.pending = taken.pending.plus(draw(&mut wait.points, &mut left)?)?;
        }
        self.lots.retain(|lot| lot.points > Points::ZERO);
        self.pending.retain(|wait| wait.points > Points::ZERO);
        Ok(taken)
    }

    /// The lots, earliest expiry first.
    pub fn lots(&self) -> &[Lot] {
        &self.lots
    }

    /// The points that wait for a day, earliest first.
    pub fn pending(&self) -> &[Pending] {
        &self.pending
    }

    /// Points that can be spent.
    pub fn available(&self) -> Result<Points, Overflow> {
        Points::sum(self.lots.iter().map(|lot| lot.points))
    }

    /// Points that wait, for a day or for the payment of their orders.
    pub fn waiting(&self) -> Result<Points, Overflow> {
        Points::sum(self.pending.iter().map(|wait| wait.points))?.plus(self.unpaid)
    }

    /// Adds points that can be spent at once.
    pub fn add(&mut self, lot: Lot) -> Result<(), Overflow> {
        if lot.points <= Points::ZERO {
            return Ok(());
        }
        match self.lots.binary_search_by_key(&lot.end(), Lot::end) {
            Ok(place) => {
                if let Some(held) = self.lots.get_mut(place) {
                    held.points = held.points.plus(lot.points)?;
                }
            }
            Err(place) => self.lots.insert(place, lot),
        }
        Ok(())
    }

    /// Adds points that wait for a day.
    pub fn add_pending(&mut self, wait: Pending) -> Result<(), Overflow> {
        if wait.points <= Points::ZERO {
            return Ok(());
        }
        match self.pending.binary_search_by_key(&wait.place(), Pending::place) {
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
            self.add(Lot::new(wait.end(), wait.points))?;
        }
        Ok(moved)
    }

    /// Takes out the lots that have ended by `now`, and answers them.
    pub fn lapse(&mut self, now: Instant) -> Vec<Lot> {
        let ended = self.lots.partition_point(|lot| lot.expires_at <= now);
        self.lots.drain(..ended).collect()
    }
}

/// Moves as much as there is, up to `left`, out of `held`.
fn draw(held: &mut Points, left: &mut Points) -> Result<Points, Overflow> {
    let drawn = (*held).min(*left);
    *held = held.minus(drawn)?;
    *left = left.minus(drawn)?;
    Ok(drawn)
}
