//! Invitations, each in one small item of its own.

use crate::corrupt::corrupt;
use crate::keys;
use crate::read::Consistency;
use crate::{Fault, Store, item};
use domain::code::Code;
use domain::membership::Invitation;

/// Invitations, a page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationsPage {
    /// The invitations, in the order of their codes.
    pub invitations: Vec<Invitation>,
    /// After which one to go on; `None` at the end.
    pub next: Option<Code>,
}

impl Store {
    /// An invitation. 0.5 read units, or 1 strong.
    pub async fn invitation(&self, code: &Code, consistency: Consistency) -> Result<Option<Invitation>, Fault> {
        let key = keys::invitation(code);
        let Some(found) = self.get(&self.tables.codes, key.clone(), consistency).await? else { return Ok(None) };
        item::invitation(&found).map(Some).map_err(|what| corrupt("codes", &key, what))
    }

    /// Invitations after one of them, at most `limit`, read strongly.
    pub async fn invitations(&self, after: Option<&Code>, limit: u16) -> Result<InvitationsPage, Fault> {
        let (names, values) = keys::all_invitations();
        let query = self.client.query().table_name(&self.tables.codes).key_condition_expression(names);
        let query = query.set_expression_attribute_values(Some(values));
        let query = query.set_exclusive_start_key(after.map(keys::invitation)).consistent_read(true);
        // One more than asked for says whether there are more.
        let found = query.limit(i32::from(limit).saturating_add(1)).send().await.map_err(Fault::service)?;
        let mut items = found.items.unwrap_or_default();
        let more = items.len() > usize::from(limit) || found.last_evaluated_key.is_some();
        items.truncate(usize::from(limit));
        let read = |found: &keys::Item| item::invitation(found).map_err(|what| corrupt("codes", found, what));
        let invitations = items.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let next = invitations.last().filter(|_| more).map(|last| last.code.clone());
        Ok(InvitationsPage { invitations, next })
    }
}
