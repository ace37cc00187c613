//! Opening balances: what a company brings from another product, taken over once.
//!
//! An account is opened with one commit and one entry: its points as lots, the tier it was granted, and its past as
//! totals. Points count as issued, so what finance takes over is in the books as a whole; those whose last day has
//! gone by lapse in the same entry, as points of a late order do. The tier is held like any other: orders never lower
//! it, and where its review would lie in the past, it is held anew from the opening. What happened before is in no
//! order and no month here, so it qualifies for no higher tier.

use crate::account::Account;
use crate::activity::Lifetime;
use crate::adjustment::POINTS_MAX;
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::document::{Faults, Path};
use crate::expiry;
use crate::id::{AccountId, TierId};
use crate::idempotency::{CommandKey, CommandRecord};
use crate::invitation;
use crate::ledger::{AccountChange, Cause, Change, PointsChange};
use crate::lots::{End, Lot};
use crate::money::{Minor, Money, Overflow, Points};
use crate::program::{Program, Shortfall, VALIDITY_MONTHS_MAX};
use crate::review::{self, Reviewed};
use crate::tier::entry;
use crate::time::{Day, Instant};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Most lots as stated: an entry tells of each.
pub const LOTS_MAX: usize = 500;
/// Most of any total: orders, units, points, minor units of money. Far from what would stop the account's sums.
pub const TOTAL_MAX: i64 = 1_000_000_000_000_000;

/// What another product knew of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Which account.
    pub account_id: AccountId,
    /// Its points, those that end together as one lot.
    pub lots: Vec<OpeningLot>,
    /// The tier it holds; absent: the lowest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierId>,
    /// Since when it holds it; absent: since the opening, or as before where the tier stays.
    #[serde(default, with = "date", skip_serializing_if = "Option::is_none")]
    pub tier_since: Option<Day>,
    /// When it became a member; absent: when it was enrolled here, or at the opening.
    #[serde(default, with = "date", skip_serializing_if = "Option::is_none")]
    pub joined_on: Option<Day>,
    /// Day of its earliest order.
    #[serde(default, with = "date", skip_serializing_if = "Option::is_none")]
    pub first_purchase: Option<Day>,
    /// Day of its latest order.
    #[serde(default, with = "date", skip_serializing_if = "Option::is_none")]
    pub last_purchase: Option<Day>,
    /// What it did before.
    pub past: PastTotals,
    /// Points earned before, whatever became of them; absent: those it brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points_earned: Option<Points>,
}

/// Points that end together, or points that are owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OpeningLot {
    /// The last day on which they can be spent; absent: as the program's validity says, counted from the opening.
    #[serde(default, with = "date", skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<Day>,
    /// How many; owed, where negative. Within [`POINTS_MAX`] either way.
    pub points: Points,
}

/// Totals over a relationship before it came here, none negative and none above [`TOTAL_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PastTotals {
    /// Orders placed.
    pub orders: u64,
    /// Units bought and kept.
    pub units: u64,
    /// What they came to.
    pub revenue: Money,
    /// What of it was eligible.
    pub eligible_spend: Money,
}

/// The answer to an opening.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningReceipt {
    /// What was opened.
    pub opening: Opening,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// When it was decided.
    pub decided_at: Instant,
    /// Points taken over.
    pub points: Points,
    /// How many of them had ended already.
    pub lapsed: Points,
    /// Points taken over that the account owes.
    pub owed: Points,
}

/// One thing in an opening that the program does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The place of the lot that it is about; `None`: it is about the account.
    pub lot: Option<usize>,
    /// The field.
    pub field: &'static str,
    /// What a program can switch on.
    pub code: &'static str,
    /// What a person reads.
    pub message: String,
}

/// Dates as people write them.
mod date {
    use crate::time::Day;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    #[expect(clippy::ref_option, reason = "the shape that serde asks for")]
    pub fn serialize<S: Serializer>(day: &Option<Day>, serializer: S) -> Result<S::Ok, S::Error> {
        day.map(|day| day.to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Day>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let read = |text: String| Day::parse(&text).ok_or_else(|| D::Error::custom("not a date"));
        text.map(read).transpose()
    }
}

impl Opening {
    /// What the program does not take of it at `now`; every flaw at once, those of the account first.
    pub fn flaws(&self, program: &Program, now: Instant) -> Vec<Flaw> {
        let mut flaws = self.flaws_of_account(program, now);
        let (latest, mut ends) = (program.calendar.end_of_month_after(now, VALIDITY_MONTHS_MAX), BTreeSet::new());
        for (index, lot) in self.lots.iter().enumerate() {
            let mut flaw = |field, code, message: String| flaws.push(Flaw { lot: Some(index), field, code, message });
            if !(-POINTS_MAX..=POINTS_MAX).contains(&lot.points.0) {
                flaw("points", "out_of_range", format!("must be from -{POINTS_MAX} to {POINTS_MAX}"));
            }
            if lot.points < Points::ZERO {
                if program.points.shortfall == Shortfall::WriteOff {
                    flaw("points", "no_debt", "the program lets no account owe points".to_owned());
                }
                if lot.expires_on.is_some() {
                    flaw("expires_on", "conflict", "points that are owed do not end".to_owned());
                }
                if self.lots.len() > 1 {
                    let message = "an account that owes points holds none: state its balance as one number";
                    flaw("points", "conflict", message.to_owned());
                }
            }
            if !ends.insert(lot.expires_on) {
                flaw("expires_on", "twice", "stands twice for this account: state their sum".to_owned());
            }
            if lot.expires_on.is_some_and(|last_day| end(last_day, program, now) > latest) {
                let message = format!("is more than {VALIDITY_MONTHS_MAX} months ahead; blank: as the program says");
                flaw("expires_on", "out_of_range", message);
            }
        }
        flaws
    }

    fn flaws_of_account(&self, program: &Program, now: Instant) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let mut flaw = |field, code, message: String| flaws.push(Flaw { lot: None, field, code, message });
        if let Some(tier) = self.tier.as_ref().filter(|tier| program.tiers.levels.iter().all(|own| own.id != **tier)) {
            let tiers: Vec<_> = program.tiers.levels.iter().map(|own| own.id.as_str()).collect();
            flaw("tier", "unknown_value", format!("{tier} is no tier of the program: {}", tiers.join(", ")));
        }
        let today = program.calendar.day(now);
        for (field, day) in [
            ("tier_since", self.tier_since),
            ("joined_on", self.joined_on),
            ("first_purchase", self.first_purchase),
            ("last_purchase", self.last_purchase),
        ] {
            if day.is_some_and(|day| day > today) {
                flaw(field, "in_future", format!("is after the day of the opening, {today}"));
            }
        }
        if self.first_purchase.zip(self.last_purchase).is_some_and(|(first, last)| first > last) {
            flaw("first_purchase", "conflict", "is after last_purchase".to_owned());
        }
        let earned = ("points_earned", self.points_earned.unwrap_or_default().0.into());
        for (field, total) in self.past.named().into_iter().chain([earned]) {
            if !(0..=i128::from(TOTAL_MAX)).contains(&total) {
                flaw(field, "out_of_range", format!("must be from 0 to {TOTAL_MAX}, money in its minor unit"));
            }
        }
        for (field, money) in [("revenue", self.past.revenue), ("eligible_spend", self.past.eligible_spend)] {
            if money.currency != program.currency {
                flaw(field, "foreign_currency", format!("the program runs in {}", program.currency.code()));
            }
        }
        if self.lots.len() > LOTS_MAX {
            flaw("lots", "wrong_length", format!("must be at most {LOTS_MAX}"));
        }
        flaws
    }

    /// SHA-256 over what is stated, in whatever order its lots are.
    pub fn content_hash(&self) -> [u8; 32] {
        Sha256::digest(serde_json::to_vec(&self.sorted()).unwrap_or_default()).into()
    }

    /// On how many days the orders of before were placed, at most: which days, nobody says.
    fn past_days(&self) -> u64 {
        let between = self.first_purchase.zip(self.last_purchase).map(|(first, last)| last.0.saturating_sub(first.0));
        let days = between.and_then(|days| u64::try_from(days).ok()).map(|days| days.saturating_add(1));
        days.map_or(self.past.orders, |days| days.min(self.past.orders))
    }

    /// The same with its lots in order, and without those of nothing.
    fn sorted(&self) -> Self {
        let mut sorted = self.clone();
        sorted.lots.retain(|lot| lot.points != Points::ZERO);
        sorted.lots.sort();
        sorted
    }

    /// Where it differs from another opening of the account, as JSON paths.
    fn differences(&self, other: &Self) -> Vec<String> {
        let (ours, theirs) = (self.sorted(), other.sorted());
        let differs = [
            ("$.lots", ours.lots != theirs.lots),
            ("$.tier", ours.tier != theirs.tier),
            ("$.tier_since", ours.tier_since != theirs.tier_since),
            ("$.joined_on", ours.joined_on != theirs.joined_on),
            ("$.first_purchase", ours.first_purchase != theirs.first_purchase),
            ("$.last_purchase", ours.last_purchase != theirs.last_purchase),
            ("$.past", ours.past != theirs.past),
            ("$.points_earned", ours.points_earned != theirs.points_earned),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(path, _)| path.to_owned()).collect()
    }
}

impl PastTotals {
    /// Nothing, in that currency.
    pub fn none(currency: crate::money::Currency) -> Self {
        let nothing = Money { amount: Minor::ZERO, currency };
        Self { orders: 0, units: 0, revenue: nothing, eligible_spend: nothing }
    }

    fn named(&self) -> [(&'static str, i128); 4] {
        [
            ("orders", self.orders.into()),
            ("units", self.units.into()),
            ("revenue", self.revenue.amount.0.into()),
            ("eligible_spend", self.eligible_spend.amount.0.into()),
        ]
    }
}

/// The first instant at which points of a lot are gone. What still lives ends with its month, like all points here, so
/// that lots stay as few as months; what is over has ended after the day stated.
fn end(last_day: Day, program: &Program, now: Instant) -> Instant {
    let calendar = &program.calendar;
    let over = calendar.start_of_day(Day(last_day.0.saturating_add(1)));
    if over <= now { over } else { calendar.end_of_month_after(calendar.start_of_day(last_day), 0) }
}

/// Opens an account with what it brings. It may have been enrolled here before; one that has orders or points is
/// refused with [`Rejection::HasHistory`], since its scores would have been others with the tier it brings: whoever
/// wants to can give it its points by an adjustment.
pub fn open(
    account: Option<&Account>,
    opening: &Opening,
    context: &Context<'_>,
) -> Result<Decision<OpeningReceipt>, Rejection> {
    let activation = context.schedule.at(context.now);
    let program = &*activation.program;
    let flaws = opening.flaws(program, context.now);
    if !flaws.is_empty() {
        return Err(Rejection::Invalid(faults(&flaws)));
    }
    let (mut account, mut changes) = match account {
        Some(account) if account.status.has_left() => return Err(Rejection::AccountNotActive(account.status)),
        Some(account) if account.lifetime != Lifetime::default() => return Err(Rejection::HasHistory),
        Some(account) => advance::advance(context.schedule, account, context.now)?,
        None => {
            // Who was a member elsewhere is let in without being asked again.
            let (account, enrolled) = Account::enrol(opening.account_id.clone(), program, context.now);
            (account, vec![enrolled])
        }
    };
    take_over(&mut account, opening, program, context);
    let (points, lots) = add_lots(&mut account, opening, program, context.now)?;
    let points_earned = opening.points_earned.unwrap_or(points);
    account.lifetime.earned = points_earned;
    account.lifetime.gone_before = points_earned.minus(points)?;
    let (tier, tier_since) = (account.tier.clone(), account.tier_since);
    changes.push(Change::Account(AccountChange::Opened { tier, tier_since, past: opening.past, points_earned }));
    changes.extend(lots);
    let owed = opening.lots.iter().map(|lot| lot.points).find(|points| *points < Points::ZERO);
    let owed = Points::ZERO.minus(owed.unwrap_or(Points::ZERO))?;
    if owed > Points::ZERO {
        program.points.shortfall.book(&mut account.holdings, owed)?;
        account.lifetime.reversed = owed;
        changes.push(Change::Points(PointsChange::DebtOpened { points: owed }));
    }
    changes.extend(advance::settle(context.schedule, &mut account, context.now)?);
    let receipt = OpeningReceipt {
        opening: opening.sorted(),
        entry: account.version.checked_add(1).ok_or(Overflow)?,
        decided_at: context.now,
        points,
        lapsed: account.lifetime.expired,
        owed,
    };
    let key = CommandKey::opening();
    let record = CommandRecord::new(account.id.clone(), key, opening.content_hash(), &receipt);
    let mut writes = vec![Write::Put(Record::Command(Box::new(record)), Guard::Absent)];
    writes.extend(decision::commit(account, Cause::Opening, changes, activation.version, context)?);
    Ok(Decision { writes, answer: receipt })
}

/// Tier, dates and totals as stated; what is not stated stays.
fn take_over(account: &mut Account, opening: &Opening, program: &Program, context: &Context<'_>) {
    let now = context.now;
    let start = |day| program.calendar.start_of_day(day);
    if let Some(tier) = opening.tier.as_ref().filter(|tier| **tier != account.tier) {
        account.tier = tier.clone();
        account.tier_since = now;
    }
    account.tier_since = opening.tier_since.map_or(account.tier_since, start);
    entry::note_brought(account, program);
    invitation::brought(account, program, now);
    if review::next(account, context.schedule).is_some_and(|review| review.at <= now) {
        // What was spent before is in no month here: nothing is reviewed in the past.
        account.reviewed = Some(Reviewed::afresh(now));
    }
    account.joined_at = opening.joined_on.map_or(account.joined_at, start);
    account.first_purchase = opening.first_purchase;
    account.last_purchase = opening.last_purchase;
    let past = &opening.past;
    account.lifetime.orders = past.orders;
    account.lifetime.units = past.units;
    account.lifetime.revenue = past.revenue.amount;
    account.lifetime.eligible = past.eligible_spend.amount;
    account.lifetime.purchase_days = opening.past_days();
}

/// Adds the points as lots, one for each end, and answers how many they are and what an entry says of each lot.
fn add_lots(
    account: &mut Account,
    opening: &Opening,
    program: &Program,
    now: Instant,
) -> Result<(Points, Vec<Change>), Overflow> {
    // Points that came with no end last as those that are given now.
    let (usual, _) = expiry::activity(account, program, program.calendar.day(now), now)?;
    let mut ends: BTreeMap<End, Points> = BTreeMap::new();
    for lot in opening.lots.iter().filter(|lot| lot.points > Points::ZERO) {
        let end = lot.expires_on.map_or(usual, |last_day| End::at(end(last_day, program, now)));
        let held = ends.entry(end).or_default();
        *held = held.plus(lot.points)?;
    }
    let mut changes = Vec::with_capacity(ends.len());
    for (end, points) in &ends {
        account.holdings.add(Lot::new(*end, *points))?;
        changes.push(Change::Points(PointsChange::Opened { points: *points, expires_at: end.expires_at }));
    }
    Ok((Points::sum(ends.into_values())?, changes))
}

fn faults(flaws: &[Flaw]) -> Faults {
    let mut faults = Faults::default();
    for flaw in flaws {
        let lots = Path::Key(&Path::Root, "lots");
        let lot = flaw.lot.map(|index| Path::Index(&lots, index));
        faults.add(&Path::Key(lot.as_ref().unwrap_or(&Path::Root), flaw.field), flaw.code, &*flaw.message);
    }
    faults
}

/// The answer to an opening whose account has been opened before: the first answer for the same content, otherwise
/// what differs.
pub fn repeat(record: &CommandRecord, opening: &Opening) -> Result<OpeningReceipt, Rejection> {
    record.repeat(opening.content_hash()).map_err(|reused| {
        let first = serde_json::from_str::<OpeningReceipt>(&record.answer);
        first.map_or(reused, |first| Rejection::ContentDiffers { paths: first.opening.differences(opening) })
    })
}

#[cfg(test)]
mod tests;
