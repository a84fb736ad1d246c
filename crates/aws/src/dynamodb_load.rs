//! Creates a DynamoDB table and fills it, for the demo and tests.

use crate::attribute::attributes;
use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, PutRequest, ScalarAttributeType,
    TableStatus, WriteRequest,
};
use contract::{ErrorName, ServiceError};
use serde_json::Value;
use std::time::Duration;

const SERVICE: &str = "DynamoDB";
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
const LOOKS: u32 = 300;
const UNPROCESSED_ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Maximum number of items of one [`TableLoader::put`].
pub const BATCH: usize = 25;

/// Creates tables and fills them. Cheap to clone: clones share the client's connections.
#[derive(Debug, Clone)]
pub struct TableLoader {
    client: Client,
}

impl TableLoader {
    /// At the DynamoDB endpoint of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }

    /// Creates an on-demand table with textual keys, and waits until it can be used.
    ///
    /// # Errors
    /// Named `Conflict` if there is a table with this name; or if the service refuses or fails.
    pub async fn create(
        &self,
        table: &str,
        partition_key: &str,
        sort_key: &str,
    ) -> Result<(), ServiceError> {
        const OPERATION: &str = "CreateTable";
        let mut request = self
            .client
            .create_table()
            .table_name(table)
            .billing_mode(BillingMode::PayPerRequest);
        for (name, role) in [(partition_key, KeyType::Hash), (sort_key, KeyType::Range)] {
            let attribute = AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S)
                .build();
            let element = KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(role)
                .build();
            // The builders fail only if a field was not set.
            let (Ok(attribute), Ok(element)) = (attribute, element) else {
                return Err(unusable(OPERATION, table, "a key without name"));
            };
            request = request.attribute_definitions(attribute).key_schema(element);
        }
        let answer = request.send().await;
        answer.map_err(|error| refused(OPERATION, table, error))?;
        self.wait_until_active(table).await
    }

    async fn wait_until_active(&self, table: &str) -> Result<(), ServiceError> {
        const OPERATION: &str = "DescribeTable";
        for _ in 0..LOOKS {
            let answer = self.client.describe_table().table_name(table).send().await;
            let answer = answer.map_err(|error| refused(OPERATION, table, error))?;
            let status = answer.table.and_then(|table| table.table_status);
            if status == Some(TableStatus::Active) {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Err(unusable(OPERATION, table, "it does not become active"))
    }

    /// Puts at most [`BATCH`] items, in DynamoDB JSON: each an object from attribute to typed
    /// value. Unprocessed items are sent again, with growing pauses.
    ///
    /// # Errors
    /// If an item is not DynamoDB JSON, or the service refuses, fails, or keeps leaving items
    /// unprocessed.
    pub async fn put(&self, table: &str, items: &[Value]) -> Result<(), ServiceError> {
        const OPERATION: &str = "BatchWriteItem";
        let mut requests = Vec::with_capacity(items.len());
        for item in items {
            let attributes = attributes(item)
                .ok_or_else(|| unusable(OPERATION, table, &format!("{item} is no item")))?;
            let put = PutRequest::builder().set_item(Some(attributes)).build();
            let put = put.map_err(|error| unusable(OPERATION, table, &error.to_string()))?;
            requests.push(WriteRequest::builder().put_request(put).build());
        }
        let mut pause = FIRST_PAUSE;
        for _ in 0..UNPROCESSED_ATTEMPTS {
            let request = self.client.batch_write_item();
            let answer = request.request_items(table, requests).send().await;
            let answer = answer.map_err(|error| refused(OPERATION, table, error))?;
            let left_over = answer.unprocessed_items.unwrap_or_default();
            let Some(again) = left_over
                .into_values()
                .next()
                .filter(|left| !left.is_empty())
            else {
                return Ok(());
            };
            requests = again;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        let mut error = unusable(OPERATION, table, "it keeps leaving items unprocessed");
        error.name = ErrorName::Throttled;
        Err(error)
    }
}

fn refused<E>(operation: &'static str, table: &str, error: SdkError<E>) -> ServiceError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    service_error(SERVICE, operation, table, error)
}

fn unusable(operation: &'static str, table: &str, message: &str) -> ServiceError {
    ServiceError {
        name: ErrorName::ServiceRejected,
        service: SERVICE,
        operation,
        subject: table.to_owned(),
        code: "NotCarriedOut".to_owned(),
        message: message.to_owned(),
        source: None,
    }
}
