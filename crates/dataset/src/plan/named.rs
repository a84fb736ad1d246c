//! Checks every path of a definition against the table: a path that no item has is a mistake of the
//! definition, wherever it is used.

use crate::error::PlanError;
use crate::plan::check::parse;
use crate::plan::closest::Closest;
use contract::short_name;
use definition::{Dataset, Faults, FieldError, NamedPath, PathUsage};
use dynamodb_json::{Kind, Path};
use profile::Profile;

/// Checks that every path occurs.
///
/// # Errors
/// [`PlanError::PathsMissing`] with all that do not, unless the definition lists them as optional.
pub fn check_paths(
    named: &[NamedPath<'_>],
    may_be_absent: &[String],
    profile: &Profile,
) -> Result<(), PlanError> {
    let mut absent = Vec::new();
    for path in may_be_absent {
        absent.push(parse("mayBeAbsent", path)?);
    }
    let mut faults = Faults::default();
    let mut closest = Closest::new(profile);
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
        faults.add(
            field,
            format!(
                "names {}, which occurs in none of {} items; there are {}: correct it{or_else}",
                short_name(&path.to_string()),
                profile.items(),
                closest.of(text),
            ),
        );
    }
    faults
        .none_or()
        .map_err(|faults| PlanError::PathsMissing { faults })
}

/// Checks that a sample of the table has the label, the weight and the declared columns.
///
/// # Errors
/// Each of them that no item has, unless the definition lists it as rare.
pub fn check_sample(dataset: &Dataset, sample: &Profile) -> Result<(), Faults> {
    let mut faults = Faults::default();
    let mut closest = Closest::new(sample);
    let rare: Vec<_> = dataset
        .rare
        .iter()
        .filter_map(|path| Path::parse(path).ok())
        .collect();
    for NamedPath { field, text, usage } in dataset.paths() {
        if !matches!(
            usage,
            PathUsage::Label | PathUsage::Weight | PathUsage::Column
        ) {
            continue;
        }
        match Path::parse(text) {
            Ok(path) if rare.contains(&path) || occurs(&path, sample) => {}
            Ok(path) => {
                let there = closest.of(text);
                faults.push(not_sampled(field, &path, &there, sample));
            }
            Err(error) => faults.add(field, format!("is no attribute path: {error}")),
        }
    }
    faults.none_or()
}

fn not_sampled(field: String, path: &Path, there: &str, sample: &Profile) -> FieldError {
    let message = format!(
        "names {}, which none of {} sampled items has; there are {there}: correct it, or name it in \
         `dataset.rare` if few items have it",
        short_name(&path.to_string()),
        sample.items(),
    );
    FieldError::new(field, message)
}

/// Whether any item has the path; for a list's element, whether any has the list.
fn occurs(path: &Path, profile: &Profile) -> bool {
    let attribute = profile.attribute(&path.before_list().to_string());
    attribute.is_some_and(|attribute| !path.enters_list() || attribute.types.of(Kind::L) > 0)
}
