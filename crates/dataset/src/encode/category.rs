//! The category of a value, by a saved vocabulary or by its hash.

use crate::columns::FeatureColumn;
use crate::encode::codes::Codes;
use crate::error::ColumnsError;
use dynamodb_json::Value;
use profile::Decimal;
use std::borrow::Cow;
use twox_hash::XxHash3_64;

/// The categories of a column.
#[derive(Debug, Clone)]
pub(crate) enum Categories {
    /// Codes of the vocabulary, from 1.
    Codes(Codes),
    /// A number of buckets.
    Buckets(u32),
}

impl Categories {
    pub(crate) fn new(column: &FeatureColumn) -> Result<Self, ColumnsError> {
        if let Some(buckets) = column.buckets {
            return if buckets == 0 {
                Err(ColumnsError::Options {
                    path: column.path.clone(),
                })
            } else {
                Ok(Self::Buckets(buckets))
            };
        }
        let listed = column.vocabulary.len();
        if column.is_unlisted() || column.vocabulary_size.is_some_and(|size| size != listed) {
            return Err(ColumnsError::VocabularyElsewhere {
                path: column.path.clone(),
            });
        }
        let sorted = column.vocabulary.is_sorted_by(|left, right| left < right);
        match Codes::new(column.vocabulary.iter().map(String::as_str)) {
            Some(codes) if sorted => Ok(Self::Codes(codes)),
            _ => Err(ColumnsError::Vocabulary {
                path: column.path.clone(),
            }),
        }
    }

    /// The code of a category: from 1, or 0 if it did not occur in training.
    #[inline]
    pub(crate) fn code(&self, category: &str) -> u32 {
        match self {
            Self::Codes(codes) => codes.of(category),
            Self::Buckets(buckets) => 1 + bucket(category, *buckets),
        }
    }

    /// The slot of a category among the column's own.
    pub(crate) fn slot(&self, category: &str) -> u32 {
        match self {
            Self::Codes(_) => self.code(category),
            Self::Buckets(buckets) => bucket(category, *buckets),
        }
    }
}

fn bucket(category: &str, buckets: u32) -> u32 {
    let bucket = XxHash3_64::oneshot(category.as_bytes()) % u64::from(buckets);
    u32::try_from(bucket).unwrap_or(0)
}

/// The category's text of a value: for a number always the same, however it is written.
#[inline]
pub(crate) fn text<'a>(value: &Value<'a>) -> Option<Cow<'a, str>> {
    match value {
        Value::S(text) | Value::B(text) => Some(text.decode()),
        Value::N(raw) => Some(number_text(raw)),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        _ => None,
    }
}

#[inline]
pub(crate) fn number_text(raw: &str) -> Cow<'_, str> {
    Decimal::read(raw).into_text()
}
