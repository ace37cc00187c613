//! How amounts, lists and audiences of a program are written for people.

use domain::audience::Audience;
use domain::id::RuleId;
use domain::money::{self, Currency, Factor, Percent, UnitPrice};
use std::fmt::Display;

pub(super) fn percent(percent: Percent) -> String {
    format!("{} %", money::format_trimmed(percent.0, Percent::DECIMALS))
}

pub(super) fn factor(factor: Factor) -> String {
    money::format_trimmed(factor.0, Factor::DECIMALS)
}

/// A price as money is written, with more decimals where it has them: `18.50 EUR`, `0.0125 EUR`.
pub(super) fn price(price: UnitPrice, currency: Currency) -> String {
    let trimmed = money::format_trimmed(price.0, UnitPrice::DECIMALS_MAX);
    let decimals = usize::try_from(money::decimals(currency)).unwrap_or(0);
    let (whole, fraction) = trimmed.split_once('.').unwrap_or((&trimmed, ""));
    let number = match decimals.max(fraction.len()) {
        0 => whole.to_owned(),
        _ => format!("{whole}.{fraction:0<decimals$}"),
    };
    format!("{number} {}", currency.code())
}

/// What a discount is kept apart from, if from anything.
pub(super) fn of_group(group: Option<&RuleId>) -> String {
    group.map_or_else(String::new, |group| format!(", at most one of the group {group} for a cart"))
}

/// All of a list, with commas.
pub(super) fn listed<T: Display>(list: impl IntoIterator<Item = T>) -> String {
    list.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(", ")
}

/// Whom a rule is for. Where it names tiers and segments, an account must hold one of the ones and be in one of the
/// others.
pub(super) fn audience(audience: &Audience) -> String {
    let Audience { tiers, segments } = audience;
    let of_tiers = (!tiers.is_empty()).then(|| named("tier", tiers));
    let of_segments = (!segments.is_empty()).then(|| named("segment", segments));
    match (of_tiers, of_segments) {
        (None, None) => "for all".to_owned(),
        (Some(only), None) | (None, Some(only)) => format!("for {only}"),
        (Some(tiers), Some(segments)) => format!("for {tiers}, if also of {segments}"),
    }
}

/// `the tier gold`, `the tiers gold, platinum`.
pub(super) fn named<T: Display>(what: &str, list: &[T]) -> String {
    let plural = if list.len() == 1 { "" } else { "s" };
    format!("the {what}{plural} {}", listed(list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::{Segment, TierId};

    #[test]
    fn a_price_has_the_decimals_of_money_and_those_it_needs_more() {
        let currency = |code| Currency::from_code(code).unwrap();
        for (micros, code, expected) in [
            (18_500_000, "EUR", "18.50 EUR"),
            (17_000_000, "EUR", "17.00 EUR"),
            (2_037_500, "GBP", "2.0375 GBP"),
            (120_000_000, "JPY", "120 JPY"),
            (1_500_000, "JPY", "1.5 JPY"),
        ] {
            assert_eq!(price(UnitPrice(micros), currency(code)), expected);
        }
    }

    #[test]
    fn tiers_and_segments_must_both_hold() {
        let of = |tiers: &[&str], segments: &[&str]| {
            audience(&Audience {
                tiers: tiers.iter().map(|id| TierId::parse(id).unwrap()).collect(),
                segments: segments.iter().map(|id| Segment::parse(id).unwrap()).collect(),
            })
        };
        assert_eq!(of(&[], &[]), "for all");
        assert_eq!(of(&["gold"], &[]), "for the tier gold");
        assert_eq!(of(&[], &["inns", "bars"]), "for the segments inns, bars");
        assert_eq!(of(&["gold", "silver"], &["inns"]), "for the tiers gold, silver, if also of the segment inns");
    }
}
