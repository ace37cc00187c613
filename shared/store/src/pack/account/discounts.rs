//! The open discounts of an account, packed.
//!
//! The first layout did not know what they take off, the second named each rule whole.

use super::super::bytes::{DENSE, FOLDED, PLAIN, Reader, Unpacked, Writer};
use super::CODE_BYTES;
use domain::code::Code;
use domain::discount::{OpenDiscount, TakesOff, Terms};
use domain::id::RuleId;
use domain::money::{Minor, Percent};
use domain::time::Instant;

/// How terms are told apart, beside the number that they state: its two lowest bits.
const KINDS: u64 = 4;
/// Nobody knows; the record of the discount tells.
const UNKNOWN: u64 = 0;
const PERCENT: u64 = 1;
const AMOUNT: u64 = 2;
/// One of the others comes next, after what the goods must come to.
const FROM: u64 = 3;

/// Packs the open discounts. Codes are of random bits, which take less as they are than as varints; they end one after the
/// other.
///
/// Where something is `held`, and rules are called alike, what one begins with as the one before it does is not said again:
/// that makes room for the holds. Elsewhere the layout stays that of releases that know nothing of holds.
pub fn pack_discounts(discounts: &[OpenDiscount], held: bool) -> Vec<u8> {
    let alike = alike(discounts);
    // To say of each how much that is takes a byte.
    let folds = held && alike.iter().fold(0, |sum: usize, alike| sum.saturating_add(*alike)) > discounts.len();
    let mut out = Writer::of(if folds { FOLDED } else { DENSE });
    out.count(discounts.len());
    let mut before = 0;
    for (discount, alike) in discounts.iter().zip(alike) {
        let alike = if folds { alike } else { 0 };
        if folds {
            out.count(alike);
        }
        out.text(discount.rule.as_str().get(alike..).unwrap_or_default());
        out.0.extend(discount.code.bits().to_le_bytes().iter().take(CODE_BYTES));
        let expires_at = discount.expires_at.as_ms();
        out.signed(expires_at.wrapping_sub(before));
        before = expires_at;
        out.number(discount.told_days.into());
        pack_terms(&mut out, discount.terms);
    }
    out.0
}

/// With how many bytes each rule begins as the one before it does.
fn alike(discounts: &[OpenDiscount]) -> Vec<usize> {
    let rules = discounts.iter().map(|discount| discount.rule.as_str());
    let before = std::iter::once("").chain(rules.clone());
    let alike = |(one, other): (&str, &str)| one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    rules.zip(before).map(alike).collect()
}

/// A number and its kind as one; `None`: they do not fit.
fn marked(number: i64, kind: u64) -> Option<u64> {
    u64::try_from(number).ok()?.checked_mul(KINDS)?.checked_add(kind)
}

fn pack_terms(out: &mut Writer, terms: Option<Terms>) {
    let parts = terms.and_then(|Terms { takes_off, minimum }| {
        let off = match takes_off {
            TakesOff::Percent(percent) => marked(percent.0, PERCENT),
            TakesOff::Amount(amount) => marked(amount.0, AMOUNT),
        };
        let from = if minimum > Minor::ZERO { Some(marked(minimum.0, FROM)?) } else { None };
        Some((from, off?))
    });
    match parts {
        Some((from, off)) => from.into_iter().chain([off]).for_each(|part| out.number(part)),
        None => out.number(UNKNOWN),
    }
}

/// Reads the open discounts.
pub fn discounts(bytes: &[u8]) -> Unpacked<Vec<OpenDiscount>> {
    let (format, mut input) = Reader::start_of(bytes)?;
    let (mut before, mut rule_before) = (0_i64, String::new());
    let discounts = input.list(|input| {
        if format == FOLDED {
            // No count of what comes next: it may be more than there is left to read. Ids are of plain letters, so that
            // any length cuts them between two.
            let alike = usize::try_from(input.number()?).ok().filter(|alike| *alike <= rule_before.len());
            rule_before.truncate(alike.ok_or("alike beyond the rule before")?);
        } else {
            rule_before.clear();
        }
        rule_before.push_str(input.text()?);
        let rule = RuleId::parse(&rule_before).map_err(|_| "bad rule id")?;
        let (code, expires_at) = match format {
            DENSE | FOLDED => {
                let code = Code::of_bits(input.little(CODE_BYTES)?);
                before = before.checked_add(input.signed()?).ok_or("instant too large")?;
                (code, Instant::from_ms(before))
            }
            _ => (Code::of_bits(input.number()?), input.instant()?),
        };
        let told_days = u16::try_from(input.number()?).map_err(|_| "too many days")?;
        let terms = if format == PLAIN { None } else { terms(input)? };
        Ok(OpenDiscount { rule, code, expires_at, told_days, terms })
    })?;
    input.end()?;
    Ok(discounts)
}

fn terms(input: &mut Reader<'_>) -> Unpacked<Option<Terms>> {
    let mut next = || {
        let marked = input.number()?;
        let (number, kind) = (marked.checked_div(KINDS), marked.checked_rem(KINDS));
        let number = number.and_then(|number| i64::try_from(number).ok()).ok_or("number too large")?;
        Ok::<_, &'static str>((number, kind.unwrap_or(UNKNOWN)))
    };
    let (mut number, mut kind) = next()?;
    let mut minimum = Minor::ZERO;
    if kind == FROM {
        minimum = Minor(number);
        (number, kind) = next()?;
    }
    let takes_off = match kind {
        PERCENT => TakesOff::Percent(Percent(number)),
        AMOUNT => TakesOff::Amount(Minor(number)),
        UNKNOWN if minimum == Minor::ZERO && number == 0 => return Ok(None),
        _ => return Err("unknown terms of a discount"),
    };
    Ok(Some(Terms { takes_off, minimum }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
    use super::*;

    fn open(terms: Option<Terms>) -> OpenDiscount {
        let (rule, code) = (RuleId::parse("next").unwrap(), Code::of_bits(1 << 49));
        OpenDiscount { rule, code, expires_at: Instant::parse("2030-05-10T12:00:00Z").unwrap(), told_days: 30, terms }
    }

    fn terms(takes_off: TakesOff, minimum: i64) -> Option<Terms> {
        Some(Terms { takes_off, minimum: Minor(minimum) })
    }

    /// The first layout.
    fn pack_as_before(discounts: &[OpenDiscount]) -> Vec<u8> {
        let mut out = Writer::start();
        out.count(discounts.len());
        for discount in discounts {
            out.text(discount.rule.as_str());
            out.number(discount.code.bits());
            out.instant(discount.expires_at);
            out.number(discount.told_days.into());
        }
        out.0
    }

    /// The second layout.
    fn pack_second(discounts: &[OpenDiscount]) -> Vec<u8> {
        let mut out = Writer::of(DENSE);
        out.count(discounts.len());
        let mut before = 0;
        for discount in discounts {
            out.text(discount.rule.as_str());
            out.0.extend(discount.code.bits().to_le_bytes().iter().take(CODE_BYTES));
            out.signed(discount.expires_at.as_ms() - before);
            before = discount.expires_at.as_ms();
            out.number(discount.told_days.into());
            pack_terms(&mut out, discount.terms);
        }
        out.0
    }

    #[test]
    fn rules_that_are_called_alike_are_said_once() {
        let ruled = |rule: &str| OpenDiscount { rule: RuleId::parse(rule).unwrap(), ..open(None) };
        let alike = ["next-purchase", "next-purchase", "next-month", "welcome", "w"].map(ruled);
        let packed = pack_discounts(&alike, true);
        assert_eq!(discounts(&packed), Ok(alike.to_vec()));
        assert_eq!(pack_discounts(&alike, false), pack_second(&alike), "an older release reads it");
        let whole: usize = alike.iter().map(|open| open.rule.as_str().len()).sum();
        let apart = pack_second(&alike).len() + alike.len();
        assert_eq!(apart - packed.len(), whole - "next-purchase".len() - "month".len() - "welcome".len());
    }

    #[test]
    fn a_last_rule_that_is_alike_for_longer_than_the_rest_of_it_takes_is_read() {
        for length in [1, 2, 10, 11, 12, 13, 30, 32] {
            let rule = RuleId::parse(&"r".repeat(length)).unwrap();
            for count in 1..=10 {
                let alike = vec![OpenDiscount { rule: rule.clone(), ..open(None) }; count];
                assert_eq!(discounts(&pack_discounts(&alike, true)), Ok(alike), "{count} rules of {length} bytes");
            }
        }
        let beyond = [FOLDED, 1, 1, 1, b'a'];
        assert_eq!(discounts(&beyond), Err("alike beyond the rule before"));
    }

    #[test]
    fn what_a_discount_takes_off_costs_few_bytes() {
        let before = pack_as_before(&[open(None)]).len();
        for (terms, more) in [
            (None, 0),
            (terms(TakesOff::Percent(Percent(500)), 0), 1),
            (terms(TakesOff::Percent(Percent(10_000)), 0), 2),
            (terms(TakesOff::Amount(Minor(1_000)), 0), 1),
            (terms(TakesOff::Amount(Minor(1_000)), 10_000), 4),
        ] {
            let packed = pack_discounts(&[open(terms)], true);
            assert_eq!((packed.len() - before, discounts(&packed).unwrap()[0].terms), (more, terms));
        }
    }

    #[test]
    fn an_item_of_before_is_read_and_what_does_not_fit_is_left_to_the_record() {
        let (known, unknown) = (open(terms(TakesOff::Percent(Percent(500)), 0)), open(None));
        let both = [known.clone(), unknown.clone(), known];
        assert_eq!(discounts(&pack_discounts(&both, true)), Ok(both.to_vec()));
        let before = discounts(&pack_as_before(&both));
        assert_eq!(before, Ok(vec![unknown.clone(), unknown.clone(), unknown]));
        assert_eq!(discounts(&pack_second(&both)), Ok(both.to_vec()), "the second layout, whose rules stand whole");
        // More than fits beside its kind.
        let vast = open(terms(TakesOff::Amount(Minor(i64::MAX)), 1));
        assert_eq!(discounts(&pack_discounts(&[vast], true)).unwrap()[0].terms, None);
    }
}
