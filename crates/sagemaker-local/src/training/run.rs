//! How a training job runs: download, train, upload, each step visible in the job's status.

use crate::app::{App, image_of};
use crate::faults::Kind;
use crate::images::Image;
use crate::processes::program::{Program, Running, exit_code};
use crate::store::archive;
use crate::training::job::{Secondary, Status, TrainingJob};
use crate::training::metrics;
use crate::training::request::TrainingRequest;
use crate::training::tree::Tree;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

// SageMaker's default for MaxRuntimeInSeconds, and its bound on FailureReason.
const DEFAULT_RUNTIME_SECONDS: u64 = 86_400;
const REASON_LENGTH: usize = 1024;
const NO_CAPACITY: &str = "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type or after some time.";
const INTERRUPTED: &str = "InternalServerError: sagemaker-local ended while the job was running; create it anew under another name.";

/// How a job ended.
enum Ending {
    Completed,
    Stopped,
    MaxRuntimeExceeded,
    MaxWaitTimeExceeded,
    Failed(String),
}

/// Runs the job beside the requests.
pub fn spawn(app: &Arc<App>, wanted: TrainingRequest) {
    let stop = CancellationToken::new();
    app.stops()
        .insert(stop_key(&wanted.training_job_name), stop.clone());
    let task_app = app.clone();
    app.tasks.spawn(async move {
        let app = task_app;
        let ending = run(&app, &wanted, &stop).await;
        let name = wanted.training_job_name;
        app.stops().remove(&stop_key(&name));
        finish(&app, &name, ending);
    });
}

/// Under what name the running job's stop is known.
pub fn stop_key(name: &str) -> String {
    format!("training-job/{name}")
}

/// Ends the jobs that an earlier server could not: what they had done is unknown, and a job cannot
/// be started twice.
pub fn recover(app: &App) {
    for (name, job) in app.table::<TrainingJob>().all() {
        if job.status == Status::Stopping {
            finish(app, &name, Ending::Stopped);
        } else if !job.has_ended() {
            finish(app, &name, Ending::Failed(INTERRUPTED.to_owned()));
        }
    }
}

fn finish(app: &App, name: &str, ending: Ending) {
    let folder = app.job_folder(name);
    // A failed job's tree stays, for whoever looks for the reason; its log stays always.
    let tree = folder.join("opt");
    if !matches!(ending, Ending::Failed(_))
        && tree.exists()
        && let Err(error) = std::fs::remove_dir_all(tree)
    {
        tracing::warn!(job = name, %error, "the job's tree could not be removed");
    }
    change(app, name, |job| match ending {
        Ending::Completed => {
            job.enter(
                Status::Completed,
                Secondary::Completed,
                "Training job completed",
            );
        }
        Ending::Stopped => job.enter(Status::Stopped, Secondary::Stopped, "Training job stopped"),
        Ending::MaxRuntimeExceeded => {
            let message = "Training job runtime exceeded MaxRuntimeInSeconds provided";
            job.enter(Status::Stopped, Secondary::MaxRuntimeExceeded, message);
        }
        Ending::MaxWaitTimeExceeded => {
            let message = "Training job wait time exceeded MaxWaitTimeInSeconds provided";
            job.enter(Status::Stopped, Secondary::MaxWaitTimeExceeded, message);
        }
        Ending::Failed(reason) => {
            job.failure_reason = Some(reason.chars().take(REASON_LENGTH).collect());
            job.enter(Status::Failed, Secondary::Failed, "Training job failed");
        }
    });
}

/// A status that cannot be written is told in the server's log: the job itself goes on.
fn change(app: &App, name: &str, change: impl FnOnce(&mut TrainingJob)) {
    let changed = app.table::<TrainingJob>().update(name, |job| {
        change(job);
        tracing::info!(job = name, status = ?job.status, reason = job.failure_reason, "training");
        Ok(())
    });
    if let Err(refusal) = changed {
        tracing::error!(job = name, %refusal, "the job's status could not be kept");
    }
}

/// Goes on to a step, unless the job is being stopped.
fn step(app: &App, name: &str, secondary: Secondary, message: &str) {
    change(app, name, |job| {
        let status = job.status;
        job.enter(status, secondary, message);
    });
}

async fn run(app: &Arc<App>, wanted: &TrainingRequest, stop: &CancellationToken) -> Ending {
    let name = &wanted.training_job_name;
    // Asked for before this began to listen.
    if app
        .table::<TrainingJob>()
        .get(name)
        .is_some_and(|job| job.status == Status::Stopping)
    {
        return Ending::Stopped;
    }
    let algorithm = &wanted.algorithm_specification;
    let image = match image_of(&app.config, &algorithm.training_image) {
        Ok(image) => image,
        Err(refusal) => return Ending::Failed(format!("ClientError: {}", refusal.message)),
    };
    if app.faults.strikes(name, &Kind::Capacity {}) {
        return no_capacity(app, wanted, stop).await;
    }
    let max = wanted
        .stopping_condition
        .max_runtime_in_seconds
        .unwrap_or(DEFAULT_RUNTIME_SECONDS);
    let deadline = Instant::now() + Duration::from_secs(max);
    loop {
        if let Some(ending) = on_one_instance(app, wanted, &image, stop, deadline).await {
            return ending;
        }
        let message = "Training job interrupted, the spot instance was taken away";
        step(app, name, Secondary::Interrupted, message);
        step(app, name, Secondary::Starting, "Launching another instance");
    }
}

/// A spot job waits for an instance until its time is over; any other fails at once.
async fn no_capacity(app: &App, wanted: &TrainingRequest, stop: &CancellationToken) -> Ending {
    let wait = wanted.stopping_condition.max_wait_time_in_seconds;
    let Some(wait) = wait.filter(|_| wanted.is_spot) else {
        return Ending::Failed(NO_CAPACITY.to_owned());
    };
    let message = "Insufficient capacity error while launching instances, retrying!";
    step(app, &wanted.training_job_name, Secondary::Starting, message);
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(wait)) => Ending::MaxWaitTimeExceeded,
        () = stop.cancelled() => Ending::Stopped,
        () = app.closing.cancelled() => Ending::Failed(INTERRUPTED.to_owned()),
    }
}

/// How the job ended, or `None` if the instance was taken away before that.
async fn on_one_instance(
    app: &Arc<App>,
    wanted: &TrainingRequest,
    image: &Image,
    stop: &CancellationToken,
    deadline: Instant,
) -> Option<Ending> {
    let name = &wanted.training_job_name;
    let folder = app.job_folder(name);
    let tree = Tree {
        root: folder.join("opt/ml"),
    };
    step(app, name, Secondary::Downloading, "Downloading input data");
    let prepared = tokio::select! {
        prepared = tree.prepare(app, wanted) => prepared,
        () = stop.cancelled() => return Some(Ending::Stopped),
        () = app.closing.cancelled() => return Some(Ending::Failed(INTERRUPTED.to_owned())),
    };
    if let Err(reason) = prepared {
        return Some(Ending::Failed(reason));
    }
    let program = Program {
        image: image.clone(),
        verb: "train",
        environment: environment(app, wanted, &tree),
        folder: tree.root.clone(),
        log: folder.join("log.txt"),
    };
    let mut running = match program.start(&app.process_records()) {
        Ok(running) => running,
        Err(error) => return Some(Ending::Failed(not_started(&program, &error))),
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
    let interruption = wanted
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
        status = running.wait() => return Some(match status {
            Ok(status) => settle(app, wanted, &tree, exit_code(status)).await,
            Err(error) => Ending::Failed(format!("InternalServerError: {error}")),
        }),
        () = tokio::time::sleep_until(deadline) => Some(Ending::MaxRuntimeExceeded),
        () = stop.cancelled() => Some(Ending::Stopped),
        () = interrupted => None,
        () = app.closing.cancelled() => Some(Ending::Failed(INTERRUPTED.to_owned())),
    };
    end_early(app, wanted, &tree, &mut running, stopped_as).await
}

/// SIGTERM, the grace, SIGKILL; what the program saved until then is kept.
async fn end_early(
    app: &App,
    wanted: &TrainingRequest,
    tree: &Tree,
    running: &mut Running,
    stopped_as: Option<Ending>,
) -> Option<Ending> {
    let name = &wanted.training_job_name;
    if matches!(stopped_as, Some(Ending::MaxRuntimeExceeded)) {
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
    if matches!(stopped_as, Some(Ending::Failed(_))) {
        return stopped_as;
    }
    if let Err(reason) = tree.save_checkpoints(app, wanted).await {
        return Some(Ending::Failed(reason));
    }
    let Some(stopped_as) = stopped_as else {
        // The next instance begins with nothing but the checkpoints.
        return match std::fs::remove_dir_all(&tree.root) {
            Ok(()) => None,
            Err(error) => Some(Ending::Failed(format!("InternalServerError: {error}"))),
        };
    };
    scrape(app, wanted).await;
    // What the program saved until SIGTERM is the result of a stopped job.
    Some(match upload(app, wanted, tree, true).await {
        Ok(()) => stopped_as,
        Err(reason) => Ending::Failed(reason),
    })
}

/// After the program ended by itself.
async fn settle(app: &App, wanted: &TrainingRequest, tree: &Tree, code: i32) -> Ending {
    scrape(app, wanted).await;
    let uploaded = match tree.save_checkpoints(app, wanted).await {
        Ok(()) => upload(app, wanted, tree, code == 0).await,
        Err(reason) => Err(reason),
    };
    if code != 0 {
        // The algorithm's own words, if it left any.
        let words = std::fs::read(tree.root.join("output/failure")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        let ending = format!(", exit code: {code}");
        let room = REASON_LENGTH - "AlgorithmError: ".len() - ending.len();
        let words: String = words.trim().chars().take(room).collect();
        return Ending::Failed(format!("AlgorithmError: {words}{ending}"));
    }
    match uploaded {
        Ok(()) => Ending::Completed,
        Err(reason) => Ending::Failed(reason),
    }
}

async fn scrape(app: &App, wanted: &TrainingRequest) {
    let algorithm = &wanted.algorithm_specification;
    let image = app.config.images.find(&algorithm.training_image);
    let of_image = image.map_or(&[][..], |image| &image.metrics);
    let definitions = metrics::joined(&algorithm.metric_definitions, of_image);
    let log = app.job_folder(&wanted.training_job_name).join("log.txt");
    let scraped = tokio::task::spawn_blocking(move || match metrics::compile(&definitions) {
        Ok(definitions) => metrics::scrape(&log, &definitions),
        Err(refusal) => Err(std::io::Error::other(refusal)),
    });
    let name = &wanted.training_job_name;
    match scraped.await.map_err(std::io::Error::other).flatten() {
        Ok(metrics) => change(app, name, |job| job.metrics = metrics),
        Err(error) => tracing::error!(job = name, %error, "the log could not be read for metrics"),
    }
}

async fn upload(
    app: &App,
    wanted: &TrainingRequest,
    tree: &Tree,
    model: bool,
) -> Result<(), String> {
    let name = &wanted.training_job_name;
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
        let uri = wanted.output(file).map_err(|refusal| refusal.message)?;
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

/// On top of the server's own environment, without which most programs do not find what they need.
fn environment(app: &App, wanted: &TrainingRequest, tree: &Tree) -> Vec<(String, String)> {
    let name = &wanted.training_job_name;
    let mut all: Vec<_> = wanted.environment.clone().into_iter().collect();
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
