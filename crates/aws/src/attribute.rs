//! DynamoDB JSON as the SDK's attribute values.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::collections::HashMap;

/// An item, or any other map of typed values; `None` if it is not DynamoDB JSON.
pub(crate) fn attributes(item: &Value) -> Option<HashMap<String, AttributeValue>> {
    item.as_object()?
        .iter()
        .map(|(name, tagged)| Some((name.clone(), attribute(tagged)?)))
        .collect()
}

/// A typed value; `None` if it is not one.
pub(crate) fn attribute(tagged: &Value) -> Option<AttributeValue> {
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

/// A typed value as DynamoDB JSON; `None` if it is of a type that this SDK does not know.
pub(crate) fn to_json(attribute: &AttributeValue) -> Option<Value> {
    let base64 = |blob: &aws_smithy_types::Blob| aws_smithy_types::base64::encode(blob.as_ref());
    Some(match attribute {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::B(blob) => json!({ "B": base64(blob) }),
        AttributeValue::Bool(value) => json!({ "BOOL": value }),
        AttributeValue::Null(value) => json!({ "NULL": value }),
        AttributeValue::M(map) => json!({ "M": item_to_json(map)? }),
        AttributeValue::L(list) => {
            json!({ "L": list.iter().map(to_json).collect::<Option<Vec<_>>>()? })
        }
        AttributeValue::Ss(all) => json!({ "SS": all }),
        AttributeValue::Ns(all) => json!({ "NS": all }),
        AttributeValue::Bs(all) => json!({ "BS": all.iter().map(base64).collect::<Vec<_>>() }),
        _ => return None,
    })
}

/// An item, or any other map of typed values, as DynamoDB JSON.
pub(crate) fn item_to_json(item: &HashMap<String, AttributeValue>) -> Option<Value> {
    let fields = item.iter();
    let fields = fields.map(|(name, value)| Some((name.clone(), to_json(value)?)));
    fields.collect::<Option<_>>().map(Value::Object)
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

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(item_to_json(&read), Some(item));
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
