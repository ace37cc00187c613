//! Shared codes, each in one small item of its own, and what accounts have used of them.

use crate::corrupt::corrupt;
use crate::keys;
use crate::read::Consistency;
use crate::{Fault, Store, item};
use domain::code::Code;
use domain::id::AccountId;
use domain::named_code::NamedCode;
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

    /// A shared code with what an account has used of it and, where that is limited, all have. 1 read unit, and 0.5, or 1
    /// strong, for each of these; for a code that there is not, 1 alone.
    ///
    /// What is used of it is written by whoever uses it, so a guard catches a stale read of that. The code itself is not:
    /// it is read strongly, whatever else is, or one that was just ended could be used. A guard on it would cost each order
    /// 2 write units, this costs half a read unit.
    pub async fn shared_found(
        &self,
        id: &AccountId,
        code: &Code,
        consistency: Consistency,
    ) -> Result<Option<SharedFound>, Fault> {
        let Some(code) = self.shared_code(code, Consistency::Strong).await? else { return Ok(None) };
        let uses = self.shared_uses(id, &code.code, consistency).await?;
        let limit = match code.limit_id() {
            Some(id) => Some(self.limit(id, consistency).await?),
            None => None,
        };
        Ok(Some(SharedFound { code, uses, limit }))
    }

    /// What these codes of an account's orders are, its own discounts or shared codes, as far as they are anything. Only
    /// a code that is none of its own costs more than to look for these.
    pub async fn named_codes(
        &self,
        id: &AccountId,
        codes: &[Code],
        consistency: Consistency,
    ) -> Result<Vec<NamedCode>, Fault> {
        let mut found = Vec::with_capacity(codes.len());
        for (code, own) in codes.iter().zip(self.discounts(id, codes, consistency).await?) {
            match own {
                Some(own) => found.push(own.into()),
                None => found.extend(self.shared_found(id, code, consistency).await?.map(NamedCode::from)),
            }
        }
        Ok(found)
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
