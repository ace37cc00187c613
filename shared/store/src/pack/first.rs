//! What the first release packed otherwise, under the same format number: an account's open discounts, an order's score,
//! and what came back of it.
//!
//! Nothing writes these layouts any more: what was stored so is written as today with whatever becomes of it next. They
//! are tried where the layout of today does not fit, which one of these never does: too little is left of it, or what
//! stands in the place of a count or a kind is none.

use super::bytes::{Reader, Unpacked};
use super::order::{outcome, reversal};
use domain::code::Code;
use domain::discount::{OpenDiscount, UNTOLD_DAYS};
use domain::id::{LineId, ReturnId, RuleId, TierId};
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
    let mut content_hash = [0; 32];
    for byte in &mut content_hash {
        *byte = input.byte()?;
    }
    let (decided_at, entry) = (input.instant()?, input.number()?);
    let lines = input.list(|input| Ok((line_id(input, lines)?, input.number()?)))?;
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

fn line_id(input: &mut Reader<'_>, lines: &[OrderLine]) -> Unpacked<LineId> {
    let place = usize::try_from(input.number()?).map_err(|_| "no such line")?;
    lines.get(place).map(|line| line.line_id.clone()).ok_or("no such line")
}
