//! About how many distinct values there are, where they are too many to be kept: a theta sketch of
//! their hashes. It must not keep a value.
//!
//! What is serialised is trimmed to the [`HASHES`] least hashes and the bound above them, which is a function of
//! the set of values alone: it does not tell in which order, or in how many parts, they came.

use crate::murmur::theta_hash;
use crate::short::Short;
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

/// The seed that DataSketches takes if it is given none.
const SEED: u64 = 9_001;

/// Hashes that a sketch keeps: up to as many values are counted exactly, more with a relative
/// standard error of 3 %.
pub const HASHES: usize = 1 << LG_HASHES;

/// Values that were seen, as they come.
#[derive(Debug)]
pub(crate) struct Cardinality {
    values: ThetaSketch,
    /// What the sketch keeps is below.
    bound: u64,
    /// What was merged into it.
    merged: Option<ValueSketch>,
    /// Something was merged that nobody knows.
    unknown: bool,
}

impl Default for Cardinality {
    fn default() -> Self {
        let values = ThetaSketchBuilder::default().seed(SEED).lg_k(LG_HASHES);
        let values = values.build().expect("a sketch of so many hashes");
        Self {
            bound: values.theta64(),
            values,
            merged: None,
            unknown: false,
        }
    }
}

impl Cardinality {
    #[inline]
    pub(crate) fn insert(&mut self, value: &str) {
        match Short::whole(value) {
            Some(short) => self.insert_short(short),
            None => self.insert_long(value),
        }
    }

    /// The same of a value that is known not to be short.
    #[inline]
    pub(crate) fn insert_long(&mut self, value: &str) {
        // Its number is none of a short one's but by chance.
        let hash = u128::from(XxHash3_64::oneshot(value.as_bytes()));
        self.insert_bits(hash << 64);
    }

    /// The same of a short value: most are, and the sketch is asked for each.
    #[inline]
    pub(crate) fn insert_short(&mut self, value: Short) {
        self.insert_bits(value.bits());
    }

    #[inline]
    fn insert_bits(&mut self, bits: u128) {
        // Of many values few are below the bound.
        if theta_hash(bits, SEED) < self.bound {
            self.insert_below(bits);
        }
    }

    #[inline(never)]
    fn insert_below(&mut self, bits: u128) {
        self.values.update(bits);
        self.bound = self.values.theta64();
    }

    /// Adds what was seen elsewhere; `None`: nobody knows what.
    pub(crate) fn merge(&mut self, other: Option<ValueSketch>) {
        match (other, self.merged.take()) {
            (Some(other), Some(merged)) => self.merged = Some(merged.union(&other)),
            (Some(other), None) => self.merged = Some(other),
            (None, merged) => (self.merged, self.unknown) = (merged, true),
        }
    }

    /// All values so far, unless some are not known.
    pub(crate) fn sketch(&self) -> Option<ValueSketch> {
        let mut union = union();
        add(&mut union, &self.values.compact(true));
        if let Some(merged) = &self.merged {
            add(&mut union, &merged.0);
        }
        (!self.unknown).then(|| ValueSketch(union.to_sketch(true)))
    }
}

fn union() -> ThetaUnion {
    let union = ThetaUnionBuilder::default().lg_k(LG_HASHES).build();
    union.expect("a sketch of so many hashes")
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
        all.sketch().expect("nothing unknown was merged")
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
        let difference = ThetaANotB::default().compute(&self.0, &others.0, true);
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
        let sketch = CompactThetaSketch::deserialize(&bytes);
        sketch
            .map(Self)
            .map_err(|error| D::Error::custom(format!("no theta sketch: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            one.merge(Some(left));
            all[..cut].iter().for_each(|value| one.insert(value));
            one.merge(Some(right));
            let one = serde_json::to_string(&one.sketch().unwrap()).unwrap();
            assert_eq!(one, whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_stored_sketch_reads_back_and_what_is_none_is_refused() {
        let sketch = of(&numbers(0..5_000));
        let text = serde_json::to_string(&sketch).unwrap();
        assert!(text.len() < 12_000, "{}", text.len());
        assert_eq!(serde_json::from_str::<ValueSketch>(&text).unwrap(), sketch);
        assert!(serde_json::from_str::<ValueSketch>("\"AAAA\"").is_err());
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
