//! Actors for the end-to-end tests: a whole cloud in the test's own process, and companies that trade with it.
//!
//! A test reads like what it is about: `cloud.order("o-1").account("acme").line("MUG", 2, "12.50").send().await`.
//!
//! Where the tables are is a matter of the environment. By default they are embedded, in memory. With
//! `AWS_ENDPOINT_URL_DYNAMODB` (and the SDK's credentials and region) set they are behind that endpoint, under a prefix
//! of their own for every test; what only the embedded ones can show (faults on the wire, request units) is skipped
//! then. `GUILDER_TEST_SKIP_CONCURRENCY=1` skips the tests in which several clients write at once: moto loses updates.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

pub mod actor;
pub mod folder;
pub mod network;
pub mod reply;
pub mod size;
pub mod trade;

pub use actor::{Cloud, WHOLESALE, at};
pub use folder::Folder;
pub use network::Network;
pub use reply::Reply;
pub use trade::{Account, CreditNote, Order, TakeBack};

/// Whether tests with several writers at once make sense against this endpoint.
pub fn skips_concurrency() -> bool {
    std::env::var("GUILDER_TEST_SKIP_CONCURRENCY").is_ok_and(|value| value == "1")
}

/// The endpoint to test against instead of the embedded tables.
pub fn endpoint() -> Option<String> {
    std::env::var("AWS_ENDPOINT_URL_DYNAMODB").ok().filter(|endpoint| !endpoint.is_empty())
}
