//! How a training job runs: download, train, upload, each step visible in the job's status.
//!
//! It must not know the API's requests; whoever asks, asks [`crate::training`].

use crate::app::{App, command_of};
use crate::archive;
use crate::metrics;
use crate::process::{Program, exit_code};
use crate::training::{Secondary, Status, TrainingJob};
use crate::training_request::TrainingRequest;
use serde_json::{Map, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

// SageMaker's default for MaxRuntimeInSeconds, and its bound on FailureReason.
const DEFAULT_RUNTIME_SECONDS: u64 = 86_400;
const REASON_LENGTH: usize = 1024;
const INTERRUPTED: &str = "InternalServerError: sagemaker-local ended while the job was running; create it anew under another name.";

/// How a job ended.
enum Ending {
    Completed,
    Stopped,
    MaxRuntimeExceeded,
    Failed(String),
}

/// Runs the job beside the requests.
pub fn spawn(app: &Arc<App>, wanted: TrainingRequest) {
    let stop = CancellationToken::new();
    app.stops()
        .insert(wanted.training_job_name.clone(), stop.clone());
    let task_app = app.clone();
    app.tasks.spawn(async move {
        let app = task_app;
        let ending = run(&app, &wanted, &stop).await;
        let name = wanted.training_job_name;
        app.stops().remove(&name);
        finish(&app, &name, ending);
    });
}

/// Ends the jobs that an earlier server could not: what they had done is unknown, and a job cannot
/// be started twice.
pub fn recover(app: &App) {
    for (name, job) in app.jobs.all() {
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
        Ending::Failed(reason) => {
            job.failure_reason = Some(reason.chars().take(REASON_LENGTH).collect());
            job.enter(Status::Failed, Secondary::Failed, "Training job failed");
        }
    });
}

/// A status that cannot be written is told in the server's log: the job itself goes on.
fn change(app: &App, name: &str, change: impl FnOnce(&mut TrainingJob)) {
    let changed = app.jobs.update(name, |job| {
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
        .jobs
        .get(name)
        .is_some_and(|job| job.status == Status::Stopping)
    {
        return Ending::Stopped;
    }
    let algorithm = &wanted.algorithm_specification;
    let command = match command_of(&app.config, &algorithm.training_image) {
        Ok(command) => command,
        Err(refusal) => return Ending::Failed(format!("ClientError: {}", refusal.message)),
    };
    let folder = app.job_folder(name);
    let tree = Tree {
        root: folder.join("opt/ml"),
    };
    step(app, name, Secondary::Downloading, "Downloading input data");
    let max = wanted
        .stopping_condition
        .max_runtime_in_seconds
        .unwrap_or(DEFAULT_RUNTIME_SECONDS);
    let deadline = Instant::now() + Duration::from_secs(max);
    let prepared = tokio::select! {
        prepared = tree.prepare(app, wanted) => prepared,
        () = stop.cancelled() => return Ending::Stopped,
        () = app.closing.cancelled() => return Ending::Failed(INTERRUPTED.to_owned()),
    };
    if let Err(reason) = prepared {
        return Ending::Failed(reason);
    }
    let program = Program {
        command,
        verb: "train",
        environment: environment(app, wanted, &tree),
        folder: tree.root.clone(),
        log: folder.join("log.txt"),
    };
    let mut running = match program.start(&app.process_records()) {
        Ok(running) => running,
        Err(error) => return Ending::Failed(not_started(&program, &error)),
    };
    step(
        app,
        name,
        Secondary::Training,
        "Training image download completed. Training in progress.",
    );
    let stopped_as = tokio::select! {
        status = running.wait() => match status {
            Ok(status) => return settle(app, wanted, &tree, exit_code(status)).await,
            Err(error) => return Ending::Failed(format!("InternalServerError: {error}")),
        },
        () = tokio::time::sleep_until(deadline) => Ending::MaxRuntimeExceeded,
        () = stop.cancelled() => Ending::Stopped,
        () = app.closing.cancelled() => Ending::Failed(INTERRUPTED.to_owned()),
    };
    if matches!(stopped_as, Ending::MaxRuntimeExceeded) {
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
    if matches!(stopped_as, Ending::Failed(_)) {
        return stopped_as;
    }
    scrape(app, wanted).await;
    // What the program saved until SIGTERM is the result of a stopped job.
    match upload(app, wanted, &tree, true).await {
        Ok(()) => stopped_as,
        Err(reason) => Ending::Failed(reason),
    }
}

/// After the program ended by itself.
async fn settle(app: &App, wanted: &TrainingRequest, tree: &Tree, code: i32) -> Ending {
    scrape(app, wanted).await;
    let uploaded = upload(app, wanted, tree, code == 0).await;
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
    let definitions = wanted.algorithm_specification.metric_definitions.clone();
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
        program.command.join(" ")
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

/// The container's `/opt/ml`.
struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Makes the folders, writes the configuration and downloads the channels.
    async fn prepare(&self, app: &App, wanted: &TrainingRequest) -> Result<(), String> {
        self.write_config(wanted)
            .map_err(|error| format!("InternalServerError: {}: {error}", self.root.display()))?;
        for channel in &wanted.input_data_config {
            let folder = self.root.join("input/data").join(&channel.name);
            channel.download(app, &folder).await?;
        }
        Ok(())
    }

    fn write_config(&self, wanted: &TrainingRequest) -> std::io::Result<()> {
        for folder in [
            "input/config",
            "input/data",
            "model",
            "output/data",
            "checkpoints",
        ] {
            std::fs::create_dir_all(self.root.join(folder))?;
        }
        let mode = &wanted.algorithm_specification.training_input_mode;
        let channels = wanted.input_data_config.iter();
        let channels: Map<_, _> = channels
            .map(|channel| (channel.name.clone(), channel.description(mode)))
            .collect();
        let instance = &wanted.resource_config.instance_type;
        let group = "homogeneousCluster";
        let resources = json!({
            "current_host": "algo-1",
            "current_instance_type": instance,
            "current_group_name": group,
            "hosts": ["algo-1"],
            "instance_groups": [
                {"instance_group_name": group, "instance_type": instance, "hosts": ["algo-1"]},
            ],
            "network_interface_name": "lo",
        });
        self.write("hyperparameters.json", &json!(wanted.hyper_parameters))?;
        self.write("inputdataconfig.json", &json!(channels))?;
        self.write("resourceconfig.json", &resources)
    }

    fn write(&self, file: &str, content: &serde_json::Value) -> std::io::Result<()> {
        let path: &Path = &self.root.join("input/config").join(file);
        std::fs::write(path, content.to_string())
    }
}
