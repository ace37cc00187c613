//! What a discount takes off a cart, and which discounts go together.
//!
//! Percentages are of what those before them left, amounts come after all percentages: what is taken off is the same in
//! whatever order codes are named. Of a group at most one discount is applied, the standing discount of the tier among
//! them.

use crate::code::Code;
use crate::discount::TakesOff;
use crate::id::RuleId;
use crate::money::{Minor, Overflow, Percent};
use crate::order::DISCOUNT_CODES_MAX;
use crate::time::Instant;

/// Most discounts among which the best set is looked for: those that end first. An account that orders were changed for
/// may have a few open beyond [`crate::discount::OPEN_DISCOUNTS_MAX`].
const COMBINED_MAX: usize = 12;

/// A discount that the cart may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub code: Code,
    pub takes_off: TakesOff,
    pub group: Option<RuleId>,
    pub expires_at: Instant,
}

/// The standing discount of the tier held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TierOffer {
    pub percent: Percent,
    pub group: Option<RuleId>,
}

/// What discounts are applied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    /// What the goods come to that can be discounted.
    pub amount: Minor,
    /// The standing discount of the buyer's tier.
    pub tier: Option<TierOffer>,
}

impl Offer {
    /// Where it stands among those that are applied: percentages first, of these the one that ends first.
    pub fn order(&self) -> impl Ord + use<'_> {
        (matches!(self.takes_off, TakesOff::Amount(_)), self.expires_at, &self.code)
    }
}

impl Base {
    /// The standing discount of the tier, unless one of these is of its group.
    pub fn tier_beside(&self, set: &[&Offer]) -> Option<&TierOffer> {
        let beaten = |tier: &TierOffer| tier.group.is_some() && set.iter().any(|offer| offer.group == tier.group);
        self.tier.as_ref().filter(|tier| !beaten(tier))
    }

    /// What is left to pay when these are applied, which stand in their order.
    pub fn left(&self, set: &[&Offer]) -> Result<Minor, Overflow> {
        let tier = self.tier_beside(set).map(|tier| TakesOff::Percent(tier.percent));
        let steps = tier.into_iter().chain(set.iter().map(|offer| offer.takes_off));
        steps.into_iter().try_fold(self.amount, |left, step| left.minus(step.of(left)?))
    }

    /// How much less there is to pay with a discount than without any that has to be named.
    pub fn worth_alone(&self, offer: &Offer) -> Result<Minor, Overflow> {
        let without = self.left(&[])?;
        Ok(without.minus(self.left(&[offer])?)?.max(Minor::ZERO))
    }

    /// Of these, the set that leaves the least to pay, no larger than an order can name; of several, the one of the fewest codes, then of those that end
    /// first, then by code.
    pub fn best<'a>(&self, offers: &[&'a Offer]) -> Result<Vec<&'a Offer>, Overflow> {
        let mut first: Vec<_> = offers.to_vec();
        first.sort_by_key(|offer| (offer.expires_at, &offer.code));
        first.truncate(COMBINED_MAX);
        self.choose(&first, |_| true)
    }

    /// All of these but those that their group excludes: of each group one, so that the least is left to pay, by the same
    /// rule. A code of the tier's group is left out where the tier takes off as much.
    pub fn all<'a>(&self, named: &[&'a Offer]) -> Result<Vec<&'a Offer>, Overflow> {
        let of_tier = self.tier.as_ref().and_then(|tier| tier.group.as_ref());
        self.choose(named, |set| {
            let is_taken = |group: &RuleId| {
                Some(group) == of_tier || set.iter().any(|chosen| chosen.group.as_ref() == Some(group))
            };
            named.iter().all(|offer| is_in(offer, set) || offer.group.as_ref().is_some_and(is_taken))
        })
    }

    fn choose<'a>(
        &self,
        offers: &[&'a Offer],
        admits: impl Fn(&[&'a Offer]) -> bool,
    ) -> Result<Vec<&'a Offer>, Overflow> {
        let mut ordered = offers.to_vec();
        ordered.sort_by_key(|offer| offer.order());
        let mut chosen = None;
        let is_set = |set: &Vec<&Offer>| set.len() <= DISCOUNT_CODES_MAX && is_exclusive(set);
        for set in subsets(&ordered).filter(|set| is_set(set) && admits(set)) {
            let mut ends: Vec<_> = set.iter().map(|offer| (offer.expires_at, &offer.code)).collect();
            ends.sort_unstable();
            let rank = (self.left(&set)?, set.len(), ends);
            if chosen.as_ref().is_none_or(|(best, _)| rank < *best) {
                chosen = Some((rank, set));
            }
        }
        Ok(chosen.map(|(_, set)| set).unwrap_or_default())
    }
}

/// Whether an offer is one of these.
pub(super) fn is_in(offer: &Offer, set: &[&Offer]) -> bool {
    set.iter().any(|chosen| chosen.code == offer.code)
}

/// Whether no two are of one group.
fn is_exclusive(set: &[&Offer]) -> bool {
    let mut groups: Vec<_> = set.iter().filter_map(|offer| offer.group.as_ref()).collect();
    groups.sort_unstable();
    groups.iter().zip(groups.iter().skip(1)).all(|(one, next)| one != next)
}

/// Every set of these, each in their order. There are few of them.
fn subsets<'a>(offers: &[&'a Offer]) -> impl Iterator<Item = Vec<&'a Offer>> {
    let end = u32::try_from(offers.len()).map_or(0, |count| 1_u32.checked_shl(count).unwrap_or(0));
    (0..end).map(move |mask| {
        let places = offers.iter().zip(0_u32..);
        places.filter(|(_, place)| mask.wrapping_shr(*place) & 1 == 1).map(|(offer, _)| *offer).collect()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;

    const GROUPS: [Option<&str>; 4] = [None, None, Some("a"), Some("b")];

    fn group(name: Option<&str>) -> Option<RuleId> {
        name.map(|name| RuleId::parse(name).unwrap())
    }

    fn offer(number: u64, takes_off: TakesOff, of: Option<&str>, days: i64) -> Offer {
        let expires_at = Instant::MIN.plus_ms(days * Instant::DAY_MS);
        Offer { code: Code::of_bits(number), takes_off, group: group(of), expires_at }
    }

    fn percent(hundredths: i64) -> TakesOff {
        TakesOff::Percent(Percent(hundredths))
    }

    fn amount(minor: i64) -> TakesOff {
        TakesOff::Amount(Minor(minor))
    }

    fn numbers(set: &[&Offer]) -> Vec<u64> {
        set.iter().map(|offer| offer.code.bits()).collect()
    }

    fn base(amount: i64, tier: Option<(i64, Option<&str>)>) -> Base {
        let tier = tier.map(|(percent, of)| TierOffer { percent: Percent(percent), group: group(of) });
        Base { amount: Minor(amount), tier }
    }

    #[test]
    fn percentages_go_before_amounts_and_each_is_of_what_is_left() {
        let offers =
            [offer(1, amount(1_000), None, 1), offer(2, percent(1_000), None, 2), offer(3, percent(500), None, 1)];
        let all: Vec<_> = offers.iter().collect();
        let base = base(20_000, Some((500, None)));
        let chosen = base.all(&all).unwrap();
        assert_eq!(numbers(&chosen), [3, 2, 1]);
        // 200.00 − 5 % = 190.00, − 5 % = 180.50, − 10 % = 162.45, − 10.00
        assert_eq!(base.left(&chosen), Ok(Minor(15_245)));
        assert_eq!(base.worth_alone(&offers[1]), Ok(Minor(1_900)));
        let small = Base { amount: Minor(900), ..base };
        assert_eq!(small.left(&chosen), Ok(Minor(0)));
    }

    #[test]
    fn each_is_rounded_half_up_once() {
        for (left, percent, off) in [(50, 100, 1), (49, 100, 0), (150, 100, 2), (1, 5_000, 1), (333, 10_000, 333)] {
            assert_eq!(TakesOff::Percent(Percent(percent)).of(Minor(left)), Ok(Minor(off)), "{percent} of {left}");
        }
    }

    #[test]
    fn of_a_group_the_best_is_applied_and_on_a_tie_the_one_that_ends_first() {
        let of = |amount: i64, tier, offers: &[Offer]| {
            let base = base(amount, tier);
            let chosen = base.all(&offers.iter().collect::<Vec<_>>()).unwrap();
            (numbers(&chosen), base.tier_beside(&chosen).is_some())
        };
        let ten = offer(1, percent(1_000), Some("a"), 9);
        let fifteen = offer(2, amount(1_500), Some("a"), 9);
        let plain = offer(3, percent(100), None, 9);
        let sooner = offer(4, percent(1_000), Some("a"), 8);
        assert_eq!(of(10_000, None, &[ten.clone(), fifteen.clone(), plain.clone()]), (vec![3, 2], false));
        assert_eq!(of(20_000, None, &[ten.clone(), fifteen.clone(), plain.clone()]), (vec![1, 3], false));
        assert_eq!(of(20_000, None, &[ten.clone(), sooner.clone()]), (vec![4], false));
        // The tier's own discount is in the group: a code that takes off no more than that is kept.
        assert_eq!(of(20_000, Some((1_000, Some("a"))), &[ten.clone(), plain.clone()]), (vec![3], true));
        assert_eq!(of(20_000, Some((999, Some("a"))), &[ten.clone(), plain.clone()]), (vec![1, 3], false));
        assert_eq!(of(20_000, Some((999, None)), &[ten, sooner, plain]), (vec![4, 3], true));
    }

    #[test]
    fn the_best_set_spares_codes_that_take_off_nothing_more() {
        let offers =
            [offer(1, percent(500), None, 1), offer(2, amount(2_000), None, 5), offer(3, amount(2_000), None, 4)];
        let best = |amount| numbers(&base(amount, None).best(&offers.iter().collect::<Vec<_>>()).unwrap());
        assert_eq!(best(2_000), [3], "the one that ends first is enough");
        assert_eq!(best(4_000), [3, 2]);
        assert_eq!(best(4_001), [1, 3, 2]);
        assert_eq!(best(0), Vec::<u64>::new());
    }

    fn any_offers() -> impl Strategy<Value = Vec<Offer>> {
        let one = (any::<bool>(), 1_i64..=10_000, 0_usize..4, 0_i64..4);
        prop::collection::vec(one, 0..=7).prop_map(|drawn| {
            let offer = |(number, (is_percent, value, of, days)): (usize, (bool, i64, usize, i64))| {
                let takes_off = if is_percent { percent(value) } else { amount(value) };
                offer(u64::try_from(number).unwrap(), takes_off, GROUPS[of], days)
            };
            drawn.into_iter().enumerate().map(offer).collect()
        })
    }

    /// What is left after a set, reckoned apart: `None` where two are of a group.
    fn plainly(total: i64, tier: Option<(i64, Option<&str>)>, set: &[&Offer]) -> Option<i64> {
        let mut groups: Vec<_> = set.iter().filter_map(|offer| offer.group.clone()).collect();
        let count = groups.len();
        groups.sort();
        groups.dedup();
        if groups.len() < count {
            return None;
        }
        let half_up = |left: i64, percent: i64| (left * percent * 2 + 10_000).div_euclid(20_000);
        let mut left = total;
        if let Some((percent, of)) = tier.filter(|(_, of)| group(*of).is_none_or(|of| !groups.contains(&of))) {
            let _ = of;
            left -= half_up(left, percent);
        }
        let mut set = set.to_vec();
        set.sort_by_key(|offer| (offer.expires_at, offer.code.clone()));
        for offer in &set {
            if let TakesOff::Percent(Percent(percent)) = offer.takes_off {
                left -= half_up(left, percent);
            }
        }
        for offer in &set {
            if let TakesOff::Amount(Minor(amount)) = offer.takes_off {
                left -= amount.min(left);
            }
        }
        Some(left)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_other_set_leaves_less_to_pay(
            total in 0_i64..100_000, offers in any_offers(), tier in prop::option::of((1_i64..3_000, 1_usize..4)),
        ) {
            let tier = tier.map(|(percent, of)| (percent, GROUPS[of]));
            let base = base(total, tier);
            let all: Vec<_> = offers.iter().collect();
            let least = (0..1_usize << offers.len())
                .filter_map(|mask| {
                    let set: Vec<_> = (0..offers.len()).filter(|place| mask >> place & 1 == 1).map(|place| &offers[place]).collect();
                    plainly(total, tier, &set)
                })
                .min()
                .unwrap();
            let best = base.best(&all).unwrap();
            prop_assert_eq!(base.left(&best), Ok(Minor(least)));
            prop_assert_eq!(plainly(total, tier, &best), Some(least));
            // All of them are as good, since none is left out but for its group.
            let named = base.all(&all).unwrap();
            prop_assert_eq!(base.left(&named), Ok(Minor(least)));
            for code in &offers {
                let is_excluded = code.group.is_some();
                prop_assert!(is_in(code, &named) || is_excluded);
            }
        }

        #[test]
        fn the_order_of_codes_makes_no_difference(
            total in 0_i64..100_000, offers in any_offers(), turn in 0_usize..7,
        ) {
            let base = base(total, Some((250, Some("a"))));
            let all: Vec<_> = offers.iter().collect();
            let mut turned = all.clone();
            turned.rotate_left(turn.min(all.len()));
            turned.reverse();
            prop_assert_eq!(numbers(&base.all(&all).unwrap()), numbers(&base.all(&turned).unwrap()));
            prop_assert_eq!(numbers(&base.best(&all).unwrap()), numbers(&base.best(&turned).unwrap()));
        }
    }
}
