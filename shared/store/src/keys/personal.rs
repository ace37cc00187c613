//! Keys of what is known of people, and of its erasure.

use super::{Item, contact, ledger, profile};
use domain::code::KeyedHash;
use domain::decision::Personal;
use domain::id::AccountId;
use domain::membership::{ClaimKey, UniqueField};

pub(super) const ERASURE: &str = "ERASURE";
/// Begins the keys of claims.
const CLAIMED: &str = "claim#";

/// The key of how far the erasure of an account has come.
pub fn erasure(id: &AccountId) -> Item {
    ledger(id, ERASURE.to_owned())
}

/// The key of what can be removed as a whole.
pub fn personal(which: &Personal) -> Item {
    match which {
        Personal::Profile(id) => profile(id),
        Personal::Contact(id, of) => contact(id, of),
    }
}

pub fn claim_code(key: &ClaimKey) -> String {
    format!("{CLAIMED}{}#{}#{}", key.field.name(), key.keyed.secret, key.keyed.hash)
}

/// The claim that a key of the codes table is of; `None`: it is of none.
pub fn claimed(item: &Item) -> Option<ClaimKey> {
    let mut parts = item.get("code")?.as_s().ok()?.strip_prefix(CLAIMED)?.split('#');
    let (field, secret, hash) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.to_owned());
    let field = [UniqueField::VatId, UniqueField::Email].into_iter().find(|known| known.name() == field)?;
    let keyed = KeyedHash { secret, hash: hash.try_into().ok()? };
    parts.next().is_none().then_some(ClaimKey { field, keyed })
}
