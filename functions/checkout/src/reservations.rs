//! Reservations: `/v1/reservations/...`.

use crate::quote::QuoteCart;
use domain::account::Account;
use domain::decision::{Context, Decision, Record, Rejection};
use domain::id::ReservationId;
use domain::quote::{Cart, QuoteState};
use domain::reservation::{self, Reservation, ReservationAnswer, ReservationReceipt, ReservationState};
use domain::schedule::Schedule;
use domain::time::Instant;
use runtime::http::{Answer, Request};
use runtime::{App, Caller, Command, Error, Scope, logs};
use store::{Consistency, Store};

/// Holds what a cart is to use, once per `Idempotency-Key`.
pub async fn post(app: &App, request: &Request) -> Result<Answer, Error> {
    let caller = request.caller()?;
    caller.require_any(Scope::OrdersWrite)?;
    let cart = Cart::from_json(&request.document()?)?;
    logs::about_account(cart.account_id());
    caller.require_for(Scope::OrdersWrite, cart.account_id())?;
    let id = ReservationId::of_command(&request.command_key(&caller, "POST /v1/reservations")?);
    let reserve = Reserve { quoting: QuoteCart { cart }, id };
    let (receipt, repeated) = app.transact(&caller, &reserve).await?;
    let (account, points) = (&receipt.account_id, receipt.points.0);
    tracing::info!(account.id = %account, points, repeated, "reserved {id} for a cart of {account}");
    let place = format!("/v1/reservations/{id}");
    Ok(Answer::once(&receipt, repeated).location(place))
}

/// A reservation as it stands.
pub async fn get(app: &App, caller: &Caller, text: &str) -> Result<Answer, Error> {
    caller.require_any(Scope::AccountsRead)?;
    let (reservation, account) = read(app.store(), id(text)?, Consistency::Strong).await?;
    let reservation = reservation.ok_or(Rejection::UnknownReservation)?;
    check(caller, Scope::AccountsRead, &reservation)?;
    let schedule = app.schedule().await?;
    let state = reservation.state(account.as_ref(), &schedule, app.clock().now());
    Ok(Answer::json(200, &ReservationAnswer { receipt: reservation.receipt, state }))
}

/// Gives a reservation up, however often.
pub async fn delete(app: &App, caller: &Caller, text: &str, request: &Request) -> Result<Answer, Error> {
    caller.require_any(Scope::OrdersWrite)?;
    request.unconditional()?;
    request.takes(&[])?;
    let id = id(text)?;
    let reservation = app.transact(caller, &Release { caller, id }).await?;
    let account = &reservation.receipt.account_id;
    tracing::info!(account.id = %account, "released reservation {id} of {account}");
    let (receipt, state) = (reservation.receipt, ReservationState::Ended);
    Ok(Answer::json(200, &ReservationAnswer { receipt, state }))
}

fn id(text: &str) -> Result<ReservationId, Error> {
    Ok(ReservationId::parse(text).map_err(|_| Rejection::UnknownReservation)?)
}

/// To an account's own token, somebody else's reservation looks like none at all.
fn check(caller: &Caller, scope: Scope, reservation: &Reservation) -> Result<(), Rejection> {
    caller.require_for(scope, &reservation.receipt.account_id).map_err(|_| Rejection::UnknownReservation)
}

struct Reserve {
    quoting: QuoteCart,
    id: ReservationId,
}

impl Reserve {
    fn repeat(&self, held: &Reservation) -> Result<(ReservationReceipt, bool), Rejection> {
        Ok((held.repeat(&self.quoting.cart)?, true))
    }
}

impl Command for Reserve {
    type State = QuoteState;
    type Answer = (ReservationReceipt, bool);

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<QuoteState, store::Fault> {
        self.quoting.load(store, consistency).await
    }

    async fn load_under(
        &self,
        store: &Store,
        consistency: Consistency,
        schedule: &Schedule,
        now: Instant,
    ) -> Result<QuoteState, store::Fault> {
        self.quoting.read(store, consistency, schedule, now, false).await
    }

    fn last_decided(state: &QuoteState) -> Option<Instant> {
        state.account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &QuoteState, context: &Context<'_>) -> Result<Decision<Self::Answer>, Rejection> {
        let Decision { writes, answer } = reservation::reserve(state, &self.quoting.cart, self.id, context)?;
        Ok(Decision { writes, answer: (answer, false) })
    }

    async fn recall(&self, store: &Store) -> Result<Option<Result<Self::Answer, Rejection>>, store::Fault> {
        let held = store.reservation(self.id, Consistency::Strong).await?;
        Ok(held.map(|held| self.repeat(&held)))
    }

    fn meet(&self, existing: &Record) -> Option<Result<Self::Answer, Rejection>> {
        match existing {
            Record::Reservation(held) => Some(self.repeat(held)),
            _ => None,
        }
    }
}

/// A reservation, and its account.
type Named = (Option<Reservation>, Option<Account>);

struct Release<'a> {
    caller: &'a Caller,
    id: ReservationId,
}

async fn read(store: &Store, id: ReservationId, consistency: Consistency) -> Result<Named, store::Fault> {
    let reservation = store.reservation(id, consistency).await?;
    let account = match &reservation {
        Some(reservation) => store.account(&reservation.receipt.account_id, consistency).await?,
        None => None,
    };
    Ok((reservation, account))
}

impl Command for Release<'_> {
    type State = Named;
    type Answer = Reservation;

    /// That nothing is held any more is guarded by nothing that would show a stale read.
    async fn load(&self, store: &Store, _: Consistency) -> Result<Named, store::Fault> {
        read(store, self.id, Consistency::Strong).await
    }

    fn last_decided((_, account): &Named) -> Option<Instant> {
        account.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, (named, account): &Named, context: &Context<'_>) -> Result<Decision<Reservation>, Rejection> {
        let named = named.as_ref().ok_or(Rejection::UnknownReservation)?;
        check(self.caller, Scope::OrdersWrite, named)?;
        let account = account.as_ref().ok_or(Rejection::UnknownReservation)?;
        let Decision { writes, answer: () } = reservation::release(account, named, context)?;
        Ok(Decision { writes, answer: named.clone() })
    }
}
