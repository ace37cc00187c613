//! What a simulation reads of all accounts, and forgets of itself. Its record is kept as that of a night is, at the
//! number of its steps ([`crate::Kept::Simulation`]).

use crate::corrupt::corrupt;
use crate::keys;
use crate::{Fault, Store, item};
use domain::account::Account;
use domain::id::AccountId;

impl Store {
    /// A page of all accounts after one of them, at most `limit`, in no particular order, read strongly. One may go on
    /// after any of them. Fails for an account that cannot be read.
    pub async fn accounts_after(
        &self,
        after: Option<&AccountId>,
        limit: u16,
    ) -> Result<(Vec<Account>, Option<AccountId>), Fault> {
        let scan = self.client.scan().table_name(&self.tables.accounts).limit(i32::from(limit)).consistent_read(true);
        let found = scan.set_exclusive_start_key(after.map(keys::account)).send().await.map_err(Fault::service)?;
        let named =
            |found: &keys::Item| found.get("account_id").map(|id| [("account_id".to_owned(), id.clone())].into());
        let read =
            |found| item::account(&found).map_err(|what| corrupt("accounts", &named(&found).unwrap_or_default(), what));
        let accounts = found.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
        Ok((accounts, found.last_evaluated_key.map(crate::scan::account_id).transpose()?))
    }

    /// Forgets all that a simulation keeps beside its record.
    pub async fn forget_simulation_parts(&self, id: &str) -> Result<(), Fault> {
        self.forget_all(keys::simulation_parts(id), |_| true).await
    }
}
