//! Limits of a rule beyond a single order: its budget over all accounts, and what one account is given in a period.
//!
//! What limits leave a rule is looked up once, when an order is first scored, and what the order was given then is
//! an input of its score ([`Granted`]): returns and amendments are held to that. So an amended order gets no more from such
//! a rule than at first, and points that come back are given to no other order: neither a budget nor a cap is ever
//! exceeded, whatever becomes of the orders that used it.
//!
//! The period of an order is that of the instant it was placed at. An account keeps the counters of the period that is
//! running and the one before it ([`crate::counters`]); an order that comes later than that is given nothing.

use super::basket::Basket;
use super::condition::{Condition, OrderFacts};
use super::{Earning, EarningRule};
use crate::account::Account;
use crate::counters::{CounterKey, Counters};
use crate::decision::Write;
use crate::id::RuleId;
use crate::limit::{Limit, LimitId, LimitKind};
use crate::membership::Role;
use crate::money::{Overflow, Points};
use crate::order::Order;
use crate::program::Program;
use crate::reservation::Reservation;
use crate::schedule::Schedule;
use crate::time::{Instant, Month};

/// The most that a rule gives one account in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountCap {
    /// Points.
    pub points: Option<Points>,
    /// Orders that it fires on.
    pub times: Option<u64>,
    /// In how long.
    pub period: CapPeriod,
}

/// What a cap is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapPeriod {
    /// So many calendar months of the program's time zone, beginning with January: a divisor of 12.
    Months(u16),
    /// All time.
    Ever,
}

impl CapPeriod {
    /// Every period by its name.
    pub const ALL: [(&'static str, Self); 4] =
        [("month", Self::Months(1)), ("quarter", Self::Months(3)), ("year", Self::Months(12)), ("ever", Self::Ever)];

    /// Its months; 0: all there are.
    pub(crate) fn months(self) -> u16 {
        match self {
            Self::Months(months) => months,
            Self::Ever => 0,
        }
    }

    /// Beside a number: `500 per month`.
    fn in_words(self) -> &'static str {
        match self {
            Self::Months(1) => "per month",
            Self::Months(3) => "per quarter",
            Self::Months(_) => "per year",
            Self::Ever => "in all",
        }
    }
}

/// Which limit leaves a rule the least. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Limiter {
    /// Its budget over all accounts.
    Budget = 1,
    /// The points that one account is given in a period.
    Points = 2,
    /// The orders of one account that it fires on in a period.
    Times = 3,
    /// The order came so late that its period is not counted any more.
    PeriodOver = 4,
}

impl Limiter {
    /// Every one that is stored.
    pub const ALL: [Self; 4] = [Self::Budget, Self::Points, Self::Times, Self::PeriodOver];

    /// Why a rule gives nothing that it leaves nothing.
    fn condition(self) -> Condition {
        match self {
            Self::Budget => Condition::BudgetSpent,
            Self::Points => Condition::PointsCapReached,
            Self::Times => Condition::TimesCapReached,
            Self::PeriodOver => Condition::CapPeriodOver,
        }
    }
}

/// What its limits leave a rule for an order that is scored for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// The rule's place.
    pub place: usize,
    /// The most that it may give.
    pub points: Points,
    /// Which of its limits leaves the least.
    pub by: Limiter,
}

/// What an order was given by a rule that has limits: an input of its score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// The rule's place.
    pub place: usize,
    /// What was used of its limits.
    pub points: Points,
    /// The limit that left less than the rule would have given.
    pub cut_by: Option<Limiter>,
}

/// What is read beside the account and what the order names, where the program asks for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// The limits that the order may use. One that is missing counts as never used, which a commit finds out.
    pub limits: &'a [Limit],
    /// The role of the order's contact; `None`: it names none, or nobody asks.
    pub role: Option<Role>,
    /// The reservation that the order names, if there is such.
    pub reservation: Option<&'a Reservation>,
}

/// What is to be read beside an account for an order that is scored for the first time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Limits over all accounts.
    pub limits: Vec<LimitId>,
    /// Whether the role of the order's contact matters.
    pub role: bool,
}

/// What an order may need that is scored at about `now`: of rules that it may be given something by, as far as it tells
/// itself. Most programs ask for nothing.
pub fn asked(schedule: &Schedule, order: &Order, now: Instant) -> Result<Asked, Overflow> {
    let mut asked = Asked::default();
    // Which version an order of tomorrow is treated under may change until it is decided.
    for at in [now, order.placed_at.max(now)] {
        asked.add(&schedule.for_order(order.placed_at, at).program, order)?;
    }
    Ok(asked)
}

impl Asked {
    fn add(&mut self, program: &Program, order: &Order) -> Result<(), Overflow> {
        if !program.earning.asks_beside() {
            return Ok(());
        }
        let basket = Basket::whole(program, order)?;
        let facts = OrderFacts::of(&program.calendar, &basket);
        for rule in program.earning.rules().iter().filter(|rule| rule.asks_beside()) {
            if rule.when.first_failed_of_order(&facts)?.is_some() {
                continue;
            }
            self.role |= rule.when.asks_for_role();
            let id = LimitId::of(LimitKind::EarningBudget, &rule.id);
            if rule.budget.is_some() && !self.limits.contains(&id) {
                self.limits.push(id);
            }
        }
        Ok(())
    }
}

impl EarningRule {
    /// Whether it gives less than its terms say once enough was given.
    pub fn is_limited(&self) -> bool {
        self.budget.is_some() || self.cap.is_some()
    }

    /// Whether it is judged by anything beside the account and the order.
    pub(super) fn asks_beside(&self) -> bool {
        self.budget.is_some() || self.when.asks_for_role()
    }

    /// What counts what it gives an account for a month.
    pub fn counter(&self, cap: &AccountCap, month: Month) -> CounterKey {
        CounterKey::of(self.id.clone(), cap.period.months(), month)
    }
}

/// What decides what limits leave an order, beside the rules.
pub(crate) struct Limiting<'a> {
    pub program: &'a Program,
    pub account: &'a Account,
    pub limits: &'a [Limit],
    pub placed_at: Instant,
    pub now: Instant,
    /// The version in force, whose counters are kept, too.
    pub in_force: &'a Program,
}

impl Limiting<'_> {
    /// What is left for each rule that has limits.
    pub fn left(&self) -> Result<Vec<Left>, Overflow> {
        let mut all = Vec::new();
        for (place, rule) in self.program.earning.rules().iter().enumerate().filter(|(_, rule)| rule.is_limited()) {
            let mut left = Left { place, points: Points(i64::MAX), by: Limiter::Budget };
            if let Some(cap) = &rule.cap {
                (left.points, left.by) = self.left_of_cap(rule, cap)?;
            }
            if let Some(budget) = rule.budget {
                let total = units(budget)?;
                let of_budget = match self.limits.iter().find(|limit| *limit.id() == budget_of(&rule.id)) {
                    Some(limit) => limit.left(total)?,
                    None => total,
                };
                let of_budget = Points(i64::try_from(of_budget).map_err(|_| Overflow)?);
                // Of two that leave the same, the account's own is told.
                if of_budget < left.points {
                    (left.points, left.by) = (of_budget, Limiter::Budget);
                }
            }
            all.push(left);
        }
        Ok(all)
    }

    fn left_of_cap(&self, rule: &EarningRule, cap: &AccountCap) -> Result<(Points, Limiter), Overflow> {
        let calendar = &self.program.calendar;
        let key = rule.counter(cap, calendar.month(self.placed_at));
        if key.is_over(calendar.month(self.now)) {
            return Ok((Points::ZERO, Limiter::PeriodOver));
        }
        let counters = &self.account.counters;
        if !counters.has_room(&key, calendar.month(self.now), |key| self.is_kept(key)) {
            return Ok((Points::ZERO, Limiter::Points));
        }
        let used = counters.get(&key);
        if cap.times.is_some_and(|most| used.times >= most) {
            return Ok((Points::ZERO, Limiter::Times));
        }
        let left = cap.points.map_or(Ok(Points(i64::MAX)), |most| most.minus(used.points))?;
        Ok((left.max(Points::ZERO), Limiter::Points))
    }

    fn is_kept(&self, key: &CounterKey) -> bool {
        [self.program, self.in_force].iter().any(|program| program.earning.counts(key))
    }

    /// Uses what the order was given: the account's counters as they are then, and what is to be written elsewhere.
    pub fn charge(&self, granted: &[Granted]) -> Result<(Counters, Vec<Write>), Overflow> {
        let (mut counters, mut writes) = (self.account.counters.clone(), Vec::new());
        let calendar = &self.program.calendar;
        let rules = self.program.earning.rules();
        for (rule, points) in granted.iter().filter_map(|one| Some((rules.get(one.place)?, one.points))) {
            if let Some(cap) = &rule.cap {
                let key = rule.counter(cap, calendar.month(self.placed_at));
                counters.count(key, points, calendar.month(self.now), |key| self.is_kept(key))?;
            }
            if let Some(budget) = rule.budget {
                let id = budget_of(&rule.id);
                let read = self.limits.iter().find(|limit| *limit.id() == id).cloned();
                let limit = read.unwrap_or_else(|| Limit::untouched(id));
                let taken = limit.take(units(budget)?, units(points)?, &self.account.id)?;
                writes.extend(taken.ok_or(Overflow)?);
            }
        }
        Ok((counters, writes))
    }
}

fn budget_of(rule: &RuleId) -> LimitId {
    LimitId::of(LimitKind::EarningBudget, rule)
}

fn units(points: Points) -> Result<u64, Overflow> {
    u64::try_from(points.0).map_err(|_| Overflow)
}

impl Earning {
    /// Whether any rule is judged by something beside the account and the order.
    pub(super) fn asks_beside(&self) -> bool {
        self.rules.iter().any(EarningRule::asks_beside)
    }

    /// Whether a rule is capped by that counter.
    fn counts(&self, key: &CounterKey) -> bool {
        let counts = |rule: &EarningRule| rule.cap.is_some_and(|cap| key.is_of(&rule.id, cap.period.months()));
        self.rules.iter().any(counts)
    }
}

/// What is known of what limits leave a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowed {
    /// The most that it may give.
    pub points: Points,
    /// Why it gives nothing where that is nothing.
    pub otherwise: Condition,
}

impl Allowed {
    /// To an order that is scored for the first time.
    pub fn of_left(left: &[Left], place: usize) -> Self {
        let left = left.iter().find(|left| left.place == place);
        let (points, by) = left.map_or((Points::ZERO, Limiter::Budget), |left| (left.points, left.by));
        Self { points, otherwise: by.condition() }
    }

    /// To an order that was scored before: what it was given then, at most.
    pub fn of_granted(granted: &[Granted], place: usize, failed_first: Option<Condition>) -> Self {
        let granted = granted.iter().find(|granted| granted.place == place);
        let told = failed_first.filter(|condition| condition.is_of_limits() || *condition == Condition::OutdoneInGroup);
        let points = granted.map_or(Points::ZERO, |granted| granted.points);
        Self { points, otherwise: told.unwrap_or(Condition::NothingGivenAtFirst) }
    }
}

impl Condition {
    fn is_of_limits(self) -> bool {
        Limiter::ALL.iter().any(|limiter| limiter.condition() == self)
    }
}

impl EarningRule {
    /// Why it gave nothing where its limits left it nothing.
    pub(super) fn why_nothing_left(&self, condition: Condition) -> Option<String> {
        let cap = || self.cap.map(|cap| (cap.points, cap.times, cap.period.in_words()));
        match condition {
            Condition::BudgetSpent => {
                let budget = self.budget.unwrap_or_default();
                Some(format!("its budget of {budget} points over all accounts is spent"))
            }
            Condition::PointsCapReached => cap().map(|(points, _, period)| {
                let points = points.unwrap_or_default();
                format!("the account was given the {points} points {period} that it gives one account at most")
            }),
            Condition::TimesCapReached => cap().map(|(_, times, period)| {
                let times = times.unwrap_or_default();
                format!("it has fired on the {times} orders {period} that it fires on for one account at most")
            }),
            Condition::CapPeriodOver => {
                Some("the order was placed in a period of which its cap is not counted any more".to_owned())
            }
            Condition::NothingGivenAtFirst => {
                Some("it gave nothing when the order was first scored, and it has a budget or a cap".to_owned())
            }
            _ => None,
        }
    }

    /// What left it less than it would have given: which limit, what that comes to, and how much of it was left.
    pub(super) fn limit_told(&self, granted: &Granted) -> (&'static str, Option<Points>, String) {
        let left = granted.points;
        match granted.cut_by {
            Some(Limiter::Budget) => {
                let budget = self.budget.unwrap_or_default();
                ("budget", self.budget, format!("its budget of {budget} over all accounts had {left} left"))
            }
            Some(_) => {
                let (most, period) = self.cap.map(|cap| (cap.points, cap.period.in_words())).unwrap_or_default();
                let of = most.unwrap_or_default();
                ("per_account", most, format!("{left} were left of the {of} {period} that one account is given"))
            }
            None => ("first_score", None, format!("{left} were given when the order was first scored")),
        }
    }
}
