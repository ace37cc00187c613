//! The section of the program document that says how long points wait and last.

use super::read::{self, VALIDITY_MONTHS_MAX};
use super::{PointsRules, Shortfall};
use crate::document::{self, Faults, Object, Path};
use crate::expiry::Expiry;
use serde_json::Value;

/// Longest wait of points: it bounds the daily buckets of an account.
const PENDING_DAYS_MAX: u16 = 30;
/// The same where points last one month only: from the 31st of January they end after 28 days.
const PENDING_DAYS_OF_A_MONTH_MAX: u16 = 28;

const FIELDS: [&str; 4] = ["validity_months", "expiry", "pending_days", "shortfall"];

pub(super) fn points(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<PointsRules> {
    let section = Object::open(value, path, &FIELDS, faults)?;
    let expiry = expiry(&section, faults);
    let pending_days = section.optional("pending_days", faults, |v| read::small(v, 0, PENDING_DAYS_MAX));
    let is_short = expiry.and_then(Expiry::months) == Some(1);
    if is_short && pending_days.is_some_and(|days| days > PENDING_DAYS_OF_A_MONTH_MAX) {
        let message = format!("must be at most {PENDING_DAYS_OF_A_MONTH_MAX} where points last one month");
        faults.add(&section.at("pending_days"), "conflict", message);
    }
    let shortfall = section.optional("shortfall", faults, document::one_of(&Shortfall::ALL));
    Some(PointsRules {
        expiry: expiry?,
        pending_days: pending_days.unwrap_or(0),
        shortfall: shortfall.unwrap_or(Shortfall::Owe),
    })
}

/// `validity_months`, or the section `expiry` in its place.
fn expiry(section: &Object<'_>, faults: &mut Faults) -> Option<Expiry> {
    match (section.has("validity_months"), section.has("expiry")) {
        (_, false) => {
            let months = section.required("validity_months", faults, |v| read::small(v, 1, VALIDITY_MONTHS_MAX))?;
            Some(Expiry::Fixed { months })
        }
        (false, true) => section.nested("expiry", faults, terms),
        (true, true) => {
            faults.add(&section.at("expiry"), "conflict", "give validity_months or expiry, not both");
            None
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fixed,
    Inactivity,
    Never,
}

fn terms(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Expiry> {
    let terms = Object::open(value, path, &["kind", "months"], faults)?;
    let kinds = [("fixed", Kind::Fixed), ("inactivity", Kind::Inactivity), ("never", Kind::Never)];
    let kind = terms.required("kind", faults, document::one_of(&kinds));
    if kind == Some(Kind::Never) {
        if terms.has("months") {
            faults.add(&terms.at("months"), "conflict", "points that never end have no months");
        }
        return Some(Expiry::Never);
    }
    let months = terms.required("months", faults, |v| read::small(v, 1, VALIDITY_MONTHS_MAX));
    let (kind, months) = (kind?, months?);
    Some(if kind == Kind::Fixed { Expiry::Fixed { months } } else { Expiry::Inactivity { months } })
}
