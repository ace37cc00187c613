//! An account and its people, as they are stored, and what happens to them.

use crate::account::{Account, Status};
use crate::code::{Code, Secrets};
use crate::decision::{Context, Decision, Guard, Record, Rejection, Write};
use crate::discount::Discount;
use crate::id::{AccountId, ContactId, OrderKey};
use crate::ledger::{Change, Entry};
use crate::membership::{self, Contact, Member, Put, StatedBy, contact_document, profile_document};
use crate::money::Points;
use crate::occasions::{Given, Which};
use crate::order::Order;
use crate::program::Program;
use crate::schedule::{Activation, Schedule};
use crate::score::{self, ScoredOrder};
use crate::time::Instant;
use crate::walk::{self, People, Walked};
use crate::warning::Walk;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

pub fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap_or_else(|| panic!("{text} is no instant"))
}

pub fn schedule(versions: &[(&str, Value)]) -> Schedule {
    let activation = |(index, (from, document)): (usize, &(&str, Value))| Activation {
        from: at(from),
        version: u32::try_from(index + 1).unwrap(),
        program: Arc::new(Program::from_json(document).unwrap()),
    };
    Schedule::new(versions.iter().enumerate().map(activation).collect()).unwrap()
}

pub struct Town {
    pub schedule: Schedule,
    pub secrets: Secrets,
    pub member: Member,
    pub contacts: BTreeMap<ContactId, Contact>,
    pub discounts: BTreeMap<Code, Discount>,
    pub orders: BTreeMap<OrderKey, Arc<ScoredOrder>>,
    pub entries: Vec<Entry>,
}

impl Town {
    pub fn of(schedule: Schedule) -> Self {
        Self {
            schedule,
            secrets: Secrets::parse("1:a secret for occasions").unwrap(),
            member: Member::default(),
            contacts: BTreeMap::new(),
            discounts: BTreeMap::new(),
            orders: BTreeMap::new(),
            entries: Vec::new(),
        }
    }

    /// Under one version, with an account that has joined.
    pub fn joined(document: Value, joined: &str) -> Self {
        let mut town = Self::of(schedule(&[("1970-01-01T00:00:00Z", document)]));
        town.put(None, at(joined)).unwrap();
        town
    }

    pub fn account(&self) -> &Account {
        self.member.account.as_ref().unwrap()
    }

    /// Carries a decision out, unless somebody else has written meanwhile.
    pub fn apply<T>(&mut self, decision: Decision<T>) -> Option<T> {
        let fits = |write: &Write| {
            let Write::Put(record, guard) = write else { return true };
            let stored = match record {
                Record::Account(_) => self.member.account.as_ref().map(|account| account.version),
                Record::Contact(contact) => self.contacts.get(&contact.contact_id).map(|stored| stored.version),
                Record::Profile(_) => self.member.profile.as_ref().map(|profile| profile.version),
                Record::Discount(discount) => self.discounts.get(&discount.code).map(|stored| stored.version),
                Record::Order(scored) => self.orders.get(&scored.order.key).map(|stored| stored.version),
                _ => None,
            };
            match guard {
                Guard::Absent => stored.is_none(),
                Guard::Version(version) => stored == Some(*version),
            }
        };
        if !decision.writes.iter().all(fits) {
            return None;
        }
        for write in decision.writes {
            match write {
                Write::Put(Record::Account(account), _) => self.member.account = Some(*account),
                Write::Put(Record::Profile(profile), _) => self.member.profile = Some(*profile),
                Write::Put(Record::Contact(put), _) => drop(self.contacts.insert(put.contact_id.clone(), *put)),
                Write::Put(Record::Discount(put), _) => drop(self.discounts.insert(put.code.clone(), *put)),
                Write::Put(Record::Order(put), _) => drop(self.orders.insert(put.order.key.clone(), put)),
                Write::Put(Record::Entry(entry), _) => self.entries.push(*entry),
                _ => {}
            }
        }
        Some(decision.answer)
    }

    pub fn decide<T>(
        &self,
        now: Instant,
        decide: impl FnOnce(&Self, &Context<'_>) -> Result<Decision<T>, Rejection>,
    ) -> Result<Decision<T>, Rejection> {
        let now = self.member.account.as_ref().map_or(now, |account| account.last_decided.max(now));
        let (schedule, secrets) = (&self.schedule, &self.secrets);
        let context = Context { schedule, secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        decide(self, &context)
    }

    /// What is stated of the account; `None`: no status.
    pub fn put(&mut self, status: Option<Status>, now: Instant) -> Result<Put, Rejection> {
        let mut document = json!({"name": "Acme", "segments": ["shops"]});
        if let Some(status) = status {
            document["status"] = json!(status.name());
        }
        let document = profile_document(&document).unwrap();
        let id = AccountId::parse("acme").unwrap();
        let decision = self.decide(now, |town, context| {
            membership::put_account(&id, &town.member, &document, StatedBy::Merchant, context)
        })?;
        Ok(self.apply(decision).unwrap())
    }

    pub fn contact(&mut self, id: &str, birthday: Option<&str>, now: Instant) -> Result<Put, Rejection> {
        let mut document = json!({"name": "Ann", "role": "buyer", "locale": "en"});
        document["birthday"] = json!(birthday);
        let (document, id) = (contact_document(&document).unwrap(), ContactId::parse(id).unwrap());
        let decision = self.decide(now, |town, context| {
            membership::put_contact(town.member.account.as_ref(), &id, town.contacts.get(&id), &document, context)
        })?;
        Ok(self.apply(decision).unwrap())
    }

    pub fn order(&mut self, now: Instant) -> Result<Arc<ScoredOrder>, Rejection> {
        let order = Order::from_json(&json!({
            "source": "shop", "order_id": format!("o-{}", self.orders.len() + 1), "account_id": "acme",
            "placed_at": now.to_string(), "currency": "GBP",
            "lines": [{"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": "1.00"}],
        }));
        let order = Arc::new(order.unwrap());
        let decision = self.decide(now, |town, context| {
            score::decide(town.member.account.as_ref(), &[], None, &order, [0; 32], context)
        })?;
        Ok(self.apply(decision).unwrap())
    }

    /// What a walk comes to, not yet carried out.
    pub fn walking(&self, walk: Walk, now: Instant) -> Decision<Walked> {
        let decision = self.decide(now, |town, context| {
            let reads = walk::reads_contacts(town.account(), walk, &town.schedule, context.now);
            let with_birthday = town.contacts.values().filter(|contact| contact.document.birthday.is_some());
            let contacts: Option<Vec<_>> = reads.then(|| with_birthday.cloned().collect());
            let people = People { warned: None, contacts: contacts.as_deref() };
            Ok(walk::decide(town.account(), walk, people, None, context)?)
        });
        decision.unwrap()
    }

    /// Both walks come by, the one that gives nothing first.
    pub fn walk(&mut self, now: Instant) {
        for walk in Walk::ALL {
            let decision = self.walking(walk, now);
            self.apply(decision).unwrap();
        }
        let next = self.account().next_change(&self.schedule, now).unwrap();
        assert!(next.is_none_or(|next| next > now), "nothing is left at {now}: {next:?}");
        assert_eq!(self.account().due.map(|due| due.at), next, "it is filed for what comes next");
    }

    /// Walks it every hour; answers what was given and when.
    pub fn walk_through(&mut self, from: &str, until: &str) -> Vec<String> {
        let (mut now, before) = (at(from), self.given().len());
        while now < at(until) {
            let foreseen = self.account().next_change(&self.schedule, now).unwrap();
            let (entries, account) = (self.entries.len(), self.account().clone());
            self.walk(now);
            let unmoved = account.occasions == self.account().occasions && entries == self.entries.len();
            assert_eq!(foreseen.is_none_or(|at| at > now), unmoved, "{foreseen:?} at {now}");
            now = now.plus_ms(3_600_000);
        }
        self.given().split_off(before)
    }

    /// All that was given.
    pub fn gifts(&self) -> impl Iterator<Item = (&Entry, &Given)> {
        self.entries.iter().flat_map(|entry| {
            entry.changes.iter().filter_map(move |change| match change {
                Change::OccasionGiven(given) => Some((entry, given)),
                _ => None,
            })
        })
    }

    /// All that was given, and when.
    pub fn given(&self) -> Vec<String> {
        self.gifts().map(|(entry, given)| format!("{} at {}", given.occasion, entry.at)).collect()
    }

    /// What holds at all times.
    pub fn check(&self) {
        let keys: Vec<_> =
            self.gifts().map(|(_, given)| (given.occasion.rule.clone(), key(&given.occasion.which))).collect();
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(key), "given twice: {key:?}");
        }
        let sum = self.entries.iter().fold(0, |sum, entry| sum + entry.points.0);
        assert_eq!(self.account().points(), Ok(Points(sum)), "its points are what its entries say");
        let brought = self.gifts().map(|(_, given)| given.points.0).sum();
        assert_eq!(self.account().lifetime.credited, Points(brought), "what was given counts as issued");
    }
}

/// What makes an occasion one.
fn key(which: &Which) -> String {
    match which {
        Which::Welcome => "welcome".to_owned(),
        Which::Birthday { contact_id, day } => format!("{contact_id} in {}", day.year()),
        Which::Anniversary { years, .. } => format!("year {years}"),
        Which::Date { day } => day.to_string(),
        Which::NthOrder { number } => format!("order {number}"),
        Which::Inactivity { since, day } => format!("since {since} until {day}"),
    }
}
