//! The program's versions: samples, checking, storing, activating, comparing, and what is in force.

mod benefits;
mod compare;
mod rules;
mod sample;
mod show;
mod terms;
mod words;

use ::program::commands::{PostVersion, PutActive};
use domain::decision::Rejection;
use domain::document::Faults;
use domain::id::ProgramName;
use domain::precondition::Precondition;
use domain::time::Instant;
use domain::version::{Asked, Draft};
use domain::warning::Walk;
use runtime::{App, Caller, Clock};
use serde_json::Value;
use std::fmt;
use std::path::PathBuf;

pub use compare::{Compared, compare};
pub use sample::{Chosen, document, ensure};
pub use show::{show, show_version};

/// The number of the first activation of a version.
const FIRST_ACTIVATION: u32 = 1;

/// Why a program cannot be activated or shown.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The file cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The document has faults.
    #[error("the program has faults:{}", listed(.0))]
    Faulty(Faults),
    /// The document is one of another program, whatever else it has.
    #[error("the program has faults:{}\n{}", listed(faults), elsewhere(named))]
    Foreign {
        /// Its faults, the name among them.
        faults: Faults,
        /// What it is called.
        named: ProgramName,
    },
    /// The tables have another program than the one to be served.
    #[error("this database runs the program {runs}; {}", elsewhere(wanted))]
    Occupied {
        /// The one they have.
        runs: ProgramName,
        /// The one that is wanted.
        wanted: ProgramName,
    },
    /// The tables have accounts and no program.
    #[error(
        "there are accounts and no program {0} here: a backup was not restored to its end, so start `guilder import all` \
         again, or name the program that is theirs with GUILDER_PROGRAM"
    )]
    Unrestored(ProgramName),
    /// The document to be served says something else than any version that is stored.
    #[error(
        "this database runs {name} by other versions than {file}: serve it without --program, and put this one in force \
         with `guilder program activate {file}`"
    )]
    NotStored {
        /// The program.
        name: ProgramName,
        /// The document.
        file: String,
    },
    /// The instant is too near.
    #[error("a version takes effect two minutes ahead at the earliest: {earliest} now")]
    TooEarly {
        /// The earliest instant possible.
        earliest: Instant,
    },
    /// Accounts hold what the version would take away.
    #[error("version {after} was stored and cannot be in force after version {before}:{}", listed(.faults))]
    CannotFollow {
        /// The one before.
        before: u32,
        /// The one that cannot follow it.
        after: u32,
        /// Why not.
        faults: Faults,
    },
    /// Nothing is active yet.
    #[error(
        "no version of the program {0} has been activated: `guilder program activate FILE` does, and a first \
         `guilder serve --program FILE`; FILE is a document that is named {0}, or the name of a sample"
    )]
    None(ProgramName),
    /// There is no such version.
    #[error("the program {name} has no version {number}")]
    NoVersion {
        /// The program.
        name: ProgramName,
        /// The number.
        number: u32,
    },
    /// The tables could not be read or written.
    #[error(transparent)]
    Fault(#[from] store::Fault),
    /// It was refused.
    #[error("{0}")]
    Refused(String),
}

impl From<runtime::Error> for ProgramError {
    fn from(error: runtime::Error) -> Self {
        match error {
            runtime::Error::Rejected(Rejection::TooEarly { earliest }) => Self::TooEarly { earliest },
            runtime::Error::Rejected(Rejection::CannotFollow { before, after, faults }) => {
                Self::CannotFollow { before, after, faults }
            }
            other => Self::Refused(other.cause()),
        }
    }
}

/// Where another program can run.
fn elsewhere(named: &ProgramName) -> String {
    format!(
        "a database runs one program: serve {named} from one of its own, with \
         `guilder serve --program FILE --db {named}.db`; in the cloud it is a stack of its own, with ProgramName={named}"
    )
}

fn listed(faults: &Faults) -> String {
    let lines = faults.listed().iter().map(|fault| format!("\n  {} {} ({})", fault.path, fault.message, fault.code));
    let more = Some(faults.unlisted()).filter(|count| *count > 0).map(|count| format!("\n  and {count} more"));
    lines.chain(more).collect()
}

/// A version that was stored, and from when it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activated {
    /// Of which program.
    pub name: ProgramName,
    /// Its number.
    pub version: u32,
    /// From when; [`Instant::MIN`] for the first version.
    pub from: Instant,
}

impl fmt::Display for Activated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {} is in force from {}", self.name, self.version, start(self.from))
    }
}

fn start(from: Instant) -> String {
    if from == Instant::MIN { "the beginning of time".to_owned() } else { from.to_string() }
}

/// A version that was stored, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Of which program.
    pub name: ProgramName,
    /// Its number.
    pub version: u32,
    /// It was the newest already.
    pub was_there: bool,
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, version, was_there } = self;
        match was_there {
            false => write!(f, "{name} version {version} is stored, in force nowhere by that"),
            true => write!(f, "{name} version {version} says this already; nothing was stored"),
        }
    }
}

/// Notes where the walks over what falls due begin: nothing is filed before the first version is there, and everything
/// after it under what that makes of it. Where nobody did, all accounts are looked at by the first plan.
pub async fn note_first_day(app: &App) -> Result<(), store::Fault> {
    for walk in Walk::ALL {
        if app.store().first_open_day(walk).await?.is_none() {
            app.store().set_first_open_day(walk, app.clock().wall_day()).await?;
            app.store().set_filed_activation(walk, FIRST_ACTIVATION).await?;
        }
    }
    Ok(())
}

/// The JSON Schema of program documents, as `docs/program.schema.json` has it.
pub fn schema() -> String {
    format!("{:#}\n", domain::program::schema())
}

/// Whether a document may be a new version of the program `name`, as a request that states it is checked; every fault at
/// once.
pub fn check(document: Value, name: &ProgramName) -> Result<Draft, ProgramError> {
    let named = document.get("name").and_then(Value::as_str).and_then(|named| ProgramName::parse(named).ok());
    Draft::read(document, name).map_err(|faults| match named {
        Some(named) if named != *name => ProgramError::Foreign { faults, named },
        _ => ProgramError::Faulty(faults),
    })
}

/// Stores a document as the next version, unless it is the newest: the request of the API.
pub async fn store(app: &App, document: Value, now: Instant) -> Result<Stored, ProgramError> {
    let (app, caller) = (app.with_clock(Clock::manual(now)), Caller::operator("guilder program"));
    let name = app.config().program.clone();
    let draft = check(document, &name)?;
    let command = PostVersion { program: name.clone(), draft, key: None };
    let (version, was_there) = app.transact_program(&caller, &command).await?;
    Ok(Stored { name, version: version.number, was_there })
}

/// Puts a stored version in force from `from`, or from the earliest instant possible: the request of the API.
pub async fn put_in_force(
    app: &App,
    version: u32,
    from: Option<Instant>,
    now: Instant,
) -> Result<Activated, ProgramError> {
    let (app, caller) = (app.with_clock(Clock::manual(now)), Caller::operator("guilder program"));
    let name = app.config().program.clone();
    if app.store().version(&name, version).await?.is_none() {
        return Err(ProgramError::NoVersion { name, number: version });
    }
    if app.store().timeline(&name).await?.activations.is_empty() {
        note_first_day(&app).await?;
    }
    let command =
        PutActive { program: name.clone(), asked: Asked { version, from }, condition: Precondition::default() };
    let activation = app.transact_program(&caller, &command).await?.activation;
    app.forget_schedule().await;
    Ok(Activated { name, version: activation.version, from: activation.from })
}

/// Stores a document as the next version, unless it is the newest, and puts it in force from `from`, or from the
/// earliest instant possible: the two requests of the API, one after the other.
pub async fn activate(
    app: &App,
    document: Value,
    from: Option<Instant>,
    now: Instant,
) -> Result<Activated, ProgramError> {
    let stored = store(app, document, now).await?;
    put_in_force(app, stored.version, from, now).await
}

#[cfg(test)]
mod tests;
