//! Giving what an occasion brings: points at once, with the program's validity, and a discount from then on.

use super::{Given, Occasion, OccasionRule, On, Which};
use crate::account::{Account, Status};
use crate::adjustment;
use crate::audience::Buyer;
use crate::code::Code;
use crate::decision::{Context, Guard, Record, Write};
use crate::discount::{Discount, Issuer, OPEN_DISCOUNTS_MAX, Right};
use crate::expiry;
use crate::id::TierId;
use crate::ledger::Change;
use crate::money::{Overflow, Points};
use crate::program::Program;
use crate::referral::rules::GiftDiscount;
use crate::score::{GivenFor, OrderGift};
use crate::time::Instant;

/// What was given: what the entry says of it, the discounts' records, and what an order says of it that brought it.
#[derive(Debug, Default)]
pub(crate) struct Gifts {
    pub changes: Vec<Change>,
    pub writes: Vec<Write>,
    pub given: Vec<OrderGift>,
}

impl Gifts {
    /// Issues a discount that is given, valid from now on, and answers its code.
    pub fn issue(
        &mut self,
        account: &mut Account,
        terms: &GiftDiscount,
        by: Issuer,
        program: &Program,
        context: &Context<'_>,
    ) -> Code {
        let expires_at = program.calendar.same_time_after_days(context.now, terms.validity_days);
        let right = Right { rule: &terms.id, percent: terms.percent, expires_at };
        let discount = Discount::issue(&account.id, right, by, program, context);
        let code = discount.code.clone();
        self.changes.push(account.open_discount(&discount));
        self.writes.push(Write::Put(Record::Discount(Box::new(discount)), Guard::Absent));
        code
    }

    /// What was given before, then these.
    pub fn after(self, mut before: Self) -> Self {
        before.changes.extend(self.changes);
        before.writes.extend(self.writes);
        before.given.extend(self.given);
        before
    }
}

impl OccasionRule {
    /// Whether it is for an account, as it stands. Who does not take part, or is no member, is given nothing.
    pub(super) fn is_for(&self, account: &Account, program: &Program, now: Instant) -> bool {
        let state = account.member_state(program, now);
        let takes_part = account.status == Status::Active && state.is_member();
        takes_part && self.audience.includes(&Buyer::of(account, state))
    }
}

/// Gives an account that is already at `now` what one of its occasions brings. With as many discounts open as an account
/// can have, it comes without one.
pub(super) fn give(
    account: &mut Account,
    rule: &OccasionRule,
    which: Which,
    program: &Program,
    context: &Context<'_>,
    gifts: &mut Gifts,
) -> Result<(), Overflow> {
    let occasion = Occasion { rule: rule.id.clone(), which };
    let discount_withheld = rule.gift.discount.is_some() && account.discounts.len() >= OPEN_DISCOUNTS_MAX;
    let (points, today) = (rule.gift.points, program.calendar.day(context.now));
    let (mut end, mut expires_at) = (None, Instant::NEVER);
    if points > Points::ZERO {
        let (ends, prolonged) = expiry::activity(account, program, today, context.now)?;
        gifts.changes.extend(prolonged);
        (end, expires_at) = (Some(ends), ends.expires_at);
    }
    let (name, given) = (rule.name.clone(), occasion.clone());
    gifts.changes.push(Change::OccasionGiven(Given { occasion: given, name, points, expires_at, discount_withheld }));
    if let Some(end) = end {
        adjustment::give(account, points, end, &mut gifts.changes)?;
    }
    let terms = rule.gift.discount.as_ref().filter(|_| !discount_withheld);
    let discount = terms.map(|terms| gifts.issue(account, terms, Issuer::Occasion(occasion), program, context));
    gifts.given.push(OrderGift { given_for: GivenFor::Occasion(rule.id.clone()), points, discount });
    Ok(())
}

/// Welcomes an account that the command at hand makes a member, with the tier that everybody starts with: by enrolling it,
/// or, where somebody has to let it in, by that. Who comes by a referral is welcomed by that, and who comes with the
/// balance of another product is a member already.
pub(crate) fn welcome(
    account: &mut Account,
    tier: &TierId,
    program: &Program,
    context: &Context<'_>,
) -> Result<Gifts, Overflow> {
    let mut gifts = Gifts::default();
    for rule in program.occasions.iter().filter(|rule| rule.on == On::Welcome) {
        let newcomer = Buyer { tier: Some(tier), segments: &account.segments };
        let is_member = account.member_state(program, context.now).is_member();
        if account.status == Status::Active && is_member && rule.audience.includes(&newcomer) {
            give(account, rule, Which::Welcome, program, context, &mut gifts)?;
        }
    }
    Ok(gifts)
}

/// Gives an account what the order that was just counted brings it, by its number. Orders are counted as they come in, and
/// one that comes back stays counted: so each number comes once.
pub(crate) fn nth_order(account: &mut Account, program: &Program, context: &Context<'_>) -> Result<Gifts, Overflow> {
    let (mut gifts, number) = (Gifts::default(), account.lifetime.orders);
    for rule in &program.occasions {
        if matches!(&rule.on, On::NthOrder(orders) if orders.contain(number))
            && rule.is_for(account, program, context.now)
        {
            give(account, rule, Which::NthOrder { number }, program, context, &mut gifts)?;
        }
    }
    Ok(gifts)
}

/// Gives what a version of the program gives on an occasion that came on a walk under another: by its rule of the same id, if
/// that is on the same kind of occasion.
pub(crate) fn give_named(account: &mut Account, occasion: &Occasion, context: &Context<'_>) -> Result<Gifts, Overflow> {
    let (schedule, mut gifts) = (context.schedule, Gifts::default());
    let program = &*schedule.at(context.now).program;
    let at = occasion.which.day().map_or(context.now, |day| program.calendar.start_of_day(day));
    let same = |rule: &&OccasionRule| rule.id == occasion.rule && rule.on.name() == occasion.which.name();
    if let Some(rule) = schedule.at(at).program.occasions.iter().find(same) {
        give(account, rule, occasion.which.clone(), program, context, &mut gifts)?;
    }
    Ok(gifts)
}
