//! What points come to, and what the program cost and brought.

use super::super::numbers::{UNKNOWN, grouped, sparkline};
use super::super::{Dashboard, shown};
use super::{as_of, did, pairs, percent, remark, stands};
use analytics::report::{Cell, Changes, Stands};
use domain::money::Points;

/// Months that points are told to expire in.
const EXPIRING_MAX: usize = 3;
/// Where more than one account in so many had moved on before a night counted it, that night says little of its day.
const LATE_SHARE: u64 = 10;

/// Points as they stand, and what became of them in the period.
pub fn points(dashboard: &Dashboard) -> Vec<String> {
    let report = &dashboard.metrics;
    let Some(stands) = stands(report) else {
        return [vec!["POINTS".to_owned()], remark(report, "stands")].concat();
    };
    let mut block = pairs(
        &format!("POINTS as of {}", as_of(report)),
        vec![
            ("outstanding", shown(&stands.points.points_outstanding)),
            ("liability", shown(&stands.liability.liability)),
            ("  to be expected", shown(&stands.liability.liability_expected)),
            ("breakage so far", percent(stands.points.breakage_rate)),
        ],
    );
    let expire = stands.ageing.iter().take(EXPIRING_MAX);
    let expire = expire.map(|ageing| format!("{} {}", ageing.month, short(ageing.expiring.points.0)));
    let more = if stands.ageing.len() > EXPIRING_MAX { ", …" } else { "" };
    let drawn = sparkline(stands.ageing.iter().map(|ageing| Some(ageing.expiring.points.0)));
    if !stands.ageing.is_empty() {
        block.push(format!("  expiring  {drawn}"));
        block.push(format!("    {}{more}", expire.collect::<Vec<_>>().join(", ")));
    }
    block.extend(changed(dashboard, stands));
    block
}

fn changed(dashboard: &Dashboard, stands: &Stands) -> Vec<String> {
    let report = &dashboard.metrics;
    let title = format!("POINTS in {}", report.period);
    let Some(changes) = &report.changes else { return [vec![title], remark(report, "changes")].concat() };
    let change = |of: fn(&Changes) -> Points| shown(&of(changes));
    let mut block = pairs(
        &title,
        vec![
            ("issued", change(|changes| changes.points_issued)),
            ("reversed", change(|changes| changes.points_reversed)),
            ("expired", change(|changes| changes.points_expired)),
        ],
    );
    // A night that was counted long after its day shows how things stood then.
    let late = changes.changes_after_decided_later.unwrap_or(0);
    if late.saturating_mul(LATE_SHARE) > stands.membership.accounts {
        let night = changes.changes_after_night.clone().unwrap_or_default();
        block.push(format!("  ! the night of {night} was counted late"));
    }
    block
}

/// A number in thousands or millions where it is long.
fn short(number: i64) -> String {
    let unit = |unit: i64, name: &str| format!("{}{name}", grouped(&number.div_euclid(unit).to_string()));
    match number.abs() {
        0..10_000 => grouped(&number.to_string()),
        10_000..10_000_000 => unit(1_000, "k"),
        _ => unit(1_000_000, "M"),
    }
}

/// What the program cost and brought in the period, and what customers answered.
pub fn program(dashboard: &Dashboard) -> Vec<String> {
    let report = &dashboard.metrics;
    let title = format!("PROGRAM in {}", report.period);
    let Some(did) = did(report) else { return vec![title, "  nothing was done in it".to_owned()] };
    let (economics, taking_part) = (&did.economics, &did.participation);
    let mut rows = vec![
        ("cost", shown(&economics.program_cost)),
        ("  of points", shown(&economics.points_cost)),
        ("  of discounts", shown(&economics.discount_cost)),
        ("margin credited to it", shown(&economics.attributed_margin)),
        ("return on investment", percent(economics.return_on_investment)),
        ("revenue of who earned", percent(taking_part.earning_revenue_rate)),
        ("revenue of who redeemed", percent(taking_part.redeeming_revenue_rate)),
    ];
    let survey = did.survey.as_ref().filter(|survey| survey.answers > 0);
    let score =
        survey.and_then(|survey| Some(format!("{} of {}", survey.net_promoter_score.as_ref()?.cell(), survey.answers)));
    rows.push(("NPS of so many answers", score.unwrap_or(UNKNOWN.to_owned())));
    if let Some(changes) = &report.changes {
        let moves = format!("{} / {}", shown(&changes.tier_upgrades), shown(&changes.tier_downgrades));
        rows.push(("tiers raised / lowered", moves));
    }
    pairs(&title, rows)
}
