//! Check digits of VAT ids: whether a number of its country's shape can be one.
//!
//! Each rule is given the characters of a number by their values, the digits' own and 10 to 35 for the letters, and may
//! rely on one of the country's shapes. Source of all that name no other:
//! https://arthurdejong.org/python-stdnum/, which names the authorities' documents for each country.

/// The sum of digits times weights, the first with the first.
fn weighted(digits: &[u64], weights: &[u64]) -> u64 {
    digits.iter().zip(weights).map(|(digit, weight)| digit.wrapping_mul(*weight)).sum()
}

/// The number that digits write.
fn value(digits: &[u64]) -> u64 {
    digits.iter().fold(0, |value, digit| value.wrapping_mul(10).wrapping_add(*digit))
}

/// The sum of the Luhn formula (ISO/IEC 7812-1, annex B): every second digit doubled, and the digits of that added. The
/// last is not doubled.
fn luhn_sum(digits: &[u64]) -> u64 {
    let doubled = |digit: &u64| (digit.wrapping_mul(2) / 10).wrapping_add(digit.wrapping_mul(2) % 10);
    let from_the_end = || digits.iter().rev();
    from_the_end().step_by(2).copied().chain(from_the_end().skip(1).step_by(2).map(doubled)).sum()
}

/// Italy: the Luhn formula.
pub(super) fn luhn(digits: &[u64]) -> bool {
    luhn_sum(digits).is_multiple_of(10)
}

/// Germany and Croatia: ISO 7064, MOD 11,10.
pub(super) fn mod_11_10(digits: &[u64]) -> bool {
    digits.split_last().is_some_and(|(check, rest)| {
        let product = rest.iter().fold(10, |product: u64, digit| {
            let sum = product.wrapping_add(*digit) % 10;
            (if sum == 0 { 10_u64 } else { sum }).wrapping_mul(2) % 11
        });
        product.wrapping_add(*check) % 10 == 1
    })
}

/// Austria: behind the `U`, the Luhn formula for a sum that ends in 6 (Federal Ministry of Finance, rules for forming
/// UID numbers).
pub(super) fn austrian(characters: &[u64]) -> bool {
    let [_, digits @ .., check] = characters else { return false };
    luhn_sum(digits).wrapping_add(*check).wrapping_add(4).is_multiple_of(10)
}

/// Belgium: the last two digits are 97 less the remainder of the others by 97.
pub(super) fn belgian(digits: &[u64]) -> bool {
    digits
        .split_last_chunk::<2>()
        .is_some_and(|(rest, check)| value(rest).wrapping_add(value(check)).is_multiple_of(97))
}

/// Bulgaria, of companies: a weighted sum modulo 11, or where that is 10 one of other weights. (What people and
/// foreigners have has ten digits and is not checked.)
pub(super) fn bulgarian(digits: &[u64]) -> bool {
    let [digits @ .., check] = digits else { return false };
    let first = weighted(digits, &[1, 2, 3, 4, 5, 6, 7, 8]) % 11;
    let second = weighted(digits, &[3, 4, 5, 6, 7, 8, 9, 10]) % 11;
    digits.len() != 8 || *check == if first == 10 { second % 10 } else { first }
}

/// Cyprus: every second digit by a table, the others as they are; the letter is the remainder of the sum by 26.
pub(super) fn cypriot(characters: &[u64]) -> bool {
    const TABLE: [u64; 10] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    let [digits @ .., letter] = characters else { return false };
    let coded = |digit: &u64| usize::try_from(*digit).ok().and_then(|place| TABLE.get(place)).copied().unwrap_or(0);
    let sum: u64 = digits.iter().step_by(2).map(coded).chain(digits.iter().skip(1).step_by(2).copied()).sum();
    (sum % 26).wrapping_add(10) == *letter
}

/// Czechia, of companies: the weighted sum modulo 11 is made up to a multiple by the last digit, 10 and 11 standing as
/// 0 and 1. (What people have has nine or ten digits and is not checked.)
pub(super) fn czech(digits: &[u64]) -> bool {
    let [digits @ .., check] = digits else { return false };
    let missing = 11_u64.wrapping_sub(weighted(digits, &[8, 7, 6, 5, 4, 3, 2]) % 11);
    digits.len() != 7 || *check == missing % 10
}

/// Denmark: a weighted sum is a multiple of 11 (Erhvervsstyrelsen, CVR number).
pub(super) fn danish(digits: &[u64]) -> bool {
    weighted(digits, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// The Netherlands: of companies, and of everybody until 2019, the first eight digits' weighted sum modulo 11 is the
/// ninth. Of sole traders since 2020 ISO 7064, MOD 97-10, over the whole with its `NL`, so that the number says nothing
/// of the trader's own (Belastingdienst, btw-identificatienummer per 1 January 2020).
pub(super) fn dutch(characters: &[u64]) -> bool {
    let of_company = characters
        .get(..9)
        .and_then(<[u64]>::split_last)
        .is_some_and(|(check, digits)| weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == *check);
    let letters = [23, 21];
    let remainder = letters.iter().chain(characters).fold(0_u64, |remainder, character| {
        let places = if *character < 10 { 10 } else { 100 };
        remainder.wrapping_mul(places).wrapping_add(*character) % 97
    });
    of_company || remainder == 1
}

/// Estonia: a weighted sum is a multiple of 10.
pub(super) fn estonian(digits: &[u64]) -> bool {
    weighted(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// Finland: a weighted sum is a multiple of 11 (Finnish Tax Administration, check mark of a business id).
pub(super) fn finnish(digits: &[u64]) -> bool {
    weighted(digits, &[7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11)
}

/// France: the first two digits are the remainder by 97 of the others with 12 behind them. A key with letters is of a
/// later kind, and checked for the two letters only that it never has (VIES).
pub(super) fn french(characters: &[u64]) -> bool {
    let Some((key, siren)) = characters.split_first_chunk::<2>() else { return false };
    let (letter_i, letter_o) = (18, 24);
    if key.iter().any(|character| *character >= 10) {
        return !key.contains(&letter_i) && !key.contains(&letter_o);
    }
    value(siren).wrapping_mul(100).wrapping_add(12) % 97 == value(key)
}

/// Greece: the digits times the powers of two, modulo 11; 10 stands as 0.
pub(super) fn greek(digits: &[u64]) -> bool {
    let [digits @ .., check] = digits else { return false };
    weighted(digits, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == *check
}

/// Hungary: a weighted sum is a multiple of 10.
pub(super) fn hungarian(digits: &[u64]) -> bool {
    weighted(digits, &[9, 7, 3, 1, 9, 7, 3, 1]).is_multiple_of(10)
}

/// Ireland: the letter behind seven digits is their weighted sum modulo 23, `W` for 0; a second letter, since 2013,
/// counts nine times. The oldest have the first digit last, and another character in its place.
pub(super) fn irish(characters: &[u64]) -> bool {
    let of_letter = |letter: u64| letter.wrapping_sub(9) % 23;
    let (digits, check, second) = match *characters {
        [a, b, c, d, e, f, g, check] if b < 10 => ([a, b, c, d, e, f, g], check, None),
        [a, _, b, c, d, e, f, check] => ([0, b, c, d, e, f, a], check, None),
        [a, b, c, d, e, f, g, check, second] => ([a, b, c, d, e, f, g], check, Some(second)),
        _ => return false,
    };
    let letter_w = 32;
    let letters_known = check <= letter_w && second.is_none_or(|second| second <= letter_w);
    let second = second.map_or(0, |second| of_letter(second).wrapping_mul(9));
    letters_known && weighted(&digits, &[8, 7, 6, 5, 4, 3, 2]).wrapping_add(second) % 23 == of_letter(check)
}

/// Latvia, of companies, which start above 3: a weighted sum leaves 3 by 11. (What people have is not checked.)
pub(super) fn latvian(digits: &[u64]) -> bool {
    let of_a_person = digits.first().is_some_and(|first| *first <= 3);
    of_a_person || weighted(digits, &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1]) % 11 == 3
}

/// Lithuania: a weighted sum modulo 11, or where that is 10 one whose weights start two further, 10 standing as 0.
pub(super) fn lithuanian(digits: &[u64]) -> bool {
    let [digits @ .., check] = digits else { return false };
    let first = weighted(digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2]) % 11;
    let second = weighted(digits, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4]) % 11;
    *check == if first == 10 { second % 10 } else { first }
}

/// Luxembourg: the last two digits are the remainder of the others by 89.
pub(super) fn luxembourgish(digits: &[u64]) -> bool {
    digits.split_last_chunk::<2>().is_some_and(|(rest, check)| value(rest) % 89 == value(check))
}

/// Malta: a weighted sum, the last two digits as a number, is a multiple of 37.
pub(super) fn maltese(digits: &[u64]) -> bool {
    weighted(digits, &[3, 4, 6, 7, 8, 9, 10, 1]).is_multiple_of(37)
}

/// Norway: a weighted sum is a multiple of 11 (Brønnøysund Register Centre, organisation number).
pub(super) fn norwegian(digits: &[u64]) -> bool {
    weighted(digits, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// Poland: the weighted sum of the first nine digits, modulo 11, is the tenth.
pub(super) fn polish(digits: &[u64]) -> bool {
    digits.last() == Some(&(weighted(digits, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11))
}

/// Portugal: the last digit makes the weighted sum a multiple of 11, or is 0 where it would have to be 10.
pub(super) fn portuguese(digits: &[u64]) -> bool {
    let [digits @ .., check] = digits else { return false };
    let missing = 11_u64.wrapping_sub(weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11);
    *check == if missing >= 10 { 0 } else { missing }
}

/// Romania: ten times the weighted sum, modulo 11, 10 standing as 0; a shorter number has the last of the weights.
pub(super) fn romanian(digits: &[u64]) -> bool {
    let [digits @ .., check] = digits else { return false };
    let from_the_end: u64 = digits.iter().rev().zip([2, 3, 5, 7, 1, 2, 3, 5, 7]).map(|(d, w)| d.wrapping_mul(w)).sum();
    from_the_end.wrapping_mul(10) % 11 % 10 == *check
}

/// Sweden: the Luhn formula over the ten digits of the organisation, or person, before the last two (Skatteverket,
/// SKV 709).
pub(super) fn swedish(digits: &[u64]) -> bool {
    digits.get(..10).is_some_and(luhn)
}

/// Slovenia: the last digit makes the weighted sum a multiple of 11, 0 standing for 10.
pub(super) fn slovenian(digits: &[u64]) -> bool {
    let [digits @ .., check] = digits else { return false };
    let missing = 11_u64.wrapping_sub(weighted(digits, &[8, 7, 6, 5, 4, 3, 2]) % 11);
    *check == if missing == 10 { 0 } else { missing }
}

/// Slovakia: a multiple of 11.
pub(super) fn slovak(digits: &[u64]) -> bool {
    value(digits).is_multiple_of(11)
}

/// Spain: of people the letter is the remainder by 23 of the number, in which the `X`, `Y` or `Z` of a foreigner is 0,
/// 1 or 2 and the `K`, `L` or `M` of who has no number of either kind counts nothing (Ministry of the Interior, control
/// character of DNI and NIE). Of others the Luhn formula's check digit, or the letter in its place: which of the two
/// differs by the kind of body, and sources do not agree (Orden EHA/451/2008).
pub(super) fn spanish(characters: &[u64]) -> bool {
    const OF_PEOPLE: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    const OF_OTHERS: &[u8; 10] = b"JABCDEFGHI";
    const KINDS: &[u8] = b"ABCDEFGHJNPQRSUVW";
    let [first, digits @ .., check] = characters else { return false };
    let is_letter = |letters: &[u8], place: u64| {
        let letter = usize::try_from(place).ok().and_then(|place| letters.get(place));
        letter.is_some_and(|letter| of_letter(*letter) == *check)
    };
    let of_person = |first: u64| is_letter(OF_PEOPLE, value(digits).wrapping_add(first.wrapping_mul(10_000_000)) % 23);
    match *first {
        0..=9 => of_person(*first),
        letter if b"XYZ".iter().any(|known| of_letter(*known) == letter) => {
            of_person(letter.wrapping_sub(of_letter(b'X')))
        }
        letter if b"KLM".iter().any(|known| of_letter(*known) == letter) => of_person(0),
        letter if KINDS.iter().any(|known| of_letter(*known) == letter) => {
            // The check digit that the formula asks for behind them.
            let with_zero: Vec<u64> = digits.iter().copied().chain([0]).collect();
            let digit = 10_u64.wrapping_sub(luhn_sum(&with_zero) % 10) % 10;
            *check == digit || is_letter(OF_OTHERS, digit)
        }
        _ => false,
    }
}

/// The value of a capital: 10 to 35.
fn of_letter(letter: u8) -> u64 {
    u64::from(letter).wrapping_sub(u64::from(b'A')).wrapping_add(10)
}

/// Switzerland: behind the `E`, the weighted sum and the last digit are a multiple of 11 (Federal Statistical Office,
/// UID).
pub(super) fn swiss(characters: &[u64]) -> bool {
    characters.get(1..).is_some_and(|digits| weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 1]).is_multiple_of(11))
}
