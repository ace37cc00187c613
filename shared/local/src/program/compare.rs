//! What differs between two versions of the program, or a version and a draft, for people.

use super::{ProgramError, document};
use ::program::compare::{DifferenceAnswer, Side, difference};
use domain::program::difference::{Changed, Difference, Stated};
use runtime::App;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::path::Path;

/// The difference as the API tells it; as text, for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Compared(DifferenceAnswer);

/// Compares two, each the number of a stored version, a file, or a sample by its name.
pub async fn compare(app: &App, [first, second]: [&str; 2]) -> Result<Compared, ProgramError> {
    let sides = [side(first)?, side(second)?];
    for side in &sides {
        if let Side::Version(number) = side
            && app.store().version(&app.config().program, *number).await?.is_none()
        {
            return Err(ProgramError::NoVersion { name: app.config().program.clone(), number: *number });
        }
    }
    Ok(Compared(difference(app, &sides).await?))
}

fn side(named: &str) -> Result<Side, ProgramError> {
    match named.parse() {
        Ok(number) => Ok(Side::Version(number)),
        Err(_) => Ok(Side::Draft { file: named.to_owned(), document: document(Path::new(named))? }),
    }
}

fn called(side: &Side) -> String {
    match side {
        Side::Version(number) => format!("version {number}"),
        Side::Draft { file, .. } => file.clone(),
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DifferenceAnswer { program, from, to, difference } = &self.0;
        let Difference { added, removed, changed } = difference;
        writeln!(f, "program {program}, from {} to {}", called(from), called(to))?;
        if [added.len(), removed.len(), changed.len()] == [0; 3] {
            return writeln!(f, "\nnothing differs");
        }
        stated(f, "added", added)?;
        stated(f, "removed", removed)?;
        if !changed.is_empty() {
            writeln!(f, "\nchanged")?;
        }
        for Changed { path, before, after } in changed {
            writeln!(f, "  {path}\n      {before} → {after}")?;
        }
        Ok(())
    }
}

/// What one of the two says alone: a rule stands field by field, a plain value beside its path.
fn stated(f: &mut fmt::Formatter<'_>, title: &str, list: &[Stated]) -> fmt::Result {
    if !list.is_empty() {
        writeln!(f, "\n{title}")?;
    }
    for Stated { path, value } in list {
        match value {
            Value::Object(fields) => {
                writeln!(f, "  {path}")?;
                for (field, value) in fields {
                    writeln!(f, "      {field}: {value}")?;
                }
            }
            _ => writeln!(f, "  {path}\n      {value}")?,
        }
    }
    Ok(())
}
