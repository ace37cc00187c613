//! What an order earned, reckoned again from its lines, its program version and what its account decided for it.

use domain::earning;
use domain::money::Overflow;
use domain::returns;
use domain::schedule::Schedule;
use domain::score::ScoredOrder;

/// What does not come out as it is stored. Without its program version, which is a finding of its account, there is
/// nothing to reckon by.
pub(super) fn check(scored: &ScoredOrder, schedule: &Schedule) -> Vec<String> {
    let Some(version) = schedule.version(scored.score.program_version) else { return Vec::new() };
    let mut found = Vec::new();
    let mut compare = || {
        let (points, outcomes) = earning::recomputed(scored, &version.program)?;
        let stored = scored.current();
        if stored.points != points {
            found.push(format!("{} points stored, its lines earn {points}", stored.points));
        } else if !stored.outcomes.starts_with(&outcomes) {
            found.push("what became of its earning rules is not what its lines come to".to_owned());
        }
        let (credited, due) = (scored.history.tally.credited()?, returns::due(scored, &version.program)?);
        if credited != due {
            found.push(format!("{credited} points of it are credited, what is kept of it earns {due}"));
        }
        Ok::<_, Overflow>(())
    };
    if let Err(overflow) = compare() {
        found.push(format!("its points: {overflow}"));
    }
    found
}
