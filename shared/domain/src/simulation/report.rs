//! What the histories of all accounts came to, account by account in the sequence of their ids.

use super::{Compared, Figures, LeftOut, Outcome, Plan};
use crate::id::{AccountId, Segment, TierId};
use crate::money::{Minor, Overflow, Points};
use crate::program::PointValue;
use crate::time::Month;
use sha2::{Digest, Sha256};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Most accounts that are listed as gaining most, and as losing most.
pub const RANKED_MAX: usize = 20;

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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

/// One account among those that gain or lose most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// Which.
    pub account_id: AccountId,
    /// Points that it has more.
    pub points: Points,
    /// What discounts take off more.
    pub discount_value: Minor,
    /// Both in money, where both versions say what a point costs.
    pub value: Option<Minor>,
    /// Its tier under the versions that were in force.
    pub tier_in_force: Option<TierId>,
    /// Its tier under the draft.
    pub tier_draft: Option<TierId>,
}

/// What the histories of all accounts came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    worth: Worth,
    checksum: Sha256,
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
    /// The first of them.
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

    /// What a point costs in it.
    pub fn worth(&self) -> Worth {
        self.worth
    }

    /// Adds an account. Accounts come in the sequence of their ids: the checksum hangs on it.
    pub fn add(&mut self, compared: &Compared) -> Result<(), Overflow> {
        let group = Group::of(compared)?;
        self.checksum.update(rendered(compared, &group));
        self.orders = self.orders.checked_add(compared.orders).ok_or(Overflow)?;
        self.total.add(&group)?;
        let (before, after) = (compared.in_force.outcome.tier.clone(), compared.draft.outcome.tier.clone());
        self.tiers.entry(before.clone()).or_default().add(&group)?;
        let segments = compared.segments.iter().cloned().map(Some);
        let none = compared.segments.is_empty().then_some(None);
        for segment in segments.chain(none) {
            self.segments.entry(segment).or_default().add(&group)?;
        }
        for (month, figures) in &compared.in_force.outcome.months {
            let (sum, _) = self.months.entry(*month).or_default();
            *sum = sum.plus(figures)?;
        }
        for (month, figures) in &compared.draft.outcome.months {
            let (_, sum) = self.months.entry(*month).or_default();
            *sum = sum.plus(figures)?;
        }
        let moved = self.tier_moves.entry((before, after)).or_default();
        *moved = moved.checked_add(1).ok_or(Overflow)?;
        self.left_out_in_force = self.left_out_in_force.plus(&compared.in_force.left_out);
        self.left_out_draft = self.left_out_draft.plus(&compared.draft.left_out);
        if !compared.is_reproduced() {
            self.not_reproduced = self.not_reproduced.saturating_add(1);
            let room = self.not_reproduced_first.len() < NAMED_MAX;
            self.not_reproduced_first.extend(room.then(|| compared.account_id.clone()));
        }
        self.rank(compared, &group)
    }

    /// By money where both versions say what a point costs, by points otherwise; among equals by id.
    fn rank(&mut self, compared: &Compared, group: &Group) -> Result<(), Overflow> {
        let (before, after) = (&group.in_force, &group.draft);
        let costs = cost(&before.figures, self.worth.in_force)?.zip(cost(&after.figures, self.worth.draft)?);
        let ranked = Ranked {
            account_id: compared.account_id.clone(),
            points: after.outstanding.minus(before.outstanding)?,
            discount_value: after.figures.discount_value.minus(before.figures.discount_value)?,
            value: costs.map(|(before, after)| after.minus(before)).transpose()?,
            tier_in_force: compared.in_force.outcome.tier.clone(),
            tier_draft: compared.draft.outcome.tier.clone(),
        };
        match ranked.gain() {
            gain if gain > 0 => list(&mut self.gains, ranked, |listed| Reverse(listed.gain())),
            gain if gain < 0 => list(&mut self.losses, ranked, Ranked::gain),
            _ => {}
        }
        Ok(())
    }

    /// SHA-256 over a line for each account, in hexadecimal: its id and, as it is stored, as it is replayed and under
    /// the draft, what its history came to.
    pub fn checksum(&self) -> String {
        self.checksum.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Ranked {
    /// What it gains: money where that is known, points otherwise.
    fn gain(&self) -> i64 {
        self.value.map_or(self.points.0, |value| value.0)
    }
}

/// Lists an account after those that are not behind it.
fn list<K: Ord>(listed: &mut Vec<Ranked>, ranked: Ranked, key: impl Fn(&Ranked) -> K) {
    let place = listed.partition_point(|other| key(other) <= key(&ranked));
    listed.insert(place, ranked);
    listed.truncate(RANKED_MAX);
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
