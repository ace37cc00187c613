//! Scores placed orders: `POST /v1/orders`, and `OrderPlaced` events from the bus by way of a queue.
//!
//! Both ways are one: parse the document, then [`place`]. The same order again gets the first answer.

use domain::decision::{Context, Decision, Record, Rejection};
use domain::discount::Discount;
use domain::document::{Faults, Path};
use domain::order::Order;
use domain::receipt::{self, Receipt};
use domain::score::{self, ScoredOrder};
use domain::time::Instant;
use runtime::batch::BusEvent;
use runtime::http::{self, Answer, Request};
use runtime::{App, Caller, Command, Error, Fault, RequestFault, Scope, Trigger};
use serde_json::Value;
use std::sync::Arc;
use store::{Consistency, Store, StoredOrder};

/// One Lambda invocation: an HTTP request or a batch of messages.
pub async fn handle(app: &App, event: Value) -> Result<Value, Fault> {
    match Trigger::of(event)? {
        Trigger::Http(request) => Ok(http::respond(over_http(app, &request).await)),
        Trigger::Queue(batch) => Ok(batch.each(app, over_bus).await),
    }
}

async fn over_http(app: &App, request: &Request) -> Result<Answer, Error> {
    let ("POST", ["v1", "orders"]) = as_route(&request.route()) else { return Err(RequestFault::NoSuchRoute.into()) };
    let caller = request.caller()?;
    caller.require_any(Scope::OrdersWrite)?;
    let order = Order::from_text(&request.body()?)?;
    let placed = place(app, &caller, order).await?;
    let receipt = placed.receipt(app).await?;
    Ok(match placed.repeated {
        false => Answer::json(201, &receipt),
        true => Answer::json(200, &receipt).header("idempotent-replayed", "true"),
    })
}

fn as_route<'a>(route: &'a (&'a str, Vec<&'a str>)) -> (&'a str, &'a [&'a str]) {
    (route.0, &route.1)
}

async fn over_bus(app: &App, event: BusEvent) -> Result<(), Error> {
    if event.detail_type != "OrderPlaced" {
        let mut faults = Faults::default();
        faults.add(&Path::Key(&Path::Root, "detail-type"), "unknown_value", "must be OrderPlaced");
        return Err(faults.into());
    }
    let order = Order::from_json(&event.detail)?;
    place(app, &event.caller, order).await?;
    Ok(())
}

/// An order that has its score.
pub struct Placed {
    /// The order and its score.
    pub scored: Arc<ScoredOrder>,
    /// It was scored before; nothing was written.
    pub repeated: bool,
}

impl Placed {
    /// The answer about it, under the program version it was scored with.
    pub async fn receipt(&self, app: &App) -> Result<Receipt, Error> {
        let schedule = app.schedule().await?;
        let version = self.scored.score.program_version;
        let unknown = || Fault::NoProgram(format!("{} version {version}", app.config().program));
        let activation = schedule.version(version).ok_or_else(unknown)?;
        Ok(receipt::receipt(&self.scored, &activation.program)?)
    }
}

/// Scores an order once, whoever sends it how often. `caller` must be allowed to write orders of its account.
pub async fn place(app: &App, caller: &Caller, order: Order) -> Result<Placed, Error> {
    caller.require_for(Scope::OrdersWrite, &order.account_id)?;
    let command = PlaceOrder { content_hash: order.content_hash(), order: Arc::new(order) };
    let placed = app.transact(caller, &command).await?;
    let (order, score) = (&placed.scored.order, &placed.scored.score);
    tracing::info!(
        order.id = %order.key,
        account.id = %order.account_id,
        points = score.points.0,
        repeated = placed.repeated,
        "scored order {}: {} points",
        order.key,
        score.points,
    );
    Ok(placed)
}

struct PlaceOrder {
    order: Arc<Order>,
    content_hash: [u8; 32],
}

/// What an order is decided on.
struct State {
    account: Option<domain::account::Account>,
    named: Vec<Option<Discount>>,
    /// What stands under the order's key, once a first try has found that something does.
    stored: Option<StoredOrder>,
}

impl PlaceOrder {
    fn repeat(&self, stored: &Arc<ScoredOrder>) -> Result<Placed, Rejection> {
        let scored = score::repeat(stored, &self.order, &self.content_hash)?;
        Ok(Placed { scored, repeated: true })
    }
}

impl Command for PlaceOrder {
    type State = State;
    type Answer = Placed;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<State, store::Fault> {
        let id = &self.order.account_id;
        let account = store.account(id, consistency).await?;
        let named = store.discounts(id, &self.order.discount_codes, consistency).await?;
        // An order is new as a rule: its put finds out whether it is, so that the first try saves this read.
        let stored = match consistency {
            Consistency::Eventual => None,
            Consistency::Strong => store.order(&self.order.key, consistency).await?,
        };
        Ok(State { account, named, stored })
    }

    fn last_decided(state: &State) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &State, context: &Context<'_>) -> Result<Decision<Placed>, Rejection> {
        let parked = match &state.stored {
            Some(StoredOrder::Scored(stored)) => {
                return Ok(Decision { writes: Vec::new(), answer: self.repeat(stored)? });
            }
            Some(StoredOrder::Parked(parked)) => Some(&**parked),
            None => None,
        };
        let account = state.account.as_ref();
        let decision = score::decide(account, &state.named, parked, &self.order, self.content_hash, context)?;
        Ok(Decision { writes: decision.writes, answer: Placed { scored: decision.answer, repeated: false } })
    }

    async fn recall(&self, store: &Store) -> Result<Option<Result<Placed, Rejection>>, store::Fault> {
        Ok(match store.order(&self.order.key, Consistency::Strong).await? {
            Some(StoredOrder::Scored(stored)) => Some(self.repeat(&stored)),
            Some(StoredOrder::Parked(_)) | None => None,
        })
    }

    fn meet(&self, existing: &Record) -> Option<Result<Placed, Rejection>> {
        match existing {
            Record::Order(stored) => Some(self.repeat(stored)),
            _ => None,
        }
    }
}
