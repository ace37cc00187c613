//! The section of the program document that says which tiers there are and how they are reached, kept and lost.

use super::read::{NAME_CHARS_MAX, multiplier, multiplier_schema, percent, percent_schema, small};
use super::sense::reach::MEMBERSHIP_MONTHS_MAX;
use super::{Ladder, Tier, Tiers, Upgrade, groups, referral};
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::id::{RuleId, TierId};
use crate::money::{self, Currency, Measure, Points};
use crate::qualification::{Metric, Window};
use crate::referral::rules::Gift;
use crate::review::{Downgrade, Hold, ReviewRules};
use crate::schema::{self, Schema};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Most tiers of a program.
pub const TIERS_MAX: usize = 16;
/// Longest tier window: it bounds the months of activity kept.
const WINDOW_MONTHS_MAX: u16 = 24;
const YEAR_MONTHS: u16 = 12;
const HOLD_MONTHS_MAX: u16 = 60;
const GRACE_DAYS_MAX: u16 = 180;
/// Months that a review looks back on, at most: those of the window, and those of the grace that begin in it. One less
/// than the months of activity that are kept, since an order may be placed a day ahead.
const REVIEWED_MONTHS_MAX: u16 = 24;
const DAYS_OF_A_MONTH_MIN: u16 = 28;
/// Most units, orders, points or months that a tier may ask for.
const COUNT_MAX: u64 = 1_000_000_000_000;

/// Most points for entering a tier.
const ENTRY_POINTS_MAX: u64 = 1_000_000_000;

const UPGRADES: [(&str, Upgrade); 2] = [("at_once", Upgrade::AtOnce), ("at_review", Upgrade::AtReview)];
const DOWNGRADES: [(&str, Downgrade); 3] =
    [("never", Downgrade::Never), ("one_step", Downgrade::OneStep), ("to_earned", Downgrade::ToEarned)];
const KINDS: [(&str, Kind); 4] = [
    ("rolling", Kind::Rolling),
    ("calendar_year", Kind::CalendarYear),
    ("membership_year", Kind::MembershipYear),
    ("lifetime", Kind::Lifetime),
];

const LEVEL_FIELDS: [&str; 7] = ["id", "name", "threshold", "by_invitation", "multiplier", "discount", "on_entry"];
const FIELDS: [&str; 7] = ["metric", "window_months", "window", "upgrade", "levels", "review", "discount_group"];

/// The levels, and with them the whole section where all of it could be read.
pub(super) fn tiers(
    value: &Value,
    path: &Path<'_>,
    currency: Currency,
    faults: &mut Faults,
) -> Option<(Ladder, Option<Tiers>)> {
    let section = Object::open(value, path, &FIELDS, faults)?;
    let metric = match section.has("metric") {
        true => section.optional("metric", faults, document::one_of(&Metric::ALL)),
        false => Some(Metric::Spend),
    };
    let window = match metric {
        Some(Metric::MembershipMonths) => no_window(&section, faults),
        _ => window_of(&section, faults),
    };
    let upgrade = match section.has("upgrade") {
        true => section.optional("upgrade", faults, document::one_of(&UPGRADES)),
        false => Some(Upgrade::default()),
    };
    let review = match section.has("review") {
        true => section.nested("review", faults, |v, p, f| review(v, p, window, f)).map(Some),
        false => Some(None),
    };
    let discount_group = groups::group(&section, "discount_group", faults);
    // Levels of a metric that cannot be read are of no unit.
    let unit = metric.map(|metric| Unit { metric, currency });
    let levels = section.list("levels", 1..=TIERS_MAX, faults, |v, p, f| tier(v, p, unit, f));
    if !section.has("levels") {
        faults.add(&section.at("levels"), "missing", "is required");
    }
    check_grace(&section, window, review.flatten(), faults);
    let levels = levels?;
    check_ladder(&levels, path, faults);
    let mut ascending = levels.into_iter();
    let ladder = Ladder { lowest: ascending.next()?, above: ascending.collect() };
    let levels = ladder.clone();
    let whole = || {
        let (upgrade, review, discount_group) = (upgrade?, review?, discount_group?);
        Some(Tiers { metric: metric?, window: window?, upgrade, levels, review, discount_group })
    };
    Some((ladder, whole()))
}

/// `window_months`, or the section `window` in its place.
fn window_of(section: &Object<'_>, faults: &mut Faults) -> Option<Window> {
    match (section.has("window_months"), section.has("window")) {
        (_, false) => {
            let months = section.required("window_months", faults, |v| small(v, 1, WINDOW_MONTHS_MAX))?;
            Some(Window::Rolling(months))
        }
        (false, true) => section.nested("window", faults, window),
        (true, true) => {
            faults.add(&section.at("window"), "conflict", "give window_months or window, not both");
            None
        }
    }
}

/// The length of a membership is a figure of no month.
fn no_window(section: &Object<'_>, faults: &mut Faults) -> Option<Window> {
    for name in ["window_months", "window"].iter().filter(|name| section.has(name)) {
        let message = "months of membership are counted from its start: they have no window";
        faults.add(&section.at(name), "conflict", message);
    }
    Some(Window::Lifetime)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rolling,
    CalendarYear,
    MembershipYear,
    Lifetime,
}

fn window(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Window> {
    let section = Object::open(value, path, &["kind", "months", "starts_month"], faults)?;
    let kind = section.required("kind", faults, document::one_of(&KINDS))?;
    for (field, of) in [("months", Kind::Rolling), ("starts_month", Kind::CalendarYear)] {
        if section.has(field) && kind != of {
            let name = KINDS.iter().find(|(_, known)| *known == of).map_or("", |(name, _)| name);
            faults.add(&section.at(field), "conflict", format!("is of a window of the kind {name} alone"));
        }
    }
    match kind {
        Kind::Rolling => section.required("months", faults, |v| small(v, 1, WINDOW_MONTHS_MAX)).map(Window::Rolling),
        Kind::CalendarYear => {
            let starts = section.optional("starts_month", faults, |v| small(v, 1, YEAR_MONTHS));
            let given = section.has("starts_month");
            let month = if given { starts? } else { 1 };
            u8::try_from(month).ok().map(Window::CalendarYear)
        }
        Kind::MembershipYear => Some(Window::MembershipYear),
        Kind::Lifetime => Some(Window::Lifetime),
    }
}

fn review(value: &Value, path: &Path<'_>, window: Option<Window>, faults: &mut Faults) -> Option<ReviewRules> {
    let section = Object::open(value, path, &["hold_months", "grace_days", "downgrade"], faults)?;
    let hold = match window.is_some_and(Window::is_year) {
        true if section.has("hold_months") => {
            let message = "a tier by the year is held to the end of the year after the one it was reached in";
            faults.add(&section.at("hold_months"), "conflict", message);
            None
        }
        true => Some(Hold::Year),
        false => section.required("hold_months", faults, |v| small(v, 1, HOLD_MONTHS_MAX)).map(Hold::Months),
    };
    let grace_days = section.optional("grace_days", faults, |v| small(v, 0, GRACE_DAYS_MAX));
    let downgrade = section.required("downgrade", faults, document::one_of(&DOWNGRADES));
    Some(ReviewRules { hold: hold?, grace_days: grace_days.unwrap_or(0), downgrade: downgrade? })
}

/// What a review looks back on must be kept by then.
fn check_grace(section: &Object<'_>, window: Option<Window>, review: Option<ReviewRules>, faults: &mut Faults) {
    let months = match window {
        Some(Window::Rolling(months)) => months,
        Some(Window::CalendarYear(_) | Window::MembershipYear) => YEAR_MONTHS,
        Some(Window::Lifetime) | None => return,
    };
    let grace_months = review.map_or(0, |review| review.grace_days.div_ceil(DAYS_OF_A_MONTH_MIN));
    if months.saturating_add(grace_months) > REVIEWED_MONTHS_MAX {
        let message = format!("must leave a review no more than {REVIEWED_MONTHS_MAX} months to look back on");
        faults.add(&Path::Key(&section.at("review"), "grace_days"), "conflict", message);
    }
}

/// What thresholds are stated in.
#[derive(Clone, Copy)]
struct Unit {
    metric: Metric,
    currency: Currency,
}

fn tier(value: &Value, path: &Path<'_>, unit: Option<Unit>, faults: &mut Faults) -> Option<Tier> {
    let level = Object::open(value, path, &LEVEL_FIELDS, faults)?;
    let id = level.required("id", faults, document::id(TierId::parse));
    let name = level.required("name", faults, document::label(NAME_CHARS_MAX));
    let by_invitation = level.optional("by_invitation", faults, document::truth) == Some(true);
    let threshold = match by_invitation {
        true if level.has("threshold") => {
            faults.add(&level.at("threshold"), "conflict", "no figure leads to a tier by invitation");
            None
        }
        true => Some(None),
        false => level.required("threshold", faults, |v| threshold(v, unit)).flatten().map(Some),
    };
    let multiplier = level.required("multiplier", faults, multiplier);
    let discount = level.optional("discount", faults, percent);
    let on_entry = level.nested("on_entry", faults, on_entry).unwrap_or_default();
    Some(Tier { id: id?, name: name?, threshold: threshold?, multiplier: multiplier?, discount, on_entry })
}

/// Points, a discount, or both.
fn on_entry(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Gift> {
    let section = Object::open(value, path, &["points", "discount"], faults)?;
    let has_discount = section.has("discount");
    let points = match section.has("points") || !has_discount {
        true => section.required("points", faults, document::whole(1..=ENTRY_POINTS_MAX)),
        false => Some(0),
    };
    let discount = section.nested("discount", faults, referral::discount);
    Some(Gift { points: Points(i64::try_from(points?).ok()?), discount })
}

/// `None` where nobody knows what it is counted in, which is a fault of its own.
fn threshold(value: &Value, unit: Option<Unit>) -> Leaf<Option<Measure>> {
    let Some(Unit { metric, currency }) = unit else { return Ok(None) };
    let number = match metric {
        Metric::Spend => document::decimal(money::decimals(currency), 0)(value)?,
        Metric::Units | Metric::Orders | Metric::Points | Metric::MembershipMonths => {
            i64::try_from(document::whole(0..=COUNT_MAX)(value)?).unwrap_or(i64::MAX)
        }
    };
    Ok(Some(Measure(number)))
}

/// A ladder starts at zero, rises strictly, names each level once, and ends with those by invitation.
fn check_ladder(levels: &[Tier], path: &Path<'_>, faults: &mut Faults) {
    let list = Path::Key(path, "levels");
    let mut ids = BTreeSet::new();
    let (mut below, mut invited) = (None::<Measure>, false);
    // Where the first is by invitation, that is what is wrong, and not what follows from it.
    let starts = levels.first().is_some_and(|first| first.threshold.is_some());
    for (index, level) in levels.iter().enumerate() {
        let at = Path::Index(&list, index);
        if !ids.insert(&level.id) {
            faults.add(&Path::Key(&at, "id"), "duplicate", format!("tier id {} is used twice", level.id));
        }
        let threshold = Path::Key(&at, "threshold");
        let Some(own) = level.threshold else {
            invited = starts;
            if index == 0 {
                let message = "the first tier is where everybody starts, invited or not";
                faults.add(&Path::Key(&at, "by_invitation"), "out_of_order", message);
            }
            continue;
        };
        if invited {
            let message = "tiers by invitation stand above all others";
            faults.add(&at, "out_of_order", message);
        }
        match below {
            None if own != Measure::ZERO && starts => {
                faults.add(&threshold, "out_of_range", "the first tier must start at zero");
            }
            Some(below) if own <= below => {
                faults.add(&threshold, "out_of_order", "must be more than the threshold of the tier before it");
            }
            _ => {}
        }
        below = Some(own);
    }
}

/// What the section may say.
pub(super) fn schema() -> Schema {
    let window = schema::object("Window")
        .required("kind", schema::one_of(&KINDS), "Which months count: the latest, those of a year, or all.")
        .optional("months", schema::small(1, WINDOW_MONTHS_MAX), "Of rolling: so many, the order's own included.")
        .some_stated_if(&["months"], "kind", "rolling")
        .optional(
            "starts_month",
            schema::small(1, YEAR_MONTHS),
            "Of calendar_year: its first month; left out, January.",
        );
    let months = "Months that count, the order's own included. In its place: window.";
    let upgrade = "When a tier that was reached is held: at once, or from the next review on.";
    schema::object("Tiers")
        .optional("metric", schema::one_of(&Metric::ALL).or("spend"), "What leads from tier to tier.")
        .optional("window_months", schema::small(1, WINDOW_MONTHS_MAX), months)
        .optional("window", window, "The months whose figures count. Months of membership have none.")
        .with_conditions([
            json!({ "if": is("metric", &["membership_months"]),
                    "else": { "oneOf": [schema::stated("window_months"), schema::stated("window")] } }),
            json!({ "if": is("metric", &["units", "orders", "points", "membership_months"]),
                    "then": thresholds("integer"), "else": thresholds("string") }),
            json!({ "if": is("metric", &["membership_months"]), "then": each_threshold(json!({
                    "maximum": MEMBERSHIP_MONTHS_MAX })) }),
            json!({ "if": { "not": is("metric", &["membership_months"]), "required": ["window"],
                            "properties": { "window": is("kind", &["calendar_year", "membership_year"]) } },
                    "else": { "properties": { "review": {
                        "if": { "type": "object" }, "then": schema::stated("hold_months") } } } }),
        ])
        .optional("upgrade", schema::one_of(&UPGRADES).or("at_once"), upgrade)
        .required("levels", schema::list(1..=TIERS_MAX, level_schema()), "The levels, ascending.")
        .optional("review", review_schema(), "How tiers are reviewed; left out, a tier is never lost.")
        .optional(
            "discount_group",
            schema::id(RuleId::parse),
            "The group of discounts that the standing discounts of tiers are of: one of it at most is applied to a cart.",
        )
        .examples([
            json!({
                "window_months": 12,
                "levels": [
                    { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
                    { "id": "gold", "name": "Gold", "threshold": "5000.00", "multiplier": "1.5", "discount": "5",
                      "on_entry": { "points": 500, "discount": { "id": "for-gold", "name": "10 % for gold",
                                                                 "percent": "10", "validity_days": 60, "group": "season" } } },
                    { "id": "partner", "name": "Partner", "by_invitation": true, "multiplier": "2" },
                ],
                "review": { "hold_months": 12, "grace_days": 30, "downgrade": "one_step" },
                "discount_group": "season",
            }),
            json!({
                "metric": "units",
                "window": { "kind": "calendar_year", "starts_month": 4 },
                "upgrade": "at_review",
                "levels": [
                    { "id": "dealer", "name": "Dealer", "threshold": 0, "multiplier": "1" },
                    { "id": "main", "name": "Main dealer", "threshold": 1000, "multiplier": "1.2" },
                ],
                "review": { "grace_days": 30, "downgrade": "to_earned" },
            }),
            json!({
                "metric": "orders",
                "window": { "kind": "rolling", "months": 6 },
                "levels": [{ "id": "member", "name": "Member", "threshold": 0, "multiplier": "1" }],
            }),
        ])
}

fn is(field: &str, words: &[&str]) -> Value {
    json!({ "required": [field], "properties": { field: { "enum": words } } })
}

fn thresholds(json_type: &str) -> Value {
    each_threshold(json!({ "type": [json_type, "null"] }))
}

fn each_threshold(threshold: Value) -> Value {
    json!({ "properties": { "levels": { "items": { "properties": { "threshold": threshold } } } } })
}

fn level_schema() -> Schema {
    let threshold = schema::any_of([schema::money(0), schema::whole(0..=COUNT_MAX)]);
    let reached = "The figure in the window from which on it is reached; rising, the first zero. Spend is an amount, any \
                   other metric a number. Not of a tier by invitation.";
    let on_entry = schema::object("Entry")
        .optional("points", schema::whole(1..=ENTRY_POINTS_MAX), "Points, which can be spent at once.")
        .optional("discount", referral::discount_schema(), "A discount for an order to come.")
        .some_of_fields(&["points", "discount"]);
    schema::object("Tier")
        .required("id", schema::id(TierId::parse), "Once in the list, and the same over versions.")
        .required("name", schema::label(NAME_CHARS_MAX), "For customers.")
        .optional("threshold", threshold, reached)
        .optional("by_invitation", schema::truth().or(false), "Only an invitation leads there; above all others.")
        .stated_unless("threshold", "by_invitation", true)
        .required("multiplier", multiplier_schema(), "What points are multiplied with.")
        .optional("discount", percent_schema(), "What whoever holds it pays less on every order; the shop grants it.")
        .optional("on_entry", on_entry, "What an account is given once, when it first enters it.")
}

fn review_schema() -> Schema {
    let hold = "A tier is held to the end of the month this many after the one it was reached in. Not where a year is the \
                window: then to the end of the next.";
    let lost = "How far an account falls that has not reached its tier again: not at all, one step, or to the tier that it \
                earned.";
    schema::object("Review")
        .optional("hold_months", schema::small(1, HOLD_MONTHS_MAX), hold)
        .optional("grace_days", schema::small(0, GRACE_DAYS_MAX).or(0), "Days after that in which orders still count.")
        .required("downgrade", schema::one_of(&DOWNGRADES), lost)
}
