//! Classifies SDK errors as error names: the one place that knows the services' error codes.

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use contract::{ErrorName, ServiceError};
use std::error::Error;

/// A code, the required beginning of the message (empty: any), and their meaning.
type Row = (&'static str, &'static str, ErrorName);

/// Codes of DynamoDB, S3, SageMaker, Step Functions, CloudFormation and of AWS's common errors. The
/// first matching row counts.
const CODES: &[Row] = &[
    // Throttling.
    ("BandwidthLimitExceeded", "", ErrorName::Throttled),
    ("EC2ThrottledException", "", ErrorName::Throttled),
    ("PriorRequestNotComplete", "", ErrorName::Throttled),
    (
        "ProvisionedThroughputExceededException",
        "",
        ErrorName::Throttled,
    ),
    ("RequestLimitExceeded", "", ErrorName::Throttled),
    ("RequestThrottled", "", ErrorName::Throttled),
    ("RequestThrottledException", "", ErrorName::Throttled),
    ("SlowDown", "", ErrorName::Throttled),
    ("ThrottledException", "", ErrorName::Throttled),
    ("Throttling", "", ErrorName::Throttled),
    ("ThrottlingException", "", ErrorName::Throttled),
    ("TooManyRequests", "", ErrorName::Throttled),
    ("TooManyRequestsException", "", ErrorName::Throttled),
    // Permissions and credentials.
    ("ExpiredToken", "", ErrorName::AccessDenied),
    ("ExpiredTokenException", "", ErrorName::AccessDenied),
    ("Forbidden", "", ErrorName::AccessDenied),
    ("IncompleteSignature", "", ErrorName::AccessDenied),
    ("InvalidAccessKeyId", "", ErrorName::AccessDenied),
    ("InvalidClientTokenId", "", ErrorName::AccessDenied),
    ("KMS.AccessDeniedException", "", ErrorName::AccessDenied),
    ("MissingAuthenticationToken", "", ErrorName::AccessDenied),
    ("NotAuthorized", "", ErrorName::AccessDenied),
    ("OptInRequired", "", ErrorName::AccessDenied),
    ("SignatureDoesNotMatch", "", ErrorName::AccessDenied),
    ("UnauthorizedOperation", "", ErrorName::AccessDenied),
    ("UnrecognizedClientException", "", ErrorName::AccessDenied),
    // Failures of the service.
    ("InternalError", "", ErrorName::ServiceUnavailable),
    ("InternalFailure", "", ErrorName::ServiceUnavailable),
    ("InternalServerError", "", ErrorName::ServiceUnavailable),
    (
        "InternalServiceException",
        "",
        ErrorName::ServiceUnavailable,
    ),
    ("OperationAborted", "", ErrorName::ServiceUnavailable),
    (
        "ConcurrentUpdateException",
        "",
        ErrorName::ServiceUnavailable,
    ),
    ("RequestTimeout", "", ErrorName::ServiceUnavailable),
    ("RequestTimeoutException", "", ErrorName::ServiceUnavailable),
    ("ServiceUnavailable", "", ErrorName::ServiceUnavailable),
    // The upload was completed by an attempt whose answer got lost, or aborted by a lifecycle rule:
    // the next attempt of the step starts another.
    ("NoSuchUpload", "", ErrorName::ServiceUnavailable),
    // Missing resources.
    ("ExecutionDoesNotExist", "", ErrorName::NotFound),
    ("ExportNotFoundException", "", ErrorName::NotFound),
    ("NoSuchBucket", "", ErrorName::NotFound),
    ("NoSuchKey", "", ErrorName::NotFound),
    ("NotFound", "", ErrorName::NotFound),
    ("PipelineDeletedException", "", ErrorName::NotFound),
    ("PipelineNotFoundException", "", ErrorName::NotFound),
    ("ResourceNotFound", "", ErrorName::NotFound),
    ("ResourceNotFoundException", "", ErrorName::NotFound),
    ("StateMachineDoesNotExist", "", ErrorName::NotFound),
    ("ObjectNotFoundException", "", ErrorName::NotFound),
    ("TableNotFoundException", "", ErrorName::NotFound),
    ("IndexNotFoundException", "", ErrorName::NotFound),
    // SageMaker and CloudFormation have one code for everything: only the message distinguishes.
    ("ValidationException", "Could not find", ErrorName::NotFound),
    (
        "ValidationException",
        "Requested resource not found",
        ErrorName::NotFound,
    ),
    (
        "ValidationException",
        "ModelPackageGroup ",
        ErrorName::NotFound,
    ),
    ("ValidationException", "ModelPackage ", ErrorName::NotFound),
    (
        "ValidationException",
        "Model Package Group already exists",
        ErrorName::Conflict,
    ),
    (
        "ValidationException",
        "Cannot create already existing",
        ErrorName::Conflict,
    ),
    (
        "ValidationException",
        "Cannot update in-progress",
        ErrorName::Conflict,
    ),
    ("ValidationError", "Stack with id", ErrorName::NotFound),
    // Existing resources, or resources in use.
    ("AlreadyExistsException", "", ErrorName::Conflict),
    ("BucketAlreadyExists", "", ErrorName::Conflict),
    ("BucketAlreadyOwnedByYou", "", ErrorName::Conflict),
    ("ConditionalCheckFailedException", "", ErrorName::Conflict),
    ("ConditionalRequestConflict", "", ErrorName::Conflict),
    ("ConflictException", "", ErrorName::Conflict),
    ("ExportConflictException", "", ErrorName::Conflict),
    ("ExecutionAlreadyExists", "", ErrorName::Conflict),
    ("ExecutionNotRedrivable", "", ErrorName::Conflict),
    ("PreconditionFailed", "", ErrorName::Conflict),
    ("ResourceInUse", "", ErrorName::Conflict),
    ("ResourceInUseException", "", ErrorName::Conflict),
    ("TableAlreadyExistsException", "", ErrorName::Conflict),
    // Quotas and capacity.
    (
        "ExecutionLimitExceeded",
        "",
        ErrorName::ResourceLimitExceeded,
    ),
    (
        "LimitExceededException",
        "",
        ErrorName::ResourceLimitExceeded,
    ),
    (
        "ResourceLimitExceeded",
        "",
        ErrorName::ResourceLimitExceeded,
    ),
    (
        "ServiceQuotaExceededException",
        "",
        ErrorName::ResourceLimitExceeded,
    ),
    ("CapacityError", "", ErrorName::CapacityUnavailable),
    ("InsufficientCapacity", "", ErrorName::CapacityUnavailable),
    (
        "InsufficientInstanceCapacity",
        "",
        ErrorName::CapacityUnavailable,
    ),
    // Malformed requests.
    ("SerializationException", "", ErrorName::ServiceRejected),
    ("ValidationError", "", ErrorName::ServiceRejected),
    ("ValidationException", "", ErrorName::ServiceRejected),
];

/// The meaning of a service's code, message and HTTP status.
///
/// The code decides if it is known; otherwise the status (a HEAD has no code).
pub fn name_of(code: Option<&str>, message: &str, status: u16) -> ErrorName {
    if let Some(code) = code {
        if code.starts_with("AccessDenied") {
            return ErrorName::AccessDenied;
        }
        let row = CODES
            .iter()
            .find(|(known, beginning, _)| *known == code && message.starts_with(beginning));
        if let Some((_, _, name)) = row {
            return *name;
        }
    }
    match status {
        401 | 403 => ErrorName::AccessDenied,
        404 => ErrorName::NotFound,
        // A successful answer that cannot be parsed.
        200..=299 | 408 | 500.. => ErrorName::ServiceUnavailable,
        409 | 412 => ErrorName::Conflict,
        429 => ErrorName::Throttled,
        _ => ErrorName::ServiceRejected,
    }
}

/// Classifies the error of an SDK call.
///
/// `service` and `operation` are the API's names (`DynamoDB`, `Scan`); `subject` is a table, a key
/// or a job.
pub fn service_error<E>(
    service: &'static str,
    operation: &'static str,
    subject: impl Into<String>,
    error: SdkError<E, HttpResponse>,
) -> ServiceError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let subject = subject.into();
    let answered =
        |name, code: &str, message: String, source: Option<Box<dyn Error + Send + Sync>>| {
            ServiceError {
                name,
                service,
                operation,
                subject,
                code: code.to_owned(),
                message,
                source,
            }
        };
    if without_credentials(&error) {
        // The SDK's own text lists every provider of its chain.
        let message = "there are no AWS credentials: not in the environment, a profile, a container \
                       or an instance";
        return answered(
            ErrorName::AccessDenied,
            NO_CREDENTIALS,
            message.to_owned(),
            None,
        );
    }
    let (name, code) = match &error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let code = answer.err().code();
            let message = answer.err().message().unwrap_or_default().to_owned();
            let name = name_of(code, &message, status);
            let code = code.map_or_else(|| format!("HTTP {status}"), str::to_owned);
            // Code and message contain everything the service said: no source that repeats it.
            let message = if message.is_empty() {
                without_message(answer.raw())
            } else {
                message
            };
            return answered(name, &code, message, None);
        }
        SdkError::TimeoutError(_) => (ErrorName::ServiceUnavailable, "Timeout"),
        SdkError::DispatchFailure(_) => (ErrorName::ServiceUnavailable, "DispatchFailure"),
        SdkError::ResponseError(_) => (ErrorName::ServiceUnavailable, "ResponseUnreadable"),
        _ => (ErrorName::ServiceRejected, "RequestNotBuilt"),
    };
    let message = match &error {
        SdkError::TimeoutError(_) => "there was no answer in time",
        SdkError::DispatchFailure(_) => "the request could not be sent, or its answer got lost",
        SdkError::ResponseError(_) => "the answer cannot be read",
        _ => "the request cannot be built",
    };
    // The variants' own texts ("dispatch failure") say less than the line above, so only their
    // causes follow.
    let source = error.into_source().unwrap_or_else(|whole| Box::new(whole));
    answered(name, code, message.to_owned(), Some(source))
}

/// What an answer without a message says, such as a proxy's page, in one line.
fn without_message(answer: &HttpResponse) -> String {
    const MOST: usize = 200;
    let body = answer.body().bytes().unwrap_or_default();
    let text = contract::one_line(&String::from_utf8_lossy(body));
    if text.is_empty() {
        return "the answer has no message".to_owned();
    }
    let short: String = text.chars().take(MOST).collect();
    format!("the answer is {short}")
}

/// The code of a request that was not sent because there are no credentials to sign it with.
pub const NO_CREDENTIALS: &str = "NoCredentials";

/// Whether no provider has credentials. A provider that failed may succeed later, and is not meant.
fn without_credentials<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: Error + Send + Sync + 'static,
{
    let mut source = match error {
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => error.source(),
        _ => None,
    };
    while let Some(cause) = source {
        if let Some(CredentialsError::CredentialsNotLoaded(_)) = cause.downcast_ref() {
            return true;
        }
        source = cause.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;
    use contract::Named;

    #[derive(Debug, thiserror::Error)]
    #[error("unhandled")]
    struct Modelled(ErrorMetadata);

    impl ProvideErrorMetadata for Modelled {
        fn meta(&self) -> &ErrorMetadata {
            &self.0
        }
    }

    fn answer(code: &str, message: &str, status: u16) -> ServiceError {
        let status = StatusCode::try_from(status).unwrap();
        let metadata = ErrorMetadata::builder().code(code).message(message).build();
        let error = SdkError::service_error(
            Modelled(metadata),
            HttpResponse::new(status, SdkBody::empty()),
        );
        service_error("DynamoDB", "Scan", "interactions", error)
    }

    #[test]
    fn an_answer_of_no_service_is_shown_in_one_short_line() {
        for (body, message) in [
            (String::new(), "the answer has no message".to_owned()),
            (
                "<html>\n  <b>Bad gateway</b>\n</html>".to_owned(),
                "the answer is <html> <b>Bad gateway</b> </html>".to_owned(),
            ),
            (
                "é".repeat(1000),
                format!("the answer is {}", "é".repeat(200)),
            ),
        ] {
            let error = SdkError::service_error(
                Modelled(ErrorMetadata::builder().build()),
                HttpResponse::new(StatusCode::try_from(502).unwrap(), SdkBody::from(body)),
            );
            let error = service_error("S3", "GetObject", "lake", error);
            assert_eq!((&*error.code, &error.message), ("HTTP 502", &message));
            assert!(error.source.is_none(), "{error:?}");
        }
    }

    #[test]
    fn codes_have_one_meaning() {
        for (index, (code, beginning, name)) in CODES.iter().enumerate() {
            assert_eq!(name_of(Some(code), beginning, 400), *name, "{code}");
            let twice = CODES[..index]
                .iter()
                .any(|row| row.0 == *code && row.1 == *beginning);
            assert!(!twice, "{code} stands twice");
        }
    }

    #[test]
    fn what_the_state_machine_retries_is_told_from_what_it_does_not() {
        let cases = [
            (
                "ThrottlingException",
                "Rate exceeded",
                400,
                ErrorName::Throttled,
            ),
            (
                "ProvisionedThroughputExceededException",
                "",
                400,
                ErrorName::Throttled,
            ),
            ("SlowDown", "Please reduce", 503, ErrorName::Throttled),
            (
                "AccessDeniedException",
                "not authorized",
                400,
                ErrorName::AccessDenied,
            ),
            (
                "AccessDenied",
                "Access Denied",
                403,
                ErrorName::AccessDenied,
            ),
            (
                "ResourceLimitExceeded",
                "",
                400,
                ErrorName::ResourceLimitExceeded,
            ),
            ("CapacityError", "", 400, ErrorName::CapacityUnavailable),
            ("ResourceInUse", "unique", 400, ErrorName::Conflict),
            (
                "ValidationException",
                "2 validation errors",
                400,
                ErrorName::ServiceRejected,
            ),
            (
                "ValidationException",
                "Could not find model \"x\".",
                400,
                ErrorName::NotFound,
            ),
            (
                "ValidationException",
                "Requested resource not found.",
                400,
                ErrorName::NotFound,
            ),
            (
                "ValidationException",
                "Cannot create already existing model",
                400,
                ErrorName::Conflict,
            ),
            ("SomethingNew", "", 400, ErrorName::ServiceRejected),
            ("SomethingNew", "", 503, ErrorName::ServiceUnavailable),
            ("SomethingNew", "", 429, ErrorName::Throttled),
            ("SomethingNew", "", 200, ErrorName::ServiceUnavailable),
        ];
        for (code, message, status, name) in cases {
            assert_eq!(
                answer(code, message, status).name(),
                name,
                "{code}: {message}"
            );
        }
        assert_eq!(name_of(None, "", 404), ErrorName::NotFound);
        assert_eq!(name_of(None, "", 403), ErrorName::AccessDenied);
    }

    #[test]
    fn the_line_says_who_what_and_why() {
        let error = answer(
            "ResourceNotFoundException",
            "Requested resource not found",
            400,
        );
        assert_eq!(
            error.to_string(),
            "DynamoDB Scan of interactions: ResourceNotFoundException: Requested resource not found"
        );
    }

    #[test]
    fn an_unreachable_service_keeps_its_cause() {
        let refused = std::io::Error::other("connection refused");
        let error: SdkError<Modelled, HttpResponse> =
            SdkError::dispatch_failure(ConnectorError::io(refused.into()));
        let error = service_error("S3", "GetObject", "a/b", error);
        assert_eq!(error.name(), ErrorName::ServiceUnavailable);
        let mut chain = String::new();
        let mut cause = error.source();
        while let Some(next) = cause {
            chain.push_str(&next.to_string());
            cause = next.source();
        }
        assert!(chain.contains("connection refused"), "{chain}");
    }

    #[test]
    fn missing_credentials_are_one_short_message() {
        let lost = |cause: CredentialsError| {
            let connector = ConnectorError::other(Box::new(cause), None);
            let error: SdkError<Modelled, HttpResponse> = SdkError::dispatch_failure(connector);
            service_error("S3", "GetObject", "a/b", error)
        };
        let error = lost(CredentialsError::not_loaded("Attempted: a, b, c"));
        assert_eq!(
            (error.name(), error.code.as_str()),
            (ErrorName::AccessDenied, NO_CREDENTIALS)
        );
        assert!(contract::chain(&error).len() < 200, "{error}");
        // A provider that failed may succeed later.
        let error = lost(CredentialsError::provider_error("503"));
        assert_eq!(error.name(), ErrorName::ServiceUnavailable);
    }

    #[test]
    fn a_timeout_is_the_services() {
        let error: SdkError<Modelled, HttpResponse> = SdkError::timeout_error("60 s");
        assert_eq!(
            service_error("S3", "GetObject", "a/b", error).name(),
            ErrorName::ServiceUnavailable
        );
    }
}
