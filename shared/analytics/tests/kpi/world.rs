//! Accounts and what happens to them: every statement is decided by the domain, and noted here as it was stated.

use crate::calendar::{HOUR_MS, first_day, last_sunday, local_day, local_month, start_of};
use domain::account::{Account, Status};
use domain::adjustment::{self, adjustment_document};
use domain::amendment;
use domain::code::{Code, Secrets};
use domain::decision::{Context, Decision, Record, Rejection, Write};
use domain::discount::Discount;
use domain::id::{AccountId, OrderKey};
use domain::idempotency::CommandKey;
use domain::ledger::Entry;
use domain::membership::{self, Member, Profile, StatedBy, profile_document};
use domain::named_code::NamedCode;
use domain::order::Order;
use domain::referral::{
    self, CodeDocument, CodeSettings, CodeStatus, Codes, Grounds, Prospect, Redemption, RedemptionId, RedemptionKey,
    ReferralCode, ReviewDecision, Verdict, prospect_document,
};
use domain::returns::{self, CancellationDocument, Reversing, return_document};
use domain::schedule::Schedule;
use domain::score::{self, ScoredOrder};
use domain::time::Instant;
use domain::walk::{self, People, Walked};
use domain::warning::Walk;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Accounts that there may be. The last ones are those that redeem codes.
pub const ACCOUNTS: usize = 7;
const REFEREES: usize = 3;

/// A line as stated: units, price of one in tenths of a penny, and whether it is postage.
pub type Line = (u64, i64, bool);

/// When an order was placed.
#[derive(Debug, Clone, Copy)]
pub enum Placed {
    /// So many hours before it came; after it, where negative.
    Hours(i64),
    /// So many minutes from the beginning of the month so many months before.
    MonthEnd(i32, i64),
    /// So many minutes from the beginning of the latest day, or that many before, on which the clocks changed, or of the
    /// day after it.
    ClockChange(i32, bool, i64),
    /// On the day of an order of before, by its number (modulo what there is).
    SameDay(usize),
}

/// One thing that happens to an account.
#[derive(Debug, Clone)]
pub enum Act {
    /// An order, which may use a discount (modulo those that are open).
    Order(Placed, Vec<Line>, Option<usize>),
    /// Some units of a line of an order come back (each modulo what there is).
    Return(usize, usize, u64),
    /// An order is cancelled.
    Cancel(usize),
    /// An order is stated anew; it keeps its discounts, where true.
    Amend(usize, Vec<Line>, bool),
    /// Points are given or taken by hand.
    Adjust(i64),
    /// The account is put in segments, by their bits, and given a status, if any.
    Put(u8, Option<&'static str>),
    /// It is issued a referral code.
    Issue,
    /// It redeems one (modulo what there is).
    Redeem(usize),
    /// Somebody looks at how it came.
    Review(bool),
}

/// What was stated of one order, whatever the account makes of it.
#[derive(Debug, Clone)]
pub struct Sale {
    pub key: OrderKey,
    pub placed_ms: i64,
    pub lines: Vec<Line>,
    /// Units that came back by the number of their line.
    pub returned: BTreeMap<usize, u64>,
    pub is_cancelled: bool,
    pub codes: Vec<Code>,
}

/// One account: what is stored about it, and what was stated.
#[derive(Debug, Default)]
pub struct Customer {
    pub account: Option<Account>,
    pub entries: Vec<Entry>,
    pub orders: BTreeMap<OrderKey, Arc<ScoredOrder>>,
    pub discounts: BTreeMap<Code, Discount>,
    pub redemption: Option<Redemption>,
    profile: Option<Profile>,
    /// Orders in the sequence in which they came.
    pub sales: Vec<Sale>,
    pub segments: BTreeSet<String>,
    pub has_code: bool,
}

/// All of them.
pub struct World {
    pub schedule: Schedule,
    secrets: Secrets,
    pub now: Instant,
    pub customers: BTreeMap<AccountId, Customer>,
    codes: Vec<ReferralCode>,
    redeemed: u64,
    commands: u64,
}

pub fn id(who: usize) -> AccountId {
    AccountId::parse(&format!("a-{}", who % ACCOUNTS)).unwrap()
}

pub fn act() -> impl Strategy<Value = Act> {
    let minutes = -90_i64..150;
    let placed = prop_oneof![
        6 => (0_i64..48).prop_map(Placed::Hours),
        2 => (-20_i64..24 * 60).prop_map(Placed::Hours),
        2 => (0_i64..24 * 1_300).prop_map(Placed::Hours),
        2 => (0_i32..4, minutes.clone()).prop_map(|(back, minutes)| Placed::MonthEnd(back, minutes)),
        2 => (0_i32..3, any::<bool>(), minutes).prop_map(|(back, next, minutes)| Placed::ClockChange(back, next, minutes)),
        2 => any::<usize>().prop_map(Placed::SameDay),
    ];
    let lines = || prop::collection::vec((1_u64..30, 0_i64..60_000, prop::bool::weighted(0.15)), 1..4);
    let status = prop_oneof![3 => Just(None), 3 => Just(Some("active")), 1 => Just(Some("suspended")),
        1 => Just(Some("closed"))];
    let any = || any::<usize>();
    prop_oneof![
        30 => (placed, lines(), prop::option::weighted(0.5, any())).prop_map(|(at, lines, code)| Act::Order(at, lines, code)),
        6 => (any(), any(), 0_u64..40).prop_map(|(order, line, units)| Act::Return(order, line, units)),
        2 => any().prop_map(Act::Cancel),
        4 => (any(), lines(), prop::bool::ANY).prop_map(|(order, lines, keeps)| Act::Amend(order, lines, keeps)),
        3 => (-9_000_i64..3_000).prop_filter("gives or takes something", |points| *points != 0).prop_map(Act::Adjust),
        3 => (0_u8..8, status).prop_map(|(segments, status)| Act::Put(segments, status)),
        1 => Just(Act::Issue),
        5 => any().prop_map(Act::Redeem),
        2 => prop::bool::weighted(0.8).prop_map(Act::Review),
    ]
}

impl World {
    pub fn new(schedule: Schedule, start: Instant) -> Self {
        let secrets = Secrets::parse("1:a secret for properties").unwrap();
        let customers = BTreeMap::new();
        let mut world = Self { schedule, secrets, now: start, customers, codes: Vec::new(), redeemed: 0, commands: 0 };
        world.put(&id(0), 0, None);
        world.issue(&id(0));
        world
    }

    /// Something happens, so many hours after what happened before it.
    pub fn step(&mut self, hours: i64, who: usize, act: &Act) {
        self.now = self.now.plus_ms(hours * HOUR_MS);
        let referee = id(ACCOUNTS - 1 - who % REFEREES);
        let id = id(who);
        match act {
            Act::Order(placed, lines, code) => self.order(&id, *placed, lines, *code),
            Act::Return(order, line, units) => self.give_back(&id, *order, *line, *units),
            Act::Cancel(order) => self.cancel(&id, *order),
            Act::Amend(order, lines, keeps) => self.amend(&id, *order, lines, *keeps),
            Act::Adjust(points) => self.adjust(&id, *points),
            Act::Put(segments, status) => self.put(&id, *segments, *status),
            Act::Issue => self.issue(&id),
            Act::Redeem(which) => self.redeem(&referee, *which),
            Act::Review(approves) => self.review(*approves),
        }
    }

    fn decide<T>(
        &self,
        decide: impl FnOnce(&Context<'_>) -> Result<Decision<T>, Rejection>,
    ) -> Result<Decision<T>, Rejection> {
        let (schedule, secrets, now) = (&self.schedule, &self.secrets, self.now);
        decide(&Context { schedule, secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 })
    }

    fn commit(&mut self, writes: Vec<Write>) {
        for write in writes {
            match write {
                Write::Put(record, _) => self.store(record),
                Write::Qualify(key, qualified, _) => {
                    let redemptions = self.customers.values_mut().filter_map(|customer| customer.redemption.as_mut());
                    let redemption = redemptions.into_iter().find(|redemption| redemption.key == key).unwrap();
                    (redemption.qualified, redemption.version) = (Some(*qualified), redemption.version + 1);
                }
                Write::Release(..) | Write::Expect(_) | Write::Forget(_) | Write::Shard(_) => {}
                Write::Remove(..) | Write::ExpectContact(_) => {}
            }
        }
    }

    fn customer(&mut self, id: &AccountId) -> &mut Customer {
        self.customers.entry(id.clone()).or_default()
    }

    fn store(&mut self, record: Record) {
        match record {
            Record::Account(account) => {
                let id = account.id.clone();
                self.customer(&id).account = Some(*account);
            }
            Record::Entry(entry) => self.customer(&entry.account_id).entries.push(*entry),
            Record::Order(scored) => {
                let customer = self.customer(&scored.order.account_id);
                customer.orders.insert(scored.order.key.clone(), scored);
            }
            Record::Discount(discount) => {
                let customer = self.customer(&discount.account_id);
                customer.discounts.insert(discount.code.clone(), *discount);
            }
            Record::Redemption(redemption) => {
                let referee = redemption.referee.clone();
                self.customer(&referee).redemption = Some(*redemption);
            }
            Record::Profile(profile) => {
                let id = profile.account_id.clone();
                self.customer(&id).profile = Some(*profile);
            }
            Record::ReferralCode(code) => {
                self.customer(&code.account_id).has_code = true;
                self.codes.retain(|held| held.code != code.code);
                self.codes.push(*code);
            }
            _ => {}
        }
    }

    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.customers.get(id).and_then(|customer| customer.account.as_ref())
    }

    /// The number of a sale that is not cancelled, and its record.
    fn sale(&self, id: &AccountId, which: usize) -> Option<(usize, Arc<ScoredOrder>)> {
        let customer = self.customers.get(id).filter(|customer| !customer.sales.is_empty())?;
        let place = which % customer.sales.len();
        let sale = &customer.sales[place];
        (!sale.is_cancelled).then(|| (place, customer.orders[&sale.key].clone()))
    }

    /// The redemption that an order had qualified.
    fn qualified_by(&self, id: &AccountId, scored: &ScoredOrder) -> Option<Redemption> {
        self.customers[id].redemption.clone().filter(|_| scored.qualified_referral())
    }
}

/// The document of an order, read.
fn document(id: &AccountId, key: &str, revision: u64, at: Instant, lines: &[Line], codes: &[Code]) -> Arc<Order> {
    let line = |(number, (units, price, is_postage)): (usize, &Line)| {
        let sku = if *is_postage { "POST".to_owned() } else { format!("SKU-{price}") };
        let price = domain::money::format_decimal(*price, 3);
        json!({ "line_id": number.to_string(), "sku": sku, "quantity": units, "unit_price": price })
    };
    let document = json!({
        "source": "shop", "order_id": key, "account_id": id, "placed_at": at.to_string(), "currency": "GBP",
        "lines": lines.iter().enumerate().map(line).collect::<Vec<_>>(), "discount_codes": codes, "revision": revision,
    });
    Arc::new(Order::from_json(&document).unwrap())
}

impl World {
    fn placed_at(&self, id: &AccountId, placed: Placed) -> Instant {
        let now = self.now.as_ms();
        let around = |start: i64, minutes: i64| Instant::from_ms((start + minutes * 60_000).min(now));
        match placed {
            Placed::Hours(hours) => Instant::from_ms(now - hours * HOUR_MS),
            Placed::MonthEnd(back, minutes) => around(start_of(first_day(local_month(now) - back)), minutes),
            Placed::ClockChange(back, is_next, minutes) => {
                let months = (0..=local_month(now)).rev().filter(|month| [2, 9].contains(&(month % 12)));
                let mut days = months.map(last_sunday).filter(|day| start_of(*day) <= now);
                let day = days.nth(usize::try_from(back).unwrap()).unwrap();
                around(start_of(day + i32::from(is_next)), minutes)
            }
            Placed::SameDay(which) => match self.customers.get(id).filter(|customer| !customer.sales.is_empty()) {
                None => self.now,
                Some(customer) => {
                    let sale = &customer.sales[which % customer.sales.len()];
                    let day = local_day(sale.placed_ms);
                    // From its first minute to its last, whatever the clocks did.
                    let length = start_of(day + 1) - start_of(day);
                    around(start_of(day), i64::try_from(which).unwrap_or(7).rem_euclid(length / 60_000))
                }
            },
        }
    }

    fn order(&mut self, id: &AccountId, placed: Placed, lines: &[Line], code: Option<usize>) {
        let at = self.placed_at(id, placed);
        let customer = self.customers.entry(id.clone()).or_default();
        let open = customer.discounts.values().filter(|discount| discount.check(self.now).is_ok());
        let open: Vec<_> = open.map(|discount| discount.code.clone()).collect();
        let codes: Vec<_> =
            code.filter(|_| !open.is_empty()).map(|n| open[n % open.len()].clone()).into_iter().collect();
        let number = customer.sales.len();
        let order = document(id, &format!("{id}-{number}"), 1, at, lines, &codes);
        let (account, hash) = (customer.account.clone(), order.content_hash());
        let named = NamedCode::of_own(codes.iter().filter_map(|code| customer.discounts.get(code)));
        let decided = self.decide(|context| score::decide(account.as_ref(), &named, None, &order, hash, context));
        match decided {
            Ok(decision) => self.commit(decision.writes),
            Err(Rejection::AccountNotActive(_)) => return,
            Err(rejection) => panic!("{rejection:?}"),
        }
        let sale = Sale {
            key: order.key.clone(),
            placed_ms: at.as_ms(),
            lines: lines.to_vec(),
            returned: BTreeMap::new(),
            is_cancelled: false,
            codes,
        };
        self.customers.get_mut(id).unwrap().sales.push(sale);
    }

    fn undo(&mut self, id: &AccountId, scored: &ScoredOrder, reversing: &Reversing) {
        let account = self.account(id).unwrap().clone();
        let redemption = self.qualified_by(id, scored);
        let used = NamedCode::of_own(self.customers[id].discounts.values());
        let decide =
            |context: &Context<'_>| returns::decide(&account, scored, reversing, &used, redemption.as_ref(), context);
        let decision = self.decide(decide).unwrap();
        self.commit(decision.writes);
    }

    fn give_back(&mut self, id: &AccountId, order: usize, line: usize, units: u64) {
        let Some((place, scored)) = self.sale(id, order) else { return };
        let sale = &self.customers[id].sales[place];
        let line = line % sale.lines.len();
        let left = sale.lines[line].0.saturating_sub(sale.returned.get(&line).copied().unwrap_or(0));
        if left == 0 {
            return;
        }
        let units = units % left + 1;
        self.commands += 1;
        let at = self.now.max(scored.order.placed_at);
        let document = json!({
            "return_id": format!("r{}", self.commands), "returned_at": at.to_string(),
            "lines": [{ "line_id": line.to_string(), "quantity": units }],
        });
        self.undo(id, &scored, &Reversing::Return(return_document(&document).unwrap()));
        *self.customers.get_mut(id).unwrap().sales[place].returned.entry(line).or_default() += units;
    }

    fn cancel(&mut self, id: &AccountId, order: usize) {
        let Some((place, scored)) = self.sale(id, order) else { return };
        let cancelled_at = self.now.max(scored.order.placed_at);
        self.undo(id, &scored, &Reversing::Cancellation(CancellationDocument { cancelled_at }));
        let sale = &mut self.customers.get_mut(id).unwrap().sales[place];
        // What it used is the customer's again.
        (sale.is_cancelled, sale.codes) = (true, Vec::new());
    }

    fn amend(&mut self, id: &AccountId, order: usize, lines: &[Line], keeps_codes: bool) {
        let Some((place, stored)) = self.sale(id, order) else { return };
        let customer = &self.customers[id];
        let codes = if keeps_codes { customer.sales[place].codes.clone() } else { Vec::new() };
        let (number, at) = (stored.order.key.order_id.to_string(), stored.order.placed_at);
        let order = document(id, &number, stored.order.revision + 1, at, lines, &codes);
        let discounts = NamedCode::of_own(customer.discounts.values());
        let (account, redemption) = (customer.account.clone().unwrap(), self.qualified_by(id, &stored));
        let hash = order.content_hash();
        let decided = self.decide(|context| {
            amendment::decide(&account, &discounts, &stored, &order, hash, redemption.as_ref(), context)
        });
        self.commit(decided.unwrap().writes);
        let sale = &mut self.customers.get_mut(id).unwrap().sales[place];
        (sale.lines, sale.codes) = (lines.to_vec(), codes);
    }
}

impl World {
    fn adjust(&mut self, id: &AccountId, points: i64) {
        self.commands += 1;
        // Often all there is, so that a return finds nothing.
        let has = self.account(id).map_or(0, |account| account.holdings.available().unwrap().0);
        let points = if points < 0 && has > 0 { points.max(-has) } else { points };
        let key = CommandKey::new("test", "adjust", &self.commands.to_string()).unwrap();
        let document = adjustment_document(&json!({ "points": points, "reason": "by hand" })).unwrap();
        let account = self.account(id).cloned();
        // Refused where there is no such account, it has left, or it has too few points.
        if let Ok(decision) = self.decide(|context| adjustment::adjust(account.as_ref(), &document, &key, context)) {
            self.commit(decision.writes);
        }
    }

    fn put(&mut self, id: &AccountId, segments: u8, status: Option<&str>) {
        let names = ["trade", "hotel", "online"].into_iter().zip([1_u8, 2, 4]);
        let segments: BTreeSet<String> =
            names.filter(|(_, bit)| segments & bit != 0).map(|(name, _)| name.to_owned()).collect();
        let mut document = identity(id);
        document["name"] = json!("A company");
        document["segments"] = json!(segments);
        if let Some(status) = status {
            document["status"] = json!(status);
        }
        let document = profile_document(&document).unwrap();
        let customer = self.customers.get(id);
        let (account, profile) =
            customer.map_or((None, None), |customer| (customer.account.clone(), customer.profile.clone()));
        let member = Member { account, profile, invitation: None };
        let decided =
            self.decide(|context| membership::put_account(id, &member, &document, StatedBy::Merchant, context));
        match decided {
            Ok(decision) => self.commit(decision.writes),
            Err(Rejection::UnderReview) => return,
            Err(rejection) => panic!("{rejection:?}"),
        }
        self.customers.get_mut(id).unwrap().segments = segments;
    }

    fn issue(&mut self, id: &AccountId) {
        let Some(customer) = self.customers.get(id) else { return };
        let (account, profile) = (customer.account.clone(), customer.profile.clone());
        let held = self.codes.iter().find(|code| code.account_id == *id).cloned();
        let codes = Codes { account, profile, contact_known: true, held };
        let settings = CodeSettings { status: CodeStatus::Active, redemptions_left: None, expires_at: None };
        let document = CodeDocument { contact_id: None, settings };
        // Refused to who has stated no VAT id, takes no part, or was referred.
        if let Ok(decision) = self.decide(|context| referral::issue_code(id, &codes, &document, context)) {
            self.commit(decision.writes);
        }
    }

    fn redeem(&mut self, id: &AccountId, which: usize) {
        let code = self.codes[which % self.codes.len()].clone();
        let mut document = identity(id);
        document["company"] = json!("Company");
        document["contact"] = json!({ "name": "Pat" });
        let document = prospect_document(&document).unwrap();
        self.redeemed += 1;
        let key = RedemptionKey { code: code.code.clone(), redemption_id: RedemptionId::of_bits(self.redeemed) };
        let of = |id: &AccountId| self.customers.get(id).map(|known| (known.account.clone(), known.profile.clone()));
        let (referrer, referrer_profile) = of(&code.account_id).unwrap_or_default();
        let (account, profile) = of(id).unwrap_or_default();
        let prospect = Prospect {
            code: Some(code),
            referrer,
            referrer_profile,
            member: Member { account, profile, invitation: None },
        };
        // Refused to who is not new.
        let decided = self.decide(|context| referral::redeem(&key, id, &document, &prospect, context));
        if let Ok(decision) = decided {
            self.commit(decision.writes);
        }
    }

    fn review(&mut self, approves: bool) {
        // Who has left is let in no more.
        let waits = |customer: &&Customer| {
            customer.redemption.as_ref().is_some_and(Redemption::is_under_review)
                && customer.account.as_ref().is_some_and(|account| account.status != Status::Closed)
        };
        let waiting = self.customers.values().find(waits);
        let Some(customer) = waiting else { return };
        let (redemption, referee) = (customer.redemption.clone().unwrap(), customer.account.clone().unwrap());
        let verdict = if approves { Verdict::Approved } else { Verdict::Rejected };
        let decision = ReviewDecision { verdict, note: None };
        let decided = self.decide(|context| referral::decide_review(&redemption, &referee, &decision, context));
        self.commit(decided.unwrap().writes);
    }

    /// Walks all accounts: what has fallen due is written down, and errands are carried out.
    pub fn walk(&mut self) {
        let ids: Vec<_> = self.customers.keys().cloned().collect();
        for id in ids {
            let mut settled = None;
            while let Some(account) = self.account(&id).cloned() {
                let decided = self
                    .decide(|context| Ok(walk::decide(&account, Walk::Review, People::default(), settled, context)?));
                let decision = decided.unwrap();
                self.commit(decision.writes);
                let Some(errand) = referral::errand(&account).filter(|_| decision.answer == Walked::Errand) else {
                    break;
                };
                let redemption = self.customers[&id].redemption.clone().unwrap();
                let referrer = self.account(&redemption.referrer).cloned();
                let grounds = Grounds { redemption: Some(redemption), referrer, discount: None };
                let carried = self.decide(|context| referral::carry_out(errand.task, &grounds, context)).unwrap();
                settled = Some(carried.answer);
                self.commit(carried.writes);
            }
        }
    }
}

/// What an account states of who it is, so that nobody has anything in common.
fn identity(id: &AccountId) -> Value {
    let number: u64 = id.as_str().trim_start_matches("a-").parse().unwrap();
    json!({
        "email": format!("office@company-{number}.example"), "country": "GB", "vat_id": format!("GB{:09}", number + 1),
    })
}
