//! Where `now` comes from. The only place that reads the clock.

use domain::time::{Day, Instant};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of `now`, and of the wall-clock day that due things are filed under.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is moved.
    Manual(Arc<AtomicI64>),
    /// History being replayed: `now` is given, the day is today's.
    Replay(Instant),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::System
    }

    /// A clock that stands at `at` until [`Clock::set`] moves it; its clones move with it.
    pub fn manual(at: Instant) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.as_ms())))
    }

    /// Moves a manual clock; any other stays what it is.
    pub fn set(&self, at: Instant) {
        if let Self::Manual(ms) = self {
            ms.store(at.as_ms(), Ordering::SeqCst);
        }
    }

    /// The instant.
    pub fn now(&self) -> Instant {
        match self {
            Self::System => wall(),
            Self::Manual(ms) => Instant::from_ms(ms.load(Ordering::SeqCst)),
            Self::Replay(at) => *at,
        }
    }

    /// The day that is not closed yet.
    pub fn wall_day(&self) -> Day {
        match self {
            Self::System | Self::Replay(_) => wall().utc_day(),
            Self::Manual(_) => self.now().utc_day(),
        }
    }
}

fn wall() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
