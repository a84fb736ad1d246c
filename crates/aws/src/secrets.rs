//! Secrets Manager: the text of a secret.

use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use contract::{ErrorName, ServiceError};
use sql_source::Secrets;

const SERVICE: &str = "Secrets Manager";
const OPERATION: &str = "GetSecretValue";

/// The account's secrets. Cheap to clone: clones share the client's connections.
#[derive(Debug, Clone)]
pub struct SecretsManager {
    client: Client,
}

impl SecretsManager {
    /// The secrets where `config` says that Secrets Manager is.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }
}

impl SecretsManager {
    /// Creates a secret.
    ///
    /// # Errors
    /// If there is one of this name, or the service fails.
    pub async fn create(&self, name: &str, text: &str) -> Result<(), ServiceError> {
        let request = self.client.create_secret().name(name).secret_string(text);
        let created = request.send().await;
        created.map_err(|error| service_error(SERVICE, "CreateSecret", name, error))?;
        Ok(())
    }
}

impl Secrets for SecretsManager {
    async fn secret(&self, id: &str) -> Result<String, ServiceError> {
        let answer = self.client.get_secret_value().secret_id(id).send().await;
        let answer = answer.map_err(|error| service_error(SERVICE, OPERATION, id, error))?;
        answer.secret_string.ok_or_else(|| ServiceError {
            name: ErrorName::InvalidDefinition,
            service: SERVICE,
            operation: OPERATION,
            subject: id.to_owned(),
            code: "NoText".to_owned(),
            message: "the secret is binary: store user and password as JSON".to_owned(),
            source: None,
        })
    }
}
