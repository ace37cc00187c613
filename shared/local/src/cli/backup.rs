//! Everything, out and back in.

use super::place::Opened;
use super::{Failure, Place, print};
use crate::backup::{self, Content, Located, Manifest, Plan};
use crate::template::Template;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

pub(super) async fn export(still: bool, folder: &Path, place: &Place) -> Result<ExitCode, Failure> {
    let opened = place.open_existing().await?;
    let app = opened.app()?;
    let plan = Plan { tables: located(&opened)?, program: app.config().program.clone(), still };
    let manifest = backup::save(app.store().client(), &plan, folder).await?;
    if let Some(cloud) = opened.cloud() {
        let waiting = cloud.queues().await?.iter().map(|queue| queue.depth).fold(0, usize::saturating_add);
        if waiting > 0 {
            eprintln!("{waiting} messages wait in queues; queues are no part of a backup");
        }
    }
    let items = |content: &Content| content.items.to_string();
    let tables = manifest.tables.iter().map(|(name, held)| (name.as_str(), items(&held.content)));
    let kind = match still {
        true => "Nothing was written meanwhile: it is of one instant.",
        false => "What was written meanwhile may be in it in part; `guilder audit` tells, where it is restored.",
    };
    print(&format!("{}\n{}\n{kind}\n", listed(tables)?, said(&manifest)))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn import(folder: &Path, place: &Place) -> Result<ExitCode, Failure> {
    // What is no backup makes no database.
    Manifest::read(folder)?;
    let opened = place.open().await?;
    let app = opened.app()?;
    let restored = backup::restore(app.store().client(), &located(&opened)?, folder, &std::env::temp_dir()).await?;
    let manifest = &restored.manifest;
    if opened.cloud().is_none() && manifest.program != app.config().program {
        eprintln!("functions here run {}: deploy with ProgramName={}", app.config().program, manifest.program);
    }
    let stood: BTreeMap<_, _> = manifest.tables.iter().map(|(name, held)| (name, held.content.items)).collect();
    let tables = restored.written.iter().map(|(name, written)| {
        let all = stood.get(name).copied().unwrap_or(0);
        let before = all.saturating_sub(*written);
        let before = if before > 0 { format!(", {before} of them before") } else { String::new() };
        (name.as_str(), format!("{all}{before}"))
    });
    let next = "Every table holds what the backup does. See what `guilder audit` says before anybody writes.";
    print(&format!("{}\n{}\n{next}\n", listed(tables)?, said(manifest)))?;
    Ok(ExitCode::SUCCESS)
}

fn listed<'a>(tables: impl Iterator<Item = (&'a str, String)>) -> Result<String, Failure> {
    let mut text = String::new();
    for (name, items) in tables {
        writeln!(text, "{name:<12}{items:>10}")?;
    }
    Ok(text)
}

fn said(manifest: &Manifest) -> String {
    let Manifest { program, release, begun_at, ended_at, .. } = manifest;
    format!("program {program}, read by release {release} from {begun_at} to {ended_at}")
}

/// Every table of the template, by the name it has there.
fn located(opened: &Opened) -> Result<Vec<Located>, Failure> {
    let template = Template::embedded()?;
    let located = |table| {
        let name = match opened {
            Opened::Cloud(cloud) => cloud.table_name(&table),
            Opened::Deployment(_) => {
                let variable = template.variable_of(&table).ok_or_else(|| format!("{} has no variable", table.id))?;
                let name = std::env::var(variable).ok().filter(|name| !name.is_empty());
                name.ok_or_else(|| format!("{variable} must say what the table of {} is called", table.name))?
            }
        };
        Ok(Located { table, name })
    };
    template.tables.clone().into_iter().map(located).collect()
}
