//! Exact limits over all accounts: their shards, read at once and changed one by one.

use crate::commit::condition;
use crate::corrupt::corrupt;
use crate::keys;
use crate::read::Consistency;
use crate::{Fault, Store, item};
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use domain::limit::{Limit, LimitId, SHARDS, Shard, ShardChange, ShardWrite};

impl Store {
    /// A limit with all its shards. 0.5 read units, or 1 strong: they take far less than 4 KB together.
    pub async fn limit(&self, id: LimitId, consistency: Consistency) -> Result<Limit, Fault> {
        let (condition, names, values) = keys::shards_of(&id);
        let query = self.client.query().table_name(&self.tables.limits).key_condition_expression(condition);
        let query = query.set_expression_attribute_names(Some(names)).set_expression_attribute_values(Some(values));
        let found = query.consistent_read(consistency == Consistency::Strong).send().await.map_err(Fault::service)?;
        let mut shards = [None; SHARDS];
        for record in found.items.unwrap_or_default() {
            let place = keys::shard_place(&record).and_then(|(_, place)| shards.get_mut(place));
            let corrupt = |what| corrupt("limits", &record, what);
            *place.ok_or_else(|| corrupt("there is no such shard".to_owned()))? =
                Some(item::plain::<Shard>(record.clone()).map_err(corrupt)?);
        }
        Ok(Limit::of(id, shards))
    }

    pub(crate) fn change_shard(&self, write: &ShardWrite) -> Result<TransactWriteItem, Fault> {
        let key = keys::limit_shard(&write.limit, write.shard);
        let number = |value: u64| AttributeValue::N(value.to_string());
        match write.change {
            ShardChange::LayOut(shard, guard) => {
                // Both parts of its key are words of the expressions' language.
                let (condition, values) = condition("version", guard);
                let put = Put::builder()
                    .table_name(&self.tables.limits)
                    .set_item(Some(item::of_plain(key, &shard)?))
                    .condition_expression(condition)
                    .set_expression_attribute_values(values);
                Ok(TransactWriteItem::builder().put(put.build().map_err(Fault::service)?).build())
            }
            ShardChange::Take { amount, layout } => {
                let update = Update::builder()
                    .table_name(&self.tables.limits)
                    .set_key(Some(key))
                    .update_expression(
                        "SET remaining = remaining - :amount, used = used + :amount, version = version + :one",
                    )
                    .condition_expression("layout = :layout AND remaining >= :amount")
                    .expression_attribute_values(":amount", number(amount))
                    .expression_attribute_values(":layout", number(layout))
                    .expression_attribute_values(":one", number(1));
                Ok(TransactWriteItem::builder().update(update.build().map_err(Fault::service)?).build())
            }
            ShardChange::GiveBack { amount } => {
                let update = Update::builder()
                    .table_name(&self.tables.limits)
                    .set_key(Some(key))
                    .update_expression(
                        "SET remaining = remaining + :amount, used = used - :amount, version = version + :one",
                    )
                    .condition_expression("used >= :amount")
                    .expression_attribute_values(":amount", number(amount))
                    .expression_attribute_values(":one", number(1));
                Ok(TransactWriteItem::builder().update(update.build().map_err(Fault::service)?).build())
            }
        }
    }
}
