use super::bill::{NanoUsd, Standing};
use super::prices::{Part, Price};
use super::sample::Sampled;
use super::*;

/// Prices that can be reckoned with by head.
const ROUND: &str = r#"
    region = "here"
    date = "2026-01-01"
    dynamodb-write-units = { usd = "1.00", per = 1000000, source = "s", published = "p" }
    dynamodb-read-units = { usd = "0.20", per = 1000000, source = "s", published = "p" }
    lambda-requests = { usd = "0.20", per = 1000000, source = "s", published = "p" }
    lambda-gb-seconds = { usd = "0.000016", per = 1, source = "s", published = "p" }
    http-api-requests = { usd = "1.10", per = 1000000, source = "s", published = "p" }
    events = { usd = "1.00", per = 1000000, source = "s", published = "p" }
    queue-requests = { usd = "0.40", per = 1000000, source = "s", published = "p" }
    fair-queue-requests = { usd = "0.10", per = 1000000, source = "s", published = "p" }
    logged-gb = { usd = "0.50", per = 1, source = "s", published = "p" }
    dynamodb-stored-gb-months = { usd = "0.25", per = 1, source = "s", published = "p" }
    dynamodb-recoverable-gb-months = { usd = "0.20", per = 1, source = "s", published = "p" }
    alarm-months = { usd = "0.10", per = 1, source = "s", published = "p" }
    metric-months = { usd = "0.30", per = 1, source = "s", published = "p" }
    dashboard-months = { usd = "3.00", per = 1, source = "s", published = "p" }
"#;

fn usd(bill: &Bill, part: Part) -> i64 {
    bill.parts.iter().find(|known| known.title == part.title()).map_or(0, |part| part.usd.0)
}

#[test]
fn each_part_is_what_was_used_times_its_price() {
    let prices = Prices::parse(ROUND).unwrap();
    // Two samples: twelve write units and one read unit together, 3 ms each in 256 MB, half a KiB logged each.
    let usage = Usage {
        write_halves: 24,
        read_halves: 2,
        invocations: 2,
        billed_ms: 6,
        requests: 2,
        logged_bytes: 1024,
        stored_bytes: 2 * 1024,
        ..Usage::default()
    };
    let usage = usage.in_memory(256, Stated::default()).unwrap();
    let bill = Bill::of(&usage, 2, MILLION, &prices).unwrap();
    let rows = [
        (Part::Writes, 6_000_000_000),
        (Part::Reads, 100_000_000),
        (Part::Invocations, 200_000_000),
        // 3 ms of a quarter of a GB a million times: 750 GB-seconds.
        (Part::Time, 12_000_000),
        (Part::Requests, 1_100_000_000),
        (Part::Events, 0),
        (Part::QueueRequests, 0),
        // 512,000,000 bytes of 2^30: 0.476837158203125 GB at half a dollar.
        (Part::Logged, 238_418_579),
        // A KiB each: 0.95367431640625 GB at a quarter, rounded half up at the ninth decimal.
        (Part::Stored, 238_418_579),
        (Part::Recoverable, 190_734_863),
    ];
    for (part, expected) in rows {
        assert_eq!(usd(&bill, part), expected, "{part:?}");
    }
    let once = 6_000_000_000 + 100_000_000 + 200_000_000 + 12_000_000 + 1_100_000_000 + 238_418_579;
    assert_eq!((bill.usd, bill.usd_per_month), (NanoUsd(once), NanoUsd(238_418_579 + 190_734_863)));
    assert_eq!((bill.usd.cents(), bill.usd_per_month.cents()), ("7.65".to_owned(), "0.43".to_owned()));

    // A message of its own is sent, received and deleted, each in a fair queue.
    let message = Usage { events: 1, queue_requests: 3, ..Usage::default() };
    let bill = Bill::of(&message, 1, MILLION, &prices).unwrap();
    let parts = [Part::Events, Part::QueueRequests, Part::FairQueueRequests].map(|part| usd(&bill, part));
    assert_eq!(parts, [1_000_000_000, 1_200_000_000, 300_000_000]);
}

#[test]
fn what_stands_there_is_paid_whoever_orders() {
    let standing = Standing { alarms: 40, metrics: 12, dashboards: 1 };
    let bill = Bill::of_standing(&standing, &Prices::parse(ROUND).unwrap()).unwrap();
    let parts = [Part::Alarms, Part::Metrics, Part::Dashboards].map(|part| usd(&bill, part));
    assert_eq!(parts, [4_000_000_000, 3_600_000_000, 3_000_000_000]);
    assert_eq!((bill.usd, bill.usd_per_month), (NanoUsd(0), NanoUsd(10_600_000_000)));
}

#[test]
fn amounts_are_rounded_once_and_half_up() {
    let price = |usd: &str| {
        format!("region = \"r\"\ndate = \"d\"\n[events]\nusd = \"{usd}\"\nper = 1\nsource = \"\"\npublished = \"\"")
    };
    let events = Usage { events: 1, ..Usage::default() };
    let nano = |usd: &str, samples| Bill::of(&events, samples, 1, &Prices::parse(&price(usd)).unwrap()).unwrap().usd.0;
    assert_eq!(nano("0.0000000005", 1), 1);
    assert_eq!(nano("0.000000000499", 1), 0);
    // A third of a billionth and a half.
    assert_eq!((nano("0.0000000045", 3), nano("0.000000004499", 3)), (2, 1));
    let cents = |nano| NanoUsd(nano).cents();
    assert_eq!([cents(5_000_000), cents(4_999_999), cents(1_234_567_890_123)], ["0.01", "0.00", "1234.57"]);
    let most = Usage { events: u64::MAX, ..Usage::default() };
    assert_eq!(Bill::of(&most, 1, MILLION, &Prices::parse(&price("1")).unwrap()), Err(Overflow));
    assert_eq!(most.plus(&events), Err(Overflow));
}

#[test]
fn what_is_stated_takes_the_place_of_what_was_measured() {
    let measured = Usage { invocations: 4, billed_ms: 9, ..Usage::default() };
    let of = |duration_ms, memory_mb| {
        let usage = measured.in_memory(256, Stated { duration_ms, memory_mb }).unwrap();
        (usage.billed_ms, usage.mb_ms)
    };
    assert_eq!(of(None, None), (9, 9 * 256));
    assert_eq!(of(Some(12), None), (48, 48 * 256));
    assert_eq!(of(None, Some(512)), (9, 9 * 512));
    assert_eq!(of(Some(12), Some(512)), (48, 48 * 512));
}

#[test]
fn the_prices_that_come_along_are_whole_and_dated() {
    let prices = Prices::open(None).unwrap();
    assert_eq!((prices.region.as_str(), prices.date.as_str()), ("eu-west-1", "2026-10-02"));
    assert_eq!(prices.left_out(), Vec::<&str>::new());
    assert_eq!(prices.of(Part::Time), Some(Price { pico_usd: 13_333_400, per: 1 }));
    assert_eq!(prices.of(Part::Writes), Some(Price { pico_usd: 705_000_000_000, per: MILLION }));
}

#[test]
fn prices_that_are_none_are_refused() {
    let rows = [
        ("1.00", "1,00", "must be a decimal"),
        ("1.00", "0.0000000000001", "at most 12 decimals"),
        ("1.00", "-1.00", "must not be negative"),
        ("per = 1000000", "per = 0", "per must be 1 or more"),
        ("events =", "evnets =", "unknown field `evnets`"),
        ("region =", "area =", "unknown field `area`"),
        ("date = \"2026-01-01\"", "", "missing field `date`"),
    ];
    for (old, new, reason) in rows {
        let refused = Prices::parse(&ROUND.replacen(old, new, 1)).unwrap_err().to_string();
        assert!(refused.contains(reason), "{old} -> {new}: {refused}");
    }
}

#[test]
fn a_mix_is_a_thousand_orders_and_what_comes_along() {
    let of = |mix: &Mix, name: &str| mix.of(OPERATIONS.iter().find(|operation| operation.name == name).unwrap());
    let mix = Mix::parse("order=700, bus-order=300,quote=5000").unwrap();
    assert_eq!((of(&mix, "order"), of(&mix, "bus-order"), of(&mix, "quote"), of(&mix, "return")), (700, 300, 5_000, 0));
    let usual = OPERATIONS.map(|operation| format!("{}={}", operation.name, operation.usual)).join(",");
    assert_eq!(Mix::parse(&usual).unwrap(), Mix::default());
    for (text, reason) in [
        ("", "is no NAME=COUNT"),
        ("order", "is no NAME=COUNT"),
        ("orders=1000", "is none of order, first-order"),
        ("order=many", "must be a whole number"),
        ("order=-1", "must be a whole number"),
        ("order=500,order=500", "named twice"),
        ("order=900,quote=100", "has 900 orders"),
    ] {
        let refused = Mix::parse(text).unwrap_err().to_string();
        assert!(refused.contains(reason), "{text}: {refused}");
    }
}

/// Units as the end-to-end tests pin them (`tests/e2e/cost.rs`): a change here is a change of what an order costs.
#[test]
fn what_is_measured_are_the_units_that_orders_are_known_to_cost() {
    // With one subscriber alone, whichever thread comes first to where something is logged decides for all whether it is:
    // that of another test has none.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let Sampled { operations: measured, standing } = measure_few();
    let template = crate::template::Template::embedded().unwrap();
    assert_eq!((standing.alarms, standing.dashboards), (template.alarms.len() as u64, 1));
    // Orders that were scored, points that were issued, commits of two functions, and how old messages were.
    assert_eq!(standing.metrics, 5);
    let of = |name: &str| {
        let found = measured.iter().find(|measured| measured.operation.name == name).unwrap();
        (found.usage.write_halves / 2 / found.samples, found.usage.read_halves / found.samples)
    };
    // Write units, and halves of read units.
    assert_eq!(of("order"), (6, 1));
    assert_eq!(of("bus-order"), (6, 1));
    assert_eq!(of("amendment"), (6, 2));
    assert_eq!(of("return"), (6, 2));
    assert_eq!(of("cancellation"), (6, 2));
    assert_eq!(of("quote"), (0, 2));
    // A new account is filed in the index of what falls due; a discount is an item, and moves that date.
    assert_eq!(of("first-order"), (7, 1));
    assert_eq!(of("discount-order"), (10, 1));
    assert_eq!(of("account"), (0, 4));
    for Measured { operation, usage, samples, memory_mb } in &measured {
        // What is announced: an order, its points, and that it enrolled an account or issued a discount.
        let announced = match operation.name {
            "quote" | "account" => 0,
            "return" => 1,
            "first-order" | "discount-order" => 3,
            _ => 2,
        };
        let (requests, put, queued) = if operation.name == "bus-order" { (0, 1, 3) } else { (1, 0, 0) };
        let each = |sum: u64| sum / samples;
        let expected = (requests, put + announced, queued);
        assert_eq!((each(usage.requests), each(usage.events), each(usage.queue_requests)), expected, "{operation:?}");
        // The function's own, and that of what announces it.
        let invocations = if announced > 0 { 2 } else { 1 };
        assert_eq!((each(usage.invocations), *memory_mb), (invocations, 256), "{operation:?}");
        assert!(usage.billed_ms >= *samples && usage.logged_bytes > 200 * samples, "{operation:?}");
        // Lambda's own lines of two invocations are some 460 bytes, what is said 300, what is counted 300.
        assert!(announced == 0 || usage.logged_bytes > 1_000 * samples, "{operation:?} {usage:?}");
        assert_eq!(usage.stored_bytes > 0, operation.is_order || !["quote", "account"].contains(&operation.name));
    }
}

fn measure_few() -> Sampled {
    sample::measure(2).unwrap()
}

#[test]
fn a_cost_reads_as_tables() {
    let usage = |writes: u64, reads: u64, stored: u64| Usage {
        write_halves: writes * 2,
        read_halves: reads,
        invocations: 10,
        billed_ms: 42,
        requests: 10,
        logged_bytes: 4_321,
        stored_bytes: stored,
        ..Usage::default()
    };
    let operations = OPERATIONS.map(|operation| {
        let is_read = ["quote", "account"].contains(&operation.name);
        let usage = if is_read { usage(0, 20, 0) } else { usage(60, 10, 12_000) };
        let on_bus = operation.name == "bus-order";
        let usage = if on_bus { Usage { requests: 0, events: 10, queue_requests: 30, ..usage } } else { usage };
        Measured { operation, samples: 10, usage, memory_mb: 256 }
    });
    let standing = Standing { alarms: 40, metrics: 12, dashboards: 1 };
    let measured = Sampled { operations: operations.into(), standing };
    let mix = Mix::parse("order=900,bus-order=100,return=80,quote=12000").unwrap();
    let without = ROUND.lines().filter(|line| !line.contains("logged-gb")).collect::<Vec<_>>().join("\n");
    let stated = Stated { duration_ms: Some(5), memory_mb: None };
    for (name, prices, stated) in [("measured", ROUND, Stated::default()), ("stated", without.as_str(), stated)] {
        let cost = cost(&measured, &mix, &Prices::parse(prices).unwrap(), stated).unwrap();
        let text = text(&cost);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::assert_snapshot!(name, text);
        let document = serde_json::to_value(&cost).unwrap();
        assert_eq!(document["million_orders"]["usd"].as_str().unwrap().split_once('.').unwrap().1.len(), 9);
        assert_eq!(document["duration_is_stated"], name == "stated");
    }
}
