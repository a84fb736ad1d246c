//! Decides one column: its declaration, completed from the profile.

use crate::columns::{FeatureColumn, Scaling};
use crate::encode::moment;
use crate::error::PlanError;
use crate::gather::MAX_VOCABULARY;
use crate::plan::check::{parse, refuse};
use crate::plan::closest::closest;
use crate::plan::infer;
use crate::plan::table::{KnownNumbers, Table};
use definition::{Column, Encoding, Missing, Precision, Scale, TimePart, TimeUnit};
use dynamodb_json::{Kind, Path};
use profile::Attribute;

/// The parts of a timestamp column, by default.
const PARTS: [TimePart; 3] = [TimePart::Days, TimePart::Weekday, TimePart::Hour];

/// A declared column, completed from the table.
pub(crate) fn declared(
    at: usize,
    column: &Column,
    table: &Table<'_>,
) -> Result<FeatureColumn, PlanError> {
    let parsed = parse("columns", &column.path)?;
    if parsed.enters_list() {
        return unprofiled(at, column, &parsed, table);
    }
    let path = parsed.to_string();
    let Some(attribute) = table.attribute(&path) else {
        return Err(missing(path, table));
    };
    let unencodable = |reason: &str| PlanError::Unencodable {
        path: path.clone(),
        found: infer::found(attribute),
        reason: reason.to_owned(),
    };
    let encoding = match column.encoding {
        Some(encoding) if covers(encoding, attribute) => encoding,
        Some(encoding) if attribute.types.of(Kind::S) > 0 && reads_as(encoding) => {
            let readings = table.readings(&path);
            let fits = match encoding {
                Encoding::Boolean => readings.booleans > 0,
                _ => readings.numbers > 0,
            };
            match fits {
                true if column.from_text => encoding,
                true => return Err(PlanError::Textual { path }),
                false => return Err(unencodable("never fits the declared encoding")),
            }
        }
        Some(_) => return Err(unencodable("never fits the declared encoding")),
        None => infer::encoding(attribute).map_err(unencodable)?,
    };
    check_missing(column.missing, &path, attribute, table)?;
    let mut feature = FeatureColumn {
        vocabulary: column.vocabulary.clone().map_or_else(Vec::new, sorted),
        ..options(path, encoding, column)
    };
    match encoding {
        Encoding::Number => fill_number(&mut feature, column, table)?,
        Encoding::Ordinal | Encoding::OneHot if column.vocabulary.is_none() => {
            feature.vocabulary = vocabulary(&feature.path, table)?;
        }
        Encoding::Timestamp => {
            let counted = || unit(&feature.path, column.from_text, table);
            feature.unit = feature.unit.or_else(|| Some(counted()));
        }
        _ => {}
    }
    Ok(feature)
}

/// An undeclared column.
pub(crate) fn inferred(
    path: &str,
    encoding: Encoding,
    from_text: bool,
    table: &Table<'_>,
) -> Result<FeatureColumn, PlanError> {
    declared(
        0,
        &Column {
            path: path.to_owned(),
            encoding: Some(encoding),
            from_text,
            ..Column::default()
        },
        table,
    )
}

/// The element of a list: the profile counts lists as a whole, so the declaration must be complete.
fn unprofiled(
    at: usize,
    column: &Column,
    path: &Path,
    table: &Table<'_>,
) -> Result<FeatureColumn, PlanError> {
    let list = path.before_list().to_string();
    let attribute = table.attribute(&list);
    if attribute.is_none_or(|attribute| attribute.types.of(Kind::L) == 0) {
        return Err(missing(list, table));
    }
    let field = |name: &str| format!("columns[{at}].{name}");
    let Some(encoding) = column.encoding else {
        return Err(refuse(
            &field("encoding"),
            format!(
                "`{path}` is an element of a list, of which the export keeps no profile: say how it is encoded"
            ),
        ));
    };
    if column.scale.is_some() {
        return Err(refuse(
            &field("scale"),
            format!("`{path}` is an element of a list, of which the export keeps no profile"),
        ));
    }
    Ok(FeatureColumn {
        vocabulary: column.vocabulary.clone().map_or_else(Vec::new, sorted),
        precision: column.precision,
        ..options(path.to_string(), encoding, column)
    })
}

/// The column as declared.
fn options(path: String, encoding: Encoding, column: &Column) -> FeatureColumn {
    let parts = column.parts.clone().unwrap_or_else(|| PARTS.to_vec());
    FeatureColumn {
        path,
        encoding,
        missing: column.missing,
        vocabulary: Vec::new(),
        vocabulary_size: None,
        buckets: column.buckets,
        scale: None,
        precision: Precision::Refuse,
        from_text: column.from_text,
        parts: if encoding == Encoding::Timestamp {
            parts
        } else {
            Vec::new()
        },
        unit: column.unit.filter(|_| encoding == Encoding::Timestamp),
    }
}

fn fill_number(
    feature: &mut FeatureColumn,
    column: &Column,
    table: &Table<'_>,
) -> Result<(), PlanError> {
    let numbers = table.known_numbers(&feature.path, column.from_text);
    if let Some(scale) = column.scale {
        feature.scale = Some(scaling(scale, &feature.path, numbers.as_ref(), table)?);
        return Ok(());
    }
    // If a number is a fraction somewhere, the column is a measure: float32 keeps seven digits of
    // it.
    let whole = numbers.as_ref().is_some_and(|numbers| numbers.integers);
    feature.precision = match column.precision {
        Precision::Refuse if !whole => Precision::Round,
        precision => precision,
    };
    match (
        column.precision,
        numbers.and_then(|numbers| numbers.rounded()),
    ) {
        (Precision::Refuse, Some(largest)) => Err(PlanError::Rounded {
            path: feature.path.clone(),
            largest,
        }),
        _ => Ok(()),
    }
}

fn scaling(
    scale: Scale,
    path: &str,
    numbers: Option<&KnownNumbers>,
    table: &Table<'_>,
) -> Result<Scaling, PlanError> {
    let bounds = numbers.and_then(KnownNumbers::exceptional);
    let is_near = |(number, _): &&(f64, u64)| {
        bounds.is_none_or(|(least, greatest)| (least..=greatest).contains(number))
    };
    let sampled = numbers.map_or(&[][..], |numbers| &numbers.sampled);
    let near: Vec<_> = sampled.iter().filter(is_near).copied().collect();
    let (offset, divisor) = match (scale, numbers) {
        (Scale::Range, Some(numbers)) => {
            let (least, greatest) = match (bounds, near.first(), near.last()) {
                (Some(_), Some(first), Some(last)) => (first.0, last.0),
                _ => (numbers.least, numbers.greatest),
            };
            (least, greatest - least)
        }
        (Scale::Range, None) => (0.0, 1.0),
        (Scale::Standard, _) => moments(path, &near, table)?,
    };
    // A constant number is scaled to 0.
    let usable = divisor.is_finite() && divisor > 0.0;
    Ok(Scaling {
        offset,
        divisor: if usable { divisor } else { 1.0 },
        bounds,
    })
}

/// The mean and the standard deviation of sampled numbers.
fn moments(path: &str, numbers: &[(f64, u64)], table: &Table<'_>) -> Result<(f64, f64), PlanError> {
    let count: u64 = numbers.iter().map(|(_, copies)| copies).sum();
    if count == 0 {
        return Err(PlanError::Unsampled {
            path: path.to_owned(),
            items: table.sampled_items(),
        });
    }
    let mean_of = |term: &dyn Fn(f64) -> f64| {
        let terms = numbers
            .iter()
            .map(|(number, copies)| term(*number) * *copies as f64);
        terms.sum::<f64>() / count as f64
    };
    let mean = mean_of(&|number| number);
    Ok((mean, mean_of(&|number| (number - mean).powi(2)).sqrt()))
}

fn sorted(mut vocabulary: Vec<String>) -> Vec<String> {
    vocabulary.sort_unstable();
    vocabulary
}

/// The vocabulary, if the profile has it; otherwise it is gathered later.
fn vocabulary(path: &str, table: &Table<'_>) -> Result<Vec<String>, PlanError> {
    if let Some(values) = table.values(path) {
        return Ok(values);
    }
    // The sketch errs by a few per cent.
    let least = table.sketch(path).map_or(0, |sketch| sketch.bounds().0);
    if least > MAX_VOCABULARY as u64 {
        return Err(PlanError::vocabulary_too_large(path));
    }
    Ok(Vec::new())
}

/// The unit of a path's numbers, if they are timestamps.
pub(crate) fn unit(path: &str, from_text: bool, table: &Table<'_>) -> TimeUnit {
    let Some(numbers) = table.known_numbers(path, from_text) else {
        return TimeUnit::Seconds;
    };
    if numbers.sampled.is_empty() {
        let largest = numbers.least.abs().max(numbers.greatest.abs());
        return moment::unit_of(&[(largest, 1)]);
    }
    moment::unit_of(&numbers.sampled)
}

/// Whether texts can spell values of the encoding.
const fn reads_as(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::Number | Encoding::Boolean)
}

/// If a missing value fails the run, it fails here, before the data is read again.
fn check_missing(
    missing: Missing,
    path: &str,
    attribute: &Attribute,
    table: &Table<'_>,
) -> Result<(), PlanError> {
    let there = attribute.types.total() - attribute.types.of(Kind::Null);
    let items = table.items().saturating_sub(there);
    if missing == Missing::Fail && items > 0 {
        return Err(PlanError::Missing {
            path: path.to_owned(),
            items,
        });
    }
    Ok(())
}

fn missing(path: String, table: &Table<'_>) -> PlanError {
    PlanError::ColumnMissing {
        present: closest(&path, table),
        path,
        items: table.items(),
    }
}

/// Whether any value fits the encoding.
fn covers(encoding: Encoding, attribute: &Attribute) -> bool {
    let any = |kinds: &[Kind]| kinds.iter().any(|kind| attribute.types.of(*kind) > 0);
    match encoding {
        Encoding::Number => any(&[Kind::N]),
        Encoding::Boolean => any(&[Kind::Bool]),
        Encoding::Ordinal | Encoding::OneHot | Encoding::Timestamp => any(&[Kind::S, Kind::N]),
        Encoding::Hash | Encoding::HashOneHot => any(&[Kind::S, Kind::N, Kind::B]),
        Encoding::MultiHot => any(&[Kind::Ss, Kind::Ns, Kind::Bs, Kind::L]),
        Encoding::Length => any(&[
            Kind::S,
            Kind::B,
            Kind::Ss,
            Kind::Ns,
            Kind::Bs,
            Kind::L,
            Kind::M,
        ]),
    }
}
