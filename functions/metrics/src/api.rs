//! What the routes of this function take and answer, for the description of the API.

use analytics::report::{AccountsReport, Insight, MetricsReport, NightReport, RetentionReport};
use analytics::rollup::By;
use runtime::Scope::{AccountsRead, MetricsRead};
use runtime::api::{Operation, day, pattern, words};

const PERIODS: &str = "^(lifetime|[0-9]{4}|[0-9]{4}-Q[1-4]|[0-9]{4}-[0-9]{2}(-T12M)?)$";

/// An operation for each route.
pub fn operations() -> Vec<Operation> {
    let format = || words(&["json", "csv"]);
    let by = words(&By::ALL.map(|(name, _)| name));
    vec![
        Operation::new("GET /v1/metrics", "getMetrics", "What a period came to.")
            .by_merchant(MetricsRead)
            .query("period", pattern(PERIODS), "The period; left out: the month of the night.")
            .query("by", by, "The kind of groups; left out: all accounts together.")
            .query("night", day(), "By which night; left out: the newest.")
            .query("format", format(), "A document or a table; left out: as `Accept` says.")
            .answers::<MetricsReport>(200, "The figures.")
            .or_table()
            .problems(404, &["not-counted"]),
        Operation::new("GET /v1/metrics/nights/{date}", "getNight", "A night, and whether its figures can be trusted.")
            .by_merchant(MetricsRead)
            .answers::<NightReport>(200, "The night.")
            .problems(404, &["not-counted"]),
        Operation::new("GET /v1/metrics/retention", "getRetention", "Who stays.")
            .by_merchant(MetricsRead)
            .query("night", day(), "By which night; left out: the newest.")
            .query("format", format(), "A document or a table; left out: as `Accept` says.")
            .answers::<RetentionReport>(200, "Retention by cohort.")
            .or_table()
            .problems(404, &["not-counted"]),
        Operation::new("GET /v1/metrics/accounts", "getAccounts", "Accounts to look at.")
            .by_merchant(MetricsRead)
            .query("night", day(), "By which night; left out: the newest.")
            .answers::<AccountsReport>(200, "The accounts.")
            .problems(404, &["not-counted"]),
        Operation::new("GET /v1/accounts/{account_id}/insights", "getInsights", "What is to be said of an account.")
            .by_account(AccountsRead)
            .answers::<Insight>(200, "What it did, and what is to be expected of it.")
            .problems(404, &["unknown-account"]),
    ]
}
