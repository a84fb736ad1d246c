//! A client of a few operations of a service that speaks JSON, by the SDK's own parts: its
//! orchestrator with retries and timeouts, its signer, its HTTP client. The generated client of a
//! service is far larger than the one or two operations that are called of it.
//!
//! Source: the AWS JSON 1.0 and 1.1 protocols of Smithy, and its AWS restJson1 protocol.

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
use contract::{ErrorName, ServiceError};
use serde_json::Value;

/// A service, as its model describes it.
#[derive(Debug)]
pub struct Service {
    /// Its name in errors.
    pub name: &'static str,
    /// The model's `serviceId`, by which endpoints are configured.
    pub id: &'static str,
    /// The first part of its host name.
    pub host: &'static str,
    /// The name that requests are signed for.
    pub signing_name: &'static str,
    /// The prefix of `X-Amz-Target`; empty for a service whose operations have paths.
    pub target: &'static str,
    /// The protocol's content type.
    pub content_type: &'static str,
}

/// An operation of a service, ready to be called. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Call {
    service: &'static Service,
    operation: &'static str,
    invocation: Operation<Sent, Received, Refused>,
}

/// A request: the path, percent-encoded, and the body; one without a body gets.
#[derive(Debug)]
struct Sent {
    path: String,
    body: Option<String>,
}

/// The answer of a service that did not refuse.
#[derive(Debug)]
pub struct Received {
    /// The body, `{}` if it is empty.
    pub body: Value,
    /// Whether it is the error of a function that Lambda called.
    pub has_failed: bool,
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

impl Call {
    /// The operation with the credentials, region, endpoint, retries and timeouts of `config`.
    pub fn new(config: &SdkConfig, service: &'static Service, operation: &'static str) -> Self {
        let mut builder = Operation::builder()
            .service_name(service.name)
            .operation_name(operation)
            .endpoint_url(&endpoint(config, service))
            .with_connection_poisoning()
            .runtime_plugin(signing(config, service));
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
        let call = builder
            .serializer(move |sent: Sent| request(service, operation, sent))
            .deserializer(answer)
            .build();
        Self {
            service,
            operation,
            invocation: call,
        }
    }

    /// Sends `body`, which is about `subject`. Returns the answer's body, `{}` if it is empty.
    ///
    /// # Errors
    /// If the service refuses or cannot be reached.
    pub async fn send(&self, subject: &str, body: &Value) -> Result<Value, ServiceError> {
        Ok(self.post("/".to_owned(), subject, body).await?.body)
    }

    /// As [`Call::send`], to a path, whose characters are percent-encoded as they must be.
    ///
    /// # Errors
    /// If the service refuses or cannot be reached.
    pub async fn post(
        &self,
        path: String,
        subject: &str,
        body: &Value,
    ) -> Result<Received, ServiceError> {
        let body = Some(body.to_string());
        let answer = self.invocation.invoke(Sent { path, body }).await;
        answer.map_err(|error| service_error(self.service.name, self.operation, subject, error))
    }

    /// Gets a path, whose characters are percent-encoded as they must be. Returns the answer's body.
    ///
    /// # Errors
    /// If the service refuses or cannot be reached.
    pub async fn get(&self, path: String, subject: &str) -> Result<Value, ServiceError> {
        let answer = self.invocation.invoke(Sent { path, body: None }).await;
        let answer = answer
            .map_err(|error| service_error(self.service.name, self.operation, subject, error))?;
        Ok(answer.body)
    }

    /// The error of an answer that cannot be read.
    pub fn unreadable(&self, subject: &str, message: String) -> ServiceError {
        ServiceError {
            name: ErrorName::ServiceUnavailable,
            service: self.service.name,
            operation: self.operation,
            subject: subject.to_owned(),
            code: "ResponseUnreadable".to_owned(),
            message,
            source: None,
        }
    }
}

/// The URL of the environment, the profile or the configuration, else the region's.
fn endpoint(config: &SdkConfig, service: &Service) -> String {
    let key = ServiceConfigKey::builder()
        .service_id(service.id)
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
    format!("https://{}.{region}.{suffix}", service.host)
}

/// Signs each request with the credentials of `config`.
fn signing(config: &SdkConfig, service: &Service) -> StaticRuntimePlugin {
    let mut layer = Layer::new("Signing");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SigV4OperationSigningConfig {
        region: config.region().cloned().map(SigningRegion::from),
        region_set: None,
        name: Some(SigningName::from_static(service.signing_name)),
        signing_options: SigningOptions::default(),
    });
    let resolver = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let mut components = RuntimeComponentsBuilder::new("Signing")
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

fn request(service: &Service, operation: &str, sent: Sent) -> Result<HttpRequest, BoxError> {
    let method = if sent.body.is_some() { "POST" } else { "GET" };
    let body = sent.body.map_or_else(SdkBody::empty, SdkBody::from);
    let mut request = HttpRequest::new(body);
    request.set_method(method)?;
    request.set_uri(sent.path)?;
    let headers = request.headers_mut();
    headers.insert("content-type", service.content_type);
    if !service.target.is_empty() {
        headers.insert("x-amz-target", format!("{}.{operation}", service.target));
    }
    Ok(request)
}

fn answer(response: &HttpResponse) -> Result<Received, OrchestratorError<Refused>> {
    let bytes = response.body().bytes().unwrap_or_default();
    let body = if bytes.is_empty() {
        Ok(Value::Object(serde_json::Map::new()))
    } else {
        serde_json::from_slice(bytes)
    };
    if response.status().is_success() {
        let has_failed = response.headers().get("x-amz-function-error").is_some();
        let body = body.map_err(OrchestratorError::other)?;
        return Ok(Received { body, has_failed });
    }
    // A gateway's page is no JSON: the status then says what there is to say.
    let body = body.unwrap_or_default();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let code = text("__type").or_else(|| text("code"));
    let code = code.or_else(|| {
        let header = response.headers().get("x-amzn-errortype");
        header.map(|code| code.split(':').next().unwrap_or_default().to_owned())
    });
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
