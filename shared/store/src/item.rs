//! Items: how each record stands in its table. Each carries the number of its shape, `v`.

use crate::keys::{self, Item};
use crate::read::StoredOrder;
use crate::{Fault, pack};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::account::{Account, Status};
use domain::activity::Activity;
use domain::code::Code;
use domain::credit_note::CreditNote;
use domain::due::Due;
use domain::id::{AccountId, ContactId, OrderId, OrderKey, ReservationId, ReturnId, Segment, Source, TierId};
use domain::ledger::Entry;
use domain::lots::Holdings;
use domain::membership::{CLAIM_VERSION, Claim, Invitation, Membership};
use domain::money::{Currency, Minor, Points};
use domain::occasions::Past;
use domain::order::Order;
use domain::payment::PaymentState;
use domain::returns::History;
use domain::review::Reviewed;
use domain::score::ScoredOrder;
use domain::shared_code::SharedCode;
use domain::spending::Spending;
use domain::time::{Day, Instant, Month};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// The shape written today.
const SHAPE: &str = "1";

/// Bytes of a usual entry, so that writing it moves nothing.
const ENTRY_BYTES: usize = 1_024;

/// What an item lacks.
pub type Parsed<T> = Result<T, String>;

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn bytes(value: Vec<u8>) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

fn put(item: &mut Item, attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>) {
    item.extend(attributes.into_iter().map(|(name, value)| (name.to_owned(), value)));
}

fn string<'a>(item: &'a Item, name: &str) -> Parsed<&'a str> {
    let value = item.get(name).ok_or_else(|| format!("{name} is missing"))?;
    value.as_s().map(String::as_str).map_err(|_| format!("{name} is no string"))
}

fn integer<T: std::str::FromStr>(item: &Item, name: &str) -> Parsed<T> {
    let value = item.get(name).ok_or_else(|| format!("{name} is missing"))?;
    let digits = value.as_n().map_err(|_| format!("{name} is no number"))?;
    digits.parse().map_err(|_| format!("{name} is out of range"))
}

fn optional<'a, T>(item: &'a Item, name: &str, read: impl FnOnce(&'a Item, &str) -> Parsed<T>) -> Parsed<Option<T>> {
    if item.contains_key(name) { read(item, name).map(Some) } else { Ok(None) }
}

fn packed<T>(item: &Item, name: &str, unpack: impl FnOnce(&[u8]) -> pack::Unpacked<T>) -> Parsed<T> {
    let value = item.get(name).ok_or_else(|| format!("{name} is missing"))?;
    let blob = value.as_b().map_err(|_| format!("{name} is not binary"))?;
    unpack(blob.as_ref()).map_err(|what| format!("{name}: {what}"))
}

/// Reads the layout of today, or else that of the first release; says what is wrong with the former where neither fits.
fn or_first<T>(
    today: impl Fn(&[u8]) -> pack::Unpacked<T>,
    first: impl Fn(&[u8]) -> pack::Unpacked<T>,
) -> impl Fn(&[u8]) -> pack::Unpacked<T> {
    move |bytes| today(bytes).or_else(|what| first(bytes).or(Err(what)))
}

fn instant(item: &Item, name: &str) -> Parsed<Instant> {
    integer(item, name).map(Instant::from_ms)
}

const REVIEWED: &str = "reviewed";
const HELD_THROUGH: &str = "held";
/// There where it holds its tier by invitation: until when, and what it held before.
const INVITATION: &str = "invited";
/// Tiers that brought it something when it entered them, in programs where they do.
const ENTERED: &str = "entered";
/// What it holds for carts that are being paid.
const HOLDS: &str = "holds";
/// Discounts that it is owed for tiers that time led it to, until a walk issues them.
const OWED: &str = "owed";
/// There where the account ever spent points.
const SPENDING: &str = "spent";
/// What it knows of the redemption that it came by.
const REFERRAL: &str = "by";
/// There where there is anything to say of its membership.
const MEMBERSHIP: &str = "member";
/// There where the account has a referral code: the referrals it was rewarded for.
const REFERRER: &str = "ref";
/// What it remembers of its occasions.
const OCCASIONS: &str = "occ";

/// What came back of an order, as the first release kept it.
const FIRST_HISTORY: &str = "returns";
/// What an order said of its payment.
const PAYMENT_STATE: &str = "payment";
/// What an order stated of what it uses: a reservation, and points.
const RESERVATION: &str = "reservation";
const POINTS: &str = "points";
const DOCUMENT: &str = "document";
/// What it used beyond the codes that it names.
const USES: &str = "uses";
/// What it was given by rules that are capped per account and period.
const COUNTERS: &str = "caps";

/// The item of an account. Empty lists are left out, so that a new account is small.
pub fn of_account(account: &Account) -> Item {
    let mut item = keys::account(&account.id);
    put(
        &mut item,
        [
            ("v", number(SHAPE)),
            ("version", number(account.version)),
            ("status", text(account.status.name())),
            ("tier", text(account.tier.as_str())),
            ("tier_since", number(account.tier_since.as_ms())),
            ("joined", number(account.joined_at.as_ms())),
            ("decided", number(account.last_decided.as_ms())),
            ("life", bytes(pack::pack_lifetime(&account.lifetime))),
        ],
    );
    if !account.segments.is_empty() {
        let segments: Vec<_> = account.segments.iter().map(Segment::as_str).collect();
        put(&mut item, [("segments", text(segments.join(" ")))]);
    }
    if let (Some(first), Some(last)) = (account.first_purchase, account.last_purchase) {
        put(&mut item, [("first", number(first.0)), ("last", number(last.0))]);
        put(&mut item, [("activity", bytes(pack::pack_activity(&account.activity)))]);
    }
    if account.holdings != Holdings::default() {
        put(&mut item, [("lots", bytes(pack::pack_holdings(&account.holdings)))]);
    }
    if account.spending != Spending::default() {
        put(&mut item, [(SPENDING, bytes(pack::pack_spending(&account.spending)))]);
    }
    if !account.discounts.is_empty() {
        put(&mut item, [("discounts", bytes(pack::pack_discounts(&account.discounts, !account.holds.is_empty())))]);
    }
    if !account.holds.is_empty() {
        put(&mut item, [(HOLDS, bytes(pack::pack_holds(&account.holds, &account.discounts)))]);
    }
    if let Some(open) = &account.credit_note {
        put(&mut item, [("note", text(open.as_str()))]);
    }
    if let Some(due) = account.due {
        item.extend(keys::due(&account.id, due));
    }
    if let Some(Reviewed { at, held_through }) = account.reviewed {
        put(&mut item, [(REVIEWED, number(at.as_ms()))]);
        put(&mut item, held_through.map(|month| (HELD_THROUGH, number(month.0))));
    }
    if let Some(invitation) = &account.invitation {
        put(&mut item, [(INVITATION, bytes(pack::pack_invitation(invitation)))]);
    }
    if !account.entered.is_empty() {
        let entered: Vec<_> = account.entered.iter().map(TierId::as_str).collect();
        put(&mut item, [(ENTERED, text(entered.join(" ")))]);
    }
    if !account.owed.is_empty() {
        put(&mut item, [(OWED, bytes(pack::pack_owed(&account.owed)))]);
    }
    if let Some(referral) = &account.referral {
        put(&mut item, [(REFERRAL, bytes(pack::pack_referral(referral)))]);
    }
    if account.membership != Membership::default() {
        put(&mut item, [(MEMBERSHIP, bytes(pack::pack_membership(&account.membership)))]);
    }
    if account.has_referral_code {
        put(&mut item, [(REFERRER, AttributeValue::N(account.referrals_rewarded.to_string()))]);
    }
    if !account.told.is_empty() {
        put(&mut item, [("told", bytes(pack::pack_told(&account.told)))]);
    }
    if account.occasions != Past::default() {
        put(&mut item, [(OCCASIONS, bytes(pack::pack_occasions(&account.occasions)))]);
    }

    if !account.counters.all().is_empty() {
        put(&mut item, [(COUNTERS, bytes(pack::pack_counters(&account.counters)))]);
    }
    item
}

/// The account of an item.
pub fn account(item: &Item) -> Parsed<Account> {
    let status = string(item, "status")?;
    let status = Status::ALL.iter().find(|(name, _)| *name == status).ok_or("unknown status")?;
    let segments = optional(item, "segments", string)?.unwrap_or_default();
    let discounts = optional(item, "discounts", |i, n| packed(i, n, or_first(pack::discounts, pack::first_discounts)))?;
    let discounts = discounts.unwrap_or_default();
    let holds = optional(item, HOLDS, |i, n| packed(i, n, |bytes| pack::holds(bytes, &discounts)))?;
    let activity = optional(item, "activity", |i, n| packed(i, n, pack::activity))?.unwrap_or_else(Activity::default);
    Ok(Account {
        id: AccountId::parse(string(item, "account_id")?).map_err(|e| e.to_string())?,
        version: integer(item, "version")?,
        status: status.1,
        tier: TierId::parse(string(item, "tier")?).map_err(|e| e.to_string())?,
        tier_since: instant(item, "tier_since")?,
        reviewed: optional(item, REVIEWED, instant)?
            .map(|at| Ok::<_, String>(Reviewed { at, held_through: optional(item, HELD_THROUGH, integer)?.map(Month) }))
            .transpose()?,
        invitation: optional(item, INVITATION, |i, n| packed(i, n, pack::invitation))?,
        entered: optional(item, ENTERED, string)?
            .unwrap_or_default()
            .split_ascii_whitespace()
            .map(|tier| TierId::parse(tier).map_err(|e| e.to_string()))
            .collect::<Parsed<_>>()?,
        owed: optional(item, OWED, |i, n| packed(i, n, pack::owed))?.unwrap_or_default(),
        referral: optional(item, REFERRAL, |i, n| packed(i, n, pack::referral))?,
        has_referral_code: item.contains_key(REFERRER),
        referrals_rewarded: optional(item, REFERRER, integer)?.unwrap_or(0),
        counters: optional(item, COUNTERS, |i, n| packed(i, n, pack::counters))?.unwrap_or_default(),
        told: optional(item, "told", |i, n| packed(i, n, pack::told))?.unwrap_or_default(),
        occasions: optional(item, OCCASIONS, |i, n| packed(i, n, pack::occasions))?.unwrap_or_default(),
        segments: segments
            .split_ascii_whitespace()
            .map(|segment| Segment::parse(segment).map_err(|e| e.to_string()))
            .collect::<Parsed<_>>()?,
        membership: optional(item, MEMBERSHIP, |i, n| packed(i, n, pack::membership))?.unwrap_or_default(),
        joined_at: instant(item, "joined")?,
        last_decided: instant(item, "decided")?,
        first_purchase: optional(item, "first", integer)?.map(Day),
        last_purchase: optional(item, "last", integer)?.map(Day),
        lifetime: packed(item, "life", |bytes| pack::lifetime(bytes, &activity))?,
        activity,
        holdings: optional(item, "lots", |i, n| packed(i, n, pack::holdings))?.unwrap_or_default(),
        spending: optional(item, SPENDING, |i, n| packed(i, n, pack::spending))?.unwrap_or_default(),
        discounts,
        holds: holds.unwrap_or_default(),
        credit_note: optional(item, "note", string)?
            .map(|id| ReturnId::parse(id).map_err(|e| e.to_string()))
            .transpose()?,
        due: optional(item, "due", string)?.map(|bucket| due(item, bucket)).transpose()?,
    })
}

fn due(item: &Item, bucket: &str) -> Parsed<Due> {
    let day = keys::due_day(bucket).ok_or("due is no bucket")?;
    Ok(Due { at: instant(item, "due_at")?, day: Day::parse(day).ok_or("due is no bucket")? })
}

/// The item of an order and its score.
pub fn of_order(scored: &ScoredOrder) -> Item {
    let order = &scored.order;
    let mut item = keys::order(&order.key);
    put(
        &mut item,
        [
            ("v", number(SHAPE)),
            ("version", number(scored.version)),
            ("account_id", text(order.account_id.as_str())),
            ("placed_at", number(order.placed_at.as_ms())),
            ("currency", text(order.currency.code())),
            ("hash", bytes(scored.content_hash.to_vec())),
            ("lines", bytes(pack::pack_lines(&order.lines))),
            ("score", bytes(pack::pack_score(&scored.score))),
        ],
    );
    if let Some(contact) = &order.contact_id {
        put(&mut item, [("contact_id", text(contact.as_str()))]);
    }
    if let Some(shipping) = order.shipping {
        put(&mut item, [("shipping", number(shipping.0))]);
    }
    if order.revision > 0 {
        put(&mut item, [("revision", number(order.revision))]);
    }
    if let Some(reservation) = order.reservation {
        put(&mut item, [(RESERVATION, text(reservation.to_string()))]);
    }
    if let Some(points) = order.points {
        put(&mut item, [(POINTS, number(points.0))]);
    }
    if let Some(state) = order.payment_state {
        put(&mut item, [(PAYMENT_STATE, text(state.name()))]);
    }
    if !scored.history.is_blank() {
        put(&mut item, [("history", bytes(pack::pack_history(&scored.history, &order.lines)))]);
    }
    if let Some(uses) = &scored.history.uses {
        put(&mut item, [(USES, bytes(pack::pack_uses(uses)))]);
    }
    if !order.discount_codes.is_empty() {
        let codes: Vec<_> = order.discount_codes.iter().map(Code::as_str).collect();
        put(&mut item, [("codes", text(codes.join(" ")))]);
    }
    item
}

/// The order of an item.
pub fn order(item: &Item) -> Parsed<ScoredOrder> {
    let (source, order_id) = string(item, "order_key")?.split_once('#').ok_or("order_key has no #")?;
    let codes = optional(item, "codes", string)?.unwrap_or_default();
    let order = Order {
        key: OrderKey {
            source: Source::parse(source).map_err(|e| e.to_string())?,
            order_id: OrderId::parse(order_id).map_err(|e| e.to_string())?,
        },
        account_id: AccountId::parse(string(item, "account_id")?).map_err(|e| e.to_string())?,
        contact_id: optional(item, "contact_id", string)?
            .map(|id| ContactId::parse(id).map_err(|e| e.to_string()))
            .transpose()?,
        placed_at: instant(item, "placed_at")?,
        currency: Currency::from_code(string(item, "currency")?).ok_or("unknown currency")?,
        lines: packed(item, "lines", pack::lines)?,
        shipping: optional(item, "shipping", integer)?.map(Minor),
        revision: optional(item, "revision", integer)?.unwrap_or(0),
        // Said once: what it has used stands beside it.
        no_codes: false,
        reservation: optional(item, RESERVATION, string)?
            .map(|id| ReservationId::parse(id).map_err(|e| e.to_string()))
            .transpose()?,
        points: optional(item, POINTS, integer)?.map(Points),
        payment_state: optional(item, PAYMENT_STATE, string)?
            .map(|name| PaymentState::parse(name).ok_or("unknown payment state"))
            .transpose()?,
        discount_codes: codes
            .split_ascii_whitespace()
            .map(|code| Code::parse(code).map_err(|e| e.to_string()))
            .collect::<Parsed<_>>()?,
    };
    let score = packed(item, "score", or_first(pack::score, pack::first_score))?;
    let history = optional(item, "history", |i, n| packed(i, n, |bytes| pack::history(bytes, &order.lines)))?;
    let first = |bytes: &[u8]| pack::first_history(bytes, &order.lines, score.points);
    let history =
        history.map_or_else(|| optional(item, FIRST_HISTORY, |i, n| packed(i, n, first)), |it| Ok(Some(it)))?;
    let uses = optional(item, USES, |i, n| packed(i, n, pack::uses))?;
    Ok(ScoredOrder {
        content_hash: packed(item, "hash", |bytes| bytes.try_into().map_err(|_| "not 32 bytes"))?,
        version: integer(item, "version")?,
        history: History { uses, ..history.unwrap_or_else(|| History::start(score.points)) },
        score,
        order: Arc::new(order),
    })
}

/// What stands under an order's key: the order, or what waits for it.
pub fn stored_order(item: &Item) -> Parsed<StoredOrder> {
    if item.contains_key("waiting") {
        return plain(item.clone()).map(|parked| StoredOrder::Parked(Box::new(parked)));
    }
    order(item).map(|scored| StoredOrder::Scored(Arc::new(scored)))
}

/// The item of a plain record: its key, its shape and its fields by name.
pub fn of_plain(mut key: Item, record: &impl Serialize) -> Result<Item, Fault> {
    let fields: Item = serde_dynamo::to_item(record).map_err(Fault::service)?;
    key.extend(fields);
    put(&mut key, [("v", number(SHAPE))]);
    Ok(key)
}

/// The plain record of an item.
pub fn plain<T: DeserializeOwned>(item: Item) -> Parsed<T> {
    serde_dynamo::from_item(item).map_err(|error| error.to_string())
}

/// The item of a credit note: what is packed and what is looked at by itself as attributes, the rest as one JSON
/// document.
pub fn of_credit_note(note: &CreditNote) -> Result<Item, Fault> {
    let mut item = keys::credit_note(&note.account_id, &note.return_id);
    let document = serde_json::to_string(note).map_err(Fault::service)?;
    put(
        &mut item,
        [
            ("v", number(SHAPE)),
            ("version", number(note.version)),
            ("hash", bytes(note.content_hash.to_vec())),
            ("lines", bytes(pack::pack_note_lines(&note.lines))),
            ("note", text(document)),
        ],
    );
    Ok(item)
}

/// The credit note of an item.
pub fn credit_note(item: &Item) -> Parsed<CreditNote> {
    let note: CreditNote = serde_json::from_str(string(item, "note")?).map_err(|error| error.to_string())?;
    Ok(CreditNote {
        version: integer(item, "version")?,
        content_hash: packed(item, "hash", |bytes| bytes.try_into().map_err(|_| "not 32 bytes"))?,
        lines: packed(item, "lines", pack::note_lines)?,
        ..note
    })
}

/// The item of an entry: what is looked at by itself as attributes, the rest as one JSON document.
pub fn of_entry(entry: &Entry) -> Result<Item, Fault> {
    let mut item = keys::entry(&entry.account_id, entry.sequence);
    let mut document = Vec::with_capacity(ENTRY_BYTES);
    serde_json::to_writer(&mut document, entry).map_err(Fault::service)?;
    let document = String::from_utf8(document).map_err(Fault::service)?;
    put(&mut item, [("v", number(SHAPE)), ("at", number(entry.at.as_ms())), ("entry", text(document))]);
    Ok(item)
}

/// The entry of an item.
pub fn entry(item: &Item) -> Parsed<Entry> {
    serde_json::from_str(string(item, "entry")?).map_err(|error| error.to_string())
}

/// The item of an invitation: its code is its sort key, since the partition is where all of them are listed.
pub fn of_invitation(invitation: &Invitation) -> Result<Item, Fault> {
    let mut item = keys::invitation(&invitation.code);
    let document = serde_json::to_string(invitation).map_err(Fault::service)?;
    put(&mut item, [("v", number(SHAPE)), ("version", number(invitation.version)), ("invitation", text(document))]);
    Ok(item)
}

/// The invitation of an item.
pub fn invitation(item: &Item) -> Parsed<Invitation> {
    serde_json::from_str(string(item, "invitation")?).map_err(|error| error.to_string())
}

/// The item of a record that nobody looks into but whoever reads it whole: one JSON document.
pub fn of_json(mut key: Item, record: &impl Serialize) -> Result<Item, Fault> {
    let document = serde_json::to_string(record).map_err(Fault::service)?;
    put(&mut key, [("v", number(SHAPE)), (DOCUMENT, text(document))]);
    Ok(key)
}

/// The record of such an item.
pub fn json<T: DeserializeOwned>(item: &Item) -> Parsed<T> {
    serde_json::from_str(string(item, DOCUMENT)?).map_err(|error| error.to_string())
}

/// The item of a shared code, likewise.
pub fn of_shared_code(code: &SharedCode) -> Result<Item, Fault> {
    let mut item = keys::shared_code(&code.code);
    let document = serde_json::to_string(code).map_err(Fault::service)?;
    put(&mut item, [("v", number(SHAPE)), ("version", number(code.version)), ("shared_code", text(document))]);
    Ok(item)
}

/// The shared code of an item.
pub fn shared_code(item: &Item) -> Parsed<SharedCode> {
    serde_json::from_str(string(item, "shared_code")?).map_err(|error| error.to_string())
}

/// The item of a claim.
pub fn of_claim(claim: &Claim) -> Item {
    let mut item = keys::claim(&claim.key);
    put(
        &mut item,
        [("v", number(SHAPE)), ("version", number(CLAIM_VERSION)), ("account_id", text(claim.account_id.as_str()))],
    );
    item
}

/// Who holds the claim of an item.
pub fn claim_holder(item: &Item) -> Parsed<AccountId> {
    AccountId::parse(string(item, "account_id")?).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests;
