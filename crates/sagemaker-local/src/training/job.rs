//! A training job as it is stored: its request, its statuses and its metrics.

use crate::app::App;
use crate::store::table::{Record, now};
use crate::training::metrics::Metric;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The status of a job. Tuning and transform jobs have the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    InProgress,
    Completed,
    Failed,
    Stopping,
    Stopped,
}

/// The detailed status of a training job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Secondary {
    Starting,
    Downloading,
    Training,
    Uploading,
    Stopping,
    Stopped,
    MaxRuntimeExceeded,
    MaxWaitTimeExceeded,
    Interrupted,
    Completed,
    Failed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Transition {
    status: Secondary,
    start_time: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<f64>,
    status_message: String,
}

/// A training job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrainingJob {
    /// The request, which `DescribeTrainingJob` repeats.
    pub request: Value,
    pub created: f64,
    pub modified: f64,
    pub started: Option<f64>,
    pub ended: Option<f64>,
    pub status: Status,
    pub secondary: Secondary,
    pub transitions: Vec<Transition>,
    pub failure_reason: Option<String>,
    pub metrics: Vec<Metric>,
    /// The name of the tuning job that created it.
    #[serde(default)]
    pub tuning: Option<String>,
}

impl TrainingJob {
    pub fn new(request: Value, tuning: Option<String>) -> Self {
        let time = now();
        let mut job = Self {
            request,
            created: time,
            modified: time,
            started: None,
            ended: None,
            status: Status::InProgress,
            secondary: Secondary::Starting,
            transitions: Vec::new(),
            failure_reason: None,
            metrics: Vec::new(),
            tuning,
        };
        job.enter(
            Status::InProgress,
            Secondary::Starting,
            "Starting the training job",
        );
        job
    }

    /// Changes the status, and records the time.
    pub fn enter(&mut self, status: Status, secondary: Secondary, message: &str) {
        let time = now();
        if let Some(last) = self.transitions.last_mut() {
            last.end_time = Some(time);
        }
        (self.status, self.secondary, self.modified) = (status, secondary, time);
        if secondary == Secondary::Downloading {
            self.started = Some(time);
        }
        let has_ended = self.has_ended();
        if has_ended {
            self.ended = Some(time);
        }
        self.transitions.push(Transition {
            status: secondary,
            start_time: time,
            end_time: has_ended.then_some(time),
            status_message: message.to_owned(),
        });
    }

    /// The members of the job that every list shows.
    pub fn summary(&self, app: &App, name: &str) -> Value {
        let mut summary = json!({
            "TrainingJobName": name,
            "TrainingJobArn": app.arn("training-job", name),
            "CreationTime": self.created,
            "TrainingJobStatus": self.status,
        });
        if let Some(started) = self.started {
            summary["TrainingStartTime"] = json!(started);
        }
        if let Some(ended) = self.ended {
            summary["TrainingEndTime"] = json!(ended);
        }
        if let Some(reason) = &self.failure_reason {
            summary["FailureReason"] = json!(reason);
        }
        summary
    }

    pub fn has_ended(&self) -> bool {
        matches!(
            self.status,
            Status::Completed | Status::Failed | Status::Stopped
        )
    }
}

impl Record for TrainingJob {
    const FOLDER: &'static str = "training-jobs";
}
