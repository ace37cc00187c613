//! A stand-in for the Lambda Runtime API: one invocation at a time, and what became of it.

use crate::{Timeline, note};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

/// What a function is to be invoked with.
pub struct Invocation {
    pub id: String,
    pub event: String,
}

/// A function's answer.
pub struct Answer {
    pub at: Instant,
    pub body: Bytes,
}

/// An invocation that nobody has taken yet, and where its answer goes.
type Offer = Arc<Mutex<Option<(Invocation, Sender<Answer>)>>>;

/// The running stand-in.
pub struct RuntimeApi {
    pub address: String,
    offered: Offer,
}

#[derive(Clone)]
struct Shared {
    offered: Offer,
    waiting: Arc<Mutex<Option<Sender<Answer>>>>,
    timeline: Timeline,
}

impl RuntimeApi {
    /// Serves on a free port of loopback.
    pub async fn start(timeline: Timeline) -> Self {
        let offered = Offer::default();
        let shared = Shared { offered: Arc::clone(&offered), waiting: Arc::default(), timeline };
        let base = "/2018-06-01/runtime";
        let router = Router::new()
            .route(&format!("{base}/invocation/next"), get(next))
            .route(&format!("{base}/invocation/{{id}}/response"), post(response))
            .fallback(failure)
            .with_state(shared);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, offered }
    }

    /// Has the next process that asks get this invocation, and hands its answer over.
    pub fn offer(&self, invocation: Invocation) -> Receiver<Answer> {
        let (sender, receiver) = channel();
        *self.offered.lock().unwrap() = Some((invocation, sender));
        receiver
    }
}

async fn next(State(shared): State<Shared>) -> Response {
    let Some((invocation, answered)) = shared.offered.lock().unwrap().take() else {
        // As Lambda does: nothing to do, nothing to say.
        return std::future::pending().await;
    };
    note(&shared.timeline, "asked for the first invocation");
    *shared.waiting.lock().unwrap() = Some(answered);
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(15);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", invocation.id),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:123456789012:function:measured".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-69bd2f00-0123456789abcdef01234567".to_owned()),
    ];
    (headers, invocation.event).into_response()
}

async fn response(State(shared): State<Shared>, body: Bytes) -> StatusCode {
    let at = Instant::now();
    if let Some(waiting) = shared.waiting.lock().unwrap().take() {
        waiting.send(Answer { at, body }).unwrap();
    }
    StatusCode::ACCEPTED
}

/// Whatever else a function says here, it failed.
async fn failure(uri: Uri, body: Bytes) -> StatusCode {
    eprintln!("{uri}: {}", String::from_utf8_lossy(&body));
    StatusCode::ACCEPTED
}
