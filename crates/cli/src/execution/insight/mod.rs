//! What is known about the step in progress beside the execution's history: the segments that are
//! exported, by their manifests in the lake, and the metric of the training job.

mod spark;

pub use spark::spark;

use super::{Row, View};
use crate::progress::duration;
use contract::states::{PlanExportOutput, RequestExportOutput, StartTrainingOutput};
use contract::{ServiceError, chain};
use definition::Definition;
use lake::native::NativeExport;
use lake::records::Plan;
use lake::{DocumentError, ObjectStore, RunKeys, StoreError, documents};
use sagemaker_ports::{TrainingJobs, TrainingStatus};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

/// What is known about the step in progress.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// How much is done, of how much.
    pub done: Option<(u64, u64)>,
    /// As a phrase.
    pub text: String,
}

/// Looks at the step in progress.
pub trait Insight {
    /// What is known about it now; `None` if no more than the history says.
    fn look(&mut self, view: &View) -> impl Future<Output = Option<Shown>>;

    /// What to show of a step that has just ended, beside what the history says.
    fn result(&mut self, row: &Row) -> impl Future<Output = Option<String>>;
}

/// Looks at nothing.
#[derive(Debug, Clone, Copy)]
pub struct HistoryOnly;

impl Insight for HistoryOnly {
    async fn look(&mut self, _: &View) -> Option<Shown> {
        None
    }

    async fn result(&mut self, _: &Row) -> Option<String> {
        None
    }
}

/// Looks into the lake and at the training job.
#[derive(Debug)]
pub struct Resources<S, J> {
    store: S,
    jobs: J,
    plan: Option<Plan>,
    /// Values of the metric, oldest first.
    values: Vec<f64>,
}

/// Why something is not known. It is shown, and the execution is watched on.
#[derive(Debug, thiserror::Error)]
enum Unknown {
    #[error(transparent)]
    Lake(#[from] StoreError),
    #[error(transparent)]
    Plan(#[from] DocumentError),
    #[error(transparent)]
    Job(#[from] ServiceError),
}

impl<S: ObjectStore, J: TrainingJobs> Insight for Resources<S, J> {
    async fn look(&mut self, view: &View) -> Option<Shown> {
        let row = view.current()?;
        let looked = match row.state.as_str() {
            "ExportSegments" => self.export(view).await,
            "StartTraining" => self.training(row).await.map(|training| {
                let training = training?;
                let left = training
                    .left
                    .map(|left| format!("at most {} left", duration(left)));
                let parts = [Some(training.phase), training.metric, left];
                let text = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
                Some(Shown { done: None, text })
            }),
            _ => return None,
        };
        looked.unwrap_or_else(|error| {
            Some(Shown {
                done: None,
                text: unknown(&error),
            })
        })
    }

    async fn result(&mut self, row: &Row) -> Option<String> {
        if row.state != "StartTraining" {
            return None;
        }
        match self.training(row).await {
            Ok(training) => training?.metric,
            Err(error) => Some(unknown(&error)),
        }
    }
}

fn unknown(error: &Unknown) -> String {
    format!("not known: {}", chain(error))
}

/// What is known about a training job.
struct Training {
    /// SageMaker's secondary status.
    phase: String,
    /// The metric's name, its values so far as blocks, and the last one.
    metric: Option<String>,
    /// Most that the job may still take.
    left: Option<Duration>,
}

impl<S: ObjectStore, J: TrainingJobs> Resources<S, J> {
    /// With a lake, and SageMaker's training jobs.
    pub const fn new(store: S, jobs: J) -> Self {
        Self {
            store,
            jobs,
            plan: None,
            values: Vec::new(),
        }
    }

    /// A segment is exported if and only if its manifest is there.
    async fn export(&self, view: &View) -> Result<Option<Shown>, Unknown> {
        let planned: Option<PlanExportOutput> = output_of(view, "PlanExport");
        let requested: Option<RequestExportOutput> = output_of(view, "RequestExport");
        let (Some(planned), Some(row)) = (planned, view.current()) else {
            return Ok(None);
        };
        let total = requested.map_or(planned.segments, |requested| requested.segments);
        if total == 0 {
            return Ok(None);
        }
        let keys = RunKeys::new(&planned.pipeline, &planned.run);
        // A run that has merged changes before has more segments than those of its export.
        let export: Option<NativeExport> =
            documents::read_if_there(&self.store, &keys.native_export(), "a table's export")
                .await?;
        let first = export.map_or(0, |export| export.first_segment);
        let own = (first..first + total).map(|segment| keys.segment_manifest(segment));
        let own: BTreeSet<String> = own.collect();
        let objects = self.store.list(&keys.segments()).await?;
        let done = objects.iter().filter(|object| own.contains(&object.key));
        let done = done.count() as u64;
        let minutes = planned.estimate.minutes.unwrap_or_default();
        let all = Duration::try_from_secs_f64(minutes * 60.0).unwrap_or_default();
        let left = left(row.took(SystemTime::now()), done, u64::from(total), all);
        let left = left.map(|left| format!(", about {} left", duration(left)));
        Ok(Some(Shown {
            done: Some((done, u64::from(total))),
            text: format!("segments{}", left.unwrap_or_default()),
        }))
    }

    /// The job of the step, with the values that the metric has had, as far as they were seen.
    async fn training(&mut self, row: &Row) -> Result<Option<Training>, Unknown> {
        let output: Option<StartTrainingOutput> = parsed(row);
        let Some(output) = output else {
            return Ok(None);
        };
        if self.plan.is_none() {
            let key = RunKeys::new(&output.pipeline, &output.run).plan();
            self.plan = Some(documents::read(&self.store, &key, "the run's plan").await?);
        }
        let definition = self.plan.as_ref().map(|plan| &plan.definition);
        let training = definition.and_then(|definition| definition.training.as_ref());
        // A tuning job has another kind of name, and no training job has it.
        let job = self.jobs.describe(&output.training_job).await?;
        let (Some(training), Some(job)) = (training, job) else {
            return Ok(Some(Training {
                phase: output.phase,
                metric: None,
                left: None,
            }));
        };
        let limit = Duration::from_secs(training.max_runtime_seconds.into());
        let left = limit.saturating_sub(Duration::from_secs(job.age_seconds));
        let left = (job.status == TrainingStatus::InProgress).then_some(left);
        let metric = definition.and_then(|definition| metric_of(definition, &job.metrics));
        let metric = metric.map(|(name, value)| {
            if self.values.last() != Some(&value) {
                self.values.push(value);
            }
            format!("{name} {} {value}", spark(&self.values))
        });
        Ok(Some(Training {
            phase: job.secondary,
            metric,
            left,
        }))
    }
}

/// The last output of a state.
fn output_of<T: DeserializeOwned>(view: &View, state: &str) -> Option<T> {
    parsed(view.rows.iter().rfind(|row| row.state == state)?)
}

fn parsed<T: DeserializeOwned>(row: &Row) -> Option<T> {
    serde_json::from_str(row.output.as_deref()?).ok()
}

/// The metric that decides, or else the first one, if the job has it by now.
fn metric_of(definition: &Definition, metrics: &BTreeMap<String, f64>) -> Option<(String, f64)> {
    let promotion = definition.promotion.as_ref();
    let name = promotion.map(|promotion| promotion.metric.as_str());
    let name = name.or_else(|| metrics.keys().next().map(String::as_str))?;
    Some((name.to_owned(), *metrics.get(name)?))
}

/// The time that the rest takes: at the speed so far, or at first by the plan.
fn left(elapsed: Duration, done: u64, total: u64, planned: Duration) -> Option<Duration> {
    if done == 0 {
        return planned.checked_sub(elapsed).filter(|left| !left.is_zero());
    }
    let rest = total.saturating_sub(done);
    (rest > 0).then(|| elapsed.mul_f64(rest as f64 / done as f64))
}

#[cfg(test)]
mod tests;
