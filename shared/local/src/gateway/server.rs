//! The gateway on a socket, for `guilder serve`.
//!
//! Whoever reaches it may be an operator, so it listens on loopback only and answers this machine only (see
//! `loopback`), whether tokens are asked for or not.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Response as HttpResponse, StatusCode, request};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{BODY_BYTES_MAX, Request, Response};
use crate::cloud::Cloud;
use crate::endpoint;
use crate::loopback::{self, Refusal};

/// How long requests under way may take once it is time to stop.
const GRACE: Duration = Duration::from_secs(5);

/// A listener on loopback; port 0 takes a free one.
pub async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// Resolves when the process is asked to end, by Ctrl-C or by a termination signal.
pub async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler there is nothing to wait for; the system ends the process itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Takes a line per request.
pub type Print = Arc<dyn Fn(&str) + Send + Sync>;

/// What answers requests to the API, and nothing else of the cloud. Prints a line per request.
pub fn router(cloud: Arc<Cloud>, print: Print) -> Router {
    Router::new().fallback(answer).with_state((cloud, print))
}

/// To standard output.
fn to_terminal() -> Print {
    // A terminal that went away is no reason to fail.
    Arc::new(|line| drop(writeln!(io::stdout(), "{line}")))
}

/// Serves the API on `http` and, if there is one, the embedded database on `database`, and delivers queued messages
/// and runs state machines by their schedules, until `stop` resolves and what is under way is done. Prints a line per request.
pub async fn serve(
    cloud: Arc<Cloud>,
    http: TcpListener,
    database: Option<TcpListener>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let (running, stopped) = watch::channel(());
    let until_stopped = || {
        let mut stopped = stopped.clone();
        // The sender never sends: the wait ends when it is dropped.
        async move { drop(stopped.changed().await) }
    };
    let api = axum::serve(http, router(Arc::clone(&cloud), to_terminal())).with_graceful_shutdown(until_stopped());
    let embedded = async {
        match (cloud.database(), database) {
            (Some(db), Some(listener)) => endpoint::serve(db.clone(), listener, until_stopped()).await,
            _ => Ok(()),
        }
    };
    let consumer = async {
        tokio::join!(cloud.consume(until_stopped()), cloud.run_schedules(until_stopped()));
        Ok(())
    };
    let everything = async { tokio::try_join!(async { api.await }, embedded, consumer).map(drop) };
    let ending = async {
        stop.await;
        drop(running);
        tokio::time::sleep(GRACE).await;
        Ok(())
    };
    tokio::select! {
        ended = everything => ended,
        ended = ending => ended,
    }
}

async fn answer(
    State((cloud, print)): State<(Arc<Cloud>, Print)>,
    request: axum::extract::Request,
) -> HttpResponse<Body> {
    let started = Instant::now();
    let (parts, body) = loopback::receive(request, BODY_BYTES_MAX).await;
    let response = match body {
        Ok(body) => cloud.answer(read(&parts, body)).await,
        Err(refusal) => refused(refusal).about(&read(&parts, Bytes::new())),
    };
    let path = cloud.loggable(parts.uri.path());
    print(&line(parts.method.as_str(), &path, &response, started.elapsed()));
    let mut http = HttpResponse::builder().status(response.status);
    for (name, value) in &response.headers {
        http = http.header(name, value);
    }
    http.body(Body::from(response.body)).unwrap_or_else(|_| {
        let mut failed = HttpResponse::new(Body::empty());
        *failed.status_mut() = StatusCode::BAD_GATEWAY;
        failed
    })
}

fn refused(refusal: Refusal) -> Response {
    match refusal {
        Refusal::TooLarge => Response::too_large(),
        Refusal::Broken => {
            let detail = "The body ended early or is not encoded as its headers say.".to_owned();
            Response::problem(400, "broken-body", "Broken body", detail)
        }
        Refusal::Foreign => {
            Response::problem(403, "foreign-origin", "Foreign origin", "Only this machine may call this API.".into())
        }
    }
}

fn read(parts: &request::Parts, body: Bytes) -> Request {
    let headers = parts.headers.iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    Request {
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: headers.collect(),
        body,
    }
}

/// One line that a person can follow. It says neither what was asked for nor by whom: queries and headers are left out,
/// and so is what only the answer to a refused request may repeat.
pub(super) fn line(method: &str, path: &str, response: &Response, took: Duration) -> String {
    let ms = took.as_secs_f64() * 1000.0;
    let status = response.status;
    let subject = subject(&response.json());
    format!("{method:<6} {path}  {status}  {ms:.1} ms{subject}")
}

/// What the answer is about: its account and order, or what is wrong.
fn subject(body: &Value) -> String {
    let fields =
        ["account_id", "order_id", "points", "title"].iter().filter_map(|name| body.get(name).map(|v| (name, v)));
    let words = fields.filter_map(|(name, value)| match value {
        Value::String(text) if *name == "title" => Some(format!("  {text}")),
        Value::String(text) => Some(format!("  {name}={text}")),
        Value::Number(number) => Some(format!("  {name}={number}")),
        _ => None,
    });
    words.collect()
}
