//! Who stays, what the models are worth, and accounts to look at.

use super::super::blocks::{HALF, WIDTH, beside, table, wrapped};
use super::super::numbers::{UNKNOWN, rounded};
use super::super::{Dashboard, shown};
use super::stands;
use analytics::report::{AccountsReport, Cell, CohortMonth, RetentionReport};

/// Cohorts, and months since, that are shown.
const COHORTS_SHOWN: usize = 7;
/// Accounts of each list.
const LISTED: usize = 4;

/// The newest cohorts, each with the share of its customers that bought in each month since.
pub fn retention(report: &RetentionReport) -> Vec<String> {
    let mut rows = vec![vec!["first order".to_owned(), "customers".to_owned()]];
    let since = (1..COHORTS_SHOWN).map(|months| format!("+{months}"));
    rows.iter_mut().for_each(|head| head.extend(since.clone()));
    let left_out = report.cohorts.len().saturating_sub(COHORTS_SHOWN);
    for cohort in report.cohorts.iter().skip(left_out) {
        let of = |months: usize| cohort.months.iter().find(|month| usize::from(month.months_since) == months);
        let share = |month: Option<&CohortMonth>| {
            month.and_then(|month| month.retention_rate).map(|rate| rounded(&rate.cell(), 0)).unwrap_or_default()
        };
        let mut row = vec![format!("  {}", cohort.first_month), shown(&cohort.customers)];
        row.extend((1..COHORTS_SHOWN).map(|months| share(of(months))));
        rows.push(row);
    }
    let title = "RETENTION of cohorts, % in each month since".to_owned();
    std::iter::once(title).chain(table(&[12, 11, 4, 4, 4, 4, 4, 4], &rows)).collect()
}

/// What is to be expected, and how far that can be trusted.
pub fn models(dashboard: &Dashboard) -> Vec<String> {
    let mut block = vec!["EXPECTED in the next 12 months".to_owned()];
    let value = stands(&dashboard.metrics).map(|stands| &stands.value);
    // Without a model its reasons stand for the figures.
    if let Some(value) = value.filter(|value| value.customers_alive.is_some()) {
        let rows = [
            ("customers still there", value.customers_alive.cell()),
            ("days with an order", value.expected_orders.cell()),
            ("revenue", value.predicted_value_12_months.cell()),
            ("revenue of their lifetime", value.predicted_lifetime_value.cell()),
        ];
        let rows = rows.map(|(name, figure)| vec![format!("  {name}"), rounded(&figure, 0)]);
        block.extend(table(&[29, 18], &rows));
    }
    match &dashboard.night.calibration {
        Some(held) => {
            let error = held.total_error.map_or(UNKNOWN.to_owned(), |error| rounded(&error.cell(), 1));
            let (predicted, actual) = (rounded(&held.predicted.cell(), 0), shown(&held.actual));
            block.push(format!("  held against the last {} days:", held.hold_out_days));
            block.push(format!("  {predicted} predicted, {actual} made ({error} %)"));
        }
        None if value.is_some_and(|value| value.customers_alive.is_some()) => {
            block.push("  not held against what happened".to_owned());
        }
        None => {}
    }
    let failed = dashboard.night.assumptions.iter().filter(|assumption| assumption.holds == Some(false));
    for assumption in failed {
        block.extend(wrapped(&assumption.text, HALF, "  ! ", "    "));
    }
    block
}

/// Accounts to look at, those that may be leaving beside those that have nearly reached the next tier.
pub fn lists(report: &AccountsReport) -> Vec<String> {
    let widths = [23, 13, 13];
    let rows = |title: [&str; 3], rows: Vec<[String; 3]>| {
        let nobody = vec!["  nobody".to_owned()];
        let head = vec![title.map(str::to_owned).to_vec()];
        let rows: Vec<_> = rows.into_iter().map(|row| row.to_vec()).collect();
        let is_empty = rows.is_empty();
        let mut block = table(&widths, &[head, rows].concat());
        block.extend(is_empty.then_some(nobody).into_iter().flatten());
        block
    };
    let at_risk = report.at_risk.iter().take(LISTED).map(|account| {
        let gap = account.usual_gap_days.map_or(UNKNOWN.to_owned(), |gap| gap.to_string());
        let away = format!("{} ({gap})", account.days_since_last_order);
        [format!("  {}", account.account_id), away, shown(&account.at_stake)]
    });
    let near = report
        .near_next_tier
        .iter()
        .take(LISTED)
        .map(|account| [format!("  {}", account.account_id), account.next_tier.clone(), shown(&account.missing)]);
    let moved = |moved: &analytics::report::MovedAccount| {
        [format!("  {}", moved.account_id), shown(&moved.after), shown(&moved.change)]
    };
    let falling = report.falling.iter().take(LISTED).map(moved);
    let rising = report.rising.iter().take(LISTED).map(moved);
    let mut lines = beside(
        &rows(["AT RISK", "days (usual)", "at stake"], at_risk.collect()),
        &rows(["NEAR THE NEXT TIER", "next", "missing"], near.collect()),
    );
    lines.push(String::new());
    lines.extend(beside(
        &rows(["FALLING", "3 months", "change"], falling.collect()),
        &rows(["RISING", "3 months", "change"], rising.collect()),
    ));
    lines.push(String::new());
    let mut segments: Vec<_> = report.rfm_segments.iter().filter(|segment| segment.customers > 0).collect();
    segments.sort_by_key(|segment| std::cmp::Reverse(segment.customers));
    let segments = segments.iter().map(|one| format!("{} {}", one.segment.replace('_', " "), shown(&one.customers)));
    let segments = segments.collect::<Vec<_>>().join(", ");
    let segments = if segments.is_empty() { "nobody" } else { &segments };
    lines.extend(wrapped(segments, WIDTH, "CUSTOMERS by how they bought in the last 12 months (RFM)  ", "  "));
    lines
}
