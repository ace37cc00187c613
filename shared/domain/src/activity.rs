//! What an account did, month by month.
//!
//! 25 months are kept, counted back from the newest; older ones live on only in [`Lifetime`]. Tier windows and
//! every month's figures follow from these, in whatever order the orders came.

use crate::earning::Basket;
use crate::money::{Minor, Overflow, Points};
use crate::program::Program;
use crate::qualification::Metric;
use crate::time::Month;
use std::ops::RangeInclusive;

/// Months kept, the newest included.
pub const MONTHS_KEPT: i32 = 25;

/// One calendar month of the program's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthActivity {
    /// Which month.
    pub month: Month,
    /// Orders placed in it.
    pub orders: u64,
    /// Units bought.
    pub units: u64,
    /// What all lines came to.
    pub revenue: Minor,
    /// What the eligible lines came to: it qualifies for tiers.
    pub eligible: Minor,
    /// Days with an order: bit 0 is the first.
    pub purchase_days: u32,
    /// Points earned by its orders.
    pub earned: Points,
    /// Discounts that its orders used.
    pub discounts_used: u64,
    /// What they took off what is kept of these orders.
    pub discount_value: Minor,
    /// What of these figures counts for no tier.
    pub aside: Aside,
}

/// Units and points of orders that count for no tier: units of lines that are not eligible, points of what came back.
///
/// Noted of those orders alone whose version of the program goes by units, or by points: others take no room for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Aside {
    /// Units.
    pub units: u64,
    /// Points.
    pub points: Points,
}

impl Aside {
    /// Nothing is put aside.
    pub const NONE: Self = Self { units: 0, points: Points::ZERO };

    /// Units of an order's lines that are not eligible, where the program goes by units.
    pub(crate) fn of_basket(program: &Program, basket: &Basket<'_>) -> Self {
        let units =
            if program.tiers.metric == Metric::Units { basket.units.saturating_sub(basket.eligible_units) } else { 0 };
        Self { units, ..Self::NONE }
    }

    fn plus(self, other: Self) -> Result<Self, Overflow> {
        let units = self.units.checked_add(other.units).ok_or(Overflow)?;
        Ok(Self { units, points: self.points.plus(other.points)? })
    }

    /// With one order's part put in place of what it was before.
    fn amended(self, before: Self, after: Self) -> Result<Self, Overflow> {
        let left = Self { units: self.units.saturating_sub(before.units), points: self.points.minus(before.points)? };
        left.plus(after)
    }
}

/// Totals over the whole relationship.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lifetime {
    /// Orders scored.
    pub orders: u64,
    /// Units bought.
    pub units: u64,
    /// What all lines came to.
    pub revenue: Minor,
    /// What the eligible lines came to.
    pub eligible: Minor,
    /// Points earned.
    pub earned: Points,
    /// Points expired.
    pub expired: Points,
    /// Discounts issued.
    pub discounts_issued: u64,
    /// Discounts used.
    pub discounts_used: u64,
    /// Times the tier was raised.
    pub upgrades: u64,
    /// Points reversed: taken back, or owed.
    pub reversed: Points,
    /// Points that a reversal could not take back and the program wrote off.
    pub unrecovered: Points,
    /// Units returned.
    pub returned_units: u64,
    /// Points given by hand or for referrals.
    pub credited: Points,
    /// Points taken by hand or for referrals.
    pub deducted: Points,
    /// Points earned before the account was opened here and gone by then. So earned + given by hand = outstanding +
    /// expired + reversed + taken by hand + these. Below zero where more was taken over than was earned, as stated.
    pub gone_before: Points,
    /// Units of credit notes that no order gave.
    pub unmatched_units: u64,
    /// Days with an order, in the program's time zone, whatever came back of it. An order of a month that was no longer
    /// kept when it came is a day of its own. So is each of before the account was opened here, unless its first and
    /// its last day leave room for fewer.
    pub purchase_days: u64,
    /// Times a review lowered the tier.
    pub downgrades: u64,
    /// What discounts took off what is kept of the orders that used them ([`discount::value`](crate::discount::value)).
    pub discount_value: Minor,
    /// What of these figures counts for no tier.
    pub aside: Aside,
}

/// What an order that was added counts for besides its figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Its month is kept, and no other order of that day was known.
    OnNewDay,
    /// Its month is kept, and so was an order of that day.
    OnKnownDay,
    /// Its month is older than those kept: it counts in the lifetime totals only.
    BeyondKeptMonths,
}

/// What a return takes out of the month of its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Giveback {
    /// The month the order was placed in.
    pub month: Month,
    /// Units that came back.
    pub units: u64,
    /// By how much the order's total fell.
    pub revenue: Minor,
    /// By how much its eligible total fell.
    pub eligible: Minor,
    /// Discounts that it does not use any more.
    pub discounts_used: u64,
    /// By how much what discounts took off it fell.
    pub discount_value: Minor,
    /// What of it counted for no tier before, and does now.
    pub aside: [Aside; 2],
}

/// What one order counts for, less what came back of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Units kept.
    pub units: u64,
    /// Units that came back.
    pub returned_units: u64,
    /// What the kept units came to.
    pub revenue: Minor,
    /// What those of the eligible lines came to.
    pub eligible: Minor,
    /// Points it earned.
    pub earned: Points,
    /// Discounts it used.
    pub discounts_used: u64,
    /// What they took off what is kept.
    pub discount_value: Minor,
    /// What of it counts for no tier.
    pub aside: Aside,
}

/// What one order adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purchase {
    /// The month it was placed in.
    pub month: Month,
    /// The day of that month, 1 to 31.
    pub day_of_month: u8,
    /// Units of all lines.
    pub units: u64,
    /// What all lines came to.
    pub revenue: Minor,
    /// What the eligible lines came to.
    pub eligible: Minor,
    /// Points it earned.
    pub earned: Points,
    /// Discounts it used.
    pub discounts_used: u64,
    /// What they took off.
    pub discount_value: Minor,
    /// What of it counts for no tier.
    pub aside: Aside,
}

/// The months kept, ascending, at most [`MONTHS_KEPT`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity {
    months: Vec<MonthActivity>,
}

impl Activity {
    /// The months kept, in any order given.
    pub fn of(mut months: Vec<MonthActivity>) -> Self {
        months.sort_by_key(|month| month.month);
        Self { months }
    }

    /// The months kept, ascending.
    pub fn months(&self) -> &[MonthActivity] {
        &self.months
    }

    /// Adds an order to its month, where that is kept.
    pub fn add(&mut self, purchase: &Purchase) -> Result<Counted, Overflow> {
        let newest = self.months.last().map_or(purchase.month, |last| last.month.max(purchase.month));
        let oldest_kept = newest.plus(MONTHS_KEPT.saturating_neg().saturating_add(1));
        if purchase.month < oldest_kept {
            return Ok(Counted::BeyondKeptMonths);
        }
        let found = self.months.binary_search_by_key(&purchase.month, |month| month.month);
        let place = found.unwrap_or_else(|place| {
            self.months.insert(place, MonthActivity::empty(purchase.month));
            place
        });
        let is_known = match self.months.get_mut(place) {
            Some(month) => month.add(purchase)?,
            None => false,
        };
        self.months.retain(|month| month.month >= oldest_kept);
        Ok(if is_known { Counted::OnKnownDay } else { Counted::OnNewDay })
    }

    /// Orders placed in the months kept.
    pub fn orders(&self) -> u64 {
        self.months.iter().map(|month| month.orders).fold(0, u64::saturating_add)
    }

    /// Days with an order in the months kept.
    pub fn purchase_days(&self) -> u64 {
        self.months.iter().map(|month| u64::from(month.purchase_days.count_ones())).fold(0, u64::saturating_add)
    }

    /// Takes a return out of the month of its order, if that is kept.
    pub fn give_back(&mut self, back: &Giveback) -> Result<(), Overflow> {
        let Ok(place) = self.months.binary_search_by_key(&back.month, |month| month.month) else { return Ok(()) };
        if let Some(month) = self.months.get_mut(place) {
            month.units = month.units.saturating_sub(back.units);
            month.revenue = month.revenue.minus(back.revenue)?;
            month.eligible = month.eligible.minus(back.eligible)?;
            month.discounts_used = month.discounts_used.saturating_sub(back.discounts_used);
            month.discount_value = month.discount_value.minus(back.discount_value)?;
            let [before, after] = back.aside;
            month.aside = month.aside.amended(before, after)?;
        }
        Ok(())
    }

    /// Puts an order's new figures into its month, if that is kept, in place of those it counted for before.
    pub fn amend(&mut self, month: Month, before: &Figures, after: &Figures) -> Result<(), Overflow> {
        let Ok(place) = self.months.binary_search_by_key(&month, |month| month.month) else { return Ok(()) };
        if let Some(month) = self.months.get_mut(place) {
            month.units = month.units.saturating_sub(before.units).checked_add(after.units).ok_or(Overflow)?;
            month.revenue = month.revenue.minus(before.revenue)?.plus(after.revenue)?;
            month.eligible = month.eligible.minus(before.eligible)?.plus(after.eligible)?;
            month.earned = month.earned.minus(before.earned)?.plus(after.earned)?;
            let used = month.discounts_used.saturating_sub(before.discounts_used);
            month.discounts_used = used.checked_add(after.discounts_used).ok_or(Overflow)?;
            month.discount_value = month.discount_value.minus(before.discount_value)?.plus(after.discount_value)?;
            month.aside = month.aside.amended(before.aside, after.aside)?;
        }
        Ok(())
    }

    /// Orders placed in some months.
    pub fn orders_in(&self, window: &RangeInclusive<Month>) -> u64 {
        let months = self.months.iter().filter(|month| window.contains(&month.month));
        months.map(|month| month.orders).fold(0, u64::saturating_add)
    }

    /// Eligible spend in some months.
    pub fn eligible_in(&self, window: &RangeInclusive<Month>) -> Result<Minor, Overflow> {
        let months = self.months.iter().filter(|month| window.contains(&month.month));
        Minor::sum(months.map(|month| month.eligible))
    }
}

impl MonthActivity {
    fn empty(month: Month) -> Self {
        Self {
            month,
            orders: 0,
            units: 0,
            revenue: Minor::ZERO,
            eligible: Minor::ZERO,
            purchase_days: 0,
            earned: Points::ZERO,
            discounts_used: 0,
            discount_value: Minor::ZERO,
            aside: Aside::NONE,
        }
    }

    /// Adds an order; answers whether another of that day was known.
    fn add(&mut self, purchase: &Purchase) -> Result<bool, Overflow> {
        self.orders = self.orders.checked_add(1).ok_or(Overflow)?;
        self.units = self.units.checked_add(purchase.units).ok_or(Overflow)?;
        self.revenue = self.revenue.plus(purchase.revenue)?;
        self.eligible = self.eligible.plus(purchase.eligible)?;
        let day = 1_u32.wrapping_shl(u32::from(purchase.day_of_month).saturating_sub(1));
        let is_known = self.purchase_days & day != 0;
        self.purchase_days |= day;
        self.earned = self.earned.plus(purchase.earned)?;
        self.discounts_used = self.discounts_used.checked_add(purchase.discounts_used).ok_or(Overflow)?;
        self.discount_value = self.discount_value.plus(purchase.discount_value)?;
        self.aside = self.aside.plus(purchase.aside)?;
        Ok(is_known)
    }
}

impl Lifetime {
    /// Adds an order that [`Activity::add`] counted so.
    pub fn add(&mut self, purchase: &Purchase, counted: Counted) -> Result<(), Overflow> {
        self.orders = self.orders.checked_add(1).ok_or(Overflow)?;
        self.units = self.units.checked_add(purchase.units).ok_or(Overflow)?;
        self.revenue = self.revenue.plus(purchase.revenue)?;
        self.eligible = self.eligible.plus(purchase.eligible)?;
        self.earned = self.earned.plus(purchase.earned)?;
        self.discount_value = self.discount_value.plus(purchase.discount_value)?;
        self.aside = self.aside.plus(purchase.aside)?;
        let days = u64::from(counted != Counted::OnKnownDay);
        self.purchase_days = self.purchase_days.checked_add(days).ok_or(Overflow)?;
        Ok(())
    }

    /// Puts an order's new figures in place of those it counted for before; discounts are counted as they are used.
    pub fn amend(&mut self, before: &Figures, after: &Figures) -> Result<(), Overflow> {
        let units = |held: u64, old: u64, new: u64| held.saturating_sub(old).checked_add(new).ok_or(Overflow);
        self.units = units(self.units, before.units, after.units)?;
        self.returned_units = units(self.returned_units, before.returned_units, after.returned_units)?;
        self.revenue = self.revenue.minus(before.revenue)?.plus(after.revenue)?;
        self.eligible = self.eligible.minus(before.eligible)?.plus(after.eligible)?;
        self.earned = self.earned.minus(before.earned)?.plus(after.earned)?;
        self.discount_value = self.discount_value.minus(before.discount_value)?.plus(after.discount_value)?;
        self.aside = self.aside.amended(before.aside, after.aside)?;
        Ok(())
    }

    /// Takes a return out.
    pub fn give_back(&mut self, back: &Giveback) -> Result<(), Overflow> {
        self.units = self.units.saturating_sub(back.units);
        self.returned_units = self.returned_units.checked_add(back.units).ok_or(Overflow)?;
        self.revenue = self.revenue.minus(back.revenue)?;
        self.eligible = self.eligible.minus(back.eligible)?;
        self.discount_value = self.discount_value.minus(back.discount_value)?;
        let [before, after] = back.aside;
        self.aside = self.aside.amended(before, after)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn purchase(month: i32, eligible: i64) -> Purchase {
        Purchase {
            month: Month(month),
            day_of_month: 31,
            units: 1,
            revenue: Minor(eligible),
            eligible: Minor(eligible),
            earned: Points::ZERO,
            discounts_used: 0,
            discount_value: Minor::ZERO,
            aside: Aside::NONE,
        }
    }

    #[test]
    fn a_window_takes_its_months_in_and_no_other() {
        let mut activity = Activity::default();
        for (month, eligible) in [(100, 1), (88, 10), (89, 100), (101, 1000)] {
            assert_eq!(activity.add(&purchase(month, eligible)), Ok(Counted::OnNewDay));
        }
        for (months, eligible) in [(89..=100, 101), (88..=100, 111), (100..=100, 1), (90..=99, 0)] {
            let window = Month(*months.start())..=Month(*months.end());
            assert_eq!(activity.eligible_in(&window), Ok(Minor(eligible)));
        }
    }

    #[test]
    fn twenty_five_months_are_kept_in_whatever_order_they_come() {
        let mut activity = Activity::default();
        for month in [130, 100, 106, 105] {
            activity.add(&purchase(month, 1)).unwrap();
        }
        let kept: Vec<_> = activity.months().iter().map(|month| month.month.0).collect();
        assert_eq!(kept, [106, 130]);
        assert_eq!(activity.add(&purchase(105, 1)), Ok(Counted::BeyondKeptMonths));
    }

    #[test]
    fn a_day_counts_once_however_many_orders_it_has() {
        let (mut activity, mut lifetime) = (Activity::default(), Lifetime::default());
        for (month, day, days) in [
            (130, 31, 1),
            (130, 1, 2),
            (130, 31, 2),
            (129, 31, 3), // another month
            (105, 7, 4),  // no longer kept: a day of its own
            (105, 7, 5),
            (131, 31, 6),
            (106, 1, 7), // dropped by the month before
            (130, 1, 7),
        ] {
            let purchase = Purchase { day_of_month: day, ..purchase(month, 100) };
            let counted = activity.add(&purchase).unwrap();
            lifetime.add(&purchase, counted).unwrap();
            assert_eq!(lifetime.purchase_days, days, "{month}, {day}");
        }
        assert_eq!((activity.orders(), activity.purchase_days(), lifetime.orders), (6, 4, 9));
    }
}
