//! Lambda's functions as [`source::CallFunction`].

use crate::json_client::{Call, Service};
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use contract::ServiceError;
use serde_json::Value;
use source::{CallFunction, FunctionAnswer};

/// The API is REST with JSON bodies: it has paths instead of targets.
const SERVICE: Service = Service {
    name: "Lambda",
    id: "Lambda",
    host: "lambda",
    signing_name: "lambda",
    target: "",
    content_type: "application/json",
};

/// Calls of one function, of which each is waited for.
const ATTEMPTS: u32 = 2;

/// The client of Lambda. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Functions {
    client: Client,
}

/// The operations that are called.
#[derive(Debug, Clone)]
struct Client {
    invoke: Call,
}

impl Client {
    const fn invoke(&self) -> &Call {
        &self.invoke
    }
}

impl Functions {
    /// Lambda at the endpoint of `config` (or `AWS_ENDPOINT_URL_LAMBDA`).
    pub fn new(config: &SdkConfig) -> Self {
        // A call lasts up to a minute: five would outlast the function that calls.
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let config = config.to_builder().retry_config(retries).build();
        let client = Client {
            invoke: Call::new(&config, &SERVICE, "Invoke"),
        };
        Self { client }
    }
}

impl CallFunction for Functions {
    async fn call(&self, arn: &str, payload: &Value) -> Result<FunctionAnswer, ServiceError> {
        // Of an ARN's characters, the colon is the only one that a path has not.
        let name = arn.replace(':', "%3A");
        let path = format!("/2015-03-31/functions/{name}/invocations");
        let received = self.client.invoke().post(path, arn, payload).await?;
        if !received.has_failed {
            return Ok(FunctionAnswer::Returned(received.body));
        }
        let message = received.body["errorMessage"].as_str();
        let message = message.map_or_else(|| received.body.to_string(), str::to_owned);
        Ok(FunctionAnswer::Failed(message))
    }
}
