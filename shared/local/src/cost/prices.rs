//! Prices: a TOML file with its date. A part without a price is left out of a cost, never guessed.

use serde::Deserialize;
use std::path::Path;

/// The prices that come with the program.
const BUILT_IN: &str = include_str!("../../prices/eu-west-1.toml");

/// Decimals of a price that are read: billionths of a billionth of a dollar would be more than AWS writes.
pub const DECIMALS: u32 = 12;

/// Why prices cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PricesError {
    /// The file cannot be read.
    #[error("{0}: {1}")]
    Unreadable(String, std::io::Error),
    /// It is no price file.
    #[error("prices: {0}")]
    Malformed(#[from] toml::de::Error),
    /// A price is none.
    #[error("prices: {part}: {reason}")]
    Price {
        /// Of what.
        part: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// What is paid for by the piece, and by the piece of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// DynamoDB's write request units.
    Writes,
    /// Its read request units.
    Reads,
    /// Lambda's invocations.
    Invocations,
    /// Lambda's time.
    Time,
    /// Requests to the API.
    Requests,
    /// Events on the bus.
    Events,
    /// Requests to queues.
    QueueRequests,
    /// What those to fair queues cost more.
    FairQueueRequests,
    /// What is logged.
    Logged,
    /// What is stored, for a month.
    Stored,
    /// The same to be recovered at any instant, for a month.
    Recoverable,
    /// Alarms, for a month.
    Alarms,
    /// Metrics of one's own, for a month.
    Metrics,
    /// Dashboards, for a month.
    Dashboards,
}

impl Part {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 14] = [
        Self::Writes,
        Self::Reads,
        Self::Invocations,
        Self::Time,
        Self::Requests,
        Self::Events,
        Self::QueueRequests,
        Self::FairQueueRequests,
        Self::Logged,
        Self::Stored,
        Self::Recoverable,
        Self::Alarms,
        Self::Metrics,
        Self::Dashboards,
    ];

    /// What it is called.
    pub fn title(self) -> &'static str {
        match self {
            Self::Writes => "DynamoDB, write request units",
            Self::Reads => "DynamoDB, read request units",
            Self::Invocations => "Lambda, requests",
            Self::Time => "Lambda, time",
            Self::Requests => "API Gateway, HTTP API",
            Self::Events => "EventBridge, events taken in",
            Self::QueueRequests => "SQS, requests",
            Self::FairQueueRequests => "SQS, fair queues",
            Self::Logged => "CloudWatch, logs taken in",
            Self::Stored => "DynamoDB, storage",
            Self::Recoverable => "DynamoDB, point-in-time recovery",
            Self::Alarms => "CloudWatch, alarms",
            Self::Metrics => "CloudWatch, metrics",
            Self::Dashboards => "CloudWatch, dashboards",
        }
    }

    /// Whether it is paid again every month.
    pub fn is_monthly(self) -> bool {
        matches!(self, Self::Stored | Self::Recoverable | Self::Alarms | Self::Metrics | Self::Dashboards)
    }
}

/// One price, as the file has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    usd: String,
    per: u64,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "published")]
    _published: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    region: String,
    date: String,
    dynamodb_write_units: Option<Stated>,
    dynamodb_read_units: Option<Stated>,
    dynamodb_stored_gb_months: Option<Stated>,
    dynamodb_recoverable_gb_months: Option<Stated>,
    lambda_requests: Option<Stated>,
    lambda_gb_seconds: Option<Stated>,
    http_api_requests: Option<Stated>,
    events: Option<Stated>,
    queue_requests: Option<Stated>,
    fair_queue_requests: Option<Stated>,
    logged_gb: Option<Stated>,
    alarm_months: Option<Stated>,
    metric_months: Option<Stated>,
    dashboard_months: Option<Stated>,
}

/// A price, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Millionths of a millionth of a dollar ...
    pub pico_usd: u64,
    /// ... for so many units.
    pub per: u64,
}

/// Prices of a region at a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices {
    /// The region.
    pub region: String,
    /// The date.
    pub date: String,
    of: [Option<Price>; Part::ALL.len()],
}

impl Prices {
    /// Those of a file, or the ones that come with the program.
    pub fn open(file: Option<&Path>) -> Result<Self, PricesError> {
        let Some(path) = file else { return Self::parse(BUILT_IN) };
        let unreadable = |error| PricesError::Unreadable(path.display().to_string(), error);
        Self::parse(&std::fs::read_to_string(path).map_err(unreadable)?)
    }

    /// Reads a price file.
    pub fn parse(text: &str) -> Result<Self, PricesError> {
        let file: File = toml::from_str(text)?;
        let stated = |part: Part| match part {
            Part::Writes => &file.dynamodb_write_units,
            Part::Reads => &file.dynamodb_read_units,
            Part::Invocations => &file.lambda_requests,
            Part::Time => &file.lambda_gb_seconds,
            Part::Requests => &file.http_api_requests,
            Part::Events => &file.events,
            Part::QueueRequests => &file.queue_requests,
            Part::FairQueueRequests => &file.fair_queue_requests,
            Part::Logged => &file.logged_gb,
            Part::Stored => &file.dynamodb_stored_gb_months,
            Part::Recoverable => &file.dynamodb_recoverable_gb_months,
            Part::Alarms => &file.alarm_months,
            Part::Metrics => &file.metric_months,
            Part::Dashboards => &file.dashboard_months,
        };
        let mut of = [None; Part::ALL.len()];
        for (slot, part) in of.iter_mut().zip(Part::ALL) {
            *slot = stated(part).as_ref().map(|stated| price(part, stated)).transpose()?;
        }
        Ok(Self { region: file.region, date: file.date, of })
    }

    /// The price of a part, where it has one.
    pub fn of(&self, part: Part) -> Option<Price> {
        Part::ALL.iter().zip(self.of).find(|(known, _)| **known == part).and_then(|(_, price)| price)
    }

    /// What has no price.
    pub fn left_out(&self) -> Vec<&'static str> {
        Part::ALL.into_iter().filter(|part| self.of(*part).is_none()).map(Part::title).collect()
    }
}

fn price(part: Part, stated: &Stated) -> Result<Price, PricesError> {
    let fault = |reason| PricesError::Price { part: part.title(), reason };
    let pico = domain::money::parse_decimal(&stated.usd, DECIMALS);
    let pico = pico.map_err(|_| fault("usd must be a decimal such as \"0.705\", of at most 12 decimals"))?;
    let pico_usd = u64::try_from(pico).map_err(|_| fault("usd must not be negative"))?;
    match stated.per {
        0 => Err(fault("per must be 1 or more")),
        per => Ok(Price { pico_usd, per }),
    }
}
