//! What differs from one version of the program to another, or to a draft that is not stored. The command line compares by
//! the same.

use domain::decision::Rejection;
use domain::id::ProgramName;
use domain::program::difference::Difference;
use domain::version::Version;
use runtime::{App, Error};
use serde::Serialize;
use serde_json::Value;

/// One of the two that are compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Side {
    /// A stored version, by its number.
    Version(u32),
    /// A document that is not stored.
    Draft {
        /// What it is called here.
        file: String,
        /// The document.
        #[serde(skip)]
        document: Value,
    },
}

/// What differs from one version to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DifferenceAnswer {
    /// Of which program.
    pub program: ProgramName,
    /// The first.
    pub from: Side,
    /// The second.
    pub to: Side,
    /// What differs.
    #[serde(flatten)]
    pub difference: Difference,
}

impl Side {
    async fn document(&self, app: &App) -> Result<Value, Error> {
        match self {
            Self::Version(number) => Ok(stored(app, *number).await?.1),
            Self::Draft { document, .. } => Ok(document.clone()),
        }
    }
}

/// What differs from the first of two to the second.
pub async fn difference(app: &App, [from, to]: &[Side; 2]) -> Result<DifferenceAnswer, Error> {
    let (before, after) = (from.document(app).await?, to.document(app).await?);
    let difference = Difference::of_rules(&before, &after);
    Ok(DifferenceAnswer { program: app.config().program.clone(), from: from.clone(), to: to.clone(), difference })
}

/// A version and its document.
pub async fn stored(app: &App, number: u32) -> Result<(Version, Value), Error> {
    let version = app.store().version(&app.config().program, number).await?.ok_or(Rejection::UnknownVersion)?;
    let corrupt = |error: serde_json::Error| store::Fault::Corrupt {
        table: store::PROGRAMS,
        key: format!("version {number}"),
        what: error.to_string(),
    };
    let document = serde_json::from_str(&version.document).map_err(corrupt)?;
    Ok((version, document))
}
