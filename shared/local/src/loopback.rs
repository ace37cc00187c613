//! What every listener on loopback does first: it turns away what a page in the operator's browser could send, and
//! reads the rest.
//!
//! Whoever reaches a listener may do everything, so only what is plainly this machine's own passes: one `Host` that
//! names it, no `Origin` but one that does, and no other authority in the request line. What cannot be read is
//! refused. No answer carries a CORS header.

use axum::RequestExt;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderMap, HeaderName, header, request};

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It may come from elsewhere.
    Foreign,
    /// Its body is longer than the limit.
    TooLarge,
    /// Its body ended early or cannot be read.
    Broken,
}

/// The whole body of a request that this machine sent.
pub(crate) async fn receive(request: Request, bytes_max: usize) -> (request::Parts, Result<Bytes, Refusal>) {
    let (parts, body) = request.into_parts();
    if is_foreign(&parts) {
        return (parts, Err(Refusal::Foreign));
    }
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    // Known beforehand, so that a client that asks first need not send it.
    if length.is_some_and(|length: usize| length > bytes_max) {
        return (parts, Err(Refusal::TooLarge));
    }
    let mut limited = Request::new(body);
    DefaultBodyLimit::max(bytes_max).apply(&mut limited);
    let body = limited.extract::<Bytes, _>().await.map_err(|error| match error {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => Refusal::TooLarge,
        _ => Refusal::Broken,
    });
    (parts, body)
}

fn is_foreign(parts: &request::Parts) -> bool {
    let has_local_host = matches!(only(&parts.headers, &header::HOST), Ok(Some(host)) if is_local(host));
    let has_foreign_origin = match only(&parts.headers, &header::ORIGIN) {
        Ok(None) => false,
        Ok(Some(origin)) => !origin.strip_prefix("http://").is_some_and(is_local),
        Err(Unreadable) => true,
    };
    let has_foreign_target = parts.uri.authority().is_some_and(|authority| !is_local(authority.as_str()));
    !has_local_host || has_foreign_origin || has_foreign_target
}

/// Whether an authority is this machine, with a port or without; anything more, such as a user, makes it foreign.
fn is_local(authority: &str) -> bool {
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    let is_port = !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
    is_port && ["127.0.0.1", "localhost"].iter().any(|local| host.eq_ignore_ascii_case(local))
}

struct Unreadable;

/// The one header of this name, if there is one.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Unreadable> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Unreadable),
        (Some(_), Some(_)) => Err(Unreadable),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    /// Sends bytes and no more, and answers what comes back.
    pub(crate) async fn raw(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Heads of requests, after the method, that a listener must turn away.
    pub(crate) const FOREIGN: [&[u8]; 15] = [
        b"/ HTTP/1.1",
        b"/ HTTP/1.1\r\nhost: rebound.example",
        b"/ HTTP/1.1\r\nhost: localhost:80@rebound.example",
        b"/ HTTP/1.1\r\nhost: rebound.example@localhost",
        b"/ HTTP/1.1\r\nhost: localhost.rebound.example",
        b"/ HTTP/1.1\r\nhost: localhost:",
        b"/ HTTP/1.1\r\nhost: localhost\xff",
        b"/ HTTP/1.1\r\nhost: localhost\r\nhost: rebound.example",
        b"/ HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: https://page.example",
        b"/ HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: null",
        b"/ HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: https://localhost",
        b"/ HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: http://page\xff",
        b"/ HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: http://localhost\r\norigin: http://page.example",
        b"/ HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: http://localhost:80@page.example",
        b"http://rebound.example/ HTTP/1.1\r\nhost: localhost",
    ];

    /// A request with such a head.
    pub(crate) fn request(method: &str, head: &[u8]) -> Vec<u8> {
        [format!("{method} ").as_bytes(), head, b"\r\nconnection: close\r\n\r\n"].concat()
    }
}
