//! How the rows of a CSV file become orders: a TOML document, or the name of a built-in one.

use domain::id::Source;
use domain::money::Currency;
use domain::time::{Calendar, Instant};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

/// The mappings that come with the program, by name.
const BUILT_IN: [(&str, &str); 1] = [("online-retail", include_str!("../mappings/online-retail.toml"))];

/// A mapping, checked.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The document as written: part of what identifies an import.
    pub text: String,
    /// Where the orders come from.
    pub source: Source,
    /// The currency of every price.
    pub currency: Currency,
    /// What separates the columns, one byte.
    pub delimiter: u8,
    /// Where the values stand.
    pub columns: Columns,
    /// The format of times, as `strptime` has it.
    pub time_format: String,
    /// What local times are local to.
    pub calendar: Calendar,
    /// How account ids are written.
    pub account: AccountRule,
    /// What is a return; `None`: nothing is.
    pub returns: Option<ReturnRule>,
}

/// Names of columns, as the header line has them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// The invoice's number.
    pub invoice: String,
    /// The row's time.
    pub time: String,
    /// The account.
    pub account: String,
    /// What was bought.
    pub sku: String,
    /// How many.
    pub quantity: String,
    /// For how much each.
    pub unit_price: String,
}

impl Columns {
    fn used_twice(&self) -> Option<&str> {
        let Self { invoice, time, account, sku, quantity, unit_price } = self;
        let mut seen = BTreeSet::new();
        [invoice, time, account, sku, quantity, unit_price].into_iter().find(|name| !seen.insert(*name)).map(|n| &**n)
    }
}

/// How account ids are written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountRule {
    /// Dropped from the end of an id, once.
    pub strip_suffix: String,
    /// What a row without an account is.
    pub blank: Blank,
}

/// What a row without an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blank {
    /// A fault.
    #[default]
    Refuse,
    /// A guest's: its invoice is counted, nothing else.
    Guest,
}

/// What is a return.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnRule {
    /// What the number of its invoice starts with.
    pub invoice_prefix: String,
}

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// The file cannot be read.
    #[error("mapping {name} is no built-in one ({known}), and no file: {error}", known = built_in_names())]
    Unreadable {
        /// What was asked for.
        name: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The document is not understood.
    #[error("mapping {name}: {reason}")]
    Invalid {
        /// What was asked for.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    source: Source,
    currency: Currency,
    #[serde(default = "comma")]
    delimiter: char,
    columns: Columns,
    time: Time,
    #[serde(default)]
    account: AccountRule,
    returns: Option<ReturnRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Time {
    format: String,
    zone: String,
}

fn comma() -> char {
    ','
}

fn built_in_names() -> String {
    BUILT_IN.map(|(name, _)| name).join(", ")
}

impl Mapping {
    /// The built-in mapping of that name, or the one in that file.
    pub fn open(name: &str) -> Result<Self, MappingError> {
        let text = match BUILT_IN.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => (*text).to_owned(),
            None => std::fs::read_to_string(Path::new(name))
                .map_err(|error| MappingError::Unreadable { name: name.to_owned(), error })?,
        };
        Self::parse(&text).map_err(|reason| MappingError::Invalid { name: name.to_owned(), reason })
    }

    /// Reads a mapping document; an unknown key is an error.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Document = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        let zone = document.time.zone;
        let delimiter = u8::try_from(document.delimiter).ok().filter(u8::is_ascii);
        let mapping = Self {
            text: text.to_owned(),
            source: document.source,
            currency: document.currency,
            delimiter: delimiter.ok_or("the delimiter must be one ASCII character")?,
            columns: document.columns,
            calendar: Calendar::of(&zone).ok_or_else(|| format!("time.zone {zone} is no IANA time zone"))?,
            time_format: document.time.format,
            account: document.account,
            returns: document.returns,
        };
        if mapping.returns.as_ref().is_some_and(|returns| returns.invoice_prefix.is_empty()) {
            return Err("returns.invoice_prefix must not be empty: every invoice would be a return".to_owned());
        }
        if let Some(column) = mapping.columns.used_twice() {
            return Err(format!("columns: {column:?} is given two roles"));
        }
        Ok(mapping)
    }

    /// Whether an invoice of this number is a return.
    pub fn is_return(&self, invoice: &str) -> bool {
        self.returns.as_ref().is_some_and(|returns| invoice.starts_with(&returns.invoice_prefix))
    }

    /// The instant of a row's time; `None` where it is no such time, or not between 1970 and 2999.
    pub fn instant(&self, text: &str) -> Option<Instant> {
        let instant = self.calendar.parse_local(text, &self.time_format)?;
        (Instant::MIN < instant && instant < Instant::MAX).then_some(instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_mappings_are_good() {
        for (name, _) in BUILT_IN {
            Mapping::open(name).unwrap();
        }
        let unknown = Mapping::open("no-such-mapping").unwrap_err().to_string();
        assert!(unknown.starts_with("mapping no-such-mapping is no built-in one (online-retail), and no file"));
    }

    #[test]
    fn what_a_mapping_does_not_say_clearly_is_refused() {
        let good = BUILT_IN[0].1;
        for (from, to, reason) in [
            ("currency = \"GBP\"", "currency = \"GBP\"\ncurency = \"GBP\"", "unknown field `curency`"),
            ("sku = ", "sky = ", "unknown field `sky`"),
            ("blank = \"guest\"", "blank = \"ghost\"", "unknown variant `ghost`"),
            ("strip_suffix", "strip_sufix", "unknown field `strip_sufix`"),
            ("Europe/London", "Europe/Atlantis", "no IANA time zone"),
            ("delimiter = \",\"", "delimiter = \"→\"", "one ASCII character"),
            ("source = \"online-retail\"", "source = \"online retail\"", "must be 1 to 64 bytes"),
            ("invoice_prefix = \"C\"", "invoice_prefix = \"\"", "every invoice would be a return"),
            ("GBP", "Pounds", "currency"),
            ("sku = \"StockCode\"", "sku = \"Quantity\"", "columns: \"Quantity\" is given two roles"),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from}");
            let refused = Mapping::parse(&text).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
    }

    #[test]
    fn a_wall_time_that_the_clock_skips_moves_forward() {
        let mapping = Mapping::open("online-retail").unwrap();
        for (wall, instant) in [
            ("2011-03-27 01:30:00", Some("2011-03-27T01:30:00Z")), // does not exist: 02:30 summer time
            ("2011-03-27 02:30:00", Some("2011-03-27T01:30:00Z")),
            ("2011-10-30 01:30:00", Some("2011-10-30T00:30:00Z")), // happens twice: the first
            ("2011-02-30 01:30:00", None),
            ("1960-01-01 00:00:00", None),
            ("2011-01-01", None),
        ] {
            assert_eq!(mapping.instant(wall).map(|at| at.to_string()).as_deref(), instant, "{wall}");
        }
    }
}
