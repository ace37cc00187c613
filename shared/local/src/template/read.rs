//! A YAML document read node by node, every node knowing where it stands.

use std::cell::RefCell;

use serde_yaml_ng::Value;

use super::Fault;

/// Collects faults, so that reading goes on after the first.
#[derive(Default)]
pub(super) struct Sink(RefCell<Vec<Fault>>);

impl Sink {
    pub(super) fn report(&self, path: &str, reason: impl Into<String>) {
        self.0.borrow_mut().push(Fault { path: path.to_owned(), reason: reason.into() });
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.0.into_inner()
    }
}

/// One node of the document.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) path: String,
    faults: &'a Sink,
}

/// The children of a mapping whose keys are all known.
pub(super) struct Fields<'a>(Node<'a>);

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value, faults: &'a Sink) -> Self {
        Self { value, path: String::new(), faults }
    }

    pub(super) fn child(&self, key: &str, value: &'a Value) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { value, path, faults: self.faults }
    }

    /// Reports a fault of this node.
    pub(super) fn fault(&self, reason: impl Into<String>) {
        self.faults.report(&self.path, reason);
    }

    /// The children of a mapping with free keys.
    pub(super) fn entries(&self) -> Vec<(&'a str, Node<'a>)> {
        let Value::Mapping(mapping) = self.value else {
            self.fault("must be a mapping");
            return Vec::new();
        };
        let named = mapping.iter().filter_map(|(key, value)| match key.as_str() {
            Some(key) => Some((key, self.child(key, value))),
            None => {
                self.fault(format!("{key:?} is not a key"));
                None
            }
        });
        named.collect()
    }

    /// The children of a mapping: those `understood` here, and those that matter only in AWS. Any other is a fault.
    pub(super) fn fields(&self, understood: &[&str], aws_only: &[&str]) -> Fields<'a> {
        for (key, child) in self.entries() {
            if !understood.contains(&key) && !aws_only.contains(&key) {
                child.fault(format!("unknown key; known here: {}", [understood, aws_only].concat().join(", ")));
            }
        }
        Fields(self.clone())
    }

    pub(super) fn items(&self) -> Vec<Node<'a>> {
        let Value::Sequence(items) = self.value else {
            self.fault("must be a list");
            return Vec::new();
        };
        let item = |(index, value)| Node { path: format!("{}[{index}]", self.path), value, faults: self.faults };
        items.iter().enumerate().map(item).collect()
    }

    /// A scalar as text.
    pub(super) fn text(&self) -> Option<String> {
        match self.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => {
                self.fault("must be plain text");
                None
            }
        }
    }

    /// A scalar that is one of `known`.
    pub(super) fn one_of(&self, known: &[&str]) -> Option<String> {
        let text = self.text()?;
        if known.contains(&text.as_str()) {
            return Some(text);
        }
        self.fault(format!("{text:?} is not understood; known here: {}", known.join(", ")));
        None
    }

    pub(super) fn number(&self) -> Option<u64> {
        let number = self.value.as_u64();
        if number.is_none() {
            self.fault("must be a whole number");
        }
        number
    }

    pub(super) fn texts(&self) -> Vec<String> {
        self.items().iter().filter_map(Node::text).collect()
    }

    /// The short-form intrinsic at this node that takes a list: its name and arguments.
    pub(super) fn call(&self) -> Option<(String, Vec<Node<'a>>)> {
        let Value::Tagged(tagged) = self.value else { return None };
        let Value::Sequence(_) = &tagged.value else { return None };
        let list = Node { value: &tagged.value, path: self.path.clone(), faults: self.faults };
        Some((tagged.tag.to_string().trim_start_matches('!').to_owned(), list.items()))
    }

    /// The short-form intrinsic at this node: its name and argument, such as `("Ref", "Stage")`.
    pub(super) fn intrinsic(&self) -> Option<(String, &'a str)> {
        let Value::Tagged(tagged) = self.value else { return None };
        Some((tagged.tag.to_string().trim_start_matches('!').to_owned(), tagged.value.as_str()?))
    }
}

impl<'a> Fields<'a> {
    pub(super) fn get(&self, key: &str) -> Option<Node<'a>> {
        self.0.value.get(key).map(|value| self.0.child(key, value))
    }

    /// A child that has to be there.
    pub(super) fn need(&self, key: &str) -> Option<Node<'a>> {
        let child = self.get(key);
        if child.is_none() {
            self.0.fault(format!("{key} is missing"));
        }
        child
    }
}
