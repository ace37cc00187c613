//! Uses of a perk that were bought with points: they are used when none of those is left that an account has anyway, by
//! whoever bought them, whether its tier has the perk or not. They do not end.

use super::{Perk, PerkUses};
use crate::account::{Account, Status};
use crate::decision::{Guard, Record, Write};
use crate::id::{AccountId, RuleId};
use crate::money::Overflow;
use serde::{Deserialize, Serialize};

/// Uses of one perk that were bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoughtUses {
    /// Which perk.
    pub perk: RuleId,
    /// How many are left, at least 1.
    pub left: u32,
}

impl Perk {
    /// Uses of it that an account bought and has left; `None`: none. One that does not take part has none.
    pub fn bought(&self, account: &Account, used: Option<&PerkUses>) -> Option<u32> {
        used.filter(|_| account.status == Status::Active).map(|used| used.bought(&self.id)).filter(|left| *left > 0)
    }
}

impl PerkUses {
    /// Uses of a perk that were bought and are left.
    pub fn bought(&self, perk: &RuleId) -> u32 {
        self.bought.iter().find(|bought| bought.perk == *perk).map_or(0, |bought| bought.left)
    }

    /// The same after an entry that leaves so many bought uses of a perk.
    pub(super) fn leaving(self, perk: &RuleId, left: u32, entry: u64) -> Result<Self, Overflow> {
        let version = self.version.checked_add(1).ok_or(Overflow)?;
        let mut bought = self.bought;
        bought.retain(|own| own.perk != *perk);
        if left > 0 {
            let place = bought.partition_point(|own| own.perk < *perk);
            bought.insert(place, BoughtUses { perk: perk.clone(), left });
        }
        Ok(Self { bought, entry, version, ..self })
    }

    /// Adds uses of a perk that an entry buys; answers the write, and how many that were bought are left then.
    pub(crate) fn buying(
        held: Option<&Self>,
        account: &AccountId,
        perk: &RuleId,
        uses: u32,
        entry: u64,
    ) -> Result<(Write, u32), Overflow> {
        let (held, guard) = Self::or_none(held, account);
        let left = held.bought(perk).checked_add(uses).ok_or(Overflow)?;
        let more = held.leaving(perk, left, entry)?;
        Ok((Write::Put(Record::PerkUses(Box::new(more)), guard), left))
    }

    /// Takes uses of a perk back that were bought; answers the write, and how many are left then. `None`: some of them
    /// were used.
    pub(crate) fn giving_back(
        held: Option<&Self>,
        perk: &RuleId,
        uses: u32,
        entry: u64,
    ) -> Result<Option<(Write, u32)>, Overflow> {
        let left = held.and_then(|held| held.bought(perk).checked_sub(uses));
        let Some((held, left)) = held.cloned().zip(left) else { return Ok(None) };
        let guard = Guard::Version(held.version);
        let less = held.leaving(perk, left, entry)?;
        Ok(Some((Write::Put(Record::PerkUses(Box::new(less)), guard), left)))
    }

    /// What is stored and the guard of its next write; nothing used where nothing is.
    pub(super) fn or_none(held: Option<&Self>, account: &AccountId) -> (Self, Guard) {
        match held {
            Some(held) => (held.clone(), Guard::Version(held.version)),
            None => {
                let (counters, bought) = (Vec::new(), Vec::new());
                (Self { account_id: account.clone(), counters, bought, entry: 0, version: 0 }, Guard::Absent)
            }
        }
    }
}
