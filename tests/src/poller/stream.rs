//! Reads the stream of a local table, and writes its sequence numbers as DynamoDB may.

use crate::dynamodb::{call, call_streams};
use serde_json::{Value, json};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// A record of a stream.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its place in the stream, as it is written.
    pub sequence: String,
    /// A hash of its key.
    pub hash: u64,
    /// When it came to the poller, in the poller's seconds.
    pub at: u64,
    /// The record, as `GetRecords` has it.
    pub event: Value,
}

/// How sequence numbers are written: local servers know one way, and DynamoDB is documented to use 21
/// to 40 digits.
#[derive(Debug, Clone, Copy)]
pub struct Numbering {
    /// Added to each number.
    pub offset: u128,
    /// Digits that a number has at least, by leading zeros.
    pub width: usize,
}

/// The stream of a table.
#[derive(Debug)]
pub struct Source {
    url: String,
    arn: String,
    iterator: String,
    numbering: Numbering,
    /// The number of the first record.
    first: Option<u128>,
}

impl Source {
    /// The stream of a table of the server at `url`, from its beginning.
    ///
    /// # Panics
    /// If the table has no stream.
    pub async fn of(url: &str, table: &str, numbering: Numbering) -> Self {
        let described = call(url, "DescribeTable", &json!({ "TableName": table })).await;
        let arn = described["Table"]["LatestStreamArn"].as_str();
        let arn = arn.expect("the table has a stream").to_owned();
        let stream = call_streams(url, "DescribeStream", &json!({ "StreamArn": arn })).await;
        let shards = stream["StreamDescription"]["Shards"].as_array();
        let [shard] = shards.expect("shards").as_slice() else {
            panic!("{stream} has not one shard");
        };
        let request = json!({
            "StreamArn": arn,
            "ShardId": shard["ShardId"],
            "ShardIteratorType": "TRIM_HORIZON",
        });
        let iterator = call_streams(url, "GetShardIterator", &request).await;
        let iterator = iterator["ShardIterator"].as_str().expect("an iterator");
        Self {
            url: url.to_owned(),
            iterator: iterator.to_owned(),
            // As AWS has it, but for a label that is shorter: the local S3 makes names of files of keys, and
            // takes keys of up to 164 bytes.
            arn: format!("arn:aws:dynamodb:us-east-1:000000000000:table/{table}/stream/1"),
            numbering,
            first: None,
        }
    }

    /// The stream's ARN.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// All records that are new.
    ///
    /// # Panics
    /// If the stream cannot be read.
    pub async fn read(&mut self) -> Vec<Record> {
        let mut all = Vec::new();
        loop {
            let request = json!({ "ShardIterator": self.iterator });
            let page = call_streams(&self.url, "GetRecords", &request).await;
            let next = page["NextShardIterator"]
                .as_str()
                .expect("the shard is open");
            next.clone_into(&mut self.iterator);
            let records = page["Records"].as_array().expect("records");
            if records.is_empty() {
                return all;
            }
            all.extend(records.iter().map(|record| self.record(record.clone())));
        }
    }

    fn record(&mut self, mut event: Value) -> Record {
        let number = event["dynamodb"]["SequenceNumber"].as_str();
        let number: u128 = number.expect("a number").parse().expect("a number");
        let since = number - *self.first.get_or_insert(number);
        let Numbering { offset, width } = self.numbering;
        let sequence = format!("{:0width$}", offset + since);
        event["dynamodb"]["SequenceNumber"] = json!(sequence);
        let keys = event["dynamodb"]["Keys"].to_string();
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        Record {
            sequence,
            hash: hasher.hash_one(keys),
            at: 0,
            event,
        }
    }
}
