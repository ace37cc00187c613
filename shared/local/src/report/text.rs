//! The dashboard as text: some sixty lines of at most a hundred characters.

mod lists;

use super::blocks::{WIDTH, beside, cut, table};
use super::numbers::{UNKNOWN, difference, growth, rounded, sparkline};
use super::{Dashboard, shown};
use analytics::report::{Cell, CountedBy, Did, GroupReport, MetricsReport, Percent, Stands};
use domain::money::Money;

/// Months that points are told to expire in.
const EXPIRING_MAX: usize = 3;
/// Where more than one account in so many had moved on before a night counted it, that night says little of its day.
const LATE_SHARE: u64 = 10;

/// The dashboard.
pub fn dashboard(dashboard: &Dashboard) -> String {
    let mut lines = title(dashboard);
    lines.push(String::new());
    lines.extend(headline(dashboard));
    lines.push(String::new());
    lines.extend(since_the_beginning(dashboard));
    lines.push(String::new());
    lines.extend(tiers(&dashboard.tiers));
    lines.push(String::new());
    lines.extend(beside(&points(dashboard), &program(dashboard)));
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
        lines.push("The period is not over: growth, retention and churn hold a part of it against a whole.".to_owned());
    }
    let night = &dashboard.night;
    let balances = night.trial_balance.as_ref().is_some_and(|balance| balance.balances);
    let flawed = night.accounts_flawed.unwrap_or(0);
    if !balances || flawed > 0 {
        lines.push(format!("NOT TO BE TRUSTED: {flawed} accounts are not right; see GET /v1/metrics/nights/{{date}}."));
    }
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
        lines.push(format!(
            "value of a customer   {} so far (median {}), {} for the lifetime ({})",
            shown(&value.historic_value_average),
            shown(&value.historic_value_median),
            shown(&value.customer_lifetime_value),
            value.customer_lifetime_value_basis,
        ));
    }
    lines
}

fn tiers(report: &MetricsReport) -> Vec<String> {
    let head =
        ["tier", "accounts", "customers", "revenue", "order value", "repeat", "points held", "alive", "value", "NPS"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    // The tier that brings the most first.
    let revenue = |group: &GroupReport| group.did.as_ref().map(|did| did.sales.revenue.amount);
    let mut groups: Vec<_> = report.groups.iter().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(revenue(group)));
    for group in groups {
        let (did, stands) = (group.did.as_ref(), group.stands.as_ref());
        let survey = did.and_then(|did| did.survey.as_ref());
        let whole = |money: Option<Money>| rounded(&money.cell(), 0);
        rows.push(vec![
            group.group.clone(),
            shown(&stands.map(|stands| stands.membership.accounts)),
            shown(&did.map(|did| did.customers.customers)),
            whole(did.map(|did| did.sales.revenue)),
            shown(&did.and_then(|did| did.sales.average_order_value)),
            percent(did.and_then(|did| did.customers.repeat_customer_rate)),
            shown(&stands.map(|stands| stands.points.points_outstanding)),
            shown(&stands.and_then(|stands| stands.value.probability_alive)),
            whole(stands.and_then(|stands| stands.value.customer_lifetime_value)),
            survey.and_then(|survey| survey.net_promoter_score).map_or(UNKNOWN.to_owned(), |score| score.cell()),
        ]);
    }
    table(&[14, 9, 10, 12, 12, 9, 12, 8, 8, 6], &rows)
}

/// A rate with one decimal.
fn percent(rate: Option<Percent>) -> String {
    rate.map_or(UNKNOWN.to_owned(), |rate| format!("{} %", rounded(&rate.cell(), 1)))
}

fn pairs(title: String, pairs: Vec<(&str, String)>) -> Vec<String> {
    let rows: Vec<_> = pairs.into_iter().map(|(name, value)| vec![format!("  {name}"), value]).collect();
    std::iter::once(title).chain(table(&[26, 20], &rows)).collect()
}

fn points(dashboard: &Dashboard) -> Vec<String> {
    let report = &dashboard.metrics;
    let Some(stands) = stands(report) else { return vec!["points  no night was counted by then".to_owned()] };
    let changes = report.changes.as_ref();
    let change = |of: fn(&analytics::report::Changes) -> domain::money::Points| shown(&changes.map(of));
    let night = report.stood.as_ref().map(|stood| stood.counted.night.clone()).unwrap_or_default();
    let mut block = pairs(
        format!("points and liability  (as of {night})"),
        vec![
            ("outstanding", shown(&stands.points.points_outstanding)),
            ("issued in the period", change(|changes| changes.points_issued)),
            ("reversed in the period", change(|changes| changes.points_reversed)),
            ("expired in the period", change(|changes| changes.points_expired)),
            ("liability", shown(&stands.liability.liability)),
            ("  to be expected", shown(&stands.liability.liability_expected)),
            ("breakage", percent(stands.points.breakage_rate)),
        ],
    );
    // A night that was counted long after its day shows how things stood then.
    let late = changes.and_then(|changes| changes.changes_after_decided_later).unwrap_or(0);
    if late.saturating_mul(LATE_SHARE) > stands.membership.accounts {
        let night = changes.and_then(|changes| changes.changes_after_night.clone()).unwrap_or_default();
        block.push(format!("  ! the night of {night} was counted late"));
    }
    let expire = stands.ageing.iter().take(EXPIRING_MAX);
    let expire = expire.map(|ageing| format!("{} {}", ageing.month, short(ageing.expiring.points.0)));
    let more = if stands.ageing.len() > EXPIRING_MAX { ", …" } else { "" };
    let drawn = sparkline(stands.ageing.iter().map(|ageing| Some(ageing.expiring.points.0)));
    if !stands.ageing.is_empty() {
        block.push(format!("  expiring  {drawn}"));
        block.push(format!("    {}{more}", expire.collect::<Vec<_>>().join(", ")));
    }
    block
}

/// A number in thousands or millions where it is long.
fn short(number: i64) -> String {
    let unit =
        |unit: i64, name: &str| format!("{}{name}", super::numbers::grouped(&number.div_euclid(unit).to_string()));
    match number.abs() {
        0..10_000 => super::numbers::grouped(&number.to_string()),
        10_000..10_000_000 => unit(1_000, "k"),
        _ => unit(1_000_000, "M"),
    }
}

fn program(dashboard: &Dashboard) -> Vec<String> {
    let report = &dashboard.metrics;
    let Some(did) = did(report) else { return Vec::new() };
    let (economics, taking_part) = (&did.economics, &did.participation);
    let mut rows = vec![
        ("cost", shown(&economics.program_cost)),
        ("  of discounts", shown(&economics.discount_cost)),
        ("margin credited with", shown(&economics.attributed_margin)),
        ("return on investment", percent(economics.return_on_investment)),
        ("revenue that earned", percent(taking_part.earning_revenue_rate)),
        ("revenue that redeemed", percent(taking_part.redeeming_revenue_rate)),
    ];
    if let Some(stands) = stands(report) {
        rows.push(("discounts used of issued", percent(stands.discounts.discount_redemption_rate)));
        let referrals = &stands.referrals;
        let funnel = format!("{} → {}", shown(&referrals.referred), shown(&referrals.referred_rewarded));
        rows.push(("referred → rewarded", funnel));
    }
    if let Some(changes) = &report.changes {
        let moves = format!("{} / {}", shown(&changes.tier_upgrades), shown(&changes.tier_downgrades));
        rows.push(("tiers raised / lowered", moves));
    }
    let mut block = pairs("the program in the period".to_owned(), rows);
    if let Some(survey) = did.survey.as_ref().filter(|survey| survey.answers > 0) {
        let end = |end: &Option<analytics::report::Decimal<1>>| end.cell();
        let (low, high) = (end(&survey.net_promoter_score_low), end(&survey.net_promoter_score_high));
        let score = survey.net_promoter_score.map(|score| score.cell()).unwrap_or_default();
        block.push(format!("  NPS {score} (95 %: {low} to {high}), {} answers", shown(&survey.answers)));
    }
    block
}
