//! The sample events of requests: the examples of the description.

use runtime::api::Sample;
use serde_json::Value;
use std::collections::BTreeMap;

/// Each by the name of its file below `events/`.
pub const EVENTS: [(&str, &str); 69] = [
    ("accounts-adjustment", include_str!("../../../../events/accounts-adjustment.json")),
    ("accounts-contact-get", include_str!("../../../../events/accounts-contact-get.json")),
    ("accounts-contact-put", include_str!("../../../../events/accounts-contact-put.json")),
    ("accounts-entries", include_str!("../../../../events/accounts-entries.json")),
    ("accounts-get", include_str!("../../../../events/accounts-get.json")),
    ("accounts-membership-payment", include_str!("../../../../events/accounts-membership-payment.json")),
    ("accounts-membership-put", include_str!("../../../../events/accounts-membership-put.json")),
    ("accounts-order-score", include_str!("../../../../events/accounts-order-score.json")),
    ("accounts-perk-use", include_str!("../../../../events/accounts-perk-use.json")),
    ("accounts-personal-data-delete", include_str!("../../../../events/accounts-personal-data-delete.json")),
    ("accounts-prices", include_str!("../../../../events/accounts-prices.json")),
    ("accounts-put", include_str!("../../../../events/accounts-put.json")),
    ("accounts-redemption-cancellation", include_str!("../../../../events/accounts-redemption-cancellation.json")),
    ("accounts-redemption-post", include_str!("../../../../events/accounts-redemption-post.json")),
    ("accounts-redemptions-get", include_str!("../../../../events/accounts-redemptions-get.json")),
    ("accounts-rewards-get", include_str!("../../../../events/accounts-rewards-get.json")),
    ("accounts-tier-put", include_str!("../../../../events/accounts-tier-put.json")),
    ("api-description-get", include_str!("../../../../events/api-description-get.json")),
    ("checkout-quote", include_str!("../../../../events/checkout-quote.json")),
    ("credit-note-get", include_str!("../../../../events/credit-note-get.json")),
    ("credit-note-http", include_str!("../../../../events/credit-note-http.json")),
    ("invitation-delete", include_str!("../../../../events/invitation-delete.json")),
    ("invitation-get", include_str!("../../../../events/invitation-get.json")),
    ("invitations-list", include_str!("../../../../events/invitations-list.json")),
    ("invitations-post", include_str!("../../../../events/invitations-post.json")),
    ("metrics-accounts-get", include_str!("../../../../events/metrics-accounts-get.json")),
    ("metrics-get-csv", include_str!("../../../../events/metrics-get-csv.json")),
    ("metrics-get", include_str!("../../../../events/metrics-get.json")),
    ("metrics-insights-get", include_str!("../../../../events/metrics-insights-get.json")),
    ("metrics-night-get", include_str!("../../../../events/metrics-night-get.json")),
    ("metrics-retention-get", include_str!("../../../../events/metrics-retention-get.json")),
    ("order-amended-http", include_str!("../../../../events/order-amended-http.json")),
    ("order-cancelled-http", include_str!("../../../../events/order-cancelled-http.json")),
    ("order-paid-http", include_str!("../../../../events/order-paid-http.json")),
    ("order-placed-dry-run", include_str!("../../../../events/order-placed-dry-run.json")),
    ("order-placed-http", include_str!("../../../../events/order-placed-http.json")),
    ("order-returned-http", include_str!("../../../../events/order-returned-http.json")),
    ("program-active-get", include_str!("../../../../events/program-active-get.json")),
    ("program-active-put", include_str!("../../../../events/program-active-put.json")),
    ("program-diff-get", include_str!("../../../../events/program-diff-get.json")),
    ("program-version-get", include_str!("../../../../events/program-version-get.json")),
    ("program-versions-list", include_str!("../../../../events/program-versions-list.json")),
    ("program-versions-post", include_str!("../../../../events/program-versions-post.json")),
    ("referral-code-get", include_str!("../../../../events/referral-code-get.json")),
    ("referral-code-post", include_str!("../../../../events/referral-code-post.json")),
    ("referral-code-put", include_str!("../../../../events/referral-code-put.json")),
    ("referral-codes-get", include_str!("../../../../events/referral-codes-get.json")),
    ("referral-redemption-get", include_str!("../../../../events/referral-redemption-get.json")),
    ("referral-redemption-post-branch", include_str!("../../../../events/referral-redemption-post-branch.json")),
    ("referral-redemption-post-double", include_str!("../../../../events/referral-redemption-post-double.json")),
    ("referral-redemption-post", include_str!("../../../../events/referral-redemption-post.json")),
    ("referral-redemptions-get", include_str!("../../../../events/referral-redemptions-get.json")),
    ("referral-review-approval", include_str!("../../../../events/referral-review-approval.json")),
    ("referral-review-rejection", include_str!("../../../../events/referral-review-rejection.json")),
    ("referral-reviews-get", include_str!("../../../../events/referral-reviews-get.json")),
    ("reservation-delete", include_str!("../../../../events/reservation-delete.json")),
    ("reservation-get", include_str!("../../../../events/reservation-get.json")),
    ("reservation-post", include_str!("../../../../events/reservation-post.json")),
    ("shared-code-delete", include_str!("../../../../events/shared-code-delete.json")),
    ("shared-code-get", include_str!("../../../../events/shared-code-get.json")),
    ("shared-codes-list", include_str!("../../../../events/shared-codes-list.json")),
    ("shared-codes-post", include_str!("../../../../events/shared-codes-post.json")),
    ("simulation-get", include_str!("../../../../events/simulation-get.json")),
    ("simulation-post", include_str!("../../../../events/simulation-post.json")),
    ("surveys-answer-post", include_str!("../../../../events/surveys-answer-post.json")),
    ("surveys-answers-get", include_str!("../../../../events/surveys-answers-get.json")),
    ("surveys-get", include_str!("../../../../events/surveys-get.json")),
    ("surveys-list", include_str!("../../../../events/surveys-list.json")),
    ("surveys-put", include_str!("../../../../events/surveys-put.json")),
];

/// Those of each route.
pub(super) fn by_route() -> Result<BTreeMap<String, Vec<Sample>>, String> {
    let mut samples: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    for (name, text) in EVENTS {
        let event: Value = serde_json::from_str(text).map_err(|error| format!("events/{name}.json: {error}"))?;
        let route = event.get("routeKey").and_then(Value::as_str).unwrap_or_default().to_owned();
        let stated = ["pathParameters", "queryStringParameters", "headers"];
        let stated = stated.into_iter().filter_map(|part| event.get(part)?.as_object()).flatten();
        let parameters = stated.map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
        let body = event.get("body").and_then(Value::as_str).and_then(|body| serde_json::from_str(body).ok());
        samples.entry(route).or_default().push(Sample { name: name.to_owned(), parameters, body });
    }
    Ok(samples)
}
