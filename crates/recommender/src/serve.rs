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

use crate::invocation::{Form, Rejection, answer};
use crate::signals::Stop;
use crate::{Error, Model, Tree, artifact};

/// SageMaker's own limit for the body of a real-time invocation.
const MAX_BODY: usize = 25 * 1024 * 1024;
/// SageMaker kills a container 30 seconds after its SIGTERM.
const GRACE: Duration = Duration::from_secs(25);

type Loaded = Arc<OnceLock<Model>>;

/// Serves the tree's model until a signal ends it.
pub async fn run(tree: Tree, host: &str, port: u16, stop: &mut Stop) -> Result<(), Error> {
    let listen = |source| Error::Listen {
        address: format!("{host}:{port}"),
        source,
    };
    let listener = TcpListener::bind((host, port)).await.map_err(listen)?;
    let address: SocketAddr = listener.local_addr().map_err(listen)?;
    println!("listening on http://{address}");

    let loaded = Loaded::default();
    let (finish, finished) = oneshot::channel::<()>();
    let server = axum::serve(listener, router(Arc::clone(&loaded))).with_graceful_shutdown(async {
        // An error means that the sender was dropped, which also ends the server.
        let _ = finished.await;
    });
    let server = tokio::spawn(server.into_future());

    let load = tokio::task::spawn_blocking(move || artifact::load(&tree.model()));
    tokio::select! {
        model = load => {
            let model = model.map_err(|panic| Error::Bug { reason: panic.to_string() })??;
            println!("serving {} users and {} items", model.user_ids.len(), model.item_ids.len());
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

fn router(loaded: Loaded) -> Router {
    Router::new()
        .route("/ping", get(ping))
        .route("/invocations", post(invoke))
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

async fn ping(State(loaded): State<Loaded>) -> StatusCode {
    if loaded.get().is_some() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

async fn invoke(
    State(loaded): State<Loaded>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let header = |name| {
        headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
    };
    let content = header(CONTENT_TYPE).unwrap_or_default();
    let Some(given) = Form::of_media_type(&content) else {
        let message = format!("content type {content:?}: give text/csv or application/json");
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, &message);
    };
    let accept = header(ACCEPT).unwrap_or_default();
    let Some(accepted) = accepted(&accept, given) else {
        let message = format!("accept {accept:?}: give text/csv or application/json");
        return refuse(StatusCode::NOT_ACCEPTABLE, &message);
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
    // Scoring thousands of rows would block an async thread for too long.
    let answered = tokio::task::spawn_blocking(move || {
        let model = loaded
            .get()
            .expect("it was loaded above and is never removed");
        answer(model, &body, given, accepted)
    });
    match answered.await {
        Ok(Ok(bytes)) => ([(CONTENT_TYPE, accepted.media_type())], bytes).into_response(),
        Ok(Err(rejection)) => {
            let rejection: Rejection = rejection;
            refuse(StatusCode::BAD_REQUEST, &rejection.to_string())
        }
        Err(_) => refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal error, see the log",
        ),
    }
}

/// The first form that `accept` names. A wildcard means the form of the request.
fn accepted(accept: &str, given: Form) -> Option<Form> {
    if accept.trim().is_empty() {
        return Some(given);
    }
    accept.split(',').find_map(|part| {
        let kind = part.split(';').next().unwrap_or_default().trim();
        let major = given.media_type().split('/').next().unwrap_or_default();
        if kind == "*/*" || kind == format!("{major}/*") {
            return Some(given);
        }
        Form::of_media_type(kind)
    })
}

/// An error answer: one line of JSON with the reason.
fn refuse(status: StatusCode, message: &str) -> Response {
    let body = json!({ "error": message.replace(['\n', '\r'], " ") }).to_string();
    (status, [(CONTENT_TYPE, Form::Json.media_type())], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_selects_the_form_and_defaults_to_the_requests() {
        assert_eq!(accepted("", Form::Csv), Some(Form::Csv));
        assert_eq!(accepted("*/*", Form::Json), Some(Form::Json));
        assert_eq!(accepted("text/*", Form::Csv), Some(Form::Csv));
        assert_eq!(
            accepted("text/html, application/json;q=0.9", Form::Csv),
            Some(Form::Json)
        );
        assert_eq!(accepted("text/html", Form::Csv), None);
    }

    #[tokio::test]
    async fn ping_answers_503_until_the_model_is_loaded() {
        let loaded = Loaded::default();
        assert_eq!(
            ping(State(Arc::clone(&loaded))).await,
            StatusCode::SERVICE_UNAVAILABLE
        );
        loaded.get_or_init(crate::model::tests::small);
        assert_eq!(ping(State(loaded)).await, StatusCode::OK);
    }
}
