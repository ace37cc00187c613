//! Which program a database begins with: a sample, or a document of one's own.

use super::{Activated, ProgramError, activate};
use domain::id::ProgramName;
use domain::program::Program;
use domain::time::Calendar;
use runtime::App;
use serde_json::Value;
use std::path::{Path, PathBuf};
use store::Segment;

/// The sample program, in force on a new database until another version is activated.
pub(super) const WHOLESALE: &str = include_str!("../../programs/wholesale.json");
const WHOLESALE_NAME: &str = "wholesale";

/// The samples by their names.
pub(super) const SAMPLES: [(&str, &str); 3] = [
    (WHOLESALE_NAME, WHOLESALE),
    ("distributor", include_str!("../../programs/distributor.json")),
    ("subscription", include_str!("../../programs/subscription.json")),
];

/// Reads a program document: that of a file, or the sample of that name.
pub fn document(path: &Path) -> Result<Value, ProgramError> {
    let unreadable = |reason: String| ProgramError::Unreadable { path: path.to_owned(), reason };
    let sample = SAMPLES.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| text.as_bytes().to_vec());
    let bytes = match sample {
        Some(bytes) => bytes,
        None => std::fs::read(path).map_err(|error| unreadable(error.to_string()))?,
    };
    domain::document::parse(&bytes).map_err(|reason| unreadable(format!("not JSON: {reason}")))
}

/// Activates the sample program where nothing was ever activated; answers its version then.
pub async fn ensure(app: &App) -> Result<Option<u32>, ProgramError> {
    let name = &app.config().program;
    if name.as_str() != WHOLESALE_NAME || app.store().schedule(name).await?.is_some() {
        return Ok(None);
    }
    free_of_accounts(app).await?;
    let document = document(Path::new(WHOLESALE_NAME))?;
    Ok(Some(activate(app, document, None, app.clock().now()).await?.version))
}

/// Fails where there are accounts: they were not made without a program, so theirs is on its way.
async fn free_of_accounts(app: &App) -> Result<(), ProgramError> {
    let mut after = None;
    loop {
        let page = app.store().account_ids_page(Segment::WHOLE, after).await?;
        if !page.records.is_empty() {
            return Err(ProgramError::Unrestored(app.config().program.clone()));
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// The document of a program that was chosen for a database.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// What it is called.
    pub name: ProgramName,
    /// Its time zone.
    pub calendar: Calendar,
    pub(super) file: PathBuf,
    pub(super) document: Value,
}

impl Chosen {
    /// Reads the document of a file, or of a sample by its name.
    pub fn read(file: &Path) -> Result<Self, ProgramError> {
        let document = document(file)?;
        let Program { name, calendar, .. } = Program::from_json(&document).map_err(ProgramError::Faulty)?;
        Ok(Self { name, calendar, file: file.to_owned(), document })
    }

    /// Whether it is the sample that the demo history goes with.
    pub fn is_wholesale(&self) -> bool {
        serde_json::from_str::<Value>(WHOLESALE).is_ok_and(|sample| sample == self.document)
    }

    /// Activates it where nothing was ever activated, and answers that. Later it must say what some stored version says,
    /// so that nobody takes for the rules what is none; and no database runs a second program.
    pub async fn begin(&self, app: &App) -> Result<Option<Activated>, ProgramError> {
        let programs = app.store().programs().await?;
        if let Some(runs) = programs.iter().find(|runs| **runs != self.name) {
            return Err(ProgramError::Occupied { runs: runs.clone(), wanted: self.name.clone() });
        }
        if programs.is_empty() {
            free_of_accounts(app).await?;
            return activate(app, self.document.clone(), None, app.clock().now()).await.map(Some);
        }
        match self.is_stored(app).await? {
            true => Ok(None),
            false => {
                let file = self.file.display().to_string();
                Err(ProgramError::NotStored { name: self.name.clone(), file })
            }
        }
    }

    async fn is_stored(&self, app: &App) -> Result<bool, store::Fault> {
        let mut below = None;
        loop {
            let page = app.store().versions_page(&self.name, below, PAGE).await?;
            let says = |text: &str| serde_json::from_str::<Value>(text).is_ok_and(|stored| stored == self.document);
            if page.versions.iter().any(|version| says(&version.document)) {
                return Ok(true);
            }
            below = page.next;
            if below.is_none() {
                return Ok(false);
            }
        }
    }
}

/// Versions read at once.
const PAGE: u16 = 20;
