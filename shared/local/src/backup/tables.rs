//! Reading and writing whole tables: side by side, and patiently where DynamoDB asks for patience.

use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::line::{self, Item};
use super::sort::{PIECE_BYTES, Sorted, Sorter};
use super::{BackupError, Located};

/// Parts of a table that are read side by side.
const SEGMENTS: i32 = 8;
/// Requests under way at once, of those that write.
const WRITERS: usize = 8;
/// Most items that one request writes: DynamoDB's limit.
pub(super) const BATCH_ITEMS: usize = 25;
/// How often a request is sent that comes to nothing, before it is given up.
const ATTEMPTS: u32 = 12;
const PAUSE_MS: u64 = 25;
const PAUSE_MS_MAX: u64 = 10_000;

/// What stands in a table, in the order of its keys. What does not fit into memory waits in nameless files in `spool`.
pub(super) async fn read(client: &Client, located: &Located, spool: &Path) -> Result<Sorted, BackupError> {
    let (sender, mut pages) = mpsc::channel(1);
    let mut readers = JoinSet::new();
    for segment in 0..SEGMENTS {
        readers.spawn(segment_pages(client.clone(), located.clone(), segment, sender.clone()));
    }
    drop(sender);
    let mut sorter = Sorter::new(spool, PIECE_BYTES);
    while let Some(page) = pages.recv().await {
        for item in page {
            let record = line::record(&located.table.key, item)
                .map_err(|what| BackupError::Item { table: located.table.name.clone(), what })?;
            sorter.push(record).map_err(BackupError::file(spool))?;
        }
    }
    while let Some(ended) = readers.join_next().await {
        ended.map_err(|_| BackupError::Broken)??;
    }
    sorter.finish().map_err(BackupError::file(spool))
}

/// Sends the pages of a segment, strongly read.
async fn segment_pages(
    client: Client,
    located: Located,
    segment: i32,
    pages: mpsc::Sender<Vec<Item>>,
) -> Result<(), BackupError> {
    let (mut after, mut patience) = (None, Patience::default());
    loop {
        let scan = client.scan().table_name(&located.name).segment(segment).total_segments(SEGMENTS);
        match scan.consistent_read(true).set_exclusive_start_key(after.clone()).send().await {
            Ok(page) => {
                patience = Patience::default();
                after = page.last_evaluated_key;
                let received = pages.send(page.items.unwrap_or_default()).await;
                if after.is_none() || received.is_err() {
                    return Ok(());
                }
            }
            Err(error) => patience.wait_for(&located, error).await?,
        }
    }
}

/// Items on their way into a table.
pub(super) struct Writing {
    client: Client,
    located: Located,
    batch: Vec<WriteRequest>,
    writers: JoinSet<Result<(), BackupError>>,
}

impl Writing {
    pub(super) fn new(client: &Client, located: &Located) -> Self {
        Self { client: client.clone(), located: located.clone(), batch: Vec::new(), writers: JoinSet::new() }
    }

    /// Puts an item. Returns at once, save where many are under way.
    pub(super) async fn put(&mut self, item: Item) -> Result<(), BackupError> {
        let put = PutRequest::builder().set_item(Some(item)).build().map_err(|_| BackupError::Broken)?;
        self.batch.push(WriteRequest::builder().put_request(put).build());
        if self.batch.len() < BATCH_ITEMS { Ok(()) } else { self.send().await }
    }

    /// Waits until all stands there.
    pub(super) async fn finish(mut self) -> Result<(), BackupError> {
        self.send().await?;
        while let Some(ended) = self.writers.join_next().await {
            ended.map_err(|_| BackupError::Broken)??;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), BackupError> {
        while self.writers.len() >= WRITERS {
            self.writers.join_next().await.unwrap_or(Ok(Ok(()))).map_err(|_| BackupError::Broken)??;
        }
        let batch = std::mem::take(&mut self.batch);
        self.writers.spawn(write(self.client.clone(), self.located.clone(), batch));
        Ok(())
    }
}

/// Writes a batch, and again what DynamoDB leaves of it.
async fn write(client: Client, located: Located, mut left: Vec<WriteRequest>) -> Result<(), BackupError> {
    let mut patience = Patience::default();
    while !left.is_empty() {
        match client.batch_write_item().request_items(&located.name, left.clone()).send().await {
            Ok(answer) => {
                let before = left.len();
                left = answer.unprocessed_items.and_then(|mut left| left.remove(&located.name)).unwrap_or_default();
                if left.len() < before {
                    patience = Patience::default();
                }
                if !left.is_empty() {
                    patience.wait(|| refused(&located, "it leaves items aside again and again".to_owned())).await?;
                }
            }
            Err(error) => patience.wait_for(&located, error).await?,
        }
    }
    Ok(())
}

fn refused(located: &Located, reason: String) -> BackupError {
    BackupError::Endpoint { table: located.name.clone(), reason }
}

/// How often in a row a request came to nothing.
#[derive(Default)]
struct Patience {
    attempts: u32,
}

impl Patience {
    /// Waits after a failure that may pass, longer each time; any other is the end.
    async fn wait_for<E, R>(&mut self, located: &Located, error: SdkError<E, R>) -> Result<(), BackupError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        let ends = |error: SdkError<E, R>| refused(located, store::causes(&error));
        if may_pass(&error) { self.wait(|| ends(error)).await } else { Err(ends(error)) }
    }

    async fn wait(&mut self, ends: impl FnOnce() -> BackupError) -> Result<(), BackupError> {
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts >= ATTEMPTS {
            return Err(ends());
        }
        let longest = PAUSE_MS.saturating_mul(1 << self.attempts.min(16)).min(PAUSE_MS_MAX);
        // Any length up to that, so that those who were refused together do not come again together.
        tokio::time::sleep(Duration::from_millis(fastrand::u64(1..=longest))).await;
        Ok(())
    }
}

fn may_pass<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    const PASSING: [&str; 6] = [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "InternalServerError",
        "ServiceUnavailable",
    ];
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        SdkError::ServiceError(said) => said.err().code().is_some_and(|code| PASSING.contains(&code)),
        _ => false,
    }
}
