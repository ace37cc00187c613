//! The program's versions: the sample, activation, and what is in force.

mod groups;
mod rewards;
mod terms;

use ::program::commands::{PostVersion, PutActive};
use domain::audience::Audience;
use domain::decision::Rejection;
use domain::document::Faults;
use domain::earning::TaxBasis;
use domain::expiry::Expiry;
use domain::free_products::FreeProduct;
use domain::id::ProgramName;
use domain::membership::{Fee, MembershipRules};
use domain::money::{self, Factor, Money, Percent, Points, UnitPrice};
use domain::occasions::{OccasionRule, On, Orders};
use domain::perks::{Allowance, Period};
use domain::prices::{Goods, StepPrice};
use domain::program::{Exchange, MarginRate, PointValue, Program, UnknownAccount, Upgrade};
use domain::referral::rules::{AfterReturn, Enrolment, Gift, ReferralRules};
use domain::time::Instant;
use domain::version::{Asked, Draft};
use domain::warning::Walk;
use runtime::{App, Caller, Clock};
use serde_json::Value;
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};
use store::Planned;

/// The sample program, in force on a new database until another version is activated.
const SAMPLE: &str = include_str!("../programs/wholesale.json");
const SAMPLE_NAME: &str = "wholesale";
/// The number of the first activation of a version.
const FIRST_ACTIVATION: u32 = 1;

/// Why a program cannot be activated or shown.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The file cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The document has faults.
    #[error("the program has faults:{}", listed(.0))]
    Faulty(Faults),
    /// The instant is too near.
    #[error("a version takes effect two minutes ahead at the earliest: {earliest} now")]
    TooEarly {
        /// The earliest instant possible.
        earliest: Instant,
    },
    /// Accounts hold what the version would take away.
    #[error("version {after} was stored and cannot be in force after version {before}:{}", listed(.faults))]
    CannotFollow {
        /// The one before.
        before: u32,
        /// The one that cannot follow it.
        after: u32,
        /// Why not.
        faults: Faults,
    },
    /// Nothing is active yet.
    #[error("no version of the program {0} has been activated")]
    None(ProgramName),
    /// The tables could not be read or written.
    #[error(transparent)]
    Fault(#[from] store::Fault),
    /// It was refused.
    #[error("{0}")]
    Refused(String),
}

impl From<runtime::Error> for ProgramError {
    fn from(error: runtime::Error) -> Self {
        match error {
            runtime::Error::Rejected(Rejection::TooEarly { earliest }) => Self::TooEarly { earliest },
            runtime::Error::Rejected(Rejection::CannotFollow { before, after, faults }) => {
                Self::CannotFollow { before, after, faults }
            }
            other => Self::Refused(other.cause()),
        }
    }
}

fn listed(faults: &Faults) -> String {
    let lines = faults.listed().iter().map(|fault| format!("\n  {} {} ({})", fault.path, fault.message, fault.code));
    let more = Some(faults.unlisted()).filter(|count| *count > 0).map(|count| format!("\n  and {count} more"));
    lines.chain(more).collect()
}

/// A version that was stored, and from when it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activated {
    /// Of which program.
    pub name: ProgramName,
    /// Its number.
    pub version: u32,
    /// From when; [`Instant::MIN`] for the first version.
    pub from: Instant,
}

impl fmt::Display for Activated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {} is in force from {}", self.name, self.version, start(self.from))
    }
}

fn start(from: Instant) -> String {
    if from == Instant::MIN { "the beginning of time".to_owned() } else { from.to_string() }
}

/// Activates the sample program where nothing was ever activated; answers its version then.
pub async fn ensure(app: &App) -> Result<Option<u32>, ProgramError> {
    let name = &app.config().program;
    if name.as_str() != SAMPLE_NAME || app.store().schedule(name).await?.is_some() {
        return Ok(None);
    }
    let unreadable = |error: serde_json::Error| ProgramError::Unreadable {
        path: "programs/wholesale.json".into(),
        reason: error.to_string(),
    };
    let document = serde_json::from_str(SAMPLE).map_err(unreadable)?;
    Ok(Some(activate(app, document, None, app.clock().now()).await?.version))
}

/// Notes where the walks over what falls due begin: nothing is filed before the first version is there, and everything
/// after it under what that makes of it. Where nobody did, all accounts are looked at by the first plan.
pub async fn note_first_day(app: &App) -> Result<(), store::Fault> {
    for walk in Walk::ALL {
        if app.store().first_open_day(walk).await?.is_none() {
            app.store().set_first_open_day(walk, app.clock().wall_day()).await?;
            app.store().set_filed_activation(walk, FIRST_ACTIVATION).await?;
        }
    }
    Ok(())
}

/// The JSON Schema of program documents, as `docs/program.schema.json` has it.
pub fn schema() -> String {
    format!("{:#}\n", domain::program::schema())
}

/// Reads a program document from a file.
pub fn document(path: &Path) -> Result<Value, ProgramError> {
    let unreadable = |reason: String| ProgramError::Unreadable { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    domain::document::parse(&bytes).map_err(|reason| unreadable(format!("not JSON: {reason}")))
}

/// Stores a document as the next version, unless it is the newest, and puts it in force from `from`, or from the
/// earliest instant possible: the two requests of the API, one after the other.
pub async fn activate(
    app: &App,
    document: Value,
    from: Option<Instant>,
    now: Instant,
) -> Result<Activated, ProgramError> {
    let (app, caller) = (app.with_clock(Clock::manual(now)), Caller::operator("guilder program activate"));
    let name = app.config().program.clone();
    let draft = Draft::read(document, &name).map_err(ProgramError::Faulty)?;
    let command = PostVersion { program: name.clone(), draft, key: None };
    let (version, _) = app.transact_program(&caller, &command).await?;
    if app.store().timeline(&name).await?.activations.is_empty() {
        note_first_day(&app).await?;
    }
    let command = PutActive { program: name.clone(), asked: Asked { version: version.number, from } };
    let (activation, _) = app.transact_program(&caller, &command).await?;
    app.forget_schedule().await;
    Ok(Activated { name, version: activation.version, from: activation.from })
}

/// The versions and the rules in force at `now`, for people.
pub async fn show(app: &App, now: Instant) -> Result<String, ProgramError> {
    let name = &app.config().program;
    let Planned { timeline, schedule } = app.store().planned(name).await?;
    let (schedule, in_force) = schedule.zip(timeline.at(now)).ok_or_else(|| ProgramError::None(name.clone()))?;
    let effective = timeline.effective();
    let mut text = format!("program {name}\n\n");
    for activation in &timeline.activations {
        let note = match activation {
            activation if *activation == in_force => "  in force",
            activation if !effective.contains(activation) => "  replaced",
            activation if activation.from > now => "  to come",
            _ => "",
        };
        line(&mut text, format_args!("  version {:<4} from {}{note}", activation.version, start(activation.from)));
    }
    line(&mut text, format_args!(""));
    rules(&mut text, &schedule.at(now).program);
    Ok(text)
}

fn rules(text: &mut String, program: &Program) {
    let money = |amount| Money { amount, currency: program.currency };
    let unknown = match program.unknown_account {
        UnknownAccount::Enrol => "are enrolled by their first order",
        UnknownAccount::Reject => "are refused",
    };
    line(text, format_args!("  currency {}, time zone {}", program.currency.code(), program.calendar.zone_name()));
    line(text, format_args!("  unknown accounts {unknown}"));
    let excluded: Vec<_> = program.excluded_skus.iter().map(|sku| sku.as_str()).collect();
    line(text, format_args!("  excluded SKUs: {}", excluded.join(", ")));
    match program.tax_basis {
        TaxBasis::AsStated => {}
        TaxBasis::Subtract => line(text, format_args!("  tax in amounts is not eligible")),
        TaxBasis::Add => line(text, format_args!("  tax on top of amounts is eligible")),
    }
    if program.shipping_is_eligible {
        line(text, format_args!("  shipping is eligible"));
    }
    for rule in program.earning.rules() {
        let effect = rule.effect.terms(program.currency);
        line(text, format_args!("  {}: {} ({effect}{})", rule.id, rule.name, terms::of_rule(rule)));
    }
    let days = program.points.pending_days;
    match program.points.expiry {
        Expiry::Fixed { months } => {
            line(text, format_args!("  points wait {days} days and end with the month {months} months later"));
        }
        Expiry::Inactivity { months } => {
            let activity = "the last order or gift";
            line(
                text,
                format_args!("  points wait {days} days and end with the month {months} months after {activity}"),
            );
        }
        Expiry::Never => line(text, format_args!("  points wait {days} days and do not end")),
    }
    line(text, format_args!("  points that a return finds spent {}", terms::of_shortfall(program.points.shortfall)));
    if program.points.until_paid {
        line(text, format_args!("  points of an order wait until it is paid, too"));
    }
    if let Some(exchange) = &program.points.exchange {
        self::exchange(text, exchange);
    }
    match program.returns.match_months {
        Some(months) => line(text, format_args!("  credit notes match orders of {months} months, their own included")),
        None => line(text, format_args!("  credit notes match orders of any age")),
    }
    tiers(text, program);
    for rule in &program.discounts {
        let percent = money::format_trimmed(rule.percent.0, Percent::DECIMALS);
        let (minimum, days) = (money(rule.minimum_total), rule.validity_days);
        line(text, format_args!("  {}: {percent} % for {days} days, from {minimum} ({})", rule.id, rule.name));
    }
    groups::groups(text, program);
    price_tables(text, program);
    for rule in &program.free_products {
        let FreeProduct { id, name, sku, quantity, .. } = rule;
        let minimum = money(rule.minimum_total);
        let more = terms::of_free_product(rule);
        line(text, format_args!("  {id}: {name}, {quantity} × {sku} free from {minimum}{more}"));
    }
    membership(text, program.membership);
    perks(text, program);
    for rule in &program.occasions {
        let OccasionRule { id, name, on, audience: of, gift } = rule;
        line(text, format_args!("  {id}: {name}, {}, {}: {}", day(on), audience(of), given(gift)));
    }
    rewards::rewards(text, program);
    if let Some(warned) = terms::of_warnings(&program.warnings) {
        line(text, format_args!("  {warned}"));
    }
    if let Some(rules) = &program.referral {
        referral(text, rules, &money(rules.minimum_total).to_string());
    }
    if let Some(PointValue { price, currency }) = program.metrics.point_value {
        let price = money::format_trimmed(price.0, UnitPrice::DECIMALS_MAX);
        line(text, format_args!("  metrics value a point at {price} {}", currency.code()));
    }
    if let Some(MarginRate(rate)) = program.metrics.margin_rate {
        let rate = money::format_trimmed(rate.0, Factor::DECIMALS);
        line(text, format_args!("  metrics take {rate} of revenue for the margin"));
    }
}

/// What points are worth, and how many of them an order takes.
fn exchange(text: &mut String, exchange: &Exchange) {
    let value = |value: &PointValue| {
        format!("{} {}", money::format_trimmed(value.price.0, UnitPrice::DECIMALS_MAX), value.currency.code())
    };
    line(text, format_args!("  a point is worth {}", value(&exchange.value)));
    for (tier, own) in &exchange.tiers {
        line(text, format_args!("    {:<16} {}", tier.as_str(), value(own)));
    }
    let most = exchange.maximum.map_or_else(|| "as many as there are".to_owned(), |maximum| maximum.to_string());
    line(text, format_args!("    an order takes from {} points to {most}", exchange.minimum));
}

/// How tiers are reached, kept and lost, and what each brings.
fn tiers(text: &mut String, program: &Program) {
    let tiers = &program.tiers;
    let at_review = if tiers.upgrade == Upgrade::AtReview { ", raised by reviews" } else { "" };
    let (metric, window) = (tiers.metric.in_words(), tiers.window.in_words());
    line(text, format_args!("  tiers by {metric} {window}{at_review}:"));
    for tier in tiers.levels.iter() {
        let multiplier = money::format_trimmed(tier.multiplier.0, Factor::DECIMALS);
        let reached = tier.threshold.map(|from| tiers.metric.measured(from, program.currency).to_string());
        let from = reached.map_or_else(|| "by invitation".to_owned(), |from| format!("from {from:>16}"));
        let off = tier.discount.map_or_else(String::new, |percent| {
            format!(", {} % off", money::format_trimmed(percent.0, Percent::DECIMALS))
        });
        let brings = tier.on_entry != Gift::default();
        let entry = if brings { format!(", {} on entering", given(&tier.on_entry)) } else { String::new() };
        let id = tier.id.as_str();
        line(text, format_args!("    {id:<16} {from:<21}   points × {multiplier}{off}{entry}"));
    }
    line(text, format_args!("    {}", terms::of_review(tiers.review)));
}

fn price_tables(text: &mut String, program: &Program) {
    for table in &program.price_tables {
        let goods = match &table.goods {
            Goods::Skus(skus) => format!("{} SKUs", skus.len()),
            Goods::Categories(categories) => format!("{} categories", categories.len()),
        };
        line(text, format_args!("  {}: {}, {goods} {}", table.id, table.name, audience(&table.audience)));
        for step in &table.steps {
            let price = match step.price {
                StepPrice::Unit(price) => money::format_trimmed(price.0, UnitPrice::DECIMALS_MAX),
                StepPrice::Off(percent) => format!("{} % off", money::format_trimmed(percent.0, Percent::DECIMALS)),
            };
            line(text, format_args!("    from {:>13}   {price}", step.from));
        }
    }
}

fn membership(text: &mut String, rules: MembershipRules) {
    match rules {
        MembershipRules::Open => {}
        MembershipRules::Approval => line(text, format_args!("  membership by approval")),
        MembershipRules::Invitation => line(text, format_args!("  membership by invitation")),
        MembershipRules::Paid(Fee { months, grace_days }) => {
            let grace = if grace_days > 0 { format!(", {grace_days} days of grace") } else { String::new() };
            line(text, format_args!("  membership paid for {months} months{grace}"));
        }
    }
}

fn perks(text: &mut String, program: &Program) {
    for perk in &program.perks {
        let after = Some(perk.after_days).filter(|days| *days > 0).map(|days| format!(", after {days} days"));
        let active = perk.activity_days.map(|days| format!(", while it orders within {days} days"));
        let counted = perk.allowance.map(|Allowance { count, per }| match per {
            Period::Months(months) => format!(", {count} times in {months} months"),
            Period::MembershipYear => format!(", {count} times in a year of membership"),
        });
        let more = [after, active, counted].map(Option::unwrap_or_default).concat();
        line(text, format_args!("  {}: {}, {}{more}", perk.id, perk.name, audience(&perk.audience)));
    }
}

/// Whom a rule is for.
fn audience(audience: &Audience) -> String {
    let tiers = audience.tiers.iter().map(ToString::to_string);
    let named: Vec<_> = tiers.chain(audience.segments.iter().map(ToString::to_string)).collect();
    if named.is_empty() { "for all".to_owned() } else { format!("for {}", named.join(", ")) }
}

/// On what an occasion comes.
fn day(on: &On) -> String {
    let listed = |listed: Vec<String>| listed.join(", ");
    match on {
        On::Welcome => "welcome".to_owned(),
        On::Birthday { contacts_per_year } => format!("birthdays of {contacts_per_year} contacts a year"),
        On::Anniversary { years } if years.is_empty() => "every anniversary".to_owned(),
        On::Anniversary { years } => format!("anniversary {}", listed(years.iter().map(u16::to_string).collect())),
        On::Date(dates) => format!("on {}", listed(dates.iter().map(ToString::to_string).collect())),
        On::NthOrder(Orders::Listed(orders)) => {
            format!("order {}", listed(orders.iter().map(u32::to_string).collect()))
        }
        On::NthOrder(Orders::Every(every)) => format!("every {every} orders"),
        On::Inactivity { days } => format!("{days} days without an order"),
    }
}

/// What is given.
fn given(gift: &Gift) -> String {
    let points = (gift.points > Points::ZERO).then(|| format!("{} points", gift.points));
    let discount = gift.discount.as_ref().map(|rule| {
        let percent = money::format_trimmed(rule.percent.0, Percent::DECIMALS);
        format!("{percent} % for {} days ({})", rule.validity_days, rule.id)
    });
    let given: Vec<_> = points.into_iter().chain(discount).collect();
    if given.is_empty() { "nothing".to_owned() } else { given.join(" and ") }
}

fn referral(text: &mut String, rules: &ReferralRules, minimum: &str) {
    let enrolment = match rules.enrolment {
        Enrolment::Open => "take part at once",
        Enrolment::Approval => "wait for approval",
    };
    let consent = if rules.consent_required { "must consent" } else { "need not consent" };
    line(text, format_args!("  referrals: prospects {enrolment}, {consent}; welcome: {}", given(&rules.welcome)));
    let (within, window) = (rules.within_days, rules.return_window_days);
    line(
        text,
        format_args!("    an order from {minimum} within {within} days qualifies; rewarded {window} days later"),
    );
    for step in &rules.steps {
        line(text, format_args!("    from referral {:>5}  {}", step.from, given(&step.gift)));
    }
    let after = match rules.after_return {
        AfterReturn::TakeBack => "is taken back",
        AfterReturn::Keep => "stays",
    };
    line(text, format_args!("    a reward whose order comes back after that {after}"));
}

/// Writing to a `String` cannot fail.
fn line(text: &mut String, content: fmt::Arguments<'_>) {
    let _ = writeln!(text, "{content}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Cloud, Options, Storage};

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn sample(from: &str, to: &str) -> Value {
        serde_json::from_str(&SAMPLE.replace(from, to)).unwrap()
    }

    #[tokio::test]
    async fn a_version_takes_effect_two_minutes_ahead_and_the_first_at_all_times() {
        let cloud = Cloud::open(Options::new(Storage::Memory)).await.unwrap();
        let app = cloud.app("order-placed").unwrap();
        let now = at("2026-05-20T12:00:00Z");
        assert!(matches!(show(app, now).await, Err(ProgramError::None(_))));
        let mut activated = Vec::new();
        for (percent, from) in
            [("5", Some("2030-01-01T00:00:00Z")), ("6", None), ("7", Some("2026-05-20T12:02:00Z")), ("7", None)]
        {
            let document = sample("\"percent\": \"5\"", &format!("\"percent\": \"{percent}\""));
            activated.push(activate(app, document, from.map(at), now).await.unwrap().to_string());
        }
        let expected = [
            "wholesale version 1 is in force from the beginning of time",
            "wholesale version 2 is in force from 2026-05-20T12:02:00Z",
            "wholesale version 3 is in force from 2026-05-20T12:02:00Z",
            // The newest again, as soon as possible: it is on its way.
            "wholesale version 3 is in force from 2026-05-20T12:02:00Z",
        ];
        assert_eq!(activated, expected);
        let refused = activate(app, sample("", ""), Some(at("2026-05-20T12:01:59Z")), now).await.unwrap_err();
        assert!(matches!(refused, ProgramError::TooEarly { earliest } if earliest == at("2026-05-20T12:02:00Z")));
        assert_eq!(ensure(app).await.unwrap(), None);
        insta::assert_snapshot!(show(app, now).await.unwrap());
        // It would be in the place of the other two.
        let euros = activate(app, sample("\"GBP\"", "\"EUR\""), None, now).await.unwrap_err().to_string();
        let expected = "version 5 was stored and cannot be in force after version 1:\
            \n  $.currency must stay GBP: accounts hold spend in it (conflict)";
        assert_eq!(euros, expected);
    }

    #[test]
    fn the_schema_that_is_printed_is_the_published_one() {
        assert!(
            schema() == include_str!("../../../docs/program.schema.json"),
            "the test `schema` of `domain` says more"
        );
    }

    #[tokio::test]
    async fn every_fault_is_named_with_its_path() {
        let cloud = Cloud::open(Options::new(Storage::Memory)).await.unwrap();
        let app = cloud.app("order-placed").unwrap();
        let faulty = SAMPLE.replace("\"per\": \"1.00\"", "\"per\": 1").replace("\"GBP\"", "\"Pound\"");
        let faulty = activate(app, serde_json::from_str(&faulty).unwrap(), None, Instant::MIN).await.unwrap_err();
        let expected = "the program has faults:\
            \n  $.currency must be an ISO 4217 currency code in capitals (unknown_currency)\
            \n  $.earning_rules[0].per must be a decimal string such as \"12.50\", not a number (wrong_type)";
        assert_eq!(faulty.to_string(), expected);
        let foreign = activate(app, sample("\"wholesale\"", "\"retail\""), None, Instant::MIN).await.unwrap_err();
        let expected = "the program has faults:\n  $.name must be wholesale, the program that runs here (conflict)";
        assert_eq!(foreign.to_string(), expected);
        assert_eq!(app.store().newest_version(&app.config().program).await.unwrap(), None);
    }
}
