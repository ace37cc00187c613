//! Order history as files have it: rows of CSV, gathered into invoices.
//!
//! Every row must be understood, guests' and returns' rows too: a file with a column out of place is refused as a
//! whole, with each bad row named, before anything is imported.

use super::file::{self, BadRows, FileError, Quoted};
use crate::mapping::{Blank, Mapping};
use csv::ByteRecord;
use domain::credit_note::{CreditNoteDocument, CreditedLine};
use domain::id::{AccountId, InvalidId, LineId, OrderId, OrderKey, ReturnId, Sku};
use domain::money::{DecimalFault, Minor, UnitPrice, parse_decimal};
use domain::order::{LINES_MAX, LinePrice, Order, OrderLine, QUANTITY_MAX};
use domain::time::Instant;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The orders and returns of some files, in the order they happened.
#[derive(Debug)]
pub struct History {
    /// Those of accounts: by time, then by the whole invoice number in byte order.
    pub invoices: Vec<Invoice>,
    /// All invoices, whatever they are.
    pub invoices_read: u64,
    /// Guests' orders: invoices without an account that are no returns.
    pub guest_orders: u64,
    /// Guests' returns.
    pub guest_returns: u64,
    /// Lines of accounts' orders with a quantity of zero or less.
    pub order_lines_ignored: u64,
    /// Lines of accounts' returns with a quantity of zero or more.
    pub return_lines_ignored: u64,
    /// The time of the latest invoice, whatever it is.
    pub last_at: Option<Instant>,
    /// SHA-256 of what the files hold.
    pub content_hash: [u8; 32],
    skus: Vec<Sku>,
}

/// One order or return of an account.
#[derive(Debug)]
pub struct Invoice {
    /// Its number.
    pub number: OrderId,
    /// Whose it is.
    pub account_id: AccountId,
    /// Goods came back with it.
    pub is_return: bool,
    /// The earliest time of its rows.
    pub at: Instant,
    lines: Vec<Line>,
}

/// A line, small: a file has many.
#[derive(Debug)]
struct Line {
    sku: usize,
    /// Units bought or returned, more than zero.
    quantity: u64,
    unit_price: UnitPrice,
}

impl History {
    /// Reads files, plain or gzip, as one history, whatever its times are.
    pub fn read(mapping: &Mapping, files: &[PathBuf]) -> Result<Self, FileError> {
        Self::read_until(mapping, files, Instant::MAX)
    }

    /// As [`Self::read`]; a row later than `latest` is a bad one. An account decides nothing before its latest order,
    /// so one from the future would stop its clock until then.
    pub fn read_until(mapping: &Mapping, files: &[PathBuf], latest: Instant) -> Result<Self, FileError> {
        let mut gathering = Gathering::new(mapping, latest);
        let mut hash = Sha256::new();
        for path in files {
            let content = file::content(path)?;
            hash.update(content.len().to_be_bytes());
            hash.update(&content);
            gathering.file(path, &content)?;
        }
        gathering.finish(hash.finalize().into())
    }

    /// The returns among the invoices.
    pub fn returns(&self) -> impl Iterator<Item = &Invoice> {
        self.invoices.iter().filter(|invoice| invoice.is_return)
    }

    /// An invoice as the credit note that it is. It names no order, and its prices do not matter.
    pub fn credit_note(&self, invoice: &Invoice) -> Result<CreditNoteDocument, InvalidId> {
        let line = |line: &Line| Ok(CreditedLine { sku: self.sku(line)?, quantity: line.quantity });
        Ok(CreditNoteDocument {
            return_id: ReturnId::parse(invoice.number.as_str())?,
            returned_at: invoice.at,
            lines: invoice.lines.iter().map(line).collect::<Result<_, InvalidId>>()?,
        })
    }

    fn sku(&self, line: &Line) -> Result<Sku, InvalidId> {
        self.skus.get(line.sku).cloned().ok_or(InvalidId("is no SKU of these files"))
    }

    /// An invoice as the order that it is. Its lines are numbered from 1 in file order.
    pub fn order(&self, mapping: &Mapping, invoice: &Invoice) -> Result<Order, InvalidId> {
        let line = |(index, line): (usize, &Line)| {
            Ok(OrderLine {
                line_id: LineId::parse(&index.saturating_add(1).to_string())?,
                sku: self.sku(line)?,
                quantity: line.quantity,
                price: LinePrice::UnitPrice(line.unit_price),
                discount: Minor::ZERO,
                program_discount: Minor::ZERO,
                paid_with_points: Minor::ZERO,
                tax: None,
                category: None,
                brand: None,
                tags: Vec::new(),
            })
        };
        Ok(Order {
            key: OrderKey { source: mapping.source.clone(), order_id: invoice.number.clone() },
            account_id: invoice.account_id.clone(),
            contact_id: None,
            placed_at: invoice.at,
            currency: mapping.currency,
            lines: invoice.lines.iter().enumerate().map(line).collect::<Result<_, _>>()?,
            shipping: None,
            discount_codes: Vec::new(),
            no_codes: false,
            reservation: None,
            points: None,
            revision: 0,
            payment_state: None,
        })
    }
}

/// An invoice while its rows are being gathered.
struct Draft {
    number: OrderId,
    account_id: Option<AccountId>,
    is_return: bool,
    time: Instant,
    lines: Vec<Line>,
}

/// One row, understood.
struct Row<'r> {
    number: &'r str,
    account_id: Option<&'r str>,
    time: Instant,
    sku: &'r str,
    quantity: i64,
    unit_price: UnitPrice,
}

/// Where a file has its columns.
struct Places {
    invoice: usize,
    time: usize,
    account: usize,
    sku: usize,
    quantity: usize,
    unit_price: usize,
}

struct Gathering<'m> {
    mapping: &'m Mapping,
    latest: Instant,
    drafts: Vec<Draft>,
    by_number: HashMap<Box<str>, usize>,
    skus: Vec<Sku>,
    by_sku: HashMap<Box<str>, usize>,
    order_lines_ignored: u64,
    return_lines_ignored: u64,
    /// The last time read: rows of an invoice mostly share theirs, and reading one is slow.
    last_time: Option<(String, Instant)>,
    bad: BadRows,
}

impl<'m> Gathering<'m> {
    fn new(mapping: &'m Mapping, latest: Instant) -> Self {
        Self {
            mapping,
            latest,
            drafts: Vec::new(),
            by_number: HashMap::new(),
            skus: Vec::new(),
            by_sku: HashMap::new(),
            order_lines_ignored: 0,
            return_lines_ignored: 0,
            last_time: None,
            bad: BadRows::default(),
        }
    }

    fn file(&mut self, path: &Path, content: &[u8]) -> Result<(), FileError> {
        let mut reader = csv::ReaderBuilder::new().delimiter(self.mapping.delimiter).from_reader(content);
        let unreadable = |error: csv::Error| FileError::Unreadable { path: path.to_owned(), error: error.into() };
        let places = self.places(path, reader.byte_headers().map_err(unreadable)?)?;
        let mut record = ByteRecord::new();
        loop {
            let line = reader.position().line();
            let outcome = match reader.read_byte_record(&mut record) {
                Ok(false) => return Ok(()),
                Ok(true) => self.row(&places, &record),
                Err(error) => Err(file::csv_reason(&error)),
            };
            if let Err(reason) = outcome {
                self.bad.add(path, record.position().map_or(line, csv::Position::line), &reason);
            }
        }
    }

    fn places(&self, path: &Path, header: &ByteRecord) -> Result<Places, FileError> {
        file::check_unique(path, header)?;
        let mut missing = Vec::new();
        let mut place = |name: &String| {
            let found = header.iter().position(|column| column == name.as_bytes());
            found.unwrap_or_else(|| {
                missing.push(name.clone());
                0
            })
        };
        let columns = &self.mapping.columns;
        let places = Places {
            invoice: place(&columns.invoice),
            time: place(&columns.time),
            account: place(&columns.account),
            sku: place(&columns.sku),
            quantity: place(&columns.quantity),
            unit_price: place(&columns.unit_price),
        };
        if missing.is_empty() {
            return Ok(places);
        }
        Err(FileError::Columns { path: path.to_owned(), columns: missing })
    }

    fn row(&mut self, places: &Places, record: &ByteRecord) -> Result<(), String> {
        let columns = &self.mapping.columns;
        let text = |place: usize, name: &str| {
            let bytes = record.get(place).unwrap_or_default();
            std::str::from_utf8(bytes).map_err(|_| format!("{name} is not UTF-8"))
        };
        let account = text(places.account, &columns.account)?.trim();
        let bare = account.strip_suffix(&*self.mapping.account.strip_suffix).unwrap_or(account);
        let time = text(places.time, &columns.time)?.trim();
        let row = Row {
            number: text(places.invoice, &columns.invoice)?.trim(),
            account_id: (!account.is_empty()).then_some(bare),
            time: self.time(time)?,
            sku: text(places.sku, &columns.sku)?,
            quantity: quantity(&columns.quantity, text(places.quantity, &columns.quantity)?.trim())?,
            unit_price: unit_price(&columns.unit_price, text(places.unit_price, &columns.unit_price)?.trim())?,
        };
        self.gather(&row)
    }

    fn time(&mut self, text: &str) -> Result<Instant, String> {
        if let Some((_, instant)) = self.last_time.as_ref().filter(|(last, _)| last == text) {
            return Ok(*instant);
        }
        let mapping = self.mapping;
        let (column, quoted) = (&mapping.columns.time, Quoted(text));
        let instant = mapping
            .instant(text)
            .ok_or_else(|| format!("{column} {quoted} is no time of the format {:?}", mapping.time_format))?;
        if instant > self.latest {
            return Err(format!("{column} {quoted} is in the future: an invoice may be a day ahead at most"));
        }
        self.last_time = Some((text.to_owned(), instant));
        Ok(instant)
    }

    fn gather(&mut self, row: &Row<'_>) -> Result<(), String> {
        let columns = &self.mapping.columns;
        let sku = match self.by_sku.get(row.sku) {
            Some(place) => *place,
            None => {
                let sku = Sku::parse(row.sku).map_err(|why| format!("{} {} {why}", columns.sku, Quoted(row.sku)))?;
                self.by_sku.insert(row.sku.into(), self.skus.len());
                self.skus.push(sku);
                self.skus.len().saturating_sub(1)
            }
        };
        let place = match self.by_number.get(row.number) {
            Some(place) => *place,
            None => self.draft(row)?,
        };
        let Some(draft) = self.drafts.get_mut(place) else { return Ok(()) };
        if draft.account_id.as_ref().map(AccountId::as_str) != row.account_id {
            let (number, account, id) = (row.number, &columns.account, Quoted(row.account_id.unwrap_or("")));
            return Err(format!("{account} {id} differs from other rows of {number}"));
        }
        draft.time = draft.time.min(row.time);
        if draft.account_id.is_none() {
            return Ok(());
        }
        let (units, ignored) = match draft.is_return {
            false => (row.quantity, &mut self.order_lines_ignored),
            true => (row.quantity.saturating_neg(), &mut self.return_lines_ignored),
        };
        match u64::try_from(units) {
            Ok(quantity @ 1..) => draft.lines.push(Line { sku, quantity, unit_price: row.unit_price }),
            _ => *ignored = ignored.saturating_add(1),
        }
        if draft.lines.len() > LINES_MAX {
            return Err(format!("{} has more than {LINES_MAX} lines", row.number));
        }
        Ok(())
    }

    /// A new invoice, without lines yet.
    fn draft(&mut self, row: &Row<'_>) -> Result<usize, String> {
        let columns = &self.mapping.columns;
        let number =
            OrderId::parse(row.number).map_err(|why| format!("{} {} {why}", columns.invoice, Quoted(row.number)))?;
        let account_id = match row.account_id {
            Some(id) => Some(AccountId::parse(id).map_err(|why| format!("{} {} {why}", columns.account, Quoted(id)))?),
            None if self.mapping.account.blank == Blank::Refuse => return Err(format!("{} is blank", columns.account)),
            None => None,
        };
        let is_return = self.mapping.is_return(row.number);
        self.by_number.insert(row.number.into(), self.drafts.len());
        self.drafts.push(Draft { number, account_id, is_return, time: row.time, lines: Vec::new() });
        Ok(self.drafts.len().saturating_sub(1))
    }

    fn finish(self, content_hash: [u8; 32]) -> Result<History, FileError> {
        if !self.bad.listed.is_empty() {
            return Err(FileError::BadRows(self.bad));
        }
        let count = |is_return: bool| {
            let of_kind = |draft: &&Draft| draft.account_id.is_none() && draft.is_return == is_return;
            u64::try_from(self.drafts.iter().filter(of_kind).count()).unwrap_or(u64::MAX)
        };
        let (guest_orders, guest_returns) = (count(false), count(true));
        let invoices_read = u64::try_from(self.drafts.len()).unwrap_or(u64::MAX);
        let last_at = self.drafts.iter().map(|draft| draft.time).max();
        let invoice = |draft: Draft| {
            let Draft { number, account_id, is_return, time: at, lines } = draft;
            Some(Invoice { number, account_id: account_id?, is_return, at, lines })
        };
        let mut invoices: Vec<_> = self.drafts.into_iter().filter_map(invoice).collect();
        invoices.sort_by(|a, b| (a.at, a.number.as_str()).cmp(&(b.at, b.number.as_str())));
        Ok(History {
            invoices,
            invoices_read,
            guest_orders,
            guest_returns,
            order_lines_ignored: self.order_lines_ignored,
            return_lines_ignored: self.return_lines_ignored,
            last_at,
            content_hash,
            skus: self.skus,
        })
    }
}

fn quantity(column: &str, text: &str) -> Result<i64, String> {
    let number = text.parse::<i64>().ok().filter(|number| number.unsigned_abs() <= QUANTITY_MAX);
    number.ok_or_else(|| format!("{column} {} is no whole number of at most {QUANTITY_MAX}", Quoted(text)))
}

fn unit_price(column: &str, text: &str) -> Result<UnitPrice, String> {
    let decimals = UnitPrice::DECIMALS_MAX;
    let quoted = Quoted(text);
    parse_decimal(text, decimals).map(UnitPrice).map_err(|fault| match fault {
        DecimalFault::Malformed => format!("{column} {quoted} is no decimal number"),
        DecimalFault::TooManyDecimals => format!("{column} {quoted} has more than {decimals} decimals"),
        DecimalFault::TooLarge => format!("{column} {quoted} is too large"),
    })
}

#[cfg(test)]
mod tests;
