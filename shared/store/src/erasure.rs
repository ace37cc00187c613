//! What an erasure reads: how far it has come, an account's people, and claims that nothing lists.

use crate::keys;
use crate::page::Listed;
use crate::read::Consistency;
use crate::scan::{Page, PageKey, Segment};
use crate::{Fault, Store, item};
use domain::erasure::Erasure;
use domain::id::AccountId;
use domain::membership::{Claim, Contact};

impl Store {
    /// How far the erasure of an account has come; `None`: it was never begun.
    pub async fn erasure(&self, id: &AccountId, consistency: Consistency) -> Result<Option<Erasure>, Fault> {
        self.ledger_record(keys::erasure(id), consistency).await
    }

    /// The first people of an account, at most `limit`, read strongly.
    pub async fn first_contacts(&self, id: &AccountId, limit: u16) -> Result<Vec<Contact>, Fault> {
        Ok(self.page(Listed::Ledger, keys::contacts_of(id), None, limit).await?.0)
    }

    /// A page of all claims that there are. A page may be empty and not the last.
    pub async fn claims_page(&self, segment: Segment, after: Option<PageKey>) -> Result<Page<Claim>, Fault> {
        let read = |found: keys::Item| {
            let Some(key) = keys::claimed(&found) else { return Ok(None) };
            let wrong = |what| Fault::Corrupt { table: "codes", key: key.keyed.hash.to_string(), what };
            let account_id = item::claim_holder(&found).map_err(wrong)?;
            Ok(Some(Claim { key, account_id }))
        };
        let page = self.scan(&self.tables.codes, segment, after, read).await?;
        Ok(Page { records: page.records.into_iter().flatten().collect(), next: page.next })
    }
}
