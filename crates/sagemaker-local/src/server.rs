//! The server as a whole: start, address, end.

use crate::app::App;
use crate::{Config, Error, deployment, faults, invocation, job, protocol, transform, tuning};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Starts servers.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Listens on 127.0.0.1, takes up what the state directory holds, and answers from now on.
    ///
    /// # Errors
    /// If the state directory or the port cannot be used.
    pub async fn start(config: Config) -> Result<Handle, Error> {
        let port = config.port;
        let app = Arc::new(App::open(config).await?);
        // Loopback and nothing else: whoever reaches it may start the programs of the mapping.
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = bound.map_err(|source| Error::Bind { port, source })?;
        let address = listener
            .local_addr()
            .map_err(|source| Error::Bind { port, source })?;
        job::recover(&app);
        deployment::recover(&app);
        tuning::recover(&app);
        transform::recover(&app);
        let router = Router::new()
            .route("/", post(protocol::answer))
            .route("/faults", get(faults::list).put(faults::replace))
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

/// A server that runs. Dropping it ends the programs too, but without waiting for that.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    app: Arc<App>,
    serving: Option<JoinHandle<()>>,
}

impl Handle {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// What `AWS_ENDPOINT_URL_SAGEMAKER` and `AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME` are to be.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends the server and every program it started, within a few seconds. Endpoints that served
    /// serve again after the next start; jobs that ran are marked as failed.
    pub async fn shutdown(mut self) {
        self.app.closing.cancel();
        if let Some(serving) = self.serving.take()
            && let Err(error) = serving.await
        {
            tracing::error!(%error, "the server panicked");
        }
        self.app.tasks.close();
        self.app.tasks.wait().await;
        let fleets: Vec<_> = self.app.fleets().drain().collect();
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
