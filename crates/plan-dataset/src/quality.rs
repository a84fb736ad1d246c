//! Checks the data against the gate and the champion's data, and always writes the result: a run
//! that ends here leaves a report.

use crate::PlanDatasetError;
use bytes::Bytes;
use contract::RunId;
use dataset::{Columns, Quality, judge, quality_page};
use definition::Dataset;
use lake::records::{Champion, DatasetRecord};
use lake::{ObjectStore, RunKeys, documents, keys};
use profile::{Drift, Profile, Statistics};

/// What a table is compared with, and why.
pub struct Comparison {
    before: Option<Before>,
    comparison: String,
}

impl Comparison {
    /// The feature columns of the model in service; empty if unknown.
    pub fn columns(&self) -> &[String] {
        self.before.as_ref().map_or(&[], |before| &before.columns)
    }
}

/// The run whose data a table is compared with.
struct Before {
    run: RunId,
    statistics: Statistics,
    /// Its feature columns.
    columns: Vec<String>,
}

/// Judges the data, and writes the verdicts, the statistics and the HTML report. `columns` are the
/// planned columns, if planning succeeded.
pub async fn judge_data(
    store: &impl ObjectStore,
    keys: &RunKeys,
    definition: &Dataset,
    profile: &Profile,
    columns: Option<&Columns>,
    Comparison { before, comparison }: Comparison,
) -> Result<Quality, PlanDatasetError> {
    let statistics = profile.statistics();
    let drift = before.as_ref().map(|before| {
        let run = before.run.clone();
        Drift::since(run, &before.statistics, profile, &statistics)
    });
    let against = drift.as_ref().zip(before.as_ref());
    let against = against.map(|(drift, before)| (drift, before.columns.as_slice()));
    let features = columns.iter().flat_map(|columns| &columns.columns);
    let quality = Quality {
        label: definition.label.clone(),
        columns: features.map(|column| column.path.clone()).collect(),
        gate: judge(definition, columns, &statistics, against),
        notes: columns.map_or_else(Vec::new, notes),
        comparison,
        drift,
    };
    documents::write(store, &keys.profile(), &statistics).await?;
    documents::write(store, &keys.quality(), &quality).await?;
    let page = quality_page(keys.pipeline(), keys.run(), &statistics, &quality);
    store.put(&keys.quality_page(), Bytes::from(page)).await?;
    Ok(quality)
}

/// Reads the data to compare with: the champion's, not the last run's. The model in service learned
/// from it, and data that drifts a little with every run is found in the end.
pub async fn before(
    store: &impl ObjectStore,
    keys: &RunKeys,
) -> Result<Comparison, PlanDatasetError> {
    let nothing = |comparison: String| {
        Ok(Comparison {
            before: None,
            comparison,
        })
    };
    let champion: Option<Champion> = documents::read_if_there(
        store,
        &keys::champion(keys.pipeline()),
        "the record of a champion",
    )
    .await?;
    let Some(Champion { run, .. }) = champion else {
        let none = "compared with nothing: no model serves yet".to_owned();
        return nothing(none);
    };
    let theirs = RunKeys::new(keys.pipeline(), &run);
    let statistics: Option<Statistics> =
        documents::read_if_there(store, &theirs.profile(), "the profile of a run").await?;
    let dataset: Option<DatasetRecord> =
        documents::read_if_there(store, &theirs.dataset(), "a dataset").await?;
    let (Some(statistics), Some(dataset)) = (statistics, dataset) else {
        let gone = format!(
            "compared with nothing: the data of run {run}, whose model serves, has no profile any more"
        );
        return nothing(gone);
    };
    let columns = dataset
        .columns
        .get("columns")
        .and_then(|all| all.as_array());
    let paths = columns
        .into_iter()
        .flatten()
        .filter_map(|column| column.get("path")?.as_str().map(str::to_owned));
    let comparison = format!("compared with run {run}, whose model serves");
    let before = Before {
        columns: paths.collect(),
        run,
        statistics,
    };
    Ok(Comparison {
        before: Some(before),
        comparison,
    })
}

/// Decisions of the inference that a user may want to change.
fn notes(columns: &Columns) -> Vec<String> {
    let left_out = columns.left_out.iter();
    let left_out = left_out.map(|out| format!("`{}` is left out: it {}", out.path, out.reason));
    columns.notes.iter().cloned().chain(left_out).collect()
}
