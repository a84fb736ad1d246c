//! `serve`: SageMaker's hosting contract over HTTP. It loads the model, answers `/ping` and
//! `/invocations`, and finishes open requests before it ends.

#![expect(
    clippy::print_stdout,
    reason = "the caller reads the address from standard output"
)]

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::{Error, Stop, Tree};

/// SageMaker's own limit for the body of a real-time invocation.
const MAX_BODY: usize = 25 * 1024 * 1024;
/// SageMaker kills a container 30 seconds after its SIGTERM.
const GRACE: Duration = Duration::from_secs(25);

/// A model that answers requests.
pub trait Model: Sized + Send + Sync + 'static {
    /// How a request's body is read and its answer written.
    type Form: Copy + Send + 'static;

    /// Reads the model from the tree's folder `model`.
    fn load(tree: &Tree) -> Result<Self, Error>;

    /// What is served, for the log: `12 users and 9 items`.
    fn summary(&self) -> String;

    /// The form that the headers `Content-Type` and `Accept` name; either may be empty.
    fn form(content: &str, accept: &str) -> Result<Self::Form, Refusal>;

    /// Answers a request. It may take its time: no other request waits for it.
    fn answer(&self, form: Self::Form, body: &[u8]) -> Result<Answer, Refusal>;
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its media type.
    pub content_type: &'static str,
    /// Its body.
    pub bytes: Vec<u8>,
}

/// Why a request is refused, as an HTTP status with a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400: the body is not what is expected.
    #[error("{0}")]
    Body(String),
    /// 406: no accepted form of answer is named.
    #[error("{0}")]
    Accept(String),
    /// 415: the content type is another.
    #[error("{0}")]
    ContentType(String),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Body(_) => StatusCode::BAD_REQUEST,
            Self::Accept(_) => StatusCode::NOT_ACCEPTABLE,
            Self::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }
}

type Loaded<M> = Arc<OnceLock<M>>;

/// Serves the tree's model until a signal ends it.
pub async fn serve<M: Model>(
    tree: Tree,
    host: &str,
    port: u16,
    stop: &mut Stop,
) -> Result<(), Error> {
    let listen = |source| Error::Listen {
        address: format!("{host}:{port}"),
        source,
    };
    let listener = TcpListener::bind((host, port)).await.map_err(listen)?;
    let address: SocketAddr = listener.local_addr().map_err(listen)?;
    println!("listening on http://{address}");

    let loaded = Loaded::<M>::default();
    let (finish, finished) = oneshot::channel::<()>();
    let server = axum::serve(listener, router(Arc::clone(&loaded))).with_graceful_shutdown(async {
        // An error means that the sender was dropped, which also ends the server.
        let _ = finished.await;
    });
    let server = tokio::spawn(server.into_future());

    let load = tokio::task::spawn_blocking(move || M::load(&tree));
    tokio::select! {
        model = load => {
            let model = model.map_err(|panic| Error::Bug { reason: panic.to_string() })??;
            println!("serving {}", model.summary());
            loaded.get_or_init(|| model);
        }
        _ = stop.wait() => return Ok(()),
    }
    println!("{}: finishing open requests", stop.wait().await);
    let _ = finish.send(());
    if tokio::time::timeout(GRACE, server).await.is_err() {
        println!(
            "requests still open after {} s are dropped",
            GRACE.as_secs()
        );
    }
    Ok(())
}

fn router<M: Model>(loaded: Loaded<M>) -> Router {
    Router::new()
        .route("/ping", get(ping::<M>))
        .route("/invocations", post(invoke::<M>))
        .fallback(async || refuse(StatusCode::NOT_FOUND, "give GET /ping or POST /invocations"))
        .method_not_allowed_fallback(async || {
            refuse(
                StatusCode::METHOD_NOT_ALLOWED,
                "give GET /ping or POST /invocations",
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(loaded)
}

async fn ping<M: Model>(State(loaded): State<Loaded<M>>) -> StatusCode {
    if loaded.get().is_some() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

async fn invoke<M: Model>(
    State(loaded): State<Loaded<M>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let header = |name| {
        headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
    };
    let content = header(CONTENT_TYPE).unwrap_or_default();
    let accept = header(ACCEPT).unwrap_or_default();
    let form = match M::form(&content, &accept) {
        Ok(form) => form,
        Err(refusal) => return refuse(refusal.status(), &refusal.to_string()),
    };
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return refuse(rejection.status(), &rejection.body_text()),
    };
    if loaded.get().is_none() {
        return refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "the model is still being loaded",
        );
    }
    // An answer that takes its time would block an async thread for too long.
    let answered = tokio::task::spawn_blocking(move || {
        let model = loaded
            .get()
            .expect("it was loaded above and is never removed");
        model.answer(form, &body)
    });
    match answered.await {
        Ok(Ok(answer)) => ([(CONTENT_TYPE, answer.content_type)], answer.bytes).into_response(),
        Ok(Err(refusal)) => refuse(refusal.status(), &refusal.to_string()),
        Err(_) => refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal error, see the log",
        ),
    }
}

/// An error answer: one line of JSON with the reason.
fn refuse(status: StatusCode, message: &str) -> Response {
    let body = json!({ "error": message.replace(['\n', '\r'], " ") }).to_string();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo;

    impl Model for Echo {
        type Form = ();

        fn load(_tree: &Tree) -> Result<Self, Error> {
            Ok(Self)
        }

        fn summary(&self) -> String {
            "an echo".to_owned()
        }

        fn form(_content: &str, _accept: &str) -> Result<(), Refusal> {
            Ok(())
        }

        fn answer(&self, (): (), body: &[u8]) -> Result<Answer, Refusal> {
            Ok(Answer {
                content_type: "text/plain",
                bytes: body.to_vec(),
            })
        }
    }

    #[tokio::test]
    async fn ping_answers_503_until_the_model_is_loaded() {
        let loaded = Loaded::<Echo>::default();
        assert_eq!(
            ping(State(Arc::clone(&loaded))).await,
            StatusCode::SERVICE_UNAVAILABLE
        );
        loaded.get_or_init(|| Echo);
        assert_eq!(ping(State(loaded)).await, StatusCode::OK);
    }
}
