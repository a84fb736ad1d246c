//! The API's operations on training jobs. [`crate::training::run`] runs what they start.

use crate::app::App;
use crate::protocol::listing::{self, Row};
use crate::protocol::members::{parse, text};
use crate::protocol::refusal::Refusal;
use crate::tags;
use crate::training::job::{Secondary, Status, TrainingJob};
use crate::training::metrics::{self, Metric};
use crate::training::request::TrainingRequest;
use crate::training::run;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// `CreateTrainingJob`.
pub fn create(app: &Arc<App>, request: &Value) -> Result<Value, Refusal> {
    begin(app, request, None)
}

/// Creates a job, on its own or for a tuning job.
pub fn begin(app: &Arc<App>, request: &Value, tuning: Option<String>) -> Result<Value, Refusal> {
    let parsed = TrainingRequest::read(request)?;
    let name = parsed.training_job_name.clone();
    let arn = app.arn("training-job", &name);
    let job = TrainingJob::new(request.clone(), tuning);
    if app.table::<TrainingJob>().insert(&name, job)?.is_some() {
        return Err(Refusal::in_use(format!(
            "Training job names must be unique within an AWS account and region, and a training \
             job with this name already exists ({arn})"
        )));
    }
    tags::store(app, "training-job", &name, request)?;
    run::spawn(app, parsed);
    Ok(json!({"TrainingJobArn": arn}))
}

/// `DescribeTrainingJob`.
pub fn describe(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "TrainingJobName")?;
    let job = app.seen::<TrainingJob>(name).ok_or_else(not_found)?;
    let parsed: TrainingRequest = parse(&job.request)?;
    let mut answer = job.request;
    if let Some(members) = answer.as_object_mut() {
        members.remove("Tags");
    }
    answer["TrainingJobArn"] = json!(app.arn("training-job", name));
    answer["TrainingJobStatus"] = json!(job.status);
    answer["SecondaryStatus"] = json!(job.secondary);
    answer["SecondaryStatusTransitions"] = json!(job.transitions);
    answer["CreationTime"] = json!(job.created);
    answer["LastModifiedTime"] = json!(job.modified);
    let algorithm = &parsed.algorithm_specification;
    if let Some(image) = app.config.images.find(&algorithm.training_image) {
        let all = metrics::joined(&algorithm.metric_definitions, &image.metrics);
        if !all.is_empty() {
            answer["AlgorithmSpecification"]["MetricDefinitions"] = json!(all);
        }
    }
    let artifact = parsed.output("model.tar.gz")?.to_string();
    answer["ModelArtifacts"] = json!({"S3ModelArtifacts": artifact});
    if let Some(tuning) = &job.tuning {
        answer["TuningJobArn"] = json!(app.arn("hyper-parameter-tuning-job", tuning));
    }
    if let Some(reason) = job.failure_reason {
        answer["FailureReason"] = json!(reason);
    }
    if let Some(started) = job.started {
        answer["TrainingStartTime"] = json!(started);
    }
    if let Some(ended) = job.ended {
        answer["TrainingEndTime"] = json!(ended);
        // A job that ended before it had an instance is not billed.
        let seconds = json!(
            job.started
                .map_or(0, |started| seconds_between(started, ended))
        );
        answer["TrainingTimeInSeconds"] = seconds.clone();
        answer["BillableTimeInSeconds"] = seconds;
        let metric = |metric: &Metric| json!({"MetricName": metric.name, "Value": metric.value, "Timestamp": ended});
        answer["FinalMetricDataList"] = job.metrics.iter().map(metric).collect();
    }
    Ok(answer)
}

/// The time in whole seconds, rounded up as for billing.
fn seconds_between(start: f64, end: f64) -> u64 {
    let time = Duration::try_from_secs_f64(end - start).unwrap_or_default();
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn not_found() -> Refusal {
    Refusal::validation("Requested resource not found.")
}

/// `StopTrainingJob`.
pub fn stop(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "TrainingJobName")?;
    let asked = app.table::<TrainingJob>().update(name, |job| {
        if job.status != Status::InProgress {
            let status = job.status;
            return Err(Refusal::validation(format!(
                "The request was rejected because the training job is in status {status:?}."
            )));
        }
        job.enter(
            Status::Stopping,
            Secondary::Stopping,
            "Stopping the training job",
        );
        Ok(())
    })?;
    asked.ok_or_else(not_found)?;
    if let Some(stop) = app.stops().get(&run::stop_key(name)) {
        stop.cancel();
    }
    Ok(json!({}))
}

/// `ListTrainingJobs`.
pub fn list(app: &App, request: &Value) -> Result<Value, Refusal> {
    let row = |(name, job): (String, TrainingJob)| {
        let mut summary = job.summary(app, &name);
        if let Some(members) = summary.as_object_mut() {
            // Only other lists have these members.
            members.remove("TrainingStartTime");
            members.remove("FailureReason");
        }
        summary["LastModifiedTime"] = json!(job.modified);
        summary["SecondaryStatus"] = json!(job.secondary);
        let status = format!("{:?}", job.status);
        Row {
            name,
            created: job.created,
            modified: job.modified,
            status,
            summary,
        }
    };
    let rows = app
        .table::<TrainingJob>()
        .all()
        .into_iter()
        .map(row)
        .collect();
    listing::page(request, "TrainingJobSummaries", "Ascending", rows)
}
