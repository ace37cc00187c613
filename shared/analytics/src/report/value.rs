//! How figures are written: counts as numbers, money, rates and what models say as decimal strings, rounded once.

use crate::histogram::Overflow;
use crate::lifetime_value::minor;
use crate::rate::{Change, Rate};
use domain::money::{self, Currency, Minor, Money, Points};
use domain::program::{MetricsRules, Program};
use domain::qualification::Measured;
use serde::{Serialize, Serializer};

/// Decimals of rates in percent, and of ratios.
pub const RATE_DECIMALS: u8 = 4;

/// A rate in percent, with [`RATE_DECIMALS`] decimals: `"50.9934"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(pub Change);

/// One count per another, with [`RATE_DECIMALS`] decimals: `"2.7263"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio(pub Rate);

/// What a model says, or a statistic, with so many decimals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decimal<const PLACES: usize>(pub f64);

impl Percent {
    /// A part of a whole that was counted; nothing where the whole is nothing.
    pub fn of(part: u64, whole: u64) -> Option<Self> {
        Rate::new(part, whole).map(|rate| Self(rate.into()))
    }

    /// A part of a sum; nothing where the sum is nothing or less.
    pub fn of_sum(part: i128, whole: i128) -> Option<Self> {
        Change::new(part, whole).map(Self)
    }
}

impl Ratio {
    /// So many per so many; nothing where there is nothing to divide by.
    pub fn of(count: u64, per: u64) -> Option<Self> {
        Rate::new(count, per).map(Self)
    }
}

/// A figure as text: a cell of a table, and what the documents write where it is no plain number.
pub trait Cell {
    /// The text; empty where the figure is not known.
    fn cell(&self) -> String;
}

impl Cell for Percent {
    fn cell(&self) -> String {
        self.0.percent(RATE_DECIMALS)
    }
}

impl Cell for Ratio {
    fn cell(&self) -> String {
        self.0.decimal(RATE_DECIMALS)
    }
}

impl<const PLACES: usize> Cell for Decimal<PLACES> {
    fn cell(&self) -> String {
        let text = format!("{:.PLACES$}", self.0);
        // What rounds to nothing has no sign.
        let unsigned = text.strip_prefix('-').filter(|rest| rest.bytes().all(|byte| matches!(byte, b'0' | b'.')));
        unsigned.map_or(text.clone(), str::to_owned)
    }
}

impl Cell for Money {
    fn cell(&self) -> String {
        money::format_money(self.amount, self.currency)
    }
}

impl Cell for Measured {
    fn cell(&self) -> String {
        self.spend().map_or_else(|| self.amount().to_string(), |money| money.cell())
    }
}

impl Cell for Points {
    fn cell(&self) -> String {
        self.to_string()
    }
}

impl Cell for i64 {
    fn cell(&self) -> String {
        self.to_string()
    }
}

impl Cell for u64 {
    fn cell(&self) -> String {
        self.to_string()
    }
}

impl Cell for String {
    fn cell(&self) -> String {
        self.clone()
    }
}

impl Cell for &str {
    fn cell(&self) -> String {
        (*self).to_owned()
    }
}

impl<T: Cell> Cell for Option<T> {
    fn cell(&self) -> String {
        self.as_ref().map(Cell::cell).unwrap_or_default()
    }
}

/// What these figures look like, for the description of the API.
#[cfg(feature = "schema")]
mod described {
    use super::{Decimal, Percent, Ratio};
    use crate::report::period::Score;
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
    use std::borrow::Cow;

    macro_rules! figure {
        ([$($generics:tt)*] $name:ty, $about:literal) => {
            impl<$($generics)*> JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "type": "string", "description": $about, "pattern": r"^-?[0-9]+(\.[0-9]+)?$" })
                }
            }
        };
    }

    figure!([] Percent, "A share in percent.");
    figure!([] Ratio, "A ratio.");
    figure!([] Score, "A Net Promoter Score.");
    figure!([const PLACES: usize] Decimal<PLACES>, "A decimal.");
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.cell())
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.cell())
    }
}

impl<const PLACES: usize> Serialize for Decimal<PLACES> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.cell())
    }
}

/// Figures that belong together. Their names are those of the documents and of the columns, and no two sections share
/// one.
pub trait Section {
    /// The names.
    fn names() -> Vec<&'static str>;
    /// The figures, in the order of the names.
    fn cells(&self) -> Vec<String>;
}

impl<T: Section> Section for Option<T> {
    fn names() -> Vec<&'static str> {
        T::names()
    }

    fn cells(&self) -> Vec<String> {
        self.as_ref().map_or_else(|| vec![String::new(); T::names().len()], Section::cells)
    }
}

/// Declares a struct of figures that is a section.
macro_rules! section {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl $crate::report::value::Section for $name {
            fn names() -> Vec<&'static str> {
                vec![$(stringify!($field)),*]
            }

            fn cells(&self) -> Vec<String> {
                vec![$($crate::report::value::Cell::cell(&self.$field)),*]
            }
        }
    };
}

pub(super) use section;

/// What things are worth by a program: its currency, and what it says a point and a pound of revenue come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worth {
    currency: Currency,
    rules: MetricsRules,
}

impl Worth {
    /// By this program.
    pub const fn by(program: &Program) -> Self {
        Self { currency: program.currency, rules: program.metrics }
    }

    /// The currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// Whether the program says what a point costs.
    pub const fn values_points(&self) -> bool {
        self.rules.point_value.is_some()
    }

    /// Whether the program says what is left of revenue.
    pub const fn knows_margin(&self) -> bool {
        self.rules.margin_rate.is_some()
    }

    /// A sum of money.
    pub fn money(&self, minor: i128) -> Result<Money, Overflow> {
        Ok(Money { amount: Minor::narrow(minor)?, currency: self.currency })
    }

    /// An amount that a model says, rounded to whole minor units.
    pub fn modelled(&self, amount: f64) -> Result<Money, Overflow> {
        self.money(minor(amount)?.into())
    }

    /// What points come to, rounded half up once.
    pub fn of_points(&self, points: i128) -> Result<Option<Money>, Overflow> {
        let Some(value) = self.rules.point_value else { return Ok(None) };
        let amount = value.value_of(Points::narrow(points)?)?;
        Ok(Some(Money { amount, currency: self.currency }))
    }

    /// What is left of revenue, rounded half up once.
    pub fn margin(&self, revenue: Money) -> Result<Option<Money>, Overflow> {
        let Some(rate) = self.rules.margin_rate else { return Ok(None) };
        Ok(Some(Money { amount: rate.margin_of(revenue.amount)?, currency: self.currency }))
    }

    /// A sum over so many, rounded half up once; nothing where there are none.
    pub fn mean(&self, sum: i128, count: u64) -> Result<Option<Money>, Overflow> {
        if count == 0 {
            return Ok(None);
        }
        let amount = Minor::narrow(sum)?.share(1, count)?;
        Ok(Some(Money { amount, currency: self.currency }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rounds_to_nothing_has_no_sign() {
        for (value, text) in
            [(0.0, "0.00"), (-0.004, "0.00"), (-0.006, "-0.01"), (12.345_6, "12.35"), (-10.0, "-10.00")]
        {
            assert_eq!(Decimal::<2>(value).cell(), text);
        }
        assert_eq!(Decimal::<0>(-0.4).cell(), "0");
    }
}
