//! What an account holds for its carts, packed. Discounts are told by their places among those that are open.

use super::super::bytes::{Reader, Unpacked, Writer};
use domain::discount::OpenDiscount;
use domain::hold::Hold;
use domain::money::Points;
use domain::time::Instant;

/// Packs holds. They are made one after the other, and mostly end so.
pub fn pack_holds(holds: &[Hold], discounts: &[OpenDiscount]) -> Vec<u8> {
    let mut out = Writer::start();
    out.count(holds.len());
    let (mut entry, mut until) = (0_u64, 0_i64);
    for hold in holds {
        out.number(hold.entry.wrapping_sub(entry));
        out.signed(hold.until.as_ms().wrapping_sub(until));
        (entry, until) = (hold.entry, hold.until.as_ms());
        out.signed(hold.points.0);
        // One that was withdrawn meanwhile is held by nobody.
        let places = hold.codes.iter().filter_map(|code| discounts.iter().position(|open| open.code == *code));
        let places: Vec<_> = places.collect();
        out.count(places.len());
        places.into_iter().for_each(|place| out.count(place));
    }
    out.0
}

/// Reads holds of an account with these open discounts.
pub fn holds(bytes: &[u8], discounts: &[OpenDiscount]) -> Unpacked<Vec<Hold>> {
    let mut input = Reader::start(bytes)?;
    let (mut entry, mut until) = (0_u64, 0_i64);
    let holds = input.list(|input| {
        entry = entry.checked_add(input.number()?).ok_or("no such entry")?;
        until = until.checked_add(input.signed()?).ok_or("instant too large")?;
        let points = Points(input.signed()?);
        let codes = input.list(|input| {
            let place = usize::try_from(input.number()?).map_err(|_| "no such discount")?;
            discounts.get(place).map(|open| open.code.clone()).ok_or("no such discount")
        })?;
        Ok(Hold { entry, until: Instant::from_ms(until), points, codes })
    })?;
    input.end()?;
    Ok(holds)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    use super::*;
    use domain::code::Code;
    use domain::id::RuleId;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn holds_are_read_as_they_were_written(
            made in prop::collection::vec((1_u64..1 << 40, 0_i64..1 << 45, any::<i64>(), 0_usize..3), 0..=8),
        ) {
            let open = |bits: u64| OpenDiscount {
                rule: RuleId::parse("next").unwrap(),
                code: Code::of_bits(bits),
                expires_at: Instant::from_ms(1),
                told_days: 1,
                terms: None,
            };
            let discounts: Vec<_> = (0..16).map(open).collect();
            let (mut entry, mut free) = (0, discounts.iter());
            let before: Vec<_> = made
                .into_iter()
                .map(|(step, until, points, count)| {
                    entry += step;
                    let codes = free.by_ref().take(count).map(|open| open.code.clone()).collect();
                    Hold { entry, until: Instant::from_ms(until), points: Points(points), codes }
                })
                .collect();
            let packed = pack_holds(&before, &discounts);
            prop_assert_eq!(holds(&packed, &discounts), Ok(before.clone()));
            let withdrawn = pack_holds(&before, &[]);
            prop_assert!(holds(&withdrawn, &[]).unwrap().iter().all(|hold| hold.codes.is_empty()));
        }
    }
}
