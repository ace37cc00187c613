//! All that is stored of one account, for whoever replays its history. Never on a request path.
//!
//! The account is read before its entries and those before its orders: what was committed meanwhile is beyond the
//! account's version, and left out there.

use crate::corrupt::corrupt;
use crate::keys::{self, Item};
use crate::{Fault, LedgerRecord, Store, item};
use aws_sdk_dynamodb::types::KeysAndAttributes;
use domain::account::Account;
use domain::credit_note;
use domain::id::OrderKey;
use domain::idempotency::CommandKey;
use domain::opening::OpeningReceipt;
use domain::score::ScoredOrder;
use domain::simulation::Facts;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most keys of one batch of reads.
const BATCH_MAX: usize = 100;
/// How often in a row a batch may answer nothing, as under load, before it is given up.
const IDLE_MAX: u32 = 5;

impl Store {
    /// The facts of an account that was just read.
    pub async fn facts(&self, account: Account) -> Result<Facts, Fault> {
        let (mut entries, mut discounts) = (Vec::new(), BTreeMap::new());
        let (mut credit_notes, mut opening, mut roles) = (BTreeMap::new(), None, BTreeMap::new());
        for record in self.ledger_of(&account.id).await? {
            match record {
                LedgerRecord::Entry(entry) => entries.push(*entry),
                LedgerRecord::Discount(discount) => drop(discounts.insert(discount.code.clone(), *discount)),
                LedgerRecord::Contact(contact) => {
                    roles.insert(contact.contact_id.clone(), contact.document.role);
                }
                LedgerRecord::CreditNote(note) => drop(credit_notes.insert(note.return_id.clone(), *note)),
                LedgerRecord::Command(command) if command.key == CommandKey::opening() => {
                    let receipt: OpeningReceipt = serde_json::from_str(&command.answer)
                        .map_err(|error| corrupt("ledger", &keys::account(&account.id), error.to_string()))?;
                    opening = Some(receipt.opening);
                }
                _ => {}
            }
        }
        let keys: Vec<_> = entries.iter().filter_map(credit_note::order_of).cloned().collect();
        let mut orders = BTreeMap::new();
        for batch in keys.chunks(BATCH_MAX) {
            self.orders_of(batch, &mut orders).await?;
        }
        Ok(Facts { account, entries, orders, discounts, credit_notes, opening, roles })
    }

    /// Adds the orders of these keys, as far as there are any. 1 read unit for each started 4 KB.
    async fn orders_of(
        &self,
        batch: &[OrderKey],
        orders: &mut BTreeMap<OrderKey, Arc<ScoredOrder>>,
    ) -> Result<(), Fault> {
        let mut asked: Vec<Item> = batch.iter().map(keys::order).collect();
        let mut idle = 0;
        // A batch answers 16 MB at most, and under load less; what is left is asked again.
        while !asked.is_empty() && idle < IDLE_MAX {
            let count = asked.len();
            let keys = KeysAndAttributes::builder().set_keys(Some(asked)).consistent_read(true).build();
            let keys = keys.map_err(Fault::service)?;
            let request = self.client.batch_get_item().request_items(&self.tables.orders, keys);
            let answer = request.send().await.map_err(Fault::service)?;
            for found in answer.responses.unwrap_or_default().into_values().flatten() {
                let scored = item::order(&found).map_err(|what| corrupt("orders", &found, what))?;
                orders.insert(scored.order.key.clone(), Arc::new(scored));
            }
            let left = answer.unprocessed_keys.unwrap_or_default().into_values().next();
            asked = left.map(|left| left.keys).unwrap_or_default();
            idle = if asked.len() == count { idle.saturating_add(1) } else { 0 };
        }
        match asked.is_empty() {
            true => Ok(()),
            false => Err(Fault::Service("a batch of reads stayed incomplete".to_owned())),
        }
    }
}
