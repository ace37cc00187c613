//! Figures as people read them: digits in groups, changes with their sign, a row of blocks for a row of months.

use domain::money;

/// What is written for a figure that is not known.
pub const UNKNOWN: &str = "–";
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Decimals of rates, as documents have them.
const RATE_DECIMALS: u32 = 4;

/// A decimal with its whole digits in groups of three; a dash for nothing.
pub fn grouped(decimal: &str) -> String {
    if decimal.is_empty() {
        return UNKNOWN.to_owned();
    }
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut text = sign.to_owned();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len().saturating_sub(place);
        if place > 0 && left.is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    fraction.into_iter().for_each(|fraction| text.extend(['.'].into_iter().chain(fraction.chars())));
    text
}

/// A decimal without those of its decimals that are too many to read, cut and rounded half away from zero.
pub fn rounded(decimal: &str, decimals: u32) -> String {
    let places = decimal.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let places = u32::try_from(places).unwrap_or(0);
    let Ok(value) = money::parse_decimal(decimal, places) else { return UNKNOWN.to_owned() };
    let Some(unit) = places.checked_sub(decimals).and_then(|cut| 10_i64.checked_pow(cut)) else {
        return grouped(decimal);
    };
    let half = (unit / 2).saturating_mul(value.signum());
    let value = value.saturating_add(half).checked_div(unit).unwrap_or(value);
    grouped(&money::format_decimal(value, decimals))
}

/// The growth from one amount to another in percent, with its sign and one decimal; a dash where there was nothing.
pub fn growth(before: Option<i64>, after: Option<i64>) -> String {
    let change = before.zip(after);
    let change = change.and_then(|(before, after)| analytics::rate::Change::growth(before.into(), after.into()));
    change.map_or(UNKNOWN.to_owned(), |change| format!("{} %", signed(&change.percent(1))))
}

/// The difference of two rates in percentage points.
pub fn difference(before: &str, after: &str) -> String {
    let rate = |text: &str| money::parse_decimal(text, RATE_DECIMALS).ok();
    let change = rate(after).zip(rate(before)).map(|(after, before)| after.saturating_sub(before));
    let text = |change| rounded(&money::format_decimal(change, RATE_DECIMALS), 1);
    change.map_or(UNKNOWN.to_owned(), |change| format!("{} pp", signed(&text(change))))
}

fn signed(text: &str) -> String {
    if text.starts_with('-') { text.to_owned() } else { format!("+{text}") }
}

/// A row of blocks, each as high as its value in proportion to the highest; a dot where it is not known. What is below
/// nothing is as low as that.
pub fn sparkline(values: impl IntoIterator<Item = Option<i64>>) -> String {
    let values: Vec<_> = values.into_iter().map(|value| value.map(|value| i128::from(value.max(0)))).collect();
    let highest = values.iter().flatten().copied().max().unwrap_or(0);
    let block = |value: Option<i128>| {
        let Some(value) = value else { return '·' };
        let top = i128::try_from(BLOCKS.len().saturating_sub(1)).unwrap_or(0);
        // To the nearest step.
        let step = value.saturating_mul(top).saturating_mul(2).saturating_add(highest);
        let step = step.checked_div(highest.saturating_mul(2)).unwrap_or(0);
        usize::try_from(step).ok().and_then(|step| BLOCKS.get(step)).copied().unwrap_or(' ')
    };
    values.into_iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        for (decimal, text) in [
            ("", "–"),
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-1234567.80", "-1,234,567.80"),
            ("-100", "-100"),
            ("12345.6789", "12,345.6789"),
        ] {
            assert_eq!(grouped(decimal), text);
        }
    }

    #[test]
    fn what_is_too_fine_to_read_is_rounded() {
        for (decimal, decimals, text) in [
            ("50.9934", 1, "51.0"),
            ("-0.05", 1, "-0.1"),
            ("0.04", 1, "0.0"),
            ("12", 1, "12"),
            ("1999.99", 0, "2,000"),
            ("", 1, "–"),
        ] {
            assert_eq!(rounded(decimal, decimals), text, "{decimal}");
        }
    }

    #[test]
    fn changes_have_a_sign() {
        assert_eq!(growth(Some(200), Some(150)), "-25.0 %");
        assert_eq!(growth(Some(200), Some(200)), "+0.0 %");
        assert_eq!(growth(Some(0), Some(200)), "–");
        assert_eq!(growth(None, Some(200)), "–");
        assert_eq!(difference("50.9934", "51.5000"), "+0.5 pp");
        assert_eq!(difference("51.5000", "50.9934"), "-0.5 pp");
        assert_eq!(difference("", "50.9934"), "–");
    }

    #[test]
    fn a_row_of_months_is_drawn_in_proportion() {
        assert_eq!(sparkline([Some(0), Some(50), Some(100), None, Some(-5), Some(7), Some(8)]), "▁▅█·▁▁▂");
        assert_eq!(sparkline([Some(0), None]), "▁·");
        assert_eq!(sparkline([]), "");
        assert_eq!(sparkline([Some(i64::MAX)]), "█");
    }
}
