//! The capability to estimate an export and split it into tasks.

use contract::states::{Estimate, ExportTask, Route};
use definition::Definition;
use lake::records::{ChangesRecord, ItemSample, SourcePlan};
use std::future::Future;

/// The plan of a source's export.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The names of the attributes that identify an item.
    pub key_attributes: Vec<String>,
    /// Which function exports.
    pub route: Route,
    /// Why, in one sentence.
    pub reason: String,
    /// Number of segments.
    pub segments: u32,
    /// The tasks that share them, at most [`MOST_CHILDREN`](contract::states::MOST_CHILDREN).
    pub tasks: Vec<ExportTask>,
    /// Expected items, bytes, minutes and cost.
    pub estimate: Estimate,
    /// What was read to check the definition, if anything.
    pub sample: Option<ItemSample>,
    /// Further settings of the exporting function for this kind of source.
    pub source: Option<SourcePlan>,
    /// What was captured of the source, to be frozen with the plan, if it is merged.
    pub changes: Option<ChangesRecord>,
}

/// Estimates an export and splits it into tasks.
pub trait PlanSource: Send + Sync {
    /// Why the source cannot be exported.
    type Error;

    /// Checks that the source exists and holds at least one item, checks the estimate against the
    /// definition's limits, and splits the export. Reads at most a sample of the items.
    fn plan(
        &self,
        definition: &Definition,
    ) -> impl Future<Output = Result<Planned, Self::Error>> + Send;

    /// The items that a plan would estimate, where they are known for less than a plan costs; `None`
    /// where only a plan tells. A run that waits for items asks again and again.
    fn items(
        &self,
        definition: &Definition,
    ) -> impl Future<Output = Result<Option<u64>, Self::Error>> + Send {
        let _ = definition;
        async { Ok(None) }
    }
}
