//! What somebody wants a thing to be before they change it: that nobody has changed it since they looked, or that it is
//! not there yet.
//!
//! It is judged inside the decision, on the state that the decision's guards hold: whoever is faster changes that
//! state, the guard fires, and what is decided again is judged again. So of many who change what they saw one does.

use crate::decision::{Decision, Rejection};

/// What a thing may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// Anything that is there.
    Any,
    /// One of these.
    Of(Vec<u64>),
}

impl Versions {
    /// Whether what is there, `None` where there is nothing, is among them.
    fn have(&self, present: Option<u64>) -> bool {
        match self {
            Self::Any => present.is_some(),
            Self::Of(versions) => present.is_some_and(|present| versions.contains(&present)),
        }
    }
}

/// What must be so for a change to be made; nothing, by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Precondition {
    /// The thing must be among these.
    pub among: Option<Versions>,
    /// The thing must be none of these.
    pub none_of: Option<Versions>,
}

impl Precondition {
    /// The decision, if it may be made of what is there: of this version, `None` where there is nothing.
    ///
    /// One that writes nothing, since all it asks for is so already, overwrites nobody's change: it stands whatever the
    /// thing was wanted to be. So who sends a change again, because its answer was lost, is told that it is made. Who
    /// wants a thing not to be there yet is told that it is, whoever made it.
    ///
    /// Fails with [`Rejection::PreconditionFailed`] otherwise. What is rejected for itself is rejected for that first.
    pub fn judge<T>(&self, present: Option<u64>, decision: Decision<T>) -> Result<Decision<T>, Rejection> {
        let is_so_already = present.is_some() && decision.writes.is_empty();
        let is_wanted = self.among.as_ref().is_none_or(|among| is_so_already || among.have(present));
        let is_unwanted = self.none_of.as_ref().is_some_and(|none_of| none_of.have(present));
        if is_wanted && !is_unwanted { Ok(decision) } else { Err(Rejection::PreconditionFailed { present }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Write;

    #[test]
    fn a_change_is_made_of_what_was_seen_and_of_nothing_else() {
        let (any, seen) = (Some(Versions::Any), Some(Versions::Of(vec![2, 3])));
        let nothing = || Precondition::default();
        let among = |among: &Option<Versions>| Precondition { among: among.clone(), none_of: None };
        let none_of = |none_of: &Option<Versions>| Precondition { among: None, none_of: none_of.clone() };
        // What is there; whether a change is made of it, and whether it is found to be so already.
        let rows = [
            (nothing(), None, true, true),
            (nothing(), Some(4), true, true),
            (among(&any), None, false, false),
            (among(&any), Some(4), true, true),
            (among(&seen), None, false, false),
            (among(&seen), Some(1), false, true),
            (among(&seen), Some(2), true, true),
            (among(&seen), Some(3), true, true),
            (among(&seen), Some(4), false, true),
            (none_of(&any), None, true, true),
            (none_of(&any), Some(4), false, false),
            (none_of(&seen), None, true, true),
            (none_of(&seen), Some(3), false, false),
            (none_of(&seen), Some(4), true, true),
            (Precondition { among: any.clone(), none_of: seen.clone() }, Some(3), false, false),
            (Precondition { among: any.clone(), none_of: seen.clone() }, Some(4), true, true),
        ];
        for (condition, present, is_made, is_found) in rows {
            for (writes, expected) in [(vec![Write::Forget("a".to_owned())], is_made), (Vec::new(), is_found)] {
                let decision = Decision { writes, answer: () };
                let refused = Err(Rejection::PreconditionFailed { present });
                let expected = if expected { Ok(decision.clone()) } else { refused };
                assert_eq!(condition.judge(present, decision), expected, "{condition:?} of {present:?}");
            }
        }
    }
}
