//! An estimate of how many distinct values there are, when they are too many to be kept: a theta
//! sketch of their hashes.
//!
//! What is serialised are the [`HASHES`] least hashes and the bound above them, a function of the set
//! of values alone: the order of the values and the parts they came in make no difference.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use datasketches::common::NumStdDev;
use datasketches::theta::{
    CompactThetaSketch, ThetaANotB, ThetaSketch, ThetaSketchBuilder, ThetaUnion, ThetaUnionBuilder,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use twox_hash::XxHash3_64;

/// Logarithm of how many hashes a sketch keeps.
const LG_HASHES: u8 = 10;

/// Hashes that a sketch keeps: up to as many values are counted exactly, more with a relative
/// standard error of 3 %.
pub const HASHES: usize = 1 << LG_HASHES;

/// Tells sketches of these hashes from those of others.
const SEED: u64 = 0x6d69_6c6c_7261_6365;

/// Values that were seen, as they come.
#[derive(Debug)]
pub(crate) struct Cardinality {
    seen: ThetaSketch,
    /// The union of the sketches that were merged into it.
    merged: Option<ValueSketch>,
}

impl Default for Cardinality {
    fn default() -> Self {
        let sketch = ThetaSketchBuilder::default().seed(SEED).lg_k(LG_HASHES);
        Self {
            seen: sketch.build().expect("a sketch of so many hashes"),
            merged: None,
        }
    }
}

impl Cardinality {
    #[inline]
    pub(crate) fn insert(&mut self, value: &str) {
        self.seen.update(XxHash3_64::oneshot(value.as_bytes()));
    }

    /// Adds values that were seen elsewhere.
    pub(crate) fn merge(&mut self, other: ValueSketch) {
        self.merged = Some(match self.merged.take() {
            Some(merged) => merged.union(&other),
            None => other,
        });
    }

    /// All values so far.
    pub(crate) fn sketch(&self) -> ValueSketch {
        // A union keeps the least hashes, which are a function of the set of values.
        let mut all = union();
        add(&mut all, &self.seen.compact(true));
        if let Some(merged) = &self.merged {
            add(&mut all, &merged.0);
        }
        ValueSketch(all.to_sketch(true))
    }
}

fn union() -> ThetaUnion {
    let union = ThetaUnionBuilder::default().seed(SEED).lg_k(LG_HASHES);
    union.build().expect("a sketch of so many hashes")
}

fn add(union: &mut ThetaUnion, sketch: &CompactThetaSketch) {
    let added = union.update(sketch);
    added.expect("all sketches are of one seed, which is checked when they are read");
}

/// A sketch of a set of values: enough to tell how many there are, and how many are in another.
#[derive(Debug, Clone)]
pub struct ValueSketch(CompactThetaSketch);

impl ValueSketch {
    /// The sketch of these values.
    pub fn of<'v>(values: impl IntoIterator<Item = &'v str>) -> Self {
        let mut all = Cardinality::default();
        for value in values {
            all.insert(value);
        }
        all.sketch()
    }

    /// About how many values there are.
    pub fn count(&self) -> u64 {
        rounded(self.0.estimate())
    }

    /// Whether [`ValueSketch::count`] is exact.
    pub fn is_exact(&self) -> bool {
        !self.0.is_estimation_mode()
    }

    /// Bounds of the count, two standard deviations away: 95 % of tables are within them.
    pub fn bounds(&self) -> (u64, u64) {
        let away = NumStdDev::Two;
        (
            rounded(self.0.lower_bound(away)),
            rounded(self.0.upper_bound(away)),
        )
    }

    /// About which share of the values is not among the others; 0 if there is none.
    pub fn share_not_in(&self, others: &Self) -> f64 {
        let difference = ThetaANotB::with_seed(SEED).expect("a seed");
        let difference = difference.compute(&self.0, &others.0, true);
        let difference = difference
            .expect("all sketches are of one seed, which is checked when they are read")
            .estimate();
        let all = self.0.estimate();
        if all > 0.0 {
            (difference / all).min(1.0)
        } else {
            0.0
        }
    }

    fn union(&self, other: &Self) -> Self {
        let mut all = union();
        add(&mut all, &self.0);
        add(&mut all, &other.0);
        Self(all.to_sketch(true))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count is not negative, and far below 2^64"
)]
const fn rounded(count: f64) -> u64 {
    count.round() as u64
}

impl PartialEq for ValueSketch {
    fn eq(&self, other: &Self) -> bool {
        self.0.serialize() == other.0.serialize()
    }
}

impl Serialize for ValueSketch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(self.0.serialize_compressed()))
    }
}

impl<'de> Deserialize<'de> for ValueSketch {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = String::deserialize(reader)?;
        let bytes = BASE64_STANDARD.decode(text).map_err(D::Error::custom)?;
        // The sketch has a hash of the seed, so one of other hashes is refused.
        let sketch = CompactThetaSketch::deserialize_with_seed(&bytes, SEED);
        sketch
            .map(Self)
            .map_err(|error| D::Error::custom(format!("no theta sketch of values: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
        range.map(|n| n.to_string()).collect()
    }

    fn of(values: &[String]) -> ValueSketch {
        ValueSketch::of(values.iter().map(String::as_str))
    }

    #[test]
    fn few_values_are_counted_exactly_and_many_nearly() {
        let few = of(&numbers(0..900));
        assert_eq!((few.count(), few.is_exact()), (900, true));
        let many = of(&numbers(0..500_000));
        assert!(!many.is_exact());
        let (least, most) = many.bounds();
        assert!(least < 500_000 && 500_000 < most, "{least} to {most}");
        assert!(most - least < 500_000 / 7, "{least} to {most}");
    }

    #[test]
    fn order_and_parts_do_not_show() {
        let all = numbers(0..30_000);
        let whole = serde_json::to_string(&of(&all)).unwrap();
        let reversed: Vec<_> = all.iter().rev().cloned().collect();
        assert_eq!(serde_json::to_string(&of(&reversed)).unwrap(), whole);
        for cut in [1, 700, 15_000] {
            let (left, right) = (of(&all[..cut]), of(&all[cut / 2..]));
            let mut one = Cardinality::default();
            one.merge(left);
            all[..cut].iter().for_each(|value| one.insert(value));
            one.merge(right);
            let one = serde_json::to_string(&one.sketch()).unwrap();
            assert_eq!(one, whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_stored_sketch_reads_back_and_what_is_none_is_refused() {
        let stored = |text: &str| serde_json::from_str::<ValueSketch>(text);
        for sketch in [of(&[]), of(&numbers(0..1)), of(&numbers(0..5_000))] {
            let text = serde_json::to_string(&sketch).unwrap();
            assert!(text.len() < 12_000, "{}", text.len());
            assert_eq!(stored(&text).unwrap(), sketch);
        }
        assert!(stored("\"AAAA\"").is_err());
    }

    #[test]
    fn a_sketch_of_other_hashes_is_refused() {
        let mut other = ThetaSketchBuilder::default().build().unwrap();
        other.update("a value");
        let bytes = other.compact(true).serialize_compressed();
        let text = serde_json::to_string(&BASE64_STANDARD.encode(bytes)).unwrap();
        let error = serde_json::from_str::<ValueSketch>(&text).unwrap_err();
        assert!(error.to_string().contains("no theta sketch"), "{error}");
    }

    type Make = fn(u64) -> String;

    /// Sets of values that differ in few places, as those of tables do.
    fn families(seed: u64) -> impl Iterator<Item = (&'static str, Vec<String>)> {
        const COUNT: u64 = 20_000;
        let make: [(&str, Make); 7] = [
            ("numbers", |n| n.to_string()),
            ("moments", |n| (1_700_000_000_000 + n * 1_000).to_string()),
            ("prices", |n| format!("{}.{:02}", n / 100, n % 100)),
            ("places", |n| format!("-{}.{:04}", n / 7_919, n % 7_919)),
            ("names", |n| format!("user-{n:011}")),
            ("codes", |n| format!("{n:x}")),
            ("long names", |n| format!("a name that is not short: {n}")),
        ];
        let first = seed * 1_000_003;
        make.into_iter()
            .map(move |(family, value)| (family, (first..first + COUNT).map(value).collect()))
    }

    #[test]
    fn what_values_look_like_does_not_show_in_how_many_there_seem_to_be() {
        const ROUNDS: u64 = 100;
        let mut errors: BTreeMap<_, Vec<f64>> = BTreeMap::new();
        for (family, values) in (0..ROUNDS).flat_map(families) {
            let error = of(&values).0.estimate() / values.len() as f64 - 1.0;
            errors.entry(family).or_default().push(error);
        }
        for (family, errors) in errors {
            let mean = |of: &dyn Fn(f64) -> f64| {
                errors.iter().map(|error| of(*error)).sum::<f64>() / errors.len() as f64
            };
            // One in the square root of 1024, less what 1024 of 20,000 know; a mean of a hundred is ten
            // times as near.
            let (bias, spread) = (mean(&|error| error), mean(&|error| error * error).sqrt());
            assert!(bias.abs() < 0.01, "{family}: {bias}");
            assert!((0.022..0.04).contains(&spread), "{family}: {spread}");
        }
    }

    #[test]
    fn what_is_new_is_told_as_a_share() {
        let (before, after) = (of(&numbers(0..300)), of(&numbers(200..300)));
        assert!(after.share_not_in(&before).abs() < f64::EPSILON);
        assert!((before.share_not_in(&after) - 2.0 / 3.0).abs() < 1e-9);
        let (before, after) = (of(&numbers(0..60_000)), of(&numbers(30_000..90_000)));
        let share = after.share_not_in(&before);
        assert!((share - 0.5).abs() < 0.08, "{share}");
        assert!(of(&[]).share_not_in(&before).abs() < f64::EPSILON);
    }
}
