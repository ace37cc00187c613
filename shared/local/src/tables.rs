//! The tables of the template, created in any DynamoDB.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, IndexStatus, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TableDescription, TableStatus,
};

use crate::template::{Index, Key, Table};

/// How often a table is looked at until it is active: half a minute, and AWS needs a few seconds.
const ATTEMPTS: u32 = 120;
const PAUSE: Duration = Duration::from_millis(250);

/// Why tables could not be created.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The endpoint refused or could not be reached.
    #[error("table {table}: {reason}")]
    Endpoint {
        /// Name of the table.
        table: String,
        /// What the SDK reports.
        reason: String,
    },
    /// A table of this name has other keys or indexes: it was made from another template.
    #[error("table {0} exists with other keys or indexes than the template's; use another database or prefix")]
    Different(String),
    /// The table did not become active.
    #[error("table {0} did not become active")]
    NotActive(String),
}

/// Creates every table that does not exist yet, named by `prefix` and its local name, and waits until all are active.
pub async fn create(client: &Client, tables: &[Table], prefix: &str) -> Result<(), TableError> {
    for table in tables {
        let name = format!("{prefix}{}", table.name);
        let request = request(client, table, &name).map_err(|error| endpoint_error(&name, &error))?;
        match request.send().await {
            Ok(_) => {}
            Err(SdkError::ServiceError(refused)) if refused.err().is_resource_in_use_exception() => {}
            Err(error) => return Err(endpoint_error(&name, &error)),
        }
    }
    // AWS creates them side by side, so all are asked for before the first is waited for.
    for table in tables {
        wait(client, table, &format!("{prefix}{}", table.name)).await?;
    }
    Ok(())
}

async fn wait(client: &Client, table: &Table, name: &str) -> Result<(), TableError> {
    for _ in 0..ATTEMPTS {
        let described = client.describe_table().table_name(name).send().await;
        let described = described.map_err(|error| endpoint_error(name, &error))?;
        let found = described.table().ok_or_else(|| TableError::NotActive(name.to_owned()))?;
        if !same(table, found) {
            return Err(TableError::Different(name.to_owned()));
        }
        let mut indexes = found.global_secondary_indexes().iter();
        if found.table_status() == Some(&TableStatus::Active)
            && indexes.all(|index| index.index_status() == Some(&IndexStatus::Active))
        {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(TableError::NotActive(name.to_owned()))
}

fn same(table: &Table, found: &TableDescription) -> bool {
    let indexes = found.global_secondary_indexes();
    let has = |index: &Index| {
        let same = |other: &&_| same_index(index, other);
        indexes.iter().find(same).is_some()
    };
    same_key(&table.key, found.key_schema()) && indexes.len() == table.indexes.len() && table.indexes.iter().all(has)
}

fn same_index(index: &Index, found: &aws_sdk_dynamodb::types::GlobalSecondaryIndexDescription) -> bool {
    found.index_name() == Some(&index.name) && same_key(&index.key, found.key_schema())
}

fn same_key(key: &Key, found: &[KeySchemaElement]) -> bool {
    let expected = [Some((&key.hash, KeyType::Hash)), key.range.as_ref().map(|range| (range, KeyType::Range))];
    let found = found.iter().map(|element| (element.attribute_name(), element.key_type().clone()));
    expected.into_iter().flatten().map(|(name, kind)| (name.as_str(), kind)).eq(found)
}

/// The table without its stream: nothing here reads one, and with every write the embedded database looks through all
/// that was ever written to a stream, so that a history of a hundred thousand orders would never be imported.
fn request(client: &Client, table: &Table, name: &str) -> Result<CreateTableFluentBuilder, BuildError> {
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(key_schema(&table.key)?));
    for (name, kind) in &table.attributes {
        let kind = ScalarAttributeType::from(kind.as_str());
        request = request
            .attribute_definitions(AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()?);
    }
    for index in &table.indexes {
        let projection = ProjectionType::from(index.projection.as_str());
        let index = GlobalSecondaryIndex::builder()
            .index_name(&index.name)
            .set_key_schema(Some(key_schema(&index.key)?))
            .projection(Projection::builder().projection_type(projection).build());
        request = request.global_secondary_indexes(index.build()?);
    }
    Ok(request)
}

fn key_schema(key: &Key) -> Result<Vec<KeySchemaElement>, BuildError> {
    let element = |name, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    let range = key.range.iter().map(|range| element(range, KeyType::Range));
    std::iter::once(element(&key.hash, KeyType::Hash)).chain(range).collect()
}

fn endpoint_error(table: &str, error: &(dyn std::error::Error + 'static)) -> TableError {
    TableError::Endpoint { table: table.to_owned(), reason: store::causes(error) }
}

#[cfg(test)]
mod tests {
    use dynoxide::Database;

    use super::*;
    use crate::template::Template;

    #[tokio::test]
    async fn tables_are_created_once_and_side_by_side() {
        let client = crate::connector::client(&Database::memory().unwrap());
        let template = Template::embedded().unwrap();
        for prefix in ["", "a-", ""] {
            create(&client, &template.tables, prefix).await.unwrap();
        }
        let names = client.list_tables().send().await.unwrap().table_names.unwrap();
        assert_eq!(names.len(), template.tables.len() * 2);
        assert!(names.contains(&"a-ledger".to_owned()));
        let ledger = client.describe_table().table_name("ledger").send().await.unwrap().table.unwrap();
        assert!(template.tables.iter().any(|table| table.name == "ledger" && table.stream.is_some()));
        assert_eq!(ledger.stream_specification, None);
    }

    #[tokio::test]
    async fn a_table_of_another_template_is_refused() {
        let client = crate::connector::client(&Database::memory().unwrap());
        let mut tables = Template::embedded().unwrap().tables;
        create(&client, &tables, "").await.unwrap();
        let ledger = tables.iter_mut().find(|table| table.name == "ledger").unwrap();
        ledger.indexes.clear();
        ledger.attributes.retain(|name, _| !name.starts_with("due"));
        let refused = create(&client, &tables, "").await.unwrap_err();
        assert!(matches!(refused, TableError::Different(name) if name == "ledger"));
    }
}
