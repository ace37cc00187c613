//! Amendments: an order that changed before it was invoiced, stated again under a higher revision.
//!
//! The newest statement replaces the earlier ones. It is scored under the order's own program version with the inputs
//! stored when the order was first scored, returns already made stay made, and the difference is posted. Where an order
//! ends does not depend on the sequence in which its statements, returns and cancellation came; what other orders made
//! of the points, the tier or the discounts meanwhile stays theirs.

mod codes;

use crate::account::Account;
use crate::activity::Figures;
use crate::advance;
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::discount::{self, Discount, TakesOff};
use crate::document::{Faults, Path};
use crate::earning::{Basket, Known};
use crate::id::{RuleId, TierId};
use crate::ledger::{Cause, Change, DiscountChange, OrderChange, PointsChange, TierChange};
use crate::lots::End;
use crate::money::{Measure, Minor, Money, Overflow, Points};
use crate::named_code::NamedCode;
use crate::order::Order;
use crate::payment::{self, Paid};
use crate::program::{DiscountRule, Program};
use crate::qualification::{self, Window};
use crate::referral::{self, Redemption};
use crate::returns::{self, Reversal, Tally};
use crate::review::{self, Reviewed};
use crate::rules::{self, Worth};
use crate::score::{Condition, IssuedDiscount, OrderGift, Outcome, Raise, Score, ScoredOrder};
use crate::tier::{self, entry};
use crate::time::Instant;
use crate::uses;
use std::sync::Arc;

/// The latest amendment of an order, as it was carried out; kept with the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amended {
    /// Which statement of the order it was.
    pub revision: u64,
    /// What the order earns now, with the inputs it was first decided on.
    pub score: Score,
    /// By how much its points changed.
    pub points: PointsAmended,
}

/// How an amendment changed the points of an order. Each figure may be negative, but for those that were taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PointsAmended {
    /// What the order earned.
    pub earned: Points,
    /// What was taken back of it, owed points included.
    pub reversed: Points,
    /// Where points were taken from, and what became of those that could not be taken.
    pub reversal: Reversal,
}

impl ScoredOrder {
    /// Its score by its newest statement.
    pub fn current(&self) -> &Score {
        self.history.amended.as_ref().map_or(&self.score, |amended| &amended.score)
    }
}

/// Decides a statement of a stored order that has a higher revision.
///
/// `found` is what the codes are that the order names or named, and the discounts that it issued, in any order.
pub fn decide(
    account: &Account,
    found: &[NamedCode],
    stored: &ScoredOrder,
    order: &Arc<Order>,
    content_hash: [u8; 32],
    redemption: Option<&Redemption>,
    context: &Context<'_>,
) -> Result<Decision<Arc<ScoredOrder>>, Rejection> {
    check_identity(stored, order)?;
    let mut scored = stored.clone();
    scored.version = stored.version.checked_add(1).ok_or(Overflow)?;
    scored.order = order.clone();
    scored.content_hash = content_hash;
    let paid = Paid::by_amendment(stored, order, context.now);
    let uses_the_same = stored.codes_of(order) == stored.codes_used();
    if stored.order.says_the_same(order) && uses_the_same && paid.is_none() {
        // Shops send every update. One that changes nothing here takes its number and leaves no entry.
        let scored = Arc::new(scored);
        let write = Write::Put(Record::Order(scored.clone()), Guard::Version(stored.version));
        return Ok(Decision { writes: vec![write], answer: scored });
    }
    let version = context.schedule.version(stored.score.program_version).ok_or(Rejection::UnknownOrder)?;
    let (account, changes) = advance::advance(context.schedule, account, context.now)?;
    let worth = rules::worth(&version.program, order, &Known::Scored(&stored.score))?;
    let outcomes = worth.outcomes.clone();
    let program = &*version.program;
    let mut amending = Amending {
        stored,
        scored,
        program,
        found,
        context,
        account,
        worth,
        outcomes,
        changes,
        writes: Vec::new(),
        given_back: Vec::new(),
        taken_off: Vec::new(),
    };
    amending.exchange_discounts()?;
    amending.exchange_points()?;
    let points = amending.amend_points()?;
    amending.pay(paid)?;
    let reached = amending.review_tier()?;
    let issued = amending.review_discounts();
    amending.finish(points, reached, issued, redemption)
}

/// Where an order leads to in the tiers.
struct Reached {
    qualifying: Measure,
    tier_after: TierId,
    raise: Option<Raise>,
    gifts: Vec<OrderGift>,
}

/// What an order is counted by stays: whose it is, when it was placed, in which currency.
fn check_identity(scored: &ScoredOrder, order: &Order) -> Result<(), Rejection> {
    let stored = &scored.order;
    if stored.account_id != order.account_id {
        // To somebody else's statement, no more than that it is not theirs.
        return Err(Rejection::ContentDiffers { paths: vec!["$.account_id".to_owned()] });
    }
    let mut faults = Faults::default();
    let same = [
        ("placed_at", stored.placed_at == order.placed_at),
        ("currency", stored.currency == order.currency),
        // What it used of one stays with it, whether that is named again or not.
        ("reservation_id", order.reservation.is_none() || order.reservation == scored.reservation_used()),
    ];
    for (field, _) in same.iter().filter(|(_, same)| !same) {
        faults.add(&Path::Key(&Path::Root, field), "immutable", "an amendment cannot change it; cancel the order");
    }
    Ok(faults.into_result(Some(()))?)
}

/// An amendment, step by step; [`decide`] says in which order.
struct Amending<'a> {
    stored: &'a ScoredOrder,
    scored: ScoredOrder,
    program: &'a Program,
    found: &'a [NamedCode],
    context: &'a Context<'a>,
    account: Account,
    worth: Worth,
    outcomes: Vec<Outcome>,
    changes: Vec<Change>,
    writes: Vec<Write>,
    /// Rules of the discounts that are open again because the new statement does not name them any more.
    given_back: Vec<RuleId>,
    /// What each discount that the new statement uses takes off.
    taken_off: Vec<TakesOff>,
}

impl Amending<'_> {
    /// Spends what the new statement pays more with points, and gives back what it pays less.
    fn exchange_points(&mut self) -> Result<(), Rejection> {
        let (points, now) = (self.stored.points_of(&self.scored.order), self.context.now);
        let in_force = &self.context.schedule.at(now).program;
        let exchange = in_force.points.exchange.as_ref();
        uses::amend(&mut self.account, &mut self.scored, points, exchange, self.program, now, &mut self.changes)
    }

    fn put(&mut self, before: &Discount, after: Discount) {
        self.writes.push(Write::Put(Record::Discount(Box::new(after)), Guard::Version(before.version)));
    }

    /// Brings what the order counts for, and its points, to what its newest statement says.
    fn amend_points(&mut self) -> Result<PointsAmended, Rejection> {
        let (program, now) = (self.program, self.context.now);
        let paid_before = Basket::whole(program, &self.stored.order)?.eligible_paid;
        let before = figures(self.stored, program, paid_before, &self.stored.current().taken_off)?;
        let keeps = returns::due(&self.scored, program)?;
        let tally = self.stored.history.tally;
        let more = keeps.minus(tally.credited()?)?;
        let mut awarded = Vec::new();
        let reversal = if more > Points::ZERO {
            let (forgiven, more) = forgive(&tally, more)?;
            self.account.lifetime.unrecovered = self.account.lifetime.unrecovered.plus(forgiven.unrecovered)?;
            awarded = self.award(more)?;
            forgiven
        } else {
            returns::reverse(&mut self.account, &self.scored, Points::ZERO.minus(more)?, program, now)?
        };
        let after = tally.amended(self.worth.points, keeps, &reversal)?;
        let points = PointsAmended {
            earned: after.earned.minus(tally.earned)?,
            reversed: after.reversed.minus(tally.reversed)?,
            reversal,
        };
        let lifetime = &mut self.account.lifetime;
        lifetime.reversed = lifetime.reversed.minus(reversal.reversed()?)?.plus(points.reversed)?;
        self.scored.history.tally = after;
        let after = figures(&self.scored, program, self.worth.eligible_paid, &self.taken_off)?;
        self.account.activity.amend(program.calendar.month(self.stored.order.placed_at), &before, &after)?;
        self.account.lifetime.amend(&before, &after)?;
        self.note(points, awarded);
        Ok(points)
    }

    /// Gives points that the order earns more.
    fn award(&mut self, more: Points) -> Result<Vec<Change>, Overflow> {
        let (program, now) = (self.program, self.context.now);
        if self.scored.awaits_payment(program) {
            self.account.holdings.add_unpaid(more)?;
            return Ok(Vec::new());
        }
        let available_at = rules::available_at(program, &self.scored.order, now);
        // Those of an order whose points have ended do so at once.
        let end = returns::end_now(&self.account, self.stored, program, now);
        let end = end.unwrap_or(End::at(self.stored.score.expires_at));
        rules::award(&mut self.account, more, available_at, end, self.context)
    }

    /// Takes in that the new statement says for the first time that the order is paid.
    fn pay(&mut self, paid: Option<Paid>) -> Result<(), Overflow> {
        let Some(paid) = paid else { return Ok(()) };
        let (account, scored) = (&mut self.account, &mut self.scored);
        let waited = scored.unpaid(self.program)?;
        self.changes.extend(payment::take_in(account, scored, paid, waited, self.program, self.context)?);
        Ok(())
    }

    /// From when points that the order earns now can be spent, if not at once and if that is known.
    fn available_at(&self) -> Option<Instant> {
        let available_at = rules::available_at(self.program, &self.scored.order, self.context.now);
        available_at.filter(|_| !self.scored.awaits_payment(self.program))
    }

    fn note(&mut self, points: PointsAmended, awarded: Vec<Change>) {
        let order = &self.scored.order;
        let money = |amount: Minor| Money { amount, currency: order.currency };
        self.changes.push(Change::Order(OrderChange::Amended {
            order: order.key.clone(),
            revision: order.revision,
            eligible_before: money(self.stored.current().eligible),
            eligible: money(self.worth.eligible),
            points: self.worth.points,
        }));
        if points != PointsAmended::default() {
            let Reversal { taken, owed, unrecovered, lapsed } = points.reversal;
            let PointsAmended { earned, reversed, .. } = points;
            let given = earned > reversed;
            let available_at = self.available_at().filter(|_| given);
            let until_paid = given && self.scored.awaits_payment(self.program);
            self.changes.push(Change::Points(PointsChange::Amended {
                earned,
                reversed,
                taken,
                owed,
                unrecovered,
                lapsed,
                available_at,
                until_paid,
            }));
        }
        self.changes.extend(awarded);
    }

    /// The tier that the order leads to by its newest statement. Only what this order itself had raised, and nothing
    /// has changed since, is undone; what came back of the order lowers no tier, as with any return.
    fn review_tier(&mut self) -> Result<Reached, Overflow> {
        let (held, tiers) = (self.stored.current(), &self.program.tiers);
        let month = self.program.calendar.month(self.stored.order.placed_at);
        let is_kept = self.account.activity.months().iter().any(|kept| kept.month == month);
        let counts = is_kept || tiers.window == Window::Lifetime;
        // A tier that a later version added is above what this one can say.
        let is_bound = self.account.invitation.is_some() || !tiers.rise_with_orders();
        if !counts || is_bound || !tiers.knows(&self.account.tier) {
            return Ok(Reached::as_before(held, held.qualifying));
        }
        let whole = Basket::whole(self.program, &self.scored.order)?;
        let came_back = qualification::came_back(&self.scored, &whole, self.program)?;
        let qualifying = tier::highest(self.program, &self.account, month, came_back)?;
        if self.stored.score.no_member().is_some() {
            return Ok(Reached::as_before(held, qualifying));
        }
        let (account, now) = (&mut self.account, self.context.now);
        let own = held.raise.as_ref().filter(|raise| account.tier == held.tier_after && account.tier_since == raise.at);
        let base = own.map_or_else(|| account.tier.clone(), |raise| raise.from.clone());
        let reached = &tier::reached(tiers, qualifying).id;
        let raises = tiers.place(reached) > tiers.place(&base);
        let to = if raises { reached.clone() } else { base.clone() };
        if to == account.tier {
            return Ok(Reached::as_before(held, qualifying));
        }
        let held_since = own.map_or(account.tier_since, |raise| raise.held_since);
        let upgrades = account.lifetime.upgrades.saturating_sub(u64::from(own.is_some()));
        account.lifetime.upgrades = upgrades.saturating_add(u64::from(raises));
        let from = account.tier.clone();
        match raises {
            true => account.reach_tier(to.clone(), now),
            false => account.hold_tier(to.clone(), held_since),
        }
        if review::next(account, self.context.schedule).is_some_and(|review| review.at <= now) {
            // A review of the tier that is held again fell due while the other was held: nothing is reviewed in the past.
            account.reviewed = own.map(|raise| Reviewed::afresh(raise.at));
        }
        let measured = tiers.metric.measured(qualifying, self.stored.order.currency);
        let base_held = base.clone();
        self.changes.push(Change::Tier(TierChange::Changed {
            from,
            to: to.clone(),
            qualifying: measured,
            reviewed_at: None,
        }));
        let gifts = entry::give(&mut self.account, self.program, &base_held, self.context)?;
        self.changes.extend(gifts.changes);
        self.writes.extend(gifts.writes);
        let raise = raises.then_some(Raise { from: base, held_since, at: now });
        Ok(Reached { qualifying, tier_after: to, raise, gifts: gifts.given })
    }

    /// The discounts that the order brings about by its newest statement: one that it would not bring about any more is
    /// withdrawn, unless it was used.
    fn review_discounts(&mut self) -> Vec<IssuedDiscount> {
        let mut issued = self.stored.current().issued.clone();
        let first = self.stored.score.outcomes.iter().skip(self.program.earning.rules().len());
        let first: Vec<_> =
            first.copied().map(Some).chain(std::iter::repeat(None)).take(self.program.discounts.len()).collect();
        for (rule, first) in self.program.discounts.iter().zip(first) {
            // What its account ruled out when it was first scored stays ruled out.
            if let Some(Outcome::Missed(why)) = first.filter(|first| first.is_of_account()) {
                self.outcomes.push(Outcome::Missed(why));
                continue;
            }
            let known = issued.iter().position(|discount| discount.rule == rule.id);
            let outcome = match known.and_then(|place| issued.get_mut(place)) {
                Some(known) => self.review_discount(rule, known),
                None => self.issue(rule).map(|new| issued.push(new)),
            };
            self.outcomes.push(outcome.map_or_else(Outcome::Missed, |()| Outcome::Fired));
        }
        issued
    }

    fn issue(&mut self, rule: &DiscountRule) -> Result<IssuedDiscount, Condition> {
        let order = &self.scored.order;
        let discount = rules::issue(&self.account, rule, order, self.worth.eligible, self.program, self.context)?;
        self.changes.push(self.account.open_discount(&discount));
        let issued = IssuedDiscount::of(&discount);
        self.writes.push(Write::Put(Record::Discount(Box::new(discount)), Guard::Absent));
        Ok(issued)
    }

    /// Withdraws a discount of this order, or makes it valid again, as its rule now says.
    fn review_discount(&mut self, rule: &DiscountRule, known: &mut IssuedDiscount) -> Result<(), Condition> {
        let due = rules::may_issue(&self.account, rule, known.expires_at, self.worth.eligible, self.context.now);
        let Some(discount) = self.own(&known.code).cloned() else { return Ok(()) };
        let lifetime = &mut self.account.lifetime;
        let lost = match due {
            Err(Condition::BelowMinimum) => Some(Condition::BelowMinimum),
            // It was issued only because the order had used the one that is open again.
            _ if self.given_back.contains(&rule.id) => Some(Condition::AlreadyOpen),
            _ => None,
        };
        if known.void {
            due?;
            known.void = false;
            let valid = discount.voided(false);
            self.changes.push(self.account.open_discount(&valid));
            self.put(&discount, valid);
        } else if let Some(lost) = lost.filter(|_| discount.check(self.context.now).is_ok()) {
            known.void = true;
            lifetime.discounts_issued = lifetime.discounts_issued.saturating_sub(1);
            let closed = self.account.close_discount(&discount);
            self.changes.push(Change::Discount(DiscountChange::Voided { code: known.code.clone() }));
            self.put(&discount, closed.voided(true));
            return Err(lost);
        }
        Ok(())
    }

    fn finish(
        self,
        points: PointsAmended,
        reached: Reached,
        issued: Vec<IssuedDiscount>,
        redemption: Option<&Redemption>,
    ) -> Result<Decision<Arc<ScoredOrder>>, Rejection> {
        let (held, order) = (self.stored.current(), self.scored.order.clone());
        let end = returns::end_now(&self.account, self.stored, self.program, self.context.now);
        let earlier = self.stored.history.amended.iter().flat_map(|amended| &amended.score.gifts);
        let score = Score {
            decided_at: self.context.now,
            expires_at: end.map_or(held.expires_at, |end| end.expires_at),
            entry: self.account.version.checked_add(1).ok_or(Overflow)?,
            tier_after: reached.tier_after,
            raise: reached.raise,
            qualifying: reached.qualifying,
            eligible: self.worth.eligible,
            points: self.worth.points,
            available_at: self.available_at(),
            balance: self.account.available()?,
            outcomes: self.outcomes,
            issued,
            taken_off: self.taken_off,
            granted: Vec::new(),
            gifts: earlier.cloned().chain(reached.gifts).collect(),
            ..held.clone()
        };
        let mut scored = self.scored;
        scored.history.amended = Some(Amended { revision: order.revision, score, points });
        let (mut account, mut changes) = (self.account, self.changes);
        let (followed, noted) = match scored.qualified_referral() {
            true => referral::follow(&mut account, &scored, redemption, self.program, self.context)?,
            false => referral::amended_order(&mut account, &mut scored, self.program, self.context)?.unzip(),
        };
        changes.extend(noted);
        let (scored, version) = (Arc::new(scored), self.stored.score.program_version);
        let cause = Cause::OrderAmended { order: order.key.clone(), revision: order.revision };
        let mut writes = vec![Write::Put(Record::Order(scored.clone()), Guard::Version(self.stored.version))];
        writes.extend(decision::commit(account, cause, changes, version, self.context)?);
        writes.extend(self.writes.into_iter().chain(followed));
        Ok(Decision { writes, answer: scored })
    }
}

impl Reached {
    fn as_before(held: &Score, qualifying: Measure) -> Self {
        Self { qualifying, tier_after: held.tier_after.clone(), raise: held.raise.clone(), gifts: Vec::new() }
    }
}

/// What an order that used such discounts counts for, less what came back.
fn figures(
    scored: &ScoredOrder,
    program: &Program,
    eligible_paid: Minor,
    taken_off: &[TakesOff],
) -> Result<Figures, Overflow> {
    // Those that it gave back it does not use any more.
    let taken_off = if scored.has_given_discounts_back() { &[] } else { taken_off };
    let kept = returns::totals(scored, program)?;
    let bought = scored.order.lines.iter().map(|line| line.quantity).fold(0, u64::saturating_add);
    let still = scored.kept_units().into_iter().fold(0, u64::saturating_add);
    Ok(Figures {
        units: still,
        returned_units: bought.saturating_sub(still),
        revenue: kept.total,
        eligible: kept.eligible,
        earned: scored.history.tally.earned,
        discounts_used: discount::count(taken_off),
        discount_value: discount::value(kept.eligible_paid, eligible_paid, taken_off)?,
        aside: qualification::aside(scored, program)?,
    })
}

/// Points that could not be taken back earlier and that the order earns again: the account has kept them, so they are
/// not given twice. Answers by how much that changes what was written off or lapsed, and what is left to give.
fn forgive(tally: &Tally, more: Points) -> Result<(Reversal, Points), Overflow> {
    let unrecovered = more.min(tally.unrecovered);
    let lapsed = more.minus(unrecovered)?.min(tally.lapsed);
    let left = more.minus(unrecovered)?.minus(lapsed)?;
    let negative = |points: Points| Points::ZERO.minus(points);
    let reversal = Reversal { unrecovered: negative(unrecovered)?, lapsed: negative(lapsed)?, ..Reversal::default() };
    Ok((reversal, left))
}

impl Tally {
    /// The tally once an order of which `keeps` is still due earns `earned`, and `reversal` has settled the difference.
    ///
    /// What could not be taken back stays earned: the account has had it.
    fn amended(&self, earned: Points, keeps: Points, reversal: &Reversal) -> Result<Self, Overflow> {
        let unrecovered = self.unrecovered.plus(reversal.unrecovered)?;
        let lapsed = self.lapsed.plus(reversal.lapsed)?;
        let had = keeps.plus(unrecovered)?.plus(lapsed)?;
        let earned = earned.max(had);
        Ok(Self { earned, reversed: earned.minus(had)?, unrecovered, lapsed })
    }
}
