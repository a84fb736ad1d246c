//! SageMaker Runtime's `POST /endpoints/{name}/invocations`: forwards a request to the program that
//! serves.

use crate::app::App;
use crate::endpoints::capture::Invocation;
use crate::endpoints::endpoint::Endpoint;
use crate::endpoints::traffic::Fleets;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

// SageMaker's limit for a request to a real-time endpoint.
const MAX_BODY: usize = 6 * 1024 * 1024;
const PASSED_ON: [&str; 4] = [
    "content-type",
    "accept",
    "x-amzn-sagemaker-custom-attributes",
    "x-amzn-sagemaker-inference-id",
];
const PASSED_BACK: [&str; 2] = ["content-type", "x-amzn-sagemaker-custom-attributes"];

/// Answers one invocation.
pub async fn invoke(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    sent: HeaderMap,
    body: Body,
) -> Response {
    if let Err(refusal) = app.faults.refusal("InvokeEndpoint", &name) {
        let message = json!({"Message": refusal.message});
        return error(&refusal.code, refusal.status, &message);
    }
    let fleet = app
        .part::<Fleets>()
        .lock()
        .get(&name)
        .map(|traffic| traffic.choose().clone());
    let Some(fleet) = fleet else {
        return not_serving(&app, &name);
    };
    let variant = text_of(&sent, "x-amzn-sagemaker-target-variant");
    let Some(member) = fleet.choose(variant) else {
        let variant = variant.unwrap_or_default();
        return invalid(&format!("Variant {variant} not found for endpoint {name}."));
    };
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return invalid(&format!(
            "The request's body has more than {MAX_BODY} bytes, or is incomplete."
        ));
    };
    let mut request = app
        .http
        .post(format!("{}/invocations", member.url))
        .body(body.clone());
    for name in PASSED_ON {
        if let Some(value) = sent.get(name) {
            request = request.header(name, value);
        }
    }
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(failure) => return unanswered(&app, &name, &failure),
    };
    let (status, headers) = (answer.status(), answer.headers().clone());
    let answered = match answer.bytes().await {
        Ok(answered) => answered,
        Err(failure) => return unanswered(&app, &name, &failure),
    };
    if !status.is_success() {
        let side = if status.is_client_error() {
            "client"
        } else {
            "server"
        };
        let original = String::from_utf8_lossy(&answered);
        return model_error(
            &app,
            &name,
            status.as_u16(),
            &format!(
                "Received {side} error ({}) from primary with message \"{original}\".",
                status.as_u16()
            ),
            &original,
        );
    }
    if let Some(capture) = &fleet.capture {
        let invocation = Invocation {
            endpoint: &name,
            variant: &member.variant,
            inference_id: text_of(&sent, "x-amzn-sagemaker-inference-id"),
            input: (text_of(&sent, "content-type"), &body),
            output: (text_of(&headers, "content-type"), &answered),
        };
        capture.record(&app, &invocation);
    }
    let mut response = (StatusCode::OK, answered).into_response();
    // The content type is only what the program says.
    response.headers_mut().remove(header::CONTENT_TYPE);
    for name in PASSED_BACK {
        if let Some(value) = headers.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    if let Ok(variant) = HeaderValue::from_str(&member.variant) {
        response
            .headers_mut()
            .insert("x-amzn-invoked-production-variant", variant);
    }
    response
}

fn not_serving(app: &App, name: &str) -> Response {
    invalid(&match app.table::<Endpoint>().get(name) {
        None => format!("Endpoint {name} of account 000000000000 not found."),
        Some(endpoint) => format!(
            "Endpoint {name} of account 000000000000 is {:?} and does not serve.",
            endpoint.status
        ),
    })
}

fn invalid(message: &str) -> Response {
    let body = json!({"Message": message});
    error("ValidationError", StatusCode::BAD_REQUEST, &body)
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn unanswered(app: &App, name: &str, failure: &reqwest::Error) -> Response {
    let how = if failure.is_timeout() {
        "Your invocation timed out while waiting for a response from container primary."
    } else {
        "The container primary cannot be reached, or broke off its response."
    };
    model_error(
        app,
        name,
        0,
        &format!("Received server error (0) from primary with message \"{how}\"."),
        how,
    )
}

fn model_error(app: &App, name: &str, status: u16, message: &str, original: &str) -> Response {
    let log = app.endpoint_folder(name).display().to_string();
    let body = json!({
        "Message": format!("{message} See the log below {log}."),
        "OriginalStatusCode": status,
        "OriginalMessage": original,
        "LogStreamArn": log,
    });
    error("ModelError", StatusCode::FAILED_DEPENDENCY, &body)
}

fn error(code: &str, status: StatusCode, body: &Value) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (
            header::HeaderName::from_static("x-amzn-errortype"),
            HeaderValue::from_str(code).unwrap_or(HeaderValue::from_static("InternalFailure")),
        ),
    ];
    (status, headers, body.to_string()).into_response()
}
