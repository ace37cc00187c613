//! The API on a port, for what only a socket shows.

use crate::actor::Cloud;
use crate::reply::Reply;
use local::gateway::Response;
use local::gateway::server::{self, Print};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// A cloud's API on a free port of this machine, until it is dropped.
pub struct Gateway {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Gateway {
    /// Serves the API of a cloud; its queues and schedules rest.
    pub async fn of(cloud: &Cloud) -> Self {
        Self::that_prints(cloud, Arc::new(|line| println!("{line}"))).await
    }

    /// The same, whose line per request goes elsewhere.
    pub async fn that_prints(cloud: &Cloud, print: Print) -> Self {
        let listener = server::listen(0).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = server::router(Arc::clone(cloud.local()), print);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, serving }
    }

    /// Sends a request with an `Idempotency-Key`, and with an `Authorization` if there is one.
    pub async fn ask(&self, authorization: Option<&str>, method: &str, target: &str, body: &str) -> Reply {
        let authorization = authorization.map(|value| format!("authorization: {value}\r\n")).unwrap_or_default();
        let head = format!("idempotency-key: key-1\r\ncontent-length: {}\r\n{authorization}", body.len());
        self.send(method, target, &head, body).await
    }

    /// Sends a request with these headers, each with its line's end, and a body, whatever they say of it.
    pub async fn send(&self, method: &str, target: &str, headers: &str, body: &str) -> Reply {
        let head = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}");
        let request = format!("{head}\r\n{body}");
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        Reply::of(method, target, response(&String::from_utf8(answer).unwrap()))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn response(answer: &str) -> Response {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Response { status, headers: headers.collect(), body: body.to_owned().into() }
}
