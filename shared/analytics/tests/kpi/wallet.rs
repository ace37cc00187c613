//! The points of an account, kept anew from what its ledger says was given and taken, and from nothing else.

use crate::Terms;
use crate::calendar::{first_day, local_day, local_month, start_of};
use crate::world::Customer;
use domain::id::OrderKey;
use domain::ledger::{Cause, Change, Entry, OrderChange, PointsChange, ReferralChange, TierChange};
use domain::lots::Taken;
use domain::referral::RedemptionKey;
use std::collections::BTreeMap;

/// What became of the points that an account ever had.
#[derive(Debug, Default)]
pub struct Wallet {
    /// Points that can be spent, by the instant of their end.
    lots: BTreeMap<i64, i64>,
    /// Points that wait, by the instants of their beginning and their end.
    waiting: BTreeMap<(i64, i64), i64>,
    pub debt: i64,
    pub credited: i64,
    pub expired: i64,
    pub reversed: i64,
    pub deducted: i64,
    pub unrecovered: i64,
    /// By the order that earned them.
    pub earned: BTreeMap<OrderKey, i64>,
    /// When points given for a referral end.
    granted: BTreeMap<RedemptionKey, i64>,
    pub lowered: u64,
}

impl Wallet {
    /// That of a customer at an instant.
    pub fn of(customer: &Customer, terms: &Terms, at: i64) -> Self {
        let mut wallet = Self::default();
        for entry in &customer.entries {
            wallet.pass(entry.at.as_ms());
            for change in &entry.changes {
                wallet.apply(entry, change, customer, terms);
                wallet.pass(entry.at.as_ms());
            }
        }
        wallet.pass(at);
        wallet
    }

    /// Time passes: points begin and end.
    fn pass(&mut self, now: i64) {
        let ready: Vec<_> = self.waiting.keys().copied().filter(|(begins, _)| *begins <= now).collect();
        for key in ready {
            *self.lots.entry(key.1).or_default() += self.waiting.remove(&key).unwrap();
        }
        let over: Vec<_> = self.lots.keys().copied().filter(|ends| *ends <= now).collect();
        self.expired += over.iter().map(|ends| self.lots.remove(ends).unwrap()).sum::<i64>();
    }

    /// Points come in; what is owed is repaid first.
    fn give(&mut self, points: i64, begins: Option<i64>, ends: i64) {
        let repaid = points.min(self.debt);
        self.debt -= repaid;
        *match begins {
            Some(begins) => self.waiting.entry((begins, ends)).or_default(),
            None => self.lots.entry(ends).or_default(),
        } += points - repaid;
    }

    /// Points go, from where the ledger says: those that began and end with `own` first.
    fn take(&mut self, taken: &Taken, own: Option<(i64, i64)>) {
        let mut left = taken.pending.0;
        if let Some(held) = own.and_then(|own| self.waiting.get_mut(&own)) {
            draw(held, &mut left);
        }
        self.waiting.values_mut().for_each(|held| draw(held, &mut left));
        assert_eq!(left, 0, "there is what was taken of what waits");
        let mut left = taken.own_lot.0;
        if left > 0 {
            draw(self.lots.get_mut(&own.unwrap().1).unwrap(), &mut left);
        }
        left += taken.other_lots.0;
        self.lots.values_mut().for_each(|held| draw(held, &mut left));
        assert_eq!(left, 0, "there is what was taken of the lots");
    }

    fn apply(&mut self, entry: &Entry, change: &Change, customer: &Customer, terms: &Terms) {
        let of_order = |order: &OrderKey| {
            let sale = customer.sales.iter().find(|sale| sale.key == *order).unwrap();
            let begins = start_of(local_day(sale.placed_ms) + terms.pending_days);
            (begins, start_of(first_day(local_month(sale.placed_ms) + terms.validity_months + 1)))
        };
        match change {
            Change::Order(OrderChange::Scored { order, points, .. }) => {
                self.earned.insert(order.clone(), points.0);
            }
            Change::Points(PointsChange::Earned { points, available_at, expires_at, .. }) => {
                self.give(points.0, available_at.map(|at| at.as_ms()), expires_at.as_ms());
            }
            Change::Points(PointsChange::Credited { points, expires_at, .. }) => {
                self.credited += points.0;
                self.give(points.0, None, expires_at.as_ms());
            }
            Change::Points(PointsChange::Granted { points, expires_at, redemption }) => {
                self.granted.insert(redemption.clone(), expires_at.as_ms());
                self.credited += points.0;
                self.give(points.0, None, expires_at.as_ms());
            }
            Change::Points(PointsChange::Reversed { points, taken, owed, unrecovered, .. }) => {
                let own = of_order(order_of(&entry.cause));
                (self.debt, self.reversed) = (self.debt + owed.0, self.reversed + points.0);
                self.unrecovered += unrecovered.0;
                self.take(taken, Some(own));
            }
            Change::Points(PointsChange::Amended {
                earned, reversed, taken, owed, unrecovered, available_at, ..
            }) => {
                let order = order_of(&entry.cause);
                *self.earned.get_mut(order).unwrap() += earned.0;
                (self.debt, self.reversed) = (self.debt + owed.0, self.reversed + reversed.0);
                self.unrecovered += unrecovered.0;
                let own = of_order(order);
                self.take(taken, Some(own));
                if earned > reversed {
                    self.give(earned.0 - reversed.0, available_at.map(|at| at.as_ms()), own.1);
                }
            }
            Change::Points(PointsChange::Deducted { points, taken, owed, .. }) => {
                (self.debt, self.deducted) = (self.debt + owed.0, self.deducted + points.0);
                let back = entry.changes.iter().find_map(|change| match change {
                    Change::Referral(ReferralChange::TakenBack { redemption }) => self.granted.get(redemption),
                    _ => None,
                });
                self.take(taken, back.map(|ends| (0, *ends)));
            }
            Change::Tier(TierChange::Lowered { .. }) => self.lowered += 1,
            _ => {}
        }
    }

    pub fn available(&self) -> i64 {
        self.lots.values().sum()
    }

    pub fn waits(&self) -> i64 {
        self.waiting.values().sum()
    }

    /// What is left by the last month in which it can be spent.
    pub fn expiring(&self) -> BTreeMap<i32, i128> {
        let mut months = BTreeMap::new();
        let waiting = self.waiting.iter().map(|((_, ends), points)| (ends, points));
        for (ends, points) in self.lots.iter().chain(waiting).filter(|(_, points)| **points > 0) {
            *months.entry(local_month(ends - 1)).or_default() += i128::from(*points);
        }
        months
    }
}

fn draw(held: &mut i64, left: &mut i64) {
    let drawn = (*held).min(*left);
    (*held, *left) = (*held - drawn, *left - drawn);
}

fn order_of(cause: &Cause) -> &OrderKey {
    match cause {
        Cause::OrderPlaced { order }
        | Cause::OrderReturned { order, .. }
        | Cause::OrderCancelled { order }
        | Cause::OrderAmended { order, .. } => order,
        other => panic!("{other:?} is about no order"),
    }
}
