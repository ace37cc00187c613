//! Nights: run by the state machine, again, at once, cut short, over accounts that are not right.

use analytics::night::kept::{self, NIGHT, NightRecord, standing};
use analytics::night::{PeriodFigures, PeriodResult, StandingResult};
use analytics::rollup::Totals;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::account::Account;
use domain::decision::{Context, commit};
use domain::id::AccountId;
use domain::ledger::Cause;
use domain::lots::Lot;
use domain::money::Points;
use domain::time::Day;
use local::rollup::RollupError;
use metric_rollup::{SEGMENTS, Summary};
use serde_json::{Value, json};
use store::Kept;
use tests::{Cloud, at};

const NIGHT_OF: &str = "2011-04-30";

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

async fn night(cloud: &Cloud) -> Result<Summary, RollupError> {
    local::rollup::rollup(cloud.local(), Some(day(NIGHT_OF))).await
}

async fn invoke(cloud: &Cloud, task: Value) -> Result<Value, runtime::Fault> {
    metric_rollup::handle(cloud.local().app("metric-rollup").unwrap(), task).await
}

async fn period(cloud: &Cloud, period: &str, by: &str) -> PeriodResult {
    cloud.app().store().kept_as(Kept::Period { by, period }, kept::read).await.unwrap().unwrap()
}

async fn record(cloud: &Cloud) -> NightRecord {
    let key = Kept::Night { what: NIGHT, day: day(NIGHT_OF) };
    let record: Option<NightRecord> = cloud.app().store().kept_as(key, kept::read).await.unwrap();
    record.unwrap()
}

async fn totals(cloud: &Cloud) -> Totals {
    let key = Kept::Night { what: &standing("total"), day: day(NIGHT_OF) };
    let result: StandingResult = cloud.app().store().kept_as(key, kept::read).await.unwrap().unwrap();
    result.groups["total"].standing.totals
}

/// A cloud after some orders of two companies in three months; it stands on the day after the night.
pub async fn traded() -> Cloud {
    let cloud = Cloud::start().await;
    for (account, order, placed) in [
        ("acme", "a-1", "2011-02-10T10:00:00Z"),
        ("acme", "a-2", "2011-03-01T09:00:00Z"),
        ("bolt", "b-1", "2011-03-31T22:30:00Z"), // 23:30 in London
        ("bolt", "b-2", "2011-03-31T23:30:00Z"), // half past midnight on the first of April there
        ("acme", "a-3", "2011-04-20T09:00:00Z"),
    ] {
        cloud.set_clock(placed);
        cloud.account(account).order(order).placed(placed).line("lamp", 10, "100.00").send().await.expect(201);
    }
    cloud.set_clock("2011-04-21T09:00:00Z");
    cloud
        .order("a-3")
        .account("acme")
        .returned("r-1")
        .units("1", 4)
        .at("2011-04-21T08:00:00Z")
        .send()
        .await
        .expect(201);
    cloud.set_clock("2011-05-01T09:00:00Z");
    cloud
}

#[tokio::test]
async fn a_night_counts_every_account_and_its_books_close() {
    let cloud = traded().await;
    let summary = night(&cloud).await.unwrap();
    let points = cloud.audit().await;
    assert_eq!((summary.accounts, summary.revision, summary.decided_later), (2, 1, 0));
    assert_eq!(summary.points_outstanding, points.outstanding);

    let march = period(&cloud, "2011-03", "total").await.groups["total"];
    let PeriodFigures { figures, previous_revenue, .. } = march;
    assert_eq!((figures.customers, figures.orders, figures.repeat_customers), (2, 2, 0));
    assert_eq!((figures.returning_customers, figures.previous_customers, figures.retained_customers), (1, 1, 1));
    assert_eq!((figures.revenue, previous_revenue), (200_000, Some(100_000)));
    // The order that came back in part still counts; what came back has left its month.
    let april = period(&cloud, "2011-04", "total").await.groups["total"].figures;
    assert_eq!((april.customers, april.orders, april.revenue), (2, 2, 160_000));
    let quarter = period(&cloud, "2011-Q2", "tier").await;
    assert_eq!(quarter.groups.keys().collect::<Vec<_>>(), ["silver"]);
    let lifetime = period(&cloud, "lifetime", "total").await.groups["total"].figures;
    assert_eq!((lifetime.customers, lifetime.repeat_customers, lifetime.orders), (2, 2, 5));
    assert_eq!(totals(&cloud).await.imbalance(), 0);
}

#[tokio::test]
async fn a_night_run_again_is_a_new_revision() {
    let cloud = traded().await;
    night(&cloud).await.unwrap();
    cloud.account("cube").order("c-1").placed("2011-04-30T12:00:00Z").line("lamp", 1, "5.00").send().await.expect(201);
    let again = night(&cloud).await.unwrap();
    assert_eq!((again.revision, again.accounts, again.decided_later), (2, 3, 1));
    assert_eq!(record(&cloud).await.reduced, Some(2));
    let first = Kept::Part { day: day(NIGHT_OF), revision: 1, segment: 0 };
    assert_eq!(cloud.app().store().kept(first).await.unwrap(), None, "nobody reduces the first run again");
}

/// What a night says of itself and of every period over HTTP, its revision apart.
async fn told(cloud: &Cloud) -> (Value, String) {
    let mut night = cloud.get(&format!("/v1/metrics/nights/{NIGHT_OF}")).await.expect(200).json();
    let revision = night["revision"].take();
    assert_eq!(night["revision_kept"].take(), revision);
    let mut told = night.to_string();
    for period in ["2011-03", "2011-04", "2011-Q2", "2011", "2011-04-T12M", "lifetime"] {
        for by in ["total", "tier", "segment"] {
            told += &cloud.get(&format!("/v1/metrics?period={period}&by={by}")).await.expect(200).json().to_string();
        }
    }
    for place in ["/v1/metrics/retention", "/v1/metrics/accounts", "/v1/accounts/acme/insights"] {
        told += &cloud.get(place).await.expect(200).json().to_string();
    }
    (revision.clone(), told.replace(&format!("\"revision\":{revision}"), "\"revision\":_"))
}

#[tokio::test]
async fn a_night_run_again_over_the_same_accounts_comes_to_the_same_figures() {
    let cloud = traded().await;
    let first = night(&cloud).await.unwrap();
    let before = told(&cloud).await;
    let again = night(&cloud).await.unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), {
        let mut first = serde_json::to_value(&first).unwrap();
        first["revision"] = json!(2);
        first
    });
    let after = told(&cloud).await;
    assert_eq!((before.0, after.0), (json!(1), json!(2)));
    assert!(before.1.contains("\"revenue\":{\"amount\":\"1600.00\""), "{}", before.1);
    assert_eq!(before.1, after.1);
}

#[tokio::test]
async fn a_run_reduced_again_comes_to_the_same_bytes() {
    let cloud = traded().await;
    cloud.set_clock("2011-04-29T09:00:00Z");
    cloud.people("acme", &["ada"]).await;
    let survey = cloud.survey("spring").opened().await;
    survey.answer("acme", "ada", 3).send().await.expect(201);
    cloud.set_clock("2011-05-01T09:00:00Z");
    night(&cloud).await.unwrap();
    let counted = async || {
        let items = cloud.metrics().await.into_iter();
        items.filter(|item| !item.contains("answers#")).collect::<Vec<_>>()
    };
    let before = counted().await;
    let answers = period(&cloud, "2011-04", "tier").await.groups["silver"].answers;
    assert_eq!((answers.detractors, answers.promoters), (1, 0));
    let segment =
        |segment| json!({"task": "scan", "date": NIGHT_OF, "revision": 1, "segment": segment, "of": SEGMENTS});
    let segments: Vec<_> = (0..SEGMENTS).map(segment).collect();
    // Whatever accounts and contacts have done since: the run counted them as they were.
    cloud.account("cube").order("c-1").line("lamp", 1, "5.00").send().await.expect(201);
    survey.answer("acme", "ada", 9).send().await.expect(200);
    let task = json!({"task": "reduce", "date": NIGHT_OF, "revision": 1, "segments": segments});
    invoke(&cloud, task).await.unwrap();
    assert_eq!(counted().await, before);
}

#[tokio::test]
async fn a_segment_goes_on_from_its_checkpoint() {
    let cloud = traded().await;
    let Some(network) = cloud.network() else { return };
    let hurried = cloud.hurried().await;
    let plan = invoke(&hurried, json!({"task": "plan", "date": NIGHT_OF})).await.unwrap();
    let mut done = plan.clone();
    let mut cursors = 0;
    for segment in done["segments"].as_array_mut().unwrap() {
        // A page in which nothing is found, so that there is a second one.
        network.empty_page_about(&format!("\"Segment\":{}", segment["segment"]), 1);
        loop {
            *segment = invoke(&hurried, segment.clone()).await.unwrap();
            if segment.get("cursor").is_none() {
                break;
            }
            cursors += 1;
            // Whoever goes on crashes first: what was kept stands.
            network.refuse_about(&format!("\"Segment\":{}", segment["segment"]), 3);
            invoke(&hurried, segment.clone()).await.unwrap_err();
            network.calm();
        }
    }
    assert!(cursors > 0);
    let summary = invoke(&hurried, done).await.unwrap();
    assert_eq!(summary["accounts"], 2);
    // The whole plan again, as after a time-out: every segment is there.
    for segment in plan["segments"].as_array().unwrap() {
        let answer = invoke(&cloud, segment.clone()).await.unwrap();
        assert_eq!(answer.get("cursor"), None);
    }
    assert_eq!(invoke(&cloud, plan).await.unwrap(), summary);
}

#[tokio::test]
async fn runs_at_once_have_revisions_of_their_own() {
    let cloud = traded().await;
    let plan = || invoke(&cloud, json!({"task": "plan", "date": NIGHT_OF}));
    let (one, two, three) = tokio::join!(plan(), plan(), plan());
    let mut revisions = [one, two, three].map(|plan| plan.unwrap()["revision"].as_u64().unwrap());
    revisions.sort_unstable();
    assert_eq!(revisions, [1, 2, 3]);
}

#[tokio::test]
async fn a_night_before_one_that_was_counted_is_not_run_any_more() {
    let cloud = traded().await;
    cloud.set_clock("2011-05-03T09:00:00Z");
    local::rollup::rollup(cloud.local(), Some(day("2011-05-02"))).await.unwrap();
    let before = cloud.metrics().await;
    let refused = night(&cloud).await.unwrap_err().to_string();
    assert!(refused.contains("the night of 2011-05-02 has been counted"), "{refused}");
    assert_eq!(cloud.metrics().await, before);
    // The newest itself may be run again.
    let again = local::rollup::rollup(cloud.local(), Some(day("2011-05-02"))).await.unwrap();
    assert_eq!(again.revision, 2);
}

#[tokio::test]
async fn a_run_that_another_has_followed_comes_to_nothing() {
    let cloud = traded().await;
    let first = invoke(&cloud, json!({"task": "plan", "date": NIGHT_OF})).await.unwrap();
    for segment in first["segments"].as_array().unwrap() {
        invoke(&cloud, segment.clone()).await.unwrap();
    }
    let second = night(&cloud).await.unwrap();
    assert_eq!(second.revision, 2);
    for task in [first["segments"][0].clone(), first.clone()] {
        let refused = invoke(&cloud, task).await.unwrap_err();
        assert_eq!(refused.kind(), "BadTask");
        assert!(refused.to_string().contains("run 1 of 2011-04-30 is not the newest, which is 2"), "{refused}");
    }
    assert_eq!(record(&cloud).await.reduced, Some(2));
}

#[tokio::test]
async fn an_older_run_overwrites_nothing() {
    let cloud = traded().await;
    let plan = invoke(&cloud, json!({"task": "plan", "date": NIGHT_OF})).await.unwrap();
    for segment in plan["segments"].as_array().unwrap() {
        invoke(&cloud, segment.clone()).await.unwrap();
    }
    cloud.set_clock("2011-05-02T09:00:00Z");
    cloud.account("cube").order("c-1").placed("2011-04-30T12:00:00Z").line("lamp", 1, "5.00").send().await.expect(201);
    let next = local::rollup::rollup(cloud.local(), Some(day("2011-05-01"))).await.unwrap();
    assert_eq!(next.accounts, 3);
    // The run of the night before comes to its end only now.
    assert_eq!(invoke(&cloud, plan).await.unwrap()["accounts"], 2);
    let april = period(&cloud, "2011-04", "total").await;
    assert_eq!((april.night, april.groups["total"].figures.customers), (day("2011-05-01"), 3));
    assert_eq!(totals(&cloud).await.accounts, 2, "how accounts stood is kept by night");
}

/// Puts an account with points of which its totals know nothing.
async fn put_unbalanced(cloud: &Cloud, id: &str) {
    let (app, now) = (cloud.app(), cloud.now());
    let schedule = app.schedule().await.unwrap();
    let (mut account, enrolled) = Account::enrol(AccountId::parse(id).unwrap(), &schedule.at(now).program, now);
    account.holdings.add(Lot::until(at("2012-01-01T00:00:00Z"), Points(7))).unwrap();
    let (secrets, wall_day) = (app.secrets(), now.utc_day());
    let context = Context { schedule: &schedule, secrets, by: "test", now, wall_day, collisions: 0 };
    let writes = commit(account, Cause::Adjustment, vec![enrolled], 1, &context).unwrap();
    assert!(matches!(app.store().commit(&writes).await.unwrap(), store::Commit::Done));
}

#[tokio::test]
async fn a_night_whose_books_do_not_balance_fails_and_names_the_accounts() {
    let cloud = traded().await;
    put_unbalanced(&cloud, "odd").await;
    let failure = night(&cloud).await.unwrap_err().to_string();
    assert!(
        failure.contains("1 accounts are not right (3 were counted)")
            && failure.contains("odd: 7 points more are accounted for than were issued"),
        "{failure}"
    );
    assert_eq!(crate::observed::counted(&cloud).of("BooksUnbalanced", "metric-rollup"), 1, "what its alarm looks at");
    // The metrics are there all the same, and say so.
    let record = record(&cloud).await;
    let books = record.books.unwrap();
    assert_eq!((record.reduced, books.flawed, books.totals.imbalance()), (Some(1), 1, -7));
    assert_eq!(period(&cloud, "2011-04", "total").await.groups["total"].figures.customers, 2);
}

#[tokio::test]
async fn a_night_run_by_the_clock_of_another_zone_than_the_programs_says_so() {
    for (zone, agrees) in [("Europe/London", true), ("Europe/Jersey", true), ("America/New_York", false)] {
        // The cloud was opened before it had a program, by the template's own zone: London's.
        let cloud = Cloud::with(|program| program["time_zone"] = json!(zone)).await;
        cloud.order("o-1").line("lamp", 1, "100.00").send().await.expect(201);
        cloud.set_clock("2011-03-03T12:00:00Z");
        let summary = local::rollup::rollup(cloud.local(), Some(day("2011-03-01"))).await.unwrap();
        assert_eq!(summary.warnings.is_empty(), agrees, "{zone}: {:?}", summary.warnings);
        let record = cloud.get("/v1/metrics/nights/2011-03-01").await.expect(200);
        assert_eq!(record["warnings"], json!(summary.warnings), "{zone}");
        let says = "nights are run by the clock of Europe/London, but the program's days are those of America/New_York";
        assert!(agrees || summary.warnings[0].contains(says), "{:?}", summary.warnings);
        // Opened again, it goes by the program's.
        let again = local::rollup::rollup(cloud.hurried().await.local(), Some(day("2011-03-01"))).await.unwrap();
        assert_eq!((again.revision, again.warnings.len()), (2, 0), "{zone}");
    }
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_named_and_stops_no_other() {
    let cloud = traded().await;
    let table = &cloud.app().config().tables.accounts;
    let put = cloud.local().client().put_item().table_name(table);
    put.item("account_id", AttributeValue::S("broken".to_owned())).send().await.unwrap();
    let failure = night(&cloud).await.unwrap_err().to_string();
    assert!(
        failure.contains("1 accounts are not right (2 were counted)") && failure.contains("broken: cannot be read"),
        "{failure}"
    );
    assert_eq!(totals(&cloud).await.accounts, 2);
}

#[tokio::test]
async fn what_is_no_task_is_refused() {
    let cloud = traded().await;
    for (task, reason) in [
        (json!({"task": "plan", "date": "2011-05-01"}), "2011-05-01 has not ended yet"),
        (json!({"task": "plan", "date": "2999-01-01"}), "has not ended yet"),
        (json!({"task": "plan", "date": "May"}), "is no day"),
        (json!({"task": "plan", "night": "2011-04-30"}), "unknown field"),
        (json!({"task": "sweep"}), "unknown variant"),
        (json!({"task": "scan", "date": NIGHT_OF, "revision": 1, "segment": 16, "of": 16}), "there is no segment 16"),
        (json!({"task": "scan", "date": NIGHT_OF, "revision": 1, "segment": -1, "of": 16}), "there is no segment -1"),
        (json!({"task": "scan", "date": NIGHT_OF, "revision": 1, "segment": 0, "of": 8}), "there is no segment 0 of 8"),
        (json!({"task": "reduce", "date": NIGHT_OF, "revision": 1, "segments": []}), "segments"),
        (
            json!({"task": "reduce", "date": NIGHT_OF, "revision": 1, "segments": [
                {"task": "scan", "date": NIGHT_OF, "revision": 1, "segment": 0, "of": 16}]}),
            "segments",
        ),
    ] {
        let before = (cloud.tables().await, cloud.metrics().await);
        let refused = invoke(&cloud, task.clone()).await.unwrap_err();
        assert_eq!(refused.kind(), "BadTask", "{task}");
        assert!(refused.to_string().contains(reason), "{task}: {refused}");
        assert_eq!((cloud.tables().await, cloud.metrics().await), before, "{task}");
    }
}

#[tokio::test]
async fn a_segment_that_was_not_counted_is_not_left_out() {
    let cloud = traded().await;
    let plan = invoke(&cloud, json!({"task": "plan", "date": NIGHT_OF})).await.unwrap();
    for segment in plan["segments"].as_array().unwrap().iter().skip(1) {
        invoke(&cloud, segment.clone()).await.unwrap();
    }
    let refused = invoke(&cloud, plan).await.unwrap_err();
    assert_eq!(refused.to_string(), "the task is refused: segment 0 was not counted whole");
}

#[tokio::test]
async fn a_night_reads_no_order_and_no_entry() {
    let cloud = traded().await;
    let Some(network) = cloud.network() else { return };
    network.record_calls();
    night(&cloud).await.unwrap();
    let tables: std::collections::BTreeSet<_> = network.calls().into_iter().map(|(_, table)| table).collect();
    let names = ["accounts", "metrics", "programs"];
    assert!(tables.iter().all(|table| names.contains(&table.split('/').next().unwrap())), "{tables:?}");
}
