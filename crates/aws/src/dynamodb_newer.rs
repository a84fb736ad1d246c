//! Rows of a table that only newer ones replace.

use crate::attribute::attributes;
use crate::classify::service_error;
use crate::dynamodb::{SERVICE, Tables};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::AttributeValue;
use contract::{ErrorName, ServiceError};
use serde_json::Value;
use source::{Version, WriteNewer, Written};

// A row that has no version is not ours: it stays.
const IS_OLDER: &str = "#version < :version";
const IS_FREE_OR_OLDER: &str = "attribute_not_exists(#key) OR #version < :version";

impl WriteNewer for Tables {
    async fn put_newer(
        &self,
        table: &str,
        row: &Value,
        version: Version<'_>,
    ) -> Result<Written, ServiceError> {
        const OPERATION: &str = "PutItem";
        let key = attributes(version.key);
        let Some(name) = key.as_ref().and_then(|key| key.keys().next()) else {
            return Err(no_item(OPERATION, table, version.key));
        };
        let row = attributes(row).ok_or_else(|| no_item(OPERATION, table, row))?;
        let answer = self
            .client
            .put_item()
            .table_name(table)
            .set_item(Some(row))
            .condition_expression(IS_FREE_OR_OLDER)
            .expression_attribute_names("#key", name)
            .expression_attribute_names("#version", version.attribute)
            .expression_attribute_values(":version", AttributeValue::S(version.text.to_owned()))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Written::Done),
            Err(error) if is_outdated(&error) => Ok(Written::Outdated),
            Err(error) => Err(service_error(SERVICE, OPERATION, table, error)),
        }
    }

    async fn delete_older(
        &self,
        table: &str,
        version: Version<'_>,
    ) -> Result<Written, ServiceError> {
        const OPERATION: &str = "DeleteItem";
        let key = attributes(version.key);
        let key = key.ok_or_else(|| no_item(OPERATION, table, version.key))?;
        let answer = self
            .client
            .delete_item()
            .table_name(table)
            .set_key(Some(key))
            .condition_expression(IS_OLDER)
            .expression_attribute_names("#version", version.attribute)
            .expression_attribute_values(":version", AttributeValue::S(version.text.to_owned()))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Written::Done),
            Err(error) if is_outdated(&error) => Ok(Written::Outdated),
            Err(error) => Err(service_error(SERVICE, OPERATION, table, error)),
        }
    }
}

/// Whether the condition does not hold.
fn is_outdated(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ConditionalCheckFailedException")
}

fn no_item(operation: &'static str, table: &str, what: &Value) -> ServiceError {
    ServiceError {
        name: ErrorName::ServiceRejected,
        service: SERVICE,
        operation,
        subject: table.to_owned(),
        code: "NotCarriedOut".to_owned(),
        message: format!("{what} is no item"),
        source: None,
    }
}
