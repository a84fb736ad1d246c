//! Writes items into a table that exists, batch by batch.

use crate::attribute::{attributes, item_to_json};
use crate::classify::service_error;
use crate::dynamodb::{SERVICE, Tables, incomplete};
use aws_sdk_dynamodb::types::{
    BillingMode, BillingModeSummary, ConsumedCapacity, KeyType, PutRequest, ReturnConsumedCapacity,
    ScalarAttributeType, WriteRequest,
};
use contract::ServiceError;
use dynamodb_json::Kind;
use serde_json::Value;

const OPERATION: &str = "BatchWriteItem";

/// Items of one request, at most. Source: Amazon DynamoDB API reference, `BatchWriteItem`.
pub const BATCH: usize = 25;

/// A table that items are written into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetTable {
    /// Its ARN, or its name where the service says none.
    pub arn: String,
    /// The key's attributes with their types: partition key, then sort key if there is one.
    pub key: Vec<(String, Kind)>,
    /// Whether writes are paid for one by one.
    pub on_demand: bool,
}

/// What a request did.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchWritten {
    /// Items that the table did not take: to be sent again after a pause.
    pub unprocessed: Vec<Value>,
    /// Write units that were consumed, if the service says.
    pub write_units: Option<f64>,
}

impl Tables {
    /// The table to write into, or `None` if there is none.
    ///
    /// # Errors
    /// If the service refuses or fails.
    pub async fn target(&self, table: &str) -> Result<Option<TargetTable>, ServiceError> {
        let Some(described) = self.described(table).await? else {
            return Ok(None);
        };
        let kind = |name: &str| {
            let mut definitions = described.attribute_definitions().iter();
            let found = definitions.find(|one| one.attribute_name() == name)?;
            match found.attribute_type() {
                ScalarAttributeType::S => Some(Kind::S),
                ScalarAttributeType::N => Some(Kind::N),
                ScalarAttributeType::B => Some(Kind::B),
                _ => None,
            }
        };
        let mut schema: Vec<_> = described.key_schema().iter().collect();
        schema.sort_by_key(|element| *element.key_type() != KeyType::Hash);
        let key = schema.iter().map(|element| {
            let name = element.attribute_name();
            Some((name.to_owned(), kind(name)?))
        });
        let key: Option<Vec<_>> = key.collect();
        let key = key.ok_or_else(|| incomplete("DescribeTable", table, "a key without types"))?;
        let billing = described.billing_mode_summary();
        let billing = billing.and_then(BillingModeSummary::billing_mode);
        Ok(Some(TargetTable {
            arn: described.table_arn().unwrap_or(table).to_owned(),
            key,
            on_demand: billing == Some(&BillingMode::PayPerRequest),
        }))
    }

    /// Puts at most [`BATCH`] items, in DynamoDB JSON, each an object from attribute to typed value.
    /// An item with the same key is replaced.
    ///
    /// # Errors
    /// If an item is not DynamoDB JSON, or the service refuses or fails; `Throttled` if it took none.
    pub async fn write_batch(
        &self,
        table: &str,
        items: &[Value],
    ) -> Result<BatchWritten, ServiceError> {
        let mut requests = Vec::with_capacity(items.len());
        for item in items {
            let put = attributes(item)
                .and_then(|item| PutRequest::builder().set_item(Some(item)).build().ok());
            let put = put.ok_or_else(|| incomplete(OPERATION, table, "a line that is no item"))?;
            requests.push(WriteRequest::builder().put_request(put).build());
        }
        let answer = self
            .client
            .batch_write_item()
            .request_items(table, requests)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| service_error(SERVICE, OPERATION, table, error))?;
        let capacity = answer.consumed_capacity().iter();
        let units: Vec<f64> = capacity
            .filter_map(ConsumedCapacity::capacity_units)
            .collect();
        let left = answer.unprocessed_items.unwrap_or_default();
        let left = left.into_values().flatten();
        let unprocessed: Option<Vec<_>> = left
            .map(|request| item_to_json(&request.put_request?.item))
            .collect();
        Ok(BatchWritten {
            unprocessed: unprocessed.ok_or_else(|| {
                incomplete(OPERATION, table, "an unprocessed request that is no put")
            })?,
            write_units: (!units.is_empty()).then(|| units.iter().sum()),
        })
    }
}
