//! The paths of a definition that a source must have.

use definition::{Definition, NamedPath, PathUsage};
use dynamodb_json::Path;

/// The paths that must be read: all that the definition names, except those it marks as optional,
/// and columns that are named again as tokens.
pub fn needed(definition: &Definition) -> impl Iterator<Item = (NamedPath<'_>, Path)> {
    let dataset = definition.dataset.as_ref();
    let may_be_absent = dataset.map_or(&[][..], |dataset| &dataset.may_be_absent);
    definition
        .paths()
        .into_iter()
        .filter(|named| !matches!(named.usage, PathUsage::Token | PathUsage::MayBeAbsent))
        .filter(|named| {
            let is_excused = may_be_absent.iter().any(|path| path == named.text);
            !(is_excused && named.usage.may_be_absent())
        })
        // Validating the definition checked that they are paths.
        .filter_map(|named| Path::parse(named.text).ok().map(|path| (named, path)))
}
