//! The rules of the loyalty program, as functions over values.
//!
//! Nothing here reads a clock, the environment, a random source, a file or the network: the same arguments
//! give the same bytes, on a laptop and in the cloud. `now` is always an argument. Every amount is an integer
//! and every sum is checked; an overflow is an error a caller can see.
//!
//! Where to look: [`score`] decides what an order earns, [`advance`] what time alone has made true, [`membership`]
//! what a change of an account's data means, [`program`] what a merchant may configure. All of them return a
//! [`decision::Decision`]: guarded writes plus the answer, executed by the store and by nothing else.

pub mod account;
pub mod activity;
pub mod adjustment;
pub mod advance;
pub mod amendment;
pub mod audience;
pub mod code;
pub mod counters;
pub mod credit_note;
pub mod decision;
pub mod discount;
pub mod document;
pub mod due;
pub mod earning;
pub mod erasure;
pub mod event;
pub mod expiry;
pub mod forecast;
pub mod free_products;
pub mod hold;
pub mod id;
pub mod idempotency;
pub mod invitation;
mod kind;
pub mod ledger;
pub mod limit;
pub mod lots;
pub mod membership;
pub mod money;
pub mod named_code;
pub mod occasions;
pub mod opening;
pub mod order;
pub mod parked;
pub mod payment;
pub mod perks;
pub mod precondition;
pub mod prices;
pub mod program;
pub mod qualification;
pub mod quote;
pub mod receipt;
pub mod referral;
pub mod requests;
pub mod reservation;
pub mod returns;
pub mod review;
pub mod rewards;
pub mod rules;
pub mod schedule;
pub mod schema;
pub mod score;
pub mod shared_code;
mod shortfall;
pub mod simulation;
pub mod spending;
pub mod standing;
pub mod statement;
pub mod survey;
pub mod tier;
pub mod time;
pub mod uses;
mod validity;
pub mod version;
pub mod walk;
pub mod warning;
pub mod words;
