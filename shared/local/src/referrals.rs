//! What referrals came to, those of the program and those of each code: counted from the redemptions as they stand.

use domain::code::Code;
use domain::id::AccountId;
use domain::money::{Currency, Money, Overflow};
use domain::referral::Tally;
use domain::time::Instant;
use runtime::{App, Fault};
use serde::Serialize;
use std::collections::BTreeMap;
use store::{CodeRecord, Segment};

/// Why referrals could not be counted.
#[derive(Debug, thiserror::Error)]
pub enum CountError {
    /// The tables could not be read.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A sum does not fit.
    #[error("a sum does not fit")]
    Overflow,
}

impl From<store::Fault> for CountError {
    fn from(fault: store::Fault) -> Self {
        Self::Fault(fault.into())
    }
}

impl From<Overflow> for CountError {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

/// The program's referrals, and those of each code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Referrals {
    /// All of them.
    pub program: Counted,
    /// Those of each code that was redeemed, what brought in most first.
    pub codes: Vec<OfCode>,
    /// Codes that never were.
    pub codes_unused: u64,
}

/// What came of one code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfCode {
    /// The code.
    pub referral_code: Code,
    /// Whose it is.
    pub account_id: AccountId,
    /// What came of it.
    #[serde(flatten)]
    pub counted: Counted,
}

/// Redemptions counted, with what they brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// How many, and what they cost.
    #[serde(flatten)]
    pub tally: Tally,
    /// What they brought in.
    pub revenue: Money,
}

impl Counted {
    fn of(tally: Tally, currency: Currency) -> Self {
        Self { tally, revenue: Money { amount: tally.revenue, currency } }
    }
}

/// Counts every redemption that is stored, as it stands at `now`.
pub async fn count(app: &App, now: Instant) -> Result<Referrals, CountError> {
    let currency = app.schedule().await?.at(now).program.currency;
    let (mut holders, mut tallies) = (BTreeMap::new(), BTreeMap::<Code, Tally>::new());
    let mut after = None;
    loop {
        let page = app.store().codes_page(Segment::WHOLE, after).await?;
        for record in page.records {
            match record {
                CodeRecord::ReferralCode(code) => drop(holders.insert(code.code, code.account_id)),
                CodeRecord::Redemption(redemption) => {
                    tallies.entry(redemption.key.code.clone()).or_default().add(&redemption, now)?;
                }
                CodeRecord::WaitingReview(_) | CodeRecord::Invitation(_) | CodeRecord::SharedCode(_) => {}
                CodeRecord::Unreadable(what) => tracing::error!("left out: {what}"),
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut program = Tally::default();
    let (mut codes, mut codes_unused) = (Vec::with_capacity(holders.len()), 0_u64);
    for (referral_code, account_id) in holders {
        let tally = tallies.remove(&referral_code).unwrap_or_default();
        program = program.plus(&tally)?;
        if tally.counts.redeemed == 0 {
            codes_unused = codes_unused.saturating_add(1);
            continue;
        }
        codes.push(OfCode { referral_code, account_id, counted: Counted::of(tally, currency) });
    }
    codes.sort_by_key(|code| std::cmp::Reverse(code.counted.revenue.amount));
    Ok(Referrals { program: Counted::of(program, currency), codes, codes_unused })
}
