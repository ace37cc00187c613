//! What nights keep: results, and parts of those under way, as bytes that whoever aggregates understands.
//!
//! Large ones take several items: pieces first, then the head that counts them, so that a head never promises what is
//! not there. Every write is guarded by the night and revision that it belongs to: a night that is late overwrites
//! nothing newer.

use crate::corrupt::corrupt;
use crate::keys::{self, Item};
use crate::{Fault, Segment, Store, item};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::account::Account;
use domain::id::AccountId;
use domain::time::Day;
use std::fmt::Display;

/// Bytes of one item: the 400 KB that it may have, less its key and what the head says.
const PIECE_BYTES_MAX: usize = 380_000;
/// How often a value is read anew that was replaced while its pieces were being read.
const READS_MAX: u32 = 3;

/// What a night keeps something under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept<'a> {
    /// Something of the night of a day, by its name: its record, its models, how its groups stand.
    Night {
        /// What.
        what: &'a str,
        /// Whose night.
        day: Day,
    },
    /// What the groups of one kind did in a period.
    Period {
        /// The kind of group.
        by: &'a str,
        /// The period.
        period: &'a str,
    },
    /// A part of a night that is under way.
    Part {
        /// Whose night.
        day: Day,
        /// Which run of it.
        revision: u32,
        /// Which segment of the accounts.
        segment: i32,
    },
    /// A simulation: no night's, but as large, and guarded alike.
    Simulation {
        /// Which.
        id: &'a str,
        /// A part of it by its name, while it is under way; `None`: its record.
        part: Option<&'a str>,
    },
}

/// How new a value is: the night it is of, the run of that night, and how far a part has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Whose night.
    pub night: Day,
    /// Which run of it, from 1.
    pub revision: u32,
    /// Accounts counted, or steps made; 0 for what is no part.
    pub progress: u64,
}

/// A value that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptValue {
    /// Of which kind it is.
    pub kind: String,
    /// What it was kept under, within its kind: a day, a period.
    pub name: String,
    /// How new it is.
    pub stamp: Stamp,
    /// The value.
    pub bytes: Vec<u8>,
}

impl KeptValue {
    /// The value as `read` understands its bytes. Fails with [`Fault::Corrupt`] where it does not.
    pub fn read<T, E: Display>(&self, read: impl FnOnce(&[u8]) -> Result<T, E>) -> Result<T, Fault> {
        read(&self.bytes).map_err(|error| Fault::Corrupt {
            table: "metrics",
            key: format!("{}/{}", self.kind, self.name),
            what: error.to_string(),
        })
    }
}

/// A page of accounts that are counted. An item that cannot be read is named, with the reason.
#[derive(Debug)]
pub struct CountedPage {
    /// The accounts.
    pub accounts: Vec<Result<Account, (String, String)>>,
    /// The account after which to go on; `None` at the end.
    pub next: Option<AccountId>,
}

impl Store {
    /// Keeps a value, unless a newer one is kept there; says whether it did. The same stamp again replaces what it kept.
    pub async fn keep(&self, kept: Kept<'_>, stamp: Stamp, bytes: &[u8]) -> Result<bool, Fault> {
        self.put_kept(kept, stamp, bytes, Over::NotNewer).await
    }

    /// Keeps a part, unless one that has come as far, or further, is kept there; says whether it did.
    pub async fn keep_part(&self, kept: Kept<'_>, stamp: Stamp, bytes: &[u8]) -> Result<bool, Fault> {
        self.put_kept(kept, stamp, bytes, Over::Older).await
    }

    /// Keeps the first value of a run in the place of exactly that which was read: not where anybody has kept another
    /// since. `None`: nothing was there.
    pub async fn begin(
        &self,
        kept: Kept<'_>,
        stamp: Stamp,
        bytes: &[u8],
        before: Option<Stamp>,
    ) -> Result<bool, Fault> {
        self.put_kept(kept, stamp, bytes, Over::Exactly(before)).await
    }

    async fn put_kept(&self, kept: Kept<'_>, stamp: Stamp, bytes: &[u8], over: Over) -> Result<bool, Fault> {
        let content = content(bytes);
        let mut pieces = bytes.chunks(PIECE_BYTES_MAX);
        let first = pieces.next().unwrap_or_default();
        let mut more = 0_usize;
        for piece in pieces {
            more = more.saturating_add(1);
            let mut item = keys::kept_piece(&kept, stamp, &content, more);
            item.insert("bytes".to_owned(), AttributeValue::B(Blob::new(piece)));
            let put = self.client.put_item().table_name(&self.tables.metrics).set_item(Some(item));
            put.send().await.map_err(Fault::service)?;
        }
        let mut item = keys::kept(&kept);
        item.extend(stamp_attributes(stamp).map(|(name, value)| (name.to_owned(), value)));
        item.insert("content".to_owned(), AttributeValue::S(content));
        item.insert("pieces".to_owned(), number(more));
        item.insert("bytes".to_owned(), AttributeValue::B(Blob::new(first)));
        let mine = item.clone();
        let put = self.client.put_item().table_name(&self.tables.metrics).set_item(Some(item));
        let put = over.guard(put, stamp).return_values(ReturnValue::AllOld);
        let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await {
            Ok(written) => {
                let old = written.attributes.unwrap_or_default();
                self.forget_pieces(&kept, &old, &mine).await?;
                // Who keeps so much may have crashed over it before.
                if more > 0 || pieces_of(&old) > 0 {
                    self.forget_orphans(&kept, stamp).await?;
                }
                Ok(true)
            }
            Err(SdkError::ServiceError(refused)) => match refused.into_err() {
                PutItemError::ConditionalCheckFailedException(refused) => {
                    self.forget_pieces(&kept, &mine, &refused.item.unwrap_or_default()).await?;
                    Ok(false)
                }
                other => Err(Fault::service(other)),
            },
            Err(error) => Err(Fault::service(error)),
        }
    }

    /// What is kept under a key.
    pub async fn kept(&self, kept: Kept<'_>) -> Result<Option<KeptValue>, Fault> {
        for _ in 0..READS_MAX {
            let get = self.client.get_item().table_name(&self.tables.metrics).set_key(Some(keys::kept(&kept)));
            let Some(found) = get.consistent_read(true).send().await.map_err(Fault::service)?.item else {
                return Ok(None);
            };
            if let Some(value) = self.whole(&kept, found).await? {
                return Ok(Some(value));
            }
        }
        Err(Fault::Service(format!("{kept:?} was replaced while it was read, {READS_MAX} times")))
    }

    /// The same, as `read` understands its bytes.
    pub async fn kept_as<T, E: Display>(
        &self,
        kept: Kept<'_>,
        read: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Option<T>, Fault> {
        self.kept(kept).await?.map(|value| value.read(read)).transpose()
    }

    /// The newest value of a name that is of a day up to this one.
    pub async fn newest(&self, what: &str, until: Day) -> Result<Option<KeptValue>, Fault> {
        Ok(self.newest_of(what, until, 1).await?.pop())
    }

    /// The newest values of a name that are of days up to this one, the newest first, at most `limit`.
    pub async fn newest_of(&self, what: &str, until: Day, limit: u16) -> Result<Vec<KeptValue>, Fault> {
        let (condition, values) = keys::kept_until(what, until);
        let query = self.client.query().table_name(&self.tables.metrics).key_condition_expression(condition);
        let query = query.set_expression_attribute_values(Some(values)).scan_index_forward(false);
        // Pieces stand between the heads: they are few, and passed over.
        let query = query.filter_expression("attribute_exists(night)").consistent_read(true);
        let (mut newest, mut after) = (Vec::new(), None);
        loop {
            let found = query.clone().set_exclusive_start_key(after).limit(i32::from(limit)).send().await;
            let found = found.map_err(Fault::service)?;
            for head in found.items.unwrap_or_default() {
                let Some(day) = keys::kept_day(&head) else { continue };
                let kept = Kept::Night { what, day };
                let value = self.whole(&kept, head).await?;
                newest.extend(match value {
                    Some(value) => Some(value),
                    None => self.kept(kept).await?,
                });
            }
            after = found.last_evaluated_key.filter(|_| newest.len() < usize::from(limit));
            if after.is_none() {
                newest.truncate(limit.into());
                return Ok(newest);
            }
        }
    }

    /// What a head begins, with its pieces; `None` where one is gone: the head has been replaced.
    async fn whole(&self, kept: &Kept<'_>, mut head: Item) -> Result<Option<KeptValue>, Fault> {
        let wrong = |head: &Item, what: &str| corrupt("metrics", head, what.to_owned());
        let stamp = stamp(&head).ok_or_else(|| wrong(&head, "no night and revision"))?;
        let Some(AttributeValue::B(first)) = head.remove("bytes") else { return Err(wrong(&head, "no bytes")) };
        let text = |name: &str| head.get(name).and_then(|text| text.as_s().ok()).cloned().unwrap_or_default();
        let (kind, name) = (text("metric"), text("period"));
        let content_is = content_of(&head).ok_or_else(|| wrong(&head, "no hash of its content"))?.to_owned();
        let mut bytes = first.into_inner();
        for piece in 1..=pieces_of(&head) {
            let key = keys::kept_piece(kept, stamp, &content_is, piece);
            let get = self.client.get_item().table_name(&self.tables.metrics).set_key(Some(key)).consistent_read(true);
            let found = get.send().await.map_err(Fault::service)?.item.unwrap_or_default();
            let Some(AttributeValue::B(more)) = found.get("bytes") else { return Ok(None) };
            bytes.extend_from_slice(more.as_ref());
        }
        Ok(Some(KeptValue { kind, name, stamp, bytes }))
    }

    /// Forgets all that is kept of the parts of a run, and what a run that crashed left of them.
    pub async fn forget_parts(&self, day: Day, revision: u32) -> Result<(), Fault> {
        self.forget_all(keys::parts_of(day, revision), |_| true).await
    }

    /// Forgets the pieces of runs before this one, whose heads were never put: no head of theirs can be any more.
    async fn forget_orphans(&self, kept: &Kept<'_>, stamp: Stamp) -> Result<(), Fault> {
        let is_older = |item: &Item| keys::piece_run(item).is_some_and(|run| run < (stamp.night, stamp.revision));
        self.forget_all(keys::pieces_of(kept), is_older).await
    }

    pub(crate) async fn forget_all(
        &self,
        (condition, values): (&str, Item),
        is_over: impl Fn(&Item) -> bool,
    ) -> Result<(), Fault> {
        let query = self.client.query().table_name(&self.tables.metrics).key_condition_expression(condition);
        let query = query.set_expression_attribute_values(Some(values)).consistent_read(true);
        let query = query.projection_expression("#metric, #period").expression_attribute_names("#metric", "metric");
        let query = query.expression_attribute_names("#period", "period");
        let mut after = None;
        loop {
            let found = query.clone().set_exclusive_start_key(after).send().await.map_err(Fault::service)?;
            for key in found.items.unwrap_or_default().into_iter().filter(&is_over) {
                let delete = self.client.delete_item().table_name(&self.tables.metrics).set_key(Some(key));
                delete.send().await.map_err(Fault::service)?;
            }
            after = found.last_evaluated_key;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Forgets the pieces of a head, but those that another one has in common with it.
    async fn forget_pieces(&self, kept: &Kept<'_>, head: &Item, stays: &Item) -> Result<(), Fault> {
        let names = |head: &Item| Some((stamp(head)?, content_of(head)?.to_owned()));
        let Some((stamp, content)) = names(head).filter(|of| Some(of) != names(stays).as_ref()) else { return Ok(()) };
        for piece in 1..=pieces_of(head) {
            let key = keys::kept_piece(kept, stamp, &content, piece);
            let delete = self.client.delete_item().table_name(&self.tables.metrics).set_key(Some(key));
            delete.send().await.map_err(Fault::service)?;
        }
        Ok(())
    }

    /// A page of a segment's accounts after one of them, at most `limit`, in no particular order. Eventually consistent:
    /// each account is as it stood at some moment of the scan or just before.
    pub async fn accounts_to_count(
        &self,
        segment: Segment,
        after: Option<&AccountId>,
        limit: u16,
    ) -> Result<CountedPage, Fault> {
        let scan = self.client.scan().table_name(&self.tables.accounts).limit(i32::from(limit));
        let scan = scan.segment(segment.index).total_segments(segment.of);
        let found = scan.set_exclusive_start_key(after.map(keys::account)).send().await.map_err(Fault::service)?;
        let read = |found: Item| {
            let name =
                |found: &Item| found.get("account_id").and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
            item::account(&found).map_err(|what| (name(&found), what))
        };
        Ok(CountedPage {
            accounts: found.items.unwrap_or_default().into_iter().map(read).collect(),
            next: found.last_evaluated_key.map(crate::scan::account_id).transpose()?,
        })
    }
}

fn stamp(head: &Item) -> Option<Stamp> {
    let number = |name: &str| head.get(name)?.as_n().ok()?.parse().ok();
    let night = Day::parse(head.get("night")?.as_s().ok()?)?;
    let revision = u32::try_from(number("revision")?).ok()?;
    Some(Stamp { night, revision, progress: number("progress")? })
}

fn content_of(head: &Item) -> Option<&str> {
    head.get("content")?.as_s().ok().map(String::as_str)
}

/// FNV-1a of the bytes: names the pieces of a value, so that those of two writers never mix, and tells whether they are
/// whole.
fn content(bytes: &[u8]) -> String {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, fold))
}

fn number(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn stamp_attributes(stamp: Stamp) -> [(&'static str, AttributeValue); 3] {
    let night = AttributeValue::S(stamp.night.to_string());
    [("night", night), ("revision", number(stamp.revision)), ("progress", number(stamp.progress))]
}

/// What a value may be put in the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// Nothing, or what is not newer.
    NotNewer,
    /// Nothing, or what is older.
    Older,
    /// Nothing, or the value of this stamp.
    Exactly(Option<Stamp>),
}

impl Over {
    fn guard(self, put: PutItemFluentBuilder, stamp: Stamp) -> PutItemFluentBuilder {
        let older = |same: &str| {
            format!(
                "attribute_not_exists(metric) OR #night < :night OR (#night = :night AND (#revision < :revision OR \
                 (#revision = :revision AND #progress {same} :progress)))"
            )
        };
        let (condition, against) = match self {
            Self::NotNewer => (older("<="), stamp),
            Self::Older => (older("<"), stamp),
            Self::Exactly(Some(before)) => {
                ("#night = :night AND #revision = :revision AND #progress = :progress".to_owned(), before)
            }
            Self::Exactly(None) => return put.condition_expression("attribute_not_exists(metric)"),
        };
        let names = stamp_attributes(against).into_iter();
        names.fold(put.condition_expression(condition), |put, (name, value)| {
            put.expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value)
        })
    }
}

fn pieces_of(head: &Item) -> usize {
    head.get("pieces").and_then(|count| count.as_n().ok()).and_then(|count| count.parse().ok()).unwrap_or(0)
}
