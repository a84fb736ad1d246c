//! Turns JSON events into raw lines, `{"Item":{…}}`: one pass over the bytes, without a tree and
//! without reading numbers as floats. [`Transform`] checks each event, drops those that its
//! conditions do not want, and refuses what could not be an item of DynamoDB with the byte at which
//! that is so.
//!
//! It knows neither Firehose nor the lake: `transform-records` and `millrace replay` do.

mod names;
mod number;
mod refusal;
mod rules;
mod transform;
mod writer;

pub use refusal::{Reason, Refusal};
pub use rules::RulesError;
pub use transform::{Counts, Outcome, Transform};

/// The most bytes that one event has: DynamoDB's limit for an item.
pub const MAX_EVENT_BYTES: usize = 400 * 1024;

/// The deepest nesting of objects and arrays in an event, the event itself included.
pub const MAX_DEPTH: usize = 32;

/// The examples of the README, compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
