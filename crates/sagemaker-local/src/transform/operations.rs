//! The API's operations on transform jobs. [`crate::transform::run`] runs what they start.

use crate::app::App;
use crate::protocol::listing::{self, Row};
use crate::protocol::members::text;
use crate::protocol::refusal::Refusal;
use crate::registry::models;
use crate::store::table::now;
use crate::tags;
use crate::training::job::Status;
use crate::transform::job::{KIND, TransformJob};
use crate::transform::request::TransformRequest;
use crate::transform::run::{spawn, stop_key};
use serde_json::{Value, json};
use std::sync::Arc;

fn not_found() -> Refusal {
    Refusal::not_found("Requested resource not found.")
}

/// `CreateTransformJob`.
pub fn create(app: &Arc<App>, request: &Value) -> Result<Value, Refusal> {
    let parsed = TransformRequest::read(request)?;
    let container = models::find(app, &parsed.model_name)?.container()?;
    let name = parsed.name.clone();
    let arn = app.arn(KIND, &name);
    let job = TransformJob {
        request: request.clone(),
        created: now(),
        started: None,
        ended: None,
        status: Status::InProgress,
        failure_reason: None,
    };
    if app.table::<TransformJob>().insert(&name, job)?.is_some() {
        return Err(Refusal::in_use(format!(
            "Job name must be unique within an AWS account and region, and a job with this name \
             already exists ({arn})"
        )));
    }
    tags::store(app, KIND, &name, request)?;
    spawn(app, parsed, container);
    Ok(json!({"TransformJobArn": arn}))
}

/// `DescribeTransformJob`.
pub fn describe(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "TransformJobName")?;
    let job = app.seen::<TransformJob>(name).ok_or_else(not_found)?;
    let mut answer = job.request;
    if let Some(members) = answer.as_object_mut() {
        members.remove("Tags");
    }
    // SageMaker answers an absent key with an empty string.
    if answer["TransformOutput"]["KmsKeyId"].is_null() {
        answer["TransformOutput"]["KmsKeyId"] = json!("");
    }
    answer["TransformJobArn"] = json!(app.arn(KIND, name));
    answer["TransformJobStatus"] = json!(job.status);
    answer["CreationTime"] = json!(job.created);
    for (member, time) in [
        ("TransformStartTime", job.started),
        ("TransformEndTime", job.ended),
    ] {
        if let Some(time) = time {
            answer[member] = json!(time);
        }
    }
    if let Some(reason) = job.failure_reason {
        answer["FailureReason"] = json!(reason);
    }
    Ok(answer)
}

/// `StopTransformJob`.
pub fn stop(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "TransformJobName")?;
    let asked = app.table::<TransformJob>().update(name, |job| {
        if job.status != Status::InProgress {
            let status = job.status;
            return Err(Refusal::validation(format!(
                "The request was rejected because the transform job is in status {status:?}."
            )));
        }
        job.status = Status::Stopping;
        Ok(())
    })?;
    asked.ok_or_else(not_found)?;
    if let Some(stop) = app.stops().get(&stop_key(name)) {
        stop.cancel();
    }
    Ok(json!({}))
}

/// `ListTransformJobs`.
pub fn list(app: &App, request: &Value) -> Result<Value, Refusal> {
    let row = |(name, job): (String, TransformJob)| {
        let mut summary = json!({
            "TransformJobName": name,
            "TransformJobArn": app.arn(KIND, &name),
            "TransformJobStatus": job.status,
            "CreationTime": job.created,
        });
        if let Some(ended) = job.ended {
            summary["TransformEndTime"] = json!(ended);
        }
        if let Some(reason) = job.failure_reason {
            summary["FailureReason"] = json!(reason);
        }
        Row {
            name,
            created: job.created,
            modified: job.ended.unwrap_or(job.created),
            status: format!("{:?}", job.status),
            summary,
        }
    };
    let rows = app
        .table::<TransformJob>()
        .all()
        .into_iter()
        .map(row)
        .collect();
    listing::page(request, "TransformJobSummaries", "Descending", rows)
}
