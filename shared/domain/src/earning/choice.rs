//! Lists that say what counts and what does not.

use crate::document::{Faults, Leaf, Object, Path};
use crate::schema::{self, Schema};
use serde_json::Value;
use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt::Display;

/// Most things that one list names.
const NAMED_MAX: usize = 500;

/// What is included, where anything is said of that, and not excluded. Nothing said: everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice<T> {
    /// Only these; never an empty list.
    pub include: Option<BTreeSet<T>>,
    /// None of these.
    pub exclude: BTreeSet<T>,
}

impl<T> Default for Choice<T> {
    fn default() -> Self {
        Self { include: None, exclude: BTreeSet::new() }
    }
}

impl<T: Ord> Choice<T> {
    /// Whether it admits everything.
    pub fn is_all(&self) -> bool {
        self.include.is_none() && self.exclude.is_empty()
    }

    /// Whether something that has one value, or none, is admitted: without one it is neither included nor excluded.
    pub(super) fn admits<Q: Ord + ?Sized>(&self, value: Option<&Q>) -> bool
    where
        T: Borrow<Q>,
    {
        let is_in = |list: &BTreeSet<T>| value.is_some_and(|value| list.contains(value));
        self.include.as_ref().is_none_or(is_in) && !is_in(&self.exclude)
    }

    /// The same of something that has several: one that is included is enough, and so is one that is excluded.
    pub(super) fn admits_any(&self, values: &[T]) -> bool {
        let has_any = |list: &BTreeSet<T>| values.iter().any(|value| list.contains(value));
        self.include.as_ref().is_none_or(has_any) && (self.exclude.is_empty() || !has_any(&self.exclude))
    }
}

/// What such lists may say of what each of them names.
pub(super) fn schema(named: &Schema) -> Schema {
    let list = || schema::list(1..=NAMED_MAX, named.clone());
    schema::object("Choice")
        .optional("include", list(), "Only these.")
        .optional("exclude", list(), "None of these.")
        .some_of_fields(&["include", "exclude"])
}

impl<T: Ord> Choice<T> {
    /// Whether nothing that has one value is admitted by both.
    pub(super) fn is_apart_from(&self, other: &Self) -> bool {
        let admits_none = |one: &Self, others: &Self| {
            one.include.as_ref().is_some_and(|named| named.iter().all(|value| !others.admits(Some(value))))
        };
        admits_none(self, other) || admits_none(other, self)
    }

    /// The same of what has several: one that is excluded is enough, and one that is not included is not.
    pub(super) fn is_apart_from_any(&self, other: &Self) -> bool {
        let excludes =
            |one: &Self, others: &Self| one.include.as_ref().is_some_and(|named| named.is_subset(&others.exclude));
        excludes(self, other) || excludes(other, self)
    }
}

impl<T: Ord + Display> Choice<T> {
    /// Reads `{include?, exclude?}`; what stands in both is a fault.
    pub(super) fn read(
        value: &Value,
        path: &Path<'_>,
        faults: &mut Faults,
        leaf: impl Fn(&Value) -> Leaf<T>,
    ) -> Option<Self> {
        let choice = Object::open(value, path, &["include", "exclude"], faults)?;
        if !choice.has("include") && !choice.has("exclude") {
            faults.add(path, "missing", "either include or exclude is required");
        }
        let include = choice.list_of("include", 1..=NAMED_MAX, faults, &leaf);
        let exclude = choice.list_of("exclude", 1..=NAMED_MAX, faults, &leaf).unwrap_or_default();
        let include: Option<BTreeSet<T>> = include.map(|listed| listed.into_iter().collect());
        for (index, both) in exclude.iter().enumerate() {
            if include.as_ref().is_some_and(|listed| listed.contains(both)) {
                let message = format!("{both} is included, too");
                faults.add(&Path::Index(&choice.at("exclude"), index), "conflict", message);
            }
        }
        Some(Self { include, exclude: exclude.into_iter().collect() })
    }

    /// In words: `one of a, b, and none of c, d`; of a single one `a`, and `other than c`.
    pub(super) fn in_words(&self) -> String {
        self.listed(ToString::to_string)
    }

    /// The same with another name for each.
    pub(super) fn listed(&self, name: impl Fn(&T) -> String) -> String {
        let Self { include, exclude } = self;
        let names = |list: &BTreeSet<T>| list.iter().map(&name).collect::<Vec<_>>();
        let include = include.as_ref().map(|list| one_of(&names(list)));
        let exclude = match names(exclude).as_slice() {
            [] => None,
            [one] => Some(format!("other than {one}")),
            several => Some(format!("none of {}", several.join(", "))),
        };
        include.into_iter().chain(exclude).collect::<Vec<_>>().join(", and ")
    }
}

/// Names to choose from: `one of a, b`; a single one is itself.
pub(super) fn one_of(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        several => format!("one of {}", several.join(", ")),
    }
}
