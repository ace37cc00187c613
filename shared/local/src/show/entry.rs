//! One entry, in one line.

use domain::ledger::{
    AccountChange, Cause, Change, DiscountChange, HoldChange, MembershipChange, OrderChange, PerkChange, PointsChange,
    ReferralChange, RewardChange, TierChange,
};
use domain::membership::Exclusion;
use domain::money::Points;
use domain::occasions::Given;
use domain::payment::OrderPaid;
use domain::referral::CodeStatus;
use domain::returns::ReturnKey;
use domain::time::Instant;

pub(super) fn cause(cause: &Cause) -> String {
    match cause {
        Cause::OrderPlaced { order } => format!("order {order}"),
        Cause::OrderReturned { order, return_id } => format!("return {return_id} of order {order}"),
        Cause::OrderCancelled { order } => format!("cancellation of order {order}"),
        Cause::OrderAmended { order, revision } => format!("revision {revision} of order {order}"),
        Cause::OrderPaid { order } => format!("payment of order {order}"),
        Cause::CreditNote { credit_note_id } => format!("credit note {credit_note_id}"),
        Cause::Adjustment => "adjustment".to_owned(),
        Cause::Opening => "opening balance".to_owned(),
        Cause::AccountPut => "account put".to_owned(),
        Cause::Membership => "membership put".to_owned(),
        Cause::MembershipPayment => "membership payment".to_owned(),
        Cause::ContactPut { contact_id } => format!("contact {contact_id} put"),
        Cause::Erasure => "erasure".to_owned(),
        Cause::PerkUse { perk } => format!("perk use of {perk}"),
        Cause::TierPut => "tier put".to_owned(),
        Cause::RewardRedeemed { reward } => format!("redemption of {reward}"),
        Cause::RewardCancelled { redemption } => format!("cancellation of redemption {redemption}"),
        Cause::Reserved { reservation_id } => format!("reservation {reservation_id}"),
        Cause::ReservationReleased { reservation_id } => format!("release of reservation {reservation_id}"),
        Cause::Walked => "fallen due".to_owned(),
        Cause::ReferralCode { code } => format!("referral code {code}"),
        Cause::Referral { redemption } => format!("referral {redemption}"),
    }
}

/// When points end.
fn end(expires_at: Instant) -> String {
    if expires_at.is_never() { "do not end".to_owned() } else { format!("end at {expires_at}") }
}

pub(super) fn change(change: &Change) -> String {
    match change {
        Change::Account(change) => account(change),
        Change::Discount(change) => discount(change),
        Change::Hold(change) => hold(change),
        Change::Membership(change) => membership(change),
        Change::OccasionGiven(given) => occasion(given),
        Change::Order(change) => order(change),
        Change::Perk(change) => perk(change),
        Change::Points(change) => points(change),
        Change::Referral(change) => referral(change),
        Change::Reward(change) => reward(change),
        Change::Tier(change) => tier(change),
    }
}

fn hold(change: &HoldChange) -> String {
    match change {
        HoldChange::Made { reservation_id, codes, points, until } => {
            let codes: Vec<_> = codes.iter().map(|code| format!(" {code},")).collect();
            format!("reserved as {reservation_id}:{} {points} points until {until}", codes.concat())
        }
        HoldChange::Released { reservation_id, points } => {
            format!("reservation {reservation_id} given up: {points} points")
        }
        HoldChange::Used { reservation_id, order, quoted, ordered } => {
            format!("reservation {reservation_id} used by order {order}: {ordered} to pay, {quoted} by the quote")
        }
        HoldChange::Ended { hold, points, ended_at } => {
            format!("hold of entry {hold} over at {ended_at}: {points} points")
        }
    }
}

fn account(change: &AccountChange) -> String {
    match change {
        AccountChange::Enrolled { tier } => format!("enrolled as {tier}"),
        AccountChange::Opened { tier, tier_since, past, points_earned } => format!(
            "opened as {tier} since {tier_since}, with {} orders, {} units, {} ({} eligible), {points_earned} points earned before",
            past.orders, past.units, past.revenue, past.eligible_spend
        ),
        AccountChange::Changed { fields } => format!("changed {}", fields.join(", ")),
        AccountChange::StatusChanged { from, to } => format!("status {} → {}", from.name(), to.name()),
        AccountChange::Erased => "personal data erased".to_owned(),
        AccountChange::ContactChanged { contact_id } => format!("contact {contact_id} changed"),
    }
}

fn order(change: &OrderChange) -> String {
    match change {
        OrderChange::Scored { order, points, eligible_total: eligible, beyond_kept_months } => {
            let late = if *beyond_kept_months { ", older than the months kept" } else { "" };
            format!("order {order} scored: {points} points for {eligible}{late}")
        }
        OrderChange::Paid(OrderPaid { order, paid_at, points, available_at, .. }) => {
            let from = available_at.map_or_else(String::new, |at| format!(", available from {at}"));
            format!("order {order} paid at {paid_at}: {points} points had waited for it{from}")
        }
        OrderChange::ReturnRefused { order, by, .. } => {
            let what = by.return_id().map_or("cancellation".to_owned(), |id| format!("return {id}"));
            format!("{what} of order {order} refused: dated before it")
        }
        OrderChange::Returned { order, by, eligible, excess_units, .. } => {
            let what = match by {
                ReturnKey::Return(id) => format!("returned by {id}"),
                ReturnKey::CreditNote(id) => format!("returned by credit note {id}"),
                ReturnKey::Cancellation => "cancelled".to_owned(),
            };
            let excess =
                if *excess_units > 0 { format!(", {excess_units} units beyond what was left") } else { String::new() };
            format!("order {order} {what}: {eligible} less{excess}")
        }
        OrderChange::CreditNoteOpened { units } => format!("credit note of {units} units"),
        OrderChange::CreditNoteClosed { units_matched, units_unmatched } => {
            format!("credit note done: {units_matched} units matched, {units_unmatched} match no order")
        }
        OrderChange::Amended { order, revision, eligible_before, eligible, points } => {
            format!(
                "order {order} changed by revision {revision}: {points} points for {eligible}, before {eligible_before}"
            )
        }
    }
}

fn points(change: &PointsChange) -> String {
    match change {
        PointsChange::Opened { points, expires_at } => {
            format!("{points} points taken over, {}", end(*expires_at))
        }
        PointsChange::DebtOpened { points } => format!("{points} points owed, taken over"),
        PointsChange::Earned { points, until_paid: true, expires_at, .. } => {
            format!("{points} points earned, available once it is paid, {}", end(*expires_at))
        }
        PointsChange::Earned { points, available_at: Some(at), expires_at, .. } => {
            format!("{points} points earned, available from {at}, {}", end(*expires_at))
        }
        PointsChange::Earned { points, available_at: None, expires_at, .. } => {
            format!("{points} points earned, {}", end(*expires_at))
        }
        PointsChange::Prolonged { points, expires_at } => {
            format!("{points} points end at {expires_at} now")
        }
        PointsChange::Available { points, available_at } => {
            format!("{points} points available from {available_at}")
        }
        PointsChange::Expired { points, expired_at } => {
            format!("{points} points ended at {expired_at}")
        }
        PointsChange::Repaid { points } => format!("{points} of them repaid what was owed"),
        PointsChange::Reversed { points, taken, owed, unrecovered, lapsed } => format!(
            "{points} points reversed ({} pending, {} own lot, {} other lots, {owed} owed); \
            {unrecovered} unrecovered, {lapsed} lapsed",
            taken.pending, taken.own_lot, taken.other_lots
        ),
        PointsChange::Amended { earned, reversed, owed, unrecovered, lapsed, .. } => format!(
            "{:+} points earned, {:+} reversed ({owed} owed); {:+} unrecovered, {:+} lapsed",
            earned.0, reversed.0, unrecovered.0, lapsed.0
        ),
        PointsChange::Credited { points, expires_at, reason, .. } => {
            format!("{points} points given: {reason}; {}", end(*expires_at))
        }
        PointsChange::Deducted { points, owed, reason, .. } => {
            format!("{points} points taken ({owed} owed): {reason}")
        }
        PointsChange::Expiring { points, expires_at, .. } => {
            format!("warned: {points} points end at {expires_at}")
        }
        PointsChange::Spent { points } => format!("{points} points spent"),
        PointsChange::Restored { points } => format!("{points} points given back"),
        PointsChange::Granted { points, expires_at, redemption } => {
            format!("{points} points granted for referral {redemption}, {}", end(*expires_at))
        }
        PointsChange::ForTier { tier, points, expires_at, .. } => {
            format!("{points} points for entering {tier}, {}", end(*expires_at))
        }
    }
}

fn tier(change: &TierChange) -> String {
    match change {
        TierChange::Changed { from, to, qualifying, reviewed_at: None } => {
            format!("tier {from} → {to} with {qualifying}")
        }
        TierChange::Changed { from, to, qualifying, reviewed_at: Some(at) } => {
            format!("tier {from} → {to} with {qualifying}, reviewed at {at}")
        }
        TierChange::Kept { tier, qualifying, reviewed_at } => {
            format!("tier {tier} kept with {qualifying}, reviewed at {reviewed_at}")
        }
        TierChange::Lowered { from, to, qualifying, reviewed_at } => {
            format!("tier {from} → {to} with {qualifying}, reviewed at {reviewed_at}")
        }
        TierChange::AtRisk { tier, review_at, missing, .. } => {
            format!("warned: {missing} missing to keep {tier} at {review_at}")
        }
        TierChange::Invited { from, to, until, reason } if until.is_never() => {
            format!("tier {from} → {to} by invitation: {reason}")
        }
        TierChange::Invited { from, to, until, reason } => {
            format!("tier {from} → {to} by invitation until {until}: {reason}")
        }
        TierChange::InvitationEnded { from, to, qualifying, ended_at, reason } => {
            let why = reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            format!("tier {from} → {to} with {qualifying}, invitation ended at {ended_at}{why}")
        }
    }
}

fn of_many(shared: bool) -> &'static str {
    if shared { "shared " } else { "" }
}

fn discount(change: &DiscountChange) -> String {
    match change {
        DiscountChange::Expiring { code, expires_at, .. } => {
            format!("warned: discount {code} ends at {expires_at}")
        }
        DiscountChange::Issued { rule, code, expires_at } => {
            format!("discount {code} issued by {rule}, ends at {expires_at}")
        }
        DiscountChange::Used { code, shared } => format!("{}discount {code} used", of_many(*shared)),
        DiscountChange::Released { code, shared } => format!("{}discount {code} given back", of_many(*shared)),
        DiscountChange::Voided { code } => format!("discount {code} withdrawn"),
        DiscountChange::Expired { rule, code, expired_at } => {
            format!("discount {code} of {rule} ended at {expired_at}")
        }
        DiscountChange::ForTier { tier, rule, withheld, .. } => {
            let withheld = if *withheld { ", withheld" } else { "" };
            format!("discount {rule} for entering {tier}{withheld}")
        }
    }
}

fn perk(change: &PerkChange) -> String {
    match change {
        PerkChange::Used { perk, bought_left: Some(left), .. } => {
            format!("perk {perk} used, bought; {left} left")
        }
        PerkChange::Used { perk, uses: None, .. } => format!("perk {perk} used"),
        PerkChange::Used { perk, uses: Some(uses), .. } => {
            format!("perk {perk} used ({} of {})", uses.used, uses.count)
        }
        PerkChange::UsesBought { perk, uses, left } => {
            format!("{uses} uses of perk {perk} bought, {left} left")
        }
        PerkChange::UsesReturned { perk, uses, left } => {
            format!("{uses} bought uses of perk {perk} taken back, {left} left")
        }
    }
}

fn reward(change: &RewardChange) -> String {
    match change {
        RewardChange::Redeemed { reward, uses: None } => format!("reward {reward} redeemed"),
        RewardChange::Redeemed { reward, uses: Some(uses) } => {
            format!("reward {reward} redeemed ({} of {})", uses.used, uses.count)
        }
        RewardChange::Cancelled { reward, redemption, reason, .. } => {
            format!("redemption {redemption} of {reward} cancelled: {reason}")
        }
    }
}

fn membership(change: &MembershipChange) -> String {
    let named = |excluded: &[Exclusion]| match excluded {
        [] => "nothing".to_owned(),
        some => some.iter().map(|one| one.name()).collect::<Vec<_>>().join(", "),
    };
    match change {
        MembershipChange::Applied => "applied".to_owned(),
        MembershipChange::Admitted { invitation: Some(code), .. } => {
            format!("admitted by invitation {code}")
        }
        MembershipChange::Admitted { invitation: None, reason } => {
            format!("admitted: {}", reason.as_deref().unwrap_or("no reason given"))
        }
        MembershipChange::Rejected { reason } => format!("rejected: {reason}"),
        MembershipChange::ExclusionsChanged { from, to, reason } => {
            format!("excluded from {} → {}: {reason}", named(from), named(to))
        }
        MembershipChange::Paid { paid_at, since, until, lapses_at, .. } => {
            format!("membership paid at {paid_at}: from {since} until {until}, lapses at {lapses_at}")
        }
        MembershipChange::Ending { until, .. } => {
            format!("warned: the membership is paid until {until}")
        }
        MembershipChange::Lapsed { lapsed_at } => format!("membership lapsed at {lapsed_at}"),
    }
}

fn referral(change: &ReferralChange) -> String {
    match change {
        ReferralChange::CodeIssued { code, contact_id: None } => {
            format!("referral code {code} issued")
        }
        ReferralChange::CodeIssued { code, contact_id: Some(id) } => {
            format!("referral code {code} issued to {id}")
        }
        ReferralChange::CodeChanged { code, settings } => {
            let status =
                CodeStatus::ALL.iter().find(|(_, known)| *known == settings.status).map_or("", |(name, _)| name);
            let left = settings.redemptions_left.map_or_else(|| "any number of".to_owned(), |left| left.to_string());
            let end = settings.expires_at.map_or_else(|| "without end".to_owned(), |end| format!("until {end}"));
            format!("referral code {code} is {status}, {left} redemptions left, {end}")
        }
        ReferralChange::Redeemed { redemption } => format!("came by referral {redemption}"),
        ReferralChange::Reviewed { redemption, approved } => {
            format!("referral {redemption} {}", if *approved { "approved" } else { "rejected" })
        }
        ReferralChange::Qualified { redemption, order, reward_at } => {
            format!("referral {redemption} qualified by order {order}, rewarded from {reward_at}")
        }
        ReferralChange::Revoked { redemption, order } => {
            format!("referral {redemption} revoked: order {order} came back")
        }
        ReferralChange::Expired { redemption, expired_at } => {
            format!("referral {redemption} ended at {expired_at}")
        }
        ReferralChange::Concluded { redemption, settled } => {
            format!("referral {redemption} {}", settled.name())
        }
        ReferralChange::Rewarded { redemption, number } => {
            format!("rewarded for referral {redemption}, number {number}")
        }
        ReferralChange::TakenBack { redemption } => {
            format!("reward for referral {redemption} taken back")
        }
    }
}

fn occasion(given: &Given) -> String {
    let Given { occasion, points, expires_at, discount_withheld, .. } = given;
    let points = match *points {
        Points::ZERO => String::new(),
        points => format!(", {points} points, {}", end(*expires_at)),
    };
    let withheld = if *discount_withheld { ", no room for its discount" } else { "" };
    format!("occasion {occasion}{points}{withheld}")
}
