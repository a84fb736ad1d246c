//! The records that steps pass to each other through the lake: plan, segment, shard, training,
//! verdict, deployment, champion.

mod checksum;
mod dataset;
mod deployment;
mod export;
mod latest;
mod model;

pub use checksum::{Checksum, FileDigest};
pub use dataset::{
    ChannelFile, DatasetPlan, DatasetRecord, LabelRange, Rejection, RowContent, Sample, ShardRecord,
};
pub use deployment::{
    Champion, DeploymentIntent, DeploymentRecord, EndpointRecreated, TransformRecord,
};
pub use export::{
    CurrentRun, DynamoDbPlan, Encoding, ExportRecord, ItemSample, Part, Plan, ReadPlan, ScanTotals,
    SegmentRecord, SourcePlan,
};
pub use latest::{Latest, LatestDataset, LatestExport, LatestModel};
pub use model::{
    ApprovalDecision, ApprovalRecord, ApprovalRequest, JudgedRows, ModelPackageRecord,
    Reevaluation, SampleRecord, TrainingRecord, TuningRecord, VerdictRecord,
};
