//! What each step takes and costs.

use super::prices::{MONTH_HOURS, SERVERLESS_GB_SECOND, instance_hour};
use crate::progress::count;
use contract::states::Estimate;
use definition::{Compute, Dataset, Definition, Training};
use lake::records::TrainingRecord;
use plan_export::{EXPORT_MEMORY_MB, JSON_PER_BYTE, PriceList};
use raw_export::Planned;
use schemars::JsonSchema;
use serde::Serialize;

/// CPU seconds in which a gigabyte of raw lines becomes rows: twice what was measured (README of
/// `merge-to-csv`).
const SECONDS_PER_GB: f64 = 5.0;
/// Minutes of the functions before and after the shards.
const AROUND_MINUTES: f64 = 0.2;
/// Seconds that a request to a serverless endpoint takes in the estimate of its price.
const REQUEST_SECONDS: f64 = 0.1;

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepRow {
    /// `export`, `dataset` or `training`.
    pub step: String,
    /// Minutes; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// US dollars; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dollars: Option<f64>,
    /// Whether both are bounds that a run stays below, and not what it probably takes.
    pub at_most: bool,
    /// What they come from, in words.
    pub basis: String,
}

/// What an endpoint costs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointRow {
    /// Its compute, in words.
    pub compute: String,
    /// US dollars of a month without any request; absent if the price is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dollars_per_month: Option<f64>,
    /// US dollars of a million requests of a tenth of a second each; absent for instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dollars_per_million_requests: Option<f64>,
}

/// The export.
pub fn export(planned: &Planned) -> StepRow {
    let Estimate {
        minutes,
        cost,
        read_units,
        bytes,
        ..
    } = planned.estimate;
    let tasks = planned.tasks.len() as u64;
    let basis = match planned.route {
        contract::states::Route::Export => format!("native export of {}", size(bytes)),
        contract::states::Route::Scan if minutes.is_none() => {
            "DynamoDB has not counted the table yet".to_owned()
        }
        contract::states::Route::Scan => {
            let functions = if tasks == 1 { "function" } else { "functions" };
            format!(
                "{} read units, {} {functions}",
                count(read_units),
                count(tasks)
            )
        }
    };
    StepRow {
        step: "export".to_owned(),
        minutes,
        dollars: cost.map(|cost| cost.total),
        at_most: false,
        basis,
    }
}

/// Making the dataset.
pub fn dataset(definition: &Definition, estimate: &Estimate, concurrency: u32) -> Option<StepRow> {
    let dataset = definition.dataset.as_ref()?;
    let is_known = estimate.bytes > 0;
    let raw = estimate.bytes as f64 * JSON_PER_BYTE;
    let shard = dataset.shard_bytes.unwrap_or(Dataset::DEFAULT_SHARD);
    // Where duplicates are found, one function reads everything twice.
    let (shards, passes) = if dataset.deduplicate.is_some() {
        (1.0, 2.0)
    } else {
        ((raw / shard as f64).ceil().max(1.0), 1.0)
    };
    let seconds = raw / 1e9 * SECONDS_PER_GB * passes;
    let prices = PriceList::of(&definition.limits.prices);
    let gb = f64::from(EXPORT_MEMORY_MB) / 1024.0;
    let paid = seconds + AROUND_MINUTES * 60.0;
    let minutes = seconds / shards.min(f64::from(concurrency)) / 60.0 + AROUND_MINUTES;
    Some(StepRow {
        step: "dataset".to_owned(),
        minutes: is_known.then_some(minutes),
        dollars: is_known.then_some(paid * gb * prices.lambda_gb_second),
        at_most: false,
        basis: format!("{} of items", size(estimate.bytes)),
    })
}

/// Training: by what earlier jobs on the same instances were billed, newest first, or else by its
/// bound.
pub fn training(definition: &Definition, earlier: &[TrainingRecord]) -> Option<StepRow> {
    let training = definition.training.as_ref()?;
    let billed: Vec<_> = earlier
        .iter()
        .filter(|record| record.tuning.is_none())
        .filter_map(|record| record.billable_seconds)
        .map(|seconds| seconds as f64)
        .collect();
    let instance = &training.instance_type;
    let price = instance_hour(instance);
    let instances = f64::from(training.instance_count);
    let unknown = if price.is_none() {
        ", whose price is not known here"
    } else {
        ""
    };
    let (minutes, hours, at_most, why) = match &training.tuning {
        None if !billed.is_empty() => {
            let mean = billed.iter().sum::<f64>() / billed.len() as f64;
            let why = format!("by the last {} runs", billed.len());
            (mean / 60.0, mean / 3600.0 * instances, false, why)
        }
        None => {
            let seconds = f64::from(training.max_runtime_seconds);
            let why = "by maxRuntimeSeconds".to_owned();
            (seconds / 60.0, seconds / 3600.0 * instances, true, why)
        }
        Some(tuning) => of_search(training, tuning.jobs() as f64, tuning.max_parallel_jobs),
    };
    Some(StepRow {
        step: "training".to_owned(),
        minutes: Some(minutes),
        dollars: price.map(|price| price * hours),
        at_most,
        basis: format!("{instance}{unknown}, {why}"),
    })
}

/// The bound of a search: all its jobs, each for as long as it may take.
fn of_search(training: &Training, jobs: f64, parallel: u32) -> (f64, f64, bool, String) {
    let seconds = f64::from(training.max_runtime_seconds);
    let rounds = (jobs / f64::from(parallel.max(1))).ceil();
    let hours = seconds / 3600.0 * jobs * f64::from(training.instance_count);
    let why = format!("by {jobs} jobs of maxRuntimeSeconds");
    (seconds / 60.0 * rounds, hours, true, why)
}

/// The endpoint, if a promoted model serves by one.
pub fn endpoint(definition: &Definition) -> Option<EndpointRow> {
    definition.promotion.as_ref()?;
    if definition.batch.is_some() {
        return None;
    }
    Some(match &definition.endpoint().compute {
        Compute::Serverless { memory_mb, .. } => {
            let gb = f64::from(*memory_mb) / 1024.0;
            let request = gb * REQUEST_SECONDS * SERVERLESS_GB_SECOND;
            EndpointRow {
                compute: format!("serverless, {memory_mb} MB"),
                dollars_per_month: Some(0.0),
                dollars_per_million_requests: Some(request * 1e6),
            }
        }
        Compute::Instances {
            instance_type,
            count,
        } => EndpointRow {
            compute: format!("{count} × {instance_type}"),
            dollars_per_month: instance_hour(instance_type)
                .map(|price| price * MONTH_HOURS * f64::from(*count)),
            dollars_per_million_requests: None,
        },
    })
}

/// Bytes, as people say them.
pub fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn definition(more: &Value) -> Definition {
        let mut definition = json!({
            "source": {"dynamodb": {"table": "t"}},
            "dataset": {"label": "y"},
            "training": {"image": "i", "maxRuntimeSeconds": 1800, "instanceCount": 2},
            "promotion": {"metric": "m", "goal": "minimize"},
        });
        for (name, value) in more.as_object().unwrap() {
            definition[name] = value.clone();
        }
        contract::read::from_value(definition).unwrap()
    }

    fn record(seconds: u64) -> TrainingRecord {
        let record = json!({"job": "j", "image": "i", "artifact": "a", "metrics": {},
            "billableSeconds": seconds});
        contract::read::from_value(record).unwrap()
    }

    #[track_caller]
    fn close(value: Option<f64>, expected: f64) {
        let value = value.unwrap();
        assert!(
            (value - expected).abs() < 1e-9,
            "{value} and not {expected}"
        );
    }

    #[test]
    fn training_is_planned_by_earlier_runs_or_else_by_its_bound() {
        let plain = definition(&json!({}));
        let bound = training(&plain, &[]).unwrap();
        close(bound.minutes, 30.0);
        close(bound.dollars, 0.115);
        assert!(bound.at_most);
        let known = training(&plain, &[record(60), record(180)]).unwrap();
        close(known.minutes, 2.0);
        close(known.dollars, 0.115 * 2.0 / 30.0);
        assert!(!known.at_most && known.basis.contains("the last 2 runs"));
        let other = json!({"training": {"image": "i", "instanceType": "ml.new.large"}});
        let other = training(&definition(&other), &[]).unwrap();
        assert_eq!(other.dollars, None);
        assert!(other.basis.contains("not known here"), "{}", other.basis);
    }

    #[test]
    fn an_endpoint_costs_by_the_request_or_by_the_month() {
        let serverless = endpoint(&definition(&json!({}))).unwrap();
        close(serverless.dollars_per_month, 0.0);
        close(serverless.dollars_per_million_requests, 4.0);
        let compute = json!({"instances": {"instanceType": "ml.m5.large", "count": 2}});
        let instances = endpoint(&definition(&json!({"endpoint": {"compute": compute}})));
        close(instances.unwrap().dollars_per_month, 0.115 * 730.0 * 2.0);
        assert!(endpoint(&definition(&json!({"batch": {"input": "validation"}}))).is_none());
    }
}
