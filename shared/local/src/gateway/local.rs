//! What exists on this machine only, below `/_local/`: putting events on the bus, looking at those announced, into the
//! queues, and at what was counted; invoking a function by hand.

use super::{Request, Response, text};
use crate::bus::{Filter, KEPT_MAX};
use crate::cloud::{Cloud, EventError, InvokeError};
use serde_json::{Value, json};

/// Events that are shown where nobody says how many.
const EVENTS_SHOWN: usize = 100;

impl Cloud {
    pub(super) async fn local(&self, request: &Request) -> Response {
        let path = request.target.split('?').next().unwrap_or_default();
        if let Some(function) = path.strip_prefix("/_local/functions/") {
            return match request.method.as_str() {
                "POST" => self.local_invocation(function, &request.body).await,
                method => Response::method_not_allowed(method, path, &["POST"]),
            };
        }
        match (request.method.as_str(), path) {
            ("GET", "/_local/events") => self.local_events(&request.target),
            ("POST", "/_local/events") => self.local_event(&request.body).await,
            ("GET", "/_local/queues") => match self.queues().await {
                Ok(queues) => Response::of(200, "application/json", &json!({ "queues": queues })),
                Err(_) => Response::internal(),
            },
            ("GET", "/_local/metrics") => {
                Response::of(200, "application/json", &json!({ "metrics": self.metrics().counted() }))
            }
            (method, "/_local/events") => Response::method_not_allowed(method, path, &["GET", "POST"]),
            (method, "/_local/queues" | "/_local/metrics") => Response::method_not_allowed(method, path, &["GET"]),
            _ => Response::not_found(path),
        }
    }

    /// The latest events that were announced, newest first.
    fn local_events(&self, target: &str) -> Response {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let (mut filter, mut limit) = (Filter::default(), EVENTS_SHOWN);
        for (name, value) in text::query(query) {
            match (name.as_str(), value.parse()) {
                ("type", _) => filter.kind = Some(value),
                ("account_id", _) => filter.account = Some(value),
                ("limit", Ok(most @ 1..=KEPT_MAX)) => limit = most,
                _ => {
                    let detail = format!("Events are asked for by type, account_id and limit, from 1 to {KEPT_MAX}.");
                    return Response::problem(400, "invalid-parameter", "Invalid parameter", detail);
                }
            }
        }
        Response::of(200, "application/json", &json!({ "events": self.bus().latest(&filter, limit) }))
    }

    async fn local_event(&self, body: &[u8]) -> Response {
        let entry = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let (Some(kind), Some(source), Some(detail)) = (text("detail-type"), text("source"), entry.get("detail"))
        else {
            let detail = "An event is a JSON object with detail-type, source and detail.".to_owned();
            return Response::problem(400, "invalid-event", "Invalid event", detail);
        };
        match self.put_event(kind, source, detail.clone()).await {
            Ok(queues) => Response::of(202, "application/json", &json!({ "queues": queues })),
            Err(EventError::TooLarge) => {
                let detail = EventError::TooLarge.to_string();
                Response::problem(413, "payload-too-large", "Payload too large", detail)
            }
            Err(EventError::Queue(_)) => Response::internal(),
        }
    }

    /// What a function answers to an event, as `aws lambda invoke` has it; it runs here, so what it sends is seen here.
    async fn local_invocation(&self, function: &str, body: &[u8]) -> Response {
        let Ok(event) = serde_json::from_slice::<Value>(body) else {
            return Response::problem(400, "not-json", "Not JSON", "The event is not JSON.".to_owned());
        };
        match self.invoke(function, event).await {
            Ok(answer) => Response::of(200, "application/json", &answer),
            Err(unknown @ InvokeError::Unknown(_)) => {
                Response::problem(404, "unknown-function", "Unknown function", format!("{unknown}."))
            }
            Err(failed) => Response::problem(500, "function-failed", "The function failed", failed.to_string()),
        }
    }
}
