//! The records that steps pass to each other through the lake: plan, segment, shard, training,
//! verdict, deployment, champion.

mod changes;
mod checksum;
mod dataset;
mod deployment;
mod events;
mod export;
mod files;
mod images;
mod latest;
mod model;
mod snapshot;
mod sql;

pub use changes::{
    AppliedChanges, AppliedSequences, Audit, CaptureSource, CapturedChanges, CapturedFile,
    ChangeView, ChangeWindow, ChangedRecord, ChangesRecord, Contents, Merged, PlannedChanges,
    SnapshotKind, SnapshotRecord, WholeExport, WholePlan, Window,
};
pub use checksum::{Checksum, FileDigest};
pub use dataset::{
    ChannelFile, DatasetPlan, DatasetRecord, FilePiece, LabelRange, LineSpan, ListedObject,
    Objects, Rejection, RowContent, Sample, ShardRecord,
};
pub use deployment::{
    Champion, DeploymentIntent, DeploymentRecord, EndpointRecreated, TransformRecord,
};
pub use events::{
    EventsIndex, EventsPlan, EventsSegment, KeptObjects, KeptSegment, ObjectsListing,
};
pub use export::{
    CurrentRun, DynamoDbPlan, Encoding, ExportRecord, ItemSample, Part, Plan, ReadPlan, ScanTotals,
    SegmentRecord, SourcePlan, SourceRead,
};
pub use files::{FileRange, FilesPlan, SourceFile};
pub use images::{ImageIndex, ImagesPlan, IndexBasis, IndexedRange, KeyRange, Listing, SizeClass};
pub use latest::{Latest, LatestDataset, LatestExport, LatestModel};
pub use model::{
    ApprovalDecision, ApprovalRecord, ApprovalRequest, JudgedRows, ModelPackageRecord,
    Reevaluation, SampleRecord, TrainingRecord, TuningRecord, VerdictRecord,
};
pub use snapshot::{SnapshotRead, Snapshots};
pub use sql::{
    SqlChanges, SqlChunk, SqlColumn, SqlIncremental, SqlKind, SqlNulls, SqlPartition,
    SqlPartitionRange, SqlPartitionTable, SqlPlan,
};
