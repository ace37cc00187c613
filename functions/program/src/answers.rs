//! What this function answers.

use domain::id::ProgramName;
use domain::time::Instant;
use domain::version::{Activation, Timeline, Version};
use serde::Serialize;
use serde_json::Value;

/// A version, without its document.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VersionAnswer {
    program: ProgramName,
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
}

impl VersionAnswer {
    pub fn of(program: &ProgramName, version: &Version) -> Self {
        let Version { number, created_at, created_by, .. } = version.clone();
        Self { program: program.clone(), version: number, created_at, created_by }
    }
}

/// A version and when it is in force.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedAnswer {
    #[serde(flatten)]
    version: VersionAnswer,
    activations: Vec<SpanAnswer>,
    /// What it says, where it is asked for by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<runtime::api::Anything>"))]
    document: Option<Value>,
}

impl PlannedAnswer {
    pub fn of(program: &ProgramName, version: &Version, spans: &[Span], document: Option<Value>) -> Self {
        let own = spans.iter().filter(|span| span.version == version.number);
        let activations = own.map(|span| SpanAnswer { from: span.from, until: span.until }).collect();
        Self { version: VersionAnswer::of(program, version), activations, document }
    }
}

/// While a version is in force.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct SpanAnswer {
    /// `null`: from the beginning of time.
    from: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Instant>,
}

/// A version while it is in force.
pub struct Span {
    version: u32,
    /// `None`: from the beginning of time.
    from: Option<Instant>,
    /// `None`: as things stand, for good.
    until: Option<Instant>,
}

impl Span {
    /// All that are ever in force, ascending.
    pub fn all(timeline: &Timeline) -> Vec<Self> {
        let effective = timeline.effective();
        let ends = effective.iter().skip(1).map(|next| Some(next.from)).chain([None]);
        let span = |(activation, until): (&Activation, _)| Self {
            version: activation.version,
            from: start(activation.from),
            until,
        };
        effective.iter().zip(ends).map(span).collect()
    }
}

/// From when, as it is told.
fn start(from: Instant) -> Option<Instant> {
    Some(from).filter(|from| *from > Instant::MIN)
}

/// One page of the versions.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VersionsAnswer {
    pub versions: Vec<PlannedAnswer>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// That a version is in force.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActivationAnswer {
    version: u32,
    /// `null`: from the beginning of time.
    from: Option<Instant>,
}

impl ActivationAnswer {
    fn of(activation: Activation) -> Self {
        Self { version: activation.version, from: start(activation.from) }
    }
}

/// That a version was put in force.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActivatedAnswer {
    program: ProgramName,
    #[serde(flatten)]
    activation: ActivationAnswer,
}

impl ActivatedAnswer {
    pub fn of(program: &ProgramName, activation: Activation) -> Self {
        Self { program: program.clone(), activation: ActivationAnswer::of(activation) }
    }
}

/// What is in force, and what is to come.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActiveAnswer {
    program: ProgramName,
    /// Absent: nothing was ever activated.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_force: Option<ActivationAnswer>,
    to_come: Vec<ActivationAnswer>,
}

impl ActiveAnswer {
    pub fn of(program: &ProgramName, timeline: &Timeline, now: Instant) -> Self {
        let in_force = timeline.at(now);
        let is_to_come = |activation: &Activation| activation.from > now && Some(*activation) != in_force;
        let to_come = timeline.effective().into_iter().filter(is_to_come).map(ActivationAnswer::of).collect();
        Self { program: program.clone(), in_force: in_force.map(ActivationAnswer::of), to_come }
    }
}
