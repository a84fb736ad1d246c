//! Reads files in a bucket, such as old exports of a table, as items.
//!
//! [`FileReader`] reads the ranges of a frozen list of objects page by page, each object only as long
//! as it is the one that was planned. [`mod@line`] makes an item of a line of each format;
//! [`mod@csv`] does so with records, which may hold line breaks.

mod connector;
pub mod csv;
pub mod line;
mod page;
mod reader;

pub use reader::{FileReader, ReadSoFar};

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
