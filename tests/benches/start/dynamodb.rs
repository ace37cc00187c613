//! The embedded DynamoDB behind TLS, with a certificate of an authority made for this run.

use crate::measure::{tap, world};
use crate::{Timeline, note};
use aws_smithy_runtime_api::client::http::HttpConnector;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::serve::Listener;
use dynoxide::Database;
use local::cloud::Cloud;
use local::connector::Embedded;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

/// The running endpoint.
pub struct SecureDynamoDb {
    cloud: Cloud,
    port: u16,
    authorities: HashMap<Authorities, PathBuf>,
}

/// Whom a function is told to trust, besides the authority of this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authorities {
    /// Nobody.
    None,
    /// As many as are built into our functions.
    Amazon,
    /// The system's list, which the SDK reads on Lambda.
    System,
}

/// The same that a function has built in, in a file: with an endpoint of ours, it must be told whom to trust.
const AMAZON: &str = include_str!("../../../shared/runtime/src/client/amazon-authorities.pem");
/// Where systems keep their list: Amazon Linux, Debian, Alpine.
const SYSTEM: [&str; 3] =
    ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"];

impl Authorities {
    const ALL: [Self; 3] = [Self::None, Self::Amazon, Self::System];

    fn certificates(self) -> String {
        match self {
            Self::None => String::new(),
            Self::Amazon => AMAZON.to_owned(),
            Self::System => {
                let found = SYSTEM.iter().find_map(|path| std::fs::read_to_string(path).ok());
                found.expect("a list of authorities, as the package ca-certificates installs it")
            }
        }
    }
}

impl SecureDynamoDb {
    /// Serves on a free port of loopback, the tables made and the program active.
    pub async fn start(timeline: Timeline) -> Self {
        let endpoint = Embedded::new(Database::memory().unwrap());
        let cloud = world::deployed(endpoint.clone(), runtime::Clock::system()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (acceptor, authorities) = identity(port);
        let listener = TlsListener { listener, acceptor, timeline: timeline.clone() };
        let router = Router::new().fallback(answer).with_state((endpoint, timeline));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { cloud, port, authorities }
    }

    /// Scores an order here, so that its account is known.
    pub async fn place(&self, order: &Value) {
        let app = world::order_placed_app(&self.cloud);
        let answer = order_placed::handle(&app, world::event(order)).await.unwrap();
        assert_eq!(answer["statusCode"], 201, "{answer}");
    }

    /// The variables that a function needs to work with it.
    pub fn environment(&self, trusted: Authorities) -> Vec<(String, String)> {
        let template = self.cloud.template();
        let function = template.functions.iter().find(|function| function.name == "order-placed").unwrap();
        let chosen = BTreeMap::from([("SecretKeys".to_owned(), "1:for-measuring-and-nothing-else".to_owned())]);
        let mut variables = template.environment(function, &chosen, "").unwrap();
        variables.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), format!("https://localhost:{}", self.port));
        variables.insert("SSL_CERT_FILE".to_owned(), self.authorities[&trusted].to_string_lossy().into_owned());
        variables.into_iter().collect()
    }

    /// Removes the files of authorities.
    pub fn forget(&self) {
        for file in self.authorities.values() {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// A server's key and certificate, and files with the authority that signed it and others.
fn identity(port: u16) -> (TlsAcceptor, HashMap<Authorities, PathBuf>) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let certificate: CertificateDer<'static> = params.signed_by(&key, &authority).unwrap().der().clone();
    let files = Authorities::ALL.map(|others| {
        let file = std::env::temp_dir().join(format!("guilder-start-{}-{port}-{others:?}.pem", std::process::id()));
        std::fs::write(&file, others.certificates() + &authority.pem()).unwrap();
        (others, file)
    });
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    (TlsAcceptor::from(Arc::new(config)), files.into())
}

struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    timeline: Timeline,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else { continue };
            note(&self.timeline, "DynamoDB: connection");
            stream.set_nodelay(true).unwrap();
            match self.acceptor.accept(stream).await {
                Ok(stream) => {
                    note(&self.timeline, "DynamoDB: TLS ready");
                    return (stream, address);
                }
                Err(error) => eprintln!("TLS: {error}"),
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

async fn answer(
    State((endpoint, timeline)): State<(Embedded, Timeline)>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(&'static str, &'static str); 1], Vec<u8>) {
    let target = headers["x-amz-target"].to_str().unwrap();
    let operation = target.split_once('.').unwrap().1;
    note(&timeline, &format!("DynamoDB: {operation} arrived"));
    let response = endpoint.call(tap::request(operation, body.to_vec())).await.unwrap();
    note(&timeline, &format!("DynamoDB: {operation} done"));
    let status = StatusCode::from_u16(response.status().as_u16()).unwrap();
    (status, [("content-type", "application/x-amz-json-1.0")], response.body().bytes().unwrap().to_vec())
}
