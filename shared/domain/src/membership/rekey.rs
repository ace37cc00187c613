//! Moving what accounts have claimed from older secrets to the newest, so that older ones can be removed.
//!
//! A claim keeps the secret it was made with. What an account states it states in clear, though, so the claims on that can
//! be made anew. It must never leave a value for a moment without a claim, nor give it to a second account: the new claim
//! is put, or found to be the account's own, by the transaction that gives the older ones up; that expects every other
//! claim on the value to be free; and it is guarded by the profile, which whoever else changes what the account has
//! claimed writes, too.

use super::{Claim, ClaimKey, Profile, UniqueField, claims_on_all, give_up, take};
use crate::code::Secrets;
use crate::decision::{Decision, Guard, Record, Write};

/// The claims that there may be on a value that an account states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedValue {
    /// What kind of value.
    pub field: UniqueField,
    /// The claim that is made on it today.
    newest: ClaimKey,
    /// All others: under the older secrets, and on its former form.
    others: Vec<ClaimKey>,
    /// Those of all of them that the profile lists.
    listed: Vec<ClaimKey>,
}

/// Where the claims on a value stand that an account lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Under the newest secret.
    Newest,
    /// Some under an older one.
    Older,
    /// It lists none that any of the secrets makes.
    Unknown,
}

impl StatedValue {
    /// The values that an account states and is to have alone.
    pub fn all(profile: &Profile, secrets: &Secrets) -> Vec<Self> {
        let claims = claims_on_all(profile.vat_id.as_ref(), profile.email.as_ref(), secrets);
        let stated = claims.map(|(field, newest, others)| {
            let listed = profile.claims.iter().filter(|key| **key == newest || others.contains(key)).cloned().collect();
            Self { field, newest, others, listed }
        });
        stated.collect()
    }

    /// Whether a claim is one on it.
    pub fn is_claimed_by(&self, key: &ClaimKey) -> bool {
        *key == self.newest || self.others.contains(key)
    }

    /// The claims on it that the account lists.
    pub fn listed(&self) -> &[ClaimKey] {
        &self.listed
    }

    /// Where those stand.
    pub fn standing(&self) -> Standing {
        if self.listed.is_empty() {
            return Standing::Unknown;
        }
        if self.listed.iter().any(|key| self.is_older(key)) { Standing::Older } else { Standing::Newest }
    }

    /// Whether a claim on it is made with an older secret.
    fn is_older(&self, key: &ClaimKey) -> bool {
        key.keyed.secret != self.newest.keyed.secret
    }
}

/// What is known before an account's claims are moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The account's own data.
    pub profile: Option<Profile>,
    /// Those of the claims [`asked`] for that somebody has.
    pub claims: Vec<Claim>,
}

/// What moving an account's claims came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rekeyed {
    /// What was claimed anew.
    pub moved: Vec<UniqueField>,
    /// Claims that others have on what this account states: nothing becomes of its own on that.
    pub conflicts: Vec<Claim>,
}

/// The claims of which must be known who has them.
pub fn asked(profile: &Profile, secrets: &Secrets) -> Vec<ClaimKey> {
    let to_move = StatedValue::all(profile, secrets).into_iter().filter(|value| value.standing() == Standing::Older);
    to_move.flat_map(|value| [value.newest].into_iter().chain(value.others)).collect()
}

/// Moves the claims on what an account states to the newest secret. Those on what it stated before stay: nobody knows any
/// more what they are on.
pub fn rekey(known: &Known, secrets: &Secrets) -> Decision<Rekeyed> {
    let mut answer = Rekeyed::default();
    let Some(before) = &known.profile else { return Decision { writes: Vec::new(), answer } };
    let (mut after, mut writes) = (before.clone(), Vec::new());
    for value in StatedValue::all(before, secrets).iter().filter(|value| value.standing() == Standing::Older) {
        let held = || known.claims.iter().filter(|claim| value.is_claimed_by(&claim.key));
        let others: Vec<_> = held().filter(|claim| claim.account_id != before.account_id).cloned().collect();
        if !others.is_empty() {
            answer.conflicts.extend(others);
            continue;
        }
        let is_held = |key: &ClaimKey| held().any(|claim| claim.key == *key);
        if !is_held(&value.newest) {
            writes.push(take(&value.newest, &before.account_id));
        }
        for key in &value.others {
            match (is_held(key), value.is_older(key)) {
                (true, true) => writes.push(give_up(key)),
                // On its former form, and as new as can be.
                (true, false) => {}
                (false, _) => writes.push(Write::Expect(key.clone())),
            }
        }
        relist(&mut after.claims, value);
        answer.moved.push(value.field);
    }
    if after.claims != before.claims {
        after.version = before.version.saturating_add(1);
        writes.push(Write::Put(Record::Profile(Box::new(after)), Guard::Version(before.version)));
    }
    Decision { writes, answer }
}

/// Puts the newest claim on a value in the place of those under older secrets.
fn relist(claims: &mut Vec<ClaimKey>, value: &StatedValue) {
    let is_old = |key: &ClaimKey| value.others.contains(key) && value.is_older(key);
    let has_newest = claims.contains(&value.newest);
    if let Some(first) = claims.iter_mut().find(|key| is_old(key)).filter(|_| !has_newest) {
        *first = value.newest.clone();
    }
    claims.retain(|key| !is_old(key));
}

#[cfg(test)]
mod tests;
