//! Where the walker of due things finds an account: a day and the earliest instant at which something falls due.
//!
//! The instant is a lower bound. Commands only move it earlier, so that an ordinary order costs no index write; the
//! walker re-arms it. Nothing is filed under a day that has ended: the day is the later of the due day and the day
//! of the commit by the wall clock. That holds for a stored filing, too: while a command was being decided, the walker
//! may have come past the day it stands under.

use crate::time::{Day, Instant};

/// An account's place among what falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Nothing of the account falls due before this.
    pub at: Instant,
    /// The UTC day it is filed under.
    pub day: Day,
}

impl Due {
    /// The filing after a commit on `wall_day`: the stored one, unless something falls due earlier.
    pub fn file(stored: Option<Self>, next_change: Option<Instant>, wall_day: Day) -> Option<Self> {
        let at = stored.map(|stored| stored.at).into_iter().chain(next_change).min()?;
        Some(Self { at, day: at.utc_day().max(wall_day) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_only_move_the_instant_earlier_and_never_into_a_closed_day() {
        let at = |day: i64| Instant::from_ms(day.wrapping_mul(Instant::DAY_MS));
        let filed = |at_day: i64, day: i32| Some(Due { at: at(at_day), day: Day(day) });
        for (stored, next, wall_day, expected) in [
            (None, None, 5, None),
            (None, Some(at(9)), 5, filed(9, 9)),
            (None, Some(at(3)), 5, filed(3, 5)), // a back-dated order: today is still walked
            (filed(9, 9), Some(at(20)), 5, filed(9, 9)), // the walker re-arms, not the order
            (filed(9, 9), Some(at(7)), 5, filed(7, 7)),
            (filed(9, 9), None, 5, filed(9, 9)),
            (filed(3, 4), Some(at(20)), 5, filed(3, 5)), // the walker may have closed day 4 meanwhile
        ] {
            assert_eq!(Due::file(stored, next, Day(wall_day)), expected);
        }
    }
}
