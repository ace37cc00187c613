//! The books of one account.

use super::rewards::{self, Redeemed};
use super::sums::Sums;
use super::{OrderFacts, Report, Subject, activity, gifts, membership, notes, payments, perks, shared_codes, uses};
use domain::account::Account;
use domain::code::Code;
use domain::credit_note::CreditNote;
use domain::discount::Discount;
use domain::id::OrderKey;
use domain::ledger::{Cause, Change, DiscountChange, Entry, OrderChange, PointsChange};
use domain::money::Points;
use domain::perks::PerkUses;
use domain::returns::ReturnKey;
use domain::schedule::Schedule;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use store::LedgerRecord;

/// The order that an entry is for.
pub(super) fn order_of(entry: &Entry) -> Option<&OrderKey> {
    match &entry.cause {
        Cause::OrderPlaced { order }
        | Cause::OrderReturned { order, .. }
        | Cause::OrderCancelled { order }
        | Cause::OrderAmended { order, .. }
        | Cause::OrderPaid { order } => Some(order),
        Cause::CreditNote { .. } => entry.changes.iter().find_map(|change| match change {
            Change::Order(OrderChange::Returned { order, .. }) => Some(order),
            _ => None,
        }),
        Cause::Adjustment
        | Cause::Opening
        | Cause::AccountPut
        | Cause::Erasure
        | Cause::Membership
        | Cause::MembershipPayment
        | Cause::ContactPut { .. }
        | Cause::ReferralCode { .. }
        | Cause::Referral { .. }
        | Cause::PerkUse { .. }
        | Cause::TierPut
        | Cause::RewardRedeemed { .. }
        | Cause::RewardCancelled { .. }
        | Cause::Reserved { .. }
        | Cause::ReservationReleased { .. }
        | Cause::Walked => None,
    }
}

/// The order that an entry was made for by placing it.
pub(super) fn placed_in(entry: &Entry) -> Option<&OrderKey> {
    order_of(entry).filter(|_| matches!(entry.cause, Cause::OrderPlaced { .. }))
}

/// The returns, and the cancellation, that an entry tells of and was made for: by a command of their own, by a credit
/// note, or by placing the order that they had waited for.
pub(super) fn returned_in(entry: &Entry) -> impl Iterator<Item = (&OrderKey, &ReturnKey)> {
    entry.changes.iter().filter_map(|change| match (change, &entry.cause) {
        (Change::Order(OrderChange::Returned { order, by, .. }), cause) if order_of(entry) == Some(order) => {
            let is_cause = match cause {
                Cause::OrderReturned { return_id, .. } => *by == ReturnKey::Return(return_id.clone()),
                Cause::OrderCancelled { .. } => *by == ReturnKey::Cancellation,
                Cause::CreditNote { credit_note_id } => *by == ReturnKey::CreditNote(credit_note_id.clone()),
                _ => true,
            };
            is_cause.then_some((order, by))
        }
        _ => None,
    })
}

/// The revision that an entry brought its order to.
pub(super) fn amended_by(entry: &Entry) -> Option<u64> {
    match entry.cause {
        Cause::OrderAmended { revision, .. } => Some(revision),
        _ => None,
    }
}

/// What an order earned, and what became of that: earned, reversed, written off, lapsed.
type Points4 = [i128; 4];

/// By how much an entry changed the tally of its own order.
fn tallied(entry: &Entry) -> Points4 {
    let order = order_of(entry);
    let of_change = |change: &Change| match change {
        Change::Order(OrderChange::Scored { order: scored, points, .. }) if Some(scored) == order => {
            [points.0, 0, 0, 0]
        }
        Change::Points(PointsChange::Amended { earned, reversed, unrecovered, lapsed, .. }) => {
            [earned.0, reversed.0, unrecovered.0, lapsed.0]
        }
        Change::Points(PointsChange::Reversed { points, unrecovered, lapsed, .. }) => {
            [0, points.0, unrecovered.0, lapsed.0]
        }
        _ => [0; 4],
    };
    entry.changes.iter().map(of_change).fold([0; 4], |sum, points| plus(sum, points.map(i128::from)))
}

fn plus(one: Points4, other: Points4) -> Points4 {
    let mut sum = one;
    sum.iter_mut().zip(other).for_each(|(sum, more)| *sum = sum.saturating_add(more));
    sum
}

/// What a return is called.
pub(super) fn reversal(by: &ReturnKey) -> String {
    match by {
        ReturnKey::Return(id) => format!("return {id}"),
        ReturnKey::CreditNote(id) => format!("credit note {id}"),
        ReturnKey::Cancellation => "cancellation".to_owned(),
    }
}

/// An account as it was read, with its entries up to then and its discounts.
pub(super) struct Books<'a> {
    account: &'a Account,
    entries: Vec<&'a Entry>,
    discounts: BTreeMap<&'a Code, &'a Discount>,
    notes: BTreeMap<&'a str, &'a CreditNote>,
    perk_uses: Option<&'a PerkUses>,
    redeemed: Redeemed<'a>,
    /// Codes whose use an entry tells of, in entries up to now.
    used_by_now: BTreeSet<&'a Code>,
}

impl<'a> Books<'a> {
    pub(super) fn new(account: &'a Account, records: &'a [LedgerRecord]) -> Self {
        let mut books = Self {
            account,
            entries: Vec::new(),
            discounts: BTreeMap::new(),
            notes: BTreeMap::new(),
            perk_uses: None,
            redeemed: Redeemed::default(),
            used_by_now: BTreeSet::new(),
        };
        for record in records {
            match record {
                LedgerRecord::Entry(entry) => books.entries.push(entry),
                LedgerRecord::Discount(discount) => drop(books.discounts.insert(&discount.code, discount)),
                LedgerRecord::PerkUses(uses) => books.perk_uses = Some(uses),
                LedgerRecord::RewardUses(uses) => books.redeemed.uses = Some(uses),
                LedgerRecord::RewardRedemption(redemption) => {
                    books.redeemed.redemptions.insert(redemption.redemption_id, redemption);
                }
                LedgerRecord::CreditNote(note) => drop(books.notes.insert(note.return_id.as_str(), note)),
                LedgerRecord::Profile(_)
                | LedgerRecord::Erasure(_)
                | LedgerRecord::Contact(_)
                | LedgerRecord::Command(_)
                | LedgerRecord::CodeHolder(_)
                | LedgerRecord::SharedUses(_) => {}
            }
        }
        books.entries.sort_by_key(|entry| entry.sequence);
        for change in books.entries.iter().flat_map(|entry| &entry.changes) {
            match change {
                Change::Discount(DiscountChange::Used { code, .. }) => drop(books.used_by_now.insert(code)),
                Change::Discount(DiscountChange::Released { code, .. }) => drop(books.used_by_now.remove(code)),
                _ => {}
            }
        }
        books.entries.retain(|entry| entry.sequence <= account.version);
        books
    }

    pub(super) fn check(&self, orders: &mut HashMap<OrderKey, OrderFacts>, schedule: &Schedule, report: &mut Report) {
        let mut found = Vec::new();
        self.check_sequence(&mut found);
        let sums = self.check_entries(&mut found);
        self.check_points(&sums, &mut found);
        self.check_discounts(&sums, orders, &mut found);
        let others = found.len();
        self.check_orders(sums.past_orders, orders, &mut found);
        self.check_returns(orders, &mut found);
        uses::check(self.account, &self.entries, orders, &mut found);
        if found.len() == others {
            // An order that is not what its entries say comes to something else, too.
            let placed = self.entries.iter().filter_map(|entry| placed_in(entry));
            activity::check(self.account, &self.entries, placed, orders, &mut found);
        }
        notes::check(self.account, &self.entries, &self.notes, &mut found);
        membership::check(self.account, &self.entries, &mut found);
        perks::check(self.account, &self.entries, self.perk_uses, &mut found);
        gifts::check(self.account, &self.entries, orders, &mut found);
        payments::check(self.account, &self.entries, orders, &mut found);
        rewards::check(self.account, &self.entries, &self.redeemed, schedule, &mut found);
        let subject = Subject::Account(self.account.id.clone());
        found.into_iter().for_each(|what| report.find(subject.clone(), what));
        report.accounts = report.accounts.saturating_add(1);
        report.entries = report.entries.saturating_add(size(self.entries.len()));
        report.discounts = report.discounts.saturating_add(size(self.discounts.len()));
        report.issued = report.issued.saturating_add(sums.earned).saturating_add(sums.credited);
        report.issued = report.issued.saturating_add(sums.opened);
        report.restored = report.restored.saturating_add(sums.restored);
        report.spent = report.spent.saturating_add(sums.spent);
        report.reversed = report.reversed.saturating_add(sums.reversed).saturating_add(sums.deducted);
        report.expired = report.expired.saturating_add(sums.expired);
        report.outstanding = report.outstanding.saturating_add(self.held());
    }

    /// Points in the stored state, less those owed.
    fn held(&self) -> i128 {
        let holdings = &self.account.holdings;
        let lots = holdings.lots().iter().map(|lot| lot.points);
        let waits = holdings.pending().iter().map(|wait| wait.points).chain([holdings.unpaid()]);
        let held = total(lots.chain(waits));
        held.saturating_sub(holdings.debt().0.into())
    }

    /// Entries are 1, 2, 3 ... up to the account's version.
    fn check_sequence(&self, found: &mut Vec<String>) {
        let stored: BTreeSet<u64> = self.entries.iter().map(|entry| entry.sequence).collect();
        let missing: Vec<_> = (1..=self.account.version).filter(|sequence| !stored.contains(sequence)).collect();
        if let Some(first) = missing.first() {
            found.push(format!("{} entries are missing, the first is {first}", missing.len()));
        }
        if stored.contains(&0) {
            found.push("there is an entry 0".to_owned());
        }
    }

    /// Each entry's points are those of its changes, its balance the sum so far.
    fn check_entries(&self, found: &mut Vec<String>) -> Sums<'a> {
        let mut sums = Sums::default();
        for entry in &self.entries {
            let mut changed = 0_i128;
            for change in &entry.changes {
                changed = changed.saturating_add(sums.add(change));
            }
            sums.points = sums.points.saturating_add(changed);
            if changed != i128::from(entry.points.0) {
                found.push(format!("entry {}: {} points, its changes make {changed}", entry.sequence, entry.points));
            }
            let held = i128::from(entry.balance.0).saturating_add(entry.pending.0.into());
            if sums.points != held {
                let (sequence, sum) = (entry.sequence, sums.points);
                found.push(format!("entry {sequence}: balance and pending {held}, the sum so far is {sum}"));
            }
        }
        sums
    }

    fn check_points(&self, sums: &Sums<'_>, found: &mut Vec<String>) {
        let life = &self.account.lifetime;
        for (name, stored, by_entries) in [
            ("points held", self.held(), sums.points),
            ("lifetime points earned", i128::from(life.earned.0), sums.earned.saturating_add(sums.past_earned)),
            ("lifetime points given by hand or for referrals", i128::from(life.credited.0), sums.credited),
            ("lifetime points expired", i128::from(life.expired.0), sums.expired),
            ("lifetime points reversed", i128::from(life.reversed.0), sums.reversed),
            ("lifetime points written off", i128::from(life.unrecovered.0), sums.unrecovered),
            ("lifetime points taken by hand or for referrals", i128::from(life.deducted.0), sums.deducted),
            ("lifetime points spent", i128::from(self.account.spending.spent().0), sums.spent),
            ("lifetime points given back", i128::from(self.account.spending.restored().0), sums.restored),
            (
                "lifetime points gone before",
                i128::from(life.gone_before.0),
                sums.past_earned.saturating_sub(sums.opened),
            ),
            (
                "lifetime units of credit notes that match no order",
                i128::from(life.unmatched_units),
                sums.unmatched_units,
            ),
            ("lifetime discounts issued", i128::from(life.discounts_issued), length(&sums.issued)),
            (
                "lifetime discounts used",
                i128::from(life.discounts_used),
                length(&sums.used).saturating_add(sums.shared_used),
            ),
        ] {
            if stored != by_entries {
                found.push(format!("{name}: {stored} stored, {by_entries} by its entries"));
            }
        }
        if sums.openings > 1 {
            found.push(format!("its balance was opened {} times", sums.openings));
        }
        let ended = self.account.holdings.lots().iter().filter(|lot| lot.expires_at <= self.account.last_decided);
        for lot in ended {
            found.push(format!("{} points of its lots had ended at {}", lot.points, lot.expires_at));
        }
        self.check_streaks(found);
    }

    /// Points that end with inactivity end with the streak of their months.
    fn check_streaks(&self, found: &mut Vec<String>) {
        let holdings = &self.account.holdings;
        let lots = holdings.lots().iter().map(|lot| (lot.points, lot.inactivity_months, lot.expires_at));
        let waits = holdings.pending().iter().map(|wait| (wait.points, wait.inactivity_months, wait.expires_at));
        for (points, months, expires_at) in lots.chain(waits) {
            let Some(months) = months else { continue };
            let streak = holdings.streaks().iter().find(|streak| streak.months == months);
            if streak.is_none_or(|streak| streak.ends_at != expires_at) {
                found
                    .push(format!("{points} points that last {months} months of inactivity end apart at {expires_at}"));
            }
        }
    }

    /// Open are exactly the discounts issued, not used and not over when the account was last decided; what the account
    /// says that they take off is what their records say.
    fn check_discounts(&self, sums: &Sums<'a>, orders: &HashMap<OrderKey, OrderFacts>, found: &mut Vec<String>) {
        let listed: BTreeSet<&Code> = self.account.discounts.iter().map(|open| &open.code).collect();
        for code in &sums.issued {
            let Some(discount) = self.discounts.get(code) else {
                found.push(format!("discount {code} was issued and has no record"));
                continue;
            };
            let open = !sums.used.contains(code) && discount.expires_at > self.account.last_decided;
            if open != listed.contains(code) {
                let is = if open { "is open and not listed" } else { "is listed and not open" };
                found.push(format!("discount {code} {is}"));
            }
        }
        for code in listed.difference(&sums.issued) {
            found.push(format!("discount {code} is listed and no entry tells of it"));
        }
        for open in &self.account.discounts {
            let (told, record) = (open.terms, self.discounts.get(&open.code));
            if told.zip(record).is_some_and(|(terms, record)| terms != record.terms()) {
                found.push(format!("discount {}: the account and its record differ on what it takes off", open.code));
            }
        }
        for (code, discount) in &self.discounts {
            if discount.used_by.is_some() != self.used_by_now.contains(code) {
                found.push(format!("discount {code}: its record and the entries differ on whether it was used"));
            }
            let Some(user) = discount.used_by.as_ref().filter(|_| sums.used.contains(code)) else { continue };
            if !orders.get(user).is_some_and(|order| order.codes.contains(code)) {
                found.push(format!("discount {code}: order {user}, which used it, does not name it"));
            }
        }
    }

    /// Every order of an entry has its record, and the record says the same.
    fn check_orders(&self, past: u64, orders: &mut HashMap<OrderKey, OrderFacts>, found: &mut Vec<String>) {
        let mut count = past;
        let shared = shared_codes::in_use(self.entries.iter().copied());
        for (entry, key) in self.entries.iter().filter_map(|entry| Some((entry, placed_in(entry)?))) {
            count = count.saturating_add(1);
            let Some(order) = orders.get_mut(key) else {
                found.push(format!("order {key} of entry {} has no record", entry.sequence));
                continue;
            };
            if order.entry != entry.sequence || order.account_id != self.account.id {
                found.push(format!("order {key} of entry {} names another entry", entry.sequence));
                continue;
            }
            order.told = true;
            let scored = entry.changes.iter().find_map(|change| match change {
                Change::Order(OrderChange::Scored { order, points, .. }) if order == key => Some(*points),
                _ => None,
            });
            if scored != Some(order.points) {
                found.push(format!("order {key}: {} points, its entry says otherwise", order.points));
                continue;
            }
            let used_by = |code| self.discounts.get(code).and_then(|discount| discount.used_by.as_ref());
            let is_shared = |code| shared.contains(&(code, key));
            for code in order.codes.iter().filter(|code| !is_shared(code) && used_by(*code) != Some(key)) {
                found.push(format!("order {key} names discount {code}, which it did not use"));
            }
        }
        let is_as_read = |order: &&OrderFacts| order.touched_in <= self.account.version;
        for (code, key) in shared {
            if orders.get(key).filter(is_as_read).is_some_and(|order| !order.codes.contains(code)) {
                found.push(format!("order {key} does not name shared code {code}, which it used"));
            }
        }
        self.check_amendments(orders, found);
        if count != self.account.lifetime.orders {
            found.push(format!("{} orders stored, {count} by its entries", self.account.lifetime.orders));
        }
    }

    /// What became of an order's points is what its entries say: of the first score, every amendment, every return.
    fn check_amendments(&self, orders: &mut HashMap<OrderKey, OrderFacts>, found: &mut Vec<String>) {
        let mut told: BTreeMap<&OrderKey, (Points4, u64, u64)> = BTreeMap::new();
        for (entry, key) in self.entries.iter().filter_map(|entry| Some((entry, order_of(entry)?))) {
            let (sum, amended, latest) = told.entry(key).or_default();
            (*sum, *latest) = (plus(*sum, tallied(entry)), entry.sequence);
            if amended_by(entry).is_some() {
                *amended = entry.sequence;
            }
        }
        for (key, (sum, latest, touched)) in told {
            let Some(order) = orders.get_mut(key).filter(|order| order.account_id == self.account.id) else { continue };
            // An amendment beyond the account as it was read is another reading's business.
            let amended = order.amended_entry.filter(|entry| *entry <= self.account.version);
            if amended.unwrap_or(0) != latest && order.amended_entry == amended {
                found.push(format!("order {key}: its latest amendment is not that of entry {latest}"));
            } else if order.touched_in <= touched && order.tally != sum {
                let [earned, reversed, unrecovered, lapsed] = sum;
                let says = format!("{earned} earned, {reversed} reversed, {unrecovered} written off, {lapsed} lapsed");
                found.push(format!("order {key}: its entries make {says}, its record does not"));
            }
        }
    }

    /// Every return of an entry is noted at its order.
    fn check_returns(&self, orders: &mut HashMap<OrderKey, OrderFacts>, found: &mut Vec<String>) {
        for entry in &self.entries {
            for (key, by) in returned_in(entry) {
                let (what, sequence) = (reversal(by), entry.sequence);
                let order = orders.get_mut(key).filter(|order| order.account_id == self.account.id);
                match order.and_then(|order| order.returned(by)) {
                    None => found.push(format!("{what} of order {key} in entry {sequence} has no record")),
                    Some(back) if back.entry != sequence => {
                        found.push(format!("{what} of order {key} in entry {sequence} names another entry"));
                    }
                    Some(back) => back.told = true,
                }
            }
        }
    }
}

fn total(points: impl Iterator<Item = Points>) -> i128 {
    points.fold(0, |sum, points| sum.saturating_add(points.0.into()))
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn length<T>(set: &BTreeSet<T>) -> i128 {
    size(set.len()).into()
}
