//! Answers to surveys that a night cannot read.

use crate::rollup::traded;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::time::Day;
use serde_json::json;
use tests::Cloud;

/// Changes one attribute of an item of the metrics' table, as no function would.
async fn spoil(cloud: &Cloud, (metric, period): (&str, &str), attribute: &str, value: AttributeValue) {
    let table = &cloud.app().config().tables.metrics;
    let update = cloud.local().client().update_item().table_name(table);
    let update = update.key("metric", AttributeValue::S(metric.to_owned()));
    let update = update.key("period", AttributeValue::S(period.to_owned()));
    let update = update.update_expression("SET #spoilt = :value").expression_attribute_names("#spoilt", attribute);
    update.expression_attribute_values(":value", value).send().await.unwrap();
}

/// Three people of one account have answered, on the last of April.
async fn answered() -> Cloud {
    let cloud = traded().await;
    cloud.set_clock("2011-04-30T09:00:00Z");
    cloud.people("acme", &["ann", "bob", "cid"]).await;
    let survey = cloud.survey("nps").opened().await;
    for (contact, score) in [("ann", 10), ("bob", 9), ("cid", 3)] {
        survey.answer("acme", contact, score).comment("In confidence.").send().await.expect(201);
    }
    cloud.set_clock("2011-05-01T09:00:00Z");
    cloud
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_named_and_stops_no_other() {
    let cloud = answered().await;
    spoil(&cloud, ("answers#nps", "acme#bob"), "score", AttributeValue::S("nine".to_owned())).await;
    let night = local::rollup::rollup(cloud.local(), Day::parse("2011-04-30")).await;
    let failure = night.unwrap_err().to_string();
    assert!(failure.contains("1 of 3 answers to surveys cannot be read; nps acme#bob: "), "{failure}");
    let survey = cloud.get("/v1/metrics?period=2011-04").await.expect(200)["groups"][0]["did"]["survey"].clone();
    assert_eq!((&survey["answers"], &survey["net_promoter_score"]), (&json!(2), &json!("0.0")));
    let record = cloud.get("/v1/metrics/nights/2011-04-30").await.expect(200).json();
    assert_eq!((&record["revision_kept"], &record["accounts_flawed"]), (&json!(1), &json!(0)));
    assert_eq!((&record["answers"], &record["answers_flawed"]), (&json!(2), &json!(1)));
    let flawed = record["flawed_answers"].as_array().unwrap();
    assert_eq!(
        (flawed.len(), &flawed[0]["survey_id"], &flawed[0]["respondent"]),
        (1, &json!("nps"), &json!("acme#bob"))
    );
    // Mended, it is counted, and nothing is wrong any more.
    spoil(&cloud, ("answers#nps", "acme#bob"), "score", AttributeValue::N("9".to_owned())).await;
    cloud.night("2011-04-30").await;
    let record = cloud.get("/v1/metrics/nights/2011-04-30").await.expect(200).json();
    assert_eq!((&record["answers"], &record["flawed_answers"]), (&json!(3), &json!([])));
}

#[tokio::test]
async fn a_night_reads_of_surveys_and_answers_no_more_than_it_counts() {
    let cloud = answered().await;
    // What somebody said in their own words, or was asked, is none of it: however broken, it is not looked at.
    spoil(&cloud, ("answers#nps", "acme#bob"), "comment", AttributeValue::N("7".to_owned())).await;
    spoil(&cloud, ("surveys", "nps"), "name", AttributeValue::N("7".to_owned())).await;
    cloud.night("2011-04-30").await;
    let record = cloud.get("/v1/metrics/nights/2011-04-30").await.expect(200).json();
    assert_eq!((&record["answers"], &record["answers_flawed"]), (&json!(3), &json!(0)));
}
