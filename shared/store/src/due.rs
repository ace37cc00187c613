//! What falls due: accounts filed under a shard of a day, and how far the walks over the days have come.

use crate::corrupt::corrupt;
use crate::keys::{self, Item};
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

/// A page of accounts: `P` says which one, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountsPage<P> {
    /// The accounts. One may go on after any of them.
    pub accounts: Vec<P>,
    /// Where to go on; `None` at the end.
    pub next: Option<P>,
}

/// An account's place in a shard of a day, the earliest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuePosition {
    at: Instant,
    /// Which account.
    pub account_id: AccountId,
}

/// An account that a walk has set aside, since it failed there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Which account.
    pub account_id: AccountId,
    /// Why it failed the last time.
    pub reason: String,
    /// When it was set aside.
    pub at: Instant,
}

/// What a walk has set aside, a page of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AsidePage {
    /// The accounts. Where a record cannot be read, its reason is that.
    pub accounts: Vec<SetAside>,
    /// Sort keys that name no account.
    pub unreadable: Vec<String>,
    /// Where to go on; `None` at the end.
    pub next: Option<AsidePosition>,
}

/// A place among what a walk has set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AsidePosition(String);

impl From<&AccountId> for AsidePosition {
    fn from(id: &AccountId) -> Self {
        Self(id.to_string())
    }
}

/// The `due` index, as it projects its keys.
#[derive(Deserialize)]
struct DueItem {
    account_id: AccountId,
    /// Milliseconds since 1970.
    due_at: i64,
}

impl TryFrom<Item> for DuePosition {
    type Error = Fault;

    fn try_from(found: Item) -> Result<Self, Fault> {
        let due: DueItem = item::plain(found.clone()).map_err(|what| corrupt("accounts", &found, what))?;
        Ok(Self { at: Instant::from_ms(due.due_at), account_id: due.account_id })
    }
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
    ) -> Result<AccountsPage<DuePosition>, Fault> {
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
        let listed = found.items.unwrap_or_default().into_iter().map(DuePosition::try_from);
        Ok(AccountsPage {
            accounts: listed.collect::<Result<_, _>>()?,
            next: found.last_evaluated_key.map(DuePosition::try_from).transpose()?,
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

    /// The people of an account whose birthday is known, as they stood after `account` was read: what a walk does not write is
    /// protected by no guard of its own, and whoever changes one of them moves the account on.
    pub async fn contacts_with_birthday(&self, id: &AccountId) -> Result<Vec<Contact>, Fault> {
        let read = |found| item::plain::<Contact>(found).map_err(|what| corrupt("ledger", &keys::account(id), what));
        let (mut contacts, mut after): (Vec<Contact>, Option<Item>) = (Vec::new(), None);
        loop {
            let (names, values) = keys::contacts_of(id);
            let query = self.client.query().table_name(&self.tables.ledger).key_condition_expression(names);
            let query = query.set_expression_attribute_values(Some(values)).limit(CONTACTS_READ).consistent_read(true);
            let found = query.set_exclusive_start_key(after).send().await.map_err(Fault::service)?;
            let page = found.items.unwrap_or_default().into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
            contacts.extend(page.into_iter().filter(|contact| contact.document.birthday.is_some()));
            after = found.last_evaluated_key;
            if after.is_none() {
                return Ok(contacts);
            }
        }
    }

    /// The first day that a walk has not closed; `None`: nobody noted where it begins.
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

    /// Forgets which shards of a day a walk has finished: once it is closed nobody asks.
    pub async fn forget_shards_done(&self, walk: Walk, day: Day) -> Result<(), Fault> {
        self.forget(keys::walk_day(walk, day)).await
    }

    /// The activation of a version of the program, by its number, that all accounts were filed for last; `None`: nobody
    /// noted any.
    pub async fn filed_activation(&self, walk: Walk) -> Result<Option<u32>, Fault> {
        self.noted(keys::walk_filed(walk)).await
    }

    /// Notes the activation that all accounts are filed for.
    pub async fn set_filed_activation(&self, walk: Walk, activation: u32) -> Result<(), Fault> {
        self.note(keys::walk_filed(walk), activation).await
    }

    /// The segments whose accounts are filed for an activation.
    pub async fn segments_filed(&self, walk: Walk, activation: u32) -> Result<BTreeSet<u64>, Fault> {
        self.parts_done(keys::walk_filing(walk, activation)).await
    }

    /// Notes that the accounts of a segment are filed for an activation.
    pub async fn note_segment_filed(&self, walk: Walk, activation: u32, segment: u64) -> Result<(), Fault> {
        self.note_part_done(keys::walk_filing(walk, activation), segment).await
    }

    /// Forgets which segments are filed for an activation: once all are nobody asks.
    pub async fn forget_segments_filed(&self, walk: Walk, activation: u32) -> Result<(), Fault> {
        self.forget(keys::walk_filing(walk, activation)).await
    }

    /// Sets an account aside; the next walk tries it again.
    pub async fn set_aside(&self, walk: Walk, aside: &SetAside) -> Result<(), Fault> {
        self.put_metric(item::of_plain(keys::walk_aside(walk, aside.account_id.as_str()), aside)?).await
    }

    /// What a walk has set aside, at most `limit` at a time, in the order of the accounts after `after`.
    pub async fn aside_page(&self, walk: Walk, after: Option<&AsidePosition>, limit: u16) -> Result<AsidePage, Fault> {
        let (names, values) = keys::asides_of(walk);
        let query = self.client.query().table_name(&self.tables.metrics).key_condition_expression(names);
        let query = query
            .set_expression_attribute_values(Some(values))
            .set_exclusive_start_key(after.map(|place| keys::walk_aside(walk, &place.0)))
            .consistent_read(true)
            .limit(i32::from(limit));
        let found = query.send().await.map_err(Fault::service)?;
        let next = found.last_evaluated_key.as_ref().and_then(keys::aside_name).map(AsidePosition);
        let mut page = AsidePage { next, ..AsidePage::default() };
        for record in found.items.unwrap_or_default() {
            // What the record says is for people: the account is tried again whatever it says.
            let name = keys::aside_name(&record).unwrap_or_default();
            match (AccountId::parse(&name), item::plain::<SetAside>(record)) {
                (Err(_), _) => page.unreadable.push(name),
                (Ok(account_id), Ok(aside)) => page.accounts.push(SetAside { account_id, ..aside }),
                (Ok(account_id), Err(what)) => {
                    let reason = format!("its record cannot be read: {what}");
                    page.accounts.push(SetAside { account_id, reason, at: Instant::MIN });
                }
            }
        }
        Ok(page)
    }

    /// Forgets that an account was set aside.
    pub async fn clear_aside(&self, walk: Walk, id: &AccountId) -> Result<(), Fault> {
        self.forget(keys::walk_aside(walk, id.as_str())).await
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

    async fn forget(&self, key: Item) -> Result<(), Fault> {
        let delete = self.client.delete_item().table_name(&self.tables.metrics).set_key(Some(key));
        delete.send().await.map_err(Fault::service)?;
        Ok(())
    }

    async fn put_metric(&self, item: Item) -> Result<(), Fault> {
        let put = self.client.put_item().table_name(&self.tables.metrics).set_item(Some(item));
        put.send().await.map_err(Fault::service)?;
        Ok(())
    }
}
