//! Where personal data stand, in one list: what erasing a company must reach.
//!
//! A test fills every table, erases a company, and holds this list against what it finds there: a value that was stated of
//! people and stands where the list does not say so fails it, and so does a place of the list where none stands.

use crate::keys::{self, CodeKind, Item, LedgerKind};

/// How an erasure removes what stands in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Its item is deleted.
    Deleted,
    /// Its item stays, for what else it holds, without it.
    Blanked,
}

/// An attribute that holds personal data, or a keyed hash of such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The kind of item, as [`kind`] names it.
    pub item: &'static str,
    /// Its attribute.
    pub attribute: &'static str,
    /// How it is removed.
    pub removal: Removal,
}

const fn deleted(item: &'static str, attribute: &'static str) -> Place {
    Place { item, attribute, removal: Removal::Deleted }
}

const fn blanked(item: &'static str, attribute: &'static str) -> Place {
    Place { item, attribute, removal: Removal::Blanked }
}

/// Every such place. Ids of accounts, contacts, orders and callers are none: they name, and say nothing by themselves.
pub const PLACES: [Place; 17] = [
    deleted("profile", "name"),
    deleted("profile", "email"),
    deleted("profile", "country"),
    deleted("profile", "vat_id"),
    deleted("profile", "phone"),
    deleted("profile", "address"),
    deleted("profile", "claims"),
    deleted("contact", "name"),
    deleted("contact", "email"),
    deleted("contact", "locale"),
    deleted("contact", "birthday"),
    // What is claimed, as a keyed hash, is its key.
    deleted("claim", "code"),
    blanked("redemption", "content"),
    blanked("redemption", "consent"),
    blanked("redemption", "review"),
    // What people said in their own words, and the words that they chose of the merchant's.
    blanked("survey answer", "comment"),
    blanked("survey answer", "tags"),
];

/// Of which kind an item of any table is; `None`: nobody has said.
pub fn kind(item: &Item) -> Option<&'static str> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str);
    // A discount has a code, too, and its own kind of sort key.
    let of_codes = text("code").zip(text("sk")).and_then(|(code, sort)| keys::code_kind(code, sort));
    if let Some(kind) = of_codes {
        return Some(codes(kind));
    }
    match (text("account_id"), text("sk"), text("metric")) {
        (Some(_), Some(sort), _) if !item.contains_key("order_key") => keys::ledger_kind(sort).map(ledger),
        (_, _, Some(metric)) if metric.starts_with(keys::ANSWERS) => Some("survey answer"),
        (_, _, Some(_)) => Some("kept by nights, walks, surveys and simulations"),
        (Some(_), None, None) if !item.contains_key("order_key") => Some("account"),
        _ if item.contains_key("order_key") => Some("order"),
        _ if item.contains_key("program") => Some("program"),
        _ if item.contains_key("limit") => Some("limit"),
        _ => None,
    }
}

fn codes(kind: CodeKind) -> &'static str {
    match kind {
        CodeKind::ReferralCode => "referral code",
        CodeKind::Redemption => "redemption",
        CodeKind::WaitingReview => "waiting review",
        CodeKind::Invitation => "invitation",
        CodeKind::SharedCode => "shared code",
        CodeKind::Claim => "claim",
        CodeKind::Reservation => "reservation",
    }
}

fn ledger(kind: LedgerKind) -> &'static str {
    match kind {
        LedgerKind::Entry => "entry",
        LedgerKind::Profile => "profile",
        LedgerKind::Contact => "contact",
        LedgerKind::Erasure => "erasure",
        LedgerKind::Discount => "discount",
        LedgerKind::Command => "command",
        LedgerKind::CreditNote => "credit note",
        LedgerKind::CodeHolder => "code holder",
        LedgerKind::PerkUses => "perk uses",
        LedgerKind::RewardUses => "reward uses",
        LedgerKind::SharedUses => "uses of a shared code",
        LedgerKind::RewardRedemption => "redemption of a reward",
    }
}
