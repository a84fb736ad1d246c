//! Errors of planning and encoding a dataset.

use crate::gather::MAX_VOCABULARY;
use contract::{ErrorName, Named, short_name};
use definition::Faults;
use dynamodb_json::PathError;
use profile::MAX_VALUE_BYTES;

/// Why a dataset cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A path of the definition is invalid.
    #[error("`dataset.{field}` is not an attribute path")]
    Path {
        /// The definition's field.
        field: String,
        /// What is wrong with it.
        #[source]
        source: PathError,
    },
    /// A field of the definition is invalid, alone or with others.
    #[error("`dataset.{field}`: {reason}")]
    Definition {
        /// The definition's field.
        field: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// No item has the label.
    #[error(
        "the label {} occurs in none of {items} items; there are {present}: correct `dataset.label`",
        short_name(label)
    )]
    LabelMissing {
        /// The label's path.
        label: String,
        /// Number of items.
        items: u64,
        /// The attributes that do occur, closest names first.
        present: String,
    },
    /// No item has a declared column.
    #[error(
        "the column {} occurs in none of {items} items; there are {present}: correct `dataset.columns`",
        short_name(path)
    )]
    ColumnMissing {
        /// The column's path.
        path: String,
        /// Number of items.
        items: u64,
        /// The attributes that do occur, closest names first.
        present: String,
    },
    /// No item has some attributes that the definition names.
    #[error("{faults}")]
    PathsMissing {
        /// The fields, each with its path and the closest names that do occur.
        faults: Faults,
    },
    /// A column of numbers or booleans holds text that spells them.
    #[error(
        "`{path}` has text that spells the declared type: set `\"fromText\": true` on the column, or declare another encoding"
    )]
    Textual {
        /// The column's path.
        path: String,
    },
    /// The label is not a number in any item.
    #[error(
        "the label `{label}` is never a number or boolean; it has {found}: correct `dataset.label`, or set `dataset.labelEncoding` to `classes`"
    )]
    LabelNotNumeric {
        /// The label's path.
        label: String,
        /// The types that it has.
        found: String,
    },
    /// A category column has more distinct values than a vocabulary may.
    #[error(
        "`{path}` has too many or too long distinct values for a category (at most {MAX_VOCABULARY} of {MAX_VALUE_BYTES} bytes, and together some 400 MB): declare it in `dataset.columns` with encoding `hash` and `buckets`, or name it in `dataset.exclude`"
    )]
    VocabularyTooLarge {
        /// The column's path.
        path: String,
    },
    /// A number column holds whole numbers that float32 would round.
    #[error(
        "`{path}` holds whole numbers up to {largest}, which float32 rounds above 16777216: declare it with encoding `ordinal` or `hash` if it is an identifier, with `timestamp` if it is one, with `scale` or `\"precision\": \"round\"` if it is a measure, or leave it out"
    )]
    Rounded {
        /// The column's path.
        path: String,
        /// The greatest magnitude.
        largest: f64,
    },
    /// The label holds whole numbers that float32 would round.
    #[error(
        "the label `{label}` holds whole numbers up to {largest}, which float32 rounds above 16777216: set `dataset.labelEncoding` to `classes`, or `dataset.labelPrecision` to `round`"
    )]
    LabelRounded {
        /// The label's path.
        label: String,
        /// The greatest magnitude.
        largest: f64,
    },
    /// The algorithm does not take the labels.
    #[error("{reason}")]
    Labels {
        /// Which labels there are, which are allowed, and what to do.
        reason: String,
    },
    /// The label has too many values for classes.
    #[error(
        "the label `{label}` has more than {limit} values, too many for classes: set `dataset.labelEncoding` to `number`"
    )]
    TooManyClasses {
        /// The label's path.
        label: String,
        /// Maximum number of classes.
        limit: usize,
    },
    /// A value is missing that the definition requires.
    #[error(
        "`{path}` is missing in {items} items, and its `missing` is `fail`: change `missing`, or correct the table"
    )]
    Missing {
        /// The column's path.
        path: String,
        /// Items without it.
        items: u64,
    },
    /// A column has no number among the sampled items, so its scale is unknown.
    #[error(
        "`{path}` has no number in the sample of {items} items, from which its mean would come: set its `scale` to `range`, or leave it out"
    )]
    Unsampled {
        /// The column's path.
        path: String,
        /// Items of the sample.
        items: u64,
    },
    /// The rows cannot be split by time.
    #[error("`dataset.split.time`: {reason}")]
    Time {
        /// The obstacle, and what to do.
        reason: String,
    },
    /// A declared column's values do not fit its encoding.
    #[error("`{path}` has {found}, which {reason}: declare another encoding, or leave it out")]
    Unencodable {
        /// The column's path.
        path: String,
        /// The types that it has.
        found: String,
        /// Why that is not a column.
        reason: String,
    },
    /// Inference found no column.
    #[error("no attribute can be a feature column ({left_out}): declare `dataset.columns`")]
    NoColumns {
        /// What was left out, and why.
        left_out: String,
    },
}

impl PlanError {
    pub(crate) fn vocabulary_too_large(path: &str) -> Self {
        Self::VocabularyTooLarge {
            path: path.to_owned(),
        }
    }
}

impl Named for PlanError {
    fn name(&self) -> ErrorName {
        match self {
            Self::Path { .. }
            | Self::Definition { .. }
            | Self::Rounded { .. }
            | Self::LabelRounded { .. }
            | Self::Time { .. }
            | Self::Unsampled { .. }
            | Self::Textual { .. }
            | Self::Labels { .. }
            | Self::Unencodable { .. } => ErrorName::InvalidDefinition,
            Self::LabelMissing { .. } | Self::ColumnMissing { .. } | Self::PathsMissing { .. } => {
                ErrorName::AttributeMissing
            }
            Self::LabelNotNumeric { .. }
            | Self::TooManyClasses { .. }
            | Self::Missing { .. }
            | Self::VocabularyTooLarge { .. }
            | Self::NoColumns { .. } => ErrorName::QualityGateFailed,
        }
    }
}

/// Stored columns that cannot encode a row: they were not written by [`crate::plan_columns`].
#[derive(Debug, thiserror::Error)]
pub enum ColumnsError {
    /// A path is invalid.
    #[error("the dataset's columns name something that is not an attribute path")]
    Path {
        /// What is wrong with it.
        #[from]
        source: PathError,
    },
    /// A column's settings contradict each other.
    #[error("the settings of the column `{path}` contradict each other: plan the dataset again")]
    Options {
        /// The column's path.
        path: String,
    },
    /// A condition compares values that cannot be compared.
    #[error("a condition on `{path}` is invalid: plan the dataset again")]
    Condition {
        /// The attribute's path.
        path: String,
    },
    /// A vocabulary is an object of its own and was not loaded.
    #[error(
        "the vocabulary of `{path}` is an object of its own, which was not loaded: name the run and its bucket instead of the file"
    )]
    VocabularyElsewhere {
        /// The column's path.
        path: String,
    },
    /// A vocabulary is not sorted, so its codes are not those of training.
    #[error("the vocabulary of `{path}` is not sorted or repeats a value: plan the dataset again")]
    Vocabulary {
        /// The column's path.
        path: String,
    },
}

impl Named for ColumnsError {
    fn name(&self) -> ErrorName {
        ErrorName::DatasetInvalid
    }
}
