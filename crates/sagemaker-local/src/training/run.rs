//! Runs a training job: download, training, upload. The job's status shows each step.

use crate::app::{App, image_of};
use crate::faults::Kind;
use crate::images::Image;
use crate::processes::program::{Program, Running, exit_code};
use crate::store::archive;
use crate::training::job::{Secondary, Status, TrainingJob};
use crate::training::metrics;
use crate::training::pipes::Feeds;
use crate::training::request::TrainingRequest;
use crate::training::tree::Tree;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

// SageMaker's default for MaxRuntimeInSeconds, and its limit for FailureReason.
const DEFAULT_RUNTIME_SECONDS: u64 = 86_400;
const REASON_LENGTH: usize = 1024;
const NO_CAPACITY: &str = "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type or after some time.";
const INTERRUPTED: &str = "InternalServerError: sagemaker-local ended while the job was running. Create it again under another name.";

/// The outcome of a job.
enum Outcome {
    Completed,
    Stopped,
    MaxRuntimeExceeded,
    MaxWaitTimeExceeded,
    Failed(String),
}

/// Runs the job beside the requests.
pub fn spawn(app: &Arc<App>, request: TrainingRequest) {
    let stop = CancellationToken::new();
    app.stops()
        .insert(stop_key(&request.training_job_name), stop.clone());
    let task_app = app.clone();
    app.tasks.spawn(async move {
        let app = task_app;
        let outcome = run(&app, &request, &stop).await;
        let name = request.training_job_name;
        app.stops().remove(&stop_key(&name));
        finish(&app, &name, outcome);
    });
}

/// The key of the job's token in [`App::stops`].
pub fn stop_key(name: &str) -> String {
    format!("training-job/{name}")
}

/// Ends the jobs that ran when an earlier server ended. They cannot be resumed: their state is
/// unknown, and a job cannot be started twice.
pub fn recover(app: &App) {
    for (name, job) in app.table::<TrainingJob>().all() {
        if job.status == Status::Stopping {
            finish(app, &name, Outcome::Stopped);
        } else if !job.has_ended() {
            finish(app, &name, Outcome::Failed(INTERRUPTED.to_owned()));
        }
    }
}

fn finish(app: &App, name: &str, outcome: Outcome) {
    let folder = app.job_folder(name);
    // A failed job's tree stays, so that the cause can be found. Logs always stay.
    let tree = folder.join("opt");
    if !matches!(outcome, Outcome::Failed(_))
        && tree.exists()
        && let Err(error) = std::fs::remove_dir_all(tree)
    {
        tracing::warn!(job = name, %error, "the job's tree could not be removed");
    }
    change(app, name, |job| match outcome {
        Outcome::Completed => {
            job.enter(
                Status::Completed,
                Secondary::Completed,
                "Training job completed",
            );
        }
        Outcome::Stopped => job.enter(Status::Stopped, Secondary::Stopped, "Training job stopped"),
        Outcome::MaxRuntimeExceeded => {
            let message = "Training job runtime exceeded MaxRuntimeInSeconds provided";
            job.enter(Status::Stopped, Secondary::MaxRuntimeExceeded, message);
        }
        Outcome::MaxWaitTimeExceeded => {
            let message = "Training job wait time exceeded MaxWaitTimeInSeconds provided";
            job.enter(Status::Stopped, Secondary::MaxWaitTimeExceeded, message);
        }
        Outcome::Failed(reason) => {
            job.failure_reason = Some(reason.chars().take(REASON_LENGTH).collect());
            job.enter(Status::Failed, Secondary::Failed, "Training job failed");
        }
    });
}

/// Changes the record. If it cannot be written, the server logs that and the job continues.
fn change(app: &App, name: &str, change: impl FnOnce(&mut TrainingJob)) {
    let changed = app.table::<TrainingJob>().update(name, |job| {
        change(job);
        tracing::info!(job = name, status = ?job.status, reason = job.failure_reason, "training");
        Ok(())
    });
    if let Err(refusal) = changed {
        tracing::error!(job = name, %refusal, "the job's status could not be written");
    }
}

/// Changes the detailed status only, so that a job that is being stopped stays so.
fn step(app: &App, name: &str, secondary: Secondary, message: &str) {
    change(app, name, |job| {
        let status = job.status;
        job.enter(status, secondary, message);
    });
}

async fn run(app: &Arc<App>, request: &TrainingRequest, stop: &CancellationToken) -> Outcome {
    let name = &request.training_job_name;
    // The stop was requested before this task listened for it.
    if app
        .table::<TrainingJob>()
        .get(name)
        .is_some_and(|job| job.status == Status::Stopping)
    {
        return Outcome::Stopped;
    }
    let algorithm = &request.algorithm_specification;
    let image = match image_of(&app.config, &algorithm.training_image) {
        Ok(image) => image,
        Err(refusal) => return Outcome::Failed(format!("ClientError: {}", refusal.message)),
    };
    if app.faults.strikes(name, &Kind::Capacity {}) {
        return no_capacity(app, request, stop).await;
    }
    let max = request
        .stopping_condition
        .max_runtime_in_seconds
        .unwrap_or(DEFAULT_RUNTIME_SECONDS);
    let deadline = Instant::now() + Duration::from_secs(max);
    loop {
        if let Some(outcome) = on_one_instance(app, request, &image, stop, deadline).await {
            return outcome;
        }
        let message = "Training job interrupted, the spot instance was taken away";
        step(app, name, Secondary::Interrupted, message);
        step(app, name, Secondary::Starting, "Launching another instance");
    }
}

/// A spot job waits for an instance until its wait time is over. Any other job fails at once.
async fn no_capacity(app: &App, request: &TrainingRequest, stop: &CancellationToken) -> Outcome {
    let wait = request.stopping_condition.max_wait_time_in_seconds;
    let Some(wait) = wait.filter(|_| request.is_spot) else {
        return Outcome::Failed(NO_CAPACITY.to_owned());
    };
    let message = "Insufficient capacity error while launching instances, retrying!";
    step(
        app,
        &request.training_job_name,
        Secondary::Starting,
        message,
    );
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(wait)) => Outcome::MaxWaitTimeExceeded,
        () = stop.cancelled() => Outcome::Stopped,
        () = app.closing.cancelled() => Outcome::Failed(INTERRUPTED.to_owned()),
    }
}

/// Runs the job on one instance. `None` means that the instance was interrupted.
async fn on_one_instance(
    app: &Arc<App>,
    request: &TrainingRequest,
    image: &Image,
    stop: &CancellationToken,
    deadline: Instant,
) -> Option<Outcome> {
    let name = &request.training_job_name;
    let folder = app.job_folder(name);
    let tree = Tree {
        root: folder.join("opt/ml"),
    };
    step(app, name, Secondary::Downloading, "Downloading input data");
    let prepared = tokio::select! {
        prepared = tree.prepare(app, request) => prepared,
        () = stop.cancelled() => return Some(Outcome::Stopped),
        () = app.closing.cancelled() => return Some(Outcome::Failed(INTERRUPTED.to_owned())),
    };
    if let Err(reason) = prepared {
        return Some(Outcome::Failed(reason));
    }
    let program = Program {
        image: image.clone(),
        verb: "train",
        environment: environment(app, request, &tree),
        folder: tree.root.clone(),
        log: folder.join("log.txt"),
    };
    let mut feeds = Feeds::start(app, request, &tree.data());
    let mut running = match program.start(&app.process_records()) {
        Ok(running) => running,
        Err(error) => return Some(Outcome::Failed(not_started(&program, &error))),
    };
    step(
        app,
        name,
        Secondary::Training,
        "Training image download completed. Training in progress.",
    );
    if app.faults.strikes(name, &Kind::Hang {}) {
        running.freeze();
    }
    let interruption = request
        .is_spot
        .then(|| app.faults.interruption(name))
        .flatten();
    let interrupted = async {
        match interruption {
            Some(after) => tokio::time::sleep(after).await,
            None => std::future::pending().await,
        }
    };
    let stopped_as = tokio::select! {
        // A program that ends may have done so for what it did not get.
        biased;
        reason = feeds.failed() => Some(Outcome::Failed(reason)),
        status = running.wait() => return Some(match status {
            Ok(status) => conclude(app, request, &tree, exit_code(status)).await,
            Err(error) => Outcome::Failed(format!("InternalServerError: {error}")),
        }),
        () = tokio::time::sleep_until(deadline) => Some(Outcome::MaxRuntimeExceeded),
        () = stop.cancelled() => Some(Outcome::Stopped),
        () = interrupted => None,
        () = app.closing.cancelled() => Some(Outcome::Failed(INTERRUPTED.to_owned())),
    };
    end_early(app, request, &tree, &mut running, stopped_as).await
}

/// Stops the program: SIGTERM, the grace period, SIGKILL. What it has saved is uploaded.
async fn end_early(
    app: &App,
    request: &TrainingRequest,
    tree: &Tree,
    running: &mut Running,
    stopped_as: Option<Outcome>,
) -> Option<Outcome> {
    let name = &request.training_job_name;
    if matches!(stopped_as, Some(Outcome::MaxRuntimeExceeded)) {
        change(app, name, |job| {
            job.enter(
                Status::Stopping,
                Secondary::Stopping,
                "Stopping the training job",
            );
        });
    }
    if let Err(error) = running.stop(app.config.training_grace, &app.closing).await {
        tracing::error!(job = name, %error, "the training program could not be stopped");
    }
    if matches!(stopped_as, Some(Outcome::Failed(_))) {
        return stopped_as;
    }
    if let Err(reason) = tree.save_checkpoints(app, request).await {
        return Some(Outcome::Failed(reason));
    }
    let Some(stopped_as) = stopped_as else {
        // The next instance starts with an empty tree and the checkpoints.
        return match std::fs::remove_dir_all(&tree.root) {
            Ok(()) => None,
            Err(error) => Some(Outcome::Failed(format!("InternalServerError: {error}"))),
        };
    };
    scrape(app, request).await;
    // A stopped job's result is what the program saved until it ended.
    Some(match upload(app, request, tree, true).await {
        Ok(()) => stopped_as,
        Err(reason) => Outcome::Failed(reason),
    })
}

/// Concludes the job after its program has ended by itself.
async fn conclude(app: &App, request: &TrainingRequest, tree: &Tree, code: i32) -> Outcome {
    scrape(app, request).await;
    let uploaded = match tree.save_checkpoints(app, request).await {
        Ok(()) => upload(app, request, tree, code == 0).await,
        Err(reason) => Err(reason),
    };
    if code != 0 {
        // The program writes its reason into this file.
        let reason = std::fs::read(tree.root.join("output/failure")).unwrap_or_default();
        let reason = String::from_utf8_lossy(&reason);
        let suffix = format!(", exit code: {code}");
        let room = REASON_LENGTH - "AlgorithmError: ".len() - suffix.len();
        let reason: String = reason.trim().chars().take(room).collect();
        return Outcome::Failed(format!("AlgorithmError: {reason}{suffix}"));
    }
    match uploaded {
        Ok(()) => Outcome::Completed,
        Err(reason) => Outcome::Failed(reason),
    }
}

async fn scrape(app: &App, request: &TrainingRequest) {
    let algorithm = &request.algorithm_specification;
    let image = app.config.images.find(&algorithm.training_image);
    let of_image = image.map_or(&[][..], |image| &image.metrics);
    let definitions = metrics::joined(&algorithm.metric_definitions, of_image);
    let log = app.job_folder(&request.training_job_name).join("log.txt");
    let scraped = tokio::task::spawn_blocking(move || match metrics::compile(&definitions) {
        Ok(definitions) => metrics::scrape(&log, &definitions),
        Err(refusal) => Err(std::io::Error::other(refusal)),
    });
    let name = &request.training_job_name;
    match scraped.await.map_err(std::io::Error::other).flatten() {
        Ok(metrics) => change(app, name, |job| job.metrics = metrics),
        Err(error) => tracing::error!(job = name, %error, "the log could not be read for metrics"),
    }
}

async fn upload(
    app: &App,
    request: &TrainingRequest,
    tree: &Tree,
    model: bool,
) -> Result<(), String> {
    let name = &request.training_job_name;
    let message = "Uploading generated training model";
    step(app, name, Secondary::Uploading, message);
    let output = tree.root.join("output/data");
    let has_output = std::fs::read_dir(&output).is_ok_and(|mut files| files.next().is_some());
    let mut archives = Vec::new();
    if model {
        archives.push((tree.root.join("model"), "model.tar.gz"));
    }
    if has_output {
        archives.push((output, "output.tar.gz"));
    }
    for (folder, file) in archives {
        let uri = request.output(file).map_err(|refusal| refusal.message)?;
        let packed = archive::pack(&folder, &app.bucket(&uri.bucket), &uri.key).await;
        packed.map_err(|error| format!("ClientError: Artifact upload failed: {uri}: {error}"))?;
    }
    Ok(())
}

fn not_started(program: &Program, error: &std::io::Error) -> String {
    format!(
        "ClientError: the program {} cannot be started: {error}",
        program.image.words.join(" ")
    )
}

/// Variables in addition to the server's own environment, which most programs need.
fn environment(app: &App, request: &TrainingRequest, tree: &Tree) -> Vec<(String, String)> {
    let name = &request.training_job_name;
    let mut all: Vec<_> = request.environment.clone().into_iter().collect();
    all.extend(
        [
            ("SAGEMAKER_BASE_DIR", tree.root.display().to_string()),
            ("TRAINING_JOB_NAME", name.clone()),
            ("TRAINING_JOB_ARN", app.arn("training-job", name)),
            ("SAGEMAKER_REGION", app.config.region.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    all
}
