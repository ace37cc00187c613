//! Codes that a person types, and keyed hashes of what must be unique.
//!
//! Both are HMAC-SHA-256 under a numbered secret: unguessable from outside, and the same on every replay.

use crate::id::InvalidId;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt;

/// Crockford's base 32 with its five extra check symbols, for a check value modulo 37.
const SYMBOLS: &[u8; 37] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";
/// Shortest secret.
const SECRET_BYTES_MIN: usize = 16;
/// Characters of a code before its check character: 50 bits.
const CODE_CHARS: usize = 10;

/// The merchant's numbered secrets; new codes and claims use the highest number.
#[derive(Clone)]
pub struct Secrets {
    current: Secret,
    /// Newest first.
    older: Vec<Secret>,
}

/// One secret.
#[derive(Clone)]
struct Secret {
    number: u16,
    key: Hmac<Sha256>,
}

/// A keyed hash and the number of the secret it was made with: what is kept of a value that nobody is to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyedHash {
    /// The secret's number.
    pub secret: u16,
    /// The hash.
    pub hash: Hash,
}

impl KeyedHash {
    /// What is left of one that was removed: no secret has this number, so it is that of nothing.
    pub const REMOVED: Self = Self { secret: 0, hash: Hash([0; 32]) };
}

/// HMAC-SHA-256, stored in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// Its first 64 bits.
    fn bits(self) -> u64 {
        self.0.iter().take(8).fold(0_u64, |bits, byte| bits.wrapping_shl(8) | u64::from(*byte))
    }
}

impl fmt::Display for Hash {
    /// In hexadecimal: 64 digits and small letters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for Hash {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        const WRONG: InvalidId = InvalidId("is not a hash: 64 hexadecimal digits are expected");
        let mut hash = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(WRONG);
        }
        for (byte, place) in hash.iter_mut().zip((0_usize..64).step_by(2)) {
            let digits = text.get(place..place.saturating_add(2)).ok_or(WRONG)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| WRONG)?;
        }
        Ok(Self(hash))
    }
}

impl Secret {
    /// HMAC-SHA-256 of `purpose` and `text`.
    fn hash(&self, purpose: &str, text: &str) -> Hash {
        let mut mac = self.key.clone();
        for part in [purpose.as_bytes(), b"\n", text.as_bytes()] {
            mac.update(part);
        }
        Hash(mac.finalize().into_bytes().into())
    }

    fn keyed(&self, purpose: &str, text: &str) -> KeyedHash {
        KeyedHash { secret: self.number, hash: self.hash(purpose, text) }
    }
}

/// Why the configured secrets were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("secrets must be `number:secret`, separated by commas, each secret at least 16 bytes")]
pub struct InvalidSecrets;

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} of them)", self.numbers().count())
    }
}

impl Secrets {
    /// Reads `1:secret,2:secret`.
    pub fn parse(text: &str) -> Result<Self, InvalidSecrets> {
        let one = |part: &str| {
            let (number, secret) = part.trim().split_once(':')?;
            let key = Hmac::new_from_slice(secret.as_bytes()).ok().filter(|_| secret.len() >= SECRET_BYTES_MIN)?;
            Some((number.parse().ok()?, key))
        };
        let by_number: BTreeMap<u16, Hmac<Sha256>> =
            text.split(',').map(|part| one(part).ok_or(InvalidSecrets)).collect::<Result<_, _>>()?;
        let mut newest_first = by_number.into_iter().rev().map(|(number, key)| Secret { number, key });
        Ok(Self { current: newest_first.next().ok_or(InvalidSecrets)?, older: newest_first.collect() })
    }

    /// The number of the secret that new codes and claims use.
    pub fn current(&self) -> u16 {
        self.current.number
    }

    /// All live numbers, newest first.
    pub fn numbers(&self) -> impl Iterator<Item = u16> + '_ {
        std::iter::once(&self.current).chain(&self.older).map(|secret| secret.number)
    }

    /// HMAC-SHA-256 of `purpose` and `text` with the secret's number: under the current secret, and under the older.
    pub fn keyed_hashes(&self, purpose: &str, text: &str) -> (KeyedHash, Vec<KeyedHash>) {
        let older = self.older.iter().map(|secret| secret.keyed(purpose, text));
        (self.current.keyed(purpose, text), older.collect())
    }

    /// Whether a kept hash is one of `text`, under whatever live secret it was made with; not once that one is gone.
    /// Who asks is shown no more than the answer, and cannot choose what is kept: time tells nothing worth hiding here.
    pub fn matches(&self, purpose: &str, text: &str, kept: &KeyedHash) -> bool {
        let secret = std::iter::once(&self.current).chain(&self.older).find(|secret| secret.number == kept.secret);
        secret.is_some_and(|secret| secret.hash(purpose, text) == kept.hash)
    }

    /// The hash to keep of `text`: the one that is held, where it is one of the same text, so that a repeat changes
    /// nothing; otherwise one under the current secret.
    pub fn keep(&self, purpose: &str, text: &str, held: Option<KeyedHash>) -> KeyedHash {
        let held = held.filter(|held| self.matches(purpose, text, held));
        held.unwrap_or_else(|| self.current.keyed(purpose, text))
    }

    /// The discount code of a cause (such as an order), the same whenever it is asked for.
    /// `collisions` is how many earlier codes of the same cause were taken already.
    pub fn discount_code(&self, cause: &str, collisions: u32) -> Code {
        self.code("discount", cause, collisions)
    }

    /// The referral code of a cause (an account, or a person of it), likewise.
    pub fn referral_code(&self, cause: &str, collisions: u32) -> Code {
        self.code("referral", cause, collisions)
    }

    /// The code of an invitation that is issued for a cause, likewise.
    pub fn invitation_code(&self, cause: &str, collisions: u32) -> Code {
        self.code("invitation", cause, collisions)
    }

    /// The codes of an invitation that may have been issued for a cause, under whatever live secret.
    pub fn invitation_codes(&self, cause: &str) -> Vec<Code> {
        self.live_codes("invitation", cause)
    }

    /// The shared code that is issued for a cause, likewise.
    pub fn shared_code(&self, cause: &str, collisions: u32) -> Code {
        self.code("shared", cause, collisions)
    }

    /// The shared codes that may have been issued for a cause, under whatever live secret.
    pub fn shared_codes(&self, cause: &str) -> Vec<Code> {
        self.live_codes("shared", cause)
    }

    fn live_codes(&self, purpose: &str, cause: &str) -> Vec<Code> {
        let (current, older) = self.keyed_hashes(purpose, cause);
        std::iter::once(&current).chain(&older).map(|keyed| Code::of_bits(keyed.hash.bits())).collect()
    }

    fn code(&self, purpose: &str, cause: &str, collisions: u32) -> Code {
        let cause = if collisions == 0 { cause.to_owned() } else { format!("{cause}/{collisions}") };
        Code::of_bits(self.bits(purpose, &cause))
    }

    /// 64 bits of the HMAC of `purpose` and `text` under the current secret.
    pub(crate) fn bits(&self, purpose: &str, text: &str) -> u64 {
        self.current.hash(purpose, text).bits()
    }
}

/// The code of a discount or a referral: 10 characters of Crockford's base 32 and a check character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
pub struct Code(Box<str>);

impl Code {
    /// What a person typed: case, spaces and hyphens make no difference, `O` reads as `0`, `I` and `L` as `1`.
    /// A wrong check character is refused here, before anything is looked up.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        const WRONG: InvalidId = InvalidId("is not a code: 10 characters and a check character are expected");
        if text.len() > 32 {
            return Err(WRONG);
        }
        let symbol = |c: char| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        let typed: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).map(symbol).collect();
        let values: Option<Vec<u64>> = typed.bytes().map(symbol_value).collect();
        let values = values.ok_or(WRONG)?;
        let (check, digits) = values.split_last().ok_or(WRONG)?;
        if digits.len() != CODE_CHARS || digits.iter().any(|digit| *digit > 31) {
            return Err(WRONG);
        }
        let bits = digits.iter().fold(0_u64, |bits, digit| bits.wrapping_shl(5) | digit);
        if bits.checked_rem(37) != Some(*check) {
            return Err(WRONG);
        }
        Ok(Self(typed.into()))
    }

    /// The code of the lowest 50 bits.
    pub fn of_bits(bits: u64) -> Self {
        let bits = bits & 0x3_FFFF_FFFF_FFFF;
        let places =
            (0..CODE_CHARS).rev().map(|place| bits.wrapping_shr(u32::try_from(place).unwrap_or(0).wrapping_mul(5)));
        let digits = places.map(|shifted| shifted & 31).chain(std::iter::once(bits.checked_rem(37).unwrap_or(0)));
        Self(digits.map(symbol_char).collect::<String>().into())
    }

    /// The 50 bits it stands for.
    pub fn bits(&self) -> u64 {
        let digits = self.0.bytes().take(CODE_CHARS).filter_map(symbol_value);
        digits.fold(0, |bits, digit| bits.wrapping_shl(5) | digit)
    }

    /// Its text, without separators.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn symbol_value(symbol: u8) -> Option<u64> {
    let place = SYMBOLS.iter().position(|known| *known == symbol)?;
    u64::try_from(place).ok()
}

fn symbol_char(value: u64) -> char {
    let place = usize::try_from(value).unwrap_or(0);
    SYMBOLS.get(place).copied().map_or('0', char::from)
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Code {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use proptest::prelude::*;

    fn secrets() -> Secrets {
        Secrets::parse("1:an old secret of ours,2:sixteen bytes at least").unwrap()
    }

    #[test]
    fn codes_depend_on_cause_collisions_and_secret_only() {
        let code = secrets().discount_code("next-purchase/shop#1", 0);
        assert_eq!(code, secrets().discount_code("next-purchase/shop#1", 0));
        assert_ne!(code, secrets().discount_code("next-purchase/shop#1", 1));
        assert_ne!(code, secrets().discount_code("next-purchase/shop#2", 0));
        assert_ne!(code, Secrets::parse("1:an old secret of ours").unwrap().discount_code("next-purchase/shop#1", 0));
    }

    #[test]
    fn secrets_are_numbered_and_long_enough() {
        for text in ["", "secret", "1:short", "x:sixteen bytes at least", "1:sixteen bytes at least,"] {
            assert!(Secrets::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(secrets().numbers().collect::<Vec<_>>(), [2, 1]);
        assert!(!format!("{:?}", secrets()).contains("sixteen"));
    }

    #[test]
    fn what_is_kept_is_compared_under_the_secret_it_was_made_with() {
        let (old, both) = (Secrets::parse("1:an old secret of ours").unwrap(), secrets());
        let new = Secrets::parse("2:sixteen bytes at least").unwrap();
        let kept = old.keep("phone", "79460958", None);
        assert_eq!(kept.secret, 1);
        assert!(both.matches("phone", "79460958", &kept));
        for (purpose, text) in [("phone", "79460959"), ("address", "79460958"), ("phone", "")] {
            assert!(!both.matches(purpose, text, &kept), "{purpose} {text}");
        }
        assert!(!new.matches("phone", "79460958", &kept), "the secret is gone");

        assert_eq!(both.keep("phone", "79460958", Some(kept)), kept, "a repeat changes nothing");
        assert_eq!(both.keep("phone", "79460959", Some(kept)).secret, 2);
        assert_eq!(new.keep("phone", "79460958", Some(kept)).secret, 2);
    }

    #[test]
    fn a_hash_is_stored_in_hexadecimal_and_nothing_else_reads_as_one() {
        let (kept, _) = secrets().keyed_hashes("phone", "79460958");
        let stored = serde_json::to_value(kept).unwrap();
        assert_eq!(stored["secret"], 2);
        let hash = stored["hash"].as_str().unwrap();
        assert_eq!((hash.len(), hash), (64, kept.hash.to_string().as_str()));
        assert_eq!(serde_json::from_value::<KeyedHash>(stored.clone()).unwrap(), kept);
        for wrong in [hash[1..].to_owned(), hash.to_uppercase(), format!("+{}", &hash[1..]), "é".repeat(32)] {
            assert!(Hash::try_from(wrong.clone()).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_code_reads_back_however_it_is_typed(bits in 0_u64..1 << 50) {
            let code = Code::of_bits(bits);
            prop_assert_eq!(code.bits(), bits);
            let (head, tail) = code.as_str().split_at(5);
            let typed = format!("{}-{tail}", head.to_lowercase().replace('0', "o").replace('1', "l"));
            prop_assert_eq!(Code::parse(&typed).unwrap(), code);
        }

        #[test]
        fn one_wrong_character_is_noticed(bits in 0_u64..1 << 50, place in 0_usize..10, other in 0_usize..32) {
            let code = Code::of_bits(bits);
            let mut typed: Vec<u8> = code.as_str().bytes().collect();
            prop_assume!(typed[place] != SYMBOLS[other]);
            typed[place] = SYMBOLS[other];
            prop_assert!(Code::parse(&String::from_utf8(typed).unwrap()).is_err());
        }
    }
}
