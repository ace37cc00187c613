//! Memberships: by approval and paid, what is lost with one, and who is excluded from something.

use local::simulate::{self, Asked};
use serde_json::{Value, json};
use tests::network::Staleness;
use tests::{Account, Cloud, WHOLESALE};

/// `wholesale` with a membership, and a perk for who orders within thirty days.
fn program(membership: &Value) -> Value {
    let mut program: Value = serde_json::from_str(WHOLESALE).unwrap();
    program["membership"] = membership.clone();
    program["perks"] = json!([{"id": "early", "name": "Early access", "kind": "early_access", "activity_days": 30,
        "count_per": {"count": 9, "months": 12}}]);
    if membership["kind"] == "paid" {
        program["warnings"] = json!({"membership_ending_days": [7]});
    }
    program
}

async fn start(membership: Value) -> (Cloud, Account) {
    let cloud = Cloud::with_program(program(&membership)).await;
    let acme = cloud.account("acme");
    (cloud, acme)
}

async fn paid() -> (Cloud, Account) {
    start(json!({"kind": "paid", "months": 1, "grace_days": 10})).await
}

/// What its order of so many pounds earns.
async fn earned(account: &Account, id: &str, pounds: &str, placed_at: &str) -> i64 {
    let order = account.order(id).placed(placed_at).line("MUG", 1, pounds);
    order.send().await.expect(201)["points"].as_i64().unwrap()
}

async fn membership(account: &Account) -> Value {
    account.standing().await.expect(200)["membership"].clone()
}

/// The books balance, and a replay under the versions in force differs in nothing.
async fn is_reproduced(cloud: &Cloud, membership: &Value) {
    cloud.audit().await;
    let asked = Asked { draft: program(membership), as_of: None, workers: 1 };
    let simulated = simulate::run(cloud.app(), asked, |_, _| ()).await.unwrap();
    let document = serde_json::to_value(simulate::document(&simulated).unwrap()).unwrap();
    assert_eq!(document["not_reproduced"]["accounts"], 0, "{document}");
    assert_eq!(document["total"]["difference"]["points_issued"], 0, "{document}");
}

#[tokio::test]
async fn an_applicant_is_let_in_and_earns_from_then_on() {
    let kind = json!({"kind": "approval"});
    let (cloud, acme) = start(kind.clone()).await;
    let enrolled = acme.put(json!({"name": "Acme", "email": "a@acme.example", "vat_id": "GB999999973"})).await;
    let since = json!({"state": "applicant", "since": "2011-03-01T12:00:00Z"});
    assert_eq!(enrolled.expect(201)["membership"], since);
    let receipt = acme.order("o-1").line("MUG", 1, "600.00").send().await.expect(201);
    assert_eq!((&receipt["points"], &receipt["discounts_issued"]), (&json!(0), &json!([])));
    assert_eq!(receipt["reasons"][0]["condition"], "not_a_member");
    let why = "because the account is not a member yet.";
    assert!(receipt["reasons"][0]["text"].as_str().unwrap().ends_with(why), "{}", receipt.json());
    let lost =
        json!([{"id": "early", "name": "Early access", "reason": "not_a_member", "since": "2011-03-01T12:00:00Z"}]);
    assert_eq!(acme.standing().await.expect(200)["perks_lost"], lost);
    let refused = acme.use_perk("key-1", "early", &json!({})).await.expect_problem(409, "perk-lost");
    assert_eq!(refused["detail"], "The account is not a member yet, since 2011-03-01T12:00:00Z.");
    let target = "/v1/accounts/acme/referral-code";
    let refused = cloud.request_keyed(target, "key-1", &json!({})).await.expect_problem(409, "not-a-member");
    assert_eq!(refused["detail"], "The account is no member: it is applicant, since 2011-03-01T12:00:00Z.");

    cloud.set_clock("2011-03-02T12:00:00Z");
    let approval = json!({"admission": "approved", "reason": "Known from the fair"});
    let approved = acme.put_membership(approval.clone()).await.expect(200);
    assert_eq!(
        (&approved["membership"], &approved["joined_at"]),
        (&json!({"state": "member"}), &json!("2011-03-02T12:00:00Z"))
    );
    assert_eq!(approved["perks"][0]["id"], "early");
    assert_eq!(approved["perks_lost"], Value::Null);
    let before = cloud.tables().await;
    acme.put_membership(approval).await.expect(200);
    assert_eq!(cloud.tables().await, before, "the same again writes nothing");
    assert_eq!(earned(&acme, "o-2", "10.00", "2011-03-02T12:00:00Z").await, 10);
    let texts: Vec<_> = acme.history().await.into_iter().map(|entry| entry["text"].clone()).collect();
    assert_eq!(texts[1], "The account is a member now: Known from the fair.");
    assert_eq!(texts.last().unwrap().as_str().unwrap().matches("The account waits to be let in.").count(), 1);

    // What the applicant's order found stays so.
    let amended = acme.order("o-1").amended(1).line("MUG", 1, "900.00").put().await.expect(200);
    assert_eq!((&amended["points"], &amended["discounts_issued"]), (&json!(0), &json!([])));
    acme.put_membership(json!({"admission": "rejected", "reason": "No trade"})).await.expect(200);
    assert_eq!(earned(&acme, "o-3", "10.00", "2011-03-02T12:00:00Z").await, 0);
    is_reproduced(&cloud, &kind).await;
}

#[tokio::test]
async fn a_paid_membership_begins_is_warned_of_lapses_and_comes_back() {
    let kind = json!({"kind": "paid", "months": 1, "grace_days": 10});
    let (cloud, acme) = paid().await;
    assert_eq!(earned(&acme, "o-1", "10.00", "2011-03-01T12:00:00Z").await, 0);
    assert_eq!(membership(&acme).await, json!({"state": "unpaid"}));
    let document = json!({"reference": "INV-17"});
    let first = acme.pays("pay-1", &document).await.expect(201);
    let expected = json!({
        "account_id": "acme", "entry": 2, "decided_at": "2011-03-01T12:00:00Z", "paid_at": "2011-03-01T12:00:00Z",
        "since": "2011-03-01T12:00:00Z", "until": "2011-04-01T11:00:00Z", "lapses_at": "2011-04-11T11:00:00Z",
        "reference": "INV-17",
    });
    assert_eq!(first.json(), expected);
    for staleness in [Staleness::None, Staleness::Oldest] {
        cloud.stale_reads(staleness);
        let again = acme.pays("pay-1", &document).await.expect(200);
        assert_eq!((again.body(), again.header("idempotent-replayed")), (first.body(), Some("true")));
        acme.pays("pay-1", &json!({})).await.expect_problem(409, "idempotency-key-reused");
    }
    cloud.stale_reads(Staleness::None);
    let running = json!({
        "state": "member", "since": "2011-03-01T12:00:00Z", "until": "2011-04-01T11:00:00Z",
        "lapses_at": "2011-04-11T11:00:00Z",
    });
    assert_eq!(membership(&acme).await, running);
    assert_eq!(earned(&acme, "o-2", "600.00", "2011-03-01T12:00:00Z").await, 600);

    // A week ahead it is said, and after the time of grace it is written down that it is over.
    cloud.set_clock("2011-03-26T00:00:00Z");
    cloud.sweep(None).await;
    let told =
        "The membership is paid for until 2011-04-01; it will end after 2011-04-11, unless it is paid for again.";
    assert_eq!(acme.history().await[0]["text"], told);
    cloud.set_clock("2011-04-11T11:00:00Z");
    let lapsed = json!({"state": "lapsed", "since": "2011-04-11T11:00:00Z", "until": "2011-04-01T11:00:00Z"});
    assert_eq!(membership(&acme).await, lapsed, "true at its instant, whatever was swept");
    cloud.sweep(None).await;
    let history = acme.history().await;
    let last = history[0]["changes"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last, json!({"type": "membership.lapsed", "lapsed_at": "2011-04-11T11:00:00Z"}));
    assert_eq!(membership(&acme).await, lapsed);
    assert_eq!(earned(&acme, "o-3", "600.00", "2011-04-11T11:00:00Z").await, 0);
    let standing = acme.standing().await.expect(200);
    assert_eq!((&standing["points"]["balance"], &standing["perks"]), (&json!(600), &Value::Null));
    assert_eq!(standing["perks_lost"][0]["reason"], "membership_lapsed");
    let shown = local::show::account(cloud.app(), &domain::id::AccountId::parse("acme").unwrap(), 9).await.unwrap();
    for line in
        ["from 2011-03-01T12:00:00Z until 2011-04-01T11:00:00Z, lapsed 2011-04-11T11:00:00Z", "membership payment"]
    {
        assert!(shown.contains(line), "{line} in {shown}");
    }

    cloud.set_clock("2011-05-01T09:00:00Z");
    acme.pays("pay-2", &json!({})).await.expect(201);
    // What it had spent meanwhile makes it silver with its first order as a member.
    assert_eq!(earned(&acme, "o-4", "10.00", "2011-05-01T09:00:00Z").await, 10);
    assert_eq!(earned(&acme, "o-5", "10.00", "2011-05-01T09:00:00Z").await, 12);
    is_reproduced(&cloud, &kind).await;
}

#[tokio::test]
async fn a_perk_that_rests_without_orders_is_back_with_the_next() {
    let (cloud, acme) = start(json!({"kind": "open"})).await;
    acme.put(json!({"name": "Acme"})).await.expect(201);
    acme.use_perk("key-1", "early", &json!({})).await.expect(201);
    cloud.set_clock("2011-03-31T23:00:00Z");
    let lost = json!([{"id": "early", "name": "Early access", "reason": "no_order", "since": "2011-03-31T23:00:00Z"}]);
    assert_eq!(acme.standing().await.expect(200)["perks_lost"], lost);
    let refused = acme.use_perk("key-2", "early", &json!({})).await.expect_problem(409, "perk-lost");
    assert_eq!(refused["detail"], "The account has not ordered for too long, since 2011-03-31T23:00:00Z.");
    earned(&acme, "o-1", "1.00", "2011-03-31T23:00:00Z").await;
    acme.use_perk("key-2", "early", &json!({})).await.expect(201);
    cloud.audit().await;
}

#[tokio::test]
async fn a_key_account_with_net_prices_earns_nothing_and_stays_a_member() {
    let kind = json!({"kind": "open"});
    let (cloud, acme) = start(kind.clone()).await;
    assert_eq!(earned(&acme, "o-1", "10.00", "2011-03-01T12:00:00Z").await, 10);
    assert_eq!(membership(&acme).await, Value::Null);
    let excluded = acme.put_membership(json!({"excluded_from": ["perks", "earning"], "reason": "Net prices"})).await;
    let expected = json!({"state": "member", "excluded_from": ["earning", "perks"]});
    assert_eq!(excluded.expect(200)["membership"], expected);
    assert_eq!(earned(&acme, "o-2", "1000.00", "2011-03-01T12:00:00Z").await, 0);
    let standing = acme.standing().await.expect(200);
    assert_eq!((&standing["tier"]["id"], &standing["perks_lost"][0]["reason"]), (&json!("silver"), &json!("excluded")));
    let text = "The account is excluded from earning, perks now: Net prices.";
    assert_eq!(acme.history().await[1]["text"], text);
    acme.put_membership(json!({"excluded_from": [], "reason": "List prices again"})).await.expect(200);
    assert_eq!(membership(&acme).await, Value::Null);
    assert_eq!(earned(&acme, "o-3", "10.00", "2011-03-01T12:00:00Z").await, 12);
    is_reproduced(&cloud, &kind).await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let (cloud, acme) = paid().await;
    acme.put(json!({"name": "Acme"})).await.expect(201);
    let before = cloud.tables().await;
    let faulty = acme.put_membership(json!({"admission": 1, "excluded_from": ["all"], "until": null})).await;
    let faulty = faulty.expect_problem(422, "invalid-document");
    let paths = ["$.until", "$.admission", "$.excluded_from[0]", "$.reason"];
    assert_eq!(faulty.fault_paths(), paths);
    let refused = acme.put_membership(json!({"admission": "approved", "reason": "r"})).await;
    assert_eq!(refused.expect_problem(409, "nobody-is-admitted").fault_paths(), ["$.admission"]);
    let faulty = acme.pays("key-1", &json!({"paid_at": "2011-03-01", "amount": "9.00"})).await;
    assert_eq!(faulty.expect_problem(422, "invalid-document").fault_paths(), ["$.amount", "$.paid_at"]);
    let early = acme.pays("key-1", &json!({"paid_at": "2011-03-01T12:00:00.001Z"})).await;
    assert_eq!(early.expect_problem(422, "fee-paid-in-future").fault_paths(), ["$.paid_at"]);
    acme.pays("", &json!({})).await.expect_problem(400, "idempotency-key-missing");
    cloud.account("nobody").pays("key-1", &json!({})).await.expect_problem(404, "unknown-account");
    assert_eq!(cloud.tables().await, before);
    let (open, acme) = start(json!({"kind": "open"})).await;
    acme.put(json!({"name": "Acme"})).await.expect(201);
    let before = open.tables().await;
    acme.pays("key-1", &json!({})).await.expect_problem(409, "no-membership-fee");
    assert_eq!(open.tables().await, before);
}

#[tokio::test]
async fn an_order_pays_nothing_for_the_membership_of_its_account() {
    let (cloud, acme) = paid().await;
    if !cloud.is_embedded() {
        return;
    }
    acme.put(json!({"name": "Acme"})).await.expect(201);
    acme.pays("key-1", &json!({})).await.expect(201);
    earned(&acme, "o-1", "10.00", "2011-03-01T12:00:00Z").await;
    let (_, units) = cloud.units(acme.order("o-2").line("MUG", 1, "10.00").send()).await;
    assert_eq!((units.write_halves, units.read_halves), (12, 1));
}

#[tokio::test]
async fn the_command_line_shows_the_membership_of_the_program() {
    for (membership, line) in [
        (json!({"kind": "approval"}), "  membership by approval\n"),
        (
            json!({"kind": "paid", "months": 12, "grace_days": 10}),
            "  membership paid for 12 months, and 10 days of grace\n",
        ),
    ] {
        let (cloud, _) = start(membership).await;
        let shown = local::program::show(cloud.app(), cloud.now()).await.unwrap();
        assert!(shown.contains(line), "{shown}");
        let perk = "  early: Early access\n      early access, for all, while it orders within 30 days, 9 times in a calendar year\n";
        assert!(shown.contains(perk), "{shown}");
    }
}

/// The sample program of a merchant whose members pay for the year.
const SUBSCRIPTION: &str = include_str!("../../shared/local/programs/subscription.json");

#[tokio::test]
async fn the_sample_subscription_makes_sense_and_runs() {
    let document: Value = serde_json::from_str(SUBSCRIPTION).unwrap();
    let name = domain::id::ProgramName::parse("subscription").unwrap();
    assert!(domain::program::Program::from_new(&document, &name).is_ok());
    let cloud = Cloud::with_program(document).await;
    let acme = cloud.account("acme");
    let order = |id: &str, placed_at: &str| {
        acme.order(id).placed(placed_at).set("currency", json!("EUR")).line("TEA", 1, "12000.00")
    };
    assert_eq!(order("o-1", "2011-03-01T12:00:00Z").send().await.expect(201)["points"], 0);
    let lost = acme.standing().await.expect(200)["perks_lost"].as_array().unwrap().len();
    assert_eq!(lost, 2, "those of the first day");
    let paid = acme.pays("2011", &json!({})).await.expect(201);
    assert_eq!((&paid["until"], &paid["lapses_at"]), (&json!("2012-03-01T12:00:00Z"), &json!("2012-03-15T12:00:00Z")));

    cloud.set_clock("2011-03-31T12:00:00Z");
    let second = order("o-2", "2011-03-31T12:00:00Z");
    let receipt = second.send().await.expect(201);
    assert_eq!((&receipt["points"], &receipt["tier"]["after"]), (&json!(12_000), &json!("partner")));
    assert_eq!((&receipt["balance"], &receipt["until_paid"]), (&json!(0), &json!(true)));
    let standing = acme.standing().await.expect(200);
    let perks = standing["perks"].as_array().unwrap();
    let perks: Vec<_> = perks.iter().map(|perk| perk["id"].as_str().unwrap()).collect();
    assert_eq!(perks, ["early-access", "support", "training", "fair"]);
    acme.use_perk("key-1", "training", &json!({})).await.expect(201);

    // The time in which goods come back is over, but the order is not paid.
    let points = async || {
        let standing = acme.standing().await.expect(200);
        ["balance", "pending", "unpaid"].map(|figure| standing["points"][figure].as_i64().unwrap_or(0))
    };
    cloud.set_clock("2011-04-20T12:00:00Z");
    assert_eq!(points().await, [0, 12_000, 12_000]);
    let paid = second.paid().at("2011-04-20T12:00:00Z").send().await.expect(201);
    assert_eq!((paid.number("points"), paid.number("balance")), (12_000, 12_000));
    assert_eq!(points().await, [12_000, 0, 0]);

    // Half a year without an order one of them rests, and a year later all of them, with the membership.
    cloud.set_clock("2011-09-28T12:00:00Z");
    assert_eq!(acme.standing().await.expect(200)["perks_lost"][0]["reason"], "no_order");
    cloud.set_clock("2012-03-15T12:00:00Z");
    cloud.sweep(None).await;
    acme.use_perk("key-2", "support", &json!({})).await.expect_problem(409, "perk-lost");
    assert_eq!(order("o-3", "2012-03-15T12:00:00Z").send().await.expect(201)["points"], 0);
    acme.pays("2012", &json!({"reference": "INV-2012-3"})).await.expect(201);
    assert_eq!(order("o-4", "2012-03-15T12:00:00Z").send().await.expect(201)["points"], 18_000);
    cloud.audit().await;
}
