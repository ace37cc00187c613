//! What an account may state of itself: who it is, and not what the merchant has decided about it.

use super::{ProfileDocument, StatedBy};
use crate::account::{Account, Status};
use crate::decision::Rejection;
use crate::document::{Faults, Path};
use std::borrow::Cow;

/// What a document says of an account, stated by somebody. What the merchant alone decides stays as it is where the
/// account states it itself; stated otherwise it is refused, so that nobody takes it for done.
pub(super) fn stated<'d>(
    before: Option<&Account>,
    document: &'d ProfileDocument,
    by: StatedBy,
) -> Result<Cow<'d, ProfileDocument>, Rejection> {
    if by == StatedBy::Merchant {
        return Ok(Cow::Borrowed(document));
    }
    let segments = before.map_or_else(Vec::new, |account| account.segments.clone());
    let status = before.map_or(Status::Active, |account| account.status);
    let mut faults = Faults::default();
    let mut refuse = |field: &'static str| {
        faults.add(&Path::Key(&Path::Root, field), "merchant_only", "only the merchant states this of an account");
    };
    if !document.segments.is_empty() && document.segments != segments {
        refuse("segments");
    }
    if document.status.is_some_and(|stated| stated != status) {
        refuse("status");
    }
    if faults.is_empty() {
        Ok(Cow::Owned(ProfileDocument { segments, ..document.clone() }))
    } else {
        Err(faults.into())
    }
}
