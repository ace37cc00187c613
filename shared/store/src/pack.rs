//! The packed attributes: varints, versioned, small enough that an ordinary account fits one write unit.
//!
//! Every packed value starts with its format's number. What cannot be read is said, never guessed.

mod account;
mod activity;
mod bytes;
mod counters;
mod credit_note;
mod first;
mod membership;
mod order;
mod payment;
mod spending;
mod uses;

pub use account::*;
pub use activity::*;
pub use bytes::Unpacked;
pub use counters::*;
pub use credit_note::*;
pub use first::{first_discounts, first_history, first_score};
pub use membership::{membership, pack_membership};
pub use order::*;
pub use spending::*;
pub use uses::{pack_uses, uses};

#[cfg(test)]
mod tests;
