//! What an account's hot item holds of its membership, where there is anything to say.

use super::bytes::{Reader, Unpacked, Writer};
use domain::membership::{Admission, Exclusion, Membership, PaidPeriod};
use domain::time::Instant;

const ADMITTED: u8 = 0;
const APPLIED: u8 = 1;
const REJECTED: u8 = 2;

/// The bits that exclusions are stored as: never reuse one.
const EXCLUSIONS: [(Exclusion, u64); 3] = [(Exclusion::Earning, 1), (Exclusion::Discounts, 2), (Exclusion::Perks, 4)];

/// Packs a membership.
pub fn pack_membership(membership: &Membership) -> Vec<u8> {
    let mut out = Writer::start();
    let (kind, since) = match membership.admission {
        Admission::Admitted => (ADMITTED, None),
        Admission::Applied { since } => (APPLIED, Some(since)),
        Admission::Rejected { since } => (REJECTED, Some(since)),
    };
    out.0.push(kind);
    since.into_iter().for_each(|since| out.instant(since));
    let listed = EXCLUSIONS.iter().filter(|(one, _)| membership.excluded_from.contains(one));
    out.number(listed.fold(0, |bits, (_, bit)| bits | bit));
    out.count(usize::from(membership.paid.is_some()));
    if let Some(PaidPeriod { since, until, lapses_at, lapsed_at, told_days }) = membership.paid {
        [since, until, lapses_at].into_iter().for_each(|at| out.instant(at));
        // Nothing is paid for at the beginning of time, so that it stands for what has not happened.
        out.instant(lapsed_at.unwrap_or(Instant::MIN));
        out.number(told_days.map_or(0, |days| u64::from(days).saturating_add(1)));
    }
    out.0
}

/// Reads a membership.
pub fn membership(bytes: &[u8]) -> Unpacked<Membership> {
    let mut input = Reader::start(bytes)?;
    let admission = match input.byte()? {
        ADMITTED => Admission::Admitted,
        APPLIED => Admission::Applied { since: input.instant()? },
        REJECTED => Admission::Rejected { since: input.instant()? },
        _ => return Err("unknown admission"),
    };
    let bits = input.number()?;
    if EXCLUSIONS.iter().fold(bits, |left, (_, bit)| left & !bit) != 0 {
        return Err("unknown exclusion");
    }
    let mut excluded_from: Vec<_> = EXCLUSIONS.iter().filter(|(_, bit)| bits & bit != 0).map(|(one, _)| *one).collect();
    excluded_from.sort_unstable();
    let paid = input.optional(|input| {
        let (since, until, lapses_at) = (input.instant()?, input.instant()?, input.instant()?);
        let lapsed_at = Some(input.instant()?).filter(|at| *at > Instant::MIN);
        let told = u16::try_from(input.number()?).map_err(|_| "too many days")?;
        Ok(PaidPeriod { since, until, lapses_at, lapsed_at, told_days: told.checked_sub(1) })
    })?;
    input.end()?;
    Ok(Membership { admission, paid, excluded_from })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant() -> impl Strategy<Value = Instant> {
        (1_i64..4_000_000_000_000).prop_map(Instant::from_ms)
    }

    fn admission() -> impl Strategy<Value = Admission> {
        prop_oneof![
            Just(Admission::Admitted),
            instant().prop_map(|since| Admission::Applied { since }),
            instant().prop_map(|since| Admission::Rejected { since }),
        ]
    }

    fn paid() -> impl Strategy<Value = PaidPeriod> {
        let told = prop::option::of(0_u16..=365);
        (instant(), instant(), instant(), prop::option::of(instant()), told).prop_map(
            |(since, until, lapses_at, lapsed_at, told_days)| PaidPeriod {
                since,
                until,
                lapses_at,
                lapsed_at,
                told_days,
            },
        )
    }

    fn memberships() -> impl Strategy<Value = Membership> {
        let all = Exclusion::ALL.map(|(_, one)| one).to_vec();
        let excluded = prop::sample::subsequence(all, 0..=3);
        (admission(), prop::option::of(paid()), excluded).prop_map(|(admission, paid, excluded_from)| Membership {
            admission,
            paid,
            excluded_from,
        })
    }

    proptest! {
        #[test]
        fn a_membership_is_read_as_it_was_packed_and_nothing_of_it_can_be_cut_off(membership in memberships()) {
            let packed = pack_membership(&membership);
            prop_assert_eq!(self::membership(&packed), Ok(membership));
            for length in 0..packed.len() {
                prop_assert!(self::membership(packed.get(..length).unwrap_or_default()).is_err());
            }
        }
    }

    #[test]
    fn a_membership_that_is_stored_stays_readable() {
        // As it was first written: applied at 1 ms after the beginning, excluded from earning and perks, paid for.
        let stored = [1, 1, 1, 5, 1, 2, 3, 4, 0, 31];
        let at = Instant::from_ms;
        let (since, until, lapses_at) = (at(2), at(3), at(4));
        let expected = Membership {
            admission: Admission::Applied { since: at(1) },
            paid: Some(PaidPeriod { since, until, lapses_at, lapsed_at: None, told_days: Some(30) }),
            excluded_from: vec![Exclusion::Earning, Exclusion::Perks],
        };
        assert_eq!(membership(&stored), Ok(expected.clone()));
        assert_eq!(pack_membership(&expected), stored);
        for damaged in [&[1, 3, 0, 0][..], &[1, 0, 8, 0], &[1, 0, 0, 0, 0], &[9, 0, 0, 0]] {
            assert!(membership(damaged).is_err(), "{damaged:?}");
        }
    }
}
