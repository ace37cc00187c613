//! An item as a line of a file: DynamoDB's own JSON, as its export to S3 has it.
//!
//! The same item has the same line wherever it is read: attributes are sorted by name, sets by what they hold.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::template::Key;

/// An item as the SDK has it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The line of an item, and what it is sorted by. Compared by key first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    /// The key's attributes as JSON: unique within a table.
    pub(super) key: String,
    /// The whole item, without the end of the line.
    pub(super) line: String,
}

/// A value, tagged with its type.
#[derive(Debug, Serialize, Deserialize)]
enum Value {
    S(String),
    N(String),
    B(String),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "NULL")]
    Null(bool),
    M(BTreeMap<String, Value>),
    L(Vec<Value>),
    #[serde(rename = "SS")]
    Texts(BTreeSet<String>),
    #[serde(rename = "NS")]
    Numbers(BTreeSet<String>),
    #[serde(rename = "BS")]
    Binaries(BTreeSet<String>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(rename = "Item")]
    item: BTreeMap<String, Value>,
}

const UNKNOWN_TYPE: &str = "has a value of a type that is not known here";
const NO_JSON: &str = "is no DynamoDB JSON";
const NO_KEY: &str = "lacks its key";

impl Value {
    fn of(value: AttributeValue) -> Result<Self, &'static str> {
        Ok(match value {
            AttributeValue::S(text) => Self::S(text),
            AttributeValue::N(number) => Self::N(number),
            AttributeValue::B(bytes) => Self::B(STANDARD.encode(bytes)),
            AttributeValue::Bool(truth) => Self::Bool(truth),
            AttributeValue::Null(null) => Self::Null(null),
            AttributeValue::M(fields) => Self::M(values(fields)?),
            AttributeValue::L(items) => Self::L(items.into_iter().map(Self::of).collect::<Result<_, _>>()?),
            AttributeValue::Ss(texts) => Self::Texts(texts.into_iter().collect()),
            AttributeValue::Ns(numbers) => Self::Numbers(numbers.into_iter().collect()),
            AttributeValue::Bs(all) => Self::Binaries(all.into_iter().map(|bytes| STANDARD.encode(bytes)).collect()),
            _ => return Err(UNKNOWN_TYPE),
        })
    }

    fn attribute(self) -> Result<AttributeValue, &'static str> {
        let blob = |text: String| STANDARD.decode(text).map(Blob::new).map_err(|_| NO_JSON);
        Ok(match self {
            Self::S(text) => AttributeValue::S(text),
            Self::N(number) => AttributeValue::N(number),
            Self::B(text) => AttributeValue::B(blob(text)?),
            Self::Bool(truth) => AttributeValue::Bool(truth),
            Self::Null(null) => AttributeValue::Null(null),
            Self::M(fields) => AttributeValue::M(attributes(fields)?),
            Self::L(items) => AttributeValue::L(items.into_iter().map(Self::attribute).collect::<Result<_, _>>()?),
            Self::Texts(texts) => AttributeValue::Ss(texts.into_iter().collect()),
            Self::Numbers(numbers) => AttributeValue::Ns(numbers.into_iter().collect()),
            Self::Binaries(all) => AttributeValue::Bs(all.into_iter().map(blob).collect::<Result<_, _>>()?),
        })
    }
}

fn values(fields: Item) -> Result<BTreeMap<String, Value>, &'static str> {
    fields.into_iter().map(|(name, value)| Ok((name, Value::of(value)?))).collect()
}

fn attributes(fields: BTreeMap<String, Value>) -> Result<Item, &'static str> {
    fields.into_iter().map(|(name, value)| Ok((name, value.attribute()?))).collect()
}

/// The line of an item of a table with this key; what is wrong with the item where it has none.
pub(super) fn record(key: &Key, item: Item) -> Result<Record, &'static str> {
    written(key, &Line { item: values(item)? })
}

/// A line that was read from a file; what is wrong with it where it is none that [`record`] would give.
pub(super) fn read(key: &Key, line: String) -> Result<Record, &'static str> {
    let parsed: Line = serde_json::from_str(&line).map_err(|_| NO_JSON)?;
    let record = written(key, &parsed)?;
    if record.line == line { Ok(record) } else { Err("is written otherwise than here") }
}

/// The item of a line.
pub(super) fn item(line: &str) -> Result<Item, &'static str> {
    let line: Line = serde_json::from_str(line).map_err(|_| NO_JSON)?;
    attributes(line.item)
}

fn written(key: &Key, line: &Line) -> Result<Record, &'static str> {
    let values: Option<Vec<_>> = [&key.hash].into_iter().chain(&key.range).map(|name| line.item.get(name)).collect();
    let key = serde_json::to_string(&values.ok_or(NO_KEY)?).map_err(|_| NO_JSON)?;
    Ok(Record { key, line: serde_json::to_string(line).map_err(|_| NO_JSON)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key { hash: "account_id".into(), range: Some("sk".into()) }
    }

    #[test]
    fn every_type_of_value_survives_its_line_and_the_same_item_has_the_same_line() {
        let text = |text: &str| AttributeValue::S(text.into());
        let blob = |bytes: &[u8]| AttributeValue::B(Blob::new(bytes));
        let nested: Item = [("b".to_owned(), text("\"\n\u{1F375}")), ("a".to_owned(), blob(&[0, 255]))].into();
        let item: Item = [
            ("sk", text("E#1")),
            ("account_id", text("acme")),
            ("n", AttributeValue::N("-12345678901234567890.5".into())),
            ("empty", blob(&[])),
            ("yes", AttributeValue::Bool(true)),
            ("none", AttributeValue::Null(true)),
            ("map", AttributeValue::M(nested.clone())),
            ("list", AttributeValue::L(vec![text("z"), AttributeValue::M(nested), AttributeValue::L(vec![])])),
            ("ss", AttributeValue::Ss(vec!["b".into(), "a".into()])),
            ("ns", AttributeValue::Ns(vec!["2".into(), "10".into()])),
            ("bs", AttributeValue::Bs(vec![Blob::new([2]), Blob::new([1])])),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let written = record(&key(), item.clone()).unwrap();
        assert_eq!(written.key, r#"[{"S":"acme"},{"S":"E#1"}]"#);
        let expected = concat!(
            r#"{"Item":{"account_id":{"S":"acme"},"bs":{"BS":["AQ==","Ag=="]},"empty":{"B":""},"#,
            r#""list":{"L":[{"S":"z"},{"M":{"a":{"B":"AP8="},"b":{"S":"\"\n🍵"}}},{"L":[]}]},"#,
            r#""map":{"M":{"a":{"B":"AP8="},"b":{"S":"\"\n🍵"}}},"n":{"N":"-12345678901234567890.5"},"#,
            r#""none":{"NULL":true},"ns":{"NS":["10","2"]},"sk":{"S":"E#1"},"ss":{"SS":["a","b"]},"yes":{"BOOL":true}}}"#,
        );
        assert_eq!(written.line, expected);
        assert_eq!(read(&key(), written.line.clone()), Ok(written.clone()));
        let back = super::item(&written.line).unwrap();
        assert_eq!(record(&key(), back.clone()), Ok(written));
        // What DynamoDB keeps in no order comes back sorted; everything else as it was.
        let unordered = ["ss", "ns", "bs"];
        for (name, value) in item.iter().filter(|(name, _)| !unordered.contains(&name.as_str())) {
            assert_eq!(&back[name], value);
        }
        assert_eq!(back["ss"], AttributeValue::Ss(vec!["a".into(), "b".into()]));
    }

    #[test]
    fn what_is_no_line_of_ours_is_refused() {
        for (line, what) in [
            ("", NO_JSON),
            ("{", NO_JSON),
            (r#"{"Item":{"account_id":{"X":"a"}}}"#, NO_JSON),
            (r#"{"Item":{},"more":1}"#, NO_JSON),
            (r#"{"Item":{"account_id":{"S":"a"}}}"#, NO_KEY),
            (r#"{"Item":{"sk":{"S":"b"},"account_id":{"S":"a"}}}"#, "is written otherwise than here"),
            (r#"{"Item":{"account_id":{"S":"a"},"sk":{"S":"b"}} }"#, "is written otherwise than here"),
        ] {
            assert_eq!(read(&key(), line.to_owned()), Err(what), "{line}");
        }
        let bad = r#"{"Item":{"account_id":{"S":"a"},"b":{"B":"?"},"sk":{"S":"b"}}}"#;
        assert_eq!(super::item(bad), Err(NO_JSON));
    }
}
