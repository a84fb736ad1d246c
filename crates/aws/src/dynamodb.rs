//! DynamoDB as the table that is exported. It must not know what becomes of the items.

use crate::SdkConfig;
use crate::classify::service_error;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeyType, ReturnConsumedCapacity, Select};
use contract::{ErrorName, ServiceError};
use item::LineWriter;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use table::{DescribeTable, PageBuffer, PageEnd, PageRequest, ScanPages, TableInfo};

const SERVICE: &str = "DynamoDB";

/// The tables of an account.
#[derive(Debug, Clone)]
pub struct Tables {
    client: Client,
}

impl Tables {
    /// With the credentials, region and endpoint of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: Client::new(config),
        }
    }
}

impl DescribeTable for Tables {
    async fn describe(&self, table: &str) -> Result<Option<TableInfo>, ServiceError> {
        let answer = match self.client.describe_table().table_name(table).send().await {
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
        let Some(described) = answer.table() else {
            return Err(incomplete("DescribeTable", table, "no table description"));
        };
        // Partition key first, whatever the order of the answer.
        let mut keys: Vec<_> = described.key_schema().iter().collect();
        keys.sort_by_key(|key| *key.key_type() != KeyType::Hash);
        Ok(Some(TableInfo {
            key_attributes: keys
                .iter()
                .map(|key| key.attribute_name().to_owned())
                .collect(),
            items: unsigned(described.item_count()),
            bytes: unsigned(described.table_size_bytes()),
        }))
    }

    async fn holds_an_item(&self, table: &str) -> Result<bool, ServiceError> {
        let mut start = None;
        loop {
            let answer = self
                .client
                .scan()
                .table_name(table)
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

impl ScanPages for Tables {
    async fn page(
        &self,
        request: &PageRequest<'_>,
        buffer: &mut PageBuffer,
    ) -> Result<PageEnd, ServiceError> {
        buffer.clear();
        let start = match request.cursor {
            Some(cursor) => Some(key_from_json(cursor).ok_or_else(|| ServiceError {
                name: ErrorName::DatasetInvalid,
                service: SERVICE,
                operation: "Scan",
                subject: request.table.to_owned(),
                code: "Cursor".to_owned(),
                message: format!("{cursor} is no key of a DynamoDB table"),
                source: None,
            })?),
            None => None,
        };
        let answer = self
            .client
            .scan()
            .table_name(request.table)
            .segment(request.segment.try_into().unwrap_or(i32::MAX))
            .total_segments(request.total_segments.try_into().unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .consistent_read(request.consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| {
                let subject = format!("segment {} of {}", request.segment, request.table);
                service_error(SERVICE, "Scan", subject, error)
            })?;
        for attributes in answer.items() {
            // A type that this client does not know would otherwise be lost without a word.
            if let Some((name, _)) = attributes.iter().find(|(_, value)| !is_known(value)) {
                return Err(incomplete(
                    "Scan",
                    request.table,
                    &format!("an unknown type in {name}"),
                ));
            }
            buffer.push_with(|out| write_item(out, attributes));
        }
        let cursor = answer.last_evaluated_key.as_ref().map(key_to_json);
        let read_units = answer
            .consumed_capacity
            .and_then(|c| c.capacity_units)
            .unwrap_or(0.0);
        Ok(PageEnd { cursor, read_units })
    }
}

fn is_known(value: &AttributeValue) -> bool {
    match value {
        AttributeValue::M(attributes) => attributes.values().all(is_known),
        AttributeValue::L(elements) => elements.iter().all(is_known),
        other => !other.is_unknown(),
    }
}

/// One raw line. The SDK keeps attributes in a map without order; sorted names make equal items
/// equal lines.
fn write_item(out: &mut Vec<u8>, attributes: &HashMap<String, AttributeValue>) {
    let mut line = LineWriter::new(out);
    line.begin_item();
    write_attributes(&mut line, attributes);
    line.end_item();
}

fn write_attributes(line: &mut LineWriter<'_>, attributes: &HashMap<String, AttributeValue>) {
    let mut names: Vec<_> = attributes.keys().collect();
    names.sort_unstable();
    for name in names {
        line.name(name);
        write_value(line, &attributes[name]);
    }
}

fn write_value(line: &mut LineWriter<'_>, value: &AttributeValue) {
    match value {
        AttributeValue::S(text) => line.string(text),
        AttributeValue::N(number) => line.number(number),
        AttributeValue::B(blob) => line.binary(blob.as_ref()),
        AttributeValue::Bool(value) => line.boolean(*value),
        AttributeValue::M(attributes) => {
            line.begin_map();
            write_attributes(line, attributes);
            line.end_map();
        }
        AttributeValue::L(elements) => {
            line.begin_list();
            for element in elements {
                write_value(line, element);
            }
            line.end_list();
        }
        AttributeValue::Ss(members) => line.string_set(members),
        AttributeValue::Ns(members) => line.number_set(members),
        AttributeValue::Bs(members) => line.binary_set(members),
        // Unknown types were refused at the item; `Null(false)` does not exist in DynamoDB.
        _ => line.null(),
    }
}

/// A table's key in DynamoDB JSON. Keys are text, numbers or binary.
fn key_to_json(key: &HashMap<String, AttributeValue>) -> Value {
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

fn key_from_json(key: &Value) -> Option<HashMap<String, AttributeValue>> {
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

fn incomplete(operation: &'static str, table: &str, what: &str) -> ServiceError {
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
    fn every_type_becomes_dynamodb_json() {
        let s = |text: &str| AttributeValue::S(text.to_owned());
        let attributes = HashMap::from([
            ("a".to_owned(), s("é\"\n")),
            (
                "b".to_owned(),
                AttributeValue::N("12345678901234567890123456789012345678".to_owned()),
            ),
            ("c".to_owned(), AttributeValue::B(Blob::new([1, 2]))),
            ("d".to_owned(), AttributeValue::Bool(false)),
            ("e".to_owned(), AttributeValue::Null(true)),
            (
                "f".to_owned(),
                AttributeValue::M(HashMap::from([("x".to_owned(), s(""))])),
            ),
            (
                "g".to_owned(),
                AttributeValue::L(vec![s("y"), AttributeValue::L(Vec::new())]),
            ),
            (
                "h".to_owned(),
                AttributeValue::Ss(vec!["p".to_owned(), "q".to_owned()]),
            ),
            ("i".to_owned(), AttributeValue::Ns(vec!["1".to_owned()])),
            ("j".to_owned(), AttributeValue::Bs(vec![Blob::new([255])])),
        ]);
        let mut line = Vec::new();
        write_item(&mut line, &attributes);
        let parsed: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(
            parsed,
            json!({"Item": {
                "a": {"S": "é\"\n"},
                "b": {"N": "12345678901234567890123456789012345678"},
                "c": {"B": "AQI="},
                "d": {"BOOL": false},
                "e": {"NULL": true},
                "f": {"M": {"x": {"S": ""}}},
                "g": {"L": [{"S": "y"}, {"L": []}]},
                "h": {"SS": ["p", "q"]},
                "i": {"NS": ["1"]},
                "j": {"BS": ["/w=="]},
            }})
        );
        assert!(line.ends_with(b"}}\n"));
    }

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
