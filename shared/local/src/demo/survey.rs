//! What the demo's people said when they were asked: so that a first night has a Net Promoter Score to tell.

use super::{Company, DemoError, HOUR_MS, SEED, put, send};
use crate::cloud::Cloud;
use domain::time::Instant;
use fastrand::Rng;
use serde_json::json;

/// The survey that they answer.
pub(super) const SURVEY: &str = "demo-pulse";

/// What is said of 0–6, 7–8 and 9–10, and what it is about.
const SAYINGS: [(&str, &str); 6] = [
    ("Two teapots came chipped, and it took a week to hear back.", "breakage"),
    ("The lanterns were out of stock twice in a row.", "stock"),
    ("Good goods; the catalogue could be easier to search.", "catalogue"),
    ("Fine. Delivery on a Monday would be better for us.", "delivery"),
    ("Whole mugs, on time, every time.", "delivery"),
    ("Our guests ask where the cake stands are from.", "range"),
];
/// Scores that people give, as often as they stand here.
const SCORES: [u8; 12] = [10, 10, 9, 9, 9, 9, 8, 8, 8, 7, 5, 3];
/// A night's sleep after an order, for whoever approved it.
const LATER_HOURS: [i64; 2] = [5, 29];

/// Asks.
pub(super) async fn open(cloud: &Cloud, at: Instant) -> Result<(), DemoError> {
    let question = "How likely are you to recommend us to another company?";
    let document = json!({"name": "How are we doing? (fictional)", "question": question});
    put(cloud, &format!("/v1/surveys/{SURVEY}"), &document, at).await
}

/// What a company's people answer after its last order: its buyer, and three of four approvers.
pub(super) async fn answer(
    cloud: &Cloud,
    company: &Company,
    number: u64,
    last_order: Instant,
    today: Instant,
) -> Result<(), DemoError> {
    // A row of numbers of its own: what is said moves no order.
    let mut rng = Rng::with_seed(SEED.wrapping_mul(31).wrapping_add(number));
    for (contact, hours) in ["buyer", "approver"].into_iter().zip(LATER_HOURS) {
        if contact == "approver" && rng.u8(..) < 64 {
            continue;
        }
        let score = rng.choice(SCORES).unwrap_or(10);
        let about = match score {
            0..=6 => 0..2,
            7..=8 => 2..4,
            _ => 4..6,
        };
        let mut document = json!({"account_id": company.0, "contact_id": contact, "score": score});
        if let Some((comment, tag)) = SAYINGS.get(rng.usize(about)).filter(|_| rng.bool())
            && let Some(fields) = document.as_object_mut()
        {
            fields.insert("comment".to_owned(), json!(comment));
            fields.insert("tags".to_owned(), json!([tag]));
        }
        let at = today.min(last_order.plus_ms(hours.saturating_mul(HOUR_MS)));
        send(cloud, "POST", &format!("/v1/surveys/{SURVEY}/answers"), None, &document, at).await?;
    }
    Ok(())
}
