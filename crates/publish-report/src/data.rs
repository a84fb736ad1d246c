//! The report's section on the data: the gate's verdicts and the drift, as earlier steps stored
//! them.

use crate::PublishReportError;
use dataset::{GateVerdict, Quality};
use lake::{ObjectStore, RunKeys, documents};
use serde::{Deserialize, Serialize};

/// What the quality gate found about the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataReport {
    /// The verdict on every bound of the gate.
    pub gate: Vec<GateVerdict>,
    /// What the data was compared with, or why there was nothing to compare.
    pub comparison: String,
    /// Notable changes since, as lines for people; `quality.json` has all figures.
    pub changes: Vec<String>,
    /// Key of the run's page, which shows the data.
    pub page_key: String,
}

/// What the steps found; none in a run of before there was such a report.
pub async fn gather(
    store: &impl ObjectStore,
    run: &RunKeys,
) -> Result<Option<DataReport>, PublishReportError> {
    let quality: Option<Quality> =
        documents::read_if_there(store, &run.quality(), "the report on the data").await?;
    Ok(quality.map(|quality| DataReport {
        changes: quality.changes(),
        gate: quality.gate,
        comparison: quality.comparison,
        page_key: run.page(),
    }))
}
