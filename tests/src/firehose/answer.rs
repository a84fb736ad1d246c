//! What Firehose makes of a function's answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most bytes of an invocation's payload, and of its answer. Source: AWS Lambda Developer Guide,
/// "Lambda quotas".
pub const MOST: usize = 6 * 1024 * 1024;

/// A record on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Firehose's name of it.
    pub id: String,
    /// When it arrived: milliseconds since 1970.
    pub arrival: u64,
    /// What was put.
    pub data: Vec<u8>,
}

/// Outcome of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transformed {
    /// It is delivered as these bytes.
    Ok(Vec<u8>),
    /// It is not delivered, on purpose.
    Dropped,
    /// It is kept as it was put, with this code.
    Failed(&'static str),
}

/// The payload of an invocation with these records.
pub fn invocation(records: &[Record]) -> Value {
    let records: Vec<Value> = records
        .iter()
        .map(|record| {
            json!({
                "recordId": record.id,
                "approximateArrivalTimestamp": record.arrival,
                "data": STANDARD.encode(&record.data),
            })
        })
        .collect();
    json!({
        "invocationId": "30ce9dd3-2f08-41b4-b01f-26a3d71b8d95",
        "deliveryStreamArn": "arn:aws:firehose:us-east-1:000000000000:deliverystream/millrace-events",
        "region": "us-east-1",
        "records": records,
    })
}

/// Outcome of each record, in order.
///
/// # Errors
/// With the code of a failure of the whole batch, which is retried.
pub fn read(asked: &[Record], answer: &Value) -> Result<Vec<Transformed>, &'static str> {
    if answer.to_string().len() > MOST {
        return Err("Lambda.FunctionResponseTooLarge");
    }
    let Some(answered) = answer["records"].as_array() else {
        return Err("Lambda.JsonProcessingException");
    };
    let mut by_id: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for record in answered {
        let Some(id) = record["recordId"].as_str() else {
            return Err("Lambda.MissingRecordId");
        };
        by_id.entry(id).or_default().push(record);
    }
    let of = |record: &Record| match by_id.get(record.id.as_str()).map(Vec::as_slice) {
        None => Transformed::Failed("Lambda.MissingRecordId"),
        Some([answered]) => one(answered),
        Some(_) => Transformed::Failed("Lambda.DuplicatedRecordId"),
    };
    Ok(asked.iter().map(of).collect())
}

fn one(answered: &Value) -> Transformed {
    match (answered["result"].as_str(), answered["data"].as_str()) {
        (Some("Dropped"), _) => Transformed::Dropped,
        (Some("Ok"), Some(data)) => match STANDARD.decode(data) {
            Ok(data) => Transformed::Ok(data),
            Err(_) => Transformed::Failed("Lambda.JsonProcessingException"),
        },
        (Some("ProcessingFailed"), _) => Transformed::Failed("Lambda.ProcessingFailedStatus"),
        _ => Transformed::Failed("Lambda.JsonProcessingException"),
    }
}

/// The document that is kept of a record that failed. Source: Amazon Data Firehose Developer Guide,
/// "Handle failure in data transformation".
pub fn document(record: &Record, code: &str, attempts: u32, now: u64) -> Value {
    json!({
        "attemptsMade": attempts,
        "arrivalTimestamp": record.arrival,
        "errorCode": code,
        "errorMessage": "The function or its answer is at fault.",
        "attemptEndingTimestamp": now,
        "rawData": STANDARD.encode(&record.data),
        "lambdaArn": "arn:aws:lambda:us-east-1:000000000000:function:transform-records",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_answered_as_it_must_be_has_failed() {
        let record = |id: &str| Record {
            id: id.to_owned(),
            arrival: 0,
            data: b"{}".to_vec(),
        };
        let asked: Vec<_> = ["a", "b", "c", "d", "e", "f"].map(record).into();
        let answer = json!({"records": [
            {"recordId": "b", "result": "Dropped"},
            {"recordId": "a", "result": "Ok", "data": "eAo="},
            {"recordId": "c", "result": "Okay", "data": "eAo="},
            {"recordId": "d", "result": "Ok", "data": "no"},
            {"recordId": "e", "result": "Ok", "data": "eAo="},
            {"recordId": "e", "result": "Ok", "data": "eAo="},
        ]});
        let json = Transformed::Failed("Lambda.JsonProcessingException");
        assert_eq!(
            read(&asked, &answer).unwrap(),
            [
                Transformed::Ok(b"x\n".to_vec()),
                Transformed::Dropped,
                json.clone(),
                json,
                Transformed::Failed("Lambda.DuplicatedRecordId"),
                Transformed::Failed("Lambda.MissingRecordId"),
            ]
        );
        let large = json!({"records": [], "more": "x".repeat(MOST)});
        assert!(read(&asked, &large).is_err());
        assert!(read(&asked, &json!({})).is_err());
    }
}
