//! What falls due: `guilder due` says what will, `guilder sweep` walks what has.

use super::{Failure, Place, print};
use crate::cloud::wall_clock;
use crate::due;
use domain::time::Day;
use std::fmt::{Display, Write};
use std::process::ExitCode;

pub(super) async fn sweep(date: Option<Day>, json: bool, place: &Place) -> Result<ExitCode, Failure> {
    let tables = place.open_existing().await?;
    let cloud = tables.cloud().ok_or("a deployment is swept by its own state machines: start an execution there")?;
    let swept = due::sweep(cloud, date).await?;
    if json {
        print(&format!("{}\n", serde_json::to_string_pretty(&swept)?))?;
    } else {
        let mut text = String::new();
        writeln!(text, "{:<24}{:>12}{:>12}{:>12}", "", "walked", "written", "set aside")?;
        for machine in &swept {
            let counts = machine.counts;
            let [walked, written, aside] = [counts.walked, counts.written, counts.set_aside];
            writeln!(text, "{:<24}{walked:>12}{written:>12}{aside:>12}", machine.function)?;
            if let Some(failure) = &machine.failure {
                writeln!(text, "  failed: {failure}")?;
            }
            for set_aside in &machine.set_aside {
                writeln!(text, "  {}: {}", set_aside.account_id, set_aside.reason)?;
            }
        }
        print(&text)?;
    }
    let complete = swept.iter().all(due::Swept::is_complete);
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) async fn due(date: Day, json: bool, place: &Place) -> Result<ExitCode, Failure> {
    let tables = place.open_existing().await?;
    let app = tables.app()?;
    let now = wall_clock();
    let forecast = due::forecast(app, date, now).await?;
    if json {
        print(&format!("{}\n", serde_json::to_string_pretty(&forecast)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let missing = forecast.tier_at_risk_missing.map_or_else(String::new, |missing| format!("{missing} missing"));
    let mut text = format!("What falls due through {date} (UTC), on {} accounts:\n\n", forecast.accounts);
    let mut row = |name: &str, count: u64, what: &dyn Display| {
        writeln!(text, "{}", format!("{name:<32}{count:>12}  {what}").trim_end())
    };
    let points = |amount: &domain::forecast::Amount| format!("{} points", amount.points);
    row("discounts end", forecast.discounts_expired, &"")?;
    row("points end", forecast.points_expired.count, &points(&forecast.points_expired))?;
    row("points become available", forecast.points_available.count, &points(&forecast.points_available))?;
    row("tiers reached", forecast.tiers_raised, &"")?;
    row("points for entering a tier", forecast.tier_points.count, &points(&forecast.tier_points))?;
    row("discounts for entering a tier", forecast.tier_discounts, &"")?;
    row("invitations into a tier end", forecast.invitations_ended, &"")?;
    row("tiers reviewed and kept", forecast.tiers_kept, &"")?;
    row("tiers reviewed and lowered", forecast.tiers_lowered, &"")?;
    row("referrals come to nothing", forecast.referrals_expired, &"")?;
    row("referrers rewarded", forecast.referral_rewards, &"")?;
    row("rewards taken back", forecast.referral_rewards_taken_back, &"")?;
    row("occasions", forecast.occasions_given.count, &points(&forecast.occasions_given))?;
    row("memberships lapse", forecast.memberships_lapsed, &"")?;
    row("warnings: discount expiring", forecast.discount_expiring_warnings, &"")?;
    row(
        "warnings: points expiring",
        forecast.points_expiring_warnings.count,
        &points(&forecast.points_expiring_warnings),
    )?;
    row("warnings: tier at risk", forecast.tier_at_risk_warnings, &missing)?;
    row("warnings: membership ending", forecast.membership_ending_warnings, &"")?;
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
