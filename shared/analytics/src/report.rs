//! What was kept of nights, rendered: documents for the API, rows of a table, each figure defined in one place.
//!
//! Counts stay numbers; money, rates and what models say are decimal strings, rounded once, when they are rendered.
//! What is not known is nothing, never 0, and a document says why.

mod document;
mod insight;
mod lists;
mod night;
mod period;
mod retention;
mod standing;
#[cfg(test)]
mod tests;
mod unknown;
mod value;

pub use document::{CountedBy, GroupReport, MetricsReport, Named, Stood, StoodBy};
pub use insight::{Insight, Known, Rfm};
pub use lists::{AccountsReport, AtRiskAccount, MovedAccount, NearAccount, RfmSegment};
pub use night::{Assumption, CalibrationReport, ModelsReport, NightReport, TrialBalance};
pub use period::{Customers, Did, Economics, Participation, Sales, Score, Survey};
pub use retention::{Cohort, CohortMonth, RetentionReport};
pub use standing::Stands;
pub use standing::{Ageing, Changes, CustomerValue, Discounts, Expiring, Liability, Membership, PointsHeld, Referrals};
pub use unknown::Unknown;
pub use value::{Cell, Decimal, Percent, RATE_DECIMALS, Ratio, Section, Worth};
