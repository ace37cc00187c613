//! Reading JSON documents: every fault at once, each with its path.
//!
//! A reader walks a [`Value`] and notes what is wrong in [`Faults`]; it goes on after a fault, so that the caller
//! sees all of them in one answer. What comes out is a domain value that nobody has to check again.

mod number;

use crate::money::{self, DecimalFault};
use crate::time::Instant;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};
use std::fmt;

/// Most faults one answer lists; the rest are counted.
pub const FAULTS_LISTED_MAX: usize = 100;

/// Most characters of a path that are shown.
const PATH_CHARS_MAX: usize = 200;

/// One thing wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fault {
    /// JSON path of the value, such as `$.lines[3].quantity`.
    pub path: String,
    /// What a program can switch on, such as `missing` or `too_many_decimals`.
    pub code: &'static str,
    /// What a person reads.
    pub message: String,
}

/// All faults of one document, in the order found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    listed: Vec<Fault>,
    unlisted: usize,
}

impl Faults {
    /// Notes a fault.
    pub fn add(&mut self, path: &Path<'_>, code: &'static str, message: impl Into<String>) {
        if self.listed.len() >= FAULTS_LISTED_MAX {
            self.unlisted = self.unlisted.saturating_add(1);
            return;
        }
        let path = path.to_string();
        // A path names what the caller wrote, which may be megabytes.
        let path = match path.char_indices().nth(PATH_CHARS_MAX) {
            Some((end, _)) => format!("{}...", path.get(..end).unwrap_or_default()),
            None => path,
        };
        self.listed.push(Fault { path, code, message: message.into() });
    }

    /// The faults, at most [`FAULTS_LISTED_MAX`].
    pub fn listed(&self) -> &[Fault] {
        &self.listed
    }

    /// How many more there are.
    pub fn unlisted(&self) -> usize {
        self.unlisted
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// Notes those of another list after these.
    pub fn append(&mut self, other: Self) {
        let room = FAULTS_LISTED_MAX.saturating_sub(self.listed.len());
        let cut = other.listed.len().saturating_sub(room);
        self.listed.extend(other.listed.into_iter().take(room));
        self.unlisted = self.unlisted.saturating_add(other.unlisted).saturating_add(cut);
    }

    /// `value`, if nothing is wrong; otherwise the faults.
    pub fn into_result<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

/// Where in a document a value stands; rendered only when a fault needs it.
#[derive(Clone, Copy)]
pub enum Path<'a> {
    /// The whole document.
    Root,
    /// A member of an object.
    Key(&'a Path<'a>, &'a str),
    /// An element of an array.
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("$"),
            Self::Key(parent, key)
                if !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') =>
            {
                write!(f, "{parent}.{key}")
            }
            Self::Key(parent, key) => write!(f, "{parent}[{}]", Value::from(*key)),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// What a leaf reader answers: a value, or a code and a message.
pub type Leaf<T> = Result<T, (&'static str, String)>;

/// An object of a document, being read.
pub struct Object<'a> {
    path: &'a Path<'a>,
    map: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// The object at `path`; a fault for any other type, and one for each field not in `known`.
    pub fn open(value: &'a Value, path: &'a Path<'a>, known: &[&str], faults: &mut Faults) -> Option<Self> {
        let Value::Object(map) = value else {
            faults.add(path, "wrong_type", format!("must be an object, not {}", type_name(value)));
            return None;
        };
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let known = known.join(", ");
            faults.add(&Path::Key(path, key), "unknown_field", format!("unknown field; known are: {known}"));
        }
        Some(Self { path, map })
    }

    /// The path of a field of this object.
    pub fn at(&self, key: &'a str) -> Path<'a> {
        Path::Key(self.path, key)
    }

    /// Whether a field is there (`null` counts as absent).
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn leaf<T>(
        &self,
        key: &str,
        value: &Value,
        faults: &mut Faults,
        read: impl FnOnce(&Value) -> Leaf<T>,
    ) -> Option<T> {
        read(value).map_err(|(code, message)| faults.add(&Path::Key(self.path, key), code, message)).ok()
    }

    /// A field read by `read`; `None` without a fault where it is absent or `null`.
    pub fn optional<T>(&self, key: &str, faults: &mut Faults, read: impl FnOnce(&Value) -> Leaf<T>) -> Option<T> {
        self.leaf(key, self.value(key)?, faults, read)
    }

    /// A field read by `read`; a fault where it is absent or `null`.
    pub fn required<T>(&self, key: &str, faults: &mut Faults, read: impl FnOnce(&Value) -> Leaf<T>) -> Option<T> {
        let Some(value) = self.value(key) else {
            faults.add(&Path::Key(self.path, key), "missing", "is required");
            return None;
        };
        self.leaf(key, value, faults, read)
    }

    /// A nested value read by `read`, which notes its own faults; `None` where it is absent or `null`.
    pub fn nested<T>(
        &self,
        key: &str,
        faults: &mut Faults,
        read: impl FnOnce(&Value, &Path<'_>, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        read(self.value(key)?, &Path::Key(self.path, key), faults)
    }

    /// A nested value as [`Self::nested`]; a fault where it is absent or `null`.
    pub fn required_nested<T>(
        &self,
        key: &str,
        faults: &mut Faults,
        read: impl FnOnce(&Value, &Path<'_>, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        if !self.has(key) {
            faults.add(&Path::Key(self.path, key), "missing", "is required");
        }
        self.nested(key, faults, read)
    }

    /// A list whose elements are read by `read`: `None` where absent, or where its length is not in `bounds`.
    /// Elements with faults are left out of the result; the faults are noted.
    pub fn list<T>(
        &self,
        key: &str,
        bounds: std::ops::RangeInclusive<usize>,
        faults: &mut Faults,
        mut read: impl FnMut(&Value, &Path<'_>, &mut Faults) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.nested(key, faults, |value, path, faults| list(value, path, bounds, faults, &mut read))
    }

    /// A list of leaves; see [`Self::list`].
    pub fn list_of<T>(
        &self,
        key: &str,
        bounds: std::ops::RangeInclusive<usize>,
        faults: &mut Faults,
        read: impl Fn(&Value) -> Leaf<T>,
    ) -> Option<Vec<T>> {
        self.list(key, bounds, faults, |value, path, faults| noted(read(value), path, faults))
    }
}

/// What a leaf reader answers; its fault is noted.
pub fn noted<T>(read: Leaf<T>, path: &Path<'_>, faults: &mut Faults) -> Option<T> {
    read.map_err(|(code, message)| faults.add(path, code, message)).ok()
}

/// The elements of an array; see [`Object::list`].
pub fn list<T>(
    value: &Value,
    path: &Path<'_>,
    bounds: std::ops::RangeInclusive<usize>,
    faults: &mut Faults,
    mut read: impl FnMut(&Value, &Path<'_>, &mut Faults) -> Option<T>,
) -> Option<Vec<T>> {
    let Value::Array(items) = value else {
        faults.add(path, "wrong_type", format!("must be an array, not {}", type_name(value)));
        return None;
    };
    if !bounds.contains(&items.len()) {
        let (least, most) = (bounds.start(), bounds.end());
        faults.add(path, "wrong_length", format!("must have {least} to {most} elements, not {}", items.len()));
        return None;
    }
    let read_one = |(index, item)| read(item, &Path::Index(path, index), faults);
    Some(items.iter().enumerate().filter_map(read_one).collect())
}

/// Why nothing could be read from a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// It is no JSON; in words, where it stops being JSON.
    NotJson(String),
    /// It is a document with faults.
    Faults(Faults),
}

impl From<Faults> for Unread {
    fn from(faults: Faults) -> Self {
        Self::Faults(faults)
    }
}

/// The document in these bytes. Unlike `serde_json` alone it refuses an object that names a field twice, since only one
/// of them would be heard; what is wrong is said in words.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    let unique: Unique = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Ok(unique.0)
}

/// A value in which no object names a field twice.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    // The one float outside the statistics: a JSON fraction passes through here to be refused by its reader.
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Unique(value))) = fields.next_entry::<String, _>()? {
            match map.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(value);
                }
                Entry::Occupied(taken) => {
                    let shown: String = taken.key().chars().take(64).collect();
                    return Err(A::Error::custom(format!("the field {shown:?} stands twice in one object")));
                }
            }
        }
        Ok(map.into())
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Any text.
pub fn string(value: &Value) -> Leaf<&str> {
    value.as_str().ok_or_else(|| ("wrong_type", format!("must be a string, not {}", type_name(value))))
}

/// `true` or `false`.
pub fn truth(value: &Value) -> Leaf<bool> {
    value.as_bool().ok_or_else(|| ("wrong_type", format!("must be true or false, not {}", type_name(value))))
}

/// A text of 1 to `chars_max` printable characters, without space at either end.
pub fn label(chars_max: usize) -> impl Fn(&Value) -> Leaf<String> {
    move |value| label_of(string(value)?, chars_max)
}

/// [`label`] of a text.
pub fn label_of(text: &str, chars_max: usize) -> Leaf<String> {
    let text = text.trim();
    let count = text.chars().count();
    if count == 0 || count > chars_max || !text.chars().all(is_printable) {
        return Err(("invalid_text", format!("must be 1 to {chars_max} printable characters")));
    }
    Ok(text.to_owned())
}

/// A [`label`] that stands where nothing is ever removed: it must hold no e-mail address, which is the one thing that tells
/// a person from any other text.
pub fn remark(chars_max: usize) -> impl Fn(&Value) -> Leaf<String> {
    move |value| {
        let text = label_of(string(value)?, chars_max)?;
        match has_address(&text) {
            true => Err(("personal_data", "must hold no e-mail address: it is kept for good".to_owned())),
            false => Ok(text),
        }
    }
}

/// Whether any word of a text looks like an e-mail address.
pub fn has_address(text: &str) -> bool {
    let is_address = |word: &str| {
        let place = word.trim_matches(|c: char| !c.is_alphanumeric()).split_once('@');
        place.is_some_and(|(who, place)| !who.is_empty() && place.contains('.'))
    };
    text.split_whitespace().any(is_address)
}

/// Whether a character shows: no control character, and none that is invisible or turns the writing direction.
pub fn is_printable(c: char) -> bool {
    let joins_or_turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    let invisible = joins_or_turns || matches!(c, '\u{ad}' | '\u{feff}');
    !c.is_control() && !invisible
}

/// An identifier, by its own `parse`.
pub fn id<T, E: fmt::Display>(parse: impl Fn(&str) -> Result<T, E>) -> impl Fn(&Value) -> Leaf<T> {
    move |value| parse(string(value)?).map_err(|fault| ("invalid_id", fault.to_string()))
}

/// A whole number within bounds.
pub fn whole(bounds: std::ops::RangeInclusive<u64>) -> impl Fn(&Value) -> Leaf<u64> {
    within(bounds, number::whole)
}

/// The same written in digits alone, where a quick reader knows nothing else.
pub fn digits(bounds: std::ops::RangeInclusive<u64>) -> impl Fn(&Value) -> Leaf<u64> {
    within(bounds, Value::as_u64)
}

fn within(bounds: std::ops::RangeInclusive<u64>, read: fn(&Value) -> Option<u64>) -> impl Fn(&Value) -> Leaf<u64> {
    move |value| {
        if !value.is_number() {
            return Err(("wrong_type", format!("must be a whole number, not {}", type_name(value))));
        }
        let (least, most) = (bounds.start(), bounds.end());
        match read(value) {
            Some(number) if bounds.contains(&number) => Ok(number),
            _ => Err(("out_of_range", format!("must be a whole number from {least} to {most}"))),
        }
    }
}

/// A decimal string with at most `decimals` decimals, as an integer scaled by `10^decimals`, at least `least`.
pub fn decimal(decimals: u32, least: i64) -> impl Fn(&Value) -> Leaf<i64> {
    move |value| {
        if value.is_number() {
            return Err(("wrong_type", "must be a decimal string such as \"12.50\", not a number".to_owned()));
        }
        decimal_of(string(value)?, decimals, least)
    }
}

/// [`decimal`] of a text.
pub fn decimal_of(text: &str, decimals: u32, least: i64) -> Leaf<i64> {
    let number = money::parse_decimal(text, decimals).map_err(|fault| match fault {
        DecimalFault::Malformed => ("invalid_decimal", "must be a decimal such as \"12.50\"".to_owned()),
        DecimalFault::TooManyDecimals => ("too_many_decimals", format!("must have at most {decimals} decimals")),
        DecimalFault::TooLarge => ("out_of_range", "is larger than 64 bits hold".to_owned()),
    })?;
    if number < least {
        let least = money::format_decimal(least, decimals);
        return Err(("out_of_range", format!("must be at least {least}")));
    }
    Ok(number)
}

/// An RFC 3339 instant with an offset.
pub fn instant(value: &Value) -> Leaf<Instant> {
    let message = "must be an RFC 3339 date and time with an offset, between 1970 and 2999";
    Instant::parse(string(value)?).ok_or_else(|| ("invalid_time", message.to_owned()))
}

/// One of the given words.
pub fn one_of<T: Copy>(choices: &[(&'static str, T)]) -> impl Fn(&Value) -> Leaf<T> {
    move |value| {
        let text = string(value)?;
        let found = choices.iter().find(|(word, _)| *word == text);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            ("unknown_value", format!("must be one of: {}", words.join(", ")))
        })
    }
}

/// An ISO 4217 currency.
pub fn currency(value: &Value) -> Leaf<money::Currency> {
    let message = "must be an ISO 4217 currency code in capitals";
    money::Currency::from_code(string(value)?).ok_or_else(|| ("unknown_currency", message.to_owned()))
}

#[cfg(test)]
mod tests;
