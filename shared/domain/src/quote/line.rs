//! A line of a cart: what it costs by the price tables, and its share of what is taken off.

use super::allocation::allocate;
use crate::audience::Buyer;
use crate::money::{Currency, Minor, Overflow};
use crate::order::{LinePrice, OrderLine};
use crate::prices::{self, Item, PriceTable};
use crate::program::Program;

/// A line and what becomes of its price, step by step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PricedLine<'a> {
    /// As the cart states it.
    pub line: &'a OrderLine,
    /// What it comes to by the shop's list price.
    pub list: Minor,
    /// The price table whose step it reaches.
    pub table: Option<&'a PriceTable>,
    /// Its price in the order: by the table, before anything else is taken off.
    pub price: LinePrice,
    /// How much less that is than by the list price.
    pub saved: Minor,
    /// What the shop takes off it by itself.
    pub own_discount: Minor,
    /// Whether discounts and points are for it.
    pub is_open: bool,
    /// Its share of the standing discount of the tier.
    pub tier: Minor,
    /// Its shares of the discounts that are applied, in their order.
    pub codes: Vec<Minor>,
    /// Its share of what points pay.
    pub points: Minor,
    /// What is left to pay.
    pub left: Minor,
}

impl<'a> PricedLine<'a> {
    /// A line at the price of its table, less what the shop takes off: never below zero.
    pub fn of(
        line: &'a OrderLine,
        program: &'a Program,
        buyer: &Buyer<'_>,
        currency: Currency,
    ) -> Result<Self, Overflow> {
        let table = prices::table_for(&program.price_tables, &Item::from(line), buyer);
        let (list, price, total) = match line.price {
            LinePrice::UnitPrice(list) => {
                let gross = list.times(line.quantity, currency)?;
                match prices::price(table, line.quantity, Some(list), currency)? {
                    Some(price) => (gross, LinePrice::UnitPrice(price.unit_price), price.total),
                    None => (gross, line.price, gross),
                }
            }
            LinePrice::Amount(amount) => {
                let total = prices::amount(table, line.quantity, amount, currency)?;
                (amount, LinePrice::Amount(total), total)
            }
        };
        let own_discount = line.discount.min(total);
        Ok(Self {
            line,
            list,
            table: table.filter(|table| table.step(line.quantity).is_some()),
            price,
            saved: list.minus(total)?,
            own_discount,
            is_open: !program.excluded_skus.contains(&line.sku),
            tier: Minor::ZERO,
            codes: Vec::new(),
            points: Minor::ZERO,
            left: total.minus(own_discount)?,
        })
    }

    /// All that is taken off it, as its line in the order states it.
    pub fn discount(&self) -> Result<Minor, Overflow> {
        Minor::sum([self.own_discount, self.program_discount()?, self.points])
    }

    /// What of that is by the program: by the tier's standing discount and by codes.
    fn program_discount(&self) -> Result<Minor, Overflow> {
        Minor::sum(std::iter::once(self.tier).chain(self.codes.iter().copied()))
    }

    /// The line as it stands in the order: its tax, if it states any, is in proportion to what is left of its amount.
    pub fn ordered(&self, currency: Currency) -> Result<OrderLine, Overflow> {
        let stated = u64::try_from(self.line.amount(currency)?.0).map_err(|_| Overflow)?;
        let left = u64::try_from(self.left.0).map_err(|_| Overflow)?;
        let tax = |tax: Minor| if stated == 0 { Ok(tax) } else { tax.share(left, stated) };
        let tax = self.line.tax.map(tax).transpose()?;
        Ok(OrderLine {
            price: self.price,
            discount: self.discount()?,
            program_discount: self.program_discount()?,
            paid_with_points: self.points,
            tax,
            ..self.line.clone()
        })
    }
}

/// What the lines come to that discounts and points are for.
pub(super) fn open_amount(lines: &[PricedLine<'_>]) -> Result<Minor, Overflow> {
    Minor::sum(lines.iter().map(PricedLine::open))
}

impl PricedLine<'_> {
    fn open(&self) -> Minor {
        if self.is_open { self.left } else { Minor::ZERO }
    }
}

/// Takes an amount off the lines that it is for, each its share, and notes that.
pub(super) fn take_off<'a>(
    lines: &mut [PricedLine<'a>],
    whole: Minor,
    note: impl Fn(&mut PricedLine<'a>, Minor),
) -> Result<(), Overflow> {
    let worth: Vec<_> = lines.iter().map(PricedLine::open).collect();
    for (line, share) in lines.iter_mut().zip(allocate(whole, &worth)?) {
        line.left = line.left.minus(share)?;
        note(line, share);
    }
    Ok(())
}
