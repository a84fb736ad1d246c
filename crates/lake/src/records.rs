//! What the steps tell each other through the lake: plan, segment, shard, training, verdict,
//! deployment, champion. It must not know how any of them came about.

use crate::keys::RunKeys;
use contract::definition::{ComputeKind, Format};
use contract::states::{Estimate, ExportTask, Route, RowCounts, Verdict};
use contract::{Definition, RunId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hash::Hasher as _;

/// The frozen definition and plan of a run: a change of the configuration reaches the next run only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The run.
    pub run: RunId,
    /// The ARN of the execution that owns the run.
    pub execution: String,
    /// When the execution started, RFC 3339.
    pub started: String,
    /// The definition with the execution's overrides.
    pub definition: Definition,
    /// The names of the table's key attributes: partition key, then sort key if there is one.
    pub key_attributes: Vec<String>,
    /// The paths of the attributes that are exported, the key attributes among them; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projection: Vec<String>,
    /// How the items leave the table.
    #[serde(default)]
    pub route: Route,
    /// Why, in one sentence.
    #[serde(default)]
    pub reason: String,
    /// The table's ARN, by which a native export is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_arn: Option<String>,
    /// Scan segments in all; 0 for a native export, whose files are known when it has completed
    /// ([`crate::native::segments`]).
    pub segments: u32,
    /// The tasks of the scan.
    pub tasks: Vec<ExportTask>,
    /// How fast the table is read; absent in plans of before there was such a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadPlan>,
    /// Read capacity units per second for one task, in plans without `read`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_rcu: Option<f64>,
    /// What the export was estimated to take.
    pub estimate: Estimate,
}

impl Plan {
    /// The keys of the run that was planned.
    pub fn keys(&self) -> RunKeys {
        RunKeys::new(&self.definition.pipeline, &self.run)
    }
}

/// How fast a run reads the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadPlan {
    /// Read capacity units per second of all tasks together; absent if unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rcu: Option<f64>,
    /// Why so many, for people: `reads at 750 RCU/s: 25 % of 3,000 provisioned`.
    pub decision: String,
    /// Tasks that run at once, at most.
    pub concurrency: u32,
}

/// How a part's lines are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Encoding {
    /// zstd, as the scan writes it.
    #[default]
    Zstd,
    /// gzip, as DynamoDB's own export writes it.
    Gzip,
}

impl Encoding {
    // serde asks with a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn is_zstd(&self) -> bool {
        *self == Self::Zstd
    }
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        })
    }
}

/// A raw part: whole items as compressed lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    /// Its key.
    pub key: String,
    /// Its lines.
    pub items: u64,
    /// Its bytes before compression.
    pub raw_bytes: u64,
    /// Its bytes as stored.
    pub bytes: u64,
    /// The sum of its lines' XXH3-64 hashes, modulo 2^64, in hexadecimal: the same in any order.
    pub checksum: Checksum,
    /// How its lines are compressed.
    #[serde(default, skip_serializing_if = "Encoding::is_zstd")]
    pub encoding: Encoding,
}

/// An order-independent checksum of lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checksum(pub u64);

impl Checksum {
    /// Adds a line, without its line break. Returns the line's own hash.
    pub fn add_line(&mut self, line: &[u8]) -> u64 {
        let hash = twox_hash::XxHash3_64::oneshot(line);
        self.0 = self.0.wrapping_add(hash);
        hash
    }
}

/// The checksum of a file's bytes, in order.
#[derive(Clone)]
pub struct FileDigest(twox_hash::XxHash3_64);

impl Default for FileDigest {
    fn default() -> Self {
        Self(twox_hash::XxHash3_64::new())
    }
}

impl std::fmt::Debug for FileDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileDigest({:016x})", self.0.finish())
    }
}

impl FileDigest {
    /// Adds the next bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// The checksum of all bytes so far.
    pub fn finish(&self) -> Checksum {
        Checksum(self.0.finish())
    }
}

impl std::ops::AddAssign for Checksum {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }
}

impl Serialize for Checksum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Checksum {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

/// What has been counted of a segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScanTotals {
    /// Items.
    pub items: u64,
    /// Bytes of raw lines.
    pub raw_bytes: u64,
    /// Pages, empty ones included.
    pub pages: u64,
    /// Read capacity units that DynamoDB says were consumed.
    pub read_units: f64,
    /// Attempts that DynamoDB throttled.
    #[serde(default)]
    pub throttles: u64,
    /// When the first page was asked for, in milliseconds since 1970; absent before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_read_ms: Option<u64>,
    /// When the last page was there, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_read_ms: Option<u64>,
    /// The checksum of all lines.
    pub checksum: Checksum,
}

impl std::ops::AddAssign for ScanTotals {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.raw_bytes += other.raw_bytes;
        self.pages += other.pages;
        self.read_units += other.read_units;
        self.throttles += other.throttles;
        self.first_read_ms = match (self.first_read_ms, other.first_read_ms) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        self.last_read_ms = self.last_read_ms.max(other.last_read_ms);
        self.checksum += other.checksum;
    }
}

impl ScanTotals {
    /// Counts a page that was asked for and there at these times, in milliseconds since 1970.
    pub fn add_page(&mut self, read_units: f64, asked_ms: u64, there_ms: u64) {
        *self += Self {
            pages: 1,
            read_units,
            first_read_ms: Some(asked_ms),
            last_read_ms: Some(there_ms),
            ..Self::default()
        };
    }

    /// Read capacity units per second between the first page and the last, pauses included; none
    /// before a page was read.
    pub fn read_rate(&self) -> Option<f64> {
        let millis = self.last_read_ms?.checked_sub(self.first_read_ms?)?;
        (millis > 0).then(|| self.read_units * 1000.0 / millis as f64)
    }

    /// Counts a part.
    pub fn add_part(&mut self, part: &Part) {
        self.items += part.items;
        self.raw_bytes += part.raw_bytes;
        self.checksum += part.checksum;
    }
}

/// How far a segment has come: a checkpoint, or, without a cursor, its manifest.
///
/// `P` is the profile of the attributes seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SegmentRecord<P> {
    /// The segment's number.
    pub segment: u32,
    /// Of how many.
    pub total_segments: u32,
    /// `LastEvaluatedKey` in DynamoDB JSON: where the scan goes on. Absent: the segment is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<serde_json::Value>,
    /// The parts so far.
    pub parts: Vec<Part>,
    /// The counts so far.
    pub totals: ScanTotals,
    /// The profile of all items so far.
    pub profile: P,
}

/// How a dataset is made: its columns, and which parts each shard turns into rows.
///
/// `C` is the columns with their encoders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatasetPlan<C> {
    /// The columns.
    pub columns: C,
    /// The vocabularies that are objects of their own, by the paths of their columns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vocabularies: BTreeMap<String, Part>,
    /// The format of the channels' files.
    #[serde(default)]
    pub format: Format,
    /// Files that each shard's rows of a channel are cut into.
    #[serde(default = "one_file")]
    pub files_per_shard: u32,
    /// The least number of files that the training channel must have: one for each instance that
    /// reads a share of them.
    #[serde(default = "one_file")]
    pub minimum_files: u32,
    /// The names of the table's key attributes.
    pub key_attributes: Vec<String>,
    /// The parts of each shard, by the shard's number.
    pub shards: Vec<Vec<Part>>,
    /// What was exported, all segments together.
    pub exported: ScanTotals,
}

const fn one_file() -> u32 {
    1
}

/// The commit of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShardRecord {
    /// The shard's number.
    pub shard: u32,
    /// Where its items went.
    pub rows: RowCounts,
    /// Its files, with their checksums.
    pub files: Vec<ChannelFile>,
    /// A request of a few of its rows; absent if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
}

/// A request of a few rows, without their labels, as an endpoint is asked with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sample {
    /// Its rows.
    pub rows: u32,
    /// The media type of its body.
    pub content_type: String,
    /// Its body.
    pub body: String,
}

/// A file of training data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChannelFile {
    /// The channel it belongs to.
    pub channel: String,
    /// Its key.
    pub key: String,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// The XXH3-64 hash of its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Checksum>,
    /// The sum of its lines' hashes, as of [`Part::checksum`], in records of before there was a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
}

/// The contract between training and serving, written when the dataset is whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatasetRecord {
    /// The run.
    pub run: RunId,
    /// Where the items went.
    pub rows: RowCounts,
    /// The channels that hold rows, such as `train` and `validation`.
    pub channels: Vec<String>,
    /// The media type of the channels' files, as SageMaker is told it.
    pub content_type: String,
    /// The columns in order, with their encoders.
    pub columns: serde_json::Value,
    /// How many features a row has; absent in records of before it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<u64>,
    /// The vocabularies that are objects of their own, by the paths of their columns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vocabularies: BTreeMap<String, Part>,
    /// The channels' files, in the order of shards.
    pub files: Vec<ChannelFile>,
    /// A request of a few rows, as an endpoint is asked with them; absent in records of before there
    /// was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
}

/// A completed training job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrainingRecord {
    /// The job's name.
    pub job: String,
    /// The image that trained.
    pub image: String,
    /// `s3://…/model.tar.gz`.
    pub artifact: String,
    /// The final metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// Seconds of training that are billed, if SageMaker says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billable_seconds: Option<u64>,
    /// The search that found it, if there was one; the seconds are the found job's alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<TuningRecord>,
}

/// A completed tuning job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TuningRecord {
    /// The tuning job's name.
    pub job: String,
    /// The metric that told the best training job.
    pub metric: String,
    /// The values that were found best.
    pub hyperparameters: BTreeMap<String, String>,
    /// Training jobs that completed.
    pub completed: u32,
    /// Training jobs that failed.
    pub failed: u32,
    /// Training jobs that were stopped, early or by hand.
    pub stopped: u32,
}

/// The decision on a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerdictRecord {
    /// Whether the model may serve.
    pub verdict: Verdict,
    /// The metric that decided.
    pub metric: String,
    /// Its value for this model.
    pub value: f64,
    /// Its value for the champion at the time, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub champion: Option<f64>,
    /// The champion's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub champion_run: Option<RunId>,
    /// What decided in place of these values, if both models were asked about the same rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reevaluation: Option<Reevaluation>,
    /// Why, in one line.
    pub reason: String,
}

/// What the metric is for both models on the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reevaluation {
    /// Its value for this model.
    pub value: f64,
    /// Its value for the champion.
    pub champion: f64,
    /// The rows that both were asked about.
    pub rows: JudgedRows,
}

/// Rows of a run's validation data that its model and the champion are asked about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JudgedRows {
    /// How many.
    pub rows: u64,
    /// Rows left out because the champion's dataset rejects them, or they have no feature at all.
    pub unfit: u64,
    /// Rows left out because the champion was trained on them, as its split has it.
    pub trained: u64,
}

/// The rows of a comparison, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SampleRecord {
    /// The rows.
    pub rows: JudgedRows,
    /// Why the two models cannot be compared, if they cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomparable: Option<String>,
}

/// Since when a person is asked to approve a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalRequest {
    /// When the person was asked first, in seconds since 1970.
    pub asked_at: u64,
    /// The token of the task that waits now.
    pub task_token: String,
}

/// What became of a request for approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApprovalDecision {
    /// The model may serve.
    Approved,
    /// It may not.
    Rejected,
    /// Nobody decided in time.
    Expired,
}

/// What a person decided about a model, or that the time was over. It is written once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalRecord {
    /// What became of it.
    pub decision: ApprovalDecision,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Who, in their own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in their own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A model's version in SageMaker's model registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelPackageRecord {
    /// The model package group.
    pub group: String,
    /// The version's ARN.
    pub arn: String,
    /// Its approval status, in SageMaker's words.
    pub approval: String,
}

/// What an endpoint's update was asked to do. It is written before the update is requested, and
/// again after the service took the request: only with it can a rollback be told from an update
/// that is still to be made, since both show the endpoint in service on its old configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentIntent {
    /// The endpoint configuration in force before.
    pub from: String,
    /// The endpoint configuration that is wanted.
    pub to: String,
    /// When the service took the request, in seconds since 1970; absent before that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<u64>,
    /// What the smoke test found wrong, once it did: the endpoint then goes back to `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuted: Option<String>,
}

/// A verified deployment: in service on this configuration, and a real request was answered; or a completed
/// transform job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentRecord {
    /// The run.
    pub run: RunId,
    /// The endpoint; absent where a transform job scores in its stead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Its configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_config: Option<String>,
    /// The model behind it.
    pub model: String,
    /// The endpoint configuration before this one: what a rollback returns to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_endpoint_config: Option<String>,
    /// Rows of the dataset that the endpoint was asked about and answered.
    pub smoke_rows: u32,
    /// What was scored instead, in one go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<TransformRecord>,
}

/// A completed transform job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransformRecord {
    /// The job's name.
    pub job: String,
    /// `s3://…` of what was scored.
    pub input: String,
    /// `s3://…` below which the predictions are.
    pub output: String,
    /// How many rows were scored; unknown of what lies below a prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

/// The model now serving, or scoring in one go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Champion {
    /// The run that made it.
    pub run: RunId,
    /// The metric that decided.
    pub metric: String,
    /// Its value.
    pub value: f64,
    /// The model's name.
    pub model: String,
    /// The endpoint configuration in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_config: Option<String>,
    /// The endpoint; absent where the model scores in one go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What kind of compute serves; unknown of older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute: Option<ComputeKind>,
    /// Key of the dataset contract that serving reads.
    pub dataset: String,
    /// The endpoint configuration before this one: what a rollback returns to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_endpoint_config: Option<String>,
    /// If a rollback made it the champion: the endpoint configuration that it came back from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back_from: Option<String>,
}

/// The run at work on a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CurrentRun {
    /// The run.
    pub run: RunId,
    /// The ARN of its execution.
    pub execution: String,
}
