//! What a credit note's record holds packed: its lines.

use super::bytes::{Reader, Unpacked, Writer, deflate, inflate};
use domain::credit_note::NoteLine;
use domain::id::Sku;

/// Packs the lines of a credit note, with what is left of each; deflated where that is smaller.
pub fn pack_note_lines(lines: &[NoteLine]) -> Vec<u8> {
    let mut out = Writer::start();
    out.count(lines.len());
    for line in lines {
        out.text(line.sku.as_str());
        out.number(line.quantity);
        out.number(line.left);
    }
    deflate(&out.0).unwrap_or(out.0)
}

/// Reads the lines of a credit note.
pub fn note_lines(bytes: &[u8]) -> Unpacked<Vec<NoteLine>> {
    let plain = inflate(bytes)?;
    let mut input = Reader::start(&plain)?;
    let lines = input.list(|input| {
        let sku = Sku::parse(input.text()?).map_err(|_| "bad SKU")?;
        Ok(NoteLine { sku, quantity: input.number()?, left: input.number()? })
    })?;
    input.end()?;
    Ok(lines)
}
