//! What every handler needs around it: start-up, configuration, HTTP answers, batches, authorization, logs, and the
//! one load → decide → commit loop ([`App::transact`]).
//!
//! A function has one entry, `handle(app, event)`: the Lambda payload in, the Lambda response out, both JSON. The
//! same entry is called by the Lambda runtime ([`start::run`]), by the local cloud and by tests.

#[cfg(feature = "schema")]
pub mod api;
mod app;
pub mod batch;
pub mod bus;
mod caller;
pub mod client;
mod clock;
mod config;
mod error;
pub mod http;
pub mod invocation;
mod keyed;
pub mod logs;
pub mod metrics;
mod patience;
mod problem;
pub mod query;
pub mod queue;
pub mod start;
mod transact;
mod trigger;
pub mod walker;

pub use app::App;
pub use aws_sdk_eventbridge;
pub use aws_sdk_sqs;
pub use caller::{Caller, Denied, Scope};
pub use clock::Clock;
pub use config::{Config, ConfigError};
pub use error::{Error, Fault, RequestFault};
pub use keyed::{Asked, Keyed};
pub use patience::{Deadline, Patience};
pub use transact::{Command, ProgramCommand};
pub use trigger::Trigger;
