//! What a table held, in a document of bounded size: the profile without the values of its items.

pub(crate) mod drift;

use crate::attribute::{Attribute, Types};
use crate::profile::Profile;
use crate::sample::SampledValues;
use crate::values::cardinality::ValueSketch;
use dynamodb_json::Kind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most frequent values that are told of an attribute.
pub const FREQUENT_VALUES: usize = 20;

/// Bars of a histogram.
pub const HISTOGRAM_BARS: usize = 12;

/// What a table held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Statistics {
    /// Its items.
    pub items: u64,
    /// The items of the uniform sample from which shares, means and quantiles come. If they are all items, these
    /// are exact.
    pub sampled: u64,
    /// Values of paths beyond the bound, which are not told.
    pub paths_overflowed: u64,
    /// The attributes by path.
    pub attributes: BTreeMap<String, AttributeStatistics>,
}

/// What is known of an attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttributeStatistics {
    /// How often each type occurs, null included.
    pub types: Types,
    /// The share of all items in which it is missing or null, 0 to 1.
    pub missing: f64,
    /// How many distinct texts and numbers there are, unless that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<DistinctCount>,
    /// The numbers among its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<NumberStatistics>,
    /// The texts among its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<TextStatistics>,
    /// The most frequent texts, numbers and booleans of the sample, the most frequent first.
    pub frequent: Vec<FrequentValue>,
    /// How many texts, numbers and booleans of it the sample has.
    pub sampled: u64,
    /// How many different ones.
    pub seen: u64,
    /// The share of the one that is least frequent; 0 if there is none.
    pub rarest: f64,
    /// A few values, cut short.
    pub examples: Vec<String>,
    /// The sketch of its distinct texts and numbers, to be compared with another run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sketch: Option<ValueSketch>,
}

/// A number of distinct values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DistinctCount {
    /// How many.
    pub count: u64,
    /// Whether that is exact; else its relative standard error is 3 %.
    pub exact: bool,
}

/// What is known of numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NumberStatistics {
    /// The least of all.
    pub minimum: f64,
    /// The greatest of all.
    pub maximum: f64,
    /// Whether all are whole numbers.
    pub integers: bool,
    /// Most significant digits of one number.
    pub digits: u32,
    /// The sample's mean.
    pub mean: f64,
    /// The sample's standard deviation.
    pub standard_deviation: f64,
    /// The sample's deciles, from the 10th to the 90th percentile; empty if it has no number.
    pub deciles: Vec<f64>,
    /// The shares of the sample up to each decile and above the last one, to be compared with
    /// another run's: a tenth each, unless values repeat.
    pub shares: Vec<f64>,
    /// The shares of the sample in [`HISTOGRAM_BARS`] bars of equal width, from the sample's least number to its
    /// greatest.
    pub histogram: Vec<f64>,
    /// The sample's least number and its greatest: the ends of the histogram. Absent of an empty
    /// sample, and in documents of before it was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<[f64; 2]>,
}

/// What is known of texts; lengths are in characters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TextStatistics {
    /// The longest text's length.
    pub max_length: u64,
    /// The mean length of all.
    pub mean_length: f64,
}

/// A value and how often it is seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FrequentValue {
    /// The value, cut short.
    pub value: String,
    /// Its share of the attribute's texts, numbers and booleans in the sample.
    pub share: f64,
}

impl Statistics {
    /// Whether shares, means and quantiles are exact.
    pub const fn is_exact(&self) -> bool {
        self.sampled == self.items
    }

    /// What is known of the attribute at a path.
    pub fn attribute(&self, path: &str) -> Option<&AttributeStatistics> {
        self.attributes.get(path)
    }

    /// The share of items in which there is none, or null, at a path.
    pub fn missing(&self, path: &str) -> f64 {
        self.attribute(path)
            .map_or(1.0, |attribute| attribute.missing)
    }
}

impl Profile {
    /// The profile without its values.
    pub fn statistics(&self) -> Statistics {
        let mut sampled = self.sampled_values();
        let attributes = self.attributes().map(|(path, attribute)| {
            let sampled = sampled.remove(path).unwrap_or_default();
            let statistics = self.attribute_statistics(path, attribute, &sampled);
            (path.to_owned(), statistics)
        });
        Statistics {
            items: self.items(),
            sampled: self.sampled_items(),
            paths_overflowed: self.paths_overflowed(),
            attributes: attributes.collect(),
        }
    }

    fn attribute_statistics(
        &self,
        path: &str,
        attribute: &Attribute,
        sampled: &SampledValues,
    ) -> AttributeStatistics {
        let types = attribute.types;
        let texts = types.of(Kind::S);
        let has_values = texts + types.of(Kind::N) > 0;
        let sketch = self.sketch(path).filter(|_| has_values);
        let distinct = match (self.distinct(path), &sketch) {
            (Some(count), _) => Some(DistinctCount {
                count: count as u64,
                exact: true,
            }),
            (None, Some(sketch)) => Some(DistinctCount {
                count: sketch.count(),
                exact: sketch.is_exact(),
            }),
            (None, None) => None,
        };
        let present = types.total() - types.of(Kind::Null);
        let total = sampled.total();
        AttributeStatistics {
            types,
            missing: 1.0 - share(present, self.items()),
            distinct: distinct.filter(|_| has_values),
            numbers: attribute.numbers.as_ref().map(|numbers| NumberStatistics {
                minimum: numbers.minimum,
                maximum: numbers.maximum,
                integers: numbers.integers,
                digits: numbers.digits,
                ..of_numbers(&sampled.numbers)
            }),
            texts: attribute.texts.as_ref().map(|known| TextStatistics {
                max_length: known.max_length,
                mean_length: share(known.total_length, texts),
            }),
            frequent: frequent(sampled),
            sampled: total,
            seen: sampled.counts.len() as u64,
            rarest: share(sampled.counts.values().copied().min().unwrap_or(0), total),
            examples: attribute.examples.iter().cloned().collect(),
            sketch,
        }
    }
}

/// A part as a share of the whole; 0 of nothing.
pub fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn frequent(sampled: &SampledValues) -> Vec<FrequentValue> {
    let mut counts: Vec<_> = sampled.counts.iter().collect();
    counts.sort_by(|left, right| right.1.cmp(left.1).then(left.0.cmp(right.0)));
    counts.truncate(FREQUENT_VALUES);
    let total = sampled.total();
    let value = |(value, count): (&String, &u64)| FrequentValue {
        value: value.clone(),
        share: share(*count, total),
    };
    counts.into_iter().map(value).collect()
}

/// What a sample's numbers say; the bounds of all numbers are left to the caller.
fn of_numbers(numbers: &[(f64, u64)]) -> NumberStatistics {
    let total: u64 = numbers.iter().map(|(_, count)| count).sum();
    // Each term is divided first: a sum of the greatest numbers is beyond float64.
    let mean_of = |value: &dyn Fn(f64) -> f64| -> f64 {
        let terms = numbers
            .iter()
            .map(|(number, count)| value(*number) * share(*count, total));
        terms.sum()
    };
    let mean = mean_of(&|number| number);
    let variance = mean_of(&|number| (number - mean).powi(2)).clamp(0.0, f64::MAX);
    let deciles = deciles(numbers, total);
    NumberStatistics {
        minimum: 0.0,
        maximum: 0.0,
        integers: false,
        digits: 0,
        mean,
        standard_deviation: variance.sqrt(),
        shares: shares(numbers, &deciles),
        deciles,
        histogram: histogram(numbers, total),
        ends: numbers
            .first()
            .zip(numbers.last())
            .map(|ends| [ends.0.0, ends.1.0]),
    }
}

/// The 10th to the 90th percentile by the nearest rank, each once.
fn deciles(numbers: &[(f64, u64)], total: u64) -> Vec<f64> {
    let mut deciles = Vec::new();
    let (mut below, mut tenth) = (0, 1);
    for (number, count) in numbers {
        below += count;
        if tenth < 10 && below * 10 >= tenth * total {
            deciles.push(*number);
        }
        while tenth < 10 && below * 10 >= tenth * total {
            tenth += 1;
        }
    }
    deciles.dedup();
    deciles
}

/// The shares of sorted numbers up to each bound, and above the last one.
pub(crate) fn shares(numbers: &[(f64, u64)], bounds: &[f64]) -> Vec<f64> {
    if numbers.is_empty() {
        return Vec::new();
    }
    let mut counts = vec![0; bounds.len() + 1];
    for (number, count) in numbers {
        counts[bounds.partition_point(|bound| bound < number)] += count;
    }
    let total = counts.iter().sum();
    counts.iter().map(|count| share(*count, total)).collect()
}

fn histogram(numbers: &[(f64, u64)], total: u64) -> Vec<f64> {
    let (Some((least, _)), Some((greatest, _))) = (numbers.first(), numbers.last()) else {
        return Vec::new();
    };
    let mut counts = [0; HISTOGRAM_BARS];
    // Halved, so that the width of the widest range is a float64 too.
    let width = greatest / 2.0 - least / 2.0;
    for (number, count) in numbers {
        let place = if width > 0.0 {
            (number / 2.0 - least / 2.0) / width * HISTOGRAM_BARS as f64
        } else {
            0.0
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is cut to the bars there are"
        )]
        let bar = (place as usize).min(HISTOGRAM_BARS - 1);
        counts[bar] += count;
    }
    counts.iter().map(|count| share(*count, total)).collect()
}
