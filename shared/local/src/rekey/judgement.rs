//! Whether the secrets that are configured are those that stored claims were made with.
//!
//! Where they are not, every value that is claimed looks free: nothing fails, and a second account gets it. What accounts
//! state they state in clear, though, and list the claims they have on it, so each secret can be tried. One that nobody
//! has claimed anything with yet cannot be told from any other.

use super::{Counts, RekeyError, count, look};
use domain::code::Secrets;
use domain::id::AccountId;
use domain::membership::rekey::{Standing, StatedValue};
use domain::membership::{Profile, UniqueField};
use runtime::{App, Fault};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};

/// Most accounts that a doubt names.
const NAMED_MAX: usize = 3;

/// What the profiles of accounts say about the secrets that are configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Claims that are on what their account states, by the numbers that made them.
    right: Counts,
    /// Values that no secret makes any listed claim on, by the numbers that may be why.
    doubtful: BTreeMap<u16, Doubtful>,
    /// Values on which no claim is listed at all.
    unlisted: Doubtful,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Doubtful {
    values: u64,
    accounts: u64,
    /// The first of them, by their ids.
    named: BTreeSet<AccountId>,
}

/// Claims that the secrets that are configured do not make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Why not.
    pub why: Why,
    /// VAT ids and e-mail addresses that others may claim therefore.
    pub values: u64,
    /// Accounts that state these.
    pub accounts: u64,
    /// The first of them.
    pub named: Vec<AccountId>,
}

/// Why claims are not made by any of the secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Their number is not configured.
    NotConfigured(u16),
    /// Their number is configured, and makes no claim that anybody has.
    Wrong(u16),
    /// Their number is configured, and makes claims that others have.
    Mixed(u16),
    /// There are none.
    Unlisted,
}

/// What an account states, and no secret makes any claim on that it lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unclaimed {
    pub(super) field: UniqueField,
    /// The numbers under which it lists claims of this kind.
    pub(super) listed: BTreeSet<u16>,
}

/// Reads the profiles of all accounts, strongly, and judges by them.
pub async fn judge(app: &App) -> Result<Judgement, Fault> {
    look(app).await.map(|seen| seen.judgement).map_err(|error| match error {
        RekeyError::Fault(fault) => fault,
        other => store::Fault::Service(other.to_string()).into(),
    })
}

impl Judgement {
    /// Takes the claims of an account into account, and answers what it states without one.
    pub(super) fn note_values(&mut self, profile: &Profile, secrets: &Secrets) -> Vec<Unclaimed> {
        let mut unclaimed = Vec::new();
        for value in StatedValue::all(profile, secrets) {
            value.listed().iter().for_each(|key| count(&mut self.right, key.keyed.secret));
            if value.standing() == Standing::Unknown {
                let of_field = profile.claims.iter().filter(|key| key.field == value.field);
                let listed = of_field.map(|key| key.keyed.secret).collect();
                unclaimed.push(Unclaimed { field: value.field, listed });
            }
        }
        let mut doubtful = Counts::new();
        for Unclaimed { listed, .. } in &unclaimed {
            // A claim that cannot be tried may be the one that is looked for; the others were on what was stated before.
            let (known, missing) =
                listed.iter().partition::<BTreeSet<u16>, _>(|number| is_configured(**number, secrets));
            let suspects = if missing.is_empty() { known } else { missing };
            suspects.into_iter().for_each(|number| count(&mut doubtful, number));
        }
        for (number, values) in doubtful {
            self.doubtful.entry(number).or_default().note(&profile.account_id, values);
        }
        let unlisted = unclaimed.iter().filter(|value| value.listed.is_empty()).count();
        if unlisted > 0 {
            self.unlisted.note(&profile.account_id, u64::try_from(unlisted).unwrap_or(u64::MAX));
        }
        unclaimed
    }

    /// Takes the claims of an account into account.
    pub fn note(&mut self, profile: &Profile, secrets: &Secrets) {
        self.note_values(profile, secrets);
    }

    /// Takes over what was noted of other accounts.
    pub(super) fn add(&mut self, other: Self) {
        for (number, count) in other.right {
            let counted = self.right.entry(number).or_default();
            *counted = counted.saturating_add(count);
        }
        for (number, doubtful) in other.doubtful {
            self.doubtful.entry(number).or_default().add(doubtful);
        }
        self.unlisted.add(other.unlisted);
    }

    /// What is to be doubted, by ascending numbers.
    pub fn doubts(&self, secrets: &Secrets) -> Vec<Doubt> {
        let why = |number: u16| match (is_configured(number, secrets), self.right.contains_key(&number)) {
            (false, _) => Why::NotConfigured(number),
            (true, false) => Why::Wrong(number),
            (true, true) => Why::Mixed(number),
        };
        let by_number = self.doubtful.iter().map(|(number, doubtful)| doubtful.doubt(why(*number)));
        let unlisted = Some(&self.unlisted).filter(|unlisted| unlisted.values > 0);
        by_number.chain(unlisted.map(|unlisted| unlisted.doubt(Why::Unlisted))).collect()
    }

    /// What is to be doubted all the same, where these secrets may serve what was judged. Secrets that claims were made
    /// with may be missing only where somebody says that they are lost.
    pub fn accept(&self, secrets: &Secrets, lost: &[u16]) -> Result<Vec<Doubt>, Unfit> {
        let doubts = self.doubts(secrets);
        let is_unfit = |doubt: &Doubt| match doubt.why {
            Why::NotConfigured(number) => !lost.contains(&number),
            // What is claimed from now on under a number that is lost would be of another secret than the rest under it.
            Why::Wrong(_) => true,
            Why::Mixed(_) | Why::Unlisted => false,
        };
        let unfit: Vec<_> = doubts.iter().filter(|doubt| is_unfit(doubt)).cloned().collect();
        if !unfit.is_empty() {
            return Err(Unfit { doubts: unfit, lost: lost.iter().copied().collect() });
        }
        Ok(doubts)
    }
}

fn is_configured(number: u16, secrets: &Secrets) -> bool {
    secrets.numbers().any(|known| known == number)
}

impl Doubtful {
    fn note(&mut self, account: &AccountId, values: u64) {
        self.add(Self { values, accounts: 1, named: [account.clone()].into() });
    }

    fn add(&mut self, other: Self) {
        self.values = self.values.saturating_add(other.values);
        self.accounts = self.accounts.saturating_add(other.accounts);
        self.named.extend(other.named);
        while self.named.len() > NAMED_MAX {
            self.named.pop_last();
        }
    }

    fn doubt(&self, why: Why) -> Doubt {
        Doubt { why, values: self.values, accounts: self.accounts, named: self.named.iter().cloned().collect() }
    }
}

impl Display for Doubt {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.why {
            Why::NotConfigured(number) => write!(f, "secret {number} is not configured, and claims were made with it")?,
            Why::Wrong(number) => write!(f, "secret {number} is another than the one that claims were made with")?,
            Why::Mixed(number) => write!(f, "secret {number} is not the one that all claims under it were made with")?,
            Why::Unlisted => f.write_str("what accounts state is not claimed")?,
        }
        let Self { values, accounts, named, .. } = self;
        let named: Vec<_> = named.iter().map(AccountId::as_str).collect();
        let more = accounts.saturating_sub(u64::try_from(named.len()).unwrap_or(u64::MAX));
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = named.join(", ");
        write!(
            f,
            ": VAT ids and e-mail addresses that others may claim: {values}, of {accounts} accounts ({named}{more})"
        )
    }
}

/// The secrets that are configured are not those that claims were made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Those that claims were made with and that are not said to be lost.
    pub doubts: Vec<Doubt>,
    /// The numbers of secrets that are said to be lost.
    lost: BTreeSet<u16>,
}

impl std::error::Error for Unfit {}

impl Display for Unfit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("the secrets given are not those that the backup's claims were made with:\n")?;
        self.doubts.iter().try_for_each(|doubt| writeln!(f, "  {doubt}"))?;
        let numbers: BTreeSet<_> =
            self.doubts.iter().filter_map(|doubt| doubt.why.number()).chain(self.lost.clone()).collect();
        let numbers: Vec<_> = numbers.iter().map(u16::to_string).collect();
        write!(
            f,
            "The program was not restored, so nothing serves yet; all else stands there. Give GUILDER_SECRETS as it was \
             when the backup was taken, and start the same command again.\nWhere a secret is lost, leave its number out of \
             GUILDER_SECRETS (no number is ever given another secret) and add --without-secrets {}: then others may claim \
             these values, until their accounts claim them anew (docs/privacy.md, \"A secret that is lost\")",
            numbers.join(",")
        )
    }
}

impl Why {
    /// The number that it is about.
    pub fn number(self) -> Option<u16> {
        match self {
            Self::NotConfigured(number) | Self::Wrong(number) | Self::Mixed(number) => Some(number),
            Self::Unlisted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubtful(ids: &[&str]) -> Doubtful {
        let mut sum = Doubtful::default();
        ids.iter().for_each(|id| sum.note(&AccountId::parse(id).unwrap(), 2));
        sum
    }

    #[test]
    fn secrets_that_are_missing_are_refused_and_what_cannot_be_helped_by_them_is_said() {
        let secrets = Secrets::parse("2:the second of them,3:the third of them,4:the fourth of them").unwrap();
        let mut judgement = Judgement { right: [(2, 7)].into(), ..Judgement::default() };
        assert_eq!(judgement.accept(&secrets, &[]), Ok(Vec::new()));
        judgement.doubtful.insert(2, doubtful(&["f"]));
        judgement.unlisted = doubtful(&["g"]);
        let whys = |doubts: &[Doubt]| doubts.iter().map(|doubt| doubt.why).collect::<Vec<_>>();
        let accepted = judgement.accept(&secrets, &[]).unwrap();
        assert_eq!(whys(&accepted), [Why::Mixed(2), Why::Unlisted]);

        judgement.doubtful.insert(1, doubtful(&["e", "d", "c", "b", "a"]));
        judgement.doubtful.insert(3, doubtful(&["h"]));
        let refused = judgement.accept(&secrets, &[]).unwrap_err();
        assert_eq!(whys(&refused.doubts), [Why::NotConfigured(1), Why::Wrong(3)]);
        insta::assert_snapshot!(refused);
        assert_eq!(whys(&judgement.accept(&secrets, &[1, 2]).unwrap_err().doubts), [Why::Wrong(3)]);
        assert_eq!(whys(&judgement.accept(&secrets, &[1, 3]).unwrap_err().doubts), [Why::Wrong(3)]);
        judgement.doubtful.remove(&3);
        let accepted = judgement.accept(&secrets, &[1]).unwrap();
        assert_eq!(whys(&accepted), [Why::NotConfigured(1), Why::Mixed(2), Why::Unlisted]);
        assert_eq!(
            accepted[2].to_string(),
            "what accounts state is not claimed: VAT ids and e-mail addresses that others \
            may claim: 2, of 1 accounts (g)"
        );
    }

    #[test]
    fn parts_that_were_judged_come_to_the_whole() {
        let (mut one, mut other) = (Judgement::default(), Judgement::default());
        one.right = [(1, 2), (2, 3)].into();
        one.doubtful.insert(1, doubtful(&["c", "d"]));
        other.right = [(2, 4)].into();
        other.doubtful.insert(1, doubtful(&["a", "b"]));
        other.unlisted = doubtful(&["e"]);
        one.add(other);
        let named = ["a", "b", "c"].map(|id| AccountId::parse(id).unwrap()).into();
        let four = Doubtful { values: 8, accounts: 4, named };
        let whole =
            Judgement { right: [(1, 2), (2, 7)].into(), doubtful: [(1, four)].into(), unlisted: doubtful(&["e"]) };
        assert_eq!(one, whole);
    }
}
