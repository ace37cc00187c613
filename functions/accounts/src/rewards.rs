//! What points buy: `GET /v1/accounts/{id}/rewards`, and `/v1/accounts/{id}/redemptions`.

use domain::decision::{Context, Decision, Rejection};
use domain::id::AccountId;
use domain::idempotency::CommandKey;
use domain::rewards::{
    self, CancelDocument, CancelReceipt, CancelState, Given, Needs, RedeemDocument, RedeemReceipt, RedeemState,
    RedemptionAnswer, cancel_document, redeem_document, stock_id,
};
use domain::time::Instant;
use runtime::http::{self, Answer, Request, parameter};
use runtime::{App, Asked, Caller, Command, Error, Keyed, Scope};
use serde::Serialize;
use store::{Consistency, Fault, Store};

pub(crate) const LISTED_USUAL: u16 = 20;
pub(crate) const LISTED_MAX: u16 = 100;

/// What an account can get for its points. Read strongly: what it has just earned buys something at once.
pub async fn catalogue(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsRead, &id)?;
    request.takes(&[])?;
    let (store, schedule) = (app.store(), app.schedule().await?);
    let account = store.account(&id, Consistency::Strong).await?.ok_or(Rejection::UnknownAccount)?;
    let now = app.clock().now().max(account.last_decided);
    let uses = match rewards::are_counted(&schedule.at(now).program) {
        true => store.reward_uses(&id, Consistency::Strong).await?,
        false => None,
    };
    let mut stocks = Vec::new();
    for reward in schedule.at(now).program.rewards.iter().filter(|reward| reward.stock.is_some()) {
        // As of a moment ago will do: whoever is too late for the last one is told so by the redemption.
        stocks.push(store.limit(reward.stock_id(), Consistency::Eventual).await?);
    }
    Ok(Answer::json(200, &rewards::catalogue(&account, uses.as_ref(), &stocks, &schedule, now)?))
}

/// Redeem points for a reward.
struct Redeem {
    document: RedeemDocument,
    needs: Needs,
}

impl Asked for Redeem {
    type State = RedeemState;
    type Receipt = RedeemReceipt;

    fn content_hash(&self) -> [u8; 32] {
        self.document.content_hash()
    }

    async fn load(&self, id: &AccountId, store: &Store, consistency: Consistency) -> Result<RedeemState, Fault> {
        let mut state = RedeemState { account: store.account(id, consistency).await?, ..RedeemState::default() };
        if self.needs.uses {
            state.uses = store.reward_uses(id, consistency).await?;
        }
        if self.needs.perk_uses {
            state.perk_uses = store.perk_uses(id, consistency).await?;
        }
        if self.needs.stock {
            state.stock = Some(store.limit(stock_id(&self.document.reward), consistency).await?);
        }
        Ok(state)
    }

    fn last_decided(state: &RedeemState) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(
        &self,
        key: &CommandKey,
        state: &RedeemState,
        context: &Context<'_>,
    ) -> Result<Decision<RedeemReceipt>, Rejection> {
        rewards::redeem(state, &self.document, key, context)
    }
}

/// Redeems points of an account, for its own people or for the merchant.
pub async fn redeem(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsWrite, &id)?;
    let document = redeem_document(&request.document()?)?;
    let route = format!("POST /v1/accounts/{id}/redemptions");
    let needs = Needs::of(&document.reward, &*app.schedule().await?);
    let command = Keyed::new(caller, request, &route, id, Redeem { document, needs })?;
    let (receipt, repeated) = app.transact(caller, &command).await?;
    let (id, reward) = (command.account_id(), &receipt.redeemed.reward);
    let points = receipt.redeemed.points.0;
    tracing::info!(account.id = %id, reward.id = %reward, points, repeated, "redeemed {reward} for {id}");
    Ok(Answer::once(&receipt, repeated))
}

/// One page of what an account redeemed its points for, newest first.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct RedemptionsAnswer {
    redemptions: Vec<RedemptionAnswer>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What an account redeemed its points for.
pub async fn list(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsRead, &id)?;
    request.takes(&["limit", "cursor"])?;
    let limit = request.limit(LISTED_USUAL, LISTED_MAX)?;
    let page = app.store().reward_redemptions(&id, request.cursor()?, limit).await?;
    if page.redemptions.is_empty() && app.store().account(&id, Consistency::Strong).await?.is_none() {
        return Err(Rejection::UnknownAccount.into());
    }
    let last = page.redemptions.last().filter(|_| page.more);
    let next_cursor = last.map(|redemption| http::cursor(redemption.redemption_id));
    let redemptions = page.redemptions.into_iter().map(RedemptionAnswer::from).collect();
    let answer = RedemptionsAnswer { redemptions, next_cursor: next_cursor.clone() };
    Ok(Answer::json(200, &answer).next(next_cursor))
}

/// Cancel a redemption, once.
struct Cancel {
    id: AccountId,
    redemption_id: u64,
    document: CancelDocument,
}

impl Command for Cancel {
    type State = CancelState;
    type Answer = CancelReceipt;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<CancelState, Fault> {
        let redemption = store.reward_redemption(&self.id, self.redemption_id, consistency).await?;
        let code = redemption.as_ref().and_then(|redemption| match &redemption.given {
            Given::Discount { code, .. } => Some(code.clone()),
            _ => None,
        });
        let codes: Vec<_> = code.into_iter().collect();
        let stock = redemption.as_ref().filter(|redemption| redemption.from_stock).map(|own| stock_id(&own.reward));
        let stock = match stock {
            Some(stock) => Some(store.limit(stock, consistency).await?),
            None => None,
        };
        Ok(CancelState {
            stock,
            account: store.account(&self.id, consistency).await?,
            uses: store.reward_uses(&self.id, consistency).await?,
            perk_uses: store.perk_uses(&self.id, consistency).await?,
            discount: store.discounts(&self.id, &codes, consistency).await?.into_iter().flatten().next(),
            redemption,
        })
    }

    fn last_decided(state: &CancelState) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &CancelState, context: &Context<'_>) -> Result<Decision<CancelReceipt>, Rejection> {
        rewards::cancel(state, &self.document, context)
    }
}

/// Cancels a redemption of an account: the merchant's to decide.
pub async fn cancel(
    app: &App,
    caller: &Caller,
    id: AccountId,
    redemption: &str,
    request: &Request,
) -> Result<Answer, Error> {
    caller.require_all(Scope::AccountsWrite)?;
    let redemption_id = parameter("redemption_id", redemption.parse().map_err(|_| "must be a whole number"))?;
    let document = cancel_document(&request.document()?)?;
    let command = Cancel { id, redemption_id, document };
    let receipt = app.transact(caller, &command).await?;
    let id = &command.id;
    tracing::info!(account.id = %id, points = receipt.points.0, "cancelled redemption {redemption_id} of {id}");
    Ok(Answer::json(200, &receipt))
}
