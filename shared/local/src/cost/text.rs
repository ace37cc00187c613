//! A cost as text, in a hundred columns.

use super::bill::{Bill, Standing, Usage};
use super::{Cost, OperationCost};
use crate::report::numbers::{grouped, rounded};
use domain::money::format_decimal;

const TITLE: usize = 31;

/// The tables.
pub fn text(cost: &Cost) -> String {
    let Cost { region, prices_date, samples, .. } = cost;
    let durations = match cost.duration_is_stated {
        true => "Durations are as stated.",
        false => "Durations are those of this process on this machine, NOT Lambda's: state yours with --duration-ms.",
    };
    let mut lines = vec![
        format!("What Guilder costs in {region} by prices of {prices_date}, measured on {samples} of each operation."),
        durations.to_owned(),
        String::new(),
        format!(
            "{:TITLE$} {:>9} {:>7} {:>7} {:>6} {:>7} {:>12} {:>13}",
            "", "per 1,000", "write", "read", "billed", "logged", "USD for", "USD of a"
        ),
        format!(
            "{:TITLE$} {:>9} {:>7} {:>7} {:>6} {:>7} {:>12} {:>13}",
            "", "orders", "units", "units", "ms", "bytes", "a million", "million orders"
        ),
    ];
    lines.extend(cost.operations.iter().map(|operation| row(operation, *samples)));
    lines.push(format!("{:TITLE$} {:>67}", "a million orders", money(cost.million_orders.usd.cents())));
    lines.push(String::new());
    lines.extend(parts(&cost.million_orders, false));
    lines.push(String::new());
    lines.push("What a million orders leave behind, every month:".to_owned());
    lines.extend(parts(&cost.million_orders, true));
    lines.push(String::new());
    let Standing { alarms, metrics, dashboards } = cost.standing;
    let counted = format!("alarms: {alarms}, metrics: {metrics}, dashboards: {dashboards}");
    lines.push(format!("What stands there, every month, whoever orders ({counted}):"));
    lines.extend(parts(&cost.standing_cost, true));
    lines.push(String::new());
    let left_out = match cost.left_out.as_slice() {
        [] => "Every part has a price.".to_owned(),
        parts => format!("Left out, since the file has no price: {}.", parts.join("; ")),
    };
    lines.push(left_out);
    let mut text = String::new();
    for line in lines {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row(operation: &OperationCost, samples: u64) -> String {
    let OperationCost { title, per_thousand_orders, sampled, million, of_million_orders, .. } = operation;
    let Usage { write_halves, read_halves, billed_ms, logged_bytes, .. } = sampled;
    format!(
        "{title:TITLE$} {:>9} {:>7} {:>7} {:>6} {:>7} {:>12} {:>13}",
        grouped(&per_thousand_orders.to_string()),
        units(*write_halves, samples),
        units(*read_halves, samples),
        mean(*billed_ms, samples),
        grouped(&mean(*logged_bytes, samples)),
        money(million.usd.cents()),
        money(of_million_orders.usd.cents()),
    )
}

fn parts(bill: &Bill, monthly: bool) -> Vec<String> {
    let parts = bill.parts.iter().filter(|part| part.monthly == monthly);
    let rows = parts.map(|part| format!("  {:34} {:>12}", part.title, money(part.usd.cents())));
    let total = if monthly { bill.usd_per_month } else { bill.usd };
    rows.chain([format!("  {:34} {:>12}", "together", money(total.cents()))]).collect()
}

fn money(cents: String) -> String {
    grouped(&cents)
}

/// Units of one sample, with one decimal; halves are what there is.
fn units(halves: u64, samples: u64) -> String {
    let hundredths = halves.saturating_mul(50).checked_div(samples).unwrap_or_default();
    rounded(&format_decimal(i64::try_from(hundredths).unwrap_or(i64::MAX), 2), 1)
}

/// A mean in whole numbers, half up.
fn mean(sum: u64, count: u64) -> String {
    let half = count / 2;
    sum.saturating_add(half).checked_div(count).unwrap_or_default().to_string()
}
