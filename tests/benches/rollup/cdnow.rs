//! The CDNOW customers, from the shared data.

use analytics::histogram::Histogram;
use analytics::history::History;
use analytics::spend::Spend;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// The file has weeks with two decimals.
pub const TICKS: NonZeroU32 = NonZeroU32::new(100).unwrap();

pub struct Customer {
    history: History,
    /// Of all repeat purchases, in cents.
    spend: i64,
}

/// `1.50` as 150.
fn hundredths(text: &str) -> u32 {
    text.replace('.', "").parse().unwrap()
}

pub fn customers() -> Vec<Customer> {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("GUILDER_DATA").filter(|value| !value.is_empty()).map_or_else(usual, PathBuf::from);
    let rows = csv::Reader::from_path(folder.join("cdnow-summary.csv")).unwrap().into_records().map(|row| {
        let row = row.unwrap();
        let frequency: u32 = row[1].parse().unwrap();
        let history = History::new(frequency, hundredths(&row[2]), hundredths(&row[3])).unwrap();
        Customer { history, spend: i64::from(hundredths(&row[4]) * frequency) }
    });
    rows.collect()
}

pub fn histories(customers: &[Customer]) -> Histogram<History> {
    let mut histogram = Histogram::default();
    customers.iter().for_each(|customer| histogram.record(customer.history, 1).unwrap());
    histogram
}

pub fn spend(customers: &[Customer]) -> Spend {
    let mut spend = Spend::default();
    customers.iter().for_each(|customer| spend.record(customer.history.frequency(), customer.spend).unwrap());
    spend
}
