//! What an account pays for a quantity of an item: `GET /v1/accounts/{id}/prices`.

use domain::decision::Rejection;
use domain::document;
use domain::id::{AccountId, Sku};
use domain::money::UnitPrice;
use domain::order::{LABEL_CHARS_MAX, QUANTITY_MAX};
use domain::prices::{self, Asked};
use runtime::http::{Answer, Request, parameter};
use runtime::{App, Caller, Error, Scope};
use store::Consistency;

/// The price list of an item. Read strongly: an order that has just raised the tier has its prices.
pub async fn show(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsRead, &id)?;
    let asked = asked(request)?;
    let account = app.store().account(&id, Consistency::Strong).await?.ok_or(Rejection::UnknownAccount)?;
    let now = app.clock().now().max(account.last_decided);
    let schedule = app.schedule().await?;
    Ok(Answer::json(200, &prices::price_list(&account, asked, &schedule, now)?))
}

fn asked(request: &Request) -> Result<Asked, Error> {
    request.takes(&["sku", "category", "list_price", "quantity"])?;
    let stated = |name| request.query(name);
    let sku = stated("sku").map(|text| parameter("sku", Sku::parse(text))).transpose()?;
    let category = stated("category").map(|text| read("category", document::label_of(text, LABEL_CHARS_MAX)));
    let category = category.transpose()?;
    if sku.is_none() && category.is_none() {
        return parameter("sku", Err("or category is required"));
    }
    let list_price = stated("list_price").map(|text| {
        let decimal = document::decimal_of(text, UnitPrice::DECIMALS_MAX, 0);
        read("list_price", decimal).map(UnitPrice)
    });
    let quantity = stated("quantity").map(|text| {
        let units = text.parse().ok().filter(|units| (1..=QUANTITY_MAX).contains(units));
        parameter("quantity", units.ok_or_else(|| format!("must be a whole number from 1 to {QUANTITY_MAX}")))
    });
    Ok(Asked { sku, category, list_price: list_price.transpose()?, quantity: quantity.transpose()? })
}

/// A parameter that is read like a field of a document.
fn read<T>(name: &'static str, leaf: document::Leaf<T>) -> Result<T, Error> {
    parameter(name, leaf.map_err(|(_, message)| message))
}
