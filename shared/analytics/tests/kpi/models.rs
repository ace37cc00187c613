//! What the models make of a night, held against customers that were made up by the models' own laws, from a fixed seed.

use crate::calendar::{DAY_MS, day_of};
use crate::{Terms, count};
use analytics::bg_nbd::{BgNbd, Parameters};
use analytics::histogram::Histogram;
use analytics::history::History;
use analytics::night::{
    Beliefs, Expected, FittedSpend, Forecasts, Held, Opinions, Purchases, Results, SpendModel, reduce,
};
use analytics::rollup::{Night, Partial, TICKS_PER_WEEK, at_stake, history};
use domain::account::Account;
use domain::advance;
use domain::code::Secrets;
use domain::decision::{Context, Record, Write};
use domain::id::{AccountId, Segment};
use domain::money::Minor;
use domain::order::Order;
use domain::schedule::Schedule;
use domain::score;
use domain::time::{Day, Instant};
use serde_json::json;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

const LAW: Parameters = Parameters { r: 0.7, alpha: 8.0, a: 0.6, b: 2.2 };
/// Of the spend: `p`, `q` and `γ` in pence.
const SPEND: (f64, f64, f64) = (5.0, 4.0, 12_000.0);

/// An account's id, and the pence it spent by day.
type Trader = (String, BTreeMap<i32, i64>);

/// Chance from a seed: splitmix64.
struct Chance(u64);

impl Chance {
    /// Between 0 and 1, neither of them.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 + f64::EPSILON / 4.0
    }

    fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// Gamma distributed with rate 1 (Marsaglia & Tsang 2000).
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.uniform().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        loop {
            let normal = (2.0 * self.exponential()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos();
            let v = (1.0 + normal / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && self.uniform().ln() < normal * normal / 2.0 + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

/// Days of purchase and pence spent on each, from the day on which the customer came to `end`.
fn customer(chance: &mut Chance, came: i32, end: i32) -> BTreeMap<i32, i64> {
    let rate = chance.gamma(LAW.r) / LAW.alpha;
    let (stays, leaves) = (chance.gamma(LAW.b), chance.gamma(LAW.a));
    let leaves = leaves / (leaves + stays);
    let (p, q, gamma) = SPEND;
    let scale = chance.gamma(q) / gamma;
    let mut days = BTreeMap::new();
    let mut day = f64::from(came) + chance.uniform();
    while day < f64::from(end) + 1.0 {
        // Twice on one day is once.
        days.entry(day.floor() as i32).or_insert((chance.gamma(p) / scale).round() as i64);
        if days.len() > 1 && chance.uniform() < leaves {
            break;
        }
        day += 7.0 * chance.exponential() / rate;
    }
    days
}

/// Customers that came within the first year of two.
fn population(count: usize, seed: u64, night: &Night) -> Vec<Trader> {
    let mut chance = Chance(seed);
    let start = night.day().0 - 728;
    let mut came = || {
        let first = start + (364.0 * chance.uniform()) as i32;
        customer(&mut chance, first, night.day().0)
    };
    (0..count).map(|number| (format!("a-{number:05}"), came())).collect()
}

fn terms() -> Terms {
    let tiers = vec![("member", 0), ("silver", 100_000), ("gold", 400_000)];
    Terms { pending_days: 0, validity_months: 24, tiers, approval: false, keeps: true }
}

fn night() -> Night {
    Night::new(Day(day_of(2012, 5, 31)), terms().schedule(), None)
}

/// An account that knows no more than its totals.
fn in_total(id: &str, days: &BTreeMap<i32, i64>, night: &Night) -> Account {
    let (first, last) = (days.keys().next().unwrap(), days.keys().next_back().unwrap());
    let joined = Instant::from_ms(i64::from(*first) * DAY_MS);
    let (mut account, _) = Account::enrol(AccountId::parse(id).unwrap(), night.program(), joined);
    (account.first_purchase, account.last_purchase) = (Some(Day(*first)), Some(Day(*last)));
    account.lifetime.orders = days.len() as u64;
    account.lifetime.purchase_days = days.len() as u64;
    account.lifetime.revenue = Minor(days.values().sum());
    account
}

/// An account that placed an order at noon of each of its days.
fn in_orders(id: &str, days: &BTreeMap<i32, i64>, night: &Night, schedule: &Schedule) -> Account {
    let secrets = Secrets::parse("1:a secret for models").unwrap();
    let mut account: Option<Account> = None;
    for (day, pence) in days {
        let now = Instant::from_ms(i64::from(*day) * DAY_MS + DAY_MS / 2);
        let (secrets, wall_day) = (&secrets, now.utc_day());
        let context = Context { schedule, secrets, by: "test", now, wall_day, collisions: 0 };
        let price = domain::money::format_decimal(*pence, 2);
        let order = Order::from_json(&json!({
            "source": "shop", "order_id": format!("{id}-{day}"), "account_id": id, "placed_at": now.to_string(),
            "currency": "GBP", "lines": [{ "line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": price }],
        }));
        let order = Arc::new(order.unwrap());
        let decision = score::decide(account.as_ref(), &[], None, &order, [0; 32], &context).unwrap();
        account = decision.writes.into_iter().find_map(|write| match write {
            Write::Put(Record::Account(account), _) => Some(*account),
            _ => None,
        });
    }
    let mut account = account.unwrap();
    let first = *days.keys().next().unwrap();
    let segments = [("hotel", 3), ("trade", 2)].into_iter().filter(|(_, each)| first % each == 0);
    account.segments = segments.map(|(name, _)| Segment::parse(name).unwrap()).collect();
    assert!(account.last_decided <= night.as_of());
    account
}

fn near(ours: f64, theirs: f64, relative: f64) -> bool {
    (ours - theirs).abs() <= relative * theirs.abs()
}

fn fitted(beliefs: &Beliefs) -> (Parameters, FittedSpend) {
    let Purchases::Fitted { r, alpha, a, b, .. } = beliefs.purchases else { panic!("{:?}", beliefs.purchases) };
    let SpendModel::Fitted(spend) = beliefs.spend else { panic!("{:?}", beliefs.spend) };
    (Parameters { r, alpha, a, b }, spend)
}

#[test]
fn the_laws_are_found_again_in_customers_that_follow_them() {
    let night = night();
    let (mut partial, mut by_days) = (Partial::default(), Histogram::default());
    for (id, days) in population(20_000, 2_005, &night) {
        partial.record(&night, &in_total(&id, &days, &night)).unwrap();
        let since = |last: i32| u32::try_from(last - days.keys().next().unwrap()).unwrap();
        let frequency = u32::try_from(days.len() - 1).unwrap();
        let history = History::new(frequency, since(*days.keys().next_back().unwrap()), since(night.day().0)).unwrap();
        by_days.record(history, 1).unwrap();
    }
    let beliefs = reduce(&night, partial, &Opinions::default()).unwrap().beliefs;
    let (law, FittedSpend { p, q, gamma, .. }) = fitted(&beliefs);
    for (found, true_one) in [(law.r, LAW.r), (law.alpha, LAW.alpha), (law.a, LAW.a), (law.b, LAW.b)] {
        assert!(near(found, true_one, 0.08), "{law:?}");
    }
    // What they mean together is known better than each of them.
    assert!(near(law.r / law.alpha, LAW.r / LAW.alpha, 0.02), "{law:?}");
    assert!(near(law.a / (law.a + law.b), LAW.a / (LAW.a + LAW.b), 0.03), "{law:?}");
    assert!(near(p * gamma / (q - 1.0), SPEND.0 * SPEND.2 / (SPEND.1 - 1.0), 0.01), "{p} {q} {gamma}");
    assert!(near(q, SPEND.1, 0.06) && near(p, SPEND.0, 0.12), "{p} {q} {gamma}");
    assert_eq!(beliefs.customers, 20_000);
    // Whole weeks say nearly the same as days.
    let exact = BgNbd::fit(&by_days, NonZeroU32::new(7).unwrap()).unwrap().model.parameters();
    for (weeks, days) in [(law.r, exact.r), (law.alpha, exact.alpha), (law.a, exact.a), (law.b, exact.b)] {
        assert!(near(weeks, days, 0.03), "{law:?} {exact:?}");
    }
}

/// Customers with their orders, and their accounts.
fn traders(night: &Night) -> (Vec<Trader>, Vec<Account>) {
    let people = population(700, 1_853, night);
    let schedule = terms().schedule();
    let accounts = people.iter().map(|(id, days)| in_orders(id, days, night, &schedule)).collect();
    (people, accounts)
}

#[test]
fn what_is_expected_of_a_group_is_the_sum_of_its_accounts() {
    let night = night();
    let (_, accounts) = traders(&night);
    let results = reduce(&night, count(&night, &accounts), &Opinions::default()).unwrap();
    let forecasts = Forecasts::of(results.beliefs.clone());
    let of = |account: &Account| {
        let history = history(account, night.day()).unwrap();
        forecasts.customer(history, account.lifetime.revenue.0).unwrap()
    };
    let month = |account: &Account| night.program().calendar.month(account.joined_at).to_string();
    // Reviews have lowered tiers since the last orders.
    let schedule = terms().schedule();
    let stand = |account: &Account| advance::advance(&schedule, account, night.as_of()).unwrap().0;
    let accounts: Vec<_> = accounts.iter().map(stand).collect();
    let mut groups = 0;
    for (by, result) in &results.standings {
        for (name, group) in &result.groups {
            let is_mine = |account: &&Account| match by.as_str() {
                "tier" => account.tier.as_str() == name,
                "segment" => account.segments.iter().any(|segment| segment.as_str() == name),
                "joined" => month(account) == *name,
                _ => true,
            };
            let mine: Vec<Expected> = accounts.iter().filter(is_mine).map(of).collect();
            let expected = group.expected.unwrap();
            let sum = |what: fn(&Expected) -> f64| mine.iter().map(what).sum::<f64>();
            assert_eq!((expected.customers, group.standing.totals.customers), (mine.len() as u64, mine.len() as u64));
            for (ours, theirs) in [
                (expected.alive, sum(|one| one.alive)),
                (expected.orders, sum(|one| one.orders)),
                (expected.year.unwrap(), sum(|one| one.year.unwrap())),
                (expected.lifetime.unwrap(), sum(|one| one.lifetime.unwrap())),
            ] {
                assert!(near(ours, theirs, 1e-9) && ours > 0.0, "{by} {name}: {expected:?}");
            }
            assert!(expected.lifetime > expected.year && expected.alive < mine.len() as f64);
            groups += 1;
        }
    }
    // The total, three tiers, two segments, at least twelve months, and that nobody was referred.
    assert!(groups >= 19, "{groups}");
}

#[test]
fn what_was_predicted_of_the_last_quarter_is_held_against_what_was_bought_in_it() {
    let night = night();
    let (people, accounts) = traders(&night);
    let results = reduce(&night, count(&night, &accounts), &Opinions::default()).unwrap();
    let Held::Against(calibration) = &results.beliefs.held else { panic!("{:?}", results.beliefs.held) };
    let cut = night.day().0 - 91;
    let weeks = |days: i32| (f64::from(days) / 7.0).round() as u32;
    let (mut histories, mut actual) = (Vec::new(), 0);
    for (_, days) in people.iter().filter(|(_, days)| *days.keys().next().unwrap() <= cut) {
        let first = *days.keys().next().unwrap();
        let before: Vec<_> = days.keys().copied().filter(|day| *day <= cut).collect();
        actual += days.len() - before.len();
        let frequency = u32::try_from(before.len() - 1).unwrap();
        histories.push(History::new(frequency, weeks(before.last().unwrap() - first), weeks(cut - first)).unwrap());
    }
    let mut counted = Histogram::default();
    histories.iter().for_each(|history| counted.record(*history, 1).unwrap());
    let model = BgNbd::fit(&counted, TICKS_PER_WEEK).unwrap().model;
    let predicted: f64 = histories.iter().map(|history| model.expected_purchases(*history, 13.0)).sum();
    assert_eq!((calibration.customers, calibration.actual), (histories.len() as u64, actual as u128));
    assert_eq!(results.beliefs.left_out, 0);
    assert!(near(calibration.predicted, predicted, 1e-9), "{} {predicted}", calibration.predicted);
    assert!(calibration.total_error().unwrap().abs() < 0.1, "they follow the law: {calibration:?}");
}

#[test]
fn the_same_parts_give_the_same_bytes_twice_and_what_is_kept_says_the_same() {
    let night = night();
    let (_, accounts) = traders(&night);
    let partial = count(&night, &accounts);
    let results = || reduce(&night, partial.clone(), &Opinions::default()).unwrap();
    let bytes = postcard::to_stdvec(&results()).unwrap();
    assert_eq!(bytes, postcard::to_stdvec(&results()).unwrap());
    let kept: Results = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(kept, results());
    // The next night proposes accounts by this one's model: who is listed then are those with the most at stake.
    let next = Night::new(night.day(), terms().schedule(), kept.beliefs.prior());
    let listed = reduce(&next, count(&next, &accounts), &Opinions::default()).unwrap().listed.at_risk;
    let model = BgNbd::new(fitted(&kept.beliefs).0, TICKS_PER_WEEK).unwrap();
    let last = night.day().month().0;
    let mut stakes: Vec<(i128, &str)> = Vec::new();
    for account in &accounts {
        let year = account.activity.months().iter().filter(|month| (last - 11..=last).contains(&month.month.0));
        let revenue = year.map(|month| i128::from(month.revenue.0)).sum();
        let stake = at_stake(&model, history(account, night.day()).unwrap(), revenue);
        stakes.push((-stake, account.id.as_str()));
    }
    stakes.sort_unstable();
    stakes.truncate(20);
    let found: Vec<_> = listed.iter().map(|one| (-one.at_stake, one.account_id.as_str())).collect();
    assert_eq!(found, stakes);
    for one in &listed {
        assert!(one.fell_by > Some(0.0) && one.probability_alive < Some(1.0), "{one:?}");
    }
}
