//! What orders brought besides their own points: what their scores say of it is what their entries gave.
//!
//! Orders that were scored before scores told of gifts tell of none: that is no finding.

use super::OrderFacts;
use super::account::{amended_by, order_of, placed_in};
use domain::account::Account;
use domain::code::Code;
use domain::id::OrderKey;
use domain::ledger::{Change, DiscountChange, Entry, PointsChange};
use domain::money::Points;
use domain::score::GivenFor;
use std::collections::{BTreeSet, HashMap};

/// What the entries of one order gave.
#[derive(Default)]
struct Told<'a> {
    points: Vec<(GivenFor, Points)>,
    codes: BTreeSet<&'a Code>,
}

pub(super) fn check(
    account: &Account,
    entries: &[&Entry],
    orders: &HashMap<OrderKey, OrderFacts>,
    found: &mut Vec<String>,
) {
    let mut told: HashMap<&OrderKey, Told<'_>> = HashMap::new();
    for entry in entries {
        let own = order_of(entry).filter(|_| placed_in(entry).is_some() || amended_by(entry).is_some());
        // Most orders bring nothing.
        let Some(key) = own.filter(|key| orders.get(key).is_some_and(|order| !order.gifts.is_empty())) else {
            continue;
        };
        entry.changes.iter().for_each(|change| told.entry(key).or_default().add(change));
    }
    for (key, told) in told {
        let Some(order) = orders.get(key).filter(|order| order.account_id == account.id) else { continue };
        if order.amended_entry.is_some_and(|entry| entry > account.version) {
            // An amendment beyond the account as it was read is another reading's business.
            continue;
        }
        for gift in &order.gifts {
            let given = (gift.given_for.clone(), gift.points);
            if gift.points > Points::ZERO && !told.points.contains(&given) {
                let (what, points) = (name(&gift.given_for), gift.points);
                found.push(format!("order {key}: no entry of it gives {points} points for {what}"));
            }
            for code in gift.discount.iter().filter(|code| !told.codes.contains(code)) {
                let what = name(&gift.given_for);
                found.push(format!("order {key}: no entry of it issues discount {code} for {what}"));
            }
        }
    }
}

impl<'a> Told<'a> {
    fn add(&mut self, change: &'a Change) {
        match change {
            Change::OccasionGiven(given) => {
                self.points.push((GivenFor::Occasion(given.occasion.rule.clone()), given.points));
            }
            // One with an instant is what time had brought before.
            Change::Points(PointsChange::ForTier { tier, points, entered_at: None, .. }) => {
                self.points.push((GivenFor::Tier(tier.clone()), *points));
            }
            Change::Discount(DiscountChange::Issued { code, .. }) => drop(self.codes.insert(code)),
            _ => {}
        }
    }
}

fn name(given_for: &GivenFor) -> String {
    match given_for {
        GivenFor::Tier(tier) => format!("tier {tier}"),
        GivenFor::Occasion(rule) => format!("occasion {rule}"),
    }
}
