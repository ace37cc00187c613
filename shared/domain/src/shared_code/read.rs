//! The document of a shared code.

use super::SharedCodeDocument;
use crate::audience::Audience;
use crate::discount::TakesOff;
use crate::document::{self, Faults, Object, Path};
use crate::id::RuleId;
use crate::money::{self, Currency, Minor};
use crate::program::{NAME_CHARS_MAX, Program, percent, percent_schema};
use crate::schema::{self, Schema};
use crate::validity;
use serde_json::Value;

/// Most uses over all accounts.
const USES_MAX: u64 = 1_000_000_000;
/// Most uses of one account.
const USES_PER_ACCOUNT_MAX: u64 = 1_000;

const FIELDS: [&str; 11] = [
    "name",
    "percent",
    "amount",
    "minimum_order",
    "group",
    "from",
    "until",
    "uses",
    "uses_per_account",
    "tiers",
    "segments",
];

pub(super) fn document(value: &Value, program: &Program, faults: &mut Faults) -> Option<SharedCodeDocument> {
    let root = Object::open(value, &Path::Root, &FIELDS, faults)?;
    let currency = program.currency;
    let name = root.required("name", faults, document::label(NAME_CHARS_MAX));
    let takes_off = takes_off(&root, currency, faults);
    let minimum_order = root.optional("minimum_order", faults, money(currency));
    let group = root.optional("group", faults, document::id(RuleId::parse));
    let (from, until) = validity::read(&root, &program.calendar, faults);
    let uses = root.optional("uses", faults, document::whole(1..=USES_MAX));
    let uses_per_account = root.optional("uses_per_account", faults, document::whole(1..=USES_PER_ACCOUNT_MAX));
    let audience = Audience::read(&root, faults);
    Some(SharedCodeDocument {
        name: name?,
        takes_off: takes_off?,
        minimum_order: minimum_order.unwrap_or(Minor::ZERO),
        currency,
        group,
        from,
        until,
        uses,
        uses_per_account: u32::try_from(uses_per_account.unwrap_or(1)).ok()?,
        audience,
    })
}

/// More than nothing, in minor units.
fn money(currency: Currency) -> impl Fn(&Value) -> document::Leaf<Minor> {
    move |value| document::decimal(money::decimals(currency), 1)(value).map(Minor)
}

fn takes_off(root: &Object<'_>, currency: Currency, faults: &mut Faults) -> Option<TakesOff> {
    match (root.has("percent"), root.has("amount")) {
        (true, true) => {
            faults.add(&root.at("amount"), "conflict", "give percent or amount, not both");
            None
        }
        (false, false) => {
            faults.add(&root.at("percent"), "missing", "either percent or amount is required");
            None
        }
        (true, false) => root.optional("percent", faults, percent).map(TakesOff::Percent),
        (false, true) => root.optional("amount", faults, money(currency)).map(TakesOff::Amount),
    }
}

/// What [`document`] reads.
pub(crate) fn schema() -> Schema {
    let each = schema::whole(1..=USES_PER_ACCOUNT_MAX);
    let code = schema::object("SharedCode")
        .required("name", schema::label(NAME_CHARS_MAX), "Its name for customers.")
        .optional("percent", percent_schema(), "What it takes off in percent; or an amount is stated.")
        .optional("amount", schema::money(1), "What it takes off; or a percentage is stated.")
        .optional("minimum_order", schema::money(1), "What the goods must come to.")
        .optional("group", schema::id(RuleId::parse), "Of the discounts of this group one at most is applied.");
    let code = validity::schema(code, "It can be used")
        .optional("uses", schema::whole(1..=USES_MAX), "How often it can be used over all accounts.")
        .optional("uses_per_account", each, "How often each account can use it; left out: once.");
    Audience::schema(code).one_of_fields(&["percent", "amount"])
}
