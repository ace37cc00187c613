//! What is announced is what the published schemas say, and nothing besides.

#[path = "../../shared/domain/tests/schema/evaluate.rs"]
mod evaluate;

use domain::event::{self, KINDS};
use evaluate::Evaluator;
use local::bus::Sent;
use local::cloud::InvokeError;
use local::stream::Streams;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tests::Cloud;

/// Events that no way through all routes comes by (`least_privilege`), but a test of their own does (`rare_events`).
pub const RARE: [&str; 19] = [
    "discount.for_tier",
    "hold.ended",
    "hold.released",
    "membership.applied",
    "membership.ending",
    "membership.lapsed",
    "membership.rejected",
    "occasion.given",
    "points.available",
    "points.expired",
    "points.expiring",
    "points.for_tier",
    "points.prolonged",
    "points.repaid",
    "referral.expired",
    "return.refused",
    "tier.invitation_ended",
    "tier.kept",
    "tier.lowered",
];

/// Has all that the stream of the ledger holds announced, however long ago it happened; answers the events.
pub async fn announce(cloud: &Cloud, mut invoke: impl AsyncFnMut(Value) -> Result<Value, InvokeError>) -> Vec<Sent> {
    let before = cloud.announced().len();
    let streams = Streams::open(cloud.local().client().clone(), "").await.unwrap();
    loop {
        let noted = streams.earliest("ledger", 50).await.unwrap();
        if noted.is_empty() {
            return cloud.announced().split_off(before);
        }
        // As of the beginning of time, so that nothing is history.
        let records: Vec<_> = noted.iter().map(|noted| noted.record("ledger", -noted.at.as_ms())).collect();
        let answer = invoke(json!({ "Records": records })).await.unwrap();
        assert_eq!(answer, json!({"batchItemFailures": []}));
        streams.forget("ledger", &noted).await.unwrap();
    }
}

/// The schemas of the guide, by the types of events; that of what stands around the data is called `event`.
pub struct Schemas(BTreeMap<String, Evaluator>);

impl Schemas {
    /// Reads them, held to what they name: what a schema does not tell of must not be sent.
    pub fn published() -> Self {
        let read = |file: std::io::Result<std::fs::DirEntry>| {
            let path = file.unwrap().path();
            let mut schema: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            close(&mut schema);
            let name = path.file_name().unwrap().to_str().unwrap().strip_suffix(".schema.json").unwrap();
            (name.to_owned(), Evaluator::new(schema))
        };
        Self(std::fs::read_dir(folder()).unwrap().map(read).collect())
    }

    /// The types of events.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str).filter(|name| *name != "event")
    }

    /// Fails the test unless an event is as its schemas say.
    #[track_caller]
    pub fn check(&self, sent: &Sent) {
        let Sent { detail, detail_type, source, .. } = sent;
        assert!(self.0["event"].accepts(detail), "{detail:#}");
        assert_eq!((&detail["type"], source.as_str()), (&json!(detail_type), "guilder"));
        let schema = &self.0[detail_type];
        assert_eq!(detail["dataschema"], schema.schema["$id"]);
        assert!(schema.accepts(&detail["data"]), "{detail:#} against {:#}", schema.schema);
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/events")
}

#[test]
fn the_published_schemas_are_those_of_the_table_and_no_others() {
    let kinds = KINDS.iter().copied().flatten().map(|kind| (kind.name, event::data_schema(kind)));
    let own: BTreeMap<_, _> = kinds
        .chain([("event", event::envelope_schema())])
        .map(|(name, schema)| {
            (format!("{name}.schema.json"), format!("{}\n", serde_json::to_string_pretty(&schema).unwrap()))
        })
        .collect();
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap())
    };
    let published: BTreeMap<_, _> = std::fs::read_dir(folder()).unwrap().map(read).collect();
    let command = "write docs/events anew with\n  cargo run -- event-schemas docs/events";
    assert_eq!(own.keys().collect::<Vec<_>>(), published.keys().collect::<Vec<_>>(), "{command}");
    for (name, schema) in own {
        assert!(schema == published[&name], "docs/events/{name} is not what the table says; {command}");
    }
}

/// Every type of event stands in the guide, and no other.
#[test]
fn the_guide_names_every_type_of_event() {
    let guide = std::fs::read_to_string(folder().join("../events.md")).unwrap();
    let rows = guide.lines().filter(|line| line.starts_with("| ") && line.matches('`').count() > 6);
    let named: BTreeSet<_> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    let known: BTreeSet<_> = KINDS.iter().copied().flatten().map(|kind| kind.name).collect();
    assert_eq!(named, known);
}

/// Forbids what a schema does not name. Causes alone say more than their kind.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(parts) => {
            parts.iter_mut().filter(|(name, _)| *name != "cause").for_each(|(_, part)| close(part));
            if parts.get("type") == Some(&json!("object")) && parts.contains_key("properties") {
                parts.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(close),
        _ => {}
    }
}
