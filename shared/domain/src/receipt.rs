//! The answer about an order: what it earned and why, rendered from the stored score and its program version.
//!
//! Nothing here decides anything. The first answer and every later one are rendered by the same code from the same
//! stored values, so they are the same.

mod gifts;

use crate::amendment::{Amended, PointsAmended};
use crate::code::Code;
use crate::earning::{self, Arithmetic, eligible};
use crate::free_products::{self, FreeProduct, FreeProductReceipt, Placed};
use crate::id::{AccountId, LineId, OrderKey, ReservationId, RuleId, Sku, TierId};
use crate::lots::Taken;
use crate::membership;
use crate::money::{self, Factor, Minor, Money, Overflow, Percent, Points};
use crate::payment::Payment;
use crate::program::{DiscountRule, Program};
use crate::returns::{self, ReturnKey, ReturnReceipt};
use crate::score::{Condition, Outcome, ScoredOrder};
use crate::standing::Qualifying;
use crate::time::Instant;
use serde::Serialize;

/// The score of one order with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// Which order.
    #[serde(flatten)]
    pub order: OrderKey,
    /// Whose order.
    pub account_id: AccountId,
    /// When it was placed.
    pub placed_at: Instant,
    /// When it was scored.
    pub decided_at: Instant,
    /// The program version it was scored under.
    pub program_version: u32,
    /// Sequence of the ledger entry that holds it.
    pub entry: u64,
    /// What all its lines came to.
    pub total: Money,
    /// What its eligible lines came to.
    pub eligible_total: Money,
    /// What it earned.
    pub points: Points,
    /// From when the points can be spent, if not at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_at: Option<Instant>,
    /// The points wait until the order is paid, as things stood then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub until_paid: bool,
    /// When the points end, as things stood then; absent where they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// The account's spendable points right after it.
    pub balance: Points,
    /// The tier before and after.
    pub tier: TierStep,
    /// The reservation that it used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<ReservationId>,
    /// Codes that it used.
    pub discounts_used: Vec<Code>,
    /// Points that pay a part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points_used: Option<PointsUsed>,
    /// Discounts that it issued.
    pub discounts_issued: Vec<IssuedReceipt>,
    /// Products that it is entitled to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub free_products: Vec<FreeProductReceipt>,
    /// Every rule with what became of it, then the tier, what the order brought besides, and what its points wait for.
    pub reasons: Vec<Reason>,
    /// Lines that neither earn nor qualify.
    pub ineligible_lines: Vec<IneligibleLine>,
    /// Which statement of the order this is about, if it has a number.
    #[serde(skip_serializing_if = "is_first")]
    pub revision: u64,
    /// What this statement changed, if it amended the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amended: Option<AmendedReceipt>,
    /// Returns, or the cancellation, that had waited for the order and were carried out with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<ReturnReceipt>,
}

fn is_first(revision: &u64) -> bool {
    *revision == 0
}

/// Points that pay a part of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PointsUsed {
    /// How many.
    pub points: Points,
    /// What they are worth.
    pub value: Money,
}

/// What the latest amendment of an order changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AmendedReceipt {
    /// What the order had earned when it was first scored.
    pub points_first: Points,
    /// By how much the account's points changed: what was given, or taken and owed where negative.
    pub points: Points,
    /// Where points were taken from.
    pub taken: Taken,
    /// Points the account owes: its next earnings repay them.
    pub points_owed: Points,
    /// By how much the points that were written off changed.
    pub points_unrecovered: Points,
    /// By how much the points that had ended before they could be taken changed.
    pub points_lapsed: Points,
    /// The same in plain English.
    pub text: String,
}

/// The tier before and after an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TierStep {
    /// Held before the order: its multiplier counts.
    pub before: TierId,
    /// What points were multiplied with.
    pub multiplier: String,
    /// Held after it.
    pub after: TierId,
    /// What qualifies in the tier window, this order included.
    #[serde(flatten)]
    pub qualifying: Qualifying,
}

/// A discount that an order issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IssuedReceipt {
    /// What the customer types.
    pub code: Code,
    /// By which rule.
    pub rule: RuleId,
    /// What it takes off, in percent.
    pub percent: String,
    /// The first instant at which it is void.
    pub expires_at: Instant,
}

/// What became of one rule, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reason {
    /// The message, stable over versions.
    pub id: &'static str,
    /// The rule, or the tier reached or entered.
    pub rule: String,
    /// Whether it did something.
    pub fired: bool,
    /// Points it gave: those of the earning rules are the order's own, those of gifts come on top of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<Points>,
    /// The code of the discount that it brought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount: Option<Code>,
    /// The first condition that failed, if it did nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<&'static str>,
    /// How an earning rule that fired came to its points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arithmetic: Option<Arithmetic>,
    /// The same in plain English.
    pub text: String,
}

/// A line that neither earns nor qualifies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IneligibleLine {
    /// Its number.
    pub line_id: LineId,
    /// What was bought.
    pub sku: Sku,
    /// `excluded_sku`; `no_amount`; `paid_with_points`: points paid what was left of it, and these are not eligible; or
    /// `all_tax`: it comes to no more than the tax that is not eligible.
    pub reason: &'static str,
}

impl Reason {
    /// Something that happened, and is no matter of points.
    fn fired(id: &'static str, rule: &str, text: String) -> Self {
        let (rule, fired) = (rule.to_owned(), true);
        Self { id, rule, fired, points: None, discount: None, condition: None, arithmetic: None, text }
    }
}

/// Renders the receipt of an order under the program version it was scored with.
pub fn receipt(scored: &ScoredOrder, program: &Program) -> Result<Receipt, Overflow> {
    let (order, score) = (&scored.order, scored.current());
    let money = |amount| Money { amount, currency: order.currency };
    let multiplier = program.tiers.get(&score.tier).multiplier;
    let issued = score.issued.iter().filter(|issued| !issued.void).map(|issued| IssuedReceipt {
        code: issued.code.clone(),
        rule: issued.rule.clone(),
        percent: money::format_trimmed(issued.percent.0, Percent::DECIMALS),
        expires_at: issued.expires_at,
    });
    // A statement that changed nothing but its number left the amendment before it in place.
    let own_amendment = scored.history.amended.as_ref().filter(|amended| amended.revision == order.revision);
    let joined = scored.history.returns.iter().filter(|returned| returned.entry == score.entry);
    let joined: Vec<_> = joined.map(|returned| returns::receipt(scored, &returned.key)).collect::<Result<_, _>>()?;
    Ok(Receipt {
        order: order.key.clone(),
        account_id: order.account_id.clone(),
        placed_at: order.placed_at,
        decided_at: score.decided_at,
        program_version: score.program_version,
        entry: score.entry,
        total: money(order.total()?),
        eligible_total: money(score.eligible),
        points: score.points,
        available_at: score.available_at,
        until_paid: waited_for_payment(scored, program),
        expires_at: Some(score.expires_at).filter(|end| score.points > Points::ZERO && !end.is_never()),
        balance: score.balance,
        tier: TierStep {
            before: score.tier.clone(),
            multiplier: money::format_trimmed(multiplier.0, Factor::DECIMALS),
            after: score.tier_after.clone(),
            qualifying: program.tiers.metric.measured(score.qualifying, order.currency).into(),
        },
        reservation_id: scored.reservation_used(),
        discounts_used: scored.codes_used().to_vec(),
        points_used: points_used(scored),
        discounts_issued: issued.collect(),
        free_products: free_products::entitled(&program.free_products, &placed(scored, program)),
        reasons: reasons(scored, program)?,
        ineligible_lines: ineligible_lines(scored, program)?,
        revision: order.revision,
        amended: own_amendment.map(|amended| amended_receipt(scored, amended)).transpose()?,
        returns: joined.into_iter().flatten().collect(),
    })
}

fn points_used(scored: &ScoredOrder) -> Option<PointsUsed> {
    let uses = scored.history.uses.as_ref().filter(|uses| uses.points > Points::ZERO)?;
    let value = Money { amount: uses.value, currency: scored.order.currency };
    Some(PointsUsed { points: uses.points, value })
}

fn amended_receipt(scored: &ScoredOrder, amended: &Amended) -> Result<AmendedReceipt, Overflow> {
    let PointsAmended { earned, reversed, reversal } = amended.points;
    let points = earned.minus(reversed)?;
    let given = match points {
        Points::ZERO => "the account's points stay as they were".to_owned(),
        _ if points > Points::ZERO => format!("{points} points more were given"),
        _ => format!("{} points were taken back", reversal.reversed()?),
    };
    let (now, first) = (amended.score.points, scored.score.points);
    let mut before = scored.history.returns.iter().filter(|returned| returned.entry < amended.score.entry);
    let earns = match before.any(|returned| returned.key == ReturnKey::Cancellation) {
        true => "it stays cancelled and earns nothing".to_owned(),
        false => format!("it earns {now} points, {first} at first"),
    };
    let mut parts = vec![format!("The order was changed: {earns}; {given}")];
    parts.extend(reversal.sources());
    let text = format!("{}.", parts.join("; "));
    Ok(AmendedReceipt {
        points_first: scored.score.points,
        points,
        taken: reversal.taken,
        points_owed: reversal.owed,
        points_unrecovered: reversal.unrecovered,
        points_lapsed: reversal.lapsed,
        text,
    })
}

fn reasons(scored: &ScoredOrder, program: &Program) -> Result<Vec<Reason>, Overflow> {
    let mut reasons = earning::reasons(scored, program)?;
    let outcomes = scored.current().outcomes.iter().copied().skip(program.earning.rules().len());
    for (rule, outcome) in program.discounts.iter().zip(outcomes) {
        reasons.push(discount_reason(scored, rule, outcome));
    }
    reasons.extend(free_product_reasons(scored, program));
    reasons.extend(tier_reason(scored, program));
    reasons.extend(gifts::reasons(scored, program));
    if scored.qualified_referral() {
        let text = "With this order the referral counts that the account came by.".to_owned();
        reasons.push(Reason::fired("referral.qualified", "referral", text));
    }
    reasons.extend(wait_reason(scored, program));
    reasons.extend(late_reasons(scored));
    Ok(reasons)
}

/// For what the order's own points wait, if they do: what it brought besides does not.
fn wait_reason(scored: &ScoredOrder, program: &Program) -> Option<Reason> {
    let score = scored.current();
    if waited_for_payment(scored, program) {
        let text = "The points can be spent once the order is paid.".to_owned();
        return Some(Reason::fired("points.until_paid", "points", text));
    }
    let waits = score.points > Points::ZERO && score.expires_at > score.decided_at;
    let available_at = score.available_at.filter(|_| waits)?;
    let text = format!("The points can be spent from {available_at}.");
    Some(Reason::fired("points.pending", "points", text))
}

/// Whether what an order earns by its newest statement was to wait for its payment.
fn waited_for_payment(scored: &ScoredOrder, program: &Program) -> bool {
    let score = scored.current();
    let is_known = |payment: &Payment| payment.entry <= score.entry;
    let is_paid = scored.history.payment.as_ref().is_some_and(is_known);
    program.points.until_paid && score.points > Points::ZERO && !is_paid
}

/// What became of an order that came late: its points had ended, its month is not kept any more.
fn late_reasons(scored: &ScoredOrder) -> Vec<Reason> {
    let score = scored.current();
    let mut reasons = Vec::new();
    let mut say = |id, rule: &str, text| reasons.push(Reason::fired(id, rule, text));
    // Of an order that is amended after its points had ended that is not the reason.
    let first = &scored.score;
    if first.points > Points::ZERO && first.expires_at <= first.decided_at {
        let text = format!("The points ended at {}, before the order was known.", first.expires_at);
        say("points.ended_before_known", "points", text);
    }
    if score.beyond_kept_months {
        let text = "The order is older than the months kept: it counts in the totals, and in no window of a tier.";
        say("order.beyond_kept_months", "tiers", text.to_owned());
    }
    reasons
}

fn discount_reason(scored: &ScoredOrder, rule: &DiscountRule, outcome: Outcome) -> Reason {
    let issued = scored.current().issued.iter().find(|issued| issued.rule == rule.id);
    let (id, text) = match (outcome, issued) {
        (Outcome::Missed(condition), _) => {
            let minimum = Money { amount: rule.minimum_total, currency: scored.order.currency };
            let why = condition_text(condition, &minimum.to_string());
            ("discount.missed", format!("{}: none issued, because {why}.", rule.name))
        }
        (Outcome::Fired, Some(issued)) => {
            ("discount.issued", format!("{}: code {}, until {}.", rule.name, issued.code, issued.expires_at))
        }
        (Outcome::Fired, None) => ("discount.issued", format!("{}.", rule.name)),
    };
    let condition = match outcome {
        Outcome::Fired => None,
        Outcome::Missed(condition) => Some(condition.name()),
    };
    let fired = outcome == Outcome::Fired;
    let discount = issued.filter(|_| fired).map(|issued| issued.code.clone());
    Reason { fired, discount, condition, ..Reason::fired(id, rule.id.as_str(), text) }
}

/// What of an order decides which free products it is entitled to.
fn placed<'a>(scored: &'a ScoredOrder, program: &'a Program) -> Placed<'a> {
    let score = scored.current();
    // What had come back before the order itself was known is not sent out.
    let came_before = scored.history.returns.iter().filter(|returned| returned.entry == scored.score.entry);
    let back = came_before.fold(0_i64, |sum, returned| sum.saturating_add(returned.eligible.0));
    let eligible = Minor(score.eligible.0.saturating_sub(back));
    let rules_before = program.earning.rules().len().saturating_add(program.discounts.len());
    let admissions = scored.score.outcomes.get(rules_before..).unwrap_or_default();
    Placed {
        at: scored.order.placed_at,
        eligible,
        tier: &score.tier,
        not_admitted: free_products::not_admitted(&program.free_products, admissions),
        no_member: scored.score.no_member(),
    }
}

fn free_product_reasons(scored: &ScoredOrder, program: &Program) -> Vec<Reason> {
    let placed = placed(scored, program);
    let reason = |rule: &FreeProduct| {
        let condition = rule.check(&placed).err().map(|missed| missed.condition().name());
        let id = if condition.is_none() { "free_product.granted" } else { "free_product.missed" };
        Reason {
            fired: condition.is_none(),
            condition,
            ..Reason::fired(id, rule.id.as_str(), rule.text(&placed, program))
        }
    };
    program.free_products.iter().map(reason).collect()
}

fn condition_text(condition: Condition, figure: &str) -> String {
    match condition {
        Condition::BelowMinimum => format!("the eligible total is below {figure}"),
        Condition::AlreadyOpen => "the account has one that is still open".to_owned(),
        Condition::TooManyOpen => "the account has as many open discounts as it can hold".to_owned(),
        Condition::ValidityOver => "its validity was over before the order was known".to_owned(),
        // The others are of earning rules alone.
        _ => membership::why_not(condition).unwrap_or("a condition does not hold").to_owned(),
    }
}

fn tier_reason(scored: &ScoredOrder, program: &Program) -> Option<Reason> {
    let score = scored.current();
    // After an amendment it may hold what others have raised it to.
    score.raise.as_ref()?;
    let reached = program.tiers.get(&score.tier_after);
    let measured = |amount| program.tiers.metric.measured(amount, scored.order.currency);
    let (figure, window) = (measured(score.qualifying), program.tiers.window.in_words());
    let takes = reached.threshold.map_or_else(String::new, |threshold| format!("; it takes {}", measured(threshold)));
    let text = format!("{} reached: {figure} {window}{takes}.", reached.name);
    Some(Reason::fired("tier.raised", reached.id.as_str(), text))
}

fn ineligible_lines(scored: &ScoredOrder, program: &Program) -> Result<Vec<IneligibleLine>, Overflow> {
    let mut found = Vec::new();
    for line in &scored.order.lines {
        if let Some(reason) = eligible::why_not(program, line, scored.order.currency)? {
            found.push(IneligibleLine { line_id: line.line_id.clone(), sku: line.sku.clone(), reason });
        }
    }
    Ok(found)
}
