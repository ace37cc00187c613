//! Discounts end.

use super::{Kind, Warns};
use crate::account::Account;
use crate::discount::OpenDiscount;
use crate::forecast::Forecast;
use crate::id::ContactId;
use crate::ledger::{Change, DiscountChange};
use crate::money::Overflow;
use crate::schedule::Schedule;
use crate::time::Instant;
use crate::warning::{Occasion, Walk, WarningRules};

pub(super) struct Discounts;

impl Kind for Discounts {
    fn next(&self, account: &Account, _: &Schedule) -> Option<Instant> {
        account.discounts.iter().map(|open| open.expires_at).min()
    }

    fn settle(&self, account: &mut Account, _: &Schedule, now: Instant) -> Result<Vec<Change>, Overflow> {
        let ended = account.discounts.extract_if(.., |open| open.expires_at <= now);
        let change = |OpenDiscount { rule, code, expires_at, .. }| {
            Change::Discount(DiscountChange::Expired { rule, code, expired_at: expires_at })
        };
        Ok(ended.map(change).collect())
    }

    fn foresee(&self, change: &Change, forecast: &mut Forecast) -> Result<(), Overflow> {
        let count = match change {
            Change::Discount(DiscountChange::Expired { .. }) => &mut forecast.discounts_expired,
            Change::Discount(DiscountChange::Expiring { .. }) => &mut forecast.discount_expiring_warnings,
            _ => return Ok(()),
        };
        *count = count.saturating_add(1);
        Ok(())
    }

    fn warns(&self) -> Option<&dyn Warns> {
        Some(self)
    }
}

impl Warns for Discounts {
    fn walk(&self) -> Walk {
        Walk::Expiry
    }

    fn days<'a>(&self, rules: &'a WarningRules) -> &'a [u16] {
        &rules.discount_expiring_days
    }

    fn occasions(
        &self,
        account: &Account,
        _: &Schedule,
        contact: Option<&ContactId>,
        _: Instant,
    ) -> Result<Vec<Occasion>, Overflow> {
        let occasion = |open: &OpenDiscount| Occasion {
            ends_at: open.expires_at,
            told_days: Some(open.told_days),
            warning: Change::Discount(DiscountChange::Expiring {
                rule: open.rule.clone(),
                code: open.code.clone(),
                expires_at: open.expires_at,
                contact_id: contact.cloned(),
            }),
        };
        Ok(account.discounts.iter().map(occasion).collect())
    }

    /// Each remembers it itself: what it was issued with counts as told.
    fn note(&self, account: &mut Account, occasion: &Occasion, days: u16) {
        let Change::Discount(DiscountChange::Expiring { code, .. }) = &occasion.warning else { return };
        for open in account.discounts.iter_mut().filter(|open| open.code == *code) {
            open.told_days = days;
        }
    }
}
