//! Days and months of London by the rule alone: summer time from the last Sunday of March to that of October, both at
//! 01:00 UTC. As it has been since 1996; nothing of it comes from the code under test.

pub const HOUR_MS: i64 = 3_600_000;
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// Days since 1970-01-01 of a date; the month from 1.
pub fn day_of(year: i64, month: i64, day: i64) -> i32 {
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let years: i64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let months: i64 = lengths.iter().take(usize::try_from(month).unwrap() - 1).sum();
    i32::try_from(years + months + day - 1).unwrap()
}

/// Months since January of the year 0, of a day.
pub fn month_of(day: i32) -> i32 {
    // The first month whose successor begins after the day, from a guess that is never too late.
    let mut month = 1970 * 12 + day / 31;
    while first_day(month + 1) <= day {
        month += 1;
    }
    month
}

/// The first day of a month.
pub fn first_day(month: i32) -> i32 {
    day_of(i64::from(month / 12), i64::from(month % 12) + 1, 1)
}

/// The last Sunday of a month.
pub fn last_sunday(month: i32) -> i32 {
    let last = first_day(month + 1) - 1;
    // The first day of 1970 was a Thursday.
    last - (last + 4) % 7
}

fn is_summer(ms: i64) -> bool {
    let year = month_of(i32::try_from(ms.div_euclid(DAY_MS)).unwrap()) / 12;
    let switch = |month: i32| i64::from(last_sunday(year * 12 + month)) * DAY_MS + HOUR_MS;
    (switch(2)..switch(9)).contains(&ms)
}

/// The day in London at an instant.
pub fn local_day(ms: i64) -> i32 {
    let wall = ms + if is_summer(ms) { HOUR_MS } else { 0 };
    i32::try_from(wall.div_euclid(DAY_MS)).unwrap()
}

/// The month in London at an instant.
pub fn local_month(ms: i64) -> i32 {
    month_of(local_day(ms))
}

/// The first instant of a day in London.
pub fn start_of(day: i32) -> i64 {
    let midnight = i64::from(day) * DAY_MS;
    if is_summer(midnight - HOUR_MS) { midnight - HOUR_MS } else { midnight }
}

/// A month as it is written.
pub fn named(month: i32) -> String {
    format!("{:04}-{:02}", month / 12, month % 12 + 1)
}

#[test]
fn london_is_london() {
    let first = day_of(2011, 1, 1);
    assert_eq!((first, month_of(first), first_day(2011 * 12)), (14_975, 24_132, first));
    assert_eq!((last_sunday(2011 * 12 + 2), last_sunday(2011 * 12 + 9)), (day_of(2011, 3, 27), day_of(2011, 10, 30)));
    // 2011-06-30T23:30:00Z is July already; 2011-10-31T23:30:00Z is not November yet.
    assert_eq!(local_month(1_309_476_600_000), 2011 * 12 + 6);
    assert_eq!(local_month(1_320_103_800_000), 2011 * 12 + 9);
    for (day, start) in [((2011, 3, 27), 0), ((2011, 3, 28), 1), ((2011, 10, 30), 1), ((2011, 10, 31), 0)] {
        let day = day_of(day.0, day.1, day.2);
        assert_eq!(start_of(day), i64::from(day) * DAY_MS - start * HOUR_MS);
        assert_eq!((local_day(start_of(day)), local_day(start_of(day) - 1)), (day, day - 1));
    }
}
