//! Why a training run or the start of a server ended early: one enum, whose messages name the
//! file, line, column or field and what to do about it. Bad requests to a running server are
//! [`crate::invocation::Rejection`]s; they end nothing.

use std::path::PathBuf;

/// What ends `train`, or keeps `serve` from starting.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder of the container's tree could not be read or written.
    #[error("{action} {}", path.display())]
    Io {
        /// What was being done, as a participle: `reading`, `writing`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file below `input/config` is not the JSON that SageMaker writes.
    #[error("{} is not what SageMaker writes there", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Where and why it does not parse.
        source: serde_json::Error,
    },
    /// A hyperparameter that this program does not have.
    #[error("unknown hyperparameter {name:?}: remove it; known are {known}")]
    UnknownHyperparameter {
        /// Its name.
        name: String,
        /// All known names.
        known: String,
    },
    /// A hyperparameter whose value is out of its range.
    #[error("hyperparameter {name} is {value:?}: give {range}")]
    BadHyperparameter {
        /// Its name.
        name: &'static str,
        /// The text that was given.
        value: String,
        /// What is accepted.
        range: &'static str,
    },
    /// A channel that is asked for holds no file.
    #[error("channel {channel} has no file below {}: {advice}", path.display())]
    MissingChannel {
        /// The channel's name.
        channel: &'static str,
        /// Where its files would be.
        path: PathBuf,
        /// What to do.
        advice: &'static str,
    },
    /// The job's configuration asks for something this program does not do.
    #[error("{what}: {advice}")]
    Unsupported {
        /// What is asked for, with its name.
        what: String,
        /// What to do instead.
        advice: &'static str,
    },
    /// A file lies too deep below its channel.
    #[error("{} lies more than {} folders below its channel: move it up", path.display(), crate::channel::MAX_DEPTH)]
    TooDeep {
        /// The file's folder.
        path: PathBuf,
    },
    /// A row of a channel that is no row of numbers of the agreed shape.
    #[error("{} line {line}{}: {reason}", path.display(), column.map(|c| format!(" column {c}")).unwrap_or_default())]
    BadRow {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The column, counted from 0 as `user_column` and `item_column` are.
        column: Option<usize>,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// A channel's file is not readable as CSV.
    #[error("reading {} as CSV", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What the CSV reader said.
        source: csv::Error,
    },
    /// A channel has rows, but none that can be used.
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
    /// The factors grew beyond all numbers.
    #[error("training diverged with learning_rate {learning_rate}: give a lower one")]
    Diverged {
        /// The learning rate in use.
        learning_rate: f32,
    },
    /// The model's file is foreign, cut short, damaged or of another version.
    #[error("{} is not a usable model: {reason}", path.display())]
    BadModel {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Training was asked to stop before the model was whole.
    #[error("stopped by {signal} before the model was written")]
    Stopped {
        /// The signal's name.
        signal: &'static str,
    },
    /// A defect of this program.
    #[error("internal error, please report it: {reason}")]
    Bug {
        /// The panic's message.
        reason: String,
    },
    /// The server could not take its address.
    #[error("listening on {address}: give a free one with --host and --port")]
    Listen {
        /// Host and port.
        address: String,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// The error and everything that caused it, in one line.
pub fn one_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_joined_into_one_line() {
        let error = Error::Io {
            action: "reading",
            path: "/opt/ml/x".into(),
            source: std::io::Error::other("first\nsecond"),
        };
        assert_eq!(one_line(&error), "reading /opt/ml/x: first second");
    }
}
