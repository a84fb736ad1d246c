//! Records of an incremental run: the changes it merges into an earlier run's items, and what the
//! result is a state of.

use super::{Checksum, Part, ReadPlan};
use crate::native::ExportFile;
use contract::RunId;
use contract::states::{ExportTask, Route};
use serde::{Deserialize, Serialize};

/// A span of time, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Window {
    /// Its beginning, inclusive.
    pub from: i64,
    /// Its end, exclusive.
    pub to: i64,
}

/// Which images of an item a change has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeView {
    /// The item as it is since the change, and as it was before: each change can be compared with what
    /// it replaces.
    NewAndOldImages,
    /// The item as it is since the change: a change that is missed cannot be noticed.
    NewImage,
}

/// Which changes a run merges into which run's items: all until its own start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedChanges {
    /// What the changes are merged into.
    pub base: SnapshotRecord,
    /// The windows to export, oldest first.
    pub windows: Vec<Window>,
    /// Why the whole table may not be exported instead, if it may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole_refused: Option<String>,
    /// Whether the result is compared with an export of the whole table, which becomes the run's
    /// items.
    #[serde(default, skip_serializing_if = "is_not")]
    pub audit: bool,
    /// How the whole table is read instead where the changes do not fit; absent: by a native export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<WholePlan>,
}

// serde asks with a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_not(condition: &bool) -> bool {
    !*condition
}

/// What a table's items are, whatever the order of their lines and attributes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Contents {
    /// How many.
    pub items: u64,
    /// The sum of the XXH3-64 hashes of their values.
    pub values: Checksum,
}

/// What merging changes comes to, for comparing with an export of the whole table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Merged {
    /// The moment, exclusive, in seconds since 1970.
    pub as_of: i64,
    /// The items.
    pub contents: Contents,
}

/// The comparison of merged changes with an export of the whole table as of the same moment. It finds
/// what the changes themselves cannot show: that the last change of a key was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Audit {
    /// What the changes came to.
    pub merged: Contents,
    /// What the table is.
    pub exported: Contents,
}

impl Audit {
    /// Whether both are the same items.
    pub fn is_equal(&self) -> bool {
        self.merged == self.exported
    }

    /// What was found, for people.
    pub fn finding(&self) -> String {
        let (merged, exported) = (self.merged.items, self.exported.items);
        if self.is_equal() {
            format!("both have the same {exported} items")
        } else if merged == exported {
            format!("changes were lost: of {exported} items, some have other values")
        } else {
            format!("changes were lost: they came to {merged} items, and the table has {exported}")
        }
    }
}

/// How the whole table is read where changes that were captured do not fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WholePlan {
    /// The route: a scan or a native export.
    pub route: Route,
    /// The number of a scan's first segment: those before it are of the merged changes.
    pub first_segment: u32,
    /// Segments of a scan; 0 for a native export.
    pub segments: u32,
    /// The tasks that share a scan's segments.
    pub tasks: Vec<ExportTask>,
    /// How fast the table is scanned; absent for a native export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadPlan>,
}

/// That the whole table is exported where changes were to be merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WholeExport {
    /// Why, in one sentence.
    pub reason: String,
    /// Whether changes are missing.
    #[serde(default, skip_serializing_if = "is_not")]
    pub gap: bool,
    /// What the changes came to, where they fit and are compared with the export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<Merged>,
}

/// The changes of one window: an incremental export, whose files hold one line for each key that
/// changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeWindow {
    /// The window.
    pub window: Window,
    /// The export's ARN.
    pub export: String,
    /// Its files; their items are changes.
    pub files: Vec<ExportFile>,
}

/// What an incremental run merges, frozen: calls that are repeated merge the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangesRecord {
    /// The names of the attributes that identify an item, in the table's order.
    pub key_attributes: Vec<String>,
    /// Which images the changes have.
    pub view: ChangeView,
    /// What the changes are merged into.
    pub base: SnapshotRecord,
    /// The base's parts, by the run's segment that they are merged into. The segment after the last
    /// one holds the changed items.
    pub segments: Vec<Vec<Part>>,
    /// The windows, oldest first; each begins where the one before ends, the first one where the base
    /// ends.
    pub windows: Vec<ChangeWindow>,
    /// Whether the segments' values are hashed, for comparing with an export of the whole table.
    #[serde(default, skip_serializing_if = "is_not")]
    pub audit: bool,
    /// What was captured of the table's stream, in place of windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<CapturedChanges>,
}

/// Where a table's changes are captured, and when the captured objects were listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CaptureSource {
    /// ARN of the stream.
    pub stream_arn: String,
    /// UUID of the event source mapping.
    pub mapping: String,
    /// When the listing began, in seconds since 1970.
    pub listed_at: i64,
}

/// The captured changes that a run merges: all objects of one listing, from a moment before the base
/// on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CapturedChanges {
    /// Where they were captured.
    pub source: CaptureSource,
    /// The objects, in the order of their keys. The same change may be in several.
    pub objects: Vec<CapturedFile>,
    /// Whether items that their time to live removed are kept.
    pub keep_expired: bool,
    /// Whether all changes are listed that were made until the base had been read. If not, what a
    /// change says of the base cannot be compared with it yet.
    pub settles: bool,
}

/// An object of captured changes, as it was listed. No attempt writes another one's key, and its bytes
/// carry a checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CapturedFile {
    /// Its key.
    pub key: String,
    /// Its bytes as stored.
    pub size: u64,
}

impl ChangesRecord {
    /// The segment of the changed items.
    pub fn changed_segment(&self) -> u32 {
        u32::try_from(self.segments.len()).unwrap_or(u32::MAX)
    }

    /// Number of segments of the run.
    pub fn total_segments(&self) -> u32 {
        self.changed_segment().saturating_add(1)
    }
}

/// The keys that changed, compacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangedRecord {
    /// Key of the object that lists them: 25 bytes each, in the order of their hashes.
    pub key: String,
    /// How many.
    pub keys: u64,
    /// The XXH3-64 hash of that object, in hexadecimal.
    pub checksum: Checksum,
    /// Keys that the base has an item of, by what their changes say.
    pub replaced: u64,
    /// Keys that no longer have an item.
    pub removed: u64,
    /// Changes that were read.
    pub changes: u64,
    /// Keys whose change does not follow from the one before: one was missed.
    pub disagreed: u64,
    /// Some of those keys, as they stand in the changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
    /// Of captured changes, the keys that had an item all the time: the base must have one of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always: Option<u64>,
    /// Of captured changes, the last one that was merged of each key that changed lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<AppliedSequences>,
}

/// The object with the sequence number of the last change that was merged, by key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppliedSequences {
    /// Its key.
    pub key: String,
    /// How many keys.
    pub keys: u64,
    /// The XXH3-64 hash of the object, in hexadecimal.
    pub checksum: Checksum,
}

// serde asks with a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What changes did to the lines of a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppliedChanges {
    /// Lines of the base that were left out, because their keys changed.
    pub superseded: u64,
    /// Those among them whose captured changes end with the same item: the scan had read them after
    /// these changes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub same: u64,
    /// Those among them that are not what their change says that it replaced: a change was missed.
    pub disagreed: u64,
    /// Some of their keys, as they stand in the base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

/// Whether a run's items are a state of one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum SnapshotKind {
    /// Each item is as its last merged change left it, and what no change was merged of is as it was
    /// all the time.
    #[default]
    Exact,
    /// Each item was read at another moment of this span, while its changes were captured.
    Fuzzy(Window),
}

impl SnapshotKind {
    // serde asks with a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn is_exact(&self) -> bool {
        *self == Self::Exact
    }
}

/// What a run's exported items are a state of. Without changes that are captured, only a state that is
/// exact has such a record: a table's native export, or changes merged into one. A scan reads each
/// item at another moment, so that it has one only if its changes were captured meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotRecord {
    /// The run.
    pub run: RunId,
    /// The moment whose items these are, exclusive, in seconds since 1970.
    pub as_of: i64,
    /// Its items.
    pub items: u64,
    /// Its segments.
    pub segments: u32,
    /// When the table was last exported as a whole, in seconds since 1970.
    pub full_as_of: i64,
    /// How many times changes were merged since.
    pub generation: u32,
    /// Keys that changed since the base; 0 where there is none.
    pub changed_keys: u64,
    /// How merged changes compare with this export of the whole table, where both were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
    /// Whether the items are a state of one moment.
    #[serde(default, skip_serializing_if = "SnapshotKind::is_exact")]
    pub kind: SnapshotKind,
    /// Where the changes since then are captured; absent where they are exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<CaptureSource>,
}
