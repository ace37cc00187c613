//! The rewards of the program document.

use super::read::{NAME_CHARS_MAX, label, percent, percent_schema, small};
use super::{Ladder, groups};
use crate::audience::{self, Audience};
use crate::document::{self, Faults, Leaf, Object, Path};
use crate::id::{RuleId, Sku, TierId};
use crate::membership::MembershipRules;
use crate::money::Points;
use crate::order::QUANTITY_MAX;
use crate::perks::Perk;
use crate::program::TIERS_MAX;
use crate::rewards::{Goods, PerAccount, PerkUsesBought, Reward, RewardKind, RewardPeriod, RewardPrice};
use crate::schema::{self, Schema};
use crate::time::Calendar;
use crate::validity;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Most rewards of a program: an account's catalogue lists all of them.
pub(super) const REWARDS_MAX: usize = 100;
/// Most rewards of a program that have a stock: the catalogue reads each.
const STOCKS_MAX: usize = 20;
/// Most pieces of a stock.
const STOCK_MAX: u64 = 1_000_000_000;
/// Most points of a price.
const POINTS_MAX: u64 = 1_000_000_000;
const DESCRIPTION_CHARS_MAX: usize = 500;
const VALIDITY_DAYS_MAX: u16 = 1_000;
const PACK_MAX: usize = 20;
const PERK_USES_MAX: u64 = 1_000;
const COUNT_MAX: u64 = 1_000;
const KINDS: [&str; 4] = ["discount", "product", "pack", "perk"];

pub(super) fn reward(value: &Value, path: &Path<'_>, calendar: &Calendar, faults: &mut Faults) -> Option<Reward> {
    let known = [
        "id",
        "name",
        "description",
        "points",
        "points_by_tier",
        "discount",
        "product",
        "pack",
        "perk",
        "stock",
        "from",
        "until",
        "per_account",
        "tiers",
        "segments",
    ];
    let reward = Object::open(value, path, &known, faults)?;
    let id = reward.required("id", faults, document::id(RuleId::parse));
    let name = reward.required("name", faults, label());
    let description = reward.optional("description", faults, document::label(DESCRIPTION_CHARS_MAX));
    let kind = kind(&reward, faults);
    let price = reward.required("points", faults, price);
    let by_tier = reward.list("points_by_tier", 1..=TIERS_MAX, faults, tier_price).unwrap_or_default();
    each_once(by_tier.iter().map(|(tier, _)| tier), &reward.at("points_by_tier"), "tier", faults);
    let (from, until) = validity::read(&reward, calendar, faults);
    let stock = reward.optional("stock", faults, document::whole(1..=STOCK_MAX));
    let per_account = reward.nested("per_account", faults, per_account);
    let audience = Audience::read(&reward, faults);
    let price = RewardPrice { points: price?, by_tier };
    Some(Reward { id: id?, name: name?, description, kind: kind?, price, stock, from, until, per_account, audience })
}

/// Exactly one of the kinds.
fn kind(reward: &Object<'_>, faults: &mut Faults) -> Option<RewardKind> {
    let stated: Vec<_> = KINDS.into_iter().filter(|kind| reward.has(kind)).collect();
    match stated.as_slice() {
        [] => {
            let message = "is required, or one of product, pack and perk in its place";
            faults.add(&reward.at("discount"), "missing", message);
        }
        [_] => {}
        [first, others @ ..] => {
            for other in others {
                faults.add(&reward.at(other), "conflict", format!("a reward is one thing: {first} is given, too"));
            }
        }
    }
    let discount = reward.nested("discount", faults, discount);
    let product = reward.nested("product", faults, goods).map(RewardKind::Product);
    let pack = reward.list("pack", 1..=PACK_MAX, faults, goods);
    each_once(pack.iter().flatten().map(|goods| &goods.sku), &reward.at("pack"), "sku", faults);
    let perk = reward.nested("perk", faults, perk);
    discount.or(product).or(pack.map(RewardKind::Pack)).or(perk)
}

fn discount(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<RewardKind> {
    let discount = Object::open(value, path, &["percent", "validity_days", "group"], faults)?;
    let percent = discount.required("percent", faults, percent);
    let validity_days = discount.required("validity_days", faults, |v| small(v, 1, VALIDITY_DAYS_MAX));
    let group = groups::group(&discount, "group", faults);
    Some(RewardKind::Discount { percent: percent?, validity_days: validity_days?, group: group? })
}

fn goods(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Goods> {
    let goods = Object::open(value, path, &["sku", "quantity"], faults)?;
    let sku = goods.required("sku", faults, document::id(Sku::parse));
    let quantity = goods.required("quantity", faults, document::whole(1..=QUANTITY_MAX));
    Some(Goods { sku: sku?, quantity: quantity? })
}

fn perk(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<RewardKind> {
    let perk = Object::open(value, path, &["perk", "uses"], faults)?;
    let id = perk.required("perk", faults, document::id(RuleId::parse));
    let uses = perk.required("uses", faults, document::whole(1..=PERK_USES_MAX));
    Some(RewardKind::Perk(PerkUsesBought { perk: id?, uses: u32::try_from(uses?).ok()? }))
}

fn price(value: &Value) -> Leaf<Points> {
    let points = document::whole(1..=POINTS_MAX)(value)?;
    Ok(Points(i64::try_from(points).unwrap_or(i64::MAX)))
}

fn tier_price(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<(TierId, Points)> {
    let own = Object::open(value, path, &["tier", "points"], faults)?;
    let tier = own.required("tier", faults, document::id(TierId::parse));
    let points = own.required("points", faults, price);
    Some((tier?, points?))
}

fn per_account(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<PerAccount> {
    let section = Object::open(value, path, &["count", "period"], faults)?;
    let count = section.required("count", faults, document::whole(1..=COUNT_MAX));
    let period = section.required("period", faults, document::one_of(&RewardPeriod::ALL));
    Some(PerAccount { count: u32::try_from(count?).ok()?, period: period? })
}

/// Notes what a list names twice, by the field that names it.
fn each_once<'a, T: Ord + std::fmt::Display + 'a>(
    named: impl Iterator<Item = &'a T>,
    list: &Path<'_>,
    field: &str,
    faults: &mut Faults,
) {
    let mut seen = BTreeSet::new();
    for (index, again) in named.enumerate().filter(|(_, named)| !seen.insert(*named)) {
        faults.add(&Path::Key(&Path::Index(list, index), field), "duplicate", format!("{again} is named twice"));
    }
}

/// Notes stocks beyond those that a catalogue reads.
pub(super) fn stocks(rewards: &[Reward], faults: &mut Faults) {
    let list = Path::Key(&Path::Root, "rewards");
    let stocked = rewards.iter().enumerate().filter(|(_, reward)| reward.stock.is_some());
    for (index, _) in stocked.skip(STOCKS_MAX) {
        let message = format!("no more than {STOCKS_MAX} rewards of a program have a stock");
        faults.add(&Path::Key(&Path::Index(&list, index), "stock"), "conflict", message);
    }
}

/// Notes rewards, and prices of them, for tiers that nobody holds or that they are not for, prices and limits that make
/// no difference, and perks that there are not.
pub(super) fn sense(
    rewards: &[Reward],
    perks: Option<&[Perk]>,
    levels: Option<&Ladder>,
    membership: MembershipRules,
    faults: &mut Faults,
) {
    let list = Path::Key(&Path::Root, "rewards");
    for (index, reward) in rewards.iter().enumerate() {
        let path = Path::Index(&list, index);
        audience::check_tiers(&reward.audience.tiers, &path, levels, faults);
        check_prices(reward, &path, levels, faults);
        check_limits(reward, &path, faults);
        let (RewardKind::Perk(bought), Some(perks)) = (&reward.kind, perks) else { continue };
        let id = &bought.perk;
        let message = match perks.iter().find(|perk| perk.id == *id) {
            None => format!("nobody can use {id}: it is no perk of this program"),
            Some(perk) if is_had_anyway(perk, &reward.audience, membership) => {
                format!("nobody can buy it: {id} is not counted, and whoever the reward is for has it")
            }
            Some(_) => continue,
        };
        faults.add(&Path::Key(&Path::Key(&path, "perk"), "perk"), "never_fires", message);
    }
}

/// Whether everybody whom a reward is for has a perk without counting its uses, but for single accounts that are excluded
/// from perks.
fn is_had_anyway(perk: &Perk, buyers: &Audience, membership: MembershipRules) -> bool {
    let is_for_everybody = *buyers == Audience::default();
    let are_members = membership == MembershipRules::Open || !is_for_everybody;
    let never_rests = perk.allowance.is_none() && perk.after_days == 0 && perk.activity_days.is_none();
    never_rests && are_members && perk.audience.includes_all_of(buyers)
}

fn check_prices(reward: &Reward, path: &Path<'_>, levels: Option<&Ladder>, faults: &mut Faults) {
    let (list, wanted) = (Path::Key(path, "points_by_tier"), &reward.audience.tiers);
    for (index, (tier, _)) in reward.price.by_tier.iter().enumerate() {
        let why = match () {
            () if levels.is_some_and(|levels| !levels.knows(tier)) => {
                format!("nobody holds {tier}: it is no tier of this program")
            }
            () if !wanted.is_empty() && !wanted.contains(tier) => format!("the reward is not for {tier}"),
            () => continue,
        };
        faults.add(&Path::Key(&Path::Index(&list, index), "tier"), "never_fires", why);
    }
    let same = |(_, points): &(TierId, Points)| *points == reward.price.points;
    for (index, _) in reward.price.by_tier.iter().enumerate().filter(|(_, own)| same(own)) {
        let message = "is what it costs everybody";
        faults.add(&Path::Key(&Path::Index(&list, index), "points"), "no_effect", message);
    }
}

/// A stock is for all time, so that no period renews it.
fn check_limits(reward: &Reward, path: &Path<'_>, faults: &mut Faults) {
    let Some((limit, stock)) = reward.per_account.zip(reward.stock) else { return };
    if u64::from(limit.count) > stock {
        let message = format!("is never reached: there are {stock} for all accounts");
        faults.add(&Path::Key(&Path::Key(path, "per_account"), "count"), "no_effect", message);
    }
}

/// What the section may say.
pub(super) fn schema() -> Schema {
    let goods = || {
        schema::object("Goods").required("sku", schema::sku(), "What the shop hands over.").required(
            "quantity",
            schema::whole(1..=QUANTITY_MAX),
            "How many of it.",
        )
    };
    let discount =
        schema::object("Reward discount").required("percent", percent_schema(), "What it takes off.").required(
            "validity_days",
            schema::small(1, VALIDITY_DAYS_MAX),
            "Days it is valid, to the same local wall time.",
        );
    let discount = groups::with_group(discount);
    let perk = schema::object("Uses of a perk")
        .required("perk", schema::id(RuleId::parse), "Which perk of the program.")
        .required("uses", schema::whole(1..=PERK_USES_MAX), "How many uses, beyond those that the account has anyway.");
    let tier_price = schema::object("Price of a tier")
        .required("tier", schema::id(TierId::parse), "For accounts that hold this tier.")
        .required("points", schema::whole(1..=POINTS_MAX), "What it costs them.");
    let per_account = schema::object("Limit of an account")
        .required("count", schema::whole(1..=COUNT_MAX), "Times in each period.")
        .required("period", schema::one_of(&RewardPeriod::ALL), "A calendar month or year, or all time.");
    let reward = schema::object("Reward")
        .required("id", schema::id(RuleId::parse), "Once in the list, and the same over versions.")
        .required("name", schema::label(NAME_CHARS_MAX), "For customers.")
        .optional("description", schema::label(DESCRIPTION_CHARS_MAX), "What it is, in more words, for customers.")
        .required("points", schema::whole(1..=POINTS_MAX), "What it costs.")
        .optional("points_by_tier", schema::list(1..=TIERS_MAX, tier_price), "What it costs some tiers instead.")
        .optional("discount", discount, "It is a discount of the account's own, for an order to come.")
        .optional("product", goods(), "It is the right to a product.")
        .optional("pack", schema::list(1..=PACK_MAX, goods()), "It is the right to several products, each SKU once.")
        .optional("perk", perk, "It is uses of a perk.")
        .one_of_fields(&KINDS)
        .optional("stock", schema::whole(1..=STOCK_MAX), "How many there are over all accounts; left out, any number.")
        .optional("per_account", per_account, "How often one account may have it; left out, any number of times.");
    schema::list(0..=REWARDS_MAX, Audience::schema(validity::schema(reward, "It can be had"))).examples([json!([
        { "id": "five-off", "name": "5 % off your next order", "points": 500,
          "discount": { "percent": "5", "validity_days": 90, "group": "season" } },
        { "id": "mug", "name": "The blue mug", "description": "For the tea kitchen.", "points": 800,
          "points_by_tier": [{ "tier": "gold", "points": 600 }], "product": { "sku": "MUG-BLUE", "quantity": 1 },
          "stock": 200, "per_account": { "count": 2, "period": "year" } },
        { "id": "box", "name": "A box", "points": 2500, "tiers": ["gold"], "segments": ["hotels"],
          "pack": [{ "sku": "TEA", "quantity": 3 }, { "sku": "MUG-BLUE", "quantity": 6 }],
          "from": "2030-11-01", "until": "2030-12-31" },
        { "id": "day", "name": "One more day", "points": 4000, "perk": { "perk": "training", "uses": 1 } },
    ])])
}

#[cfg(test)]
mod tests;
