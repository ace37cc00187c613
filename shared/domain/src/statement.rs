//! A ledger entry in words: the account's history as a statement that its people understand.
//!
//! Rendered on read from what the entry holds; nothing here decides anything.

use crate::id::RuleId;
use crate::ledger::{Cause, Change, Entry, TierChange};
use crate::lots::Taken;
use crate::membership::Exclusion;
use crate::money::Points;
use crate::occasions::Given;
use crate::payment::OrderPaid;
use crate::program::Program;
use crate::referral::{CodeStatus, Settled};
use crate::returns::{ReturnKey, Reversal};
use crate::rewards::RewardCount;
use crate::time::{Calendar, Instant};
use crate::words::counted;

/// What happened, in plain English: a sentence for each change, in their order. `program` is the version that the entry was
/// made under: days are those of its time zone, and tiers, perks and rewards are called what it calls them.
pub fn text(entry: &Entry, program: &Program) -> String {
    let sentences: Vec<_> = entry.changes.iter().filter_map(|change| sentence(change, program)).collect();
    let text = sentences.join(" ");
    match &entry.cause {
        Cause::CreditNote { credit_note_id } => format!("Credit note {credit_note_id}: {text}"),
        _ => text,
    }
}

/// A reason as somebody wrote it, to be followed by more.
fn clause(reason: &str) -> &str {
    reason.trim_end_matches(['.', '!', '?', ' '])
}

/// The last day before an instant: what ends at a midnight is good until the day before.
fn until(end: Instant, calendar: &Calendar) -> impl std::fmt::Display {
    calendar.day(end.plus_ms(-1))
}

/// Until when points can be spent, after "They can be spent".
fn spendable_until(end: Instant, calendar: &Calendar) -> String {
    if end.is_never() { "at any time".to_owned() } else { format!("until {}", until(end, calendar)) }
}

/// `None`: another change of the same entry says it already.
fn sentence(change: &Change, program: &Program) -> Option<String> {
    let calendar = &program.calendar;
    points_sentence(change, calendar)
        .or_else(|| order_sentence(change, calendar))
        .or_else(|| referral_sentence(change, calendar))
        .or_else(|| occasion_sentence(change, calendar))
        .or_else(|| membership_sentence(change, calendar))
        .or_else(|| reward_sentence(change, program))
        .or_else(|| account_sentence(change, program))
}

fn points_sentence(change: &Change, calendar: &Calendar) -> Option<String> {
    let until = |end: Instant| until(end, calendar);
    Some(match change {
        Change::PointsEarned { until_paid: true, expires_at, .. } => {
            format!("They can be spent once the order is paid, {}.", spendable_until(*expires_at, calendar))
        }
        Change::PointsEarned { available_at: Some(from), expires_at, .. } => {
            let until = if expires_at.is_never() { String::new() } else { format!(" until {}", until(*expires_at)) };
            format!("They can be spent from {}{until}.", calendar.day(*from))
        }
        Change::PointsEarned { available_at: None, expires_at, .. } => {
            format!("They can be spent {}.", spendable_until(*expires_at, calendar))
        }
        Change::PointsProlonged { points, expires_at } => {
            format!("{points} points from before stay until {} now.", until(*expires_at))
        }
        Change::PointsAvailable { points, .. } => format!("{points} points became available."),
        Change::PointsExpired { points, expired_at } => format!("{points} points ended after {}.", until(*expired_at)),
        Change::PointsRepaid { points } => format!("{points} of them repaid points that were owed."),
        Change::PointsReversed { points, taken, owed, unrecovered, lapsed } => {
            taken_back(*points, *taken, *owed, *unrecovered, *lapsed)
        }
        Change::PointsAmended { earned, reversed, taken, owed, unrecovered, lapsed, until_paid, .. } => {
            match earned.minus(*reversed).unwrap_or(Points::ZERO) {
                more if *until_paid => format!("{more} points were added, to be spent once the order is paid."),
                more if more > Points::ZERO => format!("{more} points were added."),
                _ => {
                    let gone = taken.total().and_then(|taken| taken.plus(*owed)).unwrap_or(Points::ZERO);
                    taken_back(gone, *taken, *owed, *unrecovered, *lapsed)
                }
            }
        }
        Change::PointsCredited { points, expires_at, reason, .. } => {
            let until = spendable_until(*expires_at, calendar);
            format!("{points} points were given: {}. They can be spent {until}.", clause(reason))
        }
        Change::PointsOpened { points, expires_at } => {
            format!("{points} points were taken over. They can be spent {}.", spendable_until(*expires_at, calendar))
        }
        Change::DebtOpened { points } => format!("{points} points are owed from before."),
        Change::PointsDeducted { points, owed, reason, .. } => match *owed {
            Points::ZERO => format!("{points} points were taken: {}.", clause(reason)),
            owed => format!("{points} points were taken: {}; {owed} of them are owed.", clause(reason)),
        },
        _ => return None,
    })
}

fn taken_back(points: Points, taken: Taken, owed: Points, unrecovered: Points, lapsed: Points) -> String {
    let mut parts = vec![format!("{points} points were taken back")];
    parts.extend(Reversal { taken, owed, unrecovered, lapsed }.sources());
    format!("{}.", parts.join("; "))
}

fn order_sentence(change: &Change, calendar: &Calendar) -> Option<String> {
    Some(match change {
        Change::OrderScored { order, points, eligible_total, beyond_kept_months } => {
            let late = if *beyond_kept_months { " It is too old to count in any window of a tier." } else { "" };
            let points = counted(points, "point");
            format!("Order {} over {eligible_total} earned {points}.{late}", order.order_id)
        }
        Change::OrderReturned { order, by, eligible, kept, keeps, excess_units, .. } => {
            let id = &order.order_id;
            let what = match by {
                ReturnKey::Return(number) => format!("Return {number} of order {id}"),
                ReturnKey::CreditNote(_) => format!("Of order {id}"),
                ReturnKey::Cancellation => return Some(format!("Order {id} was cancelled: {eligible} less.")),
            };
            let excess = match excess_units {
                0 => String::new(),
                more => format!(" {more} units more were stated than the order had left."),
            };
            format!("{what}: {eligible} less. The {kept} that are kept earn {keeps} points.{excess}")
        }
        Change::ReturnRefused { order, by, .. } => {
            let what = by.return_id().map_or("The cancellation".to_owned(), |id| format!("Return {id}"));
            format!("{what} of order {} is dated before the order and was not carried out.", order.order_id)
        }
        Change::CreditNoteOpened { units } => format!("{units} units came back, to be found in earlier orders."),
        Change::CreditNoteClosed { units_unmatched, .. } if *units_unmatched > 0 => {
            format!("{units_unmatched} units match no order.")
        }
        Change::OrderAmended { order, eligible_before, eligible, .. } => {
            format!("Order {} was changed: {eligible} instead of {eligible_before}.", order.order_id)
        }
        Change::OrderPaid(OrderPaid { order, points, available_at, .. }) => {
            let id = &order.order_id;
            match available_at {
                _ if *points == Points::ZERO => format!("Order {id} was paid."),
                None => format!("Order {id} was paid: {points} points do not wait any more."),
                Some(from) => {
                    format!("Order {id} was paid: {points} points can be spent from {}.", calendar.day(*from))
                }
            }
        }
        _ => return None,
    })
}

fn referral_sentence(change: &Change, calendar: &Calendar) -> Option<String> {
    Some(match change {
        Change::ReferralCodeIssued { code, contact_id } => {
            let of = contact_id.as_ref().map_or_else(String::new, |id| format!(" of {id}"));
            format!("Referral code {code}{of} is there to be shared.")
        }
        Change::ReferralCodeChanged { code, settings } => match settings.status {
            CodeStatus::Active => format!("Referral code {code} was changed and can be redeemed."),
            CodeStatus::Paused => format!("Referral code {code} is paused."),
        },
        Change::ReferralRedeemed { redemption } => format!("The account came by referral code {}.", redemption.code),
        Change::ReferralReviewed { approved: true, .. } => "The referral was looked at and approved.".to_owned(),
        Change::ReferralReviewed { approved: false, .. } => "The referral was looked at and rejected.".to_owned(),
        Change::ReferralQualified { order, reward_at, .. } => format!(
            "With order {} the referral counts: whoever referred is rewarded after {}.",
            order.order_id,
            until(*reward_at, calendar)
        ),
        Change::ReferralRevoked { order, .. } => {
            format!("What is kept of order {} is too little now: the referral does not count.", order.order_id)
        }
        Change::ReferralExpired { expired_at, .. } => {
            format!("No order made the referral count until {}.", until(*expired_at, calendar))
        }
        Change::ReferralConcluded { settled, .. } => match settled {
            Settled::Rewarded => "Whoever referred the account was rewarded.".to_owned(),
            // It is tried again; until then there is nothing to tell.
            Settled::Later => return None,
            Settled::TakenBack => "The reward of whoever referred the account was taken back.".to_owned(),
            Settled::Over => "Nothing more comes of the referral.".to_owned(),
        },
        Change::ReferralRewarded { redemption, number } => {
            format!("Code {} brought the account's referral number {number}.", redemption.code)
        }
        Change::ReferralTakenBack { redemption } => {
            format!("What code {} brought does not count any more.", redemption.code)
        }
        Change::PointsGranted { points, expires_at, .. } => {
            let until = spendable_until(*expires_at, calendar);
            format!("{points} points were given for the referral. They can be spent {until}.")
        }
        _ => return None,
    })
}

fn membership_sentence(change: &Change, calendar: &Calendar) -> Option<String> {
    let until = |end: Instant| until(end, calendar);
    let named = |excluded: &[Exclusion]| excluded.iter().map(|one| one.name()).collect::<Vec<_>>().join(", ");
    Some(match change {
        Change::MembershipApplied => "The account waits to be let in.".to_owned(),
        Change::MembershipAdmitted { invitation: Some(code), .. } => {
            format!("The account is a member now, by invitation {code}.")
        }
        Change::MembershipAdmitted { invitation: None, reason } => {
            let why = reason.as_deref().map(|reason| format!(": {}", clause(reason))).unwrap_or_default();
            format!("The account is a member now{why}.")
        }
        Change::MembershipRejected { reason } => format!("The account is no member: {}.", clause(reason)),
        Change::ExclusionsChanged { to, reason, .. } if to.is_empty() => {
            format!("The account is no longer excluded from anything: {}.", clause(reason))
        }
        Change::ExclusionsChanged { to, reason, .. } => {
            format!("The account is excluded from {} now: {}.", named(to), clause(reason))
        }
        Change::MembershipPaid { until: end, .. } => format!("The membership is paid for until {}.", until(*end)),
        Change::MembershipEnding { until: end, lapses_at, .. } if end == lapses_at => {
            format!("The membership will end after {}, unless it is paid for again.", until(*end))
        }
        Change::MembershipEnding { until: end, lapses_at, .. } => format!(
            "The membership is paid for until {}; it will end after {}, unless it is paid for again.",
            until(*end),
            until(*lapses_at)
        ),
        Change::MembershipLapsed { lapsed_at } => format!("The membership ended after {}.", until(*lapsed_at)),
        _ => return None,
    })
}

/// What its rule is called, and what it brought; a discount has a sentence of its own.
fn occasion_sentence(change: &Change, calendar: &Calendar) -> Option<String> {
    let Change::OccasionGiven(Given { name, points, expires_at, discount_withheld, .. }) = change else { return None };
    let points = match *points {
        Points::ZERO => ".".to_owned(),
        points => {
            let until = spendable_until(*expires_at, calendar);
            format!(": {points} points were given. They can be spent {until}.")
        }
    };
    let withheld = if *discount_withheld { " There is no room for its discount." } else { "" };
    Some(format!("{}{points}{withheld}", clause(name)))
}

fn tier_sentence(change: &TierChange, program: &Program) -> String {
    let (calendar, name) = (&program.calendar, |tier| program.tiers.name(tier));
    match change {
        TierChange::Invited { to, until, reason, .. } if until.is_never() => {
            format!("The account was invited to be {}: {}.", name(to), clause(reason))
        }
        TierChange::Invited { to, until: end, reason, .. } => {
            let end = until(*end, calendar);
            format!("The account was invited to be {} until {end}: {}.", name(to), clause(reason))
        }
        TierChange::InvitationEnded { from, to, qualifying, reason, .. } => {
            let why = reason.as_ref().map_or_else(String::new, |reason| format!(" ({})", clause(reason)));
            let (from, to) = (name(from), name(to));
            format!("The invitation to be {from} ended{why}. The tier is {to} now, with {qualifying}.")
        }
        TierChange::Points { tier, points, expires_at, .. } => {
            let until = spendable_until(*expires_at, calendar);
            format!("{points} points were given for becoming {}. They can be spent {until}.", name(tier))
        }
    }
}

/// What the program calls a perk; its id where it does not know it.
fn perk_name<'a>(program: &'a Program, id: &'a RuleId) -> &'a str {
    program.perks.iter().find(|perk| perk.id == *id).map_or(id.as_str(), |perk| &perk.name)
}

/// The same of a reward.
fn reward_name<'a>(program: &'a Program, id: &'a RuleId) -> &'a str {
    program.rewards.iter().find(|reward| reward.id == *id).map_or(id.as_str(), |reward| &reward.name)
}

fn reward_sentence(change: &Change, program: &Program) -> Option<String> {
    let (calendar, perk_name) = (&program.calendar, |perk| perk_name(program, perk));
    let had = |uses: &Option<RewardCount>| match uses {
        None => String::new(),
        Some(RewardCount { count, used, renews_at: None, .. }) => format!(", {used} of {count} times"),
        Some(RewardCount { count, used, renews_at: Some(end), .. }) => {
            format!(", {used} of {count} times until {}", until(*end, calendar))
        }
    };
    Some(match change {
        Change::RewardRedeemed { reward, uses } => {
            format!("Reward “{}” was redeemed{}.", reward_name(program, reward), had(uses))
        }
        Change::PointsSpent { points } => format!("{points} points were spent on it."),
        Change::RewardCancelled { redemption, reason, .. } => {
            format!("Redemption {redemption} was cancelled: {}.", clause(reason))
        }
        Change::PointsRestored { points } => format!("{points} points were given back."),
        Change::PerkUsesBought { perk, uses, left } => {
            format!("{uses} uses of “{}” were bought: {left} of these are left.", perk_name(perk))
        }
        Change::PerkUsesReturned { perk, uses, left } => {
            format!("{uses} bought uses of “{}” were taken back: {left} are left.", perk_name(perk))
        }
        Change::PerkUsed { perk, bought_left: Some(left), .. } => {
            format!("“{}” was used, out of those uses that were bought: {left} of these are left.", perk_name(perk))
        }
        _ => return None,
    })
}

fn account_sentence(change: &Change, program: &Program) -> Option<String> {
    let (calendar, name) = (&program.calendar, |tier| program.tiers.name(tier));
    let until = |end: Instant| until(end, calendar);
    Some(match change {
        Change::AccountEnrolled { tier } => format!("The account joined the program as {}.", name(tier)),
        Change::AccountOpened { tier, past, .. } => {
            let orders = counted(past.orders, "order");
            format!("The account was taken over as {}, with {orders} before.", name(tier))
        }
        Change::AccountChanged { fields } => format!("The account's data changed: {}.", fields.join(", ")),
        Change::StatusChanged { to, .. } => format!("The account is {} now.", to.name()),
        Change::ContactChanged { contact_id } => format!("Contact {contact_id} was added or changed."),
        Change::TierChanged { from, to, qualifying, .. } => {
            format!("The tier is {} now, with {qualifying}; before: {}.", name(to), name(from))
        }
        Change::TierKept { tier, qualifying, .. } => {
            format!("The tier was reviewed and stays {}, with {qualifying}.", name(tier))
        }
        Change::TierLowered { from, to, qualifying, .. } => {
            format!("The tier was reviewed and is {} now, with {qualifying}; before: {}.", name(to), name(from))
        }
        Change::TierAtRisk { tier, review_at, missing, .. } => {
            format!("To stay {}, {missing} more is needed until {}.", name(tier), until(*review_at))
        }
        Change::Tier(change) => tier_sentence(change, program),
        Change::PointsExpiring { points, expires_at, if_inactive: false, .. } => {
            format!("{points} points will end after {}.", until(*expires_at))
        }
        Change::PointsExpiring { points, expires_at, if_inactive: true, .. } => {
            format!("{points} points will end after {}, unless something is ordered until then.", until(*expires_at))
        }
        Change::DiscountExpiring { code, expires_at, .. } => {
            format!("Discount {code} will end after {}.", until(*expires_at))
        }
        Change::PerkUsed { perk, uses: None, .. } => format!("“{}” was used.", perk_name(program, perk)),
        Change::PerkUsed { perk, uses: Some(uses), .. } => {
            let (perk, end) = (perk_name(program, perk), until(uses.renews_at));
            format!("“{perk}” was used: {} of {} until {end}.", uses.used, uses.count)
        }
        Change::DiscountIssued { code, expires_at, .. } => {
            format!("Discount {code} is yours until {}.", until(*expires_at))
        }
        Change::DiscountUsed { code } => format!("Discount {code} was used."),
        Change::DiscountReleased { code } => format!("Discount {code} was given back."),
        Change::DiscountVoided { code } => {
            format!("Discount {code} was withdrawn: what it came with was changed or undone.")
        }
        Change::DiscountExpired { code, expired_at, .. } => {
            format!("Discount {code} ended unused after {}.", until(*expired_at))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
