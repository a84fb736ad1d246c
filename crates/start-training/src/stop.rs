//! Stops the jobs of a run whose execution was aborted or timed out: nobody waits for their results,
//! and each is paid for until it ends.
//!
//! After a failure nothing is stopped, because a redrive continues with the job. An aborted
//! execution can be redriven too: it begins another job, so each stopped one closes its attempt.

use crate::StartTrainingError;
use contract::stop::{StopOutput, StopRequest};
use contract::{ExecutionStatus, Names, RunId, ServiceError};
use lake::attempt::Attempts;
use lake::executions::{DescribeExecution, ExecutionRecord};
use lake::records::Plan;
use lake::{ObjectStore, RunKeys, documents};
use sagemaker_ports::{
    TrainingJobs, TrainingStatus, TransformStatus, Transforms, TuningJobs, TuningStatus,
};
use std::fmt;
use std::time::Duration;

/// How often jobs are looked for. A step that was called before the execution ended may create a
/// job after the first look, and SageMaker does not show a new job at once.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);

/// The kind of a job that a run pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// A training job.
    Training,
    /// A tuning job, with its training jobs.
    Tuning,
    /// A transform job.
    Transform,
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Training => "training",
            Self::Tuning => "tuning",
            Self::Transform => "transform",
        })
    }
}

/// State of a job, as far as stopping it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JobState {
    Running,
    Stopped,
    /// Absent, completed or failed.
    Over,
}

/// A task of the run, each attempt at which is a job.
struct Task<'a> {
    kind: JobKind,
    /// The key of the number of the current attempt.
    key: String,
    /// The job's name, by the attempt.
    name: Box<dyn Fn(u32) -> String + 'a>,
}

/// The job of the current attempt at one of the run's tasks.
struct Job<'a, S> {
    kind: JobKind,
    name: String,
    attempt: u32,
    attempts: Attempts<'a, S>,
}

/// Stops the jobs of the execution's run that are in progress, if the execution was aborted or timed
/// out. Called again, it stops what is left.
///
/// # Errors
/// If the execution is unknown, or the lake or a service fails.
pub async fn stop<J: TrainingJobs + TuningJobs + Transforms>(
    store: &impl ObjectStore,
    jobs: &J,
    executions: &impl DescribeExecution,
    request: StopRequest,
) -> Result<StopOutput, StartTrainingError> {
    let arn = request.execution;
    let execution = executions.execution(&arn).await?;
    let status = execution.status;
    let answer = |run, stopped: Vec<String>, reason: &str| {
        tracing::info!(
            arn,
            ?status,
            ?stopped,
            reason,
            "stops the jobs of an execution"
        );
        StopOutput {
            execution: arn.clone(),
            status,
            run,
            stopped,
            reason: reason.to_owned(),
        }
    };
    if let Some(reason) = reason_to_continue(status) {
        return Ok(answer(None, Vec::new(), reason));
    }
    let Some(run) = run_of(&arn, &execution)? else {
        return Ok(answer(None, Vec::new(), "its input names no pipeline"));
    };
    let plan: Option<Plan> = documents::read_if_there(store, &run.plan(), "the run's plan").await?;
    let Some(plan) = plan else {
        return Ok(answer(
            None,
            Vec::new(),
            "it ended before its run was planned",
        ));
    };
    let case = Case {
        store,
        jobs,
        run: &run,
        plan: &plan,
        execution: &execution,
    };
    let mut stopped = Vec::new();
    for look in 1..=LOOKS {
        case.look(&mut stopped).await?;
        if look < LOOKS {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
    let reason = if stopped.is_empty() {
        "none of its jobs is in progress"
    } else {
        "nobody waits for their results; a redrive begins other jobs"
    };
    Ok(answer(Some(run.run().clone()), stopped, reason))
}

/// Why the jobs of an execution with this status continue, if they do.
const fn reason_to_continue(status: ExecutionStatus) -> Option<&'static str> {
    match status {
        ExecutionStatus::Aborted | ExecutionStatus::TimedOut => None,
        ExecutionStatus::Failed => Some("a redrive of a failed execution continues with its job"),
        ExecutionStatus::Running | ExecutionStatus::PendingRedrive => {
            Some("it was redriven and runs again")
        }
        ExecutionStatus::Succeeded => Some("it succeeded"),
    }
}

/// The run of an execution; `None` if its input was refused.
fn run_of(arn: &str, execution: &ExecutionRecord) -> Result<Option<RunKeys>, StartTrainingError> {
    let Ok(input) = serde_json::from_str(&execution.input) else {
        return Ok(None);
    };
    let Ok(pipeline) = Names::pipeline_of(&input) else {
        return Ok(None);
    };
    let run = RunId::of_execution(arn, &execution.start_time).map_err(|message| {
        StartTrainingError::StartTime {
            execution: arn.to_owned(),
            message,
        }
    })?;
    Ok(Some(RunKeys::new(pipeline, &run)))
}

/// The run whose jobs are stopped.
struct Case<'a, S, J> {
    store: &'a S,
    jobs: &'a J,
    run: &'a RunKeys,
    plan: &'a Plan,
    execution: &'a ExecutionRecord,
}

impl<'a, S: ObjectStore, J: TrainingJobs + TuningJobs + Transforms> Case<'a, S, J> {
    /// Stops what is in progress now, and adds it to `stopped`.
    async fn look(&self, stopped: &mut Vec<String>) -> Result<(), StartTrainingError> {
        for job in self.current_jobs().await? {
            let before = self.state(&job).await?;
            let mut after = before;
            if before == JobState::Running {
                let answer = self.request_stop(&job).await;
                after = self.state(&job).await?;
                // A job that ended since the look cannot be stopped, whatever the service calls that.
                if after == JobState::Running {
                    answer?;
                }
                if after != JobState::Over {
                    stopped.push(format!("{} job {}", job.kind, job.name));
                }
            }
            if after != JobState::Over {
                let error = StartTrainingError::StoppedWithExecution {
                    kind: job.kind,
                    job: job.name,
                    status: self.execution.status,
                };
                job.attempts.close(job.attempt + 1, &error).await?;
            }
        }
        Ok(())
    }

    /// The jobs that the run may have begun, without those whose attempt is closed: they have ended.
    async fn current_jobs(&self) -> Result<Vec<Job<'a, S>>, StartTrainingError> {
        let mut jobs = Vec::new();
        for Task { kind, key, name } in self.tasks() {
            let attempts = Attempts {
                store: self.store,
                key,
                redrives: self.execution.redrives,
            };
            if let Ok(current) = attempts.current().await? {
                jobs.push(Job {
                    kind,
                    name: name(current.attempt),
                    attempt: current.attempt,
                    attempts,
                });
            }
        }
        Ok(jobs)
    }

    /// What the definition begins jobs for.
    fn tasks(&self) -> Vec<Task<'a>> {
        let (run, definition) = (self.run, &self.plan.definition);
        let (pipeline, id) = (run.pipeline(), run.run());
        let mut tasks: Vec<Task<'a>> = Vec::new();
        if let Some(training) = &definition.training {
            let key = run.training_attempt();
            tasks.push(if training.tuning.is_some() {
                let name = Box::new(move |attempt| Names::tuning_job(pipeline, id, attempt));
                let kind = JobKind::Tuning;
                Task { kind, key, name }
            } else {
                let name = Box::new(move |attempt| Names::job(pipeline, id, attempt));
                let kind = JobKind::Training;
                Task { kind, key, name }
            });
        }
        let kind = JobKind::Transform;
        let promotion = definition.promotion.as_ref();
        if promotion.is_some_and(|promotion| promotion.reevaluate.is_some()) {
            for role in [Names::CHALLENGER, Names::CHAMPION] {
                let key = run.comparison_attempt(role);
                let name = move |attempt| Names::judging_job(pipeline, id, role, attempt);
                let name = Box::new(name);
                tasks.push(Task { kind, key, name });
            }
        }
        if definition.batch.is_some() {
            let key = run.transform_attempt();
            let name = Box::new(move |attempt| Names::job(pipeline, id, attempt));
            tasks.push(Task { kind, key, name });
        }
        tasks
    }

    async fn state(&self, job: &Job<'_, S>) -> Result<JobState, ServiceError> {
        let name = &job.name;
        let (running, stopped) = match job.kind {
            JobKind::Training => {
                let status = self.jobs.describe(name).await?.map(|info| info.status);
                (
                    status == Some(TrainingStatus::InProgress),
                    matches!(
                        status,
                        Some(TrainingStatus::Stopping | TrainingStatus::Stopped)
                    ),
                )
            }
            JobKind::Tuning => {
                let status = self
                    .jobs
                    .describe_tuning(name)
                    .await?
                    .map(|info| info.status);
                (
                    status == Some(TuningStatus::InProgress),
                    matches!(status, Some(TuningStatus::Stopping | TuningStatus::Stopped)),
                )
            }
            JobKind::Transform => {
                let info = self.jobs.describe_transform(name).await?;
                let status = info.map(|info| info.status);
                (
                    status == Some(TransformStatus::InProgress),
                    matches!(
                        status,
                        Some(TransformStatus::Stopping | TransformStatus::Stopped)
                    ),
                )
            }
        };
        Ok(match (running, stopped) {
            (true, _) => JobState::Running,
            (false, true) => JobState::Stopped,
            (false, false) => JobState::Over,
        })
    }

    async fn request_stop(&self, job: &Job<'_, S>) -> Result<(), ServiceError> {
        let name = &job.name;
        match job.kind {
            JobKind::Training => self.jobs.stop(name).await,
            JobKind::Tuning => self.jobs.stop_tuning(name).await,
            JobKind::Transform => self.jobs.stop_transform(name).await,
        }
    }
}
