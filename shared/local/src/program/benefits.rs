//! What a program gives besides points, for people: discounts, prices, products, perks, rewards, gifts.

use super::rules::Page;
use super::words::{audience, listed, named, of_group, percent, price};
use domain::free_products::FreeProduct;
use domain::money::{Money, Points};
use domain::occasions::{OccasionRule, On, Orders};
use domain::perks::{Allowance, Period, Perk, PerkKind};
use domain::prices::{self, PriceTable, Step, StepPrice};
use domain::program::{DiscountRule, Program};
use domain::referral::rules::{self, AfterReturn, Enrolment, Gift, GiftDiscount, ReferralRules};
use domain::rewards::{Goods, PerAccount, PerkUsesBought, Reward, RewardKind, RewardPeriod, RewardPrice};
use domain::time::Instant;
use domain::words::counted;
use std::fmt::Display;

pub(super) fn discounts(page: &mut Page, discounts: &[DiscountRule], program: &Program) {
    title(page, "discounts for the next purchase", discounts);
    for DiscountRule { id, name, minimum_total, percent: off, validity_days, group } in discounts {
        let minimum = Money { amount: *minimum_total, currency: program.currency };
        let days = counted(validity_days, "day");
        let (off, group) = (percent(*off), of_group(group.as_ref()));
        page.rule(id, name, &format!("{off} for {days}, issued by an order from {minimum} on{group}"));
    }
}

/// The title of a section that has something in it.
fn title<T>(page: &mut Page, title: &str, content: &[T]) {
    if !content.is_empty() {
        page.section(title);
    }
}

pub(super) fn price_tables(page: &mut Page, tables: &[PriceTable], program: &Program) {
    title(page, "prices by quantity", tables);
    for PriceTable { id, name, goods, audience: of, steps } in tables {
        let goods = match goods {
            prices::Goods::Skus(skus) => named("SKU", &skus.iter().collect::<Vec<_>>()),
            prices::Goods::Categories(categories) => match categories.len() {
                1 => format!("the category {}", listed(categories)),
                _ => format!("the categories {}", listed(categories)),
            },
        };
        page.rule(id, name, &format!("{goods}, {}", audience(of)));
        for Step { from, price: step } in steps {
            let costs = match step {
                StepPrice::Unit(unit) => price(*unit, program.currency),
                StepPrice::Off(off) => format!("{} off", percent(*off)),
            };
            page.term(format_args!("from {from:>9}   {costs}"));
        }
    }
}

pub(super) fn free_products(page: &mut Page, rules: &[FreeProduct], program: &Program) {
    title(page, "free products", rules);
    for FreeProduct { id, name, sku, quantity, minimum_total, audience: of, from, until } in rules {
        let minimum = Money { amount: *minimum_total, currency: program.currency };
        let (whom, when) = (audience(of), lasting(*from, *until, program));
        page.rule(id, name, &format!("{quantity} × {sku} with an order from {minimum} on, {whom}{when}"));
    }
}

/// Between which instants a rule holds, if it says so.
fn lasting(from: Option<Instant>, until: Option<Instant>, program: &Program) -> String {
    let from = from.map(|from| format!(", {}", program.calendar.from_in_words(from)));
    let until = until.map(|until| format!(", {}", program.calendar.until_in_words(until)));
    [from, until].map(Option::unwrap_or_default).concat()
}

pub(super) fn perks(page: &mut Page, perks: &[Perk]) {
    title(page, "perks", perks);
    for Perk { id, name, kind, description, audience: of, after_days, activity_days, allowance } in perks {
        let kind = PerkKind::ALL.iter().find(|(_, own)| own == kind).map_or("other", |(name, _)| name);
        let terms = [
            Some(format!("{}, {}", kind.replace('_', " "), audience(of))),
            (*after_days > 0).then(|| format!("after {} of membership", counted(after_days, "day"))),
            activity_days.map(|days| format!("while it orders within {}", counted(days, "day"))),
            allowance.map(|Allowance { count, per }| format!("{} {}", counted(count, "time"), period(per))),
        ];
        page.rule(id, name, &listed(terms.into_iter().flatten()));
        described(page, description.as_deref());
    }
}

fn period(per: Period) -> String {
    match per {
        Period::Months(1) => "in a calendar month".to_owned(),
        Period::Months(12) => "in a calendar year".to_owned(),
        Period::Months(months) => format!("in {months} calendar months"),
        Period::MembershipYear => "in a year of membership".to_owned(),
    }
}

fn described(page: &mut Page, description: Option<&str>) {
    if let Some(description) = description {
        page.term(format_args!("“{description}”"));
    }
}

pub(super) fn occasions(page: &mut Page, rules: &[OccasionRule]) {
    title(page, "occasions", rules);
    for OccasionRule { id, name, on, audience: of, gift } in rules {
        page.rule(id, name, &format!("{}, {}: {}", day(on), audience(of), given(gift)));
    }
}

/// On what an occasion comes.
fn day(on: &On) -> String {
    match on {
        On::Welcome => "on enrolling".to_owned(),
        On::Birthday { contacts_per_year } => {
            format!("on the birthdays of {} a year", counted(contacts_per_year, "contact"))
        }
        On::Anniversary { years } if years.is_empty() => "on every anniversary of joining".to_owned(),
        On::Anniversary { years } => format!("on anniversaries of joining: {}", numbered("year", years)),
        On::Date(dates) => format!("on {}", listed(dates)),
        On::NthOrder(Orders::Listed(orders)) => format!("with {}", numbered("order", orders)),
        On::NthOrder(Orders::Every(every)) => format!("with every {every} orders"),
        On::Inactivity { days } => format!("after {} without an order", counted(days, "day")),
    }
}

/// `order 10`, `orders 10, 20`.
fn numbered<T: Display>(what: &str, numbers: &[T]) -> String {
    let plural = if numbers.len() == 1 { "" } else { "s" };
    format!("{what}{plural} {}", listed(numbers))
}

/// What is given.
pub(super) fn given(gift: &Gift) -> String {
    let Gift { points, discount } = gift;
    let points = (*points > Points::ZERO).then(|| counted(points, "point"));
    let discount = discount.as_ref().map(|GiftDiscount { id, name, percent: off, validity_days, group }| {
        let (off, group) = (percent(*off), of_group(group.as_ref()));
        format!("{off} for {} ({id}: {name}{group})", counted(validity_days, "day"))
    });
    let given: Vec<_> = points.into_iter().chain(discount).collect();
    if given.is_empty() { "nothing".to_owned() } else { given.join(" and ") }
}

pub(super) fn rewards(page: &mut Page, rewards: &[Reward], program: &Program) {
    title(page, "rewards", rewards);
    for Reward { id, name, description, kind, price, stock, from, until, per_account, audience: of } in rewards {
        let RewardPrice { points, by_tier } = price;
        let own = by_tier.iter().map(|(tier, own)| format!("{own} for the tier {tier}"));
        let terms = [bought(kind), counted(points, "point")].into_iter().chain(own).chain([audience(of)]);
        let limits = [
            stock.map(|stock| format!("{stock} in all")),
            per_account.map(|PerAccount { count, period }| match period {
                RewardPeriod::Month => format!("{} a month for each account", counted(count, "time")),
                RewardPeriod::Year => format!("{} a year for each account", counted(count, "time")),
                RewardPeriod::Ever => format!("{} ever for each account", counted(count, "time")),
            }),
        ];
        let terms = listed(terms.chain(limits.into_iter().flatten()));
        page.rule(id, name, &format!("{terms}{}", lasting(*from, *until, program)));
        described(page, description.as_deref());
    }
}

/// What is got for the points.
fn bought(kind: &RewardKind) -> String {
    let goods = |Goods { sku, quantity }: &Goods| format!("{quantity} × {sku}");
    match kind {
        RewardKind::Discount { percent: off, validity_days, group } => {
            let (off, group) = (percent(*off), of_group(group.as_ref()));
            format!("{off} for {}{group}", counted(validity_days, "day"))
        }
        RewardKind::Product(product) => goods(product),
        RewardKind::Pack(items) => format!("a pack of {}", items.iter().map(goods).collect::<Vec<_>>().join(" and ")),
        RewardKind::Perk(PerkUsesBought { perk, uses }) => format!("{} of the perk {perk}", counted(uses, "use")),
    }
}

pub(super) fn referrals(page: &mut Page, rules: &ReferralRules, program: &Program) {
    let ReferralRules {
        link,
        enrolment,
        consent_required,
        welcome,
        minimum_total,
        within_days,
        return_window_days,
        steps,
        after_return,
    } = rules;
    page.section("referrals");
    if let Some(link) = link {
        page.line(format_args!("codes lead to {link}"));
    }
    let enrolment = match enrolment {
        Enrolment::Open => "takes part at once",
        Enrolment::Approval => "waits for approval",
    };
    let consent = if *consent_required { "must consent" } else { "need not consent" };
    page.line(format_args!("who redeems one {enrolment} and {consent}; welcomed with {}", given(welcome)));
    let minimum = Money { amount: *minimum_total, currency: program.currency };
    let (within, window) = (counted(within_days, "day"), counted(return_window_days, "day"));
    page.line(format_args!("an order from {minimum} on within {within} qualifies; rewarded {window} later"));
    for rules::Step { from, gift } in steps {
        page.term(format_args!("from referral {from:>5}   {}", given(gift)));
    }
    page.line(format_args!(
        "a reward whose order comes back after that {}",
        match after_return {
            AfterReturn::TakeBack => "is taken back",
            AfterReturn::Keep => "stays",
        }
    ));
}
