//! SageMaker's JSON protocol: `POST /` with `X-Amz-Target: SageMaker.<Operation>`.
//!
//! Source: the AWS JSON 1.1 protocol of Smithy and the SageMaker API reference. It must not know
//! what an operation does.

use crate::app::App;
use crate::{endpoint_configs, endpoints, models, tags, training};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// Why a request is refused, in the API's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
}

impl Refusal {
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    pub fn in_use(message: impl Into<String>) -> Self {
        Self::new("ResourceInUse", message)
    }

    pub fn limit(message: impl Into<String>) -> Self {
        Self::new("ResourceLimitExceeded", message)
    }

    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new("SerializationException", message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self {
            status,
            code: "InternalFailure",
            message: message.into(),
        }
    }

    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message: message.into(),
        }
    }
}

/// Answers one request of the control plane.
pub async fn answer(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let operation = target.and_then(|target| target.strip_prefix("SageMaker."));
    let outcome = match operation {
        Some(operation) => match read(&body) {
            Ok(request) => perform(&app, operation, &request).await,
            Err(refusal) => Err(refusal),
        },
        None => Err(unknown(target.unwrap_or("a request without X-Amz-Target"))),
    };
    match &outcome {
        Ok(_) => tracing::debug!(operation, "answered"),
        Err(refusal) => tracing::info!(operation, %refusal, "refused"),
    }
    match outcome {
        Ok(answer) => respond(StatusCode::OK, None, &answer),
        Err(refusal) => {
            let body = json!({"__type": refusal.code, "message": refusal.message});
            respond(refusal.status, Some(refusal.code), &body)
        }
    }
}

async fn perform(app: &Arc<App>, operation: &str, request: &Value) -> Result<Value, Refusal> {
    match operation {
        "CreateTrainingJob" => training::create(app, request),
        "DescribeTrainingJob" => training::describe(app, request),
        "ListTrainingJobs" => training::list(app, request),
        "StopTrainingJob" => training::stop(app, request),
        "CreateModel" => models::create(app, request).await,
        "DescribeModel" => models::describe(app, request),
        "DeleteModel" => models::delete(app, request),
        "ListModels" => models::list(app, request),
        "CreateEndpointConfig" => endpoint_configs::create(app, request),
        "DescribeEndpointConfig" => endpoint_configs::describe(app, request),
        "DeleteEndpointConfig" => endpoint_configs::delete(app, request),
        "ListEndpointConfigs" => endpoint_configs::list(app, request),
        "CreateEndpoint" => endpoints::create(app, request),
        "UpdateEndpoint" => endpoints::update(app, request),
        "DescribeEndpoint" => endpoints::describe(app, request),
        "DeleteEndpoint" => endpoints::delete(app, request),
        "ListEndpoints" => endpoints::list(app, request),
        "AddTags" => tags::add(app, request),
        "ListTags" => tags::list(app, request),
        _ => Err(unknown(operation)),
    }
}

fn unknown(operation: &str) -> Refusal {
    let message = format!("{operation} is no operation that sagemaker-local has");
    Refusal::new("UnknownOperationException", message)
}

fn read(body: &[u8]) -> Result<Value, Refusal> {
    // An operation without members is sent with an empty body by some SDKs.
    if body.is_empty() {
        return Ok(json!({}));
    }
    match serde_json::from_slice(body) {
        Ok(request @ Value::Object(_)) => Ok(request),
        Ok(_) => Err(Refusal::malformed("the request is no JSON object")),
        Err(error) => Err(Refusal::malformed(format!(
            "the request is no JSON: {error}"
        ))),
    }
}

fn respond(status: StatusCode, error: Option<&'static str>, body: &Value) -> Response {
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
    if let Some(code) = error {
        let code = axum::http::HeaderValue::from_static(code);
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}

/// Reads what an operation acts on from a request that was validated.
pub fn parse<T: serde::de::DeserializeOwned>(request: &Value) -> Result<T, Refusal> {
    T::deserialize(request).map_err(|error| Refusal::malformed(error.to_string()))
}

/// The member `field`, which must be a text.
pub fn text<'a>(request: &'a Value, field: &str) -> Result<&'a str, Refusal> {
    match &request[field] {
        Value::String(text) => Ok(text),
        Value::Null => Err(crate::validation::missing(field)),
        _ => Err(Refusal::malformed(format!("{field} is no text"))),
    }
}
