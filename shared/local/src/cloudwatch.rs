//! What CloudWatch makes of the lines that functions write in the embedded metric format: sums of each metric, by its
//! dimensions, since this process began. A line that CloudWatch would drop, or read otherwise, is refused.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most dimensions that a metric is kept by.
const DIMENSIONS_MAX: usize = 30;

/// All that was counted.
#[derive(Debug, Default)]
pub struct CloudWatch {
    sums: Mutex<BTreeMap<Series, Datum>>,
    bytes: AtomicU64,
}

/// Whose sums they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Series {
    /// Where the metric is kept.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its dimensions with their values.
    pub dimensions: BTreeMap<String, String>,
}

/// What was counted of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Datum {
    /// In which unit.
    pub unit: String,
    /// All values together.
    pub sum: u64,
    /// The greatest of them.
    pub maximum: u64,
}

/// One metric as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// Of what.
    #[serde(flatten)]
    pub series: Series,
    /// How much.
    #[serde(flatten)]
    pub datum: Datum,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    #[serde(rename = "Timestamp")]
    _timestamp: u64,
    #[serde(rename = "CloudWatchMetrics")]
    directives: Vec<Directive>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Directive {
    namespace: String,
    dimensions: Vec<Vec<String>>,
    metrics: Vec<Definition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Definition {
    name: String,
    unit: String,
}

impl CloudWatch {
    /// Takes a line in; says what is wrong with one that cannot be read.
    pub fn take(&self, line: &str) -> Result<(), String> {
        if line.contains('\n') {
            return Err("is not one line".to_owned());
        }
        let read = |error: serde_json::Error| error.to_string();
        let document: Value = serde_json::from_str(line).map_err(read)?;
        let metadata = document.get("_aws").cloned().ok_or("has no _aws")?;
        let metadata: Metadata = serde_json::from_value(metadata).map_err(read)?;
        let mut found = Vec::new();
        for Directive { namespace, dimensions, metrics } in &metadata.directives {
            for set in dimensions {
                let values = set.iter().map(|name| Ok((name.clone(), dimension(&document, name)?)));
                let values: BTreeMap<_, _> = values.collect::<Result<_, String>>()?;
                if values.len() != set.len() || set.len() > DIMENSIONS_MAX {
                    return Err(format!("{set:?} are no dimensions"));
                }
                for metric in metrics {
                    let value = document.get(&metric.name).and_then(Value::as_u64);
                    let value = value.ok_or_else(|| format!("{} has no value", metric.name))?;
                    let (namespace, name) = (namespace.clone(), metric.name.clone());
                    found.push((Series { namespace, name, dimensions: values.clone() }, metric.unit.clone(), value));
                }
            }
        }
        if found.is_empty() {
            return Err("tells no metric".to_owned());
        }
        self.bytes.fetch_add(u64::try_from(line.len()).unwrap_or_default().saturating_add(1), Ordering::Relaxed);
        let mut all = self.sums.lock().map_err(|_| "the sums are lost".to_owned())?;
        for (series, unit, value) in found {
            let Datum { sum, maximum, .. } = all.get(&series).cloned().unwrap_or_default();
            all.insert(series, Datum { unit, sum: sum.saturating_add(value), maximum: maximum.max(value) });
        }
        Ok(())
    }

    /// How many bytes of log the lines took, with what ends each.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// All that was counted, in the order of names.
    pub fn counted(&self) -> Vec<Counted> {
        let Ok(all) = self.sums.lock() else { return Vec::new() };
        all.iter().map(|(series, datum)| Counted { series: series.clone(), datum: datum.clone() }).collect()
    }
}

/// The value of a dimension: CloudWatch takes text that is not empty.
fn dimension(document: &Value, name: &str) -> Result<String, String> {
    let value = document.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
    value.map(str::to_owned).ok_or_else(|| format!("the dimension {name} has no value"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line() -> Value {
        let metrics = [json!({"Name": "Commands", "Unit": "Count"})];
        json!({
            "_aws": {"Timestamp": 1, "CloudWatchMetrics": [
                {"Namespace": "Guilder", "Dimensions": [["Stage", "Function"], ["Stage"]], "Metrics": metrics},
            ]},
            "Stage": "dev", "Function": "orders", "Commands": 2,
        })
    }

    #[test]
    fn lines_add_up_by_their_dimensions() {
        let cloud_watch = CloudWatch::default();
        let mut other = line();
        (other["Function"], other["Commands"]) = (json!("accounts"), json!(5));
        for line in [line(), line(), other] {
            cloud_watch.take(&line.to_string()).unwrap();
        }
        let told = serde_json::to_value(cloud_watch.counted()).unwrap();
        let row = |dimensions: Value, sum: u64, maximum: u64| {
            json!({"namespace": "Guilder", "name": "Commands", "dimensions": dimensions, "unit": "Count", "sum": sum,
                "maximum": maximum})
        };
        let expected = [
            row(json!({"Stage": "dev", "Function": "accounts"}), 5, 5),
            row(json!({"Stage": "dev", "Function": "orders"}), 4, 2),
            row(json!({"Stage": "dev"}), 9, 5),
        ];
        assert_eq!(told, json!(expected));
    }

    #[test]
    fn a_line_that_cloudwatch_would_not_read_is_refused() {
        let refused = |change: fn(&mut Value), reason: &str| {
            let mut line = line();
            change(&mut line);
            let cloud_watch = CloudWatch::default();
            let fault = cloud_watch.take(&line.to_string()).unwrap_err();
            assert!(fault.contains(reason), "{fault}");
            assert_eq!(cloud_watch.counted(), []);
        };
        refused(|line| line["_aws"] = Value::Null, "invalid type");
        refused(|line| line["Stage"] = json!(""), "the dimension Stage has no value");
        refused(|line| line["Function"] = json!(1), "the dimension Function has no value");
        refused(|line| line["Commands"] = json!("2"), "Commands has no value");
        refused(|line| line["_aws"]["CloudWatchMetrics"] = json!([]), "tells no metric");
        refused(
            |line| line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][1] = json!(["Stage", "Stage"]),
            "no dimensions",
        );
        refused(|line| line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Units"] = json!(1), "unknown field");
        let two = format!("{}\n{}", line(), line());
        assert!(CloudWatch::default().take(&two).unwrap_err().contains("one line"));
    }
}
