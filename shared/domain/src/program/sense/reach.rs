//! What lies out of reach: lengths of membership that nobody comes to, warnings further ahead than what they warn of
//! lasts.

use crate::document::{Faults, Path};
use crate::membership::MembershipRules;
use crate::money::Measure;
use crate::program::Tiers;
use crate::qualification::Metric;

/// Longest membership that a tier may ask for: a hundred years.
pub(in crate::program) const MEMBERSHIP_MONTHS_MAX: u64 = 1_200;
const DAYS_OF_A_MONTH_MAX: u32 = 31;

/// Notes what no account comes to by tiers.
pub(super) fn tiers(tiers: &Tiers, faults: &mut Faults) {
    let section = Path::Key(&Path::Root, "tiers");
    let levels = Path::Key(&section, "levels");
    let most = Measure(i64::try_from(MEMBERSHIP_MONTHS_MAX).unwrap_or(i64::MAX));
    for (index, tier) in tiers.levels.iter().enumerate() {
        let level = Path::Index(&levels, index);
        if tiers.metric == Metric::MembershipMonths && tier.threshold.is_some_and(|months| months > most) {
            let message = format!("is never reached: it is more than {MEMBERSHIP_MONTHS_MAX} months, a hundred years");
            faults.add(&Path::Key(&level, "threshold"), "never_fires", message);
        }
    }
}

/// Notes a warning of the end of what was paid for that would come with the payment: a period is not that long.
pub(super) fn membership_ending(membership: MembershipRules, ending_days: &[u16], faults: &mut Faults) {
    let Some(fee) = membership.fee() else { return };
    let most = u32::from(fee.months).saturating_mul(DAYS_OF_A_MONTH_MAX);
    if let Some(days) = ending_days.iter().find(|days| u32::from(**days) > most) {
        let warnings = Path::Key(&Path::Root, "warnings");
        let message = format!(
            "{days} days are more than a payment is good for (membership.months is {}): it would be warned of at once",
            fee.months
        );
        faults.add(&Path::Key(&warnings, "membership_ending_days"), "conflict", message);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use crate::id::ProgramName;
    use crate::program::{Program, sample};
    use serde_json::{Value, json};

    fn told(document: &Value) -> Vec<String> {
        // What makes no sense is no fault of what is stored.
        assert!(Program::from_json(document).is_ok(), "{document}");
        let told = Program::from_new(document, &ProgramName::parse("p").unwrap()).err();
        let told = told.iter().flat_map(|faults| faults.listed());
        told.map(|fault| format!("{} {}", fault.path, fault.code)).collect()
    }

    #[test]
    fn only_a_tier_that_is_entered_brings_anything() {
        let level = |id: &str, threshold: &str, more: Value| {
            let mut level = json!({"id": id, "name": id, "threshold": threshold, "multiplier": "1"});
            level.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            level
        };
        let gift = json!({"on_entry": {"points": 500}});
        for (levels, expected) in [
            (json!([level("a", "0", json!({})), level("b", "1", gift.clone())]), &[][..]),
            (
                json!([level("a", "0", gift.clone()), level("b", "1", gift)]),
                &["$.tiers.levels[0].on_entry never_fires"],
            ),
        ] {
            let document = sample::with("tiers", &json!({"window_months": 12, "levels": levels}));
            assert_eq!(told(&document), expected, "{levels}");
        }
    }

    #[test]
    fn a_first_tier_by_invitation_is_one_fault() {
        let mut document = sample::with(
            "occasions",
            &json!([
                {"id": "hello", "name": "Hello", "on": "welcome", "tiers": ["member"], "give": {"points": 5}},
            ]),
        );
        let circle = json!({"id": "circle", "name": "Circle", "by_invitation": true, "multiplier": "1"});
        document["tiers"]["levels"].as_array_mut().unwrap().insert(0, circle);
        document["tiers"]["review"] = json!({"hold_months": 12, "downgrade": "one_step"});
        for levels in [3, 1] {
            let mut document = document.clone();
            document["tiers"]["levels"].as_array_mut().unwrap().truncate(levels);
            let told = Program::from_new(&document, &ProgramName::parse("p").unwrap()).unwrap_err();
            let told: Vec<_> = told.listed().iter().map(|fault| fault.path.as_str()).collect();
            assert_eq!(told, ["$.tiers.levels[0].by_invitation"]);
        }
    }

    #[test]
    fn no_tier_asks_for_more_than_a_hundred_years_of_membership() {
        for (metric, threshold, expected) in [
            ("membership_months", 1_200, &[][..]),
            ("membership_months", 1_201, &["$.tiers.levels[1].threshold never_fires"]),
            ("membership_months", 500_000, &["$.tiers.levels[1].threshold never_fires"]),
            ("units", 500_000, &[]),
        ] {
            let level =
                |id: &str, threshold: u64| json!({"id": id, "name": id, "threshold": threshold, "multiplier": "1"});
            let mut tiers = json!({"metric": metric, "levels": [level("a", 0), level("b", threshold)]});
            if metric != "membership_months" {
                tiers["window_months"] = json!(12);
            }
            assert_eq!(told(&sample::with("tiers", &tiers)), expected, "{metric} {threshold}");
        }
    }

    #[test]
    fn no_warning_comes_further_ahead_than_a_payment_is_good_for() {
        let ending = "$.warnings.membership_ending_days conflict";
        for (months, days, expected) in [
            (1, json!([7, 31]), None),
            (1, json!([7, 32]), Some(ending)),
            (1, json!([60, 90]), Some(ending)),
            (2, json!([60]), None),
            (12, json!([365]), None),
        ] {
            let mut document = sample::with("membership", &json!({"kind": "paid", "months": months}));
            document["warnings"] = json!({"membership_ending_days": days});
            assert_eq!(told(&document), expected.into_iter().collect::<Vec<_>>(), "{months} {days}");
        }
    }
}
