//! Which version of the program is in force when.

use crate::program::Program;
use crate::time::Instant;
use std::sync::Arc;

/// The whole activation schedule, ascending; the first version is in force from the beginning of time.
#[derive(Debug, Clone)]
pub struct Schedule {
    first: Activation,
    later: Vec<Activation>,
}

/// A version of the program and the instant from which it is in force.
#[derive(Debug, Clone)]
pub struct Activation {
    /// From when.
    pub from: Instant,
    /// The version's number, from 1.
    pub version: u32,
    /// Its rules.
    pub program: Arc<Program>,
}

/// A version of the program while it is in force.
#[derive(Debug, Clone, Copy)]
pub struct Span<'a> {
    /// From when.
    pub from: Instant,
    /// Until when.
    pub until: Instant,
    /// Its rules.
    pub program: &'a Program,
}

impl Schedule {
    /// A schedule of these activations; `None` where there are none.
    pub fn new(mut activations: Vec<Activation>) -> Option<Self> {
        activations.sort_by_key(|activation| (activation.from, activation.version));
        let mut ascending = activations.into_iter();
        Some(Self { first: ascending.next()?, later: ascending.collect() })
    }

    /// The version in force at an instant.
    pub fn at(&self, instant: Instant) -> &Activation {
        self.later.iter().rev().find(|activation| activation.from <= instant).unwrap_or(&self.first)
    }

    /// The activations after an instant, ascending.
    pub fn after(&self, instant: Instant) -> impl Iterator<Item = &Activation> {
        self.later.iter().filter(move |activation| activation.from > instant)
    }

    /// The schedule as it was known at an instant by who knew of nothing to come.
    pub fn until(&self, instant: Instant) -> Self {
        let later = self.later.iter().filter(|activation| activation.from <= instant);
        Self { first: self.first.clone(), later: later.cloned().collect() }
    }

    /// The versions that are in force at an instant and after it, ascending, each as long as it is.
    pub fn from(&self, instant: Instant) -> impl Iterator<Item = Span<'_>> {
        let current = self.at(instant);
        // Of several from the same instant on, only the last is ever in force.
        let later = self.after(instant).filter(|next| std::ptr::eq(self.at(next.from), *next));
        std::iter::once((current, current.from.min(instant))).chain(later.map(|next| (next, next.from))).map(
            |(activation, from)| Span {
                from,
                until: self.after(from.max(activation.from)).next().map_or(Instant::MAX, |next| next.from),
                program: &activation.program,
            },
        )
    }

    /// The version of an order: the one in force when it was placed, but never one that is still to come.
    pub fn for_order(&self, placed_at: Instant, now: Instant) -> &Activation {
        self.at(placed_at.min(now))
    }

    /// The version with the highest number.
    pub fn newest(&self) -> &Activation {
        self.later.iter().fold(&self.first, |newest, next| if next.version > newest.version { next } else { newest })
    }

    /// A version by its number.
    pub fn version(&self, number: u32) -> Option<&Activation> {
        std::iter::once(&self.first).chain(&self.later).find(|activation| activation.version == number)
    }
}
