//! What the entries of an account come to: the figures that its state is held against.

use domain::code::Code;
use domain::ledger::{AccountChange, Change, DiscountChange, OrderChange, PointsChange};
use domain::occasions::Given;
use std::collections::BTreeSet;

/// What the entries come to.
#[derive(Default)]
pub(super) struct Sums<'a> {
    pub(super) points: i128,
    pub(super) earned: i128,
    pub(super) credited: i128,
    pub(super) expired: i128,
    pub(super) reversed: i128,
    pub(super) unrecovered: i128,
    pub(super) deducted: i128,
    pub(super) spent: i128,
    pub(super) restored: i128,
    pub(super) opened: i128,
    /// Points and orders of before the account was opened here.
    pub(super) past_earned: i128,
    pub(super) past_orders: u64,
    pub(super) openings: u64,
    pub(super) unmatched_units: i128,
    pub(super) issued: BTreeSet<&'a Code>,
    pub(super) used: BTreeSet<&'a Code>,
    /// Uses of shared codes, each as often as it is used.
    pub(super) shared_used: i128,
}

impl<'a> Sums<'a> {
    /// Adds a change and answers by how much it changes the points.
    pub(super) fn add(&mut self, change: &'a Change) -> i128 {
        let (sum, points) = match change {
            Change::Points(PointsChange::Earned { points, .. }) => (&mut self.earned, points),
            Change::OccasionGiven(Given { points, .. })
            | Change::Points(
                PointsChange::Credited { points, .. }
                | PointsChange::Granted { points, .. }
                | PointsChange::ForTier { points, .. },
            ) => (&mut self.credited, points),
            Change::Points(PointsChange::Opened { points, .. }) => (&mut self.opened, points),
            Change::Points(PointsChange::Expired { points, .. }) => (&mut self.expired, points),
            Change::Points(PointsChange::Reversed { points, unrecovered, .. }) => {
                self.unrecovered = self.unrecovered.saturating_add(unrecovered.0.into());
                (&mut self.reversed, points)
            }
            Change::Points(PointsChange::DebtOpened { points }) => (&mut self.reversed, points),
            Change::Points(PointsChange::Deducted { points, .. }) => (&mut self.deducted, points),
            Change::Points(PointsChange::Spent { points }) => (&mut self.spent, points),
            Change::Points(PointsChange::Restored { points }) => (&mut self.restored, points),
            Change::Discount(DiscountChange::Issued { code, .. }) => {
                self.issued.insert(code);
                return 0;
            }
            Change::Discount(DiscountChange::Voided { code }) => {
                self.issued.remove(code);
                return 0;
            }
            Change::Discount(DiscountChange::Used { shared: true, .. }) => {
                self.shared_used = self.shared_used.saturating_add(1);
                return 0;
            }
            Change::Discount(DiscountChange::Released { shared: true, .. }) => {
                self.shared_used = self.shared_used.saturating_sub(1);
                return 0;
            }
            Change::Discount(DiscountChange::Used { code, .. }) => {
                self.used.insert(code);
                return 0;
            }
            Change::Discount(DiscountChange::Released { code, .. }) => {
                self.used.remove(code);
                return 0;
            }
            Change::Points(PointsChange::Amended { earned, reversed, unrecovered, .. }) => {
                let (earned, reversed) = (i128::from(earned.0), i128::from(reversed.0));
                self.unrecovered = self.unrecovered.saturating_add(unrecovered.0.into());
                self.earned = self.earned.saturating_add(earned);
                self.reversed = self.reversed.saturating_add(reversed);
                return earned.saturating_sub(reversed);
            }
            Change::Account(AccountChange::Opened { past, points_earned, .. }) => {
                self.openings = self.openings.saturating_add(1);
                self.past_orders = self.past_orders.saturating_add(past.orders);
                self.past_earned = self.past_earned.saturating_add(points_earned.0.into());
                return 0;
            }
            Change::Order(OrderChange::CreditNoteClosed { units_unmatched, .. }) => {
                self.unmatched_units = self.unmatched_units.saturating_add((*units_unmatched).into());
                return 0;
            }
            _ => return 0,
        };
        *sum = sum.saturating_add(points.0.into());
        let given = matches!(
            change,
            Change::OccasionGiven(_)
                | Change::Points(
                    PointsChange::Earned { .. }
                        | PointsChange::Credited { .. }
                        | PointsChange::Granted { .. }
                        | PointsChange::ForTier { .. }
                        | PointsChange::Restored { .. }
                        | PointsChange::Opened { .. }
                )
        );
        if given { points.0.into() } else { i128::from(points.0).saturating_neg() }
    }
}
