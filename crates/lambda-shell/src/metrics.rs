//! Metrics in CloudWatch's embedded metric format: a log line that CloudWatch turns into metrics,
//! without a request. Source: "Specification: Embedded metric format", Amazon CloudWatch User
//! Guide.

use serde_json::{Map, Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const NAMESPACE: &str = "Millrace";
/// Overrides the namespace, so that stages in one account do not add up.
const NAMESPACE_VARIABLE: &str = "METRIC_NAMESPACE";

/// A metric's unit, as CloudWatch spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A count.
    Count,
    /// A count per second.
    CountPerSecond,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
    /// No unit.
    None,
}

impl Unit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::CountPerSecond => "Count/Second",
            Self::Bytes => "Bytes",
            Self::Milliseconds => "Milliseconds",
            Self::None => "None",
        }
    }
}

/// Writes one line with a pipeline's metrics to standard output.
pub fn emit_metrics(pipeline: &str, metrics: &[(&str, f64, Unit)]) {
    emit(Some(pipeline), metrics);
}

/// Writes one line with metrics of no pipeline, which have no dimension, to standard output.
pub fn emit_metrics_of_stack(metrics: &[(&str, f64, Unit)]) {
    emit(None, metrics);
}

#[allow(clippy::print_stdout)] // Standard output is the channel that CloudWatch reads.
fn emit(pipeline: Option<&str>, metrics: &[(&str, f64, Unit)]) {
    let namespace = std::env::var(NAMESPACE_VARIABLE).unwrap_or_else(|_| NAMESPACE.to_owned());
    let now = SystemTime::now();
    println!("{}", line(&namespace, pipeline, metrics, now));
}

fn line(
    namespace: &str,
    pipeline: Option<&str>,
    metrics: &[(&str, f64, Unit)],
    now: SystemTime,
) -> Value {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    let declared: Vec<Value> = metrics
        .iter()
        .map(|(name, _, unit)| json!({"Name": name, "Unit": unit.as_str()}))
        .collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": millis,
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [pipeline.map_or(vec![], |_| vec!["pipeline"])],
                "Metrics": declared,
            }],
        }),
    );
    if let Some(pipeline) = pipeline {
        line.insert("pipeline".to_owned(), json!(pipeline));
    }
    for (name, value, _) in metrics {
        line.insert((*name).to_owned(), json!(value));
    }
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declared_metric_has_its_value_beside_the_dimension() {
        let line = line(
            "Millrace/shop-test",
            Some("default"),
            &[("ItemsExported", 7.0, Unit::Count)],
            UNIX_EPOCH,
        );
        assert_eq!(
            line,
            json!({
                "_aws": {"Timestamp": 0, "CloudWatchMetrics": [{
                    "Namespace": "Millrace/shop-test",
                    "Dimensions": [["pipeline"]],
                    "Metrics": [{"Name": "ItemsExported", "Unit": "Count"}],
                }]},
                "pipeline": "default",
                "ItemsExported": 7.0,
            })
        );
    }

    #[test]
    fn metrics_of_no_pipeline_have_no_dimension() {
        let metrics = [("RecordsUnreadable", 1.0, Unit::Count)];
        let line = line("Millrace/shop-test", None, &metrics, UNIX_EPOCH);
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
            json!([[]])
        );
        assert_eq!(line["RecordsUnreadable"], 1.0);
        assert!(line.get("pipeline").is_none());
    }
}
