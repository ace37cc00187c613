//! Where an account stands at an instant: what it has, what comes next, what it lacks to the next tier.

use crate::account::{Account, Status};
use crate::advance;
use crate::code::Code;
use crate::discount::Discount;
use crate::id::{AccountId, RuleId, Segment, TierId};
use crate::membership::{Country, Email, MembershipStanding, Profile, VatId};
use crate::money::{self, Factor, Money, Overflow, Percent, Points, UnitPrice};
use crate::perks::{self, LostPerk, PerkStanding, PerkUses};
use crate::program::{Exchange, Program, Upgrade};
use crate::qualification::{self, Measured};
use crate::referral::{RedemptionId, Referral, Stage};
use crate::review;
use crate::schedule::Schedule;
use crate::tier;
use crate::time::Instant;
use serde::Serialize;

/// The answer of `GET /v1/accounts/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Standing {
    /// Which account.
    pub account_id: AccountId,
    /// The instant it is true at.
    pub as_of: Instant,
    /// The company's name, if it was ever stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// Its VAT id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<VatId>,
    /// Whether a phone number was stated; the number itself is not kept.
    pub has_phone: bool,
    /// Whether a postal address was stated; the address itself is not kept.
    pub has_address: bool,
    /// Whether it takes part.
    pub status: Status,
    /// The groups it belongs to.
    pub segments: Vec<Segment>,
    /// Whether it is a member; absent where everybody is one, and it is excluded from nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership: Option<MembershipStanding>,
    /// When it became a member.
    pub joined_at: Instant,
    /// Its points.
    pub points: PointsStanding,
    /// Its tier and the way to the next.
    pub tier: TierStanding,
    /// Discounts it can use, earliest end first.
    pub discounts: Vec<DiscountStanding>,
    /// Perks that it has; absent where it has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub perks: Vec<PerkStanding>,
    /// Perks that it would have and has lost for now; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub perks_lost: Vec<LostPerk>,
    /// The referral it came by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<ReferralStanding>,
    /// Orders so far.
    pub orders: u64,
    /// What all its orders came to.
    pub revenue: Money,
    /// Days of its first and latest order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchases: Option<PurchaseDays>,
    /// Commits so far: the sequence of its newest entry.
    pub version: u64,
}

/// The referral that an account came by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReferralStanding {
    /// The code.
    pub referral_code: Code,
    /// Which redemption of it.
    pub redemption_id: RedemptionId,
    /// How far it has come: `under_review`, `open`, `qualified`, `rewarded` or `over`.
    pub stage: &'static str,
    /// Until when an order can make it count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
}

impl From<&Referral> for ReferralStanding {
    fn from(referral: &Referral) -> Self {
        let (stage, until) = match referral.stage {
            Stage::UnderReview => ("under_review", None),
            Stage::Open { until } => ("open", Some(until)),
            Stage::Qualified { .. } => ("qualified", None),
            Stage::Rewarded => ("rewarded", None),
            Stage::Returned { .. } | Stage::Over => ("over", None),
        };
        let (referral_code, redemption_id) = (referral.key.code.clone(), referral.key.redemption_id);
        Self { referral_code, redemption_id, stage, until }
    }
}

/// First and latest day of purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PurchaseDays {
    /// `YYYY-MM-DD`, in the program's time zone.
    pub first: String,
    /// `YYYY-MM-DD`, in the program's time zone.
    pub latest: String,
}

/// The points of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PointsStanding {
    /// Points that can be spent.
    pub balance: Points,
    /// Points of these that are held for carts, and cannot be spent on anything else meanwhile.
    #[serde(skip_serializing_if = "is_nothing")]
    pub held: Points,
    /// Points that wait.
    pub pending: Points,
    /// Points of these that wait for the payment of their orders.
    #[serde(skip_serializing_if = "is_nothing")]
    pub unpaid: Points,
    /// Points that the account owes in all: its next earnings repay them.
    #[serde(skip_serializing_if = "is_nothing")]
    pub debt: Points,
    /// Points of these that only what orders earn repays.
    #[serde(skip_serializing_if = "is_nothing")]
    pub pending_debt: Points,
    /// What the balance is worth, where the program says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ExchangeStanding>,
    /// The next points to become available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_available: Option<PointsAt>,
    /// The next points to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_expiry: Option<PointsAt>,
}

/// What points are worth to an account, and how many of them an order takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExchangeStanding {
    /// What a point is worth to its tier.
    pub value: String,
    /// What points that can be spent now are worth, rounded down.
    pub worth: Money,
    /// Fewest points that can be spent on one order.
    pub minimum: Points,
    /// Most points that can be spent on one order, whatever the balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Points>,
    /// How many of the balance can be spent on one order now.
    pub spendable: Points,
}

fn is_nothing(points: &Points) -> bool {
    *points == Points::ZERO
}

/// Points and the instant something happens to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PointsAt {
    /// When.
    pub at: Instant,
    /// How many.
    pub points: Points,
    /// Only if the account is not active before: an order, or points that are given, move it on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub if_inactive: bool,
}

/// The tier of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TierStanding {
    /// Its id.
    pub id: TierId,
    /// Its name for customers.
    pub name: String,
    /// What points are multiplied with.
    pub multiplier: String,
    /// Since when it is held.
    pub since: Instant,
    /// The invitation that it is held by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_invitation: Option<InvitationStanding>,
    /// What it takes off every price, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount: Option<String>,
    /// What qualifies in the window of this month.
    #[serde(flatten)]
    pub qualifying: Qualifying,
    /// First and last month of that window, `YYYY-MM`; absent where all there ever was counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<[String; 2]>,
    /// The next tier; absent at the top.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<NextTier>,
    /// The next review; absent where the tier is never lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewStanding>,
}

/// An invitation into a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvitationStanding {
    /// When it ends; absent: it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
}

/// What qualifies, under a name of its own where that is money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Qualifying {
    /// Eligible spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    qualifying_spend: Option<Money>,
    /// Any other figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    qualifying: Option<Measured>,
}

impl From<Measured> for Qualifying {
    fn from(measured: Measured) -> Self {
        let qualifying_spend = measured.spend();
        Self { qualifying_spend, qualifying: Some(measured).filter(|_| qualifying_spend.is_none()) }
    }
}

/// The next review of the tier and what is missing to keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReviewStanding {
    /// The instant of the review: orders until then count.
    pub at: Instant,
    /// What is missing to keep the tier; zero where it is safe, absent where the review can only raise it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Measured>,
}

/// The next tier and what is missing to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NextTier {
    /// Its id.
    pub id: TierId,
    /// Its name for customers.
    pub name: String,
    /// The figure at which it is reached.
    pub threshold: Measured,
    /// What is missing.
    pub missing: Measured,
}

/// A discount that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiscountStanding {
    /// What the customer types.
    pub code: Code,
    /// The rule that issued it.
    pub rule: RuleId,
    /// What customers call that rule; absent where the program in force has it no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it takes off, in percent.
    pub percent: String,
    /// The first instant at which it is void.
    pub expires_at: Instant,
    /// It is held for a cart until then, unless that uses it or gives it up before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Instant>,
}

/// Where an account stands at `now`. `discounts` are the records of its open discounts, `perk_uses` how often it used what
/// the program counts.
pub fn standing(
    account: &Account,
    profile: Option<&Profile>,
    discounts: &[Discount],
    perk_uses: Option<&PerkUses>,
    schedule: &Schedule,
    now: Instant,
) -> Result<Standing, Overflow> {
    let (account, _) = advance::advance(schedule, account, now)?;
    let program = &*schedule.at(now).program;
    let open = discounts.iter().filter(|discount| account.discounts.iter().any(|open| open.code == discount.code));
    let mut discounts: Vec<_> = open.map(|discount| discount_standing(discount, &account, program)).collect();
    discounts.sort_by(|a, b| (a.expires_at, &a.code).cmp(&(b.expires_at, &b.code)));
    let days = account.first_purchase.zip(account.last_purchase);
    Ok(Standing {
        account_id: account.id.clone(),
        as_of: now,
        name: profile.map(|profile| profile.name.clone()),
        email: profile.and_then(|profile| profile.email.clone()),
        country: profile.and_then(|profile| profile.country),
        vat_id: profile.and_then(|profile| profile.vat_id.clone()),
        has_phone: profile.is_some_and(|profile| profile.phone.is_some()),
        has_address: profile.is_some_and(|profile| profile.address.is_some()),
        status: account.status,
        segments: account.segments.clone(),
        membership: MembershipStanding::of(&account, program, now),
        joined_at: account.joined_at,
        points: points_standing(&account, program)?,
        tier: tier_standing(&account, schedule, now)?,
        discounts,
        perks: perks::standing(&account, perk_uses, program, now),
        perks_lost: perks::lost(&account, program, now),
        referral: account.referral.as_ref().map(ReferralStanding::from),
        orders: account.lifetime.orders,
        revenue: Money { amount: account.lifetime.revenue, currency: program.currency },
        purchases: days.map(|(first, latest)| PurchaseDays { first: first.to_string(), latest: latest.to_string() }),
        version: account.version,
    })
}

fn discount_standing(discount: &Discount, account: &Account, program: &Program) -> DiscountStanding {
    DiscountStanding {
        code: discount.code.clone(),
        rule: discount.rule.clone(),
        name: program.discount_name(&discount.rule).map(str::to_owned),
        percent: money::format_trimmed(discount.percent.0, Percent::DECIMALS),
        expires_at: discount.expires_at,
        held_until: account.holder(&discount.code).map(|hold| hold.until),
    }
}

fn exchange_standing(account: &Account, exchange: &Exchange) -> Result<ExchangeStanding, Overflow> {
    let balance = account.spendable()?.max(Points::ZERO);
    Ok(ExchangeStanding {
        value: money::format_trimmed(exchange.rate(&account.tier).price.0, UnitPrice::DECIMALS_MAX),
        worth: exchange.worth(balance, &account.tier)?,
        minimum: exchange.minimum,
        maximum: exchange.maximum,
        spendable: exchange.spendable(balance),
    })
}

fn points_standing(account: &Account, program: &Program) -> Result<PointsStanding, Overflow> {
    let exchange = program.points.exchange.as_ref();
    let (lots, pending) = (account.holdings.lots(), account.holdings.pending());
    Ok(PointsStanding {
        balance: account.holdings.available()?,
        held: account.points_held()?,
        pending: account.holdings.waiting()?,
        unpaid: account.holdings.unpaid(),
        debt: account.holdings.debt(),
        pending_debt: account.holdings.pending_debt(),
        exchange: exchange.map(|exchange| exchange_standing(account, exchange)).transpose()?,
        next_available: next(pending.iter().map(|wait| (wait.available_at, wait.points, false)))?,
        next_expiry: next(lots.iter().map(|lot| (lot.expires_at, lot.points, lot.inactivity_months.is_some())))?,
    })
}

/// All points of the first instant, those of different terms together. What ends with inactivity is said of them only
/// where all of them do.
fn next(ascending: impl Iterator<Item = (Instant, Points, bool)> + Clone) -> Result<Option<PointsAt>, Overflow> {
    let Some((at, ..)) = ascending.clone().next().filter(|(at, ..)| !at.is_never()) else { return Ok(None) };
    let of_first = ascending.take_while(|(instant, ..)| *instant == at);
    let points = Points::sum(of_first.clone().map(|(_, points, _)| points))?;
    let mut inactive = of_first.map(|(.., inactive)| inactive);
    Ok(Some(PointsAt { at, points, if_inactive: inactive.all(|inactive| inactive) }))
}

fn review_standing(account: &Account, schedule: &Schedule) -> Result<Option<ReviewStanding>, Overflow> {
    let Some(next) = review::next(account, schedule) else { return Ok(None) };
    let missing = review::missing(account, schedule, next)?;
    let raises = schedule.at(next.at).program.tiers.upgrade == Upgrade::AtReview;
    Ok(Some(ReviewStanding { at: next.at, missing }).filter(|_| missing.is_some() || raises))
}

fn tier_standing(account: &Account, schedule: &Schedule, now: Instant) -> Result<TierStanding, Overflow> {
    let program = &*schedule.at(now).program;
    let (tiers, month) = (&program.tiers, program.calendar.month(now));
    let window = tiers.window.months(month, qualification::joined(program, account));
    let qualifying = tier::qualifying(program, account, month)?;
    let measured = |amount| tiers.metric.measured(amount, program.currency);
    let held = tiers.get(&account.tier);
    let next = tier::next(tiers, held, qualifying)?;
    Ok(TierStanding {
        id: account.tier.clone(),
        name: held.name.clone(),
        multiplier: money::format_trimmed(held.multiplier.0, Factor::DECIMALS),
        since: account.tier_since,
        by_invitation: account
            .invitation
            .as_ref()
            .map(|invitation| InvitationStanding { until: Some(invitation.until).filter(|until| !until.is_never()) }),
        discount: held.discount.map(|percent| money::format_trimmed(percent.0, Percent::DECIMALS)),
        qualifying: measured(qualifying).into(),
        window: window.map(|window| [window.start().to_string(), window.end().to_string()]),
        next: next.map(|next| NextTier {
            id: next.tier.id.clone(),
            name: next.tier.name.clone(),
            threshold: measured(next.threshold),
            missing: measured(next.missing),
        }),
        review: review_standing(account, schedule)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_points_of_the_next_instant_are_told_together() {
        let told = |lots: &[(i64, i64, bool)]| {
            let lots =
                lots.iter().map(|(at, points, inactive)| (Instant::MIN.plus_ms(*at), Points(*points), *inactive));
            next(lots).map(|next| next.map(|next| (next.points.0, next.if_inactive)))
        };
        assert_eq!(told(&[]), Ok(None));
        assert_eq!(told(&[(1, 100, false), (1, 50, true), (2, 7, true)]), Ok(Some((150, false))));
        assert_eq!(told(&[(1, 100, true), (1, 50, true), (2, 7, false)]), Ok(Some((150, true))));
        assert_eq!(next([(Instant::NEVER, Points(5), false)].into_iter()).map(|next| next.is_none()), Ok(true));
    }
}
