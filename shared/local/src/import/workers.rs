//! Several workers side by side.

use super::ImportError;
use tokio::task::JoinSet;

/// What each worker came to. All are waited for even where one failed: nothing may still be writing when this returns.
pub(super) async fn all<T: 'static>(mut running: JoinSet<Result<T, ImportError>>) -> Result<Vec<T>, ImportError> {
    let (mut done, mut failed) = (Vec::new(), None);
    while let Some(ended) = running.join_next().await {
        match ended.unwrap_or(Err(ImportError::Worker)) {
            Ok(more) => done.push(more),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(done),
    }
}
