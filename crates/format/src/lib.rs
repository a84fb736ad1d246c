//! The formats of training files: a row in a format's own bytes ([`Row`]), and such rows as a file
//! ([`FileWriter`]); and [`images`] as rows. `dataset` makes the rows of items; `merge-to-csv` stores the files.

mod csv_header;
mod error;
mod file;
mod float_row;
pub mod images;
mod json_row;
mod layout;
mod parquet_file;
mod record_row;
mod row;
mod sample;

pub use error::FormatError;
pub use file::FileWriter;
pub use float_row::FloatRow;
pub use json_row::JsonRow;
pub use layout::{Layout, MAX_DENSE};
pub use record_row::RecordRow;
pub use row::{Row, Unfit};
pub use sample::Sample;

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
