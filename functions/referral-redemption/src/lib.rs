//! Issues referral codes, redeems them, and shows what came of that: `/v1/accounts/{id}/referral-code` and
//! `/v1/referrals/...`.
//!
//! What a redemption earns its referrer is no matter of this function: an order qualifies it (`order-placed`), and the
//! walk over what falls due grants the reward (`account-review`).

mod answers;
#[cfg(feature = "schema")]
pub mod api;
mod commands;

use answers::{CodeAnswer, CodesAnswer, RedeemedAnswer, RedemptionAnswer, RedemptionsAnswer, ReviewsAnswer, Tracking};
use commands::{ChangeCode, IssueCode, Redeem, ReviewRedemption};
use domain::code::Code;
use domain::decision::Rejection;
use domain::id::AccountId;
use domain::referral::{self, RedemptionId, RedemptionKey, ReferralCode, Tally, Verdict};
use runtime::http::{self, Answer, Request, parameter};
use runtime::{App, Caller, Error, Fault, RequestFault, Scope, Trigger};
use serde_json::Value;
use store::Consistency;

const LISTED_USUAL: u16 = 20;
const LISTED_MAX: u16 = 100;
/// Redemptions that one answer counts at most, in pages of [`LISTED_MAX`]: a code with more is counted in parts.
const COUNTED_PAGES_MAX: usize = 20;

/// One Lambda invocation: an HTTP request.
pub async fn handle(app: &App, event: Value) -> Result<Value, Fault> {
    let request = Trigger::of(event)?.http()?;
    Ok(http::respond(&request, over_http(app, &request).await))
}

async fn over_http(app: &App, request: &Request) -> Result<Answer, Error> {
    let caller = request.caller()?;
    let (method, path) = request.route();
    match (method, path.as_slice()) {
        ("POST", ["v1", "accounts", id, "referral-code"]) => issue(app, &caller, account_id(id)?, request).await,
        ("GET", ["v1", "accounts", id, "referral-codes"]) => codes(app, &caller, account_id(id)?).await,
        ("GET", ["v1", "referrals", "reviews"]) => reviews(app, &caller, request).await,
        ("GET", ["v1", "referrals", code]) => show_code(app, &caller, code, request).await,
        ("PUT", ["v1", "referrals", code]) => change(app, &caller, code, request).await,
        ("POST", ["v1", "referrals", code, "redemptions"]) => redeem(app, &caller, code, request).await,
        ("GET", ["v1", "referrals", code, "redemptions"]) => redemptions(app, &caller, code, request).await,
        ("GET", ["v1", "referrals", code, "redemptions", id]) => redemption(app, &caller, code, id).await,
        ("POST", ["v1", "referrals", code, "redemptions", id, "approval"]) => {
            review(app, &caller, redemption_key(code, id)?, Verdict::Approved, request).await
        }
        ("POST", ["v1", "referrals", code, "redemptions", id, "rejection"]) => {
            review(app, &caller, redemption_key(code, id)?, Verdict::Rejected, request).await
        }
        _ => Err(RequestFault::NoSuchRoute.into()),
    }
}

fn account_id(text: &str) -> Result<AccountId, Error> {
    parameter("account_id", AccountId::parse(text))
}

/// A code as somebody typed it. One whose check character is wrong is nobody's.
fn code(text: &str) -> Result<Code, Error> {
    Ok(Code::parse(text).map_err(|_| Rejection::UnknownCode)?)
}

fn redemption_key(code_text: &str, id: &str) -> Result<RedemptionKey, Error> {
    let redemption_id = parameter("redemption_id", RedemptionId::parse(id))?;
    Ok(RedemptionKey { code: code(code_text)?, redemption_id })
}

async fn issue(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsWrite, &id)?;
    let document = referral::code_document(&request.document_or_nothing()?)?;
    let (code, is_new) = app.transact(caller, &IssueCode { id, document }).await?;
    tracing::info!(account.id = %code.account_id, is_new, "account {} has a referral code", code.account_id);
    let status = if is_new { 201 } else { 200 };
    let place = format!("/v1/referrals/{}", code.code);
    Ok(Answer::json(status, &code_answer(app, &code, None).await?).tagged_in_part(code.version).location(place))
}

async fn code_answer(app: &App, code: &ReferralCode, tracking: Option<Tracking>) -> Result<CodeAnswer, Error> {
    let schedule = app.schedule().await?;
    let rules = schedule.at(app.clock().now()).program.referral.clone();
    Ok(CodeAnswer::of(code, rules.and_then(|rules| rules.link_of(&code.code)), tracking))
}

async fn codes(app: &App, caller: &Caller, id: AccountId) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsRead, &id)?;
    let mut referral_codes = Vec::new();
    for holder in app.store().code_holders(&id).await? {
        if let Some(code) = app.store().referral_code(&holder.referral_code, Consistency::Strong).await? {
            referral_codes.push(code_answer(app, &code, None).await?);
        }
    }
    if referral_codes.is_empty() && app.store().account(&id, Consistency::Strong).await?.is_none() {
        return Err(Rejection::UnknownAccount.into());
    }
    Ok(Answer::json(200, &CodesAnswer { referral_codes }))
}

/// A code that the caller may see or change; to everybody else it looks like none at all.
async fn own_code(app: &App, caller: &Caller, scope: Scope, text: &str) -> Result<ReferralCode, Error> {
    caller.require_any(scope)?;
    let found = app.store().referral_code(&code(text)?, Consistency::Strong).await?;
    let own = found.filter(|code| caller.require_for(scope, &code.account_id).is_ok());
    Ok(own.ok_or(Rejection::UnknownCode)?)
}

async fn show_code(app: &App, caller: &Caller, text: &str, request: &Request) -> Result<Answer, Error> {
    let code = own_code(app, caller, Scope::AccountsRead, text).await?;
    request.takes(&["cursor"])?;
    let mut after = position(request)?;
    let (mut tally, now) = (Tally::default(), app.clock().now());
    let mut next_cursor = None;
    for _ in 0..COUNTED_PAGES_MAX {
        let page = app.store().redemptions(&code.code, after, LISTED_MAX).await?;
        page.redemptions.iter().try_for_each(|redemption| tally.add(redemption, now)).map_err(Rejection::from)?;
        after = page.next;
        next_cursor = after.map(|id| http::text_cursor(&id.to_string()));
        if after.is_none() {
            break;
        }
    }
    let currency = app.schedule().await?.at(now).program.currency;
    let in_full = caller.require_all(Scope::AccountsRead).is_ok();
    let tracking = Tracking::of(tally, currency, in_full, next_cursor.clone());
    let answer = code_answer(app, &code, Some(tracking)).await?;
    Ok(Answer::json(200, &answer).tagged(code.version).next(next_cursor))
}

fn position(request: &Request) -> Result<Option<RedemptionId>, Error> {
    let stated = request.text_cursor()?;
    stated.map(|text| parameter("cursor", RedemptionId::parse(&text))).transpose()
}

async fn change(app: &App, caller: &Caller, text: &str, request: &Request) -> Result<Answer, Error> {
    // What the merchant has paused or limited, its owner's own token must not set free.
    caller.require_all(Scope::AccountsWrite)?;
    let code = own_code(app, caller, Scope::AccountsWrite, text).await?;
    let change = referral::code_change(&request.document()?)?;
    let condition = request.precondition()?;
    let command = ChangeCode { code: code.code, owner: code.account_id, change, condition };
    let changed = app.transact(caller, &command).await?;
    tracing::info!(account.id = %changed.account_id, "changed a referral code of {}", changed.account_id);
    Ok(Answer::json(200, &code_answer(app, &changed, None).await?).tagged_in_part(changed.version))
}

async fn redeem(app: &App, caller: &Caller, text: &str, request: &Request) -> Result<Answer, Error> {
    // A prospect has no token: its shop asks for it.
    caller.require_all(Scope::AccountsWrite)?;
    let document = referral::prospect_document(&request.document()?)?;
    let code = code(text)?;
    let route = format!("POST /v1/referrals/{code}/redemptions");
    let key = request.command_key(caller, &route)?;
    let command = Redeem::new(code, &key, document, app.secrets());
    let (redemption, repeated) = app.transact(caller, &command).await?;
    tracing::info!(
        account.id = %redemption.referee,
        redemption.id = %redemption.key.redemption_id,
        repeated,
        waits = redemption.is_under_review(),
        "redeemed a referral code for account {}",
        redemption.referee,
    );
    let RedemptionKey { code, redemption_id } = &redemption.key;
    let place = format!("/v1/referrals/{code}/redemptions/{redemption_id}");
    Ok(Answer::once(&RedeemedAnswer::of(&redemption), repeated).location(place))
}

async fn redemptions(app: &App, caller: &Caller, text: &str, request: &Request) -> Result<Answer, Error> {
    let code = own_code(app, caller, Scope::AccountsRead, text).await?;
    request.takes(&["limit", "cursor"])?;
    let limit = request.limit(LISTED_USUAL, LISTED_MAX)?;
    let page = app.store().redemptions(&code.code, position(request)?, limit).await?;
    let (now, schedule) = (app.clock().now(), app.schedule().await?);
    let (currency, in_full) = (schedule.at(now).program.currency, caller.require_all(Scope::AccountsRead).is_ok());
    let answer = |redemption| RedemptionAnswer::of(redemption, currency, now, in_full);
    let redemptions = page.redemptions.iter().map(answer).collect();
    let next_cursor = page.next.map(|id| http::text_cursor(&id.to_string()));
    Ok(Answer::json(200, &RedemptionsAnswer { redemptions, next_cursor: next_cursor.clone() }).next(next_cursor))
}

async fn redemption(app: &App, caller: &Caller, text: &str, id: &str) -> Result<Answer, Error> {
    let code = own_code(app, caller, Scope::AccountsRead, text).await?;
    let key = RedemptionKey { code: code.code, redemption_id: parameter("redemption_id", RedemptionId::parse(id))? };
    let found = app.store().redemption(&key, Consistency::Strong).await?.ok_or(Rejection::UnknownRedemption)?;
    let (now, schedule) = (app.clock().now(), app.schedule().await?);
    let in_full = caller.require_all(Scope::AccountsRead).is_ok();
    Ok(Answer::json(200, &RedemptionAnswer::of(&found, schedule.at(now).program.currency, now, in_full)))
}

async fn reviews(app: &App, caller: &Caller, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::AccountsRead)?;
    request.takes(&["limit", "cursor"])?;
    let limit = request.limit(LISTED_USUAL, LISTED_MAX)?;
    let page = app.store().waiting_reviews(request.text_cursor()?.as_deref(), limit).await?;
    let next_cursor = page.next.as_deref().map(http::text_cursor);
    let answer = ReviewsAnswer { reviews: page.reviews, next_cursor: next_cursor.clone() };
    Ok(Answer::json(200, &answer).next(next_cursor))
}

async fn review(
    app: &App,
    caller: &Caller,
    key: RedemptionKey,
    verdict: Verdict,
    request: &Request,
) -> Result<Answer, Error> {
    caller.require_all(Scope::AccountsWrite)?;
    let decision = referral::decision_document(verdict, &request.document_or_nothing()?)?;
    let redemption = app.transact(caller, &ReviewRedemption { key, decision }).await?;
    tracing::info!(account.id = %redemption.referee, ?verdict, "reviewed the redemption of {}", redemption.referee);
    let (now, schedule) = (app.clock().now(), app.schedule().await?);
    Ok(Answer::json(200, &RedemptionAnswer::of(&redemption, schedule.at(now).program.currency, now, true)))
}
