//! Hyperparameters, which SageMaker passes as strings in `hyperparameters.json`. Unknown names are
//! refused, because a misspelt one would otherwise be ignored.

use crate::{Error, Tree, job};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Name, range with default, and meaning of a hyperparameter.
pub type Known = (&'static str, &'static str, &'static str);

/// SageMaker's tuning jobs add this name, which is for the tuner and not for the program.
const TUNING_OBJECTIVE: &str = "_tuning_objective_metric";

/// The text on hyperparameters for `--help`.
pub fn help(known: &[Known]) -> String {
    let lines = known
        .iter()
        .map(|(name, range, what)| format!("  {name}\n      {what}: {range}\n"));
    lines.collect()
}

/// What `hyperparameters.json` gives. A missing file gives nothing.
pub fn given(tree: &Tree) -> Result<BTreeMap<String, String>, Error> {
    let given = job::read(&tree.config("hyperparameters.json"))?;
    Ok(given.unwrap_or_default())
}

/// Gives each known name with its value to `set`, which answers whether the value is valid.
pub fn parse(
    known: &[Known],
    given: &BTreeMap<String, String>,
    mut set: impl FnMut(&'static str, &str) -> bool,
) -> Result<(), Error> {
    for (name, text) in given {
        if name == TUNING_OBJECTIVE {
            continue;
        }
        let Some((name, range, _)) = known.iter().find(|known| known.0 == name) else {
            let names: Vec<_> = known.iter().map(|known| known.0).collect();
            return Err(Error::UnknownHyperparameter {
                name: name.clone(),
                known: names.join(", "),
            });
        };
        let text = text.trim();
        if !set(name, text) {
            return Err(Error::BadHyperparameter {
                name,
                value: text.to_owned(),
                range,
            });
        }
    }
    Ok(())
}

/// Parses `text` into `field` if it is in `range`. Returns whether it is.
pub fn put<T>(field: &mut T, text: &str, range: RangeInclusive<T>) -> bool
where
    T: FromStr + PartialOrd,
{
    match text.parse() {
        Ok(value) if range.contains(&value) => {
            *field = value;
            true
        }
        _ => false,
    }
}

/// Like [`put`], for a field that the word `unset` sets to `None`.
pub fn put_optional<T>(
    field: &mut Option<T>,
    text: &str,
    unset: &str,
    range: RangeInclusive<T>,
) -> bool
where
    T: FromStr + PartialOrd,
{
    if text == unset {
        *field = None;
        return true;
    }
    *field = text.parse().ok().filter(|value| range.contains(value));
    field.is_some()
}
