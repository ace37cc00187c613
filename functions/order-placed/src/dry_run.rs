//! What a statement of an order would come to: the same decision as for the real one, and nothing is written.

use crate::{PlaceOrder, Placed};
use domain::decision::Rejection;
use domain::order::Order;
use domain::receipt::Receipt;
use domain::schedule::{Activation, Schedule};
use domain::time::Instant;
use runtime::http::{Request, parameter};
use runtime::{App, Caller, Error, Scope, logs};
use std::sync::Arc;

/// That a request is to be carried out without a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DryRun {
    /// The version that a new order is treated under, in force or not; `None`: the one that is.
    version: Option<u32>,
}

impl DryRun {
    /// What asks for one in the query of an order.
    pub const PARAMETERS: [&'static str; 2] = ["dry_run", "version"];

    /// Whether a request is asking for one, and how.
    pub fn asked(request: &Request) -> Result<Option<Self>, Error> {
        let is_dry = match request.query("dry_run") {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return parameter("dry_run", Err("must be true or false")),
        };
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
        let version = match request.query("version") {
            None => None,
            Some(_) if !is_dry => return parameter("version", Err("is for dry runs only")),
            Some(text) => Some(parameter("version", number(text).ok_or("must be the number of a version"))?),
        };
        Ok(is_dry.then_some(Self { version }))
    }

    /// What a statement of an order would come to now. Who may not place the order learns nothing of it; what a version
    /// says that is not in force yet is the merchant's to know.
    pub async fn place(self, app: &App, caller: &Caller, order: Order) -> Result<(Placed, Receipt), Error> {
        logs::about_account(&order.account_id);
        logs::about_order(&order.key);
        caller.require_for(Scope::OrdersWrite, &order.account_id)?;
        let schedule = match self.version {
            None => app.schedule().await?,
            Some(number) => {
                caller.require_all(Scope::OrdersWrite)?;
                Arc::new(trying(app, number).await?)
            }
        };
        let placed = app.dry_run(caller, &PlaceOrder::of(order), &schedule).await?;
        let (order, outcome) = (&placed.scored.order, placed.outcome);
        tracing::info!(order.id = %order.key, account.id = %order.account_id, ?outcome, "tried order {}", order.key);
        let receipt = placed.receipt_under(app, &schedule)?;
        Ok((placed, receipt))
    }
}

/// The schedule as it is, but for the version that new orders are treated under.
///
/// What accounts have spent is counted in the currency of the versions that were in force: under another one nothing can
/// be said of them.
async fn trying(app: &App, number: u32) -> Result<Schedule, Error> {
    let schedule = app.schedule().await?;
    let found = app.store().version_rules(&app.config().program, number).await?;
    let (_, program) = found.ok_or(Rejection::UnknownVersion)?;
    let in_force = schedule.at(app.clock().now());
    if program.currency != in_force.program.currency {
        let cannot = |faults| Rejection::CannotFollow { before: in_force.version, after: number, faults };
        program.may_follow(&in_force.program).map_err(cannot)?;
    }
    Ok(schedule.trying(Activation { from: Instant::MIN, version: number, program }))
}
