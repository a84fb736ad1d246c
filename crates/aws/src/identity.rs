//! STS: the account and principal of the credentials, and the service's clock.

use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_sdk_sts::Client;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use contract::{ErrorName, ServiceError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

const SERVICE: &str = "STS";
const OPERATION: &str = "GetCallerIdentity";
const SUBJECT: &str = "the credentials";

/// The owner of the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account, 12 digits.
    pub account: String,
    /// The ARN of the user or of the assumed role.
    pub arn: String,
    /// The service's time, to the second, if it says.
    pub now: Option<SystemTime>,
}

/// Keeps the time that the service's answer is of.
#[derive(Debug, Clone, Default)]
struct Clock(Arc<Mutex<Option<SystemTime>>>);

#[dyn_dispatch_hint]
impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "Clock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        let date = date.and_then(|date| SystemTime::try_from(date).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}

/// The owner of the configuration's credentials. It needs no permission.
///
/// # Errors
/// If there are no credentials, or the service refuses them or fails.
pub async fn caller(config: &SdkConfig) -> Result<Identity, ServiceError> {
    let clock = Clock::default();
    let request = Client::new(config).get_caller_identity().customize();
    let answer = request.interceptor(clock.clone()).send().await;
    let answer = answer.map_err(|error| service_error(SERVICE, OPERATION, SUBJECT, error))?;
    match (answer.account, answer.arn) {
        (Some(account), Some(arn)) => Ok(Identity {
            account,
            arn,
            now: *clock.0.lock().unwrap_or_else(PoisonError::into_inner),
        }),
        _ => Err(ServiceError {
            name: ErrorName::ServiceUnavailable,
            service: SERVICE,
            operation: OPERATION,
            subject: SUBJECT.to_owned(),
            code: "ResponseUnreadable".to_owned(),
            message: "the answer holds no account or ARN".to_owned(),
            source: None,
        }),
    }
}
