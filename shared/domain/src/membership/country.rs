//! Countries, by their two letters.

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _};

/// ISO 3166-1, alpha-2, as of 2024; behind it what it leaves to its users and the European Union uses for Northern
/// Ireland (`XI`) and Kosovo (`XK`).
const CODES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT \
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY \
    QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO \
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW \
    XI XK";

/// A country: its two capitals in ISO 3166-1, or `XI` for Northern Ireland, whose VAT ids are not the kingdom's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Country(&'static str);

/// Why a text is no country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a country's two letters (ISO 3166-1 alpha-2)")]
pub struct InvalidCountry;

impl Country {
    /// What a person typed, in capitals or not. `EL` and `UK`, as the European Union writes them, are `GR` and `GB`.
    pub fn parse(text: &str) -> Result<Self, InvalidCountry> {
        let code = text.trim().to_ascii_uppercase();
        let iso = match code.as_str() {
            "EL" => "GR",
            "UK" => "GB",
            other => other,
        };
        CODES.split(' ').find(|known| *known == iso).map(Self).ok_or(InvalidCountry)
    }

    /// Its two capitals.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The country that a place is in: Northern Ireland has VAT ids of its own, and addresses of the United Kingdom.
    pub fn of_addresses(self) -> &'static str {
        if self.0 == "XI" { "GB" } else { self.0 }
    }

    /// The letters before the VAT ids that it gives. Monaco is treated as France, the Isle of Man as the United Kingdom
    /// (Council Directive 2006/112/EC, article 7); Åland's companies are registered in Finland.
    pub fn vat_prefix(self) -> &'static str {
        match self.0 {
            "GR" => "EL",
            "MC" => "FR",
            "IM" => "GB",
            "AX" => "FI",
            code => code,
        }
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn countries_are_known_by_two_letters_however_they_are_typed() {
        for (typed, code) in [
            ("de", "DE"),
            (" Ch ", "CH"),
            ("GR", "GR"),
            ("EL", "GR"),
            ("uk", "GB"),
            ("GB", "GB"),
            ("xi", "XI"),
            ("XK", "XK"),
        ] {
            assert_eq!(Country::parse(typed).unwrap().as_str(), code, "{typed}");
        }
        for text in
            ["", " ", "D", "DEU", "CHE", "Germany", "ZZ", "EU", "D E", "DE FR", "276", "dé", &"DE ".repeat(5_000)]
        {
            assert_eq!(Country::parse(text), Err(InvalidCountry), "{text}");
        }
        // 249 of ISO's.
        assert_eq!(CODES.split(' ').count(), 251);
        assert!(CODES.split(' ').all(|code| code.len() == 2 && Country::parse(code).unwrap().as_str() == code));
    }

    #[test]
    fn what_is_stored_reads_back() {
        let greece = Country::parse("EL").unwrap();
        assert_eq!(serde_json::to_string(&greece).unwrap(), r#""GR""#);
        assert_eq!(serde_json::from_str::<Country>(r#""GR""#).unwrap(), greece);
        assert!(serde_json::from_str::<Country>(r#""ZZ""#).is_err());
    }
}
