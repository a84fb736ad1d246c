//! How far a table is from what it was in another run.
//!
//! The population stability index (PSI) of two distributions is the sum, over bins, of
//! `(now - before) * ln(now / before)`. Below 0.1 they are commonly called the same, above 0.25 not.

use crate::profile::Profile;
use crate::sample::SampledValues;
use crate::statistics::{AttributeStatistics, Statistics, share, shares};
use contract::RunId;
use dynamodb_json::Kind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Sampled values below which a distribution is not compared: chance alone would show as drift.
pub const MIN_SAMPLED: u64 = 100;

/// Times that a value occurs in a sample to be a bin of its own.
const MIN_COUNT: f64 = 5.0;

/// How far a table is from what it was in another run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drift {
    /// The run that it is compared with.
    pub run: RunId,
    /// The items.
    pub items: Change<u64>,
    /// Paths of attributes that no item had; none are told where the other run had more than are kept.
    pub new: Vec<String>,
    /// Paths of attributes that no item has any more; none are told where this run has more than are kept.
    pub vanished: Vec<String>,
    /// The attributes that both runs have, by path.
    pub attributes: BTreeMap<String, AttributeDrift>,
}

/// What something was and is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change<T> {
    /// In the other run.
    pub before: T,
    /// In this one.
    pub now: T,
}

/// How far an attribute is from what it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttributeDrift {
    /// The population stability index of its values: of numbers by the other run's deciles, of others by
    /// its most frequent values. Absent if a sample is too small, or no value is frequent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psi: Option<f64>,
    /// The share of items in which it is missing or null.
    pub missing: Change<f64>,
    /// Its types but null, if they are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Change<Vec<String>>>,
    /// The least number, if it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Change<f64>>,
    /// The greatest number, if it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Change<f64>>,
    /// The samples' means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Change<f64>>,
    /// How far the mean has moved, in standard deviations of the other run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_shift: Option<f64>,
    /// About which share of the distinct values the other run did not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_values: Option<f64>,
    /// About which share of the other run's distinct values this one does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vanished_values: Option<f64>,
}

impl Drift {
    /// What has changed since `before`, which is of that run. `now` is the profile's statistics.
    pub fn since(run: RunId, before: &Statistics, profile: &Profile, now: &Statistics) -> Self {
        let sampled = profile.sampled_values();
        let nothing = SampledValues::default();
        let not_in = |other: &Statistics, paths: &Statistics| {
            let paths = paths.attributes.keys();
            paths
                .filter(|path| other.paths_overflowed == 0 && other.attribute(path).is_none())
                .cloned()
                .collect()
        };
        let both = now.attributes.iter().filter_map(|(path, now)| {
            let sampled = sampled.get(path.as_str()).unwrap_or(&nothing);
            let drift = of_attribute(before.attribute(path)?, now, sampled);
            Some((path.clone(), drift))
        });
        Self {
            run,
            items: Change {
                before: before.items,
                now: now.items,
            },
            new: not_in(before, now),
            vanished: not_in(now, before),
            attributes: both.collect(),
        }
    }

    /// The share of the other run's items by which there are fewer; 0 if there are more.
    pub fn row_drop(&self) -> f64 {
        let Change { before, now } = self.items;
        share(before.saturating_sub(now), before)
    }
}

fn of_attribute(
    before: &AttributeStatistics,
    now: &AttributeStatistics,
    sampled: &SampledValues,
) -> AttributeDrift {
    let types = types(before).cmp(types(now)).is_ne().then(|| Change {
        before: types(before).map(str::to_owned).collect(),
        now: types(now).map(str::to_owned).collect(),
    });
    let numbers = before.numbers.as_ref().zip(now.numbers.as_ref());
    let bound = |before: f64, now: f64| {
        let differs = before.to_bits() != now.to_bits();
        differs.then_some(Change { before, now })
    };
    let both_sampled = numbers.filter(|(before, now)| {
        // Without a histogram there was no number in the sample, and so no mean.
        !before.histogram.is_empty() && !now.histogram.is_empty()
    });
    let mean_shift = both_sampled.and_then(|(before, now)| {
        let shift = (now.mean - before.mean) / before.standard_deviation;
        shift.is_finite().then_some(shift)
    });
    let sketches = before.sketch.as_ref().zip(now.sketch.as_ref());
    AttributeDrift {
        psi: psi(before, sampled),
        missing: Change {
            before: before.missing,
            now: now.missing,
        },
        types,
        minimum: numbers.and_then(|(before, now)| bound(before.minimum, now.minimum)),
        maximum: numbers.and_then(|(before, now)| bound(before.maximum, now.maximum)),
        mean: both_sampled.map(|(before, now)| Change {
            before: before.mean,
            now: now.mean,
        }),
        mean_shift,
        new_values: sketches.map(|(before, now)| now.share_not_in(before)),
        vanished_values: sketches.map(|(before, now)| before.share_not_in(now)),
    }
}

fn types(attribute: &AttributeStatistics) -> impl Iterator<Item = &'static str> {
    attribute.types.kinds().into_iter().map(Kind::as_str)
}

/// By deciles where all sampled values were numbers and are, by frequent values otherwise.
fn psi(before: &AttributeStatistics, now: &SampledValues) -> Option<f64> {
    let total = now.total();
    if before.sampled < MIN_SAMPLED || total < MIN_SAMPLED {
        return None;
    }
    let samples = (before.sampled, total);
    let numbers: u64 = now.numbers.iter().map(|(_, count)| count).sum();
    if let Some(known) = &before.numbers
        && types(before).eq(["N"])
        && numbers == total
    {
        let now = shares(&now.numbers, &known.deciles);
        return Some(index(known.shares.iter().copied().zip(now), samples));
    }
    let is_frequent = |share: f64| share * before.sampled as f64 >= MIN_COUNT;
    let frequent = before.frequent.iter().filter(|f| is_frequent(f.share));
    let mut bins: Vec<_> = frequent
        .map(|known| {
            let count = now.counts.get(&known.value).copied().unwrap_or(0);
            (known.share, share(count, total))
        })
        .collect();
    if bins.is_empty() {
        return None;
    }
    let rest = bins
        .iter()
        .fold((1.0, 1.0), |rest, bin| (rest.0 - bin.0, rest.1 - bin.1));
    // What is left by rounding is no value.
    if rest.0 * before.sampled as f64 > 0.5 || rest.1 * total as f64 > 0.5 {
        bins.push(rest);
    }
    Some(index(bins.into_iter(), samples))
}

/// The index of bins' shares. An empty bin counts as half a value, since nothing can be said of the
/// logarithm of 0.
fn index(bins: impl Iterator<Item = (f64, f64)>, (before, now): (u64, u64)) -> f64 {
    let least = |sampled: u64| 0.5 / sampled as f64;
    let terms = bins.map(|bin| {
        let (was, is) = (bin.0.max(least(before)), bin.1.max(least(now)));
        (is - was) * (is / was).ln()
    });
    terms.sum()
}
