//! Points that end at no date: after so many months without activity, or never. Few programs have them.

use super::super::bytes::{Reader, Unpacked, Writer};
use domain::lots::{End, Holdings, Lot, Pending, Streak};
use domain::money::Points;
use domain::time::{Day, Instant};

/// Written for months where points never end.
const NEVER: u64 = 0;

fn is_undated(end: &End) -> bool {
    end.inactivity_months.is_some() || end.expires_at.is_never()
}

/// Packs streaks, lots and pending points; `None`: there are none of them.
pub(super) fn pack(holdings: &Holdings) -> Option<Vec<u8>> {
    let lots: Vec<_> = holdings.lots().iter().filter(|lot| is_undated(&lot.end())).collect();
    let pending: Vec<_> = holdings.pending().iter().filter(|wait| is_undated(&wait.end())).collect();
    if holdings.streaks().is_empty() && lots.is_empty() && pending.is_empty() {
        return None;
    }
    let mut out = Writer::with_room(0);
    out.count(holdings.streaks().len());
    for Streak { months, since, first, ends_at } in holdings.streaks() {
        out.number((*months).into());
        out.instant(*since);
        out.signed(first.0.into());
        out.instant(*ends_at);
    }
    out.count(lots.len());
    for lot in lots {
        pack_end(&mut out, lot.end());
        out.signed(lot.points.0);
    }
    out.count(pending.len());
    for wait in pending {
        out.instant(wait.available_at);
        pack_end(&mut out, wait.end());
        out.signed(wait.points.0);
    }
    Some(out.0)
}

/// What stands there where there are none of them and something follows.
pub(super) fn none() -> Vec<u8> {
    // No streak, no lot, nothing that waits.
    vec![0; 3]
}

fn pack_end(out: &mut Writer, end: End) {
    out.number(end.inactivity_months.map_or(NEVER, u64::from));
    if end.inactivity_months.is_some() {
        out.instant(end.expires_at);
    }
}

/// Reads them: the streaks as the answer, the others into those that end at dates.
pub(super) fn read(input: &mut Reader<'_>, lots: &mut Vec<Lot>, pending: &mut Vec<Pending>) -> Unpacked<Vec<Streak>> {
    let streaks = input.list(|input| {
        let months = u16::try_from(input.number()?).map_err(|_| "too many months")?;
        let since = input.instant()?;
        let first = Day(i32::try_from(input.signed()?).map_err(|_| "no day")?);
        Ok(Streak { months, since, first, ends_at: input.instant()? })
    })?;
    lots.extend(input.list(|input| Ok(Lot::new(end(input)?, Points(input.signed()?))))?);
    pending.extend(input.list(|input| {
        let available_at: Instant = input.instant()?;
        Ok(Pending::new(available_at, end(input)?, Points(input.signed()?)))
    })?);
    Ok(streaks)
}

fn end(input: &mut Reader<'_>) -> Unpacked<End> {
    match input.number()? {
        NEVER => Ok(End::NEVER),
        months => {
            let months = u16::try_from(months).map_err(|_| "too many months")?;
            Ok(End { expires_at: input.instant()?, inactivity_months: Some(months) })
        }
    }
}
