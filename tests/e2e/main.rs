//! The suite from outside: requests and events in, answers, tables and queues out.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

mod accounts;
mod adjustments;
mod architecture;
mod bad_input;
mod callers;
mod cost;
mod crowd;
mod discounts;
mod drift;
mod events;
mod hot_item;
mod least_privilege;
mod many_due;
mod orders;
mod parked;
mod program;
mod reordering;
mod restart;
mod returns;
mod statement;
mod trouble;
mod walker;
mod walks;
