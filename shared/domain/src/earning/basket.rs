//! What of an order is to earn: all of it, or what is kept.

use super::admitted::Admitted;
use super::{EarningRule, PaidWith, eligible};
use crate::money::{Minor, Overflow};
use crate::order::{Order, OrderLine};
use crate::program::Program;
use crate::returns;

/// One eligible line.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// Its place in the order; of the shipping, the one after all lines.
    pub(super) place: usize,
    /// The line; `None`: it is the shipping.
    pub line: Option<&'a OrderLine>,
    /// Units that count.
    pub units: u64,
    /// What they come to, more than nothing.
    pub amount: Minor,
}

/// What an order comes to, or what is kept of it does.
#[derive(Debug, Clone)]
pub struct Basket<'a> {
    /// The order.
    pub order: &'a Order,
    /// Units of all lines.
    pub units: u64,
    /// What all lines come to.
    pub revenue: Minor,
    /// What the eligible lines come to.
    pub eligible: Minor,
    /// What of that is paid in money: all of it, unless the program counts more as paid.
    pub eligible_paid: Minor,
    /// Units of the eligible lines.
    pub eligible_units: u64,
    /// The eligible lines, where some rule looks at lines.
    pub(super) items: Vec<Item<'a>>,
    /// Which of its lines rules admit, where that is known.
    admitted: Option<&'a Admitted>,
}

impl<'a> Basket<'a> {
    /// The whole order.
    pub fn whole(program: &Program, order: &'a Order) -> Result<Self, Overflow> {
        let mut basket = Self::empty(program, order);
        for (place, line) in order.lines.iter().enumerate() {
            basket.add(program, (place, line), line.quantity, line.amount(order.currency)?)?;
        }
        basket.add_shipping(program)?;
        Ok(basket)
    }

    /// So many units of each of its lines.
    pub fn kept(program: &Program, order: &'a Order, units: &[u64]) -> Result<Self, Overflow> {
        let mut basket = Self::empty(program, order);
        for ((place, line), units) in order.lines.iter().enumerate().zip(units) {
            basket.add(program, (place, line), *units, returns::kept_amount(line, *units, order.currency)?)?;
        }
        basket.add_shipping(program)?;
        Ok(basket)
    }

    /// The same, where it is known which lines rules admit.
    pub(crate) fn knowing(self, admitted: &'a Admitted) -> Self {
        Self { admitted: Some(admitted), ..self }
    }

    /// The lines that count for the rule of a place, with their own places among the eligible ones.
    pub(super) fn counted(&self, place: usize, rule: &EarningRule) -> impl Iterator<Item = (usize, &Item<'a>)> {
        let counts = move |item: &Item<'_>| match (item.line, self.admitted) {
            // Shipping is of no product: only what counts every line counts it.
            (None, _) => rule.lines.is_all(),
            (Some(_), Some(known)) => rule.lines.admits_units(item.units) && known.admits(place, item.place),
            (Some(line), None) => rule.lines.admits_units(item.units) && rule.lines.admits_product(line),
        };
        self.items.iter().enumerate().filter(move |(_, item)| counts(item))
    }

    fn empty(program: &Program, order: &'a Order) -> Self {
        let room = if program.earning.needs_items { order.lines.len() } else { 0 };
        let (revenue, eligible, eligible_paid) = (Minor::ZERO, Minor::ZERO, Minor::ZERO);
        let items = Vec::with_capacity(room);
        Self { order, units: 0, revenue, eligible, eligible_paid, eligible_units: 0, items, admitted: None }
    }

    fn add(
        &mut self,
        program: &Program,
        (place, line): (usize, &'a OrderLine),
        units: u64,
        amount: Minor,
    ) -> Result<(), Overflow> {
        self.revenue = self.revenue.plus(amount)?;
        self.units = self.units.checked_add(units).ok_or(Overflow)?;
        let stated = amount;
        let amount = eligible::amount(program, line, units, stated, self.order.currency)?;
        self.eligible_paid = self.eligible_paid.plus(match program.paid_with {
            PaidWith::MONEY => amount,
            _ => eligible::in_money(program, line, units, stated, self.order.currency)?,
        })?;
        if amount > Minor::ZERO {
            self.eligible = self.eligible.plus(amount)?;
            self.eligible_units = self.eligible_units.checked_add(units).ok_or(Overflow)?;
            if program.earning.needs_items {
                self.items.push(Item { line: Some(line), place, units, amount });
            }
        }
        Ok(())
    }

    /// Shipping counts, where the program says so, with the lines that it was paid for: while any of them is kept.
    fn add_shipping(&mut self, program: &Program) -> Result<(), Overflow> {
        let shipping = self.order.shipping.filter(|_| program.shipping_is_eligible && self.eligible_units > 0);
        let amount = shipping.unwrap_or(Minor::ZERO);
        if amount > Minor::ZERO {
            self.eligible = self.eligible.plus(amount)?;
            self.eligible_paid = self.eligible_paid.plus(amount)?;
            if program.earning.needs_items {
                self.items.push(Item { line: None, place: self.order.lines.len(), units: 0, amount });
            }
        }
        Ok(())
    }
}
