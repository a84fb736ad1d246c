//! Decides one column: what a definition declares, filled up with what the profile says. It must not
//! see an item.

use crate::columns::{FeatureColumn, Scaling};
use crate::encode::moment;
use crate::error::PlanError;
use crate::gather::MAX_VOCABULARY;
use crate::plan::check::{parse, refuse};
use crate::plan::infer;
use crate::plan::present;
use definition::{Column, Encoding, Missing, Precision, Scale, TimePart, TimeUnit};
use dynamodb_json::{Kind, Path};
use profile::Attribute;
use profile::Profile;

/// What a timestamp column takes if it does not say.
const PARTS: [TimePart; 3] = [TimePart::Days, TimePart::Weekday, TimePart::Hour];

/// A declared column, filled up from the profile.
pub(crate) fn declared(
    at: usize,
    column: &Column,
    profile: &Profile,
) -> Result<FeatureColumn, PlanError> {
    let parsed = parse("columns", &column.path)?;
    if parsed.enters_list() {
        return unprofiled(at, column, &parsed, profile);
    }
    let path = parsed.to_string();
    let Some(attribute) = profile.attribute(&path) else {
        return Err(missing(path, profile));
    };
    let unencodable = |reason: &str| PlanError::Unencodable {
        path: path.clone(),
        found: infer::found(attribute),
        reason: reason.to_owned(),
    };
    let encoding = match column.encoding {
        Some(encoding) if covers(encoding, attribute) => encoding,
        Some(_) => return Err(unencodable("never fits the declared encoding")),
        None => infer::encoding(attribute).map_err(unencodable)?,
    };
    check_missing(column.missing, &path, attribute, profile)?;
    let mut feature = FeatureColumn {
        vocabulary: column.vocabulary.clone().map_or_else(Vec::new, sorted),
        ..options(path, encoding, column)
    };
    match encoding {
        Encoding::Number => fill_number(&mut feature, column, attribute, profile)?,
        Encoding::Ordinal | Encoding::OneHot if column.vocabulary.is_none() => {
            feature.vocabulary = vocabulary(&feature.path, profile)?;
        }
        Encoding::Timestamp => feature.unit = feature.unit.or_else(|| Some(unit(attribute))),
        _ => {}
    }
    Ok(feature)
}

/// A column that nobody declared.
pub(crate) fn inferred(
    path: &str,
    encoding: Encoding,
    profile: &Profile,
) -> Result<FeatureColumn, PlanError> {
    declared(
        0,
        &Column {
            path: path.to_owned(),
            encoding: Some(encoding),
            ..Column::default()
        },
        profile,
    )
}

/// The element of a list: the profile counts lists whole, so the definition says all there is to say.
fn unprofiled(
    at: usize,
    column: &Column,
    path: &Path,
    profile: &Profile,
) -> Result<FeatureColumn, PlanError> {
    let list = path.before_list().to_string();
    let attribute = profile.attribute(&list);
    if attribute.is_none_or(|attribute| attribute.types.of(Kind::L) == 0) {
        return Err(missing(list, profile));
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

/// What the definition says by itself.
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
    attribute: &Attribute,
    profile: &Profile,
) -> Result<(), PlanError> {
    if let Some(scale) = column.scale {
        feature.scale = Some(scaling(scale, &feature.path, attribute, profile)?);
        return Ok(());
    }
    // A number that is a fraction somewhere is a measure: float32 keeps seven digits of it.
    let whole = attribute
        .numbers
        .as_ref()
        .is_some_and(|numbers| numbers.integers);
    feature.precision = match column.precision {
        Precision::Refuse if !whole => Precision::Round,
        precision => precision,
    };
    match (column.precision, infer::rounded(attribute)) {
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
    attribute: &Attribute,
    profile: &Profile,
) -> Result<Scaling, PlanError> {
    let (offset, divisor) = match scale {
        Scale::Range => attribute.numbers.as_ref().map_or((0.0, 1.0), |numbers| {
            (numbers.minimum, numbers.maximum - numbers.minimum)
        }),
        Scale::Standard => moments(path, profile)?,
    };
    // A number that is always the same is 0.
    let usable = divisor.is_finite() && divisor > 0.0;
    Ok(Scaling {
        offset,
        divisor: if usable { divisor } else { 1.0 },
    })
}

/// The mean and the standard deviation of the numbers in the uniform sample.
fn moments(path: &str, profile: &Profile) -> Result<(f64, f64), PlanError> {
    let sampled = profile.sampled_values();
    let numbers = sampled.get(path).map_or(&[][..], |values| &values.numbers);
    let count: u64 = numbers.iter().map(|(_, copies)| copies).sum();
    if count == 0 {
        return Err(PlanError::Unsampled {
            path: path.to_owned(),
            items: profile.sampled_items(),
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

/// The vocabulary, if the profile has it; else it is to be gathered.
fn vocabulary(path: &str, profile: &Profile) -> Result<Vec<String>, PlanError> {
    if let Some(values) = profile.values(path) {
        return Ok(values);
    }
    // The sketch errs by a few per cent.
    let least = profile.sketch(path).map_or(0, |sketch| sketch.bounds().0);
    if least > MAX_VOCABULARY as u64 {
        return Err(PlanError::vocabulary_too_large(path));
    }
    Ok(Vec::new())
}

/// What an attribute's numbers count, if they are timestamps.
pub(crate) fn unit(attribute: &Attribute) -> TimeUnit {
    let numbers = attribute.numbers.as_ref();
    moment::unit_of(numbers.map_or(0.0, |numbers| {
        numbers.maximum.abs().max(numbers.minimum.abs())
    }))
}

/// Where a missing value fails the run, it does so before the data is read again.
fn check_missing(
    missing: Missing,
    path: &str,
    attribute: &Attribute,
    profile: &Profile,
) -> Result<(), PlanError> {
    let there = attribute.types.total() - attribute.types.of(Kind::Null);
    let items = profile.items().saturating_sub(there);
    if missing == Missing::Fail && items > 0 {
        return Err(PlanError::Missing {
            path: path.to_owned(),
            items,
        });
    }
    Ok(())
}

fn missing(path: String, profile: &Profile) -> PlanError {
    PlanError::ColumnMissing {
        present: present(&path, profile),
        path,
        items: profile.items(),
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
