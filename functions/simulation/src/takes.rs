//! What orders and redemptions take of limits over all accounts: gathered on the way through all histories, a part with
//! each step, and read back at the beginning of each step of the next.
//!
//! A part is named by its step and by what it holds, and kept before the record that names it. So two who make the same
//! step keep two parts, of which the record names one.

use crate::engine::SimulateError;
use crate::id::SimulationId;
use crate::record::{At, Taken, Unreadable, bytes, read};
use domain::id::AccountId;
use domain::limit::LimitId;
use domain::simulation::{Assumed, Take, Takes};
use domain::time::Instant;
use runtime::App;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{Fault, Kept};

/// Most takes of a pass, both sides together: each step reads all of them, in memory.
pub(crate) const TAKES_MAX: u64 = 500_000;

/// The takes of a step, as they are kept.
#[derive(Serialize, Deserialize)]
struct KeptPart {
    in_force: Vec<KeptTake>,
    draft: Vec<KeptTake>,
}

/// A take in few bytes: the instant in milliseconds, whose, entry, limit, and how much.
#[derive(Serialize, Deserialize)]
struct KeptTake(i64, AccountId, u64, LimitId, i64);

impl KeptTake {
    fn of(take: &Take) -> Self {
        let Take { at, account_id, entry, limit, amount } = take;
        Self(at.as_ms(), account_id.clone(), *entry, limit.clone(), *amount)
    }

    fn take(self) -> Take {
        let Self(at_ms, account_id, entry, limit, amount) = self;
        Take { at: Instant::from_ms(at_ms), account_id, entry, limit, amount }
    }
}

fn written(part: &Takes) -> Result<Vec<u8>, Fault> {
    let kept = |takes: &[Take]| takes.iter().map(KeptTake::of).collect();
    bytes(&KeptPart { in_force: kept(&part.in_force), draft: kept(&part.draft) })
}

fn part(bytes: &[u8]) -> Result<Takes, Unreadable> {
    let KeptPart { in_force, draft } = read(bytes)?;
    let takes = |kept: Vec<KeptTake>| kept.into_iter().map(KeptTake::take).collect();
    Ok(Takes { in_force: takes(in_force), draft: takes(draft) })
}

/// Keeps what was taken in a step, and adds its name to those before. Fails where there is too much.
pub(crate) async fn keep(
    app: &App,
    id: &SimulationId,
    at: &At,
    mut before: Taken,
    taken: &Takes,
) -> Result<Taken, SimulateError> {
    let count = taken.count();
    before.count = before.count.saturating_add(count);
    if before.count > TAKES_MAX {
        return Err(SimulateError::TooManyTakes);
    }
    if count > 0 {
        let bytes = written(taken)?;
        let digest: String = Sha256::digest(&bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("takes#{:010}#{digest}", at.step());
        let place = Kept::Simulation { id: id.as_str(), part: Some(&name) };
        app.store().keep(place, at.stamp(), &bytes).await?;
        before.parts.push(name);
    }
    Ok(before)
}

/// What a pass assumes after which this is kept.
pub(crate) async fn assumed(app: &App, id: &SimulationId, taken: &Taken) -> Result<Assumed, SimulateError> {
    let mut all = Takes::default();
    for name in &taken.parts {
        let place = Kept::Simulation { id: id.as_str(), part: Some(name) };
        let kept = app.store().kept_as(place, part).await?;
        all.extend(kept.ok_or_else(|| SimulateError::Forgotten { part: name.clone() })?);
    }
    Ok(Assumed::of(all)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use domain::id::RuleId;
    use domain::limit::LimitKind;

    fn take(account: &str, entry: u64, amount: i64) -> Take {
        Take {
            at: Instant::parse("2030-02-28T12:00:00.123Z").unwrap(),
            account_id: AccountId::parse(account).unwrap(),
            entry,
            limit: LimitId::of(LimitKind::EarningBudget, &RuleId::parse("spring").unwrap()),
            amount,
        }
    }

    #[test]
    fn a_part_is_read_as_it_was_kept_and_takes_few_bytes() {
        let takes =
            Takes { in_force: vec![take("acme", 1, 70), take("beta", 900, -1)], draft: vec![take("acme", 2, 9)] };
        let bytes = written(&takes).unwrap();
        assert!(bytes.len() < 3 * 35, "{} bytes", bytes.len());
        assert_eq!(part(&bytes).unwrap(), takes);
        assert!(part(&bytes[..bytes.len() - 1]).is_err() && part(&[]).is_err());
    }
}
