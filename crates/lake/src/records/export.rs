//! Records of an export: plan, part, segment.

use super::{
    AppliedChanges, CaptureSource, Checksum, EventsPlan, FilesPlan, ImagesPlan, Listing,
    PlannedChanges, SnapshotRead, Snapshots, SqlPlan, WholePlan,
};
use crate::keys::RunKeys;
use contract::RunId;
use contract::states::{Estimate, ExportTask, Route};
use definition::{Definition, DynamoDbSource, EventsSource, FilesSource, ImagesSource, SqlSource};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The frozen definition and plan of a run: a change of the configuration reaches the next run
/// only.
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
    /// The names of the attributes that identify an item, such as a table's key.
    pub key_attributes: Vec<String>,
    /// Which function exports.
    pub route: Route,
    /// Why, in one sentence.
    pub reason: String,
    /// Segments in all; 0 for a native export, whose files are known when it has completed
    /// ([`crate::native::segments`]).
    pub segments: u32,
    /// The tasks that share the segments.
    pub tasks: Vec<ExportTask>,
    /// What the export was estimated to take.
    pub estimate: Estimate,
    /// What was read of the source before, to check the definition; absent if nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<ItemSample>,
    /// What the exporting function of this kind of source needs beyond that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePlan>,
}

impl Plan {
    /// The keys of the run that was planned.
    pub fn keys(&self) -> RunKeys {
        RunKeys::new(&self.definition.pipeline, &self.run)
    }

    /// The table and its part of the plan, if the source is a DynamoDB table.
    pub const fn dynamodb(&self) -> Option<(&DynamoDbSource, &DynamoDbPlan)> {
        match (self.definition.source.dynamodb(), &self.source) {
            (Some(source), Some(SourcePlan::DynamoDb(plan))) => Some((source, plan)),
            _ => None,
        }
    }

    /// The database's table and its part of the plan, if the source is a relational database.
    pub const fn sql(&self) -> Option<(&SqlSource, &SqlPlan)> {
        match (self.definition.source.sql(), &self.source) {
            (Some(source), Some(SourcePlan::Sql(plan))) => Some((source, plan)),
            _ => None,
        }
    }

    /// The images and their part of the plan, if the source is a bucket of images.
    pub const fn images(&self) -> Option<(&ImagesSource, &ImagesPlan)> {
        match (self.definition.source.images(), &self.source) {
            (Some(source), Some(SourcePlan::Images(plan))) => Some((source, plan)),
            _ => None,
        }
    }

    /// The files and their part of the plan, if the source is a folder of files.
    pub const fn files(&self) -> Option<(&FilesSource, &FilesPlan)> {
        match (self.definition.source.files(), &self.source) {
            (Some(source), Some(SourcePlan::Files(plan))) => Some((source, plan)),
            _ => None,
        }
    }

    /// The events and their part of the plan, if the source is a delivery stream's.
    pub const fn events(&self) -> Option<(&EventsSource, &EventsPlan)> {
        match (self.definition.source.events(), &self.source) {
            (Some(source), Some(SourcePlan::Events(plan))) => Some((source, plan)),
            _ => None,
        }
    }

    /// The route of the whole table's items, where changes do not fit.
    pub fn whole_route(&self) -> Route {
        let scan = self.dynamodb().and_then(|(_, plan)| plan.whole_scan());
        scan.map_or(Route::Export, |scan| scan.route)
    }

    /// The numbers of the segments that a scan, or a source of another kind, is read in.
    pub fn own_segments(&self) -> Range<u32> {
        match self.dynamodb().and_then(|(_, plan)| plan.whole_scan()) {
            Some(scan) => scan.first_segment..scan.first_segment + scan.segments,
            None => 0..self.segments,
        }
    }

    /// The tasks that share those segments.
    pub fn own_tasks(&self) -> &[ExportTask] {
        let scan = self.dynamodb().and_then(|(_, plan)| plan.whole_scan());
        scan.map_or(&self.tasks, |scan| &scan.tasks)
    }

    /// How fast the table is scanned, if it is.
    pub fn read_plan(&self) -> Option<&ReadPlan> {
        let (_, plan) = self.dynamodb()?;
        let of_whole = plan.whole_scan().and_then(|scan| scan.read.as_ref());
        of_whole.or(plan.read.as_ref())
    }

    /// Tasks that run at once, of so many that may.
    pub fn concurrency(&self, most: u32) -> u32 {
        self.sql()
            .map_or(most, |(_, plan)| plan.connections.min(most))
    }

    /// What the definition and the source's own plan warn about, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.definition.warnings();
        let source = self.source.as_ref().map_or(&[][..], SourcePlan::warnings);
        warnings.extend_from_slice(source);
        warnings
    }

    /// How fast the source is read and why, for people: `reads at 750 RCU/s: 25 % of 3,000
    /// provisioned`.
    pub fn pace(&self) -> Option<&str> {
        match self.source.as_ref()? {
            SourcePlan::DynamoDb(plan) => plan.read.as_ref().map(|read| read.decision.as_str()),
            SourcePlan::Sql(plan) => Some(&plan.pace),
            SourcePlan::Images(plan) => Some(&plan.pace),
            SourcePlan::Files(plan) => Some(&plan.pace),
            SourcePlan::Events(plan) => Some(&plan.pace),
        }
    }
}

/// Items that were read, and thrown away, to check a definition.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemSample {
    /// Items.
    pub items: u64,
    /// What they cost, in the source's units.
    pub read_units: f64,
}

/// What one kind of source needs: one variant for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SourcePlan {
    /// A DynamoDB table.
    #[serde(rename = "dynamodb")]
    DynamoDb(DynamoDbPlan),
    /// A table of a relational database.
    Sql(SqlPlan),
    /// A bucket of images.
    Images(ImagesPlan),
    /// A folder of files.
    Files(FilesPlan),
    /// Events of a delivery stream.
    Events(EventsPlan),
}

impl SourcePlan {
    /// What may be a mistake in the source, one sentence each.
    pub fn warnings(&self) -> &[String] {
        match self {
            Self::DynamoDb(_) => &[],
            Self::Sql(plan) => &plan.warnings,
            Self::Images(plan) => &plan.warnings,
            Self::Files(plan) => &plan.warnings,
            Self::Events(plan) => &plan.warnings,
        }
    }
}

/// What the export of a DynamoDB table needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DynamoDbPlan {
    /// The table's ARN, for requesting a native export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_arn: Option<String>,
    /// The paths of the attributes that are read, the key attributes among them; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projection: Vec<String>,
    /// How fast the table is scanned; absent for a native export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadPlan>,
    /// What tells the table from another one of the same name, if the service says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_id: Option<String>,
    /// Which changes are merged into which run's items, for the routes `Changes` and `Stream`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<PlannedChanges>,
    /// Whether changes could not be merged into the last run that ended well, as they should be.
    #[serde(default, skip_serializing_if = "is_not")]
    pub gap: bool,
    /// Where the table's changes were captured when the run was planned, so that later runs can merge
    /// them; absent where they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<CaptureSource>,
}

// serde asks with a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_not(condition: &bool) -> bool {
    !*condition
}

impl DynamoDbPlan {
    /// How the whole table is scanned where captured changes do not fit, if it is.
    pub fn whole_scan(&self) -> Option<&WholePlan> {
        let whole = self.changes.as_ref()?.whole.as_ref()?;
        (whole.route == Route::Scan).then_some(whole)
    }
}

/// How fast a run reads the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadPlan {
    /// Read capacity units per second of all tasks together; absent if unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rcu: Option<f64>,
    /// The reason, as text: `reads at 750 RCU/s: 25 % of 3,000 provisioned`.
    pub decision: String,
    /// Tasks that run at once, at most.
    pub concurrency: u32,
    /// Read units that all tasks together may consume, where the table's size was not known when the
    /// run was planned: there was no estimate to compare with the definition's limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_units: Option<f64>,
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
    /// Not at all.
    Plain,
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
            Self::Plain => "plain text",
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
    /// Read capacity units that the source says were consumed; 0 where it counts none.
    pub read_units: f64,
    /// Attempts that the source throttled.
    #[serde(default)]
    pub throttles: u64,
    /// When the first page was requested, in milliseconds since 1970; absent before that.
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
    /// Counts a page that was requested and arrived at these times, in milliseconds since 1970.
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
    /// Where the next page begins: a scan's `LastEvaluatedKey` in DynamoDB JSON, a query's last
    /// key. Absent: the segment is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<serde_json::Value>,
    /// The parts so far.
    pub parts: Vec<Part>,
    /// The counts so far.
    pub totals: ScanTotals,
    /// The snapshots that the parts were read in, for a source that has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<SnapshotRead>,
    /// What the bucket's listing said, for a range of images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<Listing>,
    /// Key of the manifest of an earlier run, if the bucket said the same of the range then: the
    /// parts are that run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<String>,
    /// What changes did to it, for a segment of an earlier run that changes were merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<AppliedChanges>,
    /// The sum of the hashes of the items' values, where they are compared with another reading of
    /// the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Checksum>,
    /// The profile of all items so far.
    pub profile: P,
}

impl<P> SegmentRecord<P> {
    /// A segment of which nothing is read.
    pub fn new(segment: u32, total_segments: u32, profile: P) -> Self {
        Self {
            segment,
            total_segments,
            cursor: None,
            parts: Vec::new(),
            totals: ScanTotals::default(),
            snapshots: Vec::new(),
            listing: None,
            adopted: None,
            applied: None,
            values: None,
            profile,
        }
    }

    /// Adds what the source says of what is committed next.
    pub fn add(&mut self, read: SourceRead) {
        match read {
            SourceRead::Nothing => {}
            SourceRead::Snapshot(snapshot) => self.snapshots.push(snapshot),
            SourceRead::Listing(listing) => *self.listing.get_or_insert_default() += listing,
        }
    }
}

/// What a source says itself of the items that are committed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceRead {
    /// Nothing.
    Nothing,
    /// The snapshot of a database that they were read in.
    Snapshot(SnapshotRead),
    /// The bucket's listing of the images.
    Listing(Listing),
}

/// The export of a run: all parts of all segments, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportRecord {
    /// The run.
    pub run: RunId,
    /// Number of segments.
    pub segments: u32,
    /// The sums of all segments' counts.
    pub totals: ScanTotals,
    /// The snapshots that the parts were read in, for a source that has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<Snapshots>,
    /// The parts.
    pub parts: Vec<Part>,
}

/// The running run of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CurrentRun {
    /// The run.
    pub run: RunId,
    /// The ARN of its execution.
    pub execution: String,
}
