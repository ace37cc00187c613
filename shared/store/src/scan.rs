//! Walking whole tables, for export, audit and reports. Never on a request path.

use crate::corrupt::{beginning, corrupt};
use crate::keys::{self, Item};
use crate::read::StoredOrder;
use crate::{AccountsPage, Fault, Store, item};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::account::Account;
use domain::credit_note::CreditNote;
use domain::discount::Discount;
use domain::erasure::Erasure;
use domain::id::{AccountId, ProgramName};
use domain::idempotency::CommandRecord;
use domain::ledger::Entry;
use domain::membership::{Contact, Invitation, Profile};
use domain::perks::PerkUses;
use domain::referral::{CodeHolder, Redemption, ReferralCode, WaitingReview};
use domain::rewards::{RewardRedemption, RewardUses};
use domain::shared_code::{SharedCode, SharedUses};
use domain::time::Instant;
use std::collections::BTreeSet;

/// One part of a table, for scanning in parallel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Which part, from 0.
    pub index: i32,
    /// Of how many.
    pub of: i32,
}

impl Segment {
    /// The whole table.
    pub const WHOLE: Self = Self { index: 0, of: 1 };
}

/// Where a page ended.
#[derive(Debug, Clone)]
pub struct PageKey(Item);

/// One page of a scan.
#[derive(Debug)]
pub struct Page<T> {
    /// What stands on it.
    pub records: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<PageKey>,
}

/// What stands in the ledger table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerRecord {
    /// An entry.
    Entry(Box<Entry>),
    /// An account's own data.
    Profile(Box<Profile>),
    /// A person of an account.
    Contact(Box<Contact>),
    /// How far the erasure of its personal data has come.
    Erasure(Box<Erasure>),
    /// A discount.
    Discount(Box<Discount>),
    /// A command that has no business key of its own.
    Command(Box<CommandRecord>),
    /// A credit note.
    CreditNote(Box<CreditNote>),
    /// Which referral code the account or a person of it has.
    CodeHolder(Box<CodeHolder>),
    /// How often the account has used its perks.
    PerkUses(Box<PerkUses>),
    /// How often the account had the rewards that are limited.
    RewardUses(Box<RewardUses>),
    /// How often the account has used a shared code.
    SharedUses(Box<SharedUses>),
    /// What the account got for its points.
    RewardRedemption(Box<RewardRedemption>),
}

/// What stands in the codes table, claims and reservations left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeRecord {
    /// A referral code.
    ReferralCode(Box<ReferralCode>),
    /// A redemption of one.
    Redemption(Box<Redemption>),
    /// That somebody is to look at one.
    WaitingReview(Box<WaitingReview>),
    /// An invitation.
    Invitation(Box<Invitation>),
    /// A shared code.
    SharedCode(Box<SharedCode>),
    /// An item that cannot be read: which, and why.
    Unreadable(String),
}

impl Store {
    /// The ids of a segment's accounts after one of them, at most `limit`, in no particular order. A page may be empty
    /// and not the last.
    pub async fn account_ids(
        &self,
        segment: Segment,
        after: Option<&AccountId>,
        limit: u16,
    ) -> Result<AccountsPage<AccountId>, Fault> {
        let scan = self.client.scan().table_name(&self.tables.accounts).projection_expression("account_id");
        let scan = scan.segment(segment.index).total_segments(segment.of).limit(i32::from(limit));
        let found = scan.set_exclusive_start_key(after.map(keys::account)).send().await.map_err(Fault::service)?;
        let listed = found.items.unwrap_or_default().into_iter().map(account_id);
        Ok(AccountsPage {
            accounts: listed.collect::<Result<_, _>>()?,
            next: found.last_evaluated_key.map(account_id).transpose()?,
        })
    }

    /// A page of the ids of all accounts, read strongly: also those of accounts that cannot be read.
    pub async fn account_ids_page(&self, segment: Segment, after: Option<PageKey>) -> Result<Page<AccountId>, Fault> {
        self.scan(&self.tables.accounts, segment, after, account_id).await
    }

    /// Accounts of a segment of all that are filed anywhere, on which something falls due by `until`: an index page of
    /// them, in no particular order.
    pub async fn filed_accounts(
        &self,
        segment: Segment,
        until: Instant,
        after: Option<PageKey>,
    ) -> Result<Page<AccountId>, Fault> {
        let scan = self.client.scan().table_name(&self.tables.accounts).index_name(keys::DUE_INDEX);
        let scan = scan.segment(segment.index).total_segments(segment.of);
        let scan = scan
            .filter_expression("due_at <= :until")
            .expression_attribute_values(":until", AttributeValue::N(until.as_ms().to_string()))
            .set_exclusive_start_key(after.map(|key| key.0));
        let found = scan.send().await.map_err(Fault::service)?;
        let records = found.items.unwrap_or_default().into_iter().map(account_id).collect::<Result<_, _>>()?;
        Ok(Page { records, next: found.last_evaluated_key.map(PageKey) })
    }

    /// The programs of which a version was ever put in force, ascending: one, but where tables are shared.
    pub async fn programs(&self) -> Result<Vec<ProgramName>, Fault> {
        let (mut programs, mut after) = (BTreeSet::new(), None);
        loop {
            let page =
                self.scan(&self.tables.programs, Segment::WHOLE, after, |found| Ok(keys::scheduled_program(&found)));
            let Page { records, next } = page.await?;
            programs.extend(records.into_iter().flatten());
            after = next;
            if after.is_none() {
                return Ok(programs.into_iter().collect());
            }
        }
    }

    pub(crate) async fn scan<T>(
        &self,
        table: &str,
        segment: Segment,
        after: Option<PageKey>,
        read: impl Fn(Item) -> Result<T, Fault>,
    ) -> Result<Page<T>, Fault> {
        let scan = self.client.scan().table_name(table).segment(segment.index).total_segments(segment.of);
        let scan = scan.consistent_read(true).set_exclusive_start_key(after.map(|key| key.0));
        let found = scan.send().await.map_err(Fault::service)?;
        let records = found.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page { records, next: found.last_evaluated_key.map(PageKey) })
    }

    /// A page of all accounts.
    pub async fn accounts_page(&self, segment: Segment, after: Option<PageKey>) -> Result<Page<Account>, Fault> {
        let read = |found: Item| item::account(&found).map_err(|what| corrupt("accounts", &found, what));
        self.scan(&self.tables.accounts, segment, after, read).await
    }

    /// A page of all orders, and of what waits for orders.
    pub async fn orders_page(&self, segment: Segment, after: Option<PageKey>) -> Result<Page<StoredOrder>, Fault> {
        let read = |found: Item| item::stored_order(&found).map_err(|what| corrupt("orders", &found, what));
        self.scan(&self.tables.orders, segment, after, read).await
    }

    /// A page of all referral codes, redemptions and open reviews; where there are only claims it is empty.
    pub async fn codes_page(&self, segment: Segment, after: Option<PageKey>) -> Result<Page<CodeRecord>, Fault> {
        let page = self.scan(&self.tables.codes, segment, after, code_record).await?;
        Ok(Page { records: page.records.into_iter().flatten().collect(), next: page.next })
    }

    /// All that the ledger table holds about one account: entries oldest first, then the rest.
    pub async fn ledger_of(&self, id: &AccountId) -> Result<Vec<LedgerRecord>, Fault> {
        let mut records = Vec::new();
        let mut after = None;
        loop {
            let query = self
                .client
                .query()
                .table_name(&self.tables.ledger)
                .key_condition_expression("account_id = :id")
                .expression_attribute_values(":id", AttributeValue::S(id.to_string()))
                .set_exclusive_start_key(after)
                .consistent_read(true);
            let found = query.send().await.map_err(Fault::service)?;
            for found in found.items.unwrap_or_default() {
                records.push(ledger_record(found)?);
            }
            after = found.last_evaluated_key;
            if after.is_none() {
                return Ok(records);
            }
        }
    }
}

pub(crate) fn account_id(item: Item) -> Result<AccountId, Fault> {
    let id = item.get("account_id").and_then(|id| id.as_s().ok()).map(|id| AccountId::parse(id));
    id.and_then(Result::ok).ok_or_else(|| corrupt("accounts", &item, "no account id".to_owned()))
}

fn code_record(found: Item) -> Result<Option<CodeRecord>, Fault> {
    let name = |name: &str| found.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    let (code, sort) = (name("code"), name("sk"));
    let wrong = |what| Fault::Corrupt {
        table: "codes",
        key: format!("code={} sk={}", beginning(&code), beginning(&sort)),
        what,
    };
    let read = match keys::code_kind(&code, &sort).ok_or_else(|| wrong("unknown kind of record".to_owned()))? {
        keys::CodeKind::Claim | keys::CodeKind::Reservation => return Ok(None),
        keys::CodeKind::Invitation => item::invitation(&found).map(|i| CodeRecord::Invitation(Box::new(i))),
        keys::CodeKind::SharedCode => item::shared_code(&found).map(|s| CodeRecord::SharedCode(Box::new(s))),
        keys::CodeKind::ReferralCode => item::plain(found).map(|c| CodeRecord::ReferralCode(Box::new(c))),
        keys::CodeKind::Redemption => item::plain(found).map(|r| CodeRecord::Redemption(Box::new(r))),
        keys::CodeKind::WaitingReview => item::plain(found).map(|w| CodeRecord::WaitingReview(Box::new(w))),
    };
    // Whoever looks for what is wrong must see the rest, too.
    Ok(Some(read.unwrap_or_else(|what| CodeRecord::Unreadable(wrong(what).to_string()))))
}

fn ledger_record(found: Item) -> Result<LedgerRecord, Fault> {
    let sort = found.get("sk").and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    let key: Item =
        ["account_id", "sk"].into_iter().filter_map(|name| Some((name.to_owned(), found.get(name)?.clone()))).collect();
    let wrong = |what| corrupt("ledger", &key, what);
    match keys::ledger_kind(&sort) {
        Some(keys::LedgerKind::Entry) => item::entry(&found).map(|e| LedgerRecord::Entry(Box::new(e))).map_err(wrong),
        Some(keys::LedgerKind::Profile) => {
            item::plain(found).map(|p| LedgerRecord::Profile(Box::new(p))).map_err(wrong)
        }
        Some(keys::LedgerKind::Contact) => {
            item::plain(found).map(|c| LedgerRecord::Contact(Box::new(c))).map_err(wrong)
        }
        Some(keys::LedgerKind::Erasure) => {
            item::plain(found).map(|e| LedgerRecord::Erasure(Box::new(e))).map_err(wrong)
        }
        Some(keys::LedgerKind::Discount) => {
            item::plain(found).map(|d| LedgerRecord::Discount(Box::new(d))).map_err(wrong)
        }
        Some(keys::LedgerKind::Command) => {
            item::plain(found).map(|c| LedgerRecord::Command(Box::new(c))).map_err(wrong)
        }
        Some(keys::LedgerKind::CreditNote) => {
            item::credit_note(&found).map(|n| LedgerRecord::CreditNote(Box::new(n))).map_err(wrong)
        }
        Some(keys::LedgerKind::CodeHolder) => {
            item::plain(found).map(|h| LedgerRecord::CodeHolder(Box::new(h))).map_err(wrong)
        }
        Some(keys::LedgerKind::PerkUses) => {
            item::plain(found).map(|u| LedgerRecord::PerkUses(Box::new(u))).map_err(wrong)
        }
        Some(keys::LedgerKind::RewardUses) => {
            item::plain(found).map(|u| LedgerRecord::RewardUses(Box::new(u))).map_err(wrong)
        }
        Some(keys::LedgerKind::SharedUses) => {
            item::plain(found).map(|u| LedgerRecord::SharedUses(Box::new(u))).map_err(wrong)
        }
        Some(keys::LedgerKind::RewardRedemption) => {
            item::plain(found).map(|r| LedgerRecord::RewardRedemption(Box::new(r))).map_err(wrong)
        }
        None => Err(wrong("unknown kind of record".to_owned())),
    }
}
