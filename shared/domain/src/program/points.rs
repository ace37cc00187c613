//! The section of the program document that says how long points wait and last.

use super::read::{self, VALIDITY_MONTHS_MAX};
use super::{PointsRules, Shortfall, exchange};
use crate::document::{self, Faults, Object, Path};
use crate::expiry::Expiry;
use crate::money::Currency;
use crate::schema::{self, Schema};
use serde_json::{Value, json};

/// Longest wait of points: it bounds the daily buckets of an account.
const PENDING_DAYS_MAX: u16 = 30;
/// The same where points last one month only: from the 31st of January they end after 28 days.
const PENDING_DAYS_OF_A_MONTH_MAX: u16 = 28;

const PENDING_UNTIL: [(&str, bool); 1] = [("paid", true)];

const FIELDS: [&str; 6] = ["validity_months", "expiry", "pending_days", "pending_until", "shortfall", "exchange"];

pub(super) fn points(value: &Value, path: &Path<'_>, currency: Currency, faults: &mut Faults) -> Option<PointsRules> {
    let section = Object::open(value, path, &FIELDS, faults)?;
    let expiry = expiry(&section, faults);
    let pending_days = section.optional("pending_days", faults, |v| read::small(v, 0, PENDING_DAYS_MAX));
    let until_paid = section.optional("pending_until", faults, document::one_of(&PENDING_UNTIL));
    let is_short = expiry.and_then(Expiry::months) == Some(1);
    if is_short && pending_days.is_some_and(|days| days > PENDING_DAYS_OF_A_MONTH_MAX) {
        let message = format!("must be at most {PENDING_DAYS_OF_A_MONTH_MAX} where points last one month");
        faults.add(&section.at("pending_days"), "conflict", message);
    }
    let shortfall = section.optional("shortfall", faults, document::one_of(&Shortfall::ALL));
    let exchange = section.nested("exchange", faults, |v, p, f| exchange::exchange(v, p, currency, f));
    Some(PointsRules {
        expiry: expiry?,
        pending_days: pending_days.unwrap_or(0),
        until_paid: until_paid.unwrap_or(false),
        shortfall: shortfall.unwrap_or(Shortfall::Owe),
        exchange,
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

const KINDS: [(&str, Kind); 3] = [("fixed", Kind::Fixed), ("inactivity", Kind::Inactivity), ("never", Kind::Never)];

fn terms(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Expiry> {
    let terms = Object::open(value, path, &["kind", "months"], faults)?;
    let kind = terms.required("kind", faults, document::one_of(&KINDS));
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

/// What the section may say.
pub(super) fn schema() -> Schema {
    let kind = "fixed: after the month they were earned in; inactivity: all together, after the month of the account's \
                latest order or gift; never.";
    let terms_months = "Points end with the month this many after that one. Not with never.";
    let terms = schema::object("Expiry")
        .required("kind", schema::one_of(&KINDS), kind)
        .optional("months", schema::small(1, VALIDITY_MONTHS_MAX), terms_months)
        .stated_unless("months", "kind", "never");
    let months = "Points end with the month this many after the one they were earned in. In its place: expiry.";
    let pending = "Days until points can be spent: the time in which goods come back. At most 28 where points last one \
                   month.";
    let until = "paid: points wait until their order is paid, too; left out, its payment does not matter.";
    let shortfall = "Points that a return should take back and that are spent. owe: the balance goes below zero; \
                     owe_pending: the next orders repay them; write_off: they are written off.";
    schema::object("Points")
        .optional("validity_months", schema::small(1, VALIDITY_MONTHS_MAX), months)
        .optional("expiry", terms, "How long points last, where that is not so many months from being earned on.")
        .one_of_fields(&["validity_months", "expiry"])
        .optional("pending_days", schema::small(0, PENDING_DAYS_MAX).or(0), pending)
        .optional("pending_until", schema::one_of(&PENDING_UNTIL), until)
        .optional("shortfall", schema::one_of(&Shortfall::ALL).or("owe"), shortfall)
        .optional("exchange", exchange::schema(), "What points are worth in money; left out, the program does not say.")
        .examples([
            json!({ "validity_months": 24, "pending_days": 14, "shortfall": "owe_pending", "exchange": {
                "value": "0.01", "tiers": [{ "tier": "gold", "value": "0.0125" }],
                "spend": { "minimum": 500, "maximum": 50_000 },
            } }),
            json!({ "expiry": { "kind": "inactivity", "months": 12 } }),
            json!({ "expiry": { "kind": "never" }, "pending_until": "paid" }),
        ])
}
