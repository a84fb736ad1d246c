//! A tuning job as it is stored, and the results of its training jobs.

use crate::app::App;
use crate::store::table::{Record, now};
use crate::training::job::{Status, TrainingJob};
use crate::tuning::request::Objective;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The resource type in ARNs.
pub const KIND: &str = "hyper-parameter-tuning-job";

/// Values of the tuned hyperparameters, by name.
pub type Values = BTreeMap<String, String>;

/// A training job of a tuning job: its name, the values that it tries, its record.
pub type Child = (String, Values, TrainingJob);

/// A tuning job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TuningJob {
    /// The request, which `DescribeHyperParameterTuningJob` repeats.
    pub request: Value,
    pub created: f64,
    pub modified: f64,
    pub ended: Option<f64>,
    pub status: Status,
    pub failure_reason: Option<String>,
    /// Its training jobs with the values that each tries, oldest first.
    pub children: Vec<(String, Values)>,
}

impl TuningJob {
    pub fn enter(&mut self, status: Status) {
        self.status = status;
        self.modified = now();
        if self.has_ended() {
            self.ended = Some(self.modified);
        }
    }

    pub fn has_ended(&self) -> bool {
        matches!(
            self.status,
            Status::Completed | Status::Failed | Status::Stopped
        )
    }
}

impl Record for TuningJob {
    const FOLDER: &'static str = "tuning-jobs";
}

/// The objective's final value of a completed training job.
pub fn objective_value(job: &TrainingJob, objective: &Objective) -> Option<f64> {
    let mut metrics = job.metrics.iter();
    let metric = metrics.find(|metric| metric.name == objective.metric_name)?;
    (job.status == Status::Completed).then_some(metric.value)
}

/// The training job with the best value, if one has completed.
pub fn best<'a>(objective: &Objective, children: &'a [Child]) -> Option<&'a Child> {
    let objective_value = |child: &Child| {
        let value = objective_value(&child.2, objective);
        value.map(|value| {
            if objective.r#type == "Maximize" {
                -value
            } else {
                value
            }
        })
    };
    let scored = children
        .iter()
        .filter(|child| objective_value(child).is_some());
    scored.min_by(|one, other| {
        let value = |child| objective_value(child).unwrap_or(f64::INFINITY);
        value(one).total_cmp(&value(other))
    })
}

/// The training jobs of a tuning job.
pub fn jobs_of(app: &App, job: &TuningJob) -> Vec<Child> {
    let children = job.children.iter();
    children
        .filter_map(|(name, tuned)| {
            Some((
                name.clone(),
                tuned.clone(),
                app.table::<TrainingJob>().get(name)?,
            ))
        })
        .collect()
}
