//! Occasions: what accounts are given on a day, or for an order, that comes but once.
//!
//! Welcome and n-th order are given in the very commit that brings them about. Birthdays, anniversaries, dates and win-backs
//! are given when the account is walked, on their day or within [`GRACE_DAYS`] after it: they do not show before.
//!
//! Each is given once, whoever walks when: an account remembers the day through which its days were looked at
//! ([`Past::through`]), a contact the year of its latest birthday, and both are written with what is given. So what has
//! passed is over, given or not, whatever the program says later. A rule reaches nothing before the version of the program
//! that brings it: a day counts under the version in force at its beginning, at local midnight.

mod birthdays;
mod days;
mod give;
mod walk;

#[cfg(test)]
mod tests;

use crate::audience::Audience;
use crate::id::{ContactId, RuleId};
use crate::money::Points;
use crate::referral::rules::Gift;
use crate::time::{Day, DayOfYear, Instant};
use serde::{Deserialize, Serialize};
use std::fmt;

pub use birthdays::read_contacts;
pub(crate) use birthdays::{celebrated_after, forget_people, note_birthday, of_nobody};
pub(crate) use give::{Gifts, give_named, nth_order, welcome};
pub(crate) use walk::{foresee, next, pass};

/// Days after its own on which an occasion is still given, to an account that was not walked meanwhile.
pub const GRACE_DAYS: i32 = 30;

/// What the program gives on an occasion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OccasionRule {
    /// Its id, stable over versions.
    pub id: RuleId,
    /// Its name for customers.
    pub name: String,
    /// The occasion.
    pub on: On,
    /// Whom it is for, as they are when it is given.
    pub audience: Audience,
    /// What is given.
    pub gift: Gift,
}

/// On what something is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// The account enrols, by a `PUT` or by its first order.
    Welcome,
    /// A contact's birthday.
    Birthday {
        /// To how many of an account's people in a calendar year.
        contacts_per_year: u16,
    },
    /// The account has been a member for so many years.
    Anniversary {
        /// Which years, ascending; none: every one.
        years: Vec<u16>,
    },
    /// A date.
    Date(Vec<Date>),
    /// The account has placed so many orders.
    NthOrder(Orders),
    /// The account has placed no order for so many days.
    Inactivity {
        /// How many.
        days: u16,
    },
}

/// A date of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Date {
    /// One day.
    Once(Day),
    /// A day of every year.
    Yearly(DayOfYear),
}

impl Date {
    /// A date as `YYYY-MM-DD`, or `MM-DD` for every year; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        Day::parse(text).map(Self::Once).or_else(|| DayOfYear::parse(text).map(Self::Yearly))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once(day) => day.fmt(f),
            Self::Yearly(day) => day.fmt(f),
        }
    }
}

/// Which of an account's orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Orders {
    /// These, ascending, counted from 1.
    Listed(Vec<u32>),
    /// Every so many.
    Every(u32),
}

impl Orders {
    /// Whether an order is one of them, by its number.
    fn contain(&self, number: u64) -> bool {
        match self {
            Self::Listed(listed) => listed.iter().any(|listed| u64::from(*listed) == number),
            Self::Every(every) => number > 0 && number.checked_rem((*every).into()) == Some(0),
        }
    }
}

impl On {
    /// Its name in documents.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::Birthday { .. } => "birthday",
            Self::Anniversary { .. } => "anniversary",
            Self::Date(_) => "date",
            Self::NthOrder(_) => "nth_order",
            Self::Inactivity { .. } => "inactivity",
        }
    }

    fn is_birthday(&self) -> bool {
        matches!(self, Self::Birthday { .. })
    }
}

/// An occasion that came: by which rule, and what tells it from every other one of that rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Occasion {
    /// By which rule.
    #[serde(rename = "occasion")]
    pub rule: RuleId,
    /// Which of the occasions of that rule.
    #[serde(flatten)]
    pub which: Which,
}

/// Which of the occasions of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "on", rename_all = "snake_case")]
pub enum Which {
    /// An account enrols but once.
    Welcome,
    /// A birthday.
    Birthday {
        /// Whose.
        contact_id: ContactId,
        /// When it was.
        #[serde(with = "day")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        day: Day,
    },
    /// An anniversary of the membership.
    Anniversary {
        /// Which.
        years: u16,
        /// When it was.
        #[serde(with = "day")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        day: Day,
    },
    /// A date.
    Date {
        /// Which.
        #[serde(with = "day")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        day: Day,
    },
    /// An order.
    NthOrder {
        /// The how manieth.
        number: u64,
    },
    /// A silence.
    Inactivity {
        /// The day of the latest order before it.
        #[serde(with = "day")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        since: Day,
        /// When it had lasted for so long.
        #[serde(with = "day")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        day: Day,
    },
}

impl Which {
    /// The name of its kind.
    fn name(&self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::Birthday { .. } => "birthday",
            Self::Anniversary { .. } => "anniversary",
            Self::Date { .. } => "date",
            Self::NthOrder { .. } => "nth_order",
            Self::Inactivity { .. } => "inactivity",
        }
    }

    /// Its day; `None`: it comes with a command.
    fn day(&self) -> Option<Day> {
        match self {
            Self::Welcome | Self::NthOrder { .. } => None,
            Self::Birthday { day, .. }
            | Self::Anniversary { day, .. }
            | Self::Date { day }
            | Self::Inactivity { day, .. } => Some(*day),
        }
    }
}

/// What an occasion brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Given {
    /// Which occasion.
    #[serde(flatten)]
    pub occasion: Occasion,
    /// The name of its rule for customers, as it was then.
    pub name: String,
    /// How many points.
    pub points: Points,
    /// When they end, as things stand; nothing where they do not, or where there are none.
    #[serde(default = "Instant::never", skip_serializing_if = "Instant::is_never")]
    pub expires_at: Instant,
    /// Its discount was not given: the account had as many open as it can have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub discount_withheld: bool,
}

/// As codes are made from it and people read it: `xmas/date/2026-12-24`.
impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.rule, self.which.name())?;
        match &self.which {
            Which::Welcome => Ok(()),
            Which::Birthday { contact_id, day } => write!(f, "/{day}/{contact_id}"),
            Which::Anniversary { day, .. } | Which::Date { day } | Which::Inactivity { day, .. } => write!(f, "/{day}"),
            Which::NthOrder { number } => write!(f, "/{number}"),
        }
    }
}

/// A day as `YYYY-MM-DD`.
mod day {
    use crate::time::Day;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(day: &Day, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(day)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
        let text = String::deserialize(deserializer)?;
        Day::parse(&text).ok_or_else(|| de::Error::custom("must be a date such as 2026-12-24"))
    }
}

/// What an account remembers of its occasions. Nothing, where its program has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Past {
    /// Anniversaries, dates and win-backs up to this day are over.
    pub through: Option<Day>,
    /// When there is a birthday again.
    pub birthdays: Birthdays,
    /// Birthdays that brought something in the latest year in which any did.
    pub celebrated: Option<Celebrated>,
}

/// When an account's contacts are to be looked at for a birthday: so no order reads them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Birthdays {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// None of them has a birthday.
    Nobody,
    /// None of them has one before this day that is not over.
    From(Day),
}

/// Birthdays that brought something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Celebrated {
    /// In which calendar year.
    pub year: i32,
    /// Of how many people.
    pub contacts: u16,
}
