//! Clients of AWS services that start fast: told what they would otherwise look for. The chain of credential providers
//! finds what Lambda sets in the environment, and the system's list of authorities the few that sign for AWS.

mod endpoint;

use crate::config::{ConfigError, variable};
use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, HttpClientError};
use endpoint::Known;
use std::time::Duration;
use store::aws_sdk_dynamodb;
use store::aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use store::aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedHttpClient};

/// The authorities that sign for AWS endpoints: Amazon Root CA 1 to 4 and Starfield Services Root CA G2, from
/// <https://www.amazontrust.com/repository/>. The first runs out at the end of 2037.
const AMAZON_AUTHORITIES: &str = include_str!("client/amazon-authorities.pem");
/// How the regions begin whose endpoints others may sign for: those outside of the partitions `aws` and `aws-us-gov`.
const OTHER_PARTITIONS: [&str; 4] = ["cn-", "us-iso", "eu-iso", "eusc-"];
/// The variables that name other authorities, by the convention of OpenSSL.
const AUTHORITIES_VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The environment lacks something.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No TLS.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] HttpClientError),
}

/// What the clients of all services are told, each SDK in types of its own: the configuration begun, without a region and
/// an endpoint, and these two.
macro_rules! told {
    ($sdk:ident, $endpoint:literal) => {{
        let (region, endpoint) = (region()?, variable($endpoint));
        let config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(credentials()?)
            .timeout_config(timeouts())
            .http_client(https(Authorities::of(&region, endpoint.as_deref(), variable))?);
        (config, region, endpoint)
    }};
}

/// A DynamoDB client. `AWS_ENDPOINT_URL_DYNAMODB` points it elsewhere.
pub fn dynamodb() -> Result<aws_sdk_dynamodb::Client, ClientError> {
    let (mut config, region, endpoint) = told!(aws_sdk_dynamodb, "AWS_ENDPOINT_URL_DYNAMODB");
    if let Some(known) = Known::of(&region, endpoint.as_deref()) {
        config = config.endpoint_resolver(known);
    }
    Ok(aws_sdk_dynamodb::Client::from_conf(config.region(Region::new(region)).build()))
}

/// An SQS client. `AWS_ENDPOINT_URL_SQS` points it elsewhere.
pub(crate) fn sqs() -> Result<aws_sdk_sqs::Client, ClientError> {
    let (mut config, region, endpoint) = told!(aws_sdk_sqs, "AWS_ENDPOINT_URL_SQS");
    config.set_endpoint_url(endpoint);
    Ok(aws_sdk_sqs::Client::from_conf(config.region(Region::new(region)).build()))
}

/// An EventBridge client. `AWS_ENDPOINT_URL_EVENTBRIDGE` points it elsewhere.
pub(crate) fn eventbridge() -> Result<aws_sdk_eventbridge::Client, ClientError> {
    let (mut config, region, endpoint) = told!(aws_sdk_eventbridge, "AWS_ENDPOINT_URL_EVENTBRIDGE");
    config.set_endpoint_url(endpoint);
    Ok(aws_sdk_eventbridge::Client::from_conf(config.region(Region::new(region)).build()))
}

/// One hung connection must not use up an invocation: the SDK tries again, with the same request token.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(9))
        .build()
}

fn required(name: &'static str) -> Result<String, ConfigError> {
    variable(name).ok_or(ConfigError::Missing(name))
}

fn credentials() -> Result<Credentials, ConfigError> {
    let (key, secret) = (required("AWS_ACCESS_KEY_ID")?, required("AWS_SECRET_ACCESS_KEY")?);
    Ok(Credentials::new(key, secret, variable("AWS_SESSION_TOKEN"), None, "environment"))
}

fn region() -> Result<String, ConfigError> {
    variable("AWS_REGION").map_or_else(|| required("AWS_DEFAULT_REGION"), Ok)
}

/// Who may sign the certificate of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Authorities {
    /// Amazon's own, which are built in. Reading the system's list takes longer than all else that a function does
    /// before it connects, and nobody else on it has a reason to sign for DynamoDB.
    Amazon,
    /// The system's list, or what [`AUTHORITIES_VARIABLES`] name.
    System,
}

impl Authorities {
    fn of(region: &str, endpoint: Option<&str>, lookup: impl Fn(&str) -> Option<String>) -> Self {
        let elsewhere = endpoint.is_some() || OTHER_PARTITIONS.iter().any(|start| region.starts_with(start));
        let named = AUTHORITIES_VARIABLES.iter().any(|name| lookup(name).is_some());
        if elsewhere || named { Self::System } else { Self::Amazon }
    }

    fn trust_store(self) -> TrustStore {
        match self {
            Self::Amazon => TrustStore::empty().with_pem_certificate(AMAZON_AUTHORITIES),
            Self::System => TrustStore::default(),
        }
    }
}

fn https(authorities: Authorities) -> Result<SharedHttpClient, HttpClientError> {
    let tls = TlsContext::builder().with_trust_store(authorities.trust_store()).build()?;
    Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls).build_https())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{AMAZON_AUTHORITIES, AUTHORITIES_VARIABLES, Authorities, https};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest, Sha256};

    #[test]
    fn amazon_alone_signs_for_its_own_endpoints() {
        let none = |_: &str| None;
        for region in ["eu-central-1", "us-east-1", "us-gov-west-1", "me-central-1"] {
            assert_eq!(Authorities::of(region, None, none), Authorities::Amazon, "{region}");
        }
        for region in ["cn-north-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "eusc-de-east-1"] {
            assert_eq!(Authorities::of(region, None, none), Authorities::System, "{region}");
        }
        assert_eq!(Authorities::of("us-east-1", Some("https://localhost:8000"), none), Authorities::System);
        for named in AUTHORITIES_VARIABLES {
            let lookup = |name: &str| (name == named).then(|| "/etc/ssl/mine.pem".to_owned());
            assert_eq!(Authorities::of("us-east-1", None, lookup), Authorities::System, "{named}");
        }
    }

    /// SHA-256 of each, as Amazon publishes them beside the certificates.
    const FINGERPRINTS: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    #[test]
    fn the_built_in_authorities_are_those_that_amazon_publishes() {
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
        let certificates = AMAZON_AUTHORITIES.split(begin).skip(1).map(|rest| rest.split_once(end).unwrap().0);
        let fingerprint = |text: &str| {
            let der = STANDARD.decode(text.replace('\n', "")).unwrap();
            Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        assert_eq!(certificates.map(fingerprint).collect::<Vec<_>>(), FINGERPRINTS);
        assert!(https(Authorities::Amazon).is_ok());
    }
}
