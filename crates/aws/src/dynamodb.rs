//! DynamoDB tables to export: their description, and their keys as JSON. `scan` reads the pages.

mod capacity;

use crate::SdkConfig;
use crate::classify::service_error;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
    Select, TableDescription,
};
use contract::{ErrorName, ServiceError};
use serde_json::{Map, Value, json};
use source::{DescribeTable, IndexInfo, TableInfo};
use std::collections::HashMap;

pub(crate) const SERVICE: &str = "DynamoDB";

/// The tables of an account.
#[derive(Debug, Clone)]
pub struct Tables {
    pub(crate) client: Client,
}

impl Tables {
    /// With the credentials, region and endpoint of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }

    /// What the service says of a table, or `None` if there is none.
    pub(crate) async fn described(
        &self,
        table: &str,
    ) -> Result<Option<TableDescription>, ServiceError> {
        let request = self.client.describe_table().table_name(table);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let error = service_error(SERVICE, "DescribeTable", table, error);
                return if error.name == ErrorName::NotFound {
                    Ok(None)
                } else {
                    Err(error)
                };
            }
        };
        match answer.table {
            Some(described) => Ok(Some(described)),
            None => Err(incomplete("DescribeTable", table, "no table description")),
        }
    }
}

impl DescribeTable for Tables {
    async fn describe(&self, table: &str) -> Result<Option<TableInfo>, ServiceError> {
        let Some(described) = self.described(table).await? else {
            return Ok(None);
        };
        Ok(Some(TableInfo {
            arn: described.table_arn().map(str::to_owned),
            id: described.table_id().map(str::to_owned),
            key_attributes: key_attributes(described.key_schema()),
            has_number_key: has_number_key(&described),
            items: unsigned(described.item_count()),
            bytes: unsigned(described.table_size_bytes()),
            indexes: indexes(&described),
            capacity: capacity::of_table(&described),
        }))
    }

    async fn holds_an_item(&self, table: &str, index: Option<&str>) -> Result<bool, ServiceError> {
        let mut start = None;
        loop {
            let answer = self
                .client
                .scan()
                .table_name(table)
                .set_index_name(index.map(str::to_owned))
                .limit(1)
                .select(Select::Count)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| service_error(SERVICE, "Scan", table, error))?;
            if answer.count() > 0 {
                return Ok(true);
            }
            // An empty page is not the end.
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(false);
            }
        }
    }
}

/// The names of a key's attributes: partition key first, in any order of the answer.
fn key_attributes(schema: &[KeySchemaElement]) -> Vec<String> {
    let mut keys: Vec<_> = schema.iter().collect();
    keys.sort_by_key(|key| *key.key_type() != KeyType::Hash);
    keys.iter()
        .map(|key| key.attribute_name().to_owned())
        .collect()
}

/// Whether a table's partition key is a number.
fn has_number_key(table: &TableDescription) -> bool {
    let keys = key_attributes(table.key_schema());
    let definitions = table.attribute_definitions().iter();
    let mut of_key =
        definitions.filter(|one| keys.first().is_some_and(|key| one.attribute_name() == key));
    of_key.any(|one| *one.attribute_type() == ScalarAttributeType::N)
}

/// The attributes that an index holds besides keys; `None` if all, or if the service does not say.
fn projects(projection: Option<&Projection>) -> Option<Vec<String>> {
    let projection = projection?;
    match projection.projection_type()? {
        ProjectionType::KeysOnly => Some(Vec::new()),
        ProjectionType::Include => Some(projection.non_key_attributes().to_vec()),
        _ => None,
    }
}

fn indexes(table: &TableDescription) -> Vec<IndexInfo> {
    let global = table.global_secondary_indexes().iter().map(|index| {
        Some(IndexInfo {
            name: index.index_name()?.to_owned(),
            global: true,
            key_attributes: key_attributes(index.key_schema()),
            projects: projects(index.projection()),
            items: unsigned(index.item_count()),
            bytes: unsigned(index.index_size_bytes()),
            capacity: capacity::of_index(table, index),
        })
    });
    let local = table.local_secondary_indexes().iter().map(|index| {
        Some(IndexInfo {
            name: index.index_name()?.to_owned(),
            global: false,
            key_attributes: key_attributes(index.key_schema()),
            projects: projects(index.projection()),
            items: unsigned(index.item_count()),
            bytes: unsigned(index.index_size_bytes()),
            capacity: capacity::of_table(table),
        })
    });
    global.chain(local).flatten().collect()
}

/// A table's key in DynamoDB JSON. Keys are text, numbers or binary.
pub(crate) fn key_to_json(key: &HashMap<String, AttributeValue>) -> Value {
    let mut names: Vec<_> = key.keys().collect();
    names.sort_unstable();
    let attributes: Map<String, Value> = names
        .into_iter()
        .filter_map(|name| {
            let value = match &key[name] {
                AttributeValue::S(text) => json!({"S": text}),
                AttributeValue::N(number) => json!({"N": number}),
                AttributeValue::B(blob) => {
                    json!({"B": aws_smithy_types::base64::encode(blob.as_ref())})
                }
                _ => return None,
            };
            Some((name.clone(), value))
        })
        .collect();
    Value::Object(attributes)
}

pub(crate) fn key_from_json(key: &Value) -> Option<HashMap<String, AttributeValue>> {
    key.as_object()?
        .iter()
        .map(|(name, tagged)| {
            let (tag, value) = tagged.as_object()?.iter().next()?;
            let text = value.as_str()?.to_owned();
            let value = match tag.as_str() {
                "S" => AttributeValue::S(text),
                "N" => AttributeValue::N(text),
                "B" => AttributeValue::B(aws_smithy_types::base64::decode(text).ok()?.into()),
                _ => return None,
            };
            Some((name.clone(), value))
        })
        .collect()
}

fn unsigned(count: Option<i64>) -> u64 {
    count
        .and_then(|count| u64::try_from(count).ok())
        .unwrap_or(0)
}

pub(crate) fn incomplete(operation: &'static str, table: &str, what: &str) -> ServiceError {
    ServiceError {
        name: ErrorName::ServiceUnavailable,
        service: SERVICE,
        operation,
        subject: table.to_owned(),
        code: "UnexpectedAnswer".to_owned(),
        message: what.to_owned(),
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::Blob;

    #[test]
    fn a_key_survives_the_way_through_json() {
        let key = HashMap::from([
            (
                "user_id".to_owned(),
                AttributeValue::S("u\u{1F600}".to_owned()),
            ),
            ("at".to_owned(), AttributeValue::B(Blob::new([0, 128]))),
        ]);
        assert_eq!(key_from_json(&key_to_json(&key)), Some(key));
        for bad in [json!(7), json!({"k": {"S": 7}}), json!({"k": {"M": {}}})] {
            assert_eq!(key_from_json(&bad), None);
        }
    }
}
