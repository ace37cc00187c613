//! Looking at a redemption: it is approved or rejected, once.

use super::redemption::{Ended, Outcome, Redemption, Review, WaitingReview};
use super::reward::give;
use super::{Referral, Stage, terms};
use crate::account::{Account, Status};
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::ledger::{AccountChange, Cause, Change, ReferralChange};

/// What somebody decides who looks at a redemption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewDecision {
    /// Approved or rejected.
    pub verdict: Verdict,
    /// What they say of it.
    pub note: Option<String>,
}

/// Whether a redemption is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is: the prospect takes part and is welcomed.
    Approved,
    /// It is not: an account that it made is closed, and keeps what it claimed, so that the company cannot come by a
    /// referral again. The merchant may make that account active.
    Rejected,
}

/// Decides on a redemption that waits. The same verdict again is the answer as it stands; the other one is refused.
///
/// Fails with [`Rejection::AccountNotActive`] where the approved account has left meanwhile: there is nobody to welcome.
pub fn decide_review(
    redemption: &Redemption,
    referee: &Account,
    decision: &ReviewDecision,
    context: &Context<'_>,
) -> Result<Decision<Redemption>, Rejection> {
    let review = redemption.review.as_ref().ok_or(Rejection::NothingToReview)?;
    let approved = decision.verdict == Verdict::Approved;
    match review.approved {
        Some(before) if before == approved => return Ok(Decision { writes: Vec::new(), answer: redemption.clone() }),
        Some(_) => return Err(Rejection::ReviewedOtherwise),
        None => {}
    }
    let (mut account, mut changes) = advance::advance(context.schedule, referee, context.now)?;
    let mut after = redemption.next();
    after.review = Some(Review {
        approved: Some(approved),
        by: Some(context.by.to_owned()),
        at: Some(context.now),
        note: decision.note.clone(),
        ..review.clone()
    });
    changes.push(Change::Referral(ReferralChange::Reviewed { redemption: redemption.key.clone(), approved }));
    let mut writes = Vec::new();
    let stage = match decision.verdict {
        Verdict::Approved => approve(&mut account, &mut after, &mut changes, &mut writes, context)?,
        Verdict::Rejected => reject(&mut account, &mut after, &mut changes, context),
    };
    account.referral = account.referral.take().map(|referral| Referral {
        stage,
        version: after.version,
        redeemed_at: referral.redeemed_at.filter(|_| approved),
        ..referral
    });
    let put = Write::Put(Record::Redemption(Box::new(after.clone())), Guard::Version(redemption.version));
    let waiting = Write::Forget(WaitingReview::of(redemption).place());
    let in_force = context.schedule.at(context.now).version;
    let cause = Cause::Referral { redemption: redemption.key.clone() };
    let mut all = vec![put, waiting];
    all.extend(decision::commit(account, cause, changes, in_force, context)?);
    all.extend(writes);
    Ok(Decision { writes: all, answer: after })
}

fn approve(
    account: &mut Account,
    after: &mut Redemption,
    changes: &mut Vec<Change>,
    writes: &mut Vec<Write>,
    context: &Context<'_>,
) -> Result<Stage, Rejection> {
    if account.status.has_left() {
        return Err(Rejection::AccountNotActive(account.status));
    }
    let terms = terms(context.schedule, after.program_version, context.now)?;
    let program = &context.schedule.at(context.now).program;
    if account.status == Status::Pending {
        account.status = Status::Active;
        changes.push(Change::Account(AccountChange::StatusChanged { from: Status::Pending, to: Status::Active }));
    }
    let until = program.calendar.same_time_after_days(context.now, terms.within_days);
    let gifts = give(account, &terms.welcome, &after.key, program, context)?;
    changes.extend(gifts.changes);
    writes.extend(gifts.writes);
    (after.until, after.welcome) = (Some(until), Some(gifts.given));
    Ok(Stage::Open { until })
}

fn reject(account: &mut Account, after: &mut Redemption, changes: &mut Vec<Change>, context: &Context<'_>) -> Stage {
    after.ended = Some(Ended { outcome: Outcome::Rejected, at: context.now, reason: "review".to_owned() });
    if account.status == Status::Pending {
        account.status = Status::Closed;
        changes.push(Change::Account(AccountChange::StatusChanged { from: Status::Pending, to: Status::Closed }));
    }
    Stage::Over
}
