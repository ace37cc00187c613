//! The perks of the program document.

use super::Ladder;
use super::read::{NAME_CHARS_MAX, label, small};
use crate::audience::{self, Audience};
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::id::RuleId;
use crate::perks::{Allowance, Period, Perk, PerkKind};
use crate::schema::{self, Schema};
use serde_json::{Value, json};

/// Most perks of a program.
pub(super) const PERKS_MAX: usize = 50;
const DESCRIPTION_CHARS_MAX: usize = 500;
/// Ten years.
const AFTER_DAYS_MAX: u16 = 3_650;
/// Three years.
const ACTIVITY_DAYS_MAX: u16 = 1_096;
const COUNT_MAX: u64 = 1_000;
const MONTHS_OF_A_YEAR: u16 = 12;
const YEARS: [(&str, Period); 2] =
    [("calendar", Period::Months(MONTHS_OF_A_YEAR)), ("membership", Period::MembershipYear)];

pub(super) fn perk(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Perk> {
    let known = ["id", "name", "kind", "description", "tiers", "segments", "after_days", "activity_days", "count_per"];
    let perk = Object::open(value, path, &known, faults)?;
    let id = perk.required("id", faults, document::id(RuleId::parse));
    let name = perk.required("name", faults, label());
    let kind = perk.required("kind", faults, document::one_of(&PerkKind::ALL));
    let description = perk.optional("description", faults, document::label(DESCRIPTION_CHARS_MAX));
    let audience = Audience::read(&perk, faults);
    let after_days = perk.optional("after_days", faults, |v| small(v, 0, AFTER_DAYS_MAX)).unwrap_or(0);
    let activity_days = perk.optional("activity_days", faults, |v| small(v, 1, ACTIVITY_DAYS_MAX));
    let allowance = perk.nested("count_per", faults, allowance);
    Some(Perk { id: id?, name: name?, kind: kind?, description, audience, after_days, activity_days, allowance })
}

fn allowance(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Allowance> {
    let section = Object::open(value, path, &["count", "months", "year"], faults)?;
    let count = section.required("count", faults, document::whole(1..=COUNT_MAX));
    let months = section.optional("months", faults, months).map(Period::Months);
    let year = section.optional("year", faults, document::one_of(&YEARS));
    match (section.has("months"), section.has("year")) {
        (true, true) => faults.add(&section.at("year"), "conflict", "give months or year, not both"),
        (false, false) => faults.add(&section.at("months"), "missing", "either months or year is required"),
        _ => {}
    }
    Some(Allowance { count: u32::try_from(count?).ok()?, per: months.or(year)? })
}

/// Periods of so many months begin with January, so a year must be whole ones of them.
fn months(value: &Value) -> Leaf<u16> {
    let months = small(value, 1, MONTHS_OF_A_YEAR)?;
    if !divides_a_year(months) {
        return Err(("out_of_range", "must be 1, 2, 3, 4, 6 or 12: a year is whole periods".to_owned()));
    }
    Ok(months)
}

fn divides_a_year(months: u16) -> bool {
    MONTHS_OF_A_YEAR.checked_rem(months) == Some(0)
}

/// Notes perks for tiers that nobody holds, or for all of them.
pub(super) fn sense(perks: &[Perk], levels: Option<&Ladder>, faults: &mut Faults) {
    let list = Path::Key(&Path::Root, "perks");
    for (index, perk) in perks.iter().enumerate() {
        audience::check_tiers_of_members(&perk.audience.tiers, &Path::Index(&list, index), levels, faults);
    }
}

/// What the section may say.
pub(super) fn schema() -> Schema {
    let months = schema::numbers((1..=MONTHS_OF_A_YEAR).filter(|months| divides_a_year(*months)));
    let allowance = schema::object("Allowance")
        .required("count", schema::whole(1..=COUNT_MAX), "Uses in each period.")
        .optional("months", months, "A period is so many calendar months, the first of a year from January on.")
        .optional("year", schema::one_of(&YEARS), "A period is a calendar year, or a year from the day of joining on.")
        .one_of_fields(&["months", "year"]);
    let perk = schema::object("Perk")
        .required("id", schema::id(RuleId::parse), "Once in the list, and the same over versions.")
        .required("name", schema::label(NAME_CHARS_MAX), "For customers.")
        .required("kind", schema::one_of(&PerkKind::ALL), "What it is.")
        .optional("description", schema::label(DESCRIPTION_CHARS_MAX), "What it is, in more words, for customers.")
        .optional("after_days", schema::small(0, AFTER_DAYS_MAX).or(0), "Days of membership from which on it is there.")
        .optional(
            "activity_days",
            schema::small(1, ACTIVITY_DAYS_MAX),
            "Days after the latest order, or after joining, in which it is there; left out, whether it orders or not.",
        )
        .optional("count_per", allowance, "How often it may be used; left out, it is not counted.");
    schema::list(0..=PERKS_MAX, Audience::schema(perk)).examples([json!([
        { "id": "early-access", "name": "New ranges a week early", "kind": "early_access",
          "activity_days": 180 },
        { "id": "training", "name": "A day of training", "kind": "training", "description": "At your place or ours.",
          "tiers": ["gold", "platinum"], "count_per": { "count": 2, "months": 3 } },
        { "id": "visit", "name": "A visit of our designers", "kind": "other", "after_days": 365, "segments": ["hotels"],
          "count_per": { "count": 1, "year": "membership" } },
    ])])
}

#[cfg(test)]
mod tests;
