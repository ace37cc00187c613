//! What a receipt says of the earning rules: the arithmetic of those that fired, why the others did not.

use super::basket::Basket;
use super::condition::Condition;
use super::effect::{Effect, Exact, RoundedPer, Rounding};
use super::judge::{Known, Ruling, judge};
use super::{Earning, EarningRule};
use crate::membership;
use crate::money::{self, Factor, Money, Overflow, Points};
use crate::program::Program;
use crate::receipt::Reason;
use crate::score::{Outcome, ScoredOrder};
use crate::words::counted;
use serde::Serialize;

/// How a rule that fired came to its points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Arithmetic {
    /// What the lines that count came to.
    pub amount: Money,
    /// Their units.
    pub units: u64,
    /// What the rule gives: `1 per 1.00 GBP`.
    pub terms: String,
    /// Points of the rules before it that a multiplier takes up, before their rounding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The multiplier of the tier held, where it applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiplier: Option<String>,
    /// `floor` or `half_up`.
    pub rounding: &'static str,
    /// `order` or `line`.
    pub rounded_per: &'static str,
    /// What it came to.
    pub points: Points,
    /// The most that it gives for one order, where it came to more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capped_at: Option<Points>,
    /// The budget or the cap that left it less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_by: Option<LimitedBy>,
}

/// A limit that left a rule less than it would have given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LimitedBy {
    /// `budget`, `per_account`, or `first_score`: what it gave when the order was first scored.
    pub limit: &'static str,
    /// What the limit comes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<Points>,
    /// What was left of it for the order.
    pub left: Points,
}

/// Reckons the newest statement of an order again, from what its account decided when it was first scored; so the points
/// are those that its score stores.
pub(crate) fn reasons(scored: &ScoredOrder, program: &Program) -> Result<Vec<Reason>, Overflow> {
    let basket = Basket::whole(program, &scored.order)?;
    let known = Known::Scored(&scored.score);
    let mut rulings = Vec::with_capacity(program.earning.rules().len());
    judge(program, &basket, &known, |ruling| rulings.push(*ruling))?;
    let told = Telling { scored, program, multiplier: program.tiers.get(known.tier()).multiplier };
    let outcomes = &scored.current().outcomes;
    let rules = program.earning.rules().iter().zip(outcomes).zip(&rulings);
    let reasons =
        rules.enumerate().map(|(place, ((rule, outcome), ruling))| told.reason(place, rule, *outcome, ruling));
    Ok(reasons.collect())
}

/// Points of the newest statement of an order and what became of each rule, reckoned again: what its score stores.
pub fn recomputed(scored: &ScoredOrder, program: &Program) -> Result<(Points, Vec<Outcome>), Overflow> {
    let (basket, mut outcomes) = (Basket::whole(program, &scored.order)?, Vec::new());
    let points = judge(program, &basket, &Known::Scored(&scored.score), |ruling| outcomes.push(ruling.outcome))?;
    Ok((points, outcomes))
}

struct Telling<'a> {
    scored: &'a ScoredOrder,
    program: &'a Program,
    multiplier: Factor,
}

impl Telling<'_> {
    fn reason(&self, place: usize, rule: &EarningRule, outcome: Outcome, ruling: &Ruling) -> Reason {
        let (name, points) = (&rule.name, ruling.points);
        let rule_id = rule.id.to_string();
        let reason = |id, condition, arithmetic, text| Reason {
            id,
            rule: rule_id,
            fired: outcome == Outcome::Fired,
            points: Some(points),
            discount: None,
            condition,
            arithmetic,
            text,
        };
        match outcome {
            Outcome::Fired => {
                let limit = self.limit(place, rule, ruling);
                let (limited_by, limited) = limit.unzip();
                let arithmetic = Arithmetic { limited_by, ..self.arithmetic(rule, ruling) };
                let reckoned = format!("{}{}", self.in_words(rule, ruling), in_rounded_words(rule));
                let (most, uncapped) = (arithmetic.capped_at, ruling.uncapped);
                let capped = most.map(|most| format!("an order is given {most} at most"));
                let id = match (&limited, &capped) {
                    (Some(_), _) => "earning.limited",
                    (None, Some(_)) => "earning.capped",
                    (None, None) => "earning.fired",
                };
                let cuts: Vec<_> = capped.into_iter().chain(limited).collect();
                let text = match cuts.is_empty() {
                    true => format!("{name}: {reckoned} = {}.", counted(points, "point")),
                    false => {
                        let cuts = cuts.join(" and ");
                        format!("{name}: {reckoned} = {uncapped}, of which {cuts}: {}.", counted(points, "point"))
                    }
                };
                reason(id, None, Some(arithmetic), text)
            }
            Outcome::Missed(condition) => {
                let why = self.why_not(rule, ruling, condition);
                let text = format!("{name}: no points, because {why}.");
                reason("earning.missed", Some(condition.name()), None, text)
            }
        }
    }

    /// The limit that left a rule less than it would have given, and the same in words.
    fn limit(&self, place: usize, rule: &EarningRule, ruling: &Ruling) -> Option<(LimitedBy, String)> {
        let granted = self.scored.score.granted.iter().find(|granted| granted.place == place && ruling.is_cut)?;
        let (limit, of, text) = rule.limit_told(granted);
        Some((LimitedBy { limit, of, left: granted.points }, text))
    }

    fn arithmetic(&self, rule: &EarningRule, ruling: &Ruling) -> Arithmetic {
        let currency = self.scored.order.currency;
        let (rounding, rounded_per) = (rule.rounding, rule.rounded_per);
        Arithmetic {
            amount: Money { amount: ruling.sum.amount, currency },
            units: ruling.sum.units,
            terms: rule.effect.terms(currency),
            base: matches!(rule.effect, Effect::Multiplier(_)).then(|| self.base(&self.program.earning, ruling)),
            multiplier: rule.tier_multiplier.then(|| money::format_trimmed(self.multiplier.0, Factor::DECIMALS)),
            rounding: if rounding == Rounding::Floor { "floor" } else { "half_up" },
            rounded_per: if rounded_per == RoundedPer::Order { "order" } else { "line" },
            points: ruling.uncapped,
            capped_at: rule.maximum_points.filter(|most| *most < ruling.uncapped),
            limited_by: None,
        }
    }

    fn base(&self, earning: &Earning, ruling: &Ruling) -> String {
        let denominator = earning.common.unwrap_or(Factor::ONE.0).into();
        Exact { numerator: ruling.sum.base, denominator }.in_digits()
    }

    fn in_words(&self, rule: &EarningRule, ruling: &Ruling) -> String {
        let currency = self.scored.order.currency;
        let amount = Money { amount: ruling.sum.amount, currency };
        let terms = rule.effect.terms(currency);
        let counted = if rule.lines.is_all() { "" } else { " on the lines that count" };
        let reckoned = match rule.effect {
            Effect::PerAmount { .. } => format!("{amount}{counted} × {terms}"),
            Effect::PerUnits { .. } => format!("{} units{counted} × {terms}", ruling.sum.units),
            Effect::Fixed { .. } => terms,
            Effect::Multiplier(_) => {
                let base = self.base(&self.program.earning, ruling);
                format!("{base} points of the rules before it{counted} {terms}, less those points themselves")
            }
        };
        if !rule.tier_multiplier {
            return reckoned;
        }
        let multiplier = money::format_trimmed(self.multiplier.0, Factor::DECIMALS);
        format!("{reckoned} × {multiplier} ({})", self.program.tiers.name(&self.scored.score.tier))
    }

    fn why_not(&self, rule: &EarningRule, ruling: &Ruling, condition: Condition) -> String {
        let of_limits = || rule.why_nothing_left(condition);
        let stated = || rule.when.why_not(condition, self.program).or_else(of_limits);
        let of_membership = || membership::why_not(condition).map(str::to_owned);
        match condition {
            Condition::NothingEligible => "no line of the order is eligible".to_owned(),
            Condition::NoLineCounts => "none of the eligible lines is one that counts".to_owned(),
            Condition::TierEarnsNothing => {
                format!("the tier held before the order earns none ({})", self.in_words(rule, ruling))
            }
            Condition::LessThanOnePoint => format!("it comes to less than one point ({})", self.in_words(rule, ruling)),
            Condition::NothingToMultiply => {
                "no rule before it gave points per amount for the lines that count".to_owned()
            }
            Condition::OutdoneInGroup => "another rule of its group gives more, or as much before it".to_owned(),
            Condition::Stopped => "a rule before it excludes all later ones".to_owned(),
            _ => of_membership().or_else(stated).unwrap_or_else(|| "a condition does not hold".to_owned()),
        }
    }
}

/// How fractions were rounded, where there can be any.
fn in_rounded_words(rule: &EarningRule) -> String {
    let whole = matches!(rule.effect, Effect::PerUnits { .. } | Effect::Fixed { .. }) && !rule.tier_multiplier;
    let rounded = match (whole, rule.rounding) {
        (true, _) if rule.rounded_per == RoundedPer::Line => "",
        (true, _) => return String::new(),
        (false, Rounding::Floor) => ", rounded down",
        (false, Rounding::HalfUp) => ", rounded half up",
    };
    format!("{rounded}{}", if rule.rounded_per == RoundedPer::Line { ", line by line" } else { "" })
}
