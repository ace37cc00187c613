//! The metrics of a period by group, and the same as a table.

use super::period::Did;
use super::standing::{Changes, Stands};
use super::unknown::{self, Unknown};
use super::value::{Cell, Section, Worth};
use crate::histogram::Overflow;
use crate::night::{Beliefs, Books, PeriodResult, StandingResult};
use crate::rollup::{By, Period};
use domain::time::Day;
use serde::Serialize;
use std::collections::BTreeSet;

/// A value of a night, with the run of the night that it is of.
#[derive(Debug, Clone, Copy)]
pub struct Named<T> {
    /// Which night.
    pub night: Day,
    /// Which run of it.
    pub revision: u32,
    /// The value.
    pub value: T,
}

/// Which night something is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CountedBy {
    /// The day, `YYYY-MM-DD`.
    pub night: String,
    /// Which run of it.
    pub revision: u32,
}

impl<T> From<&Named<T>> for CountedBy {
    fn from(named: &Named<T>) -> Self {
        Self { night: named.night.to_string(), revision: named.revision }
    }
}

/// The night at whose end things stood so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StoodBy {
    /// Which.
    #[serde(flatten)]
    pub counted: CountedBy,
    /// Accounts that were decided after its end and before they were counted: they stand as they did when they were.
    pub accounts_decided_later: u64,
}

/// How things stood at the end of a period.
#[derive(Debug, Clone, Copy)]
pub struct Stood<'a> {
    /// By group.
    pub groups: Named<&'a StandingResult>,
    /// The books of that night.
    pub books: &'a Books,
    /// What its models say.
    pub beliefs: Option<&'a Beliefs>,
    /// The books of the last night before the period.
    pub before: Option<Named<&'a Books>>,
}

/// The metrics of one group.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupReport {
    /// Its name.
    pub group: String,
    /// What it did in the period; nothing where it was none when the period was counted.
    pub did: Option<Did>,
    /// How it stood at the period's end; nothing where it was none then.
    pub stands: Option<Stands>,
    /// What is not known of this group alone.
    pub unknown: Vec<Unknown>,
}

/// The metrics of a period, by groups of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MetricsReport {
    /// The period.
    pub period: String,
    /// What accounts are grouped by.
    pub by: &'static str,
    /// Its first day; nothing for the whole relationship.
    pub first_day: Option<String>,
    /// Its last day; nothing for the whole relationship.
    pub last_day: Option<String>,
    /// Whether the period had ended when it was counted. Growth, retention and churn of one that had not hold a part
    /// against a whole.
    pub complete: bool,
    /// The program's currency.
    pub currency: &'static str,
    /// The version of the program that values are by.
    pub program_version: u32,
    /// The night that counted what was done in the period.
    pub counted: CountedBy,
    /// The night at its end, or the newest of one that runs; nothing where there was none by then.
    pub stood: Option<StoodBy>,
    /// What changed; in total only.
    pub changes: Option<Changes>,
    /// What is not known of any group.
    pub unknown: Vec<Unknown>,
    /// By group.
    pub groups: Vec<GroupReport>,
}

impl MetricsReport {
    /// Renders the figures of a period. Fails with [`Overflow`] where a sum fits no integer, or no amount of money.
    pub fn of(
        (period, by): (Period, By),
        counted: &Named<PeriodResult>,
        stood: Option<Stood<'_>>,
        (worth, program_version): (&Worth, u32),
    ) -> Result<Self, Overflow> {
        let result = &counted.value;
        let standing = stood.map(|stood| stood.groups.value);
        let names = result.groups.keys().chain(standing.into_iter().flat_map(|standing| standing.groups.keys()));
        let names: BTreeSet<_> = names.collect();
        let changes = stood.filter(|_| by == By::Total).map(|stood| changes(period, &stood)).transpose()?.flatten();
        let knows = (result.knows_previous, changes.is_some());
        let unknown = unknown::of_all((period, by), knows, stood.as_ref(), worth);
        let group = |name: &String| {
            let did = result.groups.get(name);
            let stands = standing.and_then(|standing| standing.groups.get(name));
            let group = GroupReport {
                group: name.clone(),
                did: did.map(|did| Did::of(did, by, (period, result.knows_previous), worth)).transpose()?,
                stands: stands.map(|stands| Stands::of(stands, worth)).transpose()?,
                unknown: Vec::new(),
            };
            Ok(GroupReport { unknown: unknown::of_group(&group, stood.is_some(), &unknown), ..group })
        };
        let groups = names.into_iter().map(group).collect::<Result<_, Overflow>>()?;
        let last_day = period.last_day();
        Ok(Self {
            period: period.to_string(),
            by: by.name(),
            first_day: period.first_day().map(|day| day.to_string()),
            last_day: last_day.map(|day| day.to_string()),
            complete: last_day.is_some_and(|last| last <= counted.night),
            currency: worth.currency().code(),
            program_version,
            counted: counted.into(),
            stood: stood.map(|stood| StoodBy {
                counted: (&stood.groups).into(),
                accounts_decided_later: stood.books.decided_later,
            }),
            unknown,
            changes,
            groups,
        })
    }

    /// The one group of what is not grouped.
    pub fn total(&self) -> Option<&GroupReport> {
        self.groups.iter().find(|group| group.group == By::Total.name())
    }

    /// The same as a table: a header and one row per group. What a group has several of (points by the month they
    /// expire in), and why something is not known, is in the document only.
    pub fn table(&self) -> Vec<Vec<String>> {
        let whole = self.columns();
        let mut header: Vec<_> = whole.iter().map(|(name, _)| *name).collect();
        header.extend(["group"].into_iter().chain(GroupReport::names()).chain(Option::<Changes>::names()));
        let mut rows = vec![header.into_iter().map(str::to_owned).collect::<Vec<_>>()];
        for group in &self.groups {
            let mut row: Vec<_> = whole.iter().map(|(_, cell)| cell.clone()).collect();
            row.push(group.group.clone());
            row.extend(group.cells().into_iter().chain(self.changes.cells()));
            rows.push(row);
        }
        rows
    }

    /// What is the same for every group, by the names of the document: `counted_night` is `night` of `counted`.
    fn columns(&self) -> [(&'static str, String); 12] {
        let stood = self.stood.as_ref();
        [
            ("period", self.period.clone()),
            ("by", self.by.cell()),
            ("first_day", self.first_day.cell()),
            ("last_day", self.last_day.cell()),
            ("complete", self.complete.to_string()),
            ("currency", self.currency.cell()),
            ("program_version", self.program_version.to_string()),
            ("counted_night", self.counted.night.clone()),
            ("counted_revision", self.counted.revision.to_string()),
            ("stood_night", stood.map(|stood| stood.counted.night.clone()).cell()),
            ("stood_revision", stood.map(|stood| u64::from(stood.counted.revision)).cell()),
            ("stood_accounts_decided_later", stood.map(|stood| stood.accounts_decided_later).cell()),
        ]
    }
}

/// What changed; nothing where it is not known how things stood before.
fn changes(period: Period, stood: &Stood<'_>) -> Result<Option<Changes>, Overflow> {
    if stood.before.is_none() && period != Period::Lifetime {
        return Ok(None);
    }
    let Named { night, revision, .. } = stood.groups;
    Changes::between(stood.before, Named { night, revision, value: stood.books }).map(Some)
}

impl Section for GroupReport {
    fn names() -> Vec<&'static str> {
        [Did::names(), Stands::names()].concat()
    }

    fn cells(&self) -> Vec<String> {
        [self.did.cells(), self.stands.cells()].concat()
    }
}
