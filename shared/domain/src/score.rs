//! What one order earns.

use crate::account::{Account, Status};
use crate::activity::Purchase;
use crate::advance;
use crate::code::DiscountCode;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::discount::{Discount, OPEN_DISCOUNTS_MAX, OpenDiscount, Unusable};
use crate::id::{RuleId, TierId};
use crate::ledger::{Cause, Change};
use crate::lots::{Lot, Pending};
use crate::money::{Factor, Minor, Money, Overflow, Percent, Points};
use crate::order::{Order, OrderLine};
use crate::parked::ParkedOrder;
use crate::program::{DiscountRule, EarningRule, Program, UnknownAccount};
use crate::returns::{self, Excess, History};
use crate::tier;
use crate::time::Instant;
use std::sync::Arc;

/// How far ahead of `now` an order may have been placed: clocks and time zones of shops are wrong by less.
pub const FUTURE_MS_MAX: i64 = Instant::DAY_MS;

/// An order and what it earned, as stored: the idempotency record of the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoredOrder {
    /// The order as stated.
    pub order: Arc<Order>,
    /// [`Order::content_hash`] of it.
    pub content_hash: [u8; 32],
    /// Counts changes of the record, from 1.
    pub version: u64,
    /// What it earned.
    pub score: Score,
    /// What became of it since.
    pub history: History,
}

/// What one order earned, with the inputs it was decided on. Immutable; the reasons are rendered from it on read
/// ([`crate::receipt`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// The program version it was scored under.
    pub program_version: u32,
    /// `now` of the decision.
    pub decided_at: Instant,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// The tier held before the order.
    pub tier: TierId,
    /// The tier held after it.
    pub tier_after: TierId,
    /// Eligible spend in the tier window after it.
    pub qualifying: Minor,
    /// It is older than the months kept: it counts in the lifetime totals only, and qualifies for no tier.
    pub beyond_kept_months: bool,
    /// What its eligible lines came to.
    pub eligible: Minor,
    /// What it earned.
    pub points: Points,
    /// From when they can be spent, if not at once.
    pub available_at: Option<Instant>,
    /// When they end.
    pub expires_at: Instant,
    /// The account's spendable points after it.
    pub balance: Points,
    /// What became of each rule: the earning rules, then the discounts, in the program's order.
    pub outcomes: Vec<Outcome>,
    /// Discounts that it issued.
    pub issued: Vec<IssuedDiscount>,
}

/// A discount that an order issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedDiscount {
    /// By which rule.
    pub rule: RuleId,
    /// Its code.
    pub code: DiscountCode,
    /// What it takes off.
    pub percent: Percent,
    /// The first instant at which it is void.
    pub expires_at: Instant,
}

/// What became of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it says.
    Fired,
    /// It did nothing; the first condition that failed.
    Missed(Condition),
}

/// Conditions of rules. The numbers are stored: never reuse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Condition {
    /// No line of the order is eligible.
    NothingEligible = 1,
    /// The tier held multiplies by zero.
    TierEarnsNothing = 2,
    /// Less than one point.
    LessThanOnePoint = 3,
    /// The eligible total is below the rule's minimum.
    BelowMinimum = 4,
    /// The account has an open discount of this rule.
    AlreadyOpen = 5,
    /// The account has as many open discounts as it can hold.
    TooManyOpen = 6,
    /// The discount would have ended before the order was known.
    ValidityOver = 7,
}

impl Condition {
    /// Every condition.
    pub const ALL: [Self; 7] = [
        Self::NothingEligible,
        Self::TierEarnsNothing,
        Self::LessThanOnePoint,
        Self::BelowMinimum,
        Self::AlreadyOpen,
        Self::TooManyOpen,
        Self::ValidityOver,
    ];
}

/// Whether a line earns: quantity and amount above zero and its SKU not excluded.
pub fn is_eligible(program: &Program, line: &OrderLine, amount: Minor) -> bool {
    line.quantity > 0 && amount > Minor::ZERO && !program.excluded_skus.contains(&line.sku)
}

/// Points of one rule for the eligible total of one order: `floor(total × points ÷ per × multiplier)`.
///
/// `total` is in minor units and not negative; the product is taken in `i128` and rounded down once, per order and
/// rule. Fails with [`Overflow`] where the result does not fit an `i64`.
pub fn earned(rule: &EarningRule, total: Minor, multiplier: Factor) -> Result<Points, Overflow> {
    let numerator = i128::from(total.0)
        .checked_mul(i128::from(rule.points.0))
        .and_then(|n| n.checked_mul(i128::from(multiplier.0)))
        .ok_or(Overflow)?;
    let denominator = i128::from(rule.per.0).checked_mul(i128::from(Factor::ONE.0)).ok_or(Overflow)?;
    Points::narrow(numerator.checked_div_euclid(denominator).ok_or(Overflow)?)
}

/// Points of all earning rules for an eligible total under the tier held at scoring.
pub fn points_for(program: &Program, eligible: Minor, tier: &TierId) -> Result<Points, Overflow> {
    let multiplier = program.tiers.get(tier).multiplier;
    let mut of_rules = program.earning.iter().map(|rule| earned(rule, eligible, multiplier));
    of_rules.try_fold(Points::ZERO, |sum, points| sum.plus(points?))
}

/// Scores an order: the account's commit, the order's record, discounts issued and used, all in one transaction.
///
/// `named` are the account's discounts with the codes the order names, in that order (`None`: it has none such).
/// `parked` are returns that came before the order: it is scored as placed, and they are carried out after it.
pub fn decide(
    account: Option<&Account>,
    named: &[Option<Discount>],
    parked: Option<&ParkedOrder>,
    order: &Arc<Order>,
    content_hash: [u8; 32],
    context: &Context<'_>,
) -> Result<Decision<Arc<ScoredOrder>>, Rejection> {
    let activation = context.schedule.for_order(order.placed_at, context.now);
    let program = &*activation.program;
    check(order, account, program, context.now)?;
    let mut scoring = Scoring::start(account, order, program, context)?;
    scoring.use_discounts(named)?;
    let purchase = scoring.earn()?;
    scoring.count(&purchase)?;
    scoring.award()?;
    scoring.raise_tier();
    scoring.issue_discounts()?;
    scoring.finish(content_hash, activation.version, parked)
}

fn check(order: &Order, account: Option<&Account>, program: &Program, now: Instant) -> Result<(), Rejection> {
    if order.currency != program.currency {
        return Err(Rejection::ForeignCurrency { expected: program.currency });
    }
    if order.placed_at > now.plus_ms(FUTURE_MS_MAX) {
        return Err(Rejection::PlacedInFuture);
    }
    match account {
        None if program.unknown_account == UnknownAccount::Reject => Err(Rejection::NotEnrolled),
        Some(account) if account.status != Status::Active => Err(Rejection::AccountNotActive(account.status)),
        _ => Ok(()),
    }
}

/// The scoring of one order, step by step; [`decide`] says in which order.
struct Scoring<'a> {
    order: &'a Arc<Order>,
    program: &'a Program,
    context: &'a Context<'a>,
    account: Account,
    changes: Vec<Change>,
    writes: Vec<Write>,
    tier_before: TierId,
    eligible: Minor,
    points: Points,
    available_at: Option<Instant>,
    expires_at: Instant,
    qualifying: Minor,
    beyond_kept_months: bool,
    outcomes: Vec<Outcome>,
    issued: Vec<IssuedDiscount>,
}

impl<'a> Scoring<'a> {
    fn start(
        account: Option<&Account>,
        order: &'a Arc<Order>,
        program: &'a Program,
        context: &'a Context<'a>,
    ) -> Result<Self, Rejection> {
        let (account, changes) = match account {
            Some(account) => advance::advance(account, context.now)?,
            None => {
                let (account, enrolled) = Account::enrol(order.account_id.clone(), program, context.now);
                (account, vec![enrolled])
            }
        };
        Ok(Self {
            order,
            program,
            context,
            tier_before: account.tier.clone(),
            account,
            changes,
            writes: Vec::with_capacity(5),
            eligible: Minor::ZERO,
            points: Points::ZERO,
            available_at: None,
            expires_at: program.calendar.end_of_month_after(order.placed_at, program.points.validity_months),
            qualifying: Minor::ZERO,
            beyond_kept_months: false,
            outcomes: Vec::with_capacity(program.earning.len().saturating_add(program.discounts.len())),
            issued: Vec::new(),
        })
    }

    /// Uses the discounts that the order names; one that cannot be used refuses the order.
    fn use_discounts(&mut self, named: &[Option<Discount>]) -> Result<(), Rejection> {
        for (index, code) in self.order.discount_codes.iter().enumerate() {
            let unusable = |reason| Rejection::DiscountUnusable { index, code: code.clone(), reason };
            let discount = named.get(index).and_then(Option::as_ref).ok_or_else(|| unusable(Unusable::Unknown))?;
            discount.check(self.context.now).map_err(unusable)?;
            let used = Record::Discount(Box::new(discount.used(&self.order.key)));
            self.writes.push(Write::Put(used, Guard::Version(discount.version)));
            self.account.discounts.retain(|open| open.code != *code);
            self.account.lifetime.discounts_used = self.account.lifetime.discounts_used.saturating_add(1);
            self.changes.push(Change::DiscountUsed { code: code.clone() });
        }
        Ok(())
    }

    /// What the order comes to and the points that the rules give for it.
    fn earn(&mut self) -> Result<Purchase, Rejection> {
        let (order, program) = (self.order, self.program);
        let (mut revenue, mut units) = (Minor::ZERO, 0_u64);
        for line in &order.lines {
            let amount = line.amount(order.currency)?;
            revenue = revenue.plus(amount)?;
            units = units.checked_add(line.quantity).ok_or(Overflow)?;
            if is_eligible(program, line, amount) {
                self.eligible = self.eligible.plus(amount)?;
            }
        }
        let multiplier = program.tiers.get(&self.tier_before).multiplier;
        for rule in &program.earning {
            let points = earned(rule, self.eligible, multiplier)?;
            self.points = self.points.plus(points)?;
            self.outcomes.push(match points {
                _ if self.eligible <= Minor::ZERO => Outcome::Missed(Condition::NothingEligible),
                _ if multiplier.0 == 0 => Outcome::Missed(Condition::TierEarnsNothing),
                Points::ZERO => Outcome::Missed(Condition::LessThanOnePoint),
                _ => Outcome::Fired,
            });
        }
        Ok(Purchase {
            month: program.calendar.month(order.placed_at),
            day_of_month: program.calendar.day_of_month(order.placed_at),
            units,
            revenue,
            eligible: self.eligible,
            earned: self.points,
        })
    }

    /// Puts the points into a lot, or among those that wait. Points of a late order may have ended already: they are
    /// earned and expired in the same commit.
    fn award(&mut self) -> Result<(), Overflow> {
        if self.points == Points::ZERO {
            return Ok(());
        }
        let (points, expires_at, now) = (self.points, self.expires_at, self.context.now);
        let wait = self.program.points.pending_days;
        let available_at = self.program.calendar.start_of_day_after(self.order.placed_at, wait);
        self.available_at = (wait > 0 && available_at > now).then_some(available_at);
        self.changes.push(Change::PointsEarned { points, available_at: self.available_at, expires_at });
        let repaid = self.account.holdings.repay(points)?;
        if repaid > Points::ZERO {
            self.changes.push(Change::PointsRepaid { points: repaid });
        }
        let points = points.minus(repaid)?;
        match self.available_at {
            Some(available_at) => self.account.holdings.add_pending(Pending { available_at, expires_at, points })?,
            None => self.account.holdings.add(Lot { expires_at, points })?,
        }
        let lapsed = advance::settle(&mut self.account, now)?;
        self.changes.extend(lapsed);
        Ok(())
    }

    /// Adds the order to the account's figures.
    fn count(&mut self, purchase: &Purchase) -> Result<(), Rejection> {
        let account = &mut self.account;
        self.beyond_kept_months = !account.activity.add(purchase)?;
        account.lifetime.add(purchase)?;
        let day = self.program.calendar.day(self.order.placed_at);
        account.first_purchase = Some(account.first_purchase.map_or(day, |first| first.min(day)));
        account.last_purchase = Some(account.last_purchase.map_or(day, |last| last.max(day)));
        self.qualifying = tier::qualifying_spend(self.program, account, purchase.month)?;
        self.changes.push(Change::OrderScored {
            order: self.order.key.clone(),
            points: self.points,
            eligible_total: Money { amount: self.eligible, currency: self.order.currency },
            beyond_kept_months: self.beyond_kept_months,
        });
        Ok(())
    }

    fn raise_tier(&mut self) {
        let (tiers, currency) = (&self.program.tiers, self.order.currency);
        let raised = tier::raise(&mut self.account, tiers, self.qualifying, currency, self.context.now);
        self.changes.extend(raised);
    }

    fn issue_discounts(&mut self) -> Result<(), Rejection> {
        for rule in &self.program.discounts {
            let outcome = self.issue_discount(rule)?;
            self.outcomes.push(outcome);
        }
        Ok(())
    }

    fn issue_discount(&mut self, rule: &DiscountRule) -> Result<Outcome, Rejection> {
        let expires_at = self.program.calendar.same_time_after_days(self.order.placed_at, rule.validity_days);
        let open = &self.account.discounts;
        let failed = match () {
            () if self.eligible < rule.minimum_total => Some(Condition::BelowMinimum),
            () if open.iter().any(|discount| discount.rule == rule.id) => Some(Condition::AlreadyOpen),
            () if open.len() >= OPEN_DISCOUNTS_MAX => Some(Condition::TooManyOpen),
            () if expires_at <= self.context.now => Some(Condition::ValidityOver),
            () => None,
        };
        if let Some(condition) = failed {
            return Ok(Outcome::Missed(condition));
        }
        let cause = format!("{}/{}", rule.id, self.order.key);
        let code = self.context.secrets.discount_code(&cause, self.context.collisions);
        let discount = Discount {
            account_id: self.account.id.clone(),
            code: code.clone(),
            secret: self.context.secrets.current(),
            rule: rule.id.clone(),
            percent: rule.percent,
            issued_by: self.order.key.clone(),
            issued_at: self.context.now,
            expires_at,
            used_by: None,
            version: 1,
        };
        self.writes.push(Write::Put(Record::Discount(Box::new(discount)), Guard::Absent));
        let opened = OpenDiscount { rule: rule.id.clone(), code: code.clone(), expires_at };
        let place = self.account.discounts.partition_point(|held| held.expires_at <= expires_at);
        self.account.discounts.insert(place, opened);
        self.account.lifetime.discounts_issued = self.account.lifetime.discounts_issued.saturating_add(1);
        self.changes.push(Change::DiscountIssued { rule: rule.id.clone(), code: code.clone(), expires_at });
        self.issued.push(IssuedDiscount { rule: rule.id.clone(), code, percent: rule.percent, expires_at });
        Ok(Outcome::Fired)
    }

    fn finish(
        self,
        content_hash: [u8; 32],
        program_version: u32,
        parked: Option<&ParkedOrder>,
    ) -> Result<Decision<Arc<ScoredOrder>>, Rejection> {
        let entry = self.account.version.checked_add(1).ok_or(Overflow)?;
        let score = Score {
            program_version,
            decided_at: self.context.now,
            entry,
            tier: self.tier_before,
            tier_after: self.account.tier.clone(),
            qualifying: self.qualifying,
            beyond_kept_months: self.beyond_kept_months,
            eligible: self.eligible,
            points: self.points,
            available_at: self.available_at,
            expires_at: self.expires_at,
            balance: self.account.holdings.available()?,
            outcomes: self.outcomes,
            issued: self.issued,
        };
        let (guard, version) = match parked {
            Some(parked) => (Guard::Version(parked.version), parked.version.checked_add(1).ok_or(Overflow)?),
            None => (Guard::Absent, 1),
        };
        let order = Arc::clone(self.order);
        let history = History::start(self.points);
        let mut scored = ScoredOrder { order, content_hash, version, score, history };
        let (mut account, mut changes) = (self.account, self.changes);
        for waiting in parked.iter().flat_map(|parked| &parked.waiting) {
            let (program, now) = (self.program, self.context.now);
            let reversing = &waiting.reversing;
            changes.extend(returns::apply(&mut account, &mut scored, reversing, Excess::Noted, program, now)?);
        }
        let scored = Arc::new(scored);
        let cause = Cause::OrderPlaced { order: self.order.key.clone() };
        let mut writes = vec![Write::Put(Record::Order(scored.clone()), guard)];
        writes.extend(decision::commit(account, cause, changes, program_version, self.context)?);
        writes.extend(self.writes);
        Ok(Decision { writes, answer: scored })
    }
}

/// The answer to an order that is already stored: the first answer for the same content, otherwise what differs.
pub fn repeat(
    stored: &Arc<ScoredOrder>,
    order: &Order,
    content_hash: &[u8; 32],
) -> Result<Arc<ScoredOrder>, Rejection> {
    if stored.content_hash == *content_hash {
        return Ok(stored.clone());
    }
    // Whose order it is, is all that somebody else learns: not which guesses about it are right.
    let paths = match stored.order.account_id == order.account_id {
        true => stored.order.differences(order),
        false => vec!["$.account_id".to_owned()],
    };
    Err(Rejection::ContentDiffers { paths })
}

#[cfg(test)]
mod tests;
