//! A demo history: a dozen companies that do not exist, and what they bought in the last eight months.
//!
//! The same for everybody on the same day. It goes the way of real history: accounts through the function for
//! accounts, orders through the one for orders, and so on, each at the instant it is said to have happened. The
//! account that examples speak of has something of everything, and people of all were asked how they like it.

mod survey;

use crate::cloud::Cloud;
use crate::gateway::Request;
use domain::code::Code;
use domain::document::Faults;
use domain::order::Order;
use domain::score::ScoredOrder;
use domain::time::Instant;
use fastrand::Rng;
use runtime::{App, Caller, Clock};
use serde_json::{Value, json};
use std::sync::Arc;

/// The account that examples speak of.
pub const ACCOUNT: &str = "tidewater-teapots";

const SEED: u64 = 0x6775_696c_6465_7201;
const SOURCE: &str = "demo-shop";
const HISTORY_DAYS: i64 = 243;
const HOUR_MS: i64 = 3_600_000;

/// A company: id, name, segment, buyer, approver, days between orders, and how much it takes of each thing.
struct Company(&'static str, &'static str, &'static str, &'static str, &'static str, u64, u64);

const COMPANIES: [Company; 12] = [
    Company(ACCOUNT, "Tidewater Teapots Ltd (fictional)", "hospitality", "Ada Brine", "Jonas Kettle", 14, 5),
    Company("moonlit-mugs", "Moonlit Mugs & Co (fictional)", "retail", "Wren Halley", "Otis Crater", 21, 3),
    Company("quillfeather", "Quillfeather Stationers (fictional)", "retail", "Pia Inkwell", "Bo Nibley", 30, 2),
    Company("copperpot-inns", "Copperpot Inns plc (fictional)", "hospitality", "Rufus Ladle", "Greta Stove", 7, 24),
    Company("little-harbour", "Little Harbour Gifts (fictional)", "retail", "Mina Anchor", "Saul Jetty", 28, 2),
    Company("bramble-barrow", "Bramble & Barrow LLP (fictional)", "garden", "Hazel Thorn", "Ned Furrow", 18, 6),
    Company("ninepin-toys", "Ninepin Toys GmbH (fictional)", "retail", "Kaspar Rolle", "Ilse Kegel", 16, 8),
    Company("velvet-otter", "Velvet Otter Hotels (fictional)", "hospitality", "Lottie Holt", "Max Weir", 12, 12),
    Company("paper-lantern", "Paper Lantern Events (fictional)", "events", "Suki Glow", "Theo Wick", 40, 10),
    Company("foxglove-farm", "Foxglove Farm Shops (fictional)", "garden", "Ivy Meadow", "Hugh Stile", 25, 4),
    Company("wooden-whale", "Wooden Whale Trading (fictional)", "wholesale", "Nils Fluke", "Tova Baleen", 9, 40),
    Company("sunday-scones", "Sunday Scones Café (fictional)", "hospitality", "Poppy Clot", "Fred Currant", 45, 1),
];

/// What the shop sells: SKU, category, price for one.
const CATALOGUE: [(&str, &str, &str); 14] = [
    ("TEAPOT-BLUE", "teaware", "12.50"),
    ("TEAPOT-WHITE", "teaware", "11.95"),
    ("MUG-STRIPED", "teaware", "3.25"),
    ("MUG-ENAMEL", "teaware", "4.10"),
    ("CAKE-STAND-3", "teaware", "14.75"),
    ("LANTERN-TIN", "lighting", "6.45"),
    ("T-LIGHT-100", "lighting", "5.375"),
    ("CANDLE-IVORY", "lighting", "1.65"),
    ("APRON-LINEN", "textiles", "7.95"),
    ("BUNTING-10M", "textiles", "4.95"),
    ("DOORMAT-HARE", "garden", "8.15"),
    ("PLANTER-ZINC", "garden", "9.85"),
    ("NOTEBOOK-A6", "stationery", "1.05"),
    ("POST", "postage", "18.00"),
];

/// What was loaded.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Companies.
    pub accounts: u64,
    /// Orders of theirs.
    pub orders: u64,
}

/// Why the demo could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A function is not there.
    #[error("demo: the template has no function for {0}")]
    NoFunction(String),
    /// A function refused something.
    #[error("demo: {subject} was refused: {reason}")]
    Refused {
        /// What.
        subject: String,
        /// Why.
        reason: String,
    },
}

fn refused(subject: &str, reason: impl ToString) -> DemoError {
    DemoError::Refused { subject: subject.to_owned(), reason: reason.to_string() }
}

/// Loads the demo history as it is on the day of `today`.
pub async fn load(cloud: &Cloud, today: Instant) -> Result<Loaded, DemoError> {
    let orders = cloud.app("order-placed").ok_or_else(|| DemoError::NoFunction("orders".to_owned()))?;
    let midnight = today.as_ms().div_euclid(Instant::DAY_MS).saturating_mul(Instant::DAY_MS);
    let start = Instant::from_ms(midnight.saturating_sub(HISTORY_DAYS.saturating_mul(Instant::DAY_MS)));
    let mut loaded = Loaded::default();
    survey::open(cloud, start).await?;
    for (index, company) in COMPANIES.iter().enumerate() {
        let number = u64::try_from(index).unwrap_or_default();
        let mut rng = Rng::with_seed(SEED.wrapping_add(number));
        enrol(cloud, company, number, start).await?;
        let bought = buy(orders, company, &mut rng, start, today).await?;
        if company.0 == ACCOUNT {
            take_back_and_make_good(cloud, &bought, today).await?;
        }
        if let Some(last) = bought.last() {
            survey::answer(cloud, company, number, last.order.placed_at, today).await?;
        }
        loaded.orders = loaded.orders.saturating_add(u64::try_from(bought.len()).unwrap_or(u64::MAX));
        loaded.accounts = loaded.accounts.saturating_add(1);
    }
    Ok(loaded)
}

async fn enrol(cloud: &Cloud, company: &Company, number: u64, at: Instant) -> Result<(), DemoError> {
    let Company(id, name, segment, buyer, approver, ..) = company;
    let vat_id = format!("GB{:09}", number.saturating_add(1));
    let profile =
        json!({"name": name, "email": format!("office@{id}.example"), "vat_id": vat_id, "segments": [segment]});
    put(cloud, &format!("/v1/accounts/{id}"), &profile, at).await?;
    for (contact, person) in [("buyer", buyer), ("approver", approver)] {
        let email = format!("{contact}@{id}.example");
        let document = json!({"name": person, "email": email, "role": contact, "locale": "en-GB"});
        put(cloud, &format!("/v1/accounts/{id}/contacts/{contact}"), &document, at).await?;
    }
    Ok(())
}

async fn put(cloud: &Cloud, target: &str, document: &Value, at: Instant) -> Result<(), DemoError> {
    send(cloud, "PUT", target, None, document, at).await
}

/// A request as a shop would send it, carried out at `at`.
async fn send(
    cloud: &Cloud,
    method: &str,
    target: &str,
    idempotency_key: Option<&str>,
    document: &Value,
    at: Instant,
) -> Result<(), DemoError> {
    let key = idempotency_key.map(|key| ("idempotency-key", key));
    let headers = key.into_iter().chain([("content-type", "application/json")]);
    let request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: document.to_string().into(),
    };
    let invocation = cloud.invocation(&request).map_err(|_| DemoError::NoFunction(target.to_owned()))?;
    let answer = cloud.replay(&invocation.function, invocation.event, at).await;
    let answer = answer.map_err(|error| refused(target, error))?;
    match answer.get("statusCode").and_then(Value::as_u64) {
        Some(200..=299) => Ok(()),
        _ => Err(refused(target, answer.get("body").and_then(Value::as_str).unwrap_or_default())),
    }
}

/// What comes after the latest orders: of the last but one some goods come back, the last is cancelled, and the
/// merchant apologises with points.
async fn take_back_and_make_good(cloud: &Cloud, bought: &[Arc<ScoredOrder>], today: Instant) -> Result<(), DemoError> {
    let [.., returned, cancelled] = bought else { return Ok(()) };
    let hours_later = |hours: i64| today.min(cancelled.order.placed_at.plus_ms(hours.saturating_mul(HOUR_MS)));
    let path = |order: &ScoredOrder| format!("/v1/orders/{SOURCE}/{}", order.order.key.order_id);

    if let Some(line) = returned.order.lines.iter().find(|line| line.quantity > 1) {
        let at = hours_later(1);
        let lines = json!([{"line_id": line.line_id, "quantity": line.quantity.div_ceil(2)}]);
        let document = json!({"return_id": "return-1", "returned_at": at, "lines": lines});
        send(cloud, "POST", &format!("{}/returns", path(returned)), None, &document, at).await?;
    }
    let at = hours_later(2);
    let document = json!({ "cancelled_at": at });
    send(cloud, "POST", &format!("{}/cancellation", path(cancelled)), None, &document, at).await?;
    let document = json!({"points": 250, "reason": "Sorry for the chipped teapots", "reference": "ticket 4711"});
    let target = format!("/v1/accounts/{ACCOUNT}/adjustments");
    send(cloud, "POST", &target, Some("demo-ticket-4711"), &document, hours_later(3)).await
}

/// The orders of one company from `start` to `today`.
async fn buy(
    app: &App,
    company: &Company,
    rng: &mut Rng,
    start: Instant,
    today: Instant,
) -> Result<Vec<Arc<ScoredOrder>>, DemoError> {
    let Company(id, _, _, _, _, every_days, _) = company;
    let caller = Caller::operator("demo");
    let mut open: Option<(Code, Instant)> = None;
    let mut bought = Vec::new();
    let mut day = rng.u64(0..*every_days);
    loop {
        let minutes = rng.i64(8 * 60..17 * 60);
        let day_ms = i64::try_from(day).unwrap_or_default().saturating_mul(Instant::DAY_MS);
        let placed_at = start.plus_ms(day_ms).plus_ms(minutes.saturating_mul(HOUR_MS / 60));
        if placed_at > today {
            return Ok(bought);
        }
        let code = open.take_if(|(_, ends)| *ends <= placed_at || rng.bool()).filter(|(_, ends)| *ends > placed_at);
        let codes: Vec<_> = code.into_iter().map(|(code, _)| code).collect();
        let order_id = format!("{id}-{:03}", bought.len().saturating_add(1));
        let document = order(company, &order_id, placed_at, &codes, rng);
        let order = Order::from_json(&document).map_err(|faults| refused(&order_id, first_fault(&faults)))?;
        let placed = order_placed::place(&app.with_clock(Clock::Replay(placed_at)), &caller, order).await;
        let placed = placed.map_err(|error| refused(&order_id, error.cause()))?;
        let issued = placed.scored.score.issued.first().map(|issued| (issued.code.clone(), issued.expires_at));
        open = issued.or(open);
        bought.push(placed.scored);
        // From two thirds to four thirds of the usual pause.
        let (least, most) = (every_days.saturating_mul(2).div_ceil(3), every_days.saturating_mul(4).div_ceil(3));
        day = day.saturating_add(rng.u64(least..=most));
    }
}

fn first_fault(faults: &Faults) -> String {
    faults.listed().first().map(|fault| format!("{} {}", fault.path, fault.message)).unwrap_or_default()
}

fn order(company: &Company, order_id: &str, placed_at: Instant, codes: &[Code], rng: &mut Rng) -> Value {
    let Company(id, .., units) = company;
    let wanted = rng.usize(1..=6);
    let products = rng.choose_multiple(CATALOGUE.iter(), wanted);
    let lines = products.iter().enumerate().map(|(index, (sku, category, price))| {
        let quantity = if *sku == "POST" { 1 } else { rng.u64(2..=9).saturating_mul(*units) };
        let line_id = index.saturating_add(1).to_string();
        json!({"line_id": line_id, "sku": sku, "quantity": quantity, "unit_price": price, "category": category})
    });
    json!({
        "source": SOURCE,
        "order_id": order_id,
        "account_id": id,
        "contact_id": "buyer",
        "placed_at": placed_at,
        "currency": "GBP",
        "lines": lines.collect::<Vec<_>>(),
        "discount_codes": codes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Options, Storage};
    use crate::{audit, export, program};
    use domain::id::SurveyId;

    #[tokio::test]
    async fn the_demo_is_the_same_for_everybody_on_the_same_day() {
        let today = Instant::parse("2026-05-20T12:00:00Z").unwrap();
        let (mut exports, mut answers) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            let cloud = Cloud::open(Options::new(Storage::Memory)).await.unwrap();
            let app = cloud.app("order-placed").unwrap();
            program::ensure(app).await.unwrap();
            let loaded = load(&cloud, today).await.unwrap();
            assert_eq!(loaded.accounts, 12);
            assert!(loaded.orders > 100, "{loaded:?}");
            let report = audit::run(app, domain::time::Instant::MAX).await.unwrap();
            assert!(report.findings.is_empty(), "{report}");
            let survey = SurveyId::parse(survey::SURVEY).unwrap();
            let said = app.store().answers_page(&survey, None, 100).await.unwrap().answers;
            assert!((18..24).contains(&said.len()), "{}", said.len());
            for (least, most) in [(0, 6), (7, 8), (9, 10)] {
                assert!(
                    said.iter().any(|one| (least..=most).contains(&one.said.score.as_u8())),
                    "none of {least}–{most}"
                );
            }
            answers.push(said);
            exports.push(export::accounts(app.store(), &app.schedule().await.unwrap(), today).await.unwrap());
        }
        assert_eq!(exports[0], exports[1]);
        assert_eq!(answers[0], answers[1]);
        // There is something of everything to look at.
        for tier in ["member", "silver", "gold", "platinum"] {
            assert!(exports[0].iter().any(|row| row.tier.as_str() == tier), "nobody is {tier}");
        }
    }
}
