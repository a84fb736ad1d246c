//! Starts the server, and ends it with all that it started.

use crate::app::App;
use crate::config::Config;
use crate::endpoints::alarms::Alarm;
use crate::endpoints::configs::EndpointConfig;
use crate::endpoints::endpoint::Endpoint;
use crate::endpoints::scaling::{Policy, Target};
use crate::endpoints::traffic::Fleets;
use crate::endpoints::{invocation, rollout};
use crate::error::Error;
use crate::protocol::control_plane;
use crate::registry::models::Model;
use crate::registry::records::{ModelPackage, ModelPackageGroup};
use crate::tags::Tags;
use crate::training::job::TrainingJob;
use crate::training::run as training;
use crate::transform::job::TransformJob;
use crate::transform::run as transform;
use crate::tuning::job::TuningJob;
use crate::tuning::run as tuning;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The entry point: [`Server::start`].
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Reads the state directory, restarts the endpoints that it records, and answers requests on
    /// 127.0.0.1 from now on.
    ///
    /// # Errors
    /// If the state directory or the port cannot be used.
    pub async fn start(config: Config) -> Result<Handle, Error> {
        let port = config.port;
        let mut app = App::open(config).await?;
        add_parts(&mut app)?;
        let app = Arc::new(app);
        // Loopback only: every client of the port can start the mapped programs.
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = bound.map_err(|source| Error::Bind { port, source })?;
        let address = listener
            .local_addr()
            .map_err(|source| Error::Bind { port, source })?;
        training::recover(&app);
        rollout::recover(&app);
        tuning::recover(&app);
        transform::recover(&app);
        let router = Router::new()
            .route("/", post(control_plane::answer))
            .route("/faults", get(list_faults).put(replace_faults))
            .route("/endpoints/{name}/invocations", post(invocation::invoke))
            .layer(DefaultBodyLimit::disable())
            .with_state(app.clone());
        let closing = app.closing.clone().cancelled_owned();
        let serving = tokio::spawn(async move {
            let served = axum::serve(listener, router)
                .with_graceful_shutdown(closing)
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "the server ended");
            }
        });
        tracing::info!(%address, "listening");
        Ok(Handle {
            address,
            app,
            serving: Some(serving),
        })
    }
}

/// Opens the table of every kind of record.
fn add_parts(app: &mut App) -> Result<(), Error> {
    app.add(Fleets::default());
    app.open_table::<TrainingJob>()?;
    app.open_table::<TuningJob>()?;
    app.open_table::<TransformJob>()?;
    app.open_table::<Model>()?;
    app.open_table::<ModelPackageGroup>()?;
    app.open_table::<ModelPackage>()?;
    app.open_table::<EndpointConfig>()?;
    app.open_table::<Endpoint>()?;
    app.open_table::<Alarm>()?;
    app.open_table::<Target>()?;
    app.open_table::<Policy>()?;
    app.open_table::<Tags>()
}

/// `GET /faults`: the faults, each with the number of times that it has struck.
async fn list_faults(State(app): State<Arc<App>>) -> Response {
    Json(app.faults.list()).into_response()
}

/// `PUT /faults`: replaces all faults. An empty list ends them.
async fn replace_faults(State(app): State<Arc<App>>, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(faults) => {
            app.faults.set(faults);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => {
            let message = json!({"message": format!("the faults cannot be read: {error}")});
            (StatusCode::BAD_REQUEST, Json(message)).into_response()
        }
    }
}

/// A running server. Dropping it also ends the programs, but does not wait for their end.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    app: Arc<App>,
    serving: Option<JoinHandle<()>>,
}

impl Handle {
    /// The address on which it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The value for `AWS_ENDPOINT_URL_SAGEMAKER` and `AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends the server and every program that it started, within a few seconds. Endpoints in
    /// service are in service again after the next start. Running jobs are marked as failed.
    pub async fn shutdown(mut self) {
        self.app.closing.cancel();
        if let Some(serving) = self.serving.take()
            && let Err(error) = serving.await
        {
            tracing::error!(%error, "the server panicked");
        }
        self.app.tasks.close();
        self.app.tasks.wait().await;
        let fleets: Vec<_> = self.app.part::<Fleets>().lock().drain().collect();
        for (_, traffic) in fleets {
            traffic.serving.stop().await;
            if let Some((new, _)) = traffic.shifting {
                new.stop().await;
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.app.closing.cancel();
    }
}
