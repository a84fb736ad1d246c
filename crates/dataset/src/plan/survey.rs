//! What inference makes of every attribute, before there is a label: what a definition can be
//! proposed from.

use crate::plan::infer::Distinctness;
use crate::plan::inferred_encoding;
use crate::plan::table::{Table, main_kind, nearly_all};
use definition::Encoding;
use dynamodb_json::Kind;
use profile::{Attribute, Profile};

/// Milliseconds since 1970 of the years 2000 and 2100: numbers between are moments, if anything
/// says so.
const YEARS: std::ops::Range<f64> = 946_684_800_000.0..4_102_444_800_000.0;

/// What inference makes of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Surveyed {
    /// Its path.
    pub path: String,
    /// Values, null left out: at most one of each item.
    pub values: u64,
    /// Distinct texts, numbers and booleans, if all are known.
    pub distinct: Option<u64>,
    /// Whether every item has the same value.
    pub is_constant: bool,
    /// Whether nearly all values are moments: [`Kind::S`] for ISO 8601 text, [`Kind::N`] for numbers
    /// since 1970.
    pub moments: Option<Kind>,
    /// The encoding, and whether texts count as the numbers that they spell; or why the attribute is
    /// no column, as a phrase that follows its name.
    pub inferred: Result<(Encoding, bool), String>,
}

/// Surveys the attributes of a profile, in the order of their paths. Maps are left out: their members
/// have paths of their own.
pub fn survey(profile: &Profile, key_attributes: &[String]) -> Vec<Surveyed> {
    let table = &Table::new(profile);
    let attributes = profile.attributes();
    let attributes = attributes.filter(|(_, attribute)| attribute.types.kinds() != [Kind::M]);
    attributes
        .map(|(path, attribute)| surveyed(path, attribute, table, key_attributes))
        .collect()
}

fn surveyed(
    path: &str,
    attribute: &Attribute,
    table: &Table<'_>,
    key_attributes: &[String],
) -> Surveyed {
    let values = attribute.types.total() - attribute.types.of(Kind::Null);
    let distinct = distinct(path, attribute, table);
    Surveyed {
        path: path.to_owned(),
        values,
        distinct,
        is_constant: distinct == Some(1) && values == table.items(),
        moments: moments(path, attribute, table),
        inferred: inferred_encoding(path, attribute, table, key_attributes),
    }
}

fn distinct(path: &str, attribute: &Attribute, table: &Table<'_>) -> Option<u64> {
    match attribute.types.kinds().as_slice() {
        // The profile counts no booleans, but the sample holds them.
        [Kind::Bool] => Some(table.texts(path).count() as u64),
        [Kind::S | Kind::N] | [Kind::S, Kind::N] => match Distinctness::of(path, table) {
            Distinctness::Exactly(count) => Some(count),
            Distinctness::About(_) => None,
        },
        _ => None,
    }
}

fn moments(path: &str, attribute: &Attribute, table: &Table<'_>) -> Option<Kind> {
    match main_kind(attribute)? {
        Kind::S => {
            let readings = table.readings(path);
            (readings.moments > 0 && nearly_all(readings.moments, readings.all)).then_some(Kind::S)
        }
        Kind::N => {
            let numbers = table.known_numbers(path, false)?;
            let lie_in = |unit: f64| {
                YEARS.contains(&(numbers.least * unit))
                    && YEARS.contains(&(numbers.greatest * unit))
            };
            (lie_in(1.0) || lie_in(1000.0)).then_some(Kind::N)
        }
        _ => None,
    }
}
