//! The commands that do one thing and end.

use super::place::Opened;
use super::{Failure, ImportOrders, Place, print};
use crate::cloud::wall_clock;
use crate::import::{self, Plan, Progress, Summary};
use crate::mapping::Mapping;
use crate::{audit, export, program, show};
use domain::id::AccountId;
use domain::time::Instant;
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Most refused orders that are listed; the rest are counted.
const REJECTED_LISTED_MAX: usize = 100;

pub(super) async fn import_orders(arguments: ImportOrders, place: &Place) -> Result<ExitCode, Failure> {
    let plan = Plan {
        mapping: Mapping::open(&arguments.mapping)?,
        files: arguments.files,
        skip_returns: arguments.skip_returns,
        from_start: arguments.from_start,
        workers: usize::from(arguments.workers),
    };
    let tables = place.open().await?;
    let app = tables.app()?;
    ensure_program(&tables).await?;
    let bar =
        ProgressBar::new(0).with_style(ProgressStyle::with_template("{bar:40} {pos} of {len} orders, {eta} left")?);
    let progress: Progress = {
        let bar = bar.clone();
        Arc::new(move |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        })
    };
    let imported = import::run(app, &plan, progress).await;
    bar.finish_and_clear();
    let summary = imported?;
    let text = if arguments.json { serde_json::to_string_pretty(&summary)? } else { table(&summary)? };
    print(&format!("{}\n", text.trim_end()))?;
    Ok(if summary.rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Activates the sample program in an empty local cloud; a deployment's program is its merchant's business.
async fn ensure_program(tables: &Opened) -> Result<(), Failure> {
    let Some(_) = tables.cloud() else { return Ok(()) };
    let app = tables.app()?;
    if let Some(version) = program::ensure(app).await? {
        eprintln!("activated the sample program {}, version {version}", app.config().program);
    }
    Ok(())
}

/// A summary for people.
fn table(summary: &Summary) -> Result<String, Failure> {
    let program = &summary.program;
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut row = |name: &str, value: &dyn std::fmt::Display| rows.push((name.to_owned(), value.to_string()));
    row("invoices read", &summary.invoices_read);
    row("  orders scored now", &summary.orders_scored);
    row("  orders already known", &summary.orders_known);
    row("  orders refused", &summary.rejected.len());
    row("  guest invoices", &summary.guest_invoices);
    row("  returns left out", &summary.returns_skipped);
    row("order lines ignored", &summary.lines_ignored);
    row("", &"");
    row("accounts", &program.accounts);
    row("  with an order", &program.customers);
    row("  with two or more", &program.repeat_customers);
    row("orders", &program.orders);
    row("points earned", &program.points_earned);
    row("points outstanding", &program.points_outstanding);
    row("tier upgrades", &program.tier_upgrades);
    row("discounts issued", &program.discounts_issued);
    for (tier, accounts) in &program.tiers {
        row(&format!("  {tier}"), accounts);
    }
    let mut text = String::new();
    for (name, value) in rows {
        writeln!(text, "{}", format!("{name:<24}{value:>12}").trim_end())?;
    }
    if let Some(as_of) = program.as_of {
        writeln!(text, "\nas of the last invoice, {as_of}")?;
    }
    if !summary.rejected.is_empty() {
        writeln!(text, "\nrefused orders:")?;
        for rejected in summary.rejected.iter().take(REJECTED_LISTED_MAX) {
            writeln!(text, "  {}: {}", rejected.order_id, rejected.reason)?;
        }
        let more = summary.rejected.len().saturating_sub(REJECTED_LISTED_MAX);
        if more > 0 {
            writeln!(text, "  and {more} more")?;
        }
    }
    Ok(text)
}

pub(super) async fn export_accounts(as_of: Option<Instant>, place: &Place) -> Result<ExitCode, Failure> {
    let tables = place.open_existing().await?;
    let app = tables.app()?;
    let schedule = app.schedule().await?;
    let rows = export::accounts(app.store(), &schedule, as_of.unwrap_or_else(wall_clock)).await?;
    let mut text = format!("{}\n", export::HEADER);
    for row in rows {
        writeln!(text, "{row}")?;
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn audit(place: &Place) -> Result<ExitCode, Failure> {
    let report = audit::run(place.open_existing().await?.app()?.store(), wall_clock()).await?;
    print(&report.to_string())?;
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) async fn show_account(id: &AccountId, entries: usize, place: &Place) -> Result<ExitCode, Failure> {
    let tables = place.open_existing().await?;
    print(&show::account(tables.app()?, id, entries).await?)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn invoke(function: &str, event: &Path, place: &Place) -> Result<ExitCode, Failure> {
    let unreadable = |why: String| format!("{}: {why}", event.display());
    let text = std::fs::read_to_string(event).map_err(|error| unreadable(error.to_string()))?;
    let document = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    let tables = place.open().await?;
    ensure_program(&tables).await?;
    let cloud = tables.cloud().ok_or("a deployment's functions are invoked there, not from here")?;
    let answer = cloud.invoke(function, document).await?;
    print(&format!("{}\n", serde_json::to_string_pretty(&answer)?))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn activate(file: &Path, from: Option<Instant>, place: &Place) -> Result<ExitCode, Failure> {
    let document = program::document(file)?;
    let tables = place.open().await?;
    let activated = program::activate(tables.app()?, &document, from, wall_clock()).await?;
    print(&format!("{activated}\n"))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn show_program(place: &Place) -> Result<ExitCode, Failure> {
    let tables = place.open_existing().await?;
    print(&program::show(tables.app()?, wall_clock()).await?)?;
    Ok(ExitCode::SUCCESS)
}
