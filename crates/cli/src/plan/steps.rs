//! What each step takes and costs.

use super::serving::unknown;
use crate::progress::count;
use contract::states::{Estimate, MOST_CHILDREN};
use definition::prices::instance_hour;
use definition::{Dataset, Definition, Format, Training};
use lake::records::{SourcePlan, TrainingRecord};
use plan_export::{EXPORT_MEMORY_MB, JSON_PER_BYTE, PriceList};
use raw_export::Planned;
use schemars::JsonSchema;
use serde::Serialize;

/// CPU seconds in which a gigabyte of raw lines becomes rows: twice what was measured (README of
/// `merge-to-csv`).
const SECONDS_PER_GB: f64 = 5.0;
/// The same of a gigabyte of images that are read again and packed, if each is encoded again.
const SECONDS_PER_GB_OF_IMAGES: f64 = 50.0;
/// Of an image that stays where it is, with 32 requests at once that S3 answers within 60 ms.
const SECONDS_PER_NAMED_IMAGE: f64 = 0.002;
/// Minutes of the functions before and after the shards.
const AROUND_MINUTES: f64 = 0.2;

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepRow {
    /// `export`, `dataset`, `training`, `comparison`, `deployment` or `scoring`.
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

/// The raw lines of an export, and how they are shared.
#[derive(Debug, Clone, Copy)]
pub struct Raw {
    /// Their bytes; 0 if unknown.
    pub bytes: f64,
    /// Shards, each converted by one call of a function.
    pub shards: f64,
    /// How often each is read.
    passes: f64,
}

impl Raw {
    /// Of an export that becomes this dataset.
    pub fn of(dataset: &Dataset, estimate: &Estimate) -> Self {
        let bytes = estimate.bytes as f64 * JSON_PER_BYTE;
        let shard = dataset.shard_bytes.unwrap_or(Dataset::DEFAULT_SHARD);
        // Where duplicates are found, one function reads everything twice.
        let (shards, passes) = if dataset.deduplicate.is_some() {
            (1.0, 2.0)
        } else {
            let shards = (bytes / shard as f64).ceil();
            (shards.clamp(1.0, f64::from(MOST_CHILDREN)), 1.0)
        };
        Self {
            bytes,
            shards,
            passes,
        }
    }
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
        contract::states::Route::Changes | contract::states::Route::Stream => {
            format!(
                "what changed, merged into {} items",
                count(planned.estimate.items)
            )
        }
        contract::states::Route::Sql => {
            let ranges = if tasks == 1 { "range" } else { "ranges" };
            format!("{} in {} {ranges}", size(bytes), count(tasks))
        }
        contract::states::Route::Images => {
            let ranges = if tasks == 1 { "range" } else { "ranges" };
            let images = count(planned.estimate.items);
            format!(
                "{images} images, {} to read, in {} {ranges}",
                size(bytes),
                count(tasks)
            )
        }
        contract::states::Route::Files => {
            let functions = if tasks == 1 { "function" } else { "functions" };
            let files = match &planned.source {
                Some(SourcePlan::Files(plan)) => {
                    let objects = if plan.files.len() == 1 {
                        "object"
                    } else {
                        "objects"
                    };
                    format!(
                        "{} {objects} of {}",
                        count(plan.files.len() as u64),
                        size(plan.bytes())
                    )
                }
                Some(SourcePlan::Events(plan)) => {
                    let all = plan.listing();
                    let fresh = plan.fresh().count() as u64;
                    let (objects, fresh) = (count(all.objects), count(fresh));
                    format!(
                        "{objects} objects of {}, {fresh} of them new",
                        size(all.bytes)
                    )
                }
                _ => size(bytes),
            };
            format!("{files}, {} {functions}", count(tasks))
        }
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
    let (shards, seconds, what) = if let Some(files) = dataset.format.images() {
        let bytes = estimate.bytes as f64;
        let files = (bytes / 1e6 / f64::from(files.file_mb)).ceil();
        let shards = match dataset.deduplicate {
            Some(_) => 1.0,
            None => files.clamp(1.0, f64::from(MOST_CHILDREN)),
        };
        if dataset.format == Format::AugmentedManifest {
            let seconds = estimate.items as f64 * SECONDS_PER_NAMED_IMAGE;
            (shards, seconds, "of images, found again and named")
        } else {
            let seconds = bytes / 1e9 * SECONDS_PER_GB_OF_IMAGES;
            (shards, seconds, "of images, read again and packed")
        }
    } else {
        let raw = Raw::of(dataset, estimate);
        let seconds = raw.bytes / 1e9 * SECONDS_PER_GB * raw.passes;
        (raw.shards, seconds, "of items")
    };
    let prices = PriceList::of(&definition.limits.prices);
    let gb = f64::from(EXPORT_MEMORY_MB) / 1024.0;
    let paid = seconds + AROUND_MINUTES * 60.0;
    let minutes = seconds / shards.min(f64::from(concurrency)) / 60.0 + AROUND_MINUTES;
    Some(StepRow {
        step: "dataset".to_owned(),
        minutes: is_known.then_some(minutes),
        dollars: is_known.then_some(paid * gb * prices.lambda_gb_second),
        at_most: false,
        basis: format!("{} {what}", size(estimate.bytes)),
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
    let unknown = unknown(price);
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
}
