#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
use super::super::Pending;
use super::*;
use crate::expiry::Expiry;
use proptest::prelude::*;

const IDLE: u16 = 3;

fn london() -> Calendar {
    Calendar::of("Europe/London").unwrap()
}

fn at(text: &str) -> Instant {
    Instant::parse(&format!("{text}T12:00:00Z")).unwrap()
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

/// The first instant after a month, `YYYY-MM`.
fn after(month: &str) -> Instant {
    london().month_start(day(&format!("{month}-01")).month().plus(1))
}

/// An activity on a day, known at an instant, that brings so many points; what the lots come to then.
fn active(holdings: &mut Holdings, on: Day, now: Instant, points: i64) -> End {
    holdings.lapse(now);
    holdings.prolong(on, &london(), now).unwrap();
    let end = holdings.join(IDLE, on, None, &london(), now);
    holdings.add(Lot::new(end, Points(points))).unwrap();
    holdings.lapse(now);
    end
}

/// The same where an order of another day was known before, which brought points of other terms.
fn active_after(latest: &str, holdings: &mut Holdings, on: &str, now: &str) -> End {
    holdings.prolong(day(on), &london(), at(now)).unwrap();
    holdings.join(IDLE, day(on), Some(day(latest)), &london(), at(now))
}

fn held(holdings: &Holdings) -> Vec<(Instant, i64)> {
    holdings.lots().iter().map(|lot| (lot.expires_at, lot.points.0)).collect()
}

#[test]
fn all_points_end_together_after_the_latest_activity() {
    let mut holdings = Holdings::default();
    for (placed, known, sum, ends) in [
        ("2030-01-31", "2030-01-31", 10, "2030-04"),
        ("2030-01-02", "2030-02-10", 20, "2030-04"), // late: it moves nothing back
        ("2030-04-30", "2030-04-30", 30, "2030-07"), // on the last day
        ("2030-05-01", "2030-05-20", 40, "2030-08"),
        ("2030-08-31", "2030-08-31", 50, "2030-11"), // the last day is the day before October in summer time
    ] {
        active(&mut holdings, day(placed), at(known), 10);
        assert_eq!(held(&holdings), [(after(ends), sum)], "{placed}");
        assert_eq!(holdings.streaks().len(), 1);
    }
    assert_eq!(holdings.lapse(after("2030-11").plus_ms(-1)), []);
    assert_eq!(holdings.lapse(after("2030-11")).len(), 1);
}

#[test]
fn a_streak_begins_with_the_order_that_led_to_it_whatever_that_had_brought() {
    // An order of March was scored under a version whose points end at dates; the first of these terms comes in May.
    let mut holdings = Holdings::default();
    assert_eq!(active_after("2030-03-10", &mut holdings, "2030-05-20", "2030-05-20").expires_at, after("2030-08"));
    assert_eq!(holdings.streaks().iter().map(|streak| streak.first).collect::<Vec<_>>(), [day("2030-03-10")]);
    // One of January becomes known: its points would have ended with April, but for the order of March.
    assert_eq!(active_after("2030-05-20", &mut holdings, "2030-01-31", "2030-05-21").expires_at, after("2030-08"));
    // Of one from before, nothing lived until the next.
    assert_eq!(active_after("2030-05-20", &mut holdings, "2029-09-30", "2030-05-21").expires_at, after("2029-12"));

    // An order too long ago to lead here, and one that was placed later, begin nothing earlier.
    for (latest, first, ends) in [("2030-01-31", "2030-05-20", "2030-08"), ("2030-06-02", "2030-05-20", "2030-09")] {
        let mut holdings = Holdings::default();
        assert_eq!(active_after(latest, &mut holdings, "2030-05-20", "2030-06-10").expires_at, after(ends), "{latest}");
        assert_eq!(holdings.streaks().iter().map(|streak| streak.first).collect::<Vec<_>>(), [day(first)], "{latest}");
    }
}

#[test]
fn what_has_ended_stays_ended_whatever_becomes_known_later() {
    let mut holdings = Holdings::default();
    let ends = |holdings: &Holdings, stated: End, decided: &str, now: &str| {
        let rule = Expiry::Inactivity { months: IDLE };
        rule.end_now(holdings, stated.expires_at, at(decided), at(now)).map(|end| end.expires_at)
    };
    let first = active(&mut holdings, day("2030-01-10"), at("2030-01-10"), 10);
    assert_eq!(ends(&holdings, first, "2030-01-10", "2030-04-30"), Some(after("2030-04")));
    assert_eq!(ends(&holdings, first, "2030-01-10", "2030-05-01"), None, "nobody has written it down");
    // An order of April is known in May only.
    let second = active(&mut holdings, day("2030-04-20"), at("2030-05-02"), 20);
    assert_eq!(held(&holdings), [(after("2030-07"), 20)]);
    assert_eq!(ends(&holdings, first, "2030-01-10", "2030-05-02"), None, "of an earlier streak");
    assert_eq!(ends(&holdings, second, "2030-05-02", "2030-05-02"), Some(after("2030-07")));
    // One of December: what it earned ended with March.
    let third = active(&mut holdings, day("2029-12-31"), at("2030-05-03"), 40);
    assert_eq!((third.expires_at, held(&holdings)), (after("2030-03"), vec![(after("2030-07"), 20)]));
    assert_eq!(ends(&holdings, third, "2030-05-03", "2030-05-03"), None);
    // One of January would still have lived when April's came.
    let fourth = active(&mut holdings, day("2030-01-01"), at("2030-05-04"), 80);
    assert_eq!((fourth.expires_at, held(&holdings)), (after("2030-07"), vec![(after("2030-07"), 100)]));
}

#[test]
fn points_that_wait_last_longer_too_and_dates_stay() {
    let (mut holdings, now) = (Holdings::default(), at("2030-01-10"));
    let end = active(&mut holdings, day("2030-01-10"), now, 10);
    holdings.add_pending(Pending::new(at("2030-01-20"), end, Points(5))).unwrap();
    holdings.add(Lot::until(after("2030-04"), Points(7))).unwrap();
    holdings.add(Lot::new(End::NEVER, Points(9))).unwrap();
    let prolonged = holdings.prolong(day("2030-02-01"), &london(), at("2030-02-01")).unwrap();
    let moved = End { expires_at: after("2030-05"), inactivity_months: Some(IDLE) };
    assert_eq!(prolonged, [Lot::new(moved, Points(15))]);
    assert_eq!(holdings.prolong(day("2030-02-28"), &london(), at("2030-02-28")).unwrap(), [], "the same month");
    holdings.mature(at("2030-02-28")).unwrap();
    assert_eq!(held(&holdings), [(after("2030-04"), 7), (after("2030-05"), 15), (Instant::NEVER, 9)]);
    assert_eq!(holdings.lapse(Instant::from_ms(Instant::NEVER.as_ms() - 1)).len(), 2);
    assert_eq!(held(&holdings), [(Instant::NEVER, 9)]);
}

#[test]
fn terms_of_several_versions_go_on_side_by_side() {
    let (mut holdings, now) = (Holdings::default(), at("2030-01-10"));
    for months in [6, 1, 60, 6] {
        let end = holdings.join(months, day("2030-01-10"), None, &london(), now);
        holdings.add(Lot::new(end, Points(1))).unwrap();
    }
    let months = |holdings: &Holdings| holdings.streaks().iter().map(|streak| streak.months).collect::<Vec<_>>();
    assert_eq!(months(&holdings), [1, 6, 60]);
    assert_eq!(held(&holdings), [(after("2030-02"), 1), (after("2030-07"), 2), (after("2035-01"), 1)]);
    holdings.lapse(at("2030-05-01"));
    holdings.prolong(day("2030-05-01"), &london(), at("2030-05-01")).unwrap();
    assert_eq!(months(&holdings), [6, 60], "a streak that ended goes");
    assert_eq!(held(&holdings), [(after("2030-11"), 2), (after("2035-05"), 1)]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// In time, what was earned before a gap is gone, and all else is there. Where orders are late, what had ended before
    /// they were known is gone, too, and nothing more is there.
    #[test]
    fn points_are_left_of_the_orders_after_the_last_gap(
        orders in proptest::collection::vec((0_i32..150, prop_oneof![Just(0_i32), 0_i32..200], 1_i64..100), 1..14),
        after in 0_i32..200,
        in_time in any::<bool>(),
    ) {
        let (mut placed, mut history) = (day("2030-01-01"), Vec::new());
        for (gap, late, points) in orders {
            placed = placed.plus(gap);
            history.push((placed.plus(if in_time { 0 } else { late }), placed, points));
        }
        let noon = |on: Day| london().start_of_day(on).plus_ms(Instant::DAY_MS / 2);
        let now = noon(history.iter().map(|(known, ..)| *known).max().unwrap().plus(after));
        let (mut left, mut ends) = (0, Instant::MIN);
        for (_, on, points) in &history {
            left = if ends <= noon(*on) { *points } else { left + points };
            ends = london().end_of_month_after_day(*on, IDLE);
        }
        let expected = if ends <= now { 0 } else { left };
        history.sort_by_key(|(known, ..)| *known);
        let mut holdings = Holdings::default();
        for (known, on, points) in history {
            active(&mut holdings, on, noon(known), points);
            prop_assert!(holdings.lots().len() <= 1 && holdings.streaks().len() <= 1);
        }
        holdings.lapse(now);
        let found = holdings.available().unwrap().0;
        prop_assert!(found <= expected && (!in_time || found == expected), "{found} of {expected}");
    }
}
