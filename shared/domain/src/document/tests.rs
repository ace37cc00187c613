#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn a_field_stands_once_at_any_depth() {
    assert_eq!(
        parse(br#"{"a":[{"b":1,"c":1.5},null,true,"x",-2]}"#).unwrap().to_string(),
        r#"{"a":[{"b":1,"c":1.5},null,true,"x",-2]}"#
    );
    for twice in [r#"{"a":1,"a":1}"#, r#"{"l":[{"q":1,"q":5}]}"#] {
        assert!(parse(twice.as_bytes()).unwrap_err().contains("twice"), "{twice}");
    }
    assert!(parse(b"{} {}").is_err());
}

#[test]
fn faults_that_are_appended_are_listed_up_to_the_bound_and_counted_beyond() {
    let noted = |count: usize| {
        let mut faults = Faults::default();
        (0..count).for_each(|index| faults.add(&Path::Index(&Path::Root, index), "any", ""));
        faults
    };
    for (own, other) in [(0, 0), (1, 2), (99, 2), (100, 5), (150, 160)] {
        let mut faults = noted(own);
        faults.append(noted(other));
        let listed = (own + other).min(FAULTS_LISTED_MAX).min(own.min(FAULTS_LISTED_MAX) + other);
        assert_eq!((faults.listed().len(), faults.unlisted()), (listed, own + other - listed), "{own} + {other}");
    }
}

#[test]
fn a_path_of_any_length_is_cut() {
    let mut faults = Faults::default();
    faults.add(&Path::Key(&Path::Root, &"é".repeat(10_000)), "unknown_field", "");
    assert!(faults.listed().first().unwrap().path.chars().count() < 210);
}
