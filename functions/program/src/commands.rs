//! The commands of this function. The command line stores and activates versions by the same.

use domain::decision::{Decision, Rejection};
use domain::id::ProgramName;
use domain::idempotency::CommandKey;
use domain::precondition::Precondition;
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
    /// What the schedule must be.
    pub condition: Precondition,
}

/// That a version is in force.
pub struct Activated {
    /// From when.
    pub activation: Activation,
    /// Whether that was decided before.
    pub was_there: bool,
    /// The version of the schedule that says so.
    pub schedule: u64,
}

impl ProgramCommand for PutActive {
    type State = Activating;
    type Answer = Activated;

    async fn load(&self, store: &Store) -> Result<Activating, Fault> {
        let Planned { timeline, schedule } = store.planned(&self.program).await?;
        let version = store.version_rules(&self.program, self.asked.version).await?;
        Ok(Activating { timeline, schedule, version })
    }

    fn decide(&self, state: &Activating, _: &str, now: Instant) -> Result<Decision<Self::Answer>, Rejection> {
        let present = state.timeline.version;
        let decision = version::activate(&self.program, &self.asked, state, now)?;
        let decision = self.condition.judge(Some(present).filter(|version| *version > 0), decision)?;
        let (activation, was_there) = decision.answer;
        let schedule = if was_there { present } else { present.saturating_add(1) };
        Ok(Decision { writes: decision.writes, answer: Activated { activation, was_there, schedule } })
    }
}
