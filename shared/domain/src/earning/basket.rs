//! What of an order is to earn: all of it, or what is kept.

use super::admitted::Admitted;
use super::{EarningRule, eligible};
use crate::money::{Minor, Overflow};
use crate::order::{Order, OrderLine};
use crate::program::Program;
use crate::returns;

/// One eligible line.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The line.
    pub line: &'a OrderLine,
    /// Its place in the order.
    pub(super) place: usize,
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
        Ok(basket)
    }

    /// So many units of each of its lines.
    pub fn kept(program: &Program, order: &'a Order, units: &[u64]) -> Result<Self, Overflow> {
        let mut basket = Self::empty(program, order);
        for ((place, line), units) in order.lines.iter().enumerate().zip(units) {
            basket.add(program, (place, line), *units, returns::kept_amount(line, *units, order.currency)?)?;
        }
        Ok(basket)
    }

    /// The same, where it is known which lines rules admit.
    pub(crate) fn knowing(self, admitted: &'a Admitted) -> Self {
        Self { admitted: Some(admitted), ..self }
    }

    /// The lines that count for the rule of a place, with their own places among the eligible ones.
    pub(super) fn counted(&self, place: usize, rule: &EarningRule) -> impl Iterator<Item = (usize, &Item<'a>)> {
        let admits = move |item: &Item<'_>| match self.admitted {
            Some(known) => known.admits(place, item.place),
            None => rule.lines.admits_product(item.line),
        };
        let counts = move |item: &Item<'_>| rule.lines.admits_units(item.units) && admits(item);
        self.items.iter().enumerate().filter(move |(_, item)| counts(item))
    }

    fn empty(program: &Program, order: &'a Order) -> Self {
        let room = if program.earning.needs_items { order.lines.len() } else { 0 };
        let (revenue, eligible, items) = (Minor::ZERO, Minor::ZERO, Vec::with_capacity(room));
        Self { order, units: 0, revenue, eligible, eligible_units: 0, items, admitted: None }
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
        let amount = eligible::amount(program, line, units, amount, self.order.currency)?;
        if amount > Minor::ZERO {
            self.eligible = self.eligible.plus(amount)?;
            self.eligible_units = self.eligible_units.checked_add(units).ok_or(Overflow)?;
            if program.earning.needs_items {
                self.items.push(Item { line, place, units, amount });
            }
        }
        Ok(())
    }
}
