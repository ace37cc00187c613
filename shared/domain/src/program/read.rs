//! The program document, read into a [`Program`].

use super::sense::{self, Sections};
use super::{DiscountRule, Program, ReturnRules, UnknownAccount};
use super::{
    checkout, distinct, earning, free_products, groups, membership, metrics, occasions, perks, points, prices,
    referral, rewards, tiers,
};
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::earning::{PaidWith, Reading, TaxBasis};
use crate::id::{ProgramName, RuleId, Sku};
use crate::money::{self, Currency, Factor, Minor, Percent};
use crate::schema::{self, Schema};
use crate::time::Calendar;
use crate::warning::WarningRules;
use serde_json::Value;
use std::collections::BTreeSet;

/// Most earning rules of a program.
pub const EARNING_RULES_MAX: usize = 50;
/// Most discount rules of a program.
pub const DISCOUNT_RULES_MAX: usize = 10;
/// Longest validity of points: it bounds the lots of an account.
pub const VALIDITY_MONTHS_MAX: u16 = 60;
/// Largest multiplier of a tier: 1,000.
pub(super) const MULTIPLIER_MAX: u32 = 1_000;
pub(super) const VALIDITY_DAYS_MAX: u16 = 1_000;
pub(super) const MATCH_MONTHS_MAX: u16 = 120;
pub(super) const EXCLUDED_SKUS_MAX: usize = 1_000;
pub(crate) const NAME_CHARS_MAX: usize = 100;

/// Longest that a warning may come ahead, and most warnings of one kind.
pub(super) const AHEAD_DAYS_MAX: u16 = 365;
pub(super) const WARNINGS_MAX: usize = 5;

pub(super) const UNKNOWN_ACCOUNT: [(&str, UnknownAccount); 2] =
    [("enrol", UnknownAccount::Enrol), ("reject", UnknownAccount::Reject)];
pub(super) const TAX: [(&str, TaxBasis); 3] =
    [("as_stated", TaxBasis::AsStated), ("subtract", TaxBasis::Subtract), ("add", TaxBasis::Add)];
pub(super) const SHIPPING: [(&str, bool); 2] = [("exclude", false), ("include", true)];
pub(super) const PAID_WITH: [(&str, PaidWith); 3] =
    [("money", PaidWith::MONEY), ("points", PaidWith::POINTS), ("discounts", PaidWith::DISCOUNTS)];
pub(super) const DISCOUNT_KIND: [(&str, ()); 1] = [("next_purchase", ())];

/// [`Percent::HUNDRED`].
const PERCENT_MAX: u32 = 100;

const FIELDS: [&str; 21] = [
    "$schema",
    "name",
    "currency",
    "time_zone",
    "enrolment",
    "membership",
    "eligibility",
    "earning_rules",
    "points",
    "returns",
    "tiers",
    "discounts",
    "checkout",
    "price_tables",
    "free_products",
    "perks",
    "occasions",
    "rewards",
    "warnings",
    "referral",
    "metrics",
];

pub(super) fn program(value: &Value) -> Result<Program, Faults> {
    let mut faults = Faults::default();
    let program = read_program(value, &mut faults, None);
    faults.into_result(program)
}

/// The same of a document that nobody has stored yet.
pub(super) fn new_program(value: &Value, name: &ProgramName) -> Result<Program, Faults> {
    let (mut faults, mut senseless) = (Faults::default(), Faults::default());
    let program = read_program(value, &mut faults, Some(&mut senseless));
    let stated = value.get("name").and_then(Value::as_str).and_then(|text| ProgramName::parse(text).ok());
    if stated.is_some_and(|stated| stated != *name) {
        let message = format!("must be {name}, the program that runs here");
        faults.add(&Path::Key(&Path::Root, "name"), "conflict", message);
    }
    faults.append(senseless);
    faults.into_result(program)
}

/// Reads a program; what can be read but makes no sense is noted apart, where anybody asks. Who starts does not: what is
/// stored was asked once.
fn read_program(value: &Value, faults: &mut Faults, senseless: Option<&mut Faults>) -> Option<Program> {
    let root = Object::open(value, &Path::Root, &FIELDS, faults)?;
    // Editors look there for what they may offer; it decides nothing.
    root.optional("$schema", faults, |schema| document::string(schema).map(drop));
    let name = root.required("name", faults, document::id(ProgramName::parse));
    let currency = root.required("currency", faults, document::currency);
    let calendar = root.required("time_zone", faults, time_zone);
    let unknown_account = root.required_nested("enrolment", faults, enrolment);
    let membership = root.nested("membership", faults, membership::membership).unwrap_or_default();
    let Eligibility { excluded_skus, tax_basis, shipping_is_eligible, paid_with } =
        root.nested("eligibility", faults, eligibility).unwrap_or_default();
    let checkout = root.nested("checkout", faults, checkout::checkout).unwrap_or_default();
    let money = currency.unwrap_or(Currency::CLF);
    let utc = Calendar::utc();
    let reading = Reading { currency: money, calendar: calendar.as_ref().unwrap_or(&utc) };
    require(&root, &["earning_rules", "tiers"], faults);
    let earning = root.list("earning_rules", 1..=EARNING_RULES_MAX, faults, |v, p, f| earning::rule(v, p, &reading, f));
    let earning = earning.and_then(|rules| earning::in_order(rules, faults));
    let points = root.required_nested("points", faults, |v, p, f| points::points(v, p, money, f));
    let returns = root.nested("returns", faults, returns);
    let (levels, tiers) = root.nested("tiers", faults, |v, p, f| tiers::tiers(v, p, money, f)).unzip();
    let tiers = tiers.flatten();
    let discounts = root.list("discounts", 0..=DISCOUNT_RULES_MAX, faults, |v, p, f| discount(v, p, money, f));
    let price_tables = root.list("price_tables", 0..=prices::PRICE_TABLES_MAX, faults, prices::price_table);
    let free_products = root.list("free_products", 0..=free_products::FREE_PRODUCTS_MAX, faults, |v, p, f| {
        free_products::free_product(v, p, &reading, f)
    });
    let perks = root.list("perks", 0..=perks::PERKS_MAX, faults, perks::perk);
    let occasions = root.list("occasions", 0..=occasions::OCCASIONS_MAX, faults, occasions::occasion);
    let rewards =
        root.list("rewards", 0..=rewards::REWARDS_MAX, faults, |v, p, f| rewards::reward(v, p, reading.calendar, f));
    let warnings = root.nested("warnings", faults, warnings).unwrap_or_default();
    let referral = root.nested("referral", faults, |v, p, f| referral::referral(v, p, money, f));
    let exchange = points.as_ref().and_then(|points| points.exchange.as_ref());
    let metrics = root.nested("metrics", faults, |v, p, f| metrics::metrics(v, p, money, f)).unwrap_or_default();
    let metrics = metrics.with(exchange, faults);
    let levels = levels.as_ref().filter(|levels| sense::is_whole(value, "/tiers/levels", levels.iter().count()));
    // Without a currency nobody knows what amounts come to.
    let whole_earning = earning.as_ref().filter(|rules| sense::is_whole(value, "/earning_rules", rules.rules().len()));
    let sections = Sections {
        unknown_account,
        membership,
        calendar: calendar.as_ref(),
        points: points.as_ref(),
        states_exchange: value.pointer("/points/exchange").is_some_and(|stated| !stated.is_null()),
        earning: whole_earning.filter(|_| currency.is_some()),
        excluded_skus: &excluded_skus,
        paid_with,
        levels,
        tiers: tiers.as_ref().filter(|_| levels.is_some()),
        discounts: sense::whole(value, "/discounts", discounts.as_deref()),
        price_tables: sense::whole(value, "/price_tables", price_tables.as_deref()),
        free_products: sense::whole(value, "/free_products", free_products.as_deref()),
        perks: sense::whole(value, "/perks", perks.as_deref()),
        occasions: sense::whole(value, "/occasions", occasions.as_deref()),
        rewards: sense::whole(value, "/rewards", rewards.as_deref()),
        warnings: &warnings,
        referral: if root.has("referral") { referral.as_ref().map(Some) } else { Some(None) },
    };
    if let Some(senseless) = senseless {
        sense::check(&sections, senseless);
    }
    distinct::check(&sections, faults);
    rewards::stocks(sections.rewards.unwrap_or_default(), faults);
    Some(Program {
        name: name?,
        currency: currency?,
        calendar: calendar?,
        unknown_account: unknown_account?,
        membership,
        excluded_skus,
        tax_basis,
        shipping_is_eligible,
        paid_with,
        checkout,
        earning: earning?,
        points: points?,
        returns: returns.unwrap_or_default(),
        tiers: tiers?,
        discounts: discounts.unwrap_or_default(),
        price_tables: price_tables.unwrap_or_default(),
        free_products: free_products.unwrap_or_default(),
        perks: perks.unwrap_or_default(),
        occasions: occasions.unwrap_or_default(),
        rewards: rewards.unwrap_or_default(),
        warnings,
        referral,
        metrics,
    })
}

fn require(root: &Object<'_>, keys: &[&'static str], faults: &mut Faults) {
    for key in keys.iter().filter(|key| !root.has(key)) {
        faults.add(&Path::Key(&Path::Root, key), "missing", "is required");
    }
}

fn time_zone(value: &Value) -> Leaf<Calendar> {
    let message = "must be an IANA time zone such as Europe/London";
    Calendar::of(document::string(value)?).ok_or_else(|| ("unknown_time_zone", message.to_owned()))
}

fn enrolment(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<UnknownAccount> {
    let section = Object::open(value, path, &["unknown_account"], faults)?;
    section.required("unknown_account", faults, document::one_of(&UNKNOWN_ACCOUNT))
}

/// What of an order earns and qualifies.
#[derive(Default)]
struct Eligibility {
    excluded_skus: BTreeSet<Sku>,
    tax_basis: TaxBasis,
    shipping_is_eligible: bool,
    paid_with: PaidWith,
}

fn eligibility(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Eligibility> {
    let section = Object::open(value, path, &["excluded_skus", "tax", "shipping", "paid_with"], faults)?;
    let skus = section.list_of("excluded_skus", 0..=EXCLUDED_SKUS_MAX, faults, document::id(Sku::parse));
    let tax = section.optional("tax", faults, document::one_of(&TAX));
    let shipping = section.optional("shipping", faults, document::one_of(&SHIPPING));
    Some(Eligibility {
        excluded_skus: skus.unwrap_or_default().into_iter().collect(),
        tax_basis: tax.unwrap_or_default(),
        shipping_is_eligible: shipping.unwrap_or(false),
        paid_with: section.nested("paid_with", faults, paid_with).unwrap_or_default(),
    })
}

/// What is eligible besides money, which must be named with it.
fn paid_with(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<PaidWith> {
    let read = document::one_of(&PAID_WITH);
    // What cannot be read may be meant for money.
    let each = |value: &Value, path: &Path<'_>, faults: &mut Faults| Some(document::noted(read(value), path, faults));
    let named = document::list(value, path, 1..=PAID_WITH.len(), faults, each)?;
    let times = |means: PaidWith| named.iter().flatten().filter(|named| **named == means).count();
    for (name, _) in PAID_WITH.iter().filter(|(_, means)| times(*means) > 1) {
        faults.add(path, "duplicate", format!("names {name} twice"));
    }
    if times(PaidWith::MONEY) == 0 && !named.contains(&None) {
        faults.add(path, "conflict", "must name money: what is paid in money is always eligible");
    }
    Some(named.into_iter().flatten().fold(PaidWith::MONEY, PaidWith::and))
}

/// A name for customers.
pub(super) fn label() -> impl Fn(&Value) -> Leaf<String> {
    document::label(NAME_CHARS_MAX)
}

pub(crate) fn small(value: &Value, least: u16, most: u16) -> Leaf<u16> {
    let number = document::whole(u64::from(least)..=u64::from(most))(value)?;
    Ok(u16::try_from(number).unwrap_or(most))
}

fn returns(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<ReturnRules> {
    let section = Object::open(value, path, &["match_months"], faults)?;
    Some(ReturnRules { match_months: section.optional("match_months", faults, |v| small(v, 1, MATCH_MONTHS_MAX)) })
}

fn warnings(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<WarningRules> {
    let known = ["discount_expiring_days", "points_expiring_days", "tier_at_risk_days", "membership_ending_days"];
    let section = Object::open(value, path, &known, faults)?;
    let mut ahead = |name| {
        let days = section.list_of(name, 0..=WARNINGS_MAX, faults, |v| small(v, 1, AHEAD_DAYS_MAX));
        let (listed, ascending) = (days.iter().flatten().count(), days.into_iter().flatten().collect::<BTreeSet<_>>());
        if ascending.len() < listed {
            faults.add(&section.at(name), "duplicate", "names a number of days twice".to_owned());
        }
        ascending.into_iter().collect()
    };
    let [discount_expiring_days, points_expiring_days, tier_at_risk_days, membership_ending_days] =
        known.map(&mut ahead);
    Some(WarningRules { discount_expiring_days, points_expiring_days, tier_at_risk_days, membership_ending_days })
}

pub(super) fn multiplier(value: &Value) -> Leaf<Factor> {
    let multiplier = document::decimal(Factor::DECIMALS, 0)(value)?;
    if multiplier > i64::from(MULTIPLIER_MAX).saturating_mul(Factor::ONE.0) {
        return Err(("out_of_range", format!("must be at most {MULTIPLIER_MAX}")));
    }
    Ok(Factor(multiplier))
}

/// What [`multiplier`] reads.
pub(super) fn multiplier_schema() -> Schema {
    schema::decimal_to(Factor::DECIMALS, 0, MULTIPLIER_MAX)
}

fn discount(value: &Value, path: &Path<'_>, currency: Currency, faults: &mut Faults) -> Option<DiscountRule> {
    let known = ["id", "name", "kind", "minimum_total", "percent", "validity_days", "group"];
    let rule = Object::open(value, path, &known, faults)?;
    rule.required("kind", faults, document::one_of(&DISCOUNT_KIND));
    let id = rule.required("id", faults, document::id(RuleId::parse));
    let name = rule.required("name", faults, document::label(NAME_CHARS_MAX));
    let minimum_total = rule.required("minimum_total", faults, document::decimal(money::decimals(currency), 0));
    let percent = rule.required("percent", faults, percent);
    let validity_days = rule.required("validity_days", faults, |v| small(v, 1, VALIDITY_DAYS_MAX));
    let group = groups::group(&rule, "group", faults);
    Some(DiscountRule {
        id: id?,
        name: name?,
        minimum_total: Minor(minimum_total?),
        percent: percent?,
        validity_days: validity_days?,
        group: group?,
    })
}

/// A percentage of a price, above zero and at most all of it.
pub(crate) fn percent(value: &Value) -> Leaf<Percent> {
    let percent = Percent(document::decimal(Percent::DECIMALS, 1)(value)?);
    if percent > Percent::HUNDRED {
        return Err(("out_of_range", format!("must be at most {PERCENT_MAX}")));
    }
    Ok(percent)
}

/// What [`percent`] reads.
pub(crate) fn percent_schema() -> Schema {
    schema::decimal_to(Percent::DECIMALS, 1, PERCENT_MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::program::sample;
    use serde_json::json;

    #[test]
    fn what_is_eligible_besides_money_is_named_with_it_and_once() {
        const AT: &str = "$.eligibility.paid_with";
        let (points, discounts) = (PaidWith::POINTS, PaidWith::DISCOUNTS);
        for (stated, expected) in [
            (Value::Null, Ok(PaidWith::MONEY)),
            (json!(["money"]), Ok(PaidWith::MONEY)),
            (json!(["money", "points"]), Ok(points)),
            (json!(["discounts", "money"]), Ok(discounts)),
            (json!(["points", "discounts", "money"]), Ok(PaidWith { points: true, discounts: true })),
            (json!([]), Err("wrong_length")),
            (json!(["money", "points", "discounts", "money"]), Err("wrong_length")),
            (json!(["points"]), Err("conflict")),
            (json!(["points", "discounts"]), Err("conflict")),
            (json!(["money", "money"]), Err("duplicate")),
            (json!(["money", "points", "points"]), Err("duplicate")),
            (json!("money"), Err("wrong_type")),
        ] {
            let expected = expected.map_err(|code| format!("{AT} {code}"));
            let eligibility = json!({ "paid_with": stated });
            assert_eq!(sample::read("eligibility", &eligibility, |program| program.paid_with), expected, "{stated}");
        }
        let faulty = |stated: Value| {
            sample::read("eligibility", &json!({ "paid_with": stated }), |program| program.paid_with).unwrap_err()
        };
        assert_eq!(faulty(json!(["points", "points"])), format!("{AT} duplicate, {AT} conflict"));
        // Money may be what was meant.
        assert_eq!(faulty(json!(["Money", "points"])), format!("{AT}[0] unknown_value"));
        assert_eq!(faulty(json!(["money", 5])), format!("{AT}[1] wrong_type"));
    }
}
