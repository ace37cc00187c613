//! What an order does to a redemption, and what that does to the referrer.

use super::redemption::{Ended, Given, GivenDiscount, Outcome, Qualified, Redemption, Rewarded, State, TakenBack};
use super::rules::{AfterReturn, Gift, GiftDiscount};
use super::{ErrandTask, RedemptionKey, Referral, Stage, terms};
use crate::account::Account;
use crate::adjustment;
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::discount::{Discount, Issuer, OPEN_DISCOUNTS_MAX, Right};
use crate::expiry;
use crate::ledger::{Cause, Change, DiscountChange, PointsChange, ReferralChange};
use crate::lots::Own;
use crate::money::{Minor, Overflow, Points};
use crate::program::Program;
use crate::returns;
use crate::score::{FUTURE_MS_MAX, ScoredOrder};
use crate::shortfall::Short;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What is written, and what the entry says of it.
pub(crate) type Effect = (Write, Change);

/// Whether an order, by what is kept of it, qualifies the redemption of its account; then the redemption's record and the
/// account say so. The record is not read for it: nothing but this account's commits has changed it until now.
fn qualify(
    account: &mut Account,
    scored: &ScoredOrder,
    program: &Program,
    context: &Context<'_>,
) -> Result<Option<Effect>, Rejection> {
    let Some(referral) = account.referral.clone().filter(|own| matches!(own.stage, Stage::Open { .. })) else {
        return Ok(None);
    };
    if scored.score.no_member().is_some() {
        return Ok(None);
    }
    let terms = terms(context.schedule, referral.program_version, context.now)?;
    let calendar = &context.schedule.at(context.now).program.calendar;
    let (order, kept) = (&scored.order.key, returns::totals(scored, program)?.eligible);
    // What was bought before the referral is not brought by it, however late it is heard of; clocks of shops may be wrong.
    let since = referral.redeemed_at.map(|at| at.plus_ms(-FUTURE_MS_MAX));
    let too_early = since.is_some_and(|since| scored.order.placed_at < since);
    if kept < terms.minimum_total || too_early {
        return Ok(None);
    }
    let reward_at = calendar.same_time_after_days(context.now, terms.return_window_days);
    let qualified = Qualified { order: order.clone(), at: context.now, reward_at, revenue: kept };
    let (key, version) = (referral.key.clone(), referral.version);
    account.referral = Some(Referral { stage: Stage::Qualified { reward_at }, redeemed_at: None, ..referral });
    let change =
        Change::Referral(ReferralChange::Qualified { redemption: key.clone(), order: order.clone(), reward_at });
    Ok(Some((Write::Qualify(key, Box::new(qualified), version), change)))
}

/// Whether an order that was just scored qualifies the redemption of its account, after what came back of it already.
pub(crate) fn first_order(
    account: &mut Account,
    scored: &mut ScoredOrder,
    program: &Program,
    context: &Context<'_>,
) -> Result<Option<Effect>, Rejection> {
    let effect = qualify(account, scored, program, context)?;
    scored.score.qualified_referral = effect.is_some();
    Ok(effect)
}

/// The same for an order that was just amended: what it was first scored with stays as it is.
pub(crate) fn amended_order(
    account: &mut Account,
    scored: &mut ScoredOrder,
    program: &Program,
    context: &Context<'_>,
) -> Result<Option<Effect>, Rejection> {
    let effect = qualify(account, scored, program, context)?;
    if let Some(amended) = &mut scored.history.amended {
        amended.score.qualified_referral = effect.is_some();
    }
    Ok(effect)
}

/// Looks after the redemption that an order had qualified, once what is kept of it has changed; `redemption` is its
/// record. The writes and what the entry says of them.
pub(crate) fn follow(
    account: &mut Account,
    scored: &ScoredOrder,
    redemption: Option<&Redemption>,
    program: &Program,
    context: &Context<'_>,
) -> Result<(Option<Write>, Option<Change>), Rejection> {
    if !scored.qualified_referral() {
        return Ok((None, None));
    }
    // It is read strongly. Should it be lost all the same, what comes back must not wait for it.
    let Some(redemption) = redemption else { return Ok((None, None)) };
    let kept = returns::totals(scored, program)?.eligible;
    let (write, change) = recheck(account, redemption, kept, context)?.unzip();
    Ok((write, change.flatten()))
}

/// What became of a redemption when what is kept of the order that had qualified it has changed: with less than it takes
/// it comes to nothing, and a reward that was given is to be taken back if the terms say so. Once it has come to nothing it
/// stays so; what is kept is noted all the same, for who counts what referrals bring.
fn recheck(
    account: &mut Account,
    redemption: &Redemption,
    kept: Minor,
    context: &Context<'_>,
) -> Result<Option<(Write, Option<Change>)>, Rejection> {
    let Some(qualified) = redemption.qualified.as_ref() else { return Ok(None) };
    let terms = terms(context.schedule, redemption.program_version, context.now)?;
    let mut after = redemption.next();
    after.qualified = Some(Qualified { revenue: kept, ..qualified.clone() });
    let stays = redemption.ended.is_some()
        || kept >= terms.minimum_total
        || (redemption.rewarded.is_some() && terms.after_return == AfterReturn::Keep);
    let put = |after: Redemption| Write::Put(Record::Redemption(Box::new(after)), Guard::Version(redemption.version));
    if stays {
        return Ok((qualified.revenue != kept).then(|| (put(after), None)));
    }
    after.ended = Some(Ended { outcome: Outcome::Revoked, at: context.now, reason: "too_little_kept".to_owned() });
    let stage = match redemption.rewarded {
        Some(_) => Stage::Returned { since: context.now },
        None => Stage::Over,
    };
    account.referral = account.referral.take().map(|referral| Referral { stage, ..referral });
    let change = Change::Referral(ReferralChange::Revoked {
        redemption: redemption.key.clone(),
        order: qualified.order.clone(),
    });
    Ok(Some((put(after), Some(change))))
}

/// What an errand is decided on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grounds {
    /// The redemption.
    pub redemption: Option<Redemption>,
    /// The referrer's account.
    pub referrer: Option<Account>,
    /// The discount that was given with the reward.
    pub discount: Option<Discount>,
}

/// What an errand came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    /// The referrer has the reward.
    Rewarded,
    /// The referrer has the points of it, and no room for one more open discount: that is tried again.
    Later,
    /// The reward is taken back.
    TakenBack,
    /// The redemption had come to nothing.
    Over,
}

/// Carries an errand out on the referrer's account, once, whoever tries how often.
pub fn carry_out(task: ErrandTask, grounds: &Grounds, context: &Context<'_>) -> Result<Decision<Settled>, Rejection> {
    // A redemption is never removed: only a read that lags behind does not show it.
    let redemption = grounds.redemption.as_ref().ok_or(Rejection::UnknownRedemption)?;
    let nothing = |answer| Ok(Decision { writes: Vec::new(), answer });
    let Some(rewarded) = &redemption.rewarded else {
        return match (task, redemption.state(context.now)) {
            (ErrandTask::Reward, State::Qualified) => reward(redemption, grounds.referrer.as_ref(), context),
            _ => nothing(Settled::Over),
        };
    };
    match task {
        ErrandTask::Reward if rewarded.discount_waits && redemption.ended.is_none() => {
            add_discount(redemption, rewarded, grounds.referrer.as_ref(), context)
        }
        ErrandTask::Reward => nothing(Settled::Rewarded),
        ErrandTask::TakeBack if redemption.taken_back.is_some() => nothing(Settled::TakenBack),
        ErrandTask::TakeBack => take_back(redemption, rewarded, grounds, context),
    }
}

fn reward(
    redemption: &Redemption,
    referrer: Option<&Account>,
    context: &Context<'_>,
) -> Result<Decision<Settled>, Rejection> {
    let mut after = redemption.next();
    let put = |after| Write::Put(Record::Redemption(Box::new(after)), Guard::Version(redemption.version));
    let Some(referrer) = referrer.filter(|account| !account.status.has_left()) else {
        after.ended = Some(Ended { outcome: Outcome::Revoked, at: context.now, reason: "referrer_left".to_owned() });
        return Ok(Decision { writes: vec![put(after)], answer: Settled::Over });
    };
    let activation = context.schedule.at(context.now);
    let (mut account, mut changes) = advance::advance(context.schedule, referrer, context.now)?;
    let number = account.referrals_rewarded.checked_add(1).ok_or(Overflow)?;
    let terms = terms(context.schedule, redemption.program_version, context.now)?;
    let mut gift = terms.reward(number).cloned().unwrap_or_default();
    let discount_waits = gift.discount.is_some() && account.discounts.len() >= OPEN_DISCOUNTS_MAX;
    if discount_waits {
        gift.discount = None;
    }
    account.referrals_rewarded = number;
    changes.push(Change::Referral(ReferralChange::Rewarded { redemption: redemption.key.clone(), number }));
    let gifts = give(&mut account, &gift, &redemption.key, &activation.program, context)?;
    changes.extend(gifts.changes);
    after.rewarded = Some(Rewarded { at: context.now, number, given: gifts.given, discount_waits });
    let mut writes = vec![put(after)];
    let cause = Cause::Referral { redemption: redemption.key.clone() };
    writes.extend(decision::commit(account, cause, changes, activation.version, context)?);
    writes.extend(gifts.writes);
    Ok(Decision { writes, answer: if discount_waits { Settled::Later } else { Settled::Rewarded } })
}

/// Gives the discount of a reward that had waited for room.
fn add_discount(
    redemption: &Redemption,
    rewarded: &Rewarded,
    referrer: Option<&Account>,
    context: &Context<'_>,
) -> Result<Decision<Settled>, Rejection> {
    let mut after = redemption.next();
    let mut rewarded = Rewarded { discount_waits: false, ..rewarded.clone() };
    let put = |after| Write::Put(Record::Redemption(Box::new(after)), Guard::Version(redemption.version));
    let Some(referrer) = referrer.filter(|account| !account.status.has_left()) else {
        // Who has left keeps what was given.
        after.rewarded = Some(rewarded);
        return Ok(Decision { writes: vec![put(after)], answer: Settled::Rewarded });
    };
    let activation = context.schedule.at(context.now);
    let (mut account, mut changes) = advance::advance(context.schedule, referrer, context.now)?;
    if account.discounts.len() >= OPEN_DISCOUNTS_MAX {
        return Ok(Decision { writes: Vec::new(), answer: Settled::Later });
    }
    let terms = terms(context.schedule, redemption.program_version, context.now)?;
    let discount = terms.reward(rewarded.number).and_then(|gift| gift.discount.clone());
    let gift = Gift { points: Points::ZERO, discount };
    let gifts = give(&mut account, &gift, &redemption.key, &activation.program, context)?;
    changes.extend(gifts.changes);
    rewarded.given.discount = gifts.given.discount;
    after.rewarded = Some(rewarded);
    let mut writes = vec![put(after)];
    let cause = Cause::Referral { redemption: redemption.key.clone() };
    writes.extend(decision::commit(account, cause, changes, activation.version, context)?);
    writes.extend(gifts.writes);
    Ok(Decision { writes, answer: Settled::Rewarded })
}

fn take_back(
    redemption: &Redemption,
    rewarded: &Rewarded,
    grounds: &Grounds,
    context: &Context<'_>,
) -> Result<Decision<Settled>, Rejection> {
    let referrer = grounds.referrer.as_ref().ok_or(Rejection::UnknownAccount)?;
    let activation = context.schedule.at(context.now);
    let (mut account, mut changes) = advance::advance(context.schedule, referrer, context.now)?;
    account.referrals_rewarded = account.referrals_rewarded.saturating_sub(1);
    changes.push(Change::Referral(ReferralChange::TakenBack { redemption: redemption.key.clone() }));
    let mut back = TakenBack { at: context.now, points: Points::ZERO, unrecovered: Points::ZERO, discount: false };
    // Once they have ended nothing is taken for them, as for an order's points.
    let stated = rewarded.given.expires_at.filter(|_| rewarded.given.points > Points::ZERO);
    let expiry = context.schedule.at(rewarded.at).program.points.expiry;
    let end = stated.and_then(|stated| expiry.end_now(&account.holdings, stated, rewarded.at, context.now));
    if let Some(end) = end {
        // First from those that end with it, as an order's are taken from its own.
        let own = Own { available_at: Instant::MIN, end };
        let taken = account.holdings.take(rewarded.given.points, Some(own))?;
        let short = rewarded.given.points.minus(taken.total()?)?;
        let shortfall = account.shortfall(&activation.program);
        let Short { owed, unrecovered } = shortfall.book(&mut account.holdings, short)?;
        back.points = taken.total()?.plus(owed)?;
        back.unrecovered = unrecovered;
        account.lifetime.deducted = account.lifetime.deducted.plus(back.points)?;
        let (reason, reference) = ("the referral does not count any more".to_owned(), Some(redemption.key.to_string()));
        if back.points > Points::ZERO {
            changes.push(Change::Points(PointsChange::Deducted {
                points: back.points,
                taken,
                owed,
                reason,
                reference,
            }));
        }
    }
    let mut after = redemption.next();
    let mut writes = Vec::new();
    let is_left = |discount: &&Discount| !discount.void && discount.expires_at > context.now;
    if let Some(discount) = grounds.discount.as_ref().filter(is_left) {
        let closed = account.close_discount(discount).voided(true);
        // One that was used stays used; should its order give it back, it cannot be used again.
        back.discount = discount.used_by.is_none();
        if back.discount {
            account.lifetime.discounts_issued = account.lifetime.discounts_issued.saturating_sub(1);
            changes.push(Change::Discount(DiscountChange::Voided { code: discount.code.clone() }));
        }
        writes.push(Write::Put(Record::Discount(Box::new(closed)), Guard::Version(discount.version)));
    }
    after.taken_back = Some(back);
    writes.push(Write::Put(Record::Redemption(Box::new(after)), Guard::Version(redemption.version)));
    let cause = Cause::Referral { redemption: redemption.key.clone() };
    writes.extend(decision::commit(account, cause, changes, activation.version, context)?);
    Ok(Decision { writes, answer: Settled::TakenBack })
}

/// Notes on the referee's account what its errand came to, unless that waits, or something else has happened to it
/// meanwhile.
pub(crate) fn conclude(account: &mut Account, settled: Settled) -> Option<Change> {
    let referral = account.referral.as_mut()?;
    let stage = match (referral.stage, settled) {
        (Stage::Qualified { .. }, Settled::Rewarded) => Stage::Rewarded,
        (Stage::Qualified { .. } | Stage::Returned { .. }, Settled::Over)
        | (Stage::Returned { .. }, Settled::TakenBack) => Stage::Over,
        _ => return None,
    };
    referral.stage = stage;
    Some(Change::Referral(ReferralChange::Concluded { redemption: referral.key.clone(), settled }))
}

impl Settled {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rewarded => "rewarded",
            Self::Later => "later",
            Self::TakenBack => "taken_back",
            Self::Over => "over",
        }
    }
}

/// What was given, and what that writes.
pub(super) struct Gifts {
    pub given: Given,
    pub changes: Vec<Change>,
    pub writes: Vec<Write>,
}

/// Gives an account that is already at `now` what a referral brings it. A discount even beyond the bound of what rules may
/// open: a reward waits for room, and a welcome is one in an account's life.
pub(super) fn give(
    account: &mut Account,
    gift: &Gift,
    key: &RedemptionKey,
    program: &Program,
    context: &Context<'_>,
) -> Result<Gifts, Rejection> {
    let mut gifts = Gifts { given: Given::default(), changes: Vec::new(), writes: Vec::new() };
    if gift.points > Points::ZERO {
        let (end, prolonged) = expiry::activity(account, program, program.calendar.day(context.now), context.now)?;
        let expires_at = end.expires_at;
        gifts.changes.extend(prolonged);
        gifts.changes.push(Change::Points(PointsChange::Granted {
            points: gift.points,
            expires_at,
            redemption: key.clone(),
        }));
        adjustment::give(account, gift.points, end, &mut gifts.changes)?;
        (gifts.given.points, gifts.given.expires_at) = (gift.points, Some(expires_at));
    }
    if let Some(rule) = &gift.discount {
        let discount = discount(account, rule, key, program, context);
        gifts.changes.push(account.open_discount(&discount));
        let Discount { rule, code, percent, expires_at, .. } = discount.clone();
        gifts.given.discount = Some(GivenDiscount { rule, code, percent, expires_at });
        gifts.writes.push(Write::Put(Record::Discount(Box::new(discount)), Guard::Absent));
    }
    Ok(gifts)
}

fn discount(
    account: &Account,
    rule: &GiftDiscount,
    key: &RedemptionKey,
    program: &Program,
    context: &Context<'_>,
) -> Discount {
    let expires_at = program.calendar.same_time_after_days(context.now, rule.validity_days);
    let right = Right { rule: &rule.id, percent: rule.percent, expires_at };
    Discount::issue(&account.id, right, Issuer::Referral(key.clone()), program, context)
}
