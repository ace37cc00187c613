//! The commands of this function. The command line stores and activates versions by the same.

use domain::decision::{Decision, Rejection};
use domain::id::ProgramName;
use domain::idempotency::CommandKey;
use domain::time::Instant;
use domain::version::{self, Activating, Activation, Asked, Draft, Version, Versions};
use runtime::ProgramCommand;
use store::{Fault, Planned, Store};

/// Store a document as the next version, in force nowhere.
pub struct PostVersion {
    /// The program.
    pub program: ProgramName,
    /// The document.
    pub draft: Draft,
    /// What tells a repeat.
    pub key: Option<CommandKey>,
}

impl ProgramCommand for PostVersion {
    type State = Versions;
    /// The version, and whether it was stored before.
    type Answer = (Version, bool);

    async fn load(&self, store: &Store) -> Result<Versions, Fault> {
        let mut by_key = None;
        if let Some(key) = &self.key
            && let Some(used) = store.version_key(&self.program, key).await?
        {
            by_key = store.version(&self.program, used.number).await?.map(|version| (used, version));
        }
        Ok(Versions { newest: store.newest_version(&self.program).await?, by_key })
    }

    fn decide(&self, versions: &Versions, by: &str, now: Instant) -> Result<Decision<Self::Answer>, Rejection> {
        version::store(&self.program, &self.draft, self.key.as_ref(), versions, by, now)
    }
}

/// Put a version in force.
pub struct PutActive {
    /// The program.
    pub program: ProgramName,
    /// Which version, and from when.
    pub asked: Asked,
}

impl ProgramCommand for PutActive {
    type State = Activating;
    /// From when it is in force, and whether that was decided before.
    type Answer = (Activation, bool);

    async fn load(&self, store: &Store) -> Result<Activating, Fault> {
        let Planned { timeline, schedule } = store.planned(&self.program).await?;
        let version = store.version_rules(&self.program, self.asked.version).await?;
        Ok(Activating { timeline, schedule, version })
    }

    fn decide(&self, state: &Activating, _: &str, now: Instant) -> Result<Decision<Self::Answer>, Rejection> {
        version::activate(&self.program, &self.asked, state, now)
    }
}
