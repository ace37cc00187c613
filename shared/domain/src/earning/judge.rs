//! What becomes of each rule for an order.

use super::basket::Basket;
use super::condition::{AccountFacts, Condition, OrderFacts};
use super::effect::{Effect, RoundedPer, Sum};
use super::limits::{Allowed, Granted};
use super::{Earning, EarningRule};
use crate::id::TierId;
use crate::money::{Factor, Overflow, Points};
use crate::program::Program;
use crate::score::{Outcome, Score};

/// What is known of the account.
#[derive(Debug, Clone, Copy)]
pub enum Known<'a> {
    /// The account itself: the order is scored for the first time.
    Account(AccountFacts<'a>),
    /// What it decided then: the order's first score.
    Scored(&'a Score),
}

impl<'a> Known<'a> {
    /// The tier held before the order.
    pub fn tier(&self) -> &'a TierId {
        match self {
            Self::Account(account) => account.tier,
            Self::Scored(score) => &score.tier,
        }
    }

    /// What its limits leave the rule of that place; `None`: it has none.
    fn allowed(&self, place: usize, rule: &EarningRule) -> Option<Allowed> {
        let allowed = || match self {
            Self::Account(account) => Allowed::of_left(account.left, place),
            Self::Scored(score) => {
                let failed_first = match score.outcomes.get(place) {
                    Some(Outcome::Missed(condition)) => Some(*condition),
                    _ => None,
                };
                Allowed::of_granted(&score.granted, place, failed_first)
            }
        };
        rule.is_limited().then(allowed)
    }

    /// What a rule of that place has used of its limits, if the order is scored for the first time.
    pub(crate) fn granted(&self, place: usize, ruling: &Ruling) -> Option<Granted> {
        let Self::Account(account) = self else { return None };
        let left = account.left.iter().find(|left| left.place == place)?;
        let fired = ruling.outcome == Outcome::Fired;
        fired.then(|| Granted { place, points: ruling.points, cut_by: ruling.is_cut.then_some(left.by) })
    }

    /// The first condition by which the account rules the rule of that place out.
    fn first_failed(&self, place: usize, rule: &EarningRule) -> Result<Option<Condition>, Overflow> {
        match self {
            Self::Account(AccountFacts { earns_nothing: Some(why), .. }) => Ok(Some(*why)),
            Self::Account(account) => rule.when.first_failed_of_account(account),
            Self::Scored(score) => Ok(match score.outcomes.get(place) {
                Some(Outcome::Missed(condition)) if condition.is_of_account() => Some(*condition),
                _ => None,
            }),
        }
    }
}

/// What became of one rule, and of what it was reckoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruling {
    /// Whether it fired; otherwise the first condition that failed.
    pub outcome: Outcome,
    /// The lines that count, where it was reckoned at all.
    pub(super) sum: Sum,
    /// What it comes to before its cap.
    pub uncapped: Points,
    /// What it gave.
    pub points: Points,
    /// That its budget or what its account is given at most left it less than it would have given.
    pub is_cut: bool,
}

impl Ruling {
    fn missed(condition: Condition) -> Self {
        let (uncapped, points) = (Points::ZERO, Points::ZERO);
        Self { outcome: Outcome::Missed(condition), sum: Sum::default(), uncapped, points, is_cut: false }
    }
}

/// Points of all rules for what is bought or kept.
pub fn points(program: &Program, basket: &Basket<'_>, known: &Known<'_>) -> Result<Points, Overflow> {
    judge(program, basket, known, |_| {})
}

/// The same, telling what became of each rule in turn.
pub(crate) fn judge(
    program: &Program,
    basket: &Basket<'_>,
    known: &Known<'_>,
    mut tell: impl FnMut(&Ruling),
) -> Result<Points, Overflow> {
    let mut judging = Judging::start(program, basket, known);
    let (mut total, mut place) = (Points::ZERO, 0_usize);
    for run in program.earning.runs() {
        if let [rule] = run {
            let ruling = judging.ruling(place, rule)?;
            judging.settle(place, rule, &ruling)?;
            total = total.plus(ruling.points)?;
            tell(&ruling);
        } else {
            for ruling in judging.best_of(place, run)? {
                total = total.plus(ruling.points)?;
                tell(&ruling);
            }
        }
        place = place.saturating_add(run.len());
    }
    Ok(total)
}

/// The judging of one order, rule by rule.
struct Judging<'a> {
    earning: &'a Earning,
    basket: &'a Basket<'a>,
    known: &'a Known<'a>,
    facts: OrderFacts<'a>,
    /// Of the tier held.
    multiplier: Factor,
    /// What points-per-amount rules gave so far for each line, over the common denominator; empty where nothing is
    /// multiplied.
    bases: Vec<i128>,
    stopped: bool,
}

impl<'a> Judging<'a> {
    fn start(program: &'a Program, basket: &'a Basket<'a>, known: &'a Known<'a>) -> Self {
        let earning = &program.earning;
        let lines = if earning.common.is_some() { basket.items.len() } else { 0 };
        Self {
            earning,
            basket,
            known,
            facts: OrderFacts::of(&program.calendar, basket),
            multiplier: program.tiers.get(known.tier()).multiplier,
            bases: vec![0; lines],
            stopped: false,
        }
    }

    /// What one rule would give, were it alone in its group.
    fn ruling(&self, place: usize, rule: &EarningRule) -> Result<Ruling, Overflow> {
        if let Some(failed) = self.known.first_failed(place, rule)? {
            return Ok(Ruling::missed(failed));
        }
        if self.stopped {
            return Ok(Ruling::missed(Condition::Stopped));
        }
        if self.basket.eligible_units == 0 {
            return Ok(Ruling::missed(Condition::NothingEligible));
        }
        if let Some(failed) = rule.when.first_failed_of_order(&self.facts)? {
            return Ok(Ruling::missed(failed));
        }
        let multiplier = if rule.tier_multiplier { self.multiplier } else { Factor::ONE };
        let (sum, uncapped) = self.reckon(place, rule, multiplier)?;
        let wanted = rule.maximum_points.map_or(uncapped, |most| uncapped.min(most));
        let allowed = self.known.allowed(place, rule);
        let points = allowed.map_or(wanted, |allowed| wanted.min(allowed.points));
        let outcome = match rule.effect {
            _ if sum.units == 0 => Outcome::Missed(Condition::NoLineCounts),
            _ if multiplier.0 == 0 => Outcome::Missed(Condition::TierEarnsNothing),
            Effect::Multiplier(_) if sum.base == 0 => Outcome::Missed(Condition::NothingToMultiply),
            _ if wanted == Points::ZERO => Outcome::Missed(Condition::LessThanOnePoint),
            _ => match allowed {
                Some(allowed) if points == Points::ZERO => Outcome::Missed(allowed.otherwise),
                _ => Outcome::Fired,
            },
        };
        // What has no line that counts gives nothing, fixed points or not.
        let (uncapped, points) = if outcome == Outcome::Fired { (uncapped, points) } else { Default::default() };
        Ok(Ruling { outcome, sum, uncapped, points, is_cut: points < wanted })
    }

    /// The lines that count for a rule, and what they give.
    fn reckon(&self, place: usize, rule: &EarningRule, multiplier: Factor) -> Result<(Sum, Points), Overflow> {
        let common = self.earning.common.unwrap_or(Factor::ONE.0);
        let rounded = |sum: &Sum| rule.effect.exact(sum, multiplier, common)?.rounded(rule.rounding);
        if !rule.needs_items() {
            let sum = Sum { amount: self.basket.eligible, units: self.basket.eligible_units, base: 0 };
            return Ok((sum, rounded(&sum)?));
        }
        let (mut all, mut by_line) = (Sum::default(), Points::ZERO);
        for (line, item) in self.basket.counted(place, rule) {
            let sum = Sum { amount: item.amount, units: item.units, base: self.base_of(line) };
            all = all.plus(sum)?;
            if rule.rounded_per == RoundedPer::Line {
                by_line = by_line.plus(rounded(&sum)?)?;
            }
        }
        let points = if rule.rounded_per == RoundedPer::Line { by_line } else { rounded(&all)? };
        Ok((all, points))
    }

    fn base_of(&self, line: usize) -> i128 {
        self.bases.get(line).copied().unwrap_or(0)
    }

    /// Of a group the rule that gives most fires, the first of them on a tie.
    fn best_of(&mut self, place: usize, group: &[EarningRule]) -> Result<Vec<Ruling>, Overflow> {
        let candidates = (place..).zip(group).map(|(place, rule)| self.ruling(place, rule));
        let mut rulings = candidates.collect::<Result<Vec<_>, _>>()?;
        let most = rulings.iter().map(|ruling| ruling.points).max().unwrap_or_default();
        let best = rulings.iter().position(|ruling| ruling.outcome == Outcome::Fired && ruling.points == most);
        for (own, ruling) in rulings.iter_mut().enumerate() {
            if ruling.outcome == Outcome::Fired && best != Some(own) {
                (ruling.outcome, ruling.points) = (Outcome::Missed(Condition::OutdoneInGroup), Points::ZERO);
            }
        }
        for ((place, rule), ruling) in (place..).zip(group).zip(&rulings) {
            self.settle(place, rule, ruling)?;
        }
        Ok(rulings)
    }

    /// What a rule that fired means for those after it.
    fn settle(&mut self, place: usize, rule: &EarningRule, ruling: &Ruling) -> Result<(), Overflow> {
        if ruling.outcome != Outcome::Fired {
            return Ok(());
        }
        self.stopped = self.stopped || rule.stop;
        let Some(common) = self.earning.common else { return Ok(()) };
        let multiplier = if rule.tier_multiplier { self.multiplier } else { Factor::ONE };
        let basket = self.basket;
        for (line, item) in basket.counted(place, rule) {
            let more = rule.effect.base(item.amount, multiplier, common)?;
            if let Some(base) = self.bases.get_mut(line) {
                *base = base.checked_add(more).ok_or(Overflow)?;
            }
        }
        Ok(())
    }
}
