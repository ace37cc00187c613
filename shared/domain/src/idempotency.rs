//! Records of commands that have no business key of their own: the caller's `Idempotency-Key` is their key.

use crate::decision::Rejection;
use crate::id::{AccountId, InvalidId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

/// Most characters of an `Idempotency-Key`.
pub const KEY_CHARS_MAX: usize = 255;

/// The key of a command: one caller, one route, one `Idempotency-Key`. Somebody else's key is another key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandKey(String);

impl CommandKey {
    /// The key of what `caller` sent to `route` with this `Idempotency-Key`.
    pub fn new(caller: &str, route: &str, key: &str) -> Result<Self, InvalidId> {
        let count = key.chars().count();
        if count == 0 || count > KEY_CHARS_MAX || key.chars().any(|c| c.is_control() || !c.is_ascii()) {
            return Err(InvalidId("must be 1 to 255 printable ASCII characters"));
        }
        let hash = Sha256::digest([caller, route, key].join("\n"));
        Ok(Self(hash.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// What stands for a caller whose own name must not be kept.
    pub fn of_subject(subject: &str) -> Self {
        let hash = Sha256::digest(["subject", subject].join("\n"));
        Self(hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }

    /// The key of the opening of an account's balance: one for all callers, since it happens once.
    pub fn opening() -> Self {
        Self("opening".to_owned())
    }

    /// 64 bits of it that make an id of some kind.
    pub(crate) fn bits(&self, kind: &str) -> u64 {
        let hash = Sha256::digest(format!("{kind}\n{}", self.0));
        hash.iter().take(8).fold(0, |bits, byte| bits.wrapping_shl(8) | u64::from(*byte))
    }

    /// Its text: a hash in hexadecimal, or what happens once by its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A command that was carried out, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRecord {
    /// On which account.
    pub account_id: AccountId,
    /// The command's key.
    pub key: CommandKey,
    /// Hash of what was asked for, in hexadecimal.
    pub content_hash: String,
    /// The answer, as JSON.
    pub answer: String,
}

impl CommandRecord {
    /// The record of a command and its answer.
    pub fn new(account_id: AccountId, key: CommandKey, content_hash: [u8; 32], answer: &impl Serialize) -> Self {
        // Answers are plain structs: writing them to memory cannot fail.
        let answer = serde_json::to_string(answer).unwrap_or_default();
        Self { account_id, key, content_hash: hexadecimal(content_hash), answer }
    }

    /// The first answer, if the same was asked for; otherwise that the key was used for something else.
    pub fn repeat<T: DeserializeOwned>(&self, content_hash: [u8; 32]) -> Result<T, Rejection> {
        if self.content_hash != hexadecimal(content_hash) {
            return Err(Rejection::KeyReused);
        }
        serde_json::from_str(&self.answer).map_err(|_| Rejection::KeyReused)
    }
}

pub(crate) fn hexadecimal(hash: [u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
