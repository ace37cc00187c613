//! Perks: what an account may claim besides points and discounts, such as early access or a training.
//!
//! An account has a perk by its tier, its segments and how long it has been a member, and may lose it for a time: while
//! it is no member, or does not order. One with an allowance is counted:
//! so many uses per period, each an entry of the account ([`use_perk`]). What is used stands in a record of its own
//! beside the entries, which only those read and write who ask for perks: no order pays for it.

mod bought;
mod loss;
pub(crate) mod usage;

use crate::account::Account;
use crate::audience::Audience;
use crate::id::{AccountId, RuleId};
use crate::program::Program;
use crate::rewards;
use crate::time::{Calendar, Day, Instant, Month};
use serde::{Deserialize, Serialize};

pub use bought::BoughtUses;
pub use loss::{Loss, LossReason, LostPerk, Unheld, lost};
pub use usage::{PerkReceipt, PerkState, UseDocument, use_document, use_perk};

/// Something that accounts may claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Perk {
    /// Its id, stable over versions.
    pub id: RuleId,
    /// Its name for customers.
    pub name: String,
    /// What kind of thing it is.
    pub kind: PerkKind,
    /// What it is, for customers.
    pub description: Option<String>,
    /// Whom it is for.
    pub audience: Audience,
    /// Days of membership from which on it is there; 0: from the first day.
    pub after_days: u16,
    /// Days after the latest order, or after joining, in which it is there; `None`: whether it orders or not.
    pub activity_days: Option<u16>,
    /// How often it may be used; `None`: it is not counted.
    pub allowance: Option<Allowance>,
}

/// What kind of thing a perk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PerkKind {
    /// Something is to be had before others have it.
    EarlyAccess,
    /// People are taught.
    Training,
    /// Questions are answered first.
    PrioritySupport,
    /// Both sides advertise together.
    CoMarketing,
    /// Anything else.
    Other,
}

impl PerkKind {
    /// Every kind by its name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("early_access", Self::EarlyAccess),
        ("training", Self::Training),
        ("priority_support", Self::PrioritySupport),
        ("co_marketing", Self::CoMarketing),
        ("other", Self::Other),
    ];
}

/// How often a perk may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Uses in each period, at least 1.
    pub count: u32,
    /// How long a period is, and when one begins.
    pub per: Period,
}

/// A stretch of time that uses are counted in. None is longer than a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// So many calendar months, beginning with January: a divisor of 12.
    Months(u16),
    /// A year of membership, beginning with the day of joining. Who joined on 29 February begins it on the 28th where
    /// there is none.
    MembershipYear,
}

impl Period {
    /// The first day of the period that a day lies in, and the first day after it.
    fn around(self, today: Day, joined: Day) -> (Day, Day) {
        let month = today.month();
        match self {
            Self::Months(months) => {
                let months = i32::from(months.max(1));
                let first = month.plus(month.0.checked_rem_euclid(months).unwrap_or(0).saturating_neg());
                (first.first(), first.plus(months).first())
            }
            Self::MembershipYear => {
                let years = month.0.saturating_sub(joined.month().0).div_euclid(12);
                // In the month of joining the day itself may be still to come.
                let years = if anniversary(joined, years) > today { years.saturating_sub(1) } else { years };
                (anniversary(joined, years), anniversary(joined, years.saturating_add(1)))
            }
        }
    }
}

/// The day so many years after another; the last of February for the 29th where there is none.
fn anniversary(day: Day, years: i32) -> Day {
    let month: Month = day.month().plus(years.saturating_mul(12));
    let days_before = day.0.saturating_sub(day.month().first().0);
    month.first().plus(days_before).min(month.plus(1).first().plus(-1))
}

/// How often an account has used its perks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerkUses {
    /// Whose.
    pub account_id: AccountId,
    /// By perk, those alone of which a period is running.
    pub counters: Vec<PerkCounter>,
    /// Sequence of the newest entry that changed anything of this.
    pub entry: u64,
    /// Uses that were bought with points and are left, by perk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bought: Vec<BoughtUses>,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// How often one perk was used in the period of its latest use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerkCounter {
    /// Which perk.
    pub perk: RuleId,
    /// How often.
    pub used: u32,
    /// The day of the latest use, in the program's time zone.
    pub latest: Day,
}

/// What of a perk is used and left, in the period that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Uses {
    /// Uses in each period.
    pub count: u32,
    /// Used in this one. It may be more than the count where a version has lowered that.
    pub used: u32,
    /// Left in this one.
    pub left: u32,
    /// When the next period begins, and with it the count.
    pub renews_at: Instant,
}

/// A perk that an account has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PerkStanding {
    /// Its id.
    pub id: RuleId,
    /// Its name for customers.
    pub name: String,
    /// What kind of thing it is.
    pub kind: PerkKind,
    /// What it is, for customers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is used and left; absent: it is not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses: Option<Uses>,
    /// Uses that were bought with points and are left: they are there when none of the others is, without end. Absent:
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bought_left: Option<u32>,
}

impl Perk {
    /// What an account has used of it in the period that `now` lies in; `None`: it is not counted.
    ///
    /// A use counts in the period of its day, by whatever version it is asked: where one changes the periods, what was
    /// used in the one that was running goes on to count if its latest use lies in the new one.
    pub fn uses(&self, account: &Account, used: Option<&PerkUses>, calendar: &Calendar, now: Instant) -> Option<Uses> {
        let Allowance { count, per } = self.allowance?;
        let (start, end) = per.around(calendar.day(now), calendar.day(account.joined_at));
        let counters = used.map_or(&[][..], |used| &used.counters);
        let counter = counters.iter().find(|counter| counter.perk == self.id && counter.latest >= start);
        let used = counter.map_or(0, |counter| counter.used);
        let renews_at = calendar.start_of_day(end);
        Some(Uses { count, used, left: count.saturating_sub(used), renews_at })
    }
}

/// Whether anything of a program's perks is counted, so that what is used must be known: those with an allowance, and
/// those of which points buy uses.
pub fn are_counted(program: &Program) -> bool {
    program.perks.iter().any(|perk| perk.allowance.is_some()) || rewards::give_perks(program)
}

/// The perks that an account, already at `now`, has then, and what is left of those that are counted.
pub fn standing(account: &Account, used: Option<&PerkUses>, program: &Program, now: Instant) -> Vec<PerkStanding> {
    let calendar = &program.calendar;
    let stands = |perk: &Perk| {
        let is_held = perk.check(account, program, now).is_ok();
        let bought_left = perk.bought(account, used);
        (is_held || bought_left.is_some()).then(|| PerkStanding {
            id: perk.id.clone(),
            name: perk.name.clone(),
            kind: perk.kind,
            description: perk.description.clone(),
            uses: perk.uses(account, used, calendar, now).filter(|_| is_held),
            bought_left,
        })
    };
    program.perks.iter().filter_map(stands).collect()
}

#[cfg(test)]
mod tests;
