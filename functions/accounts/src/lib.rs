//! Enrols, changes and shows accounts, their membership and what they pay: `/v1/accounts/...`; invitations,
//! `/v1/invitations/...`; and the score of one order.

mod adjust;
#[cfg(feature = "schema")]
pub mod api;
mod erase;
mod invitation;
mod membership;
mod perk;
mod prices;
mod put;
mod rewards;
mod tier;

pub use erase::{Claims, ErasureAnswer, erase};

use domain::decision::Rejection;
use domain::id::{AccountId, ContactId, OrderId, OrderKey, Source};
use domain::ledger::Entry;
use domain::membership::{Contact, ContactDocument, Put, StatedBy};
use domain::standing::{self, Standing};
use domain::time::Instant;
use domain::{perks, receipt, statement};
use put::{PutAccount, PutContact};
use runtime::http::{self, Answer, Request, parameter};
use runtime::{App, Caller, Error, Fault, RequestFault, Scope, Trigger};
use serde::Serialize;
use serde_json::Value;
use store::{Consistency, StoredOrder};

const ENTRIES_USUAL: u16 = 20;
const ENTRIES_MAX: u16 = 100;

/// One Lambda invocation: an HTTP request.
pub async fn handle(app: &App, event: Value) -> Result<Value, Fault> {
    let request = Trigger::of(event)?.http()?;
    Ok(http::respond(&request, over_http(app, &request).await))
}

async fn over_http(app: &App, request: &Request) -> Result<Answer, Error> {
    let caller = request.caller()?;
    let (method, path) = request.route();
    match (method, path.as_slice()) {
        ("PUT", ["v1", "accounts", id]) => put_account(app, &caller, account_id(id)?, request).await,
        ("GET", ["v1", "accounts", id]) => get_account(app, &caller, account_id(id)?).await,
        ("PUT", ["v1", "accounts", id, "contacts", contact]) => {
            let contact = parameter("contact_id", ContactId::parse(contact))?;
            put_contact(app, &caller, account_id(id)?, contact, request).await
        }
        ("GET", ["v1", "accounts", id, "contacts", contact]) => {
            let contact = parameter("contact_id", ContactId::parse(contact))?;
            get_contact(app, &caller, account_id(id)?, contact).await
        }
        ("DELETE", ["v1", "accounts", id, "personal-data"]) => {
            erase::delete(app, &caller, account_id(id)?, request).await
        }
        ("POST", ["v1", "accounts", id, "adjustments"]) => adjust::post(app, &caller, account_id(id)?, request).await,
        ("PUT", ["v1", "accounts", id, "membership"]) => membership::put(app, &caller, account_id(id)?, request).await,
        ("POST", ["v1", "accounts", id, "membership", "payments"]) => {
            membership::post_payment(app, &caller, account_id(id)?, request).await
        }
        ("POST", ["v1", "invitations"]) => invitation::post(app, &caller, request).await,
        ("GET", ["v1", "invitations"]) => invitation::list(app, &caller, request).await,
        ("GET", ["v1", "invitations", code]) => invitation::get(app, &caller, code).await,
        ("DELETE", ["v1", "invitations", code]) => invitation::delete(app, &caller, code, request).await,
        ("POST", ["v1", "accounts", id, "perks", perk, "uses"]) => {
            perk::post(app, &caller, account_id(id)?, perk, request).await
        }
        ("PUT", ["v1", "accounts", id, "tier"]) => tier::put(app, &caller, account_id(id)?, request).await,
        ("GET", ["v1", "accounts", id, "rewards"]) => rewards::catalogue(app, &caller, account_id(id)?, request).await,
        ("POST", ["v1", "accounts", id, "redemptions"]) => {
            rewards::redeem(app, &caller, account_id(id)?, request).await
        }
        ("GET", ["v1", "accounts", id, "redemptions"]) => rewards::list(app, &caller, account_id(id)?, request).await,
        ("POST", ["v1", "accounts", id, "redemptions", redemption, "cancellation"]) => {
            rewards::cancel(app, &caller, account_id(id)?, redemption, request).await
        }
        ("GET", ["v1", "accounts", id, "entries"]) => entries(app, &caller, account_id(id)?, request).await,
        ("GET", ["v1", "accounts", id, "prices"]) => prices::show(app, &caller, account_id(id)?, request).await,
        ("GET", ["v1", "orders", source, order_id, "score"]) => {
            let source = parameter("source", Source::parse(source))?;
            let order_id = parameter("order_id", OrderId::parse(order_id))?;
            order_score(app, &caller, OrderKey { source, order_id }).await
        }
        _ => Err(RequestFault::NoSuchRoute.into()),
    }
}

fn account_id(text: &str) -> Result<AccountId, Error> {
    parameter("account_id", AccountId::parse(text))
}

async fn put_account(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsWrite, &id)?;
    let document = domain::membership::profile_document(&request.document()?)?;
    let is_merchant = caller.require_all(Scope::AccountsWrite).is_ok();
    let by = if is_merchant { StatedBy::Merchant } else { StatedBy::Account };
    let command = PutAccount { id: id.clone(), document, by, condition: request.precondition()? };
    let put = app.transact(caller, &command).await?;
    tracing::info!(account.id = %id, created = put == Put::Created, "stored account {id}");
    Ok(show(app, &id, put).await?.location(format!("/v1/accounts/{id}")))
}

async fn get_account(app: &App, caller: &Caller, id: AccountId) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsRead, &id)?;
    show(app, &id, Put::Stored).await
}

/// Where the account stands now. Read strongly: whoever has just been answered sees what was answered.
async fn show(app: &App, id: &AccountId, put: Put) -> Result<Answer, Error> {
    let store = app.store();
    let account = store.account(id, Consistency::Strong).await?.ok_or(Rejection::UnknownAccount)?;
    let profile = store.profile(id, Consistency::Strong).await?;
    let codes: Vec<_> = account.discounts.iter().map(|open| open.code.clone()).collect();
    let discounts: Vec<_> = store.discounts(id, &codes, Consistency::Strong).await?.into_iter().flatten().collect();
    let now = app.clock().now().max(account.last_decided);
    let schedule = app.schedule().await?;
    let uses = match perks::are_counted(&schedule.at(now).program) {
        true => store.perk_uses(id, Consistency::Strong).await?,
        false => None,
    };
    let standing = standing::standing(&account, profile.as_ref(), &discounts, uses.as_ref(), &schedule, now)?;
    let answer = Answer::json(status_of(put), &standing);
    Ok(answer.tagged_as_of(standing.version, &Standing { as_of: Instant::MIN, ..standing }))
}

fn status_of(put: Put) -> u16 {
    match put {
        Put::Created => 201,
        Put::Stored => 200,
    }
}

async fn put_contact(
    app: &App,
    caller: &Caller,
    id: AccountId,
    contact_id: ContactId,
    request: &Request,
) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsWrite, &id)?;
    let document = domain::membership::contact_document(&request.document()?)?;
    let command = PutContact { id, contact_id, document, condition: request.precondition()? };
    let (put, version) = app.transact(caller, &command).await?;
    let PutContact { id, contact_id, document, .. } = &command;
    tracing::info!(account.id = %id, contact.id = %contact_id, "stored contact {contact_id} of account {id}");
    let answer = Answer::json(status_of(put), &ContactAnswer { account_id: id, contact_id, document });
    Ok(answer.tagged(version).location(format!("/v1/accounts/{id}/contacts/{contact_id}")))
}

async fn get_contact(app: &App, caller: &Caller, id: AccountId, contact_id: ContactId) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsRead, &id)?;
    let contact = app.store().contact(&id, &contact_id, Consistency::Strong).await?;
    let Contact { document, version, .. } = contact.ok_or(Rejection::UnknownContact)?;
    let answer = ContactAnswer { account_id: &id, contact_id: &contact_id, document: &document };
    Ok(Answer::json(200, &answer).tagged(version))
}

/// A contact, as stated.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct ContactAnswer<'a> {
    account_id: &'a AccountId,
    contact_id: &'a ContactId,
    #[serde(flatten)]
    document: &'a ContactDocument,
}

/// One page of an account's ledger, newest first.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct EntriesAnswer {
    entries: Vec<StatementLine>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// An entry, and the same in words.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct StatementLine {
    #[serde(flatten)]
    entry: Entry,
    text: String,
}

async fn entries(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsRead, &id)?;
    request.takes(&["limit", "cursor"])?;
    let limit = request.limit(ENTRIES_USUAL, ENTRIES_MAX)?;
    let page = app.store().entries(&id, request.cursor()?, limit).await?;
    if page.entries.is_empty() && app.store().account(&id, Consistency::Strong).await?.is_none() {
        return Err(Rejection::UnknownAccount.into());
    }
    let last = page.entries.last().filter(|_| page.more);
    let next_cursor = last.map(|entry| http::cursor(entry.sequence));
    let schedule = app.schedule().await?;
    let now = app.clock().now();
    let line = |entry: Entry| {
        let own = schedule.version(entry.program_version).unwrap_or_else(|| schedule.at(now));
        StatementLine { text: statement::text(&entry, &own.program), entry }
    };
    let entries = page.entries.into_iter().map(line).collect();
    Ok(Answer::json(200, &EntriesAnswer { entries, next_cursor: next_cursor.clone() }).next(next_cursor))
}

/// The score of one order. To an account's own token, somebody else's order looks like none at all.
async fn order_score(app: &App, caller: &Caller, key: OrderKey) -> Result<Answer, Error> {
    caller.require_any(Scope::AccountsRead)?;
    let Some(StoredOrder::Scored(stored)) = app.store().order(&key, Consistency::Strong).await? else {
        return Err(Rejection::UnknownOrder.into());
    };
    let visible =
        Some(stored).filter(|stored| caller.require_for(Scope::AccountsRead, &stored.order.account_id).is_ok());
    let scored = visible.ok_or(Rejection::UnknownOrder)?;
    let schedule = app.schedule().await?;
    let version = scored.score.program_version;
    let unknown = || Fault::NoProgram(format!("{} version {version}", app.config().program));
    let activation = schedule.version(version).ok_or_else(unknown)?;
    Ok(Answer::json(200, &receipt::receipt(&scored, &activation.program)?))
}
