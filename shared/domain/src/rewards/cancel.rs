//! Cancelling a redemption: what was spent goes back where it came from, and what was given is taken back.

use super::{Given, PerkUsesBought, RewardCount, RewardRedemption, RewardUses};
use crate::account::Account;
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::discount::Discount;
use crate::document::{self, Faults, Object, Path};
use crate::id::{AccountId, RuleId};
use crate::ledger::{Cause, Change, DiscountChange, PerkChange, PointsChange, RewardChange};
use crate::limit::Limit;
use crate::lots::Restored;
use crate::money::{Overflow, Points};
use crate::perks::PerkUses;
use crate::schema::{self, Schema};
use crate::time::{Instant, Month};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const REASON_CHARS_MAX: usize = 200;

/// What is asked for: `POST /v1/accounts/{account_id}/redemptions/{redemption_id}/cancellation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelDocument {
    /// Why, for whoever reads the ledger. No personal data belongs here.
    pub reason: String,
}

/// The answer to a cancellation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CancelReceipt {
    /// Whose redemption.
    pub account_id: AccountId,
    /// Which.
    pub redemption_id: u64,
    /// Of which reward.
    pub reward: RuleId,
    /// Why.
    pub reason: String,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// When it was decided.
    pub cancelled_at: Instant,
    /// Points given back in all: what the redemption cost.
    pub points: Points,
    /// How many of them came back ended: their end has gone by.
    pub points_expired: Points,
    /// How many of them repaid what the account owes.
    pub points_repaid: Points,
    /// The account's spendable points after it.
    pub balance: Points,
}

/// What a cancellation is decided on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CancelState {
    /// The redemption.
    pub redemption: Option<RewardRedemption>,
    /// Its account.
    pub account: Option<Account>,
    /// How often that had what is limited.
    pub uses: Option<RewardUses>,
    /// What it has used of its perks.
    pub perk_uses: Option<PerkUses>,
    /// The discount that was given, if one was.
    pub discount: Option<Discount>,
    /// What is left over all accounts, if it was taken from that.
    pub stock: Option<Limit>,
}

/// Reads the document of a cancellation; every fault at once.
pub fn cancel_document(value: &Value) -> Result<CancelDocument, Faults> {
    let mut faults = Faults::default();
    let root = Object::open(value, &Path::Root, &["reason"], &mut faults);
    let reason = root.and_then(|root| root.required("reason", &mut faults, document::remark(REASON_CHARS_MAX)));
    faults.into_result(reason.map(|reason| CancelDocument { reason }))
}

/// What [`cancel_document`] reads.
pub(crate) fn schema() -> Schema {
    let about = "Why; it stands in the ledger for good.";
    schema::object("RedemptionCancellation").required("reason", schema::label(REASON_CHARS_MAX), about)
}

/// Cancels a redemption; one that was cancelled already has its first answer. A discount that was used or is over, and
/// uses of a perk that were used, cannot be taken back: then nothing is.
pub fn cancel(
    state: &CancelState,
    document: &CancelDocument,
    context: &Context<'_>,
) -> Result<Decision<CancelReceipt>, Rejection> {
    let account = state.account.as_ref().ok_or(Rejection::UnknownAccount)?;
    let redemption = state.redemption.as_ref().ok_or(Rejection::UnknownRewardRedemption)?;
    if let Some(receipt) = &redemption.cancelled {
        return match receipt.reason == document.reason {
            true => Ok(Decision { writes: Vec::new(), answer: receipt.clone() }),
            false => Err(Rejection::ContentDiffers { paths: vec!["$.reason".to_owned()] }),
        };
    }
    let activation = context.schedule.at(context.now);
    let (mut account, mut changes) = advance::advance(context.schedule, account, context.now)?;
    let entry = account.version.checked_add(1).ok_or(Overflow)?;
    let mut writes = Vec::new();
    let uses = give_count_back(redemption, state.uses.as_ref(), entry, context, &mut writes)?;
    if let Some(stock) = state.stock.as_ref().filter(|_| redemption.from_stock) {
        writes.extend(stock.give_back(1, &account.id));
    }
    let (reward, id) = (redemption.reward.clone(), redemption.redemption_id);
    changes.push(Change::Reward(RewardChange::Cancelled {
        reward,
        redemption: id,
        uses,
        reason: document.reason.clone(),
    }));
    take_back(redemption, state, &mut account, entry, context.now, &mut changes, &mut writes)?;
    let Restored { repaid, ended } = restore(redemption, &mut account, context.now, &mut changes)?;
    let receipt = CancelReceipt {
        account_id: account.id.clone(),
        redemption_id: id,
        reward: redemption.reward.clone(),
        reason: document.reason.clone(),
        entry,
        cancelled_at: context.now,
        points: redemption.points,
        points_expired: Points::sum(ended.iter().map(|lot| lot.points))?,
        points_repaid: repaid,
        balance: account.holdings.available()?,
    };
    let version = redemption.version.checked_add(1).ok_or(Overflow)?;
    let cancelled = RewardRedemption { cancelled: Some(receipt.clone()), version, ..redemption.clone() };
    let guard = Guard::Version(redemption.version);
    writes.push(Write::Put(Record::RewardRedemption(Box::new(cancelled)), guard));
    let cause = Cause::RewardCancelled { redemption: id };
    writes.extend(decision::commit(account, cause, changes, activation.version, context)?);
    Ok(Decision { writes, answer: receipt })
}

/// Gives the points back: those that have ended since come back ended.
fn restore(
    redemption: &RewardRedemption,
    account: &mut Account,
    now: Instant,
    changes: &mut Vec<Change>,
) -> Result<Restored, Overflow> {
    let restored = account.holdings.restore(&redemption.spent, redemption.redeemed_at, now)?;
    account.spending.give_back(Month(redemption.month), redemption.points)?;
    changes.push(Change::Points(PointsChange::Restored { points: redemption.points }));
    if restored.repaid > Points::ZERO {
        changes.push(Change::Points(PointsChange::Repaid { points: restored.repaid }));
    }
    for lot in &restored.ended {
        account.lifetime.expired = account.lifetime.expired.plus(lot.points)?;
        changes.push(Change::Points(PointsChange::Expired { points: lot.points, expired_at: lot.expires_at }));
    }
    Ok(restored)
}

/// The account may have the reward once more, if the period in which it had it is still running; answers how often it
/// had it then.
fn give_count_back(
    redemption: &RewardRedemption,
    uses: Option<&RewardUses>,
    entry: u64,
    context: &Context<'_>,
    writes: &mut Vec<Write>,
) -> Result<Option<RewardCount>, Overflow> {
    let program = &*context.schedule.at(context.now).program;
    let reward = program.rewards.iter().find(|reward| reward.id == redemption.reward);
    let limit = reward.and_then(|reward| reward.per_account).map(|limit| limit.period);
    let Some((period, held)) = redemption.counted.map(|counted| limit.unwrap_or(counted)).zip(uses) else {
        return Ok(None);
    };
    let day = program.calendar.day(redemption.redeemed_at);
    let Some(less) = held.giving_back(&redemption.reward, period, day, entry)? else { return Ok(None) };
    let count = reward.and_then(|reward| reward.count(Some(&less), &program.calendar, context.now));
    writes.push(Write::Put(Record::RewardUses(Box::new(less)), Guard::Version(held.version)));
    Ok(count)
}

/// Takes back what was given.
fn take_back(
    redemption: &RewardRedemption,
    state: &CancelState,
    account: &mut Account,
    entry: u64,
    now: Instant,
    changes: &mut Vec<Change>,
    writes: &mut Vec<Write>,
) -> Result<(), Rejection> {
    match &redemption.given {
        // The shop hands these over, and does not any more.
        Given::Product(_) | Given::Pack(_) => Ok(()),
        Given::Discount { code, .. } => {
            let discount = state.discount.as_ref().filter(|discount| discount.code == *code);
            let is_free = |discount: &&Discount| discount.check(now).is_ok() && account.holder(code).is_none();
            let discount = discount.filter(is_free).ok_or(Rejection::RedemptionUsed)?;
            let withdrawn = account.close_discount(discount).voided(true);
            account.lifetime.discounts_issued = account.lifetime.discounts_issued.saturating_sub(1);
            writes.push(Write::Put(Record::Discount(Box::new(withdrawn)), Guard::Version(discount.version)));
            changes.push(Change::Discount(DiscountChange::Voided { code: code.clone() }));
            Ok(())
        }
        Given::Perk(PerkUsesBought { perk, uses }) => {
            let less = PerkUses::giving_back(state.perk_uses.as_ref(), perk, *uses, entry)?;
            let (less, left) = less.ok_or(Rejection::RedemptionUsed)?;
            writes.push(less);
            changes.push(Change::Perk(PerkChange::UsesReturned { perk: perk.clone(), uses: *uses, left }));
            Ok(())
        }
    }
}
