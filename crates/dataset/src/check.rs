//! What can be said of a dataset's definition before any item is seen, so that a mistake costs
//! nothing. It must not look at data.

use crate::error::PlanError;
use contract::definition::Dataset;
use item::Path;

/// Checks what a definition says of its dataset: paths, repeated columns, shares.
///
/// # Errors
/// [`PlanError::Path`] or [`PlanError::Definition`], both `InvalidDefinition`, naming the field.
pub fn check_definition(definition: &Dataset) -> Result<(), PlanError> {
    let label = column_path("label", &definition.label)?;
    if let Some(columns) = &definition.columns {
        if columns.is_empty() {
            return Err(refuse(
                "columns",
                "declare at least one column, or leave it out to infer them",
            ));
        }
        let mut seen = vec![label];
        for (at, column) in columns.iter().enumerate() {
            let field = format!("columns[{at}].path");
            let path = column_path(&field, &column.path)?;
            if seen.contains(&path) {
                return Err(refuse(
                    &field,
                    format!(
                        "`{path}` is the label or a column already; every attribute is one column"
                    ),
                ));
            }
            seen.push(path);
        }
    }
    for (at, path) in definition.exclude.iter().enumerate() {
        parse(&format!("exclude[{at}]"), path)?;
    }
    for (at, path) in definition.split.by.iter().enumerate() {
        parse(&format!("split.by[{at}]"), path)?;
    }
    share("split.validation", definition.split.validation, 0.9)?;
    share(
        "gate.maximumMissingLabel",
        definition.gate.maximum_missing_label,
        1.0,
    )
}

pub(crate) fn parse(field: &str, path: &str) -> Result<Path, PlanError> {
    Path::parse(path).map_err(|source| PlanError::Path {
        field: field.to_owned(),
        source,
    })
}

pub(crate) fn refuse(field: &str, reason: impl Into<String>) -> PlanError {
    PlanError::Definition {
        field: field.to_owned(),
        reason: reason.into(),
    }
}

/// A path that is to be a column: the profile, from which columns are planned, counts lists whole.
fn column_path(field: &str, path: &str) -> Result<Path, PlanError> {
    let path = parse(field, path)?;
    if path.enters_list() {
        return Err(refuse(
            field,
            format!(
                "`{path}` is an element of a list, which cannot be a column; name an attribute"
            ),
        ));
    }
    Ok(path)
}

fn share(field: &str, value: f64, most: f64) -> Result<(), PlanError> {
    if (0.0..=most).contains(&value) {
        Ok(())
    } else {
        Err(refuse(
            field,
            format!("{value} is not a share from 0 to {most}"),
        ))
    }
}
