//! The embedded DynamoDB as `guilder serve` offers it to functions: a database file behind a port on loopback.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use local::cloud::{Cloud, Options, Storage};
use std::path::PathBuf;
use std::thread::JoinHandle;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A new database file, served by a thread of its own until this value is gone; then the file is, too.
pub struct Served {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
    folder: PathBuf,
}

impl Served {
    /// Starts serving.
    pub async fn start() -> Self {
        let folder =
            std::env::temp_dir().join(format!("guilder-served-{}-{:x}", std::process::id(), fastrand::u64(..)));
        let (file, (url, at), (stop, stopped)) = (folder.join("guilder.db"), oneshot::channel(), oneshot::channel());
        let server = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let cloud = Cloud::open(Options::new(Storage::File(file))).await.unwrap();
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                url.send(format!("http://{}", listener.local_addr().unwrap())).unwrap();
                let stopped = async { stopped.await.unwrap_or(()) };
                local::endpoint::serve(cloud.database().unwrap().clone(), listener, stopped).await.unwrap();
            });
        });
        Self { url: at.await.unwrap(), stop: Some(stop), server: Some(server), folder }
    }

    /// A client with connections of its own.
    pub fn client(&self) -> Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(local::connector::REGION))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&self.url);
        Client::from_conf(config.build())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        // The connections of its clients end with the process.
        drop(self.server.take());
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
