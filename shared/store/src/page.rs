//! Pages of what stands in one partition.

use crate::corrupt::corrupt;
use crate::keys::Item;
use crate::{Fault, Store, item};
use serde::de::DeserializeOwned;

/// Tables whose partitions are listed.
#[derive(Clone, Copy)]
pub(crate) enum Listed {
    Codes,
    Ledger,
    Metrics,
}

impl Listed {
    /// What faults call it, and its sort key.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Codes => ("codes", "sk"),
            Self::Ledger => ("ledger", "sk"),
            Self::Metrics => ("metrics", "period"),
        }
    }
}

impl Store {
    /// Records under a condition after a place among them, at most `limit`, read strongly; and whether there are more.
    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        table: Listed,
        within: (&str, Item),
        after: Option<Item>,
        limit: u16,
    ) -> Result<(Vec<T>, bool), Fault> {
        self.page_of(table, within, after, limit, true).await
    }

    /// The same from the last to the first.
    pub(crate) async fn page_back<T: DeserializeOwned>(
        &self,
        table: Listed,
        within: (&str, Item),
        before: Option<Item>,
        limit: u16,
    ) -> Result<(Vec<T>, bool), Fault> {
        self.page_of(table, within, before, limit, false).await
    }

    async fn page_of<T: DeserializeOwned>(
        &self,
        table: Listed,
        (names, values): (&str, Item),
        after: Option<Item>,
        limit: u16,
        ascending: bool,
    ) -> Result<(Vec<T>, bool), Fault> {
        let name = match table {
            Listed::Codes => &self.tables.codes,
            Listed::Ledger => &self.tables.ledger,
            Listed::Metrics => &self.tables.metrics,
        };
        let query = self.client.query().table_name(name).key_condition_expression(names);
        let query = query.set_expression_attribute_values(Some(values)).set_exclusive_start_key(after);
        // One more than asked for says whether there are more.
        let query = query.limit(i32::from(limit).saturating_add(1)).consistent_read(true);
        let query = query.scan_index_forward(ascending);
        let mut found = query.send().await.map_err(Fault::service)?;
        let items = found.items.get_or_insert_default();
        let more = items.len() > usize::from(limit) || found.last_evaluated_key.is_some();
        items.truncate(usize::from(limit));
        let (table, sort) = table.names();
        let read = |record: Item| {
            // The key alone: the rest may be somebody's words.
            let key = record.get(sort).map(|value| (sort.to_owned(), value.clone())).into_iter().collect();
            item::plain(record).map_err(|what| corrupt(table, &key, what))
        };
        let records = found.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
        Ok((records, more))
    }
}
