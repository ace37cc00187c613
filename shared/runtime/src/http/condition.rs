//! `ETag`, `If-Match` and `If-None-Match`: which state of a thing an answer shows, and which state a request is about.
//!
//! A tag is `"VERSION-CONTENT"`: the version of what is stored, and a hash of what is shown of it. A weak one leaves out
//! of its hash the instant that the answer is true at. To tell whether an answer is the same (`If-None-Match` of a
//! read) the whole tag counts: time and the program change what is shown of an account that nobody has touched. To
//! tell whether somebody has changed what is stored (`If-Match` of a write) its version counts, and the rest does not
//! matter: so a weak tag will do, and so will the version alone.

use super::Request;
use crate::error::{Error, RequestFault};
use domain::precondition::{Precondition, Versions};
use std::fmt;
use std::hash::{DefaultHasher, Hasher};

/// What a state of a thing is told apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    version: Option<u64>,
    content: Option<u64>,
    is_weak: bool,
}

impl Tag {
    /// Of an answer that is this text to the byte.
    pub fn of_text(version: Option<u64>, text: &str) -> Self {
        Self { version, content: Some(hash(text)), is_weak: false }
    }

    /// Of an answer that means no more than this text does.
    pub fn of_meaning(version: Option<u64>, text: &str) -> Self {
        Self { version, content: Some(hash(text)), is_weak: true }
    }

    /// Of a thing of which only its version is known.
    pub fn of_version(version: u64) -> Self {
        Self { version: Some(version), content: None, is_weak: true }
    }

    fn opaque(&self) -> String {
        match (self.version, self.content) {
            (Some(version), Some(content)) => format!("{version}-{content:016x}"),
            (Some(version), None) => version.to_string(),
            (None, content) => format!("x{:016x}", content.unwrap_or_default()),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weak = if self.is_weak { "W/" } else { "" };
        write!(f, "{weak}\"{}\"", self.opaque())
    }
}

/// The same for the same text in every instance of one build: all that a tag promises.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// The tags of a condition.
enum Listed<'a> {
    Any,
    Tags(Vec<&'a str>),
}

/// Reads a condition: `*`, or tags with commas between; `None`: it is neither.
fn listed(text: &str) -> Option<Listed<'_>> {
    let mut rest = text.trim();
    if rest == "*" {
        return Some(Listed::Any);
    }
    let mut tags = Vec::new();
    loop {
        let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (tag, after) = quoted.split_once('"')?;
        tags.push(tag);
        let after = after.trim_start();
        if after.is_empty() {
            return Some(Listed::Tags(tags));
        }
        rest = after.strip_prefix(',')?.trim_start();
    }
}

/// The version that a tag is of; `None`: it is no tag of ours.
fn version(tag: &str) -> Option<u64> {
    let number = tag.split_once('-').map_or(tag, |(number, _)| number);
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok()).flatten()
}

impl Request {
    /// What a write wants the thing to be that it changes, for its command to judge where it decides.
    pub fn precondition(&self) -> Result<Precondition, Error> {
        Ok(Precondition { among: self.versions("if-match")?, none_of: self.versions("if-none-match")? })
    }

    fn versions(&self, name: &'static str) -> Result<Option<Versions>, Error> {
        let Some(text) = self.header(name) else { return Ok(None) };
        match listed(text) {
            Some(Listed::Any) => Ok(Some(Versions::Any)),
            Some(Listed::Tags(tags)) => Ok(Some(Versions::Of(tags.into_iter().filter_map(version).collect()))),
            None => {
                let message = r#"must be * or tags as answers give them, such as "42""#.to_owned();
                Err(RequestFault::Parameter { name, message }.into())
            }
        }
    }

    /// Fails for a write under a condition where nothing would judge that: it must not be made as though it held.
    pub fn unconditional(&self) -> Result<(), Error> {
        match ["if-match", "if-none-match"].into_iter().find(|name| self.header(name).is_some()) {
            Some(name) => Err(RequestFault::ConditionNotTaken(name).into()),
            None => Ok(()),
        }
    }

    /// Whether whoever reads has this already, as far as it says so.
    pub(super) fn has_already(&self, tag: &Tag) -> bool {
        match self.header("if-none-match").and_then(listed) {
            Some(Listed::Any) => true,
            Some(Listed::Tags(tags)) => tags.contains(&tag.opaque().as_str()),
            // What cannot be read asks for nothing: an answer in full is right in any case.
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_tags_or_anything() {
        let read = |text: &str| match listed(text) {
            Some(Listed::Any) => vec!["any".to_owned()],
            Some(Listed::Tags(tags)) => tags.into_iter().map(|tag| format!("{tag:?} {:?}", version(tag))).collect(),
            None => vec!["none".to_owned()],
        };
        let rows: [(&str, &[&str]); 14] = [
            ("*", &["any"]),
            (" * ", &["any"]),
            (r#""42""#, &[r#""42" Some(42)"#]),
            (r#"W/"42-00ff""#, &[r#""42-00ff" Some(42)"#]),
            (r#""1-a" ,W/"2-b", "3""#, &[r#""1-a" Some(1)"#, r#""2-b" Some(2)"#, r#""3" Some(3)"#]),
            (r#""x00ff""#, &[r#""x00ff" None"#]),
            (r#""+4""#, &[r#""+4" None"#]),
            (r#""""#, &[r#""" None"#]),
            (r#""18446744073709551616""#, &[r#""18446744073709551616" None"#]),
            ("42", &["none"]),
            ("", &["none"]),
            (r#""42"#, &["none"]),
            (r#""42","#, &["none"]),
            (r#"w/"42""#, &["none"]),
        ];
        for (text, expected) in rows {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_tag_says_the_version_and_what_is_shown() {
        let shown = Tag::of_text(Some(42), "{}");
        let text = shown.to_string();
        assert!(text.starts_with("\"42-") && text.len() == 21, "{text}");
        assert_ne!(text, Tag::of_text(Some(42), "{ }").to_string());
        assert_eq!(Tag::of_meaning(Some(42), "{}").to_string(), format!("W/{text}"));
        assert_eq!(Tag::of_version(42).to_string(), "W/\"42\"");
        let unversioned = Tag::of_text(None, "{}").to_string();
        assert_eq!(version(unversioned.trim_matches('"')), None, "{unversioned}");
    }
}
