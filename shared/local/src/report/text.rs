//! The dashboard as text: some sixty lines of at most a hundred characters, the same in a terminal as in a file.
//!
//! What was done in a period, how things stand at a night and what ever happened stand in blocks of their own, each of
//! which says which it is.

mod lists;
mod program;
mod tiers;

use super::blocks::{HALF, WIDTH, beside, cut, table, wrapped};
use super::numbers::{UNKNOWN, difference, growth, rounded, sparkline};
use super::{Dashboard, shown};
use analytics::report::{Cell, CountedBy, Did, MetricsReport, Percent, Stands};
use domain::money::Money;

/// The dashboard.
pub fn dashboard(dashboard: &Dashboard) -> String {
    let mut lines = title(dashboard);
    lines.push(String::new());
    lines.extend(headline(dashboard));
    lines.push(String::new());
    lines.extend(since_the_beginning(dashboard));
    lines.push(String::new());
    lines.extend(tiers::tiers(dashboard));
    lines.push(String::new());
    lines.extend(beside(&program::points(dashboard), &program::program(dashboard)));
    lines.push(String::new());
    lines.extend(beside(&lists::retention(&dashboard.retention), &lists::models(dashboard)));
    lines.push(String::new());
    lines.extend(lists::lists(&dashboard.accounts));
    let mut text = String::new();
    for line in lines {
        text.push_str(cut(&line, WIDTH).trim_end());
        text.push('\n');
    }
    text
}

fn title(dashboard: &Dashboard) -> Vec<String> {
    let report = &dashboard.metrics;
    let (name, CountedBy { night, revision }) = (&dashboard.program, &report.counted);
    let mut lines = vec![format!(
        "{name}  {}, money in {}, counted by the night of {night}, revision {revision}",
        report.period, report.currency
    )];
    if !report.complete && report.last_day.is_some() {
        lines.push("The period is not over: change, retention and churn hold a part of it against a whole.".to_owned());
    }
    let night = &dashboard.night;
    let balances = night.trial_balance.as_ref().is_some_and(|balance| balance.balances);
    let flawed = night.accounts_flawed.unwrap_or(0);
    if !balances || flawed > 0 {
        lines.push(format!("NOT TO BE TRUSTED: {flawed} accounts are not right; see GET /v1/metrics/nights/{{date}}."));
    }
    if let Some(answers) = night.answers_flawed.filter(|answers| *answers > 0) {
        lines.push(format!("{answers} answers to surveys cannot be read; see GET /v1/metrics/nights/{{date}}."));
    }
    lines.extend(night.warnings.iter().flat_map(|warning| wrapped(warning, WIDTH, "! ", "  ")));
    lines
}

fn did(report: &MetricsReport) -> Option<&Did> {
    report.total()?.did.as_ref()
}

fn stands(report: &MetricsReport) -> Option<&Stands> {
    report.total()?.stands.as_ref()
}

/// A row of the headline: what it is called, and how it is read.
struct Row {
    name: &'static str,
    of: fn(&Did) -> Figure,
}

/// A figure with what its change and its height are taken from.
struct Figure {
    text: String,
    /// Hundredths of percent, minor units, counts: whatever it is, in proportion.
    value: Option<i64>,
    is_rate: bool,
}

fn count(count: Option<u64>) -> Figure {
    Figure { text: shown(&count), value: count.and_then(|count| i64::try_from(count).ok()), is_rate: false }
}

fn amount(money: Option<Money>) -> Figure {
    Figure { text: shown(&money), value: money.map(|money| money.amount.0), is_rate: false }
}

fn rate(percent: Option<Percent>) -> Figure {
    let text = percent.cell();
    let value = domain::money::parse_decimal(&text, analytics::report::RATE_DECIMALS.into()).ok();
    Figure { text: percent.map_or(UNKNOWN.to_owned(), |_| format!("{text} %")), value, is_rate: true }
}

const ROWS: [Row; 10] = [
    Row { name: "revenue", of: |did| amount(Some(did.sales.revenue)) },
    Row { name: "orders", of: |did| count(Some(did.sales.orders)) },
    Row { name: "average order value", of: |did| amount(did.sales.average_order_value) },
    Row { name: "customers", of: |did| count(Some(did.customers.customers)) },
    Row { name: "  new", of: |did| count(did.customers.new_customers) },
    Row { name: "  reactivated", of: |did| count(did.customers.reactivated_customers) },
    Row { name: "repeat customer rate", of: |did| rate(did.customers.repeat_customer_rate) },
    Row { name: "returning customer rate", of: |did| rate(did.customers.returning_customer_rate) },
    Row { name: "retention rate", of: |did| rate(did.customers.retention_rate) },
    Row { name: "points earned", of: |did| count(u64::try_from(did.participation.points_earned.0).ok()) },
];

fn headline(dashboard: &Dashboard) -> Vec<String> {
    let first = dashboard.months.first().map(|month| month.month.clone()).unwrap_or_default();
    let last = dashboard.months.last().map(|month| month.month.clone()).unwrap_or_default();
    let cells = |cells: [String; 5]| cells.to_vec();
    let before = dashboard.before.as_ref().map_or("before".to_owned(), |before| before.period.clone());
    let head =
        ["".to_owned(), dashboard.metrics.period.clone(), before, "change".to_owned(), format!("{first} … {last}")];
    let mut rows = vec![cells(head)];
    for Row { name, of } in ROWS {
        let now = did(&dashboard.metrics).map(of);
        let before = dashboard.before.as_ref().and_then(did).map(of);
        let text = |figure: &Option<Figure>| figure.as_ref().map_or(UNKNOWN.to_owned(), |figure| figure.text.clone());
        let change = match (&before, &now) {
            (Some(before), Some(now)) if now.is_rate => {
                difference(before.text.trim_end_matches(" %"), now.text.trim_end_matches(" %"))
            }
            (Some(before), Some(now)) => growth(before.value, now.value),
            _ => UNKNOWN.to_owned(),
        };
        let months = dashboard.months.iter().map(|month| of(did(month.metrics.as_ref()?)?).value);
        let drawn = sparkline(months);
        rows.push(cells([name.to_owned(), text(&now), text(&before), change, drawn]));
    }
    table(&[25, 18, 18, 14, 22], &rows)
}

fn since_the_beginning(dashboard: &Dashboard) -> Vec<String> {
    let lifetime = &dashboard.lifetime;
    let Some(total) = did(lifetime) else { return Vec::new() };
    let customers = &total.customers;
    let (repeat, all) = (shown(&customers.repeat_customers), shown(&customers.customers));
    let mut lines = vec![
        format!(
            "since the beginning   {all} customers, {} orders, revenue {}",
            shown(&total.sales.orders),
            shown(&total.sales.revenue)
        ),
        format!("repeat customers      {repeat} of {all}: {}", rate(customers.repeat_customer_rate).text),
    ];
    if let Some(Stands { value, .. }) = stands(lifetime) {
        let lifetime = match value.predicted_lifetime_value_average {
            Some(lifetime) => format!("{} of its lifetime to come", shown(&lifetime)),
            None => "nothing predicted".to_owned(),
        };
        lines.push(format!(
            "value of a customer   {} so far on average (median {}), {lifetime}",
            shown(&value.historic_value_average),
            shown(&value.historic_value_median),
        ));
    }
    if let Some(Stands { discounts, referrals, .. }) = stands(lifetime) {
        lines.push(format!(
            "discounts, referrals  {} of {} discounts used: {}; {} referred, {} of them rewarded",
            shown(&discounts.total_discounts_used),
            shown(&discounts.total_discounts_issued),
            percent(discounts.discount_redemption_rate),
            shown(&referrals.referred),
            shown(&referrals.referred_rewarded),
        ));
    }
    let survey = total.survey.as_ref();
    if let Some((survey, score)) = survey.and_then(|survey| Some((survey, survey.net_promoter_score?))) {
        let (low, high) = (survey.net_promoter_score_low.cell(), survey.net_promoter_score_high.cell());
        let (score, answers) = (score.cell(), shown(&survey.answers));
        lines.push(format!("net promoter score    {score} of {answers} answers, with 95 % confidence {low} to {high}"));
    }
    lines
}

/// A rate with one decimal.
fn percent(rate: Option<Percent>) -> String {
    rate.map_or(UNKNOWN.to_owned(), |rate| format!("{} %", rounded(&rate.cell(), 1)))
}

/// Figures below each other under a title.
fn pairs(title: &str, pairs: Vec<(&str, String)>) -> Vec<String> {
    let rows: Vec<_> = pairs.into_iter().map(|(name, value)| vec![format!("  {name}"), value]).collect();
    std::iter::once(title.to_owned()).chain(table(&[29, 18], &rows)).collect()
}

/// Why a figure of a report is not known, as a remark below its block; nothing where it is.
fn remark(report: &MetricsReport, figure: &str) -> Vec<String> {
    let of_group = report.total().map(|group| group.unknown.as_slice()).unwrap_or_default();
    let mut about = report.unknown.iter().chain(of_group).filter(|unknown| unknown.figures.contains(&figure));
    about.next().map(|unknown| wrapped(&unknown.why, HALF, "  – ", "    ")).unwrap_or_default()
}

/// The night by which a report tells how things stood.
fn as_of(report: &MetricsReport) -> String {
    report.stood.as_ref().map_or(UNKNOWN.to_owned(), |stood| stood.counted.night.clone())
}
