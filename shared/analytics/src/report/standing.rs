//! How a group stands at the end of a night: each figure's definition, in one place. `docs/metrics.md` has an example
//! of each.

use super::document::Named;
use super::value::{Decimal, Percent, Section, Worth, section};
use crate::distribution::Distribution;
use crate::histogram::Overflow;
use crate::night::{Books, Expected, GroupStanding};
use crate::rollup::{Standing, Totals};
use domain::money::{Minor, Money, Points};
use domain::time::Month;
use serde::Serialize;

section! {
    /// The accounts, and how they move between tiers.
    pub struct Membership {
        /// Accounts.
        pub accounts: u64,
        /// Those that take part.
        pub accounts_active: u64,
        /// Those that are suspended.
        pub accounts_suspended: u64,
        /// Those that have left.
        pub accounts_closed: u64,
        /// Those that wait to be let in.
        pub accounts_pending: u64,
        /// Those that ever ordered.
        pub accounts_with_orders: u64,
        /// Times a tier was raised, ever.
        pub total_tier_upgrades: u64,
        /// Times a review lowered a tier, ever.
        pub total_tier_downgrades: u64,
    }
}

impl Membership {
    fn of(totals: &Totals) -> Self {
        Self {
            accounts: totals.accounts,
            accounts_active: totals.active,
            accounts_suspended: totals.suspended,
            accounts_closed: totals.closed,
            accounts_pending: totals.pending,
            accounts_with_orders: totals.customers,
            total_tier_upgrades: totals.tier_upgrades,
            total_tier_downgrades: totals.tier_downgrades,
        }
    }
}

section! {
    /// Points, and what became of all that ever were.
    pub struct PointsHeld {
        /// `points_available + points_waiting − points_owed`.
        pub points_outstanding: Points,
        /// Points that can be spent.
        pub points_available: Points,
        /// Points that wait.
        pub points_waiting: Points,
        /// Points owed.
        pub points_owed: Points,
        /// `total_points_earned + total_points_credited`.
        pub total_points_issued: Points,
        /// Points that orders earned.
        pub total_points_earned: Points,
        /// Points given by hand or for referrals.
        pub total_points_credited: Points,
        /// Points expired.
        pub total_points_expired: Points,
        /// Points reversed: taken back, or owed.
        pub total_points_reversed: Points,
        /// Points taken by hand or for referrals.
        pub total_points_deducted: Points,
        /// Points spent on rewards.
        pub total_points_spent: Points,
        /// Points of these that were given back.
        pub total_points_restored: Points,
        /// Points that were gone before the accounts were opened here.
        pub total_points_gone_before: Points,
        /// Points that a reversal could not take back and the program wrote off.
        pub total_points_unrecovered: Points,
        /// `total_points_expired ÷ (total_points_expired + total_points_spent − total_points_restored +
        /// total_points_deducted)`.
        pub breakage_rate: Option<Percent>,
    }
}

impl PointsHeld {
    fn of(totals: &Totals) -> Result<Self, Overflow> {
        let points = |wide: i128| Points::narrow(wide).map_err(Overflow::from);
        Ok(Self {
            points_outstanding: points(totals.points_outstanding())?,
            points_available: points(totals.points_available)?,
            points_waiting: points(totals.points_waiting)?,
            points_owed: points(totals.points_owed)?,
            total_points_issued: points(totals.points_issued())?,
            total_points_earned: points(totals.points_earned)?,
            total_points_credited: points(totals.points_credited)?,
            total_points_expired: points(totals.points_expired)?,
            total_points_reversed: points(totals.points_reversed)?,
            total_points_deducted: points(totals.points_deducted)?,
            total_points_spent: points(totals.points_spent)?,
            total_points_restored: points(totals.points_restored)?,
            total_points_gone_before: points(totals.points_gone_before)?,
            total_points_unrecovered: points(totals.points_unrecovered)?,
            breakage_rate: Percent::of_sum(totals.points_expired, ended(totals)),
        })
    }
}

/// Points that ended one way or the other.
fn ended(totals: &Totals) -> i128 {
    totals.points_expired.saturating_add(totals.points_redeemed())
}

section! {
    /// What the points outstanding come to.
    pub struct Liability {
        /// `points_outstanding × point value`.
        pub liability: Option<Money>,
        /// `liability × (1 − breakage_rate)`; all of it where nothing has ended yet.
        pub liability_expected: Option<Money>,
    }
}

impl Liability {
    fn of(totals: &Totals, worth: &Worth) -> Result<Self, Overflow> {
        let liability = worth.of_points(totals.points_outstanding())?;
        let parts = u64::try_from(totals.points_redeemed()).ok().zip(u64::try_from(ended(totals)).ok());
        let expected = |face: Money| match parts {
            Some((redeemed, ended)) if ended > 0 => {
                Ok(Money { amount: face.amount.share(redeemed, ended)?, currency: face.currency })
            }
            _ => Ok::<_, Overflow>(face),
        };
        Ok(Self { liability, liability_expected: liability.map(expected).transpose()? })
    }
}

/// Points that expire in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Expiring {
    /// Points of lots, available or waiting; what is owed, or never ends, is in none.
    pub points: Points,
    /// `points × point value`.
    pub value: Option<Money>,
}

/// Points by the month at whose end, or in which, they expire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ageing {
    /// Which month, `YYYY-MM`.
    pub month: String,
    /// How many expire, and what they come to.
    #[serde(flatten)]
    pub expiring: Expiring,
}

impl Ageing {
    fn of((month, points): (&Month, &i128), worth: &Worth) -> Result<Self, Overflow> {
        let expiring = Expiring { points: Points::narrow(*points)?, value: worth.of_points(*points)? };
        Ok(Self { month: month.to_string(), expiring })
    }
}

section! {
    /// Discounts.
    pub struct Discounts {
        /// Discounts that can be used.
        pub discounts_open: u64,
        /// Discounts issued, ever.
        pub total_discounts_issued: u64,
        /// Discounts used, ever.
        pub total_discounts_used: u64,
        /// What used discounts took off, ever.
        pub total_discount_cost: Money,
        /// `total_discounts_used ÷ total_discounts_issued`.
        pub discount_redemption_rate: Option<Percent>,
    }
}

impl Discounts {
    fn of(totals: &Totals, worth: &Worth) -> Result<Self, Overflow> {
        Ok(Self {
            discounts_open: totals.discounts_open,
            total_discounts_issued: totals.discounts_issued,
            total_discounts_used: totals.discounts_used,
            total_discount_cost: worth.money(totals.discount_value)?,
            discount_redemption_rate: Percent::of(totals.discounts_used, totals.discounts_issued),
        })
    }
}

section! {
    /// Referrals, by how far they have come.
    pub struct Referrals {
        /// Accounts that were issued a referral code.
        pub referrers: u64,
        /// Accounts that came by one.
        pub referred: u64,
        /// Of these, those that somebody has to look at.
        pub referred_under_review: u64,
        /// Of these, those without a qualifying order as yet.
        pub referred_open: u64,
        /// Of these, those whose order is within its return window.
        pub referred_qualified: u64,
        /// Of these, those for whom the referrer was rewarded.
        pub referred_rewarded: u64,
        /// Of these, those of whom nothing comes any more.
        pub referred_over: u64,
        /// `referred_rewarded ÷ referred`.
        pub referral_conversion_rate: Option<Percent>,
    }
}

impl Referrals {
    fn of(totals: &Totals) -> Self {
        Self {
            referrers: totals.referrers,
            referred: totals.referred,
            referred_under_review: totals.referred_under_review,
            referred_open: totals.referred_open,
            referred_qualified: totals.referred_qualified,
            referred_rewarded: totals.referred_rewarded,
            referred_over: totals.referred_over,
            referral_conversion_rate: Percent::of(totals.referred_rewarded, totals.referred),
        }
    }
}

section! {
    /// What customers brought so far, and what is to be expected of them.
    pub struct CustomerValue {
        /// Revenue over the whole relationship, of all customers.
        pub historic_value: Money,
        /// `historic_value ÷ accounts_with_orders`.
        pub historic_value_average: Option<Money>,
        /// The least.
        pub historic_value_least: Option<Money>,
        /// What a tenth of the customers do not exceed.
        pub historic_value_p10: Option<Money>,
        /// What a quarter of the customers do not exceed.
        pub historic_value_p25: Option<Money>,
        /// What half of the customers do not exceed.
        pub historic_value_median: Option<Money>,
        /// What three quarters of the customers do not exceed.
        pub historic_value_p75: Option<Money>,
        /// What nine tenths of the customers do not exceed.
        pub historic_value_p90: Option<Money>,
        /// The greatest.
        pub historic_value_greatest: Option<Money>,
        /// `historic_value × margin rate`.
        pub historic_margin: Option<Money>,
        /// `historic_value_average × margin rate`.
        pub historic_margin_average: Option<Money>,
        /// Customers that are to be expected to be alive.
        pub customers_alive: Option<Decimal<1>>,
        /// `customers_alive ÷ customers`, 0 to 1.
        pub probability_alive: Option<Decimal<4>>,
        /// Orders of the next 12 months: days with an order, to be exact.
        pub expected_orders: Option<Decimal<2>>,
        /// Revenue of the next 12 months.
        pub predicted_value_12_months: Option<Money>,
        /// The same per customer.
        pub predicted_value_12_months_average: Option<Money>,
        /// `predicted_value_12_months × margin rate`.
        pub predicted_margin_12_months: Option<Money>,
        /// Revenue of the lifetime, discounted.
        pub predicted_lifetime_value: Option<Money>,
        /// The same per customer.
        pub predicted_lifetime_value_average: Option<Money>,
        /// `predicted_lifetime_value × margin rate`.
        pub predicted_lifetime_margin: Option<Money>,
        /// The average by the model where there is one, the historic average elsewhere.
        pub customer_lifetime_value: Option<Money>,
        /// Which: `predicted` or `historic`.
        pub customer_lifetime_value_basis: &'static str,
    }
}

impl CustomerValue {
    fn of(standing: &Standing, expected: Option<&Expected>, worth: &Worth) -> Result<Self, Overflow> {
        let spread = &standing.lifetime_revenue;
        let historic_value = worth.money(spread.sum())?;
        let historic_value_average = worth.mean(spread.sum(), spread.total())?;
        let quantile = |part, whole| quantile(spread, part, whole, worth);
        let margin = |revenue: Option<Money>| match revenue {
            Some(revenue) => worth.margin(revenue),
            None => Ok(None),
        };
        let modelled = |amount: Option<f64>| amount.map(|amount| worth.modelled(amount)).transpose();
        let per_customer = |amount: Option<f64>| {
            let customers = expected.map(|expected| expected.customers as f64).filter(|customers| *customers > 0.0);
            modelled(amount.zip(customers).map(|(amount, customers)| amount / customers))
        };
        let (year, lifetime) =
            (expected.and_then(|expected| expected.year), expected.and_then(|expected| expected.lifetime));
        let predicted_value_12_months = modelled(year)?;
        let predicted_lifetime_value = modelled(lifetime)?;
        let predicted_lifetime_value_average = per_customer(lifetime)?;
        let someone = expected.filter(|expected| expected.customers > 0);
        let basis = if predicted_lifetime_value_average.is_some() { "predicted" } else { "historic" };
        Ok(Self {
            historic_value,
            historic_value_average,
            historic_value_least: quantile(0, 1)?,
            historic_value_p10: quantile(1, 10)?,
            historic_value_p25: quantile(1, 4)?,
            historic_value_median: quantile(1, 2)?,
            historic_value_p75: quantile(3, 4)?,
            historic_value_p90: quantile(9, 10)?,
            historic_value_greatest: quantile(1, 1)?,
            historic_margin: margin(Some(historic_value))?,
            historic_margin_average: margin(historic_value_average)?,
            customers_alive: expected.map(|expected| Decimal(expected.alive)),
            probability_alive: someone.map(|expected| Decimal(expected.alive / expected.customers as f64)),
            expected_orders: expected.map(|expected| Decimal(expected.orders)),
            predicted_value_12_months,
            predicted_value_12_months_average: per_customer(year)?,
            predicted_margin_12_months: margin(predicted_value_12_months)?,
            predicted_lifetime_value,
            predicted_lifetime_value_average,
            predicted_lifetime_margin: margin(predicted_lifetime_value)?,
            customer_lifetime_value: predicted_lifetime_value_average.or(historic_value_average),
            customer_lifetime_value_basis: basis,
        })
    }
}

fn quantile(spread: &Distribution, part: u32, whole: u32, worth: &Worth) -> Result<Option<Money>, Overflow> {
    let (least, amount) = (spread.bounds().map(|(least, _)| least), spread.quantile(part, whole));
    let amount = if part == 0 { least } else { amount };
    Ok(amount.map(|amount| Money { amount: Minor(amount), currency: worth.currency() }))
}

/// How a group stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stands {
    /// The accounts.
    pub membership: Membership,
    /// Points.
    pub points: PointsHeld,
    /// What the points outstanding come to.
    pub liability: Liability,
    /// Points by the month they expire in.
    pub ageing: Vec<Ageing>,
    /// Discounts.
    pub discounts: Discounts,
    /// Referrals.
    pub referrals: Referrals,
    /// What customers brought so far, and what is to be expected of them.
    pub value: CustomerValue,
}

impl Stands {
    /// Renders how a group stands. Fails with [`Overflow`] where a sum fits no integer, or no amount of money.
    pub fn of(group: &GroupStanding, worth: &Worth) -> Result<Self, Overflow> {
        let (standing, totals) = (&group.standing, &group.standing.totals);
        Ok(Self {
            membership: Membership::of(totals),
            points: PointsHeld::of(totals)?,
            liability: Liability::of(totals, worth)?,
            ageing: standing.expiring.iter().map(|month| Ageing::of(month, worth)).collect::<Result<_, _>>()?,
            discounts: Discounts::of(totals, worth)?,
            referrals: Referrals::of(totals),
            value: CustomerValue::of(standing, group.expected.as_ref(), worth)?,
        })
    }
}

impl Section for Stands {
    fn names() -> Vec<&'static str> {
        [
            Membership::names(),
            PointsHeld::names(),
            Liability::names(),
            Discounts::names(),
            Referrals::names(),
            CustomerValue::names(),
        ]
        .concat()
    }

    /// Without `ageing`, which a row of a table has no place for.
    fn cells(&self) -> Vec<String> {
        let Self { membership, points, liability, ageing: _, discounts, referrals, value } = self;
        [membership.cells(), points.cells(), liability.cells(), discounts.cells(), referrals.cells(), value.cells()]
            .concat()
    }
}

section! {
    /// What changed in a period: what ever happened up to the last night of it, less what had by the last night before.
    pub struct Changes {
        /// The last night before the period; nothing for the whole relationship.
        pub changes_after_night: Option<String>,
        /// Accounts that were decided after that night's end and counted as they stood then: what they did in the
        /// meantime is missing here.
        pub changes_after_decided_later: Option<u64>,
        /// The last night of it.
        pub changes_until_night: String,
        /// The same of that night: what they did in the meantime is in here already.
        pub changes_until_decided_later: u64,
        /// Points earned and given.
        pub points_issued: Points,
        /// Points given by hand or for referrals.
        pub points_credited: Points,
        /// Points expired.
        pub points_expired: Points,
        /// Points reversed.
        pub points_reversed: Points,
        /// Points taken by hand or for referrals.
        pub points_deducted: Points,
        /// Points spent on rewards.
        pub points_spent: Points,
        /// Points that had been spent and were given back.
        pub points_restored: Points,
        /// Times a tier was raised, less raises that were undone.
        pub tier_upgrades: i64,
        /// Times a review lowered a tier.
        pub tier_downgrades: i64,
        /// Discounts issued, less those withdrawn.
        pub discounts_issued: i64,
    }
}

impl Changes {
    /// From the books of one night to those of another; from nothing where there is none before.
    pub fn between(before: Option<Named<&Books>>, after: Named<&Books>) -> Result<Self, Overflow> {
        let from = before.map(|before| before.value.totals).unwrap_or_default();
        let until = after.value.totals;
        let points = |of: fn(&Totals) -> i128| Points::narrow(of(&until).saturating_sub(of(&from)));
        let count = |of: fn(&Totals) -> u64| {
            let change = i128::from(of(&until)).saturating_sub(of(&from).into());
            i64::try_from(change).map_err(|_| Overflow)
        };
        Ok(Self {
            points_issued: points(Totals::points_issued)?,
            points_credited: points(|totals| totals.points_credited)?,
            points_expired: points(|totals| totals.points_expired)?,
            points_reversed: points(|totals| totals.points_reversed)?,
            points_deducted: points(|totals| totals.points_deducted)?,
            points_spent: points(|totals| totals.points_spent)?,
            points_restored: points(|totals| totals.points_restored)?,
            tier_upgrades: count(|totals| totals.tier_upgrades)?,
            tier_downgrades: count(|totals| totals.tier_downgrades)?,
            discounts_issued: count(|totals| totals.discounts_issued)?,
            changes_after_night: before.map(|before| before.night.to_string()),
            changes_after_decided_later: before.map(|before| before.value.decided_later),
            changes_until_night: after.night.to_string(),
            changes_until_decided_later: after.value.decided_later,
        })
    }
}
