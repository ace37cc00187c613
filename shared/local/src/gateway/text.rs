//! The small encodings of HTTP: percent signs, repeated names, times of log files.

use std::collections::BTreeMap;

use domain::time::Instant;

/// Undoes percent-encoding; what is no UTF-8 then becomes the replacement character.
pub fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = match (byte, tail) {
            (b'%', [high, low, after @ ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| (high << 4 | low, after)),
            _ => None,
        };
        let (byte, tail) = escaped.unwrap_or((byte, tail));
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The parameters of a query string, decoded.
pub fn query(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
    })
}

/// Pairs as a map, the values of a repeated name joined by commas.
pub fn joined(pairs: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let mut map = BTreeMap::<String, String>::new();
    for (name, value) in pairs {
        map.entry(name)
            .and_modify(|known| {
                known.push(',');
                known.push_str(&value);
            })
            .or_insert(value);
    }
    map
}

/// An instant as API Gateway writes it: `12/Mar/2020:19:03:58 +0000`.
pub fn common_log_time(instant: Instant) -> String {
    let timestamp = jiff::Timestamp::from_millisecond(instant.as_ms()).unwrap_or_default();
    timestamp.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_are_undone_once() {
        let rows = [
            ("a%20b", "a b"),
            ("%2523", "%23"),
            ("%", "%"),
            ("%4", "%4"),
            ("%zz", "%zz"),
            ("%C3%A9+", "é+"),
            ("%FF", "\u{fffd}"),
        ];
        for (encoded, plain) in rows {
            assert_eq!(decode(encoded), plain);
        }
    }

    #[test]
    fn repeated_names_are_joined() {
        let map = joined(query("a=1&b=x+y&a=2&&c"));
        assert_eq!(map, [("a", "1,2"), ("b", "x y"), ("c", "")].map(|(k, v)| (k.into(), v.into())).into());
    }

    #[test]
    fn times_are_written_as_in_log_files() {
        assert_eq!(common_log_time(Instant::from_ms(1_584_039_838_000)), "12/Mar/2020:19:03:58 +0000");
    }
}
