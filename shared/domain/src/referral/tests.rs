//! The rules of referrals, on a few accounts and what is stored about them. Every write is applied under its guard.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

mod codes;
mod qualifying;
mod redeeming;
mod reviews;
mod rewards;
mod taking_back;
mod telling;

use super::*;
use crate::account::Status;
use crate::amendment;
use crate::code::Secrets;
use crate::decision::{Context, Decision, Guard, Record, Write};
use crate::discount::Discount;
use crate::id::{ContactId, OrderKey};
use crate::ledger::{Change, Entry};
use crate::membership::{self, Member, Profile, profile_document};
use crate::named_code::NamedCode;
use crate::order::Order;
use crate::program::Program;
use crate::returns::{self, CancellationDocument, Reversing, return_document};
use crate::schedule::{Activation, Schedule};
use crate::score::{self, ScoredOrder};
use crate::walk::{self, People, Walked};
use crate::warning::Walk;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const ALWAYS: &str = "1970-01-01T00:00:00Z";
/// In London the clocks go forward on the 27th of March and back on the 30th of October.
const START: &str = "2011-03-01T12:00:00Z";

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn id(text: &str) -> AccountId {
    AccountId::parse(text).unwrap()
}

fn document() -> Value {
    json!({
        "name": "referring", "currency": "GBP", "time_zone": "Europe/London",
        "enrolment": { "unknown_account": "enrol" },
        "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1.00" }],
        "points": { "validity_months": 2, "shortfall": "owe" },
        "tiers": { "window_months": 12, "levels": [
            { "id": "member", "name": "Member", "threshold": "0", "multiplier": "0" },
        ]},
        "referral": {
            "enrolment": "open", "consent": "optional",
            "welcome": {
                "points": 10, "discount": { "id": "welcome", "name": "Welcome", "percent": "10", "validity_days": 60 },
            },
            "qualifying": { "minimum_total": "50", "within_days": 40 },
            "return_window_days": 30,
            "rewards": [
                { "from": 1, "points": 100 },
                { "from": 2, "points": 150,
                  "discount": { "id": "thanks", "name": "Thank you", "percent": "15", "validity_days": 20 } },
            ],
            "after_return": "take_back",
        },
    })
}

/// A program with something else about its referrals.
fn with(path: &str, value: Value) -> Value {
    let mut document = document();
    *document.pointer_mut(path).unwrap() = value;
    document
}

fn prospect(n: u32) -> Value {
    json!({
        "account_id": format!("p-{n}"), "company": format!("Prospect {n}"), "contact": { "name": "Pat" },
        "email": format!("office@prospect-{n}.example"), "country": "GB", "vat_id": format!("GB{n:09}"),
    })
}

/// Accounts and all that is stored about them.
#[derive(Debug, Clone)]
struct Town {
    schedule: Arc<Schedule>,
    now: Instant,
    accounts: BTreeMap<AccountId, Account>,
    profiles: BTreeMap<AccountId, Profile>,
    codes: BTreeMap<Code, ReferralCode>,
    redemptions: BTreeMap<RedemptionKey, Redemption>,
    waiting: BTreeMap<String, WaitingReview>,
    claims: BTreeMap<String, AccountId>,
    discounts: BTreeMap<(AccountId, Code), Discount>,
    orders: BTreeMap<OrderKey, Arc<ScoredOrder>>,
    entries: Vec<Entry>,
}

fn held(guard: Guard, version: Option<u64>) {
    assert_eq!(guard, version.map_or(Guard::Absent, Guard::Version));
}

impl Town {
    fn new(versions: &[(&str, Value)]) -> Self {
        let activation = |(index, (from, document)): (usize, &(&str, Value))| Activation {
            from: at(from),
            version: u32::try_from(index + 1).unwrap(),
            program: Arc::new(Program::from_json(document).unwrap()),
        };
        let schedule = Arc::new(Schedule::new(versions.iter().enumerate().map(activation).collect()).unwrap());
        let mut town = Self {
            schedule,
            now: at(START),
            accounts: BTreeMap::new(),
            profiles: BTreeMap::new(),
            codes: BTreeMap::new(),
            redemptions: BTreeMap::new(),
            waiting: BTreeMap::new(),
            claims: BTreeMap::new(),
            discounts: BTreeMap::new(),
            orders: BTreeMap::new(),
            entries: Vec::new(),
        };
        town.put("acme", json!({ "name": "Acme" })).unwrap();
        town
    }

    /// One program, and an account of it that may refer.
    fn of(document: Value) -> Self {
        Self::new(&[(ALWAYS, document)])
    }

    fn now(&mut self, text: &str) -> &mut Self {
        self.now = at(text);
        self
    }

    fn decide<T>(
        &self,
        decide: impl FnOnce(&Self, &Context<'_>) -> Result<Decision<T>, Rejection>,
    ) -> Result<Decision<T>, Rejection> {
        let secrets = Secrets::parse("1:sixteen bytes long").unwrap();
        let (now, wall_day) = (self.now, self.now.utc_day());
        let schedule = &*self.schedule;
        decide(self, &Context { schedule, secrets: &secrets, by: "test", now, wall_day, collisions: 0 })
    }

    fn act<T>(
        &mut self,
        decide: impl FnOnce(&Self, &Context<'_>) -> Result<Decision<T>, Rejection>,
    ) -> Result<T, Rejection> {
        let Decision { writes, answer } = self.decide(decide)?;
        writes.into_iter().for_each(|write| self.apply(write));
        Ok(answer)
    }

    fn apply(&mut self, write: Write) {
        match write {
            Write::Put(record, guard) => self.store(record, guard),
            Write::Release(key, _) => assert!(self.claims.remove(&format!("{key:?}")).is_some()),
            Write::Expect(key) => assert!(!self.claims.contains_key(&format!("{key:?}"))),
            Write::Qualify(key, qualified, version) => {
                let record = self.redemptions.get_mut(&key).unwrap();
                assert_eq!(record.version, version, "the account knows the version of its redemption");
                (record.qualified, record.version) = (Some(*qualified), version + 1);
            }
            Write::Remove(..) | Write::ExpectContact(_) => {}
            Write::Forget(place) => assert!(self.waiting.remove(&place).is_some()),
            Write::Shard(write) => panic!("no referral writes {write:?}"),
        }
    }

    fn store(&mut self, record: Record, guard: Guard) {
        match record {
            Record::Account(account) => {
                held(guard, self.accounts.insert(account.id.clone(), *account).map(|old| old.version));
            }
            Record::Entry(entry) => self.entries.push(*entry),
            Record::Order(scored) => {
                held(guard, self.orders.insert(scored.order.key.clone(), scored).map(|old| old.version));
            }
            Record::Discount(discount) => {
                let key = (discount.account_id.clone(), discount.code.clone());
                held(guard, self.discounts.insert(key, *discount).map(|old| old.version));
            }
            Record::Profile(profile) => {
                held(guard, self.profiles.insert(profile.account_id.clone(), *profile).map(|old| old.version));
            }
            Record::Claim(claim) => {
                held(guard, self.claims.insert(format!("{:?}", claim.key), claim.account_id).map(|_| 1));
            }
            Record::ReferralCode(code) => {
                held(guard, self.codes.insert(code.code.clone(), *code).map(|old| old.version));
            }
            Record::Redemption(redemption) => {
                held(guard, self.redemptions.insert(redemption.key.clone(), *redemption).map(|old| old.version));
            }
            Record::WaitingReview(waiting) => {
                held(guard, self.waiting.insert(waiting.place(), *waiting).map(|_| 1));
            }
            Record::Contact(_) | Record::CodeHolder(_) => held(guard, None),
            other => panic!("no referral writes {other:?}"),
        }
    }

    fn put(&mut self, account: &str, document: Value) -> Result<membership::Put, Rejection> {
        let document = profile_document(&document).unwrap();
        let member = self.member(account);
        self.act(|_, context| {
            membership::put_account(&id(account), &member, &document, membership::StatedBy::Merchant, context)
        })
    }

    fn member(&self, account: &str) -> Member {
        let (account, profile) = (self.accounts.get(&id(account)), self.profiles.get(&id(account)));
        Member { account: account.cloned(), profile: profile.cloned(), invitation: None }
    }

    fn status(&mut self, account: &str, status: Status) {
        self.accounts.get_mut(&id(account)).unwrap().status = status;
    }

    /// What is stored about an account that shares a code; where nothing was stated, what it must have stated at least.
    fn known(&self, account: &str) -> Option<Profile> {
        let stated = json!({ "name": "A company", "email": "office@known.example", "vat_id": "GB999999973" });
        let (document, none) = (profile_document(&stated).unwrap(), Member::default());
        let known = self.decide(|_, context| {
            membership::put_account(&id(account), &none, &document, membership::StatedBy::Merchant, context)
        });
        let made = known.unwrap().writes.into_iter().find_map(|write| match write {
            Write::Put(Record::Profile(profile), _) => Some(*profile),
            _ => None,
        });
        let is_known = |known: &Profile| known.vat_id.is_some() && known.email.is_some();
        self.member(account).profile.filter(is_known).or(made)
    }

    fn issue(&mut self, account: &str) -> Code {
        let settings = CodeSettings { status: CodeStatus::Active, redemptions_left: None, expires_at: None };
        let document = CodeDocument { contact_id: None, settings };
        let (known, profile) = (self.member(account).account, self.known(account));
        let codes = Codes { account: known, profile, contact_known: true, held: None };
        self.act(|_, context| issue_code(&id(account), &codes, &document, context)).unwrap().code
    }

    fn try_redeem(&mut self, code: &Code, document: &Value) -> Result<Redemption, Rejection> {
        let stated = prospect_document(document).unwrap();
        let account = stated.account_id.clone().unwrap();
        let bits = self.redemptions.len() as u64;
        let key = RedemptionKey { code: code.clone(), redemption_id: RedemptionId::of_bits(bits) };
        let code = self.codes[code].clone();
        let referrer = self.member(code.account_id.as_str());
        let member = self.member(account.as_str());
        let (referrer, referrer_profile) = (referrer.account, referrer.profile);
        let prospect = Prospect { code: Some(code), referrer, referrer_profile, member };
        self.act(|_, context| redeem(&key, &account, &stated, &prospect, context))
    }

    /// A new account that has redeemed the code of `acme`.
    fn referred(&mut self, n: u32) -> String {
        let acme = &self.accounts[&id("acme")];
        let code = match acme.has_referral_code {
            true => self.codes.keys().next().unwrap().clone(),
            false => self.issue("acme"),
        };
        self.try_redeem(&code, &prospect(n)).unwrap();
        format!("p-{n}")
    }

    fn key(&self, account: &str) -> RedemptionKey {
        self.accounts[&id(account)].referral.as_ref().unwrap().key.clone()
    }

    /// The record of the redemption that an account came by.
    fn redemption(&self, account: &str) -> &Redemption {
        &self.redemptions[&self.key(account)]
    }

    fn stage(&self, account: &str) -> Stage {
        self.accounts[&id(account)].referral.as_ref().unwrap().stage
    }

    fn state(&self, account: &str) -> State {
        self.redemption(account).state(self.now)
    }

    fn review(&mut self, account: &str, verdict: Verdict) -> Result<Redemption, Rejection> {
        let decision = ReviewDecision { verdict, note: None };
        let (redemption, member) = (self.redemption(account).clone(), self.member(account));
        let account = member.account.unwrap();
        self.act(|_, context| decide_review(&redemption, &account, &decision, context))
    }

    /// Places an order of so many units at a pound each, now.
    fn order(&mut self, account: &str, number: u32, pounds: u32) -> Arc<ScoredOrder> {
        let order = order(account, number, pounds, self.now);
        self.place(&order).unwrap()
    }

    fn place(&mut self, order: &Order) -> Result<Arc<ScoredOrder>, Rejection> {
        let account = self.accounts.get(&order.account_id).cloned();
        let find = |code: &Code| self.discounts.get(&(order.account_id.clone(), code.clone())).cloned();
        let named: Vec<_> = order.discount_codes.iter().filter_map(find).map(NamedCode::from).collect();
        let (hash, order) = (order.content_hash(), Arc::new(order.clone()));
        self.act(|_, context| score::decide(account.as_ref(), &named, None, &order, hash, context))
    }

    fn of_order(&self, number: u32) -> (Account, Arc<ScoredOrder>, Option<Redemption>) {
        let scored = self.orders[&order_key(number)].clone();
        let account = self.accounts[&scored.order.account_id].clone();
        let qualified = account.referral.as_ref().filter(|_| scored.qualified_referral());
        let redemption = qualified.map(|referral| self.redemptions[&referral.key].clone());
        (account, scored, redemption)
    }

    fn undo(&mut self, number: u32, reversing: &Reversing) {
        let (account, scored, redemption) = self.of_order(number);
        self.act(|_, context| returns::decide(&account, &scored, reversing, &[], redemption.as_ref(), context))
            .unwrap();
    }

    /// Units of an order come back.
    fn returned(&mut self, number: u32, units: u32) {
        let document = json!({
            "return_id": format!("r{}", self.entries.len()), "returned_at": self.now.to_string(),
            "lines": [{ "line_id": "1", "quantity": units }],
        });
        self.undo(number, &Reversing::Return(return_document(&document).unwrap()));
    }

    fn cancelled(&mut self, number: u32) {
        self.undo(number, &Reversing::Cancellation(CancellationDocument { cancelled_at: self.now }));
    }

    /// States an order anew.
    fn amended(&mut self, number: u32, change: impl FnOnce(&mut Order)) -> Arc<ScoredOrder> {
        let (account, stored, redemption) = self.of_order(number);
        let mut order = Order::clone(&stored.order);
        order.revision += 1;
        change(&mut order);
        let (hash, order) = (order.content_hash(), Arc::new(order));
        let own = self.discounts.values().filter(|discount| discount.account_id == account.id);
        let own = NamedCode::of_own(own);
        self.act(|_, context| amendment::decide(&account, &own, &stored, &order, hash, redemption.as_ref(), context))
            .unwrap()
    }

    fn grounds(&self, account: &str) -> Grounds {
        let redemption = self.redemption(account).clone();
        let referrer = self.accounts.get(&redemption.referrer).cloned();
        let given = redemption.rewarded.as_ref().and_then(|rewarded| rewarded.given.discount.clone());
        let discount = given.map(|given| self.discounts[&(redemption.referrer.clone(), given.code)].clone());
        Grounds { redemption: Some(redemption), referrer, discount }
    }

    /// Carries an account's errand out, and does not note that.
    fn errand(&mut self, account: &str) -> Settled {
        let task = errand(&self.accounts[&id(account)]).unwrap().task;
        let grounds = self.grounds(account);
        self.act(|_, context| carry_out(task, &grounds, context)).unwrap()
    }

    fn walk_once(&mut self, account: &str, settled: Option<Settled>) -> Walked {
        let account = self.accounts[&id(account)].clone();
        self.act(|_, context| Ok(walk::decide(&account, Walk::Review, People::default(), settled, context)?)).unwrap()
    }

    /// Walks an account as the walker does: what its errands came to.
    fn walk(&mut self, account: &str) -> Vec<Settled> {
        let mut all = Vec::new();
        while self.walk_once(account, all.last().copied()) == Walked::Errand {
            let settled = self.errand(account);
            all.push(settled);
            assert!(all.len() < 5, "a walk comes to an end: {all:?}");
        }
        all
    }

    fn points(&self, account: &str) -> i64 {
        self.accounts[&id(account)].points().unwrap().0
    }

    /// What the newest entry of an account tells.
    fn told(&self, account: &str) -> &[Change] {
        &self.entries.iter().rev().find(|entry| entry.account_id == id(account)).unwrap().changes
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.redemptions.values().for_each(|redemption| tally.add(redemption, self.now).unwrap());
        tally
    }
}

fn order_key(number: u32) -> OrderKey {
    order("acme", number, 1, Instant::MIN).key
}

fn order(account: &str, number: u32, pounds: u32, placed_at: Instant) -> Order {
    Order::from_json(&json!({
        "source": "shop", "order_id": number.to_string(), "account_id": account,
        "placed_at": placed_at.to_string(), "currency": "GBP",
        "lines": [{ "line_id": "1", "sku": "TEA", "quantity": pounds, "unit_price": "1.00" }],
    }))
    .unwrap()
}
