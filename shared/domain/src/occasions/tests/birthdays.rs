//! Birthdays of an account's people.

use super::*;
use crate::account::Status;

fn birthdays(terms: &Value) -> Value {
    document("Europe/London", &json!([on("birthday", terms)]))
}

fn town() -> Town {
    Town::joined(birthdays(&json!({})), "2020-01-01T00:00:00Z")
}

#[test]
fn a_birthday_comes_every_year_with_its_day() {
    let mut town = town();
    town.contact("ann", Some("1964-02-29"), at("2026-06-01T00:00:00Z")).unwrap();
    town.contact("ben", Some("1990-07-01"), at("2026-06-01T00:00:00Z")).unwrap();
    town.contact("cal", None, at("2026-06-01T00:00:00Z")).unwrap();
    let mut told = town.walk_through("2026-06-29T00:00:00Z", "2026-07-03T00:00:00Z");
    told.extend(town.walk_through("2027-02-26T00:00:00Z", "2027-03-02T00:00:00Z"));
    told.extend(town.walk_through("2028-02-26T00:00:00Z", "2028-03-02T00:00:00Z"));
    let expected = [
        "birthday/birthday/2026-07-01/ben at 2026-06-30T23:00:00Z",
        "birthday/birthday/2027-02-28/ann at 2027-02-28T00:00:00Z",
        "birthday/birthday/2028-02-29/ann at 2028-02-29T00:00:00Z",
    ];
    assert_eq!(told, expected);
    town.check();
}

#[test]
fn nobody_with_a_birthday_is_looked_at_again_only_with_a_new_contact() {
    let mut town = town();
    assert_eq!(town.account().due, None, "who has no people has no birthdays");
    town.contact("cal", None, at("2026-06-01T00:00:00Z")).unwrap();
    assert_eq!(town.account().due, None);
    town.contact("ann", Some("1964-06-03"), at("2026-06-01T00:00:00Z")).unwrap();
    assert_eq!(town.account().due.map(|due| due.at), Some(at("2026-06-02T23:00:00Z")));
    town.contact("ann", None, at("2026-06-01T12:00:00Z")).unwrap();
    town.walk(at("2026-06-03T00:00:00Z"));
    assert_eq!((town.gifts().count(), town.account().due), (0, None));
    assert_eq!(town.account().occasions.birthdays, Birthdays::Nobody);
}

/// When ann's birthday is stated as what; then the walks, and what they give.
#[test]
fn a_contact_has_one_birthday_in_a_calendar_year_however_it_is_stated() {
    type Row = (&'static [(&'static str, &'static str)], &'static str, &'static [&'static str]);
    let rows: [Row; 6] = [
        // Entered after its day: next year's.
        (&[("2026-06-02", "1964-06-01")], "2026-06-05", &[]),
        // Entered on it, or before: this year's.
        (&[("2026-06-01", "1964-06-01")], "2026-06-05", &["2026-06-01"]),
        // Moved on after it was celebrated.
        (&[("2026-05-01", "1964-06-01"), ("2026-06-03", "1964-06-04")], "2026-06-10", &["2026-06-01"]),
        // Moved back before it was: the day that is stated has passed.
        (&[("2026-05-01", "1964-06-01"), ("2026-05-25", "1964-05-20")], "2026-06-10", &[]),
        // Moved on before it was.
        (&[("2026-05-01", "1964-06-01"), ("2026-05-25", "1964-06-05")], "2026-06-10", &["2026-06-05"]),
        // Another year of birth is the same day.
        (&[("2026-05-01", "1964-06-01"), ("2026-06-03", "1965-06-01")], "2026-06-10", &["2026-06-01"]),
    ];
    for (stated, until, expected) in rows {
        let mut town = town();
        let mut from = "2026-04-30".to_owned();
        let mut told = Vec::new();
        for (day, birthday) in stated {
            told.extend(town.walk_through(&format!("{from}T01:00:00Z"), &format!("{day}T01:00:00Z")));
            town.contact("ann", Some(birthday), at(&format!("{day}T12:00:00Z"))).unwrap();
            from = format!("{}", at(&format!("{day}T12:00:00Z")).utc_day().plus(1));
        }
        told.extend(town.walk_through(&format!("{from}T01:00:00Z"), &format!("{until}T01:00:00Z")));
        let days: Vec<_> = town.gifts().map(|(_, given)| given.occasion.which.day().unwrap().to_string()).collect();
        assert_eq!(days, expected, "{stated:?}");
        town.check();
        // Next year it is celebrated as it was stated last.
        let of_year = stated.last().unwrap().1.replace("1964", "2027").replace("1965", "2027");
        town.walk(at(&format!("{of_year}T00:00:00Z")));
        assert_eq!(town.gifts().count(), expected.len() + 1, "{stated:?}");
        town.check();
    }
}

#[test]
fn an_account_celebrates_so_many_of_its_people_in_a_calendar_year() {
    let mut town = Town::joined(birthdays(&json!({"contacts_per_year": 2})), "2020-01-01T00:00:00Z");
    for (id, birthday) in [("dee", "1960-03-02"), ("ann", "1960-03-02"), ("ben", "1960-03-01"), ("cal", "1960-08-01")] {
        town.contact(id, Some(birthday), at("2025-06-01T00:00:00Z")).unwrap();
    }
    let people = |told: &[String]| told.iter().map(|told| told[29..32].to_owned()).collect::<Vec<_>>();
    let told = town.walk_through("2025-07-30T00:00:00Z", "2025-08-03T00:00:00Z");
    assert_eq!(people(&told), ["cal"]);
    // All at once, in their order.
    town.walk(at("2026-03-10T00:00:00Z"));
    assert_eq!(people(&town.given()), ["cal", "ben", "ann"]);
    assert_eq!(town.account().occasions.celebrated, Some(Celebrated { year: 2026, contacts: 2 }));
    town.walk(at("2026-08-01T12:00:00Z"));
    assert_eq!(town.gifts().count(), 3, "two of 2026 is two");
    town.walk(at("2027-03-01T12:00:00Z"));
    assert_eq!(people(&town.given()), ["cal", "ben", "ann", "ben"]);
    town.check();
}

#[test]
fn a_birthday_of_december_that_is_walked_in_january_is_one_of_december() {
    let mut town = town();
    town.contact("ann", Some("1960-12-28"), at("2025-12-01T00:00:00Z")).unwrap();
    town.walk(at("2026-01-03T00:00:00Z"));
    let contact = town.contacts.values().next().unwrap();
    assert_eq!((contact.celebrated, town.gifts().count()), (Some(2025), 1));
    town.walk(at("2026-12-28T00:00:00Z"));
    assert_eq!(town.gifts().count(), 2);
    // Too late for anybody.
    town.walk(at("2028-01-28T00:00:00Z"));
    assert_eq!(town.gifts().count(), 2);
    assert_eq!(town.account().occasions.birthdays, Birthdays::From(Day::parse("2028-12-28").unwrap()));
}

#[test]
fn a_version_that_celebrates_finds_the_people_that_are_there_already() {
    let (plain, rule) = (document("UTC", &json!([])), document("UTC", &json!([on("birthday", &json!({}))])));
    let versions = [
        ("1970-01-01T00:00:00Z", plain.clone()),
        ("2026-06-01T00:00:00Z", rule.clone()),
        ("2026-07-01T00:00:00Z", plain),
        ("2026-08-01T00:00:00Z", rule),
    ];
    let mut town = Town::of(schedule(&versions));
    town.put(None, at("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!(town.account().occasions, Past { birthdays: Birthdays::Unknown, ..Past::default() });
    town.contact("old", Some("1960-05-30"), at("2026-02-01T00:00:00Z")).unwrap();
    town.contact("ann", Some("1960-06-03"), at("2026-02-01T00:00:00Z")).unwrap();
    assert_eq!(town.account().due.map(|due| due.at), Some(at("2026-06-01T00:00:00Z")), "filed for the version to come");
    let told = town.walk_through("2026-06-01T00:00:00Z", "2026-06-05T00:00:00Z");
    assert_eq!(told, ["birthday/birthday/2026-06-03/ann at 2026-06-03T00:00:00Z"]);
    // What comes and goes while no version celebrates is found by the next that does.
    town.contact("ben", Some("1960-08-02"), at("2026-07-02T00:00:00Z")).unwrap();
    assert_eq!(town.account().occasions.birthdays, Birthdays::Unknown);
    let told = town.walk_through("2026-08-01T00:00:00Z", "2026-08-04T00:00:00Z");
    assert_eq!(told, ["birthday/birthday/2026-08-02/ben at 2026-08-02T00:00:00Z"]);
    town.check();
}

#[test]
fn birthdays_are_for_whom_the_rule_is_for_and_over_for_the_others() {
    let mut town = Town::joined(birthdays(&json!({"tiers": ["gold"]})), "2020-01-01T00:00:00Z");
    town.contact("ann", Some("1960-06-01"), at("2026-01-01T00:00:00Z")).unwrap();
    town.walk(at("2026-06-01T00:00:00Z"));
    assert_eq!((town.gifts().count(), town.contacts.values().next().unwrap().celebrated), (0, None));
    let mut town = self::town();
    town.contact("ann", Some("1960-06-01"), at("2026-01-01T00:00:00Z")).unwrap();
    town.put(Some(Status::Suspended), at("2026-05-01T00:00:00Z")).unwrap();
    town.walk(at("2026-06-01T00:00:00Z"));
    town.put(Some(Status::Active), at("2026-06-02T00:00:00Z")).unwrap();
    town.walk(at("2026-06-02T12:00:00Z"));
    assert_eq!(town.gifts().count(), 0);
    assert_eq!(town.account().due.map(|due| due.at), Some(at("2027-05-31T23:00:00Z")));
}
