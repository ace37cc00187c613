//! What a night comes to: the parts reduced to what is kept of it, in counts and parameters; percentages and money are
//! rendered when they are read ([`crate::report`]).

pub mod kept;
mod model;
mod opinions;
mod segmentation;
#[cfg(test)]
mod tests;

pub use model::{Beliefs, Expected, FittedSpend, Forecasts, Held, LIFETIME_MONTHS, Purchases, SpendModel};
pub use model::{YEAR_WEEKS, YEARLY_DISCOUNT};
pub use opinions::{FlawedAnswer, Opinions};
pub use segmentation::{Band, Scales, Segmented};

use crate::histogram::Overflow;
use crate::nps::Answers;
use crate::rollup::{By, Candidate, Cohorts, Figures, Flaw, Group, LISTED_MAX, Lists, Mover, Near, Night, Partial};
use crate::rollup::{Period, Ranking, Standing, Totals, alive_lost};
use domain::time::{Day, Instant};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What one group did in one period, beside what it did in the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodFigures {
    /// What it did.
    pub figures: Figures,
    /// Revenue of the period before, where that is kept: in minor units.
    pub previous_revenue: Option<i128>,
    /// Answers to surveys given in it.
    pub answers: Answers,
}

/// What the groups of one kind did in one period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodResult {
    /// The day whose night counted it.
    pub night: Day,
    /// Whether the period before is kept, so that it is known who stayed and who was lost.
    pub knows_previous: bool,
    /// Groups by name.
    pub groups: BTreeMap<String, PeriodFigures>,
}

impl PeriodResult {
    /// Whether nobody did anything in the period, or right before it.
    pub fn is_empty(&self) -> bool {
        let nothing = (Figures::default(), Answers::default());
        self.groups.values().all(|group| (group.figures, group.answers) == nothing)
    }

    /// Takes over what an earlier night still knew of the period before: by now its months are not kept any more.
    pub fn inherit(&mut self, before: &Self) {
        if self.knows_previous || !before.knows_previous {
            return;
        }
        self.knows_previous = true;
        for (name, group) in &mut self.groups {
            let Some(known) = before.groups.get(name) else { continue };
            group.figures.previous_customers = known.figures.previous_customers;
            group.figures.retained_customers = known.figures.retained_customers;
            group.previous_revenue = known.previous_revenue;
        }
    }
}

/// How the accounts of one group stand, and what is to be expected of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupStanding {
    /// How they stand.
    pub standing: Standing,
    /// What is to be expected of the customers, where there is a model.
    pub expected: Option<Expected>,
}

/// How the groups of one kind stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StandingResult {
    /// The day whose night counted it.
    pub night: Day,
    /// Groups by name.
    pub groups: BTreeMap<String, GroupStanding>,
}

/// An account that may be leaving, as it is published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AtRisk {
    /// Which account.
    pub account_id: String,
    /// The probability that it is alive, 0 to 1; nothing where no model tells.
    pub probability_alive: Option<f64>,
    /// By how much that fell in the last four weeks.
    pub fell_by: Option<f64>,
    /// Days since its last order.
    pub days_since: i32,
    /// Days that lay between its orders on average; 0 where it ordered once.
    pub gap_days: i32,
    /// Its revenue of the trailing twelve months, in minor units.
    pub revenue: i128,
    /// The part of it that the fall puts at stake; without a model all of it.
    pub at_stake: i128,
}

/// Accounts to look at, as they are published.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// Who may be leaving, the most at stake first.
    pub at_risk: Vec<AtRisk>,
    /// Whose revenue rose most.
    pub rising: Vec<Mover<Reverse<i128>>>,
    /// Whose revenue fell most.
    pub falling: Vec<Mover<i128>>,
    /// Nearest to the next tier.
    pub near_next_tier: Vec<Near>,
}

/// The books of the night.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Totals over all accounts.
    pub totals: Totals,
    /// Accounts that were decided after the night's end.
    pub decided_later: u64,
    /// How many accounts are not right.
    pub flawed: u64,
    /// The first of them.
    pub flaws: Vec<Flaw>,
}

/// What is kept of a night.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Its last instant.
    pub as_of: Instant,
    /// The version of the program in force then.
    pub program_version: u32,
    /// The books.
    pub books: Books,
    /// By period and kind of group.
    pub periods: Vec<(String, String, PeriodResult)>,
    /// By kind of group.
    pub standings: Vec<(String, StandingResult)>,
    /// Who stays.
    pub cohorts: Cohorts,
    /// What the models say, and how far they can be trusted.
    pub beliefs: Beliefs,
    /// Customers by how lately, how often and for how much they bought.
    pub segmented: Segmented,
    /// Accounts to look at.
    pub listed: Listed,
}

/// Reduces the merged parts of a night. The same parts and answers give the same results.
///
/// Fails with [`Overflow`] where a total fits no integer.
pub fn reduce(night: &Night, whole: Partial, opinions: &Opinions) -> Result<Results, Overflow> {
    let total = whole.groups.total()?;
    let forecasts = Forecasts::fit(&total.customers, &whole.evidence)?;
    let (mut periods, mut standings) = (Vec::new(), Vec::new());
    for (by_name, by) in By::ALL {
        let mut groups = whole.groups.by(by)?;
        // Answers count for the tier and the segments that were held then, though nobody may hold them now.
        for name in opinions.groups(by) {
            if !groups.iter().any(|(group, _)| group == name) {
                groups.push((name.to_owned(), Cow::Owned(Group::default())));
            }
        }
        for (place, period) in night.periods().enumerate() {
            let knows_previous = night.knows_previous(period);
            let previous = period.previous().filter(|_| knows_previous).map(|before| months(night, before));
            let figures = groups.iter().map(|(name, group)| {
                let at = |place: usize| group.figures.get(place).copied().unwrap_or_default();
                let answers = opinions.of(by, name, place);
                let revenues =
                    |places: &Vec<usize>| places.iter().map(|place| at(*place).revenue).fold(0, i128::saturating_add);
                let previous_revenue = previous.as_ref().map(revenues);
                (name.clone(), PeriodFigures { figures: at(place), previous_revenue, answers })
            });
            let groups = figures.collect();
            let result = PeriodResult { night: night.day(), knows_previous, groups };
            periods.push((period.to_string(), by_name.to_owned(), result));
        }
        let mut stand = BTreeMap::new();
        for (name, group) in &groups {
            let expected = forecasts.expected(&group.customers);
            stand.insert(name.clone(), GroupStanding { standing: group.standing.clone(), expected });
        }
        standings.push((by_name.to_owned(), StandingResult { night: night.day(), groups: stand }));
    }
    let flaws = whole.flaws.iter().cloned().collect();
    let totals = total.standing.totals;
    Ok(Results {
        as_of: night.as_of(),
        program_version: night.program_version(),
        books: Books { totals, decided_later: whole.decided_later, flawed: whole.flawed, flaws },
        periods,
        standings,
        cohorts: whole.cohorts,
        segmented: Segmented::of(&whole.evidence.recent),
        listed: listed(&whole.lists, &forecasts),
        beliefs: forecasts.beliefs,
    })
}

/// The places of a period's months. What is kept of a group has each month, but not each period before another.
fn months(night: &Night, period: Period) -> Vec<usize> {
    let is_inside = |month: Period| matches!(month, Period::Month(month) if period.months().is_some_and(|months| months.contains(&month)));
    night.periods().enumerate().filter(|(_, month)| is_inside(*month)).map(|(place, _)| place).collect()
}

fn listed(lists: &Lists, forecasts: &Forecasts) -> Listed {
    Listed {
        at_risk: at_risk(&lists.candidates, forecasts),
        rising: lists.rising.iter().cloned().collect(),
        falling: lists.falling.iter().cloned().collect(),
        near_next_tier: lists.near_next_tier.iter().cloned().collect(),
    }
}

/// How many of its usual gaps an account stays away before it is at risk where no model tells.
const GAPS_AWAY: i32 = 3;

fn away(candidate: &Candidate) -> bool {
    // Of one gap alone nobody knows whether it is a usual one.
    candidate.history.frequency() > 1
        && candidate.days_since.checked_div(candidate.gap_days).is_some_and(|gaps| gaps >= GAPS_AWAY)
}

/// Of the candidates those with the most at stake by the night's own model. Where there is none, or one by which nobody
/// leaves, those with the most revenue of who has stayed away for three of its usual gaps, and had two of them at least.
fn at_risk<const MAX: usize>(candidates: &Ranking<Candidate, MAX>, forecasts: &Forecasts) -> Vec<AtRisk> {
    let model = forecasts.leaving();
    let of = |candidate: &Candidate| {
        let fell_by = model.map(|model| alive_lost(model, candidate.history));
        let at_stake = match model {
            Some(model) => crate::rollup::at_stake(model, candidate.history, candidate.revenue),
            None if away(candidate) => candidate.revenue.max(0),
            None => 0,
        };
        AtRisk {
            account_id: candidate.account_id.clone(),
            probability_alive: model.map(|model| model.probability_alive(candidate.history)),
            fell_by,
            days_since: candidate.days_since,
            gap_days: candidate.gap_days,
            revenue: candidate.revenue,
            at_stake,
        }
    };
    let mut at_risk: Vec<_> = candidates.iter().map(of).filter(|account| account.at_stake > 0).collect();
    at_risk.sort_by(|one, other| (other.at_stake, &one.account_id).cmp(&(one.at_stake, &other.account_id)));
    at_risk.truncate(LISTED_MAX);
    at_risk
}
