//! Bytes being written and read: varints, texts, lists. What cannot be read is said, never guessed.

use domain::time::Instant;
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use std::borrow::Cow;
use std::io::{Read, Write};

/// The format number of plain bytes. A reader knows every one ever written.
pub const PLAIN: u8 = 1;

/// The format number of deflated bytes.
const DEFLATED: u8 = 2;

/// The format number of plain bytes in the second layout of their kind.
pub const DENSE: u8 = 3;

/// The format number of plain bytes in the third layout of their kind.
pub const FOLDED: u8 = 4;

/// Below this, deflating cannot save a write unit.
const DEFLATE_FROM_BYTES: usize = 512;
/// Most bytes once inflated: far more than 5,000 lines need.
const INFLATED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Why packed bytes cannot be read.
pub type Unpacked<T> = Result<T, &'static str>;

/// Bytes being written.
pub struct Writer(pub Vec<u8>);

/// Bytes that most packed values take: growing to it step by step would cost more than writing them.
const USUAL_BYTES: usize = 128;

impl Writer {
    /// With the format's number, which every packed value starts with.
    pub fn start() -> Self {
        Self::of(PLAIN)
    }

    /// With the number of another format.
    pub fn of(format: u8) -> Self {
        let mut out = Self::with_room(USUAL_BYTES);
        out.0.push(format);
        out
    }

    /// Empty, with room for so many bytes.
    pub fn with_room(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(low_bits(value) | 0x80);
            value >>= 7;
        }
        self.0.push(low_bits(value));
    }

    pub fn signed(&mut self, value: i64) {
        self.number((value.wrapping_shl(1) ^ value.wrapping_shr(63)).cast_unsigned());
    }

    pub fn count(&mut self, length: usize) {
        self.number(u64::try_from(length).unwrap_or(u64::MAX));
    }

    pub fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    pub fn instant(&mut self, at: Instant) {
        self.number(at.as_ms().unsigned_abs());
    }
}

fn low_bits(value: u64) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or(0)
}

/// The deflated form of plain bytes, if it is worth having.
pub fn deflate(plain: &[u8]) -> Option<Vec<u8>> {
    if plain.len() < DEFLATE_FROM_BYTES {
        return None;
    }
    let mut encoder = DeflateEncoder::new(vec![DEFLATED], Compression::default());
    encoder.write_all(plain).ok()?;
    let deflated = encoder.finish().ok()?;
    (deflated.len() < plain.len()).then_some(deflated)
}

/// The plain form of bytes, deflated or not.
pub fn inflate(bytes: &[u8]) -> Unpacked<Cow<'_, [u8]>> {
    let Some((&DEFLATED, rest)) = bytes.split_first() else { return Ok(Cow::Borrowed(bytes)) };
    let mut inflated = Vec::new();
    let mut decoder = DeflateDecoder::new(rest).take(INFLATED_BYTES_MAX);
    decoder.read_to_end(&mut inflated).map_err(|_| "cannot be inflated")?;
    Ok(Cow::Owned(inflated))
}

/// Bytes being read.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn start(bytes: &'a [u8]) -> Unpacked<Self> {
        match bytes.split_first() {
            Some((&PLAIN, rest)) => Ok(Self(rest)),
            Some(_) => Err("unknown format"),
            None => Err("empty"),
        }
    }

    /// The same of a kind that has several layouts: [`PLAIN`], [`DENSE`] or [`FOLDED`].
    pub fn start_of(bytes: &'a [u8]) -> Unpacked<(u8, Self)> {
        match bytes.split_first() {
            Some((&format @ (PLAIN | DENSE | FOLDED), rest)) => Ok((format, Self(rest))),
            Some(_) => Err("unknown format"),
            None => Err("empty"),
        }
    }

    pub fn end(self) -> Unpacked<()> {
        if self.0.is_empty() { Ok(()) } else { Err("bytes left over") }
    }

    pub fn byte(&mut self) -> Unpacked<u8> {
        let (first, rest) = self.0.split_first().ok_or("cut off")?;
        self.0 = rest;
        Ok(*first)
    }

    /// A number of so many bytes, eight at most, the lowest first.
    pub fn little(&mut self, bytes: usize) -> Unpacked<u64> {
        let bytes = self.bytes(bytes)?.iter().rev();
        Ok(bytes.fold(0_u64, |bits, byte| bits.wrapping_shl(8) | u64::from(*byte)))
    }

    pub fn number(&mut self) -> Unpacked<u64> {
        let mut value = 0_u64;
        for shift in (0..64_u32).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            value |= bits.checked_shl(shift).filter(|v| v.wrapping_shr(shift) == bits).ok_or("number too long")?;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("number too long")
    }

    pub fn signed(&mut self) -> Unpacked<i64> {
        let coded = self.number()?;
        Ok((coded >> 1).cast_signed() ^ (coded & 1).cast_signed().wrapping_neg())
    }

    pub fn count(&mut self) -> Unpacked<usize> {
        let count = usize::try_from(self.number()?).map_err(|_| "count too large")?;
        // Every element takes a byte at least: a larger count is damage, not data.
        if count > self.0.len() { Err("count too large") } else { Ok(count) }
    }

    pub fn text(&mut self) -> Unpacked<&'a str> {
        let length = self.count()?;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| "not UTF-8")
    }

    /// A hash of 32 bytes.
    pub fn hash(&mut self) -> Unpacked<[u8; 32]> {
        self.bytes(32)?.try_into().map_err(|_| "not 32 bytes")
    }

    pub fn bytes(&mut self, length: usize) -> Unpacked<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or("cut off")?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A list of one or none.
    pub fn optional<T>(&mut self, read: impl FnMut(&mut Self) -> Unpacked<T>) -> Unpacked<Option<T>> {
        let mut found = self.list(read)?;
        if found.len() > 1 { Err("more than one") } else { Ok(found.pop()) }
    }

    pub fn instant(&mut self) -> Unpacked<Instant> {
        Ok(Instant::from_ms(i64::try_from(self.number()?).map_err(|_| "instant too large")?))
    }

    pub fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Unpacked<T>) -> Unpacked<Vec<T>> {
        let count = self.count()?;
        (0..count).map(|_| read(self)).collect()
    }
}
