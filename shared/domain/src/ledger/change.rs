//! What a commit changes, each change a fact of its own.

mod points;
mod tiers;

use crate::account::Status;
use crate::code::Code;
use crate::id::{ContactId, OrderKey, RuleId, TierId};
use crate::lots::Taken;
use crate::membership::Exclusion;
use crate::money::{Money, Points};
use crate::occasions::Given;
use crate::opening::PastTotals;
use crate::payment::OrderPaid;
use crate::perks::Uses;
use crate::qualification::Measured;
use crate::referral::{CodeSettings, RedemptionKey, Settled};
use crate::returns::ReturnKey;
use crate::rewards::RewardCount;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

pub use tiers::TierChange;

/// One thing that a commit changed. No personal data: people and addresses are looked up where they are needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Change {
    /// The account became a member.
    #[serde(rename = "account.enrolled")]
    AccountEnrolled {
        /// Its first tier.
        tier: TierId,
    },
    /// What another product knew of the account was taken over: its tier, and its past as totals.
    #[serde(rename = "account.opened")]
    AccountOpened {
        /// The tier it holds.
        tier: TierId,
        /// Since when it holds it.
        tier_since: Instant,
        /// What it did before, which no entry tells of.
        #[serde(flatten)]
        past: PastTotals,
        /// Points earned before, whatever became of them.
        points_earned: Points,
    },
    /// Points that another product had issued were taken over.
    #[serde(rename = "points.opened")]
    PointsOpened {
        /// How many.
        points: Points,
        /// When they end, as things stand; nothing where they do not.
        #[serde(default = "Instant::never", skip_serializing_if = "Instant::is_never")]
        expires_at: Instant,
    },
    /// Points that were owed in another product were taken over.
    #[serde(rename = "points.debt_opened")]
    DebtOpened {
        /// How many.
        points: Points,
    },
    /// The account's own data changed.
    #[serde(rename = "account.changed")]
    AccountChanged {
        /// Which fields, never their content.
        fields: Vec<String>,
    },
    /// The account's status changed.
    #[serde(rename = "account.status_changed")]
    StatusChanged {
        /// Before.
        from: Status,
        /// After.
        to: Status,
    },
    /// The account has applied: it is a member once it is let in.
    #[serde(rename = "membership.applied")]
    MembershipApplied,
    /// The account was let in: it is a member.
    #[serde(rename = "membership.admitted")]
    MembershipAdmitted {
        /// By which invitation, if it was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invitation: Option<Code>,
        /// Why, where an operator did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The account was turned away: it is no member.
    #[serde(rename = "membership.rejected")]
    MembershipRejected {
        /// Why.
        reason: String,
    },
    /// What the account is excluded from changed.
    #[serde(rename = "membership.exclusions_changed")]
    ExclusionsChanged {
        /// Before.
        from: Vec<Exclusion>,
        /// After.
        to: Vec<Exclusion>,
        /// Why.
        reason: String,
    },
    /// The fee of the membership was paid.
    #[serde(rename = "membership.paid")]
    MembershipPaid {
        /// When.
        paid_at: Instant,
        /// Since when the membership goes on without a gap.
        since: Instant,
        /// The first instant that is not paid for any more.
        until: Instant,
        /// The first instant at which the account is no member any more, unless it pays again before.
        lapses_at: Instant,
        /// An invoice or the like.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// What is paid for of the membership will end.
    #[serde(rename = "membership.ending")]
    MembershipEnding {
        /// The first instant that is not paid for any more.
        until: Instant,
        /// The first instant at which the account is no member any more, unless it pays again before.
        lapses_at: Instant,
        /// Whom it concerns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact_id: Option<ContactId>,
    },
    /// The membership has lapsed.
    #[serde(rename = "membership.lapsed")]
    MembershipLapsed {
        /// When.
        lapsed_at: Instant,
    },
    /// A contact was added or changed.
    #[serde(rename = "contact.changed")]
    ContactChanged {
        /// Which contact.
        contact_id: ContactId,
    },
    /// An order was scored.
    #[serde(rename = "order.scored")]
    OrderScored {
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
        /// What it earned.
        points: Points,
        /// What its eligible lines came to.
        eligible_total: Money,
        /// It is older than the months kept and counts in the lifetime totals only.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        beyond_kept_months: bool,
    },
    /// Points were earned.
    #[serde(rename = "points.earned")]
    PointsEarned {
        /// How many.
        points: Points,
        /// From when they can be spent, if not at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        available_at: Option<Instant>,
        /// When they end, as things stand; nothing where they do not.
        #[serde(default = "Instant::never", skip_serializing_if = "Instant::is_never")]
        expires_at: Instant,
        /// They wait until their order is paid.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        until_paid: bool,
    },
    /// An order is paid: what had waited for that does so no more.
    #[serde(rename = "order.paid")]
    OrderPaid(OrderPaid),
    /// Points that waited can be spent.
    #[serde(rename = "points.available")]
    PointsAvailable {
        /// How many.
        points: Points,
        /// Since when.
        available_at: Instant,
    },
    /// Points last longer, since the account was active: of those that end once it is inactive for long.
    #[serde(rename = "points.prolonged")]
    PointsProlonged {
        /// How many, those that wait included.
        points: Points,
        /// When they end now, as things stand.
        expires_at: Instant,
    },
    /// Points ended.
    #[serde(rename = "points.expired")]
    PointsExpired {
        /// How many.
        points: Points,
        /// When.
        expired_at: Instant,
    },
    /// New earnings repaid points that were owed.
    #[serde(rename = "points.repaid")]
    PointsRepaid {
        /// How many.
        points: Points,
    },
    /// Goods of an order came back, or the order was cancelled.
    #[serde(rename = "order.returned")]
    OrderReturned {
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
        /// By which return; nothing for a cancellation.
        #[serde(flatten)]
        by: ReturnKey,
        /// By how much the order's eligible total fell.
        eligible: Money,
        /// Units that came off.
        units: u64,
        /// What is kept of the eligible total.
        kept: Money,
        /// Points that what is kept earns.
        keeps: Points,
        /// Units stated beyond what the order had left.
        #[serde(default, skip_serializing_if = "is_zero")]
        excess_units: u64,
        /// Who stated it, where it had waited for its order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stated_by: Option<String>,
    },
    /// A return or cancellation that had waited for its order was not carried out: it is dated before it.
    #[serde(rename = "return.refused")]
    ReturnRefused {
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
        /// Which return; nothing for a cancellation.
        #[serde(flatten)]
        by: ReturnKey,
        /// Who had stated it.
        stated_by: String,
    },
    /// A credit note that names no order began to be matched.
    #[serde(rename = "credit_note.opened")]
    CreditNoteOpened {
        /// Units stated.
        units: u64,
    },
    /// All that a credit note can take back was taken back.
    #[serde(rename = "credit_note.closed")]
    CreditNoteClosed {
        /// Units that orders gave.
        units_matched: u64,
        /// Units that no order gave: they are counted, nothing else.
        units_unmatched: u64,
    },
    /// Points of an order were taken back.
    #[serde(rename = "points.reversed")]
    PointsReversed {
        /// How many, owed ones included.
        points: Points,
        /// Where they were taken from.
        #[serde(flatten)]
        taken: Taken,
        /// How many the account owes instead.
        owed: Points,
        /// How many were written off.
        unrecovered: Points,
        /// How many had ended already, so that nothing was taken for them.
        lapsed: Points,
    },
    /// An order was changed by its shop, and scored again.
    #[serde(rename = "order.amended")]
    OrderAmended {
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
        /// By which statement of it.
        revision: u64,
        /// What its eligible lines came to before.
        eligible_before: Money,
        /// What they come to now.
        eligible: Money,
        /// What it earns now, before anything is taken back for returns.
        points: Points,
    },
    /// The points of an order were brought to what it earns now.
    #[serde(rename = "points.amended")]
    PointsAmended {
        /// By how much what the order earned changed.
        earned: Points,
        /// By how much what was taken back of it changed, owed points included.
        reversed: Points,
        /// Where points were taken from, if the order earns less.
        #[serde(flatten)]
        taken: Taken,
        /// How many of them the account owes instead.
        owed: Points,
        /// How many were written off.
        unrecovered: Points,
        /// How many had ended already, so that nothing was taken for them.
        lapsed: Points,
        /// From when points that were given can be spent, if not at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        available_at: Option<Instant>,
        /// Points that were given wait until their order is paid.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        until_paid: bool,
    },
    /// Points were given by hand.
    #[serde(rename = "points.credited")]
    PointsCredited {
        /// How many.
        points: Points,
        /// When they end, as things stand; nothing where they do not.
        #[serde(default = "Instant::never", skip_serializing_if = "Instant::is_never")]
        expires_at: Instant,
        /// Why.
        reason: String,
        /// A ticket, a contract or the like.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// Points were taken by hand.
    #[serde(rename = "points.deducted")]
    PointsDeducted {
        /// How many, owed ones included.
        points: Points,
        /// Where they were taken from.
        #[serde(flatten)]
        taken: Taken,
        /// How many the account owes instead.
        owed: Points,
        /// Why.
        reason: String,
        /// A ticket, a contract or the like.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// The tier changed.
    #[serde(rename = "tier.changed")]
    TierChanged {
        /// Before.
        from: TierId,
        /// After.
        to: TierId,
        /// The figure that led to it.
        qualifying: Measured,
        /// The instant of the review that did it, if none of the account's orders did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reviewed_at: Option<Instant>,
    },
    /// A review kept the tier.
    #[serde(rename = "tier.kept")]
    TierKept {
        /// The tier.
        tier: TierId,
        /// The figure that kept it.
        qualifying: Measured,
        /// The instant of the review.
        reviewed_at: Instant,
    },
    /// A review lowered the tier.
    #[serde(rename = "tier.lowered")]
    TierLowered {
        /// Before.
        from: TierId,
        /// After.
        to: TierId,
        /// The figure, too little for the one before.
        qualifying: Measured,
        /// The instant of the review.
        reviewed_at: Instant,
    },
    /// The next review will lower the tier unless more is ordered.
    #[serde(rename = "tier.at_risk")]
    TierAtRisk {
        /// The tier.
        tier: TierId,
        /// The instant of the review.
        review_at: Instant,
        /// What is missing to keep it.
        missing: Measured,
        /// Whom it concerns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact_id: Option<ContactId>,
    },
    /// Points will end.
    #[serde(rename = "points.expiring")]
    PointsExpiring {
        /// How many.
        points: Points,
        /// When.
        expires_at: Instant,
        /// Only if the account is not active before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        if_inactive: bool,
        /// Whom it concerns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact_id: Option<ContactId>,
    },
    /// A discount will end.
    #[serde(rename = "discount.expiring")]
    DiscountExpiring {
        /// By which rule it was issued.
        rule: RuleId,
        /// Its code.
        code: Code,
        /// When.
        expires_at: Instant,
        /// Whom it concerns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact_id: Option<ContactId>,
    },
    /// A perk was used.
    #[serde(rename = "perk.used")]
    PerkUsed {
        /// Which perk.
        perk: RuleId,
        /// What is used and left of it then, if it is counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uses: Option<Uses>,
        /// Uses bought with points that are left, where it was one of these.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bought_left: Option<u32>,
        /// A booking, a ticket or the like.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// Points were redeemed for a reward. Which redemption it is, is said by the sequence of the entry.
    #[serde(rename = "reward.redeemed")]
    RewardRedeemed {
        /// Which reward.
        reward: RuleId,
        /// How often the account had it then, if that is limited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uses: Option<RewardCount>,
    },
    /// Points were spent on a reward.
    #[serde(rename = "points.spent")]
    PointsSpent {
        /// How many.
        points: Points,
    },
    /// A redemption of a reward was cancelled.
    #[serde(rename = "reward.cancelled")]
    RewardCancelled {
        /// Which reward.
        reward: RuleId,
        /// Which redemption of it: the sequence of its entry.
        redemption: u64,
        /// How often the account had the reward then, if that is limited and still counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uses: Option<RewardCount>,
        /// Why.
        reason: String,
    },
    /// Points that had been spent were given back, those included that have ended meanwhile.
    #[serde(rename = "points.restored")]
    PointsRestored {
        /// How many.
        points: Points,
    },
    /// Uses of a perk were bought with points.
    #[serde(rename = "perk.uses_bought")]
    PerkUsesBought {
        /// Which perk.
        perk: RuleId,
        /// How many uses.
        uses: u32,
        /// How many that were bought are left then.
        left: u32,
    },
    /// Uses of a perk that were bought were taken back.
    #[serde(rename = "perk.uses_returned")]
    PerkUsesReturned {
        /// Which perk.
        perk: RuleId,
        /// How many uses.
        uses: u32,
        /// How many that were bought are left then.
        left: u32,
    },
    /// A discount was issued.
    #[serde(rename = "discount.issued")]
    DiscountIssued {
        /// By which rule.
        rule: RuleId,
        /// Its code.
        code: Code,
        /// When it ends.
        expires_at: Instant,
    },
    /// A discount was used.
    #[serde(rename = "discount.used")]
    DiscountUsed {
        /// Its code.
        code: Code,
    },
    /// A discount was given back: its order was amended and does not name it any more.
    #[serde(rename = "discount.released")]
    DiscountReleased {
        /// Its code.
        code: Code,
    },
    /// A discount was withdrawn: what had brought it about was changed or undone.
    #[serde(rename = "discount.voided")]
    DiscountVoided {
        /// Its code.
        code: Code,
    },
    /// The account, or a person of it, was issued a referral code.
    #[serde(rename = "referral.code_issued")]
    ReferralCodeIssued {
        /// The code.
        code: Code,
        /// Which person's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact_id: Option<ContactId>,
    },
    /// What the owner of a referral code may set was set.
    #[serde(rename = "referral.code_changed")]
    ReferralCodeChanged {
        /// The code.
        code: Code,
        /// To what.
        #[serde(flatten)]
        settings: CodeSettings,
    },
    /// The account came by a referral code.
    #[serde(rename = "referral.redeemed")]
    ReferralRedeemed {
        /// Which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
    },
    /// Somebody looked at the redemption that the account came by.
    #[serde(rename = "referral.reviewed")]
    ReferralReviewed {
        /// Which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
        /// Whether it was approved.
        approved: bool,
    },
    /// An order qualified the redemption that the account came by.
    #[serde(rename = "referral.qualified")]
    ReferralQualified {
        /// Which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
        /// When the referrer is to be rewarded.
        reward_at: Instant,
    },
    /// The order that had qualified the redemption came back.
    #[serde(rename = "referral.revoked")]
    ReferralRevoked {
        /// Which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
        /// Which order.
        #[serde(flatten)]
        order: OrderKey,
    },
    /// No order qualified the redemption in time.
    #[serde(rename = "referral.expired")]
    ReferralExpired {
        /// Which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
        /// When.
        expired_at: Instant,
    },
    /// What was to be done on the referrer's account was done.
    #[serde(rename = "referral.concluded")]
    ReferralConcluded {
        /// Which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
        /// What it came to.
        settled: Settled,
    },
    /// The account is rewarded for a referral.
    #[serde(rename = "referral.rewarded")]
    ReferralRewarded {
        /// For which redemption of its code.
        #[serde(flatten)]
        redemption: RedemptionKey,
        /// The how manieth it is rewarded for, from 1.
        number: u32,
    },
    /// The reward for a referral is taken back.
    #[serde(rename = "referral.taken_back")]
    ReferralTakenBack {
        /// For which redemption of its code.
        #[serde(flatten)]
        redemption: RedemptionKey,
    },
    /// Points were given for a referral, to either side.
    #[serde(rename = "points.granted")]
    PointsGranted {
        /// How many.
        points: Points,
        /// When they end, as things stand; nothing where they do not.
        #[serde(default = "Instant::never", skip_serializing_if = "Instant::is_never")]
        expires_at: Instant,
        /// For which redemption.
        #[serde(flatten)]
        redemption: RedemptionKey,
    },
    /// Something was given on an occasion: points, a discount, or both; the discount is a change of its own.
    #[serde(rename = "occasion.given")]
    OccasionGiven(Given),
    /// A discount ended unused.
    #[serde(rename = "discount.expired")]
    DiscountExpired {
        /// By which rule it was issued.
        rule: RuleId,
        /// Its code.
        code: Code,
        /// When it ended.
        expired_at: Instant,
    },
    /// Something of a tier that no order and no review has brought about.
    #[serde(untagged)]
    Tier(TierChange),
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
