//! What invocations count, for CloudWatch: each writes what it counted as JSON in the embedded metric format (EMF) to its
//! standard output, and nothing where it counted nothing.
//!
//! [`Metric`] is the whole list: the template's alarms and its dashboard name no others. What a metric is told apart by
//! has few values: stage, function, and the type of the problem that was answered. Never who asked, or for what.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Where they are kept in CloudWatch.
pub const NAMESPACE: &str = "Guilder";

/// The dimension that tells stacks apart.
pub const STAGE: &str = "Stage";
/// The dimension that tells functions apart: their names in Lambda.
pub const FUNCTION: &str = "Function";
/// The dimension that tells refusals apart: the type of the problem, without `/problems/`.
pub const REASON: &str = "Reason";

/// Something that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Orders that got their first score.
    OrdersScored,
    /// Points that came into being: earned, given by hand, granted, taken over.
    PointsIssued,
    /// Decisions that were committed.
    Commands,
    /// Commits that were lost to another writer and decided again.
    RacesRetried,
    /// Requests and messages that were refused.
    Rejected,
    /// Invocations, requests and messages that failed here.
    Faults,
    /// Accounts, or what should be one, that a walk has set aside.
    AccountsSetAside,
    /// Nights whose books do not balance, or of which something could not be read.
    BooksUnbalanced,
    /// How long the oldest message of a batch had waited.
    MessageAge,
}

impl Metric {
    /// Everything that is counted.
    pub const ALL: [Self; 9] = [
        Self::OrdersScored,
        Self::PointsIssued,
        Self::Commands,
        Self::RacesRetried,
        Self::Rejected,
        Self::Faults,
        Self::AccountsSetAside,
        Self::BooksUnbalanced,
        Self::MessageAge,
    ];

    /// Its name in CloudWatch.
    pub fn name(self) -> &'static str {
        match self {
            Self::OrdersScored => "OrdersScored",
            Self::PointsIssued => "PointsIssued",
            Self::Commands => "Commands",
            Self::RacesRetried => "RacesRetried",
            Self::Rejected => "Rejected",
            Self::Faults => "Faults",
            Self::AccountsSetAside => "AccountsSetAside",
            Self::BooksUnbalanced => "BooksUnbalanced",
            Self::MessageAge => "MessageAge",
        }
    }

    /// Its unit in CloudWatch.
    pub fn unit(self) -> &'static str {
        match self {
            Self::MessageAge => "Milliseconds",
            _ => "Count",
        }
    }

    /// The sets of dimensions that it is kept by.
    pub fn dimensions(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Rejected => &[&[STAGE, FUNCTION], &[STAGE, REASON]],
            _ => &[&[STAGE, FUNCTION]],
        }
    }
}

/// What one invocation counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    values: BTreeMap<Metric, u64>,
    /// What of [`Metric::Rejected`] was refused for which reason.
    reasons: BTreeMap<String, u64>,
}

/// Where something was counted.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The stack's stage.
    pub stage: &'a str,
    /// The function's name in Lambda.
    pub function: &'a str,
    /// The invocation's id, which finds its lines in the log.
    pub request_id: &'a str,
}

tokio::task_local! {
    /// What the invocation under way has counted; shared with the tasks that it starts.
    static TALLY: Arc<Mutex<Counts>>;
}

/// Counts something in the invocation under way; outside of one nothing is counted.
pub fn count(metric: Metric, by: u64) {
    if by > 0 {
        tally(|counts| counts.add(metric, by));
    }
}

/// Counts a refusal by the type of its problem.
pub(crate) fn count_rejected(kind: &str) {
    let reason = kind.trim_start_matches("/problems/");
    tally(|counts| {
        counts.add(Metric::Rejected, 1);
        let of_reason = counts.reasons.entry(reason.to_owned()).or_default();
        *of_reason = of_reason.saturating_add(1);
    });
}

/// Notes how long a message has waited.
pub(crate) fn note_age(ms: u64) {
    tally(|counts| {
        let oldest = counts.values.entry(Metric::MessageAge).or_default();
        *oldest = ms.max(*oldest);
    });
}

fn tally(change: impl FnOnce(&mut Counts)) {
    let noted = TALLY.try_with(|tally| tally.lock().map(|mut counts| change(&mut counts)).is_ok());
    // Outside of an invocation, such as in an import, nobody asks.
    let _ = noted.is_ok();
}

/// Does some work, and says what was counted in it.
pub(crate) async fn counting<F: Future>(work: F) -> (F::Output, Counts) {
    let tally = Arc::new(Mutex::new(Counts::default()));
    let output = TALLY.scope(Arc::clone(&tally), work).await;
    let counts = tally.lock().map(|mut counts| std::mem::take(&mut *counts)).unwrap_or_default();
    (output, counts)
}

/// Work for a task of its own, which counts for the invocation that starts it.
pub(crate) fn within<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let tally = TALLY.try_with(Arc::clone).unwrap_or_default();
    TALLY.scope(tally, work)
}

impl Counts {
    fn add(&mut self, metric: Metric, by: u64) {
        let value = self.values.entry(metric).or_default();
        *value = value.saturating_add(by);
    }

    /// The lines that tell CloudWatch: one, and one more for each reason where there are several, since a line has one
    /// value for each dimension. None where nothing was counted.
    pub fn lines(&self, place: &Place<'_>, at_ms: u64) -> Vec<String> {
        if self.values.is_empty() {
            return Vec::new();
        }
        let all = self.values.iter().map(|(metric, value)| (*metric, *value));
        let by_function = &[STAGE, FUNCTION][..];
        let by_reason = &[STAGE, REASON][..];
        let mut lines = Vec::new();
        match self.reasons.iter().next().filter(|_| self.reasons.len() == 1) {
            Some((reason, _)) => {
                let rejected = vec![Metric::Rejected];
                let sets = vec![(by_function, self.values.keys().copied().collect()), (by_reason, rejected)];
                lines.push(line(place, at_ms, Some(reason), &sets, all));
            }
            None => {
                let sets = vec![(by_function, self.values.keys().copied().collect())];
                lines.push(line(place, at_ms, None, &sets, all));
                lines.extend(self.reasons.iter().map(|(reason, count)| {
                    let sets = vec![(by_reason, vec![Metric::Rejected])];
                    line(place, at_ms, Some(reason), &sets, std::iter::once((Metric::Rejected, *count)))
                }));
            }
        }
        lines
    }
}

/// One line: what is kept by which dimensions, and the values of both.
fn line(
    place: &Place<'_>,
    at_ms: u64,
    reason: Option<&str>,
    sets: &[(&[&str], Vec<Metric>)],
    values: impl Iterator<Item = (Metric, u64)>,
) -> String {
    let directive = |(dimensions, metrics): &(&[&str], Vec<Metric>)| {
        let metrics: Vec<_> =
            metrics.iter().map(|metric| json!({"Name": metric.name(), "Unit": metric.unit()})).collect();
        json!({"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics})
    };
    let directives: Vec<_> = sets.iter().map(directive).collect();
    let mut members = Map::new();
    let mut member = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    member("_aws", json!({"Timestamp": at_ms, "CloudWatchMetrics": directives}));
    member(STAGE, place.stage.into());
    member(FUNCTION, place.function.into());
    member(crate::logs::REQUEST_ID, place.request_id.into());
    if let Some(reason) = reason {
        member(REASON, reason.into());
    }
    values.for_each(|(metric, value)| member(metric.name(), value.into()));
    Value::Object(members).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const PLACE: Place<'_> = Place { stage: "dev", function: "stack-OrderPlaced-1", request_id: "r-1" };

    async fn counted(work: impl FnOnce()) -> Vec<Value> {
        let ((), counts) = counting(async { work() }).await;
        counts.lines(&PLACE, 1_700_000_000_000).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[tokio::test]
    async fn what_was_counted_is_one_line_as_cloudwatch_reads_it() {
        let lines = counted(|| {
            count(Metric::OrdersScored, 1);
            count(Metric::PointsIssued, 25);
            count(Metric::PointsIssued, 5);
            note_age(7);
            note_age(3);
        });
        let metric = |name: &str, unit: &str| json!({"Name": name, "Unit": unit});
        let metrics = [("OrdersScored", "Count"), ("PointsIssued", "Count"), ("MessageAge", "Milliseconds")];
        let directive = json!({"Namespace": "Guilder", "Dimensions": [["Stage", "Function"]],
            "Metrics": metrics.map(|(name, unit)| metric(name, unit))});
        let expected = json!({
            "_aws": {"Timestamp": 1_700_000_000_000_u64, "CloudWatchMetrics": [directive]},
            "Stage": "dev", "Function": "stack-OrderPlaced-1", "requestId": "r-1",
            "OrdersScored": 1, "PointsIssued": 30, "MessageAge": 7,
        });
        assert_eq!(lines.await, [expected]);
    }

    #[tokio::test]
    async fn a_refusal_is_counted_by_its_function_and_by_its_reason() {
        let one = counted(|| count_rejected("/problems/unknown-account")).await;
        assert_eq!(one.len(), 1);
        let directives = &one[0]["_aws"]["CloudWatchMetrics"];
        assert_eq!(directives[0]["Dimensions"], json!([["Stage", "Function"]]));
        assert_eq!(directives[1]["Dimensions"], json!([["Stage", "Reason"]]));
        assert_eq!((&one[0]["Reason"], &one[0]["Rejected"]), (&json!("unknown-account"), &json!(1)));
        // A line has one value for each dimension.
        let two = counted(|| {
            count_rejected("/problems/not-json");
            count_rejected("/problems/unknown-account");
            count_rejected("/problems/not-json");
        });
        let two = two.await;
        let told: Vec<_> = two.iter().map(|line| (&line["Reason"], &line["Rejected"])).collect();
        let (none, json, account) = (Value::Null, json!("not-json"), json!("unknown-account"));
        assert_eq!(told, [(&none, &json!(3)), (&json, &json!(2)), (&account, &json!(1))]);
        assert!(two[1..].iter().all(|line| line["_aws"]["CloudWatchMetrics"].as_array().unwrap().len() == 1));
    }

    #[tokio::test]
    async fn nothing_is_written_where_nothing_was_counted_and_nothing_counted_outside() {
        assert_eq!(counted(|| count(Metric::RacesRetried, 0)).await, [0; 0]);
        count(Metric::Commands, 1);
        assert_eq!(counted(|| {}).await, [0; 0]);
        // A task of its own counts for who has started it.
        let (done, counts) = counting(async { tokio::spawn(within(async { count(Metric::Commands, 2) })).await }).await;
        done.unwrap();
        assert_eq!(counts.values[&Metric::Commands], 2);
    }

    #[test]
    fn every_metric_has_a_name_of_its_own_and_few_dimensions() {
        let names: std::collections::BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
        for dimension in Metric::ALL.iter().flat_map(|metric| metric.dimensions()).copied().flatten() {
            assert!([STAGE, FUNCTION, REASON].contains(dimension));
        }
    }
}
