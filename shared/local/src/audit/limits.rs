//! Budgets over all accounts and caps of one: what is counted as used against what the orders were given.
//!
//! Budgets are read before the orders and after them: what is committed meanwhile may stand in one and not in the other.
//! Counters of an account are read after its orders, so they are never behind.

use super::{Report, Subject};
use domain::account::Account;
use domain::counters::{Counter, CounterKey, Used};
use domain::id::{AccountId, RuleId};
use domain::limit::{LimitId, LimitKind};
use domain::money::Overflow;
use domain::schedule::Schedule;
use domain::score::ScoredOrder;
use domain::time::Instant;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use store::{Consistency, Fault, Store};

/// What of each budget is used, by its rule.
type Budgets = BTreeMap<RuleId, u64>;

/// What orders were given by rules that have limits.
pub(super) struct Limits {
    /// As stored before the orders were read.
    before: Budgets,
    /// By all orders.
    given: Budgets,
    /// By those of one account.
    counted: HashMap<AccountId, BTreeMap<CounterKey, Used>>,
}

impl Limits {
    /// Reads what is used of every budget that any version has.
    pub async fn read(store: &Store, schedule: &Schedule) -> Result<Self, Fault> {
        let versions = schedule.from(Instant::MIN);
        let rules = versions.flat_map(|span| span.program.earning.rules()).filter(|rule| rule.budget.is_some());
        let rules: BTreeSet<_> = rules.map(|rule| rule.id.clone()).collect();
        let before = read(store, rules.iter()).await?;
        Ok(Self { before, given: Budgets::new(), counted: HashMap::new() })
    }

    /// Notes what an order was given.
    pub fn note(&mut self, scored: &ScoredOrder, schedule: &Schedule) -> Result<(), Overflow> {
        let Some(version) = schedule.version(scored.score.program_version) else { return Ok(()) };
        for granted in &scored.score.granted {
            let Some(rule) = version.program.earning.rules().get(granted.place) else { continue };
            if rule.budget.is_some() {
                let given = self.given.entry(rule.id.clone()).or_default();
                let points = u64::try_from(granted.points.0).map_err(|_| Overflow)?;
                *given = given.checked_add(points).ok_or(Overflow)?;
            }
            if let Some(cap) = &rule.cap {
                let key = rule.counter(cap, version.program.calendar.month(scored.order.placed_at));
                let used = self.counted.entry(scored.order.account_id.clone()).or_default().entry(key).or_default();
                used.points = used.points.plus(granted.points)?;
                used.times = used.times.checked_add(1).ok_or(Overflow)?;
            }
        }
        Ok(())
    }

    /// Checks the counters of an account that was read after the orders. What is not counted any more is over.
    pub fn check_account(&self, account: &Account, report: &mut Report) {
        for Counter { key, used } in account.counters.all() {
            let given = self.counted.get(&account.id).and_then(|counted| counted.get(key)).copied().unwrap_or_default();
            if given.points > used.points || given.times > used.times {
                let what = format!(
                    "{} points on {} orders are counted for the cap of {}, {} on {} were given",
                    used.points, used.times, key.rule, given.points, given.times
                );
                report.find(Subject::Account(account.id.clone()), what);
            }
        }
    }

    /// Checks the budgets, read once more.
    pub async fn check(&self, store: &Store, report: &mut Report) -> Result<(), Fault> {
        let after = read(store, self.before.keys().chain(self.given.keys()).collect::<BTreeSet<_>>()).await?;
        for (rule, after) in &after {
            let used = |of: &Budgets| of.get(rule).copied().unwrap_or(0);
            let (before, given) = (used(&self.before), used(&self.given));
            if given < before || given > *after {
                let what = format!("{after} points of the budget of {rule} are used, orders were given {given}");
                report.find(Subject::Program, what);
            }
        }
        Ok(())
    }
}

async fn read(store: &Store, rules: impl IntoIterator<Item = &RuleId>) -> Result<Budgets, Fault> {
    let mut budgets = Budgets::new();
    for rule in rules {
        let limit = store.limit(LimitId::of(LimitKind::EarningBudget, rule), Consistency::Strong).await?;
        // More than fits was never given: whatever the orders say differs from it.
        budgets.insert(rule.clone(), limit.used().unwrap_or(u64::MAX));
    }
    Ok(budgets)
}
