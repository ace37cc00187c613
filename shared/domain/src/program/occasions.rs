//! The occasions of the program document.

use super::Ladder;
use super::read::{NAME_CHARS_MAX, label, small};
use super::referral::{gift, gift_schema};
use crate::audience::{self, Audience, each_once};
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::id::RuleId;
use crate::money::Points;
use crate::occasions::{Date, OccasionRule, On, Orders};
use crate::referral::rules::Gift;
use crate::schema::{self, Schema};
use serde_json::{Value, json};

/// Most occasions of a program.
pub(super) const OCCASIONS_MAX: usize = 20;
const DATES_MAX: usize = 50;
const YEARS_MAX: u16 = 100;
const YEARS_LISTED_MAX: usize = 50;
const ORDERS_MAX: u64 = 1_000_000;
const ORDERS_LISTED_MAX: usize = 50;
const INACTIVITY_DAYS_MAX: u16 = 1_095;
/// Most people of an account whose birthday brings something in a year: it bounds what one walk writes.
const CONTACTS_PER_YEAR_MAX: u16 = 20;
const CONTACTS_PER_YEAR_USUAL: u16 = 5;

/// What only occasions of one kind have, and which kind.
const TERMS: [(&str, Kind); 6] = [
    ("contacts_per_year", Kind::Birthday),
    ("years", Kind::Anniversary),
    ("dates", Kind::Date),
    ("orders", Kind::NthOrder),
    ("every_orders", Kind::NthOrder),
    ("days", Kind::Inactivity),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Welcome,
    Birthday,
    Anniversary,
    Date,
    NthOrder,
    Inactivity,
}

impl Kind {
    const ALL: [(&'static str, Self); 6] = [
        ("welcome", Self::Welcome),
        ("birthday", Self::Birthday),
        ("anniversary", Self::Anniversary),
        ("date", Self::Date),
        ("nth_order", Self::NthOrder),
        ("inactivity", Self::Inactivity),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

pub(super) fn occasion(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<OccasionRule> {
    let known = [&["id", "name", "on", "tiers", "segments", "give"][..], &TERMS.map(|(key, _)| key)].concat();
    let rule = Object::open(value, path, &known, faults)?;
    let id = rule.required("id", faults, document::id(RuleId::parse));
    let name = rule.required("name", faults, label());
    let on = rule.required("on", faults, document::one_of(&Kind::ALL)).and_then(|kind| terms(&rule, kind, faults));
    let audience = Audience::read(&rule, faults);
    let gift = rule.required_nested("give", faults, gift);
    Some(OccasionRule { id: id?, name: name?, on: on?, audience, gift: gift? })
}

fn terms(rule: &Object<'_>, kind: Kind, faults: &mut Faults) -> Option<On> {
    for (key, of) in TERMS.iter().filter(|(key, of)| *of != kind && rule.has(key)) {
        faults.add(&rule.at(key), "conflict", format!("only an occasion on {} has {key}", of.name()));
    }
    match kind {
        Kind::Welcome => Some(On::Welcome),
        Kind::Birthday => {
            let most = rule.optional("contacts_per_year", faults, |v| small(v, 1, CONTACTS_PER_YEAR_MAX));
            Some(On::Birthday { contacts_per_year: most.unwrap_or(CONTACTS_PER_YEAR_USUAL) })
        }
        Kind::Anniversary => {
            let years = each_once(rule, "years", YEARS_LISTED_MAX, faults, |v| small(v, 1, YEARS_MAX));
            Some(On::Anniversary { years: ascending(years) })
        }
        Kind::Date => {
            require(rule, "dates", faults);
            let dates = each_once(rule, "dates", DATES_MAX, faults, date);
            (!dates.is_empty()).then(|| On::Date(ascending(dates)))
        }
        Kind::NthOrder => orders(rule, faults).map(On::NthOrder),
        Kind::Inactivity => {
            let days = rule.required("days", faults, |v| small(v, 1, INACTIVITY_DAYS_MAX));
            Some(On::Inactivity { days: days? })
        }
    }
}

fn require(rule: &Object<'_>, key: &str, faults: &mut Faults) {
    if !rule.has(key) {
        faults.add(&rule.at(key), "missing", "is required");
    }
}

fn ascending<T: Ord>(mut listed: Vec<T>) -> Vec<T> {
    listed.sort();
    listed
}

fn date(value: &Value) -> Leaf<Date> {
    let message = "must be a date such as 2026-12-24, or 12-24 for every year";
    Date::parse(document::string(value)?).ok_or_else(|| ("invalid_date", message.to_owned()))
}

/// `orders`, or `every_orders` in their place.
fn orders(rule: &Object<'_>, faults: &mut Faults) -> Option<Orders> {
    match (rule.has("orders"), rule.has("every_orders")) {
        (true, true) => {
            faults.add(&rule.at("every_orders"), "conflict", "give orders or every_orders, not both");
            None
        }
        (true, false) => {
            let listed = each_once(rule, "orders", ORDERS_LISTED_MAX, faults, |v| number(v, 1));
            (!listed.is_empty()).then(|| Orders::Listed(ascending(listed)))
        }
        (false, true) => rule.optional("every_orders", faults, |v| number(v, 2)).map(Orders::Every),
        (false, false) => {
            faults.add(&rule.at("orders"), "missing", "either orders or every_orders is required");
            None
        }
    }
}

fn number(value: &Value, least: u64) -> Leaf<u32> {
    let number = document::whole(least..=ORDERS_MAX)(value)?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Notes occasions that bring nothing, for tiers that nobody holds or for all of them, and welcomes for tiers that nobody
/// starts with. A date that has passed is no fault: a version is stored long before it is in force, or again long after.
pub(super) fn sense(rules: &[OccasionRule], levels: Option<&Ladder>, faults: &mut Faults) {
    let list = Path::Key(&Path::Root, "occasions");
    for (index, rule) in rules.iter().enumerate() {
        let path = Path::Index(&list, index);
        audience::check_tiers_of_members(&rule.audience.tiers, &path, levels, faults);
        let named = &rule.audience.tiers;
        let lowest = levels.map(|levels| &levels.lowest.id).filter(|lowest| !named.contains(lowest));
        if let Some(lowest) = lowest.filter(|_| rule.on == On::Welcome && !named.is_empty()) {
            let message = format!("an account starts as {lowest}: it is welcomed as no other");
            faults.add(&Path::Key(&path, "tiers"), "never_fires", message);
        }
        if matches!(rule.gift, Gift { points: Points::ZERO, discount: None }) {
            faults.add(&Path::Key(&path, "give"), "never_fires", "gives neither points nor a discount");
        }
    }
}

/// What the section may say.
pub(super) fn schema() -> Schema {
    let years = schema::each_once(YEARS_LISTED_MAX, schema::small(1, YEARS_MAX));
    let orders = schema::each_once(ORDERS_LISTED_MAX, schema::whole(1..=ORDERS_MAX));
    let people = "Of birthday: most people of an account whose birthday brings something in a year; left out, 5.";
    let rule = schema::object("Occasion")
        .required("id", schema::id(RuleId::parse), "Once in the list, and the same over versions.")
        .required("name", schema::label(NAME_CHARS_MAX), "For customers.")
        .required("on", schema::one_of(&Kind::ALL), "What it is given on.")
        .optional("contacts_per_year", schema::small(1, CONTACTS_PER_YEAR_MAX), people)
        .optional("years", years, "Of anniversary: after so many years of membership; left out, every year.")
        .optional(
            "dates",
            schema::each_once(DATES_MAX, schema::date_or_day()),
            "Of date: 2026-12-24, or 12-24 for every year.",
        )
        .some_stated_if(&["dates"], "on", Kind::Date.name())
        .optional("orders", orders, "Of nth_order: the account's how-manieth orders.")
        .optional("every_orders", schema::whole(2..=ORDERS_MAX), "Of nth_order, in the place of orders: every so many.")
        .some_stated_if(&["orders", "every_orders"], "on", Kind::NthOrder.name())
        .optional("days", schema::small(1, INACTIVITY_DAYS_MAX), "Of inactivity: days since the latest order.")
        .some_stated_if(&["days"], "on", Kind::Inactivity.name())
        .required("give", gift_schema(schema::object("Gift")), "What it brings.");
    let discount = json!({ "id": "come-back", "name": "10 % off to come back", "percent": "10", "validity_days": 30,
                           "group": "season" });
    schema::list(0..=OCCASIONS_MAX, Audience::schema(rule)).examples([json!([
        { "id": "hello", "name": "Welcome", "on": "welcome", "segments": ["hotels"], "give": { "points": 50 } },
        { "id": "birthday", "name": "Happy birthday", "on": "birthday", "contacts_per_year": 3, "give": { "points": 20 } },
        { "id": "years", "name": "Years together", "on": "anniversary", "years": [1, 5, 10], "tiers": ["gold"],
          "give": { "points": 500 } },
        { "id": "holidays", "name": "Season's greetings", "on": "date", "dates": ["12-24", "2027-04-05"],
          "give": { "points": 25 } },
        { "id": "third", "name": "Your third order", "on": "nth_order", "orders": [3, 10], "give": { "points": 100 } },
        { "id": "dozens", "name": "Another dozen", "on": "nth_order", "every_orders": 12, "give": { "points": 100 } },
        { "id": "win-back", "name": "We miss you", "on": "inactivity", "days": 90, "give": { "discount": discount } },
    ])])
}

#[cfg(test)]
mod tests;
