//! What referrals came to: `guilder referrals`.

use super::{Failure, Place, print};
use crate::cloud::wall_clock;
use domain::code::Code;
use domain::id::AccountId;
use domain::money::{self, Currency, Money};
use domain::referral::Tally;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;
use store::{CodeRecord, Segment, Store};

/// The program's referrals, and those of each code.
#[derive(Serialize)]
struct Referrals {
    program: Counted,
    codes: Vec<OfCode>,
}

#[derive(Serialize)]
struct OfCode {
    referral_code: Code,
    account_id: AccountId,
    #[serde(flatten)]
    counted: Counted,
}

#[derive(Serialize)]
struct Counted {
    #[serde(flatten)]
    tally: Tally,
    revenue: Money,
}

impl Counted {
    fn of(tally: Tally, currency: Currency) -> Self {
        Self { tally, revenue: Money { amount: tally.revenue, currency } }
    }
}

pub(super) async fn show(json: bool, place: &Place) -> Result<ExitCode, Failure> {
    let tables = place.open_existing().await?;
    let app = tables.app()?;
    let now = wall_clock();
    let schedule = app.schedule().await.map_err(|fault| fault.to_string())?;
    let referrals = count(app.store(), schedule.at(now).program.currency).await?;
    if json {
        print(&format!("{}\n", serde_json::to_string_pretty(&referrals)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    let heads = ["redeemed", "in review", "qualified", "rewarded", "rejected", "expired", "revoked"];
    write!(text, "{:<14}{:<24}", "code", "account")?;
    heads.iter().try_for_each(|head| write!(text, "{head:>10}"))?;
    writeln!(text, "{:>14}{:>10}{:>11}", "revenue", "points", "discounts")?;
    for of_code in &referrals.codes {
        row(&mut text, of_code.referral_code.as_str(), of_code.account_id.as_str(), &of_code.counted)?;
    }
    row(&mut text, "all", "", &referrals.program)?;
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn row(text: &mut String, code: &str, account: &str, counted: &Counted) -> std::fmt::Result {
    let Counted { tally, revenue } = counted;
    let counts = [
        tally.redeemed,
        tally.under_review,
        tally.qualified,
        tally.rewarded,
        tally.rejected,
        tally.expired,
        tally.revoked,
    ];
    write!(text, "{code:<14}{account:<24}")?;
    counts.iter().try_for_each(|count| write!(text, "{count:>10}"))?;
    let revenue = money::format_money(revenue.amount, revenue.currency);
    writeln!(text, "{revenue:>14}{:>10}{:>11}", tally.cost.points, tally.cost.discounts)
}

/// Counts every redemption that is stored.
async fn count(store: &Store, currency: Currency) -> Result<Referrals, Failure> {
    let (mut holders, mut tallies) = (BTreeMap::new(), BTreeMap::<Code, Tally>::new());
    let (mut after, now) = (None, wall_clock());
    loop {
        let page = store.codes_page(Segment::WHOLE, after).await?;
        for record in page.records {
            match record {
                CodeRecord::ReferralCode(code) => drop(holders.insert(code.code, code.account_id)),
                CodeRecord::Redemption(redemption) => {
                    tallies.entry(redemption.key.code.clone()).or_default().add(&redemption, now)?;
                }
                CodeRecord::WaitingReview(_) => {}
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut program = Tally::default();
    let mut codes = Vec::with_capacity(holders.len());
    for (referral_code, account_id) in holders {
        let tally = tallies.remove(&referral_code).unwrap_or_default();
        program = program.plus(&tally)?;
        codes.push(OfCode { referral_code, account_id, counted: Counted::of(tally, currency) });
    }
    Ok(Referrals { program: Counted::of(program, currency), codes })
}
