//! What this function answers.

use domain::account::Status;
use domain::code::Code;
use domain::id::{AccountId, ContactId, OrderKey, RuleId};
use domain::money::{self, Currency, Money, Percent, Points};
use domain::referral::{
    Checks, CodeSettings, Consent, Cost, Counts, Ended, Given, GivenDiscount, Qualified, Redemption, RedemptionId,
    ReferralCode, Review, Rewarded, State, TakenBack, Tally, WaitingReview,
};
use domain::time::Instant;
use serde::Serialize;

/// A code, where it leads, and what came of it.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CodeAnswer {
    referral_code: Code,
    account_id: AccountId,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_id: Option<ContactId>,
    #[serde(flatten)]
    settings: CodeSettings,
    issued_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking: Option<Tracking>,
}

impl CodeAnswer {
    pub fn of(code: &ReferralCode, link: Option<String>, tracking: Option<Tracking>) -> Self {
        let ReferralCode { code, account_id, contact_id, settings, issued_at, .. } = code.clone();
        Self { referral_code: code, account_id, contact_id, settings, issued_at, link, tracking }
    }
}

/// What came of a code, counted from its redemptions.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tracking {
    #[serde(flatten)]
    counts: Counts,
    /// What was bought by those who came is the merchant's to know, as is what they cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    revenue: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
    /// Asks for the count of the redemptions that this one leaves out; absent where it has them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl Tracking {
    /// An account's own token sees how many came, and how far.
    pub fn of(tally: Tally, currency: Currency, in_full: bool, next_cursor: Option<String>) -> Self {
        let Tally { counts, revenue, cost } = tally;
        let revenue = in_full.then_some(Money { amount: revenue, currency });
        Self { counts, revenue, cost: in_full.then_some(cost), next_cursor }
    }
}

/// The codes of an account and its people.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CodesAnswer {
    pub referral_codes: Vec<CodeAnswer>,
}

/// What a prospect is told, the same whenever it is asked for again.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RedeemedAnswer<'a> {
    referral_code: &'a Code,
    redemption_id: RedemptionId,
    account_id: &'a AccountId,
    /// `pending` where somebody is to look at it first.
    account_status: Status,
    state: State,
    redeemed_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    welcome: Option<GivenAnswer<'a>>,
}

impl<'a> RedeemedAnswer<'a> {
    pub fn of(redemption: &'a Redemption) -> Self {
        let waited = redemption.review.is_some();
        Self {
            referral_code: &redemption.key.code,
            redemption_id: redemption.key.redemption_id,
            account_id: &redemption.referee,
            account_status: if waited && redemption.enrolled { Status::Pending } else { Status::Active },
            state: State::Redeemed,
            redeemed_at: redemption.redeemed_at,
            welcome: redemption.welcome.as_ref().filter(|_| !waited).map(GivenAnswer::of),
        }
    }
}

/// What somebody was given.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct GivenAnswer<'a> {
    points: Points,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<DiscountAnswer<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct DiscountAnswer<'a> {
    code: &'a Code,
    rule: &'a RuleId,
    percent: String,
    expires_at: Instant,
}

impl<'a> GivenAnswer<'a> {
    fn of(given: &'a Given) -> Self {
        let discount =
            given.discount.as_ref().map(|GivenDiscount { rule, code, percent, expires_at }| DiscountAnswer {
                code,
                rule,
                percent: money::format_trimmed(percent.0, Percent::DECIMALS),
                expires_at: *expires_at,
            });
        Self { points: given.points, expires_at: given.expires_at.filter(|end| !end.is_never()), discount }
    }
}

/// What the referrer was given.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct RewardedAnswer<'a> {
    at: Instant,
    /// The how manieth rewarded referral of the account it was.
    number: u32,
    #[serde(flatten)]
    given: GivenAnswer<'a>,
}

impl<'a> RewardedAnswer<'a> {
    fn of(rewarded: &'a Rewarded) -> Self {
        Self { at: rewarded.at, number: rewarded.number, given: GivenAnswer::of(&rewarded.given) }
    }
}

/// A redemption and what came of it. An account's own token sees of its referrals no more than how far they have come.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ReferralRedemptionAnswer"))]
pub struct RedemptionAnswer<'a> {
    referral_code: &'a Code,
    redemption_id: RedemptionId,
    state: State,
    redeemed_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qualified: Option<QualifiedAnswer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rewarded: Option<RewardedAnswer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<&'a Ended>,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_back: Option<TakenBack>,
    #[serde(flatten)]
    behind: Option<Behind<'a>>,
}

/// What only the merchant sees.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Behind<'a> {
    referrer: &'a AccountId,
    referee: &'a AccountId,
    /// Who redeemed it for the prospect.
    by: &'a str,
    program_version: u32,
    checks: Checks,
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<&'a Review>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<&'a Consent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    welcome: Option<GivenAnswer<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct QualifiedAnswer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a OrderKey>,
    at: Instant,
    reward_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    revenue: Option<Money>,
}

impl<'a> RedemptionAnswer<'a> {
    pub fn of(redemption: &'a Redemption, currency: Currency, now: Instant, in_full: bool) -> Self {
        let qualified = |qualified: &'a Qualified| QualifiedAnswer {
            order: in_full.then_some(&qualified.order),
            at: qualified.at,
            reward_at: qualified.reward_at,
            revenue: in_full.then_some(Money { amount: qualified.revenue, currency }),
        };
        let behind = || Behind {
            referrer: &redemption.referrer,
            referee: &redemption.referee,
            by: &redemption.by,
            program_version: redemption.program_version,
            checks: redemption.checks,
            review: redemption.review.as_ref(),
            consent: redemption.consent.as_ref(),
            welcome: redemption.welcome.as_ref().map(GivenAnswer::of),
        };
        Self {
            referral_code: &redemption.key.code,
            redemption_id: redemption.key.redemption_id,
            state: redemption.state(now),
            redeemed_at: redemption.redeemed_at,
            until: redemption.until,
            qualified: redemption.qualified.as_ref().map(qualified),
            rewarded: redemption.rewarded.as_ref().map(RewardedAnswer::of),
            ended: redemption.ended.as_ref(),
            taken_back: redemption.taken_back,
            behind: in_full.then(behind),
        }
    }
}

/// One page of a code's redemptions.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ReferralRedemptionsAnswer"))]
pub struct RedemptionsAnswer<'a> {
    pub redemptions: Vec<RedemptionAnswer<'a>>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One page of the redemptions that somebody is to look at, the oldest first.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReviewsAnswer {
    pub reviews: Vec<WaitingReview>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
