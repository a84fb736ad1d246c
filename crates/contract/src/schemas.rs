//! The JSON Schemas of every state's input and output, and of the error names.

use crate::ErrorName;
use crate::checked::{CheckInput, CheckOutput};
use crate::failed::{FailedInput, FailedOutput};
use crate::states::{
    CompactChangesOutput, DeployEndpointOutput, ExportSegmentInput, ExportSegmentOutput, JobInput,
    JudgeModelInput, JudgeModelOutput, MergeToCsvInput, MergeToCsvOutput, PlanDatasetOutput,
    PlanExportInput, PlanExportOutput, PublishReportInput, PublishReportOutput,
    RequestExportOutput, RunInput, SealDatasetOutput, StartTrainingOutput,
};
use crate::stop::{StopInput, StopOutput};
use schemars::{Schema, schema_for};

/// Each schema with the name of its file (`<name>.schema.json`), ordered by name.
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("compact-changes.input", schema_for!(RunInput)),
        ("compact-changes.output", schema_for!(CompactChangesOutput)),
        ("deploy-endpoint.input", schema_for!(JobInput)),
        ("deploy-endpoint.output", schema_for!(DeployEndpointOutput)),
        ("error-name", schema_for!(ErrorName)),
        ("export-segment.input", schema_for!(ExportSegmentInput)),
        ("export-segment.output", schema_for!(ExportSegmentOutput)),
        ("export-sql-range.input", schema_for!(ExportSegmentInput)),
        ("export-sql-range.output", schema_for!(ExportSegmentOutput)),
        ("index-images.input", schema_for!(ExportSegmentInput)),
        ("index-images.output", schema_for!(ExportSegmentOutput)),
        ("judge-model.input", schema_for!(JudgeModelInput)),
        ("judge-model.output", schema_for!(JudgeModelOutput)),
        ("merge-to-csv.input", schema_for!(MergeToCsvInput)),
        ("merge-to-csv.output", schema_for!(MergeToCsvOutput)),
        ("pack-images.input", schema_for!(MergeToCsvInput)),
        ("pack-images.output", schema_for!(MergeToCsvOutput)),
        ("plan-dataset.input", schema_for!(RunInput)),
        ("plan-dataset.output", schema_for!(PlanDatasetOutput)),
        ("plan-export.input", schema_for!(PlanExportInput)),
        ("plan-export.output", schema_for!(PlanExportOutput)),
        ("publish-report.check-input", schema_for!(CheckInput)),
        ("publish-report.check-output", schema_for!(CheckOutput)),
        ("publish-report.failed-input", schema_for!(FailedInput)),
        ("publish-report.failed-output", schema_for!(FailedOutput)),
        ("publish-report.input", schema_for!(PublishReportInput)),
        ("publish-report.output", schema_for!(PublishReportOutput)),
        ("request-export.input", schema_for!(RunInput)),
        ("request-export.output", schema_for!(RequestExportOutput)),
        ("seal-dataset.input", schema_for!(RunInput)),
        ("seal-dataset.output", schema_for!(SealDatasetOutput)),
        ("start-training.input", schema_for!(JobInput)),
        ("start-training.output", schema_for!(StartTrainingOutput)),
        ("start-training.stop-input", schema_for!(StopInput)),
        ("start-training.stop-output", schema_for!(StopOutput)),
    ]
}
