//! How large DynamoDB counts an item.

use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;

/// The size of an item in bytes, by the rules of DynamoDB's documentation: names and texts in UTF-8, binary as it is,
/// a number one byte per two significant digits and one more (and one for a sign), 3 bytes and 1 per element for lists
/// and maps.
pub fn item_bytes(item: &HashMap<String, AttributeValue>) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => number_bytes(digits),
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        AttributeValue::L(items) => 3 + items.iter().map(|item| 1 + value_bytes(item)).sum::<usize>(),
        AttributeValue::M(map) => 3 + map.iter().map(|(name, item)| 1 + name.len() + value_bytes(item)).sum::<usize>(),
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        AttributeValue::Ns(numbers) => numbers.iter().map(|digits| number_bytes(digits)).sum(),
        AttributeValue::Bs(blobs) => blobs.iter().map(|blob| blob.as_ref().len()).sum(),
        other => panic!("unknown type of attribute: {other:?}"),
    }
}

fn number_bytes(digits: &str) -> usize {
    let (negative, digits) = digits.strip_prefix('-').map_or((0, digits), |rest| (1, rest));
    // Zeros at either end are not significant.
    let significant = digits.trim_start_matches('0').trim_end_matches('0').len().max(1);
    significant.div_ceil(2) + 1 + negative
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_documentation() {
        let item = HashMap::from([
            ("id".to_owned(), AttributeValue::S("é".into())),    // 2 + 2
            ("n".to_owned(), AttributeValue::N("-1200".into())), // 1 + 1 + 1 + 1
            ("l".to_owned(), AttributeValue::L(vec![AttributeValue::Bool(true)])), // 1 + 3 + 1 + 1
        ]);
        assert_eq!(item_bytes(&item), 14);
    }
}
