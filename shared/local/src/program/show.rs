//! Versions of the program for people: when each is in force, and its rules.

use super::rules::rules;
use super::{ProgramError, start};
use domain::time::Instant;
use domain::version::Timeline;
use runtime::App;
use std::fmt::Write;
use store::Planned;

/// The versions and the rules in force at `now`, for people.
pub async fn show(app: &App, now: Instant) -> Result<String, ProgramError> {
    let name = &app.config().program;
    let Planned { timeline, schedule } = app.store().planned(name).await?;
    let (schedule, in_force) = schedule.zip(timeline.at(now)).ok_or_else(|| ProgramError::None(name.clone()))?;
    let head = format!("program {name}\n\n{}", noted(&timeline, &timeline, now));
    Ok(format!("{head}\nversion {}\n{}", in_force.version, rules(&schedule.at(now).program)))
}

/// One version with its rules, in force or not.
pub async fn show_version(app: &App, number: u32, now: Instant) -> Result<String, ProgramError> {
    let name = &app.config().program;
    let found = app.store().version_rules(name, number).await?;
    let (_, program) = found.ok_or_else(|| ProgramError::NoVersion { name: name.clone(), number })?;
    let mut timeline = app.store().timeline(name).await?;
    let all = timeline.clone();
    timeline.activations.retain(|activation| activation.version == number);
    let when = match timeline.activations.is_empty() {
        true => "  in force nowhere\n".to_owned(),
        false => noted(&timeline, &all, now),
    };
    Ok(format!("program {name}\n\n{when}\nversion {number}\n{}", rules(&program)))
}

/// A line for each activation, noted by what all of them come to.
fn noted(some: &Timeline, all: &Timeline, now: Instant) -> String {
    let (effective, in_force) = (all.effective(), all.at(now));
    let mut text = String::new();
    for activation in &some.activations {
        let note = match activation {
            activation if Some(*activation) == in_force => "  in force",
            activation if !effective.contains(activation) => "  replaced",
            activation if activation.from > now => "  to come",
            _ => "",
        };
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  version {:<4} from {}{note}", activation.version, start(activation.from));
    }
    text
}
