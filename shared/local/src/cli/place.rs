//! Where a command finds the tables.

use super::Failure;
use crate::cloud::{Cloud, OpenError, Options, Storage, StorageError, usual_parameters};
use crate::connector;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use runtime::{App, Clock, Config};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const USUAL_FILE: &str = ".guilder/guilder.db";

/// The tables of this machine, or of whatever endpoint the environment names.
pub enum Place {
    /// An embedded database in a file.
    File(PathBuf),
    /// The DynamoDB of `AWS_ENDPOINT_URL_DYNAMODB`, with tables made from the template.
    Endpoint(String),
    /// A deployment's tables, named by the variables that its functions have. Nothing is made or activated there
    /// unasked.
    Deployment,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Endpoint(endpoint) => endpoint.fmt(f),
            Self::Deployment => f.write_str("the deployment that the environment names"),
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Place {
    pub(super) fn new(db: Option<PathBuf>) -> Self {
        match (db, variable("ACCOUNTS_TABLE"), variable("AWS_ENDPOINT_URL_DYNAMODB")) {
            (Some(file), _, _) => Self::File(file),
            (None, Some(_), _) => Self::Deployment,
            (None, None, Some(endpoint)) => Self::Endpoint(endpoint),
            (None, None, None) => Self::File(USUAL_FILE.into()),
        }
    }

    /// The storage behind it.
    pub fn storage(&self) -> Result<Storage, Failure> {
        Ok(match self {
            Self::File(path) => Storage::File(path.clone()),
            Self::Deployment => return Err("a deployment is not served from here: unset ACCOUNTS_TABLE".into()),
            Self::Endpoint(endpoint) => Storage::Endpoint {
                client: client(endpoint)?,
                prefix: variable("GUILDER_TABLE_PREFIX").unwrap_or_default(),
            },
        })
    }

    /// The tables, which are made where they do not exist. Where another process has the file open and serves its
    /// content, this goes there.
    pub(super) async fn open(&self) -> Result<Opened, Failure> {
        self.open_with(options).await
    }

    /// As [`Self::open`], for an import: history is announced to nobody, so nothing of it is noted.
    pub(super) async fn open_for_history(&self) -> Result<Opened, Failure> {
        self.open_with(|storage| Options { streams: false, ..options(storage) }).await
    }

    async fn open_with(&self, options: impl Fn(Storage) -> Options) -> Result<Opened, Failure> {
        if matches!(self, Self::Deployment) {
            let app = App::new(Config::from_env()?, runtime::client::dynamodb()?, Clock::system());
            return Ok(Opened::Deployment(app));
        }
        let cloud = match Cloud::open(options(self.storage()?)).await {
            Err(OpenError::Storage(StorageError::InUse { endpoint: Some(endpoint), .. })) => {
                let storage = Storage::Endpoint { client: local_client(&endpoint), prefix: String::new() };
                Cloud::open(options(storage)).await?
            }
            opened => opened?,
        };
        Ok(Opened::Cloud(Arc::new(cloud)))
    }

    /// Whether it has tables, as far as can be told without opening it.
    pub(super) fn exists(&self) -> bool {
        match self {
            Self::File(path) => path.exists(),
            Self::Endpoint(_) | Self::Deployment => true,
        }
    }

    /// Whether it is where everything is that nobody names, so that nobody can have misspelt it.
    pub(super) fn is_usual(&self) -> bool {
        matches!(self, Self::File(path) if path == Path::new(USUAL_FILE))
    }

    /// As [`Self::open`], for commands that only look: they make no new database.
    pub(super) async fn open_existing(&self) -> Result<Opened, Failure> {
        if !self.exists() {
            return Err(format!("there is no database {self}; `guilder serve` and `guilder import` make one").into());
        }
        self.open().await
    }
}

/// Tables that a command works with.
pub(super) enum Opened {
    /// Those of a local cloud.
    Cloud(Arc<Cloud>),
    /// Those of a deployment.
    Deployment(App),
}

impl Opened {
    pub(super) fn app(&self) -> Result<&App, Failure> {
        match self {
            Self::Cloud(cloud) => app(cloud, "order-placed"),
            Self::Deployment(app) => Ok(app),
        }
    }

    /// The local cloud; a deployment has none.
    pub(super) fn cloud(&self) -> Option<&Arc<Cloud>> {
        match self {
            Self::Cloud(cloud) => Some(cloud),
            Self::Deployment(_) => None,
        }
    }
}

/// Options for a storage, with what the environment chooses for the functions.
pub fn options(storage: Storage) -> Options {
    Options { streams: true, parameters: parameters(), ..Options::new(storage) }
}

/// Values of the template's parameters, as the environment chooses them.
pub fn parameters() -> BTreeMap<String, String> {
    let mut parameters = usual_parameters();
    for (name, parameter) in [("GUILDER_SECRETS", "SecretKeys"), ("GUILDER_PROGRAM", "ProgramName")] {
        parameters.extend(variable(name).map(|value| (parameter.to_owned(), value)));
    }
    parameters
}

/// The function's instance that a command works with.
pub fn app<'c>(cloud: &'c Cloud, function: &str) -> Result<&'c App, Failure> {
    Ok(cloud.app(function).ok_or_else(|| format!("the template has no function {function}"))?)
}

/// A client of an endpoint. One on this machine takes any credentials and is of no region, so none need be stated.
fn client(endpoint: &str) -> Result<Client, Failure> {
    let is_local =
        ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"].iter().any(|own| endpoint.starts_with(own));
    match is_local && variable("AWS_ACCESS_KEY_ID").is_none() {
        true => Ok(local_client(endpoint)),
        false => Ok(runtime::client::dynamodb()?),
    }
}

/// A client of a database that another process on this machine serves.
fn local_client(endpoint: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(connector::REGION))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}
