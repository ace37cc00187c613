//! Counting what stands under each secret, and what of it is still needed.

use super::{Counts, RekeyError, count as count_one};
use domain::code::KeyedHash;
use domain::id::AccountId;
use domain::membership::ClaimKey;
use domain::membership::rekey::StatedValue;
use runtime::App;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use store::{CodeRecord, Consistency, Segment};

/// What stands under a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UnderSecret {
    /// Its number.
    pub secret: u16,
    /// Whether there is such a secret.
    pub configured: bool,
    /// Claims.
    pub claims: u64,
    /// Those, under an older number, that are on what an account states: they are to be rewritten.
    pub claims_needed: u64,
    /// Phone numbers, as keyed hashes.
    pub phones: u64,
    /// Postal addresses, likewise.
    pub addresses: u64,
    /// What was stated with redemptions of referral codes, likewise.
    pub redemptions: u64,
    /// Codes of invitations, which a repeat of the request that issued one is answered with.
    pub invitations: u64,
    /// Shared codes, likewise.
    pub shared_codes: u64,
}

/// What stands in the table of codes, with what profiles hold besides.
pub(super) async fn count(app: &App, phones: Counts, addresses: Counts) -> Result<Vec<UnderSecret>, RekeyError> {
    let (claims, older) = claims(app).await?;
    let needed = needed(app, older).await?;
    let [redemptions, invitations, shared_codes] = codes(app).await?;
    let mut numbers: BTreeSet<u16> = app.secrets().numbers().collect();
    for counts in [&claims, &phones, &addresses, &redemptions, &invitations, &shared_codes] {
        numbers.extend(counts.keys());
    }
    let of = |counts: &Counts, number: u16| counts.get(&number).copied().unwrap_or_default();
    let newest_first = numbers.into_iter().rev().map(|secret| UnderSecret {
        secret,
        configured: app.secrets().numbers().any(|known| known == secret),
        claims: of(&claims, secret),
        claims_needed: of(&needed, secret),
        phones: of(&phones, secret),
        addresses: of(&addresses, secret),
        redemptions: of(&redemptions, secret),
        invitations: of(&invitations, secret),
        shared_codes: of(&shared_codes, secret),
    });
    Ok(newest_first.collect())
}

/// Claims by account.
type ByHolder = BTreeMap<AccountId, Vec<ClaimKey>>;

/// All claims by number, and those under another number than the newest.
async fn claims(app: &App) -> Result<(Counts, ByHolder), RekeyError> {
    let (mut counts, mut older, mut after) = (Counts::new(), ByHolder::new(), None);
    loop {
        let page = app.store().claims_page(Segment::WHOLE, after).await?;
        for claim in page.records {
            let number = claim.key.keyed.secret;
            count_one(&mut counts, number);
            if number != app.secrets().current() {
                older.entry(claim.account_id).or_default().push(claim.key);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok((counts, older));
        }
    }
}

/// How many of these are on what their accounts state. Where that cannot be read, they may all be.
async fn needed(app: &App, older: ByHolder) -> Result<Counts, RekeyError> {
    let mut counts = Counts::new();
    for (holder, keys) in older {
        let profile = match app.store().profile(&holder, Consistency::Strong).await {
            Err(store::Fault::Corrupt { .. }) => None,
            read => Some(read?),
        };
        let values = profile.map(|profile| profile.map(|profile| StatedValue::all(&profile, app.secrets())));
        for key in keys {
            let is_needed = match &values {
                None => true,
                Some(values) => values.iter().flatten().any(|value| value.is_claimed_by(&key)),
            };
            if is_needed {
                count_one(&mut counts, key.keyed.secret);
            }
        }
    }
    Ok(counts)
}

/// Redemptions, invitations and shared codes by number.
async fn codes(app: &App) -> Result<[Counts; 3], RekeyError> {
    let [mut redemptions, mut invitations, mut shared_codes] = [Counts::new(), Counts::new(), Counts::new()];
    let mut after = None;
    loop {
        let page = app.store().codes_page(Segment::WHOLE, after).await?;
        for record in page.records {
            match record {
                CodeRecord::Redemption(redemption) if redemption.content != KeyedHash::REMOVED => {
                    count_one(&mut redemptions, redemption.content.secret);
                }
                CodeRecord::Invitation(invitation) => count_one(&mut invitations, invitation.secret),
                CodeRecord::SharedCode(code) => count_one(&mut shared_codes, code.secret),
                CodeRecord::Redemption(_) | CodeRecord::ReferralCode(_) | CodeRecord::WaitingReview(_) => {}
                CodeRecord::Unreadable(what) => tracing::error!("left out: {what}"),
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok([redemptions, invitations, shared_codes]);
        }
    }
}
