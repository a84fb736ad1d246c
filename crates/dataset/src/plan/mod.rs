//! Decides the columns of a dataset from its definition and the profile of all its items.

pub(crate) mod check;
mod check_column;
mod closest;
mod column;
mod infer;
pub(crate) mod named;
mod split;
pub(crate) mod survey;
mod table;
mod training;

use crate::columns::{
    Columns, DeduplicateRule, FeatureColumn, HashBound, Latest, LeftOut, SampleRule, SplitRule,
};
use crate::error::PlanError;
use crate::plan::check::{check_definition, parse, refuse};
use crate::plan::closest::closest;
use crate::plan::infer::Distinctness;
use crate::plan::named::check_paths;
use crate::plan::table::Table;
use definition::{Dataset, Encoding, LabelEncoding, Precision};
use dynamodb_json::{Kind, Path};
use profile::Attribute;
use profile::{MAX_PATHS, Profile};

/// Maximum number of classes of a label.
pub const MAX_CLASSES: usize = 10_000;

/// Decides the columns of a dataset.
///
/// Declared columns keep their order; settings that they leave out are inferred. Without declared
/// columns, every attribute path is a column if it is not the label, not excluded (nor inside an
/// excluded map), holds numbers, booleans or text, and is neither prose, identifier or timestamp
/// nor a whole number that float32 rounds; the others are in [`Columns::left_out`]. The README has
/// the rules.
///
/// # Errors
/// See [`PlanError`].
pub fn plan_columns(
    definition: &Dataset,
    key_attributes: &[String],
    profile: &Profile,
) -> Result<Columns, PlanError> {
    check_definition(definition)?;
    let table = &Table::new(profile);
    let label = parse("label", &definition.label)?;
    check_label(definition, &label, table)?;
    let mut plan = Plan {
        definition,
        key_attributes,
        table,
        left_out: Vec::new(),
        notes: Vec::new(),
    };
    let declared = definition.columns.iter().flatten().enumerate();
    let declared: Vec<_> = declared
        .map(|(at, column)| column::declared(at, column, table))
        .collect::<Result<_, _>>()?;
    check_paths(&definition.paths(), &definition.may_be_absent, profile)?;
    let split = split::rule(definition, key_attributes, table)?;
    let label_classes = label_classes(definition, &label, table)?;
    plan.check_weight()?;
    plan.note_label(&label);
    let deduplicate = plan.deduplicate_rule()?;
    let sample = plan.sample_rule()?;
    let columns = match &definition.columns {
        // The image is what the row has.
        _ if definition.format.images().is_some() => Vec::new(),
        Some(_) => declared,
        None => plan.inferred_columns(&label, &split)?,
    };
    plan.note_texts(&columns);
    if profile.paths_overflowed() > 0 {
        plan.notes.push(format!(
            "{} values are of attributes beyond the {MAX_PATHS} that are kept apart; those that the definition names are kept, and no others become columns",
            profile.paths_overflowed()
        ));
    }
    Ok(Columns {
        label: label.to_string(),
        label_classes,
        label_precision: definition.label_precision,
        weight: definition.weight.clone(),
        conditions: definition.conditions.clone(),
        deduplicate,
        sample,
        columns,
        split,
        inferred: definition.columns.is_none() && definition.format.images().is_none(),
        left_out: plan.left_out,
        notes: plan.notes,
    })
}

/// The inputs of the decisions, and the notes on them.
struct Plan<'d> {
    definition: &'d Dataset,
    key_attributes: &'d [String],
    table: &'d Table<'d>,
    left_out: Vec<LeftOut>,
    notes: Vec<String>,
}

impl Plan<'_> {
    fn deduplicate_rule(&mut self) -> Result<Option<DeduplicateRule>, PlanError> {
        let Some(rule) = &self.definition.deduplicate else {
            return Ok(None);
        };
        let latest_are = match &rule.latest {
            Some(path) => self.latest_are(path)?,
            None => Latest::default(),
        };
        let key = self.key_attributes.iter();
        Ok(Some(DeduplicateRule {
            by: rule.by.clone(),
            latest: rule.latest.clone(),
            latest_are,
            key: key.map(|name| Path::attribute(name).to_string()).collect(),
        }))
    }

    /// The sample as far as it is known before any row is.
    fn sample_rule(&self) -> Result<Option<SampleRule>, PlanError> {
        let Some(sample) = &self.definition.sample else {
            return Ok(None);
        };
        // Of equal items another one may win the next time: the choice must not follow it.
        let by = if let Some(rule) = &self.definition.deduplicate {
            rule.by.clone()
        } else {
            let key = self.key_attributes.iter();
            key.map(|name| Path::attribute(name).to_string()).collect()
        };
        if by.is_empty() {
            return Err(refuse(
                "sample",
                "needs a key to choose by, and the source has none: name attributes in `dataset.deduplicate.by`",
            ));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of the hashes, and all of them where the product is beyond the greatest"
        )]
        let most = match sample.share {
            Some(share) if share < 1.0 => (share * u64::MAX as f64) as u64,
            _ => u64::MAX,
        };
        Ok(Some(SampleRule {
            by,
            seed: self.definition.split.seed,
            most: HashBound(most),
            classes: Vec::new(),
        }))
    }

    /// The type of nearly all values of which the greatest wins.
    fn latest_are(&mut self, path: &str) -> Result<Latest, PlanError> {
        let readings = self.table.readings(path);
        let (latest, readable, what) = if readings.moments > readings.numbers {
            (Latest::Moments, readings.moments, "ISO 8601 text")
        } else {
            (Latest::Numbers, readings.numbers, "numbers")
        };
        let types = self.table.attribute(path).map(|attribute| attribute.types);
        let has_values = types.is_some_and(|types| types.of(Kind::N) + types.of(Kind::S) > 0);
        if !has_values || readable * 2 < readings.all {
            let example = self.table.texts(path).map(|(text, _)| text);
            let example = example.map(contract::short_name).next();
            let example = example.map_or_else(String::new, |text| format!(", such as {text}"));
            return Err(refuse(
                "deduplicate.latest",
                format!(
                    "most values of `{path}` are neither numbers nor ISO 8601 text{example}, and have no order: name another attribute, or none"
                ),
            ));
        }
        if readable < readings.all {
            self.notes.push(format!(
                "`{path}`, by which the latest of several items is found, is {what} in {readable} of {} sampled items: the others are rejected",
                readings.all
            ));
        }
        Ok(latest)
    }

    fn check_weight(&self) -> Result<(), PlanError> {
        let Some(path) = &self.definition.weight else {
            return Ok(());
        };
        match self.table.attribute(path) {
            Some(attribute)
                if attribute.types.of(Kind::N) == 0 && self.table.readings(path).numbers == 0 =>
            {
                Err(PlanError::Unencodable {
                    path: path.clone(),
                    found: infer::found(attribute),
                    reason: "are no weights".to_owned(),
                })
            }
            // That it occurs was checked with all paths.
            _ => Ok(()),
        }
    }

    fn note_label(&mut self, label: &Path) {
        let path = label.to_string();
        let types = self.table.attribute(&path).map(|attribute| attribute.types);
        let is_text = types.is_some_and(|types| types.of(Kind::S) > 0);
        if is_text && self.definition.label_encoding == LabelEncoding::Number {
            self.notes.push(format!(
                "texts of the label `{path}` count as the numbers that they read as"
            ));
        }
    }

    /// Notes which columns take texts as numbers, and which take texts as categories although all
    /// spell numbers.
    fn note_texts(&mut self, columns: &[FeatureColumn]) {
        for FeatureColumn {
            path,
            encoding,
            from_text,
            ..
        } in columns
        {
            let types = self.table.attribute(path).map(|attribute| attribute.types);
            if types.is_none_or(|types| types.of(Kind::S) == 0) {
                continue;
            }
            if *from_text {
                self.notes.push(format!(
                    "texts of `{path}` count as the numbers that they read as; declare it with encoding `ordinal` if they are codes"
                ));
            } else if *encoding == Encoding::Ordinal && self.table.readings(path).are_numbers() {
                self.notes.push(format!(
                    "`{path}` is text that reads as numbers, and was taken for categories, sorted as text (`10.1` before `2.2`); declare it with encoding `number` and `\"fromText\": true` if it is a measure"
                ));
            }
        }
    }

    fn inferred_columns(
        &mut self,
        label: &Path,
        split: &SplitRule,
    ) -> Result<Vec<FeatureColumn>, PlanError> {
        let mut excluded = Vec::new();
        for (at, path) in self.definition.exclude.iter().enumerate() {
            excluded.push(parse(&format!("exclude[{at}]"), path)?);
        }
        let late = training::late_attributes(self.table, split);
        let mut columns = Vec::new();
        for (text, attribute) in self.table.attributes() {
            let path = parse("columns", text)?;
            // A map is not a column; its members have paths of their own.
            let is_map = attribute.types.kinds() == [Kind::M];
            let is_weight = self.definition.weight.as_deref() == Some(text);
            if path == *label
                || is_weight
                || is_map
                || excluded.iter().any(|prefix| path.is_within(prefix))
            {
                continue;
            }
            let inferred = match late.get(text) {
                Some(reason) => Err(reason.clone()),
                None => inferred_encoding(text, attribute, self.table, self.key_attributes),
            };
            match inferred {
                Ok((encoding, from_text)) => {
                    columns.push(column::inferred(text, encoding, from_text, self.table)?);
                }
                Err(reason) => self.left_out.push(LeftOut {
                    path: text.to_owned(),
                    reason,
                }),
            }
        }
        if columns.is_empty() {
            return Err(PlanError::NoColumns {
                left_out: some_left_out(&self.left_out),
            });
        }
        Ok(columns)
    }
}

/// The encoding of an attribute, and whether its texts count as numbers; or why it is no column.
fn inferred_encoding(
    path: &str,
    attribute: &Attribute,
    table: &Table<'_>,
    key_attributes: &[String],
) -> Result<(Encoding, bool), String> {
    let encoding = infer::encoding(attribute)
        .map_err(|reason| format!("has {}, which {reason}", infer::found(attribute)))?;
    let distinct = Distinctness::of(path, table);
    let is_key = (key_attributes.iter()).any(|name| Path::attribute(name).to_string() == path);
    let items = table.items();
    if is_key && let Some(reason) = infer::identifying_key(attribute, distinct, items) {
        return Err(reason);
    }
    let is_text = encoding == Encoding::Ordinal;
    let from_text = is_text && table.readings(path).are_measures();
    match encoding {
        Encoding::Ordinal if !from_text => infer::no_category(attribute, distinct)
            .or_else(|| infer::identifying_text(attribute, distinct))
            .map_or(Ok((encoding, false)), Err),
        Encoding::Number | Encoding::Ordinal => {
            let numbers = table.known_numbers(path, from_text);
            match numbers.and_then(|numbers| numbers.rounded()) {
                Some(largest) => Err(format!(
                    "has whole numbers up to {largest}, which float32 rounds above 16777216; declare it with encoding `ordinal` or `hash` if it is an identifier, `timestamp` if it is one"
                )),
                None => Ok((Encoding::Number, from_text)),
            }
        }
        _ => Ok((encoding, false)),
    }
}

/// The first few of the attributes that were left out, with the reasons.
fn some_left_out(left_out: &[LeftOut]) -> String {
    const SHOWN: usize = 5;
    if left_out.is_empty() {
        return "there is none beside the label".to_owned();
    }
    let mut reasons: Vec<_> = left_out
        .iter()
        .take(SHOWN)
        .map(|out| format!("{} {}", contract::short_name(&out.path), out.reason))
        .collect();
    if left_out.len() > SHOWN {
        reasons.push(format!("and {} more", left_out.len() - SHOWN));
    }
    reasons.join("; ")
}

/// The classes of a label, in the order of their numbers; numbers are sorted by value.
fn label_classes(
    definition: &Dataset,
    label: &Path,
    table: &Table<'_>,
) -> Result<Vec<String>, PlanError> {
    let path = label.to_string();
    let attribute = table.attribute(&path);
    if definition.label_encoding == LabelEncoding::Number {
        return match table
            .known_numbers(&path, true)
            .and_then(|numbers| numbers.rounded())
        {
            Some(largest) if definition.label_precision == Precision::Refuse => {
                Err(PlanError::LabelRounded {
                    label: path,
                    largest,
                })
            }
            _ => Ok(Vec::new()),
        };
    }
    let mut classes = table
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

fn check_label(definition: &Dataset, label: &Path, table: &Table<'_>) -> Result<(), PlanError> {
    let path = label.to_string();
    let Some(attribute) = table.attribute(&path) else {
        return Err(PlanError::LabelMissing {
            present: closest(&path, table),
            label: path,
            items: table.items(),
        });
    };
    let mut usable = attribute.types.of(Kind::N) + attribute.types.of(Kind::Bool);
    if definition.label_encoding == LabelEncoding::Classes {
        usable += attribute.types.of(Kind::S);
    } else if usable == 0 && table.readings(&path).are_numbers() {
        usable += table.readings(&path).numbers;
    }
    if usable == 0 {
        return Err(PlanError::LabelNotNumeric {
            label: path,
            found: infer::found(attribute),
        });
    }
    Ok(())
}
