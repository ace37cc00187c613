//! Codes that accounts share, over random histories of several accounts: never more uses than a code states, in all and of
//! each account, and what is counted as used is what orders use.

use crate::limits::Limits;
use crate::{HOUR_MS, START, document, schedule, secrets};
use domain::account::Account;
use domain::amendment;
use domain::code::Code;
use domain::decision::{Context, Decision, Guard, Record, Rejection, Write};
use domain::discount::{Discount, Unusable};
use domain::id::OrderKey;
use domain::idempotency::CommandKey;
use domain::ledger::Entry;
use domain::named_code::NamedCode;
use domain::order::Order;
use domain::program::Program;
use domain::returns::{self, CancellationDocument, Reversing, return_document};
use domain::schedule::Schedule;
use domain::score::{self, ScoredOrder};
use domain::shared_code::{self, SharedCode, SharedCodeDocument, SharedFound, SharedUses};
use domain::simulation::{Facts, Plan, simulate};
use domain::time::Instant;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const ACCOUNTS: [&str; 3] = ["acme", "beta", "gamma"];
const CODES: usize = 3;
const UNITS: u64 = 3;

/// What an order names: which of the shared codes, and whether an own discount that is open.
type Names = ([bool; CODES], bool);

#[derive(Debug, Clone)]
enum Act {
    /// Somebody orders.
    Order(usize, Names),
    /// So many units of an order (modulo what there is) come back; without, it is cancelled.
    Undo(usize, Option<u64>),
    /// An order (modulo what there is) names other codes.
    Amend(usize, Names),
    /// The merchant ends a code.
    End(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0..ACCOUNTS.len(), names()).prop_map(|(who, names)| Act::Order(who, names)),
        2 => any::<usize>().prop_map(|order| Act::Undo(order, None)),
        2 => (any::<usize>(), 1..=UNITS).prop_map(|(order, units)| Act::Undo(order, Some(units))),
        3 => (any::<usize>(), names()).prop_map(|(order, names)| Act::Amend(order, names)),
        1 => (0..CODES * 4).prop_map(Act::End),
    ]
}

fn names() -> impl Strategy<Value = Names> {
    (any::<[bool; CODES]>(), any::<bool>())
}

#[derive(Default)]
struct Books {
    account: Option<Account>,
    entries: Vec<Entry>,
    orders: BTreeMap<OrderKey, Arc<ScoredOrder>>,
    discounts: BTreeMap<Code, Discount>,
}

/// Accounts that share codes.
struct Fair {
    schedule: Schedule,
    now: Instant,
    codes: Vec<SharedCode>,
    uses: BTreeMap<(String, Code), SharedUses>,
    limits: Limits,
    books: BTreeMap<String, Books>,
    /// Orders in the sequence in which they were placed, and whose.
    placed: Vec<(String, OrderKey)>,
}

impl Fair {
    /// Codes of 5 %, of 2.00 and of 7.5 %, with so many uses in all and of each account.
    fn open(given_back: &str, uses: [Option<u64>; CODES], each: [u32; CODES]) -> Self {
        let mut program = document(0, 12);
        program["checkout"] = json!({ "discounts_given_back": given_back });
        let mut fair = Self {
            schedule: schedule(Program::from_json(&program).unwrap()),
            now: Instant::parse(START).unwrap(),
            codes: Vec::new(),
            uses: BTreeMap::new(),
            limits: Limits::default(),
            books: BTreeMap::new(),
            placed: Vec::new(),
        };
        for (number, ((key, value), (uses, each))) in [("percent", "5"), ("amount", "2.00"), ("percent", "7.5")]
            .into_iter()
            .zip(uses.into_iter().zip(each))
            .enumerate()
        {
            let document = json!({ "name": "Fair", key: value, "uses": uses, "uses_per_account": each });
            let program = fair.schedule.at(fair.now).program.clone();
            let document = SharedCodeDocument::from_json(&document, &program).unwrap();
            let key = CommandKey::new("shop", "POST /v1/shared-codes", &number.to_string()).unwrap();
            let issued = fair.decide(|context| shared_code::issue(&document, &key, None, context)).unwrap();
            fair.codes.push(issued);
        }
        fair
    }

    /// Decides, and stores what was decided; every guard must hold.
    fn decide<T>(
        &mut self,
        decide: impl FnOnce(&Context<'_>) -> Result<Decision<T>, Rejection>,
    ) -> Result<T, Rejection> {
        let (secrets, now) = (secrets(), self.now);
        let schedule = self.schedule.clone();
        let context =
            Context { schedule: &schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        let Decision { writes, answer } = decide(&context)?;
        writes.into_iter().for_each(|write| self.apply(write));
        Ok(answer)
    }

    fn apply(&mut self, write: Write) {
        let version = |held: Option<u64>| held.map_or(Guard::Absent, Guard::Version);
        match write {
            Write::Shard(write) => assert!(self.limits.change(&write), "{write:?}"),
            Write::Put(Record::Account(account), _) => {
                let who = account.id.to_string();
                self.of(&who).account = Some(*account);
            }
            Write::Put(Record::Entry(entry), _) => self.of(entry.account_id.as_str()).entries.push(*entry),
            Write::Put(Record::Order(scored), guard) => {
                let who = scored.order.account_id.to_string();
                let before = self.of(&who).orders.insert(scored.order.key.clone(), scored);
                assert_eq!(guard, version(before.map(|held| held.version)));
            }
            Write::Put(Record::Discount(discount), guard) => {
                let who = discount.account_id.to_string();
                let before = self.of(&who).discounts.insert(discount.code.clone(), *discount);
                assert_eq!(guard, version(before.map(|held| held.version)));
            }
            Write::Put(Record::SharedUses(uses), guard) => {
                let before = self.uses.insert((uses.account_id.to_string(), uses.code.clone()), *uses);
                assert_eq!(guard, version(before.map(|held| held.version)));
            }
            Write::Put(Record::SharedCode(_), _) => {}
            other => panic!("{other:?}"),
        }
    }

    fn of(&mut self, who: &str) -> &mut Books {
        self.books.entry(who.to_owned()).or_default()
    }

    fn uses(&self, who: &str, code: &Code) -> Option<SharedUses> {
        self.uses.get(&(who.to_owned(), code.clone())).cloned()
    }

    /// All that an account's orders may name.
    fn found(&self, who: &str) -> Vec<NamedCode> {
        let shared = self.codes.iter().map(|code| {
            let limit = self.limits.all().into_iter().find(|limit| Some(limit.id()) == code.limit_id().as_ref());
            SharedFound { code: code.clone(), uses: self.uses(who, &code.code), limit }.into()
        });
        let own = self.books.get(who).into_iter().flat_map(|books| books.discounts.values());
        NamedCode::of_own(own).into_iter().chain(shared).collect()
    }

    fn named(&self, who: &str, (shared, own): Names) -> Vec<Code> {
        let shared = self.codes.iter().zip(shared).filter(|(_, named)| *named).map(|(code, _)| code.code.clone());
        let account = self.books.get(who).and_then(|books| books.account.as_ref());
        let open = account.and_then(|account| account.discounts.iter().find(|open| open.expires_at > self.now));
        shared.chain(open.filter(|_| own).map(|open| open.code.clone())).collect()
    }

    /// Why an account cannot use a shared code once more, by what all of its orders use.
    fn expected(&self, who: &str, code: &Code) -> Result<(), Unusable> {
        let Some(shared) = self.codes.iter().find(|shared| shared.code == *code) else { return Ok(()) };
        let count = |who: &str| {
            let orders = self.books.get(who).into_iter().flat_map(|books| books.orders.values());
            orders.filter(|scored| scored.codes_in_use().contains(code)).count() as u64
        };
        let all: u64 = ACCOUNTS.iter().map(|who| count(who)).sum();
        match () {
            () if shared.ended_at.is_some() => Err(Unusable::Expired),
            () if count(who) >= u64::from(shared.terms.uses_per_account) => Err(Unusable::Used),
            () if shared.terms.uses.is_some_and(|total| all >= total) => Err(Unusable::UsedUp),
            () => Ok(()),
        }
    }

    fn document(&self, who: &str, number: usize, placed_at: Instant, codes: &[Code], revision: u64) -> Arc<Order> {
        let order = Order::from_json(&json!({
            "source": "shop", "order_id": number.to_string(), "account_id": who, "currency": "GBP",
            "placed_at": placed_at.to_string(), "discount_codes": codes, "revision": revision,
            "lines": [{ "line_id": "1", "sku": "MUG", "quantity": UNITS, "unit_price": "90.00" }],
        }));
        Arc::new(order.unwrap())
    }

    fn order(&mut self, who: &str, names: Names) -> Result<Arc<ScoredOrder>, Rejection> {
        let codes = self.named(who, names);
        let order = self.document(who, self.placed.len(), self.now, &codes, 0);
        let (account, found) = (self.of(who).account.clone(), self.found(who));
        let refused = codes.iter().enumerate().find_map(|(index, code)| {
            let reason = self.expected(who, code).err()?;
            Some(Rejection::DiscountUnusable { index: Some(index), code: code.clone(), reason })
        });
        let hash = order.content_hash();
        let decided = self.decide(|context| score::decide(account.as_ref(), &found, None, &order, hash, context));
        assert_eq!(decided.as_ref().err(), refused.as_ref());
        if decided.is_ok() {
            self.placed.push((who.to_owned(), order.key.clone()));
        }
        decided
    }

    fn stored(&self, place: usize) -> Option<(String, Arc<ScoredOrder>)> {
        let (who, key) = self.placed.get(place.checked_rem(self.placed.len())?)?;
        Some((who.clone(), self.books[who].orders[key].clone()))
    }

    fn undo(&mut self, place: usize, units: Option<u64>) {
        let Some((who, scored)) = self.stored(place) else { return };
        let left = scored.units_kept();
        let at = self.now;
        let reversing = match units.map(|units| units.min(left)) {
            Some(0) => return,
            Some(units) => {
                let document = json!({ "return_id": format!("r-{}", at.as_ms()), "returned_at": at.to_string(),
                                       "lines": [{ "line_id": "1", "quantity": units }] });
                Reversing::Return(return_document(&document).unwrap())
            }
            None => Reversing::Cancellation(CancellationDocument { cancelled_at: at }),
        };
        if returns::repeat(&scored, &reversing).is_some() {
            return;
        }
        let program = self.schedule.at(at).program.clone();
        let codes = scored.codes_to_give_back(&reversing.key(), &program).to_vec();
        let used: Vec<_> = self.found(&who).into_iter().filter(|named| codes.contains(named.code())).collect();
        let account = self.of(&who).account.clone().unwrap();
        self.decide(|context| returns::decide(&account, &scored, &reversing, &used, None, context)).unwrap();
    }

    fn amend(&mut self, place: usize, names: Names) {
        let Some((who, stored)) = self.stored(place) else { return };
        let codes = self.named(&who, names);
        let number = stored.order.key.order_id.as_str().parse().unwrap();
        let order = self.document(&who, number, stored.order.placed_at, &codes, stored.order.revision + 1);
        let new = |code: &Code| !stored.codes_in_use().contains(code);
        let is_undone = !stored.codes_used().is_empty() && stored.codes_in_use().is_empty();
        let is_fine = |code: &Code| {
            let own = self.books[&who].discounts.get(code).is_some_and(|own| own.issued_by.is(&order.key));
            let stays = is_undone && stored.is_cancelled() && stored.codes_used().contains(code);
            !own && (!new(code) || stays || self.expected(&who, code).is_ok())
        };
        let is_certain = stored.is_cancelled() || stored.units_kept() > 0;
        let expected = codes.iter().all(is_fine);
        let (account, found, hash) = (self.of(&who).account.clone().unwrap(), self.found(&who), order.content_hash());
        let decided = self.decide(|context| amendment::decide(&account, &found, &stored, &order, hash, None, context));
        assert!(!is_certain || decided.is_ok() == expected, "{decided:?}");
    }

    fn end(&mut self, place: usize) {
        let Some(held) = self.codes.get(place).cloned() else { return };
        let ended = self.decide(|context| shared_code::end(Some(&held), context)).unwrap();
        self.codes[place] = ended;
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Order(who, names) => drop(self.order(ACCOUNTS[*who], *names)),
            Act::Undo(order, units) => self.undo(*order, *units),
            Act::Amend(order, names) => self.amend(*order, *names),
            Act::End(code) => self.end(*code),
        }
        self.now = self.now.plus_ms(HOUR_MS);
    }

    fn check(&self) {
        for shared in &self.codes {
            let mut all = 0;
            for who in ACCOUNTS {
                let orders = self.books.get(who).into_iter().flat_map(|books| books.orders.values());
                let orders = orders.filter(|scored| scored.codes_in_use().contains(&shared.code)).count() as u64;
                let used = self.uses(who, &shared.code).map_or(0, |uses| uses.used);
                assert_eq!(u64::from(used), orders, "{who}: {}", shared.code);
                assert!(used <= shared.terms.uses_per_account);
                all += orders;
            }
            let limit = self.limits.all().into_iter().find(|limit| Some(limit.id()) == shared.limit_id().as_ref());
            assert_eq!(limit.is_some(), shared.terms.uses.is_some());
            if let Some((limit, total)) = limit.zip(shared.terms.uses) {
                assert_eq!((limit.used(), limit.left(total)), (Ok(all), Ok(total - all)));
            }
        }
        for books in self.books.values() {
            let Some(account) = &books.account else { continue };
            let used: usize = books.orders.values().map(|scored| scored.codes_in_use().len()).sum();
            let months: u64 = account.activity.months().iter().map(|month| month.discounts_used).sum();
            assert_eq!((account.lifetime.discounts_used, months), (used as u64, used as u64));
        }
    }

    /// What is stored of each account, replayed.
    fn replay(&self) {
        for books in self.books.values() {
            let Some(account) = books.account.clone() else { continue };
            let facts = Facts {
                account,
                entries: books.entries.clone(),
                orders: books.orders.clone(),
                discounts: books.discounts.clone(),
                credit_notes: BTreeMap::new(),
                opening: None,
                roles: BTreeMap::new(),
            };
            let schedule = &self.schedule;
            let plan =
                Plan { in_force: schedule, draft: schedule, secrets: &secrets(), as_of: self.now, assumed: None };
            let compared = simulate(&facts, &plan).unwrap();
            let left_out = compared.in_force.left_out;
            let refused = (left_out.orders_refused, left_out.returns_refused, left_out.discounts_not_issued);
            assert_eq!(refused, (0, 0, 0));
            let used = |outcome: &domain::simulation::Outcome| outcome.total().unwrap().discounts_used;
            assert_eq!(used(&compared.in_force.outcome), used(&compared.happened));
            assert!(left_out.orders_amended > 0 || compared.is_reproduced(), "{compared:#?}");
        }
    }
}

fn uses() -> impl Strategy<Value = [Option<u64>; CODES]> {
    [prop::option::weighted(0.8, 1_u64..9), prop::option::of(1_u64..5), prop::option::of(1_u64..5)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_counted_as_used_of_a_shared_code_is_what_orders_use(
        given_back in prop_oneof![Just("cancelled"), Just("returned"), Just("never")],
        uses in uses(), each in prop::array::uniform3(1_u32..4),
        acts in prop::collection::vec(act(), 1..50),
    ) {
        let mut fair = Fair::open(given_back, uses, each);
        for act in &acts {
            fair.act(act);
            fair.check();
        }
        fair.replay();
    }
}

fn off(fair: &Fair, who: &str, place: usize) -> (u64, i64) {
    let scored = &fair.books[who].orders[&fair.placed[place].1];
    let program = &fair.schedule.at(fair.now).program;
    let kept = returns::totals(scored, program).unwrap();
    (scored.discounts_counted(), scored.discount_value(&kept, program).unwrap().0)
}

#[test]
fn an_order_uses_a_percentage_and_an_amount_and_a_cancelled_one_gives_them_back() {
    let mut fair = Fair::open("cancelled", [Some(1), None, None], [1; 3]);
    fair.order("acme", ([true, true, false], false)).unwrap();
    // 270.00 were paid, 272.00 before the amount, 286.32 before the percentage.
    assert_eq!(off(&fair, "acme", 0), (2, 1_632));
    let told: Vec<_> = fair.books["acme"].entries[0].changes.iter().map(|change| json!(change)).collect();
    let code = fair.codes[0].code.clone();
    assert!(told.contains(&json!({ "type": "discount.used", "code": code, "shared": true })), "{told:?}");
    let refused = |reason| Rejection::DiscountUnusable { index: Some(0), code: code.clone(), reason };
    let percent = ([true, false, false], false);
    assert_eq!(fair.order("beta", percent).unwrap_err(), refused(Unusable::UsedUp));
    assert_eq!(fair.order("acme", percent).unwrap_err(), refused(Unusable::Used));
    assert!(!fair.books["beta"].orders.values().any(|_| true), "nothing of a refused order is stored");
    fair.undo(0, Some(UNITS));
    assert_eq!(fair.order("beta", percent).unwrap_err(), refused(Unusable::UsedUp), "it was not cancelled");
    fair.undo(0, None);
    let back = fair.stored(0).unwrap().1.history.returns[1].came_back.codes.clone();
    assert_eq!(back, [fair.codes[0].code.clone(), fair.codes[1].code.clone()]);
    assert_eq!(off(&fair, "acme", 0), (0, 0));
    fair.order("beta", percent).unwrap();
    fair.check();
}

#[test]
fn an_amendment_uses_what_it_names_anew_and_gives_back_what_it_leaves_out() {
    let mut fair = Fair::open("cancelled", [Some(1), Some(1), None], [1; 3]);
    fair.order("acme", ([true, false, false], false)).unwrap();
    fair.amend(0, ([false, true, true], false));
    assert_eq!(fair.stored(0).unwrap().1.codes_in_use(), [fair.codes[1].code.clone(), fair.codes[2].code.clone()]);
    fair.order("beta", ([true, false, false], false)).unwrap();
    // It would be the second use of either.
    fair.amend(0, ([true, true, true], false));
    fair.amend(1, ([true, true, false], false));
    assert_eq!(fair.stored(0).unwrap().1.order.revision, 1, "refused");
    assert_eq!(fair.stored(1).unwrap().1.order.revision, 0, "refused");
    fair.end(0);
    fair.amend(1, ([true, false, true], false));
    assert_eq!(fair.stored(1).unwrap().1.order.revision, 1, "what it uses already it keeps, ended or not");
    fair.undo(1, None);
    let back = fair.stored(1).unwrap().1.history.returns[0].came_back.clone();
    assert_eq!((back.codes, back.codes_ended), (vec![fair.codes[2].code.clone()], vec![fair.codes[0].code.clone()]));
    fair.amend(1, ([false, true, true], false));
    assert_eq!(fair.stored(1).unwrap().1.order.revision, 1, "a cancelled one uses none, and another's is used up");
    fair.check();
    fair.replay();
}
