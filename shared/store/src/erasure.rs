//! What an erasure reads: how far it has come, and an account's people.

use crate::keys;
use crate::page::Listed;
use crate::read::Consistency;
use crate::{Fault, Store};
use domain::erasure::Erasure;
use domain::id::AccountId;
use domain::membership::Contact;

impl Store {
    /// How far the erasure of an account has come; `None`: it was never begun.
    pub async fn erasure(&self, id: &AccountId, consistency: Consistency) -> Result<Option<Erasure>, Fault> {
        self.ledger_record(keys::erasure(id), consistency).await
    }

    /// The first people of an account, at most `limit`, read strongly.
    pub async fn first_contacts(&self, id: &AccountId, limit: u16) -> Result<Vec<Contact>, Fault> {
        Ok(self.page(Listed::Ledger, keys::contacts_of(id), None, limit).await?.0)
    }
}
