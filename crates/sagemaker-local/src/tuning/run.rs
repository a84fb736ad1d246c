//! Runs a tuning job: starts training jobs, `MaxParallelTrainingJobs` at a time.

use crate::app::App;
use crate::protocol::refusal::Refusal;
use crate::training::job::Status;
use crate::training::operations as training;
use crate::tuning::job::{TuningJob, best, jobs_of};
use crate::tuning::request::TuningRequest;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(100);
const INTERRUPTED: &str = "InternalServerError: sagemaker-local ended while the tuning job was running. Create it again under another name.";

/// A name for the training job of this index.
pub fn child_name(tuning: &str, index: usize) -> String {
    format!("{tuning}-{:03}-{:08x}", index + 1, fastrand::u32(..))
}

/// Runs the job beside the requests.
pub fn spawn(app: &Arc<App>, request: TuningRequest) {
    let task_app = app.clone();
    app.tasks.spawn(async move {
        let app = task_app;
        let outcome = tokio::select! {
            outcome = run(&app, &request) => outcome,
            () = app.closing.cancelled() => return,
        };
        change(&app, &request.name, |job| match outcome {
            Ok(status) => job.enter(status),
            Err(reason) => {
                job.failure_reason = Some(reason);
                job.enter(Status::Failed);
            }
        });
    });
}

/// Fails the jobs that ran when an earlier server ended, because their training jobs have failed.
pub fn recover(app: &App) {
    for (name, job) in app.table::<TuningJob>().all() {
        if !job.has_ended() {
            change(app, &name, |job| {
                job.failure_reason = Some(INTERRUPTED.to_owned());
                job.enter(Status::Failed);
            });
        }
    }
}

async fn run(app: &Arc<App>, request: &TuningRequest) -> Result<Status, String> {
    let jobs = request.jobs();
    let mut begun = 0;
    loop {
        let Some(job) = app.table::<TuningJob>().get(&request.name) else {
            return Err("the tuning job no longer exists".to_owned());
        };
        let children = jobs_of(app, &job);
        let running = children.iter().filter(|(_, _, job)| !job.has_ended());
        let is_stopping = job.status == Status::Stopping;
        if is_stopping {
            for (name, _, child) in running.clone() {
                if child.status == Status::InProgress {
                    // An error means that the job has ended in the meantime.
                    let _ = training::stop(app, &json!({"TrainingJobName": name}));
                }
            }
        }
        let running = running.count();
        if running == 0 && (is_stopping || begun == jobs) {
            let objective = &request.config.objective;
            return match best(objective, &children) {
                _ if is_stopping => Ok(Status::Stopped),
                Some(_) => Ok(Status::Completed),
                None => Err(format!(
                    "No training job succeeded with a value of the objective metric {}",
                    objective.metric_name
                )),
            };
        }
        if !is_stopping && running < request.config.resource_limits.max_parallel && begun < jobs {
            begin(app, request, begun).map_err(|refusal| refusal.message)?;
            begun += 1;
            continue;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn begin(app: &Arc<App>, request: &TuningRequest, index: usize) -> Result<(), Refusal> {
    let name = child_name(&request.name, index);
    let (job, values) = request.training_job(&name, index);
    training::begin(app, &job, Some(request.name.clone()))?;
    change(app, &request.name, |job| job.children.push((name, values)));
    Ok(())
}

fn change(app: &App, name: &str, change: impl FnOnce(&mut TuningJob)) {
    let changed = app.table::<TuningJob>().update(name, |job| {
        change(job);
        tracing::info!(job = name, status = ?job.status, reason = job.failure_reason, "tuning");
        Ok(())
    });
    if let Err(refusal) = changed {
        tracing::error!(job = name, %refusal, "the tuning job's status could not be written");
    }
}
