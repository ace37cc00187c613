//! What an order's item holds packed of what it used, where that is more than the codes that it names.

use super::bytes::{Reader, Unpacked, Writer};
use domain::code::Code;
use domain::id::ReservationId;
use domain::lots::SpentLot;
use domain::money::{Minor, Points};
use domain::uses::{CameBack, Reserved, Uses};

/// Packs what an order used.
pub fn pack_uses(uses: &Uses) -> Vec<u8> {
    let mut out = Writer::start();
    out.count(usize::from(uses.reserved.is_some()));
    if let Some(Reserved { id, codes, points }) = &uses.reserved {
        out.0.extend(id.bits().to_le_bytes());
        pack_codes(&mut out, codes);
        out.signed(points.0);
    }
    pack_codes(&mut out, &uses.codes);
    out.signed(uses.points.0);
    out.signed(uses.value.0);
    out.count(uses.spent.len());
    for SpentLot { points, expires_at, inactivity_months } in &uses.spent {
        out.signed(points.0);
        out.instant(*expires_at);
        out.number(inactivity_months.map_or(0, u64::from));
    }
    out.number(u64::from(uses.discounts_given_back));
    out.0
}

/// Reads what an order used.
pub fn uses(bytes: &[u8]) -> Unpacked<Uses> {
    let mut input = Reader::start(bytes)?;
    let uses = Uses {
        reserved: input.optional(|input| {
            let id = ReservationId::of_bits(input.little(size_of::<u64>())?);
            Ok(Reserved { id, codes: codes(input)?, points: Points(input.signed()?) })
        })?,
        codes: codes(&mut input)?,
        points: Points(input.signed()?),
        value: Minor(input.signed()?),
        spent: input.list(|input| {
            let (points, expires_at) = (Points(input.signed()?), input.instant()?);
            let months = u16::try_from(input.number()?).map_err(|_| "too many months")?;
            // Nothing ends after no month without activity.
            Ok(SpentLot { points, expires_at, inactivity_months: Some(months).filter(|months| *months > 0) })
        })?,
        discounts_given_back: input.number()? == 1,
    };
    input.end()?;
    Ok(uses)
}

/// Packs what came back of it with a return.
pub(super) fn pack_came_back(out: &mut Writer, back: &CameBack) {
    [back.points, back.points_expired, back.points_repaid].into_iter().for_each(|points| out.signed(points.0));
    pack_codes(out, &back.codes);
    pack_codes(out, &back.codes_ended);
}

/// Reads what came back of it with a return.
pub(super) fn came_back(input: &mut Reader<'_>) -> Unpacked<CameBack> {
    let mut points = || input.signed().map(Points);
    let (points, points_expired, points_repaid) = (points()?, points()?, points()?);
    Ok(CameBack { points, points_expired, points_repaid, codes: codes(input)?, codes_ended: codes(input)? })
}

fn pack_codes(out: &mut Writer, codes: &[Code]) {
    out.count(codes.len());
    codes.iter().for_each(|code| out.number(code.bits()));
}

fn codes(input: &mut Reader<'_>) -> Unpacked<Vec<Code>> {
    input.list(|input| input.number().map(Code::of_bits))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use domain::time::Instant;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    fn code() -> impl Strategy<Value = Code> {
        (0_u64..1 << 50).prop_map(Code::of_bits)
    }

    fn lot() -> impl Strategy<Value = SpentLot> {
        let end = prop_oneof![Just(Instant::NEVER), (0_i64..9_000_000_000_000).prop_map(Instant::from_ms)];
        (any::<i64>(), end, option::of(1_u16..)).prop_map(|(points, expires_at, inactivity_months)| SpentLot {
            points: Points(points),
            expires_at,
            inactivity_months,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_an_order_used_is_read_as_it_was_written(
            reserved in option::of((any::<u64>(), vec(code(), 0..10), any::<i64>())), codes in vec(code(), 0..10), points in any::<[i64; 2]>(),
            spent in vec(lot(), 0..25), discounts_given_back in any::<bool>(), cut in 1_usize..8,
        ) {
            let reserved = reserved.map(|(bits, codes, points)| Reserved {
                id: ReservationId::of_bits(bits),
                codes,
                points: Points(points),
            });
            let [points, value] = points;
            let (points, value) = (Points(points), Minor(value));
            let before = Uses { reserved, codes, points, value, spent, discounts_given_back };
            let packed = pack_uses(&before);
            prop_assert_eq!(uses(&packed), Ok(before));
            prop_assert!(uses(&packed[..packed.len().saturating_sub(cut)]).is_err());
        }

        #[test]
        fn what_came_back_is_read_as_it_was_written(
            points in any::<[i64; 3]>(), codes in vec(code(), 0..10), codes_ended in vec(code(), 0..10),
        ) {
            let [points, points_expired, points_repaid] = points.map(Points);
            let before = CameBack { points, points_expired, points_repaid, codes, codes_ended };
            let mut out = Writer::start();
            pack_came_back(&mut out, &before);
            let mut input = Reader::start(&out.0).unwrap();
            prop_assert_eq!(came_back(&mut input), Ok(before));
            prop_assert!(input.end().is_ok());
        }
    }
}
