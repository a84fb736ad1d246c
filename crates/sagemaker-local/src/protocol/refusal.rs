//! The error answer of the API: code, HTTP status and message.

use axum::http::StatusCode;
use std::borrow::Cow;

/// The reason why a request is refused, in the terms of the API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    pub status: StatusCode,
    pub code: Cow<'static, str>,
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
            code: "InternalFailure".into(),
            message: message.into(),
        }
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new("ResourceNotFound", message)
    }

    /// A refusal with any of the API's codes. The HTTP status follows from the code.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        let code = code.into();
        let status = match code.as_ref() {
            "InternalFailure" | "InternalServiceException" => StatusCode::INTERNAL_SERVER_ERROR,
            "ServiceUnavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// The answer to an operation that is not implemented.
    pub fn unknown_operation(operation: &str) -> Self {
        let message = format!("sagemaker-local does not implement {operation}");
        Self::new("UnknownOperationException", message)
    }
}
