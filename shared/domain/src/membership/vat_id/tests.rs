#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use proptest::prelude::*;

fn canonical(text: &str) -> String {
    VatId::parse(text).unwrap().canonical()
}

#[test]
fn one_number_is_one_however_it_is_written() {
    for (one, other) in [
        ("de 136 695 976", "DE136695976"),
        ("DE-136.695.976", "DE136695976"),
        ("GR 123 456 783", "EL123456783"),
        ("CHE-116.281.710 MWST", "CHE116281710"),
        ("CHE-116.281.710 TVA", "CHE-116.281.710 IVA"),
        ("CHE-116.281.710 TPV", "CHE116281710"),
        ("NO 974 760 673 MVA", "NO974760673"),
        ("XI 123 4567 89", "GB123456789"),
        ("FR K7 399 859 412", "FRK7399859412"),
        ("NL 0044.95.445.B01", "NL004495445B01"),
        ("us 12-3456789", "US123456789"),
    ] {
        assert_eq!(canonical(one), canonical(other), "{one} and {other}");
    }
}

#[test]
fn different_numbers_stay_different() {
    for (one, other) in [
        ("GB123456789", "GB123456789001"),
        ("LT123456789", "LT123456789001"),
        ("SE556188840401", "SE556188840402"),
        ("EL123456783", "EE123456783"),
        ("US123456789", "US123456789MVA"),
    ] {
        assert_ne!(canonical(one), canonical(other), "{one} and {other}");
    }
}

#[test]
fn what_was_typed_is_kept_without_separators() {
    for (typed, kept) in [("CHE-116.281.710 MWST", "CHE116281710MWST"), ("gr 123456783", "GR123456783")] {
        assert_eq!(serde_json::to_value(VatId::parse(typed).unwrap()).unwrap(), kept);
    }
}

#[test]
fn every_shape_of_every_country_is_accepted_and_a_longer_one_refused() {
    // One each, as in the Commission's list; numbers with check digits from the documentation of python-stdnum.
    for id in [
        "ATU13585627",
        "BE0403019261",
        "BE 0428.759.497",
        "BG175074752",
        "BG7523169263",
        "CHE107787577IVA",
        "CY10259033P",
        "CZ25123891",
        "CZ640903926",
        "CZ7103192745",
        "DE136695976",
        "DK13585628",
        "EE100931558",
        "EL094259216",
        "ESB58378431",
        "ES54362315K",
        "ESX2482300W",
        "FI20774740",
        "FR23334175221",
        "FR40303265045",
        "FRK7399859412",
        "FR4Z123456782",
        "GB980780684",
        "GB980780684001",
        "GBGD001",
        "GBHA599",
        "HR33392005961",
        "HU12892312",
        "IE6433435F",
        "IE8D79739I",
        "IE3628739UA",
        "IE8+79739J",
        "IT00743110157",
        "LT119511515",
        "LT100001919017",
        "LU15027442",
        "LV40003521600",
        "MT11679112",
        "NL004495445B01",
        "NO995525828MVA",
        "PL8567346215",
        "PT501964843",
        "RO18547290",
        "RO19",
        "RO1234567890",
        "SE123456789701",
        "SI50223054",
        "SK2022749619",
        "XI980780684",
        "XIHA599",
    ] {
        assert!(VatId::parse(id).is_ok(), "{id}: {:?}", VatId::parse(id));
        let (longer, prefix) = (format!("{id}0000000000"), &id[..2]);
        assert!(matches!(VatId::parse(&longer), Err(InvalidVatId::Shape { prefix: p, .. }) if p == prefix), "{longer}");
    }
}

#[test]
fn a_wrong_shape_is_answered_with_the_countrys() {
    for (id, said) in [
        ("DE12345678", "must have the shape DE999999999 (9: a digit)"),
        ("AT13585627", "must have the shape ATU99999999 (9: a digit)"),
        ("BE2403019261", "must have the shape BE0999999999 or BE1999999999 (9: a digit)"),
        ("FRÉ3334175221", "must have the shape FRxx999999999 (9: a digit; x: a letter or digit)"),
        (
            "ES123456789",
            "must have the shape ESa9999999x or ES99999999a (9: a digit; a: a letter; x: a letter or digit)",
        ),
        ("IE1", "must have the shape IE9s99999a or IE9999999aa (9: a digit; a: a letter; s: a letter, digit, + or *)"),
        ("NL004495445A01", "must have the shape NL999999999B99 (9: a digit)"),
        ("GR12345678", "must have the shape GR999999999 (9: a digit)"),
        ("CHE116281710 MVA", "must have the shape CHE999999999 (9: a digit)"),
        ("CH116281710", "must have the shape CHE999999999 (9: a digit)"),
        ("DE136695977", "has check digits that do not fit a number of DE"),
    ] {
        assert_eq!(VatId::parse(id).unwrap_err().to_string(), said, "{id}");
    }
    for text in ["", "D", "US", "US1", "12345", "US12345678901234", "US12€45", "ÜS12345"] {
        assert_eq!(VatId::parse(text), Err(InvalidVatId::Unreadable), "{text}");
    }
}

proptest! {
    #[test]
    fn one_wrong_digit_is_noticed_where_digits_are_checked(
        id in proptest::sample::select(vec![
            "BE0403019261", "DE136695976", "FR40303265045", "IT00743110157", "PL8567346215",
        ]),
        place in 3..11_usize, digit in b'0'..=b'9',
    ) {
        let mut wrong = id.as_bytes().to_vec();
        prop_assume!(wrong[place] != digit);
        wrong[place] = digit;
        let prefix = &id[..2];
        let refused = VatId::parse(std::str::from_utf8(&wrong).unwrap());
        prop_assert!(matches!(refused, Err(InvalidVatId::CheckDigits { prefix: p }) if p == prefix), "{refused:?}");
    }

    #[test]
    fn separators_and_case_make_no_difference_and_the_canonical_form_is_its_own(
        id in proptest::sample::select(vec![
            "GR123456783", "CHE116281710TVA", "NO974760673MVA", "XI123456789", "ATU13585627", "NL004495445B01",
            "US12345",
        ]),
        places in proptest::collection::vec((0..20_usize, proptest::sample::select(vec![' ', '.', '-'])), 0..6),
    ) {
        let once = canonical(id);
        prop_assert_eq!(&canonical(&once), &once);
        let mut typed = id.to_lowercase();
        for (place, separator) in places {
            typed.insert(place.min(typed.len()), separator);
        }
        prop_assert_eq!(canonical(&typed), once);
    }
}
