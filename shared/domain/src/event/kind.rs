//! A kind of event: its name, the version of its schema, and what its data says.

use super::KINDS;

/// A kind of event.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its type, such as `order.scored`.
    pub name: &'static str,
    /// Counts the changes of its data that a reader could stumble over. A field more is none of these.
    pub version: u32,
    /// What has happened.
    pub about: &'static str,
    /// Somebody is to be written to: an address goes with it.
    pub is_notice: bool,
    /// What it says besides what all events say.
    pub fields: &'static [Field],
}

/// A field of an event's data.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// When it is there.
    pub presence: Presence,
    /// What it means.
    pub about: &'static str,
}

/// When a field is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Always.
    Always,
    /// Where there is something to say.
    Sometimes,
    /// Instead of another.
    Instead,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Whole points.
    Points,
    /// A whole number, not negative.
    Count,
    /// An amount with its currency.
    Money,
    /// A figure in the unit of the program's metric.
    Measured,
    /// An RFC 3339 instant in UTC.
    Instant,
    /// A date.
    Date,
    /// An identifier.
    Id,
    /// A code that a person types.
    Code,
    /// A list of them.
    Codes,
    /// Text that somebody wrote.
    Text,
    /// `true`; where it is not so, the field is absent.
    True,
    /// `true` or `false`.
    Truth,
    /// One of some words.
    Word(&'static [&'static str]),
    /// A list of some words.
    Words(&'static [&'static str]),
    /// A list of names.
    Names,
    /// How often something was used in its period.
    Uses,
}

impl Kind {
    /// The kind of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().copied().flatten().find(|kind| kind.name == name)
    }

    /// What its schema is called.
    pub fn schema_id(&self) -> String {
        format!("urn:guilder:event:{}:{}", self.name, self.version)
    }

    pub(super) const fn new(name: &'static str, about: &'static str, fields: &'static [Field]) -> Self {
        Self { name, version: 1, about, is_notice: false, fields }
    }

    pub(super) const fn notice(name: &'static str, about: &'static str, fields: &'static [Field]) -> Self {
        Self { name, version: 1, about, is_notice: true, fields }
    }
}

/// A field that is always there.
pub(super) const fn always(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, presence: Presence::Always, about }
}

/// A field that is there where there is something to say.
pub(super) const fn sometimes(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, presence: Presence::Sometimes, about }
}

/// A field that stands there instead of another.
pub(super) const fn instead(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, presence: Presence::Instead, about }
}
