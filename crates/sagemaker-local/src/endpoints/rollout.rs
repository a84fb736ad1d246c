//! Creates, updates, rolls back and deletes the programs of an endpoint. The endpoint's status
//! shows each step.

use crate::app::App;
use crate::endpoints::endpoint::{Deployment, Endpoint, Status};
use crate::endpoints::fleet::Fleet;
use crate::endpoints::traffic::{Fleets, Shift, Traffic};
use crate::faults::Kind;
use crate::tags;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const ALARM_PAUSE: Duration = Duration::from_millis(100);
const NO_CAPACITY: &str = "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry using a different ML instance type or after some time.";

/// Brings a new endpoint into service.
pub fn create(app: &Arc<App>, name: &str) {
    spawn(app, name, |app, name| async move {
        let Some(pending) = app
            .table::<Endpoint>()
            .get(&name)
            .and_then(|endpoint| endpoint.pending)
        else {
            return;
        };
        match start(&app, &name, &pending).await {
            Ok(fleet) => {
                app.part::<Fleets>()
                    .lock()
                    .insert(name.clone(), Traffic::to(fleet));
                change(&app, &name, |endpoint| {
                    endpoint.enter(Status::InService);
                    endpoint.deployed = endpoint.pending.take();
                });
            }
            Err(reason) => change(&app, &name, |endpoint| fail(endpoint, reason)),
        }
    });
}

/// Starts the new configuration beside the old one, and shifts invocations to it as the request
/// says. It rolls back if the new one is unhealthy or an alarm goes off.
pub fn update(app: &Arc<App>, name: &str) {
    spawn(app, name, |app, name| async move {
        let Some(endpoint) = app.table::<Endpoint>().get(&name) else {
            return;
        };
        let Some(pending) = endpoint.pending else {
            return;
        };
        match roll_out(&app, &name, &pending, &endpoint.deployment_config).await {
            Ok(old) => {
                change(&app, &name, |endpoint| {
                    endpoint.enter(Status::InService);
                    endpoint.deployed = endpoint.pending.take();
                });
                if let Some(old) = old {
                    old.stop().await;
                }
            }
            Err(reason) => roll_back(&app, &name, reason).await,
        }
    });
}

/// Returns the old programs, which no longer serve. The error means a rollback, with its reason if
/// there is one.
async fn roll_out(
    app: &Arc<App>,
    name: &str,
    pending: &Deployment,
    config: &serde_json::Value,
) -> Result<Option<Arc<Fleet>>, Option<String>> {
    if app.faults.strikes(name, &Kind::Rollback {}) {
        return Err(None);
    }
    let shift = Shift::read(config, pending.instances());
    let shift = shift.map_err(|refusal| Some(refusal.message))?;
    let new = start(app, name, pending).await.map_err(Some)?;
    for share in &shift.shares {
        if let Some(traffic) = app.part::<Fleets>().lock().get_mut(name) {
            traffic.shifting = Some((new.clone(), *share));
        }
        tracing::info!(endpoint = name, share, "invocations are shifted");
        let is_last = *share >= 1.0;
        let wait = if is_last {
            shift.termination_wait
        } else {
            shift.wait
        };
        watch(app, name, &shift.alarms, wait.min(app.config.longest_wait)).await?;
    }
    let old = app
        .part::<Fleets>()
        .lock()
        .insert(name.to_owned(), Traffic::to(new));
    Ok(old.map(|old| old.serving))
}

/// Waits, and returns early with an error if an alarm goes off.
async fn watch(
    app: &App,
    name: &str,
    alarms: &[String],
    wait: Duration,
) -> Result<(), Option<String>> {
    let deadline = Instant::now() + wait;
    loop {
        if let Some(alarm) = app.faults.alarm(alarms) {
            tracing::info!(endpoint = name, alarm, "an alarm goes off");
            return Err(Some(format!(
                "The update was rolled back because the following alarms were in ALARM state: \
                 [{alarm}]"
            )));
        }
        if Instant::now() >= deadline {
            return Ok(());
        }
        tokio::time::sleep(ALARM_PAUSE.min(wait)).await;
    }
}

/// As with SageMaker, the endpoint is in service again on the old configuration.
async fn roll_back(app: &App, name: &str, reason: Option<String>) {
    change(app, name, |endpoint| endpoint.enter(Status::RollingBack));
    let new = app
        .part::<Fleets>()
        .lock()
        .get_mut(name)
        .and_then(|traffic| traffic.shifting.take());
    if let Some((new, _)) = new {
        new.stop().await;
    }
    change(app, name, |endpoint| {
        endpoint.enter(Status::InService);
        endpoint.pending = None;
        endpoint.failure_reason = reason;
    });
}

/// Ends an endpoint's programs and removes its records.
pub fn delete(app: &Arc<App>, name: &str) {
    spawn(app, name, |app, name| async move {
        let traffic = app.part::<Fleets>().lock().remove(&name);
        if let Some(traffic) = traffic {
            traffic.serving.stop().await;
        }
        remove(&app, &name);
    });
}

/// Continues after an earlier server's end. Endpoints in service serve again, and one that was
/// being created is created. An unfinished update is dropped, an unfinished deletion is completed.
pub fn recover(app: &Arc<App>) {
    for (name, endpoint) in app.table::<Endpoint>().all() {
        match endpoint.status {
            Status::Failed => {}
            Status::Deleting => remove(app, &name),
            Status::Creating => create(app, &name),
            Status::InService | Status::Updating | Status::SystemUpdating | Status::RollingBack => {
                let change_to = endpoint.pending.map(|pending| pending.config);
                change(app, &name, |endpoint| {
                    endpoint.enter(Status::SystemUpdating);
                    endpoint.pending = None;
                    if let Some(config) = change_to {
                        endpoint.failure_reason = Some(format!(
                            "sagemaker-local ended during the update to {config}. Update it again."
                        ));
                    }
                });
                resume(app, &name);
            }
        }
    }
}

fn resume(app: &Arc<App>, name: &str) {
    spawn(app, name, |app, name| async move {
        let Some(deployed) = app
            .table::<Endpoint>()
            .get(&name)
            .and_then(|endpoint| endpoint.deployed)
        else {
            return;
        };
        match start(&app, &name, &deployed).await {
            Ok(fleet) => {
                app.part::<Fleets>()
                    .lock()
                    .insert(name.clone(), Traffic::to(fleet));
                change(&app, &name, |endpoint| endpoint.enter(Status::InService));
            }
            Err(reason) => change(&app, &name, |endpoint| fail(endpoint, reason)),
        }
    });
}

/// Runs `work` beside the requests. It is dropped when the server ends: the next start continues by
/// the record.
fn spawn<F: Future<Output = ()> + Send>(
    app: &Arc<App>,
    name: &str,
    work: impl FnOnce(Arc<App>, String) -> F + Send + 'static,
) {
    let task_app = app.clone();
    let name = name.to_owned();
    app.tasks.spawn(async move {
        let closing = task_app.closing.clone();
        tokio::select! {
            () = work(task_app, name) => {}
            () = closing.cancelled() => {}
        }
    });
}

async fn start(app: &Arc<App>, name: &str, deployment: &Deployment) -> Result<Arc<Fleet>, String> {
    if app.faults.strikes(name, &Kind::Capacity {}) {
        return Err(NO_CAPACITY.to_owned());
    }
    let numbered = app.table::<Endpoint>().update(name, |endpoint| {
        endpoint.generation += 1;
        Ok(endpoint.generation)
    });
    let generation = match numbered {
        Ok(Some(generation)) => generation,
        Ok(None) => return Err("the endpoint no longer exists".to_owned()),
        Err(refusal) => return Err(refusal.message),
    };
    let folder = app.endpoint_folder(name).join(generation.to_string());
    let capture = deployment.capture.clone();
    Fleet::start(app, name, folder, &deployment.variants, capture)
        .await
        .map(Arc::new)
}

fn fail(endpoint: &mut Endpoint, reason: String) {
    endpoint.enter(Status::Failed);
    endpoint.failure_reason = Some(reason);
}

fn change(app: &App, name: &str, change: impl FnOnce(&mut Endpoint)) {
    let changed = app.table::<Endpoint>().update(name, |endpoint| {
        change(endpoint);
        let reason = endpoint.failure_reason.as_deref();
        tracing::info!(endpoint = name, status = ?endpoint.status, reason, "endpoint");
        Ok(())
    });
    if let Err(refusal) = changed {
        tracing::error!(endpoint = name, %refusal, "the endpoint's status could not be written");
    }
}

fn remove(app: &App, name: &str) {
    let folder = app.endpoint_folder(name);
    if folder.exists()
        && let Err(error) = std::fs::remove_dir_all(&folder)
    {
        tracing::warn!(endpoint = name, %error, "the endpoint's trees could not be removed");
    }
    let removed =
        tags::remove(app, "endpoint", name).and_then(|()| app.table::<Endpoint>().remove(name));
    if let Err(refusal) = removed {
        tracing::error!(endpoint = name, %refusal, "the endpoint's record could not be removed");
    }
}
