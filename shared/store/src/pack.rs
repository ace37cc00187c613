//! The packed attributes: varints, versioned, small enough that an ordinary account fits one write unit.
//!
//! Every packed value starts with its format's number. What cannot be read is said, never guessed.

mod account;
mod activity;
mod bytes;
mod credit_note;
mod membership;
mod order;
mod payment;

pub use account::*;
pub use activity::*;
pub use bytes::Unpacked;
pub use credit_note::*;
pub use membership::{membership, pack_membership};
pub use order::*;

#[cfg(test)]
mod tests;
