//! Errors that end a training run or keep a server from starting. Messages name the file, line,
//! column or field, and say what to do. A bad request to a running server is a
//! [`crate::invocation::Rejection`].

use std::path::PathBuf;

/// An error that ends `train`, or keeps `serve` from starting.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The container's files, job or address.
    #[error(transparent)]
    Container(#[from] container::Error),
    /// A row of a channel is not a row of numbers in the expected columns.
    #[error("{} line {line}{}: {reason}", path.display(), column.map(|c| format!(" column {c}")).unwrap_or_default())]
    BadRow {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The column, counted from 0 like `user_column` and `item_column`.
        column: Option<usize>,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// A channel's file cannot be read as CSV.
    #[error("reading {} as CSV", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// The CSV reader's error.
        source: csv::Error,
    },
    /// A channel has rows, but none of them can be used.
    #[error(
        "channel {channel} has no usable row: {rows} rows read, {unlabelled} without a label, {reserved} with the reserved index"
    )]
    NoRows {
        /// The channel's name.
        channel: &'static str,
        /// Rows read.
        rows: u64,
        /// Rows left out because their label cell is empty.
        unlabelled: u64,
        /// Rows left out because their user or item is `unseen_index`.
        reserved: u64,
    },
    /// The factors became infinite.
    #[error("training diverged with learning_rate {learning_rate}: give a lower one")]
    Diverged {
        /// The learning rate in use.
        learning_rate: f32,
    },
}
