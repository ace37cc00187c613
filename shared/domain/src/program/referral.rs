//! The referral section of the program document.

use super::groups;
use super::read::{self, label, percent, small};
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::id::RuleId;
use crate::money::{self, Currency, Minor, Points};
use crate::referral::rules::{AfterReturn, Enrolment, Gift, GiftDiscount, LINK_PLACE, ReferralRules, Step};
use crate::schema::{self, Schema};
use serde_json::{Value, json};

const LINK_BYTES_MAX: usize = 500;
const WITHIN_DAYS_MAX: u16 = 1_000;
const RETURN_WINDOW_DAYS_MAX: u16 = 365;
const STEPS_MAX: usize = 10;
const STEP_FROM_MAX: u64 = 10_000;
const GIFT_POINTS_MAX: u64 = 1_000_000_000;
const VALIDITY_DAYS_MAX: u16 = 1_000;

const ENROLMENTS: [(&str, Enrolment); 2] = [("open", Enrolment::Open), ("approval", Enrolment::Approval)];
const CONSENTS: [(&str, bool); 2] = [("required", true), ("optional", false)];
const POLICIES: [(&str, AfterReturn); 2] = [("take_back", AfterReturn::TakeBack), ("keep", AfterReturn::Keep)];

pub(super) fn referral(
    value: &Value,
    path: &Path<'_>,
    currency: Currency,
    faults: &mut Faults,
) -> Option<ReferralRules> {
    let known =
        ["link", "enrolment", "consent", "welcome", "qualifying", "return_window_days", "rewards", "after_return"];
    let section = Object::open(value, path, &known, faults)?;
    let link = section.optional("link", faults, link);
    let enrolment = section.required("enrolment", faults, document::one_of(&ENROLMENTS));
    let consent_required = section.required("consent", faults, document::one_of(&CONSENTS));
    let welcome = section.nested("welcome", faults, gift);
    let qualifying = section.required_nested("qualifying", faults, |v, p, f| qualifying(v, p, currency, f));
    let return_window_days = section.required("return_window_days", faults, |v| small(v, 0, RETURN_WINDOW_DAYS_MAX));
    let after_return = section.required("after_return", faults, document::one_of(&POLICIES));
    if !section.has("rewards") {
        faults.add(&section.at("rewards"), "missing", "is required");
    }
    let steps = section.list("rewards", 1..=STEPS_MAX, faults, step)?;
    // Steps beside one that could not be read are not where they stand in the document.
    if value.get("rewards").and_then(Value::as_array).is_some_and(|listed| listed.len() == steps.len()) {
        check_steps(&steps, &section.at("rewards"), faults);
    }
    let (minimum_total, within_days) = qualifying?;
    Some(ReferralRules {
        link,
        enrolment: enrolment?,
        consent_required: consent_required?,
        welcome: welcome.unwrap_or_default(),
        minimum_total,
        within_days,
        return_window_days: return_window_days?,
        steps,
        after_return: after_return?,
    })
}

fn link(value: &Value) -> Leaf<String> {
    let text = document::string(value)?;
    let is_url = text.starts_with("https://") && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_url || text.len() > LINK_BYTES_MAX || text.matches(LINK_PLACE).count() != 1 {
        return Err((
            "invalid_link",
            format!("must be an https URL of at most {LINK_BYTES_MAX} bytes with {LINK_PLACE} in it once"),
        ));
    }
    Ok(text.to_owned())
}

fn qualifying(value: &Value, path: &Path<'_>, currency: Currency, faults: &mut Faults) -> Option<(Minor, u16)> {
    let section = Object::open(value, path, &["minimum_total", "within_days"], faults)?;
    let minimum_total = section.required("minimum_total", faults, document::decimal(money::decimals(currency), 1));
    let within_days = section.required("within_days", faults, |v| small(v, 1, WITHIN_DAYS_MAX));
    Some((Minor(minimum_total?), within_days?))
}

fn step(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Step> {
    let object = Object::open(value, path, &["from", "points", "discount"], faults)?;
    let from = object.required("from", faults, document::whole(1..=STEP_FROM_MAX));
    let gift = gift_of(&object, faults);
    Some(Step { from: u32::try_from(from?).ok()?, gift: gift? })
}

pub(super) fn gift(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Gift> {
    gift_of(&Object::open(value, path, &["points", "discount"], faults)?, faults)
}

/// A gift of which a part cannot be read is none, rather than one without that part.
fn gift_of(object: &Object<'_>, faults: &mut Faults) -> Option<Gift> {
    let points = object.optional("points", faults, document::whole(0..=GIFT_POINTS_MAX));
    let discount = object.nested("discount", faults, discount);
    let is_read = object.has("points") == points.is_some() && object.has("discount") == discount.is_some();
    let points = Points(i64::try_from(points.unwrap_or(0)).ok()?);
    is_read.then_some(Gift { points, discount })
}

pub(super) fn discount(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<GiftDiscount> {
    let object = Object::open(value, path, &["id", "name", "percent", "validity_days", "group"], faults)?;
    let id = object.required("id", faults, document::id(RuleId::parse));
    let name = object.required("name", faults, label());
    let percent = object.required("percent", faults, percent);
    let validity_days = object.required("validity_days", faults, |v| small(v, 1, VALIDITY_DAYS_MAX));
    let group = groups::group(&object, "group", faults);
    let (percent, validity_days) = (percent?, validity_days?);
    Some(GiftDiscount { id: id?, name: name?, percent, validity_days, group: group? })
}

/// Steps begin with the first referral and ascend.
fn check_steps(steps: &[Step], path: &Path<'_>, faults: &mut Faults) {
    let mut below = 0;
    for (index, step) in steps.iter().enumerate() {
        let at = Path::Index(path, index);
        if below == 0 && step.from != 1 {
            faults.add(&Path::Key(&at, "from"), "out_of_range", "the first step must begin with 1");
        } else if step.from <= below {
            faults.add(&Path::Key(&at, "from"), "out_of_order", "must be more than that of the step before it");
        }
        below = step.from;
    }
}

/// What the section may say.
pub(super) fn schema() -> Schema {
    let qualifying = schema::object("Qualifying order")
        .required("minimum_total", schema::money(1), "Eligible total from which on an order of the referee qualifies.")
        .required("within_days", schema::small(1, WITHIN_DAYS_MAX), "Days that the referee has for such an order.");
    let step = schema::object("Step").required(
        "from",
        schema::whole(1..=STEP_FROM_MAX),
        "The first referral that it is for, counted per account; ascending, the first from 1.",
    );
    schema::object("Referral")
        .optional(
            "link",
            schema::link(LINK_BYTES_MAX, LINK_PLACE),
            "Where a code leads to: an https URL with {code} in it once.",
        )
        .required(
            "enrolment",
            schema::one_of(&ENROLMENTS),
            "open: who redeems a code takes part at once; approval: each waits for it.",
        )
        .required("consent", schema::one_of(&CONSENTS), "Whether a redemption must state what was consented to.")
        .optional("welcome", gift_schema(schema::object("Welcome")), "What the referee is given; left out, nothing.")
        .required("qualifying", qualifying, "The order that makes a referral count.")
        .required(
            "return_window_days",
            schema::small(0, RETURN_WINDOW_DAYS_MAX),
            "Days from that order until the referrer is rewarded.",
        )
        .required(
            "rewards",
            schema::list(1..=STEPS_MAX, gift_schema(step)),
            "What the referrer is given, by the number of the referral.",
        )
        .required("after_return", schema::one_of(&POLICIES), "What becomes of a reward whose order comes back later.")
        .examples([json!({
            "link": "https://shop.example.com/join?code={code}", "enrolment": "open", "consent": "required",
            "welcome": { "points": 100, "discount": { "id": "welcome", "name": "10 % off your first order",
                                                      "percent": "10", "validity_days": 60, "group": "season" } },
            "qualifying": { "minimum_total": "250.00", "within_days": 180 },
            "return_window_days": 30,
            "rewards": [{ "from": 1, "points": 500 },
                        { "from": 10, "discount": { "id": "ambassador", "name": "15 % off for bringing ten",
                                                    "percent": "15", "validity_days": 90, "group": "season" } }],
            "after_return": "take_back",
        })])
}

pub(super) fn discount_schema() -> Schema {
    groups::with_group(schema::object("Discount"))
        .required("id", schema::id(RuleId::parse), "Once in the whole program, and the same over versions.")
        .required("name", schema::label(read::NAME_CHARS_MAX), "For customers.")
        .required("percent", read::percent_schema(), "What it takes off.")
        .required(
            "validity_days",
            schema::small(1, VALIDITY_DAYS_MAX),
            "Days it is valid, to the same local wall time.",
        )
}

/// Points and a discount, added to what is said besides.
pub(super) fn gift_schema(given: Schema) -> Schema {
    given.optional("points", schema::whole(0..=GIFT_POINTS_MAX).or(0), "Points, which can be spent at once.").optional(
        "discount",
        discount_schema(),
        "A discount for an order to come.",
    )
}

#[cfg(test)]
mod tests;
