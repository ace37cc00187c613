//! Keys of simulations: each has a partition of its own.

use super::{Item, text};

/// Begins the partitions of simulations.
const SIMULATION: &str = "simulation#";
/// Begins what a simulation under way keeps beside its record.
const PART: &str = "PART#";
const RECORD: &str = "RECORD";

/// Where a simulation keeps its record, or a part by this name: partition and sort key.
pub(super) fn place(id: &str, part: Option<&str>) -> (String, String) {
    (format!("{SIMULATION}{id}"), part.map_or_else(|| RECORD.to_owned(), |name| format!("{PART}{name}")))
}

/// The condition, and its values, that all parts of a simulation are queried with.
pub fn simulation_parts(id: &str) -> (&'static str, Item) {
    let (metric, _) = place(id, None);
    let values = [(":metric".to_owned(), text(metric)), (":kind".to_owned(), text(PART))];
    ("metric = :metric AND begins_with(period, :kind)", values.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::keys::{kept, kept_piece, period, piece_run};
    use crate::{Kept, Stamp};
    use domain::time::Day;

    #[test]
    fn what_is_forgotten_of_a_simulation_is_all_but_its_record() {
        let stamp = Stamp { night: Day::parse("2011-05-31").unwrap(), revision: 1, progress: 7 };
        let (_, values) = simulation_parts("c0ffee");
        let of = |name: &str| values.get(name).unwrap().as_s().unwrap().clone();
        for (part, is_forgotten) in [(None, false), (Some("wants#0000000003#00c0ffee"), true)] {
            let place = Kept::Simulation { id: "c0ffee", part };
            let piece = kept_piece(&place, stamp, "00c0ffee", 2);
            assert_eq!(piece_run(&piece), Some((stamp.night, 1)));
            for key in [kept(&place), piece] {
                assert_eq!(key.get("metric").unwrap().as_s().unwrap(), &of(":metric"));
                assert_eq!(period(&key).unwrap().starts_with(&of(":kind")), is_forgotten, "{key:?}");
            }
        }
    }
}
