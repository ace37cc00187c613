//! Figures that are not given, each with a reason.

use super::document::{GroupReport, Stood};
use super::period::Survey;
use super::value::{Section, Worth};
use crate::night::{Beliefs, Purchases, SpendModel};
use crate::rollup::{By, Period};
use serde::Serialize;

/// Figures that are not given, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unknown {
    /// Which, by their names.
    pub figures: Vec<&'static str>,
    /// Why.
    pub why: String,
}

impl Unknown {
    pub(super) fn new(figures: &[&'static str], why: &str) -> Self {
        Self { figures: figures.to_vec(), why: why.to_owned() }
    }
}

const NO_LIFETIME_BEFORE: &str = "nothing comes before a lifetime";
const NO_POINT_VALUE: &str = "the program does not say what a point is worth (points.exchange or metrics.point_value)";
pub(super) const NO_MARGIN_RATE: &str = "the program does not say what of revenue is left (metrics.margin_rate)";
pub(super) const NOBODY_LEAVES: &str = "the history shows nobody who left for good, so a lifetime has no end";

/// Of the period before.
const PREVIOUS: [&str; 8] = [
    "previous_customers",
    "retained_customers",
    "retention_rate",
    "churned_customers",
    "churn_rate",
    "reactivated_customers",
    "previous_revenue",
    "revenue_growth",
];
/// What a point must be worth something for.
const VALUED: [&str; 6] =
    ["points_cost", "program_cost", "return_on_investment", "liability", "liability_expected", "ageing.value"];
/// What of revenue must be left for.
const MARGINS: [&str; 6] = [
    "attributed_margin",
    "return_on_investment",
    "historic_margin",
    "historic_margin_average",
    "predicted_margin_12_months",
    "predicted_lifetime_margin",
];
/// What a model of purchases tells.
const ALIVE: [&str; 3] = ["customers_alive", "probability_alive", "expected_orders"];
/// What it tells together with one of spend.
const YEAR: [&str; 3] =
    ["predicted_value_12_months", "predicted_value_12_months_average", "predicted_margin_12_months"];
const LIFETIME: [&str; 3] =
    ["predicted_lifetime_value", "predicted_lifetime_value_average", "predicted_lifetime_margin"];

/// What has nothing to be divided by, or nobody to be told of, in one group; and why. Each figure that is known of some
/// groups and not of others stands here once.
const OF_GROUPS: [(&str, &[&str]); 11] = [
    (
        "nobody ordered in the period",
        &[
            "repeat_customer_rate",
            "returning_customer_rate",
            "average_order_value",
            "revenue_per_customer",
            "orders_per_customer",
            "units_per_order",
            "earning_customer_rate",
            "earning_order_rate",
            "redeeming_customer_rate",
            "redeeming_order_rate",
        ],
    ),
    ("nobody ordered in the period before", &["retention_rate", "churn_rate"]),
    ("there was no revenue in the period before", &["revenue_growth"]),
    ("there was no revenue in the period", &["earning_revenue_rate", "redeeming_revenue_rate"]),
    ("the program cost nothing in the period", &["return_on_investment"]),
    (
        "nobody answered a survey in the period",
        &["net_promoter_score", "net_promoter_score_low", "net_promoter_score_high"],
    ),
    ("no points have expired or been deducted yet", &["breakage_rate"]),
    ("no discount has been issued yet", &["discount_redemption_rate"]),
    ("nobody has come by a referral yet", &["referral_conversion_rate"]),
    (
        "nobody has ordered yet",
        &[
            "historic_value_average",
            "historic_value_least",
            "historic_value_p10",
            "historic_value_p25",
            "historic_value_median",
            "historic_value_p75",
            "historic_value_p90",
            "historic_value_greatest",
            "historic_margin_average",
            "customer_lifetime_value",
        ],
    ),
    (
        "there is no customer of whom it is known when it began to order",
        &["probability_alive", "predicted_value_12_months_average", "predicted_lifetime_value_average"],
    ),
];

/// What is not known of any group. `knows` says whether the period before is, and whether it is known what changed.
pub(super) fn of_all(
    (period, by): (Period, By),
    knows: (bool, bool),
    stood: Option<&Stood<'_>>,
    worth: &Worth,
) -> Vec<Unknown> {
    let (knows_previous, knows_changes) = knows;
    let mut unknown = Vec::new();
    let mut add = |figures: &[&'static str], why: &str| unknown.push(Unknown::new(figures, why));
    if period == Period::Lifetime {
        add(&["new_customers", "returning_customers", "returning_customer_rate"], NO_LIFETIME_BEFORE);
        add(&PREVIOUS, NO_LIFETIME_BEFORE);
    } else if !knows_previous {
        add(&PREVIOUS, "the months of the period before are not kept any more");
    }
    if !matches!(by, By::Total | By::Tier | By::Segment) {
        add(&Survey::names(), "answers are counted in total, by tier and by segment");
    }
    if !worth.values_points() {
        add(&VALUED, NO_POINT_VALUE);
    }
    if !worth.knows_margin() {
        add(&MARGINS, NO_MARGIN_RATE);
    }
    match stood {
        None => add(&["stood", "stands"], "no night of the period was counted"),
        Some(stood) => of_models(stood.beliefs, &mut add),
    }
    match (by, knows_changes) {
        (By::Total, true) if period == Period::Lifetime => {
            add(&["changes_after_night", "changes_after_decided_later"], NO_LIFETIME_BEFORE);
        }
        (By::Total, true) => {}
        (By::Total, false) => add(&["changes"], "no night was counted before the period began, or none of it"),
        _ => add(&["changes"], "what changed is told in total only"),
    }
    unknown
}

fn of_models(beliefs: Option<&Beliefs>, add: &mut impl FnMut(&[&'static str], &str)) {
    let both = [YEAR, LIFETIME].concat();
    let all = [ALIVE.as_slice(), &both].concat();
    let Some(beliefs) = beliefs else { return add(&all, "the night kept no models") };
    match &beliefs.purchases {
        Purchases::Unknown(why) => add(&all, why),
        Purchases::Fitted { a, .. } => {
            if let SpendModel::Unknown(why) = &beliefs.spend {
                add(&both, why);
            }
            if *a <= 0.0 {
                add(&LIFETIME, NOBODY_LEAVES);
            }
        }
    }
}

/// What is not known of one group though it may be of others.
pub(super) fn of_group(group: &GroupReport, has_stood: bool, of_all: &[Unknown]) -> Vec<Unknown> {
    let mut unknown = Vec::new();
    if group.did.is_none() {
        let why = "there was no such group when the period was counted";
        unknown.push(Unknown::new(&["did"], why));
    }
    if group.stands.is_none() && has_stood {
        unknown.push(Unknown::new(&["stands"], "there was no such group at the night that counted how accounts stood"));
    }
    let is_told = |name: &str| of_all.iter().any(|told| told.figures.contains(&name));
    let missing = [missing(group.did.as_ref()), missing(group.stands.as_ref())].concat();
    for (why, figures) in OF_GROUPS {
        let figures = figures.iter().copied().filter(|name| missing.contains(name) && !is_told(name));
        let figures: Vec<_> = figures.collect();
        if !figures.is_empty() {
            unknown.push(Unknown { figures, why: why.to_owned() });
        }
    }
    unknown
}

/// The names of the figures of a section that are not there; none where the section is not.
fn missing<T: Section>(section: Option<&T>) -> Vec<&'static str> {
    let cells = section.map(Section::cells).unwrap_or_default();
    T::names().into_iter().zip(cells).filter(|(_, cell)| cell.is_empty()).map(|(name, _)| name).collect()
}
