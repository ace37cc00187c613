#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Result<VatId, InvalidVatId> {
    VatId::parse_in(text, None)
}

fn canonical(text: &str) -> String {
    parse(text).unwrap().canonical()
}

fn country(code: &str) -> Country {
    Country::parse(code).unwrap()
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
        ("UK 123 4567 89", "GB123456789"),
        ("DE\u{a0}136/695\u{2011}976", "DE136695976"),
    ] {
        assert_eq!(canonical(one), canonical(other), "{one} and {other}");
    }
}

#[test]
fn different_numbers_stay_different() {
    for (one, other) in [
        ("GB123456789", "GB123456789001"),
        ("LT119511515", "LT100001919017"),
        ("SE556188840401", "SE556188840402"),
        ("GB123456789", "US123456789"),
        ("US123456789", "US123456789MVA"),
    ] {
        assert_ne!(canonical(one), canonical(other), "{one} and {other}");
    }
}

#[test]
fn what_was_typed_is_kept_without_separators() {
    for (typed, kept) in [("CHE-116.281.710 MWST", "CHE116281710MWST"), ("gr 123456783", "GR123456783")] {
        assert_eq!(serde_json::to_value(parse(typed).unwrap()).unwrap(), kept);
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
        "IE8+79739I",
        "IE6433435OA",
        "IT00743110157",
        "LT119511515",
        "LT100001919017",
        "LU15027442",
        "LV40003521600",
        "MT11679112",
        "NL004495445B01",
        "NL002455799B11",
        "NO995525828MVA",
        "PL8567346215",
        "PT501964843",
        "RO18547290",
        "RO19",
        "RO1234567897",
        "SE123456789701",
        "SI50223054",
        "SK2022749619",
        "XI980780684",
        "XIHA599",
    ] {
        assert!(parse(id).is_ok(), "{id}: {:?}", parse(id));
        let (longer, prefix) = (format!("{id}0000000000"), &id[..2]);
        assert!(matches!(parse(&longer), Err(InvalidVatId::Shape { prefix: p, .. }) if p == prefix), "{longer}");
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
        ("ESX2482300A", "has check digits that do not fit a number of ES"),
    ] {
        assert_eq!(parse(id).unwrap_err().to_string(), said, "{id}");
    }
    for text in ["", "D", "US", "US1", "12345", "US123456789012345678901", "US12€45", "ÜS12345"] {
        assert_eq!(parse(text), Err(InvalidVatId::Unreadable), "{text}");
    }
}

/// Ids of each country with fitting check digits, and the same with others: from the documentation of python-stdnum,
/// and numbers that it takes and refuses.
#[test]
fn check_digits_are_those_of_the_country() {
    for (valid, invalid) in [
        ("ATU13585627 ATU86091390", "ATU26018159"),
        ("BE0403019261 BE0738253934", "BE0356735010"),
        ("BG175074752 BG974300626", "BG003614757"),
        ("CHE107787577 CHE580337207", "CHE001786901"),
        ("CY10259033P CY59133988Q", "CY74323852J"),
        ("CZ25123891 CZ12154725", "CZ14423865"),
        ("DE136695976 DE164104956", "DE190172493"),
        ("DK13585628 DK13888191", "DK18770084"),
        ("EE100931558 EE903240831", "EE168768485"),
        ("EL094259216 EL372559863", "EL658318889"),
        (
            "ESB58378431 ES54362315K ESX2482300W ESB59122549 ESK7072726L ESN1313232I ESZ4067275Y",
            "ESB14033882 ESX3333098U ES44842418Q",
        ),
        ("FI20774740 FI33990696", "FI11409138"),
        ("FR40303265045 FRK7399859412 FR57973499387", "FR47364409426 FRI0399859412"),
        ("HR33392005961 HR40901306100", "HR85355957654"),
        ("HU12892312 HU12411342", "HU08014751"),
        (
            "IE6433435F IE6433435OA IE8D79739I IE8060652EW IE5919519KW IE4+64503P",
            "IE2494678MW IE7081938AA IE3+42421N IE6433435X",
        ),
        ("IT00743110157 IT00872009998", "IT00906682462"),
        ("LT119511515 LT100001919017 LT329259362415", "LT250306312"),
        ("LU15027442 LU47157856", "LU85088144"),
        ("LV40003521600 LV41862321044", "LV43616528330"),
        ("MT11679112 MT87359574", "MT31873608"),
        ("NL004495445B01 NL002455799B11 NL664722726B78 NL575416427B98", "NL181104860B19 NL162078533B46"),
        ("NO995525828 NO858637864", "NO442222086"),
        ("PL8567346215 PL0036911670", "PL7539277226"),
        ("PT501964843 PT113060432", "PT127304891"),
        ("RO18547290 RO1400961498 RO1464", "RO1823303796 RO14301219"),
        ("SE123456789701 SE904591548601", "SE322447009901"),
        ("SI50223054 SI12896519", "SI13590796"),
        ("SK2022749619 SK1798458046", "SK1270652961"),
    ] {
        for id in valid.split(' ') {
            assert!(parse(id).is_ok(), "{id}: {:?}", parse(id));
        }
        for id in invalid.split(' ') {
            assert!(matches!(parse(id), Err(InvalidVatId::CheckDigits { prefix }) if prefix == &id[..2]), "{id}");
        }
    }
}

#[test]
fn with_and_without_its_letters_an_id_is_one_where_the_country_is_known() {
    for (code, typed, canonical) in [
        ("DE", "136 695 976", "DE136695976"),
        ("DE", "de 136695976", "DE136695976"),
        ("AT", "U13585627", "ATU13585627"),
        ("AT", "13585627", "ATU13585627"),
        ("CH", "E116281710", "CHE116281710"),
        ("CH", "116.281.710", "CHE116281710"),
        ("CH", "CHE-116.281.710 MWST", "CHE116281710"),
        ("CH", "116.281.710 TVA", "CHE116281710"),
        ("NO", "995 525 828 MVA", "NO995525828"),
        ("GR", "094259216", "EL094259216"),
        ("EL", "GR094259216", "EL094259216"),
        ("GB", "123 4567 89", "GB123456789"),
        ("XI", "123 4567 89", "GB123456789"),
        ("GB", "XI123456789", "GB123456789"),
        // Letters that another country has too: Grenada, and Germany.
        ("GB", "GD001", "GBGD001"),
        ("FR", "DE136695976", "DE136695976"),
        ("FR", "K7 399 859 412", "FRK7399859412"),
        ("ES", "B58378431", "ESB58378431"),
        ("ES", "X2482300W", "ESX2482300W"),
        ("IE", "8+79739I", "IE8+79739I"),
        ("NL", "0044.95.445.B01", "NL004495445B01"),
        ("BE", "0403.019.261", "BE0403019261"),
        ("MC", "40 303 265 045", "FR40303265045"),
        ("IM", "123456789", "GB123456789"),
        ("AX", "20774740", "FI20774740"),
        // Registered where it has no seat.
        ("DE", "ATU13585627", "ATU13585627"),
        ("NL", "FRK7399859412", "FRK7399859412"),
        ("DE", "US12-3456789", "US123456789"),
        ("US", "DE136695976", "DE136695976"),
        // Of a country whose shapes are not known.
        ("US", "12-3456789", "US123456789"),
        ("US", "US123456789", "US123456789"),
        ("IN", "22AAAAA0000A1Z5", "IN22AAAAA0000A1Z5"),
        ("MX", "ABC680524P76", "MXABC680524P76"),
        ("MX", "DEA850101AB1", "MXDEA850101AB1"),
    ] {
        let id = VatId::parse_in(typed, Some(country(code))).unwrap();
        assert_eq!(id.canonical(), canonical, "{typed} in {code}");
        let kept = serde_json::to_value(&id).unwrap();
        assert_eq!(
            VatId::parse_in(kept.as_str().unwrap(), Some(country(code))).unwrap(),
            id,
            "what is kept is complete"
        );
        assert_eq!(parse(kept.as_str().unwrap()).unwrap(), id);
    }
}

#[test]
fn what_is_wrong_with_an_id_is_said_of_the_country_it_was_meant_for() {
    for (code, typed, said) in [
        ("DE", "12345678", "must have the shape DE999999999 (9: a digit)"),
        ("DE", "136695977", "has check digits that do not fit a number of DE"),
        ("DE", "DE12345678", "must have the shape DE999999999 (9: a digit)"),
        ("DE", "AT13585627", "must have the shape ATU99999999 (9: a digit)"),
        ("FR", "DE136695977", "has check digits that do not fit a number of DE"),
        ("US", "DE12345678", "must have the shape DE999999999 (9: a digit)"),
        ("CH", "12345", "must have the shape CHE999999999 (9: a digit)"),
    ] {
        assert_eq!(VatId::parse_in(typed, Some(country(code))).unwrap_err().to_string(), said, "{typed} in {code}");
    }
    for text in ["", " ", "1", "12#34", "123456789012345678901", &"US".repeat(5_000), &"1".repeat(10_000)] {
        assert_eq!(VatId::parse_in(text, Some(country("US"))), Err(InvalidVatId::Unreadable), "{text}");
    }
    let said = "must be a country's two letters followed by 2 to 20 letters or digits; the letters may be left out \
                where `country` says which";
    assert_eq!(parse("136695976").unwrap_err().to_string(), said);
}

proptest! {
    #[test]
    fn one_wrong_digit_is_noticed_where_digits_are_checked(
        id in proptest::sample::select(vec![
            "ATU13585627", "BE0403019261", "CHE107787577", "DE136695976", "DK13585628", "EL094259216", "ESB58378431",
            "ES54362315K", "FI20774740", "FR40303265045", "IE6433435F", "IT00743110157", "NO995525828", "PL8567346215",
            "PT501964843", "SE123456789701",
        ]),
        place in 3..10_usize, digit in b'0'..=b'9',
    ) {
        let mut wrong = id.as_bytes().to_vec();
        prop_assume!(wrong[place].is_ascii_digit() && wrong[place] != digit);
        wrong[place] = digit;
        let prefix = &id[..2];
        let refused = parse(std::str::from_utf8(&wrong).unwrap());
        prop_assert!(matches!(refused, Err(InvalidVatId::CheckDigits { prefix: p }) if p == prefix), "{refused:?}");
    }

    #[test]
    fn separators_and_case_make_no_difference_and_the_canonical_form_is_its_own(
        id in proptest::sample::select(vec![
            "GR123456783", "CHE116281710TVA", "NO974760673MVA", "XI123456789", "ATU13585627", "NL004495445B01",
            "US12345", "UK123456789", "IE8D79739I",
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
