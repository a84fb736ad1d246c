//! What of the table is read: the table itself or an index, and which attributes. Wrong
//! combinations are refused here, before anything is read.

use crate::PlanExportError;
use crate::needed::needed;
use definition::{Definition, DynamoDbSource, FieldError, NamedPath, PathUsage};
use dynamodb_json::Path;
use source::{IndexInfo, Selection, TableInfo};

/// A valid selection.
#[derive(Debug, Clone)]
pub struct Selected {
    /// The table, or the index that replaces it: its own counts are what a scan reads.
    pub info: TableInfo,
    /// The names of the table's key attributes, which identify items through an index too.
    pub key_attributes: Vec<String>,
    /// The paths of the attributes to read; all if empty.
    pub paths: Vec<Path>,
}

/// Finds the index, if one is named, and checks the selection.
pub fn choose(
    definition: &Definition,
    source: &DynamoDbSource,
    info: TableInfo,
) -> Result<Selected, PlanExportError> {
    let refuse = |path: &str, message: String| {
        let pipeline = definition.pipeline.clone();
        let faults = FieldError::new(path, message).into();
        PlanExportError::Invalid { pipeline, faults }
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
        if let Some((named, path)) = beyond_index(definition, source, index, &key_attributes) {
            let message = format!(
                "index {name:?} does not hold `{path}`, which `{}` names: read the table itself, or an index that projects it",
                named.field
            );
            return Err(refuse("source.dynamodb.index", message));
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
    if let Some((named, path)) = beyond_projection(definition, &paths) {
        let mend = if named.usage == PathUsage::Exclude {
            "it is left out already: take it out of `dataset.exclude`, or add it"
        } else {
            "add it"
        };
        let message = format!("leaves out `{path}`, which `{}` names: {mend}", named.field);
        return Err(refuse("source.dynamodb.projection", message));
    }
    Ok(Selected {
        info: scanned,
        key_attributes,
        paths,
    })
}

/// The first path that the definition names and the projection leaves out.
fn beyond_projection<'d>(
    definition: &'d Definition,
    projection: &[Path],
) -> Option<(NamedPath<'d>, Path)> {
    if projection.is_empty() {
        return None;
    }
    needed(definition).find(|(named, path)| {
        let reads = |read: &Path| {
            // Leaving out a whole map leaves out everything in it.
            path.is_within(read) || named.usage == PathUsage::Exclude && read.is_within(path)
        };
        !projection.iter().any(reads)
    })
}

/// The first path that the definition names and the index does not hold.
fn beyond_index<'d>(
    definition: &'d Definition,
    source: &DynamoDbSource,
    index: &IndexInfo,
    table_key: &[String],
) -> Option<(NamedPath<'d>, Path)> {
    let projects = index.projects.as_ref()?;
    // Attributes that a local index lacks are fetched from its table if a projection names them.
    if !index.global && !source.projection.is_empty() {
        return None;
    }
    let mut held = table_key
        .iter()
        .chain(&index.key_attributes)
        .chain(projects);
    let held: std::collections::BTreeSet<&str> = held.by_ref().map(String::as_str).collect();
    needed(definition).find(|(_, path)| !held.contains(path.first()))
}
