//! One account's history, decided once more.

use super::given::Granted;
use super::outcome::{Outcome, calendar};
use super::paid;
use super::redeemed::Redeemed;
use super::takes::{self, Take, Timeline};
use super::{Facts, Plan};
use crate::account::Account;
use crate::adjustment::{self, AdjustmentDocument};
use crate::amendment;
use crate::code::Code;
use crate::credit_note::CreditNote;
use crate::decision::{Context, Decision, Record, Rejection, Write};
use crate::discount::{Discount, Issuer};
use crate::earning::{Beside, EarningRule};
use crate::id::{OrderKey, RuleId};
use crate::idempotency::CommandKey;
use crate::invitation::{self, InvitationDocument};
use crate::ledger::{Cause, Change, DiscountChange, Entry, PointsChange, TierChange};
use crate::limit::{Limit, LimitId, LimitKind};
use crate::money::{Overflow, Points};
use crate::named_code::NamedCode;
use crate::opening;
use crate::order::Order;
use crate::parked::{ParkedOrder, Waiting};
use crate::payment::PaymentState;
use crate::referral::RedemptionKey;
use crate::returns::{self, CancellationDocument, ReturnDocument, ReturnKey, ReturnLine, Returned, Reversing};
use crate::schedule::Schedule;
use crate::score::{self, ScoredOrder};
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a replay left out, or took otherwise than it happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LeftOut {
    /// Orders that the program refuses.
    pub orders_refused: u64,
    /// Returns, cancellations, amendments and payments of such orders, or refused themselves.
    pub returns_refused: u64,
    /// Adjustments, openings and invitations that it refuses.
    pub adjustments_refused: u64,
    /// Discounts that were used and that it does not issue, or not for so long.
    pub discounts_not_issued: u64,
    /// Redemptions of rewards, and their cancellations, that it refuses; and orders that would spend more points than there
    /// are here: they spend what there is.
    pub redemptions_refused: u64,
    /// Orders that were amended: they are taken as they stand now.
    pub orders_amended: u64,
    /// Records that entries name and that are not there.
    pub records_missing: u64,
}

impl LeftOut {
    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            orders_refused: self.orders_refused.saturating_add(other.orders_refused),
            returns_refused: self.returns_refused.saturating_add(other.returns_refused),
            adjustments_refused: self.adjustments_refused.saturating_add(other.adjustments_refused),
            discounts_not_issued: self.discounts_not_issued.saturating_add(other.discounts_not_issued),
            redemptions_refused: self.redemptions_refused.saturating_add(other.redemptions_refused),
            orders_amended: self.orders_amended.saturating_add(other.orders_amended),
            records_missing: self.records_missing.saturating_add(other.records_missing),
        }
    }
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// The account at the end; `None`: the program would not have let it in.
    pub account: Option<Account>,
    /// What its history comes to.
    pub outcome: Outcome,
    /// What was left out.
    pub left_out: LeftOut,
    /// What it took of limits over all accounts.
    pub takes: Vec<Take>,
}

/// Decides an account's history once more, under these versions of the program. Nobody else takes of limits.
pub fn replay(facts: &Facts, schedule: &Schedule, plan: &Plan<'_>) -> Result<Replayed, Overflow> {
    replay_with(facts, schedule, None, plan)
}

/// The same with what everybody takes of limits over all accounts.
pub(super) fn replay_with(
    facts: &Facts,
    schedule: &Schedule,
    assumed: Option<&Timeline>,
    plan: &Plan<'_>,
) -> Result<Replayed, Overflow> {
    let mut replay = Replay {
        facts,
        schedule,
        assumed,
        plan,
        account: None,
        orders: Vec::with_capacity(facts.orders.len()),
        places: BTreeMap::new(),
        discounts: Vec::new(),
        shared: BTreeMap::new(),
        notes: BTreeMap::new(),
        granted: Vec::new(),
        redeemed: Redeemed::default(),
        outcome: Outcome::default(),
        left_out: LeftOut::default(),
        takes: Vec::new(),
    };
    for entry in facts.entries() {
        replay.decide(entry)?;
    }
    replay.end()
}

/// A replay under way.
pub(super) struct Replay<'a> {
    pub facts: &'a Facts,
    pub schedule: &'a Schedule,
    pub assumed: Option<&'a Timeline>,
    pub plan: &'a Plan<'a>,
    pub account: Option<Account>,
    /// Orders in the sequence in which they came.
    pub orders: Vec<Placed>,
    /// Where each of them stands.
    pub places: BTreeMap<OrderKey, usize>,
    pub discounts: Vec<Discount>,
    /// Codes that it shares with others, as far as its orders have used them.
    pub shared: BTreeMap<Code, NamedCode>,
    /// Credit notes as far as they were carried out.
    pub notes: BTreeMap<String, CreditNote>,
    /// The points that referrals brought.
    pub granted: Vec<(RedemptionKey, Granted)>,
    /// What points were redeemed for.
    pub redeemed: Redeemed,
    pub outcome: Outcome,
    pub left_out: LeftOut,
    pub takes: Vec<Take>,
}

/// An order that was placed.
pub(super) struct Placed {
    /// Sequence of the stored entry that says so.
    pub entry: u64,
    /// The discounts that it has used by then, by the codes that they are stored under.
    pub codes: Vec<Code>,
    /// The order as it was decided here.
    pub scored: Arc<ScoredOrder>,
}

/// An order that names what it can use.
struct Named {
    /// It names them by the codes that they have here.
    order: Arc<Order>,
    found: Vec<NamedCode>,
    /// The codes that they are stored under.
    codes: Vec<Code>,
}

impl<'a> Replay<'a> {
    fn decide(&mut self, entry: &'a Entry) -> Result<(), Overflow> {
        self.let_in(entry);
        match &entry.cause {
            Cause::OrderPlaced { order } => self.place(entry, order),
            Cause::OrderReturned { order, return_id } => {
                self.take_back(entry, order, &ReturnKey::Return(return_id.clone()))
            }
            Cause::OrderCancelled { order } => self.take_back(entry, order, &ReturnKey::Cancellation),
            Cause::OrderAmended { order, .. } => self.amend(entry, order),
            Cause::OrderPaid { order } => self.pay(entry, order),
            Cause::CreditNote { credit_note_id } => self.credit(entry, credit_note_id),
            Cause::Adjustment => self.adjust(entry),
            Cause::Opening => self.open(entry),
            Cause::Erasure => self.erase(entry),
            Cause::TierPut => self.invite(entry),
            Cause::Referral { .. } => self.grant(entry),
            Cause::RewardRedeemed { reward } => self.redeem(entry, reward),
            Cause::RewardCancelled { redemption } => self.cancel(entry, *redemption),
            Cause::AccountPut | Cause::Membership => self.put_account(entry),
            Cause::MembershipPayment => self.pay_fee(entry),
            // What time has made true is true without them; what occasions bring is given when walked.
            Cause::Walked => self.celebrate(entry),
            // These move no points. What is held is the account's all the same: what an order used stands on the order.
            Cause::ContactPut { .. } | Cause::ReferralCode { .. } | Cause::PerkUse { .. } => Ok(()),
            Cause::Reserved { .. } | Cause::ReservationReleased { .. } => Ok(()),
        }
    }

    pub fn context(&self, entry: &Entry) -> Context<'a> {
        let (now, secrets) = (entry.at, self.plan.secrets);
        Context { schedule: self.schedule, secrets, by: "", now, wall_day: now.utc_day(), collisions: 0 }
    }

    /// The account; one that nobody knew is enrolled.
    pub fn enrol(&mut self, entry: &Entry) -> &mut Account {
        let (facts, schedule) = (self.facts, self.schedule);
        self.account.get_or_insert_with(|| {
            let (mut account, _) = Account::enrol(facts.account.id.clone(), &schedule.at(entry.at).program, entry.at);
            account.segments.clone_from(&facts.account.segments);
            account.version = 1;
            account
        })
    }

    /// Takes over what a decision writes; `None`: it was refused.
    pub fn apply<T>(&mut self, decided: Result<Decision<T>, Rejection>) -> Result<Option<T>, Overflow> {
        let Ok(Decision { writes, answer }) = decided else { return Ok(None) };
        for write in writes {
            let Write::Put(record, _) = write else { continue };
            match record {
                Record::Account(account) => {
                    let segments = self.facts.account.segments.clone();
                    self.account = Some(Account { segments, ..*account });
                }
                Record::Entry(entry) => self.outcome.count(&entry.changes, entry.at, calendar(self.plan))?,
                Record::Order(scored) => self.put_order(scored),
                Record::Discount(discount) => self.put_discount(*discount),
                Record::RewardRedemption(redemption) => {
                    self.redeemed.redemptions.insert(redemption.redemption_id, *redemption);
                }
                Record::RewardUses(uses) => self.redeemed.uses = Some(*uses),
                Record::PerkUses(uses) => self.redeemed.perk_uses = Some(*uses),
                _ => {}
            }
        }
        Ok(Some(answer))
    }

    fn put_order(&mut self, scored: Arc<ScoredOrder>) {
        let place = self.places.get(&scored.order.key).and_then(|place| self.orders.get_mut(*place));
        place.into_iter().for_each(|placed| placed.scored = scored.clone());
    }

    pub fn put_discount(&mut self, discount: Discount) {
        match self.discounts.iter_mut().find(|held| held.code == discount.code) {
            Some(held) => *held = discount,
            None => self.discounts.push(discount),
        }
    }

    pub fn placed(&self, order: &OrderKey) -> Option<&Placed> {
        self.places.get(order).and_then(|place| self.orders.get(*place))
    }

    fn place(&mut self, entry: &Entry, key: &OrderKey) -> Result<(), Overflow> {
        let (facts, schedule) = (self.facts, self.schedule);
        let Some(stored) = facts.orders.get(key) else {
            add_one(&mut self.left_out.records_missing);
            return Ok(());
        };
        let codes = match &stored.history.amended {
            None => stored.codes_used().to_vec(),
            Some(_) => {
                add_one(&mut self.left_out.orders_amended);
                used(entry).cloned().collect()
            }
        };
        self.note_shared(stored, entry);
        let Named { order, found, codes } = self.naming(&paid::as_placed(stored, entry), codes, entry.at);
        let order = self.paying(order, stored, entry)?;
        let parked = waiting(stored, entry);
        let (hash, context) = (stored.content_hash, self.context(entry));
        let program = &schedule.for_order(order.placed_at, entry.at).program;
        let budgets = program.earning.rules().iter().filter(|rule| rule.budget.is_some());
        let budget = |rule: &EarningRule| self.limit(LimitId::of(LimitKind::EarningBudget, &rule.id), entry);
        let limits: Vec<_> = budgets.map(budget).collect();
        let role = order.contact_id.as_ref().and_then(|contact| facts.roles.get(contact)).copied();
        let beside = Beside { limits: &limits, role, reservation: None };
        let account = self.account.as_ref();
        let decided = score::decide_beside(account, &found, parked.as_ref(), &beside, (&order, hash), &context);
        match self.apply(decided)? {
            Some(scored) => {
                self.takes.extend(takes::of_order(&scored.score.granted, program, (&order.account_id, entry)));
                self.places.insert(key.clone(), self.orders.len());
                self.orders.push(Placed { entry: entry.sequence, codes, scored });
            }
            None => add_one(&mut self.left_out.orders_refused),
        }
        Ok(())
    }

    /// A limit over all accounts as a commit finds it.
    pub fn limit(&self, id: LimitId, entry: &Entry) -> Limit {
        match self.assumed {
            Some(assumed) => assumed.limit(id, &self.facts.account.id, entry),
            None => Limit::untouched(id),
        }
    }

    /// An order with those of these discounts that it can use here.
    fn naming(&mut self, order: &Arc<Order>, stored: Vec<Code>, now: Instant) -> Named {
        let (mut found, mut codes) = (Vec::with_capacity(stored.len()), Vec::with_capacity(stored.len()));
        for code in stored {
            if let Some(shared) = self.shared.get(&code) {
                found.push(shared.clone());
                codes.push(code);
                continue;
            }
            let record = self.facts.discounts.get(&code);
            let issued = record.and_then(|record| self.issued(&record.issued_by, &record.rule));
            let is_usable =
                |discount: &&Discount| discount.used_by.as_ref() == Some(&order.key) || discount.check(now).is_ok();
            match issued.filter(is_usable).cloned() {
                Some(discount) => {
                    found.push(discount.into());
                    codes.push(code);
                }
                None => add_one(&mut self.left_out.discounts_not_issued),
            }
        }
        let discount_codes: Vec<_> = found.iter().map(|named: &NamedCode| named.code().clone()).collect();
        let order = match discount_codes == order.discount_codes {
            true => order.clone(),
            false => Arc::new(Order { discount_codes, ..Order::clone(order) }),
        };
        Named { order, found, codes }
    }

    /// The discount that something issued here by a rule.
    fn issued(&self, by: &Issuer, rule: &RuleId) -> Option<&Discount> {
        self.discounts.iter().find(|discount| discount.issued_by == *by && discount.rule == *rule)
    }

    fn take_back(&mut self, entry: &Entry, key: &OrderKey, by: &ReturnKey) -> Result<(), Overflow> {
        let returned = self.facts.orders.get(key).and_then(|stored| stored.returned(by));
        let Some(returned) = returned else {
            add_one(&mut self.left_out.records_missing);
            return Ok(());
        };
        let context = self.context(entry);
        let decided = self.account.as_ref().zip(self.placed(key)).and_then(|(account, placed)| {
            let reversing = reversing(returned, &placed.scored);
            let program = &self.schedule.version(placed.scored.score.program_version)?.program;
            let codes = placed.scored.codes_to_give_back(by, program);
            Some(returns::decide(account, &placed.scored, &reversing, &self.found(codes), None, &context))
        });
        self.carried_out(decided)
    }

    /// Its lines are what they are now from the start; its discounts and its payment change when they did.
    fn amend(&mut self, entry: &Entry, key: &OrderKey) -> Result<(), Overflow> {
        let released: Vec<_> = entry.changes.iter().filter_map(released).collect();
        let pays = self.facts.orders.get(key).is_some_and(|stored| paid::says_so(stored, entry));
        if released.is_empty() && used(entry).next().is_none() && !pays {
            return Ok(());
        }
        self.facts.orders.get(key).into_iter().for_each(|stored| self.note_shared(stored, entry));
        let Some(place) = self.places.get(key).copied() else { return self.carried_out::<()>(None) };
        let Some(placed) = self.orders.get(place) else { return Ok(()) };
        let scored = placed.scored.clone();
        let kept = placed.codes.iter().filter(|code| !released.contains(code));
        let codes = kept.chain(used(entry)).cloned().collect();
        let Named { order, codes, .. } = self.naming(&scored.order, codes, entry.at);
        self.orders.get_mut(place).into_iter().for_each(|placed| placed.codes.clone_from(&codes));
        let revision = scored.order.revision.checked_add(1).ok_or(Overflow)?;
        let payment_state = if pays { Some(PaymentState::Paid) } else { order.payment_state };
        let order = Arc::new(Order { revision, payment_state, ..Order::clone(&order) });
        let (hash, context) = (scored.content_hash, self.context(entry));
        let mut found = NamedCode::of_own(&self.discounts);
        found.extend(self.shared.values().cloned());
        let account = self.account.as_ref();
        let decided = account.map(|account| amendment::decide(account, &found, &scored, &order, hash, None, &context));
        self.carried_out(decided)
    }

    pub fn carried_out<T>(&mut self, decided: Option<Result<Decision<T>, Rejection>>) -> Result<(), Overflow> {
        let done = decided.map(|decided| self.apply(decided)).transpose()?.flatten();
        if done.is_none() {
            add_one(&mut self.left_out.returns_refused);
        }
        Ok(())
    }

    fn adjust(&mut self, entry: &Entry) -> Result<(), Overflow> {
        let Some(document) = entry.changes.iter().find_map(|change| self.adjustment(change, entry.at)) else {
            add_one(&mut self.left_out.records_missing);
            return Ok(());
        };
        // Its record is not kept here, so that any key is as good.
        let key = CommandKey::opening();
        let decided = adjustment::adjust(self.account.as_ref(), &document, &key, &self.context(entry));
        if self.apply(decided)?.is_none() {
            add_one(&mut self.left_out.adjustments_refused);
        }
        Ok(())
    }

    /// What was asked for. Points for which no end was stated last as long as the program says.
    fn adjustment(&self, change: &Change, at: Instant) -> Option<AdjustmentDocument> {
        let usual = || {
            let program = &self.plan.in_force.at(at).program;
            let months = program.points.expiry.months();
            months.map_or(Instant::NEVER, |months| program.calendar.end_of_month_after(at, months))
        };
        let (points, stated, reason, reference) = match change {
            Change::Points(PointsChange::Credited { points, expires_at, reason, reference }) => {
                (*points, Some(*expires_at).filter(|end| *end != usual()), reason, reference)
            }
            Change::Points(PointsChange::Deducted { points, reason, reference, .. }) => {
                (Points::ZERO.minus(*points).ok()?, None, reason, reference)
            }
            _ => return None,
        };
        Some(AdjustmentDocument { points, reason: reason.clone(), reference: reference.clone(), expires_at: stated })
    }

    /// Into a tier that is by invitation here, too, or out of it.
    fn invite(&mut self, entry: &Entry) -> Result<(), Overflow> {
        let document = entry.changes.iter().find_map(|change| match change {
            Change::Tier(TierChange::Invited { to, until, reason, .. }) => {
                Some(InvitationDocument { tier: Some(to.clone()), until: *until, reason: reason.clone() })
            }
            Change::Tier(TierChange::InvitationEnded { reason: Some(reason), .. }) => {
                Some(InvitationDocument { tier: None, until: Instant::NEVER, reason: reason.clone() })
            }
            _ => None,
        });
        let context = self.context(entry);
        let decided = document.map(|document| invitation::decide(self.account.as_ref(), &document, &context));
        if decided.map(|decided| self.apply(decided)).transpose()?.flatten().is_none() {
            add_one(&mut self.left_out.adjustments_refused);
        }
        Ok(())
    }

    fn open(&mut self, entry: &Entry) -> Result<(), Overflow> {
        let Some(brought) = &self.facts.opening else {
            add_one(&mut self.left_out.records_missing);
            return Ok(());
        };
        let decided = opening::open(self.account.as_ref(), brought, &self.context(entry));
        if self.apply(decided)?.is_none() {
            add_one(&mut self.left_out.adjustments_refused);
        }
        Ok(())
    }

    fn end(mut self) -> Result<Replayed, Overflow> {
        let orders = self.orders.iter().map(|placed| &*placed.scored);
        self.outcome.add_discounts(orders, self.schedule, calendar(self.plan))?;
        let Self { mut outcome, left_out, account, schedule, plan, takes, .. } = self;
        let account = account.map(|account| outcome.end(&account, schedule, plan)).transpose()?;
        Ok(Replayed { account, outcome, left_out, takes })
    }
}

pub(super) fn add_one(count: &mut u64) {
    *count = count.saturating_add(1);
}

/// The discounts that an entry says were used.
pub(super) fn used(entry: &Entry) -> impl Iterator<Item = &Code> {
    entry.changes.iter().filter_map(|change| match change {
        Change::Discount(DiscountChange::Used { code, .. }) => Some(code),
        _ => None,
    })
}

fn released(change: &Change) -> Option<&Code> {
    match change {
        Change::Discount(DiscountChange::Released { code, .. }) => Some(code),
        _ => None,
    }
}

/// What came back of an order, as far as that has as much here. When it did by the shop's clock is not kept, and
/// decides nothing: it was not before its order.
fn reversing(returned: &Returned, scored: &ScoredOrder) -> Reversing {
    let at = scored.order.placed_at;
    let ReturnKey::Return(return_id) = &returned.key else {
        return Reversing::Cancellation(CancellationDocument { cancelled_at: at });
    };
    let kept = scored.kept_units();
    let line = |(line_id, units): &(_, u64)| {
        let mut lines = scored.order.lines.iter().zip(&kept);
        let (_, left) = lines.find(|(line, _)| line.line_id == *line_id)?;
        let quantity = (*units).min(*left);
        (quantity > 0).then(|| ReturnLine { line_id: line_id.clone(), quantity })
    };
    let lines = returned.lines.iter().filter_map(line).collect();
    Reversing::Return(ReturnDocument { return_id: return_id.clone(), returned_at: at, lines })
}

/// What had waited for an order when it was placed.
fn waiting(stored: &ScoredOrder, entry: &Entry) -> Option<ParkedOrder> {
    let mut came_before = stored.history.returns.iter().filter(|back| back.entry == entry.sequence).peekable();
    let payment = paid::waited(stored, entry);
    if came_before.peek().is_none() && payment.is_none() {
        return None;
    }
    let whole = ScoredOrder { history: returns::History::start(Points::ZERO), ..stored.clone() };
    let wait = |back: &Returned| Waiting { reversing: reversing(back, &whole), parked_at: entry.at, by: String::new() };
    Some(ParkedOrder { key: stored.order.key.clone(), waiting: came_before.map(wait).collect(), payment, version: 0 })
}
