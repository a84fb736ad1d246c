//! Holds the data against the gate and against that of the model now serving, and leaves behind what came of it,
//! whatever that is: a run that ends here can be looked at.

use crate::PlanDatasetError;
use bytes::Bytes;
use contract::RunId;
use dataset::{Columns, Quality, judge, quality_page};
use definition::Dataset;
use lake::records::{Champion, DatasetRecord};
use lake::{ObjectStore, RunKeys, documents, keys};
use profile::{Drift, Profile, Statistics};

/// What a table is compared with, and why that.
pub struct Comparison {
    before: Option<Before>,
    said: String,
}

impl Comparison {
    /// The feature columns of the model now serving; none if nothing is known of it.
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

/// Judges the data, and writes the verdicts, the statistics and the page for people. `columns` are those that
/// were planned, if they could be.
pub async fn judge_data(
    store: &impl ObjectStore,
    keys: &RunKeys,
    definition: &Dataset,
    profile: &Profile,
    columns: Option<&Columns>,
    Comparison { before, said }: Comparison,
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
        comparison: said,
        drift,
    };
    documents::write(store, &keys.profile(), &statistics).await?;
    documents::write(store, &keys.quality(), &quality).await?;
    let page = quality_page(keys.pipeline(), keys.run(), &statistics, &quality);
    store.put(&keys.quality_page(), Bytes::from(page)).await?;
    Ok(quality)
}

// The champion's data and not the last run's: it is what the model that answers today has learned from, and data
// that moves a little with every run is found out in the end.
/// Reads what the data of the run is compared with.
pub async fn before(
    store: &impl ObjectStore,
    keys: &RunKeys,
) -> Result<Comparison, PlanDatasetError> {
    let nothing = |said: String| Ok(Comparison { before: None, said });
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
            "compared with nothing: the data of run {run}, whose model serves, is not described any more"
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
    let said = format!("compared with run {run}, whose model serves");
    let before = Before {
        columns: paths.collect(),
        run,
        statistics,
    };
    Ok(Comparison {
        before: Some(before),
        said,
    })
}

/// What was decided that people may want to decide otherwise.
fn notes(columns: &Columns) -> Vec<String> {
    let left_out = columns.left_out.iter();
    let left_out = left_out.map(|out| format!("`{}` is left out: it {}", out.path, out.reason));
    columns.notes.iter().cloned().chain(left_out).collect()
}
