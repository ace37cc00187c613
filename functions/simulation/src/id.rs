//! What a simulation is called.

use domain::id::InvalidId;
use domain::idempotency::CommandKey;
use std::fmt;

/// Characters of an id: 128 bits in hexadecimal.
const CHARS: usize = 32;

/// The id of a simulation: it follows from who asked for it, and with which `Idempotency-Key`. So whoever asks again
/// finds the first one, and there is no other record of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SimulationId(String);

impl SimulationId {
    /// The id of what was asked for with this key.
    pub fn of(key: &CommandKey) -> Self {
        Self(key.as_str().chars().take(CHARS).collect())
    }

    /// An id as it is written.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match text.len() == CHARS && text.bytes().all(is_digit) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidId("must be 32 digits of 0-9 and a-f")),
        }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SimulationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
