//! What of the table is read: the table itself or an index, and which attributes. Wrong combinations
//! are refused here, before anything is read. It must not know how it is read.

use crate::PlanExportError;
use definition::{Definition, FieldError};
use dynamodb_json::Path;
use source::{Selection, TableInfo};

/// What is read, once it is known to be there and to fit together.
#[derive(Debug)]
pub struct Selected {
    /// The table, or the index in its place: its own counts are what a scan reads.
    pub info: TableInfo,
    /// The names of the table's key attributes, which tell items apart through an index too.
    pub key_attributes: Vec<String>,
    /// The paths of the attributes that are read; all if empty.
    pub projection: Vec<String>,
}

/// Finds the index, if one is asked for, and checks what is asked of it.
pub fn choose(definition: &Definition, info: TableInfo) -> Result<Selected, PlanExportError> {
    let source = &definition.source.dynamodb;
    let refuse = |path, message| {
        let pipeline = definition.pipeline.clone();
        let source = FieldError { path, message };
        PlanExportError::Invalid { pipeline, source }
    };
    let key_attributes = info.key_attributes.clone();
    let mut scanned = info;
    let mut keys = key_attributes.clone();
    if let Some(name) = &source.index {
        let known = std::mem::take(&mut scanned.indexes);
        let Some(index) = known.iter().find(|index| index.name == *name) else {
            return Err(PlanExportError::IndexMissing {
                table: source.table.clone(),
                index: name.clone(),
                known: known.into_iter().map(|index| index.name).collect(),
            });
        };
        if index.global && source.consistent_read {
            let message = format!(
                "index {name:?} is a global one, which has no strongly consistent reads: leave it out"
            );
            return Err(refuse("source.dynamodb.consistentRead", message));
        }
        (scanned.items, scanned.bytes) = (index.items, index.bytes);
        scanned.capacity = index.capacity;
        let more = index.key_attributes.iter();
        keys.extend(more.filter(|key| !key_attributes.contains(key)).cloned());
    }
    let refused = |source| PlanExportError::Selection {
        pipeline: definition.pipeline.clone(),
        source,
    };
    let paths = source::projected(&source.projection, &keys).map_err(refused)?;
    Selection::new(source, &paths).check().map_err(refused)?;
    if let Some((field, path)) = missing(definition, &paths) {
        let message = format!("leaves out `{path}`, which {field} needs: add it");
        return Err(refuse("source.dynamodb.projection", message));
    }
    Ok(Selected {
        info: scanned,
        key_attributes,
        projection: paths.iter().map(ToString::to_string).collect(),
    })
}

/// The first path that the dataset needs and the projection leaves out.
fn missing(definition: &Definition, projection: &[Path]) -> Option<(&'static str, Path)> {
    let dataset = &definition.dataset;
    let columns = dataset.columns.iter().flatten();
    let needed = std::iter::once(("dataset.label", &dataset.label))
        .chain(columns.map(|column| ("dataset.columns", &column.path)))
        .chain(
            dataset
                .split
                .by
                .iter()
                .map(|path| ("dataset.split.by", path)),
        );
    needed
        // That they are paths was checked with the definition.
        .filter_map(|(field, text)| Some((field, Path::parse(text).ok()?)))
        .find(|(_, path)| {
            !projection.is_empty() && !projection.iter().any(|read| path.is_within(read))
        })
}
