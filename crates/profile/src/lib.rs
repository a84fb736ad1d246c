//! What a table holds: a [`Profile`] of its attributes, made item by item while the items pass,
//! merged afterwards, and summed up as [`Statistics`] that two runs can be compared by ([`Drift`]).
//!
//! It decides nothing about columns or rows: `dataset` does, on top of it.

mod attribute;
pub mod canonical;
mod number;
mod profile;
mod sample;
mod slots;
mod statistics;
mod values;

pub use attribute::{Attribute, Numbers, Texts, Types};
pub use number::digits::Digits;
pub use number::significand::Significand;
pub use number::{Decimal, EXACT_INTEGERS, exact};
pub use profile::{MAX_DEPTH, MAX_PATHS, Profile};
pub use sample::{SAMPLE_BYTES, SAMPLE_ITEMS, SampledValues};
pub use statistics::drift::{AttributeDrift, Change, Drift, MIN_SAMPLED};
pub use statistics::{
    AttributeStatistics, DistinctCount, FREQUENT_VALUES, FrequentValue, HISTOGRAM_BARS,
    NumberStatistics, Statistics, TextStatistics, share,
};
pub use values::cardinality::{HASHES, ValueSketch};
pub use values::dictionary::{MAX_VALUES_BYTES, Vocabularies};
pub use values::distinct::{MAX_DISTINCT, MAX_VALUE_BYTES};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
