//! The rules of a program for people: every section of its document, and every value in it.
//!
//! What it is made of is taken apart field by field, so that a new one cannot be left out unnoticed.

use super::benefits;
use super::terms;
use super::words::{factor, listed, of_group, percent, price};
use domain::earning::TaxBasis;
use domain::expiry::Expiry;
use domain::membership::{Fee, MembershipRules};
use domain::program::{
    CheckoutRules, Exchange, GivenBack, Ladder, MarginRate, MetricsRules, PointValue, PointsRules, Program,
    ReturnRules, Tier, Tiers, UnknownAccount, Upgrade,
};
use domain::referral::rules::Gift;
use domain::warning::WarningRules;
use domain::words::counted;
use std::fmt::{self, Write};

/// A text of sections: a title each, and lines that stand in from it.
#[derive(Default)]
pub(super) struct Page {
    text: String,
}

impl Page {
    pub(super) fn section(&mut self, title: &str) {
        self.write(format_args!("\n{title}"));
    }

    pub(super) fn line(&mut self, content: fmt::Arguments<'_>) {
        self.write(format_args!("  {content}"));
    }

    /// A rule by its id and its name for customers, and below them its terms.
    pub(super) fn rule(&mut self, id: &impl fmt::Display, name: &str, terms: &str) {
        self.line(format_args!("{id}: {name}"));
        self.term(format_args!("{terms}"));
    }

    pub(super) fn term(&mut self, content: fmt::Arguments<'_>) {
        self.write(format_args!("      {content}"));
    }

    /// Writing to a `String` cannot fail.
    fn write(&mut self, content: fmt::Arguments<'_>) {
        let _ = writeln!(self.text, "{content}");
    }
}

/// All rules of a program.
pub(super) fn rules(program: &Program) -> String {
    let mut page = Page::default();
    basics(&mut page, program);
    let Program {
        name: _,
        currency: _,
        calendar: _,
        unknown_account: _,
        membership: _,
        excluded_skus: _,
        tax_basis: _,
        shipping_is_eligible: _,
        paid_with: _,
        checkout,
        earning,
        points,
        returns,
        tiers,
        discounts,
        price_tables,
        free_products,
        perks,
        occasions,
        rewards,
        warnings,
        referral,
        metrics,
    } = program;
    page.section("earning rules");
    for rule in earning.rules() {
        page.rule(&rule.id, &rule.name, &terms::of_rule(rule, program));
    }
    self::points(&mut page, points);
    self::returns(&mut page, returns);
    self::tiers(&mut page, tiers, program);
    benefits::discounts(&mut page, discounts, program);
    self::checkout(&mut page, *checkout);
    benefits::price_tables(&mut page, price_tables, program);
    benefits::free_products(&mut page, free_products, program);
    benefits::perks(&mut page, perks);
    benefits::occasions(&mut page, occasions);
    benefits::rewards(&mut page, rewards, program);
    if let Some(referral) = referral {
        benefits::referrals(&mut page, referral, program);
    }
    self::warnings(&mut page, warnings);
    self::metrics(&mut page, *metrics);
    page.text
}

/// What the program is about: whose money, whose time, who takes part with what.
fn basics(page: &mut Page, program: &Program) {
    let Program {
        currency,
        calendar,
        unknown_account,
        membership,
        excluded_skus,
        tax_basis,
        shipping_is_eligible,
        paid_with,
        ..
    } = program;
    page.section("program");
    page.line(format_args!("currency {}, time zone {}", currency.code(), calendar.zone_name()));
    page.line(format_args!(
        "unknown accounts {}",
        match unknown_account {
            UnknownAccount::Enrol => "are enrolled by their first order",
            UnknownAccount::Reject => "are refused",
        }
    ));
    match *membership {
        MembershipRules::Open => page.line(format_args!("membership: whoever is enrolled is a member")),
        MembershipRules::Approval => page.line(format_args!("membership by approval")),
        MembershipRules::Invitation => page.line(format_args!("membership by invitation")),
        MembershipRules::Paid(Fee { months, grace_days }) => {
            let grace = match grace_days {
                0 => String::new(),
                days => format!(", and {} of grace", counted(days, "day")),
            };
            page.line(format_args!("membership paid for {}{grace}", counted(months, "month")));
        }
    }
    match excluded_skus.is_empty() {
        true => page.line(format_args!("every SKU is eligible")),
        false => page.line(format_args!("SKUs that are not eligible: {}", listed(excluded_skus))),
    }
    page.line(format_args!(
        "{}; shipping is {}",
        match tax_basis {
            TaxBasis::AsStated => "amounts are eligible as they are stated, whatever their tax",
            TaxBasis::Subtract => "tax in amounts is not eligible",
            TaxBasis::Add => "tax on top of amounts is eligible",
        },
        if *shipping_is_eligible { "eligible" } else { "not eligible" }
    ));
    let counted =
        [(paid_with.points, "what is paid with points"), (paid_with.discounts, "what its discounts take off")];
    for (_, what) in counted.iter().filter(|(counts, _)| *counts) {
        page.line(format_args!("{what} counts as if it were paid in money"));
    }
}

fn checkout(page: &mut Page, rules: CheckoutRules) {
    page.section("checkout");
    page.line(format_args!("a reservation holds for {}", counted(rules.hold_minutes, "minute")));
    let given_back = match rules.discounts_given_back {
        GivenBack::Cancelled => "can be used again once the order that used them is cancelled",
        GivenBack::Returned => "can be used again once the order that used them is cancelled or has come back whole",
        GivenBack::Never => "stay used, whatever becomes of the order that used them",
    };
    page.line(format_args!("discounts {given_back}"));
}

fn points(page: &mut Page, rules: &PointsRules) {
    let PointsRules { expiry, pending_days, until_paid, shortfall, exchange } = rules;
    page.section("points");
    match (pending_days, until_paid) {
        (0, false) => page.line(format_args!("can be spent at once")),
        (0, true) => page.line(format_args!("can be spent once their order is paid")),
        (days, false) => page.line(format_args!("can be spent after {}", counted(days, "day"))),
        (days, true) => {
            page.line(format_args!("can be spent after {}, and not before their order is paid", counted(days, "day")));
        }
    }
    match expiry {
        Expiry::Fixed { months } => {
            page.line(format_args!(
                "end with the month {} after the one they were earned in",
                counted(months, "month")
            ));
        }
        Expiry::Inactivity { months } => page.line(format_args!(
            "end with the month {} after the one of the last order or gift",
            counted(months, "month")
        )),
        Expiry::Never => page.line(format_args!("do not end")),
    }
    page.line(format_args!("those that a return finds spent {}", terms::of_shortfall(*shortfall)));
    if let Some(exchange) = exchange {
        self::exchange(page, exchange);
    }
}

/// What points are worth, and how many of them an order takes.
fn exchange(page: &mut Page, exchange: &Exchange) {
    let Exchange { value, tiers, minimum, maximum } = exchange;
    let worth = |PointValue { price: of, currency }: &PointValue| price(*of, *currency);
    page.line(format_args!("a point is worth {}", worth(value)));
    for (tier, own) in tiers {
        page.term(format_args!("{} to the tier {tier}", worth(own)));
    }
    let most = maximum.map_or_else(|| "as many as there are".to_owned(), |most| most.to_string());
    page.line(format_args!("to be spent on one order: from {minimum} to {most}"));
}

fn returns(page: &mut Page, rules: &ReturnRules) {
    let ReturnRules { match_months } = rules;
    page.section("returns");
    match match_months {
        Some(months) => {
            page.line(format_args!("credit notes match orders of {}, their own included", counted(months, "month")))
        }
        None => page.line(format_args!("credit notes match orders of any age")),
    }
}

/// How tiers are reached, kept and lost, and what each brings.
fn tiers(page: &mut Page, tiers: &Tiers, program: &Program) {
    let Tiers { metric, window, upgrade, levels, review, discount_group } = tiers;
    page.section("tiers");
    let raised = match upgrade {
        Upgrade::AtOnce => "at once",
        Upgrade::AtReview => "by the next review",
    };
    page.line(format_args!("reached by {} {}, {raised}", metric.in_words(), window.in_words()));
    if let Some(group) = discount_group {
        page.line(format_args!("what they take off every price{}", of_group(Some(group))));
    }
    let Ladder { lowest: _, above: _ } = levels;
    for tier in levels.iter() {
        let Tier { id, name, threshold, multiplier, discount, on_entry } = tier;
        let reached = threshold.map(|from| metric.measured(from, program.currency).to_string());
        let from = reached.map_or_else(|| "by invitation".to_owned(), |from| format!("from {from:>16}"));
        let off = discount.map(|off| format!(", {} off every price", percent(off)));
        let entry = (*on_entry != Gift::default()).then(|| format!(", {} on entering", benefits::given(on_entry)));
        let more = [off, entry].map(Option::unwrap_or_default).concat();
        page.line(format_args!("  {:<16} {from:<21}   points × {}{more}  ({name})", id.as_str(), factor(*multiplier)));
    }
    page.line(format_args!("{}", terms::of_review(*review)));
}

/// How many days ahead is warned of what.
fn warnings(page: &mut Page, rules: &WarningRules) {
    let WarningRules { discount_expiring_days, points_expiring_days, tier_at_risk_days, membership_ending_days } =
        rules;
    let kinds = [
        ("the end of a discount", discount_expiring_days),
        ("the end of points", points_expiring_days),
        ("the loss of a tier", tier_at_risk_days),
        ("the end of a membership", membership_ending_days),
    ];
    let warned: Vec<_> = kinds.into_iter().filter(|(_, days)| !days.is_empty()).collect();
    if warned.is_empty() {
        return;
    }
    page.section("warnings");
    for (what, days) in warned {
        page.line(format_args!("{} days before {what}", listed(days.iter().rev())));
    }
}

fn metrics(page: &mut Page, rules: MetricsRules) {
    let MetricsRules { point_value, margin_rate } = rules;
    if point_value.is_none() && margin_rate.is_none() {
        return;
    }
    page.section("metrics");
    if let Some(PointValue { price: of, currency }) = point_value {
        page.line(format_args!("a point is valued at {}", price(of, currency)));
    }
    if let Some(MarginRate(rate)) = margin_rate {
        page.line(format_args!("the margin is {} of revenue", factor(rate)));
    }
}
