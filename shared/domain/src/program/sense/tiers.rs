//! Tiers that are never reached, and reviews that never do anything.

use crate::document::{Faults, Path};
use crate::program::{Tiers, Upgrade};
use crate::qualification::Window;
use crate::referral::rules::Gift;
use crate::review::{Downgrade, ReviewRules};
use crate::warning::WarningRules;

pub(super) fn check(tiers: &Tiers, warnings: &WarningRules, faults: &mut Faults) {
    let section = Path::Key(&Path::Root, "tiers");
    if tiers.upgrade == Upgrade::AtReview && tiers.review.is_none() {
        let message = "no tier is ever reached: reviews would raise it, and without tiers.review there are none";
        faults.add(&Path::Key(&section, "upgrade"), "never_fires", message);
    }
    if tiers.levels.lowest.on_entry != Gift::default() {
        let lowest = Path::Key(&section, "levels");
        let message = "nobody enters the first tier: everybody starts there";
        faults.add(&Path::Key(&Path::Index(&lowest, 0), "on_entry"), "never_fires", message);
    }
    if let Some(rules) = tiers.review {
        check_review(tiers, rules, &Path::Key(&section, "review"), faults);
    }
    let is_lost = tiers.review.is_some_and(|rules| rules.downgrade != Downgrade::Never);
    if !is_lost && !warnings.tier_at_risk_days.is_empty() {
        let warnings = Path::Key(&Path::Root, "warnings");
        let message = match tiers.review {
            None => "warns of tiers that would be lost; without tiers.review none is",
            Some(_) => "warns of tiers that would be lost; with tiers.review.downgrade never none is",
        };
        faults.add(&Path::Key(&warnings, "tier_at_risk_days"), "never_fires", message);
    }
}

fn check_review(tiers: &Tiers, rules: ReviewRules, path: &Path<'_>, faults: &mut Faults) {
    if tiers.levels.above.iter().all(|tier| tier.threshold.is_none()) {
        let message = "there is one tier, and none below it to fall to";
        return faults.add(path, "never_fires", message);
    }
    if rules.downgrade == Downgrade::Never && tiers.upgrade == Upgrade::AtOnce {
        let message = "neither lowers a tier nor raises one: tiers.upgrade is at_once";
        return faults.add(path, "never_fires", message);
    }
    if rules.downgrade != Downgrade::Never && tiers.window == Window::Lifetime && !tiers.metric.can_fall() {
        let message = format!("lowers no tier: {} never become less; say never", tiers.metric.in_words());
        faults.add(&Path::Key(path, "downgrade"), "never_fires", message);
    }
}
