//! The stream of a table as the source of a function's events.

use super::read::Node;
use super::references::Names;
use super::resources::{QUEUE, TABLE};
use super::{StreamPattern, StreamSource};
use serde::Deserialize;

/// What Lambda does where nothing is said.
const BATCH_SIZE: u64 = 100;

/// Reads the source. What bounds it must be said: Lambda's own bounds are none, so that one record that cannot be
/// handled would hold up all others for a day, and then be lost.
pub(super) fn source(names: &Names<'_>, properties: &Node<'_>) -> Option<StreamSource> {
    let fields = properties.fields(
        &[
            "Stream",
            "StartingPosition",
            "BatchSize",
            "BisectBatchOnFunctionError",
            "MaximumRetryAttempts",
            "MaximumRecordAgeInSeconds",
            "FunctionResponseTypes",
            "DestinationConfig",
            "FilterCriteria",
        ],
        &["MaximumBatchingWindowInSeconds"],
    );
    if let Some(position) = fields.need("StartingPosition") {
        position.one_of(&["TRIM_HORIZON"]);
    }
    let bisects = fields.get("BisectBatchOnFunctionError").and_then(|node| node.one_of(&["true", "false"]));
    let reports = fields.get("FunctionResponseTypes").map(|types| types.items()).unwrap_or_default();
    let number = |name: &str| fields.need(name).and_then(|node| node.number());
    let (retries_max, age_s_max) = (number("MaximumRetryAttempts"), number("MaximumRecordAgeInSeconds"));
    let failure = fields.need("DestinationConfig")?.fields(&["OnFailure"], &[]).need("OnFailure")?;
    let failure = failure.fields(&["Type", "Destination"], &[]);
    if let Some(kind) = failure.need("Type") {
        kind.one_of(&["SQS"]);
    }
    let filters = fields.need("FilterCriteria")?.fields(&["Filters"], &[]).need("Filters")?;
    let [filter] = &filters.items()[..] else {
        filters.fault("must be one filter");
        return None;
    };
    let pattern = filter.fields(&["Pattern"], &[]).need("Pattern")?;
    let parsed = pattern.text().and_then(|text| StreamPattern::parse(&text));
    if parsed.is_none() {
        pattern.fault("must name eventName and the beginning of one text of dynamodb.Keys");
    }
    let stream = fields.need("Stream")?;
    let table = names.resource(&stream, TABLE, Some("StreamArn"));
    if table.is_none() {
        stream.fault("must be the !GetAtt StreamArn of a table");
    }
    let batch_size = fields.get("BatchSize").map_or(Some(BATCH_SIZE), |size| size.number());
    Some(StreamSource {
        table: table?,
        pattern: parsed?,
        batch_size: usize::try_from(batch_size?).ok()?,
        reports_failures: reports.iter().any(|kind| kind.one_of(&["ReportBatchItemFailures"]).is_some()),
        bisects: bisects.is_some_and(|truth| truth == "true"),
        retries_max: retries_max?,
        age_s_max: age_s_max?,
        dead_letters: names.resource(&failure.need("Destination")?, QUEUE, Some("Arn"))?,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pattern {
    #[serde(rename = "eventName")]
    event_name: Vec<String>,
    dynamodb: Keys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Keys {
    keys: std::collections::BTreeMap<String, Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Text {
    s: [Prefix; 1],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prefix {
    prefix: String,
}

impl StreamPattern {
    /// Reads a pattern of this kind; nothing of any other.
    fn parse(text: &str) -> Option<Self> {
        let Pattern { event_name: events, dynamodb: Keys { keys } } = serde_json::from_str(text).ok()?;
        let known = |event: &String| ["INSERT", "MODIFY", "REMOVE"].contains(&event.as_str());
        let [(attribute, Text { s: [Prefix { prefix }] })] = <[_; 1]>::try_from(Vec::from_iter(keys)).ok()?;
        (!events.is_empty() && events.iter().all(known)).then_some(Self { events, attribute, prefix })
    }
}
