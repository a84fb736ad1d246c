//! The API's operations on tuning jobs. [`crate::tuning::run`] runs what they start.

use crate::app::App;
use crate::protocol::listing::{self, Row};
use crate::protocol::members::{parse, text};
use crate::protocol::refusal::Refusal;
use crate::store::table::now;
use crate::tags;
use crate::training::job::{Status, TrainingJob};
use crate::training::request::TrainingRequest;
use crate::tuning::job::{KIND, TuningJob, Values, best, jobs_of, objective_value};
use crate::tuning::request::{Objective, TuningRequest};
use crate::tuning::run;
use serde_json::{Value, json};
use std::sync::Arc;

fn not_found() -> Refusal {
    Refusal::not_found("Requested resource not found.")
}

/// `CreateHyperParameterTuningJob`.
pub fn create(app: &Arc<App>, request: &Value) -> Result<Value, Refusal> {
    let parsed = TuningRequest::read(request)?;
    let name = parsed.name.clone();
    let arn = app.arn(KIND, &name);
    // A definition that is refused for a training job is refused before the first one starts.
    let (first, _) = parsed.training_job(&run::child_name(&name, 0), 0);
    TrainingRequest::read(&first)?;
    let job = TuningJob {
        request: request.clone(),
        created: now(),
        modified: now(),
        ended: None,
        status: Status::InProgress,
        failure_reason: None,
        children: Vec::new(),
    };
    if app.table::<TuningJob>().insert(&name, job)?.is_some() {
        return Err(Refusal::in_use(format!(
            "Hyperparameter tuning job names must be unique within an AWS account and region, and a \
             tuning job with this name already exists ({arn})"
        )));
    }
    tags::store(app, KIND, &name, request)?;
    run::spawn(app, parsed);
    Ok(json!({"HyperParameterTuningJobArn": arn}))
}

/// A training job as tuning jobs list it.
fn row(app: &App, objective: &Objective, name: &str, tuned: &Values, job: &TrainingJob) -> Value {
    let mut row = job.summary(app, name);
    row["TunedHyperParameters"] = json!(tuned);
    row["ObjectiveStatus"] = json!(match objective_value(job, objective) {
        Some(_) => "Succeeded",
        None if job.has_ended() => "Failed",
        None => "Pending",
    });
    if let Some(value) = objective_value(job, objective) {
        row["FinalHyperParameterTuningJobObjectiveMetric"] = json!({
            "Type": objective.r#type,
            "MetricName": objective.metric_name,
            "Value": value,
        });
    }
    row
}

/// `DescribeHyperParameterTuningJob`.
pub fn describe(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "HyperParameterTuningJobName")?;
    let job = app.seen::<TuningJob>(name).ok_or_else(not_found)?;
    let parsed: TuningRequest = parse(&job.request)?;
    let objective = &parsed.config.objective;
    let children = jobs_of(app, &job);
    let count = |applies: &dyn Fn(&TrainingJob) -> bool| {
        children.iter().filter(|(_, _, job)| applies(job)).count()
    };
    let mut answer = job.request.clone();
    if let Some(members) = answer.as_object_mut() {
        members.remove("Tags");
    }
    answer["HyperParameterTuningJobArn"] = json!(app.arn(KIND, name));
    answer["HyperParameterTuningJobStatus"] = json!(job.status);
    answer["CreationTime"] = json!(job.created);
    answer["LastModifiedTime"] = json!(job.modified);
    answer["TrainingJobStatusCounters"] = json!({
        "Completed": count(&|job| job.status == Status::Completed),
        "InProgress": count(&|job| !job.has_ended()),
        "RetryableError": 0,
        "NonRetryableError": count(&|job| job.status == Status::Failed),
        "Stopped": count(&|job| job.status == Status::Stopped),
    });
    answer["ObjectiveStatusCounters"] = json!({
        "Succeeded": count(&|job| objective_value(job, objective).is_some()),
        "Pending": count(&|job| !job.has_ended()),
        "Failed": count(&|job| job.has_ended() && objective_value(job, objective).is_none()),
    });
    if let Some((name, tuned, best)) = best(objective, &children) {
        answer["BestTrainingJob"] = row(app, objective, name, tuned, best);
    }
    if let Some(ended) = job.ended {
        answer["HyperParameterTuningEndTime"] = json!(ended);
    }
    if let Some(reason) = job.failure_reason {
        answer["FailureReason"] = json!(reason);
    }
    Ok(answer)
}

/// `StopHyperParameterTuningJob`, which also stops the running training jobs.
pub fn stop(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "HyperParameterTuningJobName")?;
    let asked = app.table::<TuningJob>().update(name, |job| {
        if job.status != Status::InProgress {
            let status = job.status;
            return Err(Refusal::validation(format!(
                "The request was rejected because the tuning job is in status {status:?}."
            )));
        }
        job.enter(Status::Stopping);
        Ok(())
    })?;
    asked.ok_or_else(not_found)?;
    Ok(json!({}))
}

/// `ListHyperParameterTuningJobs`.
pub fn list(app: &App, request: &Value) -> Result<Value, Refusal> {
    let jobs = app.table::<TuningJob>().all().into_iter();
    let rows = jobs.map(|(name, job)| {
        let children = jobs_of(app, &job);
        let count = |status| {
            children
                .iter()
                .filter(|(_, _, job)| job.status == status)
                .count()
        };
        let running = children
            .iter()
            .filter(|(_, _, job)| !job.has_ended())
            .count();
        let mut summary = json!({
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobArn": app.arn(KIND, &name),
            "HyperParameterTuningJobStatus": job.status,
            "Strategy": job.request["HyperParameterTuningJobConfig"]["Strategy"],
            "CreationTime": job.created,
            "LastModifiedTime": job.modified,
            "TrainingJobStatusCounters": {
                "Completed": count(Status::Completed),
                "InProgress": running,
                "RetryableError": 0,
                "NonRetryableError": count(Status::Failed),
                "Stopped": count(Status::Stopped),
            },
            "ObjectiveStatusCounters": {
                "Succeeded": count(Status::Completed),
                "Pending": running,
                "Failed": count(Status::Failed) + count(Status::Stopped),
            },
        });
        if let Some(ended) = job.ended {
            summary["HyperParameterTuningEndTime"] = json!(ended);
        }
        Row {
            name,
            created: job.created,
            modified: job.modified,
            status: format!("{:?}", job.status),
            summary,
        }
    });
    listing::page(
        request,
        "HyperParameterTuningJobSummaries",
        "Descending",
        rows.collect(),
    )
}

/// `ListTrainingJobsForHyperParameterTuningJob`.
pub fn children(app: &App, request: &Value) -> Result<Value, Refusal> {
    let name = text(request, "HyperParameterTuningJobName")?;
    let job = app.table::<TuningJob>().get(name).ok_or_else(not_found)?;
    let parsed: TuningRequest = parse(&job.request)?;
    let objective = &parsed.config.objective;
    let mut children = jobs_of(app, &job);
    let by_objective = request["SortBy"] == "FinalObjectiveMetricValue";
    if by_objective {
        children.retain(|(_, _, job)| objective_value(job, objective).is_some());
        children.sort_by(|one, other| {
            let value = |job| objective_value(job, objective).unwrap_or(f64::INFINITY);
            value(&one.2).total_cmp(&value(&other.2))
        });
    }
    let rows = children.iter().enumerate();
    let rows = rows.map(|(place, (name, tuned, job))| Row {
        name: name.clone(),
        // The listing sorts by time, so the position takes its place.
        created: place as f64,
        modified: place as f64,
        status: format!("{:?}", job.status),
        summary: row(app, objective, name, tuned, job),
    });
    let rows = rows.collect();
    let mut order = request.clone();
    if by_objective {
        order["SortBy"] = json!("CreationTime");
    }
    listing::page(&order, "TrainingJobSummaries", "Ascending", rows)
}
