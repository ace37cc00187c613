//! Redeeming points for a reward: once per key, never for more than there is.

use super::answer::Redeemed;
use super::{
    Given, PerkUsesBought, Reward, RewardCount, RewardKind, RewardRedemption, RewardUses, Unavailable, takes_part,
};
use crate::account::Account;
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::discount::{Discount, Issuer, Right};
use crate::document::{self, Faults, Object, Path};
use crate::id::{AccountId, RuleId};
use crate::idempotency::{CommandKey, CommandRecord};
use crate::ledger::{Cause, Change, PerkChange, PointsChange, RewardChange};
use crate::limit::Limit;
use crate::money::{Overflow, Percent, Points};
use crate::perks::PerkUses;
use crate::program::Program;
use crate::schema::{self, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

const REFERENCE_CHARS_MAX: usize = 64;

/// What is asked for: `POST /v1/accounts/{account_id}/redemptions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedeemDocument {
    /// Which reward.
    pub reward: RuleId,
    /// A cart, a delivery or the like. No personal data belongs here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// The answer to a redemption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RedeemReceipt {
    /// Whose points.
    pub account_id: AccountId,
    /// What was had for them.
    #[serde(flatten)]
    pub redeemed: Redeemed,
    /// How often the account had it and may have it after this; absent: that is not limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<RewardCount>,
    /// The account's spendable points after it.
    pub balance: Points,
}

/// What a redemption is decided on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedeemState {
    /// The account.
    pub account: Option<Account>,
    /// How often it had what is limited.
    pub uses: Option<RewardUses>,
    /// What it has used of its perks.
    pub perk_uses: Option<PerkUses>,
    /// What is left over all accounts; `None`: nobody has had any yet.
    pub stock: Option<Limit>,
}

/// Reads the document of a redemption; every fault at once.
pub fn redeem_document(value: &Value) -> Result<RedeemDocument, Faults> {
    let mut faults = Faults::default();
    let document = read(value, &mut faults);
    faults.into_result(document)
}

fn read(value: &Value, faults: &mut Faults) -> Option<RedeemDocument> {
    let root = Object::open(value, &Path::Root, &["reward", "reference"], faults)?;
    let reward = root.required("reward", faults, document::id(RuleId::parse));
    let reference = root.optional("reference", faults, document::remark(REFERENCE_CHARS_MAX));
    Some(RedeemDocument { reward: reward?, reference })
}

/// What [`redeem_document`] reads.
pub(crate) fn schema() -> Schema {
    schema::object("Redeem")
        .required("reward", schema::id(RuleId::parse), "The reward, by its id in the program.")
        .optional("reference", schema::label(REFERENCE_CHARS_MAX), "What it is known by elsewhere.")
}

impl RedeemDocument {
    /// SHA-256 over what is asked for.
    pub fn content_hash(&self) -> [u8; 32] {
        Sha256::digest(serde_json::to_vec(self).unwrap_or_default()).into()
    }
}

/// Spends points on a reward, and gives it.
pub fn redeem(
    state: &RedeemState,
    document: &RedeemDocument,
    key: &CommandKey,
    context: &Context<'_>,
) -> Result<Decision<RedeemReceipt>, Rejection> {
    let account = state.account.as_ref().ok_or(Rejection::UnknownAccount)?;
    if !takes_part(account) {
        return Err(Rejection::AccountNotActive(account.status));
    }
    let activation = context.schedule.at(context.now);
    let program = &*activation.program;
    let rewards = &program.rewards;
    let reward = rewards.iter().find(|own| own.id == document.reward).ok_or(Rejection::UnknownReward)?;
    let (account, changes) = advance::advance(context.schedule, account, context.now)?;
    let price = reward.price(&account, program, context.now);
    let checked = reward.check(&account, state.uses.as_ref(), state.stock.as_ref(), program, context.now)?;
    checked.map_err(Rejection::RewardUnavailable)?;
    let redemption_id = account.version.checked_add(1).ok_or(Overflow)?;
    let redeeming = Redeeming { reward, program, context, redemption_id, account, changes, writes: Vec::new() };
    redeeming.carry_out(state, price, document, key, activation.version)
}

/// A redemption under way, step by step.
struct Redeeming<'a> {
    reward: &'a Reward,
    program: &'a Program,
    context: &'a Context<'a>,
    redemption_id: u64,
    account: Account,
    changes: Vec<Change>,
    writes: Vec<Write>,
}

impl Redeeming<'_> {
    fn carry_out(
        mut self,
        state: &RedeemState,
        price: Points,
        document: &RedeemDocument,
        key: &CommandKey,
        program_version: u32,
    ) -> Result<Decision<RedeemReceipt>, Rejection> {
        let uses = self.count(state.uses.as_ref())?;
        self.take_from_stock(state.stock.as_ref())?;
        let (reward, now) = (self.reward, self.context.now);
        self.changes.push(Change::Reward(RewardChange::Redeemed { reward: reward.id.clone(), uses }));
        let missing = |missing| Rejection::RewardUnavailable(Unavailable::NotEnoughPoints { missing });
        let spent = self.account.holdings.spend(price)?.map_err(missing)?;
        let month = self.program.calendar.month(now);
        self.account.spending.spend(month, price)?;
        self.changes.push(Change::Points(PointsChange::Spent { points: price }));
        let given = self.give(state.perk_uses.as_ref())?;
        let redemption = RewardRedemption {
            account_id: self.account.id.clone(),
            redemption_id: self.redemption_id,
            reward: reward.id.clone(),
            name: reward.name.clone(),
            given,
            points: price,
            spent,
            redeemed_at: now,
            month: month.0,
            counted: reward.per_account.map(|limit| limit.period),
            from_stock: reward.stock.is_some(),
            reference: document.reference.clone(),
            cancelled: None,
            version: 1,
        };
        let receipt = RedeemReceipt {
            account_id: redemption.account_id.clone(),
            redeemed: Redeemed::of(&redemption),
            uses,
            balance: self.account.holdings.available()?,
        };
        let record = CommandRecord::new(self.account.id.clone(), key.clone(), document.content_hash(), &receipt);
        let mut writes = vec![Write::Put(Record::Command(Box::new(record)), Guard::Absent)];
        writes.push(Write::Put(Record::RewardRedemption(Box::new(redemption)), Guard::Absent));
        let cause = Cause::RewardRedeemed { reward: reward.id.clone() };
        writes.extend(decision::commit(self.account, cause, self.changes, program_version, self.context)?);
        writes.extend(self.writes);
        Ok(Decision { writes, answer: receipt })
    }

    /// Takes one from the stock over all accounts, if there is one.
    fn take_from_stock(&mut self, stock: Option<&Limit>) -> Result<(), Rejection> {
        let Some(total) = self.reward.stock else { return Ok(()) };
        let untouched = Limit::untouched(self.reward.stock_id());
        let taken = stock.unwrap_or(&untouched).take(total, 1, &self.account.id)?;
        self.writes.extend(taken.ok_or(Rejection::RewardUnavailable(Unavailable::OutOfStock))?);
        Ok(())
    }

    /// Counts it against the account's own limit, if there is one; answers how often it had the reward with this.
    fn count(&mut self, uses: Option<&RewardUses>) -> Result<Option<RewardCount>, Overflow> {
        let (calendar, now) = (&self.program.calendar, self.context.now);
        let Some((before, limit)) = self.reward.count(uses, calendar, now).zip(self.reward.per_account) else {
            return Ok(None);
        };
        let used = before.used.checked_add(1).ok_or(Overflow)?;
        let (held, guard) = match uses {
            Some(held) => (held.clone(), Guard::Version(held.version)),
            None => (RewardUses::none_of(self.account.id.clone()), Guard::Absent),
        };
        let counted = held.counting(self.reward, limit.period, used, calendar.day(now), self.redemption_id)?;
        self.writes.push(Write::Put(Record::RewardUses(Box::new(counted)), guard));
        Ok(Some(RewardCount { used, left: before.left.saturating_sub(1), ..before }))
    }

    /// Gives what was bought. Goods are handed over by the shop: the redemption's own record is the right to them.
    fn give(&mut self, perk_uses: Option<&PerkUses>) -> Result<Given, Rejection> {
        match &self.reward.kind {
            RewardKind::Discount { percent, validity_days, .. } => Ok(self.issue(*percent, *validity_days)),
            RewardKind::Product(goods) => Ok(Given::Product(goods.clone())),
            RewardKind::Pack(items) => Ok(Given::Pack(items.clone())),
            RewardKind::Perk(bought) => {
                let PerkUsesBought { perk, uses } = bought;
                let (added, left) = PerkUses::buying(perk_uses, &self.account.id, perk, *uses, self.redemption_id)?;
                self.writes.push(added);
                self.changes.push(Change::Perk(PerkChange::UsesBought { perk: perk.clone(), uses: *uses, left }));
                Ok(Given::Perk(bought.clone()))
            }
        }
    }

    fn issue(&mut self, percent: Percent, validity_days: u16) -> Given {
        let expires_at = self.program.calendar.same_time_after_days(self.context.now, validity_days);
        let right = Right { rule: &self.reward.id, percent, expires_at };
        let issuer = Issuer::Reward { reward_redemption: self.redemption_id };
        let discount = Discount::issue(&self.account.id, right, issuer, self.program, self.context);
        self.changes.push(self.account.open_discount(&discount));
        let given = Given::Discount { code: discount.code.clone(), percent, expires_at };
        self.writes.push(Write::Put(Record::Discount(Box::new(discount)), Guard::Absent));
        given
    }
}
