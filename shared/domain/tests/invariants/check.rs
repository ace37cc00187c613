//! What must hold after every commit.

use crate::credit::check_notes;
use crate::payments::check_payments;
use crate::world::World;
use domain::account::Account;
use domain::activity::{Aside, MONTHS_KEPT, MonthActivity};
use domain::code::Code;
use domain::discount::Issuer;
use domain::discount::{Discount, OPEN_DISCOUNTS_MAX};
use domain::earning;
use domain::id::OrderKey;
use domain::ledger::{
    AccountChange, Cause, Change, DiscountChange, Entry, OrderChange, PointsChange, ReferralChange, TierChange,
};
use domain::money::{Minor, Points};
use domain::opening::PastTotals;
use domain::order::{Order, OrderLine};
use domain::program::{GivenBack, Program, Shortfall};
use domain::qualification::Metric;
use domain::returns::{self, Tally};
use domain::score::ScoredOrder;
use domain::time::Month;
use std::collections::{BTreeMap, BTreeSet};

/// Checks the account against its entries, orders and discounts.
pub fn check(world: &World, program: &Program) {
    let Some(account) = &world.account else { return };
    check_entries(world, account);
    let tallies = tallies(&world.entries);
    for (key, scored) in &world.orders {
        check_order(scored, &tallies[key], program);
    }
    check_lifetime(world, account, program);
    check_months(world, account, program);
    check_discounts(world, account, program);
    check_tier(world, account, program);
    check_notes(world, account);
    check_payments(world, account, program);
}

fn check_entries(world: &World, account: &Account) {
    let entries = &world.entries;
    let sum: i64 = entries.iter().map(|entry| entry.points.0).sum();
    assert_eq!(Points(sum), account.points().unwrap(), "invariant 1: entries = lots + pending");
    for entry in entries {
        let points = Points::sum(entry.changes.iter().map(|change| change.points().unwrap())).unwrap();
        assert_eq!(points, entry.points, "an entry's points are those of its changes");
    }
    let last = entries.last().unwrap();
    assert!(entries.is_sorted_by_key(|entry| entry.at) && last.at == account.last_decided, "in the order of time");
    assert_eq!(last.balance.plus(last.pending).unwrap(), account.points().unwrap());
    let sequences: Vec<_> = entries.iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, (1..=account.version).collect::<Vec<_>>(), "one entry per commit, without gaps");
}

fn check_order(scored: &ScoredOrder, told: &Tally, program: &Program) {
    let tally = &scored.history.tally;
    assert_eq!(tally, told, "the tally is what the entries say");
    let credited = tally.credited().unwrap();
    let parts = [credited, tally.reversed, tally.unrecovered, tally.lapsed];
    assert_eq!(Points::sum(parts).unwrap(), tally.earned);
    assert!(parts.iter().all(|part| *part >= Points::ZERO), "{tally:?}");
    let due = returns::due(scored, program).unwrap();
    assert_eq!(credited, due, "the account has what the kept lines earn, and no more");
    let (points, outcomes) = earning::recomputed(scored, program).unwrap();
    assert_eq!(scored.current().points, points, "a receipt's points are those that are stored");
    assert!(scored.current().outcomes.starts_with(&outcomes), "and so is what became of each rule");
    if scored.kept_units().iter().all(|units| *units == 0) {
        assert_eq!(credited, Points::ZERO, "invariant 4: earned = reversed + unrecovered + lapsed");
    }
}

fn check_lifetime(world: &World, account: &Account, program: &Program) {
    let life = &account.lifetime;
    let outstanding = account.points().unwrap();
    let spent = account.spending.spent();
    let lost = [outstanding, spent, life.expired, life.reversed, life.gone_before, life.deducted];
    let came = Points::sum([life.earned, life.credited, account.spending.restored()]).unwrap();
    let says = "invariant 2: issued + restored = outstanding + spent + expired + reversed";
    assert_eq!(came, Points::sum(lost).unwrap(), "{says}");
    let sum = |part: fn(&Tally) -> Points| {
        Points::sum(world.orders.values().map(|scored| part(&scored.history.tally))).unwrap()
    };
    let before = past(world).map_or(Points::ZERO, |(_, earned)| earned);
    let earned = before.plus(sum(|tally| tally.earned)).unwrap();
    assert_eq!(earned, life.earned, "what the orders say = what was issued");
    assert_eq!(sum(|tally| tally.unrecovered), life.unrecovered);
    // A debt that was brought along counts as reversed, too.
    assert!(past(world).is_some() || sum(|tally| tally.reversed) == life.reversed);
    let (mut units, mut revenue) = past(world).map_or((0, 0), |(past, _)| (past.units, past.revenue.amount.0));
    let (mut eligible, mut returned) = (past(world).map_or(0, |(past, _)| past.eligible_spend.amount.0), 0);
    for scored in world.orders.values() {
        let (kept_units, total, of_eligible) = kept(scored, program);
        units += kept_units;
        revenue += total.0;
        eligible += of_eligible.0;
        returned += scored.order.lines.iter().map(|line| line.quantity).sum::<u64>() - kept_units;
    }
    let told = (life.units, life.revenue.0, life.eligible.0, life.returned_units);
    assert_eq!(told, (units, revenue, eligible, returned));
    assert_eq!(life.purchase_days, purchase_days(world, program), "as if the days were counted again");
    let taken_off: i64 = world.orders.values().map(|scored| discount_value(world, scored, program)).sum();
    assert_eq!(life.aside, aside(world, program, None));
    assert_eq!(life.discount_value, Minor(taken_off), "as if every order had been placed as it is now");
    let has = outstanding.minus(account.holdings.unpaid()).unwrap();
    assert!(account.holdings.debt() == Points::ZERO || has < Points::ZERO, "invariant 8: earnings repay it");
    let (debt, pending_debt) = (account.holdings.debt(), account.holdings.pending_debt());
    let (may_owe, may_owe_pending) = match program.points.shortfall {
        Shortfall::Owe => (true, false),
        Shortfall::OwePending => (false, true),
        Shortfall::WriteOff => (false, false),
    };
    let is_said = (may_owe || debt == pending_debt) && (may_owe_pending || pending_debt == Points::ZERO);
    assert!(is_said, "invariant 8: owed only where the program says so, and out of what it says");
    assert!(may_owe || account.holdings.balance().unwrap() >= Points::ZERO, "invariant 8: what can be spent stays");
    assert!(account.holdings.lots().iter().all(|lot| lot.points > Points::ZERO), "invariant 8");
    check_streaks(account);
}

/// What ends with inactivity ends together: at the end of the streak of its months, which is still to come.
fn check_streaks(account: &Account) {
    let holdings = &account.holdings;
    let lots = holdings.lots().iter().map(|lot| lot.end());
    for end in lots.chain(holdings.pending().iter().map(|wait| wait.end())) {
        assert!(end.expires_at > account.last_decided);
        let Some(months) = end.inactivity_months else { continue };
        let streak = holdings.streaks().iter().find(|streak| streak.months == months).unwrap();
        assert_eq!(streak.ends_at, end.expires_at);
        assert!(streak.since <= account.last_decided);
    }
    let mut of_inactivity: Vec<_> = holdings.lots().iter().filter_map(|lot| lot.inactivity_months).collect();
    of_inactivity.dedup();
    let months: BTreeSet<_> = of_inactivity.iter().collect();
    assert_eq!(months.len(), of_inactivity.len(), "one lot for each number of months");
}

/// Days with an order: of those that came while their month was kept, each day once. What was brought along did not say
/// on which days.
fn purchase_days(world: &World, program: &Program) -> u64 {
    let before = past(world).map_or(0, |(past, _)| past.orders);
    let (late, in_time): (Vec<_>, Vec<_>) = world.orders.values().partition(|scored| scored.score.beyond_kept_months);
    let days = in_time.iter().map(|scored| program.calendar.day(scored.order.placed_at)).collect::<BTreeSet<_>>();
    before + (late.len() + days.len()) as u64
}

/// What the discounts that an order names now took off what is kept of it: exactly, rounded half up once.
/// The codes that an order uses: what it gave back, once it was undone, it does not.
fn in_use<'a>(world: &'a World, scored: &'a ScoredOrder) -> impl Iterator<Item = &'a Code> {
    let codes = scored.codes_used().iter();
    codes.filter(|code| world.discounts[*code].used_by.as_ref() == Some(&scored.order.key))
}

fn discount_value(world: &World, scored: &ScoredOrder, program: &Program) -> i64 {
    let eligible = i128::from(kept(scored, program).2.0);
    let (mut before, mut left) = (eligible, 1_i128);
    for code in in_use(world, scored) {
        before *= 10_000;
        left *= 10_000 - i128::from(world.discounts[code].percent.0);
    }
    i64::try_from((2 * before + left) / (2 * left) - eligible).unwrap()
}

/// What of the orders of a month, or of all, counts for no tier: counted line by line.
fn aside(world: &World, program: &Program, month: Option<Month>) -> Aside {
    let mut sum = Aside::NONE;
    for scored in world.orders.values() {
        let of_month = !scored.score.beyond_kept_months
            && month.is_some_and(|month| program.calendar.month(scored.order.placed_at) == month);
        if month.is_some() && !of_month {
            continue;
        }
        match program.tiers.metric {
            Metric::Units => {
                let lines = scored.order.lines.iter().zip(scored.kept_units());
                let counts = |line: &OrderLine, units: u64| {
                    let amount = returns::kept_amount(line, units, scored.order.currency).unwrap();
                    !program.excluded_skus.contains(&line.sku) && amount > Minor::ZERO
                };
                sum.units += lines.filter(|(line, units)| !counts(line, *units)).map(|(_, units)| units).sum::<u64>();
            }
            Metric::Points => {
                let tally = &scored.history.tally;
                sum.points =
                    sum.points.plus(tally.earned.minus(returns::due(scored, program).unwrap()).unwrap()).unwrap();
            }
            _ => {}
        }
    }
    sum
}

/// Every month that is kept says what the orders placed in it come to now.
fn check_months(world: &World, account: &Account, program: &Program) {
    let months = account.activity.months();
    assert!(months.len() <= usize::try_from(MONTHS_KEPT).unwrap());
    for kept_month in months {
        let MonthActivity { month, orders, units, revenue, eligible, earned, .. } = kept_month;
        let placed = world.orders.values().filter(|scored| {
            !scored.score.beyond_kept_months && program.calendar.month(scored.order.placed_at) == *month
        });
        let mut sum = (0, 0, Minor::ZERO, Minor::ZERO, Points::ZERO);
        let mut taken_off = (0, 0);
        for scored in placed {
            let kept = kept(scored, program);
            sum.0 += 1;
            sum.1 += kept.0;
            sum.2 = sum.2.plus(kept.1).unwrap();
            sum.3 = sum.3.plus(kept.2).unwrap();
            sum.4 = sum.4.plus(scored.history.tally.earned).unwrap();
            taken_off.0 += in_use(world, scored).count() as u64;
            taken_off.1 += discount_value(world, scored, program);
        }
        assert_eq!((*orders, *units, *revenue, *eligible, *earned), sum, "{month:?}");
        assert_eq!((kept_month.discounts_used, kept_month.discount_value.0), taken_off, "{month:?}");
        assert_eq!(kept_month.aside, aside(world, program, Some(*month)), "{month:?}");
    }
}

/// Whether an order is undone so far that it uses no discounts any more.
fn is_undone(scored: &ScoredOrder, program: &Program) -> bool {
    match program.checkout.discounts_given_back {
        GivenBack::Cancelled => scored.is_cancelled(),
        GivenBack::Returned => scored.is_cancelled() || scored.kept_units().iter().all(|units| *units == 0),
        GivenBack::Never => false,
    }
}

fn check_discounts(world: &World, account: &Account, program: &Program) {
    // Given back by an amendment, or given as a welcome, a discount is open even beyond the bound of what rules may open.
    let named = world.entries.iter().flat_map(|entry| &entry.changes);
    let is_beyond = |change: &&Change| {
        matches!(
            change,
            Change::Discount(DiscountChange::Released { .. }) | Change::Referral(ReferralChange::Reviewed { .. })
        )
    };
    let beyond = named.filter(is_beyond).count();
    assert!(account.discounts.len() <= OPEN_DISCOUNTS_MAX + beyond);
    for discount in world.discounts.values() {
        let users = world.orders.values().filter(|scored| scored.codes_used().contains(&discount.code));
        let users: Vec<_> = users.filter(|scored| !is_undone(scored, program)).collect();
        assert!(users.len() <= 1, "invariant 5: used at most once");
        assert_eq!(discount.used_by.as_ref(), users.first().map(|scored| &scored.order.key));
        let used_by = discount.used_by.as_ref();
        assert!(used_by.is_none_or(|order| !discount.issued_by.is(order)), "no order uses its own");
        check_uses(world, discount);
        let open = account.discounts.iter().filter(|open| open.code == discount.code).count();
        let usable = discount.check(account.last_decided).is_ok();
        assert_eq!(open, usize::from(usable), "the hot item lists exactly the open ones");
        let Issuer::Order(issuer) = &discount.issued_by else { continue };
        let issuer = world.orders[issuer].current();
        let noted: Vec<_> = issuer.issued.iter().filter(|issued| issued.code == discount.code).collect();
        assert_eq!(noted.len(), 1, "the order that issued it knows it");
        assert_eq!(noted[0].void, discount.void);
    }
    let valid = world.discounts.values().filter(|discount| !discount.void || discount.used_by.is_some()).count();
    let used = world.discounts.values().filter(|discount| discount.used_by.is_some()).count();
    let told = (account.lifetime.discounts_issued, account.lifetime.discounts_used);
    assert_eq!(told, (valid as u64, used as u64));
}

/// It is used when it is not in use, and before its end; given back when it is in use.
fn check_uses(world: &World, discount: &Discount) {
    let mut in_use = false;
    for entry in &world.entries {
        // An amendment uses what it names before it gives back what it does not.
        for change in &entry.changes {
            match change {
                Change::Discount(DiscountChange::Used { code, .. }) if *code == discount.code => {
                    assert!(!in_use && entry.at < discount.expires_at, "invariant 5: never twice or after its expiry");
                    in_use = true;
                }
                Change::Discount(DiscountChange::Released { code, .. }) if *code == discount.code => {
                    assert!(in_use, "given back once");
                    in_use = false;
                }
                _ => {}
            }
        }
    }
    assert_eq!(in_use, discount.used_by.is_some());
}

/// The tier is what the changes lead to, and each raise that still counts led a level up.
fn check_tier(world: &World, account: &Account, program: &Program) {
    let mut held = None;
    let (mut raised, mut amended, mut lowered) = (0, false, 0);
    for entry in &world.entries {
        amended |= matches!(entry.cause, Cause::OrderAmended { .. });
        for change in &entry.changes {
            match change {
                Change::Account(AccountChange::Enrolled { tier } | AccountChange::Opened { tier, .. }) => {
                    held = Some(tier.clone())
                }
                Change::Tier(TierChange::Changed { from, to, .. }) => {
                    assert_eq!(held.as_ref(), Some(from), "the changes of the tier are a chain");
                    assert_ne!(from, to);
                    let upwards = program.tiers.place(to) > program.tiers.place(from);
                    assert!(upwards || matches!(entry.cause, Cause::OrderAmended { .. }), "no order lowers a tier");
                    raised += u64::from(upwards);
                    held = Some(to.clone());
                }
                Change::Tier(TierChange::Lowered { from, to, .. }) => {
                    assert_eq!(held.as_ref(), Some(from), "the changes of the tier are a chain");
                    assert!(program.tiers.place(to) < program.tiers.place(from), "a review raises no tier");
                    (lowered, held) = (lowered + 1, Some(to.clone()));
                }
                _ => {}
            }
        }
    }
    assert_eq!(held.as_ref(), Some(&account.tier));
    let upgrades = account.lifetime.upgrades;
    assert!(upgrades <= raised && (amended || upgrades == raised));
    assert_eq!(account.lifetime.downgrades, lowered);
    if past(world).is_none() && lowered == 0 {
        let level = program.tiers.place(&account.tier) as u64;
        assert!(upgrades <= level && (upgrades == 0) == (level == 0), "{upgrades} upgrades to level {level}");
    }
}

/// What the account brought from another product.
fn past(world: &World) -> Option<(PastTotals, Points)> {
    world.entries.iter().flat_map(|entry| &entry.changes).find_map(|change| match change {
        Change::Account(AccountChange::Opened { past, points_earned, .. }) => Some((*past, *points_earned)),
        _ => None,
    })
}

/// What the entries say of the points of each order.
fn tallies(entries: &[Entry]) -> BTreeMap<OrderKey, Tally> {
    let mut tallies: BTreeMap<OrderKey, Tally> = BTreeMap::new();
    for entry in entries {
        let order = match &entry.cause {
            Cause::OrderPlaced { order }
            | Cause::OrderReturned { order, .. }
            | Cause::OrderCancelled { order }
            | Cause::OrderAmended { order, .. } => Some(order),
            // A step of a credit note takes from one order, or from none.
            Cause::CreditNote { .. } => entry.changes.iter().find_map(|change| match change {
                Change::Order(OrderChange::Returned { order, .. }) => Some(order),
                _ => None,
            }),
            _ => None,
        };
        let Some(order) = order.cloned() else { continue };
        let tally = tallies.entry(order).or_default();
        let mut add = |earned: Points, reversed: Points, unrecovered: Points, lapsed: Points| {
            tally.earned = tally.earned.plus(earned).unwrap();
            tally.reversed = tally.reversed.plus(reversed).unwrap();
            tally.unrecovered = tally.unrecovered.plus(unrecovered).unwrap();
            tally.lapsed = tally.lapsed.plus(lapsed).unwrap();
        };
        for change in &entry.changes {
            match change {
                Change::Order(OrderChange::Scored { points, .. }) => {
                    add(*points, Points::ZERO, Points::ZERO, Points::ZERO)
                }
                Change::Points(PointsChange::Reversed { points, unrecovered, lapsed, .. }) => {
                    add(Points::ZERO, *points, *unrecovered, *lapsed);
                }
                Change::Points(PointsChange::Amended { earned, reversed, unrecovered, lapsed, .. }) => {
                    add(*earned, *reversed, *unrecovered, *lapsed);
                }
                _ => {}
            }
        }
    }
    tallies
}

/// What is kept of an order: units, what they come to, and what of that is eligible.
pub fn kept(scored: &ScoredOrder, program: &Program) -> (u64, Minor, Minor) {
    let Order { lines, currency, .. } = &*scored.order;
    let mut sum = (0, Minor::ZERO, Minor::ZERO);
    for (line, units) in lines.iter().zip(scored.kept_units()) {
        let amount = returns::kept_amount(line, units, *currency).unwrap();
        sum.0 += units;
        sum.1 = sum.1.plus(amount).unwrap();
        if counts(line, amount, program) {
            sum.2 = sum.2.plus(amount).unwrap();
        }
    }
    sum
}

fn counts(line: &OrderLine, amount: Minor, program: &Program) -> bool {
    amount > Minor::ZERO && !program.excluded_skus.contains(&line.sku)
}
