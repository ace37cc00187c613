#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn entries_sort_by_their_sequence() {
    assert!(entry_sort(9) < entry_sort(10));
    assert!(entry_sort(999_999_999_999) < entry_sort(1_000_000_000_000));
}

#[test]
fn a_piece_names_the_run_that_it_is_of() {
    let day = |text| Day::parse(text).unwrap();
    let stamp = Stamp { night: day("2011-05-31"), revision: 12, progress: 0 };
    for of in [
        Kept::Night { what: "standing#joined", day: day("2011-05-31") },
        Kept::Period { by: "tier", period: "2011-05-T12M" },
        Kept::Part { day: day("2011-05-31"), revision: 12, segment: 3 },
    ] {
        assert_eq!(piece_run(&kept_piece(&of, stamp, "00c0ffee", 7)), Some((stamp.night, 12)), "{of:?}");
        assert_eq!(piece_run(&kept(&of)), None, "{of:?}");
    }
}

#[test]
fn a_due_bucket_names_its_day() {
    let id = AccountId::parse("acme").unwrap();
    let [(_, bucket), _] = due(&id, Due { at: Instant::from_ms(5), day: Day(15_000) });
    assert_eq!(due_day(bucket.as_s().unwrap()), Some("2011-01-26"));
}
