//! How a table's stream is captured, as [`source::DescribeCapture`]: by DynamoDB, Lambda and
//! `CloudWatch`.

use crate::dynamodb::Tables;
use crate::json_client::{Call, Service};
use aws_config::SdkConfig;
use contract::{ErrorName, ServiceError};
use serde_json::{Value, json};
use source::{CaptureMapping, DescribeCapture, OldestRecord, TableStream};

const LAMBDA: Service = Service {
    name: "Lambda",
    id: "Lambda",
    host: "lambda",
    signing_name: "lambda",
    target: "",
    content_type: "application/json",
};
const STREAMS: Service = Service {
    name: "DynamoDB Streams",
    id: "DynamoDB Streams",
    host: "streams.dynamodb",
    signing_name: "dynamodb",
    target: "DynamoDBStreams_20120810",
    content_type: "application/x-amz-json-1.0",
};
const METRICS: Service = Service {
    name: "CloudWatch",
    id: "CloudWatch",
    host: "monitoring",
    signing_name: "monitoring",
    target: "GraniteServiceVersion20100801",
    content_type: "application/x-amz-json-1.0",
};

/// Shards of which the oldest record is read, at most: the read is a probe.
const SHARDS: usize = 16;
/// Seconds of a metric's period, from the coarsest: a request has up to 100,800 points.
const PERIOD: i64 = 3600;

/// The capture of a stack. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Captures {
    tables: Tables,
    client: Client,
    /// The UUID of the stack's event source mapping; empty if it has none.
    mapping: String,
}

/// The operations that are called.
#[derive(Debug, Clone)]
struct Client {
    mapping: Call,
    metric_data: Call,
    stream: Call,
    shard_iterator: Call,
    records: Call,
}

impl Client {
    const fn get_event_source_mapping(&self) -> &Call {
        &self.mapping
    }

    const fn get_metric_data(&self) -> &Call {
        &self.metric_data
    }

    const fn describe_stream(&self) -> &Call {
        &self.stream
    }

    const fn get_shard_iterator(&self) -> &Call {
        &self.shard_iterator
    }

    const fn get_records(&self) -> &Call {
        &self.records
    }
}

impl Captures {
    /// The capture by the event source mapping with this UUID; an empty one is none.
    pub fn new(config: &SdkConfig, mapping: String) -> Self {
        let client = Client {
            mapping: Call::new(config, &LAMBDA, "GetEventSourceMapping"),
            metric_data: Call::new(config, &METRICS, "GetMetricData"),
            stream: Call::new(config, &STREAMS, "DescribeStream"),
            shard_iterator: Call::new(config, &STREAMS, "GetShardIterator"),
            records: Call::new(config, &STREAMS, "GetRecords"),
        };
        Self {
            tables: Tables::new(config),
            client,
            mapping,
        }
    }

    /// The oldest record that a shard still has.
    async fn oldest(
        &self,
        stream: &str,
        shard: &str,
    ) -> Result<Option<OldestRecord>, ServiceError> {
        let call = self.client.get_shard_iterator();
        let body = json!({
            "StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON",
        });
        let answer = match call.send(shard, &body).await {
            Ok(answer) => answer,
            // It has expired meanwhile.
            Err(error) if error.name == ErrorName::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(iterator) = answer["ShardIterator"].as_str() else {
            return Ok(None);
        };
        let call = self.client.get_records();
        let body = json!({"ShardIterator": iterator, "Limit": 1});
        let answer = call.send(shard, &body).await?;
        let record = &answer["Records"][0]["dynamodb"];
        let sequence = record["SequenceNumber"].as_str().map(str::to_owned);
        let created = record["ApproximateCreationDateTime"].as_f64();
        Ok(sequence
            .zip(created)
            .map(|(sequence, created)| OldestRecord {
                sequence,
                created: whole(created),
            }))
    }
}

/// Seconds, without their fraction.
#[allow(clippy::cast_possible_truncation, reason = "seconds since 1970")]
const fn whole(seconds: f64) -> i64 {
    seconds as i64
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

impl DescribeCapture for Captures {
    async fn stream(&self, table: &str) -> Result<Option<TableStream>, ServiceError> {
        let described = self.tables.described(table).await?;
        Ok(described.and_then(|table| {
            let view = table.stream_specification()?;
            if !view.stream_enabled() {
                return None;
            }
            Some(TableStream {
                arn: table.latest_stream_arn()?.to_owned(),
                view: view.stream_view_type()?.as_str().to_owned(),
            })
        }))
    }

    async fn mapping(&self) -> Result<Option<CaptureMapping>, ServiceError> {
        if self.mapping.is_empty() {
            return Ok(None);
        }
        let path = format!("/2015-03-31/event-source-mappings/{}", self.mapping);
        let call = self.client.get_event_source_mapping();
        let answer = match call.get(path, &self.mapping).await {
            Ok(answer) => answer,
            Err(error) if error.name == ErrorName::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let function = answer["FunctionArn"].as_str();
        // arn:aws:lambda:<region>:<account>:function:<name>, perhaps with a version behind it.
        let function = function.and_then(|arn| arn.split(':').nth(6));
        Ok(Some(CaptureMapping {
            uuid: self.mapping.clone(),
            stream_arn: text(&answer["EventSourceArn"]),
            function: function.map(str::to_owned),
            state: text(&answer["State"]).unwrap_or_default(),
            starting_position: text(&answer["StartingPosition"]),
            last_result: text(&answer["LastProcessingResult"]),
        }))
    }

    async fn longest_lag(&self, function: &str, since: i64) -> Result<Option<i64>, ServiceError> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = i64::try_from(now.unwrap_or_default().as_secs()).unwrap_or(i64::MAX);
        let body = json!({
            // Whole periods, the one that is not over yet among them.
            "StartTime": since - since.rem_euclid(PERIOD),
            "EndTime": now - now.rem_euclid(PERIOD) + PERIOD,
            "MetricDataQueries": [{
                "Id": "lag",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Lambda",
                        "MetricName": "IteratorAge",
                        "Dimensions": [{"Name": "FunctionName", "Value": function}],
                    },
                    "Period": PERIOD,
                    "Stat": "Maximum",
                },
            }],
        });
        let answer = self.client.get_metric_data().send(function, &body).await?;
        let values = answer["MetricDataResults"][0]["Values"].as_array();
        let millis = values.into_iter().flatten().filter_map(Value::as_f64);
        Ok(millis.reduce(f64::max).map(|most| whole(most / 1000.0) + 1))
    }

    async fn oldest_records(&self, stream_arn: &str) -> Result<Vec<OldestRecord>, ServiceError> {
        let call = self.client.describe_stream();
        let answer = call
            .send(stream_arn, &json!({"StreamArn": stream_arn}))
            .await?;
        let shards = answer["StreamDescription"]["Shards"].as_array();
        let shards = shards.into_iter().flatten().take(SHARDS);
        let mut oldest = Vec::new();
        for shard in shards.filter_map(|shard| shard["ShardId"].as_str()) {
            oldest.extend(self.oldest(stream_arn, shard).await?);
        }
        Ok(oldest)
    }
}
