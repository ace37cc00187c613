//! What points pay of a cart.
//!
//! As many as are wished, within what the account has, what the program lets one order take, and what the goods come to.
//! Of points that are worth the same no more are taken than it needs: what is rounded away stays with the account.

use crate::id::TierId;
use crate::money::{Minor, Overflow, Points};
use crate::program::Exchange;

/// How many points the buyer wishes to spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointsWished {
    /// So many.
    Number(Points),
    /// As many as can be.
    Most,
}

/// What points pay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PointsPaid {
    /// How many.
    pub used: Points,
    /// What they are worth.
    pub value: Minor,
    /// Why these are not as many as were wished.
    pub limits: Vec<PointsLimit>,
}

/// Why fewer points can be spent than are wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PointsLimit {
    /// The program does not say what they are worth.
    NoExchange,
    /// The account has no more.
    Balance,
    /// One order takes no more.
    Maximum(Points),
    /// The goods come to no more.
    Goods,
    /// One order takes no fewer.
    Minimum(Points),
    /// They are worth less than the minor unit of the currency, or no more than fewer of them.
    Rounding,
}

/// What points are spent on.
pub(super) struct Purse<'a> {
    pub exchange: &'a Exchange,
    pub tier: &'a TierId,
    pub balance: Points,
}

impl Purse<'_> {
    /// What points pay where goods are left to pay.
    pub fn pay(&self, wished: PointsWished, left: Minor) -> Result<PointsPaid, Overflow> {
        let balance = self.balance.max(Points::ZERO);
        let (wished, mut limits) = match wished {
            PointsWished::Most => (balance, Vec::new()),
            PointsWished::Number(points) if points > balance => (balance, vec![PointsLimit::Balance]),
            PointsWished::Number(points) => (points, Vec::new()),
        };
        let most = self.exchange.maximum.filter(|maximum| *maximum < wished);
        if let Some(maximum) = most {
            limits = vec![PointsLimit::Maximum(maximum)];
        }
        let allowed = most.unwrap_or(wished);
        let covering = greatest(allowed, |points| self.worth(points).is_some_and(|worth| worth <= left));
        if covering < allowed {
            limits = vec![PointsLimit::Goods];
        }
        let value = self.worth(covering).ok_or(Overflow)?;
        if covering < self.exchange.minimum {
            if covering > Points::ZERO {
                limits.push(PointsLimit::Minimum(self.exchange.minimum));
            }
            return Ok(PointsPaid { limits, ..PointsPaid::default() });
        }
        // One more than the most that are worth less: the fewest that are worth as much.
        let fewest = match value {
            Minor::ZERO => Points::ZERO,
            _ => greatest(covering, |points| self.worth(points).is_some_and(|worth| worth < value)).plus(Points(1))?,
        };
        let used = if value == Minor::ZERO { Points::ZERO } else { fewest.max(self.exchange.minimum) };
        if used < covering {
            limits.push(PointsLimit::Rounding);
        }
        Ok(PointsPaid { used, value, limits })
    }

    /// What so many are worth; `None`: more than fits.
    fn worth(&self, points: Points) -> Option<Minor> {
        self.exchange.worth(points, self.tier).ok().map(|worth| worth.amount)
    }
}

/// The greatest number up to `most` that holds, where every smaller one than one that holds does, too, and zero does.
fn greatest(most: Points, holds: impl Fn(Points) -> bool) -> Points {
    let (mut low, mut high) = (0_i64, most.0.max(0));
    while low < high {
        // Rounded up, so that it is more than `low`.
        let half = high.saturating_sub(low).saturating_add(1).wrapping_shr(1);
        let middle = low.saturating_add(half.max(1)).min(high);
        match holds(Points(middle)) {
            true => low = middle,
            false => high = middle.saturating_sub(1),
        }
    }
    Points(low)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::money::{Currency, UnitPrice};
    use crate::program::PointValue;
    use proptest::prelude::*;

    fn exchange(millionths: i64, minimum: i64, maximum: Option<i64>) -> Exchange {
        let value = PointValue { price: UnitPrice(millionths), currency: Currency::GBP };
        let (minimum, maximum) = (Points(minimum), maximum.map(Points));
        Exchange { value, tiers: [].into(), minimum, maximum }
    }

    fn pay(exchange: &Exchange, balance: i64, wished: PointsWished, left: i64) -> PointsPaid {
        let tier = TierId::parse("member").unwrap();
        Purse { exchange, tier: &tier, balance: Points(balance) }.pay(wished, Minor(left)).unwrap()
    }

    #[test]
    fn points_pay_as_far_as_they_may_and_the_answer_says_what_holds_them_back() {
        use PointsLimit::{Balance, Goods, Maximum, Minimum, Rounding};
        use PointsWished::{Most, Number};
        let penny = |minimum, maximum| exchange(10_000, minimum, maximum);
        let pound = |minimum| exchange(1_000_000, minimum, None);
        let tenth = |minimum| exchange(1_000, minimum, None);
        for (exchange, balance, wished, left, used, value, limits) in [
            (penny(1, None), 500, Number(Points(300)), 1_000, 300, 300, vec![]),
            (penny(1, None), 500, Number(Points(0)), 1_000, 0, 0, vec![]),
            (penny(1, None), 500, Most, 1_000, 500, 500, vec![]),
            (penny(1, None), 500, Number(Points(501)), 1_000, 500, 500, vec![Balance]),
            (penny(1, None), 500, Number(Points(501)), 400, 400, 400, vec![Goods]),
            (penny(1, None), -5, Number(Points(1)), 400, 0, 0, vec![Balance]),
            (penny(1, Some(200)), 500, Most, 1_000, 200, 200, vec![Maximum(Points(200))]),
            (penny(100, None), 500, Number(Points(99)), 1_000, 0, 0, vec![Minimum(Points(100))]),
            (penny(100, None), 99, Most, 1_000, 0, 0, vec![Minimum(Points(100))]),
            (penny(100, None), 500, Most, 99, 0, 0, vec![Goods, Minimum(Points(100))]),
            (penny(100, None), 500, Most, 100, 100, 100, vec![Goods]),
            // What is left is less than a point is worth: it is paid in money.
            (pound(1), 10, Most, 250, 2, 200, vec![Goods]),
            (pound(1), 10, Most, 0, 0, 0, vec![Goods]),
            // Ten of them are a penny.
            (tenth(1), 109, Most, 1_000, 100, 10, vec![Rounding]),
            (tenth(105), 109, Most, 1_000, 105, 10, vec![Rounding]),
            (tenth(1), 9, Most, 1_000, 0, 0, vec![Rounding]),
        ] {
            let expected = PointsPaid { used: Points(used), value: Minor(value), limits };
            assert_eq!(pay(&exchange, balance, wished, left), expected, "{exchange:?} {balance} {wished:?} {left}");
        }
        let most = pay(&exchange(i64::MAX, 1, None), i64::MAX, Most, i64::MAX);
        assert!(most.used > Points::ZERO && most.value > Minor::ZERO, "{most:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn more_points_never_leave_more_to_pay(
            millionths in 1_i64..3_000_000, minimum in 1_i64..200, maximum in prop::option::of(200_i64..5_000),
            balance in 0_i64..6_000, wished in prop::array::uniform2(0_i64..7_000), left in 0_i64..20_000,
        ) {
            let exchange = exchange(millionths, minimum, maximum);
            let paid = |wished| pay(&exchange, balance, wished, left);
            let [fewer, more] = [wished[0].min(wished[1]), wished[0].max(wished[1])];
            let (fewer, more) = (paid(PointsWished::Number(Points(fewer))), paid(PointsWished::Number(Points(more))));
            let most = paid(PointsWished::Most);
            prop_assert!(fewer.value <= more.value && more.value <= most.value);
            for paid in [fewer, more, most] {
                prop_assert!(paid.value <= Minor(left) && paid.used <= Points(balance));
                prop_assert!(paid.used == Points::ZERO || paid.used >= exchange.minimum);
                let tier = TierId::parse("member").unwrap();
                prop_assert_eq!(exchange.worth(paid.used, &tier).unwrap().amount, paid.value);
            }
        }
    }
}
