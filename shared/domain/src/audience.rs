//! Whom a rule of the program is for: accounts of some tiers, of some segments, or all of them.

use crate::account::{Account, Status};
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::id::{Segment, TierId};
use crate::membership::MemberState;
use crate::program::{Ladder, TIERS_MAX};
use crate::schema::{self, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Display;

/// Most segments that a rule names.
const SEGMENTS_MAX: usize = 50;

/// Whom a rule is for. An account is among them that holds one of the tiers and belongs to one of the segments; where
/// none are named, any will do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    /// The tiers, as listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<TierId>,
    /// The segments, as listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
}

/// What of an account decides which rules are for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buyer<'a> {
    /// The tier it holds; `None`: none that brings it anything.
    pub tier: Option<&'a TierId>,
    /// The groups it belongs to.
    pub segments: &'a [Segment],
}

impl<'a> Buyer<'a> {
    /// An account, as it stands. One that does not take part, or is no member, has what everybody has.
    pub fn of(account: &'a Account, state: MemberState) -> Self {
        match account.status {
            _ if !state.is_member() => Self { tier: None, segments: &[] },
            Status::Active => Self { tier: Some(&account.tier), segments: &account.segments },
            Status::Suspended | Status::Closed | Status::Erased | Status::Pending => Self { tier: None, segments: &[] },
        }
    }
}

impl Audience {
    /// Whether a buyer is among them.
    pub fn includes(&self, buyer: &Buyer<'_>) -> bool {
        let by_tier = self.tiers.is_empty() || buyer.tier.is_some_and(|tier| self.tiers.contains(tier));
        let by_segment = || buyer.segments.iter().any(|segment| self.segments.contains(segment));
        by_tier && (self.segments.is_empty() || by_segment())
    }

    /// Whether it names segments, and whether tiers: the order in which the narrower goes before the wider.
    pub fn narrowness(&self) -> (bool, bool) {
        (!self.segments.is_empty(), !self.tiers.is_empty())
    }

    /// Whether there may be an account that is among these and among others, which name the same kinds of groups, for
    /// the same reason: a tier or a segment that both name.
    pub fn shares_a_group(&self, other: &Self) -> bool {
        let tier = self.tiers.is_empty() || self.tiers.iter().any(|tier| other.tiers.contains(tier));
        let segment = || self.segments.iter().any(|segment| other.segments.contains(segment));
        tier && (self.segments.is_empty() || segment())
    }

    /// Whether whoever is among others is sure to be among these.
    pub fn includes_all_of(&self, others: &Self) -> bool {
        let within = |tiers: &[TierId]| !tiers.is_empty() && tiers.iter().all(|tier| self.tiers.contains(tier));
        let among = |groups: &[Segment]| !groups.is_empty() && groups.iter().all(|own| self.segments.contains(own));
        (self.tiers.is_empty() || within(&others.tiers)) && (self.segments.is_empty() || among(&others.segments))
    }

    /// The `tiers` and `segments` of a rule.
    pub(crate) fn read(rule: &Object<'_>, faults: &mut Faults) -> Self {
        Self {
            tiers: each_once(rule, "tiers", TIERS_MAX, faults, document::id(TierId::parse)),
            segments: each_once(rule, "segments", SEGMENTS_MAX, faults, document::id(Segment::parse)),
        }
    }

    /// What they may say, added to what the rule says besides.
    pub(crate) fn schema(rule: Schema) -> Schema {
        let tiers = schema::each_once(TIERS_MAX, schema::id(TierId::parse));
        let segments = schema::each_once(SEGMENTS_MAX, schema::id(Segment::parse));
        rule.optional("tiers", tiers, "Only for accounts that hold one of these tiers.").optional(
            "segments",
            segments,
            "Only for accounts that are in one of these segments.",
        )
    }
}

/// Notes every tier of a rule that the program does not have: it would be for nobody there. Where the program's tiers
/// could not be read nothing is said of others.
pub(crate) fn check_tiers(named: &[TierId], rule: &Path<'_>, tiers: Option<&Ladder>, faults: &mut Faults) {
    let (list, Some(tiers)) = (Path::Key(rule, "tiers"), tiers) else { return };
    for (index, unknown) in named.iter().enumerate().filter(|(_, tier)| !tiers.knows(tier)) {
        let message = format!("nobody holds {unknown}: it is no tier of this program");
        faults.add(&Path::Index(&list, index), "never_fires", message);
    }
}

/// The same of a rule that is for members alone, each of whom holds a tier: naming all of them makes no difference.
pub(crate) fn check_tiers_of_members(named: &[TierId], rule: &Path<'_>, tiers: Option<&Ladder>, faults: &mut Faults) {
    check_tiers(named, rule, tiers, faults);
    if tiers.is_some_and(|tiers| tiers.iter().all(|tier| named.contains(&tier.id))) {
        let message = "names every tier of the program: left out, it is for the same accounts";
        faults.add(&Path::Key(rule, "tiers"), "no_effect", message);
    }
}

/// A list of 1 to `most` leaves, each once; empty where it is left out.
pub(crate) fn each_once<T: Ord + Clone + Display>(
    object: &Object<'_>,
    key: &str,
    most: usize,
    faults: &mut Faults,
    read: impl Fn(&Value) -> Leaf<T>,
) -> Vec<T> {
    let mut seen = BTreeSet::new();
    let listed = object.list(key, 1..=most, faults, |value, path, faults| {
        let named = read(value).map_err(|(code, message)| faults.add(path, code, message)).ok()?;
        if !seen.insert(named.clone()) {
            faults.add(path, "duplicate", format!("{named} is named twice"));
        }
        Some(named)
    });
    listed.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tiers(names: &[&str]) -> Vec<TierId> {
        names.iter().map(|name| TierId::parse(name).unwrap()).collect()
    }

    fn segments(names: &[&str]) -> Vec<Segment> {
        names.iter().map(|name| Segment::parse(name).unwrap()).collect()
    }

    fn audience(of: (&[&str], &[&str])) -> Audience {
        Audience { tiers: tiers(of.0), segments: segments(of.1) }
    }

    #[test]
    fn an_account_must_be_of_both_kinds_that_are_named() {
        type Row<'a> = ((&'a [&'a str], &'a [&'a str]), Option<&'a str>, &'a [&'a str], bool);
        let rows: [Row<'_>; 11] = [
            ((&[], &[]), Some("gold"), &["uk"], true),
            ((&[], &[]), None, &[], true),
            ((&["gold"], &[]), Some("gold"), &[], true),
            ((&["gold"], &[]), Some("silver"), &[], false),
            ((&["gold"], &[]), None, &[], false),
            ((&["silver", "gold"], &[]), Some("gold"), &[], true),
            ((&[], &["uk"]), Some("gold"), &["b2b", "uk"], true),
            ((&[], &["uk"]), Some("gold"), &[], false),
            ((&["gold"], &["uk"]), Some("gold"), &["uk"], true),
            ((&["gold"], &["uk"]), Some("gold"), &["eu"], false),
            ((&["gold"], &["uk"]), Some("silver"), &["uk"], false),
        ];
        for (of, tier, groups, expected) in rows {
            let (tier, groups) = (tier.map(|tier| TierId::parse(tier).unwrap()), segments(groups));
            let buyer = Buyer { tier: tier.as_ref(), segments: &groups };
            assert_eq!(audience(of).includes(&buyer), expected, "{of:?}: {buyer:?}");
        }
    }

    #[test]
    fn an_audience_includes_another_whose_every_account_is_among_its_own() {
        type Names<'a> = (&'a [&'a str], &'a [&'a str]);
        let rows: [(Names<'_>, Names<'_>, bool); 9] = [
            ((&[], &[]), (&[], &[]), true),
            ((&[], &[]), (&["gold"], &["uk"]), true),
            ((&["gold"], &[]), (&[], &[]), false),
            ((&["gold"], &[]), (&[], &["uk"]), false),
            ((&["gold", "silver"], &[]), (&["gold"], &["uk"]), true),
            ((&["gold"], &[]), (&["gold", "silver"], &[]), false),
            ((&[], &["uk", "eu"]), (&["gold"], &["uk"]), true),
            ((&[], &["uk"]), (&[], &["uk", "eu"]), false),
            ((&["gold"], &["uk"]), (&["gold"], &["eu"]), false),
        ];
        for (whole, part, expected) in rows {
            assert_eq!(audience(whole).includes_all_of(&audience(part)), expected, "{part:?} of {whole:?}");
        }
    }

    #[test]
    fn two_audiences_of_a_kind_share_whom_both_name() {
        type Names<'a> = (&'a [&'a str], &'a [&'a str]);
        let rows: [(Names<'_>, Names<'_>, bool); 6] = [
            ((&[], &[]), (&[], &[]), true),
            ((&["gold"], &[]), (&["silver", "gold"], &[]), true),
            ((&["gold"], &[]), (&["silver"], &[]), false),
            ((&["gold"], &["uk"]), (&["gold"], &["uk", "eu"]), true),
            ((&["gold"], &["uk"]), (&["gold"], &["eu"]), false),
            ((&["gold"], &["uk"]), (&["silver"], &["uk"]), false),
        ];
        for (one, other, expected) in rows {
            assert_eq!(audience(one).shares_a_group(&audience(other)), expected, "{one:?} and {other:?}");
            assert_eq!(audience(other).shares_a_group(&audience(one)), expected, "{other:?} and {one:?}");
        }
    }
}
