//! What referrals came to: `guilder referrals`.

use super::{Failure, Place, print};
use crate::cloud::wall_clock;
use crate::referrals::{self, Counted};
use domain::money;
use domain::referral::Counts;
use std::fmt::Write;
use std::process::ExitCode;

pub(super) async fn show(json: bool, place: &Place) -> Result<ExitCode, Failure> {
    let tables = place.open_existing().await?;
    let referrals = referrals::count(tables.app()?, wall_clock()).await?;
    if json {
        print(&format!("{}\n", serde_json::to_string_pretty(&referrals)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (mut text, currency) = (String::new(), referrals.program.revenue.currency.code());
    let heads = ["redeemed", "in review", "qualified", "rewarded", "rejected", "expired", "revoked"];
    write!(text, "{:<14}{:<24}", "code", "account")?;
    heads.iter().try_for_each(|head| write!(text, "{head:>10}"))?;
    writeln!(text, "{:>14}{:>14}{:>16}", format!("revenue {currency}"), "cost: points", "cost: discounts")?;
    for of_code in &referrals.codes {
        row(&mut text, of_code.referral_code.as_str(), of_code.account_id.as_str(), &of_code.counted)?;
    }
    row(&mut text, "all", "", &referrals.program)?;
    if referrals.codes_unused > 0 {
        writeln!(text, "\nnever redeemed: {} codes", referrals.codes_unused)?;
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn row(text: &mut String, code: &str, account: &str, counted: &Counted) -> std::fmt::Result {
    let Counted { tally, revenue } = counted;
    let Counts { redeemed, under_review, qualified, rewarded, rejected, expired, revoked } = tally.counts;
    let counts = [redeemed, under_review, qualified, rewarded, rejected, expired, revoked];
    write!(text, "{code:<14}{account:<24}")?;
    counts.iter().try_for_each(|count| write!(text, "{count:>10}"))?;
    let revenue = money::format_money(revenue.amount, revenue.currency);
    writeln!(text, "{revenue:>14}{:>14}{:>16}", tally.cost.points, tally.cost.discounts)
}
