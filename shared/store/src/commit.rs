//! Executing a decision: one `TransactWriteItems`, every write guarded.

use crate::corrupt::corrupt;
use crate::keys::{self, Item};
use crate::read::{Consistency, StoredOrder};
use crate::{Fault, Store, item};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};
use domain::decision::{Guard, Record, Write};
use domain::discount::Discount;
use domain::id::OrderKey;
use domain::membership::{Claim, ClaimKey};
use domain::referral::{Qualified, RedemptionKey};
use domain::returns::History;
use domain::score::ScoredOrder;

/// Most bytes of an order's item before anything of it comes back: the rest of what DynamoDB holds is room for returns.
pub const ORDER_BYTES_MAX: usize = 380_000;
/// Most bytes that the cancellation of an order adds: returns leave them free, so that it is always possible.
const CANCELLATION_BYTES_MAX: usize = 512;
/// Most bytes that the payment of an order adds, its reference included.
const PAYMENT_BYTES_MAX: usize = 512;
/// Most bytes of any item in DynamoDB.
const ITEM_BYTES_MAX: usize = 400 * 1024;

/// What became of a decision.
#[derive(Debug)]
pub enum Commit {
    /// Everything is written.
    Done,
    /// Nothing is written: somebody else was faster, or is writing now.
    Lost(Vec<Conflict>),
}

/// A write whose guard did not hold.
#[derive(Debug)]
pub struct Conflict {
    /// Its place among the decision's writes.
    pub index: usize,
    /// What stands in its place, for orders and claims.
    pub existing: Option<Record>,
}

impl Store {
    /// Writes a decision, all or nothing.
    pub async fn commit(&self, writes: &[Write]) -> Result<Commit, Fault> {
        let items = writes.iter().map(|write| self.transact_item(write)).collect::<Result<Vec<_>, _>>()?;
        let sent = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        match sent {
            Ok(_) => Ok(Commit::Done),
            Err(error) => lost(error, writes),
        }
    }

    /// Makes everything ready that a decision would write, and writes nothing: fails as [`Self::commit`] would for what
    /// cannot be stored.
    pub fn check(&self, writes: &[Write]) -> Result<(), Fault> {
        writes.iter().try_for_each(|write| self.transact_item(write).map(drop))
    }

    /// Whether any code of a new discount among these writes is taken: then a commit would be lost to that.
    pub async fn takes_code(&self, writes: &[Write]) -> Result<bool, Fault> {
        let new = |write: &Write| match write {
            Write::Put(Record::Discount(discount), Guard::Absent) => Some(Discount::clone(discount)),
            _ => None,
        };
        let new: Vec<_> = writes.iter().filter_map(new).collect();
        let Some(account) = new.first().map(|discount| discount.account_id.clone()) else { return Ok(false) };
        let codes: Vec<_> = new.into_iter().map(|discount| discount.code).collect();
        Ok(self.discounts(&account, &codes, Consistency::Strong).await?.iter().any(Option::is_some))
    }

    fn transact_item(&self, write: &Write) -> Result<TransactWriteItem, Fault> {
        match write {
            Write::Put(record, guard) => self.put(record, *guard),
            Write::Expect(key) => {
                let check = ConditionCheck::builder()
                    .table_name(&self.tables.codes)
                    .set_key(Some(keys::claim(key)))
                    .condition_expression(condition("code", Guard::Absent).0)
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                    .build()
                    .map_err(Fault::service)?;
                Ok(TransactWriteItem::builder().condition_check(check).build())
            }
            Write::Release(key, guard) => self.delete_code(keys::claim(key), condition("code", *guard)),
            Write::Qualify(key, qualified, held) => self.qualify(key, qualified, *held),
            Write::Forget(place) => {
                self.delete_code(keys::waiting_review(place), ("attribute_exists(code)".to_owned(), None))
            }
            Write::Remove(which, version) => {
                let condition = condition("account_id", Guard::Version(*version));
                self.delete(&self.tables.ledger, keys::personal(which), condition)
            }
            Write::ExpectContact(whose) => {
                let (account, contact) = &**whose;
                let check = ConditionCheck::builder()
                    .table_name(&self.tables.ledger)
                    .set_key(Some(keys::contact(account, contact)))
                    .condition_expression("attribute_exists(account_id)")
                    .build()
                    .map_err(Fault::service)?;
                Ok(TransactWriteItem::builder().condition_check(check).build())
            }
            Write::Shard(write) => self.change_shard(write),
        }
    }

    fn delete_code(&self, key: Item, condition: (String, Option<Item>)) -> Result<TransactWriteItem, Fault> {
        self.delete(&self.tables.codes, key, condition)
    }

    fn delete(&self, table: &str, key: Item, condition: (String, Option<Item>)) -> Result<TransactWriteItem, Fault> {
        let delete = Delete::builder()
            .table_name(table)
            .set_key(Some(key))
            .condition_expression(condition.0)
            .set_expression_attribute_values(condition.1)
            .build()
            .map_err(Fault::service)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// Notes an order on the record of a redemption without reading that: the rest of it stays as it is.
    fn qualify(&self, key: &RedemptionKey, qualified: &Qualified, held: u64) -> Result<TransactWriteItem, Fault> {
        let number = |value: u64| AttributeValue::N(value.to_string());
        let qualified = serde_dynamo::to_attribute_value(qualified).map_err(Fault::service)?;
        let update = Update::builder()
            .table_name(&self.tables.codes)
            .set_key(Some(keys::redemption(key)))
            .update_expression("SET qualified = :qualified, version = :next")
            .condition_expression("version = :held")
            .expression_attribute_values(":qualified", qualified)
            .expression_attribute_values(":next", number(held.saturating_add(1)))
            .expression_attribute_values(":held", number(held));
        let update = update.build().map_err(Fault::service)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    fn put(&self, record: &Record, guard: Guard) -> Result<TransactWriteItem, Fault> {
        let tables = &self.tables;
        let (table, partition, item, hand_back) = match record {
            Record::Account(account) => (&tables.accounts, "account_id", item::of_account(account), false),
            Record::Entry(entry) => (&tables.ledger, "account_id", item::of_entry(entry)?, false),
            Record::Order(order) => {
                (&tables.orders, "order_key", checked_size(item::of_order(order), order_bytes_max(order))?, true)
            }
            Record::Parked(parked) => {
                let item = item::of_plain(keys::order(&parked.key), parked)?;
                (&tables.orders, "order_key", checked_size(item, ORDER_BYTES_MAX)?, true)
            }
            Record::Command(command) => {
                let key = keys::command(&command.account_id, &command.key);
                (&tables.ledger, "account_id", item::of_plain(key, command)?, true)
            }
            Record::CreditNote(note) => (&tables.ledger, "account_id", item::of_credit_note(note)?, false),
            Record::Discount(discount) => {
                let key = keys::discount(&discount.account_id, &discount.code);
                (&tables.ledger, "account_id", item::of_plain(key, discount)?, false)
            }
            Record::Profile(profile) => {
                let key = keys::profile(&profile.account_id);
                (&tables.ledger, "account_id", item::of_plain(key, profile)?, false)
            }
            Record::Contact(contact) => {
                let key = keys::contact(&contact.account_id, &contact.contact_id);
                (&tables.ledger, "account_id", item::of_plain(key, contact)?, false)
            }
            Record::Erasure(erasure) => {
                (&tables.ledger, "account_id", item::of_plain(keys::erasure(&erasure.account_id), erasure)?, false)
            }
            Record::PerkUses(uses) => {
                (&tables.ledger, "account_id", item::of_plain(keys::perk_uses(&uses.account_id), uses)?, false)
            }
            Record::RewardUses(uses) => {
                (&tables.ledger, "account_id", item::of_plain(keys::reward_uses(&uses.account_id), uses)?, false)
            }
            Record::RewardRedemption(redemption) => {
                let key = keys::reward_redemption(&redemption.account_id, redemption.redemption_id);
                (&tables.ledger, "account_id", item::of_plain(key, redemption)?, false)
            }
            Record::Reservation(reservation) => {
                let key = keys::reservation(reservation.receipt.reservation_id);
                (&tables.codes, "code", item::of_json(key, reservation)?, true)
            }
            Record::Claim(claim) => (&tables.codes, "code", item::of_claim(claim), true),
            Record::Invitation(invitation) => (&tables.codes, "code", item::of_invitation(invitation)?, true),
            Record::SharedCode(code) => (&tables.codes, "code", item::of_shared_code(code)?, true),
            Record::SharedUses(uses) => {
                let key = keys::shared_uses(&uses.account_id, &uses.code);
                (&tables.ledger, "account_id", item::of_plain(key, uses)?, false)
            }
            Record::ReferralCode(code) => {
                (&tables.codes, "code", item::of_plain(keys::referral_code(&code.code), code)?, false)
            }
            Record::CodeHolder(holder) => {
                let key = keys::code_holder(&holder.account_id, holder.contact_id.as_ref());
                (&tables.ledger, "account_id", item::of_plain(key, holder)?, false)
            }
            Record::Redemption(redemption) => {
                (&tables.codes, "code", item::of_plain(keys::redemption(&redemption.key), redemption)?, true)
            }
            Record::WaitingReview(waiting) => {
                let key = keys::waiting_review(&waiting.place());
                (&tables.codes, "code", item::of_plain(key, waiting)?, false)
            }
            Record::Survey(survey) => {
                (&tables.metrics, "metric", item::of_plain(keys::survey(&survey.survey_id), survey)?, false)
            }
            Record::SurveyAnswer(answer) => {
                let key = keys::survey_answer(&answer.survey_id, &answer.respondent);
                (&tables.metrics, "metric", item::of_plain(key, answer)?, false)
            }
            Record::Version(program, version) => {
                let key = keys::stored_version(program, version.number);
                (&tables.programs, "program", item::of_plain(key, version)?, false)
            }
            Record::ActiveVersion(program, version) => {
                let key = keys::program_version(program, version.number);
                (&tables.programs, "program", item::of_plain(key, version)?, false)
            }
            Record::Timeline(program, timeline) => {
                (&tables.programs, "program", item::of_plain(keys::schedule(program), timeline)?, false)
            }
            Record::VersionKey(program, used) => {
                let key = keys::version_key(program, &used.key);
                (&tables.programs, "program", item::of_plain(key, used)?, false)
            }
        };
        let (condition, values) = condition(partition, guard);
        let hand_back = hand_back.then_some(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .set_return_values_on_condition_check_failure(hand_back)
            .build()
            .map_err(Fault::service)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// Most bytes of an order's item as it stands: each kind of thing that may still become of it finds room.
fn order_bytes_max(order: &ScoredOrder) -> usize {
    let History { returns, payment, .. } = &order.history;
    let for_payment = if payment.is_some() { 0 } else { PAYMENT_BYTES_MAX };
    match (order.is_cancelled(), returns.is_empty(), payment) {
        (true, ..) => ITEM_BYTES_MAX.saturating_sub(for_payment),
        (false, true, None) => ORDER_BYTES_MAX,
        (false, ..) => ITEM_BYTES_MAX.saturating_sub(CANCELLATION_BYTES_MAX).saturating_sub(for_payment),
    }
}

pub(crate) fn condition(present: &str, guard: Guard) -> (String, Option<Item>) {
    match guard {
        Guard::Absent => (format!("attribute_not_exists({present})"), None),
        Guard::Version(version) => {
            let value = AttributeValue::N(version.to_string());
            ("version = :version".to_owned(), Some([(":version".to_owned(), value)].into()))
        }
    }
}

fn checked_size(item: Item, bytes_max: usize) -> Result<Item, Fault> {
    let bytes =
        item.iter().map(|(name, value)| name.len().saturating_add(value_bytes(value))).fold(0, usize::saturating_add);
    if bytes > bytes_max { Err(Fault::OrderTooLarge { bytes }) } else { Ok(item) }
}

/// The size of a value as DynamoDB counts it, or a little more.
fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::L(list) => {
            list.iter().map(|value| value_bytes(value).saturating_add(1)).fold(3, usize::saturating_add)
        }
        AttributeValue::M(map) => {
            let field = |(name, value): (&String, &AttributeValue)| {
                name.len().saturating_add(value_bytes(value)).saturating_add(1)
            };
            map.iter().map(field).fold(3, usize::saturating_add)
        }
        _ => 1,
    }
}

/// Reads a cancelled transaction: a guard that failed or a crossing writer means lost, anything else is a fault.
fn lost(error: SdkError<TransactWriteItemsError>, writes: &[Write]) -> Result<Commit, Fault> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        if matches!(error.as_service_error(), Some(TransactWriteItemsError::TransactionInProgressException(_))) {
            return Ok(Commit::Lost(Vec::new()));
        }
        return Err(Fault::service(error));
    };
    let mut conflicts = Vec::new();
    for (index, (reason, write)) in cancelled.cancellation_reasons().iter().zip(writes).enumerate() {
        match reason.code() {
            None | Some("None") => {}
            Some("ConditionalCheckFailed") => conflicts.push(Conflict { index, existing: existing(reason, write)? }),
            Some("TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded") => {}
            Some(_) => return Err(Fault::service(error)),
        }
    }
    Ok(Commit::Lost(conflicts))
}

fn existing(reason: &CancellationReason, write: &Write) -> Result<Option<Record>, Fault> {
    let Some(item) = reason.item() else { return Ok(None) };
    match write {
        Write::Put(Record::Order(order), _) => existing_order(item, &order.order.key),
        Write::Put(Record::Parked(parked), _) => existing_order(item, &parked.key),
        Write::Put(Record::Command(command), _) => {
            let key = keys::command(&command.account_id, &command.key);
            let corrupt = |what| corrupt("ledger", &key, what);
            item::plain(item.clone()).map(|found| Some(Record::Command(Box::new(found)))).map_err(corrupt)
        }
        Write::Put(Record::Claim(claim), _) => existing_claim(item, &claim.key),
        Write::Put(Record::Redemption(redemption), _) => {
            let corrupt = |what| corrupt("codes", &keys::redemption(&redemption.key), what);
            item::plain(item.clone()).map(|found| Some(Record::Redemption(Box::new(found)))).map_err(corrupt)
        }
        Write::Put(Record::Invitation(_), _) => {
            let corrupt = |what| corrupt("codes", item, what);
            item::invitation(item).map(|found| Some(Record::Invitation(Box::new(found)))).map_err(corrupt)
        }
        Write::Put(Record::Reservation(_), _) => {
            let corrupt = |what| corrupt("codes", item, what);
            item::json(item).map(|found| Some(Record::Reservation(Box::new(found)))).map_err(corrupt)
        }
        Write::Put(Record::SharedCode(_), _) => {
            let corrupt = |what| corrupt("codes", item, what);
            item::shared_code(item).map(|found| Some(Record::SharedCode(Box::new(found)))).map_err(corrupt)
        }
        Write::Expect(key) => existing_claim(item, key),
        _ => Ok(None),
    }
}

fn existing_order(item: &Item, key: &OrderKey) -> Result<Option<Record>, Fault> {
    let corrupt = |what| corrupt("orders", &keys::order(key), what);
    Ok(Some(match item::stored_order(item).map_err(corrupt)? {
        StoredOrder::Scored(scored) => Record::Order(scored),
        StoredOrder::Parked(parked) => Record::Parked(parked),
    }))
}

fn existing_claim(item: &Item, key: &ClaimKey) -> Result<Option<Record>, Fault> {
    let corrupt = |what| corrupt("codes", &keys::claim(key), what);
    let account_id = item::claim_holder(item).map_err(corrupt)?;
    Ok(Some(Record::Claim(Box::new(Claim { key: key.clone(), account_id }))))
}
