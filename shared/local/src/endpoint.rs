//! The embedded database as a DynamoDB endpoint on loopback.
//!
//! A database file belongs to one process. While `guilder serve` runs, other commands, and any AWS tool, reach the
//! same data here. Credentials are not looked at, so only this machine is answered (see `loopback`).

use std::io;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, Response, StatusCode, header, request};
use serde_json::json;
use tokio::net::TcpListener;

use crate::connector::{CONTENT_TYPE, Embedded};
use crate::loopback::{self, Refusal};

/// The largest request that DynamoDB takes.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Serves a database on `listener` until `stop` resolves and the requests under way have been answered.
pub async fn serve(
    database: Embedded,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new().fallback(answer).with_state(database);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

async fn answer(State(database): State<Embedded>, request: Request) -> Response<Body> {
    let (parts, body) = loopback::receive(request, BODY_BYTES_MAX).await;
    let (status, body) = match (body, operation(&parts)) {
        (Ok(body), Some(operation)) => {
            let broken = || refused(500, "InternalServerError", "The embedded database broke down.");
            database.perform(operation.to_owned(), body).await.unwrap_or_else(broken)
        }
        (Ok(_), None) => refused(400, "UnknownOperationException", "POST / with X-Amz-Target names an operation."),
        (Err(Refusal::Foreign), _) => refused(403, "AccessDeniedException", "Only this machine may call this API."),
        (Err(Refusal::TooLarge), _) => refused(413, "RequestEntityTooLarge", "The request is too large."),
        (Err(Refusal::Broken), _) => refused(400, "SerializationException", "The body could not be read."),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    response
}

/// The operation that a request names, as in `DynamoDB_20120810.GetItem`.
fn operation(parts: &request::Parts) -> Option<&str> {
    let target = parts.headers.get("x-amz-target").filter(|_| parts.method == Method::POST)?;
    target.to_str().ok()?.split_once('.').map(|(_, operation)| operation)
}

fn refused(status: u16, kind: &str, message: &str) -> (u16, Vec<u8>) {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
    (status, json!({ "__type": kind, "message": message }).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loopback::tests::{FOREIGN, raw, request};
    use dynoxide::Database;

    #[tokio::test]
    async fn what_is_written_in_process_is_read_over_the_socket_by_this_machine_only() {
        let db = Database::memory().unwrap();
        let template = crate::template::Template::embedded().unwrap();
        crate::tables::create(&crate::connector::client(&db), &template.tables, "").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(serve(Embedded::new(db), listener, async { stopped.await.unwrap_or(()) }));

        let call = "content-type: application/x-amz-json-1.0\r\nx-amz-target: DynamoDB_20120810.ListTables\r\n\
            connection: close\r\ncontent-length: 2\r\n\r\n{}";
        let list = |head: &str| format!("POST / HTTP/1.1\r\n{head}\r\n{call}").into_bytes();
        let answer = raw(address, &list("host: localhost")).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"accounts\""), "{answer}");
        let page = raw(address, &list("host: localhost\r\norigin: https://page.example")).await;
        assert!(page.starts_with("HTTP/1.1 403") && !page.contains("\"accounts\""), "{page}");
        for head in FOREIGN {
            for method in ["OPTIONS", "POST"] {
                let answer = raw(address, &request(method, head)).await.to_lowercase();
                let refused = answer.starts_with("http/1.1 403") || answer.starts_with("http/1.1 400");
                assert!(refused && !answer.contains("access-control"), "{}: {answer}", String::from_utf8_lossy(head));
            }
        }
        let local_page = raw(address, &list("host: localhost\r\norigin: http://localhost:3000")).await.to_lowercase();
        assert!(local_page.starts_with("http/1.1 200") && !local_page.contains("access-control"), "{local_page}");

        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    }
}
