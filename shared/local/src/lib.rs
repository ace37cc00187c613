//! The local cloud: everything that AWS does around the functions, on one machine and from the same `template.yaml`;
//! and the `guilder` command.
//!
//! It holds no rule of the program. What it imitates it imitates faithfully enough that a handler cannot tell: the
//! payloads of API Gateway, SQS and streams, at-least-once delivery, the APIs of DynamoDB and EventBridge.

// Serving is one future of many: the API, the queues, the webhook and the schedules, each down to the database.
#![recursion_limit = "256"]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

pub mod api;
pub mod audit;
pub mod backup;
pub mod bus;
pub mod cli;
pub mod cloud;
pub mod cloudwatch;
pub mod connector;
pub mod cost;
pub mod demo;
pub mod due;
pub mod endpoint;
pub mod export;
pub mod gateway;
pub mod import;
mod line;
mod loopback;
pub mod machine;
pub mod mapping;
pub mod program;
pub mod queue;
pub mod referrals;
pub mod rekey;
pub mod report;
pub mod rollup;
pub mod serve;
pub mod show;
pub mod simulate;
pub mod stream;
pub mod tables;
pub mod template;
pub mod walk;
pub mod webhook;
