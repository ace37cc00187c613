//! A paid membership lapses.

use super::{Kind, Warns};
use crate::account::Account;
use crate::forecast::Forecast;
use crate::id::ContactId;
use crate::ledger::{Change, MembershipChange};
use crate::money::Overflow;
use crate::schedule::Schedule;
use crate::time::Instant;
use crate::warning::{Occasion, Walk, WarningRules};

pub(super) struct PaidMembership;

impl Kind for PaidMembership {
    fn next(&self, account: &Account, schedule: &Schedule) -> Option<Instant> {
        account.membership.lapse(schedule)
    }

    fn settle(&self, account: &mut Account, schedule: &Schedule, now: Instant) -> Result<Vec<Change>, Overflow> {
        let Some(lapsed_at) = self.next(account, schedule).filter(|at| *at <= now) else { return Ok(Vec::new()) };
        let Some(paid) = &mut account.membership.paid else { return Ok(Vec::new()) };
        paid.lapsed_at = Some(lapsed_at);
        Ok(vec![Change::Membership(MembershipChange::Lapsed { lapsed_at })])
    }

    fn foresee(&self, change: &Change, forecast: &mut Forecast) -> Result<(), Overflow> {
        let count = match change {
            Change::Membership(MembershipChange::Lapsed { .. }) => &mut forecast.memberships_lapsed,
            Change::Membership(MembershipChange::Ending { .. }) => &mut forecast.membership_ending_warnings,
            _ => return Ok(()),
        };
        *count = count.saturating_add(1);
        Ok(())
    }

    fn warns(&self) -> Option<&dyn Warns> {
        Some(self)
    }
}

impl Warns for PaidMembership {
    fn walk(&self) -> Walk {
        Walk::Review
    }

    fn days<'a>(&self, rules: &'a WarningRules) -> &'a [u16] {
        &rules.membership_ending_days
    }

    /// The end of what is paid for, with the time to pay again in.
    fn occasions(
        &self,
        account: &Account,
        _: &Schedule,
        contact: Option<&ContactId>,
        now: Instant,
    ) -> Result<Vec<Occasion>, Overflow> {
        let paid = account.membership.paid.filter(|paid| paid.until > now);
        let occasion = paid.map(|paid| Occasion {
            ends_at: paid.until,
            told_days: paid.told_days,
            warning: Change::Membership(MembershipChange::Ending {
                until: paid.until,
                lapses_at: paid.lapses_at,
                contact_id: contact.cloned(),
            }),
        });
        Ok(occasion.into_iter().collect())
    }

    /// It remembers it itself: a payment more is another end.
    fn note(&self, account: &mut Account, _: &Occasion, days: u16) {
        account.membership.paid.iter_mut().for_each(|paid| paid.told_days = Some(days));
    }
}
