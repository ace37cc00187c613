//! The tiers beside each other, as the ladder has them.

use super::super::blocks::{left, table};
use super::super::numbers::{UNKNOWN, rounded};
use super::super::{Dashboard, shown};
use super::{as_of, percent, stands};
use analytics::report::{Cell, GroupReport};
use domain::money::Money;

/// The name, what was done in the period, how things stand.
const WIDTHS: [usize; 10] = [14, 10, 12, 12, 9, 7, 10, 11, 7, 8];
const WIDTH_DID: usize = 50;
const WIDTH_STANDS: usize = 36;

/// The tiers, the highest first; those that the program has no more at the end.
pub fn tiers(dashboard: &Dashboard) -> Vec<String> {
    let report = &dashboard.tiers;
    let (did, stands) = (format!("in {}", report.period), format!("as of {}", as_of(report)));
    let title = [left("TIERS", 14), over(&did, WIDTH_DID), over(&stands, WIDTH_STANDS)].concat();
    let head = ["", "customers", "revenue", "order value", "repeat", "NPS", "accounts", "points", "alive", "CLV"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let place = |group: &GroupReport| dashboard.ladder.iter().position(|tier| *tier == group.group);
    let mut groups: Vec<_> = report.groups.iter().collect();
    groups.sort_by_key(|group| place(group).unwrap_or(dashboard.ladder.len()));
    rows.extend(groups.into_iter().map(row));
    std::iter::once(title).chain(table(&WIDTHS, &rows)).chain([legend(dashboard)]).collect()
}

/// What the last two columns are.
fn legend(dashboard: &Dashboard) -> String {
    let is_predicted = stands(&dashboard.metrics).is_some_and(|stands| stands.value.predicted_lifetime_value.is_some());
    let of = if is_predicted { "to come" } else { "so far" };
    format!("  alive: probability to be a customer still; CLV: customer lifetime value {of}; both on average")
}

/// A line over some columns, with what they have in common.
fn over(text: &str, width: usize) -> String {
    let inner = width.saturating_sub(2);
    format!("  {:─^inner$}", format!(" {text} "))
}

fn row(group: &GroupReport) -> Vec<String> {
    let (did, stands) = (group.did.as_ref(), group.stands.as_ref());
    let score = did.and_then(|did| did.survey.as_ref()?.net_promoter_score);
    let whole = |money: Option<Money>| rounded(&money.cell(), 0);
    vec![
        format!("  {}", group.group),
        shown(&did.map(|did| did.customers.customers)),
        whole(did.map(|did| did.sales.revenue)),
        shown(&did.and_then(|did| did.sales.average_order_value)),
        percent(did.and_then(|did| did.customers.repeat_customer_rate)),
        score.map_or(UNKNOWN.to_owned(), |score| score.cell()),
        shown(&stands.map(|stands| stands.membership.accounts)),
        shown(&stands.map(|stands| stands.points.points_outstanding)),
        shown(&stands.and_then(|stands| stands.value.probability_alive)),
        whole(stands.and_then(|stands| stands.value.customer_lifetime_value)),
    ]
}
