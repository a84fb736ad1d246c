//! The statistics that decide columns: the table's profile, and the values of its sample, which
//! distinguish outliers from nearly all values.

use crate::encode::moment::Moment;
use crate::encode::numeric_text;
use dynamodb_json::Kind;
use profile::{Attribute, EXACT_INTEGERS, Profile, SampledValues};
use std::collections::BTreeMap;
use std::ops::Deref;

/// Below this number of values there are no outliers.
const FEW: u64 = 20;

/// How many times as far off as nearly all others an outlier is.
const FAR: f64 = 1000.0;

/// A profile, with the values of its sample.
pub(crate) struct Table<'p> {
    profile: &'p Profile,
    sampled: BTreeMap<String, SampledValues>,
}

impl Deref for Table<'_> {
    type Target = Profile;

    fn deref(&self) -> &Profile {
        self.profile
    }
}

/// What the texts of an attribute spell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Readings {
    /// White space, or empty.
    pub(crate) blank: u64,
    /// Numbers that look like measures.
    pub(crate) measures: u64,
    /// Any numbers.
    pub(crate) numbers: u64,
    /// `true` and `false`.
    pub(crate) booleans: u64,
    /// Moments in ISO 8601, without those that spell numbers.
    pub(crate) moments: u64,
    /// All.
    pub(crate) all: u64,
}

impl Readings {
    /// Whether nearly all non-blank texts are measures, and at least one is.
    pub(crate) fn are_measures(self) -> bool {
        self.measures > 0 && nearly_all(self.measures, self.all - self.blank)
    }

    /// Whether nearly all non-blank texts are numbers, and at least one is.
    pub(crate) fn are_numbers(self) -> bool {
        self.numbers > 0 && nearly_all(self.numbers, self.all - self.blank)
    }
}

/// Whether all but a few outliers are.
pub(crate) const fn nearly_all(some: u64, all: u64) -> bool {
    (all - some) * 100 <= all
}

impl<'p> Table<'p> {
    pub(crate) fn new(profile: &'p Profile) -> Self {
        Self {
            profile,
            sampled: profile.sampled_values(),
        }
    }

    /// The sampled numbers of a path, in order, each with its count.
    pub(crate) fn numbers(&self, path: &str) -> &[(f64, u64)] {
        self.sampled.get(path).map_or(&[], |values| &values.numbers)
    }

    /// The sampled texts of a path, with numbers and booleans as texts, each with its count.
    pub(crate) fn texts(&self, path: &str) -> impl Iterator<Item = (&str, u64)> {
        let counts = self.sampled.get(path).map(|values| &values.counts);
        let counts = counts.into_iter().flatten();
        counts.map(|(text, copies)| (text.as_str(), *copies))
    }

    /// Statistics of a path's numbers, including those that its texts spell if they count.
    pub(crate) fn known_numbers(&self, path: &str, from_text: bool) -> Option<KnownNumbers> {
        let numbers = self.profile.attribute(path)?.numbers.as_ref();
        let mut sampled = self.numbers(path).to_vec();
        let mut integers = numbers.is_none_or(|numbers| numbers.integers);
        // The sample's texts include those of numbers, so these are all of them.
        if from_text {
            sampled = self.numbers_of_texts(path);
            integers &= sampled.iter().all(|(number, _)| number.fract() == 0.0);
        }
        let ends = sampled.first().zip(sampled.last());
        let ends = ends.map(|(first, last)| (first.0, last.0));
        let (least, greatest) = match (numbers, ends) {
            (Some(numbers), Some((least, greatest))) => {
                (numbers.minimum.min(least), numbers.maximum.max(greatest))
            }
            (Some(numbers), None) => (numbers.minimum, numbers.maximum),
            (None, ends) => ends?,
        };
        Some(KnownNumbers {
            sampled,
            least,
            greatest,
            integers,
        })
    }

    /// What the texts of a path spell: those of the sample, or otherwise all distinct ones.
    pub(crate) fn readings(&self, path: &str) -> Readings {
        let mut readings = Readings::default();
        let mut add = |text: &str, copies: u64| {
            readings.all += copies;
            if text.trim().is_empty() {
                readings.blank += copies;
            } else if numeric_text::number(text).is_some() {
                readings.numbers += copies;
                readings.measures += if numeric_text::is_measure(text) {
                    copies
                } else {
                    0
                };
            } else if numeric_text::boolean(text).is_some() {
                readings.booleans += copies;
            } else if Moment::parse(text).is_some() {
                readings.moments += copies;
            }
        };
        if let Some(values) = self.sampled.get(path) {
            for (text, copies) in &values.counts {
                add(text, *copies);
            }
        } else {
            for text in self.profile.values(path).unwrap_or_default() {
                add(&text, 1);
            }
        }
        readings
    }

    /// Sampled numbers of a path, including texts that spell numbers, in order.
    pub(crate) fn numbers_of_texts(&self, path: &str) -> Vec<(f64, u64)> {
        let counts = self.sampled.get(path).map(|values| &values.counts);
        let read = |(text, copies): (&String, &u64)| {
            let number: f64 = numeric_text::number(text)?.parse().ok()?;
            Some((number.clamp(f64::MIN, f64::MAX), *copies))
        };
        let mut numbers: Vec<_> = counts.into_iter().flatten().filter_map(read).collect();
        if numbers.is_empty() {
            let values = self.profile.values(path).unwrap_or_default();
            numbers = values.iter().filter_map(|text| read((text, &1))).collect();
        }
        numbers.sort_by(|left, right| left.0.total_cmp(&right.0));
        numbers
    }
}

/// The limits beyond which numbers are outliers, if there are any: nearly all of the sampled ones,
/// which are in order, lie a thousand times nearer to each other. `least` and `greatest` are those
/// of all numbers.
pub(crate) fn exceptional(
    sampled: &[(f64, u64)],
    (least, greatest): (f64, f64),
) -> Option<(f64, f64)> {
    let total: u64 = sampled.iter().map(|(_, copies)| copies).sum();
    if total < FEW {
        return None;
    }
    let cut = (total / 100).max(1);
    let at = |rank: u64| {
        let mut before = 0;
        let reached = |(_, copies): &&(f64, u64)| {
            before += copies;
            before > rank
        };
        sampled.iter().find(reached).map(|(number, _)| *number)
    };
    let (low, high) = (at(cut)?, at(total - 1 - cut)?);
    let reach = (high - low) * FAR;
    let bounds = (low - reach, high + reach);
    let has_exceptions = least < bounds.0 || greatest > bounds.1;
    (reach > 0.0 && reach.is_finite() && has_exceptions).then_some(bounds)
}

/// Statistics of a path's numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KnownNumbers {
    /// The sampled ones, in order, each with its count.
    pub(crate) sampled: Vec<(f64, u64)>,
    /// The least of all.
    pub(crate) least: f64,
    /// The greatest of all.
    pub(crate) greatest: f64,
    /// Whether all are whole.
    pub(crate) integers: bool,
}

impl KnownNumbers {
    /// The limits beyond which numbers are outliers, if there are any.
    pub(crate) fn exceptional(&self) -> Option<(f64, f64)> {
        exceptional(&self.sampled, (self.least, self.greatest))
    }

    /// The greatest whole number by magnitude, if nearly all are whole numbers and more than a few
    /// would be rounded by float32. A single value decides neither.
    pub(crate) fn rounded(&self) -> Option<f64> {
        let largest = self.least.abs().max(self.greatest.abs());
        let total: u64 = self.sampled.iter().map(|(_, copies)| copies).sum();
        if total < FEW {
            return (self.integers && largest > EXACT_INTEGERS).then_some(largest);
        }
        let count = |is: &dyn Fn(f64) -> bool| -> u64 {
            let those = self.sampled.iter().filter(|(number, _)| is(*number));
            those.map(|(_, copies)| copies).sum()
        };
        let whole = count(&|number| number.fract() == 0.0);
        let large = count(&|number| number.fract() == 0.0 && number.abs() > EXACT_INTEGERS);
        let are_whole = self.integers || nearly_all(whole, total);
        (are_whole && !nearly_all(total - large, total)).then_some(largest)
    }
}

/// The one type of nearly all values, without null; `None` if there is none.
pub(crate) fn main_kind(attribute: &Attribute) -> Option<Kind> {
    let kinds = attribute.types.kinds();
    let all: u64 = kinds.iter().map(|kind| attribute.types.of(*kind)).sum();
    kinds
        .into_iter()
        .find(|kind| nearly_all(attribute.types.of(*kind), all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_far_off_is_an_exception_and_a_long_tail_is_none() {
        let near: Vec<_> = (0..40).map(|at| (f64::from(at), 1)).collect();
        assert_eq!(exceptional(&near, (0.0, 39.0)), None);
        let far = [near.clone(), vec![(9e9, 1)]].concat();
        let (least, greatest) = exceptional(&far, (0.0, 9e9)).unwrap();
        assert!(least < 0.0 && greatest > 39.0 && greatest < 9e9);
        let tail: Vec<_> = (0..40).map(|at| (f64::from(at).exp2() / 1e6, 1)).collect();
        assert_eq!(exceptional(&tail, (tail[0].0, tail[39].0)), None);
        assert_eq!(exceptional(&near[..5], (0.0, 9e9)), None, "too few to tell");
        assert_eq!(exceptional(&[(1.0, 100)], (1.0, 9e9)), None, "all the same");
    }
}
