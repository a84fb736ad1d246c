//! Runs a transform job: starts the model's program, sends it every object, writes its answers.

use crate::app::App;
use crate::endpoints::configs::Variant;
use crate::endpoints::fleet::Fleet;
use crate::protocol::refusal::Refusal;
use crate::registry::models::Container;
use crate::store::s3_uri::S3Uri;
use crate::store::table::now;
use crate::training::job::Status;
use crate::transform::job::{KIND, TransformJob};
use crate::transform::request::TransformRequest;
use lake::store::ObjectStore;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const INTERRUPTED: &str = "InternalServerError: sagemaker-local ended while the transform job was running. Create it again under another name.";

/// The key of the job's token in [`App::stops`].
pub fn stop_key(name: &str) -> String {
    format!("{KIND}/{name}")
}

/// Fails the jobs that ran when an earlier server ended.
pub fn recover(app: &App) {
    for (name, job) in app.table::<TransformJob>().all() {
        if matches!(job.status, Status::InProgress | Status::Stopping) {
            finish(app, &name, Err(INTERRUPTED.to_owned()));
        }
    }
}

/// Runs the job beside the requests.
pub fn spawn(app: &Arc<App>, request: TransformRequest, container: Container) {
    let stop = CancellationToken::new();
    app.stops().insert(stop_key(&request.name), stop.clone());
    let task_app = app.clone();
    app.tasks.spawn(async move {
        let app = task_app;
        let outcome = tokio::select! {
            done = run(&app, &request, container) => done.map(|()| Status::Completed),
            () = stop.cancelled() => Ok(Status::Stopped),
            () = app.closing.cancelled() => Err(INTERRUPTED.to_owned()),
        };
        app.stops().remove(&stop_key(&request.name));
        finish(&app, &request.name, outcome);
    });
}

fn finish(app: &App, name: &str, outcome: Result<Status, String>) {
    let changed = app.table::<TransformJob>().update(name, |job| {
        job.ended = Some(now());
        match outcome {
            Ok(status) => job.status = status,
            Err(reason) => {
                job.status = Status::Failed;
                job.failure_reason = Some(reason);
            }
        }
        tracing::info!(job = name, status = ?job.status, reason = job.failure_reason, "transform");
        Ok(())
    });
    if let Err(refusal) = changed {
        tracing::error!(job = name, %refusal, "the transform job's status could not be written");
    }
}

async fn run(
    app: &Arc<App>,
    request: &TransformRequest,
    mut container: Container,
) -> Result<(), String> {
    let message = |refusal: Refusal| refusal.message;
    // SageMaker sets this variable for transform jobs.
    container
        .environment
        .insert("SAGEMAKER_BATCH".to_owned(), "true".to_owned());
    container.environment.extend(request.environment.clone());
    let variant = Variant {
        name: "transform".to_owned(),
        weight: 1.0,
        instances: Some(1),
        serverless: None,
        startup_seconds: None,
        container,
    };
    let folder = app.config.state_dir.join("transform").join(&request.name);
    let fleet = Fleet::start(app, &request.name, folder, &[variant], None).await?;
    let started = app.table::<TransformJob>().update(&request.name, |job| {
        job.started = Some(now());
        Ok(())
    });
    started.map_err(message)?;
    let source = request.source().map_err(message)?;
    let outcome = transform(app, request, &source, &fleet).await;
    fleet.stop().await;
    outcome
}

async fn transform(
    app: &App,
    request: &TransformRequest,
    source: &S3Uri,
    fleet: &Fleet,
) -> Result<(), String> {
    let store = app.bucket(&source.bucket);
    let failed = |error: &dyn std::fmt::Display| format!("ClientError: {source}: {error}");
    let objects = store
        .list(&source.key)
        .await
        .map_err(|error| failed(&error))?;
    if objects.is_empty() {
        return Err(failed(&"no S3 objects found under this prefix"));
    }
    for object in objects {
        let content = store
            .get(&object.key)
            .await
            .map_err(|error| failed(&error))?;
        let bad_input = |problem| {
            format!(
                "ClientError: s3://{}/{}: {problem}",
                source.bucket, object.key
            )
        };
        let content = request.filtered(&content).map_err(bad_input)?;
        let mut answers = Vec::new();
        for payload in request.payloads(&content).map_err(bad_input)? {
            let answer = ask(app, request, fleet, payload).await?;
            request.assemble(&mut answers, &answer);
        }
        // SageMaker keeps the path below the last folder of the prefix.
        let folder = source.key.rfind('/').map_or(0, |slash| slash + 1);
        let name = object.key.get(folder..).unwrap_or(&object.key);
        let name = name.strip_prefix('/').unwrap_or(name);
        let target = request.target(name).map_err(|refusal| refusal.message)?;
        let bucket = app.bucket(&target.bucket);
        let put = bucket.put(&target.key, answers.into()).await;
        put.map_err(|error| failed(&error))?;
    }
    Ok(())
}

async fn ask(
    app: &App,
    request: &TransformRequest,
    fleet: &Fleet,
    payload: &[u8],
) -> Result<Vec<u8>, String> {
    let member = fleet.choose(None).ok_or("no program serves the model")?;
    let url = format!("{}/invocations", member.url);
    let mut call = app.http.post(url).body(payload.to_vec());
    for (header, value) in [
        ("content-type", &request.input.content_type),
        ("accept", &request.output.accept),
    ] {
        if let Some(value) = value {
            call = call.header(header, value);
        }
    }
    let failed =
        |error: reqwest::Error| format!("AlgorithmError: the model did not answer: {error}");
    let answer = call.send().await.map_err(failed)?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(failed)?;
    if status.is_success() {
        return Ok(body.to_vec());
    }
    let reason = String::from_utf8_lossy(&body);
    Err(format!(
        "ClientError: the model answered {}: {}",
        status.as_u16(),
        reason.trim().chars().take(512).collect::<String>()
    ))
}
