//! Whether an account is a member, and what it is excluded from.
//!
//! An account that is no member keeps what it has and gets nothing new: its orders are recorded and earn no points, raise
//! no tier, issue no discounts, bring no free products and qualify no referral; its perks rest. What it spends counts all
//! the same for its figures, and for its tier from its next order as a member on. What an order found stands in its
//! outcomes ([`Condition`]), so that a return, an amendment and a receipt find it again, whatever the account is by then.

use super::rules::MembershipRules;
use crate::account::Account;
use crate::program::Program;
use crate::schedule::Schedule;
use crate::score::{Condition, Outcome, Score};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What is known of an account's membership. Nothing of it is stored where there is nothing to say, as in a program that
/// everybody is a member of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// Whether it was let in.
    pub admission: Admission,
    /// The period that it has paid for last.
    pub paid: Option<PaidPeriod>,
    /// What it is excluded from, sorted, each once.
    pub excluded_from: Vec<Exclusion>,
}

/// Whether an account was let in. It counts under a program that lets accounts in, and under no other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Admission {
    /// It was, or nobody had to.
    #[default]
    Admitted,
    /// It waits for somebody to approve.
    Applied {
        /// Since when.
        since: Instant,
    },
    /// Somebody has turned it away.
    Rejected {
        /// When.
        since: Instant,
    },
}

/// A period that was paid for, the payments that went on with it included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaidPeriod {
    /// Its first instant.
    pub since: Instant,
    /// The first instant that is not paid for any more.
    pub until: Instant,
    /// The first instant at which the account is no member any more: the same, or after a time of grace.
    pub lapses_at: Instant,
    /// When it lapsed, once that is written down.
    pub lapsed_at: Option<Instant>,
    /// The fewest days ahead at which it was told of its end; `None`: never.
    pub told_days: Option<u16>,
}

/// What an account may be excluded from, though it is a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Exclusion {
    /// Its orders earn no points.
    Earning,
    /// Its orders issue no discounts. Those that it has stay its own.
    Discounts,
    /// It has no perks.
    Perks,
}

impl Exclusion {
    /// Every one by its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("earning", Self::Earning), ("discounts", Self::Discounts), ("perks", Self::Perks)];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, one)| *one == self).map_or("", |(name, _)| name)
    }
}

/// Whether an account is a member at an instant, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberState {
    /// It is.
    Member,
    /// It waits for approval since then.
    Applicant {
        /// Since when.
        since: Instant,
    },
    /// It was turned away then.
    Rejected {
        /// When.
        since: Instant,
    },
    /// It has not paid yet.
    Unpaid,
    /// What it has paid for is over.
    Lapsed {
        /// Since when.
        since: Instant,
    },
}

impl MemberState {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Applicant { .. } => "applicant",
            Self::Rejected { .. } => "rejected",
            Self::Unpaid => "unpaid",
            Self::Lapsed { .. } => "lapsed",
        }
    }

    /// Whether it is one.
    pub fn is_member(self) -> bool {
        self == Self::Member
    }

    /// Since when, where it is known.
    pub fn since(self) -> Option<Instant> {
        match self {
            Self::Applicant { since } | Self::Rejected { since } | Self::Lapsed { since } => Some(since),
            Self::Member | Self::Unpaid => None,
        }
    }

    /// What is stored where it keeps a rule from doing anything; `None`: it does not.
    pub(crate) fn condition(self) -> Option<Condition> {
        match self {
            Self::Member => None,
            Self::Applicant { .. } | Self::Rejected { .. } | Self::Unpaid => Some(Condition::NotAMember),
            Self::Lapsed { .. } => Some(Condition::MembershipLapsed),
        }
    }
}

impl Membership {
    /// Whether the account is a member at an instant under a program. Its last payment may lie ahead of what was written
    /// down: that a membership has lapsed is true without.
    pub fn state(&self, rules: MembershipRules, now: Instant) -> MemberState {
        match (rules, self.admission, self.paid) {
            (MembershipRules::Open, ..) => MemberState::Member,
            (MembershipRules::Approval | MembershipRules::Invitation, admission, _) => match admission {
                Admission::Admitted => MemberState::Member,
                Admission::Applied { since } => MemberState::Applicant { since },
                Admission::Rejected { since } => MemberState::Rejected { since },
            },
            (MembershipRules::Paid(_), _, None) => MemberState::Unpaid,
            (MembershipRules::Paid(_), _, Some(paid)) if now < paid.lapses_at => MemberState::Member,
            (MembershipRules::Paid(_), _, Some(paid)) => {
                MemberState::Lapsed { since: paid.lapsed_at.unwrap_or(paid.lapses_at) }
            }
        }
    }

    /// When it lapses next: at the end of what was paid for, if the program in force asks for a fee then, or else once
    /// one does. `None`: never, as things stand.
    pub(crate) fn lapse(&self, schedule: &Schedule) -> Option<Instant> {
        let paid = self.paid.filter(|paid| paid.lapsed_at.is_none())?;
        let mut asking = schedule.from(paid.lapses_at).filter(|version| version.program.membership.fee().is_some());
        asking.next().map(|version| version.from.max(paid.lapses_at))
    }
}

impl Account {
    /// Whether it is a member at an instant under a version of the program.
    pub fn member_state(&self, program: &Program, now: Instant) -> MemberState {
        self.membership.state(program.membership, now)
    }

    /// Whether it is excluded from something, member or not.
    pub fn is_excluded(&self, from: Exclusion) -> bool {
        self.membership.excluded_from.contains(&from)
    }

    /// Why none of its orders earns under a version of the program; `None`: they may.
    pub(crate) fn earns_nothing(&self, program: &Program, now: Instant) -> Option<Condition> {
        let excluded = self.is_excluded(Exclusion::Earning).then_some(Condition::ExcludedFromEarning);
        self.member_state(program, now).condition().or(excluded)
    }

    /// Why none of its orders issues a discount under a version of the program; `None`: they may.
    pub(crate) fn is_issued_nothing(&self, program: &Program, now: Instant) -> Option<Condition> {
        let excluded = self.is_excluded(Exclusion::Discounts).then_some(Condition::ExcludedFromDiscounts);
        self.member_state(program, now).condition().or(excluded)
    }
}

/// The membership of an account, as it sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MembershipStanding {
    /// `member`, `applicant`, `rejected`, `unpaid` or `lapsed`.
    pub state: &'static str,
    /// Since when it is that, where it is known; of a paid membership, since when it goes on without a gap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Instant>,
    /// The first instant that is not paid for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// The first instant at which it is no member any more, unless it pays again before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lapses_at: Option<Instant>,
    /// What it is excluded from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_from: Vec<Exclusion>,
}

impl MembershipStanding {
    /// That of an account, already at `now`; `None`: there is nothing to tell.
    pub(crate) fn of(account: &Account, program: &Program, now: Instant) -> Option<Self> {
        let Membership { paid, excluded_from, .. } = &account.membership;
        if program.membership == MembershipRules::Open && excluded_from.is_empty() {
            return None;
        }
        let state = account.member_state(program, now);
        let paid = paid.filter(|_| program.membership.fee().is_some());
        let running = paid.filter(|_| state.is_member());
        Some(Self {
            state: state.name(),
            since: state.since().or(running.map(|paid| paid.since)),
            until: paid.map(|paid| paid.until),
            lapses_at: running.map(|paid| paid.lapses_at),
            excluded_from: excluded_from.clone(),
        })
    }
}

impl Score {
    /// Why the order found no member, when it was first scored; `None`: it found one. Every program has an earning rule,
    /// and no member is ruled out by each of them for that.
    pub fn no_member(&self) -> Option<Condition> {
        match self.outcomes.first() {
            Some(Outcome::Missed(why @ (Condition::NotAMember | Condition::MembershipLapsed))) => Some(*why),
            _ => None,
        }
    }
}

/// Why a rule did nothing, where it is a matter of membership: the end of a sentence.
pub(crate) fn why_not(condition: Condition) -> Option<&'static str> {
    match condition {
        Condition::NotAMember => Some("the account is not a member yet"),
        Condition::MembershipLapsed => Some("its membership has lapsed"),
        Condition::ExcludedFromEarning => Some("the account is excluded from earning"),
        Condition::ExcludedFromDiscounts => Some("the account is excluded from discounts"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::Fee;
    use super::*;

    #[test]
    fn who_is_a_member_follows_from_the_program_and_from_what_is_known() {
        let at = Instant::from_ms;
        let fee = MembershipRules::Paid(Fee { months: 12, grace_days: 0 });
        let kinds = [MembershipRules::Open, MembershipRules::Approval, MembershipRules::Invitation, fee];
        let applied = Admission::Applied { since: at(5) };
        let rejected = Admission::Rejected { since: at(6) };
        let paid = |lapsed_at: Option<i64>| {
            let (since, until, lapses_at) = (at(1), at(10), at(12));
            Some(PaidPeriod { since, until, lapses_at, lapsed_at: lapsed_at.map(at), told_days: None })
        };
        type Row = (Admission, Option<PaidPeriod>, i64, [&'static str; 4], Option<i64>);
        let rows: [Row; 7] = [
            (Admission::Admitted, None, 9, ["member", "member", "member", "unpaid"], None),
            (applied, None, 9, ["member", "applicant", "applicant", "unpaid"], None),
            (rejected, None, 9, ["member", "rejected", "rejected", "unpaid"], None),
            (applied, paid(None), 11, ["member", "applicant", "applicant", "member"], None),
            (Admission::Admitted, paid(None), 12, ["member", "member", "member", "lapsed"], Some(12)),
            (Admission::Admitted, paid(Some(20)), 21, ["member", "member", "member", "lapsed"], Some(20)),
            (rejected, paid(Some(12)), 21, ["member", "rejected", "rejected", "lapsed"], Some(12)),
        ];
        for (admission, paid, now, expected, lapsed) in rows {
            let membership = Membership { admission, paid, excluded_from: Vec::new() };
            let states = kinds.map(|rules| membership.state(rules, at(now)));
            assert_eq!(states.map(MemberState::name), expected, "{membership:?} at {now}");
            let last = states.last().and_then(|state| state.since());
            assert_eq!(last, lapsed.map(at), "{membership:?} at {now}");
        }
    }
}
