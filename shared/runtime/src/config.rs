//! Configuration: the environment variables that `template.yaml` declares, and nothing else.

use domain::code::{InvalidSecrets, Secrets};
use domain::id::ProgramName;
use store::Tables;

/// Where the function's own queue is.
pub(crate) const QUEUE_URL: &str = "OWN_QUEUE_URL";

/// The bus that the function's events are put on.
pub(crate) const BUS_NAME: &str = "EVENTS_BUS_NAME";

/// What a function is configured with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The names of the tables.
    pub tables: Tables,
    /// The program this deployment runs.
    pub program: ProgramName,
    /// The secrets that codes and claims are made with.
    pub secrets: Secrets,
    /// Where the function's own queue is, if it has one.
    pub queue_url: Option<String>,
    /// The bus that the function's events are put on, if it sends any.
    pub bus_name: Option<String>,
    /// Which of the merchant's deployments this is, if the function tells of that.
    pub stage: Option<String>,
    /// The time zone by whose clock the function is run every night, if it is.
    pub time_zone: Option<String>,
}

/// What is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable is not set, or empty.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// `GUILDER_PROGRAM` is no name.
    #[error("GUILDER_PROGRAM {0}")]
    Program(domain::id::InvalidId),
    /// `GUILDER_SECRETS` holds no secrets.
    #[error("GUILDER_SECRETS: {0}")]
    Secrets(#[from] InvalidSecrets),
}

/// A variable of the environment; an empty one counts as unset.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Config {
    /// Reads the configuration from the process environment. An empty variable counts as unset.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(variable)
    }

    /// Reads the configuration from any source of variables.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &'static str| lookup(name).filter(|value| !value.is_empty()).ok_or(ConfigError::Missing(name));
        Ok(Self {
            tables: Tables {
                accounts: get("ACCOUNTS_TABLE")?,
                orders: get("ORDERS_TABLE")?,
                ledger: get("LEDGER_TABLE")?,
                codes: get("CODES_TABLE")?,
                programs: get("PROGRAMS_TABLE")?,
                metrics: get("METRICS_TABLE")?,
                limits: get("LIMITS_TABLE")?,
            },
            program: ProgramName::parse(&get("GUILDER_PROGRAM")?).map_err(ConfigError::Program)?,
            secrets: Secrets::parse(&get("GUILDER_SECRETS")?)?,
            queue_url: get(QUEUE_URL).ok(),
            bus_name: get(BUS_NAME).ok(),
            stage: get("STAGE").ok(),
            time_zone: get("TIME_ZONE").ok(),
        })
    }
}
