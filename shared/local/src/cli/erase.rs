//! Erasing a company's personal data: `guilder erase`.

use super::place::app;
use super::{Failure, Place, print};
use crate::cli::place::Opened;
use accounts::{Claims, ErasureAnswer};
use domain::decision::Rejection;
use domain::id::AccountId;
use runtime::{Caller, Deadline};
use std::process::ExitCode;

pub(super) async fn erase(id: &AccountId, place: &Place) -> Result<ExitCode, Failure> {
    let tables = place.open_existing().await?;
    let app = match &tables {
        Opened::Cloud(cloud) => app(cloud, "accounts")?,
        Opened::Deployment(app) => app,
    };
    let caller = Caller::operator("erase");
    let erasure = accounts::erase(app, &caller, id, Deadline::NEVER, Claims::All).await;
    let erasure = erasure.map_err(|error| match error {
        runtime::Error::Rejected(Rejection::UnknownAccount) => format!("there is no account {id}"),
        other => format!("{other:?}; what was removed stays so, and the same command goes on"),
    })?;
    print(&format!("{}\n", serde_json::to_string_pretty(&ErasureAnswer::from(erasure.clone()))?))?;
    Ok(if erasure.erased_at.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
