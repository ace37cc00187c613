//! Which version of the program is in force when.

use crate::program::Program;
use crate::time::Instant;
use std::sync::Arc;

/// The whole activation schedule, ascending; the first version is in force from the beginning of time.
#[derive(Debug, Clone)]
pub struct Schedule {
    first: Numbered,
    later: Vec<Numbered>,
    /// A version that new orders are treated under whatever is in force: that of a dry run.
    tried: Option<Activation>,
}

/// An activation and its number.
#[derive(Debug, Clone)]
struct Numbered {
    number: u32,
    activation: Activation,
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
    /// A schedule of these activations in the order in which they were decided; `None` where there are none. Of two
    /// from the same instant on, the one that was decided later counts.
    pub fn new(activations: Vec<Activation>) -> Option<Self> {
        let mut numbered: Vec<_> =
            (1..).zip(activations).map(|(number, activation)| Numbered { number, activation }).collect();
        numbered.sort_by_key(|numbered| numbered.activation.from);
        let mut ascending = numbered.into_iter();
        Some(Self { first: ascending.next()?, later: ascending.collect(), tried: None })
    }

    /// A schedule of one activation.
    pub fn only(activation: Activation) -> Self {
        Self { first: Numbered { number: 1, activation }, later: Vec::new(), tried: None }
    }

    fn numbered_at(&self, instant: Instant) -> &Numbered {
        self.later.iter().rev().find(|numbered| numbered.activation.from <= instant).unwrap_or(&self.first)
    }

    fn all(&self) -> impl Iterator<Item = &Numbered> {
        std::iter::once(&self.first).chain(&self.later)
    }

    /// The version in force at an instant.
    pub fn at(&self, instant: Instant) -> &Activation {
        &self.numbered_at(instant).activation
    }

    /// The number of the activation in force at an instant: its place, from 1, among all in the order in which they
    /// were decided. A version may be activated more than once.
    pub fn number_at(&self, instant: Instant) -> u32 {
        self.numbered_at(instant).number
    }

    /// An activation by its number.
    pub fn activation(&self, number: u32) -> Option<&Activation> {
        self.all().find(|numbered| numbered.number == number).map(|numbered| &numbered.activation)
    }

    /// The activations after an instant, ascending.
    pub fn after(&self, instant: Instant) -> impl Iterator<Item = &Activation> {
        self.later.iter().map(|numbered| &numbered.activation).filter(move |activation| activation.from > instant)
    }

    /// The schedule as it was known at an instant by who knew of nothing to come.
    pub fn until(&self, instant: Instant) -> Self {
        let later = self.later.iter().filter(|numbered| numbered.activation.from <= instant);
        Self { first: self.first.clone(), later: later.cloned().collect(), tried: self.tried.clone() }
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
        self.tried.as_ref().unwrap_or_else(|| self.at(placed_at.min(now)))
    }

    /// The same schedule, under which new orders are treated under this version, whatever is in force.
    #[must_use]
    pub fn trying(&self, version: Activation) -> Self {
        Self { tried: Some(version), ..self.clone() }
    }

    /// A version by its number.
    pub fn version(&self, number: u32) -> Option<&Activation> {
        let activated = self.all().map(|numbered| &numbered.activation);
        activated.chain(&self.tried).find(|activation| activation.version == number)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn activations(planned: &[(i64, u32)]) -> Vec<Activation> {
        let document = json!({
            "name": "p", "currency": "GBP", "time_zone": "UTC", "enrolment": { "unknown_account": "enrol" },
            "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1" }],
            "points": { "validity_months": 24 },
            "tiers": { "window_months": 12, "levels": [
                { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
            ]},
        });
        let program = Arc::new(Program::from_json(&document).unwrap());
        let activation = |(from, version): &(i64, u32)| Activation {
            from: Instant::from_ms(*from),
            version: *version,
            program: program.clone(),
        };
        planned.iter().map(activation).collect()
    }

    fn schedule(planned: &[(i64, u32)]) -> Schedule {
        Schedule::new(activations(planned)).unwrap()
    }

    #[test]
    fn a_version_that_is_activated_again_is_in_force_again_under_another_number() {
        let schedule = schedule(&[(0, 1), (100, 2), (200, 1)]);
        for (at, version, number) in [(0, 1, 1), (99, 1, 1), (100, 2, 2), (199, 2, 2), (200, 1, 3), (999, 1, 3)] {
            let at = Instant::from_ms(at);
            assert_eq!((schedule.at(at).version, schedule.number_at(at)), (version, number), "{at}");
        }
        assert_eq!(schedule.activation(3).map(|third| (third.from.as_ms(), third.version)), Some((200, 1)));
        assert!(schedule.activation(4).is_none() && schedule.activation(0).is_none());
    }

    #[test]
    fn of_two_from_the_same_instant_on_the_one_decided_later_counts() {
        for (planned, version, number) in [
            (&[(0, 1), (100, 2), (100, 3)][..], 3, 3),
            (&[(0, 1), (100, 3), (100, 2)], 2, 3),
            (&[(100, 2), (0, 1)], 2, 1),
        ] {
            let (schedule, at) = (schedule(planned), Instant::from_ms(100));
            assert_eq!((schedule.at(at).version, schedule.number_at(at)), (version, number), "{planned:?}");
            let spans: Vec<_> = schedule.from(Instant::MIN).map(|span| span.from.as_ms()).collect();
            assert_eq!(spans, [0, 100], "{planned:?}");
        }
    }

    #[test]
    fn a_version_that_is_tried_treats_every_new_order_and_nothing_else() {
        let tried = activations(&[(0, 7)]).remove(0);
        let schedule = schedule(&[(0, 1), (100, 2)]).trying(tried);
        for at in [Instant::MIN, Instant::from_ms(150), Instant::MAX] {
            assert_eq!(schedule.for_order(at, at).version, 7);
            assert_ne!(schedule.at(at).version, 7);
        }
        assert_eq!(schedule.version(7).map(|found| found.version), Some(7));
        assert!(schedule.version(3).is_none());
    }
}
