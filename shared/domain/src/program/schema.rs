//! The JSON Schema of the program document: what editors and checkers know of it before it is sent.
//!
//! What a section may say stands beside its reader, but for those that [`super::read`] reads itself. A new section is
//! one line below; its fields and examples are held against its reader by `tests/schema`.

use super::read::{self, DISCOUNT_RULES_MAX, NAME_CHARS_MAX};
use super::{
    checkout, earning, free_products, groups, membership, metrics, occasions, perks, points, prices, referral, rewards,
    tiers,
};
use crate::id::{ProgramName, RuleId};
use crate::schema::{self, Schema};
use serde_json::{Value, json};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const ID: &str = "urn:guilder:program";

/// The schema of the document that [`super::Program::from_json`] reads.
pub fn schema() -> Value {
    let whole = schema::object("Program")
        .with("$schema", DIALECT)
        .with("$id", ID)
        .with("$defs", schema::definitions())
        .about("A merchant's loyalty program: all rules as one document, stored as a version and put in force.")
        .optional("$schema", schema::string(), "Where an editor finds this schema. It decides nothing.")
        .required("name", schema::id(ProgramName::parse), "The program's name: the one that the deployment runs.")
        .required("currency", schema::currency(), "The one currency of its orders, ISO 4217.")
        .required(
            "time_zone",
            schema::string(),
            "Days and months are those of this IANA time zone, such as Europe/London.",
        )
        .required("enrolment", enrolment(), "How accounts come to take part.")
        .optional(
            "membership",
            membership::schema(),
            "How an account becomes a member; left out, whoever is enrolled is one.",
        )
        .optional("eligibility", eligibility(), "What of an order earns and qualifies.")
        .required("earning_rules", earning::schema(), "What orders earn: rules in order.")
        .required("points", points::schema(), "How long points wait and last.")
        .optional("returns", returns(), "What becomes of goods that come back.")
        .required("tiers", tiers::schema(), "The levels of membership and how they are reached.")
        .optional("discounts", discounts(), "Discounts that large orders bring for the next one.")
        .optional("checkout", checkout::schema(), "How carts are held, and what orders give back that are undone.")
        .optional("price_tables", prices::schema(), "What more of an item costs, by quantity.")
        .optional("free_products", free_products::schema(), "What large orders are entitled to besides.")
        .optional("perks", perks::schema(), "What accounts may claim besides points.")
        .optional("occasions", occasions::schema(), "What accounts are given points or discounts on.")
        .optional("rewards", rewards::schema(), "What points buy.")
        .optional("warnings", warnings(), "How many days ahead customers are warned; left out, never.")
        .optional(
            "referral",
            referral::schema(),
            "What customers who bring others are rewarded with; left out, there are no codes.",
        )
        .optional("metrics", metrics::schema(), "What the metrics value points and revenue at. It decides nothing.");
    whole.into()
}

fn enrolment() -> Schema {
    let unknown = "What an order of an unknown account does: enrol the account, or be rejected.";
    schema::object("Enrolment")
        .required("unknown_account", schema::one_of(&read::UNKNOWN_ACCOUNT), unknown)
        .examples([json!({ "unknown_account": "enrol" })])
}

fn eligibility() -> Schema {
    let skus = schema::list(0..=read::EXCLUDED_SKUS_MAX, schema::sku());
    schema::object("Eligibility")
        .optional("excluded_skus", skus, "SKUs that neither earn nor qualify: postage, fees, corrections.")
        .optional(
            "tax",
            schema::one_of(&read::TAX).or("as_stated"),
            "as_stated: a line comes to what it says; subtract: amounts contain tax, and it is not eligible; \
             add: amounts do not contain it, and it is.",
        )
        .optional(
            "shipping",
            schema::one_of(&read::SHIPPING).or("exclude"),
            "Whether what is paid for shipping is eligible.",
        )
        .optional(
            "paid_with",
            schema::list(1..=read::PAID_WITH.len(), schema::one_of(&read::PAID_WITH)).with("uniqueItems", true),
            "What an order earns on: what was paid in money, and, where they are named, what was paid with points and \
             what the program's own discounts took off; left out, money alone.",
        )
        .examples([json!({
            "excluded_skus": ["POST", "BANK CHARGES"], "tax": "subtract", "shipping": "include",
            "paid_with": ["money", "points"],
        })])
}

fn returns() -> Schema {
    let months = "Calendar months of orders that a credit note without an order number is matched to, its own included; \
                  left out, all there are.";
    schema::object("Returns")
        .optional("match_months", schema::small(1, read::MATCH_MONTHS_MAX), months)
        .examples([json!({ "match_months": 24 })])
}

fn discounts() -> Schema {
    let rule = groups::with_group(schema::object("Discount"))
        .required("id", schema::id(RuleId::parse), "Once in the whole program, and the same over versions.")
        .required("name", schema::label(NAME_CHARS_MAX), "For customers.")
        .required("kind", schema::one_of(&read::DISCOUNT_KIND), "What brings it about.")
        .required("minimum_total", schema::money(0), "Eligible total from which on an order brings it about.")
        .required("percent", read::percent_schema(), "What it takes off.")
        .required(
            "validity_days",
            schema::small(1, read::VALIDITY_DAYS_MAX),
            "Days it is valid, to the same local wall time.",
        );
    schema::list(0..=DISCOUNT_RULES_MAX, rule).examples([json!([{
        "id": "next-purchase", "name": "5 % off your next purchase", "kind": "next_purchase",
        "minimum_total": "500.00", "percent": "5", "validity_days": 30, "group": "season",
    }])])
}

fn warnings() -> Schema {
    let days = || {
        let each = schema::list(0..=read::WARNINGS_MAX, schema::small(1, read::AHEAD_DAYS_MAX));
        each.with("uniqueItems", true)
    };
    schema::object("Warnings")
        .optional("discount_expiring_days", days(), "Before a discount ends.")
        .optional("points_expiring_days", days(), "Before points end.")
        .optional("tier_at_risk_days", days(), "Before the review of a tier that would be lost.")
        .optional("membership_ending_days", days(), "Before what is paid for of a membership ends.")
        .examples([json!({
            "discount_expiring_days": [7, 1], "points_expiring_days": [30], "tier_at_risk_days": [30, 7],
            "membership_ending_days": [30, 7],
        })])
}
