//! SageMaker's JSON protocol: `POST /` with `X-Amz-Target: SageMaker.<Operation>`.
//!
//! Source: the AWS JSON 1.1 protocol of Smithy and the SageMaker API reference.

use crate::app::App;
use crate::faults;
use crate::operations::perform;
use crate::protocol::refusal::Refusal;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// Answers one request of the control plane.
pub async fn answer(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    // Application Auto Scaling, CloudWatch and its logs are served on the same port and have other
    // prefixes.
    let operation = target.and_then(|target| {
        let prefixes = [
            "SageMaker.",
            "AnyScaleFrontendService.",
            "GraniteServiceVersion20100801.",
            "Logs_20140328.",
        ];
        prefixes
            .iter()
            .find_map(|prefix| target.strip_prefix(prefix))
    });
    let outcome = if let Some(operation) = operation {
        match read(&body) {
            Ok(request) => {
                let outcome = perform_with_faults(&app, operation, &request).await;
                app.recorder.record(operation, &request, &outcome);
                outcome
            }
            Err(refusal) => Err(refusal),
        }
    } else {
        let operation = target.unwrap_or("a request without X-Amz-Target");
        Err(Refusal::unknown_operation(operation))
    };
    match &outcome {
        Ok(_) => tracing::debug!(operation, "answered"),
        Err(refusal) => tracing::info!(operation, %refusal, "refused"),
    }
    match outcome {
        Ok(answer) => respond(StatusCode::OK, None, &answer),
        Err(refusal) => {
            let body = json!({"__type": refusal.code, "message": refusal.message});
            respond(refusal.status, Some(&refusal.code), &body)
        }
    }
}

/// Performs the operation, unless a fault refuses it or replaces its answer.
async fn perform_with_faults(
    app: &Arc<App>,
    operation: &str,
    request: &Value,
) -> Result<Value, Refusal> {
    let name = faults::subject(request);
    app.faults.refusal(operation, name)?;
    let outcome = perform(app, operation, request).await;
    if outcome.is_ok() {
        app.faults.loss(operation, name)?;
    }
    outcome
}

fn read(body: &[u8]) -> Result<Value, Refusal> {
    // Some SDKs send an empty body for an operation without members.
    if body.is_empty() {
        return Ok(json!({}));
    }
    match serde_json::from_slice(body) {
        Ok(request @ Value::Object(_)) => Ok(request),
        Ok(_) => Err(Refusal::malformed("the request is not a JSON object")),
        Err(error) => Err(Refusal::malformed(format!(
            "the request is not JSON: {error}"
        ))),
    }
}

fn respond(status: StatusCode, error: Option<&str>, body: &Value) -> Response {
    let id = format!("{:032x}", fastrand::u128(..));
    let mut response = (
        status,
        [
            (
                header::CONTENT_TYPE,
                "application/x-amz-json-1.1".to_owned(),
            ),
            (HeaderName::from_static("x-amzn-requestid"), id),
        ],
        body.to_string(),
    )
        .into_response();
    if let Some(code) = error.and_then(|code| axum::http::HeaderValue::from_str(code).ok()) {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}
