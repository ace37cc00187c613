//! Identifiers: parsed once at the edge, then known to be safe as a key, in a path and in a log.

use crate::document::is_printable;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why an identifier was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(pub &'static str);

fn plain(text: &str, bytes_max: usize, message: &'static str) -> Result<(), InvalidId> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
    // `.` and `..` would vanish from paths on their way here.
    let vanishes = matches!(text, "." | "..");
    if text.is_empty() || text.len() > bytes_max || !text.bytes().all(allowed) || vanishes {
        return Err(InvalidId(message));
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(try_from = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The identifier, or why it is none.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let check: fn(&str) -> Result<(), InvalidId> = $check;
                check(text)?;
                Ok(Self(text.into()))
            }

            /// Its text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }
    };
}

const SHORT: &str = "must be 1 to 40 bytes of A-Z a-z 0-9 . _ : -";
const LONG: &str = "must be 1 to 64 bytes of A-Z a-z 0-9 . _ : -";
const CODED: &str = "must be 1 to 16 bytes of A-Z a-z 0-9 . _ : -";
const NAMED: &str = "must be 1 to 32 bytes of A-Z a-z 0-9 . _ : -";

id!(
    /// The customer company that is the member (at most 40 bytes).
    AccountId, |t| plain(t, 40, SHORT)
);
impl AccountId {
    /// A number that spreads accounts evenly over shards. Where items are kept depends on it: fixed.
    pub fn spread(&self) -> u64 {
        let hash = self
            .0
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        hash ^ hash.wrapping_shr(32)
    }

    /// That of an account which nobody has named yet: it is made from what brings it about.
    pub(crate) fn made_up(bits: u64) -> Self {
        Self(format!("ref-{bits:016x}").into())
    }
}

id!(
    /// A person of an account.
    ContactId, |t| plain(t, 64, LONG)
);
id!(
    /// The shop or ERP an order comes from.
    Source, |t| plain(t, 64, LONG)
);
id!(
    /// An order's number at its source.
    OrderId, |t| plain(t, 64, LONG)
);
id!(
    /// A return's number at its source.
    ReturnId, |t| plain(t, 64, LONG)
);
id!(
    /// A line's number in its order.
    LineId, |t| plain(t, 64, LONG)
);
id!(
    /// A rule of the program (at most 32 bytes: it stands in the hot item).
    RuleId, |t| plain(t, 32, NAMED)
);
id!(
    /// A tier of the program (at most 16 bytes: it stands in the hot item).
    TierId, |t| plain(t, 16, CODED)
);
id!(
    /// A group of accounts the merchant distinguishes (at most 16 bytes: it stands in the hot item).
    Segment, |t| plain(t, 16, CODED)
);
id!(
    /// The name of the program.
    ProgramName, |t| plain(t, 64, LONG)
);
id!(
    /// A question that contacts are asked.
    SurveyId, |t| plain(t, 64, LONG)
);
id!(
    /// A stock keeping unit: 1 to 64 printable characters, compared byte for byte.
    Sku,
    |t| {
        // Most SKUs are plain ASCII, which is seen at once.
        if (1..=64).contains(&t.len()) && t.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(());
        }
        let count = t.chars().count();
        if count == 0 || count > 64 || !t.chars().all(is_printable) || t.trim().is_empty() {
            return Err(InvalidId("must be 1 to 64 printable characters"));
        }
        Ok(())
    }
);

/// An identifier of 64 bits: 16 hexadecimal digits.
macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(u64);

        impl $name {
            /// That of these bits.
            pub fn of_bits(bits: u64) -> Self {
                Self(bits)
            }

            /// Its bits.
            pub fn bits(self) -> u64 {
                self.0
            }

            /// Reads 16 hexadecimal digits in lower case.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                hex_bits(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }
    };
}

fn hex_bits(text: &str) -> Result<u64, InvalidId> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let bits = (text.len() == 16 && text.bytes().all(is_hex)).then(|| u64::from_str_radix(text, 16).ok());
    bits.flatten().ok_or(InvalidId("must be 16 hexadecimal digits in lower case"))
}

hex_id!(
    /// What a redemption of a referral code is known by: made from whoever redeemed and their `Idempotency-Key`.
    RedemptionId
);
hex_id!(
    /// What a reservation is known by: made from its account, whoever made it and their `Idempotency-Key`.
    ReservationId
);

/// The identity of an order: `(source, order_id)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderKey {
    /// Where the order was placed.
    pub source: Source,
    /// Its number there.
    pub order_id: OrderId,
}

impl fmt::Display for OrderKey {
    /// `source#order_id`; neither side can contain a `#`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.source, self.order_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_hold_no_separator_and_have_bounds() {
        for (text, good) in [
            ("a", true),
            ("A.b_c:d-9", true),
            ("", false),
            ("a#b", false),
            ("a/b", false),
            ("a b", false),
            (".", false),
            ("..", false),
            ("...", true),
            ("\u{7}", false),
            ("😀", false),
            (&"x".repeat(40), true),
            (&"x".repeat(41), false),
        ] {
            assert_eq!(AccountId::parse(text).is_ok(), good, "{text:?}");
        }
        assert!(OrderId::parse(&"x".repeat(64)).is_ok());
        assert!(OrderId::parse(&"x".repeat(300)).is_err());
    }

    #[test]
    fn skus_are_counted_in_characters() {
        assert!(Sku::parse("BANK CHARGES").is_ok());
        assert!(Sku::parse(&"é".repeat(64)).is_ok());
        assert!(Sku::parse(&"é".repeat(65)).is_err());
        for hidden in ["a\nb", "a\u{200b}b", "\u{feff}", " "] {
            assert!(Sku::parse(hidden).is_err(), "{hidden:?}");
        }
    }
}
