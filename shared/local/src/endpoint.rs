//! The embedded database as a DynamoDB endpoint on loopback.
//!
//! A database file belongs to one process. While `guilder serve` runs, other commands, and any AWS tool, reach the
//! same data here.

use std::io;

use dynoxide::Database;
use tokio::net::TcpListener;

/// Serves `db` on `listener` until `stop` resolves and the requests under way have been answered.
pub async fn serve(
    db: Database,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    dynoxide::server::serve_with_shutdown(listener, db, stop).await.map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )]
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn what_is_written_in_process_is_read_over_the_socket() {
        let db = Database::memory().unwrap();
        let template = crate::template::Template::embedded().unwrap();
        crate::tables::create(&crate::connector::client(&db), &template.tables, "").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(serve(db, listener, async { stopped.await.unwrap_or(()) }));

        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 2\r\n\
            content-type: application/x-amz-json-1.0\r\nx-amz-target: DynamoDB_20120810.ListTables\r\n\
            x-amz-date: 20260101T000000Z\r\nauthorization: AWS4-HMAC-SHA256 \
            Credential=a/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n{}";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("\"accounts\""), "{answer}");

        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    }
}
