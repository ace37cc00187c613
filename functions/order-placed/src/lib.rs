//! Scores placed orders and their amendments: `POST /v1/orders`, `PUT /v1/orders/{source}/{order_id}`, and events of
//! the types `OrderPlaced` and `OrderAmended` from the bus by way of a queue. Takes in that they are paid, both ways.
//!
//! All ways are one: parse the document, then [`place`], or [`pay`]. The revision of a statement says what it is: the first of its
//! order, a repeat, newer than what is stored, or late. A request may ask for a dry run: the same decision, unwritten.

#[cfg(feature = "schema")]
pub mod api;
mod dry_run;
mod payment;

use domain::amendment;
use domain::code::Code;
use domain::decision::{Context, Decision, Record, Rejection};
use domain::document::{Faults, Path};
use domain::earning::{self, Asked, Beside};
use domain::id::{OrderId, OrderKey, Source};
use domain::limit::Limit;
use domain::membership::Role;
use domain::named_code::NamedCode;
use domain::order::Order;
use domain::payment::{event_document, payment_document};
use domain::receipt::{self, Receipt};
use domain::referral::Redemption;
use domain::reservation::Reservation;
use domain::schedule::Schedule;
use domain::score::{self, ScoredOrder};
use domain::time::Instant;
use domain::uses;
use runtime::batch::BusEvent;
use runtime::http::{self, Answer, Request, parameter};
use runtime::metrics::{Metric, count};
use runtime::{App, Caller, Command, Error, Fault, RequestFault, Scope, Trigger, logs};
use serde::Serialize;
use serde_json::Value;
use std::cmp::Ordering;
use std::sync::Arc;
use store::{Consistency, Store, StoredOrder};

use dry_run::DryRun;

pub use payment::{Paid, pay};

/// One Lambda invocation: an HTTP request or a batch of messages.
pub async fn handle(app: &App, event: Value) -> Result<Value, Fault> {
    match Trigger::of(event)? {
        Trigger::Http(request) => {
            let answer = over_http(app, &request).await;
            Ok(match DryRun::asked(&request) {
                Ok(Some(_)) if states_order(&request) => http::respond_dry(&request, answer),
                _ => http::respond(&request, answer),
            })
        }
        Trigger::Queue(batch) => Ok(batch.each(app, over_bus).await),
    }
}

/// Whether a request states an order, and so may be dry.
fn states_order(request: &Request) -> bool {
    let (_, path) = request.route();
    matches!(path.as_slice(), ["v1", "orders"] | ["v1", "orders", _, _])
}

async fn over_http(app: &App, request: &Request) -> Result<Answer, Error> {
    let (method, path) = request.route();
    let amends = match (method, path.as_slice()) {
        ("POST", ["v1", "orders"]) => None,
        ("PUT", ["v1", "orders", source, order_id]) => Some((*source, *order_id)),
        ("POST", ["v1", "orders", source, order_id, "payment"]) => {
            return pay_over_http(app, request, source, order_id).await;
        }
        _ => return Err(RequestFault::NoSuchRoute.into()),
    };
    let caller = request.caller()?;
    caller.require_any(Scope::OrdersWrite)?;
    request.takes(&DryRun::PARAMETERS)?;
    let dry_run = DryRun::asked(request)?;
    let order = match amends {
        None => Order::from_text(&request.body()?)?,
        Some((source, order_id)) => {
            // Its revision says which statement it replaces.
            request.unconditional()?;
            Order::amendment_from_json(&key(source, order_id)?, &request.document_beside(&DryRun::PARAMETERS)?)?
        }
    };
    let revision = order.revision;
    let (placed, receipt) = match dry_run {
        None => {
            let placed = place(app, &caller, order).await?;
            let receipt = placed.receipt(app).await?;
            (placed, receipt)
        }
        Some(dry_run) => dry_run.place(app, &caller, order).await?,
    };
    let OrderKey { source, order_id } = &placed.scored.order.key;
    let place = format!("/v1/orders/{source}/{order_id}/score");
    Ok(match placed.outcome {
        Outcome::Scored => Answer::json(201, &receipt),
        Outcome::Amended => Answer::json(200, &receipt),
        Outcome::Repeated => Answer::json(200, &receipt).replayed(true),
        Outcome::Superseded => Answer::json(200, &Superseded::of(&placed.scored, revision)),
    }
    .location(place))
}

async fn pay_over_http(app: &App, request: &Request, source: &str, order_id: &str) -> Result<Answer, Error> {
    let caller = request.caller()?;
    caller.require_any(Scope::OrdersWrite)?;
    payment::answer(app, &caller, key(source, order_id)?, payment_document(&request.document()?)?).await
}

/// The order that an address names.
fn key(source: &str, order_id: &str) -> Result<OrderKey, Error> {
    let source = parameter("source", Source::parse(source))?;
    Ok(OrderKey { source, order_id: parameter("order_id", OrderId::parse(order_id))? })
}

/// The answer to a statement that came after a newer one of its order. Nothing was changed by it.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Superseded<'a> {
    #[serde(flatten)]
    order: &'a OrderKey,
    state: &'static str,
    /// The one that was sent.
    revision: u64,
    /// The newest one that was taken in.
    current_revision: u64,
}

impl<'a> Superseded<'a> {
    fn of(scored: &'a ScoredOrder, revision: u64) -> Self {
        let order = &scored.order;
        Self { order: &order.key, state: "superseded", revision, current_revision: order.revision }
    }
}

async fn over_bus(app: &App, event: BusEvent) -> Result<(), Error> {
    let order = match event.detail_type.as_str() {
        "OrderPlaced" => Order::from_json(&event.detail)?,
        "OrderAmended" => Order::amendment_from_event(&event.detail)?,
        "OrderPaid" => {
            let (key, document) = event_document(&event.detail)?;
            pay(app, &event.caller, key, document).await?;
            return Ok(());
        }
        _ => {
            let mut faults = Faults::default();
            let message = "must be OrderPlaced, OrderAmended or OrderPaid";
            faults.add(&Path::Key(&Path::Root, "detail-type"), "unknown_value", message);
            return Err(faults.into());
        }
    };
    place(app, &event.caller, order).await?;
    Ok(())
}

/// An order that has its score.
pub struct Placed {
    /// The order and its score.
    pub scored: Arc<ScoredOrder>,
    /// What the statement of it came to.
    pub outcome: Outcome,
}

/// What a statement of an order came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is the first of its order: that has its score now.
    Scored,
    /// It is newer than what was stored: the order was scored again.
    Amended,
    /// It was taken in before; nothing was written.
    Repeated,
    /// A newer one was taken in before; nothing was written.
    Superseded,
}

impl Placed {
    /// The answer about it, under the program version it was scored with.
    pub async fn receipt(&self, app: &App) -> Result<Receipt, Error> {
        self.receipt_under(app, &*app.schedule().await?)
    }

    fn receipt_under(&self, app: &App, schedule: &Schedule) -> Result<Receipt, Error> {
        let version = self.scored.score.program_version;
        let unknown = || Fault::NoProgram(format!("{} version {version}", app.config().program));
        let activation = schedule.version(version).ok_or_else(unknown)?;
        Ok(receipt::receipt(&self.scored, &activation.program)?)
    }
}

/// Scores each statement of an order once, whoever sends it how often. `caller` must be allowed to write orders of its
/// account.
pub async fn place(app: &App, caller: &Caller, order: Order) -> Result<Placed, Error> {
    logs::about_account(&order.account_id);
    logs::about_order(&order.key);
    caller.require_for(Scope::OrdersWrite, &order.account_id)?;
    let placed = app.transact(caller, &PlaceOrder::of(order)).await?;
    let (order, score) = (&placed.scored.order, placed.scored.current());
    count(Metric::OrdersScored, u64::from(placed.outcome == Outcome::Scored));
    tracing::info!(
        order.id = %order.key,
        account.id = %order.account_id,
        points = score.points.0,
        outcome = ?placed.outcome,
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
    /// What [`PlaceOrder::codes`] are.
    found: Vec<NamedCode>,
    /// What stands under the order's key, once a first try has found that something does.
    stored: Option<StoredOrder>,
    /// What that order had qualified.
    redemption: Option<Redemption>,
    /// Limits over all accounts that a new order may use.
    limits: Vec<Limit>,
    /// The role of its contact, where a rule asks for that.
    role: Option<Role>,
    /// The reservation that it names.
    reservation: Option<Reservation>,
}

impl PlaceOrder {
    fn of(order: Order) -> Self {
        Self { content_hash: order.content_hash(), order: Arc::new(order) }
    }

    /// The codes whose discounts the decision may touch: those the order names, or its reservation; of an order that is
    /// amended, those it named before and those it issued, too.
    fn codes(&self, stored: Option<&StoredOrder>, reservation: Option<&Reservation>) -> Vec<Code> {
        let mut codes = uses::codes(&self.order, reservation).to_vec();
        if let Some(StoredOrder::Scored(stored)) = stored {
            let issued = stored.current().issued.iter().map(|issued| &issued.code);
            for code in stored.codes_used().iter().chain(stored.codes_of(&self.order)).chain(issued) {
                if !codes.contains(code) {
                    codes.push(code.clone());
                }
            }
        }
        codes
    }

    /// Reads what rules ask for of a new order beside its account; most programs ask for nothing.
    async fn read_beside(
        &self,
        store: &Store,
        consistency: Consistency,
        asked: Asked,
    ) -> Result<(Vec<Limit>, Option<Role>), store::Fault> {
        let mut limits = Vec::with_capacity(asked.limits.len());
        for id in asked.limits {
            limits.push(store.limit(id, consistency).await?);
        }
        // Nothing guards the role: it must be read as it is.
        let contact = match self.order.contact_id.as_ref().filter(|_| asked.role) {
            Some(contact) => store.contact(&self.order.account_id, contact, Consistency::Strong).await?,
            None => None,
        };
        Ok((limits, contact.map(|contact| contact.document.role)))
    }

    /// The answer that follows from the stored order alone; `None`: this statement is newer.
    fn known(&self, stored: &Arc<ScoredOrder>) -> Option<Result<Placed, Rejection>> {
        let is_ours = stored.order.account_id == self.order.account_id;
        let outcome = match self.order.revision.cmp(&stored.order.revision) {
            Ordering::Greater if is_ours => return None,
            Ordering::Less if is_ours => Ok((stored.clone(), Outcome::Superseded)),
            // Whose order it is, is all that somebody else learns.
            _ => score::repeat(stored, &self.order, &self.content_hash).map(|scored| (scored, Outcome::Repeated)),
        };
        Some(outcome.map(|(scored, outcome)| Placed { scored, outcome }))
    }
}

impl Command for PlaceOrder {
    type State = State;
    type Answer = Placed;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<State, store::Fault> {
        let id = &self.order.account_id;
        let account = store.account(id, consistency).await?;
        // A first statement is new as a rule: its put finds out whether it is, so that the first try saves this read.
        let stored = match consistency {
            Consistency::Eventual if self.order.revision == 0 => None,
            _ => store.order(&self.order.key, consistency).await?,
        };
        // The order that made its account may have been committed between the two reads.
        let account = match (account, &stored) {
            (None, Some(StoredOrder::Scored(_))) => store.account(id, Consistency::Strong).await?,
            (account, _) => account,
        };
        // What an amendment leaves as it is, no guard protects: the discounts it looks at must be read as they are.
        let consistency = if stored.is_some() { Consistency::Strong } else { consistency };
        // What is reserved never changes, so that a strong read finds no more than whether it is there.
        let reservation = match self.order.reservation {
            Some(reservation) => store.reservation(reservation, consistency).await?,
            None => None,
        };
        let reservation = reservation.filter(|reservation| reservation.receipt.account_id == *id);
        let codes = self.codes(stored.as_ref(), reservation.as_ref());
        let found = store.named_codes(id, &codes, consistency).await?;
        let redemption = match (&account, &stored) {
            (Some(account), Some(StoredOrder::Scored(scored))) => store.redemption_of(account, scored).await?,
            _ => None,
        };
        Ok(State { account, found, stored, redemption, limits: Vec::new(), role: None, reservation })
    }

    async fn load_under(
        &self,
        store: &Store,
        consistency: Consistency,
        schedule: &Schedule,
        now: Instant,
    ) -> Result<State, store::Fault> {
        let state = self.load(store, consistency).await?;
        // What was scored before is held to what it was given then. A sum that does not fit is the decision's to tell.
        let asked = match &state.stored {
            Some(StoredOrder::Scored(_)) => Asked::default(),
            _ => earning::asked(schedule, &self.order, now).unwrap_or_default(),
        };
        let (limits, role) = self.read_beside(store, consistency, asked).await?;
        Ok(State { limits, role, ..state })
    }

    fn last_decided(state: &State) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &State, context: &Context<'_>) -> Result<Decision<Placed>, Rejection> {
        let account = state.account.as_ref();
        let parked = match &state.stored {
            Some(StoredOrder::Scored(stored)) => {
                if let Some(known) = self.known(stored) {
                    return Ok(Decision { writes: Vec::new(), answer: known? });
                }
                // The order is there and its account is not: only a stale read shows that.
                let account = account.ok_or(Rejection::UnknownAccount)?;
                let (found, hash) = (&state.found, self.content_hash);
                let redemption = state.redemption.as_ref();
                let decision = amendment::decide(account, found, stored, &self.order, hash, redemption, context)?;
                let answer = Placed { scored: decision.answer, outcome: Outcome::Amended };
                return Ok(Decision { writes: decision.writes, answer });
            }
            Some(StoredOrder::Parked(parked)) => Some(&**parked),
            None => None,
        };
        let beside = Beside { limits: &state.limits, role: state.role, reservation: state.reservation.as_ref() };
        let order = (&self.order, self.content_hash);
        let decision = score::decide_beside(account, &state.found, parked, &beside, order, context)?;
        let answer = Placed { scored: decision.answer, outcome: Outcome::Scored };
        Ok(Decision { writes: decision.writes, answer })
    }

    async fn recall(&self, store: &Store) -> Result<Option<Result<Placed, Rejection>>, store::Fault> {
        Ok(match store.order(&self.order.key, Consistency::Strong).await? {
            Some(StoredOrder::Scored(stored)) => self.known(&stored),
            Some(StoredOrder::Parked(_)) | None => None,
        })
    }

    fn meet(&self, existing: &Record) -> Option<Result<Placed, Rejection>> {
        match existing {
            Record::Order(stored) => self.known(stored),
            _ => None,
        }
    }
}
