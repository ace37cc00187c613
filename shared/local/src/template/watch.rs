//! What watches the deployment: alarms and the dashboard. Nothing here acts on them, but they name metrics, and whose:
//! each must exist, which nothing else would notice.

use serde_json::Value as Json;

use runtime::metrics::{FUNCTION as OWN_FUNCTION, Metric, NAMESPACE, REASON, STAGE};

use super::read::Node;
use super::references::Names;
use super::resources::{API, FUNCTION, MACHINE, QUEUE, TABLE, TOPIC};
use super::{Alarm, Dashboard, Measured};

#[cfg(test)]
mod tests;

/// What AWS measures of what the template defines: namespace, its dimension, and the metrics that are looked at here.
const MEASURED_BY_AWS: &[(&str, &str, &[&str])] = &[
    ("AWS/Lambda", "FunctionName", &["Invocations", "Errors", "Throttles", "Duration", "IteratorAge"]),
    ("AWS/SQS", "QueueName", &["ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"]),
    ("AWS/ApiGateway", "ApiId", &["Count", "4xx", "5xx", "Latency"]),
    ("AWS/States", "StateMachineArn", &["ExecutionsSucceeded", "ExecutionsFailed"]),
    ("AWS/DynamoDB", "TableName", &["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"]),
];

/// The types of what a dimension names, and the attribute that it is named by; `None`: by its `!Ref`.
fn named_by(dimension: &str) -> Option<(&'static str, Option<&'static str>)> {
    match dimension {
        "FunctionName" | OWN_FUNCTION => Some((FUNCTION, None)),
        "QueueName" => Some((QUEUE, Some("QueueName"))),
        "ApiId" => Some((API, None)),
        "StateMachineArn" => Some((MACHINE, None)),
        "TableName" => Some((TABLE, None)),
        _ => None,
    }
}

/// Whether there is such a metric, kept by these dimensions; what is wrong where there is none.
fn check_metric(namespace: &str, name: &str, dimensions: &[&str]) -> Result<(), String> {
    let of = |dimensions: &[&str]| format!("{namespace} has no metric {name} by {}", dimensions.join(" and "));
    if namespace == NAMESPACE {
        let metric = Metric::ALL.into_iter().find(|metric| metric.name() == name);
        let is_kept = metric.is_some_and(|metric| metric.dimensions().contains(&dimensions));
        return if is_kept { Ok(()) } else { Err(of(dimensions)) };
    }
    let known = |(space, dimension, names): &&(&str, &str, &[&str])| {
        *space == namespace && dimensions == [*dimension] && names.contains(&name)
    };
    if MEASURED_BY_AWS.iter().any(|row| known(&row)) { Ok(()) } else { Err(of(dimensions)) }
}

impl Names<'_> {
    /// An alarm must say what it watches and tell somebody.
    pub(super) fn alarm(&self, id: &str, properties: &Node<'_>) -> Option<Alarm> {
        let fields = properties.fields(
            &[
                "Namespace",
                "MetricName",
                "Dimensions",
                "Statistic",
                "ExtendedStatistic",
                "AlarmActions",
                "OKActions",
                "ComparisonOperator",
                "TreatMissingData",
                "Period",
                "EvaluationPeriods",
                "Threshold",
            ],
            &["AlarmName", "AlarmDescription"],
        );
        // Whoever hears that something began hears that it is over.
        for told in ["AlarmActions", "OKActions"] {
            for action in fields.need(told).map(|node| node.items()).unwrap_or_default() {
                self.resource(&action, TOPIC, None);
            }
        }
        let operators = ["GreaterThanOrEqualToThreshold", "LessThanThreshold"];
        let operator = fields.need("ComparisonOperator").and_then(|operator| operator.one_of(&operators));
        // What nobody counted is nothing: too little where little is alarming, and never too much.
        let missing = if operator.as_deref() == Some("LessThanThreshold") { "breaching" } else { "notBreaching" };
        fields.need("TreatMissingData").map(|node| node.one_of(&[missing]));
        let statistic = match (fields.get("Statistic"), fields.get("ExtendedStatistic")) {
            (Some(statistic), None) => statistic.one_of(&["Sum", "Maximum"]),
            (None, Some(statistic)) => statistic.one_of(&["p99"]),
            _ => {
                properties.fault("must have either Statistic or ExtendedStatistic");
                None
            }
        };
        let dimensions = fields.need("Dimensions").map(|node| node.items()).unwrap_or_default();
        let dimensions = dimensions.iter().filter_map(|node| self.dimension(node)).collect::<Vec<_>>();
        let number = |name| fields.need(name).and_then(|node| node.number()).unwrap_or_default();
        let (period_s, periods, threshold) = (number("Period"), number("EvaluationPeriods"), number("Threshold"));
        let (namespace, metric) = (fields.need("Namespace")?.text()?, fields.need("MetricName")?);
        let name = metric.text()?;
        let names: Vec<_> = dimensions.iter().map(|(name, _)| name.as_str()).collect();
        check_metric(&namespace, &name, &names).unwrap_or_else(|fault| metric.fault(fault));
        let measured = Measured { namespace, metric: name, dimensions };
        let (operator, statistic) = (operator?, statistic?);
        Some(Alarm { id: id.to_owned(), measured, statistic, operator, threshold, period_s, periods })
    }

    /// A dimension of an alarm: its name and the logical id that is its value.
    fn dimension(&self, node: &Node<'_>) -> Option<(String, String)> {
        let fields = node.fields(&["Name", "Value"], &[]);
        let (name, value) = (fields.need("Name")?, fields.need("Value")?);
        let text = name.text()?;
        if text == STAGE {
            if value.intrinsic() != Some(("Ref".to_owned(), STAGE)) {
                value.fault(format!("must be the !Ref of the parameter {STAGE}"));
            }
            return Some((text, STAGE.to_owned()));
        }
        let Some((kind, attribute)) = named_by(&text) else {
            name.fault(format!("{text:?} is no dimension that is known here"));
            return None;
        };
        let id = self.resource(&value, kind, attribute)?;
        Some((text, id))
    }

    /// A dashboard: JSON with the names of the template in it. Each of its widgets shows metrics that exist.
    pub(super) fn dashboard(&self, id: &str, properties: &Node<'_>) -> Option<Dashboard> {
        let fields = properties.fields(&["DashboardBody"], &["DashboardName"]);
        let body = fields.need("DashboardBody")?;
        let Some((_, text)) = body.intrinsic().filter(|(name, _)| name == "Sub") else {
            body.fault("must be the !Sub of a JSON document");
            return None;
        };
        let document: Json = serde_json::from_str(text).map_err(|error| body.fault(error.to_string())).ok()?;
        let none = Vec::new();
        let mut shown = Vec::new();
        for widget in document.get("widgets").and_then(Json::as_array).unwrap_or(&none) {
            let metrics = widget.get("properties").and_then(|properties| properties.get("metrics"));
            let rows = metrics.and_then(Json::as_array).unwrap_or(&none);
            if rows.is_empty() {
                body.fault(format!("a widget shows no metrics: {widget}"));
            }
            for row in rows {
                match self.shown(row) {
                    Ok(measured) => shown.push(measured),
                    Err(fault) => body.fault(format!("{row}: {fault}")),
                }
            }
        }
        Some(Dashboard { id: id.to_owned(), shown })
    }

    /// What a row of a widget shows.
    fn shown(&self, row: &Json) -> Result<Measured, String> {
        let parts = row.as_array().ok_or("must be a list")?;
        if let Some(expression) = parts.first().and_then(|first| first.get("expression")).and_then(Json::as_str) {
            return searched(expression);
        }
        let texts: Vec<_> = parts.iter().map_while(Json::as_str).collect();
        let [namespace, metric, rest @ ..] = texts.as_slice() else {
            return Err("must begin with a namespace and a metric".to_owned());
        };
        let (pairs, []) = rest.as_chunks::<2>() else { return Err("a dimension has no value".to_owned()) };
        let names: Vec<_> = pairs.iter().map(|[name, _]| *name).collect();
        check_metric(namespace, metric, &names)?;
        let dimensions = pairs.iter().map(|[name, value]| Ok(((*name).to_owned(), self.substituted(name, value)?)));
        let dimensions = dimensions.collect::<Result<_, String>>()?;
        Ok(Measured { namespace: (*namespace).to_owned(), metric: (*metric).to_owned(), dimensions })
    }

    /// The logical id that stands for the value of a dimension, as in `${OrderPlaced}` or `${OrderPlacedQueue.QueueName}`.
    fn substituted(&self, dimension: &str, value: &str) -> Result<String, String> {
        let variable = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let variable = variable.ok_or_else(|| format!("{value:?} is no name of the template"))?;
        if dimension == STAGE {
            return if variable == STAGE { Ok(STAGE.to_owned()) } else { Err(format!("{value} is no stage")) };
        }
        let (kind, attribute) = named_by(dimension).ok_or_else(|| format!("{dimension} is not known here"))?;
        let (id, of) = variable.split_once('.').map_or((variable, None), |(id, of)| (id, Some(of)));
        if self.resources.get(id) == Some(&kind) && of == attribute {
            return Ok(id.to_owned());
        }
        Err(format!("{value} is no {dimension}"))
    }
}

/// What a search shows: one of our own metrics, of whatever has it. Only searches of this shape are understood.
fn searched(expression: &str) -> Result<Measured, String> {
    for metric in Metric::ALL {
        for dimensions in metric.dimensions() {
            let mut sorted = dimensions.to_vec();
            sorted.sort_unstable();
            let (name, by) = (metric.name(), sorted.join(","));
            let search =
                format!(r#"SEARCH('{{{NAMESPACE},{by}}} {STAGE}="${{{STAGE}}}" MetricName="{name}"', 'Sum', 300)"#);
            if expression == search {
                let dimensions = dimensions.iter().filter(|name| ![OWN_FUNCTION, REASON].contains(name));
                return Ok(Measured {
                    namespace: NAMESPACE.to_owned(),
                    metric: name.to_owned(),
                    dimensions: dimensions.map(|name| ((*name).to_owned(), (*name).to_owned())).collect(),
                });
            }
        }
    }
    Err("is no search of this program's metrics".to_owned())
}
