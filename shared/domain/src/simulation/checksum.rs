//! One figure over all accounts that is the same in whatever order they come, and differs where any of them does.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// The sum of the SHA-256 digests of lines, each taken as an unsigned number of 256 bits, the first byte the highest,
/// modulo 2^256. It tells reports apart; it is no proof against who makes lines up for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Checksum([u8; 32]);

impl Checksum {
    /// That of one line.
    pub fn of(line: &str) -> Self {
        Self(Sha256::digest(line).into())
    }

    /// That of the lines of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let (mut sum, mut carry) = ([0; 32], 0_u16);
        for (sum, (one, other)) in sum.iter_mut().zip(self.0.into_iter().zip(other.0)).rev() {
            // At most 255 + 255 + 1.
            let [low, high] = u16::from(one).wrapping_add(u16::from(other)).wrapping_add(carry).to_le_bytes();
            (*sum, carry) = (low, u16::from(high));
        }
        Self(sum)
    }
}

/// In hexadecimal.
impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_line_by_itself_has_its_sha_256() {
        // As `printf 'abc' | sha256sum` has it.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Checksum::of("abc").to_string(), expected);
        assert_eq!(Checksum::of("abc").plus(Checksum::default()), Checksum::of("abc"));
    }

    #[test]
    fn a_sum_carries_and_wraps() {
        let of = |bytes: &[(usize, u8)]| {
            let mut number = [0_u8; 32];
            bytes.iter().for_each(|(place, byte)| number[*place] = *byte);
            Checksum(number)
        };
        assert_eq!(of(&[(31, 0xff)]).plus(of(&[(31, 0x02)])), of(&[(30, 0x01), (31, 0x01)]));
        let most = Checksum([0xff; 32]);
        assert_eq!(most.plus(of(&[(31, 0x01)])), Checksum::default());
        assert_eq!(most.plus(most).plus(of(&[(31, 0x02)])), Checksum::default());
    }
}
