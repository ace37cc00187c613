//! What invoked the function.

use crate::batch::Batch;
use crate::error::Fault;
use crate::http::Request;
use crate::logs;
use aws_lambda_events::sqs::SqsEvent;
use serde_json::Value;

/// An event, told apart.
pub enum Trigger {
    /// A request to the HTTP API (payload format 2.0).
    Http(Request),
    /// A batch of messages of a queue.
    Queue(Batch),
}

impl Trigger {
    /// Tells an event apart; a fault for anything that is neither.
    pub fn of(event: Value) -> Result<Self, Fault> {
        if event.get("requestContext").and_then(|context| context.get("http")).is_some() {
            let request = Request::new(event);
            logs::about_path(request.segments());
            return Ok(Self::Http(request));
        }
        if event.get("Records").is_some() {
            let unknown = |_| Fault::UnknownEvent("its Records are no messages of a queue".to_owned());
            let event: SqsEvent = serde_json::from_value(event).map_err(unknown)?;
            return Ok(Self::Queue(Batch::new(event)));
        }
        Err(Fault::UnknownEvent("no requestContext.http and no Records".to_owned()))
    }

    /// The request, of a function that serves no queue.
    pub fn http(self) -> Result<Request, Fault> {
        match self {
            Self::Http(request) => Ok(request),
            Self::Queue(_) => Err(Fault::UnknownEvent("this function serves no queue".to_owned())),
        }
    }
}
