//! What an account remembers of its occasions: some bytes, where its program has any.

use super::super::bytes::{Reader, Unpacked, Writer};
use domain::occasions::{Birthdays, Celebrated, Past};
use domain::time::Day;

/// Written for a day that is not known, and for birthdays nobody has looked for.
const UNKNOWN: u64 = 0;
/// Written for birthdays where nobody has one.
const NOBODY: u64 = 1;
/// What days are written as more than they are, so that they are none of these.
const DAYS_FROM: u64 = 2;

fn put_day(out: &mut Writer, day: Day) {
    out.number(u64::try_from(day.0).unwrap_or(0).saturating_add(DAYS_FROM));
}

fn day(number: u64) -> Unpacked<Day> {
    let day = number.checked_sub(DAYS_FROM).ok_or("bad day")?;
    i32::try_from(day).map(Day).map_err(|_| "day too large")
}

/// Packs what an account remembers of its occasions.
pub fn pack_occasions(past: &Past) -> Vec<u8> {
    let mut out = Writer::start();
    match past.through {
        None => out.number(UNKNOWN),
        Some(through) => put_day(&mut out, through),
    }
    match past.birthdays {
        Birthdays::Unknown => out.number(UNKNOWN),
        Birthdays::Nobody => out.number(NOBODY),
        Birthdays::From(day) => put_day(&mut out, day),
    }
    if let Some(Celebrated { year, contacts }) = past.celebrated {
        out.number(u64::try_from(year).unwrap_or(0));
        out.number(contacts.into());
    }
    out.0
}

/// Reads what an account remembers of its occasions.
pub fn occasions(bytes: &[u8]) -> Unpacked<Past> {
    let mut input = Reader::start(bytes)?;
    let through = match input.number()? {
        UNKNOWN => None,
        known => Some(day(known)?),
    };
    let birthdays = match input.number()? {
        UNKNOWN => Birthdays::Unknown,
        NOBODY => Birthdays::Nobody,
        known => Birthdays::From(day(known)?),
    };
    let celebrated = match input.0.is_empty() {
        true => None,
        false => Some(Celebrated {
            year: i32::try_from(input.number()?).map_err(|_| "year too large")?,
            contacts: u16::try_from(input.number()?).map_err(|_| "too many contacts")?,
        }),
    };
    input.end()?;
    Ok(Past { through, birthdays, celebrated })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn past() -> impl Strategy<Value = Past> {
        let day = || (0_i32..400_000).prop_map(Day);
        let birthdays = prop_oneof![Just(Birthdays::Unknown), Just(Birthdays::Nobody), day().prop_map(Birthdays::From)];
        let celebrated = (1970_i32..9_999, any::<u16>()).prop_map(|(year, contacts)| Celebrated { year, contacts });
        (prop::option::of(day()), birthdays, prop::option::of(celebrated))
            .prop_map(|(through, birthdays, celebrated)| Past { through, birthdays, celebrated })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_remembered_survives_packing(past in past()) {
            prop_assert_eq!(occasions(&pack_occasions(&past)), Ok(past));
        }

        #[test]
        fn damaged_bytes_are_said_or_read_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..16)) {
            let _ = occasions(&bytes);
        }
    }

    #[test]
    fn what_is_stored_stays_readable_and_takes_ten_bytes_at_most() {
        let known = |birthdays, celebrated| Past { through: Some(Day(20_811)), birthdays, celebrated };
        let celebrated = Some(Celebrated { year: 2026, contacts: 20 });
        for (past, bytes) in [
            (Past { birthdays: Birthdays::Nobody, ..Past::default() }, &[1, 0, 1][..]),
            (known(Birthdays::Unknown, None), &[1, 205, 162, 1, 0]),
            (known(Birthdays::From(Day(20_876)), celebrated), &[1, 205, 162, 1, 142, 163, 1, 234, 15, 20]),
        ] {
            assert_eq!((pack_occasions(&past), occasions(bytes)), (bytes.to_vec(), Ok(past)));
        }
        for damaged in [&[][..], &[2, 0, 0], &[1], &[1, 1, 0], &[1, 0, 0, 1], &[1, 0, 0, 1, 1, 1]] {
            assert!(occasions(damaged).is_err(), "{damaged:?}");
        }
    }
}
