//! Claims, read by who looks for them: an erasure for those that nothing lists, a change of secrets for all.

use crate::corrupt::corrupt;
use crate::read::Consistency;
use crate::scan::{Page, PageKey, Segment};
use crate::{Fault, Store, item, keys};
use domain::membership::{Claim, ClaimKey};

impl Store {
    /// Those of some claims that somebody has, read strongly, each at an instant of its own.
    pub async fn claims(&self, of: &[ClaimKey]) -> Result<Vec<Claim>, Fault> {
        let mut claims = Vec::new();
        for key in of {
            let at = keys::claim(key);
            let found = self.get(&self.tables.codes, at.clone(), Consistency::Strong).await?;
            let holder = found.map(|found| item::claim_holder(&found).map_err(|what| corrupt("codes", &at, what)));
            claims.extend(holder.transpose()?.map(|account_id| Claim { key: key.clone(), account_id }));
        }
        Ok(claims)
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
