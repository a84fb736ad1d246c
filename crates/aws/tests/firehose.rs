//! The Firehose adapter: what is put, and records that are refused.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

#[path = "support/script.rs"]
mod script;

use aws::firehose::DeliveryStreams;
use contract::ErrorName;
use script::{Answer, Script};
use serde_json::{Value, json};

/// An answer that takes the records of which this is true.
fn taken(records: &[bool]) -> Answer {
    let answers: Vec<Value> = records
        .iter()
        .map(|taken| match taken {
            true => json!({"RecordId": "49"}),
            false => {
                json!({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."})
            }
        })
        .collect();
    let failed = records.iter().filter(|taken| !**taken).count();
    Answer::ok(json!({"FailedPutCount": failed, "RequestResponses": answers}).to_string())
}

#[tokio::test]
async fn records_that_are_refused_are_put_again_and_no_other() {
    let answers = vec![taken(&[true, false, true]), taken(&[false]), taken(&[true])];
    let script = Script::start(answers).await;
    let streams = DeliveryStreams::new(&aws::local(&script.url).await);
    let records = ["a\n", "b\n", "c\n"].map(|text| text.as_bytes().to_vec());
    streams.put("shop-events", &records).await.unwrap();
    let put = |data: &[&str]| {
        let records: Vec<_> = data.iter().map(|data| json!({ "Data": data })).collect();
        json!({"DeliveryStreamName": "shop-events", "Records": records})
    };
    assert_eq!(
        script.requests(),
        [
            put(&["YQo=", "Ygo=", "Ywo="]),
            put(&["Ygo="]),
            put(&["Ygo="])
        ]
    );
}

#[tokio::test]
async fn a_record_that_is_never_taken_is_an_error() {
    let script = Script::start((0..6).map(|_| taken(&[false])).collect()).await;
    let streams = DeliveryStreams::new(&aws::local(&script.url).await);
    let error = streams.put("shop-events", &[vec![1]]).await.unwrap_err();
    assert_eq!(error.name, ErrorName::ServiceUnavailable);
    let text = error.to_string();
    assert!(
        text.contains("1 of 1 records") && text.contains("Slow down."),
        "{text}"
    );
    assert_eq!(script.requests().len(), 6);
}
