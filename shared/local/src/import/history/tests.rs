use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

/// A file in a folder that goes with the test.
struct Fixture(PathBuf);

impl Fixture {
    fn new(content: &[u8]) -> Self {
        let name = format!("guilder-history-{}-{:016x}.csv", std::process::id(), fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn rows(rows: &[&str]) -> Self {
        Self::new(format!("{HEADER}\n{}\n", rows.join("\n")).as_bytes())
    }

    fn read(&self) -> Result<History, FileError> {
        History::read(&mapping(), std::slice::from_ref(&self.0))
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

fn mapping() -> Mapping {
    Mapping::open("online-retail").unwrap()
}

/// Every order in a line: number, account, time, lines as `id:sku×quantity@millionths`.
fn summary(history: &History) -> Vec<String> {
    let order = |invoice: &Invoice| {
        let order = history.order(&mapping(), invoice).unwrap();
        let line = |line: &OrderLine| match line.price {
            LinePrice::UnitPrice(UnitPrice(price)) => {
                format!(" {}:{}×{}@{price}", line.line_id, line.sku, line.quantity)
            }
            LinePrice::Amount(_) => panic!("a file states prices, not amounts"),
        };
        let lines: String = order.lines.iter().map(line).collect();
        format!("{} {} {}{lines}", order.key.order_id, order.account_id, order.placed_at)
    };
    history.invoices.iter().filter(|invoice| !invoice.is_return).map(order).collect()
}

#[test]
fn rows_of_one_invoice_are_one_order_wherever_they_stand() {
    let history = Fixture::rows(&[
        "5,B,second,2,2011-01-10 09:02:00,2.5,7.0,UK",
        "6,X,other,1,2011-01-10 09:00:00,1,8.0,UK",
        "5,A,\"a, quoted\nname\",1,2011-01-10 09:01:00,0.001,7.0,UK",
        "5,B,second,2,2011-01-10 09:02:00,2.5,7.0,UK",
    ]);
    // The earliest time is the invoice's, file order the lines', and a repeated row is a line of its own.
    assert_eq!(
        summary(&history.read().unwrap()),
        ["6 8 2011-01-10T09:00:00Z 1:X×1@1000000", "5 7 2011-01-10T09:01:00Z 1:B×2@2500000 2:A×1@1000 3:B×2@2500000",]
    );
}

#[test]
fn at_one_minute_the_whole_number_decides_in_byte_order() {
    let at = "2011-01-10 09:00:00";
    let rows = ["10", "9", "A1", "9b"].map(|number| format!("{number},S,,1,{at},1,7,UK"));
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let history = Fixture::rows(&rows).read().unwrap();
    let numbers: Vec<_> = history.invoices.iter().map(|invoice| invoice.number.as_str()).collect();
    assert_eq!(numbers, ["10", "9", "9b", "A1"]);
}

#[test]
fn guests_are_counted_and_nothing_else() {
    let history = Fixture::rows(&[
        "1,S,,1,2011-01-10 09:00:00,1,,UK",
        "1,T,,-1,2011-01-10 09:00:00,1,,UK",
        "C2,S,,-1,2011-01-10 09:00:00,1,  ,UK",
        "C3,S,,-1,2011-01-10 09:00:00,1,7.0,UK",
        "4,S,,1,2011-01-10 09:00:00,1,7.0,UK",
        "c5,S,,1,2011-01-12 09:00:00,1,7.0,UK",
        "C6,S,,-1,2011-01-13 09:00:00,1,7.0,UK",
    ]);
    let history = history.read().unwrap();
    assert_eq!((history.invoices_read, history.guest_orders, history.guest_returns), (6, 1, 1));
    let kinds: Vec<_> = history.invoices.iter().map(|invoice| (invoice.number.as_str(), invoice.is_return)).collect();
    // At one minute orders come before returns, since digits come before letters.
    assert_eq!(kinds, [("4", false), ("C3", true), ("c5", false), ("C6", true)]);
    assert_eq!((history.order_lines_ignored, history.return_lines_ignored), (0, 0));
    assert_eq!(history.last_at.unwrap().to_string(), "2011-01-13T09:00:00Z");
}

#[test]
fn an_order_without_a_line_that_counts_is_still_an_order() {
    let history = Fixture::rows(&[
        "1,S,,0,2011-01-10 09:00:00,1,7.0,UK",
        "1,S,,-3,2011-01-10 09:00:00,1,7.0,UK",
        "2,S,,1,2011-01-11 09:00:00,-11062.06,7.0,UK",
        "2,T,,1,2011-01-11 09:00:00,0.0,7.0,UK",
    ]);
    let history = history.read().unwrap();
    assert_eq!(history.order_lines_ignored, 2);
    let expected = ["1 7 2011-01-10T09:00:00Z", "2 7 2011-01-11T09:00:00Z 1:S×1@-11062060000 2:T×1@0"];
    assert_eq!(summary(&history), expected);
}

#[test]
fn a_return_has_the_units_that_came_back_and_names_no_order() {
    let history = Fixture::rows(&[
        "C1,S,,-12,2011-01-10 09:05:00,1,7.0,UK",
        "C1,T,,3,2011-01-10 09:00:00,1,7.0,UK",
        "C1,S,,-1,2011-01-10 09:04:00,99,7.0,UK",
        "C2,S,,0,2011-01-11 09:00:00,1,8.0,UK",
    ]);
    let history = history.read().unwrap();
    assert_eq!(history.return_lines_ignored, 2);
    let notes = history.returns().map(|invoice| history.credit_note(invoice).unwrap());
    let notes = notes.map(|note| {
        let line = |line: &CreditedLine| format!(" {}×{}", line.sku, line.quantity);
        format!("{} {}{}", note.return_id, note.returned_at, note.lines.iter().map(line).collect::<String>())
    });
    // One that has nothing left is still a return: it may be the account's first sign.
    let expected = ["C1 2011-01-10T09:00:00Z S×12 S×1", "C2 2011-01-11T09:00:00Z"];
    assert_eq!(notes.collect::<Vec<_>>(), expected);
}

#[test]
fn account_ids_lose_their_suffix_once_and_skus_keep_every_byte() {
    let history = Fixture::rows(&[
        "1, m,,1,2011-01-10 09:00:00,1, 7.0.0 ,UK",
        "2,M,,1,2011-01-10 09:00:00,1,7,UK",
        "3,BANK CHARGES,,1,2011-01-10 09:00:00,1,7.00,UK",
    ]);
    let expected = [
        "1 7.0 2011-01-10T09:00:00Z 1: m×1@1000000",
        "2 7 2011-01-10T09:00:00Z 1:M×1@1000000",
        "3 7.00 2011-01-10T09:00:00Z 1:BANK CHARGES×1@1000000",
    ];
    assert_eq!(summary(&history.read().unwrap()), expected);
}

#[test]
fn times_are_local_to_the_mapping() {
    let history = Fixture::rows(&[
        "1,S,,1,2011-03-27 00:59:00,1,7.0,UK",
        "2,S,,1,2011-03-27 01:30:00,1,7.0,UK", // skipped by the clock
        "3,S,,1,2011-07-01 00:30:00,1,7.0,UK",
    ]);
    let history = history.read().unwrap();
    let times: Vec<_> = history.invoices.iter().map(|invoice| invoice.at.to_string()).collect();
    assert_eq!(times, ["2011-03-27T00:59:00Z", "2011-03-27T01:30:00Z", "2011-06-30T23:30:00Z"]);
}

#[test]
fn line_ends_and_compression_make_no_difference() {
    let rows = ["1,S,,1,2011-01-10 09:00:00,1,7.0,UK", "2,T,,2,2011-01-10 09:00:00,1,8.0,UK"];
    let plain = format!("{HEADER}\n{}\n", rows.join("\n"));
    let windows = format!("\u{feff}{HEADER}\r\n{}", rows.join("\r\n"));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(plain.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let read = |content: &[u8]| Fixture::new(content).read().unwrap();
    let expected = read(plain.as_bytes());
    assert_eq!(expected.invoices.len(), 2);
    assert_eq!(summary(&read(windows.as_bytes())), summary(&expected));
    // The same history, whether compressed or not: an import that was interrupted goes on.
    assert_eq!(read(&gzip).content_hash, expected.content_hash);
    assert_eq!(summary(&read(&gzip)), summary(&expected));

    let cut_off = Fixture::new(&gzip[..gzip.len() - 9]);
    assert!(matches!(cut_off.read().unwrap_err(), FileError::Unreadable { .. }));
}

#[test]
fn files_are_one_history() {
    let one = Fixture::rows(&["1,S,,1,2011-01-10 09:00:00,1,7.0,UK"]);
    let two = Fixture::rows(&["1,T,,1,2011-01-09 09:00:00,1,7.0,UK"]);
    let history = History::read(&mapping(), &[one.0.clone(), two.0.clone()]).unwrap();
    assert_eq!(summary(&history), ["1 7 2011-01-09T09:00:00Z 1:S×1@1000000 2:T×1@1000000"]);
}

#[test]
fn every_bad_row_is_named_with_its_line() {
    let long = "x".repeat(41);
    let fixture = Fixture::rows(&[
        "1,S,,1,2011-01-10 09:00:00,1,7.0,UK",
        "2,S,,1.5,2011-01-10 09:00:00,1,7.0,UK",
        "3,S,,1000000001,2011-01-10 09:00:00,1,7.0,UK",
        "4,S,,1,10/01/2011,1,7.0,UK",
        "5,S,,1,2011-01-10 09:00:00,1.0000001,7.0,UK",
        "6,S,,1,2011-01-10 09:00:00,1e3,7.0,UK",
        "7,S,,1,2011-01-10 09:00:00,99999999999999999999,7.0,UK",
        "8,,,1,2011-01-10 09:00:00,1,7.0,UK",
        "#9,S,,1,2011-01-10 09:00:00,1,7.0,UK",
        &format!("10,S,,1,2011-01-10 09:00:00,1,{long},UK"),
        "11,S,,1,2011-01-10 09:00:00,1,.0,UK",
        "1,S,,1,2011-01-10 09:00:00,1,8.0,UK",
        "12,S,,1,2011-01-10 09:00:00,1,7.0",
        "13,\"a\nb\",,1,2011-01-10 09:00:00,1,7.0,UK",
        "14,S,,1,2011-01-10 09:00:00,,7.0,UK",
    ]);
    let refused = fixture.read().unwrap_err().to_string();
    let path = fixture.0.display().to_string();
    let expected = [
        "nothing was imported, because of bad rows:",
        "  FILE:3: Quantity \"1.5\" is no whole number of at most 1000000000",
        "  FILE:4: Quantity \"1000000001\" is no whole number of at most 1000000000",
        "  FILE:5: InvoiceDate \"10/01/2011\" is no time of the format \"%Y-%m-%d %H:%M:%S\"",
        "  FILE:6: UnitPrice \"1.0000001\" has more than 6 decimals",
        "  FILE:7: UnitPrice \"1e3\" is no decimal number",
        "  FILE:8: UnitPrice \"99999999999999999999\" is too large",
        "  FILE:9: StockCode \"\" must be 1 to 64 printable characters",
        "  FILE:10: InvoiceNo \"#9\" must be 1 to 64 bytes of A-Z a-z 0-9 . _ : -",
        &format!("  FILE:11: CustomerID {long:?} must be 1 to 40 bytes of A-Z a-z 0-9 . _ : -"),
        "  FILE:12: CustomerID \"\" must be 1 to 40 bytes of A-Z a-z 0-9 . _ : -",
        "  FILE:13: CustomerID \"8\" differs from other rows of 1",
        "  FILE:14: has 7 columns, the header has 8",
        "  FILE:15: StockCode \"a\\nb\" must be 1 to 64 printable characters",
        "  FILE:17: UnitPrice \"\" is no decimal number",
    ];
    assert_eq!(refused.replace(&path, "FILE").lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_hundred_bad_rows_are_listed_and_the_rest_counted() {
    let rows = vec!["1,S,,x,2011-01-10 09:00:00,1,7.0,UK"; 105];
    let FileError::BadRows(bad) = Fixture::rows(&rows).read().unwrap_err() else { panic!("bad rows") };
    assert_eq!((bad.listed.len(), bad.unlisted), (100, 5));
    assert!(bad.to_string().ends_with("and 5 more"));
}

#[test]
fn a_file_without_the_columns_is_refused() {
    let fixture = Fixture::new(b"InvoiceNo;StockCode\n1;S\n");
    let refused = fixture.read().unwrap_err().to_string();
    let columns = "InvoiceNo, InvoiceDate, CustomerID, StockCode, Quantity, UnitPrice";
    assert!(refused.ends_with(&format!("the header has no column {columns}")), "{refused}");
}

#[test]
fn a_header_with_a_column_twice_is_refused() {
    let fixture = Fixture::new(format!("{HEADER},Quantity\n").as_bytes());
    let refused = fixture.read().unwrap_err().to_string();
    assert!(refused.ends_with(": the header has column \"Quantity\" twice"), "{refused}");
}

#[test]
fn an_invoice_of_the_future_is_a_bad_row() {
    let rows = ["S,,1,2011-01-10 09:00:00,1,7.0,UK", "S,,1,2011-01-10 09:00:01,1,,UK"];
    let fixture = Fixture::rows(&[&format!("1,{}", rows[0]), &format!("C2,{}", rows[1])]);
    let latest = Instant::parse("2011-01-10T09:00:00Z").unwrap();
    let refused = History::read_until(&mapping(), std::slice::from_ref(&fixture.0), latest).unwrap_err().to_string();
    let reason = "InvoiceDate \"2011-01-10 09:00:01\" is in the future: an invoice may be a day ahead at most";
    let path = fixture.0.display();
    assert_eq!(refused, format!("nothing was imported, because of bad rows:\n  {path}:3: {reason}"));
}

#[test]
fn a_long_value_is_cut_in_a_message() {
    let long = "é".repeat(61);
    let fixture = Fixture::rows(&[&format!("1,{long},,1,2011-01-10 09:00:00,x{long},7.0,UK")]);
    let refused = fixture.read().unwrap_err().to_string();
    let quoted = format!("UnitPrice \"x{}\"... is no decimal number", "é".repeat(59));
    assert!(refused.ends_with(&quoted), "{refused}");
}

#[test]
fn an_order_has_five_thousand_lines_at_most() {
    let rows = vec!["1,S,,1,2011-01-10 09:00:00,1,7.0,UK"; LINES_MAX + 1];
    assert!(Fixture::rows(&rows[..LINES_MAX]).read().is_ok());
    assert!(Fixture::rows(&rows).read().unwrap_err().to_string().ends_with(":5002: 1 has more than 5000 lines"));
}
