//! Referrals through everything that a network and a distributed database do: whatever goes wrong on the way, each side
//! is rewarded once at most, and all is as if nothing had gone wrong.

use crate::referral_life::{REWARD_AT, program};
use domain::id::AccountId;
use domain::warning::Walk;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::network::Staleness;
use tests::{Cloud, Order, Redemption, ReferralCode, Reply, endpoint};

#[tokio::test]
async fn a_redemption_whose_answer_got_lost_is_found_by_the_retry() {
    let cloud = Cloud::start().await;
    if !cloud.is_embedded() {
        return;
    }
    let code = cloud.account("acme");
    code.put(json!({"name": "Acme"})).await.expect(201);
    let code = code.refers_with(json!({"redemptions_left": 1})).await;
    // It was the last use of the code, and its company is not new any more: the retry hears neither.
    for prospect in [code.prospect(1), code.prospect(2).without("account_id")] {
        code.put(json!({"status": "active", "redemptions_left": 1})).await.expect(200);
        for staleness in [Staleness::None, Staleness::Oldest] {
            cloud.stale_reads(staleness);
            cloud.network().unwrap().lose_answers(1);
            let first = prospect.redeem().await;
            let again = match staleness {
                Staleness::None => {
                    first.expect_problem(500, "internal");
                    prospect.redeem().await.expect(200)
                }
                _ => first.expect(200),
            };
            assert_eq!(again.header("idempotent-replayed"), Some("true"));
            cloud.network().unwrap().calm();
        }
    }
    cloud.audit().await;
}

#[tokio::test]
async fn a_reward_whose_answer_got_lost_is_given_once() {
    for staleness in [Staleness::None, Staleness::Behind(1), Staleness::Oldest] {
        let cloud = Cloud::start().await;
        if !cloud.is_embedded() {
            return;
        }
        let redemption = cloud.referrer("acme").await.redeemed_by(1).await;
        redemption.order("o-1", "300.00").send().await.expect(201);
        cloud.set_clock(REWARD_AT);
        cloud.stale_reads(staleness);
        // First that of the reward, then that of what the referee's account notes of it.
        let (app, id) = (cloud.local().app(Walk::Review.function()).unwrap(), AccountId::parse("p-1").unwrap());
        app.schedule().await.unwrap();
        for _ in ["the reward", "its note"] {
            cloud.network().unwrap().lose_answers(1);
            assert!(runtime::walker::walk_account(app, Walk::Review, &id).await.is_err());
        }
        redemption.walk().await;
        cloud.network().unwrap().calm();
        assert_eq!(cloud.account("acme").times("referral.rewarded").await, 1);
        assert_eq!(redemption.account().times("referral.concluded").await, 1);
        assert_eq!((cloud.account("acme").balance().await, redemption.state().await), (500, "rewarded".to_owned()));
        cloud.audit().await;
    }
}

/// One thing that happens around referrals.
#[derive(Debug, Clone)]
enum Step {
    /// A company redeems the code of a referrer; it may have done so before, under another key or by another code.
    Redeem { referrer: u8, company: u32, key: u8, suspect: bool },
    /// A company asks for a code of its own.
    Issue { company: u32 },
    /// A limited code is limited otherwise, paused or opened. One without limit stays as it is: whoever redeems it may
    /// see it as it was a moment ago.
    Settings { left: u8, paused: bool },
    /// Somebody looks at what a company redeemed.
    Review { company: u32, approve: bool },
    /// A company orders; the number decides the content.
    Order { number: u8 },
    /// An order is stated anew.
    Amend { number: u8, revision: u8 },
    /// Some of an order comes back.
    Return { number: u8, part: u8 },
    /// All of an order does.
    Cancel { number: u8 },
    /// Goods come back without an order's number.
    Credit { company: u32, number: u8 },
    /// A company is walked.
    Walk { company: u32 },
    /// Time passes.
    Wait { days: u8 },
}

const COMPANIES: u32 = 3;

fn step() -> impl Strategy<Value = Step> {
    let redeem = (0..2_u8, 0..COMPANIES, 0..2_u8, prop::bool::weighted(0.25))
        .prop_map(|(referrer, company, key, suspect)| Step::Redeem { referrer, company, key, suspect });
    let settings = (0..4_u8, prop::bool::weighted(0.2)).prop_map(|(left, paused)| Step::Settings { left, paused });
    let review =
        (0..COMPANIES, prop::bool::weighted(0.7)).prop_map(|(company, approve)| Step::Review { company, approve });
    let amend = (0..9_u8, 1..4_u8).prop_map(|(number, revision)| Step::Amend { number, revision });
    let back = (0..9_u8, 0..3_u8).prop_map(|(number, part)| Step::Return { number, part });
    let credit = (0..COMPANIES, 0..2_u8).prop_map(|(company, number)| Step::Credit { company, number });
    prop_oneof![
        6 => redeem,
        1 => (0..COMPANIES).prop_map(|company| Step::Issue { company }),
        1 => settings,
        3 => review,
        8 => (0..9_u8).prop_map(|number| Step::Order { number }),
        2 => amend,
        3 => back,
        1 => (0..9_u8).prop_map(|number| Step::Cancel { number }),
        1 => credit,
        8 => (0..COMPANIES).prop_map(|company| Step::Walk { company }),
        4 => (1..40_u8).prop_map(|days| Step::Wait { days }),
    ]
}

/// Sends until there is an answer that a client would take.
async fn insist(send: impl AsyncFn() -> Reply) -> Reply {
    for _ in 0..1_000 {
        let reply = send().await;
        if reply.status() < 500 {
            return reply;
        }
    }
    panic!("no answer after a thousand tries");
}

/// What became of a history: every answer, and all that is stored.
#[derive(Debug, PartialEq)]
struct Outcome {
    answers: Vec<Option<(u16, Value)>>,
    tables: BTreeMap<String, Vec<String>>,
}

struct World {
    cloud: Cloud,
    codes: Vec<ReferralCode>,
    /// What each company redeemed last.
    redeemed: BTreeMap<u32, Redemption>,
}

impl World {
    async fn new(take_back: bool, pending_days: u8) -> Self {
        let cloud = Cloud::with(|program| {
            program["points"]["pending_days"] = json!(pending_days);
            let gift = json!({"id": "thanks", "name": "Thanks", "percent": "15", "validity_days": 20});
            let referral = &mut program["referral"];
            referral["after_return"] = json!(if take_back { "take_back" } else { "keep" });
            referral["rewards"] = json!([{"from": 1, "points": 500}, {"from": 2, "points": 700, "discount": gift}]);
            (referral["return_window_days"], referral["qualifying"]["within_days"]) = (json!(10), json!(60));
        })
        .await;
        let mut codes = Vec::new();
        for (id, settings) in [("r-0", json!({"redemptions_left": 2})), ("r-1", json!({}))] {
            let document = json!({"name": id, "email": format!("office@{id}.example")});
            cloud.account(id).put(document).await.expect(201);
            codes.push(cloud.account(id).refers_with(settings).await);
        }
        Self { cloud, codes, redeemed: BTreeMap::new() }
    }

    /// An order of one of the companies: ten units, some of which are worth as much as it takes together.
    fn order(&self, number: u8, units: u64) -> Order {
        let order = self.cloud.order(&format!("o-{number}")).account(&format!("p-{}", u32::from(number) % COMPANIES));
        let placed = self.cloud.now().plus_ms(-i64::from(number));
        order.placed(&placed.to_string()).line("MUG", units, ["24.99", "25.00", "31.25"][usize::from(number) / 3])
    }

    async fn step(&mut self, step: &Step) -> Option<(u16, Value)> {
        let reply = match step {
            Step::Wait { days } => {
                self.cloud.set_instant(self.cloud.now().plus_ms(i64::from(*days) * 86_400_000));
                return None;
            }
            Step::Walk { company } => {
                self.walk(&format!("p-{company}")).await;
                return None;
            }
            Step::Redeem { referrer, company, key, suspect } => {
                let code = &self.codes[usize::from(*referrer)];
                let prospect = code.prospect(*company).key(&format!("key-{company}-{key}"));
                let email = format!("p-{company}@r-{referrer}.example");
                let prospect = if *suspect { prospect.set("email", json!(email)) } else { prospect };
                let reply = insist(async || prospect.redeem().await).await;
                if reply.status() < 300 {
                    let redemption = code.redemption(reply["redemption_id"].as_str().unwrap());
                    self.redeemed.insert(*company, redemption.of(&format!("p-{company}")));
                }
                reply
            }
            Step::Issue { company } => {
                let account = self.cloud.account(&format!("p-{company}"));
                insist(async || account.issue_code(json!({})).await).await
            }
            Step::Settings { left, paused } => {
                let status = if *paused { "paused" } else { "active" };
                let settings = json!({"status": status, "redemptions_left": left});
                let code = &self.codes[0];
                insist(async || code.put(settings.clone()).await).await
            }
            Step::Review { company, approve } => {
                let redemption = self.redeemed.get(company)?;
                let decide =
                    async || if *approve { redemption.approve(None).await } else { redemption.reject(None).await };
                insist(decide).await
            }
            _ => self.trade(step).await,
        };
        assert!([200, 201, 202, 404, 409, 422].contains(&reply.status()), "{step:?}: {}", reply.json());
        // A retry after a lost answer hears 200 where the first try would have heard 201: nothing else may differ.
        Some((if reply.status() == 201 { 200 } else { reply.status() }, reply.json()))
    }

    async fn trade(&self, step: &Step) -> Reply {
        let now = self.cloud.now().to_string();
        match step {
            Step::Amend { number, revision } => {
                let order = self.order(*number, 0).amended(u64::from(*revision));
                let order = order.line("MUG", u64::from(*revision) * 5, "26.00");
                insist(async || order.put().await).await
            }
            Step::Return { number, part } => {
                let back = self.order(*number, 0).returned(&format!("r-{part}")).at(&now);
                let back = back.units("1", u64::from(*part) * 2 + 1);
                insist(async || back.send().await).await
            }
            Step::Cancel { number } => {
                let cancelled = self.order(*number, 0).cancelled().at(&now);
                insist(async || cancelled.send().await).await
            }
            Step::Credit { company, number } => {
                let account = self.cloud.account(&format!("p-{company}"));
                let note =
                    account.credit_note(&format!("c-{number}")).at(&now).units("MUG", u64::from(*number) * 8 + 3);
                insist(async || note.send().await).await
            }
            Step::Order { number } => {
                let order = self.order(*number, 10);
                insist(async || order.send().await).await
            }
            other => panic!("{other:?} is no trade"),
        }
    }

    async fn walk(&self, id: &str) {
        let app = self.cloud.local().app(Walk::Review.function()).unwrap();
        let id = AccountId::parse(id).unwrap();
        for _ in 0..1_000 {
            match runtime::walker::walk_account(app, Walk::Review, &id).await {
                // One that is not there has nothing due.
                Ok(_) | Err(runtime::Error::Rejected(domain::decision::Rejection::UnknownAccount)) => return,
                Err(error) => assert!(error.may_pass(), "{error:?}"),
            }
        }
        panic!("no walk after a thousand tries");
    }

    async fn walk_all(&self) {
        for id in ["p-0", "p-1", "p-2", "r-0", "r-1"] {
            self.walk(id).await;
        }
    }

    /// Once all that is due was walked: each side has what it is to have, once.
    async fn check(&self) {
        self.cloud.set_instant(self.cloud.now().plus_ms(400 * 86_400_000));
        self.walk_all().await;
        self.walk_all().await;
        let (mut rewarded, mut back) = (0, 0);
        for id in ["r-0", "r-1"] {
            rewarded += self.cloud.account(id).times("referral.rewarded").await;
            back += self.cloud.account(id).times("referral.taken_back").await;
        }
        let mut redeemed = 0;
        for company in 0..COMPANIES {
            let account = self.cloud.account(&format!("p-{company}"));
            if account.standing().await.status() == 200 {
                let times = account.times("referral.redeemed").await;
                assert!(times <= 1 && account.times("referral.qualified").await <= times);
                redeemed += times;
            }
        }
        let tracked = program(&self.cloud).await;
        assert_eq!(tracked["redeemed"], redeemed, "{tracked}");
        assert_eq!(tracked["rewarded"], rewarded - back, "{tracked}");
        assert!(rewarded <= redeemed && back <= rewarded, "{tracked}");
        self.cloud.audit().await;
    }
}

async fn live(steps: &[Step], take_back: bool, pending_days: u8, trouble: Option<u64>) -> Outcome {
    let mut world = World::new(take_back, pending_days).await;
    for function in local::cloud::function_names() {
        world.cloud.local().app(function).unwrap().schedule().await.unwrap();
    }
    if let (Some(seed), Some(network)) = (trouble, world.cloud.network()) {
        network.trouble(seed, 60);
    }
    let mut answers = Vec::new();
    for step in steps {
        answers.push(world.step(step).await);
    }
    if let Some(network) = world.cloud.network() {
        network.calm();
    }
    // Where an account is filed is a lower bound, which a commit on a stale read may leave as it was before a walk.
    world.walk_all().await;
    let tables = world.cloud.tables().await;
    world.cloud.audit().await;
    world.check().await;
    Outcome { answers, tables }
}

proptest! {
    #![proptest_config(crate::trouble::config())]

    /// Whatever goes wrong on the way, a client that insists gets the answers, and the tables hold the bytes, that they
    /// would if nothing had gone wrong; each side is rewarded once at most, and what is tracked is what was done.
    #[test]
    fn trouble_rewards_nobody_twice_and_changes_no_stored_byte(
        steps in prop::collection::vec(step(), 10..60),
        take_back: bool,
        pending_days in prop::sample::select(vec![0_u8, 14]),
        seed: u64,
    ) {
        if endpoint().is_some() {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let calm = live(&steps, take_back, pending_days, None).await;
            let troubled = live(&steps, take_back, pending_days, Some(seed)).await;
            assert_eq!(troubled.answers, calm.answers);
            for (table, items) in &calm.tables {
                let other = &troubled.tables[table];
                let (missing, new): (Vec<_>, Vec<_>) = (
                    items.iter().filter(|item| !other.contains(item)).collect(),
                    other.iter().filter(|item| !items.contains(item)).collect(),
                );
                assert!(missing.is_empty() && new.is_empty(), "{table}: {missing:#?} became {new:#?}");
            }
        });
    }
}
