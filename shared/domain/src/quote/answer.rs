//! The answer of `POST /v1/quotes`.

use super::Cart;
use super::codes::{Held, Origin};
use super::line::PricedLine;
use super::points::PointsLimit;
use super::pricing::{Pricing, Verdict};
use super::words;
use crate::code::Code;
use crate::decision::Context;
use crate::discount::{TakesOff, Unusable};
use crate::free_products::FreeProductReceipt;
use crate::id::{AccountId, LineId, RuleId, Sku, TierId};
use crate::money::{self, Currency, Minor, Money, Overflow, Percent, Points, UnitPrice};
use crate::order::LinePrice;
use crate::prices;
use crate::receipt::{self, IneligibleLine, Reason, TierStep};
use crate::score::ScoredOrder;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// What a cart costs and what its order would earn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quote {
    /// Whose cart.
    pub account_id: AccountId,
    /// The instant it is true at.
    pub as_of: Instant,
    /// The program version that says so.
    pub program_version: u32,
    /// Currency of every amount.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub currency: Currency,
    /// The tier that the account holds.
    pub tier: TierId,
    /// The lines, as the order should state them.
    pub lines: Vec<QuotedLine>,
    /// The standing discount of the tier; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier_discount: Option<TierDiscountQuote>,
    /// Every open discount of the account, and the shared codes that it names, the earliest end first.
    pub discounts: Vec<DiscountQuote>,
    /// Codes that are applied: what the order should name.
    pub discount_codes: Vec<Code>,
    /// Codes that were named and cannot be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codes_refused: Vec<RefusedCode>,
    /// What points pay; absent where nobody asks and the program does not say what they are worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<PointsQuote>,
    /// Products that the order is entitled to besides.
    pub free_products: Vec<FreeProductReceipt>,
    /// What the order would earn; absent where it would be refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earns: Option<EarnedQuote>,
    /// Why the order would be refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_refused: Option<ReasonQuote>,
    /// What all of it comes to.
    pub totals: Totals,
}

/// One line of a cart. Amounts are decimals of the quote's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuotedLine {
    /// Its number in the cart.
    pub line_id: LineId,
    /// What is bought.
    pub sku: Sku,
    /// How many.
    pub quantity: u64,
    /// What they come to at the shop's own price.
    pub list_amount: String,
    /// What the order states as `unit_price`, where the cart does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<String>,
    /// What the order states as `amount`, where the cart does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// The price table whose step it reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_table: Option<RuleId>,
    /// How much less that is than at the shop's own price.
    pub price_table_saved: String,
    /// What the shop takes off by itself.
    pub own_discount: String,
    /// Its share of the standing discount of the tier.
    pub tier_discount: String,
    /// Its share of each code that is applied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<CodeShare>,
    /// All of these but the table, and what points pay: what the order states as `discount`.
    pub discount: String,
    /// What of that is by the program, the tier's and that of all codes: what the order states as `program_discount`.
    pub program_discount: String,
    /// Its share of what points pay: what the order states as `paid_with_points`.
    pub paid_with_points: String,
    /// What the order states as `tax`, where the cart states any: in proportion to what is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax: Option<String>,
    /// What is left to pay in money.
    pub to_pay: String,
}

/// What a code takes off a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CodeShare {
    /// Which.
    pub code: Code,
    /// How much.
    pub value: String,
}

/// A reason, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReasonQuote {
    /// What a program switches on.
    pub reason: &'static str,
    /// The same in plain English.
    pub text: String,
}

/// The standing discount of the tier held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TierDiscountQuote {
    /// Which tier.
    pub tier: TierId,
    /// What it takes off every price, in percent.
    pub percent: String,
    /// Whether it is applied.
    pub applied: bool,
    /// What it takes off this cart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// Why it is not applied.
    #[serde(flatten)]
    pub why_not: Option<ReasonQuote>,
}

/// A discount that the account may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiscountQuote {
    /// What the customer types.
    pub code: Code,
    /// The rule that issued it to the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    /// Many accounts may use it: no rule issued it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// Its name for customers, where the program in force still has the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it takes off, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<String>,
    /// What it takes off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// What the goods must come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_order: Option<Money>,
    /// Of the discounts of this group one at most is applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<RuleId>,
    /// The first instant at which it is void; absent where it has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// Whether it is applied.
    pub applied: bool,
    /// What it takes off this cart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// What it would take off if it alone were named; it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worth_alone: Option<Money>,
    /// Why it cannot be applied.
    #[serde(flatten)]
    pub why_not: Option<ReasonQuote>,
}

/// A code that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefusedCode {
    /// As named.
    pub code: Code,
    /// Such as `used`. Somebody else's is unknown.
    pub reason: Unusable,
    /// The same in plain English.
    pub text: &'static str,
}

/// What points pay of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PointsQuote {
    /// How many the account can spend: those that other carts hold are not among them.
    pub balance: Points,
    /// What a point is worth to its tier; absent where the program does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// Fewest points that one order takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Points>,
    /// Most points that one order takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Points>,
    /// Most points that this cart takes now.
    pub usable: Points,
    /// What these are worth.
    pub usable_value: Money,
    /// How many are spent.
    pub used: Points,
    /// What they pay.
    pub value: Money,
    /// Why they are not as many as were wished.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limited_by: Vec<ReasonQuote>,
}

/// What the order would earn, by the same decision as the order itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EarnedQuote {
    /// What its eligible lines come to.
    pub eligible_total: Money,
    /// Points.
    pub points: Points,
    /// From when they can be spent, if not at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_at: Option<Instant>,
    /// They wait until the order is paid.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub until_paid: bool,
    /// When they end; absent where they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// The tier before and after.
    pub tier: TierStep,
    /// Rules that would issue a discount for an order to come.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<RuleId>,
    /// Every rule with what would become of it.
    pub reasons: Vec<Reason>,
    /// Lines that neither earn nor qualify.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ineligible_lines: Vec<IneligibleLine>,
}

/// What a cart comes to, in the order in which it is taken off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Totals {
    /// All lines at the shop's own prices.
    pub list: Money,
    /// Less by price tables.
    pub price_tables: Money,
    /// What the shop takes off lines by itself.
    pub own_discounts: Money,
    /// What the standing discount of the tier takes off.
    pub tier_discount: Money,
    /// What all codes take off.
    pub discounts: Money,
    /// What points pay.
    pub points: Money,
    /// Shipping, as stated.
    pub shipping: Money,
    /// What is left to pay in money, shipping included.
    pub to_pay: Money,
}

/// Renders a priced cart; `scored` is the order that it comes to.
pub(super) fn quote(
    pricing: &Pricing<'_>,
    cart: &Cart,
    scored: Option<&ScoredOrder>,
    context: &Context<'_>,
) -> Result<Quote, Overflow> {
    let currency = cart.order.currency;
    let receipt = scored.map(|scored| receipt::receipt(scored, pricing.program())).transpose()?;
    let discounts = pricing.codes.held.iter().map(|held| discount(pricing, held, cart));
    let refused = pricing.codes.refused.iter().map(|(code, reason)| RefusedCode {
        code: code.clone(),
        reason: *reason,
        text: words::unusable(*reason),
    });
    let lines = pricing.lines.iter().map(|line| quoted_line(line, pricing, currency));
    let status = pricing.account.status;
    Ok(Quote {
        account_id: pricing.account.id.clone(),
        as_of: context.now,
        program_version: pricing.activation.version,
        currency,
        tier: pricing.account.tier.clone(),
        lines: lines.collect::<Result<_, _>>()?,
        tier_discount: tier_discount(pricing, context.now, currency),
        discounts: discounts.collect::<Result<_, _>>()?,
        discount_codes: pricing.applied.iter().map(|(code, _)| code.clone()).collect(),
        codes_refused: refused.collect(),
        points: points(pricing, cart)?,
        free_products: receipt.as_ref().map(|receipt| receipt.free_products.clone()).unwrap_or_default(),
        earns: receipt.map(|receipt| earned(receipt, pricing)),
        order_refused: (!pricing.takes_part()).then(|| words::not_active(status)),
        totals: totals(pricing, cart)?,
    })
}

fn quoted_line(line: &PricedLine<'_>, pricing: &Pricing<'_>, currency: Currency) -> Result<QuotedLine, Overflow> {
    let text = |amount| money::format_money(amount, currency);
    let ordered = line.ordered(currency)?;
    let (unit_price, amount) = match ordered.price {
        LinePrice::UnitPrice(price) => (Some(prices::unit_price_text(price, currency)), None),
        LinePrice::Amount(amount) => (None, Some(text(amount))),
    };
    let shares = pricing.applied.iter().zip(&line.codes);
    let shares = shares.map(|((code, _), value)| CodeShare { code: code.clone(), value: text(*value) });
    Ok(QuotedLine {
        line_id: ordered.line_id,
        sku: ordered.sku,
        quantity: ordered.quantity,
        list_amount: text(line.list),
        unit_price,
        amount,
        price_table: line.table.map(|table| table.id.clone()),
        price_table_saved: text(line.saved),
        own_discount: text(line.own_discount),
        tier_discount: text(line.tier),
        discounts: shares.collect(),
        discount: text(ordered.discount),
        program_discount: text(ordered.program_discount),
        paid_with_points: text(ordered.paid_with_points),
        tax: ordered.tax.map(text),
        to_pay: text(line.left),
    })
}

fn tier_discount(pricing: &Pricing<'_>, now: Instant, currency: Currency) -> Option<TierDiscountQuote> {
    let percent = pricing.program().tiers.get(&pricing.account.tier).discount?;
    let why_not = match pricing.tier {
        Some(_) => None,
        None if !pricing.takes_part() => Some(words::not_active(pricing.account.status)),
        None => Some(match pricing.in_place_of_tier() {
            Some(code) => words::excluded(Some(code)),
            None => words::no_member(pricing.account.member_state(pricing.program(), now)),
        }),
    };
    Some(TierDiscountQuote {
        tier: pricing.account.tier.clone(),
        percent: percent_text(percent),
        applied: pricing.tier.is_some(),
        value: pricing.tier.map(|amount| Money { amount, currency }),
        why_not,
    })
}

fn percent_text(percent: Percent) -> String {
    money::format_trimmed(percent.0, Percent::DECIMALS)
}

fn discount(pricing: &Pricing<'_>, held: &Held, cart: &Cart) -> Result<DiscountQuote, Overflow> {
    let money = |amount| Money { amount, currency: cart.order.currency };
    let offer = &held.offer;
    let (percent, amount) = match offer.takes_off {
        TakesOff::Percent(percent) => (Some(percent_text(percent)), None),
        TakesOff::Amount(amount) => (None, Some(money(amount))),
    };
    let verdict = pricing.verdict(held, &cart.codes)?;
    let (value, worth_alone, why_not) = match verdict {
        Verdict::Applied(value) => (Some(money(value)), None, None),
        Verdict::Offered(worth) => (None, Some(money(worth)), None),
        Verdict::Not(why) => (None, None, Some(words::why_not(&why, cart.order.currency))),
    };
    let (shared, name) = match &held.origin {
        Origin::Rule(rule) => (false, pricing.program().discount_named(rule).map(|rule| rule.name.to_owned())),
        Origin::Shared(name) => (true, Some(name.clone())),
    };
    Ok(DiscountQuote {
        code: offer.code.clone(),
        rule: held.rule().cloned(),
        shared,
        name,
        percent,
        amount,
        minimum_order: Some(held.minimum).filter(|minimum| *minimum > Minor::ZERO).map(money),
        group: offer.group.clone(),
        expires_at: Some(offer.expires_at).filter(|end| *end < Instant::NEVER),
        applied: value.is_some(),
        value,
        worth_alone,
        why_not,
    })
}

fn points(pricing: &Pricing<'_>, cart: &Cart) -> Result<Option<PointsQuote>, Overflow> {
    let exchange = pricing.program().points.exchange.as_ref();
    if exchange.is_none() && cart.points.is_none() {
        return Ok(None);
    }
    let limits = match (exchange, cart.points) {
        (_, None) => Vec::new(),
        (_, Some(_)) if !pricing.takes_part() => vec![words::not_active(pricing.account.status)],
        (None, Some(_)) => vec![words::limit(PointsLimit::NoExchange)],
        (Some(_), Some(_)) => pricing.points.limits.iter().copied().map(words::limit).collect(),
    };
    let money = |amount| Money { amount, currency: cart.order.currency };
    let rate = exchange.map(|exchange| exchange.rate(&pricing.account.tier).price.0);
    Ok(Some(PointsQuote {
        balance: pricing.balance()?,
        rate: rate.map(|rate| money::format_trimmed(rate, UnitPrice::DECIMALS_MAX)),
        minimum: exchange.map(|exchange| exchange.minimum),
        maximum: exchange.and_then(|exchange| exchange.maximum),
        usable: pricing.most.used,
        usable_value: money(pricing.most.value),
        used: pricing.points.used,
        value: money(pricing.points.value),
        limited_by: limits,
    }))
}

/// What the receipt of the order would say, without the codes that it would make: they are of its number.
fn earned(receipt: receipt::Receipt, pricing: &Pricing<'_>) -> EarnedQuote {
    let mut reasons = receipt.reasons;
    for reason in &mut reasons {
        let Some(code) = reason.discount.take() else { continue };
        let rule = pricing.program().discounts.iter().find(|rule| rule.id.as_str() == reason.rule);
        reason.text = match rule.filter(|_| reason.id == "discount.issued") {
            Some(rule) => format!("{}: the order will issue one.", rule.name),
            None => reason.text.replace(&format!(", code {code}"), ""),
        };
    }
    EarnedQuote {
        eligible_total: receipt.eligible_total,
        points: receipt.points,
        available_at: receipt.available_at,
        until_paid: receipt.until_paid,
        expires_at: receipt.expires_at,
        tier: receipt.tier,
        discounts: receipt.discounts_issued.into_iter().map(|issued| issued.rule).collect(),
        reasons,
        ineligible_lines: receipt.ineligible_lines,
    }
}

pub(super) fn totals(pricing: &Pricing<'_>, cart: &Cart) -> Result<Totals, Overflow> {
    let money = |amount| Money { amount, currency: cart.order.currency };
    let sum = |of: fn(&PricedLine<'_>) -> Minor| Minor::sum(pricing.lines.iter().map(of)).map(money);
    let shipping = cart.order.shipping.unwrap_or(Minor::ZERO);
    let left = sum(|line| line.left)?;
    Ok(Totals {
        list: sum(|line| line.list)?,
        price_tables: sum(|line| line.saved)?,
        own_discounts: sum(|line| line.own_discount)?,
        tier_discount: sum(|line| line.tier)?,
        discounts: money(Minor::sum(pricing.applied.iter().map(|(_, value)| *value))?),
        points: sum(|line| line.points)?,
        shipping: money(shipping),
        to_pay: money(left.amount.plus(shipping)?),
    })
}
