//! Exact limits over all accounts: the budget of an earning rule, the stock of a reward, the uses of a shared code.
//!
//! A limit is split over [`SHARDS`] items, so that accounts do not wait for each other at one of them. Each says how much
//! was ever taken from it and how much is left there; the sum of both over all shards is what they were laid out for.
//! An account takes from the shard of its own id, and from the others, too, where that has too little, all in the
//! transaction of the command that uses it, each guarded by what must be left there at least. So the shards together mean
//! what one counter would: the last unit is given, and none beyond it.
//!
//! What a limit comes to is the program's to say, and another version may say otherwise. What was used counts on: the
//! first command under the new total lays all shards out anew, guarded by what it has read of each, and shares out what
//! is left of that total after all that was used. Nothing is laid out before the first use, but for the uses of a shared
//! code: they are when it is issued. Two versions in use side by
//! side (an order that came late) lay out in turn, and neither ever gives more than its own total leaves.
//!
//! What is given back counts as never used, whatever the layout.
//!
//! All shards are read at once, which takes as much as reading one. A stale read is caught by the guards: what is left of
//! a total only ever becomes less.

use crate::decision::{Guard, Write};
use crate::id::AccountId;
use crate::money::Overflow;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Shards of a limit. Stored: fixed.
pub const SHARDS: usize = 8;

/// What a limit is of. The names are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitKind {
    /// Points that an earning rule gives over all accounts.
    EarningBudget,
    /// Pieces of a reward that there are.
    RewardStock,
    /// Uses of a shared code over all accounts.
    SharedCode,
}

impl LimitKind {
    fn name(self) -> &'static str {
        match self {
            Self::EarningBudget => "budget",
            Self::RewardStock => "stock",
            Self::SharedCode => "code",
        }
    }
}

/// Which limit: its kind, the id of what has it, and where that has several, which of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LimitId(String);

impl LimitId {
    /// The one limit of its kind that something has, the text of whose id holds no `#`.
    pub fn of(kind: LimitKind, id: &impl fmt::Display) -> Self {
        Self(format!("{}#{id}", kind.name()))
    }

    /// The limit of something for a part of what it is for: a period, a tier. The text of it holds no `#`.
    #[must_use]
    pub fn scoped(self, scope: impl fmt::Display) -> Self {
        Self(format!("{}#{scope}", self.0))
    }

    /// As stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LimitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One shard of a limit, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// The total that all shards were laid out for.
    pub laid_out: u64,
    /// The how-manieth time they were, from 1.
    pub layout: u64,
    /// What was ever taken from it.
    pub used: u64,
    /// What can be taken from it yet.
    pub remaining: u64,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// A change of one shard, with what it must find there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardWrite {
    /// Of which limit.
    pub limit: LimitId,
    /// Which of its shards, below [`SHARDS`].
    pub shard: usize,
    /// What is done.
    pub change: ShardChange,
}

/// What is done to a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardChange {
    /// So much is taken from it: it must have that much at least.
    Take {
        /// How much.
        amount: u64,
        /// The how-manieth layout it must be of.
        layout: u64,
    },
    /// It is laid out anew.
    LayOut(Shard, Guard),
    /// So much that was taken is given back: at least as much must have been taken from it.
    GiveBack {
        /// How much.
        amount: u64,
    },
}

/// A limit as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    id: LimitId,
    shards: [Option<Shard>; SHARDS],
}

impl Limit {
    /// A limit with these shards; `None`: nobody has laid that one out yet.
    pub fn of(id: LimitId, shards: [Option<Shard>; SHARDS]) -> Self {
        Self { id, shards }
    }

    /// A limit that nobody has used yet.
    pub fn untouched(id: LimitId) -> Self {
        Self::of(id, [None; SHARDS])
    }

    /// A limit of which so much was used, by whom and where does not matter.
    pub fn used_up_to(id: LimitId, used: u64) -> Self {
        let mut shards = [None; SHARDS];
        if let Some(first) = shards.first_mut() {
            *first = Some(Shard { laid_out: 0, layout: 0, used, remaining: 0, version: 1 });
        }
        Self::of(id, shards)
    }

    /// Which limit.
    pub fn id(&self) -> &LimitId {
        &self.id
    }

    /// Its shards.
    pub fn shards(&self) -> &[Option<Shard>; SHARDS] {
        &self.shards
    }

    /// What was ever taken from it.
    pub fn used(&self) -> Result<u64, Overflow> {
        let used = self.shards.iter().flatten().map(|shard| shard.used);
        used.into_iter().try_fold(0_u64, |sum, used| sum.checked_add(used)).ok_or(Overflow)
    }

    /// What is left of a total.
    pub fn left(&self, total: u64) -> Result<u64, Overflow> {
        let remaining = self.remaining_of(total)?;
        remaining.into_iter().try_fold(0_u64, |sum, part| sum.checked_add(part)).ok_or(Overflow)
    }

    /// Takes so much of a total for an account; `None`: that much is not left. A commit of these writes is lost where
    /// others were faster.
    ///
    /// Whoever takes less than was wanted must take all that is left: then each shard that had any is guarded by exactly
    /// that, so that nothing can have been given up for nothing.
    pub fn take(&self, total: u64, amount: u64, by: &AccountId) -> Result<Option<Vec<Write>>, Overflow> {
        let remaining = self.remaining_of(total)?;
        let (own, mut missing) = (own_shard(by), amount);
        let mut taken = [0_u64; SHARDS];
        let places = (own..SHARDS).chain(0..own);
        for place in places {
            if let (Some(part), Some(remaining)) = (taken.get_mut(place), remaining.get(place)) {
                *part = missing.min(*remaining);
                missing = missing.saturating_sub(*part);
            }
        }
        if missing > 0 {
            return Ok(None);
        }
        let (current, next) = (self.layout_of(total), self.next_layout()?);
        let mut writes = Vec::new();
        for (place, (held, (taken, remaining))) in self.shards.iter().zip(taken.into_iter().zip(remaining)).enumerate()
        {
            let change = match current {
                _ if amount == 0 => continue,
                Some(_) if taken == 0 => continue,
                Some(layout) => ShardChange::Take { amount: taken, layout },
                None => {
                    let remaining = remaining.checked_sub(taken).ok_or(Overflow)?;
                    let shard = Shard { laid_out: total, layout: next, used: taken, remaining, version: 1 };
                    lay_out(*held, shard)?
                }
            };
            writes.push(Write::Shard(Box::new(ShardWrite { limit: self.id.clone(), shard: place, change })));
        }
        Ok(Some(writes))
    }

    /// Lays all shards out anew for a total, of which nothing is taken yet.
    pub fn lay_out(&self, total: u64) -> Result<Vec<Write>, Overflow> {
        let layout = self.next_layout()?;
        let places = self.shards.iter().zip(self.remaining_of(total)?).enumerate();
        let write = |(shard, (held, remaining)): (usize, (&Option<Shard>, u64))| {
            let new = Shard { laid_out: total, layout, used: 0, remaining, version: 1 };
            let change = lay_out(*held, new)?;
            Ok(Write::Shard(Box::new(ShardWrite { limit: self.id.clone(), shard, change })))
        };
        places.map(write).collect()
    }

    /// Gives so much back that was taken before, to the shard of an account or another that gave as much; `None`: none
    /// did. Whoever read the limit before sees less than there is then, and never more. Not for a limit that is taken
    /// from in part where too little is left: somebody may have gone without what came back meanwhile.
    pub fn give_back(&self, amount: u64, by: &AccountId) -> Option<Write> {
        let own = own_shard(by);
        let mut places = (own..SHARDS).chain(0..own);
        let shard = places.find(|place| {
            let shard = self.shards.get(*place).copied().flatten();
            shard.is_some_and(|shard| shard.used >= amount)
        })?;
        let change = ShardChange::GiveBack { amount };
        Some(Write::Shard(Box::new(ShardWrite { limit: self.id.clone(), shard, change })))
    }

    /// The layout that all shards are of, where it is for this total.
    fn layout_of(&self, total: u64) -> Option<u64> {
        let [first, ..] = self.shards;
        let layout = first?.layout;
        let is_of_it = |shard: &Option<Shard>| shard.is_some_and(|s| (s.laid_out, s.layout) == (total, layout));
        self.shards.iter().all(is_of_it).then_some(layout)
    }

    fn next_layout(&self) -> Result<u64, Overflow> {
        let latest = self.shards.iter().flatten().map(|shard| shard.layout).max().unwrap_or(0);
        latest.checked_add(1).ok_or(Overflow)
    }

    /// What each shard has of a total, were it laid out for that.
    fn remaining_of(&self, total: u64) -> Result<[u64; SHARDS], Overflow> {
        if self.layout_of(total).is_some() {
            return Ok(self.shards.map(|shard| shard.map_or(0, |shard| shard.remaining)));
        }
        let left = total.saturating_sub(self.used()?);
        let count = u64::try_from(SHARDS).map_err(|_| Overflow)?;
        let (each, over) = (left.checked_div(count).ok_or(Overflow)?, left.checked_rem(count).ok_or(Overflow)?);
        let mut remaining = [each; SHARDS];
        for (part, _) in remaining.iter_mut().zip(0..over) {
            *part = part.checked_add(1).ok_or(Overflow)?;
        }
        Ok(remaining)
    }
}

/// Lays a shard out anew, of which so much is used at once; what was used before counts on.
fn lay_out(held: Option<Shard>, new: Shard) -> Result<ShardChange, Overflow> {
    let Some(held) = held else { return Ok(ShardChange::LayOut(new, Guard::Absent)) };
    let used = held.used.checked_add(new.used).ok_or(Overflow)?;
    let version = held.version.checked_add(1).ok_or(Overflow)?;
    Ok(ShardChange::LayOut(Shard { used, version, ..new }, Guard::Version(held.version)))
}

/// The shard that an account takes from first.
fn own_shard(id: &AccountId) -> usize {
    let shards = u64::try_from(SHARDS).unwrap_or(1);
    let shard = id.spread().checked_rem(shards).unwrap_or(0);
    usize::try_from(shard).unwrap_or(0)
}

#[cfg(test)]
mod tests;
