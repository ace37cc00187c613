//! What the first release packed otherwise, under the same format number: an account's open discounts, an order's score,
//! and what came back of it.
//!
//! Nothing writes these layouts any more: what was stored so is written as today with whatever becomes of it next. They
//! are tried where the layout of today does not fit, which one of these never does: too little is left of it, or what
//! stands in the place of a count or a kind is none.

use super::bytes::{Reader, Unpacked};
use super::order::{line_at, outcome, reversal};
use domain::code::Code;
use domain::discount::{OpenDiscount, UNTOLD_DAYS};
use domain::id::{ReturnId, RuleId, TierId};
use domain::money::{Measure, Minor, Percent, Points};
use domain::order::OrderLine;
use domain::returns::{History, ReturnKey, Returned};
use domain::score::{IssuedDiscount, Score};
use domain::time::Instant;
use domain::uses::CameBack;

/// Reads open discounts of which nobody was ever told that they end.
pub fn first_discounts(bytes: &[u8]) -> Unpacked<Vec<OpenDiscount>> {
    let mut input = Reader::start(bytes)?;
    let discounts = input.list(|input| {
        let rule = RuleId::parse(input.text()?).map_err(|_| "bad rule id")?;
        let (code, expires_at) = (Code::of_bits(input.number()?), input.instant()?);
        Ok(OpenDiscount { rule, code, expires_at, told_days: UNTOLD_DAYS, terms: None })
    })?;
    input.end()?;
    Ok(discounts)
}

/// Reads a score that does not say which raise it made, nor of its discounts whether they are void: none was, and a
/// raise of then is not undone.
pub fn first_score(bytes: &[u8]) -> Unpacked<Score> {
    let mut input = Reader::start(bytes)?;
    let tier = |input: &mut Reader<'_>| TierId::parse(input.text()?).map_err(|_| "bad tier id");
    let score = Score {
        program_version: u32::try_from(input.number()?).map_err(|_| "bad program version")?,
        decided_at: input.instant()?,
        entry: input.number()?,
        tier: tier(&mut input)?,
        tier_after: tier(&mut input)?,
        raise: None,
        qualifying: Measure(input.signed()?),
        eligible: Minor(input.signed()?),
        points: Points(input.signed()?),
        balance: Points(input.signed()?),
        beyond_kept_months: input.number()? == 1,
        available_at: Some(input.instant()?).filter(|at| *at > Instant::MIN),
        expires_at: input.instant()?,
        outcomes: input.list(outcome)?,
        issued: input.list(|input| {
            Ok(IssuedDiscount {
                rule: RuleId::parse(input.text()?).map_err(|_| "bad rule id")?,
                code: Code::of_bits(input.number()?),
                percent: Percent(input.signed()?),
                expires_at: input.instant()?,
                void: false,
            })
        })?,
        qualified_referral: false,
        taken_off: Vec::new(),
        granted: Vec::new(),
        gifts: Vec::new(),
    };
    input.end()?;
    Ok(score)
}

/// Reads what came back of an order of these lines, which earned so many points: returns named lines by their places.
pub fn first_history(bytes: &[u8], lines: &[OrderLine], earned: Points) -> Unpacked<History> {
    let mut input = Reader::start(bytes)?;
    let mut history = History { returns: input.list(|input| returned(input, lines))?, ..History::start(earned) };
    input.end()?;
    let tally = &mut history.tally;
    for Returned { reversal, .. } in &history.returns {
        let reversed = reversal.reversed().and_then(|points| tally.reversed.plus(points));
        tally.reversed = reversed.map_err(|_| "too many points")?;
        tally.unrecovered = tally.unrecovered.plus(reversal.unrecovered).map_err(|_| "too many points")?;
        tally.lapsed = tally.lapsed.plus(reversal.lapsed).map_err(|_| "too many points")?;
    }
    Ok(history)
}

fn returned(input: &mut Reader<'_>, lines: &[OrderLine]) -> Unpacked<Returned> {
    let key = match input.text()? {
        "" => ReturnKey::Cancellation,
        id => ReturnKey::Return(ReturnId::parse(id).map_err(|_| "bad return id")?),
    };
    let content_hash = input.hash()?;
    let (decided_at, entry) = (input.instant()?, input.number()?);
    let lines = input.list(|input| Ok((line_at(lines, input.number()?)?, input.number()?)))?;
    let units = lines.iter().try_fold(0_u64, |sum, (_, units)| sum.checked_add(*units)).ok_or("too many units")?;
    let (excess_units, eligible) = (input.number()?, Minor(input.signed()?));
    let (reversal, balance) = (reversal(input)?, Points(input.signed()?));
    let came_back = CameBack::default();
    Ok(Returned {
        key,
        content_hash,
        decided_at,
        entry,
        lines,
        units,
        excess_units,
        eligible,
        reversal,
        came_back,
        balance,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
    use super::super::{discounts, history, lines, pack_discounts, pack_history, pack_score, score};
    use super::*;
    use domain::id::LineId;
    use domain::score::{Condition, Outcome};

    // Bytes that the first release stored: those of `tests/e2e/first_slice`.
    const DISCOUNTS: &str = "01010d6e6578742d7075726368617365ab9691c5a798cc0180e0cd80f125";
    const LINES: &str = "010306544541504f54034d554704504f5354030000288087a70e00010ac0f0f50b00020180d1ca08";
    const SCORE: &str = "0101808ca88ae72503066d656d626572066d656d626572e8ec08e8ec08aa0b000080c0bfb6eb258083b795dc2702010001\
        00010d6e6578742d7075726368617365f7dd8c92dc97a101e80780bfc7dcf025";
    const NOTHING_ELIGIBLE: &str = "010180cca1faf32501066d656d626572066d656d6265720000000000008093b2e9e527020201020400";
    const RETURNS: &str = "010203722d311bd7339298a066bc43d96ad571920e0b5c13557c7c20cf159e6c27cd5fabfc9080c4c1b3e72505010104\
        00904e6400000000000003722d321129e5dcf3d9d9aada14993480f94c5960b85469767ec5c0c0daa8111899bdfb80b48b99ed25080200010\
        10100fc2a003800000000b650";
    const CANCELLED: &str = "010100f1ce3749270cd10c473c026a3d1680aee52d6aa32d45760c641e91f0b3dbad5680b48b99ed2507020003010\
        200ac1b003400000000ee50";

    fn bytes(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|place| u8::from_str_radix(&text[place..place + 2], 16).unwrap()).collect()
    }

    #[test]
    fn open_discounts_are_read_and_written_as_today() {
        assert!(discounts(&bytes(DISCOUNTS)).is_err());
        let read = first_discounts(&bytes(DISCOUNTS)).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].rule.as_str(), read[0].code.as_str()), ("next-purchase", "SGR9WA8JSBU"));
        assert_eq!((read[0].expires_at, read[0].told_days), (Instant::from_ms(1_301_644_800_000), UNTOLD_DAYS));
        assert_eq!(discounts(&pack_discounts(&read, false)), Ok(read));
    }

    #[test]
    fn scores_are_read_and_written_as_today() {
        let read = first_score(&bytes(SCORE)).unwrap();
        assert_eq!((read.points, read.eligible, read.qualifying), (Points(725), Minor(72_500), Measure(72_500)));
        assert_eq!(read.outcomes, [Outcome::Fired, Outcome::Fired]);
        assert_eq!((read.issued[0].code.as_str(), read.issued[0].void), ("M4QQ146BQQ$", false));
        let nothing = first_score(&bytes(NOTHING_ELIGIBLE)).unwrap();
        let missed = [Condition::NothingEligible, Condition::BelowMinimum].map(Outcome::Missed);
        assert_eq!((nothing.points, nothing.outcomes.as_slice()), (Points::ZERO, missed.as_slice()));
        for (written, read) in [(SCORE, read), (NOTHING_ELIGIBLE, nothing)] {
            assert!(score(&bytes(written)).is_err());
            assert_eq!(score(&pack_score(&read)), Ok(read));
        }
    }

    #[test]
    fn what_came_back_is_read_and_written_as_today() {
        let lines = lines(&bytes(LINES)).unwrap();
        let read = first_history(&bytes(RETURNS), &lines, Points(725)).unwrap();
        let line = |id: &str, units| (LineId::parse(id).unwrap(), units);
        assert_eq!(read.returns[0].lines, [line("2", 4)]);
        assert_eq!(read.returns[1].lines, [line("1", 1), line("2", 1)]);
        assert_eq!((read.returns[0].units, read.returns[1].units), (4, 2));
        assert_eq!((read.tally.earned, read.tally.reversed), (Points(725), Points(50 + 28)));
        assert_eq!(history(&pack_history(&read, &lines), &lines), Ok(read));

        let cancelled = first_history(&bytes(CANCELLED), &lines, Points(26)).unwrap();
        assert_eq!((&cancelled.returns[0].key, cancelled.returns[0].units), (&ReturnKey::Cancellation, 5));
        assert_eq!(cancelled.tally.credited(), Ok(Points::ZERO));
        assert_eq!(first_history(&bytes(RETURNS), &lines[..1], Points(725)), Err("no such line"));
    }
}
