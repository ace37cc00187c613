//! Accounts that share budgets and stocks, replayed: under the versions in force they end where they stand, and under a
//! draft where the shop would have brought them under it, one commit after the other.

use crate::limits::Limits;
use crate::{HOUR_MS, START, document, schedule, secrets};
use domain::account::Account;
use domain::decision::{Context, Decision, Record, Rejection, Write};
use domain::earning::Beside;
use domain::id::{AccountId, OrderKey, RuleId};
use domain::idempotency::CommandKey;
use domain::ledger::Entry;
use domain::limit::{Limit, LimitId};
use domain::order::Order;
use domain::program::Program;
use domain::returns::{self, CancellationDocument, Reversing};
use domain::rewards::{self, CancelState, RedeemState, RewardRedemption, stock_id};
use domain::schedule::Schedule;
use domain::score::{self, ScoredOrder};
use domain::simulation::{Assumed, Compared, Facts, Figures, Outcome, PASSES_MAX, Plan, Repeating, Takes, simulate};
use domain::time::Instant;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a simulation came to, and after how many passes.
pub struct Settled {
    pub compared: Vec<Compared>,
    pub passes: u32,
}

/// Replays these accounts until what they take of limits repeats itself.
pub fn settled(facts: &[Facts], in_force: &Schedule, draft: &Schedule) -> Settled {
    let as_of = facts.iter().map(|facts| facts.account.last_decided).max().unwrap_or(Instant::MIN);
    let mut taken = Takes::default();
    facts.iter().for_each(|facts| taken.extend(Takes::stored(facts, in_force)));
    for passes in 1..=PASSES_MAX {
        let assumed = Assumed::of(std::mem::take(&mut taken)).unwrap();
        let plan = Plan { in_force, draft, secrets: &secrets(), as_of, assumed: Some(&assumed) };
        let (mut repeating, mut compared) = (Repeating::default(), Vec::new());
        for facts in facts {
            let mut one = simulate(facts, &plan).unwrap();
            let takes = Takes { in_force: one.in_force.takes.clone(), draft: one.draft.takes.clone() };
            assert_eq!(one.clone().take_takes(), takes);
            repeating.note(&takes, &assumed);
            taken.extend(one.take_takes());
            (one.in_force.takes, one.draft.takes) = (takes.in_force, takes.draft);
            compared.push(one);
        }
        if repeating.has_settled(&assumed) {
            return Settled { compared, passes };
        }
    }
    panic!("it does not settle: {facts:#?}");
}

/// One thing that somebody does.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Orders so many units at 1.00.
    Order(u64),
    /// Spends points on this reward.
    Redeem(&'static str),
    /// Cancels the redemption of this act.
    GiveBack(usize),
    /// Cancels the order of this act.
    CancelOrder(usize),
}

/// What is stored of one account.
#[derive(Default)]
struct Books {
    account: Option<Account>,
    entries: Vec<Entry>,
    orders: BTreeMap<OrderKey, Arc<ScoredOrder>>,
    redemptions: BTreeMap<u64, RewardRedemption>,
}

/// A shop whose customers share limits, and what they did: by the act, who redeemed what.
#[derive(Default)]
struct Shop {
    books: BTreeMap<String, Books>,
    limits: Limits,
    redeemed: BTreeMap<usize, (String, u64)>,
    /// The acts that were not refused.
    done: BTreeSet<usize>,
}

impl Shop {
    /// What these acts come to, an hour each, under a program.
    fn after(acts: &[(&str, Act)], schedule: &Schedule) -> Self {
        let (mut shop, secrets) = (Self::default(), secrets());
        for (number, (who, act)) in acts.iter().enumerate() {
            let now = Instant::parse(START).unwrap().plus_ms(HOUR_MS * number as i64);
            let wall_day = now.utc_day();
            let context = Context { schedule, secrets: &secrets, by: "test", now, wall_day, collisions: 0 };
            let is_done = match act {
                Act::Order(units) => shop.order(number, who, *units, &context),
                Act::Redeem(reward) => shop.redeem(number, who, reward, &context),
                Act::GiveBack(of) => shop.give_back(*of, &context),
                Act::CancelOrder(of) => shop.cancel_order(*of, who, &context),
            };
            shop.done.extend(is_done.then_some(number));
        }
        shop
    }

    fn order(&mut self, number: usize, who: &str, units: u64, context: &Context<'_>) -> bool {
        let order = Order::from_json(&json!({
            "source": "shop", "order_id": number.to_string(), "account_id": who, "currency": "GBP",
            "placed_at": context.now.to_string(),
            "lines": [{ "line_id": "1", "sku": "MUG", "quantity": units, "unit_price": "1.00" }],
        }));
        let (order, limits) = (Arc::new(order.unwrap()), self.limits.all());
        let beside = Beside { limits: &limits, ..Beside::default() };
        let account = self.of(who).account.clone();
        let decided = score::decide_beside(account.as_ref(), &[], None, &beside, (&order, [0; 32]), context);
        self.apply(who, decided)
    }

    fn redeem(&mut self, number: usize, who: &str, reward: &str, context: &Context<'_>) -> bool {
        let id = stock_id(&RuleId::parse(reward).unwrap());
        let state = RedeemState { account: self.of(who).account.clone(), stock: self.limit(&id), ..Default::default() };
        let document = rewards::redeem_document(&json!({ "reward": reward })).unwrap();
        let key = CommandKey::new("test", "redeem", &number.to_string()).unwrap();
        let decided = rewards::redeem(&state, &document, &key, context);
        let redemption = decided.as_ref().ok().map(|decision| decision.answer.redeemed.redemption_id);
        self.redeemed.extend(redemption.map(|id| (number, (who.to_owned(), id))));
        self.apply(who, decided)
    }

    fn give_back(&mut self, of: usize, context: &Context<'_>) -> bool {
        let Some((who, id)) = self.redeemed.get(&of).cloned() else { return false };
        let books = self.of(&who);
        let Some(redemption) = books.redemptions.get(&id).filter(|one| one.cancelled.is_none()).cloned() else {
            return false;
        };
        let account = books.account.clone();
        let stock = self.limit(&stock_id(&redemption.reward));
        let state = CancelState { redemption: Some(redemption), account, stock, ..Default::default() };
        let document = rewards::cancel_document(&json!({ "reason": "A test" })).unwrap();
        self.apply(&who, rewards::cancel(&state, &document, context))
    }

    fn cancel_order(&mut self, of: usize, who: &str, context: &Context<'_>) -> bool {
        let books = self.of(who);
        let found = books.orders.values().find(|scored| scored.order.key.order_id.as_str() == of.to_string()).cloned();
        let Some((scored, account)) = found.zip(books.account.clone()) else { return false };
        let reversing = Reversing::Cancellation(CancellationDocument { cancelled_at: context.now });
        if returns::repeat(&scored, &reversing).is_some() {
            return false;
        }
        self.apply(who, returns::decide(&account, &scored, &reversing, &[], None, context))
    }

    fn of(&mut self, who: &str) -> &mut Books {
        self.books.entry(who.to_owned()).or_default()
    }

    fn limit(&self, id: &LimitId) -> Option<Limit> {
        self.limits.all().into_iter().find(|limit| limit.id() == id)
    }

    /// Stores what was decided; answers whether it was not refused.
    fn apply<T>(&mut self, who: &str, decided: Result<Decision<T>, Rejection>) -> bool {
        let Ok(Decision { writes, .. }) = decided else { return false };
        for write in writes {
            match write {
                Write::Shard(write) => assert!(self.limits.change(&write), "{write:?}"),
                Write::Put(Record::Account(account), _) => self.of(who).account = Some(*account),
                Write::Put(Record::Entry(entry), _) => self.of(who).entries.push(*entry),
                Write::Put(Record::Order(scored), _) => {
                    self.of(who).orders.insert(scored.order.key.clone(), scored);
                }
                Write::Put(Record::RewardRedemption(redemption), _) => {
                    self.of(who).redemptions.insert(redemption.redemption_id, *redemption);
                }
                _ => {}
            }
        }
        true
    }

    fn facts(&self) -> Vec<Facts> {
        let facts = |books: &Books| {
            Some(Facts {
                account: books.account.clone()?,
                entries: books.entries.clone(),
                orders: books.orders.clone(),
                discounts: BTreeMap::new(),
                credit_notes: BTreeMap::new(),
                opening: None,
                roles: BTreeMap::new(),
            })
        };
        self.books.values().filter_map(facts).collect()
    }
}

/// What accounts come to as they are stored.
fn happened(shop: &Shop, schedule: &Schedule) -> BTreeMap<AccountId, Outcome> {
    let settled = settled(&shop.facts(), schedule, schedule);
    settled.compared.into_iter().map(|compared| (compared.account_id, compared.happened)).collect()
}

fn with(rules: Value, rewards: Value) -> Result<Schedule, String> {
    let mut document = document(0, 60);
    document.as_object_mut().unwrap().remove("discounts");
    (document["earning_rules"], document["rewards"]) = (rules, rewards);
    document["tiers"]["levels"] = json!([{ "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" }]);
    Program::from_json(&document).map(schedule).map_err(|faults| format!("{faults:?}"))
}

fn rules(listed: &[Value]) -> Schedule {
    let named = listed.iter().map(|rule| {
        let mut rule = rule.clone();
        rule["name"] = rule["id"].clone();
        rule
    });
    with(named.collect(), json!([])).unwrap()
}

/// The points that accounts were issued, together: as stored, replayed, and under a draft.
fn issued(facts: &[Facts], in_force: &Schedule, draft: &Schedule) -> [i64; 3] {
    let mut sums = [0; 3];
    for one in settled(facts, in_force, draft).compared {
        for (sum, outcome) in sums.iter_mut().zip([&one.happened, &one.in_force.outcome, &one.draft.outcome]) {
            *sum += outcome.total().unwrap().points_issued.0;
        }
    }
    sums
}

#[test]
fn a_rule_that_fires_once_the_budget_of_another_is_spent_fires_in_a_replay() {
    let program = |points: u64, stop: bool| {
        rules(&[
            json!({"id": "x", "points": 5, "per_units": 1, "budget": 10, "stop": stop}),
            json!({"id": "y", "points": points, "per_units": 1, "budget": 1_000}),
        ])
    };
    let in_force = program(3, true);
    let shop = Shop::after(&[("a", Act::Order(2)), ("b", Act::Order(4)), ("c", Act::Order(1))], &in_force);
    let facts = shop.facts();
    assert_eq!(issued(&facts, &in_force, &in_force), [25, 25, 25]);
    assert_eq!(issued(&facts, &in_force, &program(4, true)), [25, 25, 30]);
    assert_eq!(issued(&facts, &in_force, &program(3, false)), [25, 25, 31]);
    assert_eq!(settled(&facts, &in_force, &in_force).passes, 1, "what is stored repeats itself at once");
}

#[test]
fn the_best_of_a_group_is_chosen_by_what_is_left_of_their_budgets() {
    let program = |budget: u64| {
        rules(&[
            json!({"id": "g1", "points": 4, "per_units": 1, "budget": budget, "group": "g"}),
            json!({"id": "g2", "points": 10, "group": "g", "when": {"minimum_total": "3.00"}}),
        ])
    };
    let in_force = program(20);
    let facts = Shop::after(&[("a", Act::Order(4)), ("b", Act::Order(4)), ("c", Act::Order(1))], &in_force).facts();
    assert_eq!(issued(&facts, &in_force, &in_force), [30, 30, 30]);
    // 16, 16 and the 3 that are left then.
    assert_eq!(issued(&facts, &in_force, &program(35)), [30, 30, 35]);
    // 12 of 12, 10 and 0.
    assert_eq!(issued(&facts, &in_force, &program(12)), [30, 30, 22]);
}

#[test]
fn a_stock_over_all_accounts_is_had_by_whoever_comes_first() {
    let program = |stock: u64| {
        let base = json!([{"id": "base", "name": "Base", "points": 20, "per_units": 1}]);
        let goods = json!({"sku": "MUG", "quantity": 1});
        with(base, json!([{"id": "mug", "name": "Mug", "points": 10, "product": goods, "stock": stock}])).unwrap()
    };
    let in_force = program(5);
    let mut acts = vec![("a", Act::Order(9)), ("b", Act::Order(9)), ("c", Act::Order(9))];
    acts.extend(["a", "b", "c", "b", "a"].map(|who| (who, Act::Redeem("mug"))));
    let facts = Shop::after(&acts, &in_force).facts();
    let under = |draft: &Schedule| {
        let compared = settled(&facts, &in_force, draft).compared;
        assert!(compared.iter().all(Compared::is_reproduced));
        let spent = |one: &Compared| one.draft.outcome.total().unwrap().points_spent.0;
        let refused = compared.iter().map(|one| one.draft.left_out.redemptions_refused).sum::<u64>();
        (compared.iter().map(spent).sum::<i64>(), refused)
    };
    assert_eq!((under(&in_force), under(&program(1)), under(&program(3))), ((50, 0), (10, 4), (30, 2)));
    // What is given back is there for whoever comes next, but not for whoever came before.
    acts.insert(5, ("a", Act::GiveBack(3)));
    let facts = Shop::after(&acts, &in_force).facts();
    let compared = settled(&facts, &in_force, &program(1)).compared;
    let spent = |one: &Compared| one.draft.outcome.total().map(|Figures { points_spent, .. }| points_spent.0).unwrap();
    assert_eq!(compared.iter().map(spent).collect::<Vec<_>>(), [0, 0, 10]);
}

/// An earning rule: points for each unit, a budget, whether it ends the list, whether it is in a group, and from what
/// total on it fires.
type Rule = (u64, Option<u64>, bool, bool, Option<u64>);

fn programs() -> impl Strategy<Value = Schedule> {
    let rule = (
        1_u64..9,
        prop::option::weighted(0.7, 1_u64..60),
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.5),
        prop::option::weighted(0.4, 2_u64..6),
    );
    let stock = || prop::option::weighted(0.8, 1_u64..6);
    (prop::collection::vec(rule, 1..5), stock(), stock(), 3_u64..20).prop_filter_map(
        "a program that makes no sense",
        |(rules, mugs, cups, price)| {
            let rule = |(place, (points, budget, stop, group, minimum)): (usize, Rule)| {
                let mut rule = json!({"id": format!("r{place}"), "name": "R", "points": points, "per_units": 1});
                let fields = rule.as_object_mut().unwrap();
                fields.extend(budget.map(|budget| ("budget".to_owned(), json!(budget))));
                fields.extend(stop.then(|| ("stop".to_owned(), json!(true))));
                fields.extend(group.then(|| ("group".to_owned(), json!("g"))));
                let when = minimum.map(|total| json!({"minimum_total": format!("{total}.00")}));
                fields.extend(when.map(|when| ("when".to_owned(), when)));
                rule
            };
            let reward = |id: &str, points: u64, stock: Option<u64>| {
                let goods = json!({"sku": "MUG", "quantity": 1});
                let mut reward = json!({"id": id, "name": id, "points": points, "product": goods});
                reward.as_object_mut().unwrap().extend(stock.map(|stock| ("stock".to_owned(), json!(stock))));
                reward
            };
            let rewards = json!([reward("mug", price, mugs), reward("cup", 9, cups)]);
            with(rules.into_iter().enumerate().map(rule).collect(), rewards).ok()
        },
    )
}

fn acts() -> impl Strategy<Value = Vec<(&'static str, Act)>> {
    let act = prop_oneof![
        6 => (1_u64..8).prop_map(Act::Order),
        4 => prop::sample::select(vec!["mug", "cup"]).prop_map(Act::Redeem),
        2 => (0_usize..40).prop_map(Act::GiveBack),
        1 => (0_usize..40).prop_map(Act::CancelOrder),
    ];
    prop::collection::vec((prop::sample::select(vec!["a", "b", "c", "d"]), act), 1..50)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_version_in_force_differs_in_nothing_whatever_is_shared(acts in acts(), in_force in programs()) {
        let shop = Shop::after(&acts, &in_force);
        let Settled { compared, passes } = settled(&shop.facts(), &in_force, &in_force);
        for one in &compared {
            prop_assert!(one.is_reproduced(), "{:#?}", one);
            prop_assert_eq!(&one.in_force, &one.draft);
        }
        prop_assert_eq!(passes, 1);
    }

    #[test]
    fn a_draft_comes_to_what_the_shop_would_have_done_under_it(
        acts in acts(), in_force in programs(), draft in programs(),
    ) {
        let shop = Shop::after(&acts, &in_force);
        // Nobody does under the draft what was refused: of that nothing is stored.
        let unrefused = |(number, (who, act)): (usize, &(&'static str, Act))| match shop.done.contains(&number) {
            true => (*who, *act),
            false => (*who, Act::GiveBack(usize::MAX)),
        };
        let done: Vec<_> = acts.iter().enumerate().map(unrefused).collect();
        let expected = happened(&Shop::after(&done, &draft), &draft);
        let Settled { compared, .. } = settled(&shop.facts(), &in_force, &draft);
        for one in compared {
            prop_assert!(one.is_reproduced());
            // Both are looked at when the last of all accounts was decided, which may be refused in one of them.
            prop_assert_eq!(Some(&one.draft.outcome), expected.get(&one.account_id));
        }
    }
}
