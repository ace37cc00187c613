#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::order;
use crate::code::Code;
use crate::document::{self, Unread};
use crate::order::Order;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// An order that says everything an order can say.
fn full() -> Value {
    json!({
        "source": "shop", "order_id": "1", "account_id": "acme", "contact_id": "buyer",
        "placed_at": "2011-03-01T12:00:00+01:00", "currency": "GBP", "shipping": "4.50", "revision": 3, "payment_state": "paid",
        "reservation_id": "0123456789abcdef", "points": 1_000,
        "discount_codes": [Code::of_bits(1).as_str(), Code::of_bits(2).as_str()],
        "lines": [
            {"line_id": "1", "sku": "MUG \u{e9}", "quantity": 2, "unit_price": "12.505", "discount": "0.01"},
            {"line_id": "10", "sku": "\"C\\P\"", "quantity": 1, "amount": "3", "tax": "0.5", "category": " cups ",
             "brand": "\u{1d11e}\t", "tags": ["b", "a", "b"]},
            {"line_id": "2", "sku": "CUP", "quantity": 1, "unit_price": "0", "amount": null, "tags": null},
            {"line_id": "3", "sku": "JUG", "quantity": 3, "unit_price": "10", "discount": "9.99",
             "program_discount": "2.5", "paid_with_points": "7.49"},
        ],
    })
}

/// What stands in place of something good.
fn junk() -> Vec<Value> {
    let long: String = "x".repeat(65);
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.0),
        json!(1.5),
        json!(-0.0),
        json!(1e300),
        json!(1_000_000_000),
        json!(1_000_000_001),
        json!(1_000_000_000_000_u64),
        json!(1_000_000_000_001_u64),
        json!(9_007_199_254_740_991_u64),
        json!(9_007_199_254_740_992_u64),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("."),
        json!("1"),
        json!("10"),
        json!("9.99"),
        json!("0123456789ABCDEF"),
        json!("fedcba9876543210"),
        json!("-0"),
        json!("-1"),
        json!("0.000000"),
        json!("1.5000000"),
        json!("1.2345678"),
        json!("1e3"),
        json!("92233720368547758.07"),
        json!("9223372036854.775807"),
        json!("JPY"),
        json!("KWD"),
        json!("XXX"),
        json!("gbp"),
        json!("2011-03-01T12:00:00Z"),
        json!("2011-03-01"),
        json!("\u{200b}"),
        json!("\u{0}"),
        json!(long),
        json!([]),
        json!([null]),
        json!(["a"]),
        json!(vec!["a"; 9]),
        json!(["1", "A", 1, "1", null]),
        json!({}),
        json!({"line_id": "9", "sku": "A", "quantity": 1, "amount": "1"}),
    ]
}

/// Where every value of a document stands.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), found)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| pointers(value, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

/// One thing done to a document.
#[derive(Debug, Clone)]
enum Change {
    Replace(Value),
    /// Another value of the document in its place.
    Swap(Index),
    Remove,
    Unknown,
    /// The values of an object as an array.
    Flatten,
    Repeat,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        8 => select(junk()).prop_map(Change::Replace),
        2 => any::<Index>().prop_map(Change::Swap),
        3 => Just(Change::Remove),
        1 => Just(Change::Unknown),
        1 => Just(Change::Flatten),
        1 => Just(Change::Repeat),
    ]
}

fn apply(document: &mut Value, place: Index, change: &Change) {
    let mut places = Vec::new();
    pointers(document, "", &mut places);
    let at = place.get(&places).as_str();
    if let (Change::Remove, Some((parent, key))) = (change, at.rsplit_once('/')) {
        match document.pointer_mut(parent).unwrap() {
            Value::Object(map) => drop(map.remove(key)),
            other => drop(other.as_array_mut().unwrap().pop()),
        }
        return;
    }
    let other = match change {
        Change::Swap(index) => document.pointer(index.get(&places).as_str()).unwrap().clone(),
        _ => Value::Null,
    };
    match (change, document.pointer_mut(at).unwrap()) {
        (Change::Replace(junk), value) => *value = junk.clone(),
        (Change::Swap(_), value) => *value = other,
        (Change::Unknown, Value::Object(map)) => drop(map.insert("more".to_owned(), Value::Null)),
        (Change::Flatten, value @ Value::Object(_)) => {
            *value = value.as_object().unwrap().values().cloned().collect();
        }
        (Change::Repeat, Value::Array(list)) => list.extend_from_within(..list.len().min(1)),
        _ => {}
    }
}

/// One thing done to a text.
#[derive(Debug, Clone)]
enum Edit {
    Byte(Index, u8),
    Cut(Index),
    /// These bytes before the character at this place.
    Insert(Index, &'static str),
    /// The first field of some object once more.
    Twice(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let pieces =
        ["\"", "\\", "\\u0061", "\\ud834", "{", "}", "[", "]", ",", ":", " \n\t", "0", ".0", "e1", "null", "\u{e9}"];
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Edit::Byte(at, byte)),
        any::<Index>().prop_map(Edit::Cut),
        (any::<Index>(), select(pieces.to_vec())).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        any::<Index>().prop_map(Edit::Twice),
    ]
}

fn edited(mut text: Vec<u8>, edit: &Edit) -> Vec<u8> {
    if text.is_empty() {
        return text;
    }
    match edit {
        Edit::Byte(at, byte) => {
            let at = at.index(text.len());
            text[at] = *byte;
        }
        Edit::Cut(at) => text.truncate(at.index(text.len())),
        Edit::Insert(at, piece) => {
            let at = at.index(text.len());
            drop(text.splice(at..at, piece.bytes()));
        }
        Edit::Twice(at) => {
            let opened: Vec<_> = (0..text.len()).filter(|place| text[*place] == b'{').collect();
            if !opened.is_empty() {
                let start = at.get(&opened) + 1;
                let length = text[start..].iter().position(|byte| *byte == b',').map_or(0, |comma| comma + 1);
                let field = text[start..start + length].to_vec();
                drop(text.splice(start..start, field));
            }
        }
    }
    text
}

/// What the reader of documents makes of a text.
fn by_document(text: &[u8]) -> Result<Order, Unread> {
    Ok(Order::from_json(&document::parse(text).map_err(Unread::NotJson)?)?)
}

#[test]
fn an_order_with_nothing_wrong_is_read() {
    let text = full().to_string();
    let read = order(text.as_bytes());
    assert!(read.is_some());
    assert_eq!(read, by_document(text.as_bytes()).ok());
    let spaced = serde_json::to_string_pretty(&full()).unwrap().replace("shop", "s\\u0068op");
    assert_eq!(order(spaced.as_bytes()), read);
}

#[test]
fn an_object_is_no_array_of_its_values() {
    let line = json!(["1", "A", 1, "1.00", null, null, null, null, null, null, null, null]);
    let head = json!(["shop", "1", "acme", null, "2011-03-01T12:00:00Z", "GBP"]);
    let order_of = |lines: Value| {
        let fields = head.as_array().unwrap().iter().cloned().chain([lines]);
        fields.chain(std::iter::repeat_n(Value::Null, 6)).collect::<Value>()
    };
    let good = json!([{"line_id": "1", "sku": "A", "quantity": 1, "unit_price": "1.00"}]);
    let mut nested = full();
    nested["lines"] = json!([line]);
    for text in [order_of(good), order_of(json!([line])), nested] {
        assert_eq!(order(text.to_string().as_bytes()), None, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_changed_document_reads_the_same_both_ways(changes in prop::collection::vec((any::<Index>(), change()), 0..4)) {
        let mut document = full();
        for (place, change) in &changes {
            apply(&mut document, *place, change);
        }
        let text = document.to_string();
        let read = by_document(text.as_bytes()).ok();
        prop_assert_eq!(&order(text.as_bytes()), &read, "{}", text);
        let first = Order::from_json(&full()).unwrap();
        let same_hash = read.as_ref().is_some_and(|read| read.content_hash() == first.content_hash());
        prop_assert_eq!(same_hash, read == Some(first), "{}", text);
    }

    #[test]
    fn an_edited_text_reads_the_same_both_ways(edits in prop::collection::vec(edit(), 1..4)) {
        let text = edits.iter().fold(full().to_string().into_bytes(), edited);
        prop_assert_eq!(Order::from_text(&text), by_document(&text));
        // What is read at all is read at once.
        prop_assert_eq!(order(&text).is_some(), by_document(&text).is_ok());
    }
}
