//! What an order's item holds packed: its lines, its score, its returns.

use super::bytes::{PLAIN, Reader, Unpacked, Writer, deflate, inflate};
use super::payment::{pack_payment, payment};
use super::uses::{came_back, pack_came_back};
use domain::amendment::{Amended, PointsAmended};
use domain::code::Code;
use domain::discount::TakesOff;
use domain::earning::{Granted, Limiter};
use domain::id::{LineId, ReturnId, RuleId, Sku, TierId};
use domain::lots::Taken;
use domain::money::{Measure, Minor, Percent, Points, UnitPrice};
use domain::order::{LinePrice, OrderLine};
use domain::returns::{History, ReturnKey, Returned, Reversal, Tally};
use domain::score::{Condition, GivenFor, IssuedDiscount, OrderGift, Outcome, Raise, Score};
use domain::time::Instant;
use domain::uses::CameBack;
use std::collections::HashMap;

/// Bytes of a usual line: a guess that saves growing.
const LINE_BYTES: usize = 12;

/// Packs a score.
pub fn pack_score(score: &Score) -> Vec<u8> {
    let mut out = Writer::start();
    out.number(u64::from(score.program_version));
    out.instant(score.decided_at);
    out.number(score.entry);
    out.text(score.tier.as_str());
    out.text(score.tier_after.as_str());
    out.count(usize::from(score.raise.is_some()));
    if let Some(Raise { from, held_since, at }) = &score.raise {
        out.text(from.as_str());
        out.instant(*held_since);
        out.instant(*at);
    }
    for amount in [score.qualifying.0, score.eligible.0, score.points.0, score.balance.0] {
        out.signed(amount);
    }
    out.number(u64::from(score.beyond_kept_months));
    out.instant(score.available_at.unwrap_or(Instant::MIN));
    out.instant(score.expires_at);
    out.count(score.outcomes.len());
    for outcome in &score.outcomes {
        let bytes = match outcome {
            Outcome::Fired => [1, 0],
            Outcome::Missed(condition) => [2, *condition as u8],
        };
        out.0.extend_from_slice(&bytes);
    }
    out.count(score.issued.len());
    for issued in &score.issued {
        out.text(issued.rule.as_str());
        out.number(issued.code.bits());
        out.signed(issued.percent.0);
        out.instant(issued.expires_at);
        out.number(u64::from(issued.void));
    }
    // Few orders qualify a referral, use discounts, earn by rules that have limits or bring gifts: the others end here.
    let amounts = amounts_off(&score.taken_off);
    let has_gifts = !score.gifts.is_empty() || !amounts.is_empty();
    let has_granted = !score.granted.is_empty() || has_gifts;
    let has_discounts = !score.taken_off.is_empty() || has_granted;
    if score.qualified_referral || has_discounts {
        out.number(u64::from(score.qualified_referral));
    }
    if has_discounts {
        out.count(score.taken_off.len());
        for off in &score.taken_off {
            // Nothing in the place of an amount, which stands at the end.
            out.signed(if let TakesOff::Percent(percent) = off { percent.0 } else { 0 });
        }
    }
    if has_granted {
        out.count(score.granted.len());
        for Granted { place, points, cut_by } in &score.granted {
            out.count(*place);
            out.signed(points.0);
            out.0.push(cut_by.map_or(0, |limiter| limiter as u8));
        }
    }
    if has_gifts {
        out.count(score.gifts.len());
        score.gifts.iter().for_each(|gift| pack_gift(&mut out, gift));
    }
    if !amounts.is_empty() {
        out.count(amounts.len());
        for (place, amount) in amounts {
            out.count(place);
            out.signed(amount.0);
        }
    }
    out.0
}

/// What discounts of an amount take off, with their places among all.
fn amounts_off(taken_off: &[TakesOff]) -> Vec<(usize, Minor)> {
    let amount = |(place, off): (usize, &TakesOff)| match off {
        TakesOff::Amount(amount) => Some((place, *amount)),
        TakesOff::Percent(_) => None,
    };
    taken_off.iter().enumerate().filter_map(amount).collect()
}

/// Puts the amounts that are stored at the end where they belong.
fn amounts(input: &mut Reader<'_>, taken_off: &mut [TakesOff]) -> Unpacked<()> {
    if input.0.is_empty() {
        return Ok(());
    }
    let amounts = input.list(|input| {
        let place = usize::try_from(input.number()?).map_err(|_| "no such discount")?;
        Ok((place, Minor(input.signed()?)))
    })?;
    for (place, amount) in amounts {
        *taken_off.get_mut(place).ok_or("no such discount")? = TakesOff::Amount(amount);
    }
    Ok(())
}

const FOR_TIER: u8 = 1;
const FOR_OCCASION: u8 = 2;

fn pack_gift(out: &mut Writer, gift: &OrderGift) {
    let (kind, id) = match &gift.given_for {
        GivenFor::Tier(tier) => (FOR_TIER, tier.as_str()),
        GivenFor::Occasion(rule) => (FOR_OCCASION, rule.as_str()),
    };
    out.0.push(kind);
    out.text(id);
    out.signed(gift.points.0);
    out.count(usize::from(gift.discount.is_some()));
    gift.discount.iter().for_each(|code| out.number(code.bits()));
}

fn gift(input: &mut Reader<'_>) -> Unpacked<OrderGift> {
    let (kind, id) = (input.byte()?, input.text()?);
    let given_for = match kind {
        FOR_TIER => GivenFor::Tier(TierId::parse(id).map_err(|_| "bad tier id")?),
        FOR_OCCASION => GivenFor::Occasion(RuleId::parse(id).map_err(|_| "bad rule id")?),
        _ => return Err("unknown kind of gift"),
    };
    let points = Points(input.signed()?);
    let discount = input.optional(|input| input.number().map(Code::of_bits))?;
    Ok(OrderGift { given_for, points, discount })
}

fn granted(input: &mut Reader<'_>) -> Unpacked<Granted> {
    let place = usize::try_from(input.number()?).map_err(|_| "no such rule")?;
    let points = Points(input.signed()?);
    let cut_by = match input.byte()? {
        0 => None,
        number => Some(Limiter::ALL.into_iter().find(|one| *one as u8 == number).ok_or("unknown limit")?),
    };
    Ok(Granted { place, points, cut_by })
}

const RETURN: u8 = 1;
const CREDIT_NOTE: u8 = 2;
const CANCELLATION: u8 = 3;
/// Set where something of what the order had used came back, too.
const GAVE_BACK: u8 = 0x80;

/// Packs what became of an order of these lines after it was scored.
pub fn pack_history(history: &History, lines: &[OrderLine]) -> Vec<u8> {
    let mut out = Writer::start();
    let Tally { earned, reversed, unrecovered, lapsed } = history.tally;
    [earned, reversed, unrecovered, lapsed].into_iter().for_each(|points| out.signed(points.0));
    let places: HashMap<&LineId, u64> = lines.iter().map(|line| &line.line_id).zip(1..).collect();
    out.count(history.returns.len());
    for returned in &history.returns {
        pack_returned(&mut out, &places, returned);
    }
    out.count(usize::from(history.amended.is_some()));
    if let Some(Amended { revision, score, points }) = &history.amended {
        out.number(*revision);
        let score = pack_score(score);
        out.count(score.len());
        out.0.extend_from_slice(&score);
        out.signed(points.earned.0);
        out.signed(points.reversed.0);
        pack_reversal(&mut out, &points.reversal);
    }
    // Few shops say that an order is paid: the others end here.
    history.payment.iter().for_each(|payment| pack_payment(&mut out, payment));
    deflate(&out.0).unwrap_or(out.0)
}

fn pack_reversal(out: &mut Writer, reversal: &Reversal) {
    let Reversal { taken, owed, unrecovered, lapsed } = *reversal;
    let points = [taken.pending, taken.own_lot, taken.other_lots, owed, unrecovered, lapsed];
    points.into_iter().for_each(|points| out.signed(points.0));
}

pub(super) fn reversal(input: &mut Reader<'_>) -> Unpacked<Reversal> {
    let mut points = || input.signed().map(Points);
    let taken = Taken { pending: points()?, own_lot: points()?, other_lots: points()? };
    Ok(Reversal { taken, owed: points()?, unrecovered: points()?, lapsed: points()? })
}

fn pack_returned(out: &mut Writer, places: &HashMap<&LineId, u64>, returned: &Returned) {
    let kind = match returned.key {
        ReturnKey::Return(_) => RETURN,
        ReturnKey::CreditNote(_) => CREDIT_NOTE,
        ReturnKey::Cancellation => CANCELLATION,
    };
    let gave_back = !returned.came_back.is_nothing();
    out.0.push(if gave_back { kind | GAVE_BACK } else { kind });
    out.text(returned.key.return_id().map_or("", ReturnId::as_str));
    out.0.extend_from_slice(&returned.content_hash);
    out.instant(returned.decided_at);
    out.number(returned.entry);
    out.count(returned.lines.len());
    for (line_id, units) in &returned.lines {
        // The place of a line the order still has, from 1; the id itself of one that it has no more.
        let place = places.get(line_id).copied().unwrap_or(0);
        out.number(place);
        if place == 0 {
            out.text(line_id.as_str());
        }
        out.number(*units);
    }
    out.number(returned.units);
    out.number(returned.excess_units);
    out.signed(returned.eligible.0);
    pack_reversal(out, &returned.reversal);
    out.signed(returned.balance.0);
    if gave_back {
        pack_came_back(out, &returned.came_back);
    }
}

/// Reads what became of an order of these lines.
pub fn history(bytes: &[u8], lines: &[OrderLine]) -> Unpacked<History> {
    let plain = inflate(bytes)?;
    let mut input = Reader::start(&plain)?;
    let mut points = || input.signed().map(Points);
    let tally = Tally { earned: points()?, reversed: points()?, unrecovered: points()?, lapsed: points()? };
    let returns = input.list(|input| returned(input, lines))?;
    let amended = input.optional(|input| {
        let revision = input.number()?;
        let length = input.count()?;
        let score = score(input.bytes(length)?)?;
        let (earned, reversed) = (Points(input.signed()?), Points(input.signed()?));
        Ok(Amended { revision, score, points: PointsAmended { earned, reversed, reversal: reversal(input)? } })
    })?;
    let payment = if input.0.is_empty() { None } else { Some(payment(&mut input)?) };
    input.end()?;
    Ok(History { tally, returns, amended, payment, uses: None })
}

fn returned(input: &mut Reader<'_>, lines: &[OrderLine]) -> Unpacked<Returned> {
    let kind = input.byte()?;
    let id = input.text()?;
    let id = || ReturnId::parse(id).map_err(|_| "bad return id");
    let key = match kind & !GAVE_BACK {
        RETURN => ReturnKey::Return(id()?),
        CREDIT_NOTE => ReturnKey::CreditNote(id()?),
        CANCELLATION => ReturnKey::Cancellation,
        _ => return Err("unknown kind of return"),
    };
    let content_hash = input.hash()?;
    let (decided_at, entry) = (input.instant()?, input.number()?);
    let lines = input.list(|input| Ok((returned_line(input, lines)?, input.number()?)))?;
    let (units, excess_units, eligible) = (input.number()?, input.number()?, Minor(input.signed()?));
    let (reversal, balance) = (reversal(input)?, Points(input.signed()?));
    let came_back = if kind & GAVE_BACK == 0 { CameBack::default() } else { came_back(input)? };
    Ok(Returned {
        key,
        content_hash,
        decided_at,
        entry,
        lines,
        units,
        excess_units,
        eligible,
        reversal,
        came_back,
        balance,
    })
}

fn returned_line(input: &mut Reader<'_>, lines: &[OrderLine]) -> Unpacked<LineId> {
    match input.number()?.checked_sub(1) {
        Some(place) => line_at(lines, place),
        None => LineId::parse(input.text()?).map_err(|_| "bad line id"),
    }
}

pub(super) fn line_at(lines: &[OrderLine], place: u64) -> Unpacked<LineId> {
    let line = usize::try_from(place).ok().and_then(|place| lines.get(place));
    line.map(|line| line.line_id.clone()).ok_or("no such line")
}

/// Reads a score.
pub fn score(bytes: &[u8]) -> Unpacked<Score> {
    let mut input = Reader::start(bytes)?;
    let tier = |input: &mut Reader<'_>| TierId::parse(input.text()?).map_err(|_| "bad tier id");
    let mut score = Score {
        program_version: u32::try_from(input.number()?).map_err(|_| "bad program version")?,
        decided_at: input.instant()?,
        entry: input.number()?,
        tier: tier(&mut input)?,
        tier_after: tier(&mut input)?,
        raise: input
            .optional(|input| Ok(Raise { from: tier(input)?, held_since: input.instant()?, at: input.instant()? }))?,
        qualifying: Measure(input.signed()?),
        eligible: Minor(input.signed()?),
        points: Points(input.signed()?),
        balance: Points(input.signed()?),
        beyond_kept_months: input.number()? == 1,
        available_at: Some(input.instant()?).filter(|at| *at > Instant::MIN),
        expires_at: input.instant()?,
        outcomes: input.list(outcome)?,
        issued: input.list(|input| {
            Ok(IssuedDiscount {
                rule: RuleId::parse(input.text()?).map_err(|_| "bad rule id")?,
                code: Code::of_bits(input.number()?),
                percent: Percent(input.signed()?),
                expires_at: input.instant()?,
                void: input.number()? == 1,
            })
        })?,
        qualified_referral: !input.0.is_empty() && input.number()? == 1,
        taken_off: if input.0.is_empty() { Vec::new() } else { input.list(percent_off)? },
        granted: if input.0.is_empty() { Vec::new() } else { input.list(granted)? },
        gifts: if input.0.is_empty() { Vec::new() } else { input.list(gift)? },
    };
    amounts(&mut input, &mut score.taken_off)?;
    input.end()?;
    Ok(score)
}

fn percent_off(input: &mut Reader<'_>) -> Unpacked<TakesOff> {
    input.signed().map(|percent| TakesOff::Percent(Percent(percent)))
}

pub(super) fn outcome(input: &mut Reader<'_>) -> Unpacked<Outcome> {
    match (input.byte()?, input.byte()?) {
        (1, 0) => Ok(Outcome::Fired),
        (2, code) => {
            let condition = Condition::ALL.iter().copied().find(|condition| *condition as u8 == code);
            condition.map(Outcome::Missed).ok_or("unknown condition")
        }
        _ => Err("unknown outcome"),
    }
}

const HAS_ID: u64 = 1;
const HAS_AMOUNT: u64 = 2;
const HAS_DISCOUNT: u64 = 4;
const HAS_TAX: u64 = 8;
const HAS_CATEGORY: u64 = 16;
const HAS_BRAND: u64 = 32;
const HAS_TAGS: u64 = 64;
const HAS_PROGRAM_DISCOUNT: u64 = 128;
const HAS_POINTS: u64 = 256;

/// Packs order lines: each distinct text once, then the lines as numbers; deflated where that is smaller.
pub fn pack_lines(lines: &[OrderLine]) -> Vec<u8> {
    let mut table = Texts::for_lines(lines.len());
    let mut body = Writer::with_room(lines.len().saturating_mul(LINE_BYTES));
    body.count(lines.len());
    for (index, line) in lines.iter().enumerate() {
        pack_line(&mut body, &mut table, index, line);
    }
    let text_bytes = table.texts.iter().map(|text| text.len().saturating_add(1)).fold(8, usize::saturating_add);
    let mut out = Writer::with_room(body.0.len().saturating_add(text_bytes));
    out.0.push(PLAIN);
    out.count(table.texts.len());
    for text in &table.texts {
        out.text(text);
    }
    out.0.extend_from_slice(&body.0);
    deflate(&out.0).unwrap_or(out.0)
}

fn pack_line<'a>(body: &mut Writer, table: &mut Texts<'a>, index: usize, line: &'a OrderLine) {
    let numbered = is_ordinal(line.line_id.as_str(), index);
    let parts = [
        (!numbered, HAS_ID),
        (matches!(line.price, LinePrice::Amount(_)), HAS_AMOUNT),
        (line.discount != Minor::ZERO, HAS_DISCOUNT),
        (line.tax.is_some(), HAS_TAX),
        (line.category.is_some(), HAS_CATEGORY),
        (line.brand.is_some(), HAS_BRAND),
        (!line.tags.is_empty(), HAS_TAGS),
        (line.program_discount != Minor::ZERO, HAS_PROGRAM_DISCOUNT),
        (line.paid_with_points != Minor::ZERO, HAS_POINTS),
    ];
    body.number(parts.iter().filter(|(has, _)| *has).fold(0, |flags, (_, flag)| flags | flag));
    body.number(table.place(line.sku.as_str()));
    body.number(line.quantity);
    match line.price {
        LinePrice::UnitPrice(price) => body.signed(price.0),
        LinePrice::Amount(amount) => body.signed(amount.0),
    }
    if !numbered {
        body.text(line.line_id.as_str());
    }
    if line.discount != Minor::ZERO {
        body.signed(line.discount.0);
    }
    if let Some(tax) = line.tax {
        body.signed(tax.0);
    }
    for text in line.category.iter().chain(&line.brand) {
        body.number(table.place(text));
    }
    if !line.tags.is_empty() {
        body.count(line.tags.len());
        for tag in &line.tags {
            body.number(table.place(tag));
        }
    }
    for part in [line.program_discount, line.paid_with_points].iter().filter(|part| **part != Minor::ZERO) {
        body.signed(part.0);
    }
}

/// The line id that a line of this place has if lines are numbered from 1.
fn ordinal(index: usize) -> String {
    index.saturating_add(1).to_string()
}

/// Whether a line id is the [`ordinal`] of its place, without making that.
fn is_ordinal(text: &str, index: usize) -> bool {
    text.as_bytes().first().is_some_and(|first| (b'1'..=b'9').contains(first))
        && text.parse() == Ok(index.saturating_add(1))
}

/// Distinct texts in the order first seen.
struct Texts<'a> {
    texts: Vec<&'a str>,
    places: HashMap<&'a str, u64>,
}

impl<'a> Texts<'a> {
    /// With room for the SKU of each line.
    fn for_lines(count: usize) -> Self {
        Self { texts: Vec::with_capacity(count), places: HashMap::with_capacity(count) }
    }

    fn place(&mut self, text: &'a str) -> u64 {
        let next = u64::try_from(self.texts.len()).unwrap_or(u64::MAX);
        *self.places.entry(text).or_insert_with(|| {
            self.texts.push(text);
            next
        })
    }
}

/// Reads order lines.
pub fn lines(bytes: &[u8]) -> Unpacked<Vec<OrderLine>> {
    let plain = inflate(bytes)?;
    let mut input = Reader::start(&plain)?;
    let texts = input.list(Reader::text)?;
    let count = input.count()?;
    let lines = (0..count).map(|index| line(&mut input, &texts, index)).collect::<Unpacked<_>>()?;
    input.end()?;
    Ok(lines)
}

fn line(input: &mut Reader<'_>, texts: &[&str], index: usize) -> Unpacked<OrderLine> {
    let flags = input.number()?;
    let has = |flag: u64| flags & flag != 0;
    let text = |input: &mut Reader<'_>| {
        let place = usize::try_from(input.number()?).map_err(|_| "no such text")?;
        texts.get(place).copied().ok_or("no such text")
    };
    let sku = Sku::parse(text(input)?).map_err(|_| "bad SKU")?;
    let quantity = input.number()?;
    let price = input.signed()?;
    let price = if has(HAS_AMOUNT) { LinePrice::Amount(Minor(price)) } else { LinePrice::UnitPrice(UnitPrice(price)) };
    let line_id = if has(HAS_ID) { input.text()?.to_owned() } else { ordinal(index) };
    let discount = if has(HAS_DISCOUNT) { input.signed()? } else { 0 };
    let tax = if has(HAS_TAX) { Some(Minor(input.signed()?)) } else { None };
    let category = if has(HAS_CATEGORY) { Some(text(input)?.to_owned()) } else { None };
    let brand = if has(HAS_BRAND) { Some(text(input)?.to_owned()) } else { None };
    let tags = if has(HAS_TAGS) { input.list(|input| Ok(text(input)?.to_owned()))? } else { Vec::new() };
    let mut part = |flag| if has(flag) { input.signed().map(Minor) } else { Ok(Minor::ZERO) };
    let (program_discount, paid_with_points) = (part(HAS_PROGRAM_DISCOUNT)?, part(HAS_POINTS)?);
    let line_id = LineId::parse(&line_id).map_err(|_| "bad line id")?;
    let discount = Minor(discount);
    Ok(OrderLine {
        line_id,
        sku,
        quantity,
        price,
        discount,
        program_discount,
        paid_with_points,
        tax,
        category,
        brand,
        tags,
    })
}
