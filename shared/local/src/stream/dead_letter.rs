//! What a dead letter says of records that were given up: which they were, not what was in them.

use super::{Noted, arn};
use crate::queue::message_id;
use domain::time::Instant;
use serde_json::json;

/// Why records are given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// They were tried too often.
    Tries,
    /// They are too old.
    Age,
}

/// The message, as Lambda sends it.
pub fn message(function: &str, table: &str, given_up: &Noted, tries: u64, why: Why, now: Instant) -> String {
    let condition = match why {
        Why::Tries => "RetryAttemptsExhausted",
        Why::Age => "MaximumRecordAgeExceeded",
    };
    json!({
        "requestContext": {
            "requestId": message_id(now),
            "functionArn": format!("arn:aws:lambda:{}:000000000000:function:{function}", crate::connector::REGION),
            "condition": condition,
            "approximateInvokeCount": tries,
        },
        "version": "1.0",
        "timestamp": now,
        "DDBStreamBatchInfo": {
            "shardId": "shardId-local",
            "startSequenceNumber": given_up.number,
            "endSequenceNumber": given_up.number,
            "approximateArrivalOfFirstRecord": given_up.at,
            "approximateArrivalOfLastRecord": given_up.at,
            "batchSize": 1,
            "streamArn": arn(table),
        },
    })
    .to_string()
}
