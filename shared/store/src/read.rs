//! Loading single records, and an account's entries.

use crate::corrupt::corrupt;
use crate::keys::{self, Item};
use crate::{Fault, Store, item};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use domain::account::Account;
use domain::code::Code;
use domain::credit_note::CreditNote;
use domain::discount::Discount;
use domain::id::{AccountId, ContactId, OrderKey, ReturnId};
use domain::idempotency::{CommandKey, CommandRecord};
use domain::ledger::Entry;
use domain::membership::{Contact, Profile};
use domain::parked::ParkedOrder;
use domain::perks::PerkUses;
use domain::score::ScoredOrder;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::Arc;

/// How fresh a read must be. Eventual reads cost half and are caught by the guards when they were stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// May lag behind by a moment.
    Eventual,
    /// Sees every commit that was answered.
    Strong,
}

/// What stands under an order's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredOrder {
    /// The order and its score.
    Scored(Arc<ScoredOrder>),
    /// Returns that came before it.
    Parked(Box<ParkedOrder>),
}

/// One page of an account's entries, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntriesPage {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Whether older ones exist.
    pub more: bool,
}

impl Store {
    pub(crate) async fn get(&self, table: &str, key: Item, consistency: Consistency) -> Result<Option<Item>, Fault> {
        let request = self.client.get_item().table_name(table).set_key(Some(key));
        let strong = consistency == Consistency::Strong;
        let found = request.consistent_read(strong).send().await.map_err(Fault::service)?;
        Ok(found.item)
    }

    pub(crate) async fn ledger_record<T: DeserializeOwned>(
        &self,
        key: Item,
        consistency: Consistency,
    ) -> Result<Option<T>, Fault> {
        let Some(found) = self.get(&self.tables.ledger, key.clone(), consistency).await? else { return Ok(None) };
        item::plain(found).map(Some).map_err(|what| corrupt("ledger", &key, what))
    }

    /// The hot state of an account. 0.5 read units, or 1 strong.
    pub async fn account(&self, id: &AccountId, consistency: Consistency) -> Result<Option<Account>, Fault> {
        let found = self.get(&self.tables.accounts, keys::account(id), consistency).await?;
        let read = |found| item::account(&found).map_err(|what| corrupt("accounts", &keys::account(id), what));
        found.map(read).transpose()
    }

    /// What stands under an order's key.
    pub async fn order(&self, key: &OrderKey, consistency: Consistency) -> Result<Option<StoredOrder>, Fault> {
        let found = self.get(&self.tables.orders, keys::order(key), consistency).await?;
        let read = |found| item::stored_order(&found).map_err(|what| corrupt("orders", &keys::order(key), what));
        found.map(read).transpose()
    }

    /// An account's own data.
    pub async fn profile(&self, id: &AccountId, consistency: Consistency) -> Result<Option<Profile>, Fault> {
        self.ledger_record(keys::profile(id), consistency).await
    }

    /// How often an account has used its perks; `None`: it never used one that is counted.
    pub async fn perk_uses(&self, id: &AccountId, consistency: Consistency) -> Result<Option<PerkUses>, Fault> {
        self.ledger_record(keys::perk_uses(id), consistency).await
    }

    /// A person of an account.
    pub async fn contact(
        &self,
        id: &AccountId,
        contact: &ContactId,
        consistency: Consistency,
    ) -> Result<Option<Contact>, Fault> {
        self.ledger_record(keys::contact(id, contact), consistency).await
    }

    /// The record of a command that has no business key of its own.
    pub async fn command(&self, id: &AccountId, key: &CommandKey) -> Result<Option<CommandRecord>, Fault> {
        self.ledger_record(keys::command(id, key), Consistency::Strong).await
    }

    /// A credit note of an account.
    pub async fn credit_note(
        &self,
        id: &AccountId,
        return_id: &ReturnId,
        consistency: Consistency,
    ) -> Result<Option<CreditNote>, Fault> {
        let key = keys::credit_note(id, return_id);
        let found = self.get(&self.tables.ledger, key.clone(), consistency).await?;
        let read = |found| item::credit_note(&found).map_err(|what| corrupt("ledger", &key, what));
        found.map(read).transpose()
    }

    /// The account's discounts of these codes, in that order; `None` where it has none such.
    pub async fn discounts(
        &self,
        id: &AccountId,
        codes: &[Code],
        consistency: Consistency,
    ) -> Result<Vec<Option<Discount>>, Fault> {
        if codes.is_empty() {
            return Ok(Vec::new());
        }
        let mut found: HashMap<Code, Discount> = HashMap::new();
        let mut asked: Vec<Item> = codes.iter().map(|code| keys::discount(id, code)).collect();
        // A batch may answer in part under load; what is left is asked again.
        for _ in 0..5 {
            let strong = consistency == Consistency::Strong;
            let keys = KeysAndAttributes::builder().set_keys(Some(asked)).consistent_read(strong).build();
            let keys = keys.map_err(Fault::service)?;
            let request = self.client.batch_get_item().request_items(&self.tables.ledger, keys);
            let answer = request.send().await.map_err(Fault::service)?;
            for record in answer.responses.unwrap_or_default().into_values().flatten() {
                let discount: Discount = item::plain(record).map_err(|what| corrupt("ledger", &Item::new(), what))?;
                found.insert(discount.code.clone(), discount);
            }
            let left = answer.unprocessed_keys.unwrap_or_default().into_values().next();
            match left {
                Some(left) if !left.keys.is_empty() => asked = left.keys,
                _ => return Ok(codes.iter().map(|code| found.remove(code)).collect()),
            }
        }
        Err(Fault::Service("a batch of reads stayed incomplete".to_owned()))
    }

    /// An account's entries before sequence `before` (all, where `None`), newest first, at most `limit`.
    pub async fn entries(&self, id: &AccountId, before: Option<u64>, limit: u16) -> Result<EntriesPage, Fault> {
        let last = before.map_or(u64::MAX >> 1, |sequence| sequence.saturating_sub(1));
        let text = |value: String| AttributeValue::S(value);
        let query = self
            .client
            .query()
            .table_name(&self.tables.ledger)
            .key_condition_expression("account_id = :id AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":id", text(id.to_string()))
            .expression_attribute_values(":first", text(keys::entry_sort(0)))
            .expression_attribute_values(":last", text(keys::entry_sort(last)))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(i32::from(limit).saturating_add(1));
        let found = query.send().await.map_err(Fault::service)?;
        let cut_short = found.last_evaluated_key.is_some();
        let read = |record: Item| item::entry(&record).map_err(|what| corrupt("ledger", &keys::account(id), what));
        let mut entries: Vec<Entry> =
            found.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
        let more = entries.len() > usize::from(limit) || cut_short;
        entries.truncate(usize::from(limit));
        Ok(EntriesPage { entries, more })
    }

    /// How far an import has come; 0 where it was never started.
    pub async fn checkpoint(&self, of: &str) -> Result<u64, Fault> {
        let found = self.get(&self.tables.metrics, keys::checkpoint(of), Consistency::Strong).await?;
        let position = found.as_ref().and_then(|item| item.get("position")).and_then(|value| value.as_n().ok());
        Ok(position.and_then(|digits| digits.parse().ok()).unwrap_or(0))
    }

    /// Notes how far an import has come.
    pub async fn set_checkpoint(&self, of: &str, position: u64) -> Result<(), Fault> {
        let mut item = keys::checkpoint(of);
        item.insert("position".to_owned(), AttributeValue::N(position.to_string()));
        let put = self.client.put_item().table_name(&self.tables.metrics).set_item(Some(item));
        put.send().await.map_err(Fault::service)?;
        Ok(())
    }
}
