//! Stocks of rewards over all accounts: what was taken from each against what accounts have of it.

use super::{Report, Subject};
use domain::id::RuleId;
use domain::limit::Limit;
use domain::rewards::stock_id;
use domain::schedule::Schedule;
use domain::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use store::{Consistency, Fault, LedgerRecord, Store};

/// Stocks as they were read before the accounts, and what accounts have of each.
pub(super) struct Stocks {
    before: BTreeMap<RuleId, Limit>,
    had: BTreeMap<RuleId, u64>,
}

impl Stocks {
    /// Those of every version that was or will be in force.
    pub(super) async fn read(store: &Store, schedule: &Schedule) -> Result<Self, Fault> {
        let versions = schedule.from(Instant::MIN).map(|span| span.program);
        let stocked = versions.flat_map(|program| &program.rewards).filter(|reward| reward.stock.is_some());
        let rewards: BTreeSet<_> = stocked.map(|reward| reward.id.clone()).collect();
        let mut before = BTreeMap::new();
        for reward in rewards {
            let stock = store.limit(stock_id(&reward), Consistency::Strong).await?;
            before.insert(reward, stock);
        }
        Ok(Self { before, had: BTreeMap::new() })
    }

    /// Counts what an account has of them.
    pub(super) fn note(&mut self, records: &[LedgerRecord]) {
        for record in records {
            let LedgerRecord::RewardRedemption(redemption) = record else { continue };
            if redemption.from_stock && redemption.cancelled.is_none() {
                let had = self.had.entry(redemption.reward.clone()).or_default();
                *had = had.saturating_add(1);
            }
        }
    }

    /// A stock of which something was taken or given back meanwhile is left alone.
    pub(super) async fn check(self, store: &Store, report: &mut Report) -> Result<(), Fault> {
        for (reward, before) in self.before {
            let now = store.limit(stock_id(&reward), Consistency::Strong).await?;
            let had = self.had.get(&reward).copied().unwrap_or(0);
            if now == before && now.used() != Ok(had) {
                let taken = now.used().map_or("too many".to_owned(), |used| used.to_string());
                let what = format!("of the stock of reward {reward} {taken} are taken, accounts have {had}");
                report.find(Subject::Program, what);
            }
        }
        Ok(())
    }
}
