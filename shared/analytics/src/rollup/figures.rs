//! What customers did in a period.

use super::sums::sums;
use domain::activity::{Lifetime, MonthActivity};

sums! {
    /// What the customers of one group did in one period. Money in minor units.
    ///
    /// A customer of a period is an account with an order in it. Customers of a period that had bought before its
    /// beginning are those that stayed (customers of the period before, too) and those that came back.
    pub struct Figures {
        /// Accounts with at least one order.
        pub customers: u64,
        /// Accounts with at least two.
        pub repeat_customers: u64,
        /// Customers that had bought before the period began.
        pub returning_customers: u64,
        /// Customers of the period before.
        pub previous_customers: u64,
        /// Customers of both.
        pub retained_customers: u64,
        /// Orders, those that came back included.
        pub orders: u64,
        /// Units kept.
        pub units: u64,
        /// What was kept came to.
        pub revenue: i128,
        /// What the eligible lines of it came to.
        pub eligible_revenue: i128,
        /// Points that its orders earned, before anything came back.
        pub points_earned: i128,
        /// Discounts used.
        pub discounts_used: u64,
        /// What they took off.
        pub discount_value: i128,
        /// Customers that earned points.
        pub earning_customers: u64,
        /// Their orders.
        pub earning_orders: u64,
        /// Their revenue.
        pub earning_revenue: i128,
        /// Customers that used a discount.
        pub redeeming_customers: u64,
        /// Their orders.
        pub redeeming_orders: u64,
        /// Their revenue.
        pub redeeming_revenue: i128,
        /// Revenue of customers that used a discount or came by a referral: what the return on investment credits the
        /// program with.
        pub attributed_revenue: i128,
    }
}

/// What one account did in some months.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub orders: u64,
    pub units: u64,
    pub revenue: i128,
    pub eligible: i128,
    pub earned: i128,
    pub discounts_used: u64,
    pub discount_value: i128,
}

impl Sums {
    /// With one month more. Sums of 25 months of 64-bit integers fit 128 bits; the counts are those of one account.
    pub fn and(self, month: &MonthActivity) -> Self {
        Self {
            orders: self.orders.saturating_add(month.orders),
            units: self.units.saturating_add(month.units),
            revenue: self.revenue.saturating_add(month.revenue.0.into()),
            eligible: self.eligible.saturating_add(month.eligible.0.into()),
            earned: self.earned.saturating_add(month.earned.0.into()),
            discounts_used: self.discounts_used.saturating_add(month.discounts_used),
            discount_value: self.discount_value.saturating_add(month.discount_value.0.into()),
        }
    }

    /// The months after `before` was summed.
    pub fn less(self, before: &Self) -> Self {
        Self {
            orders: self.orders.saturating_sub(before.orders),
            units: self.units.saturating_sub(before.units),
            revenue: self.revenue.saturating_sub(before.revenue),
            eligible: self.eligible.saturating_sub(before.eligible),
            earned: self.earned.saturating_sub(before.earned),
            discounts_used: self.discounts_used.saturating_sub(before.discounts_used),
            discount_value: self.discount_value.saturating_sub(before.discount_value),
        }
    }

    /// The whole relationship.
    pub fn lifetime(lifetime: &Lifetime) -> Self {
        Self {
            orders: lifetime.orders,
            units: lifetime.units,
            revenue: lifetime.revenue.0.into(),
            eligible: lifetime.eligible.0.into(),
            earned: lifetime.earned.0.into(),
            discounts_used: lifetime.discounts_used,
            discount_value: lifetime.discount_value.0.into(),
        }
    }

    /// The figures of this one account. `previous_orders` are those of the period before, `bought_before` whether it
    /// had bought when the period began, `referred` whether it came by a referral.
    pub fn figures(&self, previous_orders: u64, bought_before: bool, referred: bool) -> Figures {
        let (is_customer, was_customer) = (self.orders > 0, previous_orders > 0);
        let mut figures = Figures { previous_customers: was_customer.into(), ..Figures::default() };
        // What is left of a month without an order is that of orders that came back, or nothing.
        if !is_customer {
            return figures;
        }
        let (earns, redeems) = (self.earned > 0, self.discounts_used > 0);
        let of = |counts: bool, count: u64| if counts { count } else { 0 };
        let revenue = |counts: bool| if counts { self.revenue } else { 0 };
        figures.customers = 1;
        figures.repeat_customers = (self.orders > 1).into();
        figures.returning_customers = bought_before.into();
        figures.retained_customers = was_customer.into();
        figures.orders = self.orders;
        figures.units = self.units;
        figures.revenue = self.revenue;
        figures.eligible_revenue = self.eligible;
        figures.points_earned = self.earned;
        figures.discounts_used = self.discounts_used;
        figures.discount_value = self.discount_value;
        figures.earning_customers = earns.into();
        figures.earning_orders = of(earns, self.orders);
        figures.earning_revenue = revenue(earns);
        figures.redeeming_customers = redeems.into();
        figures.redeeming_orders = of(redeems, self.orders);
        figures.redeeming_revenue = revenue(redeems);
        figures.attributed_revenue = revenue(redeems || referred);
        figures
    }
}
