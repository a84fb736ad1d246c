//! Checks a dataset's definition before any item is read, so that a mistake costs nothing.

use crate::encode::condition::PreparedCondition;
use crate::encode::moment::Moment;
use crate::error::PlanError;
use crate::plan::check_column;
use definition::{Dataset, NamedPath, Split};
use dynamodb_json::Path;

/// Checks the definition of a dataset: paths, repeated columns, shares.
///
/// # Errors
/// [`PlanError::Path`] or [`PlanError::Definition`], both `InvalidDefinition`, naming the field.
pub fn check_definition(definition: &Dataset) -> Result<(), PlanError> {
    let label = profiled("label", &definition.label)?;
    if let Some(weight) = &definition.weight
        && profiled("weight", weight)? == label
    {
        return Err(refuse("weight", "is the label"));
    }
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
            let path = parse(&field, &column.path)?;
            check_column::check(at, column)?;
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
    for (at, condition) in definition.conditions.iter().enumerate() {
        parse(&format!("where[{at}].path"), &condition.path)?;
        PreparedCondition::new(condition)
            .map_err(|reason| refuse(&format!("where[{at}].value"), reason))?;
    }
    if let Some(deduplicate) = &definition.deduplicate {
        if deduplicate.by.is_empty() {
            return Err(refuse("deduplicate.by", "name at least one attribute"));
        }
        for (at, path) in deduplicate.by.iter().enumerate() {
            parse(&format!("deduplicate.by[{at}]"), path)?;
        }
        if let Some(path) = &deduplicate.latest {
            profiled("deduplicate.latest", path)?;
        }
    }
    check_split(&definition.split)?;
    check_may_be_absent(definition)?;
    for path in definition.gate.columns.keys() {
        parse("gate.columns", path)?;
    }
    share(
        "gate.maximumMissingLabel",
        definition.gate.maximum_missing_label,
        1.0,
    )
}

/// A path in `mayBeAbsent` must also be named where it may be absent; otherwise it is a typo.
fn check_may_be_absent(definition: &Dataset) -> Result<(), PlanError> {
    let named = definition.paths();
    for (at, path) in definition.may_be_absent.iter().enumerate() {
        let field = format!("mayBeAbsent[{at}]");
        let wanted = parse(&field, path)?;
        let excuses = |named: &NamedPath<'_>| {
            named.usage.may_be_absent() && Path::parse(named.text).is_ok_and(|path| path == wanted)
        };
        // The projection belongs to the source, and is not visible here.
        if !named.iter().any(excuses) {
            return Err(refuse(
                &field,
                format!("`{path}` is named by none of `exclude`, `where` and `gate.columns`"),
            ));
        }
    }
    Ok(())
}

fn check_split(split: &Split) -> Result<(), PlanError> {
    for (at, path) in split.by.iter().enumerate() {
        parse(&format!("split.by[{at}]"), path)?;
    }
    share("split.validation", split.validation, 0.9)?;
    share("split.test", split.test, 0.9)?;
    share("split.test", split.validation + split.test, 0.9)?;
    let Some(time) = &split.time else {
        return Ok(());
    };
    profiled("split.time.path", &time.path)?;
    let moment = |field: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => match Moment::parse(text) {
            Some(moment) => Ok(Some(moment)),
            None => Err(refuse(
                field,
                format!("`{text}` is not an ISO 8601 timestamp, such as 2026-01-31T12:00:00Z"),
            )),
        },
    };
    let validation = moment("split.time.validationFrom", &time.validation_from)?;
    let test = moment("split.time.testFrom", &time.test_from)?;
    match (validation, test) {
        (None, Some(_)) => Err(refuse(
            "split.time.testFrom",
            "needs `validationFrom`, or leave both to the shares",
        )),
        (Some(validation), Some(test)) if test <= validation => Err(refuse(
            "split.time.testFrom",
            "must be later than `validationFrom`",
        )),
        _ => Ok(()),
    }
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

/// A path whose profile the plan needs; the profile counts lists as a whole.
fn profiled(field: &str, path: &str) -> Result<Path, PlanError> {
    let path = parse(field, path)?;
    if path.enters_list() {
        return Err(refuse(
            field,
            format!(
                "`{path}` is an element of a list, of which the export keeps no profile; name an attribute"
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
