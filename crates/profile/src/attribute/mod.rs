//! What is known about one attribute path.

pub(crate) mod profile;

use crate::number::Decimal;
use crate::number::exact;
use crate::values::cardinality::ValueSketch;
use crate::values::dictionary::Dictionary;
use crate::values::distinct::{Distinct, Values};
use dynamodb_json::{Kind, Value};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Example values that are kept.
const EXAMPLES: usize = 3;

/// Characters of an example value that are kept.
const EXAMPLE_LENGTH: usize = 40;

/// What was seen at one attribute path.
#[derive(Debug, Clone, Default)]
pub struct Attribute {
    /// How often each type was seen.
    pub types: Types,
    /// The numbers among the values.
    pub numbers: Option<Numbers>,
    /// The texts among the values.
    pub texts: Option<Texts>,
    /// The first few texts and numbers in sort order, cut short.
    pub examples: BTreeSet<String>,
    /// The distinct texts and numbers.
    pub(crate) distinct: Distinct,
}

/// An attribute with its values, as it is stored.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Stored<V> {
    types: Types,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    numbers: Option<Numbers>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    texts: Option<Texts>,
    distinct: StoredValues<V>,
    examples: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StoredValues<V> {
    Values(Vec<V>),
    /// Of values that overflowed.
    Sketch(ValueSketch),
}

impl Attribute {
    pub(crate) fn store<'d>(&self, dictionary: &'d Dictionary) -> Stored<&'d str> {
        let distinct = match self.distinct.exact_or_sketch(dictionary) {
            Values::Exact(values) => StoredValues::Values(values),
            Values::Overflowed(sketch) => StoredValues::Sketch(sketch),
        };
        Stored {
            types: self.types,
            numbers: self.numbers.clone(),
            texts: self.texts.clone(),
            distinct,
            examples: self.examples.clone(),
        }
    }

    pub(crate) fn restore(stored: Stored<String>, dictionary: &mut Dictionary) -> Self {
        let mut distinct = Distinct::default();
        let values = match &stored.distinct {
            StoredValues::Values(values) => {
                Values::Exact(values.iter().map(String::as_str).collect())
            }
            StoredValues::Sketch(sketch) => Values::Overflowed(sketch.clone()),
        };
        distinct.merge(values, dictionary);
        Self {
            types: stored.types,
            numbers: stored.numbers,
            texts: stored.texts,
            examples: stored.examples,
            distinct,
        }
    }

    pub(crate) fn observe(&mut self, value: &Value<'_>, dictionary: &mut Dictionary) {
        match value {
            Value::S(text) => self.observe_text(&text.decode(), dictionary),
            Value::N(raw) => self.observe_number(&Decimal::read(raw), dictionary),
            other => self.count_other(other.kind()),
        }
    }

    #[inline]
    pub(crate) fn observe_text(&mut self, text: &str, dictionary: &mut Dictionary) {
        self.types.add(Kind::S, 1);
        let texts = self.texts.get_or_insert_default();
        texts.observe(characters(text) as u64);
        self.category(text, dictionary);
    }

    #[inline]
    pub(crate) fn observe_number(&mut self, decimal: &Decimal<'_>, dictionary: &mut Dictionary) {
        self.types.add(Kind::N, 1);
        let numbers = Numbers::of(decimal);
        match &mut self.numbers {
            Some(known) => known.merge(&numbers),
            None => self.numbers = Some(numbers),
        }
        self.category(decimal.text(), dictionary);
    }

    /// A value of a type whose values are only counted.
    #[inline]
    pub(crate) const fn count_other(&mut self, kind: Kind) {
        self.types.add(kind, 1);
    }

    /// A text or number among the distinct ones.
    #[inline]
    fn category(&mut self, value: &str, dictionary: &mut Dictionary) {
        if !self.distinct.insert(value, dictionary) {
            self.example(value);
        }
    }

    #[inline]
    fn example(&mut self, value: &str) {
        // What is not below the last example as a whole is not below it cut short.
        if self.examples.len() < EXAMPLES
            || self.examples.last().is_some_and(|last| *value < **last)
        {
            self.add_example(value);
        }
    }

    fn add_example(&mut self, value: &str) {
        let end = value.char_indices().nth(EXAMPLE_LENGTH);
        let cut = &value[..end.map_or(value.len(), |(at, _)| at)];
        if !self.examples.contains(cut) {
            self.examples.insert(cut.to_owned());
            if self.examples.len() > EXAMPLES {
                self.examples.pop_last();
            }
        }
    }

    /// Adds what another attribute saw, with its values.
    pub(crate) fn merge(&mut self, other: Self, values: Values<'_>, dictionary: &mut Dictionary) {
        for kind in Kind::ALL {
            self.types.add(kind, other.types.of(kind));
        }
        match (&mut self.numbers, other.numbers) {
            (Some(known), Some(more)) => known.merge(&more),
            (known @ None, more) => *known = more,
            (Some(_), None) => {}
        }
        if let Some(more) = other.texts {
            self.texts.get_or_insert_default().merge(&more);
        }
        self.distinct.merge(values, dictionary);
        for example in &other.examples {
            self.example(example);
        }
    }
}

/// How often each type of DynamoDB was seen, as `{"S": 3}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    try_from = "BTreeMap<String, u64>",
    into = "BTreeMap<&'static str, u64>"
)]
pub struct Types([u64; Kind::ALL.len()]);

impl Types {
    /// How often that type was seen.
    pub const fn of(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    /// How often any type was seen, null included.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The types that were seen, null left out.
    pub fn kinds(&self) -> Vec<Kind> {
        let seen = |kind: &Kind| *kind != Kind::Null && self.of(*kind) > 0;
        Kind::ALL.into_iter().filter(seen).collect()
    }

    const fn add(&mut self, kind: Kind, count: u64) {
        self.0[kind as usize] += count;
    }
}

impl From<Types> for BTreeMap<&'static str, u64> {
    fn from(types: Types) -> Self {
        let seen = Kind::ALL
            .into_iter()
            .map(|kind| (kind.as_str(), types.of(kind)));
        seen.filter(|(_, count)| *count > 0).collect()
    }
}

impl TryFrom<BTreeMap<String, u64>> for Types {
    type Error = String;

    fn try_from(counts: BTreeMap<String, u64>) -> Result<Self, String> {
        let mut types = Self::default();
        for (tag, count) in counts {
            let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == tag);
            types.add(
                kind.ok_or_else(|| format!("`{tag}` is no type of DynamoDB"))?,
                count,
            );
        }
        Ok(types)
    }
}

/// What is known of numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Numbers {
    /// The least, as float64.
    #[serde(with = "exact")]
    pub minimum: f64,
    /// The greatest, as float64.
    #[serde(with = "exact")]
    pub maximum: f64,
    /// Whether all are whole numbers.
    pub integers: bool,
    /// Most significant digits of one number.
    pub digits: u32,
}

impl Numbers {
    fn of(decimal: &Decimal<'_>) -> Self {
        // Beyond float64 the bounds stay finite, so that they can be written down.
        let value = decimal.value.clamp(f64::MIN, f64::MAX);
        Self {
            minimum: value,
            maximum: value,
            integers: decimal.integer,
            digits: decimal.digits,
        }
    }

    fn merge(&mut self, other: &Self) {
        // Neither is ever no number, so plain comparisons do.
        if other.minimum < self.minimum {
            self.minimum = other.minimum;
        }
        if other.maximum > self.maximum {
            self.maximum = other.maximum;
        }
        self.integers &= other.integers;
        self.digits = self.digits.max(other.digits);
    }
}

/// What is known of texts; lengths are in characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Texts {
    /// The longest text's length.
    pub max_length: u64,
    /// All texts' lengths together.
    pub total_length: u64,
}

impl Texts {
    #[inline]
    pub(crate) fn observe(&mut self, length: u64) {
        self.max_length = self.max_length.max(length);
        self.total_length += length;
    }

    fn merge(&mut self, other: &Self) {
        self.max_length = self.max_length.max(other.max_length);
        self.total_length += other.total_length;
    }
}

#[inline]
fn characters(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.chars().count()
    }
}
