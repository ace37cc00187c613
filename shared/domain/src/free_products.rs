//! Free products: what an order is entitled to besides its points, once it is large enough.
//!
//! Whether an order is entitled follows from its score and the version that it was scored under, so it is told the same
//! whenever the score is read. Nothing is stored of it but whether the account was in one of the segments of a rule that
//! names any ([`admissions`]): those may be others by then.

use crate::audience::{Audience, Buyer};
use crate::id::{RuleId, Segment, Sku, TierId};
use crate::membership;
use crate::money::{Minor, Money};
use crate::program::Program;
use crate::score::{Condition, Outcome};
use crate::time::Instant;
use serde::Serialize;

/// A product that comes with an order which is large enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeProduct {
    /// Its id, stable over versions.
    pub id: RuleId,
    /// Its name for customers.
    pub name: String,
    /// What is free.
    pub sku: Sku,
    /// How many of it, at least 1.
    pub quantity: u64,
    /// Eligible total from which an order is entitled.
    pub minimum_total: Minor,
    /// Whom it is for, as they were before the order.
    pub audience: Audience,
    /// Only for orders placed at this instant or later.
    pub from: Option<Instant>,
    /// Only for orders placed before this instant.
    pub until: Option<Instant>,
}

/// What of an order decides what it is entitled to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<'a> {
    /// When it was placed.
    pub at: Instant,
    /// What its eligible lines came to.
    pub eligible: Minor,
    /// The tier held before it.
    pub tier: &'a TierId,
    /// Rules that name segments, none of which its account was in when it was first scored.
    pub not_admitted: Vec<&'a RuleId>,
    /// Why it found no member; `None`: it found one.
    pub no_member: Option<Condition>,
}

/// Why an order is not entitled: the first condition that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// Its account was no member.
    NoMember(Condition),
    /// It was placed before the offer.
    TooEarly,
    /// It was placed after it.
    TooLate,
    /// Its account held none of the tiers.
    OtherTier,
    /// Its account was in none of the segments.
    OtherSegment,
    /// It is too small.
    BelowMinimum,
}

impl Missed {
    /// The condition that failed.
    pub fn condition(self) -> Condition {
        match self {
            Self::NoMember(why) => why,
            Self::TooEarly => Condition::From,
            Self::TooLate => Condition::Until,
            Self::OtherTier => Condition::TierHeld,
            Self::OtherSegment => Condition::Segments,
            Self::BelowMinimum => Condition::BelowMinimum,
        }
    }
}

/// A product that an order is entitled to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FreeProductReceipt {
    /// By which rule.
    pub rule: RuleId,
    /// What is free.
    pub sku: Sku,
    /// How many of it.
    pub quantity: u64,
}

impl FreeProduct {
    /// Whether an order is entitled to it, or why not.
    pub fn check(&self, placed: &Placed<'_>) -> Result<(), Missed> {
        if let Some(why) = placed.no_member {
            return Err(Missed::NoMember(why));
        }
        if self.from.is_some_and(|from| placed.at < from) {
            return Err(Missed::TooEarly);
        }
        if self.until.is_some_and(|until| placed.at >= until) {
            return Err(Missed::TooLate);
        }
        let tiers = &self.audience.tiers;
        if !tiers.is_empty() && !tiers.contains(placed.tier) {
            return Err(Missed::OtherTier);
        }
        if placed.not_admitted.contains(&&self.id) {
            return Err(Missed::OtherSegment);
        }
        if placed.eligible < self.minimum_total { Err(Missed::BelowMinimum) } else { Ok(()) }
    }

    /// The same for people, in the words of its program.
    pub fn text(&self, placed: &Placed<'_>, program: &Program) -> String {
        let Self { name, sku, quantity, .. } = self;
        let minimum = Money { amount: self.minimum_total, currency: program.currency };
        let why = match self.check(placed) {
            Ok(()) => return format!("{name}: {quantity} × {sku} free, from {minimum} on."),
            Err(Missed::NoMember(why)) => membership::why_not(why).unwrap_or_default().to_owned(),
            Err(Missed::TooEarly) => "it had not begun when the order was placed".to_owned(),
            Err(Missed::TooLate) => "it was over when the order was placed".to_owned(),
            Err(Missed::OtherTier) => {
                format!("it is not for the tier held before the order ({})", program.tiers.name(placed.tier))
            }
            Err(Missed::OtherSegment) => "it is not for the account's segments".to_owned(),
            Err(Missed::BelowMinimum) => format!("the eligible total is below {minimum}"),
        };
        format!("{name}: nothing free, because {why}.")
    }
}

/// The rules that name segments, in their order.
fn by_segment(rules: &[FreeProduct]) -> impl Iterator<Item = &FreeProduct> {
    rules.iter().filter(|rule| !rule.audience.segments.is_empty())
}

/// Whether an account of these segments is in one of those that a rule names, for each that names any: what the score of
/// its order keeps, after what became of the other rules.
pub(crate) fn admissions(rules: &[FreeProduct], segments: &[Segment]) -> impl Iterator<Item = Outcome> {
    by_segment(rules).map(move |rule| {
        let whatever_tier = Audience { tiers: Vec::new(), segments: rule.audience.segments.clone() };
        match whatever_tier.includes(&Buyer { tier: None, segments }) {
            true => Outcome::Fired,
            false => Outcome::Missed(Condition::Segments),
        }
    })
}

/// The rules that an account was not admitted to, by what [`admissions`] said when its order was first scored.
pub(crate) fn not_admitted<'a>(rules: &'a [FreeProduct], admissions: &[Outcome]) -> Vec<&'a RuleId> {
    let said = by_segment(rules).zip(admissions);
    said.filter(|(_, outcome)| **outcome != Outcome::Fired).map(|(rule, _)| &rule.id).collect()
}

/// What an order is entitled to, in the order of the rules.
pub fn entitled(rules: &[FreeProduct], placed: &Placed<'_>) -> Vec<FreeProductReceipt> {
    let fitting = rules.iter().filter(|rule| rule.check(placed).is_ok());
    let receipt = |rule: &FreeProduct| FreeProductReceipt {
        rule: rule.id.clone(),
        sku: rule.sku.clone(),
        quantity: rule.quantity,
    };
    fitting.map(receipt).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn tier(id: &str) -> TierId {
        TierId::parse(id).unwrap()
    }

    fn program() -> Program {
        Program::from_json(&crate::program::sample::with("discounts", &serde_json::json!([]))).unwrap()
    }

    fn mug(minimum_total: i64) -> FreeProduct {
        FreeProduct {
            id: RuleId::parse("mug").unwrap(),
            name: "A mug on us".to_owned(),
            sku: Sku::parse("MUG").unwrap(),
            quantity: 2,
            minimum_total: Minor(minimum_total),
            audience: Audience { tiers: vec![tier("silver"), tier("gold")], segments: Vec::new() },
            from: Some(at("2030-05-01T00:00:00Z")),
            until: Some(at("2030-06-01T00:00:00Z")),
        }
    }

    fn placed_at(at: Instant, eligible: i64, tier: &TierId) -> Placed<'_> {
        Placed { at, eligible: Minor(eligible), tier, not_admitted: Vec::new(), no_member: None }
    }

    #[test]
    fn only_accounts_of_its_segments_are_entitled_as_they_were_when_the_order_was_scored() {
        let segments = |names: &[&str]| names.iter().map(|name| Segment::parse(name).unwrap()).collect::<Vec<_>>();
        let of = |id: &str, names: &[&str]| FreeProduct {
            id: RuleId::parse(id).unwrap(),
            audience: Audience { tiers: Vec::new(), segments: segments(names) },
            ..mug(1)
        };
        let rules = [of("all", &[]), of("hotels", &["hotel", "inn"]), of("shops", &["shop"])];
        let member = tier("member");
        for (own, expected) in [
            (&["inn", "uk"][..], &["all", "hotels"][..]),
            (&["shop"], &["all", "shops"]),
            (&["hotel", "shop"], &["all", "hotels", "shops"]),
            (&[], &["all"]),
        ] {
            let kept: Vec<_> = admissions(&rules, &segments(own)).collect();
            assert_eq!(kept.len(), 2, "one for each rule that names segments");
            let not_admitted = not_admitted(&rules, &kept);
            let placed = Placed { not_admitted, ..placed_at(at("2030-05-20T00:00:00Z"), 1, &member) };
            let rules: Vec<_> = entitled(&rules, &placed).into_iter().map(|free| free.rule.to_string()).collect();
            assert_eq!(rules, expected, "{own:?}");
        }
        let placed = Placed { not_admitted: vec![&rules[2].id], ..placed_at(at("2030-05-20T00:00:00Z"), 1, &member) };
        let text = "A mug on us: nothing free, because it is not for the account's segments.";
        assert_eq!(rules[2].text(&placed, &program()), text);
    }

    #[test]
    fn what_failed_is_named_as_in_the_reasons_of_other_rules() {
        let names = [
            (Missed::NoMember(Condition::MembershipLapsed), "membership_lapsed"),
            (Missed::TooEarly, "from"),
            (Missed::TooLate, "until"),
            (Missed::OtherTier, "tiers"),
            (Missed::OtherSegment, "segments"),
            (Missed::BelowMinimum, "below_minimum"),
        ];
        for (missed, name) in names {
            assert_eq!(missed.condition().name(), name, "{missed:?}");
        }
    }

    #[test]
    fn an_order_is_entitled_from_the_minimum_on_while_the_offer_lasts() {
        let rows = [
            ("2030-05-01T00:00:00Z", "gold", 50_000, Ok(()), "2 × MUG free, from 500.00 GBP on."),
            ("2030-05-31T23:59:59.999Z", "silver", 50_000, Ok(()), "2 × MUG free, from 500.00 GBP on."),
            (
                "2030-05-20T00:00:00Z",
                "gold",
                49_999,
                Err(Missed::BelowMinimum),
                "nothing free, because the eligible total is below 500.00 GBP.",
            ),
            (
                "2030-04-30T23:59:59.999Z",
                "gold",
                50_000,
                Err(Missed::TooEarly),
                "nothing free, because it had not begun when the order was placed.",
            ),
            (
                "2030-06-01T00:00:00Z",
                "gold",
                50_000,
                Err(Missed::TooLate),
                "nothing free, because it was over when the order was placed.",
            ),
            (
                "2030-05-20T00:00:00Z",
                "member",
                1,
                Err(Missed::OtherTier),
                "nothing free, because it is not for the tier held before the order (Member).",
            ),
        ];
        for (placed, held, eligible, expected, text) in rows {
            let held = tier(held);
            let placed = placed_at(at(placed), eligible, &held);
            assert_eq!(mug(50_000).check(&placed), expected, "{placed:?}");
            assert_eq!(mug(50_000).text(&placed, &program()), format!("A mug on us: {text}"));
        }
        let always = FreeProduct { audience: Audience::default(), from: None, until: None, ..mug(1) };
        let member = tier("member");
        for instant in [Instant::MIN, Instant::MAX] {
            assert_eq!(always.check(&placed_at(instant, 1, &member)), Ok(()));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_larger_order_is_entitled_to_all_that_a_smaller_one_is(
            minimums in prop::collection::vec(1_i64..1_000, 0..6), totals in prop::array::uniform2(0_i64..1_200),
        ) {
            let rules: Vec<_> = minimums.iter().map(|minimum| mug(*minimum)).collect();
            let gold = tier("gold");
            let [less, more] = [totals[0].min(totals[1]), totals[0].max(totals[1])];
            let of = |total| {
                entitled(&rules, &placed_at(at("2030-05-20T00:00:00Z"), total, &gold)).len()
            };
            prop_assert!(of(less) <= of(more));
            prop_assert_eq!(of(more), minimums.iter().filter(|minimum| **minimum <= more).count());
        }
    }
}
