//! Quotes: `POST /v1/quotes`. Nothing is written.

use domain::decision::{Context, Decision, Rejection};
use domain::quote::{self, Cart, Quote, QuoteState};
use domain::schedule::Schedule;
use domain::time::Instant;
use runtime::http::{Answer, Request};
use runtime::{App, Command, Error, Scope, logs};
use store::{Consistency, Store};

pub async fn post(app: &App, request: &Request) -> Result<Answer, Error> {
    let caller = request.caller()?;
    caller.require_any(Scope::AccountsRead)?;
    let cart = Cart::from_json(&request.document()?)?;
    logs::about_account(cart.account_id());
    caller.require_for(Scope::AccountsRead, cart.account_id())?;
    let schedule = app.schedule().await?;
    let quote = app.dry_run(&caller, &QuoteCart { cart }, &schedule).await?;
    tracing::info!(account.id = %quote.account_id, lines = quote.lines.len(), "quoted a cart of {}", quote.account_id);
    Ok(Answer::json(200, &quote))
}

/// Says what a cart costs. It decides to write nothing, so it is never committed.
pub struct QuoteCart {
    pub cart: Cart,
}

impl QuoteCart {
    /// Reads what its price needs, and, if so asked, what its earnings need. The account tells all that most carts need.
    /// A sum that does not fit is the decision's to tell.
    pub async fn read(
        &self,
        store: &Store,
        consistency: Consistency,
        schedule: &Schedule,
        now: Instant,
        earns: bool,
    ) -> Result<QuoteState, store::Fault> {
        let mut state = self.load(store, consistency).await?;
        let Some(account) = &state.account else { return Ok(state) };
        let codes = self.cart.unread(account, schedule, now).unwrap_or_default();
        // What a reservation only names is written by nobody, so no guard would show a stale read of it.
        let fresh = Consistency::Strong;
        let records = store.discounts(self.cart.account_id(), &codes, fresh).await?;
        for (code, record) in codes.iter().zip(records) {
            match record {
                Some(record) => state.discounts.push(record),
                None => state.shared.extend(store.shared_found(self.cart.account_id(), code, fresh).await?),
            }
        }
        if !earns {
            return Ok(state);
        }
        let asked = self.cart.asked(&state, schedule, now).unwrap_or_default();
        for limit in asked.limits {
            state.limits.push(store.limit(limit, consistency).await?);
        }
        if let Some(contact) = self.cart.contact_id().filter(|_| asked.role) {
            let contact = store.contact(self.cart.account_id(), contact, consistency).await?;
            state.role = contact.map(|contact| contact.document.role);
        }
        Ok(state)
    }
}

impl Command for QuoteCart {
    type State = QuoteState;
    type Answer = Quote;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<QuoteState, store::Fault> {
        let account = store.account(self.cart.account_id(), consistency).await?;
        Ok(QuoteState { account, ..QuoteState::default() })
    }

    async fn load_under(
        &self,
        store: &Store,
        consistency: Consistency,
        schedule: &Schedule,
        now: Instant,
    ) -> Result<QuoteState, store::Fault> {
        self.read(store, consistency, schedule, now, true).await
    }

    fn last_decided(state: &QuoteState) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &QuoteState, context: &Context<'_>) -> Result<Decision<Quote>, Rejection> {
        Ok(Decision { writes: Vec::new(), answer: quote::quote(state, &self.cart, context)? })
    }
}
