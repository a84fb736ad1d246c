//! Records of an incremental run: the changes it merges into an earlier run's items, and what the
//! result is a state of.

use super::{Checksum, Part};
use crate::native::ExportFile;
use contract::RunId;
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
    /// The item as it is since the change, and as it was before: each change can be held against what
    /// it replaces.
    NewAndOldImages,
    /// The item as it is since the change: a change that is missed cannot be noticed.
    NewImage,
}

/// Which changes a run merges into which run's items: all until its own start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// What changes did to the lines of a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppliedChanges {
    /// Lines of the base that were left out, because their keys changed.
    pub superseded: u64,
    /// Those among them that are not what their change says that it replaced: a change was missed.
    pub disagreed: u64,
    /// Some of their keys, as they stand in the base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

/// What a run's exported items are a state of. Only a state that is exact has such a record: a
/// table's native export, or changes merged into one. A scan reads each item at another moment, so
/// that it has none.
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
}
