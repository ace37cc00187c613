//! What qualifies for a tier: which figure of an account counts, and in which months.
//!
//! Every figure is kept month by month of the program's calendar, and as a total over the whole relationship, so that a
//! tier follows from them in whatever sequence orders came. A return lowers the figure of its order's own month.

use crate::account::Account;
use crate::activity::{Activity, Aside, Lifetime};
use crate::earning::Basket;
use crate::money::{Currency, Measure, Minor, Money, Overflow};
use crate::program::Program;
use crate::score::ScoredOrder;
use crate::time::{Calendar, Month};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

/// Months of a year.
const YEAR_MONTHS: i32 = 12;

/// Which figure of an account leads to tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// What the eligible lines of its orders come to, less what came back.
    #[default]
    Spend,
    /// Units of these lines, less those that came back.
    Units,
    /// Its orders, whatever came back of them.
    Orders,
    /// Points that its orders earned, less those of what came back.
    Points,
    /// Months that have begun since the one it joined in.
    MembershipMonths,
}

/// Over which months a figure is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// So many months, the one in question and those before it. 1 to 24.
    Rolling(u16),
    /// The year in which that month lies, begun by this month: 1 is January.
    CalendarYear(u8),
    /// The same, begun by the month in which the account joined.
    MembershipYear,
    /// The whole relationship.
    Lifetime,
}

/// So much of what a program's metric counts, as the API and the ledger write it: money, or a number named after its
/// unit, such as `{"units": 1200}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Measured {
    /// Money.
    Spend(Money),
    /// Units.
    Units {
        /// How many.
        units: i64,
    },
    /// Orders.
    Orders {
        /// How many.
        orders: i64,
    },
    /// Points.
    Points {
        /// How many.
        points: i64,
    },
    /// Months.
    Months {
        /// How many.
        months: i64,
    },
}

impl Metric {
    /// Every metric by its name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("spend", Self::Spend),
        ("units", Self::Units),
        ("orders", Self::Orders),
        ("points", Self::Points),
        ("membership_months", Self::MembershipMonths),
    ];

    /// What people call it.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Spend => "eligible spend",
            Self::Units => "units",
            Self::Orders => "orders",
            Self::Points => "points earned",
            Self::MembershipMonths => "months of membership",
        }
    }

    /// Whether it can become less.
    pub(crate) fn can_fall(self) -> bool {
        match self {
            Self::Spend | Self::Units | Self::Points => true,
            Self::Orders | Self::MembershipMonths => false,
        }
    }

    /// An amount with its unit.
    pub fn measured(self, amount: Measure, currency: Currency) -> Measured {
        match self {
            Self::Spend => Measured::Spend(Money { amount: Minor(amount.0), currency }),
            Self::Units => Measured::Units { units: amount.0 },
            Self::Orders => Measured::Orders { orders: amount.0 },
            Self::Points => Measured::Points { points: amount.0 },
            Self::MembershipMonths => Measured::Months { months: amount.0 },
        }
    }

    /// The figure of some months; months of membership are no figure of any.
    fn of_months(self, activity: &Activity, window: &RangeInclusive<Month>) -> Result<Measure, Overflow> {
        let months = activity.months().iter().filter(|month| window.contains(&month.month));
        let wide = |one: u64, less: u64| Ok(Measure(whole(one)?.saturating_sub(whole(less)?)));
        let mut figures = months.map(|month| match self {
            Self::Spend => Ok(Measure(month.eligible.0)),
            Self::Units => wide(month.units, month.aside.units),
            Self::Orders => wide(month.orders, 0),
            Self::Points => Ok(Measure(month.earned.minus(month.aside.points)?.0)),
            Self::MembershipMonths => Ok(Measure::ZERO),
        });
        figures.try_fold(Measure::ZERO, |sum, figure: Result<Measure, Overflow>| sum.plus(figure?))
    }

    /// The figure of the whole relationship.
    fn of_lifetime(self, lifetime: &Lifetime) -> Result<Measure, Overflow> {
        match self {
            Self::Spend => Ok(Measure(lifetime.eligible.0)),
            Self::Units => Ok(Measure(whole(lifetime.units)?.saturating_sub(whole(lifetime.aside.units)?))),
            Self::Orders => Ok(Measure(whole(lifetime.orders)?)),
            Self::Points => Ok(Measure(lifetime.earned.minus(lifetime.aside.points)?.0)),
            Self::MembershipMonths => Ok(Measure::ZERO),
        }
    }
}

impl Window {
    /// The months whose figures qualify in the month `last`; `None`: all there ever were. A year is taken as a whole,
    /// so that an order counts in it whenever it comes.
    pub fn months(self, last: Month, joined: Month) -> Option<RangeInclusive<Month>> {
        let first = match self {
            Self::Rolling(months) => return Some(last.plus(1_i32.saturating_sub(i32::from(months)))..=last),
            Self::CalendarYear(starts_month) => i32::from(starts_month).saturating_sub(1),
            Self::MembershipYear => joined.0,
            Self::Lifetime => return None,
        };
        let passed = last.0.saturating_sub(first).rem_euclid(YEAR_MONTHS);
        let start = last.plus(passed.saturating_neg());
        Some(start..=start.plus(YEAR_MONTHS.saturating_sub(1)))
    }

    /// The months whose figures count at a review of a tier that was held to the end of the month `held`, and which may be
    /// earned to the end of the month `last`: for each of these the ones before it, or the year that had ended by then and
    /// what followed it.
    fn reviewed(self, held: Month, last: Month, joined: Month) -> Vec<Option<RangeInclusive<Month>>> {
        match self {
            Self::Rolling(_) => (held.0..=last.0).map(|month| self.months(Month(month), joined)).collect(),
            Self::CalendarYear(_) | Self::MembershipYear => {
                let running = self.months(held.plus(1), joined);
                let ended = running.map(|year| year.start().plus(YEAR_MONTHS.saturating_neg())..=last);
                vec![ended]
            }
            Self::Lifetime => vec![None],
        }
    }

    /// The last month of the year in which a month lies, if it goes by years.
    pub(crate) fn year_end(self, month: Month, joined: Month) -> Option<Month> {
        match self {
            Self::CalendarYear(_) | Self::MembershipYear => self.months(month, joined).map(|year| *year.end()),
            Self::Rolling(_) | Self::Lifetime => None,
        }
    }

    /// Whether it goes by years.
    pub fn is_year(self) -> bool {
        matches!(self, Self::CalendarYear(_) | Self::MembershipYear)
    }

    /// Which months these are, for people.
    pub fn in_words(self) -> String {
        match self {
            Self::Rolling(months) => format!("in {months} months"),
            Self::CalendarYear(1) => "in the calendar year".to_owned(),
            Self::CalendarYear(starts_month) => format!("in the year from month {starts_month} on"),
            Self::MembershipYear => "in the year of membership".to_owned(),
            Self::Lifetime => "in all".to_owned(),
        }
    }
}

/// What qualifies in the month `month`.
pub fn qualifying(program: &Program, account: &Account, month: Month) -> Result<Measure, Overflow> {
    let joined = joined(program, account);
    taken(program, account, month, program.tiers.window.months(month, joined).as_ref())
}

/// The most that qualifies in any window of a review.
pub(crate) fn reviewed(program: &Program, account: &Account, held: Month, last: Month) -> Result<Measure, Overflow> {
    let windows = program.tiers.window.reviewed(held, last, joined(program, account));
    let figures = windows.iter().map(|window| taken(program, account, last, window.as_ref()));
    figures.reduce(|one, other| Ok(one?.max(other?))).unwrap_or(Ok(Measure::ZERO))
}

/// The figure of a window; months of membership are those until `month`.
fn taken(
    program: &Program,
    account: &Account,
    month: Month,
    window: Option<&RangeInclusive<Month>>,
) -> Result<Measure, Overflow> {
    match (program.tiers.metric, window) {
        (Metric::MembershipMonths, _) => {
            Ok(Measure(i64::from(month.0.saturating_sub(joined(program, account).0)).max(0)))
        }
        (metric, Some(window)) => metric.of_months(&account.activity, window),
        (metric, None) => metric.of_lifetime(&account.lifetime),
    }
}

/// The month that an account joined in.
pub fn joined(program: &Program, account: &Account) -> Month {
    let calendar: &Calendar = &program.calendar;
    calendar.month(account.joined_at)
}

/// What an order counts for in the figures of its account and not towards a tier, as it stands now.
pub fn aside(scored: &ScoredOrder, program: &Program) -> Result<Aside, Overflow> {
    match program.tiers.metric {
        Metric::Units => Ok(Aside::of_basket(program, &Basket::kept(program, &scored.order, &scored.kept_units())?)),
        Metric::Points => {
            let tally = &scored.history.tally;
            Ok(Aside { points: tally.earned.minus(tally.credited()?)?, ..Aside::default() })
        }
        Metric::Spend | Metric::Orders | Metric::MembershipMonths => Ok(Aside::default()),
    }
}

/// What of an order came back, in the unit of the metric: `whole` is the order as it is stated.
pub(crate) fn came_back(
    scored: &ScoredOrder,
    whole_order: &Basket<'_>,
    program: &Program,
) -> Result<Measure, Overflow> {
    let kept = Basket::kept(program, &scored.order, &scored.kept_units())?;
    match program.tiers.metric {
        Metric::Spend => Ok(Measure(whole_order.eligible.minus(kept.eligible)?.0)),
        Metric::Units => Ok(Measure(whole(whole_order.eligible_units.saturating_sub(kept.eligible_units))?)),
        Metric::Points => Ok(Measure(aside(scored, program)?.points.0)),
        Metric::Orders | Metric::MembershipMonths => Ok(Measure::ZERO),
    }
}

fn whole(number: u64) -> Result<i64, Overflow> {
    i64::try_from(number).map_err(|_| Overflow)
}

impl Measured {
    /// How much, in its unit.
    pub fn amount(self) -> Measure {
        match self {
            Self::Spend(money) => Measure(money.amount.0),
            Self::Units { units: number }
            | Self::Orders { orders: number }
            | Self::Points { points: number }
            | Self::Months { months: number } => Measure(number),
        }
    }

    /// The same unit with another amount.
    #[must_use]
    pub(crate) fn with(self, amount: Measure) -> Self {
        match self {
            Self::Spend(money) => Self::Spend(Money { amount: Minor(amount.0), ..money }),
            Self::Units { .. } => Self::Units { units: amount.0 },
            Self::Orders { .. } => Self::Orders { orders: amount.0 },
            Self::Points { .. } => Self::Points { points: amount.0 },
            Self::Months { .. } => Self::Months { months: amount.0 },
        }
    }

    /// Whether another is of the same unit.
    pub(crate) fn is_like(self, other: Self) -> bool {
        other.with(self.amount()) == self
    }

    /// The money it is.
    pub fn spend(self) -> Option<Money> {
        match self {
            Self::Spend(money) => Some(money),
            _ => None,
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = match self {
            Self::Spend(money) => return money.fmt(f),
            Self::Units { units } => (units, "unit"),
            Self::Orders { orders } => (orders, "order"),
            Self::Points { points } => (points, "point"),
            Self::Months { months } => (months, "month"),
        };
        write!(f, "{number} {unit}{}", if *number == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests;
