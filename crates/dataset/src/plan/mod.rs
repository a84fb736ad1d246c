//! Decides the columns of a dataset from its definition and the profile of all its items. It must
//! not see an item.

pub(crate) mod check;
mod check_column;
mod column;
mod infer;
mod split;

use crate::columns::{Columns, DeduplicateRule, FeatureColumn, LeftOut};
use crate::error::PlanError;
use crate::plan::check::{check_definition, parse};
use crate::plan::infer::Distinctness;
use definition::{Dataset, Encoding, LabelEncoding, Precision};
use dynamodb_json::{Kind, Path};
use profile::Attribute;
use profile::Profile;

/// Most classes of a label.
pub const MAX_CLASSES: usize = 10_000;

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
    let split = split::rule(definition, key_attributes, profile)?;
    let label = parse("label", &definition.label)?;
    check_label(definition, &label, profile)?;
    let label_classes = label_classes(definition, &label, profile)?;
    check_weight(definition, profile)?;
    let mut left_out = Vec::new();
    let columns = match &definition.columns {
        Some(declared) => declared
            .iter()
            .enumerate()
            .map(|(at, column)| column::declared(at, column, profile))
            .collect::<Result<_, _>>()?,
        None => inferred_columns(definition, &label, profile, &mut left_out)?,
    };
    Ok(Columns {
        label: label.to_string(),
        label_classes,
        label_precision: definition.label_precision,
        weight: definition.weight.clone(),
        conditions: definition.conditions.clone(),
        deduplicate: deduplicate_rule(definition, key_attributes),
        columns,
        split,
        inferred: definition.columns.is_none(),
        left_out,
    })
}

fn deduplicate_rule(definition: &Dataset, key: &[String]) -> Option<DeduplicateRule> {
    let rule = definition.deduplicate.as_ref()?;
    let key = key.iter().map(|name| Path::attribute(name).to_string());
    Some(DeduplicateRule {
        by: rule.by.clone(),
        latest: rule.latest.clone(),
        key: key.collect(),
    })
}

/// The classes of a label that is classes, in the order of their numbers; numbers by value.
fn label_classes(
    definition: &Dataset,
    label: &Path,
    profile: &Profile,
) -> Result<Vec<String>, PlanError> {
    let path = label.to_string();
    let attribute = profile.attribute(&path);
    if definition.label_encoding == LabelEncoding::Number {
        return match attribute.and_then(infer::rounded) {
            Some(largest) if definition.label_precision == Precision::Refuse => {
                Err(PlanError::LabelRounded {
                    label: path,
                    largest,
                })
            }
            _ => Ok(Vec::new()),
        };
    }
    let mut classes = profile
        .values(&path)
        .filter(|classes| classes.len() <= MAX_CLASSES)
        .ok_or_else(|| PlanError::TooManyClasses {
            label: path.clone(),
            limit: MAX_CLASSES,
        })?;
    if attribute.is_some_and(|attribute| attribute.types.of(Kind::Bool) > 0) {
        classes.extend(["false".to_owned(), "true".to_owned()]);
        classes.sort_unstable();
        classes.dedup();
    }
    let value = |class: &String| class.parse::<f64>().unwrap_or(f64::NAN);
    if attribute.is_some_and(|attribute| attribute.types.kinds() == [Kind::N]) {
        classes.sort_by(|left, right| value(left).total_cmp(&value(right)));
    }
    Ok(classes)
}

fn check_weight(definition: &Dataset, profile: &Profile) -> Result<(), PlanError> {
    let Some(path) = &definition.weight else {
        return Ok(());
    };
    match profile.attribute(path) {
        Some(attribute) if attribute.types.of(Kind::N) > 0 => Ok(()),
        Some(attribute) => Err(PlanError::Unencodable {
            path: path.clone(),
            found: infer::found(attribute),
            reason: "are no weights".to_owned(),
        }),
        None => Err(PlanError::ColumnMissing {
            present: present(path, profile),
            path: path.clone(),
            items: profile.items(),
        }),
    }
}

fn check_label(definition: &Dataset, label: &Path, profile: &Profile) -> Result<(), PlanError> {
    let path = label.to_string();
    let Some(attribute) = profile.attribute(&path) else {
        return Err(PlanError::LabelMissing {
            present: present(&path, profile),
            label: path,
            items: profile.items(),
        });
    };
    let mut usable = attribute.types.of(Kind::N) + attribute.types.of(Kind::Bool);
    if definition.label_encoding == LabelEncoding::Classes {
        usable += attribute.types.of(Kind::S);
    }
    if usable == 0 {
        return Err(PlanError::LabelNotNumeric {
            label: path,
            found: infer::found(attribute),
        });
    }
    Ok(())
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
        let is_weight = definition.weight.as_deref() == Some(text);
        if path == *label
            || is_weight
            || is_map
            || excluded.iter().any(|prefix| path.is_within(prefix))
        {
            continue;
        }
        match inferred_encoding(attribute, Distinctness::of(text, profile)) {
            Ok(encoding) => {
                columns.push(column::inferred(text, encoding, profile)?);
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

fn inferred_encoding(attribute: &Attribute, distinct: Distinctness) -> Result<Encoding, String> {
    let encoding = infer::encoding(attribute)
        .map_err(|reason| format!("has {}, which {reason}", infer::found(attribute)))?;
    match encoding {
        Encoding::Number => match infer::rounded(attribute) {
            Some(largest) => Err(format!(
                "has whole numbers up to {largest}, which float32 rounds above 16777216; declare it with encoding `ordinal` or `hash` if it is an identifier, `timestamp` if it is one"
            )),
            None => Ok(encoding),
        },
        Encoding::Ordinal => infer::no_category(attribute, distinct).map_or(Ok(encoding), Err),
        _ => Ok(encoding),
    }
}

/// The attributes that do occur, the names closest to `wanted` first, for people.
pub(crate) fn present(wanted: &str, profile: &Profile) -> String {
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
