//! Amazon Data Firehose: puts records into delivery streams.

use crate::json_client::{Call, Service};
use aws_config::SdkConfig;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use contract::{ErrorName, ServiceError};
use serde_json::{Value, json};
use std::time::Duration;

/// Source: the service's model of 2015-08-04, protocol AWS JSON 1.1.
const SERVICE: Service = Service {
    name: "Firehose",
    id: "Firehose",
    host: "firehose",
    signing_name: "firehose",
    target: "Firehose_20150804",
    content_type: "application/x-amz-json-1.1",
};

/// Records and bytes of one request, at most. Source: API reference, `PutRecordBatch`.
const RECORDS: usize = 500;
const BYTES: usize = 4 * 1024 * 1024;

/// Requests in which the same record is put, at most.
const ATTEMPTS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(50);

/// The client of Firehose. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DeliveryStreams {
    put: Call,
}

impl DeliveryStreams {
    /// Firehose at the endpoint of `config` (or `AWS_ENDPOINT_URL_FIREHOSE`).
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            put: Call::new(config, &SERVICE, "PutRecordBatch"),
        }
    }

    /// Puts records of at most 1,000 KiB each. The service takes some records of a request and
    /// refuses others: those are put again.
    ///
    /// # Errors
    /// If the service refuses a request or cannot be reached, or refuses a record again and again.
    pub async fn put(&self, stream: &str, records: &[Vec<u8>]) -> Result<(), ServiceError> {
        let mut waiting: Vec<&Vec<u8>> = records.iter().collect();
        let mut attempt = 0;
        while !waiting.is_empty() {
            let mut refused = Vec::new();
            let mut reason = (String::new(), String::new());
            for batch in batches(&waiting) {
                let encoded = batch.iter().map(|it| json!({"Data": STANDARD.encode(it)}));
                let encoded: Vec<Value> = encoded.collect();
                let body = json!({"DeliveryStreamName": stream, "Records": encoded});
                let answer = self.put.send(stream, &body).await?;
                let answers = answer["RequestResponses"].as_array();
                let answers = answers.map_or(&[][..], Vec::as_slice);
                for (record, answer) in batch.iter().zip(answers) {
                    if let Some(code) = answer["ErrorCode"].as_str() {
                        let message = answer["ErrorMessage"].as_str().unwrap_or_default();
                        reason = (code.to_owned(), message.to_owned());
                        refused.push(*record);
                    }
                }
                // A record without an answer was not taken, as far as anybody knows.
                refused.extend(&batch[answers.len().min(batch.len())..]);
            }
            attempt += 1;
            if !refused.is_empty() && attempt >= ATTEMPTS {
                let (code, message) = reason;
                return Err(ServiceError {
                    name: ErrorName::ServiceUnavailable,
                    service: SERVICE.name,
                    operation: "PutRecordBatch",
                    subject: stream.to_owned(),
                    code,
                    message: format!(
                        "{} of {} records are refused, after {attempt} attempts: {message}",
                        refused.len(),
                        records.len()
                    ),
                    source: None,
                });
            }
            if !refused.is_empty() {
                tokio::time::sleep(PAUSE * 2_u32.pow(attempt)).await;
            }
            waiting = refused;
        }
        Ok(())
    }
}

/// Records that fit into one request each.
fn batches<'r, 'a>(records: &'a [&'r Vec<u8>]) -> impl Iterator<Item = &'a [&'r Vec<u8>]> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |record: &&&Vec<u8>| {
            bytes += record.len();
            bytes <= BYTES
        };
        let count = rest.iter().take(RECORDS).take_while(fits).count();
        // A record that is too large for any request is the service's to refuse.
        let count = count.max(1).min(rest.len());
        let (batch, others) = rest.split_at(count);
        rest = others;
        (!batch.is_empty()).then_some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_as_many_records_as_the_service_takes() {
        let small = vec![vec![0; 10]; 1200];
        let small: Vec<_> = small.iter().collect();
        let sizes: Vec<_> = batches(&small).map(<[_]>::len).collect();
        assert_eq!(sizes, [500, 500, 200]);
        let large = vec![vec![0; 1000 * 1024]; 9];
        let large: Vec<_> = large.iter().collect();
        let sizes: Vec<_> = batches(&large).map(<[_]>::len).collect();
        assert_eq!(sizes, [4, 4, 1]);
        assert_eq!(batches(&[]).count(), 0);
    }
}
