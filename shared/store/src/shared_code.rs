//! Shared codes, each in one small item of its own, and what accounts have used of them.

use crate::keys;
use crate::read::{Consistency, corrupt};
use crate::{Fault, Store, item};
use domain::code::Code;
use domain::id::AccountId;
use domain::shared_code::{SharedCode, SharedFound, SharedUses};

/// Shared codes, a page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedCodesPage {
    /// The codes, in the order of their texts.
    pub codes: Vec<SharedCode>,
    /// After which one to go on; `None` at the end.
    pub next: Option<Code>,
}

impl Store {
    /// A shared code. 0.5 read units, or 1 strong.
    pub async fn shared_code(&self, code: &Code, consistency: Consistency) -> Result<Option<SharedCode>, Fault> {
        let key = keys::shared_code(code);
        let Some(found) = self.get(&self.tables.codes, key.clone(), consistency).await? else { return Ok(None) };
        item::shared_code(&found).map(Some).map_err(|what| corrupt("codes", &key, what))
    }

    /// How often an account has used a shared code; `None`: it never did. 0.5 read units, or 1 strong.
    pub async fn shared_uses(
        &self,
        id: &AccountId,
        code: &Code,
        consistency: Consistency,
    ) -> Result<Option<SharedUses>, Fault> {
        self.ledger_record(keys::shared_uses(id, code), consistency).await
    }

    /// A shared code with what an account has used of it and, where that is limited, all have. 0.5 read units, or 1
    /// strong, of each; of a code that there is not, of that alone.
    pub async fn shared_found(
        &self,
        id: &AccountId,
        code: &Code,
        consistency: Consistency,
    ) -> Result<Option<SharedFound>, Fault> {
        let Some(code) = self.shared_code(code, consistency).await? else { return Ok(None) };
        let uses = self.shared_uses(id, &code.code, consistency).await?;
        let limit = match code.limit_id() {
            Some(id) => Some(self.limit(id, consistency).await?),
            None => None,
        };
        Ok(Some(SharedFound { code, uses, limit }))
    }

    /// Shared codes after one of them, at most `limit`, read strongly.
    pub async fn shared_codes(&self, after: Option<&Code>, limit: u16) -> Result<SharedCodesPage, Fault> {
        let (names, values) = keys::all_shared_codes();
        let query = self.client.query().table_name(&self.tables.codes).key_condition_expression(names);
        let query = query.set_expression_attribute_values(Some(values));
        let query = query.set_exclusive_start_key(after.map(keys::shared_code)).consistent_read(true);
        // One more than asked for says whether there are more.
        let found = query.limit(i32::from(limit).saturating_add(1)).send().await.map_err(Fault::service)?;
        let mut items = found.items.unwrap_or_default();
        let more = items.len() > usize::from(limit) || found.last_evaluated_key.is_some();
        items.truncate(usize::from(limit));
        let read = |found: &keys::Item| item::shared_code(found).map_err(|what| corrupt("codes", found, what));
        let codes = items.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let next = codes.last().filter(|_| more).map(|last| last.code.clone());
        Ok(SharedCodesPage { codes, next })
    }
}
