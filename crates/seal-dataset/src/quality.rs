//! The bound on rejected items, which can be checked only when all rows are written. Its verdict is
//! added to the report on the data, even if the run fails here.

use crate::SealDatasetError;
use bytes::Bytes;
use contract::states::RowCounts;
use dataset::{GateFailed, Quality, judge_rejected, quality_page};
use lake::records::Plan;
use lake::{ObjectStore, RunKeys, documents};
use profile::Statistics;

/// Compares the number of rejected items with the gate's bound.
pub async fn check_rejected(
    store: &impl ObjectStore,
    keys: &RunKeys,
    rows: RowCounts,
) -> Result<(), SealDatasetError> {
    let plan: Plan = documents::read(store, &keys.plan(), "the run's plan").await?;
    let verdict = judge_rejected(&plan.definition.dataset.gate, rows);
    let quality: Option<Quality> =
        documents::read_if_there(store, &keys.quality(), "the report on the data").await?;
    let statistics: Option<Statistics> =
        documents::read_if_there(store, &keys.profile(), "the profile of the run").await?;
    // Neither is there in a run that was planned before there were such.
    if let Some((mut quality, statistics)) = quality.zip(statistics) {
        quality.add(verdict.clone());
        documents::write(store, &keys.quality(), &quality).await?;
        let page = quality_page(keys.pipeline(), keys.run(), &statistics, &quality);
        store.put(&keys.quality_page(), Bytes::from(page)).await?;
    }
    Ok(GateFailed::check(&[verdict])?)
}
