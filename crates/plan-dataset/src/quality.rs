//! Checks the data against the gates and earlier data: the champion's, or, in a pipeline without
//! `promotion`, the newest good data. It always writes the result: a run that ends here leaves a
//! report.

use crate::PlanDatasetError;
use contract::{RunId, short_name};
use dataset::{Columns, Quality, judge, judge_items};
use definition::{Definition, NamedPath, PathUsage};
use lake::records::{Champion, DatasetRecord, Latest};
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

/// Judges the data, and writes the verdicts, and the statistics. `columns` are the
/// planned columns, if planning succeeded.
pub async fn judge_data(
    store: &impl ObjectStore,
    keys: &RunKeys,
    definition: &Definition,
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
    let mut gate = Vec::new();
    if let Some(bounds) = &definition.gate {
        gate.extend(judge_items(bounds, &statistics, drift.as_ref()));
    }
    if let Some(dataset) = &definition.dataset {
        let mut dataset = dataset.clone();
        // Where no model serves, a new column changes nobody's requests.
        dataset.gate.drift.allow_new_columns |= definition.promotion.is_none();
        gate.extend(judge(&dataset, columns, &statistics, against));
    }
    let mut notes = columns.map_or_else(Vec::new, notes);
    if definition.dataset.is_none() {
        notes.extend(absent_projected(definition, profile));
    }
    let dataset = definition.dataset.as_ref();
    let quality = Quality {
        label: dataset.map(|dataset| dataset.label.clone()),
        columns: features.map(|column| column.path.clone()).collect(),
        gate,
        notes,
        comparison,
        drift,
    };
    documents::write(store, &keys.profile(), &statistics).await?;
    documents::write(store, &keys.quality(), &quality).await?;
    Ok(quality)
}

/// Projected attributes that no item has. A run that only exports may lack one; with a dataset the
/// run fails.
fn absent_projected(definition: &Definition, profile: &Profile) -> Vec<String> {
    let paths = definition.paths().into_iter();
    let projected = paths.filter(|named| named.usage == PathUsage::Projection);
    let absent = projected.filter(|named| {
        let one = std::slice::from_ref(named);
        dataset::check_paths(one, &[], profile).is_err()
    });
    let note = |named: NamedPath<'_>| {
        let path = short_name(named.text);
        format!("{path}, which `{}` names, occurs in no item", named.field)
    };
    absent.map(note).collect()
}

/// Reads the data to compare with: the champion's, not the last run's. The model in service learned
/// from it, and data that drifts a little with every run is found in the end. Without `promotion`
/// no model serves, and the newest good data takes its place.
pub async fn before(
    store: &impl ObjectStore,
    keys: &RunKeys,
    definition: &Definition,
) -> Result<Comparison, PlanDatasetError> {
    if definition.promotion.is_none() {
        return newest(store, keys, definition).await;
    }
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
    let comparison = format!("compared with run {run}, whose model serves");
    let before = Before {
        columns: columns_of(&dataset),
        run,
        statistics,
    };
    Ok(Comparison {
        before: Some(before),
        comparison,
    })
}

/// Reads the newest good data of a pipeline without `promotion`.
async fn newest(
    store: &impl ObjectStore,
    keys: &RunKeys,
    definition: &Definition,
) -> Result<Comparison, PlanDatasetError> {
    let nothing = |comparison: String| {
        Ok(Comparison {
            before: None,
            comparison,
        })
    };
    let key = keys::latest(keys.pipeline());
    let latest: Option<Latest> =
        documents::read_if_there(store, &key, "the record of the newest data").await?;
    // A redriven run may find a later run's record, which is as good to compare with; its own is
    // not.
    let Some(Latest { run, .. }) = latest.filter(|latest| latest.run != *keys.run()) else {
        return nothing("compared with nothing: this is the first good data".to_owned());
    };
    let theirs = RunKeys::new(keys.pipeline(), &run);
    let statistics: Option<Statistics> =
        documents::read_if_there(store, &theirs.profile(), "the profile of a run").await?;
    let dataset: Option<DatasetRecord> =
        documents::read_if_there(store, &theirs.dataset(), "a dataset").await?;
    let columns = match (&definition.dataset, dataset) {
        (None, _) => Some(Vec::new()),
        (Some(_), dataset) => dataset.map(|dataset| columns_of(&dataset)),
    };
    let (Some(statistics), Some(columns)) = (statistics, columns) else {
        let gone = format!(
            "compared with nothing: of run {run}, the newest good one, there is no profile or no dataset"
        );
        return nothing(gone);
    };
    let comparison = format!("compared with run {run}, the newest good one");
    let before = Before {
        run,
        statistics,
        columns,
    };
    Ok(Comparison {
        before: Some(before),
        comparison,
    })
}

/// The paths of a dataset's feature columns.
fn columns_of(dataset: &DatasetRecord) -> Vec<String> {
    let columns = dataset
        .columns
        .get("columns")
        .and_then(|all| all.as_array());
    let columns = columns.into_iter().flatten();
    columns
        .filter_map(|column| column.get("path")?.as_str().map(str::to_owned))
        .collect()
}

/// Decisions of the inference that a user may want to change.
fn notes(columns: &Columns) -> Vec<String> {
    let left_out = columns.left_out.iter();
    let left_out = left_out.map(|out| format!("`{}` is left out: it {}", out.path, out.reason));
    columns.notes.iter().cloned().chain(left_out).collect()
}
