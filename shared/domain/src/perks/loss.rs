//! Perks that an account would have, and has lost for now: why, and since when.

use super::Perk;
use crate::account::{Account, Status};
use crate::audience::Buyer;
use crate::membership::{Exclusion, MemberState};
use crate::program::Program;
use crate::time::Instant;
use serde::Serialize;

/// Why an account has not a perk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unheld {
    /// It is not for it: not for its tier or its groups, or not yet.
    NotForIt,
    /// It is, and is lost for now.
    Lost(Loss),
}

/// A perk that is lost for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Loss {
    /// Why.
    pub reason: LossReason,
    /// Since when, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Instant>,
}

/// Why a perk is lost for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LossReason {
    /// The account is not a member yet.
    NotAMember,
    /// Its membership has lapsed.
    MembershipLapsed,
    /// It is excluded from perks.
    Excluded,
    /// It has not ordered for too long: its next order brings the perk back.
    NoOrder,
}

/// A perk that is lost for now, as its account sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LostPerk {
    /// Its id.
    pub id: crate::id::RuleId,
    /// Its name for customers.
    pub name: String,
    /// Why, and since when.
    #[serde(flatten)]
    pub loss: Loss,
}

impl Perk {
    /// Whether an account, already at `now`, has it then. One that does not take part has none.
    pub fn check(&self, account: &Account, program: &Program, now: Instant) -> Result<(), Unheld> {
        let calendar = &program.calendar;
        let joined = calendar.day(account.joined_at);
        let is_for_it = account.status == Status::Active
            && self.audience.includes(&Buyer::of(account, MemberState::Member))
            && joined.plus(self.after_days.into()) <= calendar.day(now);
        if !is_for_it {
            return Err(Unheld::NotForIt);
        }
        let state = account.member_state(program, now);
        let reason = match state {
            MemberState::Member if account.is_excluded(Exclusion::Perks) => Some(LossReason::Excluded),
            MemberState::Member => None,
            MemberState::Lapsed { .. } => Some(LossReason::MembershipLapsed),
            MemberState::Applicant { .. } | MemberState::Rejected { .. } | MemberState::Unpaid => {
                Some(LossReason::NotAMember)
            }
        };
        if let Some(reason) = reason {
            return Err(Unheld::Lost(Loss { reason, since: state.since() }));
        }
        match self.rests_from(account, program).filter(|from| *from <= now) {
            Some(from) => Err(Unheld::Lost(Loss { reason: LossReason::NoOrder, since: Some(from) })),
            None => Ok(()),
        }
    }

    /// When it is lost unless the account orders before; `None`: it does not ask for orders. Joining is as good as an
    /// order, so that a member has it from the first day.
    fn rests_from(&self, account: &Account, program: &Program) -> Option<Instant> {
        let days = self.activity_days?;
        let joined = program.calendar.day(account.joined_at);
        let active = account.last_purchase.map_or(joined, |last| last.max(joined));
        Some(program.calendar.start_of_day(active.plus(days.into()).plus(1)))
    }
}

/// The perks that an account, already at `now`, would have and has lost.
pub fn lost(account: &Account, program: &Program, now: Instant) -> Vec<LostPerk> {
    let lost = |perk: &Perk| match perk.check(account, program, now) {
        Err(Unheld::Lost(loss)) => Some(LostPerk { id: perk.id.clone(), name: perk.name.clone(), loss }),
        Ok(()) | Err(Unheld::NotForIt) => None,
    };
    program.perks.iter().filter_map(lost).collect()
}

#[cfg(test)]
mod tests;
