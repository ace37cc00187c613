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
    by_tax(program, line, units, amount, currency)
}

/// The same whatever the program excludes.
fn by_tax(
    program: &Program,
    line: &OrderLine,
    units: u64,
    amount: Minor,
    currency: Currency,
) -> Result<Minor, Overflow> {
    if line.quantity == 0 {
        return Ok(Minor::ZERO);
    }
    let counted = match (program.tax_basis, line.tax) {
        (TaxBasis::AsStated, _) | (_, None) => amount,
        (TaxBasis::Subtract, Some(tax)) => returns::amount_less(line, units, line.discount.plus(tax)?, currency)?,
        (TaxBasis::Add, Some(tax)) => returns::amount_less(line, units, line.discount.minus(tax)?, currency)?,
    };
    Ok(counted.max(Minor::ZERO))
}

/// Why nothing of a whole line is eligible; `None`: something is.
pub(crate) fn why_not(
    program: &Program,
    line: &OrderLine,
    currency: Currency,
) -> Result<Option<&'static str>, Overflow> {
    let amount = line.amount(currency)?;
    if by_tax(program, line, line.quantity, amount, currency)? > Minor::ZERO {
        return Ok(program.excluded_skus.contains(&line.sku).then_some("excluded_sku"));
    }
    Ok(Some(if amount > Minor::ZERO { "all_tax" } else { "no_amount" }))
}
