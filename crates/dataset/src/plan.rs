//! Decides the columns of a dataset from its definition and the profile of all its items. It must
//! not see an item.

use crate::check::{check_definition, parse, refuse};
use crate::columns::{Columns, FeatureColumn, LeftOut, SplitRule};
use crate::distinct::{MAX_DISTINCT, MAX_VALUE_BYTES};
use crate::error::PlanError;
use crate::infer;
use crate::profile::Profile;
use crate::summary::Attribute;
use contract::definition::{Column, Dataset, Encoding, Missing};
use item::{Kind, Path};

/// Decides the columns of a dataset.
///
/// Declared columns stay in their order; what they do not say is inferred. Without declared
/// columns, every attribute path is a column that is not the label and not excluded (nor inside an
/// excluded map), is numbers, booleans or text, and is neither prose, identifier or timestamp nor a
/// whole number that float32 rounds; those are in [`Columns::left_out`]. The README has the rules.
///
/// # Errors
/// See [`PlanError`].
pub fn plan_columns(
    definition: &Dataset,
    key_attributes: &[String],
    profile: &Profile,
) -> Result<Columns, PlanError> {
    check_definition(definition)?;
    let split = split_rule(definition, key_attributes)?;
    let label = parse("label", &definition.label)?;
    check_label(&label, profile)?;
    let mut left_out = Vec::new();
    let columns = match &definition.columns {
        Some(declared) => declared
            .iter()
            .map(|column| declared_column(column, profile))
            .collect::<Result<_, _>>()?,
        None => inferred_columns(definition, &label, profile, &mut left_out)?,
    };
    Ok(Columns {
        label: label.to_string(),
        columns,
        split,
        inferred: definition.columns.is_none(),
        left_out,
    })
}

fn split_rule(definition: &Dataset, key_attributes: &[String]) -> Result<SplitRule, PlanError> {
    let split = &definition.split;
    let by: Vec<_> = if split.by.is_empty() {
        key_attributes
            .iter()
            .map(|name| Path::attribute(name).to_string())
            .collect()
    } else {
        split.by.clone()
    };
    if by.is_empty() {
        return Err(refuse(
            "split.by",
            "name the attributes to split by; the source has no key",
        ));
    }
    Ok(SplitRule {
        by,
        validation: split.validation,
        seed: split.seed,
    })
}

fn check_label(label: &Path, profile: &Profile) -> Result<(), PlanError> {
    let path = label.to_string();
    let Some(attribute) = profile.attribute(&path) else {
        return Err(PlanError::LabelMissing {
            present: present(&path, profile),
            label: path,
            items: profile.items(),
        });
    };
    let usable = attribute.types.of(Kind::N) + attribute.types.of(Kind::Bool);
    if usable == 0 {
        return Err(PlanError::LabelNotNumeric {
            label: path,
            found: infer::found(attribute),
        });
    }
    Ok(())
}

fn declared_column(column: &Column, profile: &Profile) -> Result<FeatureColumn, PlanError> {
    let path = parse("columns", &column.path)?.to_string();
    let Some(attribute) = profile.attribute(&path) else {
        return Err(PlanError::ColumnMissing {
            present: present(&path, profile),
            path,
            items: profile.items(),
        });
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
    if let (Encoding::Number, Some(largest)) = (encoding, infer::rounded(attribute)) {
        return Err(PlanError::Rounded { path, largest });
    }
    feature_column(path, encoding, column.missing, profile)
}

/// Whether any value fits the encoding.
fn covers(encoding: Encoding, attribute: &Attribute) -> bool {
    let any = |kinds: &[Kind]| kinds.iter().any(|kind| attribute.types.of(*kind) > 0);
    match encoding {
        Encoding::Number => any(&[Kind::N]),
        Encoding::Boolean => any(&[Kind::Bool]),
        Encoding::Ordinal => any(&[Kind::S, Kind::N]),
    }
}

fn inferred_columns(
    definition: &Dataset,
    label: &Path,
    profile: &Profile,
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<FeatureColumn>, PlanError> {
    let mut excluded = Vec::new();
    for (at, path) in definition.exclude.iter().enumerate() {
        excluded.push(parse(&format!("exclude[{at}]"), path)?);
    }
    let mut columns = Vec::new();
    for (text, attribute) in profile.attributes() {
        let path = parse("columns", text)?;
        // A map is no column; what it holds has paths of its own.
        let is_map = attribute.types.kinds() == [Kind::M];
        if path == *label || is_map || excluded.iter().any(|prefix| path.is_within(prefix)) {
            continue;
        }
        match inferred_encoding(attribute, profile.distinct(text)) {
            Ok(encoding) => {
                let path = text.to_owned();
                columns.push(feature_column(path, encoding, Missing::default(), profile)?);
            }
            Err(reason) => left_out.push(LeftOut {
                path: text.to_owned(),
                reason,
            }),
        }
    }
    if columns.is_empty() {
        let reasons: Vec<_> = left_out
            .iter()
            .take(5)
            .map(|out| format!("`{}` {}", out.path, out.reason))
            .collect();
        let left_out = if reasons.is_empty() {
            "there is none beside the label".to_owned()
        } else {
            reasons.join("; ")
        };
        return Err(PlanError::NoColumns { left_out });
    }
    Ok(columns)
}

fn inferred_encoding(attribute: &Attribute, distinct: Option<usize>) -> Result<Encoding, String> {
    let encoding = infer::encoding(attribute)
        .map_err(|reason| format!("has {}, which {reason}", infer::found(attribute)))?;
    match encoding {
        Encoding::Number => match infer::rounded(attribute) {
            Some(largest) => Err(format!(
                "has whole numbers up to {largest}, which float32 rounds above 16777216; declare it with encoding `ordinal` if it is an identifier"
            )),
            None => Ok(encoding),
        },
        Encoding::Ordinal => infer::no_category(attribute, distinct).map_or(Ok(encoding), Err),
        Encoding::Boolean => Ok(encoding),
    }
}

fn feature_column(
    path: String,
    encoding: Encoding,
    missing: Missing,
    profile: &Profile,
) -> Result<FeatureColumn, PlanError> {
    let vocabulary = match encoding {
        Encoding::Ordinal => match profile.values(&path) {
            Some(values) => values,
            None => {
                return Err(PlanError::VocabularyTooLarge {
                    path,
                    limit: MAX_DISTINCT,
                    longest: MAX_VALUE_BYTES,
                });
            }
        },
        Encoding::Number | Encoding::Boolean => Vec::new(),
    };
    Ok(FeatureColumn {
        path,
        encoding,
        missing,
        vocabulary,
    })
}

/// The attributes that do occur, the names closest to `wanted` first, for people.
fn present(wanted: &str, profile: &Profile) -> String {
    const SHOWN: usize = 8;
    let mut paths: Vec<_> = profile
        .attributes()
        .map(|(path, _)| (strsim::jaro_winkler(wanted, path), path))
        .collect();
    paths.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(right.1)));
    let mut names: Vec<_> = paths
        .iter()
        .take(SHOWN)
        .map(|(_, path)| format!("`{path}`"))
        .collect();
    if paths.len() > SHOWN {
        names.push(format!("{} more", paths.len() - SHOWN));
    }
    if names.is_empty() {
        "no attributes".to_owned()
    } else {
        names.join(", ")
    }
}
