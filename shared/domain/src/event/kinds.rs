//! Every kind of event, grouped as the changes of entries are.

mod account;
mod discount;
mod hold;
mod membership;
mod order;
mod perk;
mod points;
mod referral;
mod tier;

use super::kind::Kind;

/// All that is sent.
pub const KINDS: [&[Kind]; 9] = [
    account::KINDS,
    discount::KINDS,
    hold::KINDS,
    membership::KINDS,
    order::KINDS,
    perk::KINDS,
    points::KINDS,
    referral::KINDS,
    tier::KINDS,
];

/// Changes that are no events: what another product knew of an account is brought here by an import, and an import is
/// not announced.
pub const NOT_SENT: [&str; 3] = ["account.opened", "points.opened", "points.debt_opened"];
