//! Checks every path of a definition against the table: a path that no item has is a mistake of the
//! definition, wherever it is used.

use crate::error::PlanError;
use crate::plan::check::parse;
use crate::plan::closest::closest;
use definition::{Dataset, NamedPath, PathUsage};
use dynamodb_json::{Kind, Path};
use profile::Profile;

/// Checks that every path occurs.
///
/// # Errors
/// [`PlanError::PathMissing`] for the first that does not, unless the definition lists it as
/// optional.
pub fn check_paths(
    named: &[NamedPath<'_>],
    may_be_absent: &[String],
    profile: &Profile,
) -> Result<(), PlanError> {
    let mut absent = Vec::new();
    for path in may_be_absent {
        absent.push(parse("mayBeAbsent", path)?);
    }
    for NamedPath { field, text, usage } in named {
        // Lists of tokens name columns, and their format checks them.
        if matches!(usage, PathUsage::Token | PathUsage::MayBeAbsent) {
            continue;
        }
        let path = parse(field.trim_start_matches("dataset."), text)?;
        let is_excused = usage.may_be_absent() && absent.contains(&path);
        if is_excused || occurs(&path, profile) {
            continue;
        }
        let or_else = if usage.may_be_absent() {
            ", or name it in `dataset.mayBeAbsent` if no item needs to have it"
        } else {
            ""
        };
        return Err(PlanError::PathMissing {
            field: field.clone(),
            path: path.to_string(),
            items: profile.items(),
            present: closest(text, profile),
            or_else,
        });
    }
    Ok(())
}

/// Checks that a sample of the table has the label, the weight and the declared columns.
///
/// # Errors
/// [`PlanError::NotSampled`] for the first that no item has, unless the definition lists it as
/// rare.
pub fn check_sample(dataset: &Dataset, sample: &Profile) -> Result<(), PlanError> {
    let mut rare = Vec::new();
    for path in &dataset.rare {
        rare.push(parse("rare", path)?);
    }
    for NamedPath { field, text, usage } in dataset.paths() {
        if !matches!(
            usage,
            PathUsage::Label | PathUsage::Weight | PathUsage::Column
        ) {
            continue;
        }
        let path = parse(field.trim_start_matches("dataset."), text)?;
        if !rare.contains(&path) && !occurs(&path, sample) {
            return Err(PlanError::NotSampled {
                field,
                path: path.to_string(),
                items: sample.items(),
                present: closest(text, sample),
            });
        }
    }
    Ok(())
}

/// Whether any item has the path; for a list's element, whether any has the list.
fn occurs(path: &Path, profile: &Profile) -> bool {
    let attribute = profile.attribute(&path.before_list().to_string());
    attribute.is_some_and(|attribute| !path.enters_list() || attribute.types.of(Kind::L) > 0)
}
