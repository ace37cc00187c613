//! Everything, out and back in.

use super::place::Opened;
use super::{Failure, Place, print};
use crate::backup::{self, Backup, Content, Located, Manifest, Plan};
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

pub(super) async fn import(folder: &Path, lost: &[u16], place: &Place) -> Result<ExitCode, Failure> {
    // What is no backup, or not as it was, makes no database.
    let backup = Backup::open(folder, &Template::embedded()?.tables)?;
    let opened = place.open().await?;
    let app = opened.app()?;
    let (written, doubts) =
        backup::restore_to_serve(app, &located(&opened)?, &backup, &std::env::temp_dir(), lost).await?;
    let manifest = &backup.manifest;
    if opened.cloud().is_none() && manifest.program != app.config().program {
        eprintln!("functions here run {}: deploy with ProgramName={}", app.config().program, manifest.program);
    }
    let stood: BTreeMap<_, _> = manifest.tables.iter().map(|(name, held)| (name, held.content.items)).collect();
    let tables = written.iter().map(|(name, written)| {
        let all = stood.get(name).copied().unwrap_or(0);
        let before = all.saturating_sub(*written);
        let before = if before > 0 { format!(", {before} of them before") } else { String::new() };
        (name.as_str(), format!("{all}{before}"))
    });
    let next = "Every table holds what the backup does. See what `guilder audit` says before anybody writes.";
    print(&format!("{}\n{}\n{next}\n", listed(tables)?, said(manifest)))?;
    doubts.iter().for_each(|doubt| eprintln!("{doubt}"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::tests::Folder;
    use crate::cloud::{Cloud, Options, Storage};
    use crate::program;
    use std::fs;

    /// A backup of an account whose claims were made with a secret that is not the one of this machine.
    async fn backup(folder: &Folder) -> std::path::PathBuf {
        let mut options = Options::new(Storage::Memory);
        options.parameters.insert("SecretKeys".to_owned(), "1:the secret of another machine".to_owned());
        let cloud = Cloud::open(options).await.unwrap();
        let app = cloud.app("accounts").unwrap();
        program::ensure(app).await.unwrap();
        let document = r#"{"name": "Acme", "vat_id": "GB100000000"}"#;
        assert_eq!(cloud.http("PUT", "/v1/accounts/acme", &[], document).await.status, 201);
        let located = |table: crate::template::Table| Located { name: cloud.table_name(&table), table };
        let tables = cloud.template().tables.iter().cloned().map(located).collect();
        let plan = Plan { tables, program: app.config().program.clone(), still: true };
        let path = folder.0.join("backup");
        backup::save(cloud.client(), &plan, &path).await.unwrap();
        path
    }

    #[tokio::test]
    async fn what_is_no_backup_or_not_as_it_was_makes_no_database() {
        let folder = Folder::new();
        let (backup, data) = (backup(&folder).await, folder.0.join("data"));
        let place = Place::File(data.join("new.db"));
        let nowhere = import(&folder.0.join("nowhere"), &[], &place).await.unwrap_err().to_string();
        assert!(nowhere.contains("it is no backup"), "{nowhere}");
        let file = backup.join("orders.json.gz");
        let whole = fs::read(&file).unwrap();
        fs::write(&file, &whole[..whole.len() - 1]).unwrap();
        let altered = import(&backup, &[], &place).await.unwrap_err().to_string();
        assert!(altered.contains("nothing was written"), "{altered}");
        fs::remove_file(&file).unwrap();
        import(&backup, &[], &place).await.unwrap_err();
        assert!(!data.exists(), "nothing is left behind");
    }

    #[tokio::test]
    async fn a_backup_of_another_secret_is_not_served_and_nothing_else_begins_over_it() {
        let folder = Folder::new();
        let (backup, place) = (backup(&folder).await, Place::File(folder.0.join("new.db")));
        for lost in [&[][..], &[1]] {
            let refused = import(&backup, lost, &place).await.unwrap_err().to_string();
            assert!(refused.contains("secret 1 is another than the one that claims were made with"), "{refused}");
        }
        let begun = {
            let opened = place.open_existing().await.unwrap();
            program::ensure(opened.app().unwrap()).await.unwrap_err().to_string()
        };
        assert!(begun.contains("start `guilder import all` again"), "{begun}");
    }

    #[tokio::test]
    async fn secrets_that_are_none_make_no_database() {
        let folder = Folder::new();
        let file = folder.0.join("new.db");
        let mut options = Options::new(Storage::File(file.clone()));
        options.parameters.insert("SecretKeys".to_owned(), "none".to_owned());
        assert!(Cloud::open(options).await.is_err());
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
    }
}
