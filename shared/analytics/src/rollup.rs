//! The nightly aggregation: accounts counted in parts, parts merged in any order, the whole reduced to a night's metrics.
//!
//! A part is all integers (but for which accounts it proposes as at risk), bounded by groups, months and weeks, not by
//! accounts, and reads nothing but an account's own item. The same accounts give the same bytes, however they were
//! split. No order is read: an account knows what it did in each of the last months.

mod cohorts;
mod customers;
mod figures;
mod group;
mod lists;
mod period;
mod standing;
mod sums;
#[cfg(test)]
pub(crate) mod tests;

pub use cohorts::{Cohorts, Retained};
pub use customers::{Alike, Customers, Evidence, HOLD_OUT_DAYS, HOLD_OUT_WEEKS, Recent, history, purchases, recent};
pub use figures::Figures;
pub use group::{By, Group, Groups};
pub use lists::{CANDIDATES_MAX, Candidate, LISTED_MAX, Lists, Mover, Near, Ranking};
pub use period::Period;
pub(crate) use period::first_kept;
pub use standing::{Standing, Totals};

use crate::bg_nbd::{self, BgNbd};
use crate::histogram::Overflow;
use crate::history::History;
use domain::account::{Account, Status};
use domain::activity::MONTHS_KEPT;
use domain::advance;
use domain::program::Program;
use domain::schedule::Schedule;
use domain::tier;
use domain::time::{Day, Instant, Month};
use figures::Sums;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::num::NonZeroU32;

/// A model's unit of time is a week, and so is a tick of a history.
pub const TICKS_PER_WEEK: NonZeroU32 = NonZeroU32::MIN;
/// Months that a night looks at, as a count of places; those that every account keeps, though it ordered since.
const PLACES: usize = 24;
const _: () = assert!(MONTHS_KEPT == 25);
/// Months that are held against those before to see whose revenue moves.
const MOVE_MONTHS: usize = 3;
const TRAILING_MONTHS: usize = 12;
/// The model by which accounts are proposed as at risk where no night before has fitted one: that of CDNOW (Fader,
/// Hardie & Lee 2005), in weeks.
const FIRST_PRIOR: bg_nbd::Parameters = bg_nbd::Parameters { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };
/// How far back the probability alive is held against today's.
pub const AT_RISK_WEEKS: u32 = 4;

/// Whose metrics: the night of a day.
pub struct Night {
    day: Day,
    as_of: Instant,
    schedule: Schedule,
    program_version: u32,
    spans: Vec<Span>,
    first_kept: Month,
    last: Month,
    prior: Option<BgNbd>,
}

/// Where a period's months stand among those kept.
struct Span {
    period: Period,
    /// The first and one past the last; `None`: the whole relationship.
    places: Option<(usize, usize)>,
    /// The same of the period before, where that is kept whole.
    previous: Option<(usize, usize)>,
    first_month: Option<Month>,
}

impl Night {
    /// The night of a day in the time zone of the program that is in force at its end. `prior` are the model's
    /// parameters of a night before.
    pub fn new(day: Day, schedule: Schedule, prior: Option<bg_nbd::Parameters>) -> Self {
        let first = schedule.at(day.end());
        // The last millisecond of the day: what is decided at midnight is the next day's.
        let as_of = first.program.calendar.start_of_day(day.plus(1)).plus_ms(-1);
        let program_version = schedule.at(as_of).version;
        let last = day.month();
        let first_kept = period::first_kept(last);
        let place = |month: Month| usize::try_from(month.0.saturating_sub(first_kept.0)).ok();
        let places = |period: Period| {
            let months = period.months()?;
            let end = (*months.end()).min(last);
            Some((place(*months.start())?, place(end)?.saturating_add(1)))
        };
        let span = |period: Period| Span {
            period,
            places: places(period),
            previous: period.previous().and_then(places),
            first_month: period.months().map(|months| *months.start()),
        };
        let spans = Period::kept(last).into_iter().map(span).collect();
        let prior = BgNbd::new(prior.unwrap_or(FIRST_PRIOR), TICKS_PER_WEEK).ok();
        Self { day, as_of, schedule, program_version, spans, first_kept, last, prior }
    }

    /// Its day.
    pub const fn day(&self) -> Day {
        self.day
    }

    /// Its last instant.
    pub const fn as_of(&self) -> Instant {
        self.as_of
    }

    /// The version of the program in force then.
    pub const fn program_version(&self) -> u32 {
        self.program_version
    }

    /// The program in force then.
    pub fn program(&self) -> &Program {
        &self.schedule.at(self.as_of).program
    }

    /// The periods it gives figures for, in the order of [`Group::figures`].
    pub fn periods(&self) -> impl Iterator<Item = Period> + '_ {
        self.spans.iter().map(|span| span.period)
    }

    /// Whether the period before is kept, so that it is known who stayed.
    pub fn knows_previous(&self, period: Period) -> bool {
        self.spans.iter().any(|span| span.period == period && span.previous.is_some())
    }
}

/// Why an account was not counted, or not whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Flaw {
    /// Which account.
    pub account_id: String,
    /// What is wrong with it.
    pub what: String,
}

/// Accounts, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// By group. The total is that of all tiers.
    pub groups: Groups,
    /// Who stays.
    pub cohorts: Cohorts,
    /// What the models are fitted on.
    pub evidence: Evidence,
    /// Accounts to look at.
    pub lists: Lists,
    /// Accounts that were decided after the night's end: they are counted as they stood then.
    pub decided_later: u64,
    /// How many accounts are not right.
    pub flawed: u64,
    /// The first of them.
    pub flaws: Ranking<Flaw, LISTED_MAX>,
}

impl Partial {
    /// Counts an account as it is at the end of the night. Fails with [`Overflow`] where a sum of all accounts fits no
    /// integer; an account whose own figures do not fit is noted as flawed.
    pub fn record(&mut self, night: &Night, account: &Account) -> Result<(), Overflow> {
        let at = night.as_of.max(account.last_decided);
        let Ok((account, _)) = advance::advance(&night.schedule, account, at) else {
            return self.flaw(account.id.as_str(), "its figures do not fit");
        };
        let Ok(totals) = Totals::of(&account) else {
            return self.flaw(account.id.as_str(), "its points do not fit");
        };
        let off = totals.imbalance();
        if off != 0 {
            let (more, than) = match off > 0 {
                true => ("were issued", "are accounted for"),
                false => ("are accounted for", "were issued"),
            };
            self.flaw(account.id.as_str(), &format!("{} points more {more} than {than}", off.unsigned_abs()))?;
        }
        if account.last_decided > night.as_of {
            self.decided_later = self.decided_later.checked_add(1).ok_or(Overflow)?;
        }
        let sums = kept_sums(night, &account);
        let history = history(&account, night.day);
        let facts = group::Facts {
            account: &account,
            totals: &totals,
            calendar: &night.program().calendar,
            history,
            figures: figures(night, &account, &sums),
        };
        self.groups.record(&facts)?;
        self.cohorts.record(&account, night.first_kept, night.last)?;
        match history {
            Some(_) => self.evidence.record(&account, night.day)?,
            None if account.lifetime.orders > 0 => self.evidence.leave_out()?,
            None => {}
        }
        self.list(night, &account, &sums, history)
    }

    /// Notes an account that is not right, or an item that is none.
    pub fn flaw(&mut self, account_id: &str, what: &str) -> Result<(), Overflow> {
        self.flawed = self.flawed.checked_add(1).ok_or(Overflow)?;
        self.flaws.offer(Flaw { account_id: account_id.to_owned(), what: what.to_owned() });
        Ok(())
    }

    fn list(
        &mut self,
        night: &Night,
        account: &Account,
        sums: &[Sums; PLACES + 1],
        history: Option<History>,
    ) -> Result<(), Overflow> {
        let id = account.id.as_str();
        let back = |months: usize, to: usize| between(sums, to.saturating_sub(months), to);
        // A month that has begun is held against no whole one.
        let whole = if night.day.plus(1).month() == night.last { PLACES.saturating_sub(1) } else { PLACES };
        let (moved, year) = (back(MOVE_MONTHS, whole), back(TRAILING_MONTHS, PLACES));
        let before = back(MOVE_MONTHS, whole.saturating_sub(MOVE_MONTHS));
        // Who has left is nobody to look after.
        let stays = !account.status.has_left();
        if stays {
            self.lists.moved(id, before.revenue, moved.revenue);
        }
        if let Some(days_since) = account.last_purchase.map(|last| night.day.0.saturating_sub(last.0)) {
            if year.orders > 0 {
                self.evidence.record_recent(Recent::new(days_since, year.orders, year.revenue), year.revenue)?;
            }
            if let (Some(history), Some(prior), true) = (history, &night.prior, stays) {
                self.propose(id, history, prior, account, (days_since, year.revenue));
            }
        }
        if account.status == Status::Active {
            self.near(night.program(), account, night.last)?;
        }
        Ok(())
    }

    /// Proposes an account as at risk, by what the probability that it is alive lost in the last weeks.
    fn propose(&mut self, id: &str, history: History, prior: &BgNbd, account: &Account, year: (i32, i128)) {
        let (days_since, revenue) = year;
        let stake = at_stake(prior, history, revenue);
        if stake <= 0 || !self.lists.candidates.takes(|last| stake >= last.stake.0) {
            return;
        }
        let span =
            account.last_purchase.zip(account.first_purchase).map(|(last, first)| last.0.saturating_sub(first.0));
        let gaps = i32::try_from(history.frequency()).unwrap_or(i32::MAX);
        let gap_days = span.and_then(|span| span.checked_div(gaps)).unwrap_or(0);
        let account_id = id.to_owned();
        let stake = Reverse(stake);
        self.lists.candidates.offer(Candidate { stake, account_id, history, days_since, gap_days, revenue });
    }

    fn near(&mut self, program: &Program, account: &Account, month: Month) -> Result<(), Overflow> {
        let tiers = &program.tiers;
        if !tiers.knows(&account.tier) {
            return Ok(());
        }
        let qualifying = tier::qualifying(program, account, month)?;
        let held = tiers.get(&account.tier);
        let Some(next) = tier::next(tiers, held, qualifying)? else { return Ok(()) };
        let whole = i128::from(next.threshold.0);
        let missing_ppms = i128::from(next.missing.0).saturating_mul(1_000_000);
        let twice = missing_ppms.saturating_mul(2).saturating_add(whole);
        let ppm = twice.checked_div(whole.saturating_mul(2)).unwrap_or(0);
        let missing_ppm = u32::try_from(ppm).unwrap_or(u32::MAX);
        // Who bought nothing in the window is near to nothing.
        if qualifying.0 <= 0 || !self.lists.near_next_tier.takes(|last| missing_ppm <= last.missing_ppm) {
            return Ok(());
        }
        self.lists.near_next_tier.offer(Near {
            missing_ppm,
            account_id: account.id.to_string(),
            tier: held.id.to_string(),
            next_tier: next.tier.id.to_string(),
            missing: next.missing.0,
            metric: tiers.metric,
        });
        Ok(())
    }

    /// Adds what another part counted, of other accounts of the same night.
    pub fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.groups.merge(&other.groups)?;
        self.cohorts.merge(&other.cohorts)?;
        self.evidence.merge(&other.evidence)?;
        self.lists.merge(other.lists);
        self.decided_later = self.decided_later.checked_add(other.decided_later).ok_or(Overflow)?;
        self.flawed = self.flawed.checked_add(other.flawed).ok_or(Overflow)?;
        self.flaws.merge(other.flaws);
        Ok(())
    }
}

/// What an account did up to each kept month: the sums before the first, up to the first, up to the second …
fn kept_sums(night: &Night, account: &Account) -> [Sums; PLACES + 1] {
    let mut sums = [Sums::default(); PLACES + 1];
    let mut months = account.activity.months().iter().skip_while(|month| month.month < night.first_kept).peekable();
    let mut sum = Sums::default();
    for (place, month) in sums.iter_mut().skip(1).zip((night.first_kept.0..).map(Month)) {
        if let Some(active) = months.next_if(|active| active.month == month) {
            sum = sum.and(active);
        }
        *place = sum;
    }
    sums
}

fn between(sums: &[Sums; PLACES + 1], from: usize, to: usize) -> Sums {
    let at = |place: usize| sums.get(place).copied().unwrap_or_default();
    at(to).less(&at(from))
}

/// What the account did in each period in which, or before which, it did anything.
fn figures(night: &Night, account: &Account, sums: &[Sums; PLACES + 1]) -> Vec<(usize, Figures)> {
    let referred = account.referral.is_some();
    // All orders since a month began, whichever are kept: who has more had bought before it.
    let since = |start: Month| {
        let months = account.activity.months().iter().filter(|month| month.month >= start);
        months.fold(0_u64, |sum, month| sum.saturating_add(month.orders))
    };
    let of_span = |span: &Span| {
        let of = match span.places {
            Some((from, to)) => between(sums, from, to),
            None => Sums::lifetime(&account.lifetime),
        };
        let previous = span.previous.map_or(0, |(from, to)| between(sums, from, to).orders);
        let bought_before = span.first_month.is_some_and(|first| account.lifetime.orders > since(first));
        of.figures(previous, bought_before, referred)
    };
    let all = night.spans.iter().map(of_span).enumerate();
    all.filter(|(_, figures)| figures.customers > 0 || figures.previous_customers > 0).collect()
}

/// The revenue, in whole minor units, that the fall of the probability alive over the last weeks puts at stake.
pub fn at_stake(model: &BgNbd, history: History, revenue: i128) -> i128 {
    const PPM: f64 = 1e6;
    let lost = (alive_lost(model, history) * PPM).round();
    // Within 0 and a million.
    revenue.max(0).saturating_mul(lost as i128) / 1_000_000
}

/// By how much the probability that the customer is alive fell over the last [`AT_RISK_WEEKS`], 0 to 1; nothing where it
/// bought within them.
pub fn alive_lost(model: &BgNbd, history: History) -> f64 {
    let before = history.age().checked_sub(AT_RISK_WEEKS).filter(|age| *age >= history.recency());
    let before = before.and_then(|age| History::new(history.frequency(), history.recency(), age).ok());
    before.map_or(0.0, |before| (model.probability_alive(before) - model.probability_alive(history)).max(0.0))
}
