//! Items that cannot be read, and what may be said of them.

use crate::Fault;
use crate::keys::{self, Item};

/// What keys are made of.
const KEY_ATTRIBUTES: [&str; 9] =
    ["account_id", "sk", "order_key", "code", "program", "metric", "period", "limit", "shard"];

/// Most characters of a code that are told.
const BEGINNING_CHARS: usize = 4;

/// That an item cannot be read: which, by its key, and what is wrong with it. Logs and callers of nobody's choice see
/// that, so it tells no more of the item than that, and of a code only how it begins.
pub(crate) fn corrupt(table: &'static str, item: &Item, what: String) -> Fault {
    let mut parts: Vec<_> = KEY_ATTRIBUTES
        .iter()
        .filter_map(|name| {
            let text = item.get(*name)?.as_s().ok()?;
            // In the table of codes either part of a key may be one.
            let is_code = table == "codes" || text.starts_with(keys::DISCOUNT);
            Some(if is_code { format!("{name}={}", beginning(text)) } else { format!("{name}={text}") })
        })
        .collect();
    parts.sort();
    Fault::Corrupt { table, key: parts.join(" "), what: without_values(&what) }
}

/// How a code begins: enough to find it by, and too little to use it.
pub(crate) fn beginning(code: &str) -> String {
    let shown: String = code.chars().take(BEGINNING_CHARS).collect();
    if shown == code { shown } else { format!("{shown}...") }
}

/// What a decoder says, without what it has met: that stands between quotation marks, or is a variant it does not know.
pub fn without_values(what: &str) -> String {
    let told = match what.split_once('"').zip(what.rsplit_once('"')) {
        Some(((before, _), (_, after))) => format!(r#"{before}"..."{after}"#),
        None => what.to_owned(),
    };
    match told.split_once("unknown variant `") {
        Some((before, after)) => {
            let expected = after.find("`, expected").and_then(|end| after.get(end..)).unwrap_or_default();
            format!("{before}unknown variant `...{expected}")
        }
        None => told,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use aws_sdk_dynamodb::types::AttributeValue;

    #[test]
    fn what_cannot_be_read_is_told_without_what_it_holds() {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let item: Item = [("code", "ZJD67CGFH6R"), ("sk", "INVITATION"), ("note", "for Ann")]
            .map(|(name, value)| (name.to_owned(), text(value)))
            .into();
        for (what, told) in [
            ("missing field `tier`", "missing field `tier`"),
            (r#"invalid type: string "Ann \"of\" Acme", expected u64"#, r#"invalid type: string "...", expected u64"#),
            ("unknown variant `Ann`, expected `a` or `b`", "unknown variant `...`, expected `a` or `b`"),
            ("unknown variant `Ann", "unknown variant `..."),
        ] {
            let fault = corrupt("codes", &item, what.to_owned()).to_string();
            assert_eq!(fault, format!("item code=ZJD6... sk=INVI... in codes cannot be read: {told}"));
        }
        let discount = [("sk".to_owned(), text("D#HM63NQ7A2E="))].into();
        assert!(corrupt("ledger", &discount, String::new()).to_string().starts_with("item sk=D#HM... in"));
    }
}
