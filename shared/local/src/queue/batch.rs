//! What Lambda makes of received messages: one event, and an answer that may name those that failed.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Message;
use crate::connector::REGION;

/// The event for a batch of messages, as Lambda delivers it.
pub fn event(queue: &str, messages: &[Message]) -> Value {
    let record = |message: &Message| {
        let mut record = json!({
            "messageId": message.id,
            "receiptHandle": format!("{}/{}", message.id, message.received),
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": message.received.to_string(),
                "SentTimestamp": message.sent_at.as_ms().to_string(),
                "SenderId": "local",
                "ApproximateFirstReceiveTimestamp": message.sent_at.as_ms().to_string(),
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{REGION}:000000000000:{queue}"),
            "awsRegion": REGION,
        });
        let attributes = record.get_mut("attributes").and_then(Value::as_object_mut);
        if let (Some(group), Some(attributes)) = (&message.group, attributes) {
            attributes.insert("MessageGroupId".to_owned(), json!(group));
        }
        record
    };
    json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    batch_item_failures: Option<Vec<Failure>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

/// The ids of the messages that an answer reports as failed.
///
/// As in Lambda an answer that names nothing is a success of all, and one that is malformed or names a message that
/// was not delivered is a failure of all: a message handled twice is harmless, one lost is not.
pub fn failures(answer: &Value, messages: &[Message]) -> BTreeSet<String> {
    let delivered = || messages.iter().map(|message| message.id.clone()).collect::<BTreeSet<_>>();
    let Ok(answer) = serde_json::from_value::<Option<Answer>>(answer.clone()) else { return delivered() };
    let failures = answer.and_then(|answer| answer.batch_item_failures).unwrap_or_default();
    let failed = failures.into_iter().map(|failure| failure.item_identifier).collect::<BTreeSet<_>>();
    let delivered = delivered();
    if failed.is_subset(&delivered) { failed } else { delivered }
}

#[cfg(test)]
mod tests {
    use domain::time::Instant;

    use super::*;

    fn messages() -> Vec<Message> {
        let message = |id: &str| Message {
            id: id.into(),
            group: (id == "b").then(|| "acme".into()),
            body: "{}".into(),
            sent_at: Instant::from_ms(1_234),
            received: 2,
            visible_at: Instant::MIN,
            reason: None,
        };
        vec![message("a"), message("b")]
    }

    #[test]
    fn a_batch_has_the_shape_that_lambda_delivers() {
        let event = event("OrderPlacedQueue", &messages());
        let parsed = serde_json::from_value::<aws_lambda_events::sqs::SqsEvent>(event).unwrap();
        assert_eq!(parsed.records.len(), 2);
        assert_eq!(parsed.records[0].message_id.as_deref(), Some("a"));
        assert_eq!(parsed.records[0].attributes["ApproximateReceiveCount"], "2");
        let group = |index: usize| parsed.records[index].attributes.get("MessageGroupId").cloned();
        assert_eq!((group(0), group(1).as_deref()), (None, Some("acme")));
        let arn = parsed.records[0].event_source_arn.as_deref();
        assert_eq!(arn, Some("arn:aws:sqs:eu-west-1:000000000000:OrderPlacedQueue"));
    }

    #[test]
    fn an_answer_says_which_messages_failed() {
        let rows = [
            (json!(null), ""),
            (json!({}), ""),
            (json!({"batchItemFailures": null}), ""),
            (json!({"batchItemFailures": []}), ""),
            (json!({"batchItemFailures": [{"itemIdentifier": "b"}]}), "b"),
            (json!({"batchItemFailures": [{"itemIdentifier": "c"}]}), "ab"),
            (json!({"batchItemFailures": [{"itemIdentifier": ""}]}), "ab"),
            (json!({"batchItemFailures": [{"id": "a"}]}), "ab"),
            (json!({"batchItemFailures": "a"}), "ab"),
        ];
        for (answer, failed) in rows {
            assert_eq!(failures(&answer, &messages()).into_iter().collect::<String>(), failed, "{answer}");
        }
    }
}
