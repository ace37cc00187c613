//! What orders want of budgets over all accounts: gathered in a first way through all histories, a part with each step,
//! and read back at the beginning of each step of the second.
//!
//! A part is named by its step and by what it holds, and kept before the record that names it. So two who make the same
//! step keep two parts, of which the record names one.

use crate::engine::SimulateError;
use crate::id::SimulationId;
use crate::record::{At, Unreadable, Wanted, bytes, read};
use domain::id::{AccountId, RuleId};
use domain::money::Points;
use domain::simulation::{Allotted, Budgets, Want};
use domain::time::Instant;
use runtime::App;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{Fault, Kept};

/// Most wants of a simulation, both sides together: each step reads all of them, in memory.
pub(crate) const WANTS_MAX: u64 = 500_000;

/// The wants of a step.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// Under the versions that were in force.
    pub in_force: Vec<Want>,
    /// Under the draft.
    pub draft: Vec<Want>,
}

/// The same as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptPart {
    in_force: Vec<KeptWant>,
    draft: Vec<KeptWant>,
}

/// A want in few bytes: the instant in milliseconds, whose, entry, rule, how much, and of how much.
#[derive(Serialize, Deserialize)]
struct KeptWant(i64, AccountId, u64, RuleId, Points, Points);

impl KeptWant {
    fn of(want: &Want) -> Self {
        let Want { at, account_id, entry, rule, points, budget } = want;
        Self(at.as_ms(), account_id.clone(), *entry, rule.clone(), *points, *budget)
    }

    fn want(self) -> Want {
        let Self(at_ms, account_id, entry, rule, points, budget) = self;
        Want { at: Instant::from_ms(at_ms), account_id, entry, rule, points, budget }
    }
}

impl Part {
    fn count(&self) -> u64 {
        u64::try_from(self.in_force.len().saturating_add(self.draft.len())).unwrap_or(u64::MAX)
    }

    fn bytes(&self) -> Result<Vec<u8>, Fault> {
        let kept = |wants: &[Want]| wants.iter().map(KeptWant::of).collect();
        bytes(&KeptPart { in_force: kept(&self.in_force), draft: kept(&self.draft) })
    }

    fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let KeptPart { in_force, draft } = read(bytes)?;
        let wants = |kept: Vec<KeptWant>| kept.into_iter().map(KeptWant::want).collect();
        Ok(Self { in_force: wants(in_force), draft: wants(draft) })
    }
}

/// Keeps what the orders of a step want, and adds its name to those before. Fails where there are too many.
pub(crate) async fn keep(
    app: &App,
    id: &SimulationId,
    at: &At,
    mut before: Wanted,
    part: &Part,
) -> Result<Wanted, SimulateError> {
    let count = part.count();
    before.count = before.count.saturating_add(count);
    if before.count > WANTS_MAX {
        return Err(SimulateError::TooManyWants);
    }
    if count > 0 {
        let bytes = part.bytes()?;
        let digest: String = Sha256::digest(&bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("wants#{:010}#{digest}", at.step());
        let place = Kept::Simulation { id: id.as_str(), part: Some(&name) };
        app.store().keep(place, at.stamp(), &bytes).await?;
        before.parts.push(name);
    }
    Ok(before)
}

/// What each order is given of the budgets, as all of them want it.
pub(crate) async fn serve(app: &App, id: &SimulationId, wanted: &Wanted) -> Result<Budgets, SimulateError> {
    let mut all = Part::default();
    for name in &wanted.parts {
        let place = Kept::Simulation { id: id.as_str(), part: Some(name) };
        let part = app.store().kept_as(place, Part::read).await?;
        let part = part.ok_or_else(|| SimulateError::Forgotten { part: name.clone() })?;
        all.in_force.extend(part.in_force);
        all.draft.extend(part.draft);
    }
    Ok(Budgets { in_force: Allotted::serve(all.in_force)?, draft: Allotted::serve(all.draft)? })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn want(account: &str, entry: u64) -> Want {
        Want {
            at: Instant::parse("2030-02-28T12:00:00.123Z").unwrap(),
            account_id: AccountId::parse(account).unwrap(),
            entry,
            rule: RuleId::parse("spring").unwrap(),
            points: Points(70),
            budget: Points(1_000),
        }
    }

    #[test]
    fn a_part_is_read_as_it_was_kept_and_takes_few_bytes() {
        let part = Part { in_force: vec![want("acme", 1), want("beta", 900)], draft: vec![want("acme", 2)] };
        let bytes = part.bytes().unwrap();
        assert!(bytes.len() < 3 * 30, "{} bytes", bytes.len());
        let read = Part::read(&bytes).unwrap();
        assert_eq!((read.in_force, read.draft, part.count()), (part.in_force, part.draft, 3));
        assert!(Part::read(&bytes[..bytes.len() - 1]).is_err() && Part::read(&[]).is_err());
    }
}
