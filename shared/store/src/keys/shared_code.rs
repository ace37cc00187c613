//! Keys of shared codes, and of what accounts have used of them.

use super::{Item, in_codes, ledger, text};
use domain::code::Code;
use domain::id::AccountId;

/// Where shared codes stand, each under its code: they are listed together. No code: those have eleven characters.
pub(super) const SHARED_CODES: &str = "SHARED";
/// Begins what an account has used of them.
pub(super) const SHARED_USES: &str = "S#";

pub fn shared_code(code: &Code) -> Item {
    in_codes(SHARED_CODES.to_owned(), code.to_string())
}

/// The condition, and its values, that all shared codes are queried with.
pub fn all_shared_codes() -> (&'static str, Item) {
    ("code = :code", [(":code".to_owned(), text(SHARED_CODES))].into())
}

pub fn shared_uses(id: &AccountId, code: &Code) -> Item {
    ledger(id, format!("{SHARED_USES}{code}"))
}
