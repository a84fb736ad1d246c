//! A client of the two operations that are needed, by the SDK's own parts: its orchestrator with
//! retries and timeouts, its signer, its HTTP client.
//!
//! The generated client of `CloudWatch` would compress metrics, and thereby build every other
//! client with features that nothing here uses.
//!
//! Source: the AWS JSON 1.0 protocol of Smithy, which the service's model names among its
//! protocols, and the CloudWatch API reference.

use super::SERVICE;
use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use aws_types::service_config::ServiceConfigKey;
use contract::ServiceError;
use serde_json::Value;

/// The operation that describes alarms.
pub const DESCRIBE: &str = "DescribeAlarms";
const PUT: &str = "PutMetricAlarm";
const TARGET: &str = "GraniteServiceVersion20100801";
const SIGNING_NAME: &str = "monitoring";

type Call = Operation<String, Value, Refused>;

/// The client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    put: Call,
    describe: Call,
}

/// A request of one operation.
#[derive(Debug)]
pub struct Request<'a> {
    operation: &'static str,
    call: &'a Call,
}

/// The service's refusal.
#[derive(Debug, thiserror::Error)]
#[error("{metadata}")]
pub struct Refused {
    metadata: ErrorMetadata,
}

impl ProvideErrorMetadata for Refused {
    fn meta(&self) -> &ErrorMetadata {
        &self.metadata
    }
}

impl Client {
    /// A client with the credentials, region, endpoint, retries and timeouts of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            put: operation(config, PUT),
            describe: operation(config, DESCRIBE),
        }
    }

    /// Creates or replaces an alarm.
    pub const fn put_metric_alarm(&self) -> Request<'_> {
        Request {
            operation: PUT,
            call: &self.put,
        }
    }

    /// Describes alarms.
    pub const fn describe_alarms(&self) -> Request<'_> {
        Request {
            operation: DESCRIBE,
            call: &self.describe,
        }
    }
}

impl Request<'_> {
    /// Sends `body`, which is about `subject`. Returns the answer's body, `{}` if it is empty.
    ///
    /// # Errors
    /// If the service refuses or cannot be reached.
    pub async fn send(&self, subject: &str, body: &Value) -> Result<Value, ServiceError> {
        let answer = self.call.invoke(body.to_string()).await;
        answer.map_err(|error| service_error(SERVICE, self.operation, subject, error))
    }
}

fn operation(config: &SdkConfig, name: &'static str) -> Call {
    let mut builder = Operation::builder()
        .service_name(SERVICE)
        .operation_name(name)
        .endpoint_url(&endpoint(config))
        .with_connection_poisoning()
        .runtime_plugin(signing(config));
    if let Some(behavior) = config.behavior_version() {
        builder = builder.behavior_version(behavior);
    }
    if let Some(http) = config.http_client() {
        builder = builder.http_client(http);
    }
    if let Some(timeouts) = config.timeout_config() {
        builder = builder.timeout_config(timeouts.clone());
    }
    if let Some(retries) = config.retry_config() {
        builder = builder
            .standard_retry(retries)
            .retry_classifier(TransientErrorClassifier::<Refused>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(AwsErrorCodeClassifier::<Refused>::new());
    }
    if let Some(sleep) = config.sleep_impl() {
        builder = builder.sleep_impl(sleep);
    }
    if let Some(time) = config.time_source() {
        builder = builder.time_source(time);
    }
    builder
        .serializer(move |body: String| request(name, body))
        .deserializer(answer)
        .build()
}

/// The URL of the environment, the profile or the configuration, else the region's.
fn endpoint(config: &SdkConfig) -> String {
    let key = ServiceConfigKey::builder()
        .service_id("CloudWatch")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let own = key
        .ok()
        .and_then(|key| config.service_config()?.load_config(key));
    if let Some(url) = own.or_else(|| config.endpoint_url().map(str::to_owned)) {
        return url;
    }
    let region = config
        .region()
        .map_or("us-east-1", |region| region.as_ref());
    let suffix = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    format!("https://monitoring.{region}.{suffix}")
}

/// Signs each request with the credentials of `config`.
fn signing(config: &SdkConfig) -> StaticRuntimePlugin {
    let mut layer = Layer::new("CloudWatchSigning");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SigV4OperationSigningConfig {
        region: config.region().cloned().map(SigningRegion::from),
        region_set: None,
        name: Some(SigningName::from_static(SIGNING_NAME)),
        signing_options: SigningOptions::default(),
    });
    let resolver = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let mut components = RuntimeComponentsBuilder::new("CloudWatchSigning")
        .with_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
        .with_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(resolver)))
        .with_identity_cache(Some(
            config
                .identity_cache()
                .unwrap_or_else(|| IdentityCache::lazy().build()),
        ));
    if let Some(credentials) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, credentials);
    }
    StaticRuntimePlugin::new()
        .with_config(layer.freeze())
        .with_runtime_components(components)
}

fn request(operation: &str, body: String) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST")?;
    request.set_uri("/")?;
    let headers = request.headers_mut();
    headers.insert("content-type", "application/x-amz-json-1.0");
    headers.insert("x-amz-target", format!("{TARGET}.{operation}"));
    Ok(request)
}

fn answer(response: &HttpResponse) -> Result<Value, OrchestratorError<Refused>> {
    let bytes = response.body().bytes().unwrap_or_default();
    let body = if bytes.is_empty() {
        Ok(Value::Object(serde_json::Map::new()))
    } else {
        serde_json::from_slice(bytes)
    };
    if response.status().is_success() {
        return body.map_err(OrchestratorError::other);
    }
    // A gateway's page is no JSON: the status then says what there is to say.
    let body = body.unwrap_or_default();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let code = text("__type").or_else(|| text("code"));
    let code = code.map(|code| code.rsplit('#').next().unwrap_or_default().to_owned());
    let mut metadata = ErrorMetadata::builder();
    if let Some(code) = code {
        metadata = metadata.code(code);
    }
    if let Some(message) = text("message").or_else(|| text("Message")) {
        metadata = metadata.message(message);
    }
    Err(OrchestratorError::operation(Refused {
        metadata: metadata.build(),
    }))
}
