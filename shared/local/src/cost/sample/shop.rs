//! A shop that places the orders of a sample, and does with them what there is to do.

use super::{Bench, Entrance, Operation, Sample, SampleError};
use crate::gateway::{Invocation, Request};
use crate::queue::{Message, batch};
use domain::time::Instant;
use serde_json::{Value, json};

const SOURCE: &str = "shop";
/// Lines of an order.
const LINES: u64 = 20;
/// Orders that a known account has placed before.
const EARLIER: u64 = 12;
/// An instant of an ordinary day, 2026-03-02T12:00:00Z: nothing falls due, nothing has ended.
const NOW_MS: i64 = 1_772_452_800_000;

/// When all of it happens.
pub(super) fn now() -> Instant {
    Instant::from_ms(NOW_MS)
}

/// What an order is worth: below what the program issues a discount for, or above.
#[derive(Clone, Copy)]
enum Worth {
    Small,
    Large,
}

/// Places orders.
pub(super) struct Shop<'b> {
    pub(super) bench: &'b Bench,
}

impl Shop<'_> {
    /// One sample of an operation, on an account of its own.
    pub(super) async fn sample(&self, operation: &Operation, number: u64) -> Result<Sample, SampleError> {
        let name = operation.name;
        let account = format!("{name}-{number}");
        let id = |what: &str| format!("{name}-{number}-{what}");
        let order = |worth| order(&account, &id("measured"), worth);
        if name != "first-order" {
            for earlier in 0..EARLIER {
                let earlier = self::order(&account, &id(&earlier.to_string()), Worth::Small);
                self.prepare(&earlier).await?;
            }
        }
        let path = format!("/v1/orders/{SOURCE}/{}", id("measured"));
        if ["amendment", "return", "cancellation"].contains(&name) {
            self.prepare(&order(Worth::Small)).await?;
        }
        match name {
            "discount-order" => {
                let (sample, answer) = self.ask("POST", "/v1/orders", &order(Worth::Large), 201).await?;
                issues(&answer, 1).map(|()| sample)
            }
            "bus-order" => self.announce(&order(Worth::Small)).await,
            "amendment" => Ok(self.ask("PUT", &path, &changed(&account), 200).await?.0),
            "return" => {
                let lines = json!([{"line_id": "1", "quantity": 1}, {"line_id": "2", "quantity": 2}]);
                let back = json!({"return_id": "r-1", "returned_at": now(), "lines": lines});
                Ok(self.ask("POST", &format!("{path}/returns"), &back, 201).await?.0)
            }
            "cancellation" => {
                let body = json!({ "cancelled_at": now() });
                Ok(self.ask("POST", &format!("{path}/cancellation"), &body, 201).await?.0)
            }
            "quote" => {
                let cart = json!({"account_id": account, "currency": "GBP", "lines": lines(Worth::Small)});
                Ok(self.ask("POST", "/v1/quotes", &cart, 200).await?.0)
            }
            "account" => Ok(self.ask("GET", &format!("/v1/accounts/{account}"), &Value::Null, 200).await?.0),
            _ => {
                let (sample, answer) = self.ask("POST", "/v1/orders", &order(Worth::Small), 201).await?;
                issues(&answer, 0).map(|()| sample)
            }
        }
    }

    /// Places an order that is there when something is measured.
    async fn prepare(&self, order: &Value) -> Result<(), SampleError> {
        let Invocation { function, event } = self.invocation("POST", "/v1/orders", order)?;
        let answer = self.bench.cloud.invoke(&function, event).await?;
        answered("POST /v1/orders", &answer, 201).map(drop)
    }

    /// A request that must have this status, and its answer.
    async fn ask(&self, method: &str, target: &str, body: &Value, status: u16) -> Result<(Sample, Value), SampleError> {
        let Invocation { function, event } = self.invocation(method, target, body)?;
        let (sample, answer) = self.bench.invoke(&function, event, Entrance::Http).await?;
        Ok((sample, answered(&format!("{method} {target}"), &answer, status)?))
    }

    fn invocation(&self, method: &str, target: &str, body: &Value) -> Result<Invocation, SampleError> {
        let request = Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: if body.is_null() { String::new() } else { body.to_string() }.into(),
        };
        self.bench.cloud.invocation(&request).map_err(|response| refused(method, &response.json()))
    }

    /// An order as an event of the bus, alone in its batch.
    async fn announce(&self, order: &Value) -> Result<Sample, SampleError> {
        let body = crate::cloud::bus_event("OrderPlaced", "shop.orders", order, now());
        let message = Message {
            id: crate::queue::message_id(now()),
            group: order.get("account_id").and_then(Value::as_str).map(str::to_owned),
            body: body.to_string(),
            sent_at: now(),
            received: 1,
            visible_at: now(),
            reason: None,
        };
        let event = batch::event("OrderPlacedQueue", std::slice::from_ref(&message));
        let (sample, answer) = self.bench.invoke("order-placed", event, Entrance::Bus).await?;
        match batch::failures(&answer, &[message]).is_empty() {
            true => Ok(sample),
            false => Err(refused("an event", &answer)),
        }
    }
}

/// Fails where an order issued another number of discounts than it is measured for.
fn issues(answer: &Value, count: usize) -> Result<(), SampleError> {
    let issued = answer.get("discounts_issued").and_then(Value::as_array).map_or(0, Vec::len);
    if issued == count { Ok(()) } else { Err(refused("an order", answer)) }
}

/// What an answer of this status says.
fn answered(subject: &str, answer: &Value, status: u16) -> Result<Value, SampleError> {
    let said = answer.get("body").and_then(Value::as_str).unwrap_or_default();
    match answer.get("statusCode").and_then(Value::as_u64) == Some(status.into()) {
        true => Ok(serde_json::from_str(said).unwrap_or_default()),
        false => Err(refused(subject, answer)),
    }
}

fn refused(subject: &str, answer: &Value) -> SampleError {
    SampleError::Refused { subject: subject.to_owned(), answer: answer.to_string() }
}

fn order(account: &str, order_id: &str, worth: Worth) -> Value {
    json!({
        "source": SOURCE,
        "order_id": order_id,
        "account_id": account,
        "placed_at": now(),
        "currency": "GBP",
        "lines": lines(worth),
    })
}

/// The same small order with a line more, as its address does not say it.
fn changed(account: &str) -> Value {
    let mut lines = lines(Worth::Small);
    lines.push(json!({"line_id": "more", "sku": "MUG", "quantity": 1, "unit_price": "1.00"}));
    json!({"revision": 1, "account_id": account, "placed_at": now(), "currency": "GBP", "lines": lines})
}

/// Twenty lines: some stock numbers with a letter, some quantities with two digits, prices that hardly repeat.
fn lines(worth: Worth) -> Vec<Value> {
    let line = |n: u64| {
        let letter = match n % 3 {
            0 => "",
            1 => "A",
            _ => "B",
        };
        let number = n.wrapping_mul(37).wrapping_add(20_000);
        let pence = n.wrapping_mul(10) % 75;
        let price = match worth {
            Worth::Small => format!("0.{:02}", pence.wrapping_add(5)),
            Worth::Large => format!("{}.{:02}", n % 9, pence.wrapping_add(25)),
        };
        json!({
            "line_id": n.wrapping_add(1).to_string(),
            "sku": format!("{number}{letter}"),
            "quantity": (n.wrapping_mul(7) % 48).wrapping_add(1),
            "unit_price": price,
        })
    };
    (0..LINES).map(line).collect()
}
