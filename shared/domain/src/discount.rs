//! Rights to a price reduction.

mod terms;

use crate::code::Code;
use crate::decision::Context;
use crate::id::{AccountId, OrderKey, RuleId, TierId};
use crate::money::{self, Minor, Overflow, Percent};
use crate::occasions::Occasion;
use crate::program::Program;
use crate::referral::RedemptionKey;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::fmt;

pub use terms::{TakesOff, Terms};

/// Most discounts an account can have open: it bounds the hot item.
pub const OPEN_DISCOUNTS_MAX: usize = 10;

/// All of a price, in the unit that [`value`] counts in what is left of it.
const LEFT_ONE: i64 = 1_000_000_000_000_000_000;

/// Of a discount whose end nobody was told, nor with how many days it was issued: the first release noted neither.
pub const UNTOLD_DAYS: u16 = u16::MAX;

fn untold_days() -> u16 {
    UNTOLD_DAYS
}

/// An open discount as the account's hot item knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDiscount {
    /// The rule that issued it.
    pub rule: RuleId,
    /// Its code.
    pub code: Code,
    /// The first instant at which it is void.
    pub expires_at: Instant,
    /// The fewest days ahead at which that was told; at first, those that it was issued with.
    pub told_days: u16,
    /// What it takes off; `None`: it was noted when that was not, and its record tells.
    pub terms: Option<Terms>,
}

/// A discount as it was issued, and its use. Whether it has expired is a matter of the clock, so it is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    /// Whose it is.
    pub account_id: AccountId,
    /// Its code.
    pub code: Code,
    /// The number of the secret its code was made with.
    pub secret: u16,
    /// The rule that issued it.
    pub rule: RuleId,
    /// What it takes off.
    pub percent: Percent,
    /// What brought it about.
    pub issued_by: Issuer,
    /// When it was issued.
    pub issued_at: Instant,
    /// The first instant at which it is void.
    pub expires_at: Instant,
    /// The fewest days ahead at which its end was told, as of when it was issued or was open last.
    #[serde(default = "untold_days")]
    pub told_days: u16,
    /// The order that used it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<OrderKey>,
    /// It was withdrawn: what had brought it about was changed or undone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub void: bool,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// What brings a discount about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Issuer {
    /// An order.
    Order(OrderKey),
    /// A referral: the redemption of a code.
    Referral(RedemptionKey),
    /// An occasion of the account.
    Occasion(Occasion),
    /// Points that its account redeemed for it.
    Reward {
        /// By which redemption of its rewards.
        reward_redemption: u64,
    },
    /// That its account entered a tier, which brings it but once.
    TierEntry {
        /// Which tier.
        tier: TierId,
    },
}

impl Issuer {
    /// Whether it is this order.
    pub fn is(&self, order: &OrderKey) -> bool {
        matches!(self, Self::Order(own) if own == order)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(order) => order.fmt(f),
            Self::Referral(redemption) => write!(f, "referral {redemption}"),
            Self::Occasion(occasion) => write!(f, "occasion {occasion}"),
            Self::Reward { reward_redemption } => write!(f, "redemption {reward_redemption}"),
            Self::TierEntry { tier } => write!(f, "tier {tier}"),
        }
    }
}

/// Why a discount cannot be used. Unknown codes and other accounts' codes are one and the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Unusable {
    /// The account has no discount of this code.
    Unknown,
    /// The account has used it as often as it may.
    Used,
    /// All accounts together have used it as often as they may.
    UsedUp,
    /// Its validity has not begun.
    NotYetValid,
    /// It is for other accounts.
    NotForAccount,
    /// Its validity is over.
    Expired,
    /// It was withdrawn: what had brought it about was changed or undone.
    Void,
    /// It is held for a cart that is being paid.
    Held,
}

/// What a rule gives a right to.
pub(crate) struct Right<'a> {
    /// Which rule.
    pub rule: &'a RuleId,
    /// What it takes off.
    pub percent: Percent,
    /// The first instant at which it is void.
    pub expires_at: Instant,
}

/// How many discounts these are.
pub(crate) fn count(taken_off: &[TakesOff]) -> u64 {
    u64::try_from(taken_off.len()).unwrap_or(u64::MAX)
}

/// What discounts took off something that came to `paid` after them, which is that part of `all` that was paid in all:
/// `(paid + amounts) ÷ Π (1 − percent) − paid`, rounded half up to the minor unit once; of amounts the same part counts.
/// `paid` is not negative and no more than `all`.
///
/// Nothing where nothing was paid, or where they leave nothing to pay: what it would have come to is not known then.
/// The part that they leave is taken to 18 decimals, which is all of them for four discounts. Fails with [`Overflow`]
/// where the result does not fit.
pub fn value(paid: Minor, all: Minor, taken_off: &[TakesOff]) -> Result<Minor, Overflow> {
    if paid == Minor::ZERO {
        return Ok(Minor::ZERO);
    }
    let amounts = taken_off.iter().map(|off| if let TakesOff::Amount(amount) = off { *amount } else { Minor::ZERO });
    let (part, of) = (u64::try_from(paid.0).map_err(|_| Overflow)?, u64::try_from(all.0).map_err(|_| Overflow)?);
    let before = value_of_percents(paid.plus(Minor::sum(amounts)?.share(part, of)?)?, taken_off)?;
    before.minus(paid)
}

/// What something had come to that comes to `left` after these percentages; `left` itself where there are none.
fn value_of_percents(paid: Minor, taken_off: &[TakesOff]) -> Result<Minor, Overflow> {
    let (whole, hundred) = (i128::from(LEFT_ONE), i128::from(Percent::HUNDRED.0));
    let mut left = whole;
    for off in taken_off {
        let TakesOff::Percent(percent) = off else { continue };
        let kept = hundred.checked_sub(percent.0.into()).ok_or(Overflow)?.clamp(0, hundred);
        left = money::div_half_up(left.checked_mul(kept).ok_or(Overflow)?, hundred)?;
    }
    if left == whole || left == 0 {
        return Ok(paid);
    }
    Minor::narrow(money::div_half_up(i128::from(paid.0).checked_mul(whole).ok_or(Overflow)?, left)?)
}

impl Discount {
    /// A discount of an account as it is issued: its code is made from its rule and what brings it about.
    pub(crate) fn issue(
        account_id: &AccountId,
        right: Right<'_>,
        issued_by: Issuer,
        program: &Program,
        context: &Context<'_>,
    ) -> Self {
        let cause = match &issued_by {
            Issuer::Order(order) => format!("{}/{order}", right.rule),
            Issuer::Referral(redemption) => format!("{}/{redemption}", right.rule),
            Issuer::Occasion(occasion) => format!("{}/{account_id}/{occasion}", right.rule),
            Issuer::Reward { reward_redemption } => {
                format!("reward/{}/{account_id}/{reward_redemption}", right.rule)
            }
            Issuer::TierEntry { tier } => format!("tier/{}/{account_id}/{tier}", right.rule),
        };
        Self {
            account_id: account_id.clone(),
            code: context.secrets.discount_code(&cause, context.collisions),
            secret: context.secrets.current(),
            rule: right.rule.clone(),
            percent: right.percent,
            issued_by,
            issued_at: context.now,
            expires_at: right.expires_at,
            // Its issue tells of its end: a lead as long as that would come with it.
            told_days: program.calendar.days_until(context.now, right.expires_at),
            used_by: None,
            void: false,
            version: 1,
        }
    }

    /// Whether it can be used at `now`.
    pub fn check(&self, now: Instant) -> Result<(), Unusable> {
        if self.used_by.is_some() {
            return Err(Unusable::Used);
        }
        if self.void {
            return Err(Unusable::Void);
        }
        if self.expires_at <= now {
            return Err(Unusable::Expired);
        }
        Ok(())
    }

    /// The same discount, used by an order.
    pub fn used(&self, order: &OrderKey) -> Self {
        Self { used_by: Some(order.clone()), ..self.next() }
    }

    /// The same discount, given back by the order that had used it.
    pub fn unused(&self) -> Self {
        Self { used_by: None, ..self.next() }
    }

    /// The same discount, withdrawn or valid again.
    pub fn voided(&self, void: bool) -> Self {
        Self { void, ..self.next() }
    }

    fn next(&self) -> Self {
        Self { version: self.version.saturating_add(1), ..self.clone() }
    }

    /// What it takes off, and from which goods.
    pub fn terms(&self) -> Terms {
        Terms { takes_off: TakesOff::Percent(self.percent), minimum: Minor::ZERO }
    }

    /// As the account's hot item knows it.
    pub fn open(&self) -> OpenDiscount {
        let Self { rule, code, expires_at, told_days, .. } = self.clone();
        OpenDiscount { rule, code, expires_at, told_days, terms: Some(self.terms()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;

    fn percent(of: i64) -> TakesOff {
        TakesOff::Percent(Percent(of))
    }

    /// Amounts come after percentages, and of a part of what was paid the same part of them counts.
    #[test]
    fn of_amounts_the_part_counts_that_is_kept() {
        let ten = TakesOff::Amount(Minor(1_000));
        for (paid, all, taken_off, expected) in [
            (9_000, 9_000, &[ten][..], 1_000),
            (4_500, 9_000, &[ten], 500),
            (0, 9_000, &[ten], 0),
            (0, 0, &[ten], 0),
            (8_000, 8_000, &[percent(1_000), ten], 2_000), // 100.00, less 10 %, less 10.00
            (8_000, 8_000, &[ten, percent(1_000)], 2_000),
            (4_000, 8_000, &[ten, percent(1_000)], 1_000),
            (7_000, 7_000, &[ten, ten, percent(1_000)], 3_000),
        ] {
            assert_eq!(
                value(Minor(paid), Minor(all), taken_off),
                Ok(Minor(expected)),
                "{paid} of {all}: {taken_off:?}"
            );
        }
    }

    #[test]
    fn what_discounts_took_off_follows_from_what_was_paid() {
        for (paid, percents, expected) in [
            (9_500, &[500][..], 500),
            (9_500, &[], 0),
            (0, &[500], 0),
            (1, &[5_000], 1),
            (1, &[3_333], 0),              // 1 ÷ 0.6667 = 1.4999
            (2, &[2_000], 1),              // 2 ÷ 0.8 = 2.5, half up
            (8_550, &[500, 1_000], 1_450), // 95 % of 90 % of 100.00
            (8_550, &[1_000, 500], 1_450),
            (9_500, &[10_000], 0), // what was given away had no price here
            (9_500, &[500, 10_000], 0),
            (100_000, &[750, 1_250, 333, 1], 27_821),
            (1, &[9_999], 9_999),
            (100, &[1_000; 10], 187), // 100 ÷ 0.9¹⁰ = 286.797…
        ] {
            let percents: Vec<_> = percents.iter().copied().map(percent).collect();
            assert_eq!(value(Minor(paid), Minor(paid), &percents), Ok(Minor(expected)), "{paid} after {percents:?}");
        }
        let absurd = [percent(9_999); 10];
        assert_eq!(value(Minor(100), Minor(100), &absurd), Ok(Minor::ZERO), "18 decimals of what is left are nothing");
        assert_eq!(value(Minor(100), Minor(100), &absurd[..4]), Ok(Minor(999_999_999_999_999_900)));
        assert_eq!(value(Minor(1_000), Minor(1_000), &absurd[..4]), Err(Overflow));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// By the fraction itself, which fits for as many.
        #[test]
        fn up_to_four_discounts_are_exact(
            paid in 0_i64..1_000_000_000_000, percents in prop::collection::vec(1_i64..9_000, 0..5),
        ) {
            let (mut numerator, mut left) = (i128::from(paid), 1_i128);
            for percent in &percents {
                (numerator, left) = (numerator * 10_000, left * i128::from(10_000 - percent));
            }
            let before = (2 * numerator + left) / (2 * left);
            let percents: Vec<_> = percents.into_iter().map(self::percent).collect();
            prop_assert_eq!(value(Minor(paid), Minor(paid), &percents), Minor::narrow(before - i128::from(paid)));
        }

        #[test]
        fn of_less_they_took_no_more(
            paid in 0_i64..1_000_000, less in 0_i64..1_000_000, percent in 1_i64..=10_000, amount in 0_i64..100_000,
        ) {
            let off = [self::percent(percent), TakesOff::Amount(Minor(amount))];
            let of = |part: i64| value(Minor(part), Minor(paid.max(less)), &off).unwrap();
            prop_assert!(of(paid.min(less)) <= of(paid.max(less)));
        }
    }
}
