//! A simulation as a document: `guilder simulate --json`, and what a simulation that is done is shown as.

use crate::whole::Simulated;
use domain::id::{AccountId, Segment, TierId};
use domain::money::{Currency, Minor, Money, Overflow, Points};
use domain::program::PointValue;
use domain::simulation::{Figures, Group, LeftOut, Ranked, Side, cost};
use domain::time::Instant;
use serde::Serialize;

/// What a simulation came to.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Document {
    /// The program's name.
    pub program: String,
    /// When both are looked at.
    pub as_of: Instant,
    /// Accounts that were replayed.
    pub accounts: u64,
    /// Orders that were placed.
    pub orders: u64,
    /// SHA-256 over what every account came to.
    pub checksum: String,
    /// All accounts.
    pub total: Compared,
    /// By the tier that accounts end in under the versions that were in force.
    pub tiers: Vec<Tier>,
    /// By segment; an account of several counts in each.
    pub segments: Vec<OfSegment>,
    /// By month.
    pub months: Vec<OfMonth>,
    /// The draft's tiers, the lowest first.
    #[serde(skip)]
    pub ladder: Vec<TierId>,
    /// Accounts by their tier under the versions that were in force and under the draft.
    pub tier_moves: Vec<TierMove>,
    /// Accounts that gain most.
    pub gains: Vec<Account>,
    /// Accounts that lose most.
    pub losses: Vec<Account>,
    /// What was left out of either replay, or taken otherwise than it happened.
    pub left_out: BothLeftOut,
    /// Accounts that the replay under the versions that were in force does not bring to where they stand.
    pub not_reproduced: NotReproduced,
    /// Accounts that went on after the simulation had begun.
    pub moved_on: u64,
}

/// Some accounts: as stored, under the versions that were in force, under the draft, and by how much that differs.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Compared {
    /// How many accounts.
    pub accounts: u64,
    /// As stored.
    pub happened: Sums,
    /// Replayed under the versions that were in force.
    pub in_force: Sums,
    /// Replayed under the draft.
    pub draft: Sums,
    /// The draft less the versions that were in force.
    pub difference: Sums,
}

/// Points, discounts and what they cost.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sums {
    /// Points.
    #[serde(flatten)]
    pub points: PointSums,
    /// Points held at the end, less points owed.
    pub points_outstanding: Points,
    /// What points cost that were neither taken back nor ended.
    pub points_cost: Option<Money>,
    /// Discounts.
    #[serde(flatten)]
    pub discounts: DiscountSums,
    /// What points and discounts cost.
    pub cost: Option<Money>,
    /// Times a tier was raised.
    pub tiers_raised: i64,
    /// Times a review lowered one.
    pub tiers_lowered: i64,
}

/// Points.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PointSums {
    /// Earned, given by hand or for a referral, or taken over.
    pub points_issued: Points,
    /// Taken back or taken by hand, owed ones included.
    pub points_reversed: Points,
    /// Ended.
    pub points_expired: Points,
    /// Spent on rewards, less those given back.
    pub points_spent: Points,
    /// Not to be taken back any more, and written off.
    pub points_unrecovered: Points,
}

/// Discounts.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiscountSums {
    /// Issued, less those withdrawn.
    pub discounts_issued: i64,
    /// Used, less those given back.
    pub discounts_used: i64,
    /// What they took off.
    pub discount_value: Money,
}

/// The accounts of a tier.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tier {
    /// Which; none: never enrolled.
    pub tier: Option<TierId>,
    /// What they came to.
    #[serde(flatten)]
    pub compared: Compared,
}

/// The accounts of a segment.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OfSegment {
    /// Which; none: of no segment.
    pub segment: Option<Segment>,
    /// What they came to.
    #[serde(flatten)]
    pub compared: Compared,
}

/// What came of a month.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OfMonth {
    /// Which.
    pub month: String,
    /// Replayed under the versions that were in force.
    pub in_force: MonthSums,
    /// Replayed under the draft.
    pub draft: MonthSums,
    /// The draft less the versions that were in force.
    pub difference: MonthSums,
}

/// Points and discounts of a month.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MonthSums {
    /// Points.
    #[serde(flatten)]
    pub points: PointSums,
    /// Discounts.
    #[serde(flatten)]
    pub discounts: DiscountSums,
    /// What points and discounts of the month cost, less what was taken back or ended in it.
    pub cost: Option<Money>,
}

/// Accounts that end in one tier under the versions that were in force, and in one under the draft.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TierMove {
    /// Under the versions that were in force.
    pub from: Option<TierId>,
    /// Under the draft.
    pub to: Option<TierId>,
    /// How many.
    pub accounts: u64,
}

/// An account that gains or loses.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Account {
    /// Which.
    pub account_id: AccountId,
    /// Points that it has more.
    pub points: Points,
    /// What discounts take off more.
    pub discount_value: Money,
    /// Both in money.
    pub value: Option<Money>,
    /// Its tier under the versions that were in force.
    pub tier_in_force: Option<TierId>,
    /// Its tier under the draft.
    pub tier_draft: Option<TierId>,
}

/// What was left out of either replay.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BothLeftOut {
    /// Under the versions that were in force.
    pub in_force: LeftOut,
    /// Under the draft.
    pub draft: LeftOut,
}

/// Accounts that are not where they stand after a replay.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotReproduced {
    /// How many.
    pub accounts: u64,
    /// The first of them.
    pub first: Vec<AccountId>,
}

/// The document of a simulation.
pub fn document(simulated: &Simulated) -> Result<Document, Overflow> {
    let report = &simulated.report;
    let worth = report.worth();
    let values = Values { currency: simulated.in_force.currency, in_force: worth.in_force, draft: worth.draft };
    let tier =
        |(tier, group): (&Option<TierId>, &Group)| Ok(Tier { tier: tier.clone(), compared: values.compared(group)? });
    let segment = |(segment, group): (&Option<Segment>, &Group)| {
        Ok(OfSegment { segment: segment.clone(), compared: values.compared(group)? })
    };
    let months = report.months.iter().map(|(month, both)| values.month(month.to_string(), both));
    let moves = report.tier_moves.iter().map(|((from, to), accounts)| TierMove {
        from: from.clone(),
        to: to.clone(),
        accounts: *accounts,
    });
    let account = |ranked: &Ranked| Account {
        account_id: ranked.account_id.clone(),
        points: ranked.points,
        discount_value: values.money(ranked.discount_value),
        value: ranked.value.map(|value| values.money(value)),
        tier_in_force: ranked.tier_in_force.clone(),
        tier_draft: ranked.tier_draft.clone(),
    };
    Ok(Document {
        program: simulated.in_force.name.to_string(),
        as_of: simulated.as_of,
        accounts: report.total.accounts,
        orders: report.orders,
        checksum: report.checksum(),
        total: values.compared(&report.total)?,
        tiers: report.tiers.iter().map(tier).collect::<Result<_, Overflow>>()?,
        segments: report.segments.iter().map(segment).collect::<Result<_, Overflow>>()?,
        months: months.collect::<Result<_, _>>()?,
        ladder: simulated.draft.tiers.levels.iter().map(|level| level.id.clone()).collect(),
        tier_moves: moves.collect(),
        gains: report.gains.iter().map(account).collect(),
        losses: report.losses.iter().map(account).collect(),
        left_out: BothLeftOut { in_force: report.left_out_in_force, draft: report.left_out_draft },
        not_reproduced: NotReproduced { accounts: report.not_reproduced, first: report.not_reproduced_first.clone() },
        moved_on: simulated.moved_on,
    })
}

/// What things are worth, and in which currency.
struct Values {
    currency: Currency,
    in_force: Option<PointValue>,
    draft: Option<PointValue>,
}

/// What points cost by themselves, and with discounts.
#[derive(Clone, Copy)]
struct Costs {
    points: Minor,
    all: Minor,
}

impl Costs {
    fn of(figures: &Figures, value: Option<PointValue>) -> Result<Option<Self>, Overflow> {
        let Some(all) = cost(figures, value)? else { return Ok(None) };
        Ok(Some(Self { points: all.minus(figures.discount_value)?, all }))
    }

    fn minus(both: Option<(Self, Self)>) -> Result<Option<Self>, Overflow> {
        let Some((one, other)) = both else { return Ok(None) };
        Ok(Some(Self { points: one.points.minus(other.points)?, all: one.all.minus(other.all)? }))
    }
}

impl Values {
    fn money(&self, amount: Minor) -> Money {
        Money { amount, currency: self.currency }
    }

    fn compared(&self, group: &Group) -> Result<Compared, Overflow> {
        let of = |side: &Side, value| -> Result<(Option<Costs>, Sums), Overflow> {
            let costs = Costs::of(&side.figures, value)?;
            let moves = (signed(side.upgrades)?, signed(side.downgrades)?);
            Ok((costs, self.sums(&side.figures, side.outstanding, costs, moves)))
        };
        let (_, happened) = of(&group.happened, self.in_force)?;
        let (before, in_force) = of(&group.in_force, self.in_force)?;
        let (after, draft) = of(&group.draft, self.draft)?;
        let moves = (
            draft.tiers_raised.saturating_sub(in_force.tiers_raised),
            draft.tiers_lowered.saturating_sub(in_force.tiers_lowered),
        );
        let figures = group.draft.figures.minus(&group.in_force.figures)?;
        let outstanding = group.draft.outstanding.minus(group.in_force.outstanding)?;
        let difference = self.sums(&figures, outstanding, Costs::minus(after.zip(before))?, moves);
        Ok(Compared { accounts: group.accounts, happened, in_force, draft, difference })
    }

    fn sums(
        &self,
        figures: &Figures,
        points_outstanding: Points,
        costs: Option<Costs>,
        (tiers_raised, tiers_lowered): (i64, i64),
    ) -> Sums {
        Sums {
            points: PointSums::of(figures),
            points_outstanding,
            points_cost: costs.map(|costs| self.money(costs.points)),
            discounts: self.discounts(figures),
            cost: costs.map(|costs| self.money(costs.all)),
            tiers_raised,
            tiers_lowered,
        }
    }

    fn discounts(&self, figures: &Figures) -> DiscountSums {
        let &Figures { discounts_issued, discounts_used, discount_value, .. } = figures;
        DiscountSums { discounts_issued, discounts_used, discount_value: self.money(discount_value) }
    }

    fn month(&self, month: String, (before, after): &(Figures, Figures)) -> Result<OfMonth, Overflow> {
        let sums = |figures: &Figures, costs: Option<Costs>| MonthSums {
            points: PointSums::of(figures),
            discounts: self.discounts(figures),
            cost: costs.map(|costs| self.money(costs.all)),
        };
        let costs = (Costs::of(before, self.in_force)?, Costs::of(after, self.draft)?);
        Ok(OfMonth {
            month,
            in_force: sums(before, costs.0),
            draft: sums(after, costs.1),
            difference: sums(&after.minus(before)?, Costs::minus(costs.1.zip(costs.0))?),
        })
    }
}

impl PointSums {
    fn of(figures: &Figures) -> Self {
        let &Figures { points_issued, points_reversed, points_expired, points_spent, points_unrecovered, .. } = figures;
        Self { points_issued, points_reversed, points_expired, points_spent, points_unrecovered }
    }
}

fn signed(count: u64) -> Result<i64, Overflow> {
    i64::try_from(count).map_err(|_| Overflow)
}
