//! Warnings before something is lost: discounts and points about to end, a tier about to be reviewed.
//!
//! Each is given once per occasion, when the account is walked: the account remembers up to when each walk has come. Of
//! several that have come due since, for the same thing, only the latest is given: it names the days that are left.

use crate::account::{Account, Status};
use crate::discount::OpenDiscount;
use crate::id::{ContactId, TierId};
use crate::ledger::Change;
use crate::lots::Lot;
use crate::money::{Minor, Money, Overflow};
use crate::program::Program;
use crate::review;
use crate::schedule::Schedule;
use crate::time::Instant;

/// How many days ahead is warned, each list ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WarningRules {
    /// Before a discount ends.
    pub discount_expiring_days: Vec<u16>,
    /// Before points end.
    pub points_expiring_days: Vec<u16>,
    /// Before the review of a tier that would be lost.
    pub tier_at_risk_days: Vec<u16>,
}

/// Who walks the accounts on which something falls due, and so whose warnings they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// Points and discounts past their end.
    Expiry,
    /// Reviews of accounts.
    Review,
}

impl Walk {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Expiry, Self::Review];
}

/// Something that ends, and the days ahead of it at which is warned, ascending and not empty.
struct Occasion<'a> {
    ends_at: Instant,
    days: &'a [u16],
    subject: Subject<'a>,
}

enum Subject<'a> {
    Discount(&'a OpenDiscount),
    Lot(&'a Lot),
    /// The tier held; what is missing to keep it.
    Tier(&'a TierId, Money),
}

impl Walk {
    /// Its name in keys, cursors and entries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expiry => "expiry",
            Self::Review => "review",
        }
    }

    /// The function that carries it out.
    pub fn function(self) -> &'static str {
        match self {
            Self::Expiry => "discount-expiry",
            Self::Review => "account-review",
        }
    }
}

/// What a walk has to warn an account of that is already at `now`.
pub(crate) fn warnings(
    account: &Account,
    schedule: &Schedule,
    walk: Walk,
    contact: Option<&ContactId>,
    now: Instant,
) -> Result<Vec<Change>, Overflow> {
    let (program, since) = (&*schedule.at(now).program, account.walked(walk));
    let due = occasions(account, schedule, program, walk, now)?.into_iter();
    let due = due.filter(|occasion| occasion.latest(program, now).is_some_and(|at| at > since));
    Ok(due.map(|occasion| occasion.change(contact)).collect())
}

/// The warnings that daily walks give from `now`, the instant the account is already at, until `until`; how often each.
pub(crate) fn upcoming(
    account: &Account,
    schedule: &Schedule,
    walk: Walk,
    now: Instant,
    until: Instant,
) -> Result<Vec<(u64, Change)>, Overflow> {
    let (program, since) = (&*schedule.at(now).program, account.walked(walk));
    let times = |occasion: &Occasion<'_>| {
        let ahead = occasion.instants(program).filter(|at| *at > now.max(since) && *at <= until).count();
        let missed = occasion.latest(program, now).is_some_and(|at| at > since);
        u64::try_from(ahead).unwrap_or(u64::MAX).saturating_add(u64::from(missed))
    };
    let occasions = occasions(account, schedule, program, walk, now)?.into_iter();
    let counted = occasions.map(|occasion| (times(&occasion), occasion.change(None)));
    Ok(counted.filter(|(times, _)| *times > 0).collect())
}

/// The earliest instant, after its walks, at which an account is to be warned of anything.
pub(crate) fn next(account: &Account, schedule: &Schedule, now: Instant) -> Result<Option<Instant>, Overflow> {
    let program = &*schedule.at(now).program;
    if program.warnings == WarningRules::default() {
        return Ok(None);
    }
    let mut earliest: Option<Instant> = None;
    for walk in Walk::ALL {
        let since = account.walked(walk);
        for occasion in occasions(account, schedule, program, walk, now)? {
            for days in occasion.days {
                // Every order comes by here: the calendar is asked only where it can make a difference.
                let (from, to) = around(occasion.ends_at, *days);
                if to > since && earliest.is_none_or(|earliest| from < earliest) {
                    let at = program.calendar.same_time_before_days(occasion.ends_at, *days);
                    earliest = earliest.into_iter().chain((at > since).then_some(at)).min();
                }
            }
        }
    }
    Ok(earliest)
}

/// Bounds of the same wall time some days earlier, whatever the zone does to its clocks.
fn around(at: Instant, days: u16) -> (Instant, Instant) {
    let days = i64::from(days);
    let earlier = |days: i64| at.plus_ms(days.saturating_mul(Instant::DAY_MS).saturating_neg());
    (earlier(days.saturating_add(1)), earlier(days.saturating_sub(1)))
}

impl Occasion<'_> {
    /// The instants at which is warned, the latest first.
    fn instants<'a>(&'a self, program: &'a Program) -> impl Iterator<Item = Instant> + 'a {
        self.days.iter().map(|days| program.calendar.same_time_before_days(self.ends_at, *days))
    }

    /// The latest of them that has come.
    fn latest(&self, program: &Program, now: Instant) -> Option<Instant> {
        self.instants(program).find(|at| *at <= now)
    }

    fn change(&self, contact: Option<&ContactId>) -> Change {
        let (ends_at, contact_id) = (self.ends_at, contact.cloned());
        match &self.subject {
            Subject::Discount(open) => {
                let (rule, code) = (open.rule.clone(), open.code.clone());
                Change::DiscountExpiring { rule, code, expires_at: ends_at, contact_id }
            }
            Subject::Lot(lot) => Change::PointsExpiring { points: lot.points, expires_at: ends_at, contact_id },
            Subject::Tier(tier, missing) => {
                let (tier, missing) = ((*tier).clone(), *missing);
                Change::TierAtRisk { tier, review_at: ends_at, missing, contact_id }
            }
        }
    }
}

fn occasions<'a>(
    account: &'a Account,
    schedule: &Schedule,
    program: &'a Program,
    walk: Walk,
    now: Instant,
) -> Result<Vec<Occasion<'a>>, Overflow> {
    let rules = &program.warnings;
    let mut found = Vec::new();
    match walk {
        // Who has left is not written to.
        _ if account.status == Status::Closed => {}
        Walk::Expiry => {
            found.extend(account.discounts.iter().map(|open| Occasion {
                ends_at: open.expires_at,
                days: shorter_than_validity(&rules.discount_expiring_days, program, open),
                subject: Subject::Discount(open),
            }));
            found.extend(account.holdings.lots().iter().map(|lot| Occasion {
                ends_at: lot.expires_at,
                days: &rules.points_expiring_days,
                subject: Subject::Lot(lot),
            }));
        }
        Walk::Review => found.extend(at_risk(account, schedule, program, now)?),
    }
    found.retain(|occasion| !occasion.days.is_empty());
    Ok(found)
}

/// A warning as long ahead as the discount is valid would come with the discount itself.
fn shorter_than_validity<'a>(days: &'a [u16], program: &Program, open: &OpenDiscount) -> &'a [u16] {
    let validity_days = program.discounts.iter().find(|rule| rule.id == open.rule).map(|rule| rule.validity_days);
    let shorter = days.partition_point(|ahead| validity_days.is_none_or(|validity| *ahead < validity));
    days.get(..shorter).unwrap_or_default()
}

/// The next review, if the account would lose its tier by what it has spent until now.
fn at_risk<'a>(
    account: &'a Account,
    schedule: &Schedule,
    program: &'a Program,
    now: Instant,
) -> Result<Option<Occasion<'a>>, Overflow> {
    let days = &program.warnings.tier_at_risk_days;
    if days.is_empty() {
        return Ok(None);
    }
    let Some(next) = review::next(account, schedule).filter(|next| next.at > now) else { return Ok(None) };
    let missing = review::missing(account, schedule, next)?.filter(|missing| missing.amount > Minor::ZERO);
    Ok(missing.map(|missing| Occasion { ends_at: next.at, days, subject: Subject::Tier(&account.tier, missing) }))
}
