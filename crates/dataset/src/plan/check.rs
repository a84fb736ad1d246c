//! Checks a dataset's definition before any item is read, so that a mistake costs nothing.

use crate::encode::condition::PreparedCondition;
use crate::encode::moment::Moment;
use crate::error::PlanError;
use crate::plan::check_column;
use definition::{Column, Dataset, Definition, Faults, FieldError, NamedPath, PathUsage, Split};
use dynamodb_json::Path;
use serde_json::Value;

/// Checks the definition of a dataset: paths, repeated columns, shares.
///
/// # Errors
/// The first of `faults`: [`PlanError::Path`] or [`PlanError::Definition`], both
/// `InvalidDefinition`, naming the field.
pub fn check_definition(definition: &Dataset) -> Result<(), PlanError> {
    match faults(definition).into_iter().next() {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

/// Reads a definition and checks everything that can be checked before any item is seen.
///
/// # Errors
/// Every field that is unknown, missing, of another type, or cannot be carried out.
pub fn read_definition(definition: &Value) -> Result<Definition, Faults> {
    definition::read(definition, |definition, found| {
        found.extend(faults_of_items(definition));
        if let Some(dataset) = &definition.dataset {
            found.extend(faults(dataset).iter().map(field_error));
        }
    })
}

/// Attributes of the gate on items that are not attribute paths.
fn faults_of_items(definition: &Definition) -> impl Iterator<Item = FieldError> {
    let gated = definition.gate.iter();
    let gated = gated.flat_map(|gate| gate.attributes.keys());
    gated.filter_map(|path| {
        let error = Path::parse(path).err()?;
        let message = format!("`{path}` is not an attribute path: {error}");
        Some(FieldError::new("gate.attributes", message))
    })
}

fn field_error(fault: &PlanError) -> FieldError {
    match fault {
        PlanError::Definition { field, reason } => {
            FieldError::new(format!("dataset.{field}"), reason)
        }
        PlanError::Path { field, source } => FieldError::new(
            format!("dataset.{field}"),
            format!("is no attribute path: {source}"),
        ),
        other => FieldError::new("dataset", other.to_string()),
    }
}

/// Every fault of what a definition says of its dataset, each [`PlanError::Path`] or
/// [`PlanError::Definition`].
fn faults(definition: &Dataset) -> Vec<PlanError> {
    let mut faults = Vec::new();
    let label = profiled("label", &definition.label).map_err(|fault| faults.push(fault));
    let label = label.ok();
    if let Some(weight) = &definition.weight {
        match profiled("weight", weight) {
            Ok(weight) if Some(&weight) == label.as_ref() => {
                faults.push(refuse("weight", "is the label"));
            }
            weight => faults.extend(weight.err()),
        }
    }
    if let Some(columns) = &definition.columns {
        check_columns(columns, label, &mut faults);
    }
    for (at, path) in definition.exclude.iter().enumerate() {
        faults.extend(parse(&format!("exclude[{at}]"), path).err());
    }
    for (at, condition) in definition.conditions.iter().enumerate() {
        faults.extend(parse(&format!("where[{at}].path"), &condition.path).err());
        let refused = PreparedCondition::new(condition).err();
        faults.extend(refused.map(|reason| refuse(&format!("where[{at}].value"), reason)));
    }
    if let Some(deduplicate) = &definition.deduplicate {
        if deduplicate.by.is_empty() {
            faults.push(refuse("deduplicate.by", "name at least one attribute"));
        }
        for (at, path) in deduplicate.by.iter().enumerate() {
            faults.extend(parse(&format!("deduplicate.by[{at}]"), path).err());
        }
        if let Some(path) = &deduplicate.latest {
            faults.extend(profiled("deduplicate.latest", path).err());
        }
    }
    check_split(&definition.split, &mut faults);
    check_may_be_absent(definition, &mut faults);
    check_rare(definition, &mut faults);
    for path in definition.gate.columns.keys() {
        faults.extend(parse("gate.columns", path).err());
    }
    faults
}

fn check_columns(columns: &[Column], label: Option<Path>, faults: &mut Vec<PlanError>) {
    if columns.is_empty() {
        faults.push(refuse(
            "columns",
            "declare at least one column, or leave it out to infer them",
        ));
    }
    let mut seen: Vec<Path> = label.into_iter().collect();
    for (at, column) in columns.iter().enumerate() {
        faults.extend(check_column::faults(at, column));
        let field = format!("columns[{at}].path");
        match parse(&field, &column.path) {
            Ok(path) if seen.contains(&path) => faults.push(refuse(
                &field,
                format!("`{path}` is the label or a column already; every attribute is one column"),
            )),
            Ok(path) => seen.push(path),
            Err(fault) => faults.push(fault),
        }
    }
}

/// A path in `mayBeAbsent` must also be named where it may be absent; otherwise it is a typo.
fn check_may_be_absent(definition: &Dataset, faults: &mut Vec<PlanError>) {
    let named = definition.paths();
    for (at, text) in definition.may_be_absent.iter().enumerate() {
        let field = format!("mayBeAbsent[{at}]");
        let absent = match parse(&field, text) {
            Ok(path) => path,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        let excuses = |named: &NamedPath<'_>| {
            named.usage.may_be_absent() && Path::parse(named.text).is_ok_and(|path| path == absent)
        };
        // The projection belongs to the source, and is not visible here.
        if !named.iter().any(excuses) {
            faults.push(refuse(
                &field,
                format!("`{text}` is named by none of `exclude`, `where` and `gate.columns`"),
            ));
        }
    }
}

/// A path in `rare` must be the label's, the weight's or a column's; otherwise it excuses nothing.
fn check_rare(definition: &Dataset, faults: &mut Vec<PlanError>) {
    let named = definition.paths();
    for (at, text) in definition.rare.iter().enumerate() {
        let field = format!("rare[{at}]");
        let rare = match parse(&field, text) {
            Ok(path) => path,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        let excuses = |named: &NamedPath<'_>| {
            matches!(
                named.usage,
                PathUsage::Label | PathUsage::Weight | PathUsage::Column
            ) && Path::parse(named.text).is_ok_and(|path| path == rare)
        };
        if !named.iter().any(excuses) {
            faults.push(refuse(
                &field,
                format!("`{text}` is neither the label, nor the weight, nor a declared column"),
            ));
        }
    }
}

fn check_split(split: &Split, faults: &mut Vec<PlanError>) {
    for (at, path) in split.by.iter().enumerate() {
        faults.extend(parse(&format!("split.by[{at}]"), path).err());
    }
    let (validation, test) = (split.validation, split.test);
    let shares = [("split.validation", validation), ("split.test", test)];
    let before = faults.len();
    for (field, value) in shares {
        faults.extend(share(field, value, 0.9).err());
    }
    if faults.len() == before {
        faults.extend(share("split.test", validation + test, 0.9).err());
    }
    let Some(time) = &split.time else {
        return;
    };
    faults.extend(profiled("split.time.path", &time.path).err());
    let mut moment = |field: &str, text: &Option<String>| {
        let iso = text.as_ref()?;
        let moment = Moment::parse(iso);
        if moment.is_none() {
            faults.push(refuse(
                field,
                format!("`{iso}` is not an ISO 8601 timestamp, such as 2026-01-31T12:00:00Z"),
            ));
        }
        moment
    };
    let validation = moment("split.time.validationFrom", &time.validation_from);
    let test = moment("split.time.testFrom", &time.test_from);
    if time.validation_from.is_none() && time.test_from.is_some() {
        faults.push(refuse(
            "split.time.testFrom",
            "needs `validationFrom`, or leave both to the shares",
        ));
    }
    if let (Some(validation), Some(test)) = (validation, test)
        && test <= validation
    {
        faults.push(refuse(
            "split.time.testFrom",
            "must be later than `validationFrom`",
        ));
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
