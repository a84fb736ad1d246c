//! Reads one item of a table by its key.

use crate::attribute::item_to_json;
use crate::classify::service_error;
use crate::dynamodb::{SERVICE, Tables, incomplete};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, KeySchemaElement, ScalarAttributeType, TableDescription,
};
use contract::{ErrorName, ServiceError};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

impl Tables {
    /// The item with this key, as DynamoDB JSON without `Item` around it; `None` if there is none.
    /// The key's values are text: DynamoDB knows their types.
    ///
    /// # Errors
    /// If the names are not those of the table's key, a value is not of its type, or the service
    /// refuses or fails.
    pub async fn read_item(
        &self,
        table: &str,
        key: &BTreeMap<String, String>,
    ) -> Result<Option<Value>, ServiceError> {
        let described = self.client.describe_table().table_name(table).send().await;
        let described =
            described.map_err(|error| service_error(SERVICE, "DescribeTable", table, error))?;
        let described = described.table();
        let schema = described
            .map(TableDescription::key_schema)
            .unwrap_or_default();
        let names: Vec<_> = schema
            .iter()
            .map(KeySchemaElement::attribute_name)
            .collect();
        let given: Vec<_> = key.keys().map(String::as_str).collect();
        if names.len() != given.len() || names.iter().any(|name| !given.contains(name)) {
            let message = format!(
                "the key has {}, not {}",
                names.join(" and "),
                given.join(" and ")
            );
            return Err(refused(table, message));
        }
        let types = described.map(TableDescription::attribute_definitions);
        let mut typed_key = HashMap::new();
        for (name, text) in key {
            let value = typed(types.unwrap_or_default(), name, text);
            let value = value.map_err(|message| refused(table, message))?;
            typed_key.insert(name.clone(), value);
        }
        let request = self.client.get_item().table_name(table);
        let answer = request
            .set_key(Some(typed_key))
            .consistent_read(true)
            .send()
            .await;
        let answer = answer.map_err(|error| service_error(SERVICE, "GetItem", table, error))?;
        let Some(item) = answer.item else {
            return Ok(None);
        };
        let item = item_to_json(&item);
        item.map(Some)
            .ok_or_else(|| incomplete("GetItem", table, "a value of an unknown type"))
    }
}

fn typed(types: &[AttributeDefinition], name: &str, text: &str) -> Result<AttributeValue, String> {
    let kind = types.iter().find(|kind| kind.attribute_name() == name);
    match kind.map(AttributeDefinition::attribute_type) {
        Some(ScalarAttributeType::N) => Ok(AttributeValue::N(text.to_owned())),
        Some(ScalarAttributeType::B) => {
            let bytes = aws_smithy_types::base64::decode(text);
            let bytes =
                bytes.map_err(|_| format!("{name} is binary, and {text:?} is no base64"))?;
            Ok(AttributeValue::B(bytes.into()))
        }
        _ => Ok(AttributeValue::S(text.to_owned())),
    }
}

fn refused(table: &str, message: String) -> ServiceError {
    ServiceError {
        name: ErrorName::InvalidRequest,
        service: SERVICE,
        operation: "GetItem",
        subject: table.to_owned(),
        code: "InvalidKey".to_owned(),
        message,
        source: None,
    }
}
