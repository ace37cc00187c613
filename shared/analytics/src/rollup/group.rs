//! Groups that figures are given by.

use super::customers::Customers;
use super::figures::Figures;
use super::standing::{Standing, Totals};
use crate::histogram::Overflow;
use crate::history::History;
use domain::account::Account;
use domain::time::{Calendar, Month};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What accounts are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum By {
    /// Not at all.
    Total,
    /// The tier they hold.
    Tier,
    /// A segment; an account may be in several, or none.
    Segment,
    /// The month in which they became members.
    Joined,
    /// Whether they came by a referral.
    Referral,
}

impl By {
    /// All of them by their names.
    pub const ALL: [(&'static str, Self); 5] = [
        ("total", Self::Total),
        ("tier", Self::Tier),
        ("segment", Self::Segment),
        ("joined", Self::Joined),
        ("referral", Self::Referral),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, by)| *by == self).map_or("", |(name, _)| name)
    }

    /// The one of a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, by)| *by)
    }
}

/// What is counted of the accounts of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What they did, by the place of the period among those of the night; those after the last are nothing.
    pub figures: Vec<Figures>,
    /// How they stand.
    pub standing: Standing,
    /// The customers among them.
    pub customers: Customers,
}

/// What is counted of one account.
pub(super) struct Facts<'a> {
    pub account: &'a Account,
    pub totals: &'a Totals,
    pub calendar: &'a Calendar,
    pub history: Option<History>,
    pub figures: Vec<(usize, Figures)>,
}

impl Group {
    fn record(&mut self, facts: &Facts<'_>) -> Result<(), Overflow> {
        facts.figures.iter().try_for_each(|(place, figures)| self.add(*place, figures))?;
        self.standing.record(facts.account, facts.totals, facts.calendar)?;
        match facts.history {
            Some(history) => self.customers.record(history, facts.account.lifetime.revenue.0),
            None => Ok(()),
        }
    }

    fn add(&mut self, place: usize, figures: &Figures) -> Result<(), Overflow> {
        if self.figures.len() <= place {
            self.figures.resize(place.saturating_add(1), Figures::default());
        }
        self.figures.get_mut(place).map_or(Ok(()), |sum| sum.add(figures))
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        other.figures.iter().enumerate().try_for_each(|(place, figures)| self.add(place, figures))?;
        self.standing.merge(&other.standing)?;
        self.customers.merge(&other.customers)
    }
}

/// All groups. Every account holds one tier, joined in one month and came by a referral or not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    tiers: BTreeMap<String, Group>,
    segments: BTreeMap<String, Group>,
    joined: BTreeMap<Month, Group>,
    referral: BTreeMap<bool, Group>,
}

impl Groups {
    pub(super) fn record(&mut self, facts: &Facts<'_>) -> Result<(), Overflow> {
        let account = facts.account;
        named(&mut self.tiers, account.tier.as_str()).record(facts)?;
        for segment in &account.segments {
            named(&mut self.segments, segment.as_str()).record(facts)?;
        }
        self.joined.entry(facts.calendar.month(account.joined_at)).or_default().record(facts)?;
        self.referral.entry(account.referral.is_some()).or_default().record(facts)
    }

    /// Adds what others counted.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        other.tiers.iter().try_for_each(|(name, group)| named(&mut self.tiers, name).merge(group))?;
        other.segments.iter().try_for_each(|(name, group)| named(&mut self.segments, name).merge(group))?;
        other.joined.iter().try_for_each(|(month, group)| self.joined.entry(*month).or_default().merge(group))?;
        other.referral.iter().try_for_each(|(is, group)| self.referral.entry(*is).or_default().merge(group))
    }

    /// All accounts together.
    pub fn total(&self) -> Result<Group, Overflow> {
        let mut total = Group::default();
        self.tiers.values().try_for_each(|group| total.merge(group))?;
        Ok(total)
    }

    /// The groups of one kind by their names; those of accounts that came by a referral are `referred` and `others`.
    pub fn by(&self, by: By) -> Result<Vec<(String, std::borrow::Cow<'_, Group>)>, Overflow> {
        use std::borrow::Cow::{Borrowed, Owned};
        let text = |groups: &'_ BTreeMap<String, Group>| groups.keys().cloned().collect::<Vec<_>>();
        Ok(match by {
            By::Total => vec![("total".to_owned(), Owned(self.total()?))],
            By::Tier => text(&self.tiers).into_iter().zip(self.tiers.values().map(Borrowed)).collect(),
            By::Segment => text(&self.segments).into_iter().zip(self.segments.values().map(Borrowed)).collect(),
            By::Joined => self.joined.iter().map(|(month, group)| (month.to_string(), Borrowed(group))).collect(),
            By::Referral => {
                let name = |is: &bool| if *is { "referred" } else { "others" }.to_owned();
                self.referral.iter().map(|(is, group)| (name(is), Borrowed(group))).collect()
            }
        })
    }
}

/// The group of a name, made where there is none yet.
fn named<'a>(groups: &'a mut BTreeMap<String, Group>, name: &str) -> &'a mut Group {
    groups.entry(name.to_owned()).or_default()
}
