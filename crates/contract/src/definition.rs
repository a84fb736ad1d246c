//! The pipeline definition: what `config/<pipeline>.json` says, and what an execution's input may
//! override. Every field but the table, the label and the image has a default.

mod limits;

pub use limits::{Limits, Prices};

use crate::Names;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one pipeline does, from its table to its endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// The pipeline's name: 1 to 32 of `a-z`, `0-9` and inner single hyphens.
    #[serde(default = "default_pipeline")]
    pub pipeline: String,
    /// Where the items come from.
    pub source: Source,
    /// How items become rows.
    pub dataset: Dataset,
    /// How a model is trained on the rows.
    pub training: Training,
    /// When a model may replace the one now serving.
    pub promotion: Promotion,
    /// Where the model serves.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// What a run may cost at most.
    #[serde(default)]
    pub limits: Limits,
}

fn default_pipeline() -> String {
    Names::DEFAULT_PIPELINE.to_owned()
}

/// Where the items come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// An Amazon DynamoDB table.
    pub dynamodb: DynamoDbSource,
}

/// An Amazon DynamoDB table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DynamoDbSource {
    /// The table's name.
    pub table: String,
    /// How its items are read.
    #[serde(default)]
    pub mode: Mode,
    /// A secondary index to read instead of the table itself. Items that the index does not hold, and
    /// attributes that it does not project, are not exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The attributes to export, as paths such as `rating` or `context.device`; the key attributes
    /// always come with them. All attributes if empty. It does not lower the read capacity consumed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projection: Vec<String>,
    /// Which items to export; all if absent. It does not lower the read capacity consumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Strongly consistent reads, at twice the read capacity. A global secondary index has none.
    #[serde(default)]
    pub consistent_read: bool,
    /// How fast the table may be read.
    #[serde(default)]
    pub read: ReadBudget,
    /// Scan segments; by default one per 128 MiB of table, 1 to 10,000, and at most 64 for each
    /// function that it takes to use the read budget up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub segments: Option<u32>,
    /// Segments of one task, which one function scans side by side; by default a task has as many as
    /// the read budget makes useful, and its function scans 16 of them at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub segments_per_task: Option<u32>,
}

/// How a table's items are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// By parallel scan, unless only an export can keep to the limits; the plan says why.
    #[default]
    Auto,
    /// By parallel scan, which consumes read capacity.
    Scan,
    /// By `DynamoDB`'s own export to S3, which consumes none, needs point-in-time recovery, takes five
    /// minutes or more, and costs about six times as much per gigabyte.
    Export,
}

/// Which items to export, as `DynamoDB`'s own filter expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    /// The expression, such as `#rating >= :least AND attribute_exists(context.device)`.
    pub expression: String,
    /// What the expression's `#names` stand for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// What the expression's `:values` stand for, in `DynamoDB` JSON: `{":least": {"N": "3"}}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, serde_json::Value>,
}

/// How fast the table may be read, by all functions together: at most one of the fields. With none
/// it is a quarter of what the table has: its provisioned read capacity; on demand its warm
/// throughput, or the maximum that its owner set if that is less; 12,000 units per second (what
/// a new on-demand table serves) where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadBudget {
    /// Read capacity units per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub rcu: Option<u32>,
    /// Percent of what the table has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub percent: Option<u32>,
    /// As fast as it goes. Throttles still slow the export down.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlimited: bool,
}

/// How items become rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dataset {
    /// The attribute to learn, a path such as `rating` or `context.score`. It becomes the first column.
    pub label: String,
    /// The feature columns, in order. If absent they are inferred: every attribute that is not the
    /// label, not excluded, and is a number, a boolean or text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Column>>,
    /// Attribute paths that inference leaves out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Which rows validate.
    #[serde(default)]
    pub split: Split,
    /// What the data must satisfy before training is paid for.
    #[serde(default)]
    pub gate: Gate,
    /// Raw bytes (uncompressed) of one shard, which is what one function turns into CSV; by default
    /// 256 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub shard_bytes: Option<u64>,
}

/// One feature column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Column {
    /// The attribute's path: names joined by `.` descend into maps.
    pub path: String,
    /// How its value becomes a number; inferred from the data if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What a missing value becomes.
    #[serde(default)]
    pub missing: Missing,
}

/// How an attribute's value becomes a numeric cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Encoding {
    /// The number itself, as float32.
    Number,
    /// `true` is 1, `false` is 0.
    Boolean,
    /// The position of the value in a saved, sorted vocabulary of the whole table, from 1;
    /// 0 is kept for values that training never saw.
    Ordinal,
}

/// What a missing value becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Missing {
    /// An empty cell, which SageMaker's algorithms read as missing; 0 for an ordinal column.
    #[default]
    Empty,
    /// The row is rejected.
    Reject,
}

/// Which rows validate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Split {
    /// Attribute paths whose values decide together: rows that agree in them are on one side.
    /// By default the table's whole key, so that rows are split one by one.
    #[serde(default)]
    pub by: Vec<String>,
    /// The share of the groups that validates, 0 to 0.9.
    #[serde(default = "default_validation")]
    #[schemars(range(min = 0.0, max = 0.9))]
    pub validation: f64,
    /// Another seed gives another split; the same seed always gives the same.
    #[serde(default)]
    pub seed: u64,
}

const fn default_validation() -> f64 {
    0.1
}

impl Default for Split {
    fn default() -> Self {
        Self {
            by: Vec::new(),
            validation: default_validation(),
            seed: 0,
        }
    }
}

/// What the data must satisfy before training is paid for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gate {
    /// Fewest items in the table.
    #[serde(default = "default_minimum_rows")]
    pub minimum_rows: u64,
    /// Largest share of items without a usable label, 0 to 1.
    #[serde(default = "default_maximum_missing_label")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub maximum_missing_label: f64,
}

const fn default_minimum_rows() -> u64 {
    1
}

const fn default_maximum_missing_label() -> f64 {
    0.5
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            minimum_rows: default_minimum_rows(),
            maximum_missing_label: default_maximum_missing_label(),
        }
    }
}

/// How a model is trained on the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Training {
    /// The container image that trains and serves, as a registry path.
    pub image: String,
    /// The role SageMaker assumes; by default the one that the stack made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The instance type of the training job.
    #[serde(default = "default_instance_type")]
    pub instance_type: String,
    /// Instances of the training job.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub instance_count: u32,
    /// Gigabytes of each instance's volume.
    #[serde(default = "default_volume")]
    #[schemars(range(min = 1))]
    pub volume_gb: u32,
    /// Seconds after which SageMaker stops the job.
    #[serde(default = "default_max_runtime")]
    #[schemars(range(min = 1))]
    pub max_runtime_seconds: u32,
    /// What the algorithm is told; at most 100, and numbers and booleans are passed as text.
    #[serde(default)]
    pub hyperparameters: BTreeMap<String, Scalar>,
    /// How the job's metrics are read from its log.
    #[serde(default)]
    pub metrics: Vec<MetricDefinition>,
}

fn default_instance_type() -> String {
    "ml.m5.large".to_owned()
}

const fn one() -> u32 {
    1
}

const fn default_volume() -> u32 {
    30
}

const fn default_max_runtime() -> u32 {
    3600
}

/// A hyperparameter's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// `true` or `false`.
    Boolean(bool),
    /// A number, passed on as it is written.
    Number(serde_json::Number),
    /// Text.
    Text(String),
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// How a metric is read from the training log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricDefinition {
    /// The metric's name, such as `validation:rmse`.
    pub name: String,
    /// A regular expression whose first group is the value.
    pub regex: String,
}

/// When a model may replace the one now serving.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Promotion {
    /// The metric that decides, one of the training job's.
    pub metric: String,
    /// Whether a smaller or a larger value is better.
    pub goal: Goal,
    /// The worst value at which a model may serve at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// By how much the champion must be beaten; negative tolerates a loss.
    #[serde(default)]
    pub minimum_gain: f64,
}

/// Which direction of a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Goal {
    /// Smaller is better, as of an error.
    Minimize,
    /// Larger is better, as of an accuracy.
    Maximize,
}

/// Where the model serves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    /// The endpoint's name, stable for its clients; by default the pipeline's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The compute behind it.
    #[serde(default)]
    pub compute: Compute,
    /// Endpoint configurations and models to keep, the serving one included; at least 2, since the
    /// previous one is what a rollback returns to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2))]
    pub keep: Option<u32>,
}

/// The compute behind an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Compute {
    /// Paid per request, cold after a pause.
    #[serde(rename_all = "camelCase")]
    Serverless {
        /// 1024 to 6144 in steps of 1024.
        memory_mb: u32,
        /// Requests answered at once, 1 to 200.
        max_concurrency: u32,
    },
    /// Instances that are always on.
    #[serde(rename_all = "camelCase")]
    Instances {
        /// The instance type.
        instance_type: String,
        /// How many.
        count: u32,
    },
}

impl Default for Compute {
    fn default() -> Self {
        Self::Serverless {
            memory_mb: 2048,
            max_concurrency: 5,
        }
    }
}
