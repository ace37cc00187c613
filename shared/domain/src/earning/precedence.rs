//! What rules of a program leave each other, as far as their documents tell: whether one of them always fires where another
//! would, or always gives more.

use super::condition::OrderTest;
use super::effect::Sum;
use super::{EarningRule, Effect, RoundedPer, Rounding, When};
use crate::money::{Factor, Minor, Points};

impl EarningRule {
    /// Whether it fires wherever another rule of the same program would, in a tier of that multiplier or a higher one.
    pub(crate) fn fires_where(&self, other: &Self, lowest: Factor) -> bool {
        let multiplier = if self.tier_multiplier { lowest } else { Factor::ONE };
        let points = self.effect.exact(&self.least_where(other), multiplier, 1);
        let points = points.and_then(|exact| exact.rounded(self.rounding));
        self.asks_no_more_than(other) && !self.is_limited() && points.is_ok_and(|points| points > Points::ZERO)
    }

    /// The least that it is reckoned of wherever another rule fires.
    fn least_where(&self, other: &Self) -> Sum {
        // Conditions ask for what all eligible lines come to: of some of them, or of each by itself, they say nothing.
        let counts_all = self.lines.is_all() && self.rounded_per == RoundedPer::Order;
        let (amount, units) = if counts_all { other.when.least() } else { (Minor(1), 1) };
        Sum { amount, units: units.max(other.lines.minimum_quantity), base: 0 }
    }

    /// Whether it gives as much as another rule wherever that gives anything.
    pub(crate) fn outdoes(&self, other: &Self) -> bool {
        let cap = |rule: &Self| rule.maximum_points.unwrap_or(Points(i64::MAX));
        let is_as_much = self.effect.is_as_much_as(other.effect) && cap(self) >= cap(other);
        self.asks_no_more_than(other) && !self.is_limited() && self.rounds_like(other) && is_as_much
    }

    /// Whether it gives a point more than another rule wherever that gives anything, in tiers of these multipliers.
    pub(crate) fn outdoes_clearly(&self, other: &Self, tiers: &[Factor]) -> bool {
        let has_room = match (self.maximum_points, other.maximum_points) {
            (Some(own), Some(others)) => own > others,
            (own, _) => own.is_none(),
        };
        let multipliers = if self.tier_multiplier { tiers } else { &[Factor::ONE] };
        let is_more = self.effect.is_a_point_more_than(other.effect, self.rounding, multipliers);
        self.asks_no_more_than(other) && !self.is_limited() && self.rounds_like(other) && has_room && is_more
    }

    fn rounds_like(&self, other: &Self) -> bool {
        let how = |rule: &Self| (rule.tier_multiplier, rule.rounding, rule.rounded_per);
        how(self) == how(other)
    }

    /// Whether it applies wherever another does: it asks for nothing, for the same, or for less.
    fn asks_no_more_than(&self, other: &Self) -> bool {
        (self.lines.is_all() || self.lines == other.lines) && self.when.holds_where(&other.when)
    }
}

impl When {
    /// Whether it holds wherever another does: each of its conditions is one of the other's, or asks for less than one.
    fn holds_where(&self, other: &Self) -> bool {
        let is_met = |test: &OrderTest| other.order.iter().any(|others| test == others || test.asks_less_than(others));
        self.account.iter().all(|test| other.account.contains(test)) && self.order.iter().all(is_met)
    }

    /// The least that the eligible lines of an order that it holds for come to, and the fewest units of them.
    fn least(&self) -> (Minor, u64) {
        let (mut amount, mut units) = (Minor(1), 1);
        for test in &self.order {
            match test {
                OrderTest::MinimumTotal(least) => amount = amount.max(least.0),
                OrderTest::MinimumUnits(least) => units = units.max(least.0),
                _ => {}
            }
        }
        (amount, units)
    }
}

impl OrderTest {
    fn asks_less_than(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::MinimumTotal(own), Self::MinimumTotal(other)) => own.0 < other.0,
            (Self::MinimumUnits(own), Self::MinimumUnits(other)) => own.0 < other.0,
            (Self::From(own), Self::From(other)) => own.0 < other.0,
            (Self::Until(own), Self::Until(other)) => own.0 > other.0,
            _ => false,
        }
    }
}

impl Effect {
    /// Whether it gives a point more than another of its kind wherever that gives any, rounded so, times each of these
    /// multipliers. Where points have fractions, that is certain of what is so many times as much.
    fn is_a_point_more_than(self, other: Self, rounding: Rounding, multipliers: &[Factor]) -> bool {
        let times = match rounding {
            // From one point on, twice as much is one more; from half a point on, three times as much.
            Rounding::Floor => 2,
            Rounding::HalfUp => 3,
        };
        let product = |one: i64, two: i64, times: i64| {
            i128::from(one).checked_mul(two.into()).and_then(|product| product.checked_mul(times.into()))
        };
        let is_multiple = |own: Option<i128>, others: Option<i128>| own.is_some() && others.is_some() && own >= others;
        match (self, other) {
            (Self::PerAmount { points, per }, Self::PerAmount { points: others, per: others_per }) => {
                is_multiple(product(points.0, others_per.0, 1), product(others.0, per.0, times))
            }
            (Self::Multiplier(own), Self::Multiplier(other)) => {
                let beyond = |factor: Factor, times: i64| product(factor.0.saturating_sub(Factor::ONE.0), times, 1);
                is_multiple(beyond(own, 1), beyond(other, times))
            }
            (Self::PerUnits { points, units }, Self::PerUnits { points: others, units: others_units }) => {
                units == others_units && is_more_each(points, others, multipliers)
            }
            (Self::Fixed { points }, Self::Fixed { points: others }) => is_more_each(points, others, multipliers),
            _ => false,
        }
    }
}

/// Whether what whole points are more comes to one at least, times each of these multipliers that gives anything.
fn is_more_each(points: Points, others: Points, multipliers: &[Factor]) -> bool {
    let more = points.0.saturating_sub(others.0);
    multipliers.iter().all(|factor| factor.0 == 0 || more.saturating_mul(factor.0) >= Factor::ONE.0)
}
