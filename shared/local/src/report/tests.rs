use super::*;
use crate::cloud::{Cloud, Options, Storage};
use crate::{demo, program, rollup};
use domain::time::{Day, Instant};
use runtime::Clock;
use std::sync::Arc;

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

/// The demo's companies, and the clock of their cloud.
async fn traded() -> (Arc<Cloud>, Clock) {
    let clock = Clock::manual(at("2026-02-20T12:00:00Z"));
    let options = Options { clock: clock.clone(), ..Options::new(Storage::Memory) };
    let cloud = Arc::new(Cloud::open(options).await.unwrap());
    program::ensure(cloud.app("accounts").unwrap()).await.unwrap();
    demo::load(&cloud, clock.now()).await.unwrap();
    (cloud, clock)
}

async fn night(cloud: &Arc<Cloud>, clock: &Clock, day: &str) {
    let day = Day::parse(day).unwrap();
    clock.set(day.end().plus_ms(4 * 3_600_000));
    rollup::rollup(cloud, Some(day)).await.unwrap();
}

#[tokio::test]
async fn a_year_of_trade_fits_a_screen() {
    let (cloud, clock) = traded().await;
    night(&cloud, &clock, "2026-02-20").await;
    let app = cloud.app("metrics").unwrap();
    let text = dashboard(&gather(app, None).await.unwrap());
    assert!(text.lines().count() <= 64, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn where_nobody_ordered_lately_the_month_says_so() {
    let (cloud, clock) = traded().await;
    let app = cloud.app("metrics").unwrap();
    let none = gather(app, None).await.unwrap_err().to_string();
    assert_eq!(none, "No night has been counted yet. `guilder rollup` counts a night.");
    night(&cloud, &clock, "2028-08-01").await;
    let dashboard = gather(app, None).await.unwrap();
    assert_eq!(dashboard.metrics.period, "2028-08");
    assert_eq!(dashboard.metrics.total().unwrap().did.as_ref().unwrap().customers.customers, 0);
    let asked = gather(app, Period::parse("2028-01")).await.unwrap_err().to_string();
    assert_eq!(asked, "Nothing was counted for 2028-01. `guilder rollup` counts a night.");
}
