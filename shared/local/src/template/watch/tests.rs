//! Whatever can fail is watched. A function or a queue that is new fails these tests until it is.

use std::collections::BTreeSet;

use crate::template::{Alarm, Faults, TEXT, Template};

fn template() -> Template {
    Template::embedded().unwrap()
}

/// Whether an alarm looks at a metric of something.
fn watches(alarm: &Alarm, namespace: &str, metric: &str, (dimension, id): (&str, &str)) -> bool {
    let measured = &alarm.measured;
    let of = measured.dimensions.iter().any(|(name, value)| name == dimension && value == id);
    measured.namespace == namespace && measured.metric == metric && of
}

/// What no alarm of the template looks at, of all that one must look at.
fn unwatched(template: &Template) -> Vec<String> {
    let mut missing = Vec::new();
    let mut need = |namespace: &str, metric: &str, of: (&str, &str)| {
        if !template.alarms.iter().any(|alarm| watches(alarm, namespace, metric, of)) {
            missing.push(format!("{metric} of {}", of.1));
        }
    };
    for function in &template.functions {
        need("AWS/Lambda", "Errors", ("FunctionName", &function.id));
        need("AWS/Lambda", "Throttles", ("FunctionName", &function.id));
        if !function.streams.is_empty() {
            need("AWS/Lambda", "IteratorAge", ("FunctionName", &function.id));
        }
        for source in &function.queues {
            need("AWS/SQS", "ApproximateAgeOfOldestMessage", ("QueueName", &source.queue));
        }
    }
    for queue in &template.queues {
        // What nothing consumes only fills: it is where messages go that were given up, whoever gave them up.
        if !template.functions.iter().flat_map(|function| &function.queues).any(|source| source.queue == queue.id) {
            need("AWS/SQS", "ApproximateNumberOfMessagesVisible", ("QueueName", &queue.id));
        }
    }
    for machine in &template.machines {
        need("AWS/States", "ExecutionsFailed", ("StateMachineArn", &machine.id));
    }
    need("AWS/States", "ExecutionsSucceeded", ("StateMachineArn", "NightlyRollup"));
    need("Guilder", "BooksUnbalanced", ("Function", "MetricRollup"));
    need("Guilder", "AccountsSetAside", ("Function", "DiscountExpiry"));
    need("Guilder", "AccountsSetAside", ("Function", "AccountReview"));
    need("AWS/ApiGateway", "Latency", ("ApiId", "Api"));
    need("AWS/ApiGateway", "5xx", ("ApiId", "Api"));
    missing
}

#[test]
fn every_function_queue_and_machine_has_its_alarms() {
    assert_eq!(unwatched(&template()), Vec::<String>::new(), "docs/monitoring.md says which alarms these need");
}

#[test]
fn what_is_watched_no_longer_is_noticed() {
    let all = template();
    for alarm in &all.alarms {
        let mut without = all.clone();
        without.alarms.retain(|other| other != alarm);
        assert_eq!(unwatched(&without).len(), 1, "{}: needed by nothing, or more than once", alarm.id);
    }
}

#[test]
fn the_dashboard_shows_every_function_and_all_that_is_counted_of_ours() {
    let template = template();
    let shown = &template.dashboards[0].shown;
    let of = |metric: &str| -> BTreeSet<_> {
        let rows = shown.iter().filter(|measured| measured.metric == metric);
        rows.flat_map(|measured| measured.dimensions.iter().map(|(_, id)| id.as_str())).collect()
    };
    let functions: BTreeSet<_> = template.functions.iter().map(|function| function.id.as_str()).collect();
    for metric in ["Invocations", "Errors", "Throttles", "Duration"] {
        assert_eq!(of(metric), functions, "{metric}");
    }
    for metric in ["OrdersScored", "PointsIssued", "Commands", "RacesRetried", "Rejected", "Faults"] {
        assert!(shown.iter().any(|measured| measured.metric == metric), "{metric}");
    }
}

#[test]
fn who_is_told_is_a_choice_and_every_alarm_tells_them() {
    assert_eq!(template().parameters["AlarmAddress"].default.as_deref(), Some(""));
    let alarms = TEXT.matches("Type: AWS::CloudWatch::Alarm").count();
    assert_eq!((TEXT.matches("AlarmActions: [!Ref Alarms]").count(), template().alarms.len()), (alarms, alarms));
}

#[test]
fn a_metric_or_a_name_that_does_not_exist_is_refused() {
    let functions = crate::cloud::function_names();
    for (old, new, path, reason) in [
        ("MetricName: Throttles", "MetricName: Throttled", "MetricName", "AWS/Lambda has no metric Throttled"),
        ("MetricName: BooksUnbalanced", "MetricName: Imbalance", "MetricName", "Guilder has no metric Imbalance"),
        ("Namespace: AWS/SQS", "Namespace: AWS/SNS", "MetricName", "AWS/SNS has no metric"),
        ("{Name: FunctionName, Value", "{Name: Resource, Value", "Dimensions[0].Name", "no dimension that is known"),
        ("{Name: FunctionName, Value: !Ref OrderPlaced}", "{Name: FunctionName, Value: !Ref Api}", "Value", "not a"),
        ("{Name: Stage, Value: !Ref Stage}", "{Name: Stage, Value: !Ref LogLevel}", "Value", "parameter Stage"),
        ("ExtendedStatistic: p99", "ExtendedStatistic: p98", "ExtendedStatistic", "not understood"),
        ("ExtendedStatistic: p99", "Unit: Count", "ApiSlow.Properties", "either Statistic or ExtendedStatistic"),
        ("\"FunctionName\", \"${Accounts}\"", "\"FunctionName\", \"${AccountsTable}\"", "DashboardBody", "is no Fun"),
        ("\"FunctionName\", \"${Accounts}\"", "\"FunctionName\", \"${Acounts}\"", "DashboardBody", "neither"),
        ("\"FunctionName\", \"${Accounts}\"", "\"FunctionName\", \"accounts\"", "DashboardBody", "no name of the"),
        ("[\"AWS/Lambda\", \"Errors\"", "[\"AWS/Lambda\", \"Erors\"", "DashboardBody", "no metric Erors"),
        ("{Guilder,Function,Stage}", "{Guilder,Account,Stage}", "DashboardBody", "no search of this program's"),
        ("{\"widgets\": [", "{\"widgets\": [,", "DashboardBody", "expected value"),
        ("Protocol: email", "Protocol: sms", "AlarmSubscription.Properties.Protocol", "not understood"),
        ("Condition: HasAlarmAddress", "Condition: HasAddress", "AlarmSubscription.Condition", "is not a condition"),
        ("!Equals [!Ref AlarmAddress", "!Equals [!Ref AlarmAdress", "Conditions.HasAlarmAddress[0][0]", "neither"),
    ] {
        assert!(TEXT.contains(old), "the template no longer contains {old:?}");
        let Faults(faults) = Template::parse(&TEXT.replacen(old, new, 1), &functions).expect_err(new);
        let found = faults.iter().any(|fault| fault.path.ends_with(path) && fault.reason.contains(reason));
        assert!(found, "{old:?} -> {new:?}: expected {path}: {reason}\nfound {}", Faults(faults));
    }
}
