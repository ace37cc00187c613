//! Warnings before something is lost: discounts and points about to end, a tier about to be reviewed.
//!
//! Each is given once per occasion, when the account is walked: the account remembers up to when each walk has come. Of
//! several that have come due since, for the same thing, only the latest is given: it names the days that are left.

use crate::account::Account;
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

/// What a walk has to warn an account of that is already at `now`.
pub(crate) fn warnings(
    account: &Account,
    schedule: &Schedule,
    walk: Walk,
    contact: Option<&ContactId>,
    now: Instant,
) -> Result<Vec<Change>, Overflow> {
    let program = &*schedule.at(now).program;
    let since = account.walked(walk);
    let due = |occasion: &Occasion<'_>| {
        let mut instants = occasion.instants(program);
        // Ascending days: the first that has been reached is the latest one.
        instants.find(|at| *at <= now).is_some_and(|at| at > since)
    };
    let due = occasions(account, schedule, program, walk, now)?.into_iter().filter(due);
    Ok(due.map(|occasion| occasion.change(contact)).collect())
}

/// Whether a walk would warn the account at `now`: then somebody is named whom it concerns.
pub fn is_due(account: &Account, schedule: &Schedule, walk: Walk, now: Instant) -> Result<bool, Overflow> {
    Ok(!warnings(account, schedule, walk, None, now)?.is_empty())
}

/// The earliest instant, after its walks, at which an account is to be warned of anything.
pub(crate) fn next(account: &Account, schedule: &Schedule, now: Instant) -> Result<Option<Instant>, Overflow> {
    let program = &*schedule.at(now).program;
    let mut earliest: Option<Instant> = None;
    for walk in Walk::ALL {
        let since = account.walked(walk);
        for occasion in occasions(account, schedule, program, walk, now)? {
            earliest = occasion.instants(program).filter(|at| *at > since).chain(earliest).min();
        }
    }
    Ok(earliest)
}

impl Occasion<'_> {
    fn instants<'a>(&'a self, program: &'a Program) -> impl Iterator<Item = Instant> + 'a {
        self.days.iter().map(|days| program.calendar.same_time_before_days(self.ends_at, *days))
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
    let Some(ends_at) = review::next(account, schedule).filter(|at| *at > now) else { return Ok(None) };
    let spend = review::qualifying(account, program, ends_at)?;
    let missing = program.tiers.get(&account.tier).threshold.minus(spend)?;
    let subject = Subject::Tier(&account.tier, Money { amount: missing, currency: program.currency });
    Ok((missing > Minor::ZERO).then_some(Occasion { ends_at, days, subject }))
}
