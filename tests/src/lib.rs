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
pub mod checkout;
pub mod description;
pub mod folder;
pub mod gateway;
pub mod network;
pub mod referral;
pub mod reply;
pub mod size;
pub mod survey;
pub mod token;
pub mod trade;

pub use actor::{Cloud, WHOLESALE, at};
pub use checkout::{Cart, reservation_id, with_checkout};
pub use folder::Folder;
pub use gateway::Gateway;
pub use network::Network;
pub use referral::{Prospect, Redemption, ReferralCode};
pub use reply::Reply;
pub use survey::{Answer, Survey};
pub use token::Token;
pub use trade::{Account, CreditNote, Order, TakeBack};

/// The seeds of a random test: `few`, or as many as `PROPTEST_CASES` says, up to 200; `GUILDER_TEST_SEED` asks for one
/// alone.
pub fn seeds(few: u64) -> std::ops::RangeInclusive<u64> {
    let number = |name| std::env::var(name).ok().map(|value| value.parse::<u64>().expect(name));
    match (number("GUILDER_TEST_SEED"), number("PROPTEST_CASES")) {
        (Some(seed), _) => seed..=seed,
        (None, Some(cases)) => 1..=cases.clamp(few, 200),
        (None, None) => 1..=few,
    }
}

/// Runs a random test with each of its [`seeds`], and says which one failed.
pub async fn each_seed<F: Future<Output = ()> + Send + 'static>(few: u64, run: impl Fn(u64) -> F) {
    for seed in seeds(few) {
        let run = tokio::spawn(run(seed)).await;
        assert!(run.is_ok(), "seed {seed}: set GUILDER_TEST_SEED={seed} for it alone");
    }
}

/// Whether tests with several writers at once make sense against this endpoint.
pub fn skips_concurrency() -> bool {
    std::env::var("GUILDER_TEST_SKIP_CONCURRENCY").is_ok_and(|value| value == "1")
}

/// The endpoint to test against instead of the embedded tables.
pub fn endpoint() -> Option<String> {
    std::env::var("AWS_ENDPOINT_URL_DYNAMODB").ok().filter(|endpoint| !endpoint.is_empty())
}
