//! Walking whole tables, page by page: what export, audit and summaries stand on.

use domain::account::Account;
use store::{Fault, Segment, Store, StoredOrder};

/// Shows every account to `see`, in no particular order.
pub async fn accounts<E: From<Fault>>(store: &Store, mut see: impl FnMut(Account) -> Result<(), E>) -> Result<(), E> {
    let mut after = None;
    loop {
        let page = store.accounts_page(Segment::WHOLE, after).await?;
        page.records.into_iter().try_for_each(&mut see)?;
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Shows every order, and what waits for orders, to `see`, in no particular order.
pub async fn orders(store: &Store, mut see: impl FnMut(StoredOrder)) -> Result<(), Fault> {
    let mut after = None;
    loop {
        let page = store.orders_page(Segment::WHOLE, after).await?;
        page.records.into_iter().for_each(&mut see);
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}
