//! What each customer did, added up from the list of its orders by filters and loops.

use crate::calendar::{first_day, local_day, local_month, named};
use crate::wallet::Wallet;
use crate::world::{Customer, Sale, World};
use crate::{DISCOUNTS_BY_MONTH, Terms};
use analytics::rollup::Figures;
use domain::account::Status;
use domain::ledger::{Change, TierChange};
use domain::referral::State;
use domain::standing;
use domain::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Months that an account keeps, its newest included.
const KEPT: i32 = 25;
/// Months that a night tells of, its own included.
pub const TOLD: i32 = 24;

/// One order, as it is now.
#[derive(Debug, Clone)]
pub struct Bought {
    pub day: i32,
    pub month: i32,
    pub units: u64,
    pub revenue: i128,
    pub eligible: i128,
    pub earned: i128,
    pub codes: u64,
    /// What its discounts took off.
    pub taken_off: i128,
    /// Its month was kept when it came.
    pub came_in_time: bool,
}

/// One customer as of the night.
pub struct Person {
    pub id: String,
    /// In the sequence in which they came.
    pub bought: Vec<Bought>,
    pub wallet: Wallet,
    pub tier: String,
    pub status: Status,
    pub segments: BTreeSet<String>,
    pub joined: i32,
    /// How far the referral that it came by has come.
    pub referral: Option<(State, bool)>,
    pub has_code: bool,
    pub discounts_issued: u64,
    pub discounts_open: u64,
    pub upgrades: u64,
    pub lowered: u64,
    pub decided_ms: i64,
}

impl Bought {
    fn of(sale: &Sale, before: &[Self], customer: &Customer, wallet: &Wallet) -> Self {
        let month = local_month(sale.placed_ms);
        let newest = before.iter().map(|bought| bought.month).fold(month, i32::max);
        let mut bought = Self {
            day: local_day(sale.placed_ms),
            month,
            units: 0,
            revenue: 0,
            eligible: 0,
            earned: wallet.earned[&sale.key].into(),
            codes: sale.codes.len() as u64,
            taken_off: 0,
            came_in_time: month > newest - KEPT,
        };
        for (place, (units, price, is_postage)) in sale.lines.iter().enumerate() {
            let back = sale.returned.get(&place).copied().unwrap_or(0);
            let kept = if sale.is_cancelled { 0 } else { units.saturating_sub(back) };
            // Tenths of a penny, half up.
            let amount = (i128::from(kept) * i128::from(*price) + 5) / 10;
            bought.units += kept;
            bought.revenue += amount;
            bought.eligible += if *is_postage { 0 } else { amount };
        }
        // What was paid is what is left after the discounts.
        for code in &sale.codes {
            let left = 10_000 - i128::from(customer.discounts[code].percent.0);
            bought.taken_off = (2 * bought.eligible * 10_000 + left) / (2 * left) - bought.eligible;
        }
        bought
    }
}

impl Person {
    /// The customers that ever had an account, as of an instant.
    pub fn all(world: &World, terms: &Terms, as_of: i64) -> Vec<Self> {
        let members = world.customers.iter().filter(|(_, customer)| customer.account.is_some());
        members.map(|(id, customer)| Self::of(id.to_string(), customer, world, terms, as_of)).collect()
    }

    fn of(id: String, customer: &Customer, world: &World, terms: &Terms, as_of: i64) -> Self {
        let account = customer.account.as_ref().unwrap();
        let decided = customer.entries.last().unwrap().at;
        let at = decided.max(Instant::from_ms(as_of));
        let stands = standing::standing(account, None, &[], None, &world.schedule, at).unwrap();
        let (advanced, passed) = domain::advance::advance(&world.schedule, account, at).unwrap();
        let lowered = passed.iter().filter(|change| matches!(change, Change::Tier(TierChange::Lowered { .. })));
        let wallet = Wallet::of(customer, terms, at.as_ms());
        let mut bought: Vec<Bought> = Vec::new();
        for sale in &customer.sales {
            let next = Bought::of(sale, &bought, customer, &wallet);
            bought.push(next);
        }
        let discounts = || customer.discounts.values();
        let referral =
            customer.redemption.as_ref().map(|redemption| (redemption.state(at), redemption.is_under_review()));
        Self {
            id,
            bought,
            tier: stands.tier.id.to_string(),
            status: stands.status,
            segments: customer.segments.clone(),
            joined: local_month(customer.entries.first().unwrap().at.as_ms()),
            referral,
            has_code: customer.has_code,
            discounts_issued: discounts().filter(|one| !one.void || one.used_by.is_some()).count() as u64,
            discounts_open: discounts().filter(|discount| discount.check(at).is_ok()).count() as u64,
            // An amendment may undo a raise, of which there is no simple tale.
            upgrades: advanced.lifetime.upgrades,
            lowered: wallet.lowered + lowered.count() as u64,
            decided_ms: decided.as_ms(),
            wallet,
        }
    }

    /// The orders of the months that the account keeps, counted back from its own newest.
    pub fn kept(&self) -> impl Iterator<Item = &Bought> {
        let newest = self.bought.iter().map(|bought| bought.month).max().unwrap_or(0);
        self.bought.iter().filter(move |bought| bought.month > newest - KEPT)
    }

    pub fn first_day(&self) -> Option<i32> {
        self.bought.iter().map(|bought| bought.day).min()
    }

    pub fn last_day(&self) -> Option<i32> {
        self.bought.iter().map(|bought| bought.day).max()
    }

    pub fn lifetime_revenue(&self) -> i128 {
        self.bought.iter().map(|bought| bought.revenue).sum()
    }

    /// Days with an order; an order that came too late is a day of its own.
    pub fn purchase_days(&self) -> usize {
        let days: BTreeSet<_> = self.bought.iter().filter(|one| one.came_in_time).map(|one| one.day).collect();
        days.len() + self.bought.iter().filter(|one| !one.came_in_time).count()
    }

    /// Its groups by what they are grouped by.
    pub fn groups(&self) -> Vec<(&'static str, String)> {
        let referral = if self.referral.is_some() { "referred" } else { "others" };
        let mut groups = vec![
            ("total", "total".to_owned()),
            ("tier", self.tier.clone()),
            ("joined", named(self.joined)),
            ("referral", referral.to_owned()),
        ];
        groups.extend(self.segments.iter().map(|segment| ("segment", segment.clone())));
        groups
    }
}

/// A period: its name, its first month, and how many it has; `None` for the whole relationship.
#[derive(Debug, Clone)]
pub struct Stretch {
    pub name: String,
    pub months: Option<(i32, i32)>,
}

impl Stretch {
    /// All that the months up to `last` tell whole.
    pub fn all(last: i32) -> Vec<Self> {
        let first = last - TOLD + 1;
        let mut all = Vec::new();
        let mut add = |name: String, months| all.push(Self { name, months });
        for month in first..=last {
            add(named(month), Some((month, 1)));
            if month % 3 == 0 {
                add(format!("{}-Q{}", month / 12, month % 12 / 3 + 1), Some((month, 3)));
            }
            if month % 12 == 0 {
                add((month / 12).to_string(), Some((month, 12)));
            }
        }
        add(format!("{}-T12M", named(last)), Some((last - 11, 12)));
        add("lifetime".to_owned(), None);
        all
    }

    /// The stretch of the same length right before it, where it is kept.
    pub fn previous(&self, last: i32) -> Option<(i32, i32)> {
        let (first, length) = self.months?;
        (first - length > last - TOLD).then_some((first - length, length))
    }
}

/// The orders of a person in some months up to `last`, or of its whole relationship.
fn within(person: &Person, months: Option<(i32, i32)>, last: i32) -> Vec<Bought> {
    match months {
        None => person.bought.clone(),
        Some((first, length)) => {
            let inside = |one: &&Bought| (first..first + length).contains(&one.month) && one.month <= last;
            person.kept().filter(inside).cloned().collect()
        }
    }
}

/// What some people did in a stretch of time.
pub fn figures<'a>(people: impl Iterator<Item = &'a Person>, stretch: &Stretch, last: i32) -> Figures {
    let mut sum = Figures::default();
    for person in people {
        let bought = within(person, stretch.months, last);
        let before = stretch.previous(last).map_or_else(Vec::new, |months| within(person, Some(months), last));
        let is_older = stretch.months.is_some_and(|(month, _)| person.first_day() < Some(first_day(month)));
        sum.previous_customers += u64::from(!before.is_empty());
        if bought.is_empty() {
            continue;
        }
        let (orders, revenue) = (bought.len() as u64, bought.iter().map(|one| one.revenue).sum::<i128>());
        let earned: i128 = bought.iter().map(|one| one.earned).sum();
        let (used, taken_off) = discounts(&bought, stretch);
        sum.customers += 1;
        sum.repeat_customers += u64::from(orders >= 2);
        sum.returning_customers += u64::from(is_older);
        sum.retained_customers += u64::from(!before.is_empty());
        sum.orders += orders;
        sum.units += bought.iter().map(|one| one.units).sum::<u64>();
        sum.revenue += revenue;
        sum.eligible_revenue += bought.iter().map(|one| one.eligible).sum::<i128>();
        sum.points_earned += earned;
        (sum.discounts_used, sum.discount_value) = (sum.discounts_used + used, sum.discount_value + taken_off);
        if earned > 0 {
            sum.earning_customers += 1;
            sum.earning_orders += orders;
            sum.earning_revenue += revenue;
        }
        if used > 0 {
            sum.redeeming_customers += 1;
            sum.redeeming_orders += orders;
            sum.redeeming_revenue += revenue;
        }
        if used > 0 || person.referral.is_some() {
            sum.attributed_revenue += revenue;
        }
    }
    sum
}

/// Discounts that orders of a stretch used, and what they took off. The account knows them by month once
/// [`DISCOUNTS_BY_MONTH`] is true.
fn discounts(bought: &[Bought], stretch: &Stretch) -> (u64, i128) {
    let used = bought.iter().map(|one| one.codes).sum();
    match (DISCOUNTS_BY_MONTH, stretch.months) {
        (true, _) => (used, bought.iter().map(|one| one.taken_off).sum()),
        (false, None) => (used, 0),
        (false, Some(_)) => (0, 0),
    }
}

/// By people in each group of each kind.
pub fn grouped(people: &[Person]) -> BTreeMap<(&'static str, String), Vec<&Person>> {
    let mut groups: BTreeMap<_, Vec<&Person>> = BTreeMap::new();
    for person in people {
        for group in person.groups() {
            groups.entry(group).or_default().push(person);
        }
    }
    groups
}
