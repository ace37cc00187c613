//! Events posted to a URL, signed, in the manner of the Standard Webhooks specification.
//!
//! A receiver knows by the signature who has sent a message and that nobody has changed it, by the timestamp that it is
//! no old one, and by the id whether it had it before. What is not answered with a 2xx is sent again, later each time,
//! and after the last try put aside.

use crate::queue::Message;
use crate::template::{Queue, Redrive};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::time::Instant;
use ring::hmac;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// The queue of what is to be posted, and where it goes that nobody takes. In AWS neither exists: a rule of the bus
/// may have an API destination instead.
pub const QUEUE: &str = "Webhook";
/// See [`QUEUE`].
pub const DEAD_LETTERS: &str = "WebhookDeadLetters";

/// How often a message is sent.
const TRIES_MAX: u64 = 8;
/// How long an answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// Longer than that, so that nothing is sent twice at once.
const HIDDEN_S: u64 = 30;
/// How a secret begins that is written down.
const SECRET_PREFIX: &str = "whsec_";

/// Where events are posted to, and what they are signed with.
#[derive(Clone)]
pub struct Webhook {
    url: String,
    key: hmac::Key,
    connector: SharedHttpConnector,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook")
    }
}

/// Why there can be no webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The URL is of no kind that can be posted to.
    #[error("a webhook's URL begins with https:// or http://")]
    Url,
    /// The secret is none.
    #[error("a webhook's secret is whsec_ and 24 to 64 random bytes in base64, alone in its file")]
    Secret,
}

/// What a message is sent with besides its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The event's id: the same whenever it is sent again.
    pub id: String,
    /// Seconds since 1970, of this try.
    pub timestamp: String,
    /// `v1,` and HMAC-SHA-256 of id, timestamp and body, in base64.
    pub signature: String,
}

impl Webhook {
    /// One that posts to `url` and signs with what a file says.
    pub fn new(url: &str, secret: &str) -> Result<Self, WebhookError> {
        let connector = match url.split_once("://") {
            Some(("http", _)) => SharedHttpConnector::new(Connector::builder().build_http()),
            Some(("https", _)) => {
                SharedHttpConnector::new(Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build())
            }
            _ => return Err(WebhookError::Url),
        };
        let bytes = secret.trim().strip_prefix(SECRET_PREFIX).and_then(|text| STANDARD.decode(text).ok());
        let bytes = bytes.filter(|bytes| (24..=64).contains(&bytes.len())).ok_or(WebhookError::Secret)?;
        Ok(Self { url: url.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, &bytes), connector })
    }

    /// Where events are posted to, as it may be shown: without what stands in front of the host or behind it, which may
    /// be secret.
    pub fn place(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        format!("{scheme}://{host}")
    }

    /// The queue of what is to be posted.
    pub(crate) fn queue() -> Queue {
        let redrive = Some(Redrive { queue: DEAD_LETTERS.to_owned(), max_receive_count: TRIES_MAX });
        Queue { id: QUEUE.to_owned(), visibility_timeout_s: HIDDEN_S, redrive }
    }

    /// What a message is sent with at an instant.
    pub fn sign(&self, body: &str, now: Instant) -> Signed {
        let event: Value = serde_json::from_str(body).unwrap_or_default();
        let id = event.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let timestamp = now.as_ms().div_euclid(1_000).to_string();
        let tag = hmac::sign(&self.key, format!("{id}.{timestamp}.{body}").as_bytes());
        Signed { id, timestamp, signature: format!("v1,{}", STANDARD.encode(tag)) }
    }

    /// Posts a message once; why it was not taken, where it was not.
    pub(crate) async fn post(&self, message: &Message, now: Instant) -> Result<(), String> {
        let Signed { id, timestamp, signature } = self.sign(&message.body, now);
        let mut request = HttpRequest::new(SdkBody::from(message.body.as_str()));
        request.set_method("POST").map_err(|error| error.to_string())?;
        request.set_uri(self.url.as_str()).map_err(|error| error.to_string())?;
        let headers = [
            ("content-type", "application/cloudevents+json".to_owned()),
            ("content-length", message.body.len().to_string()),
            ("user-agent", concat!("guilder/", env!("CARGO_PKG_VERSION")).to_owned()),
            ("webhook-id", id),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", signature),
        ];
        for (name, value) in headers {
            request.headers_mut().insert(name, value);
        }
        let answer = tokio::time::timeout(ANSWER_TIME, self.connector.call(request)).await;
        let answer = answer.map_err(|_| "it did not answer in time".to_owned())?;
        let answer = answer.map_err(|error| format!("it cannot be reached: {error:?}"))?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(format!("it answered {}", answer.status().as_u16())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret and the message of the specification's own example.
    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    #[test]
    fn a_message_is_signed_with_its_id_its_time_and_its_body() {
        let webhook = Webhook::new("https://shop.example/hooks", &format!("{SECRET}\n")).unwrap();
        let body = r#"{"id":"acme/12/0","type":"order.scored"}"#;
        let signed = webhook.sign(body, Instant::from_ms(1_614_265_330_999));
        assert_eq!((signed.id.as_str(), signed.timestamp.as_str()), ("acme/12/0", "1614265330"));
        let tag = STANDARD.decode(signed.signature.strip_prefix("v1,").unwrap()).unwrap();
        let key = STANDARD.decode(SECRET.strip_prefix(SECRET_PREFIX).unwrap()).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let content = format!("acme/12/0.1614265330.{body}");
        assert!(hmac::verify(&key, content.as_bytes(), &tag).is_ok());
        for other in [format!("{content} "), content.replace("acme", "beta"), content.replace("5330", "5331")] {
            assert!(hmac::verify(&key, other.as_bytes(), &tag).is_err(), "{other}");
        }
    }

    #[test]
    fn what_can_be_no_webhook_is_refused() {
        let error = |url: &str, secret: &str| Webhook::new(url, secret).err();
        for url in ["ftp://shop.example", "shop.example/hooks", ""] {
            assert_eq!(error(url, SECRET), Some(WebhookError::Url), "{url}");
        }
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        for secret in ["", "whsec_", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_not base64", &short, &long] {
            assert_eq!(error("http://127.0.0.1:1/", secret), Some(WebhookError::Secret), "{secret}");
        }
        assert_eq!(error("http://127.0.0.1:1/", SECRET), None);
    }
}
