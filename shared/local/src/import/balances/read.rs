//! Rows of an opening balance, gathered into accounts.
//!
//! Every fault of the file is named with its line and column, those of the program's rules too, before anything is
//! written.

use crate::import::file::{self, BadRows, FileError, Quoted};
use csv::ByteRecord;
use domain::id::{AccountId, TierId};
use domain::money::{DecimalFault, Minor, Money, Points, decimals, parse_decimal};
use domain::opening::{Opening, OpeningLot, PastTotals};
use domain::program::Program;
use domain::time::{Day, Instant};
use std::collections::BTreeMap;
use std::path::Path;

const ACCOUNT: &str = "account_id";
const POINTS: &str = "points";
const EXPIRES_ON: &str = "expires_on";

/// The columns there may be; the first two must be.
const COLUMNS: [&str; 13] = [
    ACCOUNT,
    POINTS,
    EXPIRES_ON,
    "tier",
    "tier_since",
    "joined_on",
    "first_purchase",
    "last_purchase",
    "orders",
    "units",
    "revenue",
    "eligible_spend",
    "points_earned",
];
const REQUIRED: [&str; 2] = [ACCOUNT, POINTS];

/// The accounts of a file.
#[derive(Debug)]
pub(super) struct Balances {
    /// Rows, all together.
    pub rows: u64,
    /// One opening for each account, in the order of their ids.
    pub openings: Vec<Opening>,
}

/// Reads a file, plain or gzip, as balances that are true at `now` under `program`.
pub(super) fn read(path: &Path, program: &Program, now: Instant) -> Result<Balances, FileError> {
    let content = file::content(path)?;
    let mut reader = csv::Reader::from_reader(&content[..]);
    let unreadable = |error: csv::Error| FileError::Unreadable { path: path.to_owned(), error: error.into() };
    let places = places(path, reader.byte_headers().map_err(unreadable)?)?;
    let mut gathering = Gathering { program, rows: 0, drafts: BTreeMap::new(), faults: Vec::new() };
    let mut record = ByteRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_byte_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let line = record.position().map_or(line, csv::Position::line);
                gathering.row(line, &places, &record);
            }
            Err(error) => gathering.faults.push((line, file::csv_reason(&error))),
        }
    }
    gathering.finish(path, now)
}

/// Where each of the header's columns belongs among [`COLUMNS`].
fn places(path: &Path, header: &ByteRecord) -> Result<Vec<&'static str>, FileError> {
    if header.is_empty() {
        return Err(FileError::Empty { path: path.to_owned() });
    }
    file::check_unique(path, header)?;
    let text = |name| String::from_utf8_lossy(name).trim().to_owned();
    let names: Vec<_> = header.iter().map(text).collect();
    let known = |name: &String| COLUMNS.into_iter().find(|column| column == name);
    let missing = REQUIRED.into_iter().filter(|column| names.iter().all(|name| name != column));
    let missing: Vec<_> = missing.map(str::to_owned).collect();
    if !missing.is_empty() {
        return Err(FileError::Columns { path: path.to_owned(), columns: missing });
    }
    let unknown: Vec<_> = names.iter().filter(|name| known(name).is_none()).map(|n| Quoted(n).to_string()).collect();
    if !unknown.is_empty() {
        let known = COLUMNS.join(", ");
        return Err(FileError::Unknown { path: path.to_owned(), columns: unknown, known });
    }
    Ok(names.iter().filter_map(known).collect())
}

/// What rows say of an account besides its points.
#[derive(Default)]
struct Facts {
    tier: Option<TierId>,
    tier_since: Option<Day>,
    joined_on: Option<Day>,
    first_purchase: Option<Day>,
    last_purchase: Option<Day>,
    orders: Option<u64>,
    units: Option<u64>,
    revenue: Option<Minor>,
    eligible_spend: Option<Minor>,
    points_earned: Option<Points>,
}

/// An account while its rows are being gathered.
#[derive(Default)]
struct Draft {
    /// The line of its first row.
    line: u64,
    lots: Vec<OpeningLot>,
    /// The line of each lot.
    lot_lines: Vec<u64>,
    facts: Facts,
    /// The line that said a fact first, by column.
    fact_lines: BTreeMap<&'static str, u64>,
}

struct Gathering<'p> {
    program: &'p Program,
    rows: u64,
    drafts: BTreeMap<AccountId, Draft>,
    /// By line.
    faults: Vec<(u64, String)>,
}

/// A row being read: its values by column, and what is wrong with them.
struct Cells<'r> {
    values: BTreeMap<&'static str, &'r str>,
    faults: Vec<String>,
}

impl Cells<'_> {
    /// The value of a column, if the row has one; a fault where `parse` says why it is none.
    fn read<T>(&mut self, column: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = *self.values.get(column)?;
        parse(text).map_err(|why| self.faults.push(format!("{column} {} {why}", Quoted(text)))).ok()
    }

    /// The same; a fault where the row has none.
    fn required<T>(&mut self, column: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        if !self.values.contains_key(column) {
            self.faults.push(format!("{column} is blank"));
        }
        self.read(column, parse)
    }
}

impl Gathering<'_> {
    fn row(&mut self, line: u64, places: &[&'static str], record: &ByteRecord) {
        self.rows = self.rows.saturating_add(1);
        let mut cells = Cells { values: BTreeMap::new(), faults: Vec::new() };
        for (column, bytes) in places.iter().zip(record) {
            match std::str::from_utf8(bytes).map(str::trim) {
                Ok("") => {}
                Ok(text) => drop(cells.values.insert(column, text)),
                Err(_) => cells.faults.push(format!("{column} is not UTF-8")),
            }
        }
        let not_utf8 = !cells.faults.is_empty();
        let money = |text: &str| number(text, decimals(self.program.currency)).map(Minor);
        let id = cells.required(ACCOUNT, |text| AccountId::parse(text).map_err(|why| why.to_string()));
        let points = cells.required(POINTS, |text| number(text, 0).map(Points));
        let expires_on = cells.read(EXPIRES_ON, day);
        let lot = points.filter(|_| expires_on.is_some() || !cells.values.contains_key(EXPIRES_ON));
        let facts = Facts {
            tier: cells.read("tier", |text| TierId::parse(text).map_err(|why| why.to_string())),
            tier_since: cells.read("tier_since", day),
            joined_on: cells.read("joined_on", day),
            first_purchase: cells.read("first_purchase", day),
            last_purchase: cells.read("last_purchase", day),
            orders: cells.read("orders", count),
            units: cells.read("units", count),
            revenue: cells.read("revenue", money),
            eligible_spend: cells.read("eligible_spend", money),
            points_earned: cells.read("points_earned", |text| number(text, 0).map(Points)),
        };
        if let Some(id) = id {
            let draft = self.drafts.entry(id).or_insert_with(|| Draft { line, ..Draft::default() });
            if let Some(points) = lot.filter(|_| !not_utf8) {
                draft.lots.push(OpeningLot { expires_on, points });
                draft.lot_lines.push(line);
            }
            draft.add(facts, line, &mut cells.faults);
        }
        self.faults.extend(cells.faults.into_iter().map(|fault| (line, fault)));
    }

    fn finish(self, path: &Path, now: Instant) -> Result<Balances, FileError> {
        let Self { program, rows, drafts, mut faults } = self;
        let mut openings = Vec::with_capacity(drafts.len());
        for (id, draft) in drafts {
            let (opening, lines) = draft.opening(id, program);
            for flaw in opening.flaws(program, now) {
                faults.push((lines.of(flaw.lot, flaw.field), format!("{}: {}", flaw.field, flaw.message)));
            }
            openings.push(opening);
        }
        if !faults.is_empty() {
            faults.sort_by_key(|(line, _)| *line);
            let mut bad = BadRows::default();
            faults.iter().for_each(|(line, reason)| bad.add(path, *line, reason));
            return Err(FileError::BadRows(bad));
        }
        if openings.is_empty() {
            return Err(FileError::Empty { path: path.to_owned() });
        }
        Ok(Balances { rows, openings })
    }
}

impl Draft {
    /// Adds what another row says. Rows of an account may leave out what one of them says, and contradict none.
    fn add(&mut self, more: Facts, line: u64, faults: &mut Vec<String>) {
        let mut said = Said { lines: &mut self.fact_lines, line, faults };
        let known = &mut self.facts;
        said.once("tier", &mut known.tier, more.tier);
        said.once("tier_since", &mut known.tier_since, more.tier_since);
        said.once("joined_on", &mut known.joined_on, more.joined_on);
        said.once("first_purchase", &mut known.first_purchase, more.first_purchase);
        said.once("last_purchase", &mut known.last_purchase, more.last_purchase);
        said.once("orders", &mut known.orders, more.orders);
        said.once("units", &mut known.units, more.units);
        said.once("revenue", &mut known.revenue, more.revenue);
        said.once("eligible_spend", &mut known.eligible_spend, more.eligible_spend);
        said.once("points_earned", &mut known.points_earned, more.points_earned);
    }

    fn opening(self, account_id: AccountId, program: &Program) -> (Opening, Lines) {
        let Facts { tier, tier_since, joined_on, first_purchase, last_purchase, .. } = self.facts;
        let money = |amount: Option<Minor>| Money { amount: amount.unwrap_or_default(), currency: program.currency };
        let opening = Opening {
            account_id,
            lots: self.lots,
            tier,
            tier_since,
            joined_on,
            first_purchase,
            last_purchase,
            past: PastTotals {
                orders: self.facts.orders.unwrap_or(0),
                units: self.facts.units.unwrap_or(0),
                revenue: money(self.facts.revenue),
                eligible_spend: money(self.facts.eligible_spend),
            },
            points_earned: self.facts.points_earned,
        };
        (opening, Lines { first: self.line, lots: self.lot_lines, facts: self.fact_lines })
    }
}

/// What rows have said so far, and where.
struct Said<'d> {
    lines: &'d mut BTreeMap<&'static str, u64>,
    line: u64,
    faults: &'d mut Vec<String>,
}

impl Said<'_> {
    fn once<T: PartialEq>(&mut self, column: &'static str, known: &mut Option<T>, more: Option<T>) {
        let first = *self.lines.get(column).unwrap_or(&self.line);
        match (known.as_ref(), more) {
            (_, None) => {}
            (Some(said), Some(more)) if *said == more => {}
            (Some(_), Some(_)) => self.faults.push(format!("{column} differs from line {first}, of the same account")),
            (None, more) => {
                *known = more;
                self.lines.insert(column, self.line);
            }
        }
    }
}

/// Where an account stands in the file.
struct Lines {
    first: u64,
    lots: Vec<u64>,
    facts: BTreeMap<&'static str, u64>,
}

impl Lines {
    fn of(&self, lot: Option<usize>, column: &str) -> u64 {
        let line = lot.map_or_else(|| self.facts.get(column), |index| self.lots.get(index));
        line.copied().unwrap_or(self.first)
    }
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "is no date such as 2027-12-31".to_owned())
}

fn count(text: &str) -> Result<u64, String> {
    let number = number(text, 0)?;
    u64::try_from(number).map_err(|_| "is below zero".to_owned())
}

fn number(text: &str, decimals: u32) -> Result<i64, String> {
    parse_decimal(text, decimals).map_err(|fault| match fault {
        DecimalFault::Malformed => "is no number".to_owned(),
        DecimalFault::TooManyDecimals if decimals == 0 => "is no whole number".to_owned(),
        DecimalFault::TooManyDecimals => format!("has more than {decimals} decimals"),
        DecimalFault::TooLarge => "is too large".to_owned(),
    })
}
