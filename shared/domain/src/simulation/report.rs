//! What the histories of all accounts came to. Accounts are added in any order, and reports of some of them put
//! together in any order: the same accounts come to the same report.

use super::checksum::Checksum;
use super::ranked::{Ranked, list_gains, list_losses, merge};
use super::{Compared, Figures, LeftOut, Outcome, Plan};
use crate::id::{AccountId, Segment, TierId};
use crate::money::{Minor, Overflow, Points};
use crate::program::PointValue;
use crate::time::Month;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most accounts that are listed as not reproduced.
const NAMED_MAX: usize = 20;

/// What a point costs under the version in force and under the draft; `None`: the program does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worth {
    /// Under the version in force at the end.
    pub in_force: Option<PointValue>,
    /// Under the draft.
    pub draft: Option<PointValue>,
}

/// What some accounts came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Side {
    /// Points and discounts.
    pub figures: Figures,
    /// Points held at the end, less points owed.
    pub outstanding: Points,
    /// Times a tier was raised.
    pub upgrades: u64,
    /// Times a review lowered one.
    pub downgrades: u64,
}

/// Some accounts together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// How many.
    pub accounts: u64,
    /// As it is stored.
    pub happened: Side,
    /// Replayed under the versions that were in force.
    pub in_force: Side,
    /// Replayed under the draft.
    pub draft: Side,
}

/// What the histories of all accounts came to.
///
/// It is stored without what a point costs: that is the program's to say ([`Report::resumed`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    #[serde(skip)]
    worth: Worth,
    checksum: Checksum,
    /// Orders that were placed.
    pub orders: u64,
    /// All accounts.
    pub total: Group,
    /// By the tier that the accounts end in under the versions that were in force.
    pub tiers: BTreeMap<Option<TierId>, Group>,
    /// By segment; an account of several counts in each, one of none under `None`.
    pub segments: BTreeMap<Option<Segment>, Group>,
    /// By month: under the versions that were in force, and under the draft.
    pub months: BTreeMap<Month, (Figures, Figures)>,
    /// Accounts by their tier under the versions that were in force and their tier under the draft.
    pub tier_moves: BTreeMap<(Option<TierId>, Option<TierId>), u64>,
    /// Accounts that gain most, the most first.
    pub gains: Vec<Ranked>,
    /// Accounts that lose most, the most first.
    pub losses: Vec<Ranked>,
    /// What the replay under the versions that were in force left out.
    pub left_out_in_force: LeftOut,
    /// What the replay under the draft left out.
    pub left_out_draft: LeftOut,
    /// Accounts that the replay under the versions that were in force does not bring to where they stand.
    pub not_reproduced: u64,
    /// Those of them with the smallest ids.
    pub not_reproduced_first: Vec<AccountId>,
}

impl Worth {
    /// What the two versions of a plan say.
    pub fn of(plan: &Plan<'_>) -> Self {
        let value = |schedule: &crate::schedule::Schedule| schedule.at(plan.as_of).program.metrics.point_value;
        Self { in_force: value(plan.in_force), draft: value(plan.draft) }
    }
}

/// What points and discounts cost: points that were issued and neither taken back nor ended, at what a point costs, and
/// what discounts took off. `None`: the program does not say what a point costs.
pub fn cost(figures: &Figures, worth: Option<PointValue>) -> Result<Option<Minor>, Overflow> {
    let Some(worth) = worth else { return Ok(None) };
    Ok(Some(worth.value_of(figures.points_kept()?)?.plus(figures.discount_value)?))
}

impl Side {
    fn of(outcome: &Outcome) -> Result<Self, Overflow> {
        let &Outcome { outstanding, upgrades, downgrades, .. } = outcome;
        Ok(Self { figures: outcome.total()?, outstanding, upgrades, downgrades })
    }

    fn plus(&self, other: &Self) -> Result<Self, Overflow> {
        Ok(Self {
            figures: self.figures.plus(&other.figures)?,
            outstanding: self.outstanding.plus(other.outstanding)?,
            upgrades: self.upgrades.checked_add(other.upgrades).ok_or(Overflow)?,
            downgrades: self.downgrades.checked_add(other.downgrades).ok_or(Overflow)?,
        })
    }
}

impl Group {
    fn of(compared: &Compared) -> Result<Self, Overflow> {
        Ok(Self {
            accounts: 1,
            happened: Side::of(&compared.happened)?,
            in_force: Side::of(&compared.in_force.outcome)?,
            draft: Side::of(&compared.draft.outcome)?,
        })
    }

    fn add(&mut self, other: &Self) -> Result<(), Overflow> {
        *self = Self {
            accounts: self.accounts.checked_add(other.accounts).ok_or(Overflow)?,
            happened: self.happened.plus(&other.happened)?,
            in_force: self.in_force.plus(&other.in_force)?,
            draft: self.draft.plus(&other.draft)?,
        };
        Ok(())
    }
}

impl Report {
    /// A report of no account yet.
    pub fn new(worth: Worth) -> Self {
        Self { worth, ..Self::default() }
    }

    /// A report that was stored, with what a point costs again.
    #[must_use]
    pub fn resumed(self, worth: Worth) -> Self {
        Self { worth, ..self }
    }

    /// What a point costs in it.
    pub fn worth(&self) -> Worth {
        self.worth
    }

    /// Adds an account.
    pub fn add(&mut self, compared: &Compared) -> Result<(), Overflow> {
        self.merge(&Self::of(compared, self.worth)?)
    }

    /// The report of one account.
    fn of(compared: &Compared, worth: Worth) -> Result<Self, Overflow> {
        let group = Group::of(compared)?;
        let (before, after) = (compared.in_force.outcome.tier.clone(), compared.draft.outcome.tier.clone());
        let segments = compared.segments.iter().cloned().map(Some);
        let none = compared.segments.is_empty().then_some(None);
        let mut months = BTreeMap::<Month, (Figures, Figures)>::new();
        for (month, figures) in &compared.in_force.outcome.months {
            months.entry(*month).or_default().0 = *figures;
        }
        for (month, figures) in &compared.draft.outcome.months {
            months.entry(*month).or_default().1 = *figures;
        }
        let (is_reproduced, ranked) = (compared.is_reproduced(), Ranked::of(compared, &group, worth)?);
        let listed = |is_listed: bool| is_listed.then(|| ranked.clone()).into_iter().collect();
        Ok(Self {
            worth,
            checksum: Checksum::of(&rendered(compared, &group)),
            orders: compared.orders,
            total: group,
            tiers: BTreeMap::from([(before.clone(), group)]),
            segments: segments.chain(none).map(|segment| (segment, group)).collect(),
            months,
            tier_moves: BTreeMap::from([((before, after), 1)]),
            gains: listed(ranked.gain() > 0),
            losses: listed(ranked.gain() < 0),
            left_out_in_force: compared.in_force.left_out,
            left_out_draft: compared.draft.left_out,
            not_reproduced: u64::from(!is_reproduced),
            not_reproduced_first: (!is_reproduced).then(|| compared.account_id.clone()).into_iter().collect(),
        })
    }

    /// Adds a report of other accounts, with the same worth of a point. After an error it is not to be used.
    pub fn merge(&mut self, other: &Self) -> Result<(), Overflow> {
        self.checksum = self.checksum.plus(other.checksum);
        self.orders = self.orders.checked_add(other.orders).ok_or(Overflow)?;
        self.total.add(&other.total)?;
        merge_groups(&mut self.tiers, &other.tiers)?;
        merge_groups(&mut self.segments, &other.segments)?;
        for (month, (before, after)) in &other.months {
            let sums = self.months.entry(*month).or_default();
            *sums = (sums.0.plus(before)?, sums.1.plus(after)?);
        }
        for (moved, accounts) in &other.tier_moves {
            let sum = self.tier_moves.entry(moved.clone()).or_default();
            *sum = sum.checked_add(*accounts).ok_or(Overflow)?;
        }
        list_gains(&mut self.gains, &other.gains);
        list_losses(&mut self.losses, &other.losses);
        self.left_out_in_force = self.left_out_in_force.plus(&other.left_out_in_force);
        self.left_out_draft = self.left_out_draft.plus(&other.left_out_draft);
        self.not_reproduced = self.not_reproduced.checked_add(other.not_reproduced).ok_or(Overflow)?;
        merge(&mut self.not_reproduced_first, &other.not_reproduced_first, NAMED_MAX, Ord::cmp);
        Ok(())
    }

    /// Over a line for each account, in hexadecimal: its id and, as it is stored, as it is replayed and under the
    /// draft, what its history came to. The SHA-256 of the lines are added up, so their sequence does not matter
    /// ([`Checksum`]).
    pub fn checksum(&self) -> String {
        self.checksum.to_string()
    }
}

fn merge_groups<K: Ord + Clone>(groups: &mut BTreeMap<K, Group>, other: &BTreeMap<K, Group>) -> Result<(), Overflow> {
    other.iter().try_for_each(|(key, group)| groups.entry(key.clone()).or_default().add(group))
}

/// `id;tier,outstanding,issued,reversed,expired,spent,unrecovered,discounts issued,used,value,raised,lowered;…;…`
fn rendered(compared: &Compared, group: &Group) -> String {
    let mut line = compared.account_id.to_string();
    for (outcome, side) in [
        (&compared.happened, &group.happened),
        (&compared.in_force.outcome, &group.in_force),
        (&compared.draft.outcome, &group.draft),
    ] {
        let Side { figures, outstanding, upgrades, downgrades } = side;
        let Figures { points_issued, points_reversed, points_expired, points_unrecovered, .. } = figures;
        let Figures { points_spent, discounts_issued, discounts_used, discount_value, .. } = figures;
        let tier = outcome.tier.as_ref().map_or("", TierId::as_str);
        line.push_str(&format!(
            ";{tier},{outstanding},{points_issued},{points_reversed},{points_expired},{points_spent},\
             {points_unrecovered},{discounts_issued},{discounts_used},{discount_value},{upgrades},{downgrades}"
        ));
    }
    line.push('\n');
    line
}
