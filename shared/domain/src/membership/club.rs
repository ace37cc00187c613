//! One account under a program with a membership, for the tests of this section.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::{MembershipStanding, membership_document, pay, payment_document};
use crate::account::Account;
use crate::advance;
use crate::amendment;
use crate::code::Secrets;
use crate::decision::{Context, Decision, Record, Rejection, Write};
use crate::discount::Discount;
use crate::idempotency::CommandKey;
use crate::ledger::{Change, Entry};
use crate::named_code::NamedCode;
use crate::order::Order;
use crate::program::{Program, sample};
use crate::receipt;
use crate::returns::{self, CancellationDocument, Reversing};
use crate::schedule::{Activation, Schedule};
use crate::score::{self, ScoredOrder};
use crate::statement;
use crate::time::Instant;
use crate::walk;
use crate::warning::Walk;
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

pub(crate) const ALWAYS: &str = "1970-01-01T00:00:00Z";

/// A program with a membership, a second tier from 10.00 and a discount from 5.00.
pub(crate) fn document(membership: &Value) -> Value {
    let mut document = sample::with("membership", membership);
    document["discounts"] = json!([{ "id": "next", "name": "Next", "kind": "next_purchase", "minimum_total": "5",
        "percent": "5", "validity_days": 30 }]);
    document["warnings"] = json!({"membership_ending_days": [7, 30]});
    document["free_products"] =
        json!([{ "id": "mug", "name": "A mug", "sku": "MUG", "quantity": 1, "minimum_total": "1" }]);
    document
}

/// An account and what was stored of it.
pub(crate) struct Club {
    pub schedule: Schedule,
    pub account: Option<Account>,
    pub entries: Vec<Entry>,
    pub discounts: Vec<Discount>,
    orders: usize,
}

impl Club {
    /// Versions that are in force one after the other, by their membership.
    pub fn of(versions: &[(&str, Value)]) -> Self {
        let documents: Vec<_> = versions.iter().map(|(from, membership)| (*from, document(membership))).collect();
        Self::of_documents(&documents)
    }

    /// The same by their documents.
    pub fn of_documents(versions: &[(&str, Value)]) -> Self {
        let activation = |(number, (from, document)): (usize, &(&str, Value))| Activation {
            from: at(from),
            version: u32::try_from(number + 1).unwrap(),
            program: Arc::new(Program::from_json(document).unwrap()),
        };
        let schedule = Schedule::new(versions.iter().enumerate().map(activation).collect()).unwrap();
        Self { schedule, account: None, entries: Vec::new(), discounts: Vec::new(), orders: 0 }
    }

    pub fn with(membership: Value) -> Self {
        Self::of(&[(ALWAYS, membership)])
    }

    /// Decides something at an instant and takes over what is written.
    fn decide<T>(
        &mut self,
        now: Instant,
        act: impl FnOnce(&Self, &Context<'_>) -> Result<Decision<T>, Rejection>,
    ) -> Result<T, Rejection> {
        let secrets = Secrets::parse("1:sixteen bytes long").unwrap();
        let (by, wall_day) = ("test", now.utc_day());
        let context = Context { schedule: &self.schedule, secrets: &secrets, by, now, wall_day, collisions: 0 };
        let Decision { writes, answer } = act(self, &context)?;
        for write in writes {
            match write {
                Write::Put(Record::Account(account), _) => self.account = Some(*account),
                Write::Put(Record::Entry(entry), _) => self.entries.push(*entry),
                Write::Put(Record::Discount(discount), _) => {
                    self.discounts.retain(|held| held.code != discount.code);
                    self.discounts.push(*discount);
                }
                _ => {}
            }
        }
        Ok(answer)
    }

    /// Places an order of one line.
    pub fn order(&mut self, now: &str, pounds: &str) -> Result<Arc<ScoredOrder>, Rejection> {
        self.orders += 1;
        let order = Arc::new(self.stated(now, pounds, self.orders, 0));
        self.decide(at(now), |club, context| {
            score::decide(club.account.as_ref(), &[], None, &order, order.content_hash(), context)
        })
    }

    fn stated(&self, placed_at: &str, pounds: &str, number: usize, revision: u64) -> Order {
        Order::from_json(&json!({
            "source": "shop", "order_id": number.to_string(), "account_id": "acme", "placed_at": placed_at,
            "currency": "GBP", "lines": [{ "line_id": "1", "sku": "TEA", "quantity": 1, "unit_price": pounds }],
            "revision": revision,
        }))
        .unwrap()
    }

    /// States an order anew.
    pub fn amend(&mut self, now: &str, stored: &ScoredOrder, pounds: &str) -> Arc<ScoredOrder> {
        let number = stored.order.key.order_id.as_str().parse().unwrap();
        let order = Arc::new(self.stated(&stored.order.placed_at.to_string(), pounds, number, 1));
        let amended = self.decide(at(now), |club, context| {
            let (account, hash) = (club.account.as_ref().unwrap(), order.content_hash());
            amendment::decide(account, &NamedCode::of_own(&club.discounts), stored, &order, hash, None, context)
        });
        amended.unwrap()
    }

    /// Cancels an order.
    pub fn cancel(&mut self, now: &str, stored: &ScoredOrder) -> Arc<ScoredOrder> {
        let reversing = Reversing::Cancellation(CancellationDocument { cancelled_at: at(now) });
        let cancelled = self.decide(at(now), |club, context| {
            returns::decide(club.account.as_ref().unwrap(), stored, &reversing, &[], None, context)
        });
        cancelled.unwrap()
    }

    /// An operator decides.
    pub fn put(&mut self, now: &str, document: &Value) -> Result<(), Rejection> {
        let document = membership_document(document).unwrap();
        self.decide(at(now), |club, context| super::decide_membership(club.account.as_ref(), &document, context))
    }

    /// A fee was paid. Answers since when, until when, and when the membership lapses.
    pub fn pay(&mut self, now: &str, paid_at: Option<&str>) -> Result<[String; 3], Rejection> {
        let document = payment_document(&json!({"paid_at": paid_at, "reference": "INV-1"})).unwrap();
        let key = CommandKey::new("test", "pay", "key").unwrap();
        let receipt = self.decide(at(now), |club, context| pay(club.account.as_ref(), &document, &key, context))?;
        Ok([receipt.since, receipt.until, receipt.lapses_at].map(|at| at.to_string()))
    }

    /// Walks the account over what is due of its membership.
    pub fn walk(&mut self, now: &str) {
        let walked = self.decide(at(now), |club, context| {
            let account = club.account.as_ref().unwrap();
            walk::decide(account, Walk::Review, walk::People::default(), None, context).map_err(Rejection::from)
        });
        walked.unwrap();
    }

    /// How the account stands as a member.
    pub fn standing(&self, now: &str) -> Value {
        let (account, _) = advance::advance(&self.schedule, self.account.as_ref().unwrap(), at(now)).unwrap();
        let standing = MembershipStanding::of(&account, &self.schedule.at(at(now)).program, at(now));
        serde_json::to_value(standing).unwrap()
    }

    /// The types of the changes of the newest entry.
    pub fn newest(&self) -> Vec<String> {
        let typed = |change: &Change| serde_json::to_value(change).unwrap()["type"].as_str().unwrap().to_owned();
        self.entries.last().unwrap().changes.iter().map(typed).collect()
    }

    /// The newest entry in words.
    pub fn told(&self) -> String {
        let entry = self.entries.last().unwrap();
        statement::text(entry, &self.schedule.version(entry.program_version).unwrap().program)
    }

    /// Every reason of an order's receipt.
    pub fn reasons(&self, scored: &ScoredOrder) -> Vec<String> {
        let version = self.schedule.version(scored.score.program_version).unwrap();
        let receipt = receipt::receipt(scored, &version.program).unwrap();
        receipt.reasons.into_iter().map(|reason| reason.text).collect()
    }
}
