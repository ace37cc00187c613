//! An order's statements, returns and cancellation in every order, each more than once, by whichever way: the same end.
//!
//! Cases are random, with worths that cross the thresholds of tiers and discounts; a failure names its seed.

use crate::reordering::permutations;
use domain::account::Account;
use domain::discount::Discount;
use domain::id::{AccountId, OrderId, OrderKey, Source};
use domain::lots::Holdings;
use domain::returns::Tally;
use serde_json::{Value, json};
use store::{Consistency, StoredOrder};
use tests::{Cloud, Order, TakeBack, each_seed};

/// Units of the first line that come back at most: every statement has as many.
const BACK_MAX: u64 = 6;

/// What the account has done before.
#[derive(Debug, Clone)]
struct Before {
    /// Worth of its earlier order, in pence; none where zero.
    pence: u64,
    /// When that was placed.
    placed_at: &'static str,
    /// Points that were spent since; it owes what it did not have.
    spent: i64,
    shortfall: &'static str,
    pending_days: u16,
}

/// One statement of the order.
#[derive(Debug, Clone)]
struct Statement {
    quantity: u64,
    /// What the first line comes to, in pence.
    pence: u64,
    /// Units of a second line, at 1.99 each.
    cups: u64,
    postage: bool,
    /// Names the discount of the earlier order, if it has one.
    names_code: bool,
}

#[derive(Debug, Clone)]
struct Case {
    before: Before,
    /// Revision 0, 1, 2 …
    statements: Vec<Statement>,
    /// Units of each return.
    returns: Vec<u64>,
    cancelled: bool,
}

fn any<T: Clone>(random: &mut fastrand::Rng, of: &[T]) -> T {
    of[random.usize(0..of.len())].clone()
}

impl Statement {
    fn draw(random: &mut fastrand::Rng) -> Self {
        let thresholds = [300, 49_999, 50_000, 50_001, 70_000, 99_999, 100_000, 120_000, 500_000, 2_600_000];
        let pence = if random.bool() { any(random, &thresholds) } else { random.u64(100..130_000) };
        let cups = if random.bool() { random.u64(1..9) } else { 0 };
        let quantity = random.u64(BACK_MAX..40);
        Self { quantity, pence, cups, postage: random.bool(), names_code: random.u8(0..5) < 2 }
    }
}

impl Case {
    /// Up to five events.
    fn draw(random: &mut fastrand::Rng) -> Self {
        let before = Before {
            pence: any(random, &[0, 30_000, 60_000, 90_000, 110_000, 600_000]),
            placed_at: any(random, &["2011-02-10T12:00:00Z", "2011-03-01T12:00:00Z", "2010-02-10T12:00:00Z"]),
            spent: any(random, &[0, 0, 200, 700, 2_000]),
            shortfall: any(random, &["owe", "write_off"]),
            pending_days: any(random, &[0, 14]),
        };
        let statements = random.usize(2..=4);
        let cancelled = random.u8(0..3) == 0;
        let returns = random.usize(0..=5 - statements - usize::from(cancelled));
        Self {
            before,
            statements: (0..statements).map(|_| Statement::draw(random)).collect(),
            returns: (0..returns).map(|_| random.u64(1..=BACK_MAX / 3)).collect(),
            cancelled,
        }
    }

    /// A cloud with the account as it was before, and the code of its open discount.
    async fn start(&self) -> (Cloud, Option<String>) {
        let Before { pence, placed_at, spent, shortfall, pending_days } = self.before;
        let cloud = Cloud::with(|program| {
            program["points"]["shortfall"] = json!(shortfall);
            program["points"]["pending_days"] = json!(pending_days);
        })
        .await;
        let acme = cloud.account("acme");
        acme.put(json!({"name": "Acme"})).await.expect(201);
        let mut code = None;
        if pence > 0 {
            let order = cloud.order("o-0").placed(placed_at).line("MUG", 1, &decimal(pence));
            let score = order.send().await.expect(201);
            code = score["discounts_issued"][0]["code"].as_str().map(str::to_owned);
        }
        if spent > 0 {
            let status = acme.give(-spent).await.status();
            assert!(status == 201 || shortfall == "write_off", "{status}");
        }
        (cloud, code)
    }

    fn events(&self, cloud: &Cloud, code: Option<&str>) -> Vec<Event> {
        let order = cloud.order("o-1");
        let statement = |(revision, stated): (usize, &Statement)| {
            let line = json!({
                "line_id": "1", "sku": "MUG", "quantity": stated.quantity, "amount": decimal(stated.pence),
            });
            let mut order = order.amended(revision as u64).set("lines", json!([line]));
            if stated.cups > 0 {
                order = order.line("CUP", stated.cups, "1.99");
            }
            if stated.postage {
                order = order.line("POST", 1, "9.00");
            }
            match code.filter(|_| stated.names_code) {
                Some(code) => Event::Stated(order.code(code)),
                None => Event::Stated(order),
            }
        };
        let back = |(n, units): (usize, &u64)| order.returned(&format!("r-{n}")).units("1", *units);
        let stated = self.statements.iter().enumerate().map(statement);
        let returned = self.returns.iter().enumerate().map(back);
        let back = returned.chain(self.cancelled.then(|| order.cancelled()));
        stated.chain(back.map(Event::TakenBack)).collect()
    }
}

fn decimal(pence: u64) -> String {
    format!("{}.{:02}", pence / 100, pence % 100)
}

/// By which way messages come.
#[derive(Debug, Clone, Copy)]
enum Way {
    Http,
    Bus,
    Both,
}

#[derive(Clone)]
enum Event {
    Stated(Order),
    TakenBack(TakeBack),
}

impl Event {
    /// Sends it until it is taken; answers whether it was refused first.
    async fn deliver(&self, cloud: &Cloud, way: Way, random: &mut fastrand::Rng) {
        let by_bus = match way {
            Way::Http => false,
            Way::Bus => true,
            Way::Both => random.bool(),
        };
        if by_bus {
            match self {
                // An amendment may come as an order that was placed, too.
                Self::Stated(order) if random.bool() => order.announce().await,
                Self::Stated(order) => order.announce_amended().await,
                Self::TakenBack(back) => back.announce().await,
            }
            cloud.drain().await;
            return;
        }
        let reply = match self {
            Self::Stated(order) if random.bool() => order.send().await,
            Self::Stated(order) => order.put().await,
            Self::TakenBack(back) => back.send().await,
        };
        assert!((200..300).contains(&reply.status()), "{}", reply.json());
    }
}

/// What must be the same in the end.
#[derive(Debug, Clone, PartialEq)]
struct End {
    standing: Value,
    account: Account,
    lines: Value,
    kept: Vec<u64>,
    tally: Tally,
    worth: (i64, i64),
    tier_after: String,
    issued: Vec<String>,
    code: Option<(Option<OrderKey>, bool)>,
}

async fn end(cloud: &Cloud, code: Option<&str>) -> End {
    let mut standing = cloud.account("acme").standing().await.expect(200).json();
    // How many commits it took may differ, and how early the walker looks.
    standing["version"] = json!(null);
    let (store, id) = (cloud.app().store(), AccountId::parse("acme").unwrap());
    let mut account = store.account(&id, Consistency::Strong).await.unwrap().unwrap();
    (account.version, account.due) = (0, None);
    let key = OrderKey { source: Source::parse("shop").unwrap(), order_id: OrderId::parse("o-1").unwrap() };
    let Some(StoredOrder::Scored(scored)) = store.order(&key, Consistency::Strong).await.unwrap() else {
        panic!("no order");
    };
    let code: Vec<_> = code.iter().map(|code| domain::code::Code::parse(code).unwrap()).collect();
    let found = store.discounts(&id, &code, Consistency::Strong).await.unwrap().into_iter().flatten().next();
    let score = scored.current();
    let issued = score.issued.iter().filter(|issued| !issued.void);
    End {
        standing,
        account,
        lines: serde_json::to_value(&scored.order).unwrap(),
        kept: scored.kept_units(),
        tally: scored.history.tally,
        worth: (score.eligible.0, score.points.0),
        tier_after: score.tier_after.to_string(),
        issued: issued.map(|issued| issued.code.to_string()).collect(),
        code: found.map(|Discount { used_by, void, .. }| (used_by, void)),
    }
}

async fn every_permutation_ends_the_same(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let case = Case::draw(&mut random);
    let count = case.statements.len() + case.returns.len() + usize::from(case.cancelled);
    let mut expected = None;
    for (number, permutation) in permutations(count).into_iter().enumerate() {
        let way = [Way::Http, Way::Bus, Way::Both][(number + seed as usize) % 3];
        let (cloud, code) = case.start().await;
        let events = case.events(&cloud, code.as_deref());
        for (place, index) in permutation.iter().enumerate() {
            events[*index].deliver(&cloud, way, &mut random).await;
            // Something of what came so far comes a second time.
            let again = permutation[random.usize(0..=place)];
            events[again].deliver(&cloud, way, &mut random).await;
        }
        for queue in ["OrderPlacedDeadLetters", "OrderReturnedDeadLetters"] {
            assert!(cloud.queue(queue).await.is_empty(), "{permutation:?} of {case:#?}");
        }
        let found = end(&cloud, code.as_deref()).await;
        let expected = expected.get_or_insert_with(|| found.clone());
        assert_eq!(found, *expected, "{way:?} {permutation:?} of {case:#?}");
        cloud.audit().await;
    }
    sensible(&case, &expected.unwrap());
}

/// The end is not only the same but right.
fn sensible(case: &Case, end: &End) {
    let newest = case.statements.last().unwrap();
    let revision = case.statements.len() as u64 - 1;
    assert_eq!(end.lines["revision"].as_u64().unwrap_or(0), revision);
    let back: u64 = case.returns.iter().sum();
    let kept = if case.cancelled { 0 } else { newest.quantity - back };
    assert_eq!(end.kept[0], kept, "{case:#?}");
    assert_eq!(end.worth.0, (newest.pence + newest.cups * 199) as i64);
    assert_eq!(end.tally.earned.0, end.worth.1);
    assert_eq!(case.cancelled, end.tally.credited().unwrap().0 == 0 && end.kept.iter().all(|units| *units == 0));
    let holdings: &Holdings = &end.account.holdings;
    assert!(holdings.debt().0 == 0 || case.before.shortfall == "owe");
}

#[tokio::test]
async fn statements_returns_and_a_cancellation_in_every_order_and_by_every_way_end_the_same() {
    each_seed(2, every_permutation_ends_the_same).await;
}
