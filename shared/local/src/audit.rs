//! Recomputing what is stored from what was written down: every balance from its entries, every open discount from
//! its records, every order and return against its entry, and the other way round; and where accounts are filed.
//!
//! Orders are read first, then each account and after it its entries, so a commit in between is no finding: what an
//! order tells of stands in the account's entries by then, and entries beyond the account as it was read are left out,
//! with what an order that had to be read again tells of them.

mod account;
mod activity;
mod filing;
mod gifts;
mod limits;
mod membership;
mod notes;
mod payments;
mod perks;
mod referrals;
mod rewards;
mod scores;
mod shared_codes;
mod stocks;
mod sums;
mod uses;

use crate::rekey::Judgement;
use crate::walk;
use account::Books;
use activity::Share;
use domain::account::Account;
use domain::code::Code;
use domain::credit_note::{CreditNote, State};
use domain::id::{AccountId, OrderKey};
use domain::money::{Overflow, Points};
use domain::parked::ParkedOrder;
use domain::returns::{ReturnKey, Returned};
use domain::schedule::Schedule;
use domain::score::{OrderGift, ScoredOrder};
use domain::time::Instant;
use filing::Walks;
use limits::Limits;
use payments::PaymentFacts;
use referrals::Referrals;
use runtime::App;
use shared_codes::SharedCodes;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use stocks::Stocks;
use store::{Consistency, Fault, LedgerRecord, Store, StoredOrder};

/// Most findings that are printed; the rest are counted.
const FINDINGS_PRINTED_MAX: usize = 100;

/// How long a return may wait for its order before somebody should look.
const PARKED_MS_MAX: i64 = Instant::DAY_MS.saturating_mul(30);

/// How long a credit note may be on its way before somebody should look.
const OPEN_MS_MAX: i64 = Instant::DAY_MS;

/// What an audit found.
#[derive(Debug, Default)]
pub struct Report {
    /// Accounts looked at.
    pub accounts: u64,
    /// Orders looked at.
    pub orders: u64,
    /// Entries looked at.
    pub entries: u64,
    /// Discounts looked at.
    pub discounts: u64,
    /// Points issued, by the entries: earned, given by hand, and taken over from another product.
    pub issued: i128,
    /// Points spent on rewards, by the entries.
    pub spent: i128,
    /// Points of these that were given back, by the entries.
    pub restored: i128,
    /// Points expired, by the entries.
    pub expired: i128,
    /// Points taken back, by the entries: reversed, taken by hand, and owed in another product.
    pub reversed: i128,
    /// Points held less points owed, by the stored state.
    pub outstanding: i128,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// What somebody should look at, though the books are right.
    pub notes: Vec<Finding>,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub subject: Subject,
    /// What.
    pub what: String,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An account, its entries and discounts.
    Account(AccountId),
    /// An order.
    Order(OrderKey),
    /// The whole program.
    Program,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::Account(id) => write!(f, "account {id}: {}", self.what),
            Subject::Order(key) => write!(f, "order {key}: {}", self.what),
            Subject::Program => write!(f, "program: {}", self.what),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accounts, orders, entries, discounts, .. } = self;
        writeln!(f, "{accounts} accounts, {orders} orders, {entries} entries, {discounts} discounts")?;
        let Self { issued, outstanding, expired, reversed, spent, restored, .. } = self;
        let (given_back, spent) = match (restored, spent) {
            (0, 0) => (String::new(), String::new()),
            (restored, spent) => (format!(" + {restored} restored"), format!(" + {spent} spent")),
        };
        writeln!(
            f,
            "points: {issued} issued{given_back} = {outstanding} outstanding{spent} + {expired} expired + {reversed} \
             reversed"
        )?;
        for note in self.notes.iter().take(FINDINGS_PRINTED_MAX) {
            writeln!(f, "  note: {note}")?;
        }
        let notes = self.notes.len().saturating_sub(FINDINGS_PRINTED_MAX);
        if notes > 0 {
            writeln!(f, "  and {notes} more notes")?;
        }
        for finding in self.findings.iter().take(FINDINGS_PRINTED_MAX) {
            writeln!(f, "  {finding}")?;
        }
        match self.findings.len() {
            0 => writeln!(f, "nothing found"),
            found @ ..=FINDINGS_PRINTED_MAX => writeln!(f, "{found} found"),
            found => {
                let more = found.saturating_sub(FINDINGS_PRINTED_MAX);
                writeln!(f, "  and {more} more\n{found} found")
            }
        }
    }
}

/// What an order says that its account's books must say, too.
struct OrderFacts {
    account_id: AccountId,
    entry: u64,
    points: Points,
    /// What it has earned by its newest statement, and what became of that: reversed, written off, lapsed.
    tally: [i128; 4],
    /// The latest entry that changed anything about it.
    touched_in: u64,
    /// The entry of its latest amendment.
    amended_entry: Option<u64>,
    revision: u64,
    codes: Vec<Code>,
    /// Points that are spent on it.
    spent: i128,
    returns: Vec<ReturnFacts>,
    /// What it brought besides its own points.
    gifts: Vec<OrderGift>,
    payment: Option<PaymentFacts>,
    /// Points that wait for its payment; `None`: the program version that it was scored under is not there.
    unpaid: Option<Points>,
    /// What it counts for; `None`: the program version that it was scored under is not there.
    share: Option<Result<Share, Overflow>>,
    /// An entry tells of it.
    told: bool,
}

/// The same of one of its returns, or its cancellation.
struct ReturnFacts {
    by: ReturnKey,
    entry: u64,
    /// An entry tells of it.
    told: bool,
}

impl OrderFacts {
    fn of(scored: &ScoredOrder, schedule: &Schedule) -> Self {
        let tally = scored.history.tally;
        let returns = scored.history.returns.iter().map(|returned| returned.entry);
        let entries = returns.chain(scored.history.amended.as_ref().map(|amended| amended.score.entry));
        let payment = PaymentFacts::of(scored);
        let entries = entries.chain(payment.map(|payment| payment.entry));
        let version = schedule.version(scored.score.program_version);
        let returned = |back: &Returned| ReturnFacts { by: back.key.clone(), entry: back.entry, told: false };
        Self {
            account_id: scored.order.account_id.clone(),
            entry: scored.score.entry,
            points: scored.score.points,
            tally: [tally.earned, tally.reversed, tally.unrecovered, tally.lapsed].map(|points| points.0.into()),
            touched_in: entries.chain([scored.score.entry]).max().unwrap_or(0),
            amended_entry: scored.history.amended.as_ref().map(|amended| amended.score.entry),
            revision: scored.order.revision,
            codes: scored.codes_in_use().to_vec(),
            spent: scored.history.uses.iter().flat_map(|uses| &uses.spent).map(|part| i128::from(part.points.0)).sum(),
            returns: scored.history.returns.iter().map(returned).collect(),
            gifts: scored.gifts().cloned().collect(),
            payment,
            unpaid: version.and_then(|version| scored.unpaid(&version.program).ok()),
            share: Share::of(scored, schedule),
            told: false,
        }
    }

    fn returned(&mut self, by: &ReturnKey) -> Option<&mut ReturnFacts> {
        self.returns.iter_mut().find(|back| back.by == *by)
    }

    /// What it tells of and no entry does.
    fn untold(&self) -> Vec<String> {
        let account = &self.account_id;
        let order = (!self.told).then(|| format!("no entry {} of account {account} is for it", self.entry));
        let returns = self.returns.iter().filter(|back| !back.told).map(|back| {
            let (what, entry) = (account::reversal(&back.by), back.entry);
            format!("no entry {entry} of account {account} is for its {what}")
        });
        let payment = self.payment.filter(|payment| !payment.told);
        let payment =
            payment.map(|payment| format!("no entry {} of account {account} is for its payment", payment.entry));
        order.into_iter().chain(returns).chain(payment).collect()
    }
}

/// Checks everything that is stored. `now` decides what has waited too long.
pub async fn run(app: &App, now: Instant) -> Result<Report, runtime::Fault> {
    let (store, mut report) = (app.store(), Report::default());
    let schedule = app.schedule().await?;
    let walks = Walks::read(store, schedule.clone(), now).await?;
    let mut limits = Limits::read(store, &schedule).await?;
    let mut orders: HashMap<OrderKey, OrderFacts> = HashMap::new();
    walk::orders(store, |stored| match stored {
        StoredOrder::Scored(scored) => {
            report.note_excess(&scored);
            report.find_in(&scored, &schedule);
            if limits.note(&scored, &schedule).is_err() {
                report
                    .find(Subject::Order(scored.order.key.clone()), "it was given more than can be counted".to_owned());
            }
            orders.insert(scored.order.key.clone(), OrderFacts::of(&scored, &schedule));
        }
        StoredOrder::Parked(parked) => report.note_parked(&parked, now),
    })
    .await?;
    let mut accounts: BTreeMap<AccountId, Account> = BTreeMap::new();
    walk::accounts(store, |account| {
        accounts.insert(account.id.clone(), account);
        Ok::<_, Fault>(())
    })
    .await?;
    let mut referrals = Referrals::default();
    let mut stocks = Stocks::read(store, &schedule).await?;
    let mut shared_codes = SharedCodes::read(store).await?;
    let mut judgement = Judgement::default();
    for account in accounts.values() {
        limits.check_account(account, &mut report);
        let records = store.ledger_of(&account.id).await?;
        read_newer_orders(store, &schedule, account, &records, &mut orders).await?;
        for record in &records {
            match record {
                LedgerRecord::CreditNote(note) => report.note_open(note, now),
                LedgerRecord::Profile(profile) => judgement.note(profile, app.secrets()),
                _ => {}
            }
        }
        referrals.note(&account.id, &records);
        stocks.note(&records);
        shared_codes.note(&account.id, &records, &mut report);
        Books::new(account, &records).check(&mut orders, &schedule, &mut report);
    }
    walks.check(store, accounts.values(), &mut report).await?;
    referrals.check(store, &accounts, &mut report).await?;
    limits.check(store, &mut report).await?;
    stocks.check(store, &mut report).await?;
    shared_codes.check(store, &mut report).await?;
    let doubts = judgement.doubts(app.secrets());
    doubts.iter().for_each(|doubt| report.find(Subject::Program, doubt.to_string()));
    for (key, facts) in &orders {
        let found = match accounts.contains_key(&facts.account_id) {
            true => facts.untold(),
            false => vec![format!("its account {} does not exist", facts.account_id)],
        };
        found.into_iter().for_each(|what| report.find(Subject::Order(key.clone()), what));
    }
    report.orders = u64::try_from(orders.len()).unwrap_or(u64::MAX);
    let gone = report.expired.saturating_add(report.reversed).saturating_add(report.spent);
    if report.issued.checked_add(report.restored) != report.outstanding.checked_add(gone) {
        let what = "points issued and restored differ from outstanding + spent + expired + reversed";
        report.find(Subject::Program, what.to_owned());
    }
    report.findings.sort_by_key(ToString::to_string);
    Ok(report)
}

/// Orders that were scored, given back or paid after the orders were read.
async fn read_newer_orders(
    store: &Store,
    schedule: &Schedule,
    account: &Account,
    records: &[LedgerRecord],
    orders: &mut HashMap<OrderKey, OrderFacts>,
) -> Result<(), Fault> {
    for record in records {
        let LedgerRecord::Entry(entry) = record else { continue };
        if entry.sequence > account.version {
            continue;
        }
        let Some(key) = account::order_of(entry) else { continue };
        let known = orders.get_mut(key).is_some_and(|facts| {
            let returned = account::returned_in(entry).all(|(_, by)| facts.returned(by).is_some());
            let paid = payments::paid_in(entry).next().is_none() || facts.payment.is_some();
            returned && paid && account::amended_by(entry).is_none_or(|revision| revision <= facts.revision)
        });
        if !known && let Some(StoredOrder::Scored(scored)) = store.order(key, Consistency::Strong).await? {
            let mut facts = OrderFacts::of(&scored, schedule);
            facts.returns.retain(|back| back.entry <= account.version);
            facts.payment = facts.payment.filter(|payment| payment.entry <= account.version);
            orders.insert(key.clone(), facts);
        }
    }
    Ok(())
}

impl Report {
    /// Returns, and a payment, that have waited for their order for too long.
    fn note_parked(&mut self, parked: &ParkedOrder, now: Instant) {
        let returns = parked.waiting.iter().map(|waiting| waiting.parked_at);
        let payment = parked.payment.as_ref().map(|payment| payment.parked_at);
        let Some(first) = returns.chain(payment).min() else { return };
        if first.plus_ms(PARKED_MS_MAX) <= now {
            let paid = if payment.is_some() { " and its payment" } else { "" };
            let what = format!("{} returns{paid} wait for it, the first since {first}", parked.waiting.len());
            self.notes.push(Finding { subject: Subject::Order(parked.key.clone()), what });
        }
    }

    /// Credit notes that should have been done long ago: whoever states one of the account again finishes them.
    fn note_open(&mut self, note: &CreditNote, now: Instant) {
        if note.state != State::Done && note.decided_at.plus_ms(OPEN_MS_MAX) <= now {
            let (id, since) = (&note.return_id, note.decided_at);
            let what = format!("credit note {id} is not done, and nothing has become of it since {since}");
            self.notes.push(Finding { subject: Subject::Account(note.account_id.clone()), what });
        }
    }

    /// Returns that stated more units than the order had left.
    fn note_excess(&mut self, scored: &ScoredOrder) {
        // What comes back after the cancellation is nothing to look at: all of it was taken back then.
        let before_its_end = scored.history.returns.iter().take_while(|back| back.key != ReturnKey::Cancellation);
        let excess = before_its_end.map(|returned| returned.excess_units).fold(0, u64::saturating_add);
        if excess > 0 {
            let what = format!("{excess} units came back beyond what was left of it");
            self.notes.push(Finding { subject: Subject::Order(scored.order.key.clone()), what });
        }
    }

    /// What an order earned is not what it comes to.
    fn find_in(&mut self, scored: &ScoredOrder, schedule: &Schedule) {
        for what in scores::check(scored, schedule) {
            self.find(Subject::Order(scored.order.key.clone()), what);
        }
    }

    fn find(&mut self, subject: Subject, what: String) {
        self.findings.push(Finding { subject, what });
    }
}

#[cfg(test)]
mod tests;
