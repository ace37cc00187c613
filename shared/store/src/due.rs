//! What falls due: accounts filed under a shard of a day, and how far the walks over the days have come.

use crate::keys::{self, Item};
use crate::read::corrupt;
use crate::{Fault, Store, item};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::id::{AccountId, ContactId};
use domain::membership::{Contact, Role};
use domain::time::{Day, Instant};
use domain::warning::Walk;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Shards of a day.
pub use crate::keys::DUE_SHARDS;

/// Contacts that are looked at at once to find whom a warning concerns.
const CONTACTS_READ: i32 = 100;

/// A page of what is filed under one shard of a day, the earliest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuePage {
    /// The accounts.
    pub accounts: Vec<AccountId>,
    /// Where to go on; `None` at the end.
    pub next: Option<DuePosition>,
}

/// A place in a shard of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuePosition {
    at: Instant,
    account_id: AccountId,
}

/// An account that a walk has set aside, since it failed there again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Which account.
    pub account_id: AccountId,
    /// Why it failed the last time.
    pub reason: String,
    /// When it was set aside.
    pub at: Instant,
}

/// The `due` index, as it projects its keys.
#[derive(Deserialize)]
struct DueItem {
    account_id: AccountId,
    /// Milliseconds since 1970.
    due_at: i64,
}

impl Store {
    /// Accounts filed under a shard of a day on which something falls due by `until`, at most `limit` at a time.
    ///
    /// The index lags behind its table by a moment, so an account may be listed that was just walked.
    pub async fn due_page(
        &self,
        day: Day,
        shard: u64,
        until: Instant,
        after: Option<&DuePosition>,
        limit: u16,
    ) -> Result<DuePage, Fault> {
        let bucket = keys::due_bucket(day, shard);
        let start = after.map(|place| keys::due_place(&bucket, place.at, &place.account_id));
        let query = self
            .client
            .query()
            .table_name(&self.tables.accounts)
            .index_name(keys::DUE_INDEX)
            .key_condition_expression("due = :bucket AND due_at <= :until")
            .expression_attribute_values(":bucket", AttributeValue::S(bucket))
            .expression_attribute_values(":until", AttributeValue::N(until.as_ms().to_string()))
            .set_exclusive_start_key(start)
            .limit(i32::from(limit));
        let found = query.send().await.map_err(Fault::service)?;
        let place =
            |found: Item| item::plain::<DueItem>(found.clone()).map_err(|what| corrupt("accounts", &found, what));
        let next = found.last_evaluated_key.map(place).transpose()?;
        let listed = found.items.unwrap_or_default().into_iter().map(place);
        Ok(DuePage {
            accounts: listed.map(|due| due.map(|due| due.account_id)).collect::<Result<_, _>>()?,
            next: next.map(|due| DuePosition { at: Instant::from_ms(due.due_at), account_id: due.account_id }),
        })
    }

    /// Whom a warning to an account concerns: who manages its people, otherwise who buys, otherwise who approves.
    pub async fn contact_for_warnings(&self, id: &AccountId) -> Result<Option<ContactId>, Fault> {
        let read = |found| item::plain::<Contact>(found).map_err(|what| corrupt("ledger", &keys::account(id), what));
        let rank = |contact: &Contact| match contact.document.role {
            Role::Admin => 0_u8,
            Role::Buyer => 1,
            Role::Approver => 2,
        };
        let (mut best, mut after): (Option<Contact>, Option<Item>) = (None, None);
        loop {
            let (names, values) = keys::contacts_of(id);
            let query = self.client.query().table_name(&self.tables.ledger).key_condition_expression(names);
            let query = query.set_expression_attribute_values(Some(values)).limit(CONTACTS_READ);
            let found = query.set_exclusive_start_key(after).send().await.map_err(Fault::service)?;
            let contacts = found.items.unwrap_or_default().into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
            best = best.into_iter().chain(contacts).min_by_key(rank);
            after = found.last_evaluated_key;
            if after.is_none() || best.as_ref().is_some_and(|best| best.document.role == Role::Admin) {
                return Ok(best.map(|contact| contact.contact_id));
            }
        }
    }

    /// The first day that a walk has not closed; `None`: it has never closed one.
    pub async fn first_open_day(&self, walk: Walk) -> Result<Option<Day>, Fault> {
        Ok(self.noted(keys::walk_open(walk)).await?.map(Day))
    }

    /// Notes the first day that a walk has not closed.
    pub async fn set_first_open_day(&self, walk: Walk, day: Day) -> Result<(), Fault> {
        self.note(keys::walk_open(walk), day.0).await
    }

    /// The shards of a day that a walk has finished after its end.
    pub async fn shards_done(&self, walk: Walk, day: Day) -> Result<BTreeSet<u64>, Fault> {
        self.parts_done(keys::walk_day(walk, day)).await
    }

    /// Notes that a walk has finished a shard of a day after its end. Adding twice is adding once.
    pub async fn note_shard_done(&self, walk: Walk, day: Day, shard: u64) -> Result<(), Fault> {
        self.note_part_done(keys::walk_day(walk, day), shard).await
    }

    /// The version of the program that all accounts were filed under last; `None`: none was brought in since the first.
    pub async fn filed_version(&self, walk: Walk) -> Result<Option<u32>, Fault> {
        self.noted(keys::walk_filed(walk)).await
    }

    /// Notes the version of the program that all accounts are filed under.
    pub async fn set_filed_version(&self, walk: Walk, version: u32) -> Result<(), Fault> {
        self.note(keys::walk_filed(walk), version).await
    }

    /// The segments whose accounts are filed under a version.
    pub async fn segments_filed(&self, walk: Walk, version: u32) -> Result<BTreeSet<u64>, Fault> {
        self.parts_done(keys::walk_filing(walk, version)).await
    }

    /// Notes that the accounts of a segment are filed under a version.
    pub async fn note_segment_filed(&self, walk: Walk, version: u32, segment: u64) -> Result<(), Fault> {
        self.note_part_done(keys::walk_filing(walk, version), segment).await
    }

    /// Sets an account aside; the next walk tries it again.
    pub async fn set_aside(&self, walk: Walk, aside: &SetAside) -> Result<(), Fault> {
        self.put_metric(item::of_plain(keys::walk_aside(walk, &aside.account_id), aside)?).await
    }

    /// What a walk has set aside, at most `limit` at a time, in the order of the accounts after `after`.
    pub async fn aside_page(&self, walk: Walk, after: Option<&AccountId>, limit: u16) -> Result<Vec<SetAside>, Fault> {
        let (names, values) = keys::asides_of(walk);
        let query = self.client.query().table_name(&self.tables.metrics).key_condition_expression(names);
        let query = query
            .set_expression_attribute_values(Some(values))
            .set_exclusive_start_key(after.map(|id| keys::walk_aside(walk, id)))
            .consistent_read(true)
            .limit(i32::from(limit));
        let found = query.send().await.map_err(Fault::service)?.items.unwrap_or_default();
        let read = |found: Item| item::plain(found.clone()).map_err(|what| corrupt("metrics", &found, what));
        found.into_iter().map(read).collect()
    }

    /// Forgets that an account was set aside.
    pub async fn clear_aside(&self, walk: Walk, id: &AccountId) -> Result<(), Fault> {
        let delete = self.client.delete_item().table_name(&self.tables.metrics);
        delete.set_key(Some(keys::walk_aside(walk, id))).send().await.map_err(Fault::service)?;
        Ok(())
    }

    /// The number noted under a key.
    async fn noted<T: std::str::FromStr>(&self, key: Item) -> Result<Option<T>, Fault> {
        let found = self.metric(key).await?;
        let number = found.as_ref().and_then(|item| item.get("number")).and_then(|value| value.as_n().ok());
        Ok(number.and_then(|digits| digits.parse().ok()))
    }

    async fn note(&self, mut key: Item, number: impl ToString) -> Result<(), Fault> {
        key.insert("number".to_owned(), AttributeValue::N(number.to_string()));
        self.put_metric(key).await
    }

    async fn parts_done(&self, key: Item) -> Result<BTreeSet<u64>, Fault> {
        let found = self.metric(key).await?;
        let parts = found.as_ref().and_then(|item| item.get("parts")).and_then(|value| value.as_ns().ok());
        Ok(parts.into_iter().flatten().filter_map(|digits| digits.parse().ok()).collect())
    }

    async fn note_part_done(&self, key: Item, part: u64) -> Result<(), Fault> {
        let update = self.client.update_item().table_name(&self.tables.metrics).set_key(Some(key));
        let part = AttributeValue::Ns(vec![part.to_string()]);
        let update = update.update_expression("ADD parts :part").expression_attribute_values(":part", part);
        update.send().await.map_err(Fault::service)?;
        Ok(())
    }

    async fn metric(&self, key: Item) -> Result<Option<Item>, Fault> {
        let get = self.client.get_item().table_name(&self.tables.metrics).set_key(Some(key)).consistent_read(true);
        Ok(get.send().await.map_err(Fault::service)?.item)
    }

    async fn put_metric(&self, item: Item) -> Result<(), Fault> {
        let put = self.client.put_item().table_name(&self.tables.metrics).set_item(Some(item));
        put.send().await.map_err(Fault::service)?;
        Ok(())
    }
}
