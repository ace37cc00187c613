//! An account with its entries, orders and discounts, and what happens to it.

use crate::limits::Limits;
use crate::redemptions::Redeemed;
use domain::account::Account;
use domain::amendment;
use domain::code::Code;
use domain::credit_note::CreditNote;
use domain::decision::{Context, Guard, Record, Rejection, Write};
use domain::discount::Discount;
use domain::earning::Beside;
use domain::id::{AccountId, OrderKey, TierId};
use domain::ledger::Entry;
use domain::money::{Currency, Minor, Money, Points};
use domain::named_code::NamedCode;
use domain::opening::{self, Opening, OpeningLot, PastTotals};
use domain::order::Order;
use domain::payment::PaymentState;
use domain::program::Shortfall;
use domain::referral::Redemption;
use domain::returns::{self, CancellationDocument, Reversing, return_document};
use domain::score::{self, ScoredOrder};
use domain::time::{Day, Instant};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything stored about one account, and what a decision needs besides.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    pub account: Option<Account>,
    pub entries: Vec<Entry>,
    pub orders: BTreeMap<OrderKey, Arc<ScoredOrder>>,
    pub discounts: BTreeMap<Code, Discount>,
    pub notes: BTreeMap<String, CreditNote>,
    /// The redemption that the account came by.
    pub redemption: Option<Redemption>,
    /// What it brought from another product.
    pub opening: Option<Opening>,
    /// What it may use together with others.
    pub limits: Limits,
    /// What it got for its points.
    pub redeemed: Redeemed,
}

/// An order and a line of it (modulo what there is), and units.
pub type Goods = (usize, usize, u64);

/// One thing that happens to the account.
#[derive(Debug, Clone)]
pub struct Step {
    /// Hours that pass before it.
    pub hours: i64,
    /// How many hours earlier the order was placed than it is decided.
    pub late_hours: i64,
    /// Quantity and price in pence of each line; a price of zero is postage.
    pub lines: Vec<(u64, i64)>,
    /// Names the code of this issued discount (modulo their number), if there are any.
    pub code: Option<usize>,
    /// Sends the order of this earlier step again instead.
    pub repeat: Option<usize>,
    /// Returns that many units of that line of that earlier order instead (each modulo what there is), or cancels it.
    pub undo: Option<(usize, usize, Option<u64>)>,
    /// States that earlier order anew with these lines instead; with the codes it had, where true.
    pub amend: Option<(usize, bool)>,
    /// States a credit note of these lines of earlier orders (modulo what there is) and so many units of each instead,
    /// and carries it so many steps on; the next one, or the end, carries it to its end.
    pub credit: Option<(Vec<Goods>, u8)>,
    /// Says that this earlier order (modulo what there is) is paid instead.
    pub pay: Option<usize>,
    /// Its statement of an order says so, too.
    pub paid: bool,
}

pub fn step() -> impl Strategy<Value = Step> {
    let hours = prop_oneof![4 => 0_i64..48, 2 => 0_i64..24 * 40, 1 => 0_i64..24 * 400];
    let late = prop_oneof![6 => Just(0_i64), 2 => 0_i64..24 * 40, 1 => 0_i64..24 * 900];
    let lines = prop::collection::vec((1_u64..40, prop_oneof![1 => Just(0_i64), 6 => 1_i64..9_000]), 1..6);
    let code = prop::option::weighted(0.3, any::<usize>());
    let repeat = prop::option::weighted(0.2, any::<usize>());
    let units = prop::option::weighted(0.9, any::<u64>());
    let undo = prop::option::weighted(0.3, (any::<usize>(), any::<usize>(), units));
    let amend = prop::option::weighted(0.3, (any::<usize>(), any::<bool>()));
    let credited = prop::collection::vec((any::<usize>(), any::<usize>(), 1_u64..120), 1..4);
    let credit = prop::option::weighted(0.3, (credited, 1_u8..5));
    let pay = (prop::option::weighted(0.3, any::<usize>()), prop::bool::weighted(0.2));
    (hours, late, lines, code, repeat, undo, amend, credit, pay).prop_map(
        |(hours, late_hours, lines, code, repeat, undo, amend, credit, (pay, paid))| Step {
            hours,
            late_hours,
            lines,
            code,
            repeat,
            undo,
            amend,
            credit,
            pay,
            paid,
        },
    )
}

pub fn order(number: usize, step: &Step, placed_at: Instant, code: Option<&Code>) -> Order {
    let lines: Vec<_> = step
        .lines
        .iter()
        .enumerate()
        .map(|(index, (quantity, pence))| {
            let sku = if *pence == 0 { "POST".to_owned() } else { format!("SKU-{pence}") };
            let price = domain::money::format_decimal(*pence, 2);
            json!({ "line_id": (index + 1).to_string(), "sku": sku, "quantity": quantity, "unit_price": price })
        })
        .collect();
    Order::from_json(&json!({
        "source": "shop",
        "order_id": number.to_string(),
        "account_id": "acme",
        "placed_at": placed_at.to_string(),
        "currency": "GBP",
        "lines": lines,
        "discount_codes": code.into_iter().collect::<Vec<_>>(),
        "payment_state": step.paid.then_some("paid"),
    }))
    .unwrap()
}

impl World {
    pub fn new() -> Self {
        Self {
            account: None,
            entries: Vec::new(),
            orders: BTreeMap::new(),
            discounts: BTreeMap::new(),
            notes: BTreeMap::new(),
            redemption: None,
            opening: None,
            limits: Limits::default(),
            redeemed: Redeemed::default(),
        }
    }

    /// Applies one write where its guard holds; a guard that does not hold is a fault of the decision here.
    pub fn apply(&mut self, write: Write) {
        let (record, guard) = match write {
            Write::Put(record, guard) => (record, guard),
            Write::Qualify(key, qualified, version) => {
                let redemption = self.redemption.as_mut().unwrap();
                assert_eq!((&redemption.key, redemption.version), (&key, version));
                (redemption.qualified, redemption.version) = (Some(*qualified), version + 1);
                return;
            }
            Write::Shard(write) => return assert!(self.limits.change(&write), "{write:?}"),
            other => panic!("an order does not write {other:?}"),
        };
        match record {
            Record::Redemption(redemption) => {
                let before = self.redemption.replace(*redemption);
                assert_eq!(guard, before.map_or(Guard::Absent, |held| Guard::Version(held.version)));
            }
            Record::Account(account) => {
                let held = self.account.as_ref().map_or(Guard::Absent, |held| Guard::Version(held.version));
                assert_eq!(guard, held);
                self.account = Some(*account);
            }
            Record::Entry(entry) => {
                assert_eq!(guard, Guard::Absent);
                self.entries.push(*entry);
            }
            Record::Order(scored) => {
                let before = self.orders.insert(scored.order.key.clone(), scored);
                assert_eq!(guard, before.map_or(Guard::Absent, |held| Guard::Version(held.version)));
            }
            Record::Discount(discount) => {
                let before = self.discounts.insert(discount.code.clone(), *discount);
                assert_eq!(guard, before.map_or(Guard::Absent, |held| Guard::Version(held.version)));
            }
            Record::CreditNote(note) => {
                let before = self.notes.insert(note.return_id.to_string(), *note);
                assert_eq!(guard, before.map_or(Guard::Absent, |held| Guard::Version(held.version)));
            }
            other => self.redeemed.put(other, guard),
        }
    }

    pub fn place(&mut self, order: &Order, context: &Context<'_>) -> Result<Arc<ScoredOrder>, Rejection> {
        let hash = order.content_hash();
        if let Some(stored) = self.orders.get(&order.key) {
            // A late statement changes nothing.
            let is_late = order.revision < stored.order.revision;
            return if is_late { Ok(stored.clone()) } else { score::repeat(stored, order, &hash) };
        }
        let named = NamedCode::of_own(order.discount_codes.iter().filter_map(|code| self.discounts.get(code)));
        let (account, limits) = (self.account.as_ref(), self.limits.all());
        let beside = Beside { limits: &limits, ..Beside::default() };
        let order = Arc::new(order.clone());
        let decision = score::decide_beside(account, &named, None, &beside, (&order, hash), context)?;
        decision.writes.into_iter().for_each(|write| self.apply(write));
        Ok(decision.answer)
    }
}

impl World {
    /// Returns a part of an earlier order, or cancels it; then the same again, which must change nothing.
    pub fn undo(&mut self, number: usize, (order, line, units): (usize, usize, Option<u64>), context: &Context<'_>) {
        let orders: Vec<_> = self.orders.values().cloned().collect();
        let scored = &orders[order % orders.len()];
        let kept = scored.kept_units();
        let at = context.now.max(scored.order.placed_at);
        let reversing = match units {
            None => Reversing::Cancellation(CancellationDocument { cancelled_at: at }),
            Some(units) => {
                let line = line % kept.len();
                let line_id = &scored.order.lines[line].line_id;
                let document = json!({
                    "return_id": format!("r{number}"), "returned_at": at.to_string(),
                    "lines": [{ "line_id": line_id, "quantity": units % kept[line].max(1) + 1 }],
                });
                Reversing::Return(return_document(&document).unwrap())
            }
        };
        if returns::repeat(scored, &reversing).is_some() {
            return;
        }
        let account = self.account.clone().unwrap();
        let before = account.points().unwrap();
        let program = &context.schedule.version(scored.score.program_version).unwrap().program;
        let codes = scored.codes_to_give_back(&reversing.key(), program);
        let used = NamedCode::of_own(codes.iter().map(|code| &self.discounts[code]));
        match returns::decide(&account, scored, &reversing, &used, self.qualified_by(scored).as_ref(), context) {
            Ok(decision) => {
                decision.writes.into_iter().for_each(|write| self.apply(write));
                assert_eq!(returns::repeat(&decision.answer, &reversing), Some(Ok(())), "a repeat is recognised");
                // Only what it had used itself comes back.
                let gives = decision.answer.history.uses.is_some();
                assert!(gives || self.account.as_ref().unwrap().points().unwrap() <= before);
            }
            Err(rejection) => assert!(matches!(rejection, Rejection::Invalid(_)), "{rejection:?}"),
        }
    }
}

impl World {
    /// States an order anew under the next revision.
    pub fn amend(
        &mut self,
        stored: &ScoredOrder,
        mut order: Order,
        context: &Context<'_>,
    ) -> Result<Arc<ScoredOrder>, Rejection> {
        order.revision = stored.order.revision + 1;
        let (order, hash) = (Arc::new(order.clone()), order.content_hash());
        let discounts = NamedCode::of_own(self.discounts.values());
        let account = self.account.clone().unwrap();
        let redemption = self.qualified_by(stored);
        let decision = amendment::decide(&account, &discounts, stored, &order, hash, redemption.as_ref(), context)?;
        let commits = decision.writes.iter().any(|write| matches!(write, Write::Put(Record::Account(_), _)));
        let pays = order.payment_state == Some(PaymentState::Paid) && stored.history.payment.is_none();
        assert_eq!(commits, pays || !stored.order.says_the_same(&order), "a new number alone moves nothing");
        decision.writes.into_iter().for_each(|write| self.apply(write));
        assert_eq!(score::repeat(&decision.answer, &order, &hash), Ok(decision.answer.clone()));
        Ok(decision.answer)
    }

    /// States one of its orders anew as a step says.
    pub fn amend_one(&mut self, step: &Step, (place, keeps_codes): (usize, bool), context: &Context<'_>) {
        let orders: Vec<_> = self.orders.values().cloned().collect();
        let stored = &orders[place % orders.len()];
        let code = self.code(step);
        let mut order = order(0, step, stored.order.placed_at, code.as_ref());
        order.key = stored.order.key.clone();
        order.account_id = stored.order.account_id.clone();
        if keeps_codes {
            order.discount_codes = stored.order.discount_codes.clone();
        }
        let usable = |code: &Code| {
            let discount = &self.discounts[code];
            discount.check(context.now).is_ok() && !discount.issued_by.is(&order.key)
        };
        let is_fine = |code: &Code| stored.order.discount_codes.contains(code) || usable(code);
        let expected = order.discount_codes.iter().all(is_fine);
        let answer = self.amend(stored, order, context);
        assert_eq!(answer.is_ok(), expected, "refused exactly where a code cannot be used: {answer:?}");
        if let Ok(after) = answer {
            assert_eq!(after.score, stored.score, "what it was first scored with stays");
            assert_eq!(after.history.returns, stored.history.returns, "returns already made stay made");
        }
    }

    /// The redemption that an order had qualified.
    pub fn qualified_by(&self, scored: &ScoredOrder) -> Option<Redemption> {
        self.redemption.clone().filter(|_| scored.qualified_referral())
    }

    /// The code that a step names.
    pub fn code(&self, step: &Step) -> Option<Code> {
        let codes: Vec<_> = self.discounts.keys().cloned().collect();
        step.code.filter(|_| !codes.is_empty()).map(|n| codes[n % codes.len()].clone())
    }
}

/// Opens the account with points by the days until they end, or with a debt, and a tier above the lowest.
pub fn open(world: &mut World, lots: &BTreeMap<i32, i64>, debt: i64, context: &Context<'_>) {
    let owes = debt > 0 && context.schedule.at(context.now).program.points.shortfall != Shortfall::WriteOff;
    let lot = |days: Option<i32>, points| OpeningLot {
        expires_on: days.map(|days| Day(context.now.utc_day().0 + days)),
        points: Points(points),
    };
    let held = lots.iter().map(|(days, points)| lot((*days != 0).then_some(*days), *points));
    let lots: Vec<_> = if owes { vec![lot(None, -debt)] } else { held.collect() };
    let money = |amount| Money { amount: Minor(amount), currency: Currency::GBP };
    let opening = Opening {
        account_id: AccountId::parse("acme").unwrap(),
        tier: Some(TierId::parse("silver").unwrap()),
        tier_since: None,
        joined_on: None,
        first_purchase: None,
        last_purchase: None,
        past: PastTotals { orders: 7, units: 70, revenue: money(12_345), eligible_spend: money(12_000) },
        points_earned: (debt > 0).then_some(Points(debt)),
        lots,
    };
    let mut decision = opening::open(None, &opening, context).unwrap();
    let Write::Put(Record::Command(record), Guard::Absent) = decision.writes.remove(0) else { panic!("its record") };
    decision.writes.into_iter().for_each(|write| world.apply(write));
    assert_eq!(opening::repeat(&record, &opening), Ok(decision.answer), "a repeat is recognised");
    world.opening = Some(opening);
}
