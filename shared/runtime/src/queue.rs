//! A function's own queue: what takes longer than one invocation goes on in another.

use crate::error::Fault;
use aws_sdk_sqs::Client;
use serde_json::{Value, json};

/// Who the messages are from, as events of the bus say it.
const SOURCE: &str = "guilder";

/// A function's own queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at this address.
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Sends a message of the shape that events of the bus have. Where it is about an account it waits in its name, as
    /// they do.
    pub async fn send(&self, detail_type: &str, detail: &Value) -> Result<(), Fault> {
        let body = json!({ "source": SOURCE, "detail-type": detail_type, "detail": detail }).to_string();
        let account = detail.get("account_id").and_then(Value::as_str).map(str::to_owned);
        let message = self.client.send_message().queue_url(&self.url).message_body(body);
        let sent = message.set_message_group_id(account).send().await;
        sent.map_err(|error| Fault::Queue(store::causes(&error)))?;
        Ok(())
    }
}
