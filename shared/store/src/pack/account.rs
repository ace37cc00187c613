//! What an account's hot item holds packed: points, open discounts, how it came, what it was told of.

mod discounts;
mod holds;
mod occasions;
mod undated;

use super::bytes::{DENSE, Reader, Unpacked, Writer};
use domain::code::Code;
use domain::id::TierId;
use domain::invitation::Invitation;
use domain::lots::{End, Holdings, Lot, Pending};
use domain::money::Points;
use domain::referral::{RedemptionId, RedemptionKey, Referral, Stage};
use domain::tier::OwedDiscount;
use domain::time::Instant;
use domain::warning::{Subject, Told};

pub use discounts::{discounts, pack_discounts};
pub use holds::{holds, pack_holds};
pub use occasions::{occasions, pack_occasions};

/// Units that instants of lots are counted in, in milliseconds, the largest first. They are starts of days and months,
/// mostly whole hours, which saves a third of the attribute.
const STEP_UNITS_MS: [i64; 4] = [3_600_000, 900_000, 1_000, 1];

/// Instants of one kind, ascending: each as its step from the one before, in a unit that all of them are whole numbers
/// of, and less what a step usually is.
struct Steps {
    unit: i64,
    usual: i64,
    before: i64,
}

/// Lots end with months, which are about as long as this.
const MONTH_MS: i64 = 30 * Instant::DAY_MS;

impl Steps {
    /// Of any length.
    fn of(unit: i64) -> Self {
        Self { unit, usual: 0, before: Instant::MIN.as_ms() }
    }

    /// Of about a month: what it is longer or shorter by mostly fits a byte. The first layout did not know that.
    fn of_months(unit: i64, format: u8) -> Self {
        let usual = if format == DENSE { MONTH_MS.checked_div(unit).unwrap_or(0) } else { 0 };
        Self { usual, ..Self::of(unit) }
    }

    /// Goes on with steps of any length.
    fn then_any(self) -> Self {
        Self { usual: 0, ..self }
    }

    fn put(&mut self, out: &mut Writer, at: Instant) {
        let step = at.as_ms().wrapping_sub(self.before).checked_div(self.unit).unwrap_or(0);
        out.signed(step.wrapping_sub(self.usual));
        self.before = at.as_ms();
    }

    fn next(&mut self, input: &mut Reader<'_>) -> Unpacked<Instant> {
        let step = input.signed()?.checked_add(self.usual).and_then(|step| step.checked_mul(self.unit));
        self.before = step.and_then(|step| self.before.checked_add(step)).ok_or("instant too large")?;
        Ok(Instant::from_ms(self.before))
    }
}

/// Writes the unit that steps between these instants are counted in.
fn step_unit(out: &mut Writer, instants: &[Instant]) -> i64 {
    let fits = |unit: &i64| instants.iter().all(|at| at.as_ms().checked_rem(*unit) == Some(0));
    let unit = STEP_UNITS_MS.into_iter().find(fits).unwrap_or(1);
    out.number(unit.unsigned_abs());
    unit
}

/// Packs lots and pending points, their instants as [`Steps`].
pub fn pack_holdings(holdings: &Holdings) -> Vec<u8> {
    let mut out = Writer::of(DENSE);
    let dated = |end: End| end.inactivity_months.is_none() && !end.expires_at.is_never();
    let lots: Vec<_> = holdings.lots().iter().filter(|lot| dated(lot.end())).collect();
    let pending: Vec<_> = holdings.pending().iter().filter(|wait| dated(wait.end())).collect();
    let waits = pending.iter().flat_map(|wait| [wait.available_at, wait.expires_at]);
    let instants: Vec<_> = lots.iter().map(|lot| lot.expires_at).chain(waits).collect();
    let unit = step_unit(&mut out, &instants);
    out.count(lots.len());
    let mut expiry = Steps::of_months(unit, DENSE);
    for lot in lots {
        expiry.put(&mut out, lot.expires_at);
        out.signed(lot.points.0);
    }
    out.count(pending.len());
    let (mut availability, mut expiry) = (Steps::of(unit), expiry.then_any());
    for wait in pending {
        availability.put(&mut out, wait.available_at);
        expiry.put(&mut out, wait.expires_at);
        out.signed(wait.points.0);
    }
    // What few accounts have stands at the end, as far as there is any of it.
    let (debt, pending_debt) = (holdings.debt(), holdings.pending_debt());
    let (undated, unpaid) = (undated::pack(holdings), holdings.unpaid());
    let goes_on = undated.is_some() || unpaid != Points::ZERO;
    if debt != Points::ZERO || goes_on {
        out.signed(debt.0);
    }
    if pending_debt != Points::ZERO || goes_on {
        out.signed(pending_debt.0);
    }
    if goes_on {
        out.0.extend(undated.unwrap_or_else(undated::none));
    }
    if unpaid != Points::ZERO {
        out.signed(unpaid.0);
    }
    out.0
}

/// Reads lots and pending points.
pub fn holdings(bytes: &[u8]) -> Unpacked<Holdings> {
    let (format, mut input) = Reader::start_of(bytes)?;
    let unit = i64::try_from(input.number()?).map_err(|_| "unit too large")?;
    let mut expiry = Steps::of_months(unit, format);
    let mut lots = input.list(|input| Ok(Lot::until(expiry.next(input)?, Points(input.signed()?))))?;
    let (mut availability, mut expiry) = (Steps::of(unit), expiry.then_any());
    let mut pending = input.list(|input| {
        let (available_at, end) = (availability.next(input)?, End::at(expiry.next(input)?));
        Ok(Pending::new(available_at, end, Points(input.signed()?)))
    })?;
    let mut tail = || if input.0.is_empty() { Ok(Points::ZERO) } else { input.signed().map(Points) };
    let (debt, pending_debt) = (tail()?, tail()?);
    let streaks = if input.0.is_empty() { Vec::new() } else { undated::read(&mut input, &mut lots, &mut pending)? };
    let unpaid = if input.0.is_empty() { Points::ZERO } else { Points(input.signed()?) };
    input.end()?;
    let holdings = Holdings::of(lots, pending, debt).with_pending_debt(pending_debt);
    Ok(holdings.with_streaks(streaks).with_unpaid(unpaid))
}

const UNDER_REVIEW: u8 = 1;
const OPEN: u8 = 2;
const QUALIFIED: u8 = 3;
const REWARDED: u8 = 4;
const RETURNED: u8 = 5;
const OVER: u8 = 6;

/// Bytes of a code's 50 bits.
const CODE_BYTES: usize = 7;
const REDEMPTION_ID_BYTES: usize = 8;

/// Packs what the account knows of the redemption that it came by. Code and id are of random bits, which take less as they
/// are than as varints.
pub fn pack_referral(referral: &Referral) -> Vec<u8> {
    let mut out = Writer::start();
    out.0.extend(referral.key.code.bits().to_le_bytes().iter().take(CODE_BYTES));
    out.0.extend(referral.key.redemption_id.bits().to_le_bytes());
    out.number(referral.version);
    out.number(referral.program_version.into());
    let (stage, at) = match referral.stage {
        Stage::UnderReview => (UNDER_REVIEW, None),
        Stage::Open { until } => (OPEN, Some(until)),
        Stage::Qualified { reward_at } => (QUALIFIED, Some(reward_at)),
        Stage::Rewarded => (REWARDED, None),
        Stage::Returned { since } => (RETURNED, Some(since)),
        Stage::Over => (OVER, None),
    };
    out.0.push(stage);
    at.into_iter().chain(referral.redeemed_at).for_each(|at| out.instant(at));
    out.0
}

/// Reads what the account knows of the redemption that it came by.
pub fn referral(bytes: &[u8]) -> Unpacked<Referral> {
    let mut input = Reader::start(bytes)?;
    let code = Code::of_bits(input.little(CODE_BYTES)?);
    let key = RedemptionKey { code, redemption_id: RedemptionId::of_bits(input.little(REDEMPTION_ID_BYTES)?) };
    let version = input.number()?;
    let program_version = u32::try_from(input.number()?).map_err(|_| "bad program version")?;
    let stage = match input.byte()? {
        UNDER_REVIEW => Stage::UnderReview,
        OPEN => Stage::Open { until: input.instant()? },
        QUALIFIED => Stage::Qualified { reward_at: input.instant()? },
        REWARDED => Stage::Rewarded,
        RETURNED => Stage::Returned { since: input.instant()? },
        OVER => Stage::Over,
        _ => return Err("unknown stage"),
    };
    let redeemed_at = if input.0.is_empty() { None } else { Some(input.instant()?) };
    input.end()?;
    Ok(Referral { key, version, program_version, redeemed_at, stage })
}

/// Packs the invitation that an account holds its tier by.
pub fn pack_invitation(invitation: &Invitation) -> Vec<u8> {
    let mut out = Writer::start();
    out.instant(invitation.until);
    out.text(invitation.held.as_str());
    out.instant(invitation.held_since);
    out.0
}

/// Reads the invitation that an account holds its tier by.
pub fn invitation(bytes: &[u8]) -> Unpacked<Invitation> {
    let mut input = Reader::start(bytes)?;
    let until = input.instant()?;
    let held = TierId::parse(input.text()?).map_err(|_| "bad tier id")?;
    let held_since = input.instant()?;
    input.end()?;
    Ok(Invitation { until, held, held_since })
}

/// Packs the discounts that the account is owed for tiers.
pub fn pack_owed(owed: &[OwedDiscount]) -> Vec<u8> {
    let mut out = Writer::start();
    out.count(owed.len());
    for OwedDiscount { tier, entered_at } in owed {
        out.text(tier.as_str());
        out.instant(*entered_at);
    }
    out.0
}

/// Reads the discounts that the account is owed for tiers.
pub fn owed(bytes: &[u8]) -> Unpacked<Vec<OwedDiscount>> {
    let mut input = Reader::start(bytes)?;
    let owed = input.list(|input| {
        let tier = TierId::parse(input.text()?).map_err(|_| "bad tier id")?;
        Ok(OwedDiscount { tier, entered_at: input.instant()? })
    })?;
    input.end()?;
    Ok(owed)
}

/// Packs what the account was warned of, a list for each subject: instants as those of lots, days as steps too, since
/// what ends later was mostly told as long ahead or longer. New subjects are added at the end.
pub fn pack_told(told: &[Told]) -> Vec<u8> {
    let mut out = Writer::of(DENSE);
    let unit = step_unit(&mut out, &told.iter().map(|told| told.ends_at).collect::<Vec<_>>());
    for subject in Subject::ALL {
        let of_it: Vec<_> = told.iter().filter(|told| told.subject == subject).collect();
        out.count(of_it.len());
        let (mut end, mut days) = (Steps::of_months(unit, DENSE), 0_i64);
        for told in of_it {
            end.put(&mut out, told.ends_at);
            out.signed(i64::from(told.days).wrapping_sub(days));
            days = told.days.into();
        }
    }
    out.0
}

/// Reads what the account was warned of.
pub fn told(bytes: &[u8]) -> Unpacked<Vec<Told>> {
    let (format, mut input) = Reader::start_of(bytes)?;
    let unit = i64::try_from(input.number()?).map_err(|_| "unit too large")?;
    let mut told = Vec::new();
    for subject in Subject::ALL {
        let (mut end, mut days) = (Steps::of_months(unit, format), 0_i64);
        let of_it = input.list(|input| {
            let ends_at = end.next(input)?;
            days = days.checked_add(input.signed()?).ok_or("too many days")?;
            Ok(Told { subject, ends_at, days: u16::try_from(days).map_err(|_| "too many days")? })
        })?;
        told.extend(of_it);
        // Subjects that later shapes added: an item of an earlier one ends here.
        if input.0.is_empty() {
            break;
        }
    }
    input.end()?;
    Ok(told)
}
