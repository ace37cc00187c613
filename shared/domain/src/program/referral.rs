//! The referral section of the program document.

use super::read::{label, percent, small};
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::id::RuleId;
use crate::money::{self, Currency, Minor, Points};
use crate::referral::rules::{AfterReturn, Enrolment, Gift, GiftDiscount, LINK_PLACE, ReferralRules, Step};
use serde_json::Value;

const LINK_BYTES_MAX: usize = 500;
const WITHIN_DAYS_MAX: u16 = 1_000;
const RETURN_WINDOW_DAYS_MAX: u16 = 365;
const STEPS_MAX: usize = 10;
const STEP_FROM_MAX: u64 = 10_000;
const GIFT_POINTS_MAX: u64 = 1_000_000_000;
const VALIDITY_DAYS_MAX: u16 = 1_000;

pub(super) fn referral(
    value: &Value,
    path: &Path<'_>,
    currency: Currency,
    faults: &mut Faults,
) -> Option<ReferralRules> {
    let known =
        ["link", "enrolment", "consent", "welcome", "qualifying", "return_window_days", "rewards", "after_return"];
    let section = Object::open(value, path, &known, faults)?;
    let enrolments = [("open", Enrolment::Open), ("approval", Enrolment::Approval)];
    let consents = [("required", true), ("optional", false)];
    let policies = [("take_back", AfterReturn::TakeBack), ("keep", AfterReturn::Keep)];
    let link = section.optional("link", faults, link);
    let enrolment = section.required("enrolment", faults, document::one_of(&enrolments));
    let consent_required = section.required("consent", faults, document::one_of(&consents));
    let welcome = section.nested("welcome", faults, gift);
    let qualifying = section.required_nested("qualifying", faults, |v, p, f| qualifying(v, p, currency, f));
    let return_window_days = section.required("return_window_days", faults, |v| small(v, 0, RETURN_WINDOW_DAYS_MAX));
    let after_return = section.required("after_return", faults, document::one_of(&policies));
    if !section.has("rewards") {
        faults.add(&section.at("rewards"), "missing", "is required");
    }
    let steps = section.list("rewards", 1..=STEPS_MAX, faults, step)?;
    check_steps(&steps, &section.at("rewards"), faults);
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

fn gift(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Gift> {
    gift_of(&Object::open(value, path, &["points", "discount"], faults)?, faults)
}

fn gift_of(object: &Object<'_>, faults: &mut Faults) -> Option<Gift> {
    let points = object.optional("points", faults, document::whole(0..=GIFT_POINTS_MAX)).unwrap_or(0);
    let discount = object.nested("discount", faults, discount);
    Some(Gift { points: Points(i64::try_from(points).ok()?), discount })
}

fn discount(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<GiftDiscount> {
    let object = Object::open(value, path, &["id", "name", "percent", "validity_days"], faults)?;
    let id = object.required("id", faults, document::id(RuleId::parse));
    let name = object.required("name", faults, label());
    let percent = object.required("percent", faults, percent);
    let validity_days = object.required("validity_days", faults, |v| small(v, 1, VALIDITY_DAYS_MAX));
    Some(GiftDiscount { id: id?, name: name?, percent: percent?, validity_days: validity_days? })
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

#[cfg(test)]
mod tests;
