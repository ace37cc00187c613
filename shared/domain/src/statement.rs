//! A ledger entry in words: the account's history as a statement that its people understand.
//!
//! Rendered on read from what the entry holds; nothing here decides anything.

use crate::id::RuleId;
use crate::ledger::{
    AccountChange, Cause, Change, DiscountChange, Entry, HoldChange, MembershipChange, OrderChange, PerkChange,
    PointsChange, ReferralChange, RewardChange, TierChange,
};
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
pub(crate) fn clause(reason: &str) -> &str {
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

/// `None`: another change of the same entry says it already, or there is nothing to tell.
fn sentence(change: &Change, program: &Program) -> Option<String> {
    let calendar = &program.calendar;
    Some(match change {
        Change::Account(change) => account_sentence(change, program),
        Change::Discount(change) => discount_sentence(change, program),
        Change::Membership(change) => membership_sentence(change, calendar),
        Change::OccasionGiven(given) => occasion_sentence(given, calendar),
        Change::Order(change) => return order_sentence(change, calendar),
        Change::Perk(change) => perk_sentence(change, program),
        Change::Points(change) => points_sentence(change, program),
        Change::Referral(change) => return referral_sentence(change, calendar),
        Change::Reward(change) => reward_sentence(change, program),
        Change::Hold(change) => hold_sentence(change),
        Change::Tier(change) => tier_sentence(change, program),
    })
}

fn points_sentence(change: &PointsChange, program: &Program) -> String {
    let calendar = &program.calendar;
    let until = |end: Instant| until(end, calendar);
    let spendable = |end: &Instant| format!("They can be spent {}.", spendable_until(*end, calendar));
    match change {
        PointsChange::Earned { until_paid: true, expires_at, .. } => {
            format!("They can be spent once the order is paid, {}.", spendable_until(*expires_at, calendar))
        }
        PointsChange::Earned { available_at: Some(from), expires_at, .. } => {
            let until = if expires_at.is_never() { String::new() } else { format!(" until {}", until(*expires_at)) };
            format!("They can be spent from {}{until}.", calendar.day(*from))
        }
        PointsChange::Earned { available_at: None, expires_at, .. } => spendable(expires_at),
        PointsChange::Prolonged { points, expires_at } => {
            format!("{points} points from before stay until {} now.", until(*expires_at))
        }
        PointsChange::Available { points, .. } => format!("{points} points became available."),
        PointsChange::Expiring { points, expires_at, if_inactive: false, .. } => {
            format!("{points} points will end after {}.", until(*expires_at))
        }
        PointsChange::Expiring { points, expires_at, if_inactive: true, .. } => {
            format!("{points} points will end after {}, unless something is ordered until then.", until(*expires_at))
        }
        PointsChange::Expired { points, expired_at } => format!("{points} points ended after {}.", until(*expired_at)),
        PointsChange::Repaid { points } => format!("{points} of them repaid points that were owed."),
        PointsChange::Reversed { points, taken, owed, unrecovered, lapsed } => {
            taken_back(*points, Reversal { taken: *taken, owed: *owed, unrecovered: *unrecovered, lapsed: *lapsed })
        }
        PointsChange::Amended { earned, reversed, taken, owed, unrecovered, lapsed, until_paid, .. } => {
            let more = earned.minus(*reversed).unwrap_or(Points::ZERO);
            let gone = Reversal { taken: *taken, owed: *owed, unrecovered: *unrecovered, lapsed: *lapsed };
            amended(more, gone, *until_paid)
        }
        PointsChange::Credited { points, expires_at, reason, .. } => {
            format!("{points} points were given: {}. {}", clause(reason), spendable(expires_at))
        }
        PointsChange::Granted { points, expires_at, .. } => {
            format!("{points} points were given for the referral. {}", spendable(expires_at))
        }
        PointsChange::ForTier { tier, points, expires_at, .. } => {
            format!("{points} points were given for becoming {}. {}", program.tiers.name(tier), spendable(expires_at))
        }
        PointsChange::Opened { points, expires_at } => {
            format!("{points} points were taken over. {}", spendable(expires_at))
        }
        PointsChange::DebtOpened { points } => format!("{points} points are owed from before."),
        PointsChange::Deducted { points, owed: Points::ZERO, reason, .. } => {
            format!("{points} points were taken: {}.", clause(reason))
        }
        PointsChange::Deducted { points, owed, reason, .. } => {
            format!("{points} points were taken: {}; {owed} of them are owed.", clause(reason))
        }
        PointsChange::Spent { points } => format!("{points} points were spent on it."),
        PointsChange::Restored { points } => format!("{points} points were given back."),
    }
}

fn taken_back(points: Points, reversal: Reversal) -> String {
    let mut parts = vec![format!("{points} points were taken back")];
    parts.extend(reversal.sources());
    format!("{}.", parts.join("; "))
}

/// `more`: by how much the points changed; `gone`: where they were taken from, if they were.
fn amended(more: Points, gone: Reversal, until_paid: bool) -> String {
    match more {
        more if until_paid => format!("{more} points were added, to be spent once the order is paid."),
        more if more > Points::ZERO => format!("{more} points were added."),
        _ => {
            let points = gone.taken.total().and_then(|taken| taken.plus(gone.owed)).unwrap_or(Points::ZERO);
            taken_back(points, gone)
        }
    }
}

fn hold_sentence(change: &HoldChange) -> String {
    let held = |codes: usize, points: Points| {
        let codes = (codes > 0).then(|| counted(codes, "discount"));
        let points = (points > Points::ZERO).then(|| format!("{points} points"));
        codes.into_iter().chain(points).collect::<Vec<_>>().join(" and ")
    };
    match change {
        HoldChange::Made { codes, points, .. } => match held(codes.len(), *points).as_str() {
            "" => "A cart was reserved.".to_owned(),
            held => format!("Reserved for a cart: {held}."),
        },
        HoldChange::Released { .. } => "The reservation of a cart was given up.".to_owned(),
        HoldChange::Used { quoted, ordered, .. } if quoted == ordered => {
            "The reservation of its cart was used.".to_owned()
        }
        HoldChange::Used { quoted, ordered, .. } => {
            format!("The reservation of its cart was used, which had come to {quoted}: the order comes to {ordered}.")
        }
        HoldChange::Ended { .. } => "The time of a reservation was over.".to_owned(),
    }
}

fn order_sentence(change: &OrderChange, calendar: &Calendar) -> Option<String> {
    Some(match change {
        OrderChange::Scored { order, points, eligible_total, beyond_kept_months } => {
            let late = if *beyond_kept_months { " It is too old to count in any window of a tier." } else { "" };
            let points = counted(points, "point");
            format!("Order {} over {eligible_total} earned {points}.{late}", order.order_id)
        }
        OrderChange::Returned { order, by, eligible, kept, keeps, excess_units, .. } => {
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
            let keeps = kept.as_ref().zip(keeps.as_ref());
            let keeps = keeps.map(|(kept, keeps)| format!(" The {kept} that are kept earn {keeps} points."));
            format!("{what}: {eligible} less.{}{excess}", keeps.unwrap_or_default())
        }
        OrderChange::ReturnRefused { order, by, .. } => {
            let what = by.return_id().map_or("The cancellation".to_owned(), |id| format!("Return {id}"));
            format!("{what} of order {} is dated before the order and was not carried out.", order.order_id)
        }
        OrderChange::CreditNoteOpened { units } => {
            format!("{units} units came back, to be found in earlier orders.")
        }
        OrderChange::CreditNoteClosed { units_unmatched, .. } if *units_unmatched > 0 => {
            format!("{units_unmatched} units match no order.")
        }
        OrderChange::Amended { order, eligible_before, eligible, .. } => {
            format!("Order {} was changed: {eligible} instead of {eligible_before}.", order.order_id)
        }
        OrderChange::Paid(OrderPaid { order, points, available_at, .. }) => {
            let id = &order.order_id;
            match available_at {
                _ if *points == Points::ZERO => format!("Order {id} was paid."),
                None => format!("Order {id} was paid: {points} points do not wait any more."),
                Some(from) => {
                    format!("Order {id} was paid: {points} points can be spent from {}.", calendar.day(*from))
                }
            }
        }
        OrderChange::CreditNoteClosed { .. } => return None,
    })
}

fn referral_sentence(change: &ReferralChange, calendar: &Calendar) -> Option<String> {
    Some(match change {
        ReferralChange::CodeIssued { code, contact_id } => {
            let of = contact_id.as_ref().map_or_else(String::new, |id| format!(" of {id}"));
            format!("Referral code {code}{of} is there to be shared.")
        }
        ReferralChange::CodeChanged { code, settings } => match settings.status {
            CodeStatus::Active => format!("Referral code {code} was changed and can be redeemed."),
            CodeStatus::Paused => format!("Referral code {code} is paused."),
        },
        ReferralChange::Redeemed { redemption } => {
            format!("The account came by referral code {}.", redemption.code)
        }
        ReferralChange::Reviewed { approved: true, .. } => "The referral was looked at and approved.".to_owned(),
        ReferralChange::Reviewed { approved: false, .. } => "The referral was looked at and rejected.".to_owned(),
        ReferralChange::Qualified { order, reward_at, .. } => format!(
            "With order {} the referral counts: whoever referred is rewarded after {}.",
            order.order_id,
            until(*reward_at, calendar)
        ),
        ReferralChange::Revoked { order, .. } => {
            format!("What is kept of order {} is too little now: the referral does not count.", order.order_id)
        }
        ReferralChange::Expired { expired_at, .. } => {
            format!("No order made the referral count until {}.", until(*expired_at, calendar))
        }
        ReferralChange::Concluded { settled, .. } => match settled {
            Settled::Rewarded => "Whoever referred the account was rewarded.".to_owned(),
            // It is tried again; until then there is nothing to tell.
            Settled::Later => return None,
            Settled::TakenBack => "The reward of whoever referred the account was taken back.".to_owned(),
            Settled::Over => "Nothing more comes of the referral.".to_owned(),
        },
        ReferralChange::Rewarded { redemption, number } => {
            format!("Code {} brought the account's referral number {number}.", redemption.code)
        }
        ReferralChange::TakenBack { redemption } => {
            format!("What code {} brought does not count any more.", redemption.code)
        }
    })
}

fn membership_sentence(change: &MembershipChange, calendar: &Calendar) -> String {
    let until = |end: Instant| until(end, calendar);
    let named = |excluded: &[Exclusion]| excluded.iter().map(|one| one.name()).collect::<Vec<_>>().join(", ");
    match change {
        MembershipChange::Applied => "The account waits to be let in.".to_owned(),
        MembershipChange::Admitted { invitation: Some(code), .. } => {
            format!("The account is a member now, by invitation {code}.")
        }
        MembershipChange::Admitted { invitation: None, reason } => {
            let why = reason.as_deref().map(|reason| format!(": {}", clause(reason))).unwrap_or_default();
            format!("The account is a member now{why}.")
        }
        MembershipChange::Rejected { reason } => {
            format!("The account is no member: {}.", clause(reason))
        }
        MembershipChange::ExclusionsChanged { to, reason, .. } if to.is_empty() => {
            format!("The account is no longer excluded from anything: {}.", clause(reason))
        }
        MembershipChange::ExclusionsChanged { to, reason, .. } => {
            format!("The account is excluded from {} now: {}.", named(to), clause(reason))
        }
        MembershipChange::Paid { until: end, .. } => {
            format!("The membership is paid for until {}.", until(*end))
        }
        MembershipChange::Ending { until: end, lapses_at, .. } if end == lapses_at => {
            format!("The membership will end after {}, unless it is paid for again.", until(*end))
        }
        MembershipChange::Ending { until: end, lapses_at, .. } => format!(
            "The membership is paid for until {}; it will end after {}, unless it is paid for again.",
            until(*end),
            until(*lapses_at)
        ),
        MembershipChange::Lapsed { lapsed_at } => {
            format!("The membership ended after {}.", until(*lapsed_at))
        }
    }
}

/// What its rule is called, and what it brought; a discount has a sentence of its own.
fn occasion_sentence(given: &Given, calendar: &Calendar) -> String {
    let points = match given.points {
        Points::ZERO => ".".to_owned(),
        points => {
            let until = spendable_until(given.expires_at, calendar);
            format!(": {points} points were given. They can be spent {until}.")
        }
    };
    let withheld = if given.discount_withheld { " There is no room for its discount." } else { "" };
    format!("{}{points}{withheld}", clause(&given.name))
}

fn tier_sentence(change: &TierChange, program: &Program) -> String {
    let name = |tier| program.tiers.name(tier);
    let until = |end: Instant| until(end, &program.calendar);
    match change {
        TierChange::Changed { from, to, qualifying, .. } => {
            format!("The tier is {} now, with {qualifying}; before: {}.", name(to), name(from))
        }
        TierChange::Kept { tier, qualifying, .. } => {
            format!("The tier was reviewed and stays {}, with {qualifying}.", name(tier))
        }
        TierChange::Lowered { from, to, qualifying, .. } => {
            format!("The tier was reviewed and is {} now, with {qualifying}; before: {}.", name(to), name(from))
        }
        TierChange::AtRisk { tier, review_at, missing, .. } => {
            format!("To stay {}, {missing} more is needed until {}.", name(tier), until(*review_at))
        }
        TierChange::Invited { to, until: end, reason, .. } if end.is_never() => {
            format!("The account was invited to be {}: {}.", name(to), clause(reason))
        }
        TierChange::Invited { to, until: end, reason, .. } => {
            format!("The account was invited to be {} until {}: {}.", name(to), until(*end), clause(reason))
        }
        TierChange::InvitationEnded { from, to, qualifying, reason, .. } => {
            let why = reason.as_ref().map_or_else(String::new, |reason| format!(" ({})", clause(reason)));
            let (from, to) = (name(from), name(to));
            format!("The invitation to be {from} ended{why}. The tier is {to} now, with {qualifying}.")
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

fn reward_sentence(change: &RewardChange, program: &Program) -> String {
    let calendar = &program.calendar;
    let had = |uses: &Option<RewardCount>| match uses {
        None => String::new(),
        Some(RewardCount { count, used, renews_at: None, .. }) => format!(", {used} of {count} times"),
        Some(RewardCount { count, used, renews_at: Some(end), .. }) => {
            format!(", {used} of {count} times until {}", until(*end, calendar))
        }
    };
    match change {
        RewardChange::Redeemed { reward, uses } => {
            format!("Reward “{}” was redeemed{}.", reward_name(program, reward), had(uses))
        }
        RewardChange::Cancelled { redemption, reason, .. } => {
            format!("Redemption {redemption} was cancelled: {}.", clause(reason))
        }
    }
}

fn perk_sentence(change: &PerkChange, program: &Program) -> String {
    let name = |perk| perk_name(program, perk);
    match change {
        PerkChange::Used { perk, bought_left: Some(left), .. } => {
            format!("“{}” was used, out of those uses that were bought: {left} of these are left.", name(perk))
        }
        PerkChange::Used { perk, uses: None, .. } => format!("“{}” was used.", name(perk)),
        PerkChange::Used { perk, uses: Some(uses), .. } => {
            let end = until(uses.renews_at, &program.calendar);
            format!("“{}” was used: {} of {} until {end}.", name(perk), uses.used, uses.count)
        }
        PerkChange::UsesBought { perk, uses, left } => {
            format!("{uses} uses of “{}” were bought: {left} of these are left.", name(perk))
        }
        PerkChange::UsesReturned { perk, uses, left } => {
            format!("{uses} bought uses of “{}” were taken back: {left} are left.", name(perk))
        }
    }
}

fn account_sentence(change: &AccountChange, program: &Program) -> String {
    let name = |tier| program.tiers.name(tier);
    match change {
        AccountChange::Enrolled { tier } => format!("The account joined the program as {}.", name(tier)),
        AccountChange::Opened { tier, past, .. } => {
            let orders = counted(past.orders, "order");
            format!("The account was taken over as {}, with {orders} before.", name(tier))
        }
        AccountChange::Changed { fields } => {
            format!("The account's data changed: {}.", fields.join(", "))
        }
        AccountChange::StatusChanged { to, .. } => format!("The account is {} now.", to.name()),
        AccountChange::Erased => "The personal data of the company and its people were erased.".to_owned(),
        AccountChange::ContactChanged { contact_id } => {
            format!("Contact {contact_id} was added or changed.")
        }
    }
}

fn discount_sentence(change: &DiscountChange, program: &Program) -> String {
    let name = |tier| program.tiers.name(tier);
    let until = |end: Instant| until(end, &program.calendar);
    match change {
        DiscountChange::Expiring { code, expires_at, .. } => {
            format!("Discount {code} will end after {}.", until(*expires_at))
        }
        DiscountChange::Issued { code, expires_at, .. } => {
            format!("Discount {code} is yours until {}.", until(*expires_at))
        }
        DiscountChange::Used { code, .. } => format!("Discount {code} was used."),
        DiscountChange::Released { code, .. } => format!("Discount {code} was given back."),
        DiscountChange::Voided { code } => {
            format!("Discount {code} was withdrawn: what it came with was changed or undone.")
        }
        DiscountChange::Expired { code, expired_at, .. } => {
            format!("Discount {code} ended unused after {}.", until(*expired_at))
        }
        DiscountChange::ForTier { tier, withheld: false, .. } => {
            format!("There is a discount for becoming {}.", name(tier))
        }
        DiscountChange::ForTier { tier, .. } => {
            format!("The discount for becoming {} was not issued.", name(tier))
        }
    }
}

#[cfg(test)]
mod tests;
