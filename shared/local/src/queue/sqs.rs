//! The SDK's way to the local queues, without a socket: SQS as far as the functions use it.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use runtime::aws_sdk_sqs::config::retry::RetryConfig;
use runtime::aws_sdk_sqs::config::timeout::TimeoutConfig;
use runtime::aws_sdk_sqs::config::{BehaviorVersion, Credentials, HttpClient, Region, RuntimeComponents};
use runtime::aws_sdk_sqs::{Client, Config};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{QueueError, Queues, fair};
use crate::cloud::{Cloud, wall_clock};
use crate::connector::{CONTENT_TYPE, REGION, response};
use crate::template::Queue;

/// The address of a queue, as `!Ref` of it yields in the template.
pub(crate) fn url(queue: &str) -> String {
    format!("https://sqs.{REGION}.amazonaws.com/000000000000/{queue}")
}

/// A client of the local queues. `announced` is told of every message.
pub(crate) fn client(queues: Queues, known: Vec<Queue>, announced: Arc<Notify>) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .http_client(Local { queues, known: known.into(), announced })
        .build();
    Client::from_conf(config)
}

/// The local queues as an HTTP client of the SDK.
#[derive(Clone)]
struct Local {
    queues: Queues,
    known: Arc<[Queue]>,
    announced: Arc<Notify>,
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Local")
    }
}

impl HttpClient for Local {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Local {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let local = self.clone();
        HttpConnectorFuture::new(async move { local.answer(&request).await })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SendMessage {
    queue_url: String,
    message_body: String,
    message_group_id: Option<String>,
}

/// Why a request is refused: the type of error, and in words.
type Refusal = (&'static str, String);

impl Local {
    async fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let operation = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        let (status, body) = match self.perform(operation, body).await {
            Ok(Ok(answer)) => (200, answer),
            Ok(Err((kind, message))) => {
                (400, json!({ "__type": format!("com.amazonaws.sqs#{kind}"), "message": message }))
            }
            Err(error) => return Err(ConnectorError::other(error.into(), None)),
        };
        response(status, CONTENT_TYPE, body.to_string())
    }

    async fn perform(&self, operation: &str, body: &[u8]) -> Result<Result<Value, Refusal>, QueueError> {
        if operation != "AmazonSQS.SendMessage" {
            return Ok(Err(("UnsupportedOperation", format!("{operation:?} is not offered here"))));
        }
        let message: SendMessage = match serde_json::from_slice(body) {
            Ok(message) => message,
            Err(error) => return Ok(Err(("InvalidParameterValue", error.to_string()))),
        };
        let Some(queue) = self.known.iter().find(|queue| url(&queue.id) == message.queue_url) else {
            return Ok(Err(("QueueDoesNotExist", format!("there is no queue {}", message.queue_url))));
        };
        if message.message_body.len() > Cloud::EVENT_BYTES_MAX {
            let most = Cloud::EVENT_BYTES_MAX;
            return Ok(Err(("InvalidParameterValue", format!("a message may have {most} bytes"))));
        }
        if message.message_group_id.as_deref().is_some_and(|group| !fair::is_group(group)) {
            return Ok(Err(("InvalidParameterValue", "no name of a message group".to_owned())));
        }
        let SendMessage { message_body, message_group_id, .. } = message;
        let id = self.queues.send(&queue.id, message_body, message_group_id, wall_clock()).await?;
        self.announced.notify_one();
        Ok(Ok(json!({ "MessageId": id })))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dynoxide::Database;
    use runtime::aws_sdk_sqs::error::ProvideErrorMetadata;

    use super::*;

    #[tokio::test]
    async fn a_message_is_sent_to_a_queue_that_exists_and_nothing_else_is_offered() {
        let queues = Queues::open(crate::connector::client(&Database::memory().unwrap()), "", Duration::ZERO).await;
        let (queues, announced) = (queues.unwrap(), Arc::new(Notify::new()));
        let live = Queue { id: "live".into(), visibility_timeout_s: 90, redrive: None };
        let client = client(queues.clone(), vec![live], announced.clone());

        client.send_message().queue_url(url("live")).message_body("one").send().await.unwrap();
        assert_eq!(queues.messages("live").await.unwrap()[0].body, "one");
        // Whoever waits for messages is told.
        announced.notified().await;

        let unknown = client.send_message().queue_url(url("dead")).message_body("one").send().await.unwrap_err();
        assert_eq!(unknown.into_service_error().code(), Some("QueueDoesNotExist"));
        let large = "x".repeat(Cloud::EVENT_BYTES_MAX + 1);
        let large = client.send_message().queue_url(url("live")).message_body(large).send().await.unwrap_err();
        assert_eq!(large.into_service_error().code(), Some("InvalidParameterValue"));
        let delayed = client.send_message().queue_url(url("live")).message_body("one").delay_seconds(5).send().await;
        assert_eq!(delayed.unwrap_err().into_service_error().code(), Some("InvalidParameterValue"));
        let other = client.purge_queue().queue_url(url("live")).send().await.unwrap_err();
        assert_eq!(other.into_service_error().code(), Some("UnsupportedOperation"));
        assert_eq!(queues.messages("live").await.unwrap().len(), 1);

        let in_name_of =
            |group: &str| client.send_message().queue_url(url("live")).message_body("two").message_group_id(group);
        in_name_of("acme").send().await.unwrap();
        assert_eq!(queues.messages("live").await.unwrap()[1].group.as_deref(), Some("acme"));
        let nobody = in_name_of("two words").send().await.unwrap_err();
        assert_eq!(nobody.into_service_error().code(), Some("InvalidParameterValue"));
    }
}
