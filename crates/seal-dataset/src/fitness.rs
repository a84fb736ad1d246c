//! Whether training can make a model of the rows at all: what the algorithm or the metric would refuse
//! after the machine was paid for is refused here.

use crate::SealDatasetError;
use contract::states::RowCounts;
use contract::{short_name, some_names};
use dataset::Columns;
use definition::{
    Comparison, Dataset, Definition, Labels, Training, channel_of_metric, needs_two_classes,
};
use lake::records::{LabelRange, RowContent};

const TRAIN: &str = "train";
const VALIDATION: &str = "validation";
const TEST: &str = "test";

/// Columns that a message names.
const SHOWN: usize = 5;

/// Checks the rows against what training and the choice of a model need.
pub fn check(
    definition: &Definition,
    dataset: &Dataset,
    columns: &Columns,
    rows: RowCounts,
    content: &RowContent,
) -> Result<(), SealDatasetError> {
    check_channels(definition, dataset, rows)?;
    if let Some(training) = &definition.training {
        let metrics = metrics(definition).collect::<Vec<_>>();
        check_labels(training, dataset, &metrics, rows, content)?;
    }
    let empty = |(column, value): (&usize, &Option<u32>)| {
        let column = columns.columns.get(*column).filter(|_| value.is_none())?;
        Some(column.path.as_str())
    };
    let empty: Vec<&str> = content.constant.iter().filter_map(empty).collect();
    if empty.is_empty() {
        return Ok(());
    }
    Err(SealDatasetError::EmptyColumns {
        columns: some_names(empty.into_iter(), SHOWN),
        rows: rows.train,
    })
}

/// What people may want to know of columns that have one value only.
pub fn notes(columns: &Columns, rows: RowCounts, content: &RowContent) -> Vec<String> {
    let constant = content.constant.iter().filter(|(_, value)| value.is_some());
    let paths = constant.filter_map(|(column, _)| Some(&columns.columns.get(*column)?.path));
    let note = |path: &String| {
        let path = short_name(path);
        format!(
            "{path} is the same in all {} training rows, and teaches nothing",
            rows.train
        )
    };
    paths.map(note).collect()
}

/// Why no row is left to train on, in one line.
pub fn where_items_went(columns: &Columns, rows: RowCounts, content: &RowContent) -> String {
    let mut said = Vec::new();
    for (condition, items) in columns.conditions.iter().zip(&content.left_out) {
        if *items > 0 {
            let value = condition.value.as_ref().map(serde_json::to_string);
            let value = value.and_then(Result::ok).unwrap_or_default();
            let value: String = value.chars().take(100).collect();
            let op = operator(condition.op);
            let path = short_name(&condition.path);
            said.push(format!("{items} by `dataset.where` ({path} {op} {value})"));
        }
    }
    let by_conditions: u64 = content.left_out.iter().sum();
    let otherwise = rows.filtered.saturating_sub(by_conditions);
    let example = content.rejected.first().map(|reason| &reason.example);
    let rejected = example.map_or_else(String::new, |example| {
        let example: String = example.chars().take(400).collect();
        format!(" (mostly {example}; see rejected/ below the run)")
    });
    for (items, what) in [
        (otherwise, "left out by the split or as missing".to_owned()),
        (rows.duplicates, "duplicates".to_owned()),
        (rows.unsampled, "not in the sample".to_owned()),
        (rows.rejected, format!("rejected{rejected}")),
        (rows.validation, "rows that validate".to_owned()),
        (rows.test, "rows to test with".to_owned()),
    ] {
        if items > 0 {
            said.push(format!("{items} {what}"));
        }
    }
    said.join(", ")
}

const fn operator(op: Comparison) -> &'static str {
    match op {
        Comparison::Equal => "equal",
        Comparison::NotEqual => "notEqual",
        Comparison::Less => "less",
        Comparison::LessOrEqual => "lessOrEqual",
        Comparison::Greater => "greater",
        Comparison::GreaterOrEqual => "greaterOrEqual",
        Comparison::In => "in",
        Comparison::Exists => "exists",
        Comparison::Absent => "absent",
    }
}

/// The metrics by which models are chosen, each with the rows that it is of.
fn metrics(definition: &Definition) -> impl Iterator<Item = (&str, Option<&'static str>)> {
    let training = definition.training.as_ref();
    let algorithm = training.and_then(|training| training.algorithm.as_ref());
    let judged_by = algorithm.map_or(VALIDATION, |known| known.name.validation_channel());
    let tuned = training.and_then(|training| training.tuning.as_ref()?.metric.as_deref());
    let promotion = definition.promotion.as_ref();
    let deciding = promotion.map(|promotion| promotion.metric.as_str());
    deciding.into_iter().chain(tuned).map(move |metric| {
        let channel = match channel_of_metric(metric) {
            // Some algorithms call the channel of validation rows `test`.
            Some(channel) if channel == judged_by => Some(VALIDATION),
            Some(TRAIN) => Some(TRAIN),
            Some(VALIDATION) => Some(VALIDATION),
            Some(_) => Some(TEST),
            None => None,
        };
        (metric, channel)
    })
}

fn check_channels(
    definition: &Definition,
    dataset: &Dataset,
    rows: RowCounts,
) -> Result<(), SealDatasetError> {
    let split = &dataset.split;
    let time = split.time.as_ref();
    let validates_from = time.is_some_and(|time| time.validation_from.is_some());
    let tests_from = time.is_some_and(|time| time.test_from.is_some());
    for (channel, count, share, from) in [
        (
            VALIDATION,
            rows.validation,
            split.validation,
            validates_from,
        ),
        (TEST, rows.test, split.test, tests_from),
    ] {
        if count > 0 {
            continue;
        }
        let metric = metrics(definition).find(|(_, of)| *of == Some(channel));
        let asked = match metric {
            Some((metric, _)) => format!("the metric `{metric}` is of them"),
            None if from => format!("`dataset.split.time.{channel}From` asks for them"),
            None if share > 0.0 => format!("`dataset.split.{channel}` is {share}"),
            None => continue,
        };
        return Err(SealDatasetError::NoRows {
            channel,
            asked,
            rows: rows.train,
        });
    }
    Ok(())
}

fn check_labels(
    training: &Training,
    dataset: &Dataset,
    metrics: &[(&str, Option<&'static str>)],
    rows: RowCounts,
    content: &RowContent,
) -> Result<(), SealDatasetError> {
    for channel in [TRAIN, VALIDATION] {
        if let Some(range) = content.labels.get(channel) {
            let labels = Labels {
                least: range.least.into(),
                greatest: range.greatest.into(),
                whole: range.whole,
            };
            training
                .check_labels(&labels)
                .map_err(|reason| SealDatasetError::Labels { channel, reason })?;
        }
    }
    let one = |channel: &str| {
        let range: &LabelRange = content.labels.get(channel)?;
        (range.least.to_bits() == range.greatest.to_bits()).then_some(range.least)
    };
    let of_metrics = metrics
        .iter()
        .filter(|(metric, _)| needs_two_classes(metric))
        .filter_map(|(metric, channel)| Some(((*channel)?, format!("the metric `{metric}`"))));
    let allows = dataset.gate.allow_constant_label;
    let of_training = (training.learns_classes() && !allows)
        .then(|| (TRAIN, "an algorithm that learns classes".to_owned()));
    for (channel, who) in of_training.into_iter().chain(of_metrics) {
        if let Some(label) = one(channel) {
            let rows = match channel {
                TRAIN => rows.train,
                VALIDATION => rows.validation,
                _ => rows.test,
            };
            return Err(SealDatasetError::OneClass {
                channel,
                rows,
                label,
                who,
            });
        }
    }
    Ok(())
}
