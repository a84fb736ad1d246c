//! Converts pipelines of AWS Data Pipeline: exports of tables become definitions of Millrace, and
//! every field of the input has a line in the report, whatever becomes of it.
//!
//! Nothing of a pipeline is executed: commands and scripts are text.

mod convert;
mod error;
mod export;
mod expression;
mod filter;
mod form;
mod hive;
mod json;
mod ledger;
mod lines;
mod markdown;
mod names;
mod output;
mod period;
mod pipeline;
pub mod report;
mod rules;
mod schedule;
mod secrets;
mod select;
mod text;
mod yaml;

pub use convert::{Options, convert};
pub use error::ConvertError;
pub use form::Form;
pub use output::{Conversion, OutputFile};
pub use report::Report;
pub use schedule::Clock;
pub use text::{Input, MAX_BYTES};

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
