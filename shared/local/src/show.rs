//! Everything that is stored about an account, for a person at a terminal.

mod entry;
mod item;
mod rewards;

use domain::account::Account;
use domain::activity::MonthActivity;
use domain::code::KeyedHash;
use domain::counters::Counter;
use domain::credit_note::{CreditNote, State};
use domain::discount::Discount;
use domain::erasure::Erasure;
use domain::hold::Hold;
use domain::id::{AccountId, ContactId};
use domain::idempotency::CommandKey;
use domain::ledger::Entry;
use domain::membership::{Admission, Contact, Membership, PaidPeriod, Profile};
use domain::money::{self, Currency, Minor, Overflow, Percent, Points};
use domain::occasions::{Birthdays, Celebrated, Past};
use domain::perks::PerkUses;
use domain::referral::CodeHolder;
use domain::shared_code::SharedUses;
use domain::time::{Instant, Month};
use runtime::{App, Fault};
use serde::Serialize;
use std::fmt::{self, Display, Write};
use store::{Consistency, LedgerRecord};

/// Why an account cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// There is none.
    #[error("there is no account {0}")]
    Unknown(AccountId),
    /// A sum does not fit.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// The tables could not be read.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<store::Fault> for ShowError {
    fn from(fault: store::Fault) -> Self {
        Self::Fault(fault.into())
    }
}

/// The account as it is stored, with its latest entries.
pub async fn account(app: &App, id: &AccountId, entries: usize) -> Result<String, ShowError> {
    let store = app.store();
    let account = store.account(id, Consistency::Strong).await?.ok_or_else(|| ShowError::Unknown(id.clone()))?;
    let bytes = item::account_bytes(app, id).await?;
    let currency = app.schedule().await?.at(account.last_decided).program.currency;
    let records = store.ledger_of(id).await?;
    let mut page = Page::default();
    state(&mut page, &account, bytes, currency)?;
    months(&mut page, account.activity.months(), currency);
    points(&mut page, &account)?;
    holds(&mut page, &account);
    counters(&mut page, &account);
    let mut latest = Vec::new();
    let mut discounts = Vec::new();
    let mut redemptions = Vec::new();
    let mut commands = Vec::new();
    let mut notes = Vec::new();
    let mut codes = Vec::new();
    let mut shared = Vec::new();
    let is_profile = |record: &&LedgerRecord| matches!(record, LedgerRecord::Profile(_));
    for record in records.iter().filter(is_profile).chain(records.iter().filter(|record| !is_profile(record))) {
        match record {
            LedgerRecord::Profile(profile) => self::profile(&mut page, profile),
            LedgerRecord::Contact(contact) => self::contact(&mut page, contact),
            LedgerRecord::Erasure(erasure) => self::erasure(&mut page, erasure),
            LedgerRecord::PerkUses(uses) => perk_uses(&mut page, uses),
            LedgerRecord::RewardUses(uses) => rewards::uses(&mut page, uses),
            LedgerRecord::RewardRedemption(redemption) => redemptions.push(&**redemption),
            LedgerRecord::Discount(discount) => discounts.push(&**discount),
            LedgerRecord::Entry(entry) => latest.push(&**entry),
            // An opening's answer is what its entry says.
            LedgerRecord::Command(command) if command.key == CommandKey::opening() => {}
            LedgerRecord::Command(command) => commands.push(&**command),
            LedgerRecord::CreditNote(note) => notes.push(&**note),
            LedgerRecord::CodeHolder(holder) => codes.push(&**holder),
            LedgerRecord::SharedUses(uses) => shared.push(&**uses),
        }
    }
    discounts.sort_by_key(|discount| discount.issued_at);
    self::discounts(&mut page, &account, &discounts);
    shared_uses(&mut page, &shared);
    rewards::redemptions(&mut page, &account, &redemptions);
    referrals(&mut page, &account, &codes);
    credit_notes(&mut page, notes);
    latest.sort_by_key(|entry| std::cmp::Reverse(entry.sequence));
    self::entries(&mut page, &latest, entries);
    if !commands.is_empty() {
        page.section("commands with an Idempotency-Key");
        for command in commands {
            page.line(format_args!("  {}  {}", command.key.as_str(), command.answer));
        }
    }
    Ok(page.0)
}

/// Text with sections and named values.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, content: fmt::Arguments<'_>) {
        // Writing to a `String` cannot fail.
        let _ = writeln!(self.0, "{content}");
    }

    fn section(&mut self, title: &str) {
        self.line(format_args!("\n{title}"));
    }

    fn value(&mut self, name: &str, value: impl Display) {
        self.line(format_args!("  {name:<20} {value}"));
    }
}

fn amount(amount: Minor, currency: Currency) -> String {
    money::format_money(amount, currency)
}

/// The name that a value has in documents.
fn name(value: &impl Serialize) -> String {
    let document = serde_json::to_value(value).unwrap_or_default();
    document.as_str().map(str::to_owned).unwrap_or_else(|| document.to_string())
}

fn state(page: &mut Page, account: &Account, bytes: usize, currency: Currency) -> Result<(), Overflow> {
    page.line(format_args!("account {}  ({bytes} bytes, version {})\n", account.id, account.version));
    page.value("status", account.status.name());
    page.value("tier", format_args!("{} since {}", account.tier, account.tier_since));
    if !account.segments.is_empty() {
        let segments: Vec<_> = account.segments.iter().map(|segment| segment.as_str()).collect();
        page.value("segments", segments.join(", "));
    }
    membership(page, account);
    page.value("joined", account.joined_at);
    page.value("last decided", account.last_decided);
    if let Some((first, last)) = account.first_purchase.zip(account.last_purchase) {
        page.value("purchases", format_args!("first {first}, latest {last}"));
    }
    if let Some(due) = account.due {
        page.value("due", format_args!("{} (filed under {})", due.at, due.day));
    }
    occasions(page, &account.occasions);
    let life = &account.lifetime;
    page.section("lifetime");
    page.value("orders, units", format_args!("{}, {}", life.orders, life.units));
    page.value("purchase days", life.purchase_days);
    page.value("revenue", format_args!("{} {}", amount(life.revenue, currency), currency.code()));
    page.value("eligible", format_args!("{} {}", amount(life.eligible, currency), currency.code()));
    page.value("points", format_args!("{} earned, {} expired, {} reversed", life.earned, life.expired, life.reversed));
    page.value("besides orders", format_args!("{} given, {} taken", life.credited, life.deducted));
    let (returned, unmatched) = (life.returned_units, life.unmatched_units);
    page.value("returned", format_args!("{returned} units, {} points unrecovered", life.unrecovered));
    if unmatched > 0 {
        page.value("unmatched", format_args!("{unmatched} units of credit notes"));
    }
    if life.gone_before != Points::ZERO {
        page.value("before", format_args!("{} points earned and gone before it was opened here", life.gone_before));
    }
    let off = amount(life.discount_value, currency);
    let (issued, used) = (life.discounts_issued, life.discounts_used);
    page.value("discounts", format_args!("{issued} issued, {used} used, {off} {} off", currency.code()));
    page.value("tier changes", format_args!("{} up, {} down by a review", life.upgrades, life.downgrades));
    Ok(())
}

fn membership(page: &mut Page, account: &Account) {
    let Membership { admission, paid, excluded_from } = &account.membership;
    match admission {
        Admission::Admitted => {}
        Admission::Applied { since } => page.value("membership", format_args!("applied {since}")),
        Admission::Rejected { since } => page.value("membership", format_args!("rejected {since}")),
    }
    if let Some(PaidPeriod { since, until, lapses_at, lapsed_at, .. }) = paid {
        let lapses = match lapsed_at {
            Some(at) => format!("lapsed {at}"),
            None => format!("lapses {lapses_at}"),
        };
        page.value("paid", format_args!("from {since} until {until}, {lapses}"));
    }
    if !excluded_from.is_empty() {
        let named: Vec<_> = excluded_from.iter().map(|one| one.name()).collect();
        page.value("excluded from", named.join(", "));
    }
}

fn occasions(page: &mut Page, past: &Past) {
    if let Some(through) = past.through {
        page.value("occasions over", format_args!("up to {through}"));
    }
    match past.birthdays {
        Birthdays::Unknown => {}
        Birthdays::Nobody => page.value("birthdays", "none known"),
        Birthdays::From(day) => page.value("birthdays", format_args!("the next on {day} or later")),
    }
    if let Some(Celebrated { year, contacts }) = past.celebrated {
        page.value("celebrated", format_args!("{contacts} of {year}"));
    }
}

fn months(page: &mut Page, months: &[MonthActivity], currency: Currency) {
    if months.is_empty() {
        return;
    }
    page.section("activity");
    page.line(format_args!(
        "  {:<8}{:>7}{:>9}{:>15}{:>15}{:>11}{:>11}{:>12}  days",
        "month", "orders", "units", "revenue", "eligible", "earned", "discounts", "off"
    ));
    for month in months {
        let days: Vec<_> = (1..=31_u32)
            .filter(|day| month.purchase_days >> day.saturating_sub(1) & 1 == 1)
            .map(|d| d.to_string())
            .collect();
        page.line(format_args!(
            "  {:<8}{:>7}{:>9}{:>15}{:>15}{:>11}{:>11}{:>12}  {}",
            month.month.to_string(),
            month.orders,
            month.units,
            amount(month.revenue, currency),
            amount(month.eligible, currency),
            month.earned,
            month.discounts_used,
            amount(month.discount_value, currency),
            days.join(" ")
        ));
    }
}

fn points(page: &mut Page, account: &Account) -> Result<(), Overflow> {
    let holdings = &account.holdings;
    page.section(&format!("points: {} available, {} pending", holdings.available()?, holdings.waiting()?));
    if holdings.debt() > Points::ZERO {
        page.line(format_args!("  {:>12} owed, repaid by the next earnings", holdings.debt()));
    }
    if holdings.pending_debt() > Points::ZERO {
        page.line(format_args!("  {:>12} of them by the next orders only", holdings.pending_debt()));
    }
    if holdings.unpaid() > Points::ZERO {
        page.line(format_args!("  {:>12} pending, until their orders are paid", holdings.unpaid()));
    }
    for wait in holdings.pending() {
        let (at, end) = (wait.available_at, ending(wait.expires_at, wait.inactivity_months));
        page.line(format_args!("  {:>12} pending, from {at}, {end}", wait.points));
    }
    for lot in holdings.lots() {
        page.line(format_args!("  {:>12} {}", lot.points, ending(lot.expires_at, lot.inactivity_months)));
    }
    Ok(())
}

/// What rules gave it that are capped per account and period.
fn counters(page: &mut Page, account: &Account) {
    if !account.counters.all().is_empty() {
        page.section("counted for caps");
    }
    for Counter { key, used } in account.counters.all() {
        let month = |period: i32| Month(period.saturating_mul(key.months.into()));
        let of = match key.months {
            0 => "ever".to_owned(),
            1 => month(key.period).to_string(),
            months => format!("{months} months from {}", month(key.period)),
        };
        page.line(format_args!("  {:>12} points on {} orders by {}, {of}", used.points, used.times, key.rule));
    }
}

/// When points end.
fn ending(expires_at: Instant, inactivity_months: Option<u16>) -> String {
    match inactivity_months {
        _ if expires_at.is_never() => "do not end".to_owned(),
        None => format!("end at {expires_at}"),
        Some(months) => format!("end at {expires_at}, {months} months after the last activity"),
    }
}

fn erasure(page: &mut Page, erasure: &Erasure) {
    page.section("personal data");
    page.value("erased from", format_args!("{} on, by entry {}", erasure.begun_at, erasure.entry));
    page.value("nothing left", erasure.erased_at.map_or("not yet".to_owned(), |at| format!("since {at}")));
}

fn profile(page: &mut Page, profile: &Profile) {
    page.section("profile");
    page.value("name", &profile.name);
    if let Some(email) = &profile.email {
        page.value("e-mail", name(email));
    }
    if let Some(country) = profile.country {
        page.value("country", country.as_str());
    }
    if let Some(vat_id) = &profile.vat_id {
        page.value("VAT id", name(vat_id));
    }
    for (kept, hash) in [("phone", profile.phone), ("address", profile.address)] {
        if let Some(hash) = hash {
            page.value(kept, keyed(hash));
        }
    }
    for claim in &profile.claims {
        page.value("claim", format_args!("{} {}", claim.field.name(), keyed(claim.keyed)));
    }
    page.value("version", profile.version);
}

/// Enough of a keyed hash to tell it from others.
fn keyed(KeyedHash { secret, hash }: KeyedHash) -> String {
    let hash = hash.to_string();
    format!("under secret {secret}: {}...", hash.get(..12).unwrap_or(&hash))
}

fn contact(page: &mut Page, contact: &Contact) {
    let document = &contact.document;
    page.section(&format!("contact {}", contact.contact_id));
    page.value("name", &document.name);
    page.value("role, locale", format_args!("{}, {}", name(&document.role), document.locale));
    if let Some(email) = &document.email {
        page.value("e-mail", name(email));
    }
    if let Some(birthday) = &document.birthday {
        page.value("birthday", birthday);
    }
    if let Some(year) = contact.celebrated {
        page.value("birthdays over", format_args!("up to that of {year}"));
    }
    page.value("version", contact.version);
}

fn perk_uses(page: &mut Page, uses: &PerkUses) {
    page.section("perks");
    for counter in &uses.counters {
        page.value(counter.perk.as_str(), format_args!("{} used, the latest on {}", counter.used, counter.latest));
    }
    for bought in &uses.bought {
        page.value(bought.perk.as_str(), format_args!("{} bought uses left", bought.left));
    }
}

fn holds(page: &mut Page, account: &Account) {
    if account.holds.is_empty() {
        return;
    }
    page.section("holds");
    for Hold { entry, until, points, codes } in &account.holds {
        let codes: Vec<_> = codes.iter().map(|code| format!(", {code}")).collect();
        page.line(format_args!("of entry {entry} until {until}: {points} points{}", codes.concat()));
    }
}

fn discounts(page: &mut Page, account: &Account, discounts: &[&Discount]) {
    if discounts.is_empty() {
        return;
    }
    page.section("discounts");
    for discount in discounts {
        let percent = money::format_trimmed(discount.percent.0, Percent::DECIMALS);
        let open = account.discounts.iter().any(|open| open.code == discount.code);
        let status = match &discount.used_by {
            Some(order) => format!("used by {order}"),
            None if open => format!("open until {}", discount.expires_at),
            None if discount.void => "withdrawn".to_owned(),
            None => format!("ended {}", discount.expires_at),
        };
        let (code, rule, issued_by) = (&discount.code, &discount.rule, &discount.issued_by);
        page.line(format_args!("  {code}  {percent} %  {rule}  by {issued_by}  {status}"));
    }
}

fn shared_uses(page: &mut Page, uses: &[&SharedUses]) {
    if !uses.is_empty() {
        page.section("shared codes");
    }
    for SharedUses { code, used, .. } in uses {
        page.value(code.as_str(), format_args!("{used} used"));
    }
}

fn referrals(page: &mut Page, account: &Account, codes: &[&CodeHolder]) {
    if codes.is_empty() && account.referral.is_none() {
        return;
    }
    page.section("referrals");
    if let Some(referral) = &account.referral {
        page.value("came by", format_args!("{}  {}", referral.key, referral.stage));
    }
    for holder in codes {
        let whose = holder.contact_id.as_ref().map_or("of the account", ContactId::as_str);
        page.value("code", format_args!("{}  {whose}", holder.referral_code));
    }
    if !codes.is_empty() {
        page.value("rewarded for", account.referrals_rewarded);
    }
}

fn credit_notes(page: &mut Page, mut notes: Vec<&CreditNote>) {
    if notes.is_empty() {
        return;
    }
    page.section("credit notes");
    notes.sort_by_key(|note| (note.stated_at, note.return_id.as_str()));
    for note in notes {
        let state = match note.state {
            State::Waiting => "waits",
            State::Open => "open",
            State::Done => "done",
        };
        let (id, stated, by, units) = (&note.return_id, second(note.stated_at), &note.by, note.units());
        let (left, reversed) = (note.units_left(), note.outcome.reversed);
        let matched = units.saturating_sub(left);
        page.line(format_args!(
            "  {id}  {stated}  {state}  {matched} of {units} units matched, {reversed} points reversed  by {by}"
        ));
    }
}

fn entries(page: &mut Page, entries: &[&Entry], most: usize) {
    let shown = entries.len().min(most);
    page.section(&format!("entries: the latest {shown} of {}", entries.len()));
    for entry in entries.iter().take(most) {
        page.line(format_args!(
            "  {:>5}  {}  {:>+9}  = {:>9}  {}  by {}, program {}",
            entry.sequence,
            second(entry.at),
            entry.points.0,
            entry.balance,
            entry::cause(&entry.cause),
            entry.by,
            entry.program_version
        ));
        for change in &entry.changes {
            page.line(format_args!("         {}", entry::change(change)));
        }
    }
}

fn second(at: Instant) -> String {
    let text = at.to_string();
    text.split_once('.').map_or(text.clone(), |(whole, _)| format!("{whole}Z"))
}

#[cfg(test)]
mod tests;
