//! A value of the SDK as DynamoDB JSON has it.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The typed value; null for what is none of `DynamoDB`'s types.
pub fn model(value: &AttributeValue) -> Value {
    let map = |map: &HashMap<String, AttributeValue>| -> Value {
        map.iter()
            .map(|(name, value)| (name.clone(), model(value)))
            .collect()
    };
    let base64 =
        |blob: &aws_sdk_dynamodb::primitives::Blob| aws_smithy_types::base64::encode(blob.as_ref());
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::B(blob) => json!({ "B": base64(blob) }),
        AttributeValue::Bool(value) => json!({ "BOOL": value }),
        AttributeValue::Null(value) => json!({ "NULL": value }),
        AttributeValue::M(inner) => json!({ "M": map(inner) }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(model).collect::<Vec<_>>() }),
        AttributeValue::Ss(set) => json!({ "SS": set }),
        AttributeValue::Ns(set) => json!({ "NS": set }),
        AttributeValue::Bs(set) => json!({ "BS": set.iter().map(base64).collect::<Vec<_>>() }),
        _ => Value::Null,
    }
}
