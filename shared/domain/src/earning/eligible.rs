//! What of an order's lines is eligible: it earns, qualifies for tiers and brings discounts about.

use crate::money::{Currency, Minor, Overflow};
use crate::order::OrderLine;
use crate::program::Program;
use crate::returns;

/// What becomes of the tax that a line states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TaxBasis {
    /// Lines come to what they say, whether that contains tax or not.
    #[default]
    AsStated,
    /// Their amounts contain it, and it is not eligible.
    Subtract,
    /// Their amounts do not contain it, and it is eligible.
    Add,
}

/// What an order earns on besides what is paid for it in money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PaidWith {
    /// What its lines say was paid with points.
    pub points: bool,
    /// What its lines say the program's own discounts took off.
    pub discounts: bool,
}

impl PaidWith {
    /// Nothing.
    pub const MONEY: Self = Self { points: false, discounts: false };
    /// Points.
    pub const POINTS: Self = Self { points: true, discounts: false };
    /// Discounts.
    pub const DISCOUNTS: Self = Self { points: false, discounts: true };

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { points: self.points || other.points, discounts: self.discounts || other.discounts }
    }

    /// What of a line's discount counts as if it were paid.
    fn counted(self, line: &OrderLine) -> Result<Minor, Overflow> {
        let part = |counts, amount| if counts { amount } else { Minor::ZERO };
        part(self.points, line.paid_with_points).plus(part(self.discounts, line.program_discount))
    }
}

/// What so many units of a line come to, as far as it is eligible; nothing where the line is not. `amount` is what they
/// come to as stated. Tax is shared among the units of its line, and what is left is rounded half up once, so that fewer
/// units never come to more.
pub(crate) fn amount(
    program: &Program,
    line: &OrderLine,
    units: u64,
    amount: Minor,
    currency: Currency,
) -> Result<Minor, Overflow> {
    if program.excluded_skus.contains(&line.sku) {
        return Ok(Minor::ZERO);
    }
    by_tax(program, program.paid_with, (line, units, amount), currency)
}

/// What of that is paid in money alone, whatever else counts as paid: after discounts and points.
pub(crate) fn in_money(
    program: &Program,
    line: &OrderLine,
    units: u64,
    amount: Minor,
    currency: Currency,
) -> Result<Minor, Overflow> {
    if program.excluded_skus.contains(&line.sku) {
        return Ok(Minor::ZERO);
    }
    by_tax(program, PaidWith::MONEY, (line, units, amount), currency)
}

/// The same whatever the program excludes.
fn by_tax(
    program: &Program,
    paid_with: PaidWith,
    (line, units, amount): (&OrderLine, u64, Minor),
    currency: Currency,
) -> Result<Minor, Overflow> {
    if line.quantity == 0 {
        return Ok(Minor::ZERO);
    }
    let counts = paid_with.counted(line)?;
    let tax = match program.tax_basis {
        TaxBasis::AsStated => Minor::ZERO,
        TaxBasis::Subtract => line.tax.unwrap_or(Minor::ZERO),
        TaxBasis::Add => Minor::ZERO.minus(line.tax.unwrap_or(Minor::ZERO))?,
    };
    if counts == Minor::ZERO && tax == Minor::ZERO {
        return Ok(amount);
    }
    let off = line.discount.minus(counts)?.plus(tax)?;
    Ok(returns::amount_less(line, units, off, currency)?.max(Minor::ZERO))
}

/// Why nothing of a whole line is eligible; `None`: something is.
pub(crate) fn why_not(
    program: &Program,
    line: &OrderLine,
    currency: Currency,
) -> Result<Option<&'static str>, Overflow> {
    let amount = line.amount(currency)?;
    if by_tax(program, program.paid_with, (line, line.quantity, amount), currency)? > Minor::ZERO {
        return Ok(program.excluded_skus.contains(&line.sku).then_some("excluded_sku"));
    }
    let counts = amount.plus(program.paid_with.counted(line)?)?;
    Ok(Some(match (counts > Minor::ZERO, line.paid_with_points > Minor::ZERO) {
        (true, _) => "all_tax",
        (false, true) => "paid_with_points",
        (false, false) => "no_amount",
    }))
}
