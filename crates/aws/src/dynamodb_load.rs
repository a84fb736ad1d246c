//! Creates a DynamoDB table and fills it, for the demo and tests.

use crate::attribute::attributes;
use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, PutRequest, ScalarAttributeType,
    StreamSpecification, StreamViewType, TableStatus, WriteRequest,
};
use contract::{ErrorName, ServiceError};
use serde_json::{Value, json};
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

    /// Enables the table's stream with both images. Returns its ARN.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn enable_stream(&self, table: &str) -> Result<String, ServiceError> {
        const OPERATION: &str = "UpdateTable";
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewAndOldImages)
            .build();
        let stream = stream.map_err(|error| unusable(OPERATION, table, &error.to_string()))?;
        let request = self.client.update_table().table_name(table);
        let answer = request.stream_specification(stream).send().await;
        let answer = answer.map_err(|error| refused(OPERATION, table, error))?;
        self.wait_until_active(table).await?;
        let described = answer.table_description;
        let arn = described.and_then(|table| table.latest_stream_arn);
        arn.ok_or_else(|| unusable(OPERATION, table, "the stream has no ARN"))
    }

    /// Sets an attribute of an item; the key and the value are DynamoDB JSON.
    ///
    /// # Errors
    /// If they are not, or the service refuses or fails.
    pub async fn set(
        &self,
        table: &str,
        key: &Value,
        name: &str,
        value: &Value,
    ) -> Result<(), ServiceError> {
        const OPERATION: &str = "UpdateItem";
        let attribute = attributes(&json!({ ":value": value }));
        let (Some(key), Some(value)) = (attributes(key), attribute) else {
            return Err(unusable(OPERATION, table, &format!("{key}, {value}")));
        };
        let request = self.client.update_item().table_name(table);
        let request = request
            .set_key(Some(key))
            .update_expression("SET #name = :value")
            .expression_attribute_names("#name", name)
            .set_expression_attribute_values(Some(value));
        let answer = request.send().await;
        answer
            .map(drop)
            .map_err(|error| refused(OPERATION, table, error))
    }

    /// Deletes an item by its key, in DynamoDB JSON.
    ///
    /// # Errors
    /// If it is not, or the service refuses or fails.
    pub async fn delete(&self, table: &str, key: &Value) -> Result<(), ServiceError> {
        const OPERATION: &str = "DeleteItem";
        let Some(attributes) = attributes(key) else {
            return Err(unusable(OPERATION, table, &format!("{key} is no key")));
        };
        let request = self.client.delete_item().table_name(table);
        let answer = request.set_key(Some(attributes)).send().await;
        answer
            .map(drop)
            .map_err(|error| refused(OPERATION, table, error))
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
