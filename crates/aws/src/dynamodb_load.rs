//! Makes a DynamoDB table and fills it: the other direction of [`crate::dynamodb`], for people who
//! try the pipeline. It must not know what the items mean.

use crate::classify::service_error;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, PutRequest,
    ScalarAttributeType, TableStatus, WriteRequest,
};
use contract::{ErrorName, ServiceError};
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;

const SERVICE: &str = "DynamoDB";
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
const LOOKS: u32 = 300;
const UNPROCESSED_ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The most items of one [`TableLoader::put`].
pub const BATCH: usize = 25;

/// Makes tables and fills them. Cheap to clone: clones share the client's connections.
#[derive(Debug, Clone)]
pub struct TableLoader {
    client: Client,
}

impl TableLoader {
    /// Where `config` says that DynamoDB is.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }

    /// Makes an on-demand table with textual keys, and waits until it can be used.
    ///
    /// # Errors
    /// Named `Conflict` if there is a table of this name; or if the service refuses or fails.
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
            // The builders fail only where a field was not set.
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

    /// Puts at most [`BATCH`] items, in DynamoDB JSON: each an object from attribute to typed value.
    /// What the service leaves over is sent again, with growing pauses.
    ///
    /// # Errors
    /// If an item is no DynamoDB JSON, or the service refuses, fails, or keeps leaving items over.
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

fn attributes(item: &Value) -> Option<HashMap<String, AttributeValue>> {
    item.as_object()?
        .iter()
        .map(|(name, tagged)| Some((name.clone(), attribute(tagged)?)))
        .collect()
}

fn attribute(tagged: &Value) -> Option<AttributeValue> {
    let mut tags = tagged.as_object()?.iter();
    let (tag, value) = tags.next()?;
    if tags.next().is_some() {
        return None;
    }
    Some(match tag.as_str() {
        "S" => AttributeValue::S(value.as_str()?.to_owned()),
        "N" => AttributeValue::N(value.as_str()?.to_owned()),
        "B" => AttributeValue::B(blob(value)?),
        "BOOL" => AttributeValue::Bool(value.as_bool()?),
        "NULL" => AttributeValue::Null(value.as_bool()?),
        "M" => AttributeValue::M(attributes(value)?),
        "L" => AttributeValue::L(each(value, attribute)?),
        "SS" => AttributeValue::Ss(each(value, text)?),
        "NS" => AttributeValue::Ns(each(value, text)?),
        "BS" => AttributeValue::Bs(each(value, blob)?),
        _ => return None,
    })
}

fn each<T>(list: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    list.as_array()?.iter().map(read).collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn blob(value: &Value) -> Option<aws_smithy_types::Blob> {
    let bytes = aws_smithy_types::base64::decode(value.as_str()?).ok()?;
    Some(aws_smithy_types::Blob::new(bytes))
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_type_is_read() {
        let item = json!({
            "s": {"S": "é\"\n"}, "n": {"N": "12345678901234567890123456789012345678"},
            "b": {"B": "AQI="}, "bool": {"BOOL": false}, "null": {"NULL": true},
            "m": {"M": {"x": {"L": [{"S": ""}]}}},
            "ss": {"SS": ["p"]}, "ns": {"NS": ["1"]}, "bs": {"BS": ["/w=="]},
        });
        let read = attributes(&item).unwrap();
        assert_eq!(read.len(), 9);
        assert_eq!(read["s"].as_s().unwrap(), "é\"\n");
        assert_eq!(read["n"].as_n().unwrap().len(), 38);
        assert_eq!(read["b"].as_b().unwrap().as_ref(), [1, 2]);
        let inner = &read["m"].as_m().unwrap()["x"];
        assert_eq!(inner.as_l().unwrap()[0].as_s().unwrap(), "");
        assert_eq!(read["bs"].as_bs().unwrap()[0].as_ref(), [255]);
    }

    #[test]
    fn what_is_no_item_is_refused() {
        let bad = [
            json!(7),
            json!({"a": "text"}),
            json!({"a": {"N": 7}}),
            json!({"a": {"S": "x", "N": "1"}}),
            json!({"a": {"X": "x"}}),
            json!({"a": {"B": "not base64!"}}),
        ];
        for item in bad {
            assert!(attributes(&item).is_none(), "{item}");
        }
    }
}
