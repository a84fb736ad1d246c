//! Errors that end a training run or keep a server from starting. Messages name the file or field,
//! and say what to do. A bad request to a running server is a [`crate::Refusal`].

use std::path::PathBuf;

/// An error that ends `train`, or keeps `serve` from starting.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder of the container's tree could not be read or written.
    #[error("{action} {}", path.display())]
    Io {
        /// The failed action as a participle: `reading`, `writing`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A file below `input/config` does not have the form that SageMaker writes.
    #[error("{} does not have the form that SageMaker writes", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The place and the cause.
        source: serde_json::Error,
    },
    /// A hyperparameter that this program does not have.
    #[error("unknown hyperparameter {name:?}: remove it; the known ones are {known}")]
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
        /// The given text.
        value: String,
        /// The accepted values.
        range: &'static str,
    },
    /// A channel of the job has no file.
    #[error("channel {channel} has no file below {}: {advice}", path.display())]
    MissingChannel {
        /// The channel's name.
        channel: &'static str,
        /// The channel's folder.
        path: PathBuf,
        /// What to do.
        advice: String,
    },
    /// The job's configuration asks for something that this program does not support.
    #[error("{what}: {advice}")]
    Unsupported {
        /// The unsupported setting.
        what: String,
        /// What to do instead.
        advice: &'static str,
    },
    /// A file is too deep below its channel.
    #[error("{} is more than {} folders below its channel: move it up", path.display(), crate::MAX_DEPTH)]
    TooDeep {
        /// The file's folder.
        path: PathBuf,
    },
    /// The model's file is of another program or version, incomplete or damaged.
    #[error("{} is not a usable model: {reason}", path.display())]
    BadModel {
        /// The file.
        path: PathBuf,
        /// The problem.
        reason: String,
    },
    /// A signal stopped training before the model was written.
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
    /// The server could not listen on its address.
    #[error("cannot listen on {address}: give a free address with --host and --port")]
    Listen {
        /// Host and port.
        address: String,
        /// The operating system's error.
        source: std::io::Error,
    },
}

/// The error and all its causes in one line.
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
