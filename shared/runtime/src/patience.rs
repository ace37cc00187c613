//! How long an invocation works on what may take longer than one.

use std::time::Duration;
use tokio::time::Instant;

/// How long an invocation works on before it leaves the rest to its function's queue, or hands back a cursor. At least
/// one step is made, however short it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a request: less than the functions' time limit in the template, and the gateway's.
    pub request: Duration,
    /// For all messages of a batch together.
    pub batch: Duration,
    /// For a part of a walk, or a step of a simulation: far less than the functions' time limit in the template.
    pub walk: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { request: Duration::from_secs(20), batch: crate::batch::TIME_MAX, walk: Duration::from_secs(60) }
    }
}

/// When to stop and leave the rest; never, without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// There is all the time in the world.
    pub const NEVER: Self = Self(None);

    /// So long from now.
    pub fn after(time: Duration) -> Self {
        Self(Instant::now().checked_add(time))
    }

    /// Whether it has come.
    pub fn is_over(self) -> bool {
        self.0.is_some_and(|end| end <= Instant::now())
    }
}

/// A random pause up to a bound that doubles with every try, from `first_ms` to `most_ms`.
pub(crate) fn jittered(tries: u32, first_ms: u64, most_ms: u64) -> Duration {
    let bound = first_ms.checked_shl(tries.min(16)).unwrap_or(most_ms).min(most_ms);
    Duration::from_millis(fastrand::u64(0..=bound))
}
