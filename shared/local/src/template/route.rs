//! Paths with parameters, such as `/v1/accounts/{account_id}`.

use std::fmt;

/// A path template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter(String),
}

impl Path {
    /// `None` for anything but `/`-separated literals and `{parameters}` of word characters.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.strip_prefix('/')?.split('/').map(Segment::parse).collect::<Option<_>>().map(Self)
    }

    /// The parameters of `path`, still percent-encoded, if it has this shape.
    pub fn parameters<'p>(&self, path: &'p str) -> Option<Vec<(&str, &'p str)>> {
        let segments = path.strip_prefix('/')?.split('/').collect::<Vec<_>>();
        if segments.len() != self.0.len() {
            return None;
        }
        let mut parameters = Vec::new();
        for (expected, found) in self.0.iter().zip(segments) {
            match expected {
                Segment::Literal(literal) if literal == found => {}
                Segment::Parameter(name) if !found.is_empty() => parameters.push((name.as_str(), found)),
                _ => return None,
            }
        }
        Some(parameters)
    }

    /// `path`, which has this shape, with its codes, and what else is no id, named and not shown.
    pub fn loggable(&self, path: &str) -> String {
        let is_id = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte));
        let found = path.split('/').skip(1);
        let parts = self.0.iter().zip(found).map(|(segment, found)| match segment {
            Segment::Parameter(name) if name == "code" || !is_id(found) => format!("/{{{name}}}"),
            _ => format!("/{found}"),
        });
        parts.collect()
    }

    /// Whether a segment of it is this word.
    pub fn has_literal(&self, word: &str) -> bool {
        self.0.iter().any(|segment| matches!(segment, Segment::Literal(literal) if literal == word))
    }

    /// How many segments are fixed: of two matching templates the one with more is meant.
    pub fn literals(&self) -> usize {
        self.0.iter().filter(|segment| matches!(segment, Segment::Literal(_))).count()
    }

    /// Whether both take exactly the same paths.
    pub(super) fn same_shape(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|pair| match pair {
                (Segment::Literal(mine), Segment::Literal(theirs)) => mine == theirs,
                (Segment::Parameter(_), Segment::Parameter(_)) => true,
                _ => false,
            })
    }
}

impl Segment {
    fn parse(text: &str) -> Option<Self> {
        let word = |text: &str, more: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || more.contains(c))
        };
        if let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            return word(name, "").then(|| Self::Parameter(name.to_owned()));
        }
        word(text, "-.").then(|| Self::Literal(text.to_owned()))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| match segment {
            Segment::Literal(text) => write!(f, "/{text}"),
            Segment::Parameter(name) => write!(f, "/{{{name}}}"),
        })
    }
}
