//! The commands that do one thing and end.

use super::place::Opened;
use super::{Failure, ImportBalances, ImportOrders, Place, print};
use crate::cloud::wall_clock;
use crate::import::{self, Plan, Progress, Rejected, Summary, balances};
use crate::mapping::Mapping;
use crate::{audit, export, program, show};
use domain::event::{self, KINDS};
use domain::id::AccountId;
use domain::time::Instant;
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Most refused orders, returns or accounts that are listed; the rest are counted.
const REFUSED_LISTED_MAX: usize = 100;

pub(super) async fn import_orders(arguments: ImportOrders, place: &Place) -> Result<ExitCode, Failure> {
    let plan = Plan {
        mapping: Mapping::open(&arguments.mapping)?,
        files: arguments.files,
        skip_returns: arguments.skip_returns,
        from_start: arguments.from_start,
        workers: usize::from(arguments.workers),
    };
    let tables = place.open_for_history().await?;
    let app = tables.app()?;
    ensure_program(&tables).await?;
    let (bar, progress) = progress("invoices")?;
    let imported = import::run(app, &plan, progress).await;
    bar.finish_and_clear();
    let summary = imported?;
    let text = if arguments.json { serde_json::to_string_pretty(&summary)? } else { table(&summary)? };
    print(&format!("{}\n", text.trim_end()))?;
    Ok(if summary.rejected.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A bar that shows how many of `what` are done, and what moves it.
pub(super) fn progress(what: &str) -> Result<(ProgressBar, Progress), Failure> {
    let style = ProgressStyle::with_template(&format!("{{bar:40}} {{pos}} of {{len}} {what}, {{eta}} left"))?;
    let bar = ProgressBar::new(0).with_style(style);
    let moved = bar.clone();
    let progress: Progress = Arc::new(move |done, total| {
        moved.set_length(total);
        moved.set_position(done);
    });
    Ok((bar, progress))
}

pub(super) async fn import_balances(arguments: ImportBalances, place: &Place) -> Result<ExitCode, Failure> {
    let ImportBalances { as_of, check, json, workers, file } = arguments;
    let plan = balances::Plan { file, as_of, check_only: check, workers: usize::from(workers) };
    let tables = place.open_for_history().await?;
    let app = tables.app()?;
    ensure_program(&tables).await?;
    let (bar, progress) = progress("accounts")?;
    let imported = balances::run(app, &plan, progress).await;
    bar.finish_and_clear();
    let summary = imported?;
    let text = if json { serde_json::to_string_pretty(&summary)? } else { balances_table(&summary)? };
    print(&format!("{}\n", text.trim_end()))?;
    Ok(if summary.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A summary for people.
fn balances_table(summary: &balances::Summary) -> Result<String, Failure> {
    let mut text = String::new();
    for (name, value) in [
        ("rows read", summary.rows_read.to_string()),
        ("accounts read", summary.accounts_read.to_string()),
        ("  opened now", summary.accounts_opened.to_string()),
        ("  opened before", summary.accounts_known.to_string()),
        ("  refused", summary.refused.len().to_string()),
        ("points taken over", summary.points_opened.to_string()),
        ("  ended already", summary.points_lapsed.to_string()),
        ("points owed", summary.points_owed.to_string()),
    ] {
        writeln!(text, "{name:<24}{value:>12}")?;
    }
    let checked = if summary.check_only { "; nothing was written" } else { "" };
    writeln!(text, "\nas of {}{checked}", summary.as_of)?;
    let refused = summary.refused.iter().map(|refused| (refused.account_id.to_string(), &*refused.reason));
    list(&mut text, "refused accounts", refused)?;
    Ok(text)
}

/// Lists what was refused, if anything was.
fn list<'a>(
    text: &mut String,
    title: &str,
    refused: impl ExactSizeIterator<Item = (String, &'a str)>,
) -> Result<(), Failure> {
    let more = refused.len().saturating_sub(REFUSED_LISTED_MAX);
    if refused.len() > 0 {
        writeln!(text, "\n{title}:")?;
    }
    for (id, reason) in refused.take(REFUSED_LISTED_MAX) {
        writeln!(text, "  {id}: {reason}")?;
    }
    if more > 0 {
        writeln!(text, "  and {more} more")?;
    }
    Ok(())
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
    row("  returns imported now", &summary.returns_imported);
    row("  returns already known", &summary.returns_known);
    row("  refused", &summary.rejected.len());
    row("  guest invoices", &summary.guest_invoices);
    row("  returns left out", &summary.returns_skipped);
    row("lines ignored", &summary.lines_ignored);
    row("", &"");
    row("accounts", &program.accounts);
    row("  with an order", &program.customers);
    row("  with two or more", &program.repeat_customers);
    row("orders", &program.orders);
    row("points earned", &program.points_earned);
    row("points reversed", &program.points_reversed);
    row("points outstanding", &program.points_outstanding);
    row("units returned", &program.units_returned);
    row("  matching no order", &program.units_unmatched);
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
    let refused = summary.rejected.iter().map(|rejected| match rejected {
        Rejected::Order { order_id, reason } => (format!("order {order_id}"), &**reason),
        Rejected::Return { return_id, reason } => (format!("return {return_id}"), &**reason),
    });
    list(&mut text, "refused", refused)?;
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
    let report = audit::run(place.open_existing().await?.app()?, wall_clock()).await?;
    print(&report.to_string())?;
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) async fn show_account(id: &AccountId, entries: usize, place: &Place) -> Result<ExitCode, Failure> {
    let tables = place.open_existing().await?;
    print(&show::account(tables.app()?, id, entries).await?)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn redrive(queue: &str, place: &Place) -> Result<ExitCode, Failure> {
    let tables = place.open_existing().await?;
    let cloud = tables.cloud().ok_or("a deployment's messages are moved by `aws sqs start-message-move-task`")?;
    let (moved, to) = cloud.redrive(queue).await?;
    print(&format!("{moved} messages of {queue} are in {to} again\n"))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn invoke(function: &str, event: &Path, place: &Place) -> Result<ExitCode, Failure> {
    let unreadable = |why: String| format!("{}: {why}", event.display());
    let text = std::fs::read_to_string(event).map_err(|error| unreadable(error.to_string()))?;
    let document = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    let tables = if place.is_usual() { place.open().await? } else { place.open_existing().await? };
    ensure_program(&tables).await?;
    let cloud = tables.cloud().ok_or("a deployment's functions are invoked there, not from here")?;
    let answer = cloud.invoke(function, document).await?;
    print(&format!("{}\n", serde_json::to_string_pretty(&answer)?))?;
    Ok(ExitCode::SUCCESS)
}

/// What the data of each event says, and what stands around it, as the schemas that are published.
pub(super) fn event_schemas(into: &Path) -> Result<ExitCode, Failure> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| format!("{path}: {error}")
    };
    std::fs::create_dir_all(into).map_err(failed(into))?;
    let kinds = KINDS.iter().copied().flatten().map(|kind| (kind.name, event::data_schema(kind)));
    for (name, schema) in kinds.chain([("event", event::envelope_schema())]) {
        let text = format!("{}\n", serde_json::to_string_pretty(&schema)?);
        let path = into.join(format!("{name}.schema.json"));
        std::fs::write(&path, text).map_err(failed(&path))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::tests::Folder;
    use crate::import::balances::RefusedAccount;
    use domain::money::Points;

    #[test]
    fn the_summary_of_balances_says_what_was_refused_and_why() {
        let refused = |n: usize| RefusedAccount {
            account_id: AccountId::parse(&format!("a{n}")).unwrap(),
            reason: "Account has history".to_owned(),
        };
        let summary = balances::Summary {
            as_of: Instant::parse("2011-03-01T00:00:00Z").unwrap(),
            check_only: false,
            rows_read: 105,
            accounts_read: 104,
            accounts_opened: 2,
            accounts_known: 1,
            points_opened: Points(1_600),
            points_lapsed: Points(70),
            points_owed: Points(5),
            refused: (0..101).map(refused).collect(),
        };
        let text = balances_table(&summary).unwrap();
        let expected = [
            "rows read                        105",
            "accounts read                    104",
            "  opened now                       2",
            "  opened before                    1",
            "  refused                        101",
            "points taken over               1600",
            "  ended already                   70",
            "points owed                        5",
            "",
            "as of 2011-03-01T00:00:00Z",
            "",
            "refused accounts:",
            "  a0: Account has history",
        ];
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[..expected.len()], expected);
        assert_eq!((lines.len(), lines[lines.len() - 1]), (expected.len() + 100, "  and 1 more"));
        let checked = balances::Summary { check_only: true, refused: Vec::new(), ..summary };
        assert!(balances_table(&checked).unwrap().ends_with("\nas of 2011-03-01T00:00:00Z; nothing was written\n"));
    }
    #[tokio::test]
    async fn a_database_that_was_named_and_is_not_there_is_not_made() {
        let folder = Folder::new();
        let event = folder.0.join("event.json");
        std::fs::write(&event, "{}").unwrap();
        let place = Place::File(folder.0.join("data").join("none.db"));
        let refused = invoke("accounts", &event, &place).await.unwrap_err().to_string();
        assert!(refused.starts_with("there is no database ") && refused.contains("none.db"), "{refused}");
        assert!(!folder.0.join("data").exists());
        assert!(Place::File(".guilder/guilder.db".into()).is_usual(), "what nobody names is made");
    }

    #[test]
    fn schemas_are_written_into_a_folder_that_is_made_or_what_is_in_the_way_is_named() {
        let folder = Folder::new();
        let into = folder.0.join("new").join("schemas");
        event_schemas(&into).unwrap();
        assert!(into.join("event.schema.json").exists());
        for (into, named) in [
            (into.join("event.schema.json"), "event.schema.json: "),
            (folder.0.join("full"), "full/event.schema.json: "),
        ] {
            std::fs::create_dir_all(folder.0.join("full").join("event.schema.json")).unwrap();
            let refused = event_schemas(&into).unwrap_err().to_string();
            assert!(refused.contains(named), "{refused}");
        }
    }
}
