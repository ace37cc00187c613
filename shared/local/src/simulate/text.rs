//! A simulation for a person: lines of at most a hundred characters.

use crate::report::blocks::{WIDTH, cut, table};
use crate::report::numbers::grouped;
use domain::id::TierId;
use domain::money::{Money, Points, format_money};
use domain::simulation::LeftOut;
use simulation::{Account, Compared, Document, MonthSums, OfMonth, Sums};

/// Columns of a table of two sides: what, under the versions that were in force, under the draft, the difference.
const SIDES: [usize; 4] = [28, 18, 18, 18];
const GROUPS: [usize; 6] = [24, 10, 16, 16, 16, 16];
const MONTHS: [usize; 6] = [12, 16, 16, 16, 16, 16];
const ACCOUNTS: [usize; 6] = [34, 14, 16, 16, 4, 14];
/// The first column of the table of tier moves, and each of the others.
const MOVED_FROM: usize = 16;
const MOVED_TO: usize = 12;

type Row = Vec<String>;

/// The report.
pub fn text(document: &Document) -> String {
    let Document { program, as_of, accounts, orders, .. } = document;
    let mut lines = vec![
        format!("What the draft would have come to: {program}, as of {as_of}"),
        format!("{} accounts, {} orders", grouped(&accounts.to_string()), grouped(&orders.to_string())),
        String::new(),
    ];
    lines.extend(total(&document.total));
    lines.extend(groups("by tier", document.tiers.iter().map(|of| (name(of.tier.as_ref()), &of.compared))));
    let has_segments = document.segments.iter().any(|of| of.segment.is_some());
    let segments = document.segments.iter().filter(|_| has_segments).map(|of| {
        let name = of.segment.as_ref().map_or("none", |segment| segment.as_str());
        (name.to_owned(), &of.compared)
    });
    lines.extend(groups("by segment", segments));
    lines.extend(months(&document.months));
    lines.extend(moves(document));
    lines.extend(ranked("gain most", &document.gains));
    lines.extend(ranked("lose most", &document.losses));
    lines.extend(left_out(document));
    lines.push(format!("checksum {}", document.checksum));
    lines.iter().map(|line| format!("{}\n", cut(line, WIDTH).trim_end())).collect()
}

fn head(cells: &[&str]) -> Row {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn points(points: Points) -> String {
    grouped(&points.to_string())
}

fn money(money: Option<Money>) -> String {
    grouped(&money.map(|money| format_money(money.amount, money.currency)).unwrap_or_default())
}

/// A difference, with its sign.
fn signed(text: String) -> String {
    let is_signed = text.starts_with('-') || !text.contains(|digit| matches!(digit, '1'..='9'));
    if is_signed { text } else { format!("+{text}") }
}

fn name(tier: Option<&TierId>) -> String {
    tier.map_or("not enrolled", TierId::as_str).to_owned()
}

fn total(compared: &Compared) -> Vec<String> {
    let currency = compared.draft.discounts.discount_value.currency.code();
    let row = |title: &str, of: &dyn Fn(&Sums) -> String| {
        let Compared { in_force, draft, difference, .. } = compared;
        vec![title.to_owned(), of(in_force), of(draft), signed(of(difference))]
    };
    let count = |count: i64| grouped(&count.to_string());
    let mut rows = vec![head(&["", "in force", "draft", "difference"])];
    rows.push(row("points issued", &|sums| points(sums.points.points_issued)));
    rows.push(row("points reversed", &|sums| points(sums.points.points_reversed)));
    rows.push(row("points expired", &|sums| points(sums.points.points_expired)));
    rows.push(row("points spent", &|sums| points(sums.points.points_spent)));
    rows.push(row("points written off", &|sums| points(sums.points.points_unrecovered)));
    rows.push(row("points outstanding", &|sums| points(sums.points_outstanding)));
    rows.push(row(&format!("  what they cost, {currency}"), &|sums| money(sums.points_cost)));
    rows.push(row("discounts issued", &|sums| count(sums.discounts.discounts_issued)));
    rows.push(row("discounts used", &|sums| count(sums.discounts.discounts_used)));
    rows.push(row(&format!("  what they took off, {currency}"), &|sums| money(Some(sums.discounts.discount_value))));
    rows.push(row(&format!("cost in all, {currency}"), &|sums| money(sums.cost)));
    rows.push(row("tiers raised", &|sums| count(sums.tiers_raised)));
    rows.push(row("tiers lowered by reviews", &|sums| count(sums.tiers_lowered)));
    table(&SIDES, &rows)
}

fn groups<'a>(title: &str, groups: impl Iterator<Item = (String, &'a Compared)>) -> Vec<String> {
    let mut rows = vec![head(&[title, "accounts", "points in force", "draft", "difference", "difference cost"])];
    for (name, compared) in groups {
        let Compared { accounts, in_force, draft, difference, .. } = compared;
        let sides = [in_force, draft].map(|side| points(side.points_outstanding));
        let mut row = vec![name, grouped(&accounts.to_string())];
        row.extend(sides);
        row.extend([signed(points(difference.points_outstanding)), signed(money(difference.cost))]);
        rows.push(row);
    }
    block(&GROUPS, rows)
}

fn months(months: &[OfMonth]) -> Vec<String> {
    let mut rows = vec![head(&["by month", "issued in force", "draft", "difference", "discounts", "difference cost"])];
    for OfMonth { month, in_force, draft, difference } in months {
        let issued = |sums: &MonthSums| points(sums.points.points_issued);
        let discounts = signed(money(Some(difference.discounts.discount_value)));
        let cost = signed(money(difference.cost));
        rows.push(vec![month.clone(), issued(in_force), issued(draft), signed(issued(difference)), discounts, cost]);
    }
    block(&MONTHS, rows)
}

/// Rows below a blank line; nothing where there is only a heading.
fn block(widths: &[usize], rows: Vec<Row>) -> Vec<String> {
    if rows.len() < 2 {
        return Vec::new();
    }
    std::iter::once(String::new()).chain(table(widths, &rows)).collect()
}

/// Accounts by tier: under the versions that were in force from top to bottom, under the draft from left to right.
fn moves(document: &Document) -> Vec<String> {
    let mut to: Vec<_> = document.tier_moves.iter().map(|moved| moved.to.as_ref()).collect();
    let mut from: Vec<_> = document.tier_moves.iter().map(|moved| moved.from.as_ref()).collect();
    for tiers in [&mut to, &mut from] {
        let rank = |tier: &Option<&TierId>| document.ladder.iter().position(|level| Some(level) == *tier);
        tiers.sort_by_key(rank);
        tiers.dedup();
    }
    let mut rows = vec![std::iter::once("tiers, to:".to_owned()).chain(to.iter().map(|tier| name(*tier))).collect()];
    for tier in from {
        let count = |to: &Option<&TierId>| {
            let moved =
                document.tier_moves.iter().find(|moved| (moved.from.as_ref(), moved.to.as_ref()) == (tier, *to));
            moved.map_or_else(|| "·".to_owned(), |moved| grouped(&moved.accounts.to_string()))
        };
        rows.push(std::iter::once(name(tier)).chain(to.iter().map(count)).collect::<Row>());
    }
    let widths: Vec<_> = std::iter::once(MOVED_FROM).chain(to.iter().map(|_| MOVED_TO)).collect();
    block(&widths, rows)
}

fn ranked(title: &str, accounts: &[Account]) -> Vec<String> {
    let mut rows = vec![head(&[title, "points", "discounts", "worth", "", "tier"])];
    for account in accounts {
        let Account { account_id, discount_value, value, tier_in_force, tier_draft, .. } = account;
        let tier = match tier_in_force == tier_draft {
            true => name(tier_draft.as_ref()),
            false => format!("→ {}", name(tier_draft.as_ref())),
        };
        let worth = signed(money(*value));
        let (more, off) = (signed(points(account.points)), signed(money(Some(*discount_value))));
        rows.push(vec![account_id.to_string(), more, off, worth, String::new(), tier]);
    }
    block(&ACCOUNTS, rows)
}

fn left_out(document: &Document) -> Vec<String> {
    let mut lines = vec![String::new()];
    let LeftOut { orders_refused, returns_refused, adjustments_refused, .. } = document.left_out.draft;
    let LeftOut { redemptions_refused, discounts_not_issued, .. } = document.left_out.draft;
    let LeftOut { orders_amended, records_missing, .. } = document.left_out.in_force;
    for (count, what) in [
        (orders_refused, "orders that the draft refuses"),
        (returns_refused, "returns, cancellations and amendments that it refuses, or of such orders"),
        (adjustments_refused, "adjustments and openings that it refuses"),
        (redemptions_refused, "redemptions of rewards, and cancellations of them, that it refuses"),
        (discounts_not_issued, "discounts were used that it does not issue, or not for so long"),
        (orders_amended, "orders were amended: they are taken as they stand now"),
        (records_missing, "records that entries name and that are not there"),
        (document.moved_on, "accounts went on meanwhile: they are looked at as they were found"),
    ] {
        lines.extend((count > 0).then(|| format!("{} {what}", grouped(&count.to_string()))));
    }
    let reproduced = document.accounts.saturating_sub(document.not_reproduced.accounts);
    lines.push(format!(
        "{} of {} accounts end where they stand when replayed under the versions in force",
        grouped(&reproduced.to_string()),
        grouped(&document.accounts.to_string())
    ));
    let named: Vec<_> = document.not_reproduced.first.iter().map(ToString::to_string).collect();
    lines.extend((!named.is_empty()).then(|| format!("  not {}", named.join(", "))));
    lines
}
