//! What one order earns.

mod stored;

use crate::account::{Account, Status};
use crate::activity::{Counted, Purchase};
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::discount::{self, TakesOff, Unusable};
use crate::earning::{AccountFacts, Beside, Granted, Known, Limiting};
use crate::expiry;
use crate::free_products;
use crate::id::TierId;
use crate::ledger::{Cause, Change, HoldChange, OrderChange, PointsChange};
use crate::lots::End;
use crate::membership::admission;
use crate::money::{Measure, Minor, Money, Overflow, Points};
use crate::named_code::NamedCode;
use crate::occasions::{self, Gifts};
use crate::order::Order;
use crate::parked::ParkedOrder;
use crate::payment::{self, Paid};
use crate::program::Program;
use crate::referral;
use crate::reservation::Reservation;
use crate::returns::{self, Excess, History, Undoing};
use crate::rules::{self, Worth};
use crate::tier::{self, entry};
use crate::time::Instant;
use crate::uses::{self, Reserved, Uses};
use std::sync::Arc;

pub use crate::earning::Condition;
pub use stored::{GivenFor, IssuedDiscount, OrderGift, Outcome, Raise, Score, ScoredOrder};

/// How far ahead of `now` an order may have been placed: clocks and time zones of shops are wrong by less.
pub const FUTURE_MS_MAX: i64 = Instant::DAY_MS;

/// Scores an order: the account's commit, the order's record, discounts issued and used, all in one transaction.
///
/// `named` is what the codes are that the order names, or its reservation, in any order; without those that are nothing.
/// `parked` are returns that came before the order: it is scored as placed, and they are carried out after it.
pub fn decide(
    account: Option<&Account>,
    named: &[NamedCode],
    parked: Option<&ParkedOrder>,
    order: &Arc<Order>,
    content_hash: [u8; 32],
    context: &Context<'_>,
) -> Result<Decision<Arc<ScoredOrder>>, Rejection> {
    decide_beside(account, named, parked, &Beside::default(), (order, content_hash), context)
}

/// The same under a program that may ask for more than the account: `beside` is what was read of that
/// ([`crate::earning::asked`]).
pub fn decide_beside(
    account: Option<&Account>,
    named: &[NamedCode],
    parked: Option<&ParkedOrder>,
    beside: &Beside<'_>,
    (order, content_hash): (&Arc<Order>, [u8; 32]),
    context: &Context<'_>,
) -> Result<Decision<Arc<ScoredOrder>>, Rejection> {
    let activation = context.schedule.for_order(order.placed_at, context.now);
    let program = &*activation.program;
    check(order, account, program, context.now)?;
    let mut scoring = Scoring::start(account, order, program, context)?;
    scoring.paid = Paid::with(order, parked);
    scoring.open_reservation(beside.reservation)?;
    scoring.use_discounts(named)?;
    scoring.pay_with_points()?;
    let purchase = scoring.earn(beside)?;
    scoring.count(&purchase)?;
    scoring.award()?;
    scoring.raise_tier()?;
    scoring.issue_discounts();
    scoring.admit_to_free_products();
    scoring.celebrate()?;
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
        None if !program.enrols_by_order() => Err(Rejection::NotEnrolled),
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
    /// The reservation that it uses.
    reservation: Option<&'a Reservation>,
    /// The discounts that it uses, as they are after that.
    used: Vec<NamedCode>,
    /// The writes of that.
    using: Vec<Write>,
    /// What it uses beyond the codes that it names.
    uses: Option<Uses>,
    tier_before: TierId,
    eligible: Minor,
    points: Points,
    /// What is known of its payment.
    paid: Option<Paid>,
    available_at: Option<Instant>,
    end: End,
    qualifying: Measure,
    beyond_kept_months: bool,
    raise: Option<Raise>,
    outcomes: Vec<Outcome>,
    issued: Vec<IssuedDiscount>,
    taken_off: Vec<TakesOff>,
    granted: Vec<Granted>,
    gifts: Vec<OrderGift>,
}

impl<'a> Scoring<'a> {
    fn start(
        account: Option<&Account>,
        order: &'a Arc<Order>,
        program: &'a Program,
        context: &'a Context<'a>,
    ) -> Result<Self, Rejection> {
        let (mut account, mut changes) = match account {
            Some(account) => advance::advance(context.schedule, account, context.now)?,
            None => {
                let (mut account, enrolled) = Account::enrol(order.account_id.clone(), program, context.now);
                let applied = admission::apply(&mut account, program, context.now);
                (account, std::iter::once(enrolled).chain(applied).collect())
            }
        };
        let placed_on = program.calendar.day(order.placed_at);
        let (end, prolonged) = expiry::activity(&mut account, program, placed_on, context.now)?;
        changes.extend(prolonged);
        Ok(Self {
            order,
            program,
            context,
            tier_before: account.tier.clone(),
            account,
            changes,
            writes: Vec::with_capacity(5),
            reservation: None,
            used: Vec::new(),
            using: Vec::new(),
            uses: None,
            eligible: Minor::ZERO,
            points: Points::ZERO,
            paid: None,
            available_at: None,
            end,
            qualifying: Measure::ZERO,
            beyond_kept_months: false,
            raise: None,
            outcomes: Vec::new(),
            issued: Vec::new(),
            taken_off: Vec::new(),
            granted: Vec::new(),
            gifts: Vec::new(),
        })
    }

    /// Lets go of what the order's reservation holds, so that the order can use it; one that holds nothing any more
    /// refuses the order.
    fn open_reservation(&mut self, reservation: Option<&'a Reservation>) -> Result<(), Rejection> {
        let Some(named) = self.order.reservation else { return Ok(()) };
        let reservation = reservation.filter(|known| known.receipt.reservation_id == named);
        let reservation = reservation.ok_or(Rejection::UnknownReservation)?;
        reservation.let_go(&mut self.account)?;
        let ordered = self.order.total()?.plus(self.order.shipping.unwrap_or(Minor::ZERO))?;
        self.changes.push(Change::Hold(HoldChange::Used {
            reservation_id: named,
            order: self.order.key.clone(),
            quoted: reservation.receipt.totals.to_pay,
            ordered: Money { amount: ordered, currency: self.order.currency },
        }));
        let codes = uses::codes(self.order, Some(reservation)).to_vec();
        let brought = &reservation.receipt;
        let reserved = Reserved { id: named, codes: brought.discount_codes.clone(), points: brought.points };
        self.uses = Some(Uses { reserved: Some(reserved), codes, ..Uses::default() });
        self.reservation = Some(reservation);
        Ok(())
    }

    /// Spends the points that the order states, or those that its reservation holds.
    fn pay_with_points(&mut self) -> Result<(), Rejection> {
        let held = self.reservation.map(|reservation| &reservation.receipt);
        let points = self.order.points.or(held.map(|held| held.points)).unwrap_or(Points::ZERO);
        if points == Points::ZERO {
            return Ok(());
        }
        let value = match held.filter(|held| held.points == points) {
            Some(held) => held.points_value.amount,
            None => {
                let in_force = &self.context.schedule.at(self.context.now).program;
                let exchange = in_force.points.exchange.as_ref();
                uses::value_of_stated(points, &self.account, exchange, (self.order, self.program))?
            }
        };
        let spent = uses::spend(&mut self.account, points, self.program, self.context.now)?;
        let spent = spent.map_err(|missing| Rejection::NotEnoughPoints { missing })?;
        self.changes.push(Change::Points(PointsChange::Spent { points }));
        let codes = || self.order.discount_codes.clone();
        let uses = self.uses.get_or_insert_with(|| Uses { codes: codes(), ..Uses::default() });
        (uses.points, uses.value, uses.spent) = (points, value, spent);
        Ok(())
    }

    /// Uses the discounts that the order names, or those of its reservation; one that cannot be used refuses the order.
    fn use_discounts(&mut self, named: &[NamedCode]) -> Result<(), Rejection> {
        for (index, code) in uses::codes(self.order, self.reservation).iter().enumerate() {
            let index = Some(index).filter(|_| !self.order.leaves_codes());
            let unusable = |reason| Rejection::DiscountUnusable { index, code: code.clone(), reason };
            let named = NamedCode::find(named, code).ok_or_else(|| unusable(Unusable::Unknown))?;
            named.check(&self.account, self.context).map_err(unusable)?;
            let used = named.use_for(&mut self.account, &self.order.key, &mut self.changes);
            let (used, writes) = used.map_err(unusable)?;
            self.used.push(used);
            self.using.extend(writes);
            self.taken_off.push(named.takes_off());
        }
        Ok(())
    }

    /// What the order comes to and the points that the rules give for it, with what that uses of their limits.
    fn earn(&mut self, beside: &Beside<'_>) -> Result<Purchase, Rejection> {
        let (order, program) = (self.order, self.program);
        let month = program.calendar.month(order.placed_at);
        let limiting = Limiting {
            program,
            account: &self.account,
            limits: beside.limits,
            placed_at: order.placed_at,
            now: self.context.now,
            in_force: &self.context.schedule.at(self.context.now).program,
        };
        let left = limiting.left()?;
        let known = Known::Account(AccountFacts {
            earns_nothing: self.account.earns_nothing(program, self.context.now),
            tier: &self.tier_before,
            segments: &self.account.segments,
            orders: self.account.lifetime.orders,
            activity: &self.account.activity,
            month,
            role: beside.role,
            left: &left,
        });
        let Worth { units, revenue, eligible, eligible_paid, aside, points, outcomes, granted } =
            rules::worth(program, order, &known)?;
        if !granted.is_empty() {
            let (counters, writes) = limiting.charge(&granted)?;
            self.account.counters = counters;
            self.writes.extend(writes);
        }
        (self.eligible, self.points, self.outcomes, self.granted) = (eligible, points, outcomes, granted);
        Ok(Purchase {
            month,
            day_of_month: program.calendar.day_of_month(order.placed_at),
            units,
            revenue,
            eligible,
            earned: points,
            discounts_used: discount::count(&self.taken_off),
            discount_value: discount::value(eligible_paid, eligible_paid, &self.taken_off)?,
            aside,
        })
    }

    fn award(&mut self) -> Result<(), Overflow> {
        if self.points == Points::ZERO {
            return Ok(());
        }
        let (points, end, context) = (self.points, self.end, self.context);
        let until_paid = self.program.points.until_paid && self.paid.is_none();
        if until_paid {
            let (available_at, expires_at) = (None, end.expires_at);
            self.changes.push(Change::Points(PointsChange::Earned { points, available_at, expires_at, until_paid }));
            return self.account.holdings.add_unpaid(points);
        }
        self.available_at = rules::available_at(self.program, self.order, context.now);
        let (available_at, expires_at) = (self.available_at, end.expires_at);
        self.changes.push(Change::Points(PointsChange::Earned { points, available_at, expires_at, until_paid }));
        self.changes.extend(rules::award(&mut self.account, points, available_at, end, context)?);
        Ok(())
    }

    /// Adds the order to the account's figures.
    fn count(&mut self, purchase: &Purchase) -> Result<(), Rejection> {
        let account = &mut self.account;
        let counted = account.activity.add(purchase)?;
        account.lifetime.add(purchase, counted)?;
        self.beyond_kept_months = counted == Counted::BeyondKeptMonths;
        let day = self.program.calendar.day(self.order.placed_at);
        account.first_purchase = Some(account.first_purchase.map_or(day, |first| first.min(day)));
        account.last_purchase = Some(account.last_purchase.map_or(day, |last| last.max(day)));
        self.qualifying = match self.beyond_kept_months {
            true => tier::qualifying(self.program, account, purchase.month)?,
            false => tier::highest(self.program, account, purchase.month, Measure::ZERO)?,
        };
        self.changes.push(Change::Order(OrderChange::Scored {
            order: self.order.key.clone(),
            points: self.points,
            eligible_total: Money { amount: self.eligible, currency: self.order.currency },
            beyond_kept_months: self.beyond_kept_months,
        }));
        Ok(())
    }

    /// Raises the tier of a member. What others spend counts from their next order as a member on.
    fn raise_tier(&mut self) -> Result<(), Overflow> {
        if !self.account.member_state(self.program, self.context.now).is_member() {
            return Ok(());
        }
        let (tiers, now) = (&self.program.tiers, self.context.now);
        let qualifying = tiers.metric.measured(self.qualifying, self.order.currency);
        let (from, held_since) = (self.account.tier.clone(), self.account.tier_since);
        let raised = tier::raise(&mut self.account, tiers, qualifying, now);
        self.raise = raised.as_ref().map(|_| Raise { from: from.clone(), held_since, at: now });
        self.changes.extend(raised);
        let gifts = entry::give(&mut self.account, self.program, &from, self.context)?;
        self.bring(gifts);
        Ok(())
    }

    /// Takes in what the order brings besides its own points.
    fn bring(&mut self, gifts: Gifts) {
        self.changes.extend(gifts.changes);
        self.writes.extend(gifts.writes);
        self.gifts.extend(gifts.given);
    }

    fn issue_discounts(&mut self) {
        let ruled_out = self.account.is_issued_nothing(self.program, self.context.now);
        for rule in &self.program.discounts {
            if let Some(why) = ruled_out {
                self.outcomes.push(Outcome::Missed(why));
                continue;
            }
            let issued = rules::issue(&self.account, rule, self.order, self.eligible, self.program, self.context);
            self.outcomes.push(match issued {
                Ok(_) => Outcome::Fired,
                Err(condition) => Outcome::Missed(condition),
            });
            let Ok(discount) = issued else { continue };
            self.changes.push(self.account.open_discount(&discount));
            self.issued.push(IssuedDiscount::of(&discount));
            self.writes.push(Write::Put(Record::Discount(Box::new(discount)), Guard::Absent));
        }
    }

    /// Keeps whether the account's segments are those of free products that name any: when that is told they may be others.
    fn admit_to_free_products(&mut self) {
        self.outcomes.extend(free_products::admissions(&self.program.free_products, &self.account.segments));
    }

    /// Gives what it brings to be the account's first order, or its n-th.
    fn celebrate(&mut self) -> Result<(), Overflow> {
        if self.program.occasions.is_empty() {
            return Ok(());
        }
        let (account, program, context) = (&mut self.account, self.program, self.context);
        let mut gifts = Vec::with_capacity(2);
        if account.version == 0 {
            gifts.push(occasions::welcome(account, &self.tier_before, program, context)?);
        }
        gifts.push(occasions::nth_order(account, program, context)?);
        gifts.into_iter().for_each(|gifts| self.bring(gifts));
        Ok(())
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
            raise: self.raise,
            qualifying: self.qualifying,
            beyond_kept_months: self.beyond_kept_months,
            eligible: self.eligible,
            points: self.points,
            available_at: self.available_at,
            expires_at: self.end.expires_at,
            balance: self.account.available()?,
            outcomes: self.outcomes,
            issued: self.issued,
            taken_off: self.taken_off,
            qualified_referral: false,
            granted: self.granted,
            gifts: self.gifts,
        };
        let (guard, version) = match parked {
            Some(parked) => (Guard::Version(parked.version), parked.version.checked_add(1).ok_or(Overflow)?),
            None => (Guard::Absent, 1),
        };
        let order = Arc::clone(self.order);
        let history = History { uses: self.uses, ..History::start(self.points) };
        let mut scored = ScoredOrder { order, content_hash, version, score, history };
        let (mut account, mut changes) = (self.account, self.changes);
        if let Some(paid) = self.paid {
            // What it earns has not waited for that.
            let waited = Points::ZERO;
            changes.extend(payment::take_in(&mut account, &mut scored, paid, waited, self.program, self.context)?);
        }
        for waiting in parked.iter().flat_map(|parked| &parked.waiting) {
            let (program, now, reversing) = (self.program, self.context.now, &waiting.reversing);
            if reversing.at() < scored.order.placed_at {
                // As it would have been refused, had it come after its order.
                let (order, by) = (scored.order.key.clone(), reversing.key());
                changes.push(Change::Order(OrderChange::ReturnRefused { order, by, stated_by: waiting.by.clone() }));
                continue;
            }
            let (by, undoing) = (Some(&*waiting.by), Undoing { used: &self.used, program, now });
            changes.extend(returns::apply(&mut account, &mut scored, reversing, Excess::Noted, by, &undoing)?);
        }
        // A discount that comes back at once is as it was.
        let using = if scored.has_given_discounts_back() { Vec::new() } else { self.using };
        scored.score.balance = account.available()?;
        let qualified = referral::first_order(&mut account, &mut scored, self.program, self.context)?;
        let (qualified, noted) = qualified.unzip();
        changes.extend(noted);
        let scored = Arc::new(scored);
        let cause = Cause::OrderPlaced { order: self.order.key.clone() };
        let mut writes = vec![Write::Put(Record::Order(scored.clone()), guard)];
        writes.extend(decision::commit(account, cause, changes, program_version, self.context)?);
        writes.extend(using.into_iter().chain(self.writes).chain(qualified));
        Ok(Decision { writes, answer: scored })
    }
}

/// The answer to an order that is already stored: the first answer for the same content, otherwise what differs.
pub fn repeat(
    stored: &Arc<ScoredOrder>,
    order: &Order,
    content_hash: &[u8; 32],
) -> Result<Arc<ScoredOrder>, Rejection> {
    if order.has_hash(content_hash, &stored.content_hash) {
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
