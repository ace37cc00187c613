//! The suite from outside: requests and events in, answers, tables and queues out.

#![recursion_limit = "256"]
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
mod amended_points;
mod amended_rewards;
mod amendments;
mod architecture;
mod backup;
mod bad_input;
mod balances;
mod callers;
mod checkout;
mod checkout_crowd;
mod checkout_refusals;
mod checkout_returns;
mod conditions;
mod cost;
mod credit_note_steps;
mod credit_notes;
mod crowd;
mod crowd_amended;
mod description;
mod discounts;
mod distributor;
mod drift;
mod dry_run;
mod due;
mod earlier_nights;
mod earning;
mod earning_limits;
mod erasure;
mod event_schemas;
mod events;
mod events_out;
mod expiry;
mod first_slice;
mod free_products;
mod hot_item;
mod invitations;
mod least_privilege;
mod limits;
mod log_privacy;
mod manners;
mod many_due;
mod membership;
mod metrics;
mod negative_balance;
mod night_answers;
mod night_leftovers;
mod observed;
mod occasions;
mod orders;
mod parked;
mod payments;
mod perks;
mod prices;
mod program;
mod quotes;
mod rare_events;
mod redrive;
mod referral_crowd;
mod referral_life;
mod referral_refusals;
mod referral_returns;
mod referral_reviews;
mod referral_trouble;
mod rekey;
mod reordering;
mod reordering_amended;
mod requests;
mod restart;
mod returns;
mod rewards;
mod rollup;
mod shared_code_orders;
mod shared_codes;
mod simulate;
mod simulations;
mod statement;
mod survey_crowd;
mod survey_refusals;
mod surveys;
mod tier_entry;
mod tier_metrics;
mod tiers;
mod tokens;
mod trouble;
mod version_spelling;
mod versions;
mod walker;
mod walker_trouble;
mod walks;
mod words;
