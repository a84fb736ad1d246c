//! What the report says of the data: the gate's verdicts and the drift, as the steps before left them.

use crate::PublishReportError;
use dataset::{GateVerdict, Quality};
use lake::{ObjectStore, RunKeys, documents};
use serde::{Deserialize, Serialize};

/// What was found about the data before it was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataReport {
    /// What every bound of the gate came to.
    pub gate: Vec<GateVerdict>,
    /// With what the data was compared, or why with nothing.
    pub comparison: String,
    /// What has changed notably since, in lines for people; `quality.json` has all figures.
    pub changes: Vec<String>,
    /// Key of the page on the data, for people.
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
        page_key: run.quality_page(),
    }))
}
