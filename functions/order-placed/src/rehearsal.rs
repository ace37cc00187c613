//! A sample order, scored for nobody while the first connection is being opened.
//!
//! A sandbox that starts waits for the network and has nothing else to do, while code that never ran is still to be
//! loaded, page by page. What is rehearsed then, the first order does not wait for.

use crate::{Order, receipt, score};
use domain::decision::Context;
use domain::document;
use domain::program::Program;
use domain::receipt::Receipt;
use domain::schedule::{Activation, Schedule};
use runtime::http::Answer;
use runtime::{App, Trigger};
use std::sync::Arc;
use tokio::task::yield_now;

const EVENT: &str = include_str!("../../../events/order-placed-http.json");
const PROGRAM: &str = include_str!("../../../shared/local/programs/wholesale.json");

/// Takes the sample order through everything but the store; `None` if it did not come to its end, which hurts nobody.
/// In steps as short as they can be: whatever the network brings waits for the end of one.
pub async fn rehearse(app: &App) -> Option<Receipt> {
    let event = serde_json::from_str(EVENT).ok()?;
    yield_now().await;
    let Trigger::Http(request) = Trigger::of(event).ok()? else { return None };
    let order = Order::from_text(&request.body().ok()?).ok()?;
    yield_now().await;
    let document = document::parse(PROGRAM.as_bytes()).ok()?;
    yield_now().await;
    let program = Arc::new(Program::from_json(&document).ok()?);
    yield_now().await;
    let now = order.placed_at;
    let schedule = Schedule::new(vec![Activation { from: now, version: 1, program: program.clone() }])?;
    let (secrets, wall_day) = (app.secrets(), now.utc_day());
    let context = Context { schedule: &schedule, secrets, by: "rehearsal", now, wall_day, collisions: 0 };
    let hash = order.content_hash();
    yield_now().await;
    let decision = score::decide(None, &[], None, &Arc::new(order), hash, &context).ok()?;
    yield_now().await;
    let receipt = receipt::receipt(&decision.answer, &program).ok()?;
    yield_now().await;
    std::hint::black_box(Answer::json(201, &receipt));
    Some(receipt)
}
