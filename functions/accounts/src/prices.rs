//! What an account pays for a quantity of an item: `GET /v1/accounts/{id}/prices`.

use domain::decision::Rejection;
use domain::document;
use domain::id::{AccountId, Sku};
use domain::money::UnitPrice;
use domain::order::{LABEL_CHARS_MAX, QUANTITY_MAX};
use domain::prices::{self, Asked, PriceList};
use domain::time::Instant;
use runtime::http::{Answer, Request};
use runtime::query::Query;
use runtime::{App, Caller, Error, Scope};
use store::Consistency;

/// The price list of an item. Read strongly: an order that has just raised the tier has its prices.
pub async fn show(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsRead, &id)?;
    let asked = asked(request)?;
    let account = app.store().account(&id, Consistency::Strong).await?.ok_or(Rejection::UnknownAccount)?;
    let now = app.clock().now().max(account.last_decided);
    let schedule = app.schedule().await?;
    let list = prices::price_list(&account, asked, &schedule, now)?;
    let answer = Answer::json(200, &list);
    Ok(answer.as_of(&PriceList { as_of: Instant::MIN, ..list }))
}

fn asked(request: &Request) -> Result<Asked, Error> {
    let mut query = Query::of(request, &["sku", "category", "list_price", "quantity"])?;
    let sku = query.optional("sku", Sku::parse);
    let category = query.optional("category", |text| said(document::label_of(text, LABEL_CHARS_MAX)));
    if !query.has("sku") && !query.has("category") {
        query.fault("sku", "or category is required");
    }
    let list_price = query
        .optional("list_price", |text| said(document::decimal_of(text, UnitPrice::DECIMALS_MAX, 0)).map(UnitPrice));
    let quantity = query.optional("quantity", |text| {
        let units = text.parse().ok().filter(|units| (1..=QUANTITY_MAX).contains(units));
        units.ok_or_else(|| format!("must be a whole number from 1 to {QUANTITY_MAX}"))
    });
    query.into_result(Asked { sku, category, list_price, quantity })
}

/// What a field of a document would be told.
fn said<T>(leaf: document::Leaf<T>) -> Result<T, String> {
    leaf.map_err(|(_, message)| message)
}
