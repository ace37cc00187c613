//! How large an item is, as DynamoDB counts it.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::id::AccountId;
use runtime::App;

/// Bytes of an account's item: its capacity units follow from them.
pub(super) async fn account_bytes(app: &App, id: &AccountId) -> Result<usize, store::Fault> {
    let table = &app.config().tables.accounts;
    let key = AttributeValue::S(id.to_string());
    let request = app.store().client().get_item().table_name(table).key("account_id", key);
    let found = request.consistent_read(true).send().await;
    let found = found.map_err(|error| store::Fault::Service(error.into_service_error().to_string()))?;
    let attributes = found.item.unwrap_or_default();
    Ok(attributes.iter().map(|(name, value)| name.len().saturating_add(bytes(value))).sum())
}

/// The kinds of value that an account's item has.
fn bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(blob) => blob.as_ref().len(),
        // Two digits a byte, and one more.
        AttributeValue::N(digits) => digits.len().div_ceil(2).saturating_add(1),
        _ => 1,
    }
}
